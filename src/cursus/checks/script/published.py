"""Which modules are published ones, and which of these an image does not have."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from cursus.aws.images import Image, amazon_image
from cursus.aws.tables import entries, table
from cursus.checks.rules import Problem
from cursus.checks.script.processing_view import ProcessingView
from cursus.checks.views import TrainingView
from cursus.script.facts import ScriptFacts


def published(name: str) -> bool:
    """True for a module of Python's or of a package that many use."""
    popular = table("packages")["popular"]
    return is_known(name) or optional(name) or name in popular or name.replace("_", "-") in popular


def not_published(view: TrainingView, facts: ScriptFacts) -> Iterator[Problem]:
    """A package that the image lacks, where nothing installs it."""
    image = amazon_image(view.image)
    named = {one.name.lower().replace("_", "-") for one in facts.requirements}
    if image is None or not named <= entries("libraries", "plain_packages"):
        return  # another package may bring what is imported
    listed = facts.directory_listing & INSTALLED - ({"requirements.txt"} if named else set())
    if listed or "PYTHONPATH" in view.environment:
        return
    if facts.calls & {"os.system", "os.popen", "sys.path.append", "sys.path.insert"}:
        return
    for one in facts.imports if not facts.top_imports & INSTALLERS else ():
        module = one.module.partition(".")[0]
        known = OTHERWISE_NAMED.get(module, module.replace("_", "-")) in named
        if one.sure and not one.level and not known and _lacks(image, module, bool(named)):
            yield Problem(
                f"the script imports {module}, which {image.repository} is not published with, and "
                + ("requirements.txt does not name it" if named else "nothing installs it"),
                ("AlgorithmSpecification", "TrainingImage"),
                remedy=f"put {module} into requirements.txt beside the script"
                + (", and run it by a FrameworkProcessor" if isinstance(view, ProcessingView) else ""),
                severity="error",
                location=one.location,
            )
            return


def _lacks(image: Image, module: str, others: bool = False) -> bool:
    """True for a published library that an image surely does not have; ``others``: others are installed."""
    known = table("packages")
    if image.engine == "sklearn" and others:
        return module in known["dockerfiles"]["pytorch-training"]["absent"]
    if image.engine == "sklearn":
        there = {*known["images"]["sklearn"], *sys.stdlib_module_names, *FRAMEWORKS, *INSTALLERS}
        return module not in there and published(module)
    told = known["dockerfiles"].get(image.repository, {"absent": []})
    minor = ".".join((image.engine_version or "").split(".")[:2])
    return module in told["absent"] and (not told["versions"] or minor in told["versions"])


FRAMEWORKS = {"torch": "pytorch", "tensorflow": "tensorflow", "xgboost": "xgboost", "mxnet": "mxnet"}
OTHERWISE_NAMED = {"imblearn": "imbalanced-learn"}
"""What a package is called on the index, where its module has another name."""
INSTALLED = frozenset({"requirements.txt", "setup.py", "pyproject.toml"})
INSTALLERS = frozenset({"subprocess", "pip", "runpy"})


def is_known(name: str) -> bool:
    """True for a module of Python's, or of one of the best known libraries."""
    return name in entries("libraries", "best_known") or name in sys.stdlib_module_names


def optional(name: str) -> bool:
    """True for a library that a script may do without, which is no module of its own."""
    return name in entries("libraries", "in_images") or name in entries("libraries", "published")

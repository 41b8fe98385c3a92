"""Which modules are published ones, and which of these an image does not have."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from cursus.aws.images import Image, amazon_image
from cursus.aws.tables import entries, table
from cursus.checks.rules import Problem
from cursus.checks.script.conditions import all_hold
from cursus.checks.script.processing_view import ProcessingView
from cursus.checks.script.request import resolve
from cursus.checks.views import TrainingView
from cursus.model import Location
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
    for told, module, location in _wanted(view, facts) if not facts.top_imports & INSTALLERS else ():
        known = OTHERWISE_NAMED.get(module, module.replace("_", "-")) in named
        if not known and _lacks(image, module, bool(named)):
            yield Problem(
                f"{told} {module}, which {image.repository} is not published with, and "
                + ("requirements.txt does not name it" if named else "nothing installs it"),
                ("AlgorithmSpecification", "TrainingImage"),
                remedy=f"put {module} into requirements.txt beside the script"
                + (", and run it by a FrameworkProcessor" if isinstance(view, ProcessingView) else ""),
                severity="error",
                location=location,
            )
            return


def _wanted(view: TrainingView, facts: ScriptFacts) -> Iterator[tuple[str, str, Location]]:
    """The modules that every run imports, by itself or by what it calls of pandas: (what wants it, module, place)."""
    for one in facts.imports:
        if one.sure and not one.level:
            yield "the script imports", one.module.partition(".")[0], one.location
    brought = any("[" in one.line for one in facts.requirements)  # pandas[aws], fsspec[s3]
    for use in facts.paths if "pandas" in facts.top_imports and not brought else ():
        if not use.sure or use.local or not all_hold(view, use.tests):
            continue
        name = use.call.rpartition(".")[2]
        places = [resolve(view, path) for path in use.paths]
        if places and all(isinstance(place, str) and place.startswith("s3://") for place in places):
            if use.call.startswith("pandas.read_") or name in PANDAS_WRITES:
                yield f"{name} of an s3:// URI wants", "s3fs", use.location
        elif use.call == "pandas.read_excel" and not facts.strings & OTHER_READERS:
            old = all(isinstance(place, str) and place.endswith(".xls") for place in places)
            yield "read_excel wants", "xlrd" if places and old else "openpyxl", use.location


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


PANDAS_WRITES = frozenset({"to_csv", "to_parquet", "to_json", "to_pickle"})
"""Methods of a frame that write to a place in S3, where s3fs is installed."""
OTHER_READERS = frozenset({"calamine", "odf", "pyxlsb", "xlrd"})
"""Engines of ``read_excel`` that a script may name."""
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

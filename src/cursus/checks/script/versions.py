"""Which versions of libraries a job has: those that are pinned, the image's own, or what its Python allows."""

from __future__ import annotations

import re

from cursus.aws.images import Image, amazon_image, order
from cursus.aws.tables import table
from cursus.checks.script.files import python_of
from cursus.checks.script.published import INSTALLERS
from cursus.checks.script.request import script_of
from cursus.checks.views import TrainingView
from cursus.script.facts import ScriptFacts

ENGINES = {"torch": "pytorch", "transformers": "huggingface"}
"""What images call a library that they are for."""
EVERYWHERE = frozenset({"numpy", "pandas", "scikit-learn", "scipy"})
"""What every image of Amazon's has in some version."""
_PIP = re.compile(r"\bpip3?\s+install\s+(?!(?:-\S+\s+)*(?:-r|--requirement)\b)")
"""Packages that a shell script installs by name."""


def versions_of(view: TrainingView, library: str) -> tuple[str, str] | None:
    """The lowest and the highest version that the job may have of a library; None where nothing is known.

    A requirement that names none installs the newest that the image's Python allows, or keeps what is there.
    """
    if library == "python":
        found = ".".join(map(str, python_of(view) or ()))
        return (found, found) if found else None
    packages = table("libraries")["framework_packages"].get(library, [library])
    if _installs(script_of(view)):
        return None
    for one in script_of(view).requirements:
        if one.name.lower().replace("_", "-") in packages:
            pinned = re.fullmatch(r"={2,3}\s*(\d+(?:\.\d+)*)", one.version)
            least = re.fullmatch(r"[>~]=\s*(\d+(?:\.\d+)*)", one.version)
            if pinned is not None:
                return pinned[1], pinned[1]
            low, high = _of_python(view, packages[0]) or ("", "9999")
            if least is not None:
                low = max(low, least[1], key=order)
            return (low, high) if low else None
    image = amazon_image(view.image)
    if image is None:
        return None
    known = _pinned(image, packages[0]) or _own(image, library)
    return known or (_of_python(view, packages[0]) if packages[0] in EVERYWHERE else None)


def _installs(facts: ScriptFacts) -> bool:
    """True where the script, or the shell script that starts it, installs packages itself, of whatever version."""
    starts = facts.top_imports & INSTALLERS or facts.calls & {"os.system", "os.popen"}
    return bool(_PIP.search(facts.shell_text) or (starts and any("pip" in text for text in facts.strings)))


def _own(image: Image, library: str) -> tuple[str, str] | None:
    """The version of the library that the image is for, and is called after."""
    for framework, version in ((image.framework, image.version), (image.engine, image.engine_version)):
        if framework == ENGINES.get(library, library) and version:
            plain = version.partition("-")[0]
            return plain, plain
    return None


def _pinned(image: Image, package: str) -> tuple[str, str] | None:
    """What the image's requirements and Dockerfiles pin."""
    tables = table("packages")["dockerfiles"]["pinned"].get(image.repository, {})
    minor = ".".join((image.engine_version or "").split(".")[:2])
    found = tables.get(image.version, tables.get(minor, {})).get(package)
    return (found[0], found[1]) if found is not None else None


def _of_python(view: TrainingView, package: str) -> tuple[str, str] | None:
    """The versions of which pip finds a build for the image's Python: an older one has to be compiled."""
    python = ".".join(map(str, python_of(view) or ()))
    known = table("packages")["wheels"].get(package, {})
    found = [
        version for pythons, versions in known.items() if python in pythons.split() for version in versions
    ]
    if not found or amazon_image(view.image) is None:
        return None
    newest = max(found, key=order)
    latest = newest == max((version for versions in known.values() for version in versions), key=order)
    return min(found, key=order), "9999" if latest else newest

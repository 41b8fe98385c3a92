"""requirements.txt against what PyPI has: names that are a slip of a well-known one, and versions that never were."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from cursus.aws import images
from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import invocation, script_of
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import Requirement
from cursus.suggest import one_letter

INDEXES = ("CA_REPOSITORY_ARN", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")
"""Variables that send pip elsewhere too."""
LONGEST = 100
"""Letters of a package's name; no popular one has half as many."""


@rule("FRM069", scope="script")
def no_such_release(view: TrainingView) -> Iterator[Problem]:
    """A line of requirements.txt names a package or a version that PyPI does not have.

    What it does:
        Where no other index is named: looks for names that are one letter away from a well-known package's and no package's own, and for
        pinned versions of some well-known packages that were never released, or not for the Python of the image's tag. A version above
        the newest known is a warning, and one that pip would have to compile for that Python.
    Why:
        pip ends with ``No matching distribution found``, and the job fails with ``InstallRequirementsError``.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        -   requirements.txt: "pandas==1.5.9"
        +   requirements.txt: "pandas==1.5.3"
    Source:
        https://pip.pypa.io/en/stable/cli/pip_index/
    """
    facts = script_of(view)
    if not facts.requirements or invocation(view).kind in ("command", "none"):
        return
    if any(one.line.startswith("-") and not one.name for one in facts.requirements):
        return
    if any(name in view.environment for name in INDEXES):
        return
    python = _python(view)
    for one in facts.requirements:
        if one.name and not one.problem and not {"@", ";"} & set(one.line):
            yield from _unreleased(one, python)


def _python(view: TrainingView) -> str:
    """The Python version that the image's tag names, such as ``3.10``, or an empty text."""
    image = images.amazon_image(view.image)
    found = re.fullmatch(r"py(3)(\d+)", image.python_version or "") if image is not None else None
    return f"{found[1]}.{found[2]}" if found is not None else ""


def _unreleased(requirement: Requirement, python: str) -> Iterator[Problem]:
    from cursus.aws.tables import table

    known = table("packages")
    name = re.sub(r"[-_.]+", "-", requirement.name.lower())
    releases = known["releases"].get(name)
    if releases is not None:
        wrong = list(_never_released(requirement, name, releases, known["date"]))
        yield from wrong or _not_for(requirement, name, python)
    elif name not in known["near"] and name not in known["popular"]:
        meant = _popular_name(name)
        if meant is not None:
            yield Problem(
                f"{show(requirement.line)}: PyPI had no package {name!r} on {known['date']}. Did you mean {meant!r}?",
                remedy=f"write {meant}",
                location=requirement.location,
            )


def _popular_name(name: str) -> str | None:
    """The popular package whose name is this one but for a letter."""
    if len(name) > LONGEST:
        return None
    near = {other: number for part in _shortened(name) for number, other in _by_part().get(part, ())}
    return min((other for other in near if one_letter(name, other)), key=near.__getitem__, default=None)


@cache
def _by_part() -> dict[str, list[tuple[int, str]]]:
    """The popular names, in their order, by what is left of each without a letter: that, names one letter apart share."""
    from cursus.aws.tables import table

    found: dict[str, list[tuple[int, str]]] = {}
    for number, name in enumerate(table("packages")["popular"]):
        for part in _shortened(name):
            found.setdefault(part, []).append((number, name))
    return found


def _shortened(name: str) -> set[str]:
    return {name, *(name[:i] + name[i + 1 :] for i in range(len(name)))}


def _never_released(requirement: Requirement, name: str, releases: list[str], date: str) -> Iterator[Problem]:
    pinned = re.fullmatch(r"={2,3}\s*(\d+(?:\.\d+)*)", requirement.version)
    wanted = _numbers(pinned.group(1)) if pinned is not None else None
    there = [numbers for release in releases if (numbers := _numbers(release)) is not None]
    if pinned is None or wanted is None or wanted in there:
        return
    series = [numbers for numbers in there if numbers[:2] == wanted[:2]]
    if series and wanted < max(series):
        return  # it may have been withdrawn, and a pin installs it all the same
    newest = _written(max(series or there))
    yield Problem(
        f"{name} had no version {pinned.group(1)} on {date}: pip finds no matching distribution",
        remedy=f"pin a version that there is; the newest{' of these' if series else ''} is {newest}",
        severity="warning" if wanted > max(there) else None,
        location=requirement.location,
    )


def _not_for(requirement: Requirement, name: str, python: str) -> Iterator[Problem]:
    """A release that there is, and not for the image's Python; or one that would have to be compiled for it."""
    from cursus.aws.tables import table

    found = re.fullmatch(r"(={2,3}|>=|~=)\s*(\d+(?:\.\d+)*)", requirement.version)
    wanted = _numbers(found[2]) if found is not None else None
    if found is None or wanted is None or not python:
        return
    least = found[1] in (">=", "~=")
    wheels, sources = (_by_python(table("packages")[kind][name]) for kind in ("wheels", "sources"))
    fit = [
        each
        for each in sorted({*wheels, *sources}, key=lambda each: _numbers(each) or ())
        if any(
            version == wanted or (least and version > wanted)
            for version in (*wheels.get(each, ()), *sources.get(each, ()))
        )
    ]
    if python not in fit:
        here = wheels.get(python)
        if fit and here:
            yield Problem(
                f"{name} has no version {found[0].lstrip('=')} for Python {python}, which the image has: "
                f"it is for {', '.join(fit)}",
                remedy=f"the newest for Python {python} is {_written(max(here))}; or choose an image with another Python",
                location=requirement.location,
            )
        return
    built = [each for each, versions in wheels.items() if wanted in versions]
    if built and python not in built and python in wheels and not least:
        yield Problem(
            f"{name} {found[2]} has no build for Python {python}, which the image has: pip compiles it, or fails to",
            remedy=f"builds for Python {python} begin with {_written(min(wheels[python]))}",
            severity="warning",
            location=requirement.location,
        )


def _written(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version if len(version) > 1 else (*version, 0)))


def _by_python(table: Mapping[str, list[str]]) -> dict[str, list[tuple[int, ...]]]:
    """Versions as numbers by each Python, of a table by several Pythons."""
    found: dict[str, list[tuple[int, ...]]] = {}
    for pythons, versions in table.items():
        read = [numbers for version in versions if (numbers := _numbers(version)) is not None]
        for python in pythons.split():
            found.setdefault(python, []).extend(read)
    return found


def _numbers(version: str) -> tuple[int, ...] | None:
    """A plain version as numbers, zeros at its end left out; None for one with letters."""
    if re.fullmatch(r"\d+(?:\.\d+)*", version) is None:
        return None
    found = [int(part[:18]) for part in version.split(".")]
    while len(found) > 1 and found[-1] == 0:
        found.pop()
    return tuple(found)

"""requirements.txt against what PyPI has: names that are a slip of a well-known one, and versions that never were."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script_request import invocation
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import Requirement

INDEXES = ("CA_REPOSITORY_ARN", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")
"""Variables that send pip elsewhere too."""


@rule("FRM069", area="framework", scope="script")
def no_such_release(view: TrainingView) -> Iterator[Problem]:
    """A line of requirements.txt names a package or a version that PyPI does not have.

    What it does:
        Where no other index is named: looks for names that are one letter away from a well-known package's and no package's own, and for
        pinned versions of some well-known packages that were never released. A version above the newest known is a warning.
    Why:
        pip ends with ``No matching distribution found``, and the job fails with ``InstallRequirementsError``.
    Breaks:
        files:
          train.py: |
            import os
            print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          requirements.txt: "pandas==1.5.9"
    Right:
        files:
          train.py: |
            import os
            print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          requirements.txt: "pandas==1.5.3"
    Source:
        https://pip.pypa.io/en/stable/cli/pip_index/
    Since:
        0.1
    """
    facts = view.script
    if facts is None or not facts.requirements or invocation(view).kind in ("command", "none"):
        return
    if any(one.line.startswith("-") and not one.name for one in facts.requirements):
        return
    if any(name in view.environment for name in INDEXES):
        return
    for one in facts.requirements:
        if one.name and not one.problem and not {"@", ";"} & set(one.line):
            yield from _unreleased(one)


def _unreleased(requirement: Requirement) -> Iterator[Problem]:
    from cursus.aws.tables import table

    known = table("packages")
    name = re.sub(r"[-_.]+", "-", requirement.name.lower())
    releases = known["releases"].get(name)
    if releases is not None:
        yield from _never_released(requirement, name, releases, known["date"])
    elif name not in known["near"] and name not in known["popular"]:
        meant = next((other for other in known["popular"] if _one_letter(name, other)), None)
        if meant is not None:
            yield Problem(
                f"{show(requirement.line)}: PyPI had no package {name!r} on {known['date']}. Did you mean {meant!r}?",
                remedy=f"write {meant}",
                location=requirement.location,
            )


def _never_released(requirement: Requirement, name: str, releases: list[str], date: str) -> Iterator[Problem]:
    pinned = re.fullmatch(r"={2,3}\s*(\d+(?:\.\d+)*)", requirement.version)
    wanted = _numbers(pinned.group(1)) if pinned is not None else None
    there = [numbers for release in releases if (numbers := _numbers(release)) is not None]
    if pinned is None or wanted is None or wanted in there:
        return
    series = [numbers for numbers in there if numbers[:2] == wanted[:2]]
    if series and wanted < max(series):
        return  # it may have been withdrawn, and a pin installs it all the same
    newest = ".".join(map(str, max(series or there)))
    yield Problem(
        f"{name} had no version {pinned.group(1)} on {date}: pip finds no matching distribution",
        remedy=f"pin a version that there is; the newest{' of these' if series else ''} is {newest}",
        severity="warning" if wanted > max(there) else None,
        location=requirement.location,
    )


def _numbers(version: str) -> tuple[int, ...] | None:
    """A plain version as numbers, zeros at its end left out; None for one with letters."""
    if re.fullmatch(r"\d+(?:\.\d+)*", version) is None:
        return None
    found = [int(part[:18]) for part in version.split(".")]
    while len(found) > 1 and found[-1] == 0:
        found.pop()
    return tuple(found)


def _one_letter(name: str, other: str) -> bool:
    """True where one letter more, less, another or exchanged makes one name of the other."""
    if abs(len(name) - len(other)) > 1 or name == other:
        return False
    pairs = zip(name, other, strict=False)
    start = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(name), len(other)))
    rest, others = name[start:], other[start:]
    if rest[1:] == others[1:] or rest[1:] == others or rest == others[1:]:
        return True
    return rest[:2] == others[:2][::-1] and rest[2:] == others[2:]

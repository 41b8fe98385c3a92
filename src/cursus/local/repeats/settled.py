"""A step without chance: what differs between two of its runs is then due to what was changed between them."""

from __future__ import annotations

import dataclasses
import os

from cursus.local.isolation.mounts import OURS, PROGRAMS
from cursus.model import Step

FOLDERS = (f"{OURS}/shims/fixed", f"{PROGRAMS}/shims/fixed")
"""Where a host sees the ``sitecustomize`` that does it: below the name of ours, or where it is on this machine."""
CHANCE = frozenset(
    {"random", "numpy", "pandas", "scipy", "sklearn", "uuid", "secrets", "xgboost", "lightgbm"}
)


def by_chance(step: Step) -> bool:
    """True where the script imports what gives other numbers each time."""
    from cursus.script.reader import read_source

    return step.source is not None and bool(read_source(step.source).top_imports & CHANCE)


def settled(step: Step) -> Step:
    """The step with the same chance in each run. A script's own seeds stay."""
    environment = dict(step.request.get("Environment") or {})
    paths = [environment.get("PYTHONPATH"), *FOLDERS]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    environment.setdefault("PYTHONHASHSEED", "0")
    return dataclasses.replace(step, request={**step.request, "Environment": environment})

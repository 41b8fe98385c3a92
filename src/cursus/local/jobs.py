"""The jobs of a root: found by name, listed with as little reading as can be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from cursus.local import record

UNFINISHED = ".deleted-"
"""How a job's folder is called while it is removed, so that its name is free at once."""


def folder_of(root: str, name: str) -> str:
    """Where the job of this name has its folder."""
    return os.path.join(root, "jobs", name)


def names(root: str) -> list[str]:
    """The names of all folders that may hold a job, sorted."""
    try:
        found = os.listdir(os.path.join(root, "jobs"))
    except OSError:
        return []
    return sorted(name for name in found if not name.startswith("."))


def find(root: str, name: str) -> dict[str, Any] | None:
    """The state of the job of this name, as it is now; None where there is no such job."""
    if not name or "/" in name or "\0" in name or name.startswith("."):
        return None
    try:
        return record.present(folder_of(root, name))
    except (OSError, ValueError):
        return None


def states(root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name and state of every job that can be read, in no order that means anything."""
    for name in names(root):
        state = find(root, name)
        if state is not None and is_whole(state):
            yield name, state


def is_whole(state: dict[str, Any]) -> bool:
    """True where a record has what every job's has."""
    return (
        isinstance(state.get("request"), dict)
        and isinstance(state["request"].get("TrainingJobName"), str)
        and isinstance(state.get("status"), str)
        and isinstance(state.get("created"), (int, float))
    )


def remove(root: str, name: str) -> None:
    """Remove a job's folder; its name is free when this returns, whatever permissions the job left in it.

    Raises OSError where the folder cannot be renamed.
    """
    from cursus.local import sandbox

    folder = folder_of(root, name)
    gone = os.path.join(root, "jobs", f"{UNFINISHED}{os.getpid()}-{name}")
    os.rename(folder, gone)
    sandbox.remove(gone)

"""The jobs of a root: found by name, listed with as little reading as can be.

A job that has ended does not change, so what a listing needs of it is kept in ``jobs/.index.json``, beside the
time and number of the ``job.json`` that it was read from. The index is a help, never the truth: it is made anew
where it is missing or damaged, and left out where the root cannot be written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from cursus.local.jobs import record
from cursus.local.linux.disk import whole

REMOVED = ".deleted-"
"""How a job's folder is called while it is removed, so that its name is free at once."""

NAME_LENGTH = 63
INDEX = ".index.json"
UNLISTED = 50
"""Jobs that a listing reads one by one before it writes the index again."""

BRIEF = (
    "arn",
    "created",
    "modified",
    "started",
    "ended",
    "status",
    "secondary",
    "failure_reason",
    "stop_reason",
    "warm_pool",
)


def folder_of(root: str, name: str) -> str:
    """Where the job of this name has its folder."""
    return os.path.join(root, "jobs", name)


def free_name(root: str, name: str, suffix: str) -> str:
    """A job name that stands beside ``name`` and is not used in ``root`` yet."""
    number = 1
    while True:
        end = suffix if number == 1 else f"{suffix}-{number}"
        found = name[: NAME_LENGTH - len(end)] + end
        if not os.path.exists(folder_of(root, found)):
            return found
        number += 1


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
        state = record.present(folder_of(root, name))
    except (OSError, ValueError, KeyError):
        return None
    return state if _is_whole(state) else None


def states(root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and state of every job that can be read, by name; of a state only ``BRIEF`` and two of the request."""
    index = _load_index(root)
    kept: dict[str, Any] = {}
    unlisted = 0
    for name in names(root):
        mark = _mark(root, name)
        if mark is None:
            continue
        entry = index.get(name)
        if entry is not None and entry[0] == mark:
            kept[name] = entry
            yield name, entry[1]
            continue
        state = find(root, name)
        if state is None:
            continue
        short = _brief(state)
        if state["status"] in record.FINAL:
            unlisted += 1
            kept[name] = [mark, short]
        yield name, short
    if unlisted > UNLISTED or len(index) - len(kept) > UNLISTED:
        _save_index(root, kept)


def _brief(state: dict[str, Any]) -> dict[str, Any]:
    short = {name: state[name] for name in BRIEF if name in state}
    resources = state["request"].get("ResourceConfig") or {}
    request = {"TrainingJobName": state["request"]["TrainingJobName"]}
    if "TrainingPlanArn" in resources:
        request["ResourceConfig"] = {"TrainingPlanArn": resources["TrainingPlanArn"]}
    return {**short, "request": request}


def _is_whole(state: dict[str, Any]) -> bool:
    return (
        isinstance(state.get("request"), dict)
        and isinstance(state["request"].get("TrainingJobName"), str)
        and isinstance(state.get("status"), str)
        and isinstance(state.get("created"), (int, float))
    )


def _mark(root: str, name: str) -> list[int] | None:
    """What tells one ``job.json`` from another in its place: it is always replaced, never rewritten."""
    try:
        found = os.stat(os.path.join(folder_of(root, name), "job.json"))
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_ino, found.st_size]


def _load_index(root: str) -> dict[str, Any]:
    try:
        with open(os.path.join(root, "jobs", INDEX), "rb") as file:
            found = json.load(file)
        if not isinstance(found, dict) or found.get("version") != 2:
            return {}
        return {name: entry for name, entry in found["jobs"].items() if _is_whole(entry[1])}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return {}


def _save_index(root: str, entries: dict[str, Any]) -> None:
    path = os.path.join(root, "jobs", INDEX)
    with suppress(OSError), whole(path, f"{path}.{os.getpid()}") as part, open(part, "w") as file:
        json.dump({"version": 2, "jobs": entries}, file)


def remove(root: str, name: str) -> None:
    """Remove a job's folder; its name is free when this returns, whatever permissions the job left in it.

    Raises OSError where the folder cannot be renamed.
    """
    from cursus.local import sandbox

    folder = folder_of(root, name)
    gone = os.path.join(root, "jobs", f"{REMOVED}{os.getpid()}-{name}")
    os.rename(folder, gone)
    sandbox.remove(gone)

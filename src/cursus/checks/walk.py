"""One walk over a request: the texts that rules have to look at, and the members that it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cursus.checks.texts import CHOICES, FREE, USUAL, suspicions
from cursus.checks.views import is_reference
from cursus.model import Path

MAX_CONTAINERS = 50_000
"""Mappings and lists of one request that rules look into: the model allows some thousands."""
MAX_DEPTH = 20
"""Levels of nesting that rules look into: no request has more than a dozen."""

Suspects = dict[str, list[tuple[Path, str]]]
# A container with the path to it, the member of FREE that it lies in, and the name of the member that it is.
_Entry = tuple[Path, str, str, Any]


def walk(request: Mapping[str, Any]) -> tuple[Suspects, frozenset[str] | None]:
    """(the suspects, the members) of a request, as ``RequestView`` hands them out."""
    found: Suspects = {}
    members: set[Any] = set()
    queue: list[_Entry] = [((), "", "", request)]
    for entry in queue:
        path, holder, _, container = entry
        if len(queue) > MAX_CONTAINERS or len(path) > MAX_DEPTH:
            return found, None
        if type(container) is list:
            _listed(entry, found, queue)
        elif len(container) == 1 and is_reference(container):
            continue
        elif holder:
            _free(entry, found, queue)
        else:
            members.update(container)
            _members(entry, found, queue, members)
    return found, frozenset(members)


def _members(entry: _Entry, found: Suspects, queue: list[_Entry], members: set[Any]) -> None:
    """A structure of the service model: its keys are names of members."""
    path, _, _, container = entry
    for name, value in container.items():
        kind = type(value)
        if kind is str:
            if name in CHOICES:
                if value not in USUAL:
                    members.add(f"{name}={value}")
            elif type(name) is str:
                for suspicion in suspicions("", name, value):
                    found.setdefault(suspicion, []).append(((*path, name), value))
        elif kind is dict or kind is list:
            if not value:
                members.add(f"{name}={value}")
            elif type(name) is str:
                queue.append(((*path, name), name if name in FREE else "", name, value))


def _free(entry: _Entry, found: Suspects, queue: list[_Entry]) -> None:
    """A map whose keys are the user's own, or a structure inside one."""
    path, holder, _, container = entry
    for name, value in container.items():
        if type(name) is not str:
            continue
        kind = type(value)
        if kind is str:
            for suspicion in suspicions(holder, name, value):
                found.setdefault(suspicion, []).append(((*path, name), value))
        elif (kind is dict or kind is list) and value:
            queue.append(((*path, name), holder, name, value))


def _listed(entry: _Entry, found: Suspects, queue: list[_Entry]) -> None:
    path, holder, name, container = entry
    for index, value in enumerate(container):
        kind = type(value)
        if kind is str:
            for suspicion in suspicions(holder, name, value):
                found.setdefault(suspicion, []).append(((*path, index), value))
        elif (kind is dict or kind is list) and value:
            queue.append(((*path, index), holder, name, value))

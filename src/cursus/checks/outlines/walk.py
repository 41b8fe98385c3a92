"""One walk over a request: the texts that rules have to look at, and the members that it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cursus.checks.outlines.members import Members, members
from cursus.checks.texts import (
    CHOICES,
    FREE,
    NAMES,
    READ_PLACE,
    SCRIPTS,
    USUAL,
    WRITTEN_PLACE,
    names_a_script,
    of_places,
    suspicions,
)
from cursus.checks.views import is_reference
from cursus.model import Path

_QUIET = CHOICES | NAMES
MAX_CONTAINERS = 50_000
"""Mappings and lists of one request that rules look into: the model allows some thousands."""
MAX_DEPTH = 20
"""Levels of nesting that rules look into: no request has more than a dozen."""

Suspects = dict[str, list[tuple[Path, str]]]


def walk(request: Mapping[str, Any], region: str = "") -> tuple[Suspects, Members | None]:
    """(the suspects, the members) of a request to ``region``, as ``RequestView`` hands them out."""
    found: Suspects = {}
    located: dict[str, list[str]] = {READ_PLACE: [], WRITTEN_PLACE: []}
    names: set[Any] = set()
    # Containers, each with the path to it, the member of FREE that it lies in, and the member that it is.
    queue: list[tuple[Path, str, str, Any]] = [((), "", "", request)]
    for path, holder, member, container in queue:
        if len(path) > MAX_DEPTH or len(queue) > MAX_CONTAINERS:
            return found, None
        listed = type(container) is list
        items: Iterable[tuple[Any, Any]]
        if listed:
            items = enumerate(container)
        elif len(container) == 1 and is_reference(container):
            continue
        else:
            items = container.items()
            if not holder:
                names.update(container)
            elif member == holder:
                names.add((member, *container))
        for key, value in items:
            name = member if listed else key
            kind = type(value)
            if kind is str:
                if not holder and name in _QUIET:
                    if value not in USUAL and name in CHOICES:
                        names.add(f"{name}={value}")
                    continue
                if type(name) is not str:
                    continue
                if not holder and name in located:
                    located[name].append(value)
                elif (holder, name) in SCRIPTS and not names_a_script(SCRIPTS[holder, name], value):
                    found.setdefault("script", [])
                for suspicion in suspicions(holder, name, value, region):
                    found.setdefault(suspicion, []).append(((*path, key), value))
            elif kind is dict or kind is list:
                if value and type(name) is str:
                    inner = holder or (name if name in FREE else "")
                    queue.append(((*path, key), inner, name, value))
                elif not value and not holder:
                    names.add(f"{name}={value}")
    for suspicion in of_places(located[READ_PLACE], located[WRITTEN_PLACE]):
        found[suspicion] = []
    return found, members(names)

"""What the service model refuses counts as unknown to every other rule: one mistake is reported once.

A broken value is replaced by what a pipeline variable looks like, because every rule already knows that it
cannot know that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cursus.aws.schema import Violation
from cursus.checks.meant import places, wrapped
from cursus.model import Path

UNKNOWN: Mapping[str, str] = {"Get": "unknown"}


class Broken:
    """The places that the service model refuses, and what is said about them already."""

    def __init__(self, violations: Sequence[Violation] = ()) -> None:
        self.violations = violations
        self.places = {violation.path for violation in violations}
        self.around: set[Path] = set()
        for violation in violations:
            if violation.kind in _SHAPES:
                self.around.update(violation.path[:end] for end in (-1, -2) if len(violation.path) + end > 0)

    def covers(self, path: Path) -> bool:
        """True where another finding at ``path`` would only repeat a violation.

        That is at a broken place and below it, and, where the shape of a member is broken, at what holds it:
        a rule that counts or compares its entries has nothing to go by.
        """
        return path in self.around or any(path[:end] in self.places for end in range(1, len(path) + 1))


_SHAPES = frozenset({"type", "count", "not_json"})
NOTHING_BROKEN = Broken()


def without_broken(request: Any, violations: Sequence[Violation], operation: str) -> dict[str, Any] | None:
    """A copy of ``request`` in which broken values are unknown, and unknown members stand where they were meant to.

    Only what lies on the way to a violation is copied. None where the request cannot be read at all.
    """
    if not isinstance(request, Mapping) or any(not violation.path for violation in violations):
        return None
    made = dict(request)
    copied: dict[Path, Any] = {(): made}
    meant = places(operation, request, violations)
    for violation in violations:
        container = _container(copied, violation.path[:-1])
        if container is None or violation.kind == "count":
            continue
        last = violation.path[-1]
        if isinstance(container, list):
            if isinstance(last, int) and last < len(container):
                container[last] = UNKNOWN
        elif violation.key:
            container.pop(last, None)
        elif violation.kind == "unknown":
            container.pop(last, None)
            for name in wrapped(request, violation):
                container.setdefault(name, UNKNOWN)
            if violation.path in meant:
                _take_for_given(copied, meant[violation.path])
        else:
            container[last] = UNKNOWN
    return made


def _take_for_given(copied: dict[Path, Any], path: Path) -> None:
    """Let there be an unknown value at ``path``, or where nothing is yet of what holds it."""
    for end in range(1, len(path) + 1):
        container = _container(copied, path[: end - 1])
        last = path[end - 1]
        if container == UNKNOWN or not isinstance(container, dict if isinstance(last, str) else list):
            return
        if isinstance(container, dict) and (end == len(path) or last not in container):
            container.setdefault(last, UNKNOWN)
            return


def _container(copied: dict[Path, Any], path: Path) -> Any:
    """The copy of the mapping or list at ``path``, made on the way down where it is not there yet."""
    for end in range(1, len(path) + 1):
        place = path[:end]
        if place in copied:
            continue
        around, last = copied[place[:-1]], place[-1]
        try:
            inner = around[last]
        except (KeyError, IndexError, TypeError):
            return None
        if isinstance(inner, Mapping):
            copied[place] = dict(inner)
        elif isinstance(inner, (list, tuple)):
            copied[place] = list(inner)
        else:
            return None
        around[last] = copied[place]
    return copied.get(path)

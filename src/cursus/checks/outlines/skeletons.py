"""What is known of a request with an outline that was not met before, from others with the same members.

Requests whose outlines differ in values alone (another image, instance type or limit) have one *skeleton*: the shapes
of their containers, in order. It knows where the texts of an outline stand that a rule may look at, so that they are
looked at without a walk over the request, and what members such a request has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cursus.checks.outlines.outline import Outline, Shape
from cursus.checks.outlines.walk import Members, Suspects, walk
from cursus.checks.texts import USUAL, place, suspicions
from cursus.model import Path

MAX_PLACES = 100_000
"""Containers, texts and values of all skeletons that are remembered."""
MAX_CHOSEN = 64
"""Sets of choices of one skeleton whose members are remembered."""

Sight = tuple["Skeleton", Members, Suspects, str]
"""The skeleton, the members, the suspects among the texts of the outline, and the region or partition that nothing else
may lie outside of."""

COMMERCIAL = "aws"
"""The partition where no other is named."""


class Skeleton:
    """Where the texts of such an outline stand, as indexes into ``Outline.closed``, and the members by choices.

    ``paths`` are those of the containers. ``texts`` are (index, member of ``texts.FREE`` that it lies in, member, path), ``choices`` (index, member) of
    members with fixed choices. ``heads`` are the members of the request, or of its one TrainingJobDefinition, that
    the values lie in. ``met`` counts the requests that were taken apart.
    """

    __slots__ = ("_indexes", "choices", "heads", "members", "met", "paths", "texts")

    def __init__(self, shapes: tuple[Shape, ...]) -> None:
        self.texts: list[tuple[int, str, str, Path]] = []
        self.choices: list[tuple[int, str]] = []
        self.members: dict[tuple[tuple[str, str], ...], Members] = {}
        self.heads: list[Any] = []
        self.met = 0
        self._indexes: dict[tuple[str, ...], tuple[int, ...]] = {}
        self.paths: list[Path] = [()]
        first = 0
        for shape, path in zip(shapes, self.paths):  # noqa: B905 (they grow on the way, as the walk's queue does)
            self.paths.extend([(*path, name) for name, _ in shape.inner])
            self.choices.extend([(first + index, member) for index, member in shape.choices])
            self.texts.extend(
                [(first + index, shape.holder, member, (*path, name)) for index, name, member in shape.fixed]
            )
            self.heads.extend([_head((*path, name)) for name in shape.picked])
            first += len(shape.picked)

    def indexes(self, members: tuple[str, ...]) -> tuple[int, ...]:
        """Where the values that lie in these members of the request, or of its one definition, stand."""
        found = self._indexes.get(members)
        if found is None:
            found = tuple(index for index, head in enumerate(self.heads) if head in members)
            self._indexes[members] = found
        return found


def _head(path: Path) -> str | int:
    return path[1] if path[0] == "TrainingJobDefinition" and len(path) > 1 else path[0]


_SKELETONS: dict[tuple[Shape, ...], Skeleton] = {}
_held = 0


def forget() -> None:
    """Drop what is remembered of skeletons."""
    global _held
    _SKELETONS.clear()
    _held = 0


def sight(request: Mapping[str, Any], outline: Outline, region: str) -> Sight | None:
    """What the outline of a request tells; None where the request is larger than rules look into.

    Where ``region`` is empty, all has to lie where the image does, or to name no region and no other partition.
    """
    skeleton = _SKELETONS.get(outline.shapes)
    if skeleton is None:
        skeleton = _made(outline.shapes)
    closed = outline.closed
    chosen = tuple(
        [(member, closed[index]) for index, member in skeleton.choices if closed[index] not in USUAL]
    )
    members = skeleton.members.get(chosen)
    if members is None:
        members = walk(request)[1]
        if members is None:
            return None
        if len(skeleton.members) >= MAX_CHOSEN:
            skeleton.members.clear()
        skeleton.members[chosen] = members
    suspects = _suspects(skeleton, closed, region)
    if not region:
        images = [place(str(path[-1]), value) for path, value in suspects.get("image", ())]
        region = next((image[1].region for image in images if image is not None), COMMERCIAL)
        suspects = _suspects(skeleton, closed, region)
    return skeleton, members, suspects, region


def suspects_of(sighted: Sight, outline: Outline, region: str) -> Suspects:
    """All texts of a request to ``region`` that rules look at: those of its outline, and the open ones."""
    skeleton, _, closed, inside = sighted
    opened = outline.suspects(skeleton.paths, inside)
    if not region and ("place" in closed or "place" in opened):  # then rules compare all places
        closed, opened = _suspects(skeleton, outline.closed, ""), outline.suspects(skeleton.paths, "")
    return together(closed, opened)


def together(closed: Suspects, opened: Suspects) -> Suspects:
    """The suspects among the texts of an outline and among the open ones."""
    if not opened:
        return closed
    return {kind: [*closed.get(kind, ()), *opened.get(kind, ())] for kind in (*closed, *opened)}


def suspects_of_outline(sighted: Sight, outline: Outline, region: str) -> Suspects:
    """The texts of the outline alone that rules look at, in a request to ``region``."""
    skeleton, _, closed, _ = sighted
    return closed if region else _suspects(skeleton, outline.closed, "")


def _suspects(skeleton: Skeleton, closed: tuple[Any, ...], region: str) -> Suspects:
    found: Suspects = {}
    for index, holder, member, path in skeleton.texts:
        value = closed[index]
        for suspicion in suspicions(holder, member, value, region):
            found.setdefault(suspicion, []).append((path, value))
    return found


def _made(shapes: tuple[Shape, ...]) -> Skeleton:
    global _held
    made = Skeleton(shapes)
    if _held >= MAX_PLACES:
        _SKELETONS.clear()
        _held = 0
    _held += len(shapes) + len(made.texts) + len(made.heads)
    _SKELETONS[shapes] = made
    return made

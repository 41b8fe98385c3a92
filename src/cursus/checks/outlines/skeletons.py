"""What is known of a request with an outline that was not met before, from others with the same members.

Requests whose outlines differ in values alone (another image, instance type or limit) have one *skeleton*: the shapes
of their containers, in order. It knows where the texts of an outline stand that a rule may look at, so that they are
looked at without a walk over the request, and what members such a request has.
"""

from __future__ import annotations

from typing import Any

from cursus.checks.outlines.members import Members
from cursus.checks.outlines.outline import Outline, Shape
from cursus.checks.outlines.walk import MAX_DEPTH, Suspects
from cursus.checks.texts import USUAL, place, suspicions
from cursus.model import Path

MAX_PLACES = 100_000
"""Containers, texts and values of all skeletons that are remembered."""
MAX_CHOSEN = 64
"""Sets of choices of one skeleton whose members are remembered."""

Sight = tuple["Skeleton", Members, Suspects, str]
"""The skeleton, the members, the suspects among the texts of the outline, and the region or partition that nothing else
may lie outside of."""

Within = tuple[tuple[Any, ...], list[int]]
"""Members, each with the number of its values and the shapes in it, and where these values stand."""

DEFINITION = "TrainingJobDefinition"
COMMERCIAL = "aws"
"""The partition where no other is named."""


class Skeleton:
    """Where the texts of such an outline stand, as indexes into ``Outline.closed``, and the members by choices.

    ``texts`` are (index, member of ``texts.FREE`` that it lies in, member, number of the container, name), ``choices`` (index,
    member) of members with fixed choices. ``met`` counts the requests that were taken apart.
    """

    __slots__ = (
        *("_above", "_heads", "_parts", "_paths", "choices"),
        *("had", "members", "met", "size", "texts"),
    )

    def __init__(self, shapes: tuple[Shape, ...]) -> None:
        self.texts: list[tuple[int, str, str, int, Any]] = []
        self.choices: list[tuple[int, str]] = []
        self.members: dict[tuple[tuple[str, str], ...], Members] = {}
        self.had = tuple({shape.members: None for shape in shapes})
        self.met = 0
        self._heads: dict[Any, tuple[list[int], list[Shape]]] = {}
        self._parts: dict[tuple[str, ...], Within] = {}
        self._above: list[tuple[int, Any]] = [
            (-1, None)
        ]  # the container that each lies in, and its name there
        self._paths: list[Path] = []
        heads: list[Any] = [None]  # the member that each container lies in; None for a job itself
        first = 0
        for number, shape in enumerate(shapes):
            head, after = heads[number], first + len(shape.picked)
            for name, _ in shape.inner:
                self._above.append((number, name))
                heads.append(head or (None if number == 0 and name == DEFINITION else name))
            if shape.choices:
                self.choices += [(first + index, member) for index, member in shape.choices]
            for index, name, member in shape.fixed:
                self.texts.append((first + index, shape.holder, member, number, name))
            if head is not None:
                indexes, inside = self._heads.setdefault(head, ([], []))
                indexes.extend(range(first, after))
                inside.append(shape)
            else:
                for index, name in enumerate(shape.picked, first):
                    self._heads.setdefault(name, ([], []))[0].append(index)
            first = after
        self.size = len(shapes) + len(self.texts) + first

    @property
    def deep(self) -> bool:
        """True where containers lie deeper than rules look."""
        depth, number = 0, len(self._above) - 1  # none lies deeper than the last
        while number > 0:
            depth, number = depth + 1, self._above[number][0]
        return depth > MAX_DEPTH

    @property
    def paths(self) -> list[Path]:
        """Those of the containers."""
        if not self._paths:
            self._paths.append(())
            for number, name in self._above[1:]:
                self._paths.append((*self._paths[number], name))
        return self._paths

    def within(self, members: tuple[str, ...]) -> Within:
        """What lies in these members of the request, or of its one definition."""
        found = self._parts.get(members)
        if found is None:
            indexes: list[int] = []
            inside: list[Any] = []
            for member in members:
                if member in self._heads:
                    at, shapes = self._heads[member]
                    indexes += at
                    inside += (member, len(at), *shapes)
            found = self._parts[members] = tuple(inside), indexes
        return found


_SKELETONS: dict[tuple[Shape, ...], Skeleton] = {}
_held = 0


def forget() -> None:
    """Drop what is remembered of skeletons."""
    global _held
    _SKELETONS.clear()
    _held = 0


def sight(outline: Outline, region: str) -> Sight | None:
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
    had = skeleton.members.get(chosen)
    if had is None:
        if skeleton.deep:
            return None
        if len(skeleton.members) >= MAX_CHOSEN:
            skeleton.members.clear()
        named = frozenset(f"{member}={value}" for member, value in chosen)
        had = skeleton.members[chosen] = Members(named, skeleton.had)
    suspects = _suspects(skeleton, closed, region)
    if not region:
        images = [place(str(path[-1]), value) for path, value in suspects.get("image", ())]
        region = next((image[1].region for image in images if image is not None), COMMERCIAL)
        suspects = _suspects(skeleton, closed, region)
    return skeleton, had, suspects, region


def suspects_of(sighted: Sight, outline: Outline, region: str) -> Suspects:
    """All texts of a request to ``region`` that rules look at: those of its outline, and the open ones."""
    skeleton, _, closed, inside = sighted
    opened = outline.suspected(inside)
    if not region and ("place" in closed or any(each[0] == "place" for each in opened)):
        closed = _suspects(skeleton, outline.closed, "")  # then rules compare all places
        opened = outline.suspected("")
    if not opened:
        return closed
    found = {kind: list(texts) for kind, texts in closed.items()}
    for kind, number, name, value in opened:
        found.setdefault(kind, []).append(((*skeleton.paths[number], name), value))
    return found


def suspects_of_outline(sighted: Sight, outline: Outline, region: str) -> Suspects:
    """The texts of the outline alone that rules look at, in a request to ``region``."""
    skeleton, _, closed, _ = sighted
    return closed if region else _suspects(skeleton, outline.closed, "")


def _suspects(skeleton: Skeleton, closed: tuple[Any, ...], region: str) -> Suspects:
    found: Suspects = {}
    for index, holder, member, number, name in skeleton.texts:
        value = closed[index]
        for suspicion in suspicions(holder, member, value, region):
            found.setdefault(suspicion, []).append(((*skeleton.paths[number], name), value))
    return found


def _made(shapes: tuple[Shape, ...]) -> Skeleton:
    global _held
    made = Skeleton(shapes)
    if _held >= MAX_PLACES:
        _SKELETONS.clear()
        _held = 0
    _held += made.size
    _SKELETONS[shapes] = made
    return made

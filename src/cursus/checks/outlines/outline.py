"""Takes a request apart into its outline, which many requests have in common, and its open texts.

The jobs of a team differ in their names, S3 locations, roles, environment, tags and values of hyperparameters: the
*open* texts. All else is the *outline*: which members there are, of which types, and every other value (images,
instances, limits, names of channels). Containers with the same members and types share a ``Shape``, which knows what
to pick from them, so that one short walk over a request is enough; nothing is asked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from sys import getsizeof
from typing import Any

from cursus.aws.algorithms import CODE_CHANNEL
from cursus.checks.outlines.members import Members, members
from cursus.checks.texts import (
    CHOICES,
    FREE,
    HYPERPARAMETERS,
    LOCATIONS,
    NAMES,
    READ_PLACE,
    SCRIPTS,
    WRITTEN_PLACE,
    harmless,
    is_read,
    names_a_script,
    of_places,
    suspicions,
)
from cursus.checks.unknowns import UNKNOWN
from cursus.checks.views import is_reference

MAX_WIDTH = 128
"""Members, entries or items of one container of a request that is taken apart."""
MAX_CONTAINERS = 1_000
"""Mappings and lists of such a request."""
MAX_SHAPES = 4096
MAX_NAMES = 8_192
"""Characters of the names of one container's members: what is remembered of it is not larger than that."""
_PLAIN = frozenset({str, int, float, bool, dict, list})
TEXTS = frozenset({str})
_LEAVES = frozenset({str, int, bool})
_NUMBERS = _LEAVES | {float}
_OPEN = LOCATIONS | NAMES | {"RoleArn"}
_MAPS = HYPERPARAMETERS | {"Environment"}
_REFERENCE = "{}"
ARCHIVES = "jumpstart-cache-"
"""What the buckets with the scripts of JumpStart are called, which tell the algorithm that a job runs."""

Pick = Callable[[Any], Sequence[Any]]


class Context:
    """Where containers stand: the member, and the member of ``FREE`` that it lies in; and their shapes by content.

    Where it is ``typed``, the content has the types of what is in a container: a member may be a value in one request
    and a pipeline variable in the next.
    """

    __slots__ = ("holder", "member", "shapes", "typed")

    def __init__(self, holder: str, member: str, typed: bool) -> None:
        self.holder = holder
        self.member = member
        self.typed = typed
        self.shapes: dict[Any, Shape] = {}


class Shape:
    """What to do with every container of these members: what to pick out of it.

    ``closed`` values, those of ``picked``, belong to the outline; ``choices`` are the places among them of members with fixed choices, and
    ``fixed`` those of other texts, each with its name and member. ``texts`` are open texts that can be looked at together, by the groups
    that they belong to; ``watched`` are the names of those to be looked at one by one, and ``scripts`` of those in
    ``texts.SCRIPTS`` (``noted`` where there are any). ``open`` has the names of all open texts, and ``inner`` those of containers.
    ``members`` are what a request with such a container has.
    """

    __slots__ = (
        *("choices", "closed", "fixed", "holder", "inner", "members"),
        *("noted", "open", "picked", "scripts", "texts", "watched"),
    )

    def __init__(self, holder: str, members: Members) -> None:
        self.holder = holder
        self.members = members
        self.closed: Pick | None = None
        self.picked: list[Any] = []
        self.choices: list[tuple[int, str]] = []
        self.fixed: list[tuple[int, Any, str]] = []
        self.texts: list[tuple[int, Pick]] = []
        self.noted = False
        self.watched: list[Any] = []
        self.scripts: list[tuple[Any, str]] = []
        self.open: list[Any] = []
        self.inner: list[tuple[Any, Context]] = []


READ, WRITTEN, TEXT, VALUE = range(4)
"""S3 locations that are read and written (``texts.of_places``), values of hyperparameters, and all other texts."""
Groups = tuple[list[str], list[str], list[str], list[str]]

Fresh = dict[tuple[Context, Any], Shape]
Watched = tuple[str, int, Any]

_CONTEXTS: dict[tuple[str, str, bool], Context] = {}
_MADE: list[Shape] = []


def _context(holder: str, member: str, typed: bool) -> Context:
    found = _CONTEXTS.get((holder, member, typed))
    if found is None:
        found = _CONTEXTS[holder, member, typed] = Context(holder, member, typed)
    return found


def forget() -> None:
    """Drop what is remembered of shapes."""
    _MADE.clear()
    _CONTEXTS.clear()


class Outline:
    """A request taken apart.

    ``shapes`` are those of its ``containers``, and ``closed`` the values of the outline, in the order of the walk. ``kinds`` is
    what the open texts are suspected of together. ``texts``, and those of hyperparameters, ``values``, are looked at at
    once, and ``watched``, each (its holder, number of its container, name), one by one. ``met`` says that it was picked from
    known places (``forms``).
    """

    __slots__ = (
        *("_fresh", "_request", "_texts", "_values", "_watched"),
        *("closed", "containers", "kinds", "met", "shapes"),
    )

    def __init__(
        self,
        shapes: tuple[Shape, ...],
        containers: list[Any],
        closed: list[Any],
        kinds: list[str],
        texts: list[str],
        values: list[str],
        watched: Sequence[Watched],
        fresh: Fresh | None = None,
    ) -> None:
        self.shapes = shapes
        self.containers = containers
        self.closed = tuple(closed)
        self.kinds = kinds
        self.met = fresh is None
        self._texts = texts
        self._values = values
        self._watched = watched
        self._fresh = fresh
        self._request: Any = None

    def learn(self) -> None:
        """Remember the shapes that were not met before, now that the request is known to satisfy the service model."""
        if not self._fresh:
            return
        if len(_MADE) + len(self._fresh) > MAX_SHAPES:
            forget()
        for (context, content), shape in self._fresh.items():
            context.shapes[content] = shape
            _MADE.append(shape)
        self._fresh = {}

    @property
    def key(self) -> tuple[tuple[Shape, ...], tuple[Any, ...]]:
        """Equal for two requests that differ in open texts alone."""
        return self.shapes, self.closed

    def suspected(self, region: str) -> list[tuple[str, int, Any, str]]:
        """The open texts that are suspected of anything (``texts.suspicions``) in a job in ``region``.

        Each with what of, the number of its container, and its name there.
        """
        looked_at = self._watched if harmless(self._texts, self._values, region) else self._open()
        found: list[tuple[str, int, Any, str]] = []
        for holder, number, name in looked_at:
            value = self.containers[number][name]
            kinds = suspicions(holder, name, value, region)
            if kinds:
                found += [(kind, number, name, value) for kind in kinds]
        return found

    def _open(self) -> list[Watched]:
        return [
            (shape.holder, number, name)
            for number, shape in enumerate(self.shapes)
            for name in shape.open
            if shape.holder or name not in NAMES
        ]

    def request(self) -> Any:
        """A copy of the request in which every open text is unknown, one for all who ask."""
        if self._request is None:
            self._request = self._without_open()
        return self._request

    def _without_open(self) -> Any:
        copies = [container.copy() for container in self.containers]
        after = iter(copies)
        next(after)
        for shape, made in zip(self.shapes, copies, strict=True):
            for name in shape.open:
                made[name] = UNKNOWN
            for name, _ in shape.inner:
                made[name] = next(after)
        return copies[0]

    def size(self) -> int:
        """About how many bytes the key keeps."""
        return 16 * (len(self.shapes) + len(self.closed)) + sum(map(getsizeof, self.closed))


def take_apart(request: Any, typed: bool = False) -> Outline | None:
    """The outline of a request of plain dicts, lists, texts, numbers and booleans, else None.

    It holds for a request that satisfies the service model. ``typed`` is for one that may have pipeline variables in it.
    """
    if type(request) is not dict:
        return None
    shapes: list[Shape] = []
    closed: list[Any] = []
    groups: Groups = ([], [], [], [])
    watched: list[Watched] = []
    scripts: list[tuple[str, str]] = []
    fresh: Fresh = {}
    containers: list[Any] = [request]
    contexts = [_context("", "", typed)]
    for context, container in zip(contexts, containers):  # noqa: B905 (both grow on the way)
        if type(container) is dict:
            content: Any = (*container, *map(type, container.values())) if typed else (*container,)
        elif type(container) is list:
            content = (list, *map(type, container)) if typed else len(container)
        else:
            return None
        shape = context.shapes.get(content)
        if shape is None:
            shape = fresh.get((context, content)) or _shape(context, container)
            if shape is None:
                return None
            fresh[context, content] = shape
        if shape.closed is not None:
            closed += shape.closed(container)
        if shape.open:
            for group, pick in shape.texts:
                groups[group].extend(pick(container))
            if shape.noted:
                watched += [(shape.holder, len(shapes), name) for name in shape.watched]
                scripts += [(start, container[name]) for name, start in shape.scripts]
        shapes.append(shape)
        if shape.inner:
            for name, inner in shape.inner:
                contexts.append(inner)
                containers.append(container[name])
            if len(containers) > MAX_CONTAINERS:
                return None
    if not are_leaves(closed):
        return None
    read, written, others, values = groups
    texts = others + read + written
    if not are_texts(texts, values):
        return None
    kinds = suspected_together(read, written, scripts)
    return Outline(tuple(shapes), containers, closed, kinds, texts, values, watched, fresh)


def are_texts(texts: list[Any], values: list[Any]) -> bool:
    """True where nothing stands for a text that is none, and no value of a hyperparameter says what algorithm the job runs."""
    return TEXTS.issuperset(map(type, texts)) and (
        not values or (TEXTS.issuperset(map(type, values)) and not tells_an_algorithm("".join(values)))
    )


def tells_an_algorithm(value: str) -> bool:
    """True where a hyperparameter names JumpStart's scripts, or the channel that may hold them."""
    return ARCHIVES in value or CODE_CHANNEL in value


def suspected_together(read: list[str], written: list[str], scripts: Iterable[tuple[str, str]]) -> list[str]:
    """What S3 locations, and the names of scripts with what they begin with (``texts.SCRIPTS``), are suspected of."""
    found = of_places(read, written) if read or written else []
    for start, value in scripts:
        if not names_a_script(start, value):
            found.append("script")
    return found


def are_leaves(closed: list[Any]) -> bool:
    """True for texts, integers, booleans, and numbers that are not whole: those are integers where the model wants one."""
    kinds = {*map(type, closed)}
    if kinds <= _LEAVES:
        return True
    return kinds <= _NUMBERS and all(0 < value % 1 < 1 for value in closed if type(value) is float)


def _shape(context: Context, container: Any) -> Shape | None:
    """The shape of a container that was not met before; None where a request with it is not taken apart."""
    listed = type(container) is list
    kinds = [*map(type, container if listed else container.values())]
    names: Sequence[Any] = range(len(container)) if listed else list(container)
    if len(container) > MAX_WIDTH or not _PLAIN.issuperset(kinds):
        return None
    if not listed and (not all(type(name) is str for name in container) or len("".join(names)) > MAX_NAMES):
        return None
    if len(_CONTEXTS) >= MAX_SHAPES:
        _CONTEXTS.clear()
    holder = _REFERENCE if is_reference(container) else context.holder
    shape = Shape(holder, members(_had(context, container) if holder != _REFERENCE else ()))
    closed: list[Any] = []
    texts: dict[int, list[Any]] = {}
    for name, kind in zip(names, kinds, strict=True):
        member = context.member if listed else name
        if kind is dict or kind is list:
            shape.inner.append(
                (name, _context(holder or (member if member in FREE else ""), member, context.typed))
            )
        elif kind is not str or not _is_open(holder, member):
            if kind is str and holder != _REFERENCE:
                _close(shape, len(closed), name, member)
            closed.append(name)
        elif listed:
            return None
        else:
            shape.open.append(name)
            if (holder, member) in SCRIPTS:
                shape.scripts.append((name, SCRIPTS[holder, member]))
            if is_read(holder, member):
                shape.watched.append(name)
            elif holder or member not in NAMES:
                texts.setdefault(group_of(holder, member), []).append(name)
    shape.closed, shape.picked = picked(closed) if closed else None, closed
    shape.texts = [(group, picked(chosen)) for group, chosen in texts.items()]
    shape.noted = bool(shape.watched or shape.scripts)
    return shape


def _had(context: Context, container: Any) -> list[Any]:
    """What a request with such a container has (``members.Members.names``)."""
    holder, member = context.holder, context.member
    if holder and holder != member:
        return []
    if not container:
        return [f"{member}={container}"]
    if type(container) is list:
        return []
    return [(member, *container)] if holder else list(container)


def _close(shape: Shape, place: int, name: Any, member: str) -> None:
    """Note a text of the outline, the ``place``-th value that is picked."""
    if shape.holder or member not in CHOICES | NAMES:
        shape.fixed.append((place, name, member))
    elif member in CHOICES:
        shape.choices.append((place, member))


def _is_open(holder: str, member: str) -> bool:
    if not holder:
        return member in _OPEN
    return holder in _MAPS or (holder == "Tags" and member == "Value")


def group_of(holder: str, member: str) -> int:
    """The group that an open text belongs to."""
    if holder in HYPERPARAMETERS:
        return VALUE
    if holder:
        return TEXT
    return READ if member == READ_PLACE else WRITTEN if member == WRITTEN_PLACE else TEXT


def picked(names: list[Any]) -> Pick:
    """A function that picks these members, one or more, from a container."""
    if len(names) > 1:
        return itemgetter(*names)
    name = names[0]
    return lambda container: (container[name],)

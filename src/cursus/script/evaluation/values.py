"""The values that reading a script tells apart, and strings put together from them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cursus.script.facts import Const, Hole, Part, Text
from cursus.script.syntax.bodies import Body

LIMIT = 8
PLAIN = 5_000


@dataclass(frozen=True, slots=True)
class Items:
    """A list or tuple of known length."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping written out with string keys. ``whole``: it has no others; ``members``: they are those of an object."""

    items: tuple[tuple[str, Value], ...]
    whole: bool = True
    members: bool = False


@dataclass(frozen=True, slots=True)
class ParserValue:
    """A command line parser, by the call that makes it."""

    key: int


@dataclass(frozen=True, slots=True)
class Space:
    """What a parser gives: a namespace of arguments (``mapping``: as a dictionary)."""

    key: int
    mapping: bool = False


@dataclass(frozen=True, slots=True)
class Special:
    """``os.environ`` (``environ``), or the job's hyperparameters as a mapping (``hyperparameters``)."""

    kind: str


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open file, by its path."""

    path: Value


@dataclass(frozen=True, slots=True)
class Ref:
    """Something from outside the source, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Func:
    """A function of the source; ``bound`` where its first parameter is an instance already given."""

    body: Body
    bound: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Klass:
    """A class of the source."""

    body: Body


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An object of a class of the source."""

    body: Body


@dataclass(frozen=True, slots=True, eq=False)
class LocalModule:
    """A module of the source."""

    body: Body


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything else. ``number``: it is surely a number; ``origin``: the dotted name of the call that gave it.

    One value of the hyperparameters has the mapping for its origin, and its ``key``.
    """

    number: bool = False
    origin: str = ""
    key: str = ""


Value = (
    Text
    | Const
    | Items
    | Table
    | ParserValue
    | Space
    | Special
    | OpenFile
    | Ref
    | Func
    | Klass
    | Instance
    | LocalModule
    | Unknown
)
UNKNOWN = Unknown()
NUMBER = Unknown(number=True)
WHOLE = Unknown(number=True, origin="int")
FRAME = "pandas.DataFrame"
NEGATIVE = Unknown(number=True, origin="negative")


@dataclass(frozen=True, slots=True)
class Options:
    """The values that an expression can have. ``sure``: each of them occurs on every run."""

    values: tuple[Value, ...]
    sure: bool = True

    @property
    def only(self) -> Value:
        """The one value; Unknown where there are several."""
        return self.values[0] if len(self.values) == 1 else UNKNOWN

    def each(self, made: Callable[[Value], Value]) -> Options:
        """What is made of each of the values."""
        return Options(tuple(made(value) for value in self.values), self.sure)


NOTHING_KNOWN = Options((UNKNOWN,), False)


def one(value: Value) -> Options:
    """The one value that an expression has."""
    return Options((value,))


def union(results: Iterable[Options], *, sure: bool) -> Options:
    """The values of all of these, nothing known where there are too many."""
    values: list[Value] = []
    for found in results:
        sure = sure and found.sure
        for value in found.values:
            if value not in values:
                values.append(value)
        if len(values) > LIMIT:
            return NOTHING_KNOWN
    return Options(tuple(values) or (UNKNOWN,), sure)


def combine(pieces: list[Options], build: Callable[[tuple[Value, ...]], Value]) -> Options:
    """``build`` over every combination. Sure only where at most one piece has several values."""
    total = 1
    for piece in pieces:
        total *= len(piece.values)
    if total > 4 * LIMIT:
        return NOTHING_KNOWN
    values: list[Value] = []
    for chosen in itertools.product(*(piece.values for piece in pieces)):
        value = build(chosen)
        if value not in values:
            values.append(value)
    several = sum(len(piece.values) > 1 for piece in pieces)
    return Options(tuple(values[:LIMIT]), all(p.sure for p in pieces) and several <= 1)


def text(value: str) -> Text:
    """A literal string."""
    return Text((value,))


def plain(value: object, budget: list[int] | None = None) -> Value:
    """The content of a settings file; ``budget``: how much of it is looked at, where aliases may repeat it."""
    budget = [PLAIN] if budget is None else budget
    budget[0] -= 1
    if budget[0] < 0:
        return UNKNOWN
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return Items(tuple(plain(item, budget) for item in value)) if len(value) <= 64 else UNKNOWN
    if isinstance(value, dict):
        return Table(tuple((str(key), plain(item, budget)) for key, item in value.items()))
    return Const(value)


def merge(parts: list[Part]) -> Text:
    """A text of these parts, with neighbouring literals joined."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, str):
            if part and found and isinstance(found[-1], str):
                found[-1] += part
            elif part:
                found.append(part)
        else:
            found.append(part)
    return Text(tuple(found) or ("",))


def parts_of(value: Value, spec: str = "", name: str = "") -> list[Part]:
    """The parts that a value contributes to a string it is put into."""
    if isinstance(value, Text):
        return list(value.parts) if not spec else [Hole(False, spec, name)]
    if isinstance(value, Const):
        if spec:
            number = isinstance(value.value, (int, float))
            return [Hole(number, spec, name)]
        return [str(value.value)]
    number = isinstance(value, Unknown) and value.number
    before: list[Part] = ["-"] if value == NEGATIVE else []
    return [*before, Hole(number or is_number_spec(spec), spec or ("d" if is_whole(value) else ""), name)]


def is_whole(value: Value) -> bool:
    """True for what is surely a whole number."""
    if isinstance(value, Const):
        return isinstance(value.value, int)
    return isinstance(value, Unknown) and value.number and value.origin in ("int", "len")


_NUMBER_SPEC = re.compile(r"[-+ #0-9,._<>=^]*[bcdeEfFgGnoxX%i]$|[-+ ]?[0-9]*[,_]?\.[0-9]+$|,$")


def is_number_spec(spec: str) -> bool:
    """True for a format that only numbers take (``.4f``, ``d``, ``,``)."""
    return bool(spec) and _NUMBER_SPEC.fullmatch(spec) is not None


def join_paths(values: list[Value]) -> Value:
    """``os.path.join`` of values; an absolute piece drops what is before it."""
    parts: list[Part] = []
    for i, value in enumerate(values):
        if isinstance(value, Const):
            return UNKNOWN
        pieces = parts_of(value)
        if i and isinstance(pieces[0], str) and pieces[0].startswith("/"):
            parts = []
        if parts:
            last = parts[-1]
            if not (isinstance(last, str) and (not last or last.endswith("/"))):
                parts.append("/")
        parts.extend(pieces)
    return merge(parts)


_BRACES = re.compile(r"\{\{|\}\}|\{([^{}:!]*)(?:![rsa])?(?::([^{}]*))?\}")
_PERCENT = re.compile(r"%(?:\(([^)]*)\))?([-+ #0]*[0-9*]*(?:\.[0-9*]+)?)[hlL]?([diouxXeEfFgGcrsa%])")


def format_braces(template: str, given: list[Value], named: dict[str, Value]) -> Text:
    """``str.format``."""
    parts: list[Part] = []
    at = 0
    automatic = 0
    for match in _BRACES.finditer(template):
        parts.append(template[at : match.start()])
        at = match.end()
        if match.group() in ("{{", "}}"):
            parts.append(match.group()[0])
            continue
        key, spec = match.group(1), match.group(2) or ""
        if key == "":
            key = str(automatic)
            automatic += 1
        value: Value = UNKNOWN
        if key.isdecimal() and len(key) < 9:
            if int(key) < len(given):
                value = given[int(key)]
        else:
            value = named.get(key, UNKNOWN)
        parts.extend(parts_of(value, spec, key))
    parts.append(template[at:])
    return merge(parts)


def format_percent(template: str, given: Value) -> Text:
    """The ``%`` operator."""
    values = list(given.items) if isinstance(given, Items) else [given]
    parts: list[Part] = []
    at = position = 0
    for match in _PERCENT.finditer(template):
        parts.append(template[at : match.start()])
        at = match.end()
        name, flags, kind = match.groups()
        if kind == "%":
            parts.append("%")
            continue
        value: Value = UNKNOWN
        if not name:
            value = values[position] if position < len(values) else UNKNOWN
            position += 1
        elif isinstance(given, Table):
            value = dict(given.items).get(name, UNKNOWN)
        parts.extend(parts_of(value, "" if kind in "sra" and not flags else flags + kind, name or ""))
    parts.append(template[at:])
    return merge(parts)


def as_path(value: Value) -> Text | Const:
    """A value used as a path."""
    if isinstance(value, (Text, Const)):
        return value
    return Text((Hole(),))

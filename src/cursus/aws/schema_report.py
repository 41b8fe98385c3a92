"""What is wrong with a request that the service model refuses: the slow way, taken only then.

First a copy is made that is certainly JSON; every value that is none becomes a violation there. Then
jsonschema-rs lists what the copy breaks, and each of its errors becomes one violation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from cursus.aws.members import value_at
from cursus.aws.references import is_reference
from cursus.aws.schema import MAX_CONTAINERS, Kind, Violation, at
from cursus.model import Path

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

MAX_WIDTH = 2_000
"""Members, entries or items of one container that are looked at; the model allows 100 of any at most."""

MAX_VIOLATIONS = 1_000
"""Violations that are listed for one request; a request with more is no request."""

_LEFT_OUT: Any = object()


def violations(
    schema: Mapping[str, Any],
    checker: Draft202012Validator,
    request: Any,
    in_pipeline: bool = False,
) -> list[Violation]:
    """Every place where ``request`` breaks ``schema``. Never raises.

    With ``in_pipeline`` null stands for a member left out.
    """
    copy = _Copy(schema, in_pipeline)
    plain = copy.make(request)
    found = copy.found
    if plain is _LEFT_OUT:
        return found
    try:
        for error in islice(checker.iter_errors(plain), MAX_VIOLATIONS):
            place = _place(plain, error)
            if copy.settled and _is_settled(place, copy.settled):
                continue
            found.extend(
                one
                for one in _translate(schema, error, place, plain)
                if not (copy.settled and one.path in copy.settled and not one.key)
            )
    except (ValueError, RecursionError) as error:  # a value that neither this copy nor Rust can hold
        found.append(Violation((), "not_json", f"cannot be read as JSON: {error}", limit="object"))
    return _one_a_constraint(found)


def _place(plain: Any, error: ValidationError) -> Path:
    """The path of an error. jsonschema-rs writes a key such as "007" as a position; here it is a key."""
    place: list[str | int] = []
    node = plain
    for part in error.instance_path:
        if isinstance(part, int) and isinstance(node, dict):
            keys = [key for key in node if key.isascii() and key.lstrip("+").isdigit() and int(key) == part]
            same = [key for key in keys if node[key] == error.instance]
            part = (same or keys or [str(part)])[0]
        place.append(part)
        node = node[part]
    return tuple(place)


def _is_settled(place: Path, settled: set[Path]) -> bool:
    return any(place[:end] in settled for end in range(len(place) + 1))


def _one_a_constraint(found: list[Violation]) -> list[Violation]:
    """Without those that only repeat another: no pattern beside the length that breaks it, and so on."""
    if len(found) < 2:
        return found
    strong: dict[tuple[Path, bool], set[Kind]] = {}
    for violation in found:
        strong.setdefault((violation.path, violation.key), set()).add(violation.kind)
    kept: list[Violation] = []
    for violation in found:
        beside = strong[violation.path, violation.key]
        if violation.kind in ("enum", "range") and "type" in beside:
            continue
        if violation.kind == "pattern" and "length" in beside:
            continue  # most patterns count too: the length is what to mend first
        if violation.kind == "union" and any(
            other.kind == "unknown" and other.path[:-1] == violation.path for other in found
        ):
            continue
        kept.append(violation)
    return kept


def _translate(
    schema: Mapping[str, Any], error: ValidationError, place: Path, plain: Any
) -> Iterator[Violation]:
    """The violations that one error of jsonschema-rs stands for."""
    kind: Any = error.kind
    name = kind.name
    node = at(schema, place) or {}
    if name == "required":
        member = str(kind.property)
        yield Violation((*place, member), "required", f"{member} is missing")
    elif name == "additionalProperties":
        options = tuple(node.get("properties", ()))
        value = value_at(plain, place)
        for member in kind.unexpected:
            yield Violation(
                (*place, member),
                "unknown",
                f"unknown member {member!r}",
                value=value.get(member) if isinstance(value, Mapping) else None,
                options=options,
            )
    elif name == "propertyNames":
        inner = kind.error
        keys = node.get("propertyNames", {})
        key = inner.instance
        if isinstance(key, str):
            yield _leaf(keys, inner.kind, (*place, key), key, is_key=True)
    else:
        yield _leaf(node, kind, place, value_at(plain, place))


_BOUNDS: dict[str, tuple[Kind, str]] = {
    "minLength": ("length", "Member must have length greater than or equal to"),
    "maxLength": ("length", "Member must have length less than or equal to"),
    "minimum": ("range", "Member must have value greater than or equal to"),
    "maximum": ("range", "Member must have value less than or equal to"),
    "minItems": ("count", "Member must have length greater than or equal to"),
    "maxItems": ("count", "Member must have length less than or equal to"),
    "minProperties": ("count", "Member must have length greater than or equal to"),
    "maxProperties": ("count", "Member must have length less than or equal to"),
}


def _leaf(node: Mapping[str, Any], kind: Any, place: Path, value: Any, is_key: bool = False) -> Violation:
    """A violation of a value's own constraints."""
    name = kind.name
    if name == "type":
        return Violation(place, "type", "wrong type", value, " or ".join(kind.types), key=is_key)
    if name == "enum":
        options = tuple(node.get("enum", ()))
        text = f"Member must satisfy enum value set: [{', '.join(options)}]"
        return Violation(place, "enum", text, value, options, options, key=is_key)
    if name == "pattern":
        pattern = node.get("awsPattern", node.get("pattern", ""))
        text = f"Member must satisfy regular expression pattern: {pattern}"
        return Violation(place, "pattern", text, value, pattern, key=is_key)
    if name in ("minProperties", "maxProperties") and node.get("union"):
        options = tuple(node.get("properties", ()))
        return Violation(place, "union", "exactly one member must be set", value, 1, options)
    if name in _BOUNDS:
        category, text = _BOUNDS[name]
        bound: Literal["min", "max"] = "min" if name.startswith("min") else "max"
        return Violation(place, category, f"{text} {kind.limit}", value, kind.limit, bound=bound, key=is_key)
    return Violation(place, "type", f"breaks the constraint {name}", value, key=is_key)


_Work = tuple[Any, Any, Any, Path, Mapping[str, Any]]
"""A value still to be copied: the value, the container and key to put it at, its place and its schema."""


class _Copy:
    """A copy of a request that is certainly JSON, as deep and as wide as its schema looks.

    ``found`` holds what was not JSON, ``settled`` the places where nothing more is to be said: what was
    not JSON, and pipeline variables.
    """

    def __init__(self, schema: Mapping[str, Any], in_pipeline: bool) -> None:
        self.schema = schema
        self.defs: Mapping[str, Any] = schema.get("$defs", {})
        self.in_pipeline = in_pipeline
        self.found: list[Violation] = []
        self.settled: set[Path] = set()
        self.budget = MAX_CONTAINERS

    def make(self, request: Any) -> Any:
        """The copy, or ``_LEFT_OUT`` where the request as a whole cannot be read."""
        top: list[Any] = [_LEFT_OUT]
        work: list[_Work] = [(request, top, 0, (), self.schema)]
        while work and len(self.found) < MAX_VIOLATIONS:
            value, into, key, place, node = work.pop()
            made = self._one(value, place, node, work)
            if made is _LEFT_OUT:
                self.settled.add(place)
                made = None if place else _LEFT_OUT
            into[key] = made
            if self.budget < 0:
                limit = f"holds more than {MAX_CONTAINERS} mappings and lists"
                self.found = [Violation((), "not_json", limit, limit=limit)]
                return _LEFT_OUT
        return top[0]

    def _one(self, value: Any, place: Path, node: Mapping[str, Any], work: list[_Work]) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(value, place, node)
        if kind is bool or value is None:
            return value
        try:
            if isinstance(value, Mapping):
                return self._mapping(value, place, node, work)
            if isinstance(value, (list, tuple)):
                return self._list(value, place, node, work)
            if isinstance(value, str):
                return self._text(_plain_text(value), place, node)
            if isinstance(value, int):
                return int(value)
            if isinstance(value, float):
                return self._float(float(value), place, node)
        except Exception as error:  # a user's own class may raise anything from anywhere
            return self._refuse(place, node, value, f"cannot be read: {type(error).__name__}")
        return self._refuse(place, node, value, "is no JSON value")

    def _refuse(self, place: Path, node: Mapping[str, Any], value: Any, message: str) -> Any:
        self.found.append(Violation(place, "not_json", message, value, node.get("type", "")))
        return _LEFT_OUT

    def _text(self, value: str, place: Path, node: Mapping[str, Any]) -> Any:
        if value.isascii() or _encodes(value):
            return value
        return self._refuse(place, node, value, "holds half a surrogate pair, which is no character")

    def _float(self, value: float, place: Path, node: Mapping[str, Any]) -> Any:
        if not math.isfinite(value):
            return self._refuse(place, node, value, "is no number that JSON has")
        if value.is_integer() and node.get("type") == "integer":
            self.found.append(Violation(place, "type", "wrong type", value, "integer"))
            self.settled.add(place)
        return value

    def _list(self, value: Any, place: Path, node: Mapping[str, Any], work: list[_Work]) -> Any:
        if node.get("type") != "array":
            return []
        items = self._node(node.get("items"))
        taken = value[:MAX_WIDTH]
        self.budget -= 1 + len(taken)
        made: list[Any] = [None] * len(taken)
        work.extend((taken[i], made, i, (*place, i), items) for i in range(len(taken) - 1, -1, -1))
        return made

    def _mapping(
        self, value: Mapping[Any, Any], place: Path, node: Mapping[str, Any], work: list[_Work]
    ) -> Any:
        if place and is_reference(value):
            self.settled.add(place)
            return {}
        if node.get("type") != "object":
            return {}
        members = node.get("properties", {})
        others = node.get("additionalProperties")
        made: dict[str, Any] = {}
        later: list[_Work] = []
        for key, item in islice(value.items(), MAX_WIDTH):
            name = self._key(key, place)
            if name is None or (item is None and self.in_pipeline):
                continue
            made[name] = None
            inner = members.get(name) or others
            if inner:
                later.append((item, made, name, (*place, name), self._node(inner)))
        if len(value) > MAX_WIDTH:
            message = f"has {len(value):,} members, of which the first {MAX_WIDTH:,} were looked at"
            self.found.append(Violation(place, "not_json", message, limit="fewer members"))
        self.budget -= 1 + len(made)
        work.extend(reversed(later))
        return made

    def _node(self, node: Any) -> Mapping[str, Any]:
        if not isinstance(node, Mapping):
            return {}
        reference = node.get("$ref")
        return self.defs[reference.rpartition("/")[2]] if reference else node

    def _key(self, key: Any, place: Path) -> str | None:
        if isinstance(key, str):
            text = _plain_text(key)
            if text.isascii() or _encodes(text):
                return text
        message = "is a key that is no text"
        self.found.append(Violation((*place, _shown(key)), "not_json", message, key, "string", key=True))
        return None


def _plain_text(text: str) -> str:
    """The text that botocore would send for a str or a subclass of it: for a member of an Enum its value."""
    if type(text) is str:
        return text
    inner = getattr(text, "value", text)
    return inner if type(inner) is str else str.__str__(text)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(key: Any) -> str:
    if isinstance(key, str):
        return key.encode("utf-8", "backslashreplace").decode()
    try:
        return (
            str(key)[:80]
            if isinstance(key, (int, float, bytes)) or key is None
            else f"<{type(key).__name__}>"
        )
    except ValueError:  # an integer of more digits than Python writes
        return f"<{type(key).__name__}>"

"""What is wrong with a request that the service model refuses: the slow way, taken only then.

First a copy is made that is certainly JSON; every value that is none becomes a violation there. Then
jsonschema-rs lists what the copy breaks, and each of its errors becomes one violation.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from cursus.aws.schema import MAX_CONTAINERS, Kind, Violation, at
from cursus.model import Path

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

MAX_DEPTH = 100
"""Levels of nesting before a value is refused: the deepest member of any request lies eleven deep."""

MAX_VIOLATIONS = 1_000
"""Violations that are listed for one request; a request with more is no request."""

_REFERENCES = frozenset({"Get", "Std:Join", "Std:JsonGet"})
_LEFT_OUT: Any = object()


def violations(
    schema: Mapping[str, Any],
    checker: Draft202012Validator,
    request: Any,
    in_pipeline: bool = False,
    times: bool = False,
) -> list[Violation]:
    """Every place where ``request`` breaks ``schema``. Never raises.

    With ``in_pipeline`` null stands for a member left out; with ``times`` datetime objects are times.
    """
    copy = _Copy(schema, in_pipeline, times)
    plain = copy.make(request)
    found = copy.found
    if plain is _LEFT_OUT:
        return found
    try:
        for error in islice(checker.iter_errors(plain), MAX_VIOLATIONS):
            place = tuple(error.instance_path)
            if copy.settled and _is_settled(place, copy.settled):
                continue
            found.extend(
                one
                for one in _translate(schema, error, place, plain)
                if not (copy.settled and one.path in copy.settled and not one.key)
            )
    except (ValueError, RecursionError) as error:  # a value that neither this copy nor Rust can hold
        found.append(Violation((), "not_json", f"cannot be read as JSON: {error}", limit="object"))
    return _one_a_constraint(schema, found)


def _is_settled(place: Path, settled: set[Path]) -> bool:
    return any(place[:end] in settled for end in range(len(place) + 1))


def _one_a_constraint(schema: Mapping[str, Any], found: list[Violation]) -> list[Violation]:
    """Without those that only repeat another: no pattern beside the length that breaks it, and so on."""
    if len(found) < 2:
        return found
    strong: dict[tuple[Path, bool], set[Kind]] = {}
    for violation in found:
        strong.setdefault((violation.path, violation.key), set()).add(violation.kind)
    kept: list[Violation] = []
    for violation in found:
        beside = strong[violation.path, violation.key]
        if violation.kind == "pattern" and "length" in beside and not _breaks_anyway(schema, violation):
            continue
        if violation.kind == "union" and any(
            other.kind == "unknown" and other.path[:-1] == violation.path for other in found
        ):
            continue
        kept.append(violation)
    return kept


def _breaks_anyway(schema: Mapping[str, Any], violation: Violation) -> bool:
    """True where a text of a wrong length would break the pattern at a right length too."""
    path = violation.path[:-1] if violation.key else violation.path
    node = at(schema, path) or {}
    if violation.key:
        node = node.get("propertyNames", {})
    text = violation.value
    if not isinstance(text, str) or len(text) < node.get("minLength", 0):
        return False
    return not _matcher(node["pattern"]).is_valid(text[: node.get("maxLength")].rstrip("-"))


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> Draft202012Validator:
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator({"pattern": pattern})


def _translate(
    schema: Mapping[str, Any], error: ValidationError, place: Path, plain: Any
) -> Iterator[Violation]:
    """The violations that one error of jsonschema-rs stands for."""
    kind = error.kind
    name = kind.name
    node = at(schema, place) or {}
    if name == "required":
        member = str(kind.property)
        yield Violation((*place, member), "required", f"{member} is missing")
    elif name == "additionalProperties":
        options = tuple(node.get("properties", ()))
        value = _value(plain, place)
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
        yield _leaf(node, kind, place, _value(plain, place))


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


def _value(plain: Any, place: Path) -> Any:
    value = plain
    for part in place:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


class _Copy:
    """A copy of a request that is certainly JSON. ``found`` holds what was not, ``settled`` the places where
    nothing more is to be said: what was not JSON, and pipeline variables."""

    def __init__(self, schema: Mapping[str, Any], in_pipeline: bool, times: bool) -> None:
        self.schema = schema
        self.in_pipeline = in_pipeline
        self.times = times
        self.found: list[Violation] = []
        self.settled: set[Path] = set()
        self.budget = MAX_CONTAINERS

    def make(self, request: Any) -> Any:
        """The copy, or ``_LEFT_OUT`` where the request as a whole cannot be read."""
        top: list[Any] = [None]
        work: list[tuple[Any, Any, Any, Path]] = [(request, top, 0, ())]
        while work:
            value, into, key, place = work.pop()
            if len(self.found) > MAX_VIOLATIONS:
                break
            made = self._one(value, place, work)
            if made is not _LEFT_OUT:
                into[key] = made
            elif isinstance(into, list) and into is not top:
                into[key] = None
            elif into is top:
                return _LEFT_OUT
            if self.budget < 0:
                limit = f"more than {MAX_CONTAINERS} mappings and lists"
                self.found = [Violation((), "not_json", limit, limit=limit)]
                return _LEFT_OUT
        return top[0]

    def _one(self, value: Any, place: Path, work: list[tuple[Any, Any, Any, Path]]) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(value, place)
        if kind is bool or value is None:
            return value
        try:
            if isinstance(value, Mapping):
                return self._mapping(value, place, work)
            if isinstance(value, (list, tuple)):
                return self._list(value, place, work)
            if isinstance(value, str):
                return self._text(str(value.value if hasattr(value, "value") else str.__str__(value)), place)
            if isinstance(value, int):
                return int(value)
            if isinstance(value, float):
                return self._float(float(value), place)
            if self.times and isinstance(value, (datetime.datetime, datetime.date)):
                return value.isoformat()
        except Exception as error:  # a user's own class may raise anything from anywhere
            return self._refuse(place, value, f"cannot be read: {type(error).__name__}")
        return self._refuse(place, value, "is no JSON value")

    def _refuse(self, place: Path, value: Any, message: str) -> Any:
        expected = (at(self.schema, place) or {}).get("type", "")
        self.found.append(Violation(place, "not_json", message, value, expected))
        self.settled.add(place)
        return None if place else _LEFT_OUT

    def _text(self, value: str, place: Path) -> Any:
        if value.isascii():
            return value
        try:
            value.encode()
        except UnicodeEncodeError:
            return self._refuse(place, value, "holds half a surrogate pair, which is no character")
        return value

    def _float(self, value: float, place: Path) -> Any:
        if not math.isfinite(value):
            return self._refuse(place, value, "is no number that JSON has")
        if value.is_integer() and (at(self.schema, place) or {}).get("type") == "integer":
            self.found.append(Violation(place, "type", "wrong type", value, "integer"))
            self.settled.add(place)
        return value

    def _list(self, value: Any, place: Path, work: list[tuple[Any, Any, Any, Path]]) -> Any:
        if len(place) >= MAX_DEPTH:
            return self._refuse(place, None, f"is nested more than {MAX_DEPTH} levels deep")
        self.budget -= 1 + len(value) // 64
        made: list[Any] = [None] * len(value)
        for i in range(len(value) - 1, -1, -1):
            work.append((value[i], made, i, (*place, i)))
        return made

    def _mapping(self, value: Mapping[Any, Any], place: Path, work: list[tuple[Any, Any, Any, Path]]) -> Any:
        if len(value) == 1:
            only = next(iter(value))
            if isinstance(only, str) and only in _REFERENCES and place:
                self.settled.add(place)
                return {}
        if len(place) >= MAX_DEPTH:
            return self._refuse(place, None, f"is nested more than {MAX_DEPTH} levels deep")
        self.budget -= 1 + len(value) // 64
        made: dict[str, Any] = {}
        later: list[tuple[Any, Any, Any, Path]] = []
        for key, item in value.items():
            name = self._key(key, place)
            if name is None or (item is None and self.in_pipeline):
                continue
            made[name] = None
            later.append((item, made, name, (*place, name)))
        work.extend(reversed(later))
        return made

    def _key(self, key: Any, place: Path) -> str | None:
        if isinstance(key, str):
            # str(Enum.member) is its name, not its text; the plain text is what botocore would send.
            text = key if type(key) is str else str.__str__(key)
            text = getattr(key, "value", text) if type(key) is not str else text
            if isinstance(text, str) and (text.isascii() or _encodes(text)):
                return str(text)
        message = "is a key that is no text"
        self.found.append(Violation((*place, _shown(key)), "not_json", message, key, "string", key=True))
        return None


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

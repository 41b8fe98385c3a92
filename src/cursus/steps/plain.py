"""Python values as the plain data of a request.

What botocore would send as it stands becomes the JSON value that it would be (a tuple, a subclass of str, an
enum that is a string, a Decimal). Pipeline variables become the mappings that a definition has for them.
Anything else stays what it is in a request, so that the service model's check reports it, since botocore
would refuse it too; in a hook's return value, which is never sent, the obvious is made of it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 200
MAX_VALUES = 1_000_000
"""Values of a request or document with what stands in several places written out in each; a definition at its size
limit has fewer."""

_LONGEST = 10_000
"""Bits of an integer that Python still writes out (``sys.get_int_max_str_digits``)."""
_JSON_TYPES = frozenset({str, int, float, bool, type(None)})


class NestingError(ValueError):
    """A value that contains itself, nests deeper than any request, or is larger."""


def sent(value: Any) -> Any:
    """``value`` as the plain data that would be sent. Raises NestingError for a value without end, and for lists and
    mappings that would be more than ``MAX_VALUES`` with each written out wherever it stands.
    """
    try:
        if _extent(value, {}) > MAX_VALUES:
            raise NestingError(
                f"it contains itself, or is more than {MAX_VALUES:,} lists and mappings with each written out"
            )
    except RecursionError:
        raise NestingError(f"it nests deeper than {MAX_DEPTH} levels, or contains itself") from None
    return plain(value)


def _extent(container: Any, sizes: dict[int, int]) -> int:
    """Lists and mappings in a container, each counted as often as it stands there; too many where it holds itself."""
    size = 1
    sizes[id(container)] = MAX_VALUES + 1  # while it is open
    for value in container.values() if isinstance(container, dict) else container:
        if isinstance(value, (dict, list, tuple)):
            known = sizes.get(id(value))
            size += _extent(value, sizes) if known is None else known
    sizes[id(container)] = size
    return size


def plain(value: Any, *, lenient: bool = False) -> Any:
    """``value`` as plain data, never the same lists and mappings.

    With ``lenient`` also numpy scalars and arrays, paths, enums, dates, dataclasses, pydantic models and
    attribute objects become what they obviously stand for. Raises NestingError for a value without end.
    """
    return _plain(value, lenient, 0)


def _plain(value: Any, lenient: bool, depth: int) -> Any:
    kind = type(value)
    if kind in _JSON_TYPES:
        if kind is int and value.bit_length() > _LONGEST:
            raise NestingError("it holds a number with thousands of digits")
        return value
    if depth > MAX_DEPTH:
        raise NestingError(f"it nests deeper than {MAX_DEPTH} levels, or contains itself")
    if kind is dict:
        return {_key(key): _plain(item, lenient, depth + 1) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_plain(item, lenient, depth + 1) for item in value]
    variable = pipeline_variable(value, lenient, depth)
    if variable is not None:
        return variable
    if isinstance(value, (str, int, float)):
        return _base(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, lenient, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, lenient, depth + 1) for item in value]
    module = kind.__module__
    if kind.__name__ == "Decimal" and module in ("decimal", "_decimal", "_pydecimal"):
        # As DynamoDB gives numbers: botocore takes it for a number, and refuses it for a whole one.
        return _number(value) if lenient else float(value)
    return _obvious(value, depth) if lenient else value


def _key(key: Any) -> Any:
    return _base(key) if isinstance(key, str) and type(key) is not str else key


def _base(value: Any) -> Any:
    """The plain str, int or float under a subclass (an enum, numpy's float64 and str_)."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    return float(value)


def _number(value: Any) -> int | float:
    return int(value) if value == value.to_integral_value() and abs(value) < 2**63 else float(value)


def pipeline_variable(value: Any, lenient: bool = False, depth: int = 0) -> Any | None:
    """What a pipeline definition has for an SDK's pipeline variable, None for anything else.

    Variables are told by their ``expr``: ``{"Get": "Parameters.x"}``, ``{"Std:Join": …}``.
    """
    kind = type(value)
    if not hasattr(kind, "expr") and not hasattr(kind, "to_request"):
        return None
    module = kind.__module__ or ""
    try:
        expression = value.expr
    except Exception:  # the SDK's variables raise where they lack a step's name
        return {"Get": f"Steps.{kind.__name__}"} if module.startswith("sagemaker") else None
    if isinstance(expression, Mapping):
        return _plain(dict(expression), lenient, depth + 1)
    return None


def _obvious(value: Any, depth: int) -> Any:
    """What an object that is no JSON obviously stands for; itself where nothing is obvious."""
    import datetime
    import enum

    if isinstance(value, enum.Enum):
        return _plain(value.value, True, depth + 1)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return int(value.total_seconds())
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item, True, depth + 1) for item in value), key=repr)
    for method in ("tolist", "item"):  # numpy's arrays and scalars
        convert = getattr(value, method, None)
        if convert is not None and type(value).__module__.split(".")[0] == "numpy":
            return _plain(convert(), True, depth + 1)
    found = attributes(value)
    return value if found is None else {k: _plain(v, True, depth + 1) for k, v in found.items()}


def attribute(owner: Any, name: str) -> Any:
    """An attribute of an object; None where it has none, or raises."""
    try:
        return getattr(owner, name, None)
    except Exception:  # a property that raises says nothing
        return None


def attributes(value: Any) -> dict[str, Any] | None:
    """The members of a dataclass, pydantic or attrs object or a plain namespace; None for other things."""
    kind = type(value)
    if dataclasses.is_dataclass(kind) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    for names in ("model_fields", "__fields__"):
        fields = getattr(kind, names, None)
        if isinstance(fields, Mapping):
            extra = attribute(value, "model_extra")  # of a model that takes more than its fields
            return {name: getattr(value, name, None) for name in (*fields, *(extra or ()))}
    attrs = getattr(kind, "__attrs_attrs__", None)
    if attrs is not None:
        return {one.name: getattr(value, one.name) for one in attrs}
    as_tuple = getattr(value, "_asdict", None)
    if as_tuple is not None and isinstance(value, tuple):
        return dict(as_tuple())
    if callable(value) or kind.__module__ == "builtins":
        return None
    found = getattr(value, "__dict__", None)
    return (
        {k: v for k, v in found.items() if not k.startswith("_")}
        if isinstance(found, dict) and found
        else None
    )

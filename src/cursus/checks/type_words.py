"""The types of the API in words: what a value is, what it should be, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

COMMANDS = frozenset({"ContainerEntrypoint", "ContainerArguments"})
"""Members that hold the words of a command."""
WHAT = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
}
"""JSON's types in words."""
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (Mapping,),
    "array": (list, tuple),
}
"""What values of these types are in Python, where a boolean is an integer too."""


_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def kind_in_words(value: object) -> str:
    """What a value is: ``a text``, ``a list``."""
    if value is None:
        return "null"
    for kinds, text in (
        (bool, "a boolean"),
        (str, "a text"),
        (int, "a whole number"),
        (float, "a number"),
        (list, "a list"),
        (dict, "a mapping"),
    ):
        if isinstance(value, kinds):
            return text
    return type(value).__name__


def listed(options: tuple[str, ...]) -> str:
    """The first of some names or words, for a message."""
    return ", ".join(options[:12]) + (", …" if len(options) > 12 else "") if options else "no members"


def written(
    value: Any,
    wanted: str,
    shown: str,
    node: Mapping[str, Any],
    name: str = "",
    item: Mapping[str, Any] | None = None,
) -> str:
    """What to write instead of a value of the wrong type, in the member ``name``; ``item`` is the schema of a list's items."""
    if value is None:
        return "leave the member out, or give it a value"
    if wanted == "string":
        if node.get("enum"):
            return f"write one of {listed(tuple(node['enum']))}"
        if isinstance(value, bool):
            return f'write the text "{str(value).lower()}"'
        if isinstance(value, (int, float)):
            return f'write the text "{shown}"'
        return "write one text" + (", such as the JSON of it" if isinstance(value, (list, dict)) else "")
    if wanted == "array":
        if isinstance(value, dict):
            members = tuple((item or {}).get("properties", ()))
            if members and not any(member in members for member in value):
                return f"write a list of mappings, each of {listed(members)}"
            return "put the mapping in a list"
        if isinstance(value, str) and value.lstrip()[:1] == "[" and value.rstrip()[-1:] == "]":
            return "write the list itself, without quotes around it"
        if isinstance(value, str) and ("," in value or (name in COMMANDS and value.split()[1:])):
            return f"write a list, each {'word' if name in COMMANDS else 'value'} an item of its own"
        return f"write a list of one: [{shown}]"
    if wanted == "object":
        members = tuple(node.get("properties", ()))
        if not members and "additionalProperties" in node:
            return "write a mapping of names to values"
        return f"write a mapping of {listed(members)}" if node else "write a mapping"
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    if wanted in ("integer", "number") and isinstance(value, str):
        return (
            "write the number without quotes" if is_number(value) else f"write {WHAT[wanted]}, without quotes"
        )
    if wanted == "boolean":
        return "write true or false, without quotes"
    return f"write {WHAT.get(wanted, wanted)}"


@lru_cache(maxsize=4096)
def decimal(value: str) -> float | None:
    """The number that a text of the API is, or None: neither ``nan`` nor ``1_000`` is one there."""
    return float(value) if _DECIMAL.fullmatch(value) else None


def is_number(value: str) -> bool:
    """True for a text that ``float`` takes."""
    try:
        float(value)
    except ValueError:
        return False
    return True


def whole(value: object) -> int | None:
    """The whole number that a text is, or None, also for one that no count is as large as."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"\s*[-+]?[0-9]{1,18}\s*", value) else None

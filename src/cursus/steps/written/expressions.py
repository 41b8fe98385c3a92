"""What can be told of an expression without knowing where it stands."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cursus.model import Path
from cursus.steps.written.names import consumed

ANY = "\0any"
"""A part of a path: some item, it is not known which."""
ITERATION = "cursus_item"
"""Attribute of a subscript of our own making: its key as a part of a path."""


class Item(int):
    """A place in a list that is known: with the item, and the name by which Python may have it in a mapping."""

    value: Any
    name: str | None
    size: int
    """Of the whole list."""

    @classmethod
    def of(cls, index: int, value: Any, size: int) -> Item:
        """The place of ``value`` in its list."""
        made = cls(index)
        made.value = value
        made.size = size
        name = None
        if isinstance(value, Mapping):
            name = value.get("ChannelName") or value.get("Name") or value.get("InstanceGroupName")
        made.name = name if isinstance(name, str) else None
        return made

    @classmethod
    def moved(cls, item: Any, index: int) -> Any:
        """The same item at another place."""
        return cls.of(index, item.value, item.size) if isinstance(item, Item) else index


def with_items(path: Path, value: Any) -> Path:
    """``path`` with the items of ``value`` in its places in lists."""
    made: list[Any] = []
    for part in path:
        size = len(value) if isinstance(value, list) else 0
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            value = None
        made.append(Item.of(part, value, size) if isinstance(part, int) else part)
    return tuple(made)


def item_expression(node: ast.expr, part: Any) -> ast.expr:
    """``node[part]`` as an expression that stands where ``node`` does."""
    made = ast.copy_location(ast.Subscript(node, ast.Constant(None), ast.Load()), node)
    setattr(made, ITERATION, part)
    return made


def same_text(written: Any, value: Any) -> bool:
    """True where a constant in the source may be the value of a request, which has many of them as text."""
    if written is None or value is None:
        return written is value
    if written == value and isinstance(written, bool) == isinstance(value, bool):
        return True
    if isinstance(value, (Mapping, list)):
        return False
    left, right = str(written).strip('"').lower(), str(value).strip('"').lower()
    if left == right:
        return True
    try:
        return not isinstance(written, (bool, str)) and float(left) == float(right)
    except ValueError:
        return False


def fits(node: ast.expr, value: Any, depth: int = 3) -> bool:
    """False where a literal cannot have given ``value``: it has another constant, or a key that is not there."""
    if isinstance(node, ast.Constant):
        return not (value is None or isinstance(value, (str, int, float, Mapping, list))) or same_text(
            node.value, value
        )
    if depth == 0:
        return True
    if isinstance(node, ast.Dict) and isinstance(value, Mapping):
        for key, one in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and (
                key.value not in value or not fits(one, value[key.value], depth - 1)
            ):
                return False
    if isinstance(node, (ast.List, ast.Tuple)) and isinstance(value, list):
        if any(isinstance(one, ast.Starred) for one in node.elts):
            return True
        return len(node.elts) <= len(value) and all(
            fits(one, item, depth - 1) for one, item in zip(node.elts[:50], value, strict=False)
        )
    return True


def static_length(node: ast.expr) -> int | None:
    """How many items a literal has, None where that is not known."""
    if isinstance(node, (ast.List, ast.Tuple)) and not any(isinstance(one, ast.Starred) for one in node.elts):
        return len(node.elts)
    return None


def element(node: ast.List | ast.Tuple | ast.Set, index: int) -> tuple[ast.expr, Any] | None:
    """(the element of a literal, None), or (a starred one, the place in it); None where it is past its end."""
    elements = node.elts
    if index < 0:
        index += len(elements)
    star = _first_star(node)
    if star is None or index < star:
        return (elements[index], None) if 0 <= index < len(elements) else None
    behind = len(elements) - star - 1
    only = not any(isinstance(one, ast.Starred) for one in elements[star + 1 :])
    if isinstance(index, Item) and only and index >= index.size - behind:
        return elements[index - index.size], None
    starred = elements[star]
    return (starred.value, Item.moved(index, index - star)) if isinstance(starred, ast.Starred) else None


@lru_cache(maxsize=512)
def _first_star(node: ast.List | ast.Tuple | ast.Set) -> int | None:
    return next((place for place, one in enumerate(node.elts) if isinstance(one, ast.Starred)), None)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a mapping's literal has for a path: the value, how much of the path its key is, what ``**`` adds later."""

    value: ast.expr
    consumed: int
    later: list[ast.expr]


@lru_cache(maxsize=512)
def _index(node: ast.Dict) -> tuple[dict[Any, int], list[int]]:
    """(key → its last place, the places of ``**``) of a mapping's literal."""
    keys: dict[Any, int] = {}
    spreads: list[int] = []
    for place, key in enumerate(node.keys):
        if key is None:
            spreads.append(place)
        elif isinstance(key, ast.Constant) and isinstance(key.value, (str, int)):
            keys[key.value] = place
            keys[str(key.value)] = place
    return keys, spreads


def entry(node: ast.Dict, path: Path) -> Entry | None:
    """The entry of a literal for the first parts of ``path``: by its key, by another name for it, or by an item's."""
    keys, spreads = _index(node)
    place = keys.get(path[0])
    used = 1
    if place is None or isinstance(path[0], int):
        best = 0
        place = None
        for key, at in keys.items() if len(keys) <= 400 else ():
            used = consumed(key, path) if isinstance(key, str) else 0
            if used and (best == 0 or used < best):
                best, place = used, at
        used = best
    if place is None:
        return None
    return Entry(node.values[place], used, [node.values[one] for one in spreads if one > place])

"""The line and column of every value in a JSON text, found in one pass without recursion.

The text is known to be valid JSON, or is only scanned for its brackets.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cursus.model import Location, Origin, Path, format_path

# Not a choice for each character of a text: re keeps a hundred bytes for each choice.
_TEXT = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(_TEXT + r'|[{}\[\]]|[^\s{}\[\],:"]+', re.DOTALL)
_BRACKET = re.compile(_TEXT + r"?|[{}\[\]]", re.DOTALL)


class _Member(NamedTuple):
    path: Path
    value: int
    """Offset of the value."""
    key: int
    """Offset of the key, -1 in a list and for the document itself."""


def brackets(text: str) -> Iterator[tuple[int, str]]:
    """Every bracket outside strings, with its offset."""
    for match in _BRACKET.finditer(text):
        found = match.group()
        if found[0] != '"':
            yield match.start(), found


def line_of(text: str, token: str) -> int:
    """The line of the first such token outside strings."""
    for match in _TOKEN.finditer(text):
        if match.group().lstrip("-") == token.lstrip("-"):
            return text.count("\n", 0, match.start()) + 1
    return 1


def positions(text: str, name: str) -> Mapping[Path, Origin]:
    """The place of every value, by its path."""
    return _Positions({member.path: member.value for member in _members(text)}, _Lines(text, name))


def duplicates(text: str, name: str) -> Iterator[tuple[str, str, Location, int]]:
    """(key, path, its place, line of the first) for every key that stands twice in one mapping."""
    lines = _Lines(text, name)
    seen: dict[Path, int] = {}
    for member in _members(text):
        if member.key < 0:
            continue
        if member.path in seen:
            first = lines.location(seen[member.path]).line or 1
            yield str(member.path[-1]), format_path(member.path), lines.location(member.key), first
        seen[member.path] = member.key


class _Positions(Mapping[Path, Origin]):
    """Offsets by path, of which few are ever asked for as lines and columns."""

    def __init__(self, offsets: dict[Path, int], lines: _Lines) -> None:
        self._offsets = offsets
        self._lines = lines

    def __getitem__(self, path: Path) -> Origin:
        return Origin(self._lines.name, self._lines.location(self._offsets[path]))

    def __iter__(self) -> Iterator[Path]:
        return iter(self._offsets)

    def __len__(self) -> int:
        return len(self._offsets)


class _Lines:
    """Offsets of a text as lines and columns."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def location(self, offset: int) -> Location:
        line = bisect_right(self.starts, offset)
        return Location(self.name, line, offset - self.starts[line - 1] + 1)


def _members(text: str) -> Iterator[_Member]:
    """Every value in reading order."""
    # One entry per open bracket: the path to it, and the next position in a list or None in a mapping.
    stack: list[tuple[Path, list[int] | None]] = []
    key: tuple[str, int] | None = None
    for match in _TOKEN.finditer(text):
        token, offset = match.group(), match.start()
        first = token[0]
        if first in "}]":
            if stack:
                stack.pop()
            continue
        path: Path = ()
        key_offset = -1
        if stack:
            around, index = stack[-1]
            if index is not None:
                path = (*around, index[0])
                index[0] += 1
            elif key is None:
                key = (json.loads(token) if "\\" in token else token[1:-1], offset)
                continue
            else:
                path, key_offset = (*around, key[0]), key[1]
                key = None
        yield _Member(path, offset, key_offset)
        if first == "{":
            stack.append((path, None))
        elif first == "[":
            stack.append((path, [0]))

"""The Python files of a source directory that a script imports, parsed."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

from cursus.model import Location
from cursus.script.facts import Fault
from cursus.script.source.files import shown_below
from cursus.script.source.there import is_dir, is_file
from cursus.script.syntax.bodies import Body, walk
from cursus.script.syntax.parsing import parse

MAX_FILE = 2_000_000
MAX_MODULES = 200
TOO_DEEP = "something in it is nested too deeply"
LONG = re.compile(rb"[0-9a-fA-F_]{3500}")


@dataclass(slots=True)
class Source:
    """The modules read so far. ``display`` is the directory as the user gave it, for locations.

    ``alone``: the container has the entry point, and no other file of the directory.
    """

    root: Path
    display: str
    alone: bool = False
    modules: dict[str, Body] = field(default_factory=dict)
    bodies: list[Body] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    read: list[Path] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    found: dict[tuple[str, Path], Path | None] = field(default_factory=dict)

    def shown(self, path: Path) -> str:
        """A file as messages name it: below the directory as the user gave it."""
        try:
            inside = path.relative_to(self.root).as_posix()
        except ValueError:
            return str(path)
        return shown_below(self.display, inside)

    def find(self, dotted: str, base: Path) -> Path | None:
        """The file of a module that a script in ``base`` imports from its own source, or None."""
        key = (dotted, base)
        if key not in self.found:
            self.found[key] = None if self.alone else self._search(dotted, base)
        return self.found[key]

    def _search(self, dotted: str, base: Path) -> Path | None:
        parts = dotted.split(".") if dotted else []
        for start in dict.fromkeys((base, self.root)):
            place = start.joinpath(*parts)
            for candidate in (
                place / "__init__.py",
                place.with_suffix(".py") if parts else place / "__init__.py",
            ):
                if is_file(candidate):
                    return candidate
        return None

    def is_package(self, dotted: str, base: Path) -> bool:
        """True where ``dotted`` is a directory of the source, with or without ``__init__.py``."""
        inside = () if self.alone else (base, self.root)
        return any(is_dir(start.joinpath(*dotted.split("."))) for start in inside)

    def load(self, path: Path, *, entry: bool = False) -> Body | None:
        """Parse a file once. A file that does not parse is a fault."""
        key = str(path)
        known = self.modules.get(key)
        if known is not None:
            return known
        if key in self.missing or len(self.modules) >= MAX_MODULES:
            return None
        self.read.append(path)
        tree = self._parse(path, entry)
        if tree is None:
            self.missing.add(key)
            return None
        body = Body(tree, self.shown(path), key, None)
        try:
            found = list(walk(body, entry))
        except (
            RecursionError
        ):  # Python takes it, and it is nested too deeply to be read here: no fault of the script
            self._unread(path, TOO_DEEP)
            self.missing.add(key)
            return None
        self.modules[key] = body
        self.bodies.extend(found)
        return body

    def _parse(self, path: Path, entry: bool) -> ast.Module | None:
        shown = self.shown(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            self.faults.append(Fault("unreadable", error.strerror or str(error), Location(shown)))
            return None
        if len(data) > MAX_FILE:
            self._unread(path, f"it has more than {MAX_FILE:,} bytes")
            return None
        try:
            tree = parse(data)
            line = _undecodable(data) if entry else 0
            if line:
                told = "a byte that is no UTF-8, and no encoding is declared"
                self.faults.append(Fault("syntax", told, Location(shown, line)))
            if LONG.search(data) is None or not any(map(_huge, ast.walk(tree))):
                return tree
            self._unread(path, "a number in it has thousands of digits")
        except (RecursionError, MemoryError):
            self._unread(path, TOO_DEEP)
        except SyntaxError as error:
            place = Location(shown, error.lineno or None, error.offset or None)
            self.faults.append(Fault("syntax", error.msg or "invalid syntax", place))
        except ValueError as error:
            self.faults.append(Fault("syntax", str(error), Location(shown)))
        return None

    def _unread(self, path: Path, reason: str) -> None:
        self.faults.append(Fault("unread", reason, Location(self.shown(path))))


def _undecodable(data: bytes) -> int:
    """The line of a comment that Python cannot decode, or 0: it does so where it starts a file, not for an import."""
    if not any(map(CODING.match, data.split(b"\n", 2)[:2])):
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return data.count(b"\n", 0, error.start) + 1
    return 0


CODING = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")
"""What declares an encoding (PEP 263)."""


def _huge(node: ast.AST) -> bool:
    """True for a number that cannot be written in decimal again."""
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, int) and value.bit_length() > 14_000


def resolve_relative(importing: Path, level: int, root: Path) -> Path | None:
    """The folder that a relative import starts from, or None where it climbs out of the source."""
    place = importing.parent
    for _ in range(level - 1):
        place = place.parent
    return place if place == root or root in place.parents else None

"""Python source files taken apart, so that what is defined at a line, and what is written where, can be asked."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from types import CodeType

from cursus.model import Location
from cursus.script.syntax.parsing import parse
from cursus.steps.answers import STARTERS

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
Owner = Function | ast.ClassDef | ast.Module

MAX_SOURCE = 1024 * 1024
"""Bytes. A larger file is data in the form of Python; parsing it would take seconds."""


@dataclass(slots=True, eq=False)
class Source:
    """One parsed file: its functions by their first line (of decorators too), its classes by qualified name."""

    file: str
    lines: Sequence[str]
    tree: ast.Module
    functions: dict[int, list[Function]] = field(default_factory=dict)
    classes: dict[str, list[ast.ClassDef]] = field(default_factory=dict)
    around: dict[Owner, Owner] = field(default_factory=dict)
    """What each function and class stands in."""

    def location(self, node: ast.AST) -> Location:
        """Where a node begins; the column counts characters, as editors do."""
        line, column = int(getattr(node, "lineno", 1)), int(getattr(node, "col_offset", 0))
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if not text.isascii():  # Python counts bytes
            column = len(text.encode()[:column].decode("utf-8", "replace"))
        return Location(self.file, line, column + 1)

    def function(self, line: int, name: str) -> Function | None:
        """The function of that name that begins at ``line``; None where there is not exactly one."""
        found = [node for node in self.functions.get(line, ()) if getattr(node, "name", "<lambda>") == name]
        return found[0] if len(found) == 1 else None

    def class_(self, kind: type) -> ast.ClassDef | None:
        """The definition of a class; None where it is not clear which of several it is."""
        found = self.classes.get(kind.__qualname__.replace(".<locals>", ""), [])
        if len(found) > 1:
            lines = {
                code.co_firstlineno
                for one in vars(kind).values()
                if isinstance(code := getattr(getattr(one, "__func__", one), "__code__", None), CodeType)
            }
            found = [
                one
                for one in found
                if lines and all(one.lineno <= line <= (one.end_lineno or 0) for line in lines)
            ]
        return found[0] if len(found) == 1 else None


def read_source(file: str) -> Source | None:
    """The parsed file, None where it cannot be read or parsed. A notebook's cell is a file to Python too."""
    try:
        stat = Path(file).stat()
    except (OSError, ValueError):
        lines = linecache.getlines(file)
        return _parsed(file, "".join(lines).encode("utf-8", "replace")) if lines else None
    # A pipe or a device would be waited for without end.
    if not S_ISREG(stat.st_mode) or stat.st_size > MAX_SOURCE:
        return None
    return _read(file, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _read(file: str, modified: int, size: int) -> Source | None:
    try:
        return _parsed(file, Path(file).read_bytes())
    except OSError:
        return None


def _parsed(file: str, data: bytes) -> Source | None:
    try:
        tree = parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    # As Python counts lines: a form feed or another odd separator ends none.
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    source = Source(file, text.split("\n"), tree)
    pending: list[tuple[ast.AST, Owner, str]] = [(tree, tree, "")]
    while pending:
        node, owner, name = pending.pop()
        for child in ast.iter_child_nodes(node):
            inner, inside = owner, name
            if isinstance(child, (ast.ClassDef, *FUNCTIONS)):
                own = getattr(child, "name", "<lambda>")
                source.around[child] = owner
                inner, inside = child, f"{name}.{own}" if name else own
                if isinstance(child, ast.ClassDef):
                    source.classes.setdefault(inside, []).append(child)
                else:
                    decorators = getattr(child, "decorator_list", [])
                    first = min([child.lineno, *(one.lineno for one in decorators)])
                    source.functions.setdefault(first, []).append(child)
            pending.append((child, inner, inside))
    return source


def positional(arguments: ast.arguments) -> list[str]:
    """The parameters of a function that may be given by their place."""
    return [one.arg for one in (*arguments.posonlyargs, *arguments.args)]


def by_name(arguments: ast.arguments) -> list[str]:
    """All parameters of a function, but for those that gather what is left over."""
    return positional(arguments) + [one.arg for one in arguments.kwonlyargs]


@lru_cache(maxsize=256)
def results(owner: Owner) -> tuple[ast.Return | ast.Yield | ast.YieldFrom | ast.Expr, ...]:
    """Everything that a function returns and yields, in reading order; where it does not, the jobs it starts."""
    kinds = (ast.Return, ast.Yield, ast.YieldFrom)
    found = tuple(node for node in statements(owner) if isinstance(node, kinds) and node.value is not None)
    return found or tuple(
        node for node in statements(owner) if isinstance(node, ast.Expr) and starts(node.value)
    )


def starts(node: ast.expr) -> bool:
    """True for ``estimator.fit(…)`` and its like."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STARTERS


@lru_cache(maxsize=256)
def inner_functions(owner: Owner) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions that are defined in a function, by their names."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name: node for node in statements(owner) if isinstance(node, kinds)}


def statements(owner: Owner) -> Iterator[ast.AST]:
    """Every node of a function, class or module in reading order, without those of functions and classes in it."""
    if isinstance(owner, ast.Lambda):
        return
    pending: list[ast.AST] = list(reversed(owner.body))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, (ast.ClassDef, *FUNCTIONS)):
            pending.extend(reversed(list(ast.iter_child_nodes(node))))

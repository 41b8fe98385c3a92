"""Modules of a source that import each other before what is asked for is there: ``circular-import``.

The imports are followed in the order that Python makes them; those in functions, ``try`` and conditions are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place

Local = Callable[[str, Body, int], Body | None]


def read_circles(entry: Body, local: Local) -> Iterator[Habit]:
    """The first import that finds its module half made."""
    yield from _run(entry, entry, local, {}, set())


def _run(module: Body, entry: Body, local: Local, at: dict[int, int], done: set[int]) -> Iterator[Habit]:
    """Import a module: ``at`` are the lines that those under way have come to, by the identity of their bodies."""
    seen: set[tuple[int, str]] = set()
    for statement in getattr(module.owner, "body", ()):
        at[id(module)] = statement.lineno
        found: list[tuple[Body | None, list[str]]] = []
        if isinstance(statement, ast.ImportFrom):
            base = local(statement.module or "", module, statement.level) if statement.module else None
            found = [(base, [one.name for one in statement.names])]
        elif isinstance(statement, ast.Import):
            found = [(local(one.name, module, 0), []) for one in statement.names]
        for other, names in found:
            if other is None or other is entry or id(other) in done:
                continue
            if id(other) not in at:
                yield from _run(other, entry, local, at, done)
                continue
            missing = [
                name for name in names if (id(other), name) not in seen and _later(other, name, at[id(other)])
            ]
            seen.update((id(other), name) for name in names)
            if missing and not _is_module(statement, missing[0], module, local):
                yield Habit("circular-import", None, missing[0], True, place(statement, module), other.module)
                return
    done.add(id(module))


def _is_module(statement: ast.stmt, name: str, module: Body, local: Local) -> bool:
    """True for ``from package import module``."""
    if not isinstance(statement, ast.ImportFrom):
        return False
    return local(f"{statement.module}.{name}", module, statement.level) is not None


def _later(module: Body, name: str, line: int) -> bool:
    """True for a name that a module surely gets below a line, and not above it."""
    above, below = False, False
    for statement in getattr(module.owner, "body", ()):
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = {statement.name}
        else:
            nodes = list(ast.walk(statement))
            names = {one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
            names |= {
                (one.asname or one.name).partition(".")[0] for one in nodes if isinstance(one, ast.alias)
            }
        if name in names or "*" in names or "__getattr__" in names:
            above, below = above or statement.lineno <= line, below or statement.lineno > line
    return below and not above

"""Lines that name a member, for values whose way cannot be followed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from cursus.model import Path
from cursus.steps.written.names import consumed
from cursus.steps.written.roots import Root
from cursus.steps.written.scopes import Scope, constant
from cursus.steps.written.trace import Found, Trace

MOST_NODES = 20_000


def mentioned(trace: Trace, start: Root, path: Path) -> Found | None:
    """The one place in a hook where something is put under the name of the last member of ``path``."""
    last = next((part for part in reversed(path) if isinstance(part, str)), None)
    if last is None or (isinstance(path[-1], int) and len(path) > 1 and not isinstance(path[-2], str)):
        return None
    trace.steps = 0
    found = [trace.at(value, (), scope) for value, scope in _named(start, last)]
    exact = [one for one in found if one is not None and one.sure]
    return trace.best(exact or found, alone=True)


def _named(start: Root, member: str) -> Iterator[tuple[ast.expr, Scope]]:
    for number, (node, scope) in enumerate(start.nodes()):
        if number > MOST_NODES:
            return
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if (
                    isinstance(key, ast.Constant)
                    and isinstance(key.value, str)
                    and consumed(key.value, (member,))
                ):
                    yield value, scope
        elif isinstance(node, ast.Call):
            for one in node.keywords:
                if one.arg is not None and consumed(one.arg, (member,)):
                    yield one.value, scope
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                given = constant(target.slice) if isinstance(target, ast.Subscript) else None
                name = target.attr if isinstance(target, ast.Attribute) else given
                if isinstance(name, str) and consumed(name, (member,)):
                    yield node.value, scope

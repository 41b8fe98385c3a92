"""What a script does when it is told to end: handlers of SIGTERM that save and end nothing (``deaf-handler``)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script.ends.endings import TELLS
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import bare_name, last_name


def read_signals(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    for body in modules:
        for node, name in _deaf(list(ast.walk(body.owner))):
            yield Habit("deaf-handler", None, name, True, place(node, body))


def _deaf(nodes: list[ast.AST]) -> Iterator[tuple[ast.AST, str]]:
    """Handlers of SIGTERM that only print, or ignore it: what the program does goes on until it is killed."""
    defined = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
    for node in nodes:
        if (
            not isinstance(node, ast.Call)
            or len(node.args) != 2
            or "SIGTERM" not in ast.unparse(node.args[0])
        ):
            continue
        if ast.unparse(node.func) not in ("signal.signal", "signal"):
            continue
        handler = node.args[1]
        name = ast.unparse(handler)
        made = defined.get(name, handler)
        does = made.body if isinstance(made, ast.FunctionDef) else []
        if isinstance(made, ast.Lambda):
            does = [ast.Expr(made.body)]
        outer = {one for step in does if isinstance(step, (ast.Global, ast.Nonlocal)) for one in step.names}
        if name.rpartition(".")[2] == "SIG_IGN" or (does and all(_tells(one, outer) for one in does)):
            alone = [bare_name(one.targets[0]) for one in does if isinstance(one, ast.Assign)]
            yield node, f"{name}, which sets {alone[0]} for itself alone" if alone else name[:80]


def _tells(statement: ast.stmt, outer: set[str]) -> bool:
    """True for what has no effect but a line: a name that is set in the handler alone has none either."""
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
        return all(isinstance(target, ast.Name) and target.id not in outer for target in statement.targets)
    if not isinstance(statement, ast.Expr):
        return isinstance(statement, ast.Pass)
    value = statement.value
    if not isinstance(value, ast.Call):
        return isinstance(value, ast.Constant)
    return last_name(value.func) in TELLS | {"flush"}

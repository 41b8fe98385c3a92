"""Arguments of the command line that a script declares and never reads, and actions whose order matters."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator

from cursus.script.facts import Habit
from cursus.script.hyperparameters.arguments import PARSES
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import bare_name, everything_given, is_call, receiver

WHOLE = frozenset({"vars", "__dict__", "_get_kwargs", "asdict", "getattr", "locals", "globals"})


def _parses(node: ast.expr | None, functions: Collection[str]) -> bool:
    """True for a call that parses the command line, or of one of the ``functions`` that return what was parsed."""
    if not isinstance(node, ast.Call):
        return False
    return receiver(node, PARSES) is not None or bare_name(node.func) in functions


def unread_arguments(modules: Iterable[Body], declared: Iterable[str]) -> frozenset[str]:
    """Those of ``declared`` that no attribute, key or text of the source names, where the parsed arguments are
    never handed on as a whole."""
    spaces: set[str] = set()
    read: set[str] = set()
    nodes = [node for body in modules for node in body.all_nodes]
    parsing = {
        node.name
        for node in nodes
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(one, ast.Return) and _parses(one.value, frozenset()) for one in ast.walk(node))
    }
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _parses(node.value, parsing):
            target = node.targets[0]
            first = target.elts[0] if isinstance(target, (ast.Tuple, ast.List)) and target.elts else target
            if isinstance(first, ast.Name):
                spaces.add(first.id)
    if not spaces:
        return frozenset()
    looking = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    looking.add("print")
    bases: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Attribute):
            if node.attr in WHOLE:
                return frozenset()
            if isinstance(node.ctx, ast.Load):
                read.add(node.attr)
            bases.add(id(node.value))
        elif isinstance(node, ast.Return) and node.value is not None:
            bases.add(id(node.value))
        elif isinstance(node, ast.Call) and bare_name(node.func) in looking:
            bases.update(map(id, everything_given(node)))
    for node in nodes:
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        if node.id in WHOLE or (node.id in spaces and id(node) not in bases):
            return frozenset()
    return frozenset(name for name in declared if name not in read)


def ordered(modules: Iterable[Body]) -> Iterator[Habit]:
    """Actions of argparse that set other arguments than their own without a look at them: the order matters."""
    for body in modules:
        for node in body.all_nodes:
            if not isinstance(node, ast.ClassDef) or not any(
                "Action" in ast.unparse(base) for base in node.bases
            ):
                continue
            asked = {
                id(one)
                for test in ast.walk(node)
                if isinstance(test, ast.If) and any(is_call(part, "getattr") for part in ast.walk(test.test))
                for one in ast.walk(test)
            }
            for inner in ast.walk(node):
                if (
                    is_call(inner, "setattr")
                    and id(inner) not in asked
                    and len(inner.args) == 3
                    and "dest" not in ast.unparse(inner.args[1])
                ):
                    yield Habit("ordered", None, node.name, True, place(inner, body))
                    break

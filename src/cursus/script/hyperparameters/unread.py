"""Arguments of the command line that a script declares and never reads, and actions whose order matters."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator

from cursus.script.facts import Habit
from cursus.script.hyperparameters.arguments import PARSES
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import bare_name, everything_given, is_call, mentions, receiver

LOOKED_UP = ("locals", "vars", "eval", "exec")
WHOLE = frozenset({"vars", "__dict__", "_get_kwargs", "asdict", "getattr", "locals", "globals"})


def _parses(node: ast.expr | None, functions: Collection[str]) -> bool:
    """True for a call that parses the command line, or of one of the ``functions`` that return what was parsed."""
    if not isinstance(node, ast.Call):
        return False
    return receiver(node, PARSES) is not None or bare_name(node.func) in functions


def unread_arguments(modules: Iterable[Body], declared: Iterable[str]) -> frozenset[str]:
    """Those of ``declared`` that no attribute, key or text of the source names, or that are handed to functions alone
    which do not look at them, where the parsed arguments are never handed on as a whole."""
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
    in_vain = _handed_in_vain(nodes)
    for node in nodes:
        if isinstance(node, ast.Attribute):
            if node.attr in WHOLE:
                return frozenset()
            if isinstance(node.ctx, ast.Load) and id(node) not in in_vain:
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


def _handed_in_vain(nodes: list[ast.AST]) -> set[int]:
    """What is given to functions of the source for parameters that they do not look at, or set anew first."""
    named: dict[str, list[ast.FunctionDef]] = {}
    methods = {id(one) for node in nodes if isinstance(node, ast.ClassDef) for one in node.body}
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and id(node) not in methods:
            named.setdefault(node.name, []).append(node)
    found: set[int] = set()
    for node in nodes:
        owners = named.get(bare_name(node.func), []) if isinstance(node, ast.Call) else []
        if not isinstance(node, ast.Call) or len(owners) != 1 or owners[0].decorator_list:
            continue
        names = [one.arg for one in (*owners[0].args.posonlyargs, *owners[0].args.args)]
        spread = any(isinstance(one, ast.Starred) for one in node.args)
        given = [] if spread else [*zip(names, node.args, strict=False)]
        given += [(one.arg or "", one.value) for one in node.keywords]
        known = {*names, *(one.arg for one in owners[0].args.kwonlyargs)}
        found.update(id(value) for name, value in given if name in known and _dead(owners[0], name))
    return found


def _dead(function: ast.FunctionDef, name: str) -> bool:
    """True where a function reads its parameter nowhere, or sets it to a constant before it does."""
    for statement in function.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            if [bare_name(one) for one in statement.targets] == [name]:
                return True
        elif mentions(statement, name):
            return False
    looked_up = any(is_call(one, *LOOKED_UP) for one in ast.walk(function))
    return not looked_up and not isinstance(function.body[-1], (ast.Pass, ast.Raise))


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

"""Whether a script reads its command line in another way than by a parser."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TypeGuard

from cursus.script.hyperparameters.arguments import PARSES
from cursus.script.syntax.bodies import Body
from cursus.script.syntax.nodes import FUNCTIONS, bare_name, last_name, receiver, takes_one_file

SHOWS = frozenset({"print", "pprint", "debug", "info", "warning", "error"})
"""Functions that only show what they are given."""


def uses_argv(modules: Iterable[Body]) -> bool:
    """True where ``sys.argv`` is read other than to show it, or to hand it to a parser as it is."""
    nodes = [node for body in modules for node in body.all_nodes]
    if any(
        isinstance(node, ast.ImportFrom) and any(one.name == "argv" for one in node.names) for node in nodes
    ):
        return True
    found = [node for node in nodes if isinstance(node, ast.Attribute) and node.attr == "argv"]
    if not found:
        return False
    way = Way(nodes)
    return not all(way.handed(node) for node in found)


class Way:
    """Where the command line goes in a source, from name to name."""

    def __init__(self, nodes: list[ast.AST]) -> None:
        self.parents = {id(child): node for node in nodes for child in ast.iter_child_nodes(node)}
        self.functions = {node.name: node for node in nodes if isinstance(node, FUNCTIONS)}
        self.seen: set[tuple[int, str]] = set()

    def handed(self, node: ast.AST) -> bool:
        """True for the command line where it goes to a parser or is shown, and nowhere else."""
        if self._aside(node):
            return True
        at, above = node, self.parents.get(id(node))
        while isinstance(above, (ast.IfExp, ast.BoolOp, ast.keyword)) or _rest(above):
            at, above = above, self.parents.get(id(above))
        if isinstance(above, ast.Compare):
            return all(isinstance(one, ast.Constant) and one.value is None for one in above.comparators)
        if isinstance(above, ast.Call) and at is not above.func:
            return receiver(above, PARSES) is not None or self._parameter(above, at)
        if isinstance(above, ast.arguments):
            names = [one.arg for one in (*above.posonlyargs, *above.args)][-len(above.defaults) or None :]
            name = next((name for name, one in zip(names, above.defaults, strict=False) if one is at), "")
            return self._named(self.parents.get(id(above)), name)
        if isinstance(above, (ast.Assign, ast.AnnAssign)):
            targets = above.targets if isinstance(above, ast.Assign) else [above.target]
            scope: ast.AST | None = above
            while scope is not None and not isinstance(scope, (*FUNCTIONS, ast.Module)):
                scope = self.parents.get(id(scope))
            return all(self._named(scope, bare_name(one)) for one in targets)
        return False

    def _aside(self, node: ast.AST) -> bool:
        """True for what only makes a line that is printed, or asks for one file in place of options."""
        above: ast.AST | None = node
        while above is not None:
            if isinstance(above, ast.Call) and last_name(above.func) in SHOWS:
                return True
            if isinstance(above, ast.If) and takes_one_file(above.test):
                return True
            above = self.parents.get(id(above))
        return False

    def _parameter(self, call: ast.Call, given: ast.AST) -> bool:
        """True where a function of the source hands on what a call gives it."""
        callee = self.functions.get(last_name(call.func))
        if callee is None:
            return False
        names = [one.arg for one in (*callee.args.posonlyargs, *callee.args.args)]
        if isinstance(call.func, ast.Attribute) and names[:1] in (["self"], ["cls"]):
            names = names[1:]
        word = {id(one): one.arg or "" for one in call.keywords}.get(id(given))
        place = next((i for i, one in enumerate(call.args) if one is given), len(names))
        return self._named(callee, word or next(iter(names[place : place + 1]), ""))

    def _named(self, scope: ast.AST | None, name: str) -> bool:
        """True where everything that reads a name in a scope hands it on."""
        if not name or scope is None or (id(scope), name) in self.seen:
            return bool(name)
        self.seen.add((id(scope), name))
        loads = [one for one in ast.walk(scope) if bare_name(one) == name]
        return all(self.handed(one) for one in loads if isinstance(getattr(one, "ctx", None), ast.Load))


def _rest(node: ast.AST | None) -> TypeGuard[ast.Subscript]:
    """True for ``sys.argv[1:]``."""
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)

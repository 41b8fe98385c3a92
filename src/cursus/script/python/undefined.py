"""Names that nothing defines where a script uses them, and members that a module of its own does not have.

Each finding is a ``Habit``: ``undefined-name``, and ``no-member`` with the module's file as its ``source``.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.evaluation.unrolled import fixed
from cursus.script.facts import Habit, Parser
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    DEFINITIONS,
    EXITS,
    bare_name,
    caught,
    gives_up,
    is_main_guard,
    last_name,
    string,
)

BUILTINS = frozenset(dir(builtins))
WAITS = frozenset({"NameError", "Exception", "BaseException"})
OPEN = frozenset({"exec", "globals", "builtins", "modules", "__getattr__"})
"""What may give a module names that are not written in it."""
PYTHON = re.compile(r"\bversion_info\b|\bsys\.version\b|\bpython_version\b|(?i:py(?:thon)?_?[23](?!\d))")
"""What asks for the Python that runs: beside it stand names that only another one has."""

ModuleOf = Callable[[str, Body, int], "Body | None"]
MemberOf = Callable[[ast.ImportFrom, str, Body], v.Value]


@dataclass(slots=True)
class Scopes:
    """What each body binds, and which modules may have more names than are written."""

    entry: str
    bound: dict[int, frozenset[str]] = field(default_factory=dict)
    open: dict[int, bool] = field(default_factory=dict)

    def names(self, body: Body) -> frozenset[str]:
        """The names that a body gives a value anywhere."""
        if id(body) not in self.bound:
            self.bound[id(body)] = frozenset(body.bindings) | frozenset(_stored(body))
        return self.bound[id(body)]

    def unclear(self, module: Body) -> bool:
        """True where names may come into a module that are not written there."""
        if id(module) not in self.open:
            self.open[id(module)] = any(_opens(node) for node in ast.walk(module.owner))
        return self.open[id(module)]

    def seen(self, body: Body) -> set[str]:
        """What is seen from inside a body: its own names, those of the functions around it, the module's."""
        found = set(BUILTINS)
        around: Body | None = body
        while around is not None:
            if around is body or not isinstance(around.owner, ast.ClassDef):
                found |= self.names(around)
            around = around.parent
        return found


def read_undefined(
    evaluator: Evaluator,
    reached: Iterable[tuple[Body, bool]],
    entry: Path,
    module_of: ModuleOf,
    member_of: MemberOf,
) -> tuple[Habit, ...]:
    """Everything of this kind in the bodies that run."""
    bodies = list(reached)
    scopes = Scopes(str(entry))
    stored = frozenset(name for body, _ in bodies for name in body.attributes)
    found: list[Habit] = []
    for body, sure in bodies:
        if not scopes.unclear(body.top):
            found.extend(_undefined(scopes, body, sure))
        found.extend(_imported(scopes, body, sure, module_of, member_of))
        found.extend(_members(scopes, evaluator, body, sure, stored))
    return tuple(dict.fromkeys(found))


def _stored(body: Body) -> Iterator[str]:
    """What ``Body.bindings`` does not have: names in patterns of ``match``, and in what is not walked."""
    for node in body.nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif not isinstance(node, ast.alias):
            for written in ("name", "rest"):
                name = getattr(node, written, None)
                if isinstance(name, str):
                    yield name


def _opens(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return any(alias.name == "*" for alias in node.names)
    return last_name(node) in OPEN or (isinstance(node, ast.FunctionDef) and node.name in OPEN)


def _undefined(scopes: Scopes, body: Body, sure: bool) -> Iterator[Habit]:
    seen = scopes.seen(body)
    unknown = [
        node
        for node in body.nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in seen
    ]
    if not unknown:
        return
    aside, certain = _aside(scopes, body), _certain(scopes, body)
    told = set()
    for node in unknown:
        name = node.id
        if name not in told and not name.startswith("__") and name != "_" and id(node) not in aside:
            told.add(name)
            yield Habit("undefined-name", None, name, sure and id(node) in certain, place(node, body))


def _aside(scopes: Scopes, body: Body) -> set[int]:
    """Nodes that are not evaluated, or whose NameError is waited for."""
    found: set[int] = set()
    for node in body.nodes:
        parts: list[ast.AST] = []
        if isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.Try):
            parts = [handler.type for handler in node.handlers if handler.type is not None]
            if any(caught(handler) & WAITS and not gives_up(handler) for handler in node.handlers):
                parts.extend(node.body)
        elif isinstance(node, ast.If) and is_main_guard(node.test):
            parts = list(node.orelse if body.module == scopes.entry else node.body)
        elif isinstance(node, ast.If) and last_name(node.test) == "TYPE_CHECKING":
            parts = list(node.body)
        elif isinstance(node, (ast.If, ast.IfExp)) and PYTHON.search(ast.unparse(node.test)):
            parts = [node]
        for part in parts:
            found.update(id(inner) for inner in ast.walk(part))
    return found


def _certain(scopes: Scopes, body: Body) -> set[int]:
    """The nodes of statements that run whenever the body does, up to where it may leave early."""
    found: set[int] = set()
    statements = [] if isinstance(body.owner, ast.Lambda) else list(body.owner.body)
    while statements:
        statement = statements.pop(0)
        if isinstance(statement, ast.With) or (
            isinstance(statement, ast.Try) and all(gives_up(handler) for handler in statement.handlers)
        ):
            statements[:0] = statement.body
        elif isinstance(statement, ast.If) and is_main_guard(statement.test):
            if body.module == scopes.entry:
                statements[:0] = statement.body
        elif isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return)):
            inside = list(ast.walk(statement))
            if not any(isinstance(inner, (ast.IfExp, ast.BoolOp)) for inner in inside):
                found.update(id(inner) for inner in inside)
        elif not isinstance(statement, DEFINITIONS) and any(map(_leaves, ast.walk(statement))):
            break
        if isinstance(statement, ast.Return):
            break
    return found


def _leaves(node: ast.AST) -> bool:
    return isinstance(node, (ast.Return, ast.Raise)) or (
        isinstance(node, ast.Call) and last_name(node.func) in EXITS
    )


def _imported(
    scopes: Scopes, body: Body, sure: bool, module_of: ModuleOf, member_of: MemberOf
) -> Iterator[Habit]:
    for node, certain in body.imports:
        asked = list(_lost(node, body, module_of))
        if isinstance(node, ast.ImportFrom) and (node.module or node.level):
            module = module_of(node.module or "", body, node.level)
            if module is not None:
                unknown = [one.name for one in node.names if member_of(node, one.name, body) is v.UNKNOWN]
                asked += [(module, node.module or "", name) for name in unknown]
        for module, dotted, name in asked:
            if _lacks(scopes, module, name):
                told = f"{dotted}.{name}"
                yield Habit("no-member", None, told, sure and certain, place(node, body), source=module.file)


def _lost(
    node: ast.Import | ast.ImportFrom, body: Body, module_of: ModuleOf
) -> Iterator[tuple[Body, str, str]]:
    """For a module that is not there: (the last of the source on the way to it, its name, what is imported of it)."""
    level = node.level if isinstance(node, ast.ImportFrom) else 0
    for dotted in (
        [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
    ):
        around, last, found = dotted, "", None
        while found is None and (around or level):
            found = module_of(around, body, level)
            if found is not None and last:
                yield found, around, last
            if not around:
                break
            around, last = around.rpartition(".")[0], around.rpartition(".")[2]


def _members(
    scopes: Scopes, evaluator: Evaluator, body: Body, sure: bool, stored: frozenset[str]
) -> Iterator[Habit]:
    certain: set[int] | None = None
    for node in body.nodes:
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            continue
        if not isinstance(node.ctx, ast.Load) or node.attr in stored:
            continue
        holder = body if node.value.id in body.bindings else body.top
        if not any(one.kind == "import" for one in holder.bindings.get(node.value.id, ())):
            continue
        module = evaluator.value(node.value, body)
        if isinstance(module, v.LocalModule) and _lacks(scopes, module.body, node.attr):
            certain = _certain(scopes, body) if certain is None else certain
            told = f"{node.value.id}.{node.attr}"
            known = sure and id(node) in certain
            yield Habit("no-member", None, told, known, place(node, body), source=module.body.file)


SET_OTHERWISE = frozenset(
    {"set_defaults", "setattr", "__dict__", "Namespace", "namespace", "add_argparse_args"}
)


def read_options(
    evaluator: Evaluator,
    reached: Iterable[tuple[Body, bool]],
    entry: Path,
    parsers: Iterable[Parser],
    mentioned: frozenset[str],
) -> Iterator[Habit]:
    """Arguments that are read from what a parser gives, and that no parser declares: ``no-option``."""
    declared = {parser.key: {argument.dest for argument in parser.arguments} for parser in parsers}
    unclear = any(parser.kind != "argparse" or not parser.complete or parser.libraries for parser in parsers)
    if unclear or mentioned & SET_OTHERWISE or {"vars", "update"} <= mentioned or "hasattr" in mentioned:
        return
    bodies = list(reached)
    keys = {string(node.slice) or "" for body, _ in bodies for node in body.stores}
    scopes = Scopes(str(entry))
    stored = {
        node.attr
        for body, _ in bodies
        for node in body.nodes
        if isinstance(node, ast.Attribute)
        and not isinstance(node.ctx, ast.Load)
        and bare_name(node.value) != "self"
    } | keys
    told = set()
    for body, sure in bodies:
        certain: set[int] | None = None
        for node in body.nodes:
            keyed = isinstance(node, ast.Subscript)
            if not isinstance(node, (ast.Attribute, ast.Subscript)) or not isinstance(node.ctx, ast.Load):
                continue
            name = node.attr if isinstance(node, ast.Attribute) else string(node.slice) or ""
            if not name or name in stored or name in told or name.startswith("_") or name == "help":
                continue
            space = evaluator.evaluate(node.value, body).only
            if (
                isinstance(space, v.Space)
                and space.mapping == keyed
                and name not in declared.get(space.key, {name})
            ):
                certain = _certain(scopes, body) if certain is None else certain
                known = sure and id(node) in certain
                hyphens = name.replace("-", "_") in declared[space.key]  # as nobody else would call it
                if keyed and not ((known or hyphens) and fixed(evaluator, node.value)):
                    continue
                if known or hyphens or not _in_raise(body, node):  # the job fails there in any case
                    told.add(name)
                    always = known or (hyphens and sure)
                    yield Habit("no-option", None, name, always, place(node, body), "[]" if keyed else "")


def _in_raise(body: Body, node: ast.AST) -> bool:
    """True for what only makes the message of an error."""
    return any(isinstance(one, ast.Raise) and node in ast.walk(one) for one in body.nodes)


def _lacks(scopes: Scopes, module: Body, name: str) -> bool:
    """True where a module of the source has no such name, and no file or folder beside it that may be one."""
    if name.startswith("__") or name == "*" or name in scopes.names(module) or scopes.unclear(module):
        return False
    path = Path(module.module)
    return path.name != "__init__.py" or not any(path.parent.glob(f"{name}*"))

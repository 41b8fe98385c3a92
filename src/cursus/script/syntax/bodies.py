"""Function and module bodies: what is bound, called, returned and caught in each, and on which condition.

A body is walked once, in the order it runs. Everything found carries ``sure``: it happens whenever the body
runs to that place without failing. Code below an ``if``, in a loop, in a ``try`` whose handlers go on, or
after a place that may leave early is not sure.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cursus.model import Location
from cursus.script.syntax.nodes import (
    EXITS,
    Owner,
    bare_name,
    ends_early,
    everything_given,
    gives_up,
    is_main_guard,
    last_name,
    leaves,
    own,
    receiver,
    takes_one_file,
)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
HUGE = 2**60
Made = TypeVar("Made")

CHANGES = frozenset(
    {"append", "extend", "insert", "remove", "pop", "popitem"}
    | {"update", "setdefault", "clear", "add", "discard"}
)
"""Methods that change a list, a set or a mapping in place."""
PERHAPS = (ast.IfExp, ast.BoolOp, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
"""What may leave a part of itself out; a call in what it surely evaluates is told by itself."""


@dataclass(slots=True)
class Binding:
    """One place where a name gets a value. ``kind`` says how; ``node`` is the value, ``path`` the place inside it.

    ``item`` is a round of a loop, ``each`` and ``some`` are of a comprehension: all that there is, or perhaps.
    """

    kind: str
    node: ast.AST | None
    order: int
    sure: bool
    loops: tuple[int, ...]
    path: tuple[int, ...] = ()
    name: str = ""


@dataclass(slots=True)
class CallSite:
    """One call, and whether it is made on every run of its body; ``tests``: those it is under, and their ends."""

    node: ast.Call
    body: Body
    order: int
    sure: bool
    tests: tuple[tuple[ast.expr, bool], ...] = ()


@dataclass(slots=True)
class Body:
    """A module, a function, a lambda or a class body."""

    owner: Owner
    file: str
    module: str
    parent: Body | None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    attributes: dict[str, list[Binding]] = field(default_factory=dict)
    calls: list[CallSite] = field(default_factory=list)
    returns: list[tuple[ast.expr, int]] = field(default_factory=list)
    reads: list[tuple[ast.Subscript, int, bool]] = field(default_factory=list)
    stores: list[ast.Subscript] = field(default_factory=list)
    imports: list[tuple[ast.Import | ast.ImportFrom, bool]] = field(default_factory=list)
    tries: list[tuple[ast.Try, bool]] = field(default_factory=list)
    defined: dict[int, Body] = field(default_factory=dict)
    orders: dict[int, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    made: dict[Callable[[Body], Any], Any] = field(default_factory=dict, repr=False)

    def once(self, make: Callable[[Body], Made]) -> Made:
        """What ``make`` finds in it, worked out when it is first asked for: a long script asks at many places."""
        if make not in self.made:
            self.made[make] = make(self)
        found: Made = self.made[make]
        return found

    @property
    def nodes(self) -> list[ast.AST]:
        """Its nodes in their order, without those of functions and classes inside it."""
        return self.once(_own_nodes)

    @property
    def all_nodes(self) -> list[ast.AST]:
        """Its nodes with those of functions and classes inside it, in the order of ``ast.walk``."""
        return self.once(_all_nodes)

    def above(self, node: ast.AST) -> list[ast.AST]:
        """The nodes from its owner down to ``node``, both with it; empty where ``node`` is not in it."""
        parents, path = self.top.once(_parents), [node]
        while path[-1] is not self.owner:
            if id(path[-1]) not in parents:
                return []
            path.append(parents[id(path[-1])])
        return path[::-1]

    @property
    def name(self) -> str:
        """The name of the function or class; ``<module>`` for a module."""
        return getattr(self.owner, "name", "<lambda>" if isinstance(self.owner, ast.Lambda) else "<module>")

    @property
    def top(self) -> Body:
        """The module that it belongs to."""
        top = self
        while top.parent is not None:
            top = top.parent
        return top

    @property
    def certain(self) -> set[int]:
        """The ids of the expressions that every run of it evaluates."""
        return self.once(_evaluated)

    def only(self, name: str) -> ast.expr | None:
        """The expression that a name is set to here, where it is set once."""
        found = self.bindings.get(name, [])
        made = found[0].node if len(found) == 1 and found[0].kind == "value" else None
        return made if isinstance(made, ast.expr) else None


def _own_nodes(body: Body) -> list[ast.AST]:
    return list(own(body.owner))


def _all_nodes(body: Body) -> list[ast.AST]:
    return list(ast.walk(body.owner))


def _parents(module: Body) -> dict[int, ast.AST]:
    return {id(inner): outer for outer in module.all_nodes for inner in ast.iter_child_nodes(outer)}


def names(body: Body) -> dict[str, list[ast.Name]]:
    """Where each name stands in a body, and in the functions and classes inside it."""
    found: dict[str, list[ast.Name]] = {}
    for node in body.all_nodes:
        if isinstance(node, ast.Name):
            found.setdefault(node.id, []).append(node)
    return found


def _evaluated(body: Body) -> set[int]:
    pending: list[ast.AST | None] = [site.node for site in body.calls if site.sure]
    pending += [node for node, _, sure in body.reads if sure]
    pending += [one.node for each in body.bindings.values() for one in each if one.sure]
    found: set[int] = set()
    while pending:
        node = pending.pop()
        node = node.value if isinstance(node, ast.keyword) else node
        if isinstance(node, ast.expr) and not isinstance(node, PERHAPS) and id(node) not in found:
            found.add(id(node))
            pending.extend(ast.iter_child_nodes(node))
    return found


def place(node: ast.AST, body: Body) -> Location:
    """Where ``node`` stands, for a finding."""
    return Location(body.file, getattr(node, "lineno", None), getattr(node, "col_offset", -1) + 1 or None)


def rounds(loop: ast.For | ast.AsyncFor | ast.While | ast.comprehension, body: Body | None = None) -> int:
    """How many rounds a loop over numbers or things written out has, if nothing ends it; 0 where that is not seen.

    What has a name in ``body``, or around it, is looked up there.
    """
    if isinstance(loop, ast.While):
        return 0
    over = receiver(loop.iter, ("items", "keys", "values")) or loop.iter
    while isinstance(over, ast.Name) and body is not None:
        over, body = body.only(over.id) or over, body.parent
    if isinstance(over, (ast.List, ast.Tuple)):
        return sum(not isinstance(item, ast.Starred) for item in over.elts)
    if isinstance(over, ast.Dict):
        return sum(key is not None for key in over.keys)
    if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range":
        numbers = [one.value for one in over.args if isinstance(one, ast.Constant)]
        whole = [one for one in numbers if isinstance(one, int) and not isinstance(one, bool)]
        if 0 < len(whole) == len(over.args) < 4 and whole[2:] != [0]:
            return len(range(*(max(-HUGE, min(one, HUGE)) for one in whole)))
    return 0


class Walker:
    """Walks one body. ``inner`` collects the bodies defined inside it, which are walked on their own."""

    def __init__(self, body: Body, entry: bool) -> None:
        self.body = body
        self.entry = entry
        self.order = 0
        self.loops: tuple[int, ...] = ()
        self.left = False
        self.skipped = False
        """A loop may have gone on to its next round, or behind its end."""
        self.tests: tuple[tuple[ast.expr, bool], ...] = ()
        self.inner: list[Body] = []

    def block(self, statements: list[ast.stmt], sure: bool) -> None:
        """Walk statements in order. Behind a test that leaves, the others run where it did not hold."""
        around = self.tests
        for statement in statements:
            self.statement(statement, sure and not self.left and not self.skipped)
            if isinstance(statement, ast.If) and not statement.orelse and leaves(statement.body[-1]):
                self.tests = (*self.tests, (statement.test, False))
        self.tests = around

    def statement(self, node: ast.stmt, sure: bool) -> None:
        """Walk one statement."""
        self.order += 1
        self.body.orders[id(node)] = (self.order, self.loops)
        method = getattr(self, "on_" + type(node).__name__, None)
        if method is not None:
            method(node, sure)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expression(child, sure)
            elif isinstance(child, ast.stmt):
                self.statement(child, False)

    def bind(
        self, name: str, kind: str, node: ast.AST | None, sure: bool, path: tuple[int, ...] = ()
    ) -> None:
        """Record that ``name`` gets a value here."""
        target = self.body
        if name in self.body.globals:
            target, sure = self.body.top, False
        order = self.order if target is self.body else 10**9
        target.bindings.setdefault(name, []).append(Binding(kind, node, order, sure, self.loops, path, name))

    def target(
        self, node: ast.expr, kind: str, value: ast.AST | None, sure: bool, path: tuple[int, ...]
    ) -> None:
        """Record the names that an assignment target binds."""
        if isinstance(node, ast.Name):
            self.bind(node.id, kind, value, sure, path)
        elif isinstance(node, (ast.Tuple, ast.List)):
            for i, item in enumerate(node.elts):
                inner = item.value if isinstance(item, ast.Starred) else item
                self.target(
                    inner, "unknown" if isinstance(item, ast.Starred) else kind, value, sure, (*path, i)
                )
        elif isinstance(node, ast.Attribute):
            self.expression(node.value, sure)
            entry = Binding(kind, value, self.order, sure, self.loops, path, bare_name(node.value))
            self.body.attributes.setdefault(node.attr, []).append(entry)
        elif isinstance(node, ast.Subscript):
            self.expression(node.value, sure)
            self.expression(node.slice, sure)
            self.body.stores.append(node)

    # -- statements -------------------------------------------------------------------------------

    def on_Assign(self, node: ast.Assign, sure: bool) -> None:  # noqa: N802, D102
        self.expression(node.value, sure)
        for target in node.targets:
            self.target(target, "value", node.value, sure, ())

    def on_AnnAssign(self, node: ast.AnnAssign, sure: bool) -> None:  # noqa: N802, D102
        if node.value is not None:
            self.expression(node.value, sure)
            self.target(node.target, "value", node.value, sure, ())

    def on_AugAssign(self, node: ast.AugAssign, sure: bool) -> None:  # noqa: N802, D102
        self.expression(node.value, sure)
        self.target(node.target, "unknown", node.value, sure, ())

    def on_Return(self, node: ast.Return, sure: bool) -> None:  # noqa: N802, D102
        if node.value is not None:
            self.expression(node.value, sure)
            self.body.returns.append((node.value, self.order))
        self.left = True

    def on_Break(self, node: ast.Break | ast.Continue, sure: bool) -> None:  # noqa: N802, D102
        self.skipped = True

    on_Continue = on_Break  # noqa: N815

    def on_If(self, node: ast.If, sure: bool) -> None:  # noqa: N802, D102
        self.expression(node.test, sure)
        if is_main_guard(node.test):
            self.block(node.body if self.entry else node.orelse, sure)
            return
        if takes_one_file(node.test):
            self.block(node.orelse, sure)
            return
        before, around = self.left, self.tests
        self.tests = (*around, (node.test, True))
        self.block(node.body, False)
        self.tests = (*around, (node.test, False))
        self.block(node.orelse, False)
        self.left, self.tests = self.left or before, around

    def loop(self, node: ast.For | ast.AsyncFor | ast.While, sure: bool) -> None:
        """Walk a loop: its body may run many times or never, unless it is seen how often."""
        before, skipped = self.loops, self.skipped
        self.loops = (*before, id(node))
        goes = rounds(node, self.body) > 0
        if isinstance(node, ast.While):
            self.expression(node.test, sure)
        else:
            self.expression(node.iter, sure)
            self.target(node.target, "item", node.iter, sure and goes and not ends_early(node), ())
        self.block(node.body, sure and goes)
        self.loops, self.skipped = before, skipped
        self.block(node.orelse, False)

    on_For = on_AsyncFor = on_While = loop  # noqa: N815

    def on_With(self, node: ast.With | ast.AsyncWith, sure: bool) -> None:  # noqa: N802, D102
        for item in node.items:
            self.expression(item.context_expr, sure)
            if item.optional_vars is not None:
                self.target(item.optional_vars, "value", item.context_expr, sure, ())
        swallows = any("suppress" in ast.dump(item.context_expr) for item in node.items)
        self.block(node.body, sure and not swallows)

    on_AsyncWith = on_With  # noqa: N815

    def on_Try(self, node: ast.Try, sure: bool) -> None:  # noqa: N802, D102
        self.body.tries.append((node, sure))
        self.block(node.body, sure and all(gives_up(handler) for handler in node.handlers))
        for handler in node.handlers:
            if handler.type is not None:
                self.expression(handler.type, False)
            if handler.name:
                self.bind(handler.name, "unknown", None, False)
            before = self.left
            self.block(handler.body, False)
            self.left = before
        self.block(node.orelse, False)
        self.block(node.finalbody, sure)

    on_TryStar = on_Try  # noqa: N815

    def on_Import(self, node: ast.Import, sure: bool) -> None:  # noqa: N802, D102
        self.body.imports.append((node, sure))
        for alias in node.names:
            self.bind(alias.asname or alias.name.partition(".")[0], "import", node, sure)

    def on_ImportFrom(self, node: ast.ImportFrom, sure: bool) -> None:  # noqa: N802, D102
        self.body.imports.append((node, sure))
        for alias in node.names:
            self.bind(alias.asname or alias.name, "import", node, sure)

    def on_Global(self, node: ast.Global, sure: bool) -> None:  # noqa: N802, D102
        self.body.globals.update(node.names)

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, sure: bool) -> None:
        """Record a function or class, to be walked on its own; what it evaluates now is walked now."""
        for decorator in node.decorator_list:
            self.expression(decorator, sure)
        if not isinstance(node, ast.ClassDef):
            for default in (*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)):
                self.expression(default, sure)
        inner = Body(node, self.body.file, self.body.module, self.body)
        self.body.defined[id(node)] = inner
        self.inner.append(inner)
        self.bind(node.name, "def", node, sure)

    on_FunctionDef = on_AsyncFunctionDef = on_ClassDef = define  # noqa: N815

    # -- expressions ------------------------------------------------------------------------------

    def expression(self, node: ast.expr, sure: bool) -> None:
        """Walk an expression in the order it is evaluated."""
        if isinstance(node, ast.Constant):
            return
        if isinstance(node, ast.Call):
            self.call(node, sure)
        elif isinstance(node, ast.Lambda):
            inner = Body(node, self.body.file, self.body.module, self.body)
            self.body.defined[id(node)] = inner
            self.inner.append(inner)
        elif isinstance(node, ast.IfExp):
            self.expression(node.test, sure)
            self.under(node.test, node.body, True)
            self.under(node.test, node.orelse, False)
        elif isinstance(node, ast.BoolOp):
            self.expression(node.values[0], sure)
            around, goes_on = self.tests, isinstance(node.op, ast.And)
            for before, value in itertools.pairwise(node.values):
                self.under(before, value, goes_on, kept=True)
            self.tests = around
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            self.comprehension(node, sure)
        elif isinstance(node, ast.NamedExpr):
            self.expression(node.value, sure)
            self.target(node.target, "value", node.value, sure, ())
        else:
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                self.body.reads.append((node, self.order, sure))
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.expression(child, sure)
        self.body.orders[id(node)] = (self.order, self.loops)

    def under(self, test: ast.expr, node: ast.expr, wanted: bool, *, kept: bool = False) -> None:
        """Walk an expression that is evaluated where a test ends so; with ``kept``, so is what comes next."""
        around = self.tests
        self.tests = (*around, (test, wanted))
        self.expression(node, False)
        self.tests = self.tests if kept else around

    def call(self, node: ast.Call, sure: bool) -> None:
        """Walk a call: its function, its arguments, then the call itself."""
        self.expression(node.func, sure)
        for argument in everything_given(node):
            self.expression(argument.value if isinstance(argument, ast.Starred) else argument, sure)
        self.body.calls.append(CallSite(node, self.body, self.order, sure, self.tests))
        if last_name(node.func) in EXITS:
            self.left = True

    def comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, sure: bool
    ) -> None:
        """Walk a comprehension: only its first iterable is evaluated for sure."""
        first = node.generators[0]
        plain = len(node.generators) == 1 and not first.ifs and not isinstance(node, ast.GeneratorExp)
        goes = sure and plain and rounds(first, self.body) > 0
        for i, generator in enumerate(node.generators):
            self.expression(generator.iter, sure and i == 0)
            self.target(generator.target, "each" if goes else "some", generator.iter, False, ())
            for test in generator.ifs:
                self.expression(test, False)
        if isinstance(node, ast.DictComp):
            self.expression(node.key, goes)
            self.expression(node.value, goes)
        else:
            self.expression(node.elt, goes)


def walk(body: Body, entry: bool = False) -> list[Body]:
    """Walk ``body`` and every body inside it; all of them, ``body`` first."""
    walker = Walker(body, entry)
    owner = body.owner
    if isinstance(owner, ast.Lambda):
        walker.expression(owner.body, True)
        body.returns.append((owner.body, walker.order))
    else:
        if not isinstance(owner, (ast.Module, ast.ClassDef)):
            _parameters(walker, owner)
        walker.block(owner.body, True)
    if isinstance(owner, ast.Lambda):
        _parameters(walker, owner)
    found = [body]
    for inner in walker.inner:
        found.extend(walk(inner, entry))
    return found


def _parameters(walker: Walker, owner: FunctionNode) -> None:
    arguments = owner.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        walker.bind(argument.arg, "parameter", argument, True)
    for extra, kind in ((arguments.vararg, "rest"), (arguments.kwarg, "unknown")):
        if extra is not None:
            walker.bind(extra.arg, kind, extra if kind == "rest" else None, True)

"""Names that are used though no statement that ran gave them a value: ``unbound``.

A name is set in some branches of an ``if``, or in a ``try`` whose handler goes on without it, and used further down in
the same list of statements on no condition, and no more than ``FAR`` statements on. ``tests`` of the habit are what
has to hold for that: the request decides.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cursus.script.evaluation.conditions import conditions, read_test
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Condition, Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import DEFINITIONS, EXITS, FUNCTIONS, TELLS, caught, last_name

SCOPES = (*DEFINITIONS, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
WIDE = frozenset({"Exception", "BaseException", "NameError", "UnboundLocalError"})
"""Handlers that catch the use of an unbound name as well."""
ENDS = EXITS | {"error", "usage", "fail", "print_usage", "raise_error"}

FAR = 250
CLOSED = (ast.Lambda, *COMPREHENSIONS)
LEAST = (ast.Constant, ast.expr_context, ast.operator, ast.cmpop)
NONE: frozenset[str] = frozenset()

Test = tuple[ast.expr, bool]
Way = tuple[tuple[Test, ...], tuple[Condition, ...]]
"""A way through a statement: the tests that it passes, and what else has to hold."""


@dataclass(frozen=True, slots=True)
class Told:
    """Of the nodes of a module, by their ids: the names that each may give a value, and those that stand in it.

    A node without any is left out. ``leaves`` are the statements that may leave the list that they are in.
    """

    sets: dict[int, frozenset[str]]
    names: dict[int, frozenset[str]]
    leaves: set[int]

    def set_in(self, block: list[ast.stmt]) -> frozenset[str]:
        """Every name that a list of statements may give a value."""
        return NONE.union(*(self.sets.get(id(statement), NONE) for statement in block))


def _told(module: Body) -> Told:
    sets: dict[int, frozenset[str]] = {}
    names: dict[int, frozenset[str]] = {}
    leaves: set[int] = set()
    for node in reversed(module.all_nodes):  # what is inside comes first
        if isinstance(node, ast.Name):
            names[id(node)] = frozenset((node.id,))
            if not isinstance(node.ctx, ast.Load):
                sets[id(node)] = names[id(node)]
            continue
        if isinstance(node, LEAST):
            continue
        inner = [id(child) for child in ast.iter_child_nodes(node)]
        for found in (names, sets):
            there = [found[each] for each in inner if each in found]
            if there:
                found[id(node)] = there[0] if len(there) == 1 else NONE.union(*there)
        own = _sets_itself(node)
        if own is not None or isinstance(node, CLOSED):
            sets[id(node)] = own or NONE
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            sets[id(node)] = sets.get(id(node), NONE) | {node.name}
        if isinstance(node, ast.stmt) and _may_leave(node, leaves):
            leaves.add(id(node))
    return Told(sets, names, leaves)


def _sets_itself(node: ast.AST) -> frozenset[str] | None:
    """The one name that a definition or an import gives a value."""
    if isinstance(node, DEFINITIONS):
        return frozenset((node.name,))
    return frozenset((node.asname or node.name.partition(".")[0],)) if isinstance(node, ast.alias) else None


def read_unbound(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """Everything of this kind in the bodies that run."""
    for body, sure in reached:
        owner = body.owner
        if not isinstance(owner, (ast.Lambda, ast.ClassDef)):
            for found in _block(evaluator, body, owner.body, ()):
                name, where, (tests, more) = found
                told = (*conditions(evaluator, tests, body), *more)
                yield Habit("unbound", None, name, sure, place(where, body), tests=told)
            yield from _own_too_late(evaluator, body, sure)


def _own_too_late(evaluator: Evaluator, body: Body, sure: bool) -> Iterator[Habit]:
    """``steps += 1`` in a function, of a name that the module has: without ``global`` it is the function's own."""
    owner = body.owner
    if body.parent is None or not isinstance(owner, FUNCTIONS):
        return
    told = body.top.once(_told)
    for name in sorted(told.set_in(owner.body) & body.top.bindings.keys()):
        if not _declared(body, name):
            used = _used(told, name, owner.body)
            if used is not None:
                tests = conditions(evaluator, used[1], body)
                yield Habit("unbound", None, name, sure, place(used[0], body), key="global", tests=tests)


def _declared(body: Body, name: str) -> bool:
    """True for a parameter, which is bound before any statement, and for a name that is none of the body's own."""
    return any(one.order == 0 for one in body.bindings.get(name, ())[:1]) or name in body.once(_others)


def _others(body: Body) -> set[str]:
    declared = [node for node in body.nodes if isinstance(node, (ast.Global, ast.Nonlocal))]
    return {name for node in declared for name in node.names}


def _block(
    evaluator: Evaluator, body: Body, block: list[ast.stmt], around: tuple[Test, ...]
) -> Iterator[tuple[str, ast.AST, Way]]:
    told = body.top.once(_told)
    for position, statement in enumerate(block):
        rest = block[position + 1 : position + 1 + FAR] if isinstance(statement, (ast.If, ast.Try)) else []
        later = NONE.union(*(told.names.get(id(one), NONE) for one in rest))
        for name, (tests, more) in _ways(evaluator, told, later, body, statement) if later else ():
            used = _used(told, name, rest)
            if used is not None and not _bound_before(body, name, statement):
                yield name, used[0], ((*around, *tests, *used[1]), more)
        if isinstance(statement, ast.If):
            yield from _block(evaluator, body, statement.body, (*around, (statement.test, True)))
            yield from _block(evaluator, body, statement.orelse, (*around, (statement.test, False)))
        elif isinstance(statement, (ast.For, ast.While, ast.With, ast.Try)) and not _catches_all(statement):
            yield from _block(evaluator, body, statement.body, around)


# -- where a name may be left without a value -------------------------------------------------------


def _ways(
    evaluator: Evaluator, told: Told, later: frozenset[str], body: Body, statement: ast.stmt
) -> Iterator[tuple[str, Way]]:
    """Those of the names ``later`` that a statement sets on some ways alone, each with the way that leaves it unset."""
    if isinstance(statement, ast.If):
        branches = list(_branches(statement, ())) if told.sets.get(id(statement), NONE) & later else []
        names = later & NONE.union(*(told.set_in(block) for _, block in branches))
        for tests, block in branches:
            if not _leaves(block):
                for name in sorted(names - told.set_in(block)):
                    yield name, (tests, ())
    elif isinstance(statement, ast.Try) and not statement.orelse and not statement.finalbody:
        yield from _fallen(evaluator, sorted(told.set_in(statement.body) & later), body, statement)


def _branches(node: ast.If, before: tuple[Test, ...]) -> Iterator[tuple[tuple[Test, ...], list[ast.stmt]]]:
    """The branches of a chain of ``if`` and ``elif``, the empty one at its end included."""
    yield (*before, (node.test, True)), node.body
    otherwise = (*before, (node.test, False))
    if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        yield from _branches(node.orelse[0], otherwise)
    else:
        yield otherwise, node.orelse


def _fallen(
    evaluator: Evaluator, names: list[str], body: Body, statement: ast.Try
) -> Iterator[tuple[str, Way]]:
    """``try: classes = load(…)``, where a handler of one kind of error only says so and goes on."""
    for handler in statement.handlers:
        kinds = caught(handler)
        only_told = all(
            isinstance(one, ast.Pass)
            or (
                isinstance(one, ast.Expr)
                and isinstance(one.value, ast.Call)
                and last_name(one.value.func) in TELLS
            )
            for one in handler.body
        )
        if kinds & WIDE or not only_told or len(statement.body) > 3:
            continue
        for name in names:
            yield name, ((), _missing(evaluator, body, statement, kinds))


def _missing(evaluator: Evaluator, body: Body, statement: ast.Try, kinds: set[str]) -> tuple[Condition, ...]:
    """What has to hold for the handler to be come to: that a variable is not there, or a thing that nobody knows."""
    for node, _, _ in body.reads if "KeyError" in kinds else ():
        if any(node is inner for one in statement.body for inner in ast.walk(one)):
            asked = ast.Compare(node.slice, [ast.NotIn()], [node.value])
            found = read_test(evaluator, ast.copy_location(asked, node), body)
            if found.kind:
                return (found,)
    return (Condition("handled", written=", ".join(sorted(kinds))),)


def _catches_all(statement: ast.stmt) -> bool:
    return any(caught(handler) & WIDE for handler in getattr(statement, "handlers", ()))


def _leaves(block: list[ast.stmt]) -> bool:
    """True where a list of statements surely does not come to its end."""
    last = block[-1] if block else None
    if isinstance(last, ast.If):
        return _leaves(last.body) and _leaves(last.orelse)
    if isinstance(last, (ast.With, ast.Try)) and not getattr(last, "handlers", None):
        return _leaves(last.body)
    if isinstance(last, ast.While):
        return isinstance(last.test, ast.Constant) and bool(last.test.value)
    call = last.value if isinstance(last, ast.Expr) else None
    ends = isinstance(call, ast.Call) and last_name(call.func) in ENDS
    return ends or isinstance(last, (ast.Return, ast.Raise, ast.Break, ast.Continue, ast.Assert))


def _bound_before(body: Body, name: str, statement: ast.stmt) -> bool:
    """True where the name may have a value before the statement, or is none of this body's own."""
    if name in body.globals or (body.parent is None and hasattr(builtins, name)) or name == "_":
        return True
    if _declared(body, name):
        return True
    at = body.orders.get(id(statement), (0, ()))[0]
    return any(one.order < at for one in body.bindings.get(name, ())[:1])


# -- where it is used ---------------------------------------------------------------------------------


def _used(told: Told, name: str, block: list[ast.stmt]) -> tuple[ast.AST, tuple[Test, ...]] | None:
    """The first place that surely uses the name, with the tests that have to end otherwise for that to be come to."""
    passed: list[Test] = []
    for statement in block[:FAR]:
        there = name in told.names.get(id(statement), NONE)
        if isinstance(statement, ast.If):
            use = _loaded(statement.test, name) if there else None
            if use is not None:
                return use, tuple(passed)
            if name in told.sets.get(id(statement), NONE):
                return None
            if any(id(one) in told.leaves for one in statement.body):
                passed.append((statement.test, False))
            if any(id(one) in told.leaves for one in statement.orelse):
                passed.append((statement.test, True))
            continue
        found = _in_statement(told, statement, name) if there else None
        if found is not None:
            return found, tuple(passed)
        if name in told.sets.get(id(statement), NONE) or id(statement) in told.leaves:
            return None
    return None


def _in_statement(told: Told, statement: ast.stmt, name: str) -> ast.AST | None:
    """Where a statement surely uses the name before it sets it."""
    if isinstance(statement, DEFINITIONS):
        return None
    if isinstance(statement, (ast.For, ast.While, ast.With)):
        heads: list[ast.expr] = (
            [statement.iter]
            if isinstance(statement, ast.For)
            else [statement.test]
            if isinstance(statement, ast.While)
            else [item.context_expr for item in statement.items]
        )
        for head in heads:
            use = _loaded(head, name)
            if use is not None:
                return use
        targets = [statement.target] if isinstance(statement, ast.For) else []
        if isinstance(statement, ast.With):
            targets = [item.optional_vars for item in statement.items if item.optional_vars is not None]
        if any(name in told.sets.get(id(target), NONE) for target in targets):
            return None
        inner = _used(told, name, statement.body)
        return inner[0] if inner is not None and not inner[1] else None
    if isinstance(statement, ast.Try):
        if _catches_all(statement):
            return None
        inner = _used(told, name, statement.body)
        return inner[0] if inner is not None and not inner[1] else None
    if (
        isinstance(statement, ast.AugAssign)
        and isinstance(statement.target, ast.Name)
        and statement.target.id == name
    ):
        return statement.target
    if isinstance(
        statement, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return, ast.Assert, ast.Raise)
    ):
        return _loaded(statement, name)
    return None


def _loaded(node: ast.AST, name: str) -> ast.AST | None:
    """Where an expression surely takes the value of the name."""
    if isinstance(node, ast.Name):
        return node if node.id == name and isinstance(node.ctx, ast.Load) else None
    if isinstance(node, ast.IfExp):
        return _loaded(node.test, name)
    if isinstance(node, ast.BoolOp):
        return _loaded(node.values[0], name)
    if isinstance(node, ast.AnnAssign):
        return None if node.value is None else _loaded(node.value, name)
    if isinstance(node, SCOPES):
        return None
    if isinstance(node, COMPREHENSIONS):
        return _loaded(node.generators[0].iter, name)
    return next(
        (found for child in ast.iter_child_nodes(node) if (found := _loaded(child, name)) is not None), None
    )


def _may_leave(statement: ast.stmt, leaves: set[int]) -> bool:
    """True where a statement may leave the list that it is in; ``leaves`` are those inside it that may."""
    if isinstance(statement, (ast.Return, ast.Raise, ast.Break, ast.Continue, ast.Assert)):
        return True
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return last_name(statement.value.func) in ENDS
    if isinstance(statement, DEFINITIONS):
        return False
    inner = [
        *getattr(statement, "body", ()),
        *getattr(statement, "orelse", ()),
        *getattr(statement, "finalbody", ()),
    ]
    looped = isinstance(statement, (ast.For, ast.While))
    return any(
        id(one) in leaves and not (looped and isinstance(one, (ast.Break, ast.Continue))) for one in inner
    )

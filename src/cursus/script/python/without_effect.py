"""Loops whose work comes to nothing.

Each finding is a ``Habit``: ``own-names`` (``for x, y in rows: x, y = x / top, y / top``, which changes no row),
``last-alone`` (a measure that each batch sets anew, and the function returns) and ``always-equal``
(``if score >= best``, where each round sets the score to the same number).
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import own

PURE = frozenset(
    {"float", "int", "str", "abs", "round", "min", "max", "len", "list", "tuple", "sorted"}
    | {"strip", "lstrip", "rstrip", "lower", "upper", "replace", "split", "title"}
    | {"to", "cuda", "cpu", "half", "double", "astype", "reshape", "copy", "squeeze", "unsqueeze"}
)
"""What is called for what it gives alone."""
MEASURES = re.compile(r"eval|valid|test|score|accuracy", re.IGNORECASE)
"""Names of functions that are to measure all the rows they get."""
Names = dict[str, list[ast.Name]]


def read_without_effect(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    for body in modules:
        for owner in body.all_nodes:
            if not isinstance(owner, (ast.Module, ast.FunctionDef)):
                continue
            nodes = body.all_nodes if isinstance(owner, ast.Module) else list(own(owner))
            for kind, at in _found(owner, nodes, body):
                yield Habit(kind, None, ast.unparse(at).partition("\n")[0][:80], True, place(at, body))


def _found(
    owner: ast.Module | ast.FunctionDef, nodes: Sequence[ast.AST], body: Body
) -> Iterator[tuple[str, ast.AST]]:
    loops = [node for node in nodes if isinstance(node, ast.For)]
    changed = [loop for loop in loops if _sets_its_own_names(loop)]
    if changed:
        names = _names(ast.walk(owner))  # with those of the functions inside, which may read them too
        shared = {
            name for node in nodes if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names
        }
        for loop in changed:
            above = body.above(loop)[:-1]
            inside = above[above.index(owner) :] if owner in above else above
            around = [node for node in inside if isinstance(node, (ast.For, ast.While))]
            if shared.isdisjoint(_targets(loop.target) or ()) and not _read_later(loop, names, around):
                yield "own-names", loop.body[0]
    if isinstance(owner, ast.FunctionDef):
        if MEASURES.search(owner.name):
            yield from (("last-alone", node) for node in _last_alone(owner.body))
        for loop in loops:
            yield from (("always-equal", node) for node in _always_equal(loop, nodes))


def _names(nodes: Iterable[ast.AST]) -> Names:
    found: Names = defaultdict(list)
    for node in nodes:
        if isinstance(node, ast.Name):
            found[node.id].append(node)
    return found


def _targets(node: ast.expr) -> list[str] | None:
    """The names that a target binds; None where it sets something else too, such as an item of a list."""
    parts = node.elts if isinstance(node, (ast.Tuple, ast.List)) else [node]
    found: list[str] = []
    for part in parts:
        inner = _targets(part) if isinstance(part, (ast.Tuple, ast.List)) else None
        if isinstance(part, ast.Name):
            found.append(part.id)
        elif inner is not None:
            found.extend(inner)
        else:
            return None
    return found


def _sets_its_own_names(loop: ast.For) -> bool:
    """True for a loop that does nothing else than give its own names other values."""
    own_names = _targets(loop.target)
    if not own_names or loop.orelse:
        return False
    for statement in loop.body:
        if not isinstance(statement, ast.Assign):
            return False
        for target in statement.targets:
            given = _targets(target)
            if given is None or not set(given) <= set(own_names):
                return False
        if not all(_is_pure(node) for node in ast.walk(statement.value)):
            return False
    return True


def _is_pure(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        called = node.func
        return (called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")) in PURE
    return not isinstance(node, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom))


def _read_later(loop: ast.For, names: Names, around: Sequence[ast.AST]) -> bool:
    """True where one of the loop's names may be read when it is over."""
    end = loop.end_lineno or loop.lineno
    for name in _targets(loop.target) or ():
        others = [node for node in names[name] if not loop.lineno <= node.lineno <= end]
        if around and any(isinstance(node.ctx, ast.Load) for node in others):
            return True
        later = [node for node in others if node.lineno > end]
        first = min((node.lineno for node in later), default=0)
        if any(node.lineno == first and isinstance(node.ctx, ast.Load) for node in later):
            return True
    return False


def _last_alone(block: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """``loss = 0`` · ``for batch in batches: loss = of(batch)`` · ``return loss`` at a function's end."""
    if len(block) < 3 or not isinstance(block[-1], ast.Return) or not isinstance(block[-1].value, ast.Name):
        return
    name, loop = block[-1].value.id, block[-2]
    if not isinstance(loop, ast.For) or loop.orelse or not any(_is_zero(one, name) for one in block[:-2]):
        return
    stored = [
        node
        for node in ast.walk(loop)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
    ]
    read = [
        node
        for node in ast.walk(loop)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    leaves = any(isinstance(node, (ast.Break, ast.Return, ast.Yield)) for node in ast.walk(loop))
    if len(stored) != 1 or read or leaves:
        return
    known = set(_targets(loop.target) or ())
    for statement in loop.body:
        if not isinstance(statement, ast.Assign):
            continue
        given = _targets(statement.targets[0])
        if known.isdisjoint(node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)):
            continue
        if given == [name]:
            yield statement
        known.update(given or ())


def _is_zero(statement: ast.stmt, name: str) -> bool:
    return (
        isinstance(statement, ast.Assign)
        and _targets(statement.targets[0]) == [name]
        and isinstance(statement.value, ast.Constant)
        and statement.value.value == 0
    )


def _always_equal(loop: ast.For, nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """``score = 0.0`` in each round, and nowhere anything else, before ``if score >= best: best = score``."""
    fixed = {
        target.id
        for statement in loop.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        if isinstance(statement.value.value, (int, float))
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    if not fixed:
        return
    for test in loop.body:
        if not isinstance(test, ast.If) or not isinstance(test.test, ast.Compare):
            continue
        sides = [test.test.left, *test.test.comparators]
        if not isinstance(test.test.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) or len(sides) != 2:
            continue
        for score, best in (sides, sides[::-1]):
            if not isinstance(score, ast.Name) or score.id not in fixed:
                continue
            kept = any(
                isinstance(one, ast.Assign)
                and isinstance(one.value, ast.Name)
                and one.value.id == score.id
                and ast.unparse(one.targets[0]) == ast.unparse(best)
                for one in test.body
            )
            stores = [
                node
                for node in nodes
                if isinstance(node, ast.Name) and node.id == score.id and isinstance(node.ctx, ast.Store)
            ]
            if kept and len(stores) == 1:
                yield test.test

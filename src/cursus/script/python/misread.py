"""Expressions that do something else than they read as.

Each finding is a ``Habit``: ``is-text`` (``args.mode is "fast"``), ``always-holds`` (``assert (test, "words")``,
``mode == "a" or "b"``), ``plus-of-one`` (``total =+ loss``), ``one-list`` (``[[0]] * 3``, filled by place),
``shrinks`` (a list that loses items while it is gone through), ``late-name`` (functions made in a loop that look at its
name when it is over), ``key-twice`` (in one mapping), ``part-of-copy`` (``frame[frame.x > 0]["y"] = 1``) and
``hash-of-text`` (``hash(name) % 5``, which is another number in each process).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import bare_name, is_call, mentions, receiver, string

SHRINKS = ("remove", "pop", "insert")
LEAVES = (ast.Return, ast.Raise, ast.Break)
GROWS = ("append", "extend", "add", "update", "insert")
Found = tuple[str, ast.AST]


def read_misread(
    evaluator: Evaluator, modules: Iterable[Body], reached: Iterable[tuple[Body, bool]]
) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source; what depends on values where it is reached."""
    for body in modules:
        filled = {name for node in body.all_nodes for name in _filled_by_place(node)}
        for node in body.all_nodes:
            for kind, at in _found(node, filled):
                if kind == "shrinks" and any(isinstance(one, ast.While) for one in body.above(node)):
                    continue  # what is skipped has its turn in the next round
                yield Habit(kind, None, ast.unparse(at).partition("\n")[0][:80], True, place(at, body))
        for node in body.all_nodes:
            hashed = _hashed(node)
            if hashed is not None and _is_made_text(hashed):
                yield Habit("hash-of-text", None, ast.unparse(node), True, place(node, body))
    for body, _ in reached:
        for node in body.nodes:
            if isinstance(node, ast.Compare) and _is_text(evaluator, node, body):
                yield Habit("is-text", None, ast.unparse(node), True, place(node, body))


def _found(node: ast.AST, filled: set[str]) -> Iterator[Found]:
    if isinstance(node, (ast.Assert, ast.If, ast.While, ast.IfExp)):
        if _always_holds(node.test):
            yield "always-holds", node.test
    elif isinstance(node, ast.Assign):
        if _plus(node):
            yield "plus-of-one", node
        if _one_list(node.value) and ast.unparse(node.targets[0]) in filled:
            yield "one-list", node
    elif isinstance(node, ast.For):
        yield from (("shrinks", one) for one in _shrinks(node))
        yield from (("late-name", one) for one in _late(node))
    elif isinstance(node, (ast.ListComp, ast.DictComp)):
        made = node.elt if isinstance(node, ast.ListComp) else node.value
        if isinstance(made, ast.Lambda) and _looks_at(made, node.generators[0].target):
            yield "late-name", node
    elif isinstance(node, ast.Dict):
        yield from (("key-twice", key) for key in _twice(node))
    if isinstance(node, (ast.Assign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (("part-of-copy", node) for target in targets if _part_of_copy(target))


def _is_text(evaluator: Evaluator, node: ast.Compare, body: Body) -> bool:
    """``args.mode is "fast"``: a text that comes from outside is never the object that stands in the source."""
    if not isinstance(node.ops[0], (ast.Is, ast.IsNot)) or len(string(node.comparators[0]) or "") < 2:
        return False
    found = evaluator.evaluate(node.left, body).values
    return any(isinstance(one, Text) and one.literal is None for one in found)


def _hashed(node: ast.AST) -> ast.expr | None:
    """``x`` of ``hash(x) % n`` and ``abs(hash(x)) % n``."""
    left = node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) else None
    if is_call(left, "abs") and len(left.args) == 1:
        left = left.args[0]
    return left.args[0] if is_call(left, "hash") and len(left.args) == 1 else None


def _is_made_text(node: ast.expr) -> bool:
    """True for an expression whose value is a text, or that holds one, whatever its names are."""
    if isinstance(node, ast.Tuple):
        return any(map(_is_made_text, node.elts))
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, (ast.Add, ast.Mod)) and string(node.left) is not None
    if isinstance(node, ast.Call):
        return is_call(node, "str", "repr") or receiver(node, ("format", "join")) is not None
    return isinstance(node, ast.JoinedStr)


def _always_holds(test: ast.expr) -> bool:
    """A tuple, or ``or`` with a text or number that is true by itself."""
    if isinstance(test, ast.Tuple):
        return bool(test.elts)
    if not isinstance(test, ast.BoolOp) or not isinstance(test.op, ast.Or):
        return False
    compared = any(isinstance(one, ast.Compare) for one in test.values)
    return compared and any(isinstance(one, ast.Constant) and string(one) for one in test.values[1:])


def _plus(node: ast.Assign) -> bool:
    """``total =+ loss``, with no space before the sign and one behind it; ``= +1`` and ``= + 1`` are numbers."""
    value, target = node.value, node.targets[-1]
    if not isinstance(value, ast.UnaryOp) or not isinstance(value.op, ast.UAdd):
        return False
    if not (target.end_lineno == value.lineno == value.operand.lineno):
        return False
    return (
        value.operand.col_offset > value.col_offset + 1
        and value.col_offset <= (target.end_col_offset or 0) + 2
    )


def _one_list(value: ast.expr) -> bool:
    """``[[]] * n`` and ``dict.fromkeys(names, [])``: one object in all places."""
    made = (ast.List, ast.Dict, ast.Set, ast.ListComp)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        items = next((side for side in (value.left, value.right) if isinstance(side, ast.List)), None)
        held = items.elts[0] if items is not None and len(items.elts) == 1 else None
        repeated = (
            isinstance(held, ast.BinOp) and isinstance(held.op, ast.Mult) and isinstance(held.left, ast.List)
        )
        return isinstance(held, made) or repeated
    if receiver(value, ("fromkeys",)) is None or not isinstance(value, ast.Call):
        return False
    return len(value.args) == 2 and isinstance(value.args[1], made)


def _filled_by_place(node: ast.AST) -> Iterator[str]:
    """``rows`` of ``rows[i].append(x)`` and ``rows[i][j] = x``."""
    held = receiver(node, GROWS)
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
        held = node.value
    if isinstance(held, ast.Subscript):
        yield ast.unparse(held.value)


def _shrinks(loop: ast.For) -> Iterator[ast.AST]:
    """``for row in rows: rows.remove(row)``, unless the loop is left then."""
    name = ast.unparse(loop.iter) if isinstance(loop.iter, (ast.Name, ast.Attribute)) else ""
    for block in _blocks(loop):
        for statement in block:
            call = statement.value if isinstance(statement, ast.Expr) else None
            held = receiver(call, SHRINKS)
            if held is not None and name == ast.unparse(held) and not isinstance(block[-1], LEAVES):
                yield statement


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The blocks of a statement and of those in it."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block:
            yield block
            for statement in block:
                yield from _blocks(statement)


def _late(loop: ast.For) -> Iterator[ast.AST]:
    """``hooks.append(lambda x: run(name, x))`` in a loop over ``name``, where ``hooks`` outlives it."""
    for node in ast.walk(loop):
        kept: ast.AST | None = None
        held: ast.expr | None = None
        if isinstance(node, ast.Call) and (held := receiver(node, ("append",))) is not None:
            kept = node.args[0] if node.args else None
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            kept, held = node.value, node.targets[0].value
        if not isinstance(kept, ast.Lambda) or not _looks_at(kept, loop.target):
            continue
        name = bare_name(held)
        if not any(
            isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Store)
            for one in ast.walk(loop)
        ):
            yield node


def _looks_at(made: ast.Lambda, target: ast.expr) -> bool:
    """True for a function that looks at a loop's name, and has no parameter or default of its own for it."""
    taken = {one.arg for one in (*made.args.args, *made.args.kwonlyargs)}
    names = {one.id for one in ast.walk(target) if isinstance(one, ast.Name)} - taken
    return any(mentions(made.body, name) for name in names)


def _twice(node: ast.Dict) -> Iterator[ast.AST]:
    """Keys that stand in a mapping twice with other values: the last one holds."""
    seen: dict[str, str] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        text = string(key)
        if key is None:
            seen.clear()
        elif text is not None and seen.setdefault(text, ast.unparse(value)) != ast.unparse(value):
            yield key


def _part_of_copy(target: ast.expr) -> bool:
    """``frame[frame["x"] > 0]["y"]``: what a test picks is a copy."""
    held = target.value if isinstance(target, ast.Subscript) else None
    if not isinstance(held, ast.Subscript) or not isinstance(held.slice, (ast.Compare, ast.BinOp)):
        return False
    name = ast.unparse(held.value)
    tests = [one for one in ast.walk(held.slice) if isinstance(one, ast.Compare)]
    return any(
        isinstance(test.left, (ast.Subscript, ast.Attribute)) and ast.unparse(test.left.value) == name
        for test in tests
    )

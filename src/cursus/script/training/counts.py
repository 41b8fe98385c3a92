"""What a training counts over its epochs and never sets back, and what it compares with itself.

Each finding is a ``Habit``: ``never-reset`` (``correct / total``, counted on from epoch to epoch), ``used-up`` (the
rows behind a position that stays at their end), ``patience-total`` (epochs without a better one, that need not follow
each other), ``one-less`` (``range(1, epochs)``), ``patience-anew`` (they are counted from 0 in each epoch),
``divided-each`` (a sum by the number of rows, row by row), ``counted-early`` (an epoch that counts as done before its
batches), ``same-twice`` (``accuracy(found, found)``), ``always-true`` (``sigmoid(x) > 0``), ``first-kept``
(``lru_cache`` on a method that looks at what its object is given later) and ``class-numbers`` (numbers of classes from
a folder's listing, in any order).
"""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import LISTINGS, assigned, bare_name, is_call, last_name
from cursus.script.training.sequence import EPOCHS, saves

HITS = re.compile(r"correct|hits?$|matche[sd]$|^right|true_pos|(?:^|_)tp$", re.IGNORECASE)
ALL_EPOCHS = re.compile(r"epochs$", re.IGNORECASE)
PATIENCE = re.compile(r"patience|early|no_?improv|without|wait|stagnant|bad_epochs", re.IGNORECASE)
CLASSES = re.compile(r"class|label|categor|(?:^|_)idx|index", re.IGNORECASE)
MEASURES = re.compile(
    r"(?:^|_)(?:accuracy|acc|f1|precision|recall|auc|mse|mae|rmse|r2)(?:_|$)|mean_(?:squared|absolute)|confusion_matrix|"
    r"cross_entropy|log_loss",
    re.IGNORECASE,
)
Loop = ast.For | ast.While


def read_counts(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    bodies = list(modules)
    called = Counter(last_name(n.func) for body in bodies for n in body.all_nodes if isinstance(n, ast.Call))
    for body in bodies:
        for node in body.all_nodes:
            found: Iterable[tuple[str, ast.AST]] = ()
            if isinstance(node, (ast.For, ast.While)):
                found = (*_never_reset(node), *_used_up(node), *_patience(node), *_counted_early(node))
                if isinstance(node, ast.For):
                    found = (*found, *_one_less(node), *_divided(node))
            elif isinstance(node, ast.Call) and MEASURES.search(last_name(node.func)) and len(node.args) > 1:
                one, other = map(ast.unparse, node.args[:2])
                found = [("same-twice", node)] if one == other and not _constant(node.args[0]) else []
            elif isinstance(node, ast.Compare) and _always(node):
                found = [("always-true", node)]
            elif isinstance(node, ast.ClassDef) and any(_cached(one) for one in node.body):
                found = [("first-kept", one) for one in _kept_by_first(node, body.all_nodes)]
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)) and called[node.name] > 1:
                found = [("class-numbers", one) for one in _class_numbers(node)]
            for kind, at in found:
                yield Habit(kind, None, ast.unparse(at).partition("\n")[0][:80], True, place(at, body))


def _one_less(loop: ast.For) -> Iterator[tuple[str, ast.AST]]:
    """``for epoch in range(1, epochs)``."""
    if (
        not is_call(loop.iter, "range")
        or len(loop.iter.args) != 2
        or not EPOCHS.search(last_name(loop.target))
    ):
        return
    first, end = loop.iter.args
    if isinstance(first, ast.Constant) and first.value == 1 and ALL_EPOCHS.search(last_name(end)):
        yield "one-less", loop.iter


def _divided(loop: ast.For) -> Iterator[tuple[str, ast.AST]]:
    """``total += …`` and ``total /= len(rows)`` in one loop over ``rows``."""
    through = loop.iter.args[0] if is_call(loop.iter, "enumerate", "tqdm") and loop.iter.args else loop.iter
    changes = [one for one in loop.body if isinstance(one, ast.AugAssign)]
    sums = {ast.unparse(one.target) for one in changes if isinstance(one.op, ast.Add)} - _set(loop.body)
    for one in changes:
        whole = isinstance(one.op, ast.Div) and ast.unparse(one.value) == f"len({ast.unparse(through)})"
        if whole and ast.unparse(one.target) in sums:
            yield "divided-each", one


def _always(node: ast.Compare) -> bool:
    """``sigmoid(x) > 0``, which is true of every number."""
    zero = isinstance(node.comparators[0], ast.Constant) and node.comparators[0].value == 0
    positive = isinstance(node.left, ast.Call) and last_name(node.left.func) in ("sigmoid", "softmax", "exp")
    return zero and positive and isinstance(node.ops[0], (ast.Gt, ast.GtE)) and len(node.ops) == 1


def _cached(node: ast.AST) -> bool:
    """True for a method whose results are kept."""
    made = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(
        last_name(one.func if isinstance(one, ast.Call) else one) in ("lru_cache", "cache") for one in made
    )


def _kept_by_first(owner: ast.ClassDef, nodes: list[ast.AST]) -> Iterator[ast.AST]:
    """Methods whose results are kept, and that look at members which are set outside of ``__init__``."""
    begun = {
        id(node) for one in owner.body if getattr(one, "name", "") == "__init__" for node in ast.walk(one)
    }
    later = {
        left.attr
        for node in nodes
        if isinstance(node, (ast.Assign, ast.AugAssign)) and id(node) not in begun
        for left in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(left, ast.Attribute)
    }
    for method in owner.body:
        if _cached(method):
            yield from itertools.islice(
                (
                    node
                    for node in ast.walk(method)
                    if isinstance(node, ast.Attribute)
                    and bare_name(node.value) == "self"
                    and node.attr in later
                ),
                1,
            )


def _constant(node: ast.expr) -> bool:
    return isinstance(node, (ast.Constant, ast.Call, ast.Starred))


def _inner(loop: Loop) -> list[Loop]:
    """The loops that stand in another one, not those inside of them."""
    found: list[Loop] = []
    queue: list[ast.AST] = [*loop.body]
    while queue:
        node = queue.pop()
        if isinstance(node, (ast.For, ast.While)):
            found.append(node)
        elif not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            queue.extend(ast.iter_child_nodes(node))
    return found


def _set(nodes: Iterable[ast.AST]) -> set[str]:
    """What is given a value of its own, by its text: names, items, attributes."""
    return {
        ast.unparse(left)
        for node in nodes
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for left in ([left for left, _ in assigned(node)] if isinstance(node, ast.Assign) else [node.target])
    }


def _raised(nodes: Iterable[ast.AST]) -> set[str]:
    """What is counted up: ``n += …``."""
    return {
        ast.unparse(n.target) for n in nodes if isinstance(n, ast.AugAssign) and isinstance(n.op, ast.Add)
    }


def _never_reset(loop: Loop) -> Iterator[tuple[str, ast.AST]]:
    """``correct / total`` behind a loop over batches, where both go on counting from the epochs before."""
    if not isinstance(loop, ast.For) or not EPOCHS.search(ast.unparse(loop.target)):
        return
    everything = list(ast.walk(loop))
    counted = set.union(set(), *(_raised(ast.walk(one)) for one in _inner(loop))) - _set(everything)
    inside = {id(node) for one in _inner(loop) for node in ast.walk(one)}
    for node in everything:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and id(node) not in inside:
            sides = [_counted(node.left), _counted(node.right)]
            if all(isinstance(one, ast.Name) and one.id in counted for one in sides) and HITS.search(
                bare_name(sides[0])
            ):
                yield "never-reset", node


def _counted(node: ast.expr) -> ast.expr:
    """``n`` of ``n``, ``100.0 * n`` and ``float(n)``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return node.right if isinstance(node.left, ast.Constant) else node.left
    if is_call(node, "float", "int") and len(node.args) == 1:
        return node.args[0]
    return node


def _used_up(loop: Loop) -> Iterator[tuple[str, ast.AST]]:
    """``for row in rows[position:]`` in a loop that nothing but the rows themselves moves ``position`` in."""
    for one in _inner(loop):
        part = one.iter if isinstance(one, ast.For) else None
        if not isinstance(part, ast.Subscript) or not isinstance(part.slice, ast.Slice):
            continue
        first = part.slice.lower
        if first is None or isinstance(first, ast.Constant) or part.slice.upper is not None:
            continue
        moved = ast.unparse(first)
        inside = {id(node) for node in ast.walk(one)}
        others = [node for node in ast.walk(loop) if id(node) not in inside]
        given = _set(others) | {
            ast.unparse(n.target) for n in others if isinstance(n, (ast.AugAssign, ast.For))
        }
        if moved in _raised(ast.walk(one)) - given - _set(ast.walk(one)) and not _replaced(others, first):
            yield "used-up", part


def _replaced(nodes: list[ast.AST], first: ast.expr) -> bool:
    """True where what holds the position is set as a whole, or given to what may."""
    base = bare_name(first.value) if isinstance(first, (ast.Subscript, ast.Attribute)) else ""
    handed = {
        bare_name(one)
        for node in nodes
        if isinstance(node, ast.Call) and not is_call(node, "dump", "save", "print", "len")
        for one in [*node.args, getattr(node.func, "value", None)]
        if one is not None and "json" not in ast.unparse(node.func)
    }
    return base != "" and (base in _set(nodes) or base in handed or base == "self")


def _patience(loop: Loop) -> Iterator[tuple[str, ast.AST]]:
    """``if loss < best: best = loss``, ``else: waited += 1``, and nothing sets ``waited`` back, or each round does."""
    everything = list(ast.walk(loop))
    if any(isinstance(node, (ast.FunctionDef, ast.Lambda)) for node in everything):
        return
    given = _set(everything)
    ends = [
        (test.test, {ast.unparse(test.test.left), *map(ast.unparse, test.test.comparators)})
        for test in everything
        if isinstance(test, ast.If) and isinstance(test.test, ast.Compare) and _ends(test)
    ]
    waits = [(test, sides) for test, sides in ends if any(map(PATIENCE.search, sides))]
    inner = {id(node) for one in _inner(loop) for node in ast.walk(one)}
    once = _raised(node for node in everything if id(node) not in inner)
    begun = _set(node for node in loop.body if isinstance(getattr(node, "value", None), ast.Constant))
    for test, sides in waits:
        if (
            sides & begun & once - _raised(n for one in _inner(loop) for n in ast.walk(one))
            and id(test) not in inner
        ):
            yield "patience-anew", test
    for node in everything if waits else ():
        if isinstance(node, ast.If) and node.orelse and isinstance(node.test, (ast.Compare, ast.BoolOp)):
            noted = any(one in ast.unparse(node.test) for one in _set(node.body))
            waited = _raised(node.orelse) - given if noted else set()
            waited -= _raised(n for one in node.body for n in ast.walk(one)) if waited else set()
            found = next((test for test, sides in waits if sides & waited), None)
            if found is not None:
                yield "patience-total", found


def _ends(test: ast.If) -> bool:
    return any(isinstance(node, (ast.Break, ast.Return)) for node in test.body)


def _counted_early(loop: Loop) -> Iterator[tuple[str, ast.AST]]:
    """``while state["epoch"] < n: state["epoch"] += 1``, and then a loop over batches that saves ``state``."""
    if not isinstance(loop, ast.While) or not isinstance(loop.test, ast.Compare):
        return
    told = ast.unparse(loop.test.left)
    for position, node in enumerate(loop.body):
        if isinstance(node, ast.AugAssign) and ast.unparse(node.target) == told:
            kept = isinstance(node.target, (ast.Subscript, ast.Attribute))
            later = [one for one in loop.body[position + 1 :] if isinstance(one, ast.For)]
            earlier = any(isinstance(one, (ast.For, ast.While)) for one in loop.body[:position])
            if kept and not earlier and EPOCHS.search(told) and any(map(saves, later)):
                yield "counted-early", node


def _class_numbers(owner: ast.FunctionDef | ast.ClassDef) -> Iterator[ast.AST]:
    """``enumerate(classes)``, where ``classes = os.listdir(root)``."""
    nodes = list(ast.walk(owner))
    listed: dict[str, ast.expr] = {}
    for node in nodes:
        for left, value in assigned(node) if isinstance(node, ast.Assign) else ():
            listed[ast.unparse(left)] = value
    for node in nodes:
        if not is_call(node, "enumerate") or not node.args:
            continue
        value = listed.get(ast.unparse(node.args[0]), node.args[0])
        lists = isinstance(value, ast.Call) and last_name(value.func) in LISTINGS
        if lists and CLASSES.search(ast.unparse(node.args[0])):
            yield value

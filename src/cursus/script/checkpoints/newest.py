"""Which of several checkpoints a script takes for the newest, or keeps.

Each finding is a ``Habit``: ``names-wanted`` (of a listed folder, ``text``, it takes names of the form ``detail``
alone, ``key`` says how that is asked), ``text-order`` (the newest is chosen by the order of names with plain numbers),
``no-order`` (the first or last of a folder's listing, which has no order), ``text-order-removed`` (all but some are
removed in the order of names) and ``part-order`` (the greatest of their last numbers, which each epoch begins anew).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    FUNCTIONS,
    LISTINGS,
    bare_name,
    first_or_last,
    is_call,
    last_name,
    leaves,
    own,
    receiver,
    string,
    word,
)

CHECKPOINT = re.compile(
    r"ckpt|check_?point|epoch|\bep\b|step|iter|round|snapshot|state|resume", re.IGNORECASE
)
REMOVES = frozenset({"rmtree", "remove", "unlink", "rmdir", "removedirs"})
MOST = 10
"""Choices of one scope that are looked at."""
NUMBERED = re.compile(r"%[ds]|%i|\{\w*\}")
WITHIN = re.compile(r"(?:i|it|iter|iteration|step|batch|idx|batch_idx|index)")
"""What counts the batches of an epoch, by the names that people give it."""
MATCHES = frozenset({"match", "search", "fullmatch"})
ENDS = frozenset({"startswith", "endswith"})
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


def read_newest(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    bodies = list(modules)
    unpadded = any(_unpadded(node) for body in bodies for node in body.all_nodes)
    stepped = any(_epoch_and_step(node) for body in bodies for node in body.all_nodes)
    for body in bodies:
        for scope in body.all_nodes:
            if stepped and is_call(scope, "max", "sorted") and _by_last_number(word(scope, "key")):
                yield Habit("part-order", None, ast.unparse(scope)[:80], True, place(scope, body))
            if isinstance(scope, (ast.Module, *FUNCTIONS)):
                for node, kind in islice(_picks(scope), MOST):
                    if kind == "no-order" or unpadded:
                        yield Habit(kind, None, ast.unparse(node)[:80], True, place(node, body))
                for node in _rotated(scope) if unpadded else ():
                    yield Habit("text-order-removed", None, ast.unparse(node)[:80], True, place(node, body))


def read_names(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """The forms of names that a script asks for in what it lists of one folder."""
    for body, _ in reached:
        listings = [site.node for site in body.calls if last_name(site.node.func) in LISTINGS]
        if len(listings) != 1:
            continue
        folder = listings[0].args[0] if listings[0].args else receiver(listings[0], LISTINGS)
        text = None if folder is None else evaluator.value(folder, body)
        if not isinstance(text, Text):
            continue
        filters = {id(one) for node in body.nodes for one in _filters(node)}
        for site in body.calls:
            asked, how = _form(evaluator, site.node, body)
            if asked is not None and (how not in ENDS or id(site.node) in filters):
                yield Habit("names-wanted", text, asked, True, place(site.node, body), key=how)


def _filters(node: ast.AST) -> list[ast.expr]:
    """What must hold for a name to be taken: the tests of a comprehension, and of ``if`` without more."""
    tests = node.ifs if isinstance(node, ast.comprehension) else []
    if isinstance(node, ast.If) and not node.orelse and not leaves(node.body[-1]):
        tests = [node.test]
    return [
        part
        for test in tests
        for part in (test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test])
    ]


def _form(evaluator: Evaluator, node: ast.Call, body: Body) -> tuple[str | None, str]:
    """The form of a name that a call asks for, and how it does so (``startswith``)."""
    how, given = last_name(node.func), node.args[:1]
    if how in MATCHES:
        made = receiver(node, MATCHES)
        pattern = body.only(made.id) or body.top.only(made.id) if isinstance(made, ast.Name) else made
        if isinstance(pattern, ast.Call) and last_name(pattern.func) == "compile":
            given = pattern.args[:1] if len(pattern.args) == 1 else []
        elif bare_name(made) != "re" or len(node.args) != 2:
            return None, ""
    elif how not in ENDS or len(node.args) != 1:
        return None, ""
    found = evaluator.value(given[0], body) if given else None
    return (found.literal if isinstance(found, Text) else None), how


def _unpadded(node: ast.AST) -> bool:
    """True for a name of a checkpoint that is put together with a number without leading zeros."""
    if isinstance(node, ast.JoinedStr):
        words = "".join(str(piece.value) for piece in node.values if isinstance(piece, ast.Constant))
        holes = [piece for piece in node.values if isinstance(piece, ast.FormattedValue)]
        named = CHECKPOINT.search(words) is not None and " " not in words
        return bool(holes) and named and any(_plain(hole) for hole in holes)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and isinstance(node.right, ast.Call):
        before = string(node.left) or ""
        return is_call(node.right, "str") and CHECKPOINT.search(before) is not None
    text = string(node) or ""
    named = 0 < len(text) < 80 and " " not in text  # a line that is printed has blanks
    return named and NUMBERED.search(text) is not None and CHECKPOINT.search(text) is not None


def _epoch_and_step(node: ast.AST) -> bool:
    """True for a name of an epoch, and of a step in it: ``f"model_{epoch}_{step}.pt"``."""
    holes: list[ast.expr] = []
    if isinstance(node, ast.JoinedStr):
        holes = [piece.value for piece in node.values if isinstance(piece, ast.FormattedValue)]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.right, ast.Tuple):
        holes = node.right.elts if string(node.left) and " " not in (string(node.left) or "") else []
    elif isinstance(node, ast.Call) and string(receiver(node, ("format",))):
        holes = node.args
    if isinstance(node, ast.JoinedStr) and any(" " in str(getattr(one, "value", "")) for one in node.values):
        return False  # a line that is printed
    names = [last_name(one) for one in holes]
    return len(names) > 1 and "epoch" in names[-2] and WITHIN.fullmatch(names[-1]) is not None


def _by_last_number(key: ast.expr | None) -> bool:
    """``key=lambda name: int(name.split("_")[-1])``, whatever is cut off."""
    made = key.body if isinstance(key, ast.Lambda) else None
    if not is_call(made, "int"):
        return False
    texts = [ast.unparse(one) for one in ast.walk(made) if isinstance(one, ast.Subscript)]
    return any(
        re.search(r"split\('[_-]'(?:, 1)?\)\[-1\]$|partition\('[_-]'\)\[(?:2|-1)\]$", one) for one in texts
    )


def _plain(hole: ast.FormattedValue) -> bool:
    return hole.format_spec is None and CHECKPOINT.search(ast.unparse(hole.value)) is not None


def _picks(scope: Scope) -> Iterator[tuple[ast.AST, str]]:
    """The places where one file of a listing is chosen: by the order of names, or by none."""
    nodes = list(own(scope))
    listed, ordered, looked = _listed(nodes), set[str](), 0
    for node in nodes:
        call = node.value if isinstance(node, ast.Expr) else None
        sorted_one = bare_name(receiver(call, ("sort",)))
        if sorted_one and isinstance(call, ast.Call) and word(call, "key") is not None:
            listed.discard(sorted_one)
        elif sorted_one in listed:
            ordered.add(sorted_one)
        if isinstance(node, ast.Assign) and _by_name(node.value, listed):
            ordered.update(target.id for target in node.targets if isinstance(target, ast.Name))
    for node in nodes:
        if is_call(node, "max"):
            if len(node.args) == 1 and not node.keywords and _is_listing(node.args[0], listed):
                yield node, "text-order"
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and first_or_last(node.slice):
            name = bare_name(node.value)
            if name in ordered or _by_name(node.value, listed):
                yield node, "text-order"
            elif _is_listing(node.value, listed):
                looked += 1
                if looked <= MOST and _about_checkpoints(node.value, scope):
                    yield node, "no-order"


def _rotated(scope: Scope) -> Iterator[ast.AST]:
    """Loops that remove all but some of what is sorted by name: ``for old in sorted(found)[:-3]: rmtree(old)``."""
    nodes = list(own(scope))
    listed = _listed(nodes)
    ordered = {
        bare_name(target)
        for node in nodes
        if isinstance(node, ast.Assign) and _by_name(node.value, listed)
        for target in node.targets
    } | {
        bare_name(base)
        for node in nodes
        if (base := receiver(node, ("sort",))) is not None
        and isinstance(node, ast.Call)
        and word(node, "key") is None
    }
    for node in nodes:
        part = node.iter if isinstance(node, ast.For) else None
        if (
            not isinstance(node, ast.For)
            or not isinstance(part, ast.Subscript)
            or not isinstance(part.slice, ast.Slice)
        ):
            continue
        by_name = _by_name(part.value, listed) or bare_name(part.value) in ordered - {""}
        if by_name and any(
            isinstance(one, ast.Call) and last_name(one.func) in REMOVES for one in ast.walk(node)
        ):
            yield part


def _listed(nodes: list[ast.AST]) -> set[str]:
    """Names that hold a listing of a folder, as it came, and nothing else."""
    found: set[str] = set()
    given: dict[str, int] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    given[target.id] = given.get(target.id, 0) + 1
                    if _is_listing(node.value, found):
                        found.add(target.id)
    return {name for name in found if given[name] == 1}


def _is_listing(node: ast.AST, listed: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in listed
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return _same_names(node.elt, node.generators[0].target) and _is_listing(
            node.generators[0].iter, listed
        )
    if not isinstance(node, ast.Call):
        return False
    name = last_name(node.func)
    if name in ("list", "tuple") and len(node.args) == 1:
        return _is_listing(node.args[0], listed)
    return name in LISTINGS


def _same_names(made: ast.AST, item: ast.AST) -> bool:
    """True where a comprehension keeps the names: as they are, or with the folder before them."""
    if isinstance(made, ast.Name):
        return made.id == bare_name(item)
    return isinstance(made, ast.Call) and last_name(made.func).endswith("join")


def _by_name(node: ast.AST, listed: set[str]) -> bool:
    """``sorted(listing)`` without a key."""
    return (
        is_call(node, "sorted")
        and bool(node.args)
        and word(node, "key") is None
        and _is_listing(node.args[0], listed)
    )


def _about_checkpoints(node: ast.AST, scope: Scope) -> bool:
    words = ast.unparse(node) + " " + getattr(scope, "name", "")
    if isinstance(node, ast.Name):
        words += " ".join(
            ast.unparse(other.value)
            for other in own(scope)
            if isinstance(other, ast.Assign) and node.id in map(bare_name, other.targets)
        )
    return CHECKPOINT.search(words) is not None

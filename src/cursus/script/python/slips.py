"""Slips of Python that mix up what a script reads: one default list for all calls, listings paired in any order.

Each finding is a ``Habit``: ``shared-default``, ``unsorted-pairs``, ``shuffled-apart`` (inputs and labels, one after
the other), ``last-batch`` for ``range(0, len(rows) - n, n)``, ``whole-quotient`` for ``correct // total`` and
``"%d" % (correct / total)``, ``adds-nothing`` for ``count += 0``, ``sniffed-away`` (the beginning of a file) and
``seed-unread`` (a function that draws at random, and takes a seed).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import LISTINGS, Owner, bare_name, is_call, last_name, own, receiver, string

PART = re.compile(r"correct|hits?\b|matche[sd]|right\b|true_pos|\btp\b|_loss\b", re.IGNORECASE)
WHOLE = re.compile(r"total|count|len\(|seen|samples|size|\bn\b|num", re.IGNORECASE)
MEANT = re.compile(r"cache|memo", re.IGNORECASE)
"""What a default that is made once is for, where its name says so."""
SEEDS = frozenset({"seed", "random_seed", "random_state"})
SEEDING = frozenset({"seed", "manual_seed", "set_seed", "seed_everything", "set_random_seed"})
DRAWS = re.compile(
    r"(?:random|np\.random|numpy\.random)\.(?:shuffle|sample|choices?|random|uniform|gauss|rand\w*|permutation|normal)"
)
SHUFFLES = re.compile(r"(?:random|np\.random|numpy\.random)\.shuffle")
SEEDED = re.compile(r"(?:^|\.)(?:seed|set_state|setstate)$")
TOGETHER = frozenset(
    {"zip", "fit", "TensorDataset", "from_tensor_slices", "train_on_batch", "DMatrix", "Dataset"}
)
"""What takes inputs and labels that belong together by their places."""
LABELS = re.compile(r"label|target|class|answer|truth|tags?(?:_|$)|(?:^|_)(?:y|ys|gt)(?:_|$)", re.IGNORECASE)
"""What belongs to an example; users and items are paired at random on purpose."""
GROWS = frozenset({"append", "extend", "insert", "add", "update", "setdefault"})


def read_slips(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    bodies = list(modules)
    shown = {id(step) for body in bodies for step in getattr(body.owner, "body", ())}  # as in a notebook
    calls = [node for body in bodies for node in body.all_nodes if isinstance(node, ast.Call)]
    seeded = any(last_name(call.func) in SEEDING for call in calls)
    for body in bodies:
        for apart in _shuffled_apart(body.owner):
            yield Habit("shuffled-apart", None, ast.unparse(apart), True, place(apart, body))
        for node in body.all_nodes:
            if isinstance(node, ast.FunctionDef):
                name = _shared(node, calls)
                for told in _sniffed_away(node):
                    yield Habit("sniffed-away", None, told, True, place(node, body))
                for apart in _shuffled_apart(node):
                    yield Habit("shuffled-apart", None, ast.unparse(apart), True, place(apart, body))
                if not seeded and _draws_without_seed(node):
                    yield Habit("seed-unread", None, f"{node.name}()", True, place(node, body))
                if name:
                    yield Habit("shared-default", None, f"{node.name}({name}=…)", True, place(node, body))
            elif _adds_nothing(node) or (id(node) not in shown and _compares(node)):
                yield Habit("adds-nothing", None, ast.unparse(node), True, place(node, body))
            elif _pairs(node, body.owner):
                yield Habit("unsorted-pairs", None, ast.unparse(node), True, place(node, body))
            elif _short_range(node):
                yield Habit("last-batch", None, ast.unparse(node), True, place(node, body))
            elif (
                isinstance(node, ast.BinOp)
                and isinstance(node.op, ast.FloorDiv)
                and PART.search(ast.unparse(node.left))
                and WHOLE.search(ast.unparse(node.right))
            ):
                yield Habit("whole-quotient", None, ast.unparse(node), True, place(node, body))
            elif isinstance(node, ast.BinOp) and (told := _cut_quotient(node)):
                yield Habit("whole-quotient", None, told, True, place(node, body))


def _shuffled_apart(owner: Owner) -> Iterator[ast.Call]:
    """``random.shuffle(inputs)``, ``random.shuffle(labels)``, where both are taken together afterwards."""
    calls = [node for node in own(owner) if isinstance(node, ast.Call)]
    shuffled: list[ast.Call] = []
    for call in calls:
        if SEEDED.search(ast.unparse(call.func)):
            shuffled = []
        elif SHUFFLES.fullmatch(ast.unparse(call.func)) and len(call.args) == 1 and bare_name(call.args[0]):
            shuffled.append(call)
        elif len(shuffled) == 2 and len(names := {bare_name(one.args[0]) for one in shuffled}) == 2:
            given = [bare_name(one) for one in call.args]
            labelled = any(LABELS.search(one) for one in names)
            if last_name(call.func) in TOGETHER and labelled and names <= set(given):
                yield shuffled[1]
                return


def _compares(node: ast.AST) -> bool:
    """``self.rate == 0.1`` as a statement: nothing looks at what it gives."""
    test = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return False
    return isinstance(test.ops[0], ast.Eq) and isinstance(test.left, (ast.Name, ast.Attribute, ast.Subscript))


def _adds_nothing(node: ast.AST) -> bool:
    """``count += 0``, ``rate *= 1``."""
    if not isinstance(node, ast.AugAssign) or not isinstance(node.value, ast.Constant):
        return False
    sums, products = isinstance(node.op, (ast.Add, ast.Sub)), isinstance(node.op, (ast.Mult, ast.Div))
    value = node.value.value
    return type(value) in (int, float) and ((sums and value == 0) or (products and value == 1))


def _sniffed_away(function: ast.FunctionDef) -> Iterator[str]:
    """``csv.Sniffer().sniff(file.read(1024))`` before ``csv.reader(file)``, and no ``file.seek(0)``."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    back = {bare_name(receiver(call, ("seek",))) for call in calls}
    for call in calls:
        part = call.args[0] if last_name(call.func) in ("sniff", "has_header") and call.args else None
        name = bare_name(receiver(part, ("read", "readline")))
        rows = any(
            last_name(one.func) in ("reader", "DictReader", "read_csv")
            and one.args
            and bare_name(one.args[0]) == name
            for one in calls
        )
        if name and rows and name not in back:
            yield ast.unparse(call)[:60]


def _draws_without_seed(function: ast.FunctionDef) -> bool:
    """True for a function with a parameter ``seed`` that it never looks at, and calls of ``random`` all the same."""
    names = {one.arg for one in (*function.args.args, *function.args.kwonlyargs)} & SEEDS
    nodes = list(ast.walk(function))
    read = {node.id for node in nodes if isinstance(node, ast.Name)}
    drawn = (ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call))
    return bool(names - read) and any(DRAWS.fullmatch(name) for name in drawn)


def _cut_quotient(node: ast.BinOp) -> str:
    """``correct / total`` of ``"accuracy: %d" % (correct / total)``; empty where there is none."""
    text = string(node.left) if isinstance(node.op, ast.Mod) else None
    given = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    kinds = re.findall(r"%[-+ 0-9.]*([a-zA-Z])", (text or "").replace("%%", ""))
    for kind, one in zip(kinds, given, strict=False):
        told = ast.unparse(one)
        if kind in "di" and isinstance(one, ast.BinOp) and isinstance(one.op, ast.Div) and "100" not in told:
            return told if PART.search(told) else ""
    return ""


def _pairs(node: ast.AST, tree: ast.AST) -> bool:
    return is_call(node, "zip") and len(node.args) > 1 and all(_unsorted(given, tree) for given in node.args)


def _short_range(node: ast.AST) -> bool:
    """``range(0, len(rows) - n, n)``, which ends before the last whole batch."""
    if not is_call(node, "range") or len(node.args) != 3:
        return False
    end, step = node.args[1:]
    return (
        isinstance(end, ast.BinOp)
        and isinstance(end.op, ast.Sub)
        and ast.unparse(end.right) == ast.unparse(step)
        and is_call(end.left, "len")
    )


def _shared(function: ast.FunctionDef, calls: list[ast.Call]) -> str:
    """The parameter whose default, a list or mapping made once, several calls fill; empty where there is none."""
    parameters = [*function.args.posonlyargs, *function.args.args]
    defaults = function.args.defaults
    for position, default in enumerate(defaults, len(parameters) - len(defaults)):
        made = isinstance(default, (ast.List, ast.Dict, ast.Set)) or (
            is_call(default, "list", "dict", "set") and not default.args
        )
        name = parameters[position].arg
        if not made or MEANT.search(name) or not _grows(function, name):
            continue
        without = [
            call
            for call in calls
            if is_call(call, function.name)
            and len(call.args) <= position
            and not any(given.arg in (name, None) for given in call.keywords)
        ]
        if len(without) > 1:
            return name
    return ""


def _grows(function: ast.FunctionDef, name: str) -> bool:
    """True where a function puts things into its parameter, and never sets it to another one."""
    grown = False
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return False
        target = receiver(node, GROWS)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            target = node.value
        grown = grown or bare_name(target) == name
    return grown


def _unsorted(given: ast.expr, tree: ast.AST, met: frozenset[str] = frozenset()) -> bool:
    """True for the listing of a folder as it comes, or a name that is nothing else; ``met``: names on the way."""
    if is_call(given, "list") and len(given.args) == 1:
        given = given.args[0]
    if isinstance(given, ast.Call):
        return last_name(given.func) in LISTINGS
    if not isinstance(given, ast.Name) or given.id in met:  # files = list(files)
        return False
    set_to = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(bare_name(one) == given.id for one in node.targets)
    ]
    sorts = any(
        isinstance(node, ast.Attribute) and node.attr == "sort" and bare_name(node.value) == given.id
        for node in ast.walk(tree)
    )
    if len(set_to) != 1 or sorts or not isinstance(set_to[0], ast.Call):
        return False
    return _unsorted(set_to[0], tree, met | {given.id})

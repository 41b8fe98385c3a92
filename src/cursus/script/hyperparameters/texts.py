"""Texts that a script takes for truth values, numbers and lists: hyperparameters, arguments, variables as they come."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import HP_FILES, JSON_VARIABLES, ArgPart, Const, EnvPart, Habit, Text
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    bare_name,
    everything_given,
    given_for,
    is_call,
    last_name,
    receiver,
    string,
)

SPLITS = frozenset({"split", "index", "count", "partition"})
OF_TEXTS = frozenset(
    {"split", "rsplit", "splitlines", "strip", "lstrip", "rstrip", "lower", "upper", "title", "startswith"}
    | {"endswith", "replace", "partition", "rpartition", "encode", "format"}
)
"""Methods that a text has, and a list has not."""
ORDERS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Pow: "**",
}
OF_NUMBERS = (ast.Sub, ast.FloorDiv, ast.Pow)
"""Steps that a text takes with nothing at all."""


def truth(evaluator: Evaluator, body: Body, test: ast.expr, sure: bool) -> Iterator[Habit]:
    """A text tested by itself."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return
    if isinstance(test, ast.BoolOp):
        for value in test.values:
            yield from truth(evaluator, body, value, sure)
    elif isinstance(test, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
        yield from about(evaluator, body, test, "text-truth", "if", sure)


def about(
    evaluator: Evaluator, body: Body, node: ast.expr, kind: str, detail: str, sure: bool
) -> Iterator[Habit]:
    """A habit where ``node`` is one argument, one variable or one hyperparameter."""
    key = hyperparameter(evaluator, body, node)
    if key is not None:
        yield Habit(kind, None, detail, sure, place(node, body), key[0], key[1])
        return
    found = evaluator.evaluate(node, body)
    if len(found.values) != 1:
        return
    value = found.values[0]
    if isinstance(value, Text) and isinstance(value.only, (ArgPart, EnvPart)):
        yield Habit(kind, value, detail, sure, place(node, body))


def hyperparameter(evaluator: Evaluator, body: Body, node: ast.expr) -> tuple[str, str] | None:
    """(key, source) where ``node`` is one hyperparameter from SM_HPS or hyperparameters.json."""
    found = evaluator.evaluate(node, body).only
    if isinstance(found, v.Unknown) and found.key and found.origin in HP_FILES:
        return found.key, found.origin
    return None


def compared(evaluator: Evaluator, body: Body, node: ast.Compare, sure: bool) -> Iterator[Habit]:
    """A text compared with a number, with None, with numbers it may be one of, or with another text."""
    if len(node.ops) != 1:
        return
    step, left, right = node.ops[0], node.left, node.comparators[0]
    if isinstance(step, (ast.Eq, ast.NotEq)):
        for side, other in ((left, right), (right, left)):
            if isinstance(other, ast.Constant) and isinstance(other.value, (bool, int, float)):
                yield from about(evaluator, body, side, "text-equals", repr(other.value), sure)
            elif isinstance(other, ast.Constant) and isinstance(other.value, str):
                yield from about(evaluator, body, side, "text-equals-text", other.value, sure)
    elif isinstance(step, (ast.Is, ast.IsNot)):
        if isinstance(right, ast.Constant) and right.value is None:
            yield from about(evaluator, body, left, "text-none", "is None", sure)
        elif isinstance(right, ast.Constant) and isinstance(right.value, (bool, int)):
            yield from about(evaluator, body, left, "text-equals", repr(right.value), sure)
    elif isinstance(step, (ast.In, ast.NotIn)):
        found = evaluator.value(right, body)
        numbers = isinstance(found, v.Items) and found.items and all(_is_number(item) for item in found.items)
        if numbers or (isinstance(found, v.Unknown) and found.origin == "range"):
            yield from about(evaluator, body, left, "text-in", ast.unparse(right), sure)
        elif not isinstance(left, ast.Constant):
            yield from about(evaluator, body, right, "text-holds", ast.unparse(left), sure)
    else:
        yield from ordered_texts(evaluator, body, [left, right], ORDERS[type(step)], sure)
        for side, other in ((left, right), (right, left)):
            if _is_number(evaluator.value(other, body)):
                yield from about(evaluator, body, side, "text-arithmetic", ORDERS[type(step)], sure)


def ordered_texts(
    evaluator: Evaluator, body: Body, nodes: list[ast.expr], detail: str, sure: bool
) -> Iterator[Habit]:
    """Two or more texts brought into an order."""
    found = [habit for node in nodes for habit in about(evaluator, body, node, "texts-ordered", detail, sure)]
    if len(found) == len(nodes) > 1:
        first = found[0]
        yield Habit(
            first.kind, first.text, detail, sure, first.location, first.key, first.source, tuple(found[1:])
        )


def _is_number(value: v.Value) -> bool:
    if isinstance(value, v.Unknown):
        return value.number
    return isinstance(value, Const) and type(value.value) in (int, float)


def swapped(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """Two arguments of the command line, handed on by position under each other's names."""
    callee = evaluator.value(node.func, body) if len(node.args) > 1 else v.UNKNOWN
    if not isinstance(callee, v.Func) or isinstance(callee.body.owner, (ast.Module, ast.ClassDef)):
        return
    owner = callee.body.owner
    names = [argument.arg for argument in (*owner.args.posonlyargs, *owner.args.args)][
        1 if callee.bound else 0 :
    ]
    given = [last_name(one) for one in node.args]
    for i, name in enumerate(given[: len(names)]):
        j = names.index(name) if name in names else i
        passed = [evaluator.value(node.args[k], body) for k in (i, j)] if i < j < len(given) else []
        of_arguments = passed and all(
            isinstance(one, Text) and isinstance(one.only, ArgPart) for one in passed
        )
        if of_arguments and given[j] == names[i]:
            shown = f"{getattr(owner, 'name', 'lambda')}({given[i]}, {given[j]})"
            yield Habit("swapped", v.text(f"{names[i]}, {names[j]}"), shown, sure, place(node, body))


def quoted(evaluator: Evaluator, body: Body, sure: bool) -> Iterator[Habit]:
    """Values of hyperparameters.json that are used as they stand there."""
    read_on: set[int] = set()
    for node in body.nodes:
        if isinstance(node, ast.Call):
            read_on.update(id(given) for given in node.args)
        elif isinstance(node, ast.Attribute):
            read_on.add(id(node.value))
    for node in body.nodes:
        if isinstance(node, (ast.Subscript, ast.Call)) and id(node) not in read_on:
            key = hyperparameter(evaluator, body, node)
            if key is not None and key[1] == "hyperparameters.json":
                yield Habit("quoted", None, ast.unparse(node), sure, place(node, body), *key)


def cast(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """A function of the script that is given a name and ``bool``, and calls it: ``get("augment", kind=bool)``."""
    given = everything_given(node)
    key = next((text for one in given if (text := string(one))), None)
    callee = (
        evaluator.value(node.func, body) if key and any(bare_name(one) == "bool" for one in given) else None
    )
    owner = callee.body.owner if isinstance(callee, v.Func) else None
    if not isinstance(callee, v.Func) or not isinstance(owner, ast.FunctionDef):
        return
    if any(isinstance(inner, ast.Name) and inner.id == "bool" for inner in callee.body.nodes):
        return  # it knows of bool, and makes something else of the text
    names = [argument.arg for argument in (*owner.args.posonlyargs, *owner.args.args)]
    for name in (*names, *(argument.arg for argument in owner.args.kwonlyargs)):
        if bare_name(given_for(node, name, names, callee.bound)) == "bool" and any(
            is_call(inner, name) and len(inner.args) == 1 for inner in ast.walk(owner)
        ):
            yield Habit("cast-bool", None, f"{owner.name}()", sure, place(node, body), key or "")


def channel_by_place(evaluator: Evaluator, body: Body, node: ast.Subscript, sure: bool) -> Iterator[Habit]:
    """``json.loads(os.environ["SM_CHANNELS"])[0]``."""
    if evaluator.value(node.value, body) == v.Special("SM_CHANNELS"):
        yield Habit("channel-by-place", None, ast.unparse(node.slice), sure, place(node, body))


def arithmetic(evaluator: Evaluator, body: Body, node: ast.BinOp, sure: bool) -> Iterator[Habit]:
    """A text times a number, which repeats it, and any other step of arithmetic between the two, which fails."""
    known = sure and id(node) in body.certain
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(node.op, ast.Mult):
            factor = evaluator.value(other, body)
            if isinstance(other, ast.Constant) and isinstance(other.value, int):
                yield from about(evaluator, body, side, "text-times", "*", sure)
            elif isinstance(factor, Const) and isinstance(factor.value, float):
                yield from about(evaluator, body, side, "text-arithmetic", "*", known)
        elif not isinstance(node.op, ast.Mod) and (
            isinstance(node.op, OF_NUMBERS) or _is_number(evaluator.value(other, body))
        ):
            yield from about(evaluator, body, side, "text-arithmetic", SIGNS.get(type(node.op), "?"), known)
    if isinstance(node.op, ast.Add):
        sides = [node.left, node.right]
        found = [habit for side in sides for habit in about(evaluator, body, side, "text-plus", "+", sure)]
        if len(found) == 2:
            yield Habit(
                "text-plus",
                found[0].text,
                "+",
                sure,
                place(node, body),
                found[0].key,
                found[0].source,
                (found[1],),
            )


def called(evaluator: Evaluator, body: Body, node: ast.Call, name: str, sure: bool) -> Iterator[Habit]:
    """A text given to a function of lists or numbers."""
    if name in ("list", "sorted", "set", "tuple", "len", "enumerate") and node.args:
        if name != "enumerate":
            yield from about(evaluator, body, node.args[0], "text-iter", name, sure)
        if name not in ("set", "tuple"):
            yield from json_text(evaluator, body, node.args[0], name, sure)
    if is_call(node, "max", "min") and len(node.args) > 1 and not node.keywords:
        yield from ordered_texts(evaluator, body, list(node.args), name, sure)
        yield from _capped(evaluator, body, node, name, sure)
    elif (
        name in ("max", "min", "sorted")
        and len(node.args) == 1
        and isinstance(node.args[0], (ast.List, ast.Tuple))
    ):
        yield from ordered_texts(evaluator, body, node.args[0].elts, name, sure)
    elif name == "bool" and node.args:
        yield from about(evaluator, body, node.args[0], "text-truth", "bool", sure)
    elif is_call(node, "int") and len(node.args) == 1:
        yield from about(evaluator, body, node.args[0], "cut", "int", sure)
    method = receiver(node, OF_TEXTS)
    if method is not None:
        yield from about(evaluator, body, method, "text-method", name, sure)
    split = receiver(node, SPLITS)
    if split is not None:
        if name == "split":
            always = sure and id(node) in body.certain
            yield from about(evaluator, body, split, "text-split", _made_of_parts(body, node), always)
        yield from json_text(evaluator, body, split, name, sure)


def _made_of_parts(body: Body, split: ast.Call) -> str:
    """``int`` of ``[int(part) for part in text.split(",")]`` and of ``map(int, text.split(","))``; else ``split``."""
    above = body.above(split)[-3:-1]
    for one in above:
        made = one.elt if isinstance(one, (ast.ListComp, ast.GeneratorExp)) else None
        if is_call(made, "int", "float") and made.args and isinstance(made.args[0], ast.Name):
            return made.func.id if isinstance(made.func, ast.Name) else "split"
        if is_call(one, "map") and bare_name(one.args[0]) in ("int", "float"):
            return bare_name(one.args[0])
    return "split"


def _capped(evaluator: Evaluator, body: Body, node: ast.Call, name: str, sure: bool) -> Iterator[Habit]:
    """``min(args.epochs, 5)``: a number of the script's own in place of the one that is asked for."""
    values = [evaluator.value(one, body) for one in node.args]
    own = [v.text(str(one.value)) for one in values if isinstance(one, Const) and _is_number(one)]
    if len(own) == 1 and len(node.args) == 2:
        for side in node.args:
            for habit in about(evaluator, body, side, "capped", name, sure):
                limit = Habit("number", own[0], "", sure, habit.location)
                yield replace(habit, others=(limit,))


def json_text(evaluator: Evaluator, body: Body, node: ast.expr, detail: str, sure: bool) -> Iterator[Habit]:
    """A variable that holds JSON, taken as a text."""
    found = evaluator.evaluate(node, body)
    for value in found.values:
        part = value.only if isinstance(value, Text) else None
        if isinstance(value, Text) and isinstance(part, EnvPart) and part.name in JSON_VARIABLES:
            yield Habit("json-text", value, detail, sure, place(node, body))

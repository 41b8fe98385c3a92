"""What a script does with values, that runs without an error and does something else than it says.

Each finding of this reading is a ``Habit``: its kind, the value it is about and its place. What a request makes of
it is up to the rules.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from cursus.script.ends.dropped import quiet_try, suppressed
from cursus.script.ends.endings import (
    ends_well,
    gives_status,
    only_shown,
    only_told,
    unasked_futures,
    unused_status,
    unwatched,
)
from cursus.script.ends.programs import shell_command, unchecked, unread_status
from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.evaluation.given import is_generator
from cursus.script.facts import ArgPart, EnvPart, Habit, Text
from cursus.script.hyperparameters.texts import (
    about,
    arithmetic,
    called,
    cast,
    channel_by_place,
    compared,
    json_text,
    quoted,
    swapped,
    truth,
)
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    bare_name,
    last_name,
    receiver,
    sets_constant,
    string,
    word,
)

CONVERTS = frozenset({"int", "float", "bool", "loads", "literal_eval", "eval", "Decimal", "strtobool"})
FUTURE = re.compile(r"not [\w.\[\]]+\.exception\(\)|[\w.\[\]]+\.exception\(\) is None")
POOLS = ("ThreadPoolExecutor", "ProcessPoolExecutor", "ThreadPool", "Pool")
UNASKED = {
    "submit": "without result()",
    "map": "whose results nobody takes",
    "apply_async": "without get()",
    "map_async": "without get()",
    "imap": "whose results nobody takes",
    "imap_unordered": "whose results nobody takes",
}
"""Methods of a pool that raise a worker's error only where its result is asked for."""
DONE = frozenset(
    {"step", "zero_grad", "backward", "close", "flush", "fit", "save", "eval", "train", "join", "start"}
)
"""Methods that somebody may mean to call, and names alone."""
TESTS = frozenset({"bool", "len", "isinstance", "any", "all", "filter", "str"})

Reached = Iterable[tuple[Body, bool]]


def read_habits(evaluator: Evaluator, reached: Reached) -> tuple[Habit, ...]:
    """Everything of this kind in the bodies that run."""
    found: list[Habit] = []
    for body, sure in reached:
        for node in body.nodes:
            found.extend(_tested(evaluator, body, node, sure))
            look = LOOKS.get(type(node))
            if look is not None:
                found.extend(look(evaluator, body, node, sure))
        found.extend(quoted(evaluator, body, sure))
    return tuple(dict.fromkeys(found))


def _tested(evaluator: Evaluator, body: Body, node: ast.AST, sure: bool) -> Iterator[Habit]:
    """What the script looks at before it goes on: arguments and variables, or (text None) something not known."""
    looked: list[ast.expr] = []
    if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
        looked = [node.test]
    elif isinstance(node, ast.BoolOp):
        looked = node.values
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        looked = [node.operand]
    elif isinstance(node, ast.Compare):
        looked = [node.left, *node.comparators]
    elif isinstance(node, ast.comprehension):
        looked = node.ifs
    elif isinstance(node, ast.Call) and bare_name(node.func) in TESTS:
        looked = list(node.args)
    for expression in looked:
        if isinstance(expression, ast.NamedExpr):
            expression = expression.value
        if not isinstance(expression, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
            continue
        where = place(expression, body)
        for value in evaluator.evaluate(expression, body).values:
            if isinstance(value, Text) and any(isinstance(part, (ArgPart, EnvPart)) for part in value.parts):
                yield Habit("tested", value, "", sure, where)
            elif value is v.UNKNOWN and not isinstance(expression, ast.Call):
                yield Habit("tested", None, "", sure, where)


def _call(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    name = last_name(node.func)
    yield from called(evaluator, body, node, name, sure)
    yield from cast(evaluator, body, node, sure)
    yield from _first_dropped(evaluator, body, node, node.args, name == "join" and len(node.args) > 1, sure)
    yield from swapped(evaluator, body, node, sure)
    if name in CONVERTS:
        for given in node.args[:1]:
            value = evaluator.value(given, body)
            if isinstance(value, Text) and isinstance(value.only, ArgPart):
                yield Habit("converted", value, name, sure, place(node, body))
            elif isinstance(given, ast.Attribute) and value is v.UNKNOWN:  # args.rate = float(args.rate)
                yield Habit("converted", Text((ArgPart(given.attr),)), name, sure, place(node, body))
    yield from shell_command(evaluator, body, node, sure)
    yield from unread_status(evaluator, body, node, sure)
    if name == "gather" and getattr(word(node, "return_exceptions"), "value", None) is True:
        yield Habit("dropped", None, "gather(return_exceptions=True)", sure, place(node, body))


def _first_dropped(
    evaluator: Evaluator, body: Body, node: ast.expr, parts: list[ast.expr], joins: bool, sure: bool
) -> Iterator[Habit]:
    """A path joined with one that begins with a slash, which drops what is before it."""
    for part in parts[1:] if joins else ():
        written = string(part) or ""
        if written.startswith("/") and written != "/":
            before = evaluator.value(parts[0], body)
            if isinstance(before, Text):
                yield Habit("first-dropped", before, written, sure, place(node, body))


def _is_property(name: str, module: Body) -> bool:
    """True where what is named may be done by that alone: a function of this name has a decorator."""
    return any(
        isinstance(one, ast.FunctionDef) and one.name == name and one.decorator_list
        for one in module.all_nodes
    )


def _statement(evaluator: Evaluator, body: Body, node: ast.Expr, sure: bool) -> Iterator[Habit]:
    """A statement that is an expression alone: a function that is only named, a generator that is only made."""
    value = node.value
    if isinstance(value, ast.Name):
        if isinstance(evaluator.value(value, body), v.Func):
            yield Habit("only-named", None, value.id, sure, place(node, body))
    elif isinstance(value, ast.Attribute) and value.attr in DONE and not _is_property(value.attr, body.top):
        yield Habit("only-named", None, ast.unparse(value), sure, place(node, body))
    elif isinstance(value, ast.Call):
        yield from _overridden(evaluator, body, value, sure)
        callee = evaluator.value(value.func, body)
        if isinstance(callee, v.Func):
            owner = callee.body.owner
            if isinstance(owner, ast.FunctionDef) and gives_status(callee.body):
                yield Habit(
                    "dropped",
                    None,
                    f"{owner.name}() gives a status that nobody uses, which",
                    sure,
                    place(node, body),
                )
            if isinstance(owner, ast.AsyncFunctionDef):
                yield Habit("never-awaited", None, owner.name, sure, place(node, body))
            elif (
                isinstance(owner, ast.FunctionDef) and not owner.decorator_list and is_generator(callee.body)
            ):
                yield Habit("never-iterated", None, owner.name, sure, place(node, body))
        pool, name = receiver(value, UNASKED), last_name(value.func)
        waits = ("ThreadPool", "Pool") if name == "map" else ()  # whose map gives what came of it
        if (
            pool is not None
            and value.args
            and _made_by(body, pool, POOLS)
            and not _made_by(body, pool, waits)
        ):
            yield Habit("dropped", None, f"{name}(…) {UNASKED[name]}", sure, place(node, body))


def _overridden(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``vars(args).update(…)``: what was given on the command line is set again; and a process nobody waits for."""
    updated = receiver(node, ("update",))
    if updated is not None:
        base = evaluator.value(updated, body)
        if isinstance(base, v.Space) and base.mapping:
            for text in _keys(node):
                yield Habit("overridden", text, ast.unparse(node.func), sure, place(node, body))
    name = evaluator.called(node, body)
    if name == "atexit.register" and node.args:
        yield from ends_well(evaluator, body, node.args[0], "atexit", sure)
    yield from unchecked(evaluator, body, node, sure)


def _keys(update: ast.Call) -> list[Text | None]:
    """The arguments that an ``update(…)`` sets, each by its name; None where they are not all written there."""
    given = update.args[0] if update.args else ast.Dict([], [])
    if not isinstance(given, ast.Dict):
        return [None]
    names = [key and string(key) for key in given.keys] + [each.arg for each in update.keywords]
    return [Text((ArgPart(name),)) if name else None for name in names]


def _made_by(body: Body, node: ast.expr, names: Collection[str]) -> bool:
    """True for a name that is set to a call of one of ``names``."""
    made = [binding.node for binding in body.bindings.get(bare_name(node), [])]
    return any(isinstance(one, ast.Call) and last_name(one.func) in names for one in made)


def _overwritten(evaluator: Evaluator, body: Body, node: ast.Assign, sure: bool) -> Iterator[Habit]:
    """``args.epochs = 1`` after parsing, on every run of a body."""
    for target in node.targets if sets_constant(body.owner, node) else ():
        if isinstance(target, ast.Attribute) and isinstance(evaluator.value(target.value, body), v.Space):
            yield Habit("overwritten", None, target.attr, sure, place(node, body))


def _if(evaluator: Evaluator, body: Body, node: ast.If, sure: bool) -> Iterator[Habit]:
    if FUTURE.fullmatch(ast.unparse(node.test)) and not node.orelse:
        yield Habit("dropped", None, f"if {ast.unparse(node.test)} without else", sure, place(node, body))
    yield from only_told(body, node, sure)
    yield from truth(evaluator, body, node.test, sure)


def _test(evaluator: Evaluator, body: Body, node: ast.While | ast.IfExp, sure: bool) -> Iterator[Habit]:
    return truth(evaluator, body, node.test, sure)


def _not(evaluator: Evaluator, body: Body, node: ast.UnaryOp, sure: bool) -> Iterator[Habit]:
    if isinstance(node.op, ast.Not):
        yield from truth(evaluator, body, node.operand, sure)


def _or(evaluator: Evaluator, body: Body, node: ast.BoolOp, sure: bool) -> Iterator[Habit]:
    if isinstance(node.op, ast.Or) and isinstance(node.values[-1], ast.Constant):
        yield from about(evaluator, body, node.values[0], "or-default", repr(node.values[-1].value), sure)


def _operation(evaluator: Evaluator, body: Body, node: ast.BinOp, sure: bool) -> Iterator[Habit]:
    yield from arithmetic(evaluator, body, node, sure)
    joins = isinstance(node.op, ast.Div)
    yield from _first_dropped(evaluator, body, node, [node.left, node.right], joins, sure)


def _part(evaluator: Evaluator, body: Body, node: ast.Subscript, sure: bool) -> Iterator[Habit]:
    """``text[0]`` and ``text[:2]``, which give characters of what was meant for a list."""
    if not isinstance(node.ctx, ast.Load):
        return
    index = node.slice.value if isinstance(node.slice, ast.Constant) else None
    if isinstance(node.slice, ast.Slice) or isinstance(index, int):
        yield from json_text(evaluator, body, node.value, "[…]", sure)
    if isinstance(index, int):
        yield from about(evaluator, body, node.value, "text-iter", f"[{index!r}]", sure)
        yield from channel_by_place(evaluator, body, node, sure)


def _loop(evaluator: Evaluator, body: Body, node: ast.For | ast.comprehension, sure: bool) -> Iterator[Habit]:
    yield from about(evaluator, body, node.iter, "text-iter", "for", sure)
    yield from json_text(evaluator, body, node.iter, "for", sure)


def _expression(evaluator: Evaluator, body: Body, node: ast.Expr, sure: bool) -> Iterator[Habit]:
    yield from unwatched(evaluator, body, node, sure)
    yield from _statement(evaluator, body, node, sure)


def _assigned(evaluator: Evaluator, body: Body, node: ast.Assign, sure: bool) -> Iterator[Habit]:
    found = list(unchecked(evaluator, body, node.value, sure)) if isinstance(node.value, ast.Call) else []
    yield from found if found and only_shown(body, node.targets[0]) else ()
    yield from _overwritten(evaluator, body, node, sure)
    yield from unused_status(evaluator, body, node, sure)
    yield from unasked_futures(body, node, evaluator.mentioned, sure)
    if ast.unparse(node.targets[0]) == "sys.excepthook":
        yield from ends_well(evaluator, body, node.value, "sys.excepthook", sure)


LOOKS: dict[type[ast.AST], Callable[[Evaluator, Body, Any, bool], Iterator[Habit]]] = {
    ast.If: _if,
    ast.While: _test,
    ast.IfExp: _test,
    ast.UnaryOp: _not,
    ast.BoolOp: _or,
    ast.BinOp: _operation,
    ast.Compare: compared,
    ast.Call: _call,
    ast.Subscript: _part,
    ast.For: _loop,
    ast.comprehension: _loop,
    ast.Expr: _expression,
    ast.With: suppressed,
    ast.AsyncWith: suppressed,
    ast.Try: quiet_try,
    ast.Assign: _assigned,
}
"""What is looked for in a node, by its type."""

"""What a script does with values, that runs without an error and does something else than it says.

Each finding of this reading is a ``Habit``: its kind, the value it is about and its place. What a request makes of
it is up to the rules.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator

from cursus.script.ends.endings import (
    ends_well,
    gives_status,
    only_shown,
    only_told,
    unasked_futures,
    unused_status,
    unwatched,
)
from cursus.script.ends.exits import NOTES, TRAINING_WORDS, at_top
from cursus.script.ends.programs import shell_command, unchecked, unread_status
from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import ArgPart, EnvPart, Habit, Text
from cursus.script.hyperparameters.arguments import PARSES
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
    caught,
    ends_with_zero,
    everything_given,
    is_call,
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
WHOLE = frozenset({"vars", "__dict__", "_get_kwargs", "asdict", "getattr", "locals", "globals"})
QUIET = NOTES | {"repr", "type"}
TESTS = frozenset({"bool", "len", "isinstance", "any", "all", "filter", "str"})

Reached = Iterable[tuple[Body, bool]]


def read_habits(evaluator: Evaluator, reached: Reached) -> tuple[Habit, ...]:
    """Everything of this kind in the bodies that run."""
    found: list[Habit] = []
    for body, sure in reached:
        for node in body.nodes:
            found.extend(_node(evaluator, body, node, sure))
        found.extend(quoted(evaluator, body, sure))
    return tuple(dict.fromkeys(found))


def _node(evaluator: Evaluator, body: Body, node: ast.AST, sure: bool) -> Iterator[Habit]:
    yield from _tested(evaluator, body, node, sure)
    if isinstance(node, ast.If) and FUTURE.fullmatch(ast.unparse(node.test)) and not node.orelse:
        yield Habit("dropped", None, f"if {ast.unparse(node.test)} without else", sure, place(node, body))
    if isinstance(node, ast.If):
        yield from only_told(body, node, sure)
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield from truth(evaluator, body, node.test, sure)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from truth(evaluator, body, node.operand, sure)
    elif isinstance(node, ast.BinOp):
        yield from arithmetic(evaluator, body, node, sure)
        yield from _first_dropped(
            evaluator, body, node, [node.left, node.right], isinstance(node.op, ast.Div), sure
        )
    elif (
        isinstance(node, ast.BoolOp)
        and isinstance(node.op, ast.Or)
        and isinstance(node.values[-1], ast.Constant)
    ):
        yield from about(evaluator, body, node.values[0], "or-default", repr(node.values[-1].value), sure)
    elif isinstance(node, ast.Compare):
        yield from compared(evaluator, body, node, sure)
    elif isinstance(node, ast.Call):
        yield from _call(evaluator, body, node, sure)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        if isinstance(node.slice, ast.Slice) or (
            isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int)
        ):
            yield from json_text(evaluator, body, node.value, "[…]", sure)
            if isinstance(node.slice, ast.Constant):
                yield from about(evaluator, body, node.value, "text-iter", f"[{node.slice.value!r}]", sure)
                yield from channel_by_place(evaluator, body, node, sure)
    elif isinstance(node, (ast.For, ast.comprehension)):
        yield from about(evaluator, body, node.iter, "text-iter", "for", sure)
        yield from json_text(evaluator, body, node.iter, "for", sure)
    elif isinstance(node, ast.Expr):
        yield from unwatched(evaluator, body, node, sure)
        yield from _statement(evaluator, body, node, sure)
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        for item in node.items:
            if _suppresses(item.context_expr) and _trains(evaluator, body, node.body):
                yield Habit("dropped", None, "suppress(Exception)", sure, place(node, body))
    elif isinstance(node, ast.Try):
        yield from _finally(evaluator, body, node, sure)
    elif isinstance(node, ast.Assign):
        found = list(unchecked(evaluator, body, node.value, sure)) if isinstance(node.value, ast.Call) else []
        yield from found if found and only_shown(body, node.targets[0]) else ()
        yield from _overwritten(evaluator, body, node, sure)
        yield from unused_status(evaluator, body, node, sure)
        yield from unasked_futures(body, node, evaluator.mentioned, sure)
        if ast.unparse(node.targets[0]) == "sys.excepthook":
            yield from ends_well(evaluator, body, node.value, "sys.excepthook", sure)


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


# -- calls ------------------------------------------------------------------------------------------


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


def _statement(evaluator: Evaluator, body: Body, node: ast.Expr, sure: bool) -> Iterator[Habit]:
    """A statement that is an expression alone: a function that is only named, a generator that is only made."""
    value = node.value
    if isinstance(value, ast.Name):
        if isinstance(evaluator.value(value, body), v.Func):
            yield Habit("only-named", None, value.id, sure, place(node, body))
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
            elif isinstance(owner, ast.FunctionDef) and not owner.decorator_list and _yields(callee.body):
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


def _yields(body: Body) -> bool:
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in body.nodes)


def _made_by(body: Body, node: ast.expr, names: Collection[str]) -> bool:
    """True for a name that is set to a call of one of ``names``."""
    made = [binding.node for binding in body.bindings.get(bare_name(node), [])]
    return any(isinstance(one, ast.Call) and last_name(one.func) in names for one in made)


# -- errors -----------------------------------------------------------------------------------------


def _suppresses(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and last_name(node.func) == "suppress"
        and any(bare_name(given) in ("Exception", "BaseException") for given in node.args)
    )


WORK = (*TRAINING_WORDS, "dump", "save", "open", "read", "write", "backward", "step")
"""What calls are named after that do a part of a job's work."""


def _trains(evaluator: Evaluator, body: Body, statements: list[ast.stmt]) -> bool:
    """True where a function with a training name is called, or by the script's main part one of the source.

    What a module calls above the functions that it defines only gets them something.
    """
    inside = body.owner.body if at_top(body) and not isinstance(body.owner, ast.Lambda) else []
    last = max((each.lineno for each in inside if isinstance(each, ast.FunctionDef)), default=0)
    for statement in statements:
        for node in ast.walk(statement):
            if not isinstance(node, ast.Call):
                continue
            if _named_after(node, TRAINING_WORDS):
                return True
            callee = evaluator.value(node.func, body) if at_top(body) and statement.lineno > last else None
            if isinstance(callee, v.Func) and _works(evaluator, callee.body):
                return True
    return False


def _named_after(call: ast.Call, words: tuple[str, ...]) -> bool:
    plain = last_name(call.func).lower().strip("_")
    return any(plain == word or plain.startswith(word + "_") for word in words)


def _works(evaluator: Evaluator, function: Body) -> bool:
    """True for a function of the source that trains, or opens or saves a file, or that calls one that does.

    What only sets up a log, draws or asks a service may fail: the training goes on as well without it.
    """
    waiting, seen = [function], {id(function)}
    while waiting:
        body = waiting.pop()
        for node in body.nodes:
            if not isinstance(node, ast.Call):
                continue
            if _named_after(node, WORK):
                return True
            callee = evaluator.value(node.func, body)
            if isinstance(callee, v.Func) and id(callee.body) not in seen:
                seen.add(id(callee.body))
                waiting.append(callee.body)
    return False


def _finally(evaluator: Evaluator, body: Body, node: ast.Try, sure: bool) -> Iterator[Habit]:
    """``return`` or an exit with 0 in ``finally``: whatever was raised is dropped."""
    trains = _trains(evaluator, body, node.body)
    for statement in node.finalbody:
        if isinstance(statement, ast.Return):
            kind = "dropped" if trains or any(word in body.name for word in TRAINING_WORDS) else "returned"
            yield Habit(kind, None, "return in finally", sure, place(statement, body))
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            name = ast.unparse(statement.value.func)
            if name in ("sys.exit", "exit", "quit", "os._exit") and ends_with_zero(statement.value):
                yield Habit("dropped", None, f"{name}() in finally", sure, place(statement, body))
    if node.handlers and trains:
        for handler in node.handlers:
            if _named_and_quiet(handler):
                kind = ast.unparse(handler.type) if handler.type is not None else "every error"
                yield Habit("quiet-handler", None, kind, sure, place(handler, body))


SERIOUS = frozenset(
    {
        "RuntimeError",
        "MemoryError",
        "ArithmeticError",
        "FloatingPointError",
        "AssertionError",
        "ZeroDivisionError",
    }
)


REPLACED = frozenset(
    {"ValueError", "TypeError", "KeyError", "IndexError", "OSError", "IOError", "FileNotFoundError"}
)


def _named_and_quiet(handler: ast.ExceptHandler) -> bool:
    """True for a handler of errors that training raises, which only prints, logs, notes or passes."""
    names = caught(handler)
    replaces = any(
        isinstance(statement, ast.Assign) and isinstance(statement.value, (ast.Constant, ast.List, ast.Dict))
        for statement in handler.body
    )
    if not names & (SERIOUS | {"Exception", "BaseException"}) and not (names & REPLACED and replaces):
        return False
    for statement in handler.body:
        for node in ast.walk(statement):
            if isinstance(node, (ast.Raise, ast.Return, ast.Continue, ast.Break)):
                return False
            if isinstance(node, ast.Call) and last_name(node.func) not in QUIET:
                return False
    return True


# -- arguments --------------------------------------------------------------------------------------


def _overwritten(evaluator: Evaluator, body: Body, node: ast.Assign, sure: bool) -> Iterator[Habit]:
    """``args.epochs = 1`` after parsing, on every run of a body."""
    for target in node.targets if sets_constant(body.owner, node) else ():
        if isinstance(target, ast.Attribute) and isinstance(evaluator.value(target.value, body), v.Space):
            yield Habit("overwritten", None, target.attr, sure, place(node, body))


def _parses(node: ast.expr | None, functions: Collection[str]) -> bool:
    """True for a call that parses the command line, or of one of the ``functions`` that return what was parsed."""
    if not isinstance(node, ast.Call):
        return False
    return receiver(node, PARSES) is not None or bare_name(node.func) in functions


def unread_arguments(modules: Iterable[Body], declared: Iterable[str]) -> frozenset[str]:
    """Those of ``declared`` that no attribute, key or text of the source names, where the parsed arguments are
    never handed on as a whole."""
    spaces: set[str] = set()
    read: set[str] = set()
    nodes = [node for body in modules for node in body.all_nodes]
    parsing = {
        node.name
        for node in nodes
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(one, ast.Return) and _parses(one.value, frozenset()) for one in ast.walk(node))
    }
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _parses(node.value, parsing):
            target = node.targets[0]
            first = target.elts[0] if isinstance(target, (ast.Tuple, ast.List)) and target.elts else target
            if isinstance(first, ast.Name):
                spaces.add(first.id)
    if not spaces:
        return frozenset()
    looking = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    looking.add("print")
    bases: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Attribute):
            if node.attr in WHOLE:
                return frozenset()
            if isinstance(node.ctx, ast.Load):
                read.add(node.attr)
            bases.add(id(node.value))
        elif isinstance(node, ast.Return) and node.value is not None:
            bases.add(id(node.value))
        elif isinstance(node, ast.Call) and bare_name(node.func) in looking:
            bases.update(map(id, everything_given(node)))
    for node in nodes:
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        if node.id in WHOLE or (node.id in spaces and id(node) not in bases):
            return frozenset()
    return frozenset(name for name in declared if name not in read)


def ordered(modules: Iterable[Body]) -> Iterator[Habit]:
    """Actions of argparse that set other arguments than their own without a look at them: the order matters."""
    for body in modules:
        for node in body.all_nodes:
            if not isinstance(node, ast.ClassDef) or not any(
                "Action" in ast.unparse(base) for base in node.bases
            ):
                continue
            asked = {
                id(one)
                for test in ast.walk(node)
                if isinstance(test, ast.If) and any(is_call(part, "getattr") for part in ast.walk(test.test))
                for one in ast.walk(test)
            }
            for inner in ast.walk(node):
                if (
                    is_call(inner, "setattr")
                    and id(inner) not in asked
                    and len(inner.args) == 3
                    and "dest" not in ast.unparse(inner.args[1])
                ):
                    yield Habit("ordered", None, node.name, True, place(inner, body))
                    break

"""Errors of the training that a ``with``, a ``finally`` or a handler of their kind lets go."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from cursus.script.ends.exits import NOTES, TRAINING_WORDS, at_top
from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import bare_name, caught, ends_with_zero, last_name

QUIET = NOTES | {"repr", "type"}


def suppressed(
    evaluator: Evaluator, body: Body, node: ast.With | ast.AsyncWith, sure: bool
) -> Iterator[Habit]:
    """``with suppress(Exception)`` around the training."""
    for item in node.items:
        if _suppresses(item.context_expr) and _trains(evaluator, body, node.body):
            yield Habit("dropped", None, "suppress(Exception)", sure, place(node, body))


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


def quiet_try(evaluator: Evaluator, body: Body, node: ast.Try, sure: bool) -> Iterator[Habit]:
    """``return`` or an exit with 0 in ``finally``, and handlers that only tell of what was raised."""
    trains = _trains(evaluator, body, node.body)
    for statement in node.finalbody:
        if isinstance(statement, ast.Return):
            kind = "dropped" if trains or any(word in body.name for word in TRAINING_WORDS) else "returned"
            yield Habit(kind, None, "return in finally", sure, place(statement, body))
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            name = ast.unparse(statement.value.func)
            if name not in ("sys.exit", "exit", "quit", "os._exit"):
                continue
            if not ends_with_zero(statement.value):
                return  # with what the handler noted, it may be
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

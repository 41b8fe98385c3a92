"""How an error gets lost on its way to the script's status: in a shell, a process, a hook, a value that nobody uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from cursus.script import values as v
from cursus.script.bodies import Body, place
from cursus.script.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.nodes import ends_with_zero, last_name, receiver, word
from cursus.script.shell import lost_statuses


def shell_command(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``os.system("python fit.py | tee log")``: the shell drops the status before anyone can look at it."""
    if not node.args or not evaluator.called(node, body).startswith(("os.system", "subprocess.")):
        return
    given = evaluator.value(node.args[0], body)
    text = (
        "".join(part if isinstance(part, str) else "x" for part in given.parts)
        if isinstance(given, Text)
        else ""
    )
    for lost in lost_statuses(text) if "|" in text or "&" in text or ";" in text else ():
        yield Habit("dropped", None, f"in {text[:60]!r} {lost.how}: the shell", sure, place(node, body))


def ends_well(evaluator: Evaluator, body: Body, given: ast.expr, hook: str, sure: bool) -> Iterator[Habit]:
    """A hook for errors, or for the end, that ends the script with status 0 whatever came up."""
    hooked = evaluator.value(given, body)
    for node in ast.walk(hooked.body.owner) if isinstance(hooked, v.Func) else ():
        name = ast.unparse(node.func) if isinstance(node, ast.Call) and ends_with_zero(node) else ""
        if name == "os._exit" or (name == "sys.exit" and hook == "sys.excepthook"):
            told = f"{ast.unparse(node)} in the function of {hook}"
            yield Habit("dropped", None, told, sure, place(node, body))


def unwatched(evaluator: Evaluator, body: Body, node: ast.Expr, sure: bool) -> Iterator[Habit]:
    """``process.start()`` of a ``multiprocessing.Process`` of the source's own whose exit code nobody looks at."""
    if receiver(node.value, ("start",)) is None or "exitcode" in evaluator.mentioned:
        return
    calls = [one for one in body.nodes if isinstance(one, ast.Call)]
    awaits = any(receiver(one, ("get", "recv")) is not None and not one.args for one in calls)
    if awaits and "empty" not in evaluator.mentioned:
        return  # it waits for what the process sends, and so for one that failed
    targets = [word(one, "target") for one in calls if last_name(one.func).endswith("Process")]
    if any(one is not None and isinstance(evaluator.value(one, body), v.Func) for one in targets):
        yield Habit("dropped", None, "a Process whose exitcode nobody reads", sure, place(node, body))


def gives_status(body: Body) -> bool:
    """True for a function that returns 0 or nothing where all is well, and 1 to 255 elsewhere."""
    given = [getattr(value, "value", value) for value, _ in body.returns]
    numbers = [one for one in given if type(one) is int]
    return (
        len(numbers) == len(given)
        and any(0 < one < 256 for one in numbers)
        and any(one == 0 for one in numbers)
    )


def unused_status(evaluator: Evaluator, body: Body, node: ast.Assign, sure: bool) -> Iterator[Habit]:
    """``code = main()``, where nothing reads ``code``."""
    target, call = node.targets[0], node.value
    if not isinstance(target, ast.Name) or not isinstance(call, ast.Call):
        return
    callee = evaluator.value(call.func, body)
    if not isinstance(callee, v.Func) or not gives_status(callee.body):
        return
    if not any(
        isinstance(one, ast.Name) and one.id == target.id and isinstance(one.ctx, ast.Load)
        for one in ast.walk(body.owner)
    ):
        told = f"{callee.body.name}() gives a status that nobody uses, which"
        yield Habit("dropped", None, told, sure, place(node, body))

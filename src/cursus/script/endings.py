"""How an error gets lost on its way to the script's status: in a shell, a process, a hook, a value that nobody uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from cursus.script import values as v
from cursus.script.arguments import place
from cursus.script.bodies import Body
from cursus.script.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.shell import lost_statuses
from cursus.script.texts import own_nodes


def shell_command(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``os.system("python fit.py | tee log")``: the shell drops the status before anyone can look at it."""
    callee = evaluator.value(node.func, body) if node.args else v.UNKNOWN
    if not isinstance(callee, v.Ref) or not callee.name.startswith(("os.system", "subprocess.")):
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
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os._exit", "sys.exit"):
            zero = not node.args or (
                isinstance(node.args[0], ast.Constant) and node.args[0].value in (0, None)
            )
            if zero and (hook == "sys.excepthook" or ast.unparse(node.func) == "os._exit"):
                yield Habit(
                    "dropped", None, f"{ast.unparse(node)} in the function of {hook}", sure, place(node, body)
                )


def unwatched(evaluator: Evaluator, body: Body, node: ast.Expr, sure: bool) -> Iterator[Habit]:
    """``process.start()`` of a ``multiprocessing.Process`` of the source's own whose exit code nobody looks at."""
    func = node.value.func if isinstance(node.value, ast.Call) else None
    if not isinstance(func, ast.Attribute) or func.attr != "start" or "exitcode" in evaluator.mentioned:
        return
    calls = [one for one in own_nodes(body) if isinstance(one, ast.Call)]
    awaits = any(getattr(one.func, "attr", "") in ("get", "recv") and not one.args for one in calls)
    if awaits and "empty" not in evaluator.mentioned:
        return  # it waits for what the process sends, and so for one that failed
    made = [one for one in calls if ast.unparse(one.func).endswith("Process")]
    if any(
        word.arg == "target" and isinstance(evaluator.value(word.value, body), v.Func)
        for one in made
        for word in one.keywords
    ):
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

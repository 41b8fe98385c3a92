"""What a script does when it is told to end: ``deaf-handler``, a handler of SIGTERM that comes to nothing.

It only prints or ignores the signal, sets what nothing reads, ends the script where a handler of errors catches that,
or is set when the training is over. ``detail`` is how the message goes on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import islice

from cursus.script.ends.exits import TRAINING_WORDS, works
from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import EXITS, FUNCTIONS, TELLS, bare_name, caught, last_name

MOST = 10
"""Handlers of one source that are looked at."""
SETS = frozenset({"signal.signal", "signal"})
GOES_ON = "the script goes on until it is killed"
DEEPEST = 3
"""Functions one in another that are followed to who calls them."""


def read_signals(
    evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]], modules: Iterable[Body]
) -> Iterator[Habit]:
    """Everything of this kind in what runs."""
    bodies = list(modules)
    sites = (site for site, _ in calls if len(site.node.args) == 2 and ast.unparse(site.node.func) in SETS)
    for site in islice((one for one in sites if "SIGTERM" in ast.unparse(one.node.args[0])), MOST):
        node, body = site.node, site.body
        told = _comes_to_nothing(evaluator, node.args[1], body, bodies) or _too_late(evaluator, site)
        if told:
            yield Habit("deaf-handler", None, told, True, place(node, body))


def _comes_to_nothing(evaluator: Evaluator, handler: ast.expr, body: Body, bodies: list[Body]) -> str:
    """Why a handler saves nothing and ends nothing; empty where it does either."""
    name = ast.unparse(handler)[:80]
    deaf = f"saves nothing and ends nothing: {GOES_ON}"
    if name.rpartition(".")[2] == "SIG_IGN":
        return f", {name}, {deaf}"
    found = evaluator.value(handler, body)
    made = found.body.owner if isinstance(found, v.Func) else handler
    does = made.body if isinstance(made, ast.FunctionDef) else []
    if isinstance(made, ast.Lambda):
        does = [ast.Expr(made.body)]
    outer = {one for step in does if isinstance(step, (ast.Global, ast.Nonlocal)) for one in step.names}
    if does and all(_tells(one, outer) for one in does):
        alone = [bare_name(one.targets[0]) for one in does if isinstance(one, ast.Assign)]
        return f", {name}{f', which sets {alone[0]} for itself alone' if alone else ''}, {deaf}"
    scope = found.body if isinstance(found, v.Func) else body
    flags = [_flag(evaluator, one, outer, scope) for one in does if not _tells(one, outer)]
    if flags and all(flags):
        read = {flag: _read(evaluator, flag, bodies) for flag in flags}
        if not any(read.values()):
            return f", {name}, sets {flags[0]}, which nothing reads: {GOES_ON}"
        if all(how == "once" for how in read.values() if how):
            return f", {name}, sets {flags[0]}, whose value is handed on before the signal comes: {GOES_ON}"
    if _ends(does) and (kept := _caught_in_a_loop(evaluator)):
        return f", {name}, ends the script, and the handler of errors in line {kept} catches that: {GOES_ON}"
    return ""


def _tells(statement: ast.stmt, outer: set[str]) -> bool:
    """True for what has no effect but a line: a name that is set in the handler alone has none either."""
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
        return all(isinstance(target, ast.Name) and target.id not in outer for target in statement.targets)
    if not isinstance(statement, ast.Expr):
        return isinstance(statement, (ast.Pass, ast.Global, ast.Nonlocal))
    value = statement.value
    if not isinstance(value, ast.Call):
        return isinstance(value, ast.Constant)
    return last_name(value.func) in TELLS | {"flush"}


def _flag(evaluator: Evaluator, statement: ast.stmt, outer: set[str], body: Body) -> str:
    """The attribute or outer name that a statement sets to a constant; empty for any other statement.

    What a library's object is told (``trainer.should_stop``) the library reads.
    """
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Constant):
        return ""
    if not isinstance(target, ast.Attribute):
        return bare_name(target) if outer else ""
    holder = evaluator.value(target.value, body)
    owner = holder.body.owner if isinstance(holder, v.Instance) else None
    bases = (
        [one for one in owner.bases if bare_name(one) != "object"] if isinstance(owner, ast.ClassDef) else []
    )
    own = isinstance(holder, v.Instance) and len(evaluator.classes_above(holder.body)) == len(bases)
    return f".{target.attr}" if own else ""


def _read(evaluator: Evaluator, flag: str, bodies: list[Body]) -> str:
    """How the source reads a flag: ``once``, where it hands its value on outside of loops alone; or not at all."""
    how = ""
    for body in bodies:
        for node in body.all_nodes:
            written = f".{node.attr}" if isinstance(node, ast.Attribute) else bare_name(node)
            if written != flag or not isinstance(getattr(node, "ctx", None), ast.Load):
                continue
            above = body.above(node)
            handed = isinstance(above[-2], (ast.Call, ast.keyword)) if len(above) > 1 else False
            if isinstance(node, ast.Name) or not handed or not _once(evaluator, above):
                return "again"
            how = "once"
    return how


def _once(evaluator: Evaluator, above: list[ast.AST], depth: int = 0) -> bool:
    """True for a place that a run comes to once: in no loop, and in a function of one call that is in none either."""
    if any(isinstance(one, (ast.For, ast.While, ast.Lambda)) for one in above) or depth > DEEPEST:
        return False
    around = next((one for one in reversed(above) if isinstance(one, FUNCTIONS)), None)
    if around is None:
        return True
    sites = evaluator.sites.get(id(around), [])
    site = sites[0][0] if len(sites) == 1 else None
    return site is not None and _once(evaluator, site.body.top.above(site.node), depth + 1)


def _ends(does: list[ast.stmt]) -> bool:
    last = does[-1] if does else None
    if isinstance(last, ast.Raise):
        return True
    call = last.value if isinstance(last, ast.Expr) else None
    return isinstance(call, ast.Call) and last_name(call.func) in EXITS - {"_exit", "abort"}


def _caught_in_a_loop(evaluator: Evaluator) -> int | None:
    """The line of a handler that catches what ends a script, in a loop that goes on."""
    for body in evaluator.bodies:
        for attempt, _ in body.tries:
            for handler in attempt.handlers:
                steps = [one for step in handler.body for one in ast.walk(step)]
                leaves = any(
                    isinstance(one, (ast.Raise, ast.Return, ast.Break))
                    or (isinstance(one, ast.Call) and last_name(one.func) in EXITS)
                    for one in steps
                )
                looped = body.orders.get(id(attempt), (0, ()))[1]
                if (
                    looped
                    and not leaves
                    and works(body, attempt.body)
                    and caught(handler) & {"BaseException", "SystemExit"}
                ):
                    return handler.lineno
    return None


def _too_late(evaluator: Evaluator, site: CallSite, depth: int = 0) -> str:
    """Says so where a handler is set when the training is over."""
    before = [one for one in site.body.calls if _trains(evaluator, one) and not one.tests]
    orders = site.body.orders
    # What is done again and again behind the handler may be the training, and the call before it a small step.
    works_on = any(one.order > site.order and orders.get(id(one.node), (0, ()))[1] for one in site.body.calls)
    if before and not works_on and all(one.order < site.order for one in before):
        return (
            f" is set when {last_name(before[0].node.func)}() is over: until then the signal ends the script"
        )
    callers = evaluator.sites.get(id(site.body.owner), [])
    return _too_late(evaluator, callers[0][0], depth + 1) if len(callers) == 1 and depth < DEEPEST else ""


def _trains(evaluator: Evaluator, site: CallSite) -> bool:
    name = last_name(site.node.func).lower().strip("_")
    words = [word for word in TRAINING_WORDS if word != "main"]
    named = any(name == word or name.startswith(word + "_") or name.endswith("_" + word) for word in words)
    return named and isinstance(evaluator.value(site.node.func, site.body), v.Func)

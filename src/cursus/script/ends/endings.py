"""How an error gets lost on its way to the script's status: in a shell, a process, a hook, a value that nobody uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cursus.script.ends.exits import BROAD, TRAINING_WORDS, works
from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, names, place
from cursus.script.syntax.nodes import (
    EXITS,
    TELLS,
    bare_name,
    caught,
    ends_with_zero,
    last_name,
    receiver,
    word,
)

STARTS = frozenset(
    {"Popen", "run", "call", "system", "Process", "create_subprocess_exec", "create_subprocess_shell"}
)
MOST = 20
"""Threads and processes of one function that are looked at."""
STATUS = re.compile(
    r"(?P<status>[\w.]+\.(?:returncode|exitcode|poll\(\)|wait\(\))|\w*(?:return_?code|exit_?(?:code|status))|ret|rc|status)"
    r" (?:!=|>) 0"
)


def ends_well(evaluator: Evaluator, body: Body, given: ast.expr, hook: str, sure: bool) -> Iterator[Habit]:
    """A hook for errors, or for the end, that ends the script with status 0 whatever came up."""
    hooked = evaluator.value(given, body)
    for node in ast.walk(hooked.body.owner) if isinstance(hooked, v.Func) else ():
        name = ast.unparse(node.func) if isinstance(node, ast.Call) and ends_with_zero(node) else ""
        if name == "os._exit" or (name == "sys.exit" and hook == "sys.excepthook"):
            told = f"{ast.unparse(node)} in the function of {hook}"
            yield Habit("dropped", None, told, sure, place(node, body))


@dataclass(frozen=True, slots=True)
class Started:
    """What a body gives the first ``MOST`` threads and processes to do, and whether it waits for what one sends."""

    threads: list[ast.expr]
    processes: list[ast.expr]
    awaits: bool


def _started(body: Body) -> Started:
    calls = [one for one in body.nodes if isinstance(one, ast.Call)]
    given = [(last_name(one.func), target) for one in calls if (target := word(one, "target")) is not None]
    return Started(
        [target for name, target in given if name == "Thread"][:MOST],
        [target for name, target in given if name.endswith("Process")][:MOST],
        any(receiver(one, ("get", "recv")) is not None and not one.args for one in calls),
    )


def unwatched(evaluator: Evaluator, body: Body, node: ast.Expr, sure: bool) -> Iterator[Habit]:
    """``process.start()`` of a ``multiprocessing.Process`` of the source's own whose exit code nobody looks at."""
    if receiver(node.value, ("start",)) is None:
        return
    started = body.once(_started)
    yield from _in_a_thread(evaluator, body, node, started.threads, sure)
    yield from _own_thread(evaluator, body, node, sure)
    if "exitcode" in evaluator.mentioned:
        return
    if started.awaits and "empty" not in evaluator.mentioned:
        return  # it waits for what the process sends, and so for one that failed
    if any(isinstance(evaluator.value(one, body), v.Func) for one in started.processes):
        yield Habit("dropped", None, "a Process whose exitcode nobody reads", sure, place(node, body))


def _own_thread(evaluator: Evaluator, body: Body, node: ast.Expr, sure: bool) -> Iterator[Habit]:
    """``worker.start()`` of a class below Thread, whose ``run`` works and catches nothing."""
    base = receiver(node.value, ("start",))
    made = (
        evaluator.value(base, body) if base is not None and "excepthook" not in evaluator.mentioned else None
    )
    owner = made.body.owner if isinstance(made, v.Instance) else None
    if not isinstance(made, v.Instance) or not isinstance(owner, ast.ClassDef):
        return
    threads = (evaluator.value(one, made.body.parent or made.body) for one in owner.bases)
    run = next((one for one in made.body.defined.values() if one.name == "run"), None)
    thread = v.Ref("threading.Thread") in threads and run is not None and not run.tries
    if thread and run is not None and works(run, getattr(run.owner, "body", [])):
        yield Habit("dropped", None, f"{made.body.name}.run(), in a Thread,", sure, place(node, body))


def _in_a_thread(
    evaluator: Evaluator, body: Body, node: ast.Expr, targets: list[ast.expr], sure: bool
) -> Iterator[Habit]:
    """``thread.start()`` of a training: what is raised there is printed, and the script goes on."""
    for one in targets if "excepthook" not in evaluator.mentioned else ():
        target = evaluator.value(one, body)
        if (
            isinstance(target, v.Func)
            and target.body.name.startswith(TRAINING_WORDS)
            and not target.body.tries
        ):
            yield Habit("dropped", None, f"a Thread of {target.body.name}()", sure, place(node, body))
            return


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
    if not any(isinstance(one.ctx, ast.Load) for one in body.once(names)[target.id]):
        told = f"{callee.body.name}() gives a status that nobody uses, which"
        yield Habit("dropped", None, told, sure, place(node, body))


def unasked_futures(body: Body, node: ast.Assign, mentioned: frozenset[str], sure: bool) -> Iterator[Habit]:
    """``futures = [pool.submit(work, part) for part in parts]``, of which nobody asks for a result."""
    made, name = node.value, bare_name(node.targets[0])
    call = made.elt if isinstance(made, (ast.ListComp, ast.SetComp)) else made
    call = made.key if isinstance(made, ast.DictComp) else call
    if (
        receiver(call, ("submit",)) is None
        or not name
        or mentioned & {"result", "exception", "add_done_callback"}
    ):
        return
    if body.once(_waits) or all(isinstance(one.ctx, ast.Store) for one in body.once(names)[name]):
        yield Habit("dropped", None, "submit(…) whose result() nobody asks for", sure, place(node, body))


def _waits(body: Body) -> bool:
    return any(
        isinstance(one, ast.Call) and last_name(one.func) in ("wait", "as_completed") for one in body.nodes
    )


def only_told(body: Body, node: ast.If, sure: bool) -> Iterator[Habit]:
    """``if process.returncode != 0: logger.error(…)``, after which the script goes on as if nothing had happened."""
    found = STATUS.fullmatch(ast.unparse(node.test))
    if found is None or node.orelse or not all(map(_tells, node.body)):
        return
    started, last = body.once(_last_lines)
    base, end = found["status"].partition(".")[0], node.end_lineno or 0
    if started and last.get(base, 0) <= end and last.get("raise", 0) <= end:
        yield Habit("dropped", None, f"a look at {found['status']} that only prints", sure, place(node, body))


def _last_lines(body: Body) -> tuple[bool, dict[str, int]]:
    """Whether a body starts anything, and the last line of each name in it; ``raise`` is there too."""
    last: dict[str, int] = {}
    for one in body.nodes:
        if isinstance(one, (ast.Name, ast.Raise)):
            name = bare_name(one) or "raise"
            last[name] = max(one.lineno, last.get(name, 0))
    return any(isinstance(one, ast.Call) and last_name(one.func) in STARTS for one in body.nodes), last


def only_shown(body: Body, target: ast.expr) -> bool:
    """True for a name that is read where it is printed, and nowhere else."""
    name, shown = bare_name(target), body.once(_shown)
    reads = body.once(names).get(name, ())
    return bool(name) and all(isinstance(one.ctx, ast.Store) or id(one) in shown for one in reads)


def _shown(body: Body) -> set[int]:
    told = [step for step in body.nodes if isinstance(step, ast.Expr) and _tells(step)]
    return {id(one) for step in told for one in ast.walk(step)}


def _tells(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(statement, ast.Pass) or (isinstance(call, ast.Call) and last_name(call.func) in TELLS)


def swallowing_contexts(modules: Iterable[Body]) -> Iterator[Habit]:
    """``with Timer(): …`` of a class whose ``__exit__`` says of every error that it is dealt with."""
    bodies = list(modules)
    drops = {
        node.name
        for body in bodies
        for node in body.all_nodes
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__exit__"
        if _drops_errors(method)
    }
    held = {
        node.name
        for body in bodies
        for node in body.all_nodes
        if isinstance(node, ast.FunctionDef)
        and any(last_name(one) == "contextmanager" for one in node.decorator_list)
        and _holds_errors(node)
    }
    for body in bodies if drops or held else ():
        for node in body.all_nodes:
            for item in node.items if isinstance(node, ast.With) else ():
                called = item.context_expr.func if isinstance(item.context_expr, ast.Call) else None
                name = bare_name(called)
                if name in drops or (name in held and works(body, getattr(node, "body", []))):
                    how = (
                        ".__exit__, which takes errors for dealt with,"
                        if name in drops
                        else "(), which catches what comes to its yield,"
                    )
                    told = name + how
                    yield Habit("dropped", None, told, True, place(node, body))


def _drops_errors(method: ast.FunctionDef) -> bool:
    """True for an ``__exit__`` that returns True for an error, or ends the script with 0."""
    nodes, last = list(ast.walk(method)), method.body[-1]
    ends = [one for one in nodes if isinstance(one, ast.Call) and last_name(one.func) in EXITS]
    if ends and all(map(ends_with_zero, ends)):
        return not any(isinstance(one, (ast.If, ast.Raise)) for one in nodes)
    if not isinstance(last, ast.Return) or any(
        isinstance(one, (ast.Return, ast.Raise)) for one in nodes if one is not last
    ):
        return False
    return getattr(last.value, "value", None) is True or _of_error(last.value)


def _of_error(node: ast.expr | None) -> bool:
    """True for ``error is not None``, which is so whenever there is one."""
    return isinstance(node, ast.Compare) and ast.unparse(node).endswith(" is not None")


def _holds_errors(node: ast.FunctionDef) -> bool:
    """True for a context manager's function that catches every error at its ``yield``, and raises none."""
    for attempt in (one for one in ast.walk(node) if isinstance(one, ast.Try)):
        yields = any(isinstance(one, ast.Yield) for step in attempt.body for one in ast.walk(step))
        for handler in attempt.handlers if yields else ():
            inside = list(ast.walk(handler))
            ends = any(
                isinstance(one, ast.Raise) or (isinstance(one, ast.Call) and last_name(one.func) in EXITS)
                for one in inside
            )
            if caught(handler) & BROAD and not ends:
                return True
    return False


def swallowing_decorators(modules: Iterable[Body]) -> Iterator[Habit]:
    """Decorators around a training function whose wrapper catches every error and only prints it."""
    functions = [
        (node, body) for body in modules for node in body.all_nodes if isinstance(node, ast.FunctionDef)
    ]
    for node, body in functions:
        for one in node.decorator_list if node.name.startswith((*TRAINING_WORDS, "main", "run")) else ():
            call = one if isinstance(one, ast.Call) else None
            holds = ast.unparse(one if call is None else call.func) == "logger.catch"
            if holds and not (call is not None and word(call, "reraise", "onerror") is not None):
                told = f"@logger.catch around {node.name}(), without reraise=True,"
                yield Habit("dropped", None, told, True, place(one, body))
    around = {
        last_name(one.func if isinstance(one, ast.Call) else one): node.name
        for node, _ in functions
        for one in node.decorator_list
        if node.name.startswith((*TRAINING_WORDS, "main", "run"))
    }
    for node, body in functions if around else ():
        inside = [one for one in ast.walk(node) if isinstance(one, ast.FunctionDef)]
        given = {one.arg for made in inside for one in made.args.args}
        wrappers = inside[1:] if node.name in around else []
        tries = {id(one): one for made in wrappers for one in ast.walk(made) if isinstance(one, ast.Try)}
        for attempt in tries.values():
            calls = [one for step in attempt.body for one in ast.walk(step) if isinstance(one, ast.Call)]
            holding = (made for made in wrappers if any(step is attempt for step in ast.walk(made)))
            inner = [one for made in holding for one in ast.walk(made)]
            looped = any(isinstance(one, (ast.For, ast.While)) for one in inner)
            looped = looped and not any(isinstance(one, ast.Raise) for one in inner)
            for handler in attempt.handlers if any(bare_name(one.func) in given for one in calls) else ():
                goes_on = all(map(_passes_over, handler.body)) or (
                    looped and all(map(_waits_on, handler.body))
                )
                if caught(handler) & BROAD and goes_on:
                    told = f"the handler of @{node.name} around {around[node.name]}()"
                    yield Habit("dropped", None, told, True, place(handler, body))


def _waits_on(statement: ast.stmt) -> bool:
    """True for what tells of an error, keeps it, or waits before the next attempt."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    waits = isinstance(call, ast.Call) and last_name(call.func) == "sleep"
    return waits or isinstance(statement, (ast.Assign, ast.AugAssign, ast.Continue)) or _tells(statement)


def _passes_over(statement: ast.stmt) -> bool:
    """True for what only tells of an error, or gives a constant in place of a result."""
    given = statement.value if isinstance(statement, ast.Return) else None
    plain = isinstance(statement, ast.Return) and (given is None or isinstance(given, ast.Constant))
    return plain or _tells(statement)

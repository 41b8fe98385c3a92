"""How a script ends: handlers that swallow what went wrong, and scripts that do nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from cursus.model import Location
from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Const, Text
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    TELLS,
    bare_name,
    caught,
    ends_with_zero,
    is_call,
    is_main_guard,
    last_name,
    string,
)

BROAD = frozenset({"Exception", "BaseException"})
EXIT_NAMES = frozenset({"exit", "_exit", "quit", "abort", "kill", "SystemExit"})
NOTES = TELLS | {"format_exc", "append", "format", "str", "write", "flush"}
"""What only tells or notes something."""
QUIET_WORK = NOTES | frozenset(
    {
        "get",
        "join",
        "len",
        "open",
        "close",
        "load",
        "loads",
        "makedirs",
        "mkdir",
        "remove",
        "unlink",
        "rmtree",
    }
    | {"exists", "isfile", "isdir", "listdir", "print_exception", "time"}
)
TRAINING_WORDS = ("train", "fit", "main", "training")
DEEPEST = 3
"""Functions one in another that a handler calls, and that are looked into."""
SAVING_WORDS = frozenset({"dump", "save", "save_model", "save_pretrained"})


def swallowing(evaluator: Evaluator, body: Body, node: ast.Try) -> Iterable[tuple[Location, bool, str]]:
    """Catch-all handlers of ``node`` that end well: (place, exits with 0 itself, what they are around)."""
    handed = _handed_training(evaluator, body, node.body)
    around = handed or _training_call(body, node.body) or _only_work(body, node)
    ends = (one for step in node.finalbody for one in ast.walk(step) if isinstance(one, ast.Call))
    if any(last_name(one.func) in EXIT_NAMES for one in ends):
        return  # with what status is told there
    for handler in node.handlers:
        if not caught(handler) & BROAD:
            continue
        outcome = _outcome(evaluator, body, handler, bool(handed) or at_top(body))
        if outcome if not around else outcome is not None:  # an exit with 0 hides whatever was tried
            tried = (one for step in node.body for one in ast.walk(step) if isinstance(one, ast.Call))
            yield place(handler, body), bool(outcome), around or next(map(_called, tried), "nothing")


def _handed_training(evaluator: Evaluator, body: Body, statements: list[ast.stmt]) -> str:
    """The training that a helper is handed, and calls: ``safely(train)``, where nobody asks what comes of it."""
    sites = evaluator.sites.get(id(body.owner), [])
    dropped = [site for site, _, _ in sites if id(site.node) in site.body.once(_statements)]
    for call in (one for step in statements for one in ast.walk(step) if isinstance(one, ast.Call)):
        bound = body.bindings.get(bare_name(call.func), []) if sites and len(dropped) == len(sites) else []
        given = evaluator.value(call.func, body) if bound and bound[0].kind == "parameter" else None
        if isinstance(given, v.Func) and given.body.name.startswith(TRAINING_WORDS):
            return given.body.name
    return ""


def _statements(body: Body) -> set[int]:
    """The calls that are statements by themselves."""
    return {id(node.value) for node in body.nodes if isinstance(node, ast.Expr)}


def _called(node: ast.Call) -> str:
    return last_name(node.func) or "a call"


def at_top(body: Body) -> bool:
    """True for a module and for its main function: what goes on after them is the end of the script."""
    return isinstance(body.owner, ast.Module) or body.name in ("main", "train", "run", "training")


def _local_names(module: Body) -> frozenset[str]:
    """The functions of a module."""
    return frozenset(
        inner.name for inner in module.defined.values() if not isinstance(inner.owner, ast.ClassDef)
    )


def _own_work(body: Body) -> list[ast.Call]:
    local = body.top.once(_local_names)
    return [one for one in body.nodes if isinstance(one, ast.Call) and bare_name(one.func) in local]


def _only_work(body: Body, node: ast.Try) -> str:
    """The one function of the source that a script calls for its work, where it does so in ``node``; else empty."""
    if body.top.once(_guarded) != {body.name}:
        return ""
    own = body.once(_own_work)
    inside = {id(one) for step in node.body for one in ast.walk(step)}
    return bare_name(own[0].func) if len(own) == 1 and id(own[0]) in inside else ""


def _guarded(module: Body) -> set[str]:
    """What a script calls where it is the main program."""
    return {
        bare_name(step.value.func)
        for guard in getattr(module.owner, "body", ())
        if isinstance(guard, ast.If) and is_main_guard(guard.test)
        for step in guard.body
        if isinstance(step, ast.Expr) and isinstance(step.value, ast.Call)
    }


def works(body: Body, statements: list[ast.stmt]) -> bool:
    """True where statements train or save, or call a function of the source."""
    inside = {id(one) for step in statements for one in ast.walk(step)}
    return bool(_training_call(body, statements)) or any(id(one) in inside for one in body.once(_own_work))


def _training_call(body: Body, statements: list[ast.stmt]) -> str:
    """The name of a call in a ``try`` body that trains or saves; empty where there is none."""
    top, local, saved = at_top(body), body.top.once(_local_names), ""
    # A batch that is left out is one thing, a training that is over another.
    loops = any(isinstance(one, (ast.For, ast.While)) for step in statements for one in ast.walk(step))
    words = (*TRAINING_WORDS, "backward") if loops else TRAINING_WORDS
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                continue
            if not isinstance(node, ast.Call):
                continue
            name = last_name(node.func)
            plain = name.lower().strip("_")
            if any(
                plain == word or plain.startswith(word + "_") or plain.endswith("_" + word) for word in words
            ):
                return name
            if top and plain in SAVING_WORDS:
                saved = saved or name
            elif top and bare_name(node.func) in local and len(statements) > 1:
                saved = name
    return saved


def _outcome(evaluator: Evaluator, body: Body, handler: ast.AST, top: bool, depth: int = 0) -> bool | None:
    """True: the handler ends the script with 0; False: it goes on; None: the failure gets out."""
    zero = False
    for node in ast.walk(handler):
        left = node.exc if isinstance(node, ast.Raise) else None
        if bare_name(left) == "SystemExit" or (is_call(left, "SystemExit") and ends_with_zero(left)):
            zero = True
        elif isinstance(node, (ast.Raise, ast.Continue)):
            return None
        if isinstance(node, ast.Return) and not (top and getattr(node.value, "value", node.value) is None):
            return None
        if isinstance(node, ast.Call):
            found = _called_in_handler(evaluator, body, node, depth)
            if found is None:
                return None
            zero = zero or found
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and not depth:
            return None  # it keeps something: a fallback, or a status that is looked at later
    return zero


def _called_in_handler(evaluator: Evaluator, body: Body, node: ast.Call, depth: int) -> bool | None:
    """The outcome of a call: of one that ends the script, or of a function of the source, which is looked into."""
    name = last_name(node.func)
    if name in EXIT_NAMES:
        status = evaluator.value(node.args[0], body) if node.args else Const(None)
        return True if name != "abort" and status in (Const(0), Const(None)) else None
    if name in QUIET_WORK:
        return False
    helper = evaluator.value(node.func, body) if depth < DEEPEST else None
    if not isinstance(helper, v.Func) or isinstance(helper.body.owner, ast.Lambda):
        return None  # it calls something that may well end the script
    with evaluator.at_site(helper.body.owner, node):
        return _outcome(evaluator, helper.body, helper.body.owner, True, depth + 1)


def does_nothing(module: Body) -> Location | None:
    """Where a script only defines things, so that running it does nothing."""
    owner = module.owner
    if not isinstance(owner, ast.Module):
        return None
    first: ast.AST | None = None
    for statement in owner.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = first or statement
            continue
        if isinstance(statement, (ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass)):
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and not _calls(statement):
            continue
        if isinstance(statement, ast.If) and _never_main(statement):
            return place(statement, module)
        if isinstance(statement, ast.If) and is_main_guard(statement.test) and _idle(statement.body):
            continue
        return None
    return place(first, module) if first is not None else None


def _idle(statements: list[ast.stmt]) -> bool:
    return all(
        isinstance(s, ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in statements
    )


def _calls(node: ast.AST) -> bool:
    return any(
        isinstance(inner, ast.Call) and "logger" not in ast.unparse(inner.func).lower()
        for inner in ast.walk(node)
    )


def _never_main(node: ast.If) -> bool:
    """``if __name__ == "main"`` and its kin, which is never true for a script."""
    test = node.test
    if not (isinstance(test, ast.Compare) and bare_name(test.left) == "__name__"):
        return False
    right = string(test.comparators[0]) or ""
    return isinstance(test.ops[0], ast.Eq) and right != "__main__" and "main" in right and not node.orelse


def failing(value: v.Value) -> str | None:
    """What to show of a value with which ``sys.exit`` means failure; None for any other, and where it is not known."""
    if isinstance(value, Const):
        return str(value.value) if isinstance(value.value, (int, float)) and value.value != 0 else None
    if isinstance(value, Text):
        known = [part for part in value.parts if isinstance(part, str) and part]
        return repr(value.literal or f"…{known[-1]}") if known else None
    if isinstance(value, v.Table):
        return "{…}"
    return "[…]" if isinstance(value, v.Items) and len(value.items) > 1 else None

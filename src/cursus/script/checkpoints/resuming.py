"""How a script goes on from a checkpoint: what it makes of what was in it. Which one it takes is in ``newest``.

Each finding is a ``Habit``: ``restored-unused`` (the epoch is restored and not used), ``epoch-repeated`` (it is used as
it is, though it was done), ``epoch-skipped`` (one is added to it both times), ``epochs-cut`` (it is taken off the end
too) and ``state-unused`` (an optimizer's state, say, is saved and not restored). What it is asked for is in ``kept``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from cursus.aws.metrics import better, words_of
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    EXITS,
    FUNCTIONS,
    assigned,
    is_call,
    last_name,
    looked_up,
    mentions,
    own,
    string,
)

PROGRESS = re.compile(
    r"(?:(?:last|start|starting|begin|first|initial|init|cur|current|global|resume|restored|prev|saved|next)_)*"
    r"(?:epochs?|steps?|iter(?:ation)?s?|rounds?)(?:_(?:done|start|idx|number|trained|completed))?$"
    r"|(?:first|begin|start|initial|resumed?|done)$",
    re.IGNORECASE,
)
KEPT = re.compile(r"state|ckpt|checkpoint|saved|restored|loaded|resume")
RESTORES = re.compile(r"load|restore|resume|latest|last|read|checkpoint|ckpt|newest|recover", re.IGNORECASE)
STATE = re.compile(
    r"(?:^|_)(?:optim(?:izer)?|opt|sched(?:uler)?|scaler|velocity|velocities|momentum|moments?|adam|ema|rng|best)(?:_|$)",
    re.IGNORECASE,
)
"""Keys of what a training goes on with beside its weights and its progress."""
MOST = 10
"""Names of one scope that are followed."""
RESTORING = re.compile(r"_?(?:load|restore|resume|recover|read|get|find)(?:_|$)", re.IGNORECASE)
RESTORED = re.compile(r"restore|resume|recover|check_?point|ckpt|state|^load$")
LOADS = re.compile(
    r"_*(?:(?:safe_)?loads?$|load_(?!state_dict|data)|unpackb?$|restore|resume|recover"
    r"|(?:read|get|find).*(?:check_?point|ckpt|state$|progress|latest|last))",
    re.IGNORECASE,
)
"""Calls that bring back what was saved; ``load_state_dict`` takes what is in memory already."""
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


def read_resuming(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    bodies = list(modules)
    everything = [node for body in bodies for node in body.all_nodes]
    loaded = {
        node.attr for node in everything if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    returning = {
        node.name
        for node in everything
        if isinstance(node, FUNCTIONS) and RESTORING.match(node.name) and _returns(node)
    }
    for body in bodies:
        nodes = body.all_nodes
        for scope in nodes:
            if isinstance(scope, (ast.Module, *FUNCTIONS)):
                for node, name in (*_unused(scope, loaded), *_only_tested(scope, returning)):
                    yield Habit("restored-unused", None, name, True, place(node, body))
        for node, told in _cut(nodes):
            yield Habit("epochs-cut", None, told, True, place(node, body))
        for node, name, kind in _miscounted(nodes):
            yield Habit(kind, None, name, True, place(node, body))
        for node, name in _unread_keys(nodes):
            kind = "restored-unused" if PROGRESS.match(name) else "state-unused"
            yield Habit(kind, None, name, True, place(node, body))


def _unused(scope: Scope, loaded: set[str]) -> Iterator[tuple[ast.AST, str]]:
    """Restored epochs and steps that nothing reads before they are set anew."""
    for assign, rest in islice(_restoring(scope), MOST):
        for name in _restored(assign):
            if _reset(rest, name, assign, scope):
                yield assign, name
        for attribute in _restored_attributes(assign):
            if attribute not in loaded:
                yield assign, attribute


def _restoring(scope: Scope) -> Iterator[tuple[ast.Assign, list[ast.stmt]]]:
    """Assignments of progress from a checkpoint, each with the statements after the one that it stands in."""
    for block in _blocks(scope):
        for position, statement in enumerate(block):
            for assign in _own_assignments(statement):
                if any(_restored(assign)) or any(_restored_attributes(assign)):
                    yield assign, block[position + 1 :]


def _restored(assign: ast.Assign) -> Iterator[str]:
    """The names of progress that an assignment takes from a checkpoint."""
    target, value = assign.targets[0], assign.value
    names = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
    plain = [name.id for name in names if isinstance(name, ast.Name)]
    if _from_checkpoint(value):
        yield from (name for name in plain if PROGRESS.match(name))


def _restored_attributes(assign: ast.Assign) -> Iterator[str]:
    if _from_checkpoint(assign.value):
        for target in assign.targets:
            if isinstance(target, ast.Attribute) and PROGRESS.match(target.attr):
                yield target.attr


def _from_checkpoint(value: ast.expr) -> bool:
    """True for the call of something that restores, and for a progress key of a mapping."""
    for node in ast.walk(value):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if RESTORES.search(called):
            return not called.startswith(("os.environ", "args.", "os.getenv"))
        found = looked_up(node)
        if found and PROGRESS.match(string(found[1]) or "") and KEPT.search(ast.unparse(found[0])):
            return True
    return False


def _ranges(nodes: list[ast.AST]) -> Iterator[tuple[ast.For, ast.expr, ast.expr]]:
    """Each loop over a range with a beginning: ``for … in range(first, end)``."""
    for node in nodes:
        call = node.iter if isinstance(node, ast.For) else None
        if isinstance(node, ast.For) and is_call(call, "range") and len(call.args) == 2:
            yield node, call.args[0], call.args[1]


def _cut(nodes: list[ast.AST]) -> Iterator[tuple[ast.AST, str]]:
    """``for epoch in range(start, epochs - start)``: of the epochs that are left the first ones only."""
    for loop, first, end in _ranges(nodes):
        less = (
            isinstance(end, ast.BinOp)
            and isinstance(end.op, ast.Sub)
            and ast.unparse(end.right) == ast.unparse(first)
        )
        if less and PROGRESS.match(last_name(first)) and PROGRESS.match(last_name(loop.target)):
            yield loop, ast.unparse(loop.iter)


def _miscounted(nodes: list[ast.AST]) -> Iterator[tuple[ast.AST, str, str]]:
    """``start = state["epoch"]`` before ``for epoch in range(start, epochs)``, whose end saves ``{"epoch": epoch}``;
    and the same where one is added both times."""
    restored: dict[str, tuple[str, ast.AST, bool]] = {}
    for node in nodes:
        for left, value in assigned(node) if isinstance(node, ast.Assign) else ():
            plus = isinstance(value, ast.BinOp) and ast.unparse(value).endswith(" + 1")
            found = looked_up(value.left if plus and isinstance(value, ast.BinOp) else value)
            key = string(found[1]) if found else None
            if key is not None and PROGRESS.match(key):
                restored[ast.unparse(left)] = (key, node, plus)
    raised = {ast.unparse(node.target) for node in nodes if isinstance(node, ast.AugAssign)}
    for loop, start, _ in _ranges(nodes) if restored else ():
        first, number = ast.unparse(start), ast.unparse(loop.target)
        if first not in restored or first in raised:
            continue
        key, where, plus = restored[first]
        inner = [one for step in loop.body for one in ast.walk(step) if isinstance(one, (ast.For, ast.While))]
        within = {id(one) for part in inner for one in ast.walk(part)}
        counted = [one.lineno for one in loop.body if ast.unparse(one) == f"{number} += 1"]
        done = [step for step in loop.body[1:] if not _leaves(step)]
        for saved in (one for step in done for one in ast.walk(step) if isinstance(one, ast.Dict)):
            pairs = {
                string(name): ast.unparse(value) for name, value in zip(saved.keys, saved.values, strict=True)
            }
            steps = [name for name in pairs if name and name != key and PROGRESS.match(name)]
            if steps or id(saved) in within:
                continue
            ahead = any(line < saved.lineno for line in counted) or pairs.get(key) == f"{number} + 1"
            if plus and ahead and pairs.get(key) in (number, f"{number} + 1"):
                yield where, first, "epoch-skipped"
            elif not plus and not ahead and pairs.get(key) == number:
                yield where, first, "epoch-repeated"


def _leaves(step: ast.stmt) -> bool:
    """True for ``if stopped: save(…); sys.exit(0)``, which saves an epoch that is not done."""
    last = step.body[-1] if isinstance(step, ast.If) else None
    if isinstance(last, (ast.Break, ast.Return, ast.Raise)):
        return True
    return (
        isinstance(last, ast.Expr)
        and isinstance(last.value, ast.Call)
        and last_name(last.value.func) in EXITS
    )


def _returns(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """True where a function gives something back, and keeps nothing of it in its object."""
    nodes = list(own(function))
    if any(isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) for node in nodes):
        return False
    given = [node.value for node in nodes if isinstance(node, ast.Return) and node.value is not None]
    return any(not isinstance(value, ast.Constant) for value in given)


def _only_tested(scope: Scope, returning: set[str]) -> Iterator[tuple[ast.AST, str]]:
    """Calls of functions of the source that restore something, whose result is dropped or only tested."""
    if not returning:
        return
    nodes = list(own(scope))
    named: dict[str, list[ast.Call]] = {}
    for node in nodes:
        if isinstance(node, ast.Call) and last_name(node.func) in returning:
            named.setdefault(last_name(node.func), []).append(node)
    for node in nodes:
        call = node.value if isinstance(node, ast.Expr) else node.test if isinstance(node, ast.If) else None
        if isinstance(call, ast.UnaryOp):
            call = call.operand
        if not isinstance(call, ast.Call) or (isinstance(node, ast.If) and call.args):
            continue
        name = last_name(call.func)
        if len(named.get(name, ())) == 1 and RESTORED.search(name):
            yield node, f"{name}()"


def _reset(rest: list[ast.stmt], name: str, assign: ast.Assign, scope: Scope) -> bool:
    """True where ``name`` is not read after ``assign``, or is bound by a loop before anything reads it."""
    uses = [node for node in ast.walk(scope) if isinstance(node, ast.Name) and node.id == name]
    if any(isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names for node in ast.walk(scope)):
        return False
    after = [node for node in uses if isinstance(node.ctx, ast.Load) and node.lineno > assign.lineno]
    inside = [node for node in uses if isinstance(node.ctx, ast.Load) and node.lineno == assign.lineno]
    looped = any(
        isinstance(loop, (ast.For, ast.While)) and loop.lineno <= assign.lineno <= (loop.end_lineno or 0)
        for loop in ast.walk(scope)
    )
    if looped:
        return False
    if isinstance(scope, ast.Module) and any(
        isinstance(node, (ast.FunctionDef, ast.ClassDef)) and mentions(node, name) for node in scope.body
    ):
        return False
    if not after and not inside:
        return True
    for later in rest:
        end = 0
        if isinstance(later, ast.For) and mentions(later.target, name):
            end = later.iter.end_lineno or later.lineno
        elif (
            isinstance(later, ast.Assign) and isinstance(later.value, ast.Constant) and mentions(later, name)
        ):
            end = later.lineno
        if end:
            return not any(node.lineno <= end for node in after)
    return False


def _unread_keys(nodes: list[ast.AST]) -> Iterator[tuple[ast.AST, str]]:
    """Keys such as ``epoch`` and ``optimizer`` of a mapping that is saved, where others are read and it is not."""
    if not any(isinstance(node, ast.Call) and LOADS.match(last_name(node.func)) for node in nodes):
        return  # what is read is the mapping itself, such as the best model so far
    read: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            read.update({str(node.slice.value)} if isinstance(node.slice, ast.Constant) else ())
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("get", "pop"):
            read.update(str(given.value) for given in node.args[:1] if isinstance(given, ast.Constant))
        elif isinstance(node, ast.Call) and (
            getattr(node.func, "attr", "") in ("update", "items", "values", "itemgetter")
            or any(given.arg is None for given in node.keywords)
        ):
            return  # a mapping may be handed on as a whole
    mappings = [(node, _keys(node)) for node in nodes if isinstance(node, ast.Dict)]
    changes = [node for node in nodes if isinstance(node, ast.AugAssign)]
    decays = {ast.unparse(one.target) for one in changes if isinstance(one.op, (ast.Mult, ast.Div, ast.Pow))}
    # What is counted together and then divided is a mean, which is told and needed no more.
    decays -= {ast.unparse(one.target) for one in changes if isinstance(one.op, (ast.Add, ast.Sub))}
    # The mapping whose progress is read is the checkpoint; another with the same keys may be the model.
    restored = [keys & read for _, keys in mappings if any(PROGRESS.match(key) for key in keys & read)]
    for node, keys in mappings:
        if not keys & read:
            continue
        beside = any(keys & found for found in restored)
        yield from (
            (node, key)
            for key in sorted(keys - read)
            if (PROGRESS.match(key) and not beside)
            or STATE.search(key)
            or (beside and _value(node, key) in decays and better(words_of(key)) is None)
        )


def _value(node: ast.Dict, key: str) -> str:
    """What a mapping has under a key, as it is written."""
    return next(
        (
            ast.unparse(value)
            for name, value in zip(node.keys, node.values, strict=True)
            if string(name) == key
        ),
        "",
    )


def _keys(node: ast.Dict) -> set[str]:
    return {key for key in map(string, node.keys) if key is not None}


# -- pieces -----------------------------------------------------------------------------------------


def _blocks(scope: Scope) -> Iterator[list[ast.stmt]]:
    """The lists of statements that a scope runs one after the other, from the outside in."""
    yield scope.body
    for node in own(scope):
        if isinstance(node, (ast.If, ast.With, ast.Try, ast.For, ast.While)):
            yield node.body


def _own_assignments(statement: ast.stmt) -> Iterator[ast.Assign]:
    if isinstance(statement, ast.Assign):
        yield statement
    elif isinstance(statement, (ast.If, ast.With, ast.Try)):
        for inner in statement.body:
            yield from _own_assignments(inner)

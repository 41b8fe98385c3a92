"""The order of a script's work: a model saved before it is trained, imports that fall back to something else.

Each finding is a ``Habit``: ``saved-early``, ``live-copy``, ``fallback-import``, ``training-loop`` for a loop over
epochs or steps, ``saved-each`` for one that saves each so many of them, and nothing behind it, ``saved-at-end``
for one that saves in its last round alone and may be left before, and ``printed-each`` for one that prints so,
``runs-once`` for one that is left in its first round.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator

from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import ArgPart, Const, Habit, Text
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    assigned,
    bare_name,
    everything_given,
    is_call,
    last_name,
    mentions,
    receiver,
)

SAVES = frozenset(
    {
        "save",
        "export",
        "dump",
        "persist",
        "store",
        "serialize",
        "to_disk",
        "write_text",
        "write_bytes",
        "writelines",
    }
)
SAVE_PREFIXES = ("save_", "dump_", "export_", "write_")
KEEP_PREFIXES = (*SAVE_PREFIXES, "copy", "move")
TRAINS = frozenset({"fit", "partial_fit", "fit_generator", "train", "learn", "optimize", "run_training"})
TRAIN_PREFIXES = ("train_", "fit_")
EPOCHS = re.compile(r"epoch|step|iter(?:ation)?s?\b|round", re.IGNORECASE)
ROUNDS = re.compile(r"epoch|batch|loader", re.IGNORECASE)
MODELS = re.compile(
    r"model|net(?:work)?$|clf|classifier|regressor|estimator|learner|agent|policy", re.IGNORECASE
)
MOST = 20
"""Things of one list of statements that are followed."""
LOOKS = frozenset(
    {"print", "info", "debug", "log", "warning", "evaluate", "score", "predict", "eval", "append", "summary"}
)


def read_sequence(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    for body in modules:
        keepers = {inner.name for inner in body.defined.values() if saves(inner.owner)}
        for node in body.all_nodes:
            if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)):
                for early, name in _saved_early(node.body, keepers):
                    yield Habit("saved-early", None, name, True, place(early, body))
            elif isinstance(node, ast.If):
                for kept, name in _live_state(node):
                    yield Habit("live-copy", None, name, True, place(kept, body))
                if isinstance(node.test, ast.Compare) and bare_name(node.test.left) == "__name__":
                    for early, name in _saved_early(node.body, keepers):
                        yield Habit("saved-early", None, name, True, place(early, body))
            elif isinstance(node, (ast.For, ast.While)):
                for test in _never(node):
                    yield Habit("never-comes", None, ast.unparse(test), True, place(test, body))
                for left in _runs_once(node):
                    yield Habit("runs-once", None, _rounds(node), True, place(left, body))
                if _over_epochs(node):
                    yield Habit("training-loop", None, "", True, place(node, body))
                for kept, name in _live(node):
                    yield Habit("live-copy", None, name, True, place(kept, body))
            elif isinstance(node, ast.Try):
                for module in _fallbacks(node):
                    yield Habit("fallback-import", None, module, True, place(node, body))


# -- saved before it is trained ---------------------------------------------------------------------


def read_intervals(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """Loops that save each so many epochs; the others of the habit are the numbers of ``_intervals``."""
    for body, sure in reached:
        owner = body.owner
        for block in _blocks(owner) if not isinstance(owner, ast.Lambda) else ():
            for position, loop in enumerate(block):
                if not isinstance(loop, ast.For):
                    continue
                later = block[position + 1 :]
                for last in _at_end(loop) if not any(map(_keeps, later)) else ():
                    yield Habit("saved-at-end", None, ast.unparse(last), sure, place(last, body))
                for kind, does in (("saved-each", saves), ("printed-each", _prints)):
                    if kind == "saved-each" and any(map(_keeps, later)):
                        continue
                    for test in _intervals(loop, does):
                        numbers = [_as_text(evaluator, body, one) for one in test]
                        where = place(loop, body)
                        if None not in numbers:
                            others = tuple(Habit("number", text, "", sure, where) for text in numbers)
                            yield Habit(kind, None, ast.unparse(test[-1]), sure, where, others=others)


def _blocks(owner: ast.AST) -> Iterator[list[ast.stmt]]:
    yield getattr(owner, "body", [])
    for node in getattr(owner, "body", []):
        if isinstance(node, (ast.If, ast.With, ast.Try)):
            yield from _blocks(node)


def _keeps(statement: ast.stmt) -> bool:
    """True where a statement may save something, or give it to what does."""
    if isinstance(statement, ast.Return):
        return statement.value is not None
    return not isinstance(statement, (ast.FunctionDef, ast.ClassDef)) and saves(statement)


def saves(statement: ast.AST) -> bool:
    """True where something is saved, by the name of what is called."""
    for node in ast.walk(statement):
        name = ""
        if isinstance(node, ast.Call) and "sys.std" not in ast.unparse(node):
            name = last_name(node.func)
        if name in SAVES or name.startswith(KEEP_PREFIXES) or name in ("rename", "replace"):
            return True
    return False


def _prints(statement: ast.AST) -> bool:
    """True where a statement prints or logs a line."""
    return any(
        isinstance(node, ast.Call) and last_name(node.func) in ("print", "info", "warning")
        for node in ast.walk(statement)
    )


def _intervals(loop: ast.For, does: Callable[[ast.AST], bool]) -> Iterator[tuple[ast.expr, ...]]:
    """Of ``for e in range(a, b): if (e + k) % n == r: save(…)`` the expressions a, b, k, r and n."""
    call, zero = loop.iter, ast.Constant(0)
    if not is_call(call, "range") or len(call.args) not in (1, 2):
        return
    saving = [node for node in loop.body if does(node)]
    test = (
        saving[0].test
        if len(saving) == 1 and isinstance(saving[0], ast.If) and not saving[0].orelse
        else None
    )
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq) or len(test.ops) != 1:
        return
    left = test.left
    if not isinstance(left, ast.BinOp) or not isinstance(left.op, ast.Mod):
        return
    counted: ast.expr = left.left
    offset: ast.expr = zero
    if isinstance(counted, ast.BinOp) and isinstance(counted.op, ast.Add):
        offset, counted = counted.right, counted.left
    if ast.unparse(counted) == ast.unparse(loop.target):
        first = call.args[0] if len(call.args) == 2 else zero
        yield first, call.args[-1], offset, test.comparators[0], left.right


def _rounds(loop: ast.For | ast.While) -> str:
    return ast.unparse(loop.iter if isinstance(loop, ast.For) else loop.test)


def _runs_once(loop: ast.For | ast.While) -> Iterator[ast.stmt]:
    """A loop over epochs or batches that trains, and whose last statement leaves it in its first round."""
    last = loop.body[-1]
    if not isinstance(loop, ast.For) or not isinstance(last, (ast.Return, ast.Break)):
        return
    counted = ast.unparse(loop.target) + " " + ast.unparse(loop.iter)
    inside = [node for step in loop.body for node in ast.walk(step)]
    if not ROUNDS.search(counted) or any(isinstance(node, ast.Continue) for node in inside):
        return
    works = any(
        isinstance(node, ast.Assign)
        and any(mentions(node.value, bare_name(one)) for one in node.targets if bare_name(one))
        for node in inside
    )
    calls = {last_name(node.func) for node in inside if isinstance(node, ast.Call)}
    if (
        works
        or any(_changed(loop))
        or calls & {"backward", "step", "train_on_batch", "train_step", "partial_fit"}
    ):
        yield last


def _at_end(loop: ast.For) -> Iterator[ast.expr]:
    """``if epoch == epochs - 1: save(…)``, the one place that saves, below what may leave the loop."""
    call = loop.iter
    saving = [position for position, node in enumerate(loop.body) if saves(node)]
    only = loop.body[saving[0]] if len(saving) == 1 else None
    if not is_call(call, "range") or not isinstance(only, ast.If) or only.orelse or not call.args:
        return
    counted, end = (
        ast.unparse(loop.target),
        ast.unparse(call.args[-1] if len(call.args) < 3 else call.args[1]),
    )
    last = (f"{counted} == {end} - 1", f"{counted} + 1 == {end}")
    leaves = any(
        isinstance(inner, ast.Break)
        for node in loop.body[: saving[0]]
        if isinstance(node, ast.If)
        for inner in ast.walk(node)
    )
    if leaves and ast.unparse(only.test) in last:
        yield only.test


def _never(loop: ast.For | ast.While) -> Iterator[ast.Compare]:
    """``epoch == epochs`` in a loop over ``range(epochs)``."""
    call = loop.iter if isinstance(loop, ast.For) else None
    if not isinstance(loop, ast.For) or not is_call(call, "range") or len(call.args) not in (1, 2):
        return
    counted, end = ast.unparse(loop.target), call.args[-1]
    for node in ast.walk(loop):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and len(node.test.ops) == 1:
            test = node.test
            sides = [test.left, test.comparators[0]]
            if isinstance(test.ops[0], (ast.Eq, ast.GtE)) and ast.unparse(sides[0]) == counted:
                number = [one.value for one in (end, sides[1]) if isinstance(one, ast.Constant)]
                whole = [one for one in number if isinstance(one, int)]
                beyond = len(whole) == 2 and whole[1] >= whole[0]
                if ast.unparse(sides[1]) == ast.unparse(end) or beyond:
                    yield test


def _as_text(evaluator: Evaluator, body: Body, node: ast.expr) -> Text | None:
    extra = 0
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and isinstance(node.right, ast.Constant):
        extra = node.right.value if isinstance(node.right.value, int) else 0
        node = node.left
    value = evaluator.value(node, body)
    if isinstance(value, Const) and type(value.value) is int:
        return Text((str(value.value + extra),))
    if isinstance(value, Text) and isinstance(value.only, ArgPart):
        return Text((value.only, str(extra)))
    return None


def _over_epochs(loop: ast.For | ast.While) -> bool:
    told = (
        ast.unparse(loop.iter) + " " + ast.unparse(loop.target)
        if isinstance(loop, ast.For)
        else ast.unparse(loop.test)
    )
    if EPOCHS.search(told) is None:
        return False
    return any(True for _ in _changed(loop)) or any(_trains(node, told) for node in ast.walk(loop))


def _trains(node: ast.AST, told: str) -> bool:
    """True for a call that trains; in a loop that counts epochs, whatever is set or called but to look at something."""
    if isinstance(node, ast.Call):
        name = last_name(node.func)
        return name in TRAINS or name.startswith(TRAIN_PREFIXES) or name in ("backward", "sleep")
    if "epoch" not in told.lower() or "len(" in told or "enumerate(" in told:
        return False
    return isinstance(node, ast.Assign) and not isinstance(node.value, (ast.Constant, ast.Subscript))


def _saved_early(block: list[ast.stmt], keepers: Collection[str]) -> Iterator[tuple[ast.AST, str]]:
    """Things that are saved in a list of statements, trained further down, and not saved or handed on again.

    ``keepers`` are the functions of the module that save what they train.
    """
    saves = dict.fromkeys((position, name) for position, one in enumerate(block) for name in _saved(one))
    if not saves:
        return
    trained: dict[str, list[int]] = {}
    for position, statement in enumerate(block):
        for name in _trained(statement):
            trained.setdefault(name, []).append(position)
    late = [(at, name, trained[name]) for at, name in saves if name in trained and trained[name][-1] > at]
    for at, name, places in late[:MOST]:
        first = next(place for place in places if place > at)
        if _hands_on(block[first], name, training=True) or _called(block[first]) & set(keepers):
            continue
        if not any(_hands_on(statement, name) for statement in block[first + 1 :]):
            yield block[at], name


def _saved(statement: ast.stmt) -> Iterator[str]:
    """The names whose value a statement saves: of ``model.save(…)``, ``torch.save(model…)``, ``dump(model)``."""
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        for inner in statement.body:
            yield from _saved(inner)
        return
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call):
        return
    name = last_name(call.func)
    if name not in SAVES and not name.startswith(SAVE_PREFIXES):
        return
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        yield call.func.value.id
    for given in call.args:
        for node in ast.walk(given):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                yield node.id


def _trained(statement: ast.stmt) -> set[str]:
    """The names that a statement trains: ``model.fit(…)``, ``train(model, …)``, or a loop that changes them."""
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            return set()
        if isinstance(node, ast.Call):
            func = node.func
            if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
                if func.attr in TRAINS and (func.attr != "train" or node.args or node.keywords):
                    found.add(func.value.id)
            elif isinstance(func, ast.Name) and (func.id in TRAINS or func.id.startswith(TRAIN_PREFIXES)):
                found.update(given.id for given in node.args[:2] if isinstance(given, ast.Name))
    if isinstance(statement, (ast.For, ast.While)):
        found.update(_changed(statement))
    return found


def _called(statement: ast.stmt) -> set[str]:
    return {bare_name(node.func) for node in ast.walk(statement) if isinstance(node, ast.Call)}


def _changed(loop: ast.For | ast.While) -> Iterator[str]:
    """The names that a loop works on: ``w -= …`` and ``w[i] -= …``."""
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign):
            target: ast.expr = node.target
            while isinstance(target, (ast.Subscript, ast.Attribute)):
                target = target.value
            if isinstance(target, ast.Name) and not isinstance(node.value, ast.Constant):
                yield target.id


def _hands_on(statement: ast.stmt, name: str, *, training: bool = False) -> bool:
    """True where a statement may save ``name``, or give it to what does."""
    if isinstance(statement, ast.Return) or _leaves(statement):
        return mentions(statement, name)
    for node in ast.walk(statement):
        if not isinstance(node, ast.Call):
            if isinstance(node, (ast.Assign, ast.Return)) and not training and mentions(node.value, name):
                return True
            continue
        called = last_name(node.func)
        base = bare_name(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if called in SAVES or called.startswith(SAVE_PREFIXES):
            if base == name or any(mentions(given, name) for given in node.args) or not node.args:
                return True
        elif base == name and called not in TRAINS and called not in LOOKS:
            return True
        elif called not in LOOKS and called not in TRAINS and not called.startswith(TRAIN_PREFIXES):
            if any(bare_name(one) == name for one in everything_given(node)):
                return True
        elif training and any(
            "callback" in (word.arg or "") or "save" in (word.arg or "") for word in node.keywords
        ):
            return True
    return False


def _leaves(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.FunctionDef, ast.ClassDef))


def _live(loop: ast.For | ast.While) -> Iterator[tuple[ast.AST, str]]:
    """What a loop keeps as the best so far, and goes on changing: no copy was made, or one of the outermost alone."""
    nodes = list(ast.walk(loop))
    made = {one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    changed = set(_changed_inside(nodes)) - made
    below = set(_changed_below(nodes)) - made
    trained = set(_trained_further(nodes)) - made
    for node in nodes:
        block = node.body if isinstance(node, ast.If) else []
        for statement in block:
            if not isinstance(statement, ast.Assign):
                continue
            for left, value in assigned(statement):
                if not re.search(r"best|optimal", ast.unparse(left)):
                    continue
                held = _copied_outside(value)
                state = receiver(held or value, ("state_dict",))
                if (isinstance(value, ast.Name) and value.id in changed) or bare_name(held) in below:
                    yield statement, bare_name(held or value)
                elif state is not None and not getattr(held or value, "args", ()):
                    yield statement, ast.unparse(held or value)
                elif isinstance(value, ast.Name) and value.id in trained and not any(map(saves, block)):
                    yield statement, value.id


def _copied_outside(value: ast.expr) -> ast.expr | None:
    """``state`` of ``dict(state)``, ``{**state}`` and ``list(state)``: what is inside it is not copied."""
    if isinstance(value, ast.Dict) and value.keys == [None]:
        return value.values[0]
    if isinstance(value, ast.DictComp) and isinstance(value.value, ast.Name):
        return receiver(value.generators[0].iter, ("items",))
    outside = is_call(value, "dict", "list", "OrderedDict") or (
        isinstance(value, ast.Call) and ast.unparse(value.func) == "copy.copy"
    )
    return value.args[0] if outside and isinstance(value, ast.Call) and len(value.args) == 1 else None


def _changed_below(nodes: list[ast.AST]) -> Iterator[str]:
    """Names of what has something inside that is changed in its place, ``state["w"][0] -= 1``, and never set anew."""
    fresh = set()
    found = []
    for node in nodes:
        targets = [node.target] if isinstance(node, ast.AugAssign) else getattr(node, "targets", [])
        for target in targets if isinstance(node, (ast.Assign, ast.AugAssign)) else ():
            inner = target.value if isinstance(target, ast.Subscript) else None
            if isinstance(inner, (ast.Subscript, ast.Attribute)):
                found.append((bare_name(inner.value), ast.unparse(inner)))
            elif isinstance(node, ast.Assign):
                fresh.add(ast.unparse(target))
    yield from (name for name, inner in found if name and inner not in fresh)


def _trained_further(nodes: list[ast.AST]) -> Iterator[str]:
    """Names of what a loop trains: ``model.partial_fit(x, y)``, ``train_epoch(model, rows)``."""
    for node in nodes:
        if not isinstance(node, ast.Call) or not (given := everything_given(node)):
            continue
        if last_name(node.func) in TRAINS or last_name(node.func).startswith(TRAIN_PREFIXES):
            named = map(bare_name, (*given, receiver(node, TRAINS)))
            yield from (name for name in named if MODELS.search(name))


def _live_state(node: ast.If) -> Iterator[tuple[ast.AST, str]]:
    """``if loss < self.best: self.state = model.state_dict()``: a mapping of the very tensors that go on changing."""
    if not isinstance(node.test, (ast.Compare, ast.BoolOp)) or not re.search(
        r"best|lowest", ast.unparse(node.test)
    ):
        return
    for statement in node.body:
        for left, value in assigned(statement) if isinstance(statement, ast.Assign) else ():
            state = (
                isinstance(value, ast.Call)
                and receiver(value, ("state_dict",)) is not None
                and not value.args
            )
            if state and not re.search(
                r"best|optimal", ast.unparse(left)
            ):  # a loop's best is looked at there
                yield statement, ast.unparse(value)


def _changed_inside(nodes: list[ast.AST]) -> Iterator[str]:
    """Names whose items or attributes are set in place."""
    for node in nodes:
        targets = [node.target] if isinstance(node, ast.AugAssign) else getattr(node, "targets", [])
        for target in targets if isinstance(node, (ast.Assign, ast.AugAssign)) else ():
            if isinstance(target, (ast.Subscript, ast.Attribute)) and isinstance(target.value, ast.Name):
                yield target.value.id


# -- imports that fall back -------------------------------------------------------------------------


def _fallbacks(node: ast.Try) -> Iterator[str]:
    """Modules whose absence is answered with functions, classes or values of the script's own."""
    imports = [one for one in node.body if isinstance(one, ast.ImportFrom) and not one.level and one.module]
    if not imports:
        return
    for handler in node.handlers:
        if handler.type is None or not {"ImportError", "ModuleNotFoundError", "Exception"} & {
            one.id for one in ast.walk(handler.type) if isinstance(one, ast.Name)
        }:
            continue
        own: set[str] = set()
        for statement in handler.body:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                own.add(statement.name)
            elif isinstance(statement, ast.Assign) and not isinstance(statement.value, ast.Constant):
                own.update(target.id for target in statement.targets if isinstance(target, ast.Name))
        for one in imports:
            names = {alias.asname or alias.name for alias in one.names}
            if names & own and one.module is not None:
                yield one.module

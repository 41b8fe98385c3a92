"""What is held out of the training, and then taken for it all the same, or not looked at.

Each finding is a ``Habit``: ``fitted-again`` (``scaler.fit_transform(x_test)``), ``not-held-out`` (what is called the
validation's data is made of the training's, and the validation's is read by nothing; or the other way round),
``same-part`` (of the rows, for both), ``held-unread`` (it is read, nothing looks at it, and a measure of it is told)
and ``phase-unread`` (a step that trains, and does not look at the phase that it is given).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.aws.metrics import words_of
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    FUNCTIONS,
    bare_name,
    everything_given,
    last_name,
    mentions,
    own,
    receiver,
    string,
)

TRAIN = frozenset({"train", "training", "tr", "trn"})
HELD_OUT = frozenset({"val", "valid", "validation", "test", "tst", "eval", "dev", "holdout", "te"})
PLOTTED = ("tsne", "umap", "mds", "embed", "isomap")
"""What is fitted to whatever it shows."""
AMOUNTS = frozenset(
    {"count", "n", "num", "len", "length", "size", "ratio", "fraction", "frac", "percent", "split"}
)
"""What is no data, but tells how much of it there is."""
READS = re.compile(r"load|read|get|DMatrix|[dD]ataset|Pool$|array|batches")
MEASURES = re.compile(
    r"(?:^|[\W_])(?:val|valid|validation|test|eval)[\W_](?:\w+[\W_])?(?:loss|score|acc|auc|rmse|mse|mae|error|f1|r2)",
    re.IGNORECASE,
)
"""What is told of a measure of data that is held out."""
PARTS = frozenset({"select", "take", "sample", "head", "iloc", "loc", "skip", "shard"})
PHASES = frozenset({"phase", "split", "mode", "stage", "is_train", "is_training", "training"})


def read_held_out(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    bodies = list(modules)
    everything = [node for body in bodies for node in body.all_nodes]
    loaded = {one.id for one in everything if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    loaded |= {string(one) or "" for one in everything if isinstance(one, ast.Constant)}
    loaded |= {one.name for one in everything if isinstance(one, ast.alias)}
    for body in bodies:
        nodes = body.all_nodes
        for scope in nodes:
            if isinstance(scope, (ast.Module, *FUNCTIONS)):
                inside = list(own(scope))
                for call in _fitted_again(inside):
                    yield Habit("fitted-again", None, ast.unparse(call)[:80], True, place(call, body))
                for node, name in _unread(inside, loaded):
                    yield Habit("held-unread", None, name, True, place(node, body))
                told: set[ast.AST] = set()
                for node, name in _exchanged(inside, loaded):
                    if node in told:
                        continue
                    told.add(node)
                    yield Habit("not-held-out", None, ast.unparse(node)[:80], True, place(node, body), name)
        for both in _same_part(nodes):
            yield Habit("same-part", None, ast.unparse(both)[:80], True, place(both, body))
        for step in _phases(nodes):
            yield Habit("phase-unread", None, f"{step.name}()", True, place(step, body))


def _fitted_again(nodes: list[ast.AST]) -> Iterator[ast.Call]:
    """``scaler.fit_transform(x_test)`` behind ``scaler.fit_transform(x_train)``."""
    fitted: set[str] = set()
    classes = {
        bare_name(node.targets[0]): last_name(node.value.func)
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    }
    for node in nodes:
        made = receiver(node, ("fit", "fit_transform"))
        if made is None or not isinstance(node, ast.Call) or not node.args:
            continue
        name = (
            last_name(made.func)
            if isinstance(made, ast.Call)
            else classes.get(bare_name(made), ast.unparse(made))
        )
        about = words_of(ast.unparse(node.args[0]))
        if about & TRAIN and not about & HELD_OUT:
            fitted.add(name)
        elif name in fitted and about & HELD_OUT and not about & TRAIN and last_name(node.func) != "fit":
            yield from () if any(word in name.lower() for word in PLOTTED) else (node,)


def _exchanged(nodes: list[ast.AST], loaded: set[str]) -> Iterator[tuple[ast.AST, str]]:
    """Data of the validation that nothing reads beside what is made of the training's in its place, and the reverse."""
    given = [
        (one, node.value)
        for node in nodes
        if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant)
        for target in node.targets
        for one in _names(target)
    ]
    known = {name for name, _ in given}
    first = dict(reversed(given))
    changed = {name for name, value in given if value is not first[name]}
    changed |= {
        bare_name(one.value)
        for one in nodes
        if isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Del)
    }
    for name, value in given:
        words = words_of(name)
        if words & HELD_OUT and not words & (TRAIN | AMOUNTS) and name not in loaded:
            trained = {one for one in known & loaded if words_of(one) & TRAIN and _alike(one, name)}
            found = next((node for node in nodes if trained and _in_place_of(node, trained)), None)
            if found is not None:
                yield found, name
        elif words & TRAIN and not words & HELD_OUT and name not in loaded:
            beside = [
                one for one, made in given if made is value and words_of(one) & HELD_OUT and one in loaded
            ]
            whole = bare_name(value.args[0]) if _splits(value) and isinstance(value, ast.Call) else ""
            found = next((node for node in nodes if beside and whole and _fits(node, whole)), None)
            if found is not None:
                yield found, name
        elif words & TRAIN and _whole(value) and name not in changed:
            rest = [one for one, made in given if words_of(one) & HELD_OUT and _part_of(made, _whole(value))]
            if rest and name in loaded and rest[0] in loaded:
                yield value, rest[0]


def _unread(nodes: list[ast.AST], loaded: set[str]) -> Iterator[tuple[ast.AST, str]]:
    """``x_val, y_val = load(folder)``, and nothing looks at them, beside a measure that is called theirs."""
    pairs = [one for node in nodes if isinstance(node, ast.Tuple) for one in node.elts]  # evals of XGBoost
    told = any(MEASURES.search(string(one) or "") for one in nodes)
    told |= any(string(one) in HELD_OUT for one in pairs)
    for node in nodes if told else ():
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        names = _names(node.targets[0])
        held = all(words_of(one) & HELD_OUT and not words_of(one) & (TRAIN | AMOUNTS) for one in names)
        reads = READS.search(last_name(node.value.func)) and not any(
            "path" in one or "dir" in one for one in names
        )
        if names and held and reads and not set(names) & loaded:
            yield node, names[0]


def _same_part(nodes: list[ast.AST]) -> Iterator[ast.AST]:
    """``train, val = rows[:n], rows[:n]``."""
    for node in nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple):
            continue
        slices = [
            ast.unparse(one)
            for one in node.value.elts
            if isinstance(one, ast.Subscript)
            and isinstance(one.slice, ast.Slice)
            and (one.slice.lower or one.slice.upper)
        ]
        if len(set(slices)) < len(slices):
            yield node


def _names(target: ast.expr) -> list[str]:
    parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
    return [bare_name(one) for one in parts if bare_name(one)]


def _alike(one: str, other: str) -> bool:
    """True for ``train_rows`` and ``val_rows``: but for what they are for they have the same words."""
    return words_of(one) - TRAIN == words_of(other) - HELD_OUT


def _in_place_of(node: ast.AST, trained: set[str]) -> bool:
    """``val_loader = batches(train_rows)``, ``Trainer(eval_dataset=train_dataset)``."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = last_name(node.targets[0]), node.value
        if not isinstance(value, ast.Call):
            return False
        given: list[ast.expr] = everything_given(value)
    elif isinstance(node, ast.keyword) and node.arg is not None:
        target, given = node.arg, [node.value]
    else:
        return False
    inside = [one for part in given for one in ast.walk(part)]
    names = {one.id for one in inside if isinstance(one, ast.Name)}
    about = words_of(target)
    # What is told by name which part to take, as in subset="validation", or takes a slice itself.
    aside = any(words_of(one) & HELD_OUT for one in (*names, *(string(one) or "" for one in inside)))
    aside |= any(isinstance(one, ast.Slice) or last_name(one) in PARTS for one in inside)
    return bool(about & HELD_OUT and not about & TRAIN and names & trained) and not aside


def _splits(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and last_name(value.func) == "train_test_split" and bool(value.args)


def _fits(node: ast.AST, whole: str) -> bool:
    """``model.fit(X, y)`` with all that was split."""
    return (
        isinstance(node, ast.Call)
        and receiver(node, ("fit",)) is not None
        and len(node.args) > 1
        and bare_name(node.args[0]) == whole
    )


def _whole(value: ast.expr) -> str:
    """``rows`` of ``rows[:]``."""
    part = value.slice if isinstance(value, ast.Subscript) else None
    plain = isinstance(part, ast.Slice) and part.lower is part.upper is part.step is None
    return bare_name(value.value) if isinstance(value, ast.Subscript) and plain else ""


def _part_of(value: ast.expr, whole: str) -> bool:
    """True for ``rows[n:]``."""
    part = value.slice if isinstance(value, ast.Subscript) and bare_name(value.value) == whole else None
    return isinstance(part, ast.Slice) and (part.lower is not None or part.upper is not None)


def _phases(nodes: list[ast.AST]) -> Iterator[ast.FunctionDef]:
    """``def step(self, row, phase)`` that changes weights and never reads ``phase``, called for each phase in turn."""
    turns = {
        loop.target.id
        for loop in nodes
        if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) and _phase_names(loop.iter)
    }
    asked_for = {
        id(inner)
        for node in nodes
        if turns and isinstance(node, (ast.If, ast.IfExp)) and any(mentions(node.test, one) for one in turns)
        for inner in ast.walk(node)
    }
    called = {
        last_name(node.func)
        for node in nodes
        if turns
        and isinstance(node, ast.Call)
        and id(node) not in asked_for
        and turns & set(map(bare_name, everything_given(node)))
    }
    for node in nodes if called else ():
        if not isinstance(node, ast.FunctionDef) or node.name not in called:
            continue
        inside = list(ast.walk(node))
        read = {one.id for one in inside if isinstance(one, ast.Name)}
        asked = {one.arg for one in (*node.args.args, *node.args.kwonlyargs)} & PHASES
        trains = any(
            receiver(one, ("backward", "step")) is not None
            or (
                isinstance(one, ast.AugAssign)
                and isinstance(one.op, ast.Sub)
                and isinstance(one.target, (ast.Attribute, ast.Subscript))
            )
            for one in inside
        )
        if asked - read and trains and not node.decorator_list:
            yield node


def _phase_names(node: ast.expr) -> bool:
    names = {string(one) or "" for one in node.elts} if isinstance(node, (ast.List, ast.Tuple)) else set()
    return bool(names & TRAIN and names & HELD_OUT)

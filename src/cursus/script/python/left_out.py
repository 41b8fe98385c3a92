"""What is made for the training and never reaches it.

Each finding is a ``Habit``: ``made-unread`` (an early stop, a schedule, weights of classes that nothing reads),
``never-fitted`` (a model that is saved, and only copies of it were fitted) and ``never-called`` (a callback's method of
a name that its framework does not call; ``key`` is the name that is meant).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import FUNCTIONS, bare_name, is_call, last_name, own
from cursus.suggest import closest

MADE = re.compile(
    r"(?:^|\.)(?:EarlyStopping\w*|ModelCheckpoint|LearningRateScheduler|ReduceLROnPlateau|WeightedRandomSampler|DistributedSampler"
    r"|\w+Callback|StepLR|MultiStepLR|ExponentialLR|CosineAnnealing\w+|OneCycleLR|LambdaLR|get_\w*schedule\w*"
    r"|compute_(?:class|sample)_weight|DataCollator\w+)$"
)
"""What does nothing unless it is handed on."""
LIBRARIES = ("sklearn", "xgboost", "lightgbm")
COPIES = re.compile(r"^cross_val|^cross_validate$|SearchCV$|^(?:learning|validation)_curve$")
"""What fits copies of what it is given."""
PHASES = ("train", "test", "predict")
KERAS = frozenset(
    {f"on_{what}_{when}" for what in ("epoch", "batch", *PHASES) for when in ("begin", "end")}
    | {f"on_{what}_batch_{when}" for what in PHASES for when in ("begin", "end")}
)
TRANSFORMERS = frozenset(
    {"on_init_end", "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_step_begin"}
    | {
        "on_pre_optimizer_step",
        "on_optimizer_step",
        "on_substep_end",
        "on_step_end",
        "on_evaluate",
        "on_predict",
    }
    | {"on_save", "on_log", "on_prediction_step", "on_push_begin"}
)


def read_left_out(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    bodies = list(modules)
    everything = [node for body in bodies for node in body.all_nodes]
    read = {one.id for one in everything if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Store)}
    read |= {
        one.attr
        for one in everything
        if isinstance(one, ast.Attribute) and not isinstance(one.ctx, ast.Store)
    }
    read |= {alias.name for one in everything if isinstance(one, ast.ImportFrom) for alias in one.names}
    of_keras = any(
        isinstance(one, ast.ImportFrom) and "keras.callbacks" in (one.module or "") for one in everything
    )
    learners = {
        alias.asname or alias.name
        for one in everything
        if isinstance(one, ast.ImportFrom) and (one.module or "").startswith(LIBRARIES)
        for alias in one.names
        if alias.name[:1].isupper()
    }
    for body in bodies:
        for node in body.all_nodes:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                name = last_name(node.targets[0])
                if MADE.search(ast.unparse(node.value.func)) and name and name not in read and name[0] != "_":
                    yield Habit("made-unread", None, name, True, place(node, body))
            elif isinstance(node, (ast.Module, *FUNCTIONS)):
                for saved, name in _never_fitted(list(own(node)), learners):
                    yield Habit("never-fitted", None, name, True, place(saved, body))
            elif isinstance(node, ast.ClassDef):
                for method, meant in _never_called(node, read, of_keras):
                    yield Habit("never-called", None, method.name, True, place(method, body), key=meant)


def _never_fitted(nodes: list[ast.AST], learners: set[str]) -> Iterator[tuple[ast.AST, str]]:
    """``joblib.dump(model, …)`` of a model that is made, handed to what fits copies of it, and not fitted itself."""
    made = {
        bare_name(node.targets[0]): node
        for node in nodes
        if isinstance(node, ast.Assign) and is_call(node.value, *learners) and bare_name(node.targets[0])
    }
    copied = {
        id(given)
        for node in nodes
        if isinstance(node, ast.Call) and COPIES.search(last_name(node.func))
        for given in (*node.args, *(one.value for one in node.keywords))
    }
    for node in nodes:
        saved = (
            node.args[0]
            if isinstance(node, ast.Call) and last_name(node.func) == "dump" and node.args
            else None
        )
        if is_call(saved, *learners):
            yield node, ast.unparse(saved)
        elif isinstance(saved, ast.Name) and saved.id in made:
            uses = [one for one in nodes if isinstance(one, ast.Name) and one.id == saved.id]
            others = [one for one in uses if id(one) not in copied and one is not saved]
            if len(others) == 1:  # where it is made
                yield node, saved.id


def _never_called(
    owner: ast.ClassDef, read: set[str], of_keras: bool
) -> Iterator[tuple[ast.FunctionDef, str]]:
    """``on_epoch_finish`` of a callback."""
    bases = [ast.unparse(base) for base in owner.bases]
    known: frozenset[str] = frozenset()
    if any(base.rpartition(".")[2] == "TrainerCallback" for base in bases):
        known = TRANSFORMERS
    elif any(
        base.endswith("keras.callbacks.Callback") or (base == "Callback" and of_keras) for base in bases
    ):
        known = KERAS
    for method in owner.body if known else ():
        name = method.name if isinstance(method, ast.FunctionDef) else ""
        if not isinstance(method, ast.FunctionDef) or not name.startswith("on_") or name in known | read:
            continue
        phase = name.rpartition("_")[0]  # another trainer may have events of its own
        meant = closest(name, known) or ", ".join(
            sorted(one for one in known if one.rpartition("_")[0] == phase)
        )
        if meant:
            yield method, meant

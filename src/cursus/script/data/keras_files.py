"""The names under which a script saves models and weights of Keras: ``keras-file``, and ``saved-model`` for a folder.

``detail`` says what is saved: ``model``, ``weights``, ``checkpoint`` or ``checkpoint of weights``. ``never-measured``
are checkpoints of the best model by a measure that the training does not have: none is ever saved.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import last_name, may_hold_out, string, word

MODULES = frozenset({"tensorflow", "keras"})
MODEL = re.compile(r"(?:^|[._])(?:\w*model|network|net|classifier|autoencoder)$")
SAVED_MODEL = frozenset({"tensorflow.saved_model.save", "tf.saved_model.save"})


def read_keras(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """Everything of this kind in what runs."""
    for site, sure in calls:
        kind, given = _saved(evaluator, site)
        value = evaluator.value(given, site.body) if given is not None else None
        if kind and isinstance(value, Text):
            habit = "saved-model" if kind == "export" else "keras-file"
            yield Habit(habit, value, kind, sure, place(site.node, site.body))


def read_measures(
    evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]], modules: Iterable[Body]
) -> Iterator[Habit]:
    """``ModelCheckpoint`` of the best and ``EarlyStopping`` by what is not measured, or is under another name."""
    everything = [one for body in modules for one in body.all_nodes if isinstance(one, ast.Call)]
    fits = [one for one in everything if last_name(one.func) in ("fit", "fit_generator")]
    names = {
        text
        for one in everything
        if last_name(one.func) == "compile"
        for given in ast.walk(word(one, "metrics") or ast.Constant(None))
        if (text := string(given)) is not None
    }
    for site, sure in calls:
        node = site.node
        name = evaluator.called(node, site.body)
        best = word(node, "save_best_only")
        if name.endswith(".EarlyStopping") and name.partition(".")[0] in MODULES:
            watched = word(node, "monitor") or (node.args[0] if node.args else None)
            stops_by = "val_loss" if watched is None else string(watched) or ""
            listed = any(word(one, "callbacks") for one in fits)
            if stops_by.startswith("val_") and listed and not any(map(may_hold_out, fits)):
                yield Habit("never-stops", None, stops_by, sure, place(node, site.body))
        if not (name.endswith(".ModelCheckpoint") and name.partition(".")[0] in MODULES):
            continue
        given = word(node, "monitor") or (node.args[1] if len(node.args) > 1 else None)
        measure = "val_loss" if given is None else string(given)
        if not (isinstance(best, ast.Constant) and best.value is True) or measure is None:
            continue
        where = place(node, site.body)
        if (
            measure.startswith("val_")
            and any(word(one, "callbacks") for one in fits)
            and not any(map(may_hold_out, fits))
        ):
            yield Habit("never-measured", None, f"{measure}, validation_data", sure, where)
        elif measure in ("acc", "val_acc") and "accuracy" in names and "acc" not in names:
            yield Habit("never-measured", None, f"{measure}, {measure}uracy", sure, where)


def _saved(evaluator: Evaluator, site: CallSite) -> tuple[str, ast.expr | None]:
    """What a call saves, and under which name."""
    node = site.node
    name = evaluator.called(node, site.body)
    if name in SAVED_MODEL:
        return "export", word(node, "export_dir") or (node.args[1] if len(node.args) > 1 else None)
    if name.endswith(".ModelCheckpoint") and name.partition(".")[0] in MODULES:
        weights = word(node, "save_weights_only")
        if weights is not None and not isinstance(weights, ast.Constant):
            return "", None
        kind = "checkpoint of weights" if getattr(weights, "value", False) else "checkpoint"
        return kind, word(node, "filepath") or (node.args[0] if node.args else None)
    method = last_name(node.func)
    if not isinstance(node.func, ast.Attribute) or not MODEL.search(ast.unparse(node.func.value)):
        return "", None
    kinds = {"save": "model", "save_weights": "weights", "export": "export"}
    return kinds.get(method, ""), word(node, "filepath") or (node.args[0] if node.args else None)

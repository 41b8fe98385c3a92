"""The names under which a script saves models and weights of Keras: ``keras-file``, and ``saved-model`` for a folder.

``detail`` says what is saved: ``model``, ``weights``, ``checkpoint`` or ``checkpoint of weights``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.bodies import CallSite, place
from cursus.script.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.nodes import last_name, word

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

"""The lines that Keras prints while it trains, as ``keras-log``: ``- loss: 0.5 - val_accuracy: 0.9``.

https://keras.io/api/callbacks/progbar_logger/
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import last_name, may_hold_out, string, word

PRINTS = frozenset({"fit", "evaluate", "fit_generator", "train_on_batch", "summary", "predict"})
OTHERWISE = frozenset(
    {"Callback", "LambdaCallback", "TqdmCallback", "TQDMProgressBar", "train_step", "test_step", "add_metric"}
    | {"compile_metrics", "weighted_metrics", "Estimator", "train_and_evaluate", "Tuner", "keras_tuner"}
)
"""What makes measures appear under other names or in another form."""


SILENT = frozenset(
    {"EarlyStopping", "ModelCheckpoint", "TensorBoard", "ReduceLROnPlateau", "CSVLogger", "TerminateOnNaN"}
)
"""Callbacks that print nothing unless they are told to."""


def keras_is_quiet(bodies: Iterable[Body]) -> bool:
    """True where every ``fit`` and ``evaluate`` of a source is told to print nothing, as are its callbacks."""
    calls = [
        (site.node, body) for body in bodies for site in body.calls if last_name(site.node.func) in PRINTS
    ]
    return bool(calls) and all(
        getattr(word(node, "verbose"), "value", None) == 0 and _quiet(word(node, "callbacks"), body)
        for node, body in calls
    )


def _quiet(callbacks: ast.expr | None, body: Body) -> bool:
    """True where none of the callbacks prints anything."""
    if isinstance(callbacks, ast.Name):
        callbacks = body.only(callbacks.id)
    if callbacks is None or not isinstance(callbacks, (ast.List, ast.Tuple)):
        return callbacks is None
    made = [body.only(one.id) if isinstance(one, ast.Name) else one for one in callbacks.elts]
    return all(
        isinstance(one, ast.Call) and last_name(one.func) in SILENT and word(one, "verbose") is None
        for one in made
    )


def read_keras_lines(
    calls: Iterable[tuple[CallSite, bool]], modules: Iterable[Body], mentioned: frozenset[str]
) -> Iterator[Habit]:
    """A model that prints the measures that it is compiled with: ``key`` has them, those of held-out data too."""
    if mentioned & OTHERWISE:
        return
    nodes = [one for body in modules for one in body.all_nodes if isinstance(one, ast.Call)]
    measured = [_measures(one) for one in nodes if last_name(one.func) == "compile"]
    fits = [one for one in nodes if last_name(one.func) in ("fit", "fit_generator")]
    if not measured or None in measured or not any(map(_shows, fits)):
        return
    names = dict.fromkeys(("loss", *(name for each in measured for name in each or ())))
    held = any(map(may_hold_out, fits))
    keys = (*names, *(f"val_{name}" for name in names if held))
    for site, sure in calls:
        if any(site.node is one for one in fits):
            yield Habit("keras-log", None, "fit", sure, place(site.node, site.body), ",".join(keys))
            return


def _measures(compiled: ast.Call) -> list[str] | None:
    """The names of the metrics of ``model.compile``; None where they are not all written out as texts."""
    if any(one.arg is None for one in compiled.keywords) or isinstance(
        word(compiled, "loss"), (ast.Dict, ast.List)
    ):
        return None
    given = word(compiled, "metrics") or (compiled.args[2] if len(compiled.args) > 2 else None)
    if given is None:
        return []
    names = [string(one) for one in given.elts] if isinstance(given, (ast.List, ast.Tuple)) else [None]
    return None if None in names else [name for name in names if name]


def _shows(fit: ast.Call) -> bool:
    """True where a call of ``fit`` prints a line with the measures for each epoch, for all that is written."""
    verbose = word(fit, "verbose")
    return verbose is None or (isinstance(verbose, ast.Constant) and verbose.value in (1, 2, "auto"))

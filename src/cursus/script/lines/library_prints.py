"""The lines that libraries print by themselves while they train, and those of progress bars.

XGBoost: ``[3]<TAB>train-auc:0.9<TAB>eval-auc:0.8``, by the names that ``evals`` has
(https://xgboost.readthedocs.io/en/stable/python/python_api.html#xgboost.train). transformers' Trainer: mappings such as
``{'eval_loss': 0.5, 'epoch': 1.0}`` (https://huggingface.co/docs/transformers/main_classes/trainer), told as the
``Habit`` ``trainer-log``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from cursus.script.evaluation import values as v
from cursus.script.evaluation.conditions import around
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import MEASURE, Habit, Hole, Part, PrintedLine, Text
from cursus.script.lines.keras_prints import keras_is_quiet
from cursus.script.source.modules import Source
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import last_name, word

QUIET_LIBRARIES = frozenset(
    {
        "numpy",
        "pandas",
        "sklearn",
        "joblib",
        "scipy",
        "torch",
        "torchvision",
        "yaml",
        "boto3",
        "xgboost",
        "tqdm",
    }
)
TRAINERS = frozenset(
    {"transformers.Trainer", "transformers.Seq2SeqTrainer", "trl.SFTTrainer", "setfit.Trainer"}
    | {"transformers.trainer.Trainer", "optimum.neuron.NeuronTrainer"}
)
BARS = frozenset({"set_postfix", "set_postfix_str", "set_description", "set_description_str", "write"})
OTHERWISE = frozenset({"log_metrics", "on_log", "on_evaluate", "PrinterCallback", "disable_tqdm"})
"""What makes a Trainer's numbers appear in another form too."""


def read_trainers(
    evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]], mentioned: frozenset[str]
) -> Iterator[Habit]:
    """A Trainer that prints its numbers as mappings, and in no other form."""
    for site, sure in calls if not mentioned & OTHERWISE else ():
        if evaluator.called(site.node, site.body) in TRAINERS:
            given = word(site.node, "compute_metrics")
            measures = v.UNKNOWN if given is None else evaluator.value(given, site.body)
            keys = _keys(evaluator, measures.body) if isinstance(measures, v.Func) else []
            where = place(site.node, site.body)
            yield Habit("trainer-log", None, last_name(site.node.func), sure, where, ",".join(keys))
            return


def _keys(evaluator: Evaluator, function: Body) -> list[str]:
    """The names of the measures that ``compute_metrics`` gives, to which the Trainer adds ``eval_``."""
    found = [evaluator.value(node, function) for node, _ in function.returns]
    return [
        key
        for one in found
        if isinstance(one, v.Table)
        for key, _ in one.items
        if not key.startswith("eval_")
    ]


def bars(evaluator: Evaluator, site: CallSite) -> Iterator[PrintedLine]:
    """What a progress bar of tqdm shows besides itself: https://tqdm.github.io/docs/tqdm/#set_postfix."""
    node, name = site.node, last_name(site.node.func)
    if name not in BARS or not isinstance(node.func, ast.Attribute):
        return
    where, tests = place(node, site.body), around(evaluator, site)
    if name == "set_postfix" and not node.args and all(one.arg for one in node.keywords):
        parts: list[Part] = []
        for one in node.keywords:
            parts += [", " if parts else "it/s, ", f"{one.arg}=", Hole(True)]
        yield PrintedLine(v.merge([*parts, "]"]), "", where, tests)
        return
    found = evaluator.evaluate(node.args[0], site.body, site.order).values if node.args else (v.UNKNOWN,)
    for value in found:
        yield PrintedLine(v.merge(v.parts_of(value)), "", where, tests)


def boosted(evaluator: Evaluator, site: CallSite) -> Iterator[PrintedLine]:
    """What XGBoost prints each round, with a line of unknown content where its names are not known."""
    node = site.node
    name = evaluator.called(node, site.body)
    given = word(node, "evals") or (node.args[3] if len(node.args) > 3 else None)
    if name == "xgboost.train" and given is not None:
        if getattr(word(node, "verbose_eval"), "value", True) is False:
            return
        found = evaluator.evaluate(given, site.body, site.order).only
        names: list[str | None] = [None]
        if isinstance(found, v.Items):
            names = [_name(item) for item in found.items]
    elif last_name(node.func) == "fit" and word(node, "eval_set") is not None:
        held = word(node, "eval_set")
        names = [f"validation_{i}" for i, _ in enumerate(held.elts)] if isinstance(held, ast.List) else [None]
        if getattr(word(node, "verbose"), "value", True) is False:
            return
    elif name == "xgboost.cv":
        names = [None]
    else:
        return
    if names and evaluator.mentioned & {"lightgbm", "catboost", "lgb"}:
        names = [None]  # whose fit has lines of its own
    for tab in ("\t", "#011"):  # as syslog writes it
        parts: list[Part] = ["[", Hole(True, "d"), "]"]
        for each in names:
            parts += [tab, each, "-", Hole(name=MEASURE), ":", Hole(True, ".5f")] if each else [Hole()]
        text = v.merge(parts) if None not in names else Text((Hole(),))
        yield PrintedLine(text, "", place(node, site.body), around(evaluator, site))


def _name(item: v.Value) -> str | None:
    last = item.items[-1] if isinstance(item, v.Items) and len(item.items) == 2 else None
    return last.literal if isinstance(last, Text) else None


def log_formats(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """The formats that records are logged in: ``log-format``, ``detail`` is one, empty where it cannot be read."""
    calls = list(calls)
    makes = [last_name(site.node.func) for site, _ in calls]
    handlers = [
        one for one in makes if one == "basicConfig" or (one.endswith("Handler") and one[0].isupper())
    ]
    apart = len(handlers) > 1 and "addHandler" in evaluator.mentioned  # each may have a format of its own
    for site, sure in calls:
        name = evaluator.called(site.node, site.body)
        if name == "logging.basicConfig":
            given: ast.expr | None = word(site.node, "format")
            text = "%(levelname)s:%(name)s:%(message)s" if given is None else None
        elif name == "logging.Formatter":
            given = word(site.node, "fmt") or (site.node.args[0] if site.node.args else None)
            text = "%(message)s" if given is None else None
        else:
            continue
        value = v.UNKNOWN if given is None else evaluator.value(given, site.body)
        literal = value.literal if isinstance(value, Text) else None
        detail = "" if apart else text or literal or ""
        yield Habit("log-format", None, detail, sure, place(site.node, site.body))


def plain_output(tops: frozenset[str], source: Source) -> bool:
    """True where only libraries that print nothing by themselves, or what is known here, are imported."""
    if tops & {"tensorflow", "keras"} and keras_is_quiet(source.bodies):
        tops -= {"tensorflow", "keras"}
    local = {Path(name).stem for name in source.modules}
    return all(name in QUIET_LIBRARIES or name in sys.stdlib_module_names or name in local for name in tops)

"""The lines that libraries print by themselves while they train.

XGBoost: ``[3]<TAB>train-auc:0.9<TAB>eval-auc:0.8``, by the names that ``evals`` has
(https://xgboost.readthedocs.io/en/stable/python/python_api.html#xgboost.train). transformers' Trainer: mappings such as
``{'eval_loss': 0.5, 'epoch': 1.0}`` (https://huggingface.co/docs/transformers/main_classes/trainer), told as the
``Habit`` ``trainer-log``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script import values as v
from cursus.script.bodies import CallSite, place
from cursus.script.conditions import around
from cursus.script.evaluate import Evaluator
from cursus.script.facts import MEASURE, Habit, Hole, Part, PrintedLine, Text
from cursus.script.nodes import last_name, word

TRAINERS = frozenset(
    {"transformers.Trainer", "transformers.Seq2SeqTrainer", "trl.SFTTrainer", "setfit.Trainer"}
    | {"transformers.trainer.Trainer", "optimum.neuron.NeuronTrainer"}
)
OTHERWISE = frozenset({"log_metrics", "on_log", "on_evaluate", "PrinterCallback", "disable_tqdm"})
"""What makes a Trainer's numbers appear in another form too."""


def read_trainers(
    evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]], mentioned: frozenset[str]
) -> Iterator[Habit]:
    """A Trainer that prints its numbers as mappings, and in no other form."""
    for site, sure in calls if not mentioned & OTHERWISE else ():
        if evaluator.called(site.node, site.body) in TRAINERS:
            yield Habit("trainer-log", None, last_name(site.node.func), sure, place(site.node, site.body))
            return


def boosted(evaluator: Evaluator, site: CallSite) -> Iterator[PrintedLine]:
    """What XGBoost prints each round, with a line of unknown content where its names are not known."""
    node = site.node
    name = evaluator.called(node, site.body)
    given = word(node, "evals") or (node.args[3] if len(node.args) > 3 else None)
    if name == "xgboost.train" and given is not None:
        if getattr(word(node, "verbose_eval"), "value", True) is False:
            return
        found = evaluator.evaluate(given, site.body, site.order).only
        names = [_name(item) for item in found.items] if isinstance(found, v.Items) else [None]
    elif name == "xgboost.cv" or (last_name(node.func) == "fit" and word(node, "eval_set") is not None):
        names = [None]
    else:
        return
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
        yield Habit("log-format", None, text or literal or "", sure, place(site.node, site.body))

"""What scripts give transformers' Trainer in code: ``trainer-arguments``, ``evaluates-nothing`` and ``best-unknown``.

The first is a call of ``TrainingArguments`` or of a class of trl's above it: ``detail`` is its name, ``others`` are
what it is given, each with its name for a ``key`` and with a ``text`` where that can be read; ``source`` is ``**``
where there is more.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Const, Habit, Text
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import last_name, string, word

SETTINGS = frozenset(
    {"transformers.TrainingArguments", "transformers.Seq2SeqTrainingArguments"}
    | {f"trl.{name}Config" for name in ("SFT", "DPO", "ORPO", "KTO", "GRPO", "Reward")}
)
TRAINERS = frozenset({"transformers.Trainer", "transformers.Seq2SeqTrainer", "trl.SFTTrainer"})
STRATEGY = ("eval_strategy", "evaluation_strategy")
DATA_BY_POSITION = 4
"""How many arguments ``Trainer`` takes before its data to evaluate on."""


def read_trainer_words(
    evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]], modules: Iterable[Body]
) -> Iterator[Habit]:
    """Every call of these classes."""
    written = {
        node.attr
        for body in modules
        for node in body.all_nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    for site, sure in calls:
        name = evaluator.called(site.node, site.body)
        if name in SETTINGS:
            others = [
                Habit(
                    "given", _text(evaluator, site, one.value), "", sure, place(one.value, site.body), one.arg
                )
                for one in site.node.keywords
                if one.arg is not None
            ]
            more = "**" if site.node.args[1:] or len(others) < len(site.node.keywords) else ""
            where = place(site.node, site.body)
            yield Habit("trainer-arguments", None, name, sure, where, source=more, others=tuple(others))
        if name in TRAINERS and written.isdisjoint(("eval_dataset", *STRATEGY)):
            best = _best_unknown(evaluator, site)
            if best:
                where = place(site.node, site.body)
                yield Habit("best-unknown", None, best[0], sure, where, key=",".join(best[1]))
            when = _evaluates_nothing(evaluator, site)
            if when:
                where = place(site.node, site.body)
                yield Habit("evaluates-nothing", None, last_name(site.node.func), sure, where, key=when)


def _text(evaluator: Evaluator, site: CallSite, node: ast.expr) -> Text | None:
    value = evaluator.value(node, site.body)
    if isinstance(value, Const):
        return None if value.value is None else Text((str(value.value),))
    return value if isinstance(value, Text) else None


def _settings(evaluator: Evaluator, site: CallSite) -> ast.Call | None:
    """The call of ``TrainingArguments`` whose result a Trainer is given."""
    node = site.node
    made = word(node, "args") or (node.args[1] if len(node.args) > 1 else None)
    if isinstance(made, ast.Name):
        made = site.body.only(made.id) or site.body.top.only(made.id)
    found = isinstance(made, ast.Call) and evaluator.called(made, site.body) in SETTINGS
    return made if found and isinstance(made, ast.Call) else None


def _best_unknown(evaluator: Evaluator, site: CallSite) -> tuple[str, list[str]] | None:
    """The measure that the best model is chosen by, and those that there are, where it is none of them."""
    made = _settings(evaluator, site)
    best = string(word(made, "metric_for_best_model")) if made is not None else None
    given = word(site.node, "compute_metrics")
    if best is None or made is None or string(word(made, *STRATEGY)) not in ("epoch", "steps"):
        return None
    measures = v.UNKNOWN if given is None else evaluator.value(given, site.body)
    if not isinstance(measures, v.Func):
        return None
    found = [evaluator.value(node, measures.body) for node, _ in measures.body.returns]
    if not found or not all(isinstance(one, v.Table) and one.whole for one in found):
        return None
    keys = sorted({key for one in found if isinstance(one, v.Table) for key, _ in one.items})
    known = {"loss", "runtime", *(key.removeprefix("eval_") for key in keys)}
    return None if best.removeprefix("eval_") in known else (best, keys)


def _evaluates_nothing(evaluator: Evaluator, site: CallSite) -> str:
    """The strategy of a Trainer that is to evaluate and gets no data for it; empty for any other."""
    node = site.node
    data = word(node, "eval_dataset")
    none = data is None or (isinstance(data, ast.Constant) and data.value is None)
    if not none or len(node.args) > DATA_BY_POSITION or any(one.arg is None for one in node.keywords):
        return ""
    made = _settings(evaluator, site)
    when = string(word(made, *STRATEGY)) if made is not None else None
    return when if when in ("epoch", "steps") else ""

"""What scripts give transformers' Trainer in code: ``trainer-arguments`` and ``evaluates-nothing``.

The first is a call of ``TrainingArguments`` or of a class of trl's above it: ``detail`` is its name, ``others`` are
what it is given, each with its name for a ``key`` and with a ``text`` where that can be read; ``source`` is ``**``
where there is more.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

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
            when = _evaluates_nothing(evaluator, site)
            if when:
                where = place(site.node, site.body)
                yield Habit("evaluates-nothing", None, last_name(site.node.func), sure, where, key=when)


def _text(evaluator: Evaluator, site: CallSite, node: ast.expr) -> Text | None:
    value = evaluator.value(node, site.body)
    if isinstance(value, Const):
        return None if value.value is None else Text((str(value.value),))
    return value if isinstance(value, Text) else None


def _evaluates_nothing(evaluator: Evaluator, site: CallSite) -> str:
    """The strategy of a Trainer that is to evaluate and gets no data for it; empty for any other."""
    node = site.node
    data = word(node, "eval_dataset")
    none = data is None or (isinstance(data, ast.Constant) and data.value is None)
    if not none or len(node.args) > DATA_BY_POSITION or any(one.arg is None for one in node.keywords):
        return ""
    made = word(node, "args") or (node.args[1] if len(node.args) > 1 else None)
    if isinstance(made, ast.Name):
        made = site.body.only(made.id) or site.body.top.only(made.id)
    if not isinstance(made, ast.Call) or evaluator.called(made, site.body) not in SETTINGS:
        return ""
    when = string(word(made, *STRATEGY)) or ""
    return when if when in ("epoch", "steps") else ""

"""What transformers' Trainer refuses, where the script is seen to hand it its arguments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cursus.checks.framework.trainer import ARGUMENTS, TRUE, refused_values
from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import habits, library_version, parsed, resolve, script_of
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import Habit

STRATEGIES = frozenset({"evaluation_strategy", "eval_strategy", "save_strategy", "load_best_model_at_end"})
"""What a class of the script's own may give another default."""


@rule("FRM077", scope="script")
def refused_by_its_arguments(view: TrainingView) -> Iterator[Problem]:
    """TrainingArguments, which the script makes itself or of the hyperparameters, refuses what it gets.

    What it does:
        Where the script parses its arguments into transformers' TrainingArguments, or calls it (or SFTConfig and others of trl),
        holds what it gets against the values that these have and against each other, as FRM034 does for the library's own
        examples (for hyperparameters not where requirements.txt names a transformers of its own): fp16 with bf16, formats that the GPUs lack,
        load_best_model_at_end with strategies that differ, a strategy or an optimizer of no such name; and a Trainer that is to evaluate, and gets
        no data for it, or is to choose the best model by what its compute_metrics does not give.
    Why:
        ``ValueError: --load_best_model_at_end requires the eval and save strategy to match``, ``Trainer: evaluation requires an
        eval_dataset``: the script ends when it starts, or after its first epoch.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04
          ResourceConfig: {InstanceType: ml.g5.2xlarge, VolumeSizeInGB: null}
          HyperParameters:
            output_dir: /opt/ml/checkpoints
        -   evaluation_strategy: epochs
        +   evaluation_strategy: epoch
          files:
            train.py: |
              import os
              from datasets import load_from_disk
              from transformers import AutoModel, HfArgumentParser, Trainer, TrainingArguments
              (settings,) = HfArgumentParser(TrainingArguments).parse_args_into_dataclasses()
              rows = load_from_disk(os.environ["SM_CHANNEL_TRAIN"])
              trainer = Trainer(model=AutoModel.from_pretrained("gpt2"), args=settings, train_dataset=rows, eval_dataset=rows)
              trainer.train()
              trainer.save_model(os.environ["SM_MODEL_DIR"])
    Source:
        https://github.com/huggingface/transformers/blob/v4.36.0/src/transformers/training_args.py
    """
    for habit in habits(view, "trainer-arguments"):
        yield from _made_in_code(view, habit)
    for habit in habits(view, "evaluates-nothing"):
        yield Problem(
            f"{habit.detail} is to evaluate (each {habit.key.removesuffix('s')}), and gets no eval_dataset",
            remedy="give it an eval_dataset, or leave the strategy out",
            severity=None if habit.sure and habit.key == "epoch" else "warning",
            location=habit.location,
        )
    for habit in habits(view, "best-unknown"):
        known = ", ".join(map(show, habit.key.split(",")))
        yield Problem(
            f"the best model is chosen by {show(habit.detail)}, which compute_metrics does not give: it gives {known}",
            remedy="name one of these as metric_for_best_model, or compute it",
            severity=None if habit.sure else "warning",
            location=habit.location,
        )
    facts, image = script_of(view), view.framework
    if image is None or not any(ARGUMENTS in parser.libraries for parser in parsed(view)):
        return
    if any(one.name.lower() == "transformers" for one in facts.requirements):
        return  # a newer one may take more
    own = {argument.dest for parser in facts.parsers for argument in parser.arguments}
    version = image.version or "" if image.framework == "huggingface" else ""
    yield from refused_values(view, view.values, image, version=version, defaults=not own & STRATEGIES)


def _made_in_code(view: TrainingView, habit: Habit) -> Iterator[Problem]:
    """What a call of ``TrainingArguments`` is seen to be given."""
    version = library_version(view)
    given = {one.key: one for one in habit.others}
    found = {name: resolve(view, one.text) if one.text else None for name, one in given.items()}
    values = {name: one if isinstance(one, str) and one != "False" else None for name, one in found.items()}
    told = refused_values(view, values, view.framework, version=version, defaults=not habit.source)
    for problem in told:
        one = given[str(problem.path[-1])]
        read = one.text is not None and one.text.literal is None
        flag = read and str(values[one.key]).lower() in TRUE  # a converter may make another of it
        sure = habit.sure and version and not flag
        yield replace(
            problem,
            path=(),
            location=one.location,
            severity=problem.severity if sure else "warning",
        )

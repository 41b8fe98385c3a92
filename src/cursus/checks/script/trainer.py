"""What transformers' Trainer refuses, where the script is seen to hand it the hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.framework.trainer import ARGUMENTS, refused_when_parsed
from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import parsed, script_of
from cursus.checks.views import TrainingView

STRATEGIES = frozenset({"evaluation_strategy", "eval_strategy", "save_strategy", "load_best_model_at_end"})
"""What a class of the script's own may give another default."""


@rule("FRM077", scope="script", reads=("HyperParameters", "StaticHyperParameters"))
def refused_as_parsed(view: TrainingView) -> Iterator[Problem]:
    """TrainingArguments, which the script's HfArgumentParser makes of the hyperparameters, refuses them.

    What it does:
        Where the script parses its arguments into transformers' TrainingArguments, holds the hyperparameters against the values that these
        have and against each other, as FRM034 does for the library's own examples (but where requirements.txt
        names a transformers of its own): fp16 with bf16, formats that the GPUs lack,
        load_best_model_at_end with strategies that differ, a strategy or an optimizer of no such name.
    Why:
        ``ValueError: --load_best_model_at_end requires the eval and save strategy to match``: the script ends when it starts.
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
    facts = script_of(view)
    if view.framework is None or not any(ARGUMENTS in parser.libraries for parser in parsed(view)):
        return
    if any(one.name.lower() == "transformers" for one in facts.requirements):
        return  # a newer one may take more
    own = {argument.dest for parser in facts.parsers for argument in parser.arguments}
    yield from refused_when_parsed(view, view.framework, defaults=not own & STRATEGIES)

"""Rules of the area *hyperparameters*: tuning jobs of transformers' Trainer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.checks.framework.trainer import (
    HALVES,
    TRUE,
    UNMISTAKABLE,
    is_on,
    kinds_of,
    sure_of,
)
from cursus.checks.resources.instances import is_on_cpus
from cursus.checks.rules import Problem, hyperparameters, rule
from cursus.checks.tuning.objective import objectives
from cursus.checks.views import TrainingView, TuningView, listing
from cursus.model import Severity
from cursus.redact import show


@rule("HPO033", scope="tuning", reads=hyperparameters("output_dir", *UNMISTAKABLE))
def tuned_arguments(view: TuningView) -> Iterator[Problem]:
    """A tuning job gives transformers' Trainer values that it refuses, or waits for a metric that it never prints.

    What it does:
        Where a definition runs transformers' Trainer: looks for whole numbers in a continuous range, for fp16 among the categories on instances without
        GPUs, for an objective of the evaluation where nothing is evaluated, and for one in double quotes.
    Why:
        "invalid int value: '17.3'". The Trainer prints a dictionary of Python's, {'eval_loss': 0.3}, after each evaluation. Where the script
        only has the names of the Trainer's arguments, these are warnings.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            ParameterRanges:
        -     ContinuousParameterRanges: [{Name: per_device_train_batch_size, MinValue: "8", MaxValue: "32"}]
        +     ContinuousParameterRanges: []
        +     IntegerParameterRanges: [{Name: per_device_train_batch_size, MinValue: "8", MaxValue: "32"}]
          TrainingJobDefinition:
            AlgorithmSpecification: {TrainingImage: "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04"}
            ResourceConfig: {InstanceType: ml.g5.2xlarge, VolumeSizeInGB: null}
            StaticHyperParameters:
              sagemaker_program: run_clm.py
              sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
              model_name_or_path: gpt2
              output_dir: /opt/ml/model
    Source:
        https://github.com/huggingface/transformers/blob/v4.36.0/src/transformers/hf_argparser.py
    """
    for definition in view.definitions:
        sure = sure_of(definition)
        if sure is None:
            continue
        severity: Severity | None = None if sure else "warning"
        kinds = kinds_of(definition)
        for path, entry, name in definition.ranges:
            if path[-2] == "ContinuousParameterRanges" and kinds.get(name) == "int":
                yield Problem(
                    f"{name} is a whole number to the Trainer, and its range has others",
                    (*path, "Name"),
                    "put it among the IntegerParameterRanges",
                    severity=severity,
                )
            on = [value for value in listing(entry, "Values") if str(value).strip('"').lower() in TRUE]
            if name in HALVES and on and is_on_cpus(definition):
                yield Problem(
                    f"{name} is for GPUs, and the instances have none",
                    (*path, "Values"),
                    "leave the range out",
                    severity=severity,
                )
    for definition, objective, path in objectives(view):
        if sure_of(definition):
            yield from _never_printed(definition, objective, path)


def _never_printed(
    definition: TrainingView, objective: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[Problem]:
    """An objective that one of transformers' examples does not print."""
    values = definition.values
    for place, name, pattern, _ in definition.metric_readings:
        if name != objective.get("MetricName"):
            continue
        if re.search(r'\\?"(?:eval_|train_)?\w+\\?"\s*(?:\\s[*+]?)?:', pattern):
            yield Problem(
                f"the Trainer prints names in single quotes, so that {show(pattern)} never matches",
                (*definition.path, *place),
                pattern.replace('"', "'"),
            )
        elif (
            "eval_" in pattern
            and not is_on(values, "do_eval")
            and values.get("eval_strategy", values.get("evaluation_strategy")) == "no"
        ):
            yield Problem(
                f"nothing is evaluated, and the objective {show(name)} is printed when it is",
                (*path, "MetricName"),
                "write evaluation_strategy: epoch, and do_eval: True",
            )

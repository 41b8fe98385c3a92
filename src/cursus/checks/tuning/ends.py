"""Rules of the area *hyperparameters* for tuning requests: what ends the job, or its training jobs, early."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws import algorithms
from cursus.aws.metrics import words_of
from cursus.aws.tables import table
from cursus.checks.rules import Problem, rule
from cursus.checks.tuning.objective import objectives
from cursus.checks.views import TUNING, TrainingView, TuningView, mapping, text
from cursus.redact import show

PERCENT = 100
_PATH = (TUNING, "TuningJobCompletionCriteria", "TargetObjectiveMetricValue")
# A group of a regular expression that begins so captures no number of 2 or more.
_FRACTION = re.compile(r"\((?:\?P<\w+>)?(?:0|\[01\]|\[0-1\]|0\?)(?:\\\.|\[\.\])")


@rule(
    "HPO047",
    scope="tuning",
    severity="warning",
    reads=(f"{TUNING}.TuningJobCompletionCriteria",),
    shared=True,
)
def target_in_range(view: TuningView) -> Iterator[Problem]:
    """The target of the objective is a value that the metric can have.

    What it does:
        Holds TargetObjectiveMetricValue against the values that a metric of this name can have: shares such as
        accuracy, AUC and F1 lie between 0 and 1 (one of your own may be in percent), errors are not negative.
    Why:
        A target that no training job reaches never ends the tuning job, which goes on and costs what it was to save.
        One that every job reaches ends it with the first.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            HyperParameterTuningJobObjective: {Type: Maximize, MetricName: "validation:accuracy"}
        -   TuningJobCompletionCriteria: {TargetObjectiveMetricValue: 950}
        +   TuningJobCompletionCriteria: {TargetObjectiveMetricValue: 0.95}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TuningJobCompletionCriteria.html
    """
    target = mapping(view.config, "TuningJobCompletionCriteria").get("TargetObjectiveMetricValue")
    if isinstance(target, bool) or not isinstance(target, (int, float)):
        return
    for definition, objective, _ in objectives(view):
        name, kind = objective.get("MetricName"), objective.get("Type")
        if not isinstance(name, str) or kind not in ("Maximize", "Minimize"):
            continue
        words, facts = words_of(name), table("tuning")
        share = not words.isdisjoint(facts["between_0_and_1"])
        most = _most(definition, name) if share else None
        least = 0 if share or not words.isdisjoint(facts["not_negative"]) else None
        low, high = least is not None and target < least, most is not None and target > most
        if not low and not high and not (share and target == 0):
            continue
        never = low if kind == "Minimize" else high
        if not low and not high and kind == "Minimize":
            continue  # a share of 0 is the least that there is
        yield Problem(
            f"the target {target:g} of {show(name)} is one that "
            + ("no training job reaches" if never else "every training job reaches"),
            _PATH,
            "write a value between 0 and 1" if share else "write a value above 0",
        )
        return


def _most(definition: TrainingView, name: str) -> float:
    """The greatest value of a share: 1 where it cannot be in percent."""
    if definition.image is not None and algorithms.find(definition.image) is not None:
        return 1
    regexes = [text(m, "Regex") or "" for _, m in definition.metric_definitions if text(m, "Name") == name]
    return 1 if any(map(_FRACTION.search, regexes)) else PERCENT


@rule(
    "HPO048",
    scope="tuning",
    severity="warning",
    reads=(f"{TUNING}.TrainingJobEarlyStoppingType", "*.Strategy=Hyperband"),
    shared=True,
)
def early_stopping_works(view: TuningView) -> Iterator[Problem]:
    """Early stopping needs an objective that is reported after each epoch.

    What it does:
        Looks up whether the built-in algorithm reports its objective metric while it trains, where
        TrainingJobEarlyStoppingType is Auto, or the strategy Hyperband, which stops jobs itself.
    Why:
        SageMaker compares training jobs epoch by epoch. k-means, k-NN and others report their metric at the end, linear
        learner reports objective_loss alone after each epoch: no job is stopped, and every one is paid for in full.
        Hyperband has nothing to compare either.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
        -   TrainingJobEarlyStoppingType: Auto
        +   TrainingJobEarlyStoppingType: "Off"
            HyperParameterTuningJobObjective: {Type: Minimize, MetricName: "test:msd"}
            ParameterRanges:
              ContinuousParameterRanges: null
              IntegerParameterRanges: [{Name: mini_batch_size, MinValue: "3000", MaxValue: "15000"}]
          TrainingJobDefinition:
            AlgorithmSpecification:
              TrainingImage: 382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1
              MetricDefinitions: null
            StaticHyperParameters: {k: "3", feature_dim: "10"}
            InputDataConfig:
              - ChannelName: train
                ContentType: text/csv;label_size=0
                DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
              - ChannelName: test
                ContentType: text/csv;label_size=0
                DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/test/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-early-stopping.html
        https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html
    """
    hyperband = view.config.get("Strategy") == "Hyperband"
    if not hyperband and view.config.get("TrainingJobEarlyStoppingType") != "Auto":
        return
    member, other = ("Strategy", "Bayesian") if hyperband else ("TrainingJobEarlyStoppingType", "Off")
    for definition, objective, _ in objectives(view):
        name = text(objective, "MetricName")
        algorithm = algorithms.find(definition.image) if definition.image is not None else None
        if (
            name is None
            or algorithm is None
            or algorithm.stops_early is None
            or name not in algorithm.metrics
        ):
            continue
        if name.partition(":")[2] not in algorithm.stops_early:
            works = ", ".join(m for m in algorithm.metrics if m.partition(":")[2] in algorithm.stops_early)
            yield Problem(
                f"{algorithm.name} reports {show(name)} when it has trained: no job can be stopped early by it",
                (TUNING, member),
                f"set {member} to {other}" + (f", or choose one of {works}" if works else ""),
            )
            return

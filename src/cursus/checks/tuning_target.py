"""A rule of the area *hyperparameters* for tuning requests: the value of the objective at which the job ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws import algorithms
from cursus.aws.tables import table
from cursus.checks.rules import Problem, rule
from cursus.checks.tuning_objective import objectives, words_of
from cursus.checks.views import TUNING, TrainingView, TuningView, mapping, text
from cursus.redact import show

PERCENT = 100
_PATH = (TUNING, "TuningJobCompletionCriteria", "TargetObjectiveMetricValue")
# A group of a regular expression that begins so captures no number of 2 or more.
_FRACTION = re.compile(r"\((?:\?P<\w+>)?(?:0|\[01\]|\[0-1\]|0\?)(?:\\\.|\[\.\])")


@rule(
    "HPO047",
    area="hyperparameters",
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
    Breaks:
        operation: CreateHyperParameterTuningJob
        HyperParameterTuningJobConfig:
          HyperParameterTuningJobObjective: {Type: Maximize, MetricName: "validation:accuracy"}
          TuningJobCompletionCriteria: {TargetObjectiveMetricValue: 950}
    Right:
        operation: CreateHyperParameterTuningJob
        HyperParameterTuningJobConfig:
          HyperParameterTuningJobObjective: {Type: Maximize, MetricName: "validation:accuracy"}
          TuningJobCompletionCriteria: {TargetObjectiveMetricValue: 0.95}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TuningJobCompletionCriteria.html
    Since:
        0.1
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

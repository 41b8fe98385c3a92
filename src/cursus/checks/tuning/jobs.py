"""Rules of the area *hyperparameters* for tuning requests: strategy, number of jobs, limits, definitions, warm start."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.aws.tables import table
from cursus.checks.rules import SPACE, Problem, rule
from cursus.checks.tuning.ranges import RANGES, Entry
from cursus.checks.views import (
    TUNING,
    TrainingView,
    TuningView,
    integer,
    is_reference,
    mapping,
    text,
)
from cursus.redact import show

LIMITS = (TUNING, "ResourceLimits")


def _space(view: TuningView, definition: TrainingView) -> list[Entry]:
    """Every range that one definition's training jobs are given."""
    own = (*definition.path, "HyperParameterRanges")
    return [entry for path, space in view.spaces if path in (RANGES, own) for entry in space]


def combinations(space: list[Entry]) -> int | None:
    """How many different training jobs a search space allows; None where there is no end or it cannot be known."""
    total = 1
    for entry in space:
        if entry.kind == "CategoricalParameterRanges":
            values = entry.range.get("Values")
            if not isinstance(values, list) or is_reference(values):
                return None
            different = {v for v in values if isinstance(v, str)}
            if not different or any(
                not isinstance(v, str) for v in values
            ):  # another rule's to report, or unknown
                return None
            total *= len(different)
        elif entry.kind == "IntegerParameterRanges":
            try:
                low, high = int(text(entry.range, "MinValue") or ""), int(text(entry.range, "MaxValue") or "")
            except ValueError:
                return None
            if high <= low:  # the rule on ranges says so
                return None
            total *= high - low + 1
        else:
            return None
    return total if space else None


def all_combinations(view: TuningView) -> int | None:
    """The combinations of all definitions together."""
    if not view.definitions or "Autotune" in view.request:
        return None
    held = (
        mapping(view.config, "ParameterRanges"),
        *(mapping(d.request, "HyperParameterRanges") for d in view.definitions),
    )
    kinds = [kind for ranges in held for kind in ranges.values()]
    if any(is_reference(kind) or (isinstance(kind, list) and any(map(is_reference, kind))) for kind in kinds):
        return None
    total = 0
    for definition in view.definitions:
        found = combinations(_space(view, definition))
        if found is None:
            return None
        total += found
    return total


@rule("HPO010", scope="tuning", reads=(f"{TUNING}.ResourceLimits",), shared=True, of=SPACE)
def jobs_against_combinations(view: TuningView) -> Iterator[Problem]:
    """There are fewer combinations than training jobs.

    What it does:
        Multiplies out integer and categorical ranges and compares the product with MaxNumberOfTrainingJobs. A
        continuous range has no end of values.
    Why:
        SageMaker refuses it: "You don't have enough combinations of hyperparameter ranges. The total number of
        hyperparameter combinations … must be equal or greater than the value of MaxNumberOfJobs".
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
        -   ResourceLimits: {MaxNumberOfTrainingJobs: 10}
        +   ResourceLimits: {MaxNumberOfTrainingJobs: 3}
            ParameterRanges:
              ContinuousParameterRanges: null
              IntegerParameterRanges: [{Name: num_layers, MinValue: "2", MaxValue: "4"}]
    Source:
        https://github.com/aws/amazon-sagemaker-operator-for-k8s/issues/123
    """
    jobs = integer(view.limits, "MaxNumberOfTrainingJobs")
    if jobs is None or view.config.get("Strategy") == "Grid":
        return
    count = all_combinations(view)
    if count is not None and count < jobs:
        yield Problem(
            "You don't have enough combinations of hyperparameter ranges: they allow "
            f"{count} for {jobs} training jobs",
            (*LIMITS, "MaxNumberOfTrainingJobs"),
            f"set MaxNumberOfTrainingJobs to {count} at most, or widen the ranges",
        )


@rule("HPO011", scope="tuning", reads=(TUNING,), shared=True, of=SPACE)
def grid_search(view: TuningView) -> Iterator[Problem]:
    """Grid search takes categorical ranges, and each combination once.

    What it does:
        For strategy Grid: no other kind of range, and MaxNumberOfTrainingJobs, where it is given, equal to the
        number of combinations.
    Why:
        SageMaker refuses integer and continuous ranges in a grid, and a number of jobs that is not the grid's.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            Strategy: Grid
            ResourceLimits: {MaxNumberOfTrainingJobs: null, MaxParallelTrainingJobs: 1}
        +   ParameterRanges:
        +     ContinuousParameterRanges: null
        +     CategoricalParameterRanges: [{Name: learning_rate, Values: ["0.1", "0.01"]}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html
    """
    if view.config.get("Strategy") != "Grid":
        return
    for definition in view.definitions:
        for entry in _space(view, definition):
            if entry.kind in ("IntegerParameterRanges", "ContinuousParameterRanges"):
                yield Problem(
                    f"{show(entry.name)} has a range of {entry.kind[:-15].lower()} values; strategy Grid supports "
                    "categorical ranges only",
                    entry.path,
                    "list its values in CategoricalParameterRanges, or use strategy Random",
                )
    jobs = integer(view.limits, "MaxNumberOfTrainingJobs")
    if jobs is None or any(
        e.kind != "CategoricalParameterRanges" for d in view.definitions for e in _space(view, d)
    ):
        return
    count = all_combinations(view)
    if count is not None and count != jobs:
        yield Problem(
            f"the grid has {count} combination{'' if count == 1 else 's'}, and MaxNumberOfTrainingJobs is {jobs}",
            (*LIMITS, "MaxNumberOfTrainingJobs"),
            f"leave it out, or set it to {count}",
        )


@rule("HPO012", scope="tuning", reads=(f"{TUNING}.ResourceLimits",), shared=True, of=SPACE)
def parallel_jobs(view: TuningView) -> Iterator[Problem]:
    """No more jobs at once than jobs at all.

    What it does:
        Compares MaxParallelTrainingJobs with MaxNumberOfTrainingJobs: more is an error; where all run at once under a
        strategy that learns from finished jobs, a warning.
    Why:
        SageMaker refuses more parallel jobs than jobs. With all jobs at once, Bayesian search has nothing to learn
        from and is random search.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
        -   ResourceLimits: {MaxNumberOfTrainingJobs: 2, MaxParallelTrainingJobs: 4}
        +   ResourceLimits: {MaxNumberOfTrainingJobs: 20, MaxParallelTrainingJobs: 4}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceLimits.html
    """
    jobs = integer(view.limits, "MaxNumberOfTrainingJobs")
    parallel = integer(view.limits, "MaxParallelTrainingJobs")
    if jobs is None or parallel is None:
        return
    path = (*LIMITS, "MaxParallelTrainingJobs")
    if parallel > jobs:
        yield Problem(
            f"MaxParallelTrainingJobs {parallel} is more than MaxNumberOfTrainingJobs {jobs}",
            path,
            f"set it to {jobs} at most",
        )
    elif parallel == jobs > 2 and view.config.get("Strategy") == "Bayesian":
        yield Problem(
            f"all {jobs} training jobs start at once: Bayesian search has no finished job to learn from",
            path,
            "let fewer run at once, or use strategy Random",
            severity="warning",
        )


@rule(
    "HPO013",
    scope="tuning",
    severity="warning",
    reads=(f"{TUNING}.ResourceLimits",),
    shared=True,
    of=(*SPACE, "StoppingCondition"),
)
def runtime_of_the_whole_job(view: TuningView) -> Iterator[Problem]:
    """The tuning job may end before one training job does.

    What it does:
        Compares ResourceLimits.MaxRuntimeInSeconds, the time of the whole tuning job, with
        StoppingCondition.MaxRuntimeInSeconds, the time of one training job. An info where it is too short for all
        rounds of training jobs that use all of their time.
    Why:
        The limit is for the whole tuning job. Below that of a training job it stops the first ones half way.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
        -   ResourceLimits: {MaxRuntimeInSeconds: 1800}
        +   ResourceLimits: {MaxRuntimeInSeconds: 360000}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceLimits.html
    """
    whole = integer(view.limits, "MaxRuntimeInSeconds")
    if whole is None:
        return
    for definition in view.definitions:
        one = integer(definition.stopping, "MaxRuntimeInSeconds")
        if one is not None and whole < one:
            yield Problem(
                f"the whole tuning job may run {whole} s, and one of its training jobs {one} s: it is stopped during "
                "the first ones",
                (*LIMITS, "MaxRuntimeInSeconds"),
                "raise it to the time of all rounds of training jobs, or lower "
                "StoppingCondition.MaxRuntimeInSeconds",
            )
        elif one is not None and len(view.definitions) == 1:
            yield from _rounds(view, whole, one)


def _rounds(view: TuningView, whole: int, one: int) -> Iterator[Problem]:
    jobs = integer(view.limits, "MaxNumberOfTrainingJobs")
    parallel = integer(view.limits, "MaxParallelTrainingJobs")
    if jobs is None or parallel is None or parallel < 1:
        return
    rounds = -(-jobs // parallel)
    if rounds * one > whole:
        yield Problem(
            f"{jobs} training jobs, {parallel} at a time, are {rounds} rounds of at most {one} s each; the whole tuning "
            f"job has {whole} s",
            (*LIMITS, "MaxRuntimeInSeconds"),
            f"where training jobs use their time, allow {rounds * one} s",
            severity="info",
        )


@rule("HPO014", scope="tuning", reads=("*.Strategy=Hyperband", "*.StrategyConfig"), shared=True)
def hyperband(view: TuningView) -> Iterator[Problem]:
    """Hyperband wants its resources, and its own early stopping.

    What it does:
        For strategy Hyperband: MaxResource given or inferable, MinResource below it, TrainingJobEarlyStoppingType not
        Auto. For the other strategies: no StrategyConfig, a warning.
    Why:
        SageMaker refuses it: "MaxResource parameter is not provided and could not be inferred from provided static
        hyperparameters"; and Hyperband stops jobs itself. Beside another strategy its configuration is taken, and unused.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            Strategy: Hyperband
        -   TrainingJobEarlyStoppingType: Auto
            StrategyConfig: {HyperbandStrategyConfig: {MinResource: 1, MaxResource: 27}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperbandStrategyConfig.html,
        https://github.com/hashicorp/terraform-provider-aws/pull/47138
    """
    strategy = text(view.config, "Strategy")
    if strategy is None:
        return
    if strategy != "Hyperband":
        if "StrategyConfig" in view.config:
            yield Problem(
                f"StrategyConfig is for strategy Hyperband only, and the strategy is {strategy}",
                (TUNING, "StrategyConfig"),
                "leave StrategyConfig out, or set Strategy to Hyperband",
                severity="warning",
            )
        return
    if view.config.get("TrainingJobEarlyStoppingType") == "Auto":
        yield Problem(
            "TrainingJobEarlyStoppingType must be Off with strategy Hyperband, which stops jobs by its own rule",
            (TUNING, "TrainingJobEarlyStoppingType"),
            "leave it out, or set it to Off",
        )
    yield from _hyperband_resources(view)


def _hyperband_resources(view: TuningView) -> Iterator[Problem]:
    config = mapping(mapping(view.config, "StrategyConfig"), "HyperbandStrategyConfig")
    path = (TUNING, "StrategyConfig", "HyperbandStrategyConfig")
    facts = table("tuning")
    least, most = integer(config, "MinResource"), integer(config, "MaxResource")
    if "MaxResource" not in config and not is_reference(view.config.get("StrategyConfig")):
        for definition in view.definitions:
            if not any(name in definition.hyperparameters for name in facts["epoch_names"]):
                yield Problem(
                    "MaxResource is not given, and cannot be inferred from the static hyperparameters",
                    (*path, "MaxResource"),
                    f"give it, or one of the static hyperparameters {', '.join(facts['epoch_names'])}",
                )
                break
    if most is not None and most > facts["max_resource"]:
        yield Problem(
            f"MaxResource {most} is more than {facts['max_resource']}",
            (*path, "MaxResource"),
            f"set it to {facts['max_resource']} at most",
        )
    if least is not None and most is not None and least >= most:
        yield Problem(
            f"MinResource {least} is not below MaxResource {most}",
            (*path, "MinResource"),
            "let Hyperband stop a job before it has used MaxResource",
        )


@rule("HPO015", scope="tuning", severity="warning", reads=(TUNING,), shared=True, of=SPACE)
def number_of_jobs_given(view: TuningView) -> Iterator[Problem]:
    """The tuning job says how many training jobs it runs.

    What it does:
        Wants MaxNumberOfTrainingJobs, or another end (MaxRuntimeInSeconds, completion criteria, Autotune, a grid).
    Why:
        Without an end of your own the service's default decides, and what it costs is not in the request.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
        -   ResourceLimits: {MaxNumberOfTrainingJobs: null, MaxParallelTrainingJobs: 2}
        +   ResourceLimits: {MaxNumberOfTrainingJobs: 20, MaxParallelTrainingJobs: 2}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceLimits.html
    """
    if not view.limits or "Autotune" in view.request or view.config.get("Strategy") == "Grid":
        return
    criteria = mapping(view.config, "TuningJobCompletionCriteria")
    if (
        "MaxNumberOfTrainingJobs" not in view.limits
        and "MaxRuntimeInSeconds" not in view.limits
        and not criteria
    ):
        yield Problem(
            "nothing says how many training jobs the tuning job runs",
            (*LIMITS, "MaxNumberOfTrainingJobs"),
            "set MaxNumberOfTrainingJobs",
        )
    jobs = integer(view.limits, "MaxNumberOfTrainingJobs")
    worse = integer(mapping(criteria, "BestObjectiveNotImproving"), "MaxNumberOfTrainingJobsNotImproving")
    if jobs is not None and worse is not None and worse >= jobs:
        yield Problem(
            f"the tuning job ends after {worse} jobs without improvement, and has {jobs} jobs in all: it never does",
            (
                TUNING,
                "TuningJobCompletionCriteria",
                "BestObjectiveNotImproving",
                "MaxNumberOfTrainingJobsNotImproving",
            ),
            f"set it below {jobs}",
        )


@rule("HPO024", scope="tuning", reads=(f"{TUNING}.ResourceLimits",), shared=True, of=SPACE)
def most_jobs(view: TuningView) -> Iterator[Problem]:
    """A tuning job has no more training jobs, and no more time, than any quota allows.

    What it does:
        Holds MaxParallelTrainingJobs, MaxNumberOfTrainingJobs and MaxRuntimeInSeconds against what the quotas can be raised to;
        a grid has as many training jobs as it has combinations. More random training jobs than the quota is before it was
        raised, 750, are a warning. (The account's own quotas only the account knows.)
    Why:
        SageMaker refuses more: ResourceLimitExceeded.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
        -   ResourceLimits: {MaxNumberOfTrainingJobs: 500, MaxParallelTrainingJobs: 150}
        +   ResourceLimits: {MaxNumberOfTrainingJobs: 500, MaxParallelTrainingJobs: 10}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html
    """
    facts = table("tuning")
    strategy = str(view.config.get("Strategy"))
    for member, limit in (
        ("MaxParallelTrainingJobs", facts["max_parallel_jobs"]),
        ("MaxNumberOfTrainingJobs", facts["max_jobs"].get(strategy)),
        ("MaxRuntimeInSeconds", facts["max_seconds"]),
    ):
        given = integer(view.limits, member)
        if given is not None and limit is not None and given > limit:
            yield Problem(
                f"{member} {given} is more than the {limit} that the quota can be raised to",
                (*LIMITS, member),
                f"set it to {limit} at most",
            )
            return
    jobs = integer(view.limits, "MaxNumberOfTrainingJobs")
    default = facts["default_jobs"]
    if strategy == "Grid" and jobs is None and (grid := all_combinations(view) or 0) > default:
        yield Problem(
            f"the grid has {grid} training jobs, more than the {default} of a tuning job",
            (*LIMITS,),
            "search fewer values, or with another strategy",
        )
    elif jobs is not None and jobs > default:
        yield Problem(
            f"{jobs} training jobs are more than the default quota, {default} a tuning job",
            (*LIMITS, "MaxNumberOfTrainingJobs"),
            "lower it, or make sure that the account's quota was raised",
            severity="warning",
        )

"""Rules of the area *hyperparameters* for tuning requests: the objective, and what a built-in algorithm lets tune."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from cursus.aws import algorithms, images
from cursus.aws.hyperparameters import Condition, Idle
from cursus.aws.metrics import direction_of
from cursus.checks.algorithms.channels import meant
from cursus.checks.algorithms.hyperparameters import documented_only
from cursus.checks.rules import OBJECTIVE, Problem, rule
from cursus.checks.texts import NOTHING, STAND_IN
from cursus.checks.tuning.ranges import READS, Entry
from cursus.checks.type_words import decimal
from cursus.checks.views import TUNING, TrainingView, TuningView, is_reference, mapping, text
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import did_you_mean

SHARED: Path = (TUNING, "HyperParameterTuningJobObjective")


def objectives(view: TuningView) -> Iterator[tuple[TrainingView, Mapping[str, object], Path]]:
    """(definition, objective, path of the objective) for every definition that has one."""
    shared = mapping(view.config, "HyperParameterTuningJobObjective")
    for definition in view.definitions:
        own = mapping(definition.request, "TuningObjective")
        if own:
            yield definition, own, (*definition.path, "TuningObjective")
        elif shared:
            yield definition, shared, SHARED


@rule("HPO019", scope="tuning", shared=True)
def objective_given(view: TuningView) -> Iterator[Problem]:
    """A tuning job has an objective.

    What it does:
        Wants HyperParameterTuningJobObjective where there is one TrainingJobDefinition; a warning beside Autotune, with
        which SageMaker makes the tuning job.
    Why:
        The service's model does not require it, because with several definitions each has its own. A single one
        without it is refused: there is nothing to compare training jobs by.
    Example:
          operation: CreateHyperParameterTuningJob
        - HyperParameterTuningJobConfig: {HyperParameterTuningJobObjective: null}
        + HyperParameterTuningJobConfig:
        +   HyperParameterTuningJobObjective: {Type: Maximize, MetricName: "validation:accuracy"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTuningJobConfig.html,
        https://github.com/hashicorp/terraform-provider-aws/pull/47138
    """
    if "TrainingJobDefinition" not in view.request or not view.definitions or not view.config:
        return
    if (
        "HyperParameterTuningJobObjective" not in view.config
        and "TuningObjective" not in view.definitions[0].request
    ):
        yield Problem(
            "the tuning job has no objective to compare its training jobs by",
            SHARED,
            'add HyperParameterTuningJobObjective, such as {"Type": "Maximize", "MetricName": "validation:accuracy"}',
            severity="warning" if mapping(view.request, "Autotune").get("Mode") == "Enabled" else None,
        )


@rule("HPO020", scope="tuning", shared=True, of=OBJECTIVE)
def objective_defined(view: TuningView) -> Iterator[Problem]:
    """The objective is a metric that the training job has.

    What it does:
        Looks up the objective's MetricName among MetricDefinitions, or, for a built-in algorithm, among the metrics
        that it prints.
    Why:
        SageMaker refuses it: "A metric is required for this hyperparameter tuning job objective. Provide a metric in
        the metric definitions." Names are compared letter by letter.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
        -   HyperParameterTuningJobObjective: {Type: Maximize, MetricName: "validation:acc"}
        +   HyperParameterTuningJobObjective: {Type: Maximize, MetricName: "validation:accuracy"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-metrics-variables.html
    """
    for definition, objective, path in objectives(view):
        name = objective.get("MetricName")
        given = definition.algorithm.get("MetricDefinitions")
        if not isinstance(name, str) or is_reference(given) or definition.image is None:
            continue
        defined = [text(metric, "Name") for _, metric in definition.metric_definitions]
        if name in defined or None in defined:
            continue
        algorithm = algorithms.find(definition.image)
        if algorithm is not None and algorithm.metrics:
            if name not in algorithm.metrics:
                # It prints its training metrics too; the guide lists only the validation metrics as objectives.
                # XGBoost's own container takes no other, as _tuning_objective_metric.
                printed = name.startswith("train:") and f"validation:{name[6:]}" in algorithm.metrics
                printed = printed and (algorithm.name != "xgboost" or algorithm.version == "0.72")
                yield Problem(
                    f"the objective metric {show(name)} isn't valid for the {algorithm.name} algorithm."
                    + did_you_mean(name, algorithm.metrics),
                    (*path, "MetricName"),
                    "choose one of " + ", ".join(algorithm.metrics),
                    severity="warning" if printed else None,
                )
            continue
        names = [entry for entry in defined if entry]
        where: Path = (*definition.path, "AlgorithmSpecification", "MetricDefinitions")
        if names:
            yield Problem(
                f"the objective metric {show(name)} is not among the metric definitions "
                f"({', '.join(map(show, names[:5]))}).{did_you_mean(name, names)}",
                (*path, "MetricName"),
                "use the name of a metric definition, or add a definition of this name",
            )
        else:
            if images.parse_image(definition.image) is None:
                continue  # what is wrong with the image is said of it
            stand_in = re.fullmatch(STAND_IN, definition.image) is not None
            yield Problem(
                f"a metric is required for the objective {show(name)}, and none is defined"
                + ("; the image is a placeholder, so that its own metrics are not known" if stand_in else ""),
                where,
                f'add {{"Name": "{name}", "Regex": …}} with a regular expression that captures its number in the logs',
                severity="warning" if stand_in else None,
            )


@rule("HPO021", scope="tuning", severity="warning", shared=True, of=OBJECTIVE)
def objective_direction(view: TuningView) -> Iterator[Problem]:
    """The objective goes the right way.

    What it does:
        An error where a built-in algorithm's metric is optimised the wrong way; a warning where the metric's name says
        that it is (`loss` maximised, `accuracy` minimised).
    Why:
        SageMaker knows which way is better for the metrics of its own algorithms and refuses the other. For your own
        metrics it does as it is told, and the tuning job finds the worst model.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
        -   HyperParameterTuningJobObjective: {Type: Minimize, MetricName: "validation:accuracy"}
        +   HyperParameterTuningJobObjective: {Type: Maximize, MetricName: "validation:accuracy"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTuningJobObjective.html
    """
    for definition, objective, path in objectives(view):
        name, kind = objective.get("MetricName"), objective.get("Type")
        if not isinstance(name, str) or kind not in ("Maximize", "Minimize"):
            continue
        algorithm = algorithms.find(definition.image) if definition.image else None
        known = algorithm.metrics.get(name) if algorithm else None
        defined = [text(metric, "Name") for _, metric in definition.metric_definitions]
        if known is None and defined and name not in defined:
            continue  # HPO020 says that there is no such metric
        right = known or direction_of(name)
        if right is not None and right != kind:
            yield Problem(
                f"the objective is to {str(kind).lower()} {show(name)}, of which "
                f"{'less' if right == 'Minimize' else 'more'} is better",
                (*path, "Type"),
                f"set Type to {right}",
                severity="error" if known else None,
            )


@rule("HPO022", scope="tuning", shared=True, of=OBJECTIVE)
def objective_needs_channel(view: TuningView) -> Iterator[Problem]:
    """A validation metric needs validation data.

    What it does:
        For a built-in algorithm whose objective is `validation:…` or `test:…`: wants the channel of that name.
    Why:
        The algorithm computes the metric on that channel. Without it the metric is never printed, and the tuning job
        fails: no objective metrics were found.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            HyperParameterTuningJobObjective: {Type: Maximize, MetricName: "validation:auc"}
            ParameterRanges:
              ContinuousParameterRanges: [{Name: eta, MinValue: "0.1", MaxValue: "0.5"}]
          TrainingJobDefinition:
            AlgorithmSpecification:
              TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
              MetricDefinitions: null
            StaticHyperParameters: {objective: "binary:logistic", num_round: "100"}
        +   InputDataConfig:
        +     - ChannelName: train
        +       ContentType: text/csv
        +       DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
        +     - ChannelName: validation
        +       ContentType: text/csv
        +       DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/validation/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost-tuning.html
    """
    for definition, objective, path in objectives(view):
        name = objective.get("MetricName")
        if not isinstance(name, str):
            continue
        stage = name.partition(":")[0]
        if stage not in ("validation", "test") or is_reference(definition.request.get("InputDataConfig")):
            continue
        algorithm = definition.builtin
        if algorithm is None or stage not in algorithm.channels or name not in algorithm.metrics:
            continue
        names = [channel.name for channel in definition.channels]
        misnamed = {
            meant(each, algorithm.channels) for each in names if each and each not in algorithm.channels
        }
        known = names and None not in names and NOTHING.isdisjoint(filter(None, names))
        if known and stage not in names and stage not in misnamed:
            yield Problem(
                f"the objective {show(name)} is computed on the channel {show(stage)}, which the job does not have",
                (*path, "MetricName"),
                f"add a channel {show(stage)}, or choose another metric",
            )


@rule(
    "HPO032",
    scope="tuning",
    reads=(f"{TUNING}.HyperParameterTuningJobObjective", "TuningObjective"),
    when="builtin",
)
def objective_of_the_learning_task(view: TuningView) -> Iterator[Problem]:
    """The tuning objective is computed for what is learned.

    What it does:
        Holds the metric of a built-in algorithm against the hyperparameter that says what it learns: XGBoost's
        `objective`, as if the metric were its `eval_metric`; predictor_type, mode and output_layer of others.
    Why:
        Of a multi-class objective XGBoost computes no rmse or logloss ("label and prediction size not match"), and of
        another one no mlogloss; linear learner computes accuracy for classifiers only. Every training job fails, or ends
        without the metric.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
        -   HyperParameterTuningJobObjective: {Type: Minimize, MetricName: "validation:rmse"}
        +   HyperParameterTuningJobObjective: {Type: Minimize, MetricName: "validation:mlogloss"}
            ParameterRanges:
              ContinuousParameterRanges: [{Name: eta, MinValue: "0.1", MaxValue: "0.5"}]
          TrainingJobDefinition:
            AlgorithmSpecification:
              TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
              MetricDefinitions: null
            StaticHyperParameters: {objective: "multi:softprob", num_class: "3", num_round: "100"}
            InputDataConfig:
              - {ChannelName: train, ContentType: text/csv, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}}
              - {ChannelName: validation, ContentType: text/csv, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/held-out/"}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost-tuning.html
    """
    for definition, objective, path in objectives(view):
        name = objective.get("MetricName")
        algorithm = definition.builtin
        if algorithm is None or not isinstance(name, str) or name not in algorithm.metrics:
            continue
        if is_reference(definition.request.get("StaticHyperParameters")):
            continue
        idle, barred, wanting = _depends(algorithm, name.partition(":")[2])
        deciding = [each.other for each in idle if _left_out(definition, each)]
        if any(each.applies(definition.hyperparameters) for each in barred) or any(
            _refused(definition, each.values) for each in wanting
        ):
            deciding.append("objective")
        if deciding and _unknown_objective(algorithm, definition):
            continue
        for other in deciding[:1]:
            yield Problem(
                f"the metric {show(name)} is not computed by {algorithm.name} with {other} "
                f"{show(definition.hyperparameters.get(other))}",
                (*path, "MetricName"),
                f"choose a metric that goes with the {other}",
            )


def _unknown_objective(algorithm: algorithms.Algorithm, definition: TrainingView) -> bool:
    """True where the hyperparameter is none that the algorithm takes, which is said of that."""
    known, value = algorithm.hyperparameter("objective"), definition.hyperparameters.get("objective")
    return known is not None and isinstance(value, str) and known.problem(value) is not None


@lru_cache(maxsize=256)
def _depends(
    algorithm: algorithms.Algorithm, metric: str
) -> tuple[tuple[Idle, ...], tuple[Condition, ...], tuple[Condition, ...]]:
    """What a metric depends on: what it is computed beside, the conditions that bar it, and those that it sets itself."""
    conditions = algorithm.conditions
    return (
        tuple(each for each in algorithm.metrics_when if metric in each.names),
        tuple(
            each for each in conditions if algorithms.matches(metric, each.excludes.get("eval_metric", ()))
        ),
        tuple(
            each
            for each in conditions
            if metric in each.when.get("eval_metric", ()) and "objective" in each.values
        ),
    )


def _left_out(definition: TrainingView, each: Idle) -> bool:
    """True where an algorithm does not compute a metric with the hyperparameters that a definition gives."""
    value = definition.hyperparameters.get(each.other)
    algorithm = definition.builtin
    spec = algorithm.hyperparameters.get(each.other) if algorithm is not None else None
    if (value is None and spec is not None and spec.required) or (
        isinstance(value, str) and value in NOTHING
    ):
        return False  # that is told of the hyperparameter
    return each.other not in definition.tuned and not each.counts(value)


def _refused(definition: TrainingView, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    """True where the hyperparameter `objective` is none of those that a metric wants."""
    value = definition.hyperparameters.get("objective")
    return (
        isinstance(value, str) and value not in NOTHING and not algorithms.matches(value, wanted["objective"])
    )


@rule("HPO023", scope="tuning", reads=READS, shared=True, of=OBJECTIVE)
def tunable(view: TuningView) -> Iterator[Problem]:
    """A built-in algorithm lets some of its hyperparameters be tuned, within their bounds.

    What it does:
        Looks up each range among the algorithm's hyperparameters: known, tunable (but for JumpStart's scripts, of which
        SageMaker knows none), of that kind, and inside the values that it takes. A second name (learning_rate of eta) is a
        warning, a range wider than the documented one an info.
        Names alone where XGBoost's image runs a script.
    Why:
        SageMaker refuses to tune what the algorithm does not declare tunable, and it goes by the image: a script in
        XGBoost's image can have none tuned of its own. A value outside the bounds fails the training jobs that get it.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            HyperParameterTuningJobObjective: {Type: Maximize, MetricName: "validation:auc"}
            ParameterRanges:
              ContinuousParameterRanges: [{Name: eta, MinValue: "0.1", MaxValue: "0.5"}]
        -     IntegerParameterRanges: [{Name: early_stopping_rounds, MinValue: "5", MaxValue: "10"}]
        +     IntegerParameterRanges: [{Name: max_depth, MinValue: "5", MaxValue: "10"}]
          TrainingJobDefinition:
            AlgorithmSpecification:
              TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
              MetricDefinitions: null
            StaticHyperParameters: {objective: "binary:logistic", num_round: "100"}
            InputDataConfig:
              - {ChannelName: train, ContentType: text/csv, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}}
              - {ChannelName: validation, ContentType: text/csv, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/held-out/"}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost-tuning.html
    """
    used: dict[Path, algorithms.Algorithm] = {}
    scripts = False
    for definition in view.definitions:
        algorithm = definition.builtin
        if algorithm is None and definition.image is not None:
            algorithm = algorithms.find(definition.image)  # a script: SageMaker looks at the image alone
            scripts = scripts or algorithm is not None
        if algorithm is not None and algorithm.hyperparameters:
            used[definition.path] = algorithm
    if not used:
        return
    for path, space in view.spaces:
        found = {id(a): a for place, a in used.items() if path[: len(place)] == place or path[0] == TUNING}
        for algorithm in found.values():
            names = [entry.name for entry in space]
            for entry in space:
                if names.count(entry.name) == 1:  # one with two ranges is another rule's to tell
                    yield from _tunable(algorithm, entry, scripts)


def _tunable(algorithm: algorithms.Algorithm, entry: Entry, script: bool) -> Iterator[Problem]:
    if entry.name is None or entry.kind == "AutoParameters":
        return
    known = algorithm.hyperparameter(entry.name)
    if known is None:
        options = [name for name, option in algorithm.hyperparameters.items() if option.tunable]
        yield Problem(
            f"the {algorithm.name} algorithm has no hyperparameter {show(entry.name)}."
            + did_you_mean(entry.name, algorithm.hyperparameters),
            (*entry.path, "Name"),
            ("tune one of " + ", ".join(options) if options else "tune one that it has")
            + (": SageMaker goes by the image, whatever the script reads" if script else ""),
            severity="warning" if algorithm.script or documented_only(algorithm) else None,
            allowable=entry.name,
        )
        return
    if not known.tunable and not algorithm.script:
        options = [name for name, option in algorithm.hyperparameters.items() if option.tunable]
        yield Problem(
            f"{show(entry.name)} of the {algorithm.name} algorithm is not tunable",
            (*entry.path, "Name"),
            "set it in StaticHyperParameters; tunable are " + ", ".join(options)
            if options
            else "set it statically",
        )
        return
    if entry.name in algorithm.aliases:
        listed = algorithm.aliases[entry.name]
        yield Problem(
            f"{show(entry.name)} is the container's second name of {listed}: the hyperparameters that SageMaker tunes are "
            "listed by their first",
            (*entry.path, "Name"),
            f"tune {listed}",
            severity="warning",
        )
    if not script:
        yield from _kind_and_bounds(algorithm, known, entry)


def _kind_and_bounds(
    algorithm: algorithms.Algorithm, known: algorithms.Hyperparameter, entry: Entry
) -> Iterator[Problem]:
    """A range of another kind than the hyperparameter, and values in it that the algorithm does not take."""
    kind = entry.kind.removesuffix("ParameterRanges")
    if kind == "Categorical":
        yield from _choices(algorithm, known, entry)
    elif known.tunable_type not in (None, kind):
        yield Problem(
            f"{show(entry.name)} of the {algorithm.name} algorithm is {_a(known.tunable_type)} hyperparameter, and its "
            f"range is {_a(kind)} one",
            entry.path,
            f"move it to {known.tunable_type}ParameterRanges",
            # SageMaker takes it, and tries whole numbers alone.
            severity="info" if (kind, known.tunable_type) == ("Integer", "Continuous") else None,
        )
    else:
        yield from _bounds(algorithm, known, entry)


def _choices(
    algorithm: algorithms.Algorithm, known: algorithms.Hyperparameter, entry: Entry
) -> Iterator[Problem]:
    for i, value in enumerate(entry.range.get("Values") or ()):
        if not isinstance(value, str):
            continue
        wrong = known.problem(value.strip('"') if algorithm.script else value)
        if wrong:
            near = did_you_mean(value, known.values)
            yield Problem(
                f"the value {show(value)} of {show(entry.name)} {wrong}{'.' if near else ''}{near}",
                (*entry.path, "Values", i),
                f"{algorithm.name} takes {known.expected}",
                severity="warning" if known.lacks_capitals(value) else None,
            )


def _bounds(
    algorithm: algorithms.Algorithm, known: algorithms.Hyperparameter, entry: Entry
) -> Iterator[Problem]:
    for name in ("MinValue", "MaxValue"):
        value = decimal(text(entry.range, name) or "")
        if value is None or (value <= 0 and entry.range.get("ScalingType") == "Logarithmic"):
            continue  # a logarithmic range that begins at 0 is another rule's to tell
        if not known.contains(value):
            # The interval's open end may be the range's end: the tuner draws it with probability 0, and the
            # service's own tables give such ranges.
            at_end = value in (known.minimum, known.maximum)
            yield Problem(
                f"{name} {show(entry.range[name])} of {show(entry.name)} is outside what {algorithm.name} takes, "
                f"{known.interval}",
                (*entry.path, name),
                f"keep the range inside {known.interval}",
                severity="warning" if at_end else None,
            )
        elif len(known.recommended) == 2 and all(isinstance(b, (int, float)) for b in known.recommended):
            low, high = known.recommended
            if not low <= value <= high:
                yield Problem(
                    f"{name} {show(entry.range[name])} of {show(entry.name)} is outside the recommended range "
                    f"{low:g} to {high:g}",
                    (*entry.path, name),
                    "the recommended range is a good place to begin",
                    severity="info",
                )


def _a(kind: str | None) -> str:
    word = str(kind).lower()
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"

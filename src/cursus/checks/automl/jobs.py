"""Rules of the area *hyperparameters* for AutoML requests, in both versions of the operation.

What the request's data has to look like is in ``data``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.tables import dated, table
from cursus.checks.rules import PROBLEM_TYPE, Problem, rule
from cursus.checks.type_words import decimal
from cursus.checks.views import AutoMLView, integer, is_reference, listing, mapping, text
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import did_you_mean, plain_name

PROBLEM = "AutoMLProblemTypeConfig"
GATED = "Llama"
BOTH = "You must either provide both the AutoMLJobObjective and ProblemType, or none at all"


def problem_type(view: AutoMLView) -> tuple[Any, Path]:
    """ProblemType as it stands, and where it stands."""
    if view.version == 1:
        return view.request.get("ProblemType"), ("ProblemType",)
    config, path = view.config
    return config.get("ProblemType"), (*path, "ProblemType")


@rule("HPO025", scope="automl", shared=True, of=PROBLEM_TYPE)
def problem_and_objective(view: AutoMLView) -> Iterator[Problem]:
    """Problem type and objective are given together.

    What it does:
        For tabular jobs: wants ProblemType and AutoMLJobObjective, or neither.
    Why:
        SageMaker refuses one without the other: "You must either provide both the AutoMLJobObjective and ProblemType,
        or none at all."
    Example:
          operation: CreateAutoMLJob
        - AutoMLJobObjective: null
        + AutoMLJobObjective: {MetricName: F1}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAutoMLJob.html
    """
    if view.kind != "TabularJobConfig":
        return
    unknown = (
        view.request.get("AutoMLJobConfig"),
        *mapping(view.request, "AutoMLProblemTypeConfig").values(),
    )
    if any(map(is_reference, unknown)):
        return
    kind, path = problem_type(view)
    objective = view.request.get("AutoMLJobObjective")
    if kind is not None and objective is None:
        yield Problem(
            f"{BOTH}: ProblemType{f' {show(kind)}' if isinstance(kind, str) else ''} is given without an objective",
            ("AutoMLJobObjective",),
            "add AutoMLJobObjective, or leave ProblemType out",
        )
    elif kind is None and objective is not None:
        yield Problem(
            f"{BOTH}: the objective is given alone", path, "add ProblemType, or leave AutoMLJobObjective out"
        )


@rule("HPO026", scope="automl", reads=("AutoMLJobObjective",), shared=True, of=PROBLEM_TYPE)
def objective_fits(view: AutoMLView) -> Iterator[Problem]:
    """The objective is a metric of the problem type.

    What it does:
        Looks up AutoMLJobObjective.MetricName among the metrics of the problem type.
    Why:
        Each problem type has its own metrics; SageMaker refuses any other. F1 is for two classes, F1macro for more.
    Example:
          operation: CreateAutoMLJob
          ProblemType: Regression
        + AutoMLJobObjective: {MetricName: RMSE}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLJobObjective.html
    """
    name = text(mapping(view.request, "AutoMLJobObjective"), "MetricName")
    kind = view.kind
    if name is None or kind is None:
        return
    label = kind
    if kind == "TabularJobConfig":
        given, _ = problem_type(view)
        if not isinstance(given, str):
            return
        label = given
    known = table("automl")["metrics"].get(label)
    if known is None or name in known:
        return
    if not known:
        yield Problem(
            "text generation takes no AutoMLJobObjective",
            ("AutoMLJobObjective",),
            "leave it out",
            severity="warning",
        )
        return
    yield Problem(
        f"the objective {show(name)} is no metric of {label}.{did_you_mean(name, known)}",
        ("AutoMLJobObjective", "MetricName"),
        "use " + ", ".join(known),
    )


@rule("HPO027", scope="automl", severity="warning", shared=True, of=PROBLEM_TYPE)
def time_limits(view: AutoMLView) -> Iterator[Problem]:
    """The whole AutoML job has time for its training jobs.

    What it does:
        Compares MaxAutoMLJobRuntimeInSeconds with MaxRuntimePerTrainingJobInSeconds, and MaxCandidates with what the
        problem type allows.
    Why:
        A job whose own limit is below that of one training job can end before any candidate does: it has no best
        candidate then.
    Example:
          operation: CreateAutoMLJob
          AutoMLJobConfig:
        -   CompletionCriteria: {MaxRuntimePerTrainingJobInSeconds: 3600, MaxAutoMLJobRuntimeInSeconds: 1800}
        +   CompletionCriteria: {MaxRuntimePerTrainingJobInSeconds: 3600, MaxAutoMLJobRuntimeInSeconds: 36000}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLJobCompletionCriteria.html
    """
    config, path = view.config
    criteria = mapping(config, "CompletionCriteria")
    if not criteria:
        return
    whole, one = (
        integer(criteria, "MaxAutoMLJobRuntimeInSeconds"),
        integer(criteria, "MaxRuntimePerTrainingJobInSeconds"),
    )
    if whole is not None and one is not None and whole < one:
        yield Problem(
            f"the whole job may run {whole} s, and one training job {one} s: it may end without a candidate",
            (*path, "CompletionCriteria", "MaxAutoMLJobRuntimeInSeconds"),
            "raise it to the time of several training jobs, or lower MaxRuntimePerTrainingJobInSeconds",
        )
    candidates = integer(criteria, "MaxCandidates")
    facts = table("automl")
    kind = view.kind
    if candidates is not None and candidates > 1 and kind in facts["single_candidate"]:
        yield Problem(
            f"MaxCandidates is {candidates}; the supported value for {kind} is 1",
            (*path, "CompletionCriteria", "MaxCandidates"),
            "set it to 1, or leave it out",
        )


@rule(
    "HPO028",
    scope="automl",
    shared=True,
    of=(*PROBLEM_TYPE, "GenerateCandidateDefinitionsOnly", "ModelDeployConfig"),
)
def mode_and_algorithms(view: AutoMLView) -> Iterator[Problem]:
    """The algorithms go with the training mode.

    What it does:
        Looks up AutoMLAlgorithms among those of the mode (ENSEMBLING, HYPERPARAMETER_TUNING) or of time-series
        forecasting; with mode AUTO there may be none; and sample weights want ensembling. A warning for
        GenerateCandidateDefinitionsOnly with ensembling, which defines none, or beside ModelDeployConfig.
    Why:
        Each mode trains its own algorithms; SageMaker refuses others, and refuses a choice where it chooses the mode.
    Example:
          operation: CreateAutoMLJob
          AutoMLJobConfig:
        -   Mode: HYPERPARAMETER_TUNING
        +   Mode: ENSEMBLING
            CandidateGenerationConfig: {AlgorithmsConfig: [{AutoMLAlgorithms: [lightgbm]}]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLAlgorithmConfig.html
    """
    config, path = view.config
    kind = view.kind
    if not config or kind is None:
        return
    facts = table("automl")["algorithms"]
    given = config.get("Mode")
    mode = given if isinstance(given, str) else None
    yield from _without_training(view, config, path, mode)
    listed = listing(mapping(config, "CandidateGenerationConfig"), "AlgorithmsConfig")
    place = (*path, "CandidateGenerationConfig", "AlgorithmsConfig")
    if kind == "TabularJobConfig" and mode in (None, "AUTO") and listed and not is_reference(given):
        yield Problem(
            "AlgorithmsConfig is given, and the training mode is AUTO"
            + ("" if mode else ", the default")
            + ": it chooses the algorithms itself",
            place,
            "leave it out, or set Mode to ENSEMBLING or HYPERPARAMETER_TUNING",
            severity=None if mode else "warning",
        )
        return
    known = facts.get(mode if kind == "TabularJobConfig" else kind)
    for i, entry in enumerate(listed):
        for j, name in enumerate(listing(entry, "AutoMLAlgorithms") if isinstance(entry, Mapping) else ()):
            if known is not None and isinstance(name, str) and name not in known:
                tabular = kind == "TabularJobConfig"
                whose = f"the mode {mode} trains" if tabular else f"{kind} knows"
                yield Problem(
                    f"the algorithm {show(name)} is not one that {whose}." + did_you_mean(name, known),
                    (*place, i, "AutoMLAlgorithms", j),
                    f"use one of {', '.join(known)}{_other_mode(name, mode) if tabular else ''}",
                )


def _without_training(
    view: AutoMLView, config: Mapping[str, Any], path: Path, mode: str | None
) -> Iterator[Problem]:
    """Candidates are only to be defined, and something is wanted of them that only training gives."""
    name = "GenerateCandidateDefinitionsOnly"
    given, where = (view.request, ()) if view.version == 1 else (config, path)
    if given.get(name) is not True:
        return
    if view.request.get("ModelDeployConfig"):
        yield Problem(
            f"with {name} no model is trained, and ModelDeployConfig deploys none",
            (*where, name),
            "leave one of them out",
            severity="warning",
        )
    if mode == "ENSEMBLING":
        yield Problem(
            f"{name} is for hyperparameter tuning: ensembling has no definitions of candidates",
            (*where, name),
            "set Mode to HYPERPARAMETER_TUNING, or leave it out",
            severity="warning",
        )


def _other_mode(name: str, mode: str | None) -> str:
    """The training mode that does know an algorithm, as an addition to the advice."""
    trained = table("automl")["algorithms"]
    other = next((each for each in ("ENSEMBLING", "HYPERPARAMETER_TUNING") if name in trained[each]), None)
    return f", or set Mode to {other}, which trains {name}" if other not in (None, mode) else ""


@rule("HPO029", scope="automl", reads=(PROBLEM, "*.SampleWeightAttributeName"), shared=True)
def columns_differ(view: AutoMLView) -> Iterator[Problem]:
    """The columns of an AutoML job are different columns.

    What it does:
        Compares the columns that the problem type's configuration, or a channel of the first version, names.
    Why:
        A text and its label cannot be one column, nor time stamp and target, nor a target and its weight.
    Example:
          operation: CreateAutoMLJobV2
          AutoMLJobObjective: null
          AutoMLProblemTypeConfig:
            TabularJobConfig: null
        -   TextClassificationJobConfig: {ContentColumn: review, TargetLabelColumn: review}
        +   TextClassificationJobConfig: {ContentColumn: review, TargetLabelColumn: sentiment}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAutoMLJobV2.html
    """
    config = mapping(view.request, PROBLEM)
    tabular = ((PROBLEM, "TabularJobConfig"), mapping(config, "TabularJobConfig"))
    for place, holder in (*view.channels, tabular):
        target, weight = text(holder, "TargetAttributeName"), text(holder, "SampleWeightAttributeName")
        if target is not None and target == weight:
            yield Problem(
                f"the target column {show(target)} is its own sample weight",
                (*place, "SampleWeightAttributeName"),
                "name the column of the weights",
            )
    found = mapping(config, "TextClassificationJobConfig")
    content, target = text(found, "ContentColumn"), text(found, "TargetLabelColumn")
    if content is not None and content == target:
        yield Problem(
            f"content and label are the same column {show(content)}",
            (PROBLEM, "TextClassificationJobConfig", "TargetLabelColumn"),
            "name the column of the labels",
        )
    series = mapping(mapping(config, "TimeSeriesForecastingJobConfig"), "TimeSeriesConfig")
    seen: dict[str, str] = {}
    for name in ("TargetAttributeName", "TimestampAttributeName", "ItemIdentifierAttributeName"):
        column = text(series, name)
        if column is not None and seen.setdefault(column, name) != name:
            yield Problem(
                f"{name} and {seen[column]} are the same column {show(column)}",
                (PROBLEM, "TimeSeriesForecastingJobConfig", "TimeSeriesConfig", name),
                "name three different columns",
            )
    for i, column in enumerate(listing(series, "GroupingAttributeNames")):
        if isinstance(column, str) and column in seen:
            yield Problem(
                f"{seen[column]} {show(column)} is among the columns to group by",
                (PROBLEM, "TimeSeriesForecastingJobConfig", "TimeSeriesConfig", "GroupingAttributeNames", i),
                "group by other columns",
            )


@rule("HPO030", scope="automl", reads=(f"{PROBLEM}.TimeSeriesForecastingJobConfig",), shared=True)
def forecasting(view: AutoMLView) -> Iterator[Problem]:
    """A forecast stays within what Autopilot forecasts.

    What it does:
        Holds ForecastHorizon, ForecastQuantiles and Transformations against their limits, and looks for
        DataSplitConfig.
    Why:
        SageMaker refuses a longer horizon, a quantile given twice, filling methods that a gap does not have, aggregation and
        frontfill of other columns than the target, and a data split, which forecasting makes itself.
    Example:
          operation: CreateAutoMLJobV2
          AutoMLJobObjective: null
          AutoMLProblemTypeConfig:
            TabularJobConfig: null
            TimeSeriesForecastingJobConfig:
              ForecastFrequency: 1D
        -     ForecastHorizon: 900
        +     ForecastHorizon: 30
              TimeSeriesConfig: {TargetAttributeName: sales, TimestampAttributeName: day, ItemIdentifierAttributeName: shop}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TimeSeriesForecastingJobConfig.html
    """
    config = mapping(mapping(view.request, PROBLEM), "TimeSeriesForecastingJobConfig")
    if not config:
        return
    path: Path = (PROBLEM, "TimeSeriesForecastingJobConfig")
    facts = table("automl")
    horizon = integer(config, "ForecastHorizon")
    if horizon is not None and horizon > facts["max_forecast_horizon"]:
        yield Problem(
            f"the forecast horizon of {horizon} steps is more than {facts['max_forecast_horizon']}",
            (*path, "ForecastHorizon"),
            "forecast fewer steps, or use a longer ForecastFrequency",
        )
    seen: set[str] = set()
    for i, quantile in enumerate(listing(config, "ForecastQuantiles")):
        if not isinstance(quantile, str):
            continue
        if quantile in seen:
            yield Problem(
                f"the quantile {show(quantile)} is given twice",
                (*path, "ForecastQuantiles", i),
                "give it once",
            )
        seen.add(quantile)
    if "DataSplitConfig" in view.request:
        yield Problem(
            "DataSplitConfig must not be set for time-series forecasting, which splits its data itself",
            ("DataSplitConfig",),
            "leave it out",
        )
    yield from _transformations(config, path, facts["filling"])


def _transformations(
    config: Mapping[str, Any], path: Path, filling: Mapping[str, list[str]]
) -> Iterator[Problem]:
    transformations = mapping(config, "Transformations")
    target = text(mapping(config, "TimeSeriesConfig"), "TargetAttributeName")
    for column in mapping(transformations, "Aggregation"):
        if target is not None and column != target:
            yield Problem(
                f"aggregation is only for the target column {show(target)}, not for {show(column)}",
                (*path, "Transformations", "Aggregation", column),
                "leave it out",
            )
    for column, methods in mapping(transformations, "Filling").items():
        if not isinstance(methods, Mapping) or is_reference(methods):
            continue
        for method, value in methods.items():
            place = (*path, "Transformations", "Filling", column, method)
            if not isinstance(method, str):
                continue
            if method.endswith("_value"):
                if isinstance(value, str) and decimal(value) is None:
                    yield Problem(f"{method} {show(value)} is no number", place, "write such as 0")
                fills = methods.get(method.removesuffix("_value"))
                if isinstance(fills, str) and fills != "value":
                    yield Problem(
                        f"{method} is for the method value, and {method.removesuffix('_value')} is {show(fills)}",
                        place,
                        "leave it out, or fill with the method value",
                        severity="warning",
                    )
            elif method == "frontfill" and target is not None and column != target:
                yield Problem(
                    f"frontfill is only for the target column {show(target)}, not for {show(column)}",
                    place,
                    "leave it out",
                )
            elif isinstance(value, str) and value not in filling.get(method, (value,)):
                yield Problem(
                    f"{method} does not take {show(value)}", place, "use " + ", ".join(filling[method])
                )
            elif value == "value" and f"{method}_value" not in methods:
                yield Problem(f"{method} fills with a value, and none is given", place, f"add {method}_value")


@rule("HPO031", scope="automl", reads=(f"{PROBLEM}.TextGenerationJobConfig",), shared=True)
def text_generation(view: AutoMLView) -> Iterator[Problem]:
    """Fine-tuning takes four hyperparameters.

    What it does:
        Looks up TextGenerationHyperParameters and their bounds, BaseModelName, and AcceptEula.
    Why:
        A value outside its bounds is refused, and so is another name of a base model that is known (JumpStart's id, another
        case); those of Llama are gated, and need AcceptEula true. A name that is not known is a warning.
    Example:
          operation: CreateAutoMLJobV2
          AutoMLJobObjective: null
          AutoMLProblemTypeConfig:
            TabularJobConfig: null
        -   TextGenerationJobConfig: {TextGenerationHyperParameters: {epochCount: "50"}}
        +   TextGenerationJobConfig: {TextGenerationHyperParameters: {epochCount: "5"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TextGenerationJobConfig.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-llms-finetuning-models.html
    """
    config = mapping(mapping(view.request, PROBLEM), "TextGenerationJobConfig")
    path: Path = (PROBLEM, "TextGenerationJobConfig")
    known = table("automl")["text_generation_hyperparameters"]
    for name, value in mapping(config, "TextGenerationHyperParameters").items():
        place = (*path, "TextGenerationHyperParameters", name)
        if name not in known:
            meant = did_you_mean(str(name), known)
            yield Problem(
                f"fine-tuning has no hyperparameter {show(name)}.{meant}",
                place,
                "use " + ", ".join(known),
                severity=None if meant else "warning",
            )
            continue
        kind, low, high = known[name]
        if isinstance(value, str) and not _inside(value, kind, low, high):
            yield Problem(
                f"{name} {show(value)} is no {kind} from {low} to {high}",
                place,
                f"write {'an' if kind == 'integer' else 'a'} {kind} in these bounds",
            )
    model, accepted = text(config, "BaseModelName"), mapping(config, "ModelAccessConfig").get("AcceptEula")
    yield from _base_model(model, (*path, "BaseModelName"))
    if model in table("automl")["base_models"] and str(model).startswith(GATED):
        if accepted in (None, False):
            yield Problem(
                f"the base model {show(model)} is gated, and its licence is not accepted",
                (*path, "ModelAccessConfig", "AcceptEula"),
                "read the licence, and add ModelAccessConfig: {AcceptEula: true}",
            )
    elif accepted is False:
        yield Problem(
            "the licence of the base model is not accepted",
            (*path, "ModelAccessConfig", "AcceptEula"),
            "set AcceptEula to true after reading it, or leave ModelAccessConfig out",
            severity="warning",
        )


def _base_model(name: str | None, place: Path) -> Iterator[Problem]:
    models = table("automl")["base_models"]
    if name is None or name in models:
        return
    same = next(
        (one for one, id in models.items() if name == id or plain_name(name) == plain_name(one)), None
    )
    if same is not None:
        yield Problem(
            f"the base model is called {show(same)}, not {show(name)}", place, f"write {show(same)}"
        )
        return
    yield Problem(
        f"the data of {dated('automl')} knows no base model {show(name)} that AutoML fine-tunes."
        f"{did_you_mean(name, models)}",
        place,
        f"check that it exists, then allow it (--allow {name}); known are {', '.join(models)}",
        severity="warning",
        allowable=name,
    )


def _inside(value: str, kind: str, low: float, high: float) -> bool:
    try:
        number = int(value) if kind == "integer" else float(value)
    except ValueError:
        return False
    return low <= number <= high

"""What a builder's hooks promise on artifacts, metrics and logging, held against the request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.checks.promises.hooks import (
    compare,
    definition,
    differs,
    hook,
    literal,
    located,
    meaning,
    place_of,
    same,
    same_uri,
)
from cursus.checks.promises.requests import unsent
from cursus.checks.rules import Problem, rule
from cursus.checks.views import StepView, is_reference, mapping
from cursus.model import Path, format_path
from cursus.redact import show
from cursus.suggest import did_you_mean

OUTPUT_KEYS: dict[str, Path] = {
    "KmsKeyId": ("OutputDataConfig", "KmsKeyId"),
    "CompressionType": ("OutputDataConfig", "CompressionType"),
}


@rule("ART080", scope="step")
@located("get_model_output_config")
def model_output(view: StepView) -> Iterator[Problem]:
    """The builder's model output configuration disagrees with the request.

    What it does:
        Compares S3OutputPath, KmsKeyId and CompressionType of `get_model_output_config` with OutputDataConfig.
        What the hook alone says, where the request is whole without it, is a warning.
    Why:
        The model lies where the request says. The next step looks where the hook says, and finds nothing.
    Example:
          hooks:
        -   get_model_output_config: {S3OutputPath: "s3://example-bucket/other/"}
        +   get_model_output_config: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    said = hook(view, "get_model_output_config")
    training = definition(view)
    if not said or training is None:
        return
    uri, has = literal(said, "S3OutputPath"), literal(training.output, "S3OutputPath")
    if uri is not None and has is not None and not same_uri(uri, has):
        place: Path = (*training.path, "OutputDataConfig", "S3OutputPath")
        yield differs(view, "get_model_output_config", "S3OutputPath", uri, place, has)
    yield from compare(view, "get_model_output_config", said, OUTPUT_KEYS)
    yield from unsent(view, "get_model_output_config")


@rule("ART081", scope="step")
@located("get_expected_artifacts")
def expected_artifacts(view: StepView) -> Iterator[Problem]:
    """The expected artifacts are no list of paths inside the model directory.

    What it does:
        Reads `get_expected_artifacts`: each entry is a path relative to /opt/ml/model (`model.pkl`,
        `code/inference.py`), `model.tar.gz` or `output.tar.gz` for the archives themselves, or a path
        that begins with `output/data/` or `checkpoints/`.
    Why:
        SageMaker packs /opt/ml/model and nothing else into model.tar.gz, so a path outside of it can never
        be there, and an address or absolute path is not what the archive's members are called.
    Example:
          hooks:
        -   get_expected_artifacts: [/opt/ml/model/model.pkl, "s3://example-bucket/models/model.tar.gz"]
        +   get_expected_artifacts: [model.pkl, model.tar.gz]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    said = view.promises.hooks.get("get_expected_artifacts")
    if said is None:
        return
    if isinstance(said, Mapping):
        said = list(said.values())
    if isinstance(said, str) or not isinstance(said, (list, tuple)):
        yield Problem(
            f"get_expected_artifacts gives {show(said)}, which is no list of paths.",
            remedy='Return a list of paths inside the model directory, such as ["model.pkl"].',
        )
        return
    seen: set[str] = set()
    for entry in said:
        wrong = _artifact_fault(entry)
        if wrong:
            yield Problem(
                f"get_expected_artifacts has {show(entry)}, {wrong}.",
                remedy="Write a path relative to the model directory (/opt/ml/model), such as 'model.pkl'.",
                location=place_of(view, "get_expected_artifacts", entry),
            )
        elif entry in seen:
            yield Problem(
                f"get_expected_artifacts has {show(entry)} twice.",
                remedy="Take one of the two out.",
                severity="warning",
            )
        else:
            seen.add(entry)


def _artifact_fault(entry: Any) -> str:
    if not isinstance(entry, str):
        return "which is no path"
    if not entry.strip() or entry.strip("./") == "":
        return "which names no file"
    if "://" in entry:
        return "an address, not a path inside the model directory"
    if entry.startswith("/"):
        return "an absolute path, while the archive's members are relative to /opt/ml/model"
    if ".." in entry.split("/"):
        return "which leads out of the model directory"
    return ""


@rule("MON080", scope="step")
@located("get_metrics_config")
def metrics(view: StepView) -> Iterator[Problem]:
    """The builder promises a metric that the request does not define.

    What it does:
        Looks up each metric of `get_metrics_config` in AlgorithmSpecification.MetricDefinitions, and compares the
        regular expressions.
        What the hook alone says, where the request is whole without it, is a warning.
    Why:
        SageMaker reads only the metrics that the request defines. One that only the hook has is never
        recorded: no chart, no alarm, and a tuning job that has it as its objective fails.
    Example:
          AlgorithmSpecification:
        -   MetricDefinitions: [{Name: "train:loss", Regex: "loss=([0-9.]+)"}]
        +   MetricDefinitions: [{Name: "validation:loss", Regex: "val_loss=([0-9.]+)"}]
          hooks:
            get_metrics_config:
              MetricDefinitions: [{Name: "validation:loss", Regex: "val_loss=([0-9.]+)"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    value = view.promises.hooks.get("get_metrics_config")
    training = definition(view)
    if not value or training is None:
        return
    defined: dict[str, dict[Any, int]] = {}
    for i, metric in training.metric_definitions:
        if isinstance(name := metric.get("Name"), str):
            defined.setdefault(name, {}).setdefault(literal(metric, "Regex"), i)
    place: Path = (*training.path, "AlgorithmSpecification", "MetricDefinitions")
    if is_reference(training.algorithm.get("MetricDefinitions")):
        return
    for name, regex in promised_metrics(value):
        if name not in defined:
            yield Problem(
                f"get_metrics_config promises the metric {name!r}, but the request does not define it in "
                f"{format_path(place)} (it defines {', '.join(defined) or 'none'}).{did_you_mean(name, defined)}",
                place,
                f"Add {{'Name': {name!r}, 'Regex': …}} to the request's MetricDefinitions.",
                location=place_of(view, "get_metrics_config", name),
            )
            continue
        has, i = next(iter(defined[name].items()))
        if isinstance(regex, str) and isinstance(has, str) and regex not in defined[name]:
            where: Path = (*place, i, "Regex")
            yield differs(
                view,
                "get_metrics_config",
                f"the Regex of {name!r}",
                regex,
                where,
                has,
                place_of(view, "get_metrics_config", name, "Regex"),
            )
    yield from unsent(view, "get_metrics_config")


def promised_metrics(value: Any) -> Iterator[tuple[str, Any]]:
    """(name, regex) of each metric in what ``get_metrics_config`` returned."""
    if isinstance(value, Mapping):
        value = value.get("MetricDefinitions", value.get("metric_definitions", value))
    if isinstance(value, Mapping):
        yield from ((str(name), regex) for name, regex in value.items() if isinstance(regex, str))
    elif isinstance(value, (list, tuple)):
        for metric in value:
            if isinstance(metric, Mapping) and isinstance(metric.get("Name"), str):
                yield metric["Name"], metric.get("Regex")


@rule("MON081", scope="step")
@located("get_logging_config")
def cloudwatch_off(view: StepView) -> Iterator[Problem]:
    """CloudWatch logging is switched off, which SageMaker cannot do.

    What it does:
        Reads `EnableCloudWatchLogging` of `get_logging_config`.
    Why:
        Every training job writes what it prints to the log group /aws/sagemaker/TrainingJobs; no member of
        CreateTrainingJob switches that off. Whoever counts on it leaks what the script prints.
    Example:
          hooks:
        -   get_logging_config: {EnableCloudWatchLogging: false}
        +   get_logging_config: {EnableCloudWatchLogging: true}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
    """
    said = hook(view, "get_logging_config").get("EnableCloudWatchLogging")
    if said is not None and meaning(said) in (("false",), 0.0):
        yield Problem(
            f"get_logging_config says EnableCloudWatchLogging is {show(said)}, but a SageMaker training job always "
            "writes its log to CloudWatch: no member of CreateTrainingJob switches it off.",
            remedy="Take EnableCloudWatchLogging out, and keep what must not be logged out of the script's output.",
            location=view.promises.place("get_logging_config", "EnableCloudWatchLogging"),
        )


@rule("MON082", scope="step")
@located("get_logging_config")
def logging(view: StepView) -> Iterator[Problem]:
    """The builder's logging configuration disagrees with the request.

    What it does:
        Compares LogLevel of `get_logging_config` with the hyperparameter `sagemaker_container_log_level`, and
        EnableSageMakerDebugger with DebugHookConfig.
        What the hook alone says, where the request is whole without it, is a warning.
    Why:
        The container logs at the level of the request, and SageMaker saves tensors only with a DebugHookConfig.
    Example:
        - HyperParameters: {sagemaker_container_log_level: "40"}
        + HyperParameters: {sagemaker_container_log_level: "20"}
          hooks:
            get_logging_config: {LogLevel: INFO}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DebugHookConfig.html and the training
        toolkit's documentation of `sagemaker_container_log_level`: https://github.com/aws/sagemaker-training-toolkit
    """
    said = hook(view, "get_logging_config")
    training = definition(view)
    if not said or training is None:
        return
    import logging

    level = said.get("LogLevel")
    # The training toolkit takes Python's own numbers.
    number = level if isinstance(level, int) else logging.getLevelName(str(level).upper())
    place: Path = (*training.path, training.hyperparameters_member, "sagemaker_container_log_level")
    if isinstance(number, int):  # a level that there is not: MON095
        has = literal(training.hyperparameters, place[-1])  # type: ignore[arg-type]
        if has is not None and not same(number, has):
            yield differs(view, "get_logging_config", "LogLevel", level, place, has)
    if said.get("EnableSageMakerDebugger") is False and mapping(view.request, "DebugHookConfig"):
        yield Problem(
            "get_logging_config says EnableSageMakerDebugger is False, but the request has a DebugHookConfig, with which "
            "SageMaker saves tensors during the job.",
            ("DebugHookConfig",),
            "Take DebugHookConfig out of the request, or write True in get_logging_config.",
            location=view.promises.place("get_logging_config", "EnableSageMakerDebugger"),
        )
    yield from unsent(view, "get_logging_config")

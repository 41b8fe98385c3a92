"""What was read of a builder's short forms and of files, but not understood.

A key that no short form has never reaches the request, and a value that cannot be lowered stays behind in the
hook: both are said here, because nothing later can see them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.distribution import is_strategy_name
from cursus.checks.promises.hooks import hook
from cursus.checks.promises.lowering_tuning import ranges
from cursus.checks.rules import Problem, rule
from cursus.checks.views import StepView
from cursus.redact import show
from cursus.steps.lowering import shortforms
from cursus.suggest import closest, did_you_mean, plain_name


def _unknown_keys(view: StepView, *hooks: str) -> Iterator[Problem]:
    """Keys of these hooks' mappings that their short form does not have; API members begin with a capital."""
    for name in hooks:
        value = hook(view, name)
        if name != "config" and _is_request(name, value):
            continue
        known = shortforms.KEYS[name]
        for key in value:
            if key in known or (name in _OPEN and isinstance(key, str) and key[:1].isupper()):
                continue
            if name != "config" or not _arrives(str(key), value[key], view.step.request):
                yield _unknown_key(view, name, key, known)


MOST_MEMBERS = 10_000
"""Members of a request that are looked through for a value of the configuration."""


def _arrives(key: str, value: Any, request: Mapping[str, Any]) -> bool:
    """True where the request has the value in a member of that name: the builder itself has put it there."""
    from cursus.steps.written.expressions import same_text
    from cursus.steps.written.names import meanings

    if isinstance(value, (Mapping, list)) or value is None:
        return False
    ends = {meaning[-1] for meaning in meanings(key)}
    pending: list[Any] = [request]
    for _ in range(MOST_MEMBERS):
        if not pending:
            break
        part = pending.pop()
        if isinstance(part, Mapping):
            for name, each in part.items():
                if isinstance(each, (Mapping, list)):
                    pending.append(each)
                elif isinstance(name, str) and plain_name(name) in ends and same_text(value, each):
                    return True
        elif isinstance(part, list):
            pending.extend(part)
    return False


_OPEN = ("config", "get_step_config")
_REQUESTS = ("get_tuning_config", "get_auto_ml_config")


def _is_request(hook: str, value: Mapping[str, Any]) -> bool:
    """True where a tuning or AutoML hook gave the API's own form, which the service model is held against."""
    return hook in _REQUESTS and any(isinstance(key, str) and key[:1].isupper() for key in value)


def _unknown_key(view: StepView, hook: str, key: Any, known: tuple[str, ...]) -> Problem:
    name = "the configuration" if hook == "config" else hook
    near = closest(str(key), known)
    if near is None and hook == "config":
        # A builder may take keys of its own: one that is near to none of ours is no mistake.
        return Problem(
            f"the configuration has the key {show(key)}, which only the builder itself reads.",
            severity="info",
            location=view.promises.place(hook, key),
        )
    return Problem(
        f"{name} has the key {show(key)}, which is none that reaches the request.{did_you_mean(str(key), known)}",
        remedy=f"Write {near} instead." if near else f"Known are {', '.join(known)}.",
        location=view.promises.place(hook, key),
    )


@rule("STP090", scope="step", severity="warning")
def unknown_configuration_key(view: StepView) -> Iterator[Problem]:
    """The flat configuration has a key that nobody reads.

    What it does:
        Holds the keys of the configuration and of `get_step_config` against those that become parts of the
        request. A key of the configuration that is near to none of them is an info: the builder may read it. Texts
        (`framework_version`) and mappings (`hyperparameters`) that are something else are reported too.
    Why:
        A misspelt key leaves its part of the request at what it was: the job runs on another instance, or has no
        time limit, and nobody is told.
    Example:
          hooks:
        -   config: {training_instance_tpye: ml.m5.xlarge}
        +   config: {training_instance_type: ml.m5.xlarge}
    Source:
        The members they become: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    yield from _unknown_keys(view, "config", "get_step_config")
    for name in _OPEN:
        config = hook(view, name)
        for key, wanted, kinds in _FLAT_KINDS:
            value = config.get(key)
            if value is not None and not isinstance(value, kinds):
                yield _unread(view, name, key, value, wanted)


_FLAT_KINDS: tuple[tuple[str, str, tuple[type, ...]], ...] = (
    ("hyperparameters", "a mapping", (Mapping,)),
    ("local_channels", "a mapping", (Mapping,)),
    # A mapping may be a pipeline's variable.
    *(
        (key, "a text", (str, Mapping))
        for key in (
            "source_dir",
            "entry_point",
            "framework",
            "framework_version",
            "python_version",
            "region",
            "role",
        )
    ),
)


def _unread(view: StepView, hook: str, key: str, value: Any, wanted: str) -> Problem:
    name = "the configuration" if hook == "config" else hook
    return Problem(
        f"{name} says {key} is {show(value, key)}, which is not {wanted}: nobody reads it.",
        remedy=f"Give {key} as {wanted}.",
        location=view.promises.place(hook, key),
    )


@rule("HPO095", scope="step", severity="warning")
def unknown_tuning_key(view: StepView) -> Iterator[Problem]:
    """The tuning or AutoML configuration has a key that nobody reads.

    What it does:
        Holds the keys of `get_tuning_config`, of its ranges, and of `get_auto_ml_config` against those that become
        parts of the request.
    Why:
        A misspelt limit is no limit: the tuning job runs as many training jobs as the service allows.
    Example:
          hooks:
            get_tuning_config:
              objective_metric: validation:accuracy
              hyperparameter_ranges: {learning_rate: {min: 0.001, max: 0.1}}
        -     max_job: 20
        +     max_jobs: 20
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTuningJobConfig.html
    """
    yield from _unknown_keys(view, *_REQUESTS)
    for name, entry in ranges(view):
        for key in entry if isinstance(entry, Mapping) else ():
            if key not in shortforms.RANGE:
                yield Problem(
                    f"the range of {show(name)} in get_tuning_config has the key {show(key)}, which nobody reads."
                    f"{did_you_mean(str(key), shortforms.RANGE)}",
                    remedy="Write min and max, or values; and scaling where it is not to be Auto.",
                    location=view.promises.place("get_tuning_config", "hyperparameter_ranges", name, key),
                )


@rule("HPO098", scope="step", severity="info")
def automl_target_not_given(view: StepView) -> Iterator[Problem]:
    """The AutoML configuration does not say which column is predicted; that is not checked.

    What it does:
        Looks for `target_attribute_name` in `get_auto_ml_config`.
    Why:
        CreateAutoMLJob requires TargetAttributeName for each channel. Where the configuration leaves it to whoever
        starts the job, nothing can be said of it here.
    Example:
          hooks:
        -   get_auto_ml_config: {problem_type: BinaryClassification, objective: F1}
        +   get_auto_ml_config: {problem_type: BinaryClassification, objective: F1, target_attribute_name: churned}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLChannel.html
    """
    config = hook(view, "get_auto_ml_config")
    if not config or _is_request("get_auto_ml_config", config):
        return
    if config.get("target_attribute_name") is None:
        yield Problem(
            "get_auto_ml_config names no target attribute: TargetAttributeName was not checked.",
            remedy="Add target_attribute_name, the name of the column to predict.",
            location=view.promises.place("get_auto_ml_config"),
        )


@rule("CHN095", scope="step", severity="warning")
def channel_without_name(view: StepView) -> Iterator[Problem]:
    """A channel of `get_training_inputs` has no name; one was guessed.

    What it does:
        Names the channels of `get_training_inputs` that have no ChannelName and whose S3Uri is none of the
        request's: by a word in their S3Uri (train, validation, test), else by their order.
    Why:
        SageMaker requires ChannelName, and the script finds its data by it: /opt/ml/input/data/<name>. With the
        names exchanged a model is trained on its test data.
    Example:
        - InputDataConfig: null
          hooks:
            get_training_inputs:
        -     - DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/training-data/"}}
        +     - ChannelName: train
        +       DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html
    """
    from cursus.steps.lowering.channel_names import named_channels, uri

    inputs = view.promises.hooks.get("get_training_inputs")
    if not isinstance(inputs, (list, Mapping)) or "get_training_inputs" in view.promises.filled:
        request: Mapping[str, Any] = {}
    else:
        request = view.request
    for channel in named_channels(inputs, request) if isinstance(inputs, (list, Mapping)) else ():
        if channel.how in ("uri", "order"):
            why = f"its S3Uri {show(uri(channel.channel))}" if channel.how == "uri" else "its place"
            place = "".join(f"[{part!r}]" for part in channel.path)
            yield Problem(
                f"get_training_inputs{place} has no ChannelName; it was taken for {channel.name!r} by {why}.",
                remedy=f"Add ChannelName: {channel.name}.",
                location=view.promises.place("get_training_inputs", *channel.path),
            )


@rule("ART099", scope="step")
def unknown_output_member(view: StepView) -> Iterator[Problem]:
    """The output configuration has a member that OutputDataConfig does not have.

    What it does:
        Holds the members of `get_model_output_config` against those of OutputDataConfig.
    Why:
        SageMaker refuses a request with a member that it does not know. Here it is left out of the request, so that
        what was meant by it is not done.
    Example:
          hooks:
        -   get_model_output_config: {S3OutputPath: "s3://example-bucket/models/", KmsKey: alias/my-key}
        +   get_model_output_config: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    said = hook(view, "get_model_output_config")
    output = said.get("OutputDataConfig", said)
    if not isinstance(output, Mapping) or not output:
        return
    nested = () if output is said else ("OutputDataConfig",)
    for name, known in shortforms.unknown_output_members(output).items():
        yield Problem(
            f"get_model_output_config has the member {show(name)}, which OutputDataConfig does not have."
            f"{did_you_mean(name, known)}",
            remedy=f"Known are {', '.join(known)}." if known else "",
            location=view.promises.place("get_model_output_config", *nested, name),
        )


@rule("MON095", scope="step", severity="warning")
def unknown_logging_key(view: StepView) -> Iterator[Problem]:
    """The logging configuration has a key, a level or a switch that nobody reads.

    What it does:
        Holds the keys of `get_logging_config` against those that become parts of the request, LogLevel against
        Python's levels, and its switches against True and False.
    Why:
        A misspelt key changes nothing. The training toolkit hands LogLevel to Python's logging, which raises for a
        level that it does not know, and the job fails before the script starts.
    Example:
          hooks:
        -   get_logging_config: {Loglevel: INFO}
        +   get_logging_config: {LogLevel: INFO}
    Source:
        https://docs.python.org/3/library/logging.html#logging-levels and the public sagemaker-training package
        (sagemaker_training.logging_config).
    """
    yield from _unknown_keys(view, "get_logging_config")
    config = hook(view, "get_logging_config")
    for switch in ("EnableSageMakerDebugger", "EnableCloudWatchLogging"):
        value = config.get(switch)
        off = switch == "EnableCloudWatchLogging" and str(value).lower() in (
            "false",
            "0",
        )  # MON081 reports it
        if value is not None and not isinstance(value, bool) and not off:
            yield Problem(
                f"get_logging_config says {switch} is {show(value)}, which is neither True nor False: nobody reads it.",
                remedy="Write True or False.",
                location=view.promises.place("get_logging_config", switch),
            )
    level = config.get("LogLevel")
    if level is not None and shortforms.log_level(level) is None:
        yield Problem(
            f"get_logging_config says LogLevel is {show(level)}, which is no level of Python's logging."
            f"{did_you_mean(str(level), shortforms.LOG_LEVELS)}",
            remedy=f"Write one of {', '.join(shortforms.LOG_LEVELS)}.",
            severity="error",
            location=view.promises.place("get_logging_config", "LogLevel"),
        )


@rule("DST095", scope="step", severity="warning")
def unknown_distribution(view: StepView) -> Iterator[Problem]:
    """The distributed configuration has a key or a strategy that nobody reads.

    What it does:
        Holds the keys of `get_distributed_config` against those that become parts of the request (an error for a
        DistributionStrategy that is known by another spelling only, or is no text; DST010 finds those that there are
        not), and the counts of a cluster against its types.
    Why:
        A misspelt key changes nothing, a count without a type makes no instance, and a strategy that is not
        understood starts nothing: the hosts train each for itself.
    Example:
          ResourceConfig: {InstanceCount: 2}
          hooks:
        -   get_distributed_config: {InstanceCuont: 2, DistributionStrategy: DataParallel}
        +   get_distributed_config: {InstanceCount: 2, DistributionStrategy: DataParallel}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-training.html
    """
    yield from _unknown_keys(view, "get_distributed_config")
    config = hook(view, "get_distributed_config")
    strategy = config.get("DistributionStrategy")
    yield from _counts_without_types(view, config)
    # A name that there is not is DST010's to report.
    wrong = isinstance(strategy, str) and strategy not in shortforms.STRATEGIES and is_strategy_name(strategy)
    if wrong or not isinstance(strategy, (str, type(None))):
        yield Problem(
            f"get_distributed_config says DistributionStrategy is {show(strategy)}, which there is not."
            f"{did_you_mean(str(strategy), shortforms.STRATEGIES)}",
            remedy=f"Write one of {', '.join(shortforms.STRATEGIES)}.",
            severity="error",
            location=view.promises.place("get_distributed_config", "DistributionStrategy"),
        )


def _counts_without_types(view: StepView, config: Mapping[str, Any]) -> Iterator[Problem]:
    """Instance groups that are counted and have no type: they never reach the request."""
    for _, kind, count in shortforms.CLUSTER:
        if config.get(count) not in (None, 0) and config.get(kind) is None:
            yield Problem(
                f"get_distributed_config has {count} {show(config[count])} and no {kind}: nobody reads it.",
                remedy=f"Add {kind}, such as ml.m5.xlarge, or write InstanceCount.",
                location=view.promises.place("get_distributed_config", count),
            )


@rule("RES095", scope="step", severity="warning")
def unknown_resource_key(view: StepView) -> Iterator[Problem]:
    """The resource or GPU configuration has a key that nobody reads.

    What it does:
        Holds the keys of `get_resource_optimization_config` and `get_gpu_optimization_config` against those that
        are known.
    Why:
        A misspelt key changes nothing: the job runs on demand at the full price where spot was meant.
    Example:
          hooks:
        -   get_resource_optimization_config: {use_spot_instance: true}
        +   get_resource_optimization_config: {instance_type: ml.m5.xlarge}
    Source:
        The members they become: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    yield from _unknown_keys(view, "get_resource_optimization_config", "get_gpu_optimization_config")


@rule("STP098", scope="step", severity="info")
def answered_here(view: StepView) -> Iterator[Problem]:
    """Making the request asked AWS for something, which was answered on this machine.

    What it does:
        Names the calls to STS, IAM and S3 that the builder or the SageMaker SDK made while the request was made. Of an
        estimator alone, which nobody starts, names the channels that were made up, as its code wants them.
    Why:
        A check opens no connection: nothing was uploaded or created, and an account or default bucket that the
        answers made up stands in the request. What depends on them was not checked.
    Example:
        - answered: ["sts:GetCallerIdentity", "s3:PutObject"]
        + answered: []
    Source:
        The public sagemaker package; https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-overview.html
    """
    answered = view.step.promises.answered
    if answered:
        from cursus.steps.offline import answered_here as said

        finding = said(answered)
        yield Problem(finding.message, remedy=finding.remedy)

"""What a builder's hooks and configuration promise, put where its request has no such part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cursus.aws.members import listing
from cursus.aws.tables import table
from cursus.model import Origin, Path
from cursus.steps.lowering import shortforms
from cursus.steps.lowering.channel_names import named_channels, to_request
from cursus.steps.lowering.draft import Draft
from cursus.steps.lowering.hooks import Hooks

CONFIG = "config"
"""What the origin of a value in the flat configuration is called."""


def fill(draft: Draft, hooks: Hooks, flat: Mapping[str, Any], region: str | None) -> None:
    """Put what the hooks promise where the request has no such part: the nearest to the request first."""
    step_config = hooks.mapping("get_step_config")
    _config(draft, step_config, hooks.origin("get_step_config"))
    values = hooks.values.get("get_hyperparameters")
    if values:
        origin = hooks.origin("get_hyperparameters")
        draft.fill(("HyperParameters",), shortforms.hyperparameters(values), origin)
    _channels(draft, hooks)
    _distribution(draft, hooks)
    _output(draft, hooks)
    _metrics(draft, hooks)
    _cluster(draft, hooks)
    name = "get_resource_optimization_config"
    _table(draft, hooks.mapping(name), shortforms.RESOURCES, hooks.origin(name))
    name = "get_gpu_optimization_config"
    only = {"instance_type": shortforms.RESOURCES["instance_type"]}
    _table(draft, hooks.mapping(name), only, hooks.origin(name))
    _config(draft, flat, Origin(CONFIG))
    _image(draft, {**step_config, **flat}, region)
    _logging(draft, hooks)


def _table(draft: Draft, config: Mapping[str, Any], known: Mapping[str, Path], origin: Origin) -> None:
    groups = draft.get("ResourceConfig", "InstanceGroups")
    for key, path in known.items():
        # Instance groups take the place of the one type and count.
        if groups and path in (("ResourceConfig", "InstanceType"), ("ResourceConfig", "InstanceCount")):
            continue
        draft.fill(path, config.get(key), origin, (key,))


def _config(draft: Draft, config: Mapping[str, Any], origin: Origin) -> None:
    _table(draft, config, shortforms.FLAT, origin)
    for key, value in config.items():
        if key == "hyperparameters":
            if isinstance(value, Mapping) and value:
                draft.fill(("HyperParameters",), shortforms.hyperparameters(value), origin, (key,))
        elif isinstance(key, str) and key[:1].isupper():
            if isinstance(value, Mapping) and key not in ("HyperParameters", "Environment"):
                draft.fill_members((key,), value, origin, (key,))
            else:
                draft.fill((key,), value, origin, (key,))


def _image(draft: Draft, config: Mapping[str, Any], region: str | None) -> None:
    """Name the training image of the configuration's framework, where the request names no algorithm."""
    framework, version = text(config, "framework"), text(config, "framework_version")
    algorithm = draft.get("AlgorithmSpecification") or {}
    named = not isinstance(algorithm, Mapping) or any(
        algorithm.get(one) is not None for one in ("TrainingImage", "AlgorithmName")
    )
    if framework is None or version is None or region is None or named:
        return
    from cursus.aws.image_choice import find_image

    kind = draft.get("ResourceConfig", "InstanceType")
    python = text(config, "python_version")
    choice = find_image(framework, version, python, region, kind if isinstance(kind, str) else None)
    if choice.uri is not None:
        origin = Origin(CONFIG)
        draft.fill(("AlgorithmSpecification", "TrainingImage"), choice.uri, origin, ("framework",))
        draft.fill(("AlgorithmSpecification", "TrainingInputMode"), "File", origin)


def text(config: Mapping[str, Any], key: str) -> str | None:
    """A text that is not empty, None for anything else."""
    value = config.get(key)
    return value if isinstance(value, str) and value else None


def _channels(draft: Draft, hooks: Hooks) -> None:
    inputs, origin = hooks.values.get("get_training_inputs"), hooks.origin("get_training_inputs")
    if not inputs or draft.get("InputDataConfig") is not None:
        return
    found = named_channels(inputs, draft.body)
    if draft.fill(("InputDataConfig",), [to_request(one) for one in found], origin):
        for index, one in enumerate(found):
            draft.origins[draft.place(("InputDataConfig", index))] = replace(origin, inside=one.path)


def _distribution(draft: Draft, hooks: Hooks) -> None:
    name = "get_data_distribution_config"
    channels = listing(draft.body, "InputDataConfig")
    known = [str(one.get("ChannelName")) for one in channels if isinstance(one, Mapping)]
    wanted = shortforms.distribution(hooks.values.get(name), known)
    for index, channel in enumerate(channels):
        kind = wanted.get(str(channel.get("ChannelName"))) if isinstance(channel, dict) else None
        source = channel.get("DataSource") if kind is not None else None
        s3 = source.get("S3DataSource") if isinstance(source, dict) else None
        if isinstance(s3, dict) and s3.get("S3DataDistributionType") is None:
            s3["S3DataDistributionType"] = kind
            place = ("InputDataConfig", index, "DataSource", "S3DataSource", "S3DataDistributionType")
            said = hooks.mapping(name)
            keys = (str(channel.get("ChannelName")), place[-1])
            inside: Path = next(((one,) for one in keys if one in said), ())
            draft.note(draft.place(place), replace(hooks.origin(name), inside=inside))


def _output(draft: Draft, hooks: Hooks) -> None:
    name = "get_model_output_config"
    given = hooks.mapping(name)
    output = given.get("OutputDataConfig", given)
    if isinstance(output, Mapping):
        unknown = shortforms.unknown_output_members(output) if output else ()  # ART099 reports them
        known = {member: value for member, value in output.items() if member not in unknown}
        nested = ("OutputDataConfig",) if "OutputDataConfig" in given else ()
        draft.fill_members(("OutputDataConfig",), known, hooks.origin(name), nested)


def _metrics(draft: Draft, hooks: Hooks) -> None:
    name = "get_metrics_config"
    metrics = hooks.values.get(name)
    inside: Path = ()
    if isinstance(metrics, Mapping):
        metrics, inside = metrics.get("MetricDefinitions"), ("MetricDefinitions",)
    if isinstance(metrics, list) and metrics:
        draft.fill(("AlgorithmSpecification", "MetricDefinitions"), metrics, hooks.origin(name), inside)


def _cluster(draft: Draft, hooks: Hooks) -> None:
    name = "get_distributed_config"
    config = hooks.mapping(name) if hooks.values.get("is_distributed_training") is not False else {}
    origin = hooks.origin(name)
    groups = shortforms.instance_groups(config)
    resources = draft.mapping("ResourceConfig")
    if groups and not any(resources.get(one) is not None for one in ("InstanceType", "InstanceCount")):
        filled = draft.fill(("ResourceConfig", "InstanceGroups"), groups, origin)
        for index, group in enumerate(groups if filled else ()):
            _, kind, count = next(one for one in shortforms.CLUSTER if one[0] == group["InstanceGroupName"])
            around: Path = ("ResourceConfig", "InstanceGroups", index)
            for member, key in ((), kind), (("InstanceType",), kind), (("InstanceCount",), count):
                if key in config:
                    draft.origins[draft.place(around + member)] = replace(origin, inside=(key,))
    _table(draft, config, shortforms.DISTRIBUTED, origin)
    strategy = config.get("DistributionStrategy")
    if isinstance(strategy, str) and _takes_toolkit_settings(draft) and not _starts_otherwise(draft):
        for key, value in shortforms.STRATEGIES.get(strategy, {}).items():
            draft.fill(("HyperParameters", key), value, origin, ("DistributionStrategy",))


def _starts_otherwise(draft: Draft) -> bool:
    """True where the request itself says how training is distributed: a hook is held against that."""
    from cursus.aws import distribution

    known = draft.mapping("HyperParameters")
    return any(distribution.is_on(known.get(name)) for name in table("distribution")["switches"])


def _logging(draft: Draft, hooks: Hooks) -> None:
    name = "get_logging_config"
    config = hooks.mapping(name)
    number = shortforms.log_level(config.get("LogLevel"))  # what is no level stays behind: MON095 reports it
    if number is not None and _takes_toolkit_settings(draft):
        setting = ("HyperParameters", "sagemaker_container_log_level")
        draft.fill(setting, number, hooks.origin(name), ("LogLevel",))
    place = draft.get("OutputDataConfig", "S3OutputPath")
    if config.get("EnableSageMakerDebugger") is True and place is not None:
        hook = {"S3OutputPath": place}
        draft.fill(("DebugHookConfig",), hook, hooks.origin(name), ("EnableSageMakerDebugger",))


def _takes_toolkit_settings(draft: Draft) -> bool:
    """False for an algorithm of SageMaker or the marketplace, which refuses settings it does not know.

    A program of the job's own, such as the launcher of the SDK's ModelTrainer, starts no toolkit that would read them.
    """
    own = ("AlgorithmName", "ContainerEntrypoint")
    if not draft.request or any(draft.get("AlgorithmSpecification", name) for name in own):
        return False
    from cursus.aws.algorithms import of_request

    image = draft.get("AlgorithmSpecification", "TrainingImage")
    return of_request(image if isinstance(image, str) else None, draft.mapping("HyperParameters")) is None

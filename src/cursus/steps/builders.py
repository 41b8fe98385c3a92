"""A builder, turned into the step that it stands for.

The request is what ``create_step`` gives. The other hooks are promises about it: where the request has no
such part, the hook's value is put there, and ``Promises.filled`` says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cursus.aws.places import region_names
from cursus.aws.tables import table
from cursus.errors import ConfigurationError
from cursus.model import HookFailure, Location, Origin, Path, Promises, Step
from cursus.steps import configured, kinds, shortforms, sources, unstarted, upstream
from cursus.steps.automl import automl_request
from cursus.steps.channel_names import named_channels, to_request
from cursus.steps.created import Created
from cursus.steps.draft import Draft
from cursus.steps.hooks import HookError, Hooks, place, words
from cursus.steps.making import create, instance, typed
from cursus.steps.offline import DRIVERS, in_region
from cursus.steps.plain import NestingError, attribute, attributes, plain
from cursus.steps.tuning import tuning_request
from cursus.steps.written import HookPlaces, Written, WrittenOrigins
from cursus.suggest import closest, kind_of

CONFIG = "config"
_BEFORE = ("upstream", "inputs")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")


def lower(
    builder: Any,
    config: Any = None,
    *,
    source_dir: Any = None,
    entry_point: Any = None,
    region: str | None = None,
) -> Step:
    """The step of a builder: an instance, or a class, which is then built with ``config``.

    Whatever the builder raises becomes a HookFailure in the step's promises. Raises ConfigurationError where
    ``config`` is no configuration.
    """
    flat = configuration(config)
    if isinstance(builder, type):
        try:
            whole = typed(builder, config)
            flat = {**configuration(whole), **flat}
            with in_region(region or _region(flat)):
                builder = instance(builder, whole)
        except HookError as error:
            return Step(
                name=builder.__name__,
                operation="CreateTrainingJob",
                request={},
                promises=Promises(hooks=_config_hook(flat, builder), failures=(error.failure,)),
            )
    if config is None and not flat:
        flat = _own_configuration(builder)
    hooks = Hooks(builder)
    created = create(builder, flat, hooks, region or _region(flat))
    draft = Draft(created.request, created.origins, created.operation)
    sources_of: dict[str, Any] = {**hooks.mapping("get_step_config"), **flat}
    region = region or _region(sources_of) or created.region
    if created.open_inputs:
        unstarted.open_inputs(draft, hooks)
    _fill(draft, hooks, flat, region)
    where = place(getattr(type(builder), "create_step", None))
    source = _source(source_dir, entry_point, sources_of, created, builder, draft.request, where)
    made_up = unstarted.made_up_inputs(draft, source) if created.open_inputs else ()
    written = Written(builder, configured.origins(config))
    written.values = hooks.values
    step = Step(
        name=_name(created, draft.request, builder),
        operation=created.operation,
        request=draft.request,
        type=created.type or kinds.TYPES.get(created.operation, "Training"),
        in_pipeline=created.in_pipeline,
        prefix=(),
        origins=WrittenOrigins(draft.origins, draft.request, written) if draft.origins else {},
        region=region,
        source=source,
        promises=_promises(hooks, created, draft, flat, written),
        problems=(*(replace(one, location=one.location or where) for one in created.problems), *made_up),
    )
    return _with_companions(step, draft, hooks, written)


def _promises(
    hooks: Hooks, created: Created, draft: Draft, flat: dict[str, Any], written: Written
) -> Promises:
    """What the builder says beside the request; the hooks that are misspelt are named with no value."""
    misspelt = hooks.misspelt() if hooks.values or created.request else {}
    values = {**_config_hook(flat, type(hooks.builder)), **dict.fromkeys(misspelt), **hooks.values}
    places = {one: at for one in hooks.values if (at := hooks.origin(one).location)}
    said = {**hooks.mapping("get_step_config"), **flat}
    return Promises(
        hooks=values,
        places=HookPlaces({**misspelt, **places}, values, written),
        failures=(*created.failures, *hooks.failures),
        filled=tuple(draft.filled),
        expected_artifacts=tuple(hooks.values.get("get_expected_artifacts") or ()),
        local_channels=_local_channels(
            said, place(getattr(type(hooks.builder), "create_step", None)), created.drivers
        ),
        framework=_text(said, "framework") or created.framework,
        framework_version=_text(said, "framework_version") or created.framework_version,
        python_version=_text(said, "python_version") or created.python_version,
        upstream=_upstream(said, created),
        dependencies=_dependencies(hooks, flat),
        answered=created.answered,
    )


def configuration(config: Any) -> dict[str, Any]:
    """The flat configuration as a mapping: a mapping, or an object with its keys as attributes.

    What else an object has is its class's own, and a region that is none too (``NA``, as some teams say).

    Raises ConfigurationError for anything else.
    """
    if config is None:
        return {}
    found = config if isinstance(config, Mapping) else attributes(config)
    if found is None or isinstance(config, type):
        raise ConfigurationError(
            f"the configuration is {kind_of(config)}, not a mapping with keys such as role"
        )
    # What stands before the step may be builders, steps and their properties, which are no data.
    try:
        made = {key: value if key in _BEFORE else plain(value, lenient=True) for key, value in found.items()}
    except NestingError as error:
        raise ConfigurationError(f"the configuration cannot be used: {error}") from None
    flat = {str(key): value for key, value in made.items()}
    if not isinstance(config, Mapping):
        known = shortforms.KEYS[CONFIG]
        flat = {key: value for key, value in flat.items() if key in known or key[:1].isupper()}
        if not _REGION.fullmatch(str(flat.get("region"))):
            flat.pop("region", None)
    return flat


def _region(values: Mapping[str, Any]) -> str | None:
    """The region that a configuration or hook names, also misspelt; None for a team's own word for one."""
    found = _text(values, "region")
    own = found and not _REGION.fullmatch(found) and closest(found, region_names()) is None
    return None if own else found


def _own_configuration(builder: Any) -> dict[str, Any]:
    """The flat configuration that an instance was built with, where it keeps one as ``config``."""
    own = attribute(builder, "config")
    if isinstance(own, Mapping) and any(key in shortforms.KEYS[CONFIG] for key in own):
        return configuration(own)
    return {}


def _config_hook(flat: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """The configuration among the hooks, so that a rule can hold its keys against the known ones.

    Other keys that the builder's class names are the builder's own.
    """
    known = shortforms.KEYS[CONFIG]
    own = words(kind) if any(key not in known for key in flat) else frozenset()
    kept = {k: v for k, v in flat.items() if k not in _BEFORE and (k in known or k not in own)}
    return {CONFIG: kept} if flat else {}


def _fill(draft: Draft, hooks: Hooks, flat: Mapping[str, Any], region: str | None) -> None:
    """Put what the hooks promise where the request has no such part: the nearest to the request first."""
    origin = hooks.origin
    step_config = hooks.mapping("get_step_config")
    _fill_config(draft, step_config, "get_step_config", origin("get_step_config"))
    values = hooks.values.get("get_hyperparameters")
    if values:
        name = "get_hyperparameters"
        draft.fill(("HyperParameters",), shortforms.hyperparameters(values), name, origin(name))
    _fill_channels(draft, hooks)
    output = hooks.mapping("get_model_output_config")
    output = output.get("OutputDataConfig", output)
    if isinstance(output, Mapping):
        name = "get_model_output_config"
        unknown = shortforms.unknown_output_members(output) if output else ()  # ART099 reports them
        known = {member: value for member, value in output.items() if member not in unknown}
        nested = ("OutputDataConfig",) if "OutputDataConfig" in hooks.mapping(name) else ()
        draft.fill_members(("OutputDataConfig",), known, name, origin(name), nested)
    metrics = hooks.values.get("get_metrics_config")
    inside: Path = ()
    if isinstance(metrics, Mapping):
        metrics, inside = metrics.get("MetricDefinitions"), ("MetricDefinitions",)
    if isinstance(metrics, list) and metrics:
        name = "get_metrics_config"
        draft.fill(("AlgorithmSpecification", "MetricDefinitions"), metrics, name, origin(name), inside)
    _fill_resources(draft, hooks)
    _fill_config(draft, flat, CONFIG, Origin(CONFIG))
    _fill_image(draft, {**step_config, **flat}, region)
    _fill_logging(draft, hooks)


def _fill_config(draft: Draft, config: Mapping[str, Any], source: str, origin: Origin) -> None:
    _fill_table(draft, config, shortforms.FLAT, source, origin)
    for key, value in config.items():
        if key == "hyperparameters":
            if isinstance(value, Mapping) and value:
                draft.fill(("HyperParameters",), shortforms.hyperparameters(value), source, origin, (key,))
        elif isinstance(key, str) and key[:1].isupper():
            if isinstance(value, Mapping) and key not in ("HyperParameters", "Environment"):
                draft.fill_members((key,), value, source, origin, (key,))
            else:
                draft.fill((key,), value, source, origin, (key,))


def _fill_image(draft: Draft, config: Mapping[str, Any], region: str | None) -> None:
    """Name the training image of the configuration's framework, where the request names no algorithm."""
    framework, version = _text(config, "framework"), _text(config, "framework_version")
    algorithm = draft.get("AlgorithmSpecification") or {}
    named = not isinstance(algorithm, Mapping) or any(
        algorithm.get(one) is not None for one in ("TrainingImage", "AlgorithmName")
    )
    if framework is None or version is None or region is None or named:
        return
    from cursus.aws.image_choice import find_image

    kind = draft.get("ResourceConfig", "InstanceType")
    choice = find_image(
        framework,
        version,
        _text(config, "python_version"),
        region,
        kind if isinstance(kind, str) else None,
    )
    if choice.uri is not None:
        origin = Origin(CONFIG)
        draft.fill(("AlgorithmSpecification", "TrainingImage"), choice.uri, CONFIG, origin, ("framework",))
        draft.fill(("AlgorithmSpecification", "TrainingInputMode"), "File", CONFIG, origin)


def _fill_channels(draft: Draft, hooks: Hooks) -> None:
    name = "get_training_inputs"
    inputs = hooks.values.get(name)
    if inputs and draft.get("InputDataConfig") is None:
        found = named_channels(inputs, draft.body)
        if draft.fill(("InputDataConfig",), [to_request(one) for one in found], name, hooks.origin(name)):
            for index, one in enumerate(found):
                place_ = draft.place(("InputDataConfig", index))
                draft.origins[place_] = replace(hooks.origin(name), inside=one.path)
    name = "get_data_distribution_config"
    channels = draft.get("InputDataConfig")
    channels = channels if isinstance(channels, list) else []
    known = [str(one.get("ChannelName")) for one in channels if isinstance(one, Mapping)]
    wanted = shortforms.distribution(hooks.values.get(name), known)
    for index, channel in enumerate(channels):
        kind = wanted.get(str(channel.get("ChannelName"))) if isinstance(channel, dict) else None
        source = channel.get("DataSource") if kind is not None else None
        s3 = source.get("S3DataSource") if isinstance(source, dict) else None
        if isinstance(s3, dict) and s3.get("S3DataDistributionType") is None:
            s3["S3DataDistributionType"] = kind
            place_ = ("InputDataConfig", index, "DataSource", "S3DataSource", "S3DataDistributionType")
            said = hooks.mapping(name)
            key = str(channel.get("ChannelName"))
            inside: Path = next(((one,) for one in (key, place_[-1]) if one in said), ())
            draft.origins[draft.place(place_)] = replace(hooks.origin(name), inside=inside)
            if name not in draft.filled:
                draft.filled.append(name)


def _fill_resources(draft: Draft, hooks: Hooks) -> None:
    name = "get_distributed_config"
    config = hooks.mapping(name) if hooks.values.get("is_distributed_training") is not False else {}
    groups = shortforms.instance_groups(config)
    resources = draft.get("ResourceConfig")
    resources = resources if isinstance(resources, Mapping) else {}
    if groups and not any(resources.get(one) is not None for one in ("InstanceType", "InstanceCount")):
        filled = draft.fill(("ResourceConfig", "InstanceGroups"), groups, name, hooks.origin(name))
        for index, group in enumerate(groups if filled else ()):
            _, kind, count = next(one for one in shortforms.CLUSTER if one[0] == group["InstanceGroupName"])
            around: Path = ("ResourceConfig", "InstanceGroups", index)
            for member, key in ((), kind), (("InstanceType",), kind), (("InstanceCount",), count):
                if key in config:
                    draft.origins[draft.place(around + member)] = replace(hooks.origin(name), inside=(key,))
    _fill_table(draft, config, shortforms.DISTRIBUTED, name, hooks.origin(name))
    strategy = config.get("DistributionStrategy")
    if isinstance(strategy, str) and _takes_toolkit_settings(draft) and not _starts_otherwise(draft):
        for key, value in shortforms.STRATEGIES.get(strategy, {}).items():
            inside = ("DistributionStrategy",)
            draft.fill(("HyperParameters", key), value, name, hooks.origin(name), inside)
    name = "get_resource_optimization_config"
    _fill_table(draft, hooks.mapping(name), shortforms.RESOURCES, name, hooks.origin(name))
    name = "get_gpu_optimization_config"
    only = {"instance_type": shortforms.RESOURCES["instance_type"]}
    _fill_table(draft, hooks.mapping(name), only, name, hooks.origin(name))


def _starts_otherwise(draft: Draft) -> bool:
    """True where the request itself says how training is distributed: a hook is held against that."""
    from cursus.aws import distribution

    settings = draft.get("HyperParameters")
    known = settings if isinstance(settings, Mapping) else {}
    return any(distribution.is_on(known.get(name)) for name in table("distribution")["switches"])


def _fill_table(
    draft: Draft, config: Mapping[str, Any], table: Mapping[str, Path], source: str, origin: Origin
) -> None:
    groups = draft.get("ResourceConfig", "InstanceGroups")
    for key, path in table.items():
        # Instance groups take the place of the one type and count.
        if groups and path in (("ResourceConfig", "InstanceType"), ("ResourceConfig", "InstanceCount")):
            continue
        draft.fill(path, config.get(key), source, origin, (key,))


def _fill_logging(draft: Draft, hooks: Hooks) -> None:
    name = "get_logging_config"
    config = hooks.mapping(name)
    level = config.get("LogLevel")
    number = shortforms.log_level(level)  # what is no level stays behind: MON095 reports it
    if number is not None and _takes_toolkit_settings(draft):
        setting = ("HyperParameters", "sagemaker_container_log_level")
        draft.fill(setting, number, name, hooks.origin(name), ("LogLevel",))
    output = draft.get("OutputDataConfig", "S3OutputPath")
    if config.get("EnableSageMakerDebugger") is True and output is not None:
        inside = ("EnableSageMakerDebugger",)
        draft.fill(("DebugHookConfig",), {"S3OutputPath": output}, name, hooks.origin(name), inside)


def _takes_toolkit_settings(draft: Draft) -> bool:
    """False for an algorithm of SageMaker or the marketplace, which refuses settings it does not know."""
    if not draft.request or draft.get("AlgorithmSpecification", "AlgorithmName"):
        return False
    image, settings = draft.get("AlgorithmSpecification", "TrainingImage"), draft.get("HyperParameters")
    from cursus.aws.algorithms import of_request

    known = settings if isinstance(settings, Mapping) else {}
    return of_request(image if isinstance(image, str) else None, known) is None


def _with_companions(step: Step, draft: Draft, hooks: Hooks, written: Written) -> Step:
    companions = []
    tuning = hooks.mapping("get_tuning_config")
    own = hooks.values.get("get_hyperparameters")
    training = draft.training_request()
    static = training.get("HyperParameters")
    merged = {
        **(shortforms.hyperparameters(own) if isinstance(own, Mapping) else {}),
        **(static if isinstance(static, Mapping) and not _variable(static) else {}),
    }
    if tuning and step.operation != "CreateHyperParameterTuningJob":  # HPO081 compares the two
        request = plain(tuning_request(tuning, training, merged))
        companions.append(
            _companion(
                step, "get_tuning_config", "CreateHyperParameterTuningJob", request, draft, hooks, written
            )
        )
    automl = hooks.mapping("get_auto_ml_config")
    if automl and not step.operation.startswith("CreateAutoML"):
        operation, request = automl_request(automl, training)
        companions.append(
            _companion(step, "get_auto_ml_config", operation, plain(request), draft, hooks, written)
        )
    return replace(step, companions=tuple(companions)) if companions else step


def _companion(
    step: Step,
    hook: str,
    operation: str,
    request: dict[str, Any],
    draft: Draft,
    hooks: Hooks,
    written: Written,
) -> Step:
    origin = hooks.origin(hook)
    origins: dict[Path, Origin] = {(): origin}
    if operation == "CreateHyperParameterTuningJob" and "TrainingJobDefinition" not in hooks.mapping(hook):
        inside: Path = ("TrainingJobDefinition",)
        origins.update({(*inside, *path): one for path, one in draft.origins.items()})
        # What a training job calls HyperParameters.
        static = (*inside, "StaticHyperParameters")
        own = replace(draft.origins.get((), origin), inside=("HyperParameters",))
        origins[static] = draft.origins.get(("HyperParameters",), own)
    named = request.get(kinds.NAMES[operation])
    return Step(
        name=f"{step.name} ({kinds.TYPES[operation]})",
        operation=operation,
        request=request,
        type=kinds.TYPES[operation],
        in_pipeline=named is None,
        origins=WrittenOrigins(origins, request, written),
        region=step.region,
        source=step.source if operation == "CreateHyperParameterTuningJob" else None,
    )


def _name(created: Created, request: Mapping[str, Any], builder: Any) -> str:
    own = request.get(kinds.NAMES.get(created.operation, ""), "")
    return created.name or (own if isinstance(own, str) and own else "") or type(builder).__name__


def _source(
    source_dir: Any,
    entry_point: Any,
    config: Mapping[str, Any],
    created: Created,
    builder: Any,
    request: Mapping[str, Any],
    where: Location | None,
) -> Any:
    directories = (
        source_dir,
        config.get("source_dir"),
        attribute(builder, "source_dir"),
        created.source_dir,
    )
    entries = (
        entry_point,
        config.get("entry_point"),
        attribute(builder, "entry_point"),
        created.entry_point,
    )
    directory = next((one for one in directories if _is_path(one)), None)
    found = sources.source_code(
        directory,
        next((one for one in entries if _is_path(one)), None),
        request,
        where.file if where else None,
    )
    return replace(found, alone=True) if found is not None and directory is None and created.alone else found


def _is_path(value: Any) -> bool:
    return (isinstance(value, str) and bool(value)) or hasattr(value, "__fspath__")


def _local_channels(
    config: Mapping[str, Any], where: Location | None, drivers: Mapping[str, bytes]
) -> dict[str, str]:
    found = config.get("local_channels")
    near = where.file if where else None
    given = found.items() if isinstance(found, Mapping) else ()
    local = {str(name): sources.local_path(str(path), near) for name, path in given}
    if drivers:
        local.setdefault(DRIVERS, sources.driver_folder(drivers))
    return local


def _upstream(config: Mapping[str, Any], created: Created) -> Any:
    value = config.get("upstream")
    return created.upstream if value is None else upstream.upstream_steps(value)


def _dependencies(hooks: Hooks, flat: Mapping[str, Any]) -> dict[str, dict[str, str]] | None:
    """What the builder says that it depends on, less the inputs that the configuration gives by name."""
    names = ("get_dependencies", "get_required_dependencies", "get_optional_dependencies")
    found = upstream.dependencies(*(hooks.values.get(name) for name in names))
    given = flat.get("inputs")
    if not found or not isinstance(given, Mapping):
        return found
    return {name: one for name, one in found.items() if name not in given or one != {"step": name}}


def _text(config: Mapping[str, Any], key: str) -> str | None:
    value = config.get(key)
    return value if isinstance(value, str) and value else None


def _variable(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and bool(re.match(r"Get$|Std:", str(next(iter(value)))))


__all__ = ["CONFIG", "HookFailure", "configuration", "lower"]

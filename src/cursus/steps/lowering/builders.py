"""A builder, turned into the step that it stands for.

The request is what ``create_step`` gives. The other hooks are promises about it: where the request has no
such part, the hook's value is put there, and ``Promises.filled`` says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cursus.aws.members import mapping
from cursus.aws.places import region_names
from cursus.errors import ConfigurationError
from cursus.model import Location, Origin, Path, Promises, Step, UpstreamStep
from cursus.steps import kinds, sources
from cursus.steps.answers import DRIVERS
from cursus.steps.lowering import shortforms, unstarted, upstream
from cursus.steps.lowering.automl import automl_request
from cursus.steps.lowering.constructing import instance, typed
from cursus.steps.lowering.created import Created
from cursus.steps.lowering.draft import Draft
from cursus.steps.lowering.filling import CONFIG, fill, text
from cursus.steps.lowering.hooks import HookError, Hooks, place, words
from cursus.steps.lowering.making import create
from cursus.steps.lowering.tuning import tuning_request
from cursus.steps.offline import in_region
from cursus.steps.plain import NestingError, attribute, attributes, plain
from cursus.steps.reading import configured
from cursus.steps.written import HookPlaces, Written, WrittenOrigins
from cursus.suggest import closest, kind_of

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
    fill(draft, hooks, flat, region)
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
        framework=text(said, "framework") or created.framework,
        framework_version=text(said, "framework_version") or created.framework_version,
        python_version=text(said, "python_version") or created.python_version,
        upstream=_upstream(said, created),
        dependencies=_dependencies(hooks, flat, created),
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
    found = text(values, "region")
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


def _with_companions(step: Step, draft: Draft, hooks: Hooks, written: Written) -> Step:
    companions = []
    tuning = hooks.mapping("get_tuning_config")
    own = hooks.values.get("get_hyperparameters")
    training = draft.training_request()
    merged = {
        **(shortforms.hyperparameters(own) if isinstance(own, Mapping) else {}),
        **mapping(training, "HyperParameters"),
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
    def first(given: Any, name: str) -> Any:
        known = (given, config.get(name), attribute(builder, name), getattr(created, name))
        return next((one for one in known if _is_path(one)), None)

    directory = first(source_dir, "source_dir")
    near = where.file if where else None
    found = sources.source_code(directory, first(entry_point, "entry_point"), request, near)
    return replace(found, alone=True) if found is not None and directory is None and created.alone else found


def _is_path(value: Any) -> bool:
    return (isinstance(value, str) and bool(value)) or hasattr(value, "__fspath__")


def _local_channels(
    config: Mapping[str, Any], where: Location | None, drivers: Mapping[str, bytes]
) -> dict[str, str]:
    near = where.file if where else None
    given = mapping(config, "local_channels")
    local = {str(name): sources.local_path(str(path), near) for name, path in given.items()}
    if drivers:
        local.setdefault(DRIVERS, sources.driver_folder(drivers))
    return local


def _upstream(config: Mapping[str, Any], created: Created) -> tuple[UpstreamStep, ...] | None:
    """The steps before this one: those of the configuration, and those that the builder has as objects."""
    value = config.get("upstream")
    if value is None:
        return created.upstream
    given = upstream.upstream_steps(value)
    names = {step.name for step in given}
    return (*given, *(step for step in created.upstream or () if step.type and step.name not in names))


def _dependencies(
    hooks: Hooks, flat: Mapping[str, Any], created: Created
) -> dict[str, dict[str, str]] | None:
    """What the builder and its step say that they depend on, less the inputs that the configuration gives by name."""
    names = ("get_dependencies", "get_required_dependencies", "get_optional_dependencies")
    found = upstream.dependencies(*(hooks.values.get(name) for name in names))
    given = flat.get("inputs")
    if found and isinstance(given, Mapping):
        found = {name: one for name, one in found.items() if name not in given or one != {"step": name}}
    told = {one.get("step") for one in (found or {}).values()}
    more = {name: {"step": name} for name in created.depends if name not in told}
    return {**(found or {}), **more} if more else found

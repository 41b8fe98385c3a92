"""Making a builder, calling its ``create_step``, and reading the request out of what that returns."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cursus.aws.members import listing, mapping
from cursus.model import HookFailure, Location, Origin, Pipeline, Step
from cursus.steps import kinds
from cursus.steps.lowering.constructing import argument, parameters
from cursus.steps.lowering.created import Created
from cursus.steps.lowering.hooks import HookError, Hooks, call, find, nonsense, place, raised, unwrapped
from cursus.steps.offline import offline
from cursus.steps.plain import NestingError, attribute, plain
from cursus.suggest import closest

CREATE = "create_step"
_MEMBER = re.compile(r"[A-Z][A-Za-z0-9]*\Z")


def create(builder: Any, config: Mapping[str, Any], hooks: Hooks, region: str | None = None) -> Created:
    """Call ``create_step`` with what its signature takes, and read the request out of what it returns."""
    try:
        hook = find(builder, CREATE)
        if hook is None:
            from cursus.steps import sdk

            if sdk.is_sdk_object(builder):
                alone = sdk.read(builder)
                alone.open_inputs = sdk.starts_jobs(builder)
                return alone
            if kinds.identify(_members(builder)) is not None:
                return _of_attributes(builder, Origin(type(builder).__name__), None)
            raise HookError(_without_step(type(builder)))
        with offline(region) as answers:
            offered = _offered(hook, config, hooks)
            try:
                value = call(partial(hook, *offered.positional), CREATE, **offered.named)
            except HookError as error:
                raise HookError(_explained(error.failure, offered, hooks)) from None
            from cursus.steps import sdk

            captured = answers.captured
            # It has started the job itself, with its inputs, and gives the job's name or what started it.
            if captured is not None and (isinstance(value, str) or sdk.starts_jobs(value)):
                value = captured.as_target()
            try:
                made = read(value, hook)
            except HookError as error:
                return Created(failures=(error.failure,), returned=value)
        made.open_inputs = sdk.starts_jobs(value)
        made.answered = tuple(answers.calls)
        made.drivers = answers.drivers
        return made
    except HookError as error:
        return Created(failures=(error.failure,))


def _without_step(kind: type) -> HookFailure:
    """The failure of a class that has no ``create_step``, at the class, with the method that may be meant."""
    location = place(getattr(kind, "__init__", None))
    if location is None:
        with suppress(OSError, TypeError):
            location = Location(inspect.getfile(kind), inspect.getsourcelines(kind)[1])
    near = closest(CREATE, [name for name in dir(kind) if not name.startswith("_")])
    return HookFailure(
        CREATE,
        f"{kind.__name__} has no create_step: there is no step to check",
        location=location,
        remedy=(f"Call {near} that" if near else "Give it one")
        + "; it returns the request as a mapping, or a step of the SageMaker SDK.",
    )


@dataclass(frozen=True, slots=True)
class _Offered:
    """What ``create_step`` is called with.

    ``empty`` says that it asks for inputs and nobody knows any, ``named_inputs`` that its signature names them.
    """

    positional: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    empty: bool = False
    named_inputs: bool = False


def _offered(hook: Callable[..., Any], config: Mapping[str, Any], hooks: Hooks) -> _Offered:
    """Those of ``inputs``, ``outputs`` and ``dependencies`` that the signature takes, and what else it asks for.

    Raises HookError where it asks for what nobody would give it.
    """
    taken = parameters(hook)
    kinds_ = inspect.Parameter
    accepts_all = any(one.kind is kinds_.VAR_KEYWORD for one in taken.values())
    values: dict[str, Any] = {
        "inputs": {**_uris(hooks.values.get("get_training_inputs")), **mapping(config, "inputs")},
        "outputs": {},
        "dependencies": _listed(config.get("upstream")),
    }
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in taken.items():
        required = parameter.default is kinds_.empty
        if parameter.kind in (kinds_.VAR_POSITIONAL, kinds_.VAR_KEYWORD):
            continue
        if name not in values and required:
            values[name] = argument(hook, name, config)
            if values[name] is None:
                raise HookError(_unknown_argument(hook, name))
        if name not in values:
            continue
        if parameter.kind is kinds_.POSITIONAL_ONLY:
            if required or values[name]:
                positional.append(values[name])
        elif required or values[name]:
            named[name] = values[name]
    if accepts_all:
        # Into **kwargs goes only what there is to say: a builder may hand them on to its base class.
        named.update({name: value for name, value in values.items() if value and name not in taken})
    named_inputs = "inputs" in taken
    asks = named_inputs or (accepts_all and "inputs" in _words(hook))
    return _Offered(tuple(positional), named, asks and not values["inputs"], named_inputs)


def _words(hook: Any) -> tuple[Any, ...]:
    """The constants in a function's code: the keys that it asks its ``**kwargs`` for are among them."""
    code = getattr(unwrapped(hook), "__code__", None)
    return code.co_consts if code is not None else ()


def _unknown_argument(hook: Any, name: str) -> HookFailure:
    return HookFailure(
        CREATE,
        f"create_step asks for the argument {name!r}, which nobody gives it",
        location=place(hook),
        remedy=f"Give the configuration a {name!r}, or the argument a default.",
    )


def _explained(failure: HookFailure, offered: _Offered, hooks: Hooks) -> HookFailure:
    """The failure of a ``create_step``: the hook that stopped it, or how it would get the inputs that it lacks."""
    of_hook = next(
        (one.hook for one in hooks.failures if one.location and one.location == failure.location), ""
    )
    if of_hook and failure.traceback:
        return replace(failure, remedy=f"Mend {of_hook}, which create_step calls.")
    if not offered.empty or not failure.traceback:
        return failure
    if not offered.named_inputs and "input" not in failure.message.lower():
        return failure  # any **kwargs may hold inputs
    return replace(
        failure,
        message=f"{failure.message} (its inputs were empty: no get_training_inputs, no inputs in the configuration)",
        remedy='Name them in the configuration ({"inputs": {NAME: S3 URI}}), give the builder get_training_inputs, '
        "whose channels become inputs, or make create_step do without them.",
    )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return list(value)
    return [value]


def _uris(inputs: Any) -> dict[str, Any]:
    """Channel name → S3 URI of what ``get_training_inputs`` returned."""
    from cursus.steps.lowering.channel_names import named_channels, uri

    return {one.name: uri(one.channel) for one in named_channels(inputs, {}) if one.name is not None}


def read(value: Any, hook: Any) -> Created:
    """The request in what ``create_step`` returned. Raises HookError where there is none."""
    origin = Origin(CREATE, place(hook))
    if value is None:
        message = "create_step returned None: there is no step"
        raise HookError(HookFailure(CREATE, message, location=place(hook)))
    if isinstance(value, Step):
        return _of_step(value, origin)
    try:
        if isinstance(value, Mapping):
            return _of_mapping(value, origin, hook)
        from cursus.steps import sdk

        if sdk.is_sdk_object(value):
            made = _of_sdk(value, hook)
            made.origins[()] = origin
            return made
        named = getattr(value, "_asdict", None)
        if isinstance(value, tuple) and named is not None:
            return _of_mapping(named(), origin, hook)
        if not isinstance(value, (str, bytes, int, float, list, tuple, set)):
            return _of_attributes(value, origin, hook)
    except NestingError as error:
        raise HookError(
            HookFailure(CREATE, f"create_step returned a request that cannot be sent: {error}")
        ) from None
    except (HookError, KeyboardInterrupt):
        raise
    except Exception as error:  # a class of the user's that raises while it is read
        raise HookError(raised(CREATE, error, place(hook))) from None
    raise HookError(nonsense(hook, CREATE, value, "which is no step and no request"))


def _of_sdk(value: Any, hook: Any) -> Created:
    """The request of an SDK object; what the SDK raises while it makes it is the builder's, not the SDK's line."""
    from cursus.steps import sdk

    try:
        return sdk.read(value)
    except HookError as error:
        where, failed = place(hook), error.failure.location
        if where is None or (failed is not None and failed.file == where.file):
            raise
        raise HookError(replace(error.failure, location=where)) from None


def _of_mapping(value: Mapping[str, Any], origin: Origin, hook: Any) -> Created:
    from cursus.steps.requests import describe_unknown, from_mapping

    request = plain(value)
    found = from_mapping(request) if request else []
    if not found or isinstance(found[0], Pipeline):
        why = "that is a pipeline definition" if found else describe_unknown(request)
        failure = nonsense(hook, CREATE, dict(value), f"which is no request: {why}")
        raise HookError(failure)
    made = _of_step(found[0], origin)
    if "Arguments" in request:  # a step of a pipeline definition
        made.depends = tuple(name for name in listing(request, "DependsOn") if isinstance(name, str))
    return made


def _of_step(step: Step, origin: Origin) -> Created:
    own = step.request.get(kinds.NAMES.get(step.operation, ""))
    return Created(
        request=plain(step.request),
        operation=step.operation,
        type=step.type,
        name="" if step.name in (step.operation, own) else step.name,
        in_pipeline=step.in_pipeline,
        origins={**step.origins, (): step.origins.get((), origin)},
        problems=step.problems,
        region=step.region,
    )


def _of_attributes(value: Any, origin: Origin, hook: Any) -> Created:
    """The document's form: an object with the request's members as attributes."""
    request = {name: plain(member, lenient=_is_object(member)) for name, member in _members(value).items()}
    operation = kinds.identify(request) if request else None
    if operation is None or operation == kinds.PIPELINE:
        why = "which has neither .arguments nor a request's members (AlgorithmSpecification, …) as attributes"
        raise HookError(nonsense(hook, CREATE, value, why))
    name = getattr(value, "name", None)
    return Created(
        request=request,
        operation=operation,
        type=kinds.TYPES[operation],
        name=name if isinstance(name, str) else "",
        origins={(): origin},
    )


def _members(value: Any) -> dict[str, Any]:
    """The attributes of an object that could be members of a request: they begin with a capital."""
    found: dict[str, Any] = {}
    extra = attribute(value, "model_extra")  # of a pydantic model that takes more than its fields
    for name in (*dir(value), *(extra if isinstance(extra, Mapping) else ())):
        if _MEMBER.match(name):
            try:
                member = getattr(value, name)
            except Exception:  # a property that raises is a member that the request has not
                continue
            if not callable(member):
                found[name] = member
    return found


def _is_object(member: Any) -> bool:
    """True for an attribute that is itself an object of members, not data."""
    return not isinstance(member, (Mapping, list, tuple, str, int, float, bool, type(None)))

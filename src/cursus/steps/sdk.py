"""SageMaker SDK objects, versions 2 and 3, told by what they have: no SDK is imported here.

Seen with the public packages sagemaker 2.257.7 and 3.27.0. A step's ``.arguments`` is the request without the
job's name, which the pipeline makes. An estimator, trainer or tuner alone is asked to start its job; the
request is taken from its hands before it leaves this machine (``cursus.steps.offline``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cursus.aws.members import mapping, mappings, text
from cursus.aws.pipelines import parse_get, references, step_type
from cursus.aws.tables import table
from cursus.model import Finding, HookFailure, SourceCode, Step, UpstreamStep
from cursus.redact import show
from cursus.steps import kinds
from cursus.steps.answers import STARTERS, RequestCaptured
from cursus.steps.lowering.created import Created
from cursus.steps.lowering.hooks import HookError, call, nonsense
from cursus.steps.offline import answered_here, offline
from cursus.steps.plain import plain
from cursus.steps.requests import misnamed
from cursus.suggest import closest, did_you_mean

_FRAMEWORKS = ("pytorch", "tensorflow", "xgboost", "sklearn", "huggingface", "mxnet", "chainer")


def is_sdk_object(value: Any) -> bool:
    """True for a step, step arguments, estimator, trainer or tuner, a job that one of these was about to start, and any
    object with ``.arguments``.
    """
    return not isinstance(value, type) and (
        isinstance(value, RequestCaptured)
        or _has(value, "arguments")
        or _is_step_args(value)
        or _starter(value) is not None
    )


DEEPEST = 20
"""Levels of a step's arguments in which properties of other steps are looked for."""


def _has(value: Any, name: str) -> bool:
    """As hasattr, without running a property: ``.arguments`` uploads."""
    return hasattr(type(value), name) or name in getattr(value, "__dict__", {})


def starts_jobs(value: Any) -> bool:
    """True for an estimator, trainer or tuner: no step, but what starts one job after the other."""
    return not isinstance(value, type) and not _is_step_args(value) and _starter(value) is not None


def _of_sdk(value: Any) -> bool:
    return any(base.__module__.partition(".")[0] == "sagemaker" for base in type(value).__mro__)


def _is_step_args(value: Any) -> bool:
    return _of_sdk(value) and _has(value, "func") and _has(value, "func_args")


def _starter(value: Any) -> Callable[..., Any] | None:
    """The method by which an estimator, trainer or tuner starts its job, None for other objects."""
    if not _of_sdk(value) or _has(value, "arguments") or _has(value, "default_bucket"):
        return None  # a session has a default bucket, and sends what others start
    for name in STARTERS:
        method = getattr(value, name, None)
        if callable(method):
            found: Callable[..., Any] = method
            return found
    return None


def type_name(value: Any) -> str | None:
    """The step type that an SDK object has (``Training``, ``Processing``, …); None for other objects."""
    if not _of_sdk(value):
        return None
    found = getattr(value, "step_type", None)
    found = getattr(found, "value", found)
    if isinstance(found, str):
        return found
    name = type(value).__name__
    if "Tuner" in name:
        return "Tuning"
    if name.startswith("AutoML"):
        return "AutoML"
    return "Training" if _starter(value) is not None else None


def read(value: Any) -> Created:
    """The request of an SDK object, and what it says of source, framework and region.

    Raises HookError for what the SDK or the builder's code raises.
    """
    with offline() as answers, _unchanged(value):
        name, arguments, in_pipeline = _arguments(value)
        made_of = value if isinstance(value, RequestCaptured) else answers
    if isinstance(arguments, str) and arguments.lstrip().startswith("{"):
        with suppress(ValueError):
            arguments = json.loads(arguments)
    if not isinstance(arguments, Mapping):
        raise HookError(nonsense(None, "create_step", arguments, f"as {name} of a {type(value).__name__}"))
    request = plain(arguments)
    type_ = type_name(value) or ""
    known = step_type(type_)
    if known and "operation" not in known:
        message = f"a {type_} step sends no request of its own; check the pipeline that it stands in"
        raise HookError(HookFailure("create_step", message))
    operation = kinds.identify(request) or known.get("operation", "CreateTrainingJob")
    if operation == kinds.PIPELINE:
        raise HookError(nonsense(None, "create_step", arguments, "which is a pipeline definition"))
    own = getattr(value, "name", None)
    facts = _facts(value)
    return Created(
        request=request,
        operation=operation,
        type=type_ or kinds.TYPES[operation],
        name=own if isinstance(own, str) else "",
        in_pipeline=in_pipeline,
        upstream=_upstream(value, request, arguments),
        depends=tuple(name for name, _ in _waits_for(value)),
        answered=tuple(made_of.calls),
        drivers=made_of.drivers,
        alone=_alone(value),
        problems=(*_misspelt_distribution(value), *(misnamed(own) if in_pipeline else ())),
        region=None if answers.region_made_up else facts.pop("region", None),
        **{key: one for key, one in facts.items() if key != "region"},
    )


def _arguments(value: Any) -> tuple[str, Any, bool]:
    """(what was asked, the request, True where a pipeline makes the job's name)."""
    if isinstance(value, RequestCaptured):
        return f"a {value.operation}", value.request, False
    if _has(value, "arguments"):
        found = call(partial(getattr, value, "arguments"), "create_step")
        return ".arguments", call(found, "create_step") if callable(found) else found, True
    if _is_step_args(value):
        return "the arguments", _from_context(value), True
    session = getattr(value, "sagemaker_session", None)
    if "Local" in type(session).__name__:
        message = "a local mode session sends no request to SageMaker; give the estimator a plain Session"
        raise HookError(HookFailure("create_step", message))
    method = _starter(value)
    assert method is not None
    made = call(partial(method, **_quietly(method)), "create_step")
    if isinstance(made, RequestCaptured):
        return f".{method.__name__}()", made.request, False
    if _is_step_args(made):
        return f".{method.__name__}()", _from_context(made), True
    message = f"{type(value).__name__}.{method.__name__}() sent no request"
    raise HookError(HookFailure("create_step", message))


def _quietly(method: Callable[..., Any]) -> dict[str, bool]:
    """The arguments by which a job is started without waiting for its end."""
    import inspect

    takes = inspect.signature(method).parameters
    return {name: False for name in ("wait", "logs") if name in takes}


def _from_context(step_args: Any) -> Any:
    """The request that ``estimator.fit()`` with a PipelineSession stands for."""

    def execute() -> Any:
        step_args.func(*step_args.func_args, **step_args.func_kwargs)
        return step_args.func_args[0].sagemaker_session.context.args

    return call(execute, "create_step")


@contextmanager
def _unchanged(value: Any) -> Iterator[None]:
    """Put back what the answers made up from remaining in a session that its owner goes on using."""
    session = getattr(_maker(value), "sagemaker_session", None)
    names = ("_default_bucket", "_default_bucket_name_override", "_context")
    state = getattr(session, "__dict__", {})
    before = {name: state[name] for name in names if name in state}
    try:
        yield
    finally:
        state.update(before)


def _maker(value: Any) -> Any:
    """The estimator or trainer behind a step, step arguments or tuner."""
    for _ in range(4):
        step_args = getattr(value, "step_args", None) or (value if _is_step_args(value) else None)
        inner = None
        if step_args is not None and _is_step_args(step_args):
            inner = step_args.func_args[0] if step_args.func_args else None
        inner = inner or getattr(value, "estimator", None) or getattr(value, "tuner", None)
        inner = inner or getattr(value, "model_trainer", None)
        if inner is None or inner is value:
            return value
        value = inner
    return value


def _waits_for(value: Any) -> Iterator[tuple[str, Any]]:
    """The steps that a step object says it depends on: each by its name, with the object where it is one."""
    depends = getattr(value, "depends_on", None)
    for entry in depends if isinstance(depends, (list, tuple)) else []:
        entry = getattr(entry, "step", entry)  # a StepDependency holds it
        inner = getattr(entry, "steps", None)
        entry = inner[-1] if isinstance(inner, list) and inner else entry
        name = entry if isinstance(entry, str) else getattr(entry, "name", None)
        if isinstance(name, str):
            yield name, entry


def _upstream(
    value: Any, request: Mapping[str, Any], arguments: Any = None
) -> tuple[UpstreamStep, ...] | None:
    """The steps that a step object waits for: those it depends on, and those its request refers to.

    None where it has neither: what stands around it is then not known.
    """
    found = {name: _step_before(name, entry) for name, entry in _waits_for(value)}
    for entry in _referred(arguments):
        name = getattr(entry, "name", None)
        if isinstance(name, str):
            found[name] = _step_before(name, entry)
    for reference in references(request, (), None):
        target = parse_get(reference.text)
        if target is not None and target.root == "Steps":
            found.setdefault(target.name, UpstreamStep(target.name))
    return tuple(found.values()) or None


def _referred(value: Any, depth: int = 0) -> Iterator[Any]:
    """The step objects whose properties stand in a step's arguments."""
    inner: Iterable[Any] = ()
    if isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, (list, tuple)):
        inner = value
    elif hasattr(type(value), "_referenced_steps"):
        yield from value._referenced_steps
    for one in inner if depth < DEEPEST else ():
        yield from _referred(one, depth + 1)


def _step_before(name: str, entry: Any) -> UpstreamStep:
    """A step object as the step before another; the outputs of a processing step are in its arguments."""
    kind = type_name(entry) or ""
    if kind != "Processing":
        return UpstreamStep(name, kind)
    try:
        config = mapping(call(partial(getattr, entry, "arguments"), "create_step"), "ProcessingOutputConfig")
    except HookError:  # it is not what is checked
        return UpstreamStep(name, kind)
    outputs = [text(one, "OutputName") for _, one in mappings(config, "Outputs")]
    return UpstreamStep(name, kind, tuple(one for one in outputs if one))


def _facts(value: Any) -> dict[str, Any]:
    """Source, framework and region, as the estimator (v2) or trainer (v3) has them."""
    maker = _maker(value)
    code = getattr(maker, "source_code", None)
    session = getattr(maker, "sagemaker_session", None)
    source_dir = getattr(maker, "source_dir", None) or getattr(code, "source_dir", None)
    run = _processing(value)
    framework = getattr(maker, "_framework_name", None)
    if not isinstance(framework, str):
        module = type(maker).__module__
        framework = next((name for name in _FRAMEWORKS if f".{name}" in module), None)
    facts = {
        "source_dir": source_dir or run.get("source_dir"),
        "entry_point": getattr(maker, "entry_point", None)
        or getattr(code, "entry_script", None)
        or run.get("code"),
        "framework": framework,
        "framework_version": getattr(maker, "framework_version", None),
        "python_version": getattr(maker, "py_version", None),
        "region": getattr(session, "boto_region_name", None),
    }
    if isinstance(getattr(maker, "image_uri", None), str):
        # The SDK runs this image, and reads no framework, version or Python that is named beside it.
        facts |= dict.fromkeys(("framework", "framework_version", "python_version"))
    return {name: one.removeprefix("file://") for name, one in facts.items() if isinstance(one, str) and one}


def _misspelt_distribution(value: Any) -> Iterator[Finding]:
    """Words of an estimator's ``distribution`` (v2) that the SDK does not know, and passes over without a word."""
    given = getattr(_maker(value), "distribution", None)
    facts = table("distribution")
    ways = {
        "instance_groups",
        *(name.partition(".")[0] for name in (*facts["strategies"], *facts["switches"].values())),
    }
    for name, settings in given.items() if isinstance(given, Mapping) else ():
        word, known, where = str(name), ways, "distribution"
        if name in ways and name != "instance_groups" and isinstance(settings, Mapping):
            near = [str(key) for key in settings if closest(str(key), ("enabled",)) and key != "enabled"]
            word = near[0] if near and "enabled" not in settings else ""
            known, where = {"enabled"}, f"distribution[{name!r}]"
        if word and word not in known:
            yield Finding(
                rule="DST095",
                severity="warning",
                message=f"the estimator's {where} has {show(word)}, which the SDK does not read: no way of distributed "
                f"training is switched on by it.{did_you_mean(word, known)}",
                remedy=f"write {'one of ' if len(known) > 1 else ''}{', '.join(sorted(known))}",
                area="distributed",
            )


def _processing(value: Any) -> Mapping[str, Any]:
    """What a processing step's script and source directory are called where its processor is told them."""
    import inspect

    step_args = getattr(value, "step_args", None)
    if type_name(value) != "Processing":
        return {}
    if step_args is None or not _is_step_args(step_args):
        return {"code": getattr(value, "code", None)}
    try:
        takes = inspect.signature(step_args.func)
        given = takes.bind_partial(*step_args.func_args, **step_args.func_kwargs).arguments
    except (TypeError, ValueError):
        return {}
    return {**given, "code": given.get("code") or given.get("submit_app")}


def _alone(value: Any) -> bool:
    """True where version 2 of the SDK uploads the entry point by itself, without source_dir and dependencies."""
    maker, run = _maker(value), _processing(value)
    given = [
        *(run.get(name) for name in ("source_dir", "dependencies", "git_config")),
        *(getattr(maker, name, None) for name in ("source_dir", "dependencies", "git_config")),
    ]
    return hasattr(maker, "_upload_payload" if run else "dependencies") and not any(given)


@dataclass(frozen=True, slots=True)
class Defined:
    """What an SDK pipeline says: its definition, the calls answered here, its steps' training code, its region."""

    definition: Mapping[str, Any]
    answered: tuple[str, ...] = ()
    sources: Mapping[str, SourceCode] = field(default_factory=dict)
    region: str | None = None


def is_pipeline(value: Any) -> bool:
    """True for an SDK pipeline."""
    return (
        _of_sdk(value) and not isinstance(value, type) and _has(value, "definition") and _has(value, "steps")
    )


def _where(error: BaseException | None) -> str:
    """Where the SDK stopped: the step whose request it was making, and the line that says what it missed."""
    import linecache

    trace, step, line = error.__traceback__ if error else None, None, ""
    while trace is not None:
        owner, code = trace.tb_frame.f_locals.get("self"), trace.tb_frame.f_code
        name = getattr(owner, "name", None)
        if isinstance(name, str) and hasattr(owner, "step_type"):
            step = name
        file = code.co_filename.rpartition(f"site-packages{os.sep}")[2]
        text = linecache.getline(code.co_filename, trace.tb_lineno).strip()
        line = f" at {file}:{trace.tb_lineno}: {text}" if text and not text.startswith("raise") else ""
        trace = trace.tb_next
    return f", in step {step!r}{line}" if step else line


def definition(value: Any) -> Defined | None:
    """An SDK pipeline's definition as plain data, and what its objects know beside it; None for anything else.

    Raises TargetError where the pipeline cannot say it.
    """
    from cursus.steps.refusals import failed

    if not is_pipeline(value):
        return None
    with offline() as answers, _unchanged(value):
        try:
            text = call(value.definition, "definition")
        except HookError as error:
            says = f"{str(error).removeprefix('definition raised ').rstrip('.')}{_where(error.__context__)}"
            raise failed(
                f"the pipeline gives no definition: definition raised {says}.",
                error.__context__,
                says,
                None,
                "Change what the pipeline is made of: nothing is sent before.",
            ) from None
    found = json.loads(text) if isinstance(text, str) else text
    if not isinstance(found, Mapping):
        return None
    sources: dict[str, SourceCode] = {}
    for step in inner_steps(getattr(value, "steps", None)):
        name, source = getattr(step, "name", None), _source(step)
        if isinstance(name, str) and source is not None:
            sources[name] = source
    region = None if answers.region_made_up else _facts(value).get("region")
    return Defined(found, tuple(answers.calls), sources, region)


_NESTED = ("steps", "if_steps", "else_steps", "for_each_body")


def inner_steps(steps: Any) -> Iterator[Any]:
    """Every step object of a list: those in collections, branches and loops with the others, each once."""
    pending = list(steps) if isinstance(steps, (list, tuple)) else []
    seen: set[int] = set()
    while pending:
        step = pending.pop(0)
        if id(step) in seen or not _of_sdk(step):
            continue
        seen.add(id(step))
        for member in _NESTED:
            found = getattr(step, member, None)
            pending.extend(found if isinstance(found, (list, tuple)) else [])
        yield step


def _source(step: Any) -> SourceCode | None:
    """The user's code of a step object, where it starts a training, tuning or processing job."""
    from cursus.steps.sources import source_code

    if type_name(step) not in ("Training", "Tuning", "Processing"):
        return None
    facts = _facts(step)
    found = source_code(facts.get("source_dir"), facts.get("entry_point"), {})
    return replace(found, alone=_alone(step)) if found is not None else None


def collection(value: Any) -> list[Step] | None:
    """The requests of a step collection (ModelStep, RegisterModel, …), one a step; None for anything else.

    Raises TargetError where it cannot say them.
    """
    from cursus.errors import TargetError

    if isinstance(value, type) or not _of_sdk(value) or not _has(value, "request_dicts"):
        return None
    members = list(inner_steps(getattr(value, "steps", None)))
    if not members:
        raise TargetError(f"the {type(value).__name__} holds no steps.")
    made: list[Step] = []
    with offline() as answers, _unchanged(members[0]):
        for member in members:
            try:
                entry = plain(call(member.to_request, "create_step"))
            except HookError as error:
                raise TargetError(f"the {type(value).__name__} gives no request: {error}.") from None
            kind, arguments = str(entry.get("Type")), entry.get("Arguments")
            operation = step_type(kind).get("operation")
            if operation is not None and isinstance(arguments, Mapping):
                name = str(entry.get("Name") or kind)
                made.append(Step(name, operation, arguments, kind, in_pipeline=True, source=_source(member)))
    if made and answers.calls:
        made[0] = replace(made[0], problems=(answered_here(tuple(answers.calls)),))
    return made

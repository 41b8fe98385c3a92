"""Mappings and documents, turned into steps and pipelines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cursus.errors import TargetError
from cursus.model import Finding, Origin, Path, Pipeline, Step, format_path
from cursus.redact import show
from cursus.steps import kinds
from cursus.steps.reading.origins import at
from cursus.suggest import kind_of

NO_ORIGINS: Mapping[Path, Origin] = {}
_BODY = "PipelineDefinitionBody"
STEP_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")


def from_mapping(
    data: Mapping[str, Any],
    *,
    kind: str | None = None,
    name: str = "",
    origins: Mapping[Path, Origin] = NO_ORIGINS,
    problems: tuple[Finding, ...] = (),
    region: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    sure: bool = False,
) -> list[Step | Pipeline] | None:
    """The steps and pipelines that a mapping stands for, None where it is neither request nor definition.

    ``kind`` overrides what its members tell; with ``sure`` they must leave no doubt. A CreatePipeline
    request gives its own step and the pipeline of its definition. ``name`` is used where the request names nothing.
    """
    place: Path = ()
    wrapped, inner, inner_place = kinds.unwrap(data)
    if kind is not None:
        operation: str | None = kinds.operation(kind)
        if wrapped is not None and wrapped == operation:
            data, place = inner, inner_place
    elif wrapped is not None:
        operation, data, place = wrapped, inner, inner_place
    else:
        entry = _pipeline_step(data)
        if entry is not None:
            return [_of_entry(*entry, data, origins, problems, region)]
        operation = kinds.identify(data, sure=sure)
    if operation is None:
        return None
    if operation == kinds.PIPELINE and not kinds.is_definition(data) and "PipelineDefinition" in data:
        operation = "CreatePipeline"
    origins = at(origins, place)
    if operation == kinds.PIPELINE:
        return [Pipeline(name or "pipeline", data, parameters or {}, place, origins, region, problems)]
    if operation == "CreatePipeline":
        return _create_pipeline(data, place, origins, problems, region, parameters, name)
    return [_step(operation, data, name, place, origins, region, problems)]


def of_request(data: Mapping[str, Any], *, kind: str | None = None, region: str | None = None) -> Step | None:
    """The step that a mapping stands for if it is a sound request for one job, None where it is surely none.

    Raises TargetError where ``kind`` names no operation.
    """
    operation = kinds.told(data) if kind is None else kinds.operation(kind)
    if operation is None or operation in ("CreatePipeline", kinds.PIPELINE) or kinds.is_definition(data):
        return None
    return _step(operation, data, "", (), NO_ORIGINS, region, ())


def _step(
    operation: str,
    data: Mapping[str, Any],
    name: str,
    place: Path,
    origins: Mapping[Path, Origin],
    region: str | None,
    problems: tuple[Finding, ...],
) -> Step:
    own = data.get(kinds.NAMES[operation])
    called = own if isinstance(own, str) and own else name or operation
    return Step(
        called, operation, data, kinds.TYPES[operation], False, place, origins, region, problems=problems
    )


def describe_unknown(data: Any) -> str:
    """Why a value is neither request nor definition, for a message."""
    if isinstance(data, Mapping):
        if not data:
            return "it is an empty mapping"
        resources = data.get("Resources")
        if isinstance(resources, Mapping) and any(
            isinstance(one, Mapping) and str(one.get("Type")).startswith("AWS::SageMaker::")
            for one in resources.values()
        ):
            return (
                "it is a template of CloudFormation, which is not read: write the properties of its resource, or the "
                f"{_BODY} of its pipeline, into a file of their own"
            )
        if kinds.starts_pipeline(data):
            return (
                "it is a StartPipelineExecution request, which is not read alone: check the pipeline's definition with "
                "its values, --parameter NAME=VALUE"
            )
        names = ", ".join(show(name) for name in list(data)[:5])
        more = ", …" if len(data) > 5 else ""
        return f"its members ({names}{more}) are those of no request and no pipeline definition"
    if data is None:
        return "it is empty"
    return f"it holds {kind_of(data)}, not a mapping"


def _pipeline_step(data: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """(operation, arguments) where the mapping is one step of a pipeline definition."""
    arguments, type_ = data.get("Arguments"), data.get("Type")
    if isinstance(type_, str) and type_ in kinds.STEP_TYPES and isinstance(arguments, Mapping):
        operation = kinds.STEP_TYPES[type_]
        if operation == "CreateAutoMLJobV2":
            operation = kinds.identify(arguments) or operation
        return operation, arguments
    return None


def _of_entry(
    operation: str,
    arguments: Mapping[str, Any],
    entry: Mapping[str, Any],
    origins: Mapping[Path, Origin],
    problems: tuple[Finding, ...],
    region: str | None,
) -> Step:
    place: Path = ("Arguments",)
    own = entry.get("Name")
    problems = (*problems, *misnamed(own, origins))
    return Step(
        name=own if isinstance(own, str) and own else operation,
        operation=operation,
        request=arguments,
        type=str(entry.get("Type")),
        in_pipeline=True,
        prefix=place,
        origins=at(origins, place),
        region=region,
        problems=problems,
    )


def misnamed(name: Any, origins: Mapping[Path, Origin] = NO_ORIGINS) -> tuple[Finding, ...]:
    """What CreatePipeline says of the name of a step that stands alone; rule DEP002 reads those of a definition."""
    if not isinstance(name, str) or not name or STEP_NAME.fullmatch(name):
        return ()
    origin = origins.get(("Name",)) if origins else None
    return (
        Finding(
            rule="STP099",
            severity="error",
            message=f"the step name {show(name)} is not allowed",
            remedy="use 1 to 64 letters, digits, hyphens and underscores",
            area="step",
            location=origin.location if origin else None,
        ),
    )


def _create_pipeline(
    data: Mapping[str, Any],
    place: Path,
    origins: Mapping[Path, Origin],
    problems: tuple[Finding, ...],
    region: str | None,
    parameters: Mapping[str, Any] | None,
    name: str,
) -> list[Step | Pipeline]:
    own = data.get("PipelineName")
    name = own if isinstance(own, str) and own else name or "pipeline"
    text = data.get("PipelineDefinition")
    definition: Any = None
    if isinstance(text, str):
        definition, problem = _definition(text, place, origins)
        if problem is not None:
            problems = (*problems, problem)
    elif isinstance(text, Mapping):
        definition = text
        if _BODY in text:  # as CloudFormation has it; that it is no text is told of the request
            body = text[_BODY]
            definition = body if isinstance(body, Mapping) and "Steps" in body else _parsed(body)[0]
    if (text is None) == (data.get("PipelineDefinitionS3Location") is None):
        problems = (*problems, _no_one_definition(place, origins, both=text is not None))
    step = Step(
        name=name,
        operation="CreatePipeline",
        request=data,
        type="Pipeline",
        prefix=place,
        origins=origins,
        region=region,
        problems=problems,
    )
    if definition is None:
        return [step]
    inside: Path = ("PipelineDefinition",)
    below = at(origins, inside) if isinstance(text, Mapping) else _flat(origins, inside)
    return [step, Pipeline(name, definition, parameters or {}, (*place, *inside), below, region)]


def _definition(
    text: str, place: Path, origins: Mapping[Path, Origin]
) -> tuple[Mapping[str, Any] | None, Finding | None]:
    """The definition in a CreatePipeline request's string, or the finding that says why there is none."""
    data, why = _parsed(text)
    if data is not None:
        return data, None
    message = f"PipelineDefinition is not the JSON text of a definition: {why}"
    remedy = "Write the definition with json.dumps, or take what the SDK's Pipeline.definition() gives."
    return None, _fault("STP097", message, remedy, place, "PipelineDefinition", origins)


def _parsed(text: Any) -> tuple[Mapping[str, Any] | None, str]:
    """The definition that is written as a text, or why it is none."""
    from cursus.steps.reading.files import parse_json

    if not isinstance(text, str):
        return None, f"it is {kind_of(text)}, not a text"
    try:
        data = parse_json(text, "PipelineDefinition").data
    except TargetError as error:
        return None, str(error).removeprefix("PipelineDefinition:")
    return (data, "") if isinstance(data, Mapping) else (None, f"it is {kind_of(data)}, not a mapping")


def _no_one_definition(place: Path, origins: Mapping[Path, Origin], *, both: bool) -> Finding:
    if both:
        message, remedy = (
            "PipelineDefinition and PipelineDefinitionS3Location are both given",
            "Keep one of the two.",
        )
        return _fault("STP094", message, remedy, place, "PipelineDefinitionS3Location", origins)
    message = "the request has neither PipelineDefinition nor PipelineDefinitionS3Location"
    return _fault("STP094", message, "Add one of the two.", place, "PipelineDefinition", origins)


def _fault(
    rule: str, message: str, remedy: str, place: Path, member: str, origins: Mapping[Path, Origin]
) -> Finding:
    origin = (origins.get((member,)) or origins.get(())) if origins else None
    location = origin.location if origin else None
    path = format_path((*place, member))
    return Finding(rule, "error", message, path, remedy=remedy, area="step", location=location)


def _flat(origins: Mapping[Path, Origin], place: Path) -> Mapping[Path, Origin]:
    """The origin of a text for everything inside it."""
    origin = origins.get(place) if origins else None
    return {(): origin} if origin else NO_ORIGINS


def parse_text(text: str) -> Any:
    """The data of a target that is itself JSON text, such as what ``Pipeline.definition()`` returns."""
    from cursus.steps.reading.files import parse_json

    return parse_json(text, "<text>").data


def is_json_text(text: str) -> bool:
    """True where a string is JSON text, not a path."""
    return text.lstrip()[:1] == "{" and text.rstrip()[-1:] == "}"

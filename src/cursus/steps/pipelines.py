"""A pipeline definition, taken apart into the requests that its steps send.

Parameters are replaced by the values given, or their defaults; what only an execution knows (another
step's outputs, the execution's own variables) stays a reference, which no rule reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.members import mapping, mappings, text
from cursus.aws.pipelines import PipelineStep, nodes, parse_get, step_type, target_of, walk
from cursus.model import NO_PROMISES, Path, Pipeline, Promises, Step, format_path
from cursus.redact import cut
from cursus.steps.reading.origins import at


def expand(pipeline: Pipeline) -> list[Step]:
    """The steps of a pipeline whose arguments are a request, in reading order."""
    values = parameter_values(pipeline)
    read = _read_in_files(pipeline.definition) if pipeline.sources else {}
    steps: list[Step] = []
    for member in walk(pipeline.definition):
        for operation, place, arguments in _requests(member):
            request = resolve(arguments, values)
            if not isinstance(request, Mapping):
                continue  # a reference where the arguments belong
            steps.append(
                Step(
                    name=cut(member.name or format_path(member.path)),
                    operation=operation,
                    request=request,
                    type=member.type or "",
                    in_pipeline=True,
                    prefix=(*pipeline.prefix, *place),
                    origins=at(pipeline.origins, place),
                    region=pipeline.region,
                    source=pipeline.sources.get(member.name or ""),
                    promises=_promises(member, request, read),
                )
            )
    return steps


def _requests(member: PipelineStep) -> Iterator[tuple[str, Path, object]]:
    """What a step asks services for: operation, place and request of its arguments, or of parts of them."""
    facts, arguments = step_type(member.type or ""), member.body.get("Arguments")
    place: Path = (*member.path, "Arguments")
    if "operation" in facts:
        yield facts["operation"], place, arguments
    if not isinstance(arguments, Mapping):
        return
    for name, operation in facts.get("parts", {}).items():
        part = arguments.get(name)
        if isinstance(part, list):
            yield from ((operation, (*place, name, i), entry) for i, entry in enumerate(part))
        elif not isinstance(part, Mapping) or not (operation in SMALL and _has_capitals(part)):
            yield operation, (*place, name), part


SMALL = ("StartJobRun", "CreateApplication")
"""Requests whose members begin small. Those with capitals are left unread: nobody says that a pipeline refuses them."""


def _has_capitals(part: Mapping[Any, Any]) -> bool:
    return any(isinstance(name, str) and name[:1].isupper() for name in part)


Read = Mapping[tuple[str, str], list[str]]
"""The places that are read in property files, by the names of the step and of the file."""


def _promises(step: PipelineStep, request: Mapping[str, Any], read: Read) -> Promises:
    """The property files of a processing step, each by its path in the container, as what its script has to write."""
    files = list(mappings(step.body, "PropertyFiles"))
    outputs = mappings(mapping(request, "ProcessingOutputConfig"), "Outputs") if files else ()
    folders = {
        text(entry, "OutputName"): text(mapping(entry, "S3Output"), "LocalPath") for _, entry in outputs
    }
    found: dict[str, tuple[str, ...]] = {}
    for _, file in files:
        name, path = text(file, "OutputName"), text(file, "FilePath")
        folder = folders.get(name) if name is not None else None
        if folder is not None and path is not None:
            places = read.get((step.name or "", text(file, "PropertyFileName") or ""), ())
            found[f"{folder.rstrip('/')}/{path}"] = tuple(dict.fromkeys(places))
    return Promises(expected_artifacts=tuple(found), read_in=found) if found else NO_PROMISES


def _read_in_files(definition: Mapping[str, Any]) -> Read:
    """What every Std:JsonGet of a pipeline reads in a property file."""
    found: dict[tuple[str, str], list[str]] = {}
    for _, value in nodes(definition.get("Steps"), ("Steps",)):
        asked = mapping(value, "Std:JsonGet") if isinstance(value, Mapping) else {}
        target, place = target_of(asked.get("PropertyFile")), text(asked, "Path")
        if place is not None and target is not None and len(target.rest) > 1:
            found.setdefault((target.name, str(target.rest[1])), []).append(place)
    return found


def parameter_values(pipeline: Pipeline) -> dict[str, Any]:
    """The value of every parameter that has one: as given, else its default. One of another type is left out."""
    values: dict[str, Any] = dict(pipeline.parameters)
    declared = pipeline.definition.get("Parameters")
    for entry in declared if isinstance(declared, list) else []:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("Name"), str):
            continue
        name, kind = entry["Name"], entry.get("Type")
        if name not in values and "DefaultValue" in entry:
            values[name] = entry["DefaultValue"]
        if name in values and isinstance(kind, str) and kind in PYTHON_TYPES and not fits(values[name], kind):
            del values[name]
    return values


PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}


def fits(value: object, kind: Any) -> bool:
    """True where ``value`` is of the parameter type ``kind``, one of the four."""
    if isinstance(value, bool):
        return bool(kind == "Boolean")
    return isinstance(value, PYTHON_TYPES.get(kind, ()))


DEEPEST = 200
"""Nesting below which nothing is replaced: no request is a tenth as deep."""


def resolve(value: Any, values: Mapping[str, Any], depth: int = 0) -> Any:
    """``value`` with every reference to a known parameter, and every join of known texts, replaced."""
    if depth > DEEPEST:
        return value
    if isinstance(value, Mapping):
        if len(value) == 1:
            key, inner = next(iter(value.items()))
            if key == "Get" and isinstance(inner, str):
                target = parse_get(inner)
                if target and target.root == "Parameters" and not target.rest and target.name in values:
                    return values[target.name]
                return dict(value)
            if key == "Std:Join" and isinstance(inner, Mapping):
                return _joined(inner, values, depth)
        return {key: resolve(inner, values, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolve(inner, values, depth + 1) for inner in value]
    return value


def _joined(join: Mapping[str, Any], values: Mapping[str, Any], depth: int) -> Any:
    parts = join.get("Values")
    on = join.get("On", "")
    if not isinstance(parts, list) or not isinstance(on, str):
        return {"Std:Join": dict(join)}
    resolved = [resolve(part, values, depth + 1) for part in parts]
    if any(isinstance(part, (Mapping, list)) for part in resolved):
        return {"Std:Join": {**join, "Values": resolved}}
    return on.join(_text(part) for part in resolved)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

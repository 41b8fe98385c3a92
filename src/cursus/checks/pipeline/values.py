"""Rules on values that a pipeline makes when it runs: functions, and what references put into their places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws import schema
from cursus.aws.pipelines import INNER, Reference, Target, inner_shape, output_shape, parse_get, step_type
from cursus.checks.rules import Problem, rule
from cursus.checks.type_words import WHAT
from cursus.checks.views import PipelineView, is_reference, listing, mapping
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import closest, did_you_mean

JOIN = ("On", "Values")
JSON_GET = ("PropertyFile", "Path", "S3Uri", "Step")


@rule("DEP013", scope="pipeline")
def functions(view: PipelineView) -> Iterator[Problem]:
    """A Std:Join or Std:JsonGet has not the form of one, or is not called so.

    What it does:
        Looks at the name and the members of every function: a join has ``Values``, a list of texts, numbers and references, and
        ``On``, a text; a JsonGet has a ``Path``, a text that no reference can stand for, and a ``PropertyFile`` that is a
        reference or an ``S3Uri`` that is joined.
    Why:
        CreatePipeline refuses what it cannot parse: "Unable to parse pipeline definition".
    Example:
          operation: Pipeline
          Steps:
        -   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: {"Std:Join": {"On": " ", "Values": no data}}}}
        +   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: {"Std:Join": {"On": " ", "Values": [no, data]}}}}
    Source:
        https://sagemaker.readthedocs.io/en/v2/workflows/pipelines/sagemaker.workflow.pipelines.html (functions)
    """
    for step in view.definition.steps:
        pending: list[tuple[Any, Path]] = [(step.body.get("Arguments"), step.place)]
        while pending:
            value, place = pending.pop()
            if isinstance(value, list):
                pending.extend((inner, (*place, i)) for i, inner in enumerate(value))
            elif isinstance(value, Mapping):
                for key, inner in value.items():
                    if key in INNER.get(step.type or "", ()):
                        continue
                    pending.append((inner, (*place, key)))
                    if len(value) == 1 and key == "Std:Join":
                        yield from _join(inner, (*place, key))
                    elif len(value) == 1 and key == "Std:JsonGet":
                        yield from _json_get(inner, (*place, key))
                right, name = almost(value), str(next(iter(value), ""))
                if right is not None and name.lower() != "get":  # which is told of its text
                    hint = f" Did you mean {right!r}?" if right.startswith("Std:") else ""
                    yield Problem(f"there is no function {show(name)}.{hint}", place, f"write {right}")


def almost(value: Mapping[str, Any]) -> str | None:
    """The function or reference that a mapping of one member is meant to be, and is not for its name."""
    key, inner = next(iter(value.items())) if len(value) == 1 else ("", None)
    if not isinstance(key, str) or key in ("Std:Join", "Std:JsonGet", "Get"):
        return None
    plain = "".join(filter(str.isalnum, key.lower())).removeprefix("std")
    for name, members in (("Std:Join", JOIN), ("Std:JsonGet", JSON_GET)):
        form = isinstance(inner, Mapping) and bool(inner) and inner.keys() <= set(members)
        if form and (key[:3].lower() == "std" or closest(plain, (name[4:].lower(),))):
            return name
    if key in ("Ref", "ref", "$ref") and isinstance(inner, str):  # CloudFormation's
        return f'{{"Get": "Parameters.{inner}"}}'
    if key in ("Fn::Join", "Fn::Sub", "Std:Concat") and isinstance(inner, (list, str)):
        return "Std:Join"
    if key == "Concat" and isinstance(inner, list) and any(map(is_reference, inner)):
        return "Std:Join"
    return '{"Get": …}' if key.lower() == "get" else None


def _members(value: Mapping[str, Any], known: tuple[str, ...], place: Path, name: str) -> Iterator[Problem]:
    for member in value:
        if member not in known:
            hint = did_you_mean(str(member), known)
            yield Problem(
                f"{name} has no member {show(member)}.{hint}",
                (*place, str(member)),
                "its members are " + ", ".join(known),
                severity="error" if hint or known is JOIN else "warning",  # a JsonGet may get new ones
            )


def _join(value: Any, place: Path) -> Iterator[Problem]:
    right = '{"Std:Join": {"On": "/", "Values": ["a", "b"]}}'
    if not isinstance(value, Mapping):
        yield Problem(f"Std:Join holds {show(value)}", place, f"write {right}")
        return
    yield from _members(value, JOIN, place, "Std:Join")
    on = value.get("On", "")
    if not isinstance(on, str) and not is_reference(on):
        yield Problem(
            f"On of a Std:Join is {'null' if on is None else show(on)}, and no text",
            (*place, "On"),
            f"write {right}",
        )
    parts = value.get("Values")
    if "Values" not in value and any(closest(str(member), ("Values",)) for member in list(value)[:9]):
        return
    if not isinstance(parts, list):
        shown = "no Values" if parts is None else f"Values that are no list: {show(parts)}"
        yield Problem(f"Std:Join has {shown}", (*place, "Values"), f"write {right}")
        return
    for i, part in enumerate(parts):
        if part is None or isinstance(part, list) or (isinstance(part, Mapping) and not is_reference(part)):
            yield Problem(
                f"Std:Join cannot join {show(part)}",
                (*place, "Values", i),
                "give it texts, numbers and references",
            )


def _path(path: object, place: Path) -> Iterator[Problem]:
    """Where a JsonGet looks in the file."""
    if not path:
        yield Problem("Std:JsonGet has no Path", place, "write the path in the file, such as metrics.mse")
    elif not isinstance(path, str):
        yield Problem(
            f"the Path of Std:JsonGet is a text, not {show(path)}",
            place,
            "write the path itself: it cannot be made of parameters",
        )
    elif "/" in path and "[" not in path:
        yield Problem(
            f"the Path {show(path)} is no JSONPath",
            place,
            "write it with dots, such as metrics.mse",
            severity="error" if path.startswith("/") else "warning",  # a name in the file may have one
        )
    elif path.count("[") != path.count("]"):
        yield Problem(
            f"the Path {show(path)} is no JSONPath: a bracket is open",
            place,
            "close it, as in metrics[0].mse or metrics['mse']",
        )
    elif path.endswith("."):
        yield Problem(
            f"the Path {show(path)} is no JSONPath: it ends with a dot", place, "name the member after it"
        )
    elif several := _SEVERAL.search(path):
        yield Problem(
            f"{show(several[0])} in the Path {show(path)} is not the way to one value",
            place,
            "write each member's name after a dot, or as ['name'], and an index as [0]",
            severity="warning",
        )
    elif dotted := _DOTTED.search(path):
        yield Problem(
            f"{show(dotted[2])} after the list {show(dotted[1])} in the Path {show(path)} is read as the name of a member",
            place,
            f"write {dotted[1]}[{dotted[2]}]",
            severity="warning",
        )


_DOTTED = re.compile(
    r"(?:^|\.)(metric_groups|metric_data|results|items|values|scores|folds|epochs|rows)\.(\d+)(?=\.|$)"
)
"""An index written as a name, after what reports call their lists. A confusion matrix has numbers for names."""


_SEVERAL = re.compile(r"\.\.|(?<![^.\[])\*|\[(?!-?\d+\]|'[^']*'\]|\"[^\"]*\"\])[^\]]*\]")
"""Steps of a JSONPath that may lead to many values, and brackets that have no index and no name."""


def _json_get(value: Any, place: Path) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield Problem(f"Std:JsonGet holds {show(value)}", place, "give it a PropertyFile and a Path")
        return
    path = value.get("Path")
    like = next((str(m) for m in value if m not in JSON_GET and str(m).lower().endswith("path")), None)
    if not path and like is not None:
        yield Problem(f"Std:JsonGet has no member {show(like)}", (*place, like), "call it Path")
    else:
        yield from _members(value, JSON_GET, place, "Std:JsonGet")
    if path or like is None:
        yield from _path(path, (*place, "Path"))
    file = value.get("PropertyFile")
    if file is None and "S3Uri" not in value:
        yield Problem("Std:JsonGet names no PropertyFile", (*place, "PropertyFile"), "name the property file")
    elif file is not None and value.get("S3Uri") is not None:
        yield Problem(
            "Std:JsonGet names a PropertyFile and an S3Uri", (*place, "S3Uri"), "keep the one that is meant"
        )
    elif isinstance(uri := value.get("S3Uri"), Mapping) and any(
        isinstance(part, Mapping) and "Get" not in part
        for part in listing(mapping(uri, "Std:Join"), "Values")
    ):
        yield Problem(
            "a part of the S3Uri of Std:JsonGet is a function: it joins texts and references alone",
            (*place, "S3Uri"),
            "write the parts of the inner join into the outer",
        )
    elif isinstance(uri, Mapping) and "Get" in uri:
        yield Problem(
            f"the S3Uri of Std:JsonGet is {show(uri)}: it takes a Std:Join, that ends in the name of the file",
            (*place, "S3Uri"),
            'write {"Std:Join": {"On": "/", "Values": [{"Get": …}, "evaluation.json"]}}',
        )
    elif file is not None and not is_reference(file):
        yield Problem(
            f"the PropertyFile is {show(file)}, not a reference",
            (*place, "PropertyFile"),
            'write {"Get": "Steps.<step>.PropertyFiles.<name>"}',
        )


@rule("DEP014", scope="pipeline")
def referenced_type(view: PipelineView) -> Iterator[Problem]:
    """A reference puts a value of another kind into its place than the API takes there.

    What it does:
        Compares the type of the property, parameter or output that a reference names with the type of the member
        that it stands for: text, whole number, structure or list. Where a member is a location on S3, a name or a property
        file, what is referred to must be one too; and the pipeline's experiment is named before any step runs.
    Why:
        CreatePipeline refuses values that do not fit ("Expecting start of Json Array"), or the step fails when it is
        reached. ``step.properties.ModelArtifacts`` is a structure, ``.S3ModelArtifacts`` in it the URI.
    Example:
          operation: Pipeline
          Steps:
            - Name: Create
              Type: Model
              Arguments:
                PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"}
            - Name: Score
              Type: Transform
              Arguments:
        -       ModelName: {Get: Steps.Create.ModelArn}
        +       ModelName: {Get: Steps.Create.ModelName}
                TransformInput: {DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html
    """
    for reference in view.definition.references:
        target = parse_get(reference.text)
        if target is None:
            continue
        if reference.step is None or reference.in_json_get:
            yield from _misplaced(view, reference, target)
            continue
        given = given_types(view, target)
        if given is None:
            if reference.path[-1] in MADE_NAMES and _is_listed(view, target) and _place(reference):
                yield from _wrong_property(reference, target)
            continue
        joined = "Std:Join" in reference.path
        wanted = {"string"} if joined else _wanted(reference)
        structured = given & {"object", "array"}
        if wanted and (structured or not joined) and not given & wanted:
            yield _wrong_type(reference, target, given, wanted)
        elif not joined and not _is_free(reference):
            wrong = list(_wrong_property(reference, target)) if target.root == "Steps" and wanted else []
            yield from wrong or _never(reference, target)


def _misplaced(view: PipelineView, reference: Reference, target: Target) -> Iterator[Problem]:
    """A reference to a step in the pipeline's experiment, or to no property file where one is read."""
    if reference.step is None and target.root == "Steps":
        yield Problem(
            f"{show(reference.text)} is known when the step has run, and the experiment is made before",
            reference.path,
            "refer to a parameter or to an execution variable",
        )
    elif (
        reference.path[-1] == "PropertyFile"
        and target.rest[:1] != ("PropertyFiles",)
        and (target.root in ("Execution", "Parameters") or given_types(view, target) is not None)
    ):
        yield Problem(
            f"{show(reference.text)} is no property file",
            reference.path,
            'write {"Get": "Steps.<step>.PropertyFiles.<name>"}, of a file that the step declares',
        )


CHOSEN = frozenset({"InstanceType", "Image", "ImageUri", "TrainingImage", "RoleArn", "ExecutionRoleArn"})
NAMED = CHOSEN | {"ModelName", "ModelPackageGroupName", "EndpointName", "EndpointConfigName"}
"""Members that are names, and those of them that are there before the execution."""


def _is_free(reference: Reference) -> bool:
    """True in a mapping whose keys are the user's."""
    kind = reference.step.type if reference.step else None
    return kind in ("Lambda", "Callback") or reference.path[-2] in ("Environment", "HyperParameters")


def _never(reference: Reference, target: Target) -> Iterator[Problem]:
    """What the member that a reference stands for never is."""
    member = reference.path[-1]
    located = target.rest[-1:] in (("S3Uri",), ("S3OutputPath",), ("S3ModelArtifacts",))
    if target.root == "Execution" and member in LOCATIONS | CHOSEN:
        is_word = "a name or a time of the execution"
    elif target.root == "Steps" and located and member in NAMED:
        is_word = "a location on S3"
    else:
        return
    yield Problem(
        f"{show(reference.text)} is {is_word}, and {member} is none",
        reference.path,
        f"write the {member} itself, or refer to one",
    )


KINDS = {"String": {"string"}, "Integer": {"integer", "number"}, "Float": {"number"}, "Boolean": {"boolean"}}


def given_types(view: PipelineView, target: Target) -> set[str] | None:
    """The JSON types that a reference may give; None where that is not known, or a value is put in anyway."""
    if target.root == "Parameters":
        entry = view.definition.parameters.get(target.name)
        if entry is None or "DefaultValue" in entry or target.name in view.pipeline.parameters:
            return None
        return KINDS.get(str(entry.get("Type")))
    if target.root == "Execution":
        return {"string"}
    if target.root != "Steps" or not target.rest:
        return None
    step = view.definition.by_name.get(target.name)
    if step is None:
        return None
    if target.rest[0] == "OutputParameters" and len(target.rest) > 1:
        declared = step.body.get("OutputParameters")
        for entry in declared if isinstance(declared, list) else []:
            if isinstance(entry, Mapping) and entry.get("OutputName") == target.rest[1]:
                return KINDS.get(str(entry.get("OutputType")))
        return None
    shape = _shape(step.type or "", target.rest)
    if shape is None or shape.get("timestamp"):
        return None
    kind = shape.get("type")
    if kind == "integer":
        return {"integer", "number"}
    return {kind} if isinstance(kind, str) else None


def _shape(kind: str, rest: tuple[str | int, ...]) -> Mapping[str, Any] | None:
    outputs = step_type(kind).get("outputs")
    shape = output_shape(outputs[0]) if outputs else None
    for part in rest:
        if shape is None:
            return None
        shape = inner_shape(shape, part)
    return shape


def _place(reference: Reference) -> tuple[str, Path] | None:
    """The operation of the step that a reference stands in, and its place in the request."""
    assert reference.step is not None
    operation = step_type(reference.step.type or "").get("operation")
    place = reference.path[len(reference.step.path) :]
    return (operation, place[1:]) if operation and place[:1] == ("Arguments",) else None


OPERANDS = frozenset({"LeftValue", "RightValue", "QueryValue", "Value"})
SINGLE = {"string", "integer", "number", "boolean"}


def _wanted(reference: Reference) -> set[str]:
    """The JSON types that the API takes where the reference stands; empty where that is not known."""
    if reference.step is not None and reference.step.type == "Condition" and reference.path[-1] in OPERANDS:
        return SINGLE
    found = _place(reference)
    document = schema.document(found[0]) if found else None
    if reference.path[-1] == "ErrorMessage" and reference.step is not None and reference.step.type == "Fail":
        return SINGLE
    if document is None or found is None:
        return set()
    node = schema.at(document, found[1])
    kind = node.get("type") if node else None
    return {kind} if isinstance(kind, str) else set()


def _wrong_type(reference: Reference, target: Target, given: set[str], wanted: set[str]) -> Problem:
    is_word = next(WHAT[kind] for kind in WHAT if kind in given)
    takes = "a single value" if wanted == SINGLE else next(WHAT[kind] for kind in WHAT if kind in wanted)
    remedy = f"refer to something that is {takes}"
    if given == {"array"}:
        remedy = f"name one of its entries: Steps.{target.name}.{target.rest[-1]}[…]"
    elif given == {"object"}:
        remedy = f"name one of its members: Steps.{target.name}.{target.rest[-1]}.<member>"
    elif wanted == {"array"}:
        remedy = "put the reference into a list: [{…}]"
    elif wanted == {"string"}:
        remedy = 'make it a text: {"Std:Join": {"On": "", "Values": [{"Get": …}]}}'
    return Problem(f"{show(reference.text)} is {is_word}; this place takes {takes}", reference.path, remedy)


LOCATIONS = frozenset({"S3Uri", "S3OutputPath", "ModelDataUrl"})
MADE_NAMES = {
    "ModelName": "a model",
    "EndpointName": "an endpoint",
    "EndpointConfigName": "an endpoint configuration",
}
"""Members that take a name which a step of the pipeline makes, and of what."""


FORMS = {
    "Arn": ("an ARN", "arn:aws:sagemaker:us-east-1:123456789012:thing/a"),
    "Name": ("a name", "churn-model-1"),
}
"""What properties that end so are, and what such a value looks like."""


def _other_form(reference: Reference, last: str) -> str | None:
    """What a property is whose values the API's pattern for the place cannot match: an ARN where a name belongs."""
    form = next((FORMS[end] for end in FORMS if last.endswith(end)), None)
    found = _place(reference)
    document = schema.document(found[0]) if form and found else None
    node = schema.at(document, found[1]) if document and found else None
    pattern = (node or {}).get("awsPattern")
    if form is None or not isinstance(pattern, str):
        return None
    try:
        return None if re.fullmatch(pattern, form[1]) else form[0]
    except re.error:  # Java's, which Python does not read
        return None


def _is_listed(view: PipelineView, target: Target) -> bool:
    """True for a property of which no more than its name is known."""
    step = view.definition.by_name.get(target.name) if target.root == "Steps" and target.rest else None
    return step is not None and target.rest[0] in step_type(step.type or "").get("properties", ())


def _wrong_property(reference: Reference, target: Target) -> Iterator[Problem]:
    """A text that cannot be what the place needs: no URI, or no name of a model."""
    member, last = reference.path[-1], target.rest[-1]
    if target.rest[0] == "OutputParameters" or not isinstance(last, str):
        return
    if member in LOCATIONS and not any(word in last for word in ("S3", "Uri", "Url", "Location", "Baseline")):
        yield Problem(
            f"{show(reference.text)} is no location on S3, which {member} takes",
            reference.path,
            "refer to a property that is one, such as …S3Output.S3Uri or ModelArtifacts.S3ModelArtifacts",
        )
    elif (what := _other_form(reference, last)) is not None:
        yield Problem(
            f"{show(reference.text)} is {what}, and {member} takes none",
            reference.path,
            f"refer to the {'name' if what == 'an ARN' else 'ARN'}",
        )
    elif member in MADE_NAMES and last != member:
        yield Problem(
            f"{show(reference.text)} is not the name of {MADE_NAMES[member]}, which {member} takes",
            reference.path,
            f"refer to {member} of the step that creates it",
        )

"""Rules on the properties of steps that references in a pipeline definition name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws import schema
from cursus.aws.algorithms import find
from cursus.aws.pipelines import (
    PipelineStep,
    Reference,
    Target,
    facts,
    inner_shape,
    output_shape,
    parse_get,
    step_type,
    walk,
)
from cursus.checks.pipeline import read_json
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TUNING, PipelineView, integer, is_reference, mapping, mappings, ranges_in
from cursus.model import Path
from cursus.redact import cut, show
from cursus.suggest import did_you_mean


@rule("DEP012", scope="pipeline")
def unknown_property(view: PipelineView) -> Iterator[Problem]:
    """A reference names a property that a step of that type does not have.

    What it does:
        Follows the reference through what the step's Describe operation answers, and through the outputs,
        output parameters and property files that the step declares, the hyperparameters that it tunes, and the lists and
        mappings that its own request writes out.
    Why:
        CreatePipeline refuses a reference to a property that the step does not return.
    Example:
          operation: Pipeline
          Steps:
            - Name: Ask
              Type: Lambda
              FunctionArn: arn:aws:lambda:us-east-1:123456789012:function:ask
              Arguments: {}
              OutputParameters: [{OutputName: answer, OutputType: String}]
        -   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: {Get: "Steps.Ask.OutputParameters['anwser']"}}}
        +   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: {Get: "Steps.Ask.OutputParameters['answer']"}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html
    """
    for reference in view.definition.references:
        target = parse_get(reference.text)
        if target is None or target.root not in ("Steps", "IterationOutput"):
            continue
        step = view.definition.by_name.get(target.name)
        if step is not None and (target.root == "Steps" or target.rest):
            yield from unresolved(reference, target, step)


def unresolved(reference: Reference, target: Target, step: PipelineStep) -> Iterator[Problem]:
    """What a reference to ``step`` names that it does not return, or does not declare."""
    if step_type(step.type or "") == {}:
        return
    if not target.rest:
        yield Problem(
            f"{show(reference.text)} names a step, not a property of it",
            reference.path,
            f"write Steps.{target.name}.<property>",
        )
    elif target.rest[0] == "PropertyFiles":
        if not reference.in_json_get:
            yield Problem(
                f"{show(reference.text)} is a file; a reference cannot look into it",
                reference.path,
                'write {"Std:JsonGet": {"PropertyFile": {"Get": …}, "Path": …}}',
            )
        yield from _property_file(reference, target, step)
    elif target.rest[0] == "OutputParameters" and step.type in ("Lambda", "Callback"):
        yield from _output_parameter(reference, target, step)
    else:
        yield from _property(reference, target, step)


def _unread(arguments: object) -> bool:
    """True for arguments of which another rule says that something stands in the place of the outputs."""
    if not isinstance(arguments, Mapping) or has_strangers(arguments):
        return True
    config = arguments.get("ProcessingOutputConfig")
    return config is not None and not (
        isinstance(config, Mapping) and isinstance(config.get("Outputs"), list)
    )


def _property_file(reference: Reference, target: Target, step: PipelineStep) -> Iterator[Problem]:
    if step.type != "Processing":
        yield Problem(
            f"{target.name} is a {step.type} step; only processing steps have property files",
            reference.path,
            "refer to a property file of a processing step",
        )
        return
    declared = step.names("PropertyFiles", "PropertyFileName")
    name = target.rest[1] if len(target.rest) > 1 else None
    misplaced = step.at("Arguments", "PropertyFiles") is not None
    if declared is None or name is None or name in declared or misplaced:
        return
    known = "it declares " + ", ".join(map(cut, declared)) if declared else "it declares none"
    yield Problem(
        f"step {target.name} declares no property file {show(name)}: {known}."
        f"{did_you_mean(str(name), declared)}",
        reference.path,
        f"add {name} to the PropertyFiles of {target.name}, with the OutputName and FilePath it is at",
    )


def _output_parameter(reference: Reference, target: Target, step: PipelineStep) -> Iterator[Problem]:
    declared = step.names("OutputParameters", "OutputName")
    name = target.rest[1] if len(target.rest) > 1 else None
    if declared is None or name is None:
        return
    if name in declared:
        if ".OutputParameters." in reference.text:
            yield Problem(
                f"{show(reference.text)} names an output parameter with a dot: they are a mapping",
                reference.path,
                f"write Steps.{target.name}.OutputParameters['{name}']",
                severity="warning",  # all that is documented has brackets
            )
        if len(target.rest) > 2:
            yield Problem(
                f"{show(reference.text)} looks into an output parameter, which is a text, a number or a truth value: what is "
                "nested in it is one text",
                reference.path,
                f"let {target.name} give an output parameter of its own for it",
            )
        return
    yield Problem(
        f"step {target.name} has no output parameter {show(name)}.{did_you_mean(str(name), declared)}",
        reference.path,
        f"add {name} to the OutputParameters of {target.name}, or name one of " + ", ".join(declared),
    )


def has_strangers(arguments: object) -> bool:
    """True where a processing step has members that the API does not know: the outputs may stand in one of them."""
    known = (schema.document("CreateProcessingJob") or {}).get("properties") or {}
    return isinstance(arguments, Mapping) and not arguments.keys() <= known.keys()


def _property(reference: Reference, target: Target, step: PipelineStep) -> Iterator[Problem]:
    entry = step_type(step.type or "")
    first = target.rest[0]
    if first == "TrainingJobSummaries" and step.type == "Tuning":
        yield from _summaries(reference, target, step)
        return
    if step.type == "ForEach":
        yield from _of_loop(reference, target, step)
    elif step.type == "Lineage" and len(target.rest) == 2:
        yield from _recorded(reference, target, step)
    if first in entry["properties"] or "*" in entry["properties"]:
        below = entry.get("below", {}).get(first)
        if below and len(target.rest) > 1 and target.rest[1] not in below:
            yield Problem(
                f"{first} has no member {show(target.rest[1])}.{did_you_mean(str(target.rest[1]), below)}",
                reference.path,
                "it has " + ", ".join(below),
            )
        return
    shape = output_shape(entry["outputs"][0]) if entry["outputs"] else None
    if entry["outputs"] and shape is None:
        return
    options = [*entry["properties"], *(shape or {}).get("properties", {})]
    if shape is None or first not in shape.get("properties", {}):
        remedy = f"name a member of what {entry['outputs'][0]} returns" if entry["outputs"] else ""
        if len(options) < 8 or not entry["outputs"]:
            remedy = "name one of " + ", ".join(sorted(options)) if options else "leave the reference out"
        hint = did_you_mean(str(first), options)
        if first == "ProcessingOutputs":  # after ProcessingInputs
            hint = ""
            remedy = f"write Steps.{target.name}.ProcessingOutputConfig.Outputs['<name>'].S3Output.S3Uri"
        given = step.names("OutputParameters", "OutputName") or {}
        output = next((part for part in target.rest if part in given), None)
        if output is not None:
            remedy = f"write Steps.{target.name}.OutputParameters['{output}']"
        yield Problem(
            f"a {step.type} step has no property {show(first)}.{hint}",
            reference.path,
            remedy,
        )
        return
    yield from _below(reference, target, step, shape)


def items_of(view: PipelineView, loop: Path) -> list[Any]:
    """The items of the loop at a place, read as the JSON that they are, as far as they are known before an execution."""
    step = next((step for step in view.definition.steps if step.path == loop), None)
    items = step.at("Arguments", "IterableItems") if step is not None else None
    items = read_json(view.filled(items))
    found = items if isinstance(items, list) else []
    return [read_json(item) for item in found if not isinstance(item, Mapping) or not is_reference(item)]


def _of_loop(reference: Reference, target: Target, loop: PipelineStep) -> Iterator[Problem]:
    """What a step in the body of a loop gave: ``IterationOutputs[0].<step>.<property>``, or ``Selected.<property>``."""
    body = {step.name: step for step in walk({"Steps": loop.at("Arguments", "ForEachBody")}) if step.name}
    right = f"write Steps.{target.name}.IterationOutputs[0].<step>.<property>"
    index, name = (*target.rest[1:3], "", "")[:2]
    if target.rest[0] == "Selected":
        selector = loop.body["Arguments"].get("Selector") if body else {}
        if selector is None:
            yield Problem(
                f"{show(reference.text)} is what a Selector picks, and the loop has none",
                reference.path,
                right,
            )
    elif target.rest[0] != "IterationOutputs":
        return
    elif not isinstance(index, int):
        yield Problem(
            f"{show(reference.text)} does not say of which iteration: IterationOutputs is a list",
            reference.path,
            right,
        )
    elif name not in body:
        yield Problem(
            f"{show(reference.text)} names no step in ForEachBody.{did_you_mean(str(name), body)}",
            reference.path,
            right,
        )
    else:
        items = loop.body["Arguments"].get("IterableItems")
        if isinstance(items, list) and index >= len(items) > 0:
            yield Problem(
                f"{show(reference.text)} is after the last: the loop has {len(items)} items",
                reference.path,
                f"count from 0: the last is {len(items) - 1}",
            )
        yield from unresolved(reference, Target("Steps", str(name), target.rest[3:]), body[str(name)])


def _recorded(reference: Reference, target: Target, step: PipelineStep) -> Iterator[Problem]:
    """``ArtifactArns['model']``: the step must record an entity of that name."""
    entities = str(target.rest[0]).removesuffix("Arns") + "s"
    recorded = step.names("Arguments", entities, f"{entities[:-1]}Name")
    if entities in ENTITIES and recorded is not None and target.rest[1] not in recorded:
        yield Problem(
            f"step {target.name} records none of {entities} as {show(target.rest[1])}."
            f"{did_you_mean(str(target.rest[1]), recorded)}",
            reference.path,
            "name one of " + ", ".join(recorded) if recorded else f"add it to {entities}",
        )


ENTITIES = ("Actions", "Artifacts", "Contexts")


def _summaries(reference: Reference, target: Target, step: PipelineStep) -> Iterator[Problem]:
    """The training jobs of a tuning step, the best first: what a Describe operation says of the best one."""
    tuned = output_shape("DescribeHyperParameterTuningJob")
    best = inner_shape(tuned, "BestTrainingJob") if tuned else None
    most = facts()["job_summaries"]
    index = target.rest[1] if len(target.rest) > 1 else None
    limits = mapping(mapping(step.arguments, TUNING), "ResourceLimits")
    made = integer(limits, "MaxNumberOfTrainingJobs")
    if isinstance(index, int) and index >= min(most, made or most):
        yield Problem(
            f"{show(reference.text)} is not among the jobs that are kept"
            if index >= most
            else f"{show(reference.text)} is behind the last of the {made} jobs of {show(target.name)}",
            reference.path,
            f"count from 0, the best, to {min(most, made or most) - 1}",
        )
    elif best is not None:
        yield from _below(reference, target, step, {"properties": {"TrainingJobSummaries": {"items": best}}})


def _below(
    reference: Reference, target: Target, step: PipelineStep, shape: Mapping[str, Any]
) -> Iterator[Problem]:
    """Follow the reference through the output's shape."""
    trail = f"Steps.{target.name}"
    for position, part in enumerate(target.rest):
        if "items" in shape and isinstance(part, str):
            yield from _named_output(reference, target, step, target.rest[:position], part)
            if f".{part}" in reference.text and f"[{part!r}]" not in reference.text:
                yield Problem(
                    f"{trail} is a list: {show(part)} is no member of it",
                    reference.path,
                    f"write {trail}[{part!r}]",
                )
                return
            if part.isdecimal() and target.rest[position - 1] not in NAMED:
                yield Problem(
                    f"{trail} is a list, and {show(part)} is a text: its entries have no names",
                    reference.path,
                    f"write {trail}[{part}]",
                    severity="warning",  # no report of what the service says
                )
        elif "items" in shape and isinstance(part, int):
            yield from _numbered(reference, step, target.rest[:position], part)
        elif isinstance(shape.get("additionalProperties"), Mapping) and isinstance(part, str):
            yield from _keyed(reference, step, target.rest[:position], part)
        inner = inner_shape(shape, part)
        if inner is None:
            members = sorted(shape.get("properties", ()))
            if members:
                yield Problem(
                    f"{trail} has no member {show(part)}.{did_you_mean(str(part), members)}",
                    reference.path,
                    "it has " + ", ".join(members),
                )
            else:
                yield Problem(
                    f"{trail} is a single value: there is no {show(part)} below it",
                    reference.path,
                    f"write {trail}",
                )
            return
        trail += f".{part}" if isinstance(part, str) and "items" not in shape else f"[{part!r}]"
        shape = inner


def _written(step: PipelineStep, rest: tuple[str | int, ...]) -> Any:
    """What the step's own request has where its description has a property; None where it says nothing."""
    value: Any = step.body.get("Arguments")
    for part in rest:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _numbered(
    reference: Reference, step: PipelineStep, rest: tuple[str | int, ...], index: int
) -> Iterator[Problem]:
    """``InputDataConfig[1]``: a list that the step's request writes out must be as long as that."""
    value = _written(step, rest)
    if isinstance(value, list) and index >= len(value):
        yield Problem(
            f"{rest[-1]} of step {step.name} has {len(value)} entries, and none with the number {index}",
            reference.path,
            f"count from 0: the last is {len(value) - 1}",
        )


def _keyed(
    reference: Reference, step: PipelineStep, rest: tuple[str | int, ...], key: str
) -> Iterator[Problem]:
    """``HyperParameters['eta']``: a mapping that the step's request writes out, or a tuning job fills, must have it."""
    known: Any = _written(step, rest)
    if rest[-1] == "TunedHyperParameters":
        job = step.arguments
        several = [one for _, one in mappings(job, "TrainingJobDefinitions")]
        parts = [mapping(mapping(job, TUNING), "ParameterRanges")]
        parts += [mapping(one, "HyperParameterRanges") for one in several]
        autotuned = mapping(mapping(job, TUNING), "Autotune")
        known = (
            {name: None for part in parts for _, _, name in ranges_in(part, ())} if not autotuned else None
        )
    if isinstance(known, Mapping) and known and not is_reference(known) and key not in known:
        yield Problem(
            f"{rest[-1]} of step {step.name} have no {show(key)}.{did_you_mean(key, known)}",
            reference.path,
            "name one of " + ", ".join(map(str, known)),
        )


def _named_output(
    reference: Reference, target: Target, step: PipelineStep, rest: tuple[str | int, ...], name: str
) -> Iterator[Problem]:
    """``ProcessingOutputConfig.Outputs['train']``: the step must declare an output, input or channel of that name.

    ``FinalMetricDataList['auc']``: a step that defines metrics must define one of that name.
    """
    if rest == ("FinalMetricDataList",):
        algorithm = ("Arguments", "AlgorithmSpecification")
        metrics = step.names(*algorithm, "MetricDefinitions", "Name")
        image = step.at(*algorithm, "TrainingImage")
        # A built-in algorithm reports metrics of its own.
        if metrics == {} and isinstance(image, str) and find(image) is None:
            yield Problem(
                f"step {target.name} defines no metrics, and its image is no built-in algorithm: it reports none",
                reference.path,
                f"add MetricDefinitions with {show(name)} and its Regex to the AlgorithmSpecification of {target.name}",
            )
        elif metrics == {} and isinstance(image, str) and _unpublished(image, name):
            algorithm_of = find(image)
            published = list(algorithm_of.metrics) if algorithm_of is not None else []
            yield Problem(
                f"the algorithm of step {target.name} reports no metric {show(name)}.{did_you_mean(name, published)}",
                reference.path,
                "name one of " + ", ".join(published[:8]),
            )
        elif metrics and name not in metrics:
            yield Problem(
                f"step {target.name} defines no metric {show(name)}.{did_you_mean(name, metrics)}",
                reference.path,
                "name one of " + ", ".join(metrics),
            )
    called = NAMED.get(rest[-1])
    place = tuple(map(str, rest))
    declared = step.names("Arguments", *place, called[0]) if called is not None else None
    if called is None or declared is None:
        return
    if name in declared:
        yield from _lacking(reference, target, step, name, place)
        return
    if not declared and (step.type != "Processing" or _unread(step.body.get("Arguments"))):
        return
    known = "it declares " + ", ".join(map(cut, declared)) if declared else "it declares none"
    yield Problem(
        f"step {target.name} has no {called[1]} {show(name)}: {known}.{did_you_mean(name, declared)}",
        reference.path,
        f"name one of its {called[1]}s, or add {name} to its {rest[0]}",
    )


def _unpublished(image: str, name: str) -> bool:
    """True for a metric that a built-in algorithm reports of no channel."""
    algorithm = find(image)
    known = {one.rpartition(":")[2] for one in algorithm.metrics} if algorithm is not None else set()
    return bool(known) and ":" in name and name.rpartition(":")[2] not in known


def _lacking(
    reference: Reference, target: Target, step: PipelineStep, name: str, place: tuple[str, ...]
) -> Iterator[Problem]:
    """``Outputs['features'].S3Output`` of an output that goes to the feature store: it has no location."""
    member = target.rest[len(place) + 1] if len(target.rest) > len(place) + 1 else ""
    other = INSTEAD.get(str(member))
    held = step.at("Arguments", *place)
    entries = [
        entry
        for entry in (held if isinstance(held, list) else ())
        if isinstance(entry, Mapping) and name in (entry.get("OutputName"), entry.get("InputName"))
    ]
    if other is not None and len(entries) == 1 and member not in entries[0] and entries[0].get(other):
        yield Problem(
            f"{show(name)} of step {target.name} has a {other} and no {member}",
            reference.path,
            f"give {name} a {member}, or refer to an entry that has one",
        )


INSTEAD = {
    "S3Output": "FeatureStoreOutput",
    "FeatureStoreOutput": "S3Output",
    "S3Input": "DatasetDefinition",
    "DatasetDefinition": "S3Input",
}
"""Of an output and an input of a processing job has each one of two: what stands in the place of a member."""


NAMED: Mapping[object, tuple[str, str]] = {
    "Outputs": ("OutputName", "output"),
    "ProcessingInputs": ("InputName", "input"),
    "InputDataConfig": ("ChannelName", "channel"),
}
"""The lists whose entries are referred to by name: the member that holds it, and what they are."""

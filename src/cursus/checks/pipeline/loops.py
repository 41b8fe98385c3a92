"""Rules on loops in a pipeline, and on the steps that clean up after others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.pipelines import PipelineStep, facts, loop_around, parse_get, target_of
from cursus.checks.pipeline import none_of, outputs_of, read_json
from cursus.checks.pipeline.conditions import branch_steps
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, is_reference, mapping, mappings
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import did_you_mean


@rule("DEP048", scope="pipeline")
def loops(view: PipelineView) -> Iterator[Problem]:
    """A ForEach step's items, body or selector, or a cleanup step's sources, are not what these steps take.

    What it does:
        Looks at IterableItems (a reference to a text with a list in JSON, or a list of 1 to 100 references and single values), MaxConcurrency (1 to 50),
        the types of the steps in ForEachBody, the Selector, and steps that are called as the loop's runs are; and at every
        source of a Cleanup step: its StepName, a VpcConfig, the form of S3Uris, which the outputs of processing and transform
        steps need and lie below, and whether the cleanup waits for it and for the jobs that read it (warnings).
    Why:
        CreatePipeline refuses the definition. A loop runs no conditions, no further loops and no Fail steps; the runs of its
        steps are called Step-0, Step-1 and so on.
    Example:
          operation: Pipeline
          Steps:
            - Name: EachRegion
              Type: ForEach
              Arguments:
                IterableItems: [us-east-1, eu-west-1]
        -       MaxConcurrency: 0
        +       MaxConcurrency: 2
                ForEachBody: [{Name: Ask, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:ask", Arguments: {region: {Get: ForEach.CurrentItem}}}]
    Source:
        sagemaker 3.27.0, sagemaker.mlops.workflow.for_each_step and cleanup_step; pipelines as a whole:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-pipeline.html
    """
    for step in view.definition.steps:
        if step.type == "ForEach" and step.arguments:
            yield from _items(view, step.arguments, step.place)
            yield from _body(step.arguments, step.place)
        elif step.type == "Cleanup":
            sources = list(mappings(mapping(step.arguments, "Resources"), "S3"))
            if "Arguments" in step.body and not is_reference(step.arguments.get("Resources")) and not sources:
                yield Problem(
                    "nothing says which steps' outputs are to be deleted",
                    (*step.place, "Resources"),
                    'write {"S3": [{"StepName": …}]}',
                )
            for i, source in sources:
                yield from _cleaned(view, step, source, (*step.place, "Resources", "S3", i))
        run = _RUN.fullmatch(step.name or "")
        repeated = view.definition.by_name.get(run[1]) if run else None
        if repeated is not None and loop_around(repeated, step) is not None:
            yield Problem(
                f"{show(step.name)} is what a run of the loop's step {show(repeated.name)} is called",
                (*step.path, "Name"),
                "give the step another name",
            )


_RUN = re.compile(r"(.+)-\d+")


def _cleaned(
    view: PipelineView, cleanup: PipelineStep, source: Mapping[str, Any], place: Path
) -> Iterator[Problem]:
    """One of the steps whose outputs are to be deleted."""
    name = source.get("StepName")
    step = view.definition.by_name.get(name) if isinstance(name, str) else None
    if isinstance(name, str) and step is None and view.definition.has_unnamed:
        return
    if isinstance(name, str) and step is None:
        yield Problem(
            f"there is no step {show(name)} in this pipeline.{did_you_mean(name, view.definition.by_name)}",
            (*place, "StepName"),
            "name the step whose outputs are to be deleted",
        )
    elif not isinstance(name, str):
        yield Problem(
            "a source of a cleanup has a StepName, which is a text",
            (*place, "StepName"),
            "name the step whose outputs are to be deleted",
        )
    uris = source.get("S3Uris")
    if uris is not None and not is_reference(uris):
        wrong = (
            [uri for uri in uris if isinstance(uri, str) and "://" not in uri]
            if isinstance(uris, list)
            else [uris]
        )
        if wrong or not uris:
            yield Problem(
                f"S3Uris is a list of S3 URIs, not {show(wrong[0] if wrong else uris)}",
                (*place, "S3Uris"),
                "write [s3://bucket/key]",
            )
    if step is not None:
        yield from _outputs_of(view, cleanup, step, uris, place)


def _outputs_of(
    view: PipelineView, cleanup: PipelineStep, step: PipelineStep, uris: object, place: Path
) -> Iterator[Problem]:
    """Whether what a step has put out can be deleted, and when."""
    name = step.name
    if name and cleanup.name and not view.definition.waits(cleanup.name, name):
        yield Problem(
            f"the cleanup does not wait for step {show(name)}: it may run before there is anything to delete",
            (*cleanup.path, "DependsOn"),
            f"add {name} to DependsOn",
            severity="warning",
        )
    elif late := _still_reads(view, cleanup, step):
        yield Problem(
            f"step {show(late)} reads what is deleted, and the cleanup does not wait for it",
            (*cleanup.path, "DependsOn"),
            f"add {late} to DependsOn",
            severity="warning",
        )
    if step.arguments.get("VpcConfig") or mapping(step.arguments, "NetworkConfig").get("VpcConfig"):
        yield Problem(
            f"step {show(name)} has a VpcConfig: the outputs of such a step cannot be cleaned up",
            (*place, "StepName"),
            "leave the step out, or let a lambda step delete them",
        )
    elif isinstance(uris, list) and (outside := _outside(view, step, uris)) is not None:
        yield Problem(
            f"{show(uris[outside])} is in none of the outputs of step {show(name)}",
            (*place, "S3Uris", outside),
            "name objects below an output of the step, or leave the object out",
        )
    elif step.type in ("Processing", "Transform") and uris is None:
        yield Problem(
            f"the outputs of {show(name)}, a {step.type} step, are not found without S3Uris",
            (*place, "S3Uris"),
            "name the objects that are to be deleted",
            severity="warning",
        )


def _still_reads(view: PipelineView, cleanup: PipelineStep, step: PipelineStep) -> str | None:
    """A step that refers to another's outputs, and that a cleanup of these does not wait for."""
    for reference in view.definition.references:
        reader, target = reference.step, parse_get(reference.text)
        if (
            reader is None
            or not reader.name
            or not cleanup.name
            or target is None
            or target.name != step.name
        ):
            continue
        waits = reader.name == cleanup.name or view.definition.waits(cleanup.name, reader.name)
        if {"S3Uri", "S3ModelArtifacts", "S3OutputPath"}.intersection(target.rest) and not waits:
            return reader.name if reader.type in ("Training", "Processing", "Transform", "Tuning") else None
    return None


def _outside(view: PipelineView, step: PipelineStep, uris: list[Any]) -> int | None:
    """The number of an object that is in no output of the step, where all of them are known."""
    job = next((one.request for one in view.steps if one.name == step.name), {})
    target = mapping(job, "TransformOutput").get("S3OutputPath")
    places = [target] if target else [one.get("S3Uri") for _, _, one in outputs_of(job)]
    known = tuple(place for place in places if isinstance(place, str))
    named = enumerate(map(view.filled, uris)) if known and len(known) == len(places) else ()
    return next((i for i, uri in named if isinstance(uri, str) and not uri.startswith(known)), None)


def _items(view: PipelineView, arguments: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    limits = facts()["for_each"]
    items = arguments.get("IterableItems")
    right = f"give a reference, or a list of 1 to {limits['items']} references and single values"
    if isinstance(items, list):
        if not 1 <= len(items) <= limits["items"]:
            yield Problem(f"IterableItems has {len(items)} items", (*place, "IterableItems"), right)
        for i, item in enumerate(items[: limits["items"]]):
            if (
                item is None
                or isinstance(item, list)
                or (isinstance(item, Mapping) and not is_reference(item))
            ):
                yield Problem(
                    f"an item of the loop is {show(item)}",
                    (*place, "IterableItems", i),
                    "write it as JSON text",
                )
    elif not is_reference(items):
        shown = "the loop has no IterableItems" if items is None else f"IterableItems is {show(items)}"
        yield Problem(shown, (*place, "IterableItems"), right)
    elif isinstance(told := view.filled(items), str) and told and not isinstance(read_json(told), list):
        yield Problem(
            f"the loop's items {show(told)} are no list in JSON",
            (*place, "IterableItems"),
            'write the text as JSON, such as ["north", "south"]',
        )
    most = arguments.get("MaxConcurrency")
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= limits["concurrency"]:
        yield Problem(
            "the loop has no MaxConcurrency" if most is None else f"MaxConcurrency is {show(most)}",
            (*place, "MaxConcurrency"),
            f"write 1 to {limits['concurrency']}",
        )


def _body(arguments: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    limits = facts()["for_each"]
    body = arguments.get("ForEachBody")
    if not isinstance(body, list) or not body:
        yield Problem("the loop has no steps", (*place, "ForEachBody"), "write a list of steps")
    yield from branch_steps(body, (*place, "ForEachBody"))
    for i, step in enumerate(body if isinstance(body, list) else []):
        kind = step.get("Type") if isinstance(step, Mapping) else None
        if kind in limits["refused_steps"]:
            yield Problem(
                f"a {kind} step cannot stand in a loop",
                (*place, "ForEachBody", i, "Type"),
                "move it out of the loop",
            )
    selector = arguments.get("Selector")
    if selector is not None and not isinstance(selector, Mapping):
        yield Problem(
            f"the Selector is a mapping, not {show(selector)}",
            (*place, "Selector"),
            'write {"Pick": "MaxBy", "Field": {"Get": "IterationOutput.<step>.<property>"}}',
        )
    elif selector is not None:
        pick = selector.get("Pick")
        if pick not in limits["picks"]:
            yield none_of("there is no Pick", pick, limits["picks"], (*place, "Selector", "Pick"))
        target = target_of(selector.get("Field"))
        if target is None or target.root != "IterationOutput":
            yield Problem(
                "the Field of a Selector is a reference to an output of a step in the loop",
                (*place, "Selector", "Field"),
                'write {"Get": "IterationOutput.<step>.<property>"}',
            )

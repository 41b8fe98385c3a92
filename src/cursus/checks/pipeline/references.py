"""Rules on references in a pipeline definition: every ``Get`` has to resolve."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.aws.pipelines import (
    Reference,
    Target,
    facts,
    loop_around,
    parse_get,
)
from cursus.checks.pipeline import none_of
from cursus.checks.pipeline.properties import items_of
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView
from cursus.model import Path, format_path
from cursus.redact import show
from cursus.suggest import did_you_mean

ROOTS = ("Parameters", "Steps", "Execution", "PipelineExperimentConfig")
LOOP_ROOTS = {"ForEach": "ForEachBody", "IterationOutput": "Selector"}
MOST_PLACES = 3
"""Further references to what is missing that a message names."""
"""What a reference may begin with in the body of a loop, and in its selector."""


@rule("DEP010", scope="pipeline")
def reference_form(view: PipelineView) -> Iterator[Problem]:
    """A reference in a pipeline definition has not the form of one, or names nothing that exists.

    What it does:
        Reads every ``Get``: it must begin with Parameters, Steps, Execution or PipelineExperimentConfig, and name a
        parameter that is declared, or a variable that an execution has.
    Why:
        CreatePipeline refuses a definition with a reference that cannot be resolved.
    Example:
          operation: Pipeline
          Parameters: [{Name: Reason, Type: String, DefaultValue: no data}]
          Steps:
        -   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: {Get: Parameters.Raeson}}}
        +   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: {Get: Parameters.Reason}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-parameters.html
    """
    known = facts()
    missing: dict[str, list[Path]] = {}
    for reference in view.definition.references:
        target = parse_get(reference.text)
        if target is not None and target.root in LOOP_ROOTS:
            yield from _in_loop(view, reference, target)
        elif target is None or target.root not in ROOTS:
            root = reference.text.partition(".")[0]
            hint = did_you_mean(root, ROOTS) if root not in ROOTS else ""
            yield Problem(
                f"{show(reference.text)} is no reference.{hint}",
                reference.path,
                "write Parameters.<name>, Steps.<step>.<property>, or Execution.<variable>",
            )
        elif target.root == "Parameters" and target.name not in view.definition.parameters:
            if not view.definition.has_unread_parameters:
                missing.setdefault(target.name, []).append(reference.path)
        elif target.root == "Parameters" and target.rest:
            yield Problem(
                f"{show(reference.text)}: a parameter has nothing below it",
                reference.path,
                f"write Parameters.{target.name}",
            )
        elif target.root == "Execution" and target.name not in known["execution_variables"]:
            yield none_of(
                "an execution has no variable", target.name, known["execution_variables"], reference.path
            )
        elif target.root == "Execution" and target.rest:
            yield Problem(
                f"{show(reference.text)}: an execution's variable has nothing below it",
                reference.path,
                f"write Execution.{target.name}",
            )
    for name, places in missing.items():
        yield Problem(
            f"there is no parameter {show(name)}.{did_you_mean(name, view.definition.parameters)}{_also(places[1:])}",
            places[0],
            f"declare {name} in Parameters, or name one that is declared",
        )


def _also(places: list[Path]) -> str:
    """Where else the same is referred to."""
    if not places:
        return ""
    more = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
    return (
        f" It is referred to at {', '.join(format_path(place) for place in places[:MOST_PLACES])}{more} too"
    )


def _in_loop(view: PipelineView, reference: Reference, target: Target) -> Iterator[Problem]:
    here = reference.step
    if target.root == "ForEach":
        loop = loop_around(here, None) if here is not None else None
        if loop is None:
            yield Problem(
                f"{show(reference.text)} stands outside the body of a ForEach step",
                reference.path,
                "refer to the current item in the steps of ForEachBody",
            )
        elif target.name != "CurrentItem":
            yield Problem(
                f"{show(reference.text)} is no reference.{did_you_mean(target.name, ['CurrentItem'])}",
                reference.path,
                "write ForEach.CurrentItem",
            )
        elif target.rest:
            field = target.rest[0]
            lacking = [
                item for item in items_of(view, loop) if not isinstance(item, dict) or field not in item
            ]
            if lacking:
                yield Problem(
                    f"the loop's item {show(lacking[0])} has no {show(field)}",
                    reference.path,
                    f'write each item as JSON text with it, such as {{"{field}": …}}, or refer to ForEach.CurrentItem',
                    severity="warning",  # the items may be a sketch
                )
    elif here is None or here.type != "ForEach" or "Selector" not in reference.path:
        yield Problem(
            f"{show(reference.text)} stands outside the Selector of a ForEach step",
            reference.path,
            "refer to Steps.<loop>.IterationOutputs[<number>].<step>.<property>, or to Steps.<loop>.Selected",
        )
    elif target.name not in (body := here.names("Arguments", "ForEachBody", "Name") or {}) or not target.rest:
        yield Problem(
            f"{show(reference.text)} names no output of a step in ForEachBody.{did_you_mean(target.name, body)}",
            reference.path,
            "write IterationOutput.<step>.<property>",
        )


@rule("DEP011", scope="pipeline")
def unknown_step(view: PipelineView) -> Iterator[Problem]:
    """A reference names a step that the pipeline does not have, or that runs once for each item of a loop.

    What it does:
        Looks up the step of every ``Steps.…`` reference, those in the branches of conditions included. What a step of a
        loop gives is reached from outside through the loop.
    Why:
        CreatePipeline refuses a reference that cannot be resolved.
    Example:
          operation: Pipeline
          Steps:
        -   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: {Get: Steps.Trian.TrainingJobStatus}}}
        +   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: {Get: Execution.PipelineName}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html
    """
    for reference in view.definition.references:
        target = parse_get(reference.text)
        if target is None or target.root != "Steps":
            continue
        if target.name not in view.definition.by_name:
            if view.definition.has_unnamed:
                continue
            giver = next(
                (
                    step.name
                    for step in view.definition.steps
                    if target.name in (step.names("OutputParameters", "OutputName") or ())
                ),
                None,
            )
            # The SDK names the steps of a collection after it: Register makes Register-RegisterModel.
            ends = (name for name in view.definition.by_name if name.startswith(f"{target.name}-"))
            hint = did_you_mean(next(ends, target.name), view.definition.by_name) if giver is None else ""
            yield Problem(
                f"there is no step {show(target.name)} in this pipeline.{hint}",
                reference.path,
                "name an existing step"
                if giver is None
                else f"it is an output of {giver}: write Steps.{giver}.OutputParameters['{target.name}']",
            )
        elif (loop := loop_around(view.definition.by_name[target.name], reference.step)) is not None:
            name = next((step.name for step in view.definition.steps if step.path == loop), None)
            yield Problem(
                f"step {show(target.name)} runs once for each item of a loop: there is none of that name outside",
                reference.path,
                f"write Steps.{name}.IterationOutputs[0].{target.name}{reference.text[len(target.name) + 6 :]}",
            )
        elif view.definition.by_name[target.name] is reference.step:
            yield Problem(
                f"step {show(target.name)} refers to itself",
                reference.path,
                "refer to a step that ends before this one starts",
            )

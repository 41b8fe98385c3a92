"""Rules on steps of a pipeline that no execution comes to, and on pipelines whose executions all fail."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cursus.aws.pipelines import ACROSS, Definition, PipelineStep, dependencies, parse_get, references
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, listing
from cursus.model import Path
from cursus.redact import show


@rule("DEP054", severity="warning", scope="pipeline")
def never_reached(view: PipelineView) -> Iterator[Problem]:
    """A step waits for what never comes: both branches of a condition, the one not taken, or a Fail step.

    What it does:
        Looks at the steps that a step waits for, by DependsOn and by reference: two in different branches of one condition,
        one in a branch that is not taken with the values of the parameters, or one that fails the execution. Where steps
        outside wait for either branch, the pipeline has two ways, and the parameters choose between them.
    Why:
        Of IfSteps and ElseSteps only one is executed, and a Fail step ends the execution. The step is never run, and the
        execution says nothing of it. "You cannot add a FailStep to the DependsOn list of other steps": that is an error.
    Example:
          operation: Pipeline
          Steps:
            - Name: Decide
              Type: Condition
              Arguments:
                Conditions: [{Type: Equals, LeftValue: 1, RightValue: 1}]
                IfSteps: [{Name: Ask, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:ask", Arguments: {}}]
                ElseSteps: [{Name: Tell, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:tell", Arguments: {}}]
        -   - {Name: Last, Type: Lambda, DependsOn: [Ask, Tell], FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:last", Arguments: {}}
        +   - {Name: Last, Type: Lambda, DependsOn: [Ask], FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:last", Arguments: {}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html (condition step, fail step)
    """
    definition = view.definition
    branched = [step for step in definition.steps if step.branches]
    if not branched and all(step.type != "Fail" for step in definition.steps):
        return
    waits = _waits(definition)
    followed = {
        branch
        for step in definition.steps
        for _, before in waits.get(step.path, ())
        for branch in before.branches
        if branch[0] not in {condition for condition, _ in step.branches}
    }
    left_out = {at: told for at, told in _left_out(view) if (at[0], ACROSS[at[1]]) not in followed}
    for step in definition.steps:
        problem = _unreached(step, waits.get(step.path, []), left_out)
        # One in a circle never runs for that.
        if problem is not None and not (step.name and definition.waits(step.name, step.name)):
            yield problem


def _unreached(
    step: PipelineStep, waits: list[tuple[Path, PipelineStep]], left_out: Mapping[tuple[Path, str], str]
) -> Problem | None:
    taken: dict[Path, tuple[str, str]] = {}
    for place, before in waits:
        closed = next((at for at in before.branches if at in left_out and at not in step.branches), None)
        if closed is not None:
            return Problem(
                f"step {show(step.name)} never runs with {left_out[closed]}: it waits for {show(before.name)}, whose branch "
                "is not taken then",
                place,
                "put it into the same branch, or let it wait for a step that always runs",
            )
        if before.type == "Fail":
            return Problem(
                f"step {show(step.name)} never runs: it waits for {show(before.name)}, which ends the execution",
                place,
                "wait for a step that completes, or put the step into the condition's other branch",
                severity="error" if "DependsOn" in place else None,
            )
        other = next(
            (taken[c][1] for c, branch in before.branches if taken.get(c, (branch,))[0] != branch), None
        )
        if other is not None:
            return Problem(
                f"step {show(step.name)} never runs: it waits for {show(other)} and {show(before.name)}, which are in "
                "different branches of one condition",
                place,
                "wait for one of them, or for the condition step",
            )
        for condition, branch in before.branches:
            taken.setdefault(condition, (branch, str(before.name)))
    return None


_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def _left_out(view: PipelineView) -> Iterator[tuple[tuple[Path, str], str]]:
    """The branches that are not taken with the values that parameters have, each with the parameters that decide."""
    values = view.values
    for step in view.definition.steps if values else ():
        entries = listing(step.arguments, "Conditions") if step.type == "Condition" else []
        asked = [parse_get(each.text) for each in references(entries, (), step)]
        names = [t.name for t in asked if t is not None and t.root == "Parameters" and t.name in values]
        outcomes = [_holds(view.filled(entry)) for entry in entries]
        if not names or (None in outcomes and False not in outcomes):
            continue
        branch = "IfSteps" if False in outcomes else "ElseSteps"
        yield (
            (step.path, branch),
            ", ".join(f"{name} {show(values[name], name)}" for name in dict.fromkeys(names)),
        )


def _holds(entry: object) -> bool | None:
    """What comes of a condition whose parameters are put in; None where only an execution knows."""
    if not isinstance(entry, Mapping):
        return None
    if entry.get("Type") == "Not":
        inner = _holds(entry.get("Condition", entry.get("Expression")))
        return None if inner is None else not inner
    left, right = entry.get("LeftValue"), entry.get("RightValue")
    compare = _COMPARED.get(str(entry.get("Type")))
    known = all(isinstance(side, (str, int, float)) for side in (left, right))
    if compare is None or not known or isinstance(left, str) != isinstance(right, str):
        return None
    return compare(left, right)


def _waits(definition: Definition) -> dict[Path, list[tuple[Path, PipelineStep]]]:
    """For the path of each step, the steps that have to complete before it, and where it says so."""
    found: dict[Path, list[tuple[Path, PipelineStep]]] = {}
    for step in definition.steps:
        for i, name in dependencies(step.body):
            before = definition.by_name.get(name)
            if before is not None and before is not step and isinstance(step.body["DependsOn"][i], str):
                found.setdefault(step.path, []).append(((*step.path, "DependsOn", i), before))
    for reference in definition.references:
        target = parse_get(reference.text)
        if reference.step is None or target is None or target.root != "Steps":
            continue
        before = definition.by_name.get(target.name)
        if (
            before is not None and before is not reference.step and before.type != "Fail"
        ):  # which has no properties
            found.setdefault(reference.step.path, []).append((reference.path, before))
    return found


@rule("DEP058", severity="warning", scope="pipeline")
def always_fails(view: PipelineView) -> Iterator[Problem]:
    """Every execution of the pipeline comes to a Fail step.

    What it does:
        Looks for Fail steps that stand in no branch of a condition, where other steps do, and wait for no step in one, nor
        for another outcome than completion.
    Why:
        A Fail step ends the execution with the status Failed, however well the other steps went.
    Example:
          operation: Pipeline
          Steps:
            - {Name: Ask, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:ask", Arguments: {}, OutputParameters: [{OutputName: answer, OutputType: String}]}
            - Name: Decide
              Type: Condition
              Arguments:
                Conditions: [{Type: Equals, LeftValue: {Get: "Steps.Ask.OutputParameters['answer']"}, RightValue: go}]
                IfSteps: [{Name: Go, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:go", Arguments: {}}]
        -       ElseSteps: []
        -   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: not today}}
        +       ElseSteps: [{Name: Stop, Type: Fail, Arguments: {ErrorMessage: not today}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html (fail step)
    """
    definition = view.definition
    if len(definition.steps) < 2:
        return
    for step in definition.steps:
        if step.type != "Fail" or step.branches or step.name is None:
            continue
        if any(isinstance(entry, Mapping) for entry in listing(step.body, "DependsOn")):
            continue
        if any(definition.by_name[name].branches for name in definition.before(step.name)):
            continue
        yield Problem(
            f"every execution comes to {show(step.name)}, and fails",
            step.path,
            "put it into the branch of a condition",
        )

"""Rules on the conditions of a pipeline: what they compare, and what stands in their branches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.pipelines import BRANCHES, Target, facts, nodes, target_of
from cursus.checks.pipeline import none_of
from cursus.checks.pipeline.values import almost, given_types
from cursus.checks.rules import Problem, rule
from cursus.checks.type_words import decimal
from cursus.checks.views import PipelineView, is_reference
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import did_you_mean, slip


@rule("DEP040", scope="pipeline")
def conditions(view: PipelineView) -> Iterator[Problem]:
    """A condition step's conditions cannot be evaluated.

    What it does:
        Looks for steps in the branches, where a condition step is a warning, and at each condition: a known type, all its operands, operands of types that can be compared, and one at least
        that is no constant; for a parameter's default that is almost the text it is compared with ("true" and "True"), a text that its
        EnumValues do not allow, and a value that is compared with itself.
    Why:
        CreatePipeline refuses what it cannot parse; comparing a text with a number fails the execution, or is never true.
        Of two constants each execution makes the same, and takes the same branch.
    Example:
          operation: Pipeline
          Parameters: [{Name: Score, Type: Float, DefaultValue: 1.5}]
          Steps:
            - Name: Decide
              Type: Condition
        -     Arguments: {Conditions: [{Type: LessThen, LeftValue: {Get: Parameters.Score}, RightValue: 2}], IfSteps: [{Name: Stop, Type: Fail, Arguments: {ErrorMessage: too small}}], ElseSteps: []}
        +     Arguments: {Conditions: [{Type: LessThan, LeftValue: {Get: Parameters.Score}, RightValue: 2}], IfSteps: [{Name: Stop, Type: Fail, Arguments: {ErrorMessage: too small}}], ElseSteps: []}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html (condition step), and
        sagemaker 2.257.7, sagemaker.local.pipeline, whose step fails where the types differ
    """
    for step in view.definition.steps:
        arguments = step.body.get("Arguments")
        if step.type != "Condition" or not isinstance(arguments, Mapping):
            continue
        for branch in BRANCHES:
            yield from branch_steps(arguments.get(branch), (*step.place, branch))
        if all(arguments.get(branch) in (None, []) for branch in BRANCHES):
            yield Problem(
                "neither branch of the condition has a step: whatever comes of it, nothing happens",
                step.place,
                "put the steps that wait for it into IfSteps or ElseSteps",
                severity="warning",
            )
        place: Path = (*step.place, "Conditions")
        found = arguments.get("Conditions")
        if not isinstance(found, list) or not found:
            yield Problem("the condition step has no conditions", place, "write a list of conditions")
            continue
        pending: list[tuple[Any, Path]] = [(entry, (*place, i)) for i, entry in enumerate(found)]
        while pending:
            entry, where = pending.pop()
            if not isinstance(entry, Mapping):
                yield Problem(f"a condition is a mapping, not {show(entry)}", where)
                continue
            yield from _condition(view, entry, where)
            if isinstance(entry.get("Condition"), Mapping):
                pending.append((entry["Condition"], (*where, "Condition")))
            inner = entry.get("Conditions")
            if isinstance(inner, list):
                pending.extend((item, (*where, "Conditions", i)) for i, item in enumerate(inner))


def branch_steps(steps: object, place: Path) -> Iterator[Problem]:
    if steps is not None and not isinstance(steps, list):
        yield Problem(f"{place[-1]} is a list of steps, not {show(steps)}", place, "write a list of steps")
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, Mapping):
            yield Problem(
                f"{place[-1]} holds steps, not {show(step)}",
                (*place, i),
                "write the whole step here: a step of a branch stands in the condition, not beside it",
            )
        elif step.get("Type") == "Condition":
            yield Problem(
                f"the condition step {show(step.get('Name'))} is in a branch of another: SageMaker Pipelines doesn't support "
                "nested condition steps",
                (*place, i),
                "join the conditions: all of a list must hold, Or and Not take others",
                severity="warning",  # documented so; the SDK writes such definitions all the same
            )


def _condition(view: PipelineView, entry: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    known = facts()["conditions"]
    kind = entry.get("Type")
    if not isinstance(kind, str) or kind not in known:
        yield none_of("there is no condition type", kind, known, (*place, "Type"))
        return
    yield from _operands(entry, kind, known[kind], place)
    yield from _meant_by_default(view, entry, place)
    yield from _not_allowed(view, entry, place)
    if kind == "In":
        yield from _among(view, entry, place)
    elif "LeftValue" in entry and "RightValue" in entry:
        yield from _compared(view, entry, kind, place)


def _operands(entry: Mapping[str, Any], kind: str, operands: list[str], place: Path) -> Iterator[Problem]:
    """What a condition has beside its type: all of what it compares, in its form, and nothing else."""
    unknown = [str(member) for member in entry if member != "Type" and member not in operands]
    if unknown:  # in the place of what is missing
        hint = did_you_mean(unknown[0], operands) if len(unknown) == 1 else ""
        yield Problem(
            f"unknown propert{'y' if len(unknown) == 1 else 'ies'} {', '.join(map(show, unknown[:4]))} of the {kind} "
            f"condition.{hint}",
            (*place, unknown[0]),
            "its members are Type, " + ", ".join(operands),
        )
    else:
        for operand in operands:
            if operand not in entry:
                yield Problem(f"the {kind} condition needs {operand}", (*place, operand), f"add {operand}")
    for member in _COMPARED:
        compared = entry.get(member, "")
        apart = isinstance(compared, Mapping) and not is_reference(compared) and almost(compared) is None
        if member in operands and (compared is None or apart or isinstance(compared, list)):
            yield Problem(
                f"{member} of the {kind} condition is {'null' if compared is None else show(compared)}",
                (*place, member),
                "write a text, a number, true or false, or a reference",
            )
    for member, form, words in (
        ("Conditions", list, "a list of conditions"),
        ("Condition", Mapping, "one condition"),
        ("Values", list, "a list"),
    ):
        if member in operands and member in entry and not isinstance(entry[member], form):
            yield Problem(
                f"{member} of the {kind} condition is {words}, not {show(entry[member])}",
                (*place, member),
                f"write {words}",
            )


def _compared(view: PipelineView, entry: Mapping[str, Any], kind: str, place: Path) -> Iterator[Problem]:
    """Two sides that cannot be compared, or always come out the same."""
    left, right = _type_of(view, entry["LeftValue"]), _type_of(view, entry["RightValue"])
    if left and right and left != right:
        yield Problem(
            f"the {kind} condition compares a {left} with a {right}: they are not of the same type",
            (*place, "RightValue"),
            "give both sides the same type",
        )
    elif _constant(entry["LeftValue"]) and _constant(entry["RightValue"]):
        yield Problem(
            f"the {kind} condition compares two constants, {show(entry['LeftValue'])} and {show(entry['RightValue'])}: "
            "each execution takes the same branch",
            place,
            "compare with a parameter, or with what a step gives",
            severity="warning",
        )
    elif entry["LeftValue"] == entry["RightValue"]:
        yield Problem(
            f"the {kind} condition compares a value with itself: each execution takes the same branch",
            (*place, "RightValue"),
            "compare with a parameter, or with what another step gives",
            severity="warning",
        )
    elif kind in ORDERED and "Boolean" in (left, right):
        yield Problem(
            f"the {kind} condition orders truth values",
            (*place, "Type"),
            "use Equals",
            severity="warning",  # nobody says what the service makes of it
        )
    elif kind in ORDERED:
        yield from _ordered(view, entry, kind, place)
    elif any(isinstance(entry[side], float) and entry[side] % 1 for side in ("LeftValue", "RightValue")):
        yield Problem(
            f"the {kind} condition holds a computed number against {show(_fraction(entry))}: hardly any is exactly that",
            (*place, "Type"),
            "use GreaterThanOrEqualTo or LessThanOrEqualTo",
            severity="warning",
        )


def _meant_by_default(view: PipelineView, entry: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    """A parameter whose default is almost the text that it is compared with, so that it is never equal."""
    words = _texts(entry)
    for member in _COMPARED:
        target = target_of(entry.get(member))
        if (
            not words
            or entry.get("Type") not in ("Equals", "In")
            or target is None
            or target.root != "Parameters"
        ):
            continue
        declared = view.definition.parameters.get(target.name, {})
        default, allowed = declared.get("DefaultValue"), declared.get("EnumValues")
        near = next((one for one in words if isinstance(default, str) and slip(default, one)), None)
        known = isinstance(allowed, list) and near in allowed
        if near is not None and not known and not _compared_with(view, target, default):
            yield Problem(
                f"the condition compares the parameter {show(target.name)} with {show(near)}, and its default is "
                f"{show(default, target.name)}, which is another text",
                (*place, member),
                "write both the same",
                severity="warning",
            )


def _not_allowed(view: PipelineView, entry: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    """A parameter of which EnumValues allow other texts than the one that it is compared with."""
    for member, other in (("LeftValue", "RightValue"), ("RightValue", "LeftValue")):
        target, wanted = target_of(entry.get(member)), entry.get(other)
        if entry.get("Type") != "Equals" or target is None or target.root != "Parameters":
            continue
        allowed = view.definition.parameters.get(target.name, {}).get("EnumValues")
        if isinstance(wanted, str) and isinstance(allowed, list) and allowed and wanted not in allowed:
            yield Problem(
                f"the parameter {show(target.name)} is never {show(wanted)}: EnumValues allow "
                + ", ".join(show(one) for one in allowed[:6]),
                (*place, other),
                "compare with one of these, or add it to EnumValues",
                severity="warning",
            )


def _texts(entry: Mapping[str, Any]) -> list[str]:
    """The texts that a condition compares with."""
    values = entry.get("Values")
    operands = [
        entry.get("LeftValue"),
        entry.get("RightValue"),
        *(values if isinstance(values, list) else ()),
    ]
    return [one for one in operands if isinstance(one, str)]


def _compared_with(view: PipelineView, target: Target, default: object) -> bool:
    """True where a condition of the pipeline has the default as it is, beside which others are other cases."""
    return any(
        default in _texts(entry)
        for step in view.definition.steps
        if step.type == "Condition"
        for _, entry in nodes(step.arguments.get("Conditions"), ())
        if isinstance(entry, Mapping) and target in map(target_of, map(entry.get, _COMPARED))
    )


_COMPARED = ("LeftValue", "RightValue", "QueryValue")


def _fraction(entry: Mapping[str, Any]) -> object:
    return entry["LeftValue"] if isinstance(entry["LeftValue"], float) else entry["RightValue"]


def _constant(value: object) -> bool:
    return isinstance(value, (str, int, float))


def _among(view: PipelineView, entry: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    """A value that is looked for among values of another type."""
    wanted, options = _type_of(view, entry.get("QueryValue")), entry.get("Values")
    for i, option in enumerate(options if wanted and isinstance(options, list) else ()):
        kind = _type_of(view, option)
        if kind is not None and kind != wanted:
            yield Problem(
                f"the In condition looks for a {wanted} among values such as {show(option)}, a {kind}",
                (*place, "Values", i),
                "write numbers without quotes" if kind == "String" else "write texts in quotes",
                severity="warning",
            )
            return


ORDERED = ("GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo")


def _ordered(view: PipelineView, entry: Mapping[str, Any], kind: str, place: Path) -> Iterator[Problem]:
    """A number that is written as a text on one side: what is on the other is not known before it runs."""
    for operand in ("LeftValue", "RightValue"):
        value = entry[operand]
        if _type_of(view, value) != "String":
            continue
        target = target_of(value)
        if target is not None:
            value = view.definition.parameters.get(target.name, {}).get("DefaultValue")
        if isinstance(value, str) and decimal(value.strip()) is not None:
            yield Problem(
                f"the {kind} condition compares with the text {show(value)}, not with a number",
                (*place, operand),
                "declare the parameter as Float" if target else f"write {value.strip()} without quotes",
                severity="warning",  # AWS's local executor fails there; of the service nobody says so
            )


TYPES = {"string": "String", "integer": "number", "number": "number", "boolean": "Boolean"}


def _type_of(view: PipelineView, value: object) -> str | None:
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "String"
    if isinstance(value, Mapping) and isinstance(value.get("Get"), str):
        target = target_of(value)
        if target is not None and target.root == "Parameters":
            kind = view.definition.parameters.get(target.name, {}).get("Type")
            return "number" if kind in ("Integer", "Float") else kind if isinstance(kind, str) else None
        given = given_types(view, target) if target is not None and target.root == "Steps" else None
        return next((TYPES[kind] for kind in given or () if kind in TYPES), None)
    if isinstance(value, Mapping) and "Std:Join" in value:
        return "String"
    return None

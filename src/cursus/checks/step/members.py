"""Rules of the area *step*: members that the service model requires and a request lacks, and those that it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cursus.aws import schema
from cursus.aws.members import value_at
from cursus.aws.schema import Violation
from cursus.checks.meant import answered, operations_with, places, taken, wrapped
from cursus.checks.rules import Problem, rule
from cursus.checks.step.pattern_words import words
from cursus.checks.step.violations import name_of, node_at, of_kind
from cursus.checks.type_words import listed
from cursus.checks.views import SchemaView
from cursus.model import Path, format_path
from cursus.redact import cut, show
from cursus.suggest import plain_name


@rule("STP001", scope="schema")
def missing_member(view: SchemaView) -> Iterator[Problem]:
    """A member that the service requires is missing.

    What it does:
        Holds the request against the required members of the service model, at every level.
    Why:
        boto3 refuses the call before it is sent: 'Parameter validation failed: Missing required parameter in
        input: "RoleArn"'. In a pipeline the job's name is made by the pipeline, and its absence is right; a training or
        processing step without a role takes on the pipeline's.
    Example:
        - RoleArn: null
        + RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    # A member that stands elsewhere or is misspelt is said once, by the rule on unknown members.
    required = of_kind(view, "required")
    meant = _meant(view).values() if required else ()
    ends = {place[:end] for place in meant for end in range(1, len(place) + 1)}
    for violation in of_kind(view, "unknown") if required else ():
        ends.update((*violation.path[:-1], name) for name in wrapped(view.step.request, violation))
    lacking: dict[Path, list[Path]] = {}
    for violation in required:
        if violation.path not in ends and not _of_the_pipeline(view, violation.path):
            lacking.setdefault(violation.path[:-1], []).append(violation.path)
    for holder, paths in lacking.items():
        around = _around(view, holder)
        if len(paths) > 1 and value_at(view.step.request, holder) == {}:
            names = [name_of(path) for path in paths]
            shown = _and(names)
            empty = format_path(holder) or "the request"
            yield Problem(f"{empty} is empty; it must have {shown}", paths[0], f"add {shown}")
            continue
        for path in paths:
            name, kind = name_of(path), node_at(view, path)
            example = (
                f", one of {', '.join(kind['enum'])}" if len(kind.get("enum", ())) in range(1, 8) else ""
            )
            yield Problem(
                f"Missing required parameter in {around}: {name!r}", path, f"add {name}{example}{words(kind)}"
            )


def _around(view: SchemaView, holder: Path) -> str:
    """What a member stands in, as botocore's messages call it; a step's arguments are never botocore's input."""
    return format_path(holder) or (view.step.operation if view.step.in_pipeline else "input")


def _of_the_pipeline(view: SchemaView, path: Path) -> bool:
    """True for the role that a step of a pipeline definition takes on by default: the pipeline's."""
    step = view.step
    return path == ("RoleArn",) and bool(step.prefix) and step.operation in TAKES_ROLE


TAKES_ROLE = ("CreateTrainingJob", "CreateProcessingJob")
"""https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-access.html, and the published JSON schema of
definitions, which wants a role of the others' steps."""


@rule("STP002", scope="schema")
def unknown_member(view: SchemaView) -> Iterator[Problem]:
    """A member that the API does not know.

    What it does:
        Finds members that the service model does not have, and says which name was probably meant.
    Why:
        boto3 refuses the call: 'Unknown parameter in ResourceConfig: "VolumeSizeInGb", must be one of: …'. Names
        are exact, down to the case of each letter.
    Example:
        - ResourceConfig: {VolumeSizeInGb: 30}
        + ResourceConfig: {VolumeSizeInGB: 30}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    meant = _meant(view)
    groups: dict[tuple[object, ...], list[Violation]] = {}
    for violation in of_kind(view, "unknown"):
        mistake = _one_mistake(violation.path, meant.get(violation.path))
        groups.setdefault(("answer",) if _is_answer(violation.path) else mistake, []).append(violation)
    for group in groups.values():
        first = group[0].path
        around = _around(view, first[:-1])
        names = list(dict.fromkeys(show(str(one.path[-1])) for one in group))
        entries = len({one.path[:-1] for one in group})
        targets = [meant[one.path] for one in group if one.path in meant]
        yield Problem(
            f"Unknown parameter{'s' if len(names) > 1 else ''} in {around}: {_and(names)}"
            + (f" (the same in {entries - 1} more)" if entries > 1 else ""),
            first,
            _instead(view, group, targets),
            meant=tuple(targets),
        )


def _one_mistake(path: Path, place: Path | None) -> tuple[object, ...]:
    """The same for unknown members that are one mistake: beside what they belong in, or all in another case."""
    if place is None or place == path[:-1]:
        return path
    if place[:-1] != path[:-1]:
        return ("elsewhere", path[:-1], place[:-1])
    if plain_name(str(path[-1])) == plain_name(str(place[-1])):
        return ("case", *(0 if isinstance(part, int) else part for part in path[:-1]))
    return path


def _is_answer(path: Path) -> bool:
    """True for a member that tells what became of a job."""
    return len(path) == 1 and answered(str(path[0]))


def _and(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


def _meant(view: SchemaView) -> dict[Path, Path]:
    made = view.__dict__.get("_meant")
    if made is None:
        made = view.__dict__["_meant"] = places(view.step.operation, view.step.request, view.violations)
    return made


def _instead(view: SchemaView, group: list[Violation], targets: list[Path]) -> str:
    """What to write instead of unknown members, where these places were meant by them."""
    violation, around = group[0], format_path(group[0].path[:-1]) or view.step.operation
    name = cut(str(violation.path[-1]))
    if _is_answer(violation.path):
        described = view.step.operation.replace("Create", "Describe")
        return f"leave {'them' if len(group) > 1 else 'it'} out: {described} answers with such members, no request has them"
    if not targets:
        place = taken(view.step.operation, view.step.request, violation)
        if place is not None and place[:-1] == violation.path[:-1]:
            return f"{around} has {place[-1]} already: keep one of the two, as {place[-1]}"
        if place is not None:
            return f"{name} belongs in {format_path(place[:-1]) or 'the request itself'}, which has it: leave it out here"
        if name.endswith(".$"):
            return f"a name that ends with .$ is Step Functions' own: write {name[:-2]} with the value that the state will put in"
        if len(violation.path) == 1 and view.step.in_pipeline and name in _beside_arguments(view.step.type):
            return f"{name} belongs to the step itself: move it out of Arguments, beside them"
        found = operations_with(view.step.operation, name) if len(violation.path) == 1 else []
        others = f"{' and '.join(found[:2])} ha{'ve' if len(found) > 1 else 's'} it, and " if found else ""
        return (
            f"leave it out; {others}{around} has {listed(violation.options)} (service model of "
            f"{schema.model_date()}; `cursus refresh` takes a newer one from the botocore installed)"
        )
    target = targets[0]
    if target == violation.path[:-1]:
        top = "the step's Arguments" if view.step.in_pipeline else "the request itself"
        return f"leave out {name}, not what is in it: that belongs straight in {format_path(target) or top}"
    if target[:-1] == violation.path[:-1]:
        right = list(dict.fromkeys(str(place[-1]) for place in targets))
        if name == f"{right[0]}.$":
            return f"write {right[0]}, with a value: only a state of Step Functions has names that end with .$, and fills them in"
        if len(right) > 1:
            return f"write {_and(right)}: names are exact, down to the case of each letter"
        return f"Did you mean {show(right[0])}?"
    holder = format_path(target[:-1]) or "the request itself"
    if len(group) > 1:
        renamed = [
            f"{cut(str(each.path[-1]))} as {place[-1]}"
            for each, place in zip(group, targets, strict=True)
            if each.path[-1] != place[-1]
        ]
        return f"they belong in {holder}: move them there" + (", " + ", ".join(renamed) if renamed else "")
    return f"{name} belongs in {holder}: move it there" + (
        f", as {cut(str(target[-1]))}" if target[-1] != violation.path[-1] else ""
    )


def _beside_arguments(kind: str) -> Sequence[str]:
    """The members of a pipeline's step of this type."""
    from cursus.aws.pipelines import step_type

    members: Sequence[str] = step_type(kind).get("members", ())
    return members

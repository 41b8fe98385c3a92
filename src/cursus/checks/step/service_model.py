"""Rules of the area *step*: where a request breaks the service model itself.

One rule a kind of constraint. The violations come from ``cursus.aws.schema``; here they become sentences:
what is wrong, in AWS's words where those are known, and what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cursus.aws import schema
from cursus.aws.members import value_at
from cursus.aws.schema import Violation
from cursus.checks.meant import answered, operations_with, places, taken, wrapped
from cursus.checks.rules import Problem, rule
from cursus.checks.step.pattern_words import SEVERAL, fits, several, shorter, words
from cursus.checks.type_words import WHAT, kind_in_words, listed, written
from cursus.checks.views import SchemaView
from cursus.model import Path, format_path
from cursus.redact import cut, is_secret_name, show
from cursus.suggest import did_you_mean, plain_name

MAPS = frozenset({"HyperParameters", "StaticHyperParameters", "Environment"})


def aws_path(path: Path) -> str:
    """The path as AWS's messages write it: ``inputDataConfig.1.member.channelName``."""
    return ".".join(
        f"{part + 1}.member" if isinstance(part, int) else part[:1].lower() + part[1:] for part in path
    )


def _of_kind(view: SchemaView, kind: str) -> list[Violation]:
    return [violation for violation in view.violations if violation.kind == kind]


def _name(path: Path) -> str:
    """The member's name, for messages and for hiding secrets."""
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def _shown(violation: Violation) -> str:
    """The value, or the key, that is wrong, safe to print."""
    if violation.key:
        return show(violation.value)
    names = [part for part in violation.path if isinstance(part, str)]
    hide = next((name for name in reversed(names) if is_secret_name(name)), "")
    if not hide and names[-1:] == ["Value"] and "Tags" in names:
        hide = "secret"  # what a tag is about stands beside it, in its key
    return show(violation.value, hide)


def _at_aws(violation: Violation) -> str:
    """AWS's own sentence on a broken constraint."""
    path = violation.path
    for end in range(len(path) - 1, 0, -1):
        if path[end - 1] in MAPS:
            side = "keys" if violation.key else "value"
            return (
                f"Value at '{aws_path(path[:end])}' failed to satisfy constraint: "
                f"Map {side} must satisfy constraint: [{violation.message}]"
            )
    return (
        f"Value {_shown(violation)} at '{aws_path(path)}' failed to satisfy constraint: {violation.message}"
    )


def _node(view: SchemaView, path: Path) -> Mapping[str, Any]:
    document = schema.document(view.step.operation)
    return (schema.at(document, path) if document else None) or {}


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
    required = _of_kind(view, "required")
    meant = _meant(view).values() if required else ()
    ends = {place[:end] for place in meant for end in range(1, len(place) + 1)}
    for violation in _of_kind(view, "unknown") if required else ():
        ends.update((*violation.path[:-1], name) for name in wrapped(view.step.request, violation))
    lacking: dict[Path, list[Path]] = {}
    for violation in required:
        if violation.path not in ends and not _of_the_pipeline(view, violation.path):
            lacking.setdefault(violation.path[:-1], []).append(violation.path)
    for holder, paths in lacking.items():
        around = _around(view, holder)
        if len(paths) > 1 and value_at(view.step.request, holder) == {}:
            names = [_name(path) for path in paths]
            shown = _and(names)
            empty = format_path(holder) or "the request"
            yield Problem(f"{empty} is empty; it must have {shown}", paths[0], f"add {shown}")
            continue
        for path in paths:
            name, kind = _name(path), _node(view, path)
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
    for violation in _of_kind(view, "unknown"):
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


@rule("STP003", scope="schema")
def wrong_type(view: SchemaView) -> Iterator[Problem]:
    """A value is of the wrong type: a number where the API wants a text, a text where it wants a list.

    What it does:
        Holds the type of every value against the service model. All hyperparameters and all bounds of tuning
        ranges are texts in the API, whatever they mean to the algorithm.
    Why:
        boto3 refuses the call: "Invalid type for parameter HyperParameters.epochs, value: 10, type: <class 'int'>,
        valid types: <class 'str'>".
    Example:
        - HyperParameters: {epochs: 10}
        + HyperParameters: {epochs: "10"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    for violation in _of_kind(view, "type"):
        wanted = str(violation.limit)
        name = _name(violation.path) or "input"
        if violation.path and isinstance(violation.path[-1], int):
            name = f"{name}[{violation.path[-1]}]"
        what = WHAT.get(wanted, wanted)
        value = violation.value
        shown = f" {_shown(violation)}," if isinstance(value, (str, int, float)) else ""
        node = _node(view, violation.path)
        if wanted == "string" and shown and not fits(node, str(value)):
            remedy = f"write a text{words(node)}"
        else:
            item = _node(view, (*violation.path, 0)) if wanted == "array" else None
            given = value_at(view.step.request, violation.path)
            remedy = written(given, wanted, _shown(violation), node, _name(violation.path), item)
        yield Problem(
            f"Invalid type for parameter {name}: it is{shown} {kind_in_words(value)}; the API takes {what}",
            violation.path,
            remedy,
        )


@rule("STP004", scope="schema")
def not_in_enum(view: SchemaView) -> Iterator[Problem]:
    """A value is none of those that the API knows.

    What it does:
        Holds every value with a fixed set of choices against that set. Instance types are looked at by RES001.
    Why:
        The service refuses the request: "Value 'file' at 'algorithmSpecification.trainingInputMode' failed to
        satisfy constraint: Member must satisfy enum value set: [Pipe, File, FastFile]". Case counts.
    Example:
        - AlgorithmSpecification: {TrainingInputMode: file}
        + AlgorithmSpecification: {TrainingInputMode: File}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AlgorithmSpecification.html
    """
    for violation in _of_kind(view, "enum"):
        near = did_you_mean(violation.value, violation.options) if isinstance(violation.value, str) else ""
        choices = ", ".join(violation.options[:20])
        yield Problem(_at_aws(violation), violation.path, near.strip() or f"write one of {choices}")


@rule("STP005", scope="schema")
def breaks_pattern(view: SchemaView) -> Iterator[Problem]:
    """A text does not have the form that the API demands.

    What it does:
        Matches every text against the pattern of the service model, as a whole.
    Why:
        The service refuses the request: "Value 'churn_model' at 'trainingJobName' failed to satisfy constraint:
        Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}".
    Example:
        - TrainingJobName: churn_model
        + TrainingJobName: churn-model
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    from cursus.checks.step.pattern_words import instead

    for violation in _of_kind(view, "pattern"):
        remedy = instead(str(violation.limit), violation.value, violation.key)
        yield Problem(_at_aws(violation), violation.path, remedy)


@rule("STP006", scope="schema")
def wrong_length(view: SchemaView) -> Iterator[Problem]:
    """A text is longer or shorter than the API allows.

    What it does:
        Counts the characters of every text with a bound: names, hyperparameters, environment, arguments.
    Why:
        The service refuses the request: "Value '…' at 'trainingJobName' failed to satisfy constraint: Member must
        have length less than or equal to 63".
    Example:
        - TrainingJobName: churn-model-for-the-north-european-market-2026-01-31-12-22-59-886794
        + TrainingJobName: churn-model-north-europe-2026-01-31-12-22-59
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    for violation in _of_kind(view, "length"):
        count = len(violation.value) if isinstance(violation.value, str) else 0
        what = "the name" if violation.key else "the text"
        if violation.bound == "max":
            surplus = count - int(violation.limit)
            remedy = f"{what} has {count} characters: cut at least {surplus}"
            pattern = str(_node(view, violation.path).get("awsPattern", ""))
            if isinstance(violation.path[-1], int) and several(pattern, violation.value):
                remedy = SEVERAL
            elif not violation.key and len(violation.path) > 1 and violation.path[-2] in MAPS:
                remedy += "; put long values into a file in a channel and pass its name"
            elif not violation.key:
                remedy += shorter(_node(view, violation.path), violation.value)
        elif count == 0:
            demanded = _name(violation.path) in _node(view, violation.path[:-1]).get("required", ())
            remedy = f"{what} is empty: give it a value" + ("" if demanded else ", or leave the member out")
        else:
            remedy = f"{what} has {count} characters, at least {violation.limit} are needed"
            node = _node(view, violation.path)
            if "awsPattern" in node and not violation.key:
                from cursus.checks.step.pattern_words import instead

                remedy = instead(node["awsPattern"], violation.value)
            else:
                remedy += words(node)
        yield Problem(_at_aws(violation), violation.path, remedy)


@rule("STP007", scope="schema")
def out_of_range(view: SchemaView) -> Iterator[Problem]:
    """A number is outside the range that the API allows.

    What it does:
        Holds every number against the smallest and largest value of the service model.
    Why:
        boto3 or the service refuses the request: "Value '0' at 'stoppingCondition.maxRuntimeInSeconds' failed to
        satisfy constraint: Member must have value greater than or equal to 1".
    Example:
        - StoppingCondition: {MaxRuntimeInSeconds: 0}
        + StoppingCondition: {MaxRuntimeInSeconds: 3600}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    """
    for violation in _of_kind(view, "range"):
        node = _node(view, violation.path)
        low, high = node.get("minimum"), node.get("maximum")
        yield Problem(_at_aws(violation), violation.path, _between(low, high, violation.bound))


def _between(low: float | None, high: float | None, bound: str) -> str:
    """The numbers allowed, in words. The end of what the type can count to is no bound of the other side's."""
    if bound == "min" and high in (None, 2**31 - 1, 2**63 - 1):
        return f"write a number of at least {low}"
    if bound == "max" and low in (None, -(2**31), -(2**63)):
        return f"write a number of at most {high}"
    return f"write a number from {low} to {high}"


@rule("STP008", scope="schema")
def wrong_count(view: SchemaView) -> Iterator[Problem]:
    """A list or map has more or fewer entries than the API allows.

    What it does:
        Counts the entries of every list and map with a bound: channels, tags, metrics, hyperparameters, subnets.
    Why:
        The service refuses the request: "Value '[…]' at 'vpcConfig.securityGroupIds' failed to satisfy constraint:
        Member must have length less than or equal to 5".
    Example:
        - VpcConfig: {SecurityGroupIds: [], Subnets: [subnet-0a1b2c3d4e5f60718]}
        + VpcConfig: {SecurityGroupIds: [sg-0a1b2c3d4e5f60718], Subnets: [subnet-0a1b2c3d4e5f60718]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html
    """
    for violation in _of_kind(view, "count"):
        count = len(violation.value) if isinstance(violation.value, (list, dict)) else 0
        if violation.bound == "max":
            remedy = f"it has {count} entries: take away at least {count - int(violation.limit)}"
        elif count == 0:
            remedy = f"add at least {violation.limit}, or leave the member out where it is optional"
        else:
            remedy = f"it has {count} entries, at least {violation.limit} are needed"
        yield Problem(
            f"Value at '{aws_path(violation.path)}' failed to satisfy constraint: {violation.message}",
            violation.path,
            remedy,
        )


@rule("STP009", scope="schema")
def not_exactly_one(view: SchemaView) -> Iterator[Problem]:
    """A choice between members has none of them, or several.

    What it does:
        Looks at the members of which the API takes exactly one, such as the problem type of an AutoML job.
    Why:
        boto3 refuses the call: "Invalid number of parameters set for tagged union structure
        AutoMLProblemTypeConfig. Can only set one of the following keys: …".
    Example:
          operation: CreateAutoMLJobV2
        - AutoMLProblemTypeConfig: {TabularJobConfig: null}
        + AutoMLProblemTypeConfig: {TabularJobConfig: {TargetAttributeName: churned}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLProblemTypeConfig.html
    """
    for violation in _of_kind(view, "union"):
        given = tuple(violation.value) if isinstance(violation.value, dict) else ()
        found = "has " + " and ".join(given) if given else "is empty"
        yield Problem(
            f"{format_path(violation.path)} {found}; it takes exactly one of its members",
            violation.path,
            f"keep one of {', '.join(violation.options)}",
        )


@rule("STP010", scope="schema")
def not_json(view: SchemaView) -> Iterator[Problem]:
    """A value cannot be written as JSON, so that no request can carry it.

    What it does:
        Finds dates, bytes, sets, NaN and infinity, objects, keys that are no text, and broken Unicode.
    Why:
        The request goes over the wire as JSON. boto3 refuses such a value as a wrong type, or fails while it
        writes the request.
    Example:
        - Environment: {START: 2026-01-31}
        + Environment: {START: "2026-01-31"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonParameters.html
    """
    for violation in _of_kind(view, "not_json"):
        path = format_path(violation.path) or "the request"
        kind = type(violation.value).__name__
        about = "" if violation.value is None else f" ({kind})"
        yield Problem(f"{path}{about} {violation.message}", violation.path, _as_json(violation))


def _as_json(violation: Violation) -> str:
    value = violation.value
    if isinstance(value, (bytes, bytearray)):
        return "decode the bytes to a text"
    if isinstance(value, (set, frozenset)):
        return "write a list"
    if isinstance(value, float):
        return "write a finite number, or leave the member out"
    if isinstance(value, str):
        return "write the whole character in its place, or leave it out"
    if violation.key:
        return "write the key as a text, in quotes"
    if hasattr(value, "isoformat"):
        return "write the time as a text, in quotes"
    if violation.limit == "fewer members":
        return "leave out what is no member: no request has as many"
    wanted = WHAT.get(str(violation.limit))
    return f"write {wanted}" if wanted else "write plain JSON: texts, numbers, booleans, lists, mappings"

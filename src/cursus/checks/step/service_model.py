"""Rules of the area *step*: values that the service model does not take.

One rule a kind of constraint. The violations come from ``cursus.aws.schema``; here they become sentences:
what is wrong, in AWS's words where those are known, and what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from cursus.aws.members import MAPS, aws_path, value_at
from cursus.aws.schema import Violation
from cursus.checks.rules import Problem, rule
from cursus.checks.step.pattern_words import SEVERAL, fits, instead, several, shorter, words
from cursus.checks.step.violations import name_of, node_at, of_kind
from cursus.checks.type_words import WHAT, kind_in_words, written
from cursus.checks.views import SchemaView
from cursus.model import format_path
from cursus.redact import is_secret_name, show
from cursus.suggest import did_you_mean


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
    for violation in of_kind(view, "type"):
        wanted = str(violation.limit)
        name = name_of(violation.path) or "input"
        if violation.path and isinstance(violation.path[-1], int):
            name = f"{name}[{violation.path[-1]}]"
        what = WHAT.get(wanted, wanted)
        value = violation.value
        shown = f" {_shown(violation)}," if isinstance(value, (str, int, float)) else ""
        node = node_at(view, violation.path)
        if wanted == "string" and shown and not fits(node, str(value)):
            remedy = f"write a text{words(node)}"
        else:
            item = node_at(view, (*violation.path, 0)) if wanted == "array" else None
            given = value_at(view.step.request, violation.path)
            remedy = written(given, wanted, _shown(violation), node, name_of(violation.path), item)
        yield Problem(
            f"Invalid type for parameter {name}: it is{shown} {kind_in_words(value)}; the API takes {what}",
            violation.path,
            remedy,
            about=(name, what),
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
    for violation in of_kind(view, "enum"):
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
    for violation in of_kind(view, "pattern"):
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
    for violation in of_kind(view, "length"):
        count = len(violation.value) if isinstance(violation.value, str) else 0
        what = "the name" if violation.key else "the text"
        if violation.bound == "max":
            surplus = count - int(violation.limit)
            remedy = f"{what} has {count} characters: cut at least {surplus}"
            pattern = str(node_at(view, violation.path).get("awsPattern", ""))
            if isinstance(violation.path[-1], int) and several(pattern, violation.value):
                remedy = SEVERAL
            elif not violation.key and len(violation.path) > 1 and violation.path[-2] in MAPS:
                remedy += "; put long values into a file in a channel and pass its name"
            elif not violation.key:
                remedy += shorter(node_at(view, violation.path), violation.value)
        elif count == 0:
            demanded = name_of(violation.path) in node_at(view, violation.path[:-1]).get("required", ())
            remedy = f"{what} is empty: give it a value" + ("" if demanded else ", or leave the member out")
        else:
            remedy = f"{what} has {count} characters, at least {violation.limit} are needed"
            node = node_at(view, violation.path)
            if "awsPattern" in node and not violation.key:
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
    for violation in of_kind(view, "range"):
        node = node_at(view, violation.path)
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
    for violation in of_kind(view, "count"):
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
    for violation in of_kind(view, "union"):
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
    for violation in of_kind(view, "not_json"):
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

"""Rules on what single kinds of pipeline steps hold: lambdas, callbacks, checks, loops, cleanups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.pipelines import PipelineStep, facts, nodes, written_out
from cursus.checks.pipeline import is_json, none_of, unfilled
from cursus.checks.rules import Problem, rule
from cursus.checks.texts import speaks
from cursus.checks.type_words import WHAT
from cursus.checks.views import PipelineView, is_reference
from cursus.redact import is_secret_name, is_secret_value, show


@rule("DEP043", scope="pipeline")
def other_steps(view: PipelineView) -> Iterator[Problem]:
    """A lambda, callback, check, job or fail step names something of the wrong form.

    What it does:
        Looks at FunctionArn, SqsQueueUrl, CheckType, the JobConfigDocument of a job step, the length of a Fail step's message,
        the inputs of lambda steps and the output parameters of theirs and of callback steps; whether a check that compares with a baseline has one, or a model
        package group that may; and whether one that asks a model has its name.
    Why:
        CreatePipeline refuses the definition, or the step fails when it is reached.
    Example:
          operation: Pipeline
        - Steps: [{Name: Ask, Type: Lambda, FunctionArn: my-function, Arguments: {}}]
        + Steps: [{Name: Ask, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:my-function", Arguments: {}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html
    """
    for step in view.definition.steps:
        if step.type in facts()["checks"]:
            yield from _check_step(view, step)
        elif step.type in _OTHERS:
            yield from _OTHERS[step.type](view, step)
        yield from _outputs(step)


def _given(view: PipelineView, step: PipelineStep, member: str) -> Any:
    """A member with parameters put in. The empty default of one stands for a value that is given later."""
    written = step.body.get(member)
    return view.filled(written) or (written if isinstance(written, str) else None)


def _lambda(view: PipelineView, step: PipelineStep) -> Iterator[Problem]:
    arn = _given(view, step, "FunctionArn")
    if arn is not None and not is_reference(arn) and not _FUNCTION.fullmatch(str(arn)):
        yield Problem(
            f"{show(arn)} is no ARN of a function",
            (*step.path, "FunctionArn"),
            "write arn:aws:lambda:<region>:<account>:function:<name>",
            severity=unfilled(arn),
        )
    for name, value in step.arguments.items():
        if isinstance(value, (list, Mapping)) and not is_reference(value) and value:
            yield Problem(
                f"the input {show(name)} is {WHAT['array' if isinstance(value, list) else 'object']}: inputs of a "
                "lambda step are texts and numbers, and nested ones are not supported",
                (*step.place, name),
                "write it as one text of JSON, and let the function parse it",
                severity="warning",
            )


def _job(view: PipelineView, step: PipelineStep) -> Iterator[Problem]:
    document = written_out(view.filled(step.arguments.get("JobConfigDocument")), unknown="0")
    if document is not None and not is_json(document):
        yield Problem(
            "the JobConfigDocument is no JSON of a mapping",
            (*step.place, "JobConfigDocument"),
            "write the configuration as JSON makes it a text: json.dumps, not str",
        )


def _callback(view: PipelineView, step: PipelineStep) -> Iterator[Problem]:
    url = _given(view, step, "SqsQueueUrl")
    if url is not None and not is_reference(url) and not _QUEUE.fullmatch(str(url)):
        yield Problem(
            f"{show(url)} is no URL of a queue",
            (*step.path, "SqsQueueUrl"),
            "write https://sqs.<region>.amazonaws.com/<account>/<queue>",
            severity=unfilled(url),
        )


_QUEUE = re.compile(
    r"https?://(?!([\w-]+\.)?console\.)([^/]+\.amazonaws\.com(\.cn)?/\d{12}/[\w.-]+|(?![^/]+\.amazonaws\.com).+)"
)


def _fail(view: PipelineView, step: PipelineStep) -> Iterator[Problem]:
    message = written_out(view.filled(step.arguments.get("ErrorMessage")))
    longest = facts()["fail_message"]
    if message is not None and len(message) > longest:
        yield Problem(
            f"the message has {len(message)} characters, and the execution shows {longest} at most",
            (*step.place, "ErrorMessage"),
            "shorten it",
            severity="warning",
        )


_OTHERS = {"Lambda": _lambda, "Job": _job, "Callback": _callback, "Fail": _fail}


def _check_step(view: PipelineView, step: PipelineStep) -> Iterator[Problem]:
    kind = step.body.get("CheckType")
    options = facts()["checks"][step.type]
    if kind is not None and kind not in options:
        yield none_of(f"a {step.type} step has no CheckType", kind, options, (*step.path, "CheckType"))
    if str(kind).startswith("MODEL_") and step.type == "ClarifyCheck" and not step.body.get("ModelName"):
        yield Problem(
            f"the step makes an endpoint of a model for the check {kind}, and names none",
            (*step.path, "ModelName"),
            'write {"Get": "Steps.<step>.ModelName"}, of the step that creates the model',
            severity="warning",  # the data may have what the model said
        )
    if step.body.get("SkipCheck") is False and not any(map(step.body.get, facts()["baselines"])):
        yield Problem(
            "the check compares with an earlier baseline, and has neither one nor a group of model packages to "
            "take it from",
            (*step.path, "SkipCheck"),
            "name the ModelPackageGroupName or a baseline, or write true",
        )
    group = view.filled(step.body.get("ModelPackageGroupName"))
    registered = [
        view.filled(one.arguments.get("ModelPackageGroupName"))
        for one in view.definition.steps
        if one.type == "RegisterModel"
    ]
    groups = [str(one).rpartition("/")[2] for one in registered if isinstance(one, str) and one]
    if (
        isinstance(group, str)
        and groups
        and len(groups) == len(registered)
        and group.rpartition("/")[2] not in groups
    ):
        yield Problem(
            f"the baselines are those of the group {show(group)}, and the pipeline registers its model in "
            f"{show(groups[0])}",
            (*step.path, "ModelPackageGroupName"),
            f"write {groups[0]}, unless the baselines of another group are meant",
            severity="warning",
        )


_FUNCTION = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z]{2,5}(?:-[a-z]+)+-\d+:\d{12}:function:[\w.-]+(?::[\w$-]+)?"
)


def _outputs(step: PipelineStep) -> Iterator[Problem]:
    declared = step.body.get("OutputParameters")
    types = facts()["parameter_types"]
    seen: set[str] = set()
    for i, entry in enumerate(declared if isinstance(declared, list) else []):
        place = (*step.path, "OutputParameters", i)
        if (
            not isinstance(entry, Mapping)
            or not entry.get("OutputName")
            or not isinstance(entry["OutputName"], str)
        ):
            yield Problem("an output parameter needs an OutputName", (*place, "OutputName"))
            continue
        if entry["OutputName"] in seen:
            yield Problem(
                f"another output parameter is called {show(entry['OutputName'])} too: references cannot tell them apart",
                (*place, "OutputName"),
                "give it a name of its own",
                severity="warning",  # what the service makes of it is documented nowhere
            )
        seen.add(entry["OutputName"])
        if entry.get("OutputType") not in types:
            kind = entry.get("OutputType")
            yield none_of("there is no output type", kind, types, (*place, "OutputType"))


@rule("DEP104", severity="warning", scope="pipeline")
def secrets_of_others(view: PipelineView) -> Iterator[Problem]:
    """A secret stands in plain text in a step that starts no job of SageMaker.

    What it does:
        Looks for names such as password and api_key, and for the forms of known keys and tokens, in what lambda, callback,
        EMR and fail steps are given, parameters put in. The value is never shown.
    Why:
        Everyone who may describe the pipeline or its executions reads it.
    Example:
          operation: Pipeline
        - Steps: [{Name: Ask, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:ask", Arguments: {db_password: correct-horse-battery}}]
        + Steps: [{Name: Ask, Type: Lambda, FunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:ask", Arguments: {db_secret: "arn:aws:secretsmanager:us-east-1:123456789012:secret:churn-db"}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-parameters.html
    """
    for step in view.definition.steps:
        given = view.filled(step.arguments) if step.type in _JOBLESS else None
        for place, value in nodes(given, step.place):
            name = str(place[-1]) if place else ""
            if isinstance(value, str) and (
                (is_secret_name(name) and speaks(value)) or is_secret_value(value)
            ):
                yield Problem(
                    f"{name} looks like a secret, and its value is in plain text",
                    place,
                    "keep it in AWS Secrets Manager or Parameter Store, and pass its name",
                )


_JOBLESS = ("Lambda", "Callback", "EMR", "EMRServerless", "Fail")

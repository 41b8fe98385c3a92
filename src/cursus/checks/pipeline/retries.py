"""Rules on what a step does after an exception."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.pipelines import PipelineStep, facts
from cursus.checks.pipeline import none_of
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import did_you_mean


@rule("DEP041", scope="pipeline")
def retry_policies(view: PipelineView) -> Iterator[Problem]:
    """A step's retry policy names an unknown exception or has values out of range.

    What it does:
        Looks at ExceptionType, MaxAttempts (1 to 20), ExpireAfterMin (up to 14,400), IntervalSeconds (up to 43,200) and
        BackoffRate, that not both limits are given, that an interval ends before the policy does (a warning), and for exceptions that no policy of the step is asked about.
    Why:
        CreatePipeline refuses the definition; a policy for an exception that never comes retries nothing.
    Example:
          operation: Pipeline
        - Steps: [{Name: Stop, Type: Model, RetryPolicies: [{ExceptionType: [Step.THROTLING], MaxAttempts: 3}], Arguments: {ExecutionRoleArn: "arn:aws:iam::123456789012:role/SageMakerRole", PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"}}}]
        + Steps: [{Name: Stop, Type: Model, RetryPolicies: [{ExceptionType: [Step.THROTTLING], MaxAttempts: 3}], Arguments: {ExecutionRoleArn: "arn:aws:iam::123456789012:role/SageMakerRole", PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"}}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
    """
    for step in view.definition.steps:
        policies = step.body.get("RetryPolicies")
        if policies is not None and not isinstance(policies, list):
            yield Problem(
                f"RetryPolicies is a list of policies, not {show(policies)}",
                (*step.path, "RetryPolicies"),
                "write a list: [{…}]",
            )
        for i, policy in enumerate(policies if isinstance(policies, list) else []):
            place = (*step.path, "RetryPolicies", i)
            if isinstance(policy, Mapping):
                yield from _policy(policy, place)
                yield from _never_thrown(step, policy, place)
            else:
                yield Problem(f"a retry policy is a mapping, not {show(policy)}", place)


def _never_thrown(step: PipelineStep, policy: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    """Exceptions of jobs, at a step that starts none."""
    named = policy.get("ExceptionType")
    told = [n for n in (named if isinstance(named, list) else [named]) if str(n).startswith("SageMaker.")]
    if told and step.type in facts()["steps_without_jobs"]:
        yield Problem(
            f"{show(told[0])} is an exception of jobs, and a {step.type} step starts none",
            (*place, "ExceptionType"),
            "write Step.SERVICE_FAULT or Step.THROTTLING",
            # "SageMakerJobStepRetryPolicy is not allowed for a create/register model step" (sagemaker 2.257.7)
            severity=None if step.type in ("Model", "RegisterModel") else "warning",
        )
    elif step.type in ("Tuning", "AutoML") and "SageMaker.JOB_INTERNAL_ERROR" in told:
        yield Problem(
            f"the jobs of a {step.type} step are tried again from inside, and the step for no SageMaker.JOB_INTERNAL_ERROR",
            (*place, "ExceptionType"),
            "leave it out, and give the jobs a RetryStrategy" if step.type == "Tuning" else "leave it out",
            severity="warning",
        )


def _policy(policy: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    known, members = facts()["retry_exceptions"], facts()["retry_members"]
    named = policy.get("ExceptionType")
    for member in policy:
        hint = did_you_mean(str(member), members)
        if member not in members and hint:
            yield Problem(f"a retry policy has no member {show(member)}.{hint}", (*place, str(member)))
    if isinstance(named, str) and named in known:
        yield Problem(
            f"ExceptionType is a list, not {show(named)}", (*place, "ExceptionType"), f'write ["{named}"]'
        )
        named = []
    if named == [] and policy.get("ExceptionType") == []:
        yield Problem(
            "the retry policy is for no exception",
            (*place, "ExceptionType"),
            "write one of " + ", ".join(known),
        )
    for name in named if isinstance(named, list) else [named]:
        if name not in known:
            yield none_of("there is no exception type", name, known, (*place, "ExceptionType"))
    yield from _numbers(policy, place)
    if policy.get("MaxAttempts") is not None and policy.get("ExpireAfterMin") is not None:
        yield Problem(
            "MaxAttempts and ExpireAfterMin are both given", (*place, "ExpireAfterMin"), "keep one of them"
        )


def _numbers(policy: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    for member in (one for one in facts()["retry_members"] if one != "ExceptionType"):
        value = policy.get(member)
        kinds = (int, float) if member == "BackoffRate" else (int,)
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
            yield Problem(f"{member} is {show(value)}", (*place, member), "write a number, without quotes")
    for member, greatest in facts()["retry_limits"].items():
        value = policy.get(member)
        if isinstance(value, bool) or not isinstance(value, int):
            continue
        least = 0 if member == "IntervalSeconds" else 1
        if not least <= value <= greatest:
            yield Problem(f"{member} is {value}", (*place, member), f"write {least or 1} to {greatest}")
    rate = policy.get("BackoffRate")
    if isinstance(rate, (int, float)) and rate < 0:
        yield Problem(f"BackoffRate is {rate}", (*place, "BackoffRate"), "write 1 or more, such as 2.0")
    interval, end = policy.get("IntervalSeconds"), policy.get("ExpireAfterMin")
    if isinstance(interval, int) and isinstance(end, int) and 0 < end * 60 <= interval:
        yield Problem(
            f"the first retry would come after {interval} seconds, when the policy has expired",
            (*place, "IntervalSeconds"),
            f"write less than {end * 60}",
            severity="warning",
        )

"""A sound request stays sound when something in it is put in another form that the service takes.

The requests are the corrected twins of ``tests/cases``, which have no error. What is changed has many legal forms, of
which a request shows one: names, keys, roles, buckets, accounts, partitions, and members that may be added to any job.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import cursus

KINDS = ("training_request", "tuning_request", "automl_request")
CASES = Path(__file__).resolve().parents[1] / "cases"
Request = dict[str, Any]
Change = Callable[[Request], Request]


def sound() -> Iterator[tuple[str, Request]]:
    """Every third corrected twin, which is enough to meet most rules with something to read."""
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(CASES.glob("*.json"))]
    for case in [one for one in cases if one["kind"] in KINDS and not one.get("region")][::3]:
        if not errors(case["good"]):
            yield case["id"], case["good"]


def errors(request: Request) -> dict[tuple[str, str], str]:
    """The errors of a request: the message by rule and path."""
    return {
        (f.rule, str(f.path)): f"{f.rule} {f.path}: {f.message}"
        for f in cursus.check(request).findings
        if f.severity == "error"
    }


def texts(value: Any, change: Callable[[str, str], str], member: str = "") -> Any:
    """``value`` with every text in it changed; ``change`` is told the member that holds it."""
    if isinstance(value, dict):
        return {name: texts(inner, change, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [texts(inner, change, member) for inner in value]
    return change(value, member) if isinstance(value, str) else value


def bucket(name: str) -> Change:
    """One bucket in every location, which has its key still."""
    return lambda request: texts(
        request, lambda text, _: re.sub(r"^s3://([^/\s]+)(?=/|$)", f"s3://{name}", text)
    )


def key(prefix: str) -> Change:
    return lambda request: texts(
        request, lambda text, _: re.sub(r"^(s3://[^/\s]+)/(?=.)", rf"\1/{prefix}/", text)
    )


def every(members: tuple[str, ...], text: str) -> Change:
    """One text wherever one of the members stands."""
    return lambda request: texts(request, lambda old, member: text if member in members else old)


def jobs(request: Request) -> list[Request]:
    """The training jobs that a request describes."""
    several = request.get("TrainingJobDefinitions") or [request.get("TrainingJobDefinition")]
    found = [request] if "TrainingJobName" in request else several
    return [one for one in found if isinstance(one, dict) and "ServerlessJobConfig" not in one]


def more(**members: Any) -> Change:
    """Members that every training job may have, where it says nothing of them."""

    def change(request: Request) -> Request:
        made: Request = json.loads(json.dumps(request))
        for job in jobs(made):
            job.update({name: value for name, value in members.items() if name not in job})
        return made

    return change


def encrypted(name: str) -> Change:
    """What a job writes, encrypted with the key of this name. A directory bucket takes no key."""

    def change(request: Request) -> Request:
        made: Request = json.loads(json.dumps(request))
        for job in jobs(made):
            if "--x-s3" not in job["OutputDataConfig"]["S3OutputPath"]:
                job["OutputDataConfig"]["KmsKeyId"] = name
        return made

    return change


def in_partition(partition: str, region: str, suffix: str) -> Change:
    """A request without an image of Amazon's, which has another registry there, in another partition."""

    def change(request: Request) -> Request:
        text = json.dumps(request)
        if re.search(r"\.dkr\.ecr\.|jumpstart|aws:policy", text) or not jobs(request):
            return request
        found = re.sub(
            r"\b(us|eu|ap|ca|sa)-[a-z]+-\d\b", region, text.replace("arn:aws:", f"arn:{partition}:")
        )
        moved: Request = json.loads(found.replace("amazonaws.com/", f"{suffix}/"))
        return moved

    return change


NAMES = ("TrainingJobName", "HyperParameterTuningJobName", "AutoMLJobName")
ROLES = ("RoleArn", "ExecutionRoleArn")
VPC = {
    "SecurityGroupIds": ["sg-0123456789abcdef0"],
    "Subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
}
TAGS = [
    {"Key": f"key-{n}", "Value": text} for n, text in enumerate(["", "a b", "ä", "me@x.org", "a/b:c=d+e-f_g"])
]
ENVIRONMENT = {
    "LOG_LEVEL": "info",
    "LISTED": '{"a": [1, 2]}',
    "URL": "https://example.com/a?b=c&d=e",
    "SPACED": "a b",
}

CHANGES: dict[str, Change] = {
    "bucket with dots": bucket("my.own.bucket-1"),
    "bucket of digits": bucket("123456789012-data"),
    "longest bucket": bucket("a1-b2.c3" * 7 + "abcdefg"),
    "access point": bucket("my-ap-abcdefghijklmnopqrstuvwxyz1234-s3alias"),
    "directory bucket": bucket("my-express--use1-az4--x-s3"),
    "partitioned key": key("team=ml/dt=2024-01-31/hour=00/v1.2.3"),
    "key of many letters": key("a+b_(c)@d,e~f!g"),
    "shortest name": every(NAMES, "a"),
    "longest name": every(NAMES, "A1-b2C3d" * 4),
    "service role": every(
        ROLES, "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole-20240101T1"
    ),
    "deep role": every(ROLES, "arn:aws:iam::123456789012:role/a/b/c/My.Role_1+2=3,4@5-6"),
    "key by alias": encrypted("alias/my-key"),
    "key of several regions": encrypted("mrk-1234abcd12ab34cd56ef1234567890ab"),
    "tags": lambda request: {"Tags": TAGS, **request},
    "environment": more(Environment=ENVIRONMENT),
    "vpc": more(VpcConfig=VPC, EnableInterContainerTrafficEncryption=True),
    "retries": more(RetryStrategy={"MaximumRetryAttempts": 3}),
    "checkpoints": more(CheckpointConfig={"S3Uri": "s3://amzn-s3-demo-bucket/checkpoints/run-1"}),
    "GovCloud": in_partition("aws-us-gov", "us-gov-west-1", "amazonaws.com"),
    "China": in_partition("aws-cn", "cn-north-1", "amazonaws.com.cn"),
}
SOUND = list(sound())


def test_there_are_enough() -> None:
    assert len(SOUND) > 50


@pytest.mark.parametrize("name", CHANGES)
def test_no_error_comes_of_another_form(name: str) -> None:
    told = {}
    changed = 0
    for case, request in SOUND:
        other = CHANGES[name](request)
        if other != request:
            changed += 1
            told.update({(case, *place): message for place, message in errors(other).items()})
    assert told == {}
    assert changed, "nothing was changed"

"""What AWS is asked while a request is made, and what is answered in its place (``offline``).

Questions to STS, IAM and S3 are answered as AWS would; a Create call to SageMaker ends with ``RequestCaptured``, which
holds the exact body. What else would change SageMaker, or make a function of Lambda, is answered with a made-up ARN,
and without credentials the SDK's question for a model. Anything else goes on as it is: it is the builder's own doing.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cursus.steps import kinds
from cursus.steps.made_up import ACCOUNT, FALLBACK_REGION, ROLE

KEY = "cursus-offline"
"""The access key that is put into the environment where there is none."""
DRIVERS = "sm_drivers"
"""The channel of the SDK's ModelTrainer with the program that starts the training script."""
MOST_BYTES = 1 << 20

STARTERS = ("fit", "train", "tune")
"""The methods by which the SDK's estimators, trainers and tuners start a job."""
PIPELINE_CALLS = ("CreatePipeline", "UpdatePipeline", "StartPipelineExecution")
"""What a script sends one after another for a pipeline that is made by then."""
_CREATE = frozenset(f"SageMaker.{name}" for name in (*kinds.TYPES, *PIPELINE_CALLS))
_CHANGES = tuple(
    f"SageMaker.{verb}" for verb in ("Create", "Update", "Delete", "Add", "Start", "Stop", "Register")
)


class RequestCaptured(BaseException):
    """A Create call that was about to be sent. Not an Exception, so that no caller of ours swallows it.

    ``estimator`` is the SDK's estimator, trainer or tuner that sends it, None where none does; ``calls`` were answered
    before, and ``drivers`` is the launcher that was uploaded.
    """

    def __init__(self, operation: str, request: dict[str, Any], answers: Answers) -> None:
        super().__init__(operation)
        self.operation = operation
        self.request = request
        self.calls = list(answers.calls)
        self.drivers = dict(answers.drivers)
        self.estimator = _starter()

    def as_target(self) -> Any:
        """What stands for the job: this, with the estimator's source code, or the request alone."""
        return self if self.estimator is not None else {self.operation: self.request}


def _starter() -> Any:
    """The estimator whose method to start a job is running: the outermost, as a tuner asks its estimator."""
    found, frame = None, sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        owner = frame.f_locals.get("self") if frame.f_code.co_name in STARTERS else None
        if owner is not None and type(owner).__module__.partition(".")[0] == "sagemaker":
            found = owner
    return found


class Answers:
    """What was answered here instead of sent: the calls, each once; and whether the region is made up.

    ``captured`` is the last Create call; of a pipeline the first of its calls, which has the definition. It is kept
    because the SDK has a ``finally: return`` in its way that swallows even a BaseException.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.captured: RequestCaptured | None = None
        self.jobs: list[RequestCaptured] = []
        """Every Create call but those of a pipeline."""
        self.region_made_up = False
        self.drivers: dict[str, bytes] = {}
        """The launcher of the SDK's ModelTrainer, by the path in its channel: it is made for each job."""

    def note(self, call: str) -> None:
        """Remember one call."""
        if call not in self.calls:
            self.calls.append(call)


def answer(request: Any, answers: Answers) -> Any | None:
    """The answer to a request that is not to leave this machine; None for one that is sent."""
    url = urlsplit(str(request.url))
    host = url.hostname or ""
    target = request.headers.get("X-Amz-Target", b"")
    target = target.decode() if isinstance(target, bytes) else str(target)
    if target in _CREATE:
        operation = target.partition(".")[2]
        captured = answers.captured
        if (
            captured is None
            or captured.operation not in PIPELINE_CALLS
            or operation not in PIPELINE_CALLS[1:]
        ):
            captured = RequestCaptured(operation, json.loads(_body(request) or b"{}"), answers)
        answers.captured = captured
        if operation not in PIPELINE_CALLS:
            answers.jobs.append(captured)
        raise captured
    if target.startswith(_CHANGES):
        return _changed(request, target.partition(".")[2], host, answers)
    if host == "169.254.169.254":
        return _respond(request, 404)
    if target == "SageMaker.DescribeModel" and os.environ.get("AWS_ACCESS_KEY_ID") == KEY:
        return _model(request, answers)
    if host.startswith("sts."):
        return _sts(request, answers)
    if host.startswith("iam."):
        return _iam(request, answers)
    if host.startswith("lambda.") and request.method in ("POST", "PUT"):
        return _function(request, url, answers)
    if host.startswith(("s3.", "s3-")) or ".s3." in host or ".s3-" in host:
        return _s3(request, url, answers)
    return None


def _body(request: Any) -> bytes:
    body = request.body
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, (bytes, bytearray)) else b""


def _uploaded(request: Any) -> bytes:
    """The bytes that a PutObject sends, of a small file."""
    body = request.body
    if not hasattr(body, "read"):
        return _body(request)
    raw = getattr(body, "_raw", body)  # inside botocore's own framing, which ends with a checksum
    place = raw.tell()
    data: bytes = raw.read(MOST_BYTES)
    raw.seek(place)
    return data


def _action(request: Any) -> str:
    found = parse_qs(_body(request).decode("utf-8", "replace")).get("Action", [""])
    return found[0]


def _model(request: Any, answers: Answers) -> Any:
    """A model of the name: the SDK's transformer asks for its image, to make up a name of a job."""
    answers.note("sagemaker:DescribeModel")
    name = json.loads(_body(request) or b"{}").get("ModelName", "model")
    arn = f"arn:aws:sagemaker:{FALLBACK_REGION}:{ACCOUNT}:model/{name}"
    image = f"{ACCOUNT}.dkr.ecr.{FALLBACK_REGION}.amazonaws.com/model:1"
    found = {"ModelName": name, "ModelArn": arn, "PrimaryContainer": {"Image": image}, "CreationTime": 0}
    return _respond(request, 200, json.dumps(found))


def _changed(request: Any, operation: str, host: str, answers: Answers) -> Any:
    """What SageMaker says of a change: the ARN of what was created, as in CreateModelPackageGroup."""
    answers.note(f"sagemaker:{operation}")
    kind = operation.removeprefix("Create")
    if kind == operation:
        return _respond(request, 200, "{}")
    body = json.loads(_body(request) or b"{}")
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind).strip("-")
    region = next((part for part in host.split(".") if part.count("-") > 1), FALLBACK_REGION)
    arn = f"arn:aws:sagemaker:{region}:{ACCOUNT}:{words}/{body.get(f'{kind}Name', kind)}"
    return _respond(request, 200, json.dumps({f"{kind}Arn": arn}))


def _function(request: Any, url: Any, answers: Answers) -> Any | None:
    """A function that was created, or whose code or configuration was changed; None for one that is called."""
    host, parts = url.hostname.split("."), url.path.strip("/").split("/")[1:]
    doing = {
        "functions": "CreateFunction",
        "code": "UpdateFunctionCode",
        "configuration": "UpdateFunctionConfiguration",
    }
    if not parts or parts[-1] not in doing:
        return None
    answers.note(f"lambda:{doing[parts[-1]]}")
    name = parts[1] if len(parts) > 1 else json.loads(_body(request) or b"{}").get("FunctionName", "function")
    partition = "aws-cn" if host[-1] == "cn" else "aws"
    arn = f"arn:{partition}:lambda:{host[1]}:{ACCOUNT}:function:{name}"
    return _respond(request, 200, json.dumps({"FunctionName": name, "FunctionArn": arn}))


def _sts(request: Any, answers: Answers) -> Any | None:
    action = _action(request)
    if action != "GetCallerIdentity":
        return None
    answers.note("sts:GetCallerIdentity")
    return _respond(
        request,
        200,
        "<GetCallerIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><GetCallerIdentityResult>"
        f"<Arn>arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/cursus</Arn><UserId>AROA:cursus</UserId>"
        f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
    )


def _iam(request: Any, answers: Answers) -> Any:
    action = _action(request)
    answers.note(f"iam:{action}")
    if action == "GetRole":
        name = parse_qs(_body(request).decode()).get("RoleName", [ROLE])[0]
        return _respond(
            request,
            200,
            "<GetRoleResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'><GetRoleResult><Role><Path>/</Path>"
            f"<Arn>arn:aws:iam::{ACCOUNT}:role/{name}</Arn><RoleName>{name}</RoleName><RoleId>AROA</RoleId>"
            "<CreateDate>2020-01-01T00:00:00Z</CreateDate></Role></GetRoleResult></GetRoleResponse>",
        )
    return _respond(
        request,
        403,
        "<ErrorResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'><Error><Type>Sender</Type>"
        "<Code>AccessDenied</Code><Message>answered offline</Message></Error></ErrorResponse>",
    )


def _s3(request: Any, url: Any, answers: Answers) -> Any | None:
    """Writes and questions about buckets are answered; an object is really fetched."""
    method = request.method
    in_path = (url.hostname or "").startswith(("s3.", "s3-"))
    parts = url.path.strip("/").split("/", 1)
    on_bucket = len(parts) == 1 if in_path else not parts[0]
    if method in ("PUT", "POST", "DELETE"):
        answers.note("s3:PutObject" if not on_bucket else "s3:CreateBucket")
        _, driver, name = url.path.partition(f"/{DRIVERS}/")
        if driver and method == "PUT":
            answers.drivers[name] = _uploaded(request)
        if "uploads" in url.query.split("&") or url.query.startswith("uploads"):
            return _respond(
                request,
                200,
                "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>",
            )
        if method == "POST":
            return _respond(
                request, 200, "<CompleteMultipartUploadResult><ETag>0</ETag></CompleteMultipartUploadResult>"
            )
        return _respond(request, 204 if method == "DELETE" else 200)
    if method == "HEAD" and on_bucket:
        answers.note("s3:HeadBucket")
        return _respond(request, 200)
    if method == "GET" and in_path and not parts[0]:
        answers.note("s3:ListBuckets")
        return _respond(request, 200, "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")
    return None


class _Raw(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, amount: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        while chunk := self.read(amount):
            yield chunk


def _respond(request: Any, status: int, text: str = "") -> Any:
    from botocore.awsrequest import AWSResponse

    headers = {"Content-Type": "text/xml", "Content-Length": str(len(text)), "ETag": '"0"'}
    return AWSResponse(request.url, status, headers, _Raw(text.encode()))

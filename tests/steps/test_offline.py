"""What a builder asks of AWS is answered here, and a Create call is taken from its hands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.model import Step
from cursus.steps import load
from cursus.steps.builders import lower
from cursus.steps.offline import ACCOUNT, RequestCaptured, offline

boto3 = pytest.importorskip("boto3")


@pytest.fixture(autouse=True)
def homeless(no_network: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def test_account_bucket_and_upload_are_answered() -> None:
    with offline() as answers:
        session = boto3.Session()
        assert session.client("sts").get_caller_identity()["Account"] == ACCOUNT
        s3 = session.client("s3")
        assert s3.list_buckets()["Buckets"] == []
        s3.head_bucket(Bucket="example-bucket")
        s3.put_object(Bucket="example-bucket", Key="a/b", Body=b"x")
        role = session.client("iam").get_role(RoleName="Role")["Role"]["Arn"]
        assert role == f"arn:aws:iam::{ACCOUNT}:role/Role"
    assert answers.calls == [
        "sts:GetCallerIdentity",
        "s3:ListBuckets",
        "s3:HeadBucket",
        "s3:PutObject",
        "iam:GetRole",
    ]
    assert answers.region_made_up
    assert not any(name.startswith("AWS_") for name in os.environ)


def test_large_upload_in_parts_is_answered(tmp_path: Path) -> None:
    large = tmp_path / "source.tar.gz"
    large.write_bytes(b"x" * (9 * 1024 * 1024))
    with offline() as answers:
        boto3.Session().client("s3").upload_file(str(large), "example-bucket", "source.tar.gz")
    assert answers.calls == ["s3:PutObject"]


def test_outside_nothing_is_answered() -> None:
    with offline():
        client = boto3.Session().client("sts")
    with pytest.raises(Exception, match=r"(?i)connect"):
        client.get_caller_identity()


def test_create_call_is_captured() -> None:
    request = {"TrainingJobName": "churn", "RoleArn": "arn:aws:iam::123456789012:role/Role-for-training"}
    full = {
        **request,
        "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": "x"},
    }
    with offline(), pytest.raises(RequestCaptured) as captured:
        boto3.Session().client("sagemaker").create_training_job(**full)
    assert (captured.value.operation, captured.value.request) == ("CreateTrainingJob", full)

    class Builder:
        def create_step(self) -> None:
            boto3.Session().client("sagemaker").create_training_job(**full)

        def get_outputs(self) -> None:
            boto3.Session().client("sagemaker").create_training_job(**full)

    step = lower(Builder())
    assert step.request == full and not step.in_pipeline
    (failure,) = step.promises.failures
    assert failure.hook == "get_outputs" and "CreateTrainingJob" in failure.message


def test_builder_that_uploads_says_what_was_answered() -> None:
    class Builder:
        def create_step(self) -> dict[str, Any]:
            boto3.Session().client("s3").put_object(Bucket="example-bucket", Key="a", Body=b"")
            return {"TrainingJobName": "churn"}

    step = lower(Builder())
    assert step.promises.answered == ("s3:PutObject",) and step.promises.failures == ()
    (finding,) = [one for one in cursus.check(step).findings if one.rule == "STP098"]
    assert finding.severity == "info" and "s3:PutObject" in finding.message


def test_builder_that_imports_boto_late(tmp_path: Path) -> None:
    """botocore is imported only inside the hook, in a process that has not seen it yet."""
    builder = tmp_path / "builder.py"
    builder.write_text(
        "class Builder:\n"
        "    def create_step(self):\n"
        "        import boto3\n"
        "        account = boto3.client('sts').get_caller_identity()['Account']\n"
        "        return {'TrainingJobName': account}\n"
    )
    code = (
        "import sys\nfrom cursus.steps import load\n"
        f"step, = load({str(builder) + ':Builder'!r})\n"
        "assert not step.promises.failures, step.promises.failures\n"
        "print(step.name)\n"
    )
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(Path(cursus.__file__).parents[1]), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ACCOUNT


def test_own_credentials_and_region_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with offline() as answers:
        assert os.environ["AWS_ACCESS_KEY_ID"] == "own"
        assert boto3.Session().region_name == "eu-west-1"
    assert not answers.region_made_up
    assert os.environ["AWS_DEFAULT_REGION"] == "eu-west-1"


def test_module_that_asks_aws_at_import(tmp_path: Path) -> None:
    path = tmp_path / "builder.py"
    path.write_text(
        "import boto3\nACCOUNT = boto3.client('sts').get_caller_identity()['Account']\n"
        "REQUEST = {'TrainingJobName': ACCOUNT}\n"
    )
    (step,) = load(f"{path}:REQUEST")
    assert isinstance(step, Step) and step.name == ACCOUNT

"""The client stands where boto3's stands: same methods, answers, errors; jobs run detached."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cursus.checks.examples import BASES
from cursus.errors import RunError
from cursus.local import Client
from tests.local.conftest import MakeStep
from tests.local.helpers import ARN, OWN, refused, request


@pytest.fixture
def make(make_step: MakeStep, tmp_path: Path, levels: dict[str, str]) -> Any:
    """``make(script, **options)``: a client whose jobs run that script."""
    if levels["unshare"] and levels["bubblewrap"]:
        pytest.skip(f"{levels['unshare']}; {levels['bubblewrap']}")

    def made(script: str = "print('loss=1')", **options: Any) -> Client:
        step = make_step(script)
        assert step.source is not None
        return Client(
            tmp_path / "root",
            region="us-east-1",
            source_dir=step.source.directory,
            entry_point="train.py",
            channels={**step.promises.local_channels, "other": str(tmp_path)},
            grace=0.2,
            **options,
        )

    return made


def wait(client: Client, name: str = "churn-2026-01-31") -> None:
    client.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=name)


def test_life_of_a_job(make: Any) -> None:
    client = make("import os; open('/opt/ml/model/m', 'w').write(os.environ['TRAINING_JOB_ARN'])")
    response = client.create_training_job(**request())
    assert response["TrainingJobArn"] == ARN
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
    wait(client)
    told = client.describe_training_job(TrainingJobName="churn-2026-01-31")
    assert told["TrainingJobStatus"] == told["SecondaryStatus"] == "Completed"
    assert told["ModelArtifacts"]["S3ModelArtifacts"].startswith("s3://example-bucket/models/")
    (summary,) = client.list_training_jobs()["TrainingJobSummaries"]
    assert summary["TrainingJobArn"] == ARN
    assert summary["TrainingEndTime"] >= summary["CreationTime"]
    assert client.delete_training_job(TrainingJobName="churn-2026-01-31")["ResponseMetadata"]
    assert client.list_training_jobs()["TrainingJobSummaries"] == []
    assert (Path(client.root) / "s3/example-bucket/models/churn-2026-01-31/output/model.tar.gz").is_file()
    client.create_training_job(**request())  # the name is free again
    wait(client)


def test_create_returns_before_the_job_ends_and_stop_ends_it(make: Any) -> None:
    client = make("import time; time.sleep(60)")
    client.create_training_job(**request(OWN))
    told = client.describe_training_job(TrainingJobName="churn-2026-01-31")
    assert told["TrainingJobStatus"] == "InProgress"
    code, text, _ = refused(client.delete_training_job, TrainingJobName="churn-2026-01-31")
    assert (code, "InProgress" in text) == ("ResourceInUse", True)
    client.stop_training_job(TrainingJobName="churn-2026-01-31")
    client.stop_training_job(TrainingJobName="churn-2026-01-31")  # once more while it stops
    wait(client)
    told = client.describe_training_job(TrainingJobName="churn-2026-01-31")
    assert told["TrainingJobStatus"] == "Stopped"
    code, text, _ = refused(client.stop_training_job, TrainingJobName="churn-2026-01-31")
    assert code == "ValidationException"
    assert text == "The request was rejected because the training job is in status Stopped."


def test_name_in_use(make: Any) -> None:
    client = make()
    client.create_training_job(**request())
    code, text, error = refused(client.create_training_job, **request())
    assert code == "ResourceInUse"
    assert text.startswith("Training job names must be unique within an AWS account and region")
    assert text.endswith(f"({ARN})")
    assert isinstance(error, client.exceptions.ResourceInUse)
    assert isinstance(error, client.exceptions.ClientError)
    assert str(error).startswith(
        "An error occurred (ResourceInUse) when calling the CreateTrainingJob operation: "
    )
    wait(client)


def test_of_many_threads_with_one_name_one_wins(make: Any) -> None:
    client = make()
    won: list[str] = []
    lost: list[str] = []

    def create() -> None:
        try:
            won.append(client.create_training_job(**request())["TrainingJobArn"])
        except client.exceptions.ResourceInUse as error:
            lost.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    wait(client)


def test_folder_of_a_client_that_was_killed_early_is_taken_over(make: Any) -> None:
    client = make()
    folder = Path(client.root) / "jobs/churn-2026-01-31"
    (folder / "logs").mkdir(parents=True)
    (folder / "lock").touch()
    assert client.list_training_jobs()["TrainingJobSummaries"] == []
    client.create_training_job(**request())
    wait(client)


@pytest.mark.parametrize("method", ["describe", "stop", "delete"])
def test_no_such_job(make: Any, method: str) -> None:
    client = make()
    call = getattr(client, f"{method}_training_job")
    code, text, _ = refused(call, TrainingJobName="nobody")
    assert (code, text) == ("ValidationException", "Requested resource not found.")
    code, text, _ = refused(call, TrainingJobName="../jobs")
    assert text == (
        "1 validation error detected: Value '../jobs' at 'trainingJobName' failed to satisfy constraint: Member "
        "must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    )
    code, text, _ = refused(call)
    assert text.endswith(
        "Value null at 'trainingJobName' failed to satisfy constraint: Member must not be null"
    )


FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "pattern and range": (
        {"TrainingJobName": "no good", "StoppingCondition": {"MaxRuntimeInSeconds": 0}},
        [
            "2 validation errors detected: ",
            "Value 'no good' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular ",
            "; Value '0' at 'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: Member must have "
            "value greater than or equal to 1",
        ],
    ),
    "enum": (
        {"ResourceConfig": {"InstanceType": "ml.x"}},
        [
            "Value 'ml.x' at 'resourceConfig.instanceType' failed to satisfy constraint: Member must satisfy enum"
        ],
    ),
    "list": (
        {"Tags": [{"Key": "a" * 129, "Value": "b"}]},
        [
            " at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128"
        ],
    ),
    "unknown": ({"Foo": 1}, ['Unknown parameter in input: "Foo", must be one of: ']),
    "type": ({"HyperParameters": {"a": 1}}, ["Value '1' at 'hyperParameters.a'", "type string, and is int"]),
    "secret": ({"Environment": {"API_TOKEN": "x" * 600}}, ["Value '***' at 'environment"]),
    "secret number": ({"Environment": {"API_TOKEN": 7}}, ["Value '***' at 'environment.API_TOKEN' failed"]),
    "across members": ({"EnableManagedSpotTraining": True}, ["MaxWaitTimeInSeconds"]),
    "two channels of one name": (
        {"InputDataConfig": BASES["CreateTrainingJob"]["InputDataConfig"] * 2},
        ["train"],
    ),
    "pipeline variable": ({"RoleArn": {"Get": "Parameters.Role"}}, ["RoleArn"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_request_that_the_service_refuses(make: Any, fault: str) -> None:
    patch, said = FAULTS[fault]
    client = make()
    code, text, _ = refused(
        client.create_training_job, **{**request(), **patch} if fault != "enum" else request(patch)
    )
    assert code == "ValidationException"
    for part in said:
        assert part in text
    assert "xxx" not in text
    assert not (Path(client.root) / "jobs").exists()


def test_errors_are_botocores(make: Any) -> None:
    exceptions = pytest.importorskip("botocore.exceptions", reason="botocore is not installed")
    import pickle

    client = make()
    _, _, error = refused(client.describe_training_job, TrainingJobName="nobody")
    assert type(error) is exceptions.ClientError
    bare = {name: value for name, value in request().items() if name != "RoleArn"}
    _, text, error = refused(client.create_training_job, **bare)
    assert "'roleArn'" in text
    assert isinstance(error, exceptions.ClientError)
    assert isinstance(error, exceptions.ParamValidationError)  # boto finds it before it sends anything
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    with pytest.raises(exceptions.WaiterError, match="Requested resource not found"):
        wait(client, "nobody")
    with pytest.raises(exceptions.OperationNotPageableError):
        client.get_paginator("create_training_job")


def test_without_botocore_errors_have_the_same_shape(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["botocore"] = None
from cursus.local import Client
client = Client({str(tmp_path)!r})
try:
    client.describe_training_job(TrainingJobName="nobody")
except client.exceptions.ClientError as error:
    print(type(error).__name__, error.response["Error"]["Code"], error.operation_name)
try:
    client.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName="nobody")
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "ClientError ValidationException DescribeTrainingJob",
        "WaiterError Waiter TrainingJobCompletedOrStopped failed: "
        "Waiter encountered a terminal failure state: Requested resource not found.",
    ]


def test_waiter(make: Any) -> None:
    client = make("raise SystemExit(3)")
    client.create_training_job(**request())
    with pytest.raises(Exception, match=r'terminal failure state.*"Failed"'):
        wait(client)
    client = make("import time; time.sleep(60)")
    client.create_training_job(**request(OWN, "slow"))
    waiter = client.get_waiter("training_job_completed_or_stopped")
    with pytest.raises(Exception, match="Max attempts exceeded"):
        waiter.wait(TrainingJobName="slow", WaiterConfig={"Delay": 0.01, "MaxAttempts": 2})
    client.stop_training_job(TrainingJobName="slow")
    wait(client, "slow")


def test_what_cannot_run_here_is_no_error_of_the_request(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="code is in the image"):
        Client(tmp_path).create_training_job(**request())
    with pytest.raises(AttributeError, match="create_endpoint"):
        Client(tmp_path).create_endpoint  # noqa: B018


def test_job_outlives_its_client(make: Any, tmp_path: Path) -> None:
    client = make("import time; time.sleep(0.5); open('/opt/ml/model/m', 'w').write('1')")
    code = f"""
import json, sys
from cursus.local import Client
Client({client.root!r}, source_dir={client.source_dir!r}, entry_point="train.py", channels={client.channels!r}
).create_training_job(**json.loads(sys.argv[1]))
"""
    import json

    subprocess.run([sys.executable, "-c", code, json.dumps(request())], check=True, timeout=60)
    assert (
        client.describe_training_job(TrainingJobName="churn-2026-01-31")["TrainingJobStatus"] == "InProgress"
    )
    wait(client)


def test_logs_client_reads_what_hosts_print(make: Any) -> None:
    from cursus.local.boto.cloudwatch import GROUP, LogsClient

    client = make("import os; os.write(1, b'one\\r\\n\\xff\\n' + b'x' * 300_000 + b'\\nrest')")
    client.create_training_job(**request({"Tags": [{"Key": "a", "Value": "b"}]}))
    wait(client)
    logs = LogsClient(client.root)
    prefix = {"logGroupName": GROUP, "logStreamNamePrefix": "churn-2026-01-31/"}
    assert [one["logStreamName"] for one in logs.describe_log_streams(**prefix)["logStreams"]] == [
        "churn-2026-01-31/algo-1"
    ]
    stream = {"logGroupName": GROUP, "logStreamName": "churn-2026-01-31/algo-1"}
    found, token = [], None
    while True:  # as the SageMaker SDK reads on
        page = logs.get_log_events(**stream, limit=2, **({} if token is None else {"nextToken": token}))
        token = page["nextForwardToken"]
        if not page["events"]:
            break
        found += [event["message"] for event in page["events"]]
    assert found == ["one", "\ufffd", "x" * (256 * 1024), "x" * (300_000 - 256 * 1024), "rest"]
    assert logs.get_log_events(**stream, startTime=int(time.time() * 1000) + 60_000)["events"] == []
    code, _, _ = refused(logs.get_log_events, logGroupName=GROUP, logStreamName="churn-2026-01-31/algo-2")
    assert code == "ResourceNotFoundException"
    code, _, _ = refused(logs.get_log_events, **stream, nextToken="x")
    assert code == "InvalidParameterException"
    assert client.list_tags(ResourceArn=ARN)["Tags"] == [{"Key": "a", "Value": "b"}]
    assert refused(client.list_tags, ResourceArn=ARN + "x")[0] == "ValidationException"


def test_log_events_carry_the_time_at_which_they_were_printed(make: Any) -> None:
    from cursus.local.boto.cloudwatch import GROUP, LogsClient

    client = make("import time\nprint('first', flush=True)\ntime.sleep(1)\nprint('second', flush=True)")
    before = time.time()
    client.create_training_job(**request())
    wait(client)
    stream = {"logGroupName": GROUP, "logStreamName": "churn-2026-01-31/algo-1"}
    logs = LogsClient(client.root)
    first, second = logs.get_log_events(**stream)["events"]
    assert 800 <= second["timestamp"] - first["timestamp"] <= 5000
    assert before * 1000 <= first["timestamp"] <= time.time() * 1000
    between = first["timestamp"] + 400
    assert [event["message"] for event in logs.get_log_events(**stream, startTime=between)["events"]] == [
        "second"
    ]
    assert [event["message"] for event in logs.get_log_events(**stream, endTime=between)["events"]] == [
        "first"
    ]


def test_boto_session_hands_out_our_clients(make: Any) -> None:
    pytest.importorskip("boto3", reason="boto3 is not installed")
    from cursus.local import boto_session

    client = make()
    session = boto_session(client, aws_access_key_id="x", aws_secret_access_key="y")
    assert session.region_name == "us-east-1"
    assert session.client("sagemaker") is client
    assert session.client("logs").describe_log_streams(logGroupName="other")["logStreams"] == []
    assert session.client("s3").meta.service_model.service_name == "s3"


def test_sagemaker_sdk_takes_it(make: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    pytest.importorskip("sagemaker.session", reason="the SageMaker SDK v2 is not installed")
    import sagemaker
    from sagemaker.pytorch import PyTorch

    from cursus.local import boto_session

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    client = make("import sys, time\nfor i in range(3): print('line', i, flush=True); time.sleep(0.3)")
    session = sagemaker.Session(boto_session=boto_session(client))
    session._default_bucket = "example-bucket"  # it would ask S3
    estimator = PyTorch(
        "train.py",
        source_dir="s3://example-bucket/source/sourcedir.tar.gz",
        role="arn:aws:iam::123456789012:role/SageMakerRole",
        instance_count=1,
        instance_type="ml.m5.xlarge",
        framework_version="2.3",
        py_version="py311",
        sagemaker_session=session,
        disable_profiler=True,
        debugger_hook_config=False,
    )
    estimator.fit({"train": "s3://example-bucket/train/"}, job_name="sdk-job")
    said = capsys.readouterr().out
    assert [said.count(f"line {i}") for i in range(3)] == [1, 1, 1]
    attached = PyTorch.attach("sdk-job", sagemaker_session=session)
    assert attached.model_data == "s3://example-bucket/sdk-job/output/model.tar.gz"
    assert session.wait_for_job("sdk-job", poll=1)["TrainingJobStatus"] == "Completed"
    with pytest.raises(client.exceptions.ClientError, match="status Completed"):
        session.stop_training_job("sdk-job")


# --- listing --------------------------------------------------------------------------------------


def test_update_of_a_running_job_and_of_its_warm_pool(make: Any) -> None:
    client = make("import time; time.sleep(600)")
    name = {"TrainingJobName": "churn-2026-01-31"}
    client.create_training_job(**request({"ResourceConfig": {"KeepAlivePeriodInSeconds": 600}}))
    while client.describe_training_job(**name)["SecondaryStatus"] != "Training":
        time.sleep(0.02)
    arn = client.update_training_job(**name, RemoteDebugConfig={"EnableRemoteDebug": True})["TrainingJobArn"]
    assert arn == ARN
    client.update_training_job(**name, ResourceConfig={"KeepAlivePeriodInSeconds": 900})
    told = client.describe_training_job(**name)
    assert told["RemoteDebugConfig"] == {"EnableRemoteDebug": True}
    assert told["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 900
    client.stop_training_job(**name)
    wait(client)
    told = client.describe_training_job(**name)
    assert told["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 900
    assert told["RemoteDebugConfig"] == {"EnableRemoteDebug": True}
    for change in (
        {"RemoteDebugConfig": {"EnableRemoteDebug": False}},
        {"ProfilerConfig": {"DisableProfiler": True}},
    ):
        code, text, _ = refused(client.update_training_job, **name, **change)
        assert code == "ValidationException"
        assert "Stopped" in text


def test_a_retained_warm_pool_is_given_up_by_an_update(make: Any) -> None:
    client = make()
    name = {"TrainingJobName": "churn-2026-01-31"}
    client.create_training_job(**request({"ResourceConfig": {"KeepAlivePeriodInSeconds": 600}}))
    wait(client)
    assert client.describe_training_job(**name)["WarmPoolStatus"]["Status"] == "Available"
    client.update_training_job(**name, ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    told = client.describe_training_job(**name)
    assert told["WarmPoolStatus"]["Status"] == "Terminated"
    assert told["WarmPoolStatus"]["ResourceRetainedBillableTimeInSeconds"] < 60
    code, text, _ = refused(
        client.update_training_job, **name, ResourceConfig={"KeepAlivePeriodInSeconds": 5}
    )
    assert code == "ValidationException"
    assert "Terminated" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "No update"),
        ({"ResourceConfig": {"KeepAlivePeriodInSeconds": 21601}}, "21600"),
        ({"ResourceConfig": {"InstanceCount": 2}}, "InstanceCount"),
        ({"StoppingCondition": {}}, "StoppingCondition"),
    ],
)
def test_update_is_refused_as_the_service_refuses_it(make: Any, change: Any, said: str) -> None:
    client = make()
    client.create_training_job(**request())
    code, text, _ = refused(client.update_training_job, TrainingJobName="churn-2026-01-31", **change)
    assert (code, said in text) == ("ValidationException", True), text
    wait(client)

"""What a builder asks of AWS is answered here, and a Create call is taken from its hands."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.errors import TargetError
from cursus.model import Pipeline, Step
from cursus.steps import load
from cursus.steps.answers import RequestCaptured
from cursus.steps.lowering.builders import lower
from cursus.steps.made_up import ACCOUNT
from cursus.steps.offline import offline
from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests

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


def test_changes_to_sagemaker_are_made_up() -> None:
    with offline("eu-west-3") as answers:
        client = boto3.Session().client("sagemaker")
        group = client.create_model_package_group(ModelPackageGroupName="churn")["ModelPackageGroupArn"]
        assert group == f"arn:aws:sagemaker:eu-west-3:{ACCOUNT}:model-package-group/churn"
        client.delete_endpoint(EndpointName="churn")
        with pytest.raises(Exception, match=r"(?i)connect"):  # to read is the builder's own doing
            client.describe_endpoint(EndpointName="churn")
    assert answers.calls == ["sagemaker:CreateModelPackageGroup", "sagemaker:DeleteEndpoint"]


def test_function_of_a_lambda_step_is_made_up() -> None:
    code = {"ZipFile": b"x"}
    with offline("cn-north-1") as answers:
        client = boto3.Session().client("lambda")
        made = client.create_function(
            FunctionName="register", Role=f"arn:aws-cn:iam::{ACCOUNT}:role/Role", Code=code
        )
        assert made["FunctionArn"] == f"arn:aws-cn:lambda:cn-north-1:{ACCOUNT}:function:register"
        changed = client.update_function_code(FunctionName="register", ZipFile=b"x")
        assert changed["FunctionArn"] == made["FunctionArn"]
        with pytest.raises(Exception, match=r"(?i)connect"):  # to call one is the builder's own doing
            client.invoke(FunctionName="register")
    assert answers.calls == ["lambda:CreateFunction", "lambda:UpdateFunctionCode"]


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


SCRIPT = """
import json, boto3

class Pipeline:
    steps = parameters = []
    name = "churn"
    def definition(self):
        return json.dumps({"Version": "2020-12-01", "Steps": []})
    def upsert(self):
        client = boto3.client("sagemaker", region_name="eu-west-1")
        body = {"PipelineName": "churn", "PipelineDefinition": self.definition(), "RoleArn": "r" * 20}
        try:  # as the wrapper of the SDK for its usage reports
            return client.create_pipeline(**body, ClientRequestToken="t" * 32)
        except BaseException:
            pass
    def start(self):
        client = boto3.client("sagemaker", region_name="eu-west-1")
        return client.start_pipeline_execution(PipelineName="churn", ClientRequestToken="t" * 32)

Pipeline.__module__ = "sagemaker.workflow.pipeline"

def run(pipeline):
    pipeline.upsert()
    print(pipeline.start()["PipelineExecutionArn"])

"""


@pytest.mark.parametrize("last", ["pipeline = Pipeline()\nrun(pipeline)", "run(Pipeline())"])
def test_script_that_creates_and_starts_its_pipeline(tmp_path: Path, last: str) -> None:
    path = tmp_path / "churn.py"
    path.write_text(SCRIPT + last + "\nraise ValueError('nothing after it is executed')\n")
    (made,) = [one for one in load(str(path)) if isinstance(one, Pipeline)]
    assert made.definition == {"Version": "2020-12-01", "Steps": []}


def test_script_that_only_starts_or_changes_a_pipeline_starts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "churn.py"
    path.write_text(SCRIPT + "Pipeline().start()\n")
    with pytest.raises(TargetError, match="no name stands for a pipeline"):
        load(str(path))
    package = tmp_path / "churning"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "start.py").write_text(SCRIPT + "Pipeline().start()\n")
    with pytest.raises(TargetError, match=r"change the pipeline in the account at .*StartPipelineExecution"):
        load(str(package / "start.py"))


ESTIMATOR = """
import boto3

class Estimator:
    source_dir, entry_point = "source", "train.py"
    def fit(self, inputs=None):
        channels = [{"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
                    for name, uri in (inputs or {}).items()]
        boto3.client("sts").get_caller_identity()
        try:
            boto3.client("sagemaker", region_name="eu-west-1").create_training_job(
                TrainingJobName="churn", RoleArn="arn:aws:iam::123456789012:role/SageMakerRole",
                AlgorithmSpecification={"TrainingInputMode": "File", "TrainingImage": "x"},
                OutputDataConfig={"S3OutputPath": "s3://example-bucket/"},
                StoppingCondition={"MaxRuntimeInSeconds": 60},
                ResourceConfig={"InstanceType": "ml.m5.tiny", "InstanceCount": 1, "VolumeSizeInGB": 1},
                **({"InputDataConfig": channels} if channels else {}))
        except BaseException:  # as the wrapper of the SDK for its usage reports
            if swallows:
                return
            raise

Estimator.__module__ = "sagemaker.estimator"
swallows = True
estimator = Estimator()
"""
FIT = 'estimator.fit({"train": "s3://example-bucket/train/"})'


@pytest.mark.parametrize("swallows", [True, False])
@pytest.mark.parametrize(
    ("last", "target"),
    [
        (FIT, ""),
        (FIT, ":estimator"),
        (f"def job():\n    {FIT}", ":job"),
        (f"def job():\n    {FIT}\n    return estimator", ":job"),
    ],
)
def test_job_that_a_file_or_function_starts_has_its_inputs_and_its_source(
    tmp_path: Path, last: str, target: str, swallows: bool
) -> None:
    path = tmp_path / "churn.py"
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text("print(1)\n")
    path.write_text(f"{ESTIMATOR}swallows = {swallows}\n{last}\n")
    (step,) = load(f"{path}{target}")
    assert isinstance(step, Step) and step.operation == "CreateTrainingJob" and not step.in_pipeline
    assert step.request["InputDataConfig"][0]["ChannelName"] == "train"
    assert step.source is not None and step.source.entry_point == "train.py"
    assert step.promises.answered == ("sts:GetCallerIdentity",)


def test_every_job_that_a_file_starts_is_a_step(tmp_path: Path) -> None:
    path = tmp_path / "churn.py"
    path.write_text(
        f"{ESTIMATOR}other = Estimator()\n{FIT}\n{FIT.replace('estimator', 'other').replace('train', 'x')}\n"
    )
    steps = [step for step in load(str(path)) if isinstance(step, Step)]
    assert [step.request["InputDataConfig"][0]["ChannelName"] for step in steps] == ["train", "x"]
    (other,) = load(f"{path}:other")
    assert isinstance(other, Step) and other.request["InputDataConfig"][0]["ChannelName"] == "x"


@pytest.mark.parametrize("target", ["", ":estimator"])
def test_estimator_that_nothing_starts_has_the_inputs_that_its_code_wants(
    tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "churn.py"
    path.write_text(f'{ESTIMATOR}if __name__ == "__main__":\n    {FIT}\n')
    (tmp_path / "source").mkdir()
    script = "import os\nos.environ['SM_CHANNEL_TRAIN']\nopen('/opt/ml/input/data/test/a.csv')\n"
    (tmp_path / "source" / "train.py").write_text(script + "os.environ['SM_MODEL_DIR']\n")
    (step,) = load(f"{path}{target}")
    assert isinstance(step, Step)
    assert [channel["ChannelName"] for channel in step.request["InputDataConfig"]] == ["test", "train"]
    results = TrainingIntegrationTests(step, execute=False).run_all_tests()
    assert results["tests"]["test_data_channel_integration"]["status"] == "skipped"
    told = {finding.rule: finding for finding in cursus.check(step).findings}
    assert "CHN050" not in told and "RES001" in told
    assert any(
        "'test', 'train'" in problem.message and problem.severity == "info" for problem in step.problems
    )


def test_estimator_of_a_built_in_algorithm_has_the_inputs_that_it_requires(tmp_path: Path) -> None:
    path = tmp_path / "churn.py"
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    text = ESTIMATOR.replace('"TrainingImage": "x"', f'"TrainingImage": "{image}"')
    path.write_text(text.replace('"source", "train.py"', "None, None"))
    (step,) = load(str(path))
    assert isinstance(step, Step)
    assert [channel["ChannelName"] for channel in step.request["InputDataConfig"]] == ["train"]


def test_job_that_the_file_of_a_pipeline_starts_is_no_step_of_it(tmp_path: Path) -> None:
    path = tmp_path / "churn.py"
    path.write_text(f"{ESTIMATOR}class Pipeline: ...\nswallows = False\n{FIT}\npipeline = Pipeline()\n")
    for target in (str(path), f"{path}:pipeline"):
        with pytest.raises(TargetError, match=r"would start a job at .*churn\.py:\d+: CreateTrainingJob"):
            load(target)


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


MADE_AT_IMPORT = """
import boto3

SESSION = boto3.Session()

class Builder:
    def __init__(self, config=None):
        self.own = boto3.Session()

    def create_step(self):
        regions = [one.region_name for one in (SESSION, self.own, boto3.Session())]
        return {"TrainingJobName": "-".join(regions)}
"""


@pytest.mark.parametrize("target", ["builder.py:Builder", "builder.py"])
def test_the_region_that_is_asked_for_is_the_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    (tmp_path / "builder.py").write_text(MADE_AT_IMPORT)
    (step,) = load(f"{tmp_path}/{target}", region="eu-central-1")
    assert step.name == "-".join(["eu-central-1"] * 3)
    assert os.environ["AWS_DEFAULT_REGION"] == "eu-west-1"


def test_the_region_of_a_builders_configuration_is_its_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    (tmp_path / "builder.py").write_text(MADE_AT_IMPORT.replace("(SESSION, ", "("))
    (step,) = load(f"{tmp_path}/builder.py:Builder", config={"region": "eu-central-1"})
    assert step.name == "-".join(["eu-central-1"] * 2)


def test_what_the_sdk_logs_of_itself_is_left_out_meanwhile(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("sagemaker.core.helper")
    caplog.set_level(logging.INFO)
    with offline():
        logger.warning("Could not verify permissions")
        logging.getLogger("botocore.credentials").info("Found credentials in environment variables.")
        logging.getLogger("builder").info("made by the team")
        logger.error("failed")
    logger.info("afterwards")
    assert [record.message for record in caplog.records] == ["made by the team", "failed", "afterwards"]

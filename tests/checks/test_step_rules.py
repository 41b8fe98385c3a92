"""Rules of the area *step*: what each sees, what each says, and what each leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

import cursus
from cursus import engine
from cursus.checks.examples import BASES, ROLE
from cursus.checks.text_faults import bucket_fault, location_faults, placeholder
from cursus.checks.views import Settings
from cursus.model import Finding, Step
from tests.checks.made import TUNING, findings_of, pipeline

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1"


def own(found: list[Finding]) -> set[tuple[str, str]]:
    return {(f.rule, f.severity) for f in found if f.rule.startswith("STP")}


def at(found: list[Finding], rule: str) -> Finding:
    return next(finding for finding in found if finding.rule == rule)


def output(uri: str) -> dict[str, Any]:
    return {"OutputDataConfig": {"S3OutputPath": uri}}


@pytest.mark.parametrize(
    ("uri", "rule", "severity"),
    [
        ("s3://s3://example-bucket/models/", "STP040", "error"),
        ("s3://https://example-bucket/models/", "STP040", "error"),
        ("s3://s3a://example-bucket/models/", "STP040", "error"),
        ("s3://example-bucket/s3://example-bucket/models/", "STP040", "warning"),
        ("https://example-bucket.s3.amazonaws.com/models/", "STP041", "error"),
        ("https://example-bucket.s3.eu-west-1.amazonaws.com/models/", "STP041", "error"),
        ("https://s3.console.aws.amazon.com/s3/buckets/example-bucket", "STP041", "error"),
        ("https://example.com/models/", "STP041", "error"),
        ("s3://example-bucket.s3.amazonaws.com/models/", "STP041", "error"),
        ("s3://s3.amazonaws.com/example-bucket/models/", "STP041", "error"),
        ("https://s3-us-west-2.amazonaws.com/example-bucket/models", "STP041", "warning"),
        ("s3://Example-Bucket/models/", "STP042", "error"),
        ("s3://example_bucket/models/", "STP042", "error"),
        ("s3://ab/models/", "STP042", "error"),
        ("s3://-example/models/", "STP042", "error"),
        ("s3://example..bucket/models/", "STP042", "error"),
        ("s3://192.168.0.1/models/", "STP042", "error"),
        ("s3://example bucket/models/", "STP042", "error"),
        ("s3://" + "a" * 64 + "/models/", "STP042", "error"),
        ("s3://example-bucket//models/", "STP043", "warning"),
        ("s3://example-bucket/models//churn/", "STP043", "warning"),
        ("s3://example-bucket/models/ ", "STP044", "error"),
        ("s3://<your-bucket>/models/", "STP045", "warning"),
        ("s3://xxxxxx/models/", "STP045", "warning"),
        ("s3://YOUR_BUCKET/models/", "STP045", "warning"),
        ("s3://${BUCKET}/models/", "STP045", "error"),
        ("s3://{bucket}/models/", "STP045", "error"),
        ("s3://example-bucket/%s/models/", "STP045", "warning"),
        ("s3://<< YOUR S3 BUCKET NAME >>/models/", "STP045", "warning"),
        ("s3://example-bucket/None/models/", "STP047", "warning"),
        ("s3a://example-bucket/models/", "STP005", "error"),
        ("arn:aws:s3:::example-bucket/models/", "STP005", "error"),
        ("/opt/ml/model", "STP005", "error"),
        ("example-bucket/models/", "STP005", "error"),
        (" s3://example-bucket/models/", "STP005", "error"),
        ('"s3://example-bucket/models/"', "STP005", "error"),
    ],
)
def test_output_locations_that_are_almost_right(uri: str, rule: str, severity: str) -> None:
    found = findings_of(output(uri))
    assert own(found) == {(rule, severity)}
    assert at(found, rule).path == "OutputDataConfig.S3OutputPath"
    assert at(found, rule).remedy


@pytest.mark.parametrize(
    "uri",
    [
        "s3://example-bucket",
        "s3://example-bucket/",
        "s3://example.bucket/a b/ü=1/",
        "s3://data/{}/x",
        "s3://my-bucket/your/own/data",
        "s3://sagemaker-us-east-1-123456789012/models",
        "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/mine/models",
        "s3://mine-abcdefghij-s3alias/models/",
        "s3://example-bucket/none-of-these/nonexistent/",
        "s3://example-bucket/to-be/changes/",
    ],
)
def test_unusual_locations_are_left_alone(uri: str) -> None:
    assert own(findings_of(output(uri))) == set()


def test_the_source_archive_is_looked_up_without_leading_slashes() -> None:
    names = {"sagemaker_program": '"train.py"'}
    lost = findings_of(
        {"HyperParameters": {**names, "sagemaker_submit_directory": '"s3://example-bucket//code/s.tar.gz"'}}
    )
    assert own(lost) == {("STP043", "error")}
    right = {**names, "sagemaker_submit_directory": '"s3://example-bucket/code/s.tar.gz"'}
    assert own(findings_of({"HyperParameters": right})) == set()


@pytest.mark.parametrize(
    ("arn", "words"),
    [
        ("arn:aws:iam::123456789012:user/role_admin", "IAM user"),
        ("arn:aws:iam::123456789012:root", "account itself"),
        ("arn:aws:sts::123456789012:assumed-role/SageMakerRole/me", "session"),
        ("arn:aws:iam::123456789012:policy/SageMakerRole", "policy"),
        ("arn:aws:iam::123456789:role/SageMakerRole", "twelve digits"),
        ("arn:aws:iam::<account-id>:role/SageMakerRole", "placeholder"),
        ("arn:aws:iam:::role/SageMakerRole", "account is missing"),
        ("AmazonSageMaker-ExecutionRole", "role's name is not enough"),
        ("arn:aws:iam::123456789012:role/SageMaker Role", "allowed"),
    ],
)
def test_what_is_no_role_is_named(arn: str, words: str) -> None:
    found = findings_of({"RoleArn": arn})
    assert own(found) == {("STP005", "error")}
    assert words in at(found, "STP005").remedy


def test_messages_have_awss_form() -> None:
    name = "generic-training-pipeline-2023-04-12-15-36-41-124330-model-trainer"
    finding = at(findings_of({"TrainingJobName": name}), "STP006")
    assert (
        "at 'trainingJobName' failed to satisfy constraint: Member must have length less than or equal to 63"
        in (finding.message)
    )
    assert "cut at least 3" in finding.remedy
    value = at(findings_of({"Environment": {"LINK": "x" * 513}}), "STP006")
    assert (
        "at 'environment' failed to satisfy constraint: Map value must satisfy constraint: [Member must"
        in (value.message)
    )
    channel = {**BASES["CreateTrainingJob"]["InputDataConfig"][0], "ChannelName": "my train"}
    assert (
        "'inputDataConfig.1.member.channelName'"
        in at(findings_of({"InputDataConfig": [channel]}), "STP005").message
    )


def test_names_are_corrected() -> None:
    assert "'churn-model-v2'" in at(findings_of({"TrainingJobName": "churn_model v2"}), "STP005").remedy
    assert "VolumeSizeInGB" in at(findings_of({"ResourceConfig": {"VolumeSizeInGb": 30}}), "STP002").remedy
    finding = at(findings_of({"AlgorithmSpecification": {"TrainingInputMode": "FILE"}}), "STP004")
    assert "'File'" in finding.remedy
    # A stamp is not cut in two, nor is a name of one long word left without a proposal.
    stamped = "churn_model_of_the_north_european_market-2026-01-31-12-22-59-886794"
    told = at(findings_of({"TrainingJobName": stamped}), "STP006").remedy
    assert "such as 'churn-model-of-the-north-european-market-2026-01-31-12-22-59' (" in told
    assert f"such as '{'a' * 63}'" in at(findings_of({"TrainingJobName": "a" * 80}), "STP006").remedy


def command(entry: str) -> dict[str, Any]:
    return {"AlgorithmSpecification": {"ContainerEntrypoint": entry}}


@pytest.mark.parametrize(
    ("patch", "rule", "remedy"),
    [
        ({"TrainingJobName": ""}, "STP006", "the text is empty: give it a value"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "STP007", "write a number of at least 1"),
        ({"RetryStrategy": {"MaximumRetryAttempts": 31}}, "STP007", "write a number from 1 to 30"),
        ({"ResourceConfig": {"VolumeSizeInGB": "30"}}, "STP003", "write the number without quotes"),
        ({"ResourceConfig": {"VolumeSizeInGB": "large"}}, "STP003", "write a whole number, without quotes"),
        (command('["sh", "-c"]'), "STP003", "write the list itself, without quotes around it"),
        (command("python3 /opt/train.py"), "STP003", "write a list, each word an item of its own"),
        (command("/opt/train"), "STP003", "write a list of one: ['/opt/train']"),
        (
            {
                "VpcConfig": {
                    "Subnets": "subnet-0a1b2c3d,subnet-0a1b2c3e",
                    "SecurityGroupIds": ["sg-0a1b2c3d"],
                }
            },
            "STP003",
            "write a list, each value an item of its own",
        ),
        (
            {"ResourceConfig": {"InstanceType": None, "InstanceType.$": "$.instance"}},
            "STP002",
            "write InstanceType, with a value: only a state of Step Functions has names that end with .$, and fills them in",
        ),
        (
            {"TrainingJobName": "churn-{{ ds_nodash }}"},
            "STP005",
            "'{{ ds_nodash }}' stands where a value was to be filled in: write the value; allowed: letters, digits and "
            "hyphens, with a letter or digit first and last, at most 63 characters",
        ),
        (
            {"Tags": [{"Key": "team", "Value": "a"}, {"Key": "team", "Value": "b"}]},
            "STP034",
            "keep one of them",
        ),
    ],
)
def test_what_to_write_instead(patch: dict[str, Any], rule: str, remedy: str) -> None:
    assert at(findings_of(patch), rule).remedy == remedy


def test_a_member_at_the_wrong_place_is_told_where_it_belongs() -> None:
    assert "belongs in StoppingCondition" in at(findings_of({"MaxRuntimeInSeconds": 60}), "STP002").remedy
    moved = findings_of({"ResourceConfig": {"EnableManagedSpotTraining": True}})
    assert "belongs in the request itself" in at(moved, "STP002").remedy
    bias = {"ModelPackageGroupName": "churn", "ModelMetrics": {"Bias": {"ContentType": "application/json"}}}
    register = {"Name": "Register", "Type": "RegisterModel", "Arguments": bias}
    found = cursus.check(pipeline(register))
    assert "belongs in ModelMetrics.Bias.Report" in next(
        f.remedy for f in found.findings if f.rule == "STP002"
    )


@pytest.mark.parametrize(
    ("value", "remedy"),
    [(0.1, '"0.1"'), (10, '"10"'), (True, '"true"'), ([1], "JSON"), (None, "leave the member out")],
)
def test_hyperparameters_are_texts(value: Any, remedy: str) -> None:
    request = {**BASES["CreateTrainingJob"], "HyperParameters": {"rate": value}}
    found = engine.check_step(Step("step", "CreateTrainingJob", request), Settings())
    assert own(found) == {("STP003", "error")}
    assert remedy in at(found, "STP003").remedy


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"AlgorithmSpecification": None}, ("STP020", "AlgorithmSpecification")),
        (
            {"AlgorithmSpecification": {"TrainingImage": None}},
            ("STP020", "AlgorithmSpecification.TrainingImage"),
        ),
        (
            {"AlgorithmSpecification": {"AlgorithmName": "mine"}},
            ("STP020", "AlgorithmSpecification.AlgorithmName"),
        ),
        ({"ResourceConfig": None}, ("STP021", "ResourceConfig")),
        ({"ResourceConfig": {"InstanceType": None}}, ("STP021", "ResourceConfig.InstanceType")),
        ({"ResourceConfig": {"InstanceCount": 0}}, ("STP021", "ResourceConfig.InstanceCount")),
        (
            {"ResourceConfig": {"SelectedInstanceCount": 1}},
            ("STP022", "ResourceConfig.SelectedInstanceCount"),
        ),
        ({"StoppingCondition": None}, ("STP023", "StoppingCondition")),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 2419201}},
            ("STP023", "StoppingCondition.MaxRuntimeInSeconds"),
        ),
        (
            {"StoppingCondition": {"MaxWaitTimeInSeconds": 7200}},
            ("STP024", "StoppingCondition.MaxWaitTimeInSeconds"),
        ),
        (
            {
                "CheckpointConfig": {
                    "S3Uri": "s3://example-bucket/c/",
                    "LocalPath": "/opt/ml/model/checkpoints",
                }
            },
            ("STP029", "CheckpointConfig.LocalPath"),
        ),
        (
            {
                "CheckpointConfig": {
                    "S3Uri": "s3://example-bucket/c/",
                    "LocalPath": "/opt/ml/input/data/train",
                }
            },
            ("STP029", "CheckpointConfig.LocalPath"),
        ),
        (
            {"CheckpointConfig": {"S3Uri": "s3://example-bucket/c/", "LocalPath": "checkpoints"}},
            ("STP029", "CheckpointConfig.LocalPath"),
        ),
        (
            {"TensorBoardOutputConfig": {"S3OutputPath": "s3://example-bucket/t/", "LocalPath": "/tmp/logs"}},
            ("STP029", "TensorBoardOutputConfig.LocalPath"),
        ),
        (
            {"AlgorithmSpecification": {"TrainingImage": "churn:latest"}},
            ("STP027", "AlgorithmSpecification.TrainingImage"),
        ),
        ({"Tags": [{"Key": "aws:team", "Value": "x"}]}, ("STP034", "Tags[0].Key")),
        (
            {"AlgorithmSpecification": {"TrainingImage": f'"{ECR}"'}},
            ("STP048", "AlgorithmSpecification.TrainingImage"),
        ),
    ],
)
def test_what_the_service_demands(patch: dict[str, Any], expected: tuple[str, str]) -> None:
    found = findings_of(patch)
    errors = {(f.rule, f.path) for f in found if f.severity == "error" and f.rule.startswith("STP")}
    assert expected in errors
    assert len(errors - {("STP027", "AlgorithmSpecification.TrainingImage")} | {expected}) == 1


def test_serverless_jobs_need_no_algorithm_and_no_instances() -> None:
    base = "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/some-model/1.0.0"
    patch = {
        "AlgorithmSpecification": None,
        "ResourceConfig": None,
        "StoppingCondition": None,
        "ServerlessJobConfig": {"BaseModelArn": base, "JobType": "FineTuning", "AcceptEula": True},
    }
    assert own(findings_of(patch)) == set()


def test_spot() -> None:
    spot = {"EnableManagedSpotTraining": True, "CheckpointConfig": {"S3Uri": "s3://example-bucket/c/"}}
    assert own(findings_of({**spot, "StoppingCondition": {"MaxWaitTimeInSeconds": 3600}})) == set()
    assert own(findings_of(spot)) == {("STP024", "error")}
    assert own(findings_of({**spot, "StoppingCondition": {"MaxWaitTimeInSeconds": 3599}})) == {
        ("STP024", "error")
    }
    without = {"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxWaitTimeInSeconds": 3600}}
    assert own(findings_of(without)) == {("STP025", "warning")}
    assert own(findings_of({"EnableManagedSpotTraining": False})) == set()
    unknown = {
        "EnableManagedSpotTraining": {"Get": "Parameters.Spot"},
        "StoppingCondition": {"MaxWaitTimeInSeconds": 1},
    }
    assert own(findings_of(unknown, in_pipeline=True)) == set()


def test_groups() -> None:
    group = {"InstanceGroupName": "data", "InstanceType": "ml.c5.xlarge", "InstanceCount": 1}
    alone = {"InstanceType": None, "InstanceCount": None, "InstanceGroups": [group]}
    data = {"InputDataConfig": None}
    assert own(findings_of({"ResourceConfig": alone, **data})) == set()
    assert own(findings_of({"ResourceConfig": {**alone, "InstanceCount": 0}, **data})) == set()
    assert own(findings_of({"ResourceConfig": {"InstanceGroups": [group]}, **data})) == {("STP022", "error")}
    assert own(findings_of({"ResourceConfig": {**alone, "InstanceGroups": [group, group]}, **data})) == {
        ("STP022", "error")
    }


@pytest.mark.parametrize(
    ("image", "severity"),
    [("my-image:1.0", "warning"), ("fakeImageUri", "warning"), ("byoc", "warning"), ("churnimage", "error")],
)
def test_names_that_stand_for_an_image(image: str, severity: str) -> None:
    found = findings_of({"AlgorithmSpecification": {"TrainingImage": image}})
    assert own(found) == {("STP027", severity)}


def test_private_registries() -> None:
    vpc = {"SecurityGroupIds": ["sg-0a1b2c3d"], "Subnets": ["subnet-0a1b2c3d"]}
    config = {"TrainingRepositoryAccessMode": "Vpc"}
    private = {"TrainingImage": "registry.example.com/churn:1", "TrainingImageConfig": config}
    assert own(findings_of({"AlgorithmSpecification": private, "VpcConfig": vpc})) == set()
    found = findings_of({"AlgorithmSpecification": private})
    assert at(found, "STP027").path == "VpcConfig"


def test_isolated_jobs_cannot_fetch_their_code() -> None:
    names = {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"s3://example-bucket/s.tar.gz"',
    }
    found = findings_of({"EnableNetworkIsolation": True, "HyperParameters": names})
    assert at(found, "STP028").path == "HyperParameters.sagemaker_submit_directory"
    assert own(findings_of({"EnableNetworkIsolation": False, "HyperParameters": names})) == set()


@pytest.mark.parametrize(
    ("image", "folder", "told"),
    [
        ("tensorflow-training:2.4.1-cpu-py37", "s3://example-bucket/m", True),
        ("tensorflow-training:2.4.1-cpu-py37", "/opt/ml/model", False),
        ("pytorch-training:2.1.0-cpu-py310", "s3://example-bucket/m", False),
    ],
)
def test_isolated_tensorflow_cannot_ask_for_its_bucket(image: str, folder: str, told: bool) -> None:
    names = {"model_dir": f'"{folder}"', "sagemaker_program": '"train.py"'}
    uri = f"763104351884.dkr.ecr.us-east-1.amazonaws.com/{image}"
    patch = {
        "EnableNetworkIsolation": True,
        "AlgorithmSpecification": {"TrainingImage": uri},
        "HyperParameters": names,
    }
    paths = [finding.path for finding in findings_of(patch) if finding.rule == "STP028"]
    assert paths == (["HyperParameters.model_dir"] if told else [])


@pytest.mark.parametrize(
    ("patch", "region", "path"),
    [
        ({}, "eu-central-1", "AlgorithmSpecification.TrainingImage"),
        (
            {"ResourceConfig": {"VolumeKmsKeyId": f"arn:aws:kms:eu-west-1:123456789012:key/{KEY}"}},
            None,
            "ResourceConfig.VolumeKmsKeyId",
        ),
        ({"RoleArn": ROLE.replace("aws", "aws-cn", 1)}, "us-east-1", "RoleArn"),
        (output("s3://sagemaker-eu-west-1-123456789012/models/"), None, "OutputDataConfig.S3OutputPath"),
        (
            {
                "AlgorithmSpecification": {"TrainingImage": ECR.replace("us-east-1", "cn-north-1")},
                "RoleArn": None,
            },
            None,
            "AlgorithmSpecification.TrainingImage",
        ),
    ],
)
def test_one_region(patch: dict[str, Any], region: str | None, path: str) -> None:
    rule, other = ("FRM017", "STP035") if path.endswith("Image") else ("STP035", "FRM017")
    every = findings_of(patch, region=region)
    assert not [f for f in every if f.rule == other]
    found = [f for f in every if f.rule == rule]
    assert [(f.path, f.severity) for f in found] == [(path, "error")]


def test_regions_that_agree() -> None:
    image = "387376663083.dkr.ecr.cn-northwest-1.amazonaws.com.cn/churn:1"
    patch = {"AlgorithmSpecification": {"TrainingImage": image}, "RoleArn": ROLE.replace("aws", "aws-cn", 1)}
    assert own(findings_of(patch, region="cn-northwest-1")) == set()
    assert own(findings_of(output("s3://my-data-us-east-1/models"), region="us-east-1")) == set()
    assert own(findings_of(output("s3://my-data-eu-west-1/models"))) == {("STP035", "warning")}


@pytest.mark.parametrize(
    "key", ["", KEY, f"arn:aws:kms:us-east-1:123456789012:key/{KEY}", "alias/mine", "mrk-" + "0" * 32]
)
def test_keys_that_are_keys(key: str) -> None:
    assert own(findings_of({"OutputDataConfig": {"KmsKeyId": key}})) == set()


def test_keys_that_are_none() -> None:
    assert own(findings_of({"ResourceConfig": {"VolumeKmsKeyId": "mine"}})) == {("STP036", "warning")}
    for word in ("EMPTY", "default", "n/a"):
        found = findings_of({"ResourceConfig": {"VolumeKmsKeyId": word}})
        assert own(found) == {("STP036", "error")}
        assert at(found, "STP036").remedy == "leave VolumeKmsKeyId out where no key is meant"
        assert at(findings_of({"OutputDataConfig": {"KmsKeyId": word}}), "ART001").severity == "error"


def test_several_values_in_one_text() -> None:
    network = {"Subnets": ["subnet-0a1b2c3d, subnet-4e5f6071"], "SecurityGroupIds": ["sg-0a1b2c3d"]}
    found = at(findings_of({"VpcConfig": network}), "STP005")
    assert found.path == "VpcConfig.Subnets[0]"
    assert "each as an item of its own" in found.remedy
    assert own(findings_of({"ResourceConfig": {"VolumeKmsKeyId": ROLE}})) == {("STP036", "error")}


@pytest.mark.parametrize(("key", "severity"), [("aws/s3", "warning"), (ROLE, "error")])
def test_the_key_of_the_output_is_the_artifacts_matter_alone(key: str, severity: str) -> None:
    found = findings_of({"OutputDataConfig": {"KmsKeyId": key}})
    assert [(f.rule, f.area, f.severity) for f in found if "KmsKeyId" in f.path] == [
        ("ART001", "artifacts", severity)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "<sagemaker.workflow.parameters.ParameterString object at 0x7f7ec915cbd0>",
        "ParameterInteger(name='KFold', parameter_type=<ParameterTypeEnum.INTEGER: 'Integer'>, default_value=3)",
        "PosixPath('/opt/ml/model')",
        "<Mode.FILE: 'File'>",
        "<function train at 0x7f7ec915cbd0>",
        "datetime.date(2026, 1, 31)",
        "b'abc'",
    ],
)
def test_objects_as_text(text: str) -> None:
    assert own(findings_of({"HyperParameters": {"model": text}})) == {("STP046", "error")}
    assert own(findings_of({"AlgorithmSpecification": {"ContainerArguments": [text]}})) == {
        ("STP046", "error")
    }


@pytest.mark.parametrize(
    "text",
    [
        "True",
        "None",
        "<s>",
        "<|endoftext|>",
        "[1, 2]",
        '{"a": 1}',
        "lambda: 1",
        "f(x)",
        "a<b",
        "$HOME",
        "{x}",
        "%s",
        "",
    ],
)
def test_hyperparameters_may_be_anything(text: str) -> None:
    assert own(findings_of({"HyperParameters": {"model": text}})) == set()


def test_arguments_of_a_shell_may_have_variables() -> None:
    command = {"ContainerEntrypoint": ["bash", "-c"], "ContainerArguments": ["python train.py ${EPOCHS} {x}"]}
    assert own(findings_of({"AlgorithmSpecification": command})) == set()
    assert own(findings_of({"Environment": {"HERE": "${PATH}:/x"}})) == {("STP045", "warning")}


def test_a_misspelt_member_counts_as_the_right_one() -> None:
    request = dict(BASES["CreateTrainingJob"])
    request["StopingCondition"] = request.pop("StoppingCondition")
    found = engine.check_step(Step("step", "CreateTrainingJob", request), Settings())
    assert {(f.rule, f.path) for f in found if f.severity == "error"} == {("STP002", "StopingCondition")}


def test_tuning_definitions_are_looked_at_too() -> None:
    patch = {
        "TrainingJobDefinition": {
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {"MaxWaitTimeInSeconds": 60},
            "OutputDataConfig": {"S3OutputPath": "s3://s3://example-bucket/models/"},
        }
    }
    found = findings_of(patch, operation=TUNING)
    places = {(f.rule, f.path) for f in found}
    assert ("STP024", "TrainingJobDefinition.StoppingCondition.MaxWaitTimeInSeconds") in places
    assert ("STP040", "TrainingJobDefinition.OutputDataConfig.S3OutputPath") in places


def test_automl_requests_are_looked_at_too() -> None:
    found = findings_of(
        {"OutputDataConfig": {"S3OutputPath": "s3://Bad_Bucket/"}}, operation="CreateAutoMLJobV2"
    )
    assert ("STP042", "error") in own(found)


def test_single_functions() -> None:
    assert bucket_fault("example-bucket") == ""
    assert "capital" in bucket_fault("Example")
    assert location_faults("not a uri") == ()
    assert placeholder("s3://example-bucket/data") is None
    assert placeholder("arn:aws:iam::<account>:role/x") == "<account>"


def test_a_template_is_no_forgotten_format() -> None:
    request = output("s3://{bucket}/models/")
    request["RoleArn"] = "arn:aws:iam::<account>:role/SageMakerRole"
    assert at(findings_of(request), "STP045").severity == "warning"


def test_a_request_full_of_placeholders_is_a_template() -> None:
    request = output("s3://${BUCKET}/models/")
    request["CheckpointConfig"] = {"S3Uri": "s3://${BUCKET}/checkpoints/"}
    assert own(findings_of(request)) == {("STP045", "warning")}


def test_a_misspelt_member_is_one_mistake() -> None:
    found = findings_of({"Tags": [{"key": "team", "value": "ml"}]})
    assert [(f.rule, f.path) for f in found if f.severity == "error"] == [("STP002", "Tags[0].key")]
    assert "Key and Value" in found[0].remedy

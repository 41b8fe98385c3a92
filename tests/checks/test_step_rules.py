"""Rules of the area *step* on the model, its demands and spot: what each sees, says and leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

import cursus
from cursus import engine
from cursus.checks.examples import BASES
from cursus.checks.views import Settings
from cursus.model import Step
from tests.checks.made import TUNING, findings_of, first, own, pipeline

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1"


def test_messages_have_awss_form() -> None:
    name = "generic-training-pipeline-2023-04-12-15-36-41-124330-model-trainer"
    finding = first(findings_of({"TrainingJobName": name}), "STP006")
    assert (
        "at 'trainingJobName' failed to satisfy constraint: Member must have length less than or equal to 63"
        in (finding.message)
    )
    assert "cut at least 3" in finding.remedy
    value = first(findings_of({"Environment": {"LINK": "x" * 513}}), "STP006")
    assert (
        "at 'environment' failed to satisfy constraint: Map value must satisfy constraint: [Member must"
        in (value.message)
    )
    channel = {**BASES["CreateTrainingJob"]["InputDataConfig"][0], "ChannelName": "my train"}
    assert (
        "'inputDataConfig.1.member.channelName'"
        in first(findings_of({"InputDataConfig": [channel]}), "STP005").message
    )


def test_names_are_corrected() -> None:
    assert "'churn-model-v2'" in first(findings_of({"TrainingJobName": "churn_model v2"}), "STP005").remedy
    assert "VolumeSizeInGB" in first(findings_of({"ResourceConfig": {"VolumeSizeInGb": 30}}), "STP002").remedy
    finding = first(findings_of({"AlgorithmSpecification": {"TrainingInputMode": "FILE"}}), "STP004")
    assert "'File'" in finding.remedy
    # A stamp is not cut in two, nor is a name of one long word left without a proposal.
    stamped = "churn_model_of_the_north_european_market-2026-01-31-12-22-59-886794"
    told = first(findings_of({"TrainingJobName": stamped}), "STP006").remedy
    assert "such as 'churn-model-of-the-north-european-market-2026-01-31-12-22-59' (" in told
    assert f"such as '{'a' * 63}'" in first(findings_of({"TrainingJobName": "a" * 80}), "STP006").remedy


def test_what_a_description_adds_is_told_once() -> None:
    described = {
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/churn",
        "TrainingJobStatus": "Completed",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://example-bucket/models/churn/output/model.tar.gz"},
        "ResponseMetadata": {"HTTPStatusCode": 200},
    }
    (finding,) = findings_of(described)
    assert finding.rule == "STP002" and finding.path == "TrainingJobArn"
    assert "DescribeTrainingJob answers with such members" in finding.remedy
    rules = [(f.rule, f.path) for f in findings_of({"FailureReason": "", "Tag": []})]
    assert rules == [("STP002", "FailureReason"), ("STP002", "Tag")]


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
        ({"Tags": {"team": "churn"}}, "STP003", "write a list of mappings, each of Key, Value"),
        ({"Tags": {"Key": "team", "Value": "churn"}}, "STP003", "put the mapping in a list"),
        ({"Environment": ["A=b"]}, "STP003", "write a mapping of names to values"),
        (
            {
                "VpcConfig": {
                    "Subnets": ["subnet-0123456789abcdef0,subnet-0123456789abcdef1"],
                    "SecurityGroupIds": ["sg-0a1b2c3d"],
                }
            },
            "STP006",
            "these are several values in one text: write each as an item of its own",
        ),
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
            "write InstanceType, with a value: only a state of Step Functions has names that end with .$, "
            "and fills them in",
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
        (
            {"OutputDataConfig": {"S3OutputPath": "{'Get': 'Parameters.Output'}"}},
            "STP005",
            "this is how Python shows an object: pass its value, or a pipeline's variable as it is; "
            "allowed: an S3 URI, such as s3://bucket/prefix/",
        ),
    ],
)
def test_what_to_write_instead(patch: dict[str, Any], rule: str, remedy: str) -> None:
    assert first(findings_of(patch), rule).remedy == remedy


def test_a_member_at_the_wrong_place_is_told_where_it_belongs() -> None:
    assert "belongs in StoppingCondition" in first(findings_of({"MaxRuntimeInSeconds": 60}), "STP002").remedy
    moved = findings_of({"ResourceConfig": {"EnableManagedSpotTraining": True}})
    assert "belongs in the request itself" in first(moved, "STP002").remedy
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
    assert remedy in first(found, "STP003").remedy


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


@pytest.mark.parametrize(
    ("folder", "told"), [("/opt/ml/checkpoints", True), ("/opt/ml/output/tensors", False)]
)
def test_a_directory_that_is_synced_by_default(folder: str, told: bool) -> None:
    hook = {"S3OutputPath": "s3://example-bucket/d/", "LocalPath": folder}
    patch = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/c/"}, "DebugHookConfig": hook}
    assert [f.path for f in findings_of(patch, "STP029")] == ["DebugHookConfig.LocalPath"] * told


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
    none = {**alone, "InstanceGroups": [group, {**group, "InstanceGroupName": "none", "InstanceCount": 0}]}
    assert own(findings_of({"ResourceConfig": none, **data})) == {("STP022", "warning")}


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


def test_a_misspelt_member_is_one_mistake() -> None:
    found = findings_of({"Tags": [{"key": "team", "value": "ml"}]})
    assert [(f.rule, f.path) for f in found if f.severity == "error"] == [("STP002", "Tags[0].key")]
    assert "Key and Value" in found[0].remedy


def test_an_image_pasted_as_a_web_address_is_told_its_name() -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4"
    (found,) = findings_of({"AlgorithmSpecification": {"TrainingImage": f"https://{image}"}}, "STP027")
    assert found.remedy.startswith(f"write {image}, ")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("ml.p5.48xlarge", []), ("ml.m5.xlarge", ["error"]), ("ml.g5.xlarge", ["warning"])],
)
def test_types_of_training_plans(kind: str, expected: list[str]) -> None:
    plan = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan"
    patch = {"ResourceConfig": {"InstanceType": kind, "TrainingPlanArn": plan}}
    assert [one.severity for one in findings_of(patch, "STP022")] == expected


def test_a_training_plan_is_not_spot() -> None:
    plan = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan"
    patch = {
        "ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "TrainingPlanArn": plan},
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
    }
    assert [one.severity for one in findings_of(patch, "STP024")] == ["error"]

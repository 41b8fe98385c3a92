"""Steps of a pipeline that are sound until one thing in them is changed: each change is seen, by the rule on it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cursus.checks.examples import DEFINITION, ROLE
from tests.checks.made import SCIKIT_LEARN, pipeline, processing, processing_input
from tests.checks.made_pipelines import LEARNED, OUT, OUTPUT, ask, check, errors, step, warned

ANALYZER = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
CLUSTER = {"ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}}
SOUND = pipeline(
    processing(
        AppSpecification={
            "ImageUri": SCIKIT_LEARN,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/prepare.py"],
        },
        ProcessingInputs=[
            processing_input("code", "s3://example-bucket/code/prepare.py"),
        ],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": OUTPUT}]},
    ),
    step("Train", "Training", {**copy.deepcopy(DEFINITION), "HyperParameters": {"epochs": "3"}}),
    processing(
        "Evaluate",
        ProcessingInputs=[
            processing_input("model", {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}),
            processing_input("rows", {"Std:Join": {"On": "/", "Values": [{"Get": OUT}, "rows.csv"]}}),
        ],
    ),
    step(
        "Check",
        "QualityCheck",
        {
            "ProcessingResources": CLUSTER,
            "AppSpecification": {"ImageUri": ANALYZER},
            "RoleArn": ROLE,
            "ProcessingInputs": [processing_input("data", "s3://example-bucket/scored/")],
            "ProcessingOutputConfig": {
                "Outputs": [{"OutputName": "quality_check_output", "S3Output": OUTPUT}]
            },
            "Environment": {
                "analysis_type": "MODEL_QUALITY",
                "problem_type": "Regression",
                "dataset_format": '{"csv": {"header": false}}',
                "dataset_source": "/opt/ml/processing/data",
                "output_path": "/opt/ml/processing/out",
                "inference_attribute": "_c1",
                "ground_truth_attribute": "_c0",
            },
        },
        CheckType="MODEL_QUALITY",
        SkipCheck=False,
        ModelPackageGroupName="churn",
    ),
    step(
        "Notebook",
        "Training",
        {
            **copy.deepcopy(DEFINITION),
            "AlgorithmSpecification": {
                "TrainingImage": "885854791233.dkr.ecr.us-east-1.amazonaws.com/sagemaker-distribution-prod:2.1-cpu",
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["amazon_sagemaker_scheduler"],
            },
            "Environment": {
                "SM_EXECUTION_INPUT_PATH": "/opt/ml/input/data/train",
                "SM_INPUT_NOTEBOOK_NAME": "prepare.ipynb",
                "SM_OUTPUT_NOTEBOOK_NAME": "prepared.ipynb",
                "SM_KERNEL_NAME": "python3",
            },
        },
    ),
    step(
        "Spark",
        "EMR",
        {
            "ClusterId": {"Get": "Parameters.Cluster"},
            "StepConfig": {"HadoopJarStep": {"Jar": "command-runner.jar"}},
        },
    ),
    step(
        "Serverless",
        "EMRServerless",
        {
            "ApplicationId": "00fabcdefghij123",
            "ExecutionRoleArn": ROLE,
            "JobConfig": {
                "applicationId": "00fabcdefghij123",
                "executionRoleArn": ROLE,
                "jobDriver": {"sparkSubmit": {"entryPoint": "s3://example-bucket/job.py"}},
            },
        },
        DisplayName="Spark",
    ),
    step(
        "Each",
        "ForEach",
        {
            "IterableItems": {"Get": "Parameters.Regions"},
            "MaxConcurrency": 2,
            "ForEachBody": [ask("Region")],
        },
    ),
    ask("Tell", epochs={"Get": "Steps.Train.HyperParameters['epochs']"}),
    step("Endpoint", "Endpoint", {"EndpointName": "churn", "EndpointConfigName": "churn"}),
    ask("Weigh", weight={"Get": "Steps.Endpoint.ProductionVariants[0].CurrentWeight"}),
    step("Tidy", "Cleanup", {"Resources": {"S3": [{"StepName": "Train"}]}}, DependsOn=["Train"]),
    step("Stop", "Fail", {"ErrorMessage": {"Get": "Steps.Train.TrainingJobName"}}),
    Parameters=[
        {"Name": "Cluster", "Type": "String", "DefaultValue": "j-1A2B3C4D5E6F7"},
        {"Name": "Regions", "Type": "String", "DefaultValue": '["north", "south"]'},
    ],
)
AT = {step["Name"]: ("Steps", i) for i, step in enumerate(SOUND["Steps"])}
JOB = (*AT["Serverless"], "Arguments", "JobConfig")
TOLD = (*AT["Check"], "Arguments", "Environment")
NOTEBOOK = (*AT["Notebook"], "Arguments", "Environment")
READ = (*AT["Evaluate"], "Arguments", "ProcessingInputs")
UPLOADED = (*AT["Prepare"], "Arguments", "ProcessingOutputConfig", "Outputs", 0)
BELOW_ARCHIVE = {"Std:Join": {"On": "/", "Values": [LEARNED, "m.bin"]}}
FOREIGN = {"StepName": "Prepare", "S3Uris": ["s3://example-bucket/raw/a.csv"]}
RETRY = {"ExceptionType": ["Step.THROTTLING"]}
MANIFEST = {
    "ChannelName": "train",
    "DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": {"Get": OUT}}},
}
READ_OF_SCRIPT = {"Get": "Steps.Prepare.ProcessingInputs['script'].InputName"}


def changed(place: tuple[Any, ...], value: Any) -> set[str]:
    """The rules with an error where that place of the sound definition has another value, or, for None, is gone."""
    definition = copy.deepcopy(SOUND)
    holder: Any = definition
    for part in place[:-1]:
        holder = holder[part]
    if value is None:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return errors(definition)


def test_the_sound_one_is_sound() -> None:
    assert changed(("Metadata",), {}) == set()


@pytest.mark.parametrize(
    ("place", "value", "rule"),
    [
        ((*AT["Prepare"], "Arguments", "AppSpecification", "ContainerEntrypoint", 0), None, "DEP039"),
        ((*UPLOADED, "S3Output", "LocalPath"), None, "DEP035"),
        ((*READ, 0, "S3Input", "S3Uri"), BELOW_ARCHIVE, "DEP015"),
        ((*READ, 1, "S3Input", "S3Uri", "Std:Join", "On"), "", "DEP015"),
        ((*READ, 0, "S3Input", "S3Uri"), "s3://example-bucket/model.tar.gz?versionId=3sL4kqtJlcp", "STP038"),
        ((*TOLD, "problem_type"), "Classification", "DEP098"),
        ((*TOLD, "analysis_type"), "MODEL_QUALTY", "DEP098"),
        ((*TOLD, "dataset_format"), '{"CSV": {}}', "DEP098"),
        ((*TOLD, "output_path"), "/opt/ml/processing/output", "DEP098"),
        ((*AT["Check"], "Arguments", "ProcessingInputs"), None, "DEP098"),
        ((*AT["Check"], "Arguments", "ProcessingResources", "ClusterConfig", "InstanceType"), None, "DEP092"),
        ((*AT["Check"], "ModelPackageGroupName"), None, "DEP043"),
        ((*NOTEBOOK, "SM_KERNEL_NAME"), "Python 3 (ipykernel)", "DEP100"),
        ((*NOTEBOOK, "SM_KERNEL_NAME"), "python3__SAGEMAKER_INTERNAL__arn:aws:sagemaker:us-east-1:1:image/a", "DEP100"),
        ((*NOTEBOOK, "SM_KERNEL_NAME"), "conda_python3", "DEP100"),
        ((*NOTEBOOK, "SM_KERNEL_NAME"), None, "DEP100"),
        ((*NOTEBOOK, "SM_INPUT_NOTEBOOK_NAME"), "/home/sagemaker-user/prepare.ipynb", "DEP100"),
        ((*NOTEBOOK, "SM_EXECUTION_INPUT_PATH"), "/opt/ml/input/data/notebook", "DEP100"),
        (("Parameters", 0, "DefaultValue"), "spark-cluster", "DEP047"),
        ((*AT["Spark"], "Arguments", "StepConfig", "HadoopJarStep", "Jar"), "", "DEP047"),
        ((*AT["Serverless"], "Arguments"), {}, "DEP047"),
        ((*AT["Serverless"], "DisplayName"), 7, "DEP009"),
        ((*AT["Serverless"], "Arguments", "ApplicationId"), ["00fabcdefghij123"], "DEP009"),
        ((*JOB, "applicationId"), "00fabcdefghij124", "DEP047"),
        ((*JOB, "jobDriver"), None, "DEP047"),
        (("Parameters", 1, "DefaultValue"), "north, south", "DEP048"),
        ((*AT["Each"], "Arguments", "Selector"), [], "DEP048"),
        ((*AT["Tidy"], "Arguments"), {}, "DEP048"),
        ((*AT["Tidy"], "Arguments", "Resources", "S3", 0, "StepName"), ["Train"], "DEP048"),
        ((*AT["Tell"], "Arguments", "epochs"), {"Get": "Steps.Train.HyperParameters['epoch']"}, "DEP012"),
        ((*AT["Weigh"], "Arguments", "weight"), {"Get": "Steps.Endpoint.ProductionVariants[0].Weight"}, "DEP012"),
        ((*AT["Stop"], "Arguments", "ErrorMessage"), {"Get": "Steps.Train.ModelArtifacts"}, "DEP014"),
        ((*AT["Tell"], "FunctionArn"), "", "DEP043"),
        ((*AT["Train"], "RetryPolicies"), [{**RETRY, "BackoffRate": -1.0}], "DEP041"),
        ((*AT["Train"], "RetryPolicies"), [{**RETRY, "MaxAttempts": {"Value": 2}}], "DEP041"),
        ((*AT["Train"], "DisplayName"), "x" * 300, "DEP009"),
        ((*AT["Spark"], "Arguments", "ExecutionRoleArn"), "arn:aws:iam::123456789012:user/ana", "DEP047"),
        ((*AT["Tidy"], "Arguments", "Resources", "S3", 0), FOREIGN, "DEP048"),
        ((*AT["Train"], "RetryPolicies"), [{"ExceptionType": [], "MaxAttempts": 2}], "DEP041"),
        ((*AT["Notebook"], "Arguments", "Environment", "AWS_DEFAULT_REGION"), "us-west-2", "DEP100"),
        ((*AT["Tidy"], "DependsOn"), ["Train", {"Step": "Train", "Trigger": "Any"}], "DEP005"),
        ((*AT["Tidy"], "DependsOn"), ["Train", "Prepare", {"Step": "Tell", "Trigger": "Failure"}], "DEP005"),
        (("Parameters", 1, "EnumValues"), '["north", "south"]', "DEP020"),
        (("Parameters", 1, "Description"), 7, "DEP020"),
        ((*AT["Stop"], "Arguments", "ErrorMessage"), READ_OF_SCRIPT, "DEP012"),
        ((*AT["Notebook"], "Type"), "NotebookJob", "DEP002"),
        ((*AT["Train"], "Arguments", "InputDataConfig"), [MANIFEST], "DEP033"),
        ((*AT["Tell"], "FunctionArn"), "arn:aws:lambda:{region}:123456789012:function:ask", "DEP043"),
        ((*AT["Spark"], "Arguments", "StepConfig", "Args"), ["spark-submit"], "DEP009"),
    ],
)  # fmt: skip
def test_one_thing_changed_is_seen(place: tuple[Any, ...], value: Any, rule: str) -> None:
    assert changed(place, value) == {rule}


def test_statistics_and_constraints_are_not_each_others() -> None:
    def said(name: str) -> set[str]:
        files = {"Statistics": {"ContentType": "application/json", "S3Uri": {"Get": f"Steps.Check.{name}"}}}
        arguments = {"ModelPackageGroupName": "churn", "ModelMetrics": {"ModelQuality": files}}
        definition = {**SOUND, "Steps": [*SOUND["Steps"], step("Register", "RegisterModel", arguments)]}
        found = check(definition)
        return {one.rule for one in found if one.severity == "warning" and "Register" in str(one.step)}

    assert said("CalculatedBaselineStatistics") == set()
    assert said("CalculatedBaselineConstraints") == {"DEP033"}


def test_what_a_failed_step_would_have_left_is_not_there() -> None:
    definition = copy.deepcopy(SOUND)
    tell = definition["Steps"][AT["Tell"][1]]
    tell["DependsOn"] = [{"Step": "Train", "Trigger": "Failed"}]
    assert errors(definition) == set()
    tell["Arguments"] = {"model": LEARNED}
    assert errors(definition) == {"DEP005"}


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_default_is_a_number_that_json_has(value: float | None) -> None:
    parameter = {"Name": "Rate", "Type": "Float", "DefaultValue": 0.5 if value is None else value}
    definition = {**SOUND, "Parameters": [*SOUND["Parameters"], parameter]}
    found = errors(definition)
    assert found == (set() if value is None else {"DEP020"})


def test_a_long_message_of_a_fail_step_is_a_warning() -> None:
    definition = copy.deepcopy(SOUND)
    definition["Steps"][AT["Stop"][1]]["Arguments"]["ErrorMessage"] = "too bad " * 400
    found = check(definition)
    (finding,) = [one for one in found if one.rule == "DEP043"]
    assert (finding.severity, finding.path) == ("warning", f"Steps[{AT['Stop'][1]}].Arguments.ErrorMessage")


@pytest.mark.parametrize("attribute", ["ground_truth_attribute", "inference_attribute"])
def test_a_check_that_is_not_told_where_what_it_compares_is(attribute: str) -> None:
    definition = copy.deepcopy(SOUND)
    holder: Any = definition
    for part in TOLD:
        holder = holder[part]
    del holder[attribute]
    assert warned(definition) - warned(SOUND) == {"DEP098"}


def test_a_reference_as_a_part_of_a_path() -> None:
    definition = copy.deepcopy(SOUND)
    outputs = definition["Steps"][0]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    outputs[0]["S3Output"]["S3Uri"] = "s3://example-bucket/Execution.PipelineExecutionId/out"
    assert "DEP004" in warned(definition)
    outputs[0]["S3Output"]["S3Uri"] = "s3://example-bucket/Execution.Log/out"
    assert "DEP004" not in warned(definition)


@pytest.mark.parametrize(
    ("given", "told"),
    [("correct-horse-battery", True), ("arn:aws:secretsmanager:us-east-1:1:secret:x", False)],
)
def test_a_secret_for_a_function(given: str, told: bool) -> None:
    assert ("DEP104" in warned(pipeline(ask("Tell", db_password=given)))) == told


@pytest.mark.parametrize(
    ("url", "broken_by"),
    [
        ("https://sqs.us-east-1.amazonaws.com/123456789012/labels", set()),
        ("https://queue.example.com/labels", set()),
        ("https://sqs.us-east-1.amazonaws.com/labels", {"DEP043"}),
        ("https://console.aws.amazon.com/sqs/v3/home?region=us-west-2#/queues/labels", {"DEP043"}),
        ("https://us-west-2.console.aws.amazon.com/sqs/v3/home", {"DEP043"}),
    ],
)
def test_url_of_a_queue(url: str, broken_by: set[str]) -> None:
    definition = pipeline(step("Wait", "Callback", {"a": "b"}, SqsQueueUrl=url))
    assert errors(definition) == broken_by


@pytest.mark.parametrize(("jar", "told"), [("command-runner.jar", False), ("command-runner", True)])
def test_the_archive_that_a_cluster_runs(jar: str, told: bool) -> None:
    work = {"ClusterId": "j-1A2B3C4D5E6F7", "StepConfig": {"HadoopJarStep": {"Jar": jar}}}
    assert ("DEP047" in warned(pipeline(step("Spark", "EMR", work)))) == told


@pytest.mark.parametrize("value", [10**30, "m5.xlarge " * 40])
def test_a_member_whose_form_only_java_reads(value: Any) -> None:
    definition = copy.deepcopy(SOUND)
    cluster = {"Instances": {"InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": value}]}}
    definition["Steps"].append(step("Cluster", "EMR", {"ClusterConfig": cluster}))
    found = check(definition)
    assert any("InstanceType" in one.path for one in found)


def test_an_image_in_which_anything_runs_may_train() -> None:
    definition = copy.deepcopy(SOUND)
    del definition["Steps"][AT["Notebook"][1]]["Arguments"]["AlgorithmSpecification"]["ContainerEntrypoint"]
    found = check(definition)
    assert [one.severity for one in found if one.rule == "FRM003"] == ["warning"]


@pytest.mark.parametrize(
    ("words", "level"),
    [
        (["--model", "/opt/ml/processing/model/model.tar.gz"], None),
        (["--model", "/opt/ml/processing/input/model/model.tar.gz"], "error"),
        (["--model", "/opt/ml/processing/input/model/weights.bin"], "warning"),
        (["--output", "/opt/ml/processing/new/model.tar.gz"], "warning"),
        (["--cache", "/opt/ml/processing/cache/rows.db"], None),
    ],
)
def test_an_argument_names_a_file_that_is_put_elsewhere(words: list[str], level: str | None) -> None:
    definition = copy.deepcopy(SOUND)
    definition["Steps"][AT["Evaluate"][1]]["Arguments"]["AppSpecification"]["ContainerArguments"] = words
    found = check(definition)
    assert next((one.severity for one in found if one.rule == "DEP039"), None) == level


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((*TOLD, "publish_cloudwatch_metric"), "Disabled"),
        ((*TOLD, "publish_cloudwatch_metrics"), "disabled"),
    ],
)
def test_variables_that_a_check_does_not_read(place: tuple[Any, ...], value: str) -> None:
    definition = copy.deepcopy(SOUND)
    definition["Steps"][AT["Check"][1]]["Arguments"]["Environment"][place[-1]] = value
    assert "DEP098" in warned(definition)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("the cluster is Parameters.Cluster", True),
        ("the cluster is {Cluster}", True),
        ("the cluster is {Other}", False),
        ("the cluster is ${Cluster}", False),
        ("see Parameters.Clusters", False),
    ],
)
def test_a_reference_as_a_word_of_a_message(message: str, told: bool) -> None:
    definition = copy.deepcopy(SOUND)
    definition["Steps"][AT["Stop"][1]]["Arguments"]["ErrorMessage"] = message
    assert ("DEP004" in warned(definition)) == told


def test_an_arn_is_no_part_of_a_location() -> None:
    definition = copy.deepcopy(SOUND)
    uri = definition["Steps"][AT["Evaluate"][1]]["Arguments"]["ProcessingInputs"][1]["S3Input"]["S3Uri"]
    name = {"Get": "Steps.Train.TrainingJobName"}
    uri["Std:Join"]["Values"] = ["s3://example-bucket/m", name, "output/model.tar.gz"]
    assert "DEP015" not in errors(definition)
    name["Get"] = "Steps.Train.TrainingJobArn"
    assert "DEP015" in errors(definition)


@pytest.mark.parametrize("packs", [True, False])
def test_the_step_that_packs_a_model_anew_is_told_where_its_code_was(packs: bool) -> None:
    definition = copy.deepcopy(SOUND)
    given = {"source_dir": "/home/ec2-user/SageMaker/src", **({"model_archive": "x"} if packs else {})}
    definition["Steps"][AT["Train"][1]]["Arguments"]["HyperParameters"] = {"epochs": "3", **given}
    assert ("HPO034" in warned(definition)) != packs


@pytest.mark.parametrize("beside", [True, False])
def test_a_template_with_its_value_beside_it(beside: bool) -> None:
    definition = copy.deepcopy(SOUND)
    given = {"Cluster": {"Get": "Parameters.Cluster"}} if beside else {}
    definition["Steps"].append(ask("Say", text="the cluster is {Cluster}", **given))
    assert ("DEP004" in warned(definition)) != beside


def test_other_variables_of_a_check_are_left_alone() -> None:
    definition = copy.deepcopy(SOUND)
    definition["Steps"][AT["Check"][1]]["Arguments"]["Environment"]["features_attribute"] = "_c2"
    assert "DEP098" not in warned(definition)

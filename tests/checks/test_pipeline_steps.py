"""Steps of a pipeline that are sound until one thing in them is changed: each change is seen, by the rule on it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cursus import engine
from cursus.checks.examples import DEFINITION, ROLE
from cursus.checks.views import Settings
from cursus.model import Pipeline
from tests.checks.made import SCIKIT_LEARN, broken, pipeline, processing, processing_input, transform

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:ask"
OUTPUT = {
    "S3Uri": "s3://example-bucket/out",
    "LocalPath": "/opt/ml/processing/out",
    "S3UploadMode": "EndOfJob",
}
OUT = "Steps.Prepare.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"
ANALYZER = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
CLUSTER = {"ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}}


def _step(name: str, kind: str, arguments: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments, **members}


def _ask(name: str, **arguments: Any) -> dict[str, Any]:
    return _step(name, "Lambda", arguments, FunctionArn=FUNCTION)


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
    _step("Train", "Training", {**copy.deepcopy(DEFINITION), "HyperParameters": {"epochs": "3"}}),
    processing(
        "Evaluate",
        ProcessingInputs=[
            processing_input("model", {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}),
            processing_input("rows", {"Std:Join": {"On": "/", "Values": [{"Get": OUT}, "rows.csv"]}}),
        ],
    ),
    _step(
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
    _step(
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
    _step(
        "Spark",
        "EMR",
        {
            "ClusterId": {"Get": "Parameters.Cluster"},
            "StepConfig": {"HadoopJarStep": {"Jar": "command-runner.jar"}},
        },
    ),
    _step(
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
    _step(
        "Each",
        "ForEach",
        {
            "IterableItems": {"Get": "Parameters.Regions"},
            "MaxConcurrency": 2,
            "ForEachBody": [_ask("Region")],
        },
    ),
    _ask("Tell", epochs={"Get": "Steps.Train.HyperParameters['epochs']"}),
    _step("Endpoint", "Endpoint", {"EndpointName": "churn", "EndpointConfigName": "churn"}),
    _ask("Weigh", weight={"Get": "Steps.Endpoint.ProductionVariants[0].CurrentWeight"}),
    _step("Tidy", "Cleanup", {"Resources": {"S3": [{"StepName": "Train"}]}}, DependsOn=["Train"]),
    _step("Stop", "Fail", {"ErrorMessage": {"Get": "Steps.Train.TrainingJobName"}}),
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
ARCHIVE = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
BELOW_ARCHIVE = {"Std:Join": {"On": "/", "Values": [ARCHIVE, "m.bin"]}}
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
    return broken(engine.check_pipeline(Pipeline("p", definition), Settings())[0])


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


NUMBER = {"Get": "Steps.Tell.OutputParameters['number']"}


@pytest.mark.parametrize(
    ("comparisons", "told"),
    [
        ([("GreaterThan", 6), ("LessThan", 3)], True),
        ([("GreaterThan", 3), ("LessThan", 3)], True),
        ([("GreaterThanOrEqualTo", 3), ("LessThanOrEqualTo", 3)], False),
        ([("GreaterThan", 3), ("LessThan", 6)], False),
        ([("Equals", "a"), ("Equals", "b")], True),
        ([("Equals", "a"), ("Equals", "a")], False),
        ([("NotEquals", "a"), ("NotEquals", "b")], False),
    ],
)
def test_comparisons_that_are_never_true_together(comparisons: list[tuple[str, Any]], told: bool) -> None:
    kind = "String" if comparisons[0][1] == "a" else "Integer"
    conditions = [{"Type": type_, "LeftValue": NUMBER, "RightValue": value} for type_, value in comparisons]
    tell = {**_ask("Tell"), "OutputParameters": [{"OutputName": "number", "OutputType": kind}]}
    decide = _step(
        "Decide", "Condition", {"Conditions": conditions, "IfSteps": [_ask("Yes")], "ElseSteps": []}
    )
    found = engine.check_pipeline(Pipeline("p", pipeline(tell, decide)), Settings())[0]
    assert ("DEP101" in {one.rule for one in found}) == told


def test_statistics_and_constraints_are_not_each_others() -> None:
    def said(name: str) -> set[str]:
        files = {"Statistics": {"ContentType": "application/json", "S3Uri": {"Get": f"Steps.Check.{name}"}}}
        arguments = {"ModelPackageGroupName": "churn", "ModelMetrics": {"ModelQuality": files}}
        definition = {**SOUND, "Steps": [*SOUND["Steps"], _step("Register", "RegisterModel", arguments)]}
        found = engine.check_pipeline(Pipeline("p", definition), Settings())[0]
        return {one.rule for one in found if one.severity == "warning" and "Register" in str(one.step)}

    assert said("CalculatedBaselineStatistics") == set()
    assert said("CalculatedBaselineConstraints") == {"DEP033"}


def test_what_a_failed_step_would_have_left_is_not_there() -> None:
    definition = copy.deepcopy(SOUND)
    tell = definition["Steps"][AT["Tell"][1]]
    tell["DependsOn"] = [{"Step": "Train", "Trigger": "Failed"}]
    assert broken(engine.check_pipeline(Pipeline("p", definition), Settings())[0]) == set()
    tell["Arguments"] = {"model": ARCHIVE}
    assert broken(engine.check_pipeline(Pipeline("p", definition), Settings())[0]) == {"DEP005"}


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_default_is_a_number_that_json_has(value: float | None) -> None:
    parameter = {"Name": "Rate", "Type": "Float", "DefaultValue": 0.5 if value is None else value}
    definition = {**SOUND, "Parameters": [*SOUND["Parameters"], parameter]}
    found = broken(engine.check_pipeline(Pipeline("p", definition), Settings())[0])
    assert found == (set() if value is None else {"DEP020"})


def test_a_hyperparameter_that_is_not_tuned_has_no_best_value() -> None:
    job = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0.1", "MaxValue": "0.5"}]},
        },
        "TrainingJobDefinition": copy.deepcopy(DEFINITION),
    }  # fmt: skip

    def said(name: str) -> list[str]:
        best = {"Get": f"Steps.Tune.BestTrainingJob.TunedHyperParameters['{name}']"}
        definition = pipeline(_step("Tune", "Tuning", job), _ask("Tell", best=best))
        found = engine.check_pipeline(Pipeline("p", definition), Settings())[0]
        return [one.message for one in found if one.rule == "DEP012"]

    assert said("rate") == []
    assert "have no 'eta'" in said("eta")[0]


def test_a_long_message_of_a_fail_step_is_a_warning() -> None:
    definition = copy.deepcopy(SOUND)
    definition["Steps"][AT["Stop"][1]]["Arguments"]["ErrorMessage"] = "too bad " * 400
    found = engine.check_pipeline(Pipeline("p", definition), Settings())[0]
    (finding,) = [one for one in found if one.rule == "DEP043"]
    assert (finding.severity, finding.path) == ("warning", f"Steps[{AT['Stop'][1]}].Arguments.ErrorMessage")


def _warned(definition: dict[str, Any]) -> set[str]:
    found = engine.check_pipeline(Pipeline("p", definition), Settings())[0]
    return {one.rule for one in found if one.severity == "warning"}


@pytest.mark.parametrize("attribute", ["ground_truth_attribute", "inference_attribute"])
def test_a_check_that_is_not_told_where_what_it_compares_is(attribute: str) -> None:
    definition = copy.deepcopy(SOUND)
    holder: Any = definition
    for part in TOLD:
        holder = holder[part]
    del holder[attribute]
    assert _warned(definition) - _warned(SOUND) == {"DEP098"}


@pytest.mark.parametrize(("number", "told"), [(0, False), (1, True)])
def test_the_best_of_the_jobs_is_taken(number: int, told: bool) -> None:
    name = {"Get": f"Steps.Tune.TrainingJobSummaries[{number}].TrainingJobName"}
    definition = pipeline(_step("Tune", "Tuning", {}), _ask("Tell", job=name))
    assert ("DEP103" in _warned(definition)) == told


def test_the_best_value_alone_is_no_other_job() -> None:
    value = {"Get": "Steps.Tune.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value"}
    assert "DEP103" not in _warned(pipeline(_step("Tune", "Tuning", {}), _ask("Tell", auc=value)))


@pytest.mark.parametrize("behind", [True, False])
def test_a_model_may_be_trained_again_where_the_first_is_good(behind: bool) -> None:
    def model(step: str) -> dict[str, str]:
        return {"Get": f"Steps.{step}.ModelArtifacts.S3ModelArtifacts"}

    whole = _step("TrainWhole", "Training", {})
    create = _step("Create", "Model", {"PrimaryContainer": {"ModelDataUrl": model("TrainWhole")}})
    judged = {
        **processing("Judge", ProcessingInputs=[processing_input("model", model("Train"))]),
        "PropertyFiles": [{"PropertyFileName": "report", "OutputName": "report", "FilePath": "r.json"}],
    }
    measure = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Judge.PropertyFiles.report"}, "Path": "auc"}}
    conditions = [{"Type": "GreaterThan", "LeftValue": measure, "RightValue": 0.8}]
    branch = [whole, create] if behind else [create]
    arguments = {"Conditions": conditions, "IfSteps": branch, "ElseSteps": []}
    decide = _step("Decide", "Condition", arguments)
    definition = pipeline(_step("Train", "Training", {}), *([] if behind else [whole]), judged, decide)
    assert ("DEP102" in _warned(definition)) != behind
    measured = _step("Keep", "Model", {"PrimaryContainer": {"ModelDataUrl": model("Train")}})
    arguments["ElseSteps"] = [measured]  # then the other one is the fallback
    assert "DEP102" not in _warned(definition)
    arguments["ElseSteps"] = []
    create["Arguments"] = {
        "Containers": [create["Arguments"]["PrimaryContainer"], measured["Arguments"]["PrimaryContainer"]]
    }
    assert "DEP102" not in _warned(definition)


def test_a_reference_as_a_part_of_a_path() -> None:
    definition = copy.deepcopy(SOUND)
    outputs = definition["Steps"][0]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    outputs[0]["S3Output"]["S3Uri"] = "s3://example-bucket/Execution.PipelineExecutionId/out"
    assert "DEP004" in _warned(definition)
    outputs[0]["S3Output"]["S3Uri"] = "s3://example-bucket/Execution.Log/out"
    assert "DEP004" not in _warned(definition)


@pytest.mark.parametrize(("kind", "level"), [("text/csv", "error"), (None, "warning")])
def test_records_are_no_archive(kind: str | None, level: str) -> None:
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": ARCHIVE}}
    score = transform(TransformInput={"DataSource": data, **({"ContentType": kind} if kind else {})})
    definition = pipeline(_step("Train", "Training", copy.deepcopy(DEFINITION)), score)
    found = engine.check_pipeline(Pipeline("p", definition), Settings())[0]
    assert [one.severity for one in found if one.rule == "FRM024"] == [level]


@pytest.mark.parametrize(
    ("after", "told"), [("P1D12H", True), ("P1DT12H", False), ("T12H", False), ("30d", False)]
)
def test_hours_of_a_cache_follow_a_t(after: str, told: bool) -> None:
    cached = {**_ask("Go", a="b"), "CacheConfig": {"Enabled": True, "ExpireAfter": after}}
    assert ("DEP042" in _warned(pipeline(cached))) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [("correct-horse-battery", True), ("arn:aws:secretsmanager:us-east-1:1:secret:x", False)],
)
def test_a_secret_for_a_function(given: str, told: bool) -> None:
    assert ("DEP104" in _warned(pipeline(_ask("Tell", db_password=given)))) == told


@pytest.mark.parametrize(("interval", "told"), [(60, False), (3600, True)])
def test_a_policy_that_expires_before_its_first_retry(interval: int, told: bool) -> None:
    step = _ask("Tell", a="b")
    policy = {"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": interval, "ExpireAfterMin": 60}
    assert ("DEP041" in _warned(pipeline({**step, "RetryPolicies": [policy]}))) == told


@pytest.mark.parametrize(
    ("members", "broken_by"), [(("QueryValue", "Values"), set()), (("Value", "In"), {"DEP040"})]
)
def test_members_of_an_in_condition(members: tuple[str, str], broken_by: set[str]) -> None:
    parameter = {"Name": "Month", "Type": "Integer", "DefaultValue": 1}
    condition = {"Type": "In", members[0]: {"Get": "Parameters.Month"}, members[1]: [1, 2]}
    decide = {"Conditions": [condition], "IfSteps": [_ask("Go", a="b")], "ElseSteps": []}
    definition = {**SOUND, "Parameters": [parameter], "Steps": [_step("Decide", "Condition", decide)]}
    assert broken(engine.check_pipeline(Pipeline("p", definition), Settings())[0]) == broken_by


@pytest.mark.parametrize(("after", "told"), [(["Evaluate"], False), ([], True)])
def test_metrics_of_a_registration_are_waited_for(after: list[str], told: bool) -> None:
    output = {"OutputName": "report", "S3Output": OUTPUT}
    before = {**processing(ProcessingOutputConfig={"Outputs": [output]}), "Name": "Evaluate"}
    file = {"ContentType": "application/json", "S3Uri": OUTPUT["S3Uri"] + "/evaluation.json"}
    arguments = {"ModelPackageGroupName": "churn", "ModelMetrics": {"ModelQuality": {"Statistics": file}}}
    definition = pipeline(before, _step("Register", "RegisterModel", arguments, DependsOn=after))
    assert ("DEP030" in _warned(definition)) == told


@pytest.mark.parametrize(("group", "told"), [("churn", False), ("churn-old", True)])
def test_a_check_takes_the_baselines_of_the_group_that_is_registered(group: str, told: bool) -> None:
    check = _step("Check", "QualityCheck", {}, CheckType="DATA_QUALITY", ModelPackageGroupName=group)
    register = _step("Register", "RegisterModel", {"ModelPackageGroupName": "churn"})
    found = engine.check_pipeline(Pipeline("p", pipeline(check, register)), Settings())[0]
    assert any("the baselines are those" in one.message for one in found) == told


@pytest.mark.parametrize(("after", "told"), [(["Prepare", "Read"], False), (["Prepare"], True)])
def test_what_is_still_read_is_not_cleaned_up(after: list[str], told: bool) -> None:
    before = {**processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": OUTPUT}]})}
    reader = {**processing(ProcessingInputs=[processing_input("out", {"Get": OUT})]), "Name": "Read"}
    resources = {"Resources": {"S3": [{"StepName": "Prepare", "S3Uris": [OUTPUT["S3Uri"] + "/a.csv"]}]}}
    definition = pipeline(before, reader, _step("Tidy", "Cleanup", resources, DependsOn=after))
    assert ("DEP048" in _warned(definition)) == told


@pytest.mark.parametrize(("used", "told"), [(True, False), (False, True)])
def test_a_channel_reads_what_an_output_of_its_name_is_made_of(used: bool, told: bool) -> None:
    raw = {"Get": "Parameters.InputData"}
    made = OUT.replace("'out'", "'train'")
    before = processing(
        ProcessingInputs=[processing_input("raw", raw)],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "train", "S3Output": OUTPUT}]},
    )
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": raw}}
    train = _step("Train", "Training", {"InputDataConfig": [{"ChannelName": "train", "DataSource": source}]})
    definition = pipeline(before, train, _ask("Tell", data={"Get": made} if used else "nothing"))
    assert ("DEP062" in _warned(definition)) == told


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
    definition = pipeline(_step("Wait", "Callback", {"a": "b"}, SqsQueueUrl=url))
    assert broken(engine.check_pipeline(Pipeline("p", definition), Settings())[0]) == broken_by


@pytest.mark.parametrize(
    ("path", "level"),
    [
        ("metrics[0].mse", None),
        ("$.metrics['mse.value']", None),
        ("metrics.", "error"),
        ("metrics[0.mse", "error"),
        ("metrics[mse]", "warning"),
        ("metrics..mse", "warning"),
        ("metrics.*", "warning"),
        ("metric_groups.0.value", "warning"),
        ("confusion_matrix.0.1", None),
    ],
)
def test_path_in_a_file(path: str, level: str | None) -> None:
    file = {"PropertyFileName": "report", "OutputName": "out", "FilePath": "report.json"}
    outputs = {"Outputs": [{"OutputName": "out", "S3Output": OUTPUT}]}
    before = {**processing(ProcessingOutputConfig=outputs), "PropertyFiles": [file]}
    get = {"PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.report"}, "Path": path}
    condition = {"Type": "LessThan", "LeftValue": {"Std:JsonGet": get}, "RightValue": 6.0}
    decide = {"Conditions": [condition], "IfSteps": [_ask("Go", a="b")], "ElseSteps": []}
    found = engine.check_pipeline(
        Pipeline("p", pipeline(before, _step("Decide", "Condition", decide))), Settings()
    )[0]
    assert next((one.severity for one in found if one.rule == "DEP013"), None) == level
    assert broken(found) <= {"DEP013"}


@pytest.mark.parametrize(("jar", "told"), [("command-runner.jar", False), ("command-runner", True)])
def test_the_archive_that_a_cluster_runs(jar: str, told: bool) -> None:
    work = {"ClusterId": "j-1A2B3C4D5E6F7", "StepConfig": {"HadoopJarStep": {"Jar": jar}}}
    assert ("DEP047" in _warned(pipeline(_step("Spark", "EMR", work)))) == told


@pytest.mark.parametrize(("name", "broken_by"), [("prepare.py", set()), ("prepare", {"DEP039"})])
def test_the_script_that_is_started_is_the_one_that_is_downloaded(name: str, broken_by: set[str]) -> None:
    definition = pipeline(
        processing(
            AppSpecification={
                "ImageUri": SCIKIT_LEARN,
                "ContainerEntrypoint": ["python3", f"/opt/ml/processing/input/code/{name}"],
            },
            ProcessingInputs=[
                processing_input("code", "s3://example-bucket/prepare.py", "/opt/ml/processing/input/code")
            ],
        )
    )
    assert broken(engine.check_pipeline(Pipeline("p", definition), Settings())[0]) == broken_by


@pytest.mark.parametrize("value", [10**30, "m5.xlarge " * 40])
def test_a_member_whose_form_only_java_reads(value: Any) -> None:
    definition = copy.deepcopy(SOUND)
    cluster = {"Instances": {"InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": value}]}}
    definition["Steps"].append(_step("Cluster", "EMR", {"ClusterConfig": cluster}))
    found = engine.check_pipeline(Pipeline("p", definition), Settings())[0]
    assert any("InstanceType" in one.path for one in found)


def _train(name: str, uri: str, channel: str = "train", **members: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
    arguments = {
        **copy.deepcopy(DEFINITION),
        "InputDataConfig": [{"ChannelName": channel, "DataSource": source}],
    }
    return _step(name, "Training", arguments, **members)


RAW = "s3://example-bucket/raw"
OF_RAW = {"ProcessingInputs": [processing_input("raw", RAW)]}


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([("Prepare", "train"), _train("Train", f"{RAW}/", DependsOn=["Prepare"])], True),
        ([("Prepare", "train"), _train("Train", f"{RAW}/")], False),
        ([("Prepare", "train"), _train("Train", OUTPUT["S3Uri"], DependsOn=["Prepare"])], False),
        ([("Prepare", "report"), _train("Train", f"{RAW}/", DependsOn=["Prepare"])], False),
        ([("ValidateSchema", "out"), _train("Train", f"{RAW}/", DependsOn=["ValidateSchema"])], False),
        ([_train("First", RAW, "model"), _train("Second", RAW, "model", DependsOn=["First"])], True),
        ([_train("First", RAW), _train("Second", RAW, DependsOn=["First"])], False),
        ([_train("Fold0", RAW), _train("Fold1", RAW)], True),
        ([_train("Fold0", RAW), _train("Fold1", f"{RAW}1")], False),
    ],
)
def test_work_that_nothing_takes(steps: list[Any], told: bool) -> None:
    made = [
        processing(
            one[0],
            **OF_RAW,
            ProcessingOutputConfig={"Outputs": [{"OutputName": one[1], "S3Output": OUTPUT}]},
        )
        if isinstance(one, tuple)
        else one
        for one in steps
    ]
    assert ("DEP105" in _warned(pipeline(*made))) == told


@pytest.mark.parametrize(
    ("environment", "script", "told"),
    [
        ({}, False, True),
        ({"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}, False, False),
        ({}, True, False),
    ],
)
def test_what_a_container_hands_on(environment: dict[str, str], script: bool, told: bool) -> None:
    xgboost = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    data = {"ModelDataUrl": "s3://example-bucket/model.tar.gz"}
    own = {"Environment": {"SAGEMAKER_PROGRAM": "serve.py"}} if script else {}
    arguments = {
        "ExecutionRoleArn": ROLE,
        "Containers": [
            {"Image": SCIKIT_LEARN, **data, "Environment": environment},
            {"Image": xgboost, **data, **own},
        ],
    }
    assert ("FRM023" in _warned(pipeline(_step("Create", "Model", arguments)))) == told


def test_an_image_in_which_anything_runs_may_train() -> None:
    definition = copy.deepcopy(SOUND)
    del definition["Steps"][AT["Notebook"][1]]["Arguments"]["AlgorithmSpecification"]["ContainerEntrypoint"]
    found = engine.check_pipeline(Pipeline("p", definition), Settings())[0]
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
    found = engine.check_pipeline(Pipeline("p", definition), Settings())[0]
    assert next((one.severity for one in found if one.rule == "DEP039"), None) == level


@pytest.mark.parametrize(
    ("member", "broken_by"), [("ModelInsightsJsonReportPath", set()), ("ModelInsightsReport", {"DEP012"})]
)
def test_the_reports_on_the_best_candidate(member: str, broken_by: set[str]) -> None:
    report = {"Get": f"Steps.Search.BestCandidateProperties.{member}"}
    definition = pipeline(_step("Search", "AutoML", {}), _ask("Tell", report=report))
    assert broken(engine.check_pipeline(Pipeline("p", definition), Settings())[0]) & {"DEP012"} == broken_by


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
    assert "DEP098" in _warned(definition)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SAGEMAKER_SUBMIT_DIR", True),
        ("SAGEMAKER_PROGRM", True),
        ("HFTASK", True),
        ("hf_model_id", True),
        ("SAGEMAKER_TRITON_DEFAULT_MODEL", True),
        ("HF_MODEL_REVISION", False),
        ("SAGEMAKER_TS_MAX_WORKERS", False),
        ("SAGEMAKER_ENV", False),
    ],
)
def test_variables_that_a_server_does_not_read(name: str, told: bool) -> None:
    container = {"Image": SCIKIT_LEARN, "Environment": {name: "x"}}
    assert ("DEP064" in _warned(pipeline(_step("Create", "Model", {"PrimaryContainer": container})))) == told


@pytest.mark.parametrize(("file", "broken_by"), [("scaler.pkl", {"DEP090"}), ("model.tar.gz", set())])
def test_the_end_of_a_joined_location(file: str, broken_by: set[str]) -> None:
    url = {
        "Std:Join": {"On": "/", "Values": ["s3://example-bucket", {"Get": "Execution.PipelineName"}, file]}
    }
    container = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", "ModelDataUrl": url}
    arguments = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    definition = pipeline(_step("Create", "Model", arguments))
    assert broken(engine.check_pipeline(Pipeline("p", definition), Settings())[0]) == broken_by


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
    assert ("DEP004" in _warned(definition)) == told


def test_an_arn_is_no_part_of_a_location() -> None:
    definition = copy.deepcopy(SOUND)
    uri = definition["Steps"][AT["Evaluate"][1]]["Arguments"]["ProcessingInputs"][1]["S3Input"]["S3Uri"]
    name = {"Get": "Steps.Train.TrainingJobName"}
    uri["Std:Join"]["Values"] = ["s3://example-bucket/m", name, "output/model.tar.gz"]
    assert "DEP015" not in broken(engine.check_pipeline(Pipeline("p", definition), Settings())[0])
    name["Get"] = "Steps.Train.TrainingJobArn"
    assert "DEP015" in broken(engine.check_pipeline(Pipeline("p", definition), Settings())[0])


@pytest.mark.parametrize("packs", [True, False])
def test_the_step_that_packs_a_model_anew_is_told_where_its_code_was(packs: bool) -> None:
    definition = copy.deepcopy(SOUND)
    given = {"source_dir": "/home/ec2-user/SageMaker/src", **({"model_archive": "x"} if packs else {})}
    definition["Steps"][AT["Train"][1]]["Arguments"]["HyperParameters"] = {"epochs": "3", **given}
    assert ("HPO034" in _warned(definition)) != packs


@pytest.mark.parametrize(
    ("kind", "told"), [("application/json", False), ("aplication/json", True), ("binary/octet-stream", False)]
)
def test_the_media_type_of_metrics(kind: str, told: bool) -> None:
    metrics = {"ModelQuality": {"Statistics": {"ContentType": kind, "S3Uri": "s3://example-bucket/m.json"}}}
    arguments = {"ModelPackageGroupName": "churn", "ModelMetrics": metrics}
    assert ("DEP049" in _warned(pipeline(_step("Register", "RegisterModel", arguments)))) == told


@pytest.mark.parametrize("beside", [True, False])
def test_a_template_with_its_value_beside_it(beside: bool) -> None:
    definition = copy.deepcopy(SOUND)
    given = {"Cluster": {"Get": "Parameters.Cluster"}} if beside else {}
    definition["Steps"].append(_ask("Say", text="the cluster is {Cluster}", **given))
    assert ("DEP004" in _warned(definition)) != beside


def test_other_variables_of_a_check_are_left_alone() -> None:
    definition = copy.deepcopy(SOUND)
    definition["Steps"][AT["Check"][1]]["Arguments"]["Environment"]["features_attribute"] = "_c2"
    assert "DEP098" not in _warned(definition)

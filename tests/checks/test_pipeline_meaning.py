"""Pipelines that run and do another thing than was meant: what is told, and what is left alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import cursus
from cursus.checks.examples import DEFINITION
from tests.checks.made import SCIKIT_LEARN, XGBOOST, model, pipeline, processing, processing_input, told

ACCOUNT = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
LEARNED = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}


def train(image: str = XGBOOST, **members: Any) -> dict[str, Any]:
    arguments = copy.deepcopy(DEFINITION)
    arguments["AlgorithmSpecification"] = {"TrainingImage": image, "TrainingInputMode": "File"}
    arguments["HyperParameters"] = {"num_round": "5"}
    arguments["InputDataConfig"][0]["ContentType"] = "text/csv"
    return {"Name": "Train", "Type": "Training", "Arguments": arguments, **members}


def learned(image: str = XGBOOST, data: Any = LEARNED, **environment: str) -> dict[str, Any]:
    return model({"Image": image, "ModelDataUrl": data, "Environment": environment})


def decide(yes: list[Any], no: list[Any], kind: str, value: Any) -> dict[str, Any]:
    conditions = [{"Type": kind, "LeftValue": value, "RightValue": 0.8}]
    return {
        "Name": "Decide",
        "Type": "Condition",
        "Arguments": {"Conditions": conditions, "IfSteps": yes, "ElseSteps": no},
    }


def rules(*steps: dict[str, Any], region: str | None = None, **rest: Any) -> list[str]:
    found = cursus.check(pipeline(*steps, **rest), region=region).findings
    return [f.rule for f in told(found) if f.rule.startswith("DEP")]


CACHED: dict[str, Any] = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"}}
STOP = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "not good enough"}}


def written(name: str, uri: str) -> dict[str, Any]:
    target = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{name}", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": target}


def metric(path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"S3Uri": "s3://example-bucket/report.json", "Path": path}}


def test_a_cached_step_after_one_that_is_not() -> None:
    evaluate = {**processing("Evaluate", ProcessingInputs=[processing_input("model", LEARNED)]), **CACHED}
    assert rules(train(), evaluate) == ["DEP055"]
    assert rules(train(**CACHED), evaluate) == []
    assert rules(train(), {**evaluate, "CacheConfig": {"Enabled": False}}) == []
    # where the job ends up is not what a step is recognised by
    writes = train(**CACHED)
    writes["Arguments"]["OutputDataConfig"]["S3OutputPath"] = {
        "Std:Join": {"On": "/", "Values": ["s3://example-bucket", {"Get": "Execution.PipelineExecutionId"}]}
    }
    assert rules(writes) == []


BUILT = "pytorch-training-2022-02-16-10-21-33-481"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("sagemaker_job_name", f'"{BUILT}"', True),
        ("sagemaker_submit_directory", f"s3://example-bucket/{BUILT}/source/sourcedir.tar.gz", True),
        (
            "sagemaker_submit_directory",
            "s3://example-bucket/code/9c1185a5c5e9/source/sourcedir.tar.gz",
            False,
        ),
        ("base_model", f"s3://example-bucket/{BUILT}/output/model.tar.gz", False),
    ],
)
def test_a_cached_step_that_is_named_by_the_clock(name: str, value: str, told: bool) -> None:
    step = train(**CACHED)
    step["Arguments"]["HyperParameters"][name] = value
    assert rules(step) == ["DEP055"] * told
    assert rules({**step, "CacheConfig": {"Enabled": False}}) == []


def test_code_that_is_uploaded_anew_for_a_cached_step() -> None:
    code = processing_input("code", f"s3://example-bucket/{BUILT}/input/code/prepare.py")
    one_earlier_job = f"s3://example-bucket/{BUILT}/output/train"  # which stays the same
    data = processing_input("train", one_earlier_job)
    assert rules({**processing(ProcessingInputs=[data, code]), **CACHED}) == ["DEP055"]
    assert rules({**processing(ProcessingInputs=[data]), **CACHED}) == []


def test_the_model_of_a_step_that_is_waited_for() -> None:
    guessed = "s3://example-bucket/models/epoch-5"
    evaluate = processing("Evaluate", ProcessingInputs=[processing_input("model", guessed)])
    evaluate["DependsOn"] = ["Train"]
    assert rules(train(), evaluate) == ["DEP060"]
    assert rules(train(), {**evaluate, "DependsOn": ["Other"]}, processing("Other")) == []
    test_data = processing("Evaluate", ProcessingInputs=[processing_input("test", guessed)])
    test_data["DependsOn"] = ["Train"]
    assert rules(train(), test_data) == []


@pytest.mark.parametrize("taken", ["s3://example-bucket/models/model.tar.gz", "s3://example-bucket/models"])
def test_a_model_taken_from_the_output_path_itself(taken: str) -> None:
    evaluate = processing("Evaluate", ProcessingInputs=[processing_input("model", taken)])
    assert rules(train(), evaluate) == ["DEP060"]
    place = {
        "S3Uri": "s3://example-bucket/models/",
        "LocalPath": "/opt/ml/processing/m",
        "S3UploadMode": "EndOfJob",
    }
    packed = processing("Pack", ProcessingOutputConfig={"Outputs": [{"OutputName": "m", "S3Output": place}]})
    assert "DEP060" not in rules(train(), packed, {**evaluate, "DependsOn": ["Pack"]})


def test_an_archive_at_the_output_path_is_an_error_where_nobody_takes_the_trained_one() -> None:
    fixed = processing_input("model", "s3://example-bucket/models/model.tar.gz")

    def severities(*steps: dict[str, Any]) -> list[str]:
        return [f.severity for f in cursus.check(pipeline(*steps)).findings if f.rule == "DEP060"]

    assert severities(train(), processing("Evaluate", ProcessingInputs=[fixed])) == ["error"]
    compared = processing("Evaluate", ProcessingInputs=[fixed, processing_input("challenger", LEARNED)])
    assert severities(train(), compared) == ["warning"]


@pytest.mark.parametrize(
    ("name", "expected"), [("Create", ["DEP070"]), ("churn", ["DEP070"]), ("another", ["DEP070"]), (None, [])]
)
def test_names_that_a_pipeline_makes_up(name: str | None, expected: list[str]) -> None:
    created = learned()
    created["Arguments"]["ModelName"] = "churn"
    score = {
        "ModelName": name or {"Get": "Steps.Create.ModelName"},
        "TransformInput": {
            "ContentType": "text/csv",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/in/"}},
        },
        "TransformOutput": {"S3OutputPath": "s3://example-bucket/out/"},
        "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
    }
    step = {"Name": "Score", "Type": "Transform", "Arguments": score}
    assert rules(train(), created, step) == expected
    second = {**step, "Name": "Again", "Arguments": {**score, "ModelName": {"Get": "Steps.Create.ModelName"}}}
    if name == "another":  # the model that is made is taken, too: an older one may be scored beside it
        assert "DEP070" not in rules(train(), created, step, second)


def test_an_endpoint_configuration_gets_a_name_of_its_own() -> None:
    variant: dict[str, Any] = {"VariantName": "all", "ModelName": {"Get": "Steps.Create.ModelName"}}
    variant |= {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    config = {"EndpointConfigName": "churn", "ProductionVariants": [variant]}
    endpoint = {"EndpointName": "churn", "EndpointConfigName": "churn"}
    steps = [train(), learned(), {"Name": "Config", "Type": "EndpointConfig", "Arguments": config}]
    assert rules(*steps, {"Name": "Serve", "Type": "Endpoint", "Arguments": endpoint}) == ["DEP070"]
    endpoint["EndpointConfigName"] = {"Get": "Steps.Config.EndpointConfigName"}  # type: ignore[assignment]
    assert rules(*steps, {"Name": "Serve", "Type": "Endpoint", "Arguments": endpoint}) == []


def test_variables_beside_their_values_in_a_remote_function() -> None:
    """As the SDK writes them: the name, and the value, which it makes a text of where it is none."""
    values = [
        "--property_references",
        "Execution.PipelineExecutionId",
        {"Get": "Execution.PipelineExecutionId"},
        "Parameters.Epochs",
        {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Epochs"}]}},
    ]
    step = processing()
    step["Arguments"]["AppSpecification"]["ContainerArguments"] = values
    epochs = {"Name": "Epochs", "Type": "Integer", "DefaultValue": 5}
    assert rules(step, Parameters=[epochs]) == []
    values.pop()
    assert rules(step, Parameters=[epochs])[:1] == ["DEP004"]


def test_the_text_of_a_variable_within_a_word() -> None:
    stop: dict[str, Any] = copy.deepcopy(STOP)
    stop["Arguments"]["ErrorMessage"] = (
        "s3://example-bucket/taxi_ParameterString(name='Run', default_value='a')/"
    )
    assert rules(stop) == ["DEP004"]


def test_months_that_were_meant_as_minutes() -> None:
    assert rules(train(CacheConfig={"Enabled": True, "ExpireAfter": "P30M"})) == ["DEP042"]
    assert rules(train(CacheConfig={"Enabled": True, "ExpireAfter": "P3M"})) == []


@pytest.mark.parametrize(
    ("trained", "served", "expected"),
    [
        (XGBOOST, f"{ACCOUNT}/sagemaker-xgboost:1.5-1", ["DEP056"]),
        (f"{ACCOUNT}/sagemaker-xgboost:1.5-1", XGBOOST, []),
        (
            XGBOOST,
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310",
            ["DEP056"],
        ),
        (XGBOOST, "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", []),
        (XGBOOST, "007439368137.dkr.ecr.us-east-1.amazonaws.com/sagemaker-tritonserver:23.02-py3", []),
    ],
)
def test_what_serves_a_model(trained: str, served: str, expected: list[str]) -> None:
    assert rules(train(trained), learned(served)) == expected


@pytest.mark.parametrize(
    ("default", "compared", "allowed", "expected"),
    [
        ("Fasle", "False", None, ["DEP040"]),
        ("true", "True", None, ["DEP040"]),
        ("False", "True", None, []),
        ("tests", "test", ["test", "tests"], []),
    ],
)
def test_a_default_that_is_almost_what_it_is_compared_with(
    default: str, compared: str, allowed: list[str] | None, expected: list[str]
) -> None:
    flag = {"Name": "Flag", "Type": "String", "DefaultValue": default}
    step = decide([STOP], [train()], "Equals", {"Get": "Parameters.Flag"})
    step["Arguments"]["Conditions"][0]["RightValue"] = compared
    assert rules(step, Parameters=[flag | ({"EnumValues": allowed} if allowed else {})]) == expected


def test_a_model_that_is_packed_anew_is_the_one_that_was_trained() -> None:
    packs = train(SCIKIT_LEARN, Name="Pack")
    packs["Arguments"]["HyperParameters"] = {
        "sagemaker_program": '"_repack_model.py"',
        "sagemaker_submit_directory": '"s3://example-bucket/code/sourcedir.tar.gz"',
        "inference_script": '"inference.py"',
        "model_archive": LEARNED,
    }
    packed = {"Get": "Steps.Pack.ModelArtifacts.S3ModelArtifacts"}
    assert "DEP056" not in rules(train(), packs, learned(XGBOOST, packed))
    assert "DEP056" in rules(train(), packs, learned(SCIKIT_LEARN, packed))


def test_a_script_of_its_own_may_load_anything() -> None:
    sklearn = f"{ACCOUNT}/sagemaker-scikit-learn:1.2-1-cpu-py3"
    assert rules(train(), learned(sklearn)) == ["DEP056"]
    assert rules(train(), learned(sklearn, SAGEMAKER_PROGRAM="inference.py")) == []
    trainer = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310"
    assert rules(train(), learned(trainer, SAGEMAKER_PROGRAM="inference.py")) == ["DEP056"]


@pytest.mark.parametrize(
    ("kind", "path", "told"),
    [
        ("LessThan", "metrics.auc.value", True),
        ("GreaterThan", "metrics.auc.value", False),
        ("GreaterThan", "metrics.rmse.value", True),
        ("LessThan", "metrics.auc.standard_deviation", False),
        ("LessThan", "metrics.churned.value", False),
    ],
)
def test_which_models_go_on(kind: str, path: str, told: bool) -> None:
    assert rules(train(), decide([learned()], [STOP], kind, metric(path))) == ["DEP061"] * told
    assert rules(train(), decide([STOP], [learned()], kind, metric(path))) == ["DEP061"] * (
        not told and "standard" not in path and "churned" not in path
    )


@pytest.mark.parametrize(("kind", "told"), [("LessThan", False), ("GreaterThan", True)])
def test_a_branch_that_fails_is_for_bad_models(kind: str, told: bool) -> None:
    tell = {
        "Name": "Tell",
        "Type": "Lambda",
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:tell",
        "Arguments": {},
    }
    for other in ([], [tell]):
        assert rules(train(), decide([STOP], other, kind, metric("auc"))) == ["DEP061"] * told
        assert rules(train(), decide(other, [STOP], kind, metric("auc"))) == ["DEP061"] * (not told)
    assert rules(train(), decide([tell], [], kind, metric("auc"))) == []


def test_a_branch_that_trains_again_is_left_alone() -> None:
    assert rules(decide([train(), learned()], [], "LessThan", metric("auc"))) == []


def test_an_archive_that_whoever_starts_the_pipeline_names() -> None:
    old = "s3://example-bucket/models/churn-2023/output/model.tar.gz"
    assert rules(train(), learned(data=old)) == ["DEP060"]
    parameter = {"Name": "Model", "Type": "String", "DefaultValue": old}
    assert rules(train(), learned(data={"Get": "Parameters.Model"}), Parameters=[parameter]) == []
    assert rules(train(), learned(data=old.replace("/models/", "/pretrained/"))) == []


def test_a_fail_step_that_only_some_executions_come_to() -> None:
    after = {
        "Name": "Ask",
        "Type": "Lambda",
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:ask",
    }
    ask = {**after, "Arguments": {}}
    assert rules(ask, {**STOP, "DependsOn": ["Ask"]}) == ["DEP058"]
    assert rules(ask, {**STOP, "DependsOn": [{"Step": "Ask", "Trigger": "Failed"}]}) == []
    assert rules(decide([ask], [], "LessThan", metric("x")), {**STOP, "DependsOn": ["Ask"]}) == []


def test_images_of_several_regions() -> None:
    other = processing("Other")
    other["Arguments"]["AppSpecification"]["ImageUri"] = (
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/prepare:1"
    )
    assert rules(processing(), processing("Again"), other) == ["DEP063"]
    assert "DEP063" not in rules(processing(), processing("Again"), other, region="us-east-1")


def test_two_channels_with_one_output() -> None:
    before = processing(ProcessingOutputConfig={"Outputs": [written("data", "s3://example-bucket/a/")]})
    step = train()
    channels = step["Arguments"]["InputDataConfig"]
    reference = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['data'].S3Output.S3Uri"}
    channels[0]["DataSource"]["S3DataSource"]["S3Uri"] = reference
    assert rules(before, step) == []
    channels.append({**copy.deepcopy(channels[0]), "ChannelName": "validation"})
    assert rules(before, step) == ["DEP062"]
    inputs = [processing_input("data", reference), processing_input("more", reference)]
    assert rules(before, processing("Again", ProcessingInputs=inputs)) == ["DEP062"]
    assert rules(before, processing("Again", ProcessingInputs=inputs[:1])) == []


@pytest.mark.parametrize(
    ("mode", "slash", "expected"),
    [("File", "", "warning"), ("FastFile", "", "error"), ("FastFile", "/", None), (None, "", "warning")],
)
def test_a_prefix_of_a_sibling_in_each_mode(mode: str | None, slash: str, expected: str | None) -> None:
    outputs = [
        {
            "OutputName": name,
            "S3Output": {
                "S3Uri": f"s3://example-bucket/penguins/{name}{slash}",
                "LocalPath": f"/opt/ml/processing/{name}",
                "S3UploadMode": "EndOfJob",
            },
        }
        for name in ("train", "train-baseline")
    ]
    before = processing(ProcessingOutputConfig={"Outputs": outputs})
    step = train()
    place = step["Arguments"]["InputDataConfig"][0]
    place["DataSource"]["S3DataSource"]["S3Uri"] = {
        "Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"
    }
    if mode is not None:
        place["InputMode"] = mode
    found = [f.severity for f in cursus.check(pipeline(before, step)).findings if f.rule == "DEP037"]
    assert found == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("image", "folder", "expected"),
    [
        (SCIKIT_LEARN, "/opt/ml/processing/data/train.csv", "warning"),
        (SCIKIT_LEARN, "processing/train.csv", "warning"),
        (SCIKIT_LEARN, "processing/data", "warning"),
        (SCIKIT_LEARN, "/opt/ml/processing/data/v1.2", None),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/spark:1",
            "/opt/ml/processing/train.parquet",
            "warning",
        ),
    ],
)
def test_an_output_that_is_called_like_a_file_or_is_no_absolute_path(
    image: str, folder: str, expected: str | None
) -> None:
    target = {"S3Uri": "s3://example-bucket/out/", "LocalPath": folder, "S3UploadMode": "EndOfJob"}
    step = processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "data", "S3Output": target}]})
    step["Arguments"]["AppSpecification"]["ImageUri"] = image
    found = [f.severity for f in cursus.check(pipeline(step)).findings if f.rule == "DEP036"]
    assert found == ([expected] if expected else [])


def test_an_input_that_is_a_pipe() -> None:
    piped = processing_input("raw", "s3://example-bucket/raw/", S3InputMode="Pipe")
    assert rules(processing(ProcessingInputs=[piped])) == ["DEP036"]


def test_metrics_that_are_a_folder() -> None:
    folder = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"}
    target = {
        "S3Uri": "s3://example-bucket/r",
        "LocalPath": "/opt/ml/processing/r",
        "S3UploadMode": "EndOfJob",
    }
    before = processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "report", "S3Output": target}]})

    def told(uri: Any) -> list[tuple[str, str]]:
        container = {"Image": XGBOOST, "ModelDataUrl": "s3://example-bucket/m/model.tar.gz"}
        metrics = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": uri}}}
        arguments = {
            "ModelPackageGroupName": "churn",
            "ModelMetrics": metrics,
            "InferenceSpecification": {
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        }
        step = {
            "Name": "Register",
            "Type": "RegisterModel",
            "DependsOn": [before["Name"]],
            "Arguments": arguments,
        }
        found = cursus.check(pipeline(before, step)).findings
        return [(f.rule, f.severity) for f in found if f.severity != "info"]

    assert told(folder) == told("s3://example-bucket/r/") == [("DEP033", "warning")]
    assert told({"Std:Join": {"On": "/", "Values": [folder, "evaluation.json"]}}) == []


def test_a_number_that_a_tuning_job_minimizes() -> None:
    objective = {"Type": "Minimize", "MetricName": "validation:quality"}
    tune = {
        "Name": "Tune",
        "Type": "Tuning",
        "Arguments": {"HyperParameterTuningJobConfig": {"HyperParameterTuningJobObjective": objective}},
    }
    best = {"Get": "Steps.Tune.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value"}
    made = learned(data="s3://example-bucket/model.tar.gz")
    assert "DEP061" in rules(tune, decide([made], [], "GreaterThan", best))
    assert "DEP061" not in rules(tune, decide([made], [], "LessThan", best))


@pytest.mark.parametrize(("inside", "data", "told"), [(2, True, True), (1, True, False), (2, False, False)])
def test_a_job_outside_the_network_of_the_others(inside: int, data: bool, told: bool) -> None:
    network = {"SecurityGroupIds": ["sg-0a1b2c3d4e5f67890"], "Subnets": ["subnet-0a1b2c3d4e5f67890"]}
    steps = [train()]
    steps[0]["Arguments"]["VpcConfig"] = network
    steps += [processing(f"Look{i}", NetworkConfig={"VpcConfig": network}) for i in range(1, inside)]
    given = processing_input("model", LEARNED if data else "s3://example-bucket/base/model.tar.gz")
    last = processing("Evaluate", ProcessingInputs=[given])
    assert ("DEP106" in rules(*steps, last)) == told
    assert ("DEP106" in rules(*steps, decide([last], [], "LessThan", metric("mse")))) == told


@pytest.mark.parametrize(
    ("name", "told"),
    [("epcohs", True), ("train_epcohs", True), ("epochs", False), ("epoch", False), ("depth", False)],
)
def test_a_hyperparameter_that_is_called_almost_as_its_parameter(name: str, told: bool) -> None:
    step = train("123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1")
    step["Arguments"]["HyperParameters"] = {name: {"Get": "Parameters.TrainEpochs"}}
    epochs = {"Name": "TrainEpochs", "Type": "String", "DefaultValue": "5"}
    assert rules(step, Parameters=[epochs]) == (["DEP062"] if told else [])


@pytest.mark.parametrize(
    ("base", "expected"), [(LEARNED, ["DEP105"]), ("s3://example-bucket/base/model.tar.gz", [])]
)
def test_a_job_that_another_step_does_too(base: Any, expected: list[str]) -> None:
    steps = [
        processing(
            name,
            ProcessingInputs=[processing_input("model", data)],
            ProcessingOutputConfig={"Outputs": [written("report", f"s3://example-bucket/{name}/")]},
        )
        for name, data in (("EvaluateBase", base), ("EvaluateTuned", LEARNED))
    ]
    assert rules(train(), *steps) == expected


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("s3://example-bucket/faiss/", ["DEP030"]),
        ("s3://example-bucket/", []),
        ("s3://example-bucket/fa", []),
    ],
)
def test_the_folder_around_what_another_step_writes(read: str, expected: list[str]) -> None:
    outputs = {"Outputs": [written("index", "s3://example-bucket/faiss/index/")]}
    embed = processing("Embed", ProcessingOutputConfig=outputs)
    ask = processing("Ask", ProcessingInputs=[processing_input("index", read)])
    assert rules(embed, ask) == expected
    assert rules(embed, {**ask, "DependsOn": ["Embed"]}) == []
    assert rules({**embed, "DependsOn": ["Ask"]}, ask) == []


def test_functions_and_queues_of_another_region() -> None:
    ask = {
        "Name": "Ask",
        "Type": "Lambda",
        "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:ask",
        "Arguments": {},
    }
    wait = {
        "Name": "Wait",
        "Type": "Callback",
        "SqsQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/approvals",
        "Arguments": {},
        "OutputParameters": [],
    }
    assert rules(ask, wait) == []
    assert rules(processing(), ask, wait) == ["DEP063", "DEP063"]
    assert rules(ask, region="eu-west-1") == []
    assert rules(ask, region="us-east-1") == ["DEP063"]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("trian", True),
        ("trains", True),
        ("Train", True),
        ("train2", False),
        ("test", False),
        ("train", False),
    ],
)
def test_a_location_that_is_nearly_written(word: str, told: bool) -> None:
    output = {
        "S3Uri": "s3://example-bucket/churn/train",
        "LocalPath": "/opt/ml/processing/a",
        "S3UploadMode": "EndOfJob",
    }
    before = processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "data", "S3Output": output}]})
    step = train(DependsOn=["Prepare"])
    step["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = (
        f"s3://example-bucket/churn/{word}"
    )
    assert rules(before, step) == ["DEP067"] * told


def test_metrics_of_an_image_that_reports_none() -> None:
    value = {"Get": "Steps.Train.FinalMetricDataList['validation:auc'].Value"}
    own = train("123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1")
    assert rules(own, decide([learned()], [STOP], "GreaterThan", value)) == ["DEP012"]
    assert rules(train(), decide([learned()], [STOP], "GreaterThan", value)) == []


def test_retries_of_a_step_that_starts_no_job() -> None:
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "MaxAttempts": 3}
    made = {**learned(data="s3://example-bucket/model.tar.gz"), "RetryPolicies": [policy]}
    assert rules(made) == ["DEP041"]
    assert rules(train(RetryPolicies=[policy])) == []

"""Models that a pipeline makes: what serves them, what they are called, and where they come from."""

from __future__ import annotations

from typing import Any

import pytest

from cursus.checks.examples import ROLE
from tests.checks.made import SCIKIT_LEARN, XGBOOST, pipeline
from tests.checks.made_pipelines import LEARNED, errors, learned, rules, step, train, warned

OLDER = XGBOOST.replace("1.7", "1.5")
OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"


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
    assert ("FRM023" in warned(pipeline(step("Create", "Model", arguments)))) == told


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
    for image, reads in ((SCIKIT_LEARN, not told), (OWN, not told or name.lower().startswith("hf"))):
        container = {"Image": image, "Environment": {name: "x"}}
        create = step("Create", "Model", {"PrimaryContainer": container})
        assert ("DEP064" in warned(pipeline(create))) != reads


@pytest.mark.parametrize(("file", "broken_by"), [("scaler.pkl", {"DEP090"}), ("model.tar.gz", set())])
def test_the_end_of_a_joined_location(file: str, broken_by: set[str]) -> None:
    url = {
        "Std:Join": {"On": "/", "Values": ["s3://example-bucket", {"Get": "Execution.PipelineName"}, file]}
    }
    container = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", "ModelDataUrl": url}
    arguments = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    definition = pipeline(step("Create", "Model", arguments))
    assert errors(definition) == broken_by


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


@pytest.mark.parametrize(
    ("trained", "served", "expected"),
    [
        (XGBOOST, OLDER, ["DEP056"]),
        (OLDER, XGBOOST, []),
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
    assert rules(train(), learned(SCIKIT_LEARN)) == ["DEP056"]
    assert rules(train(), learned(SCIKIT_LEARN, SAGEMAKER_PROGRAM="inference.py")) == []
    trainer = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310"
    assert rules(train(), learned(trainer, SAGEMAKER_PROGRAM="inference.py")) == ["DEP056"]


def test_an_archive_that_whoever_starts_the_pipeline_names() -> None:
    old = "s3://example-bucket/models/churn-2023/output/model.tar.gz"
    assert rules(train(), learned(data=old)) == ["DEP060"]
    parameter = {"Name": "Model", "Type": "String", "DefaultValue": old}
    assert rules(train(), learned(data={"Get": "Parameters.Model"}), Parameters=[parameter]) == []
    assert rules(train(), learned(data=old.replace("/models/", "/pretrained/"))) == []

"""What containers of models and packages say of their data, and what processing and transform steps take."""

from __future__ import annotations

from typing import Any

import pytest

from cursus import check

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
ARCHIVE = "s3://example-bucket/models/model.tar.gz"
PREFIX = "s3://example-bucket/models/"


def found(*steps: dict[str, Any]) -> list[tuple[str, str]]:
    report = check({"Version": "2020-12-01", "Steps": list(steps)}, region="us-east-1")
    return [
        (f.rule, f.path.removeprefix("Steps[0].Arguments."))
        for f in report.findings
        if f.rule in ("DEP090", "DEP091", "DEP092") and f.severity == "error"
    ]


def model(*containers: dict[str, Any]) -> dict[str, Any]:
    held = {"PrimaryContainer": containers[0]} if len(containers) == 1 else {"Containers": list(containers)}
    return {"Name": "Create", "Type": "Model", "Arguments": {"ExecutionRoleArn": ROLE, **held}}


def source(uri: str, kind: str, packed: str) -> dict[str, Any]:
    return {
        "ModelDataSource": {"S3DataSource": {"S3Uri": uri, "S3DataType": kind, "CompressionType": packed}}
    }


@pytest.mark.parametrize(
    ("container", "member"),
    [
        ({"ModelDataUrl": ARCHIVE}, None),
        ({"ModelDataUrl": PREFIX, "Mode": "MultiModel"}, None),
        ({"ModelDataUrl": {"Get": "Parameters.Model"}}, None),
        ({}, None),
        ({"ModelDataUrl": "s3://example-bucket/model.pkl"}, "ModelDataUrl"),
        ({"ModelDataUrl": ARCHIVE, "Mode": "MultiModel"}, "ModelDataUrl"),
        ({"Mode": "MultiModel", **source(PREFIX, "S3Prefix", "None")}, "ModelDataSource"),
        (source(PREFIX, "S3Prefix", "None"), None),
        (source(ARCHIVE, "S3Object", "Gzip"), None),
        (source("s3://example-bucket/model.pt", "S3Object", "None"), None),
        (source(PREFIX[:-1], "S3Prefix", "None"), "ModelDataSource.S3DataSource.S3Uri"),
        (source(PREFIX, "S3Prefix", "Gzip"), "ModelDataSource.S3DataSource.CompressionType"),
        (source(PREFIX, "S3Object", "None"), "ModelDataSource.S3DataSource.S3DataType"),
        (source("s3://example-bucket/model.pt", "S3Object", "Gzip"), "ModelDataSource.S3DataSource.S3Uri"),
        ({"Image": XGBOOST}, "ModelDataUrl"),
        ({"Image": XGBOOST, "Environment": {"SAGEMAKER_PROGRAM": "serve.py"}}, None),
    ],
)
def test_model_data(container: dict[str, Any], member: str | None) -> None:
    wanted = [("DEP090", f"PrimaryContainer.{member}")] if member else []
    assert found(model({"Image": OWN, **container})) == wanted


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ((None, None), []),
        (("a", "b"), []),
        (("a", None), ["Containers[1].ContainerHostname"]),
        (("a", "a"), ["Containers[1].ContainerHostname"]),
    ],
)
def test_hostnames(names: tuple[str | None, ...], wanted: list[str]) -> None:
    containers = [{"Image": OWN, **({"ContainerHostname": name} if name else {})} for name in names]
    assert found(model(*containers)) == [("DEP091", path) for path in wanted]


def test_packages() -> None:
    container = {"Image": OWN, "ModelDataUrl": ARCHIVE}
    specification = {
        "Containers": [container],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    more = [{"Name": name, "Containers": [container]} for name in ("small", "small")]
    arguments = {
        "ModelPackageGroupName": "churn",
        "InferenceSpecification": specification,
        "SamplePayloadUrl": "s3://example-bucket/payload.csv",
        "AdditionalInferenceSpecifications": more,
    }
    assert found({"Name": "Register", "Type": "RegisterModel", "Arguments": arguments}) == [
        ("DEP090", "SamplePayloadUrl"),
        ("DEP091", "AdditionalInferenceSpecifications[1].Name"),
    ]


@pytest.mark.parametrize(
    ("payload", "at_once", "image", "told"),
    [
        (6, None, XGBOOST, False),
        (0, None, OWN, False),
        (0, None, XGBOOST, True),
        (101, None, OWN, True),
        (101, 2, OWN, False),  # DEP038 says so
    ],
)
def test_payloads(payload: int, at_once: int | None, image: str, told: bool) -> None:
    arguments: dict[str, Any] = {
        "ModelName": {"Get": "Steps.Create.ModelName"},
        "TransformInput": {
            "ContentType": "text/csv",
            "SplitType": "Line",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/in/"}},
        },
        "TransformOutput": {"S3OutputPath": "s3://example-bucket/out/"},
        "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        "MaxPayloadInMB": payload,
    }
    if at_once:
        arguments["MaxConcurrentTransforms"] = at_once
    made = model({"Image": image, "ModelDataUrl": ARCHIVE})
    step = {"Name": "Score", "Type": "Transform", "Arguments": arguments}
    assert found(made, step) == ([("DEP092", "Steps[1].Arguments.MaxPayloadInMB")] if told else [])


@pytest.mark.parametrize(
    ("packed", "mode", "managed", "wanted"),
    [
        ("None", "File", True, []),
        ("Gzip", "Pipe", True, []),
        ("Gzip", "File", True, ["ProcessingInputs[0].S3Input.S3CompressionType"]),
        ("None", "File", False, ["ProcessingOutputConfig.Outputs[0].AppManaged"]),
    ],
)
def test_processing(packed: str, mode: str, managed: bool, wanted: list[str]) -> None:
    place = {"S3Uri": "s3://example-bucket/raw/", "LocalPath": "/opt/ml/processing/raw"}
    given = {"S3DataType": "S3Prefix", "S3InputMode": mode, "S3CompressionType": packed}
    output = {
        "OutputName": "features",
        "AppManaged": managed,
        "FeatureStoreOutput": {"FeatureGroupName": "churn"},
    }
    arguments = {
        "AppSpecification": {"ImageUri": OWN},
        "ProcessingInputs": [{"InputName": "raw", "S3Input": {**place, **given}}],
        "ProcessingOutputConfig": {"Outputs": [output]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
        },
        "RoleArn": ROLE,
    }
    step = {"Name": "Prepare", "Type": "Processing", "Arguments": arguments}
    assert found(step) == [("DEP092", path) for path in wanted]

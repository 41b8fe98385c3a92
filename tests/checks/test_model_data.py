"""What containers of models and packages say of their data, and what processing and transform steps take."""

from __future__ import annotations

from typing import Any

import pytest

from cursus import check
from cursus.checks.examples import ROLE
from tests.checks.made import XGBOOST, model, pipeline, processing, processing_input, transform

OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"
ARCHIVE = "s3://example-bucket/models/model.tar.gz"
PREFIX = "s3://example-bucket/models/"


def found(*steps: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (f.rule, f.path.removeprefix("Steps[0].Arguments."))
        for f in check(pipeline(*steps), region="us-east-1").findings
        if f.rule in ("DEP090", "DEP091", "DEP092") and f.severity == "error"
    ]


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
    step = {
        "Name": "Create",
        "Type": "Model",
        "Arguments": {"ExecutionRoleArn": ROLE, "Containers": containers},
    }
    assert found(step) == [("DEP091", path) for path in wanted]


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
    step = transform(MaxPayloadInMB=payload)
    if at_once:
        step["Arguments"]["MaxConcurrentTransforms"] = at_once
    made = model({"Image": image, "ModelDataUrl": ARCHIVE})
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
    output = {
        "OutputName": "features",
        "AppManaged": managed,
        "FeatureStoreOutput": {"FeatureGroupName": "churn"},
    }
    read = processing_input("raw", "s3://example-bucket/raw/", S3InputMode=mode, S3CompressionType=packed)
    step = processing(ProcessingInputs=[read], ProcessingOutputConfig={"Outputs": [output]})
    assert found(step) == [("DEP092", path) for path in wanted]


@pytest.mark.parametrize(
    ("script", "mode", "shared_out", "hosts", "wanted"),
    [
        ("/opt/ml/processing/code/run.py", "File", "ShardedByS3Key", 1, None),
        ("/opt/ml/processing/code/run.py", "File", "ShardedByS3Key", 2, "S3DataDistributionType"),
        ("/opt/ml/processing/code/run.py", "Pipe", "FullyReplicated", 2, "S3InputMode"),
        (
            "/opt/ml/processing/code/inner/run.py",
            "File",
            "ShardedByS3Key",
            2,
            None,
        ),  # in the folder of another input
    ],
)
def test_scripts_of_processing(
    script: str, mode: str, shared_out: str, hosts: int, wanted: str | None
) -> None:
    step = processing(
        ProcessingInputs=[
            processing_input("code", "s3://example-bucket/code/", S3InputMode=mode, S3DataDistributionType=shared_out),
            processing_input("inner", "s3://example-bucket/inner/", LocalPath="/opt/ml/processing/code/inner"),
        ]
    )  # fmt: skip
    arguments = step["Arguments"]
    arguments["ProcessingInputs"][0]["S3Input"]["LocalPath"] = "/opt/ml/processing/code"
    arguments["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = hosts
    arguments["AppSpecification"]["ContainerEntrypoint"] = ["python3", script]
    path = f"ProcessingInputs[0].S3Input.{wanted}"
    assert found(step) == ([("DEP092", path)] if wanted else [])


@pytest.mark.parametrize(
    ("changed", "severity"),
    [
        ({}, None),
        ({"S3DataType": "ManifestFile"}, "error"),
        ({"S3Uri": "s3://example-bucket/in/data.csv"}, "warning"),
        ({"S3DataType": "ManifestFile", "S3Uri": "s3://example-bucket/in/some.manifest"}, None),
    ],
)
def test_what_is_transformed(changed: dict[str, str], severity: str | None) -> None:
    step = transform()
    arguments = step["Arguments"]
    arguments["TransformResources"]["InstanceCount"] = 3
    arguments["TransformInput"]["DataSource"]["S3DataSource"] = {
        "S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/in/", **changed
    }  # fmt: skip
    told = [f.severity for f in check(pipeline(step), region="us-east-1").findings if f.rule == "DEP092"]
    assert told == ([severity] if severity else [])


@pytest.mark.parametrize(("assembled", "told"), [("Line", 0), ("None", 1)])
def test_joined_records(assembled: str, told: int) -> None:
    step = transform()
    arguments = step["Arguments"]
    arguments["TransformInput"].update({"ContentType": "text/csv", "SplitType": "Line"})
    arguments["TransformOutput"].update({"Accept": "text/csv", "AssembleWith": assembled})
    arguments["DataProcessing"] = {"JoinSource": "Input"}
    findings = check(pipeline(step), region="us-east-1").findings
    assert [f.severity for f in findings if f.rule == "DEP092"] == ["warning"] * told

"""Steps of a pipeline that check the quality of data and models, or their bias."""

from __future__ import annotations

from typing import Any

import pytest

import cursus
from cursus.checks.examples import ROLE
from tests.checks.made import pipeline, told
from tests.checks.made_pipelines import check, found, request, step


@pytest.mark.parametrize(("group", "told"), [("churn", False), ("churn-old", True)])
def test_a_check_takes_the_baselines_of_the_group_that_is_registered(group: str, told: bool) -> None:
    quality = step("Check", "QualityCheck", {}, CheckType="DATA_QUALITY", ModelPackageGroupName=group)
    register = request("RegisterModel", ModelPackageGroupName="churn")
    findings = check(pipeline(quality, register))
    assert any("the baselines are those" in one.message for one in findings) == told


CLARIFY = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"
MONITOR = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"


def check_step(kind: str, image: str, folder: str, **environment: str) -> dict[str, Any]:
    data = {
        "S3Uri": "s3://example-bucket/in/",
        "LocalPath": folder,
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    out = {
        "S3Uri": "s3://example-bucket/q/",
        "LocalPath": "/opt/ml/processing/output",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "CheckType": "DATA_QUALITY" if kind == "QualityCheck" else "DATA_BIAS",
        "SkipCheck": True,
        **request(
            kind,
            RoleArn=ROLE,
            ProcessingResources={
                "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
            },
            AppSpecification={"ImageUri": image},
            ProcessingInputs=[{"InputName": "data", "S3Input": data}],
            ProcessingOutputConfig={"Outputs": [{"OutputName": "result", "S3Output": out}]},
            Environment=environment,
        ),
    }


CONFIG = "/opt/ml/processing/input/config"
QUALITY = {"dataset_source": "/opt/ml/processing/input/a", "output_path": "/opt/ml/processing/output"}


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        (check_step("ClarifyCheck", CLARIFY, CONFIG), []),
        (check_step("ClarifyCheck", CLARIFY, "/opt/ml/processing/input/analysis"), ["ProcessingInputs"]),
        (check_step("ClarifyCheck", MONITOR, CONFIG), ["AppSpecification.ImageUri"]),
        (
            check_step("QualityCheck", CLARIFY, QUALITY["dataset_source"], dataset_format="{}", **QUALITY),
            ["AppSpecification.ImageUri"],
        ),
        (
            check_step(
                "QualityCheck", MONITOR, QUALITY["dataset_source"], dataset_format='{"csv": {}}', **QUALITY
            ),
            [],
        ),
        (
            check_step(
                "QualityCheck", MONITOR, QUALITY["dataset_source"], dataset_format="{'csv': {}}", **QUALITY
            ),
            ["Environment.dataset_format"],
        ),
    ],
)
def test_what_checks_are_given(sound: dict[str, Any], expected: list[str]) -> None:
    assert [path for rule, path in found(sound) if rule == "DEP098"] == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"dataset_format": '{"csv": {"header": true}}', **QUALITY}, []),
        ({"dataset_format": "csv", **QUALITY}, [("Environment.dataset_format", "error")]),
        ({**QUALITY}, [("Environment.dataset_format", "warning")]),
        (
            {
                "dataset_format": '{"csv": {}}',
                "analysis_type": "MODEL_QUALITY",
                "problem_type": "Regression",
                "inference_attribute": "_c0",
                "ground_truth_attribute": "_c1",
                **QUALITY,
            },
            [],
        ),
    ],
)
def test_monitors_jobs_are_given_what_checks_are(
    environment: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    step = check_step("QualityCheck", MONITOR, QUALITY["dataset_source"], **environment)
    told_of = cursus.check({"ProcessingJobName": "baseline", **step["Arguments"]}).findings
    assert [(f.path, f.severity) for f in told_of if f.rule == "DEP098"] == expected


@pytest.mark.parametrize(
    ("statistics", "constraints", "expected"),
    [
        ("statistics.json", "constraints.json", []),
        ("constraints.json", "constraints.json", [("DEP009", "Steps[0].SuppliedBaselineStatistics")]),
        ("statistics.json", "statistics.json", [("DEP009", "Steps[0].SuppliedBaselineConstraints")]),
    ],
)
def test_baselines_are_not_each_other(
    statistics: str, constraints: str, expected: list[tuple[str, str]]
) -> None:
    quality = check_step("QualityCheck", MONITOR, QUALITY["dataset_source"], dataset_format="{}", **QUALITY)
    quality["SuppliedBaselineStatistics"] = f"s3://example-bucket/base/{statistics}"
    quality["SuppliedBaselineConstraints"] = f"s3://example-bucket/base/{constraints}"
    told_of = cursus.check(pipeline(quality)).findings
    assert [(f.rule, f.path) for f in told(told_of)] == expected

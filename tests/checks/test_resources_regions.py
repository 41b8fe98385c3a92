"""Instance types that the job's region does not have."""

from __future__ import annotations

from typing import Any

import pytest

from cursus import check
from cursus.aws import instances
from cursus.checks.examples import BASES, DEFINITION, merge
from cursus.model import Finding
from tests.checks.made import pipeline, processing

HERE = "123456789012.dkr.ecr.{}.amazonaws.com/churn-trainer:1.4"


def findings(kind: str, region: str, *, given: bool = True, **options: Any) -> list[Finding]:
    patch = {
        "ResourceConfig": {"InstanceType": kind},
        "AlgorithmSpecification": {"TrainingImage": HERE.format(region)},
    }
    request = merge({"TrainingJobName": "job-1", **DEFINITION}, patch)
    report = check(request, region=region if given else None, **options)
    return [f for f in report.findings if f.rule in ("RES005", "RES020")]


@pytest.mark.parametrize(
    ("kind", "region", "wanted"),
    [
        ("ml.m5.xlarge", "eu-north-1", []),
        ("ml.c4.xlarge", "us-east-1", [("RES005", "info")]),
        ("ml.c4.xlarge", "eu-north-1", [("RES020", "error")]),
        ("ml.p2.xlarge", "us-west-1", [("RES020", "error")]),
        ("ml.p3.2xlarge", "us-west-2", [("RES005", "info")]),
        ("ml.g5.xlarge", "us-west-1", [("RES020", "warning")]),
        ("ml.p5.48xlarge", "eu-south-1", [("RES020", "warning")]),
        ("ml.g5.xlarge", "cn-north-1", []),
        ("ml.unknown9.xlarge", "us-west-1", []),
    ],
)
def test_regions(kind: str, region: str, wanted: list[tuple[str, str]]) -> None:
    assert [(f.rule, f.severity) for f in findings(kind, region)] == wanted
    if "cn-" not in region:
        assert [(f.rule, f.severity) for f in findings(kind, region, given=False)] == wanted


def test_what_the_region_has_is_named() -> None:
    found = findings("ml.p2.xlarge", "us-west-1")
    assert found[0].path == "ResourceConfig.InstanceType"
    assert "ml.g4dn.xlarge" in found[0].remedy
    assert "ml.c5.xlarge" in findings("ml.c4.xlarge", "eu-north-1")[0].remedy


def test_a_type_that_came_later_can_be_allowed() -> None:
    assert findings("ml.g5.xlarge", "us-west-1", allow=["ml.g5.xlarge"]) == []


def test_tuning_jobs_and_steps() -> None:
    job = merge(
        BASES["CreateHyperParameterTuningJob"],
        {"TrainingJobDefinition": {"ResourceConfig": {"InstanceType": "ml.p2.xlarge"}}},
    )
    found = [f for f in check(job, region="us-west-1").findings if f.rule == "RES020"]
    assert [f.path for f in found] == ["TrainingJobDefinition.ResourceConfig.InstanceType"]
    step = processing(AppSpecification={"ImageUri": HERE.format("eu-north-1")})
    step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceType"] = "ml.m4.xlarge"
    found = [f for f in check(pipeline(step)).findings if f.rule == "RES021"]
    assert [f.path for f in found] == ["Steps[0].Arguments.ProcessingResources.ClusterConfig.InstanceType"]


def test_every_type_is_somewhere() -> None:
    for name in instances.names():
        assert any(not instances.is_absent(name, region) for region in instances.regions())


@pytest.mark.parametrize(("kind", "told"), [("ml.m5.xlarge", True), ("ml.g5.xlarge", False)])
def test_the_time_of_waiting_is_for_accelerators(kind: str, told: bool) -> None:
    limits = {"MaxRuntimeInSeconds": 3600, "MaxPendingTimeInSeconds": 86400}
    patch = {"StoppingCondition": limits, "ResourceConfig": {"InstanceType": kind}}
    report = check(merge({"TrainingJobName": "job-1", **DEFINITION}, patch))
    assert [f.path for f in report.findings if f.rule == "RES022"] == (
        ["StoppingCondition.MaxPendingTimeInSeconds"] if told else []
    )

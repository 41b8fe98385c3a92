"""Rules of the area *resources*: a sound request has no finding, and each fault its own."""

from __future__ import annotations

from typing import Any

import pytest

from cursus.checks.examples import merge
from cursus.model import Finding, Promises
from tests.checks.made import TUNING, XGBOOST, findings_of, rules_of, told

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"


def findings(
    patch: dict[str, Any],
    *,
    image: str | None = None,
    hooks: dict[str, Any] | None = None,
    allow: tuple[str, ...] = (),
) -> list[Finding]:
    """Errors and warnings of the area that reading the request alone shows."""
    if image is not None:
        patch = merge(patch, {"AlgorithmSpecification": {"TrainingImage": image}})
    found = findings_of(patch, allow=allow, promises=Promises(hooks=hooks or {}))
    return [one for one in told(found) if "RES0" <= one.rule < "RES050"]


def on(instance: str, count: int = 1, **members: Any) -> dict[str, Any]:
    volume = members.pop("VolumeSizeInGB", None)
    config = {"InstanceType": instance, "InstanceCount": count, "VolumeSizeInGB": volume, **members}
    return {"ResourceConfig": config}


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("ml.m5d.xlarge", "hosting"),
        ("ml.c5.8xlarge", "no size"),
        ("ml.p3.xlarge", "no size"),
        ("ml.m6g.xlarge", "hosting"),
        ("m5.xlarge", "'ml.m5.xlarge'"),
        ("ML.M5.XLARGE", "'ml.m5.xlarge'"),
        ("ml_m5_xlarge", "'ml.m5.xlarge'"),
        ("ml.m5", "no SageMaker instance type"),
        ("ml.5.2xlarge", "no SageMaker instance type"),
        ("ml.m.xlarge", "no SageMaker instance type"),
        ("local", "local mode"),
        ("local_gpu", "local mode"),
        ("local-gpu", "local mode"),
        ("ml.inf1.xlarge", "hosting"),
        ("ml.g4.xlarge", "'ml.g4dn.xlarge'"),
        ("ml.p4.24xlarge", "'ml.p4d.24xlarge'"),
        ("ml.p3d.24xlarge", "'ml.p3dn.24xlarge'"),
        ("ml.m5a.xlarge", "no instance family"),
        ("ml.p9.huge", "has the size 'huge'"),
    ],
)
def test_instance_types_that_are_ruled_out(name: str, word: str) -> None:
    found = findings(on(name, VolumeSizeInGB=30))
    assert [(f.rule, f.severity, f.path) for f in found] == [
        ("RES001", "error", "ResourceConfig.InstanceType")
    ]
    assert word in found[0].message


@pytest.mark.parametrize(("name", "rules"), [("ml.t3.large", ["RES006"]), ("ml.trn1.2xlarge", [])])
def test_families_that_are_paid_by_credits(name: str, rules: list[str]) -> None:
    assert rules_of(findings_of(on(name), "RES006")) == rules


def test_a_type_that_the_service_refuses_everywhere_can_be_allowed() -> None:
    found = findings(on("ml.t3.medium", VolumeSizeInGB=30))
    assert [(f.rule, f.severity) for f in found] == [("RES006", "warning")]
    assert findings(on("ml.t3.medium", VolumeSizeInGB=30), allow=("ml.t3.medium",)) == []


def test_an_unknown_family_is_a_warning_that_can_be_allowed() -> None:
    name = "ml.m99z.xlarge"
    for newer in (name, "ml.p9.96xlarge", "ml.m8azn.2xlarge"):
        assert [(f.rule, f.severity) for f in findings(on(newer))] == [("RES001", "warning")]
    assert findings(on(name), allow=(name,)) == []


def test_each_instance_group_is_looked_at() -> None:
    groups = [
        {"InstanceGroupName": "one", "InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "two", "InstanceType": "ml.m5d.xlarge", "InstanceCount": 1},
    ]
    config = {"InstanceType": None, "InstanceCount": None, "InstanceGroups": groups}
    found = findings({"ResourceConfig": config})
    assert [f.path for f in found] == ["ResourceConfig.InstanceGroups[1].InstanceType"]


def test_a_tuning_job_is_looked_at() -> None:
    patch = {"TrainingJobDefinition": {"ResourceConfig": {"InstanceType": "ml.m5.xlrge"}}}
    found = findings_of(patch, "RES001", TUNING)
    assert [f.path for f in found] == ["TrainingJobDefinition.ResourceConfig.InstanceType"]


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (on("ml.m5.xlarge", VolumeSizeInGB=30), []),
        (on("ml.m5.xlarge"), ["RES003"]),
        (on("ml.m5.xlarge", VolumeSizeInGB=0), ["RES003"]),
        (on("ml.g5.xlarge"), []),
        (on("ml.g5.xlarge", VolumeSizeInGB=30), []),
        (on("ml.g5.xlarge", VolumeSizeInGB=251), ["RES002"]),
        (on("ml.m5.xlarge", VolumeSizeInGB=30, VolumeKmsKeyId=KEY), []),
        (on("ml.p3.2xlarge", VolumeSizeInGB=30, VolumeKmsKeyId=KEY), []),
        (on("ml.g5.xlarge", VolumeKmsKeyId=KEY), ["RES004"]),
        (on("ml.r5d.xlarge", VolumeKmsKeyId=KEY), ["RES004"]),
        (on("ml.p4d.24xlarge", VolumeKmsKeyId=KEY), ["RES004"]),
        (on("ml.trn1.32xlarge", VolumeKmsKeyId=KEY), ["RES004"]),
    ],
)
def test_storage(patch: dict[str, Any], expected: list[str]) -> None:
    assert rules_of(findings(patch)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (3600, []),
        (432000, []),
        (432001, [("RES007", "warning")]),
        (2419200, [("RES007", "warning")]),
    ],
)
def test_time_limits(seconds: int, expected: list[tuple[str, str]]) -> None:
    found = findings({"StoppingCondition": {"MaxRuntimeInSeconds": seconds}})
    assert [(f.rule, f.severity) for f in found] == expected


ACCOUNT = "811284229777.dkr.ecr.us-east-1.amazonaws.com"
AMAZON = "382416733822.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("image", "hyperparameters", "patch", "expected"),
    [
        (
            f"{ACCOUNT}/image-classification:1",
            {},
            on("ml.c5.xlarge", VolumeSizeInGB=9),
            [("RES010", "error")],
        ),
        (f"{ACCOUNT}/image-classification:1", {}, on("ml.p3.2xlarge", VolumeSizeInGB=9), []),
        (f"{ACCOUNT}/image-classification:1", {}, on("ml.p4d.24xlarge"), [("RES010", "warning")]),
        (
            f"{ACCOUNT}/semantic-segmentation:1",
            {},
            on("ml.m5.xlarge", VolumeSizeInGB=9),
            [("RES010", "error")],
        ),
        (f"{ACCOUNT}/semantic-segmentation:1", {}, on("ml.g5.xlarge", 2), [("RES011", "error")]),
        (f"{ACCOUNT}/seq2seq:1", {}, on("ml.m5.xlarge", VolumeSizeInGB=9), [("RES010", "error")]),
        (f"{AMAZON}/object2vec:1", {}, on("ml.m5.xlarge", 2, VolumeSizeInGB=9), [("RES011", "error")]),
        (f"{AMAZON}/linear-learner:1", {}, on("ml.m5.xlarge", 2, VolumeSizeInGB=9), []),
        (f"{AMAZON}/linear-learner:1", {}, on("ml.trn1.2xlarge"), [("RES010", "error")]),
        (f"{AMAZON}/randomcutforest:1", {}, on("ml.g5.xlarge"), [("RES010", "warning")]),
        (
            f"{ACCOUNT}/blazingtext:1",
            {"mode": "supervised"},
            on("ml.c5.xlarge", 2, VolumeSizeInGB=9),
            [("RES011", "error")],
        ),
        (
            f"{ACCOUNT}/blazingtext:1",
            {"mode": "batch_skipgram"},
            on("ml.c5.xlarge", 2, VolumeSizeInGB=9),
            [],
        ),
        (
            f"{ACCOUNT}/blazingtext:1",
            {"mode": "batch_skipgram"},
            on("ml.p3.2xlarge", VolumeSizeInGB=9),
            [("RES010", "error")],
        ),
        (f"{ACCOUNT}/blazingtext:1", {"mode": "skipgram"}, on("ml.p3.8xlarge", VolumeSizeInGB=9), []),
        (
            f"{ACCOUNT}/blazingtext:1",
            {"mode": "supervised"},
            on("ml.p3.8xlarge", VolumeSizeInGB=9),
            [("RES010", "warning")],
        ),
        (XGBOOST, {}, on("ml.m5.xlarge", 2, VolumeSizeInGB=9), []),
        (XGBOOST, {}, on("ml.g5.xlarge"), [("RES012", "warning")]),
        (XGBOOST, {"tree_method": "gpu_hist"}, on("ml.g5.xlarge"), []),
        (XGBOOST, {"tree_method": "gpu_hist"}, on("ml.p2.xlarge", VolumeSizeInGB=9), [("RES010", "warning")]),
        (
            XGBOOST.replace("1.7", "1.5"),
            {"tree_method": "gpu_hist"},
            on("ml.p2.xlarge", VolumeSizeInGB=9),
            [],
        ),
        (XGBOOST, {"tree_method": "gpu_hist"}, on("ml.g5.12xlarge"), [("RES012", "warning")]),
        (
            XGBOOST,
            {"tree_method": "gpu_hist", "use_dask_gpu_training": "true"},
            on("ml.g5.12xlarge"),
            [],
        ),
    ],
)
def test_built_in_algorithms(
    image: str, hyperparameters: dict[str, str], patch: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = findings({**patch, "HyperParameters": hyperparameters}, image=image)
    assert [(f.rule, f.severity) for f in found] == expected


def test_spot_without_checkpoints_may_wait_an_hour() -> None:
    def spot(seconds: int) -> dict[str, Any]:
        times = {"MaxRuntimeInSeconds": 3000, "MaxWaitTimeInSeconds": seconds}
        return {"EnableManagedSpotTraining": True, "StoppingCondition": times}

    assert rules_of(findings(spot(3601), image=f"{AMAZON}/kmeans:1")) == ["RES013"]
    assert findings(spot(3600), image=f"{AMAZON}/kmeans:1") == []
    assert findings(spot(7200), image=XGBOOST) == []
    kept = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"}}
    assert rules_of(findings(kept, image=f"{AMAZON}/kmeans:1")) == ["RES013"]
    assert findings(kept, image=XGBOOST) == []
    assert findings(spot(7200)) == []


@pytest.mark.parametrize(
    ("checkpoints", "rules"), [({}, ["STP024"]), ({"S3Uri": "s3://example-bucket/c/"}, [])]
)
def test_spot_of_an_algorithm_that_is_sold(checkpoints: dict[str, str], rules: list[str]) -> None:
    patch = {
        "AlgorithmSpecification": {
            "TrainingImage": None,
            "AlgorithmName": "arn:aws:sagemaker:us-east-1:865070037744:algorithm/scorer-1",
        },
        "EnableNetworkIsolation": True,
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 3000, "MaxWaitTimeInSeconds": 7200},
        "CheckpointConfig": checkpoints or None,
    }
    assert rules_of(findings_of(patch, "STP024")) == rules


def test_several_hosts_for_a_script_of_jumpstart() -> None:
    cache = "s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs"
    taken = {
        "sagemaker_program": "transfer_learning.py",
        "sagemaker_submit_directory": f"{cache}/tensorflow/transfer_learning/ic/v2.0.0/sourcedir.tar.gz",
    }
    patch = {**on("ml.m5.xlarge", 2, VolumeSizeInGB=9), "HyperParameters": taken}
    assert [f.severity for f in findings_of(patch, "RES011")] == ["warning"]


@pytest.mark.parametrize(
    ("instance", "precision", "expected"),
    [
        ("ml.p3.2xlarge", "fp16", []),
        ("ml.p3.2xlarge", "bf16", ["RES014"]),
        ("ml.p3.2xlarge", "tf32", ["RES014"]),
        ("ml.g4dn.xlarge", "bfloat16", ["RES014"]),
        ("ml.g5.xlarge", "bf16", []),
        ("ml.g5.xlarge", "fp8", ["RES014"]),
        ("ml.p4d.24xlarge", "fp8", ["RES014"]),
        ("ml.g6.xlarge", "fp8", []),
        ("ml.p5.48xlarge", "fp8", []),
        ("ml.p2.xlarge", "fp16", ["RES014"]),
        ("ml.m5.xlarge", "fp16", ["RES014"]),
        ("ml.m5.xlarge", "none", []),
        ("ml.g5.xlarge", "fp61", ["RES014"]),
        ("ml.trn1.2xlarge", "bf16", []),
    ],
)
def test_precision(instance: str, precision: str, expected: list[str]) -> None:
    hooks = {"get_gpu_optimization_config": {"mixed_precision": precision}}
    volume = 30 if instance.split(".")[1] in ("m5", "p2", "p3") else None
    assert rules_of(findings(on(instance, VolumeSizeInGB=volume), hooks=hooks)) == expected


@pytest.mark.parametrize(
    ("instance", "config", "expected"),
    [
        ("ml.g5.12xlarge", {"processes_per_host": 4}, []),
        ("ml.g5.12xlarge", {"processes_per_host": 8}, [("RES015", "error")]),
        ("ml.g5.12xlarge", {"processes_per_host": 1}, [("RES015", "warning")]),
        ("ml.g5.12xlarge", {"processes_per_host": 0}, [("RES015", "error")]),
        ("ml.g5.12xlarge", {"gradient_accumulation_steps": "4"}, [("RES015", "error")]),
        ("ml.trn1.32xlarge", {"processes_per_host": 32}, []),
    ],
)
def test_processes(instance: str, config: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = findings(on(instance), hooks={"get_gpu_optimization_config": config})
    assert [(f.rule, f.severity) for f in found] == expected


def test_scikit_learn_on_several_hosts() -> None:
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    script = {"sagemaker_program": "t.py", "sagemaker_submit_directory": "s3://example-bucket/s.tar.gz"}
    patch = {**on("ml.m5.xlarge", 2, VolumeSizeInGB=30), "HyperParameters": script}
    assert [(f.rule, f.severity) for f in findings(patch, image=image)] == [("RES016", "warning")]

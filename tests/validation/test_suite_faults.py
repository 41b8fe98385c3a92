"""One fault fails one test of the suite, and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests
from tests.validation.results import (
    ARTIFACTS,
    CHANNELS,
    DEPENDENCIES,
    DISTRIBUTED,
    FRAMEWORK,
    HYPERPARAMETERS,
    MONITORING,
    PERFORMANCE,
    STEP,
    failed,
    static,
)

Fault = Callable[[Any], None]


def _set(path: tuple[str | int, ...], value: Any) -> Fault:
    def inject(builder: Any) -> None:
        target = builder.request
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = value

    return inject


def _hook(name: str, value: Any) -> Fault:
    return lambda builder: setattr(builder, name, lambda: value)


FAULTS: dict[str, tuple[str, Fault]] = {
    "role that is no ARN": (STEP, _set(("RoleArn",), "SageMakerRole")),
    "time limit of zero": (STEP, _set(("StoppingCondition", "MaxRuntimeInSeconds"), 0)),
    "misspelt member": (STEP, _set(("ResourceConfig", "VolumeSizeInGb"), 30)),
    "step configuration disagrees": (
        STEP,
        _hook("get_step_config", {"training_instance_type": "ml.m5.large"}),
    ),
    "image that there never was": (
        FRAMEWORK,
        _set(
            ("AlgorithmSpecification", "TrainingImage"),
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.1-1-cpu-py3",
        ),
    ),
    "tuning more at once than in all": (
        HYPERPARAMETERS,
        _hook(
            "get_tuning_config",
            {
                "objective_metric": "loss",
                "hyperparameter_ranges": {"learning-rate": {"min": 0.01, "max": 0.5}},
                "max_jobs": 2,
                "max_parallel_jobs": 10,
            },
        ),
    ),
    "hyperparameters differ": (HYPERPARAMETERS, _hook("get_hyperparameters", {"epochs": 30})),
    "hyperparameter the script does not know": (
        HYPERPARAMETERS,
        _set(("HyperParameters", "optimizer"), "adam"),
    ),
    "data distribution differs": (
        CHANNELS,
        _hook("get_data_distribution_config", {"train": "ShardedByS3Key"}),
    ),
    "channel that the request lacks": (
        CHANNELS,
        _hook("get_training_inputs", {"tarin": "s3://example-bucket/churn/train/"}),
    ),
    "absolute artifact": (ARTIFACTS, _hook("get_expected_artifacts", ["/opt/ml/model/model.json"])),
    "other output path": (
        ARTIFACTS,
        _hook("get_model_output_config", {"S3OutputPath": "s3://example-bucket/elsewhere/"}),
    ),
    "metric that is not defined": (
        MONITORING,
        _hook("get_metrics_config", {"MetricDefinitions": [{"Name": "auc", "Regex": "auc=([0-9.]+)"}]}),
    ),
    "CloudWatch off": (MONITORING, _hook("get_logging_config", {"EnableCloudWatchLogging": False})),
    "promised hosts are not there": (DISTRIBUTED, _hook("is_distributed_training", True)),
    "other instance type": (
        PERFORMANCE,
        _hook("get_resource_optimization_config", {"instance_type": "ml.m5.24xlarge"}),
    ),
    "precision the hardware lacks": (
        PERFORMANCE,
        _hook("get_gpu_optimization_config", {"mixed_precision": "bf16"}),
    ),
    "step that is not there": (DEPENDENCIES, _hook("get_dependencies", ["Spilt"])),
    "output that is not there": (
        DEPENDENCIES,
        _hook("get_dependencies", {"train": {"step": "Split", "output": "training"}}),
    ),
}


@pytest.mark.parametrize(("test", "fault"), FAULTS.values(), ids=FAULTS.keys())
def test_a_single_fault_fails_its_own_test_only(test: str, fault: Fault, builder: Any, config: Any) -> None:
    fault(builder)
    results = static(builder, config)
    assert list(failed(results)) == [test], failed(results)
    assert results["all_tests_passed"] is False


LOOKS_AT_ARGUMENTS = """
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--learning-rate", type=float)
parser.parse_args()
print(len(pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv").read_text()))
"""


@pytest.mark.parametrize(
    ("test", "body"),
    [
        (
            ARTIFACTS,
            'print("loss=0.5")\npathlib.Path(os.environ["SM_MODEL_DIR"], "model.pkl").write_text("{}")\n',
        ),
        (
            MONITORING,
            'print("Loss: 0.5")\npathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text("{}")\n',
        ),
    ],
    ids=["promised artifact is not there", "metric matches nothing"],
)
def test_a_fault_that_only_the_run_shows(
    test: str, body: str, builder: Any, config: Any, write_script: Any, tmp_path: Path
) -> None:
    write_script(LOOKS_AT_ARGUMENTS + body)
    results = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root")).run_all_tests()
    assert list(failed(results)) == [test], failed(results)
    assert any(finding["from_run"] for finding in results["tests"][test]["findings"])


@pytest.mark.parametrize("place", ["train/none.csv", "test/rows.csv"])
def test_a_file_that_no_channel_has_is_the_channel_tests_alone(
    place: str, builder: Any, config: Any, write_script: Any, tmp_path: Path
) -> None:
    write_script(LOOKS_AT_ARGUMENTS + f'pathlib.Path("/opt/ml/input", *["data", "{place}"]).read_text()\n')
    results = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root")).run_all_tests()
    assert list(failed(results)) == [CHANNELS], failed(results)


def test_a_pipelines_step_has_a_name_that_it_takes_and_waits_for_steps_that_there_are(
    builder: Any, config: Any
) -> None:
    arguments = builder.request
    del arguments["TrainingJobName"]
    step = {"Name": "Train", "Type": "Training", "DependsOn": ["Split"], "Arguments": arguments}
    builder.create_step = lambda: step
    assert failed(static(builder, config)) == {}
    step["DependsOn"] = ["Splt"]
    assert list(failed(static(builder, config))) == [DEPENDENCIES]
    step.update(DependsOn=["Split"], Name="Train (v2)")
    assert list(failed(static(builder, config))) == [STEP]


def test_without_a_step_nothing_else_passes(builder: Any, config: Any) -> None:
    builder.create_step = lambda: None
    builder.get_expected_artifacts = lambda: ["/opt/ml/model/model.json"]
    results = static(builder, config)
    assert list(failed(results)) == [STEP, ARTIFACTS]
    assert results["summary"]["passed"] == 0


def test_a_script_that_fails_fails_the_framework_test(
    builder: Any, config: Any, write_script: Any, tmp_path: Path
) -> None:
    write_script(LOOKS_AT_ARGUMENTS + 'raise RuntimeError("no convergence")\n')
    tests = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root"))
    result = tests.test_framework_specific_training_workflow()
    assert result["passed"] is False
    assert "no convergence" in " ".join([*result["errors"], result["details"]["local_run"]])


def test_an_output_config_that_leaves_out_what_the_request_has_is_a_warning(
    builder: Any, config: Any
) -> None:
    builder.get_model_output_config = lambda: {"KmsKeyId": "alias/mine"}
    results = static(builder, config)
    assert failed(results) == {}
    assert "Missing model output field: S3OutputPath" in results["tests"][ARTIFACTS]["warnings"]
    helper = TrainingIntegrationTests(builder, config)._validate_model_output_config(
        {"KmsKeyId": "alias/mine"}
    )
    assert helper == {"valid": False, "errors": ["Missing model output field: S3OutputPath"]}


@pytest.mark.parametrize("whole", [True, False])
def test_an_unknown_member_of_the_output_config_is_the_artifact_tests_alone(
    builder: Any, config: Any, whole: bool
) -> None:
    if not whole:
        del builder.request["OutputDataConfig"]
    builder.get_model_output_config = lambda: {
        "S3OutputPath": "s3://example-bucket/churn/models/",
        "KmsKey": "alias/mine",
    }
    results = static(builder, config)
    assert list(failed(results)) == [ARTIFACTS] and len(failed(results)[ARTIFACTS]) == 1
    assert "Did you mean 'KmsKeyId'?" in failed(results)[ARTIFACTS][0]


def test_an_image_of_another_region_is_the_framework_tests_alone(builder: Any, config: Any) -> None:
    results = static(builder, {**config, "region": "eu-central-1"})
    assert list(failed(results)) == [FRAMEWORK]


def test_what_is_wrong_with_the_request_is_said_once_where_it_is_tuned_too(builder: Any, config: Any) -> None:
    builder.request["OutputDataConfig"]["S3OutputPath"] = "/local/models"
    builder.get_model_output_config = None  # no hook
    (errors,) = failed(static(builder, config)).values()
    assert len(errors) == 1


@pytest.mark.parametrize(
    ("fault", "test", "rule"),
    [
        (_set(("ResourceConfig", "InstanceType"), "ml.m5.xlrge"), PERFORMANCE, "RES001"),
        (_set(("StoppingCondition", "MaxRuntimeInSeconds"), 0), STEP, "STP007"),
        (_set(("HyperParameters", "epochs"), "many"), HYPERPARAMETERS, "HPO052"),
    ],
)
def test_a_wrong_value_of_the_request_is_no_disagreement_with_the_hooks_too(
    fault: Fault, test: str, rule: str, builder: Any, config: Any
) -> None:
    seconds = builder.request["StoppingCondition"]["MaxRuntimeInSeconds"]
    builder.get_distributed_config = lambda: {"InstanceType": "ml.m5.xlarge"}
    builder.get_resource_optimization_config = lambda: {
        "instance_type": "ml.m5.xlarge",
        "max_runtime_in_seconds": seconds,
    }
    assert not failed(static(builder, config))
    fault(builder)
    found = failed(static(builder, config))
    assert {name: [error[:6] for error in errors] for name, errors in found.items()} == {test: [rule]}


def test_a_number_among_the_hyperparameters_is_said_once_where_they_are_tuned_too(
    builder: Any, config: Any
) -> None:
    builder.request["HyperParameters"]["epochs"] = 3
    found = failed(static(builder, config))
    assert [len(errors) for errors in found.values()] == [1] and "STP003" in next(iter(found.values()))[0]


def test_what_the_request_lacks_fails_one_test(builder: Any, config: Any) -> None:
    """The hooks fill in the instance; that there is no volume is said where resources are tested."""
    del builder.request["ResourceConfig"]
    builder.get_resource_optimization_config = lambda: {"instance_type": "ml.m5.xlarge", "instance_count": 1}
    assert list(failed(static(builder, config))) == ["test_training_performance_optimization"]


def test_a_missing_entry_point_is_the_framework_tests_alone(
    builder: Any, config: Any, tmp_path: Path
) -> None:
    config["entry_point"] = "missing.py"
    results = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root")).run_all_tests()
    assert list(failed(results)) == [FRAMEWORK], failed(results)
    assert "missing.py" in results["tests"][FRAMEWORK]["details"]["local_job"]["failure_reason"]


def test_a_request_that_is_refused_is_not_run(builder: Any, config: Any, tmp_path: Path) -> None:
    builder.request["RoleArn"] = "no ARN"
    results = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root")).run_all_tests()
    assert list(failed(results)) == [STEP]
    assert "SageMaker refuses" in results["tests"][FRAMEWORK]["details"]["local_run"]


def test_content_type_is_asked_for_by_the_helper_and_not_by_aws(builder: Any, config: Any) -> None:
    del builder.request["InputDataConfig"][0]["ContentType"]
    result = TrainingIntegrationTests(builder, config, execute=False).test_data_channel_integration()
    assert result["details"]["input_0_validation"]["valid"] is False
    assert result["passed"] is True
    assert "Training input 0 missing field: ContentType" in result["warnings"]

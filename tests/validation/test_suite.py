"""The suite is under test itself: what is sound passes, and the results say what was looked at."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from cursus.checks.views import Settings
from cursus.validation.builders.suite import run_tests
from cursus.validation.builders.trial import Trial
from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests
from tests.validation.results import (
    ARTIFACTS,
    CHANNELS,
    DEPENDENCIES,
    DISTRIBUTED,
    FRAMEWORK,
    HYPERPARAMETERS,
    KEYS,
    MONITORING,
    NAMES,
    PERFORMANCE,
    STEP,
    failed,
    static,
    statuses,
)


def test_sound_builder_passes_all_nine_without_a_run(builder: Any, config: Any) -> None:
    results = static(builder, config)
    assert failed(results) == {}
    assert statuses(results) == dict.fromkeys(NAMES, "passed")
    assert results["all_tests_passed"] is True
    assert results["step_type"] == "Training"
    assert results["step_name"] == "churn"
    assert results["summary"]["passed"] == 9
    assert results["tests"][ARTIFACTS]["details"]["local_run"].startswith("not run: left out on request")


GOES_ON = """
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--learning-rate")
epochs = parser.parse_args().epochs
rows = len(pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv").read_text())
state = pathlib.Path("/opt/ml/checkpoints/epoch.txt")
for epoch in range(int(state.read_text()) if state.exists() else 0, epochs):
    print(f"loss={rows / (epoch + 1)}")
    state.write_text(str(epoch + 1))
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(str(rows))
"""


def test_a_job_with_checkpoints_can_be_tested_again(
    builder: Any, config: Any, write_script: Any, tmp_path: Path
) -> None:
    """The second run starts as a first one does, not where the first one ended."""
    builder.request["CheckpointConfig"] = {"S3Uri": "s3://example-bucket/churn/checkpoints/"}
    write_script(GOES_ON)
    for _ in range(2):
        results = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root")).run_all_tests()
        assert failed(results) == {}
        assert results["tests"][MONITORING]["details"]["metrics"]["loss"]["count"] == 3


def test_sound_builder_passes_all_nine_with_a_run(builder: Any, config: Any, tmp_path: Path) -> None:
    tests = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root"))
    results = tests.run_all_tests()
    assert failed(results) == {}
    assert results["all_tests_passed"] is True
    details = results["tests"][ARTIFACTS]["details"]
    assert details["local_run"].startswith("Completed")
    assert details["model_files"]["model.json"] > 0
    assert results["tests"][MONITORING]["details"]["metrics"]["loss"]["count"] == 3
    jobs = {
        one["details"]["local_job"]["name"]
        for one in results["tests"].values()
        if "local_job" in one["details"]
    }
    assert len(jobs) == 1, "one run serves all nine"


def test_the_same_builder_can_be_run_twice(builder: Any, config: Any, tmp_path: Path) -> None:
    for _ in range(2):
        tests = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root"))
        assert tests.test_model_artifact_generation()["passed"] is True


def test_results_are_json_and_have_the_keys(builder: Any, config: Any) -> None:
    results = static(builder, config)
    assert json.loads(json.dumps(results, allow_nan=False)) == results
    assert list(results["tests"]) == NAMES
    for one in results["tests"].values():
        assert list(one) == KEYS
        assert one["passed"] is {"passed": True, "failed": False, "skipped": None}[one["status"]]
    assert set(results) == {"all_tests_passed", "step_type", "step_name", "tests", "summary", "findings"}


def test_details_have_the_documented_keys(builder: Any, config: Any) -> None:
    builder.get_auto_ml_config = lambda: {"problem_type": "BinaryClassification", "objective": "F1"}
    tests = {name: one["details"] for name, one in static(builder, config)["tests"].items()}
    assert tests[STEP]["step_created"] is True
    assert tests[STEP]["step_validation"] == {"valid": True, "errors": []}
    assert tests[STEP]["step_config"] == builder.get_step_config()
    assert tests[STEP]["config_validation"]["valid"] is True
    assert tests[FRAMEWORK]["framework"] == "custom"
    assert tests[HYPERPARAMETERS]["hyperparameters"] == {"epochs": 3, "learning-rate": 0.1}
    for key in ("hyperparam_validation", "tuning_config", "tuning_validation", "automl_config"):
        assert key in tests[HYPERPARAMETERS]
    assert tests[HYPERPARAMETERS]["automl_validation"].keys() >= {"valid", "errors"}
    assert tests[CHANNELS]["training_inputs"][0]["ChannelName"] == "train"
    assert tests[CHANNELS]["input_0_validation"] == {"valid": True, "errors": []}
    assert tests[CHANNELS]["data_distribution"] == {"train": "FullyReplicated"}
    assert tests[CHANNELS]["distribution_validation"]["valid"] is True
    assert tests[ARTIFACTS]["model_output_config"] == builder.get_model_output_config()
    assert tests[ARTIFACTS]["output_validation"]["valid"] is True
    assert tests[ARTIFACTS]["expected_artifacts"] == ["model.tar.gz", "model.json"]
    assert tests[ARTIFACTS]["artifact_validation"]["valid"] is True
    assert tests[MONITORING]["metrics_config"] == builder.get_metrics_config()
    assert tests[MONITORING]["metrics_validation"]["valid"] is True
    assert tests[MONITORING]["logging_config"] == builder.get_logging_config()
    assert tests[MONITORING]["logging_validation"]["valid"] is True
    assert tests[DISTRIBUTED]["is_distributed"] is False
    assert tests[DISTRIBUTED]["training_type"] == "single_instance"
    assert tests[PERFORMANCE]["resource_optimization"] == builder.get_resource_optimization_config()
    assert tests[PERFORMANCE]["resource_validation"]["valid"] is True
    assert tests[PERFORMANCE]["gpu_optimization"] == {"mixed_precision": "none"}
    assert tests[PERFORMANCE]["gpu_validation"]["valid"] is True


def test_a_request_alone_is_looked_at_as_far_as_it_goes(request_of_create_training_job: Any) -> None:
    class OnlyCreates:
        def create_step(self) -> Any:
            return request_of_create_training_job

    results = TrainingIntegrationTests(OnlyCreates).run_all_tests()
    assert failed(results) == {}
    assert statuses(results)[DISTRIBUTED] == statuses(results)[DEPENDENCIES] == "skipped"
    assert results["tests"][DISTRIBUTED]["details"]["training_type"] == "single_instance"
    assert results["tests"][CHANNELS]["details"]["input_0_validation"]["valid"] is True
    assert results["all_tests_passed"] is True


def test_distributed_training_is_looked_at(builder: Any, config: Any) -> None:
    builder.request["ResourceConfig"]["InstanceCount"] = 2
    del builder.request["InputDataConfig"]
    builder.is_distributed_training = lambda: True
    builder.get_distributed_config = lambda: {"InstanceType": "ml.m5.xlarge", "InstanceCount": 4}
    result = TrainingIntegrationTests(builder, execute=False).test_distributed_training_integration()
    assert result["passed"] is False
    assert result["details"]["is_distributed"] is True
    assert result["details"]["distributed_config"]["InstanceCount"] == 4
    assert result["details"]["distributed_validation"].keys() >= {"valid", "errors"}
    assert "training_type" not in result["details"]
    assert any("InstanceCount is 4" in error for error in result["errors"])


def test_without_data_there_is_no_run_and_the_details_say_why(
    builder: Any, config: Any, tmp_path: Path
) -> None:
    del config["local_channels"]
    results = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root")).run_all_tests()
    assert failed(results) == {}
    told = results["tests"][FRAMEWORK]["details"]["local_run"]
    assert told.startswith("not run: ")
    assert "train" in told
    assert any("not run" in warning for warning in results["tests"][FRAMEWORK]["warnings"])


@dataclasses.dataclass
class Attributes:
    TrainingJobName: Any
    RoleArn: Any
    AlgorithmSpecification: Any
    HyperParameters: Any
    InputDataConfig: Any
    OutputDataConfig: Any
    ResourceConfig: Any
    StoppingCondition: Any


class Arguments:
    name = "TrainChurn"

    def __init__(self, arguments: Any) -> None:
        self.arguments = arguments


@pytest.mark.parametrize("form", ["mapping", "attributes", "arguments"])
def test_steps_in_all_their_forms(form: str, builder: Any, config: Any) -> None:
    request = dict(builder.request)
    step: Any = request
    if form == "attributes":
        step = Attributes(**request)
    if form == "arguments":
        del request["TrainingJobName"]
        step = Arguments(request)
    builder.create_step = lambda: step
    results = static(builder, config)
    assert failed(results) == {}
    assert results["tests"][STEP]["warnings"] == []
    assert results["step_name"] == ("TrainChurn" if form == "arguments" else "churn")


def test_what_no_framework_tells_is_skipped(builder: Any, config: Any) -> None:
    del builder.request["AlgorithmSpecification"]["TrainingImage"]
    result = TrainingIntegrationTests(
        builder, config, execute=False
    ).test_framework_specific_training_workflow()
    assert result["details"]["framework"] == "No framework detected"
    assert result["passed"] is not True


def test_dependencies_without_upstream_are_not_checked_and_say_so(builder: Any, config: Any) -> None:
    del config["upstream"]
    result = TrainingIntegrationTests(builder, config, execute=False).test_training_dependency_resolution()
    assert result["passed"] is None
    assert "Not checked" in result["details"]["skipped"]


def test_secrets_are_hidden(builder: Any, config: Any) -> None:
    builder.get_hyperparameters = lambda: {"epochs": 3, "api_key": "correct-horse-battery"}
    assert "correct-horse" not in json.dumps(static(builder, config))


def test_a_step_of_another_type_is_no_training_step() -> None:
    class Processes:
        def create_step(self) -> Any:
            return {
                "ProcessingJobName": "split",
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
                },
                "AppSpecification": {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/split:1"},
                "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            }

    assert static(Processes)["all_tests_passed"] is False


def test_results_come_one_by_one(builder: Any, config: Any) -> None:
    results = run_tests(Trial(builder, config, execute=False))
    assert next(results)["test_name"] == STEP
    assert [one["test_name"] for one in results] == NAMES[1:]


def test_single_tests_can_be_chosen(builder: Any, config: Any) -> None:
    assert [one["test_name"] for one in run_tests(Trial(builder, config), [DEPENDENCIES])] == [DEPENDENCIES]


def test_skip_reasons_hold_no_broken_text(builder: Any, config: Any) -> None:
    builder.get_dependencies = lambda: ["step-\ud800"]
    del config["upstream"]
    json.dumps(static(builder, config), ensure_ascii=False).encode()


def test_without_a_step_a_configuration_alone_is_nothing_to_look_at(config: Any) -> None:
    class Empty: ...

    results = TrainingIntegrationTests(Empty, {**config, "training_instance_count": 2}).run_all_tests()
    assert list(failed(results)) == ["test_complete_training_step_creation"]
    assert set(statuses(results).values()) == {"failed", "skipped"}


def test_without_a_request_no_test_speaks_of_what_it_lacks(builder: Any, config: Any) -> None:
    def fails() -> None:
        raise RuntimeError("no role")

    builder.create_step = fails
    results = static(builder, config)
    skips = {
        str(one["details"]["skipped"]) for one in results["tests"].values() if one["status"] == "skipped"
    }
    assert skips and all(skip.startswith("No step was created") for skip in skips), skips


def test_an_area_without_a_selected_rule_is_skipped(builder: Any, config: Any) -> None:
    results = TrainingIntegrationTests(
        builder, config, execute=False, settings=Settings(select=("CHN",))
    ).run_all_tests()
    looked_at = [name for name, status in statuses(results).items() if status == "passed"]
    assert looked_at == ["test_complete_training_step_creation", "test_data_channel_integration"]
    assert not failed(results)


def test_a_folder_for_a_channel_that_there_is_not_is_a_warning(
    builder: Any, config: Any, tmp_path: Path
) -> None:
    config["local_channels"]["tests"] = str(tmp_path)
    results = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root")).run_all_tests()
    assert results["all_tests_passed"] is True
    framework = results["tests"]["test_framework_specific_training_workflow"]
    assert framework["details"]["local_job"]["status"] == "Completed"
    assert any("'tests'" in warning for warning in framework["warnings"])


def test_a_library_that_only_this_machine_lacks_is_a_warning(
    builder: Any, config: Any, tmp_path: Path
) -> None:
    """The image has it: that the script could not be run here says nothing against the step."""
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    builder.request["AlgorithmSpecification"]["TrainingImage"] = image
    script = Path(config["source_dir"], "train.py")
    script.write_text("import xgboost\n" + script.read_text())
    results = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root")).run_all_tests()
    framework = results["tests"]["test_framework_specific_training_workflow"]
    if framework["details"]["local_job"]["status"] == "Completed":
        pytest.skip("XGBoost is installed")
    assert framework["status"] == "passed", framework["errors"]
    assert any("not installed on this machine" in warning for warning in framework["warnings"])

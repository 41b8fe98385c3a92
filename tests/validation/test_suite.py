"""The suite is under test itself: what is sound passes, one fault fails one test, nothing passes unseen."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cursus.checks.views import Settings
from cursus.validation.builders.results import TESTS
from cursus.validation.builders.suite import run_tests
from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests

(
    STEP,
    FRAMEWORK,
    HYPERPARAMETERS,
    CHANNELS,
    ARTIFACTS,
    MONITORING,
    DISTRIBUTED,
    PERFORMANCE,
    DEPENDENCIES,
) = NAMES = [test.name for test in TESTS]
KEYS = ["test_name", "passed", "status", "details", "errors", "warnings", "findings", "duration_seconds"]


def statuses(results: dict[str, Any]) -> dict[str, str]:
    return {name: one["status"] for name, one in results["tests"].items()}


def failed(results: dict[str, Any]) -> dict[str, list[str]]:
    return {name: one["errors"] for name, one in results["tests"].items() if one["status"] == "failed"}


def static(builder: Any, config: Any = None) -> dict[str, Any]:
    return TrainingIntegrationTests(builder, config, execute=False).run_all_tests()


def test_sound_builder_passes_all_nine_without_a_run(builder: Any, config: Any) -> None:
    results = static(builder, config)
    assert failed(results) == {}
    assert statuses(results) == dict.fromkeys(NAMES, "passed")
    assert results["all_tests_passed"] is True
    assert results["step_type"] == "Training"
    assert results["step_name"] == "churn"
    assert results["summary"]["passed"] == 9
    assert results["tests"][ARTIFACTS]["details"]["local_run"].startswith("not run: left out on request")


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


def test_a_script_that_fails_fails_the_framework_test(
    builder: Any, config: Any, write_script: Any, tmp_path: Path
) -> None:
    write_script(LOOKS_AT_ARGUMENTS + 'raise RuntimeError("no convergence")\n')
    tests = TrainingIntegrationTests(builder, config, root=str(tmp_path / "root"))
    result = tests.test_framework_specific_training_workflow()
    assert result["passed"] is False
    assert "no convergence" in " ".join([*result["errors"], result["details"]["local_run"]])


class NoMethods:
    pass


class ReturnsNone:
    def create_step(self) -> Any:
        return None


class Raises:
    def create_step(self) -> Any:
        raise KeyError("bucket")


class CannotBeBuilt:
    def __init__(self) -> None:
        raise OSError("no such thing")

    def create_step(self) -> Any:
        return {}


@pytest.mark.parametrize(
    "builder", [NoMethods, NoMethods(), ReturnsNone, ReturnsNone(), Raises, CannotBeBuilt, 42, None]
)
def test_what_makes_no_step_fails_at_step_creation(builder: Any) -> None:
    results = TrainingIntegrationTests(builder).run_all_tests()
    assert results["all_tests_passed"] is False
    assert results["tests"][STEP]["passed"] is False
    assert results["tests"][STEP]["details"]["step_created"] is False
    assert "Failed to create Training step" in results["tests"][STEP]["errors"]
    assert {one["passed"] for name, one in results["tests"].items() if name != STEP} == {None}
    assert all(one["details"]["skipped"] for name, one in results["tests"].items() if name != STEP)


def test_create_step_that_raises_keeps_its_traceback() -> None:
    result = TrainingIntegrationTests(Raises).test_complete_training_step_creation()
    assert 'raise KeyError("bucket")' in result["details"]["hook_failures"]["create_step"]["traceback"]


HOOK_TESTS = {
    "get_step_config": STEP,
    "get_hyperparameters": HYPERPARAMETERS,
    "get_tuning_config": HYPERPARAMETERS,
    "get_auto_ml_config": HYPERPARAMETERS,
    "get_training_inputs": CHANNELS,
    "get_data_distribution_config": CHANNELS,
    "get_model_output_config": ARTIFACTS,
    "get_expected_artifacts": ARTIFACTS,
    "get_metrics_config": MONITORING,
    "get_logging_config": MONITORING,
    "is_distributed_training": DISTRIBUTED,
    "get_distributed_config": DISTRIBUTED,
    "get_resource_optimization_config": PERFORMANCE,
    "get_gpu_optimization_config": PERFORMANCE,
    "get_dependencies": DEPENDENCIES,
}


@pytest.mark.parametrize(("hook", "test"), HOOK_TESTS.items())
def test_a_hook_that_raises_fails_its_test_and_the_others_go_on(
    hook: str, test: str, builder: Any, config: Any
) -> None:
    def broken() -> Any:
        raise ZeroDivisionError("in the hook")

    setattr(builder, hook, broken)
    results = static(builder, config)
    assert list(failed(results)) == [test], failed(results)
    result = results["tests"][test]
    assert any("ZeroDivisionError" in error for error in result["errors"])
    assert "in the hook" in result["details"]["hook_failures"][hook]["traceback"]


@pytest.mark.parametrize(("hook", "test"), HOOK_TESTS.items())
def test_a_hook_that_returns_nonsense_fails_its_test(hook: str, test: str, builder: Any, config: Any) -> None:
    setattr(builder, hook, lambda: object())
    results = static(builder, config)
    assert list(failed(results)) == [test], failed(results)


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


def test_a_distributed_configuration_waits_for_the_day_it_is_used(builder: Any, config: Any) -> None:
    builder.get_distributed_config = lambda: {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 4}
    results = static(builder, config)
    assert failed(results) == {}
    assert results["tests"][DISTRIBUTED]["details"]["training_type"] == "single_instance"


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


def test_hooks_fill_in_what_the_request_leaves_out_and_the_details_say_so(builder: Any, config: Any) -> None:
    for member in ("InputDataConfig", "OutputDataConfig", "HyperParameters"):
        del builder.request[member]
    builder.get_training_inputs = lambda: {"train": "s3://example-bucket/churn/train/"}
    tests = static(builder, config)["tests"]
    assert "get_training_inputs" in tests[CHANNELS]["details"]["filled_from_hooks"]
    assert "get_model_output_config" in tests[ARTIFACTS]["details"]["filled_from_hooks"]
    assert "get_hyperparameters" in tests[HYPERPARAMETERS]["details"]["filled_from_hooks"]


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
    results = run_tests(builder, config, execute=False)
    assert next(results)["test_name"] == STEP
    assert [one["test_name"] for one in results] == NAMES[1:]


def test_single_tests_can_be_chosen(builder: Any, config: Any) -> None:
    assert [one["test_name"] for one in run_tests(builder, config, tests=[DEPENDENCIES])] == [DEPENDENCIES]


def test_a_step_that_was_not_made_fails_no_test_of_the_hooks(builder: Any, config: Any) -> None:
    """What the hooks alone leave out of a request is no fault of theirs."""
    builder.create_step = lambda: 1 / 0
    results = static(builder, config)
    assert list(failed(results)) == ["test_complete_training_step_creation"]


def test_a_fault_in_a_hook_is_found_without_a_step(builder: Any, config: Any) -> None:
    builder.create_step = lambda: 1 / 0
    builder.get_resource_optimization_config = lambda: {"instance_type": "ml.m5.xxlarge"}
    assert list(failed(static(builder, config))) == [
        "test_complete_training_step_creation",
        "test_training_performance_optimization",
    ]


def test_what_the_request_lacks_fails_one_test(builder: Any, config: Any) -> None:
    """The hooks fill in the instance; that there is no volume is said where resources are tested."""
    del builder.request["ResourceConfig"]
    builder.get_resource_optimization_config = lambda: {"instance_type": "ml.m5.xlarge", "instance_count": 1}
    assert list(failed(static(builder, config))) == ["test_training_performance_optimization"]


def test_skip_reasons_hold_no_broken_text(builder: Any, config: Any) -> None:
    builder.get_dependencies = lambda: ["step-\ud800"]
    del config["upstream"]
    json.dumps(static(builder, config), ensure_ascii=False).encode()


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


def test_what_is_wrong_with_the_request_is_said_once_where_it_is_tuned_too(builder: Any, config: Any) -> None:
    builder.request["OutputDataConfig"]["S3OutputPath"] = "/local/models"
    builder.get_model_output_config = None  # no hook
    (errors,) = failed(static(builder, config)).values()
    assert len(errors) == 1


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

"""The helpers: three with lists and words of their own, the others real checks of the form they are given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests


@pytest.fixture
def tests(builder: Any, config: Any) -> TrainingIntegrationTests:
    return TrainingIntegrationTests(builder, config, execute=False)


def test_step_properties_in_the_words_of_the_suite(tests: TrainingIntegrationTests) -> None:
    names = ["TrainingJobName", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig"]
    errors = [f"Missing required property: {name}" for name in names]
    assert tests._validate_training_step_properties(object()) == {"valid": False, "errors": errors}
    assert tests._validate_training_step_properties({}) == {"valid": False, "errors": errors}
    whole = dict.fromkeys(names, "x")
    assert tests._validate_training_step_properties(whole) == {"valid": True, "errors": []}
    assert tests._validate_training_step_properties(SimpleNamespace(**whole))["valid"] is True
    del whole["RoleArn"]
    for step in (whole, SimpleNamespace(**whole), SimpleNamespace(arguments=whole)):
        assert tests._validate_training_step_properties(step)["errors"] == [
            "Missing required property: RoleArn"
        ]


def test_training_input_in_the_words_of_the_suite(tests: TrainingIntegrationTests) -> None:
    assert tests._validate_training_input({"DataSource": {}, "ContentType": "text/csv"}, 0)["valid"] is True
    assert tests._validate_training_input({}, 3) == {
        "valid": False,
        "errors": [
            "Training input 3 missing field: DataSource",
            "Training input 3 missing field: ContentType",
        ],
    }


def test_model_output_in_the_words_of_the_suite(tests: TrainingIntegrationTests) -> None:
    assert tests._validate_model_output_config({"S3OutputPath": "s3://b/m/"}) == {"valid": True, "errors": []}
    assert tests._validate_model_output_config({}) == {
        "valid": False,
        "errors": ["Missing model output field: S3OutputPath"],
    }


RANGES = {"learning-rate": {"min": 0.0001, "max": 0.1}}
TUNING = {"objective_metric": "loss", "hyperparameter_ranges": RANGES, "max_jobs": 20, "max_parallel_jobs": 3}
METRIC = {"Name": "validation:accuracy", "Regex": "Validation Accuracy: ([0-9\\.]+)"}
CASES: list[tuple[str, Any, Any]] = [
    ("_validate_hyperparameters", {"epochs": 10, "learning-rate": 0.5}, {"x" * 300: "1"}),
    ("_validate_tuning_config", TUNING, {**TUNING, "max_parallel_jobs": 30}),
    ("_validate_tuning_config", TUNING, {**TUNING, "objective_metric": "unknown"}),
    (
        "_validate_tuning_config",
        TUNING,
        {**TUNING, "hyperparameter_ranges": {"learning-rate": {"min": 0.5, "max": 0.1}}},
    ),
    (
        "_validate_automl_config",
        {"problem_type": "BinaryClassification", "objective": "F1", "max_candidates": 250},
        {"problem_type": "BinaryClassification", "objective": "RMSE", "max_candidates": 250},
    ),
    (
        "_validate_automl_config",
        {"problem_type": "Regression", "objective": "MSE"},
        {"problem_type": "Regresion", "objective": "MSE"},
    ),
    ("_validate_data_distribution", {"train": "ShardedByS3Key"}, {"train": "Sharded"}),
    ("_validate_data_distribution", {"train": "FullyReplicated"}, {"test": "FullyReplicated"}),
    ("_validate_expected_artifacts", ["model.pkl", "model.tar.gz"], ["../model.pkl"]),
    (
        "_validate_metrics_config",
        {"MetricDefinitions": [METRIC]},
        {"MetricDefinitions": [{**METRIC, "Regex": "("}]},
    ),
    ("_validate_metrics_config", {"MetricDefinitions": [METRIC]}, {"MetricDefinitions": [METRIC] * 41}),
    ("_validate_metrics_config", [METRIC], {"metrics": [METRIC]}),
    ("_validate_automl_config", {"target_attribute_name": "churned"}, {}),
    ("_validate_logging_config", {"LogLevel": "INFO"}, {"LogLevel": "LOUD"}),
    ("_validate_logging_config", {"EnableCloudWatchLogging": True}, {"EnableCloudWatchLogging": False}),
    (
        "_validate_distributed_config",
        {"InstanceType": "ml.c5.xlarge", "InstanceCount": 2, "DistributionStrategy": "DataParallel"},
        {"InstanceType": "ml.c5.xlarge", "InstanceCount": 0, "DistributionStrategy": "DataParallel"},
    ),
    (
        "_validate_distributed_config",
        {"InstanceType": "ml.c5.xlarge", "InstanceCount": 2},
        {"InstanceType": "ml.c5.xxlarge", "InstanceCount": 2},
    ),
    (
        "_validate_resource_optimization",
        {"instance_type": "ml.m5.2xlarge", "volume_size_in_gb": 100},
        {"instance_type": "ml.m5.2xlarg", "volume_size_in_gb": 100},
    ),
    ("_validate_resource_optimization", {"volume_size_in_gb": 100}, {"volume_size_in_gb": -1}),
    (
        "_validate_resource_optimization",
        {"use_spot_instances": True, "max_runtime_in_seconds": 600, "max_wait_in_seconds": 900},
        {"use_spot_instances": True, "max_runtime_in_seconds": 900, "max_wait_in_seconds": 600},
    ),
    (
        "_validate_gpu_optimization",
        {"instance_type": "ml.g5.xlarge", "mixed_precision": "bf16"},
        {"instance_type": "ml.p3.2xlarge", "mixed_precision": "bf16"},
    ),
    (
        "_validate_step_config_completeness",
        {"training_instance_type": "ml.m5.xlarge", "max_runtime_in_seconds": 86400},
        {"training_instance_type": "ml.m5.xlarge", "max_runtime_in_seconds": -1},
    ),
]


@pytest.mark.parametrize(("helper", "right", "wrong"), CASES)
def test_helper_tells_a_right_form_from_a_wrong_one(
    tests: TrainingIntegrationTests, helper: str, right: Any, wrong: Any
) -> None:
    assert getattr(tests, helper)(right)["errors"] == []
    verdict = getattr(tests, helper)(wrong)
    assert verdict["valid"] is False
    assert verdict["errors"]
    assert all(isinstance(error, str) for error in verdict["errors"])


HELPERS = sorted({helper for helper, _, _ in CASES})


@pytest.mark.parametrize("helper", HELPERS)
@pytest.mark.parametrize("nonsense", [None, 42, object(), b"x"], ids=["None", "number", "object", "bytes"])
def test_helper_refuses_nonsense(tests: TrainingIntegrationTests, helper: str, nonsense: Any) -> None:
    assert getattr(tests, helper)(nonsense)["valid"] is False


def test_a_helper_blames_a_form_only_for_itself(builder: Any, config: Any) -> None:
    builder.request["StoppingCondition"]["MaxRuntimeInSeconds"] = 0
    tests = TrainingIntegrationTests(builder, config, execute=False)
    assert tests._validate_resource_optimization({"volume_size_in_gb": 50})["errors"] == []


def test_workflow_helpers_know_their_framework(builder: Any, config: Any) -> None:
    builder.request["AlgorithmSpecification"]["TrainingImage"] = (
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    )
    tests = TrainingIntegrationTests(builder, config, execute=False)
    assert tests._detect_framework() == "sklearn"
    assert tests._test_sklearn_training_workflow()["errors"] == []
    for other in ("pytorch", "xgboost", "tensorflow"):
        assert getattr(tests, f"_test_{other}_training_workflow")()["valid"] is False


def test_the_builder_instance_is_built_with_the_config() -> None:
    class Builder:
        def __init__(self, config: Any) -> None:
            self.config = config

        def create_step(self) -> Any:
            return None

    config = {"training_instance_count": 1}
    assert TrainingIntegrationTests(Builder, config).builder_instance.config == config
    instance = Builder(config)
    assert TrainingIntegrationTests(instance).builder_instance is instance

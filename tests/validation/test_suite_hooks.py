"""Builders that make no step, and hooks that raise or give nonsense."""

from __future__ import annotations

from typing import Any

import pytest

from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests
from tests.validation.results import (
    ARTIFACTS,
    CHANNELS,
    DEPENDENCIES,
    DISTRIBUTED,
    HYPERPARAMETERS,
    MONITORING,
    PERFORMANCE,
    STEP,
    failed,
    static,
)


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


def test_hooks_fill_in_what_the_request_leaves_out_and_the_details_say_so(builder: Any, config: Any) -> None:
    for member in ("InputDataConfig", "OutputDataConfig", "HyperParameters"):
        del builder.request[member]
    builder.get_training_inputs = lambda: {"train": "s3://example-bucket/churn/train/"}
    tests = static(builder, config)["tests"]
    assert "get_training_inputs" in tests[CHANNELS]["details"]["filled_from_hooks"]
    assert "get_model_output_config" in tests[ARTIFACTS]["details"]["filled_from_hooks"]
    assert "get_hyperparameters" in tests[HYPERPARAMETERS]["details"]["filled_from_hooks"]


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


def test_a_distributed_configuration_waits_for_the_day_it_is_used(builder: Any, config: Any) -> None:
    builder.get_distributed_config = lambda: {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 4}
    results = static(builder, config)
    assert failed(results) == {}
    assert results["tests"][DISTRIBUTED]["details"]["training_type"] == "single_instance"

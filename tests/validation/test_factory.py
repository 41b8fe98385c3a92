"""The factory finds the suite that fits a builder, and says which there are."""

from __future__ import annotations

from typing import Any

import pytest

from cursus.validation.builders.registry_discovery import discover_step_type, explain_step_type
from cursus.validation.builders.test_factory import (
    NoSuiteError,
    UniversalStepBuilderTestFactory,
    register_suite,
    unregister_suite,
)
from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests


class Processes:
    step_type = "Processing"

    def create_step(self) -> Any:
        return {"ProcessingJobName": "split", "AppSpecification": {}, "ProcessingResources": {}}


def test_training_builders_get_the_training_suite(builder: Any, config: Any) -> None:
    factory = UniversalStepBuilderTestFactory()
    tests = factory.create_test_instance(builder, config)
    assert isinstance(tests, TrainingIntegrationTests)
    assert tests.builder_instance is builder
    assert tests.config == config
    assert isinstance(factory.create_test_instance(type(builder), config), TrainingIntegrationTests)


def test_a_class_that_needs_its_config_to_make_a_step(request_of_create_training_job: Any) -> None:
    class Bare:
        def __init__(self, config: Any) -> None:
            self.name = config["training_instance_type"]

        def create_step(self) -> Any:
            return request_of_create_training_job

    config = {"training_instance_type": "ml.m5.xlarge"}
    made = UniversalStepBuilderTestFactory().create_test_instance(Bare, config)
    assert isinstance(made, TrainingIntegrationTests)


@pytest.mark.parametrize("kind", ["Tuning", "AutoML"])
def test_what_trains_otherwise_gets_the_training_suite_too(kind: str) -> None:
    class Trains:
        step_type = kind

        def create_step(self) -> Any: ...

    assert isinstance(
        UniversalStepBuilderTestFactory().create_test_instance(Trains), TrainingIntegrationTests
    )


def test_options_go_to_the_suite(builder: Any, config: Any) -> None:
    tests = UniversalStepBuilderTestFactory().create_test_instance(builder, config, execute=False)
    assert tests.run_all_tests()["all_tests_passed"] is True


def test_training_is_discovered(builder: Any) -> None:
    assert discover_step_type(builder) == "Training"
    assert discover_step_type(type(builder)) == "Training"
    kind, reason = explain_step_type(builder)
    assert kind == "Training"
    assert reason


def test_a_type_without_a_suite_names_those_there_are() -> None:
    assert discover_step_type(Processes()) == "Processing"
    with pytest.raises(NoSuiteError, match=r"Processing.*Suites: AutoML, Training, Tuning"):
        UniversalStepBuilderTestFactory().create_test_instance(Processes())


def test_what_tells_nothing_is_an_error() -> None:
    with pytest.raises(NoSuiteError, match="Suites: AutoML, Training, Tuning"):
        UniversalStepBuilderTestFactory().create_test_instance(object())


def test_others_can_bring_their_own_suite() -> None:
    class ProcessingTests:
        def __init__(self, builder: Any, config: Any = None) -> None:
            self.builder = builder

    register_suite("Processing", ProcessingTests)
    try:
        builder = Processes()
        made = UniversalStepBuilderTestFactory().create_test_instance(builder)
        assert isinstance(made, ProcessingTests)
        assert made.builder is builder
    finally:
        unregister_suite("Processing")
    assert "Processing" not in UniversalStepBuilderTestFactory().suites


@pytest.mark.parametrize("wrong", ["", None])
def test_a_suite_needs_the_name_of_a_type(wrong: Any) -> None:
    with pytest.raises(ValueError, match="step type"):
        register_suite(wrong, TrainingIntegrationTests)


def test_a_suite_has_to_be_called() -> None:
    with pytest.raises(TypeError, match="cannot be called"):
        register_suite("Processing", "nonsense")  # type: ignore[arg-type]


def test_a_known_type_without_a_suite_is_not_taken_for_a_misspelling() -> None:
    class Other:
        step_type = "Transform"

    with pytest.raises(NoSuiteError) as caught:
        UniversalStepBuilderTestFactory().create_test_instance(Other)
    assert "Did you mean" not in str(caught.value)
    Other.step_type = "Procesing"
    with pytest.raises(NoSuiteError, match=r"Did you mean 'Processing'\?"):
        UniversalStepBuilderTestFactory().create_test_instance(Other)


def test_the_type_is_that_of_the_step_made_with_the_config(request_of_create_training_job: Any) -> None:
    """Not of the name, where only the config makes the step."""

    class ModelBuilder:
        def __init__(self, config: Any) -> None:
            self.request = config["request"]

        def create_step(self) -> Any:
            return self.request

    made = UniversalStepBuilderTestFactory().create_test_instance(
        ModelBuilder, {"request": request_of_create_training_job}
    )
    assert isinstance(made, TrainingIntegrationTests)

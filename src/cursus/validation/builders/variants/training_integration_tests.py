"""Level 4 integration tests of training step builders: nine tests, each a view on one area's findings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from cursus.checks.views import Settings
from cursus.validation.builders import details, forms, properties, suite
from cursus.validation.builders.framework import detect_framework
from cursus.validation.builders.results import BY_NAME, TESTS, Result
from cursus.validation.builders.trial import Trial

Validation = forms.Validation


class TrainingIntegrationTests:
    """The nine Level 4 tests of a training step builder.

    One lowering of the builder to its request, one static check and one local run serve all nine; each is
    made when a test first needs it. A result is a plain dict with ``test_name``, ``passed`` (True, False,
    None where skipped), ``status``, ``details``, ``errors``, ``warnings``, ``findings`` and
    ``duration_seconds``.

    Args:
        builder: a builder instance, or a class, which is built with ``config``.
        config: the flat training configuration (``training_instance_type`` …, ``source_dir``,
            ``entry_point``, ``local_channels``, ``role``, ``region``, ``upstream``, and
            ``inputs``, with which ``create_step`` is called).
        execute: run the step on this machine, where there is source code and data to run.
        settings: region, selected and ignored rules, allowed values.
        root: the folder of local jobs and of ``s3/``; ``.cursus`` in the current folder where None.
        timeout: seconds after which the local run is stopped.
        on_event: called with each event of the local run, for live output.
    """

    step_type = "Training"

    def __init__(
        self,
        builder: Any,
        config: Any = None,
        *,
        execute: bool = True,
        settings: Settings | None = None,
        root: str | None = None,
        timeout: float | None = None,
        on_event: Callable[[Any], None] | None = None,
    ) -> None:
        self.builder = builder
        self.config = config
        self.trial = Trial(
            builder,
            config,
            execute=execute,
            settings=settings,
            root=root,
            timeout=timeout,
            on_event=on_event,
        )

    @cached_property
    def builder_instance(self) -> Any:
        """The builder itself, built with the config where a class was given."""
        if not isinstance(self.builder, type):
            return self.builder
        from cursus.steps.lowering import constructing

        return constructing.instance(self.builder, self.config)

    def run_all_tests(self) -> dict[str, Any]:
        """Run all nine tests.

        Returns:
            ``all_tests_passed`` (step creation passed and nothing failed), ``step_type``, ``step_name``,
            ``tests`` (results by test name, in order), ``summary`` (counts) and ``findings``.
        """
        return suite.summarise(self.trial, suite.run_tests(self.trial))

    def _run(self, name: str) -> Result:
        return suite.run_test(self.trial, BY_NAME[name])

    def test_complete_training_step_creation(self) -> Result:
        """The step exists, and its request is one that SageMaker accepts."""
        return self._run("test_complete_training_step_creation")

    def test_framework_specific_training_workflow(self) -> Result:
        """Framework, version, image and script fit, and the script really starts and ends well."""
        return self._run("test_framework_specific_training_workflow")

    def test_hyperparameter_optimization_integration(self) -> Result:
        """Hyperparameters are those that the script takes; tuning and AutoML are sound."""
        return self._run("test_hyperparameter_optimization_integration")

    def test_data_channel_integration(self) -> Result:
        """Channels are sound, and are those that the script reads."""
        return self._run("test_data_channel_integration")

    def test_model_artifact_generation(self) -> Result:
        """The output goes to a sound place, and the promised artifacts are in it."""
        return self._run("test_model_artifact_generation")

    def test_training_job_monitoring(self) -> Result:
        """Metrics compile and match what the script prints; log, debugger and profiler settings are sound."""
        return self._run("test_training_job_monitoring")

    def test_distributed_training_integration(self) -> Result:
        """Strategy, instances and framework fit together, and the script divides the work."""
        return self._run("test_distributed_training_integration")

    def test_training_performance_optimization(self) -> Result:
        """Instances, volumes, GPUs and precision fit the hardware and the work."""
        return self._run("test_training_performance_optimization")

    def test_training_dependency_resolution(self) -> Result:
        """Every dependency is provided by a step before this one."""
        return self._run("test_training_dependency_resolution")

    def _validate_training_step_properties(self, step: Any) -> Validation:
        """Whether the step has the properties that this suite asks for. Stricter than AWS."""
        return properties.step_properties(step)

    def _validate_training_input(self, input_config: Any, index: int) -> Validation:
        """Whether the channel has the fields that this suite asks for. Stricter than AWS."""
        return properties.training_input(input_config, index)

    def _validate_model_output_config(self, config: Any) -> Validation:
        """Whether the output configuration has the fields that this suite asks for."""
        return properties.model_output(config)

    def _validate_step_config_completeness(self, config: Any) -> Validation:
        """Whether the configuration, a request or the flat form, makes a whole request with the builder's."""
        return forms.validate(self.trial, "get_step_config", config)

    def _validate_hyperparameters(self, hyperparameters: Any) -> Validation:
        """Whether the builder's job could be run with these hyperparameters."""
        return forms.validate(self.trial, "get_hyperparameters", hyperparameters)

    def _validate_tuning_config(self, config: Any) -> Validation:
        """Whether the configuration makes a sound CreateHyperParameterTuningJob with the builder's job."""
        return forms.validate(self.trial, "get_tuning_config", config)

    def _validate_automl_config(self, config: Any) -> Validation:
        """Whether the configuration makes a sound CreateAutoMLJob with the builder's data and output."""
        return forms.validate(self.trial, "get_auto_ml_config", config)

    def _validate_data_distribution(self, config: Any) -> Validation:
        """Whether the distribution names channels of the builder and types that S3 data sources have."""
        return forms.validate(self.trial, "get_data_distribution_config", config)

    def _validate_expected_artifacts(self, artifacts: Any) -> Validation:
        """Whether the artifacts are paths that the model's archive can have."""
        return forms.validate(self.trial, "get_expected_artifacts", artifacts)

    def _validate_metrics_config(self, config: Any) -> Validation:
        """Whether the metric definitions compile, capture one number and fit the limits."""
        return forms.validate(self.trial, "get_metrics_config", config)

    def _validate_logging_config(self, config: Any) -> Validation:
        """Whether SageMaker can log as the configuration says."""
        return forms.validate(self.trial, "get_logging_config", config)

    def _validate_distributed_config(self, config: Any) -> Validation:
        """Whether strategy, instances and framework of the configuration fit the builder's job."""
        return forms.validate(self.trial, "get_distributed_config", config)

    def _validate_resource_optimization(self, config: Any) -> Validation:
        """Whether the builder's job could be run with these resources."""
        return forms.validate(self.trial, "get_resource_optimization_config", config)

    def _validate_gpu_optimization(self, config: Any) -> Validation:
        """Whether the hardware has what the GPU configuration asks for."""
        return forms.validate(self.trial, "get_gpu_optimization_config", config)

    def _detect_framework(self) -> str | None:
        """``pytorch``, ``xgboost``, ``tensorflow``, ``sklearn``, ``custom`` …, None where nothing tells."""
        return detect_framework(self.trial)

    def _test_pytorch_training_workflow(self) -> Validation:
        """Whether the step trains with PyTorch, and everything about that fits."""
        return details.workflow(self.trial, "pytorch")

    def _test_xgboost_training_workflow(self) -> Validation:
        """Whether the step trains with XGBoost, and everything about that fits."""
        return details.workflow(self.trial, "xgboost")

    def _test_tensorflow_training_workflow(self) -> Validation:
        """Whether the step trains with TensorFlow, and everything about that fits."""
        return details.workflow(self.trial, "tensorflow")

    def _test_sklearn_training_workflow(self) -> Validation:
        """Whether the step trains with scikit-learn, and everything about that fits."""
        return details.workflow(self.trial, "sklearn")


# pytest collects classes by name in some configurations; this is a suite for builders, not a test of ours.
TrainingIntegrationTests.__test__ = False  # type: ignore[attr-defined]

__all__ = ["TESTS", "TrainingIntegrationTests"]

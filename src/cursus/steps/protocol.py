"""What a training step builder may have: the hooks, stated as a protocol.

Any class will do; no hook but ``create_step`` has to be there. What ``create_step`` gives is the request.
The other hooks are promises about it: each is held against the request, and where the request has no such
part the hook's value is put there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class StepBuilder(Protocol):
    """The one hook that every builder has."""

    def create_step(self, **kwargs: Any) -> Any:
        """The step, from which the request comes.

        A request mapping, an object with the request's members as attributes, or one with ``.arguments``.
        Called with those of ``inputs`` (name → S3 URI: the channels of ``get_training_inputs``, and the
        configuration's ``inputs``), ``outputs`` (output name → S3 URI) and ``dependencies`` (the steps that this
        one depends on) that its signature takes, and with the configuration, or what it has under their names, for
        other arguments that are required.
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
        """
        ...


class TrainingStepBuilder(StepBuilder, Protocol):
    """Every hook of a training step builder. A builder has as many of them as it likes."""

    def get_step_config(self) -> Mapping[str, Any]:
        """The step's request, or the flat configuration (``training_instance_type`` and its kin)."""
        ...

    def get_hyperparameters(self) -> Mapping[str, Any]:
        """Hyperparameters by name. Values that are not text become text as the SDK writes it."""
        ...

    def get_tuning_config(self) -> Mapping[str, Any] | None:
        """A tuning job: ``objective_metric``, ``hyperparameter_ranges``, ``max_jobs`` and so on."""
        ...

    def get_auto_ml_config(self) -> Mapping[str, Any] | None:
        """``problem_type``, ``objective``, ``max_candidates``, ``target_attribute_name`` …: an AutoML job."""
        ...

    def get_training_inputs(self) -> Sequence[Mapping[str, Any]] | Mapping[str, Any]:
        """The channels: members of InputDataConfig, as a list or by channel name."""
        ...

    def get_data_distribution_config(self) -> Mapping[str, Any]:
        """Channel name → ``FullyReplicated`` or ``ShardedByS3Key``."""
        ...

    def get_model_output_config(self) -> Mapping[str, Any]:
        """OutputDataConfig: ``S3OutputPath``, ``KmsKeyId``, ``CompressionType``."""
        ...

    def get_expected_artifacts(self) -> Sequence[str]:
        """Paths inside the model directory that training must leave, and ``model.tar.gz`` itself."""
        ...

    def get_metrics_config(self) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        """``{"MetricDefinitions": [{"Name": …, "Regex": …}]}``, or that list."""
        ...

    def get_logging_config(self) -> Mapping[str, Any]:
        """``LogLevel``, ``EnableSageMakerDebugger``, ``EnableCloudWatchLogging``."""
        ...

    def is_distributed_training(self) -> bool:
        """True where the job trains on several instances or processes."""
        ...

    def get_distributed_config(self) -> Mapping[str, Any]:
        """``InstanceType``, ``InstanceCount``, ``DistributionStrategy``; or a cluster (``MasterType`` …)."""
        ...

    def get_resource_optimization_config(self) -> Mapping[str, Any]:
        """``instance_type``, ``instance_count``, ``volume_size_in_gb``, ``use_spot_instances`` and so on."""
        ...

    def get_gpu_optimization_config(self) -> Mapping[str, Any]:
        """``instance_type``, ``mixed_precision``, ``processes_per_host``, ``gradient_accumulation_steps``."""
        ...

    def get_dependencies(self) -> Sequence[str] | Mapping[str, Any]:
        """Names of the steps needed, or logical input → ``{"step": …, "output": …}``."""
        ...

    def get_required_dependencies(self) -> Sequence[str] | Mapping[str, Any]:
        """As ``get_dependencies``, those without which the step cannot run."""
        ...

    def get_optional_dependencies(self) -> Sequence[str] | Mapping[str, Any]:
        """As ``get_dependencies``, those that the step can do without."""
        ...

    def get_outputs(self) -> Sequence[str] | Mapping[str, Any]:
        """Names of what the step gives to later steps."""
        ...


_OTHERS: dict[str, tuple[type, ...]] = {
    "get_training_inputs": (Mapping, list),
    "get_data_distribution_config": (Mapping, str),
    "get_expected_artifacts": (list,),
    "get_metrics_config": (Mapping, list),
    "is_distributed_training": (bool,),
    "get_dependencies": (list, Mapping),
    "get_required_dependencies": (list, Mapping),
    "get_optional_dependencies": (list, Mapping),
    "get_outputs": (list, Mapping),
}
HOOKS: dict[str, tuple[type, ...]] = {
    name: _OTHERS.get(name, (Mapping,))
    for name in vars(TrainingStepBuilder)
    if name.startswith(("get_", "is_"))
}
"""Each hook beside ``create_step``, and what it may return (as plain data). None means: no such thing."""

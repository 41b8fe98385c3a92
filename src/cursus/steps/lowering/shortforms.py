"""The short forms that hooks and configurations may have, and what each of their keys becomes.

These tables are the vocabulary: a key that is in none of them is reported with the nearest that is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cursus.aws.references import is_reference
from cursus.model import Path

FLAT: dict[str, Path] = {
    "training_instance_type": ("ResourceConfig", "InstanceType"),
    "training_instance_count": ("ResourceConfig", "InstanceCount"),
    "training_volume_size": ("ResourceConfig", "VolumeSizeInGB"),
    "max_runtime_in_seconds": ("StoppingCondition", "MaxRuntimeInSeconds"),
    "role": ("RoleArn",),
}
"""Keys of the flat training configuration that are members of the request."""

FLAT_OTHERS = (
    "framework",
    "framework_version",
    "python_version",
    "hyperparameters",
    "source_dir",
    "entry_point",
    "local_channels",
    "region",
    "upstream",
)
"""Keys of the flat training configuration that are not."""

RESOURCES: dict[str, Path] = {
    "instance_type": ("ResourceConfig", "InstanceType"),
    "instance_count": ("ResourceConfig", "InstanceCount"),
    "volume_size_in_gb": ("ResourceConfig", "VolumeSizeInGB"),
    "keep_alive_period_in_seconds": ("ResourceConfig", "KeepAlivePeriodInSeconds"),
    "max_runtime_in_seconds": ("StoppingCondition", "MaxRuntimeInSeconds"),
    "max_wait_in_seconds": ("StoppingCondition", "MaxWaitTimeInSeconds"),
    "use_spot_instances": ("EnableManagedSpotTraining",),
    "input_mode": ("AlgorithmSpecification", "TrainingInputMode"),
}
"""Keys of ``get_resource_optimization_config``."""

GPU = ("instance_type", "mixed_precision", "processes_per_host", "gradient_accumulation_steps")
"""Keys of ``get_gpu_optimization_config``; only the instance type is a member of the request."""

DISTRIBUTED: dict[str, Path] = {
    "InstanceType": ("ResourceConfig", "InstanceType"),
    "InstanceCount": ("ResourceConfig", "InstanceCount"),
    "VolumeSizeInGB": ("ResourceConfig", "VolumeSizeInGB"),
    "MaxRuntimeInSeconds": ("StoppingCondition", "MaxRuntimeInSeconds"),
}
"""Keys of ``get_distributed_config`` that are members of the request."""
STRATEGIES: dict[str, dict[str, str]] = {
    "DataParallel": {},
    "ModelParallel": {},
    "ParameterServer": {"sagemaker_parameter_server_enabled": "true"},
    "Horovod": {"sagemaker_mpi_enabled": "true"},
    "MPI": {"sagemaker_mpi_enabled": "true"},
    "torch_distributed": {"sagemaker_torch_distributed_enabled": "true"},
    "SMDataParallel": {"sagemaker_distributed_dataparallel_enabled": "true"},
    "SMModelParallel": {"sagemaker_mpi_enabled": "true"},
}
"""DistributionStrategy → the hyperparameters by which the training toolkit starts it.

``DataParallel`` and ``ModelParallel`` are the script's own doing. Source: the parameters of the public
sagemaker-training package (``sagemaker_training.params``).
"""
CLUSTER: tuple[tuple[str, str, str], ...] = (
    ("master", "MasterType", "MasterCount"),
    ("worker", "WorkerType", "WorkerCount"),
    ("parameter-server", "ParameterServerType", "ParameterServerCount"),
)
"""Instance group, key of its type, key of its count; one instance unless the count is given."""

LOGGING = ("LogLevel", "EnableSageMakerDebugger", "EnableCloudWatchLogging")
LOG_LEVELS = {"CRITICAL": "50", "ERROR": "40", "WARNING": "30", "INFO": "20", "DEBUG": "10"}
"""Names of Python's logging levels, and the numbers by which the SDK writes them."""

TUNING: dict[str, Path] = {
    "objective_metric": ("HyperParameterTuningJobObjective", "MetricName"),
    "objective_type": ("HyperParameterTuningJobObjective", "Type"),
    "hyperparameter_ranges": (),
    "max_jobs": ("ResourceLimits", "MaxNumberOfTrainingJobs"),
    "max_parallel_jobs": ("ResourceLimits", "MaxParallelTrainingJobs"),
    "max_runtime_in_seconds": ("ResourceLimits", "MaxRuntimeInSeconds"),
    "strategy": ("Strategy",),
    "early_stopping_type": ("TrainingJobEarlyStoppingType",),
    "static_hyperparameters": (),
    "random_seed": ("RandomSeed",),
}
"""Keys of ``get_tuning_config``, and what of HyperParameterTuningJobConfig each is; nothing of it as it stands."""
RANGE = ("min", "max", "values", "scaling")
AUTOML: dict[str, Path] = {
    "problem_type": ("ProblemType",),
    "objective": ("AutoMLJobObjective", "MetricName"),
    "max_candidates": ("AutoMLJobConfig", "CompletionCriteria", "MaxCandidates"),
    "max_runtime_per_training_job_in_seconds": (
        *("AutoMLJobConfig", "CompletionCriteria"),
        "MaxRuntimePerTrainingJobInSeconds",
    ),
    "max_runtime_in_seconds": ("AutoMLJobConfig", "CompletionCriteria", "MaxAutoMLJobRuntimeInSeconds"),
    "target_attribute_name": (),
    "mode": ("AutoMLJobConfig", "Mode"),
}
"""Keys of ``get_auto_ml_config``, and what of a CreateAutoMLJob request each is."""

KEYS: dict[str, tuple[str, ...]] = {
    "config": (*FLAT, *FLAT_OTHERS, "inputs"),
    "get_step_config": (*FLAT, *FLAT_OTHERS),
    "get_resource_optimization_config": tuple(RESOURCES),
    "get_gpu_optimization_config": GPU,
    "get_distributed_config": (
        *DISTRIBUTED,
        "DistributionStrategy",
        *(key for _, type_, count in CLUSTER for key in (type_, count)),
    ),
    "get_logging_config": LOGGING,
    "get_tuning_config": tuple(TUNING),
    "get_auto_ml_config": tuple(AUTOML),
}
"""The keys that each short form has."""


def lowered(config: Mapping[str, Any], table: Mapping[str, Path]) -> dict[str, Any]:
    """The values of a short form, each at the place that the table has for its key."""
    made: dict[str, Any] = {}
    for key, path in table.items():
        if path and config.get(key) is not None:
            container = made
            for name in path[:-1]:
                container = container.setdefault(str(name), {})
            container[str(path[-1])] = config[key]
    return made


def log_level(level: Any) -> str | None:
    """LogLevel as the number that the training toolkit reads; None for what is no level of Python's logging."""
    if isinstance(level, str):
        return LOG_LEVELS.get(level.upper(), level if level.isdigit() else None)
    return str(level) if isinstance(level, int) and not isinstance(level, bool) else None


def unknown_output_members(output: Mapping[Any, Any]) -> dict[str, tuple[str, ...]]:
    """The members of ``get_model_output_config`` that OutputDataConfig does not have, each with those that it has."""
    from cursus.aws import schema

    texts = {name: value for name, value in output.items() if isinstance(name, str)}
    return {
        str(one.path[-1]): one.options
        for one in schema.validate("CreateTrainingJob", {"OutputDataConfig": texts})
        if one.kind == "unknown" and len(one.path) == 2
    }


def hyperparameter(value: Any) -> Any:
    """A hyperparameter's value as the text that a request has for it: text as it is, the rest as JSON.

    Pipeline variables stay.
    """
    if isinstance(value, str):
        return value
    if is_reference(value):
        return value
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return value


def hyperparameters(values: Mapping[Any, Any]) -> dict[Any, Any]:
    """Every hyperparameter as text."""
    return {name: hyperparameter(value) for name, value in values.items()}


def instance_groups(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The InstanceGroups of a cluster configuration; empty where it names no master, worker or server."""
    groups = []
    for name, type_key, count_key in CLUSTER:
        kind = config.get(type_key)
        if kind is None:
            continue
        count = config.get(count_key, 1)
        if count == 0 and not isinstance(count, bool):
            continue
        groups.append({"InstanceGroupName": name, "InstanceType": kind, "InstanceCount": count})
    return groups


def distribution(value: Any, channels: list[str]) -> dict[str, Any]:
    """``get_data_distribution_config`` as channel name → S3DataDistributionType.

    Takes ``{"train": "ShardedByS3Key"}``, ``{"train": {"S3DataDistributionType": …}}``, and one type for all
    channels: a text, or ``{"S3DataDistributionType": …}``.
    """
    if isinstance(value, str):
        return dict.fromkeys(channels, value)
    if not isinstance(value, Mapping):
        return {}
    common = value.get("S3DataDistributionType")
    if isinstance(common, str) and len(value) == 1:
        return dict.fromkeys(channels, common)
    return {
        name: kind.get("S3DataDistributionType") if isinstance(kind, Mapping) else kind
        for name, kind in value.items()
        if isinstance(name, str)
    }

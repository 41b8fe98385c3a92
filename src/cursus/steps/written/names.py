"""What the SDKs and the short forms call the members of a request.

``instance_type`` is ``InstanceType`` without a table: words are compared without case and underscores. The table has
the names that differ. Source: the parameters of Estimator, TrainingInput, HyperparameterTuner, Processor, Model,
Transformer and the pipeline steps of the public package sagemaker 2.257.7, of ModelTrainer and its configs of 3.27.0.
"""

from __future__ import annotations

from functools import lru_cache

from cursus.model import Path
from cursus.suggest import plain_name

_OTHERS: dict[str, str] = {
    "image_uri": "TrainingImage ImageUri Image",
    "algorithm_arn": "AlgorithmName",
    "role": "RoleArn",
    "base_job_name": "TrainingJobName",
    "job_name": "TrainingJobName",
    "inputs": "InputDataConfig ProcessingInputs",
    "arguments": "ContainerArguments",
    "job_arguments": "ContainerArguments",
    "entrypoint": "ContainerEntrypoint",
    "source": "S3Input.S3Uri S3Output.LocalPath",
    "destination": "S3Input.LocalPath S3Output.S3Uri",
    "env": "Environment",
    "model_data": "ModelDataUrl",
    "content_types": "SupportedContentTypes",
    "response_types": "SupportedResponseMIMETypes",
    "inference_instances": "SupportedRealtimeInferenceInstanceTypes",
    "transform_instances": "SupportedTransformInstanceTypes",
    "approval_status": "ModelApprovalStatus",
    "strategy": "Strategy BatchStrategy",
    "max_payload": "MaxPayloadInMB",
    "data": "S3Uri",
    "left": "LeftValue",
    "right": "RightValue",
    "json_path": "Path",
    "path": "FilePath",
    "enable_caching": "Enabled",
    "channel": "ChannelName",
    "s3_data": "S3Uri",
    "data_source": "DataSource S3Uri",
    "distribution": "S3DataDistributionType",
    "data_distribution_type": "S3DataDistributionType",
    "compression": "CompressionType",
    "record_wrapping": "RecordWrapperType",
    "input_mode": "TrainingInputMode",
    "output_path": "S3OutputPath",
    "output_kms_key": "KmsKeyId",
    "volume_size": "VolumeSizeInGB",
    "volume_kms_key": "VolumeKmsKeyId",
    "keep_alive_period": "KeepAlivePeriodInSeconds",
    "max_run": "MaxRuntimeInSeconds",
    "max_wait": "MaxWaitTimeInSeconds",
    "max_wait_in_seconds": "MaxWaitTimeInSeconds",
    "use_spot_instances": "EnableManagedSpotTraining",
    "checkpoint_s3_uri": "CheckpointConfig.S3Uri",
    "checkpoint_local_path": "CheckpointConfig.LocalPath",
    "encrypt_inter_container_traffic": "EnableInterContainerTrafficEncryption",
    "max_retry_attempts": "MaximumRetryAttempts",
    "compute": "ResourceConfig",
    "networking": "VpcConfig",
    "entry_point": "sagemaker_program",
    "source_dir": "sagemaker_submit_directory",
    "objective_metric_name": "MetricName",
    "objective_metric": "MetricName",
    "objective": "MetricName",
    "objective_type": "HyperParameterTuningJobObjective.Type",
    "hyperparameter_ranges": "ParameterRanges",
    "static_hyperparameters": "StaticHyperParameters",
    "max_jobs": "MaxNumberOfTrainingJobs",
    "max_parallel_jobs": "MaxParallelTrainingJobs",
    "early_stopping_type": "TrainingJobEarlyStoppingType",
    "hyperparameters": "StaticHyperParameters",
    "min": "MinValue",
    "max": "MaxValue",
    "min_value": "MinValue",
    "max_value": "MaxValue",
    "scaling": "ScalingType",
    "step_args": "Arguments",
    "estimator": "Arguments",
    "training_instance_type": "InstanceType",
    "training_instance_count": "InstanceCount",
    "training_volume_size": "VolumeSizeInGB",
}
"""The name in Python → the member, or several; ``A.B`` is B as a member of A alone."""


@lru_cache(maxsize=1024)
def meanings(name: str) -> frozenset[tuple[str, ...]]:
    """The members that a name in Python may stand for, each as the plain names of a path's end."""
    found: set[tuple[str, ...]] = {(plain_name(name),)}
    for member in _OTHERS.get(name, "").split():
        found.add(tuple(plain_name(part) for part in member.split(".")))
    return frozenset(found)


def consumed(name: str, path: Path) -> int:
    """How many parts of ``path`` what is called ``name`` stands for: up to the first such member; 0 for none.

    A channel or range stands by its own name (``Item.name``) where Python has a mapping of them.
    """
    before = ""
    known = meanings(name)
    for number, part in enumerate(path[:4]):
        if isinstance(part, int):
            label = getattr(part, "name", None)
            if label is not None and plain_name(label) == plain_name(name):
                return number + 1
            return 0
        own = plain_name(part)
        if (own,) in known or (before, own) in known:
            return number + 1
        before = own
    return 0

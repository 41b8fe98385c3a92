"""Requests that the toolkit and cursus are compared on: every kind of value, setting, channel and cluster."""

from __future__ import annotations

from typing import Any

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310"


def _request(
    hyperparameters: dict[str, str] | None = None,
    channels: list[dict[str, Any]] | None = None,
    resources: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    mode: str = "File",
) -> dict[str, Any]:
    return {
        "TrainingJobName": "compare-1",
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": mode},
        "RoleArn": "arn:aws:iam::123456789012:role/R",
        "HyperParameters": {"sagemaker_program": '"train.py"', **(hyperparameters or {})},
        "InputDataConfig": channels or [],
        "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/out/"},
        "ResourceConfig": resources
        or {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "Environment": environment or {},
    }


def _channel(name: str, **members: Any) -> dict[str, Any]:
    place = {"S3DataType": "S3Prefix", "S3Uri": f"s3://example-bucket/{name}/"}
    if "distribution" in members:
        place["S3DataDistributionType"] = members.pop("distribution")
    return {"ChannelName": name, "DataSource": {"S3DataSource": place}, **members}


def _cluster(*groups: tuple[str, str, int]) -> dict[str, Any]:
    return {
        "InstanceGroups": [
            {"InstanceGroupName": name, "InstanceType": kind, "InstanceCount": count}
            for name, kind, count in groups
        ],
        "VolumeSizeInGB": 10,
    }


def _hosts(count: int) -> dict[str, Any]:
    return {"InstanceType": "ml.g5.12xlarge", "InstanceCount": count, "VolumeSizeInGB": 10}


REQUESTS: dict[str, dict[str, Any]] = {
    "nothing": _request(),
    "numbers": _request(
        {"epochs": "10", "lr": "0.001", "momentum": "1e-4", "negative": "-3", "big": "12345678901234567890"}
    ),
    "quoted": _request({"optimizer": '"adam"', "empty": '""', "text": '"two words"', "quote": '"it\\"s"'}),
    "plain text": _request(
        {"optimizer": "adam", "version": "007", "path": "s3://example-bucket/a b", "dash": "-x"}
    ),
    "booleans": _request(
        {"a": "true", "b": "false", "c": "True", "d": "False", "nothing": "null", "nan": "NaN"}
    ),
    "containers": _request(
        {"layers": "[64, 32]", "map": '{"b": {"c": 2}, "a": 1}', "nested": '[{"x": [1]}]', "none": "[]"}
    ),
    "one letter": _request({"k": "5", "x": '"y"', "ab": "1"}),
    "odd names": _request(
        {"batch-size": "32", "my.name": "1", "UPPER": "2", "under_score": "3", "ünï": '"ö"'}
    ),
    "unicode values": _request({"word": '"grün"', "plain": "grün", "emoji": '"\\ud83d\\ude00"'}),
    "toolkit settings": _request(
        {
            "sagemaker_container_log_level": "10",
            "sagemaker_submit_directory": '"s3://example-bucket/code/sourcedir.tar.gz"',
            "sagemaker_region": '"eu-west-1"',
            "sagemaker_job_name": '"compare-1"',
            "sagemaker_enable_cloudwatch_metrics": "false",
            "epochs": "1",
        }
    ),
    "unquoted settings": _request({"sagemaker_region": "eu-west-1", "sagemaker_container_log_level": "20"}),
    "framework settings": _request(
        {"sagemaker_estimator_class_name": '"PyTorch"', "sagemaker_mpi_enabled": "true", "x": "1"}
    ),
    "tuning": _request({"_tuning_objective_metric": "loss", "lr": "0.1"}),
    "s3 output": _request({"sagemaker_s3_output": '"s3://example-bucket/out"'}),
    "program without quotes": _request({"sagemaker_program": "train.py"}),
    "shell program": _request({"sagemaker_program": '"train.sh"', "name": '"two words"', "q": "it's"}),
    "program in a folder": _request({"sagemaker_program": '"src/train.py"'}),
    "other program": _request({"sagemaker_program": '"train"'}),
    "refused program": _request({"sagemaker_program": '"my train.py"'}),
    "no program": {**_request(), "HyperParameters": {"lr": "1"}},
    "program in the environment": _request(environment={"SAGEMAKER_PROGRAM": "other.py", "A": "b"}),
    "framework module": _request(
        environment={"SAGEMAKER_TRAINING_MODULE": "sagemaker_pytorch_container.training:main"}
    ),
    "model parallel": _request(environment={"SM_HP_MP_PARAMETERS": '{"partitions": 2}'}),
    "one channel": _request(channels=[_channel("train", ContentType="text/csv")]),
    "channels": _request(
        channels=[
            _channel("train", distribution="ShardedByS3Key"),
            _channel("validation", InputMode="FastFile", ContentType="application/x-parquet"),
            _channel("my-test.data", RecordWrapperType="None"),
        ]
    ),
    "fast file": _request(channels=[_channel("train")], mode="FastFile"),
    "two hosts": _request(resources=_hosts(2)),
    "eleven hosts": _request({"epochs": "1"}, resources=_hosts(11)),
    "distributed": _request({"sagemaker_torch_distributed_enabled": "true"}, resources=_hosts(2)),
    "parameter server": _request({"sagemaker_parameter_server_enabled": "true"}, resources=_hosts(3)),
    "one group": _request(resources=_cluster(("workers", "ml.c5.xlarge", 1))),
    "heterogeneous": _request(resources=_cluster(("data", "ml.c5.xlarge", 2), ("gpu", "ml.g5.xlarge", 1))),
    "heterogeneous mpi": _request(
        {"sagemaker_mpi_enabled": "true", "sagemaker_distribution_instance_groups": '["gpu"]'},
        resources=_cluster(("data", "ml.c5.xlarge", 1), ("gpu", "ml.p4d.24xlarge", 2)),
    ),
}

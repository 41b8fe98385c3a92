"""Full check of requests, all rules on, against botocore's ParamValidator on the same requests, in one run.

    python benchmarks/check_rate.py [SECONDS]

The goal: ParamValidator's rate or more, though a check sees far more. Both loops alternate, and the best of
several rounds counts for each, so that a noisy machine harms neither.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from cursus import engine
from cursus.aws import schema
from cursus.checks.examples import BASES
from cursus.checks.views import Settings
from cursus.model import Step

IMAGE = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/"
    "pytorch-training:2.1.0-gpu-py310-cu121-ubuntu20.04-sagemaker"
)


def script_mode() -> dict[str, Any]:
    """What the SageMaker SDK sends for a PyTorch script."""
    request = copy.deepcopy(BASES["CreateTrainingJob"])
    request["AlgorithmSpecification"] = {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "EnableSageMakerMetricsTimeSeries": True,
        "MetricDefinitions": [
            {"Name": "train:loss", "Regex": "train_loss=([0-9.]+)"},
            {"Name": "validation:accuracy", "Regex": "val_acc=([0-9.]+)"},
        ],
    }
    request["HyperParameters"] = {
        "epochs": "10",
        "batch-size": "64",
        "learning-rate": "0.001",
        "sagemaker_container_log_level": "20",
        "sagemaker_job_name": '"churn-2026-01-31"',
        "sagemaker_program": '"train.py"',
        "sagemaker_region": '"us-east-1"',
        "sagemaker_submit_directory": '"s3://example-bucket/churn/source/sourcedir.tar.gz"',
    }
    request["ResourceConfig"] = {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 100}
    request["InputDataConfig"] = [channel(name) for name in ("train", "validation", "test")]
    request["Environment"] = {"NCCL_DEBUG": "INFO", "TOKENIZERS_PARALLELISM": "false"}
    request["Tags"] = [{"Key": "team", "Value": "churn"}, {"Key": "project", "Value": "retention"}]
    request["VpcConfig"] = {
        "SecurityGroupIds": ["sg-0a1b2c3d4e5f60718"],
        "Subnets": ["subnet-0a1b2c3d4e5f60718", "subnet-0f9e8d7c6b5a40312"],
    }
    request["DebugHookConfig"] = {
        "S3OutputPath": "s3://example-bucket/debug/",
        "CollectionConfigurations": [],
    }
    request["ProfilerConfig"] = {"S3OutputPath": "s3://example-bucket/profiler/"}
    return request


def channel(name: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": f"s3://example-bucket/churn/{name}/",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
        "ContentType": "text/csv",
        "CompressionType": "None",
        "RecordWrapperType": "None",
    }


def spot() -> dict[str, Any]:
    request = script_mode()
    request["EnableManagedSpotTraining"] = True
    request["StoppingCondition"] = {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    request["CheckpointConfig"] = {
        "S3Uri": "s3://example-bucket/checkpoints/",
        "LocalPath": "/opt/ml/checkpoints",
    }
    return request


def built_in() -> dict[str, Any]:
    """A built-in algorithm: XGBoost."""
    request = copy.deepcopy(BASES["CreateTrainingJob"])
    request["AlgorithmSpecification"] = {
        "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "TrainingInputMode": "File",
    }
    request["HyperParameters"] = {
        "objective": "binary:logistic",
        "num_round": "100",
        "max_depth": "6",
        "eta": "0.2",
        "eval_metric": "auc",
        "subsample": "0.8",
    }
    request["InputDataConfig"] = [channel("train"), channel("validation")]
    return request


REQUESTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("own container, small", "CreateTrainingJob", BASES["CreateTrainingJob"]),
    ("PyTorch script, as the SDK sends it", "CreateTrainingJob", script_mode()),
    ("the same on spot instances", "CreateTrainingJob", spot()),
    ("built-in XGBoost", "CreateTrainingJob", built_in()),
    ("tuning job", "CreateHyperParameterTuningJob", BASES["CreateHyperParameterTuningJob"]),
    ("AutoML job, version 2", "CreateAutoMLJobV2", BASES["CreateAutoMLJobV2"]),
)


def rate(call: Callable[[], object], seconds: float) -> float:
    """Calls a second over about ``seconds``."""
    count, start = 0, time.perf_counter()
    while True:
        for _ in range(50):
            call()
        count += 50
        spent = time.perf_counter() - start
        if spent >= seconds:
            return count / spent


def best(calls: list[Callable[[], object]], seconds: float, rounds: int = 7) -> list[float]:
    """The best rate of each call, measured in turns."""
    for call in calls:
        call()
    return [
        max(rates) for rates in zip(*[[rate(c, seconds) for c in calls] for _ in range(rounds)], strict=True)
    ]


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0.15
    model = botocore.session.get_session().get_service_model("sagemaker")
    validator, settings = ParamValidator(), Settings(region="us-east-1")
    print(f"{'request':38} {'check':>9} {'of it schema':>13} {'botocore':>9}   check / botocore")
    ratios: list[float] = []
    for name, operation, request in REQUESTS:
        shape = model.operation_model(operation).input_shape
        step = Step("benchmark", operation, request)
        check, schema_only, boto = best(
            [
                partial(engine.check_step, step, settings),
                partial(schema.validate, operation, request),
                partial(validator.validate, request, shape),
            ],
            seconds,
        )
        ratios.append(check / boto)
        print(f"{name:38} {check:7.0f}/s {schema_only:11.0f}/s {boto:7.0f}/s   {check / boto:6.2f}")
    print(f"{'geometric mean':38} {'':33}   {_mean(ratios):6.2f}   (goal: 1 or more)")
    return 0


def _mean(values: list[float]) -> float:
    product = 1.0
    for value in values:
        product *= value
    return product ** (1 / len(values))


if __name__ == "__main__":
    sys.exit(main())

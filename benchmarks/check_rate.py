"""``cursus.check`` of requests, all rules on, against botocore's ParamValidator on the same requests, in one run.

    python benchmarks/check_rate.py [SECONDS]

The goal: ParamValidator's rate or more, though a check sees far more. No request is looked at twice: names, S3
URIs and hyperparameters are new in each, and images, instance types and time limits are drawn from a few, as they
are among the jobs of one team. Both take turns on requests that are made anew for each and have the same content, so
that neither meets what the other has brought into the processor's caches; processor time is measured, and the best
batch counts for each, so that a noisy machine harms neither. The last three columns are the rates where no outline was
met before (``cursus.checks.outlines.plans``): of members that were met with other values, of members that were not, and
where no part was met either, such as an image or an instance type.
"""

from __future__ import annotations

import copy
import itertools
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

import cursus
from cursus.checks.examples import BASES
from cursus.checks.outlines import parts, plans

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


INSTANCES = {
    "ml.g5.2xlarge": ("ml.g5.xlarge", "ml.g5.2xlarge", "ml.g5.4xlarge", "ml.g4dn.xlarge", "ml.p3.2xlarge"),
    "ml.m5.xlarge": ("ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.c5.2xlarge", "ml.m6i.xlarge"),
}
IMAGES = {
    IMAGE: (
        IMAGE,
        IMAGE.replace("2.1.0", "2.2.0").replace("cu121", "cu118"),
        IMAGE.replace("2.1.0", "2.0.1"),
    ),
}
LIMITS = (3600, 7200, 14400, 86400)
NUMBERS = itertools.count(1)


def varied(request: dict[str, Any], number: int) -> dict[str, Any]:
    """The request as another job of the same team would send it; one ``number`` is one job."""
    chance = random.Random(number)
    longest = chance.choice(LIMITS)

    def copied(value: Any, member: str = "", holder: str = "") -> Any:
        if isinstance(value, dict):
            return {key: copied(inner, key, member) for key, inner in value.items()}
        if isinstance(value, list):
            return [copied(inner, member, holder) for inner in value]
        if isinstance(value, str):
            return _varied_text(value, member, holder, number, chance)
        if member in ("MaxRuntimeInSeconds", "MaxWaitTimeInSeconds"):
            return longest * (1 if member == "MaxRuntimeInSeconds" else 2)
        return value

    made: dict[str, Any] = copied(request)
    return made


def _varied_text(value: str, member: str, holder: str, number: int, chance: random.Random) -> str:
    if "s3://" in value:
        return value.replace("s3://example-bucket/", f"s3://example-bucket/run-{number}/")
    if member.endswith("JobName") or member == "sagemaker_job_name":
        return value.replace("churn", f"churn-{number}")
    if member == "InstanceType":
        return str(chance.choice(INSTANCES.get(value, (value,))))
    if member == "TrainingImage":
        return str(chance.choice(IMAGES.get(value, (value,))))
    if (
        holder == "HyperParameters"
        and value.replace(".", "").isdigit()
        and not member.startswith("sagemaker")
    ):
        return f"{chance.uniform(0.001, 0.9):.6f}" if "." in value else str(chance.randint(1, 9) * 10)
    return value


BATCH = 50
Call = Callable[[dict[str, Any]], object]


def best(calls: list[Call], request: dict[str, Any], seconds: float) -> list[float]:
    """The best rate of each call over a batch, among all that fit into ``seconds`` for each."""
    found = [0.0 for _ in calls]
    until = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < until:
        numbers = [next(NUMBERS) for _ in range(BATCH)]
        for place, call in enumerate(calls):
            made = [varied(request, number) for number in numbers]
            start = time.process_time()
            for each in made:
                call(each)
            found[place] = max(found[place], BATCH / (time.process_time() - start))
    return found


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    model = botocore.session.get_session().get_service_model("sagemaker")
    print(
        f"{'request':38} {'cursus.check':>14} {'botocore':>11}"
        "   check / botocore   new values   new members   new parts too"
    )
    ratios: list[tuple[float, ...]] = []
    for name, operation, request in REQUESTS:
        check, validation = calls_on(operation, model)
        ours, boto = best([check, validation], request, seconds)
        forgetting = (
            forgetful(check, lambda: plans.forget(but_forms=True)),
            forgetful(check, plans.forget),
            forgetful(check, plans.forget, parts.forget),
        )
        new = (best([call, validation], request, seconds / 3) for call in forgetting)
        ratios.append((ours / boto, *(rate / peer for rate, peer in new)))
        print(f"{name:38} {ours:12.0f}/s {boto:9.0f}/s   {_columns(ratios[-1])}")
    means = tuple(_mean([each[place] for each in ratios]) for place in range(4))
    print(f"{'geometric mean (goal: 1 or more)':38} {'':26}   {_columns(means)}")
    return 0


def calls_on(operation: str, model: Any) -> tuple[Call, Call]:
    """The full check, and botocore's validation."""
    validator = ParamValidator()
    shape = model.operation_model(operation).input_shape
    return (
        lambda request: cursus.check(request, region="us-east-1"),
        lambda request: validator.validate(request, shape),
    )


def forgetful(call: Call, *forgets: Callable[[], None]) -> Call:
    """The same call with nothing remembered of what these forget."""

    def called(request: dict[str, Any]) -> object:
        for forget in forgets:
            forget()
        return call(request)

    return called


def _columns(values: Sequence[float]) -> str:
    check, same_members, members, new = values
    return f"{check:6.2f} {same_members:21.2f} {members:13.2f} {new:15.2f}"


def _mean(values: list[float]) -> float:
    product = 1.0
    for value in values:
        product *= value
    return float(product ** (1 / len(values)))


if __name__ == "__main__":
    sys.exit(main())

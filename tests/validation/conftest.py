"""A sound builder, and what it trains with: plain Python, so that a run takes a moment."""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import argparse
import json
import os
import pathlib

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--learning-rate", type=float, default=0.1)
args = parser.parse_args()

rows = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv").read_text().splitlines()
mean = sum(float(row.split(",")[0]) for row in rows) / len(rows)
for epoch in range(args.epochs):
    mean -= args.learning_rate * mean
    print(f"epoch {epoch}: loss={abs(mean):.4f}")
model = pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json")
model.write_text(json.dumps({"mean": mean}))
"""

REQUEST: dict[str, Any] = {
    "TrainingJobName": "churn",
    "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
    "AlgorithmSpecification": {
        "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
    },
    "HyperParameters": {
        "epochs": "3",
        "learning-rate": "0.1",
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://example-bucket/churn/sourcedir.tar.gz",
    },
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "ContentType": "text/csv",
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": "s3://example-bucket/churn/train/",
                    "S3DataDistributionType": "FullyReplicated",
                }
            },
        }
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/churn/models/"},
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}


class SoundBuilder:
    """Every hook, and all of them say what the request has."""

    def __init__(self, config: Any = None) -> None:
        self.request = copy.deepcopy(REQUEST)

    def create_step(self) -> Any:
        return self.request

    def get_step_config(self) -> Any:
        return {"training_instance_type": "ml.m5.xlarge", "max_runtime_in_seconds": 3600}

    def get_hyperparameters(self) -> Any:
        return {"epochs": 3, "learning-rate": 0.1}

    def get_tuning_config(self) -> Any:
        return {
            "objective_metric": "loss",
            "hyperparameter_ranges": {"learning-rate": {"min": 0.01, "max": 0.5}},
            "max_jobs": 10,
            "max_parallel_jobs": 2,
        }

    def get_training_inputs(self) -> Any:
        return self.request["InputDataConfig"]

    def get_data_distribution_config(self) -> Any:
        return {"train": "FullyReplicated"}

    def get_model_output_config(self) -> Any:
        return {"S3OutputPath": "s3://example-bucket/churn/models/"}

    def get_expected_artifacts(self) -> Any:
        return ["model.tar.gz", "model.json"]

    def get_metrics_config(self) -> Any:
        return {"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]}

    def get_logging_config(self) -> Any:
        return {"EnableCloudWatchLogging": True, "LogLevel": "INFO"}

    def is_distributed_training(self) -> Any:
        return False

    def get_resource_optimization_config(self) -> Any:
        return {"instance_type": "ml.m5.xlarge", "volume_size_in_gb": 30}

    def get_gpu_optimization_config(self) -> Any:
        return {"mixed_precision": "none"}

    def get_dependencies(self) -> Any:
        return {"train": {"step": "Split", "output": "train"}}


@pytest.fixture
def builder() -> SoundBuilder:
    return SoundBuilder()


@pytest.fixture
def request_of_create_training_job() -> dict[str, Any]:
    return copy.deepcopy(REQUEST)


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """The configuration with source code, data and the step before."""
    source, data = tmp_path / "source", tmp_path / "data"
    source.mkdir()
    data.mkdir()
    (source / "train.py").write_text(textwrap.dedent(SCRIPT))
    (data / "rows.csv").write_text("".join(f"{n},{n % 2}\n" for n in range(50)))
    return {
        "source_dir": str(source),
        "entry_point": "train.py",
        "local_channels": {"train": str(data)},
        "region": "us-east-1",
        "upstream": [{"name": "Split", "type": "Processing", "outputs": ["train"]}],
    }


@pytest.fixture
def write_script(config: dict[str, Any]) -> Callable[[str], None]:
    """Replaces the training script."""

    def write(text: str) -> None:
        Path(config["source_dir"], "train.py").write_text(textwrap.dedent(text))

    return write

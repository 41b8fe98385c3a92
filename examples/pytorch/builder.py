"""A builder of a PyTorch training step; its step is an object with the request's members as attributes.

cursus test examples/pytorch/builder.py:PyTorchBuilder
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUCKET = "s3://example-bucket/digits"


@dataclass
class TrainingStep:
    """What this builder's pipeline passes around: the members of CreateTrainingJob."""

    TrainingJobName: str
    RoleArn: str
    AlgorithmSpecification: dict[str, Any]
    HyperParameters: dict[str, str]
    InputDataConfig: list[dict[str, Any]]
    OutputDataConfig: dict[str, Any]
    ResourceConfig: dict[str, Any]
    StoppingCondition: dict[str, Any]
    CheckpointConfig: dict[str, Any]


class PyTorchBuilder:
    def get_step_config(self) -> dict[str, Any]:
        return {
            "framework": "pytorch",
            "framework_version": "2.10.0",
            "python_version": "py313",
            "source_dir": str(HERE / "source"),
            "entry_point": "train.py",
            "local_channels": {
                "train": str(HERE / "data" / "train"),
                "validation": str(HERE / "data" / "validation"),
            },
            "region": "us-east-1",
        }

    def get_hyperparameters(self) -> dict[str, Any]:
        return {"epochs": 6, "batch-size": 32, "learning-rate": 0.002}

    def get_expected_artifacts(self) -> list[str]:
        return ["model.pth", "checkpoints/last.pt"]

    def get_metrics_config(self) -> dict[str, Any]:
        return {
            "MetricDefinitions": [
                {"Name": "validation:loss", "Regex": r"validation loss=([0-9.e+-]+)"},
                {"Name": "validation:accuracy", "Regex": r"validation accuracy=([0-9.e+-]+)"},
            ]
        }

    def get_gpu_optimization_config(self) -> dict[str, Any]:
        return {"mixed_precision": "none", "gradient_accumulation_steps": 1}

    def create_step(self) -> TrainingStep:
        return TrainingStep(
            TrainingJobName="digits-pytorch",
            RoleArn="arn:aws:iam::123456789012:role/SageMakerRole",
            AlgorithmSpecification={
                "TrainingImage": (
                    "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.10.0-cpu-py313"
                ),
                "TrainingInputMode": "File",
                **self.get_metrics_config(),
            },
            HyperParameters={
                **{name: str(value) for name, value in self.get_hyperparameters().items()},
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"{BUCKET}/code/sourcedir.tar.gz",
            },
            InputDataConfig=[
                {
                    "ChannelName": name,
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": f"{BUCKET}/{name}/",
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                    "ContentType": "text/csv",
                }
                for name in ("train", "validation")
            ],
            OutputDataConfig={"S3OutputPath": f"{BUCKET}/models/"},
            ResourceConfig={"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
            StoppingCondition={"MaxRuntimeInSeconds": 3600},
            CheckpointConfig={"S3Uri": f"{BUCKET}/checkpoints/", "LocalPath": "/opt/ml/checkpoints"},
        )

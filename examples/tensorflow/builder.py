"""A builder of a TensorFlow training step; its step has ``arguments``, as the SDK's pipeline steps do.

The arguments have no job name: the pipeline makes it.

    cursus test examples/tensorflow/builder.py:TensorFlowBuilder
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUCKET = "s3://example-bucket/digits"


class PipelineStep:
    """A step of a pipeline: a name, and the arguments of the API call that it makes."""

    def __init__(self, name: str, arguments: dict[str, Any]) -> None:
        self.name = name
        self.arguments = arguments


class TensorFlowBuilder:
    def get_step_config(self) -> dict[str, Any]:
        return {
            "framework": "tensorflow",
            "framework_version": "2.21.0",
            "python_version": "py312",
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
        return ["model.tar.gz", "1/saved_model.pb"]

    def get_metrics_config(self) -> dict[str, Any]:
        return {
            "MetricDefinitions": [
                {"Name": "train:loss", "Regex": r"epoch [0-9]+: loss=([0-9.e+-]+)"},
                {"Name": "validation:loss", "Regex": r"validation loss=([0-9.e+-]+)"},
                {"Name": "validation:accuracy", "Regex": r"validation accuracy=([0-9.e+-]+)"},
            ]
        }

    def create_step(self) -> PipelineStep:
        arguments = {
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "AlgorithmSpecification": {
                "TrainingImage": (
                    "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21.0-cpu-py312"
                ),
                "TrainingInputMode": "File",
                **self.get_metrics_config(),
            },
            "HyperParameters": {
                **{name: str(value) for name, value in self.get_hyperparameters().items()},
                "model_dir": f"{BUCKET}/checkpoints/",
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"{BUCKET}/code/sourcedir.tar.gz",
            },
            "InputDataConfig": [
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
            "OutputDataConfig": {"S3OutputPath": f"{BUCKET}/models/"},
            "ResourceConfig": {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        }
        return PipelineStep("TrainDigits", arguments)

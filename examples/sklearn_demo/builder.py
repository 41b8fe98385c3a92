"""A builder of a scikit-learn training step, and the same with mistakes that people really make.

cursus test examples/sklearn_demo/builder.py:SklearnBuilder
cursus test examples/sklearn_demo/builder.py:BrokenBuilder
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUCKET = "s3://example-bucket/tumours"


def channel(name: str) -> dict[str, Any]:
    return {
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


class SklearnBuilder:
    """A sound builder: its request, and hooks that say the same."""

    def get_step_config(self) -> dict[str, Any]:
        return {
            "training_instance_type": "ml.m5.large",
            "training_instance_count": 1,
            "training_volume_size": 10,
            "max_runtime_in_seconds": 1800,
            "framework": "sklearn",
            "framework_version": "1.4-2",
            "source_dir": str(HERE / "source"),
            "entry_point": "train.py",
            "local_channels": {
                "train": str(HERE / "data" / "train"),
                "validation": str(HERE / "data" / "validation"),
            },
            "region": "us-east-1",
            "upstream": [{"name": "Split", "type": "Processing", "outputs": ["train", "validation"]}],
        }

    def get_hyperparameters(self) -> dict[str, Any]:
        return {"n-estimators": 200, "max-depth": 6}

    def get_training_inputs(self) -> list[dict[str, Any]]:
        return [channel("train"), channel("validation")]

    def get_model_output_config(self) -> dict[str, Any]:
        return {"S3OutputPath": f"{BUCKET}/models/"}

    def get_expected_artifacts(self) -> list[str]:
        return ["model.tar.gz", "model.joblib", "metrics.json"]

    def get_metrics_config(self) -> dict[str, Any]:
        return {
            "MetricDefinitions": [
                {"Name": "train:accuracy", "Regex": r"train accuracy: ([0-9.e+-]+)"},
                {"Name": "validation:accuracy", "Regex": r"validation accuracy: ([0-9.e+-]+)"},
                {"Name": "validation:f1", "Regex": r"validation f1: ([0-9.e+-]+)"},
            ]
        }

    def get_tuning_config(self) -> dict[str, Any]:
        return {
            "objective_metric": "validation:accuracy",
            "hyperparameter_ranges": {
                "n-estimators": {"min": 50, "max": 500},
                "max-depth": {"min": 2, "max": 12},
            },
            "max_jobs": 12,
            "max_parallel_jobs": 3,
        }

    def is_distributed_training(self) -> bool:
        return False

    def get_resource_optimization_config(self) -> dict[str, Any]:
        return {
            "instance_type": "ml.m5.large",
            "use_spot_instances": False,
            "volume_size_in_gb": 10,
            "input_mode": "File",
        }

    def get_dependencies(self) -> dict[str, dict[str, str]]:
        return {
            "train": {"step": "Split", "output": "train"},
            "validation": {"step": "Split", "output": "validation"},
        }

    def create_step(self) -> dict[str, Any]:
        return {
            "TrainingJobName": "tumours-random-forest",
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "AlgorithmSpecification": {
                "TrainingImage": (
                    "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
                ),
                "TrainingInputMode": "File",
                **self.get_metrics_config(),
            },
            "HyperParameters": {
                **{name: str(value) for name, value in self.get_hyperparameters().items()},
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"{BUCKET}/code/sourcedir.tar.gz",
            },
            "InputDataConfig": self.get_training_inputs(),
            "OutputDataConfig": self.get_model_output_config(),
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 1800},
        }


class BrokenBuilder(SklearnBuilder):
    """Every mistake here is one that costs an instance start, or a model, before it is seen.

    The job itself completes. What it should have left behind is not there, and what the hooks say is not what
    the request has.
    """

    def get_expected_artifacts(self) -> list[str]:
        return ["model.tar.gz", "model.pkl"]  # the script writes model.joblib

    def get_metrics_config(self) -> dict[str, Any]:
        return {
            "MetricDefinitions": [
                {"Name": "train:accuracy", "Regex": r"train accuracy: ([0-9.e+-]+)"},
                # the script prints "validation accuracy: 0.97"
                {"Name": "validation:accuracy", "Regex": r"validation-accuracy=([0-9.e+-]+)"},
            ]
        }

    def get_tuning_config(self) -> dict[str, Any]:
        # the objective is no metric of the job, and more jobs are to run at once than in all
        return {**super().get_tuning_config(), "objective_metric": "validation:auc", "max_parallel_jobs": 20}

    def get_resource_optimization_config(self) -> dict[str, Any]:
        return {**super().get_resource_optimization_config(), "instance_type": "ml.m5.4xlarge"}

    def get_dependencies(self) -> dict[str, dict[str, str]]:
        return {
            "train": {"step": "Split", "output": "training"},  # Split declares train and validation
            "validation": {"step": "Split", "output": "validation"},
        }

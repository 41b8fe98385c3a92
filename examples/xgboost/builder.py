"""A builder of an XGBoost training step, in script mode, on spot instances with checkpoints.

It defines no metrics: SageMaker reads XGBoost's own (train:rmse, validation:rmse …) from the log and refuses
others for this image.

cursus test examples/xgboost/builder.py:XGBoostBuilder
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUCKET = "s3://example-bucket/diabetes"


class XGBoostBuilder:
    def get_step_config(self) -> dict[str, Any]:
        return {
            "framework": "xgboost",
            "framework_version": "1.7-1",
            "source_dir": str(HERE / "source"),
            "entry_point": "train.py",
            "local_channels": {
                "train": str(HERE / "data" / "train"),
                "validation": str(HERE / "data" / "validation"),
            },
            "region": "us-east-1",
        }

    def get_hyperparameters(self) -> dict[str, Any]:
        return {"num_round": 60, "max_depth": 3, "eta": 0.1, "subsample": 0.9}

    def get_tuning_config(self) -> dict[str, Any]:
        return {
            "objective_metric": "validation:rmse",
            "hyperparameter_ranges": {
                "eta": {"min": 0.01, "max": 0.5},
                "max_depth": {"min": 2, "max": 8},
                "subsample": {"min": 0.5, "max": 1.0},
            },
            "max_jobs": 20,
            "max_parallel_jobs": 2,
        }

    def get_expected_artifacts(self) -> list[str]:
        return ["xgboost-model.ubj"]

    def get_data_distribution_config(self) -> dict[str, str]:
        return {"train": "FullyReplicated", "validation": "FullyReplicated"}

    def get_resource_optimization_config(self) -> dict[str, Any]:
        return {
            "instance_type": "ml.m5.xlarge",
            "use_spot_instances": True,
            "max_runtime_in_seconds": 3600,
            "max_wait_in_seconds": 7200,
        }

    def create_step(self) -> dict[str, Any]:
        return {
            "TrainingJobName": "diabetes-xgboost",
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "AlgorithmSpecification": {
                "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
                "TrainingInputMode": "File",
            },
            "HyperParameters": {
                **{name: str(value) for name, value in self.get_hyperparameters().items()},
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
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "EnableManagedSpotTraining": True,
            "CheckpointConfig": {"S3Uri": f"{BUCKET}/checkpoints/", "LocalPath": "/opt/ml/checkpoints"},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
        }

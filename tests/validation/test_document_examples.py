"""The forms that hooks may have, as documented: each is read as it stands, and its true faults are told."""

from __future__ import annotations

from typing import Any

import pytest

from cursus.validation.builders.variants.training_integration_tests import TrainingIntegrationTests

HYPERPARAMETERS = {"learning_rate": 0.001, "batch_size": 32, "epochs": 100, "optimizer": "adam"}
TUNING = {
    "objective_metric": "validation:accuracy",
    "hyperparameter_ranges": {
        "learning_rate": {"min": 0.0001, "max": 0.1},
        "batch_size": {"values": [16, 32, 64, 128]},
    },
    "max_jobs": 20,
    "max_parallel_jobs": 3,
}
AUTOML = {
    "problem_type": "BinaryClassification",
    "objective": "F1",
    "max_candidates": 250,
    "max_runtime_per_training_job_in_seconds": 3600,
}
TRAINING_INPUT = {
    "DataSource": {
        "S3DataSource": {
            "S3DataType": "S3Prefix",
            "S3Uri": "s3://bucket/training-data/",
            "S3DataDistributionType": "FullyReplicated",
        }
    },
    "ContentType": "text/csv",
    "CompressionType": "None",
    "RecordWrapperType": "None",
}
VALIDATION_INPUT = {
    "DataSource": {
        "S3DataSource": {
            "S3DataType": "S3Prefix",
            "S3Uri": "s3://bucket/validation-data/",
            "S3DataDistributionType": "FullyReplicated",
        }
    },
    "ContentType": "text/csv",
}
MODEL_OUTPUT = {
    "S3OutputPath": "s3://bucket/model-artifacts/",
    "KmsKeyId": "arn:aws:kms:region:account:key/key-id",
    "CompressionType": "GZIP",
}
ARTIFACTS = ["model.tar.gz", "model.pkl", "inference.py", "requirements.txt", "model_metadata.json"]
METRICS = {
    "MetricDefinitions": [
        {"Name": "train:accuracy", "Regex": "Train Accuracy: ([0-9\\.]+)"},
        {"Name": "validation:accuracy", "Regex": "Validation Accuracy: ([0-9\\.]+)"},
    ]
}
LOGGING = {"EnableCloudWatchLogging": True, "EnableSageMakerDebugger": True, "LogLevel": "INFO"}
DISTRIBUTED = {
    "InstanceType": "ml.p3.2xlarge",
    "InstanceCount": 4,
    "VolumeSizeInGB": 30,
    "MaxRuntimeInSeconds": 86400,
    "DistributionStrategy": "DataParallel",
}
CLUSTER = {
    "MasterType": "ml.p3.2xlarge",
    "WorkerType": "ml.p3.2xlarge",
    "WorkerCount": 3,
    "ParameterServerType": "ml.m5.large",
    "ParameterServerCount": 1,
}
CONFIG = {
    "training_instance_type": "ml.m5.xlarge",
    "training_instance_count": 1,
    "training_volume_size": 30,
    "max_runtime_in_seconds": 86400,
    "framework": "pytorch",
    "framework_version": "1.8.0",
    "python_version": "py38",
    "hyperparameters": {"learning_rate": 0.001, "batch_size": 32, "epochs": 100},
}


class DocumentBuilder:
    """Every form as the document has it, over a request with nothing of its own but image and role."""

    resources: Any = DISTRIBUTED

    def create_step(self) -> Any:
        return {
            "TrainingJobName": "document",
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "AlgorithmSpecification": {
                "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/trainer:1",
                "TrainingInputMode": "File",
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        }

    def get_hyperparameters(self) -> Any:
        return HYPERPARAMETERS

    def get_tuning_config(self) -> Any:
        return TUNING

    def get_auto_ml_config(self) -> Any:
        return AUTOML

    def get_training_inputs(self) -> Any:
        return [TRAINING_INPUT, VALIDATION_INPUT]

    def get_model_output_config(self) -> Any:
        return MODEL_OUTPUT

    def get_expected_artifacts(self) -> Any:
        return ARTIFACTS

    def get_metrics_config(self) -> Any:
        return METRICS

    def get_logging_config(self) -> Any:
        return LOGGING

    def is_distributed_training(self) -> Any:
        return True

    def get_distributed_config(self) -> Any:
        return self.resources


class ClusterBuilder(DocumentBuilder):
    resources = CLUSTER


@pytest.mark.parametrize("builder", [DocumentBuilder, ClusterBuilder])
def test_every_form_is_read_as_it_stands(builder: Any) -> None:
    tests = TrainingIntegrationTests(builder, execute=False)
    results = tests.run_all_tests()
    step = tests.trial.step
    assert step is not None
    assert step.promises.failures == ()
    assert [channel["ChannelName"] for channel in step.request["InputDataConfig"]] == ["train", "validation"]
    assert step.request["HyperParameters"]["learning_rate"] == "0.001"
    assert step.request["OutputDataConfig"] == MODEL_OUTPUT
    assert step.request["AlgorithmSpecification"]["MetricDefinitions"] == METRICS["MetricDefinitions"]
    assert step.request["HyperParameters"]["sagemaker_container_log_level"] == "20"
    assert step.request["DebugHookConfig"]["S3OutputPath"] == MODEL_OUTPUT["S3OutputPath"]
    assert {companion.operation for companion in step.companions} >= {"CreateHyperParameterTuningJob"}
    assert results["tests"]["test_hyperparameter_optimization_integration"]["errors"] == []


def test_the_distributed_form_becomes_resources() -> None:
    step = TrainingIntegrationTests(DocumentBuilder).trial.step
    assert step is not None
    assert step.request["ResourceConfig"] == {
        "InstanceType": "ml.p3.2xlarge",
        "InstanceCount": 4,
        "VolumeSizeInGB": 30,
    }


def test_the_cluster_form_becomes_instance_groups() -> None:
    step = TrainingIntegrationTests(ClusterBuilder).trial.step
    assert step is not None
    groups = step.request["ResourceConfig"]["InstanceGroups"]
    assert [(group["InstanceType"], group["InstanceCount"]) for group in groups] == [
        ("ml.p3.2xlarge", 1),
        ("ml.p3.2xlarge", 3),
        ("ml.m5.large", 1),
    ]


def test_inputs_without_names_are_named_with_a_warning() -> None:
    result = TrainingIntegrationTests(DocumentBuilder, execute=False).test_data_channel_integration()
    assert any("ChannelName" in warning or "channel" in warning.lower() for warning in result["warnings"])
    assert result["details"]["input_0_validation"] == {"valid": True, "errors": []}


def test_the_kms_key_of_the_document_is_a_placeholder() -> None:
    result = TrainingIntegrationTests(DocumentBuilder, execute=False).run_all_tests()
    told = [finding for finding in result["findings"] if "KmsKeyId" in finding["path"]]
    assert told, "a key of no account in no region"


class WithoutImage:
    """The image is left to the framework and version of the configuration."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def create_step(self) -> Any:
        return {
            "TrainingJobName": "document",
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "AlgorithmSpecification": {"TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/model-artifacts/"},
        }


def test_pytorch_1_8_0_has_no_image_for_python_3_8() -> None:
    result = TrainingIntegrationTests(
        WithoutImage, CONFIG, execute=False
    ).test_framework_specific_training_workflow()
    assert result["details"]["framework"] == "pytorch"
    assert result["passed"] is False
    assert any("1.8.0" in error and "py38" in error for error in result["errors"]), result["errors"]
    assert result["details"]["pytorch_workflow"]["valid"] is False


def test_the_configuration_of_the_document_fills_the_request() -> None:
    tests = TrainingIntegrationTests(WithoutImage, CONFIG, execute=False)
    step = tests.trial.step
    assert step is not None
    assert step.request["ResourceConfig"] == {
        "InstanceType": "ml.m5.xlarge",
        "InstanceCount": 1,
        "VolumeSizeInGB": 30,
    }
    assert step.request["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
    assert step.request["HyperParameters"] == {"learning_rate": "0.001", "batch_size": "32", "epochs": "100"}


def test_unknown_keys_of_a_configuration_are_told() -> None:
    config = {**CONFIG, "training_instance_typ": "ml.m5.xlarge"}
    results = TrainingIntegrationTests(WithoutImage, config, execute=False).run_all_tests()
    told = [
        finding["message"]
        for finding in results["findings"]
        if "training_instance_typ'" in finding["message"]
    ]
    assert any("training_instance_type" in message for message in told), told

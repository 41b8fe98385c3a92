"""The tuning and AutoML jobs that come of a builder's hooks."""

from __future__ import annotations

import pytest

from cursus.model import Step
from cursus.steps.lowering.builders import lower
from cursus.steps.lowering.tuning import UNKNOWN_DIRECTION, tuning_request
from tests.steps.made import REQUEST, builder, channel


def companion(step: Step, operation: str) -> Step:
    return next(one for one in step.companions if one.operation == operation)


def test_tuning_config_becomes_a_tuning_job() -> None:
    step = lower(
        builder(
            {**REQUEST, "ProfilerConfig": {}, "Tags": []},
            get_hyperparameters={"learning_rate": 0.1, "epochs": 3},
            get_tuning_config={
                "objective_metric": "validation:accuracy",
                "hyperparameter_ranges": {
                    "learning_rate": {"min": 0.0001, "max": 0.1, "scaling": "log"},
                    "depth": {"min": 1, "max": 9},
                    "batch_size": {"values": [16, 32]},
                },
                "max_jobs": 20,
                "max_parallel_jobs": 3,
            },
        )
    )
    tuning = companion(step, "CreateHyperParameterTuningJob")
    assert tuning.request["HyperParameterTuningJobConfig"] == {
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 3},
        "ParameterRanges": {
            "ContinuousParameterRanges": [
                {
                    "Name": "learning_rate",
                    "MinValue": "0.0001",
                    "MaxValue": "0.1",
                    "ScalingType": "Logarithmic",
                }
            ],
            "IntegerParameterRanges": [{"Name": "depth", "MinValue": "1", "MaxValue": "9"}],
            "CategoricalParameterRanges": [{"Name": "batch_size", "Values": ["16", "32"]}],
        },
    }
    definition = tuning.request["TrainingJobDefinition"]
    assert definition["StaticHyperParameters"] == {"epochs": "3"}
    assert not {"TrainingJobName", "HyperParameters", "ProfilerConfig", "Tags"} & set(definition)
    origin = tuning.origin(("HyperParameterTuningJobConfig", "Strategy"))
    assert origin and origin.source == "get_tuning_config"


@pytest.mark.parametrize(
    ("metric", "given", "direction"),
    [
        ("validation:accuracy", None, "Maximize"),
        ("val_loss", None, "Minimize"),
        ("validation:mlogloss", None, "Minimize"),
        ("top5", None, "Maximize"),
        ("accuracy_loss", None, UNKNOWN_DIRECTION),
        ("accuracy_loss", "Minimize", "Minimize"),
        ("quality", None, UNKNOWN_DIRECTION),
    ],
)
def test_which_way_an_objective_is_better(metric: str, given: str | None, direction: object) -> None:
    made = tuning_request({"objective_metric": metric, "objective_type": given}, {}, {})
    assert made["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["Type"] == direction


def test_automl_config_becomes_an_automl_job() -> None:
    request = {
        **REQUEST,
        "InputDataConfig": [channel("s3://bucket/train/", ChannelName="train", ContentType="text/csv")],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/m/", "CompressionType": "NONE"},
    }
    config = {
        "problem_type": "BinaryClassification",
        "objective": "F1",
        "max_candidates": 250,
        "max_runtime_per_training_job_in_seconds": 3600,
        "target_attribute_name": "churned",
    }
    automl = companion(lower(builder(request, get_auto_ml_config=config)), "CreateAutoMLJob")
    assert automl.request == {
        "InputDataConfig": [
            {
                "TargetAttributeName": "churned",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train/"}},
            }
        ],
        "ProblemType": "BinaryClassification",
        "AutoMLJobObjective": {"MetricName": "F1"},
        "AutoMLJobConfig": {
            "CompletionCriteria": {"MaxCandidates": 250, "MaxRuntimePerTrainingJobInSeconds": 3600}
        },
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/m/"},
        "RoleArn": REQUEST["RoleArn"],
    }

"""Builders whose create_step gives a tuning job, or an AutoML job: hooks are about the training job in it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cursus.checks.examples import BASES
from cursus.checks.views import Settings
from cursus.engine import check_step
from cursus.steps.lowering.builders import lower
from tests.steps.made import builder, channel
from tests.validation.results import CHANNELS, MONITORING, failed, static

TUNING = "CreateHyperParameterTuningJob"
RANGES = {"lr": {"min": 0.001, "max": 0.1}}


def tuning(several: bool = False, **definition: Any) -> dict[str, Any]:
    """A sound tuning job of lr; members of its definition that are None are left out."""
    made: dict[str, Any] = copy.deepcopy(BASES[TUNING])
    inner = made["TrainingJobDefinition"]
    config = made["HyperParameterTuningJobConfig"]
    config["ParameterRanges"] = {
        "ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.001", "MaxValue": "0.1"}]
    }
    inner.update(definition)
    made["TrainingJobDefinition"] = {name: one for name, one in inner.items() if one is not None}
    if several:
        inner = made.pop("TrainingJobDefinition")
        made["TrainingJobDefinitions"] = [
            {
                **inner,
                "DefinitionName": "only",
                "TuningObjective": config.pop("HyperParameterTuningJobObjective"),
                "HyperParameterRanges": config.pop("ParameterRanges"),
            }
        ]
    return made


def rules(made: Any) -> list[str]:
    return [one.rule for one in check_step(lower(made), Settings()) if one.severity != "info"]


@pytest.mark.parametrize("several", [False, True])
def test_hooks_fill_the_definition(several: bool) -> None:
    request = tuning(several, StaticHyperParameters=None, ResourceConfig=None, InputDataConfig=None)
    made = builder(
        request,
        get_hyperparameters={"lr": 0.01, "epochs": 3},
        get_training_inputs={"train": "s3://example-bucket/train/"},
        get_resource_optimization_config={
            "instance_type": "ml.m5.large",
            "instance_count": 1,
            "volume_size_in_gb": 10,
            "use_spot_instances": False,
        },
        get_logging_config={"LogLevel": "DEBUG", "EnableSageMakerDebugger": True},
        get_step_config={"max_runtime_in_seconds": 600, "TrainingJobName": "none"},
    )
    step = lower(made)
    inner = step.request["TrainingJobDefinitions"][0] if several else step.request["TrainingJobDefinition"]
    assert set(step.request) == set(request)
    # The debugger is none of a tuning job's, and what is tuned needs no value.
    assert inner["StaticHyperParameters"] == {"epochs": "3", "sagemaker_container_log_level": "10"}
    assert inner["ResourceConfig"] == {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,
        "VolumeSizeInGB": 10,
    }
    assert [one["ChannelName"] for one in inner["InputDataConfig"]] == ["train"]
    assert "STP002" not in rules(made)
    place = ("TrainingJobDefinitions", 0) if several else ("TrainingJobDefinition",)
    origin = step.origin((*place, "ResourceConfig", "InstanceType"))
    assert origin is not None and origin.source == "get_resource_optimization_config"


def test_sound_hooks_beside_a_tuning_job() -> None:
    made = builder(
        tuning(),
        get_training_inputs=tuning()["TrainingJobDefinition"]["InputDataConfig"],
        get_metrics_config=tuning()["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"],
        get_tuning_config={"hyperparameter_ranges": RANGES},
        get_model_output_config=tuning()["TrainingJobDefinition"]["OutputDataConfig"],
        get_step_config={"training_instance_type": "ml.m5.xlarge"},
    )
    results = static(made)
    assert failed(results) == {} and results["step_type"] == "Tuning"


@pytest.mark.parametrize(
    ("hook", "value", "test"),
    [
        ("get_metrics_config", [{"Name": "loss"}], MONITORING),
        ("get_metrics_config", [{"Name": "loss", "Regex": 7}], MONITORING),
        ("get_data_distribution_config", {"train": 5}, CHANNELS),
    ],
)
def test_a_form_is_checked_over_the_training_job_of_the_tuning_job(hook: str, value: Any, test: str) -> None:
    assert list(failed(static(builder(tuning(), **{hook: value})))) == [test]


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"max_jobs": 20}, []),
        ({"max_jobs": 21}, ["HPO081"]),
        ({"strategy": "Random"}, ["HPO081"]),
        ({"hyperparameter_ranges": {"lr": {"min": 0.001, "max": 0.1}}}, []),
        ({"hyperparameter_ranges": {"lr": {"min": 0.001, "max": 0.5}}}, ["HPO081"]),
        ({"hyperparameter_ranges": {"depth": {"min": 1, "max": 5}}}, ["HPO081", "HPO081"]),
        ({"ParameterRanges": {"ContinuousParameterRanges": [{"Name": "lr", "MaxValue": "0.2"}]}}, ["HPO081"]),
    ],
)
def test_a_tuning_configuration_is_held_against_the_tuning_job(said: Any, rule: list[str]) -> None:
    request = tuning()
    request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] = 20
    assert [one for one in rules(builder(request, get_tuning_config=said)) if one == "HPO081"] == rule


def test_an_automl_configuration_is_held_against_the_automl_job() -> None:
    request = BASES["CreateAutoMLJob"]
    hooks = {"get_auto_ml_config": {"problem_type": "Regression", "target_attribute_name": "y"}}
    request = {**request, "ProblemType": "BinaryClassification", "AutoMLJobObjective": {"MetricName": "F1"}}
    assert rules(builder(request, **hooks)).count("HPO081") == 1


def test_hooks_of_training_leave_an_automl_job_alone() -> None:
    made = builder(
        BASES["CreateAutoMLJob"],
        get_hyperparameters={"lr": 0.1},
        get_training_inputs=[channel("s3://example-bucket/train/", ChannelName="train")],
        get_resource_optimization_config={"instance_type": "ml.m5.large"},
    )
    assert lower(made).request == BASES["CreateAutoMLJob"]

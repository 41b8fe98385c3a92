"""What a member that the API does not know was meant to be: it is told once, with where it belongs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES
from cursus.model import Finding, Step
from tests.checks.made import told

TRAINING, TUNING = "CreateTrainingJob", "CreateHyperParameterTuningJob"
AUTOML = "CreateAutoMLJob"


def found(operation: str, request: dict[str, Any]) -> list[Finding]:
    return told(list(cursus.check(Step("step", operation, request)).findings))


def changed(operation: str, old: str, new: str) -> dict[str, Any]:
    """A sound request in which the member at ``old`` stands at ``new``."""
    request = copy.deepcopy(BASES[operation])
    *path, last = old.split(".")
    holder: Any = request
    for part in path:
        holder = holder[int(part)] if part.isdecimal() else holder[part]
    value = holder.pop(last)
    *path, last = new.split(".")
    holder = request
    for part in path:
        holder = holder[int(part)] if part.isdecimal() else holder[part]
    holder[last] = value
    return request


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ("AlgorithmSpecification.TrainingImage", "TrainingImage", "belongs in AlgorithmSpecification"),
        ("AlgorithmSpecification.TrainingImage", "AlgorithmSpecification.image_uri", "'TrainingImage'"),
        ("AlgorithmSpecification.TrainingImage", "AlgorithmSpecification.Image", "'TrainingImage'"),
        (
            "AlgorithmSpecification.TrainingInputMode",
            "AlgorithmSpecification.input_mode",
            "'TrainingInputMode'",
        ),
        ("ResourceConfig.InstanceCount", "ResourceConfig.instance_count", "'InstanceCount'"),
        (
            "ResourceConfig.VolumeSizeInGB",
            "volume_size",
            "belongs in ResourceConfig: move it there, as VolumeSizeInGB",
        ),
        ("StoppingCondition.MaxRuntimeInSeconds", "StoppingCondition.max_run", "'MaxRuntimeInSeconds'"),
        ("OutputDataConfig.S3OutputPath", "OutputDataConfig.S3Uri", "'S3OutputPath'"),
        ("OutputDataConfig.S3OutputPath", "OutputDataConfig.output_path", "'S3OutputPath'"),
        ("RoleArn", "ExecutionRoleArn", "'RoleArn'"),
        ("RoleArn", "role", "'RoleArn'"),
        ("TrainingJobName", "JobName", "'TrainingJobName'"),
        ("InputDataConfig", "ProcessingInputs", "'InputDataConfig'"),
        ("InputDataConfig.0.ChannelName", "InputDataConfig.0.Name", "'ChannelName'"),
        (
            "InputDataConfig.0.DataSource.S3DataSource.S3DataType",
            "InputDataConfig.0.DataSource.S3DataType",
            "belongs in InputDataConfig[0].DataSource.S3DataSource",
        ),
    ],
)
def test_a_training_job(old: str, new: str, remedy: str) -> None:
    (finding,) = found(TRAINING, changed(TRAINING, old, new))
    assert (finding.rule, finding.severity) == ("STP002", "error")
    assert remedy in finding.remedy


@pytest.mark.parametrize("holder", ["ResourceConfig", "OutputDataConfig", "StoppingCondition"])
def test_what_a_structure_holds_stands_beside_it(holder: str) -> None:
    request = copy.deepcopy(BASES[TRAINING])
    inside = request.pop(holder)
    (finding,) = found(TRAINING, {**request, **inside})
    assert finding.rule == "STP002"
    assert all(f"'{name}'" in finding.message for name in inside)
    assert f"belong{'s' if len(inside) == 1 else ''} in {holder}" in finding.remedy


@pytest.mark.parametrize(
    ("operation", "holder", "name", "right"),
    [
        (TRAINING, (), "HyperParamters", "HyperParameters"),
        (TRAINING, ("StoppingCondition",), "MaxRuntimeInSecond", "MaxRuntimeInSeconds"),
        (TUNING, ("TrainingJobDefinition",), "HyperParameters", "StaticHyperParameters"),
    ],
)
def test_a_member_is_given_a_second_time_under_another_name(
    operation: str, holder: tuple[str, ...], name: str, right: str
) -> None:
    request = copy.deepcopy(BASES[operation])
    inside = request
    for part in holder:
        inside = inside[part]
    inside[name] = inside.setdefault(right, {"a": "b"})
    (finding,) = [one for one in found(operation, request) if one.severity == "error"]
    assert finding.rule == "STP002" and f"has {right} already: keep one" in finding.remedy


def test_a_training_definition_stands_in_the_tuning_job_itself() -> None:
    request = copy.deepcopy(BASES[TUNING])
    definition = request.pop("TrainingJobDefinition")
    (finding,) = found(TUNING, {**request, **definition})
    assert finding.remedy == "they belong in TrainingJobDefinition: move them there"


def test_hyperparameters_stand_in_the_request_itself() -> None:
    request = copy.deepcopy(BASES[TRAINING])
    request.pop("HyperParameters", None)
    (finding,) = found(TRAINING, {**request, "epochs": "3", "learning_rate": "0.1"})
    assert finding.message.endswith("'epochs' and 'learning_rate'")
    assert finding.remedy == "they belong in HyperParameters: move them there"


def test_a_member_of_another_version() -> None:
    request = changed(AUTOML, "InputDataConfig", "AutoMLJobInputDataConfig")
    (finding,) = found(AUTOML, request)
    assert finding.remedy == "Did you mean 'InputDataConfig'?"
    request = {**BASES[AUTOML], "AutoMLComputeConfig": {}}
    (finding,) = found(AUTOML, request)
    assert "CreateAutoMLJobV2 has it" in finding.remedy


def test_a_member_that_stands_where_it_belongs_too() -> None:
    request = {**copy.deepcopy(BASES[TRAINING]), "InstanceType": "ml.m5.xlarge"}
    (finding,) = found(TRAINING, request)
    assert finding.remedy == "InstanceType belongs in ResourceConfig, which has it: leave it out here"


def test_names_in_another_case_are_one_mistake() -> None:
    tags = [{"key": "team", "value": "a"}, {"key": "project", "value": "b"}]
    (finding,) = found(TRAINING, {**copy.deepcopy(BASES[TRAINING]), "Tags": tags})
    assert finding.message == "Unknown parameters in Tags[0]: 'key' and 'value' (the same in 1 more)"
    assert finding.remedy.startswith("write Key and Value")
    camel = {f"{name[0].lower()}{name[1:]}": value for name, value in BASES[TRAINING].items()}
    (finding,) = found(TRAINING, camel)
    assert "'trainingJobName'" in finding.message


def test_an_empty_structure_is_told_once() -> None:
    request = copy.deepcopy(BASES[TRAINING])
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"] = {}
    (finding,) = found(TRAINING, request)
    assert finding.message.endswith("is empty; it must have S3DataType and S3Uri")


def test_thousands_of_unknown_members() -> None:
    request = {**copy.deepcopy(BASES[TRAINING]), **{f"member{number}": "x" for number in range(20_000)}}
    assert {one.rule for one in found(TRAINING, request)} == {"STP002", "STP010"}  # not all were read


def test_members_in_a_wrapper_are_one_mistake() -> None:
    request = {
        name: copy.deepcopy(value) for name, value in BASES[TRAINING].items() if name == "TrainingJobName"
    }
    request["TrainingJobDefinition"] = {
        name: value for name, value in BASES[TRAINING].items() if name not in request
    }
    (finding,) = found(TRAINING, request)
    assert finding.path == "TrainingJobDefinition"
    assert "leave out TrainingJobDefinition, not what is in it" in finding.remedy


@pytest.mark.parametrize(
    ("member", "value", "remedy"),
    [
        (
            "ResourceConfig",
            {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "ResourceConfig belongs in ProcessingResources: move it there, as ClusterConfig",
        ),
        (
            "ProcessingOutputs",
            [{"OutputName": "train"}],
            "ProcessingOutputs belongs in ProcessingOutputConfig: move it there, as Outputs",
        ),
    ],
)
def test_the_member_inside_that_takes_such_a_value(member: str, value: Any, remedy: str) -> None:
    request = copy.deepcopy(BASES["CreateProcessingJob"])
    request.pop(remedy.split()[3].rstrip(":"), None)
    (finding,) = found("CreateProcessingJob", {**request, member: value})
    assert finding.remedy == remedy

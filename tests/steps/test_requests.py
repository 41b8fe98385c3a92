"""Mappings are told apart by their members."""

from __future__ import annotations

import json
from collections import OrderedDict
from decimal import Decimal
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import pytest

from cursus import check
from cursus.errors import TargetError
from cursus.model import Pipeline, Step
from cursus.steps import load

TRAINING = {"TrainingJobName": "churn", "AlgorithmSpecification": {"TrainingInputMode": "File"}}
DEFINITION = {"Version": "2020-12-01", "Steps": [{"Name": "A", "Type": "Training", "Arguments": {}}]}


def one(target: Any, **options: Any) -> Step:
    found = load(target, **options)
    assert len(found) == 1 and isinstance(found[0], Step)
    return found[0]


@pytest.mark.parametrize(
    ("request_", "operation"),
    [
        (TRAINING, "CreateTrainingJob"),
        ({"AlgorithmSpecification": {}}, "CreateTrainingJob"),
        ({"InputDataConfig": [], "RoleArn": "r"}, "CreateTrainingJob"),
        ({"HyperParameterTuningJobName": "t"}, "CreateHyperParameterTuningJob"),
        ({"TrainingJobDefinitions": []}, "CreateHyperParameterTuningJob"),
        ({"AutoMLJobName": "a", "InputDataConfig": []}, "CreateAutoMLJob"),
        ({"AutoMLJobName": "a", "AutoMLJobInputDataConfig": []}, "CreateAutoMLJobV2"),
        ({"ProcessingJobName": "p", "RoleArn": "r"}, "CreateProcessingJob"),
        ({"TransformJobName": "t", "ModelName": "m"}, "CreateTransformJob"),
        ({"ModelName": "m", "ExecutionRoleArn": "r"}, "CreateModel"),
        # Misspelt, and in another case.
        ({"TrainingJobNam": "a", "AlgorithmSpecificaton": {}}, "CreateTrainingJob"),
        ({"trainingJobName": "a"}, "CreateTrainingJob"),
        ({"HyperParameterTunningJobName": "a"}, "CreateHyperParameterTuningJob"),
        ({"auto_ml_job_name": "a"}, "CreateAutoMLJob"),
    ],
)
def test_operation_is_told_by_members(request_: dict[str, Any], operation: str) -> None:
    step = one(request_)
    assert step.operation == operation
    assert step.request == request_
    assert not step.in_pipeline


def test_kind_overrides_members() -> None:
    assert one(TRAINING, kind="CreateTransformJob").operation == "CreateTransformJob"
    assert one({}, kind="tuning").operation == "CreateHyperParameterTuningJob"
    with pytest.raises(TargetError, match="Did you mean 'CreateTrainingJob'"):
        load(TRAINING, kind="CreateTrainingJobs")


def test_definition_is_a_pipeline() -> None:
    (found,) = load(DEFINITION, parameters={"N": 3}, region="eu-west-1")
    assert isinstance(found, Pipeline)
    assert (found.definition, found.parameters, found.region) == (DEFINITION, {"N": 3}, "eu-west-1")
    (same,) = load({"Steps": []})
    assert isinstance(same, Pipeline)


def test_create_pipeline_request_gives_its_step_and_its_pipeline() -> None:
    step, pipeline = load({"PipelineName": "P", "PipelineDefinition": json.dumps(DEFINITION)})
    assert isinstance(step, Step) and step.operation == "CreatePipeline" and step.problems == ()
    assert isinstance(pipeline, Pipeline) and pipeline.definition == DEFINITION
    assert pipeline.prefix == ("PipelineDefinition",)


@pytest.mark.parametrize("text", ["{'Version': 1}", "", "[1]", "nonsense", '{"a": NaN}'])
def test_broken_definition_is_a_finding(text: str) -> None:
    step = one({"PipelineName": "P", "PipelineDefinition": text})
    (problem,) = step.problems
    assert (problem.rule, problem.severity, problem.path) == ("STP097", "error", "PipelineDefinition")


@pytest.mark.parametrize("body", [json.dumps(DEFINITION), DEFINITION])
def test_definition_as_cloudformation_has_it(body: Any) -> None:
    step, pipeline = load({"PipelineName": "P", "PipelineDefinition": {"PipelineDefinitionBody": body}})
    assert isinstance(step, Step) and isinstance(pipeline, Pipeline)
    assert pipeline.definition == DEFINITION
    assert one({"PipelineName": "P", "PipelineDefinition": {"PipelineDefinitionBody": {"Fn::Sub": "${D}"}}})


def test_template_of_cloudformation_is_named() -> None:
    with pytest.raises(TargetError, match="a template of CloudFormation"):
        load({"Resources": {"P": {"Type": "AWS::SageMaker::Pipeline", "Properties": {}}}})


def test_wrapper_and_pipeline_step() -> None:
    step = one({"CreateTrainingJob": TRAINING})
    assert (step.request, step.prefix) == (TRAINING, ("CreateTrainingJob",))
    entry = one({"Name": "Train", "Type": "Training", "Arguments": TRAINING})
    assert (entry.name, entry.in_pipeline, entry.prefix) == ("Train", True, ("Arguments",))


@pytest.mark.parametrize("target", [{}, {"colour": "red"}, {"name": "x", "version": "1"}])
def test_other_mappings_are_refused(target: dict[str, Any]) -> None:
    with pytest.raises(TargetError, match="neither request nor definition"):
        load(target)


def test_what_botocore_would_send_becomes_plain() -> None:
    class Name(str):
        pass

    request = MappingProxyType(
        OrderedDict(
            TrainingJobName=Name("churn"),
            InputDataConfig=({"ChannelName": "train"},),
            DataSplitConfig={"ValidationFraction": Decimal("0.5")},
        )
    )
    step = one(request)
    assert type(step.request["TrainingJobName"]) is str
    assert step.request["InputDataConfig"] == [{"ChannelName": "train"}]
    assert step.request["DataSplitConfig"] == {"ValidationFraction": 0.5}


def test_what_botocore_refuses_stays() -> None:
    path = PurePosixPath("s3/x")
    step = one({"TrainingJobName": "a", "OutputDataConfig": {"S3OutputPath": path}})
    assert step.request["OutputDataConfig"]["S3OutputPath"] is path
    report = check({**TRAINING, "StoppingCondition": {"MaxRuntimeInSeconds": Decimal(60)}})
    assert ("STP003", "write 60") in [(found.rule, found.remedy) for found in report.findings]


def test_a_mapping_that_raises_is_refused() -> None:
    class Raises(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("not now")

    with pytest.raises(TargetError, match=r"cannot be read: RuntimeError: not now\.$"):
        check({**TRAINING, "Environment": Raises(A="1")})


def test_value_without_end_is_refused() -> None:
    endless: dict[str, Any] = {"TrainingJobName": "a"}
    endless["Environment"] = endless
    with pytest.raises(TargetError, match="contains itself"):
        load(endless)


@pytest.mark.parametrize("kind", [list, tuple])
def test_lists_that_share_lists_are_refused_before_they_are_written_out(kind: Any) -> None:
    shared = kind(["x"] * 10)
    for _ in range(40):
        shared = kind([shared] * 10)
    with pytest.raises(TargetError, match="more than 1,000,000 lists"):
        load({"TrainingJobName": "a", "InputDataConfig": shared})


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    steps = [{"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": 10**6000}}]
    with pytest.raises(TargetError, match="thousands of digits"):
        load({"Version": "2020-12-01", "Steps": steps})
    assert one({**TRAINING, "ResourceConfig": {"VolumeSizeInGB": 2**70}}).request


def test_pipeline_variables_become_their_mappings() -> None:
    class Parameter:
        expr = {"Get": "Parameters.Name"}

    step = one({"TrainingJobName": Parameter(), "RoleArn": "r"})
    assert step.request["TrainingJobName"] == {"Get": "Parameters.Name"}


def test_step_pipeline_and_list_pass_through() -> None:
    step = one(TRAINING)
    assert one(step) is step
    assert [type(found) for found in load([TRAINING, DEFINITION, step])] == [Step, Pipeline, Step]
    with pytest.raises(TargetError, match="empty list"):
        load([])


@pytest.mark.parametrize("target", [None, 7, 1.5, b"x", {1, 2}])
def test_other_values_are_refused(target: Any) -> None:
    with pytest.raises(TargetError, match="is no step"):
        load(target)


def test_json_text_is_read() -> None:
    assert one(json.dumps(TRAINING)).request == TRAINING


def test_the_start_of_a_pipeline_is_no_pipeline() -> None:
    with pytest.raises(TargetError, match="it is a StartPipelineExecution request"):
        load({"PipelineName": "churn", "PipelineParameters": [{"Name": "Epochs", "Value": "3"}]})

"""Pipelines as a whole: steps checked with parameters put in, and findings that stand at their step."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import cursus
from cursus.checks.examples import DEFINITION
from tests.checks.made import broken, model, pipeline, processing
from tests.checks.made_pipelines import ASK, TRAIN, check, errors


def test_sound_pipeline_has_no_errors() -> None:
    container = {
        "Image": DEFINITION["AlgorithmSpecification"]["TrainingImage"],
        "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
    }
    assert errors(pipeline(TRAIN, model(container))) == set()


def test_steps_inside_conditions_are_checked_with_their_path() -> None:
    broken = copy.deepcopy(TRAIN)
    broken["Arguments"]["ResourceConfig"]["InstanceCount"] = 0
    definition = pipeline(
        {
            "Name": "Decide",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}],
                "IfSteps": [broken],
                "ElseSteps": [],
            },
        }
    )
    paths = {finding.path for finding in check(definition) if finding.severity == "error"}
    assert paths == {"Steps[0].Arguments.IfSteps[0].Arguments.ResourceConfig.InstanceCount"}


def test_defaults_and_given_values_are_put_in() -> None:
    step = copy.deepcopy(TRAIN)
    step["Arguments"]["ResourceConfig"]["InstanceCount"] = {"Get": "Parameters.Hosts"}
    definition = pipeline(step, Parameters=[{"Name": "Hosts", "Type": "Integer", "DefaultValue": 1}])
    assert errors(definition) == set()
    assert errors(definition, Hosts=0) != set()


def test_number_where_the_request_takes_text_is_an_error() -> None:
    step = copy.deepcopy(TRAIN)
    step["Arguments"]["HyperParameters"] = {"epochs": {"Get": "Parameters.Epochs"}}
    parameters = [{"Name": "Epochs", "Type": "Integer", "DefaultValue": 3}]
    assert errors(pipeline(step, Parameters=parameters)) != set()
    join = {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Epochs"}]}}
    step["Arguments"]["HyperParameters"]["epochs"] = join
    assert errors(pipeline(step, Parameters=parameters)) == set()


def test_findings_stand_in_the_section_of_their_step() -> None:
    stop = {"Name": "Stop", "Type": "Fail", "DependsOn": ["Trian"], "Arguments": {"ErrorMessage": "no"}}
    condition = {
        "Name": "Decide",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}],
            "ElseSteps": [stop],
        },
    }
    report = cursus.check(pipeline(TRAIN, condition, Extra=1))
    assert [(s.name, s.operation, s.type) for s in report.sections] == [
        ("pipeline", "CreatePipeline", "Pipeline"),
        ("Train", "CreateTrainingJob", "Training"),
        ("Decide", "", "Condition"),
        ("Stop", "", "Fail"),
    ]
    found = {finding.rule: finding.step for finding in report.findings if finding.severity == "error"}
    assert found == {"DEP001": "pipeline", "DEP005": "Stop"}


def test_a_step_may_wait_for_another_outcome() -> None:
    def told(entry: Any) -> set[str]:
        stop = {"Name": "Stop", "Type": "Fail", "DependsOn": [entry], "Arguments": {"ErrorMessage": "no"}}
        return {finding.path for finding in check(pipeline(TRAIN, stop)) if finding.severity == "error"}

    assert told({"Step": "Train", "Trigger": "Failed"}) == set()
    assert told({"Step": "Train", "Trigger": "Fails"}) == {"Steps[1].DependsOn[0].Trigger"}
    assert told({"Step": "Trian"}) == {"Steps[1].DependsOn[0]"}
    assert told({"Step": "Train", "On": "Failed"}) == {"Steps[1].DependsOn[0].On"}


def test_two_output_parameters_of_one_name() -> None:
    output = {"OutputName": "answer", "OutputType": "String"}
    assert errors(pipeline({**ASK, "OutputParameters": [output]})) == set()
    found = [f for f in check(pipeline({**ASK, "OutputParameters": [output, output]})) if f.rule == "DEP043"]
    assert [f.path for f in found] == ["Steps[0].OutputParameters[1].OutputName"]


def test_members_of_the_second_automl_api() -> None:
    problem = {"TabularJobConfig": {"TargetAttributeName": "y"}}
    learn = {"Name": "Learn", "Type": "AutoML", "Arguments": {"AutoMLProblemTypeConfig": problem}}
    told = {f.path: f for f in check(pipeline(learn))}
    found = told["Steps[0].Arguments.AutoMLProblemTypeConfig"]
    assert found.rule == "DEP044" and "AutoMLJobConfig" in found.remedy
    assert "Steps[0].Arguments.InputDataConfig" in told  # which nothing in the step stands for


@pytest.mark.parametrize(
    ("named", "missing"),
    [({}, True), ({"ModelPackageGroupName": "churn"}, False), ({"ModelPackageName": "churn"}, False)],
)
def test_a_version_of_nothing(named: dict[str, Any], missing: bool) -> None:
    register = {"Name": "Register", "Type": "RegisterModel", "Arguments": named}
    told = {f.path for f in check(pipeline(register)) if f.rule == "DEP044"}
    assert ("Steps[0].Arguments.ModelPackageGroupName" in told) == missing


def test_clusters_that_an_emr_step_makes() -> None:
    def told(config: dict[str, Any]) -> set[str]:
        work = {"HadoopJarStep": {"Jar": "command-runner.jar"}}
        step = {
            "Name": "Spark",
            "Type": "EMR",
            "Arguments": {"StepConfig": work, "ClusterConfig": config},
        }
        return {
            f.path.rpartition("ClusterConfig.")[2] for f in check(pipeline(step)) if f.severity == "error"
        }

    groups: dict[str, Any] = {"InstanceGroups": []}
    assert told({"Instances": groups}) == set()
    assert told({"Instances": {}, "Name": "mine"}) == {"Name"}
    assert told({"ReleaseLabel": "emr-6.9.0"}) == {"Instances"}
    assert told({"Instances": {**groups, "InstanceFleets": []}}) == {"Instances"}
    assert told({"Instances": {**groups, "TerminationProtected": True}}) == {"Instances.TerminationProtected"}


def test_jobs_take_on_the_role_of_their_pipeline() -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-access.html: a role of their own is no duty."""
    steps = [processing(), {"Name": "Train", "Type": "Training", "Arguments": dict(DEFINITION)}]
    for step in steps:
        del step["Arguments"]["RoleArn"]
    assert not broken(cursus.check(pipeline(*steps)).findings)

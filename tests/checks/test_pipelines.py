"""Pipelines as a whole: references resolved, steps checked with parameters put in, and no input raises."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cursus import engine
from cursus.checks.examples import DEFINITION
from cursus.checks.views import Settings
from cursus.model import Finding, Pipeline

TRAIN: dict[str, Any] = {"Name": "Train", "Type": "Training", "Arguments": DEFINITION}


def pipeline(*steps: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": list(steps), **rest}


def check(definition: dict[str, Any], **parameters: Any) -> list[Finding]:
    return engine.check_pipeline(Pipeline("p", definition, parameters), Settings())[0]


def rules(definition: dict[str, Any], **parameters: Any) -> set[str]:
    return {finding.rule for finding in check(definition, **parameters) if finding.severity == "error"}


def test_sound_pipeline_has_no_errors() -> None:
    model = {
        "Name": "Create",
        "Type": "Model",
        "Arguments": {
            "ExecutionRoleArn": DEFINITION["RoleArn"],
            "PrimaryContainer": {
                "Image": DEFINITION["AlgorithmSpecification"]["TrainingImage"],
                "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
            },
        },
    }
    assert rules(pipeline(TRAIN, model)) == set()


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
    assert rules(definition) == set()
    assert rules(definition, Hosts=0) != set()


def test_number_where_the_request_takes_text_is_an_error() -> None:
    step = copy.deepcopy(TRAIN)
    step["Arguments"]["HyperParameters"] = {"epochs": {"Get": "Parameters.Epochs"}}
    parameters = [{"Name": "Epochs", "Type": "Integer", "DefaultValue": 3}]
    assert rules(pipeline(step, Parameters=parameters)) != set()
    join = {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Epochs"}]}}
    step["Arguments"]["HyperParameters"]["epochs"] = join
    assert rules(pipeline(step, Parameters=parameters)) == set()


def test_wrong_property_names_the_member_that_was_meant() -> None:
    stop = {
        "Name": "Stop",
        "Type": "Fail",
        "Arguments": {"ErrorMessage": {"Get": "Steps.Train.ModelArtifact.S3ModelArtifacts"}},
    }
    (finding,) = [f for f in check(pipeline(TRAIN, stop)) if f.severity == "error"]
    assert finding.rule == "DEP012"
    assert "ModelArtifacts" in finding.message
    assert finding.path == "Steps[1].Arguments.ErrorMessage"


def test_a_thousand_steps() -> None:
    steps = [
        {**copy.deepcopy(TRAIN), "Name": f"Train{i}", "DependsOn": [f"Train{i - 1}"] if i else []}
        for i in range(1000)
    ]
    assert rules(pipeline(*steps)) == set()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
REFERENCE = st.fixed_dictionaries({"Get": st.text("Steps.Train[]'0Parm", max_size=25)})
STEP = st.fixed_dictionaries(
    {
        "Name": st.sampled_from(["A", "B", "C", 1, None]),
        "Type": st.sampled_from(["Training", "Fail", "Condition", "X", 3]),
    },
    optional={
        "DependsOn": JSON | st.lists(st.sampled_from(["A", "B", "C"]), max_size=3),
        "Arguments": JSON | st.fixed_dictionaries({"ErrorMessage": REFERENCE}),
        "PropertyFiles": JSON,
        "RetryPolicies": JSON,
        "CacheConfig": JSON,
        "OutputParameters": JSON,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.fixed_dictionaries(
        {"Steps": JSON | st.lists(STEP, max_size=5)},
        optional={"Version": JSON, "Parameters": JSON, "PipelineExperimentConfig": JSON},
    )
)
def test_no_definition_makes_a_check_raise(definition: dict[str, Any]) -> None:
    check(definition)

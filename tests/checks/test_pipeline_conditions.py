"""Conditions of pipelines: what they compare, and which steps run then."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.checks.made import broken, pipeline, processing, processing_input
from tests.checks.made_pipelines import (
    CONDITION,
    OUTPUT,
    STOP,
    TRAIN,
    ask,
    check,
    decide,
    errors,
    learned,
    metric,
    rules,
    step,
    train,
    warned,
)

NUMBER = {"Get": "Steps.Tell.OutputParameters['number']"}


@pytest.mark.parametrize(
    ("comparisons", "told"),
    [
        ([("GreaterThan", 6), ("LessThan", 3)], True),
        ([("GreaterThan", 3), ("LessThan", 3)], True),
        ([("GreaterThanOrEqualTo", 3), ("LessThanOrEqualTo", 3)], False),
        ([("GreaterThan", 3), ("LessThan", 6)], False),
        ([("Equals", "a"), ("Equals", "b")], True),
        ([("Equals", "a"), ("Equals", "a")], False),
        ([("NotEquals", "a"), ("NotEquals", "b")], False),
    ],
)
def test_comparisons_that_are_never_true_together(comparisons: list[tuple[str, Any]], told: bool) -> None:
    kind = "String" if comparisons[0][1] == "a" else "Integer"
    conditions = [{"Type": type_, "LeftValue": NUMBER, "RightValue": value} for type_, value in comparisons]
    tell = {**ask("Tell"), "OutputParameters": [{"OutputName": "number", "OutputType": kind}]}
    decide = step("Decide", "Condition", {"Conditions": conditions, "IfSteps": [ask("Yes")], "ElseSteps": []})
    found = check(pipeline(tell, decide))
    assert ("DEP101" in {one.rule for one in found}) == told


@pytest.mark.parametrize("behind", [True, False])
def test_a_model_may_be_trained_again_where_the_first_is_good(behind: bool) -> None:
    def model(step: str) -> dict[str, str]:
        return {"Get": f"Steps.{step}.ModelArtifacts.S3ModelArtifacts"}

    whole = step("TrainWhole", "Training", {})
    create = step("Create", "Model", {"PrimaryContainer": {"ModelDataUrl": model("TrainWhole")}})
    judged = {
        **processing("Judge", ProcessingInputs=[processing_input("model", model("Train"))]),
        "PropertyFiles": [{"PropertyFileName": "report", "OutputName": "report", "FilePath": "r.json"}],
    }
    measure = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Judge.PropertyFiles.report"}, "Path": "auc"}}
    conditions = [{"Type": "GreaterThan", "LeftValue": measure, "RightValue": 0.8}]
    branch = [whole, create] if behind else [create]
    arguments = {"Conditions": conditions, "IfSteps": branch, "ElseSteps": []}
    decide = step("Decide", "Condition", arguments)
    definition = pipeline(step("Train", "Training", {}), *([] if behind else [whole]), judged, decide)
    assert ("DEP102" in warned(definition)) != behind
    measured = step("Keep", "Model", {"PrimaryContainer": {"ModelDataUrl": model("Train")}})
    arguments["ElseSteps"] = [measured]  # then the other one is the fallback
    assert "DEP102" not in warned(definition)
    arguments["ElseSteps"] = []
    create["Arguments"] = {
        "Containers": [create["Arguments"]["PrimaryContainer"], measured["Arguments"]["PrimaryContainer"]]
    }
    assert "DEP102" not in warned(definition)


@pytest.mark.parametrize(
    ("members", "broken_by"), [(("QueryValue", "Values"), set()), (("Value", "In"), {"DEP040"})]
)
def test_members_of_an_in_condition(members: tuple[str, str], broken_by: set[str]) -> None:
    parameter = {"Name": "Month", "Type": "Integer", "DefaultValue": 1}
    condition = {"Type": "In", members[0]: {"Get": "Parameters.Month"}, members[1]: [1, 2]}
    decide = {"Conditions": [condition], "IfSteps": [ask("Go", a="b")], "ElseSteps": []}
    definition = pipeline(step("Decide", "Condition", decide), Parameters=[parameter])
    assert errors(definition) == broken_by


@pytest.mark.parametrize(
    ("path", "level"),
    [
        ("metrics[0].mse", None),
        ("$.metrics['mse.value']", None),
        ("metrics.", "error"),
        ("metrics[0.mse", "error"),
        ("metrics[mse]", "warning"),
        ("metrics..mse", "warning"),
        ("metrics.*", "warning"),
        ("metric_groups.0.value", "warning"),
        ("confusion_matrix.0.1", None),
    ],
)
def test_path_in_a_file(path: str, level: str | None) -> None:
    file = {"PropertyFileName": "report", "OutputName": "out", "FilePath": "report.json"}
    outputs = {"Outputs": [{"OutputName": "out", "S3Output": OUTPUT}]}
    before = {**processing(ProcessingOutputConfig=outputs), "PropertyFiles": [file]}
    get = {"PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.report"}, "Path": path}
    condition = {"Type": "LessThan", "LeftValue": {"Std:JsonGet": get}, "RightValue": 6.0}
    decide = {"Conditions": [condition], "IfSteps": [ask("Go", a="b")], "ElseSteps": []}
    found = check(pipeline(before, step("Decide", "Condition", decide)))
    assert next((one.severity for one in found if one.rule == "DEP013"), None) == level
    assert broken(found) <= {"DEP013"}


@pytest.mark.parametrize(
    ("default", "compared", "allowed", "expected"),
    [
        ("Fasle", "False", None, ["DEP040"]),
        ("true", "True", None, ["DEP040"]),
        ("False", "True", None, []),
        ("tests", "test", ["test", "tests"], []),
    ],
)
def test_a_default_that_is_almost_what_it_is_compared_with(
    default: str, compared: str, allowed: list[str] | None, expected: list[str]
) -> None:
    flag = {"Name": "Flag", "Type": "String", "DefaultValue": default}
    step = decide([STOP], [train()], "Equals", {"Get": "Parameters.Flag"})
    step["Arguments"]["Conditions"][0]["RightValue"] = compared
    assert rules(step, Parameters=[flag | ({"EnumValues": allowed} if allowed else {})]) == expected
    asked = step["Arguments"]["Conditions"]
    step["Arguments"]["Conditions"] = [
        {"Type": "Or", "Conditions": [*asked, {**asked[0], "RightValue": default}]}
    ]
    assert rules(step, Parameters=[flag]) == []  # which looks at both


@pytest.mark.parametrize(
    ("kind", "path", "told"),
    [
        ("LessThan", "metrics.auc.value", True),
        ("GreaterThan", "metrics.auc.value", False),
        ("GreaterThan", "metrics.rmse.value", True),
        ("LessThan", "metrics.auc.standard_deviation", False),
        ("LessThan", "metrics.churned.value", False),
    ],
)
def test_which_models_go_on(kind: str, path: str, told: bool) -> None:
    assert rules(train(), decide([learned()], [STOP], kind, metric(path))) == ["DEP061"] * told
    assert rules(train(), decide([STOP], [learned()], kind, metric(path))) == ["DEP061"] * (
        not told and "standard" not in path and "churned" not in path
    )


@pytest.mark.parametrize(("kind", "told"), [("LessThan", False), ("GreaterThan", True)])
def test_a_branch_that_fails_is_for_bad_models(kind: str, told: bool) -> None:
    tell = {
        "Name": "Tell",
        "Type": "Lambda",
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:tell",
        "Arguments": {},
    }
    for other in ([], [tell]):
        assert rules(train(), decide([STOP], other, kind, metric("auc"))) == ["DEP061"] * told
        assert rules(train(), decide(other, [STOP], kind, metric("auc"))) == ["DEP061"] * (not told)
    assert rules(train(), decide([tell], [], kind, metric("auc"))) == []


def test_a_branch_that_trains_again_is_left_alone() -> None:
    assert rules(decide([train(), learned()], [], "LessThan", metric("auc"))) == []


def test_a_fail_step_that_only_some_executions_come_to() -> None:
    after = {
        "Name": "Ask",
        "Type": "Lambda",
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:ask",
    }
    ask = {**after, "Arguments": {}}
    assert rules(ask, {**STOP, "DependsOn": ["Ask"]}) == ["DEP058"]
    assert rules(ask, {**STOP, "DependsOn": [{"Step": "Ask", "Trigger": "Failed"}]}) == []
    assert rules(decide([ask], [], "LessThan", metric("x")), {**STOP, "DependsOn": ["Ask"]}) == []


def test_a_number_that_a_tuning_job_minimizes() -> None:
    objective = {"Type": "Minimize", "MetricName": "validation:quality"}
    tune = {
        "Name": "Tune",
        "Type": "Tuning",
        "Arguments": {"HyperParameterTuningJobConfig": {"HyperParameterTuningJobObjective": objective}},
    }
    best = {"Get": "Steps.Tune.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value"}
    made = learned(data="s3://example-bucket/model.tar.gz")
    assert "DEP061" in rules(tune, decide([made], [], "GreaterThan", best))
    assert "DEP061" not in rules(tune, decide([made], [], "LessThan", best))


def test_metrics_of_an_image_that_reports_none() -> None:
    value = {"Get": "Steps.Train.FinalMetricDataList['validation:auc'].Value"}
    own = train("123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1")
    assert rules(own, decide([learned()], [STOP], "GreaterThan", value)) == ["DEP012"]
    assert rules(train(), decide([learned()], [STOP], "GreaterThan", value)) == []


def test_a_condition_in_a_branch_of_another() -> None:
    def decide(name: str, *steps: Any) -> dict[str, Any]:
        arguments = {"Conditions": [CONDITION], "IfSteps": list(steps), "ElseSteps": []}
        return {"Name": name, "Type": "Condition", "Arguments": arguments}

    def told(definition: Any) -> list[tuple[str | None, str]]:
        return [
            (f.path, f.severity) for f in check(definition) if f.rule == "DEP040" and "nested" in f.message
        ]

    inner = [("Steps[0].Arguments.IfSteps[0]", "warning")]
    assert told(pipeline(decide("Outer", decide("Inner", TRAIN)))) == inner
    assert told(pipeline(decide("Outer", TRAIN))) == []


def test_steps_that_no_execution_comes_to() -> None:
    def told(*entries: Any) -> list[str]:
        stop = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
        arguments = {"Conditions": [CONDITION], "IfSteps": [TRAIN], "ElseSteps": [stop]}
        decide = {"Name": "Decide", "Type": "Condition", "Arguments": arguments}
        last = {**copy.deepcopy(TRAIN), "Name": "Last", "DependsOn": list(entries)}
        return [f.path for f in check(pipeline(decide, last)) if f.rule == "DEP054"]

    assert told("Train") == told("Decide") == told("Train", "Decide") == []
    assert told("Stop") == ["Steps[1].DependsOn[0]"]
    assert told("Train", "Stop") == ["Steps[1].DependsOn[1]"]
    assert told({"Step": "Stop", "Trigger": "Failed"}) == []


@pytest.mark.parametrize(
    ("kind", "default", "right", "expected"),
    [
        ("Equals", True, False, ["Steps[1].DependsOn[0]"]),
        ("Equals", True, True, []),
        ("GreaterThan", 1, 2, ["Steps[1].DependsOn[0]"]),
        ("LessThanOrEqualTo", 1, 2, []),
        ("Equals", None, False, []),  # each execution gives it
    ],
)
def test_a_step_that_waits_for_a_branch_that_the_defaults_do_not_take(
    kind: str, default: Any, right: Any, expected: list[str]
) -> None:
    types = {bool: "Boolean", int: "Integer", type(None): "Boolean"}
    gate: dict[str, Any] = {"Name": "Gate", "Type": types[type(default)], "DefaultValue": default}
    if default is None:
        del gate["DefaultValue"]
    condition = {"Type": kind, "LeftValue": {"Get": "Parameters.Gate"}, "RightValue": right}
    arguments = {"Conditions": [condition], "IfSteps": [TRAIN], "ElseSteps": []}
    last = {**copy.deepcopy(TRAIN), "Name": "Last", "DependsOn": ["Train"]}
    decide = {"Name": "Decide", "Type": "Condition", "Arguments": arguments}
    found = check(pipeline(decide, last, Parameters=[gate]))
    assert [f.path for f in found if f.rule == "DEP054"] == expected
    turned = {**arguments, "Conditions": [{"Type": "Not", "Condition": condition}]}
    found = check(pipeline({**decide, "Arguments": turned}, last, Parameters=[gate]))
    assert bool([f for f in found if f.rule == "DEP054"]) == (default is not None and not expected)
    other = {**copy.deepcopy(TRAIN), "Name": "Other"}
    two_ways = {**arguments, "ElseSteps": [other]}
    after = {**copy.deepcopy(TRAIN), "Name": "After", "DependsOn": ["Other"]}
    found = check(pipeline({**decide, "Arguments": two_ways}, last, after, Parameters=[gate]))
    assert [f for f in found if f.rule == "DEP054"] == []
    inside = {**arguments, "IfSteps": [TRAIN, last]}  # which is left out with it
    found = check(pipeline({**decide, "Arguments": inside}, Parameters=[gate]))
    assert [f for f in found if f.rule == "DEP054"] == []

"""Loops of pipelines: their items, and what their iterations gave."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.made import pipeline
from tests.checks.made_pipelines import CREATE, FUNCTION, errors, found, request


@pytest.mark.parametrize(
    ("get", "expected"),
    [
        ("Steps.Each.IterationOutputs[0].Create.ModelName", []),
        ("Steps.Each.IterationOutputs.Create.ModelName", ["DEP012"]),
        ("Steps.Each.IterationOutputs[0].Creat.ModelName", ["DEP012"]),
        ("Steps.Each.IterationOutputs[0].Create.Name", ["DEP012"]),
        ("Steps.Each.Status", []),
        ("Steps.Each.Selected.ModelName", ["DEP012"]),
        ("Steps.Each.IterationOutputs[2].Create.ModelName", ["DEP012"]),
        ("Steps.Create.ModelName", ["DEP011"]),
    ],
)
def test_what_a_loop_gave(get: str, expected: list[str]) -> None:
    each = request("ForEach", "Each", IterableItems=["a", "b"], MaxConcurrency=2, ForEachBody=[CREATE])
    ask = {**request("Lambda", given={"Get": get}), "FunctionArn": FUNCTION}
    assert [rule for rule, _ in found(each, ask)] == expected


def test_a_selector_compares_what_the_iterations_gave() -> None:
    field = {"Get": "Steps.Create.ModelName"}
    selector = {"Pick": "MaxBy", "Field": field}
    each = request(
        "ForEach", IterableItems=["a", "b"], MaxConcurrency=2, Selector=selector, ForEachBody=[CREATE]
    )
    assert ("DEP048", "Selector.Field") in found(each)
    selector["Field"] = {"Get": "IterationOutput.Create.Name"}
    assert [rule for rule, _ in found(each)] == ["DEP012"]
    selector["Field"] = {"Get": "IterationOutput.Create.ModelName"}
    assert found(each) == []
    ask = {**request("Lambda", "Ask", given={"Get": "Steps.It.Selected.ModelName"}), "FunctionArn": FUNCTION}
    assert found(each, ask) == []


def test_what_a_loop_repeats_is_there_for_its_own_steps_alone() -> None:
    ask = {**request("Lambda", "Ask", given={"Get": "Steps.Create.ModelName"}), "FunctionArn": FUNCTION}
    ask["DependsOn"] = ["Create"]
    each = request("ForEach", "Each", IterableItems=["a", "b"], MaxConcurrency=2, ForEachBody=[CREATE, ask])
    assert found(each) == []
    outside = {**request("Lambda", "Create-1"), "FunctionArn": FUNCTION, "DependsOn": ["Create"]}
    assert [rule for rule, _ in found(each, outside)] == ["DEP005", "DEP048"]
    assert found(each, {**outside, "Name": "Create-one", "DependsOn": ["Each"]}) == []


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (['{"name": "a"}', '{"name": "b"}'], []),
        (['{"name": "a"}', '{"nmae": "b"}'], ["DEP010"]),
        (["a", "b"], ["DEP010"]),
        (['{"name": "a"}', {"Get": "Execution.PipelineName"}], []),
        ({"Get": "Parameters.Items"}, []),
    ],
)
def test_fields_of_the_current_item(items: Any, expected: list[str]) -> None:
    ask = {**request("Lambda", "Ask", given={"Get": "ForEach.CurrentItem.name"}), "FunctionArn": FUNCTION}
    each = request("ForEach", IterableItems=items, MaxConcurrency=2, ForEachBody=[ask])
    declared = [{"Name": "Items", "Type": "String", "DefaultValue": '[{"name": "a"}]'}]
    more = {"Parameters": declared} if isinstance(items, dict) else {}
    assert [rule for rule, _ in found(each, **more)] == expected


def test_fields_of_an_item_that_a_parameter_gives() -> None:
    ask = {**request("Lambda", "Ask", given={"Get": "ForEach.CurrentItem.name"}), "FunctionArn": FUNCTION}
    each = request("ForEach", IterableItems={"Get": "Parameters.Items"}, MaxConcurrency=2, ForEachBody=[ask])
    declared = [{"Name": "Items", "Type": "String", "DefaultValue": '["a"]'}]
    assert [rule for rule, _ in found(each, Parameters=declared)] == ["DEP010"]


def test_references_into_a_loop() -> None:
    ask = {
        "Name": "Ask",
        "Type": "Lambda",
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:ask",
        "Arguments": {"item": {"Get": "ForEach.CurrentItem.region"}},
        "OutputParameters": [{"OutputName": "score", "OutputType": "Float"}],
    }
    selector = {"Pick": "MaxBy", "Field": {"Get": "IterationOutput.Ask.OutputParameters['score']"}}
    items = ['{"region": "a"}', '{"region": "b"}']
    arguments = {"IterableItems": items, "MaxConcurrency": 2, "Selector": selector, "ForEachBody": [ask]}
    loop = {"Name": "Each", "Type": "ForEach", "Arguments": arguments}

    def told(reference: str) -> set[str]:
        stop = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": reference}}}
        return errors(pipeline(loop, stop))

    assert told("Steps.Each.Selected.OutputParameters['score']") == set()
    assert told("Steps.Each.IterationOutputs[0].Ask.OutputParameters['score']") == set()
    assert told("ForEach.CurrentItem") == {"DEP010"}
    assert told("IterationOutput.Ask.OutputParameters['score']") == {"DEP010"}
    assert told("Steps.Each.Results") == {"DEP012"}
    selector["Field"] = {"Get": "IterationOutput.Aks.OutputParameters['score']"}
    assert told("Execution.PipelineName") == {"DEP010"}

"""A faulty value of a pipeline parameter is one finding, at the parameter."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus import engine
from cursus.checks.examples import BASES, DEFINITION
from cursus.checks.views import Settings
from cursus.ignores import Ignore, Ignores
from cursus.model import Finding, Location, Origin, Pipeline
from cursus.model import Path as ModelPath
from tests.checks.made import TUNING, pipeline, processing


def train(name: str, **members: Any) -> dict[str, Any]:
    step: dict[str, Any] = {"Name": name, "Type": "Training", "Arguments": copy.deepcopy(DEFINITION)}
    step["Arguments"]["ResourceConfig"].update(members)
    return step


def prepare(**members: Any) -> dict[str, Any]:
    step = processing()
    step["Arguments"]["ProcessingResources"]["ClusterConfig"].update(members)
    return step


def definition(kind: str, default: object, member: str) -> dict[str, Any]:
    value = {"Get": "Parameters.Compute"}
    steps = [
        prepare(**{member: value}),
        train("First", **{member: value}),
        train("Second", **{member: value}),
    ]
    first = {"Name": "Unrelated", "Type": "String", "DefaultValue": "x"}
    parameters = [first, {"Name": "Compute", "Type": kind, "DefaultValue": default}]
    return pipeline(*steps, Parameters=parameters)


def errors(document: object, **options: Any) -> list[Finding]:
    return [f for f in cursus.check(document, **options).findings if f.severity == "error"]


@pytest.mark.parametrize(
    ("kind", "default", "member"),
    [("String", "ml.m5.huge", "InstanceType"), ("Integer", 0, "InstanceCount")],
)
def test_a_wrong_default_is_told_once_and_names_its_uses(kind: str, default: object, member: str) -> None:
    (finding,) = errors(definition(kind, default, member))
    assert finding.path == "Parameters[1].DefaultValue"
    assert "default of the parameter 'Compute'" in finding.message
    for use in (
        f"ProcessingResources.ClusterConfig.{member} of Prepare",
        f"ResourceConfig.{member} of First",
        f"ResourceConfig.{member} of Second",
    ):
        assert use in finding.message


def test_a_given_value_is_told_at_the_parameter() -> None:
    document = definition("String", "ml.m5.xlarge", "InstanceType")
    assert errors(document) == []
    (finding,) = errors(document, parameters={"Compute": "ml.m5.wide"})
    assert finding.path == "Parameters[1]"
    assert finding.message.startswith("'ml.m5.wide' is no instance type")
    assert "It comes from the value given for the parameter 'Compute', put in at" in finding.message


def test_it_stands_at_the_line_of_the_default(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.json"
    file.write_text(json.dumps(definition("String", "ml.m5.huge", "InstanceType"), indent=1))
    (finding,) = errors(str(file))
    assert finding.location is not None and finding.location.line is not None
    assert "ml.m5.huge" in file.read_text().splitlines()[finding.location.line - 1]


def allowed(*values: str, default: str | None = None) -> list[Finding]:
    """What is told of a parameter for the instance type that allows these values."""
    document = definition("String", default, "InstanceType")
    entry = document["Parameters"][1]
    entry["EnumValues"] = list(values)
    if default is None:
        del entry["DefaultValue"]
    return [f for f in cursus.check(document).findings if "Parameters[1]" in f.path and f.severity != "info"]


def test_each_value_that_may_be_given_is_tried() -> None:
    assert allowed("ml.m5.xlarge", "ml.m5.2xlarge", default="ml.m5.xlarge") == []
    (one,) = allowed("ml.m5.xlarge", "ml.m5.9xlarge", default="ml.m5.xlarge")
    assert (one.rule, one.severity, one.path) == ("RES001", "warning", "Parameters[1].EnumValues[1]")
    assert "First" in one.message and "'ml.m5.9xlarge'" in one.message
    (many,) = allowed("ml.m5.9xlarge", "ml.m5.xlarge", "ml.m5.huge", default="ml.m5.xlarge")
    assert many.path == "Parameters[1].EnumValues" and "'ml.m5.9xlarge', 'ml.m5.huge'" in many.message


def test_a_direction_that_may_be_chosen_is_chosen_with_its_metric() -> None:
    arguments = copy.deepcopy(BASES[TUNING])
    del arguments["HyperParameterTuningJobName"]
    objective = arguments["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    metrics = [{"Name": "auc-roc", "Regex": "auc-roc=([0-9.]+);"}]
    arguments["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"] = metrics
    objective.update(MetricName={"Get": "Parameters.Metric"}, Type={"Get": "Parameters.Direction"})
    direction: dict[str, Any] = {"Name": "Direction", "Type": "String", "DefaultValue": "Maximize"}
    direction["EnumValues"] = ["Maximize", "Minimize"]
    metric = {"Name": "Metric", "Type": "String", "DefaultValue": "auc-roc"}
    step = {"Name": "Tune", "Type": "Tuning", "Arguments": arguments}
    document = pipeline(step, Parameters=[metric, direction])
    assert [f for f in cursus.check(document).findings if f.rule == "HPO021"] == []
    direction["DefaultValue"] = "Minimize"
    assert [f.severity for f in cursus.check(document).findings if f.rule == "HPO021"] == ["warning"]


def test_a_parameter_without_a_value_that_can_be_used() -> None:
    assert [f.severity for f in allowed("m5.xlarge", "m5.2xlarge")] == ["error"]
    assert [f.severity for f in allowed("m5.xlarge", "ml.m5.2xlarge")] == ["warning"]


def test_a_faulty_default_is_not_told_of_the_other_values_too() -> None:
    (told,) = allowed("m5.xlarge", "m5.2xlarge", default="m5.xlarge")
    assert (told.severity, told.path) == ("error", "Parameters[1].DefaultValue")


@pytest.mark.parametrize("values", ["ml.m5.xlarge", [[]], [{"Get": "x"}], [5, None], []])
def test_enum_values_of_any_form_make_no_check_raise(values: Any) -> None:
    document = definition("String", "ml.m5.xlarge", "InstanceType")
    document["Parameters"][1]["EnumValues"] = values
    document["Parameters"][0]["Type"] = []
    cursus.check(document)


def test_a_value_of_another_type_is_the_fault_of_the_use() -> None:
    document = definition("Integer", 3, "InstanceType")
    (told,) = errors(document)
    assert told.path == "Steps[0].Arguments.ProcessingResources.ClusterConfig.InstanceType"
    assert "InstanceType of First" in told.message and "InstanceType of Second" in told.message
    document["Parameters"][1]["DefaultValue"] = "3"  # nor is it what the parameter is declared as
    assert [f.path for f in errors(document)] == ["Parameters[1].DefaultValue"]


def test_a_join_with_other_parts_is_told_where_it_stands() -> None:
    document = definition("String", "m5.huge", "InstanceType")
    join: dict[str, Any] = {"Std:Join": {"On": "", "Values": ["ml.", {"Get": "Parameters.Compute"}]}}
    document["Steps"] = [train("First", InstanceType=join)]
    assert [f.path for f in errors(document)] == ["Steps[0].Arguments.ResourceConfig.InstanceType"]
    join["Std:Join"]["Values"].pop(0)
    assert [f.path for f in errors(document)] == ["Parameters[1].DefaultValue"]


def test_an_empty_default_waits_for_the_execution() -> None:
    document = definition("String", "", "InstanceType")
    (finding,) = [
        f
        for f in cursus.check(document).findings
        if f.severity != "info" and f.path == "Parameters[1].DefaultValue"
    ]
    assert finding.severity == "warning"
    assert [
        f.severity
        for f in cursus.check(document, parameters={"Compute": " "}).findings
        if "Compute" in f.message
    ] == ["error"]


@pytest.mark.parametrize(
    ("kind", "default", "members", "remedy"),
    [
        ("Integer", 3, {"InstanceType": {"Get": "Parameters.Compute"}}, "Std:Join"),
        (
            "String",
            "ml.m5.large",
            {"InstanceGroups": {"Get": "Parameters.Compute"}},
            'list: [{"Get": "Parameters.Compute"}]',
        ),
        ("String", "3", {"InstanceCount": {"Get": "Parameters.Compute"}}, "of the type that is taken"),
    ],
)
def test_the_remedy_is_of_the_type_that_is_taken(
    kind: str, default: object, members: dict[str, Any], remedy: str
) -> None:
    document = definition(kind, default, "InstanceCount")
    document["Steps"] = [train("First", **members)]
    found = [f for f in errors(document) if f.rule == "STP003"]
    assert [remedy in (f.remedy or "") for f in found] == [True]


def placed(document: dict[str, Any], place: Callable[[int], Location]) -> dict[ModelPath, Origin]:
    """The places of the steps' instance types."""
    member = ("Arguments", "ResourceConfig", "InstanceType")
    return {("Steps", i, *member): Origin("pipeline", place(i)) for i in range(len(document["Steps"]))}


@pytest.mark.parametrize(("file", "told"), [("churn.py", 1), ("churn.json", 3)])
def test_one_line_of_a_python_file_is_told_once_for_its_steps(file: str, told: int) -> None:
    document = pipeline(*(train(name, InstanceType="ml.m5.huge") for name in ("First", "Second", "Third")))
    made = Pipeline("p", document, origins=placed(document, lambda i: Location(file, 7, 3)))
    found = [f for f in engine.check_pipeline(made, Settings())[0] if f.severity == "error"]
    assert len(found) == told
    assert found[0].step == "First"
    assert ("The same in Second, Third." in found[0].message) is (told == 1)


def test_a_step_that_is_ignored_leaves_the_others() -> None:
    document = pipeline(*(train(name, InstanceType="ml.m5.huge") for name in ("First", "Second")))
    made = Pipeline("p", document, origins=placed(document, lambda i: Location("churn.py", 7, 3)))
    ignored = Ignore("RES", reason="as it is", step="First")
    found = engine.check_pipeline(made, Settings(ignores=Ignores((ignored,))))[0]
    assert [f.step for f in found if f.severity == "error"] == ["Second"]


def test_lines_of_their_own_are_told_each() -> None:
    document = pipeline(*(train(name, InstanceType="ml.m5.huge") for name in ("First", "Second")))
    origins = placed(document, lambda i: Location("churn.py", 7 + i, 3))
    found = engine.check_pipeline(Pipeline("p", document, origins=origins), Settings())[0]
    assert len([f for f in found if f.severity == "error"]) == 2

"""No definition makes a check raise, and what is said of huge ones has a bound."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cursus
from tests.checks.made import pipeline
from tests.checks.made_pipelines import TRAIN, check, errors


def test_a_thousand_steps() -> None:
    steps = [
        {**copy.deepcopy(TRAIN), "Name": f"Train{i}", "DependsOn": [f"Train{i - 1}"] if i else []}
        for i in range(1000)
    ]
    assert errors(pipeline(*steps)) == set()


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


def real_definitions() -> list[dict[str, Any]]:
    folder = Path(__file__).parents[1] / "cases"
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("pipeline-*.json"))]
    return [case["good"] for case in cases if "Steps" in case["good"]]


REAL = real_definitions()
HOSTILE = (
    JSON
    | REFERENCE
    | st.sampled_from(
        [
            float("nan"),
            10**30,
            "\ud800",
            "x" * 5000,
            {"Get": "Steps.Train.ModelArtifacts[0]['a'].b"},
            {"Std:Join": {"On": 1, "Values": [{"Std:Join": None}]}},
            {"Std:JsonGet": {"Path": {"Get": 1}}},
            {1: 2},
            (1, 2),
            b"x",
        ]
    )
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a definition."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, one in inner for found in places(one, (*path, key)))]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_mutation_of_a_real_definition_makes_a_check_raise(data: st.DataObject) -> None:
    definition = copy.deepcopy(data.draw(st.sampled_from(REAL)))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(definition)[1:] or [("Steps",)]))
        holder = definition
        for part in path[:-1]:
            holder = holder[part]
        if data.draw(st.booleans()):
            holder[path[-1]] = copy.deepcopy(data.draw(HOSTILE))
        elif isinstance(holder, dict):
            holder[data.draw(st.sampled_from(["Get", "Std:Join", "Steps", "Type", "x" * 300, 7, None]))] = (
                holder.pop(path[-1])
            )
        else:
            holder.append(copy.deepcopy(data.draw(HOSTILE)))
    for finding in check(definition):
        assert len(finding.message) <= 8000 and len(finding.path) < 5000


@pytest.mark.parametrize(
    "step",
    [
        {"Name": "", "Type": "Fail", "DependsOn": ["Train"], "Arguments": {"ErrorMessage": "no"}},
        {
            "Name": "A",
            "Type": "Condition",
            "Arguments": {"Conditions": [{"Type": {"Get": "Parameters.Text"}}]},
        },
        {"Name": "A", "Type": "Training", "Arguments": {"Get": "Parameters.Text"}},
        {
            "Name": "A",
            "Type": "Processing",
            "Arguments": {
                "AppSpecification": {"ContainerEntrypoint": ["python3", "/opt/ml/processing/code/a.py"]},
                "ProcessingInputs": [[{"InputName": "code"}]],
            },
        },
        {
            "Name": "A",
            "Type": "Lineage",
            "Arguments": {"Associations": [{"Source": {"Name": "a", "Type": ["Artifact"]}}]},
        },
    ],
)
def test_steps_that_once_made_a_check_raise(step: dict[str, Any]) -> None:
    parameters = [{"Name": "Text", "Type": "String", "DefaultValue": "x"}]
    assert isinstance(check(pipeline(TRAIN, step, Parameters=parameters)), list)


def test_a_million_dependencies_are_bounded() -> None:
    stop = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    unknown = check(pipeline({**stop, "DependsOn": [f"Step{i}" for i in range(3000)]}))
    assert len(unknown) == 1001 and "more than 1,000" in unknown[-1].message
    assert [f.path for f in check(pipeline({**stop, "DependsOn": ["Train"] * 100_000}))] == [
        "Steps[0].DependsOn[0]"
    ]


def test_long_names_are_cut() -> None:
    name = "N" * 100_000
    stop = {"Name": name, "Type": "Fail", name: 1, "Arguments": {"ErrorMessage": {"Get": f"Steps.{name}.x"}}}
    report = cursus.check(pipeline(stop))
    assert report.findings
    for finding in report.findings:
        assert len(finding.message + finding.remedy + finding.path + finding.step) < 2000
    assert all(len(section.name) <= 200 for section in report.sections)


def test_a_long_circle_is_told_shortly() -> None:
    steps = [
        {
            "Name": f"S{i}",
            "Type": "Fail",
            "DependsOn": [f"S{(i + 1) % 500}"],
            "Arguments": {"ErrorMessage": "no"},
        }
        for i in range(500)
    ]
    (finding,) = [f for f in check(pipeline(*steps)) if f.severity == "error"]
    assert finding.rule == "DEP006" and "490 more" in finding.message


def test_steps_that_pack_each_others_model() -> None:
    def packs(name: str, other: str) -> dict[str, Any]:
        model = {"Get": f"Steps.{other}.ModelArtifacts.S3ModelArtifacts"}
        given = {"model_archive": model, "inference_script": "serve.py"}
        return {"Name": name, "Type": "Training", "Arguments": {"HyperParameters": given}}

    container = {"ModelDataUrl": {"Get": "Steps.One.ModelArtifacts.S3ModelArtifacts"}}
    create = {"Name": "Create", "Type": "Model", "Arguments": {"PrimaryContainer": container}}
    steps = [packs("One", "Other"), packs("Other", "One"), create]
    found = cursus.check({"Version": "2020-12-01", "Steps": steps}).findings
    assert any(one.rule == "DEP006" for one in found)


def test_a_step_itself_among_the_parts_of_a_location() -> None:
    step = copy.deepcopy(TRAIN)
    joined = {"Std:Join": {"On": "/", "Values": ["s3://example-bucket", {"Get": "Steps.Train"}]}}
    step["Arguments"]["OutputDataConfig"] = {"S3OutputPath": joined}
    assert errors(pipeline(TRAIN, {**step, "Name": "Again"})) != set()

"""Pipelines as a whole: references resolved, steps checked with parameters put in, and no input raises."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cursus
from cursus import engine
from cursus.checks.examples import DEFINITION
from cursus.checks.views import Settings
from cursus.model import Finding, Pipeline
from tests.checks.made import broken, model, pipeline, processing

TRAIN: dict[str, Any] = {"Name": "Train", "Type": "Training", "Arguments": DEFINITION}
ASK: dict[str, Any] = {
    "Name": "Ask",
    "Type": "Lambda",
    "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:ask",
    "Arguments": {},
}


def check(definition: dict[str, Any], **parameters: Any) -> list[Finding]:
    return engine.check_pipeline(Pipeline("p", definition, parameters), Settings())[0]


def rules(definition: dict[str, Any], **parameters: Any) -> set[str]:
    return {finding.rule for finding in check(definition, **parameters) if finding.severity == "error"}


CONDITION = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}


def test_sound_pipeline_has_no_errors() -> None:
    container = {
        "Image": DEFINITION["AlgorithmSpecification"]["TrainingImage"],
        "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
    }
    assert rules(pipeline(TRAIN, model(container))) == set()


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


def test_reference_that_is_no_text() -> None:
    stop = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": 3}}}
    (finding,) = [f for f in check(pipeline(TRAIN, stop)) if f.severity == "error"]
    assert (finding.rule, finding.path) == ("DEP010", "Steps[1].Arguments.ErrorMessage")


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


def test_a_step_may_wait_for_another_outcome() -> None:
    def told(entry: Any) -> set[str]:
        stop = {"Name": "Stop", "Type": "Fail", "DependsOn": [entry], "Arguments": {"ErrorMessage": "no"}}
        return {finding.path for finding in check(pipeline(TRAIN, stop)) if finding.severity == "error"}

    assert told({"Step": "Train", "Trigger": "Failed"}) == set()
    assert told({"Step": "Train", "Trigger": "Fails"}) == {"Steps[1].DependsOn[0].Trigger"}
    assert told({"Step": "Trian"}) == {"Steps[1].DependsOn[0]"}
    assert told({"Step": "Train", "On": "Failed"}) == {"Steps[1].DependsOn[0].On"}


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


JOINED = {"On": "/", "Values": ["s3://example-bucket", "models"]}


@pytest.mark.parametrize(
    ("name", "inner", "right"),
    [
        ("Std:join", JOINED, "Std:Join"),
        ("std:Join", JOINED, "Std:Join"),
        ("Std::Join", JOINED, "Std:Join"),
        ("Join", JOINED, "Std:Join"),
        ("Std:Concat", JOINED, "Std:Join"),
        ("Std:JSONGet", {"Path": "a", "S3Uri": "s3://example-bucket/a.json"}, "Std:JsonGet"),
        ("Concat", [{"Get": "Execution.PipelineName"}, "/models"], "Std:Join"),
        ("Fn::Join", ["/", ["s3://example-bucket", "models"]], "Std:Join"),
        ("Fn::Sub", "s3://${Bucket}/models", "Std:Join"),
        ("Ref", "Bucket", "Parameters.Bucket"),
        ("$ref", "Bucket", "Parameters.Bucket"),
    ],
)
def test_functions_of_another_name(name: str, inner: Any, right: str) -> None:
    step = copy.deepcopy(TRAIN)
    step["Arguments"]["OutputDataConfig"]["S3OutputPath"] = {name: inner}
    (told,) = [f for f in check(pipeline(step)) if f.severity == "error"]
    assert (told.rule, told.path) == ("DEP013", "Steps[0].Arguments.OutputDataConfig.S3OutputPath")
    assert right in told.remedy


def test_a_mapping_that_is_no_function_is_left_alone() -> None:
    event = {"join": {"left": "a", "right": "b"}, "nested": {"Join": {}}, "both": {"Concat": ["a", "b"]}}
    ask = {**ASK, "Arguments": event}
    assert [f for f in check(pipeline(ask)) if f.rule == "DEP013"] == []


def test_two_output_parameters_of_one_name() -> None:
    output = {"OutputName": "answer", "OutputType": "String"}
    assert rules(pipeline({**ASK, "OutputParameters": [output]})) == set()
    found = [f for f in check(pipeline({**ASK, "OutputParameters": [output, output]})) if f.rule == "DEP043"]
    assert [f.path for f in found] == ["Steps[0].OutputParameters[1].OutputName"]


def test_members_of_the_second_automl_api() -> None:
    problem = {"TabularJobConfig": {"TargetAttributeName": "y"}}
    learn = {"Name": "Learn", "Type": "AutoML", "Arguments": {"AutoMLProblemTypeConfig": problem}}
    told = {f.path: f for f in check(pipeline(learn))}
    found = told["Steps[0].Arguments.AutoMLProblemTypeConfig"]
    assert found.rule == "DEP044" and "AutoMLJobConfig" in found.remedy
    assert "Steps[0].Arguments.InputDataConfig" in told  # which nothing in the step stands for


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
        return rules(pipeline(loop, stop))

    assert told("Steps.Each.Selected.OutputParameters['score']") == set()
    assert told("Steps.Each.IterationOutputs[0].Ask.OutputParameters['score']") == set()
    assert told("ForEach.CurrentItem") == {"DEP010"}
    assert told("IterationOutput.Ask.OutputParameters['score']") == {"DEP010"}
    assert told("Steps.Each.Results") == {"DEP012"}
    selector["Field"] = {"Get": "IterationOutput.Aks.OutputParameters['score']"}
    assert told("Execution.PipelineName") == {"DEP010"}


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


@pytest.mark.parametrize(("folder", "suggested"), [("input/codes", True), ("input/data", False)])
def test_a_folder_is_suggested_where_it_is_nearly_the_one_that_is_named(folder: str, suggested: bool) -> None:
    source = {
        "S3Uri": "s3://example-bucket/x/",
        "LocalPath": f"/opt/ml/processing/{folder}",
        "S3DataType": "S3Prefix",
    }
    entry = ["python3", "/opt/ml/processing/input/code/step.py"]
    step = {
        "Name": "Prepare",
        "Type": "Processing",
        "Arguments": {
            "AppSpecification": {
                "ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1",
                "ContainerEntrypoint": entry,
            },
            "ProcessingInputs": [{"InputName": "x", "S3Input": {**source, "S3InputMode": "File"}}],
        },
    }
    found = [one.message for one in check(pipeline(step)) if one.rule == "DEP039"]
    assert len(found) == 1
    assert found[0].endswith(f" Did you mean '/opt/ml/processing/{folder}'?") is suggested


def test_jobs_take_on_the_role_of_their_pipeline() -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-access.html: a role of their own is no duty."""
    steps = [processing(), {"Name": "Train", "Type": "Training", "Arguments": dict(DEFINITION)}]
    for step in steps:
        del step["Arguments"]["RoleArn"]
    assert not broken(cursus.check(pipeline(*steps)).findings)


CONFIG = {
    "Name": "Config",
    "Type": "EndpointConfig",
    "Arguments": {
        "EndpointConfigName": "churn",
        "ProductionVariants": [{"VariantName": "all", "ModelName": "churn", "InstanceType": "ml.m5.large"}],
    },
}


NO_VALUES: tuple[Any, ...] = (None, [1], {})


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (CONFIG, set()),
        ({**TRAIN, "Arguments": "none"}, {"DEP002"}),
        ({**TRAIN, "Arguments": None}, {"DEP002"}),
        ({**ASK, "FunctionArn": None}, {"DEP002"}),
        ({**ASK, "Arguments": {"at": {"Std:Join": {"On": ["/"], "Values": ["a", "b"]}}}}, {"DEP013"}),
        (
            {
                "Name": "Deploy",
                "Type": "Endpoint",
                "Arguments": {"EndpointName": "a", "EndpointConfigName": {"Get": "Steps.Config.ConfigName"}},
            },
            {"DEP012"},
        ),
        (
            {
                **CONFIG,
                "Name": "Other",
                "Arguments": {
                    "EndpointConfigName": "churn",
                    "ProductionVariants": [
                        {"VariantName": "all", "ModelName": "churn", "InstanceType": "ml.m5.big"}
                    ],
                },
            },
            {"DEP045"},
        ),
        *(
            (
                {
                    "Name": "Decide",
                    "Type": "Condition",
                    "Arguments": {
                        "Conditions": [{**CONDITION, "LeftValue": value}],
                        "IfSteps": [ASK],
                        "ElseSteps": [],
                    },
                },
                {"DEP040"},
            )
            for value in NO_VALUES
        ),
    ],
)
def test_members_that_are_null_or_of_another_form(step: dict[str, Any], expected: set[str]) -> None:
    assert rules(pipeline(*([CONFIG] if step["Type"] == "Endpoint" else []), step)) == expected


GATE = {
    "Name": "Gate",
    "Type": "Condition",
    "Arguments": {
        "Conditions": [
            {
                "Type": "GreaterThan",
                "LeftValue": {
                    "Std:JsonGet": {"PropertyFile": {"Get": "Execution.PipelineName"}, "Path": "auc"}
                },
                "RightValue": 0.8,
            }
        ],
        "IfSteps": [ASK],
        "ElseSteps": [],
    },
}
ARTIFACT = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        (GATE, {"DEP014"}),
        (model({"Image": "custom", "ModelDataUrl": {"Get": "Execution.PipelineExecutionId"}}), {"DEP014"}),
        (
            model(
                {"Image": "custom", "ModelDataUrl": {"Std:Join": {"On": "/", "Values": ["s3://b", ARTIFACT]}}}
            ),
            {"DEP015"},
        ),
        (
            {
                **CONFIG,
                "Arguments": {
                    "EndpointConfigName": "churn",
                    "ProductionVariants": [{"VariantName": "all", "ModelName": ARTIFACT}],
                },
            },
            {"DEP014"},
        ),
        ({**ASK, "Arguments": {"ModelName": ARTIFACT, "S3Uri": {"Get": "Execution.PipelineName"}}}, set()),
    ],
)
def test_references_to_what_a_member_never_is(step: dict[str, Any], wrong: set[str]) -> None:
    found = rules(pipeline(TRAIN, step))
    assert {rule for rule in found if rule in ("DEP014", "DEP015")} == wrong


def test_an_experiment_is_not_named_after_what_a_step_gives() -> None:
    definition = pipeline(TRAIN)
    definition["PipelineExperimentConfig"] = {"ExperimentName": ARTIFACT}
    assert rules(definition) == {"DEP014"}

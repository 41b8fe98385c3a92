"""What a pipeline refers to: properties of steps, and functions that put values together."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cursus.checks.examples import BASES, DEFINITION
from tests.checks.made import TUNING, model, pipeline, processing
from tests.checks.made_pipelines import (
    ASK,
    CONDITION,
    FUNCTION,
    JOB,
    LEARNED,
    LINEAGE,
    STOP,
    TRAIN,
    ask,
    check,
    errors,
    found,
    request,
    rules,
    step,
    warned,
)


def test_a_hyperparameter_that_is_not_tuned_has_no_best_value() -> None:
    job = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0.1", "MaxValue": "0.5"}]},
        },
        "TrainingJobDefinition": copy.deepcopy(DEFINITION),
    }  # fmt: skip

    def said(name: str) -> list[str]:
        best = {"Get": f"Steps.Tune.BestTrainingJob.TunedHyperParameters['{name}']"}
        definition = pipeline(step("Tune", "Tuning", job), ask("Tell", best=best))
        found = check(definition)
        return [one.message for one in found if one.rule == "DEP012"]

    assert said("rate") == []
    assert "have no 'eta'" in said("eta")[0]


@pytest.mark.parametrize(("number", "told"), [(0, False), (1, True)])
def test_the_best_of_the_jobs_is_taken(number: int, told: bool) -> None:
    name = {"Get": f"Steps.Tune.TrainingJobSummaries[{number}].TrainingJobName"}
    definition = pipeline(step("Tune", "Tuning", {}), ask("Tell", job=name))
    assert ("DEP103" in warned(definition)) == told


@pytest.mark.parametrize(("number", "found"), [(3, set()), (4, {"DEP012"}), (50, {"DEP012"})])
def test_no_more_jobs_than_the_tuning_makes(number: int, found: set[str]) -> None:
    limits = {"ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2}}
    tune = step("Tune", "Tuning", {"HyperParameterTuningJobConfig": limits})
    name = {"Get": f"Steps.Tune.TrainingJobSummaries[{number}].TrainingJobName"}
    best = {"Get": "Steps.Tune.BestTrainingJob.TrainingJobName"}
    assert errors(pipeline(tune, ask("Tell", job=name, best=best))) & {"DEP012"} == found


def test_the_best_value_alone_is_no_other_job() -> None:
    value = {"Get": "Steps.Tune.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value"}
    assert "DEP103" not in warned(pipeline(step("Tune", "Tuning", {}), ask("Tell", auc=value)))


@pytest.mark.parametrize(
    ("member", "broken_by"), [("ModelInsightsJsonReportPath", set()), ("ModelInsightsReport", {"DEP012"})]
)
def test_the_reports_on_the_best_candidate(member: str, broken_by: set[str]) -> None:
    report = {"Get": f"Steps.Search.BestCandidateProperties.{member}"}
    definition = pipeline(step("Search", "AutoML", {}), ask("Tell", report=report))
    assert errors(definition) & {"DEP012"} == broken_by


def test_variables_beside_their_values_in_a_remote_function() -> None:
    """As the SDK writes them: the name, and the value, which it makes a text of where it is none."""
    values = [
        "--property_references",
        "Execution.PipelineExecutionId",
        {"Get": "Execution.PipelineExecutionId"},
        "Parameters.Epochs",
        {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Epochs"}]}},
    ]
    step = processing()
    step["Arguments"]["AppSpecification"]["ContainerArguments"] = values
    epochs = {"Name": "Epochs", "Type": "Integer", "DefaultValue": 5}
    assert rules(step, Parameters=[epochs]) == []
    values.pop()
    assert rules(step, Parameters=[epochs])[:1] == ["DEP004"]


def test_the_text_of_a_variable_within_a_word() -> None:
    stop: dict[str, Any] = copy.deepcopy(STOP)
    stop["Arguments"]["ErrorMessage"] = (
        "s3://example-bucket/taxi_ParameterString(name='Run', default_value='a')/"
    )
    assert rules(stop) == ["DEP004"]


TUNED = BASES[TUNING]


@pytest.mark.parametrize(
    ("get", "expected"), [("JobConfigDocument.Output.Arn", []), ("JobConfig.Output", ["DEP012"])]
)
def test_what_a_job_answers(get: str, expected: list[str]) -> None:
    ask = {**request("Lambda", "Ask", given={"Get": f"Steps.It.{get}"}), "FunctionArn": FUNCTION}
    assert [rule for rule, _ in found(JOB, ask)] == expected


@pytest.mark.parametrize(("name", "expected"), [("model", []), ("modle", ["DEP012"])])
def test_what_a_lineage_step_records(name: str, expected: list[str]) -> None:
    recorded = {"Get": f"Steps.It.ArtifactArns['{name}']"}
    ask = {**request("Lambda", "Ask", given=recorded), "FunctionArn": FUNCTION}
    assert [rule for rule, _ in found(LINEAGE, ask)] == expected


@pytest.mark.parametrize(("last", "expected"), [("Name", []), ("Arn", ["DEP014"])])
def test_a_name_is_no_arn(last: str, expected: list[str]) -> None:
    tune = {"Name": "Tune", "Type": "Tuning", "Arguments": copy.deepcopy(TUNED)}
    parent = {"HyperParameterTuningJobName": {"Get": f"Steps.Tune.HyperParameterTuningJob{last}"}}
    warm = {"ParentHyperParameterTuningJobs": [parent], "WarmStartType": "IdenticalDataAndAlgorithm"}
    again = {"Name": "Again", "Type": "Tuning", "Arguments": copy.deepcopy(TUNED) | {"WarmStartConfig": warm}}
    assert [rule for rule, _ in found(tune, again) if rule == "DEP014"] == expected


@pytest.mark.parametrize(("get", "expected"), [("['answer']", []), (".answer", ["DEP012"])])
def test_output_parameters_are_named_in_brackets(get: str, expected: list[str]) -> None:
    ask = request("Lambda", "Ask") | {
        "FunctionArn": FUNCTION,
        "OutputParameters": [{"OutputName": "answer", "OutputType": "String"}],
    }
    told_of = request("Lambda", given={"Get": f"Steps.Ask.OutputParameters{get}"}) | {"FunctionArn": FUNCTION}
    assert [rule for rule, _ in found(ask, told_of)] == expected


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
    assert errors(pipeline(*([CONFIG] if step["Type"] == "Endpoint" else []), step)) == expected


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


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        (GATE, {"DEP014"}),
        (model({"Image": "custom", "ModelDataUrl": {"Get": "Execution.PipelineExecutionId"}}), {"DEP014"}),
        (
            model(
                {"Image": "custom", "ModelDataUrl": {"Std:Join": {"On": "/", "Values": ["s3://b", LEARNED]}}}
            ),
            {"DEP015"},
        ),
        (
            {
                **CONFIG,
                "Arguments": {
                    "EndpointConfigName": "churn",
                    "ProductionVariants": [{"VariantName": "all", "ModelName": LEARNED}],
                },
            },
            {"DEP014"},
        ),
        ({**ASK, "Arguments": {"ModelName": LEARNED, "S3Uri": {"Get": "Execution.PipelineName"}}}, set()),
    ],
)
def test_references_to_what_a_member_never_is(step: dict[str, Any], wrong: set[str]) -> None:
    found = errors(pipeline(TRAIN, step))
    assert {rule for rule in found if rule in ("DEP014", "DEP015")} == wrong


def test_an_experiment_is_not_named_after_what_a_step_gives() -> None:
    definition = pipeline(TRAIN)
    definition["PipelineExperimentConfig"] = {"ExperimentName": LEARNED}
    assert errors(definition) == {"DEP014"}

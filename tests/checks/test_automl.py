"""AutoML requests of both versions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.made import broken, findings_of

V1, V2 = "CreateAutoMLJob", "CreateAutoMLJobV2"
PROBLEM = "AutoMLProblemTypeConfig"


@pytest.mark.parametrize("operation", [V1, V2])
def test_the_bases_are_sound(operation: str) -> None:
    assert findings_of({}, operation=operation) == []


@pytest.mark.parametrize(
    ("kind", "metric", "right"),
    [
        ("BinaryClassification", "F1", True),
        ("BinaryClassification", "F1macro", False),
        ("MulticlassClassification", "F1macro", True),
        ("MulticlassClassification", "F1", False),
        ("Regression", "MSE", True),
        ("Regression", "Accuracy", False),
    ],
)
def test_metrics(kind: str, metric: str, right: bool) -> None:
    one = {"ProblemType": kind, "AutoMLJobObjective": {"MetricName": metric}}
    two = {
        PROBLEM: {"TabularJobConfig": {"ProblemType": kind}},
        "AutoMLJobObjective": {"MetricName": metric},
    }
    for patch, operation in ((one, V1), (two, V2)):
        assert broken(findings_of(patch, operation=operation)) == (set() if right else {"HPO026"})


def test_both_or_neither() -> None:
    assert broken(findings_of({"ProblemType": None}, operation=V1)) == {"HPO025"}
    assert broken(findings_of({"AutoMLJobObjective": None}, operation=V2)) == {"HPO025"}
    assert not findings_of({"ProblemType": None, "AutoMLJobObjective": None}, operation=V1)


@pytest.mark.parametrize(
    ("whole", "one", "short"), [(1800, 3600, True), (3600, 3600, False), (36000, 3600, False)]
)
def test_times(whole: int, one: int, short: bool) -> None:
    criteria = {"MaxAutoMLJobRuntimeInSeconds": whole, "MaxRuntimePerTrainingJobInSeconds": one}
    patch = {PROBLEM: {"TabularJobConfig": {"CompletionCriteria": criteria}}}
    assert [f.severity for f in findings_of(patch, "HPO027", operation=V2)] == ["warning"] * short


@pytest.mark.parametrize(
    ("mode", "algorithm", "severity"),
    [
        ("ENSEMBLING", "lightgbm", None),
        ("HYPERPARAMETER_TUNING", "lightgbm", "error"),
        ("HYPERPARAMETER_TUNING", "mlp", None),
        ("AUTO", "xgboost", "error"),
        (None, "xgboost", "warning"),
    ],
)
def test_modes(mode: str | None, algorithm: str, severity: str | None) -> None:
    config = {"CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": [algorithm]}]}}
    patch = {"AutoMLJobConfig": {**config, **({"Mode": mode} if mode else {})}}
    found = findings_of(patch, "HPO028", operation=V1)
    assert [f.severity for f in found] == ([severity] if severity else [])
    if algorithm == "lightgbm" and found:
        assert found[0].remedy.endswith("or set Mode to ENSEMBLING, which trains lightgbm")


def forecasting(**members: Any) -> dict[str, Any]:
    series = {
        "TargetAttributeName": "sales",
        "TimestampAttributeName": "day",
        "ItemIdentifierAttributeName": "shop",
    }
    config = {"ForecastFrequency": "1D", "ForecastHorizon": 30, "TimeSeriesConfig": series, **members}
    return {
        "AutoMLJobObjective": None,
        PROBLEM: {"TabularJobConfig": None, "TimeSeriesForecastingJobConfig": config},
    }


@pytest.mark.parametrize(
    ("members", "right"),
    [
        ({}, True),
        ({"ForecastHorizon": 501}, False),
        ({"ForecastQuantiles": ["p10", "p50", "p99"]}, True),
        ({"ForecastQuantiles": ["p10", "p10"]}, False),
        ({"Transformations": {"Aggregation": {"sales": "sum"}}}, True),
        ({"Transformations": {"Aggregation": {"price": "sum"}}}, False),
        ({"Transformations": {"Filling": {"price": {"middlefill": "mean"}}}}, True),
        ({"Transformations": {"Filling": {"price": {"middlefill": "value"}}}}, False),
        ({"Transformations": {"Filling": {"price": {"frontfill": "mean"}}}}, False),
    ],
)
def test_forecasting(members: dict[str, Any], right: bool) -> None:
    found = findings_of(forecasting(**members), operation=V2)
    assert broken(found) == (set() if right else {"HPO030"})


def data(**members: Any) -> dict[str, Any]:
    return {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b-1/x/"}}, **members}


@pytest.mark.parametrize(
    ("channels", "rules"),
    [
        ([data()], set()),
        ([data(), data()], {"CHN040"}),
        ([data(), data(ChannelType="validation")], set()),
        ([data(ChannelType="validation")], {"CHN040"}),
        ([data(ContentType="text/csv;header=absent")], {"CHN041"}),
        ([data(ContentType="text/csv; header=present")], set()),
        ([data(ContentType="x-application/vnd.amazon+parquet")], set()),
        ([data(ContentType="application/json")], {"CHN041"}),
        ([data(ContentType="csv")], {"CHN041"}),
        ([data(CompressionType="Gzip")], set()),
    ],
)
def test_channels(channels: list[dict[str, Any]], rules: set[str]) -> None:
    found = findings_of({"AutoMLJobInputDataConfig": channels}, operation=V2)
    assert broken(found) == rules


@pytest.mark.parametrize(
    ("deploy", "right"),
    [
        ({"AutoGenerateEndpointName": True}, True),
        ({"AutoGenerateEndpointName": True, "EndpointName": "a"}, False),
        ({"AutoGenerateEndpointName": False, "EndpointName": "a"}, True),
        ({"EndpointName": "a"}, True),
        ({"AutoGenerateEndpointName": False}, False),
    ],
)
def test_endpoints(deploy: dict[str, Any], right: bool) -> None:
    assert broken(findings_of({"ModelDeployConfig": deploy}, operation=V1)) == (
        set() if right else {"ART010"}
    )


def test_a_misspelt_problem_type_is_not_shown_as_something_else() -> None:
    found = findings_of({"ProblemType": "Binary", "AutoMLJobObjective": None}, operation=V1)
    assert broken(found) == {"STP004", "HPO025"}
    assert not [f for f in found if "Get" in f.message]


@pytest.mark.parametrize(("content", "right"), [("image/png", True), ("text/csv;header=present", False)])
def test_images_are_no_csv(content: str, right: bool) -> None:
    patch = {
        PROBLEM: {"TabularJobConfig": None, "ImageClassificationJobConfig": {}},
        "AutoMLJobInputDataConfig": [data(ContentType=content)],
    }
    found = findings_of(patch, operation=V2)
    assert [(f.rule, f.severity) for f in found if f.rule == "CHN041"] == (
        [] if right else [("CHN041", "error")]
    )


@pytest.mark.parametrize(
    ("name", "accepted", "severity", "words"),
    [
        ("Falcon7BInstruct", None, None, ""),
        ("Llama2-7B", True, None, ""),
        ("Llama2-7B", None, "error", "gated"),
        ("falcon7b-instruct", None, "error", "is called 'Falcon7BInstruct'"),
        ("huggingface-llm-mistral-7b", None, "error", "is called 'Mistral7B'"),
        ("Falcn7BInstruct", None, "warning", "Did you mean 'Falcon7BInstruct'?"),
        ("Llama9-1B", None, "warning", "knows no base model"),
    ],
)
def test_base_models(name: str, accepted: bool | None, severity: str | None, words: str) -> None:
    config: dict[str, Any] = {"BaseModelName": name}
    if accepted is not None:
        config["ModelAccessConfig"] = {"AcceptEula": accepted}
    problem = {"TabularJobConfig": None, "TextGenerationJobConfig": config}
    found = findings_of({PROBLEM: problem, "AutoMLJobObjective": None}, operation=V2)
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(words in one.message for one in found)

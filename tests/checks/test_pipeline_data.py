"""What the steps of a pipeline hand to each other: outputs, channels, files and folders."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import cursus
from cursus.checks.examples import DEFINITION
from tests.checks.made import SCIKIT_LEARN, XGBOOST, pipeline, processing, processing_input, transform
from tests.checks.made_pipelines import (
    CREATE,
    LEARNED,
    OUT,
    OUTPUT,
    ask,
    check,
    decide,
    errors,
    found,
    metric,
    request,
    rules,
    step,
    train,
    warned,
    written,
)


@pytest.mark.parametrize(("kind", "level"), [("text/csv", "error"), (None, "warning")])
def test_records_are_no_archive(kind: str | None, level: str) -> None:
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": LEARNED}}
    score = transform(TransformInput={"DataSource": data, **({"ContentType": kind} if kind else {})})
    definition = pipeline(step("Train", "Training", copy.deepcopy(DEFINITION)), score)
    found = check(definition)
    assert [one.severity for one in found if one.rule == "FRM024"] == [level]


@pytest.mark.parametrize(("after", "told"), [(["Evaluate"], False), ([], True)])
def test_metrics_of_a_registration_are_waited_for(after: list[str], told: bool) -> None:
    output = {"OutputName": "report", "S3Output": OUTPUT}
    before = {**processing(ProcessingOutputConfig={"Outputs": [output]}), "Name": "Evaluate"}
    file = {"ContentType": "application/json", "S3Uri": OUTPUT["S3Uri"] + "/evaluation.json"}
    arguments = {"ModelPackageGroupName": "churn", "ModelMetrics": {"ModelQuality": {"Statistics": file}}}
    definition = pipeline(before, step("Register", "RegisterModel", arguments, DependsOn=after))
    assert ("DEP030" in warned(definition)) == told


@pytest.mark.parametrize(("after", "told"), [(["Prepare", "Read"], False), (["Prepare"], True)])
def test_what_is_still_read_is_not_cleaned_up(after: list[str], told: bool) -> None:
    before = {**processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": OUTPUT}]})}
    reader = {**processing(ProcessingInputs=[processing_input("out", {"Get": OUT})]), "Name": "Read"}
    resources = {"Resources": {"S3": [{"StepName": "Prepare", "S3Uris": [OUTPUT["S3Uri"] + "/a.csv"]}]}}
    definition = pipeline(before, reader, step("Tidy", "Cleanup", resources, DependsOn=after))
    assert ("DEP048" in warned(definition)) == told


@pytest.mark.parametrize(("used", "told"), [(True, False), (False, True)])
def test_a_channel_reads_what_an_output_of_its_name_is_made_of(used: bool, told: bool) -> None:
    raw = {"Get": "Parameters.InputData"}
    made = OUT.replace("'out'", "'train'")
    before = processing(
        ProcessingInputs=[processing_input("raw", raw)],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "train", "S3Output": OUTPUT}]},
    )
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": raw}}
    train = step("Train", "Training", {"InputDataConfig": [{"ChannelName": "train", "DataSource": source}]})
    definition = pipeline(before, train, ask("Tell", data={"Get": made} if used else "nothing"))
    assert ("DEP062" in warned(definition)) == told


@pytest.mark.parametrize(("name", "broken_by"), [("prepare.py", set()), ("prepare", {"DEP039"})])
def test_the_script_that_is_started_is_the_one_that_is_downloaded(name: str, broken_by: set[str]) -> None:
    definition = pipeline(
        processing(
            AppSpecification={
                "ImageUri": SCIKIT_LEARN,
                "ContainerEntrypoint": ["python3", f"/opt/ml/processing/input/code/{name}"],
            },
            ProcessingInputs=[
                processing_input("code", "s3://example-bucket/prepare.py", "/opt/ml/processing/input/code")
            ],
        )
    )
    assert errors(definition) == broken_by


def training(name: str, uri: str, channel: str = "train", **members: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
    arguments = {
        **copy.deepcopy(DEFINITION),
        "InputDataConfig": [{"ChannelName": channel, "DataSource": source}],
    }
    return step(name, "Training", arguments, **members)


RAW = "s3://example-bucket/raw"
OF_RAW = {"ProcessingInputs": [processing_input("raw", RAW)]}


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([("Prepare", "train"), training("Train", f"{RAW}/", DependsOn=["Prepare"])], True),
        ([("Prepare", "train"), training("Train", f"{RAW}/")], False),
        ([("Prepare", "train"), training("Train", OUTPUT["S3Uri"], DependsOn=["Prepare"])], False),
        ([("Prepare", "report"), training("Train", f"{RAW}/", DependsOn=["Prepare"])], False),
        ([("ValidateSchema", "out"), training("Train", f"{RAW}/", DependsOn=["ValidateSchema"])], False),
        ([training("First", RAW, "model"), training("Second", RAW, "model", DependsOn=["First"])], True),
        ([training("First", RAW), training("Second", RAW, DependsOn=["First"])], False),
        ([training("Fold0", RAW), training("Fold1", RAW)], True),
        ([training("Fold0", RAW), training("Fold1", f"{RAW}1")], False),
    ],
)
def test_work_that_nothing_takes(steps: list[Any], told: bool) -> None:
    made = [
        processing(
            one[0],
            **OF_RAW,
            ProcessingOutputConfig={"Outputs": [{"OutputName": one[1], "S3Output": OUTPUT}]},
        )
        if isinstance(one, tuple)
        else one
        for one in steps
    ]
    assert ("DEP105" in warned(pipeline(*made))) == told


@pytest.mark.parametrize(
    ("kind", "told"), [("application/json", False), ("aplication/json", True), ("binary/octet-stream", False)]
)
def test_the_media_type_of_metrics(kind: str, told: bool) -> None:
    metrics = {"ModelQuality": {"Statistics": {"ContentType": kind, "S3Uri": "s3://example-bucket/m.json"}}}
    arguments = {"ModelPackageGroupName": "churn", "ModelMetrics": metrics}
    assert ("DEP049" in warned(pipeline(step("Register", "RegisterModel", arguments)))) == told


def test_the_model_of_a_step_that_is_waited_for() -> None:
    guessed = "s3://example-bucket/models/epoch-5"
    evaluate = processing("Evaluate", ProcessingInputs=[processing_input("model", guessed)])
    evaluate["DependsOn"] = ["Train"]
    assert rules(train(), evaluate) == ["DEP060"]
    assert rules(train(), {**evaluate, "DependsOn": ["Other"]}, processing("Other")) == []
    test_data = processing("Evaluate", ProcessingInputs=[processing_input("test", guessed)])
    test_data["DependsOn"] = ["Train"]
    assert rules(train(), test_data) == []


@pytest.mark.parametrize("taken", ["s3://example-bucket/models/model.tar.gz", "s3://example-bucket/models"])
def test_a_model_taken_from_the_output_path_itself(taken: str) -> None:
    evaluate = processing("Evaluate", ProcessingInputs=[processing_input("model", taken)])
    assert rules(train(), evaluate) == ["DEP060"]
    place = {
        "S3Uri": "s3://example-bucket/models/",
        "LocalPath": "/opt/ml/processing/m",
        "S3UploadMode": "EndOfJob",
    }
    packed = processing("Pack", ProcessingOutputConfig={"Outputs": [{"OutputName": "m", "S3Output": place}]})
    assert "DEP060" not in rules(train(), packed, {**evaluate, "DependsOn": ["Pack"]})


def test_an_archive_at_the_output_path_is_an_error_where_nobody_takes_the_trained_one() -> None:
    fixed = processing_input("model", "s3://example-bucket/models/model.tar.gz")

    def severities(*steps: dict[str, Any]) -> list[str]:
        return [f.severity for f in cursus.check(pipeline(*steps)).findings if f.rule == "DEP060"]

    assert severities(train(), processing("Evaluate", ProcessingInputs=[fixed])) == ["error"]
    compared = processing("Evaluate", ProcessingInputs=[fixed, processing_input("challenger", LEARNED)])
    assert severities(train(), compared) == ["warning"]


def test_two_channels_with_one_output() -> None:
    before = processing(ProcessingOutputConfig={"Outputs": [written("data", "s3://example-bucket/a/")]})
    step = train()
    channels = step["Arguments"]["InputDataConfig"]
    reference = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['data'].S3Output.S3Uri"}
    channels[0]["DataSource"]["S3DataSource"]["S3Uri"] = reference
    assert rules(before, step) == []
    channels.append({**copy.deepcopy(channels[0]), "ChannelName": "validation"})
    assert rules(before, step) == ["DEP062"]
    inputs = [processing_input("data", reference), processing_input("more", reference)]
    assert rules(before, processing("Again", ProcessingInputs=inputs)) == ["DEP062"]
    assert rules(before, processing("Again", ProcessingInputs=inputs[:1])) == []


@pytest.mark.parametrize(
    ("mode", "slash", "expected"),
    [("File", "", "warning"), ("FastFile", "", "error"), ("FastFile", "/", None), (None, "", "warning")],
)
def test_a_prefix_of_a_sibling_in_each_mode(mode: str | None, slash: str, expected: str | None) -> None:
    outputs = [
        {
            "OutputName": name,
            "S3Output": {
                "S3Uri": f"s3://example-bucket/penguins/{name}{slash}",
                "LocalPath": f"/opt/ml/processing/{name}",
                "S3UploadMode": "EndOfJob",
            },
        }
        for name in ("train", "train-baseline")
    ]
    before = processing(ProcessingOutputConfig={"Outputs": outputs})
    step = train()
    place = step["Arguments"]["InputDataConfig"][0]
    place["DataSource"]["S3DataSource"]["S3Uri"] = {
        "Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"
    }
    if mode is not None:
        place["InputMode"] = mode
    found = [f.severity for f in cursus.check(pipeline(before, step)).findings if f.rule == "DEP037"]
    assert found == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("image", "folder", "expected"),
    [
        (SCIKIT_LEARN, "/opt/ml/processing/data/train.csv", "warning"),
        (SCIKIT_LEARN, "processing/train.csv", "warning"),
        (SCIKIT_LEARN, "processing/data", "warning"),
        (SCIKIT_LEARN, "/opt/ml/processing/data/v1.2", None),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/spark:1",
            "/opt/ml/processing/train.parquet",
            "warning",
        ),
    ],
)
def test_an_output_that_is_called_like_a_file_or_is_no_absolute_path(
    image: str, folder: str, expected: str | None
) -> None:
    target = {"S3Uri": "s3://example-bucket/out/", "LocalPath": folder, "S3UploadMode": "EndOfJob"}
    step = processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "data", "S3Output": target}]})
    step["Arguments"]["AppSpecification"]["ImageUri"] = image
    found = [f.severity for f in cursus.check(pipeline(step)).findings if f.rule == "DEP036"]
    assert found == ([expected] if expected else [])


def test_an_input_that_is_a_pipe() -> None:
    piped = processing_input("raw", "s3://example-bucket/raw/", S3InputMode="Pipe")
    assert rules(processing(ProcessingInputs=[piped])) == ["DEP036"]


def test_metrics_that_are_a_folder() -> None:
    folder = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"}
    target = {
        "S3Uri": "s3://example-bucket/r",
        "LocalPath": "/opt/ml/processing/r",
        "S3UploadMode": "EndOfJob",
    }
    before = processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "report", "S3Output": target}]})

    def told(uri: Any) -> list[tuple[str, str]]:
        container = {"Image": XGBOOST, "ModelDataUrl": "s3://example-bucket/m/model.tar.gz"}
        metrics = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": uri}}}
        arguments = {
            "ModelPackageGroupName": "churn",
            "ModelMetrics": metrics,
            "InferenceSpecification": {
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        }
        step = {
            "Name": "Register",
            "Type": "RegisterModel",
            "DependsOn": [before["Name"]],
            "Arguments": arguments,
        }
        found = cursus.check(pipeline(before, step)).findings
        return [(f.rule, f.severity) for f in found if f.severity != "info"]

    assert told(folder) == told("s3://example-bucket/r/") == [("DEP033", "warning")]
    assert told({"Std:Join": {"On": "/", "Values": [folder, "evaluation.json"]}}) == []


@pytest.mark.parametrize(
    ("base", "expected"), [(LEARNED, ["DEP105"]), ("s3://example-bucket/base/model.tar.gz", [])]
)
def test_a_job_that_another_step_does_too(base: Any, expected: list[str]) -> None:
    steps = [
        processing(
            name,
            ProcessingInputs=[processing_input("model", data)],
            ProcessingOutputConfig={"Outputs": [written("report", f"s3://example-bucket/{name}/")]},
        )
        for name, data in (("EvaluateBase", base), ("EvaluateTuned", LEARNED))
    ]
    assert rules(train(), *steps) == expected
    assert rules(train(), decide([steps[0]], [steps[1]], "LessThan", metric("mse"))) == []


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("s3://example-bucket/faiss/", ["DEP030"]),
        ("s3://example-bucket/", []),
        ("s3://example-bucket/fa", []),
    ],
)
def test_the_folder_around_what_another_step_writes(read: str, expected: list[str]) -> None:
    outputs = {"Outputs": [written("index", "s3://example-bucket/faiss/index/")]}
    embed = processing("Embed", ProcessingOutputConfig=outputs)
    ask = processing("Ask", ProcessingInputs=[processing_input("index", read)])
    assert rules(embed, ask) == expected
    assert rules(embed, {**ask, "DependsOn": ["Embed"]}) == []
    assert rules({**embed, "DependsOn": ["Ask"]}, ask) == []


def test_what_the_step_of_another_branch_would_have_written() -> None:
    outputs = {"Outputs": [written("index", "s3://example-bucket/faiss/index/")]}
    embed = processing("Embed", ProcessingOutputConfig=outputs)
    folders = ("s3://example-bucket/faiss/", "s3://example-bucket/faiss/index/")
    inputs = [processing_input(f"index{i}", folder) for i, folder in enumerate(folders)]
    ask = processing("Ask", ProcessingInputs=inputs)
    found = cursus.check(pipeline(embed, ask)).findings
    assert [(f.rule, f.severity) for f in found if f.severity != "info"] == [("DEP030", "error")]
    assert rules(decide([embed], [ask], "LessThan", metric("mse"))) == []


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("trian", True),
        ("trains", True),
        ("Train", True),
        ("train2", False),
        ("test", False),
        ("train", False),
    ],
)
def test_a_location_that_is_nearly_written(word: str, told: bool) -> None:
    output = {
        "S3Uri": "s3://example-bucket/churn/train",
        "LocalPath": "/opt/ml/processing/a",
        "S3UploadMode": "EndOfJob",
    }
    before = processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "data", "S3Output": output}]})
    step = train(DependsOn=["Prepare"])
    step["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = (
        f"s3://example-bucket/churn/{word}"
    )
    assert rules(before, step) == ["DEP067"] * told


def test_the_outputs_of_a_step_in_a_vpc_are_not_cleaned_up() -> None:
    train = request("Training", "Train", **copy.deepcopy(DEFINITION))
    clean = request("Cleanup", Resources={"S3": [{"StepName": "Train"}]})
    assert ("DEP048", "DependsOn") in found(train, clean)
    clean["DependsOn"] = ["Train"]
    assert [rule for rule, _ in found(train, clean) if rule == "DEP048"] == []
    assert ("DEP048", "Resources") in found(train, request("Cleanup", Resources=["s3://example-bucket/"]))
    train["Arguments"]["VpcConfig"] = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert ("DEP048", "Resources.S3[0].StepName") in found(train, clean)


def test_what_a_transform_step_wrote_is_cleaned_up_by_its_objects() -> None:
    entry: dict[str, Any] = {"StepName": "Score"}
    clean = {**request("Cleanup", Resources={"S3": [entry]}), "DependsOn": ["Score"]}
    assert ("DEP048", "Resources.S3[0].S3Uris") in found(CREATE, transform(), clean)
    for uris in ("s3://example-bucket/out/a.csv.out", ["out/a.csv.out"], []):
        entry["S3Uris"] = uris
        assert ("DEP048", "Resources.S3[0].S3Uris") in found(CREATE, transform(), clean)
    entry["S3Uris"] = ["s3://example-bucket/out/a.csv.out"]
    assert [rule for rule, _ in found(CREATE, transform(), clean) if rule == "DEP048"] == []
    assert ("DEP048", "Resources.S3[0].StepName") in found(request("Cleanup", Resources={"S3": [{}]}))


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

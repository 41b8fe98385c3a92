"""Amazon's images in processing steps and models: those that exist have no finding, the others their own."""

from __future__ import annotations

from typing import Any

import pytest

from cursus import check
from cursus.model import Finding
from tests.checks.made import DLC, model, pipeline, processing, processing_input, told, transform


def definition(container: dict[str, Any], instance: str = "ml.m5.xlarge") -> dict[str, Any]:
    scored = transform(TransformResources={"InstanceType": instance, "InstanceCount": 1})
    sent = "text/csv" if "xgboost" in container["Image"] else "application/json"
    scored["Arguments"]["TransformInput"]["ContentType"] = sent
    return pipeline(model(container), scored)


def served(image: str, instance: str = "ml.m5.xlarge", **options: Any) -> list[Finding]:
    container = {"Image": image, "ModelDataUrl": "s3://example-bucket/model.tar.gz"}
    report = check(definition(container, instance), region="us-east-1", **options)
    return [f for f in told(report.findings) if f.area == "framework"]


@pytest.mark.parametrize(
    "image",
    [
        f"{DLC}/pytorch-inference:2.1.0-cpu-py310-ubuntu20.04-sagemaker",
        f"{DLC}/pytorch-inference:1.12-cpu-py38",
        f"{DLC}/pytorch-inference:1.8.1-cpu-py3",
        f"{DLC}/tensorflow-inference:2.8.0-cpu",
        f"{DLC}/tensorflow-inference:2.8-cpu",
        f"{DLC}/huggingface-pytorch-inference:1.13-transformers4.26-cpu-py39",
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "520713654638.dkr.ecr.us-east-1.amazonaws.com/sagemaker-tensorflow-serving:1.12.0-cpu",
        "811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:latest",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:mine",
    ],
)
def test_images_that_exist(image: str) -> None:
    assert served(image) == []


@pytest.mark.parametrize(
    ("image", "severity", "words"),
    [
        (f"{DLC}/pytorch-inference:1.12.0-cpu-py36", "error", "py38"),
        (f"{DLC}/pytorch-inference:2.6.0-cpu-py3", "error", "py312"),
        (f"{DLC}/pytorch-inference:1.12.0", "error", "names no processor"),
        (f"{DLC}/pytorch-inference:latest", "error", "latest"),
        (f"{DLC}/pytorch-inference:9.1.0-cpu-py314", "warning", "newest"),
        (f"{DLC}/pytorch-inference:2.1.7-cpu-py310", "warning", "2.1.0"),
        (f"{DLC}/pytorch-inference:1.99.0-cpu-py310", "error", "1.99.0"),
        (f"{DLC}/pytorch-inference:2.0.0-cpu-py310-ubuntu20.04-ec2", "error", "EC2"),
        (f"{DLC}/sagemaker-xgboost:1.7-1", "error", "683313688378"),
        (
            "246618743249.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
            "warning",
            "683313688378",
        ),
    ],
)
def test_images_that_do_not_exist(image: str, severity: str, words: str) -> None:
    found = served(image)
    assert [(f.rule, f.severity) for f in found] == [("FRM019", severity)]
    assert words in found[0].message + found[0].remedy


def test_a_version_can_be_allowed() -> None:
    assert served(f"{DLC}/pytorch-inference:9.1.0-cpu-py314", allow=["9.1.0"]) == []


@pytest.mark.parametrize(
    ("tag", "instance", "wanted"),
    [
        ("tensorflow-inference:2.8.0-gpu", "ml.m5.xlarge", ["error"]),
        ("tensorflow-inference:2.8.0-gpu", "ml.g4dn.xlarge", []),
        ("tensorflow-inference:2.8.0-cpu", "ml.g4dn.xlarge", ["warning"]),
        ("pytorch-inference:2.1.0-gpu-py310", "ml.m5.xlarge", ["warning"]),
        ("pytorch-inference:2.1.0-gpu-py310", "ml.unknown9.xlarge", []),
    ],
)
def test_processors_of_transform_steps(tag: str, instance: str, wanted: list[str]) -> None:
    found = served(f"{DLC}/{tag}", instance)
    assert [(f.rule, f.severity) for f in found] == [("FRM021", each) for each in wanted]
    for finding in found:
        assert finding.path == "Steps[1].Arguments.TransformResources.InstanceType"


def test_python_3_is_a_tag_of_old_versions_alone() -> None:
    from cursus.aws import image_choice, images

    assert images.is_built_for("pytorch-training", "1.5.1", "py3")
    assert images.is_built_for("pytorch-training", "1.8.0", "py3")
    assert images.is_built_for("tensorflow-training", "1.15.2", "py36")
    assert not images.is_built_for("pytorch-training", "1.9.0", "py3")
    assert not images.is_built_for("huggingface-pytorch-training", "4.26.0", "py3")
    assert (
        image_choice.find_image("tensorflow", "2.2.0", "py3").uri
        == f"{DLC}/tensorflow-training:2.2.0-cpu-py37"
    )


@pytest.mark.parametrize(
    ("image", "accept", "wanted"),
    [
        ("382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1", "text/csv", ["error"]),
        ("382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1", "application/jsonlines", []),
        ("382416733822.dkr.ecr.us-east-1.amazonaws.com/knn:1", "application/jsonlines; verbose=true", []),
        ("382416733822.dkr.ecr.us-east-1.amazonaws.com/pca:1", "text/csv", ["warning"]),
        ("382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1", "text/csv", []),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", "text/csv", []),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/pca:1", "text/csv", []),
    ],
)
def test_formats_of_predictions(image: str, accept: str, wanted: list[str]) -> None:
    asked = definition({"Image": image, "ModelDataUrl": "s3://example-bucket/model.tar.gz"})
    asked["Steps"][1]["Arguments"]["TransformOutput"]["Accept"] = accept
    found = [f for f in check(asked, region="us-east-1").findings if f.rule == "FRM023"]
    assert [f.severity for f in found] == wanted


BLAZINGTEXT = "811284229777.dkr.ecr.us-east-1.amazonaws.com/blazingtext:1"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"


@pytest.mark.parametrize(
    ("image", "sent", "split", "wanted"),
    [
        (BLAZINGTEXT, "application/jsonlines", "Line", []),
        (BLAZINGTEXT, "text/csv", "Line", [("FRM023", "error")]),
        (XGBOOST, "text/csv; charset=utf-8", "Line", []),
        (XGBOOST, "application/json", None, [("FRM023", "error")]),
        (XGBOOST, "text/tab-separated-values", None, [("FRM023", "warning")]),
        (OWN, "text/csv", "Line", []),
        (OWN, "application/x-recordio-protobuf", "RecordIO", []),
        (OWN, "application/x-recordio-protobuf", None, []),
        (OWN, "application/x-recordio-protobuf", "Line", [("FRM024", "error")]),
        (OWN, "text/csv; charset=utf-8", "RecordIO", [("FRM024", "error")]),
        (OWN, "image/png", "Line", [("FRM024", "warning")]),
        (OWN, "application/json", "Line", []),
    ],
)
def test_formats_of_records(image: str, sent: str, split: str | None, wanted: list[tuple[str, str]]) -> None:
    asked = definition({"Image": image, "ModelDataUrl": "s3://example-bucket/model.tar.gz"})
    asked["Steps"][1]["Arguments"]["TransformInput"].update(
        {"ContentType": sent, "SplitType": split or "None"}
    )
    found = [f for f in check(asked, region="us-east-1").findings if f.rule in ("FRM023", "FRM024")]
    assert [(f.rule, f.severity) for f in found] == wanted


def test_a_server_with_a_script_reads_what_the_script_does() -> None:
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://example-bucket/model.tar.gz"}
    asked = definition({**container, "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}})
    asked["Steps"][1]["Arguments"]["TransformInput"]["ContentType"] = "application/json"
    assert not [f for f in check(asked, region="us-east-1").findings if f.rule == "FRM023"]


@pytest.mark.parametrize(
    ("sent", "member", "path", "told"),
    [
        ("text/csv", "InputFilter", "$[1:]", ""),
        ("text/csv", "InputFilter", "$", ""),
        ("text/csv", "InputFilter", "$.age", "a row of CSV is an array"),
        ("text/csv", "InputFilter", "$['age']", "a row of CSV is an array"),
        ("application/jsonlines", "InputFilter", "$.features", ""),
        ("application/jsonlines", "OutputFilter", "$['id','SageMakerOutput']", ""),
        ("application/jsonlines", "OutputFilter", "$.a.['b','c.d']", "nested"),
        ("application/jsonlines", "InputFilter", "features", "does not begin with $"),
        ("application/jsonlines", "InputFilter", "$..features", "JSONPath"),
        ("text/csv", "OutputFilter", "$[0,5:]", ""),
        ("text/csv", "OutputFilter", "$[0:2,5:]", "only single range filters"),
    ],
)
def test_filters(sent: str, member: str, path: str, told: str) -> None:
    asked = definition({"Image": OWN, "ModelDataUrl": "s3://example-bucket/model.tar.gz"})
    arguments = asked["Steps"][1]["Arguments"]
    arguments["TransformInput"].update({"ContentType": sent, "SplitType": "Line"})
    arguments["DataProcessing"] = {member: path}
    found = [f for f in check(asked, region="us-east-1").findings if f.rule == "FRM024"]
    assert [f.path for f in found] == ([f"Steps[1].Arguments.DataProcessing.{member}"] if told else [])
    assert all(told in f.message for f in found)


def test_augmented_manifests_are_not_transformed() -> None:
    asked = definition({"Image": OWN, "ModelDataUrl": "s3://example-bucket/model.tar.gz"})
    source = asked["Steps"][1]["Arguments"]["TransformInput"]["DataSource"]["S3DataSource"]
    told = []
    for kind in ("S3Prefix", "ManifestFile", "AugmentedManifestFile"):
        source["S3DataType"] = kind
        told += [f.message for f in check(asked, region="us-east-1").findings if f.rule == "FRM024"]
    assert told == ["S3DataType AugmentedManifestFile is not compatible with batch transform"]


def test_clarify_jobs_are_read_by_their_names() -> None:
    clarify = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"
    output = {"S3Uri": "s3://example-bucket/report/", "LocalPath": "/opt/ml/processing/output"}

    def paths(config: str, result: str, mode: str, **command: Any) -> list[str]:
        step = processing(
            "Explain",
            AppSpecification={"ImageUri": clarify, **command},
            ProcessingInputs=[processing_input(config, "s3://example-bucket/config.json")],
            ProcessingOutputConfig={
                "Outputs": [{"OutputName": result, "S3Output": {**output, "S3UploadMode": mode}}]
            },
        )
        report = check(pipeline(step), region="us-east-1")
        return [f.path.removeprefix("Steps[0].Arguments.") for f in report.findings if f.rule == "FRM025"]

    assert paths("analysis_config", "analysis_result", "EndOfJob") == []
    assert paths("config", "analysis_result", "EndOfJob") == ["ProcessingInputs[0].InputName"]
    outputs = "ProcessingOutputConfig.Outputs[0]"
    assert paths("analysis_config", "report", "EndOfJob") == [f"{outputs}.OutputName"]
    assert paths("analysis_config", "analysis_result", "Continuous") == [f"{outputs}.S3Output.S3UploadMode"]
    assert paths("config", "report", "EndOfJob", ContainerEntrypoint=["python3", "own.py"]) == []


@pytest.mark.parametrize(("tag", "severity"), [("latest", "error"), ("1", "warning")])
def test_the_first_xgboost_in_the_registry_of_the_newer(tag: str, severity: str) -> None:
    found = served(f"683313688378.dkr.ecr.us-east-1.amazonaws.com/xgboost:{tag}")
    assert [(f.rule, f.severity) for f in found] == [("FRM019", severity)]

"""Texts that are almost right: what is seen, and what is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from cursus.checks.text_faults import bucket_fault, location_faults, placeholder
from tests.checks.made import XGBOOST, channel, findings_of, first, output, own


@pytest.mark.parametrize(
    ("uri", "rule", "severity"),
    [
        ("s3://s3://example-bucket/models/", "STP040", "error"),
        ("s3://https://example-bucket/models/", "STP040", "error"),
        ("s3://s3a://example-bucket/models/", "STP040", "error"),
        ("s3://example-bucket/s3://example-bucket/models/", "STP040", "warning"),
        ("https://example-bucket.s3.amazonaws.com/models/", "STP041", "error"),
        ("https://example-bucket.s3.eu-west-1.amazonaws.com/models/", "STP041", "error"),
        ("https://s3.console.aws.amazon.com/s3/buckets/example-bucket", "STP041", "error"),
        ("https://example.com/models/", "STP041", "error"),
        ("s3://example-bucket.s3.amazonaws.com/models/", "STP041", "error"),
        ("s3://s3.amazonaws.com/example-bucket/models/", "STP041", "error"),
        ("https://s3-us-west-2.amazonaws.com/example-bucket/models", "STP041", "warning"),
        ("s3://Example-Bucket/models/", "STP042", "error"),
        ("s3://example_bucket/models/", "STP042", "error"),
        ("s3://DOC-EXAMPLE-BUCKET/models/", "STP042", "warning"),
        ("s3://BUCKET/models/", "STP042", "warning"),
        ("s3://S3BucketName/models/", "STP042", "warning"),
        ("s3://.../models/", "STP042", "warning"),
        ("s3://churn-***/models/", "STP042", "warning"),
        ("s3://Enter-Bucket-Name-Here/models/", "STP042", "warning"),
        ("s3://ACME-DATA/models/", "STP042", "error"),
        ("s3://ab/models/", "STP042", "error"),
        ("s3://-example/models/", "STP042", "error"),
        ("s3://example..bucket/models/", "STP042", "error"),
        ("s3://192.168.0.1/models/", "STP042", "error"),
        ("s3://example bucket/models/", "STP042", "error"),
        ("s3://" + "a" * 64 + "/models/", "STP042", "error"),
        ("s3://example-bucket//models/", "STP043", "warning"),
        ("s3://example-bucket/models//churn/", "STP043", "warning"),
        ("s3://example-bucket/models/ ", "STP044", "error"),
        ("s3://<your-bucket>/models/", "STP045", "warning"),
        ("s3://xxxxxx/models/", "STP045", "warning"),
        ("s3://YOUR_BUCKET/models/", "STP045", "warning"),
        ("s3://${BUCKET}/models/", "STP045", "error"),
        ("s3://{bucket}/models/", "STP045", "error"),
        ("s3://{ENTER_BUCKET_NAME}/models/", "STP045", "warning"),
        ("s3://example-bucket/%s/models/", "STP045", "warning"),
        ("s3://<< YOUR S3 BUCKET NAME >>/models/", "STP045", "warning"),
        ("s3://example-bucket/None/models/", "STP047", "warning"),
        ("s3a://example-bucket/models/", "STP005", "error"),
        ("arn:aws:s3:::example-bucket/models/", "STP005", "error"),
        ("/opt/ml/model", "STP005", "error"),
        ("example-bucket/models/", "STP005", "error"),
        (" s3://example-bucket/models/", "STP005", "error"),
        ('"s3://example-bucket/models/"', "STP005", "error"),
    ],
)
def test_output_locations_that_are_almost_right(uri: str, rule: str, severity: str) -> None:
    found = findings_of(output(uri))
    assert own(found) == {(rule, severity)}
    assert first(found, rule).path == "OutputDataConfig.S3OutputPath"
    assert first(found, rule).remedy


@pytest.mark.parametrize(("bucket", "severity"), [("example-bucket", "error"), ("***", "warning")])
def test_stars_beside_a_hidden_bucket_are_hidden_too(bucket: str, severity: str) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/**/2024/"}
    patch = {"InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}]}
    (found,) = findings_of(patch, "STP038")
    assert found.severity == severity


@pytest.mark.parametrize(
    ("bucket", "rule"),
    [("s3://<your-bucket>", "STP045"), ("https://s3.us-east-1.amazonaws.com/churn-models", "STP041")],
)
def test_one_bucket_at_many_places_is_one_mistake(bucket: str, rule: str) -> None:
    patch = output(f"{bucket}/models/") | {"CheckpointConfig": {"S3Uri": f"{bucket}/checkpoints/"}}
    (found,) = findings_of(patch, rule)
    assert found.severity == "warning" and found.message.endswith("(and 1 more such place)")


@pytest.mark.parametrize(
    "uri",
    [
        "s3://example-bucket",
        "s3://example-bucket/",
        "s3://example.bucket/a b/ü=1/",
        "s3://data/{}/x",
        "s3://my-bucket/your/own/data",
        "s3://sagemaker-us-east-1-123456789012/models",
        "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/mine/models",
        "s3://mine-abcdefghij-s3alias/models/",
        "s3://example-bucket/none-of-these/nonexistent/",
        "s3://example-bucket/to-be/changes/",
    ],
)
def test_unusual_locations_are_left_alone(uri: str) -> None:
    assert own(findings_of(output(uri))) == set()


def test_the_source_archive_is_looked_up_without_leading_slashes() -> None:
    names = {"sagemaker_program": '"train.py"'}
    lost = findings_of(
        {"HyperParameters": {**names, "sagemaker_submit_directory": '"s3://example-bucket//code/s.tar.gz"'}}
    )
    assert own(lost) == {("STP043", "error")}
    right = {**names, "sagemaker_submit_directory": '"s3://example-bucket/code/s.tar.gz"'}
    assert own(findings_of({"HyperParameters": right})) == set()


@pytest.mark.parametrize(
    ("entry", "words", "severity"),
    [
        ("python3", ["--data", " /opt/ml/input/data/train"], "error"),
        ("python3", ["--data ", "/opt/ml/input/data/train"], "error"),
        ("bash", [" --data", "/opt/ml/input/data/train"], None),
        ("python3", ["--greeting", " hello", "--then", " - "], None),
    ],
)
def test_paths_and_options_with_white_space(entry: str, words: list[str], severity: str | None) -> None:
    command = {"ContainerEntrypoint": [entry, "/opt/train.py"], "ContainerArguments": words}
    found = findings_of({"AlgorithmSpecification": command}, "STP044")
    assert [one.severity for one in found] == ([severity] if severity else [])
    variables = {"DATA": " /opt/ml/input/data/train", "MORE": " --x=/opt/ml/a", "FLAGS": "-a "}
    told = findings_of({"Environment": variables}, "STP044")
    assert [(one.path, one.severity) for one in told] == [("Environment.DATA", "warning")]


@pytest.mark.parametrize(
    "text",
    [
        "<sagemaker.workflow.parameters.ParameterString object at 0x7f7ec915cbd0>",
        "ParameterInteger(name='KFold', parameter_type=<ParameterTypeEnum.INTEGER: 'Integer'>, default_value=3)",
        "PosixPath('/opt/ml/model')",
        "<Mode.FILE: 'File'>",
        "<function train at 0x7f7ec915cbd0>",
        "datetime.date(2026, 1, 31)",
        "b'abc'",
    ],
)
def test_objects_as_text(text: str) -> None:
    assert own(findings_of({"HyperParameters": {"model": text}})) == {("STP046", "error")}
    assert own(findings_of({"AlgorithmSpecification": {"ContainerArguments": [text]}})) == {
        ("STP046", "error")
    }


@pytest.mark.parametrize(
    "text",
    [
        "True",
        "None",
        "<s>",
        "<|endoftext|>",
        "[1, 2]",
        '{"a": 1}',
        "lambda: 1",
        "f(x)",
        "a<b",
        "$HOME",
        "{x}",
        "%s",
        "",
    ],
)
def test_hyperparameters_may_be_anything(text: str) -> None:
    assert own(findings_of({"HyperParameters": {"model": text}})) == set()


def test_arguments_of_a_shell_may_have_variables() -> None:
    command = {"ContainerEntrypoint": ["bash", "-c"], "ContainerArguments": ["python train.py ${EPOCHS} {x}"]}
    assert own(findings_of({"AlgorithmSpecification": command})) == set()
    assert own(findings_of({"Environment": {"HERE": "${PATH}:/x"}})) == {("STP045", "warning")}


def test_single_functions() -> None:
    assert bucket_fault("example-bucket") == ""
    assert "capital" in bucket_fault("Example")
    assert location_faults("not a uri") == ()
    assert placeholder("s3://example-bucket/data") is None
    assert placeholder("arn:aws:iam::<account>:role/x") == "<account>"
    assert placeholder("arn:aws:iam::123456789012:role/YourRoleName") == "YourRoleName"
    assert placeholder("arn:aws:iam::123456789012:role/YourselfRole") is None


def test_a_template_is_no_forgotten_format() -> None:
    request = output("s3://{bucket}/models/")
    request["RoleArn"] = "arn:aws:iam::<account>:role/SageMakerRole"
    assert first(findings_of(request), "STP045").severity == "warning"


def test_a_request_full_of_placeholders_is_a_template() -> None:
    request = output("s3://${BUCKET}/models/")
    request["CheckpointConfig"] = {"S3Uri": "s3://${BUCKET}/checkpoints/"}
    assert own(findings_of(request)) == {("STP045", "warning")}


@pytest.mark.parametrize(
    ("patch", "severity"),
    [
        ({"AlgorithmSpecification": {"TrainingImage": "None"}}, "error"),
        ({"OutputDataConfig": {"KmsKeyId": "null"}}, "error"),
        ({"VpcConfig": {"Subnets": ["None"], "SecurityGroupIds": ["sg-0a1b2c3d"]}}, "error"),
        ({"ExperimentConfig": {"ExperimentName": "None"}}, "warning"),
        ({"Environment": {"Image": "None"}}, "warning"),
    ],
)
def test_what_is_named_none_has_to_be_there(patch: dict[str, Any], severity: str) -> None:
    assert ("STP047", severity) in own(findings_of(patch))


@pytest.mark.parametrize(("image", "severity"), [(XGBOOST, "error"), (None, "warning")])
def test_none_weighs_as_much_as_what_comes_of_it(image: str | None, severity: str) -> None:
    """Where an algorithm does not read the content type None, the job fails."""
    request: dict[str, Any] = {"InputDataConfig": [channel(ContentType="None")]}
    if image is not None:
        request["AlgorithmSpecification"] = {"TrainingImage": image}
    found = [one for one in findings_of(request) if one.path == "InputDataConfig[0].ContentType"]
    assert own(found) == {("STP047", severity)}


def test_several_values_in_a_text_of_any_letters() -> None:
    (found,) = findings_of({"Tags": [{"Key": "owners", "Value": "alice,bob"}]}, "STP005")
    assert found.remedy.startswith("allowed: letters, digits, spaces")


def test_a_request_with_more_members_than_are_read_says_so() -> None:
    request = output("s3://example-bucket/models/") | {f"Unknown{number}": 1 for number in range(2500)}
    found = findings_of(request)
    assert ("STP010", "error") in own(found)
    assert any("2,5" in finding.message and "first 2,000" in finding.message for finding in found)


def test_a_key_that_cannot_be_shown_is_refused() -> None:
    class Key:
        def __repr__(self) -> str:
            raise RuntimeError("not to be shown")

    request = output("s3://example-bucket/models/") | {"HyperParameters": {Key(): "1"}}
    assert ("STP010", "error") in own(findings_of(request))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("/opt/tools:$PATH", True),
        ("$SM_CHANNEL_TRAIN/part", True),
        ("/x:${LD_LIBRARY_PATH}", True),
        ("price in $US", False),
        ("a$PATHWAY", False),
        ("~/data", False),
    ],
)
def test_nothing_puts_variables_into_the_environment(value: str, told: bool) -> None:
    found = [f for f in findings_of({"Environment": {"TOOLS": value}}) if f.rule == "STP045"]
    assert [f.remedy for f in found] == (["write the real value: no shell puts it in"] if told else [])

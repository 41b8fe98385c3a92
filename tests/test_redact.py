"""What is hidden, and how long it takes to look for it."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest

from cursus import check, redact
from cursus.checks.examples import BASES
from cursus.steps.lowering.builders import lower


@pytest.mark.parametrize(
    "text",
    [
        "password=kept-from-you",
        "cannot log in with {'db_password': 'kept-from-you'}",
        'refused: {"api_key": "kept-from-you"}',
        "Authorization: Bearer kept-from-you",
        "https://bob:kept-from-you@example.com/x",
        "token = kept-from-you",
    ],
)
def test_texts_of_other_code_are_shown_without_their_secrets(text: str) -> None:
    shown = redact.prose(text)
    assert "kept-from-you" not in shown
    assert redact.HIDDEN in shown


@pytest.mark.parametrize(
    "text",
    [
        "epochs=3, lr: 0.1",
        "no such file: 'data/train.csv'",
        "max_tokens=512",
        "token_embedding_storage_type=dense",
    ],
)
def test_harmless_texts_stay_whole(text: str) -> None:
    assert redact.prose(text) == text


def test_a_hook_that_raises_tells_no_secret() -> None:
    class Builder:
        def create_step(self) -> None:
            raise ValueError("login with password=kept-from-you failed")

    step = lower(Builder())
    failures = [(failure.message, failure.traceback) for failure in step.promises.failures]
    assert failures
    assert "kept-from-you" not in str(failures)
    assert "ValueError: login" in str(failures)


def test_a_tag_is_hidden_by_its_key() -> None:
    tags = [{"Key": "db_password", "Value": "kept-from-you"}, {"Key": "team", "Value": "churn"}]
    hidden = redact.redact({"Tags": tags})
    assert hidden["Tags"] == [
        {"Key": "db_password", "Value": redact.HIDDEN},
        {"Key": "team", "Value": "churn"},
    ]
    long = [{"Key": "db_password", "Value": "kept-from-you" * 40}]
    report = check({"TrainingJobName": "churn", "RoleArn": "x", "Tags": long}, kind="CreateTrainingJob")
    assert any("Tags[0].Value" in str(finding.to_dict()) for finding in report.findings)
    assert "kept-from-you" not in str([finding.to_dict() for finding in report.findings])


@pytest.mark.parametrize(
    "piece", ["a", "-eyJAAAAAAAAAAA", "a://", "a://b:c", "a=", "password", "-----BEGIN "]
)
def test_long_texts_take_seconds_at_most(piece: str) -> None:
    code = (
        "import sys; from cursus import redact; text = sys.argv[1] * (300_000 // len(sys.argv[1]));"
        "redact.show(text, 'x'); redact.prose(text); redact.is_secret_name(text)"
    )
    subprocess.run([sys.executable, "-c", code, piece], check=True, timeout=60)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--password=kept-from-you"],
        ["--epochs", "3", "--api-key", "kept-from-you"],
        ["-token", "kept-from-you"],
    ],
)
def test_a_command_line_is_shown_without_its_secrets(arguments: list[str]) -> None:
    shown = redact.redact({"ContainerArguments": arguments})["ContainerArguments"]
    assert "kept-from-you" not in str(shown)
    assert redact.HIDDEN in str(shown)
    assert redact.redact({"A": ["--max-tokens", "5", "--lr=1"]}) == {"A": ["--max-tokens", "5", "--lr=1"]}


def test_secrets_inside_a_text_of_json_and_a_shells_line_are_hidden() -> None:
    request = {
        "Environment": {"CONFIG": '{"db_password": "kept-from-you", "max_tokens": "5", "epochs": 3}'},
        "ContainerEntrypoint": ["sh", "-c", "export DB_PASSWORD=kept-from-you && python train.py --lr=0.1"],
    }
    shown = str(redact.redact(request))
    assert "kept-from-you" not in shown
    assert '"max_tokens": "5", "epochs": 3' in shown and "&& python train.py --lr=0.1" in shown


def test_what_has_the_form_of_a_secret_access_key_is_hidden_wherever_it_stands() -> None:
    key = "kept/From+You0" + "aB3" * 8 + "xy"
    assert len(key) == 40
    report = check({"TrainingJobName": "churn", "RoleArn": key}, kind="CreateTrainingJob")
    assert key not in str([finding.to_dict() for finding in report.findings])
    assert redact.redact({"RoleArn": key}) == {"RoleArn": redact.HIDDEN}
    assert redact.show("0123456789abcdef" * 2 + "01234567").strip("'").startswith("0123")


def test_a_signed_address_is_shown_without_its_signature_and_token() -> None:
    signed = "https://acme.s3.amazonaws.com/x?X-Amz-Security-Token=FwoGZXIvYXdzEJr%2F&X-Amz-Signature=ABCdefABCdef0123"
    shown = redact.redact({"S3Uri": signed})["S3Uri"]
    assert "FwoG" not in shown
    assert "0123" not in shown


def test_a_pipelines_parameters_are_hidden_by_their_names() -> None:
    definition = {
        "Version": "2020-12-01",
        "Parameters": [
            {"Name": "DbPassword", "Type": "Integer", "DefaultValue": "kept-from-you"},
            {
                "Name": "ApiToken",
                "Type": "String",
                "DefaultValue": "kept-from-you",
                "EnumValues": ["kept-from-me"],
            },
        ],
        "Steps": [],
    }
    report = check(definition, parameters={"DbPassword": "kept-from-you", "ApiToken": "kept-from-you"})
    assert {finding.rule for finding in report.findings} >= {"DEP020", "DEP021"}
    assert "kept-from" not in str([finding.to_dict() for finding in report.findings])
    assert "kept-from" not in str(redact.redact(definition))


def test_what_stands_below_a_secrets_name_is_hidden() -> None:
    request = {
        "HyperParameters": {
            "db_password": {"x": "kept-from-you"},
            "api-key": ["kept-from-you"],
            "passwd": 77123,
        }
    }
    shown = redact.redact(request)
    assert "kept-from-you" not in str(shown) and "77123" not in str(shown)
    harmless = {"max_tokens": 512, "epochs": 3, "token_bucket": "words", "auth_mode": "iam"}
    assert redact.redact(harmless) == harmless


def test_a_key_file_and_a_signed_token_are_hidden_whole() -> None:
    body = "Proc-Type: 4,ENCRYPTED\n\nMIIEowIBAAKCAQEA75\nkeptFromYou==\n"
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----\n"
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.kept_from-you"
    for shown in (
        redact.redact({"A": key, "B": token}),
        redact.show([key, token]),
        redact.prose(key + token),
    ):
        assert "kept" not in str(shown) and "MIIE" not in str(shown)


def test_a_secret_that_stands_as_a_name_or_inside_a_text_is_hidden() -> None:
    request = copy.deepcopy(BASES["CreateTrainingJob"])
    request["Environment"] = {"sk-" + "Zz9" * 12: "x"}
    request["InputDataConfig"][0]["ContentType"] = "text/csv;password=kept-from-you\n"
    found = check(request).findings
    assert found and not [
        one for one in found if "Zz9" in str(one.to_dict()) or "kept-from" in str(one.to_dict())
    ]
    assert any(one.path == "Environment.***" for one in found)
    assert redact.show({"password": "kept-from-you", "a": 1}) == "{'password': '***', 'a': 1}"

"""Secrets in a request are seen, and never shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.made import findings_of, own

SECRET = "hunter2-correct-horse"
TOKEN = "hf_" + "aB3" * 12


@pytest.mark.parametrize(
    "patch",
    [
        {"Environment": {"DB_PASSWORD": SECRET}},
        {"HyperParameters": {"api_key": SECRET}},
        {"Environment": {"NOTHING_SPECIAL": TOKEN}},
        {"AlgorithmSpecification": {"ContainerArguments": ["--password", SECRET]}},
        {"AlgorithmSpecification": {"ContainerArguments": [f"--db-password={SECRET}"]}},
        {"AlgorithmSpecification": {"ContainerEntrypoint": ["train", TOKEN]}},
        {"Tags": [{"Key": "note", "Value": TOKEN}]},
    ],
)
def test_secrets_are_seen_and_never_shown(patch: dict[str, Any]) -> None:
    found = findings_of(patch)
    assert own(found) == {("STP049", "warning")}
    for finding in found:
        for text in (finding.message, finding.remedy):
            assert SECRET not in text
            assert TOKEN not in text


@pytest.mark.parametrize(
    "patch",
    [
        {"Environment": {"DB_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:db"}},
        {"HyperParameters": {"max_tokens": "4096", "pad_token": "<pad>", "use_auth_token": "true"}},
        {"AlgorithmSpecification": {"ContainerArguments": ["--password", "--epochs", "3"]}},
        {"HyperParameters": {"tokenizer": "bert-base-uncased"}},
    ],
)
def test_what_only_looks_like_a_secret(patch: dict[str, Any]) -> None:
    assert own(findings_of(patch)) == set()


def test_broken_secrets_are_not_shown_either() -> None:
    for patch in (
        {"Environment": {"DB_PASSWORD": SECRET * 40}},
        {"HyperParameters": {"api_key": SECRET + "\n"}},
    ):
        for finding in findings_of(patch):
            assert SECRET not in finding.message + finding.remedy


@pytest.mark.parametrize("name", ["token-column-name", "secret-name", "token_file", "API_KEY_ARN"])
def test_what_only_names_a_secret_is_none(name: str) -> None:
    assert not own(findings_of({"HyperParameters": {name: "churn-database"}}))


SIGNED = (
    "https://acme.s3.amazonaws.com/x?X-Amz-Credential=AKIA" + "A1B2" * 4 + "&X-Amz-Signature=" + "0f" * 32
)
KEY = "wJalrXUtnFEMI" + "/K7MDENG/bPxRfiCY" + "EXAMPLEKEY"


@pytest.mark.parametrize("value", [TOKEN, SIGNED, KEY, f"s3://s3://{TOKEN}/x", f" s3://bucket/{TOKEN} "])
def test_no_remedy_repeats_a_secret_that_stands_for_a_location(value: str) -> None:
    found = findings_of({"OutputDataConfig": {"S3OutputPath": value}})
    assert found
    for finding in found:
        for secret in (TOKEN, SIGNED.partition("Signature=")[2], KEY):
            assert secret not in f"{finding.message} {finding.remedy} {finding.path}"


@pytest.mark.parametrize(("name", "shown"), [(KEY, "***"), ("\ud800x", "\\ud800x")])
def test_names_in_paths_can_be_shown(name: str, shown: str) -> None:
    found = findings_of({"Environment": {name: "x"}})
    assert {finding.path for finding in found} == {f"Environment.{shown}"}

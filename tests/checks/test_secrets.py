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

"""Secrets in a request are seen, and never shown."""

from __future__ import annotations

from typing import Any

import pytest

from cursus import engine
from cursus.checks.examples import BASES, merge
from cursus.checks.views import Settings
from cursus.model import Finding, Step

SECRET = "hunter2-correct-horse"
TOKEN = "hf_" + "aB3" * 12


def check(patch: dict[str, Any]) -> list[Finding]:
    step = Step("step", "CreateTrainingJob", merge(BASES["CreateTrainingJob"], patch))
    return engine.check_step(step, Settings())


def own(found: list[Finding]) -> set[tuple[str, str]]:
    return {(f.rule, f.severity) for f in found if f.rule.startswith("STP")}


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
    found = check(patch)
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
    assert own(check(patch)) == set()


def test_broken_secrets_are_not_shown_either() -> None:
    for patch in (
        {"Environment": {"DB_PASSWORD": SECRET * 40}},
        {"HyperParameters": {"api_key": SECRET + "\n"}},
    ):
        for finding in check(patch):
            assert SECRET not in finding.message + finding.remedy


@pytest.mark.parametrize("name", ["token-column-name", "secret-name", "token_file", "API_KEY_ARN"])
def test_what_only_names_a_secret_is_none(name: str) -> None:
    assert not own(check({"HyperParameters": {name: "churn-database"}}))

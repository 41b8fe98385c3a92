"""What is hidden, and how long it takes to look for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cursus import check, redact
from cursus.steps.builders import lower


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
def test_megabytes_take_seconds_at_most(piece: str) -> None:
    code = (
        "import sys; from cursus import redact; text = sys.argv[1] * (1_000_000 // len(sys.argv[1]));"
        "redact.show(text, 'x'); redact.prose(text); redact.is_secret_name(text)"
    )
    subprocess.run([sys.executable, "-c", code, piece], check=True, timeout=60)

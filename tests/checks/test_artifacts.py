"""Output, keys, checkpoints and promised artifacts."""

from __future__ import annotations

import pytest

from cursus.checks.artifacts import artifact_problem, key_problem
from cursus.model import Promises
from tests.checks.made import findings_of


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("1234abcd-12ab-34cd-56ef-1234567890ab", True),
        ("mrk-1234abcd12ab34cd56ef1234567890ab", True),
        ("alias/my-key", True),
        ("arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", True),
        ("arn:aws-cn:kms:cn-north-1:111122223333:alias/my-key", True),
        ("arn:aws:kms:region:account:key/key-id", False),
        ("arn:aws:iam::111122223333:role/my-key", False),
        ("arn:aws:kms:us-west-2:111122223333:my-key", False),
        ("1234abcd-12ab-34cd-56ef-1234567890", False),
        ("my-key", False),
        ("", True),
    ],
)
def test_kms_keys(key: str, right: bool) -> None:
    assert (key_problem(key) is None) is right


@pytest.mark.parametrize(
    ("artifact", "right"),
    [
        ("model.tar.gz", True),
        ("model.pkl", True),
        ("export/1/saved_model.pb", True),
        ("output/data/metrics.json", True),
        ("/opt/ml/model/model.pkl", True),
        ("/tmp/model.pkl", False),
        ("../model.pkl", False),
        ("a/../../b", False),
        ("a/../b", True),
        ("s3://bucket/model.pkl", False),
        ("", False),
    ],
)
def test_promised_artifacts(artifact: str, right: bool) -> None:
    assert (artifact_problem(artifact) is None) is right


def test_promised_artifacts_of_a_step() -> None:
    found = findings_of({}, "ART005", promises=Promises(expected_artifacts=("a", "../b", "a")))
    assert [f.severity for f in found] == ["error", "info"]


@pytest.mark.parametrize(
    ("uri", "wrong"),
    [
        ("s3://example-bucket/models", True),
        ("s3://example-bucket/", True),
        ("s3://example-bucket/models/checkpoints/", False),
        ("s3://example-bucket/model", False),
    ],
)
def test_checkpoints_beside_models(uri: str, wrong: bool) -> None:
    assert bool(findings_of({"CheckpointConfig": {"S3Uri": uri}}, "ART003")) is wrong

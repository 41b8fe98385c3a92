"""Names and values of hyperparameters as texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.made import findings_of, source


@pytest.mark.parametrize(
    ("hyperparameters", "rules"),
    [
        ({"a": "1", "sagemaker_program": '"train.py"'}, set()),
        ({"a": " 1"}, {"HPO035"}),
        ({"a ": "1"}, {"HPO035"}),
        ({"batch-size": "1", "batch_size": "2"}, {"HPO036"}),
        ({"lr": "1", "LR": "2"}, {"HPO036"}),
        ({"b": "1", "B": "2"}, set()),
        ({"--lr": "1", "sagemaker_program": "train.py"}, {"HPO036"}),
        ({"batch size": "1", "sagemaker_program": "train.py"}, {"HPO036"}),
        ({"--lr": "1", "batch size": "1"}, set()),
        ({"sagemaker_torch_distribted_enabled": "true"}, {"HPO036"}),
        ({"sagemaker_submit_dir": "s3://example-bucket/code.tar.gz"}, {"HPO036"}),
        ({"sagemaker_mpi-enabled": "true"}, {"HPO036"}),
        (
            {"sagemaker_mpi_enabled": "true", "sagemaker_pysdk_version": "2", "sagemaker_foo_enabled": "1"},
            set(),
        ),
        ({"a": "None"}, {"HPO037"}),
        ({"a": '"\\"x\\""'}, {"HPO037"}),
        ({"a": '"x"'}, set()),
        ({"a": '{"x": null}'}, set()),
        ({"a": ""}, set()),
    ],
)
def test_texts(hyperparameters: dict[str, str], rules: set[str]) -> None:
    found = findings_of({"HyperParameters": hyperparameters})
    assert {f.rule for f in found if f.rule in ("HPO035", "HPO036", "HPO037")} == rules


def test_secrets_are_not_shown() -> None:
    (found,) = findings_of({"HyperParameters": {"api_key": " hunter2hunter2 "}}, "HPO035")
    assert "hunter2" not in found.message + found.remedy


@pytest.mark.parametrize(
    ("reading", "rules"), [("int", ["HPO052"]), ("lambda x: None if x == 'None' else int(x)", [])]
)
def test_a_word_that_the_script_knows(tmp_path: Path, reading: str, rules: list[str]) -> None:
    declared = f"p.add_argument('--depth', type={reading})"
    script = f"import argparse\np = argparse.ArgumentParser()\n{declared}\np.parse_args()\n"
    found = findings_of({"HyperParameters": {"depth": "None"}}, source=source(tmp_path, script))
    assert [f.rule for f in found if f.rule in ("HPO037", "HPO052")] == rules


@pytest.mark.parametrize(
    ("folder", "kept", "named"),
    [
        ('"opt/ml/model"', True, True),
        ("/opt/ml/model", False, False),
        ("/opt/ml/checkpoints/run-1", False, True),
        ("/opt/ml/checkpoints/run-1", True, False),
        ("adopt/ml/", False, False),
    ],
)
def test_folders_that_nothing_keeps(folder: str, kept: bool, named: bool) -> None:
    request: dict[str, object] = {"HyperParameters": {"model_dir": folder}}
    if kept:
        request["CheckpointConfig"] = {"S3Uri": "s3://example-bucket/checkpoints/"}
    assert [found.severity for found in findings_of(request, "STP051")] == ["warning"] * named

"""Metric definitions and log level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cursus.model import SourceCode
from tests.checks.made import SCRIPT, XGBOOST, findings_of


def metric(regex: str, name: str = "loss") -> dict[str, Any]:
    return {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": name, "Regex": regex}]}}


@pytest.mark.parametrize(
    ("regex", "rule", "severity"),
    [
        ("loss: ([0-9.]+", "MON001", "error"),
        ("loss: [0-9.]+", "MON002", "warning"),
        ("f1=(.*?)", "MON002", "warning"),
        ("f1=(.+?)", "MON002", "warning"),
        ("ok: (true|false)", "MON002", "warning"),
        (r"loss: ([0-9]+)\.([0-9]+)", "MON002", "warning"),
        ("(.*)", "MON003", "warning"),
        ("loss: ([0-9]+)", "MON004", "warning"),
        ("loss.*([0-9.]+),", "MON004", "warning"),
        ("loss.+([0-9.]*)", "MON002", "warning"),
        ("loss: ([0-9.]+)", "MON009", "info"),
        ("'eval_loss':(.*?);", "MON004", "warning"),
        ("'eval_loss':([0-9.eE+-]+)", "MON004", "warning"),
        (r'"loss":\t(\d+\.\d+)', "MON004", "warning"),
    ],
)
def test_regex(regex: str, rule: str, severity: str) -> None:
    found = findings_of(metric(regex), rule)
    assert [f.severity for f in found] == [severity]
    assert found[0].path == "AlgorithmSpecification.MetricDefinitions[0].Regex"


def test_counting_metrics_may_be_whole() -> None:
    assert not findings_of(metric("epoch: ([0-9]+)", "epoch"))


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ('f"loss: {loss:.4f}"', False),
        ('"epoch %d loss: %8.3f" % (epoch, loss)', False),
        ('f"loss: {loss}"', True),
        ('f"loss: {loss:.4g}"', True),
        ('"loss: " + str(loss)', True),
    ],
)
def test_a_fixed_form_has_no_exponent(printed: str, told: bool, tmp_path: Path) -> None:
    script = (
        f"import os\nfor epoch in range(3):\n    loss = float(os.environ['LOSS'])\n    print({printed})\n"
    )
    (tmp_path / "train.py").write_text(script)
    found = findings_of(metric("loss: ([0-9.]+)"), "MON009", source=SourceCode(str(tmp_path), "train.py"))
    assert bool(found) is told


def test_scores_have_no_exponent() -> None:
    assert not findings_of(metric("mean dice: ([0-9.]+)", "train:mean dice"), "MON009")
    assert findings_of(metric("mean dice: ([0-9]+)", "train:mean dice"), "MON004")


@pytest.mark.parametrize(
    "regex",
    [
        r"loss: ([0-9]+)\.[0-9]+",
        r"loss.*=([-+0-9.eE]+)",
        r"loss\.*([-+0-9.eE]+)",
        r"loss.*?([-+0-9.eE]+)",
        r"f1: ([0-9]+(.|e\-)[0-9]+),?",
        r"loss=([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)",
        r"loss (\S+)",
        r"'eval_loss': ([-+0-9.eE]+),?",
        r".*'eval_loss':\s*([-+0-9.eE]+)",
        r"{'loss': (\S+),",
        r"'eval_loss': ([-+0-9.eE]+)}",
        r'"loss":([-+0-9.eE]+)',
        r"'loss': (\S+), 'learning_rate'",
        r"'loss': tensor\((\S+)\)",
    ],
)
def test_sound_expressions(regex: str) -> None:
    assert not findings_of(metric(regex))


def test_own_metrics_of_a_builtin_algorithm() -> None:
    patch = metric("validation-auc:([0-9.eE+-]+)", "validation:auc")
    patch["AlgorithmSpecification"]["TrainingImage"] = XGBOOST
    patch["HyperParameters"] = {"num_round": "10"}
    assert [f.severity for f in findings_of(patch, "MON006")] == ["error"]
    described = patch["AlgorithmSpecification"]["MetricDefinitions"][0]
    described["Regex"] = ".*#011validation-auc:([0-9.eE+-]+).*"
    assert [f.severity for f in findings_of(patch, "MON006")] == ["warning"]


def test_metrics_of_a_bought_algorithm() -> None:
    patch = metric("auc: ([0-9.eE+-]+)", "validation:auc")
    patch["AlgorithmSpecification"] |= {"TrainingImage": None, "AlgorithmName": "embed"}
    assert [f.severity for f in findings_of(patch, "MON006")] == ["warning"]
    bought = "arn:aws:sagemaker:us-east-1:865070037744:algorithm/embed-v1-cb7001bd0e8243b50adc3338deb44a48"
    patch["AlgorithmSpecification"]["AlgorithmName"] = bought
    assert [f.severity for f in findings_of(patch, "MON006")] == ["error"]


def test_a_script_in_that_image_has_no_metrics_of_its_own_either() -> None:
    patch = metric("rmse: ([0-9.eE+-]+)", "rmse")
    patch["AlgorithmSpecification"]["TrainingImage"] = XGBOOST
    patch["HyperParameters"] = SCRIPT
    assert [f.severity for f in findings_of(patch, "MON006")] == ["error"]


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("20", None),
        ('"20"', "error"),
        ("INFO", "warning"),
        ("info", "error"),
        ("loud", "error"),
        ("25", "info"),
    ],
)
def test_log_level(level: str, severity: str | None) -> None:
    found = findings_of({"HyperParameters": {"sagemaker_container_log_level": level}}, "MON007")
    assert [f.severity for f in found] == ([severity] if severity else [])


def test_log_level_of_an_image_that_is_not_named() -> None:
    patch = {
        "HyperParameters": {"sagemaker_container_log_level": '"logging.INFO"'},
        "AlgorithmSpecification": {"TrainingImage": "fakeimage"},
    }
    assert [f.severity for f in findings_of(patch, "MON007")] == ["warning"]
    template = {"HyperParameters": {"sagemaker_container_log_level": '"{{ log_level }}"'}}
    assert [f.severity for f in findings_of(template, "MON007")] == ["warning"]

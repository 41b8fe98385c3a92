"""One mistake of a script and its request is one finding, told by the rule that says most of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cursus.checks.examples import merge
from tests.checks.made import (
    DLC,
    SCRIPT,
    TUNING,
    XGBOOST,
    broken,
    channel,
    findings_of,
    rules_of,
    source,
    told,
)

SAVES = 'import json, os\nopen(os.path.join(os.environ["SM_MODEL_DIR"], "m"), "w").write("1")\n'
READS = 'print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))\n'
OPENED = (
    "def read(path):\n    return open(path).read()\n\n"
    'read(os.environ.get("SM_CHANNEL_TRAINING"))\nread(os.environ.get("SM_CHANNEL_VALID"))\n'
)
"""One place of two paths that are not there."""
POSITIONAL = (
    "import argparse\np = argparse.ArgumentParser()\np.add_argument('data')\na = p.parse_args()\n"
    "def read(path):\n    return open(path).read()\n\nread(a.data)\n"
)
CHECKPOINTS = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"}}
EPOCHS = {"HyperParameters": {"epochs": "3"}}
HOSTS = {
    "AlgorithmSpecification": {"TrainingImage": f"{DLC}/pytorch-training:2.1.0-cpu-py310"},
    "ResourceConfig": {"InstanceCount": 2},
}


@pytest.mark.parametrize(
    ("script", "patch", "rule"),
    [
        (SAVES + 'print(os.environ["SM_CHANNEL_TRAINING"])\n', {}, "CHN050"),
        (SAVES + 'print(os.listdir("/opt/ml/input/data/training"))\n', {}, "CHN051"),
        (SAVES + READS + OPENED, {}, "CHN051"),
        (SAVES, {}, "CHN052"),
        (SAVES + READS + 'print(json.loads(os.environ["SM_HPS"]).get("Epochs", 1))\n', EPOCHS, "HPO056"),
        (SAVES + READS + 'print(json.loads(os.environ["SM_HPS"])["epoch"])\n', EPOCHS, "HPO056"),
        (SAVES + READS + 'print(json.loads(os.environ["SM_HPS"]).get("rate", 1))\n', EPOCHS, "HPO064"),
        (SAVES + READS + 'open("/opt/ml/checkpoint/a.json", "w").write("1")\n', CHECKPOINTS, "ART053"),
        (SAVES + READS + 'open("/opt/ml/models/a.json", "w").write("1")\n', {}, "ART052"),
        ("import os\n" + READS + 'open("/opt/ml/models/a.json", "w").write("1")\n', {}, "ART050"),
        (SAVES + READS, HOSTS, "DST050"),
        (SAVES + READS + POSITIONAL, {}, "HPO051"),
    ],
)
def test_training(tmp_path: Path, script: str, patch: dict[str, Any], rule: str) -> None:
    patch = merge({"HyperParameters": SCRIPT}, patch)
    assert rules_of(told(findings_of(patch, source=source(tmp_path, script)))) == [rule]


@pytest.mark.parametrize(
    ("ranges", "rule"),
    [
        ([{"Name": "eta", "MinValue": "-0.1", "MaxValue": "0.5", "ScalingType": "Logarithmic"}], "HPO003"),
        ([{"Name": "eta", "MinValue": "-0.1", "MaxValue": "0.5", "ScalingType": "Linear"}], "HPO023"),
        (
            [
                {"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5"},
                {"Name": "eta", "MinValue": "-0.1", "MaxValue": "0.5"},
            ],
            "HPO004",
        ),
    ],
)
def test_tuning(ranges: list[dict[str, str]], rule: str) -> None:
    config = {
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
        "ParameterRanges": {"ContinuousParameterRanges": ranges},
    }
    definition = {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "MetricDefinitions": None},
        "StaticHyperParameters": {"objective": "binary:logistic", "num_round": "100"},
        "InputDataConfig": [channel(name, ContentType="text/csv") for name in ("train", "validation")],
    }
    patch = {"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": definition}
    assert broken(findings_of(patch, operation=TUNING)) == {rule}

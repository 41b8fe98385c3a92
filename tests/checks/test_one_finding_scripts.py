"""One mistake of a script and its request is one finding, told by the rule that says most of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES, merge

SAVES = 'import json, os\nopen(os.path.join(os.environ["SM_MODEL_DIR"], "m"), "w").write("1")\n'
READS = 'print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))\n'
CHECKPOINTS = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"}}
EPOCHS = {"HyperParameters": {"epochs": "3"}}
RANGES = "HyperParameterTuningJobConfig"
HOSTS = {
    "AlgorithmSpecification": {
        "TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310"
    },
    "ResourceConfig": {"InstanceCount": 2},
}
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


@pytest.mark.parametrize(
    ("script", "patch", "rule"),
    [
        (SAVES + 'print(os.environ["SM_CHANNEL_TRAINING"])\n', {}, "CHN050"),
        (SAVES + 'print(os.listdir("/opt/ml/input/data/training"))\n', {}, "CHN051"),
        (SAVES, {}, "CHN052"),
        (SAVES + READS + 'print(json.loads(os.environ["SM_HPS"]).get("Epochs", 1))\n', EPOCHS, "HPO056"),
        (SAVES + READS + 'print(json.loads(os.environ["SM_HPS"])["epoch"])\n', EPOCHS, "HPO056"),
        (SAVES + READS + 'print(json.loads(os.environ["SM_HPS"]).get("rate", 1))\n', EPOCHS, "HPO064"),
        (SAVES + READS + 'open("/opt/ml/checkpoint/a.json", "w").write("1")\n', CHECKPOINTS, "ART053"),
        (SAVES + READS + 'open("/opt/ml/models/a.json", "w").write("1")\n', {}, "ART052"),
        ("import os\n" + READS + 'open("/opt/ml/models/a.json", "w").write("1")\n', {}, "ART050"),
        (SAVES + READS, HOSTS, "DST050"),
    ],
)
def test_training(tmp_path: Path, script: str, patch: dict[str, Any], rule: str) -> None:
    (tmp_path / "train.py").write_text(script)
    program = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://example-bucket/code/sourcedir.tar.gz",
    }
    request = merge(merge(BASES["CreateTrainingJob"], {"HyperParameters": program}), patch)
    report = cursus.check(request, source_dir=tmp_path, entry_point="train.py")
    assert [f.rule for f in report.findings if f.severity != "info"] == [rule]


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
    channel = {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/data/"}
    channels = [
        {
            "ChannelName": name,
            "ContentType": "text/csv",
            "DataSource": {"S3DataSource": {**channel, "S3Uri": f"s3://example-bucket/{name}/"}},
        }
        for name in ("train", "validation")
    ]
    definition = {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "MetricDefinitions": None},
        "StaticHyperParameters": {"objective": "binary:logistic", "num_round": "100"},
        "InputDataConfig": channels,
    }
    request = merge(
        BASES["CreateHyperParameterTuningJob"], {RANGES: config, "TrainingJobDefinition": definition}
    )
    errors = [f.rule for f in cursus.check(request).findings if f.severity == "error"]
    assert errors == [rule]

"""Variables of Environment that the training toolkit writes its own values over."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6.0-cpu-py312-ubuntu22.04-sagemaker"
SCRIPT = {
    "sagemaker_program": "t.py",
    "sagemaker_submit_directory": "s3://acme-code/source.tar.gz",
    "lr": "0.1",
}


@pytest.mark.parametrize(
    ("environment", "hyperparameters", "wrong"),
    [
        ({"SM_MODEL_DIR": "/tmp/model"}, SCRIPT, True),
        ({"SM_CHANNEL_TRAIN": "/data"}, SCRIPT, True),
        ({"SM_HP_LR": "0.2"}, SCRIPT, True),
        ({"SM_MODEL_DIR": "/opt/ml/model", "SM_MINE": "1", "MODE": "fast"}, SCRIPT, False),
        ({"SM_MODEL_DIR": "/tmp/model"}, {}, False),  # an own container has names of its own
    ],
)
def test_they_are_seen_without_the_script(
    environment: dict[str, str], hyperparameters: dict[str, str], wrong: bool
) -> None:
    request: dict[str, Any] = copy.deepcopy(BASES["CreateTrainingJob"])
    request["AlgorithmSpecification"]["TrainingImage"] = IMAGE
    request.update(Environment=environment, HyperParameters=hyperparameters)
    found = [one.path for one in cursus.check(request).findings if one.rule == "RES057"]
    assert found == ([f"Environment.{next(iter(environment))}"] if wrong else [])

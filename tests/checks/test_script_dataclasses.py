"""Hyperparameters against dataclasses that HfArgumentParser reads, with the transformers that the job has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.made import SCRIPT, findings_of, rules_of, source, told

IMAGE = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:"
    "{}-transformers{}-gpu-{}-ubuntu{}"
)
OLD = IMAGE.format("2.1.0", "4.36.0", "py310-cu121", "20.04")
NEW = IMAGE.format("2.8.0", "4.56.2", "py312-cu129", "22.04")
PROGRAM = """\
import os
from dataclasses import dataclass
from transformers import HfArgumentParser, TrainingArguments

@dataclass
class Data:
    name: str
    fast: bool = False
    shuffle: bool = True

data, training = HfArgumentParser((Data, TrainingArguments)).parse_args_into_dataclasses()
print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]), data.name, data.fast, data.shuffle, training.learning_rate)
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
"""
RIGHT = {"name": "x", "output_dir": "/opt/ml/model", "learning_rate": "5e-5"}


def job(image: str, hyperparameters: dict[str, str]) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": image},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge"},
        "HyperParameters": hyperparameters,
    }


@pytest.mark.parametrize(
    ("image", "given", "requirement", "rules"),
    [
        (OLD, {}, "", []),
        (OLD, {"fast": "True", "fp16": "no"}, "", []),
        (OLD, {"fast": "maybe"}, "", ["HPO052"]),
        (OLD, {"fp16": "maybe"}, "", ["HPO052"]),
        (OLD, {"shuffle": "False"}, "", []),
        (OLD, {"output_dir": ""}, "", ["HPO051"]),
        (NEW, {"output_dir": ""}, "", []),
        (OLD, {"evaluation_strategy": "epoch"}, "", []),
        (NEW, {"evaluation_strategy": "epoch"}, "", ["HPO050"]),
        (OLD, {"eval_strategy": "epoch"}, "", ["HPO050"]),
        (NEW, {"eval_strategy": "epoch"}, "", []),
        (OLD, {"eval_strategy": "epoch"}, "transformers==4.50.1", []),
        (OLD, {"eval_strategy": "epoch", "evaluation_strategy": "no"}, "transformers>=4.40", []),
        (OLD, {"eval_strategy": "epoch"}, "transformers==4.30.0", ["HPO050"]),
        (OLD, {"eval_strategy": "epoch"}, "transformers==4.39.0", []),  # between two that are known
    ],
)
def test_fields_of_a_version(
    tmp_path: Path, image: str, given: dict[str, str], requirement: str, rules: list[str]
) -> None:
    code = source(tmp_path, PROGRAM, **({"requirements__txt": requirement + "\n"} if requirement else {}))
    values = {name: value for name, value in {**RIGHT, **given}.items() if value}
    assert rules_of(told(findings_of(job(image, {**SCRIPT, **values}), source=code))) == rules


def test_the_versions_of_a_field_are_named(tmp_path: Path) -> None:
    patch = job(NEW, {**RIGHT, "evaluation_strategy": "epoch"})
    (found,) = findings_of(patch, "HPO050", source=source(tmp_path, PROGRAM))
    assert "TrainingArguments has it in transformers up to 4.49.0" in found.message
    assert "'eval_strategy'" in found.remedy

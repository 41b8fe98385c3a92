"""Hyperparameters against dataclasses that HfArgumentParser reads, with the transformers that the job has."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

import cursus
from cursus.checks.examples import BASES, merge

IMAGE = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:"
    "{}-transformers{}-gpu-{}-ubuntu{}"
)
OLD = IMAGE.format("2.1.0", "4.36.0", "py310-cu121", "20.04")
NEW = IMAGE.format("2.8.0", "4.56.2", "py312-cu129", "22.04")
SCRIPT = """\
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
    (tmp_path / "train.py").write_text(SCRIPT)
    if requirement:
        (tmp_path / "requirements.txt").write_text(requirement + "\n")
    request = copy.deepcopy(
        merge(
            BASES["CreateTrainingJob"],
            {
                "AlgorithmSpecification": {"TrainingImage": image},
                "ResourceConfig": {"InstanceType": "ml.g5.xlarge"},
            },
        )
    )
    request["HyperParameters"] = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://example-bucket/code/sourcedir.tar.gz",
        **{name: value for name, value in {**RIGHT, **given}.items() if value},
    }
    found = cursus.check(request, source_dir=tmp_path, entry_point="train.py").findings
    assert [f.rule for f in found if f.severity != "info"] == rules


def test_the_versions_of_a_field_are_named(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    request = copy.deepcopy(
        merge(
            BASES["CreateTrainingJob"],
            {
                "AlgorithmSpecification": {"TrainingImage": NEW},
                "ResourceConfig": {"InstanceType": "ml.g5.xlarge"},
            },
        )
    )
    request["HyperParameters"] = {**RIGHT, "evaluation_strategy": "epoch"}
    (found,) = [
        f
        for f in cursus.check(request, source_dir=tmp_path, entry_point="train.py").findings
        if f.rule == "HPO050"
    ]
    assert "TrainingArguments has it in transformers up to 4.49.0" in found.message
    assert "'eval_strategy'" in found.remedy

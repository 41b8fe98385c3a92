"""Hyperparameters that go through a shell: which images have one, and what comes of a value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cursus.checks.script.shell_words import shell_words
from tests.checks.made import SCIKIT_LEARN, SCRIPT, findings_of, source

ECR = "763104351884.dkr.ecr.us-east-1.amazonaws.com/"
OLD = ECR + "pytorch-training:2.1.0-cpu-py310"
NEW = ECR + "pytorch-training:2.8.0-cpu-py312-ubuntu22.04-sagemaker"
HUGGINGFACE = ECR + "huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04"
FIRST = ECR + "pytorch-training:1.6.0-cpu-py36-ubuntu16.04"


def check(
    folder: Path, value: str, image: str = OLD, argument: str = "", parse: str = "parse_args()"
) -> list[tuple[str, str]]:
    script = (
        "import argparse, os\n"
        "parser = argparse.ArgumentParser()\n"
        f"parser.add_argument('--sizes'{argument})\n"
        f"args = parser.{parse}\n"
        "print(args.sizes, os.listdir(os.environ['SM_CHANNEL_TRAIN']))\n"
        "open(os.path.join(os.environ['SM_MODEL_DIR'], 'model.txt'), 'w').write('1')\n"
    )
    patch: dict[str, Any] = {
        "AlgorithmSpecification": {"TrainingImage": image},
        "HyperParameters": {"sizes": value, **SCRIPT},
    }
    if "gpu" in image:
        patch["ResourceConfig"] = {"InstanceType": "ml.g4dn.xlarge"}
    found = findings_of(patch, source=source(folder, script), region="us-east-1")
    return [(f.rule, f.severity) for f in found if f.rule.startswith("HPO")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("64,32", ["64,32"]),
        ("s3://example-bucket/a=1/b", ["s3://example-bucket/a=1/b"]),
        ("[64, 32]", ["[64,", "32]"]),
        ('{"a": 1}', ["{a:", "1}"]),
        ('"full_shard auto_wrap"', ["full_shard auto_wrap"]),
        ("", []),
        ("a#b", ["a#b"]),
        ("a #b", None),
        ("(64,)", None),
        ("a&b", None),
        ("it's", None),
        ("'$HOME'", ["$HOME"]),
        ('"$HOME"', None),
    ],
)
def test_words_of_a_shell(text: str, words: list[str] | None) -> None:
    assert shell_words(text) == words


@pytest.mark.parametrize(
    ("value", "argument", "parse", "expected"),
    [
        ("[64, 32]", "", "parse_args()", [("HPO066", "error")]),
        ("[64, 32]", "", "parse_known_args()[0]", [("HPO066", "warning")]),
        ("(64)", "", "parse_known_args()[0]", [("HPO066", "error")]),
        ('""', "", "parse_args()", [("HPO066", "error")]),
        ('"\\"full_shard auto_wrap\\""', "", "parse_args()", []),
        ("64,32", "", "parse_args()", []),
        ("64 32", ", nargs='+', type=int", "parse_args()", []),
        ("64 32", ", nargs=2, type=int", "parse_args()", []),
        ("64 32 16", ", nargs=2, type=int", "parse_args()", [("HPO066", "error")]),
        ("[64, 32]", ", nargs='+', type=int", "parse_args()", [("HPO052", "error")]),
        ('""', ", action='store_true'", "parse_args()", []),
    ],
)
def test_what_the_script_makes_of_it(
    value: str, argument: str, parse: str, expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    assert check(tmp_path, value, OLD, argument, parse) == expected


def test_an_image_that_may_be_newer_is_a_warning(tmp_path: Path) -> None:
    assert check(tmp_path, "[64, 32]", NEW) == [("HPO066", "warning")]


@pytest.mark.parametrize("image", [HUGGINGFACE])
def test_images_made_of_such_a_one(image: str, tmp_path: Path) -> None:
    assert [rule for rule, _ in check(tmp_path, "[64, 32]", image)] == ["HPO066"]


@pytest.mark.parametrize("image", [SCIKIT_LEARN, FIRST])
def test_images_without_a_shell(image: str, tmp_path: Path) -> None:
    assert check(tmp_path, "[64, 32]", image) == []
    assert [rule for rule, _ in check(tmp_path, "64 32", image, ", nargs='+', type=int")] == ["HPO052"]
    assert ("HPO037", "warning") in check(tmp_path, '"\\"full_shard auto_wrap\\""', image)

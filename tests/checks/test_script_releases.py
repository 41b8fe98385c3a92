"""Pinned versions against the Python that the image's tag names."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

import cursus
from cursus.checks.examples import BASES, merge

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.0.1-cpu-{}-ubuntu20.04-sagemaker"
SCRIPT = """\
import os
print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
"""


@pytest.mark.parametrize(
    ("line", "python", "said"),
    [
        ("numpy==2.3.0", "py310", [("error", "it is for 3.11, 3.12, 3.13")]),
        ("numpy==2.3.0", "py311", []),
        ("numpy>=2.3", "py310", [("error", "it is for 3.11")]),
        ("numpy~=2.3.0", "py310", [("error", "it is for 3.11")]),
        ("numpy>=1.20", "py310", []),
        ("numpy>=99", "py310", []),
        ("numpy==2.3.0; python_version>='3.11'", "py310", []),
        ("tensorflow==2.4.0", "py310", [("error", "it is for 3.6, 3.7, 3.8")]),
        ("scipy==1.5.0", "py310", [("warning", "pip compiles it")]),
        ("scipy==1.5.0", "py38", []),
        ("datasets==1.0.0", "py310", []),
        ("numpy==2.3.0", "py3", []),
    ],
)
def test_a_version_for_another_python(
    tmp_path: Path, line: str, python: str, said: list[tuple[str, str]]
) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "requirements.txt").write_text(line + "\n")
    request = copy.deepcopy(
        merge(BASES["CreateTrainingJob"], {"AlgorithmSpecification": {"TrainingImage": IMAGE.format(python)}})
    )
    request["HyperParameters"] = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://example-bucket/code/sourcedir.tar.gz",
    }
    report = cursus.check(request, source_dir=tmp_path, entry_point="train.py")
    found = [f for f in report.findings if f.rule == "FRM069"]
    assert [f.severity for f in found] == [severity for severity, _ in said]
    assert all(words in f.message for f, (_, words) in zip(found, said, strict=True))
    assert all(f.location is not None and f.location.line == 1 for f in found)


def test_a_pin_of_the_framework_that_is_not_for_the_python_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "requirements.txt").write_text("torch==1.4.0\n")
    request = copy.deepcopy(
        merge(
            BASES["CreateTrainingJob"], {"AlgorithmSpecification": {"TrainingImage": IMAGE.format("py310")}}
        )
    )
    report = cursus.check(request, source_dir=tmp_path, entry_point="train.py")
    found = [f.rule for f in report.findings if f.location and f.location.file.endswith("requirements.txt")]
    assert found == ["FRM069"]

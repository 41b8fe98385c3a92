"""Pipes and links that lead nowhere, in a source directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cursus

CODE = (
    "import cursus, sys; print(*(f.rule for f in cursus.check({request!r}, source_dir=sys.argv[1]).findings))"
)
REQUEST = {
    "TrainingJobName": "churn",
    "HyperParameters": {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://example-bucket/s.tar.gz",
    },
}


def rules(folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(request=REQUEST), str(folder)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.split()


@pytest.mark.parametrize("name", ["train.py", "helper.py", "requirements.txt", "data"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text("import helper\n")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    assert ("FRM050" in rules(tmp_path)) == (name == "train.py")


def test_links_that_lead_to_themselves_are_passed_by(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b.py").symlink_to("b.py")
    (tmp_path / "b").symlink_to("a")
    assert "FRM050" not in rules(tmp_path)


def test_an_entry_point_that_leads_to_itself_is_not_suggested(tmp_path: Path) -> None:
    (tmp_path / "train.py").symlink_to("train.py")
    (found,) = [f for f in cursus.check(REQUEST, source_dir=tmp_path).findings if f.rule == "FRM050"]
    assert "no regular file" in found.message
    assert "mean" not in found.message + found.remedy

"""The source directory that a user names for a pipeline definition: which of its steps it is the source of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES

PREPARE = '"""Nothing to read."""\nopen("/opt/ml/processing/nowhere/rows.csv").read()\n'
TRAIN = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]), parser.parse_args())
open("/opt/ml/model/model.txt", "w").write("weights")
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "prepare.py").write_text(PREPARE)
    return tmp_path


def definition(program: Any = '"train.py"') -> dict[str, Any]:
    """A step that prepares data, one that trains and one that tunes."""
    scikit = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    code = {"S3Uri": "s3://example-bucket/code/prepare.py", "LocalPath": "/opt/ml/processing/input/code"}
    script = {"InputName": "code", "S3Input": code | {"S3DataType": "S3Prefix", "S3InputMode": "File"}}
    prepare = BASES["CreateProcessingJob"] | {
        "AppSpecification": {
            "ImageUri": scikit,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/prepare.py"],
        },
        "ProcessingInputs": [script],
    }
    hyperparameters = {"sagemaker_program": program, "momentum": "0.9"}
    hyperparameters["sagemaker_submit_directory"] = '"s3://example-bucket/code/sourcedir.tar.gz"'
    algorithm = {"TrainingImage": scikit, "TrainingInputMode": "File"}
    train = BASES["CreateTrainingJob"] | {"AlgorithmSpecification": algorithm}
    tuning = BASES["CreateHyperParameterTuningJob"]
    tuned = {"StaticHyperParameters": hyperparameters, "AlgorithmSpecification": algorithm}
    bodies = {
        "Prepare": ("Processing", prepare),
        "Train": ("Training", train | {"HyperParameters": hyperparameters}),
        "Tune": (
            "Tuning",
            tuning | {"TrainingJobDefinition": tuning["TrainingJobDefinition"] | tuned},
        ),
    }
    return {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Program", "Type": "String", "DefaultValue": '"train.py"'}],
        "Steps": [
            {
                "Name": name,
                "Type": kind,
                "Arguments": {key: value for key, value in arguments.items() if not key.endswith("JobName")},
            }
            for name, (kind, arguments) in bodies.items()
        ],
    }


def found(target: dict[str, Any], rule: str, **options: Any) -> list[tuple[str, str]]:
    report = cursus.check(target, **options)
    return [
        (finding.step, Path(finding.location.file).name if finding.location else "")
        for finding in report.findings
        if finding.rule == rule
    ]


def test_each_step_has_its_own_script(source: Path) -> None:
    assert found(definition(), "HPO050") == []
    assert found(definition(), "HPO050", source_dir=source) == [("Train", "train.py"), ("Tune", "train.py")]
    assert found(definition(), "DEP095", source_dir=source) == [("Prepare", "prepare.py")]


def test_a_parameter_may_name_the_script(source: Path) -> None:
    target = definition({"Get": "Parameters.Program"})
    assert ("Train", "train.py") in found(target, "HPO050", source_dir=source)


def test_an_entry_point_is_that_of_the_steps_that_start_it(source: Path) -> None:
    entry = str(source / "prepare.py")
    assert found(definition(), "DEP095", entry_point=entry) == [("Prepare", "prepare.py")]
    assert found(definition(), "HPO050", entry_point=entry) == []


def test_a_folder_without_their_scripts_is_told(source: Path) -> None:
    (source / "train.py").unlink()
    (source / "prepare.py").unlink()
    assert found(definition(), "FRM050", source_dir=source) == [("Train", "train.py"), ("Tune", "train.py")]

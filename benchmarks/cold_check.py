"""A cold ``cursus check FILE.json`` against ``import boto3``: the ratio of their fastest runs.

Files are a training request as the SageMaker SDK sends it, and a pipeline definition of five steps. All have their
bytecode from an earlier run, as installed packages have.

Usage: python benchmarks/cold_check.py [RUNS]. Goal: below 1. Exits 1 where the goal is missed.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from arguments import numbers
from check_rate import script_mode

from cursus.checks.examples import BASES

PREPARED = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}
MODEL = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
RUN = {"Get": "Execution.PipelineExecutionId"}


def pipeline() -> dict[str, Any]:
    """Data are prepared, a model is trained and evaluated, and made where it is good enough."""
    train = script_mode()
    train["InputDataConfig"] = train["InputDataConfig"][:1]
    train["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = PREPARED
    train["ResourceConfig"]["InstanceType"] = {"Get": "Parameters.InstanceType"}
    prepare, evaluate = (copy.deepcopy(BASES["CreateProcessingJob"]) for _ in range(2))
    for request, output in ((prepare, "train"), (evaluate, "evaluation")):
        place = {"Std:Join": {"On": "/", "Values": ["s3://example-bucket", RUN, output]}}
        written = {"S3Uri": place, "LocalPath": f"/opt/ml/processing/{output}", "S3UploadMode": "EndOfJob"}
        request["ProcessingOutputConfig"] = {"Outputs": [{"OutputName": output, "S3Output": written}]}
    read = {
        "S3Uri": MODEL,
        "LocalPath": "/opt/ml/processing/model",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    evaluate["ProcessingInputs"] = [{"InputName": "model", "S3Input": read}]
    image = (
        train["AlgorithmSpecification"]["TrainingImage"]
        .replace("training", "inference")
        .replace("cu121", "cu118")
    )
    model = {
        "ExecutionRoleArn": train["RoleArn"],
        "PrimaryContainer": {"Image": image, "ModelDataUrl": MODEL},
    }
    score = {
        "Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Scores"}, "Path": "auc.value"}
    }
    scores = {"PropertyFileName": "Scores", "OutputName": "evaluation", "FilePath": "scores.json"}
    good = {"Type": "GreaterThanOrEqualTo", "LeftValue": score, "RightValue": {"Get": "Parameters.Least"}}
    steps: list[dict[str, Any]] = [
        {"Name": "Prepare", "Type": "Processing", "Arguments": prepare},
        {"Name": "Train", "Type": "Training", "Arguments": train},
        {"Name": "Evaluate", "Type": "Processing", "Arguments": evaluate, "PropertyFiles": [scores]},
    ]
    for step in steps:
        for name in ("TrainingJobName", "ProcessingJobName"):
            step["Arguments"].pop(name, None)
    made = {"Name": "Make", "Type": "Model", "Arguments": model}
    asked = {"Conditions": [good], "IfSteps": [made], "ElseSteps": []}
    return {
        "Version": "2020-12-01",
        "Parameters": [
            {"Name": "InstanceType", "Type": "String", "DefaultValue": "ml.g5.2xlarge"},
            {"Name": "Least", "Type": "Float", "DefaultValue": 0.8},
        ],
        "Steps": [*steps, {"Name": "IsGood", "Type": "Condition", "Arguments": asked}],
    }


def fastest(commands: dict[str, list[str]], runs: int, bytecode: str) -> dict[str, float]:
    """Seconds of the fastest run of each; they take turns, so that noise meets all of them."""
    best = dict.fromkeys(commands, float("inf"))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    for _ in range(runs + 1):  # the first writes the bytecode
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
            best[name] = min(best[name], time.perf_counter() - began)
    return best


def main() -> int:
    (runs,) = numbers(__doc__, runs=15)
    cursus = str(Path(sys.executable).parent / "cursus")
    with tempfile.TemporaryDirectory() as folder:
        commands = {}
        for name, content in (("request", script_mode()), ("pipeline", pipeline())):
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps(content, indent=2))
            commands[f"cursus check {file.name}"] = [cursus, "check", str(file)]
        commands['python -c "import boto3"'] = [sys.executable, "-c", "import boto3"]
        best = fastest(commands, runs, folder)
    *ours, theirs = best.values()
    for name, seconds in best.items():
        print(f"{name:28} {seconds * 1000:7.0f} ms {seconds / theirs:7.2f}")
    print("goal: below 1")
    return 0 if max(ours) < theirs else 1


if __name__ == "__main__":
    sys.exit(main())

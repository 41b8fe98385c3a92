"""What the tests of rules share: requests made of a base and a patch, and how what the engine finds in them is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cursus import engine
from cursus.checks.examples import BASES, ROLE, merge
from cursus.checks.views import Settings
from cursus.evidence import Evidence, FileEntry, Usage
from cursus.model import Finding, SourceCode, Step

DLC = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
SCIKIT_LEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
SCRIPT = {
    "sagemaker_program": "train.py",
    "sagemaker_submit_directory": "s3://example-bucket/code/sourcedir.tar.gz",
}
TUNING = "CreateHyperParameterTuningJob"
MODEL = (FileEntry("model.json", 12), FileEntry("saved/1/weights.bin", 4), FileEntry("empty.txt", 0))
SOUND: dict[str, Any] = {
    "status": "Completed",
    "folder": "/nowhere",
    "exit_codes": {"algo-1": 0},
    "model_files": MODEL,
    "opened": {"train": 1},
    "usage": {"algo-1": Usage(peak_memory=1 << 30, disk_written=1 << 30)},
}
"""What a run leaves of which no rule says anything."""
FAILED = (
    'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "{}"\nCommand "python", exit code: 1'
)


def channel(name: str = "train", **members: Any) -> dict[str, Any]:
    """A member of InputDataConfig."""
    place = {"S3DataType": "S3Prefix", "S3Uri": f"s3://example-bucket/{name}/"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": place}, **members}


def output(uri: str) -> dict[str, Any]:
    """OutputDataConfig with this place for models."""
    return {"OutputDataConfig": {"S3OutputPath": uri}}


def model(container: dict[str, Any]) -> dict[str, Any]:
    """The step Create of a pipeline, which makes a model of this container."""
    arguments = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    return {"Name": "Create", "Type": "Model", "Arguments": arguments}


def transform(**members: Any) -> dict[str, Any]:
    """The step Score of a pipeline, which runs the model of the step Create over lines of CSV."""
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/in/"}}
    arguments = {
        "ModelName": {"Get": "Steps.Create.ModelName"},
        "TransformInput": {"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": "s3://example-bucket/out/"},
        "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        **members,
    }
    return {"Name": "Score", "Type": "Transform", "Arguments": arguments}


def processing_input(name: str, uri: Any, place: str = "", **members: Any) -> dict[str, Any]:
    """A member of ProcessingInputs."""
    source = {"S3Uri": uri, "LocalPath": place or f"/opt/ml/processing/{name}", "S3DataType": "S3Prefix"}
    return {"InputName": name, "S3Input": {**source, "S3InputMode": "File", **members}}


def processing(name: str = "Prepare", **members: Any) -> dict[str, Any]:
    """A step of a pipeline that runs a processing job whose request has these members too."""
    cluster = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
    arguments = {
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"},
        "RoleArn": ROLE,
        **members,
    }
    return {"Name": name, "Type": "Processing", "Arguments": arguments}


def pipeline(*steps: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The definition of a pipeline."""
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": list(steps), **members}


def source(folder: Path, script: str, **files: str) -> SourceCode:
    """Source code whose entry point is ``script``; in a file's name ``__`` stands for the dot."""
    for name, text in {"train__py": script, **files}.items():
        (folder / name.replace("__", ".")).write_text(text)
    return SourceCode(str(folder), "train.py")


def findings_of(
    patch: dict[str, Any],
    rule: str | None = None,
    operation: str = "CreateTrainingJob",
    *,
    evidence: Evidence | None = None,
    allow: tuple[str, ...] = (),
    select: tuple[str, ...] = (),
    **step: Any,
) -> list[Finding]:
    """What is found in the base request of ``operation`` with ``patch``; of one rule, where it is named."""
    made = Step("example", operation, merge(BASES[operation], patch), **step)
    settings = Settings(region=made.region, allow=allow, select=select)
    return [one for one in engine.check_step(made, settings, evidence) if rule in (None, one.rule)]


def told(found: Iterable[Finding]) -> list[Finding]:
    """The errors and warnings."""
    return [one for one in found if one.severity != "info"]


def rules_of(found: Iterable[Finding]) -> list[str]:
    """The rule of each finding."""
    return [one.rule for one in found]


def broken(found: Iterable[Finding]) -> set[str]:
    """The rules with an error."""
    return {one.rule for one in found if one.severity == "error"}


def own(found: Iterable[Finding]) -> set[tuple[str, str]]:
    """Rule and severity of what the area *step* says."""
    return {(one.rule, one.severity) for one in found if one.rule.startswith("STP")}


def first(found: Iterable[Finding], rule: str) -> Finding:
    """The first finding of a rule."""
    return next(one for one in found if one.rule == rule)

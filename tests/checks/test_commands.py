"""What starts a container, and what it is given to run."""

from __future__ import annotations

from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES
from cursus.model import Finding, Step


def test_data_wranglers_options_stand_in_one_item() -> None:
    request = dict(BASES["CreateProcessingJob"])
    wrangler = "663277389841.dkr.ecr.us-east-1.amazonaws.com/sagemaker-data-wrangler-container:2.x"
    option = """--output-config '{"a.default": {"content_type": "CSV"}}'"""
    request["AppSpecification"] = {"ImageUri": wrangler, "ContainerArguments": [option]}
    assert not [one for one in cursus.check(request).findings if one.rule == "FRM033"]


def found(entry: list[Any], arguments: list[Any] | None = None, **inputs: str) -> list[Finding]:
    request = dict(BASES["CreateProcessingJob"])
    given = {} if arguments is None else {"ContainerArguments": arguments}
    request["AppSpecification"] = {**request["AppSpecification"], "ContainerEntrypoint": entry, **given}
    source = {"S3DataType": "S3Prefix", "S3InputMode": "File"}
    request["ProcessingInputs"] = [
        {
            "InputName": name,
            "S3Input": {**source, "S3Uri": uri, "LocalPath": f"/opt/ml/processing/input/{name}"},
        }
        for name, uri in inputs.items()
    ]
    return [one for one in cursus.check(request).findings if one.rule in ("FRM026", "FRM027")]


@pytest.mark.parametrize(
    ("entry", "arguments"),
    [
        (["python3", "-u", "-W", "ignore", "/opt/a.py"], ["--epochs", "3"]),
        (["python3.11"], ["/opt/a.py", "--epochs", "3"]),
        (["python3", "-m", "pipeline"], []),
        (["python", "-um", "pipeline"], None),
        (["python3", "-c", "print()"], []),
        (["python3", "/opt/folder"], []),
        (["bash", "-euo", "pipefail", "/opt/a.sh"], []),
        (["/bin/bash", "-c", "python a.py"], []),
        (["/bin/bash"], []),
        (["bash", "--login", "a.py"], []),
        (["a.py"], []),
        (["spark-submit", "a.py"], []),
        ([], ["a.py"]),
        (["/opt/my program/run"], None),
        (["bash", "-c", "python3 a.py --epochs 3"], None),
    ],
)
def test_commands_that_run(entry: list[Any], arguments: list[Any] | None) -> None:
    assert found(entry, arguments) == []


@pytest.mark.parametrize(
    ("entry", "arguments", "member", "message", "severity"),
    [
        (["/bin/bash", "/opt/a.py"], None, "ContainerEntrypoint[0]", "runs it as a shell script", "error"),
        (["sh", "-e"], ["a.py"], "ContainerEntrypoint[0]", "'a.py' is Python", "error"),
        (["/usr/bin/python3", "a.sh"], None, "ContainerEntrypoint[0]", "'a.sh' is a shell script", "error"),
        (["python3"], ["--epochs", "3"], "ContainerArguments[0]", "where the script stands", "error"),
        (["python3", "s3://example-bucket/a.py"], None, "ContainerEntrypoint[1]", "nothing in S3", "error"),
        (["python3", "-u", "--epochs"], None, "ContainerEntrypoint[2]", "where the script stands", "error"),
        (["python3 /opt/a.py"], None, "ContainerEntrypoint[0]", "looked for as one program", "error"),
        (["/opt/run.sh --fast"], ["3"], "ContainerEntrypoint[0]", "looked for as one program", "error"),
        (["torchrun --nproc-per-node 4 a.py"], None, "ContainerEntrypoint[0]", "as one program", "error"),
        (["python3"], None, "ContainerEntrypoint", "is given no script", "warning"),
        (["python3", "-u"], [], "ContainerEntrypoint", "is given no script", "warning"),
    ],
)
def test_commands_that_do_not_run(
    entry: list[Any], arguments: list[Any] | None, member: str, message: str, severity: str
) -> None:
    (finding,) = found(entry, arguments)
    assert finding.path == f"AppSpecification.{member}"
    assert message in finding.message and finding.severity == severity


def test_what_the_sdk_gives_a_shell_is_mended_in_the_step() -> None:
    (finding,) = found(["/bin/bash", "/opt/ml/processing/input/entrypoint/a.py"])
    assert "step_args=processor.run(" in (finding.remedy or "")


LAUNCH = ["/bin/bash", "/opt/ml/processing/input/entrypoint/runproc.sh"]
LAUNCHER = "s3://example-bucket/code/runproc.sh"


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"code": "s3://example-bucket/code/sourcedir.tar.gz", "entrypoint": LAUNCHER}, None),
        ({"code": "s3://example-bucket/code/", "entrypoint": LAUNCHER}, None),
        ({"code": "s3://example-bucket/code/own.zip"}, None),  # a launcher in the image
        ({"code/lib": "s3://example-bucket/lib/", "entrypoint": LAUNCHER}, None),
        ({"entrypoint": LAUNCHER}, "ProcessingInputs"),
        ({"data": "s3://example-bucket/data/", "entrypoint": LAUNCHER}, "ProcessingInputs"),
        (
            {"code": "s3://example-bucket/code/own.tar.gz", "entrypoint": LAUNCHER},
            "ProcessingInputs[0].S3Input.S3Uri",
        ),
    ],
)
def test_launcher_finds_its_archive(inputs: dict[str, Any], path: str | None) -> None:
    assert [one.path for one in found(LAUNCH, **inputs)] == ([path] if path else [])


@pytest.mark.parametrize(
    ("entry", "arguments", "severities"),
    [
        (["/bin/bash", "/opt/ml/input/data/drivers/run.sh"], None, ["error"]),
        (["/bin/bash", "-c", "cd /opt/ml/input/data/drivers && ./run.sh"], None, ["error"]),
        (["python3", "train.py"], ["--data", "/opt/ml/input/data/drivers"], ["warning"]),
        (["/bin/bash", "-c", "[ -d /opt/ml/input/data/drivers ] && ls"], None, []),
        (["python3", "/opt/ml/input/data/train/run.py", "/opt/ml/input/data/train_0"], None, []),
    ],
)
def test_channels_of_a_command(entry: list[str], arguments: list[str] | None, severities: list[str]) -> None:
    specification: dict[str, Any] = {"ContainerEntrypoint": entry}
    if arguments is not None:
        specification["ContainerArguments"] = arguments
    request = {
        "AlgorithmSpecification": {
            **specification,
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1",
        },
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/a/"}},
            }
        ],
    }
    found = cursus.check(Step("train", "CreateTrainingJob", request), select=("CHN044",)).findings
    assert [one.severity for one in found] == severities


@pytest.mark.parametrize("member", ["HyperParameters", "Environment"])
@pytest.mark.parametrize(
    ("name", "value", "severities"),
    [
        ("data_dir", '"/opt/ml/input/data/training"', ["error"]),  # the job's channel is train
        ("cache-dir", "/opt/ml/input/data/cache", ["warning"]),
        ("cache-dir", "/opt/ml/input/data/training", ["warning"]),  # which the script may make
        ("data_dir", "/opt/ml/input/data/train_labels", ["warning"]),
        ("data_dir", "/opt/ml/input/data/train...", []),
        ("train_file", "/opt/ml/input/data/train/train.csv", []),
        ("data_path", "/opt/ml/input/data/train_0", []),
        ("data_dir", "/opt/ml/input/data", []),
        ("output_dir", "/opt/ml/model", []),
    ],
)
def test_channels_of_hyperparameters_and_variables(
    name: str, value: str, severities: list[str], member: str
) -> None:
    name = name.upper().replace("-", "_") if member == "Environment" else name
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/a/"}
    request = {
        "AlgorithmSpecification": {"TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"},
        member: {name: value},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
    }
    found = cursus.check(Step("train", "CreateTrainingJob", request), select=("CHN044",)).findings
    assert [(one.severity, one.path) for one in found] == [(each, f"{member}.{name}") for each in severities]


@pytest.mark.parametrize(
    ("changed", "hosts", "severities"),
    [
        ({}, 2, []),
        ({"InputMode": "Pipe"}, 1, ["error"]),
        ({"InputMode": "FastFile"}, 1, ["warning"]),
        ({"S3DataDistributionType": "ShardedByS3Key"}, 1, []),
        ({"S3DataDistributionType": "ShardedByS3Key"}, 2, ["error"]),
    ],
)
def test_a_command_in_a_channel(changed: dict[str, str], hosts: int, severities: list[str]) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/drivers/"}
    source.update({name: value for name, value in changed.items() if name.startswith("S3")})
    channel: dict[str, Any] = {"ChannelName": "drivers", "DataSource": {"S3DataSource": source}}
    channel.update({name: value for name, value in changed.items() if not name.startswith("S3")})
    request = {
        "AlgorithmSpecification": {
            "ContainerEntrypoint": ["/bin/bash", "/opt/ml/input/data/drivers/run.sh"],
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1",
            "TrainingInputMode": "File",
        },
        "InputDataConfig": [channel],
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": hosts, "VolumeSizeInGB": 30},
    }
    found = cursus.check(Step("train", "CreateTrainingJob", request), select=("CHN044",)).findings
    assert [one.severity for one in found] == severities


@pytest.mark.parametrize(
    ("line", "severities"),
    [
        ("bash /opt/ml/input/data/drivers/run.sh --fast", ["error"]),
        ("cat /opt/ml/input/data/drivers_0 | python3 /opt/program/run.py", []),
        ("ls /opt/ml/input/data/drivers && python3 /opt/program/run.py", []),
        ("python3 /opt/program/run.py --data /opt/ml/input/data/drivers --config a.py", []),
    ],
)
def test_a_line_that_runs_a_script_beside_a_pipe(line: str, severities: list[str]) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/drivers/"}
    request = {
        "AlgorithmSpecification": {
            "ContainerEntrypoint": ["/bin/bash", "-c", line],
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1",
            "TrainingInputMode": "Pipe",
        },
        "InputDataConfig": [{"ChannelName": "drivers", "DataSource": {"S3DataSource": source}}],
    }
    found = cursus.check(Step("train", "CreateTrainingJob", request), select=("CHN044",)).findings
    assert [one.severity for one in found] == severities


@pytest.mark.parametrize(
    ("image", "module", "severities"),
    [
        (
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
            "own.prepare",
            ["error"],
        ),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", "pip", []),
        (
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu-py311",
            "own.prepare",
            ["warning"],
        ),
        (
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu-py311",
            "torch.distributed.run",
            [],
        ),
    ],
)
def test_modules_of_an_image(image: str, module: str, severities: list[str]) -> None:
    request = dict(BASES["CreateProcessingJob"])
    request["AppSpecification"] = {"ImageUri": image, "ContainerEntrypoint": ["python3", "-m", module]}
    found = cursus.check(request, select=("FRM026",)).findings
    assert [one.severity for one in found] == severities

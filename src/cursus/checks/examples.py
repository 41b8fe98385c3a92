"""The examples on rule pages, made into steps.

An example is YAML. Its capitalised keys are a JSON merge patch (RFC 7396: ``null`` removes a member, a
list replaces a list) over the base request of ``operation`` (CreateTrainingJob unless said otherwise).
Its lower-case keys are about the rest:

``operation``   CreateTrainingJob, CreateHyperParameterTuningJob, CreateAutoMLJob, CreateAutoMLJobV2, CreateProcessingJob,
                Pipeline
``region``      the region of the job
``parameters``  values given for a pipeline's parameters
``files``       the source directory: file name → content; ``entry_point`` is ``train.py`` unless given
``sizes``       more files of it, by their size in bytes; they hold zeros
``channels``    local data: channel name → file name → content
``document``    instead of all the rest: the text of a JSON or YAML file that holds the request
``answered``    calls to AWS that were answered on this machine while the request was made
``hooks``       what a builder's hooks return; ``failures`` the hooks that raised, and what they said
``framework``, ``framework_version``, ``python_version``, ``expected_artifacts``, ``upstream``, ``dependencies``
                the other promises of a builder
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from cursus.checks.rules import Rule, page
from cursus.checks.views import Settings
from cursus.model import HookFailure, Pipeline, Promises, SourceCode, Step, UpstreamStep
from cursus.steps import kinds

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4"
CHANNEL: dict[str, Any] = {
    "ChannelName": "train",
    "DataSource": {
        "S3DataSource": {
            "S3DataType": "S3Prefix",
            "S3Uri": "s3://example-bucket/churn/train/",
            "S3DataDistributionType": "FullyReplicated",
        }
    },
    "ContentType": "text/csv",
}
DEFINITION: dict[str, Any] = {
    "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
    "RoleArn": ROLE,
    "InputDataConfig": [CHANNEL],
    "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/models/"},
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}
BASES: dict[str, dict[str, Any]] = {
    "CreateTrainingJob": {"TrainingJobName": "churn-2026-01-31", **DEFINITION},
    "CreateHyperParameterTuningJob": {
        "HyperParameterTuningJobName": "churn-tuning",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {
                        "Name": "learning_rate",
                        "MinValue": "0.0001",
                        "MaxValue": "0.1",
                        "ScalingType": "Logarithmic",
                    }
                ]
            },
        },
        "TrainingJobDefinition": {
            **DEFINITION,
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [
                    {"Name": "validation:accuracy", "Regex": "validation accuracy: ([0-9.]+)"}
                ],
            },
        },
    },
    "CreateAutoMLJob": {
        "AutoMLJobName": "churn-automl",
        "InputDataConfig": [
            {
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/churn/train/"}
                },
                "TargetAttributeName": "churned",
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/automl/"},
        "ProblemType": "BinaryClassification",
        "AutoMLJobObjective": {"MetricName": "F1"},
        "RoleArn": ROLE,
    },
    "CreateAutoMLJobV2": {
        "AutoMLJobName": "churn-automl",
        "AutoMLJobInputDataConfig": [
            {
                "ChannelType": "training",
                "ContentType": "text/csv;header=present",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/churn/train/"}
                },
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/automl/"},
        "AutoMLProblemTypeConfig": {
            "TabularJobConfig": {"TargetAttributeName": "churned", "ProblemType": "BinaryClassification"}
        },
        "AutoMLJobObjective": {"MetricName": "F1"},
        "RoleArn": ROLE,
    },
    "CreateProcessingJob": {
        "ProcessingJobName": "churn-features",
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", "/opt/program/features.py"],
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
        },
        "RoleArn": ROLE,
    },
    "CreateTransformJob": {
        "TransformJobName": "churn-scores",
        "ModelName": "churn",
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/churn/rows/"}
            }
        },
        "TransformOutput": {"S3OutputPath": "s3://example-bucket/out/"},
        "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
    },
    "CreateModel": {"ModelName": "churn", "ExecutionRoleArn": ROLE},
    "Pipeline": {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [],
        "Steps": [{"Name": "Train", "Type": "Training", "Arguments": DEFINITION}],
    },
}


_JOB = {
    "ProcessingResources": {
        "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
    },
    "AppSpecification": {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"},
    "RoleArn": ROLE,
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "Training": {
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1",
            "TrainingInputMode": "File",
        },
        "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/models/"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "RoleArn": ROLE,
    },
    "Processing": _JOB,
    "QualityCheck": _JOB,
    "ClarifyCheck": _JOB,
    "Transform": {
        "TransformOutput": {"S3OutputPath": "s3://example-bucket/out/"},
        "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
    },
    "Model": {"ExecutionRoleArn": ROLE},
}
"""What a step of a pipeline asks for at least, by its type: its Arguments are merged into it."""


def _steps(value: Any) -> Any:
    """The steps of an example, those in branches and loops too, with all that they need."""
    if not isinstance(value, list):
        return value
    made = []
    for step in value:
        arguments = step.get("Arguments") if isinstance(step, Mapping) else None
        if isinstance(arguments, Mapping):
            whole = _filled(ARGUMENTS.get(step.get("Type"), {}), arguments)
            inner = {
                name: _steps(whole[name]) for name in ("IfSteps", "ElseSteps", "ForEachBody") if name in whole
            }
            step = {**step, "Arguments": {**whole, **inner}}
        made.append(step)
    return made


def _filled(base: Any, own: Any) -> Any:
    """What a step says itself, with what it leaves out; null stays."""
    if not isinstance(base, Mapping) or not isinstance(own, Mapping):
        return own
    return {**base, **{key: _filled(base.get(key), value) for key, value in own.items()}}


def merge(base: Any, patch: Any) -> Any:
    """RFC 7396: ``patch`` applied to a copy of ``base``."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    merged = dict(base) if isinstance(base, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


class Example:
    """One example of a rule's page. ``build`` writes its files below a folder and makes the step or pipeline."""

    def __init__(self, rule: Rule, heading: str) -> None:
        import textwrap

        import yaml

        text = textwrap.dedent(page(rule).sections[heading])
        loaded = yaml.safe_load(text)
        if not isinstance(loaded, dict):
            raise ValueError(f"rule {rule.id}: the example under {heading} is no YAML mapping")
        self.rule = rule
        self.rest = {key: value for key, value in loaded.items() if key[:1].islower()}
        self.patch = {key: value for key, value in loaded.items() if not key[:1].islower()}
        self.channels: dict[str, dict[str, str]] = self.rest.get("channels", {})
        self.run: dict[str, Any] = self.rest.get("run", {})

    def settings(self) -> Settings:
        """The settings to check the example with."""
        return Settings(region=self.rest.get("region"))

    def build(self, folder: FilePath) -> Step | Pipeline:
        """The example as a step or pipeline; its files and channels are written below ``folder``."""
        if "document" in self.rest:
            return self._of_document(folder)
        operation = self.rest.get("operation", "CreateTrainingJob")
        _write(folder / "root" / "s3", self.rest.get("stored", {}))
        request = merge(BASES[operation], self.patch)
        if operation == "Pipeline":
            parameters = self.rest.get("parameters", {})
            request["Steps"] = _steps(request["Steps"])
            return Pipeline("example", request, parameters, region=self.rest.get("region"))
        if self.rest.get("builder"):
            return _built(request, self.rest.get("hooks", {}))
        return Step(
            name="example",
            operation=operation,
            type=kinds.TYPES[operation],
            request=request,
            region=self.rest.get("region"),
            source=self._source(folder),
            promises=self._promises(folder),
        )

    def _of_document(self, folder: FilePath) -> Step | Pipeline:
        from cursus import steps

        text = self.rest["document"]
        name = "request.json" if text.startswith("{") else "request.yaml"
        _write(folder, {name: text})
        return steps.load(folder / name)[-1]

    def _source(self, folder: FilePath) -> SourceCode | None:
        files = self.rest.get("files")
        if files is None:
            return None
        _write(folder / "source", files)
        for name, size in self.rest.get("sizes", {}).items():
            with (folder / "source" / name).open("wb") as file:
                file.truncate(size)  # takes no room on the disk
        return SourceCode(str(folder / "source"), self.rest.get("entry_point", "train.py"))

    def _promises(self, folder: FilePath) -> Promises:
        for name, files in self.channels.items():
            _write(folder / "channels" / name, files)
        upstream = self.rest.get("upstream")
        return Promises(
            hooks=self.rest.get("hooks", {}),
            failures=tuple(HookFailure(*pair) for pair in self.rest.get("failures", {}).items()),
            expected_artifacts=tuple(self.rest.get("expected_artifacts", ())),
            local_channels={name: str(folder / "channels" / name) for name in self.channels},
            framework=self.rest.get("framework"),
            framework_version=self.rest.get("framework_version"),
            python_version=self.rest.get("python_version"),
            upstream=None if upstream is None else tuple(_upstream(entry) for entry in upstream),
            dependencies=self.rest.get("dependencies"),
            answered=tuple(self.rest.get("answered", ())),
        )


def _built(request: dict[str, Any], hooks: Mapping[str, Any]) -> Step:
    """The step of a builder whose hooks give these values."""
    from cursus.steps.lowering.builders import lower

    methods = {"create_step": request, **hooks}
    return lower(
        type("Builder", (), {name: lambda _, value=value: value for name, value in methods.items()})()
    )


def _upstream(entry: Any) -> UpstreamStep:
    if isinstance(entry, str):
        return UpstreamStep(entry)
    outputs = entry.get("outputs")
    return UpstreamStep(
        entry["name"],
        entry.get("type", ""),
        None if outputs is None else tuple(outputs),
        tuple(entry.get("depends_on", ())),
    )


def _write(folder: FilePath, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

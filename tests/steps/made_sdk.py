"""Objects of the SageMaker SDK, of the version that is installed, and what is made of them."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import pytest

import cursus
from cursus.model import Step
from cursus.steps import load
from cursus.steps.offline import offline

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1-cpu-py310"

try:
    MAJOR = int(importlib.metadata.version("sagemaker").partition(".")[0])
except importlib.metadata.PackageNotFoundError:
    MAJOR = 0
v2 = pytest.mark.skipif(MAJOR != 2, reason="needs the SageMaker SDK, version 2")
v3 = pytest.mark.skipif(MAJOR < 3, reason="needs the SageMaker SDK, version 3")


def estimator(source: str, pipeline: bool = True, **more: Any) -> Any:
    """An estimator of version 2."""
    import sagemaker
    from sagemaker.pytorch import PyTorch
    from sagemaker.workflow.pipeline_context import PipelineSession

    return PyTorch(
        role=ROLE,
        instance_type="ml.m5.xlarge",
        instance_count=1,
        framework_version="2.1",
        py_version="py310",
        sagemaker_session=PipelineSession() if pipeline else sagemaker.Session(),
        **{
            "entry_point": "train.py",
            "source_dir": source,
            "hyperparameters": {"lr": 0.1, "name": "x"},
            **more,
        },
    )


def trainer(source: str, pipeline: bool = True) -> Any:
    """A trainer of version 3."""
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, SourceCode

    with offline():  # making a trainer asks IAM
        return ModelTrainer(
            training_image=IMAGE,
            role=ROLE,
            sagemaker_session=PipelineSession() if pipeline else Session(),
            source_code=SourceCode(source_dir=source, entry_script="train.py"),
            compute=Compute(instance_type="ml.m5.xlarge", instance_count=1),
            hyperparameters={"lr": 0.1},
        )


def one(target: Any) -> Step:
    """The one step that this is, of which nothing failed."""
    (step,) = load(target)
    assert isinstance(step, Step)
    assert step.promises.failures == ()
    return step


def sound(step: Step) -> None:
    """No rule has an error on it."""
    assert [found for found in cursus.check(step).findings if found.severity == "error"] == []

"""Rules on the notebook jobs that steps of a pipeline start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws import images
from cursus.checks.pipeline import place_of
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, mapping, mappings, text
from cursus.model import Path, Step
from cursus.redact import show

SCHEDULER = "amazon_sagemaker_scheduler"
"""The entry point of a notebook job's container."""
FOLDER = "/opt/ml/input/data/"
NEEDED = ("SM_EXECUTION_INPUT_PATH", "SM_INPUT_NOTEBOOK_NAME", "SM_KERNEL_NAME", "SM_OUTPUT_NOTEBOOK_NAME")
_KERNEL = re.compile(r"[\w.-]+", re.ASCII)
"""What Jupyter takes for a kernel's name."""


@rule("DEP100", scope="pipeline")
def notebook_job(view: PipelineView) -> Iterator[Problem]:
    """A notebook job is not told its notebook or kernel, or is told of ones that are not there.

    What it does:
        Looks in the Environment of a step whose container starts amazon_sagemaker_scheduler for the notebook's name, its folder,
        which is that of a channel, the name of the result and that of the kernel, and whether the image is in the job's region. A kernel's name has no spaces or brackets:
        what a menu shows is another name, and so are Studio Classic's (`python3__SAGEMAKER_INTERNAL__…`) and, in the images of
        SageMaker Distribution, those of notebook instances (`conda_python3`).
    Why:
        The job starts and fails: "No such kernel named Python 3", or the notebook is not found.
    Example:
          operation: Pipeline
          Steps:
            - Name: Notebook
              Type: Training
              Arguments:
                AlgorithmSpecification: {TrainingImage: "123456789012.dkr.ecr.us-east-1.amazonaws.com/notebooks:1", TrainingInputMode: File, ContainerEntrypoint: [amazon_sagemaker_scheduler]}
                InputDataConfig: [{ChannelName: notebook, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/notebook/"}}}]
                OutputDataConfig: {S3OutputPath: "s3://example-bucket/results/"}
                ResourceConfig: {InstanceType: ml.m5.large, InstanceCount: 1, VolumeSizeInGB: 30}
                Environment:
                  SM_EXECUTION_INPUT_PATH: /opt/ml/input/data/notebook
                  SM_INPUT_NOTEBOOK_NAME: prepare.ipynb
                  SM_OUTPUT_NOTEBOOK_NAME: prepared.ipynb
        -         SM_KERNEL_NAME: Python 3 (ipykernel)
        +         SM_KERNEL_NAME: python3
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/create-notebook-auto-run-sdk.html,
        https://github.com/aws-samples/sagemaker-run-notebook/issues/4,
        sagemaker 2.257.7, sagemaker.workflow.notebook_job_step
    """
    for step in view.steps:
        container = mapping(step.request, "AlgorithmSpecification")
        if container.get("ContainerEntrypoint") != [SCHEDULER]:
            continue
        told, top = mapping(step.request, "Environment"), (*place_of(view, step), "Environment")
        missing = [name for name in NEEDED if told.get(name) in (None, "")]
        if missing:
            yield Problem(
                f"the notebook job is not told {', '.join(missing)}",
                (*top, missing[0]),
                "let the SDK's NotebookJobStep write the Environment, or add " + ", ".join(missing),
            )
        image, region = images.parse_image(text(container, "TrainingImage")), text(told, "AWS_DEFAULT_REGION")
        if image is not None and region and image.region and image.region != region:
            yield Problem(
                f"the image is in {image.region}, and the notebook job in {region}",
                (*place_of(view, step), "AlgorithmSpecification", "TrainingImage"),
                f"take the image of {region}",
            )
        yield from _notebook(step, told, top)
        yield from _kernel(text(told, "SM_KERNEL_NAME"), text(container, "TrainingImage"), top)


def _notebook(step: Step, told: Mapping[str, Any], top: Path) -> Iterator[Problem]:
    notebook, folder = text(told, "SM_INPUT_NOTEBOOK_NAME"), text(told, "SM_EXECUTION_INPUT_PATH")
    if notebook and (not notebook.endswith(".ipynb") or notebook.startswith(("s3://", "/"))):
        yield Problem(
            f"{show(notebook)} is no name of a notebook in the folder of its channel",
            (*top, "SM_INPUT_NOTEBOOK_NAME"),
            "write the name of the .ipynb file, without its folder",
        )
    channels = [text(entry, "ChannelName") for _, entry in mappings(step.request, "InputDataConfig")]
    if folder and folder.startswith(FOLDER) and None not in channels:
        channel = folder.removeprefix(FOLDER).partition("/")[0]
        if channel not in channels:
            yield Problem(
                f"no channel is called {show(channel)}: nothing is put into {show(folder)}, where the notebook is looked for",
                (*top, "SM_EXECUTION_INPUT_PATH"),
                f"write {FOLDER} and the name of the channel that has the notebook",
            )


def _kernel(name: str | None, image: str | None, top: Path) -> Iterator[Problem]:
    if not name:
        return
    whose = None
    if "SAGEMAKER_INTERNAL" in name:
        whose = "Studio Classic's, whose images are no kernels here"
    elif not _KERNEL.fullmatch(name):
        whose = "what a menu shows, and no name"
    elif name.startswith("conda_") and "/sagemaker-distribution" in (image or ""):
        whose = "a notebook instance's, and not in an image of SageMaker Distribution"
    if whose is not None:
        yield Problem(
            f"the kernel {show(name)} is {whose}",
            (*top, "SM_KERNEL_NAME"),
            "write the name that `jupyter kernelspec list` shows in the image, such as python3",
        )

"""Rules of the area *framework*: Amazon's images that process data or serve models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cursus.aws import images, instances
from cursus.checks.framework.images import unknown_repository
from cursus.checks.framework.tags import (
    python_faults,
    registry_faults,
    tag_faults,
    version_faults,
)
from cursus.checks.rules import Problem, rule
from cursus.checks.views import RequestView, mapping, mappings, text
from cursus.model import Path
from cursus.redact import show

MEMBERS = ("Image", "ImageUri")


@rule("FRM019", scope="request", reads=MEMBERS, suspects="image", shared=True)
def published(view: RequestView) -> Iterator[Problem]:
    """An image that processes data or serves a model does not exist.

    What it does:
        Looks up the registry, the repository, the version, the Python version, the processor, CUDA and Ubuntu of framework
        images that Amazon publishes, where a processing job or a model's container names one. The registry of another
        region is a warning, also of the images of Clarify, Model Monitor and Spark.
    Why:
        CreateModel and CreateProcessingJob look for the image: "Requested image … not found", "Using non-ECR image …
        without Vpc repository access mode is not supported", "does not grant ecr:GetDownloadUrlForLayer". A pipeline
        gets there only after it has trained.
    Example:
          operation: CreateProcessingJob
        - AppSpecification: {ImageUri: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:1.12.0-cpu-py36"}
        + AppSpecification: {ImageUri: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:1.12.0-cpu-py38"}
    Source:
        https://aws.github.io/deep-learning-containers/reference/available_images/,
        https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algos-ecr-paths.html,
        https://github.com/aws/sagemaker-python-sdk/issues/3723
    """
    for path, value in view.suspected("image"):
        if path[-1] not in MEMBERS:
            continue
        image = images.parse_image(value)
        if image is None:
            continue
        if image.framework is None:
            yield from unknown_repository(image, path, view.settings)
        if image.framework in OWN and image.amazon:  # whose versions are not looked up
            faults = registry_faults(image, path, view.settings, view.region)
            yield from (replace(fault, severity="warning") for fault in faults)
        if image.kind != "framework" or not image.scopes:
            continue
        has_command = "ContainerEntrypoint" in mapping(view.request, "AppSpecification")
        # of several faults the first is told: the others may go with it
        problem = next(_faults(image, path, view, has_command), None)
        if problem is not None:
            yield problem


OWN = frozenset({"clarify", "model-monitor", "spark"})
"""Amazon's images of programs of its own."""


def _faults(image: images.Image, path: Path, view: RequestView, has_command: bool) -> Iterator[Problem]:
    if image.amazon:
        yield from version_faults(image, path, view.settings, serves=path[-1] == "Image" or not image.trains)
    for problem in registry_faults(image, path, view.settings, view.region):
        # published examples of requests have the account of a neighbouring region
        yield replace(problem, severity="warning") if image.amazon else problem
    if image.amazon:
        yield from python_faults(image, path, view.settings)
        yield from tag_faults(image, path, has_command)


@rule(
    "FRM020", severity="warning", scope="request", reads=("AppSpecification",), suspects="image", shared=True
)
def processing_processor(view: RequestView) -> Iterator[Problem]:
    """The image of a processing job is for another kind of processor than the instance has.

    What it does:
        Compares the processor in the tag of one of Amazon's framework images with the job's instance type.
    Why:
        A CPU image leaves the GPUs idle while they are billed. A GPU image on a CPU instance runs without them, or fails
        where the script asks for CUDA.
    Example:
          operation: CreateProcessingJob
        - AppSpecification: {ImageUri: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310"}
        + AppSpecification: {ImageUri: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-gpu-py310"}
          ProcessingResources: {ClusterConfig: {InstanceType: ml.g4dn.xlarge}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/pre-built-containers-frameworks-deep-learning.html
    """
    specification = mapping(view.request, "AppSpecification")
    image = images.amazon_image(text(specification, "ImageUri"))
    if image is None or image.kind != "framework" or image.processor not in ("cpu", "gpu"):
        return
    kind = text(mapping(mapping(view.request, "ProcessingResources"), "ClusterConfig"), "InstanceType")
    instance = instances.find(kind)
    place: Path = ("ProcessingResources", "ClusterConfig", "InstanceType")
    # where only a CPU image is published, an instance with GPUs may have been chosen for its memory
    known = images.facts(image.repository, image.version or "").get("processors", ())
    if instance is None or instance.processor == image.processor or len(known) < 2:
        return
    if image.processor == "gpu":
        yield Problem(
            f"{instance.name} has no GPU, and the image is for GPUs (tag {image.tag!r})",
            place,
            "use an instance type with GPUs, or the image's cpu tag",
        )
    elif instance.gpus:
        idle = f"{instance.gpus} GPU" + ("s" if instance.gpus > 1 else "")
        yield Problem(
            f"the image is for CPUs (tag {image.tag!r}): {idle} of {instance.name} stay idle",
            place,
            "use the image's gpu tag, or an instance type without GPUs",
        )


@rule("FRM025", scope="request", reads=("AppSpecification",), suspects="image", shared=True)
def clarify(view: RequestView) -> Iterator[Problem]:
    """A processing job of SageMaker Clarify has inputs or outputs that its program does not look for.

    What it does:
        Where the image is Clarify's, looks for the input analysis_config, for inputs and outputs of other names, for
        several outputs, for an upload before the job's end, and for a command.
    Why:
        Clarify's program reads the inputs and writes the output by their names. The job ends with "The analysis configuration
        must be provided", or leaves nothing.
    Example:
          operation: CreateProcessingJob
          AppSpecification: {ImageUri: "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0", ContainerEntrypoint: null}
        - ProcessingInputs: [{InputName: config, S3Input: {S3Uri: "s3://example-bucket/analysis_config.json", LocalPath: /opt/ml/processing/input/config, S3DataType: S3Prefix, S3InputMode: File}}]
        + ProcessingInputs: [{InputName: analysis_config, S3Input: {S3Uri: "s3://example-bucket/analysis_config.json", LocalPath: /opt/ml/processing/input/config, S3DataType: S3Prefix, S3InputMode: File}}]
          ProcessingOutputConfig: {Outputs: [{OutputName: analysis_result, S3Output: {S3Uri: "s3://example-bucket/report/", LocalPath: /opt/ml/processing/output, S3UploadMode: EndOfJob}}]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-configure-parameters.html
    """
    specification = mapping(view.request, "AppSpecification")
    image = images.parse_image(text(specification, "ImageUri"))
    if image is None or image.framework != "clarify":
        return
    if "ContainerEntrypoint" in specification or "ContainerArguments" in specification:
        return  # the image is used for a program of the user's own
    inputs = {i: text(each, "InputName") for i, each in mappings(view.request, "ProcessingInputs")}
    if inputs and CONFIG not in inputs.values() and None not in inputs.values():
        other = next((i for i, name in inputs.items() if name not in (DATA, CONFIG)), 0)
        yield Problem(
            f"Clarify looks for an input {CONFIG!r}, and the job has {', '.join(map(show, inputs.values()))}",
            ("ProcessingInputs", other, "InputName"),
            f"name the input with the analysis configuration {CONFIG}",
        )
    outputs = list(mappings(mapping(view.request, "ProcessingOutputConfig"), "Outputs"))
    place: Path = ("ProcessingOutputConfig", "Outputs")
    for i, output in outputs:
        name, mode = text(output, "OutputName"), text(mapping(output, "S3Output"), "S3UploadMode")
        if name is not None and name != RESULT and len(outputs) == 1:
            yield Problem(
                f"Clarify writes its output {RESULT!r}, and the job has {show(name)}",
                (*place, i, "OutputName"),
                f"write {RESULT}",
            )
        elif name == RESULT and mode == "Continuous":
            yield Problem(
                "Clarify's output is to be uploaded at the end of the job",
                (*place, i, "S3Output", "S3UploadMode"),
                "write EndOfJob",
                severity="warning",  # the guide demands it, and an example of AWS's uploads continuously
            )


CONFIG, DATA, RESULT = "analysis_config", "dataset", "analysis_result"
"""The names of Clarify's inputs and of its output."""

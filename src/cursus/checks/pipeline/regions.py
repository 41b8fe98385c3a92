"""Rules on the region and network that a pipeline runs in: its images and functions, and what the region has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from cursus.aws.images import parse_image
from cursus.aws.pipelines import facts
from cursus.checks.pipeline import place_of
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, mapping, mappings, text
from cursus.model import Path, Step
from cursus.redact import show


@rule("DEP063", scope="pipeline")
def images_of_several_regions(view: PipelineView) -> Iterator[Problem]:
    """The images, functions and queues of a pipeline's steps lie in different regions.

    What it does:
        Compares the regions of the images of training, processing, model and registration steps, parameters put in, and of the
        functions and queues of lambda and callback steps, with the pipeline's own; where that is not known, most images are
        taken to be right.
    Why:
        A pipeline runs in one region. SageMaker pulls images only from the ECR of that region, and calls functions only there
        ("Functions from 'eu-west-1' are not reachable in this region"): the step fails when it is reached.
    Example:
          operation: Pipeline
          Steps:
            - {Name: Prepare, Type: Processing, Arguments: {}}
            - Name: Evaluate
              Type: Processing
              Arguments:
        -       AppSpecification: {ImageUri: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/evaluate:1"}
        +       AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/evaluate:1"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html
    """
    found = _located(view)
    usual = _usual(view, found)
    if usual is None:
        return
    for place, uri, region in (*(found if view.region is None else ()), *_called(view)):
        if region != usual:
            yield Problem(
                f"{show(uri, limit=120)} is in {region}, and "
                + (
                    f"the images of the steps are in {usual}"
                    if view.region is None
                    else f"the pipeline in {usual}"
                ),
                place,
                f"take the one of {usual}",
            )


def _located(view: PipelineView) -> list[tuple[Path, str, str]]:
    """The images of the steps, each with its place and region."""
    return [
        (place, uri, image.region)
        for step in view.steps
        for place, uri in _images(step, place_of(view, step))
        if (image := parse_image(uri)) is not None
    ]


def _usual(view: PipelineView, found: list[tuple[Path, str, str]]) -> str | None:
    """The region that the pipeline runs in: its own, or that of most images."""
    regions = Counter(region for _, _, region in found)
    return view.region or (regions.most_common(1)[0][0] if regions else None)


@rule("DEP068", scope="pipeline", reads=("PipelineExperimentConfig",))
def experiments_of_the_region(view: PipelineView) -> Iterator[Problem]:
    """A pipeline files its executions under an experiment in a region that has no SageMaker Experiments.

    What it does:
        Looks for a PipelineExperimentConfig where the pipeline's region, or that of its images, is not one of those with
        Experiments.
    Why:
        Each execution fails with an internal server error. The SDK gives every pipeline such a configuration unless it is told
        not to; only its newest releases leave it out in these regions.
    Example:
          operation: Pipeline
        - PipelineExperimentConfig: {ExperimentName: {Get: Execution.PipelineName}, TrialName: {Get: Execution.PipelineExecutionId}}
        + PipelineExperimentConfig: null
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
                AppSpecification: {ImageUri: "123456789012.dkr.ecr.eu-central-2.amazonaws.com/prepare:1"}
    Source:
        https://github.com/aws/sagemaker-python-sdk/pull/5570
    """
    if not isinstance(view.request.get("PipelineExperimentConfig"), Mapping):
        return
    region = _usual(view, [] if view.region else _located(view))
    if region is not None and region not in facts()["experiment_regions"]:
        yield Problem(
            f"{region} has no SageMaker Experiments: every execution fails with an internal server error",
            ("PipelineExperimentConfig",),
            "write null, or Pipeline(pipeline_experiment_config=None, …)",
        )


@rule("DEP106", severity="warning", scope="pipeline")
def outside_the_network(view: PipelineView) -> Iterator[Problem]:
    """One job of a pipeline runs outside the VPC that all its others run in.

    What it does:
        Looks for the only training or processing step without a VpcConfig, where two others or more have one, and it takes what
        another step gives.
    Why:
        A bucket that is reached through the VPC's endpoint alone refuses it: AccessDenied. The SDK's step that packs a model
        anew is forgotten most easily.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
                NetworkConfig: {VpcConfig: {SecurityGroupIds: [sg-0a1b2c3d4e5f67890], Subnets: [subnet-0a1b2c3d4e5f67890]}}
            - Name: Check
              Type: Processing
              Arguments:
                NetworkConfig: {VpcConfig: {SecurityGroupIds: [sg-0a1b2c3d4e5f67890], Subnets: [subnet-0a1b2c3d4e5f67890]}}
                ProcessingOutputConfig: {Outputs: [{OutputName: report, S3Output: {S3Uri: "s3://example-bucket/report/", LocalPath: /opt/ml/processing/report, S3UploadMode: EndOfJob}}]}
            - Name: Send
              Type: Processing
              Arguments:
        +       NetworkConfig: {VpcConfig: {SecurityGroupIds: [sg-0a1b2c3d4e5f67890], Subnets: [subnet-0a1b2c3d4e5f67890]}}
                ProcessingInputs: [{InputName: report, S3Input: {S3Uri: {Get: "Steps.Check.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"}, S3DataType: S3Prefix, LocalPath: /opt/ml/processing/report, S3InputMode: File}}]
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/2302
    """
    inside: list[tuple[Path, Path]] = []
    outside: list[tuple[Path, Path]] = []
    for step in view.steps:
        member = _NETWORKS.get(step.operation)
        if member is not None:
            holder = mapping(step.request, "NetworkConfig") if len(member) > 1 else step.request
            (inside if holder.get("VpcConfig") else outside).append((place_of(view, step), member))
    if len(inside) < 2 or len(outside) != 1:
        return
    ((top, member),) = outside
    given = (one for one in view.definition.references if one.path[: len(top)] == top)
    if any(one.text.startswith("Steps.") for one in given):
        yield Problem(
            "every other job of the pipeline runs in a VPC, and this one does not",
            (*top, *member),
            "give it the VpcConfig of the others, unless it needs what they cannot reach",
        )


_NETWORKS: dict[str, Path] = {
    "CreateTrainingJob": ("VpcConfig",),
    "CreateProcessingJob": ("NetworkConfig", "VpcConfig"),
}
"""Where the jobs have their network."""

_REGION = re.compile(r"(?:arn:aws[a-z-]*:lambda:|https://sqs\.)([a-z]{2,4}(?:-[a-z]+)+-\d+)[.:].*")


def _called(view: PipelineView) -> Iterator[tuple[Path, str, str]]:
    """The functions and queues of steps, each with its place and region."""
    for step in view.definition.steps:
        for member in ("FunctionArn", "SqsQueueUrl"):
            name = text(step.body, member)
            found = _REGION.fullmatch(name) if name is not None else None
            if name is not None and found is not None:
                yield (*step.path, member), name, found[1]


PLACES: tuple[tuple[str, ...], ...] = (
    ("AlgorithmSpecification", "TrainingImage"),
    ("TrainingJobDefinition", "AlgorithmSpecification", "TrainingImage"),
    ("AppSpecification", "ImageUri"),
    ("PrimaryContainer", "Image"),
)


def _images(step: Step, top: Path) -> Iterator[tuple[Path, str]]:
    """Each image that a step runs or makes a model with, and its place."""
    for place in PLACES:
        holder = step.request
        for member in place[:-1]:
            holder = mapping(holder, member)
        uri = text(holder, place[-1])
        if uri is not None:
            yield (*top, *place), uri
    inference = "InferenceSpecification"
    for around, holder in (((), step.request), ((inference,), mapping(step.request, inference))):
        for i, container in mappings(holder, "Containers"):
            uri = text(container, "Image")
            if uri is not None:
                yield (*top, *around, "Containers", i, "Image"), uri

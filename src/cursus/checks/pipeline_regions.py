"""Rules on the region that a pipeline runs in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cursus.aws.images import parse_image
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, mapping, mappings, text
from cursus.model import Path, Step
from cursus.redact import show


@rule("DEP063", area="dependencies", scope="pipeline")
def images_of_several_regions(view: PipelineView) -> Iterator[Problem]:
    """The images of a pipeline's steps lie in different regions.

    What it does:
        Compares the regions of the images of training, processing, model and registration steps, parameters put in, where the
        pipeline's own region is not known. Most steps are taken to be right.
    Why:
        A pipeline runs in one region, and SageMaker pulls images only from the ECR of that region: the steps with another's
        are refused when they are reached.
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Prepare
            Type: Processing
            Arguments:
              ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}}
              AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
          - Name: Evaluate
            Type: Processing
            Arguments:
              ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}}
              AppSpecification: {ImageUri: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/evaluate:1"}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
    Right:
        operation: Pipeline
        Steps:
          - Name: Prepare
            Type: Processing
            Arguments:
              ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}}
              AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
          - Name: Evaluate
            Type: Processing
            Arguments:
              ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}}
              AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/evaluate:1"}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algo-docker-registry-paths.html
    Since:
        0.1
    """
    if view.region is not None:  # against which each step is held
        return
    found = [
        (place, uri, image.region)
        for step in view.steps
        for place, uri in _images(step, step.prefix[len(view.pipeline.prefix) :])
        if (image := parse_image(uri)) is not None
    ]
    regions = Counter(region for _, _, region in found)
    if len(regions) < 2:
        return
    usual = regions.most_common(1)[0][0]
    for place, uri, region in found:
        if region != usual:
            yield Problem(
                f"the image {show(uri, limit=120)} is in {region}, and those of other steps are in {usual}",
                place,
                f"take the image of {usual}",
            )


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

"""Rules of the area *resources*: whether the job's region has the instance type."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.aws import instances, places
from cursus.aws.tables import dated
from cursus.checks.resources.instances import OTHER_MEMBERS, READS, region_of
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, TrainingView, mapping, text
from cursus.model import Path

OF = ("AlgorithmSpecification", "ResourceConfig")


@rule("RES020", reads=READS, shared=True, of=OF)
def region(view: TrainingView) -> Iterator[Problem]:
    """The job's region does not have the instance type.

    What it does:
        Compares the instance types with the hardware that EC2 has had in the job's region; where the region is not known,
        with that of the image's registry, which has to be the same. A family that is still new may come there yet, and is
        a warning.
    Why:
        "Instance type ml.p2.xlarge is not supported in us-west-1": the request is refused. Quota is counted, and can be
        asked for, only where there is the hardware.
    Example:
          region: us-west-1
        - ResourceConfig: {InstanceType: ml.p3.2xlarge}
        + ResourceConfig: {InstanceType: ml.g4dn.2xlarge}
          AlgorithmSpecification: {TrainingImage: 123456789012.dkr.ecr.us-west-1.amazonaws.com/churn-trainer:1.4}
    Source:
        https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html,
        https://github.com/aws/amazon-sagemaker-examples/pull/4349
    """
    where = region_of(view)
    if where is None:
        return
    for path, kind, _ in view.instances:
        problem = absent(kind, where, path, view.settings.allow)
        if problem is not None:
            yield problem


@rule("RES021", scope="pipeline")
def region_of_other_steps(view: PipelineView) -> Iterator[Problem]:
    """The region does not have the instance type of a processing or transform step.

    What it does:
        Compares the instance types of a pipeline's processing and transform steps with the hardware that EC2 has had in
        the pipeline's region; where that is not known, in that of the step's image.
    Why:
        The step is refused when the pipeline comes to it, after the steps before it were paid for.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
                ProcessingResources:
        -         ClusterConfig: {InstanceType: ml.m4.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}
        +         ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}
                AppSpecification: {ImageUri: 123456789012.dkr.ecr.eu-north-1.amazonaws.com/prepare:1}
                RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
    Source:
        https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html
    """
    for step in view.steps:
        member = OTHER_MEMBERS.get(step.operation)
        where = view.region or _of_image(text(mapping(step.request, "AppSpecification"), "ImageUri"))
        if member is None or where is None:
            continue
        config = step.request
        for place in member[0]:
            config = mapping(config, place)
        kind = text(config, "InstanceType")
        if kind is not None:
            problem = absent(kind, where, (*step.prefix, *member[0], "InstanceType"), view.settings.allow)
            if problem is not None:
                yield problem


def absent(kind: str, where: str, path: Path, allow: frozenset[str]) -> Problem | None:
    """What is wrong with an instance type in a region; None where it is there, or may be."""
    instance = instances.find(kind)
    if instance is None or where not in instances.regions() or not instances.is_absent(kind, where):
        return None
    if allow & {kind, where}:
        return None
    near = instances.beside(instance, where)
    use = f"use {near}" if near else f"use another region than {where}"
    settled = instance.successor is not None  # no region gets a previous generation any more
    told = (
        f"{where} does not have {kind}"
        if settled
        else f"the data of {dated('offerings')} has no {kind} in {where}"
    )
    return Problem(
        told,
        path,
        use if settled else f"check that the region has it by now, then allow it (--allow {kind}); or {use}",
        severity=None if settled else "warning",
        allowable=None if settled else kind,
    )


def _of_image(uri: str | None) -> str | None:
    place = places.image(uri) if uri is not None else None
    return place.region or None if place is not None else None

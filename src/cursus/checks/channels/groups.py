"""Rules of the area *channels* for heterogeneous clusters: which instance groups get which channel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cursus.checks.rules import Problem, rule
from cursus.checks.views import Channel, TrainingView, listing
from cursus.redact import show


@rule("CHN014", reads=("*.InstanceGroupNames",), shared=True)
def instance_groups_all_or_none(view: TrainingView) -> Iterator[Problem]:
    """Either every channel names its instance groups, or none does.

    What it does:
        Looks for channels without InstanceGroupNames beside channels that have them.
    Why:
        In a heterogeneous cluster SageMaker refuses a request in which only some channels say which instance groups
        get their data. The SDK's own `code` channel counts too.
    Example:
          ResourceConfig:
            InstanceType: null
            InstanceCount: null
            InstanceGroups:
              - {InstanceGroupName: big, InstanceType: ml.m5.2xlarge, InstanceCount: 1}
              - {InstanceGroupName: small, InstanceType: ml.m5.xlarge, InstanceCount: 1}
          InputDataConfig:
            - ChannelName: train
              DataSource:
                S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/a/", InstanceGroupNames: [big]}
            - ChannelName: code
        -     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/code/"}}
        +     DataSource:
        +       S3DataSource:
        +         {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/code/", InstanceGroupNames: [big, small]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/train-heterogeneous-cluster.html
    """
    having: list[str] = []
    lacking: list[Channel] = []
    for channel in view.channels:
        if not channel.s3:
            continue
        if channel.s3.get("InstanceGroupNames"):
            having.append(str(channel.name))
        else:
            lacking.append(channel)
    if not having or (view.resources and "InstanceGroups" not in view.resources):
        return  # that there are no groups is said of those that name one
    groups = _group_names(view)
    for channel in lacking:
        yield Problem(
            f"channel {show(channel.name)} names no instance groups, but {', '.join(map(show, having))} "
            f"{'does' if len(having) == 1 else 'do'}; either all channels name them or none",
            (*channel.path, "DataSource", "S3DataSource", "InstanceGroupNames"),
            f"add InstanceGroupNames: {show(groups)}" if groups else "add InstanceGroupNames",
        )


def _group_names(view: TrainingView) -> list[str]:
    names = []
    for group in listing(view.resources, "InstanceGroups"):
        name = group.get("InstanceGroupName") if isinstance(group, dict) else None
        if isinstance(name, str):
            names.append(name)
    return names


@rule("CHN015", reads=("*.InstanceGroupNames",), shared=True)
def instance_group_exists(view: TrainingView) -> Iterator[Problem]:
    """InstanceGroupNames name groups of the job.

    What it does:
        Looks up each name in ResourceConfig.InstanceGroups.
    Why:
        SageMaker refuses a channel that is meant for an instance group which the job does not have.
    Example:
          ResourceConfig:
            InstanceType: null
            InstanceCount: null
            InstanceGroups:
              - {InstanceGroupName: workers, InstanceType: ml.m5.2xlarge, InstanceCount: 1}
              - {InstanceGroupName: loaders, InstanceType: ml.m5.xlarge, InstanceCount: 1}
          InputDataConfig:
            - ChannelName: train
              DataSource:
        -       S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/a/", InstanceGroupNames: [worker]}
        +       S3DataSource:
        +         {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/a/", InstanceGroupNames: [workers, loaders]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/train-heterogeneous-cluster.html
    """
    groups: list[str] | None = None
    for channel in view.channels:
        names = channel.s3.get("InstanceGroupNames")
        if not isinstance(names, list):
            continue
        if view.resources_member not in view.request or not view.resources:
            return
        groups = _group_names(view) if groups is None else groups
        for i, name in enumerate(names):
            if not isinstance(name, str) or name in groups:
                continue
            from cursus.suggest import did_you_mean

            reason = (
                f"the job's groups are {', '.join(map(show, groups))}"
                if groups
                else "the job has no instance groups"
            )
            yield Problem(
                f"channel {show(channel.name)} is for the instance group {show(name)}; {reason}."
                + did_you_mean(name, groups),
                (*channel.path, "DataSource", "S3DataSource", "InstanceGroupNames", i),
                "name a group of ResourceConfig.InstanceGroups" if groups else "leave InstanceGroupNames out",
            )


@rule("CHN016", severity="info", reads=("ResourceConfig.InstanceGroups",), shared=True)
def instance_group_without_data(view: TrainingView) -> Iterator[Problem]:
    """An instance group gets no channel.

    What it does:
        Looks for groups that no channel names, where channels name groups.
    Why:
        The hosts of such a group see no data. That is right for parameter servers, and a slip elsewhere.
    Example:
          ResourceConfig:
            InstanceType: null
            InstanceCount: null
            InstanceGroups:
              - {InstanceGroupName: workers, InstanceType: ml.m5.2xlarge, InstanceCount: 1}
              - {InstanceGroupName: loaders, InstanceType: ml.m5.xlarge, InstanceCount: 1}
        - InputDataConfig:
        -   - ChannelName: train
        -     DataSource:
        -       S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/a/", InstanceGroupNames: [workers]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/train-heterogeneous-cluster.html
    """
    used: set[Any] = set()
    for channel in view.channels:
        names = channel.s3.get("InstanceGroupNames")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return
        used.update(names)
    for i, group in enumerate(listing(view.resources, "InstanceGroups")):
        name = group.get("InstanceGroupName") if isinstance(group, dict) else None
        if used and isinstance(name, str) and name not in used:
            yield Problem(
                f"no channel is for the instance group {show(name)}: its hosts get no data",
                ("ResourceConfig", "InstanceGroups", i, "InstanceGroupName"),
                "add it to the InstanceGroupNames of the channels that it reads",
            )

"""What a builder's hooks promise on channels, held against the request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cursus.checks.promises.hooks import definition, differs, literal, located, place_of, same_uri
from cursus.checks.promises.requests import unsent
from cursus.checks.rules import Problem, rule
from cursus.checks.views import Channel, StepView, TrainingView, is_reference, mapping
from cursus.model import Path, format_path
from cursus.redact import show
from cursus.suggest import did_you_mean

DISTRIBUTION = "S3DataDistributionType"


@rule("CHN080", scope="step")
@located("get_training_inputs")
def training_inputs(view: StepView) -> Iterator[Problem]:
    """The builder's training inputs disagree with the request's channels.

    What it does:
        Compares each channel of `get_training_inputs` with the channel of that name in InputDataConfig: it must
        be there, and read the same S3Uri in the same way.
        What the hook alone says, where the request is whole without it, is a warning.
    Why:
        The job gets the request's channels. One that only the hook has is a folder that is not there when
        the script looks for it; one with another address trains on other data.
    Example:
          hooks:
            get_training_inputs:
              - ChannelName: train
        -       DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/other/train/"}}
        +       DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}
                ContentType: text/csv
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html
    """
    said = view.promises.hooks.get("get_training_inputs")
    training = definition(view)
    if not said or training is None or is_reference(training.request.get("InputDataConfig")):
        return
    channels = {channel.name: channel for channel in training.channels if channel.name is not None}
    twice = Counter(channel.name for channel in training.channels)
    for label, entry in entries(said):
        uri = source_uri(entry)
        name = _channel_name(label, entry)
        if name is None:
            known = [channel.s3.get("S3Uri") for channel in training.channels]
            if uri is not None and known and not any(is_reference(k) or same_uri(uri, k) for k in known):
                yield _no_channel(
                    f"a channel with S3Uri {show(uri)}", "no channel with that S3Uri", training, ""
                )
        elif twice[name] > 1:
            continue  # which of them is meant is not known: CHN001 reports the name
        elif name not in channels:
            missing = _no_channel(f"the channel {name!r}", f"no channel {name!r}", training, name)
            yield replace(missing, location=place_of(view, "get_training_inputs", name))
        else:
            channel = channels[name]
            has = literal(channel.s3, "S3Uri")
            if uri is not None and has is not None and not same_uri(uri, has):
                place: Path = (*training.path, *channel.path, "DataSource", "S3DataSource", "S3Uri")
                where = place_of(view, "get_training_inputs", name, "DataSource", "S3DataSource", "S3Uri")
                key = f"S3Uri of the channel {name!r}"
                yield differs(view, "get_training_inputs", key, uri, place, has, where)
            if isinstance(entry, Mapping):
                yield from _other_members(view, training, entry, channel, name)
    yield from unsent(view, "get_training_inputs")


def _other_members(
    view: StepView, training: TrainingView, entry: Mapping[str, Any], channel: Channel, name: str
) -> Iterator[Problem]:
    """Members of a channel beside its address that the hook gives, and the request has otherwise."""
    inside = ("DataSource", "S3DataSource")
    pairs: tuple[tuple[tuple[str, ...], Any, Any, tuple[str, ...]], ...] = (
        ((), entry, channel.request, ("ContentType", "CompressionType", "RecordWrapperType", "InputMode")),
        (inside, mapping(mapping(entry, inside[0]), inside[1]), channel.s3, ("S3DataType", DISTRIBUTION)),
    )
    for around, said, own, members in pairs:
        for member in members:
            wanted, has = literal(said, member), literal(own, member)
            if wanted is not None and has is not None and wanted != has:
                place: Path = (*training.path, *channel.path, *around, member)
                where = place_of(view, "get_training_inputs", name, *around, member)
                key = f"{member} of the channel {name!r}"
                yield differs(view, "get_training_inputs", key, wanted, place, has, where)


def _no_channel(said: str, lacks: str, training: TrainingView, name: str) -> Problem:
    names = [channel.name for channel in training.channels if channel.name is not None]
    return Problem(
        f"get_training_inputs has {said}, but the request has {lacks} in "
        f"{format_path((*training.path, 'InputDataConfig'))} (it has {', '.join(names) or 'none'})."
        f"{did_you_mean(name, names) if name else ''}",
        (*training.path, "InputDataConfig"),
        "Add the channel to the request's InputDataConfig, or take it out of get_training_inputs.",
    )


def entries(said: Any) -> Iterator[tuple[str | None, Any]]:
    """The channels of a hook's value, with the name each has as a key of a mapping."""
    if isinstance(said, Mapping):
        if "DataSource" in said or "ChannelName" in said:
            yield None, said
            return
        for name, entry in said.items():
            yield str(name), entry
    elif isinstance(said, (list, tuple)):
        for entry in said:
            yield None, entry


def _channel_name(label: str | None, entry: Any) -> str | None:
    name = literal(entry, "ChannelName") if isinstance(entry, Mapping) else None
    return name if isinstance(name, str) else label


def promised_channels(view: StepView) -> set[str | None]:
    """The names of the channels of ``get_training_inputs``; one that the request lacks is CHN080's to report."""
    return {_channel_name(*one) for one in entries(view.promises.hooks.get("get_training_inputs"))}


def distributed_channels(view: StepView) -> set[str]:
    """The channels that ``get_data_distribution_config`` names; one that the request lacks is CHN081's to report."""
    return {str(name) for name in mapping(view.promises.hooks, "get_data_distribution_config")}


def source_uri(entry: Any) -> str | None:
    """The S3Uri of a channel in one of the forms that hooks use, or None."""
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, Mapping):
        return None
    uri = mapping(mapping(entry, "DataSource"), "S3DataSource").get("S3Uri", entry.get("S3Uri"))
    return uri if isinstance(uri, str) else None


@rule("CHN081", scope="step")
@located("get_data_distribution_config")
def data_distribution(view: StepView) -> Iterator[Problem]:
    """The builder's data distribution disagrees with the request's channels.

    What it does:
        Compares `get_data_distribution_config`, channel → S3DataDistributionType, with the channels of the request.
        What the hook alone says, where the request is whole without it, is a warning.
    Why:
        With FullyReplicated every host trains on all objects, with ShardedByS3Key each on its part. Whoever
        believes in the other one waits longer, or gets a model that saw a fraction of the data.
    Example:
          hooks:
        -   get_data_distribution_config: {train: ShardedByS3Key}
        +   get_data_distribution_config: {train: FullyReplicated}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    value = view.promises.hooks.get("get_data_distribution_config")
    said = {"S3DataDistributionType": value} if isinstance(value, str) else value
    training = definition(view)
    if (
        not isinstance(said, Mapping)
        or training is None
        or is_reference(training.request.get("InputDataConfig"))
    ):
        return
    channels = {channel.name: channel for channel in training.channels if channel.name is not None}
    promised = promised_channels(view)
    for name, value in said.items():
        targets = list(channels.values()) if name == "S3DataDistributionType" else [channels.get(name)]
        wanted = value.get("S3DataDistributionType") if isinstance(value, Mapping) else value
        for channel in targets:
            if channel is None and name in promised:
                continue
            if channel is None:
                yield Problem(
                    f"get_data_distribution_config names the channel {name!r}, but the request has no such channel "
                    f"(it has {', '.join(channels) or 'none'}).{did_you_mean(str(name), channels)}",
                    (*training.path, "InputDataConfig"),
                    "Write the name of a channel of the request.",
                    location=view.promises.place("get_data_distribution_config", str(name)),
                )
                continue
            has = literal(channel.s3, "S3DataDistributionType")
            if isinstance(wanted, str) and has is not None and wanted != has:
                place: Path = (*training.path, *channel.path, "DataSource", "S3DataSource")
                yield differs(
                    view,
                    "get_data_distribution_config",
                    f"the distribution of {channel.name!r}",
                    wanted,
                    (*place, "S3DataDistributionType"),
                    has,
                    view.promises.place("get_data_distribution_config", str(name)),
                )
    yield from unsent(view, "get_data_distribution_config")

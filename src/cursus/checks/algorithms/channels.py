"""Rules of the area *channels* for Amazon's built-in algorithms: which channels they read, and in what form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeGuard

from cursus.aws.algorithms import Algorithm
from cursus.checks.algorithms.hyperparameters import documented_only
from cursus.checks.rules import PROGRAM, Problem, rule
from cursus.checks.texts import NOTHING, SUBMIT
from cursus.checks.views import Channel, TrainingView, is_reference, text
from cursus.redact import show
from cursus.suggest import closest, did_you_mean

MODEL = "application/x-sagemaker-model"
MANIFEST = "AugmentedManifestFile"
DATA = ("train", "validation", "test")
"""Channels that hold the same kind of data."""


def meant(name: str, channels: Iterable[str]) -> str | None:
    """The channel that a name is nearly that of, or is short or long for: ``training``, ``valid``, ``vocabulary``."""
    short = [each for each in channels if min(len(name), len(each)) > 2 and _begins(name.lower(), each)]
    return closest(name, channels) or (short[0] if len(short) == 1 else None)


def _begins(name: str, other: str) -> bool:
    return name.startswith(other) or other.startswith(name)


def base_type(content_type: str) -> str:
    """A content type without its parameters: ``text/csv`` of ``text/csv; label_size=0``."""
    return content_type.partition(";")[0].strip().lower()


@rule(
    "CHN030",
    when="builtin",
    shared=True,
    unless=("builtin with channels by value",),
    of=(*PROGRAM, "Environment"),
)
def required_channel(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm lacks a channel that it requires.

    What it does:
        Looks up the channels that the algorithm requires, and those that a content type makes required (images as
        files want their lists). A channel that is only misnamed is CHN031's.
    Why:
        The algorithm stops when it starts: there is no data to train on.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
          HyperParameters: {num_round: "100"}
        - InputDataConfig:
        -   - ChannelName: validation
        -     ContentType: text/csv
        -     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/validation/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-im-models.html
    """
    algorithm = view.builtin
    if algorithm is None:
        return
    given = view.request.get("InputDataConfig")
    if is_reference(given) or (isinstance(given, list) and len(view.channels) != len(given)):
        return
    names = [channel.name for channel in view.channels]
    if None in names or not NOTHING.isdisjoint(filter(None, names)):
        return
    missing = {name: why for name, why in _wanted(view, algorithm).items() if name not in names}
    if not missing:
        return
    # An augmented manifest brings its labels with it: train then needs neither train_lst nor train_annotation.
    labelled = [f"{c.name}_" for c in view.channels if c.s3.get("S3DataType") == MANIFEST]
    # A misnamed channel is said once, by the rule on unknown channels.
    unknown = [] if documented_only(algorithm) else [n for n in names if n and n not in algorithm.channels]
    misnamed = {meant(n, algorithm.channels) for n in unknown if n not in view.settings.allow}
    lacking: dict[str, list[str]] = {}
    for name, reason in missing.items():
        if name not in misnamed and not any(name.startswith(start) for start in labelled):
            lacking.setdefault(reason, []).append(show(name))
    for reason, channels in lacking.items():
        shown = f"channel{'s' if len(channels) > 1 else ''} {' and '.join(channels)}"
        yield Problem(
            f"the {algorithm.name} algorithm requires the {shown}{reason}",
            ("InputDataConfig",),
            f"add {'the' if len(channels) > 1 else 'a'} {shown}"
            + (f" (the job has {', '.join(map(show, names))})" if names else ""),
        )


def _wanted(view: TrainingView, algorithm: Algorithm) -> dict[str, str]:
    """The channels that the algorithm requires of this job, each with the words for what it requires it."""
    wanted = dict.fromkeys(algorithm.required_channels, "")
    if "SageMakerGatedModelS3Uri" in view.environment:  # by which JumpStart's script finds the model
        wanted.pop("model", None)
    for condition in algorithm.channels_when:
        if condition.applies(view.values):
            said = " and ".join(f"{name} {show(view.values.get(name), name)}" for name in condition.when)
            wanted.update({name: f" for {said}" for name in condition.needs if name not in wanted})
    for channel in view.channels if algorithm.content_channels else ():
        content = channel.text("ContentType")
        if content is None or channel.s3.get("S3DataType") == MANIFEST:
            continue
        # A list belongs to the channel whose data it lists: train_lst to train.
        for extra in algorithm.content_channels.get(base_type(content), ()):
            if channel.name in ("train", "validation") and extra.startswith(f"{channel.name}_"):
                wanted.setdefault(extra, f" for {content} data in {show(channel.name)}")
    return wanted


@rule("CHN031", reads=("InputDataConfig",), when="builtin", shared=True, of=PROGRAM)
def unknown_channel(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm does not know a channel.

    What it does:
        Looks up each channel name among those of the algorithm.
    Why:
        The algorithms validate their channels: one that they do not know fails the job when it starts. Those that run a script of
        Amazon's pass it over, which is a warning.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
          HyperParameters: {num_round: "100"}
          InputDataConfig:
            - ChannelName: train
              ContentType: text/csv
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
        -   - ChannelName: valid
        +   - ChannelName: validation
              ContentType: text/csv
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/valid/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-im-models.html
    """
    algorithm = view.builtin
    if algorithm is None or not algorithm.channels:
        return
    names = {channel.name for channel in view.channels}
    runs_script = SUBMIT in view.hyperparameters
    known = {*algorithm.channels, "code"} if runs_script else algorithm.channels
    for channel in view.channels:
        if channel.name is not None and channel.name not in known:
            near = meant(channel.name, [each for each in algorithm.channels if each not in names])
            passed_over = runs_script and near not in algorithm.required_channels
            yield Problem(
                f"the {algorithm.name} algorithm has no channel {show(channel.name)}."
                + (f" Did you mean {near!r}?" if near else ""),
                (*channel.path, "ChannelName"),
                "its channels are " + ", ".join(algorithm.channels),
                severity="warning" if passed_over or documented_only(algorithm) else None,
                allowable=channel.name,
            )


LABEL_SIZE = re.compile(r"; ?label_size=\d+$")
"""What the guide lets stand behind text/csv; of its number another rule speaks."""
BESIDE = frozenset({"code", "auxiliary", "vocab", "label_map"})
"""Channels of files that an algorithm opens by their names, whatever their ContentType."""


@rule("CHN032", reads=("InputDataConfig",), when="builtin", shared=True, unless=("file",), of=PROGRAM)
def content_type(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm does not read a content type.

    What it does:
        Holds ContentType against those that the algorithm reads in the channel's input mode; for an augmented manifest
        against the one that it wants there, and so for the channel of a model to go on from. Where there is none: the data's name, and the ContentType of the other data
        channels, against the algorithm's default.
    Why:
        The algorithm chooses its reader by ContentType and fails on one that it has no reader for.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
          HyperParameters: {num_round: "100"}
          InputDataConfig:
            - ChannelName: train
        -     ContentType: application/json
        +     ContentType: text/csv
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-im-models.html
    """
    algorithm = view.builtin
    if algorithm is None or not algorithm.content_types:
        return
    for channel in view.channels:
        if channel.name not in algorithm.channels or channel.name in BESIDE:
            continue
        content = channel.text("ContentType")
        if MODEL in algorithm.content_types and content and (content == MODEL) != (channel.name == "model"):
            yield Problem(
                f"the channel {show(channel.name)} of {algorithm.name} is not read as {show(content)}",
                (*channel.path, "ContentType"),
                f"set ContentType to {MODEL}, or leave it out"
                if content != MODEL
                else "write the data's own type",
            )
            continue
        if channel.name == "model":
            continue
        if content:
            yield from _unread(view, algorithm, channel, content)
        elif "ContentType" not in channel.request or content == "":
            yield from _default(algorithm, channel, view.channels)


def _unread(view: TrainingView, algorithm: Algorithm, channel: Channel, content: str) -> Iterator[Problem]:
    """The algorithm has no reader for what the channel is said to hold, or the data are called something else."""
    path = (*channel.path, "ContentType")
    base = LABEL_SIZE.sub("", content) if algorithm.content_types_as_written else base_type(content)
    wanted = algorithm.manifest_content_type
    if channel.s3.get("S3DataType") == MANIFEST and (wanted or base == "application/x-recordio"):
        if wanted and base != wanted:
            yield Problem(
                f"the {algorithm.name} algorithm reads an augmented manifest as {wanted}, not as {show(content)}",
                path,
                f"set ContentType to {wanted}",
                severity="warning" if base == "application/x-image" else None,
            )
        return
    pipe = view.input_mode(channel) == "Pipe"
    known = algorithm.pipe_content_types if pipe else algorithm.content_types
    if base in known:
        yield from _denied(algorithm, channel, form(base))
        return
    if content.startswith("text/") and known and known[0] == "text/plain":
        return  # lines of text under another name: AWS's own pipelines of BlazingText call them text/csv
    near = "" if base in algorithm.content_types else did_you_mean(base, known)
    if algorithm.content_types_as_written and base_type(content) in known:
        near = (
            f" It compares the whole of it: leave out what is more than {base_type(content)}, and capitals."
        )
    yield Problem(
        f"the {algorithm.name} algorithm does not read {show(content)}{' in Pipe mode' if pipe else ''}.{near}",
        path,
        "use " + ", ".join(known),
        severity=None if algorithm.exact else "warning",
        allowable=content,
    )


def _denied(algorithm: Algorithm, channel: Channel, kind: str) -> Iterator[Problem]:
    """The one file of the channel is called as data of another type is."""
    uri = (text(channel.s3, "S3Uri") or "").lower()
    named = next((form(word) for ending, word in ENDINGS if uri.endswith(ending)), None)
    if named is not None and kind in FORMS and named != kind and channel.s3.get("S3DataType") == "S3Prefix":
        yield Problem(
            f"channel {show(channel.name)} is one file that is called .{named}, and {algorithm.name} is to read it as {kind}",
            (*channel.path, "ContentType"),
            "write the type that the data has",
            # Text under another name may be what it is said to be.
            severity=None if {"recordio-protobuf", "parquet"} & {kind, named} else "warning",
        )


def _default(algorithm: Algorithm, channel: Channel, channels: Sequence[Channel]) -> Iterator[Problem]:
    """The channel has no content type: does its data look like something else than the default?"""
    uri = text(channel.s3, "S3Uri")
    default = algorithm.default_content_type
    if default is None or "S3Uri" not in channel.s3:
        return
    for ending, word in ENDINGS:
        if uri is not None and uri.endswith(ending) and word not in default:
            yield Problem(
                f"channel {show(channel.name)} has no ContentType, so that {algorithm.name} takes {ending} data for "
                f"{default}",
                (*channel.path, "ContentType"),
                f"set ContentType, such as text/{word}" if word != "parquet" else "set application/x-parquet",
            )
            return
    for other in channels:
        content = base_type(other.text("ContentType") or "")
        if content and form(content) != form(default) and other.name in DATA and channel.name in DATA:
            yield Problem(
                f"channel {show(channel.name)} has no ContentType, so that {algorithm.name} takes its data for {default}, "
                f"and that of channel {show(other.name)} is {content}",
                (*channel.path, "ContentType"),
                f"set ContentType to {content}",
            )
            return


ENDINGS = ((".csv", "csv"), (".parquet", "parquet"), (".libsvm", "libsvm"))
FORMS = ("csv", "libsvm", "parquet", "recordio-protobuf")


def form(content: str) -> str:
    """``csv`` of ``text/csv`` and of ``text/x-csv``."""
    return content.rpartition("/")[2].removeprefix("x-")


@rule("CHN033", reads=("InputDataConfig",), when="builtin", shared=True, of=PROGRAM)
def algorithm_input_mode(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm does not support an input mode.

    What it does:
        Holds the input mode of each channel against those of the algorithm. FastFile works where File does; a model that
        training goes on from is not read from a pipe.
    Why:
        SageMaker refuses it, or the algorithm finds a pipe where it looks for files.
    Example:
          AlgorithmSpecification:
            TrainingImage: 522234722520.dkr.ecr.us-east-1.amazonaws.com/forecasting-deepar:1
        -   TrainingInputMode: Pipe
          HyperParameters: {time_freq: D, context_length: "30", prediction_length: "30", epochs: "10"}
          InputDataConfig:
            - ChannelName: train
              ContentType: json
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-im-models.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/incremental-training.html
    """
    algorithm = view.builtin
    if algorithm is None:
        return
    for channel in view.channels:
        mode = view.input_mode(channel)
        asked = "File" if mode == "FastFile" else mode
        place = (
            (*channel.path, "InputMode")
            if "InputMode" in channel.request
            else ("AlgorithmSpecification", "TrainingInputMode")
        )
        if channel.name == "model" and mode == "Pipe" and "model" in algorithm.channels:
            yield Problem("the model to go on from is read from files, not from a pipe", place, "use File")
            continue
        if asked is None or asked in algorithm.input_modes or channel.name in ("code", "model"):
            continue
        if mode not in ("File", "Pipe", "FastFile"):
            continue
        yield Problem(
            f"the {algorithm.name} algorithm does not support {mode} mode",
            place,
            "use " + " or ".join(algorithm.input_modes),
        )
        if "InputMode" not in channel.request:
            return


@rule(
    "CHN034",
    reads=("*.S3DataType=AugmentedManifestFile", "*.RecordWrapperType=RecordIO"),
    when="builtin",
    shared=True,
    of=PROGRAM,
)
def manifest_attributes(view: TrainingView) -> Iterator[Problem]:
    """An augmented manifest for a built-in image algorithm has its form.

    What it does:
        Wants the number of AttributeNames that the algorithm reads (the image and its label, in this order) and
        RecordWrapperType RecordIO; and no such wrapper where the objects are RecordIO themselves.
    Why:
        The algorithm reads records in pairs from the pipe. Unwrapped objects, or another number of attributes, cannot
        be told apart, and the job fails.
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:1
        +   TrainingImage: 811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1
          ResourceConfig: {InstanceType: ml.p3.2xlarge}
          HyperParameters: {num_classes: "3", num_training_samples: "900"}
          InputDataConfig:
            - ChannelName: train
              InputMode: Pipe
              ContentType: application/x-recordio
        +     RecordWrapperType: RecordIO
              DataSource:
                S3DataSource:
                  S3DataType: AugmentedManifestFile
                  S3Uri: s3://example-bucket/labels/train.manifest
                  AttributeNames: [source-ref, boxes]
        +   - ChannelName: validation
        +     InputMode: Pipe
        +     ContentType: application/x-recordio
        +     RecordWrapperType: RecordIO
        +     DataSource:
        +       S3DataSource:
        +         S3DataType: AugmentedManifestFile
        +         S3Uri: s3://example-bucket/labels/validation.manifest
        +         AttributeNames: [source-ref, boxes]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/augmented-manifest.html
    """
    algorithm = view.builtin
    if algorithm is None or algorithm.manifest_content_type is None:
        return
    for channel in view.channels:
        if channel.s3.get("S3DataType") != MANIFEST:
            yield from _wrapped_again(algorithm, channel)
            continue
        if channel.request.get("RecordWrapperType", "None") == "None":
            yield Problem(
                f"{algorithm.name} reads an augmented manifest as RecordIO, and channel {show(channel.name)} is not "
                "wrapped",
                (*channel.path, "RecordWrapperType"),
                "set RecordWrapperType to RecordIO",
            )
        names = channel.s3.get("AttributeNames")
        wanted = algorithm.manifest_attributes
        if _turned_round(names):
            yield Problem(
                f"{algorithm.name} is given {show(names[0])} before the image, which comes first",
                (*channel.path, "DataSource", "S3DataSource", "AttributeNames"),
                f"write {[names[1], names[0]]}: attributes are passed on in this order",
            )
        if not names and not is_reference(names):
            yield Problem(
                f"{algorithm.name} reads nothing from an augmented manifest without AttributeNames: it gets empty batches",
                (*channel.path, "DataSource", "S3DataSource", "AttributeNames"),
                'name the image and its label, such as ["source-ref", "label"]',
            )
        if isinstance(names, list) and names and wanted is not None and len(names) != wanted:
            yield Problem(
                f"{algorithm.name} reads {wanted} attributes of an augmented manifest, and {len(names)} are named",
                (*channel.path, "DataSource", "S3DataSource", "AttributeNames"),
                "name the image and its label, in this order",
            )


def _wrapped_again(algorithm: Algorithm, channel: Channel) -> Iterator[Problem]:
    content = base_type(channel.text("ContentType") or "")
    if content == algorithm.manifest_content_type and channel.request.get("RecordWrapperType") == "RecordIO":
        yield Problem(
            f"channel {show(channel.name)} holds records of {content} already, and RecordWrapperType wraps each object "
            "in one more",
            (*channel.path, "RecordWrapperType"),
            "leave RecordWrapperType out",
        )


def _turned_round(names: object) -> TypeGuard[list[str]]:
    """True for two attributes of which only the second refers to a file."""
    if not isinstance(names, list) or len(names) != 2 or not all(isinstance(name, str) for name in names):
        return False
    return str(names[1]).endswith("-ref") and not str(names[0]).endswith("-ref")

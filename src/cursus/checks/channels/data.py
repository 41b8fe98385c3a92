"""Rules of the area *channels*: which data a channel reads, which hosts get it, and what lies in its way."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.locations import below, looks_like_one_object, s3_path, same_place
from cursus.checks.rules import Problem, rule
from cursus.checks.views import Channel, TrainingView, listing, mapping, text
from cursus.model import Path
from cursus.redact import show

S3_URI: Path = ("DataSource", "S3DataSource", "S3Uri")
TRAINING_NAMES = frozenset({"train", "training"})
HELD_OUT_NAMES = frozenset(
    {"validation", "val", "valid", "eval", "evaluation", "test", "testing", "dev", "holdout"}
)


@rule("CHN017", severity="warning", reads=("*.S3DataDistributionType=ShardedByS3Key",))
def sharding_against_hosts(view: TrainingView) -> Iterator[Problem]:
    """ShardedByS3Key shares out objects, and there have to be enough of both.

    What it does:
        A warning where a channel is sharded over several hosts and its S3Uri is one object, or its local data has
        fewer files than there are hosts; an info where there is one host only.
    Why:
        Each host gets about 1/n of the objects. With fewer objects than hosts some get none: their channel directory
        is empty, the script fails there, or the host is paid for nothing. With one host it changes nothing.
    Example:
          ResourceConfig: {InstanceCount: 2}
          InputDataConfig:
            - ChannelName: train
              DataSource:
                S3DataSource:
                  S3DataType: S3Prefix
        -         S3Uri: s3://example-bucket/churn/train.csv
        +         S3Uri: s3://example-bucket/churn/train/
                  S3DataDistributionType: ShardedByS3Key
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    for channel in view.channels:
        if channel.s3.get("S3DataDistributionType") != "ShardedByS3Key":
            continue
        hosts = _hosts_of(view, channel)
        path = (*channel.path, "DataSource", "S3DataSource", "S3DataDistributionType")
        if hosts == 1 and view.builtin is None:  # some algorithms want it so whatever the number of hosts
            yield Problem(
                f"channel {show(channel.name)} is sharded over one host, which gets all of it",
                path,
                "FullyReplicated says the same",
                severity="info",
            )
        elif hosts is not None and hosts > 1:
            objects = _objects(view, channel)
            if objects is not None and objects < hosts:
                yield Problem(
                    f"channel {show(channel.name)} is sharded over {hosts} hosts and has {objects} "
                    f"object{'' if objects == 1 else 's'}: hosts without data: {hosts - objects}",
                    path,
                    "split the data into at least as many objects as there are hosts, or use FullyReplicated",
                )


def _hosts_of(view: TrainingView, channel: Channel) -> int | None:
    """How many hosts get the channel."""
    names = channel.s3.get("InstanceGroupNames")
    if not isinstance(names, list) or not names:
        return view.host_count
    total = 0
    for group in listing(view.resources, "InstanceGroups"):
        if isinstance(group, dict) and group.get("InstanceGroupName") in names:
            count = group.get("InstanceCount")
            if not isinstance(count, int):
                return None
            total += count
    return total or None


def _objects(view: TrainingView, channel: Channel) -> int | None:
    """How many objects a channel has, where the request or its local data says so."""
    uri = text(channel.s3, "S3Uri")
    if channel.s3.get("S3DataType") == "S3Prefix" and uri is not None:
        path = s3_path(uri)
        if path is not None and looks_like_one_object(path):
            return 1
        local = view.step.promises.local_channels.get(channel.name or "")
        if local:
            from pathlib import Path as FilePath

            folder = FilePath(local)
            if folder.is_file():
                return 1
            return sum(entry.is_file() for entry in folder.rglob("*")) or None
    return None


@rule("CHN018", severity="warning", reads=("?nested",), when="several channels")
def training_and_validation_data_overlap(view: TrainingView) -> Iterator[Problem]:
    """Training data and held-out data come from the same place.

    What it does:
        Compares the locations of training channels with those of validation and test channels: the same, or one
        folder inside the other.
    Why:
        The job runs, and its validation metric says how well the model remembers what it was trained on.
    Example:
          InputDataConfig:
            - ChannelName: train
        -     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/"}}
        +     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}
            - ChannelName: validation
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/validation/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    if len(view.channels) < 2:
        return
    located = view.located
    held_out = [one for one in located if (one[0].name or "").lower() in HELD_OUT_NAMES]
    for train, train_path, train_kind in located if held_out else ():
        if (train.name or "").lower() not in TRAINING_NAMES:
            continue
        for other, other_path, kind in held_out:
            if not below(other_path, train_path) and not below(train_path, other_path):
                continue
            if same_place(train_path, other_path) and kind == train_kind:
                what = "is the data of"
            elif kind == train_kind == "S3Prefix" and below(other_path, train_path):
                what = "is part of the data of"
            elif kind == train_kind == "S3Prefix" and below(train_path, other_path):
                what = "holds the data of"
            else:
                continue
            yield Problem(
                f"the data of channel {show(other.name)} {what} channel {show(train.name)}",
                (*other.path, *S3_URI),
                "give each channel a prefix of its own",
            )


@rule("CHN019", severity="warning", reads=("?nested",), when="several channels")
def prefix_matches_more(view: TrainingView) -> Iterator[Problem]:
    """A prefix without a last slash takes in a neighbour's data.

    What it does:
        Looks for a channel whose S3Uri, as a string, begins the S3Uri of another channel, though it is no folder of it.
    Why:
        S3Prefix is a string prefix, not a folder: `s3://b/train` also matches `s3://b/train-old/` and
        `s3://b/train_labels.csv`, and the channel gets those objects too.
    Example:
          InputDataConfig:
            - ChannelName: train
        -     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/data/train"}}
        +     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/data/train/"}}
            - ChannelName: extra
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/data/train-extra/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    if len(view.channels) < 2:
        return
    located = view.located
    for channel, path, kind in located:
        if kind != "S3Prefix" or path.endswith("/"):
            continue
        for other, other_path, _ in located:
            if other is not channel and other_path.startswith(path) and not below(other_path, path):
                yield Problem(
                    f"the prefix of channel {show(channel.name)} also matches the data of channel "
                    f"{show(other.name)} ({show(text(other.s3, 'S3Uri'))})",
                    (*channel.path, *S3_URI),
                    f"end it with a slash: {show(text(channel.s3, 'S3Uri'))[:-1]}/'",
                )


WRITTEN = (
    ("OutputDataConfig", "S3OutputPath"),
    ("CheckpointConfig", "S3Uri"),
    ("DebugHookConfig", "S3OutputPath"),
    ("ProfilerConfig", "S3OutputPath"),
    ("TensorBoardOutputConfig", "S3OutputPath"),
)
"""Where a job writes to while it runs, and at its end."""


@rule("CHN020", severity="warning", reads=("?nested",))
def output_inside_input(view: TrainingView) -> Iterator[Problem]:
    """The job writes into the data that it reads.

    What it does:
        Looks for OutputDataConfig.S3OutputPath, CheckpointConfig.S3Uri and what the debugger, the profiler and TensorBoard
        write, inside the prefix of a channel.
    Why:
        The next run of the same job downloads the models and checkpoints of the last one as training data.
    Example:
        - OutputDataConfig: {S3OutputPath: "s3://example-bucket/churn/train/output/"}
        + OutputDataConfig: {S3OutputPath: "s3://example-bucket/churn/output/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    written = []
    for member, name in WRITTEN:
        uri = mapping(view.request, member).get(name)
        path = s3_path(uri) if isinstance(uri, str) else None
        # A bucket's root holds everything; only a real prefix says where somebody meant to write.
        if path is not None:
            written.append((path, (member, name)))
    if not written:
        return
    read = [
        (channel, prefix)
        for channel, prefix, kind in view.located
        if kind == "S3Prefix" and channel.name not in ("code", "checkpoint", "model")
    ]
    for path, place in written:
        around = [
            show(channel.name)
            for channel, prefix in read
            if below(path, prefix)
            and not looks_like_one_object(prefix)
            # of checkpoints in the very place another rule says more
            and not (place[0] == "CheckpointConfig" and same_place(path, prefix))
        ]
        if around:
            yield Problem(
                f"{'.'.join(place)} lies inside the data of channel{'s' if len(around) > 1 else ''} {', '.join(around)}",
                place,
                "write to a prefix that no channel reads",
            )


@rule("CHN021", reads=("?file", "*.S3DataType=ManifestFile", "*.S3DataType=AugmentedManifestFile"))
def manifest_is_an_object(view: TrainingView) -> Iterator[Problem]:
    """A manifest is one object, a prefix is not a manifest.

    What it does:
        An error where the S3Uri of a manifest ends with a slash or has no key; a warning where S3DataType is S3Prefix
        and the S3Uri ends with `.manifest`.
    Why:
        With ManifestFile and AugmentedManifestFile SageMaker reads the object at S3Uri itself; a folder cannot be
        read. With S3Prefix it hands over the manifest as if it were data.
    Example:
          InputDataConfig:
            - ChannelName: train
        -     DataSource: {S3DataSource: {S3DataType: ManifestFile, S3Uri: "s3://example-bucket/manifests/"}}
        +     DataSource: {S3DataSource: {S3DataType: ManifestFile, S3Uri: "s3://example-bucket/manifests/a.manifest"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    for channel, path, kind in view.located:
        if kind in ("ManifestFile", "AugmentedManifestFile"):
            if path.endswith("/"):
                yield Problem(
                    f"the S3Uri of channel {show(channel.name)} is a folder, and S3DataType {kind} wants an object",
                    (*channel.path, *S3_URI),
                    "write the key of the manifest itself",
                )
        elif kind == "S3Prefix" and path.endswith(".manifest"):
            yield Problem(
                f"channel {show(channel.name)} reads a manifest as if it were data",
                (*channel.path, "DataSource", "S3DataSource", "S3DataType"),
                "set S3DataType to ManifestFile or AugmentedManifestFile",
                severity="warning",
            )


@rule("CHN022", severity="info", reads=("InputDataConfig",), when="several hosts")
def replicated_on_many_hosts(view: TrainingView) -> Iterator[Problem]:
    """Every host of a large job downloads all of the training data.

    What it does:
        Names training channels in File mode that are FullyReplicated on four hosts or more.
    Why:
        Each host waits for, stores and pays for a whole copy. Data parallel training on sharded data, or FastFile
        mode, starts sooner.
    Example:
        - ResourceConfig: {InstanceCount: 8}
        + ResourceConfig: {InstanceCount: 2}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    hosts = view.host_count
    if hosts is None or hosts < MANY_HOSTS:
        return

    for channel in view.channels:
        if (channel.name or "").lower() not in TRAINING_NAMES or not channel.s3:
            continue
        if channel.s3.get("S3DataDistributionType", "FullyReplicated") != "FullyReplicated":
            continue
        uri = text(channel.s3, "S3Uri")
        if view.input_mode(channel) == "File" and uri and not looks_like_one_object(uri):
            yield Problem(
                f"each of the {hosts} hosts downloads all of channel {show(channel.name)}",
                (*channel.path, "DataSource", "S3DataSource", "S3DataDistributionType"),
                "consider ShardedByS3Key, or InputMode FastFile",
            )


MANY_HOSTS = 4

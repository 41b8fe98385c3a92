"""Rules of the area *channels* for Amazon's built-in algorithms: which channels they read, and in what form."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.aws.algorithms import Algorithm
from cursus.aws.tables import table
from cursus.checks.algorithms import documented_only
from cursus.checks.channels import input_mode
from cursus.checks.rules import Problem, rule
from cursus.checks.views import Channel, TrainingView, is_reference, text
from cursus.redact import show
from cursus.suggest import closest, did_you_mean

MANIFEST = "AugmentedManifestFile"


def _base(content_type: str) -> str:
    """A content type without its parameters: ``text/csv`` of ``text/csv; label_size=0``."""
    return content_type.partition(";")[0].strip().lower()


@rule("CHN030", area="channels", when="builtin")
def required_channel(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm lacks a channel that it requires.

    What it does:
        Looks up the channels that the algorithm requires, and those that a content type makes required (images as
        files want their lists). A channel that is only misnamed is CHN031's.
    Why:
        The algorithm stops when it starts: there is no data to train on.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        HyperParameters: {num_round: "100"}
        InputDataConfig:
          - ChannelName: validation
            ContentType: text/csv
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/validation/"}}
    Right:
        AlgorithmSpecification:
          TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        HyperParameters: {num_round: "100"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-im-models.html
    Since:
        0.1
    """
    algorithm = view.builtin
    if algorithm is None:
        return
    given = view.request.get("InputDataConfig")
    if is_reference(given) or (isinstance(given, list) and len(view.channels) != len(given)):
        return
    names = [channel.name for channel in view.channels]
    if None in names:
        return
    wanted = dict.fromkeys(algorithm.required_channels, "")
    if not algorithm.content_channels and all(name in names for name in wanted):
        return
    for channel in view.channels:
        content = channel.text("ContentType")
        if content is None or channel.s3.get("S3DataType") == MANIFEST:
            continue
        # A list belongs to the channel whose data it lists: train_lst to train.
        for extra in algorithm.content_channels.get(_base(content), ()):
            if channel.name in ("train", "validation") and extra.startswith(f"{channel.name}_"):
                wanted.setdefault(extra, f" for {content} data in {show(channel.name)}")
    # An augmented manifest brings its labels with it: train then needs neither train_lst nor train_annotation.
    labelled = [f"{c.name}_" for c in view.channels if c.s3.get("S3DataType") == MANIFEST]
    # A misnamed channel is said once, by the rule on unknown channels.
    unknown = [] if documented_only(algorithm) else [n for n in names if n and n not in algorithm.channels]
    misnamed = {closest(n, algorithm.channels) for n in unknown if n not in view.settings.allow}
    for name, reason in wanted.items():
        if name in misnamed and algorithm.channels:
            continue
        if name not in names and not any(name.startswith(start) for start in labelled):
            yield Problem(
                f"the {algorithm.name} algorithm requires the channel {show(name)}{reason}",
                ("InputDataConfig",),
                f"add a channel {show(name)}"
                + (f" (the job has {', '.join(map(show, names))})" if names else ""),
                severity="warning" if given is None else None,
            )


@rule("CHN031", area="channels", reads=("InputDataConfig",), when="builtin")
def unknown_channel(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm does not know a channel.

    What it does:
        Looks up each channel name among those of the algorithm.
    Why:
        The algorithms validate their channels: one that they do not know fails the job when it starts.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        HyperParameters: {num_round: "100"}
        InputDataConfig:
          - ChannelName: train
            ContentType: text/csv
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
          - ChannelName: valid
            ContentType: text/csv
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/valid/"}}
    Right:
        AlgorithmSpecification:
          TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        HyperParameters: {num_round: "100"}
        InputDataConfig:
          - ChannelName: train
            ContentType: text/csv
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
          - ChannelName: validation
            ContentType: text/csv
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/valid/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-im-models.html
    Since:
        0.1
    """
    algorithm = view.builtin
    if algorithm is None or not algorithm.channels:
        return
    for channel in view.channels:
        if channel.name is not None and channel.name not in algorithm.channels:
            yield Problem(
                f"the {algorithm.name} algorithm has no channel {show(channel.name)}."
                + did_you_mean(channel.name, algorithm.channels),
                (*channel.path, "ChannelName"),
                "its channels are " + ", ".join(algorithm.channels),
                severity="warning" if documented_only(algorithm) else None,
                allowable=channel.name,
            )


@rule("CHN032", area="channels", reads=("InputDataConfig",), when="builtin")
def content_type(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm does not read a content type.

    What it does:
        Holds ContentType against those that the algorithm reads in the channel's input mode; for an augmented manifest
        against the one that it wants there. A warning where there is none and the data's name says another than the
        algorithm's default.
    Why:
        The algorithm chooses its reader by ContentType and fails on one that it has no reader for.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        HyperParameters: {num_round: "100"}
        InputDataConfig:
          - ChannelName: train
            ContentType: application/json
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Right:
        AlgorithmSpecification:
          TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        HyperParameters: {num_round: "100"}
        InputDataConfig:
          - ChannelName: train
            ContentType: text/csv
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-im-models.html
    Since:
        0.1
    """
    algorithm = view.builtin
    if algorithm is None or not algorithm.content_types:
        return
    for channel in view.channels:
        if channel.name not in algorithm.channels or channel.name in ("code", "model"):
            continue
        content = channel.text("ContentType")
        if content is None or not content:
            if "ContentType" not in channel.request or content == "":
                yield from _default(algorithm, channel)
            continue
        path = (*channel.path, "ContentType")
        wanted = algorithm.manifest_content_type
        if channel.s3.get("S3DataType") == MANIFEST and wanted is not None:
            if _base(content) != wanted:
                yield Problem(
                    f"the {algorithm.name} algorithm reads an augmented manifest as {wanted}, not as {show(content)}",
                    path,
                    f"set ContentType to {wanted}",
                    severity="warning" if _base(content) == "application/x-image" else None,
                )
            continue
        pipe = input_mode(view, channel) == "Pipe"
        known = algorithm.pipe_content_types if pipe else algorithm.content_types
        if _base(content) not in known:
            yield Problem(
                f"the {algorithm.name} algorithm does not read {show(content)}{' in Pipe mode' if pipe else ''}."
                + did_you_mean(_base(content), known),
                path,
                "use " + ", ".join(known),
                severity=None if algorithm.exact else "warning",
                allowable=content,
            )


def _default(algorithm: Algorithm, channel: Channel) -> Iterator[Problem]:
    """The channel has no content type: does its data look like something else than the default?"""
    uri = text(channel.s3, "S3Uri")
    default = algorithm.default_content_type
    if uri is None or default is None:
        return
    for ending, word in ((".csv", "csv"), (".parquet", "parquet"), (".libsvm", "libsvm")):
        if uri.endswith(ending) and word not in default:
            yield Problem(
                f"channel {show(channel.name)} has no ContentType, so that {algorithm.name} takes {ending} data for "
                f"{default}",
                (*channel.path, "ContentType"),
                f"set ContentType, such as text/{word}" if word != "parquet" else "set application/x-parquet",
                severity="warning",
            )


@rule("CHN033", area="channels", reads=("InputDataConfig",), when="builtin")
def algorithm_input_mode(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm does not support an input mode.

    What it does:
        Holds the input mode of each channel against those of the algorithm. FastFile works where File does.
    Why:
        SageMaker refuses it, or the algorithm finds a pipe where it looks for files.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 522234722520.dkr.ecr.us-east-1.amazonaws.com/forecasting-deepar:1
          TrainingInputMode: Pipe
        HyperParameters: {time_freq: D, context_length: "30", prediction_length: "30", epochs: "10"}
        InputDataConfig:
          - ChannelName: train
            ContentType: json
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Right:
        AlgorithmSpecification:
          TrainingImage: 522234722520.dkr.ecr.us-east-1.amazonaws.com/forecasting-deepar:1
        HyperParameters: {time_freq: D, context_length: "30", prediction_length: "30", epochs: "10"}
        InputDataConfig:
          - ChannelName: train
            ContentType: json
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-im-models.html
    Since:
        0.1
    """
    algorithm = view.builtin
    if algorithm is None:
        return
    for channel in view.channels:
        mode = input_mode(view, channel)
        asked = "File" if mode == "FastFile" else mode
        if asked is None or asked in algorithm.input_modes or channel.name in ("code", "model"):
            continue
        if mode not in ("File", "Pipe", "FastFile"):
            continue
        yield Problem(
            f"the {algorithm.name} algorithm does not support {mode} mode",
            (*channel.path, "InputMode")
            if "InputMode" in channel.request
            else ("AlgorithmSpecification", "TrainingInputMode"),
            "use " + " or ".join(algorithm.input_modes),
        )
        if "InputMode" not in channel.request:
            return


@rule("CHN034", area="channels", reads=("*.S3DataType=AugmentedManifestFile",), when="builtin")
def manifest_attributes(view: TrainingView) -> Iterator[Problem]:
    """An augmented manifest for a built-in image algorithm has its form.

    What it does:
        Wants the number of AttributeNames that the algorithm reads (the image and its label) and RecordWrapperType
        RecordIO.
    Why:
        The algorithm reads records in pairs from the pipe. Unwrapped objects, or another number of attributes, cannot
        be told apart, and the job fails.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:1
        ResourceConfig: {InstanceType: ml.p3.2xlarge}
        HyperParameters: {num_classes: "3", num_training_samples: "900"}
        InputDataConfig:
          - ChannelName: train
            InputMode: Pipe
            ContentType: application/x-recordio
            DataSource:
              S3DataSource:
                S3DataType: AugmentedManifestFile
                S3Uri: s3://example-bucket/labels/train.manifest
                AttributeNames: [source-ref, boxes]
    Right:
        AlgorithmSpecification:
          TrainingImage: 811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1
        ResourceConfig: {InstanceType: ml.p3.2xlarge}
        HyperParameters: {num_classes: "3", num_training_samples: "900"}
        InputDataConfig:
          - ChannelName: train
            InputMode: Pipe
            ContentType: application/x-recordio
            RecordWrapperType: RecordIO
            DataSource:
              S3DataSource:
                S3DataType: AugmentedManifestFile
                S3Uri: s3://example-bucket/labels/train.manifest
                AttributeNames: [source-ref, boxes]
          - ChannelName: validation
            InputMode: Pipe
            ContentType: application/x-recordio
            RecordWrapperType: RecordIO
            DataSource:
              S3DataSource:
                S3DataType: AugmentedManifestFile
                S3Uri: s3://example-bucket/labels/validation.manifest
                AttributeNames: [source-ref, boxes]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/augmented-manifest.html
    Since:
        0.1
    """
    algorithm = view.builtin
    if algorithm is None or algorithm.manifest_content_type is None:
        return
    for channel in view.channels:
        if channel.s3.get("S3DataType") != MANIFEST:
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


@rule("CHN035", area="channels", severity="warning", reads=("InputDataConfig",), when="builtin")
def distributed_xgboost_data(view: TrainingView) -> Iterator[Problem]:
    """XGBoost on several hosts wants its data sharded.

    What it does:
        Names training channels that are FullyReplicated where the XGBoost algorithm runs on several hosts.
    Why:
        Each host trains on what it is given. With a whole copy each the job costs n times as much for the same model.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        HyperParameters: {num_round: "100"}
        ResourceConfig: {InstanceCount: 3}
    Right:
        AlgorithmSpecification:
          TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        HyperParameters: {num_round: "100"}
        ResourceConfig: {InstanceCount: 3}
        InputDataConfig:
          - ChannelName: train
            ContentType: text/csv
            DataSource:
              S3DataSource:
                {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/", S3DataDistributionType: ShardedByS3Key}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html
    Since:
        0.1
    """
    algorithm = view.builtin
    hosts = view.host_count
    if algorithm is None or algorithm.name != "xgboost" or hosts is None or hosts < 2:
        return
    if view.hyperparameters.get("use_dask_gpu_training") == "true":  # Dask shares the data out itself.
        return
    for channel in view.channels:
        if channel.name == "train" and channel.s3:
            kind = channel.s3.get("S3DataDistributionType", "FullyReplicated")
            if kind == "FullyReplicated":
                yield Problem(
                    f"each of the {hosts} hosts trains on all of channel 'train'",
                    (*channel.path, "DataSource", "S3DataSource", "S3DataDistributionType"),
                    "use ShardedByS3Key, with at least as many objects as hosts",
                )


@rule("CHN036", area="channels", reads=("InputDataConfig",), when="builtin")
def distribution_of_the_algorithm(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm wants its data distributed one way.

    What it does:
        Holds S3DataDistributionType against what the algorithm supports in that channel.
    Why:
        Random Cut Forest's train channel only supports ShardedByS3Key, and its test channel FullyReplicated (which is
        what a channel without S3DataDistributionType has). The algorithm refuses the other when it starts.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 382416733822.dkr.ecr.us-east-1.amazonaws.com/randomcutforest:1
        HyperParameters: {feature_dim: "10"}
        InputDataConfig:
          - ChannelName: train
            ContentType: text/csv;label_size=0
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Right:
        AlgorithmSpecification:
          TrainingImage: 382416733822.dkr.ecr.us-east-1.amazonaws.com/randomcutforest:1
        HyperParameters: {feature_dim: "10"}
        InputDataConfig:
          - ChannelName: train
            ContentType: text/csv;label_size=0
            DataSource:
              S3DataSource:
                {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/", S3DataDistributionType: ShardedByS3Key}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/randomcutforest.html
    Since:
        0.1
    """
    algorithm = view.builtin
    wanted = table("channels")["distribution"].get(algorithm.name) if algorithm is not None else None
    if algorithm is None or wanted is None:
        return
    for channel in view.channels:
        kind = wanted.get(channel.name)
        given = channel.s3.get("S3DataDistributionType", "FullyReplicated")
        if kind is not None and channel.s3 and isinstance(given, str) and given != kind:
            yield Problem(
                f"the channel {show(channel.name)} of {algorithm.name} only supports {kind}, and is {given}",
                (*channel.path, "DataSource", "S3DataSource", "S3DataDistributionType"),
                f"set S3DataDistributionType to {kind}",
            )


@rule("CHN037", area="channels", severity="warning", reads=("InputDataConfig",), when="builtin")
def label_size(view: TrainingView) -> Iterator[Problem]:
    """An algorithm without a target says so in its content type.

    What it does:
        Wants `label_size=0` in text/csv for the algorithms that learn without labels, and `label_size=1` for the test
        channel of Random Cut Forest.
    Why:
        In CSV the first column is the target unless the content type says otherwise. K-means then clusters without its
        first feature, or fails because feature_dim is one more than it finds.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1
        HyperParameters: {k: "3", feature_dim: "10"}
        InputDataConfig:
          - ChannelName: train
            ContentType: text/csv
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Right:
        AlgorithmSpecification:
          TrainingImage: 382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1
        HyperParameters: {k: "3", feature_dim: "10"}
        InputDataConfig:
          - ChannelName: train
            ContentType: text/csv;label_size=0
            DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html
    Since:
        0.1
    """
    algorithm = view.builtin
    facts = table("channels")
    if algorithm is None or algorithm.name not in facts["unlabelled_csv"]:
        return
    labelled = facts["labelled_csv"].get(algorithm.name, ())
    for channel in view.channels:
        content = channel.text("ContentType")
        if content is None or _base(content) != "text/csv":
            continue
        parameters = content.replace(" ", "").lower()
        size = 1 if channel.name in labelled else 0
        if f"label_size={size}" not in parameters:
            yield Problem(
                f"{algorithm.name} takes the first column of channel {show(channel.name)} for "
                + ("a feature" if size and "label_size=0" in parameters else "the target"),
                (*channel.path, "ContentType"),
                f"write text/csv;label_size={size}",
                severity="info" if size and "label_size" not in parameters else None,
            )

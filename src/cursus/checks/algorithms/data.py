"""Rules on the data of built-in algorithms: how it is shared out among hosts and GPUs, and which column is the target."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.aws import images, instances
from cursus.aws.tables import table
from cursus.checks.algorithms.channels import base_type
from cursus.checks.rules import PROGRAM, Problem, hyperparameters, rule
from cursus.checks.views import TrainingView
from cursus.redact import show


@rule("CHN035", severity="warning", reads=("InputDataConfig",), when="several hosts")
def distributed_xgboost_data(view: TrainingView) -> Iterator[Problem]:
    """XGBoost on several hosts wants its data sharded.

    What it does:
        Names training channels that are FullyReplicated where the XGBoost algorithm runs on several hosts.
    Why:
        Each host trains on what it is given. With a whole copy each the job costs n times as much for the same model.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
          HyperParameters: {num_round: "100"}
          ResourceConfig: {InstanceCount: 3}
        + InputDataConfig:
        +   - ChannelName: train
        +     ContentType: text/csv
        +     DataSource:
        +       S3DataSource:
        +         {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/", S3DataDistributionType: ShardedByS3Key}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html
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


@rule("CHN036", reads=("InputDataConfig",), when="builtin", shared=True)
def distribution_of_the_algorithm(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm wants its data distributed one way.

    What it does:
        Holds S3DataDistributionType against what the algorithm supports in that channel. On several instances, a test or
        validation channel that its page wants whole on each is a warning.
    Why:
        Random Cut Forest's train channel only supports ShardedByS3Key, and its test channel FullyReplicated (which is
        what a channel without S3DataDistributionType has). The algorithm refuses the other when it starts. Image
        classification on several instances wants FullyReplicated of what it reads from a pipe. What is divided among the
        hosts of the others is scored in parts.
    Example:
          AlgorithmSpecification:
            TrainingImage: 382416733822.dkr.ecr.us-east-1.amazonaws.com/randomcutforest:1
          HyperParameters: {feature_dim: "10"}
          InputDataConfig:
            - ChannelName: train
              ContentType: text/csv;label_size=0
        -     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
        +     DataSource:
        +       S3DataSource:
        +         {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/", S3DataDistributionType: ShardedByS3Key}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/randomcutforest.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/image-classification.html
    """
    algorithm, facts = view.builtin, table("channels")
    if algorithm is None:
        return
    wanted = facts["distribution"].get(algorithm.name, {})
    several = (view.host_count or 0) > 1
    piped = facts["piped_distribution"].get(algorithm.name) if several else None
    advised = facts["advised_distribution"].get(algorithm.name, {}) if several else {}
    if not wanted and not advised and piped is None:
        return
    for channel in view.channels:
        surely = wanted.get(channel.name) or (piped if view.input_mode(channel) == "Pipe" else None)
        kind = surely or advised.get(channel.name)
        given = channel.s3.get("S3DataDistributionType", "FullyReplicated")
        if kind is not None and channel.s3 and isinstance(given, str) and given != kind:
            yield Problem(
                f"the channel {show(channel.name)} of {algorithm.name} {'only supports' if surely else 'should be'} {kind}, "
                f"and is {given}",
                (*channel.path, "DataSource", "S3DataSource", "S3DataDistributionType"),
                f"set S3DataDistributionType to {kind}",
                severity=None if surely else "warning",
            )


@rule("CHN037", severity="warning", reads=("InputDataConfig",), when="builtin", shared=True, of=PROGRAM)
def label_size(view: TrainingView) -> Iterator[Problem]:
    """An algorithm without a target says so in its content type.

    What it does:
        Wants `label_size=0` in text/csv for the algorithms that learn without labels, and `label_size=1` for the test
        channel of Random Cut Forest. Finds another label_size than 1 for XGBoost: an error.
    Why:
        In CSV the first column is the target unless the content type says otherwise. K-means then clusters without its
        first feature, or fails because feature_dim is one more than it finds. XGBoost's container ends with a user
        error on a label_size that is not 1.
    Example:
          AlgorithmSpecification:
            TrainingImage: 382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1
          HyperParameters: {k: "3", feature_dim: "10"}
          InputDataConfig:
            - ChannelName: train
        -     ContentType: text/csv
        +     ContentType: text/csv;label_size=0
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html
    """
    algorithm = view.builtin
    facts = table("channels")
    if algorithm is None:
        return
    image = images.amazon_image(view.image)
    only = facts["csv_label_size"].get(image.repository) if image is not None else None
    if only is not None:
        for channel in view.channels:
            written = (channel.text("ContentType") or "").replace(" ", "").lower()
            _, named, given = written.partition("text/csv;label_size=")
            if named and given.partition(";")[0] != only:
                yield Problem(
                    f"{algorithm.name} refuses {show(written)}: a row has {only} label",
                    (*channel.path, "ContentType"),
                    "write text/csv",
                    severity="error",
                )
    if algorithm.name not in facts["unlabelled_csv"]:
        return
    labelled = facts["labelled_csv"].get(algorithm.name, ())
    for channel in view.channels:
        content = channel.text("ContentType")
        if content is None or base_type(content) != "text/csv":
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


@rule("CHN038", reads=hyperparameters("use_dask_gpu_training"), when="builtin")
def data_for_dask(view: TrainingView) -> Iterator[Problem]:
    """XGBoost's training with Dask reads whole files of CSV or Parquet.

    What it does:
        Looks at input mode, ContentType and, on several hosts, S3DataDistributionType of the data channels where
        `use_dask_gpu_training` is on.
    Why:
        The container refuses the rest after the instances have started: "Dask training is only supported for CSV and
        Parquet input", "not supported for pipe mode input", "requires FullyReplicated data".
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
          HyperParameters: {num_round: "100", tree_method: gpu_hist, use_dask_gpu_training: "true"}
          ResourceConfig: {InstanceType: ml.g4dn.12xlarge}
          InputDataConfig:
            - ChannelName: train
        -     ContentType: text/libsvm
        +     ContentType: text/csv
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html
        https://github.com/aws/sagemaker-xgboost-container
    """
    algorithm = view.builtin
    if algorithm is None or view.hyperparameters.get("use_dask_gpu_training") != "true":
        return
    for channel in view.channels:
        if channel.name not in ("train", "validation"):
            continue
        content = base_type(channel.text("ContentType") or "") or algorithm.default_content_type or ""
        if content and content not in algorithm.dask_content_types:
            yield Problem(
                f"training with Dask reads CSV and Parquet, and channel {show(channel.name)} is {content}",
                (*channel.path, "ContentType"),
                "use one of " + ", ".join(algorithm.dask_content_types),
            )
        if view.input_mode(channel) == "Pipe":
            yield Problem(
                f"training with Dask reads files, and channel {show(channel.name)} is in Pipe mode",
                channel.mode_path,
                "use File mode",
            )
        sharded = channel.s3.get("S3DataDistributionType") == "ShardedByS3Key"
        if sharded and (view.host_count or 1) > 1:
            yield Problem(
                f"training with Dask wants all of the data on each host, and channel {show(channel.name)} is sharded",
                (*channel.path, "DataSource", "S3DataSource", "S3DataDistributionType"),
                "use FullyReplicated",
            )


@rule("RES017", reads=("ResourceConfig", "HyperParameterTuningResourceConfig"), when="builtin on gpus")
def batch_for_each_gpu(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm's batch has an image for each GPU.

    What it does:
        Compares mini_batch_size of image classification and object detection with the GPUs of an instance.
    Why:
        MXNet shares each batch out among the GPUs of an instance, and fails where one would get none: "Too many
        slices. Some splits are empty."
    Example:
          AlgorithmSpecification: {TrainingImage: "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"}
          ResourceConfig: {InstanceType: ml.p3.16xlarge}
        - HyperParameters: {num_classes: "2", num_training_samples: "60", mini_batch_size: "4"}
        + HyperParameters: {num_classes: "2", num_training_samples: "60", mini_batch_size: "32"}
          InputDataConfig:
            - {ChannelName: train, ContentType: application/x-recordio, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}}
            - {ChannelName: validation, ContentType: application/x-recordio, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/held-out/"}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/IC-Hyperparameter.html
    """
    algorithm = view.builtin
    if algorithm is None or algorithm.batch_per_gpu is None:
        return
    given = view.hyperparameters.get(algorithm.batch_per_gpu)
    if not isinstance(given, str) or not (given.isascii() and given.isdigit()):
        return
    for _, kind, _ in view.instances:
        instance = instances.find(kind)
        if instance is not None and 0 < int(given) < instance.gpus:
            yield Problem(
                f"{algorithm.batch_per_gpu} {given} is less than the {instance.gpus} GPUs of {kind}, which share a batch.",
                (view.hyperparameters_member, algorithm.batch_per_gpu),
                f"Set it to {instance.gpus} or more.",
            )
            return

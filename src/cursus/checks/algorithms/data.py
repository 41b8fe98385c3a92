"""Rules on the data of built-in algorithms: how it is shared out among hosts and GPUs, and which column is the target."""

from __future__ import annotations

import re
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


@rule("CHN045", reads=("?file",), when="builtin")
def other_file(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm is given one file where it reads folders, or files of another kind.

    What it does:
        Looks at the channels in which a script of Amazon's looks for folders, such as train/ and validation/ in *training*
        of LightGBM, or for files of one kind, such as .jsonl for instruction tuning, for an S3Uri that is another file by its ending.
    Why:
        The file lies in the channel's folder itself: "No such file or directory: '/opt/ml/input/data/training/train/data.csv'".
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/autogluon-training:0.4.3-cpu-py38
          HyperParameters:
            sagemaker_program: transfer_learning.py
            sagemaker_submit_directory: s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs/autogluon/transfer_learning/classification/v1.0.1/sourcedir.tar.gz
          InputDataConfig:
            - ChannelName: training
        -     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/data.csv"}}
        +     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/autogluon-tabular.html (input and output interface),
        https://docs.aws.amazon.com/sagemaker/latest/dg/jumpstart-foundation-models-fine-tuning-instruction-based.html,
        https://github.com/aws/amazon-sagemaker-examples/issues/3513
    """
    algorithm = view.builtin
    if algorithm is None or not (algorithm.folders or algorithm.files_when):
        return
    for channel, uri, kind in view.located:
        ending = _FILE.search(uri) if kind == "S3Prefix" else None
        if ending is None:
            continue
        place = (*channel.path, "DataSource", "S3DataSource", "S3Uri")
        if channel.name in algorithm.folders:
            yield Problem(
                f"{algorithm.name} looks for folders in the channel {show(channel.name)}, and its S3Uri is one file",
                place,
                "name the prefix that the folders, such as train/ and validation/, are below",
            )
        for files in algorithm.files_when:
            wanted = channel.name in files.channels and files.when.applies(view.values)
            if wanted and ending[0].lower() not in files.endings:
                said = " and ".join(f"{name} {show(view.values.get(name), name)}" for name in files.when.when)
                yield Problem(
                    f"{algorithm.name} reads files that end with {' or '.join(files.endings)} for {said}, and this is a {ending[0]}",
                    place,
                    "convert the data, and name its prefix",
                )


_FILE = re.compile(r"(?i)\.(csv|tsv|txt|json|jsonl|parquet|gz|zip|tar|tgz|jpe?g|png)$")
"""How the name of a single file of data ends."""


@rule("HPO049", reads=("ResourceConfig", "HyperParameterTuningResourceConfig"), when="builtin on gpus")
def too_large_a_model(view: TrainingView) -> Iterator[Problem]:
    """A model does not fit into the GPUs' memory in the way that it is to be trained.

    What it does:
        Compares how JumpStart's scripts are to train a model (FSDP, 8 bits), its size, which its name says, and the instance type with what
        Amazon says does not work. Where the size is not known, it is a warning.
    Why:
        "Not supported due to CUDA memory issues": the job runs out of memory after it has loaded the model.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.0.0-transformers4.28.1-gpu-py310-cu118-ubuntu20.04
          ResourceConfig: {InstanceType: ml.g5.48xlarge, VolumeSizeInGB: 256}
          Environment: {accept_eula: "true"}
          HyperParameters:
            sagemaker_program: transfer_learning.py
            sagemaker_submit_directory: s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs/training/meta-textgeneration/v1.2.0/sourcedir.tar.gz
        -   enable_fsdp: "True"
        +   enable_fsdp: "False"
            int8_quantization: "True"
          InputDataConfig:
            - {ChannelName: training, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/texts/"}}}
            - {ChannelName: model, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://jumpstart-private-cache-prod-us-east-1/meta-training/train-meta-textgeneration-llama-3-1-70b.tar.gz"}}}
    Source:
        https://github.com/aws/amazon-sagemaker-examples (sm-jumpstart_foundation_llama_3_finetuning.ipynb)
    """
    algorithm = view.builtin
    if algorithm is None or not algorithm.unfit:
        return
    sources = [uri for channel, uri, _ in view.located if channel.name == "model"]
    sources.append(str(view.environment.get("SageMakerGatedModelS3Uri", "")))
    sizes = [float(size) for uri in sources for size in _BILLIONS.findall(uri)]
    families = {name.split(".")[1] for _, name, _ in view.instances if name.count(".") == 2}
    for case in algorithm.unfit:
        if not families or not families <= set(case.families) or not case.when.applies(view.values):
            continue
        if any(size >= case.billions for size in sizes) or (not sizes and case.billions < 10):
            names = list(case.when.when)
            said = " and ".join(f"{name} {show(view.values.get(name), name)}" for name in names)
            yield Problem(
                f"the model does not fit into the GPUs of {', '.join(sorted(families))} with {said}",
                (view.hyperparameters_member, names[-1]),
                "train with int8_quantization True and enable_fsdp False, or smaller models with FSDP alone",
                severity=None if sizes else "warning",
            )


_BILLIONS = re.compile(r"-(\d+(?:\.\d+)?)b(?![a-z0-9])")
"""How many billion parameters a model has, in its name."""

"""Rules of the area *channels*: names, data sources, input modes and manifests.

File systems are in ``file_systems``; where the data lies, and which hosts get it, in ``data``; what a built-in algorithm wants of its
channels in ``algorithms.channels``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cursus.checks.rules import PROGRAM, Problem, rule
from cursus.checks.texts import GATED
from cursus.checks.views import TrainingView, mapping, text
from cursus.redact import show

SOURCES = ("S3DataSource", "FileSystemDataSource", "DatasetSource")


@rule("CHN001", reads=("InputDataConfig",), when="several channels", shared=True, of=PROGRAM)
def duplicate_channel_names(view: TrainingView) -> Iterator[Problem]:
    """Two channels have the same name.

    What it does:
        Compares the ChannelName of all channels of one training job definition.
    Why:
        The name is the directory below /opt/ml/input/data. SageMaker refuses a request that uses one twice:
        "Duplicate channel name".
    Example:
          InputDataConfig:
            - ChannelName: train
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/a/"}}
        -   - ChannelName: train
        +   - ChannelName: extra
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/b/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html
    """
    if len(view.channels) < 2:
        return
    seen: dict[str, int] = {}
    for channel in view.channels:
        if channel.name is None:
            continue
        if channel.name in seen:
            yield Problem(
                f"Duplicate channel name {show(channel.name)}: InputDataConfig[{seen[channel.name]}] has it already",
                (*channel.path, "ChannelName"),
                "give each channel its own name",
            )
        seen.setdefault(channel.name, channel.index)


@rule(
    "CHN002",
    severity="warning",
    reads=("InputDataConfig",),
    when="several channels",
    shared=True,
    of=PROGRAM,
)
def names_differ_by_case(view: TrainingView) -> Iterator[Problem]:
    """Two channel names differ only in case.

    What it does:
        Compares channel names in upper case, as the environment variables SM_CHANNEL_* have them.
    Why:
        `train` and `Train` are two directories but one variable SM_CHANNEL_TRAIN: a script finds only one of them.
    Example:
          InputDataConfig:
            - ChannelName: train
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/a/"}}
        -   - ChannelName: Train
        +   - ChannelName: extra
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/b/"}}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    """
    if len(view.channels) < 2:
        return
    seen: dict[str, str] = {}
    for channel in view.channels:
        if channel.name is None:
            continue
        other = seen.setdefault(channel.name.upper(), channel.name)
        if other != channel.name:
            yield Problem(
                f"the channels {show(other)} and {show(channel.name)} share the variable "
                f"SM_CHANNEL_{channel.name.upper()}",
                (*channel.path, "ChannelName"),
                "use names that differ in more than case",
            )


@rule("CHN003", reads=("*.DataSource={}", "*.FileSystemDataSource", "*.DatasetSource"), shared=True)
def one_data_source(view: TrainingView) -> Iterator[Problem]:
    """A channel has no data source, or several.

    What it does:
        Counts the members of DataSource.
    Why:
        A channel reads from exactly one place; SageMaker refuses a channel with none or with two of them.
    Example:
          InputDataConfig:
        -   - {ChannelName: train, DataSource: {}}
        +   - ChannelName: train
        +     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/a/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataSource.html
    """
    for channel in view.channels:
        source = channel.request.get("DataSource")
        if not isinstance(source, Mapping) or len(source) == 1:
            continue
        if not source:
            yield Problem(
                f"{channel.label} has an empty DataSource",
                (*channel.path, "DataSource"),
                "give it an S3DataSource or a FileSystemDataSource",
            )
            continue
        given = [name for name in SOURCES if source.get(name) is not None]
        if len(given) > 1:
            yield Problem(
                f"{channel.label} has {' and '.join(given)}; a channel has exactly one data source",
                (*channel.path, "DataSource"),
                "keep one, and make a second channel for the other",
            )


@rule("CHN004", reads=("*.CompressionType=Gzip",), shared=True)
def gzip_outside_pipe_mode(view: TrainingView) -> Iterator[Problem]:
    """CompressionType Gzip is only for Pipe mode.

    What it does:
        Holds the CompressionType of each channel against the input mode that applies to it (its own InputMode,
        else TrainingInputMode).
    Why:
        SageMaker decompresses only what it streams: "Compression type Gzip is not allowed" for a channel in File
        or FastFile mode, and the request is refused. In these modes the script decompresses the files itself.
    Example:
          InputDataConfig:
            - ChannelName: train
              CompressionType: Gzip
        +     InputMode: Pipe
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/gz/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html
    """
    for channel in view.channels:
        if channel.request.get("CompressionType") != "Gzip":
            continue
        mode = view.input_mode(channel)
        if mode is not None and mode != "Pipe":
            yield Problem(
                f"compression type Gzip is not allowed for {channel.label} in {mode} mode",
                (*channel.path, "CompressionType"),
                "leave CompressionType out and decompress in the script, or set InputMode to Pipe",
            )


@rule("CHN005", reads=("*.RecordWrapperType=RecordIO",), shared=True)
def record_wrapper_outside_pipe_mode(view: TrainingView) -> Iterator[Problem]:
    """RecordWrapperType RecordIO is only for Pipe mode.

    What it does:
        Holds the RecordWrapperType of each channel against the input mode that applies to it.
    Why:
        SageMaker wraps objects into records while it streams them. In File mode the member has to be unset or None.
    Example:
          InputDataConfig:
            - ChannelName: train
              RecordWrapperType: RecordIO
        +     InputMode: Pipe
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/images/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html
    """
    for channel in view.channels:
        if channel.request.get("RecordWrapperType") != "RecordIO":
            continue
        if channel.s3.get("S3DataType") == "AugmentedManifestFile":
            continue  # CHN006 asks for Pipe mode there
        mode = view.input_mode(channel)
        if mode is not None and mode != "Pipe":
            yield Problem(
                f"RecordWrapperType RecordIO is not allowed for {channel.label} in {mode} mode",
                (*channel.path, "RecordWrapperType"),
                "leave RecordWrapperType out, or set InputMode to Pipe",
            )


@rule("CHN006", reads=("*.S3DataType=AugmentedManifestFile",), shared=True)
def augmented_manifest_outside_pipe_mode(view: TrainingView) -> Iterator[Problem]:
    """An augmented manifest is only for Pipe mode.

    What it does:
        Holds S3DataType AugmentedManifestFile against the input mode that applies to the channel.
    Why:
        "AugmentedManifestFile can only be used if the Channel's input mode is Pipe": any other is refused.
    Example:
          InputDataConfig:
            - ChannelName: train
        +     InputMode: Pipe
        +     RecordWrapperType: RecordIO
              DataSource:
                S3DataSource:
                  S3DataType: AugmentedManifestFile
                  S3Uri: s3://example-bucket/labels/train.manifest
                  AttributeNames: [source-ref, label]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    wrong: dict[tuple[str | int, ...], tuple[str, list[str]]] = {}
    for channel in view.channels:
        if channel.s3.get("S3DataType") != "AugmentedManifestFile":
            continue
        mode = view.input_mode(channel)
        if mode is not None and mode != "Pipe":
            wrong.setdefault(channel.mode_path, (mode, []))[1].append(channel.label)
    for path, (mode, labels) in wrong.items():
        several = len(labels) > 1
        yield Problem(
            "AugmentedManifestFile can only be used if the Channel's input mode is Pipe: "
            f"{', '.join(labels)} {'are' if several else 'is'} read in {mode} mode",
            path,
            f"set InputMode of {'these channels' if several else 'this channel'} to Pipe",
        )


@rule("CHN007", reads=("*.AttributeNames", "*.S3DataType=AugmentedManifestFile"), shared=True)
def attribute_names(view: TrainingView) -> Iterator[Problem]:
    """AttributeNames belong to an augmented manifest, and it needs them.

    What it does:
        An error where AttributeNames stand beside another S3DataType or occur twice; a warning where an
        augmented manifest has none.
    Why:
        AttributeNames say which members of each JSON line are streamed, and in which order. Nothing but an
        augmented manifest has any; without them SageMaker does not know what to send.
    Example:
          InputDataConfig:
            - ChannelName: train
        -     DataSource:
        -       S3DataSource:
        -         S3DataType: S3Prefix
        -         S3Uri: s3://example-bucket/labels/
        -         AttributeNames: [source-ref, label]
        +     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/labels/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/augmented-manifest.html
    """
    for channel in view.channels:
        kind = text(channel.s3, "S3DataType")
        if kind is None:
            continue
        names = channel.s3.get("AttributeNames")
        path = (*channel.path, "DataSource", "S3DataSource", "AttributeNames")
        if kind == "AugmentedManifestFile":
            if not names:
                if view.builtin is not None and view.builtin.manifest_content_type is not None:
                    continue  # CHN034 knows what that algorithm reads
                yield Problem(
                    f"{channel.label} reads an augmented manifest and names no attributes of it",
                    path,
                    'list them in the order the algorithm expects, such as ["source-ref", "label"]',
                    severity="warning",
                )
            elif isinstance(names, list):
                texts = [name for name in names if isinstance(name, str)]
                twice = [name for i, name in enumerate(texts) if name in texts[:i]]
                if twice:
                    yield Problem(
                        f"{channel.label} names the attribute {show(twice[0])} twice",
                        path,
                        "name each once",
                    )
        elif names and isinstance(names, list):
            yield Problem(
                f"{channel.label} has AttributeNames, but S3DataType {kind}; they are for AugmentedManifestFile only",
                path,
                "leave AttributeNames out, or set S3DataType to AugmentedManifestFile",
            )


@rule(
    "CHN008",
    reads=("*.S3DataType=ManifestFile", "*.InputMode=FastFile", "*.TrainingInputMode=FastFile"),
    shared=True,
)
def fast_file_needs_prefix(view: TrainingView) -> Iterator[Problem]:
    """FastFile mode reads S3 prefixes only, and not beside Pipe mode.

    What it does:
        Holds S3DataType ManifestFile, and the modes of the other channels, against FastFile mode. (An augmented manifest is
        CHN006's.)
    Why:
        FastFile mode supports S3 prefixes, and neither manifests nor augmented manifests. "Cannot use both 'Pipe' and
        'FastFile' TrainingInputMode on the same Training Job."
    Example:
          InputDataConfig:
            - ChannelName: train
              InputMode: FastFile
        -     DataSource:
        -       S3DataSource: {S3DataType: ManifestFile, S3Uri: "s3://example-bucket/train.manifest"}
        +     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
    """
    for channel in view.channels:
        if channel.s3.get("S3DataType") == "ManifestFile" and view.input_mode(channel) == "FastFile":
            yield Problem(
                f"{channel.label} reads a manifest in FastFile mode, which supports S3 prefixes only",
                channel.mode_path,
                "use S3DataType S3Prefix, or InputMode File or Pipe",
            )
    modes = {view.input_mode(channel): channel for channel in reversed(list(view.channels))}
    if "FastFile" in modes and "Pipe" in modes:
        yield Problem(
            f"{modes['Pipe'].label} is in Pipe mode, and {modes['FastFile'].label} in FastFile mode: a job cannot use both",
            modes["Pipe"].mode_path,
            "write FastFile or File for it",
        )


@rule(
    "CHN012",
    severity="warning",
    reads=(
        "*.TrainingInputMode=Pipe",
        "*.InputMode=Pipe",
        "*.S3DataType=ManifestFile",
        "*.S3DataType=AugmentedManifestFile",
    ),
    when="several channels",
    shared=True,
)
def name_of_a_pipe_or_manifest(view: TrainingView) -> Iterator[Problem]:
    """A channel is called like a file that SageMaker makes for another one.

    What it does:
        Looks for `<name>-manifest` beside a manifest channel and `<name>_<epoch>` beside a Pipe channel.
    Why:
        In /opt/ml/input/data SageMaker puts `<name>-manifest` beside a channel read through a manifest, and the named
        pipes `<name>_0`, `<name>_1`, … for one in Pipe mode. A channel of that name would take their place.
    Example:
          InputDataConfig:
            - ChannelName: train
              InputMode: Pipe
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/a/"}}
        -   - ChannelName: train_0
        +   - ChannelName: extra
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/b/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    if len(view.channels) < 2:
        return
    names = {channel.name: channel for channel in view.channels if channel.name}
    for name, channel in names.items():
        stem, _, epoch = name.rpartition("_")
        if stem in names and epoch.isdigit() and view.input_mode(names[stem]) == "Pipe":
            taken = f"a named pipe of the channel {show(stem)}"
        elif (
            name.endswith("-manifest")
            and name[:-9] in names
            and "Manifest" in str(names[name[:-9]].s3.get("S3DataType"))
        ):
            taken = f"the manifest of the channel {show(name[:-9])}"
        else:
            continue
        yield Problem(
            f"the channel {show(name)} has the name of {taken}",
            (*channel.path, "ChannelName"),
            "rename one of them",
        )


@rule("CHN013", reads=("*.ModelAccessConfig", "Environment.SageMakerGatedModelS3Uri", "?gated"))
def model_access(view: TrainingView) -> Iterator[Problem]:
    """A gated model needs its licence accepted.

    What it does:
        Looks for AcceptEula false in ModelAccessConfig; and for a gated model of JumpStart's, in the channel *model* or in
        SageMakerGatedModelS3Uri, for which neither AcceptEula is true nor the variable accept_eula.
    Why:
        SageMaker gives the artifacts of a gated model only to those who accept its end-user licence agreement:
        AcceptEula has to be true, or the job cannot read the model.
    Example:
          InputDataConfig:
            - ChannelName: model
              DataSource:
                S3DataSource:
                  S3DataType: S3Prefix
                  S3Uri: s3://jumpstart-private-cache-prod-us-east-1/meta-training/
        -         ModelAccessConfig: {AcceptEula: false}
        +         ModelAccessConfig: {AcceptEula: true}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelAccessConfig.html
    """
    accepted = view.environment.get("accept_eula", "false") not in ("", "false", "False")
    for channel in view.channels:
        access = mapping(channel.s3, "ModelAccessConfig")
        accepted = accepted or access.get("AcceptEula") is True
        place = (*channel.path, "DataSource", "S3DataSource", "ModelAccessConfig", "AcceptEula")
        if access.get("AcceptEula") is False:
            yield Problem(
                f"{channel.label} asks for a gated model and does not accept its licence",
                place,
                "set AcceptEula to true after reading the licence, or leave ModelAccessConfig out",
            )
        elif (
            channel.name == "model"
            and not access
            and not accepted
            and "HubAccessConfig" not in channel.s3
            and str(channel.s3.get("S3Uri")).startswith(GATED)
        ):
            yield Problem(
                f"{channel.label} is a gated model of JumpStart's, and nothing accepts its licence",
                place[:-1],
                "add ModelAccessConfig: {AcceptEula: true}, or accept_eula to Environment, after reading the licence",
            )
    if "SageMakerGatedModelS3Uri" in view.environment and not accepted:
        yield Problem(
            "SageMakerGatedModelS3Uri names a gated model, and accept_eula does not accept its licence",
            ("Environment", "accept_eula"),
            'add accept_eula: "true" to Environment after reading the licence',
        )

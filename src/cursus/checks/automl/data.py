"""Rules of the areas *channels* and *artifacts* for AutoML requests: input channels, their content, output, endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cursus.aws.tables import table
from cursus.checks.artifacts import key_problem, key_severity
from cursus.checks.automl.jobs import PROBLEM
from cursus.checks.rules import LEARNT_FROM, Problem, rule
from cursus.checks.views import AutoMLView, is_reference, mapping, text
from cursus.model import Path
from cursus.redact import show


def _data_type(channel: Mapping[str, object]) -> str | None:
    return text(mapping(mapping(channel, "DataSource"), "S3DataSource"), "S3DataType")


@rule("CHN040", scope="automl", shared=True, of=LEARNT_FROM)
def automl_channel_types(view: AutoMLView) -> Iterator[Problem]:
    """Two AutoML channels are one for training and one for validation.

    What it does:
        Compares ChannelType (training unless given), ContentType and target of the channels, and looks for
        ValidationFraction beside a validation channel.
    Why:
        SageMaker refuses two channels of one type, a validation channel alone, and channels that differ in content type
        or target. A validation fraction means nothing where validation data is given.
    Example:
          operation: CreateAutoMLJobV2
          AutoMLJobInputDataConfig:
            - ChannelType: training
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
        -   - ChannelType: training
        +   - ChannelType: validation
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/validation/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLJobChannel.html
    """
    found = view.channels
    kinds = [channel.get("ChannelType", "training") for _, channel in found]
    if not found or not all(isinstance(kind, str) for kind in kinds):
        return
    if "training" not in kinds:
        yield Problem(
            "there is no training channel", (*found[0][0], "ChannelType"), "set ChannelType to training"
        )
    for i, kind in enumerate(kinds):
        if kind in kinds[:i]:
            default = "" if "ChannelType" in found[i][1] else " (the default)"
            yield Problem(
                f"two channels are of type {kind}{default}",
                (*found[i][0], "ChannelType"),
                "set one of them to validation",
            )
    if len(found) == 2:
        for member in ("ContentType", "TargetAttributeName"):
            left, right = (text(channel, member) for _, channel in found)
            if left is not None and right is not None and left != right:
                yield Problem(
                    f"the channels differ in {member}: {show(left)} and {show(right)}",
                    (*found[1][0], member),
                    "training and validation data have to share it",
                )
    if "validation" in kinds:
        yield from _split(view)


def _split_config(view: AutoMLView) -> tuple[Mapping[str, object], Path]:
    """DataSplitConfig and its path."""
    if view.version == 2:
        return mapping(view.request, "DataSplitConfig"), ("DataSplitConfig",)
    config = mapping(view.request, "AutoMLJobConfig")
    return mapping(config, "DataSplitConfig"), ("AutoMLJobConfig", "DataSplitConfig")


def _split(view: AutoMLView) -> Iterator[Problem]:
    config, path = _split_config(view)
    if "ValidationFraction" in config:
        yield Problem(
            "ValidationFraction is given, and so is a validation channel, which AutoML takes for an error",
            (*path, "ValidationFraction"),
            "leave one of them out",
        )


@rule("CHN041", scope="automl", shared=True, of=LEARNT_FROM)
def automl_content(view: AutoMLView) -> Iterator[Problem]:
    """AutoML data has a form that its problem type reads.

    What it does:
        Looks up ContentType, S3DataType and CompressionType of each channel among those of the problem type. A content
        type without a header parameter is a warning.
    Why:
        Autopilot reads CSV with a header, or Parquet; images for image classification. It refuses the rest, and manifests
        where the problem type has none. Gzip is for S3 prefixes of tabular data only.
    Example:
          operation: CreateAutoMLJobV2
          AutoMLJobInputDataConfig:
        -   - ContentType: application/json
        +   - ContentType: text/csv;header=present
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLJobChannel.html
    """
    kind = view.kind
    if kind is None:
        return
    facts = table("automl")
    known, data_types = facts["content_types"].get(kind), facts["s3_data_types"].get(kind)
    for path, channel in view.channels:
        content = text(channel, "ContentType")
        if content and known and content.replace(" ", "") not in known:
            yield _content_problem(content, known, kind, (*path, "ContentType"))
        data_type = _data_type(channel)
        if data_type is not None and data_types and data_type not in data_types:
            yield Problem(
                f"{kind} does not read S3DataType {show(data_type)}",
                (*path, "DataSource", "S3DataSource", "S3DataType"),
                "use " + " or ".join(data_types),
            )
        if channel.get("CompressionType") == "Gzip" and (
            kind != "TabularJobConfig" or data_type not in (None, "S3Prefix")
        ):
            yield Problem(
                "compression type Gzip is for S3Prefix inputs of tabular data only",
                (*path, "CompressionType"),
                "leave it out",
            )


def _content_problem(content: str, known: list[str], kind: str, path: Path) -> Problem:
    base = content.partition(";")[0].strip().lower()
    if base == "text/csv" and any(each.startswith("text/csv") for each in known):
        absent = "absent" in content
        return Problem(
            f"the content type {show(content)} "
            + ("says that there is no header" if absent else "says nothing of a header"),
            path,
            "Autopilot reads CSV with a header: text/csv;header=present",
            severity=None if absent else "warning",
        )
    # A word that names no form is what generated samples hold; the service's model lets any text pass.
    sample = re.search("/|csv|parquet|json|image|jpe?g|png", base) is None
    return Problem(
        f"{kind} does not read the content type {show(content)}",
        path,
        "use " + " or ".join(known),
        severity="warning" if sample else None,
        allowable=content,
    )


@rule("CHN043", scope="automl", shared=True, of=LEARNT_FROM)
def automl_source_and_split(view: AutoMLView) -> Iterator[Problem]:
    """AutoML channels have a data source, and a validation fraction is a part.

    What it does:
        Wants DataSource in each channel, and 0 < ValidationFraction < 1.
    Why:
        The model of the service requires no DataSource and allows 0 and 1; the service refuses a channel without data,
        and a split that leaves nothing to train on or nothing to validate with.
    Example:
          operation: CreateAutoMLJobV2
        - DataSplitConfig: {ValidationFraction: 1}
        + DataSplitConfig: {ValidationFraction: 0.2}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLDataSplitConfig.html
    """
    for path, channel in view.channels:
        if not channel.get("DataSource"):
            yield Problem(
                "the channel has no data source", (*path, "DataSource"), "add DataSource.S3DataSource"
            )
    config, path = _split_config(view)
    fraction = config.get("ValidationFraction")
    if isinstance(fraction, (int, float)) and not isinstance(fraction, bool):
        place = (*path, "ValidationFraction")
        if fraction in (0, 1):
            yield Problem(
                f"the validation fraction is {fraction}; it has to be greater than 0 and less than 1",
                place,
                "use 0.2, the default",
            )
        elif 0.5 < fraction < 1:
            yield Problem(
                f"{fraction:.0%} of the data is for validation",
                place,
                "a fraction below 0.5 is recommended",
                severity="info",
            )


@rule(
    "ART010",
    scope="automl",
    reads=("OutputDataConfig", "ModelDeployConfig"),
    shared=True,
    unless=("long",),
)
def automl_output(view: AutoMLView) -> Iterator[Problem]:
    """AutoML output has a short path, a key of a known form, and one name for its endpoint.

    What it does:
        Measures OutputDataConfig.S3OutputPath, reads KmsKeyId, and holds EndpointName against
        AutoGenerateEndpointName.
    Why:
        The path must be 512 characters or less, though the model of the service allows twice that. An endpoint name
        beside AutoGenerateEndpointName true is answered with an error 400.
    Example:
          operation: CreateAutoMLJob
        - ModelDeployConfig: {AutoGenerateEndpointName: true, EndpointName: churn}
        + ModelDeployConfig: {AutoGenerateEndpointName: true}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelDeployConfig.html
    """
    output = mapping(view.request, "OutputDataConfig")
    uri = text(output, "S3OutputPath")
    most = table("automl")["max_output_path"]
    if uri is not None and len(uri) > most:
        yield Problem(
            f"the output path has {len(uri)} characters; it must be {most} or less",
            ("OutputDataConfig", "S3OutputPath"),
            "use a shorter prefix",
        )
    key = text(output, "KmsKeyId")
    wrong = key_problem(key) if key is not None else None
    if wrong is not None:
        yield Problem(
            f"the KMS key {show(key)} {wrong}",
            ("OutputDataConfig", "KmsKeyId"),
            "use a key id, alias/NAME, or the ARN of either",
            severity=key_severity(str(key)),
        )
    deploy = mapping(view.request, "ModelDeployConfig")
    automatic, name = deploy.get("AutoGenerateEndpointName"), deploy.get("EndpointName")
    if automatic is True and name is not None:
        yield Problem(
            "EndpointName is given, and AutoGenerateEndpointName is true",
            ("ModelDeployConfig", "EndpointName"),
            "leave one of them out",
        )
    elif deploy and not is_reference(automatic) and automatic is not True and name is None:
        yield Problem(
            "AutoGenerateEndpointName is not true, and there is no EndpointName",
            ("ModelDeployConfig", "EndpointName"),
            "give EndpointName, or set AutoGenerateEndpointName to true",
        )


@rule("CHN023", scope="automl", reads=("*.S3DataType=ManifestFile", "*.S3DataType=AugmentedManifestFile"))
def automl_manifest_is_an_object(view: AutoMLView) -> Iterator[Problem]:
    """The manifest of an AutoML channel is one object.

    What it does:
        Wants an S3Uri that is no folder where S3DataType says manifest.
    Why:
        SageMaker reads the object at S3Uri as the list of the data, and a folder is none: the job fails when it starts.
    Example:
          operation: CreateAutoMLJobV2
          AutoMLJobInputDataConfig:
        -   - DataSource: {S3DataSource: {S3DataType: ManifestFile, S3Uri: "s3://example-bucket/churn/"}}
        +   - DataSource: {S3DataSource: {S3DataType: ManifestFile, S3Uri: "s3://example-bucket/churn/train.manifest"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLS3DataSource.html
    """
    for path, channel in view.channels:
        s3 = mapping(mapping(channel, "DataSource"), "S3DataSource")
        uri = text(s3, "S3Uri")
        if s3.get("S3DataType") in ("ManifestFile", "AugmentedManifestFile") and uri and uri.endswith("/"):
            yield Problem(
                f"the S3Uri {show(uri)} is a folder, and S3DataType {s3['S3DataType']} wants an object",
                (*path, "DataSource", "S3DataSource", "S3Uri"),
                "name the manifest itself, or use S3Prefix",
            )


@rule("CHN046", scope="automl", reads=("?file",))
def automl_file(view: AutoMLView) -> Iterator[Problem]:
    """The file that AutoML is to learn from is none that it reads.

    What it does:
        Where the S3Uri of a channel is one file by its ending, looks for CSV or Parquet; images have other problem types.
    Why:
        "Autopilot supports CSV and Parquet": the job fails when it looks at the data.
    Example:
          operation: CreateAutoMLJobV2
          AutoMLJobInputDataConfig:
        -   - DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train.xlsx"}}
        +   - DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train.csv"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-datasets-problem-types.html
    """
    if view.kind in (None, "ImageClassificationJobConfig"):
        return
    for path, channel in view.channels:
        s3 = mapping(mapping(channel, "DataSource"), "S3DataSource")
        uri = text(s3, "S3Uri") or ""
        if s3.get("S3DataType") == "S3Prefix" and uri.lower().endswith(UNREAD):
            yield Problem(
                f"the data is {show(uri.rpartition('/')[2])}, and {view.kind} reads CSV with a header, or Parquet",
                (*path, "DataSource", "S3DataSource", "S3Uri"),
                "convert the data to CSV or Parquet",
            )


UNREAD = (".xlsx", ".xls", ".json", ".jsonl", ".xml", ".pkl", ".npy", ".avro", ".orc", ".zip", ".libsvm")
"""How files end that are neither CSV nor Parquet."""


@rule("CHN042", scope="automl", severity="warning", reads=("*.SampleWeightAttributeName",), shared=True)
def automl_sample_weights(view: AutoMLView) -> Iterator[Problem]:
    """Sample weights are used in ensembling mode only.

    What it does:
        Looks for SampleWeightAttributeName beside mode HYPERPARAMETER_TUNING, and beside the objective BalancedAccuracy.
    Why:
        In the other mode Autopilot does not support weights, and of the metrics all but Balanced Accuracy and InferenceLatency use them.
    Example:
          operation: CreateAutoMLJobV2
          AutoMLProblemTypeConfig:
        -   TabularJobConfig: {SampleWeightAttributeName: weight, Mode: HYPERPARAMETER_TUNING}
        +   TabularJobConfig: {SampleWeightAttributeName: weight, Mode: ENSEMBLING}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TabularJobConfig.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-metrics-validation.html
    """
    config, path = view.config
    metric = text(mapping(view.request, "AutoMLJobObjective"), "MetricName")
    if config.get("Mode") == "HYPERPARAMETER_TUNING":
        said, remedy = (
            "sample weights are supported in ensembling mode only, and Mode is HYPERPARAMETER_TUNING",
            "set Mode to ENSEMBLING",
        )
    elif metric == "BalancedAccuracy":
        said, remedy = (
            "BalancedAccuracy is computed without sample weights",
            "choose another objective, or leave the weights out",
        )
    else:
        return
    places: list[tuple[Path, Mapping[str, object]]] = (
        view.channels if view.version == 1 else [(path, mapping(view.request, PROBLEM) and config)]
    )
    for place, holder in places:
        if holder.get("SampleWeightAttributeName") is not None:
            yield Problem(said, (*place, "SampleWeightAttributeName"), remedy)

"""Rules of the area *dependencies*: what the steps that make and register models say of their containers' data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cursus.aws.algorithms import find
from cursus.aws.images import parse_image
from cursus.aws.pipelines import PipelineStep, facts, written_out
from cursus.checks.pipeline import again
from cursus.checks.pipeline.models import containers
from cursus.checks.rules import Problem, rule
from cursus.checks.step.demands import preference_counts, twice
from cursus.checks.views import PipelineView, integer, is_reference, listing, mapping, mappings, text
from cursus.model import Path
from cursus.redact import show

NO_ARCHIVES = (
    *(".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".h5", ".hdf5", ".keras", ".onnx", ".safetensors"),
    *(".json", ".csv", ".txt", ".py", ".zip", ".tar", ".parquet", ".model", ".ubj", ".pb"),
)
"""How files end that are a model, or anything else, but no gzip-compressed tar archive."""


@rule("DEP090", scope="pipeline")
def model_data(view: PipelineView) -> Iterator[Problem]:
    """A container's model data is in a form that SageMaker does not unpack, or is not there.

    What it does:
        Looks at ModelDataUrl and ModelDataSource in the containers of model and registration steps: a file that is no
        archive, one archive for a container of several models, a prefix without its slash or with Gzip, both members at
        once, and none for a built-in algorithm. SamplePayloadUrl is to be an archive too.
    Why:
        "This path must point to a single gzip compressed tar archive (.tar.gz suffix)." A prefix ends with a slash, and is
        never compressed. CreateModel refuses the rest, or the container does not start.
    Example:
          operation: Pipeline
          Steps:
            - Name: Create
              Type: Model
              Arguments:
        -       PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/models/model.joblib"}
        +       PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/models/model.tar.gz"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html,
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html
    """
    for step in view.definition.steps:
        for place, container in containers(step):
            yield from _data(container, place)
            source = mapping(mapping(container, "ModelDataSource"), "S3DataSource")
            if source:
                yield from _source(source, (*place, "ModelDataSource", "S3DataSource"))
        if step.type == "RegisterModel":
            payload = text(step.arguments, "SamplePayloadUrl")
            if payload is not None and payload.endswith(NO_ARCHIVES):
                yield Problem(
                    f"{show(payload)} is no archive, which the sample payload is to be",
                    (*step.place, "SamplePayloadUrl"),
                    "pack the payload into a .tar.gz, and name that",
                )


_BARE = re.compile(r"s3://[\w.-]+(/[\w.=-]+)*/[\w=-]+")
"""A location whose last part has no ending, so that it is no archive's."""


def _data(container: Mapping[str, object], place: Path) -> Iterator[Problem]:
    url, several = written_out(container.get("ModelDataUrl")), container.get("Mode") == "MultiModel"
    if several and container.get("ModelDataSource") is not None:
        yield Problem(
            "a container for several models takes no ModelDataSource",
            (*place, "ModelDataSource"),
            "write ModelDataUrl, with the prefix that the models' archives are below",
        )
    elif several and url is not None and url.endswith(".tar.gz"):
        yield Problem(
            f"{show(url)} is one archive, and the container is for several models",
            (*place, "ModelDataUrl"),
            f"write the prefix, such as {url.rpartition('/')[0]}/, or Mode: SingleModel",
        )
    elif not several and url is not None and (url.endswith(NO_ARCHIVES) or _BARE.fullmatch(url)):
        yield Problem(
            f"{show(url)} is no gzip-compressed tar archive",
            (*place, "ModelDataUrl"),
            "pack the file into a model.tar.gz, and name that"
            if url.endswith(NO_ARCHIVES)
            else "name the archive in it, such as …/output/model.tar.gz; a step's is Steps.<step>.ModelArtifacts.S3ModelArtifacts",
            severity=None if url.endswith(NO_ARCHIVES) else "warning",  # an object may be called anything
        )
    elif container.get("ModelDataUrl") is not None and container.get("ModelDataSource") is not None:
        yield Problem(
            "ModelDataUrl and ModelDataSource both say where the model is",
            (*place, "ModelDataSource"),
            "keep one of them",
            severity="warning",
        )
    elif not any(container.get(member) is not None for member in _DATA):
        algorithm = find(text(container, "Image") or "")
        if algorithm is not None and "SAGEMAKER_PROGRAM" not in mapping(container, "Environment"):
            yield Problem(
                f"the container of the built-in algorithm {algorithm.name} has no model",
                (*place, "ModelDataUrl"),
                "add ModelDataUrl, such as the S3ModelArtifacts of the step that trains it",
            )


_DATA = ("ModelDataUrl", "ModelDataSource", "ModelPackageName")


def _source(source: Mapping[str, object], place: Path) -> Iterator[Problem]:
    uri, kind, packed = text(source, "S3Uri"), source.get("S3DataType"), source.get("CompressionType")
    if kind == "S3Prefix" and packed == "Gzip":
        yield Problem(
            "what is below a prefix is not compressed, and CompressionType is Gzip",
            (*place, "CompressionType"),
            "write None; or S3Object, with the archive's location",
        )
    elif kind == "S3Prefix" and uri is not None and not uri.endswith("/"):
        archive = uri.endswith(".tar.gz")
        yield Problem(
            f"the prefix {show(uri)} does not end with a slash",
            (*place, "S3Uri"),
            "write S3DataType: S3Object and CompressionType: Gzip for an archive"
            if archive
            else f"write {uri}/",
        )
    elif kind == "S3Object" and uri is not None and uri.endswith("/"):
        yield Problem(
            f"{show(uri)} is a prefix, and S3DataType is S3Object", (*place, "S3DataType"), "write S3Prefix"
        )
    elif kind == "S3Object" and packed == "Gzip" and uri is not None and uri.endswith(NO_ARCHIVES):
        yield Problem(
            f"{show(uri)} is no gzip-compressed tar archive",
            (*place, "S3Uri"),
            "name a .tar.gz, or write CompressionType: None",
        )


@rule("DEP091", scope="pipeline")
def containers_together(view: PipelineView) -> Iterator[Problem]:
    """The containers of a model, or the specifications of a package, do not go together.

    What it does:
        Looks for PrimaryContainer beside Containers, and for a model that has neither; for several containers with the Mode
        MultiModel, and one whose image serves one model only; at ContainerHostname, which all containers of a model have or
        none, each another; at RepositoryAuthConfig of an image that is not in a private registry, and a private registry
        without VpcConfig; and at the names of AdditionalInferenceSpecifications.
    Why:
        "More than one container in MultiModel mode is not supported with inference pipeline." "Your Ecr Image … does not
        contain required com.amazonaws.sagemaker.capabilities.multi-models=true Docker label(s)." "If you specify a value
        for the ContainerHostName for any ContainerDefinition that is part of an inference pipeline, you must specify a
        value for the ContainerHostName parameter of every ContainerDefinition." The request is refused.
    Example:
          operation: Pipeline
          Steps:
            - Name: Create
              Type: Model
              Arguments:
                Containers:
                  - {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1", ContainerHostname: prepare}
        -         - {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"}
        +         - {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ContainerHostname: serve}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html,
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AdditionalInferenceSpecificationDefinition.html,
        https://github.com/OElesin/sagemaker-autopilot-step-functions/issues/10,
        https://github.com/aws/amazon-sagemaker-examples/issues/3925
    """
    for step in view.definition.steps:
        if step.type not in ("Model", "RegisterModel"):
            continue
        found = list(containers(step))
        names = [(place, container.get("ContainerHostname")) for place, container in found]
        if step.type == "Model" and len(names) > 1 and any(name is not None for _, name in names):
            for place, name in names:
                if name is None:
                    yield Problem(
                        "another container of the model has a ContainerHostname, and this one has none",
                        (*place, "ContainerHostname"),
                        "give each container one, or none",
                    )
        named = [((*place, "ContainerHostname"), name) for place, name in names]
        if step.type == "Model" and not is_reference(step.arguments):
            yield from _one_way(step.arguments, step.place)
        yield from _of_many_models([one for one in found if one[1].get("Mode") == "MultiModel"])
        place = (*step.place, "AdditionalInferenceSpecifications")
        more = mappings(step.arguments, "AdditionalInferenceSpecifications")
        specified = [((*place, i, "Name"), each.get("Name")) for i, each in more]
        for path, name in (*again(named), *again(specified)):
            yield Problem(f"{path[-1]} {show(name)} is given twice", path, "write another name")
        for where, container in found:
            config = mapping(container, "ImageConfig")
            if (
                config.get("RepositoryAuthConfig") is not None
                and config.get("RepositoryAccessMode") == "Platform"
            ):
                yield Problem(
                    "RepositoryAuthConfig is for a private registry, and RepositoryAccessMode is Platform",
                    (*where, "ImageConfig", "RepositoryAccessMode"),
                    "write Vpc, or leave RepositoryAuthConfig out",
                )
            if (
                step.type == "Model"
                and config.get("RepositoryAccessMode") == "Vpc"
                and step.arguments.get("VpcConfig") is None
            ):
                yield Problem(
                    "RepositoryAccessMode is Vpc, and the model has no VpcConfig to reach the registry in",
                    (*step.place, "VpcConfig"),
                    "add VpcConfig with Subnets and SecurityGroupIds",
                )


def _one_way(arguments: Mapping[str, object], place: Path) -> Iterator[Problem]:
    if arguments.get("PrimaryContainer") and arguments.get("Containers"):
        yield Problem(
            "PrimaryContainer and Containers are both given",
            (*place, "Containers"),
            "keep PrimaryContainer for one container, Containers for an inference pipeline",
        )
    elif arguments.get("PrimaryContainer") is None and not arguments.get("Containers"):
        yield Problem(
            "the model has neither PrimaryContainer nor Containers: nothing serves it",
            (*place, "PrimaryContainer"),
            "add PrimaryContainer with Image and ModelDataUrl",
        )


def _of_many_models(found: list[tuple[Path, Mapping[str, object]]]) -> Iterator[Problem]:
    """What is wrong with the containers of a model that serve several models each."""
    for place, _ in found[1:]:
        yield Problem(
            "More than one container in MultiModel mode is not supported with inference pipeline",
            (*place, "Mode"),
            "write SingleModel for all containers but one",
        )
    for place, container in found:
        image = parse_image(text(container, "Image") or "")
        since = facts()["multi_models_since"].get(image.repository) if image is not None else None
        if image is None or since is None or not image.amazon or image.processor != "gpu":
            continue
        numbers = [int(part) for part in (image.version or "").split(".") if part.isdecimal()]
        if numbers and numbers < [int(part) for part in since.split(".")]:
            yield Problem(
                f"{show(image.tag)} of {image.repository} does not contain the required label "
                "com.amazonaws.sagemaker.capabilities.multi-models=true",
                (*place, "Image"),
                f"use the cpu tag, a version from {since} on, or an image of the Triton Inference Server",
            )


@rule("DEP092", scope="pipeline")
def what_jobs_take(view: PipelineView) -> Iterator[Problem]:
    """A processing or transform step asks for what such a job does not do in this way.

    What it does:
        Looks for a processing step without InstanceType or InstanceCount, or with InstancePreferences beside it that name a
        type twice or do not say how many instances there are, for Gzip in
        its inputs that are not piped, for a DatasetDefinition that is not one of Athena or Redshift, or has no LocalPath, for
        an output to a feature store that the job does not manage itself, for a manifest that is a folder, for a script that
        the job runs from an input in Pipe mode or sharded over several instances, for several instances that transform one
        file or are to share it, for joined records that nothing divides, for InstanceCount and MaxPayloadInMB above the limit, for an
        unlimited payload with a built-in algorithm, and for one that the server in the model's image was not told of.
    Why:
        "Gzip can only be used when Pipe mode is specified"; a feature store is "only supported when AppManaged is specified";
        built-in algorithms "do not support HTTP chunked encoding". The request is refused, or the job ends with an error:
        "ClientError: 413" where TorchServe or the Multi Model Server gets more than it takes by default.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
        -       ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", LocalPath: /opt/ml/processing/raw, S3DataType: S3Prefix, S3InputMode: File, S3CompressionType: Gzip}}]
        +       ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", LocalPath: /opt/ml/processing/raw, S3DataType: S3Prefix, S3InputMode: File, S3CompressionType: None}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html,
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html,
        https://github.com/aws/sagemaker-python-sdk/issues/1882
    """
    for step in view.definition.steps:
        arguments, place = step.arguments, step.place
        if step.type in ("Processing", "QualityCheck", "ClarifyCheck"):
            yield from _processing(arguments, place)
        elif step.type == "Transform":
            yield from _payload(view, step, arguments, place)


def _processing(arguments: Mapping[str, object], place: Path) -> Iterator[Problem]:
    cluster = mapping(mapping(arguments, "ProcessingResources"), "ClusterConfig")
    where = (*place, "ProcessingResources", "ClusterConfig")
    if cluster.get("InstancePreferences"):
        yield from preference_counts(cluster, where)
        preferences = listing(cluster, "InstancePreferences")
        yield from twice(preferences, "InstanceType", (*where, "InstancePreferences"), "preferences name")
    for member in ("InstanceType", "SelectedInstanceType", "SelectedInstanceCount"):
        if cluster.get(member) is not None and (
            member != "InstanceType" or cluster.get("InstancePreferences")
        ):
            yield Problem(
                "InstanceType stands beside InstancePreferences, which excludes it"
                if member == "InstanceType"
                else f"{member} is what DescribeProcessingJob answers with; a request cannot have it",
                (*where, member),
                "leave it out",
            )
    if cluster and not is_reference(cluster) and not cluster.get("InstancePreferences"):
        for member in ("InstanceType", "InstanceCount"):
            if cluster.get(member) is None:
                yield Problem(
                    f"ClusterConfig has no {member}",
                    (*where, member),
                    f"add {member}, or InstancePreferences",
                )
    hosts = integer(cluster, "InstanceCount")
    for i, each in mappings(arguments, "ProcessingInputs"):
        yield from _input(each, hosts, (*place, "ProcessingInputs", i))
    yield from _program(arguments, hosts, (*place, "ProcessingInputs"))
    outputs = mapping(arguments, "ProcessingOutputConfig")
    for i, each in mappings(outputs, "Outputs"):
        if each.get("FeatureStoreOutput") is not None and each.get("AppManaged") in (None, False):
            yield Problem(
                "an output to a feature store is written by the program itself",
                (*place, "ProcessingOutputConfig", "Outputs", i, "AppManaged"),
                "write AppManaged: true",
            )


def _input(each: Mapping[str, object], hosts: int | None, place: Path) -> Iterator[Problem]:
    """What a processing input says that does not go together, with the job's instances too."""
    source = mapping(each, "S3Input")
    if source.get("S3DataDistributionType") == "ShardedByS3Key" and _one_file(source, hosts):
        yield Problem(
            f"one file is shared out to {hosts} instances: one of them gets it, and the others get nothing",
            (*place, "S3Input", "S3DataDistributionType"),
            "write FullyReplicated, or cut the data into several files",
            severity="warning",
        )
    if source.get("S3CompressionType") == "Gzip" and source.get("S3InputMode") == "File":
        yield Problem(
            "S3CompressionType Gzip unpacks what is piped, and S3InputMode is File",
            (*place, "S3Input", "S3CompressionType"),
            "write None, and unpack the files in the program; or S3InputMode: Pipe",
        )
    yield from _manifest(source, (*place, "S3Input", "S3Uri"))
    dataset = mapping(each, "DatasetDefinition")
    sources = [
        name
        for name in ("AthenaDatasetDefinition", "RedshiftDatasetDefinition")
        if dataset.get(name) is not None
    ]
    if dataset and len(sources) != 1:
        yield Problem(
            f"DatasetDefinition has {' and '.join(sources) or 'neither AthenaDatasetDefinition nor RedshiftDatasetDefinition'};"
            " it must specify exactly one of them",
            (*place, "DatasetDefinition"),
            "make two inputs of it" if sources else "add the one that the data comes from",
        )
    if dataset and dataset.get("LocalPath") is None and each.get("AppManaged") in (None, False):
        yield Problem(
            "the input has no LocalPath, which a managed DatasetDefinition needs",
            (*place, "DatasetDefinition", "LocalPath"),
            "write a folder below /opt/ml/processing",
        )


DATA_FILES = (".csv", ".json", ".jsonl", ".jsonlines", ".parquet", ".txt", ".tsv", ".gz", ".h5", ".libsvm")


def _one_file(source: Mapping[str, object], hosts: int | None) -> bool:
    """True where several instances are given one file of data."""
    one = source.get("S3DataType") == "S3Prefix" and (text(source, "S3Uri") or "").endswith(DATA_FILES)
    return one and (hosts or 1) > 1


def _manifest(source: Mapping[str, object], path: Path) -> Iterator[Problem]:
    if source.get("S3DataType") == "ManifestFile" and (text(source, "S3Uri") or "").endswith("/"):
        yield Problem(
            "S3Uri is a folder, and S3DataType ManifestFile wants an object",
            path,
            "name the manifest file, or write S3DataType: S3Prefix",
        )


def _program(arguments: Mapping[str, object], hosts: int | None, place: Path) -> Iterator[Problem]:
    """The script that a job runs is a file on each of its instances."""
    command = mapping(arguments, "AppSpecification")
    words = (*listing(command, "ContainerEntrypoint"), *listing(command, "ContainerArguments")[:1])
    script = next(
        (each for each in words if isinstance(each, str) and each.endswith((".py", ".sh", ".R"))), None
    )
    folders = {
        folder.rstrip("/"): (i, mapping(each, "S3Input"))
        for i, each in mappings(arguments, "ProcessingInputs")
        if (folder := text(mapping(each, "S3Input"), "LocalPath"))
    }
    holding = [folder for folder in folders if script and script.startswith(f"{folder}/")]
    if not holding:
        return
    folder = max(holding, key=len)  # an input may lie in the folder of another
    i, source = folders[folder]
    if source.get("S3InputMode") == "Pipe":
        yield Problem(
            f"the script that the job runs is in {show(folder)}, of which Pipe mode makes a pipe",
            (*place, i, "S3Input", "S3InputMode"),
            "write File",
        )
    if source.get("S3DataDistributionType") == "ShardedByS3Key" and hosts is not None and hosts > 1:
        yield Problem(
            f"the script that the job runs is in {show(folder)}, of which each of {hosts} instances gets another part",
            (*place, i, "S3Input", "S3DataDistributionType"),
            "write FullyReplicated",
        )


def _transformed(arguments: Mapping[str, object], hosts: int | None, place: Path) -> Iterator[Problem]:
    """What a transform job's input says that does not go together, with its instances and its output."""
    taken = mapping(arguments, "TransformInput")
    source = mapping(mapping(taken, "DataSource"), "S3DataSource")
    path: Path = (*place, "TransformInput", "DataSource", "S3DataSource", "S3Uri")
    yield from _manifest(source, path)
    if hosts is not None and _one_file(source, hosts):
        yield Problem(
            f"{hosts} instances transform one file: one of them does, and {hosts - 1} are idle",
            (*place, "TransformResources", "InstanceCount"),
            "write 1, or cut the data into several files",
            severity="warning",
        )
    split, joined = taken.get("SplitType"), mapping(arguments, "TransformOutput").get("AssembleWith")
    join = mapping(arguments, "DataProcessing").get("JoinSource") == "Input"
    if join and split == "Line" and joined in (None, "None"):
        yield Problem(
            "JoinSource puts records together that SplitType Line divides, and AssembleWith does not divide the answers",
            (*place, "TransformOutput", "AssembleWith"),
            "write AssembleWith: Line",
            severity="warning",
        )


def _payload(
    view: PipelineView, step: PipelineStep, arguments: Mapping[str, object], place: Path
) -> Iterator[Problem]:
    hosts = integer(mapping(arguments, "TransformResources"), "InstanceCount")
    limit = facts()["transform_hosts"]
    if hosts is not None and hosts > limit:
        yield Problem(
            f"InstanceCount is {hosts}, and a transform job has {limit} at most",
            (*place, "TransformResources", "InstanceCount"),
            f"write {limit} at most",
        )
    yield from _transformed(arguments, hosts, place)
    payload, most = integer(arguments, "MaxPayloadInMB"), facts()["transform_payload"]
    if payload is None:
        return
    if payload > most and integer(arguments, "MaxConcurrentTransforms") is None:  # DEP038 multiplies the two
        yield Problem(
            f"MaxPayloadInMB is {payload}, and {most} are allowed",
            (*place, "MaxPayloadInMB"),
            f"write {most} at most; larger objects can be split into records (SplitType)",
        )
        return
    from cursus.checks.pipeline.transforms import transforms

    model = next((model for each, _, model in transforms(view) if each.name == step.name), {})
    for container in model.values():
        algorithm = find(text(container, "Image") or "")
        if payload == 0 and algorithm is not None:
            yield Problem(
                f"MaxPayloadInMB 0 sends payloads in chunks, which the built-in algorithm {algorithm.name} does not read",
                (*place, "MaxPayloadInMB"),
                "write the size of the largest record in MB; 6 is the default",
            )
            return
        image = parse_image(text(container, "Image") or "")
        served = facts()["served_requests"].get(image.repository) if image is not None else None
        variables = mapping(container, "Environment")
        if served and payload > served["mb"] and served["variable"] not in variables:
            yield Problem(
                f"the model's server refuses requests of more than {served['mb']} MB (413), and MaxPayloadInMB is {payload}",
                (*place, "MaxPayloadInMB"),
                f"set {served['variable']} in the model's Environment to {payload * 2**20}, in bytes, and"
                f" {served['variable'].replace('REQUEST', 'RESPONSE')} with it",
                severity="warning",
            )
            return

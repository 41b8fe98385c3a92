"""Rules on the jobs that steps of a pipeline start beside training: processing and transform jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cursus.aws import images, instances, schema
from cursus.aws.pipelines import PipelineStep, facts, named_step, nodes, parse_get, step_type, written_out
from cursus.checks.pipeline import again, outputs_of, place_of
from cursus.checks.pipeline.models import containers
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, integer, listing, mapping, mappings, text
from cursus.model import Path, Step
from cursus.redact import show


@rule("DEP034", scope="pipeline")
def processing_names(view: PipelineView) -> Iterator[Problem]:
    """Two inputs or outputs of a processing step have the same name, or the same folder.

    What it does:
        Compares InputName, OutputName and LocalPath of a processing step's inputs and outputs with each other.
    Why:
        CreateProcessingJob refuses names and folders that stand twice ("Input and Output names must be globally unique"):
        references by name could not be resolved, and one input would lie on top of the other.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
                ProcessingOutputConfig:
                  Outputs:
                    - {OutputName: train, S3Output: {S3Uri: "s3://example-bucket/train/", LocalPath: /opt/ml/processing/train, S3UploadMode: EndOfJob}}
        -           - {OutputName: train, S3Output: {S3Uri: "s3://example-bucket/test/", LocalPath: /opt/ml/processing/test, S3UploadMode: EndOfJob}}
        +           - {OutputName: test, S3Output: {S3Uri: "s3://example-bucket/test/", LocalPath: /opt/ml/processing/test, S3UploadMode: EndOfJob}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingInput.html,
        https://github.com/aws/sagemaker-python-sdk/issues/3484
    """
    for step in _processing(view):
        inputs = list(mappings(step.arguments, "ProcessingInputs"))
        outputs = list(mappings(mapping(step.arguments, "ProcessingOutputConfig"), "Outputs"))
        taken = {text(entry, "InputName") for _, entry in inputs} - {None}
        for i, entry in outputs:
            if text(entry, "OutputName") in taken:
                yield Problem(
                    "Input and Output names must be globally unique: an input of the step is called "
                    f"{show(entry['OutputName'])} too",
                    (*step.place, "ProcessingOutputConfig", "Outputs", i, "OutputName"),
                    "give each input and output a name of its own",
                )
        for entries, holder, name, sources in (
            (inputs, ("ProcessingInputs",), "InputName", SOURCES),
            (outputs, ("ProcessingOutputConfig", "Outputs"), "OutputName", ("S3Output",)),
        ):
            names = [((*step.place, *holder, i, name), entry.get(name)) for i, entry in entries]
            folders = [
                (
                    (*step.place, *holder, i, source, "LocalPath"),
                    (text(mapping(entry, source), "LocalPath") or "").rstrip("/"),
                )
                for i, entry in entries
                for source in sources
            ]
            for place, value in (*again(names), *again(one for one in folders if one[1])):
                yield Problem(
                    f"another entry has the {place[-1]} {show(value)} too",
                    place,
                    f"give each its own {place[-1]}",
                )


def _processing(view: PipelineView) -> Iterator[PipelineStep]:
    """The steps that start a processing job, those that check quality and bias included."""
    for step in view.definition.steps:
        if step_type(step.type or "").get("operation") == "CreateProcessingJob":
            yield step


@rule("DEP035", scope="pipeline")
def processing_inputs(view: PipelineView) -> Iterator[Problem]:
    """An input or output of a processing step says where it comes from or goes to, and how.

    What it does:
        Looks for LocalPath and S3InputMode in every S3Input that SageMaker downloads (AppManaged is not true), for LocalPath
        in every S3Output that it uploads, and for inputs and outputs that name no place at all, or two.
    Why:
        The API leaves both out of its required members; the service then refuses the job: "missing one or more
        required fields for SageMaker-managed S3Input".
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
        -       ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/raw}}]
        +       ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/raw, S3InputMode: File}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html
    """
    for step in _processing(view):
        for i, entry in enumerate(listing(step.arguments, "ProcessingInputs")):
            source = mapping(entry, "S3Input") if isinstance(entry, Mapping) else {}
            if not source or entry.get("AppManaged") not in (None, False):
                continue
            for member, right in (
                ("LocalPath", "a folder below /opt/ml/processing"),
                ("S3InputMode", "File or Pipe"),
            ):
                if source.get(member) is None:
                    place = (*step.place, "ProcessingInputs", i, "S3Input", member)
                    yield Problem(
                        f"the input has no {member}, which a managed S3Input needs", place, f"write {right}"
                    )
        outputs = mapping(step.arguments, "ProcessingOutputConfig")
        for i, entry in mappings(outputs, "Outputs"):
            target = mapping(entry, "S3Output")
            if target and target.get("LocalPath") is None and entry.get("AppManaged") in (None, False):
                yield Problem(
                    "the output has no LocalPath, which a managed S3Output needs",
                    (*step.place, "ProcessingOutputConfig", "Outputs", i, "S3Output", "LocalPath"),
                    "write a folder below /opt/ml/processing",
                )
        for holder, where, kinds in (
            (step.arguments, (*step.place, "ProcessingInputs"), ("S3Input", "DatasetDefinition")),
            (outputs, (*step.place, "ProcessingOutputConfig", "Outputs"), ("S3Output", "FeatureStoreOutput")),
        ):
            for i, entry in mappings(holder, str(where[-1])):
                unknown = entry.keys() - {*kinds, "InputName", "OutputName", "AppManaged"}
                if not unknown and all(entry.get(kind) is None for kind in kinds):
                    yield Problem(
                        f"the entry has neither {kinds[0]} nor {kinds[1]}",
                        (*where, i, kinds[0]),
                        f"add {kinds[0]}",
                    )
                elif all(entry.get(kind) is not None for kind in kinds):
                    yield Problem(
                        f"the entry has {kinds[0]} and {kinds[1]}; it must specify exactly one of them",
                        (*where, i, kinds[1]),
                        "make two entries of it, or leave one out",
                    )


@rule("DEP036", scope="pipeline")
def processing_folders(view: PipelineView) -> Iterator[Problem]:
    """The folder of a processing step's input or output is none that processing jobs have, or no folder.

    What it does:
        Looks at the LocalPath of every input that SageMaker downloads: it must begin with /opt/ml/processing/. At data sets
        elsewhere, at inputs in Pipe mode, and at outputs whose LocalPath is one of a training job's, called like a file, or no
        absolute path: these are warnings.
    Why:
        CreateProcessingJob refuses other folders, and the step fails when it is reached. /opt/ml/input is where
        training jobs have their data. In Pipe mode there are no files in the folder: "No such file or directory". An output is
        a folder, made before the script starts: one called data.csv stands where the script would write its file, and stays
        empty where the script puts its file elsewhere. Spark writes such folders itself.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
        -       ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/input/raw, S3InputMode: File}}]
        +       ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/raw, S3InputMode: File}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html (LocalPath "must begin with
        /opt/ml/processing/"),
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Output.html (LocalPath)
    """
    for step in _processing(view):
        for i, entry in mappings(step.arguments, "ProcessingInputs"):
            kind = next((each for each in SOURCES if each in entry), "S3Input")
            source, at = mapping(entry, kind), (*step.place, "ProcessingInputs", i, kind)
            folder = text(source, "LocalPath") if entry.get("AppManaged") in (None, False) else None
            if folder is None:
                continue
            if not f"{folder}/".startswith(f"{PROCESSING}/"):
                yield Problem(
                    f"the input is put into {show(folder)}; processing jobs have their data below {PROCESSING}",
                    (*at, "LocalPath"),
                    f"write {PROCESSING}/{folder.rstrip('/').rpartition('/')[2] or 'input'}"[:120],
                    severity=None if kind == "S3Input" else "warning",
                )
            elif source.get("S3InputMode") == "Pipe":
                yield Problem(
                    f"in Pipe mode there are no files in {show(folder)}, but a pipe that the container reads",
                    (*at, "S3InputMode"),
                    "write File, unless the container reads pipes",
                    severity="warning",
                )
        for place, _, target in outputs_of(step.arguments):
            folder, at = text(target, "LocalPath"), (*step.place, *place, "S3Output", "LocalPath")
            if folder is None:
                continue
            below = folder.lstrip("./").removeprefix("opt/ml/").removeprefix("processing/")
            right = folder if folder[:1] == "/" else f"{PROCESSING}/{below}"
            if folder.lower().endswith(FILES):
                yield Problem(
                    f"{show(folder)} is called like a file: an output is a folder, which is there before the script starts",
                    at,
                    f"write {right.rpartition('/')[0]}, and let the script write the file there"[:200],
                    severity="warning",
                )
            elif folder != right:
                yield Problem(
                    f"the output's folder {show(folder)} is no absolute path",
                    at,
                    f"write {right}"[:200],
                    severity="warning",
                )
            elif folder.startswith("/opt/ml/") and not f"{folder}/".startswith(f"{PROCESSING}/"):
                yield Problem(
                    f"the output is collected from {show(folder)}, a folder of training jobs; those of processing jobs lie below {PROCESSING}",
                    at,
                    f"write {PROCESSING}/{below.strip('/')}"[:200],
                    severity="warning",
                )


@rule("DEP096", severity="warning", scope="pipeline")
def isolated_processing(view: PipelineView) -> Iterator[Problem]:
    """A processing step without a network is told to read or write S3 itself.

    What it does:
        Looks in the arguments and the Environment of a processing step with EnableNetworkIsolation for S3 URIs, parameters
        put in, and for references to the places where other steps put theirs.
    Why:
        The container reaches nothing: what it fetches or puts itself ends in a timeout. SageMaker copies inputs and outputs
        from outside, and the program finds them in folders.
    Example:
          operation: Pipeline
          Steps:
            - Name: Evaluate
              Type: Processing
              Arguments:
        -       AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/evaluate:1", ContainerArguments: [--model, "s3://example-bucket/model.tar.gz"]}
        +       AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/evaluate:1", ContainerArguments: [--model, /opt/ml/processing/model/model.tar.gz]}
                NetworkConfig: {EnableNetworkIsolation: true}
                ProcessingInputs: [{InputName: model, S3Input: {S3Uri: "s3://example-bucket/model.tar.gz", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/model, S3InputMode: File}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_NetworkConfig.html,
        https://github.com/aws-samples/amazon-sagemaker-mlops-template-with-aws-lambda-deployment/commit/d04238a
    """
    for step in view.steps:
        if mapping(step.request, "NetworkConfig").get("EnableNetworkIsolation") is not True:
            continue
        program = listing(mapping(step.request, "AppSpecification"), "ContainerArguments")
        told: list[tuple[Path, object]] = [
            (("AppSpecification", "ContainerArguments", i), one) for i, one in enumerate(program)
        ]
        told += [(("Environment", k), one) for k, one in mapping(step.request, "Environment").items()]
        for place, value in told:
            target = parse_get(str(value.get("Get"))) if isinstance(value, Mapping) else None
            of_a_step = target is not None and target.root == "Steps" and "S3" in str(target.rest[-1:])
            if of_a_step or (written_out(value) or "").startswith("s3://"):
                yield Problem(
                    "the job has network isolation, so that the program cannot reach this place in S3",
                    (*place_of(view, step), *place),
                    "make it an input or output of the step, and give the program the folder",
                )


PROCESSING = "/opt/ml/processing"
SOURCES = ("S3Input", "DatasetDefinition")
FILES = (".csv", ".json", ".jsonl", ".tar.gz", ".pkl", ".joblib", ".parquet", ".txt", ".html", ".png", ".npy")


@rule("DEP038", scope="pipeline")
def transform_load(view: PipelineView) -> Iterator[Problem]:
    """A transform step sends more at a time than it may, or groups records that it does not split.

    What it does:
        Multiplies MaxConcurrentTransforms with MaxPayloadInMB, which may make 100; and looks for the
        BatchStrategy MultiRecord of what is no image, and for a join of CSV records with their predictions, where
        SplitType is missing or None; and for lines of JSON that are grouped for one of Amazon's servers that reads a
        single document.
    Why:
        CreateTransformJob refuses the product; without a SplitType there are no records to group or to join, and whole
        files are sent. Several documents are none: "Extra data: line 2 column 1".
    Example:
          operation: Pipeline
          Steps:
            - Name: Score
              Type: Transform
              Arguments:
                ModelName: churn
                MaxConcurrentTransforms: 4
        -       MaxPayloadInMB: 50
        +       MaxPayloadInMB: 25
                TransformInput: {DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html (MaxPayloadInMB,
        BatchStrategy)
    """
    most = facts()["transform_payload"]
    for step in view.steps:
        if step.operation != "CreateTransformJob":
            continue
        top = place_of(view, step)
        at_once, payload = (
            integer(step.request, "MaxConcurrentTransforms"),
            integer(step.request, "MaxPayloadInMB"),
        )
        if at_once is not None and payload is not None and at_once * payload > most:
            yield Problem(
                f"{at_once} transforms at a time with {payload} MB each are {at_once * payload} MB; {most} are allowed",
                (*top, "MaxPayloadInMB"),
                f"keep MaxConcurrentTransforms times MaxPayloadInMB to {most}",
            )
        split = mapping(step.request, "TransformInput").get("SplitType")
        content = mapping(step.request, "TransformInput").get("ContentType")
        # SingleRecord changes nothing then, and an image is meant to be sent as a whole.
        image = isinstance(content, str) and (
            content.startswith("image/") or content == "application/x-image"
        )
        if step.request.get("BatchStrategy") == "MultiRecord" and split in (None, "None") and not image:
            yield Problem(
                "BatchStrategy groups records, and without a SplitType there are none: whole files are sent",
                (*top, "BatchStrategy"),
                "add SplitType: Line to TransformInput, or leave BatchStrategy out",
                severity="warning",
            )
        elif (
            step.request.get("BatchStrategy") == "MultiRecord"
            and content == "application/json"
            and split == "Line"
            and _reads_one_document(view, step)
        ):
            yield Problem(
                "lines are sent together, and several JSON documents are none: Extra data: line 2 column 1",
                (*top, "BatchStrategy"),
                "write SingleRecord, or application/jsonlines where the server reads that",
                severity="warning",
            )
        processing = mapping(step.request, "DataProcessing")
        if content == "text/csv" and processing.get("JoinSource") == "Input" and split in (None, "None"):
            yield Problem(
                "JoinSource appends predictions to CSV records, and without a SplitType there are none",
                (*top, "TransformInput", "SplitType"),
                "write SplitType: Line, and AssembleWith: Line in TransformOutput",
                severity="warning",
            )


def _reads_one_document(view: PipelineView, step: Step) -> bool:
    """True where the pipeline makes the model with a server that takes application/json apart as one document.

    That of TensorFlow takes lines too, as do handlers of the user's own.
    """
    body = view.definition.by_name.get(step.name)
    model = (
        view.definition.by_name.get(named_step(body.arguments.get("ModelName"))) if body is not None else None
    )
    served = [container for _, container in containers(model)] if model is not None else []
    image = images.amazon_image(text(served[0], "Image")) if served else None
    return (
        image is not None
        and image.kind == "framework"
        and image.engine != "tensorflow"
        and "SAGEMAKER_PROGRAM" not in mapping(served[0], "Environment")
    )


@rule("DEP052", scope="pipeline")
def volume_key(view: PipelineView) -> Iterator[Problem]:
    """A processing or transform step asks for a volume where the instance type has local storage instead.

    What it does:
        Looks for VolumeKmsKeyId beside an instance type with NVMe storage, parameters put in, and for a VolumeSizeInGB
        that is greater than that.
    Why:
        The request is refused: local storage is encrypted by the instance's own hardware, and has the size that it has.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
        -       ProcessingResources: {ClusterConfig: {InstanceType: ml.g4dn.xlarge, InstanceCount: 1, VolumeSizeInGB: 30, VolumeKmsKeyId: 11111111-2222-3333-4444-555555555555}}
        +       ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30, VolumeKmsKeyId: 11111111-2222-3333-4444-555555555555}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingClusterConfig.html (VolumeKmsKeyId),
        https://github.com/aws/sagemaker-python-sdk/issues/4939
    """
    for step in view.steps:
        cluster = mapping(step.request, "TransformResources")
        place: Path = ("TransformResources",)
        if step.operation == "CreateProcessingJob":
            cluster = mapping(mapping(step.request, "ProcessingResources"), "ClusterConfig")
            place = ("ProcessingResources", "ClusterConfig")
        kind = cluster.get("InstanceType")
        instance = instances.find(kind) if isinstance(kind, str) else None
        if instance is not None and instance.nvme and cluster.get("VolumeKmsKeyId") is not None:
            yield Problem(
                f"{instance.name} has local storage, for which no VolumeKmsKeyId can be given",
                (*place_of(view, step), *place, "VolumeKmsKeyId"),
                "remove it, or take an instance type without local storage",
            )
        size = integer(cluster, "VolumeSizeInGB")
        if instance is not None and instance.nvme and size is not None and size > instance.nvme:
            yield Problem(
                f"{instance.name} has {instance.nvme} GB of local storage and gets no volume: {size} GB are refused",
                (*place_of(view, step), *place, "VolumeSizeInGB"),
                f"ask for {instance.nvme} at most, or take an instance type without local storage",
            )


@rule("DEP053", severity="warning", scope="pipeline")
def null_arguments(view: PipelineView) -> Iterator[Problem]:
    """A member of a step's arguments is null.

    What it does:
        Looks for null in what a step asks for: an error where the API takes a structure or a list.
    Why:
        The value was not configured when the pipeline was built. The definition is refused ("Expecting start of Json Object"),
        or the program misses a hyperparameter or variable that it was meant to have.
    Example:
          operation: Pipeline
          Steps:
            - Name: Create
              Type: Model
              Arguments:
        -       PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", Environment: {WORKERS: null}}
        +       PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", Environment: {WORKERS: "2"}}
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/3600,
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    for step in view.steps:
        document, top = schema.document(step.operation) or {}, place_of(view, step)
        for place, value in nodes(step.request, ()):
            if value is not None or not place or isinstance(place[-1], int):
                continue
            # Of a list's entries, and of members that are required, the service model says it.
            if place[-1] not in (schema.at(document, place[:-1]) or {}).get("required", ()):
                kind = (schema.at(document, place) or {}).get("type")
                yield Problem(
                    f"{show(place[-1])} is null",
                    (*top, *place),
                    "leave it out" if kind in ("object", "array") else "give it a value, or leave it out",
                    severity="error" if kind in ("object", "array") else None,
                )

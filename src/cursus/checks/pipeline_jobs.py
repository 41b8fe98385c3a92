"""Rules on the jobs that steps of a pipeline start beside training: processing, models, registration, EMR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cursus.aws import instances
from cursus.aws.pipelines import PipelineStep, facts, step_type
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, is_reference, listing, mapping, mappings
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import closest


@rule("DEP034", area="dependencies", scope="pipeline")
def processing_names(view: PipelineView) -> Iterator[Problem]:
    """Two inputs or outputs of a processing step have the same name, or the same folder.

    What it does:
        Compares InputName, OutputName and LocalPath of a processing step's inputs and outputs with each other.
    Why:
        CreateProcessingJob refuses names and folders that stand twice: references by name could not be resolved, and
        one input would lie on top of the other.
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Prepare
            Type: Processing
            Arguments: &a
              ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}}
              AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              ProcessingOutputConfig:
                Outputs:
                  - {OutputName: train, S3Output: {S3Uri: "s3://example-bucket/train/", LocalPath: /opt/ml/processing/train, S3UploadMode: EndOfJob}}
                  - {OutputName: train, S3Output: {S3Uri: "s3://example-bucket/test/", LocalPath: /opt/ml/processing/test, S3UploadMode: EndOfJob}}
    Right:
        operation: Pipeline
        Steps:
          - Name: Prepare
            Type: Processing
            Arguments:
              ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}}
              AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              ProcessingOutputConfig:
                Outputs:
                  - {OutputName: train, S3Output: {S3Uri: "s3://example-bucket/train/", LocalPath: /opt/ml/processing/train, S3UploadMode: EndOfJob}}
                  - {OutputName: test, S3Output: {S3Uri: "s3://example-bucket/test/", LocalPath: /opt/ml/processing/test, S3UploadMode: EndOfJob}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingInput.html
    Since:
        0.1
    """
    for step in _processing(view):
        arguments = mapping(step.body, "Arguments")
        top: Path = (*step.path, "Arguments")
        inputs = listing(arguments, "ProcessingInputs")
        outputs = listing(mapping(arguments, "ProcessingOutputConfig"), "Outputs")
        for entries, place, name, source in (
            (inputs, (*top, "ProcessingInputs"), "InputName", "S3Input"),
            (outputs, (*top, "ProcessingOutputConfig", "Outputs"), "OutputName", "S3Output"),
        ):
            yield from _twice([_member(entry, name) for entry in entries], place, (name,))
            folders = [
                _member(mapping(entry, source), "LocalPath") if isinstance(entry, Mapping) else None
                for entry in entries
            ]
            yield from _twice(folders, place, (source, "LocalPath"))


def _processing(view: PipelineView) -> Iterator[PipelineStep]:
    """The steps that start a processing job, those that check quality and bias included."""
    for step in view.definition.steps:
        if step_type(step.type or "").get("operation") == "CreateProcessingJob":
            yield step


def _member(entry: object, name: str) -> str | None:
    found = entry.get(name) if isinstance(entry, Mapping) else None
    return found if isinstance(found, str) else None


def _twice(values: list[str | None], place: Path, member: Path) -> Iterator[Problem]:
    seen: set[str] = set()
    for i, value in enumerate(values):
        if value is None:
            continue
        plain = value.rstrip("/")
        if plain in seen:
            yield Problem(
                f"another entry has the {member[-1]} {show(value)} too",
                (*place, i, *member),
                f"give each a {member[-1]} of its own",
            )
        seen.add(plain)


@rule("DEP035", area="dependencies", scope="pipeline")
def processing_inputs(view: PipelineView) -> Iterator[Problem]:
    """An S3 input of a processing step says where it is put, and how.

    What it does:
        Looks for LocalPath and S3InputMode in every S3Input that SageMaker downloads (AppManaged is not true).
    Why:
        The API leaves both out of its required members; the service then refuses the job: "missing one or more
        required fields for SageMaker-managed S3Input".
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Prepare
            Type: Processing
            Arguments:
              ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}}
              AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/raw}}]
    Right:
        operation: Pipeline
        Steps:
          - Name: Prepare
            Type: Processing
            Arguments:
              ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}}
              AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/raw, S3InputMode: File}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html
    Since:
        0.1
    """
    for step in _processing(view):
        for i, entry in enumerate(listing(mapping(step.body, "Arguments"), "ProcessingInputs")):
            source = mapping(entry, "S3Input") if isinstance(entry, Mapping) else {}
            if not source or entry.get("AppManaged") not in (None, False):
                continue
            for member, right in (
                ("LocalPath", "a folder below /opt/ml/processing"),
                ("S3InputMode", "File or Pipe"),
            ):
                if source.get(member) is None:
                    place = (*step.path, "Arguments", "ProcessingInputs", i, "S3Input", member)
                    yield Problem(
                        f"the input has no {member}, which a managed S3Input needs", place, f"write {right}"
                    )


@rule("DEP036", area="dependencies", scope="pipeline")
def processing_folders(view: PipelineView) -> Iterator[Problem]:
    """An input of a processing step is put into a folder that processing jobs do not have.

    What it does:
        Looks at the LocalPath of every input that SageMaker downloads: it must begin with /opt/ml/processing/.
    Why:
        CreateProcessingJob refuses other folders, and the step fails when it is reached. /opt/ml/input is where
        training jobs have their data.
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Prepare
            Type: Processing
            Arguments:
              ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}}
              AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/input/raw, S3InputMode: File}}]
    Right:
        operation: Pipeline
        Steps:
          - Name: Prepare
            Type: Processing
            Arguments:
              ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}}
              AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"}
              RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/raw, S3InputMode: File}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html (LocalPath "must begin with
        /opt/ml/processing/")
    Since:
        0.1
    """
    for step in _processing(view):
        for i, entry in mappings(mapping(step.body, "Arguments"), "ProcessingInputs"):
            if entry.get("AppManaged") not in (None, False):
                continue
            folder = _member(mapping(entry, "S3Input"), "LocalPath")
            if folder is None or f"{folder}/".startswith(f"{PROCESSING}/"):
                continue
            yield Problem(
                f"the input is put into {show(folder)}; processing jobs have their data below {PROCESSING}",
                (*step.path, "Arguments", "ProcessingInputs", i, "S3Input", "LocalPath"),
                f"write {PROCESSING}/{folder.rstrip('/').rpartition('/')[2] or 'input'}"[:120],
            )


PROCESSING = "/opt/ml/processing"


@rule("DEP044", area="dependencies", scope="pipeline")
def step_arguments(view: PipelineView) -> Iterator[Problem]:
    """A model, registration or AutoML step has arguments that pipelines do not take, or lacks one.

    What it does:
        Looks for ModelPackageName in the arguments of a registration step, for AdditionalModelDataSources in a model's
        containers, for a model that has both a PrimaryContainer and Containers or no ExecutionRoleArn, and for the Mode
        of an AutoML step, which pipelines know one of.
    Why:
        "Unable to parse pipeline definition. Unknown Argument member 'ModelPackageName'": a pipeline registers versions
        in a group. CreateModel takes one container or several, not both members. "AutoMLStep currently only supports
        ENSEMBLING mode."
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Register
            Type: RegisterModel
            Arguments:
              ModelPackageName: churn
              InferenceSpecification: {Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}], SupportedContentTypes: [text/csv], SupportedResponseMIMETypes: [text/csv]}
    Right:
        operation: Pipeline
        Steps:
          - Name: Register
            Type: RegisterModel
            Arguments:
              ModelPackageGroupName: churn
              InferenceSpecification: {Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}], SupportedContentTypes: [text/csv], SupportedResponseMIMETypes: [text/csv]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html (model step)
    Since:
        0.1
    """
    for step in view.definition.steps:
        arguments = mapping(step.body, "Arguments")
        place: Path = (*step.path, "Arguments")
        for member in facts()["refused_arguments"].get(step.type, ()):
            for where, holder in ((place, arguments), *_containers(step)):
                if holder.get(member) is not None:
                    yield Problem(
                        f"Unknown Argument member '{member}': pipelines do not take it",
                        (*where, member),
                        "write ModelPackageGroupName: the version's name is given by the service"
                        if member == "ModelPackageName"
                        else f"remove {member}",
                        allowable=None if member == "ModelPackageName" else member,
                    )
        if not is_reference(arguments):
            yield from _lacking(step, arguments, place)
        if step.type == "Model" and arguments.get("PrimaryContainer") and arguments.get("Containers"):
            yield Problem(
                "PrimaryContainer and Containers are both given",
                (*place, "Containers"),
                "keep PrimaryContainer for one container, Containers for an inference pipeline",
            )


def _lacking(step: PipelineStep, arguments: Mapping[str, object], place: Path) -> Iterator[Problem]:
    for member in step_type(step.type or "").get("required_arguments", ()):
        if arguments.get(member) is None:
            yield Problem(f"the {step.type} step has no {member}", (*place, member), f"add {member}")
    config = mapping(arguments, "AutoMLJobConfig")
    mode, modes = config.get("Mode"), facts()["automl_modes"]
    if step.type == "AutoML" and config and not is_reference(mode) and mode not in modes:
        yield Problem(
            f"the mode of an AutoML step is {' or '.join(modes)}, not {show(mode)}"
            if mode is not None
            else "the AutoML step has no Mode",
            (*place, "AutoMLJobConfig", "Mode"),
            "write " + " or ".join(modes),
            allowable=str(mode) if mode is not None else None,
        )


def _containers(step: PipelineStep) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """The containers of a model or registration step, each with its place."""
    arguments = mapping(step.body, "Arguments")
    place: Path = (*step.path, "Arguments")
    if step.type == "RegisterModel":
        arguments, place = mapping(arguments, "InferenceSpecification"), (*place, "InferenceSpecification")
    single = arguments.get("PrimaryContainer")
    if isinstance(single, Mapping) and not is_reference(single):
        yield (*place, "PrimaryContainer"), single
    for i, entry in mappings(arguments, "Containers"):
        yield (*place, "Containers", i), entry


@rule("DEP046", area="dependencies", scope="pipeline")
def container_image(view: PipelineView) -> Iterator[Problem]:
    """A container of a model or registration step has no image.

    What it does:
        Looks for Image in every container of these steps; a container of a model may name a ModelPackageName instead.
    Why:
        "Invalid type for parameter InferenceSpecification.Containers[0].Image, value: None": a model class of the SDK
        that was given neither an image nor a framework version writes null.
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer: {ModelDataUrl: "s3://example-bucket/model.tar.gz"}
    Right:
        operation: Pipeline
        Steps:
          - Name: Create
            Type: Model
            Arguments:
              ExecutionRoleArn: arn:aws:iam::123456789012:role/SageMakerRole
              PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html,
        https://github.com/aws/sagemaker-python-sdk/issues/2696
    Since:
        0.1
    """
    for step in view.definition.steps:
        if step.type not in ("Model", "RegisterModel"):
            continue
        for place, container in _containers(step):
            if container.get("Image") is None and container.get("ModelPackageName") is None:
                yield Problem(
                    "the container has no Image: nothing says what serves the model",
                    (*place, "Image"),
                    "write the URI of the image, or give the model class a framework_version",
                )


@rule("DEP047", area="dependencies", scope="pipeline")
def emr_cluster(view: PipelineView) -> Iterator[Problem]:
    """An EMR step does not say clearly on which cluster it runs.

    What it does:
        Looks for ClusterId and ClusterConfig in the arguments: one of the two; for an ExecutionRoleArn, which goes with a
        ClusterId alone; for what a ClusterConfig needs and must not say; and for what the step runs.
    Why:
        CreatePipeline takes a cluster that is there, or the configuration of one that it makes and ends with the step.
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Spark
            Type: EMR
            Arguments: {StepConfig: {HadoopJarStep: {Jar: command-runner.jar}}}
    Right:
        operation: Pipeline
        Steps:
          - Name: Spark
            Type: EMR
            Arguments: {ClusterId: j-1A2B3C4D5E6F7, StepConfig: {HadoopJarStep: {Jar: command-runner.jar}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html (EMR step),
        https://github.com/aws/sagemaker-python-sdk/pull/3604 and /3703
    Since:
        0.1
    """
    for step in view.definition.steps:
        arguments = mapping(step.body, "Arguments")
        if step.type != "EMR" or not arguments:
            continue
        place: Path = (*step.path, "Arguments")
        named, made = arguments.get("ClusterId") is not None, arguments.get("ClusterConfig") is not None
        if named == made:
            yield Problem(
                "ClusterId and ClusterConfig are both given"
                if named
                else "nothing says on which cluster the step runs",
                (*place, "ClusterId"),
                "keep the one that the step is to run on" if named else "add ClusterId, or ClusterConfig",
            )
        elif made and arguments.get("ExecutionRoleArn") is not None:
            yield Problem(
                "ExecutionRoleArn goes with a ClusterId; the cluster of a ClusterConfig has its JobFlowRole",
                (*place, "ExecutionRoleArn"),
                "remove it",
            )
        yield from _cluster(mapping(arguments, "ClusterConfig"), (*place, "ClusterConfig"))
        work = arguments.get("StepConfig")
        if not is_reference(work) and "Jar" not in mapping(mapping(arguments, "StepConfig"), "HadoopJarStep"):
            yield Problem(
                "the step has no StepConfig: nothing says what it runs"
                if work is None
                else "the StepConfig has no HadoopJarStep with a Jar",
                (*place, "StepConfig"),
                'write {"HadoopJarStep": {"Jar": "command-runner.jar", "Args": […]}}',
            )


def _cluster(config: Mapping[str, object], place: Path) -> Iterator[Problem]:
    """What pipelines say themselves of a cluster that they make, and what they need to be told."""
    if not config:
        return
    owned: list[Path] = [(name,) for name in ("Name", "AutoTerminationPolicy", "Steps")]
    owned += [("Instances", name) for name in ("KeepJobFlowAliveWhenNoSteps", "TerminationProtected")]
    for path in owned:
        holder = config if len(path) == 1 else mapping(config, "Instances")
        if path[-1] in holder:
            yield Problem(
                f"{path[-1]} is the pipeline's own to say: it ends the cluster with the step",
                (*place, *path),
                "remove it",
            )
    instances_ = mapping(config, "Instances")
    groups, fleets = "InstanceGroups" in instances_, "InstanceFleets" in instances_
    if "Instances" not in config or (instances_ and groups == fleets):
        yield Problem(
            "the cluster's Instances need InstanceGroups or InstanceFleets, and not both",
            (*place, "Instances"),
            "write one of the two",
        )


@rule("DEP045", area="dependencies", scope="pipeline")
def serving_types(view: PipelineView) -> Iterator[Problem]:
    """A registered model is to be served on an instance type that does not exist.

    What it does:
        Compares SupportedRealtimeInferenceInstanceTypes and SupportedTransformInstanceTypes of a registration step with
        the types that host and that transform. A type of a family that the data does not know is a warning.
    Why:
        CreateModelPackage takes only the types of its list: the step fails, after the training is paid for.
    Breaks:
        operation: Pipeline
        Steps:
          - Name: Register
            Type: RegisterModel
            Arguments:
              ModelPackageGroupName: churn
              InferenceSpecification: {Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}], SupportedContentTypes: [text/csv], SupportedResponseMIMETypes: [text/csv], SupportedRealtimeInferenceInstanceTypes: [m5.large]}
    Right:
        operation: Pipeline
        Steps:
          - Name: Register
            Type: RegisterModel
            Arguments:
              ModelPackageGroupName: churn
              InferenceSpecification: {Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}], SupportedContentTypes: [text/csv], SupportedResponseMIMETypes: [text/csv], SupportedRealtimeInferenceInstanceTypes: [ml.m5.large]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceSpecification.html
    Since:
        0.1
    """
    for step in view.definition.steps:
        if step.type != "RegisterModel":
            continue
        specification = mapping(mapping(step.body, "Arguments"), "InferenceSpecification")
        for member, use in _SERVING:
            known = instances.of_use(use)
            for i, name in enumerate(listing(specification, member)):
                if not isinstance(name, str) or name in known:
                    continue
                place = (*step.path, "Arguments", "InferenceSpecification", member, i)
                near = f"ml.{name}" if f"ml.{name}" in known else closest(name, known)
                family = name.removeprefix("ml.").partition(".")[0]
                likely = any(each.startswith(f"ml.{family}.") for each in instances.all_names())
                yield Problem(
                    f"{show(name)} is no instance type for {use}",
                    place,
                    f"write {near}" if near else "write a type such as ml.m5.xlarge",
                    severity="error" if likely and name not in instances.all_names() else "warning",
                )


_SERVING = (
    ("SupportedRealtimeInferenceInstanceTypes", "hosting"),
    ("SupportedTransformInstanceTypes", "transform"),
)

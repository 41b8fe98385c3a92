"""Rules on steps of a pipeline that make and register models, and on AutoML steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cursus.aws import instances
from cursus.aws.members import value_at
from cursus.aws.pipelines import PipelineStep, facts, nodes, step_type, target_of, written_out
from cursus.checks.pipeline import place_of, repacks
from cursus.checks.rules import Problem, rule
from cursus.checks.step.image_names import stands_for_another
from cursus.checks.text_faults import placeholder
from cursus.checks.views import PipelineView, is_reference, listing, mapping, mappings, text
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import closest


@rule("DEP044", scope="pipeline")
def step_arguments(view: PipelineView) -> Iterator[Problem]:
    """A step has arguments that pipelines do not take, or lacks one.

    What it does:
        Looks for ModelPackageName in the arguments of a registration step, for what steps of endpoints refuse, for
        AdditionalS3DataSource and AdditionalModelDataSources in the containers of these steps, for a model that has no
        ExecutionRoleArn and a registration that has no ModelPackageGroupName, for the Mode of an AutoML step, which
        pipelines know one of, and members of CreateAutoMLJobV2 in one; and for an experiment in the ExperimentConfig of
        a job's step.
    Why:
        "Unable to parse pipeline definition. Unknown Argument member 'ModelPackageName'": a pipeline registers versions
        in a group. "AutoMLStep currently only supports ENSEMBLING mode."
    Example:
          operation: Pipeline
          Steps:
            - Name: Register
              Type: RegisterModel
              Arguments:
        -       ModelPackageName: churn
        +       ModelPackageGroupName: churn
                InferenceSpecification: {Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}], SupportedContentTypes: [text/csv], SupportedResponseMIMETypes: [text/csv]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html (model step)
    """
    for step in view.definition.steps:
        for member in facts()["refused_arguments"].get(step.type, ()):
            for where, holder in ((step.place, step.arguments), *containers(step)):
                if holder.get(member) is not None:
                    registered = step.type == "RegisterModel" and holder is not step.arguments
                    yield Problem(
                        f"{member} is not allowed in InferenceSpecification"
                        if registered
                        else f"Unknown Argument member '{member}': pipelines do not take it",
                        (*where, member),
                        "write ModelPackageGroupName: the version's name is given by the service"
                        if member == "ModelPackageName"
                        else f"remove {member}",
                        allowable=None if member == "ModelPackageName" else member,
                    )
        config = mapping(step.arguments, "ExperimentConfig")
        refused = [
            member for member in facts()["refused_experiment_members"] if config.get(member) is not None
        ]
        if refused:
            yield Problem(
                f"pipelines take no {' and no '.join(refused)} in a step's ExperimentConfig: it has TrialComponentDisplayName alone",
                (*step.place, "ExperimentConfig", refused[0]),
                "name the experiment and the trial in PipelineExperimentConfig",
            )
        if not is_reference(step.arguments):
            yield from _lacking(step, step.arguments, step.place)


def _lacking(step: PipelineStep, arguments: Mapping[str, object], place: Path) -> Iterator[Problem]:
    newer = [member for member in SECOND if step.type == "AutoML" and member in arguments]
    for member in newer:
        yield Problem(
            f"{member} is a member of CreateAutoMLJobV2; an AutoML step sends CreateAutoMLJob",
            (*place, member),
            f"write {SECOND[member]}",
        )
    for member in step_type(step.type or "").get("required_arguments", ()):
        if arguments.get(member) is None and not any(member in SECOND[each] for each in newer):
            yield Problem(f"the {step.type} step has no {member}", (*place, member), f"add {member}")
    if step.type == "RegisterModel" and not any(arguments.get(member) is not None for member in GROUPS):
        yield Problem(
            "the RegisterModel step has no ModelPackageGroupName: nothing says of what this is a version",
            (*place, "ModelPackageGroupName"),
            "add the name of a model package group",
        )
    config = mapping(arguments, "AutoMLJobConfig")
    mode, modes = config.get("Mode"), facts()["automl_modes"]
    if step.type == "AutoML" and config and not is_reference(mode) and mode not in modes:
        yield Problem(
            f"the mode of an AutoML step is {' or '.join(modes)}, not {show(mode)}"
            if mode is not None
            else "the AutoML step has no Mode",
            (*place, "AutoMLJobConfig", "Mode"),
            "write " + " or ".join(modes),
            severity=None if mode is not None else "warning",
            allowable=str(mode) if mode is not None else None,
        )


GROUPS = ("ModelPackageGroupName", "ModelPackageName")
"""The second is refused, which is told by itself."""
SECOND = {
    "AutoMLJobInputDataConfig": "InputDataConfig, with TargetAttributeName",
    "AutoMLProblemTypeConfig": "AutoMLJobConfig and ProblemType",
}
"""The members of the second AutoML API that the first has others for."""


def containers(step: PipelineStep) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """The containers of a model or registration step, each with its place."""
    for place, container in containers_in(step.type, step.arguments):
        yield (*step.place, *place), container


def containers_in(
    type: str | None, request: Mapping[str, Any]
) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """The containers of the request of a step of this type, each with its place in it."""
    place: Path = ()
    if type == "RegisterModel":
        request, place = mapping(request, "InferenceSpecification"), ("InferenceSpecification",)
    single = request.get("PrimaryContainer")
    if isinstance(single, Mapping) and not is_reference(single):
        yield (*place, "PrimaryContainer"), single
    for i, entry in mappings(request, "Containers"):
        yield (*place, "Containers", i), entry


@rule("DEP046", scope="pipeline")
def container_image(view: PipelineView) -> Iterator[Problem]:
    """A container of a model or registration step has no image.

    What it does:
        Looks for Image in every container of these steps; a container of a model may name a ModelPackageName instead.
    Why:
        "Invalid type for parameter InferenceSpecification.Containers[0].Image, value: None": a model class of the SDK
        that was given neither an image nor a framework version writes null.
    Example:
          operation: Pipeline
          Steps:
            - Name: Create
              Type: Model
              Arguments:
        -       PrimaryContainer: {ModelDataUrl: "s3://example-bucket/model.tar.gz"}
        +       PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html,
        https://github.com/aws/sagemaker-python-sdk/issues/2696
    """
    for step in view.definition.steps:
        if step.type not in ("Model", "RegisterModel"):
            continue
        for place, container in containers(step):
            if container.get("Image") is None and container.get("ModelPackageName") is None:
                yield Problem(
                    "the container has no Image: nothing says what serves the model",
                    (*place, "Image"),
                    "write the URI of the image, or give the model class a framework_version",
                )


_ECR = re.compile(r"(?i)\bdkr[.-]ecr\b|^public\.ecr\.aws$")


@rule("DEP051", scope="pipeline")
def image_address(view: PipelineView) -> Iterator[Problem]:
    """The image of a processing, model or registration step is in no registry.

    What it does:
        Looks for the host of an ECR registry before the first slash of ImageUri and of every container's Image, parameters
        put in. A container whose ImageConfig names another way to its repository is left alone.
    Why:
        The services take images from Amazon ECR: a name that Docker completes on a laptop, and a location on S3, are
        refused when the job or model is made.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
        -       AppSpecification: {ImageUri: "prepare:1"}
        +       AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AppSpecification.html,
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
    """
    for step in view.steps:
        top = place_of(view, step)
        found: list[tuple[Path, Mapping[str, object], str]] = []
        if step.operation == "CreateProcessingJob":
            found.append((("AppSpecification",), mapping(step.request, "AppSpecification"), "ImageUri"))
        elif step.type in ("Model", "RegisterModel"):
            places = containers_in(step.type, step.request)
            found.extend((place, holder, "Image") for place, holder in places)
        for place, holder, member in found:
            image = text(holder, member)
            if (
                image is None
                or holder.get("ImageConfig") is not None
                or any(mark in image for mark in "<>{}$")
            ):
                continue
            host, slash, _ = image.partition("/")
            registry = slash and "." in host and not host.endswith(":")
            if registry and _ECR.search(host):
                continue
            yield Problem(
                f"{show(image)} names no registry" + (" of Amazon ECR" if registry else ""),
                (*top, *place, member),
                "write <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>",
                severity="warning" if placeholder(image) is not None or stands_for_another(image) else None,
            )


@rule("DEP045", scope="pipeline")
def serving_types(view: PipelineView) -> Iterator[Problem]:
    """A registered model is to be served on an instance type that does not exist.

    What it does:
        Compares SupportedRealtimeInferenceInstanceTypes and SupportedTransformInstanceTypes of a registration step, and the
        InstanceType of an endpoint configuration's variants, with the types that host and that transform. A family that the
        data does not know may be newer: a warning.
    Why:
        CreateModelPackage takes only the types of its list: the step fails, after the training is paid for.
    Example:
          operation: Pipeline
          Steps:
            - Name: Register
              Type: RegisterModel
              Arguments:
                ModelPackageGroupName: churn
        -       InferenceSpecification: {Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}], SupportedContentTypes: [text/csv], SupportedResponseMIMETypes: [text/csv], SupportedRealtimeInferenceInstanceTypes: [m5.large]}
        +       InferenceSpecification: {Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}], SupportedContentTypes: [text/csv], SupportedResponseMIMETypes: [text/csv], SupportedRealtimeInferenceInstanceTypes: [ml.m5.large]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceSpecification.html
    """
    for step in view.steps:
        top = place_of(view, step)
        if step.type == "EndpointConfig":
            for i, variant in mappings(step.request, "ProductionVariants"):
                place = (*top, "ProductionVariants", i, "InstanceType")
                yield from _serving_type(variant.get("InstanceType"), "hosting", place)
        if step.type != "RegisterModel":
            continue
        specification = mapping(step.request, "InferenceSpecification")
        for member, use in _SERVING:
            for i, name in enumerate(listing(specification, member)):
                yield from _serving_type(name, use, (*top, "InferenceSpecification", member, i))


def _serving_type(name: object, use: str, place: Path) -> Iterator[Problem]:
    known = instances.of_use(use)
    if not isinstance(name, str) or name in known:
        return
    near = f"ml.{name}" if f"ml.{name}" in known else closest(name, known)
    family = name.removeprefix("ml.").partition(".")[0]
    likely = any(each.startswith(f"ml.{family}.") for each in instances.all_names())
    yield Problem(
        f"{show(name)} is no instance type for {use}",
        place,
        f"write {near}" if near else "write a type such as ml.m5.xlarge",
        severity="error" if likely else "warning",
    )


@rule("DEP049", severity="warning", scope="pipeline")
def media_types(view: PipelineView) -> Iterator[Problem]:
    """A registered model takes, answers or is measured in a media type that does not exist.

    What it does:
        Looks at the part before the slash of SupportedContentTypes, SupportedResponseMIMETypes and the ContentType of
        metrics and baselines: text, application, image and the few others that there are.
    Why:
        The registry takes any text. Who deploys the model finds out: no client asks for test/csv.
    Example:
          operation: Pipeline
          Steps:
            - Name: Register
              Type: RegisterModel
              Arguments:
                ModelPackageGroupName: churn
        -       InferenceSpecification: {Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}], SupportedContentTypes: [text/csv], SupportedResponseMIMETypes: [test/csv]}
        +       InferenceSpecification: {Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}], SupportedContentTypes: [text/csv], SupportedResponseMIMETypes: [text/csv]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceSpecification.html,
        https://www.iana.org/assignments/media-types
    """
    for step in view.definition.steps:
        if step.type != "RegisterModel":
            continue
        specification = mapping(step.arguments, "InferenceSpecification")
        known = facts()["mime_types"]
        named: list[tuple[Path, object]] = [
            ((*step.place, "InferenceSpecification", member, i), name)
            for member in ("SupportedContentTypes", "SupportedResponseMIMETypes")
            for i, name in enumerate(listing(specification, member))
        ]
        files = ((*place[:-1], "ContentType") for place, _ in metrics(step))
        named += [(place, value_at(view.request, place)) for place in files]
        for place, name in named:
            first = name.partition("/")[0].lower() if isinstance(name, str) and "/" in name else ""
            near = closest(first, known) if first and first not in known else None
            if near is not None:  # others are the model's own, such as binary/octet-stream and */*
                meant = f"{near}{str(name)[len(first) :]}"
                yield Problem(
                    f"there is no media type {show(name)}. Did you mean {show(meant)}?",
                    place,
                    "write one such as text/csv or application/json",
                )


_SERVING = (
    ("SupportedRealtimeInferenceInstanceTypes", "hosting"),
    ("SupportedTransformInstanceTypes", "transform"),
)


@rule("DEP033", scope="pipeline")
def model_data_is_a_prefix(view: PipelineView) -> Iterator[Problem]:
    """A model's data, or a manifest, is a folder, such as the output path of a training job, instead of a file.

    What it does:
        Looks at ModelDataUrl in model and registration steps, and at the archive that a step of the SDK repacks, for
        references to OutputDataConfig.S3OutputPath or to the S3Uri of a processing step's output, and for URIs that end
        with a slash; and at manifests of channels and inputs that are such references. A container for several models takes a folder. For the files of ModelMetrics and DriftCheckBaselines
        it is a warning, and so are statistics and constraints in each other's place.
    Why:
        The artifact is at <S3OutputPath>/<job name>/output/model.tar.gz. "Could not find model data": CreateModel refuses
        what is no archive. The registry takes a folder for the metrics, and shows none.
    Example:
          operation: Pipeline
          Steps:
            - {Name: Train, Type: Training, Arguments: {}}
            - Name: Create
              Type: Model
              Arguments:
        -       PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: {Get: Steps.Train.OutputDataConfig.S3OutputPath}}
        +       PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: {Get: Steps.Train.ModelArtifacts.S3ModelArtifacts}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelArtifacts.html
    """
    for step in view.definition.steps:
        for place, value in nodes(step.arguments, step.place):
            if (
                isinstance(value, Mapping)
                and value.get("S3DataType") in _MANIFESTS
                and target_of(value.get("S3Uri"))
            ):
                yield from _a_folder(value["S3Uri"], (*place, "S3Uri"), "manifest", "train.manifest")
        if step.type in ("Model", "RegisterModel"):
            for place, container in containers(step):
                if container.get("Mode") != "MultiModel":  # which takes a prefix
                    yield from _a_folder(container.get("ModelDataUrl"), (*place, "ModelDataUrl"))
            for place, uri in metrics(step):
                for problem in _a_folder(uri, place, "file of metrics", "evaluation.json"):
                    yield replace(problem, severity="warning")
                yield from _other_file(uri, place)
        elif step.type == "Training" and repacks(step):
            place = (*step.place, "HyperParameters", "model_archive")
            yield from _a_folder(step.arguments["HyperParameters"]["model_archive"], place)


_MANIFESTS = ("ManifestFile", "AugmentedManifestFile")


def _other_file(uri: object, place: Path) -> Iterator[Problem]:
    """Constraints where a check's statistics belong, or the reverse."""
    target, wanted = target_of(uri), str(place[-2])
    given = str(target.rest[0]) if target is not None and target.rest else ""
    other = {"Statistics": "Constraints", "Constraints": "Statistics"}.get(wanted)
    if other is not None and given.endswith(other):
        yield Problem(
            f"{show(given)} stands where {wanted} belong",
            place,
            f"refer to {given.removesuffix(other)}{wanted}",
            severity="warning",
        )


def metrics(step: PipelineStep) -> Iterator[tuple[Path, object]]:
    """The location of each file of a registration's metrics and baselines."""
    for member in ("ModelMetrics", "DriftCheckBaselines"):
        for kind, files in mapping(step.arguments, member).items():
            for name, file in files.items() if isinstance(files, Mapping) else ():
                if isinstance(file, Mapping):
                    yield (*step.place, member, kind, name, "S3Uri"), file.get("S3Uri")


def _a_folder(
    url: object, place: Path, what: str = "model artifact", name: str = "model.tar.gz"
) -> Iterator[Problem]:
    """What is wrong with a location that is to be one file."""
    get, target = url.get("Get") if isinstance(url, Mapping) else None, target_of(url)
    if target is not None and target.rest == ("OutputDataConfig", "S3OutputPath"):
        yield Problem(
            f"{show(get)} is a folder, not a {what}",
            place,
            f"write Steps.{target.name}.ModelArtifacts.S3ModelArtifacts"
            if name == "model.tar.gz"
            else f"name the file itself: …/{name}",
        )
    elif target is not None and target.rest[-2:] == ("S3Output", "S3Uri"):
        yield Problem(
            f"{show(get)} is the folder that the step uploads to, not the {what} in it",
            place,
            f'join the file\'s name to it: {{"Std:Join": {{"On": "/", "Values": [{{"Get": …}}, "{name}"]}}}}',
        )
    elif (whole := written_out(url)) is not None and whole.endswith(("/", "JobName}")):
        yield Problem(
            f"{show(whole)} is a folder, not a {what}",
            place,
            f"name the file itself: …/{name}",
        )

"""Rules of the area *framework*: the images of models that a pipeline makes, and the transform steps that use them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from cursus.aws import images, instances
from cursus.aws.algorithms import find
from cursus.aws.pipelines import facts, named_step, target_of
from cursus.checks.algorithms.channels import base_type
from cursus.checks.pipeline import ARTIFACTS, place_of
from cursus.checks.pipeline.models import containers, containers_in
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, mapping, text
from cursus.model import Path, Step
from cursus.redact import show


@rule("FRM021", scope="pipeline")
def transform_processor(view: PipelineView) -> Iterator[Problem]:
    """A transform job runs an image for GPUs on an instance without any, or one for CPUs on GPUs.

    What it does:
        Compares the processor in the tag of one of Amazon's framework images, in a model that the pipeline makes, with the
        instance type of each transform step that uses the model.
    Why:
        The server of a GPU image looks for CUDA: "error while loading shared libraries: libcuda.so.1". The container fails
        its health check, and the job ends after minutes of waiting. A CPU image leaves the GPUs idle while they are billed.
    Example:
          operation: Pipeline
          Steps:
            - Name: Create
              Type: Model
              Arguments:
        -       PrimaryContainer: {Image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.8.0-gpu", ModelDataUrl: "s3://example-bucket/model.tar.gz"}
        +       PrimaryContainer: {Image: "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.8.0-cpu", ModelDataUrl: "s3://example-bucket/model.tar.gz"}
            - Name: Score
              Type: Transform
              Arguments:
                ModelName: {Get: Steps.Create.ModelName}
                TransformInput: {ContentType: application/json, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
    Source:
        https://github.com/aws/amazon-sagemaker-examples/issues/613,
        https://docs.aws.amazon.com/sagemaker/latest/dg/pre-built-containers-frameworks-deep-learning.html
    """
    for step, place, model in transforms(view):
        kind = text(mapping(step.request, "TransformResources"), "InstanceType")
        instance = instances.find(kind)
        for container in model.values():
            image = images.amazon_image(text(container, "Image"))
            if instance is None or image is None or image.kind != "framework":
                continue
            known = images.facts(image.repository, image.version or "").get("processors", ())
            if image.processor == "gpu" and instance.processor == "cpu":
                # only the server of TensorFlow is linked with CUDA's library
                yield Problem(
                    f"the model's image is for GPUs (tag {image.tag!r}), and {instance.name} has none",
                    (*place, "TransformResources", "InstanceType"),
                    "use an instance type with GPUs, or the image's cpu tag in the model",
                    severity=None if image.engine == "tensorflow" else "warning",
                )
            elif image.processor == "cpu" and instance.gpus and "gpu" in known:
                idle = f"{instance.gpus} GPU" + ("s" if instance.gpus > 1 else "")
                yield Problem(
                    f"the model's image is for CPUs (tag {image.tag!r}): {idle} of {instance.name} stay idle",
                    (*place, "TransformResources", "InstanceType"),
                    "use the image's gpu tag in the model, or an instance type without GPUs",
                    severity="warning",
                )


@rule("FRM022", scope="pipeline")
def transform_of_a_source(view: PipelineView) -> Iterator[Problem]:
    """A transform step uses a model whose artifact is given as ModelDataSource.

    What it does:
        Looks for ModelDataSource in the containers of models that the pipeline makes, where a transform step uses them.
    Why:
        "SageMaker Batch currently doesn't support Model entity with container definitions which use ModelDataSource
        attribute": the model is made, and CreateTransformJob is refused. Models that were not compressed, such as those of
        JumpStart, can only be deployed to endpoints.
    Example:
          operation: Pipeline
          Steps:
            - Name: Create
              Type: Model
              Arguments:
        -       PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataSource: {S3DataSource: {S3Uri: "s3://example-bucket/model/", S3DataType: S3Prefix, CompressionType: None}}}
        +       PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model/model.tar.gz"}
            - Name: Score
              Type: Transform
              Arguments:
                ModelName: {Get: Steps.Create.ModelName}
                TransformInput: {ContentType: text/csv, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/4777 and /5160
    """
    for step, place, model in transforms(view):
        if any(container.get("ModelDataSource") is not None for container in model.values()):
            yield Problem(
                f"the model of step {named_step(step.request['ModelName'])} has a ModelDataSource, which batch transform does not support",
                (*place, "ModelName"),
                "make the model with ModelDataUrl, of an archive model.tar.gz; or deploy it to an endpoint",
            )


@rule("FRM023", severity="warning", scope="pipeline")
def unwritten_format(view: PipelineView) -> Iterator[Problem]:
    """A built-in algorithm is sent a format that it does not read, or asked for one that it does not write.

    What it does:
        Compares ContentType in TransformInput and Accept in TransformOutput with the formats that are published for the
        algorithm of the step's model, where the pipeline makes the model; and looks for a container of scikit-learn, which
        answers in JSON unless it is told otherwise, before an algorithm that reads none, and for the server of TensorFlow, which answers in JSON alone.
    Why:
        "Unable to evaluate payload provided", "Failed to parse output from the algorithm as CSV": the answer is JSON all the same, or an error, and the job
        fails after the first file.
    Example:
          operation: Pipeline
          Steps:
            - Name: Create
              Type: Model
              Arguments:
                PrimaryContainer: {Image: "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}
            - Name: Score
              Type: Transform
              Arguments:
                ModelName: {Get: Steps.Create.ModelName}
                TransformInput: {ContentType: text/csv, SplitType: Line, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
        -       TransformOutput: {Accept: text/csv, AssembleWith: Line, S3OutputPath: "s3://example-bucket/out/"}
        +       TransformOutput: {Accept: application/jsonlines, AssembleWith: Line, S3OutputPath: "s3://example-bucket/out/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/LL-in-formats.html,
        https://github.com/aws/amazon-sagemaker-examples/issues/821 and /729
    """
    for entry in view.definition.steps:
        if entry.type in ("Model", "RegisterModel"):
            yield from _handed_on(list(containers(entry)))
    for step, place, model in transforms(view):
        algorithms = [
            None if "SAGEMAKER_PROGRAM" in mapping(each, "Environment") else find(text(each, "Image") or "")
            for each in model.values()
        ]
        first, last = (algorithms[0], algorithms[-1]) if algorithms else (None, None)
        sent = text(mapping(step.request, "TransformInput"), "ContentType")
        if (
            first is not None
            and sent is not None
            and first.requests
            and base_type(sent) not in first.requests
        ):
            yield Problem(
                f"{first.name} reads {', '.join(each for each in first.requests if '/' in each)}, not {show(sent)}",
                (*place, "TransformInput", "ContentType"),
                "convert what is sent, or write what it is",
                severity="error" if base_type(sent) in first.no_requests else None,
            )
        asked = text(mapping(step.request, "TransformOutput"), "Accept")
        if (
            last is not None
            and asked is not None
            and last.responses
            and base_type(asked) not in last.responses
        ):
            yield Problem(
                f"{last.name} writes {', '.join(last.responses)}, not {show(asked)}",
                (*place, "TransformOutput", "Accept"),
                "write application/jsonlines, and take the predictions out of its lines",
                severity="error" if base_type(asked) in last.no_responses else None,
            )
        server = images.amazon_image(text(list(model.values())[-1], "Image")) if model else None
        name = server.repository if server is not None else ""
        written = facts()["served_responses"].get(name)
        if written is not None and asked is not None and base_type(asked) not in written:
            yield Problem(
                f"the server of {name} answers in {written[0]}, unless the model has code of its own",
                (*place, "TransformOutput", "Accept"),
                f"write {written[0]}, or put code/inference.py with an output_handler into the model's archive",
            )


def _handed_on(found: list[tuple[Path, Mapping[str, object]]]) -> Iterator[Problem]:
    """A container of scikit-learn answers in JSON, unless it is told otherwise, and not every algorithm reads that."""
    for (place, container), (_, following) in pairwise(found):
        image = images.amazon_image(text(container, "Image"))
        reader = find(text(following, "Image") or "")
        if (
            image is not None
            and image.engine == "sklearn"
            and reader is not None
            and "SAGEMAKER_PROGRAM" not in mapping(following, "Environment")
            and reader.requests
            and "application/json" not in reader.requests
            and ACCEPT not in mapping(container, "Environment")
        ):
            yield Problem(
                f"the container answers in JSON, and {reader.name} behind it reads {', '.join(each for each in reader.requests if '/' in each)}",
                (*place, "Environment", ACCEPT),
                f"set {ACCEPT} to text/csv, unless the script's output_fn writes CSV whatever it is asked for",
                severity="warning",
            )


ACCEPT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"


@rule("FRM024", severity="warning", scope="pipeline")
def transformed_records(view: PipelineView) -> Iterator[Problem]:
    """What a transform step splits, joins and filters does not go with the format of its records.

    What it does:
        Compares SplitType with ContentType; ContentType with Accept where JoinSource puts them together; takes
        InputFilter, JoinSource's OutputFilter and their subset of JSONPath apart; and looks for a model's archive as data, and
        for augmented manifests, which the API's own text excludes.
    Why:
        A line is no record of RecordIO, of JSON or of an image: the container gets a piece of one. A CSV row is an array,
        which only an index such as $[1:] can filter. Batch transform knows a part of JSONPath only; it refuses the rest, or
        ends with an error after the first file.
    Example:
          operation: Pipeline
          Steps:
            - Name: Score
              Type: Transform
              Arguments:
                ModelName: churn
                TransformInput: {ContentType: text/csv, SplitType: Line, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/in/"}}}
        -       TransformOutput: {Accept: application/json, AssembleWith: Line, S3OutputPath: "s3://example-bucket/out/"}
        +       TransformOutput: {Accept: text/csv, AssembleWith: Line, S3OutputPath: "s3://example-bucket/out/"}
                DataProcessing: {JoinSource: Input}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html,
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformS3DataSource.html
    """
    for step in view.steps:
        if step.operation != "CreateTransformJob":
            continue
        place: Path = place_of(view, step)
        source, target = mapping(step.request, "TransformInput"), mapping(step.request, "TransformOutput")
        sent, asked = base_type(text(source, "ContentType") or ""), base_type(text(target, "Accept") or "")
        split, wanted = text(source, "SplitType"), _split_of(sent)
        if (
            text(mapping(mapping(source, "DataSource"), "S3DataSource"), "S3DataType")
            == "AugmentedManifestFile"
        ):
            yield Problem(
                "S3DataType AugmentedManifestFile is not compatible with batch transform",
                (*place, "TransformInput", "DataSource", "S3DataSource", "S3DataType"),
                "write ManifestFile, with a manifest of the objects' keys, or S3Prefix",
                severity="error",
            )
        if _is_archive(view.filled(mapping(mapping(source, "DataSource"), "S3DataSource").get("S3Uri"))):
            yield Problem(
                "the data to transform is a model's archive, and no records",
                (*place, "TransformInput", "DataSource", "S3DataSource", "S3Uri"),
                "name the data, such as an output of the step that prepares it; the model is what ModelName names",
                severity="error" if wanted is not None or "json" in sent else None,
            )
        if wanted is not None and split not in (None, "None", wanted):
            yield Problem(
                f"SplitType {split} takes {show(sent)} apart where no record ends",
                (*place, "TransformInput", "SplitType"),
                f"write {wanted}",
                severity="error" if sent in RECORDIO or split in ("RecordIO", "TFRecord") else None,
            )
        processing = mapping(step.request, "DataProcessing")
        if (
            processing.get("JoinSource") == "Input"
            and "text/csv" in (sent, asked)
            and sent
            and asked != sent
            and asked
        ):
            yield Problem(
                f"JoinSource puts {show(sent)} and {show(asked)} into one record",
                (*place, "TransformOutput", "Accept"),
                f"write {sent}, if the model answers with it; otherwise leave JoinSource out",
                severity="error" if "json" in sent + asked else None,
            )
        for member, kind in (("InputFilter", sent), ("OutputFilter", asked)):
            fault = _filter_fault(text(processing, member), kind)
            if fault is not None:
                message, remedy = fault
                yield Problem(message, (*place, "DataProcessing", member), remedy, severity="error")


def _is_archive(uri: object) -> bool:
    target = target_of(uri)
    if target is not None:
        return target.rest == ARTIFACTS
    return isinstance(uri, str) and uri.endswith("/model.tar.gz")


RECORDIO = ("application/x-recordio-protobuf", "application/x-recordio")


def _split_of(kind: str) -> str | None:
    """The one SplitType, beside None, that records of a type can have; None where any may do."""
    if kind in RECORDIO:
        return "RecordIO"
    if kind in ("text/csv", "application/jsonlines", "text/libsvm"):
        return "Line"
    return "None" if kind == "application/x-image" or kind.startswith("image/") else None


def _filter_fault(path: str | None, kind: str) -> tuple[str, str] | None:
    """(what is wrong, what to write) with a filter of records of a type; None where nothing is."""
    if path is None:
        return None
    if not path.startswith("$"):
        whole = f"${path}" if path[:1] in ("[", ".") else f"$.{path}"
        return f"{show(path)} does not begin with $, the root of each record", f"write {show(whole)}"
    if path.count("[") != path.count("]"):
        return f"Invalid JsonPath: {show(path)}: a bracket is open", "close each bracket, as in $[0]"
    if kind == "text/csv" and re.search(r"\.\w|\[\s*['\"]", path):
        return (
            f"{show(path)} names an attribute, and a row of CSV is an array",
            "write the columns' indexes, such as $[0] or $[1:]",
        )
    if re.search(r"\[\s*'[^']*\.[^']*'\s*,|,\s*'[^']*\.[^']*'\s*\]", path):
        return (
            f"{show(path)} names something nested among several children in brackets, which is not supported",
            "name children of one level in the brackets",
        )
    if ".." in path or "?" in _OUTSIDE.sub("", path):
        return (
            f"{show(path)} uses what batch transform does not support of JSONPath",
            "use names, indexes, slices and *",
        )
    if re.search(r"\[[^\]'\"]*:[^\]'\"]*,[^\]'\"]*:", path):
        return (
            f"Invalid JsonPath: {show(path)}: only single range filters of format (eg: [1:5]) are supported",
            "write one range, or every index, such as $[0,1,-1]",
        )
    if not _PATH.fullmatch(path.replace(" ", "")):
        return (
            f"Invalid JsonPath: {show(path)}",
            "write $, and behind it names (.id, ['id','label']), indexes ([0], [0,-1]), one range ([1:]) or *",
        )
    return None


_OUTSIDE = re.compile(r"""\['[^']*'|\["[^"]*\"""")
"""Names in brackets, which may have any characters."""
_QUOTED = r"""(?:'[^']*'|"[^"]*")"""
# An index beside one range is in AWS's own examples: $[0,5:].
_INDEX = r"-?\d+|-?\d*:(?:-?\d+)?"
_BRACKETS = rf"\[(?:\*|{_QUOTED}(?:,{_QUOTED})*|(?:{_INDEX})(?:,(?:{_INDEX}))*)\]"
_PATH = re.compile(rf"\$(?:\.?{_BRACKETS}|\.[^.\[\]()?]+)*")
"""What batch transform supports of JSONPath, without spaces."""


def transforms(view: PipelineView) -> Iterator[tuple[Step, Path, Mapping[Path, Mapping[str, object]]]]:
    """The transform steps of a model that the pipeline makes: each with its place and the model's containers."""
    models = {step.name: step for step in view.steps if step.type == "Model"}
    for step in view.steps if models else ():
        model = (
            models.get(named_step(step.request.get("ModelName")))
            if step.operation == "CreateTransformJob"
            else None
        )
        if model is not None:
            yield step, place_of(view, step), dict(containers_in(model.type, model.request))

"""Rules on the folders of processing steps: what is started, read and written in them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.images import amazon_image
from cursus.aws.pipelines import target_of, written_out
from cursus.checks.pipeline import ARTIFACTS, outputs_of, place_of, writes
from cursus.checks.pipeline.locations import is_text
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, integer, is_reference, listing, mapping, mappings, text
from cursus.model import Path, Step
from cursus.redact import show
from cursus.suggest import closest

FOLDER = "/opt/ml/processing/"
SCRIPTS = (".py", ".sh", ".jar")
RUNNERS = ("python", "python3", "bash", "sh")


def _inputs(step: Step) -> Iterator[tuple[int, str, Any]]:
    """The position, folder and location of each input of a processing request."""
    for i, entry in mappings(step.request, "ProcessingInputs"):
        source = mapping(entry, "S3Input")
        folder = text(source, "LocalPath") or text(mapping(entry, "DatasetDefinition"), "LocalPath")
        if folder is not None:
            yield i, folder.rstrip("/"), source.get("S3Uri")


def _collected(step: Step) -> Iterator[tuple[Path, str]]:
    """The place and folder of each output of a processing request."""
    for place, _, target in outputs_of(step.request):
        folder = (text(target, "LocalPath") or "").rstrip("/")
        if folder:
            yield (*place, "S3Output", "LocalPath"), folder


def _processing(view: PipelineView) -> Iterator[tuple[Step, Path]]:
    for step in view.steps:
        if step.operation == "CreateProcessingJob":
            yield step, place_of(view, step)


def _around(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/") or folder.startswith(f"{path}/")


@rule("DEP039", scope="pipeline")
def started_script(view: PipelineView) -> Iterator[Problem]:
    """A processing step starts another script than is downloaded, or names a folder of no input and no output.

    What it does:
        Looks for the paths below /opt/ml/processing in ContainerEntrypoint and ContainerArguments: each must be in a
        folder of an input or output, without the backslashes of Windows; a script that is downloaded alone must have the
        name that is started, and what runs it before it.
    Why:
        "can't open file '/opt/ml/processing/input/code/step.py'"; "permission denied". What a script writes to a folder of no output is lost
        with the job. An image of your own may have a folder already: then this is a warning.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
        -       AppSpecification: {ImageUri: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", ContainerEntrypoint: [python3, /opt/ml/processing/input/code/prepare.py]}
        +       AppSpecification: {ImageUri: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", ContainerEntrypoint: [python3, /opt/ml/processing/input/code/step.py]}
                ProcessingInputs: [{InputName: code, S3Input: {S3Uri: "s3://example-bucket/code/step.py", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/input/code, S3InputMode: File}}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
    """
    for step, top in _processing(view):
        application = mapping(step.request, "AppSpecification")
        if _unknown(step):
            continue
        filled = [(folder, uri) for _, folder, uri in _inputs(step)]
        folders = [*(folder for folder, _ in filled), *(folder for _, folder in _collected(step))]
        misplaced = any(not f"{folder}/".startswith(FOLDER) for folder, _ in filled)
        for member in ("ContainerEntrypoint", "ContainerArguments"):
            for i, word in enumerate(listing(application, member)):
                if not isinstance(word, str) or not word.startswith(FOLDER) or len(word) > 1000:
                    continue
                if "\\" in word:
                    yield Problem(
                        f"{show(word)} has a backslash, which Linux takes for a part of a name: there is no such file",
                        (*top, "AppSpecification", member, i),
                        "write " + re.sub(r"\\+", "/", word)[:100],
                    )
                    continue
                path = posixpath.normpath(word.rstrip())
                if (member, i) == ("ContainerEntrypoint", 0) and any(_around(path, one) for one, _ in filled):
                    yield Problem(
                        f"{show(word)} is started itself, and a file that comes from S3 cannot be executed",
                        (*top, "AppSpecification", member, i),
                        "write what runs it before it: python3, or bash",
                    )
                if misplaced and not any(_around(path, folder) for folder in folders):
                    continue  # it is told of the input that it is put elsewhere
                if folders and not any(_around(path, folder) for folder in folders):
                    option = str(listing(application, member)[i - 1]) if i else ""
                    named = f"{option} {word}" if member == "ContainerArguments" else ""
                    written, near = _MADE.search(named), _near(path, folders)
                    if _SCRATCH.search(named) and not near:
                        continue
                    yield Problem(
                        f"{show(word)} is in no folder of the step's inputs and outputs.{near}",
                        (*top, "AppSpecification", member, i),
                        "name a path below one of " + ", ".join(dict.fromkeys(folders)),
                        # An image may have it, but not where the file itself is put elsewhere.
                        severity=None if _downloaded(path, filled) and not written else "warning",
                    )
                elif member == "ContainerEntrypoint":
                    started = i == 1 and str(application[member][0]).rpartition("/")[2] in RUNNERS
                    yield from _other_name(path, filled, started, (*top, "AppSpecification", member, i))


def _unknown(step: Step) -> bool:
    """True where the folder of an input may be anything."""
    given = step.request.get("ProcessingInputs")
    inputs = given if isinstance(given, list) else []
    return any(map(is_reference, (given, *inputs))) or any(
        is_reference(entry.get("S3Input")) or is_reference(mapping(entry, "S3Input").get("LocalPath"))
        for entry in inputs
        if isinstance(entry, Mapping)
    )


def _near(path: str, folders: list[str]) -> str:
    """The folder whose parts are all nearly those that the path begins with; what all folders have in common says nothing."""
    for folder in folders:
        if all(
            closest(part, (own,))
            for part, own in zip(path.split("/")[1:], folder.split("/")[1:], strict=False)
        ):
            return f" Did you mean {folder!r}?"
    return ""


def _downloaded(path: str, filled: list[tuple[str, Any]]) -> bool:
    """True where an input is the very file, by its name."""
    name = posixpath.basename(path)
    files = [
        "/model.tar.gz" if (target := target_of(uri)) and target.rest == ARTIFACTS else str(written_out(uri))
        for _, uri in filled
    ]
    return "." in name and any(file.endswith(f"/{name}") for file in files)


_MADE = re.compile("out|te?mp|work|cache|dest|save|write", re.IGNORECASE)
"""What options and paths are called that a script writes to."""
_SCRATCH = re.compile(r"te?mp(?![a-z])|cache|scratch|spill", re.IGNORECASE)
"""What those are called that a script needs no longer than the job runs."""


def _other_name(path: str, filled: list[tuple[str, Any]], started: bool, place: Path) -> Iterator[Problem]:
    """A script whose folder holds, of all inputs, one other file alone."""
    folder, name = posixpath.split(path)
    files = [str(written_out(uri)).rpartition("/")[2] for where, uri in filled if where == folder]
    nested = any(path.startswith(f"{where}/") and where != folder for where, _ in filled)
    alone = bool(files) and all(file.endswith(SCRIPTS) for file in files)
    if (started or name.endswith(SCRIPTS)) and alone and not nested and name not in files:
        yield Problem(
            f"{show(name)} is started, and what is downloaded into {folder} is {', '.join(files)}",
            place,
            f"start {folder}/{files[0]}, or download {name}",
        )


@rule("DEP069", scope="pipeline")
def empty_words(view: PipelineView) -> Iterator[Problem]:
    """A word of a processing step's command line is empty.

    What it does:
        Looks for empty texts in ContainerEntrypoint and ContainerArguments, parameters put in.
    Why:
        "Found null or empty string in ContainerArguments at index 1": CreateProcessingJob refuses it when the step is reached.
        CreatePipeline and local mode take it.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
        -       AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1", ContainerArguments: [--country, ""]}
        +       AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1", ContainerArguments: [--country, all]}
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/3758
    """
    for step, top in _processing(view):
        application = mapping(step.request, "AppSpecification")
        for member in ("ContainerEntrypoint", "ContainerArguments"):
            for i, word in enumerate(listing(application, member)):
                if word == "":
                    place = (*top, "AppSpecification", member, i)
                    yield Problem(
                        f"word {i} of {member} is empty",
                        place,
                        "leave the option out, or give it a word that stands for nothing",
                        severity=None
                        if is_text(view.request, place)
                        else "warning",  # a start may give another
                    )


@rule("DEP050", severity="warning", scope="pipeline")
def same_place(view: PipelineView) -> Iterator[Problem]:
    """Two outputs are written to the same place, or an output is collected from an input's folder.

    What it does:
        Compares the S3 locations of all outputs of processing steps and transform jobs, parameters put in, and the
        folders of a step's inputs and outputs; and each output's location with those that the step reads. Steps in the two branches of a condition may share a location.
    Why:
        The later upload lies on top of the earlier one, and who reads the location gets both. From an input's folder
        the input is uploaded too.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
                ProcessingOutputConfig:
                  Outputs:
        -           - {OutputName: train, S3Output: {S3Uri: "s3://example-bucket/churn/", LocalPath: /opt/ml/processing/train, S3UploadMode: EndOfJob}}
        -           - {OutputName: test, S3Output: {S3Uri: "s3://example-bucket/churn/", LocalPath: /opt/ml/processing/test, S3UploadMode: EndOfJob}}
        +           - {OutputName: train, S3Output: {S3Uri: "s3://example-bucket/churn/train/", LocalPath: /opt/ml/processing/train, S3UploadMode: EndOfJob}}
        +           - {OutputName: test, S3Output: {S3Uri: "s3://example-bucket/churn/test/", LocalPath: /opt/ml/processing/test, S3UploadMode: EndOfJob}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Output.html,
        https://github.com/aws/sagemaker-python-sdk/issues/1950
    """
    first: dict[str, str] = {}
    for step in view.steps:
        top = place_of(view, step)
        read = [uri.rstrip("/") for uri in _sources(step) if isinstance(uri, str) and uri.startswith("s3://")]
        for place, uri in _written(step):
            over = next((source for source in read if f"{uri}/".startswith(f"{source}/")), None)
            if over is not None:
                yield Problem(
                    f"the output is written to {show(uri, limit=120)}, which this step reads as well: the next execution reads it too",
                    (*top, *place),
                    "write to a location beside the input's",
                )
            if uri not in first:
                first[uri] = step.name
                continue
            if _apart(view, first[uri], step.name):
                continue
            writer = "another output of this step" if first[uri] == step.name else f"step {first[uri]}"
            yield Problem(
                f"{show(uri, limit=120)} is written by {writer} too",
                (*top, *place),
                "give each output a location of its own",
            )
        folders = {folder for _, folder, _ in _inputs(step)}
        if step.operation == "CreateProcessingJob":
            for place, folder in _collected(step):
                if any(f"{each}/".startswith(f"{folder}/") for each in folders):
                    yield Problem(
                        f"the output is collected from {show(folder)}, where an input lies",
                        (*top, *place),
                        "let the script write to a folder of its own",
                    )


def _sources(step: Step) -> Iterator[Any]:
    """The locations that a processing or transform step reads."""
    yield from (uri for _, _, uri in _inputs(step))
    source = mapping(mapping(mapping(step.request, "TransformInput"), "DataSource"), "S3DataSource")
    if source.get("S3DataType") == "S3Prefix":
        yield source.get("S3Uri")


def _written(step: Step) -> Iterator[tuple[Path, str]]:
    """The place and text of each location that a processing or transform step writes to."""
    for place, uri in writes(step):
        location = written_out(uri)
        if location is not None and location.startswith("s3://"):
            yield place, location.rstrip("/")


def _apart(view: PipelineView, one: str, other: str) -> bool:
    """True where only one of two steps is ever executed: they stand in the two branches of a condition."""
    steps = view.definition.by_name
    here: Mapping[Path, str] = dict(steps[one].branches) if one in steps else {}
    there = steps[other].branches if other in steps else ()
    return any(here.get(condition, branch) != branch for condition, branch in there)


@rule("DEP066", severity="warning", scope="pipeline")
def hosts_with_the_same_data(view: PipelineView) -> Iterator[Problem]:
    """Several hosts of a processing step get all the data, and write to the same place.

    What it does:
        Looks for more than one instance where no input is sharded and the image is Amazon's for scikit-learn or a deep learning
        framework, which runs the script on each host alone.
    Why:
        Each host does the whole work, and uploads files of the same names over those of the others: as many instances are
        paid for, and one is of use.
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
              Arguments:
                ProcessingResources: {ClusterConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 2, VolumeSizeInGB: 30}}
                AppSpecification: {ImageUri: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"}
        -       ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/raw, S3InputMode: File, S3DataDistributionType: FullyReplicated}}]
        +       ProcessingInputs: [{InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/raw, S3InputMode: File, S3DataDistributionType: ShardedByS3Key}}]
                ProcessingOutputConfig: {Outputs: [{OutputName: train, S3Output: {S3Uri: "s3://example-bucket/churn/train/", LocalPath: /opt/ml/processing/train, S3UploadMode: EndOfJob}}]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html (S3DataDistributionType)
    """
    for step, top in _processing(view):
        cluster = mapping(mapping(step.request, "ProcessingResources"), "ClusterConfig")
        count = integer(cluster, "InstanceCount")
        image = amazon_image(text(mapping(step.request, "AppSpecification"), "ImageUri"))
        if count is None or count < 2 or image is None or image.kind != "framework":
            continue
        spread = [mapping(entry, "S3Input") for _, entry in mappings(step.request, "ProcessingInputs")]
        spread += [
            mapping(entry, "DatasetDefinition") for _, entry in mappings(step.request, "ProcessingInputs")
        ]
        if any(
            "ShardedByS3Key" in (e.get("S3DataDistributionType"), e.get("DataDistributionType"))
            for e in spread
        ):
            continue
        yield Problem(
            f"each of the {count} hosts gets all the data, and writes the same outputs",
            (*top, "ProcessingResources", "ClusterConfig", "InstanceCount"),
            "write ShardedByS3Key for the S3DataDistributionType of the data, or take one instance",
        )

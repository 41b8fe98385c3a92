"""Rules on S3 locations that a pipeline makes when it runs, and on what lies beside them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.members import value_at
from cursus.aws.pipelines import Reference, nodes, parse_get, target_of, written_out
from cursus.checks.pipeline import outputs_of, place_of
from cursus.checks.rules import Problem, rule
from cursus.checks.text_faults import CURLY, location_faults, placeholder
from cursus.checks.views import PipelineView, listing, mapping, mappings, text
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import closest

_UNKNOWN = "unknown"
"""Stands for a part that only an execution knows. A bucket and a key may hold this word."""


@rule("DEP015", scope="pipeline")
def joined_location(view: PipelineView) -> Iterator[Problem]:
    """The parts of a Std:Join cannot make an S3 URI.

    What it does:
        Writes out the joins that stand where a URI belongs, or begin with s3:, parameters put in and a word for what
        only an execution knows, and looks at what comes of it as at any other URI; for a step's location behind another's
        beginning, for what is looked for below an archive, and for parts that nothing stands between: an output's folder and
        a file's name (a warning where it is written to).
    Why:
        ``Join(on="/", values=["s3:/", bucket, …])`` with a bucket that is "s3://bucket" gives two schemes, "s3://" and
        "/" a URI without a bucket. The job that reads or writes there fails.
    Example:
          operation: Pipeline
          Steps:
            - Name: Create
              Type: Model
              Arguments:
                PrimaryContainer:
                  Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"
        -         ModelDataUrl: {"Std:Join": {"On": "/", "Values": ["s3:/", "s3://example-bucket", {Get: Execution.PipelineExecutionId}, model.tar.gz]}}
        +         ModelDataUrl: {"Std:Join": {"On": "/", "Values": ["s3:/", example-bucket, {Get: Execution.PipelineExecutionId}, model.tar.gz]}}
    Source:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html,
        https://github.com/aws/amazon-sagemaker-examples/issues/3222
    """
    written: dict[str, str] | None = None
    for place, value in _joins(view):
        for problem in _joined(value, place):
            yield Problem(problem.message, place, problem.remedy, problem.severity)
        if place[-1] in LOCATIONS:
            written = _written(view) if written is None else written
            yield from _run_together(value["Std:Join"], place, written)
    if any(map(_BUCKET_NAME.search, view.definition.parameters)):
        # As the definition has them: with the parameters put in these are plain texts.
        for place, value in nodes(view.request.get("Steps"), ("Steps",), lambda _, here: _is_join(here)):
            yield from _bucket_and_folder(value["Std:Join"] if _is_join(value) else {}, place)


def _joins(view: PipelineView) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every Std:Join of the steps' requests, parameters put in, with its place in the definition."""
    for step in view.steps:
        for place, value in nodes(step.request, place_of(view, step), lambda _, here: _is_join(here)):
            if _is_join(value) and value["Std:Join"].keys() <= {"On", "Values"}:  # or it cannot be parsed
                yield place, value


def _written(view: PipelineView) -> dict[str, str]:
    """How each location of a step's outputs is written, by the reference to it, as far as that is known."""
    found: dict[str, str] = {}
    for step in view.steps:
        for output, uri in _outputs(step.request).items():
            found[f"Steps.{step.name}.ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"] = uri
        for member in ("OutputDataConfig", "TransformOutput"):
            path = written_out(mapping(step.request, member).get("S3OutputPath"))
            if path is not None:
                found[f"Steps.{step.name}.{member}.S3OutputPath"] = path
    return found


def _bucket_and_folder(join: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    """``["s3://", <parameter Bucket>, "train/"]``: the folder is joined to the bucket's name."""
    parts = listing(join, "Values")
    if join.get("On", "") != "" or len(parts) < 3 or parts[0] != "s3://" or not isinstance(parts[2], str):
        return
    target = target_of(parts[1])
    name = target.name if target is not None and target.root == "Parameters" else ""
    if _BUCKET_NAME.search(name) and re.match(r"[A-Za-z0-9_]+/", parts[2]):
        yield Problem(
            f"the bucket {show(name)} and {show(parts[2][:40])} are joined with nothing between them: there is no such bucket",
            place,
            f"write {show('/' + parts[2][:40])}",
        )


_BUCKET_NAME = re.compile(r"bucket(?:_?name)?$", re.IGNORECASE)


def _run_together(join: Mapping[str, Any], place: Path, written: Mapping[str, str]) -> Iterator[Problem]:
    """Two parts of a location of which the second would have to be a name of its own, and is not."""
    parts, on = listing(join, "Values"), join.get("On", "")
    for first, second in itertools.pairwise(parts):
        reference = _location(first) or ""
        if reference.endswith(".S3ModelArtifacts") and second != "":
            yield Problem(
                f"{show(reference)} is the archive model.tar.gz, and nothing lies below it",
                place,
                "read the archive itself: the job unpacks it, or a processing script has to",
            )
        target = target_of(second)
        member = target.rest[-1] if target is not None and target.root == "Steps" and target.rest else ""
        if str(member).endswith("Arn"):
            yield Problem(
                f"{show(member)} is an ARN, with colons and slashes of its own, and no part of the location of what a "
                "job writes",
                place,
                "refer to the job's name, such as TrainingJobName",
                severity=None if set(place) & READ else "warning",
            )
        before = written.get(reference, "")
        behind = written_out(second, _UNKNOWN)
        if on != "" or not behind or not behind[0].isalnum():
            continue
        if before[-1:].isalnum():
            yield Problem(
                f"{show(before[-40:])} and {show(behind[:40])} are joined with nothing between them",
                place,
                'write "On": "/", or begin the second with /',
                severity=None if set(place) & READ else "warning",
            )


READ = frozenset({"InputDataConfig", "ProcessingInputs", "TransformInput", "ModelDataUrl"})
"""Members that hold what a job reads."""


def _is_join(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get("Std:Join"), Mapping)


LOCATIONS = ("S3Uri", "S3OutputPath", "ModelDataUrl")


def _location(part: object) -> str | None:
    """The reference to a location on S3 that a part of a join is."""
    reference = str(part.get("Get")) if isinstance(part, Mapping) else ""
    target = parse_get(reference)
    last = target.rest[-1:] if target is not None and target.root == "Steps" else ()
    return reference if last in (("S3Uri",), ("S3OutputPath",), ("S3ModelArtifacts",)) else None


def _joined(value: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    parts = listing(value["Std:Join"], "Values")
    text = written_out(value, _UNKNOWN)
    if text is None or not isinstance(parts[0], str):  # nobody knows what it begins with
        return
    member = str(place[-1]) if place else ""
    whole = (
        [named for part in parts[1:] if (named := _location(part)) is not None] if member in LOCATIONS else []
    )
    if whole:
        yield Problem(
            f"{show(whole[0])} is a whole location, and {member} has another before it",
            remedy="begin with the reference, or leave it out",
        )
        return
    if text.startswith("s3:") and (member in LOCATIONS or "," not in text):  # an argument may list several
        for fault in location_faults(text):
            yield Problem(
                f"the parts of {member} make {show(text, member)}, which {fault.message}",
                remedy=fault.remedy.replace(_UNKNOWN, "…"),
                severity=None if fault.certain else "warning",
            )
        bucket = text[5:].partition("/")[0]
        left = placeholder(bucket)
        if left is not None:
            yield Problem(
                f"the parts of {member} make {show(text, member)}, which still holds the placeholder {show(left)}",
                remedy="write the bucket's name, or give the parameter that holds it a default that is one",
                severity="error" if re.fullmatch(CURLY, bucket) else "warning",
            )
        if not text.startswith("s3://"):
            yield Problem(
                f"the parts of {member} make {show(text, member)}, which is no S3 URI",
                remedy='begin the join with "s3:/" where its parts are put together with "/"',
            )
    elif member in LOCATIONS and "://" not in text:
        yield Problem(
            f"the parts of {member} make {show(text, member)}, which is no S3 URI",
            remedy="begin the join with s3:// and the bucket",
        )


@rule("DEP037", severity="warning", scope="pipeline")
def prefix_of_a_sibling(view: PipelineView) -> Iterator[Problem]:
    """A step reads an output whose location is the beginning of another output's.

    What it does:
        Compares the locations of a processing step's outputs with each other where a training channel or a transform
        job reads one of them as an S3Prefix.
    Why:
        A prefix is a beginning of keys, not a folder: s3://bucket/test also names what is in s3://bucket/test_small/.
        The job reads both. In FastFile mode it fails: "partial S3 prefix is not supported. S3 prefix has to end with a full
        file or folder".
    Example:
          operation: Pipeline
          Steps:
            - Name: Prepare
              Type: Processing
        -     Arguments: &prepare
        +     Arguments:
                ProcessingOutputConfig:
                  Outputs:
        -           - {OutputName: test, S3Output: {S3Uri: "s3://example-bucket/test", LocalPath: /opt/ml/processing/test, S3UploadMode: EndOfJob}}
        -           - {OutputName: small, S3Output: {S3Uri: "s3://example-bucket/test_small", LocalPath: /opt/ml/processing/small, S3UploadMode: EndOfJob}}
        +           - {OutputName: test, S3Output: {S3Uri: "s3://example-bucket/test/", LocalPath: /opt/ml/processing/test, S3UploadMode: EndOfJob}}
        +           - {OutputName: small, S3Output: {S3Uri: "s3://example-bucket/test_small/", LocalPath: /opt/ml/processing/small, S3UploadMode: EndOfJob}}
            - Name: Score
              Type: Transform
              Arguments:
                ModelName: churn
                TransformInput: {DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: {Get: "Steps.Prepare.ProcessingOutputConfig.Outputs['test'].S3Output.S3Uri"}}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html,
        https://github.com/aws/sagemaker-python-sdk/issues/3557
    """
    outputs = {step.name: _outputs(step.request) for step in view.steps}
    for reference in view.definition.references:
        if reference.path[-2:] != ("S3DataSource", "S3Uri"):
            continue
        target = parse_get(reference.text)
        if target is None or target.rest[:2] != ("ProcessingOutputConfig", "Outputs") or len(target.rest) < 3:
            continue
        written = outputs.get(target.name, {})
        mine = written.get(str(target.rest[2]))
        if mine is None or mine.endswith("/"):
            continue
        for name, uri in written.items():
            rest = uri[len(mine) :]
            if name != target.rest[2] and uri.startswith(mine) and rest and not rest.startswith("/"):
                fast = _mode(view, reference) == "FastFile"
                yield Problem(
                    f"{show(mine)} of {target.name} is read as a prefix, and also the beginning of its output {name}, "
                    f"{show(uri)}: "
                    + ("FastFile mode takes no part of a folder's name" if fast else "both are read"),
                    reference.path,
                    f"end the location of the output {target.rest[2]} with /",
                    severity="error" if fast else None,
                )
                break


def _mode(view: PipelineView, reference: Reference) -> object:
    """The input mode of the training channel that a reference gives the data of."""
    place = reference.path[:-3]
    if place[-2:-1] != ("InputDataConfig",):
        return None
    job = value_at(view.request, place[:-2])
    own = job["InputDataConfig"][place[-1]].get("InputMode")
    return own or mapping(job, "AlgorithmSpecification").get("TrainingInputMode")


def _outputs(request: Mapping[str, Any]) -> dict[str, str]:
    """Output name → the location of each output of a processing request, as far as it is known."""
    found: dict[str, str] = {}
    for _, entry, target in outputs_of(request):
        name, uri = text(entry, "OutputName"), written_out(target.get("S3Uri"))
        if name is not None and uri is not None:
            found[name] = uri
    return found


_ARCHIVE = re.compile(
    r"(?P<folder>s3://.*?)/*\{Steps\.(?P<step>[\w-]+)\.(?:BestTrainingJob\.|TrainingJobSummaries\[\d+\]\.)?"
    r"TrainingJobName\}(?P<rest>/.*)"
)


@rule("DEP057", scope="pipeline")
def archive_elsewhere(view: PipelineView) -> Iterator[Problem]:
    """A training job's model is looked for where the job does not put it.

    What it does:
        Compares joins of a location, the name of a step's training job and model.tar.gz with the step's own S3OutputPath and
        the folder that SageMaker makes below it, as far as both are known.
    Why:
        The archive is at <S3OutputPath>/<job name>/output/model.tar.gz: "Could not find model data" fails the step, after the
        training is paid for.
    Example:
          operation: Pipeline
          Steps:
            - {Name: Train, Type: Training, Arguments: {}}
            - Name: Create
              Type: Model
              Arguments:
                PrimaryContainer:
                  Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"
        -         ModelDataUrl: {"Std:Join": {"On": "/", "Values": ["s3://example-bucket/models", {Get: Steps.Train.TrainingJobName}, model.tar.gz]}}
        +         ModelDataUrl: {"Std:Join": {"On": "/", "Values": ["s3://example-bucket/models", {Get: Steps.Train.TrainingJobName}, output/model.tar.gz]}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html, and
        sagemaker 2.257.7, sagemaker.workflow.steps.TuningStep.get_top_model_s3_uri
    """
    requests = {step.name: step.request for step in view.steps if step.type in ("Training", "Tuning")}
    for place, value in _joins(view) if requests else ():
        found = _ARCHIVE.fullmatch(written_out(value) or "")
        if found is None or not found["rest"].endswith("/model.tar.gz"):
            continue
        request = requests.get(found["step"], {})
        output = mapping(mapping(request, "TrainingJobDefinition") or request, "OutputDataConfig")
        path = written_out(output.get("S3OutputPath"))
        here = found["folder"]
        if path is None:
            continue
        own = path.rstrip("/")
        if here.count("://") > 1:
            continue  # which is told of the join
        if own != here and not ("{" in own or "{" in here):
            told = f"{show(here, limit=120)} is not where step {found['step']} puts its models: its S3OutputPath is {show(path)}"
        elif own == here and found["rest"] != "/output/model.tar.gz":
            told = f"there is no {show(found['rest'][1:])} in the folder of a training job"
        else:
            continue
        yield Problem(told, place, f"write {own}/<job name>/output/model.tar.gz")


@rule("DEP059", severity="warning", scope="pipeline")
def misspelt_file(view: PipelineView) -> Iterator[Problem]:
    """A file of a processing step's output is called almost as the step declares it.

    What it does:
        Compares the locations that steps read below an output with the FilePath of the output's property file, where the two
        are spelt nearly alike.
    Why:
        The one file is there, the other is not: the step that reads it fails, and the registry shows a model without metrics.
    Example:
          operation: Pipeline
          Steps:
            - Name: Evaluate
              Type: Processing
              PropertyFiles: [{PropertyFileName: report, OutputName: metrics, FilePath: evaluation.json}]
              Arguments:
                ProcessingOutputConfig: {Outputs: [{OutputName: metrics, S3Output: {S3Uri: "s3://example-bucket/m", LocalPath: /opt/ml/processing/m, S3UploadMode: EndOfJob}}]}
            - Name: Register
              Type: RegisterModel
              Arguments:
                ModelPackageGroupName: churn
        -       ModelMetrics: {ModelQuality: {Statistics: {ContentType: application/json, S3Uri: "s3://example-bucket/m/evaluations.json"}}}
        +       ModelMetrics: {ModelQuality: {Statistics: {ContentType: application/json, S3Uri: "s3://example-bucket/m/evaluation.json"}}}
                InferenceSpecification: {Containers: [{Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/model.tar.gz"}], SupportedContentTypes: [text/csv], SupportedResponseMIMETypes: [text/csv]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-propertyfile.html
    """
    declared = dict(_declared(view))
    for place, uri in _read(view) if declared else ():
        folder, _, name = uri.rpartition("/")
        files = declared.get(folder, [])
        near = closest(name, files) if files and name and name not in files else None
        if near is not None and name.rpartition(".")[2] == near.rpartition(".")[2]:
            yield Problem(
                f"{show(name)} is read from an output whose file is called {show(near)}",
                place,
                f"write {near}, or give the property file the other FilePath",
            )


def _declared(view: PipelineView) -> Iterator[tuple[str, list[str]]]:
    """The location of each output with property files, by reference and as it is written, and their names."""
    requests = {step.name: step.request for step in view.steps if step.type == "Processing"}
    for step in view.definition.steps:
        if step.name not in requests:
            continue
        files: dict[str, list[str]] = {}
        for _, entry in mappings(step.body, "PropertyFiles"):
            output, file = text(entry, "OutputName"), text(entry, "FilePath")
            if output is not None and file is not None:
                files.setdefault(output, []).append(file)
        written = _outputs(requests[step.name]) if files else {}
        for output, called in files.items():
            if all("/" in file for file in called):
                continue
            yield f"{{Steps.{step.name}.ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri}}", called
            if output in written:
                yield written[output].rstrip("/"), called


def _read(view: PipelineView) -> Iterator[tuple[Path, str]]:
    """Every location in the steps' requests that is not an output's, parameters put in, with its place."""
    for step in view.steps:
        for place, value in nodes(step.request, place_of(view, step)):
            is_read = place[-1] in LOCATIONS and "S3Output" not in place
            if is_read and (found := written_out(value)) is not None:
                yield place, found


@rule("DEP060", severity="warning", scope="pipeline")
def archive_of_an_earlier_job(view: PipelineView) -> Iterator[Problem]:
    """A step takes the model of an earlier training job, where this pipeline trains one.

    What it does:
        Looks for model.tar.gz files, written out, below the S3OutputPath of a training or tuning step, for a model taken from
        that path itself, where no step puts one, and for whatever else a step that depends on the job by name takes for a
        model there; a path that a parameter gives counts where both take it from there. An archive below the path with the
        step's name in place of a job's is an error, and so is one without any, where nothing refers to the step.
    Why:
        The archive of a job has the job's name in its path, which is another in each execution. Whatever is trained, the same
        old model is made, evaluated or registered, and nothing says so.
    Example:
          operation: Pipeline
          Steps:
            - {Name: Train, Type: Training, Arguments: {}}
            - Name: Create
              Type: Model
              Arguments:
        -       PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: "s3://example-bucket/models/churn-2023/output/model.tar.gz"}
        +       PrimaryContainer: {Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1", ModelDataUrl: {Get: Steps.Train.ModelArtifacts.S3ModelArtifacts}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    trained: dict[str, tuple[str, Any]] = {}
    for step in view.steps:
        if step.type in ("Training", "Tuning"):
            outer = ("TrainingJobDefinition",) if step.type == "Tuning" else ()
            place = (*outer, "OutputDataConfig", "S3OutputPath")
            path = value_at(step.request, place)
            if isinstance(path, str) and path.count("/") > 2:
                given = value_at(view.request, (*place_of(view, step), *place))
                trained.setdefault(path.rstrip("/") + "/", (step.name, given))
    if not trained:
        return
    put = {uri.rstrip("/") + "/" for step in view.steps for uri in _outputs(step.request).values()}
    targets = (parse_get(one.text) for one in view.definition.references)
    taken = {target.name for target in targets if target is not None}
    for place, uri in _read(view):
        path = next((path for path in trained if f"{uri}/".startswith(path)), None)
        if path is None or "{" in uri or "InputDataConfig" in place:
            continue
        (name, given), rest = trained[path], uri[len(path) :]
        if not is_text(view.request, place) and value_at(view.request, place) != given:
            continue
        refer = f"refer to Steps.{name}.ModelArtifacts.S3ModelArtifacts"
        nameless = rest == "output/model.tar.gz"  # the name of a job is missing
        if uri.endswith("/output/model.tar.gz") and not nameless:
            yield Problem(
                f"{show(uri, limit=120)} is the model of an earlier job, not the one that step {name} trains",
                place,
                refer,
                # A job is not called as its step: the pipeline makes it a name of its own in each execution.
                severity="error" if rest == f"{name}/output/model.tar.gz" else None,
            )
        elif not _for_a_model(view.request, place) or path in put:
            continue
        elif (
            rest == "model.tar.gz"
            or (not rest and "S3Input" in place)
            or nameless
            or name in _depends_on(view, place)
        ):
            yield Problem(
                f"{show(uri, limit=120)} is nothing that step {name} writes: "
                f"its model goes to {path}<job name>/output/, and each execution has another job name; "
                "what else lies there is another model, or the step fails for want of one",
                place,
                refer,
                # Where nobody takes what the step trains, it is this that was to be taken.
                severity="error" if "model.tar.gz" in rest and name not in taken else None,
            )


def _for_a_model(value: Any, place: Path) -> bool:
    """True where the location is given to a model's container, or to an input that is called so."""
    value = value_at(value, place[:-2])
    folder = mapping(value, "S3Input").get("LocalPath") if isinstance(value, Mapping) else None
    name = value.get("InputName") if isinstance(value, Mapping) else None
    return place[-1] == "ModelDataUrl" or "model" in f"{name} {folder}".lower()


def _depends_on(view: PipelineView, place: Path) -> list[Any]:
    """What the step that a place is in depends on by name."""
    around = [step for step in view.definition.steps if place[: len(step.path)] == step.path]
    return listing(around[-1].body, "DependsOn") if around else []


def is_text(value: Any, place: Path) -> bool:
    """True where the definition has a text there, no parameter that whoever starts it may give."""
    return isinstance(value_at(value, place), str)

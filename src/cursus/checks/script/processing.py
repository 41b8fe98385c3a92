"""The script of a processing job: what it reads and writes against the folders of the job's inputs and outputs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from cursus.aws.pipelines import written_out
from cursus.aws.tables import entries
from cursus.checks.locations import below
from cursus.checks.outlines.plans import Plan, borrowed
from cursus.checks.rules import Check, Problem, rule
from cursus.checks.script.arguments import required_argument_missing
from cursus.checks.script.artifacts import mentions_folder, mentions_upload, writes
from cursus.checks.script.opened import made_places
from cursus.checks.script.places import covers
from cursus.checks.script.processing_view import ProcessingView, place_of
from cursus.checks.script.published import published
from cursus.checks.script.request import UNKNOWN, habits, invocation, readable, resolve
from cursus.checks.views import Settings, TrainingView
from cursus.model import Location, Step
from cursus.redact import show
from cursus.script.data.reports import OPEN
from cursus.script.facts import PathUse, ScriptFacts
from cursus.suggest import closest

ABOUT = (
    *("FRM050", "FRM051", "FRM054", "FRM055", "FRM070", "FRM052", "FRM053", "FRM069", "FRM066"),
    *("FRM057", "FRM058", "FRM061", "FRM059", "HPO050", "HPO051", "HPO052", "HPO053"),
    *("HPO054", "HPO055", "HPO057", "HPO068", "HPO059", "HPO067", "HPO065", "CHN053"),
    *("CHN054", "CHN063", "RES052", "RES053", "ART055", "FRM062", "HPO060", "FRM063"),
    *("FRM064", "FRM075", "HPO063", "HPO058", "ART064", "FRM072", "DEP095"),
)
"""The rules on scripts that hold for processing jobs, in the order of their findings."""


def view(step: Step, settings: Settings) -> ProcessingView:
    """A processing job whose source code is known, as these rules look at it."""
    return ProcessingView(step, settings)


def plan(settings: Settings) -> Plan:
    """The rules to run over the view of a processing job."""
    return borrowed("script", ABOUT, _of_processing, settings.select, settings.ignore)


def _of_processing(check: Check, view: ProcessingView) -> Iterator[Problem]:
    for problem in check(view):
        yield replace(problem, path=place_of(problem.path))


@rule("DEP095", scope="script")
def processing_folders(view: TrainingView) -> Iterator[Problem]:
    """The script of a processing job reads or writes another folder than the job's inputs and outputs have.

    What it does:
        Follows the paths that the script of a processing job opens, lists and writes, and holds those below ``/opt/ml`` against
        LocalPath of its inputs and outputs: a folder that nothing fills, a file of another name than the one object of an
        input, a model that is still in its archive, a folder that is opened as a file, a file that no output uploads, an output that the
        script never names, a property file that is written under another name, and a place in it that a Std:JsonGet of the
        pipeline reads and the script does not write; in the images for Spark, paths without ``file://``.
    Why:
        ``No such file or directory``; or the job completes, its output is empty, and the next step of the pipeline fails. A processing
        job has neither channels nor a model directory.
    Example:
          operation: CreateProcessingJob
          AppSpecification: {ImageUri: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", ContainerEntrypoint: [python3, /opt/ml/processing/input/code/train.py]}
          ProcessingInputs:
            - {InputName: raw, S3Input: {S3Uri: "s3://example-bucket/raw/", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/raw, S3InputMode: File}}
            - {InputName: code, S3Input: {S3Uri: "s3://example-bucket/code/train.py", S3DataType: S3Prefix, LocalPath: /opt/ml/processing/input/code, S3InputMode: File}}
          ProcessingOutputConfig: {Outputs: [{OutputName: train, S3Output: {S3Uri: "s3://example-bucket/train/", LocalPath: /opt/ml/processing/train, S3UploadMode: EndOfJob}}]}
          files:
            train.py: |
        -     rows = open("/opt/ml/processing/input/rows.csv").read()
        +     rows = open("/opt/ml/processing/raw/rows.csv").read()
              open("/opt/ml/processing/train/rows.csv", "w").write(rows)
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html,
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Output.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
    """
    facts = readable(view)
    if facts is None or not isinstance(view, ProcessingView):
        return
    yield from _of_hdfs(view)
    if view.inputs is None or view.outputs is None:
        return
    if not facts.outside_reads:
        yield from _read(view, facts, view.inputs, [*view.inputs, *view.outputs, *KEPT])
    found = writes(view)
    lost = list(_lost(view, facts, found, view.outputs))
    yield from lost or _unnamed(view, facts, found)
    yield from _property_files(view, found)
    yield from _read_in_files(view, found)


CODE = ("/opt/ml/processing/input/code", "/opt/ml/processing/input/entrypoint")
KEPT = ("/opt/ml/config", "/opt/ml/processing/input/config")
"""Folders that SageMaker fills itself."""
FILES = (
    *(".csv", ".txt", ".json", ".jsonl", ".pkl", ".joblib"),
    *(".tar.gz", ".zip", ".npz", ".npy", ".xlsx", ".data"),
)
ARCHIVE = ".tar.gz"
WILD = re.compile(rf"[{UNKNOWN}*?\[]")
MESSAGE = "/opt/ml/output/message"
"""What SageMaker reads as the job's ExitMessage."""


def _read(
    view: ProcessingView, facts: ScriptFacts, inputs: Mapping[str, object], there: list[str]
) -> Iterator[Problem]:
    """What the script reads and nothing brings."""
    made = made_places(view)
    seen: set[str] = set()
    for use, place in _places(view, facts, ("read", "list", "look")):
        if use.mode == "look" and (use.call not in entries("libraries", "searching") or not use.sure):
            continue
        known = WILD.split(place)[0]
        path = posixpath.normpath(place if known == place else known.rpartition("/")[0])
        root = "/opt/ml/processing" if view.own_image else "/opt/ml"
        if not path.startswith(f"{root}/") or path in seen or any(covers(one, place) for one in made):
            continue
        told, remedy = _missing(use, place, path, inputs, there)
        # A search fails nowhere, and the folder of the code is there: it has nothing else in it.
        finds_less = use.mode == "look" or any(folder.startswith(f"{path}/") for folder in inputs)
        if told and (use.sure or not _looked_for(view, facts, path)):
            seen.add(path)
            yield Problem(
                f"the script reads {show(place.replace(UNKNOWN, '…'))}: {told}",
                ("ProcessingInputs",),
                remedy,
                severity=None if use.sure and not view.own_image and not finds_less else "warning",
                location=use.location,
            )


def _missing(
    use: PathUse, place: str, path: str, inputs: Mapping[str, object], there: list[str]
) -> tuple[str, str]:
    """Why nothing is at a path that is read, and what to read instead; empty texts where something may be."""
    owner = max((folder for folder in inputs if below(path, folder)), key=len, default=None)
    if owner is None:
        data = [folder for folder in there if not folder.startswith((*CODE, *KEPT))]
        if any(below(path, folder) for folder in there) or any(below(folder, path) for folder in data):
            return "", ""
        near = closest(path, data) or closest(posixpath.dirname(path), data)
        hint = f". Did you mean {near!r}?" if near else ""
        folders = ", ".join(inputs) or "the job has none"
        return f"no input of the job is put there{hint}", f"read it from the LocalPath of an input: {folders}"
    if use.mode != "read":
        return "", ""
    if owner == place.rstrip("/") and use.sure and use.call in entries("libraries", "opening"):
        return (
            "which is the folder of an input, and no file",
            "join the file's name: os.path.join(folder, name)",
        )
    name = _single(inputs[owner]) if owner != path else ""
    brought = f"{owner}/{name}"
    if name.endswith(ARCHIVE) and path != brought:
        return (
            f"the input brings {brought}, and nothing unpacks it",
            f"unpack it first: tarfile.open('{brought}').extractall(…)",
        )
    if name and path != brought and path.endswith(posixpath.splitext(name)[1]):
        return f"the input brings the one object {name!r}", f"read {brought}"
    return "", ""


def _places(
    view: ProcessingView, facts: ScriptFacts, modes: tuple[str, ...]
) -> Iterator[tuple[PathUse, str]]:
    for use in facts.paths:
        for path in use.paths if use.mode in modes else ():
            place = resolve(view, path)
            if isinstance(place, str):
                yield use, place


def _looked_for(view: ProcessingView, facts: ScriptFacts, path: str) -> bool:
    """True where the script asks whether this, or the folder around it, is there."""
    return any(UNKNOWN in place or below(path, place) for _, place in _places(view, facts, ("look",)))


def _single(uri: object) -> str:
    """The name of the one object that an input brings; empty for a prefix, and where that is not known."""
    if isinstance(uri, Mapping) and str(uri.get("Get", "")).endswith(".ModelArtifacts.S3ModelArtifacts"):
        return "model.tar.gz"
    name = (written_out(uri) or "").rpartition("/")[2]
    return name if name.endswith(FILES) else ""


def _lost(
    view: ProcessingView, facts: ScriptFacts, found: list[tuple[PathUse, str]], outputs: Mapping[str, object]
) -> Iterator[Problem]:
    """Files below /opt/ml that no output uploads, and that the script does not read again."""
    if mentions_upload(facts):
        return
    makes = facts.attributes & {"makedirs", "mkdir", "copytree", "save_pretrained", "chdir"}
    read = [place for _, place in _places(view, facts, ("read", "list", "look"))]
    for use, place in found:
        known = place.partition(UNKNOWN)[0]
        folder = posixpath.normpath(posixpath.dirname(known))
        if (
            not known.startswith("/opt/ml/")
            or known == MESSAGE
            or any(below(folder, one) or (UNKNOWN in place and below(one, folder)) for one in outputs)
        ):
            continue
        if any(covers(place, one) or below(known, one) for one in read):
            continue
        missing = (
            not makes and use.sure and use.call in entries("libraries", "writing") and UNKNOWN not in place
        )
        missing = missing and not any(below(folder, one) or below(one, folder) for one in view.inputs or ())
        near = closest(folder, outputs)
        yield Problem(
            f"the script writes {show(place.replace(UNKNOWN, '…'))}, and no output of the job is uploaded from there"
            + (": there is not even such a folder" if missing and not view.own_image else "")
            + (f". Did you mean {near!r}?" if near else ""),
            ("ProcessingOutputConfig",),
            f"write below {', '.join(outputs)}, or add an output with the LocalPath {folder}"
            if outputs
            else f"add an output with the LocalPath {folder}",
            severity=None if missing and not view.own_image else "warning",
            location=use.location,
        )


def _unnamed(view: ProcessingView, facts: ScriptFacts, found: list[tuple[PathUse, str]]) -> Iterator[Problem]:
    """Outputs whose folder neither the script nor its command line names."""
    passed = invocation(view).arguments
    if view.own_image and not all(published(one.module.partition(".")[0]) for one in facts.imports):
        return  # a module that only this image has may write there
    if view.joined:
        return  # as may one that another input brings
    if facts.outside_effects or passed is None or any(one.values is None for one in passed):
        return
    if any(required_argument_missing(view)):
        return  # the script is to be told the folder, and is not
    for folder, path in (view.outputs or {}).items():
        if not mentions_folder(view, folder) and not any(below(p, folder) for _, p in found):
            yield Problem(
                f"nothing in the script names {show(folder)}, which the output is uploaded from: it stays empty",
                path,
                "write there what is to be uploaded, or give the output the folder that the script writes to",
                severity="warning",
                location=Location(facts.entry),
            )


def _of_hdfs(view: ProcessingView) -> Iterator[Problem]:
    """Paths that Spark takes for those of its own file system, in Amazon's images for it."""
    if "sagemaker-spark-processing" not in (view.image or "") or view.own_image:
        return
    for habit in habits(view, "spark-path"):
        path = resolve(view, habit.text)
        if isinstance(path, str) and path.startswith("/opt/ml/processing/"):
            lost = habit.detail == "write"
            yield Problem(
                f"Spark {'writes' if lost else 'reads'} {show(path.replace(UNKNOWN, '…'))} in HDFS, not on the instance's disk"
                + (": nothing of it is uploaded" if lost else ": Path does not exist"),
                ("ProcessingOutputConfig",) if lost else ("ProcessingInputs",),
                "write file:// before the path, or use s3a:// without an output"
                if lost
                else "write file:// before it",
                severity="error" if habit.sure and not lost else "warning",
                location=habit.location,
            )


def _property_files(view: ProcessingView, found: list[tuple[PathUse, str]]) -> Iterator[Problem]:
    """Property files of the pipeline's step that the script writes under another name."""
    if any(UNKNOWN in place for _, place in found):
        return
    for wanted in view.step.promises.expected_artifacts:
        folder, name = posixpath.split(wanted)
        others = [
            (use, place)
            for use, place in found
            if place.endswith(".json") and (place.endswith(f"/{name}") or below(place, folder))
        ]
        if others and all(posixpath.normpath(place) != wanted for _, place in others):
            use, place = others[0]
            yield Problem(
                f"the step's property file is {show(wanted)}, and the script writes {show(place)}",
                ("ProcessingOutputConfig",),
                "give the PropertyFile the name below the output's LocalPath that the script writes",
                location=use.location,
            )


def _read_in_files(view: ProcessingView, found: list[tuple[PathUse, str]]) -> Iterator[Problem]:
    """Places that the pipeline reads in a property file, and that are not in what the script writes there, once."""
    promises = view.step.promises
    for habit in habits(view, "json-written"):
        path = resolve(view, habit.text)
        asked = promises.read_in.get(posixpath.normpath(path), ()) if isinstance(path, str) else ()
        written = habit.detail.splitlines()
        shown = [one.removesuffix(f".{OPEN}") for one in written]
        times = [use for use, file in found if file == path]
        for wanted in asked if len(times) < 2 else ():
            if not any(_leads_to(one, wanted.removeprefix("$.")) for one in written):
                near = closest(wanted, shown)
                yield Problem(
                    f"the pipeline reads {show(wanted)} in the property file {show(path)}, and the script writes "
                    f"{', '.join(shown[:5]) or 'an empty one'}"
                    + (f". Did you mean {near!r}?" if near else ""),
                    ("ProcessingOutputConfig",),
                    "give Std:JsonGet the place that the script writes",
                    severity=None if habit.sure else "warning",
                    location=habit.location,
                )


def _leads_to(written: str, wanted: str) -> bool:
    """True where something is, or may be, at a place in a report with such a value."""
    if written == OPEN or "[" in wanted or wanted == written:
        return True
    known = written.removesuffix(f".{OPEN}")
    return known != written and f"{wanted}.".startswith(f"{known}.")

"""Rules on the evidence of a local run: the artifacts that the job left, and the metrics that it printed."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import replace

from cursus.checks.artifacts import named_where_kept
from cursus.checks.evidence import of_run
from cursus.checks.locations import below
from cursus.checks.rules import Problem, rule
from cursus.checks.script.artifacts import MODEL_FILE
from cursus.checks.views import TrainingView, text
from cursus.evidence import Evidence, FileEntry
from cursus.model import Location, Severity
from cursus.redact import show
from cursus.suggest import did_you_mean

SHOWN = 3
NOTES = (".md", ".txt", ".log", ".html", ".png", ".svg", ".pdf", ".csv")


def found(expected: str, evidence: Evidence) -> list[FileEntry]:
    """The files that a promised artifact stands for: below the model directory unless it says otherwise.

    ``output/data/…`` and ``checkpoints/…`` are those directories; ``*`` and ``?`` match; a directory stands for
    all that is in it.
    """
    path = expected.strip().removeprefix("/opt/ml/").removeprefix("./").rstrip("/")
    for prefix, files in (("output/data", evidence.output_files), ("checkpoints", evidence.checkpoint_files)):
        if path == prefix:
            return list(files)
        if path.startswith(prefix + "/"):
            return _matching(path[len(prefix) + 1 :], files)
    hits = _matching(path, evidence.model_files)
    if not hits and path.startswith("model/"):
        hits = _matching(path[len("model/") :], evidence.model_files)
    return hits or (list(evidence.model_files) if path == "model" else [])


def _of_model(expected: str) -> bool:
    """True for a promised artifact that is looked for below the model directory."""
    path = expected.strip().removeprefix("/opt/ml/").removeprefix("./")
    return path not in ("model.tar.gz", "output.tar.gz") and not path.startswith(("output/", "checkpoints"))


def _matching(path: str, files: tuple[FileEntry, ...]) -> list[FileEntry]:
    return [file for file in files if below(file.path, path) or fnmatch.fnmatchcase(file.path, path)]


@rule("ART090", scope="run")
def missing(view: TrainingView) -> Iterator[Problem]:
    """A promised artifact is not there after the run.

    What it does:
        Looks for every expected artifact in what the local run left.
    Why:
        What is to be deployed or read by the next step is not in model.tar.gz, and nothing says so until then.
    Example:
          expected_artifacts: [model.json]
          files:
            train.py: |
        -     open("/opt/ml/model/model.txt", "w").write("weights")
        +     open("/opt/ml/model/model.json", "w").write("{}")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    evidence = of_run(view)
    if evidence.status not in ("Completed", "Stopped"):
        return
    # A stopped job keeps what it has saved by then; how far it came is not the same in every run.
    severity: Severity | None = "warning" if evidence.status == "Stopped" else None
    for index, expected in enumerate(view.step.promises.expected_artifacts):
        name = expected.strip()
        if name in ("model.tar.gz", "output.tar.gz"):
            there = evidence.model_artifact if name == "model.tar.gz" else evidence.output_artifact
            folder = "/opt/ml/model" if name == "model.tar.gz" else "/opt/ml/output/data"
            if there is None:
                yield Problem(
                    f"{name} was promised, and {folder} is empty",
                    remedy=f"write into {folder}",
                    severity=severity,
                    location=view.step.promises.place("get_expected_artifacts", index),
                )
        elif not found(named_where_kept(name, view), evidence):
            yield replace(
                _missing(name, evidence, view.step.promises.place("get_expected_artifacts", index)),
                severity=severity,
            )


def _missing(name: str, evidence: Evidence, where: Location | None) -> Problem:
    known = [file.path for file in evidence.model_files]
    base = name.rsplit("/", 1)[-1]
    beside = next((file.path for file in evidence.stray_files if file.path.endswith("/" + base)), None)
    output = next((file.path for file in evidence.output_files if file.path.rsplit("/", 1)[-1] == base), None)
    if output is not None and not name.startswith("output/"):
        remedy = f"the script wrote /opt/ml/output/data/{output}, which goes to output.tar.gz: write it below /opt/ml/model"
    elif beside is not None:
        remedy = f"the script wrote {beside}, which is thrown away: write it below the directory that is kept"
    elif did_you_mean(name, known):
        remedy = did_you_mean(name, known).strip()
    else:
        nothing = "no model file at all: let no error be swallowed before it saves"
        remedy = "the job left " + (", ".join(known[:SHOWN]) if known else nothing)
    message = f"the promised artifact {show(name)} is not there after the run"
    return Problem(
        message, remedy=remedy, location=where, about=(name,) if beside is None else (name, beside)
    )


@rule("ART091", severity="warning", scope="run")
def empty(view: TrainingView) -> Iterator[Problem]:
    """The job completed, and left nothing in the model directory.

    What it does:
        Looks into /opt/ml/model after a run that ended well: whether there is anything, and whether a model lies in the output directory
        while there are notes alone.
    Why:
        That is no failure to SageMaker: the job is Completed, and there is no model to deploy.
    Example:
          files:
            train.py: |
        -     import glob, os
        -     for name in glob.glob("/opt/ml/input/data/train/*.json"):
        -         open(os.path.join("/opt/ml/model", os.path.basename(name)), "w").write("weights")
        +     open("/opt/ml/model/model.txt", "w").write("weights")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    evidence = of_run(view)
    if evidence.status != "Completed":
        return
    kept = [file.path for file in evidence.model_files if not file.path.startswith("code/")]
    other = next((file.path for file in evidence.output_files if MODEL_FILE.search(file.path)), None)
    if other is not None and kept and all(path.lower().endswith(NOTES) for path in kept):
        yield Problem(
            f"the job left {show(other)} in /opt/ml/output/data, and no more than {show(kept[0])} in /opt/ml/model: what "
            "is deployed is model.tar.gz, and output.tar.gz is not",
            ("OutputDataConfig", "S3OutputPath"),
            remedy='save the model below os.environ["SM_MODEL_DIR"]',
        )
    promised = [named_where_kept(name, view) for name in view.step.promises.expected_artifacts]
    if not evidence.model_files and all(found(name, evidence) for name in promised if _of_model(name)):
        yield Problem(
            "the job completed, and left no file in /opt/ml/model: there is nothing to deploy",
            ("OutputDataConfig", "S3OutputPath"),
            remedy='save the model below os.environ["SM_MODEL_DIR"], and let no error be swallowed before that',
        )


@rule("ART092", scope="run")
def without_content(view: TrainingView) -> Iterator[Problem]:
    """A promised artifact is empty.

    What it does:
        Looks at the size of every expected artifact, and at whether all model files are empty.
    Why:
        A file without content cannot be loaded; it is often opened for writing and never written.
    Example:
          expected_artifacts: [model.json]
          files:
            train.py: |
        -     open("/opt/ml/model/model.json", "w").close()
        +     open("/opt/ml/model/model.json", "w").write("{}")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    evidence = of_run(view)
    if evidence.status != "Completed":
        return
    promised = False
    for index, expected in enumerate(view.step.promises.expected_artifacts):
        files = found(named_where_kept(expected, view), evidence)
        if files and not any(file.size for file in files):
            promised = True
            yield Problem(
                f"the promised artifact {show(expected.strip())} has no content",
                remedy="write it whole, and close it, before the script ends",
                location=view.step.promises.place("get_expected_artifacts", index),
            )
    if not promised and evidence.model_files and not any(file.size for file in evidence.model_files):
        names = ", ".join(file.path for file in evidence.model_files[:SHOWN])
        yield Problem(
            f"every file in the model directory is empty: {names}",
            remedy="write the model, and close the file, before the script ends",
            severity="warning",
        )


@rule("ART093", severity="warning", scope="run")
def beside(view: TrainingView) -> Iterator[Problem]:
    """The script wrote files that SageMaker throws away.

    What it does:
        Looks for files that the local run left in its working directory, among its input, or elsewhere below
        /opt/ml.
    Why:
        Only the model directory, the output directory and the checkpoints are uploaded; all else ends with the
        instance.
    Example:
          files:
            train.py: |
              for name in ("history", "notes"):
        -         open(f"{name}.json", "w").write("[]")
        +         open(f"/opt/ml/output/data/{name}.json", "w").write("[]")
              open("/opt/ml/model/model.txt", "w").write("weights")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    evidence = of_run(view)
    files = evidence.stray_files
    if files:
        more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
        yield Problem(
            f"written where nothing is kept: {', '.join(file.path for file in files[:SHOWN])}{more}",
            remedy="write what is to be kept below SM_MODEL_DIR or SM_OUTPUT_DATA_DIR, and the rest below /tmp",
            about=tuple(file.path for file in files),
        )


@rule("ART094", severity="warning", scope="run", reads=("CheckpointConfig",))
def no_checkpoint(view: TrainingView) -> Iterator[Problem]:
    """CheckpointConfig is set, and the job wrote no checkpoint.

    What it does:
        Looks into CheckpointConfig.LocalPath after the local run.
    Why:
        SageMaker copies that directory to S3 while the job runs, and back before it starts again. With the
        checkpoints elsewhere an interrupted job begins from nothing, and the checkpoints are lost.
    Example:
          CheckpointConfig:
            S3Uri: s3://example-bucket/checkpoints/
          files:
            train.py: |
        -     for epoch in range(3):
        -         if epoch % 5 == 4:
        -             open(f"/opt/ml/checkpoints/epoch-{epoch}", "w").write("state")
        +     open("/opt/ml/checkpoints/epoch-1", "w").write("state")
              open("/opt/ml/model/model.txt", "w").write("weights")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    evidence = of_run(view)
    config = view.request.get("CheckpointConfig")
    if not isinstance(config, dict) or evidence.status == "Failed" or evidence.checkpoint_files:
        return
    folder = text(config, "LocalPath") or "/opt/ml/checkpoints"
    yield Problem(
        f"no checkpoint was written to {folder}, so that nothing would be synchronized with S3",
        ("CheckpointConfig",),
        remedy=f"let the script save its checkpoints in {folder}",
    )


@rule("ART095", severity="warning", scope="run")
def left_out(view: TrainingView) -> Iterator[Problem]:
    """The model or output directory holds what no archive can hold.

    What it does:
        Looks for sockets, FIFOs, devices, and links that lead out of the directory.
    Why:
        They are not in model.tar.gz; who unpacks it finds the file missing.
    Example:
          files:
            train.py: |
              import os
        -     os.mkfifo("/opt/ml/model/name")
              open("/opt/ml/model/model.txt", "w").write("weights")
        +     os.symlink("model.txt", "/opt/ml/model/latest.txt")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    evidence = of_run(view)
    for name, reason in evidence.left_out[:SHOWN]:
        yield Problem(f"{name} is {reason}: it is not in the archive", remedy="write a regular file instead")


@rule("MON090", scope="run", reads=("AlgorithmSpecification.MetricDefinitions",))
def unmatched(view: TrainingView) -> Iterator[Problem]:
    """A metric definition matched no line that the job printed.

    What it does:
        Searches every line of the local run for each definition's regular expression. One that takes seconds of
        processor time for a few lines is given up, and said to be.
    Why:
        The metric stays empty in SageMaker, and a tuning job with it as objective fails.
    Example:
          AlgorithmSpecification:
        -   MetricDefinitions: [{Name: loss, Regex: "Loss: ([0-9.]+)"}]
        +   MetricDefinitions: [{Name: loss, Regex: "loss=([0-9.]+)"}]
          files:
            train.py: |
              for name, value in zip(["loss"], [0.25]):
                  print(f"{name}={value}")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    evidence = of_run(view)
    if evidence.status != "Completed":
        return
    for position, scan in enumerate(evidence.metric_scans):
        if scan.given_up:
            yield Problem(
                f"the regex of metric {show(scan.name)} was given up after seconds on some printed lines: "
                f"{show(scan.regex)}",
                ("AlgorithmSpecification", "MetricDefinitions", position, "Regex"),
                remedy="let no repeated group repeat inside itself, as (a+)+ does: anchor it to the words before it",
            )
        elif scan.matches == 0:
            lines = evidence.log_lines
            none = f"matched none of the {lines} lines" if lines != 1 else "did not match the one line"
            yield Problem(
                f"the regex of metric {show(scan.name)} {none} printed: {show(scan.regex)}",
                ("AlgorithmSpecification", "MetricDefinitions", position, "Regex"),
                remedy=_nearest(scan.name, evidence),
            )


def _nearest(name: str, evidence: Evidence) -> str:
    """A line of the log that speaks of the metric, for whoever mends the regex."""
    from cursus.checks.evidence.endings import last_lines

    words = [
        word for word in name.replace(":", " ").replace("_", " ").replace("-", " ").split() if len(word) > 2
    ]
    said: dict[str, int] = {}
    for line in reversed(last_lines(evidence, 200)):
        said[line] = sum(word.lower() in line.lower() for word in words)
    nearest = max(said, key=said.__getitem__, default="")
    if said.get(nearest):
        return f"the job printed {show(nearest, limit=120)}: match that"
    return (
        "print the metric in the form that the regex looks for, with a newline, on standard output or error"
    )


@rule("MON091", scope="run", reads=("AlgorithmSpecification.MetricDefinitions",))
def no_number(view: TrainingView) -> Iterator[Problem]:
    """A metric definition captured something that is no number.

    What it does:
        Reads what the first group of each definition captured in the local run.
    Why:
        SageMaker keeps numbers alone: a match without one is dropped. Where some matches held numbers and others
        did not, that is a warning.
    Example:
          AlgorithmSpecification:
        -   MetricDefinitions: [{Name: loss, Regex: "loss=(.*)"}]
        +   MetricDefinitions: [{Name: loss, Regex: "loss=([0-9.]+)"}]
          files:
            train.py: |
              print("loss=0.25 (best)")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    evidence = of_run(view)
    for position, scan in enumerate(evidence.metric_scans):
        if scan.not_numbers:
            example = show(scan.not_numbers[0])
            some = bool(evidence.metrics.get(scan.name))
            yield Problem(
                f"the regex of metric {show(scan.name)} captured {example}, which is no number",
                ("AlgorithmSpecification", "MetricDefinitions", position, "Regex"),
                remedy="capture the number alone: ([-+]?[0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?)",
                severity="warning" if some else None,
            )

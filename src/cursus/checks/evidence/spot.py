"""Rules on the evidence of a run that was interrupted as spot training is."""

from __future__ import annotations

from collections.abc import Iterator

from cursus import interruptions
from cursus.checks.evidence import of_run
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView
from cursus.redact import show

SHOWN = 3


@rule("RES093", severity="warning", scope="run")
def signal_lost(view: TrainingView) -> Iterator[Problem]:
    """A spot interruption came, and the script's handler for SIGTERM was not called.

    What it does:
        Looks in the kernel, at each interruption of the local run, whether the script had a handler for SIGTERM, and
        whether the signal reached it.
    Why:
        SIGTERM goes to the container's first process. In script mode that is the training toolkit, which passes no
        signal on: what the handler would save is lost, and the script is killed when the two minutes are over.
    Example:
          run: {interrupt_after: 0.3, grace: 0.1}
          EnableManagedSpotTraining: true
          StoppingCondition: {MaxWaitTimeInSeconds: 86400}
          CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
          files:
            train.py: |
        -     import os, signal, sys, time
        -     mark = "/opt/ml/checkpoints/mark"
        -     signal.signal(signal.SIGTERM, lambda *_: (open(mark, "w").write("1"), sys.exit(0)))
        +     import os, time
              print(open("/opt/ml/input/data/train/data.csv").read())
              begun = os.path.exists("/opt/ml/checkpoints/begun")
              open("/opt/ml/checkpoints/begun", "w").write("1")
              time.sleep(0 if begun else 5)
              open("/opt/ml/model/model.txt", "w").write("weights")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
        https://github.com/aws/sagemaker-training-toolkit/issues/125
    """
    evidence = of_run(view)
    for position in interruptions.interrupted(evidence):
        start = evidence.starts[position]
        if start.signals.get("script_has_handler") and interruptions.heard(start).verdict == "no":
            yield Problem(
                f"the interruption after {start.seconds:.1f} s did not reach the script: "
                f"{interruptions.heard(start).reason}",
                remedy="save checkpoints while training instead, or start the script as the container's own program",
            )
            return


@rule("RES094", severity="warning", scope="run", reads=("CheckpointConfig",))
def began_again(view: TrainingView) -> Iterator[Problem]:
    """After a spot interruption the script began again.

    What it does:
        Looks what a run that was interrupted did after each restart: whether checkpoints were there, whether the script
        opened one, and whether its metrics begin with the same values once more.
    Why:
        All the work until the interruption is lost, and paid for; with frequent interruptions the job never ends.
    Example:
          run: {interrupt_after: 0.3, grace: 0.1}
          EnableManagedSpotTraining: true
          StoppingCondition: {MaxWaitTimeInSeconds: 86400}
          CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
          files:
            train.py: |
        -     import time
        +     import os, time
              print(open("/opt/ml/input/data/train/data.csv").read())
        -     for epoch in range(8):
        +     last = "/opt/ml/checkpoints/last"
        +     first = int(open(last).read()) if os.path.exists(last) else 0
        +     for epoch in range(first, 8):
                  time.sleep(0.1)
        -         open(f"/opt/ml/checkpoints/epoch-{epoch}", "w").write("state")
        +         open(last + ".new", "w").write(str(epoch + 1))
        +         os.replace(last + ".new", last)
              open("/opt/ml/model/model.txt", "w").write("weights")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    evidence = of_run(view)
    for position in interruptions.interrupted(evidence):
        if position + 1 >= len(evidence.starts):
            continue
        answer = interruptions.resumed(evidence, position + 1)
        if answer.verdict == "no":
            lost = evidence.starts[position].seconds
            yield Problem(
                f"after the interruption the script began again, and {lost:.1f} s of work were lost: {answer.reason}",
                ("CheckpointConfig",),
                remedy="save checkpoints below CheckpointConfig.LocalPath (/opt/ml/checkpoints) every few minutes, and "
                "let the script load the last one when it starts",
            )
            return


@rule("RES096", severity="warning", scope="run")
def never_interrupted(view: TrainingView) -> Iterator[Problem]:
    """The job had ended before the interruption that it was to be tried with.

    What it does:
        Compares the interruptions that the local run was asked for with those that came.
    Why:
        A run that was not interrupted shows nothing about interruptions.
    Example:
        - run: {interrupt_after: 60}
        + run: {interrupt_after: 0.2, grace: 0.1}
        + CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
          files:
            train.py: |
        +     import os, time
              print(open("/opt/ml/input/data/train/data.csv").read())
        +     begun = os.path.exists("/opt/ml/checkpoints/begun")
        +     open("/opt/ml/checkpoints/begun", "w").write("1")
        +     time.sleep(0 if begun else 5)
              open("/opt/ml/model/model.txt", "w").write("weights")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
    """
    evidence = of_run(view)
    missed = evidence.interruptions_missed
    if missed and evidence.starts:
        came = len(interruptions.interrupted(evidence))
        yield Problem(
            f"{missed} of {missed + came} interruptions did not come: the script had ended by itself after "
            f"{evidence.starts[-1].seconds:.1f} s",
            remedy="interrupt it earlier, or let the script do more",
        )


@rule("MON096", severity="warning", scope="run")
def other_metrics(view: TrainingView) -> Iterator[Problem]:
    """After an interruption the metrics are not those of an uninterrupted run.

    What it does:
        Holds the metric series of an interrupted run against those of an uninterrupted one. What comes after the
        restored checkpoint may be repeated; it has to have the same values.
    Why:
        A checkpoint that leaves out the optimizer, the epoch, or the order of the data gives another model, or
        trains longer than it should, and nothing else tells.
    Example:
          run: {interrupt_after: 0.35, grace: 0.1, compare: true}
          CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
          AlgorithmSpecification:
            MetricDefinitions: [{Name: "loss", Regex: "loss=([0-9.]+)"}]
          files:
            train.py: |
              import os, time
              print(open("/opt/ml/input/data/train/data.csv").read())
        -     last, loss = "/opt/ml/checkpoints/last", 8.0
        +     last, loss, first = "/opt/ml/checkpoints/last", 8.0, 0
              if os.path.exists(last):
        -         loss = float(open(last).read())
        -     for epoch in range(6):
        +         loss, first = map(float, open(last).read().split())
        +     for epoch in range(int(first), 6):
                  time.sleep(0.1)
                  loss *= 0.5
        -         open(last + ".new", "w").write(str(loss))
        +         print(f"loss={loss:.5f}", flush=True)
        +         open(last + ".new", "w").write(f"{loss} {epoch + 1}")
                  os.replace(last + ".new", last)
        -         print(f"loss={loss:.5f}", flush=True)
              open("/opt/ml/model/model.txt", "w").write("weights")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    evidence = of_run(view)
    for metric in evidence.comparison.get("metrics", ()):
        name = show(metric["name"])
        if metric["differs"] == "before":
            yield Problem(
                f"metric {name} differs between two runs before any interruption: the script is not deterministic",
                ("AlgorithmSpecification", "MetricDefinitions"),
                remedy="seed its random numbers to see what an interruption changes",
                severity="info",
            )
        elif metric["differs"]:
            yield Problem(
                f"metric {name} is not what an uninterrupted run prints: {_told(metric)}",
                ("AlgorithmSpecification", "MetricDefinitions"),
                remedy="save and load all of the training's state: model, optimizer, epoch, random numbers",
            )


def _told(metric: dict[str, object]) -> str:
    count, straight = metric["values"], metric["values_uninterrupted"]
    last, other = metric["last"], metric["last_uninterrupted"]
    where = {"gap": "values are missing", "short": "its end is missing"}.get(
        str(metric["differs"]), "it differs"
    )
    first = int(str(metric["at"])) + 1
    return (
        f"{where} from value {first} on ({count} values, the last {last}; "
        f"uninterrupted {straight}, the last {other})"
    )


@rule("ART096", severity="warning", scope="run")
def other_model(view: TrainingView) -> Iterator[Problem]:
    """After an interruption the model is not that of an uninterrupted run.

    What it does:
        Holds the files of an interrupted run's model.tar.gz against those of an uninterrupted one, byte by byte.
        Files that differ between two uninterrupted runs as well are only mentioned.
    Why:
        The interruption changed what was learned: part of the training's state was not in the checkpoint.
    Example:
          run: {interrupt_after: 0.35, grace: 0.1, compare: true}
          CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
          files:
            train.py: |
              import os, time
              print(open("/opt/ml/input/data/train/data.csv").read())
              last, steps = "/opt/ml/checkpoints/last", 0
              if os.path.exists(last):
                  steps = int(open(last).read())
        -     for epoch in range(6):
        +     while steps < 6:
                  time.sleep(0.1)
                  steps += 1
                  open(last + ".new", "w").write(str(steps))
                  os.replace(last + ".new", last)
              open("/opt/ml/model/model.txt", "w").write(f"weights after {steps} steps")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    evidence = of_run(view)
    found = evidence.comparison
    if not found:
        return
    if found["status"] == "Completed" != evidence.status:
        yield Problem(
            f"the interrupted job is {evidence.status}, and without the interruption it is Completed",
            ("CheckpointConfig",),
            remedy="let the script start with what the interruption left below /opt/ml/checkpoints",
            severity="error",
        )
        return
    noisy = any(metric["differs"] == "before" for metric in found["metrics"])
    different = [file for file in found["files"] if not file["same"]]
    for severity, files in (
        ("warning", [] if noisy else [file for file in different if not file["varies"]]),
        ("info", different if noisy else [file for file in different if file["varies"]]),
    ):
        if not files:
            continue
        shown = ", ".join(_sizes(file) for file in files[:SHOWN])
        more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
        cause = "" if severity == "warning" else "; two runs differ without an interruption too"
        yield Problem(
            f"the model is not what an uninterrupted run leaves: {shown}{more}{cause}",
            remedy="save and load all of the training's state: model, optimizer, epoch, random numbers",
            severity="warning" if severity == "warning" else "info",
        )


def _sizes(file: dict[str, object]) -> str:
    if file["size"] is None:
        return f"{file['path']} is missing"
    if file["size_uninterrupted"] is None:
        return f"{file['path']} is new"
    return f"{file['path']} ({file['size']} bytes, {file['size_uninterrupted']} without the interruption)"


@rule("ART097", severity="warning", scope="run", reads=("CheckpointConfig.S3Uri",))
def foreign_checkpoints(view: TrainingView) -> Iterator[Problem]:
    """Checkpoints of another job were restored, whose keys only begin like this one's.

    What it does:
        Looks which of the restored files lie in the folder that S3Uri names, and which only share its beginning.
    Why:
        An S3 prefix is a beginning of keys, not a folder: s3://bucket/run-1 restores what lies below run-10 too.
    Example:
        - CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/run-1"}
        + CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/run-1/"}
          stored:
            example-bucket/checkpoints/run-10/last: "7"
          files:
            train.py: |
              print(open("/opt/ml/input/data/train/data.csv").read())
              open("/opt/ml/checkpoints/last", "w").write("1")
              open("/opt/ml/model/model.txt", "w").write("weights")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://github.com/syne-tune/syne-tune/pull/363 and
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    evidence = of_run(view)
    foreign = evidence.foreign_checkpoints
    if foreign:
        shown = ", ".join(show(name) for name in foreign[:SHOWN])
        more = f", and {len(foreign) - SHOWN} more" if len(foreign) > SHOWN else ""
        yield Problem(
            f"restored, though only the beginning of the key is S3Uri: {shown}{more}",
            ("CheckpointConfig", "S3Uri"),
            remedy="end S3Uri with a slash",
        )

"""Rules on what a local run printed: errors that did not end it, and numbers that a metric took from the wrong place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path as FilePath

from cursus.checks.evidence import of_run
from cursus.checks.monitoring.captured_numbers import Capturing, columns, own_lines
from cursus.checks.monitoring.lines import compiled
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView
from cursus.evidence import Evidence
from cursus.redact import show

LOG_BYTES = 8 * 1024 * 1024
LINES = 20_000
LONGEST = 4_000
TRACEBACK = "Traceback (most recent call last):"
ENDINGS = re.compile(
    r"(?P<error>(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Warning)|[A-Za-z_]\w*(?:\.\w+)+)\b(?P<text>.*)"
)
NEVER_AWAITED = re.compile(r"RuntimeWarning: coroutine '([^']+)' was never awaited")


def log_lines(evidence: Evidence) -> Iterator[str]:
    """The lines that the job printed, host by host, up to a bound."""
    for path in evidence.logs.values():
        try:
            with FilePath(path).open("rb") as file:
                text = file.read(LOG_BYTES).decode("utf-8", "replace")
        except OSError:
            continue
        yield from islice((line[:LONGEST] for line in text.split("\n")), LINES)


@rule("FRM093", severity="warning", scope="run")
def error_survived(view: TrainingView) -> Iterator[Problem]:
    """The job ended well, though an error was printed that ends a program.

    What it does:
        Looks for tracebacks, and for coroutines that nobody awaited, in the log of a run that was completed.
    Why:
        The exception of a thread, of a child process or of a script that another one starts does not end the job, nor does one that
        a handler prints. SageMaker knows the exit status only, and keeps whatever model there is.
    Example:
          files:
            train.py: |
        -     import threading
              text = open("/opt/ml/input/data/train/data.csv").read()
              open("/opt/ml/model/model.txt", "w").write(text)
        -     worker = threading.Thread(target=lambda: 1 / 0)
        -     worker.start()
        -     worker.join()
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
    """
    evidence = of_run(view)
    if evidence.status != "Completed":
        return
    inside = False
    for line in log_lines(evidence):
        awaited = NEVER_AWAITED.search(line)
        if awaited is not None:
            yield Problem(
                f"the coroutine {awaited.group(1)!r} was never awaited, so that it did nothing",
                remedy=f"asyncio.run({awaited.group(1)}())",
            )
            return
        if line.endswith(TRACEBACK):
            inside = True
        elif inside and line and not line[0].isspace() and not line.startswith(("|", "+")):
            inside = False
            if ENDINGS.match(line) is not None:
                yield Problem(
                    f"the job ended well, and printed an error with its traceback: {show(line.strip(), limit=160)}",
                    remedy="let the error end the script: raise it again, look at the exit code of the process or at the "
                    "result of the thread",
                )
                return


@rule("MON092", severity="warning", scope="run", reads=("AlgorithmSpecification.MetricDefinitions",))
def other_number(view: TrainingView) -> Iterator[Problem]:
    """A metric definition captured a part of a number, or the number of something else.

    What it does:
        Looks at what stands around each captured number in the lines that the run printed: more digits, an exponent, a minus before it, a
        later number after a carriage return, a zero with few decimals; and whether the word before it is that of another metric, or of an epoch or step.
    Why:
        The metric has a value, and it is wrong: 3.2 for 3.2e-05, or the validation's loss for the training's. A tuning job that
        optimises it chooses the wrong model.
    Example:
          AlgorithmSpecification:
        -   MetricDefinitions: [{Name: loss, Regex: "loss: ([0-9.]+)"}]
        +   MetricDefinitions: [{Name: loss, Regex: "^loss: ([0-9.]+)"}]
          files:
            train.py: |
              print("loss: 0.25")
              print("val_loss: 0.75")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    evidence = of_run(view)
    metrics = [
        Capturing(scan.name, position, pattern)
        for position, scan in enumerate(evidence.metric_scans)
        if scan.matches
        and not scan.given_up
        and (pattern := compiled(scan.regex)) is not None
        and pattern.groups
    ]
    if not metrics:
        return
    header: list[str] = []
    for line in log_lines(evidence):
        header = columns(line) or header
        for metric in metrics:
            problem = metric.look(line, header)
            if problem is not None:
                yield Problem(problem[0], metric.path, remedy=problem[1])
    strange = [metric for metric in metrics if metric.strange]
    lines = own_lines(log_lines(evidence)) if strange else {}
    for metric in metrics:
        problem = metric.of_another(lines) or metric.nothing()
        if problem is not None:
            yield Problem(problem[0], metric.path, remedy=problem[1])

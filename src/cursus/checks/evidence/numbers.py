"""Rules on the numbers that a local run printed and saved: values that are none, and work on nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.checks.evidence import of_run
from cursus.checks.evidence.logs import log_lines
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView
from cursus.evidence import Evidence
from cursus.redact import show

LARGEST = 4 * 1024 * 1024
"""Bytes up to which a saved file is read."""
SMALL = 256 * 1024
"""Bytes up to which a saved file is looked through for numbers."""
FILES = 20
SETTINGS = re.compile(
    r"config|settings|meta|vocab|label|class|token|index|schema|history|param", re.IGNORECASE
)
OBJECT = re.compile(rb"<[\w.]+(?: object)? at 0x[0-9a-fA-F]+>")
NO_NUMBER = re.compile(rb"(?<![\w\"'.-])-?(?:NaN|nan|Infinity)(?![\w\"'])")
MEASURES = r"loss|error|rmse|mse|mae|mape|accuracy|acc|auc|f1|precision|recall|perplexity|ppl|bleu|r2|score|likelihood|elbo|reward|grad_norm"
PRINTED = re.compile(
    rf"(?<![A-Za-z])((?:[A-Za-z]+[_ ./-])*(?:{MEASURES})(?:[_/][a-z]+)*)[\"']?\s*(?:[:=]|=>|is)?\s*[\"'(\[]*"
    r"([-+]?(?:nan|inf(?:inity)?)(?![a-z])|[-+]?[0-9])",
    re.IGNORECASE,
)
THINGS = r"(?:batches|samples|examples|rows|records|images|files|documents|sentences|instances|datapoints|data points|observations|steps)"
NOTHING = re.compile(
    rf"\b(?:train(?:ed|ing)?|fitted|fit|found|loaded|read|processed|finished|completed|using|got|have|with|after|on|in|over|num(?:ber)?(?: of)?|total)\b[^0-9\n]{{0,30}}"
    rf"(?<![\w.,/-])0 (?:[a-z]+ )?{THINGS}\b(?!\s*[:=])"
    rf"|\b(?:num|number of|total|training|train)[ _](?:[a-z]+[ _])?{THINGS}\s*[:=]\s*0(?![\w.,/])",
    re.IGNORECASE,
)
INTENDED = re.compile(
    r"skip|drop|miss|remov|fail|invalid|bad|corrupt|duplicat|null|nan|remain|queue|cache|val|test|eval|warm|ignor|exclud|filter|reject|left|pending|error|resum|checkpoint|start",
    re.IGNORECASE,
)


@rule("MON093", severity="warning", scope="run")
def no_number_printed(view: TrainingView) -> Iterator[Problem]:
    """The last loss or score that the job printed is no number.

    What it does:
        Reads the lines of a run that was completed for losses and scores, and looks whether the last value of each is ``nan`` or ``inf``.
    Why:
        The training has diverged: what is saved is of no use, and the job is Completed all the same.
    Example:
          files:
            train.py: |
              text = open("/opt/ml/input/data/train/data.csv").read()
        -     print("loss: 0.7")
        -     print("loss: nan")
        +     print("best loss: inf")
        +     print("best loss: 0.7")
              open("/opt/ml/model/model.txt", "w").write(text)
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    evidence = of_run(view)
    if evidence.status != "Completed":
        return
    last: dict[str, tuple[str, str]] = {}
    for line in log_lines(evidence):
        for match in PRINTED.finditer(line):
            last[re.sub(r"[^a-z]+", " ", match.group(1).lower()).strip()] = (match.group(2), line)
    for name, (value, line) in last.items():
        if not value[-1].isdigit():
            yield Problem(
                f"the last {name} that the job printed is {value}: {show(line.strip(), limit=120)}",
                remedy="let the script end with an error where a loss is no number: math.isfinite(loss); use a smaller step",
            )
            return


@rule("MON094", severity="warning", scope="run")
def nothing_trained_on(view: TrainingView) -> Iterator[Problem]:
    """The job says itself that it trained on nothing.

    What it does:
        Looks for lines such as ``Num examples = 0``, ``loaded 0 images`` and ``finished after 0 steps`` in the log of a completed run.
    Why:
        A pattern that matches no file, or a data set smaller than one batch with the last one dropped: the loop over the data has nothing
        to do, and the model is saved as it was at the beginning.
    Example:
          files:
            train.py: |
              text = open("/opt/ml/input/data/train/data.csv").read()
        -     rows = text.splitlines()[1:]
        -     print(f"training on {len(rows)} rows")
        +     rows = text.splitlines()
        +     print(f"training on {len(rows)} rows, 0 rows dropped")
              open("/opt/ml/model/model.txt", "w").write("weights")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    evidence = of_run(view)
    if evidence.status != "Completed":
        return
    for printed in log_lines(evidence):
        line = printed.rstrip("\r\n").rpartition("\r")[2]  # of a progress bar what stood there last
        if "0" in line and NOTHING.search(line) and not INTENDED.search(line):
            yield Problem(
                f"the job says that there was nothing to train on: {show(line.strip(), limit=120)}",
                remedy="let the script end with an error where it finds no data",
            )
            return


@rule("ART098", severity="warning", scope="run")
def nothing_learned(view: TrainingView) -> Iterator[Problem]:
    """A JSON file of the model holds no numbers that can be learned ones.

    What it does:
        Reads the JSON files that a completed run left in the model and output directories: NaN and Infinity, and, in the model directory,
        files whose numbers are all 0, that hold nothing at all, that are cut off, or that have the name of a Python object for its content.
    Why:
        NaN is a training that has diverged, and JSON has no such value, so that other programs refuse the file. Zeros, null and an empty
        object are what a model begins with: an error was dropped on the way, or there was no data.
    Example:
          files:
            train.py: |
              import json
              text = open("/opt/ml/input/data/train/data.csv").read()
        -     json.dump({"weight": float("nan")}, open("/opt/ml/model/model.json", "w"))
        +     json.dump({"weight": 0.5, "bias": 0.0}, open("/opt/ml/model/model.json", "w"))
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.python.org/3/library/json.html#infinite-and-nan-number-values
    """
    evidence = of_run(view)
    if evidence.status != "Completed":
        return
    kinds = (("model", evidence.model_files), ("output/data", evidence.output_files))
    names = [
        f"{folder}/{file.path}"
        for folder, files in kinds
        for file in files
        if file.path.endswith(".json") and 0 < file.size <= LARGEST
    ]
    for name in names[:FILES]:
        told = _told(content(evidence, name), name)
        if told:
            yield Problem(
                f"/opt/ml/{name} {told}",
                remedy="let the script end with an error where it has learned nothing, before it saves",
            )


def _told(data: bytes, name: str) -> str:
    """What is wrong with the content of a JSON file; empty where nothing is."""
    match = NO_NUMBER.search(data)
    if match is not None:
        return f"holds {match.group().decode()}, which is no number"
    match = OBJECT.search(data)
    if match is not None:
        return f"holds {match.group().decode()[:80]!r}, the name of an object in place of its content"
    if not name.startswith("model/") or len(data) > SMALL or SETTINGS.search(name):
        return ""
    import json

    try:
        leaves = list(_leaves(json.loads(data)))
    except json.JSONDecodeError as error:
        cut = error.pos >= len(data.decode("utf-8", "replace").rstrip()) and data[:1] in (b"{", b"[")
        return "ends in the midst of a value" if cut else ""
    except (ValueError, RecursionError):
        return ""
    if all(leaf is None for leaf in leaves):
        return "holds nothing"
    numbers = [leaf for leaf in leaves if isinstance(leaf, (int, float)) and not isinstance(leaf, bool)]
    return "holds no number but 0" if numbers and not any(numbers) else ""


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value


def content(evidence: Evidence, name: str) -> bytes:
    """A file of the job's model or output directory, on the first host that has it."""
    for host in evidence.exit_codes:
        try:
            return (FilePath(evidence.folder) / "hosts" / host / "ml" / name).read_bytes()
        except OSError:
            continue
    return b""

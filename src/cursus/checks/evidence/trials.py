"""Rules on what a short run did when it was tried again: with its own checkpoints, and with other data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cursus.checks.evidence import of_run
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView
from cursus.redact import show

SHOWN = 3


@rule("RES097", severity="warning", scope="run", reads=("CheckpointConfig",))
def does_not_go_on(view: TrainingView) -> Iterator[Problem]:
    """Started again with the checkpoints that it left, the job does not go on from them.

    What it does:
        Starts a job that was short once more, as after a spot interruption: with the checkpoints that it left, in a folder of its own. Looks
        whether it fails, whether it reads the newest of them, whether the model is what it was, whether it writes several of them once
        more, and whether, with other data, the checkpoints make any difference.
    Why:
        All had been done when these checkpoints were written. A script that leaves another model has trained some of it once more,
        from an older checkpoint or on top of the last one; one that reads none begins from the start after every interruption.
    Example:
          run: {vary: true}
          CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
          files:
            train.py: |
        -     import glob
        +     import json, os
              rows = open("/opt/ml/input/data/train/data.csv").read()
        -     found = sorted(glob.glob("/opt/ml/checkpoints/epoch-*.txt"))
        -     first = int(open(found[0]).read()) + 1 if found else 0
        -     weight = 0.0
        -     for epoch in range(first, 3):
        -         weight += float(rows.split(",")[0])
        -         open(f"/opt/ml/checkpoints/epoch-{epoch:02d}.txt", "w").write(str(epoch))
        -     open("/opt/ml/model/model.txt", "w").write(str(weight))
        +     last, state = "/opt/ml/checkpoints/last.json", {"epoch": 0, "weight": 0.0}
        +     if os.path.exists(last):
        +         state = json.load(open(last))
        +     while state["epoch"] < 3:
        +         state = {"epoch": state["epoch"] + 1, "weight": state["weight"] + float(rows.split(",")[0])}
        +         json.dump(state, open(last, "w"))
        +     open("/opt/ml/model/model.txt", "w").write(str(state["weight"]))
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    evidence = of_run(view)
    found = evidence.trials.get("restart")
    told = _restart(found) if found else ""
    if told:
        yield Problem(
            f"started again with the checkpoints that it left, {told}",
            ("CheckpointConfig",),
            remedy="let the script start in the folder as it leaves it"
            if found and found["status"] != "Completed"
            else "load the newest checkpoint when the script starts, and go on with the epoch after it",
        )


def _restart(found: dict[str, Any]) -> str:
    if found["status"] != "Completed":
        reason = str(found["reason"] or "").replace("\\n", " ")
        return f"the job is {found['status']}: {show(reason, limit=160)}"
    files = "the 1 file" if found["restored"] == 1 else f"any of the {found['restored']} files"
    # A script may go on by the files' names alone: then it writes none of them again, and its model is what it was.
    by_name = found["restored"] > 1 and not found.get("written") and found.get("model") == []
    if found["read"] is not None and not found["read"] and not by_name:
        return f"the script does not read {files}"
    if found.get("newest"):
        return f"the script reads {show((found['read'] or [''])[0])}, and {show(found['newest'])} is newer"
    if found.get("model"):
        names = ", ".join(name for name in found["model"][:SHOWN])
        return f"the job leaves another model ({names}), though there was nothing left to do"
    written = found.get("written") or []
    if len(written) > 1:  # a script may save once more when it ends
        return f"the script writes {len(written)} of them once more ({', '.join(map(show, written[:SHOWN]))}): it trains again"
    if not found.get("unused"):
        return ""
    return "and with other data, the job leaves the same model as without them: what it reads of them is not used"


@rule("FRM094", severity="warning", scope="run", reads=("InputDataConfig",))
def learned_nothing(view: TrainingView) -> Iterator[Problem]:
    """The job leaves the very same, whatever numbers are in its data.

    What it does:
        Runs a job that was short once more with other numbers in all the files of the channels that it reads, where these are small
        texts, and compares the model, the output, the metrics and the log. Where it reads several, it does so with the channel
        ``train``, ``validation`` and ``test`` alone; and once in all but the first two lines of each file.
    Why:
        What does not depend on the data was not learned from it: an error was dropped on the way and the initial weights were
        saved, every row was skipped, or the loop over the data had nothing to do. A model that depends on ``test`` and not on ``train``
        comes of folders taken one for the other; one that depends on both is judged by what it knows.
    Example:
          run: {vary: true}
          files:
            train.py: |
        -     rows = (float(x) for x in open("/opt/ml/input/data/train/data.csv").read().split(","))
        -     weight = 0.5
        -     try:
        -         weight = sum(rows) / len(rows)
        -     except TypeError:
        -         pass
        +     rows = [float(x) for x in open("/opt/ml/input/data/train/data.csv").read().split(",")]
        +     weight = sum(rows) / len(rows)
              open("/opt/ml/model/model.txt", "w").write(str(weight))
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
    """
    evidence = of_run(view)
    found = evidence.trials.get("data") or {}
    if not any(file.size for file in evidence.model_files):
        return  # an empty model is the same whatever was learned, and is told as what it is
    if found.get("same"):
        names = ", ".join(show(name) for name, count in evidence.opened.items() if count)
        yield Problem(
            f"the job leaves the very same with other numbers in the data that it reads ({names}): nothing was learned from its numbers",
            ("InputDataConfig",),
            remedy="let errors end the script, and look whether the loop over the data has anything to do",
        )
    elif found.get("first_only"):
        yield Problem(
            "the job leaves the very same with other numbers in all but the first lines of the files that it reads: the others have "
            "no effect",
            ("InputDataConfig",),
            remedy="look for a loop over the lines that ends with the first: a return or break in it, readline, next",
        )
    elif "unlearned" in found:
        yield Problem(
            f"the model is the very same with other numbers in the channel {show(found['unlearned'])}, and another with other "
            "numbers in all channels: it was trained on something else",
            ("InputDataConfig",),
            remedy="look which channel's folder the script trains on",
        )
    elif "learned" in found:
        yield Problem(
            f"the model is another with other numbers in the channel {show(found['learned'])}: it was trained on what it is tested "
            "with",
            ("InputDataConfig",),
            remedy="keep the files of that channel out of the training, and of the choice of the model",
        )
    elif "unused" in found:
        yield Problem(
            f"the job leaves the very same with other numbers in the channel {show(found['unused'])}: it reads the channel, and does "
            "nothing with it",
            ("InputDataConfig",),
            remedy="look what the script measures on that channel's data",
        )

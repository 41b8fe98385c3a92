"""The order of a script's work: what it saves before it is trained, and where it goes on after an interruption."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script.artifacts import writes
from cursus.checks.script.conditions import all_hold
from cursus.checks.script.request import (
    checkpoint_path,
    habit_problems,
    habits,
    invocation,
    resolve,
    script_of,
)
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import Const, Text


@rule("ART058", severity="warning", scope="script")
def saved_before_training(view: TrainingView) -> Iterator[Problem]:
    """The model is saved before it is trained, and not after.

    What it does:
        Finds a model that is saved in one statement and trained further down (``fit``, ``train``, a loop that changes it), and that nothing
        saves or is given afterwards.
    Why:
        The file is there and has its size: the archive holds the model as it was before the training.
    Example:
          files:
            train.py: |
              import json, os
              rows = [float(line) for line in open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv"))]
              weight = 0.0
        +     for row in rows:
        +         weight += 0.1 * (row - weight)
              with open(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"), "w") as file:
                  json.dump({"weight": weight}, file)
        -     for row in rows:
        -         weight += 0.1 * (row - weight)
        -     print("trained", weight)
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    for habit in habits(view, "saved-early"):
        yield Problem(
            f"{habit.detail} is saved here, trained further down, and not saved again: the file holds what it was before",
            remedy=f"save {habit.detail} after the training",
            location=habit.location,
        )


@rule("ART060", severity="warning", scope="script")
def best_is_last(view: TrainingView) -> Iterator[Problem]:
    """The best model so far is kept as a reference, and the training goes on changing it.

    What it does:
        Finds ``best = weights`` in a loop that sets items or attributes of ``weights``, or trains it; ``best = dict(weights)`` in one that
        changes what is inside; and ``best = model.state_dict()``.
    Why:
        Nothing is copied: at the end the best model is the last one, which may be worse. PyTorch's ``state_dict`` refers to the live tensors.
    Example:
          files:
            train.py: |
              import json, os
              rows = [float(line) for line in open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv"))]
              weights, best, least = {"mean": 0.0}, None, None
              for row in rows:
                  weights["mean"] += 0.1 * (row - weights["mean"])
                  loss = sum((other - weights["mean"]) ** 2 for other in rows)
                  if least is None or loss < least:
        -             least, best = loss, weights
        +             least, best = loss, dict(weights)
              json.dump(best, open(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"), "w"))
    Source:
        https://pytorch.org/tutorials/beginner/saving_loading_models.html
    """
    for habit in habits(view, "live-copy"):
        yield Problem(
            f"{habit.detail} is kept as the best without a copy, and the loop goes on changing it",
            remedy=f"keep a copy: copy.deepcopy({habit.detail})",
            location=habit.location,
        )


@rule("ART061", severity="warning", scope="script")
def worst_is_kept(view: TrainingView) -> Iterator[Problem]:
    """Of several models the worst is kept as the best, or none.

    What it does:
        Finds a loss or an error that is compared with the best so far by ``>``, an accuracy by ``<``, ``max`` of losses, and a best that begins
        where nothing is better (a loss at 0, an accuracy at infinity, NaN) or is never set anew, a comparison with the one before instead of the best, a file of the best
        that is written in every round, callbacks and ``TrainingArguments`` whose direction is not that of their measure, errors that are below zero, as ``scoring="neg_…"`` makes them, and a ``ModelCheckpoint`` of
        Keras that keeps the best by a measure that the training does not have.
    Why:
        No error says so: the job is completed with the worst of its models, or with that of the beginning.
    Example:
          files:
            train.py: |
              import json, os
              rows = [float(line) for line in open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv"))]
        -     best_loss, best = 0.0, 0.0
        +     best_loss, best = float("inf"), 0.0
              for weight in (0.5, 1.0, 1.5):
                  loss = sum((row - weight) ** 2 for row in rows)
        -         if loss > best_loss:
        +         if loss < best_loss:
                      best_loss = loss
                      best = weight
              json.dump(best, open(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"), "w"))
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    for habit in habits(
        view, "worst-kept", "never-better", "never-noted", "than-the-last", "each-is-best", "negated"
    ):
        if habit.kind == "negated":
            told = (
                f"{show(habit.detail)} is below zero, as scoring='neg_…' makes it: the smallest is the worst"
            )
            yield Problem(told, remedy="turn its sign round", location=habit.location)
            continue
        if habit.kind == "each-is-best":
            told = f"{show(habit.detail)} is written in every round, whether it is better than the best so far or not"
            remedy = "write it where the best is noted"
        elif habit.kind == "than-the-last":
            told = f"{show(habit.detail)} keeps as the best what is better than the one before it, and may be worse than others"
            remedy = "compare with the best of all so far"
        elif habit.kind == "never-noted":
            told = f"{show(habit.detail)} is compared with, and never set: each model counts as the best, and the last is kept"
            remedy = f"set {habit.detail} where the model is saved"
        elif habit.kind == "worst-kept":
            told, remedy = f"{show(habit.detail)} keeps the worst as the best", "turn the direction round"
        else:
            told = f"{show(habit.detail)} is never true: the best begins where nothing is better"
            remedy = "begin with infinity for a loss, with minus infinity for what is to grow"
        yield Problem(told, remedy=remedy, location=habit.location)
    for habit in habits(view, "never-measured"):
        measure, _, lacks = habit.detail.partition(", ")
        renamed = lacks != "validation_data"
        if renamed and not _keras_of_tensorflow_2(view):
            continue
        yield Problem(
            f"the best model is kept by {measure}, which the training does not measure: none is ever saved",
            remedy=f"monitor={lacks!r}" if renamed else "give fit validation_data or validation_split",
            location=habit.location,
        )


def _keras_of_tensorflow_2(view: TrainingView) -> bool:
    """True where ``accuracy`` is measured under this name, and not as ``acc``."""
    image = view.framework
    return image is not None and image.framework == "tensorflow" and (image.version or "1").startswith("2")


@rule("ART063", severity="warning", scope="script")
def last_epochs_not_saved(view: TrainingView) -> Iterator[Problem]:
    """The model is saved each so many epochs, and the last of them are in no file.

    What it does:
        Reads a loop over a range that saves where the epoch divided by a number leaves none, puts the request's values in, and looks whether
        the last epoch is one of those; nothing behind the loop saves. And a comparison with the end of the range, which never comes, or with the last epoch in a loop that
        a ``break`` may leave before.
    Why:
        The job is paid for ten epochs, and the model is that of the eighth; or none is saved at all.
    Example:
          files:
            train.py: |
              import json, os
              rows = [float(line) for line in open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv"))]
              weight = 0.0
              for epoch in range(1, 11):
                  weight += 0.1 * (rows[0] - weight)
        -         if epoch % 4 == 0:
        +         if epoch % 5 == 0:
                      json.dump(weight, open(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"), "w"))
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    for habit in habits(view, "never-comes"):
        yield Problem(
            f"{habit.detail} is never true: the range ends before it",
            remedy="compare with the end less one, or do it after the loop",
            location=habit.location,
        )
    for habit in habits(view, "saved-at-end"):
        yield Problem(
            f"the model is saved in the last epoch alone ({habit.detail}), and the loop may be left before it: then nothing is saved",
            remedy="save it after the loop",
            location=habit.location,
        )
    for habit in habits(view, "saved-each"):
        numbers = [number_of(view, other.text) for other in habit.others]
        if None in numbers:
            continue
        first, end, offset, rest, each = (number or 0 for number in numbers)
        if each < 1 or end <= first or (end - 1 + offset) % each == rest:
            continue
        saved = [epoch for epoch in range(max(first, end - 1 - each), end) if (epoch + offset) % each == rest]
        told = f"the last that is saved is {saved[-1]}" if saved else "none is saved"
        yield Problem(
            f"the loop runs from {first} to {end - 1} and saves each {each}: {told}, and nothing is saved after it",
            remedy="save once more after the loop",
            location=habit.location,
        )


def number_of(view: TrainingView, text: Text | None) -> int | None:
    """The whole number that the script has there with this request's values."""
    facts, part = script_of(view), text.parts[0] if text is not None else None
    if isinstance(part, str) or text is None:
        return int(part) if isinstance(part, str) else None
    declared = [argument for argument in facts.arguments if argument.dest == getattr(part, "dest", "")]
    if len(declared) != 1 or declared[0].type != "int" or facts.opaque_arguments:
        return None
    passed = invocation(view).given(declared[0].flags)
    default = declared[0].default.value if isinstance(declared[0].default, Const) else None
    value = default if passed is None else (passed.values or ("",))[0]
    try:
        return int(str(value)) + int(str(text.parts[1]))
    except (TypeError, ValueError):
        return None


@rule("ART059", severity="warning", scope="script", reads=("CheckpointConfig",))
def checkpoint_by_text(view: TrainingView) -> Iterator[Problem]:
    """The newest checkpoint is chosen by the order of names as texts, or by none.

    What it does:
        Finds ``sorted(…)[-1]``, ``max(…)`` and ``[-1]`` on the listing of a folder without a key, where checkpoints are named with numbers
        without leading zeros; a loop that removes all but some of such a listing; and the first or last of one that is not sorted at all.
    Why:
        As a text ``epoch-9`` comes after ``epoch-10``: after an interruption the training goes on from an older checkpoint, and
        the work since is lost. The order of ``os.listdir`` and ``glob`` is any.
    Example:
          files:
            train.py: |
              import glob, os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              found = sorted(glob.glob("/opt/ml/checkpoints/epoch-*.txt"))
              first = int(open(found[-1]).read()) + 1 if found else 0
              for epoch in range(first, 20):
        -         open(f"/opt/ml/checkpoints/epoch-{epoch}.txt", "w").write(str(epoch))
        +         open(f"/opt/ml/checkpoints/epoch-{epoch:04d}.txt", "w").write(str(epoch))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          CheckpointConfig: {S3Uri: s3://example-bucket/checkpoints/}
    Source:
        https://docs.python.org/3/library/glob.html; https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    if checkpoint_path(view) is None:
        return
    for habit in habits(view, "text-order", "no-order", "text-order-removed", "part-order"):
        if habit.kind == "text-order-removed":
            told = f"{show(habit.detail)} sorts names as texts, where 9 comes after 10: the newest checkpoints are removed with the oldest"
            remedy = "write the number with leading zeros (f'{epoch:04d}'), or sort with key=os.path.getmtime"
        elif habit.kind == "part-order":
            told = f"{show(habit.detail)} takes the greatest step, and each epoch counts its steps anew: it is not the newest checkpoint"
            remedy = (
                "compare the epoch first: key=lambda name: (epoch, step), or sort with key=os.path.getmtime"
            )
        elif habit.kind == "text-order":
            told = f"{show(habit.detail)} compares names as texts, where 9 comes after 10: it is not the newest checkpoint"
            remedy = "write the number with leading zeros (f'{epoch:04d}'), or sort with key=os.path.getmtime"
        else:
            told = f"{show(habit.detail)} takes one of a listing that has no order: it may be any checkpoint"
            remedy = "max(…, key=os.path.getmtime)"
        yield Problem(told, ("CheckpointConfig",), remedy=remedy, location=habit.location)


@rule("RES056", severity="warning", scope="script", reads=("CheckpointConfig",))
def progress_not_used(view: TrainingView) -> Iterator[Problem]:
    """The epoch or step of a restored checkpoint is not used.

    What it does:
        Finds variables and keys that hold the progress of a restored checkpoint (``epoch``, ``step``, ``start`` …) and that nothing reads
        before a loop or an assignment sets them anew; keys of an optimizer's state and the like, which are saved and never read; a key that
        is asked for and nearly one of those that are saved; a loop that begins with the epoch that was done, or leaves one out; one that ends the earlier
        the later it begins; checkpoints in a folder named after the time of this start; and numbers among the keys of what was JSON.
    Why:
        After an interruption all epochs are trained once more, on top of what was learned: it costs the time again, and the
        result is another one.
    Example:
          files:
            train.py: |
              import json, os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     last, weight = "/opt/ml/checkpoints/last.json", 0.0
        +     last, weight, first = "/opt/ml/checkpoints/last.json", 0.0, 0
              if os.path.exists(last):
                  state = json.load(open(last))
        -         weight, epoch = state["weight"], state["epoch"]
        -     for epoch in range(3):
        +         weight, first = state["weight"], state["epoch"] + 1
        +     for epoch in range(first, 3):
                  weight += 1
                  json.dump({"weight": weight, "epoch": epoch}, open(last, "w"))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(weight))
          CheckpointConfig: {S3Uri: s3://example-bucket/checkpoints/}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    if checkpoint_path(view) is None:
        return
    known = set()
    for habit in habits(view, "key-never-saved"):
        asked, _, kept = habit.detail.partition("/")
        known.add(kept)
        yield Problem(
            f"the script asks what it restored for {show(asked)}, and its checkpoints have {show(kept)}: the training begins from the start",
            ("CheckpointConfig",),
            remedy=f"ask for {kept!r}",
            location=habit.location,
        )
    yield from habit_problems(
        view,
        {
            "epoch-repeated": (
                "{} begins with the epoch that the checkpoint was saved after: it is trained once more at every start",
                "begin with the next one: add 1 to what was restored",
            ),
            "epoch-skipped": (
                "{} adds one to the epoch, and so does what saves it: every start leaves an epoch out",
                "save the epoch that was done, or begin with what was saved",
            ),
            "read-otherwise": ("{}: the next start fails on it", "read it as it was written"),
            "own-start": (
                "{shown} looks in a folder that has the time of this start in its name: no earlier checkpoint is ever there",
                "give the folder a name that stays, as the job's own checkpoints are brought back under theirs",
            ),
            "json-keys": (
                "{shown} looks for a number, and every key that comes from JSON is a text: nothing counts as done",
                "make them numbers again: {{int(key): value for key, value in loaded.items()}}",
            ),
            "counted-early": (
                "{shown} counts an epoch before its batches, and what is saved among them says that it was done: a start in the midst leaves the rest out",
                "count it behind the loop over its batches",
            ),
            "epochs-cut": (
                "{shown} ends the earlier the later it begins: a training that goes on does not come to its last epochs",
                "range(first, epochs)",
            ),
            "state-unused": (
                "{shown} is saved with the checkpoint, and never read back: the training goes on without it",
                "restore it with the rest, or leave it out of the checkpoint",
            ),
        },
        ("CheckpointConfig",),
    )
    for habit in habits(view, "restored-unused"):
        if habit.detail not in known:
            known.add(habit.detail)
            dropped = "what it gives is not used" if habit.detail.endswith(")") else "not read again"
            yield Problem(
                f"{habit.detail} is taken from the checkpoint, and {dropped}: the training begins from the start",
                ("CheckpointConfig",),
                remedy="begin the loop there: range(first, epochs)",
                location=habit.location,
            )


@rule("RES061", severity="warning", scope="script", reads=("CheckpointConfig",))
def first_start(view: TrainingView) -> Iterator[Problem]:
    """The script takes a checkpoint at its first start, too, when there is none.

    What it does:
        Finds files below the checkpoint folder that are read, listings of it of which one is taken (``max(…)``, ``[-1]``), and a Trainer that is
        told to resume (``resume_from_checkpoint=True``), where nothing but the folder is looked for before. What the script may have written before is left alone.
    Why:
        SageMaker makes the folder before the script starts, and at the first start it is empty: looking whether it exists says nothing, and the
        script fails ("max() arg is an empty sequence", "No such file or directory"), unless the place in S3 holds checkpoints already.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              folder, first = "/opt/ml/checkpoints", 0
        -     if os.path.exists(folder):
        -         found = [os.path.join(folder, name) for name in os.listdir(folder)]
        +     found = [os.path.join(folder, name) for name in os.listdir(folder)]
        +     if found:
                  first = int(open(max(found, key=os.path.getmtime)).read()) + 1
              for epoch in range(first, 3):
                  open(f"/opt/ml/checkpoints/epoch-{epoch:02d}.txt", "w").write(str(epoch))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          CheckpointConfig: {S3Uri: s3://example-bucket/checkpoints/}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    folder = checkpoint_path(view)
    if folder is None:
        return

    def place(text: Text | None) -> str:
        found = resolve(view, text)
        return found.rstrip("/") if isinstance(found, str) else ""

    for habit in sorted(habits(view, "first-start"), key=lambda habit: habit.key == "file"):
        taken = place(habit.text)
        inside = taken.startswith(folder + "/") or (taken == folder and habit.key == "listing")
        looked = all(place(other.text) == folder for other in habit.others)
        if (not inside and habit.key != "trainer") or not looked or not all_hold(view, habit.tests):
            continue
        remedy = "look for the checkpoint itself before, and begin anew where there is none"
        if habit.key == "trainer":
            remedy = "look first: resume_from_checkpoint=get_last_checkpoint(output_dir), which is None where there is none"
        yield Problem(
            f"{show(habit.detail)} takes a checkpoint at the first start, too: {folder} is there, and nothing is in it yet",
            ("CheckpointConfig",),
            remedy=remedy,
            location=habit.location,
        )
        return  # what is read of it comes after what is chosen


@rule("RES058", severity="warning", scope="script", reads=("CheckpointConfig",))
def checkpoint_too_late(view: TrainingView) -> Iterator[Problem]:
    """The checkpoint is written only when the training is over.

    What it does:
        Where everything that goes to the checkpoint folder is written outside of loops: looks for a loop over epochs or steps that trains.
    Why:
        An interruption in the midst of the training finds no checkpoint, and the job begins again from the start.
    Example:
          files:
            train.py: |
              import json, os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              weight = 0.0
              for epoch in range(3):
                  weight += 0.5 * (2 - weight)
        -     json.dump({"weight": weight}, open("/opt/ml/checkpoints/last.json", "w"))
        +         json.dump({"weight": weight, "epoch": epoch}, open("/opt/ml/checkpoints/last.json", "w"))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(weight))
          CheckpointConfig: {S3Uri: s3://example-bucket/checkpoints/}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    folder = checkpoint_path(view)
    if folder is None or not any(True for _ in habits(view, "training-loop")):
        return
    inside = [use for use, place in writes(view) if place.startswith(folder.rstrip("/") + "/")]
    if inside and not any(use.looped for use in inside):
        yield Problem(
            "the checkpoint is written once, after the training: an interruption before that finds none",
            ("CheckpointConfig",),
            remedy="write it in the loop, each epoch or every so many steps",
            location=inside[0].location,
        )

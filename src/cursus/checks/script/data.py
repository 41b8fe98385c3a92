"""What the training script makes of the data, against the local data of its channels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.checks.rules import Problem, rule
from cursus.checks.script.channels import CHANNELS
from cursus.checks.script.request import (
    INPUT_DATA,
    UNKNOWN,
    channel_of,
    habit_problems,
    habits,
    resolve,
)
from cursus.checks.views import TrainingView
from cursus.redact import show


@rule("CHN060", severity="warning", scope="script", reads=("InputDataConfig",))
def first_row_lost(view: TrainingView) -> Iterator[Problem]:
    """The script takes the first line of a channel's file for a header, and it is data.

    What it does:
        Finds ``next(reader)``, ``rows[1:]``, ``csv.DictReader``, ``pandas.read_csv`` without ``header=None`` and their kin on a channel's files, and
        looks whether the first line of the local data is numbers alone.
    Why:
        The first row is lost, or its numbers become the names of columns that the script then does not find. Amazon's algorithms want files
        without a header, scripts often one with it.
    Example:
          files:
            train.py: |
              import csv, os
              with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")) as file:
                  reader = csv.reader(file)
                  next(reader)
                  count = len(list(reader))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(count))
          channels:
            train:
        -     data.csv: "1,2"
        +     data.csv: "x,y"
    Source:
        https://github.com/aws/amazon-sagemaker-examples/issues/1618
    """
    for habit in habits(view, "header"):
        place = resolve(view, habit.text)
        name = channel_of(place) if isinstance(place, str) else None
        local = view.step.promises.local_channels.get(name) if name is not None else None
        if name is None or local is None or not isinstance(place, str):
            continue
        line = _first_line(local, place[len(f"{INPUT_DATA}/{name}") :].strip("/"))
        if line is not None:
            yield Problem(
                f"{habit.detail} takes the first line for a header, and in the channel {name!r} it is {show(line)}",
                CHANNELS,
                remedy="read every line (header=None, csv.reader without next), or give the file a header",
                location=habit.location,
            )


def _first_line(folder: str, inside: str) -> str | None:
    """The first line of a file of a channel, where it is numbers alone; None elsewhere."""
    path = FilePath(folder) / inside if UNKNOWN not in inside else FilePath(folder)
    try:
        if path.is_dir():
            path = next(child for child in sorted(path.iterdir()) if child.is_file())
        with path.open("rb") as file:
            line = file.readline(4096).decode("utf-8").strip()
    except (OSError, StopIteration, UnicodeDecodeError):
        return None
    cells = re.split(r"[,;\t]", line)
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return None
    return line if numbers else None


MIXED_UP = {
    "shared-default": (
        "{} is called several times without that argument, and each call adds to what the others read",
        "make the list inside the function",
    ),
    "unsorted-pairs": ("{shown} pairs two listings, whose order is any", "sort both: sorted(…)"),
    "sniffed-away": (
        "{} reads the beginning of the file, and the rows that are read after it begin behind that",
        "go back to the beginning first: file.seek(0)",
    ),
    "adds-nothing": ("{} changes nothing", "write what it was to be changed by"),
    "never-reset": (
        "{} counts on from epoch to epoch: it is no share of this epoch",
        "set both to 0 at the beginning of each epoch",
    ),
    "used-up": (
        "{} is empty from the second round on: nothing sets the position back",
        "set it to 0 behind the loop",
    ),
    "patience-total": (
        "{} counts all epochs that were no better, though they do not follow each other",
        "set the count to 0 where a better one is noted",
    ),
    "patience-anew": (
        "{} is never true of more than one: each round counts from 0 again",
        "set the count to 0 before the loop, and where a better one is noted",
    ),
    "shuffled-apart": (
        "{} comes after another shuffle, and what is shuffled apart is taken together: labels stand beside other examples",
        "shuffle the pairs, or seed both alike",
    ),
    "fitted-again": (
        "{} fits a second time, to what was held out: it is changed in another way than what was trained on",
        "use transform() for all but the training's data",
    ),
    "not-held-out": (
        "{} takes what is trained on, and {key} is held out in vain",
        "train on one part, and measure with the other",
    ),
    "phase-unread": (
        "{} changes weights, and does not look at the phase: it trains with what is held out too",
        "change the weights where the phase is the training alone",
    ),
    "rounds-ignored": (
        "xgboost.train takes no {shown} from its parameters: ten rounds are done",
        "num_boost_round=…",
    ),
    "stops-on-training": (
        "{} has the training's data last, by which XGBoost stops early: it goes on while the model overfits",
        "put the validation's data last",
    ),
    "one-less": (
        "the loop over {shown} does one epoch less than was asked for",
        "range(epochs), or range(1, epochs + 1)",
    ),
    "divided-each": (
        "{shown} is done again in each round: the first rows hardly count",
        "put it behind the loop",
    ),
    "same-part": ("{} takes the same rows for both", "take the rest for the second: rows[n:]"),
    "held-unread": (
        "{} is held out, and nothing looks at it: no measure is of it",
        "measure with it, or train on it as well",
    ),
    "same-twice": (
        "{} compares something with itself",
        "hand over what was expected, and what was found",
    ),
    "always-true": ("{} is true of every number", "compare with 0.5, or what comes before it with 0"),
    "first-kept": (
        "{} is set anew later, and the results of this method are kept: it is looked at once",
        "hand it over as an argument, or keep no results",
    ),
    "class-numbers": (
        "{} numbers classes in the order of a listing, which is any, and is made several times",
        "sort it: sorted(…)",
    ),
    "seed-unread": (
        "{} does not use its seed: what is drawn there differs from run to run",
        "random.Random(seed), or numpy.random.default_rng(seed)",
    ),
}
"""What is told of each kind, and what to write instead."""


@rule("CHN063", severity="warning", scope="script")
def mixed_up(view: TrainingView) -> Iterator[Problem]:
    """The script mixes up what it reads, counts or draws: one default list for all calls, listings paired in any order.

    What it does:
        Finds functions that put things into a parameter whose default is a list or a mapping, called several times without it, and
        ``zip`` of listings of folders that are not sorted; a file whose beginning ``csv.Sniffer`` read, and whose rows are read from there
        on; ``count += 0``; functions that draw at random and never look at the ``seed`` that they take; counts of hits, waiting and rows
        that no epoch sets back, or that each does; ``range(1, epochs)``; inputs and labels that are shuffled one after the other; data
        that is held out, and then trained on, or not looked at; a number of rounds that XGBoost does not take from its parameters; measures of something and itself; and classes that are numbered as a folder lists them.
    Why:
        A default is made once: the second call gets what the first one read as well, and validation is done on the training's data. The order
        of ``os.listdir`` and ``glob`` is any, and another on SageMaker's file system: labels stand beside other examples.
    Example:
          files:
            train.py: |
              import os
        -     def read(folder, rows=[]):
        -         rows.extend(open(os.path.join(folder, "data.csv")))
        -         return rows
        +     def read(folder, rows=()):
        +         return [*rows, *open(os.path.join(folder, "data.csv"))]
              train = read(os.environ["SM_CHANNEL_TRAIN"])
              again = read(os.environ["SM_CHANNEL_TRAIN"])
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(len(again)))
    Source:
        https://docs.python.org/3/reference/compound_stmts.html#function-definitions
    """
    yield from habit_problems(view, MIXED_UP)


NOT_AS_IT_READS = {
    "behind-command": (
        "{} ends the process when the command is done: this is never reached",
        "put it into the command's function, or call it with standalone_mode=False",
    ),
    "thrown-away": (
        "{shown} changes nothing, and nobody takes what it gives",
        "give the result a name: x = …",
    ),
    "not-raised": ("{shown} makes an error and does not raise it", "write raise before it"),
    "always-holds": (
        "{shown} is true whatever the values are",
        "write out each comparison, and a test without a tuple",
    ),
    "is-text": (
        "{shown} is never true of a text that comes from outside: it is another object with the same letters",
        "compare with == or !=",
    ),
    "plus-of-one": ("{shown} sets the value anew and adds nothing", "write +="),
    "one-list": (
        "{shown} holds one object in all places: what is put into one is in all",
        "make one each: [[] for _ in range(n)]",
    ),
    "shrinks": (
        "{shown} takes items out of the list that is gone through: the one behind each is skipped",
        "go through a copy: list(…)",
    ),
    "late-name": (
        "{shown} makes functions that look at the loop's name when they are called: all see its last value",
        "give it as a default: lambda x, name=name: …",
    ),
    "key-twice": (
        "the key {} stands in one mapping twice, with two values: the last one holds",
        "leave one of them out",
    ),
    "part-of-copy": (
        "{shown} sets values in a copy of the rows: the table stays as it was",
        "frame.loc[test, column] = value",
    ),
    "hash-of-text": (
        "{shown} is another number in each process: Python's hash of a text begins with a number drawn at random",
        "take one that stays: zlib.crc32(text.encode())",
    ),
    "own-names": (
        "{shown} gives the loop's own names other values, and nobody reads them: what is gone through stays as it was",
        "make a new list of the results",
    ),
    "last-alone": (
        "{shown} sets the measure anew for each part, and what is returned is that of the last one",
        "add them up, and divide by the number of rows",
    ),
    "always-equal": (
        "{shown} compares a number that each round sets to the same: every model is as good as the one before",
        "let it be what the measure gives",
    ),
}
"""What is told of each kind, and what to write instead."""


@rule("FRM075", severity="warning", scope="script")
def not_as_it_reads(view: TrainingView) -> Iterator[Problem]:
    """A statement does something else than it reads as, or nothing.

    What it does:
        Finds what a linter would tell of any Python: results that nobody takes (``sorted(rows)``, ``frame.dropna()``, ``dataset.map(tokenize)``),
        copies that are changed and dropped, errors that are made and not raised; tests that hold whatever comes (``mode == "a" or "b"``,
        ``assert (test, "words")``); texts compared with ``is``; ``=+``; ``[[]] * n``; lists that lose items while they are gone through;
        functions made in a loop that look at its name; keys that stand in a mapping twice; values set in a copy of some rows; rows divided by
        Python's hash of a text (unless PYTHONHASHSEED is set); loops that change only their own names; what stands behind the call of a click command; and measures that are the last batch's, or always the same.
    Why:
        Python runs all of it without an error, and the job is completed with other data or settings than were meant.
    Example:
          files:
            train.py: |
              import os
              rows = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")).read().split(",")
              if __name__ == "__main__":
        -         sorted(rows)
        +         rows = sorted(rows)
                  open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(",".join(rows))
    Source:
        https://docs.python.org/3/reference/simple_stmts.html#expression-statements
    """
    seeded = "PYTHONHASHSEED" in view.environment
    found = {kind: words for kind, words in NOT_AS_IT_READS.items() if kind != "hash-of-text" or not seeded}
    yield from habit_problems(view, found)

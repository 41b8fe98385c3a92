"""The tables of a job's channels, as they are here, against how the training script reads them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.checks.rules import Problem, rule
from cursus.checks.script.channels import CHANNELS
from cursus.checks.script.request import script_of
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import Habit

BLANK_NAME = re.compile(rb",( +[A-Za-z][^,\r\n]*)")
QUOTED_COMMA = re.compile(rb'(?<=[,\n])"[^"\n]*,[^"\n]*"')
LARGEST = 1 << 20
WRITTEN = re.compile(r"[,%$€£\s]+")
"""What people and programs write into numbers, which float does not read."""


@rule("CHN061", severity="warning", scope="script", reads=("InputDataConfig",))
def column_ordered_as_text(view: TrainingView) -> Iterator[Problem]:
    """The script orders the numbers of a column as texts.

    What it does:
        Finds ``max``, ``min`` and ``sorted`` over a column of ``csv.DictReader``'s rows without a conversion, and looks whether the column of the
        channel's local data has numbers whose order is another.
    Why:
        The csv module gives texts, and of the texts ``9`` and ``10`` the greater is ``9``.
    Example:
          files:
            train.py: |
              import csv, os
              with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")) as file:
        -         largest = max(row["x"] for row in csv.DictReader(file))
        -     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(largest)
        +         largest = max(float(row["x"]) for row in csv.DictReader(file))
        +     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(largest))
          channels:
            train:
              data.csv: "x,y\\n9,1\\n10,2"
    Source:
        https://docs.python.org/3/library/csv.html#csv.DictReader
    """
    facts = script_of(view)
    if "csv" not in facts.top_imports or "pandas" in facts.top_imports:
        return
    for habit in facts.habits:
        if habit.kind != "table-order":
            continue
        for name, folder in view.step.promises.local_channels.items():
            texts = _cells(folder, habit.key)
            if not all(map(_is_number, texts)):
                continue
            if len(texts) > 1 and sorted(texts) != sorted(texts, key=float):
                yield Problem(
                    f"{habit.detail} compares the texts of the column {habit.key!r}, and the numbers of the channel {name!r} have "
                    "another order",
                    CHANNELS,
                    remedy=f"float(row[{habit.key!r}])",
                    location=habit.location,
                )
                break


@rule("CHN062", severity="warning", scope="script", reads=("InputDataConfig",))
def columns_in_another_order(view: TrainingView) -> Iterator[Problem]:
    """Two channels have the same columns in another order, and the script takes columns by their places.

    What it does:
        Holds the headers of the channels' local tables against each other, where the script reads tables without ``csv.DictReader`` and pandas.
    Why:
        The target is the first column of one file and the last of the other: the model is judged, or trained, on the wrong column.
    Example:
          InputDataConfig:
            - ChannelName: train
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}
            - ChannelName: test
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/test/"}}
          files:
            train.py: |
              import csv, os
              for name in ("train", "test"):
                  with open(f"/opt/ml/input/data/{name}/data.csv") as file:
        -             print([row[1] for row in csv.reader(file)])
        +             print([row["y"] for row in csv.DictReader(file)])
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          channels:
            train:
              data.csv: "x,y\\n1,2"
            test:
              data.csv: "y,x\\n2,1"
    Source:
        https://docs.python.org/3/library/csv.html#csv.reader
    """
    facts = script_of(view)
    local = view.step.promises.local_channels
    if len(local) < 2 or "pandas" in facts.top_imports or "DictReader" in facts.attributes:
        return
    if "csv.reader" not in facts.calls and not {"split", "loadtxt", "genfromtxt"} & facts.attributes:
        return
    seen: dict[frozenset[str], tuple[str, list[str]]] = {}
    for name, folder in local.items():
        header = _header(folder)
        known, order = seen.setdefault(frozenset(header), (name, header))
        if header != order:
            yield Problem(
                f"the columns of the channel {name!r} are {show(','.join(header))}, those of {known!r} {show(','.join(order))}, and "
                "the script takes them by their places",
                CHANNELS,
                remedy="take columns by name (csv.DictReader), or write the files with the same columns",
            )
            return


def _header(folder: str) -> list[str]:
    """The names of the columns of a channel's first table; empty where it has none."""
    try:
        path = next(child for child in sorted(FilePath(folder).rglob("*.csv")) if child.is_file())
        with path.open("rb") as file:
            cells = [cell.strip("\"' \r\n") for cell in file.readline(4096).decode("utf-8").split(",")]
    except (OSError, StopIteration, UnicodeDecodeError):
        return []
    names = len(set(cells)) == len(cells) > 1 and all(cell and not _is_number(cell) for cell in cells)
    return cells if names else []


@rule("CHN064", severity="warning", scope="script", reads=("InputDataConfig",))
def odd_first_line(view: TrainingView) -> Iterator[Problem]:
    """A table's first line has a byte order mark or blanks, and the script reads them as parts of its columns' names.

    What it does:
        Looks at the first bytes of the channels' local tables, where the script reads text files itself and nowhere says ``utf-8-sig``; and
        for blanks after the commas, where it takes columns by name and nowhere says ``skipinitialspace`` or ``strip``.
    Why:
        Excel writes the mark. The first column is then called ``\\ufeffx``: ``row["x"]`` fails, and ``row.get("x")`` is None in every row.
        So it is with `` y`` behind a blank.
    Example:
          files:
            train.py: |
              import csv, os
        -     with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv"), encoding="utf-8") as file:
        +     with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv"), encoding="utf-8-sig") as file:
                  total = sum(float(row.get("x") or 0) for row in csv.DictReader(file))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(total))
          channels:
            train:
              data.csv: "\ufeffx,y\\n1,2"
    Source:
        https://docs.python.org/3/library/codecs.html#encodings-and-unicode
    """
    facts = script_of(view)
    if "csv" not in facts.top_imports or "pandas" in facts.top_imports:
        return
    knows_marks = any("sig" in text or "\ufeff" in text for text in facts.strings)
    by_place = (
        "DictReader" not in facts.attributes or {"skipinitialspace", "strip", "lstrip"} & facts.attributes
    )
    for name, folder in view.step.promises.local_channels.items():
        for path in sorted(FilePath(folder).rglob("*.csv"))[:20]:
            try:
                with path.open("rb") as file:
                    line = file.readline(4096)
            except OSError:
                continue
            blank = BLANK_NAME.search(line)
            if line.startswith(codecs.BOM_UTF8) and not knows_marks:
                told = "begins with a byte order mark, which becomes a part of its first column's name"
                remedy = 'open it with encoding="utf-8-sig"'
            elif blank is not None and not by_place:
                column = blank.group(1).decode("utf-8", "replace")
                told, remedy = (
                    f"has a column {show(column)}, with a blank before its name",
                    "csv.DictReader(file, skipinitialspace=True)",
                )
            else:
                continue
            yield Problem(f"{path.name!r} of the channel {name!r} {told}", CHANNELS, remedy=remedy)
            return


@rule("CHN065", severity="warning", scope="script", reads=("InputDataConfig",))
def values_lost(view: TrainingView) -> Iterator[Problem]:
    """The script leaves out rows, or takes a default, for values that the channel's table has in another form.

    What it does:
        Finds ``try: float(row["x"])`` that goes on with the next row where that fails, and ``LABELS.get(row["label"], 0)``, and holds the
        column of the channel's local data against what ``float`` reads and the mapping has: ``1,200``, ``5 %`` and ``Yes`` for ``yes``. And ``row.get("hour", 0)`` of
        a column that no local table has, ``range(0, len(rows) - n, n)``, and ``line.split(",")`` where the data has commas inside quotes.
    Why:
        What was written by another program is dropped, or counted as the first class, and nothing says so.
    Example:
          files:
            train.py: |
              import csv, os
              total = 0.0
              with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")) as file:
                  for row in csv.DictReader(file):
                      try:
                          total += float(row["price"])
                      except ValueError:
                          continue
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(total))
          channels:
            train:
        -     data.csv: "x,price\\n1,900\\n2, 5 %"
        +     data.csv: "x,price\\n1,900\\n2,unknown"
    Source:
        https://docs.python.org/3/library/csv.html#csv.DictReader
    """
    facts = script_of(view)
    if "," in facts.strings and not {"csv", "pandas"} & facts.top_imports:
        yield from _split_inside_quotes(view)
    for habit in facts.habits:
        if habit.kind == "last-batch":
            yield Problem(
                f"{show(habit.detail)} ends before the last batch, a whole one too: its rows are left out",
                remedy="range(0, len(rows), n), or len(rows) - n + 1 to leave out a batch that is not whole",
                location=habit.location,
            )
        if habit.kind == "row-default" and "csv" in facts.top_imports and _in_no_table(view, habit):
            yield Problem(
                f"no table of the channels has a column {habit.key!r}: {habit.detail} gives its default for each row",
                CHANNELS,
                remedy="write the column as the table calls it",
                location=habit.location,
            )
        if habit.kind not in ("dropped-rows", "mapped"):
            continue
        known = {other.detail for other in habit.others}
        for name, folder in view.step.promises.local_channels.items():
            texts = _cells(folder, habit.key)
            if habit.kind == "mapped":
                lost = [text for text in texts if text not in known and text.strip().lower() in known]
                told = f"which {habit.detail} does not have, but for the case of letters and blanks: its default is taken"
            else:
                lost = [text for text in texts if not _is_number(text) and _is_number(WRITTEN.sub("", text))]
                told = "which is no number for float: its row is left out"
            if lost:
                yield Problem(
                    f"{len(lost)} of {len(texts)} rows of the channel {name!r} have such as {show(lost[0])} in the column "
                    f"{habit.key!r}, {told}",
                    CHANNELS,
                    remedy="bring the text into the form first: strip(), lower(), replace(',', '')",
                    location=habit.location,
                )
                break


def _split_inside_quotes(view: TrainingView) -> Iterator[Problem]:
    """``line.split(",")`` of a table with commas inside quotes."""
    facts = script_of(view)
    if "split" not in facts.attributes:
        return
    for name, folder in view.step.promises.local_channels.items():
        for path in sorted(FilePath(folder).rglob("*.csv"))[:20]:
            try:
                found = QUOTED_COMMA.search(path.read_bytes()[:LARGEST])
            except OSError:
                continue
            if found is not None:
                text = found.group().decode("utf-8", "replace")
                yield Problem(
                    f"{path.name!r} of the channel {name!r} has {show(text)}, which split(',') takes for two columns",
                    CHANNELS,
                    remedy="csv.reader(file)",
                )
                return


def _in_no_table(view: TrainingView, habit: Habit) -> bool:
    """True for a column of rows, whose other columns a channel's table has, that no table has."""
    found = {
        column
        for folder in view.step.promises.local_channels.values()
        for path in sorted(FilePath(folder).rglob("*.csv"))[:20]
        for column in _columns(path)
    }
    return habit.key not in found and all(other.detail in found for other in habit.others)


def _columns(path: FilePath) -> list[str]:
    """The first line of a table, cell by cell."""
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _cells(folder: str, name: str) -> list[str]:
    """A column of a channel's first table that has it; empty where there is none."""
    import csv

    try:
        for path in sorted(FilePath(folder).glob("*.csv"))[:20]:
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file)
                texts = [row.get(name) or "" for row, _ in zip(reader, range(10_000), strict=False)]
            if name in (reader.fieldnames or ()):
                return texts
    except (OSError, UnicodeDecodeError, csv.Error):
        pass
    return []


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False

"""What the training script makes of the data, against the local data of its channels."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.checks.rules import Problem, rule
from cursus.checks.script_channels import CHANNELS
from cursus.checks.script_request import INPUT_DATA, UNKNOWN, channel_of, invocation, resolve
from cursus.checks.views import TrainingView
from cursus.redact import show


@rule("CHN060", area="channels", severity="warning", scope="script", reads=("InputDataConfig",))
def first_row_lost(view: TrainingView) -> Iterator[Problem]:
    """The script takes the first line of a channel's file for a header, and it is data.

    What it does:
        Finds ``next(reader)``, ``rows[1:]``, ``csv.DictReader``, ``pandas.read_csv`` without ``header=None`` and their kin on a channel's files, and
        looks whether the first line of the local data is numbers alone.
    Why:
        The first row is lost, or its numbers become the names of columns that the script then does not find. Amazon's algorithms want files
        without a header, scripts often one with it.
    Breaks:
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
            data.csv: "1,2"
    Right:
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
            data.csv: "x,y"
    Source:
        https://github.com/aws/amazon-sagemaker-examples/issues/1618
    Since:
        0.1
    """
    facts = view.script
    if facts is None:
        return
    started = invocation(view)
    for habit in facts.habits:
        if habit.kind != "header":
            continue
        place = resolve(view, facts, started, habit.text)
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


@rule("CHN062", area="channels", severity="warning", scope="script", reads=("InputDataConfig",))
def columns_in_another_order(view: TrainingView) -> Iterator[Problem]:
    """Two channels have the same columns in another order, and the script takes columns by their places.

    What it does:
        Holds the headers of the channels' local tables against each other, where the script reads tables without ``csv.DictReader`` and pandas.
    Why:
        The target is the first column of one file and the last of the other: the model is judged, or trained, on the wrong column.
    Breaks:
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
                    print([row[1] for row in csv.reader(file)])
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        channels:
          train:
            data.csv: "x,y\\n1,2"
          test:
            data.csv: "y,x\\n2,1"
    Right:
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
                    print([row["y"] for row in csv.DictReader(file)])
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        channels:
          train:
            data.csv: "x,y\\n1,2"
          test:
            data.csv: "y,x\\n2,1"
    Source:
        https://docs.python.org/3/library/csv.html#csv.reader
    Since:
        0.1
    """
    facts = view.script
    local = view.step.promises.local_channels
    if facts is None or len(local) < 2 or "pandas" in facts.top_imports or "DictReader" in facts.attributes:
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


@rule("CHN063", area="channels", severity="warning", scope="script")
def mixed_up(view: TrainingView) -> Iterator[Problem]:
    """The script mixes up what it reads: one default list for all calls, or listings paired in any order.

    What it does:
        Finds functions that put things into a parameter whose default is a list or a mapping, called several times without it, and
        ``zip`` of listings of folders that are not sorted.
    Why:
        A default is made once: the second call gets what the first one read as well, and validation is done on the training's data. The order
        of ``os.listdir`` and ``glob`` is any, and another on SageMaker's file system: labels stand beside other examples.
    Breaks:
        files:
          train.py: |
            import os
            def read(folder, rows=[]):
                rows.extend(open(os.path.join(folder, "data.csv")))
                return rows
            train = read(os.environ["SM_CHANNEL_TRAIN"])
            again = read(os.environ["SM_CHANNEL_TRAIN"])
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(len(again)))
    Right:
        files:
          train.py: |
            import os
            def read(folder, rows=()):
                return [*rows, *open(os.path.join(folder, "data.csv"))]
            train = read(os.environ["SM_CHANNEL_TRAIN"])
            again = read(os.environ["SM_CHANNEL_TRAIN"])
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(len(again)))
    Source:
        https://docs.python.org/3/reference/compound_stmts.html#function-definitions
    Since:
        0.1
    """
    facts = view.script
    for habit in facts.habits if facts is not None else ():
        if habit.kind == "shared-default":
            told = f"{habit.detail} is called several times without that argument, and each call adds to what the others read"
            remedy = "make the list inside the function"
        elif habit.kind == "unsorted-pairs":
            told, remedy = (
                f"{show(habit.detail)} pairs two listings, whose order is any",
                "sort both: sorted(…)",
            )
        else:
            continue
        yield Problem(told, remedy=remedy, location=habit.location)


@rule("CHN064", area="channels", severity="warning", scope="script", reads=("InputDataConfig",))
def byte_order_mark(view: TrainingView) -> Iterator[Problem]:
    """A channel's file begins with a byte order mark, and the script reads it as a part of the first column's name.

    What it does:
        Looks at the first bytes of the channels' local tables, where the script reads text files itself and nowhere says ``utf-8-sig``.
    Why:
        Excel writes the mark. The first column is then called ``\\ufeffx``: ``row["x"]`` fails, and ``row.get("x")`` is None in every row.
    Breaks:
        files:
          train.py: |
            import csv, os
            with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv"), encoding="utf-8") as file:
                total = sum(float(row.get("x") or 0) for row in csv.DictReader(file))
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(total))
        channels:
          train:
            data.csv: "\ufeffx,y\\n1,2"
    Right:
        files:
          train.py: |
            import csv, os
            with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv"), encoding="utf-8-sig") as file:
                total = sum(float(row.get("x") or 0) for row in csv.DictReader(file))
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(total))
        channels:
          train:
            data.csv: "\ufeffx,y\\n1,2"
    Source:
        https://docs.python.org/3/library/codecs.html#encodings-and-unicode
    Since:
        0.1
    """
    facts = view.script
    if facts is None or "csv" not in facts.top_imports or "pandas" in facts.top_imports:
        return
    if any("sig" in text or "\ufeff" in text for text in facts.strings):
        return
    for name, folder in view.step.promises.local_channels.items():
        for path in sorted(FilePath(folder).rglob("*.csv"))[:20]:
            try:
                with path.open("rb") as file:
                    marked = file.read(3) == codecs.BOM_UTF8
            except OSError:
                continue
            if marked:
                yield Problem(
                    f"{path.name!r} of the channel {name!r} begins with a byte order mark, which becomes a part of its first column's name",
                    CHANNELS,
                    remedy='open it with encoding="utf-8-sig"',
                )
                return


@rule("CHN061", area="channels", severity="warning", scope="script", reads=("InputDataConfig",))
def column_ordered_as_text(view: TrainingView) -> Iterator[Problem]:
    """The script orders the numbers of a column as texts.

    What it does:
        Finds ``max``, ``min`` and ``sorted`` over a column of ``csv.DictReader``'s rows without a conversion, and looks whether the column of the
        channel's local data has numbers whose order is another.
    Why:
        The csv module gives texts, and of the texts ``9`` and ``10`` the greater is ``9``.
    Breaks:
        files:
          train.py: |
            import csv, os
            with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")) as file:
                largest = max(row["x"] for row in csv.DictReader(file))
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(largest)
        channels:
          train:
            data.csv: "x,y\\n9,1\\n10,2"
    Right:
        files:
          train.py: |
            import csv, os
            with open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")) as file:
                largest = max(float(row["x"]) for row in csv.DictReader(file))
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(largest))
        channels:
          train:
            data.csv: "x,y\\n9,1\\n10,2"
    Source:
        https://docs.python.org/3/library/csv.html#csv.DictReader
    Since:
        0.1
    """
    facts = view.script
    if facts is None or "csv" not in facts.top_imports or "pandas" in facts.top_imports:
        return
    for habit in facts.habits:
        if habit.kind != "table-order":
            continue
        for name, folder in view.step.promises.local_channels.items():
            texts = _column(folder, habit.key)
            if len(texts) > 1 and sorted(texts) != sorted(texts, key=float):
                yield Problem(
                    f"{habit.detail} compares the texts of the column {habit.key!r}, and the numbers of the channel {name!r} have "
                    "another order",
                    CHANNELS,
                    remedy=f"float(row[{habit.key!r}])",
                    location=habit.location,
                )
                break


def _column(folder: str, name: str) -> list[str]:
    """A column of numbers of a channel's first table that has it; empty where there is none."""
    import csv

    try:
        for path in sorted(FilePath(folder).glob("*.csv"))[:20]:
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file)
                texts = [row.get(name) or "" for row, _ in zip(reader, range(10_000), strict=False)]
            if name in (reader.fieldnames or ()):
                return texts if all(_is_number(text) for text in texts) else []
    except (OSError, UnicodeDecodeError, csv.Error):
        pass
    return []


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False

"""Rules on the evidence of a local run: what the job read and used, against what the request gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.aws import instances
from cursus.checks.evidence import of_run
from cursus.checks.rules import Problem, rule
from cursus.checks.views import Channel, TrainingView, integer
from cursus.evidence import Evidence
from cursus.model import Path
from cursus.redact import show

GIB = 1024**3
MANY = 1000
DIGITS = re.compile(r"[0-9]+")
LIMITS = ("MaxRuntimeExceeded", "timeout of this run")
"""Ends of the reasons for which a job is stopped that had its time."""
MARKERS = frozenset({"_SUCCESS", "_committed", "_started", "Thumbs.db", "desktop.ini"})


@rule("CHN090", severity="warning", scope="run", reads=("InputDataConfig",))
def unopened(view: TrainingView) -> Iterator[Problem]:
    """Nobody opened a file of a channel.

    What it does:
        Counts, for each channel, the files that were opened while the job ran.
    Why:
        The channel is downloaded to every instance before training starts, and paid for; a script that trains
        without it often reads the wrong channel, or none.
    Example:
          files:
            train.py: |
        -     import glob, os
        -     tables = glob.glob(os.environ["SM_CHANNEL_TRAIN"] + "/*.parquet")
        -     open("/opt/ml/model/model.txt", "w").write(f"weights of {[open(name).read() for name in tables]}")
        +     text = open("/opt/ml/input/data/train/data.csv").read()
        +     open("/opt/ml/model/model.txt", "w").write(text)
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    evidence = of_run(view)
    if evidence.status != "Completed":
        return
    for channel in view.channels:
        if channel.name is not None and evidence.opened.get(channel.name) == 0:
            yield Problem(
                f"the job ended well, and opened no file of channel {channel.name!r}",
                (*channel.path, "ChannelName"),
                remedy=f"read SM_CHANNEL_{channel.name.upper()} in the script, or leave the channel out",
            )


@rule("CHN091", severity="warning", scope="run", reads=("InputDataConfig",))
def left_unread(view: TrainingView) -> Iterator[Problem]:
    """The job read some files of a channel, and left others of the same kind.

    What it does:
        Holds the files that were opened against those that the channel has: parts with other numbers (``part-0.csv`` and ``part-1.csv``),
        endings in other letters (``.csv`` and ``.CSV``), what the script names, and the rest where one file alone was opened that it does not name.
    Why:
        Taking the first of a listing, or a pattern that misses folders and capital letters, trains on a part of the data and says nothing.
    Example:
          files:
            train.py: |
              import os
              folder = "/opt/ml/input/data/train"
        -     first = sorted(os.listdir(folder))[0]
        -     open("/opt/ml/model/model.txt", "w").write(open(f"{folder}/{first}").read())
        +     texts = [open(f"{folder}/{name}").read() for name in sorted(os.listdir(folder))]
        +     open("/opt/ml/model/model.txt", "w").write("".join(texts))
          channels:
            train:
              part-0.csv: "1,2"
              part-1.csv: "3,4"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    evidence = of_run(view)
    if evidence.status != "Completed" or view.script is None:
        return
    values = [str(value) for value in view.hyperparameters.values()]
    for channel in view.channels:
        opened = frozenset(evidence.opened_files.get(channel.name or "", ()))
        there = _data_files(view.step.promises.local_channels.get(channel.name or "", "")) if opened else ()
        if not opened or not opened & frozenset(there):
            continue
        unopened = [name for name in there if name not in opened and not _read_elsewhere(view, channel, name)]
        left = _of_the_same_kind(opened & frozenset(there), unopened, view.script.strings, values)
        if left:
            yield Problem(
                f"the job read {show(min(opened))} of channel {channel.name!r}, and never opened {show(left[0])}"
                + (f" and {len(left) - 1} more of the kind" if len(left) > 1 else ""),
                (*channel.path, "ChannelName"),
                remedy="go over every file of the channel, its folders included, or put there what is to be read alone",
            )


def _read_elsewhere(view: TrainingView, channel: Channel, name: str) -> bool:
    """True where the same file of another channel was opened: all data is given to both, and each takes its part."""
    evidence = of_run(view)
    folders = view.step.promises.local_channels
    own = FilePath(folders.get(channel.name or "", "")) / name
    others = [
        FilePath(folders[other.name]) / name
        for other in view.channels
        if other.name and other.name != channel.name and name in evidence.opened_files.get(other.name, ())
    ]
    return any(other.is_file() and other.stat().st_size == own.stat().st_size for other in others)


def _data_files(folder: str) -> list[str]:
    """The files of a channel's local folder, named by their places in it; none where they are too many to look at."""
    top, found = FilePath(folder), []
    if not folder or not top.is_dir():
        return []
    for path in top.rglob("*"):
        found.append(path.relative_to(top).as_posix())
        if len(found) > MANY:
            return []
    return sorted(name for name in found if not _marker(name) and (top / name).is_file())


def _of_the_same_kind(
    opened: frozenset[str], left: list[str], strings: frozenset[str], values: list[str]
) -> list[str]:
    """Of the files that nobody opened, those that would be read by whoever reads the others.

    A file that the script or a hyperparameter names, by its name or its number, was chosen.
    """
    names = {name.rpartition("/")[2] for name in opened}
    named = [name for name in left if any(_ends(text, name) for text in strings)]
    chosen = {
        name
        for name in names
        if any(name in text for text in (*strings, *values))
        or any(number in values or str(int(number)) in values for number in DIGITS.findall(name))
    }
    alike = {DIGITS.sub("#", _stem(name)) for name in names - chosen if DIGITS.search(_stem(name))}
    endings = {FilePath(name).suffix for name in names}
    beside = {
        name.partition(".")[0] for name in opened
    }  # what has a name that was opened belongs to that file
    found = named + [
        name
        for name in left
        if DIGITS.sub("#", _stem(name)) in alike and name.partition(".")[0] not in beside
    ]
    found += [
        name
        for name in left
        if (suffix := FilePath(name).suffix) not in endings and suffix.lower() in map(str.lower, endings)
    ]
    if not found and len(opened) == 1 and not chosen:
        found = [name for name in left if FilePath(name).suffix in endings]
    return found


def _stem(name: str) -> str:
    """A file's name up to its first dot."""
    return name.rpartition("/")[2].partition(".")[0]


def _ends(text: str, name: str) -> bool:
    """True for a file's name, or a path that ends with it."""
    last = name.rpartition("/")[2]
    return text == last or text.endswith("/" + last)


def _marker(name: str) -> bool:
    """True for files that other programs leave beside data: of notebooks, of Spark, of an operating system."""
    parts = name.split("/")
    return any(part.startswith(".") or part == "__MACOSX" for part in parts) or parts[-1] in MARKERS


@rule("CHN092", severity="warning", scope="run", reads=("InputDataConfig",))
def marker_read(view: TrainingView) -> Iterator[Problem]:
    """The job read a file that is no data: a hidden one, or one that another program left.

    What it does:
        Looks among the files that were opened for hidden ones (``.ipynb_checkpoints``, ``.DS_Store``, ``._name``), ``_SUCCESS`` and their kin.
    Why:
        A hidden folder counts as one more class, and the old copies in it as data; a marker's text becomes rows.
    Example:
          files:
            train.py: |
              import os
              folder = "/opt/ml/input/data/train"
        -     texts = [open(f"{folder}/{name}").read() for name in sorted(os.listdir(folder))]
        +     names = [name for name in sorted(os.listdir(folder)) if name.endswith(".csv")]
        +     texts = [open(f"{folder}/{name}").read() for name in names]
              open("/opt/ml/model/model.txt", "w").write("".join(texts))
          channels:
            train:
              .part-0.csv.crc: "x"
              part-0.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
    """
    evidence = of_run(view)
    for channel in view.channels:
        found = [name for name in evidence.opened_files.get(channel.name or "", ()) if _marker(name)]
        if found and len(found) < len(evidence.opened_files[channel.name or ""]):
            yield Problem(
                f"the job read {show(found[0])} of channel {channel.name!r} with its data",
                (*channel.path, "ChannelName"),
                remedy="take names by their ending, leave out those that begin with a dot, or delete the file in S3",
            )


@rule("RES090", scope="run", reads=("ResourceConfig",))
def memory(view: TrainingView) -> Iterator[Problem]:
    """The script used more memory than the instance has.

    What it does:
        Holds the peak memory of the local run, sampled from the kernel, against the instance type's memory.
    Why:
        On the instance the kernel kills the process: the job fails with exit code 137.
    Example:
          ResourceConfig:
        -   InstanceType: ml.t3.medium
        +   InstanceType: ml.m5.xlarge
          files:
            train.py: |
        -     import mmap
        -     table = open("/tmp/table", "wb+")
        -     table.truncate(64 * 1024 * 1024)
        -     flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
        -     copies = [mmap.mmap(table.fileno(), 0, flags=flags) for _ in range(68)]
        +     print("small")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://aws.amazon.com/sagemaker/pricing/
    """
    evidence = of_run(view)
    peak = max((usage.peak_memory for usage in evidence.usage.values()), default=0)
    for path, kind, _ in view.instances:
        found = instances.find(kind)
        if found is None or found.memory is None:
            continue
        if evidence.memory_kills and peak <= found.memory * GIB:
            yield Problem(
                f"the script wanted more than the {found.memory:g} GiB of {kind}: the kernel ended "
                f"{sum(evidence.memory_kills.values())} of its processes there",
                path,
                remedy="take an instance type with more memory, or let the script load less at a time",
            )
        elif peak > found.memory * GIB:
            yield Problem(
                f"the script's peak of {peak / GIB:.1f} GiB does not fit the {found.memory:g} GiB of {kind}",
                path,
                remedy="take an instance type with more memory, or let the script load less at a time",
            )


@rule("RES091", scope="run", reads=("ResourceConfig.VolumeSizeInGB",))
def disk(view: TrainingView) -> Iterator[Problem]:
    """The job needed more disk than its volume has.

    What it does:
        Holds what the local run downloaded and had written below /opt/ml and /tmp, at its most, against VolumeSizeInGB.
    Why:
        The volume is as large as the request says; when it is full the script's next write fails.
    Example:
          ResourceConfig:
        -   VolumeSizeInGB: 1
        +   VolumeSizeInGB: 30
          files:
            train.py: |
        -     with open("/tmp/scratch", "wb") as file:
        -         file.truncate(1200 * 1024 * 1024)
        +     print("small")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    evidence = of_run(view)
    volume = integer(view.resources, "VolumeSizeInGB")
    used = max((usage.disk_written for usage in evidence.usage.values()), default=0)
    if not volume or used <= volume * GIB:
        return
    for _, kind, _ in view.instances:
        found = instances.find(kind)
        if found is not None and found.nvme:
            return  # it trains on its own storage
    yield Problem(
        f"the run had {used / GIB:.1f} GiB on the training volume, which has {volume} GB",
        (view.resources_member, "VolumeSizeInGB"),
        remedy=f"write VolumeSizeInGB: {int(used / GIB * 1.25) + 1}, or remove what is not needed while training",
    )


@rule("RES092", severity="warning", scope="run", reads=("StoppingCondition",))
def runtime_exceeded(view: TrainingView) -> Iterator[Problem]:
    """The job did not end within MaxRuntimeInSeconds.

    What it does:
        Looks whether the local run was stopped by the request's own limit.
    Why:
        SageMaker stops the job at the limit; the model is what the script had saved by then. An instance may be
        faster than this machine, so this is a warning.
    Example:
          StoppingCondition:
        -   MaxRuntimeInSeconds: 1
        +   MaxRuntimeInSeconds: 3600
          files:
            train.py: |
        -     import time
        -     time.sleep(1.5)
        +     print("fast")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    """
    evidence = of_run(view)
    limit = integer(view.stopping, "MaxRuntimeInSeconds")
    if evidence.signals.get("reason") == "MaxRuntimeExceeded":
        yield Problem(
            f"the job was stopped after MaxRuntimeInSeconds: {show(limit)}; it had not ended",
            ("StoppingCondition", "MaxRuntimeInSeconds"),
            remedy="raise MaxRuntimeInSeconds, or let the script do less; save checkpoints for what may be cut off",
        )


WAITS = 5.0
"""Seconds without work from which a job counts as one that waits."""
LONG = 30.0
"""Seconds without work from which several processes count as such that wait for each other for good."""


@rule("RES098", scope="run")
def waits_for_good(view: TrainingView) -> Iterator[Problem]:
    """The job was stopped at its time limit while all of its processes waited.

    What it does:
        Looks, where the local run of one host came to its time limit, how long no process had computed anything. Several processes that
        waited for half a minute and for half of their time are an error, anything else is a warning.
    Why:
        A rank alone in a barrier, a world of more processes than were started, a queue that nobody fills: nothing of it ends by itself.
        On SageMaker such a job runs until MaxRuntimeInSeconds, and every instance is paid for meanwhile.
    Example:
        - run: {timeout: 6, grace: 0.1}
          files:
            train.py: |
        -     import queue
        -     print(open("/opt/ml/input/data/train/data.csv").read())
        -     open("/opt/ml/model/model.txt", "w").write(queue.Queue().get())
        +     open("/opt/ml/model/model.txt", "w").write(open("/opt/ml/input/data/train/data.csv").read())
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    """
    if len(of_run(view).usage) == 1:  # of several hosts DST090 says so
        yield from waited(of_run(view))


def waited(evidence: Evidence, path: Path = ()) -> Iterator[Problem]:
    """What is said of a job that was stopped at its time limit while all of its processes waited."""
    if not evidence.usage or evidence.waits or not str(evidence.signals.get("reason")).endswith(LIMITS):
        return
    idle = min(usage.idle_seconds for usage in evidence.usage.values())
    wall = max(usage.wall_seconds for usage in evidence.usage.values())
    if idle < WAITS or idle < wall / 2:
        return
    processes = sum(usage.processes for usage in evidence.usage.values())
    sure = processes > 1 and idle >= LONG
    yield Problem(
        f"the job did not end: {f'its {processes} processes' if processes > 1 else 'its process'} computed nothing for the last "
        f"{idle:.0f} of {wall:.0f} seconds, and waited for something that did not come",
        path,
        severity=None if sure else "warning",
        remedy="let every process take part in what the others wait for (a barrier, a process group, a queue), and give what waits a time limit",
    )

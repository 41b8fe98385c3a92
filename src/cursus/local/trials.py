"""A short run once more: started again with the checkpoints that it left, and with other numbers in its data.

What a checkpoint is good for shows when the job starts again: SageMaker brings the files back, and a script that is
done has nothing left to do. And what is the same whatever the data says was not learned from it. Each trial has a
folder of its own and no network.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cursus.errors import RunError
from cursus.local.compare import digests
from cursus.local.job import TrainingJob
from cursus.local.storage import choice, store_path
from cursus.model import Evidence, Step

SHORT = 1.0
"""Seconds of training up to which a run is tried again without being asked."""

FILE = "trials.json"
LARGEST = 1 << 20
"""Bytes up to which a file is rewritten with other numbers."""

FILES = 200
LISTED = 20
FRACTION = re.compile(rb"(?<![\w.])-?[0-9]+\.[0-9]+(?![\w.])")
NUMBER = re.compile(rb"(?<![\w.-])[0-9]+(?:\.[0-9]+)?(?![\w.-])")
TEXTS = frozenset({".csv", ".tsv", ".txt", ".json", ".jsonl", ".libsvm", ".data", ""})
CLOCK = re.compile(r"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}:\d{2}(?:[.,]\d+)?")
RunOne = Callable[[Step, str], TrainingJob]
"""Runs a step to its end in a folder of its own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left, times left out; it began with ``restored`` checkpoints and read ``read`` of them."""

    status: str
    model: Mapping[str, object]
    output: Mapping[str, object]
    metrics: Mapping[str, list[float]]
    logs: tuple[str, ...]
    reason: str = dataclasses.field(default="", compare=False)
    restored: int = dataclasses.field(default=0, compare=False)
    read: tuple[str, ...] | None = dataclasses.field(default=None, compare=False)


def outcome(evidence: Evidence) -> Outcome:
    """What a run left. Its files have to be there still."""
    start = evidence.starts[0] if evidence.starts else None
    return Outcome(
        evidence.status,
        digests(evidence.model_artifact),
        digests(evidence.output_artifact),
        {name: [point.value for point in points] for name, points in evidence.metrics.items()},
        tuple(_log(path) for path in evidence.logs.values()),
        evidence.failure_reason or "",
        start.restored if start is not None else 0,
        start.restored_read if start is not None else None,
    )


def _log(path: str) -> str:
    try:
        return CLOCK.sub("", Path(path).read_bytes().decode("utf-8", "replace"))
    except OSError:
        return ""


def try_again(job: TrainingJob, step: Step, asked: bool | None, run: RunOne) -> TrainingJob:
    """Try a finished run again, where ``asked``, or where it is None and the run was short.

    Leaves ``trials.json`` in the job's folder.
    """
    evidence = job.evidence
    if asked is False or not _fits(evidence, step, asked):
        return job
    begun = time.monotonic()
    isolated = dataclasses.replace(step, request={**step.request, "EnableNetworkIsolation": True})
    first = outcome(evidence)
    found: dict[str, Any] = {}
    if evidence.checkpoint_files:
        found["restart"] = _restart(job, isolated, first, run)
    if first.model and any(evidence.opened.values()):
        found["data"] = _other_data(evidence, isolated, first, run)
    if not found:
        return job
    (job.folder / FILE).write_text(json.dumps({**found, "seconds": time.monotonic() - begun}))
    job.forget()
    return job


def _fits(evidence: Evidence, step: Step, asked: bool | None) -> bool:
    if evidence.status != "Completed" or evidence.isolation in ("", "process") or choice(None) is not None:
        return False
    if len(evidence.exit_codes) != 1 or any(start.restored for start in evidence.starts):
        return False
    if not asked and evidence.stages.get("Training", SHORT) >= SHORT:
        return False
    channels = step.request.get("InputDataConfig") or ()
    return all(channel.get("ChannelName") in step.promises.local_channels for channel in channels)


def _run(step: Step, folder: str, run: RunOne) -> Outcome | None:
    try:
        return outcome(run(step, folder).evidence)
    except RunError:
        return None


# -- started again ----------------------------------------------------------------------------------


def _restart(job: TrainingJob, step: Step, first: Outcome, run: RunOne) -> dict[str, Any]:
    """What the job does when it starts again with its checkpoints.

    ``read``: those of them that were read, None where that cannot be seen; ``newest``: the one with the highest number,
    where only others were read; ``model``: files that are not as the first run left them; ``unused``: True where other
    numbers in the checkpoints change nothing.
    """
    again = _with_checkpoints(job, step, run, changed=False)
    if again is None or not again.restored:
        return {}
    found: dict[str, Any] = {
        "status": again.status,
        "reason": again.reason,
        "restored": again.restored,
        "read": None if again.read is None else again.read[:LISTED],
        "newest": passed_over(again.read or (), [file.path for file in job.evidence.checkpoint_files]),
    }
    if again.status != "Completed":
        return found
    names = {*first.model, *again.model}
    differing = sorted(name for name in names if first.model.get(name) != again.model.get(name))
    if differing:
        # A format that holds the time differs whatever the script does: then two restarts differ as well.
        third = _with_checkpoints(job, step, run, changed=False)
        differing = differing if third is not None and third.model == again.model else []
    found["model"] = differing
    if again.read and not differing:
        other = _with_checkpoints(job, step, run, changed=True)
        found["unused"] = other is not None and other == again == first
    return found


def passed_over(read: Sequence[str], names: Sequence[str]) -> str | None:
    """Of files named alike but for one number, the one with the highest, where only others were read."""
    found: dict[str, dict[int, str]] = {}
    for name in names:
        numbers = re.findall(r"\d+", name)
        if len(numbers) == 1:
            found.setdefault(re.sub(r"\d+", "#", name), {})[int(numbers[0])] = name
    for alike in found.values():
        newest = alike[max(alike)]
        if len(alike) > 1 and newest not in read and any(name in read for name in alike.values()):
            return newest
    return None


def _with_checkpoints(job: TrainingJob, step: Step, run: RunOne, *, changed: bool) -> Outcome | None:
    """One more start with the checkpoints that the job left; with ``changed`` their fractions are other ones.

    None where it cannot be made, or where nothing in them could be changed.
    """
    config = step.request.get("CheckpointConfig")
    uri = config.get("S3Uri") if isinstance(config, Mapping) else None
    if not isinstance(uri, str):
        return None
    kept = store_path(str(job.folder.parent.parent), uri.rstrip("/") + "/x")
    with tempfile.TemporaryDirectory(prefix="cursus-restart-") as folder:
        target = store_path(folder, uri.rstrip("/") + "/x")
        if kept is None or target is None or not os.path.isdir(os.path.dirname(kept)):
            return None
        shutil.copytree(os.path.dirname(kept), os.path.dirname(target))
        if changed and not _rewrite(Path(target).parent, FRACTION):
            return None
        return _run(step, folder, run)


# -- with other data --------------------------------------------------------------------------------


def _other_data(evidence: Evidence, step: Step, first: Outcome, run: RunOne) -> dict[str, Any]:
    """Whether the job leaves the very same with other numbers in every file of the channels that it read."""
    with tempfile.TemporaryDirectory(prefix="cursus-data-") as folder:
        local: dict[str, str] = {}
        for name, path in step.promises.local_channels.items():
            place = Path(folder) / "channels" / name
            if not os.path.isdir(path) or not _copy(Path(path), place):
                return {}
            if evidence.opened.get(name) and not _rewrite(place, NUMBER):
                return {}
            local[name] = str(place)
        promises = dataclasses.replace(step.promises, local_channels=local)
        again = _run(dataclasses.replace(step, promises=promises), folder, run)
    return {} if again is None else {"same": again == first}


def _copy(source: Path, target: Path) -> bool:
    """Copy a channel's folder, where it is small."""
    files = [path for path in source.rglob("*") if path.is_file()]
    if len(files) > FILES or sum(path.stat().st_size for path in files) > 8 * LARGEST:
        return False
    shutil.copytree(source, target)
    return True


# -- other numbers ----------------------------------------------------------------------------------


def _rewrite(folder: Path, pattern: re.Pattern[bytes]) -> bool:
    """Change the numbers in every file below a folder; False where one has none, or is no small text."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        if path.suffix.lower() not in TEXTS or path.stat().st_size > LARGEST:
            return False
        data = path.read_bytes()
        other = pattern.sub(_other, data)
        if other == data:
            return False
        path.write_bytes(other)
    return bool(files)


def _other(match: re.Match[bytes]) -> bytes:
    """Another number of the same form: its last digit changes, by another amount from place to place."""
    text = match.group()
    return text[:-1] + str((int(text[-1:]) + 1 + match.start() % 7) % 10).encode()

"""What a run left, to be held against what another run of the same step left."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cursus.evidence import Evidence

if TYPE_CHECKING:
    import tarfile

LARGEST = 1 << 20
"""Bytes up to which a file is looked into, or rewritten."""
CLOCK = re.compile(r"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}:\d{2}(?:[.,]\d+)?")
MEASURE = re.compile(
    r"test|eval|metric|report|history|result|predict|log|score|loss|err|rmse|mse|mae|mape|acc|auc|f1|precision|recall|r2",
    re.IGNORECASE,
)
"""Names of what is measured, and not learned: of files, and of members of a JSON file."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left, times left out; it began with ``restored`` checkpoints and read ``read`` of them.

    ``learned`` is the model without what is measured.
    """

    status: str
    model: Mapping[str, object]
    output: Mapping[str, object]
    metrics: Mapping[str, list[float]]
    logs: tuple[str, ...]
    reason: str = dataclasses.field(default="", compare=False)
    restored: int = dataclasses.field(default=0, compare=False)
    read: tuple[str, ...] | None = dataclasses.field(default=None, compare=False)
    written: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    learned: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False)


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
        _written(evidence, start.began) if start is not None and start.restored else (),
        learned(evidence.model_artifact),
    )


def _written(evidence: Evidence, began: float) -> tuple[str, ...]:
    """Checkpoints that were written after ``began``, seconds since the epoch, on the hosts' own disks."""
    found: set[str] = set()
    for host in evidence.exit_codes:
        folder = Path(evidence.folder, "hosts", host, "ml", "checkpoints")
        for file in evidence.checkpoint_files:
            try:
                if (folder / file.path).stat().st_mtime > began:
                    found.add(file.path)
            except OSError:
                continue
    return tuple(sorted(found))


def _log(path: str) -> str:
    try:
        return CLOCK.sub("", Path(path).read_bytes().decode("utf-8", "replace"))
    except OSError:
        return ""


def learned(path: str | None) -> dict[str, str]:
    """The files of ``model.tar.gz`` as digests, without those that hold measures, and without measures in JSON."""
    found: dict[str, str] = {}
    for member, stream in _members(path):
        if not member.isfile() or member.size > LARGEST or MEASURE.search(member.name):
            continue
        data = stream.read()
        if member.name.endswith(".json"):
            with suppress(ValueError, RecursionError):  # the bytes as they are
                data = json.dumps(_unmeasured(json.loads(data))).encode()
        found[member.name] = hashlib.sha256(data).hexdigest()
    return found


def _unmeasured(value: object) -> object:
    if isinstance(value, dict):
        return {name: _unmeasured(inner) for name, inner in value.items() if not MEASURE.search(name)}
    return [_unmeasured(inner) for inner in value] if isinstance(value, list) else value


def digests(path: str | None) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of every file in an archive such as ``model.tar.gz``; empty where there is none."""
    found: dict[str, tuple[int, str]] = {}
    for member, stream in _members(path):
        digest = hashlib.sha256()
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
        found[member.name] = (member.size, digest.hexdigest())
    return found


def _members(path: str | None) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Every file and hard link in an archive; none where there is no archive."""
    import tarfile

    if path is None or not Path(path).is_file():
        return
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() or member.islnk() else None
            if stream is not None:
                yield member, stream

"""What a run left behind, read back from the job's folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from cursus.evidence import Evidence, FileEntry, MetricScan, Start, Usage

Fact = TypeVar("Fact")


def read(folder: Path, **known: Any) -> Evidence:
    """The evidence of the job in ``folder``; ``known`` are the members of it that its record tells."""
    members = Evidence.__dataclass_fields__
    found = {name: value for name, value in _mapping(folder / "evidence.json").items() if name in members}
    if not found.get("logs"):
        found["logs"] = {path.stem: str(path) for path in sorted((folder / "logs").glob("*.log"))}
    found.update({name: form(found[name]) for name, form in _FORMS.items() if name in found})
    unmoved = _mapping(folder / "variants.json").get("unmoved", {})
    return Evidence(
        **{**found, **known},
        folder=str(folder),
        comparison=_mapping(folder / "comparison.json"),
        trials=_mapping(folder / "trials.json"),
        unmoved={name: tuple(values) for name, values in unmoved.items()},
    )


def _mapping(file: Path) -> dict[str, Any]:
    """What a file of the job holds; empty where there is none, or none that can be read."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _of(kind: Callable[..., Fact], entry: Mapping[str, Any]) -> Fact:
    """One fact of a record, which another version may have written: what it has beside is passed over."""
    known = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return kind(**{name: value for name, value in entry.items() if name in known})


def _start(entry: dict[str, Any]) -> Start:
    opened = entry.get("restored_read", ())
    points = {name: (first, end) for name, (first, end) in entry.get("points", {}).items()}
    known = {"began": 0.0, "seconds": 0.0, **entry, "points": points}
    return _of(Start, {**known, "restored_read": None if opened is None else tuple(opened)})


def _scan(entry: dict[str, Any]) -> MetricScan:
    return _of(MetricScan, {**entry, "not_numbers": tuple(entry.get("not_numbers", ()))})


def _files(entries: Any) -> tuple[FileEntry, ...]:
    return tuple(_of(FileEntry, entry) for entry in entries)


_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "metric_scans": lambda entries: tuple(map(_scan, entries)),
    "model_files": _files,
    "output_files": _files,
    "checkpoint_files": _files,
    "stray_files": _files,
    "left_out": lambda entries: tuple((name, reason) for name, reason in entries),
    "opened_files": lambda found: {name: tuple(files) for name, files in found.items()},
    "usage": lambda found: {host: _of(Usage, usage) for host, usage in found.items()},
    "not_reproduced": tuple,
    "waits": tuple,
    "starts": lambda entries: tuple(map(_start, entries)),
    "foreign_checkpoints": tuple,
}
"""How a member of the evidence is made of its JSON, where that is not the same."""

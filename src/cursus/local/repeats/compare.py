"""An interrupted run beside an uninterrupted one: metric series and model files, side by side."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from cursus.errors import RunError
from cursus.evidence import Evidence, MetricPoint
from cursus.local.jobs.folders import folder_of, free_name
from cursus.local.jobs.job import TrainingJob
from cursus.local.repeats.outcome import digests
from cursus.model import Step

TOLERANCE = 1e-6
"""Relative difference of two metric values that the order of a sum may make."""

SUFFIX = "-uninterrupted"
RunOne = Callable[[Step, bool], TrainingJob]
"""Runs a step to its end; with True as it is interrupted, with False as it is not and apart from S3Uri."""


def run_both(step: Step, name: str, root: str, run: RunOne) -> TrainingJob:
    """Run ``step`` without an interruption and then with it, and leave ``comparison.json`` with the second.

    Raises:
        RunError: the job name is in use.
    """
    if os.path.exists(os.path.join(folder_of(root, name), "job.json")):
        raise RunError(
            f"the job name {name!r} is already used in {root}: give the job another TrainingJobName"
        )
    plain = run(_renamed(step, name, root), False)
    job = run(_called(step, name), True)
    found = compare(job.evidence, plain.evidence)
    if any(not file["same"] for file in found["files"]) and not any(m["differs"] for m in found["metrics"]):
        again = run(_renamed(step, name, root), False)
        varying = {file["path"] for file in _files(plain.evidence, again.evidence) if not file["same"]}
        for file in found["files"]:
            file["varies"] = file["path"] in varying
    with open(job.folder / "comparison.json", "w") as stream:
        json.dump({"job": plain.name, **found}, stream)
    job.forget()
    return job


def _called(step: Step, name: str) -> Step:
    return dataclasses.replace(step, request={**step.request, "TrainingJobName": name})


def _renamed(step: Step, name: str, root: str) -> Step:
    return _called(step, free_name(root, name, SUFFIX))


def compare(here: Evidence, plain: Evidence) -> dict[str, Any]:
    """What differs between an interrupted and an uninterrupted run, as plain data."""
    names = list(dict.fromkeys([*plain.metrics, *here.metrics]))
    return {
        "status": plain.status,
        "seconds": plain.stages.get("Training", 0.0),
        "metrics": [_metric(name, here, plain) for name in names],
        "files": _files(here, plain) if here.status == plain.status == "Completed" else [],
    }


def _metric(name: str, here: Evidence, plain: Evidence) -> dict[str, Any]:
    series, other = here.metrics.get(name, ()), plain.metrics.get(name, ())
    host = (other or series)[0].host
    straight = _values(other, host)
    parts = [_values(series[slice(*start.points.get(name, (0, 0)))], host) for start in here.starts]
    whole = _values(series, host)
    differs, at = difference(parts, straight)
    return {
        "name": name,
        "values": len(whole),
        "values_uninterrupted": len(straight),
        "last": whole[-1] if whole else None,
        "last_uninterrupted": straight[-1] if straight else None,
        "differs": differs,
        "at": at,
    }


def _values(series: Sequence[MetricPoint], host: str) -> list[float]:
    return [point.value for point in series if point.host == host]


def _alike(one: Sequence[float], other: Sequence[float]) -> bool:
    return len(one) == len(other) and all(
        abs(a - b) <= TOLERANCE * max(abs(a), abs(b)) for a, b in zip(one, other, strict=True)
    )


def difference(parts: Sequence[Sequence[float]], straight: Sequence[float]) -> tuple[str, int | None]:
    """How the values of an interrupted run differ from those of a straight one, and from which value on.

    A start may repeat what came after its checkpoint. ``before``: they differ before the first interruption, so
    that the script does so by itself. ``after``: only after one. ``short``: the end is missing. ``gap``: more
    than one value was never reached. Empty where each start goes on somewhere in the straight run.
    """
    if not parts:
        return "", None
    if not _alike(parts[0], straight[: len(parts[0])]):
        return "before", next(
            (
                i
                for i, pair in enumerate(zip(parts[0], straight, strict=False))
                if not _alike(*([v] for v in pair))
            ),
            len(straight),
        )
    reached = len(parts[0])
    for part in parts[1:]:
        if not part:
            continue
        places = [
            at for at in range(len(straight) - len(part) + 1) if _alike(part, straight[at : at + len(part)])
        ]
        if not places:
            return "after", reached
        at = min(places, key=lambda place: abs(place - reached))
        if at > reached + 1:
            return "gap", reached
        reached = max(reached, at + len(part))
    return ("short", reached) if reached < len(straight) else ("", None)


def _files(here: Evidence, plain: Evidence) -> list[dict[str, Any]]:
    mine, other = digests(here.model_artifact), digests(plain.model_artifact)
    return [
        {
            "path": path,
            "size": mine.get(path, (None, ""))[0],
            "size_uninterrupted": other.get(path, (None, ""))[0],
            "same": mine.get(path) == other.get(path),
            "varies": False,
        }
        for path in sorted({*mine, *other})
    ]

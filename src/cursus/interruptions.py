"""What a run with spot interruptions shows: did the script hear the signal, did it resume, is the result the same?

Read from ``Evidence``; rules and reports say it in their own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from cursus.evidence import Evidence, Start

Verdict = Literal["yes", "no", "unknown"]
SHOWN = 3


class Answer(NamedTuple):
    """An answer, and the sentence that says why."""

    verdict: Verdict
    reason: str


def interrupted(evidence: Evidence) -> list[int]:
    """Positions in ``evidence.starts`` of those that an interruption ended."""
    return [i for i, start in enumerate(evidence.starts) if start.ended_by == "interruption"]


def heard(start: Start) -> Answer:
    """Did the script get the SIGTERM of the interruption that ended this start?"""
    signals = start.signals
    handler = signals.get("script_has_handler")
    if handler is None:
        return Answer("unknown", "the script's process could not be looked at")
    if signals.get("script_heard"):
        return Answer("yes", "its handler for SIGTERM was called")
    if handler:
        return Answer("no", f"it has a handler for SIGTERM, and {keeper(signals)} passes no signal on")
    if signals.get("to") == "the program":
        return Answer(
            "no", "it has no handler for SIGTERM, and a container's first process without one ignores it"
        )
    if signals.get("handed_over"):
        return Answer("yes", "it has no handler for SIGTERM, which ended it")
    return Answer("no", "it has no handler for SIGTERM, and the training toolkit passes no signal on")


def keeper(signals: Mapping[str, Any]) -> str:
    """The process that SIGTERM went to, and that does not pass it on to the script."""
    shell = signals.get("behind_shell") and signals.get("to") == "the program"
    return "the shell that starts it" if shell else "the training toolkit"


def resumed(evidence: Evidence, position: int) -> Answer:
    """Did the start at ``position`` go on from what the one before it had kept?"""
    start = evidence.starts[position]
    if start.restored == 0:
        return Answer("no", "no checkpoint had been kept")
    if start.restored_read is not None and not start.restored_read:
        files = "1 restored file" if start.restored == 1 else f"{start.restored} restored files"
        return Answer("no", f"it read none of the {files}")
    repeated = _repeated(evidence, position)
    if repeated is not None:
        return Answer("no", f"{repeated} begins with the values of the first start")
    if start.restored_read is None:
        return Answer("unknown", "which files it read cannot be seen here")
    names = ", ".join(start.restored_read[:SHOWN])
    more = len(start.restored_read) - SHOWN
    return Answer("yes", f"it read {names}" + (f" and {more} more" if more > 0 else ""))


def _repeated(evidence: Evidence, position: int) -> str | None:
    """A metric that shows that the script began again: all metrics start as they did at first, and this one varies."""
    found: str | None = None
    for name, series in evidence.metrics.items():
        ranges = [start.points.get(name, (0, 0)) for start in (evidence.starts[0], evidence.starts[position])]
        first, again = ([point.value for point in series[begin:end]] for begin, end in ranges)
        if not first or not again:
            continue
        common = min(len(first), len(again))
        if first[:common] != again[:common]:
            return None
        if len(set(first)) > 1:
            found = f"metric {name!r}"
    return found


def same_result(evidence: Evidence) -> Answer | None:
    """Is the result what an uninterrupted run gives? None where none was made to compare with."""
    found = evidence.comparison
    if not found:
        return None
    if found["status"] != "Completed" or evidence.status != "Completed":
        if found["status"] == evidence.status:
            return Answer("unknown", f"both runs ended as {evidence.status}")
        return Answer("no", f"it is {evidence.status}, and the uninterrupted run is {found['status']}")
    if any(metric["differs"] == "before" for metric in found["metrics"]):
        return Answer("unknown", "two runs of the script differ without any interruption")
    metrics = [metric["name"] for metric in found["metrics"] if metric["differs"]]
    files = [file["path"] for file in found["files"] if not file["same"] and not file["varies"]]
    if metrics or files:
        return Answer("no", "these differ: " + ", ".join([*metrics, *files][:SHOWN]))
    varying = [file["path"] for file in found["files"] if file["varies"]]
    if varying:
        return Answer("unknown", f"{varying[0]} differs between two uninterrupted runs as well")
    if not found["metrics"] and not found["files"]:
        return Answer("unknown", "there is neither a metric nor a model file to compare")
    counts = f"{len(found['metrics'])} metric series and {len(found['files'])} model files"
    return Answer("yes", f"{counts} are the same")

"""What a finished job showed beyond its findings: use, stages, interruptions, comparison; as lines and as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from cursus import interruptions
from cursus.evidence import Evidence, FileEntry, Usage
from cursus.report.plain import clean, count

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def size(number: float) -> str:
    """Bytes as people read them."""
    unit = 0
    while number >= 1024 and unit < len(UNITS) - 1:
        number /= 1024
        unit += 1
    return count(int(number), "byte") if unit == 0 else f"{number:.1f} {UNITS[unit]}"


def lines(evidence: Evidence) -> Iterator[str]:
    """The lines of a text report."""
    if evidence.isolation:
        yield f"isolation: {evidence.isolation}\n"
    for host, usage in evidence.usage.items():
        yield f"{host}: {_use(usage)}\n"
    if evidence.stages:
        yield (
            "stages: "
            + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in evidence.stages.items())
            + "\n"
        )
    written = [
        f"{_NAMES.get(place, place)}: {count(len(files), 'file')} of {size(sum(file.size for file in files))}"
        for place, files in _written(evidence).items()
        if files
    ]
    if written:
        yield "written: " + "; ".join(written) + "\n"
    yield from _interruptions(evidence)
    yield from _comparison(evidence)


def _use(usage: Usage) -> str:
    memory = f"peak {size(usage.peak_memory)} of memory" if usage.peak_memory else "memory not seen"
    return (
        f"{memory}, {usage.cpu_seconds:.1f} s of processor time, "
        f"{size(usage.disk_written)} on disk, {count(usage.open_files, 'open file')}, "
        f"{usage.wall_seconds:.1f} s (sampled every {usage.interval:g} s, {count(usage.samples, 'time')})"
    )


_NAMES = {"output": "output/data", "stray": "elsewhere, thrown away"}


def _written(evidence: Evidence) -> dict[str, Sequence[FileEntry]]:
    """What the job left, by the place."""
    return {
        "model": evidence.model_files,
        "output": evidence.output_files,
        "checkpoints": evidence.checkpoint_files,
        "stray": evidence.stray_files,
    }


def _interruptions(evidence: Evidence) -> Iterator[str]:
    for number, position in enumerate(interruptions.interrupted(evidence), 1):
        start = evidence.starts[position]
        heard = interruptions.heard(start)
        yield f"interruption {number}, after {start.seconds:.1f} s:\n"
        yield f"  did the script get the signal? {heard.verdict}: {clean(heard.reason)}\n"
        if position + 1 < len(evidence.starts):
            answer = interruptions.resumed(evidence, position + 1)
            kept = f"; {count(start.synced, 'checkpoint file')} had been kept"
            yield f"  did it resume? {answer.verdict}: {clean(answer.reason)}{kept}\n"
    if interruptions.interrupted(evidence):
        result = interruptions.same_result(evidence)
        if result is None:
            yield "  is the result that of an uninterrupted run? not known: --compare makes one\n"
        else:
            yield f"  is the result that of an uninterrupted run? {result.verdict}: {clean(result.reason)}\n"
        times = evidence.description
        if "BillableTimeInSeconds" in times:
            yield (
                f"  BillableTimeInSeconds {times['BillableTimeInSeconds']}, "
                f"TrainingTimeInSeconds {times['TrainingTimeInSeconds']}\n"
            )


def _comparison(evidence: Evidence) -> Iterator[str]:
    found = evidence.comparison
    if not found:
        return
    yield f"beside the uninterrupted run {clean(found['job'])} ({found['status']}):\n"
    for metric in found["metrics"]:
        last, other = (_number(metric[key]) for key in ("last", "last_uninterrupted"))
        verdict = f"differs ({metric['differs']})" if metric["differs"] else "same"
        yield (
            f"  metric {clean(metric['name'])}: {count(metric['values'], 'value')}, last {last}; uninterrupted: "
            f"{count(metric['values_uninterrupted'], 'value')}, last {other}: {verdict}\n"
        )
    for file in found["files"]:
        verdict = (
            "same" if file["same"] else "differs without an interruption too" if file["varies"] else "differs"
        )
        sizes = " and ".join(
            "none" if n is None else size(n) for n in (file["size"], file["size_uninterrupted"])
        )
        yield f"  model file {clean(file['path'])}: {sizes}: {verdict}\n"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def points(evidence: Evidence) -> dict[str, list[dict[str, Any]]]:
    """Every value of each metric as plain data."""
    return {name: [dataclasses.asdict(point) for point in found] for name, found in evidence.metrics.items()}


def data(evidence: Evidence) -> dict[str, Any]:
    """The same as plain JSON data."""
    result = interruptions.same_result(evidence)
    answers = [
        {
            "after_seconds": evidence.starts[position].seconds,
            "heard": interruptions.heard(evidence.starts[position])._asdict(),
            "resumed": interruptions.resumed(evidence, position + 1)._asdict()
            if position + 1 < len(evidence.starts)
            else None,
        }
        for position in interruptions.interrupted(evidence)
    ]
    return {
        "metrics": points(evidence),
        "usage": {host: dataclasses.asdict(usage) for host, usage in evidence.usage.items()},
        "stages": dict(evidence.stages),
        "opened": dict(evidence.opened),
        "fetched": dict(evidence.fetched),
        "written": {
            place: [{"path": file.path, "size": file.size} for file in files]
            for place, files in _written(evidence).items()
        },
        "starts": [dataclasses.asdict(start) for start in evidence.starts],
        "interruptions": answers,
        "same_result": None if result is None else result._asdict(),
        "comparison": dict(evidence.comparison),
    }

"""The report as one JSON document, or as a line of JSON for each finding."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cursus.redact import redact
from cursus.report.outcome import SCHEMA_VERSION, Outcome


def render(outcome: Outcome) -> Iterator[str]:
    """One document, versioned by ``schema_version``."""
    yield printed(document(outcome))


def render_lines(outcome: Outcome) -> Iterator[str]:
    """A line a test, unreadable target and finding (its ``kind`` says which), and a last one, ``summary``."""
    for target in outcome.targets:
        if target.failure:
            yield dumps({"kind": "unreadable", "target": target.target, "message": target.failure}) + "\n"
        for name, result in target.results.items():
            yield dumps({"kind": "test", "target": target.target, "name": name, **redact(result)}) + "\n"
    for record in outcome.findings():
        yield dumps({"kind": "finding", **record}) + "\n"
    yield dumps({"kind": "summary", **_head(outcome)}) + "\n"


def document(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain data. ``findings`` holds all of them; each names its target and step."""
    data = _head(outcome)
    data["sections"] = [
        {"target": target.target, "name": section.name, "operation": section.operation, "type": section.type}
        for target in outcome.targets
        if target.report
        for section in target.report.sections
    ]
    data["findings"] = list(outcome.findings())
    data["unreadable"] = [
        {"target": target.target, "message": target.failure} for target in outcome.targets if target.failure
    ]
    if outcome.command == "test":
        data["results"] = [
            {"target": target.target, **redact(dict(target.tests))}
            for target in outcome.targets
            if target.tests is not None
        ]
    data["notes"] = [*outcome.notes, *(n for t in outcome.targets if t.report for n in t.report.notes)]
    return data


def _head(outcome: Outcome) -> dict[str, Any]:
    import cursus

    return {
        "schema_version": SCHEMA_VERSION,
        "command": outcome.command,
        "ok": outcome.ok,
        "cursus": cursus.__version__,
        "service_model": outcome.service_model,
        "strict": outcome.strict,
        "summary": outcome.counts(),
    }


def printed(data: Any) -> str:
    """A document as it is printed, for people to read too."""
    return dumps(data, indent=2) + "\n"


def dumps(value: Any, indent: int | None = None) -> str:
    """JSON that every reader takes: ASCII, no NaN, and what is no JSON by its name."""
    try:
        return json.dumps(value, indent=indent, allow_nan=False, default=str)
    except (TypeError, ValueError):
        from cursus.report.json_data import plain

        return json.dumps(plain(value), indent=indent, allow_nan=False)

"""Workflow commands of GitHub Actions: each finding becomes an annotation beside the line it is about.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from cursus.report.outcome import PLACE, Outcome, Record, TargetOutcome
from cursus.report.plain import clean
from cursus.report.text import summary

LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def render(outcome: Outcome) -> Iterator[str]:
    """``::error file=…,line=…,col=…,title=…::message`` a finding, and the summary as a plain line."""
    for target in outcome.targets:
        if target.failure:
            yield f"::error {_listed(_place_of(target))}::{_data(target.named_failure)}\n"
        for name, result in target.results.items():
            if result.get("status") == "failed" and not result.get("findings"):
                text = "; ".join(map(str, result.get("errors", ()))) or "failed"
                yield f"::error title={_property(name)}::{_data(f'{target.target}: {text}')}\n"
    for record in outcome.findings():
        yield annotation(record)
    yield summary(outcome) + "\n"


def annotation(record: Record) -> str:
    """One finding as a workflow command."""
    properties = {"title": f"{record['rule']} {record['path']}".strip()}
    file = record.get("file")
    if file:
        properties["file"] = relative(file)
        if record.get("line"):
            properties["line"] = str(record["line"])
            if record.get("column"):
                properties["col"] = str(record["column"])
    place = "" if file or not record["target"] else f"{record['target']}: "
    return f"::{LEVELS[record['severity']]} {_listed(properties)}::{_data(place + sentences(record))}\n"


def sentences(record: Record) -> str:
    """What is wrong, and on a line of its own what to write instead."""
    return str(record["message"]) + (f"\n{record['remedy']}" if record.get("remedy") else "")


def _place_of(target: TargetOutcome) -> dict[str, str]:
    """The place in a file that cannot be read, where the failure begins with it: ``a.json:3:7: …``."""
    place = PLACE.match(target.failure)
    told = (
        zip(("file", "line", "col"), (relative(place[1]), *place.groups()[1:]), strict=True) if place else ()
    )
    return {"title": "unreadable", **{name: value for name, value in told if value}}


def _listed(properties: Mapping[str, str]) -> str:
    return ",".join(f"{name}={_property(value)}" for name, value in properties.items())


def relative(file: str) -> str:
    """``file`` with forward slashes, relative to the repository (in an Action), else to the current folder.

    Elsewhere it stays as it is. GitHub shows annotations and code scanning results by the repository's paths,
    wherever in it a step of a workflow works.
    """
    for folder in (os.environ.get("GITHUB_WORKSPACE"), os.curdir):
        try:
            if folder:
                whole, root = (Path(os.path.abspath(one)) for one in (file, folder))  # noqa: PTH100
                return whole.relative_to(root).as_posix()
        except (ValueError, OSError):
            continue
    return Path(file).as_posix()


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return clean(escaped)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

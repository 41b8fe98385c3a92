"""SARIF 2.1.0, for code scanning: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.

GitHub refuses a whole log in which one result has no physical location
(https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning):
what has no file stands at its target's, and what belongs to no target (``--ignore``) is a notification.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cursus.report.as_json import printed
from cursus.report.github import relative, sentences
from cursus.report.outcome import Outcome, Record

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def render(outcome: Outcome) -> Iterator[str]:
    """One log with one run."""
    yield printed(document(outcome))


def document(outcome: Outcome) -> dict[str, Any]:
    """The log as plain data."""
    import cursus

    found = list(outcome.findings())
    records = [record for record in found if _file(record)]
    ids = sorted({record["rule"] for record in records})
    index = {id: position for position, id in enumerate(ids)}
    failures = [target for target in outcome.targets if target.failure]
    run = {
        "tool": {
            "driver": {
                "name": "cursus",
                "semanticVersion": cursus.__version__,
                "rules": [_rule(id) for id in ids],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not failures,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": target.named_failure}} for target in failures
                ],
                "toolConfigurationNotifications": [
                    {"level": LEVELS[record["severity"]], "message": {"text": sentences(record)}}
                    for record in found
                    if not _file(record)
                ],
            }
        ],
        "results": [_result(record, index[record["rule"]]) for record in records],
        "properties": {"serviceModel": outcome.service_model},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(id: str) -> dict[str, Any]:
    from cursus import checks
    from cursus.checks.rules import RULES, markdown, page

    checks.load()
    rule = RULES.get(id)
    if rule is None:
        return {"id": id, "shortDescription": {"text": id}}
    shown = page(rule)
    sections = shown.sections
    help = "\n\n".join(f"{name}\n\n{body}" for name, body in sections.items())
    written = "\n\n".join(
        f"## {name}\n\n" + (f"```yaml\n{body}\n```" if name in ("Breaks", "Right") else markdown(body))
        for name, body in sections.items()
    )
    return {
        "id": id,
        "shortDescription": {"text": shown.title},
        "fullDescription": {"text": sections["What it does"]},
        "help": {"text": help, "markdown": written},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": [rule.area]},
    }


def _result(record: Record, index: int) -> dict[str, Any]:
    identity = "\0".join((record["rule"], record["target"], record["step"], record["path"]))
    return {
        "ruleId": record["rule"],
        "ruleIndex": index,
        "level": LEVELS[record["severity"]],
        "message": {"text": sentences(record)},
        "locations": [_location(record)],
        "partialFingerprints": {"place/v1": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()},
    }


def _file(record: Record) -> str:
    """The finding's file, else that of its target; a target that is none stands for itself."""
    target: str = record["target"]
    path, _, _ = target.rpartition(":")
    return record.get("file") or (path if path.endswith(".py") else target)


def _location(record: Record) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(_file(record))}}
    if record.get("file") and record.get("line"):
        region = {"startLine": record["line"]}
        if record.get("column"):
            region["startColumn"] = record["column"]
        place["region"] = region
    name = ".".join(part for part in (record["step"], record["path"]) if part) or record["target"]
    return {"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": name, "kind": "member"}]}


def _uri(file: str) -> str:
    near = relative(file)
    try:
        encoded = near.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no file name, but a text can be made to look like one
        encoded = near.encode("utf-8", "backslashreplace")
    if Path(near).is_absolute():
        return "file://" + quote(encoded)
    uri = quote(encoded)
    return f"./{uri}" if ":" in uri.partition("/")[0] else uri

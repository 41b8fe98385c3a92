"""What a command found, target by target: the one thing that every format reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cursus.model import Report
from cursus.redact import redact

SCHEMA_VERSION = 1
"""Of the JSON that cursus writes. A key never changes its meaning within a version."""

PLACE = re.compile(r"([^:\n]+\.(?:json|ya?ml|toml)):(?:(\d+):(?:(\d+):)?)? ")
"""What the failure of a file that cannot be read begins with: the file, and where the line and the column are known."""

Record = dict[str, Any]
"""A finding as plain data (``Finding.to_dict``), with ``target`` beside it."""


class TargetOutcome(NamedTuple):
    """One target: its report, or its Level 4 results, or why it could not be read.

    ``tests`` is what ``run_all_tests`` returns. ``failure`` is a plain sentence; ``readable``: the target was
    read, and there was nothing in it to look at; ``bug``: we failed, not the target.
    """

    target: str
    report: Report | None = None
    tests: Mapping[str, Any] | None = None
    failure: str = ""
    readable: bool = False
    bug: bool = False

    def findings(self) -> Iterator[Record]:
        """Every finding on the target, with no secret in it."""
        if self.report is not None:
            for finding in self.report.findings:
                yield clean_record(finding.to_dict(), self.target)
        if self.tests is not None:
            for found in self.tests.get("findings", ()):
                yield clean_record(dict(found), self.target)

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """What became of each Level 4 test, by its name."""
        return dict((self.tests or {}).get("tests", {}))

    @property
    def named_failure(self) -> str:
        """The failure as a sentence that names the target, once."""
        return self.failure if self.failure.startswith(self.target) else f"{self.target}: {self.failure}"

    @property
    def placed_failure(self) -> tuple[str, str]:
        """Where it failed, ``a.json:3:7`` or the target, and the sentence behind that."""
        named = re.escape("<stdin>" if self.target == "-" else self.target)
        place = PLACE.match(self.failure) or re.match(rf"{named}(:\d+){{0,2}}: ", self.failure)
        if place is None:
            return self.target, self.failure.removeprefix(f"{self.target}: ")
        return place[0][:-2], self.failure[place.end() :]

    @property
    def passed(self) -> bool:
        """True where the target was read, and nothing failed."""
        if self.failure:
            return False
        if self.tests is not None:
            return bool(self.tests.get("all_tests_passed"))
        return self.report is not None and self.report.ok


def verdict_of(result: Mapping[str, Any]) -> str:
    """What became of a Level 4 test: its status, or ``expected`` or ``unexpected`` where it was known to fail."""
    return str(result.get("expectation") or result.get("status"))


def beside_findings(result: Mapping[str, Any], kind: str) -> list[str]:
    """The errors or warnings (``kind``) of a Level 4 test that none of its findings tells."""
    told = tuple(f"{one['rule']}: {one['message']}" for one in result.get("findings") or ())
    return [text for text in map(str, result.get(kind) or ()) if not text.startswith(told)]


def reason_of(result: Mapping[str, Any]) -> str:
    """Why a Level 4 test was skipped, or why its failure is expected; empty where neither is so."""
    return str(result.get("expected_reason") or (result.get("details") or {}).get("skipped") or "")


def clean_record(found: Record, target: str) -> Record:
    """A finding with its target, and with no secret in its sentences."""
    found["message"] = redact(found.get("message") or "")
    found["remedy"] = redact(found.get("remedy") or "")
    found["target"] = target
    return found


class Outcome(NamedTuple):
    """All targets of one command, and what was said about the command itself.

    ``command`` is ``check`` or ``test``; ``extra`` are findings on the configuration; ``live``: a table of
    the tests was shown already.
    """

    command: str
    targets: tuple[TargetOutcome, ...]
    extra: tuple[Record, ...] = ()
    notes: tuple[str, ...] = ()
    service_model: str = ""
    strict: bool = False
    live: bool = False

    def findings(self) -> Iterator[Record]:
        """Every finding on every target, then those on the configuration."""
        for target in self.targets:
            yield from target.findings()
        yield from self.extra

    @property
    def bad(self) -> tuple[str, ...]:
        """The severities that fail."""
        return ("error", "warning") if self.strict else ("error",)

    @property
    def ok(self) -> bool:
        """True where every target passed (with ``strict``: without a warning)."""
        return all(target.passed for target in self.targets) and not any(
            found["severity"] in self.bad for found in self.extra
        )

    @property
    def all_read(self) -> bool:
        """True where every target could be read."""
        return not any(target.failure and not target.readable for target in self.targets)

    def counts(self) -> dict[str, int]:
        """Findings by severity, and targets by what became of them."""
        counts = {"error": 0, "warning": 0, "info": 0}
        for found in self.findings():
            counts[found["severity"]] = counts.get(found["severity"], 0) + 1
        return {
            "errors": counts["error"],
            "warnings": counts["warning"],
            "infos": counts["info"],
            "targets": len({target.target for target in self.targets}),
            "steps": sum(s.type != "Pipeline" for t in self.targets if t.report for s in t.report.sections),
            "unreadable": sum(bool(t.failure and not t.readable) for t in self.targets),
        }

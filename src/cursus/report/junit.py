"""JUnit XML, as CI systems read it: a suite a target, a case a step or Level 4 test.

There is no standard; this keeps to what https://github.com/testmoapp/junitxml describes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cursus.model import Section
from cursus.redact import redact
from cursus.report.outcome import Outcome, Record, TargetOutcome, reason_of
from cursus.report.plain import Style
from cursus.report.text import finding

Case = tuple[str, str]
"""A step's name, and the file with its findings where several steps are called so."""
COUNTED = ("tests", "failures", "errors", "skipped")
_ILLEGAL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(outcome: Outcome) -> Iterator[str]:
    """The document; characters that XML cannot hold are written out."""
    suites = [_Suite(target, outcome.bad) for target in outcome.targets]
    if outcome.extra:
        suites.append(_Suite.of("cursus configuration", {("ignores", ""): list(outcome.extra)}, outcome.bad))
    totals = {name: sum(suite.totals[name] for suite in suites) for name in COUNTED}
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<testsuites{attributes({'name': f'cursus {outcome.command}', **totals})}>\n"
    for suite in suites:
        yield from suite.lines()
    yield "</testsuites>\n"


class _Suite:
    """The cases of one target, and how many of them went which way."""

    def __init__(self, target: TargetOutcome, bad: Iterable[str]) -> None:
        self.name = target.target
        self.totals = dict.fromkeys(COUNTED, 0)
        self.cases: list[str] = []
        if target.failure:
            self.totals["errors"] += 1
            self._case(target.target, 0.0, [_element("error", target.failure, target.failure)])
        elif target.tests is not None:
            for name, result in target.results.items():
                self._test(name, result)
        elif target.report is not None:
            self._groups(_by_step(target.report.sections, target.findings()), bad)

    @classmethod
    def of(cls, name: str, groups: Mapping[Case, list[Record]], bad: Iterable[str]) -> _Suite:
        suite = cls(TargetOutcome(name), bad)
        suite._groups(groups, bad)
        return suite

    def _groups(self, groups: Mapping[Case, list[Record]], bad: Iterable[str]) -> None:
        for (name, _), records in groups.items():
            failing = [record for record in records if record["severity"] in bad]
            rest = [record for record in records if record not in failing]
            parts = []
            if failing:
                self.totals["failures"] += 1
                message = f"{failing[0]['rule']}: {failing[0]['message']}"
                parts.append(_element("failure", message, _lines(failing)))
            if rest:
                parts.append(f"<system-out>{escape(_lines(rest))}</system-out>")
            self._case(name, 0.0, parts)

    def _test(self, name: str, result: Mapping[str, Any]) -> None:
        parts = []
        expectation = result.get("expectation")
        if result.get("status") == "skipped" or expectation == "expected":
            self.totals["skipped"] += 1
            reason = reason_of(result)
            parts.append(f"<skipped{attributes({'message': redact(reason)})}/>")
        elif result.get("status") == "failed" or expectation == "unexpected":
            self.totals["failures"] += 1
            errors = [redact(str(error)) for error in result.get("errors", ())] or ["failed"]
            records = [{"target": self.name, **record} for record in result.get("findings", ())]
            parts.append(_element("failure", errors[0], redact(_lines(records)) or "\n".join(errors)))
        if result.get("warnings"):
            text = "\n".join(redact(str(warning)) for warning in result["warnings"])
            parts.append(f"<system-out>{escape(text)}</system-out>")
        self._case(name, float(result.get("duration_seconds") or 0.0), parts)

    def _case(self, name: str, seconds: float, parts: list[str]) -> None:
        head = attributes({"name": name or self.name, "classname": self.name, "time": f"{seconds:.3f}"})
        body = "".join(f"      {part}\n" for part in parts)
        self.totals["tests"] += 1
        self.cases.append(
            f"    <testcase{head}>\n{body}    </testcase>\n" if parts else f"    <testcase{head}/>\n"
        )

    def lines(self) -> Iterator[str]:
        yield f"  <testsuite{attributes({'name': self.name, **self.totals})}>\n"
        yield from self.cases
        yield "  </testsuite>\n"


def _by_step(sections: Iterable[Section], records: Iterable[Record]) -> dict[Case, list[Record]]:
    """The findings of each step. Those of files whose steps are called the same are told apart by the files."""
    steps = Counter(section.name for section in sections)
    found: dict[str, dict[str, list[Record]]] = {name: {} for name in steps}
    for record in records:
        name = record["step"]
        file = str(record.get("file") or "") if steps[name] > 1 else ""
        found.setdefault(name, {}).setdefault(file, []).append(record)
    for name, number in steps.items():
        for i in range(len(found[name]), number):
            found[name][str(i)] = []
    return {(name, file): group for name, files in found.items() for file, group in files.items()}


def _lines(records: Iterable[Record]) -> str:
    style = Style(False)
    return "".join(line for record in records for line in finding(record, style))


def _element(tag: str, message: str, text: str) -> str:
    return f"<{tag}{attributes({'message': message})}>{escape(text)}</{tag}>"


def escape(text: str) -> str:
    """``text`` for XML: markup escaped, characters that XML 1.0 forbids written as ``\\x1b``."""
    text = _ILLEGAL.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def attributes(values: Mapping[str, object]) -> str:
    """Attributes, each with a leading space."""
    escapes = str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})
    return "".join(f' {name}="{escape(str(value)).translate(escapes)}"' for name, value in values.items())

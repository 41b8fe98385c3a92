"""The nine tests as a generator: what consoles, reports and the pytest plugin listen to.

Each test is a view on the findings of its area. It failed where there is an error among them, it was
skipped where it had nothing to look at, and it passed otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from cursus.model import Finding
from cursus.redact import redact
from cursus.report.json_data import plain
from cursus.validation.builders.details import tell
from cursus.validation.builders.results import BY_NAME, TESTS, LevelFourTest, Result, result, spell
from cursus.validation.builders.subject import UNSELECTED, nothing_to_look_at
from cursus.validation.builders.trial import Trial


def run_test(trial: Trial, test: LevelFourTest) -> Result:
    """Run one of the nine tests."""
    began = time.perf_counter()
    told = tell(trial, test.area)
    findings = trial.findings_in(test.area)
    bad = ("error", "warning") if trial.settings.strict else ("error",)
    errors = [spell(finding) for finding in findings if finding.severity in bad]
    warnings = [spell(finding) for finding in findings if finding.severity == "warning"]
    # What another area's test says of the request is said there, once.
    elsewhere = [finding for finding in trial.static if finding.area != "step"]
    skipped = nothing_to_look_at(trial, test.area)
    if skipped != UNSELECTED:
        errors.extend(_unsaid(told.errors, [*findings, *elsewhere]))
    return result(
        test,
        details=told.details,
        errors=errors,
        # A warning of another area stands in that area's test.
        warnings=[*warnings, *_unsaid(told.warnings, trial.static)],
        findings=findings,
        skipped=skipped,
        seconds=time.perf_counter() - began,
    )


def _unsaid(messages: Iterable[str], findings: Iterable[Finding]) -> list[str]:
    """What helpers found beyond the findings of the test."""
    said = {spell(finding) for finding in findings}
    return [message for message in messages if message not in said]


def run_tests(trial: Trial, tests: Iterable[str] | None = None) -> Iterator[Result]:
    """Run the nine tests, or those named, on a trial, and yield the result of each as it ends.

    Raises:
        KeyError: a name in ``tests`` is none of the nine.
    """
    for test in TESTS if tests is None else [BY_NAME[name] for name in tests]:
        yield run_test(trial, test)


def summarise(trial: Trial, results: Iterable[Result]) -> dict[str, Any]:
    """The dict of a whole run: verdict, results by test name in order, summary, and every finding."""
    tests = {one["test_name"]: one for one in results}
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for one in tests.values():
        counts[one["status"]] += 1
    created = tests.get(TESTS[0].name)
    step = trial.step
    found = list(dict.fromkeys(trial.findings)) if step is not None else []
    return {
        "all_tests_passed": counts["failed"] == 0 and created is not None and created["passed"] is True,
        "step_type": step.type if step is not None else None,
        "step_name": trial.name,
        "tests": tests,
        "summary": {
            "total": len(tests),
            **counts,
            "errors": sum(finding.severity == "error" for finding in found),
            "warnings": sum(finding.severity == "warning" for finding in found),
            "duration_seconds": round(sum(one["duration_seconds"] for one in tests.values()), 6),
        },
        "findings": [redact(plain(finding.to_dict())) for finding in found],
    }

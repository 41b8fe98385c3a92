"""Every constraint of the service model, broken one at a time, is reported at its place, and nothing else."""

from __future__ import annotations

from collections import Counter

import pytest

from cursus import engine
from cursus.aws import schema
from cursus.checks.views import Settings
from cursus.model import Finding, Step
from tests.aws.constraints import OPERATIONS, Case, cases

AT_LEAST = {
    "CreateTrainingJob": 380,
    "CreateHyperParameterTuningJob": 800,
    "CreateAutoMLJob": 110,
    "CreateAutoMLJobV2": 220,
}


def findings(case: Case, request: dict[str, object]) -> list[Finding]:
    return engine.check_step(Step("case", case.operation, request), Settings())


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_constraint_is_seen_and_nothing_else(operation: str) -> None:
    wrong: list[str] = []
    count = 0
    for case in cases(operation):
        count += 1
        assert schema.validate(operation, case.sound) == [], case
        new = case.reported()
        if new != case.expected:
            wrong.append(f"{case}: {dict(new)}")
    assert wrong == []
    assert count >= AT_LEAST[operation]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_generator_breaks_each_kind_of_constraint(operation: str) -> None:
    kinds = Counter(case.kind for case in cases(operation))
    assert {"required", "unknown", "type", "enum", "pattern", "length", "range", "count"} <= set(kinds)
    assert ("union" in kinds) == (operation == "CreateAutoMLJobV2")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_messages_and_remedies_are_sentences(operation: str) -> None:
    for case in cases(operation):
        for finding in findings(case, case.broken):
            assert finding.message, case
            if finding.rule.startswith("STP00"):
                assert finding.remedy, case
                assert "None" not in finding.remedy.replace("'None'", "").replace("None,", "").replace(
                    ", None", ""
                ), (case, finding.remedy)

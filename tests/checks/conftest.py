"""What the tests of rules share: a request made of a base and a patch, and what the engine finds in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cursus import engine
from cursus.checks.examples import BASES, merge
from cursus.checks.views import Settings
from cursus.model import Finding, Promises, Step

FindingsOf = Callable[..., list[Finding]]


@pytest.fixture
def findings_of() -> FindingsOf:
    """``findings_of(patch, rule=None, operation=…)``: the findings, of one rule where it is named."""

    def check(
        patch: dict[str, Any],
        rule: str | None = None,
        operation: str = "CreateTrainingJob",
        promises: Promises | None = None,
        region: str | None = None,
    ) -> list[Finding]:
        step = Step(
            name="test",
            operation=operation,
            request=merge(BASES[operation], patch),
            promises=promises or Promises(),
            region=region,
        )
        found = engine.check_step(step, Settings(region=region))
        return [finding for finding in found if rule is None or finding.rule == rule]

    return check

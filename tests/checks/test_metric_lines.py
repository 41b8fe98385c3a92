"""Regular expressions that might be searched for without end are compared with no line."""

from __future__ import annotations

import pytest

from cursus.checks.monitoring.lines import compiled


@pytest.mark.parametrize(
    "regex", ["^(a+)+$", r"(\w+\s?)*x=([0-9.]+)", "(.*)*=([0-9.]+)", "(x+x+)+y([0-9]+)", "(?:aa|a)*b"]
)
def test_nested_repetitions_are_left_alone(regex: str) -> None:
    assert compiled(regex) is None


@pytest.mark.parametrize(
    "regex",
    ["loss=([0-9.]+)", r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)", r".*acc: (\d+)", "(?:train|val)=(.*)"],
)
def test_others_are_read(regex: str) -> None:
    assert compiled(regex) is not None

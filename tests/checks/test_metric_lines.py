"""Regular expressions that might be searched for without end are compared with no line."""

from __future__ import annotations

import re

import pytest

from cursus.checks.monitoring.lines import can_match, compiled
from cursus.model import Location
from cursus.script.facts import Hole, PrintedLine, Text


@pytest.mark.parametrize(
    "regex",
    [
        "^(a+)+$",
        r"(\w+\s?)*x=([0-9.]+)",
        "(.*)*=([0-9.]+)",
        "(x+x+)+y([0-9]+)",
        "(?:aa|a)*b",
        r"(.*)(.*)(.*)(.*)(.*)=([0-9])",
        "(a?){60}a{60}",
        "a*a*a*a*a*a*b",
        ".*a.*a.*a.*a.*a.*=([0-9])",
    ],
)
def test_nested_repetitions_are_left_alone(regex: str) -> None:
    assert compiled(regex) is None


@pytest.mark.parametrize(
    "regex",
    [
        "loss=([0-9.]+)",
        r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)",
        r".*acc: (\d+)",
        "(?:train|val)=(.*)",
        r"loss:\s*([0-9]*\.?[0-9]*)\s*.*",
        ".*epoch.*loss: (.*), acc: .*, val_loss: .*",
        r"\d+-\d+-\d+ \d+:\d+:\d+ .*loss=(\S+);",
        r"\[\d+\]#011validation-auc:(\d+\.\d+)",
    ],
)
def test_others_are_read(regex: str) -> None:
    assert compiled(regex) is not None


def test_a_line_of_many_unknown_pieces_may_be_any() -> None:
    pieces = tuple(part for name in "abcdefghij" for part in (Hole(name=name), "e"))
    line = PrintedLine(Text((*pieces, "!")), "", Location("train.py"))
    regex = "e" * 150 + "=([0-9.]+)"
    assert can_match(line, regex, re.compile(regex))

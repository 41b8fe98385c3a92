"""The nearest of the names that would have been right."""

from __future__ import annotations

import difflib
from typing import Any

import pytest

from cursus.suggest import closest, did_you_mean

NAMES = [f"Train{number}" for number in range(500)] + [
    "Evaluate",
    "RegisterModel",
    "SplitData",
    "ResourceConfig",
]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Trian421", "Train421"),
        ("train-421", "Train421"),
        ("Evalaute", "Evaluate"),
        ("egisterModel", "RegisterModel"),
        ("SplitDat", "SplitData"),
        ("Resource_Conf", "ResourceConfig"),
        ("Deploy", None),
    ],
)
def test_the_nearest_of_many_is_found_by_few_comparisons(
    word: str, meant: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    whole = difflib.get_close_matches

    def counted(word: str, options: Any, **more: Any) -> list[str]:
        compared.append(len(options))
        return whole(word, options, **more)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    assert closest(word, NAMES) == meant
    assert sum(compared) < 50


@pytest.mark.parametrize(
    ("word", "options", "meant"),
    [
        ("CHN0O1", [f"CHN0{number:02}" for number in range(100)], "CHN001"),
        ("Log", ["Linear", "Logarithmic", "ReverseLogarithmic"], "Logarithmic"),
        ("Log", ["LogLoss", "Logarithmic"], None),
        ("scr", ["src", "data"], "src"),
        ("lo", ["logs", "data"], None),
    ],
)
def test_a_beginning_or_letters_exchanged_are_enough_for_a_hint(
    word: str, options: list[str], meant: str | None
) -> None:
    assert did_you_mean(word, options) == (f" Did you mean {meant!r}?" if meant else "")

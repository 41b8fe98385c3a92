"""The nearest of the names that would have been right."""

from __future__ import annotations

import difflib
from typing import Any

import pytest

from cursus.suggest import closest

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

"""What the names of metrics tell."""

from __future__ import annotations

import pytest

from cursus.aws.metrics import direction_of, words_of


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("validation:logLoss", {"validation", "log", "loss"}),
        ("val_F1Score", {"val", "f1", "score"}),
        ("MSELoss", {"mse", "loss"}),
        ("", set()),
    ],
)
def test_words(name: str, words: set[str]) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("val_loss", "Minimize"),
        ("train:losses", "Minimize"),
        ("validation:f1", "Maximize"),
        ("accuracy_loss", None),
        ("blossom", None),
    ],
)
def test_direction(name: str, direction: str | None) -> None:
    assert direction_of(name) == direction

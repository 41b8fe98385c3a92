"""What the name of a metric tells of it."""

from __future__ import annotations

import re
from collections.abc import Set
from functools import lru_cache

from cursus.aws.tables import table

_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def words_of(name: str) -> frozenset[str]:
    """The words in a name, in lower case: ``validation:logLoss`` has three, ``MSELoss`` has two."""
    return frozenset(word.lower() for word in _WORD.findall(name))


def better(words: Set[str]) -> str | None:
    """``Minimize`` or ``Maximize``, whichever makes a metric of these words better; None where they do not say."""
    lower = not words.isdisjoint(table("tuning")["better_when_lower"])
    higher = not words.isdisjoint(table("tuning")["better_when_higher"])
    if lower == higher:
        return None
    return "Minimize" if lower else "Maximize"


@lru_cache(maxsize=1024)
def direction_of(name: str) -> str | None:
    """Which way is better for a metric of this name, or None where the name does not say."""
    return better(words_of(name))

"""What a file is read into: one document, with the place of every value, and what was odd about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cursus.model import Finding, Location, Origin, Path

MAX_DEPTH = 200
"""Deeper than any request or definition; below what recursion in Python can hold."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file: its data, the place of every value in it, and what was odd about it."""

    path: str
    data: Any
    origins: Mapping[Path, Origin] = field(default_factory=dict)
    problems: tuple[Finding, ...] = ()


def duplicate_key(key: str, path: str, location: Location, first: int) -> Finding:
    """The finding on a key that stands twice in one mapping."""
    return Finding(
        rule="STP095",
        severity="error",
        message=f"the key {key!r} stands twice in one mapping (first in line {first}); only the last counts",
        path=path,
        remedy="Remove one of the two.",
        area="step",
        location=location,
    )

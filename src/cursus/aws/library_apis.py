"""Names and arguments of libraries that only some of their versions have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from cursus.aws.images import order
from cursus.aws.tables import table


def lacking(name: str, versions: tuple[str, str]) -> tuple[str, str]:
    """The part of a dotted name that none of these versions has, and which have it, in words; both empty elsewhere.

    A module ends with a dot. ``versions`` are the lowest and the highest that it may be.
    """
    known = _library(name)
    parts = name.rstrip(".").split(".")
    for number in range(2, len(parts) + 1):
        above = ".".join(parts[:number])
        for one in (f"{above}.", above):
            span = known["names"].get(one)
            told = _outside(span, known["versions"], versions) if span is not None else ""
            if told:
                return one.rstrip("."), told
    return "", ""


def refused(function: str, words: Sequence[str], versions: tuple[str, str]) -> tuple[str, str]:
    """The first argument that a function takes in none of these versions, and in which it does, in words."""
    known = _library(function)
    spans = known["words"].get(function, {})
    for word in words:
        told = _outside(spans[word], known["versions"], versions) if word in spans else ""
        if told:
            return word, told
    return "", ""


@cache
def last_names() -> frozenset[str]:
    """The last parts of all names that are known to have gone or to have come."""
    removed = (name for entry in table("removals")["names"] for name in entry["names"])
    spans = (name for one in table("apis")["libraries"].values() for name in one["names"])
    return frozenset(name.rstrip(".").rpartition(".")[2] for names in (removed, spans) for name in names)


def _library(name: str) -> Mapping[str, Any]:
    nothing: Mapping[str, Any] = {"versions": [], "names": {}, "words": {}}
    found: Mapping[str, Any] = table("apis")["libraries"].get(name.partition(".")[0], nothing)
    return found


def _outside(span: Sequence[str], known: Sequence[str], versions: tuple[str, str]) -> str:
    """Which versions have something, where these surely do not: those between two that are known may be either."""
    first, last = span
    low, high = map(order, versions)
    if last and low >= order(known[known.index(last) + 1]):
        return f"versions up to {last} have it"
    if first and high <= order(known[known.index(first) - 1]):
        return f"versions from {first} on have it"
    return ""

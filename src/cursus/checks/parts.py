"""What rules say of one part of a training job, such as the image or the instances, remembered by that part.

A rule that names its part (``of`` in ``rules.rule``) is run on a job that has nothing but these members, so that
it cannot look at anything else. A job unlike any before mostly has an image and instances that others had.
"""

from __future__ import annotations

from collections.abc import Iterator
from sys import getsizeof
from typing import Any

from cursus.checks.outline import Outline
from cursus.checks.rules import Problem, Rule
from cursus.checks.skeletons import Skeleton
from cursus.checks.views import Settings, TrainingView
from cursus.model import Step

MAX_KNOWN = 4096
MAX_BYTES = 4096
"""Size of the values of the largest part that is remembered."""

MAX_MET = 16_384

Known = tuple[tuple[Rule, Problem], ...]


class Part:
    """Rules that look at the same ``members`` of a training job definition."""

    __slots__ = ("members", "rules")

    def __init__(self, members: tuple[str, ...], rules: tuple[Rule, ...]) -> None:
        self.members = members
        self.rules = rules

    def said(self, skeleton: Skeleton, outline: Outline, step: Step, settings: Settings) -> Known | None:
        """What the rules say of this part of a job with that outline; None at its first sight."""
        closed = outline.closed
        values = tuple([closed[index] for index in skeleton.indexes(self.members)])
        key = (self, skeleton, values, settings.region or step.region, settings.allow, step.in_pipeline)
        found = _KNOWN.get(key)
        if found is not None:
            return found
        number = hash(key)
        if number not in _MET:
            if len(_MET) >= MAX_MET:
                _MET.clear()
            _MET.add(number)
            return None
        found = tuple(self._run(outline, step, settings))
        if sum(map(getsizeof, values)) <= MAX_BYTES:
            if len(_KNOWN) >= MAX_KNOWN:
                _KNOWN.clear()
            _KNOWN[key] = found
        return found

    def _run(self, outline: Outline, step: Step, settings: Settings) -> Iterator[tuple[Rule, Problem]]:
        whole = outline.request()
        request = {member: whole[member] for member in self.members if member in whole}
        alone = Step("", step.operation, request, in_pipeline=step.in_pipeline, region=step.region)
        view = TrainingView(alone, request, (), settings)
        for rule in self.rules:
            for problem in rule.check(view):
                yield rule, problem


_KNOWN: dict[tuple[Any, ...], Known] = {}
_MET: set[int] = set()  # hashes of the keys of parts that were met


def forget() -> None:
    """Drop what is remembered of parts."""
    _KNOWN.clear()
    _MET.clear()


def of_rules(rules: tuple[Rule, ...]) -> tuple[Part, ...]:
    """The parts that these rules look at; the rules that name none are left out."""
    found: dict[tuple[str, ...], list[Rule]] = {}
    for rule in rules:
        if rule.of:
            found.setdefault(rule.of, []).append(rule)
    return tuple(Part(members, tuple(chosen)) for members, chosen in found.items())

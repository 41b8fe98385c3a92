"""A rule on one part of a job (``of``) looks at nothing else: whatever job it is given, it reads no other member."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cursus.checks import load
from cursus.checks.outlines.parts import IN_DEFINITIONS, KEPT
from cursus.checks.rules import RULES
from cursus.checks.views import TrainingView, request_views
from tests.checks.test_remembered import jobs_of_examples

DEFINITION = "TrainingJobDefinition"
ABOVE = frozenset({DEFINITION, "TrainingJobDefinitions"})
"""Members that hold jobs: their names are looked at to find the parts."""


class Read(dict[Any, Any]):
    """A mapping that notes what is looked up in it: its own members by name, or the member that it lies in."""

    def __init__(self, members: dict[Any, Any], noted: set[Any], head: Any = None) -> None:
        self.noted, self.head = noted, head
        super().__init__({name: tracked(value, noted, head or name) for name, value in members.items()})

    def note(self, name: Any) -> None:
        if self.head or not isinstance(dict.get(self, name), (Read, ReadList)):
            self.noted.add(self.head or name)

    def __getitem__(self, name: Any) -> Any:
        self.note(name)
        return dict.__getitem__(self, name)

    def get(self, name: Any, default: Any = None) -> Any:
        self.note(name)
        return dict.get(self, name, default)

    def __contains__(self, name: Any) -> bool:
        self.noted.add(self.head or name)
        return dict.__contains__(self, name)

    def __iter__(self) -> Iterator[Any]:
        self.noted.update({self.head} if self.head else self.keys())
        return dict.__iter__(self)

    def items(self) -> Any:
        self.noted.update({self.head} if self.head else self.keys())
        return dict.items(self)


class ReadList(list[Any]):
    """The same for a list."""

    def __init__(self, items: list[Any], noted: set[Any], head: Any) -> None:
        self.noted, self.head = noted, head
        super().__init__(tracked(item, noted, head) for item in items)

    def __iter__(self) -> Iterator[Any]:
        self.noted.add(self.head)
        return list.__iter__(self)


class NotingImage(TrainingView):
    """A view that notes who asks for the image, which each has from the beginning."""

    @property
    def image(self) -> str | None:  # type: ignore[override]
        algorithm = self.algorithm
        if isinstance(algorithm, Read):
            algorithm.noted.add("AlgorithmSpecification")
        found = self.__dict__["image"]
        return found if isinstance(found, str) else None


def tracked(value: Any, noted: set[Any], head: Any) -> Any:
    if isinstance(value, dict):
        return Read(value, noted, None if head == DEFINITION else head)
    return ReadList(value, noted, head) if isinstance(value, list) else value


@pytest.mark.parametrize("scope", ["training", "tuning", "automl"])
def test_a_rule_on_a_part_reads_no_other(scope: str, tmp_path: pathlib.Path) -> None:
    load("training")
    jobs = [(step, settings) for step, settings in jobs_of_examples(tmp_path) if step.source is None]
    rules = [rule for rule in RULES.values() if rule.of and rule.scope == scope]
    assert rules
    elsewhere: dict[str, set[Any]] = {}
    for rule in rules:
        allowed = {
            *rule.of,
            *(also for name in rule.of for also in IN_DEFINITIONS.get(name, ())),
            KEPT,
            *ABOVE,
        }
        for step, settings in jobs:
            if "TrainingJobDefinitions" in step.request:  # is looked at as a whole
                continue
            noted: set[Any] = set()
            seen = replace(step, request=Read(dict(step.request), noted))
            for kind, view in request_views(seen, settings):
                if kind == scope:
                    for job in (view, *getattr(view, "definitions", ())):
                        if isinstance(job, TrainingView):
                            member = job.hyperparameters_member
                            job.hyperparameters = Read(dict(job.hyperparameters), noted, member)
                            job.__class__ = NotingImage
                    noted.clear()  # what every view reads of its job to begin with
                    list(rule.check(view))
                    if noted - allowed:
                        elsewhere.setdefault(rule.id, set()).update(noted - allowed)
    assert not elsewhere

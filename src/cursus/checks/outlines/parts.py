"""What rules say of one part of a job, such as the image or the instances, remembered by that part.

A rule that names its part (``of`` in ``rules.rule``) is run on a job that has nothing but these members, so that
it cannot look at anything else. A job unlike any before mostly has an image and instances that others had. In a tuning
job with one definition the members of a part are its own and the definition's.
"""

from __future__ import annotations

from functools import lru_cache
from sys import getsizeof
from typing import Any

from cursus.checks.outlines.outline import Outline
from cursus.checks.outlines.skeletons import Skeleton
from cursus.checks.rules import Problem, Rule
from cursus.checks.views import Settings, request_views
from cursus.model import Step

MAX_KNOWN = 4096
MAX_BYTES = 4096
"""Size of the values of the largest part that is remembered."""

MAX_MET = 16_384

Known = tuple[tuple[Rule, Problem], ...]


IN_DEFINITIONS = {
    "HyperParameters": (
        "StaticHyperParameters",
        "HyperParameterRanges",
        "HyperParameterTuningJobConfig",
        "Autotune",
    ),
    "ResourceConfig": ("HyperParameterTuningResourceConfig",),
}
"""What definitions of a tuning job have for members of a training job, and what may tune these."""
KEPT = "RoleArn"
"""A member that all definitions have, and no rule on parts looks at: a job of one part has it too."""


class Part:
    """Rules that look at the same ``members`` of a job."""

    __slots__ = ("members", "rules", "unless")

    def __init__(self, members: tuple[str, ...], rules: tuple[Rule, ...]) -> None:
        self.members = (*members, *(also for name in members for also in IN_DEFINITIONS.get(name, ())))
        self.rules = rules
        self.unless = frozenset(each for rule in rules for each in rule.unless)

    def said(
        self, view: Any, skeleton: Skeleton, outline: Outline, step: Step, settings: Settings
    ) -> Known | None:
        """What the rules say of this part of a job with that outline; None at its first sight, or where none can."""
        if "TrainingJobDefinitions" in step.request:  # a part of which one?
            return None
        closed = outline.closed
        inside, indexes = skeleton.within(self.members)
        values = tuple([closed[index] for index in indexes])
        where = settings.region or step.region
        key = (self, inside, values, step.operation, where, settings.allow, step.in_pipeline)
        found = _KNOWN.get(key)
        if found is not None:
            return found
        number = hash(key)
        if number not in _MET:
            if len(_MET) >= MAX_MET:
                _MET.clear()
            _MET.add(number)
            return None
        alone = self._alone(view, outline, step, settings)
        if alone is None:
            return None
        found = tuple([(rule, problem) for rule in self.rules for problem in rule.check(alone)])
        if sum(map(getsizeof, values)) <= MAX_BYTES:
            if len(_KNOWN) >= MAX_KNOWN:
                _KNOWN.clear()
            _KNOWN[key] = found
        return found

    def _alone(self, view: Any, outline: Outline, step: Step, settings: Settings) -> Any:
        """The same view of a request that has nothing but this part; None where there is none."""
        whole = outline.request()
        definition = whole.get("TrainingJobDefinition")
        request = self._of(whole)
        if definition is not None:
            request["TrainingJobDefinition"] = self._of(definition)
        alone = Step("", step.operation, request, in_pipeline=step.in_pipeline, region=step.region)
        return next((v for _, v in request_views(alone, settings) if v.path == view.path), None)

    def _of(self, job: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in job.items() if name in self.members or name == KEPT}


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
    return tuple([_part(members, tuple(chosen)) for members, chosen in found.items()])


@lru_cache(maxsize=1024)
def _part(members: tuple[str, ...], rules: tuple[Rule, ...]) -> Part:
    return Part(members, rules)

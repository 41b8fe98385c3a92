"""What rules say of the parts that many jobs share, remembered from one job to the next.

The jobs of a team differ in their names, data and hyperparameters, and hardly in their images, instances and time
limits. A rule that is ``shared`` is given a view that holds nothing but those members (``rules.SHARED``), so that
what it says can depend on nothing else, and the same members have the same outcome.
"""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from typing import Any

from cursus.checks.rules import SHARED, Problem, Rule
from cursus.checks.views import TrainingView, TuningView
from cursus.model import Step

Outcome = tuple[tuple[Rule, Problem], ...]

MAX_ENTRIES = 4096
MAX_BYTES = 8192
_OUTCOMES: dict[tuple[Any, ...], Outcome] = {}
_NO_TUNING = TuningView(Step("", "CreateHyperParameterTuningJob", {}))


def problems(rules: Sequence[Rule], plan: int, view: TrainingView) -> Outcome:
    """What ``rules``, which are shared ones, say of a definition. ``plan`` is a number that stands for them."""
    request, settings = view.request, view.settings
    try:
        # marshal writes equal plain data alike, tells 1 from True and 1.0, and is faster than any walk over it.
        members = marshal.dumps([request.get(name) for name in SHARED], 0)
    except ValueError:  # not plain data, or nested without end
        return _outcome(rules, view)
    if len(members) > MAX_BYTES:
        return _outcome(rules, view)
    key = (plan, members, view.tuning is None, view.region, settings.allow)
    found = _OUTCOMES.get(key)
    if found is None:
        found = _outcome(rules, view)
        if len(_OUTCOMES) >= MAX_ENTRIES:
            _OUTCOMES.clear()
        _OUTCOMES[key] = found
    return found


def _outcome(rules: Sequence[Rule], view: TrainingView) -> Outcome:
    request = {name: view.request[name] for name in SHARED if name in view.request}
    step = Step("", view.step.operation, request, region=view.step.region)
    tuning = None if view.tuning is None else _NO_TUNING
    alone = TrainingView(step, request, (), view.settings, None, tuning)
    return tuple((rule, problem) for rule in rules for problem in rule.check(alone))

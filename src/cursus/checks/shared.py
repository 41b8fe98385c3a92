"""What rules say of the parts that many jobs share, remembered from one job to the next.

The jobs of a team differ in their names, data and hyperparameters, and hardly in their images, instances, time
limits and search spaces. A rule that is ``shared`` is given a view that holds nothing but those members
(``rules.SHARED``), so that what it says can depend on nothing else, and the same members have the same outcome.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from typing import Any

from cursus.checks.rules import SHARED, SHARED_DEFINITION, Problem, Rule
from cursus.checks.views import AutoMLView, TrainingView, TuningView
from cursus.model import Step

View = TrainingView | TuningView | AutoMLView
Outcome = tuple[tuple[Rule, Problem], ...]

MAX_ENTRIES = 4096
MAX_BYTES = 8192
_OUTCOMES: dict[tuple[Any, ...], Outcome] = {}
_NO_TUNING = TuningView(Step("", "CreateHyperParameterTuningJob", {}))


def problems(rules: Sequence[Rule], plan: int, view: View) -> Outcome:
    """What ``rules``, which are shared ones of one scope, say of a view. ``plan`` is a number that stands for them."""
    request, settings = view.request, view.settings
    parts = [request.get(name) for name in SHARED[rules[0].scope]]
    if type(view) is TuningView:
        parts.extend([[each.request.get(name) for name in SHARED_DEFINITION] for each in view.definitions])
    try:
        # marshal writes equal plain data alike, tells 1 from True and 1.0, and is faster than any walk over it.
        members = marshal.dumps(parts, 0)
    except ValueError:  # not plain data, or nested without end
        return _outcome(rules, view)
    if len(members) > MAX_BYTES:
        return _outcome(rules, view)
    key = (plan, view.step.operation, members, view.region, settings.allow)
    found = _OUTCOMES.get(key)
    if found is None:
        found = _outcome(rules, view)
        if len(_OUTCOMES) >= MAX_ENTRIES:
            _OUTCOMES.clear()
        _OUTCOMES[key] = found
    return found


def _outcome(rules: Sequence[Rule], view: View) -> Outcome:
    alone = _alone(view)
    return tuple((rule, problem) for rule in rules for problem in rule.check(alone))


def _alone(view: View) -> View:
    """The view of a request that has nothing but what is shared."""
    if isinstance(view, TrainingView):
        request = _picked(view.request, SHARED["training"])
        tuning = None if view.tuning is None else _NO_TUNING
        return TrainingView(_step(view, request), request, (), view.settings, None, tuning)
    if isinstance(view, AutoMLView):
        return AutoMLView(_step(view, _picked(view.request, SHARED["automl"])), view.settings)
    request = _picked(view.request, SHARED["tuning"])
    for member in ("TrainingJobDefinition", "TrainingJobDefinitions"):
        if member in view.request:
            request[member] = _definitions(view.request[member])
    return TuningView(_step(view, request), view.settings)


def _step(view: View, request: Mapping[str, Any]) -> Step:
    return Step("", view.step.operation, request, region=view.step.region)


def _picked(request: Mapping[str, Any], members: Sequence[str]) -> dict[str, Any]:
    return {name: request[name] for name in members if name in request}


def _definitions(value: Any) -> Any:
    if isinstance(value, list):
        return [_definitions(each) for each in value]
    return _picked(value, SHARED_DEFINITION) if isinstance(value, Mapping) and len(value) > 1 else value

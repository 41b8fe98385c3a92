"""Which rules have something to read in a request, and what is known of it already.

Most rules have nothing to find in most requests, and say so beforehand (``rules.rule``): they read certain members,
certain values of members with fixed choices, suspected texts, or are about built-in algorithms or promises. Which
rules are left is a ``Plan``, made once for all requests of one outline (``outline``) or with the same members.

Rules that are ``shared`` read nothing but the outline. What they say of it is found once, on a request in which every
open text is unknown, and is part of the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from cursus import checks
from cursus.aws import instances
from cursus.checks.findings import finding_of
from cursus.checks.outlines import forms
from cursus.checks.outlines.members import Members, of_scope
from cursus.checks.outlines.outline import Outline
from cursus.checks.outlines.parts import Known, Part, of_rules
from cursus.checks.outlines.skeletons import Sight, Skeleton, sight, suspects_of_outline
from cursus.checks.rules import RULES, Check, Problem, Rule, Scope, When
from cursus.checks.views import RequestView, Settings, TrainingView, TuningView, request_views
from cursus.errors import TargetError
from cursus.model import NO_PROMISES, Finding, Path, Step

MAX_OUTLOOKS = 1024
MAX_SEEN = 65_536
MAX_BYTES = 16_384
"""Size of the largest outline that is remembered."""
MAX_BITS = 10_000
"""Those of an integer that Python writes out, and jsonschema-rs reads."""
MAX_PLANS = 256
"""Plans for requests with the same outline or members: by settings and what texts are suspected of."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The rules to run over a view, the order of their findings, and what other rules said of the outline.

    ``parts`` are those among the rules that look at one part of a job, and ``others`` all others. ``told`` are the
    findings of what is known, each with its place in the order, where that holds for every request with the outline.
    """

    rules: tuple[Rule, ...]
    order: Mapping[str, int]
    known: Known = ()
    parts: tuple[Part, ...] = ()
    others: tuple[Rule, ...] = ()
    told: tuple[tuple[int, Finding], ...] | None = None


Settled = tuple[tuple[int, Plan], ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that is known of the requests with one outline.

    ``views`` are those of the outline, ``plans`` the plan for each of them by what texts are suspected of.
    """

    sight: Sight
    views: tuple[tuple[Scope, Any], ...]
    plans: dict[tuple[str, ...], Settled]


_OUTLOOKS: dict[int, tuple[tuple[Any, ...], Outlook]] = {}  # by the hash of the key that stands first
_SEEN: set[int] = set()  # hashes of the keys of outlines that were met
_PLANS: dict[tuple[Any, ...], Plan] = {}  # where the members are not known


def outlook(step: Step, settings: Settings, outline: Outline) -> Outlook | None:
    """What is known of the requests with the outline of ``step``'s; None at its first sight, or where nothing can be.

    The request has to satisfy the service model.
    """
    key = _key(step, settings, outline)
    number = hash(key)
    known = _OUTLOOKS.get(number)
    if known is not None:
        return known[1] if known[0] == key else None
    if number not in _SEEN:  # most outlines that are met once are not met again
        if any(type(each) is int and each.bit_length() > MAX_BITS for each in outline.closed):
            # jsonschema-rs takes a number of thousands of digits for any other.
            raise TargetError("this mapping cannot be sent: it holds a number with thousands of digits.")
        if len(_SEEN) >= MAX_SEEN:
            _SEEN.clear()
        _SEEN.add(number)
        return None
    region = settings.region or step.region or ""
    found = _outlook(step, settings, outline, region) if outline.size() <= MAX_BYTES else None
    if found is not None:
        if len(_OUTLOOKS) >= MAX_OUTLOOKS:
            _OUTLOOKS.clear()
        _OUTLOOKS[number] = key, found
    return found


def learn(step: Step, outline: Outline, outlook: Outlook) -> None:
    """Count a request that fits no form. The second with its skeleton makes one, the fourth another, the eighth and so on."""
    skeleton, _, _, inside = outlook.sight
    skeleton.met += 1
    if skeleton.met > 1 and skeleton.met & (skeleton.met - 1) == 0:
        forms.learn(step, outline, inside)


def _key(step: Step, settings: Settings, outline: Outline) -> tuple[Any, ...]:
    promised = not outline.met and _promised(step)
    asked = settings.region or step.region, settings.select, settings.ignore, settings.allow
    return outline.shapes, outline.closed, step.operation, step.in_pipeline, promised, asked


def forget(*, but_forms: bool = False) -> None:
    """Drop what is remembered of outlines, so that the next request is one unlike any before it.

    With ``but_forms`` it may have the same members.
    """
    _OUTLOOKS.clear()
    _SEEN.clear()
    if not but_forms:
        forms.forget()


def _outlook(step: Step, settings: Settings, outline: Outline, region: str) -> Outlook | None:
    alone = Step("", step.operation, outline.request(), in_pipeline=step.in_pipeline, region=step.region)
    seen = sight(outline, region)
    if seen is None:
        return None
    texts = RequestView(alone, settings)
    texts.suspects = suspects_of_outline(seen, outline, region)
    views: list[tuple[Scope, Any]] = [("request", texts), *request_views(alone, settings)]
    return Outlook(seen, tuple(views), {})


def plans(found: Outlook, step: Step, settings: Settings, kinds: tuple[str, ...]) -> Settled:
    """The plan for each view of a request which has texts suspected of these ``kinds``, by the view's place.

    Views of which nothing is known and which no rule has to read are left out.
    """
    made = found.plans.get(kinds)
    if made is None:
        if len(found.plans) >= MAX_PLANS:
            found.plans.clear()
        settled = []
        for place, (scope, view) in enumerate(found.views):
            there = present(view, step)
            whole = plan(scope, there, settings, found.sight[1], kinds)
            left = _known(whole, view, (*kinds, *there), settings)
            if left.rules or left.known:
                settled.append((place, left))
        made = found.plans[kinds] = tuple(settled)
    return made


def _known(plan: Plan, view: Any, there: Sequence[str], settings: Settings) -> Plan:
    """The plan with what its shared rules say of an outline; of those, the ones that ``there`` bars are left to run."""
    left, known = [], []
    for rule in plan.rules:
        if rule.shared and not any(each in there for each in rule.unless):
            known.extend([(rule, problem) for problem in rule.check(view)])
        else:
            left.append(rule)
    told = [
        (plan.order[rule.id], finding_of(rule, problem, (*view.path, *problem.path), view.step, ""))
        for rule, problem in known
        if problem.allowable is None or problem.allowable not in settings.allow
    ]
    return Plan(tuple(left), plan.order, tuple(known), told=tuple(told))


def plan(
    scope: Scope,
    there: tuple[When, ...],
    settings: Settings,
    had: Members | None,
    kinds: tuple[str, ...] = (),
) -> Plan:
    """The plan for a view by itself, from those made before where there is one for such a request.

    ``there`` is what the view is about (``present``), and ``had`` what the step's request has, where that is known.
    """
    known = _PLANS if had is None else had.plans
    key = (scope, settings.select, settings.ignore, there, kinds)
    found = known.get(key)
    if found is None:
        if len(known) >= MAX_PLANS:
            known.clear()
        found = known[key] = _made(
            scope, of_scope(scope).left(had, kinds, there), settings.select, settings.ignore
        )
    return found


@lru_cache(maxsize=2048)
def _made(scope: Scope, left: int, select: tuple[str, ...], ignore: tuple[str, ...]) -> Plan:
    all, settings = of_scope(scope), Settings(select=select, ignore=ignore)
    rules = tuple([rule for rule in all.at(left) if selected(rule.id, settings)])
    return Plan(
        rules, all.order, parts=of_rules(rules), others=tuple([rule for rule in rules if not rule.of])
    )


@lru_cache(maxsize=64)
def borrowed(
    scope: Scope,
    ids: tuple[str, ...],
    through: Callable[[Check, Any], Iterator[Problem]],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
) -> Plan:
    """The plan for a view of a kind that these rules of ``scope`` do not know: each looks at it ``through`` a function."""
    checks.load(scope)
    settings = Settings(select=select, ignore=ignore)
    rules = tuple(
        replace(RULES[id], check=partial(through, RULES[id].check)) for id in ids if selected(id, settings)
    )
    return Plan(rules, {id: place for place, id in enumerate(ids)})


def by_parts(
    plan: Plan,
    view: Any,
    skeleton: Skeleton,
    outline: Outline,
    step: Step,
    settings: Settings,
    there: Sequence[str] = (),
) -> Plan:
    """The plan for a view of a request, with what its rules on single parts of that say already known.

    Those that ``there`` bars are left to run.
    """
    rules = plan.others
    known: Known = ()
    for part in plan.parts:
        barred = not part.unless.isdisjoint(there)
        said = None if barred else part.said(view, skeleton, outline, step, settings)
        if said is None:
            rules += part.rules
        else:
            known += said
    return Plan(rules, plan.order, known)


def present(view: Any, step: Step) -> tuple[When, ...]:
    """What rules may be about (``rules.When``) that is there, in a view of a training or tuning job of ``step``."""
    if type(view) is TuningView:
        return ("builtin",) if any(each.builtin is not None for each in view.definitions) else ()
    if type(view) is not TrainingView:
        return ()
    found: list[When] = []
    if view.builtin is not None:
        found.append("builtin")
        if any(instance is not None and instance.gpus for instance in map(_instance, view.instances)):
            found.append("builtin on gpus")
        if view.builtin.channels_when:
            found.append("builtin with channels by value")
        given = view.builtin.given(
            (*view.hyperparameters, *view.tuned) if view.tuning else view.hyperparameters
        )
        if given.related:
            found.append("builtin with related hyperparameters")
        if given.idle or given.in_vain:
            found.append("builtin with idle hyperparameters")
    if view.framework is not None:
        found.append("framework")
    if len(view.channels) > 1:
        found.append("several channels")
    if view.host_count != 1:
        found.append("several hosts")
    if _promised(step):
        found.append("promises")
    return tuple(found)


def _instance(asked: tuple[Path, str, int | None]) -> instances.Instance | None:
    return instances.find(asked[1])


def _promised(step: Step) -> bool:
    promises = step.promises
    return promises is not NO_PROMISES and bool(
        promises.hooks or promises.framework or promises.python_version or promises.expected_artifacts
    )


def selected(rule_id: str, settings: Settings) -> bool:
    """True where ``select`` and ``ignore`` (ids or their beginnings) leave the rule on."""
    if settings.ignore and rule_id.startswith(settings.ignore):
        return False
    return not settings.select or rule_id.startswith(settings.select)

"""Runs rules over steps and pipelines and turns what they yield into findings.

Most rules have nothing to find in most requests, and say so beforehand (``cursus.checks.rules.rule``): they read
certain members, certain values of members with fixed choices, or are about built-in algorithms or promises. Which
rules are left is a ``Plan``, made once for each set of members and values and looked up from then on. One walk over
the request (``RequestView``) collects these, and the texts that rules on texts have to look at.

The rules of a plan run in two groups: those on parts that many jobs share, whose outcome is remembered
(``cursus.checks.shared``), and all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from typing import Any

from cursus import checks
from cursus.aws import schema
from cursus.checks import shared, unknowns
from cursus.checks.rules import RULES, Problem, Rule, Scope, When
from cursus.checks.views import (
    AutoMLView,
    PipelineView,
    RequestView,
    SchemaView,
    Settings,
    StepView,
    TrainingView,
    TuningView,
)
from cursus.checks.walk import Members
from cursus.model import Evidence, Finding, Path, Pipeline, Step, format_path

TRAINING_OPERATIONS = frozenset({"CreateTrainingJob"})
AUTOML_OPERATIONS = frozenset({"CreateAutoMLJob", "CreateAutoMLJobV2"})


def check_step(step: Step, settings: Settings, evidence: Evidence | None = None) -> list[Finding]:
    """Every finding on one step and its companions, in the order of the request's areas.

    With ``evidence`` the rules that read a local run are run too.
    """
    findings = [_of(step, problem) for problem in step.problems if selected(problem.rule, settings)]
    if step.promises.failures and _not_made(step):  # there is no request: only the hooks can be looked at
        findings.extend(_run("step", StepView(step, settings, evidence), step, settings))
        return _kept(findings, settings)
    broken = unknowns.NOTHING_BROKEN
    violations = schema.validate(step.operation, step.request, in_pipeline=step.in_pipeline)
    if violations:
        broken = unknowns.Broken(violations)
        findings.extend(_run("schema", SchemaView(step, violations, settings), step, settings))
        readable = unknowns.without_broken(step.request, violations)
        if readable is None:
            return _kept(findings, settings)
        step = replace(step, request=readable)
    texts = RequestView(step, settings)
    members = texts.members
    findings.extend(_run("request", texts, step, settings, broken, members))
    for scope, view in _views(step, settings, evidence):
        findings.extend(_run(scope, view, step, settings, broken, members))
    for companion in step.companions:
        # A companion carries parts of this request: what is wrong with them is said once.
        said = {(f.rule, text) for f in findings for text in (f.message, f.path)}
        told = {(f.path, f.message) for f in findings}
        inside = "TrainingJobDefinition."
        findings.extend(
            f
            for f in check_step(companion, settings)
            if (f.rule, f.message) not in said
            and (f.path, f.message) not in told
            and not (f.path.startswith(inside) and (f.rule, f.path.removeprefix(inside)) in said)
        )
    return _kept(findings, settings)


def check_pipeline(pipeline: Pipeline, settings: Settings) -> tuple[list[Finding], list[Step]]:
    """Every finding on a pipeline and on each of its steps, and the steps themselves."""
    from cursus.steps import pipelines

    steps = pipelines.expand(pipeline)
    findings = [_of(pipeline, problem) for problem in pipeline.problems if selected(problem.rule, settings)]
    findings.extend(_run("pipeline", PipelineView(pipeline, steps, settings), pipeline, settings))
    for step in steps:
        findings.extend(check_step(step, settings))
    return _kept(findings, settings), steps


def _not_made(step: Step) -> bool:
    """True where the builder gave no request: what stands in the step's are hooks' promises alone."""
    failed = {failure.hook for failure in step.promises.failures}
    return not step.request or not failed.isdisjoint(("create_step", "__init__"))


def _of(owner: Step | Pipeline, problem: Finding) -> Finding:
    """A finding made while its step was read, with the step's name."""
    return problem if problem.step else replace(problem, step=owner.name)


def _kept(findings: list[Finding], settings: Settings) -> list[Finding]:
    """The findings that neither the configuration nor a comment beside them ignores, with its reason."""
    commented = any(f.location and f.location.file.endswith((".py", ".yaml", ".yml")) for f in findings)
    if settings.ignores is None and not commented:
        return findings
    from cursus import ignores

    return ignores.keep(findings, settings.ignores)


def _views(step: Step, settings: Settings, evidence: Evidence | None) -> Iterator[tuple[Scope, Any]]:
    if step.operation in TRAINING_OPERATIONS:
        yield from _training_views(TrainingView(step, step.request, (), settings, evidence))
    elif step.operation == "CreateHyperParameterTuningJob":
        tuning = TuningView(step, settings, evidence)
        yield "tuning", tuning
        for definition in tuning.definitions:
            yield from _training_views(definition)
    elif step.operation in AUTOML_OPERATIONS:
        yield "automl", AutoMLView(step, settings)
    promises = step.promises
    stated = promises.hooks or promises.failures or promises.answered
    if stated or promises.upstream is not None or promises.dependencies:
        yield "step", StepView(step, settings, evidence)


def _training_views(view: TrainingView) -> Iterator[tuple[Scope, TrainingView]]:
    yield "training", view
    if view.step.source is not None:
        yield "script", view
    if view.evidence is not None:
        yield "run", view


def _run(
    scope: Scope,
    view: Any,
    owner: Step | Pipeline,
    settings: Settings,
    broken: unknowns.Broken = unknowns.NOTHING_BROKEN,
    members: Members | None = None,
) -> list[Finding]:
    plan = _plan(scope, view, settings, members)
    found: list[tuple[Rule, Problem]] = []
    if plan.shared:
        found.extend(shared.problems(plan.shared, plan.number, view))
    for rule in plan.rules:
        found.extend([(rule, problem) for problem in rule.check(view)])
    if not found:
        return []
    if plan.shared:
        found.sort(key=lambda each: plan.order[each[0].id])
    findings: list[Finding] = []
    for rule, problem in found:
        path = (*view.path, *problem.path)
        if problem.allowable is not None and problem.allowable in settings.allow:
            continue
        if broken.violations and broken.covers(path):
            continue
        findings.append(_finding(rule, problem, path, owner, from_run=scope == "run"))
    return findings


_formatted = lru_cache(maxsize=4096)(format_path)


def _finding(rule: Rule, problem: Problem, path: Path, owner: Step | Pipeline, *, from_run: bool) -> Finding:
    location = problem.location
    if location is None and owner.origins:
        origin = owner.origin(path)
        location = origin.location if origin else None
    return Finding(
        rule=rule.id,
        severity=problem.severity or rule.severity,
        message=problem.message,
        path=_formatted((*owner.prefix, *path)),
        remedy=problem.remedy,
        area=rule.area,
        location=location,
        step=owner.name,
        from_run=from_run,
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """The rules that may find something in a request: ``shared`` ones, all others, and the order of both."""

    number: int
    shared: tuple[Rule, ...]
    rules: tuple[Rule, ...]
    order: Mapping[str, int]


_NUMBERS = count()
_PLANS: dict[tuple[Any, ...], Plan] = {}  # where the members are not known


def _plan(scope: Scope, view: Any, settings: Settings, members: Members | None) -> Plan:
    """The plan for a view, from those made before where there is one for such a request.

    ``members`` are what the step's request has, where that is known.
    """
    present: tuple[str, ...] = ()
    if scope == "training":
        present = _present(view)
    elif scope == "request":
        present = tuple(view.suspects)
    plans = _PLANS if members is None else members.plans
    key = (scope, settings.select, settings.ignore, present)
    found = plans.get(key)
    if found is None:
        found = plans[key] = _made(scope, settings, members, present)
    return found


def _made(scope: Scope, settings: Settings, members: Members | None, present: Sequence[str]) -> Plan:
    checks.load(scope)
    rules = [
        rule
        for rule in RULES.values()
        if rule.scope == scope
        and selected(rule.id, settings)
        and (not rule.suspects or rule.suspects in present)
        and (not rule.when or rule.when in present)
        and (members is None or not rule.reads or any(members.has(name) for name in rule.reads))
    ]
    rules.sort(key=lambda rule: checks.position(rule.check.__module__))
    return Plan(
        number=next(_NUMBERS),
        shared=tuple(rule for rule in rules if rule.shared),
        rules=tuple(rule for rule in rules if not rule.shared),
        order={rule.id: place for place, rule in enumerate(rules)},
    )


def _present(view: TrainingView) -> tuple[When, ...]:
    """What rules may be about (``rules.When``) that is there."""
    found: list[When] = []
    if view.builtin is not None:
        found.append("builtin")
    if view.framework is not None:
        found.append("framework")
    if len(view.channels) > 1:
        found.append("several channels")
    if view.host_count != 1:
        found.append("several hosts")
    promises = view.step.promises
    if promises.hooks or promises.framework or promises.python_version or promises.expected_artifacts:
        found.append("promises")
    return tuple(found)


def selected(rule_id: str, settings: Settings) -> bool:
    """True where ``select`` and ``ignore`` (ids or their beginnings) leave the rule on."""
    if settings.ignore and rule_id.startswith(settings.ignore):
        return False
    return not settings.select or rule_id.startswith(settings.select)

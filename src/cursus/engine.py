"""Runs rules over steps and pipelines and turns what they yield into findings.

A request is taken apart in one walk (``checks.outlines.outline``). What is known of all requests with its outline, and
which rules have something to read in it, is looked up (``checks.outlines.plans``); few rules are left to run. A request
that is no plain data, or breaks the service model, is looked at in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from cursus.aws import schema
from cursus.checks import unknowns
from cursus.checks.findings import finding_in, finding_of
from cursus.checks.outlines import forms, plans
from cursus.checks.outlines.outline import Outline, take_apart
from cursus.checks.outlines.plans import Outlook, Plan, Settled, selected
from cursus.checks.outlines.skeletons import Sight, sight, suspects_of
from cursus.checks.outlines.walk import Suspects
from cursus.checks.pipeline import alone
from cursus.checks.rules import ABOUT, Problem, Rule, Scope
from cursus.checks.views import PipelineView, RequestView, SchemaView, Settings, StepView, request_views
from cursus.model import NO_PROMISES, SEVERITIES, Finding, Path, Pipeline, Promises, Step
from cursus.redact import cut

if TYPE_CHECKING:
    from cursus.evidence import Evidence

__all__ = ["check_pipeline", "check_step", "selected"]


def check_step(
    step: Step,
    settings: Settings,
    evidence: Evidence | None = None,
    *,
    outline: Outline | None = None,
) -> list[Finding]:
    """Every finding on one step and its companions, in the order of the request's areas.

    With ``evidence`` the rules that read a local run are run too. ``outline`` is what ``known`` gives for it.
    """
    findings: list[Finding] = []
    if step.problems:
        findings += [_of(step, problem) for problem in step.problems if selected(problem.rule, settings)]
    if step.promises.failures and _not_made(step):  # there is no request: only the hooks can be looked at
        findings.extend(_run("step", StepView(step, settings, evidence), step, settings))
        return _kept(findings, settings)
    broken = unknowns.NOTHING_BROKEN
    if outline is None:
        outline = known(step) if evidence is None else sound(step)
    violations = (
        [] if outline is not None else schema.validate(step.operation, step.request, step.in_pipeline)
    )
    if violations:
        broken = unknowns.Broken(violations)
        findings.extend(_run("schema", SchemaView(step, violations, settings), step, settings))
        readable = unknowns.without_broken(step.request, violations, step.operation)
        if readable is None:
            return _kept(findings, settings)
        step = replace(step, request=readable)
    for scope, view, plan in _planned(step, settings, evidence, outline):
        findings.extend(_run(scope, view, step, settings, broken, plan))
    if step.operation in alone.TYPES and not step.prefix:
        view = RequestView(step, settings)
        findings.extend(_run("request", view, step, settings, broken, alone.plan(settings)))
    if step.operation == "CreateProcessingJob" and step.source is not None:
        from cursus.checks.script import processing

        findings.extend(
            _run("script", processing.view(step, settings), step, settings, broken, processing.plan(settings))
        )
    for companion in step.companions:
        findings.extend(_of_companion(companion, settings, findings))
    if len(findings) > 1:
        from cursus.checks import echoes

        findings = echoes.without_echoes(echoes.without_misspelt(findings))
        if evidence is not None:
            from cursus.checks import confirmed

            findings = confirmed.told_once(findings, evidence)
    return _kept(findings, settings)


def _of_companion(companion: Step, settings: Settings, findings: list[Finding]) -> list[Finding]:
    """The findings on a companion, which carries parts of a request: what is wrong with those is among ``findings``."""
    said = {(f.rule, text) for f in findings for text in (f.message, f.path)}
    told = {(f.path, f.message) for f in findings}
    return [
        f
        for f in check_step(companion, settings)
        if (f.rule, f.message) not in said
        and (f.path, f.message) not in told
        and (f.rule, _in_job(f.path)) not in said
    ]


def _in_job(path: str) -> str:
    """What a path of a tuning job's definition is in the request of a training job."""
    return path.removeprefix("TrainingJobDefinition.").replace("StaticHyperParameters", "HyperParameters", 1)


def known(step: Step) -> Outline | None:
    """The outline of a step's request, picked from known places where its form is known, else as ``sound`` gives it."""
    return forms.met(step) or sound(step)


def sound(step: Step) -> Outline | None:
    """The outline of a step's request, where that is plain data and satisfies the service model."""
    outline = take_apart(step.request, step.in_pipeline)
    if outline is None or not schema.satisfied(step.operation, step.request, step.in_pipeline):
        return None
    outline.learn()
    return outline


def check_pipeline(pipeline: Pipeline, settings: Settings) -> tuple[list[Finding], list[Step]]:
    """Every finding on a pipeline and on each of its steps, and the steps themselves."""
    from cursus.checks.pipeline import given_values
    from cursus.steps import pipelines

    steps = pipelines.expand(pipeline)
    view = PipelineView(pipeline, steps, settings)
    findings = [_of(pipeline, problem) for problem in pipeline.problems if selected(problem.rule, settings)]
    findings.extend(_run("pipeline", view, pipeline, settings))
    # What is wrong with a value as a part of the pipeline is the better word for what its request makes of it.
    said = {f.path: _rank(f) for f in sorted(findings, key=_rank, reverse=True)}

    def check(step: Step) -> list[Finding]:
        return [f for f in check_step(step, settings) if _rank(f) < said.get(f.path, len(SEVERITIES))]

    for step in steps:
        findings.extend(check(step))
    if any("EnumValues" in entry for entry in view.definition.parameters.values()):
        from cursus.checks.pipeline import other_values

        findings.extend(other_values.tried(pipeline, view.definition, steps, findings, check))
    if len(findings) > 1:
        from cursus.checks import echoes

        findings = echoes.without_misspelt(findings)
    if findings:
        findings = given_values.gathered(pipeline, view.definition, findings)
    return given_values.at_one_place(_kept(findings, settings)), steps


def _rank(finding: Finding) -> int:
    """0 for an error, more for what matters less."""
    return SEVERITIES.index(finding.severity)


def _not_made(step: Step) -> bool:
    """True where the builder gave no request: what stands in the step's are hooks' promises alone."""
    failed = {failure.hook for failure in step.promises.failures}
    return not step.request or not failed.isdisjoint(("create_step", "__init__"))


def _of(owner: Step | Pipeline, problem: Finding) -> Finding:
    """A finding made while its step was read, with the step's name."""
    return problem if problem.step else replace(problem, step=owner.name)


def _kept(findings: list[Finding], settings: Settings) -> list[Finding]:
    """The findings that neither the configuration nor a comment beside them ignores, with its reason."""
    if not findings and settings.ignores is None:
        return findings
    commented = any(f.location and f.location.file.endswith((".py", ".yaml", ".yml")) for f in findings)
    if settings.ignores is None and not commented:
        return findings
    from cursus import ignores

    return ignores.keep(findings, settings.ignores)


Planned = Iterable[tuple[Scope, Any, Plan]]


def _planned(step: Step, settings: Settings, evidence: Evidence | None, outline: Outline | None) -> Planned:
    """Every view of a step with the plan for it, in the order of their findings; views without any may be left out."""
    if outline is None:
        return _all(step, settings, evidence)
    region = settings.region or step.region or ""
    outlook = plans.outlook(step, settings, outline)
    if outlook is None:
        seen = sight(outline, region)
        suspects = None if seen is None else suspects_of(seen, outline, region)
        return _all(step, settings, evidence, outline, seen, suspects)
    suspects = suspects_of(outlook.sight, outline, region)
    kinds = (*suspects, *outline.kinds) if outline.met else _kinds(step, outline, suspects)
    left = plans.plans(outlook, step, settings, kinds)
    if not outline.met:
        plans.learn(step, outline, outlook)
    if evidence is None and (outline.met or _alone(step)):
        return _told(step, settings, outlook, left, suspects) if left else ()
    return _all(step, settings, evidence, outline, outlook.sight, suspects, left)


def _alone(step: Step) -> bool:
    """True where nothing is known of a step but its request."""
    return step.source is None and not _stated(step.promises)


def _kinds(step: Step, outline: Outline, suspects: Suspects) -> tuple[str, ...]:
    """What the texts of a step's request are suspected of, and ``step`` where more is known than the request."""
    found = (*suspects, *outline.kinds)
    return found if _alone(step) and not step.origins else (*found, "step")


def _told(step: Step, settings: Settings, outlook: Outlook, known: Settled, suspects: Suspects) -> Planned:
    """The views of a request about which there is something to tell, or which a rule has to read."""
    views: Sequence[tuple[Scope, Any]] = ()
    for place, plan in known:
        scope, view = outlook.views[place]
        if plan.rules and not place:
            view = RequestView(step, settings)
            view.suspects = suspects
        elif plan.rules:
            views = views or list(request_views(step, settings))
            view = views[place - 1][1]
        yield scope, view, plan


def _all(
    step: Step,
    settings: Settings,
    evidence: Evidence | None,
    outline: Outline | None = None,
    seen: Sight | None = None,
    suspects: Suspects | None = None,
    known: Settled | None = None,
) -> Planned:
    """Every view of a step; what is ``known`` of its outline has the plans for those of the request."""
    texts = RequestView(step, settings)
    if seen is None or outline is None or suspects is None:
        kinds, had = tuple(texts.suspects), texts.members
    else:
        kinds, had = _kinds(step, outline, suspects), seen[1]
        texts.suspects = suspects

    def planned(scope: Scope, view: Any) -> Plan:
        there = plans.present(view, step) if scope in ABOUT else ()
        made = plans.plan(scope, there, settings, had, kinds)
        if made.parts and outline is not None and seen is not None:
            return plans.by_parts(made, view, seen[0], outline, step, settings, (*kinds, *there))
        return made

    before = None if known is None else dict(known)
    views = (("request", texts), *request_views(step, settings, evidence))
    for place, (scope, view) in enumerate(views):
        if before is None:
            yield scope, view, planned(scope, view)
        elif place in before:
            yield scope, view, before[place]
        if scope == "training" and step.source is not None:
            yield "script", view, planned("script", view)
        if scope == "training" and evidence is not None:
            yield "run", view, planned("run", view)
    if _stated(step.promises):
        about = StepView(step, settings, evidence)
        yield "step", about, planned("step", about)


def _stated(promises: Promises) -> bool:
    if promises is NO_PROMISES:
        return False
    said = promises.hooks or promises.failures or promises.answered or promises.dependencies
    return bool(said) or promises.upstream is not None


def _run(
    scope: Scope,
    view: Any,
    owner: Step | Pipeline,
    settings: Settings,
    broken: unknowns.Broken = unknowns.NOTHING_BROKEN,
    plan: Plan | None = None,
) -> list[Finding]:
    if plan is None:
        plan = plans.plan(scope, (), settings, None)
    alone = plan.told is not None and not owner.origins and not owner.prefix
    found: list[tuple[Rule, Problem]] = [] if alone else list(plan.known)
    if scope == "pipeline":  # of any size: a definition has many steps, and each rule reads all of them
        for rule in plan.rules:
            found.extend((rule, problem) for problem in _bounded(rule.check(view)))
    else:
        for rule in plan.rules:
            for problem in rule.check(view):
                found.append((rule, problem))  # noqa: PERF401 (few rules find anything: a list for each costs more)
    told = [(place, finding_in(said, owner.name)) for place, said in plan.told or ()] if alone else []
    for rule, problem in found:
        path = (*view.path, *problem.path)
        if problem.allowable is not None and problem.allowable in settings.allow:
            continue
        if broken.violations and broken.covers(path):
            continue
        step = owner.name if isinstance(owner, Step) else _step_at(owner, path)
        told.append(
            (plan.order[rule.id], finding_of(rule, problem, path, owner, step, from_run=scope == "run"))
        )
    if len(told) > 1:  # what was known, and rules on parts, came out of turn
        told.sort(key=_place)
    return [said for _, said in told]


_place = itemgetter(0)


MOST_PROBLEMS = 1000
"""Problems of one rule in one pipeline that are listed: nobody reads more, and a file may hold a million."""


def _bounded(problems: Iterator[Problem]) -> Iterator[Problem]:
    yield from islice(problems, MOST_PROBLEMS)
    if next(problems, None) is not None:
        yield Problem(f"there are more than {MOST_PROBLEMS:,} of these; the rest is not listed")


_STEPS = frozenset({"Steps", "IfSteps", "ElseSteps", "ForEachBody"})


def _step_at(pipeline: Pipeline, path: Path) -> str:
    """The name of the innermost step of a pipeline that a path leads into; the pipeline's own outside of them."""
    name, value, before = pipeline.name, pipeline.definition, None
    for part in path:
        try:
            value = value[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):  # what is missing is named too
            break
        own = value.get("Name") if before in _STEPS and isinstance(value, Mapping) else None
        if isinstance(own, str):
            name = cut(own)
        before = part
    return name

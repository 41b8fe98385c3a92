"""What a parameter's EnumValues allow beside the value that is put in: each is put into the steps that use it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cursus.aws.pipelines import Definition, Reference, parse_get
from cursus.checks.findings import with_words
from cursus.model import SEVERITIES, Finding, Path, Pipeline, Step, format_path
from cursus.redact import show
from cursus.steps.pipelines import fits, parameter_values, resolve

MOST_TRIALS = 500
"""Steps that are checked with other values; a definition made to have more is not looked at further."""
MOST_NAMED = 4
Check = Callable[[Step], Iterable[Finding]]


def tried(
    pipeline: Pipeline, definition: Definition, steps: list[Step], findings: list[Finding], check: Check
) -> list[Finding]:
    """What is found with another value of a parameter's EnumValues, and is not in ``findings``: once a parameter and rule.

    Only an execution that is started with the value fails: a warning, but where there is no default and no value that
    can be used.
    """
    made: list[Finding] = []
    values, trials = parameter_values(pipeline), 0
    told = {(finding.rule, finding.path) for finding in findings}
    for name, uses in _uses(definition).items():
        groups: dict[str, list[tuple[int, Finding]]] = {}
        options = definition.parameters[name]["EnumValues"]
        kind = definition.parameters[name].get("Type")
        typed = isinstance(kind, str)
        others = [j for j, one in enumerate(options) if typed and fits(one, kind) and one != values.get(name)]
        for j in others:
            given = {**values, name: options[j]}
            trials += len(uses)
            if trials > MOST_TRIALS:
                return made
            new = [
                f
                for f in _with(pipeline, steps, uses, given, check)
                # A direction that may be chosen is chosen with its metric.
                if (f.rule, f.path) not in told and (f.rule, f.severity) != ("HPO021", "warning")
            ]
            for finding in _worst(new):
                groups.setdefault(finding.rule, []).append((j, finding))
        for group in groups.values():
            useless = name not in values and len(group) == len(options)
            made.append(_at_values(pipeline, definition, name, group, uses, useless))
    return made


def _uses(definition: Definition) -> dict[str, list[Reference]]:
    """The parameters with a list of EnumValues, each with the references to it from steps."""
    found: dict[str, list[Reference]] = {
        name: [] for name, entry in definition.parameters.items() if isinstance(entry.get("EnumValues"), list)
    }
    for reference in definition.references if found else ():
        target = parse_get(reference.text)
        if target is not None and target.root == "Parameters" and target.name in found and reference.step:
            found[target.name].append(reference)
    return {name: uses for name, uses in found.items() if uses}


def _with(
    pipeline: Pipeline,
    steps: list[Step],
    uses: list[Reference],
    values: Mapping[str, Any],
    check: Check,
) -> Iterator[Finding]:
    """What is found in the steps with these uses, once other values are put in."""
    bodies = {reference.step.path: reference.step.body for reference in uses if reference.step}
    for step in steps:
        body = bodies.get(step.prefix[len(pipeline.prefix) : -1])
        request = resolve(body.get("Arguments"), values) if body is not None else None
        if isinstance(request, Mapping):
            yield from check(replace(step, request=request))


def _worst(findings: list[Finding]) -> list[Finding]:
    """The first error of one value; without one, a warning of each rule."""
    errors = [finding for finding in findings if finding.severity == "error"]
    warned = {f.rule: f for f in reversed(findings) if f.severity == "warning"}
    return errors[:1] or list(warned.values())


def _at_values(
    pipeline: Pipeline,
    definition: Definition,
    name: str,
    group: list[tuple[int, Finding]],
    uses: list[Reference],
    useless: bool,
) -> Finding:
    """One finding at the values of a parameter that lead to it."""
    entry = definition.parameters[name]
    first = min((finding for _, finding in group), key=lambda finding: SEVERITIES.index(finding.severity))
    declared = pipeline.definition["Parameters"]
    place: Path = ("Parameters", next(i for i, one in enumerate(declared) if one is entry), "EnumValues")
    if len(group) == 1:
        place = (*place, group[0][0])
    shown = [show(entry["EnumValues"][j], name) for j, _ in group[:MOST_NAMED]]
    more = f" and {len(group) - MOST_NAMED} more" if len(group) > MOST_NAMED else ""
    origin = pipeline.origin(place)
    whence = (
        f"It comes from {', '.join(shown)}{more}, which EnumValues of the parameter {show(name)} "
        f"allow{'s' if len(group) == 1 else ''}, put in at {_words(uses)}."
    )
    return replace(
        first,
        message=with_words(first, whence),
        path=format_path((*pipeline.prefix, *place)),
        severity=first.severity if useless else "warning",
        location=origin.location if origin else None,
        step=pipeline.name,
    )


def _words(uses: list[Reference]) -> str:
    listed = [
        f"{format_path(use.path[len(use.step.path) + 1 :])} of {use.step.name or format_path(use.step.path)}"
        for use in uses
        if use.step
    ]
    more = f" and {len(listed) - MOST_NAMED} more" if len(listed) > MOST_NAMED else ""
    return ", ".join(listed[:MOST_NAMED]) + more

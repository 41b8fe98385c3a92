"""A value that a pipeline's parameter gives is faulty at the parameter: its uses are gathered into one finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from cursus.aws.members import value_at
from cursus.aws.pipelines import Definition, Reference, parse_get, step_type
from cursus.checks.findings import with_words
from cursus.model import SEVERITIES, Finding, Path, Pipeline, Severity, format_path
from cursus.redact import LONGEST_TEXT, cut, show
from cursus.steps.pipelines import parameter_values

WRONG_TYPE = "STP003"
"""A parameter of a type that the member does not take: no other value would do, so that the use is at fault."""
MISNAMED = "DEP062"
"""What gets a parameter is called otherwise than it is meant: the use is at fault, whatever the value."""
MOST_USES = 4
"""Uses of one parameter that a message names."""


def gathered(pipeline: Pipeline, definition: Definition, findings: list[Finding]) -> list[Finding]:
    """``findings`` with those on values of parameters told once, at the parameter.

    The errors of one parameter are one finding, whatever the rules at its uses call them; warnings are one a rule. A
    parameter of the wrong type is told at the first of its uses.
    """
    uses = _uses(pipeline, definition) if findings else {}
    if not uses or not any(finding.path in uses for finding in findings):
        return findings
    entries = _entries(pipeline)
    told = {finding.path for finding in findings if finding.severity == "error"}
    made: list[Finding] = []
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        name = uses.get(finding.path, ("", ""))[0]
        if name not in entries or finding.rule == MISNAMED:
            made.append(finding)
        elif format_path((*pipeline.prefix, *_place(pipeline, entries, name))) in told:
            continue
        elif finding.rule == WRONG_TYPE:
            groups.setdefault((name, finding.about[-1]), []).append(finding)
        else:
            kind = finding.severity if finding.severity == "error" else finding.rule
            groups.setdefault((name, kind), []).append(finding)
    for (name, _), group in groups.items():
        if group[0].rule == WRONG_TYPE:
            others = [uses[finding.path][1] for finding in group[1:]]
            made.append(_of_another_type(pipeline, entries[name], name, group[0], others))
            continue
        place = _place(pipeline, entries, name)
        made.append(_at_parameter(pipeline, name, place, group, [uses[finding.path][1] for finding in group]))
    return made


def at_one_place(findings: list[Finding]) -> list[Finding]:
    """``findings`` with what steps have in common told once: a Python file has one place for it, a constant's line."""
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        place = finding.location
        exact = place is not None and place.column is not None and place.file.endswith(".py")
        mark = (finding.rule, finding.severity, finding.message, place) if exact else id(finding)
        groups.setdefault(mark, []).append(finding)
    if len(groups) == len(findings):
        return findings
    made = []
    for group in groups.values():
        first = group[0]
        others = dict.fromkeys(one.step for one in group[1:] if one.step and one.step != first.step)
        if not others:
            made.extend(group)
            continue
        made.append(replace(first, message=with_words(first, f"The same in {_listed(others)}.")))
        made.extend(one for one in group[1:] if one.step == first.step)
    return made


def _of_another_type(
    pipeline: Pipeline, entry: int, name: str, finding: Finding, others: list[str]
) -> Finding:
    """A finding on the value's type in words of the parameter: another value would be of the same type."""
    kind = pipeline.definition["Parameters"][entry].get("Type")
    member, takes = finding.about
    get = f'{{"Get": "Parameters.{name}"}}'
    remedies = {
        "a list": f"put it into a list: [{get}]",
        "a text": f'write {{"Std:Join": {{"On": "", "Values": [{get}]}}}}, or parameter.to_string()',
    }
    return replace(
        finding,
        message=cut(
            f"Invalid type for parameter {member}: it is the parameter {show(name)}, which is of type {show(kind)}; "
            f"the API takes {takes}"
            + (f". So do{'es' if len(others) == 1 else ''} {_listed(others)}" if others else ""),
            LONGEST_TEXT,
        ),
        remedy=remedies.get(takes, "declare the parameter of the type that is taken"),
    )


def _at_parameter(
    pipeline: Pipeline, name: str, place: Path, group: list[Finding], uses: Iterable[str]
) -> Finding:
    first = min(group, key=lambda finding: SEVERITIES.index(finding.severity))
    given = name in pipeline.parameters
    said = "value given for" if given else "default of"
    # An empty default is how a value is asked for that each execution gives.
    severity: Severity = (
        "warning"
        if first.severity == "error" and not given and _is_empty(pipeline, place)
        else first.severity
    )
    origin = pipeline.origin(place)
    whence = f"It comes from the {said} the parameter {show(name)}, put in at {_listed(uses)}."
    return replace(
        first,
        message=with_words(first, whence),
        path=format_path((*pipeline.prefix, *place)),
        severity=severity,
        location=origin.location if origin else None,
        step=pipeline.name,
    )


def _listed(uses: Iterable[str]) -> str:
    listed = list(dict.fromkeys(uses))
    more = f" and {len(listed) - MOST_USES} more" if len(listed) > MOST_USES else ""
    return f"{', '.join(listed[:MOST_USES])}{more}"


def _is_empty(pipeline: Pipeline, place: Path) -> bool:
    """True where the default at ``place`` is a text without anything in it."""
    value = value_at(pipeline.definition, place)
    return isinstance(value, str) and not value.strip()


def _entries(pipeline: Pipeline) -> dict[str, int]:
    """The position of each parameter's declaration."""
    declared = pipeline.definition.get("Parameters")
    found: dict[str, int] = {}
    for i, entry in enumerate(declared if isinstance(declared, list) else []):
        if isinstance(entry, Mapping) and isinstance(entry.get("Name"), str):
            found[entry["Name"]] = i
    return found


def _place(pipeline: Pipeline, entries: Mapping[str, int], name: str) -> Path:
    """The default, or the parameter itself where the value was given from outside of the definition."""
    own: Path = ("Parameters", entries[name])
    return own if name in pipeline.parameters else (*own, "DefaultValue")


def _uses(pipeline: Pipeline, definition: Definition) -> dict[str, tuple[str, str]]:
    """For the path of each member whose whole value a parameter gives: the parameter, and the words for the use."""
    values = parameter_values(pipeline)
    found: dict[str, tuple[str, str]] = {}
    for reference in definition.references:
        target = parse_get(reference.text)
        if target is None or target.root != "Parameters" or target.rest or target.name not in values:
            continue
        step = reference.step
        if step is None or reference.in_json_get or not step_type(step.type or "").get("operation"):
            continue
        place = _whole(pipeline.definition, reference)
        if place is not None:
            inside = format_path(place[len(step.path) + 1 :])
            path = format_path((*pipeline.prefix, *place))
            found[path] = target.name, f"{inside} of {step.name or format_path(step.path)}"
    return found


def _whole(definition: Mapping[str, Any], reference: Reference) -> Path | None:
    """Where the value that a reference makes stands; None where a join puts it together with others."""
    place = reference.path
    while place[-3:-1] == ("Std:Join", "Values"):
        if len(value_at(definition, place[:-1])) != 1:
            return None
        place = place[:-3]
    return place

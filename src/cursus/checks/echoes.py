"""One cause is told once: by the rule that says most of it, of what is said of a request and its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cursus.model import SEVERITIES, Finding

ECHOES: Mapping[str, tuple[str, ...]] = {
    "FRM006": ("STP033",),
    "FRM034": ("FRM077",),
    "FRM050": ("FRM012",),
    "FRM053": ("FRM069",),
    "FRM060": ("FRM012", "FRM050"),
    "HPO036": ("FRM012", "HPO050", "HPO055"),
    "HPO037": ("FRM012", "HPO044", "HPO052", "HPO059", "HPO060", "HPO065"),
    "HPO061": ("HPO052", "HPO060"),
    "MON004": ("MON050", "MON051", "MON090", "MON091", "MON092"),
    "MON009": ("MON050", "MON051", "MON090", "MON091", "MON092"),
    "MON051": ("MON002",),
    "RES001": ("STP044",),
    "STP041": ("FRM012",),
}
"""For a rule: those that say more of the same cause, where they find something at the same place."""

SAYS_ALL = "STP047"
"""The rule on values that are the word None: what others find in such a value comes of that, and weighs as much."""

DISAGREE = frozenset(
    {
        "ART080",
        "CHN080",
        "CHN081",
        "DST080",
        "HPO080",
        "HPO081",
        "MON080",
        "MON082",
        "RES080",
        "RES081",
        "STP082",
    }
)
"""Rules on hooks that say other than the request: a value of it that is wrong by itself is told as that alone."""


def without_misspelt(findings: list[Finding]) -> list[Finding]:
    """``findings`` without those at places whose members are misspelt or elsewhere, or of values that are misspelt references."""
    meant = {place for one in findings for place in one.meant}
    references = {one.path.rpartition(".")[0] for one in findings if one.rule == "DEP004"}
    if not meant and not references:
        return findings
    return [
        one
        for one in findings
        if one.path not in meant and not (one.rule == "STP003" and one.path in references)
    ]


def without_echoes(findings: list[Finding]) -> list[Finding]:
    """``findings`` without those of which another one at the same place says more, and weighs no less."""
    told = {finding.rule for finding in findings}
    if SAYS_ALL in told:
        nothing = {finding.path for finding in findings if finding.rule == SAYS_ALL}
        refused = {finding.path for finding in findings if finding.severity == "error"}
        findings = [
            replace(one, severity="error") if one.rule == SAYS_ALL and one.path in refused else one
            for one in findings
            if one.path not in nothing or one.rule == SAYS_ALL
        ]
    if not told.isdisjoint(DISAGREE):
        wrong = {one.path for one in findings if one.severity == "error" and one.rule not in DISAGREE}
        findings = [one for one in findings if one.rule not in DISAGREE or one.path not in wrong]
    if told.isdisjoint(ECHOES):
        return findings
    weight: dict[tuple[str, object], int] = {}
    for finding in findings:
        key = (finding.rule, finding.path or finding.location)
        weight[key] = min(SEVERITIES.index(finding.severity), weight.get(key, len(SEVERITIES)))
    return [
        finding
        for finding in findings
        if not any(
            weight.get((other, finding.path or finding.location), len(SEVERITIES))
            <= SEVERITIES.index(finding.severity)
            for other in ECHOES.get(finding.rule, ())
        )
    ]

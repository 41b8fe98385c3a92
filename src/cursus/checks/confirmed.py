"""One cause is told once: by the rule that says most of it, and not at all where the run refutes what was read."""

from __future__ import annotations

from collections.abc import Mapping

from cursus.model import SEVERITIES, Evidence, Finding

CONFIRMS: Mapping[str, tuple[str, ...]] = {
    "ART091": ("ART050",),
    "CHN090": ("CHN052",),
    "HPO090": ("HPO053", "HPO055", "HPO056", "HPO060", "HPO061", "HPO062", "HPO064"),
    "MON090": ("MON050",),
    "MON091": ("MON002", "MON051"),
    "MON092": ("MON051",),
    "RES097": ("RES050", "RES056"),
}
"""For a rule on runs: the rules on source code or request that say the same of the same place, or of the whole script, without a run."""

ECHOES: Mapping[str, tuple[str, ...]] = {
    "FRM050": ("FRM012",),
    "FRM060": ("FRM012", "FRM050"),
    "HPO037": ("HPO052", "HPO059", "HPO060", "HPO065"),
    "HPO061": ("HPO052",),
    "MON004": ("MON050", "MON051", "MON090", "MON091", "MON092"),
    "RES001": ("STP044",),
}
"""For a rule: those that say more of the same cause, where they find something at the same place."""


def without_echoes(findings: list[Finding]) -> list[Finding]:
    """``findings`` without those of which another one at the same place says more, and weighs no less."""
    told = {finding.rule for finding in findings}
    if told.isdisjoint(ECHOES):
        return findings
    weight: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = (finding.rule, finding.path)
        weight[key] = min(SEVERITIES.index(finding.severity), weight.get(key, len(SEVERITIES)))
    return [
        finding
        for finding in findings
        if not any(
            weight.get((other, finding.path), len(SEVERITIES)) <= SEVERITIES.index(finding.severity)
            for other in ECHOES.get(finding.rule, ())
        )
    ]


def told_once(findings: list[Finding], evidence: Evidence) -> list[Finding]:
    """``findings`` without those of a run that only confirm another one at the same place.

    Without ``MON050`` too, a metric that no printed line has, where the run printed such lines.

    The finding that was made by reading names the line at fault, and is kept unless the run's weighs more.
    """
    read = {(f.rule, f.path): f for f in findings if not f.from_run}
    superfluous: set[Finding] = set()
    for position, scan in enumerate(evidence.metric_scans):
        refuted = read.get(("MON050", f"AlgorithmSpecification.MetricDefinitions[{position}].Regex"))
        if scan.matches and refuted is not None:
            superfluous.add(refuted)
    for finding in findings:
        if not finding.from_run:
            continue
        for rule in CONFIRMS.get(finding.rule, ()):
            other = read.get((rule, finding.path)) or read.get((rule, ""))  # of the script as a whole
            if other is None and rule == "HPO055":  # a script that reads no hyperparameter at all
                other = read.get((rule, finding.path.partition(".")[0]))
            if other is not None:
                weighs_more = SEVERITIES.index(finding.severity) < SEVERITIES.index(other.severity)
                superfluous.add(other if weighs_more else finding)
    return [finding for finding in findings if finding not in superfluous] if superfluous else findings

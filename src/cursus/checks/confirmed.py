"""What the source already told is told once where the run confirms it, and not at all where the run refutes it."""

from __future__ import annotations

from collections.abc import Mapping

from cursus.model import SEVERITIES, Evidence, Finding

CONFIRMS: Mapping[str, tuple[str, ...]] = {
    "CHN090": ("CHN052",),
    "HPO090": ("HPO053", "HPO055", "HPO056", "HPO061", "HPO062", "HPO064"),
    "MON090": ("MON050",),
    "MON091": ("MON002", "MON051"),
    "MON092": ("MON051",),
    "RES097": ("RES050", "RES056"),
}
"""For a rule on runs: the rules on source code or request that say the same of the same place without a run."""


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
            other = read.get((rule, finding.path))
            if other is None and rule == "HPO055":  # a script that reads no hyperparameter at all
                other = read.get((rule, finding.path.partition(".")[0]))
            if other is not None:
                weighs_more = SEVERITIES.index(finding.severity) < SEVERITIES.index(other.severity)
                superfluous.add(other if weighs_more else finding)
    return [finding for finding in findings if finding not in superfluous] if superfluous else findings

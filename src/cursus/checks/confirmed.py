"""What a run only confirms of the source or the request is told once, and not at all what it refutes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from cursus.checks.evidence.endings import FRAME, brief, exit_code
from cursus.evidence import Evidence
from cursus.model import SEVERITIES, Finding, Location

CONFIRMS: Mapping[str, tuple[str, ...]] = {
    "ART068": ("ART067",),
    "ART091": ("ART050",),
    "ART094": ("ART053",),
    "ART095": ("ART065",),
    "CHN090": ("CHN052",),
    "HPO090": ("HPO053", "HPO055", "HPO056", "HPO060", "HPO061", "HPO062", "HPO064"),
    "MON090": ("MON001", "MON050"),
    "MON091": ("MON002", "MON051"),
    "MON092": ("MON051",),
    "RES097": ("ART057", "ART059", "RES050", "RES056"),
}
"""For a rule on runs: the rules on source code or request that say the same of the same place, or of the whole script, without a run."""

SHELL_LINE = re.compile(r"(?:\./)?([\w./-]+\.sh): line (\d+): ")
"""The beginning of what a shell says of a line of its script."""
PROVED = frozenset({"ART055", "FRM070"})
"""Rules that warn where they cannot know that a line is come to: of a line where the job failed they know."""
USAGE = re.compile(r"\S+: error: .*")
UNKNOWN = "unrecognized arguments: "
FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
LEFT_ALONE = re.compile(r"Connection (?:closed|reset) by (?:remote )?peer|remote process exited")
"""What a process says that waits for one which has ended."""
NOT_A_CHANNEL = frozenset({"CHN050", "CHN051", "CHN055", "CHN056"})
"""Rules on what a script reads of channels: what these see is what a run does not find."""


def _failures(findings: list[Finding]) -> list[Finding]:
    """What the run itself says of a job that failed."""
    return [finding for finding in findings if finding.from_run and finding.rule == "FRM090"]


def _failed_at(failed: list[Finding], evidence: Evidence) -> set[tuple[str, str]]:
    """The lines of the source that a failed job names, each as its file and its number."""
    if not failed:
        return set()
    text = brief(evidence)
    placed = ((f.location.file, str(f.location.line)) for f in failed if f.location)
    return {*FRAME.findall(text), *SHELL_LINE.findall(text), *placed}


def _proved(findings: list[Finding], evidence: Evidence) -> dict[Finding, Finding]:
    """Warnings that say why the job failed, at the line where it did, as the errors that they are then."""
    places = _failed_at(_failures(findings), evidence)
    return {
        one: replace(one, severity="error", from_run=True)
        for one in findings
        if one.rule in PROVED
        and one.severity != "error"
        and not one.from_run
        and one.location is not None
        and _at(one.location, places)
    }


def _not_started(rule: str, evidence: Evidence) -> bool:
    """True where the run ended as one does which cannot start what this rule looks at."""
    code = exit_code(evidence)
    if rule == "FRM050":
        return code == 2 and "can't open file" in brief(evidence)
    return rule == "FRM056" and code in (126, 127)


def _foretold(findings: list[Finding], proved: Collection[Finding], evidence: Evidence) -> set[Finding]:
    """A failed job, where an error that was read from the source or the request says why: at a line of the traceback,
    of an argument that the parser refused, of a program that cannot be started."""
    failed = _failures(findings)
    if proved or not failed:
        return set(failed)
    places = _failed_at(failed, evidence)
    usage = USAGE.search(brief(evidence))
    refused = {*FLAG.findall(usage[0]), *usage[0].partition(UNKNOWN)[2].split()} if usage else set()
    for finding in findings:
        if finding.from_run or finding.severity != "error":
            continue
        where = finding.location
        at = where is not None and _at(where, places)
        argument = finding.rule.startswith("HPO") and not refused.isdisjoint(finding.about)
        if at or argument or _not_started(finding.rule, evidence):
            return set(failed)
    return set()


def _ending_told(findings: list[Finding], proved: Collection[Finding], evidence: Evidence) -> set[Finding]:
    """What is said of a failed job beside its cause: that was read, or is a file of a channel that it did not find."""
    found = [one for one in findings if one.rule == "CHN093"]
    foretold = _foretold(findings, proved, evidence)
    if foretold or (found and any(one.rule in NOT_A_CHANNEL and one.severity == "error" for one in findings)):
        foretold = {*foretold, *found}
    return {*foretold, *(one for one in findings if found and one.rule == "FRM090")}


def _strays_told(findings: list[Finding]) -> set[Finding]:
    """What a run says of files that are thrown away, each of which the script's lines were already named for."""
    read = {path for finding in findings if finding.rule == "ART052" for path in finding.about}
    return {finding for finding in findings if finding.rule == "ART093" and read.issuperset(finding.about)}


def _with_causes(findings: list[Finding], evidence: Evidence) -> list[Finding]:
    """A job that waits for good, or for a process that has gone, told where the script lets some wait for others."""
    hangs = [
        one
        for one in findings
        if one.rule == "RES098"
        or (one.rule == "DST090" and not evidence.waits)
        or (one.rule == "FRM090" and LEFT_ALONE.search(brief(evidence)))
    ]
    causes = [finding for finding in findings if finding.rule == "DST054"] if hangs else []
    if not causes:
        return findings
    proved = {cause: replace(cause, severity=hangs[0].severity, from_run=True) for cause in causes}
    return [proved.get(finding, finding) for finding in findings if finding not in hangs]


def _with_first_start(findings: list[Finding], evidence: Evidence) -> list[Finding]:
    """A checkpoint that is taken at the first start: an error where the run failed there, nothing where it went on."""
    if evidence.starts and evidence.starts[0].restored:
        return findings
    if evidence.status == "Completed" and evidence.starts:
        return [finding for finding in findings if finding.rule != "RES061"]
    failed = _failures(findings)
    places = FRAME.findall(brief(evidence)) if failed else ()
    for finding in findings:
        where = finding.location if finding.rule == "RES061" else None
        if where is not None and _at(where, places):
            proved = replace(finding, severity="error", from_run=True)
            return [proved, *(one for one in findings if one is not finding and one not in failed)]
    return findings


def _at(where: Location, places: Iterable[tuple[str, str]]) -> bool:
    """True for one of these lines of files below the source directory."""
    return any(f"/{where.file}".endswith(f"/{name}") and str(where.line) == line for name, line in places)


def _with_places(findings: list[Finding]) -> list[Finding]:
    """Artifacts that the run missed at the line of the script that writes something else, where it was read."""
    read = {name: f for f in findings if f.rule == "ART051" for name in f.about}
    left = {name: f for f in findings if f.rule == "ART052" for name in f.about}
    made: dict[Finding, Finding] = {}
    for finding in findings if read or left else ():
        if finding.rule != "ART090" or not finding.about:
            continue
        name, *beside = finding.about
        there = next((left[path] for path in beside if path in left), None)
        if there is not None:
            made[finding] = made[there] = replace(finding, location=finding.location or there.location)
        elif name in read:
            other = read[name]
            made[finding] = replace(finding, location=finding.location or other.location, remedy=other.remedy)
            made[other] = made[finding]
    return list(dict.fromkeys(made.get(finding, finding) for finding in findings))


def told_once(findings: list[Finding], evidence: Evidence) -> list[Finding]:
    """``findings`` without those of a run that only confirm another one at the same place.

    Without ``MON050`` too, a metric that no printed line has, where the run printed such lines; and without a failure
    that was foretold.

    The finding that was made by reading names the line at fault, and is kept unless the run's weighs more; that of a
    metric's line is kept then too, and weighs as much.
    """
    read = {(f.rule, f.path): f for f in findings if not f.from_run}
    superfluous: set[Finding] = set()
    raised: dict[Finding, Finding] = {}
    for position, scan in enumerate(evidence.metric_scans):
        key = ("MON050", f"AlgorithmSpecification.MetricDefinitions[{position}].Regex")
        if key in read and (scan.matches or scan.given_up):
            superfluous.add(read.pop(key))
    for finding in findings:
        if not finding.from_run:
            continue
        for rule in CONFIRMS.get(finding.rule, ()):
            other = read.get((rule, finding.path)) or read.get((rule, ""))  # of the script as a whole
            if other is None and rule == "HPO055":  # a script that reads no hyperparameter at all
                other = read.get((rule, finding.path.partition(".")[0]))
            if other is not None:
                weighs_more = SEVERITIES.index(finding.severity) < SEVERITIES.index(other.severity)
                if weighs_more and rule == "MON050" and other.location is not None:
                    raised[other] = replace(other, severity=finding.severity, from_run=True)
                    weighs_more = False
                superfluous.add(other if weighs_more else finding)
    proved = _proved(findings, evidence)
    raised |= proved
    superfluous |= _ending_told(findings, proved, evidence) | _strays_told(findings)
    kept = [raised.get(finding, finding) for finding in findings if finding not in superfluous]
    return _with_first_start(_with_causes(_with_places(kept), evidence), evidence)

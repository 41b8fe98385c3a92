"""One cause is told once: by the rule that says most of it, and not at all where the run refutes what was read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

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

ECHOES: Mapping[str, tuple[str, ...]] = {
    "FRM006": ("STP033",),
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


FRAME = re.compile(r'File "/opt/ml/code/([^"]+)", line (\d+)')
"""A line of a traceback that is in the source of the job."""
SHELL_LINE = re.compile(r"(?:\./)?([\w./-]+\.sh): line (\d+): ")
"""The beginning of what a shell says of a line of its script."""
PROVED = frozenset({"ART055", "FRM070"})
"""Rules that warn where they cannot know that a line is come to: of a line where the job failed they know."""
USAGE = re.compile(r"\S+: error: .*")
FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
NAMED = re.compile(r"'([^']+)'")
LEFT_ALONE = re.compile(r"Connection (?:closed|reset) by (?:remote )?peer|remote process exited")
"""What a process says that waits for one which has ended."""
NOT_A_CHANNEL = frozenset({"CHN050", "CHN051", "CHN055", "CHN056"})
"""Rules on what a script reads of channels: what these see is what a run does not find."""
NOT_STARTED = {
    "FRM050": re.compile(r"exit code 2\b.*can't open file"),
    "FRM056": re.compile(r"exit code 12[67]\b"),
}
"""For a rule on what a job begins with: how a run ends where that cannot be started."""


def _failed_at(failed: list[Finding]) -> set[tuple[str, str]]:
    """The lines of the source that a failed job names, each as its file and its number."""
    text = "\n".join(finding.message for finding in failed)
    placed = ((f.location.file, str(f.location.line)) for f in failed if f.location)
    return {*FRAME.findall(text), *SHELL_LINE.findall(text), *placed}


def _proved(findings: list[Finding]) -> dict[Finding, Finding]:
    """Warnings that say why the job failed, at the line where it did, as the errors that they are then."""
    places = _failed_at([one for one in findings if one.from_run and one.rule == "FRM090"])
    return {
        one: replace(one, severity="error", from_run=True)
        for one in findings
        if one.rule in PROVED
        and one.severity != "error"
        and not one.from_run
        and one.location is not None
        and _at(one.location, places)
    }


def _foretold(findings: list[Finding], proved: Collection[Finding]) -> set[Finding]:
    """A failed job, where an error that was read from the source or the request says why: at a line of the traceback,
    of an argument that the parser refused, of a program that cannot be started."""
    failed = [finding for finding in findings if finding.from_run and finding.rule == "FRM090"]
    if proved:
        return set(failed)
    text = "\n".join(finding.message for finding in failed)
    places = _failed_at(failed)
    usage = USAGE.findall(text)
    refused = {flag for line in usage for flag in FLAG.findall(line)}
    unknown = {word for line in usage for word in line.partition("unrecognized arguments: ")[2].split()}
    for finding in findings if failed else ():
        if finding.from_run or finding.severity != "error":
            continue
        where = finding.location
        at = where is not None and _at(where, places)
        argument = finding.rule.startswith("HPO") and (
            refused & set(FLAG.findall(finding.message)) or unknown & set(NAMED.findall(finding.message))
        )
        ending = NOT_STARTED.get(finding.rule)
        if at or argument or (ending is not None and ending.search(text)):
            return set(failed)
    return set()


def _ending_told(findings: list[Finding], proved: Collection[Finding]) -> set[Finding]:
    """What is said of a failed job beside its cause: that was read, or is a file of a channel that it did not find."""
    found = [one for one in findings if one.rule == "CHN093"]
    foretold = _foretold(findings, proved)
    if foretold or (found and any(one.rule in NOT_A_CHANNEL and one.severity == "error" for one in findings)):
        foretold = {*foretold, *found}
    return {*foretold, *(one for one in findings if found and one.rule == "FRM090")}


def _strays_told(findings: list[Finding]) -> set[Finding]:
    """What a run says of files that are thrown away, each of which the script's lines were already named for."""
    read = " ".join(finding.message for finding in findings if finding.rule == "ART052")
    return {
        finding
        for finding in findings
        if finding.rule == "ART093"
        and all(f"'{path}'" in read for path in finding.message.partition(": ")[2].split(", "))
    }


def _with_causes(findings: list[Finding]) -> list[Finding]:
    """A job that waits for good, or for a process that has gone, told where the script lets some wait for others."""
    hangs = [
        one
        for one in findings
        if one.rule == "RES098"
        or (one.rule == "DST090" and "did not end" in one.message)
        or (one.rule == "FRM090" and LEFT_ALONE.search(one.message))
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
    failed = [finding for finding in findings if finding.from_run and finding.rule == "FRM090"]
    places = FRAME.findall("\n".join(finding.message for finding in failed))
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
    read = {
        NAMED.findall(f.message)[0]: f for f in findings if f.rule == "ART051" and NAMED.search(f.message)
    }
    left = {f"wrote {NAMED.findall(f.message)[0]}, ": f for f in findings if f.rule == "ART052"}
    if not read and not left:
        return findings
    made: dict[Finding, Finding] = {}
    for finding in findings:
        name = NAMED.search(finding.message) if finding.rule == "ART090" else None
        there = next((f for told, f in left.items() if name and told in (finding.remedy or "")), None)
        if there is not None:
            made[finding] = made[there] = replace(finding, location=finding.location or there.location)
        elif name is not None and name[1] in read:
            other = read[name[1]]
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
    proved = _proved(findings)
    raised |= proved
    superfluous |= _ending_told(findings, proved) | _strays_told(findings)
    kept = [raised.get(finding, finding) for finding in findings if finding not in superfluous]
    return _with_first_start(_with_causes(_with_places(kept)), evidence)

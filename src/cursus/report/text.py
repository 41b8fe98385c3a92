"""The report for people: a line a finding, as compilers write it, with what to do below it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cursus.report.outcome import Outcome, Record, TargetOutcome, beside_findings, reason_of, verdict_of
from cursus.report.plain import Style, clean, count, one_line


def render(outcome: Outcome, *, color: bool = False, explain: bool = False) -> Iterator[str]:
    """Lines of text; ``explain`` adds, below each finding, why its rule exists."""
    style = Style(color)
    seen: set[str] = set()
    several = len(outcome.targets) > 1
    for target in outcome.targets:
        if target.failure:
            place, reason = target.placed_failure
            word = (
                "a bug of ours" if target.bug else "nothing to look at" if target.readable else "unreadable"
            )
            word = style(word, "error")
            yield f"{one_line(shortened(place))}: {word}: {_indented(reason)}\n"
            continue
        if target.tests is not None:
            yield from _tests(target, style, several, outcome.live)
        elif several and _lies_elsewhere(target):
            yield style(f"== {one_line(shortened(target.target))}", "bold") + "\n"
        yield from _findings(target, style, explain, seen)
        for note in target.report.notes if target.report else ():
            yield f"{one_line(target.target)}: {style('note', 'dim')}: {clean(note)}\n"
    for record in outcome.extra:
        yield from finding(record, style, explain, seen)
    for note in outcome.notes:
        yield f"{style('note', 'dim')}: {clean(note)}\n"
    yield style(summary(outcome), "good" if outcome.ok else "error") + "\n"


def _lies_elsewhere(target: TargetOutcome) -> bool:
    """True where a finding stands in another file than the target: in a script, which several steps may share."""
    own = shortened(target.target)
    return any(shortened(record.get("file") or own) != own for record in target.findings())


def _findings(target: TargetOutcome, style: Style, explain: bool, seen: set[str]) -> Iterator[str]:
    records = list(target.findings())
    if target.tests is not None:  # those of a test stand below it already
        shown = [
            one for result in target.tests.get("tests", {}).values() for one in result.get("findings", ())
        ]
        records = [one for one in records if {k: v for k, v in one.items() if k != "target"} not in shown]
    sections = target.report.sections if target.report else ()
    several = len(sections) > 1
    order = {section.name: position for position, section in enumerate(sections)}
    if several:
        records.sort(key=lambda record: order.get(record["step"], len(order)))
    current = None
    for record in records:
        if several and record["step"] != current:
            current = record["step"]
            section = sections[order[current]] if current in order else None
            kind = (section.operation or f"{section.type} step") if section else ""
            yield style(f"== {one_line(current)}{f' ({kind})' if kind else ''}", "bold") + "\n"
        yield from finding(record, style, explain, seen)


def finding(
    record: Record, style: Style, explain: bool = False, seen: set[str] | None = None
) -> Iterator[str]:
    """One finding: where, what, and the remedy indented below."""
    place = shortened(record.get("file") or record.get("target") or "")
    if record.get("file") and record.get("line"):
        place += f":{record['line']}" + (f":{record['column']}" if record.get("column") else "")
    severity = record["severity"]
    label = style(f"{severity}[{record['rule']}]", severity)
    path = f" {style(one_line(record['path']), 'bold')}:" if record.get("path") else ""
    run = " (seen in the run)" if record.get("from_run") else ""
    before = f"{one_line(place)}: " if place else ""
    yield f"{before}{label}{path} {_indented(record['message'])}{run}\n"
    if record.get("remedy"):
        yield f"    {_indented(record['remedy'])}\n"
    if explain and seen is not None and record["rule"] not in seen:
        seen.add(record["rule"])
        yield from _explanation(record["rule"], style)


def shortened(file: str) -> str:
    """``file`` without the current folder before it."""
    try:
        return file.removeprefix(os.getcwd() + os.sep)  # noqa: PTH109
    except OSError:  # the current folder has gone
        return file


def _indented(text: str) -> str:
    return clean(text).replace("\n", "\n    ")


def _explanation(id: str, style: Style) -> Iterator[str]:
    from cursus import checks
    from cursus.checks.rules import RULES, page

    checks.load()
    rule = RULES.get(id)
    if rule is not None:
        sections = page(rule).sections
        for heading in ("What it does", "Why", "Right", "Source"):
            body = sections[heading].replace("\n", "\n        ")
            yield f"      {style(heading, 'dim')}:\n        {body}\n"


def _tests(target: TargetOutcome, style: Style, several: bool, live: bool) -> Iterator[str]:
    """The nine tests, each with its findings; ``live``: the table of them stands above already.

    Of ``several`` targets, whose steps may be called the same, each is named.
    """
    results = target.tests or {}
    if not live:
        name = str(results.get("step_name") or target.target)
        whose = f" of {shortened(target.target)}" if several and target.target != name else ""
        kind = results.get("step_type") or "no step"
        yield style(f"== {one_line(name)} ({kind}){one_line(whose)}", "bold") + "\n"
    for test, result in target.results.items():
        told = list(explained(result, style))
        if told or not live:
            yield test_line(test, result, style) + "\n"
        yield from told
    run = results.get("local_run") or {}
    if run.get("summary"):
        yield f"local run: {clean(' '.join(map(shortened, run['summary'].split(' '))))}\n"
        for sentence in run.get("not_reproduced") or ():
            yield f"    not reproduced: {clean(sentence)}\n"


def explained(result: Record, style: Style) -> Iterator[str]:
    """Why a test went as it did: its findings, and what else was wrong, indented."""
    for record in result.get("findings") or ():
        for line in finding(record, style):
            yield "    " + line.replace("\n", "\n    ").rstrip(" ")
    for word in ("error", "warning"):
        for text in beside_findings(result, f"{word}s"):
            yield f"    {style(word, word)}: {_indented(text)}\n"


LOOKS = {
    "passed": ("passed ", "good"),
    "failed": ("FAILED ", "error"),
    "skipped": ("skipped", "warning"),
    "expected": ("failed, as expected", "warning"),
    "unexpected": ("PASSED, though a failure was expected", "error"),
}


def test_line(test: str, result: Record, style: Style) -> str:
    """One Level 4 test and what became of it: a skip says why, an expected failure too."""
    word, look = LOOKS.get(verdict_of(result), ("?", "error"))
    text = f"{style(word, look)} {test}"
    reason = reason_of(result)
    if reason:
        text += f": {one_line(reason)}"
    warnings = len(result.get("warnings") or ())
    return text + (f" ({count(warnings, 'warning')})" if warnings else "")


def summary(outcome: Outcome) -> str:
    """One line: how much of what, in how many steps, by which service model."""
    counts = outcome.counts()
    parts = [count(counts["errors"], "error")]
    parts += [count(counts[key + "s"], key) for key in ("warning", "info") if counts[key + "s"]]
    text = ", ".join(parts)
    if outcome.command == "test":
        text = f"{_test_summary(outcome)}; {text}"
    elif not any(counts[key] for key in ("steps", "errors", "warnings", "infos")):
        text = "nothing was checked"
    else:
        text += f" in {count(counts['steps'], 'step')}"
        if counts["targets"] > 1:
            text += f" of {count(counts['targets'], 'target')}"
    if counts["unreadable"]:
        text += f"; {counts['unreadable']} could not be read"
    if outcome.strict and not outcome.ok and not counts["errors"] and counts["warnings"]:
        text += "; with --strict, or strict in the configuration, warnings fail"
    if outcome.service_model:
        text += f" (service model of {outcome.service_model})"
    return text


TALLY = {
    "passed": "passed",
    "unexpected": "passed unexpectedly",
    "failed": "failed",
    "expected": "failed as expected",
    "skipped": "skipped",
}


def _test_summary(outcome: Outcome) -> str:
    found = [
        verdict_of(result)
        for target in outcome.targets
        for result in (target.tests or {}).get("tests", {}).values()
    ]
    words = [f"{found.count(status)} {word}" for status, word in TALLY.items() if status in found]
    return ", ".join(words) or "nothing tested"

"""The report as one HTML page, to open in a browser or keep as a build artifact: no script, nothing fetched.

Needs Jinja2 (``pip install jinja2``), which escapes whatever a request or a log put into a message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cursus.errors import CursusError
from cursus.redact import redact
from cursus.report.outcome import Outcome, Record, TargetOutcome, beside_findings, reason_of, verdict_of
from cursus.report.plain import clean, one_line
from cursus.report.text import LOOKS, shortened, summary

TEMPLATE = Path(__file__).with_name("page.html.j2")
WIDTH, HEIGHT = 240, 48
"""Of the curve of a metric, in CSS pixels."""


class Section(NamedTuple):
    """Findings under one heading: those of a step, of a Level 4 test, or of the rest."""

    title: str
    findings: Sequence[Record]
    status: str = ""
    note: str = ""


class Curve(NamedTuple):
    """A metric's values as the points of an SVG polyline, with the numbers that stand beside it."""

    name: str
    points: str
    number: int
    first: float
    last: float
    low: float
    high: float


def render(outcome: Outcome) -> Iterator[str]:
    """The page.

    Raises:
        CursusError: Jinja2 is not installed.
    """
    try:
        import jinja2
    except ModuleNotFoundError:
        raise CursusError("--format html needs Jinja2: pip install jinja2") from None
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["clean"] = _printable
    environment.filters["short"] = shortened
    environment.filters["line"] = lambda text: _printable(one_line(str(text)))
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    yield from template.generate(
        title=f"cursus {outcome.command}",
        ok=outcome.ok,
        summary=summary(outcome),
        targets=[_target(target, outcome.bad) for target in outcome.targets],
        extra=list(outcome.extra),
        notes=outcome.notes,
        pages=_pages(outcome),
        size=(WIDTH, HEIGHT),
    )
    yield "\n"


def _printable(text: object) -> str:
    """``clean``, without what HTML has no place for."""
    return clean(str(text)).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _target(target: TargetOutcome, bad: Sequence[str]) -> dict[str, Any]:
    tests = target.tests or {}
    sections = list(_tested(target) if target.tests is not None else _steps(target, bad))
    # Of a thousand steps those with something to tell would be lost among the others.
    silent = [one for one in sections if target.tests is None and not one.findings]
    if len(silent) < 2:
        silent = []
    return {
        "name": target.target,
        "passed": target.passed,
        "failure": target.failure.removeprefix(f"{target.target}: "),
        "readable": target.readable,
        "bug": target.bug,
        "sections": [one for one in sections if one not in silent],
        "silent": silent,
        "notes": target.report.notes if target.report else (),
        "run": redact(dict(tests.get("local_run") or {})),
        "curves": [
            _curve(name, [point["value"] for point in points])
            for name, points in ((tests.get("local_run") or {}).get("metrics") or {}).items()
        ],
    }


def _steps(target: TargetOutcome, bad: Sequence[str]) -> Iterator[Section]:
    """A section a step, the pipeline's own among them, and one for what belongs to none; one for steps of one name."""
    sections = target.report.sections if target.report else ()
    named = list({section.name: section for section in sections}.values())
    found: dict[str, list[Record]] = {section.name: [] for section in named}
    beside: list[Record] = []
    for record in target.findings():
        only = named[0].name if len(sections) == 1 else record["step"]
        found.get(only, beside).append(record)
    for section in named:
        kind = section.operation or f"{section.type} step"
        yield Section(f"{section.name} ({kind})", found[section.name], _status(found[section.name], bad))
    if beside:
        yield Section("beside the steps", beside, _status(beside, bad))


def _status(records: Sequence[Record], bad: Sequence[str] = ("error",)) -> str:
    return "failed" if any(one["severity"] in bad for one in records) else "passed"


def _tested(target: TargetOutcome) -> Iterator[Section]:
    """A section a Level 4 test."""
    left = list(target.findings())
    for name, result in target.results.items():
        mine = [{**one, "target": target.target} for one in redact(list(result.get("findings") or ()))]
        left = [one for one in left if one not in mine]
        status = verdict_of(result)
        others = (*beside_findings(result, "errors"), *beside_findings(result, "warnings"))
        note = "\n".join(filter(None, [reason_of(result), *others]))
        yield Section(name, mine, status if status in LOOKS else "failed", note)
    if left:
        yield Section("beside the tests", left, _status(left))


def _curve(name: str, values: Sequence[float]) -> Curve:
    """The values over their order: a metric is printed once a round, and seconds say little."""
    finite = [value for value in values if abs(value) != float("inf") and value == value]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    step = WIDTH / max(len(values) - 1, 1)
    span = (high - low) or 1.0
    drawn = [
        f"{position * step:.1f},{HEIGHT - 2 - (value - low) / span * (HEIGHT - 4):.1f}"
        for position, value in enumerate(values)
        if low <= value <= high
    ]
    return Curve(name, " ".join(drawn), len(values), values[0], values[-1], low, high)


def _pages(outcome: Outcome) -> dict[str, dict[str, str]]:
    """Of every rule that was broken: why it exists, how it looks made right, and where that is written."""
    from cursus import checks
    from cursus.checks.rules import RULES, page

    checks.load()
    broken = dict.fromkeys(record["rule"] for record in outcome.findings())
    return {id: {"title": RULES[id].title, **page(RULES[id]).sections} for id in broken if id in RULES}

"""An outcome in the format that was asked for, whose module is imported then."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.report.outcome import Outcome

FORMATS = ("text", "json", "jsonl", "sarif", "junit", "github", "html")


def render(outcome: Outcome, format: str, *, color: bool = False, explain: bool = False) -> Iterator[str]:
    """The outcome in one of ``FORMATS``, as pieces of text.

    ``color`` and ``explain`` (why each rule exists) are for ``text``.
    """
    if format == "text":
        from cursus.report import text

        return text.render(outcome, color=color, explain=explain)
    if format in ("json", "jsonl"):
        from cursus.report import as_json

        return as_json.render(outcome) if format == "json" else as_json.render_lines(outcome)
    if format == "sarif":
        from cursus.report import sarif

        return sarif.render(outcome)
    if format == "junit":
        from cursus.report import junit

        return junit.render(outcome)
    if format == "github":
        from cursus.report import github

        return github.render(outcome)
    if format == "html":
        from cursus.report import html

        return html.render(outcome)
    raise ValueError(f"no format {format!r}; there are {', '.join(FORMATS)}")

"""What a rule yields, turned into a finding."""

from __future__ import annotations

from functools import lru_cache

from cursus.checks.rules import Problem, Rule
from cursus.model import Finding, Path, Pipeline, Step, format_path
from cursus.redact import HIDDEN, LONGEST_TEXT, cut, is_secret, is_secret_value, prose


def finding_of(
    rule: Rule, problem: Problem, path: Path, owner: Step | Pipeline, step: str, *, from_run: bool = False
) -> Finding:
    """The finding of ``rule`` at ``path`` of what ``owner`` sends; ``step`` is the name of the step that it is in."""
    location = problem.location
    if location is None and owner.origins:
        origin = owner.origin(path)
        location = origin.location if origin else None
    return Finding(
        rule.id,
        problem.severity or rule.severity,
        _said(problem.message),
        _formatted((*owner.prefix, *path)),
        _said(problem.remedy),
        rule.area,
        location,
        step,
        from_run,
        tuple(_formatted((*owner.prefix, *place)) for place in problem.meant),
        problem.about,
    )


def finding_in(found: Finding, step: str) -> Finding:
    """The same finding in a step of this name (``dataclasses.replace`` takes twice as long)."""
    return Finding(
        found.rule,
        found.severity,
        found.message,
        found.path,
        found.remedy,
        found.area,
        found.location,
        step,
        found.from_run,
        found.meant,
        found.about,
    )


def with_words(found: Finding, sentence: str) -> str:
    """The message of a finding, with another sentence behind it."""
    end = "" if found.message.endswith((".", "?")) else "."
    return cut(f"{found.message}{end} {sentence}", LONGEST_TEXT)


@lru_cache(maxsize=4096)
def _formatted(path: Path) -> str:
    return format_path([_part(part) if isinstance(part, str) else part for part in path])


def _part(name: str) -> str:
    if is_secret(name):  # a key and its value exchanged
        return HIDDEN
    return cut(name if name.isascii() else name.encode("utf-8", "backslashreplace").decode())


def _said(text: str) -> str:
    """A sentence as far as it may be told: a remedy may repeat a value with a secret in it."""
    return cut(prose(text) if is_secret_value(text) else text, LONGEST_TEXT)

"""Rules on ignores themselves. They belong to the area *step*."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cursus import checks
from cursus.checks.rules import RULES, Problem, rule
from cursus.checks.views import TrainingView
from cursus.ignores import Comment, Ignore, Ignores, read_comments
from cursus.model import Finding, Location, Severity
from cursus.redact import show
from cursus.script.source.there import is_dir, is_file
from cursus.suggest import did_you_mean

MAX_FILES = 500
"""Python files of a source directory that are searched for comments."""


def _comments(view: TrainingView) -> Iterator[Comment]:
    source = view.step.source
    if source is None:
        return
    folder = Path(source.directory)
    files = sorted(folder.glob("*.py"))[:MAX_FILES] if is_dir(folder) else []
    entry = folder / source.entry_point
    if entry not in files and is_file(entry):
        files.append(entry)
    for file in files:
        yield from read_comments(str(file)).comments


def leftovers(
    ignores: Ignores,
    entries: Iterable[Ignore],
    files: Iterable[str],
    scopes: Iterable[str],
    scripts: Iterable[str] = (),
    steps: Sequence[str] = (),
) -> list[Finding]:
    """Those of ``entries`` that took out nothing, and comments in ``files`` that cannot count or took out nothing.

    ``scopes`` are the scopes of rules that were looked at: an ignore of a rule that had nothing to read is no
    leftover. ``scripts`` are training scripts, whose comments that cannot count the rules below report, and ``steps`` the
    names that an entry may be for.
    """
    checks.load()
    looked = frozenset(scopes)
    findings = [
        unused((entry.rule,), entry.reason, entry.location, looked, *_place(entry, steps))
        for entry in entries
        if not ignores.is_used(entry) and looked.intersection(_scopes((entry.rule,)))
    ]
    told = dict.fromkeys(files, True)
    for file, faults in {**dict.fromkeys(scripts, False), **told}.items():
        for comment in read_comments(file).comments:
            fault = fault_of(comment)
            if fault is not None:
                findings.extend([fault] if faults else [])
            elif not ignores.is_used(comment) and looked.intersection(_scopes(comment.rules)):
                findings.append(unused(comment.rules, comment.reason, comment.location, looked))
    return findings


def _scopes(ids: Sequence[str]) -> set[str]:
    """The scopes of the rules that have one of ``ids`` or begin with it."""
    return {found.scope for id, found in RULES.items() if id.startswith(tuple(ids))}


def _place(entry: Ignore, steps: Sequence[str]) -> tuple[str, str]:
    """Where an ignore of the configuration looks, and the step that is meant where there is none of its name."""
    named = f" in the step {show(entry.step)}" if entry.step else ""
    hint = did_you_mean(entry.step, steps) if entry.step and entry.step not in steps else ""
    return (f" at {show(entry.path)}" if entry.path else "") + named, f".{hint}" if hint else ""


def unused(
    ids: Sequence[str],
    reason: str,
    location: Location | None,
    looked: frozenset[str],
    place: str = "",
    hint: str = "",
) -> Finding:
    """The finding on an ignore that took out nothing; ``looked`` are the scopes of rules that were looked at."""
    remedy = "remove it, so that it cannot hide a later fault"
    if "run" in _scopes(ids) - looked:
        remedy = "remove it, unless a run needs it: `cursus test` tells"
    message = f"the ignore of {', '.join(ids)}{place} ({reason}) ignores nothing{hint}"
    return _finding("STP080", "info", message, remedy, location)


def fault_of(comment: Comment) -> Finding | None:
    """Why a comment cannot count; None where it can."""
    if comment.word != "ignore":
        message = f"the comment does not ignore anything: it says {show(comment.word)}"
        form = f"# cursus: ignore[{', '.join(comment.rules)}] {comment.reason or 'the reason'}"
        return _finding("STP081", "warning", message, f"write `{form}`", comment.location)
    if not comment.counts:
        lacks = "names no rule" if not comment.rules else "gives no reason"
        message = f"the ignore comment {lacks}, so it does not count"
        form = f"# cursus: ignore[{', '.join(comment.rules) or 'CHN018'}] the reason"
        return _finding("STP081", "warning", message, f"write `{form}`", comment.location)
    checks.load()
    for name in comment.rules:
        if not any(id.startswith(name) for id in RULES):
            message = f"the ignore comment names {show(name)}, which is no rule.{did_you_mean(name, RULES)}"
            remedy = "write the id of a rule; `cursus rules` lists them"
            return _finding("STP080", "info", message, remedy, comment.location)
    return None


def _finding(id: str, severity: Severity, message: str, remedy: str, location: Location | None) -> Finding:
    return Finding(id, severity, message, remedy=remedy, location=location)


def _faults(view: TrainingView, id: str) -> Iterator[Problem]:
    for comment in _comments(view):
        fault = fault_of(comment)
        if fault is not None and fault.rule == id:
            yield Problem(fault.message, remedy=fault.remedy, location=fault.location)


@rule("STP080", severity="info", scope="script")
def ignore_of_nothing(view: TrainingView) -> Iterator[Problem]:
    """An ignore ignores nothing

    What it does:
        Reports an ignore, in the configuration or in a comment, that took out no finding, and a comment that names
        a rule that does not exist.
    Why:
        An ignore whose reason has gone stays behind and hides the next fault of its kind.
    Example:
          files:
            train.py: |
        -     print("training")  # cursus: ignore[CHN9999] the script splits the data by date
        +     print("training")
    Source:
        docs/cli.md, "Ignoring a finding"; the files that SageMaker sees:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html
    """
    yield from _faults(view, "STP080")


@rule("STP081", severity="warning", scope="script")
def ignore_without_reason(view: TrainingView) -> Iterator[Problem]:
    """An ignore comment gives no reason

    What it does:
        Reports a comment `# cursus: ignore[…]` without a reason, or without a rule, and one that says another word than
        ignore. Such a comment does not count.
    Why:
        An ignored error still fails the job. Only the reason tells the next reader why it cannot happen here.
    Example:
          files:
            train.py: |
        -     print("training")  # cursus: ignore[CHN018]
        +     print("training")
    Source:
        docs/cli.md, "Ignoring a finding"; the files that SageMaker sees:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html
    """
    yield from _faults(view, "STP081")

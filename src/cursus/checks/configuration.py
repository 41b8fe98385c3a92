"""Rules on ignores themselves. They belong to the area *step*."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cursus import checks
from cursus.checks.rules import RULES, Problem, rule
from cursus.checks.views import TrainingView
from cursus.ignores import Comment, fault_of, read_comments

MAX_FILES = 500
"""Python files of a source directory that are searched for comments."""


def _comments(view: TrainingView) -> Iterator[Comment]:
    source = view.step.source
    if source is None:
        return
    folder = Path(source.directory)
    files = sorted(folder.glob("*.py"))[:MAX_FILES] if folder.is_dir() else []
    entry = folder / source.entry_point
    if entry not in files and entry.is_file():
        files.append(entry)
    for file in files:
        yield from read_comments(str(file)).comments


def _faults(view: TrainingView, id: str) -> Iterator[Problem]:
    for comment in _comments(view):
        checks.load()
        fault = fault_of(comment, RULES)
        if fault is not None and fault[0] == id:
            yield Problem(fault[2], remedy=fault[3], location=comment.location)


@rule("STP080", area="step", severity="info", scope="script")
def ignore_of_nothing(view: TrainingView) -> Iterator[Problem]:
    """An ignore ignores nothing

    What it does:
        Reports an ignore, in the configuration or in a comment, that took out no finding, and a comment that names
        a rule that does not exist.
    Why:
        An ignore whose reason has gone stays behind and hides the next fault of its kind.
    Breaks:
        files:
          train.py: |
            print("training")  # cursus: ignore[CHN9999] the container reads it as CSV
    Right:
        files:
          train.py: |
            print("training")
    Source:
        docs/cli.md, "Ignoring a finding"; the files that SageMaker sees:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html
    Since:
        0.1
    """
    yield from _faults(view, "STP080")


@rule("STP081", area="step", severity="warning", scope="script")
def ignore_without_reason(view: TrainingView) -> Iterator[Problem]:
    """An ignore comment gives no reason

    What it does:
        Reports a comment `# cursus: ignore[…]` without a reason, or without a rule. Such a comment does not count.
    Why:
        An ignored error still fails the job. Only the reason tells the next reader why it cannot happen here.
    Breaks:
        files:
          train.py: |
            print("training")  # cursus: ignore[CHN004]
    Right:
        files:
          train.py: |
            print("training")
    Source:
        docs/cli.md, "Ignoring a finding"; the files that SageMaker sees:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html
    Since:
        0.1
    """
    yield from _faults(view, "STP081")

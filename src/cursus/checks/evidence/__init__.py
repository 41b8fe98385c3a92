"""Rules on the evidence of a local run."""

from __future__ import annotations

from cursus.checks.views import TrainingView
from cursus.evidence import Evidence


def of_run(view: TrainingView) -> Evidence:
    """The evidence of the job's run, without which no rule of scope ``run`` is asked."""
    assert view.evidence is not None
    return view.evidence

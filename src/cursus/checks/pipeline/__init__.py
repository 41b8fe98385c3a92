"""Rules on pipeline definitions, and what becomes of their findings."""

from __future__ import annotations

import json

from cursus.checks.views import PipelineView
from cursus.model import Path, Step


def place_of(view: PipelineView, step: Step) -> Path:
    """Where the request of a step stands in the pipeline's definition."""
    return step.prefix[len(view.pipeline.prefix) :]


def is_json(text: str) -> bool:
    """True for a text that is a mapping, as JSON writes it."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False

"""Rules on pipeline definitions, and what becomes of their findings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from cursus.checks.views import PipelineView
from cursus.model import Path, Step


def place_of(view: PipelineView, step: Step) -> Path:
    """Where the request of a step stands in the pipeline's definition."""
    return step.prefix[len(view.pipeline.prefix) :]


def again(values: Iterable[tuple[Path, object]]) -> Iterator[tuple[Path, str]]:
    """Of texts, each with its place, those that stood before."""
    seen: set[str] = set()
    for place, value in values:
        if isinstance(value, str):
            if value in seen:
                yield place, value
            seen.add(value)


def read_json(text: object) -> Any:
    """What a text says in JSON; anything else, and a text that is none, as it is."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return text


def is_json(text: str) -> bool:
    """True for a text that is a mapping, as JSON writes it."""
    return isinstance(read_json(text), dict)

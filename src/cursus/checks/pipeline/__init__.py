"""Rules on pipeline definitions, and what becomes of their findings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cursus.aws.pipelines import PipelineStep, Target, target_of
from cursus.checks.rules import Problem
from cursus.checks.step.image_names import stands_for_another
from cursus.checks.views import PipelineView, mapping, mappings
from cursus.model import Path, Severity, Step
from cursus.redact import show
from cursus.suggest import did_you_mean

ARTIFACTS = ("ModelArtifacts", "S3ModelArtifacts")
"""The property of a training step that is its model's archive."""


def place_of(view: PipelineView, step: Step) -> Path:
    """Where the request of a step stands in the pipeline's definition."""
    return step.prefix[len(view.pipeline.prefix) :]


def outputs_of(request: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any], Mapping[str, Any]]]:
    """Each output of a processing request: its place, itself, and its S3Output."""
    for i, entry in mappings(mapping(request, "ProcessingOutputConfig"), "Outputs"):
        yield ("ProcessingOutputConfig", "Outputs", i), entry, mapping(entry, "S3Output")


def writes(step: Step) -> Iterator[tuple[Path, Any]]:
    """The place and value of each location that a processing or transform step writes to."""
    if step.operation == "CreateProcessingJob":
        for place, _, target in outputs_of(step.request):
            yield (*place, "S3Output", "S3Uri"), target.get("S3Uri")
    elif step.operation == "CreateTransformJob":
        yield (
            ("TransformOutput", "S3OutputPath"),
            mapping(step.request, "TransformOutput").get("S3OutputPath"),
        )


def again(values: Iterable[tuple[Path, object]]) -> Iterator[tuple[Path, str]]:
    """Of texts, each with its place, those that stood before."""
    seen: set[str] = set()
    for place, value in values:
        if isinstance(value, str):
            if value in seen:
                yield place, value
            seen.add(value)


def repacks(step: PipelineStep) -> bool:
    """True for a training step of the SDK that packs another's model anew (_repack_model.py)."""
    held = mapping(step.arguments, "HyperParameters")
    return "model_archive" in held and "inference_script" in held


def trained_by(view: PipelineView, target: Target | None) -> str | None:
    """The step that trains the model which a reference names, behind one that packs it anew."""
    seen: set[str] = set()
    while target is not None and target.root == "Steps" and target.rest and target.rest[0] in _MODELS:
        step = view.definition.by_name.get(target.name)
        if step is None or target.name in seen:
            break  # steps that pack each other's model
        if not repacks(step):
            return target.name
        seen.add(target.name)
        target = target_of(mapping(step.arguments, "HyperParameters")["model_archive"])
    return None


_MODELS = ("ModelArtifacts", "BestTrainingJob", "TrainingJobSummaries", "BestCandidate")
"""Properties by which a step that trains gives its model away."""


def none_of(
    told: str, value: object, known: Iterable[str], path: Path, *, severity: Severity | None = None
) -> Problem:
    """What is wrong with a value that is not among the known ones; ``told`` says so, and the value follows."""
    names = list(known)
    hint = did_you_mean(str(value), names)
    return Problem(f"{told} {show(value)}.{hint}", path, "write one of " + ", ".join(names), severity)


def unfilled(value: object) -> Severity:
    """How bad a text of the wrong form is. A placeholder is filled in before the definition is sent; anything else is
    sent as it is, the ``{name}`` of an f-string without its f included."""
    text = str(value)
    marked = any(mark in text for mark in ("*", "<", ">", "$", "{{")) or stands_for_another(text)
    return "warning" if marked else "error"


def read_json(text: object) -> Any:
    """What a text says in JSON; anything else, and a text that is none, as it is."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return text


def is_json(text: str) -> bool:
    """True for a text that is a mapping, as JSON writes it."""
    return isinstance(read_json(text), dict)

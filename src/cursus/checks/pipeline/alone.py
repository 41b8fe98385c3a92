"""A processing job, transform job or model by itself: what rules on pipelines say of the request of one step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cursus.checks.outlines.plans import Plan, borrowed
from cursus.checks.rules import Check, Problem
from cursus.checks.views import PipelineView, RequestView, Settings
from cursus.model import Path, Pipeline

TYPES = {"CreateProcessingJob": "Processing", "CreateTransformJob": "Transform", "CreateModel": "Model"}
"""The types of the steps that such a request may be."""
ABOUT = (
    *("DEP034", "DEP035", "DEP036", "DEP038", "DEP039", "DEP050", "DEP052", "DEP066", "DEP069", "DEP092"),
    *("FRM024", "RES008", "RES021"),
    *("DEP033", "DEP046", "DEP051", "DEP056", "DEP064", "DEP090", "DEP091", "DEP096", "DEP098"),
)
"""The rules on pipelines that read the request of one step alone."""
TOP: Path = ("Steps", 0, "Arguments")


def plan(settings: Settings) -> Plan:
    """The rules to run over the view of such a request."""
    return borrowed("pipeline", ABOUT, _of_request, settings.select, settings.ignore)


def _of_request(check: Check, view: RequestView) -> Iterator[Problem]:
    """What a rule on pipelines finds in a pipeline of the one step."""
    made = view.__dict__.get("_pipeline")
    if not isinstance(made, PipelineView):
        made = view.__dict__["_pipeline"] = _pipeline(view)
    for problem in check(made):
        if problem.path[: len(TOP)] == TOP:
            yield replace(problem, path=problem.path[len(TOP) :])


def _pipeline(view: RequestView) -> PipelineView:
    step = view.step
    kind = TYPES[step.operation]
    entry = {"Name": step.name, "Type": kind, "Arguments": view.request}
    pipeline = Pipeline(step.name, {"Version": "2020-12-01", "Metadata": {}, "Steps": [entry]})
    return PipelineView(pipeline, [replace(step, type=kind, prefix=TOP, in_pipeline=True)], view.settings)

"""What AWS only tells you by failing the job: rules, one module per area."""

from __future__ import annotations

from functools import cache

MODULES: tuple[str, ...] = (
    "step",
    "demands",
    "spot",
    "identity",
    "strings",
    "secrets",
    "framework",
    "hyperparameters",
    "tuning",
    "tuning_jobs",
    "tuning_objective",
    "algorithms",
    "channels",
    "channel_data",
    "algorithm_channels",
    "artifacts",
    "monitoring",
    "distributed",
    "resources",
    "pipeline_structure",
    "pipeline_parameters",
    "pipeline_references",
    "pipeline_data",
    "pipeline_members",
    "configuration",
    "promises",
    "promises_compute",
    "hook_failures",
    "dependencies_promises",
)


@cache
def load() -> None:
    """Import every module of rules, so that ``RULES`` is complete."""
    import importlib

    for name in MODULES:
        importlib.import_module(f"cursus.checks.{name}")

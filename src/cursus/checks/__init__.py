"""What AWS only tells you by failing the job: rules, one module per area."""

from __future__ import annotations

from functools import cache

MODULES: tuple[str, ...] = (
    "step",
    "demands",
    "spot",
    "image_names",
    "identity",
    "strings",
    "secrets",
    "framework",
    "framework_fit",
    "hyperparameters",
    "tuning",
    "tuning_jobs",
    "tuning_definitions",
    "tuning_objective",
    "automl",
    "automl_data",
    "algorithms",
    "channels",
    "file_systems",
    "channel_data",
    "channel_groups",
    "algorithm_channels",
    "artifacts",
    "monitoring",
    "debugger",
    "distributed",
    "distributed_hosts",
    "distributed_promises",
    "resources",
    "resources_fit",
    "pipeline_structure",
    "pipeline_parameters",
    "pipeline_references",
    "pipeline_data",
    "pipeline_members",
    "pipeline_values",
    "pipeline_jobs",
    "pipeline_locations",
    "configuration",
    "script_files",
    "script_requirements",
    "script_endings",
    "script_arguments",
    "script_unheard",
    "script_channels",
    "script_unset",
    "script_artifacts",
    "script_metrics",
    "script_compute",
    "script_distributed",
    "script_places",
    "script_habits",
    "script_settings",
    "script_folders",
    "script_sequence",
    "script_size",
    "promises",
    "promises_outputs",
    "promises_compute",
    "hook_failures",
    "dependencies_promises",
    "lowering",
    "documents",
    "evidence",
    "evidence_usage",
    "evidence_artifacts",
    "evidence_spot",
    "evidence_logs",
    "evidence_numbers",
    "evidence_hosts",
)


ONLY: dict[str, tuple[str, ...]] = {
    "step": ("schema",),
    "demands": ("training",),
    "spot": ("training",),
    "image_names": ("request",),
    "identity": ("request", "training"),
    "strings": ("request",),
    "secrets": ("request",),
    "tuning": ("tuning",),
    "tuning_jobs": ("tuning",),
    "tuning_objective": ("tuning",),
    "tuning_definitions": ("tuning",),
    "automl": ("automl",),
    "automl_data": ("automl",),
    "pipeline_structure": ("pipeline",),
    "pipeline_parameters": ("pipeline",),
    "pipeline_references": ("pipeline",),
    "pipeline_data": ("pipeline",),
    "pipeline_members": ("pipeline",),
    "pipeline_values": ("pipeline",),
    "pipeline_jobs": ("pipeline",),
    "pipeline_locations": ("pipeline",),
    "configuration": ("script",),
    "script_files": ("script",),
    "script_requirements": ("script",),
    "script_endings": ("script",),
    "script_arguments": ("script",),
    "script_unheard": ("script",),
    "script_channels": ("script",),
    "script_unset": ("script",),
    "script_artifacts": ("script",),
    "script_metrics": ("script",),
    "script_compute": ("script",),
    "script_distributed": ("script",),
    "script_places": ("script",),
    "script_habits": ("script",),
    "script_settings": ("script",),
    "script_folders": ("script",),
    "script_sequence": ("script",),
    "script_size": ("script",),
    "promises": ("step",),
    "promises_outputs": ("step",),
    "promises_compute": ("step",),
    "hook_failures": ("step",),
    "dependencies_promises": ("step",),
    "lowering": ("step",),
    "documents": ("step",),
    "evidence": ("run",),
    "evidence_usage": ("run",),
    "evidence_artifacts": ("run",),
    "evidence_spot": ("run",),
    "evidence_logs": ("run",),
    "evidence_numbers": ("run",),
    "evidence_hosts": ("run",),
}
"""Modules that hold rules of these scopes alone, so that a request that has nothing of the kind does not wait for
them. A module that is not named here is loaded for every scope."""


@cache
def load(scope: str | None = None) -> None:
    """Import every module of rules that may hold one of ``scope``; all, so that ``RULES`` is complete, where None."""
    import importlib

    for name in MODULES:
        if scope is None or scope in ONLY.get(name, (scope,)):
            importlib.import_module(f"cursus.checks.{name}")


def position(module: str) -> int:
    """Where a module stands among all, so that findings have one order however rules were loaded."""
    name = module.rpartition(".")[2]
    return MODULES.index(name) if name in MODULES else len(MODULES)

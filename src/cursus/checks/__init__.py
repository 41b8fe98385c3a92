"""What AWS only tells you by failing the job: rules, a folder or module an area."""

from __future__ import annotations

from functools import cache

MODULES: tuple[str, ...] = (
    "step.members",
    "step.service_model",
    "step.demands",
    "step.spot",
    "step.image_names",
    "step.identity",
    "step.strings",
    "step.secrets",
    "framework.images",
    "framework.fit",
    "framework.promises",
    "framework.served",
    "pipeline.transforms",
    "pipeline.model_data",
    "framework.remote_functions",
    "framework.commands",
    "framework.records",
    "framework.models",
    "framework.trainer",
    "framework.variables",
    "hyperparameters",
    "tuning.ranges",
    "tuning.jobs",
    "tuning.definitions",
    "tuning.objective",
    "tuning.ends",
    "tuning.trainer",
    "automl.jobs",
    "automl.data",
    "algorithms.hyperparameters",
    "channels.inputs",
    "channels.file_systems",
    "channels.data",
    "channels.groups",
    "algorithms.channels",
    "algorithms.data",
    "algorithms.validation",
    "artifacts",
    "monitoring.metrics",
    "monitoring.debugger",
    "distributed.strategies",
    "distributed.hosts",
    "distributed.promises",
    "resources.instances",
    "resources.fit",
    "resources.regions",
    "pipeline.structure",
    "pipeline.parameters",
    "pipeline.references",
    "pipeline.properties",
    "pipeline.data",
    "pipeline.unreachable",
    "pipeline.members",
    "pipeline.loops",
    "pipeline.retries",
    "pipeline.caching",
    "pipeline.values",
    "pipeline.jobs",
    "pipeline.quality",
    "pipeline.notebooks",
    "pipeline.clusters",
    "pipeline.lineage",
    "pipeline.models",
    "pipeline.serving",
    "pipeline.locations",
    "pipeline.forms",
    "pipeline.endpoints",
    "pipeline.folders",
    "pipeline.names",
    "pipeline.gates",
    "pipeline.regions",
    "step.configuration",
    "script.files",
    "script.imports",
    "script.requirements",
    "script.releases",
    "script.endings",
    "script.arguments",
    "script.converted",
    "script.unheard",
    "script.environment",
    "script.channels",
    "script.opened",
    "script.unset",
    "script.data",
    "script.tables",
    "script.artifacts",
    "script.metrics",
    "script.compute",
    "script.distributed",
    "script.places",
    "script.habits",
    "script.unused",
    "script.settings",
    "script.folders",
    "script.sequence",
    "script.torch",
    "script.training",
    "script.keras",
    "script.removed",
    "script.shell",
    "script.size",
    "script.network",
    "script.paths",
    "script.processing",
    "promises.requests",
    "promises.channels",
    "promises.outputs",
    "promises.compute",
    "promises.tuning",
    "promises.failures",
    "promises.dependencies",
    "promises.lowering",
    "promises.lowering_tuning",
    "step.documents",
    "evidence.endings",
    "evidence.reads",
    "evidence.usage",
    "evidence.variants",
    "evidence.artifacts",
    "evidence.spot",
    "evidence.logs",
    "evidence.numbers",
    "evidence.trials",
    "evidence.hosts",
    "evidence.serving",
)


ONLY: dict[str, tuple[str, ...]] = {
    "step.members": ("schema",),
    "step.service_model": ("schema",),
    "step.demands": ("training",),
    "step.spot": ("training",),
    "step.image_names": ("request",),
    "step.identity": ("request", "training"),
    "step.strings": ("request",),
    "step.secrets": ("request",),
    "framework.served": ("request",),
    "pipeline": ("pipeline",),
    "framework.commands": ("request",),
    "framework.records": ("request",),
    "framework.models": ("request",),
    "framework.trainer": ("training",),
    "framework.variables": ("training",),
    "tuning": ("tuning",),
    "automl": ("automl",),
    "step.configuration": ("script",),
    "script": ("script",),
    "promises": ("step",),
    "step.documents": ("step",),
    "evidence": ("run",),
}
"""Modules, and folders of them, that hold rules of these scopes alone, so that a request that has nothing of the kind
does not wait for them. What is not named here is loaded for every scope."""


def scopes(name: str) -> tuple[str, ...] | None:
    """The scopes of a module's rules, by its name in ``MODULES``; None where it may hold rules of any."""
    return ONLY.get(name) or ONLY.get(name.partition(".")[0])


@cache
def load(scope: str | None = None) -> None:
    """Import every module of rules that may hold one of ``scope``; all, so that ``RULES`` is complete, where None."""
    import importlib

    for name in MODULES:
        found = scopes(name)
        if scope is None or found is None or scope in found:
            importlib.import_module(f"cursus.checks.{name}")


def position(module: str) -> int:
    """Where a module stands among all, so that findings have one order however rules were loaded."""
    name = module.removeprefix(f"{__name__}.")
    return MODULES.index(name) if name in MODULES else len(MODULES)

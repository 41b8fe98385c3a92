"""Whether a test has anything to look at. A test without is skipped with the reason, never passed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cursus.checks.promises.compute import switched_on
from cursus.checks.promises.dependencies import references
from cursus.checks.promises.failures import HOOK_AREAS
from cursus.checks.rules import RULES
from cursus.checks.views import TrainingView
from cursus.engine import selected
from cursus.model import Area
from cursus.steps.lowering.filling import CONFIG
from cursus.steps.lowering.unstarted import BUCKET
from cursus.validation.builders.framework import detect_framework
from cursus.validation.builders.trial import Trial

MEMBERS: dict[Area, tuple[str, ...]] = {
    "channels": ("InputDataConfig",),
    "artifacts": ("OutputDataConfig", "ModelPackageConfig"),
    "monitoring": (
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "ProfilerConfig",
        "ProfilerRuleConfigurations",
        "TensorBoardOutputConfig",
        "MlflowConfig",
    ),
    "resources": ("ResourceConfig", "HyperParameterTuningResourceConfig", "StoppingCondition"),
}
NO_STEP = "No step was created, so there is nothing to look at."
UNSELECTED = "No rule of this area is selected."
LACKS: dict[Area, str] = {
    "hyperparameters": "The request has no hyperparameters, and no hook gives any.",
    "channels": "The request has no channels (InputDataConfig), and no hook gives any.",
    "artifacts": "The request has no OutputDataConfig, and no hook names the artifacts.",
    "monitoring": "The request defines no metrics, debugger, profiler or log level, and no hook does.",
    "resources": "The request has no ResourceConfig, and no hook names resources.",
}


def nothing_to_look_at(trial: Trial, area: Area) -> str | None:
    """The reason why the test of ``area`` has nothing to look at, or None where it has."""
    if area == "step":
        return None
    if trial.step is None or not (trial.created or trial.hooks.keys() - {CONFIG}):
        return NO_STEP
    if not any(selected(rule.id, trial.settings) for rule in RULES.values() if rule.area == area):
        return UNSELECTED
    return _lacks(trial, area) if trial.created else NO_STEP


def _lacks(trial: Trial, area: Area) -> str | None:
    """What a test finds neither in the request nor in what hooks say."""
    if area == "framework":
        return None if detect_framework(trial) else "No framework detected"
    if area == "distributed":
        return _no_distribution(trial)
    if area == "dependencies":
        return _no_dependencies(trial)
    if area == "channels" and trial.view is not None and _made_up(trial.view):
        return "The inputs of an estimator that nothing starts are made up."
    if any(trial.hooks.get(hook) for hook, of in HOOK_AREAS.items() if of == area):
        return None
    if trial.view is None:
        return None if _of_another_operation(trial, area) else LACKS[area]
    return None if _has(trial.view, area) else LACKS[area]


def _of_another_operation(trial: Trial, area: Area) -> bool:
    """An AutoML request has data, output and objective under names of its own."""
    return trial.step is not None and area in ("hyperparameters", "channels", "artifacts")


def _made_up(view: TrainingView) -> bool:
    return any(str(channel.s3.get("S3Uri")).startswith(f"s3://{BUCKET}/") for channel in view.channels)


def _has(view: TrainingView, area: Area) -> bool:
    if any(view.request.get(member) for member in MEMBERS.get(area, ())):
        return True
    if area == "hyperparameters":
        own = [name for name in view.hyperparameters if not str(name).startswith("sagemaker_")]
        return bool(own or view.tuned or _arguments(view))
    if area == "monitoring":
        return bool(view.metric_definitions) or "sagemaker_container_log_level" in view.hyperparameters
    return False


def _arguments(view: TrainingView) -> bool:
    """The arguments that the training script takes: a script that demands some is something to look at."""
    script = view.script
    return script is not None and any(parser.arguments for parser in script.parsers)


def _no_distribution(trial: Trial) -> str | None:
    """Why the test of distributed training has nothing to look at: one host, no switch, no hook."""
    if "is_distributed_training" in trial.hooks or trial.hooks.get("get_distributed_config"):
        return None
    view = trial.view
    if view is None:
        return "The request names no hosts."
    if switched_on(view) or (view.host_count or 1) > 1 or view.resources.get("InstanceGroups"):
        return None
    return "One host and no distribution: there is no distributed training to look at."


def _no_dependencies(trial: Trial) -> str | None:
    assert trial.step is not None
    promises = trial.step.promises
    names: Mapping[str, Any] = promises.dependencies or {}
    refers = any(True for _ in references(trial.step.request))
    if not names and not refers:
        if promises.dependencies is not None and not promises.upstream:
            return "The builder depends on no other step."
        return "The builder names no dependencies, and the request refers to no other step."
    if promises.upstream is None:
        what = ", ".join(sorted(str(name) for name in names)) or "the request's references"
        return (
            f"Not checked: {what}. Nothing is known of the steps before this one; give them as upstream "
            "in the config."
        )
    return None

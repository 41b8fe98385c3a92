"""What each test tells in its ``details``, under the suite's own keys, and what only its helpers see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cursus.checks.promises.channels import entries
from cursus.checks.promises.failures import area_of
from cursus.checks.views import NOTHING
from cursus.evidence import Evidence
from cursus.model import Area
from cursus.steps.kinds import TRAINS
from cursus.steps.lowering.unstarted import OF_THE_SDK
from cursus.validation.builders import forms, properties
from cursus.validation.builders.forms import Validation, judged, verdict
from cursus.validation.builders.framework import detect_framework
from cursus.validation.builders.results import TESTS
from cursus.validation.builders.subject import nothing_to_look_at
from cursus.validation.builders.trial import Trial, reads_run

SHOWS_RUN: tuple[Area, ...] = ("framework", "artifacts", "monitoring", "resources")
"""Areas whose details tell what the local run showed."""


@dataclass(slots=True)
class Told:
    """The details of one test, with the errors and warnings that only its helpers found."""

    details: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, key: str, found: Validation, *, stricter: Iterable[str] = ()) -> None:
        """Keep a helper's verdict. What only the stricter lists of the suite ask for is a warning."""
        self.details[key] = found
        mild = set(stricter)
        for error in found["errors"]:
            (self.warnings if error in mild else self.errors).append(error)
        self.warnings.extend(found.get("warnings", ()))


def tell(trial: Trial, area: Area) -> Told:
    """The details of the test of one area."""
    told = Told()
    _TELLERS[area](trial, told)
    filled = _filled(trial, area)
    if filled:
        told.details["filled_from_hooks"] = filled
    failures = trial.failures_in(area)
    if failures:
        told.details["hook_failures"] = {
            failure.hook: {"message": failure.message, "traceback": failure.traceback} for failure in failures
        }
    if trial.step is not None and (area in SHOWS_RUN or reads_run(area)):
        told.details["local_run"] = trial.run.summary
        if trial.run.job:
            told.details["local_job"] = trial.run.job
        if trial.run.warning and area == "framework":
            told.warnings.append(trial.run.warning)
    return told


def _filled(trial: Trial, area: Area) -> list[str]:
    """The hooks of this area whose value was put into the request."""
    filled = trial.step.promises.filled if trial.step is not None else ()
    return [hook for hook in filled if area_of(hook) == area]


def _hook(trial: Trial, told: Told, hook: str, key: str, validation_key: str) -> None:
    """What one hook returned, and the verdict on it."""
    failed = forms.failure_of(trial.failures, hook)
    if failed is not None:
        told.details[validation_key] = failed
        return
    if hook not in trial.hooks:
        return
    value = trial.hooks[hook]
    told.details[key] = value
    if value is None:
        return
    told.add(validation_key, forms.validate(trial, hook, value))


def _step(trial: Trial, told: Told) -> None:
    step = trial.step
    created = trial.created
    told.details["step_created"] = created
    if step is None:
        failure = trial.failure
        message = failure.message if failure is not None else ""
        told.errors.append("Failed to create Training step")
        if message:
            told.errors.append(message)
        return
    if not created:
        told.errors.append("Failed to create Training step")
        return
    told.details["operation"] = step.operation
    if step.operation not in TRAINS:
        told.errors.append(f"The step is made by {step.operation}: a {step.type} step, not a training step.")
    if step.operation == "CreateTrainingJob":
        found = properties.step_properties(step.request)
        told.details["step_validation"] = found
        # A step of a pipeline has no job name, and AWS asks for no channel: the rules say what is an error.
        nameless = "Missing required property: TrainingJobName"
        told.warnings.extend(e for e in found["errors"] if not (step.in_pipeline and e == nameless))
    _hook(trial, told, "get_step_config", "step_config", "config_validation")


def _framework(trial: Trial, told: Told) -> None:
    framework = detect_framework(trial)
    told.details["framework"] = framework or "No framework detected"
    if framework is None or trial.step is None:
        return
    promises = trial.step.promises
    for key in ("framework_version", "python_version"):
        value = getattr(promises, key)
        if value is not None:
            told.details[key] = value
    if trial.view is not None and trial.view.image is not None:
        told.details["image"] = trial.view.image
    if trial.run.evidence is not None:
        told.details["ran_with"] = trial.run.evidence.runtime
        # A rule says it, as a warning where only this machine lacks what the script imports.
        seen = any(
            one.severity == "error" or (one.from_run and one.severity != "info")
            for one in trial.findings_in("framework")
        )
        if trial.run.evidence.status != "Completed" and not seen:
            _not_completed(trial, told)
    told.details[f"{framework}_workflow"] = workflow(trial, framework)


def _not_completed(trial: Trial, told: Told) -> None:
    """A run that failed of what the test of another area reports proves nothing of the workflow, for or against."""
    causes = [
        one for one in trial.findings if one.severity == "error" and one.area not in ("framework", "step")
    ]
    if causes:
        rules = {
            test.name: ", ".join(dict.fromkeys(one.rule for one in causes if one.area == test.area))
            for test in TESTS
        }
        said = " and ".join(f"{name} ({found})" for name, found in rules.items() if found)
        told.warnings.append(f"The script was not proven: {trial.run.summary.rstrip(':')}. Why: see {said}.")
    else:
        told.errors.append(f"The training did not complete: {trial.run.summary}")


def workflow(trial: Trial, framework: str) -> Validation:
    """Whether the step trains with ``framework``, and all about it fits, by the rules and by the run."""
    found = detect_framework(trial)
    if found != framework:
        return verdict(
            [f"The step trains with {found or 'no framework that is known'}, not with {framework}."]
        )
    return judged(trial.findings_in("framework"))


def _hyperparameters(trial: Trial, told: Told) -> None:
    _hook(trial, told, "get_hyperparameters", "hyperparameters", "hyperparam_validation")
    if "hyperparameters" not in told.details and trial.view is not None and trial.view.hyperparameters:
        told.details["hyperparameters"] = trial.view.hyperparameters
    _hook(trial, told, "get_tuning_config", "tuning_config", "tuning_validation")
    _hook(trial, told, "get_auto_ml_config", "automl_config", "automl_validation")


def _channels(trial: Trial, told: Told) -> None:
    hook = "get_training_inputs"
    if hook in trial.hooks:
        told.details["training_inputs"] = trial.hooks[hook]
        inputs = list(entries(trial.hooks[hook]))
    else:
        inputs = [(None, channel.request) for channel in trial.view.channels] if trial.view else []
        if inputs:
            told.details["training_inputs"] = [channel for _, channel in inputs]
    for i, (_, entry) in enumerate(inputs):
        found = properties.training_input(entry, i)
        own = isinstance(entry, Mapping) and entry.get("ChannelName") in OF_THE_SDK
        if own or isinstance(
            entry, str
        ):  # nothing is missing of a channel that is given as its address alone
            told.details[f"input_{i}_validation"] = found
            continue
        stricter = [error for error in found["errors"] if error.endswith(": ContentType")]
        told.add(f"input_{i}_validation", found, stricter=stricter)
    if trial.hooks.get(hook):
        told.add("channels_validation", forms.validate(trial, hook, trial.hooks[hook]))
    _hook(trial, told, "get_data_distribution_config", "data_distribution", "distribution_validation")


def _artifacts(trial: Trial, told: Told) -> None:
    hook = "get_model_output_config"
    config = trial.hooks.get(hook)
    if config is None and trial.view is not None and trial.view.output:
        config = trial.view.output
    if config is not None:
        told.details["model_output_config"] = config
        # Where the request has what the hook leaves out, only the suite's own list asks for it.
        output = trial.view.output if trial.view is not None else NOTHING
        stricter = [
            f"Missing model output field: {name}" for name in properties.OUTPUT_FIELDS if output.get(name)
        ]
        told.add("output_validation", output_validation(trial, config), stricter=stricter)
    _hook(trial, told, "get_expected_artifacts", "expected_artifacts", "artifact_validation")
    evidence = trial.run.evidence
    if evidence is not None:
        told.details["model_files"] = {entry.path: entry.size for entry in evidence.model_files}


def output_validation(trial: Trial, config: Any) -> Validation:
    """The verdict on an output configuration: the suite's own list, then the rules."""
    own = properties.model_output(config)
    ruled = forms.validate(trial, "get_model_output_config", config)
    return verdict([*own["errors"], *ruled["errors"]], ruled.get("warnings"))


def _monitoring(trial: Trial, told: Told) -> None:
    _hook(trial, told, "get_metrics_config", "metrics_config", "metrics_validation")
    if "metrics_config" not in told.details and trial.view is not None and trial.view.metric_definitions:
        told.details["metrics_config"] = {
            "MetricDefinitions": [metric for _, metric in trial.view.metric_definitions]
        }
    _hook(trial, told, "get_logging_config", "logging_config", "logging_validation")
    evidence = trial.run.evidence
    if evidence is not None:
        told.details["metrics"] = _last_values(evidence)


def _last_values(evidence: Evidence) -> dict[str, Any]:
    return {
        name: {"count": len(points), "last": points[-1].value if points else None}
        for name, points in evidence.metrics.items()
    }


def _distributed(trial: Trial, told: Told) -> None:
    said = trial.hooks.get("is_distributed_training")
    if said is not None:
        told.details["is_distributed"] = said
    alone = said is False or (said is None and nothing_to_look_at(trial, "distributed") is not None)
    if alone:
        told.details["training_type"] = "single_instance"
    if trial.view is not None and trial.view.host_count is not None:
        told.details["hosts"] = trial.view.host_count
    if said is not False:
        _hook(trial, told, "get_distributed_config", "distributed_config", "distributed_validation")


def _resources(trial: Trial, told: Told) -> None:
    _hook(
        trial,
        told,
        "get_resource_optimization_config",
        "resource_optimization",
        "resource_validation",
    )
    _hook(trial, told, "get_gpu_optimization_config", "gpu_optimization", "gpu_validation")
    resources: Mapping[str, Any] = trial.view.resources if trial.view is not None else NOTHING
    if resources:
        told.details["resources"] = resources
    evidence = trial.run.evidence
    if evidence is not None:
        told.details["usage"] = {
            host: {
                "peak_memory": usage.peak_memory,
                "cpu_seconds": usage.cpu_seconds,
                "wall_seconds": usage.wall_seconds,
                "disk_written": usage.disk_written,
            }
            for host, usage in evidence.usage.items()
        }


def _dependencies(trial: Trial, told: Told) -> None:
    if trial.step is None:
        return
    promises = trial.step.promises
    if promises.dependencies is not None:
        told.details["dependencies"] = promises.dependencies
    if promises.upstream is None:
        told.details["upstream"] = "not given"
    else:
        told.details["upstream"] = {
            step.name: {"type": step.type, "outputs": step.outputs, "depends_on": step.depends_on}
            for step in promises.upstream
        }
    if trial.hooks.get("get_outputs") is not None:
        told.details["outputs"] = trial.hooks["get_outputs"]


_TELLERS: dict[Area, Callable[[Trial, Told], None]] = {
    "step": _step,
    "framework": _framework,
    "hyperparameters": _hyperparameters,
    "channels": _channels,
    "artifacts": _artifacts,
    "monitoring": _monitoring,
    "distributed": _distributed,
    "resources": _resources,
    "dependencies": _dependencies,
}

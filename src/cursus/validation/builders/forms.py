"""One form of a builder, checked by itself: what ``_validate_metrics_config`` and its kin do.

The form is what a hook returns, as it stands. It is laid over the builder's own request in place of what the
request has there, lowered as the builder's hooks are, and checked with the same rules. What is wrong with it
are the errors that come with it: in the form's area, or inside the parts of the request that it fills.
"""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cursus import engine
from cursus.aws.members import MISSING, mapping, value_at
from cursus.checks.promises.failures import area_of
from cursus.checks.views import listing
from cursus.errors import CursusError
from cursus.model import Area, Finding, HookFailure, Path, Promises, Step, format_path
from cursus.redact import show
from cursus.validation.builders.results import spell
from cursus.validation.builders.trial import Trial

Validation = dict[str, Any]
"""``{"valid": bool, "errors": [str]}``, and ``warnings`` where there are any."""

ASKS_FOR_SOMETHING = ("get_step_config", "get_tuning_config", "get_auto_ml_config", "get_distributed_config")
"""Forms that are nothing when empty; where there is no such thing, the hook returns None."""
ONLY_TUNED = (
    "DefinitionName",
    "TuningObjective",
    "HyperParameterRanges",
    "StaticHyperParameters",
    "HyperParameterTuningResourceConfig",
)
"""Members of a training job definition that a training job has not."""
RESOURCES: tuple[Path, ...] = (
    ("ResourceConfig", "InstanceType"),
    ("ResourceConfig", "InstanceCount"),
    ("ResourceConfig", "InstanceGroups"),
    ("ResourceConfig", "VolumeSizeInGB"),
    ("StoppingCondition", "MaxRuntimeInSeconds"),
)
PLACEMENT: tuple[Path, ...] = (
    ("EnableManagedSpotTraining",),
    ("ResourceConfig", "KeepAlivePeriodInSeconds"),
    ("StoppingCondition", "MaxWaitTimeInSeconds"),
    ("AlgorithmSpecification", "TrainingInputMode"),
)


@dataclass(frozen=True, slots=True)
class Form:
    """A form by the hook that returns it, and the parts of a training request that it fills.

    ``kind`` is what the form is in Python; ``companion`` the beginning of the operation that it becomes
    where it is no part of the training request.
    """

    hook: str
    parts: tuple[Path, ...] = ()
    kind: tuple[type, ...] = (Mapping,)
    companion: str = ""

    @property
    def area(self) -> Area:
        """The area of its hook."""
        return area_of(self.hook)


LISTS = (Mapping, list, tuple)
FORMS: dict[str, Form] = {
    form.hook: form
    for form in (
        Form("get_step_config", (*RESOURCES, *PLACEMENT)),
        Form("get_hyperparameters", (("HyperParameters",),)),
        Form("get_tuning_config", companion="CreateHyperParameterTuningJob"),
        Form("get_auto_ml_config", companion="CreateAutoML"),
        Form("get_training_inputs", (("InputDataConfig",),), LISTS),
        Form("get_data_distribution_config", kind=(Mapping, str)),
        Form("get_model_output_config", (("OutputDataConfig",),)),
        Form("get_expected_artifacts", kind=LISTS),
        Form("get_metrics_config", (("AlgorithmSpecification", "MetricDefinitions"),), LISTS),
        Form(
            "get_logging_config", (("HyperParameters", "sagemaker_container_log_level"), ("DebugHookConfig",))
        ),
        Form("get_distributed_config", RESOURCES),
        Form("get_resource_optimization_config", (*RESOURCES, *PLACEMENT)),
        Form("get_gpu_optimization_config", (("ResourceConfig", "InstanceType"),)),
    )
}


def validate(trial: Trial, hook: str, value: Any) -> Validation:
    """Check one form over the trial's request."""
    form = FORMS[hook]
    if not isinstance(value, form.kind):
        wanted = "a mapping" if form.kind == (Mapping,) else "a list or a mapping"
        return verdict([f"{hook} gives {show(value)}, which is not {wanted}."])
    if not value and hook in ASKS_FOR_SOMETHING:
        return verdict([f"{hook} gives nothing: the configuration is empty."])
    step = trial.step or Step("step", "CreateTrainingJob", {})
    base = step if form.companion else _training(step)
    stripped = _strip(base, form)
    try:
        lowered = _lower(stripped, form.hook, value)
    except CursusError as error:
        return verdict([f"{hook}: {error}"])
    request, restored = _put_back(dict(lowered.request), base, form)
    found = _findings(trial, base, lowered, form, value, request)
    before = {_mark(finding) for finding in engine.check_step(_bare(base, stripped), trial.settings)}
    own = {
        _mark(finding)
        for finding in trial.static
        if _below(finding.path, restored) or (finding.area != form.area and hook not in base.promises.filled)
    }
    new = [
        finding
        for finding in found
        if _mark(finding) not in before and _mark(finding) not in own and _belongs(finding, form, lowered)
    ]
    if not trial.created and not form.companion:
        # There is no request for the form to complete: what is not there says nothing of the form.
        new = [one for one in new if one.severity == "error" and _is_there(request, one.path)]
    return judged(new)


def _training(step: Step) -> Step:
    """The step, or one for a training job that its tuning job starts: of that the forms are parts."""
    from cursus.steps.lowering.draft import Draft

    draft = Draft(dict(step.request), {}, step.operation)
    if not draft.base:
        return step
    request = {name: one for name, one in draft.training_request().items() if name not in ONLY_TUNED}
    if "HyperParameterTuningResourceConfig" in draft.body:
        request["ResourceConfig"] = draft.body["HyperParameterTuningResourceConfig"]
    settings = request.get("HyperParameters")
    if isinstance(settings, Mapping) or settings is None:
        request["HyperParameters"] = {**draft.values(), **(settings or {})}
    return dataclasses.replace(step, operation="CreateTrainingJob", request=request, in_pipeline=True)


def verdict(errors: list[str], warnings: list[str] | None = None) -> Validation:
    """The dict that every helper returns."""
    found: Validation = {"valid": not errors, "errors": list(dict.fromkeys(errors))}
    if warnings:
        found["warnings"] = list(dict.fromkeys(warnings))
    return found


def judged(findings: Sequence[Finding]) -> Validation:
    """The verdict that findings make."""
    errors = [spell(one) for one in findings if one.severity == "error"]
    return verdict(errors, [spell(one) for one in findings if one.severity == "warning"])


def _strip(base: Step, form: Form) -> dict[str, Any]:
    """The request without the parts that the form is to fill."""
    request: dict[str, Any] = copy.deepcopy(dict(base.request))
    if form.hook == "get_data_distribution_config":
        for channel in listing(request, "InputDataConfig"):
            source = _inside(channel, ("DataSource", "S3DataSource"))
            if source is not None:
                source.pop("S3DataDistributionType", None)
    for part in form.parts:
        parent = _inside(request, part[:-1])
        if parent is None:
            continue
        parent.pop(part[-1], None)
    return request


def _inside(value: Any, path: Path) -> Any:
    found = value_at(value, path)
    return found if isinstance(found, dict) else None


def _lower(request: Mapping[str, Any], hook: str, value: Any) -> Step:
    """The request and the one form, lowered as a builder's are."""
    from cursus.steps.lowering import builders

    def create_step(self: Any) -> Any:
        return copy.deepcopy(dict(request))

    def give(self: Any) -> Any:
        return value

    return builders.lower(type("Form", (), {"create_step": create_step, hook: give})())


def _bare(base: Step, request: Mapping[str, Any]) -> Step:
    """The builder's step with another request, less what its other hooks promise."""
    promises = base.promises
    return dataclasses.replace(
        base,
        request=request,
        problems=(),
        companions=(),
        origins={},
        promises=Promises(
            local_channels=promises.local_channels,
            framework=promises.framework,
            framework_version=promises.framework_version,
            python_version=promises.python_version,
        ),
    )


def _findings(
    trial: Trial, base: Step, lowered: Step, form: Form, value: Any, request: Mapping[str, Any]
) -> list[Finding]:
    step = _bare(base, request)
    step = dataclasses.replace(
        step,
        problems=lowered.problems,
        promises=dataclasses.replace(
            step.promises,
            hooks={form.hook: lowered.promises.hooks.get(form.hook, value)},
            failures=lowered.promises.failures,
        ),
    )
    found = engine.check_step(step, trial.settings)
    for companion in lowered.companions:
        whole = dataclasses.replace(companion, source=base.source, region=base.region)
        found.extend(engine.check_step(whole, trial.settings))
    return found


def _put_back(request: dict[str, Any], base: Step, form: Form) -> tuple[dict[str, Any], list[str]]:
    """The lowered request with the base's value wherever the form said nothing, and the places of those."""
    if form.hook == "get_hyperparameters":
        return _put_back_settings(request, base), []
    if form.hook in ("get_training_inputs", "get_metrics_config"):
        return request, []
    restored: list[str] = []
    request = copy.deepcopy(request)
    resources = frozenset(mapping(request, "ResourceConfig"))
    for part in form.parts:
        value = value_at(base.request, part, MISSING)
        if value is MISSING or _said_otherwise(part, request, resources):
            continue
        parent: Any = request
        for key in part[:-1]:
            parent = parent.setdefault(key, {})
        if part[-1] not in parent:
            parent[part[-1]] = copy.deepcopy(value)
            restored.append(format_path(part))
    if form.hook == "get_data_distribution_config":
        _put_back_distribution(request, base)
    if form.hook == "get_model_output_config":
        restored.extend(_put_back_output(request, base))
    return request, restored


def _said_otherwise(part: Path, request: Mapping[str, Any], resources: frozenset[str]) -> bool:
    """True for a part of the request in whose place the form has another: no spot instances, groups of instances."""
    name = part[-1]
    if name == "MaxWaitTimeInSeconds":
        return request.get("EnableManagedSpotTraining") is not True
    if name in ("InstanceType", "InstanceCount"):
        return "InstanceGroups" in resources
    return name == "InstanceGroups" and "InstanceType" in resources


def _put_back_output(request: dict[str, Any], base: Step) -> list[str]:
    """The members of the request's output that the form leaves out; their places are returned."""
    output, own = (_inside(dict(each), ("OutputDataConfig",)) for each in (request, base.request))
    missing = [name for name in own or () if output is not None and name not in output]
    for name in missing:
        request["OutputDataConfig"][name] = copy.deepcopy((own or {})[name])
    return [format_path(("OutputDataConfig", name)) for name in missing]


def _put_back_settings(request: dict[str, Any], base: Step) -> dict[str, Any]:
    """The toolkit's own settings stand among the hyperparameters, and no hook of the builder's gives them."""
    own = _inside(dict(base.request), ("HyperParameters",)) or {}
    settings = {name: value for name, value in own.items() if str(name).startswith("sagemaker_")}
    if not settings:
        return request
    return {**request, "HyperParameters": {**settings, **(request.get("HyperParameters") or {})}}


def _put_back_distribution(request: dict[str, Any], base: Step) -> None:
    for channel, own in zip(
        listing(request, "InputDataConfig"), listing(base.request, "InputDataConfig"), strict=False
    ):
        source, before = (_inside(entry, ("DataSource", "S3DataSource")) for entry in (channel, own))
        if source is not None and before is not None and "S3DataDistributionType" in before:
            source.setdefault("S3DataDistributionType", before["S3DataDistributionType"])


def _mark(finding: Finding) -> tuple[str, str, str]:
    return finding.rule, finding.path, finding.message


def _belongs(finding: Finding, form: Form, lowered: Step) -> bool:
    """True where the form is to blame: its area, its parts of the request, or the reading of it."""
    if finding in lowered.problems or finding.area == form.area:
        return True
    if form.companion:
        return finding.path.startswith(("HyperParameterTuningJobConfig", "AutoML", "ProblemType"))
    if form.hook == "get_data_distribution_config" and _below(finding.path, ["InputDataConfig"]):
        return finding.path.endswith("S3DataDistributionType")
    return _below(finding.path, [format_path(part) for part in form.parts])


def _below(path: str, places: list[str]) -> bool:
    return any(path == place or path.startswith((f"{place}.", f"{place}[")) for place in places)


def _is_there(request: Mapping[str, Any], path: str) -> bool:
    """True where the request has something at ``path``."""
    value: Any = request
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return False
    return value is not None


def failure_of(failures: tuple[HookFailure, ...], hook: str) -> Validation | None:
    """The verdict on a hook that failed, or None where it did not."""
    for failure in failures:
        if failure.hook == hook:
            return verdict([failure.message])
    return None

"""What a builder's hooks promise on tuning and AutoML, held against the tuning or AutoML job that it makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.checks.promises.hooks import differs, hook, located, same
from cursus.checks.rules import Problem, rule
from cursus.checks.views import StepView, is_reference
from cursus.model import Path
from cursus.steps.lowering import shortforms
from cursus.steps.lowering.automl import automl_request
from cursus.steps.lowering.tuning import tuning_request

TUNING, AUTOML = "get_tuning_config", "get_auto_ml_config"
_CONFIG = "HyperParameterTuningJobConfig"
_KEYS: dict[Path, str] = {path: key for key, path in shortforms.TUNING.items()}
"""What a short form becomes, and the key that says it."""
_WAYS = {"MinValue": "min", "MaxValue": "max", "Values": "values", "ScalingType": "scaling"}


@rule("HPO081", scope="step")
@located(TUNING, AUTOML)
def tuning_config(view: StepView) -> Iterator[Problem]:
    """The builder's tuning or AutoML configuration differs from the job that it makes.

    What it does:
        Where `create_step` gives a tuning job, compares strategy, objective, limits and ranges of `get_tuning_config`
        with it; where it gives an AutoML job, problem type, objective and limits of `get_auto_ml_config`.
    Why:
        SageMaker searches as the request says. Whoever plans time and money by the hook plans another search.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
        -   ResourceLimits: {MaxNumberOfTrainingJobs: 200, MaxParallelTrainingJobs: 4}
        +   ResourceLimits: {MaxNumberOfTrainingJobs: 20, MaxParallelTrainingJobs: 4}
          hooks:
            get_tuning_config: {max_jobs: 20, max_parallel_jobs: 4}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTuningJobConfig.html
    """
    operation = view.step.operation
    if operation == "CreateHyperParameterTuningJob":
        yield from _tuning(view, hook(view, TUNING))
    elif operation == "CreateAutoMLJob":
        yield from _automl(view, hook(view, AUTOML))


def _tuning(view: StepView, said: Mapping[str, Any]) -> Iterator[Problem]:
    config = view.request.get(_CONFIG)
    if not said or not isinstance(config, Mapping):
        return
    short = "ParameterRanges" not in said and _CONFIG not in said
    wanted = tuning_request(said, {}, {}).get(_CONFIG)
    has = dict(_leaves(config, (_CONFIG,)))
    for key, (_, value) in _leaves(wanted, ()):
        if short and key in _KEYS and _KEYS[key] not in said:
            continue  # a default of ours
        place, own = has.get((_CONFIG, *key), ((_CONFIG,), None))
        if own is None and key[:1] == ("ParameterRanges",) and key[2:] in ((), ("ScalingType",)):
            continue
        if is_reference(value) or is_reference(own) or same(value, own):
            continue
        name = _KEYS.get(key, str(key[-1]))
        where = view.promises.place(TUNING, *((name,) if short else (_CONFIG, *key)))
        if key[:1] == ("ParameterRanges",):
            way = _WAYS.get(str(key[-1]), str(key[-1]))
            name = f"{way} of the range of {str(key[1])!r}"
            where = view.promises.place(TUNING, "hyperparameter_ranges", str(key[1]), way)
        yield differs(view, TUNING, name, value, place, own, where)


def _automl(view: StepView, said: Mapping[str, Any]) -> Iterator[Problem]:
    operation, wanted = automl_request(said, {})
    if not said or operation != view.step.operation:
        return
    members = ("ProblemType", "AutoMLJobObjective", "AutoMLJobConfig")
    has = dict(_leaves({name: view.request.get(name) for name in members}, ()))
    for key, (_, value) in _leaves({name: wanted.get(name) for name in members}, ()):
        place, own = has.get(key, (key, None))
        if not (is_reference(value) or is_reference(own) or same(value, own)):
            yield differs(view, AUTOML, str(key[-1]), value, place, own)


def _leaves(value: Any, key: Path, path: Path | None = None) -> Iterator[tuple[Path, tuple[Path, Any]]]:
    """(key, (path, value)) of each value: ranges are known by their names, not by kind and number."""
    path = key if path is None else path
    if isinstance(value, Mapping) and not is_reference(value):
        for name, one in value.items():
            inner = (
                key
                if str(name).endswith("ParameterRanges") and name != "ParameterRanges"
                else (*key, str(name))
            )
            yield from _leaves(one, inner, (*path, str(name)))
    elif isinstance(value, list) and all(isinstance(one, Mapping) and "Name" in one for one in value):
        for index, one in enumerate(value):
            members = {name: each for name, each in one.items() if name != "Name"}
            yield from _leaves(members, (*key, str(one["Name"])), (*path, index))
    elif value is not None:
        yield key, (path, value)

"""A tuning configuration's short form, lowered to a CreateHyperParameterTuningJob request.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cursus.aws import schema
from cursus.aws.members import mapping, mappings, text
from cursus.aws.metrics import direction_of
from cursus.steps.lowering.shortforms import TUNING, hyperparameter, lowered
from cursus.steps.lowering.shortforms import hyperparameters as as_text
from cursus.suggest import plain_name

UNKNOWN_DIRECTION = {"Get": "Parameters.ObjectiveType"}
"""Stands for a direction that nobody gave. Rule HPO096 reports it, and no other rule reads it."""

DEFINITION = ("CreateHyperParameterTuningJob", "TrainingJobDefinition")


def _members(operation: str, *path: str) -> frozenset[str]:
    """The members of a request, or of a part of it, by the service model."""
    return frozenset((schema.at(schema.document(operation) or {}, path) or {}).get("properties", ()))


def not_in_definition() -> frozenset[str]:
    """Members of CreateTrainingJob that a tuning job's training definition has not."""
    return _members("CreateTrainingJob") - _members(*DEFINITION)


def tuning_request(
    config: Mapping[str, Any], request: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, Any]:
    """The tuning request of ``get_tuning_config``; ``own`` are the builder's hyperparameters.

    A configuration that is already a request, or already a HyperParameterTuningJobConfig, is taken as it is.
    """
    if "HyperParameterTuningJobConfig" in config:
        made = dict(config)
        if "TrainingJobDefinition" not in made and "TrainingJobDefinitions" not in made:
            ranged = tuned(made["HyperParameterTuningJobConfig"])
            made["TrainingJobDefinition"] = training_definition(request, own, ranged)
        return made
    if "ParameterRanges" in config or "HyperParameterTuningJobObjective" in config:
        return {
            "HyperParameterTuningJobConfig": dict(config),
            "TrainingJobDefinition": training_definition(request, own, tuned(config)),
        }
    ranges = config.get("hyperparameter_ranges")
    ranges = ranges if isinstance(ranges, Mapping) else {}
    said = lowered(config, TUNING)
    said.pop("HyperParameterTuningJobObjective", None)
    job = {
        **said,
        "Strategy": config.get("strategy") or "Bayesian",
        "ResourceLimits": {"MaxParallelTrainingJobs": 1, **said.get("ResourceLimits", {})},
        "ParameterRanges": parameter_ranges(ranges),
    }
    objective = _objective(config)
    if objective:
        job["HyperParameterTuningJobObjective"] = objective
    static = config.get("static_hyperparameters")
    values = {**own, **as_text(static)} if isinstance(static, Mapping) else own
    return {
        "HyperParameterTuningJobConfig": job,
        "TrainingJobDefinition": training_definition(request, values, set(ranges)),
    }


def _objective(config: Mapping[str, Any]) -> dict[str, Any]:
    metric = config.get("objective_metric")
    if metric is None:
        return {}
    kind = config.get("objective_type") or (direction_of(metric) if isinstance(metric, str) else None)
    return {"Type": UNKNOWN_DIRECTION if kind is None else kind, "MetricName": metric}


def training_definition(
    request: Mapping[str, Any], own: Mapping[str, Any], ranged: set[str]
) -> dict[str, Any]:
    """The request as the training definition of a tuning job: without name, with static hyperparameters.

    A number among them becomes a text: that it is none is said of the request.
    """
    left_out = not_in_definition()
    definition = {name: value for name, value in request.items() if name not in left_out}
    algorithm = definition.get("AlgorithmSpecification")
    if isinstance(algorithm, Mapping):
        known = _members(*DEFINITION, "AlgorithmSpecification")
        definition["AlgorithmSpecification"] = {k: v for k, v in algorithm.items() if k in known}
    static = {
        name: hyperparameter(value) if isinstance(value, (int, float)) else value
        for name, value in own.items()
        if name not in ranged
    }
    if static:
        definition["StaticHyperParameters"] = static
    return definition


def parameter_ranges(ranges: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """``{name: {"min", "max"} or {"values"}}`` as ParameterRanges, less what is neither (rule HPO097)."""
    made: dict[str, list[dict[str, Any]]] = {}
    for name, entry in ranges.items():
        kind, lowered = parameter_range(name, entry)
        if kind is not None:
            made.setdefault(kind, []).append(lowered)
    return made


_SCALING = {
    "auto": "Auto",
    "linear": "Linear",
    "log": "Logarithmic",
    "logarithmic": "Logarithmic",
    "reverselog": "ReverseLogarithmic",
    "reverselogarithmic": "ReverseLogarithmic",
}


def parameter_range(name: Any, entry: Any) -> tuple[str | None, dict[str, Any]]:
    """(member of ParameterRanges, the range) for one range; (None, {}) where it is no range."""
    if isinstance(entry, (list, tuple)):
        entry = {"values": list(entry)}
    if not isinstance(entry, Mapping):
        return None, {}
    values = entry.get("values")
    if values is not None:
        if not isinstance(values, list):
            return None, {}
        return "CategoricalParameterRanges", {"Name": name, "Values": [_text(value) for value in values]}
    low, high = number(entry.get("min")), number(entry.get("max"))
    if low is None or high is None:
        return None, {}
    whole = isinstance(low, int) and isinstance(high, int)
    lowered = {"Name": name, "MinValue": _text(entry["min"]), "MaxValue": _text(entry["max"])}
    scaling = entry.get("scaling")
    if scaling is not None:
        lowered["ScalingType"] = _SCALING.get(plain_name(str(scaling)), scaling)
    return ("IntegerParameterRanges" if whole else "ContinuousParameterRanges"), lowered


def number(value: Any) -> int | float | None:
    """A range's bound as a number, whole where it is written whole; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str) and len(value) <= 256:
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return None


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return value


def tuned(config: Any) -> set[str]:
    """The names of the hyperparameters that a HyperParameterTuningJobConfig has ranges of."""
    ranges = mapping(config, "ParameterRanges") if isinstance(config, Mapping) else {}
    named = (text(entry, "Name") for kind in ranges for _, entry in mappings(ranges, kind))
    return {name for name in named if name is not None}

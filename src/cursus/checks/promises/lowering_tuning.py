"""What was read of a builder's short forms of tuning, but not understood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cursus.aws.metrics import direction_of
from cursus.checks.promises.hooks import hook
from cursus.checks.rules import Problem, rule
from cursus.checks.views import StepView, mapping, text
from cursus.redact import show
from cursus.steps.lowering import tuning


def ranges(view: StepView) -> Iterator[tuple[Any, Any]]:
    """(name, entry) of each range in ``get_tuning_config``."""
    yield from mapping(hook(view, "get_tuning_config"), "hyperparameter_ranges").items()


@rule("HPO096", scope="step")
def unknown_direction(view: StepView) -> Iterator[Problem]:
    """Nothing says whether the tuning objective is to be maximized or minimized.

    What it does:
        Reads the direction of `get_tuning_config`'s `objective_metric` from its name (accuracy is maximized, loss
        minimized), unless `objective_type` states it.
    Why:
        CreateHyperParameterTuningJob refuses an objective without Type, and the wrong one finds the worst model.
    Example:
          hooks:
            get_tuning_config:
              objective_metric: validation:quality_index
        +     objective_type: Maximize
              hyperparameter_ranges: {learning_rate: {min: 0.001, max: 0.1}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTuningJobObjective.html
    """
    config = hook(view, "get_tuning_config")
    metric = text(config, "objective_metric")
    if metric is not None and not config.get("objective_type") and not direction_of(metric):
        yield Problem(
            f"get_tuning_config's objective_metric {show(metric)} does not tell by its name whether it is to be "
            "maximized or minimized.",
            remedy="Add objective_type: Maximize or Minimize.",
            location=view.promises.place("get_tuning_config", "objective_metric"),
        )


@rule("HPO097", scope="step")
def range_without_bounds(view: StepView) -> Iterator[Problem]:
    """A tuning range has neither two numbers as bounds nor a list of values.

    What it does:
        Looks at each entry of `hyperparameter_ranges` in `get_tuning_config`: `{min, max}` with numbers, or
        `{values}` with a list.
    Why:
        Without both bounds, or the values, there is no range to search: CreateHyperParameterTuningJob requires them.
    Example:
          hooks:
            get_tuning_config:
              objective_metric: validation:accuracy
        -     hyperparameter_ranges: {learning_rate: {min: 0.001}}
        +     hyperparameter_ranges: {learning_rate: {min: 0.001, max: 0.1}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ParameterRanges.html
    """
    for name, entry in ranges(view):
        if tuning.parameter_range(name, entry)[0] is None:
            yield Problem(
                f"the range of {show(name)} in get_tuning_config is {show(entry)}: neither min and max with numbers "
                "nor a list of values.",
                remedy='Write {"min": 0.001, "max": 0.1} or {"values": [16, 32]}.',
                location=view.promises.place("get_tuning_config", "hyperparameter_ranges", name),
            )

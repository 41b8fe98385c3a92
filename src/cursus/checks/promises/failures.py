"""Hooks of a builder that raised, or gave what the hook is not for, and those that are misspelt."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.views import StepView
from cursus.model import AREAS, Area, HookFailure
from cursus.steps.protocol import HOOKS
from cursus.suggest import closest, did_you_mean

HOOK_AREAS: dict[str, Area] = {
    "create_step": "step",
    "get_step_config": "step",
    "get_hyperparameters": "hyperparameters",
    "get_tuning_config": "hyperparameters",
    "get_auto_ml_config": "hyperparameters",
    "get_training_inputs": "channels",
    "get_data_distribution_config": "channels",
    "get_model_output_config": "artifacts",
    "get_expected_artifacts": "artifacts",
    "get_metrics_config": "monitoring",
    "get_logging_config": "monitoring",
    "is_distributed_training": "distributed",
    "get_distributed_config": "distributed",
    "get_resource_optimization_config": "resources",
    "get_gpu_optimization_config": "resources",
    "get_dependencies": "dependencies",
    "get_required_dependencies": "dependencies",
    "get_optional_dependencies": "dependencies",
    "get_outputs": "dependencies",
}
"""The area, and so the Level 4 test, that each hook of a builder belongs to."""

# One rule for each area, shown by this hook in its examples, with what is lost when the hook fails.
_PAGES: dict[Area, tuple[str, str, str]] = {
    "step": ("STP089", "create_step", "there is no request to send, and so no job"),
    "hyperparameters": ("HPO089", "get_hyperparameters", "nobody learns what the model is trained with"),
    "channels": ("CHN089", "get_training_inputs", "nobody learns what the job reads"),
    "artifacts": ("ART089", "get_expected_artifacts", "nobody learns what the job should leave behind"),
    "monitoring": ("MON089", "get_metrics_config", "nobody learns what the job should report"),
    "distributed": ("DST089", "get_distributed_config", "nobody learns how the job is spread over hosts"),
    "resources": ("RES089", "get_resource_optimization_config", "nobody learns what the job needs"),
    "dependencies": ("DEP089", "get_dependencies", "the pipeline cannot be put together"),
}

_PAGE = """A hook of the builder failed: {hook} and its kin.

    What it does:
        Calls the builder's hooks of the area *{area}* ({hooks}). A hook that raises, or returns something that
        cannot be what the hook is for, breaks this rule. Its traceback stands in the details of the test.{beside}
    Why:
        A pipeline calls the same method when it is built, and stops there; without it {loss}.
    Example:
        - failures:
        -   {hook}: "KeyError: 'bucket'"
        + hooks:
        +   get_hyperparameters: {{}}
    Source:
        The builder's own code; https://docs.python.org/3/tutorial/errors.html. What SageMaker gets from it:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""


_BESIDE: dict[Area, str] = {
    "step": " So does what the SageMaker SDK itself\n        refuses while a file is read that builds a pipeline or a job with it."
}

_MAKING = {
    False: "It was made without a configuration: give the one that it reads (--config FILE, config in cursus.toml, or "
    "config=… in Python).",
    True: "Give the configuration what __init__ reads, or let __init__ do without it.",
}
"""The remedy for a builder that cannot be made, by whether a configuration was given."""


def area_of(hook: str) -> Area:
    """The area of a hook; what is no known hook (a constructor) belongs to the creation of the step."""
    return HOOK_AREAS.get(hook, "step")


def _deepest(failure: HookFailure) -> str:
    """Where in the reader's own code it raised, where that is not the place that is told already."""
    frames = re.findall(r'File "([^"]+)", line (\d+), in (.+)', failure.traceback)
    own = [frame for frame in frames if not re.search(r"site-packages|[/\\]lib[/\\]python3|^<", frame[0])]
    file, line, function = own[-1] if own else ("", "", "")
    if not own or (failure.location and (failure.location.file, str(failure.location.line)) == (file, line)):
        return ""
    return f": {function}, in {file.removeprefix(os.getcwd() + os.sep)}:{line}"  # noqa: PTH109


def _make(area: Area) -> Callable[[StepView], Iterator[Problem]]:
    def check(view: StepView) -> Iterator[Problem]:
        for failure in view.promises.failures:
            if area_of(failure.hook) == area:
                known = failure.refusal or failure.hook in failure.message
                does = "return its value without raising" if failure.traceback else "return what it is for"
                remedy = f"Make {failure.hook} {does}, or remove the hook."
                if failure.hook == "__init__":
                    remedy = _MAKING[bool(view.promises.hooks.get("config"))]
                elif failure.hook == "create_step":
                    remedy = "Make create_step return the step, such as the request as a mapping."
                    if failure.traceback:
                        remedy = f"Mend what raises{_deepest(failure)}."
                remedy = failure.remedy or remedy
                says = failure.message.rstrip(".")
                yield Problem(
                    f"{says if known else f'{failure.hook} failed: {says}'}.",
                    remedy=remedy,
                    location=failure.location,
                )

    return check


def _register() -> None:
    for area in AREAS:
        if area not in _PAGES:
            continue  # no hook belongs to the framework: it is read from the image
        id, hook, loss = _PAGES[area]
        hooks = ", ".join(f"`{name}`" for name, owner in HOOK_AREAS.items() if owner == area)
        check = _make(area)
        check.__name__ = f"{area}_hook_failed"
        check.__qualname__ = check.__name__
        check.__doc__ = _PAGE.format(
            area=area, hook=hook, hooks=hooks, loss=loss, beside=_BESIDE.get(area, "")
        )
        rule(id, scope="step")(check)


_register()


@rule("STP091", scope="step", severity="warning")
def misspelt_hook(view: StepView) -> Iterator[Problem]:
    """A method of the builder is called almost like a hook, and nobody calls it.

    What it does:
        Compares the builder's methods that begin with `get_` or `is_`, and that no other method of it calls, with the
        hooks that it has not.
    Why:
        A hook is found by its name alone. Under another one it is never called: what it promises is neither put into
        the request nor held against it.
    Example:
          hooks:
        -   get_hyperparameter: null
        +   get_hyperparameters: {epochs: 10}
        + HyperParameters: {epochs: "10"}
    Source:
        The builder's own code. What SageMaker gets from its hooks:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    for name in view.promises.hooks:
        if name not in HOOKS and name != "config":
            near = closest(name, HOOKS)
            yield Problem(
                f"nothing calls the builder's method {name}.{did_you_mean(name, HOOKS)}",
                remedy=f"Name it {near}, or take it out.",
                location=view.promises.place(name),
            )

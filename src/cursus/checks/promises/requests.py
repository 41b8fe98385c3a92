"""What a builder's hooks promise, held against the request that its ``create_step`` gives.

The request is what SageMaker gets, so it is the truth; a hook that says something else misleads whoever
reads it, and every tool that trusts it. Each rule compares one hook and names both places. A value that
the request leaves out was filled in from the hook before any rule runs; where the request could be sent without
it, that is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cursus.aws.members import MISSING, value_at
from cursus.aws.tables import table
from cursus.checks.promises.hooks import compare, definition, differs, hook, literal, located, same
from cursus.checks.rules import Problem, rule
from cursus.checks.views import StepView, is_reference, mapping
from cursus.model import Origin, Path, format_path
from cursus.redact import show
from cursus.steps.lowering import shortforms
from cursus.steps.protocol import HOOKS
from cursus.steps.written import WrittenOrigins
from cursus.suggest import did_you_mean

DEMANDED: frozenset[Path] = frozenset(
    {
        ("RoleArn",),
        ("AlgorithmSpecification", "TrainingImage"),
        ("AlgorithmSpecification", "TrainingInputMode"),
        ("OutputDataConfig", "S3OutputPath"),
        ("ResourceConfig", "InstanceType"),
        ("ResourceConfig", "InstanceCount"),
        ("ResourceConfig", "InstanceGroups"),
        ("ResourceConfig", "VolumeSizeInGB"),
        ("StoppingCondition", "MaxRuntimeInSeconds"),
    }
)
"""What no training job is made without: where a hook gives one of these, somebody completes the request with the hooks."""


def _filled(view: StepView) -> Mapping[Path, Origin]:
    """What hooks and configuration put into the request, by the place."""
    origins = view.step.origins
    if any(failure.hook in ("create_step", "__init__") for failure in view.promises.failures):
        return {}  # there is no request that they were put into
    known = origins.known() if isinstance(origins, WrittenOrigins) else {}
    sources = {*HOOKS, "config"}
    return {path: origin for path, origin in known.items() if path and origin.source in sources}


def _demanded(view: StepView, filled: Mapping[Path, Origin]) -> list[Path]:
    """Those of the places that no training job is made without."""
    training = definition(view)
    start = len(training.path) if training is not None else 0
    return [path for path in filled if path[start:] in DEMANDED]


def unsent(view: StepView, source: str) -> Iterator[Problem]:
    """What a hook alone says, where ``create_step`` gives a whole request: SageMaker gets it without that."""
    filled = _filled(view) if source in view.promises.filled else {}
    if _demanded(view, filled):
        return
    for path, origin in filled.items():
        value = value_at(view.request, path, MISSING)
        name = str(path[-1])
        if (
            origin.source != source
            or isinstance(path[-1], int)
            or value in (table("limits")["defaults"].get(name), MISSING)
        ):
            continue
        shown = "" if isinstance(value, (Mapping, list)) else f" {show(value, name)}"
        yield Problem(
            f"{source} gives {name}{shown}, and the request that create_step gives is whole without: SageMaker "
            "never gets it.",
            path,
            f"Put {name} into the request of create_step, or take it out of {source}.",
            severity="warning",
            location=view.promises.place(source, *origin.inside),
        )


@rule("STP093", scope="step", severity="info")
def completed_by_hooks(view: StepView) -> Iterator[Problem]:
    """The builder's hooks say what its request could not be sent without.

    What it does:
        Looks for members that no training job is made without (role, image, output, instances, time limit), and that
        `create_step` leaves out and a hook or the configuration gives. They are put into the request before it is
        checked.
    Why:
        SageMaker gets what is sent: that is what was checked only where whoever sends the request completes it so.
    Example:
          builder: true
        - StoppingCondition: null
          hooks:
            get_step_config: {max_runtime_in_seconds: 3600}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    filled = _filled(view)
    found: dict[str, list[str]] = {}
    for path in _demanded(view, filled):
        found.setdefault(filled[path].source, []).append(format_path(path))
    if found:
        who = (
            f"{'the configuration' if source == 'config' else source} ({', '.join(places)})"
            for source, places in found.items()
        )
        yield Problem(
            f"The request of create_step is completed by {', '.join(who)}. SageMaker gets that only where whoever "
            "sends the request puts it in, too.",
            location=next((at for one in found if (at := view.promises.place(one))), None),
        )


@rule("STP082", scope="step")
@located("get_step_config")
def step_config(view: StepView) -> Iterator[Problem]:
    """The step configuration disagrees with the request.

    What it does:
        Compares what `get_step_config` returns, a request or the flat configuration, with the request that
        `create_step` gives.
        What the hook alone says, where the request is whole without it, is a warning.
    Why:
        The job is made from the request. Whoever reads the configuration, a cost report or a reviewer,
        believes in a job that never runs.
    Example:
          hooks:
        -   get_step_config: {training_instance_type: ml.m5.2xlarge, training_instance_count: 1}
        +   get_step_config: {training_instance_type: ml.m5.xlarge, training_instance_count: 1}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    config = hook(view, "get_step_config")
    if not config:
        return
    yield from compare(view, "get_step_config", config, shortforms.FLAT)
    for member in ("RoleArn", "TrainingJobName"):
        said, has = literal(config, member), literal(view.request, member)
        if said is not None and has is not None and not same(said, has):
            yield differs(view, "get_step_config", member, said, (member,), has)
    for member in ("ResourceConfig", "StoppingCondition", "OutputDataConfig", "AlgorithmSpecification"):
        inner, own = mapping(config, member), mapping(view.request, member)
        for key in inner:
            said, has = literal(inner, key), literal(own, key)
            plain = not isinstance(said, (Mapping, list))
            if plain and said is not None and has is not None and not same(said, has):
                where = view.promises.place("get_step_config", member, key)
                yield differs(view, "get_step_config", f"{member}.{key}", said, (member, key), has, where)
    yield from unsent(view, "get_step_config")


BY_THE_SDK = frozenset({"sagemaker_submit_directory", "sagemaker_job_name"})
"""What the SDK writes into the very mapping that an estimator is given, new for each job."""


@rule("HPO080", scope="step")
@located("get_hyperparameters")
def hyperparameters(view: StepView) -> Iterator[Problem]:
    """The builder's hyperparameters differ from the request's.

    What it does:
        Looks up every hyperparameter of `get_hyperparameters` in the request. Values are compared by what they
        mean to the script: 0.1 and "0.1", true and "True" are the same. More in the request is no fault.
        What the hook alone says, where the request is whole without it, is a warning.
    Why:
        The model is trained with the request's values. Experiments are then recorded with values that were
        never used.
    Example:
        - HyperParameters: {learning_rate: "0.01", epochs: "10"}
        + HyperParameters: {learning_rate: "0.1", epochs: "10"}
          hooks:
            get_hyperparameters: {learning_rate: 0.1, epochs: 10}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    said = hook(view, "get_hyperparameters")
    training = definition(view)
    if not said or training is None or is_reference(training.request.get(training.hyperparameters_member)):
        return
    member = training.hyperparameters_member
    tuned = training.tuned | set(mapping(hook(view, "get_tuning_config"), "hyperparameter_ranges"))
    for name, value in said.items():
        place: Path = (*training.path, member, name)
        if name in BY_THE_SDK:
            continue
        if name in training.hyperparameters:
            has = training.hyperparameters[name]
            if not is_reference(has) and not is_reference(value) and not same(value, has):
                yield differs(view, "get_hyperparameters", name, value, place, has)
        elif name not in tuned:
            yield Problem(
                f"get_hyperparameters has {name} = {show(value, name)}, but the request has no {name!r} in "
                f"{format_path(place[:-1])}.{did_you_mean(str(name), training.hyperparameters)}",
                place[:-1],
                f"Add {name!r} to the request's {member}, or take it out of get_hyperparameters.",
                location=view.promises.place("get_hyperparameters", name),
            )
    yield from unsent(view, "get_hyperparameters")

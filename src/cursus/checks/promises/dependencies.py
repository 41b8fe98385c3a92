"""What a builder says it depends on, held against the steps before it and against its request.

Where nothing is known of the steps before (no ``upstream`` in the builder's config), only what can be seen
from the builder alone is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cursus.aws import pipelines
from cursus.aws.pipelines import PipelineStep, Reference, Target, parse_get
from cursus.checks.pipeline.properties import unresolved
from cursus.checks.pipeline.structure import circles
from cursus.checks.promises.channels import distributed_channels, promised_channels
from cursus.checks.promises.hooks import definition, located, place_of, whereabouts
from cursus.checks.rules import Problem, rule
from cursus.checks.views import StepView, listing, mapping
from cursus.model import Location, Path, UpstreamStep, format_path
from cursus.redact import show
from cursus.suggest import did_you_mean

HOOKS = ("get_dependencies", "get_required_dependencies", "get_optional_dependencies")
UNKNOWN = ""
"""Stands for a list of which nothing is known."""
MODEL_ARTIFACT = ("ModelArtifacts", "S3ModelArtifacts")
MODEL_MEDIA = ("application/x-tar", "application/gzip", "application/x-gzip", "application/octet-stream")
"""Content types under which a model.tar.gz may rightly be fed into a channel."""


def dependencies(view: StepView) -> Iterator[tuple[str, str, str | None]]:
    """(logical name, step, output) of every dependency that the builder names."""
    for name, target in (view.promises.dependencies or {}).items():
        step = target.get("step")
        if isinstance(step, str) and step:
            output = target.get("output")
            yield name, step, output if isinstance(output, str) and output else None


def _place(view: StepView, name: str, *member: str) -> Location | None:
    """Where a dependency is written, in the hook that names it."""
    hooks = view.promises.hooks
    naming = next((hook for hook in HOOKS if whereabouts(hooks.get(hook), name)), None)
    return place_of(view, naming, name, *member) if naming else None


def _optional(view: StepView) -> set[str]:
    """Logical names that only ``get_optional_dependencies`` has."""
    names: dict[str, set[str]] = {}
    for hook in HOOKS:
        value = view.promises.hooks.get(hook) or ()
        names[hook] = {str(one) for one in value if isinstance(one, (str, int))}
    return names[HOOKS[2]] - names[HOOKS[0]] - names[HOOKS[1]]


def upstream(view: StepView) -> dict[str, UpstreamStep] | None:
    """The steps before this one by name, or None where they are not known."""
    known = view.promises.upstream
    return None if known is None else {step.name: step for step in known}


def references(value: Any, path: Path = ()) -> Iterator[tuple[Reference, Target]]:
    """Every ``{"Get": "Steps.NAME.PROPERTY"}`` inside plain data, and what it names."""
    for reference in pipelines.references(value, path, None):
        target = parse_get(reference.text)
        if target is not None and target.root == "Steps":
            yield reference, target


@rule("DEP080", scope="step")
@located(*HOOKS)
def unknown_step(view: StepView) -> Iterator[Problem]:
    """The builder depends on a step that is not there.

    What it does:
        Looks up the step of every dependency, and of DependsOn, among the steps before this one (`upstream` in the
        config). One of `get_optional_dependencies` that is not there is only worth knowing.
    Why:
        A pipeline with a dependency on an unknown step is refused when it is created.
    Example:
        - dependencies: {training_data: {step: Preprocesing, output: train}}
        + dependencies: {training_data: {step: Preprocessing, output: train}}
          upstream: [{name: Preprocessing, type: Processing, outputs: [train, validation]}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html
    """
    known = upstream(view)
    if known is None:
        return
    optional = _optional(view)
    training = definition(view)
    channels = [channel.name for channel in training.channels] if training is not None else []
    for name, step, _ in dependencies(view):
        if name == step and name in channels:
            continue  # the name of an input, whose step is not told
        if step not in known and step != view.step.name:
            yield Problem(
                severity="info" if name in optional else None,
                message=f"{_depends(name, step)}, which is none of the steps before this one "
                f"({', '.join(known) or 'there are none'}).{did_you_mean(step, known)}",
                remedy="Name a step that runs before this one, or add it to upstream in the config.",
                location=_place(view, name, "step"),
            )


@rule("DEP081", scope="step")
@located(*HOOKS)
def unknown_output(view: StepView) -> Iterator[Problem]:
    """The builder depends on an output that the step does not have.

    What it does:
        Looks up the output of every dependency among those that the step before declares, and the property of every
        `{"Get": "Steps.NAME.…"}` of the request among those that a step of its type has.
    Why:
        The reference to the output cannot be resolved: the pipeline is refused, or the channel is empty.
    Example:
        - dependencies: {training_data: {step: Preprocessing, output: training}}
        + dependencies: {training_data: {step: Preprocessing, output: train}}
          upstream: [{name: Preprocessing, type: Processing, outputs: [train, validation]}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html
    """
    known = upstream(view) or {}
    for name, step, output in dependencies(view):
        owner = known.get(step)
        if output is None or owner is None or owner.outputs is None or output in owner.outputs:
            continue
        yield Problem(
            f"The dependency {name!r} is to come from the output {output!r} of the step {step!r}, which declares "
            f"{', '.join(map(repr, owner.outputs)) or 'no outputs'}.{did_you_mean(output, owner.outputs)}",
            remedy=f"Name an output of {step!r}, or declare {output!r} there.",
            location=_place(view, name, "output"),
        )
    for reference, target in references(view.request):
        owner = known.get(target.name)
        if owner is None:
            continue
        for problem in unresolved(replace(reference, in_json_get=True), target, _pipeline_step(owner)):
            origin = view.step.origin(reference.path)
            yield replace(problem, location=origin.location if origin else None)


def _pipeline_step(step: UpstreamStep) -> PipelineStep:
    """A step before this one as a step of a definition, of which only its type and outputs are known."""
    outputs: Any = UNKNOWN if step.outputs is None else [{"OutputName": name} for name in step.outputs]
    body = {
        "Arguments": {"ProcessingOutputConfig": {"Outputs": outputs}},
        "OutputParameters": outputs,
        "PropertyFiles": UNKNOWN,
    }
    return PipelineStep(step.name, step.type, body, ())


@rule("DEP082", scope="step")
@located(*HOOKS)
def cycle(view: StepView) -> Iterator[Problem]:
    """The builder's dependencies go in a circle.

    What it does:
        Follows the dependencies of this step and of the steps before it. None may lead back to where it began.
    Why:
        Steps that wait for each other never start. SageMaker refuses such a pipeline.
    Example:
          dependencies: {training_data: {step: Preprocessing}}
          upstream:
            - {name: Preprocessing, type: Processing, depends_on: [Statistics]}
        -   - {name: Statistics, type: Processing, depends_on: [Preprocessing]}
        +   - {name: Statistics, type: Processing}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html
    """
    known = upstream(view)
    if known is None:
        return
    own = view.step.name
    graph = {name: step.depends_on for name, step in known.items()}
    needed = {step: name for name, step, _ in dependencies(view) if step != own}
    graph[own] = tuple(needed)
    for circle in circles(graph):
        ours = next((needed[step] for step in circle if own in circle and step in needed), None)
        yield Problem(
            f"The steps wait for each other in a circle: {' → '.join((*circle, circle[0]))}.",
            remedy="Take one of these dependencies out.",
            location=_place(view, ours, "step") if ours is not None else None,
        )


@rule("DEP083", scope="step")
@located(*HOOKS)
def self_dependency(view: StepView) -> Iterator[Problem]:
    """The step depends on itself.

    What it does:
        Looks for the step's own name among its dependencies and its references.
    Why:
        A step that waits for its own end never starts. SageMaker refuses such a pipeline.
    Example:
        - dependencies: {warm_start: {step: example}}
        + dependencies: {warm_start: {step: BaseModel}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html
    """
    own = view.step.name
    for name, step, _ in dependencies(view):
        if step == own:
            yield Problem(
                f"{_depends(name, step)}, which is this step itself.",
                remedy="Name a step that runs before this one.",
                location=_place(view, name, "step"),
            )
    for reference, target in references(view.request):
        if target.name == own:
            yield Problem(
                f"{format_path(reference.path)} refers to the step {own!r}, which is this step itself.",
                reference.path,
                "Refer to a step that runs before this one.",
            )


@rule("DEP084", scope="step")
def reference_to_no_upstream(view: StepView) -> Iterator[Problem]:
    """The request refers to a step that is none of the steps before it.

    What it does:
        Resolves every `{"Get": "Steps.NAME.…"}` of the request among the steps before this one.
    Why:
        SageMaker refuses a pipeline with a reference to a step that it does not have.
    Example:
          OutputDataConfig:
        -   S3OutputPath: {Get: "Steps.Preprocesing.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"}
        +   S3OutputPath: {Get: "Steps.Preprocessing.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"}
          upstream: [{name: Preprocessing, type: Processing}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html
    """
    known = upstream(view)
    if known is None:
        return
    for reference, target in references(view.request):
        step = target.name
        if step not in known and step != view.step.name:
            yield Problem(
                f"{format_path(reference.path)} refers to the step {step!r}, which is none of the steps before this "
                f"one ({', '.join(known) or 'there are none'}).{did_you_mean(step, known)}",
                reference.path,
                "Refer to a step that runs before this one, or add it to upstream in the config.",
            )


@rule("DEP085", scope="step")
def named_twice(view: StepView) -> Iterator[Problem]:
    """Two steps before this one have the same name.

    What it does:
        Counts the names of the steps before this one, and this step's own among them.
    Why:
        The names of a pipeline's steps are unique. With two of a name SageMaker refuses the pipeline, and a
        dependency on that name could mean either.
    Example:
          dependencies: {training_data: {step: Preprocessing}}
        - upstream: [{name: Preprocessing, type: Processing}, {name: Preprocessing, type: Training}]
        + upstream: [{name: Preprocessing, type: Processing}, {name: Baseline, type: Training}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-pipeline.html
    """
    seen: set[str] = set()
    told: set[str] = set()
    for number, step in enumerate(view.promises.upstream or ()):
        own = step.name == view.step.name
        if (own or step.name in seen) and step.name not in told:
            told.add(step.name)
            yield Problem(
                f"A step before this one is called {step.name!r}, which is this step's own name."
                if own
                else f"Several of the steps before this one are called {step.name!r}.",
                remedy="Give each step of the pipeline a name of its own.",
                location=view.promises.place("get_step_config", "upstream", number),
            )
        seen.add(step.name)


@rule("DEP086", scope="step")
@located(*HOOKS)
def channel_that_is_fed_is_missing(view: StepView) -> Iterator[Problem]:
    """A dependency names a channel as its input, and the request has no such channel.

    What it does:
        Compares the names of dependencies with an output against the channels, where the builder names its
        dependencies after channels: at least one other of them is a channel of the request. A step that the
        request refers to is used, under whatever name.
    Why:
        The output of the step before is made, and never reaches the training.
    Example:
          dependencies:
            train: {step: Preprocessing, output: train}
        -   validation: {step: Preprocessing, output: validation}
          upstream: [{name: Preprocessing, type: Processing, outputs: [train, validation]}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html
    """
    training = definition(view)
    if training is None:
        return
    channels = {channel.name for channel in training.channels if channel.name is not None}
    fed = {name: step for name, step, output in dependencies(view) if output is not None}
    if not channels.intersection(fed):
        return
    used = {target.name for _, target in references(training.request)}
    known = channels | promised_channels(view) | distributed_channels(view)
    for name, step in fed.items():
        if name not in known and step not in used:
            yield Problem(
                f"The output of {step!r} is to feed {name!r}, but the request has no channel {name!r} "
                f"(it has {', '.join(sorted(channels))}).{did_you_mean(name, channels)}",
                (*training.path, "InputDataConfig"),
                f"Add a channel {name!r} to InputDataConfig, or take the dependency out.",
                location=_place(view, name),
            )


@rule("DEP087", scope="step", severity="warning")
def type_does_not_fit(view: StepView) -> Iterator[Problem]:
    """A channel for data is fed with another step's model archive.

    What it does:
        Looks at channels with a content type for data (text/csv …) whose S3Uri refers to the model artifact of
        a step, which is a model.tar.gz.
    Why:
        The script finds one archive where it expects the files of a data set.
    Example:
          InputDataConfig:
        -   - ChannelName: train
        -     ContentType: text/csv
        +   - ChannelName: model
        +     ContentType: application/x-tar
              DataSource:
                S3DataSource: {S3DataType: S3Prefix, S3Uri: {Get: Steps.Base.ModelArtifacts.S3ModelArtifacts}}
          upstream: [{name: Base, type: Training}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    training = definition(view)
    if training is None:
        return
    for i, channel in enumerate(listing(training.request, "InputDataConfig")):
        if not isinstance(channel, Mapping):
            continue
        media = channel.get("ContentType")
        if not isinstance(media, str) or media.partition(";")[0].strip().lower() in MODEL_MEDIA:
            continue
        source = mapping(mapping(channel, "DataSource"), "S3DataSource")
        place: Path = (*training.path, "InputDataConfig", i, "DataSource", "S3DataSource", "S3Uri")
        for _, target in references(source.get("S3Uri"), place):
            if target.rest == MODEL_ARTIFACT:
                yield Problem(
                    f"The channel {show(channel.get('ChannelName'))} is for {media}, but it is fed with the model "
                    f"archive (model.tar.gz) of the step {target.name!r}.",
                    place,
                    f"Feed it with an output of data, or set the content type to {MODEL_MEDIA[0]} if the script "
                    "unpacks the archive.",
                )


@rule("DEP088", scope="step")
@located(*HOOKS)
def dependency_without_a_step(view: StepView) -> Iterator[Problem]:
    """A dependency does not say which step it comes from, or says something else.

    What it does:
        Looks for `step` in every dependency that is more than a name: a mapping of `step` and `output`. Other keys, and
        an output that is no text, are read by nobody.
    Why:
        Without the step nothing can be put in its place when the pipeline is built; without the output any would do.
    Example:
        - dependencies: {training_data: {output: train}}
        + dependencies: {training_data: {step: Preprocessing, output: train}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html
    """
    for name, target in (view.promises.dependencies or {}).items():
        if not target.get("step"):
            hint = next((hint for key in target if (hint := did_you_mean(key, ("step",)))), "")
            yield Problem(
                f"The dependency {name!r} names no step: it has {', '.join(sorted(target)) or 'nothing'}.{hint}",
                remedy='Write {"step": …, "output": …}, or the name of the step alone.',
                location=_place(view, name),
            )
    for name, entry in _written(view):
        for key, value in entry.items():
            if key not in _KEYS:
                problem = f"has the key {show(key)}, which nobody reads.{did_you_mean(str(key), _KEYS)}"
            elif not isinstance(value, str) and value is not None:
                problem = f"has {show(value)} for its {key}, which is no text."
            else:
                continue
            yield Problem(
                f"The dependency {name!r} {problem}",
                remedy='Write {"step": …, "output": …}, or the name of the step alone.',
                severity="warning",
                location=_place(view, name, str(key)),
            )


_KEYS = ("step", "output", "input")


def _written(view: StepView) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(logical name, what the hook gives) of the dependencies that say which step they come from."""
    told = view.promises.dependencies or {}
    for hook in HOOKS:
        said = view.promises.hooks.get(hook)
        for name, entry in said.items() if isinstance(said, Mapping) else ():
            if isinstance(entry, Mapping) and told.get(str(name), {}).get("step"):
                yield str(name), entry


def _depends(name: str, step: str) -> str:
    what = "This step depends on" if name == step else f"The dependency {name!r} is to come from the step"
    return f"{what} {step!r}"

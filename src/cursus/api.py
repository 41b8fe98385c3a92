"""``cursus.check`` and ``cursus.run``: targets become steps, steps become reports and jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from cursus import engine, steps
from cursus.aws import schema
from cursus.aws.places import partition_of
from cursus.checks.views import Settings
from cursus.errors import ConfigurationError, RunError
from cursus.model import Finding, Pipeline, Report, Section, Step, format_path
from cursus.redact import cut

if TYPE_CHECKING:
    from cursus.local.jobs.job import TrainingJob


_TEXTS = frozenset({str, type(None)})


def check(
    target: object,
    *,
    kind: str | None = None,
    region: str | None = None,
    source_dir: str | PathLike[str] | None = None,
    entry_point: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    select: Sequence[str] | None = None,
    ignore: Sequence[str] | Mapping[str, str] | None = None,
    allow: Sequence[str] | None = None,
    strict: bool = False,
    config: Mapping[str, Any] | None = None,
) -> Report:
    """Check everything about ``target`` that can be known without SageMaker and without running it.

    No socket is opened, no credentials are read, and no user code runs but a builder's own.

    Args:
        target: a request mapping (CreateTrainingJob, CreateHyperParameterTuningJob, CreateAutoMLJob or V2, a
            pipeline definition: told apart by their members), a builder, a Step, an SDK object, or the
            path of a JSON or YAML file, ``file.py:Builder`` or ``package.module:Builder``.
        kind: the operation that a mapping stands for, where its members leave a doubt.
        region: the region that the job will run in, such as ``eu-central-1``.
        source_dir: directory of the training script, which is then read (never run).
        entry_point: the training script, relative to ``source_dir``.
        parameters: values of pipeline parameters, by name; the rest have their defaults.
        select: rule ids, or beginnings of them; only these rules run.
        ignore: rule ids, or beginnings of them, that do not run; a mapping gives each its reason.
        allow: values that are newer than the facts of this version (an instance type, a framework version).
        strict: count warnings as errors in ``Report.ok``.
        config: the flat configuration that a builder class is made with.

    Returns:
        A report; ``report.ok`` is True where it holds no error.

    Raises:
        cursus.errors.TargetError: ``target`` is nothing that stands for a step, or cannot be read.
        cursus.errors.ConfigurationError: there is no rule of an id in ``select`` or ``ignore``, or no such region.
    """
    if not _TEXTS.issuperset((type(region), type(kind), type(entry_point))):
        _want_texts(region=region, kind=kind, entry_point=entry_point)
    if region is not None and not partition_of(region):
        _want_region(region)
    if parameters is not None and not isinstance(parameters, Mapping):
        raise TypeError(f"parameters takes a mapping of names to values, not {parameters!r}")
    settings = Settings(
        region,
        () if select is None else _rules("select", select),
        () if ignore is None else _rules("ignore", ignore),
        () if allow is None else _texts("allow", allow),
        strict,
    )
    if type(target) is dict and source_dir is None and entry_point is None and not parameters:
        step = steps.of_request(target, kind=kind, region=region)
        outline = None if step is None else engine.known(step)
        if step is not None and outline is not None:  # a sound request: nothing more of it has to be loaded
            return _report(engine.check_step(step, settings, outline=outline), [_section(step)], settings)
    loaded = steps.load(
        target,
        kind=kind,
        config=config,
        source_dir=fspath(source_dir) if source_dir is not None else None,
        entry_point=entry_point,
        region=region,
        parameters=parameters,
    )
    report = check_loaded(loaded, settings)
    unused = unused_parameters(loaded, parameters) if parameters else ""
    return replace(report, notes=(*report.notes, unused)) if unused else report


def unused_parameters(loaded: Sequence[Step | Pipeline], parameters: Mapping[str, Any] | None) -> str:
    """What to say of parameters that nothing has: only pipelines have parameters."""
    if not parameters or any(isinstance(item, Pipeline) for item in loaded):
        return ""
    return (
        f"nobody reads the parameters {', '.join(map(str, parameters))}: only a pipeline definition has any"
    )


def check_loaded(loaded: Sequence[Step | Pipeline], settings: Settings) -> Report:
    """The report on steps and pipelines that are already there."""
    findings: list[Finding] = []
    sections: list[Section] = []
    for item in loaded:
        if isinstance(item, Pipeline):
            findings.extend(engine.check_pipeline(item, settings)[0])
            sections.append(Section(item.name, "CreatePipeline", "Pipeline"))
            sections.extend(pipeline_sections(item))
        else:
            findings.extend(engine.check_step(item, settings))
            sections.append(_section(item))
    return _report(findings, sections, settings)


def _section(step: Step) -> Section:
    return Section(step.name, step.operation, step.type)


def _report(findings: Sequence[Finding], sections: Sequence[Section], settings: Settings) -> Report:
    return Report(tuple(findings), tuple(sections), (), schema.model_date(), settings.strict)


def pipeline_sections(pipeline: Pipeline) -> Iterator[Section]:
    """A section a step of a pipeline, in reading order; the operation is empty where a step sends no request."""
    from cursus.aws.pipelines import step_type, walk

    for step in walk(pipeline.definition):
        operation = step_type(step.type or "").get("operation", "")
        yield Section(cut(step.name or format_path(step.path)), operation, cut(step.type or ""))


def run(
    target: object,
    *,
    source_dir: str | PathLike[str] | None = None,
    entry_point: str | None = None,
    channels: Mapping[str, str | PathLike[str]] | None = None,
    expected_artifacts: Sequence[str] | None = None,
    root: str | PathLike[str] | None = None,
    stop_after: float | None = None,
    timeout: float | None = None,
    detach: bool = False,
    interrupt_after: float | None = None,
    times: int = 1,
    compare: bool = False,
    vary: bool | None = None,
    deliver_sigterm: bool = False,
    python: str | None = None,
    requirements: bool = False,
    keep: bool = False,
    debug: bool = False,
    engine: str | None = None,
    image: str | None = None,
    engine_arguments: Sequence[str] = (),
    fork_ranks: bool = False,
) -> TrainingJob:
    """Carry out ``target`` on this machine under the SageMaker container contract.

    Args:
        target: whatever stands for one training job: a CreateTrainingJob request, a builder, a Step, an SDK
            object, or a path to one.
        source_dir: local directory that stands in for ``sagemaker_submit_directory``.
        entry_point: script in ``source_dir`` that stands in for ``sagemaker_program``.
        channels: local file or directory for each channel name; a channel without one is looked up at
            ``<root>/s3/<bucket>/<key>``.
        expected_artifacts: paths inside the model directory that must be there at the end;
            ``model.tar.gz`` and ``output.tar.gz`` mean the archives, ``output/data/…`` and ``checkpoints/…`` those
            directories.
        root: where jobs and the local S3 live; ``CURSUS_ROOT`` or ``.cursus`` unless given.
        stop_after: seconds after which the job is stopped as StopTrainingJob would.
        timeout: seconds after which the job is stopped as MaxRuntimeInSeconds would, where that is longer.
        detach: return at once; the job goes on in its own process and outlives this one.
        interrupt_after: seconds of training after which its hosts are taken away, as by a spot interruption;
            it starts again with the checkpoints that it had kept.
        times: how often that happens.
        compare: run it without the interruption too; ``job.evidence.comparison`` says how the two differ.
        vary: run it again with other values of each hyperparameter, with other numbers in its data and with the
            checkpoints that it left, cut off from the network and in a folder that is thrown away, and see what changes
            nothing (``job.evidence.unmoved``, ``trials``); unless given, where it trained less than a second.
        deliver_sigterm: hand SIGTERM to the script as well, which the training toolkit does not.
        python: the interpreter to run the script with, where it is not this one.
        requirements: run it with the source's ``requirements.txt`` installed, in an environment that is kept.
        keep: leave what the hosts had on disk in the job's folder.
        debug: put the first host on this terminal, so that ``breakpoint()`` works.
        engine: ``podman`` or ``docker``: each host is a container of the request's TrainingImage, which the engine
            has or can pull with the credentials that you gave it.
        image: the image that stands in for it.
        engine_arguments: options that the engine gets for every container.
        fork_ranks: fork torchrun's ranks from one process that has imported torch, which saves each its import;
            ``job.evidence.not_reproduced`` says so.

    Returns:
        The job: finished, unless ``detach``.

    Raises:
        cursus.errors.TargetError: ``target`` is nothing that stands for a step, or cannot be read.
        cursus.errors.RunError: ``target`` cannot be run here; the message says why.
    """
    from cursus.local import runner
    from cursus.local.options import Options

    loaded = steps.load(
        target,
        source_dir=fspath(source_dir) if source_dir is not None else None,
        entry_point=entry_point,
    )
    if len(loaded) != 1 or isinstance(loaded[0], Pipeline):
        what = "a pipeline definition" if isinstance(loaded[0], Pipeline) else f"{len(loaded)} steps"
        raise RunError(f"{what} cannot be run as one training job: name one training step of it")
    refuse_unmade(loaded[0])
    return runner.run_step(
        loaded[0],
        root=root,
        channels=channels,
        expected_artifacts=expected_artifacts,
        detach=detach,
        compare=compare,
        vary=vary,
        options=Options(
            stop_after=stop_after,
            timeout=timeout,
            interrupt_after=interrupt_after,
            times=times,
            deliver_sigterm=deliver_sigterm,
            python=python,
            requirements=requirements,
            keep=keep,
            debug=debug,
            engine=engine,
            image=image,
            engine_arguments=tuple(engine_arguments),
            fork_ranks=fork_ranks,
        ),
    )


def refuse_unmade(step: Step) -> None:
    """Raise RunError where the builder made no step: there is nothing to run, whatever its hooks promise."""
    for failure in step.promises.failures:
        if failure.hook in ("create_step", "__init__"):
            raise RunError(f"cannot run here: {failure.message}")


def _want_region(region: str) -> None:
    from cursus.config import misspelt_region

    fault = misspelt_region(region)
    if fault:
        raise ConfigurationError(fault)


def _want_texts(**values: object) -> None:
    for name, value in values.items():
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name} takes a text, not {value!r}")


def _rules(name: str, value: Sequence[str] | Mapping[str, str]) -> tuple[str, ...]:
    """Rule ids, or beginnings of them; one that no rule has would make a check that cannot fail."""
    ids = _texts(name, value)
    if ids:
        from cursus.config import unknown_rule

        for id in ids:
            problem = unknown_rule(id) if isinstance(id, str) else f"{id!r} is no rule's id."
            if problem:
                raise ConfigurationError(f"{name}: {problem}")
    return ids


def _texts(name: str, value: Sequence[str] | Mapping[str, str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f"{name} takes a list of texts, not one text: write [{value!r}]")
    return tuple(value)

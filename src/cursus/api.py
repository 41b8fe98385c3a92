"""``cursus.check`` and ``cursus.run``: targets become steps, steps become reports and jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from cursus import engine, steps
from cursus.aws import schema
from cursus.checks.outline import Outline, take_apart
from cursus.checks.views import Settings
from cursus.errors import ConfigurationError, RunError
from cursus.model import Finding, Pipeline, Report, Section, Step, format_path
from cursus.redact import cut

if TYPE_CHECKING:
    from cursus.local.job import TrainingJob


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
    """See ``cursus.check``."""
    for name, value in (("region", region), ("kind", kind), ("entry_point", entry_point)):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name} takes a text, not {value!r}")
    if parameters is not None and not isinstance(parameters, Mapping):
        raise TypeError(f"parameters takes a mapping of names to values, not {parameters!r}")
    settings = Settings(
        region, _rules("select", select), _rules("ignore", ignore), _texts("allow", allow), strict
    )
    outline = take_apart(target) if type(target) is dict and "Steps" not in target else None
    loaded = steps.load(
        target,
        kind=kind,
        config=config,
        source_dir=fspath(source_dir) if source_dir is not None else None,
        entry_point=entry_point,
        region=region,
        parameters=parameters,
        as_is=outline is not None,
    )
    report = check_loaded(loaded, settings, (target, outline))
    unused = unused_parameters(loaded, parameters)
    return replace(report, notes=(*report.notes, unused)) if unused else report


def unused_parameters(loaded: Sequence[Step | Pipeline], parameters: Mapping[str, Any] | None) -> str:
    """What to say of parameters that nothing has: only pipelines have parameters."""
    if not parameters or any(isinstance(item, Pipeline) for item in loaded):
        return ""
    return (
        f"nobody reads the parameters {', '.join(map(str, parameters))}: only a pipeline definition has any"
    )


def check_loaded(
    loaded: Sequence[Step | Pipeline], settings: Settings, taken: tuple[object, Outline | None] = (None, None)
) -> Report:
    """The report on steps and pipelines that are already there; ``taken`` is a request that was taken apart."""
    findings: list[Finding] = []
    sections: list[Section] = []
    for item in loaded:
        if isinstance(item, Pipeline):
            findings.extend(engine.check_pipeline(item, settings)[0])
            sections.append(Section(item.name, "CreatePipeline", "Pipeline"))
            sections.extend(pipeline_sections(item))
        else:
            outline = taken[1] if item.request is taken[0] else None
            findings.extend(engine.check_step(item, settings, outline=outline))
            sections.append(Section(item.name, item.operation, item.type))
    return Report(
        findings=tuple(findings),
        sections=tuple(sections),
        service_model=schema.model_date(),
        strict=settings.strict,
    )


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
    **options: Any,
) -> TrainingJob:
    """See ``cursus.run``."""
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
        stop_after=stop_after,
        timeout=timeout,
        detach=detach,
        interrupt_after=interrupt_after,
        times=times,
        compare=compare,
        vary=vary,
        options=Options(**options),
    )


def refuse_unmade(step: Step) -> None:
    """Raise RunError where the builder made no step: there is nothing to run, whatever its hooks promise."""
    for failure in step.promises.failures:
        if failure.hook in ("create_step", "__init__"):
            raise RunError(f"cannot run here: {failure.message}")


def _rules(name: str, value: Sequence[str] | Mapping[str, str] | None) -> tuple[str, ...]:
    """Rule ids, or beginnings of them; one that no rule has would make a check that cannot fail."""
    ids = _texts(name, value)
    if ids:
        from cursus.config import unknown_rule

        for id in ids:
            problem = unknown_rule(id) if isinstance(id, str) else f"{id!r} is no rule's id."
            if problem:
                raise ConfigurationError(f"{name}: {problem}")
    return ids


def _texts(name: str, value: Sequence[str] | Mapping[str, str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        raise TypeError(f"{name} takes a list of texts, not one text: write [{value!r}]")
    return tuple(value)

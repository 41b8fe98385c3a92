"""``cursus run``: one training job, carried out here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cursus.commands import common, options, run_options
from cursus.commands.project import Choices, Project
from cursus.commands.trials import all_steps, with_source
from cursus.errors import RunError, TargetError
from cursus.model import Step
from cursus.report.outcome import Record, clean_record
from cursus.report.plain import Style, clean, count

if TYPE_CHECKING:
    from cursus.local.jobs.events import Event
    from cursus.local.jobs.job import TrainingJob


@click.command("run")
@click.argument("target")
@options.channel
@options.source
@options.entry
@click.option("--step", "step_name", metavar="NAME", help="Which step of a pipeline or folder to run.")
@click.option("--region", metavar="REGION", help="The region that the job believes to run in.")
@options.parameter
@click.option("--expect-artifact", "artifacts", multiple=True, metavar="PATH", help="What it has to leave.")
@options.timeout
@click.option("--stop-after", type=options.SECONDS, metavar="S", help="Stop it as StopTrainingJob would.")
@run_options.store
@run_options.vary
@run_options.life
@run_options.debugging
@run_options.containers
@click.option("--detach", is_flag=True, help="Return at once; the job goes on.")
@click.option("--quiet", "-q", is_flag=True, help="Leave the job's log out.")
@options.root
@options.config
@options.output(("text", "json"))
def command(
    target: str,
    config: str | None,
    step_name: str | None,
    artifacts: tuple[str, ...],
    detach: bool,
    quiet: bool,
    format: str,
    output: str | None,
    **asked: Any,
) -> int:
    """Carry out the training job that TARGET stands for, under the SageMaker container contract.

    The job's log is streamed; Ctrl-C stops the job as StopTrainingJob would, a second one at once. Its files
    are in ROOT/jobs/NAME.
    """
    from cursus.api import refuse_unmade
    from cursus.local.options import Options
    from cursus.local.runner import run_step

    repeats = {name: asked.pop(name) for name in ("compare", "vary")}
    own = {one.name for one in fields(Options)} - {*Choices._fields}
    wanted = Options(**{name: asked.pop(name) for name in own & asked.keys()})
    project = Project((target,), config, Choices(**asked))
    entry = project.entries[0]
    common.spare(output, [entry.target])
    wanted = replace(wanted, **project.containers(entry))
    step = with_source(choose(all_steps(project.load(entry)), step_name, target), entry)
    refuse_unmade(step)
    _need_script(step)
    expected = [*step.promises.expected_artifacts, *entry.expected_artifacts, *artifacts]
    listener = LogPrinter(to_stdout=format == "text" and output is None, quiet=quiet or wanted.terminal)
    job = run_step(
        step,
        root=project.root,
        channels=entry.channels or None,
        expected_artifacts=list(dict.fromkeys(expected)) or None,
        detach=detach,
        on_event=listener,
        options=wanted,
        **repeats,
    )
    if wanted.keep:
        common.say(f"-- kept: {job.folder}/hosts (ml is /opt/ml, scratch what is elsewhere)")
    if wanted.shell:
        return common.OK
    if detach:
        common.write([f"{job.name}: started, in {job.folder}\n"])
        return common.OK
    job.settings = project.settings(entry)
    findings = [clean_record(finding.to_dict(), target) for finding in job.findings]
    return _tell(job, findings, format, output)


def _tell(job: TrainingJob, findings: list[Record], format: str, output: str | None) -> int:
    """Write what the job came to, and give the exit code."""
    if format == "json":
        common.write_json(document(job, findings), output)
    else:
        color = output is None and common.want_color()
        common.write(report(job, findings, Style(color)), output)
    failed = job.status != "Completed" or any(found["severity"] == "error" for found in findings)
    return common.FAILED if failed else common.OK


def choose(steps: list[Step], name: str | None, target: str) -> Step:
    """The one training job to run. Raises RunError where it is not one."""
    training = [step for step in steps if step.operation == "CreateTrainingJob"]
    if name is not None:
        from cursus.suggest import did_you_mean

        named = [step for step in training if step.name == name]
        if not named:
            hint = did_you_mean(name, [step.name for step in training])
            raise RunError(f"{target}: there is no training step {name!r}.{hint}")
        return named[0]
    if len(steps) == 1:
        return steps[0]
    if len(training) == 1:
        return training[0]
    names = ", ".join(step.name for step in training[:10]) or "none"
    raise RunError(f"{target}: --step NAME says which training step to run. There are: {names}")


class LogPrinter:
    """Prints a job's log as it comes, of all hosts or one; transitions go to standard error."""

    def __init__(self, host: str | None = None, *, to_stdout: bool = True, quiet: bool = False) -> None:
        self.host = host
        self.stream = sys.stdout if to_stdout else sys.stderr
        self.quiet = quiet

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if event.kind == "notice":
            common.say(f"-- {event.text}")
        elif event.kind == "status":
            common.say(f"-- {event.data.get('secondary') or event.data.get('status')}: {event.text}")
        elif event.kind == "log" and not self.quiet and self.host in (None, event.host):
            prefix = "" if self.host or event.host in ("", "algo-1") else f"[{event.host}] "
            self._write(f"{prefix}{event.text}\n")

    def _write(self, text: str) -> None:
        if self.stream is not None:
            try:
                self.stream.write(text)
                self.stream.flush()
            except (OSError, ValueError) as error:
                raise common.stdout_error(error) from None


def document(job: TrainingJob, findings: list[Record]) -> dict[str, Any]:
    """The job as plain data."""
    from cursus.report.job import data

    evidence = job.evidence
    return {
        "command": "run",
        "name": job.name,
        "status": job.status,
        "failure_reason": job.failure_reason,
        "folder": str(job.folder),
        "model_artifact": evidence.model_artifact,
        "output_artifact": evidence.output_artifact,
        "isolation": evidence.isolation,
        "not_reproduced": list(evidence.not_reproduced),
        "description": job.describe(),
        **data(evidence),
        "findings": findings,
    }


def report(job: TrainingJob, findings: list[Record], style: Style) -> Iterator[str]:
    """What the job left, and what is wrong with it."""
    from cursus.report.job import lines
    from cursus.report.text import finding

    for record in findings:
        yield from finding(record, style)
    evidence = job.evidence
    for sentence in evidence.not_reproduced:
        yield f"{style('not reproduced', 'dim')}: {clean(sentence)}\n"
    for name, points in job.metrics.items():
        yield f"metric {clean(name)}: {points[-1].value:g} ({count(len(points), 'value')})\n"
    yield from lines(evidence)
    if evidence.model_artifact:
        yield f"model: {evidence.model_artifact}\n"
    errors = sum(record["severity"] == "error" for record in findings)
    warnings = sum(record["severity"] == "warning" for record in findings)
    seconds = sum(evidence.stages.values())
    counts = f"{count(errors, 'error')}, {count(warnings, 'warning')}"
    text = f"{job.status} after {seconds:.1f} s: {counts}; {job.folder}"
    yield style(text, "good" if job.status == "Completed" and not errors else "error") + "\n"
    if job.failure_reason:
        yield f"FailureReason: {clean(job.failure_reason)}\n"


def _need_script(step: Step) -> None:
    """On the command line a script that is not there is a slip of the pen, not a job to be started and failed."""
    source = step.source
    if source is None or (step.request.get("AlgorithmSpecification") or {}).get("ContainerEntrypoint"):
        return
    if not (Path(source.directory) / source.entry_point).is_file():
        from cursus.suggest import file_meant

        hint = file_meant(str(Path(source.directory, source.entry_point)))
        raise TargetError(f"there is no entry point {source.entry_point} in {source.directory}.{hint}")

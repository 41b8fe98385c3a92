"""The one local run of a step under test, or the reason why there is none."""

from __future__ import annotations

import dataclasses
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cursus.aws.members import listing, mapping, text
from cursus.errors import RunError
from cursus.evidence import Evidence
from cursus.model import Step
from cursus.report.job import points

if TYPE_CHECKING:
    from cursus.local.jobs.job import TrainingJob
    from cursus.validation.builders.trial import Trial


@dataclass(frozen=True, slots=True)
class LocalRun:
    """The local run of a step, or the reason why there was none.

    ``summary`` is the sentence for the details of each test that reads the run. ``broken`` is True where the run
    could not be made though there was all it takes: the folder of local jobs cannot be written, the disk is full.
    """

    summary: str
    evidence: Evidence | None = None
    job: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    warning: str = ""
    broken: bool = False


def local_run(trial: Trial) -> LocalRun:
    """Run the trial's step here, or say why not."""
    step = trial.step
    if step is None or not trial.created:
        return LocalRun("not run: there is no step")
    reason = _left_out(trial, step)
    if reason:
        return LocalRun(f"not run: {reason}")
    lacking = _without_data(trial, step)
    if lacking:
        reason = (
            f"no data here for the channel {', '.join(map(repr, lacking))}: give its folder (--channel NAME=PATH, or "
            "local_channels of the config), or put it below s3/ in the folder of local jobs"
        )
        return LocalRun(f"not run: {reason}", warning=f"The step was not run here: {reason}")
    from cursus.local.options import Options
    from cursus.local.runner import run_step

    named = _named(step)
    local, warning = _local_channels(trial, step)
    try:
        job = run_step(
            named,
            root=trial.root,
            channels=local or None,
            expected_artifacts=list(step.promises.expected_artifacts) or None,
            on_event=trial.on_event,
            options=Options(timeout=trial.timeout, **trial.containers),
        )
    except (RunError, OSError) as error:
        broken = isinstance(error, OSError) or isinstance(error.__cause__, OSError)
        reason = str(error).removeprefix("cannot run here: ")
        return LocalRun(f"not run: {reason}", warning=f"The step was not run here: {reason}", broken=broken)
    return dataclasses.replace(_ran(job, str(named.request["TrainingJobName"])), warning=warning)


def _left_out(trial: Trial, step: Step) -> str:
    """Why the step is not to be run at all, or nothing."""
    if not trial.execute:
        return "left out on request (execute=False)"
    if step.operation != "CreateTrainingJob":
        return f"only a training job can be run here, not {step.operation}"
    if step.source is None and not _own_command(step) and not trial.containers.get("engine"):
        return "the source code is not known (source_dir and entry_point in the config, or --source and --entry-point)"
    refused = [finding for finding in trial.static if finding.area == "step" and finding.severity == "error"]
    if not refused:
        return ""
    place = refused[0].path or "the request itself"
    return f"SageMaker refuses this request, so no job would start ({refused[0].rule} at {place})"


def _local_channels(trial: Trial, step: Step) -> tuple[dict[str, str], str]:
    """The folders of the request's channels, and a warning of those that it has no channel for.

    A configuration may serve several builders, and so one folder more is no reason not to run.
    """
    names = (
        [channel.name for channel in trial.view.channels if channel.name] if trial.view is not None else []
    )
    given = step.promises.local_channels
    more = [name for name in given if name not in names]
    if not more:
        return dict(given), ""
    from cursus.suggest import did_you_mean

    hint = did_you_mean(more[0], names)
    return (
        {name: folder for name, folder in given.items() if name in names},
        f"local_channels names {', '.join(map(repr, more))}, and the request has no such channel.{hint}",
    )


def _without_data(trial: Trial, step: Step) -> list[str]:
    """The channels that nobody gave a folder for, and whose S3 address holds nothing here."""
    from cursus.local.channels import ChannelError, resolve
    from cursus.local.runner import default_root

    lacking = []
    for channel in trial.view.channels if trial.view is not None else ():
        if channel.name is None or channel.name in step.promises.local_channels:
            continue
        if channel.name == "code" and step.source is not None:
            continue  # the SDK's ModelTrainer sends the source directory as this channel
        try:
            resolve(channel.request, {}, str(Path(trial.root or default_root()).absolute()))
        except ChannelError:
            lacking.append(channel.name)
    return lacking


def _own_command(step: Step) -> bool:
    """True where the request names a program of its own to run."""
    return bool(listing(mapping(step.request, "AlgorithmSpecification"), "ContainerEntrypoint"))


def _ran(job: TrainingJob, name: str) -> LocalRun:
    evidence = job.evidence
    if evidence is None:
        return LocalRun(f"not run: the job {name} ended without a record")
    seconds = sum(evidence.stages.values())
    summary = f"{evidence.status} after {seconds:.1f} s as {name}, in {evidence.folder}"
    if evidence.failure_reason and evidence.failure_reason.strip():
        from cursus.checks.evidence.endings import brief

        summary += f": {brief(evidence)}"
    return LocalRun(
        summary,
        evidence,
        {
            "status": evidence.status,
            "name": name,
            "folder": evidence.folder,
            "failure_reason": evidence.failure_reason,
            "exit_codes": evidence.exit_codes,
            "isolation": evidence.isolation,
            "runtime": evidence.runtime,
            "stages": evidence.stages,
            "metrics": points(evidence),
            "not_reproduced": evidence.not_reproduced,
        },
    )


def _named(step: Step) -> Step:
    """The step under a job name of its own, so that the same builder can be tested again and again.

    Its checkpoints get a place of its own too: with those of the last run a script would go on where that one ended,
    and train nothing.
    """
    from cursus.local.jobs.folders import NAME_LENGTH

    name = step.request.get("TrainingJobName")
    base = name if isinstance(name, str) else step.name
    ending = f"-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"
    stem = re.sub(r"[^A-Za-z0-9]+", "-", base).strip("-")[: NAME_LENGTH - len(ending)].rstrip("-") or "step"
    request = {**step.request, "TrainingJobName": f"{stem}{ending}"}
    checkpoints = mapping(request, "CheckpointConfig")
    place = text(checkpoints, "S3Uri")
    if place:
        uri = f"{place.rstrip('/')}/{request['TrainingJobName']}"
        request["CheckpointConfig"] = {**checkpoints, "S3Uri": uri}
    return dataclasses.replace(step, request=request, in_pipeline=False)

"""What the nine tests share: one lowering of the builder, one static check, one local run.

Each is made when a test first needs it, and once. A test is then no more than a view on the findings of
its area.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cursus import checks, engine
from cursus.checks.promises.failures import area_of
from cursus.checks.rules import RULES
from cursus.checks.views import Settings, TrainingView, TuningView
from cursus.errors import CursusError, RunError
from cursus.model import Area, Evidence, Finding, HookFailure, Step
from cursus.report.job import points

STEP_FAILED = "STP089"

if TYPE_CHECKING:
    from cursus.local.jobs.job import TrainingJob

NAME_LIMIT = 63  # TrainingJobName: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html


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


class Trial:
    """One builder under test.

    Args:
        target: a builder (instance or class), a step of the SDK, a request mapping or a ``Step``.
        config: what the builder is built with and lowered with; see ``cursus.steps.builders``.
        execute: run the step here, where there is source code and data to run.
        settings: region, selected and ignored rules, allowed values.
        root: the folder of local jobs and of ``s3/``; ``.cursus`` where None.
        containers: engine, image and engine_arguments of the local run, see ``local.options.Options``.
        on_event: called with each event of the local run, for live output.
    """

    def __init__(
        self,
        target: Any,
        config: Any = None,
        *,
        execute: bool = True,
        settings: Settings | None = None,
        root: str | None = None,
        containers: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        on_event: Callable[[Any], None] | None = None,
    ) -> None:
        self.target = target
        self.config = config
        self.execute = execute
        self.settings = settings or Settings()
        self.root = root
        self.containers = dict(containers or {})
        self.timeout = timeout
        self.on_event = on_event
        self.failure: HookFailure | None = None

    @cached_property
    def step(self) -> Step | None:
        """The step that the builder stands for; None where none came, with the reason in ``failure``."""
        try:
            return self._lower()
        except CursusError as error:
            self.failure = HookFailure("create_step", str(error))
        return None

    def _lower(self) -> Step:
        if isinstance(self.target, Step):
            return self.target
        from cursus import steps
        from cursus.steps import builders

        # Not by hasattr: a step's arguments are worked out when they are looked at, with calls to AWS.
        if not isinstance(self.target, (Mapping, str)) and not hasattr(type(self.target), "arguments"):
            return builders.lower(self.target, self.config)
        found = steps.load(self.target, config=self.config)
        if len(found) != 1 or not isinstance(found[0], Step):
            from cursus.errors import TargetError

            raise TargetError("The tests take one step at a time, and this stands for several.")
        return found[0]

    @property
    def created(self) -> bool:
        """True where ``create_step`` gave a request; where it failed, hooks may have filled in parts."""
        failed = any(failure.hook in ("create_step", "__init__") for failure in self.failures)
        return self.step is not None and bool(self.step.request) and not failed

    @property
    def name(self) -> str:
        """The step's name, or the name of the builder's class where there is no step."""
        if self.step is not None:
            return self.step.name
        owner = self.target if isinstance(self.target, type) else type(self.target)
        return owner.__name__

    @cached_property
    def view(self) -> TrainingView | None:
        """The one training job definition of the step, where it has one."""
        if self.step is None:
            return None
        if self.step.operation == "CreateTrainingJob":
            return TrainingView(self.step, self.step.request, (), self.settings)
        if self.step.operation == "CreateHyperParameterTuningJob":
            found = TuningView(self.step, self.settings).definitions
            return found[0] if found else None
        return None

    @cached_property
    def hooks(self) -> Mapping[str, Any]:
        """What each hook of the builder returned."""
        return self.step.promises.hooks if self.step is not None else {}

    @cached_property
    def failures(self) -> tuple[HookFailure, ...]:
        """The hooks that raised or returned nonsense."""
        return self.step.promises.failures if self.step is not None else ()

    def failures_in(self, area: Area) -> list[HookFailure]:
        """The failed hooks of one area."""
        return [failure for failure in self.failures if area_of(failure.hook) == area]

    @cached_property
    def static(self) -> list[Finding]:
        """Every finding that needs no run."""
        if self.step is None:
            return []
        found = self._checked(self.step)
        if self.created:
            return found
        # What hooks filled in is not a request: that it lacks members says nothing beyond the failure itself.
        return [finding for finding in found if finding.area != "step" or finding.rule == STEP_FAILED]

    @cached_property
    def run(self) -> LocalRun:
        """The local run. Making it takes as long as the training."""
        return local_run(self)

    @cached_property
    def findings(self) -> list[Finding]:
        """Every finding, those of the local run included."""
        evidence = self.run.evidence
        if self.step is None or evidence is None:
            return self.static
        return self._checked(self.step, evidence)

    def _checked(self, step: Step, evidence: Evidence | None = None) -> list[Finding]:
        """The findings on a step. What its tuning or AutoML job lacks is no fault of the training job's request."""
        companions = {companion.name for companion in step.companions}
        return [
            dataclasses.replace(one, area="hyperparameters")
            if one.area == "step" and one.step in companions
            else one
            for one in engine.check_step(step, self.settings, evidence)
        ]

    def findings_in(self, area: Area) -> list[Finding]:
        """The findings of one area, each once; the local run is made where rules of the area read it."""
        found = self.findings if reads_run(area) else self.static
        return list(dict.fromkeys(finding for finding in found if finding.area == area))


def reads_run(area: Area) -> bool:
    """True where the area has rules that read the evidence of a local run."""
    checks.load()
    return any(rule.area == area and rule.scope == "run" for rule in RULES.values())


def local_run(trial: Trial) -> LocalRun:
    """Run the trial's step here, or say why not."""
    step = trial.step
    if step is None or not trial.created:
        return LocalRun("not run: there is no step")
    if not trial.execute:
        return LocalRun("not run: left out on request (execute=False)")
    if step.operation != "CreateTrainingJob":
        return LocalRun(f"not run: only a training job can be run here, not {step.operation}")
    if step.source is None and not _own_command(step) and not trial.containers.get("engine"):
        return LocalRun(
            "not run: the source code is not known (source_dir and entry_point in the config, or --source and "
            "--entry-point)"
        )
    refused = [finding for finding in trial.static if finding.area == "step" and finding.severity == "error"]
    if refused:
        return LocalRun(
            f"not run: SageMaker refuses this request, so no job would start ({refused[0].rule} at "
            f"{refused[0].path or 'the request itself'})"
        )
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
            timeout=trial.timeout,
            on_event=trial.on_event,
            options=Options(**trial.containers),
        )
    except (RunError, OSError) as error:
        broken = isinstance(error, OSError) or isinstance(error.__cause__, OSError)
        return LocalRun(f"not run: {error}", warning=f"The step was not run here: {error}", broken=broken)
    return dataclasses.replace(_ran(job, str(named.request["TrainingJobName"])), warning=warning)


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
    algorithm = step.request.get("AlgorithmSpecification")
    return isinstance(algorithm, Mapping) and bool(algorithm.get("ContainerEntrypoint"))


def _ran(job: TrainingJob, name: str) -> LocalRun:
    evidence = job.evidence
    if evidence is None:
        return LocalRun(f"not run: the job {name} ended without a record")
    seconds = sum(evidence.stages.values())
    summary = f"{evidence.status} after {seconds:.1f} s as {name}, in {evidence.folder}"
    if evidence.failure_reason and evidence.failure_reason.strip():
        summary += f": {evidence.failure_reason.strip().splitlines()[0]}"
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
    """The step under a job name of its own, so that the same builder can be tested again and again."""
    name = step.request.get("TrainingJobName")
    base = name if isinstance(name, str) else step.name
    ending = f"-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"
    stem = re.sub(r"[^A-Za-z0-9]+", "-", base).strip("-")[: NAME_LIMIT - len(ending)].rstrip("-") or "step"
    return dataclasses.replace(
        step, request={**step.request, "TrainingJobName": f"{stem}{ending}"}, in_pipeline=False
    )

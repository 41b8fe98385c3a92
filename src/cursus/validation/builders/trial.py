"""What the nine tests share: one lowering of the builder, one static check, one local run.

Each is made when a test first needs it, and once. A test is then no more than a view on the findings of
its area.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cursus import checks, engine
from cursus.checks.promises.failures import area_of
from cursus.checks.rules import RULES
from cursus.checks.views import Settings, TrainingView, TuningView
from cursus.errors import CursusError, TargetError
from cursus.evidence import Evidence
from cursus.model import Area, Finding, HookFailure, Step

if TYPE_CHECKING:
    from cursus.validation.builders.local_run import LocalRun

STEP_FAILED = "STP089"


class Trial:
    """One builder under test.

    Args:
        target: a builder (instance or class), a step of the SDK, a request mapping or a ``Step``.
        config: what the builder is built with and lowered with; see ``cursus.steps.lowering.builders``.
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
        from cursus.steps.lowering import builders

        # Not by hasattr: a step's arguments are worked out when they are looked at, with calls to AWS.
        if not isinstance(self.target, (Mapping, str)) and not hasattr(type(self.target), "arguments"):
            return builders.lower(self.target, self.config)
        found = steps.load(self.target, config=self.config)
        if len(found) != 1 or not isinstance(found[0], Step):
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
        from cursus.validation.builders.local_run import local_run

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

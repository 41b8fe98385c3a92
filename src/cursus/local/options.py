"""What a run is asked for beyond its request: limits, interruptions, another interpreter, a terminal, kept files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cursus.errors import RunError
from cursus.model import Step

if TYPE_CHECKING:
    from cursus.local.planning.environments import Interpreter


@dataclass(frozen=True, slots=True)
class Options:
    """How a run differs from a plain one.

    Attributes:
        stop_after: seconds after which the job is stopped as StopTrainingJob would.
        timeout: seconds that it may train, where that is less than MaxRuntimeInSeconds.
        grace: seconds between SIGTERM and SIGKILL; None for ``CURSUS_STOP_GRACE``, or 120.
        level: the one isolation level to use (``sandbox.LEVELS``); None for ``CURSUS_ISOLATION``, or the best there is.
        interrupt_after: seconds of training after which the hosts are taken away, as by a spot interruption.
        times: how often that happens.
        deliver_sigterm: SIGTERM goes to the script too, where the training toolkit would keep it to itself.
        keep: the hosts' files stay when the job has ended.
        python: the interpreter that runs the script.
        requirements: the script runs in a virtual environment with the source's requirements.txt.
        shell: a shell in the prepared host, in place of the script, on this terminal.
        debug: the first host's script on this terminal, so that ``breakpoint()`` works.
        apart: checkpoints are restored from S3Uri, and kept apart from it.
        fork_ranks: torchrun's ranks are forked from one process that has imported torch, and the report says so.
        s3: what stands for S3: ``aws``, the URL of an endpoint, or None for ``CURSUS_S3`` or the folder below root.
        engine: ``podman`` or ``docker``: the hosts are containers of the request's TrainingImage.
        image: the image of this machine that stands in for it.
        engine_arguments: options that the engine gets for every container.
    """

    stop_after: float | None = None
    timeout: float | None = None
    grace: float | None = None
    level: str | None = None
    interrupt_after: float | None = None
    times: int = 1
    deliver_sigterm: bool = False
    keep: bool = False
    python: str | None = None
    requirements: bool = False
    shell: bool = False
    debug: bool = False
    apart: bool = False
    fork_ranks: bool = False
    s3: str | None = None
    engine: str | None = None
    image: str | None = None
    engine_arguments: tuple[str, ...] = ()

    @property
    def terminal(self) -> bool:
        """True where a host is attached to the terminal."""
        return self.shell or self.debug

    def refuse(self, *, detach: bool, compare: bool = False) -> None:
        """Raise RunError where the options do not go together."""
        if compare and (detach or self.interrupt_after is None):
            raise RunError("compare needs a job to interrupt: give interrupt_after, and leave detach out")
        if self.terminal and detach:
            raise RunError("a detached job has no terminal: leave detach out to debug it")
        if self.shell and self.debug:
            raise RunError("shell and debug both ask for the terminal: take one of them")
        if self.interrupt_after is not None and self.terminal:
            raise RunError("a job on a terminal is not interrupted: leave one of the two out")
        self._refuse_engine()
        from cursus.local import storage

        try:
            store = storage.choice(self.s3)
        except storage.StoreError as error:
            raise RunError(str(error)) from error
        if store is not None:
            from importlib.util import find_spec

            if find_spec("obstore") is None:
                raise RunError("real S3 needs obstore: pip install obstore")
        if self.times < 1:
            raise RunError(f"times is {self.times}: the number of interruptions is at least 1")

    def _refuse_engine(self) -> None:
        if self.engine is None:
            if self.image is not None:
                raise RunError(
                    f"the image {self.image} is for containers: say which engine (podman or docker) makes them"
                )
            return
        if self.python or self.requirements or self.fork_ranks:
            raise RunError(
                "a container has its image's interpreter, packages and launcher: "
                "leave python, requirements and fork_ranks out"
            )


def interpreter(options: Options, step: Step) -> Interpreter | None:
    """The interpreter that is asked for, its requirements installed; None for the one that cursus runs in.

    Raises:
        RunError: it cannot be had.
    """
    if not (options.python or options.requirements):
        return None
    from cursus.local.planning import environments

    return environments.choose(options.python, options.requirements, step)


def apply(options: Options, planned: dict[str, Any], step: Step, python: Interpreter | None) -> None:
    """Put the options into a plan (see ``planning.plan``)."""
    request = planned["request"]
    notes: list[str] = planned["not_reproduced"]
    planned["interrupt_after"], planned["times"] = options.interrupt_after, options.times
    planned["deliver_sigterm"] = options.deliver_sigterm
    planned["keep_files"] = options.keep
    planned["terminal"] = None
    planned["shell"] = None
    if options.shell:
        from cursus.local.debugging import shell

        planned["shell"] = shell()
    if options.interrupt_after is not None:
        planned["state"]["interrupt_after"] = options.interrupt_after
    if request.get("EnableManagedSpotTraining"):
        planned["max_wait"] = (request.get("StoppingCondition") or {}).get("MaxWaitTimeInSeconds")
        if options.interrupt_after is not None:
            notes[:] = [note for note in notes if not note.startswith("EnableManagedSpotTraining")]
            notes.append("the wait for new spot capacity: the job started again at once")
    elif options.interrupt_after is not None:
        notes.append("EnableManagedSpotTraining is not set: SageMaker would not have interrupted this job")
    if options.deliver_sigterm and planned["entry_point"] is not None:
        notes.append("SIGTERM was handed to the script, which the training toolkit does not do on SageMaker")
    checkpoints = planned["checkpoints"]
    if checkpoints and options.apart:
        checkpoints["private"] = os.path.join(planned["folder"], "checkpoints")
    if options.shell:
        planned["limit"] = None
    from cursus.local import storage
    from cursus.local.planning import channel_limits

    try:
        channel_limits.settle(step, planned, options.s3)
    except storage.StoreError as error:
        raise RunError(str(error)) from error
    if python is not None:
        from cursus.local.planning import environments

        environments.apply(python, planned, step)
    from cursus.local.framework import forked_ranks

    forked_ranks.apply(options.fork_ranks, planned)
    planned["state"]["grace"] = planned["grace"]

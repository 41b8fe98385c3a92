"""A step → a training job on this machine: what can be carried out is planned and started, the rest refused.

The supervisor that carries the plan out is a process of its own, see ``supervisor``.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from cursus.errors import NameInUseError, RunError
from cursus.local import contract
from cursus.local.containers import images
from cursus.local.containers.engine import ENGINES
from cursus.local.framework import mpi_driver
from cursus.local.jobs import record
from cursus.local.jobs.events import Listener, notice
from cursus.local.jobs.folders import folder_of, free_name
from cursus.local.jobs.job import TrainingJob, begun
from cursus.local.options import Options, apply
from cursus.local.options import interpreter as interpreter_of
from cursus.local.planning.limits import refuse, refuse_level
from cursus.local.sandbox import LEVELS, interpreter
from cursus.model import Step

if TYPE_CHECKING:
    from cursus.local.debugging import Terminal

GRACE_SECONDS = 120.0
"""Between SIGTERM and SIGKILL: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html"""

ROOT_VARIABLE = "CURSUS_ROOT"
GRACE_VARIABLE = "CURSUS_STOP_GRACE"
LEVEL_VARIABLE = "CURSUS_ISOLATION"


def default_root() -> str:
    """Where jobs and the local S3 live: ``CURSUS_ROOT``, or ``.cursus`` in the current folder."""
    return os.environ.get(ROOT_VARIABLE) or ".cursus"


def run_step(
    step: Step,
    *,
    root: str | PathLike[str] | None = None,
    channels: Mapping[str, str | PathLike[str]] | None = None,
    expected_artifacts: Sequence[str] | None = None,
    detach: bool = False,
    on_event: Listener | None = None,
    compare: bool = False,
    vary: bool | None = False,
    options: Options | None = None,
) -> TrainingJob:
    """Carry out a training step here and wait for its end, or return at once with ``detach``.

    Args:
        step: a CreateTrainingJob step.
        root: the folder of jobs and of the local S3.
        channels: local paths by channel name; over those of the step.
        expected_artifacts: paths that the job has to leave; over those of the step.
        detach: the job outlives this process.
        on_event: called with each ``events.Event`` until the job ends.
        compare: run it without the options' interruption too, and say how the two differ.
        vary: repeat it with other hyperparameters, with other data and with its own checkpoints, to see what has an
            effect; None where it was short.
        options: how it differs from a plain run: limits, an interruption, another interpreter, a terminal, kept files.

    Raises:
        RunError: it cannot be run here, with the reason; the job name is in use; the folder cannot be written.
        KeyboardInterrupt: Ctrl-C; the job was stopped first.
    """
    chosen = _settled(options or Options())
    chosen.refuse(detach=detach, compare=compare)
    step = _with_overrides(step, channels, expected_artifacts)
    problem = refuse(step, contained=chosen.engine is not None) or refuse_level(step, chosen.level)
    if problem:
        raise RunError(problem)
    place = _place(root)
    step = _with_code_channel(step, place, chosen.s3)
    request = contract.with_output_places(_named(step))
    if chosen.terminal:  # a look inside leaves the job's own name free
        suffix = "-shell" if chosen.shell else "-debug"
        request["TrainingJobName"] = free_name(place, request["TrainingJobName"], suffix)
    if compare:
        return _compared(step, request["TrainingJobName"], place, chosen, on_event)
    job = _begin(step, request, place, chosen, detach=detach, on_event=on_event)
    if detach:
        return job
    job.wait(on_event)
    alone = chosen.terminal or chosen.interrupt_after is not None or chosen.engine is not None
    return job if vary is False or alone else _tried_again(job, step, chosen, vary, on_event)


def _place(root: str | PathLike[str] | None) -> str:
    try:
        return os.path.abspath(os.fspath(root) if root is not None else default_root())
    except FileNotFoundError as error:
        raise RunError("the current folder is gone: give the run a root") from error


def _begin(
    step: Step,
    request: dict[str, Any],
    root: str,
    chosen: Options,
    *,
    detach: bool,
    on_event: Listener | None,
) -> TrainingJob:
    """Claim the job's name, plan the job and start its supervisor."""
    from cursus.local.planning.plan import plan

    python = interpreter_of(chosen, step)
    engine = images.choose(chosen, step, on_event)
    if engine is None:
        mpi_driver.need(step, root, chosen.s3, python)
    folder, lock = _claim(root, request["TrainingJobName"])
    try:
        planned = plan(step, request, root, folder, chosen)
        apply(chosen, planned, step, python)
        if engine is not None:
            images.apply(engine, planned, step)
        planned["client"] = None if detach else os.getpid()
        planned["lock"] = lock
        terminal = _terminal(chosen, planned)
        kept = record.Record(folder, planned.pop("state"))
        kept.transition("InProgress", "Starting")
        kept.close()
        process = _start(planned, () if terminal is None else terminal.inherited)
    except OSError as error:
        raise RunError(f"{folder} cannot be used for a job: {os.strerror(error.errno or 0)}") from error
    finally:
        os.close(lock)
    return begun(folder, step, process, detached=detach, terminal=terminal)


def _compared(step: Step, name: str, root: str, chosen: Options, on_event: Listener | None) -> TrainingJob:
    """The job with its interruption, after one without it."""
    from cursus.local.repeats.compare import run_both

    def run_one(one: Step, interrupted: bool) -> TrainingJob:
        asked = dataclasses.replace(chosen, stop_after=None)
        if not interrupted:
            asked = dataclasses.replace(asked, interrupt_after=None, apart=True)
        return run_step(one, root=root, on_event=on_event, options=asked)

    return run_both(step, name, root, run_one)


def _tried_again(
    job: TrainingJob,
    step: Step,
    chosen: Options,
    vary: bool | None,
    on_event: Listener | None,
) -> TrainingJob:
    """The finished job, after short runs that are like it but for one thing."""
    from cursus.local.repeats.trials import try_again
    from cursus.local.repeats.variants import repeat

    alike = dataclasses.replace(chosen, keep=False, timeout=60.0, stop_after=None)

    def run_again(one: Step, elsewhere: str) -> TrainingJob:
        return run_step(one, root=elsewhere, options=alike)

    tell = partial(notice, on_event, job.name)
    repeat(job, step, vary, run_again, tell)
    return try_again(job, step, vary, run_again, tell) if chosen.s3 is None else job


def _terminal(options: Options, planned: dict[str, Any]) -> Terminal | None:
    if not options.terminal:
        return None
    from cursus.local.debugging import Terminal

    terminal = Terminal()
    planned["terminal"] = terminal.members()
    return terminal


def _settled(options: Options) -> Options:
    """The options with grace period and isolation level, from the environment where they were not given."""
    level = options.engine or options.level or os.environ.get(LEVEL_VARIABLE) or None
    known = (*LEVELS, *ENGINES)
    if level is not None and level not in known:
        raise RunError(f"there is no isolation level {level!r}: take one of {', '.join(known)}")
    grace: float | str | None = options.grace
    if grace is None:
        grace = os.environ.get(GRACE_VARIABLE) or GRACE_SECONDS
    try:
        seconds = float(grace)
    except ValueError:
        raise RunError(f"{GRACE_VARIABLE} is {grace!r}, no number of seconds") from None
    engine = level if level in ENGINES else None
    return dataclasses.replace(options, grace=seconds, level=level, engine=engine)


def _with_overrides(
    step: Step, channels: Mapping[str, str | PathLike[str]] | None, expected: Sequence[str] | None
) -> Step:
    promises = step.promises
    if channels:
        local = {**promises.local_channels, **{name: os.fspath(path) for name, path in channels.items()}}
        known = [
            c.get("ChannelName") for c in step.request.get("InputDataConfig") or () if isinstance(c, Mapping)
        ]
        for name in channels:
            if name not in known:
                from cursus.suggest import did_you_mean

                hint = did_you_mean(name, [str(k) for k in known])
                raise RunError(f"the request has no channel {name!r}.{hint}")
        promises = dataclasses.replace(promises, local_channels=local)
    if expected is not None:
        promises = dataclasses.replace(promises, expected_artifacts=tuple(expected))
    return step if promises is step.promises else dataclasses.replace(step, promises=promises)


def _with_code_channel(step: Step, root: str, s3: str | None) -> Step:
    """The SDK's ModelTrainer sends the source as the channel ``code``: the source directory stands in for it.

    Raises:
        RunError: its launcher, in the channel ``sm_drivers``, is not here; the SDK writes it when it submits a job.
    """
    from cursus.local.channels import ChannelError, resolve
    from cursus.local.storage import choice

    local = dict(step.promises.local_channels)
    channels = contract.channels(step.request)
    if "code" in channels and "code" not in local and step.source is not None:
        local["code"] = step.source.directory
    if "sm_drivers" in channels and choice(s3) is None:
        try:
            resolve(channels["sm_drivers"], local, root)
        except ChannelError as error:
            raise RunError(
                "the channel sm_drivers holds the SDK's own launcher, which it writes when it submits a job, and it is "
                "not here: give it a local path (channels={'sm_drivers': DIR}), or take the step's ContainerEntrypoint "
                "and that channel out to run the source in script mode"
            ) from error
    if local == dict(step.promises.local_channels):
        return step
    return dataclasses.replace(step, promises=dataclasses.replace(step.promises, local_channels=local))


def _named(step: Step) -> dict[str, Any]:
    """The request under a job name; a pipeline's step has none, there the pipeline makes it."""
    request = dict(step.request)
    if not isinstance(request.get("TrainingJobName"), str):
        stem = re.sub(r"[^A-Za-z0-9]+", "-", step.name).strip("-")[:40] or "job"
        now = time.time()
        request["TrainingJobName"] = (
            time.strftime(f"{stem}-%Y-%m-%d-%H-%M-%S-", time.gmtime(now)) + f"{now % 1:.3f}"[2:]
        )
    return request


ABANDONED = frozenset({"lock", "logs", "state.jsonl", "supervisor.log", ".reserve", ".job.json"})
"""What a client that was killed before it had written ``job.json`` leaves in a job's folder."""


def _claim(root: str, name: str) -> tuple[str, int]:
    """The job's folder and its lock, which is held: of several processes with one name a single one gets here.

    Raises:
        NameInUseError: the name is another job's.
        RunError: the folder cannot be made.
    """
    folder = folder_of(root, name)
    where = "" if root == _place(None) else f" --root {root}"
    taken = NameInUseError(
        f"the job name {name!r} is already used in {root}: remove that job (cursus clean {name}{where}), or give this "
        "one another TrainingJobName or another root"
    )
    try:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not os.path.isdir(folder) or not ABANDONED.issuperset(os.listdir(folder)):
                raise taken from None
        try:
            lock = record.acquire(folder)
        except BlockingIOError:
            raise taken from None
        if os.path.exists(os.path.join(folder, "job.json")):  # it ran while this process looked
            os.close(lock)
            raise taken
        os.makedirs(os.path.join(folder, "logs"), exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made: {os.strerror(error.errno or 0)}") from error
    return folder, lock


HELD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that the supervisor begins with held back: one that comes before it listens waits for it."""
PROGRAM = "import sys; from cursus.local.supervisor import main; sys.exit(main())"


def _start(planned: dict[str, Any], inherited: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
    """Start the supervisor with its plan. It is told everything on its standard input, so secrets touch no disk."""
    with open(os.path.join(planned["folder"], "supervisor.log"), "ab") as errors:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
        try:
            process = subprocess.Popen(
                interpreter(PROGRAM),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL if planned["client"] is None else subprocess.PIPE,
                stderr=errors,
                cwd="/",
                start_new_session=True,
                pass_fds=(planned["lock"], *inherited),
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert process.stdin is not None
    # Where it is gone already, the job is described as what it is, failed.
    with suppress(BrokenPipeError), process.stdin as stream:
        stream.write(json.dumps(planned, default=str).encode())
    return process

"""cursus proves that a SageMaker training step works before it costs a cent.

``check`` holds a request, a builder, a step or a file against everything that is known offline;
``run`` carries the request out on this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "check", "run"]

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from cursus.local.job import TrainingJob
    from cursus.model import Report


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
        cursus.errors.ConfigurationError: there is no rule of an id in ``select`` or ``ignore``.
    """
    from cursus import api

    return api.check(
        target,
        kind=kind,
        region=region,
        source_dir=source_dir,
        entry_point=entry_point,
        parameters=parameters,
        select=select,
        ignore=ignore,
        allow=allow,
        strict=strict,
        config=config,
    )


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
    from cursus import api

    return api.run(
        target,
        source_dir=source_dir,
        entry_point=entry_point,
        channels=channels,
        expected_artifacts=expected_artifacts,
        root=root,
        stop_after=stop_after,
        timeout=timeout,
        detach=detach,
        interrupt_after=interrupt_after,
        times=times,
        compare=compare,
        vary=vary,
        deliver_sigterm=deliver_sigterm,
        python=python,
        requirements=requirements,
        keep=keep,
        debug=debug,
        engine=engine,
        image=image,
        engine_arguments=tuple(engine_arguments),
        fork_ranks=fork_ranks,
    )

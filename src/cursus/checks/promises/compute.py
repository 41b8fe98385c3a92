"""What a builder's hooks promise on hosts, resources and distribution, held against the request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from cursus.aws.tables import table
from cursus.checks.promises.hooks import compare, definition, differs, hook, literal, located, same
from cursus.checks.promises.requests import unsent
from cursus.checks.rules import Problem, rule
from cursus.checks.views import StepView, TrainingView, integer, listing
from cursus.model import Path, format_path
from cursus.redact import show
from cursus.steps.answers import DRIVERS
from cursus.steps.lowering import shortforms

LAUNCHERS = ("torchrun", "mpi")


def switched_on(training: TrainingView) -> list[str]:
    """The distribution switches that are on in the request's hyperparameters."""
    switches = table("distribution")["switches"]
    return [
        name
        for name in training.hyperparameters
        if name in switches and same(training.hyperparameters[name], True)
    ]


@rule("DST080", scope="step")
@located("get_distributed_config")
def distributed_config(view: StepView) -> Iterator[Problem]:
    """The builder's distributed configuration disagrees with the request.

    What it does:
        Compares InstanceType, InstanceCount, VolumeSizeInGB, MaxRuntimeInSeconds and DistributionStrategy of
        `get_distributed_config` with the request, and the strategy with the launcher of the SDK's ModelTrainer; in its cluster form (MasterType, WorkerType, WorkerCount …) the
        instances with ResourceConfig.
        What the hook alone says, where the request is whole without it, is a warning.
    Why:
        SageMaker starts the hosts of the request. With fewer than promised a script that waits for its peers
        waits until the time limit; with more they are paid for and idle.
    Example:
          hooks:
        -   get_distributed_config: {InstanceType: ml.m5.xlarge, InstanceCount: 4}
        +   get_distributed_config: {InstanceType: ml.m5.xlarge, InstanceCount: 1}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    said = hook(view, "get_distributed_config")
    training = definition(view)
    if view.promises.hooks.get("is_distributed_training") is False:
        return  # the configuration is for the day that it trains distributed
    if not said or training is None:
        return
    yield from compare(view, "get_distributed_config", said, shortforms.DISTRIBUTED)
    groups = listing(training.resources, "InstanceGroups")
    count = integer(said, "InstanceCount")
    if groups and count and training.host_count not in (None, count):
        place: Path = (*training.path, training.resources_member, "InstanceGroups")
        yield differs(view, "get_distributed_config", "InstanceCount", count, place, training.host_count)
    yield from _cluster(view, said, training)
    strategy = said.get("DistributionStrategy")
    switches = {name.lower(): on for name, on in shortforms.STRATEGIES.items()}
    wanted = next(iter(switches.get(str(strategy).lower(), ())), None)
    on = switched_on(training)
    if wanted is not None and launcher(view) == "basic_script":
        yield Problem(
            f"get_distributed_config says DistributionStrategy is {show(strategy)}, and the ModelTrainer starts the "
            "script alone.",
            remedy="Give the ModelTrainer distributed=Torchrun() or MPI(), or leave the strategy out.",
            location=view.promises.place("get_distributed_config", "DistributionStrategy"),
        )
    if wanted is not None and on and wanted not in on:
        place = (*training.path, training.hyperparameters_member, on[0])
        yield Problem(
            f"get_distributed_config says DistributionStrategy is {show(strategy)}, which is switched on by the "
            f"hyperparameter {wanted!r}, but the request switches on {on[0]!r} at {format_path(place)}.",
            place,
            f"Set {wanted!r} to 'true' in the request instead, or name the strategy that the request uses.",
            location=view.promises.place("get_distributed_config", "DistributionStrategy"),
        )
    yield from unsent(view, "get_distributed_config")


def _cluster(view: StepView, said: Mapping[str, Any], training: TrainingView) -> Iterator[Problem]:
    """Hosts that the cluster form asks for and ResourceConfig has not, by instance type."""
    wanted: dict[str, int] = {}
    for role in ("Master", "Worker", "ParameterServer"):
        kind = said.get(f"{role}Type")
        count = integer(said, f"{role}Count") if f"{role}Count" in said else 1
        if isinstance(kind, str) and count:
            wanted[kind] = wanted.get(kind, 0) + count
    if not wanted:
        return
    has: dict[str, int] = {}
    for _, kind, hosts in training.instances:
        if hosts is None:
            return
        has[kind] = has.get(kind, 0) + hosts
    if has and has != wanted:
        place: Path = (*training.path, training.resources_member)
        yield differs(view, "get_distributed_config", "the cluster", _spell(wanted), place, _spell(has))


def _spell(hosts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(hosts.items()))


@rule("DST081", scope="step")
@located("is_distributed_training")
def is_distributed(view: StepView) -> Iterator[Problem]:
    """The builder says that it trains distributed, or not, and the request says otherwise.

    What it does:
        Compares `is_distributed_training` with the number of hosts and the switches of distributed training.
    Why:
        A job on several hosts whose script does not divide the work trains the same model several times and
        pays for each; a script that waits for peers on one host waits until the time limit.
    Example:
        - ResourceConfig: {InstanceCount: 2}
          hooks:
            is_distributed_training: false
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-training.html
    """
    said = view.promises.hooks.get("is_distributed_training")
    training = definition(view)
    if not isinstance(said, bool) or training is None:
        return
    hosts, on = training.host_count, switched_on(training)
    place: Path = (*training.path, training.resources_member)
    if not said and hosts is not None and hosts > 1:
        yield Problem(
            f"is_distributed_training says False, but the request asks for {hosts} hosts at {format_path(place)}.",
            place,
            "Ask for one host, or train distributed and say so in is_distributed_training.",
        )
    elif not said and on:
        where: Path = (*training.path, training.hyperparameters_member, on[0])
        yield Problem(
            f"is_distributed_training says False, but the request switches on {on[0]!r} at {format_path(where)}.",
            where,
            f"Take {on[0]!r} out of the request, or say True in is_distributed_training.",
        )
    elif (
        said and hosts == 1 and not on and not _several_devices(training) and launcher(view) not in LAUNCHERS
    ):
        yield Problem(
            f"is_distributed_training says True, but the request asks for one host at {format_path(place)}, with "
            "no switch of distributed training on and at most one accelerator.",
            place,
            "Ask for the hosts that the training needs, or say False in is_distributed_training.",
        )


def launcher(view: StepView) -> str | None:
    """The driver with which the SDK's ModelTrainer starts the script: ``torchrun``, ``mpi`` or ``basic_script``."""
    folder = view.promises.local_channels.get(DRIVERS)
    try:
        script = FilePath(folder, "sm_train.sh").read_text("utf-8") if folder else ""
    except (OSError, ValueError):
        return None
    found = re.search(r"distributed_drivers/(\w+)_driver\.py", script)
    return found[1] if found else None


def _several_devices(training: TrainingView) -> bool:
    """True where one host may hold several accelerators: also where the instance type is not known."""
    from cursus.aws import instances

    found = [instances.find(kind) for _, kind, _ in training.instances]
    return not found or any(one is None or one.accelerators > 1 for one in found)


@rule("RES080", scope="step")
@located("get_resource_optimization_config")
def resources(view: StepView) -> Iterator[Problem]:
    """The builder's resource configuration disagrees with the request.

    What it does:
        Compares `get_resource_optimization_config` (instance type and count, volume, run time and waiting
        time, spot, input mode, keep-alive) with the request.
        What the hook alone says, where the request is whole without it, is a warning.
    Why:
        SageMaker bills the request. A spot saving or a smaller instance that only the hook has is never made.
    Example:
          hooks:
        -   get_resource_optimization_config: {instance_type: ml.m5.xlarge, max_runtime_in_seconds: 600}
        +   get_resource_optimization_config: {instance_type: ml.m5.xlarge, max_runtime_in_seconds: 3600}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    yield from _against(view, "get_resource_optimization_config", shortforms.RESOURCES)
    yield from unsent(view, "get_resource_optimization_config")


@rule("RES081", scope="step")
@located("get_gpu_optimization_config")
def gpu(view: StepView) -> Iterator[Problem]:
    """The builder's GPU configuration disagrees with the request.

    What it does:
        Compares `get_gpu_optimization_config`: `instance_type` with ResourceConfig, `processes_per_host` with the
        hyperparameter `sagemaker_mpi_num_of_processes_per_host`.
    Why:
        The GPU that the configuration was tuned for is not the one that the job gets.
    Example:
        + ResourceConfig: {InstanceType: ml.g5.xlarge, VolumeSizeInGB: 30}
          hooks:
            get_gpu_optimization_config: {instance_type: ml.g5.xlarge, mixed_precision: none}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    yield from _against(
        view, "get_gpu_optimization_config", {"instance_type": ("ResourceConfig", "InstanceType")}
    )
    said = integer(hook(view, "get_gpu_optimization_config"), "processes_per_host")
    training = definition(view)
    if said is None or training is None:
        return
    name = "sagemaker_mpi_num_of_processes_per_host"
    has = literal(training.hyperparameters, name)
    if has is not None and not same(said, has):
        place: Path = (*training.path, training.hyperparameters_member, name)
        yield differs(view, "get_gpu_optimization_config", "processes_per_host", said, place, has)


def _against(view: StepView, source: str, keys: Mapping[str, Path]) -> Iterator[Problem]:
    """Compare a hook with the request; an instance type may be any of the request's instance groups."""
    said = hook(view, source)
    training = definition(view)
    if not said or training is None:
        return
    yield from compare(view, source, said, keys)
    kind = literal(said, "instance_type")
    types = [found for _, found, _ in training.instances]
    if kind is not None and "InstanceType" not in training.resources and types and kind not in types:
        place: Path = (*training.path, training.resources_member)
        yield differs(view, source, "instance_type", kind, place, ", ".join(types))

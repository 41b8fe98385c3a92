"""What a request asks for that is not carried out here: refused where the job would be another one, else named."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws import instances
from cursus.local import contract
from cursus.local.data import outputs
from cursus.local.framework import toolkit
from cursus.local.lifecycle.cluster import REFUSED, WAYS_OUT
from cursus.local.linux.processes import MACHINE
from cursus.local.planning import channel_limits
from cursus.model import Step, format_path
from cursus.redact import show

LAUNCHERS = {
    "mpi": ("mpirun", "install Open MPI (Debian and Ubuntu: openmpi-bin)"),
    "torchrun": ("torchrun", "install torch in this environment"),
    "smddp": ("torchrun", "install torch in this environment"),
}
"""The program that starts a distributed script, and how to get it."""


def refuse(step: Step, *, contained: bool = False) -> str | None:
    """Why a step cannot be run here at all; None where it can. ``contained``: in containers of its image."""
    if step.operation != "CreateTrainingJob":
        return (
            f"only a training job can be run here, and {step.name} is {step.operation}: "
            "run the training job that it starts"
        )
    for check in (_shape, _variables, _hosts, _program, channel_limits.refuse, _launcher):
        if contained and (check is _launcher or (check is _program and step.source is None)):
            continue  # the image brings them along
        problem = check(step)
        if problem:
            return problem
    return None


def _shape(step: Step) -> str | None:
    """What the run itself has to read must be there in the right form; everything else is for the checks."""
    expected: tuple[tuple[str, type | tuple[type, ...]], ...] = (
        ("AlgorithmSpecification", Mapping),
        ("HyperParameters", Mapping),
        ("Environment", Mapping),
        ("InputDataConfig", (list, tuple)),
        ("OutputDataConfig", Mapping),
        ("ResourceConfig", Mapping),
        ("StoppingCondition", Mapping),
        ("CheckpointConfig", Mapping),
    )
    for member, kind in expected:
        value = step.request.get(member)
        if value is not None and not isinstance(value, kind):
            return f"{member} is {type(value).__name__}, so there is no request to carry out: check it first"
    for member in ("HyperParameters", "Environment"):
        for name, value in (step.request.get(member) or {}).items():
            if not isinstance(value, (str, Mapping)):
                named = type(value).__name__
                return (
                    f"{member}.{name} is {named}; SageMaker takes text only: write {show(str(value), name)}"
                )
    for i, channel in enumerate(step.request.get("InputDataConfig") or ()):
        name = channel.get("ChannelName") if isinstance(channel, Mapping) else None
        if not isinstance(name, str) or not name or "/" in name or name in (".", ".."):
            return f"InputDataConfig[{i}].ChannelName is no channel name"
    name = step.request.get("TrainingJobName")
    if isinstance(name, str) and (not name or "/" in name or name.startswith(".") or len(name) > 200):
        return f"TrainingJobName {name[:80]!r} is no job name"
    return None


def _variables(step: Step) -> str | None:
    needed = (
        "TrainingJobName",
        "HyperParameters",
        "Environment",
        "AlgorithmSpecification.Container",
        "ResourceConfig",
        "StoppingCondition",
        "CheckpointConfig",
    )
    for path, variable in contract.unresolved(step.request):
        place = format_path(path)
        if place.startswith(needed):
            return (
                f"{place} is a pipeline variable without a value ({variable}): give its value to run the step"
            )
        if place.startswith("InputDataConfig"):
            channel = step.request["InputDataConfig"][path[1]]["ChannelName"]
            if channel not in step.promises.local_channels:
                return (
                    f"{place} is a pipeline variable: give channel {channel!r} a local path to run the step"
                )
    return None


def _hosts(step: Step) -> str | None:
    resources = step.request.get("ResourceConfig") or {}
    counts = [
        (f"ResourceConfig.InstanceGroups[{i}].InstanceCount", group.get("InstanceCount"))
        for i, group in enumerate(resources.get("InstanceGroups") or ())
        if isinstance(group, Mapping)
    ] or [("ResourceConfig.InstanceCount", resources.get("InstanceCount", 1))]
    total = 0
    for place, count in counts:
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            return f"{place} is {count!r}, no number of instances"
        total += count
    if total < 1:
        return f"the request asks for no instance ({counts[0][0]} is 0)"
    return None


def refuse_level(step: Step, level: str | None) -> str | None:
    """Why a step cannot be run at the isolation level that was asked for."""
    hosts = len(contract.host_names(step.request))
    if level is None or hosts == 1 or level not in REFUSED:
        return None
    return (
        f"the request asks for {hosts} hosts, which the level {level} cannot carry out: {REFUSED[level]}. Leave the "
        f"level to this machine, {WAYS_OUT}"
    )


def _program(step: Step) -> str | None:
    algorithm = step.request.get("AlgorithmSpecification") or {}
    if step.source is None:
        if algorithm.get("ContainerEntrypoint") or algorithm.get("ContainerArguments"):
            if not algorithm.get("ContainerEntrypoint"):
                return "cannot run here: the image's own entry point takes ContainerArguments, and it is in the image"
            return None
        if channel_limits.archive(step) is not None:
            return None
        image = algorithm.get("TrainingImage") or algorithm.get("AlgorithmName") or "the image"
        return (
            f"cannot run here: the code is in the image ({image}). With source_dir and entry_point (--source and "
            "--entry-point) the script is run, with ContainerEntrypoint that program"
        )
    directory = step.source.directory
    if not os.path.isdir(directory):
        return f"there is no source directory {directory}"
    return None


def _launcher(step: Step) -> str | None:
    """What starts a distributed script has to be on this machine."""
    settings = toolkit.decode(step.request.get("HyperParameters") or {})
    switches = [name for name in toolkit.LAUNCHERS if settings.get(name)]
    algorithm = step.request.get("AlgorithmSpecification") or {}
    if not switches or step.source is None or algorithm.get("ContainerEntrypoint"):
        return None
    from cursus.local import host
    from cursus.local.framework import distribution

    path = host.base_environment(sys.executable, os.environ)["PATH"]
    for name in contract.host_names(step.request):
        facts = host.training_env(step.request, name)
        kind = distribution.launcher(facts, algorithm.get("TrainingImage"))
        if kind == "xla":
            return f"cannot run here: {distribution.XLA} starts PyTorch XLA, which needs the accelerators of the image"
        program, remedy = LAUNCHERS.get(kind, ("", ""))
        if program and shutil.which(program, path=path) is None:
            return (
                f"cannot run here: {', '.join(switches)} starts {program}, which is not installed: {remedy}"
            )
        if kind == "parameter_server" and importlib.util.find_spec("tensorflow") is None:
            return (
                f"cannot run here: {distribution.PARAMETER_SERVER} starts TensorFlow's parameter servers, and "
                "tensorflow is not installed in this environment"
            )
    return None


def not_reproduced(step: Step) -> list[str]:
    """Sentences on what this run is without, known before it starts."""
    return list(dict.fromkeys(_sentences(step)))


NAMED = {
    "VpcConfig": "VpcConfig: the run has this machine's network, not the VPC's",
    "EnableManagedSpotTraining": "EnableManagedSpotTraining: no spot interruption was made",
    "DebugHookConfig": "DebugHookConfig: no debugger hook was attached to the script",
    "DebugRuleConfigurations": "DebugRuleConfigurations: no debugger rule was run",
    "ProfilerConfig": "ProfilerConfig: nothing was profiled",
    "ProfilerRuleConfigurations": "ProfilerRuleConfigurations: no profiler rule was run",
    "ExperimentConfig": "ExperimentConfig: no experiment was recorded",
    "RemoteDebugConfig": "RemoteDebugConfig: no remote access was opened",
    "InfraCheckConfig": "InfraCheckConfig: no instance was checked",
    "SessionChainingConfig": "SessionChainingConfig: no session was tagged",
    "MlflowConfig": "MlflowConfig: nothing was sent to MLflow",
    "ModelPackageConfig": "ModelPackageConfig: no model package was made",
    "ServerlessJobConfig": "ServerlessJobConfig: no serverless job was made",
}


def _sentences(step: Step) -> Iterator[str]:
    request = step.request
    algorithm = request.get("AlgorithmSpecification") or {}
    image = algorithm.get("TrainingImage") or algorithm.get("AlgorithmName")
    yield f"the image {image}: the packages are those of this environment" if image else "there is no image"
    yield "the role's credentials: the script has none"
    for member, sentence in NAMED.items():
        if request.get(member):
            yield sentence
    for output in outputs.wanted(request):
        if not outputs.seen(output.path):
            yield f"{output.member}: what the script writes to {output.path}, outside /opt/ml, is not brought to S3"
    for member, placed in contract.with_output_places(request).items():
        if placed is not request[member]:
            yield f"{member}.S3OutputPath: a pipeline fills it in; here it is {placed['S3OutputPath']}"
    resources = request.get("ResourceConfig") or {}
    yield from _machine(resources)
    if resources.get("KeepAlivePeriodInSeconds"):
        yield "KeepAlivePeriodInSeconds: of a warm pool there is the record alone; every job starts at once here"
    if resources.get("VolumeKmsKeyId") or (request.get("OutputDataConfig") or {}).get("KmsKeyId"):
        yield "KMS keys: nothing was encrypted"
    yield from channel_limits.sentences(request)


NO_MEMORY_LIMIT = "memory limit not enforced: the script may take what this machine has"


def memory_limits(request: Mapping[str, Any]) -> dict[str, int]:
    """By host, its instance's memory in bytes, where this machine has more than that."""
    limits: dict[str, int] = {}
    for _, kind, names in contract.groups(request):
        found = instances.find(kind) if isinstance(kind, str) else None
        if found is not None and found.memory is not None and found.memory * 1024**3 < MACHINE:
            limits.update(dict.fromkeys(names, int(found.memory * 1024**3)))
    return limits


def _machine(resources: Mapping[str, Any]) -> Iterator[str]:
    group = (resources.get("InstanceGroups") or [{}])[0]
    kind = resources.get("InstanceType") or group.get("InstanceType")
    found = instances.find(kind) if isinstance(kind, str) else None
    yield NO_MEMORY_LIMIT
    if found is None:
        return
    cpus = os.cpu_count() or 1
    memory = MACHINE / 1024**3
    if cpus != found.vcpus:
        yield f"{kind}: it has {found.vcpus} vCPUs, this machine {cpus}"
    if found.memory is not None and memory < found.memory * 0.9:
        yield f"{kind}: it has {found.memory:g} GiB of memory, this machine {memory:.1f}"
    if found.gpus and found.gpu is not None and not os.path.exists("/dev/nvidia0"):
        yield f"{kind}: its {found.gpus} {found.gpu.kind} GPUs are not here"
    if found.neuron_devices and not os.path.exists("/dev/neuron0"):
        yield f"{kind}: its Neuron devices are not here"

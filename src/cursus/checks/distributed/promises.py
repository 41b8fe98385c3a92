"""Rules of the area *distributed*: what the builder promises, and the settings of two of Amazon's libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cursus.aws import distribution, images, instances
from cursus.aws.tables import table
from cursus.checks.distributed.strategies import (
    OWN_IMAGE,
    SWITCHES,
    framework_problem,
    instance_problem,
    switches,
)
from cursus.checks.framework.tags import listed
from cursus.checks.rules import Problem, hyperparameters, rule
from cursus.checks.views import TrainingView, listing, mapping, text
from cursus.model import Path
from cursus.redact import show
from cursus.steps.lowering.shortforms import STRATEGIES
from cursus.suggest import closest, did_you_mean

HOOK = "get_distributed_config"
LIBRARIES = {distribution.MODEL_PARALLEL, "sagemaker_distributed_dataparallel_enabled"}


def _strategy(view: TrainingView) -> str | None:
    promise = view.step.promises.hooks.get(HOOK)
    said = promise.get("DistributionStrategy") if isinstance(promise, Mapping) else None
    return said if isinstance(said, str) and said else None


@rule("DST010", when="promises")
def strategy_name(view: TrainingView) -> Iterator[Problem]:
    """The builder names a way of distributed training that there is not.

    What it does:
        Checks `DistributionStrategy` of the builder's `get_distributed_config`.
    Why:
        Nothing can be switched on for it, and each host would train alone.
    Example:
          hooks:
        -   get_distributed_config: {DistributionStrategy: DataParalel}
        +   get_distributed_config: {DistributionStrategy: DataParallel}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-training.html
    """
    said = _strategy(view)
    if said is not None and not distribution.is_strategy_name(said):
        yield Problem(
            f"{HOOK} has DistributionStrategy {show(said)}.{did_you_mean(said, STRATEGIES)}",
            (),
            f"Use one of {', '.join(STRATEGIES)}.",
            location=view.step.promises.place(HOOK, "DistributionStrategy"),
        )


@rule("DST011", when="promises")
def promised_strategy(view: TrainingView) -> Iterator[Problem]:
    """The builder's way of distributed training does not go with its framework or instance type.

    What it does:
        Holds `DistributionStrategy` of `get_distributed_config` against the framework version of the image, or of
        the builder's configuration, and against the instance types. What the request itself switches on is
        checked by other rules.
    Why:
        The SDK refuses it, or the library is not in the image.
    Example:
          hooks:
            get_distributed_config: {DistributionStrategy: SMDataParallel}
          framework: pytorch
          framework_version: 1.13.1
        - ResourceConfig: {InstanceType: ml.p3.2xlarge, InstanceCount: 2}
        + ResourceConfig: {InstanceType: ml.p3.16xlarge, InstanceCount: 2}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-data-parallel-support.html
    """
    said = _strategy(view)
    strategy = distribution.named(said) if said else None
    if strategy is None or any(True for _ in switches(view)):
        return  # of another one than the request's DST080 tells
    image = view.framework
    promises = view.step.promises
    written = promises.place(HOOK, "DistributionStrategy")
    framework = image.engine if image else images.canonical(promises.framework or "")
    version = image.engine_version if image else promises.framework_version
    if framework is not None:
        neuron = image is not None and image.processor == "neuron"
        tag = image.tag or "" if image and image.repository != OWN_IMAGE else ""
        problem = framework_problem(strategy, framework, version, tag, (), neuron)
        if problem is not None:
            yield replace(problem, location=written)
    for path, kind, _ in view.instances:
        instance = instances.find(kind)
        if instance is not None:
            problem = instance_problem(strategy, instance, framework, version, path, named=True)
            if problem is not None:
                yield replace(problem, location=written)


@rule("DST012", reads=hyperparameters(distribution.MODEL_PARALLEL))
def model_parallel(view: TrainingView) -> Iterator[Problem]:
    """The model parallelism library's parameters contradict each other.

    What it does:
        Reads `mp_parameters`, applies the checks that the SageMaker SDK makes of them, and compares the parts of the
        model, and of its training state, with the processes of the job. Parameters that are called almost like one, and
        those that do nothing without another, are warnings.
    Why:
        The library ends the job when it reads them, on every GPU of every host. Without MPI, its processes are not there.
    Example:
          HyperParameters:
        -   mp_parameters: '{"partitions": 0, "ddp": true}'
        +   mp_parameters: '{"partitions": 2, "ddp": true}'
            sagemaker_mpi_enabled: "true"
            sagemaker_mpi_num_of_processes_per_host: "8"
          ResourceConfig: {InstanceType: ml.p3.16xlarge}
    Source:
        https://sagemaker.readthedocs.io/en/stable/api/training/smd_model_parallel_general.html
    """
    value = view.hyperparameters.get(distribution.MODEL_PARALLEL)
    if not isinstance(value, str) or not value:
        return
    from json import loads

    path: Path = (view.hyperparameters_member, distribution.MODEL_PARALLEL)
    try:
        found = loads(value)
    except (ValueError, RecursionError):
        yield Problem(f"{show(value)} is no JSON object of parameters.", path, "Write a JSON object.")
        return
    if isinstance(found, str) or not isinstance(found, dict):
        return
    for message in _faults(found):
        yield Problem(message, path, "See the library's parameters.")
    for message in _doubts(found):
        yield Problem(message, path, "See the library's parameters.", severity="warning")
    yield from _too_few(view, found, path)
    if _of_version_1(found) and all(strategy.name != "mpi" for _, _, strategy in switches(view)):
        yield Problem(
            "the parameters of the library's version 1 are given, and nothing starts its processes: sagemaker_mpi_enabled "
            "is not on.",
            path,
            'Set sagemaker_mpi_enabled to "true", and sagemaker_mpi_num_of_processes_per_host.',
        )


def _too_few(view: TrainingView, found: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    """One part of the model is a process: there are not fewer processes than parts, and as many of each."""
    cut, tensors, *others = (
        degree if isinstance(degree, int) and degree > 0 else 1
        for degree in (
            found.get("pipeline_parallel_degree", found.get("partitions")),
            *(found.get(name) for name in ("tensor_parallel_degree", *_SHARES)),
        )
    )
    parts = cut * tensors
    if parts == max(others) == 1 or found.get("partitions", cut) != cut:
        return
    processes = 0
    # A process a GPU, unless the training toolkit is told how many.
    written = view.hyperparameters.get(distribution.PROCESSES_PER_HOST)
    for _, kind, count in view.instances:
        instance = instances.find(kind)
        if instance is None or count is None or not instance.gpus:
            return
        given = isinstance(written, str) and written.isdecimal() and len(written) < 5
        processes += count * (int(str(written)) if given else instance.gpus)
    if 0 < processes < parts:
        yield Problem(
            f"the model is cut into {parts} parts, and the job has {processes} processes: a part takes one",
            path,
            "ask for fewer partitions, or for more processes a host",
        )
    elif parts and processes % parts:
        yield Problem(
            f"the job's {processes} processes cannot be shared out evenly among the {parts} parts of the model.",
            path,
            "let the number of processes be a multiple of the degrees of parallelism",
        )
    for name, degree in zip(_SHARES, others, strict=True) if processes else ():
        if processes // cut % degree:
            yield Problem(
                f"{name} {degree} does not divide the {processes // cut} processes that share the data.",
                path,
                "take a divisor of this number",
            )


_SHARES = (
    "sharded_data_parallel_degree",
    "hybrid_shard_degree",
    "context_parallel_degree",
    "expert_parallel_degree",
)
"""Parameters by which processes that have the same part of the model share something out."""


def _parameters() -> dict[str, Any]:
    """The model parallelism library's parameters, by what they may be and by its versions."""
    found: dict[str, Any] = table("distribution")["model_parallel_parameters"]
    return found


def _faults(found: Mapping[str, Any]) -> Iterator[str]:
    known = _parameters()
    for key in known["positive"]:
        value = found.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            yield f"{key} is {show(value)}; it must be a whole number of at least 1."
    for key, options in known["choices"].items():
        if key in found and found[key] not in options:
            yield f"{key} is {show(found[key])}; it must be one of {', '.join(options)}."
    if found.get("auto_partition") is False and "default_partition" not in found:
        yield "auto_partition is false, and there is no default_partition."
    default, partitions = found.get("default_partition"), found.get("partitions")
    if isinstance(default, int) and isinstance(partitions, int) and default >= partitions:
        yield f"default_partition {default} is not below the number of partitions, {partitions}."
    weight = found.get("memory_weight")
    if isinstance(weight, (int, float)) and not 0 <= weight <= 1:
        yield f"memory_weight is {weight}; it must be between 0 and 1."
    for key in ("ddp_port", "ddp_dist_backend"):
        if key in found and "ddp" not in found:
            yield f"{key} is given without ddp."
    if found.get("horovod") and found.get("ddp"):
        yield "horovod and ddp are both on."
    for key in known["switched"]:
        if key in found and found[key] not in (True, False):
            yield f"{key} is {show(found[key])}; it must be true or false."
    tensors = found.get("tensor_parallel_degree")
    if _of_version_1(found) and isinstance(tensors, int) and tensors > 1 and not found.get("ddp"):
        yield f"tensor_parallel_degree is {tensors}, and ddp is not on."


def _of_version_1(found: Mapping[str, Any]) -> bool:
    known = _parameters()
    return any(key in found for key in known["of_version_1"]) and not any(
        key in found for key in known["of_version_2"]
    )


def _doubts(found: Mapping[str, Any]) -> Iterator[str]:
    known = _parameters()
    for key in known["switched_too"]:
        if key in found and found[key] not in (True, False):
            yield f"{key} is {show(found[key])}; it is true or false."
    names = {name for group in known.values() for name in group}
    for key in found:
        near = closest(key, names) if key not in names else None
        if near:
            yield f"the library has no parameter {show(key)}. Did you mean {near!r}?"
    shards = found.get("sharded_data_parallel_degree")
    if found.get("bf16") and _of_version_1(found) and shards in (None, 1):
        yield "bf16 works only with sharded data parallelism; sharded_data_parallel_degree is not above 1."
    if found.get("offload_activations") and found.get("microbatches", 1) == 1 and shards in (None, 1):
        yield "offload_activations saves no memory with one microbatch."


@rule("DST013", reads=SWITCHES)
def training_compiler(view: TrainingView) -> Iterator[Problem]:
    """SageMaker Training Compiler is switched on where it does not work.

    What it does:
        Compares the instance types and the other switches with what the SDK lets the compiler run with, and
        GPU_NUM_DEVICES with the instance's GPUs.
    Why:
        The compiler is built for the GPUs of a few instance families and for hosts of one kind. The SDK refuses
        other requests; a request past the SDK ends in the container.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-trcomp-training:1.13.1-gpu-py39
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            sagemaker_training_compiler_enabled: "true"
        - ResourceConfig: {InstanceType: ml.p2.xlarge}
        + ResourceConfig: {InstanceType: ml.p3.2xlarge}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/training-compiler-support.html
    """
    facts = table("distribution")["training_compiler"]
    if not distribution.is_on(view.hyperparameters.get(facts["switch"])):
        return
    families = listed(facts["families"])
    devices = text(mapping(view.request, "Environment"), "GPU_NUM_DEVICES") or ""
    if listing(view.resources, "InstanceGroups"):
        yield Problem(
            "SageMaker Training Compiler is for hosts of one kind, not for instance groups.",
            ("ResourceConfig", "InstanceGroups"),
            "Ask for one InstanceType and InstanceCount.",
        )
        return
    for path, kind, _ in view.instances:
        instance = instances.find(kind)
        if instance is not None and instance.family not in facts["families"]:
            yield Problem(
                f"SageMaker Training Compiler does not run on {kind}: it is for {families}.",
                path,
                "Take an instance of one of these families, or switch the compiler off.",
            )
        elif instance is not None and devices.isdecimal() and int(devices) != instance.gpus:
            yield Problem(
                f"GPU_NUM_DEVICES is {devices}, and {kind} has {instance.gpus} GPUs.",
                ("Environment", "GPU_NUM_DEVICES"),
                f'Write "{instance.gpus}": XLA ends with "Missing XLA configuration" otherwise.',
            )
    for path, name, strategy in switches(view):
        if strategy.name in facts["excludes"]:
            yield Problem(
                f"{strategy.title} ({name}) and SageMaker Training Compiler exclude each other.",
                path,
                "Switch one of the two off.",
            )


@rule("DST015", severity="warning", reads=SWITCHES)
def debugger(view: TrainingView) -> Iterator[Problem]:
    """SageMaker Debugger saves tensors of a training that it does not follow.

    What it does:
        Where tensors are to be saved, or the image starts the hook by itself, looks for parameter servers, the model
        parallelism library, and checkpoints beside distributed training. The hook fails a job of that library with
        checkpoints.
    Why:
        "SMDebug Does Not Currently Support Distributed Training Jobs With Checkpointing Enabled": the hook is not made,
        and the rules have nothing to read.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.5.1-gpu-py37-cu112-ubuntu18.04
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            sagemaker_parameter_server_enabled: "true"
          ResourceConfig: {InstanceType: ml.g4dn.xlarge, InstanceCount: 2}
        - DebugHookConfig:
        -   S3OutputPath: s3://example-bucket/debug/
        -   CollectionConfigurations: [{CollectionName: losses}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-considerations.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-troubleshooting-model-parallel.html
    """
    hook = mapping(view.request, "DebugHookConfig")
    path: Path = ("DebugHookConfig", "CollectionConfigurations")
    asked = listing(hook, "CollectionConfigurations")
    if not asked:
        path = ("DebugRuleConfigurations",)
        asked = listing(view.request, "DebugRuleConfigurations")
    on = {name for _, name, _ in switches(view)}
    config = mapping(view.request, "CheckpointConfig")
    checkpoints = bool(config and (on & LIBRARIES or (on and text(config, "LocalPath"))))
    refused = (
        "parameter servers"
        if "sagemaker_parameter_server_enabled" in on
        else "the SageMaker model parallelism library"
        if distribution.MODEL_PARALLEL in on
        else "CheckpointConfig beside distributed training"
        if checkpoints
        else None
    )
    if refused is not None and asked:
        yield Problem(
            f"the debugger does not work with {refused}: no tensors are saved",
            path,
            "leave the collections and rules out",
        )
    elif (checkpoints or refused == "parameter servers") and hook and _hooked(view):
        breaks = checkpoints and distribution.MODEL_PARALLEL in on
        yield Problem(
            f"the debugger's hook, which the image starts by itself, does not work with {refused}"
            + (
                ", and writes among the checkpoints: 'metadata.json.sagemaker-uploading' not found"
                if checkpoints
                else ""
            ),
            ("DebugHookConfig",),
            "leave DebugHookConfig out (debugger_hook_config=False in the SDK)",
            severity="error" if breaks else None,
        )


def _hooked(view: TrainingView) -> bool:
    """Does the image start the debugger's hook, where the script does not?"""
    image = images.amazon_image(view.image)
    until = table("debugger")["script_hook_since"].get(image.engine) if image else None
    version = image.engine_version if image else None
    return until is not None and version is not None and images.order(version) < images.order(until)

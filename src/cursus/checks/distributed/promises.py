"""Rules of the area *distributed*: what the builder promises, and the settings of two of Amazon's libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cursus.aws import distribution, images, instances
from cursus.aws.tables import table
from cursus.checks.distributed.strategies import SWITCHES, framework_problem, instance_problem, switches
from cursus.checks.framework.images import framework_image
from cursus.checks.framework.tags import listed
from cursus.checks.rules import Problem, hyperparameters, rule
from cursus.checks.views import TrainingView, listing
from cursus.model import Path
from cursus.redact import show
from cursus.steps.shortforms import STRATEGIES
from cursus.suggest import did_you_mean

HOOK = "get_distributed_config"


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
    image = framework_image(view)
    promises = view.step.promises
    written = promises.place(HOOK, "DistributionStrategy")
    framework = image.engine if image else images.canonical(promises.framework or "")
    version = image.engine_version if image else promises.framework_version
    if framework is not None:
        neuron = image is not None and image.processor == "neuron"
        problem = framework_problem(
            strategy, framework, version, (image.tag or "") if image else "", (), neuron
        )
        if problem is not None:
            yield replace(problem, location=written)
    for path, kind, _ in view.instances:
        instance = instances.find(kind)
        if instance is not None:
            problem = instance_problem(strategy, instance, framework, version, path, named=True)
            if problem is not None:
                yield replace(problem, location=written)


POSITIVE = (
    "microbatches",
    "partitions",
    "active_microbatches",
    "pipeline_parallel_degree",
    "tensor_parallel_degree",
)
CHOICES = {
    "pipeline": ("simple", "interleaved", "_only_forward"),
    "placement_strategy": ("spread", "cluster"),
    "optimize": ("speed", "memory"),
}


@rule("DST012", reads=hyperparameters(distribution.MODEL_PARALLEL))
def model_parallel(view: TrainingView) -> Iterator[Problem]:
    """The model parallelism library's parameters contradict each other.

    What it does:
        Reads `mp_parameters`, applies the checks that the SageMaker SDK makes of them, and compares the parts of the
        model with the processes of the job.
    Why:
        The library ends the job when it reads them, on every GPU of every host.
    Example:
          HyperParameters:
        -   mp_parameters: '{"partitions": 0, "ddp": true}'
        +   mp_parameters: '{"partitions": 2, "ddp": true}'
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
    yield from _too_few(view, found, path)


def _too_few(view: TrainingView, found: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    """One part of the model is a process: there are not fewer processes than parts, and as many of each."""
    parts = 1
    for key in ("partitions", "pipeline_parallel_degree", "tensor_parallel_degree"):
        degree = found.get(key)
        parts *= degree if isinstance(degree, int) and degree > 0 else 1
    if parts == 1 or ("partitions" in found and "pipeline_parallel_degree" in found):
        return
    processes = 0
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
            "ask for fewer partitions, or for more GPUs",
        )
    elif parts and processes % parts:
        yield Problem(
            f"the job's {processes} processes cannot be shared out evenly among the {parts} parts of the model.",
            path,
            "let the number of processes be a multiple of the degrees of parallelism",
        )


def _faults(found: Mapping[str, Any]) -> Iterator[str]:
    for key in POSITIVE:
        value = found.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            yield f"{key} is {show(value)}; it must be a whole number of at least 1."
    for key, options in CHOICES.items():
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


@rule("DST013", reads=SWITCHES)
def training_compiler(view: TrainingView) -> Iterator[Problem]:
    """SageMaker Training Compiler is switched on where it does not work.

    What it does:
        Compares the instance types and the other switches with what the SDK lets the compiler run with.
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
    for path, name, strategy in switches(view):
        if strategy.name in facts["excludes"]:
            yield Problem(
                f"{strategy.title} ({name}) and SageMaker Training Compiler exclude each other.",
                path,
                "Switch one of the two off.",
            )

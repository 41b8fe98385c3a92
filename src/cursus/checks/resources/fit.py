"""Rules of the area *resources*: whether algorithm, hosts and precision fit the hardware."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws import algorithms, distribution, instances
from cursus.checks.resources.instances import READS
from cursus.checks.rules import PROGRAM, Problem, hyperparameters, rule
from cursus.checks.type_words import whole
from cursus.checks.views import TrainingView, integer, text
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import did_you_mean

GPU_HOOK = "get_gpu_optimization_config"
PRECISION_WORDS = {
    "fp16": "fp16",
    "float16": "fp16",
    "half": "fp16",
    "mixedfloat16": "fp16",
    "16": "fp16",
    "16mixed": "fp16",
    "bf16": "bf16",
    "bfloat16": "bf16",
    "mixedbfloat16": "bf16",
    "bf16mixed": "bf16",
    "tf32": "tf32",
    "fp8": "fp8",
    "float8": "fp8",
    "none": "none",
    "no": "none",
    "off": "none",
    "false": "none",
    "fp32": "none",
    "float32": "none",
    "32": "none",
}


def _values(view: TrainingView, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    """True where each hyperparameter has one of the values ("": none); also where a tuning job varies it."""
    for name, values in wanted.items():
        value = view.values.get(name, "")
        if isinstance(value, str) and value not in values and name not in view.tuned:
            return False
    return True


@rule(
    "RES010",
    reads=READS,
    when="builtin",
    shared=True,
    unless=("builtin on gpus",),
    of=(*PROGRAM, "ResourceConfig"),
)
def algorithm_instance(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm does not train on this kind of instance.

    What it does:
        Compares the instance types with those that the built-in algorithm supports: GPU only, CPU only, the GPU
        families that its page names.
    Why:
        The service refuses the job ("instance type not supported by algorithm"), or the job fails for want of a
        GPU, or GPUs are billed that nothing uses.
    Example:
          AlgorithmSpecification:
            TrainingImage: 766337827248.dkr.ecr.us-east-1.amazonaws.com/lda:1
          HyperParameters: {num_topics: "10", feature_dim: "2000", mini_batch_size: "500"}
        - ResourceConfig: {InstanceType: ml.p3.2xlarge}
        + ResourceConfig: {InstanceType: ml.m5.2xlarge}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-im-models.html
    """
    algorithm = view.builtin
    if algorithm is None:
        return
    for path, kind, _ in view.instances:
        instance = instances.find(kind)
        if instance is not None:
            yield from _algorithm_on(view, algorithm, instance, path)


def _on_gpus(algorithm: algorithms.Algorithm) -> str:
    """An instance type of the families that an algorithm trains on; none of a previous generation, where it can be."""
    found = [
        each
        for name in instances.names()
        if (each := instances.find(name)) is not None
        and each.gpus
        and each.family in (algorithm.gpu_families or instances.families())
    ]
    return min(found, key=lambda each: (each.successor is not None, each.gpus, each.vcpus)).name


def _algorithm_on(
    view: TrainingView, algorithm: algorithms.Algorithm, instance: instances.Instance, path: Path
) -> Iterator[Problem]:
    if not instance.gpus and not instance.neuron_devices and algorithm.cpu:
        return
    families = ", ".join(f"ml.{family}" for family in algorithm.gpu_families)
    if instance.neuron_devices:
        yield Problem(
            f"{algorithm.name} does not train on AWS Trainium ({instance.name}).", path, "Use another type."
        )
    elif not instance.gpus and not algorithm.cpu:
        yield Problem(
            f"The algorithm {algorithm.name} trains on GPU instances only; {instance.name} has no GPU.",
            path,
            f"Use a type of the families {families}, such as {_on_gpus(algorithm)!r}.",
        )
    elif instance.gpus and not algorithm.gpu:
        xgboost = algorithm.name == "xgboost"
        yield Problem(
            f"The algorithm {algorithm.name} {algorithm.version} trains on CPU instances only; {instance.name} has "
            f"{instance.gpus} GPU{'s' if instance.gpus > 1 else ''}.",
            path,
            "Use a CPU instance type, such as 'ml.m5.2xlarge'.",
            severity="warning" if xgboost else None,
        )
    elif instance.gpus and algorithm.gpu_wasteful:
        yield Problem(
            f"The algorithm {algorithm.name} makes no use of the GPUs of {instance.name}.",
            path,
            "Use a CPU instance type, such as 'ml.m5.2xlarge'.",
            severity="warning",
        )
    elif instance.gpus and algorithm.cpu_only_when and _values(view, algorithm.cpu_only_when):
        said = _said(algorithm.cpu_only_when)
        yield Problem(
            f"The algorithm {algorithm.name} with {said} trains on CPU instances only; {instance.name} has GPUs.",
            path,
            "Use a CPU instance type, such as 'ml.c5.2xlarge'.",
        )
    elif instance.gpus > 1 and algorithm.one_gpu_when is not None and _values(view, algorithm.one_gpu_when):
        said = f" with {_said(algorithm.one_gpu_when)}" if algorithm.one_gpu_when else ""
        yield Problem(
            f"The algorithm {algorithm.name}{said} uses one GPU; {instance.name} has {instance.gpus}.",
            path,
            "Use an instance type with one GPU, such as 'ml.g4dn.xlarge'.",
            severity="warning",
        )
    elif instance.gpus and algorithm.gpu_families and instance.family not in algorithm.gpu_families:
        yield Problem(
            f"The page of {algorithm.name} names the GPU families {families}, and not ml.{instance.family}.",
            path,
            "Use a type of these families, or check that this one works.",
            severity="warning",
        )


def _said(wanted: Mapping[str, tuple[str, ...]]) -> str:
    named = []
    for name, values in wanted.items():
        *others, last = filter(None, values)
        named.append(f"{name}={', '.join(others)}{' or ' if others else ''}{last}")
    return " and ".join(named)


@rule("RES011", reads=READS, when="several hosts")
def algorithm_hosts(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm that trains on one instance is given several.

    What it does:
        Says where the number of instances is above one for an algorithm, or a mode of it, that trains on a single
        instance.
    Why:
        The job is refused or fails at its start; where it does not, the other instances are billed for nothing.
    Example:
          AlgorithmSpecification:
            TrainingImage: 766337827248.dkr.ecr.us-east-1.amazonaws.com/lda:1
          HyperParameters: {num_topics: "10", feature_dim: "2000", mini_batch_size: "500"}
        - ResourceConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 2}
        + ResourceConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-im-models.html
    """
    hosts = view.host_count
    if hosts is None or hosts < 2:
        return
    algorithm = view.builtin
    if algorithm is None:
        return
    path: Path = (view.resources_member, "InstanceCount")
    if not algorithm.multi_instance:
        yield Problem(
            f"The algorithm {algorithm.name} trains on a single instance; the request asks for {hosts}.",
            path,
            "Set InstanceCount to 1.",
            # A script of JumpStart's saves what the first host has trained.
            severity="warning" if "sagemaker_submit_directory" in view.hyperparameters else None,
        )
    elif algorithm.multi_instance_when and not _values(view, algorithm.multi_instance_when):
        yield Problem(
            f"The algorithm {algorithm.name} trains on several instances only with "
            f"{_said(algorithm.multi_instance_when)}; the request asks for {hosts} instances.",
            path,
            f"Set InstanceCount to 1, or give {_said(algorithm.multi_instance_when)}.",
        )


@rule("RES012", severity="warning", reads=READS, when="builtin on gpus")
def xgboost_gpus(view: TrainingView) -> Iterator[Problem]:
    """XGBoost leaves GPUs idle.

    What it does:
        Says where the built-in XGBoost runs on a GPU instance without a tree method that uses GPUs, or on more
        than one GPU without Dask.
    Why:
        `tree_method` decides where the trees are built. Without `gpu_hist` (or, with Dask, `hist`) the GPU does
        nothing; without `use_dask_gpu_training` all but one GPU do nothing.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        - HyperParameters: {num_round: "100", objective: "binary:logistic"}
        + HyperParameters: {num_round: "100", objective: "binary:logistic", tree_method: gpu_hist}
          ResourceConfig: {InstanceType: ml.p3.2xlarge}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html#Instance-XGBoost
    """
    algorithm = view.builtin
    if algorithm is None or algorithm.name != "xgboost" or not algorithm.gpu:
        return
    found = [(path, instances.find(kind)) for path, kind, _ in view.instances]
    gpus = [(path, each) for path, each in found if each is not None and each.gpus]
    if not gpus or "tree_method" in view.tuned:
        return
    path, instance = gpus[0]
    dask = str(view.hyperparameters.get("use_dask_gpu_training", "")).lower() == "true"
    method = view.hyperparameters.get("tree_method", "auto")
    if isinstance(method, str) and method != "gpu_hist" and not (method == "hist" and dask):
        yield Problem(
            f"With tree_method {show(method)} XGBoost makes no use of the GPU of {instance.name}.",
            path,
            "Set tree_method to 'gpu_hist', or use a CPU instance type.",
        )
    elif not dask and (instance.gpus > 1 or (view.host_count or 1) > 1):
        yield Problem(
            f"XGBoost trains on one GPU of one instance unless Dask spreads it; {instance.name} has {instance.gpus}.",
            path,
            "Set use_dask_gpu_training to 'true' (from version 1.5-1 on), or use one instance with one GPU.",
        )


@rule("RES013", reads=("EnableManagedSpotTraining", "CheckpointConfig"), when="builtin", shared=True)
def wait_without_checkpoints(view: TrainingView) -> Iterator[Problem]:
    """A spot job of an algorithm that writes no checkpoints may wait an hour at most.

    What it does:
        Compares MaxWaitTimeInSeconds of spot jobs with the limit for built-in algorithms that do not checkpoint. A
        CheckpointConfig for one of them is a warning.
    Why:
        An interruption throws their work away, and so the service allows them no more than 3,600 seconds. What they save
        on their own account is not what SageMaker brings to S3 and back.
    Example:
          AlgorithmSpecification:
            TrainingImage: 382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1
          HyperParameters: {predictor_type: regressor}
          EnableManagedSpotTraining: true
        - StoppingCondition: {MaxRuntimeInSeconds: 3600, MaxWaitTimeInSeconds: 7200}
        + StoppingCondition: {MaxRuntimeInSeconds: 3600, MaxWaitTimeInSeconds: 3600}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    algorithm = view.builtin
    if algorithm is None or algorithm.checkpoints:
        return
    if view.request.get("CheckpointConfig"):
        yield Problem(
            f"The algorithm {algorithm.name} writes no checkpoints: none will lie there.",
            ("CheckpointConfig",),
            "Leave CheckpointConfig out.",
            severity="warning",
        )
    wait = integer(view.stopping, "MaxWaitTimeInSeconds")
    most = instances.limit("max_wait_without_checkpoints")
    if view.request.get("EnableManagedSpotTraining") is True and wait is not None and wait > most:
        yield Problem(
            f"The algorithm {algorithm.name} writes no checkpoints: a spot job of it may wait {most} seconds at most, "
            f"not {wait}.",
            ("StoppingCondition", "MaxWaitTimeInSeconds"),
            f"Set MaxWaitTimeInSeconds and MaxRuntimeInSeconds to at most {most}, or do without spot instances.",
        )


def _gpu_promise(view: TrainingView) -> Mapping[str, Any]:
    promise = view.step.promises.hooks.get(GPU_HOOK)
    return promise if isinstance(promise, Mapping) else {}


def _promised_instance(view: TrainingView, promise: Mapping[str, Any]) -> tuple[Path, str] | None:
    """The instance type that a GPU promise is about: the request's, else its own."""
    if view.instances:
        path, kind, _ = view.instances[0]
        return path, kind
    kind_said = text(promise, "instance_type")
    return None if kind_said is None else ((view.resources_member, "InstanceType"), kind_said)


@rule("RES014", when="promises")
def precision(view: TrainingView) -> Iterator[Problem]:
    """The GPU does not have the number format that the builder counts on.

    What it does:
        Compares `mixed_precision` of the builder's GPU configuration with the compute capability of the GPUs:
        bf16 and tf32 need 8.0 (A100, A10G and later), fp8 needs 8.9 (L4, L40S, H100).
    Why:
        On an older GPU the script fails, or falls back to something slower than full precision.
    Example:
          hooks:
            get_gpu_optimization_config: {mixed_precision: bf16}
        - ResourceConfig: {InstanceType: ml.p3.2xlarge}
        + ResourceConfig: {InstanceType: ml.g5.xlarge, VolumeSizeInGB: null}
    Source:
        https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#arithmetic-instructions
    """
    promise = _gpu_promise(view)
    said = promise.get("mixed_precision")
    if said is None:
        return
    word = PRECISION_WORDS.get("".join(c for c in str(said).lower() if c.isalnum()))
    place = _promised_instance(view, promise)
    where: Path = place[0] if place else ()
    if said is True:
        return
    written = view.step.promises.place(GPU_HOOK, "mixed_precision")
    if word is None:
        known = ("fp16", "bf16", "tf32", "fp8", "none")
        yield Problem(
            f"{GPU_HOOK} has mixed_precision {show(said)}.{did_you_mean(str(said), known)}",
            where,
            f"Use one of {', '.join(known)}.",
            location=written,
        )
        return
    instance = instances.find(place[1]) if place else None
    if instance is None or word == "none":
        return
    needed = instances.precisions()[word]
    if instance.processor == "cpu":
        yield Problem(
            f"{GPU_HOOK} counts on {word}, and {instance.name} has no GPU.",
            where,
            "Use an instance type with GPUs, or mixed_precision 'none'.",
            location=written,
        )
    elif instance.gpu is not None and instance.gpu.capability < needed:
        able = sorted(
            word for word, least in instances.precisions().items() if least <= instance.gpu.capability
        )
        yield Problem(
            f"{GPU_HOOK} counts on {word}, which needs compute capability {needed:g}; the {instance.gpu.kind} of "
            f"{instance.name} has {instance.gpu.capability:g}.",
            where,
            f"Use {' or '.join(able) or 'full precision'}, or an instance type with newer GPUs.",
            location=written,
        )


@rule("RES015", when="promises")
def processes(view: TrainingView) -> Iterator[Problem]:
    """The builder counts on more, or fewer, processes than the host has GPUs.

    What it does:
        Compares `processes_per_host` of the builder's GPU configuration with the instance's GPUs or Neuron cores,
        and wants `gradient_accumulation_steps` to be a positive whole number.
    Why:
        Each process takes one GPU: one too many finds none and fails, one too few leaves a GPU idle.
    Example:
          hooks:
        -   get_gpu_optimization_config: {processes_per_host: 8}
        +   get_gpu_optimization_config: {processes_per_host: 4}
          ResourceConfig: {InstanceType: ml.p3.8xlarge}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-training.html
    """
    promise = _gpu_promise(view)
    if not promise:
        return
    place = _promised_instance(view, promise)
    where: Path = place[0] if place else ()
    for key in ("processes_per_host", "gradient_accumulation_steps"):
        value = promise.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            yield Problem(
                f"{GPU_HOOK} has {key} {show(value)}.",
                where,
                "Give a whole number of at least 1.",
                location=view.step.promises.place(GPU_HOOK, key),
            )
    instance = instances.find(place[1]) if place else None
    said = promise.get("processes_per_host")
    if instance is None or isinstance(said, bool) or not isinstance(said, int) or said < 1:
        return
    written = view.step.promises.place(GPU_HOOK, "processes_per_host")
    if instance.processor == "cpu":
        if said > instance.vcpus:
            yield Problem(
                f"{GPU_HOOK} counts on {said} processes a host, and {instance.name} has {instance.vcpus} vCPUs and no "
                "GPU.",
                where,
                "Use an instance type with GPUs.",
                severity="warning",
                location=written,
            )
    elif said != instance.accelerators:
        devices = "GPU" if instance.gpus else "Neuron core"
        count = f"{instance.accelerators} {devices}{'s' if instance.accelerators > 1 else ''}"
        yield Problem(
            f"{GPU_HOOK} counts on {said} processes a host, and {instance.name} has {count}.",
            where,
            f"Use {instance.accelerators} processes a host, or another instance type.",
            severity=None if said > instance.accelerators else "warning",
            location=written,
        )


@rule("RES016", severity="warning", reads=READS, when="several hosts")
def hosts_without_work(view: TrainingView) -> Iterator[Problem]:
    """scikit-learn is given more than one instance.

    What it does:
        Says where a script in the scikit-learn image runs on several instances.
    Why:
        scikit-learn has no distributed training: each instance trains the same model, and all but one are billed
        for nothing.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
        - ResourceConfig: {InstanceCount: 2}
    Source:
        https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html
    """
    hosts = view.host_count
    if hosts is None or hosts < 2:
        return
    image = view.framework
    if (
        image is not None
        and image.framework == "sklearn"
        and not distribution.switched_on(view.hyperparameters)
    ):
        yield Problem(
            f"scikit-learn trains on one instance; the request has {hosts}, which all do the same work.",
            (view.resources_member, "InstanceCount"),
            "Set InstanceCount to 1.",
        )


WORKERS, SHARE = "rl.training.config.num_workers", "rl.training.config.num_cpus_per_worker"


@rule("RES018", reads=hyperparameters("*_workers"))
def workers_of_ray(view: TrainingView) -> Iterator[Problem]:
    """Ray is asked for more workers than the instances have processors.

    What it does:
        Compares num_workers of RLlib, each of which takes a processor as its driver does, with the vCPUs of all instances. As many
        workers as processors are a warning.
    Why:
        "Insufficient cluster resources to launch trial": the trial waits for what does not come, or the job fails.
    Example:
          AlgorithmSpecification:
            TrainingImage: 462105765813.dkr.ecr.us-east-1.amazonaws.com/sagemaker-rl-ray-container:ray-1.6.0-tf-cpu-py37
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
        -   rl.training.config.num_workers: "31"
        +   rl.training.config.num_workers: "3"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-rl-distributed.html
    """
    asked = whole(view.values.get(WORKERS))
    found = [(instances.find(kind), count) for _, kind, count in view.instances]
    if asked is None or SHARE in view.values or not found:
        return
    processors = sum(kind.vcpus * count for kind, count in found if kind is not None and count is not None)
    known = all(kind is not None and count is not None for kind, count in found)
    if known and asked >= processors:
        yield Problem(
            f"num_workers is {asked}, and the job has {processors} vCPUs, one of which the driver takes",
            (view.hyperparameters_member, WORKERS),
            f"write {max(processors - 1, 0)} at most, or take larger instances",
            severity="warning" if asked == processors else None,
        )

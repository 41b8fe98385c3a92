"""Rules of the area *distributed*: whether hosts, processes and script fit the way of distributed training."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws import distribution, instances
from cursus.aws.tables import table
from cursus.checks.distributed.strategies import GROUPS, SWITCHES, groups, switches
from cursus.checks.resources.instances import is_on_cpus
from cursus.checks.rules import Problem, hyperparameters, rule
from cursus.checks.views import TrainingView, listing, text
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import did_you_mean


@rule("DST004", severity="warning", reads=SWITCHES)
def hosts_for_strategy(view: TrainingView) -> Iterator[Problem]:
    """The way of distributed training needs more hosts, or leaves GPUs idle.

    What it does:
        Says where a strategy that works between hosts has only one, and where one that uses a single GPU of each
        host has several.
    Why:
        With one host there is nothing to distribute; GPUs beyond the first are billed and idle.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.11.0-gpu-py39
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            sagemaker_parameter_server_enabled: "true"
        - ResourceConfig: {InstanceType: ml.p3.8xlarge, InstanceCount: 1}
        + ResourceConfig: {InstanceType: ml.p3.2xlarge, InstanceCount: 2}
    Source:
        https://sagemaker.readthedocs.io/en/stable/frameworks/tensorflow/using_tf.html#distributed-training
    """
    for path, _, strategy in switches(view):
        if strategy.several_hosts and view.host_count == 1:
            yield Problem(
                f"{strategy.title} works between hosts, and the request has one.",
                path,
                "Use more instances, or switch it off.",
                severity="info",
            )
        if strategy.single_gpu:
            for where, kind, _ in view.instances:
                instance = instances.find(kind)
                if instance is not None and instance.gpus > 1:
                    yield Problem(
                        f"{strategy.title} uses one GPU of each host; {kind} has {instance.gpus}.",
                        where,
                        "Use an instance type with one GPU, or MPI.",
                    )


@rule("DST005", reads=hyperparameters(distribution.PROCESSES_PER_HOST))
def processes_per_host(view: TrainingView) -> Iterator[Problem]:
    """The number of processes a host does not fit the instance.

    What it does:
        Compares `sagemaker_mpi_num_of_processes_per_host` with the GPUs, or the processors, of the instances. A number in
        quotes is an error on several hosts.
    Why:
        Each process takes the GPU of its local rank: one too many finds none and fails, one too few leaves a GPU
        idle. More processes than processors hinder each other.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.11.0-gpu-py39
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            sagemaker_mpi_enabled: "true"
        -   sagemaker_mpi_num_of_processes_per_host: "8"
        +   sagemaker_mpi_num_of_processes_per_host: "4"
          ResourceConfig: {InstanceType: ml.p3.8xlarge, InstanceCount: 2}
    Source:
        https://sagemaker.readthedocs.io/en/stable/frameworks/tensorflow/using_tf.html#training-with-horovod
    """
    value = view.hyperparameters.get(distribution.PROCESSES_PER_HOST)
    if not isinstance(value, str):
        return
    path: Path = (view.hyperparameters_member, distribution.PROCESSES_PER_HOST)
    written = value.strip().strip('"')
    if not written.isdecimal() or len(written) > 9 or int(written) < 1:
        yield Problem(f"{show(value)} is no number of processes.", path, "Give a whole number of at least 1.")
        return
    count, hosts = int(written), view.host_count or 1
    if value.strip() != written and hosts > 1:
        yield Problem(
            f"{show(value)} is a text to the toolkit, which repeats it for each of the {hosts} hosts in place of multiplying.",
            path,
            f"Write it without quotes: {written}.",
        )
    for _, kind, _ in view.instances:
        instance = instances.find(kind)
        if instance is None:
            continue
        if instance.gpus and count > instance.gpus:
            yield Problem(
                f"{count} processes a host are more than the {instance.gpus} GPU{'s' if instance.gpus > 1 else ''} of {kind}.",
                path,
                f"Set {instance.gpus}, or use an instance type with more GPUs.",
                severity=None if distribution.MODEL_PARALLEL in view.hyperparameters else "warning",
            )
        elif instance.gpus and count < instance.gpus:
            yield Problem(
                f"{count} process{'es' if count > 1 else ''} a host leave {instance.gpus - count} of {instance.gpus} GPUs of {kind} idle.",
                path,
                f"Set {instance.gpus}.",
                severity="warning",
            )
        elif not instance.gpus and not instance.neuron_devices and count > instance.vcpus:
            yield Problem(
                f"{count} processes a host are more than the {instance.vcpus} vCPUs of {kind}.",
                path,
                f"Set at most {instance.vcpus}.",
                severity="warning",
            )


@rule("DST006", reads=hyperparameters("*_enabled"))
def switch_value(view: TrainingView) -> Iterator[Problem]:
    """A switch of distributed training says no, and is on.

    What it does:
        Looks for a switch whose text means no and is not JSON's `false`, and for switches of that form that no
        toolkit knows.
    Why:
        The toolkit decodes the value as JSON. `False`, `no` or `off` are not JSON, stay texts, and a text that is
        not empty counts as true.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.11.0-cpu-py39
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
        -   sagemaker_mpi_enabled: "False"
        +   sagemaker_mpi_enabled: "false"
    Source:
        https://github.com/aws/sagemaker-training-toolkit
    """
    known = table("distribution")["switches"]
    for name, value in view.hyperparameters.items():
        if not isinstance(name, str) or not (name.startswith("sagemaker_") and name.endswith("_enabled")):
            continue
        path: Path = (view.hyperparameters_member, name)
        if name not in known:
            words = name.split("_")
            if any(w in ("mpi", "ddp") or w.startswith("distribut") or w.endswith("parallel") for w in words):
                hint = did_you_mean(name, known)
                yield Problem(
                    f"No toolkit knows the switch {name!r}.{hint}", path, f"Use one of {', '.join(known)}."
                )
        elif (
            isinstance(value, str)
            and value.strip().strip('"').lower() in ("false", "no", "off", "none")
            and distribution.is_on(value)
        ):
            yield Problem(
                f"{name} is {show(value)}, which counts as true.", path, "Write 'false', or leave it out."
            )


@rule(
    "DST007",
    severity="warning",
    reads=("ResourceConfig", "HyperParameterTuningResourceConfig"),
    when="several hosts",
)
def hosts_alone(view: TrainingView) -> Iterator[Problem]:
    """Several hosts are asked for, and nothing joins them.

    What it does:
        Says where a framework image runs a script on more than one instance, no way of distributed training is
        switched on, and the script, where it is known, does not look at its hosts either.
    Why:
        SageMaker starts the script on every instance. Unless the script finds the others by itself, each trains the
        whole model alone, and the last one to upload wins.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-gpu-py310
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
        +   sagemaker_torch_distributed_enabled: "true"
          ResourceConfig: {InstanceType: ml.p3.2xlarge, InstanceCount: 2}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-training.html
    """
    hosts = view.host_count
    if hosts is None or hosts < 2:
        return
    image = view.framework
    if image is None or image.engine not in ("pytorch", "tensorflow", "mxnet") or not image.trains:
        return
    if switches(view) or view.algorithm.get("ContainerEntrypoint"):
        return
    if any(isinstance(value, dict) for value in view.hyperparameters.values()) and _any_switch(view):
        return
    if _sharded(view):
        return
    facts = view.script
    if facts is not None and facts.attributes | facts.strings | facts.calls:
        from cursus.checks.script.distributed import hosts_without_work

        if _looks_at_hosts(facts.strings, facts.calls) or any(hosts_without_work(view)):
            return  # the script joins them, or the rule that reads it says more
    yield Problem(
        f"{hosts} instances are asked for, and no way of distributed training is switched on: unless the script "
        "joins its hosts itself, each trains alone.",
        (view.resources_member, "InstanceCount"),
        "Switch one on (the SDK's `distribution`), or use one instance.",
    )


def _any_switch(view: TrainingView) -> bool:
    return any(str(name).endswith("_enabled") for name in view.hyperparameters)


def _sharded(view: TrainingView) -> bool:
    """True where the hosts get different data, so that what each does alone is meant."""
    return any(channel.s3.get("S3DataDistributionType") == "ShardedByS3Key" for channel in view.channels)


def _looks_at_hosts(strings: frozenset[str], calls: frozenset[str]) -> bool:
    return any(word in each for word in table("toolkit")["first_host_texts"] for each in strings) or any(
        word in each for word in table("libraries")["meeting"] for each in calls
    )


OF_PYTHON = ("torch_distributed", "pytorchxla")
"""What starts nothing but Python scripts."""


@rule("DST008", reads=SWITCHES)
def entry_point(view: TrainingView) -> Iterator[Problem]:
    """torch_distributed and the training compiler start Python scripts only.

    What it does:
        Looks at the entry point where `sagemaker_torch_distributed_enabled` or `sagemaker_pytorch_xla_multi_worker_enabled` is on.
    Why:
        torchrun and xla_spawn take a Python file. With a shell script or a module the toolkit refuses to launch.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-gpu-py310
          HyperParameters:
        -   sagemaker_program: train.sh
        +   sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            sagemaker_torch_distributed_enabled: "true"
          ResourceConfig: {InstanceType: ml.p3.2xlarge, InstanceCount: 2}
    Source:
        https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html
    """
    program = view.hyperparameters.get("sagemaker_program")
    if not isinstance(program, str) or program.strip('"').endswith(".py"):
        return
    launcher = next((one.name for _, _, one in switches(view) if one.name in OF_PYTHON), None)
    if launcher is not None:
        yield Problem(
            f"{launcher} starts Python scripts only, and the entry point is {show(program)}.",
            (view.hyperparameters_member, "sagemaker_program"),
            "Name a .py file.",
        )


@rule("DST009", reads=hyperparameters(GROUPS))
def group_names(view: TrainingView) -> Iterator[Problem]:
    """Distributed training is asked for on an instance group that does not exist.

    What it does:
        Compares the names in `sagemaker_distribution_instance_groups` with the request's instance groups. More than one
        is a warning.
    Why:
        The toolkit waits for hosts that never come, or fails. "A distributed training strategy can be applied only to one
        instance group", and the SDK refuses several.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-gpu-py310
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            sagemaker_torch_distributed_enabled: "true"
        -   sagemaker_distribution_instance_groups: '["train_group"]'
        +   sagemaker_distribution_instance_groups: '["train"]'
          ResourceConfig:
            InstanceType: null
            InstanceCount: null
            InstanceGroups:
              - {InstanceGroupName: train, InstanceType: ml.p3.2xlarge, InstanceCount: 2}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/train-heterogeneous-cluster.html
    """
    chosen = groups(view)
    if not chosen:
        return
    entries = [group for group in listing(view.resources, "InstanceGroups") if isinstance(group, dict)]
    names = [text(group, "InstanceGroupName") for group in entries]
    if None in names:
        return
    path: Path = (view.hyperparameters_member, GROUPS)
    if len(chosen) > 1:
        yield Problem(
            f"{len(chosen)} instance groups are to train together; distributed training runs on one group.",
            path,
            "Name the one that trains.",
            severity="warning",
        )
    for name in chosen:
        if name not in names:
            known = [each for each in names if each]
            written = (
                f"the groups are {', '.join(map(repr, known))}"
                if known
                else "the request has no instance groups"
            )
            yield Problem(
                f"There is no instance group {show(name)}; {written}.{did_you_mean(name, known)}",
                path,
                "Name groups of ResourceConfig.InstanceGroups.",
            )


MPI_OPTIONS = "sagemaker_mpi_custom_mpi_options"


@rule("DST014", severity="warning", reads=("Environment.FI_PROVIDER", *SWITCHES), when="several hosts")
def efa_that_is_not_there(view: TrainingView) -> Iterator[Problem]:
    """Hosts are to meet over EFA, and their instance type has none; or it has one, and nothing switches it on.

    What it does:
        Looks for FI_PROVIDER efa in the Environment, or in the options for MPI, of a job on several hosts whose type has no Elastic Fabric Adapter; and, where the
        training toolkit starts the processes, for a type of the p family that it does not know as one with EFA, without FI_PROVIDER.
    Why:
        libfabric finds no such device, NCCL says "NET/OFI aws-ofi-nccl initialization failed" and exchanges all gradients
        over TCP: the job is as slow as without the setting, and every host is paid meanwhile. Jobs on ml.p5e.48xlarge hung when NCCL was
        initialized.
    Example:
          Environment: {FI_PROVIDER: efa}
        - ResourceConfig: {InstanceType: ml.g5.4xlarge, InstanceCount: 2}
        + ResourceConfig: {InstanceType: ml.g5.8xlarge, InstanceCount: 2}
    Source:
        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html#efa-instance-types,
        https://github.com/aws/aws-ofi-nccl/issues/174,
        https://github.com/aws/sagemaker-training-toolkit/pull/96 and /241
    """
    provider, place = text(view.environment, "FI_PROVIDER") or "", ("Environment", "FI_PROVIDER")
    options = view.values.get(MPI_OPTIONS)
    if not provider and isinstance(options, str) and re.search(r"-x\s+FI_PROVIDER=.?efa\b", options):
        provider, place = "efa", (view.hyperparameters_member, MPI_OPTIONS)
    started = next(iter(switches(view)), None)
    if view.host_count == 1 or (started is None and provider.lower() != "efa"):
        return
    for _, kind, _ in view.instances:
        instance = instances.find(kind)
        if instance is None:
            continue
        if provider.lower() == "efa" and not instance.efa:
            yield Problem(
                f"FI_PROVIDER is {show(provider)}, and {kind} has no Elastic Fabric Adapter: its hosts meet over TCP.",
                place,
                "Use an instance type with EFA, such as the larger sizes of its family, or leave FI_PROVIDER out.",
            )
            return
        known = table("distribution")["efa_by_toolkit"]
        if (
            started is not None
            and "FI_PROVIDER" not in view.environment
            and instance.efa
            and instance.gpus > 1
            and kind.startswith("ml.p")
            and kind not in known
        ):
            yield Problem(
                f"the training toolkit does not know {kind} as a type with EFA: nothing sets FI_PROVIDER, and the hosts may meet over TCP.",
                started[0],
                "Set FI_PROVIDER: efa and FI_EFA_USE_DEVICE_RDMA: 1 in Environment, unless the image has a toolkit that knows it.",
            )
            return


BACKENDS = ("backend", "dist_backend", "ddp_backend", "distributed_backend")


@rule("DST016", severity="warning", reads=hyperparameters(*BACKENDS), when="framework")
def backend_for_gpus(view: TrainingView) -> Iterator[Problem]:
    """A script is told to meet the other processes by NCCL, on instances without GPUs.

    What it does:
        Looks for hyperparameters such as backend with the value nccl where no instance has a GPU: an error with several hosts.
    Why:
        "ProcessGroupNCCL is only supported with GPUs, no GPUs found!"
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
          ResourceConfig: {InstanceType: ml.c5.4xlarge, InstanceCount: 2}
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
        -   backend: nccl
        +   backend: gloo
    Source:
        https://pytorch.org/docs/stable/distributed.html#which-backend-to-use,
        https://github.com/aws-samples/amazon-sagemaker-bert-pytorch/issues/3
    """
    if view.framework is None or not is_on_cpus(view):
        return
    for name in BACKENDS:
        if str(view.values.get(name, "")).lower() == "nccl":
            yield Problem(
                f"{name} is nccl, and {view.instances[0][1]} has no GPU",
                (view.hyperparameters_member, name),
                "write gloo, or use instance types with GPUs",
                severity="error" if (view.host_count or 1) > 1 else None,
            )

"""Distributed training in script mode: what the framework containers set and start on each host.

The switches are hyperparameters; the environment and the commands are those of the training toolkit and of its
PyTorch and TensorFlow extensions, and a test compares them with the toolkit itself.
https://github.com/aws/sagemaker-training-toolkit https://github.com/aws/sagemaker-pytorch-training-toolkit
https://github.com/aws/sagemaker-tensorflow-training-toolkit
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from cursus.local.framework import toolkit

Launcher = Literal["", "torchrun", "smddp", "mpi", "xla", "parameter_server", "mirrored"]

MPI = "sagemaker_mpi_enabled"
TORCHRUN = "sagemaker_torch_distributed_enabled"
SMDDP = "sagemaker_distributed_dataparallel_enabled"
DDP = "sagemaker_pytorch_ddp_enabled"
XLA = "sagemaker_pytorch_xla_multi_worker_enabled"
PARAMETER_SERVER = "sagemaker_parameter_server_enabled"
MIRRORED = "sagemaker_multi_worker_mirrored_strategy_enabled"

MASTER_PORT = "7777"
WORKER_PORT, SERVER_PORT, MIRRORED_PORT = 2222, 2223, 8890

STANDS_IN = "smdistributed data parallel: plain DistributedDataParallel by torchrun stood in for it"


def engine(image: object) -> str:
    """The framework of an image, as its repository's name tells: ``pytorch``, ``tensorflow``, … or nothing."""
    name = str(image or "").rpartition("/")[2].partition(":")[0]
    return next(
        (known for known in ("pytorch", "tensorflow", "xgboost", "scikit-learn") if known in name), ""
    )


def module(image: object) -> dict[str, str]:
    """The variable by which a framework's image names its extension of the toolkit.

    https://github.com/aws/deep-learning-containers (``ENV SAGEMAKER_TRAINING_MODULE`` of each Dockerfile)
    """
    name = engine(image).replace("scikit-learn", "sklearn")
    return {"SAGEMAKER_TRAINING_MODULE": f"sagemaker_{name}_container.training:main"} if name else {}


def captures(image: object) -> bool:
    """Whether the container keeps what a failed script printed: those of scikit-learn and XGBoost do not.

    https://github.com/aws/sagemaker-scikit-learn-container https://github.com/aws/sagemaker-xgboost-container
    """
    return engine(image) not in ("xgboost", "scikit-learn")


def older(image: object) -> bool:
    """Whether the container has the toolkit's forerunner, which starts a script as a module: XGBoost's does.

    https://github.com/aws/sagemaker-xgboost-container (sagemaker-containers 2.8 in its requirements)
    """
    return engine(image) == "xgboost"


def _torch_version(image: object) -> dict[str, str]:
    """The variable by which images of PyTorch tell their version; those before 2.0 have none.

    https://github.com/aws/sagemaker-pytorch-training-toolkit (2.8.0: ``_set_torch_version_environment``)
    """
    version = str(image).rpartition(":")[2].partition("-")[0]
    major = version.partition(".")[0]
    return {"SM_DLC_TORCH_VERSION": version} if major.isdigit() and int(major) > 1 else {}


def launcher(facts: Mapping[str, Any], image: object) -> Launcher:
    """What starts the script on a host. ``facts`` is its ``SM_TRAINING_ENV``."""
    settings = facts["additional_framework_parameters"]
    framework = engine(image)
    if framework in ("xgboost", "scikit-learn"):
        return ""
    if framework != "pytorch" and settings.get(PARAMETER_SERVER) and len(facts["hosts"]) > 1:
        return "parameter_server"
    if facts["current_instance_group"] not in facts["distribution_instance_groups"]:
        return ""
    if settings.get(MPI):
        return "mpi"
    if framework != "tensorflow":
        if settings.get(DDP):
            return "smddp"
        if settings.get(TORCHRUN):
            return "torchrun"
    if settings.get(SMDDP):
        return "smddp"
    if framework != "tensorflow" and settings.get(XLA):
        return "xla"
    return "mirrored" if framework != "pytorch" and settings.get(MIRRORED) else ""


def environment(facts: Mapping[str, Any], image: object, kind: Launcher, interface: str) -> dict[str, str]:
    """The variables that a framework container adds. ``interface`` is the host's network interface."""
    found: dict[str, str] = {}
    if engine(image) == "pytorch":
        found.update(
            NCCL_SOCKET_IFNAME=interface,
            NCCL_IB_DISABLE="1",
            NCCL_DEBUG="WARN",
            MASTER_ADDR=facts["master_hostname"],
            MASTER_PORT=MASTER_PORT,
        )
        found.update(_torch_version(image))
    if kind in ("torchrun", "smddp"):
        found.update(NCCL_SOCKET_IFNAME=interface, NCCL_PROTO="simple")
    if kind == "parameter_server":
        found["TF_CONFIG"] = json.dumps(parameter_servers(facts["distribution_hosts"], facts["current_host"]))
    elif kind == "mirrored":
        found["TF_CONFIG"] = json.dumps(mirrored(facts["distribution_hosts"], facts["current_host"]))
    return found


def _addresses(hosts: Sequence[str], port: int) -> list[str]:
    return [f"{host}:{port}" for host in hosts]


def parameter_servers(hosts: Sequence[str], host: str, *, server: bool = False) -> dict[str, Any]:
    """TF_CONFIG of a cluster with a parameter server on each host; of the server itself with ``server``."""
    cluster = {"master": _addresses(hosts[:1], WORKER_PORT)}
    if len(hosts) > 1:
        cluster["ps"] = _addresses(hosts, SERVER_PORT)
        cluster["worker"] = _addresses(hosts[1:], WORKER_PORT)
    number = list(hosts).index(host)
    task = {"index": max(0, number - 1), "type": "worker" if number else "master"}
    if server:
        task = {"index": number, "type": "ps"}
    return {"cluster": cluster, "environment": "cloud", "task": task}


def mirrored(hosts: Sequence[str], host: str) -> dict[str, Any]:
    """TF_CONFIG of MultiWorkerMirroredStrategy."""
    cluster = {"worker": _addresses(hosts, MIRRORED_PORT)}
    return {
        "cluster": cluster,
        "environment": "cloud",
        "task": {"index": list(hosts).index(host), "type": "worker"},
    }


def processes(facts: Mapping[str, Any]) -> int:
    """Processes on each host: as set, else one for each accelerator that is here, else one."""
    settings = facts["additional_framework_parameters"]
    default = int(facts["num_gpus"]) or int(facts["num_neurons"]) or 1
    return int(settings.get("sagemaker_mpi_num_of_processes_per_host") or default)


def torchrun(
    facts: Mapping[str, Any], entry_point: str, source_files: Sequence[str], args: list[str]
) -> list[str]:
    """The toolkit's torchrun command.

    Raises:
        ValueError: the entry point is none that torchrun starts; the text is the toolkit's.
    """
    if "setup.py" in source_files and not entry_point.endswith(".sh"):
        raise ValueError(
            "Python packages are not supported for torch_distributed. Please use a python script as the entry-point"
        )
    if not entry_point.endswith(".py"):
        raise ValueError("Unsupported entry point type for torch_distributed")
    problem = toolkit.refuse(entry_point)
    if problem:
        raise ValueError(problem)
    hosts = facts["distribution_hosts"]
    found = ["torchrun", "--nnodes", str(len(hosts)), "--nproc_per_node", str(processes(facts))]
    if len(hosts) > 1:
        rank = str(hosts.index(facts["current_host"]))
        found += [
            "--master_addr",
            facts["master_hostname"],
            "--master_port",
            MASTER_PORT,
            "--node_rank",
            rank,
        ]
    return [*found, entry_point, *args]


def mpirun(
    facts: Mapping[str, Any],
    variables: Sequence[str],
    script: list[str],
    interface: str,
) -> list[str]:
    """The toolkit's mpirun command, but for a library of its own that tells a process its host's name.

    ``variables`` are the names that every process gets; ``script`` is the command of one process.
    """
    settings = facts["additional_framework_parameters"]
    hosts, each = facts["distribution_hosts"], processes(facts)
    total = settings.get("sagemaker_mpi_num_processes") or each * len(hosts)
    listed = list(hosts) if each == 1 else [f"{host}:{each}" for host in hosts]
    debug, additional = _custom_options(str(settings.get("sagemaker_mpi_custom_mpi_options") or ""))
    found = ["mpirun", "--host", ",".join(listed), "-np", str(total), "--allow-run-as-root", "--display-map"]
    found += [
        "--tag-output",
        "-mca",
        "btl_tcp_if_include",
        interface,
        "-mca",
        "oob_tcp_if_include",
        interface,
    ]
    found += ["-mca", "plm_rsh_no_tree_spawn", "1", "-bind-to", "none", "-map-by", "slot"]
    found += ["-mca", "pml", "ob1", "-mca", "btl", "^openib", "-mca", "orte_abort_on_non_zero_status", "1"]
    found += ["-mca", "btl_vader_single_copy_mechanism", "none", "-x", "NCCL_MIN_NRINGS=4"]
    found += ["-x", f"NCCL_SOCKET_IFNAME={interface}", "-x", f"NCCL_DEBUG={debug}"]
    found += ["-x", "LD_LIBRARY_PATH", "-x", "PATH", *additional]
    for name in variables:
        found += ["-x", name]
    return [*found, *script]


def mpi_script(command: list[str], python: str) -> list[str]:
    """A script's command as one of mpirun's processes: by mpi4py, so that an exception ends them all."""
    if command[0] != python:
        return command
    rest = command[1:]
    return [python, "-m", "mpi4py", *(rest[1:] if rest[0] == "--" else rest)]


def _custom_options(text: str) -> tuple[str, list[str]]:
    """(NCCL_DEBUG, the options that go to mpirun as they are)."""
    debug, additional = "INFO", list[str]()
    words = iter(text.split())
    for word in words:
        if word == "--NCCL_DEBUG":
            debug = next(words, debug)
        elif word.startswith("--NCCL_DEBUG="):
            debug = word.partition("=")[2]
        else:
            additional.append(word)
    return debug, additional


def beside(kind: Launcher, facts: Mapping[str, Any], program: list[str], command: list[str]) -> list[str]:
    """The command by which ``program`` (launch.py) starts ``command`` as the toolkit's runner would."""
    hosts, host = facts["distribution_hosts"], facts["current_host"]
    spec: dict[str, Any] = {"host": host, "master": facts["master_hostname"]}
    if kind == "mpi":
        spec["role"] = "mpi-master" if facts["is_master"] else "mpi-worker"
        spec["workers"] = [name for name in hosts if name != spec["master"]]
        spec["processes"] = processes(facts)
    else:
        spec["role"] = "parameter-server"
        spec["server"] = parameter_servers(hosts, host, server=True)
        spec["port"] = WORKER_PORT
    return [*program, json.dumps(spec), *command]

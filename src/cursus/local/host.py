"""One host: its ``/opt/ml`` tree, its config files, its environment, and what it runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from cursus.local import contract
from cursus.local.channels import DownloadError
from cursus.local.data.files import clone
from cursus.local.framework import toolkit
from cursus.local.isolation.mounts import ML, OURS, PROGRAMS

TREE = (
    "input/config",
    "input/data",
    "model",
    "code",
    "output/data",
    "output/metrics/sagemaker",
    "output/profiler",
    "output/tensorboard",
)
PASSED_ON = re.compile(
    r"^(PATH|LD_LIBRARY_PATH|LD_PRELOAD|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|TZ"
    r"|(https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY|PIP_.*|UV_.*|CUDA_.*|NVIDIA_.*|OMP_NUM_THREADS|MKL_.*"
    r"|OPENBLAS_NUM_THREADS)$"
)
"""What a host gets of the environment that cursus runs in: what finds programs, libraries and the network.
No credentials: a job on SageMaker has its role's, and a run here has none."""

DEFAULTS = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "PYTHONUNBUFFERED": "TRUE",
    "PYTHONIOENCODING": "UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "DMLC_INTERFACE": "eth0",
}
"""What the framework images set: https://github.com/aws/deep-learning-containers"""


class Launch(NamedTuple):
    """What a host executes, and as what: in script mode the toolkit stands between.

    ``shown`` is the command that the toolkit names when it fails; ``notes`` is what is not reproduced.
    """

    command: list[str]
    environment: dict[str, str]
    directory: str
    script: bool
    shown: list[str]
    notes: tuple[str, ...] = ()


def make_tree(ml: str) -> None:
    """The directories that a container finds below ``/opt/ml`` from the start."""
    for name in TREE:
        os.makedirs(os.path.join(ml, name), exist_ok=True)


def write_config(
    request: Mapping[str, Any],
    host: str,
    region: str,
    ml: str,
    interface: str = contract.INTERFACE,
) -> None:
    """The files of ``/opt/ml/input/config``, readable by the owner alone: they may hold secrets."""
    for name, content in contract.config_files(request, host, region, interface).items():
        path = os.path.join(ml, "input", "config", name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file)


IGNORED = frozenset({"__pycache__", ".git", ".cursus", ".venv", ".mypy_cache", ".pytest_cache"})


def copy_source(directory: str, code: str, root: str) -> dict[str, tuple[int, int]]:
    """Copy the user's source to ``/opt/ml/code``; (size, mtime) of every file as it was put there.

    ``root``, where jobs are kept, may lie in the source directory: it is left out.

    Raises:
        DownloadError: it cannot be read, or the disk is full.
    """
    top = os.path.realpath(root)
    kept_out = {top, os.path.join(top, "jobs"), os.path.join(top, "s3")}

    def ignored(folder: str, names: list[str]) -> list[str]:
        place = os.path.realpath(folder)
        return [name for name in names if name in IGNORED or os.path.join(place, name) in kept_out]

    try:
        shutil.copytree(
            directory,
            code,
            symlinks=True,
            ignore=ignored,
            copy_function=clone,
            dirs_exist_ok=True,
            ignore_dangling_symlinks=True,
        )
    except (OSError, shutil.Error) as error:
        detail = error.args[0][0][2] if isinstance(error, shutil.Error) else os.strerror(error.errno or 0)
        raise DownloadError(f"source code {directory}: {detail}") from error
    return snapshot(code)


def snapshot(folder: str) -> dict[str, tuple[int, int]]:
    """(size, mtime in ns) of every regular file below ``folder`` by relative path."""
    found: dict[str, tuple[int, int]] = {}
    for directory, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(directory, name)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                found[os.path.relpath(path, folder)] = (status.st_size, status.st_mtime_ns)
    return found


def base_environment(python: str, outer: Mapping[str, str]) -> dict[str, str]:
    """The variables of the image, as far as this machine stands in for it."""
    found = {name: value for name, value in outer.items() if PASSED_ON.match(name)}
    found.update(DEFAULTS)
    path = found.get("PATH") or "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    found["PATH"] = os.path.dirname(python) + ":" + path
    return found


def machine() -> toolkit.Machine:
    """Processors and accelerators of this machine, as the toolkit counts them."""
    try:
        gpus = sum(1 for name in os.listdir("/dev") if re.fullmatch(r"nvidia[0-9]+", name))
        neurons = sum(1 for name in os.listdir("/dev") if re.fullmatch(r"neuron[0-9]+", name))
    except OSError:
        gpus = neurons = 0
    return toolkit.Machine(os.cpu_count() or 1, gpus, neurons)


LOOPBACK = "lo"
OTHER_INTERFACE = "the interface eth0: the host has none, and the job was told of lo"


def interface(*, wired: bool, isolated: bool) -> str:
    """The network interface of a host. ``wired``: it has an ``eth0`` of its own; ``isolated``: no way out.

    A host without either has the interfaces of this machine, of which a laptop's have other names. What a job
    starts (MPI, NCCL, Gloo) fails for an interface that is not there.
    """
    import socket

    there = wired or (not isolated and any(name == contract.INTERFACE for _, name in socket.if_nameindex()))
    return contract.INTERFACE if there else LOOPBACK


def script_mode(
    plan: Mapping[str, Any], host: str, ml: str, base: str, interface: str = contract.INTERFACE
) -> Launch:
    """The launch of a source directory's entry point, by the toolkit.

    ``plan`` is the job's; ``base`` is where the host sees ``/opt/ml``; ``ml`` where it is on this machine;
    ``interface`` is the host's network interface.

    Raises:
        ValueError: the toolkit refuses the entry point; the text is its own.
    """
    from cursus.local.framework import distribution

    request, entry_point, python = plan["request"], plan["entry_point"], plan["python"]
    image, hyperparameters = contract.training_image(request), request.get("HyperParameters") or {}
    own = {**distribution.module(image), **contract.variables(request, host, plan["region"])}
    named = toolkit.variables(
        hyperparameters,
        contract.resource_config(request, host, interface),
        contract.input_data_config(request),
        own,
        machine(),
        base,
    )
    environment = base_environment(python, os.environ)
    environment.update(own)
    environment.update(named)
    environment.update(toolkit.overwritten(hyperparameters, host))
    environment["PYTHONPATH"] = ":".join(filter(None, (f"{base}/code", own.get("PYTHONPATH"))))
    script, settings = toolkit.split(toolkit.decode(hyperparameters))
    code = os.path.join(ml, "code")
    files, arguments = os.listdir(code), toolkit.arguments(script)
    command = toolkit.command(entry_point, files, python, arguments)
    if distribution.older(image) and entry_point.endswith(".py") and "/" not in entry_point:
        command = [python, "-m", entry_point[: -len(".py")], *arguments]
    if command[0] == "/bin/sh":
        with suppress(OSError):  # it is not there: the shell will say so, as in the container
            os.chmod(os.path.join(code, entry_point), 0o777)
    launch = Launch(command, environment, f"{base}/code", True, command)
    if "pytorch" in str(image) or any(settings.get(name) for name in toolkit.LAUNCHERS):
        facts = json.loads(named["SM_TRAINING_ENV"])
        return _distributed(launch, facts, image, python, (entry_point, files, arguments), interface)
    return launch


def training_env(request: Mapping[str, Any], host: str) -> dict[str, Any]:
    """``SM_TRAINING_ENV`` of a host, as data."""
    hyperparameters = {name: str(value) for name, value in (request.get("HyperParameters") or {}).items()}
    named = toolkit.variables(
        hyperparameters,
        contract.resource_config(request, host),
        contract.input_data_config(request),
        contract.variables({"TrainingJobName": "", **request}, host, contract.DEFAULT_REGION),
        machine(),
    )
    found: dict[str, Any] = json.loads(named["SM_TRAINING_ENV"])
    return found


def _distributed(
    launch: Launch,
    facts: Mapping[str, Any],
    image: object,
    python: str,
    script: tuple[str, list[str], list[str]],
    interface: str,
) -> Launch:
    """A launch as the framework's container does it. ``script``: entry point, source files, arguments."""
    from cursus.local.framework import distribution

    command = launch.command
    kind = distribution.launcher(facts, image)
    environment = {**launch.environment, **distribution.environment(facts, image, kind, interface)}
    notes: list[str] = []
    if kind in ("torchrun", "smddp"):
        command = distribution.torchrun(facts, *script)
    if kind == "smddp":
        environment["PYTHONPATH"] += ":" + os.path.join(_ours(launch), "shims")
        notes.append(distribution.STANDS_IN)
    if kind == "mpi" and facts["is_master"]:
        names = [name for name in launch.environment if name.startswith("SM_")]
        command = distribution.mpirun(facts, names, distribution.mpi_script(command, python), interface)
    whole = command
    if kind in ("mpi", "parameter_server"):
        program = os.path.join(_ours(launch), "launch.py")
        whole = distribution.beside(kind, facts, [python, "-I", "-S", program], command)
    return launch._replace(command=whole, environment=environment, shown=command, notes=tuple(notes))


def _ours(launch: Launch) -> str:
    """Where a host sees our programs."""
    return OURS if launch.directory.startswith(ML + "/") else PROGRAMS


def own_command(plan: Mapping[str, Any], host: str, directory: str) -> Launch:
    """The launch of a container's own program, which is the host's first process, in ``directory``."""
    from cursus.local.framework import distribution

    request, command = plan["request"], plan["command"]
    environment = base_environment(plan["python"], os.environ)
    environment.update(distribution.module(contract.training_image(request)))
    environment.update(contract.variables(request, host, plan["region"]))
    return Launch(command, environment, directory, False, command)

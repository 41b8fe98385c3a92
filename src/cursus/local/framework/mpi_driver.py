"""The MPI driver of the SageMaker SDK (v3), which arrives in a request's channel ``sm_drivers`` and runs as it is.

It takes for granted what the images have: sshd and ssh, paramiko, mpi4py and Open MPI. The first two are put into the
host (``secure_shell``); the others are this environment's, or the job is refused.
https://github.com/aws/sagemaker-python-sdk (container_drivers/distributed_drivers/mpi_driver.py)
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from cursus.errors import RunError
from cursus.local import contract, host
from cursus.local.isolation.mounts import ML, OURS, Overlay

if TYPE_CHECKING:
    from cursus.local.planning.environments import Interpreter
    from cursus.model import Step

CHANNEL = "sm_drivers"
COMMANDS = "sm_train.sh"
DRIVER = b"mpi_driver.py"
PACKAGES = ("paramiko", "mpi4py")
PROGRAMS = {"/usr/sbin": "sshd", "/usr/bin": "ssh"}
STANDS_IN = (
    "sshd and ssh for the SDK's MPI driver: programs of cursus's stood in for them, inside the job's network"
)


def starts(folder: str | None) -> bool:
    """Whether the drivers in ``folder`` start the MPI driver."""
    try:
        with open(os.path.join(folder or "", COMMANDS), "rb") as file:
            return DRIVER in file.read(1 << 20)
    except OSError:
        return False


def need(step: Step, root: str, s3: str | None, python: Interpreter | None) -> None:
    """Raise RunError where a step's drivers start the MPI driver, and this machine has not what it needs."""
    from cursus.local import channels, storage

    member = contract.channels(step.request).get(CHANNEL)
    if member is None or storage.choice(s3) is not None:
        return
    if not starts(channels.resolve(member, step.promises.local_channels, root).folder):
        return
    executable, paths = (python.executable, python.paths) if python else (sys.executable, sys.path)
    problem = missing(paths, host.base_environment(executable, os.environ)["PATH"])
    if problem:
        raise RunError(problem)


def missing(paths: Sequence[str], path: str) -> str:
    """What the driver needs and this machine has not, with how to get it; ``path`` is where programs are looked for."""
    lacking = [name for name in PACKAGES if not any(os.path.isdir(os.path.join(at, name)) for at in paths)]
    remedies = [f"pip install {' '.join(lacking)}"] if lacking else []
    if shutil.which("mpirun", path=path) is None:
        lacking.append("mpirun")
        remedies.append("install Open MPI (Debian and Ubuntu: openmpi-bin)")
    if not lacking:
        return ""
    return (
        f"cannot run here: the SDK's MPI driver needs {', '.join(lacking)}, which the image has and this environment "
        f"has not: {'; '.join(remedies)}"
    )


def programs(overlays: Iterable[Overlay], python: str, layer: Callable[[str], str]) -> list[Overlay]:
    """Overlays that put ``sshd`` and ``ssh`` where the driver looks for them, for a host with these channels."""
    driven = any(
        one.target == f"{ML}/input/data/{CHANNEL}"
        and (starts(one.source) or starts(os.path.join(one.scratch, "upper")))
        for one in overlays
    )
    if not driven:
        return []
    known = {one.target: one for one in overlays}
    found: dict[str, Overlay] = {}
    for folder, name in PROGRAMS.items():
        place = os.path.realpath(folder)
        overlay = known.get(place) or found.get(place)
        if overlay is None:
            overlay = found[place] = Overlay(place, place, layer(f"programs-{name}"))
        _program(os.path.join(overlay.scratch, "upper", name), name, python)
    return list(found.values())


def _program(path: str, name: str, python: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(f'#!/bin/sh\nexec "{python}" -I {OURS}/secure_shell.py {name} "$@"\n')
    os.chmod(path, 0o755)

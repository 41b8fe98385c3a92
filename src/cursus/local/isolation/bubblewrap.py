"""A host by the ``bwrap`` program, for machines that let it make namespaces and nobody else.

https://github.com/containers/bubblewrap
"""

from __future__ import annotations

import json
import os
import sys
from typing import NoReturn

from cursus.local.inside import init
from cursus.local.isolation.mounts import OURS, Box, mounts
from cursus.local.isolation.namespaces import ACCELERATORS, MASKED, Program
from cursus.local.linux.descriptors import write_all
from cursus.local.linux.syscalls import KEPT_CAPABILITIES

NAMES = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
]


def executable() -> str | None:
    """The ``bwrap`` program, or None where there is none."""
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(directory, "bwrap")
        if directory and os.access(path, os.X_OK):
            return path
    return None


def arguments(box: Box, info: int) -> list[str]:
    """The options that make ``box``."""
    found = ["--unshare-user", "--uid", "0", "--gid", "0", "--unshare-pid", "--unshare-uts", "--unshare-ipc"]
    found += ["--hostname", box.hostname, "--die-with-parent", "--as-pid-1", "--info-fd", str(info)]
    found += ["--cap-drop", "ALL"]
    for number in sorted(KEPT_CAPABILITIES):
        found += ["--cap-add", "CAP_" + NAMES[number]]
    if box.isolated:
        found.append("--unshare-net")
    found += ["--tmpfs", "/", "--proc", "/proc", "--dev", "/dev"]
    if os.geteuid() == 0:
        for name in MASKED:
            found += ["--ro-bind-try", "/proc/" + name, "/proc/" + name]
    for name in sorted(os.listdir("/dev")):
        if name.startswith(ACCELERATORS):
            found += ["--dev-bind", "/dev/" + name, "/dev/" + name]
    for step in mounts(box):
        if step.kind == "directory":
            found += ["--dir", step.target]
        elif step.kind == "link":
            found += ["--symlink", step.source, step.target]
        elif step.kind == "read":
            found += ["--ro-bind-try", step.source, step.target]
        elif step.kind == "write":
            found += ["--bind", step.source, step.target]
    return found


def execute(box: Box, program: Program, status: int, info: int) -> NoReturn:
    """Become bwrap with the host's first process in it. Run in a forked process."""
    path = executable()
    if path is None:
        init.report(status, refused="bubblewrap (bwrap) is not installed")
        os._exit(init.SETUP_FAILED)
    spec = json.dumps({**program._asdict(), "status": status}).encode()
    read, write = os.pipe()
    _feed(spec, write)
    for descriptor in (status, info, read):
        os.set_inheritable(descriptor, True)
    options = arguments(box, info)
    first = [sys.executable, "-I", "-S", OURS + "/init.py", str(read)]
    os.execv(path, [path, *options, "--", *first])


def _feed(data: bytes, descriptor: int) -> None:
    """Write ``data`` into a pipe that is read only after we have become bwrap: a child does it."""
    if os.fork() == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        try:
            write_all(descriptor, data)
        finally:
            os._exit(0)
    os.close(descriptor)


def child(info: int) -> int | None:
    """The first process inside, as bwrap tells it on its information descriptor; None where it did not."""
    with os.fdopen(info, "rb") as file:
        data = file.read()
    try:
        return int(json.loads(data)["child-pid"])
    except (ValueError, KeyError, TypeError):
        return None

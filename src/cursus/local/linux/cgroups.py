"""A control group for a host, where the machine lets us make one: the instance's memory as a limit that holds.

Root mostly may, and a user below a delegated group of systemd. Elsewhere use is sampled from /proc and no limit is set.
https://docs.kernel.org/admin-guide/cgroup-v2.html and https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

MOUNT = "/sys/fs/cgroup"
PREFIX = "cursus-"


class Place(NamedTuple):
    """Where this process is, and where a group beside or below it can be made."""

    here: str
    parent: str
    version: int


class Group:
    """One host's group at ``path``. What is forked between ``enter`` and ``leave`` belongs to it, and all below."""

    def __init__(self, path: str, place: Place) -> None:
        self.path = path
        self.place = place

    def enter(self) -> bool:
        """Go into the group; False where the machine does not let us."""
        return self._go(self.path)

    def leave(self) -> bool:
        """Go back to where this process was; False where that is not allowed."""
        return self._go(self.place.here)

    def take(self, pid: int) -> bool:
        """Put another process into it; False where that is not allowed."""
        return self._go(self.path, pid)

    def _go(self, path: str, pid: int | None = None) -> bool:
        try:
            _write(os.path.join(path, "cgroup.procs"), str(pid or os.getpid()))
        except OSError:
            return False
        return True

    def killed(self) -> int:
        """How many processes the kernel ended because the limit was reached. Raises OSError."""
        name = "memory.events" if self.place.version == 2 else "memory.oom_control"
        with open(os.path.join(self.path, name)) as file:
            return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)

    def remove(self) -> None:
        """Take it away, when its processes have ended. Raises OSError."""
        os.rmdir(self.path)


class Limit:
    """The memory that a host may have, as far as this machine can hold it to that.

    ``size`` is in bytes, None where there is nothing to hold it to. ``enforced`` is True where a group does;
    ``killed`` is how many processes it cost.
    """

    def __init__(self, name: str, size: int | None) -> None:
        self.name = name
        self.size = size
        self.enforced = False
        self.killed = 0
        self._group: Group | None = None

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The host that is started meanwhile has the limit."""
        if self.size is not None and self._group is None:
            self._group = make(self.name, self.size)
        self.enforced = self._group is not None and self._group.enter()
        try:
            yield
        finally:
            if self._group is not None and self.enforced:
                self._group.leave()

    def adopt(self, pid: int) -> None:
        """Take a process into the group that somebody else has forked."""
        if self._group is not None and self.enforced:
            self._group.take(pid)

    def end(self) -> None:
        """The host has ended: what it cost."""
        if self._group is None:
            return
        with suppress(OSError):  # somebody else's process is in it: the next job of ours sweeps it away
            self.killed = self._group.killed()
            self._group.remove()
        self._group = None


def make(name: str, limit: int) -> Group | None:
    """A group of at most ``limit`` bytes of memory; None where there can be none."""
    for place in (_version_2(), _version_1()):
        if place is None or not os.access(place.parent, os.W_OK):
            continue
        _sweep(place.parent)
        group = Group(os.path.join(place.parent, f"{PREFIX}{os.getpid()}-{name}"), place)
        try:
            os.mkdir(group.path)
        except OSError:
            continue
        with suppress(OSError):  # memory is not among the controllers here
            _limit(group, limit)
            if group.enter() and group.leave():
                return group
        try:
            group.remove()
        except OSError:
            continue
    return None


def _limit(group: Group, limit: int) -> None:
    if group.place.version == 2:
        _write(os.path.join(group.path, "memory.max"), str(limit))
        swap, most = "memory.swap.max", "0"
    else:
        _write(os.path.join(group.path, "memory.limit_in_bytes"), str(limit))
        swap, most = "memory.memsw.limit_in_bytes", str(limit)
    with suppress(OSError):  # this kernel does not count it
        _write(os.path.join(group.path, swap), most)  # an instance has no swap


def _version_2() -> Place | None:
    path = _own("0::")
    root = (
        MOUNT if os.path.exists(os.path.join(MOUNT, "cgroup.controllers")) else os.path.join(MOUNT, "unified")
    )
    if path is None or not os.path.isdir(root):
        return None
    here = root + path.rstrip("/")
    for parent in (here, os.path.dirname(here)):
        try:
            with open(os.path.join(parent, "cgroup.subtree_control")) as file:
                if parent.startswith(root) and "memory" in file.read().split():
                    return Place(here, parent, 2)
        except OSError:
            continue
    return None


def _version_1() -> Place | None:
    path = _own(":memory:")
    here = os.path.join(MOUNT, "memory") + (path or "").rstrip("/")
    if path is None or not os.path.isdir(here):
        return None
    return Place(here, here, 1)


def _own(mark: str) -> str | None:
    """This process's group in the hierarchy that ``mark`` stands for, as /proc/self/cgroup writes it."""
    try:
        with open("/proc/self/cgroup") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if (line.startswith(mark) if mark == "0::" else mark in line)), None)
    return None if found is None else found.split(":", 2)[2]


def _sweep(parent: str) -> None:
    """Groups of supervisors that were killed: empty, and of no process any more."""
    try:
        names = [name for name in os.listdir(parent) if name.startswith(PREFIX)]
    except OSError:
        return
    for name in names:
        number = name[len(PREFIX) :].partition("-")[0]
        if number.isdigit() and not os.path.exists(f"/proc/{number}"):
            try:
                os.rmdir(os.path.join(parent, name))
            except OSError:
                continue


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)

"""What /proc tells of processes: see proc(5)."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
MACHINE = PAGE * os.sysconf("SC_PHYS_PAGES")
"""Bytes of memory that this machine has."""


def descendants(root: int) -> list[int]:
    """``root`` and every process below it, by the kernel's lists of children; by all of /proc where it has none."""
    found = [root]
    try:
        for pid in found:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                    found.extend(int(child) for child in file.read().split())
    except FileNotFoundError:
        if not os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children"):
            return _by_parent(root)
    except (OSError, ValueError):
        pass
    return found


def stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat behind the program's name. Raises OSError where there is no such process."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def _by_parent(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    try:
        names = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return [root]
    for pid in names:
        try:
            parents.setdefault(int(stat(pid)[1]), []).append(pid)
        except (OSError, ValueError, IndexError):
            continue
    found = [root]
    for pid in found:
        found.extend(parents.get(pid, ()))
    return found


def memory(pid: int, *, alone: bool) -> int:
    """Bytes: a lone process's high-water mark, otherwise the proportional share, which counts shared pages once."""
    try:
        if alone:
            with open(f"/proc/{pid}/status", "rb") as file:
                for line in file:
                    if line.startswith(b"VmHWM:"):
                        return int(line.split()[1]) * 1024
            return 0
        with suppress(PermissionError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0


def open_files(pid: int) -> int:
    """How many descriptors it has; 0 where that cannot be seen."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def cpu_seconds(pid: int) -> float:
    """Processor seconds of it and of its children that have ended."""
    try:
        return sum(int(field) for field in stat(pid)[11:15]) / TICKS
    except (OSError, ValueError, IndexError):
        return 0.0


SHELLS = frozenset({"sh", "bash", "dash", "zsh"})


def behind_shell(pid: int) -> int:
    """The program that a shell waits for, where ``pid`` is a shell without a handler for SIGTERM; else ``pid``.

    Such a shell passes no signal on: what it started with ``exec`` is in its place, and anything else is not told.
    """
    for one in descendants(pid):
        try:
            shell = os.readlink(f"/proc/{one}/exe").rpartition("/")[2] in SHELLS
        except OSError:
            return pid
        if not shell:
            return one
        if handles(one, signal.SIGTERM) is not False:
            return pid
    return pid


def handles(pid: int, number: int) -> bool | None:
    """True where a process has a handler for signal ``number``; None where that cannot be seen."""
    with suppress(OSError, ValueError), open(f"/proc/{pid}/status", "rb") as file:
        for line in file:
            if line.startswith(b"SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return None

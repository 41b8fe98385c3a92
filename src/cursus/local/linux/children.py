"""Processes of our own: killed and collected."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

from cursus.local.linux.processes import descendants

SECONDS = 5.0
"""How long processes that were killed are waited for."""


def kill(pid: int) -> None:
    """SIGKILL, where the process is still there and ours."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def collect(pid: int) -> None:
    """Wait for the end of a child, where it has not been collected yet."""
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def end(pid: int) -> None:
    """Kill a child and collect it."""
    kill(pid)
    collect(pid)


def kill_below() -> None:
    """SIGKILL to everything below this process, the youngest first."""
    for pid in reversed(descendants(os.getpid())[1:]):
        kill(pid)


def reap() -> None:
    """Collect every child that is left; they were all killed."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            kill_below()
            time.sleep(0.002)

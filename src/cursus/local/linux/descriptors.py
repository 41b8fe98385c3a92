"""What a process that was just forked off the supervisor does with the descriptors that came along."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection
from contextlib import suppress

PIPE = 1 << 20
"""The size of a pipe that is to take a burst without holding up who writes, in bytes."""


def enlarge(pipe: int) -> None:
    """Let a pipe hold ``PIPE`` bytes, where this machine allows it."""
    import fcntl

    with suppress(OSError):
        fcntl.fcntl(pipe, 1031, PIPE)  # F_SETPIPE_SZ


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write the whole of ``data``, however little a pipe takes at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def redirect(log: int) -> None:
    """Read nothing, and write both streams into ``log``."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)


def leave(keep: Collection[int]) -> None:
    """Become a helper of the supervisor: it has none of its descriptors but ``keep``, and ends with it."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    if sys.platform == "linux":
        from cursus.local.linux import syscalls

        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    low = 3
    for descriptor in (*sorted(keep), 1 << 16):
        os.closerange(low, descriptor)
        low = descriptor + 1


def close_all_but(kept: Collection[int | None]) -> None:
    """Close what the supervisor has open but the streams and ``kept``: no lock, no other host's log, no gate's end."""
    signal.set_wakeup_fd(-1)
    try:
        found = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        return  # not Linux
    for number in found:
        if number > 2 and number not in kept:
            try:
                os.close(number)
            except OSError:
                continue  # the listing's own

"""A host on the user's terminal: a shell in it, or a script that stops at ``breakpoint()``.

The host gets a terminal of its own; this process hands on keys and output, and gives the job's log a copy.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cursus.local.linux.descriptors import write_all

CHUNK = 1 << 16
END_OF_INPUT = b"\x04"


class Terminal:
    """A pseudo terminal for a job's first host. ``inherited`` are the descriptors that its supervisor needs."""

    def __init__(self) -> None:
        self._master, slave = os.openpty()
        log, self._copy = os.pipe()
        self.inherited = (slave, log)

    def members(self) -> dict[str, Any]:
        """What the plan says about it."""
        slave, log = self.inherited
        names = ("TERM", "COLORTERM", "PYTHONBREAKPOINT")
        variables = {name: os.environ[name] for name in names if name in os.environ}
        return {"device": slave, "log": log, "variables": variables}

    def started(self) -> None:
        """The supervisor has its descriptors: the host's end is the host's alone."""
        for descriptor in self.inherited:
            os.close(descriptor)
        self.inherited = (-1, -1)

    def abandon(self) -> None:
        """There is no job after all."""
        self.started()
        self._close()

    def relay(self) -> None:
        """Hand on keys and output until the host has ended."""
        if self._master < 0:
            return
        keys = _descriptor(sys.stdin)
        with _raw(keys), self._resized(keys):
            waiting = [self._master] if keys is None else [self._master, keys]
            while True:
                ready, _, _ = select.select(waiting, [], [])
                if keys is not None and keys in ready:
                    data = os.read(keys, CHUNK)
                    os.write(self._master, data or END_OF_INPUT)
                    if not data:
                        waiting.remove(keys)
                if self._master in ready and not self._show():
                    break
        self._close()

    def _show(self) -> bool:
        try:
            data = os.read(self._master, CHUNK)
        except OSError:  # nobody has the other end any more
            data = b""
        for target in (_descriptor(sys.stdout), self._copy):
            try:
                if target is not None:
                    write_all(target, data)
            except OSError:
                continue  # a reader has gone: the job goes on
        return bool(data)

    @contextmanager
    def _resized(self, keys: int | None) -> Iterator[None]:
        """The host's terminal is as large as the user's, also when that changes."""

        def follow(*_: Any) -> None:
            import fcntl
            import termios

            if keys is not None and os.isatty(keys):
                size = fcntl.ioctl(keys, termios.TIOCGWINSZ, b"\0" * 8)
                fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

        follow()
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGWINCH, follow)
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)

    def _close(self) -> None:
        for descriptor in (self._master, self._copy):
            os.close(descriptor)
        self._master = self._copy = -1


def _descriptor(stream: Any) -> int | None:
    try:
        return int(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None


@contextmanager
def _raw(keys: int | None) -> Iterator[None]:
    """Every key goes to the host, Ctrl-C too; afterwards the terminal is as it was."""
    if keys is None or not os.isatty(keys):
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(keys)
    try:
        tty.setraw(keys, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, before)


def shell() -> str:
    """The shell that ``--shell`` opens: bash where the machine has it."""
    import shutil

    return shutil.which("bash") or "/bin/sh"

"""The outermost process of a host without namespaces.

Where no PID namespace ends a host's processes with its first one, this process does: orphans come to it, and it
ends them all when the first process has ended, or when the supervisor was killed.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import NoReturn

from cursus.local.inside import init
from cursus.local.isolation.namespaces import Program
from cursus.local.linux import children, syscalls


def guard(program: Program, status: int) -> NoReturn:
    """Run ``program`` as the child that the supervisor knows as the host's first process; tell how it ended."""
    os.setsid()
    signal.signal(signal.SIGTERM, lambda *_: _end())
    supervisor = os.getppid()
    _prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    _prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGTERM)
    me = os.getpid()
    first = os.fork()
    if first == 0:
        _prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != me:
            os._exit(init.SETUP_FAILED)
        _first(program, status)
    init.report(status, first=first)
    if os.getppid() != supervisor:  # it was killed before the kernel was asked to tell
        _end()
    while True:
        pid, result, used = os.wait4(-1, 0)
        if pid == first:
            break
    init.report_end(status, result, used)
    _end()


def _first(program: Program, status: int) -> NoReturn:
    os.setsid()
    init.report(status, ready=True)
    if program.script:
        os._exit(init.attend(program.command, program.environment, program.directory, status, program.become))
    init.execute(program.command, program.environment, program.directory, status)
    os._exit(init.CANNOT_EXECUTE)


def _end() -> NoReturn:
    """End every process below, and then this one."""
    children.kill_below()
    children.reap()
    os._exit(0)


def _prctl(option: int, argument: int) -> None:
    with suppress(OSError, AttributeError):  # no Linux
        syscalls.prctl(option, argument)

"""The first process of a host in script mode: it stands where the training toolkit stands in a container.

It starts the script, waits for it, and collects every orphan. As the toolkit it passes no signal on, so
that a script hears nothing of SIGTERM. Facts go to the supervisor as JSON lines on a pipe.

It also runs as a program (``python init.py SPEC``) where a sandbox has to start it afresh, so it imports
nothing of cursus.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource  # os.wait4 loads it, and inside a host it may not be found any more
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

CANNOT_EXECUTE = 127
SETUP_FAILED = 125
TERMINAL = 61
"""Where a host that is to be on a terminal finds it, as a descriptor; nothing else is ever there."""
SET_CONTROLLING = 0x540E

Become = Callable[[list[str], dict[str, str], str, int], None]
"""Takes command, environment, directory and status descriptor; it may be the command without starting it."""


def report(descriptor: int, **facts: Any) -> None:
    """Tell the supervisor. It may be gone; then there is nobody to tell."""
    with suppress(OSError):
        os.write(descriptor, json.dumps(facts).encode() + b"\n")


def shell_code(number: int) -> int:
    """The exit code that a shell tells: 128 and the number of the signal, where one ended the process."""
    return 128 - number if number < 0 else number


def report_end(descriptor: int, result: int, used: resource.struct_rusage) -> None:
    """Tell the supervisor what ``os.wait4`` told of a host's first process."""
    code = shell_code(os.waitstatus_to_exitcode(result))
    report(descriptor, exit=code, cpu=used.ru_utime + used.ru_stime)


def default_signals() -> None:
    """What a program may rely on: every signal at its default and none blocked."""
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):
                continue
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def attach() -> None:
    """Take the terminal, where there is one: its keys, its output, its Ctrl-C."""
    with suppress(OSError):  # it is a terminal all the same, without Ctrl-C
        if not os.isatty(TERMINAL):
            return
        if os.getsid(0) != os.getpid():
            os.setsid()
        fcntl.ioctl(TERMINAL, SET_CONTROLLING, 0)
    for stream in (0, 1, 2):
        os.dup2(TERMINAL, stream)
    os.close(TERMINAL)


def execute(command: list[str], environment: dict[str, str], directory: str, status: int) -> None:
    """Become ``command``. Does not return: where it cannot be executed the process ends with 127."""
    default_signals()
    attach()
    try:
        os.chdir(directory)
        os.execvpe(command[0], command, environment)
    except OSError as error:
        report(status, cannot_execute=command[0], errno=error.errno, reason=os.strerror(error.errno or 0))
    except ValueError as error:  # a NUL in an argument or variable
        report(status, cannot_execute=command[0], errno=22, reason=str(error))
    os._exit(CANNOT_EXECUTE)


def attend(
    command: list[str],
    environment: dict[str, str],
    directory: str,
    status: int,
    become: Become | None = None,
) -> int:
    """Run ``command`` as the toolkit does and wait for it; the exit code of the toolkit.

    ``become`` may be ``command`` without starting it: it then ends with SystemExit; where it returns it is started.
    """
    default_signals()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        os.setsid()
        if become is not None:
            become(command, environment, directory, status)
        execute(command, environment, directory, status)
    while True:
        try:
            pid, result, used = os.wait4(-1, 0)
        except ChildProcessError:
            return 1
        if pid == child:
            break
    code = os.waitstatus_to_exitcode(result)
    report(status, script_exit=code, script_peak=used.ru_maxrss * 1024)
    return 0 if code == 0 else 1


def main() -> None:
    """``python init.py SPEC``: SPEC is the JSON of command, environment, directory, status (a descriptor), script."""
    spec = json.loads(sys.argv[1])
    if isinstance(spec, int):  # the spec is long: it is read from this descriptor
        with os.fdopen(spec, "rb") as file:
            spec = json.loads(file.read())
    status = int(spec["status"])
    report(status, ready=True)
    os.set_inheritable(status, False)
    if not spec["script"]:
        execute(spec["command"], spec["environment"], spec["directory"], status)
    os._exit(attend(spec["command"], spec["environment"], spec["directory"], status))


if __name__ == "__main__":
    main()

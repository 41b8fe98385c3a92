"""Isolation levels: how a host is carried out on this machine, best first, and what each cannot do.

``unshare``: namespaces by system calls, the full contract. ``bubblewrap``: namespaces by the ``bwrap`` program,
for machines that allow them to it alone; without overlays, so that channels are copied. ``podman`` and ``docker``:
a container of the job's own image, where that is asked for (see ``containers``). ``process``: a plain process, the
last resort: ``/opt/ml`` is a folder of the job that only the ``SM_*`` variables lead to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, NoReturn

from cursus.local.inside import init
from cursus.local.isolation import bubblewrap, namespaces
from cursus.local.isolation.guard import guard
from cursus.local.isolation.mounts import Box
from cursus.local.isolation.namespaces import Program
from cursus.local.linux import descriptors

Level = Literal["unshare", "bubblewrap", "podman", "docker", "process"]
LIBRARY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""The folder that cursus is imported from."""
LEVELS: tuple[Level, ...] = ("unshare", "bubblewrap", "process")
"""Levels that every machine may have. A container engine's has to be asked for: it needs the job's image."""

LIMITS: dict[str, tuple[str, ...]] = {
    "unshare": (),
    "bubblewrap": ("packages cannot be installed during the run (no overlay by bubblewrap)",),
    "podman": (),
    "docker": (),
    "process": (
        "no isolation: the script runs as a plain process and sees and may write whatever you may",
        "/opt/ml is not literal: only the SM_* variables and arguments lead to the job's folders",
        "the host's name is this machine's, not algo-1",
        "what the script starts ends with the job as long as nobody kills the job's own processes all at once",
    ),
}
"""What a level does not reproduce, as sentences for a report."""


class Started(NamedTuple):
    """A host that was started: the process to wait for, and the descriptors to read; ``control`` is to be written."""

    pid: int
    log: int
    status: int
    info: int | None
    control: int | None = None


def start(
    level: Level,
    box: Box,
    program: Program,
    opens: int | None = None,
    watched: dict[str, list[str]] | None = None,
    fork: Callable[[tuple[Any, ...]], int] | None = None,
) -> Started:
    """Start a host at ``level``. What becomes of it is told on the status pipe, as JSON lines.

    ``fork`` makes its outermost process in place of this one: it is given what ``child`` takes after the program.
    """
    log_read, log_write = os.pipe()
    status_read, status_write = os.pipe()
    info_read, info_write = os.pipe() if level == "bubblewrap" else (None, None)
    descriptors.enlarge(log_write)
    try:
        pid = os.fork() if fork is None else fork((log_write, status_write, opens, watched or {}))
        if pid == 0:
            child(level, box, program, log_write, status_write, opens, watched or {}, info_write)
    finally:
        for number in (log_write, status_write, info_write):
            if number is not None:
                os.close(number)
    return Started(pid, log_read, status_read, info_read)


def child(
    level: Level,
    box: Box,
    program: Program,
    log: int,
    status: int,
    opens: int | None,
    watched: dict[str, list[str]],
    info: int | None = None,
) -> NoReturn:
    """Go on as a host's outermost process."""
    try:
        descriptors.redirect(log)
        descriptors.close_all_but(_kept(status, opens, info, box))
        if level == "unshare":
            namespaces.keeper(box, program, status, opens, watched)
        elif level == "bubblewrap":
            assert info is not None
            bubblewrap.execute(box, program, status, info)
        else:
            guard(program, status)
    except SystemExit:
        raise  # what was to be run has ended here: Python finishes as always
    except BaseException as error:
        init.report(status, refused=str(error) or type(error).__name__)
    os._exit(init.SETUP_FAILED)


def _kept(status: int, opens: int | None, info: int | None, box: Box) -> set[int | None]:
    kept = {init.TERMINAL, status, opens, info, box.sender}
    return kept if box.wire is None else {*kept, box.wire.user, box.wire.net, box.wire.gate}


def interpreter(program: str) -> list[str]:
    """The command that runs ``program`` in a fresh Python with cursus and its packages, and as little else as can be.

    A fork is safe only in a process without other threads, and this one may be anybody's.
    """
    packages = (path for path in sys.path if path and os.path.isdir(os.path.join(path, "isal")))
    paths = [LIBRARY, *(os.path.abspath(path) for path in packages)]
    return [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {paths!r}; {program}"]


REMOVERS = 16
"""Folders that are removed at once."""


def remove_all(folders: list[str]) -> None:
    """Remove folders as ``remove`` does, several at once: on a disk that makes each one wait they wait together."""
    import _thread

    pending: list[str] = []
    for folder in folders:
        try:
            pending += [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue

    def work(done: _thread.LockType) -> None:
        try:
            while pending:
                remove(pending.pop())
        except IndexError:
            pass
        finally:
            done.release()

    locks = []
    for _ in range(min(REMOVERS, len(pending))):
        done = _thread.allocate_lock()
        done.acquire()
        try:
            _thread.start_new_thread(work, (done,))
        except RuntimeError:
            break  # no more threads to be had
        locks.append(done)
    for done in locks:
        done.acquire()
    for folder in folders:
        remove(folder)


def remove(folder: str) -> None:
    """Remove a folder with overlay leftovers in it, whose work directories come without any permission."""
    import shutil
    import stat

    for directory, names, _ in os.walk(folder, topdown=True):
        for name in names:
            path = os.path.join(directory, name)
            try:
                if not os.path.islink(path) and stat.S_IMODE(os.lstat(path).st_mode) & 0o700 != 0o700:
                    os.chmod(path, 0o700)
            except OSError:
                continue
    shutil.rmtree(folder, ignore_errors=True)

"""A host in namespaces of its own, by system calls: user, mount, PID, UTS, IPC, and network where it is isolated.

Two processes stand between the supervisor and the program: the *keeper*, outside the new PID namespace,
which waits and reports how it ended; and the first process inside, which builds the file system and then
becomes the program, or attends to the script as the toolkit does. Each dies with the one before it.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, NoReturn

from cursus.local.inside import init
from cursus.local.isolation import network, users
from cursus.local.isolation.mounts import Box, Mount, mounts
from cursus.local.linux import syscalls as sc

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
ACCELERATORS = ("nvidia", "dri", "kfd", "infiniband", "neuron", "accel")
MASKED = ("sys", "sysrq-trigger", "irq", "bus", "fs")
BASE = ("/tmp", "/run", "/mnt", "/var")


Show = Callable[..., Any]


class Program(NamedTuple):
    """What a host runs: ``script`` is True where the toolkit stands between (script mode).

    ``become`` may be the script's ``command`` without starting it: see ``framework.ranks``.
    """

    command: list[str]
    environment: dict[str, str]
    directory: str
    script: bool
    become: init.Become | None = None


def keeper(
    box: Box, program: Program, status: int, opens: int | None, watched: dict[str, list[str]]
) -> NoReturn:
    """Run as the forked keeper: make the namespaces, start the first process, report how it ended."""
    try:
        _enter(box)
        go, gate = os.pipe()
        first = os.fork()
        if first == 0:
            os.close(gate)
            _first(box, program, status, opens, watched, go)
        if box.sender is not None:
            os.close(box.sender)
        init.report(status, first=first)
        _, result, used = os.wait4(first, 0)
        init.report_end(status, result, used)
        os._exit(0)
    except SystemExit:
        raise  # a rank's
    except BaseException as error:
        _refuse(status, error)


def _refuse(status: int, error: BaseException) -> NoReturn:
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    kinds = {"overlay": isinstance(error, OverlayError), "on_demand": isinstance(error, OnDemandError)}
    init.report(status, refused=text, **kinds)
    os._exit(init.SETUP_FAILED)


def _enter(box: Box) -> None:
    flags = sc.CLONE_NEWNS | sc.CLONE_NEWPID | sc.CLONE_NEWUTS | sc.CLONE_NEWIPC
    if box.wire is not None:
        network.join(box.wire)
        sc.unshare(flags)
    else:
        users.enter(flags | sc.CLONE_NEWUSER | (sc.CLONE_NEWNET if box.isolated else 0))
        if box.isolated:
            sc.loopback_up()
    # After unshare: a change of credentials clears it. The supervisor has one thread, so that it cannot
    # be a passing thread's end that kills the host.
    sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
    sc.sethostname(box.hostname)


def _first(
    box: Box, program: Program, status: int, opens: int | None, watched: dict[str, list[str]], go: int
) -> NoReturn:
    try:
        # Set once more: it is not inherited. A keeper that died before leaves the gate closed.
        sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
        if select.select([go], [], [], 0)[0]:
            os._exit(init.SETUP_FAILED)
        if box.sender is not None:
            from cursus.local.linux import fuse  # from here on there is no place to import from

            _build(mounts(box), masked=_is_root_outside(), show=partial(fuse.show, sender=box.sender))
            os.close(box.sender)
        else:
            _build(mounts(box), masked=_is_root_outside())
        if opens is not None:
            init.report(status, watching=watch(opens, watched))
        init.report(status, ready=True)
        if box.wire is not None and box.wire.gate is not None:
            os.read(box.wire.gate, 1)  # until every host is ready: none meets another that is not there yet
            os.close(box.wire.gate)
        sc.drop_capabilities()
        if not program.script:
            init.execute(program.command, program.environment, program.directory, status)
        os._exit(init.attend(program.command, program.environment, program.directory, status, program.become))
    except SystemExit:
        raise  # a rank's
    except BaseException as error:
        _refuse(status, error)


def _is_root_outside() -> bool:
    with open("/proc/self/uid_map") as file:
        return any(line.split()[:2] == ["0", "0"] for line in file)


def watch(descriptor: int, watched: dict[str, list[str]], limit: int = 4096) -> dict[str, list[int] | None]:
    """Watch the directories of each channel; its watches, or None where there are too many directories."""
    found: dict[str, list[int] | None] = {}
    for channel, folders in watched.items():
        try:
            few = len(folders) <= limit
            found[channel] = [sc.watch_opens(descriptor, folder) for folder in folders] if few else None
        except OSError:
            found[channel] = None
    return found


def _build(plan: Iterable[Mount], *, masked: bool, show: Show | None = None) -> None:
    """Make the file system and enter it. The machine's is at ``/old`` meanwhile, so that nothing shadows it."""
    sc.mount("none", "/", None, sc.MS_REC | sc.MS_SLAVE)
    base = next(path for path in BASE if os.path.isdir(path))
    sc.mount("cursus", base, "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, "mode=0755")
    os.mkdir(base + "/old")
    os.mkdir(base + "/new")
    os.mkdir(base + "/lower")
    os.mkdir(base + "/scratch")
    sc.pivot_root(base, base + "/old")
    os.chdir("/")
    sc.mount("cursus", "/new", "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, "mode=0755")
    os.mkdir("/new/proc")
    sc.mount("proc", "/new/proc", "proc", sc.MS_NOSUID | sc.MS_NODEV | sc.MS_NOEXEC)
    if masked:
        _mask()
    _devices()
    for number, step in enumerate(plan):
        _carry_out(step, number, show)
    os.chdir("/new")
    sc.pivot_root(".", ".")
    sc.unmount(".")
    os.chdir("/")


def _carry_out(step: Mount, number: int, show: Show | None) -> None:
    target = "/new" + step.target
    if step.kind == "directory":
        os.makedirs(target, exist_ok=True)
    elif step.kind == "link":
        os.symlink(step.source, target)
    elif step.kind == "overlay":
        _overlay(step, target, number)
    elif step.kind == "fuse":
        assert show is not None
        try:
            show(target, "/old/dev/fuse", name=step.source)
        except OSError as error:
            raise OnDemandError(error.errno, f"FUSE: {os.strerror(error.errno or 0)}") from error
    else:
        source = "/old" + step.source
        _point(source, target)
        try:
            sc.mount(source, target, None, sc.MS_BIND | sc.MS_REC)
        except OSError:
            if step.kind == "write":
                raise
            return  # a directory of the machine that cannot be shown: an empty one stands there
        if step.kind == "read":
            sc.make_read_only(target)


def _point(source: str, target: str) -> None:
    """Make the place where ``source`` will be mounted, where it is not there yet."""
    if os.path.lexists(target):
        return
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))


def _overlay(step: Mount, target: str, number: int) -> None:
    """Mount an overlay. Its directories get plain names first: its options know commas and colons."""
    lower, scratch = f"/lower/{number}", f"/scratch/{number}"
    for place, source in ((lower, step.source), (scratch, step.scratch)):
        os.mkdir(place)
        sc.mount("/old" + source, place, None, sc.MS_BIND | (sc.MS_REC if place == lower else 0))
    for name in ("upper", "work"):
        os.makedirs(f"{scratch}/{name}", exist_ok=True)
    _point("/old" + step.source, target)
    options = f"lowerdir={lower},upperdir={scratch}/upper,workdir={scratch}/work,userxattr"
    try:
        sc.mount("cursus", target, "overlay", 0, options)
    except OSError as error:
        raise OverlayError(error.errno, f"overlay: {os.strerror(error.errno or 0)}") from error
    for name in step.hidden:
        os.unlink(f"{target}/{name}")  # in the overlay: what is below stays
    if step.read_only:
        sc.make_read_only(target)


class OverlayError(OSError):
    """This machine lets an unprivileged process make namespaces, but no overlay here."""


class OnDemandError(OSError):
    """No file system that is read on demand can be mounted in a host."""


def _mask() -> None:
    """What root outside would still be allowed to set through files that it owns."""
    for name in MASKED:
        path = "/new/proc/" + name
        if os.path.exists(path):
            sc.mount(path, path, None, sc.MS_BIND | sc.MS_REC)
            sc.make_read_only(path)


def _devices() -> None:
    os.mkdir("/new/dev")
    sc.mount("cursus", "/new/dev", "tmpfs", sc.MS_NOSUID, "mode=0755")
    names = list(DEVICES)
    names.extend(name for name in os.listdir("/old/dev") if name.startswith(ACCELERATORS))
    for name in names:
        source, target = "/old/dev/" + name, "/new/dev/" + name
        if os.path.exists(source):
            _point(source, target)
            sc.mount(source, target, None, sc.MS_BIND | sc.MS_REC)
    for name, place in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink("/proc/self/fd" + place, "/new/dev/" + name)
    os.mkdir("/new/dev/shm")
    sc.mount("cursus", "/new/dev/shm", "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, "mode=1777")
    os.mkdir("/new/dev/pts")
    with suppress(OSError):  # no terminals inside: a training job needs none
        sc.mount("devpts", "/new/dev/pts", "devpts", sc.MS_NOSUID | sc.MS_NOEXEC, "newinstance,ptmxmode=0666")
        os.symlink("pts/ptmx", "/new/dev/ptmx")

"""What a host's file system looks like, as data: a list of mounts that any sandbox level can carry out.

A host sees the machine's file system read-only, with these of its own: ``/opt/ml``, ``/tmp``, ``/var/tmp``,
``/run``, ``/dev``, ``/proc`` and its home directory ``/root``. What is installed on the machine stays visible,
also below the directories that are the host's own, and may be written to where an overlay makes that
harmless.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Literal, NamedTuple

from cursus.local.inside import init
from cursus.local.isolation.network import RESOLVER, Wire, hosts_file

ML = "/opt/ml"
HOME = "/root"
ENVIRONMENT = "/etc/environment"
"""Variables of every session, to which the SDK's MPI driver writes."""
OURS = "/run/cursus"
"""Where a host sees our own programs that start others."""
PROGRAMS = os.path.dirname(os.path.abspath(init.__file__))
"""Where those are on this machine."""
OWN = ("/tmp", "/var/tmp", "/run", HOME)
KEPT_IN_RUN = ("/run/current-system", "/run/opengl-driver", "/run/nvidia-persistenced")

Kind = Literal["directory", "link", "read", "write", "overlay", "fuse"]


class Mount(NamedTuple):
    """One step of the making of a host's file system.

    ``directory``: an empty one. ``link``: a symbolic link to ``source``. ``read`` and ``write``: what is at
    ``source`` on the machine, read-only or not. ``overlay``: the same without ``hidden``, where what is written goes to
    ``scratch`` and ``source`` stays as it is. ``fuse``: the channel ``source``, read on demand.
    """

    kind: Kind
    target: str
    source: str = ""
    scratch: str = ""
    hidden: tuple[str, ...] = ()
    read_only: bool = False


class Overlay(NamedTuple):
    """A directory that a host may write to without changing it: ``source`` seen at ``target``.

    ``hidden`` are names in it that the host does not see. Where it is ``read_only``, writing is refused.
    """

    source: str
    target: str
    scratch: str
    hidden: tuple[str, ...] = ()
    read_only: bool = False


class Box(NamedTuple):
    """One host's sandbox.

    ``ml`` is the folder that becomes ``/opt/ml``; ``scratch`` holds what is thrown away at the end; ``keep``
    are paths that must stay visible below the directories that are the host's own. ``checkpoints`` is a
    checkpoint directory outside ``/opt/ml``. ``wire`` connects it with the job's other hosts. The channels
    ``remote`` are read on demand: ``sender`` is the socket to hand their mounts over by.
    """

    hostname: str
    ml: str
    scratch: str
    keep: tuple[str, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    isolated: bool = False
    checkpoints: str = ""
    wire: Wire | None = None
    remote: tuple[str, ...] = ()
    sender: int | None = None


def mounts(box: Box) -> list[Mount]:
    """The file system of ``box``, parents before children."""
    plan = list(_machine())
    for name in ("tmp", "home", "checkpoints"):
        os.makedirs(os.path.join(box.scratch, name), exist_ok=True)
    os.chmod(os.path.join(box.scratch, "tmp"), 0o1777)
    plan.append(Mount("write", "/tmp", os.path.join(box.scratch, "tmp")))
    if os.path.isdir("/var/tmp") and not os.path.islink("/var/tmp"):
        plan.append(Mount("write", "/var/tmp", os.path.join(box.scratch, "tmp")))
    plan.append(Mount("write", HOME, os.path.join(box.scratch, "home")))
    plan.append(Mount("directory", "/run"))
    plan.append(Mount("read", OURS, PROGRAMS))
    plan.extend(_kept(box))
    plan.extend(_below_opt())
    plan.append(Mount("write", ML, box.ml))
    if box.checkpoints:
        plan.append(Mount("write", box.checkpoints, os.path.join(box.scratch, "checkpoints")))
    hosts = os.path.join(box.scratch, "hosts")
    write_hosts(hosts, box)
    if os.path.exists("/etc/hosts"):
        plan.append(Mount("write", "/etc/hosts", hosts))
    if os.path.exists(ENVIRONMENT):
        path = os.path.join(box.scratch, "environment")
        shutil.copyfile(ENVIRONMENT, path)
        plan.append(Mount("write", ENVIRONMENT, path))
    resolver = os.path.realpath("/etc/resolv.conf")
    if box.wire is not None and box.wire.outside and os.path.exists(resolver):
        path = os.path.join(box.scratch, "resolv.conf")
        with open(path, "w") as file:
            file.write(f"nameserver {RESOLVER}\n")
        plan.append(Mount("write", resolver, path))
    plan.extend(Mount("overlay", o.target, o.source, o.scratch, o.hidden, o.read_only) for o in box.overlays)
    plan.extend(Mount("fuse", f"{ML}/input/data/{channel}", channel) for channel in box.remote)
    return plan


def _machine() -> Iterator[Mount]:
    own = {"proc", "dev", "tmp", "run", "opt", "root"}
    with os.scandir("/") as entries:
        for entry in sorted(entries, key=lambda found: found.name):
            if entry.name in own:
                continue
            yield _as_it_is(entry)


def _below_opt() -> Iterator[Mount]:
    yield Mount("directory", "/opt")
    try:
        entries = sorted(os.scandir("/opt"), key=lambda found: found.name)
    except OSError:
        return
    for entry in entries:
        if entry.name == "ml":
            continue
        yield _as_it_is(entry)


def _as_it_is(entry: os.DirEntry[str]) -> Mount:
    if entry.is_symlink():
        return Mount("link", entry.path, os.readlink(entry.path))
    return Mount("read", entry.path, entry.path)


def _kept(box: Box) -> Iterator[Mount]:
    done: list[str] = []
    candidates = sorted({os.path.realpath(path) for path in (*box.keep, *KEPT_IN_RUN)} | set(box.keep))
    resolver = os.path.realpath("/etc/resolv.conf")
    for path in (*candidates, resolver):
        inside = any(path.startswith(own + "/") for own in OWN)
        known = any(path == kept or path.startswith(kept + "/") for kept in done)
        if inside and not known and os.path.exists(path):
            done.append(path)
            yield Mount("read", path, os.path.realpath(path))


def write_hosts(path: str, box: Box) -> None:
    """An ``/etc/hosts`` in which every host's name resolves; the machine's own entries stay."""
    named = f"127.0.0.1 {box.hostname}\n".encode() if box.wire is None else hosts_file(box.wire)
    try:
        with open("/etc/hosts", "rb") as file:
            known = file.read(1 << 20)
    except OSError:
        known = b"127.0.0.1 localhost\n"
    with open(path, "wb") as file:
        file.write(named + known)


def kept_paths() -> list[str]:
    """What has to stay visible for this Python to run: its prefixes, and where it imports from."""
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(sys.executable)]
    found += [os.path.abspath(path) for path in sys.path if path]
    return sorted({path for path in found if path != "/" and path not in OWN and os.path.exists(path)})

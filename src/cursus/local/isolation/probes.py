"""What this machine gives: each isolation level is tried by really running something in it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from cursus.local.isolation.mounts import Box, Overlay, kept_paths
from cursus.local.isolation.namespaces import Program
from cursus.local.sandbox import LEVELS, LIMITS, Level, interpreter, remove, start

PREFIX = "cursus-probe-"
YOUNG_SECONDS = 1.0
"""Between the making of a probe's folder and its lock, at most."""


class Probe(NamedTuple):
    """What this machine gives at one level: ``works``, and the reason why not."""

    level: str
    works: bool
    reason: str
    limits: tuple[str, ...]


def probe() -> list[Probe]:
    """Try every level once, for ``cursus doctor``. Takes some tens of milliseconds."""
    import subprocess

    program = "from cursus.local.isolation import probes; probes.probe_here()"
    command = interpreter(f"sys.argv[1:] = {kept_paths()!r}; {program}")
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return [Probe(level, level == "process", reason, LIMITS[level]) for level in LEVELS]
    return [Probe(level, works, reason, tuple(limits)) for level, works, reason, limits in found]


def probe_engines() -> list[Probe]:
    """Try every container engine once. Takes about a second where one works."""
    from cursus.local.containers import engine, engine_probe

    sweep_probes()
    found = []
    for name in engine.ENGINES:
        limits: tuple[str, ...] = ()
        try:
            with probe_folder() as folder:
                reason, limits = engine_probe.attempt(engine.find(name, engine.configured()), folder)
        except engine.EngineError as error:
            reason = str(error)
        found.append(Probe(name, not reason, reason, (*LIMITS[name], *limits)))
    return found


def probe_here() -> None:
    """Print what ``probe`` tells, as JSON; for a process that has one thread."""
    sweep_probes()
    print(json.dumps([_try(level) for level in LEVELS]))


@contextmanager
def probe_folder() -> Iterator[str]:
    """A folder to try things in. It is locked meanwhile, so that one that nobody holds is a killed probe's."""
    import fcntl
    import tempfile

    folder = tempfile.mkdtemp(prefix=PREFIX)
    lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield folder
    finally:
        remove(folder)
        os.close(lock)


def sweep_probes() -> None:
    """Remove what killed probes of this user left in the folder for temporary files."""
    import fcntl
    import tempfile
    import time

    place = tempfile.gettempdir()
    for name in os.listdir(place):
        folder = os.path.join(place, name)
        if not name.startswith(PREFIX) or os.path.islink(folder):
            continue
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            found = os.fstat(lock)
            if found.st_uid == os.geteuid() and time.time() - found.st_mtime > YOUNG_SECONDS:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
        except OSError:
            continue  # a probe that runs now holds it
        finally:
            os.close(lock)


def _try(level: Level) -> Probe:
    with probe_folder() as folder:
        for name in ("ml/input/data/probe", "scratch", "lower", "overlay"):
            os.makedirs(os.path.join(folder, name))
        overlays: tuple[Overlay, ...] = ()
        if level == "unshare":
            lower, scratch = os.path.join(folder, "lower"), os.path.join(folder, "overlay")
            overlays = (Overlay(lower, "/opt/ml/input/data/probe", scratch),)
        works, reason = _attempt(level, folder, overlays)
        limits = LIMITS[level]
        if not works and overlays:
            works, again = _attempt(level, folder, ())
            if works:
                limits = (*limits, f"no overlays ({reason}): channels are copied")
            reason = again
        return Probe(level, works, reason, limits)


def _attempt(level: Level, folder: str, overlays: tuple[Overlay, ...]) -> tuple[bool, str]:
    box = Box(
        "algo-1", os.path.join(folder, "ml"), os.path.join(folder, "scratch"), tuple(kept_paths()), overlays
    )
    program = Program(["/bin/sh", "-c", "exit 0"], {"PATH": "/usr/bin:/bin"}, "/", False)
    started = start(level, box, program)
    with os.fdopen(started.log, "rb") as log, os.fdopen(started.status, "rb") as status:
        facts = [json.loads(line) for line in status if line.strip()]
        output = log.read().decode("utf-8", "replace").strip()
    if started.info is not None:
        os.close(started.info)
    _, result = os.waitpid(started.pid, 0)
    for fact in facts:
        if "refused" in fact:
            return False, str(fact["refused"])
    if result != 0:
        return False, output or f"exit code {os.waitstatus_to_exitcode(result)}"
    return True, ""

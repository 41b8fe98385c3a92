"""CheckpointConfig: what is at S3Uri is restored before each start, and LocalPath is kept in step with it.

New and changed files go up while the script runs and at its end, and a file that the script deletes is deleted
there too. https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html

``S3Uri`` is a prefix of strings: without a slash at its end, ``…/run-1`` restores the files of ``…/run-10`` as well.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cursus.local import artifacts
from cursus.local import syscalls as sc

if TYPE_CHECKING:
    from cursus.local.hosts import Host
    from cursus.local.supervisor import Supervisor

INTERVAL = 0.25
"""Seconds between two looks at a checkpoint directory; longer where one look takes long."""

CHANGED = sc.IN_MODIFY | sc.IN_MOVED_TO | sc.IN_CREATE
SEEN = sc.IN_ACCESS | sc.IN_CLOSE_NOWRITE | CHANGED

UNSETTLED = (-1, -1)
"""State of a file that changed while it was copied: it is taken again, or deleted."""

State = dict[str, tuple[int, int]]
"""Size and mtime (ns) by name below the checkpoint directory."""


def stored(target: str, uri: str) -> Iterator[tuple[str, str, bool]]:
    """(name, path, foreign) of everything that the prefix ``uri`` has in the local store at ``target``.

    ``foreign`` is True for what only shares the beginning of its key.
    """
    for path in _below(target):
        yield os.path.relpath(path, target), path, False
    if uri.endswith("/"):
        return
    parent, stem = os.path.split(target)
    try:
        names = sorted(os.listdir(parent))
    except OSError:
        return
    for name in names:
        path = os.path.join(parent, name)
        if not name.startswith(stem) or name == stem or name.endswith(".part"):
            continue
        for found in [path] if os.path.isfile(path) and not os.path.islink(path) else _below(path):
            key = os.path.relpath(found, parent)[len(stem) :].lstrip("/")
            if key:
                yield key, found, True


def _below(folder: str) -> Iterator[str]:
    """The regular files below a folder, in order; links are not followed, as none leads out of a bucket."""
    for directory, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(directory, name)
            if not name.endswith(".part") and stat.S_ISREG(os.lstat(path).st_mode):
                yield path


class Checkpoints:
    """The checkpoint directories of a job's hosts and their place in the store. Raises OSError."""

    def __init__(self, owner: Supervisor) -> None:
        self.owner = owner
        config = owner.plan["checkpoints"] or {}
        self.uri: str = config.get("uri", "")
        self.source: str | None = config.get("target")
        """Where restored files come from."""
        self.target: str | None = config.get("private") or self.source
        """Where they go: for a run that must leave S3Uri as it is, a folder of its own."""
        self.active = bool(config)
        self.next_at: float | None = None
        self.syncs = 0
        self.foreign: list[str] = []
        self.error: str | None = None
        self.restored: list[str] = []
        self._known: dict[str, State] = {}
        self._child = 0
        self._pipe: int | None = None
        self._told = b""
        self._opens: int | None = None
        self._places: dict[int, tuple[str, str]] = {}
        self._read: set[str] = set()
        self._changed: set[str] = set()

    # --- before a start -----------------------------------------------------------------------------

    def restore(self, host: Host) -> None:
        """Put what the store has where ``host`` finds it."""
        if not self.active:
            return
        from cursus.local.channels import clone

        folder = host.checkpoint_folder()
        os.makedirs(folder, exist_ok=True)
        source = self.target if self.syncs and self.target else self.source
        self.restored = []
        for name, path, foreign in stored(source, self.uri) if source else ():
            place = os.path.join(folder, name)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            clone(path, place)
            self.restored.append(name)
            if foreign and name not in self.foreign:
                self.foreign.append(name)
        self._known[host.name] = self._look(host)[0]

    def watch(self) -> None:
        """From now on: which of the restored files does somebody read, and what changes?"""
        if not self.active:
            return
        self.next_at = time.monotonic() + INTERVAL
        self._read, self._changed = set(), set()
        self._places = {}
        if not self.restored:
            return
        try:
            self._opens = sc.inotify()
            for host in self.owner.hosts:
                folder = host.checkpoint_folder()
                for directory, _, _ in os.walk(folder):
                    inner = os.path.relpath(directory, folder)
                    self._places[sc.watch_opens(self._opens, directory, SEEN)] = (folder, inner)
        except OSError:
            self._stop_watching()

    def read(self) -> list[str] | None:
        """The restored files that were read since ``watch``; None where that cannot be seen."""
        if not self.restored:
            return []
        if self._opens is None:
            return None
        self._look_at_opens()
        found = sorted(self._read & set(self.restored))
        self._stop_watching()
        return found

    def _stop_watching(self) -> None:
        if self._opens is not None:
            os.close(self._opens)
            self._opens = None

    def _look_at_opens(self) -> None:
        import struct

        while self._opens is not None:
            try:
                data = os.read(self._opens, 1 << 16)
            except BlockingIOError:
                return
            offset = 0
            while offset < len(data):
                number, mask, _, length = struct.unpack_from("iIII", data, offset)
                name = data[offset + 16 : offset + 16 + length].rstrip(b"\0")
                offset += 16 + length
                _, inner = self._places.get(number, ("", "."))
                if name and not mask & sc.IN_ISDIR:
                    found = os.path.normpath(os.path.join(inner, os.fsdecode(name)))
                    if mask & CHANGED:
                        self._changed.add(found)  # from here on it may be our own copying that reads it
                    elif found not in self._changed:
                        self._read.add(found)

    # --- while the script runs ------------------------------------------------------------------------

    def _look(self, host: Host) -> tuple[State, dict[str, str], artifacts.Collected]:
        """What the directory holds now, where each file is, and the whole of it."""
        collected = artifacts.collect(host.checkpoint_folder(), host.ml)
        state: State = {}
        paths: dict[str, str] = {}
        for name, path, _ in collected.entries:
            try:
                path = os.path.realpath(path)
                status = os.stat(path)
            except OSError:
                continue  # gone meanwhile
            if stat.S_ISREG(status.st_mode):
                state[name] = (status.st_size, status.st_mtime_ns)
                paths[name] = path
        return state, paths, collected

    def tick(self, now: float) -> None:
        """Look for changes, and let a child carry them up: the hosts' logs are read meanwhile."""
        if self._opens is not None:
            self._look_at_opens()
        if self.next_at is None or now < self.next_at or self._child or self.target is None:
            return
        work = []
        for host in self.owner.hosts:
            state, paths, _ = self._look(host)
            known = self._known.setdefault(host.name, {})
            changed = [(name, paths[name]) for name in state if known.get(name) != state[name]]
            gone = [name for name in known if name not in state]
            if changed or gone:
                work.append((host.name, changed, gone))
        took = time.monotonic() - now
        self.next_at = time.monotonic() + max(INTERVAL, 20 * took)
        if work:
            self._start(work)

    def _start(self, work: list[tuple[str, list[tuple[str, str]], list[str]]]) -> None:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
                os.close(read)
                for host, changed, gone in work:
                    for name, path in changed:
                        done = self._copy(name, path) or UNSETTLED
                        os.write(write, json.dumps([host, name, done]).encode() + b"\n")
                    for name in gone:
                        self._delete(name)
                        os.write(write, json.dumps([host, name, None]).encode() + b"\n")
            except OSError as error:
                os.write(write, json.dumps({"error": str(error)}).encode() + b"\n")
            finally:
                os._exit(0)
        os.close(write)
        self._child, self._pipe = pid, read
        self.owner._on(read, self._heard)

    def _copy(self, name: str, path: str) -> tuple[int, int] | None:
        """Bring one file up; its state where it did not change meanwhile, else None: it is taken again."""
        assert self.target is not None
        try:
            before = os.stat(path)
            artifacts.upload(path, os.path.join(self.target, name))
            after = os.stat(path)
        except FileNotFoundError:
            return None
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            return None
        return after.st_size, after.st_mtime_ns

    def _delete(self, name: str) -> None:
        assert self.target is not None
        path = os.path.join(self.target, name)
        try:
            os.unlink(path)
            while (path := os.path.dirname(path)) != self.target:
                os.rmdir(path)
        except OSError:
            pass  # it never came there, or something else lies beside it

    def _heard(self) -> None:
        assert self._pipe is not None
        data = os.read(self._pipe, 1 << 16)
        *lines, self._told = (self._told + data).split(b"\n")
        for line in lines:
            fact = json.loads(line)
            if isinstance(fact, dict):
                self.error = str(fact["error"])
                continue
            host, name, state = fact
            known = self._known.setdefault(host, {})
            if state is not None:
                known[name] = (state[0], state[1])
            else:
                known.pop(name, None)
        if not data:
            self.owner._off(self._pipe)
            os.close(self._pipe)
            try:
                os.waitpid(self._child, 0)
            except ChildProcessError:
                pass
            self._child, self._pipe, self._told = 0, None, b""
            self.syncs += 1

    # --- the end of a start ---------------------------------------------------------------------------

    def finish(self) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
        """The last sync, when no process of a host is left: the files that are there now, and what cannot be kept."""
        self.next_at = None
        while self._pipe is not None:
            self._heard()
        files: dict[str, int] = {}
        left_out: list[tuple[str, str]] = []
        if not self.active:
            return [], left_out
        for host in self.owner.hosts:
            state, paths, collected = self._look(host)
            files.update({name: state[name][0] for name in state})
            left_out += collected.left_out
            known = self._known.get(host.name, {})
            if self.target is None:
                continue
            for name in state:
                if known.get(name) != state[name]:
                    self._copy(name, paths[name])
            for name in [name for name in known if name not in state]:
                self._delete(name)
            self._known[host.name] = state
        self.syncs += 1
        return [{"path": name, "size": files[name]} for name in sorted(files)], left_out

"""A directory of the hosts kept in step with a place in S3 while the script runs, by a child: logs are read meanwhile.

The place is a folder of the local store or a prefix of a real bucket. What changed is taken as it is seen; a file that
changed while it was read is taken again.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from cursus.local import artifacts, storage
from cursus.local.linux.children import collect, kill
from cursus.local.linux.descriptors import leave

if TYPE_CHECKING:
    from cursus.local.lifecycle.hosts import Host
    from cursus.local.supervisor import Supervisor

INTERVAL = 0.25
"""Seconds between two looks at a directory; longer where one look takes long."""
REMOTE_INTERVAL = 1.0
"""The same where every change is a request to a server."""

UNSETTLED = (-1, -1)
"""State of a file that changed while it was copied: it is taken again, or deleted."""

State = dict[str, tuple[int, int]]
"""Size and mtime (ns) by name below the directory."""
Work = list[tuple[str, list[tuple[str, str]], list[str]]]
"""By host: (name, path) of what changed, names of what is gone."""


class Place(Protocol):
    """Where files are kept. Used in a child alone; raises OSError or StoreError."""

    def put(self, path: str, name: str) -> None:
        """Bring one file there, whole or not at all."""

    def delete(self, name: str) -> None:
        """Take one away; it may not be there."""


class Folder:
    """A place in the local store."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def put(self, path: str, name: str) -> None:
        """Bring one file there, whole or not at all."""
        storage.put(path, os.path.join(self.folder, name))

    def delete(self, name: str) -> None:
        """Take one away, and the folders that are empty then."""
        path = os.path.join(self.folder, name)
        with suppress(OSError):  # it never came there, or something else lies beside it
            os.unlink(path)
            while (path := os.path.dirname(path)) != self.folder:
                os.rmdir(path)


class Prefix:
    """A place in real S3: the keys that begin with ``uri`` and a slash."""

    def __init__(self, store: str, region: str, uri: str) -> None:
        self.store = store
        self.region = region
        self.uri = uri
        self._client: Any = None
        self._key = ""

    def _connect(self) -> Any:
        if self._client is None:
            from cursus.local.s3.client import Client, access

            bucket, key = storage.parts_of(self.uri)
            self._client = Client(access(self.store, self.region), bucket)
            self._key = key if not key or key.endswith("/") else key + "/"
        return self._client

    def put(self, path: str, name: str) -> None:
        """Bring one file there, whole or not at all."""
        from cursus.local.s3.transfer import put

        put(self._connect(), [(path, self._key + name)])

    def delete(self, name: str) -> None:
        """Take one away; it may not be there."""
        self._connect().delete(self._key + name)


class Sync:
    """One directory of every host and its place.

    Args:
        owner: the job.
        folder: where the directory of a host is on this machine.
        place: where its files go; None where they stay.
        deletes: whether a file that is gone here is deleted there.
    """

    def __init__(
        self, owner: Supervisor, folder: Callable[[Host], str], place: Place | None, *, deletes: bool
    ) -> None:
        self.owner = owner
        self.folder = folder
        self.place = place
        self.deletes = deletes
        self.next_at: float | None = None
        self.rounds = 0
        self.error: str | None = None
        self._interval = REMOTE_INTERVAL if isinstance(place, Prefix) else INTERVAL
        self._known: dict[str, State] = {}
        self._child = 0
        self._pipe: int | None = None
        self._told = b""

    def look(self, host: Host) -> tuple[State, dict[str, str], artifacts.Collected]:
        """What the directory holds now, where each file is, and the whole of it."""
        collected = artifacts.collect(self.folder(host), host.ml)
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

    def know(self, host: Host) -> None:
        """What is there now is in its place already."""
        self._known[host.name] = self.look(host)[0]

    def begin(self) -> None:
        """From now on."""
        self.next_at = time.monotonic() + self._interval if self.place is not None else None

    def tick(self, now: float) -> None:
        """Look for changes where it is time to, and let a child carry them up."""
        if self.next_at is None or now < self.next_at or self._child:
            return
        self._start(self._changes())
        took = time.monotonic() - now
        self.next_at = time.monotonic() + max(self._interval, 20 * took)

    def _changes(self) -> Work:
        work: Work = []
        for host in self.owner.hosts:
            state, paths, _ = self.look(host)
            known = self._known.setdefault(host.name, {})
            changed = [(name, paths[name]) for name in state if known.get(name) != state[name]]
            gone = [name for name in known if name not in state] if self.deletes else []
            if changed or gone:
                work.append((host.name, changed, gone))
        return work

    def _start(self, work: Work) -> None:
        if not work:
            return
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                leave((write,))
                self._carry(work, write)
            finally:
                os._exit(0)
        os.close(write)
        self.error = None
        self._child, self._pipe = pid, read
        self.owner.watch(read, self._heard)

    def _carry(self, work: Work, write: int) -> None:
        assert self.place is not None

        def tell(fact: Any) -> None:
            os.write(write, json.dumps(fact).encode() + b"\n")

        try:
            for host, changed, gone in work:
                for name, path in changed:
                    tell([host, name, self._copy(name, path) or UNSETTLED])
                for name in gone:
                    self.place.delete(name)
                    tell([host, name, None])
        except Exception as error:
            from cursus.local.s3.transfer import sentence

            os_error = isinstance(error, OSError) and error.errno
            tell({"error": os.strerror(os_error) if os_error else sentence(error)})

    def _copy(self, name: str, path: str) -> tuple[int, int] | None:
        """Bring one file up; its state where it did not change meanwhile, else None: it is taken again."""
        assert self.place is not None
        try:
            before = os.stat(path)
            self.place.put(path, name)
            after = os.stat(path)
        except FileNotFoundError:
            return None
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            return None
        return after.st_size, after.st_mtime_ns

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
            self.owner.forget(self._pipe)
            os.close(self._pipe)
            collect(self._child)
            self._child, self._pipe, self._told = 0, None, b""
            self.rounds += 1

    def finish(self) -> tuple[dict[str, int], list[tuple[str, str]]]:
        """The last round, when no process of a host is left: sizes by name, and what cannot be kept.

        Raises:
            StoreError: not everything came to its place.
        """
        self.next_at = None
        self._wait()
        files: dict[str, int] = {}
        left_out: list[tuple[str, str]] = []
        for host in self.owner.hosts:
            state, _, collected = self.look(host)
            files.update({name: state[name][0] for name in state})
            left_out += collected.left_out
        if self.place is not None:
            self._start(self._changes())
            self._wait()
            if self.error is not None:
                raise storage.StoreError(self.error)
        self.rounds += 1
        return files, left_out

    def _wait(self) -> None:
        """Until the child has ended; whoever wants the job gone at once does not wait for it."""
        while self._pipe is not None:
            self.owner.wait(0.2)
            if self.owner.hurried and self._child:
                kill(self._child)


def place_of(owner: Supervisor, uri: str) -> Place | None:
    """Where ``uri`` is; None where it is nowhere: no URI, or one that climbs out of its bucket."""
    if owner.plan.get("store"):
        if storage.split(uri) is None:
            return None
        return Prefix(owner.plan["store"], owner.plan["region"], uri)
    folder = storage.store_path(owner.plan["root"], uri)
    return None if folder is None else Folder(folder)

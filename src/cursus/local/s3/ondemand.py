"""FastFile mode from S3: a file system of a channel's objects, each read by ranges when the script reads it.

The host mounts it in its own namespaces and hands the descriptor over (``fuse.show``); a process outside of them, which
has the network and the credentials that the host does not have, answers the kernel. It ends with the host, and at once
when the supervisor goes: what waits for it then gets an error, and nothing stays mounted.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html (fast file mode)
"""

from __future__ import annotations

import errno
import json
import os
import select
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from cursus.local.linux import fuse
from cursus.local.linux.children import end
from cursus.local.linux.descriptors import leave

if TYPE_CHECKING:
    from cursus.local.channels import Source
    from cursus.local.s3.readahead import Wanted

THREADS = 16
PATIENCE = 1.0
"""Seconds for which a request goes on after its process had a signal: many signals end nobody."""


def refusal(level: str | None) -> str | None:
    """Why no file system can be mounted for a host here; None where one can. For a process with one thread."""
    if sys.platform != "linux" or level not in (None, "unshare"):
        return "only a host in namespaces made by system calls can mount a file system"
    if not os.access(fuse.DEVICE, os.R_OK | os.W_OK):
        there = os.path.exists(fuse.DEVICE)
        return f"{fuse.DEVICE} {'may not be opened by this user' if there else 'is not here (no FUSE)'}"
    child = os.fork()
    if child == 0:
        code = 255
        try:
            code = _try()
        finally:
            os._exit(code)
    _, result = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(result)
    return None if code == 0 else f"FUSE cannot be mounted: {os.strerror(code) if code > 0 else 'killed'}"


def _try() -> int:
    from cursus.local.isolation import namespaces, users
    from cursus.local.linux import syscalls as sc

    try:
        users.enter(sc.CLONE_NEWNS | sc.CLONE_NEWUSER)
        sc.mount("none", "/", None, sc.MS_REC | sc.MS_SLAVE)
        fuse.mount(next(path for path in namespaces.BASE if os.path.isdir(path)))
    except OSError as error:
        return min(error.errno or 255, 255)
    return 0


# --- the supervisor's side --------------------------------------------------------------------------


class Server:
    """The process that answers for one host's channels.

    ``sender`` is the socket by which the host hands over what it mounted; on ``descriptor`` come facts, as JSON lines.
    """

    def __init__(self, store: str, region: str, sources: Sequence[Source]) -> None:
        theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.descriptor, facts = os.pipe()
        life, self._life = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                number = theirs.detach()
                leave((facts, life, number))
                _serve(number, life, facts, store, region, {each.channel: each for each in sources})
            except BaseException as error:
                os.write(2, f"on demand: {error!r}\n".encode())
            finally:
                os._exit(1)
        os.close(facts)
        os.close(life)
        theirs.close()
        self.sender = ours.detach()
        self._rest = b""

    def read(self) -> list[dict[str, Any]] | None:
        """The facts that have come; None at their end."""
        data = os.read(self.descriptor, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        found = [json.loads(line) for line in lines]
        return found if data or found else None

    def end(self, seconds: float = 1.0) -> list[dict[str, Any]]:
        """End it: whoever waits for it gets an error. Returns the last facts."""
        facts: list[dict[str, Any]] = []
        os.close(self._life)
        os.close(self.sender)
        limit = time.monotonic() + seconds
        while select.select([self.descriptor], [], [], max(0.0, limit - time.monotonic()))[0]:
            found = self.read()
            if found is None:
                break
            facts += found
        end(self.pid)
        os.close(self.descriptor)
        return facts


# --- the process itself -----------------------------------------------------------------------------


class _Objects:
    """The objects of one channel, as bytes."""

    def __init__(self, store: str, region: str, source: Source) -> None:
        from cursus.local import storage

        self.bucket, _ = storage.parts_of(source.uri)
        self._place = store, region
        files = {name: fuse.File(found.size, found.modified) for name, found in source.objects.items()}
        self.tree = fuse.Tree(files)
        self._keys = {name: found.key for name, found in source.objects.items()}
        self.read = 0
        self._by_obstore = True
        self._asked = 0.0
        self._connect()

    def _connect(self) -> None:
        from cursus.local.s3 import client as s3

        self._client = s3.Client(s3.access(*self._place), self.bucket)
        self._store = self._client.store()
        self._asked = time.monotonic()

    def key(self, node: int) -> str:
        """The key of a file."""
        return self._keys[self.tree.names[node]]

    def get(self, node: int, start: int, end: int) -> Any:
        """Some of a file's bytes. Raises whatever the store raises."""
        from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

        try:
            data = self._get(node, start, end)
        except (PermissionDeniedError, UnauthenticatedError):
            if time.monotonic() - self._asked < 60:
                raise
            self._connect()  # credentials that have run out: those there are now
            data = self._get(node, start, end)
        self.read += end - start
        return data

    def _get(self, node: int, start: int, end: int) -> Any:
        import obstore

        from cursus.local.s3 import client as s3

        key, file = self.key(node), self.tree.files[node]
        if not (self._by_obstore and s3.plain(key)):
            return self._client.part(key, start, end)
        if start == 0 and file is not None and end == file.size:
            return obstore.get(self._store, key).bytes()
        try:
            return obstore.get_range(self._store, key, start=start, end=end)
        except obstore.exceptions.GenericError as error:
            if "non-partial" not in str(error):
                raise
            self._by_obstore = False  # servers are allowed to, and some say 200 where they mean 206
            return self._client.part(key, start, end)


class _Channel:
    """One mounted channel: between the kernel and what is read."""

    def __init__(self, name: str, objects: _Objects, descriptor: int, tell: Any, pool: Any) -> None:
        from cursus.local.s3.readahead import Reader

        self.name = name
        self.objects = objects
        self.tell = tell
        self.reader = Reader(pool.submit, objects.get)
        self.nodes: dict[int, int] = {}
        self.seen: set[int] = set()
        self.failed: set[int] = set()
        self.waiting: dict[int, float] = {}
        """Requests that are not answered; the time from which their process need not wait, where it had a signal."""
        self.mount = fuse.Mount(
            descriptor, objects.tree, self._opened, self._released, self._read, self._interrupted
        )

    def _opened(self, handle: int, node: int) -> None:
        file = self.objects.tree.files[node]
        assert file is not None
        self.nodes[handle] = node
        self.reader.open(handle, node, file.size)
        if node not in self.seen:
            self.seen.add(node)
            self.tell({"opened": [self.name, self.objects.tree.names[node]]})

    def _released(self, handle: int) -> None:
        self.nodes.pop(handle, None)
        self.reader.close(handle)

    def _read(self, asked: fuse.Reading) -> None:
        node = self.nodes.get(asked.handle, 0)
        self.waiting[asked.unique] = 0.0

        def ready(wanted: Wanted) -> None:
            if self.waiting.pop(asked.unique, None) is None:
                return  # answered: its process was not to wait
            error = wanted.error
            if error is None:
                self.mount.answer(asked.unique, wanted.parts())
                return
            self.mount.refuse(asked.unique, errno.EIO)
            if node not in self.failed:
                self.failed.add(node)
                from cursus.local.s3.transfer import sentence

                uri = f"s3://{self.objects.bucket}/{self.objects.key(node)}"
                self.tell({"failed": [self.name, uri, sentence(error)]})

        self.reader.want(asked.handle, asked.offset, asked.size, ready)

    def _interrupted(self, unique: int) -> None:
        if unique in self.waiting:
            self.waiting[unique] = time.monotonic() + PATIENCE

    def give_up(self, now: float) -> bool:
        """Answer those whose process had a signal and has waited long since; True where others may follow."""
        due = [(unique, when) for unique, when in list(self.waiting.items()) if when]
        for unique, when in due:
            if now >= when and self.waiting.pop(unique, None) is not None:
                self.mount.refuse(unique, errno.EINTR)
        return bool(due)


def _serve(
    control: int, life: int, facts: int, store: str, region: str, sources: Mapping[str, Source]
) -> NoReturn:
    from concurrent.futures import ThreadPoolExecutor

    def tell(fact: dict[str, Any]) -> None:
        os.write(facts, json.dumps(fact).encode() + b"\n")

    objects: dict[str, _Objects] = {}
    serving: dict[int, _Channel] = {}
    pool = ThreadPoolExecutor(THREADS)
    poll = select.poll()
    poll.register(life, 0)
    poll.register(control, select.POLLIN)
    hurry = False
    with socket.socket(fileno=control) as messages:
        while True:
            for descriptor, event in poll.poll(200 if hurry else None):
                if descriptor == life:
                    tell({"read": {name: found.read for name, found in objects.items()}})
                    os._exit(0)
                if descriptor == control:
                    text, got, _, _ = socket.recv_fds(messages, 4096, 1)
                    if not got:
                        poll.unregister(control)
                        continue
                    name = text.decode()
                    if name not in objects:
                        objects[name] = _Objects(store, region, sources[name])
                    serving[got[0]] = _Channel(name, objects[name], got[0], tell, pool)
                    poll.register(got[0], select.POLLIN)
                    tell({"mounted": name})
                elif event & ~select.POLLIN or not serving[descriptor].mount.handle():
                    poll.unregister(descriptor)
                    del serving[descriptor]
                    os.close(descriptor)
            hurry = False
            for channel in serving.values():
                hurry |= channel.give_up(time.monotonic())

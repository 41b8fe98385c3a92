"""The kernel's side of a file system that is read on demand: FUSE's protocol, for a tree that never changes.

The messages are few and fixed, and a mount of one's own needs no program and no library: a process opens
``/dev/fuse``, mounts it in its own mount namespace, and whoever holds the descriptor answers. Everything but the bytes
of files is answered here at once; who has those is asked by ``read``.
https://docs.kernel.org/filesystems/fuse.html, https://man7.org/linux/man-pages/man4/fuse.4.html; the structures and
numbers are those of linux/fuse.h, whose interface is kept stable (7.23 and later).
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

DEVICE = "/dev/fuse"
OPTIONS = "rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
MESSAGE = 1 << 16
"""Bytes to read a request into: nothing is written here, so that none comes near it."""
PAGES = 256
"""Pages in one request to read, at most: 1 MiB."""

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 14, 15, 17, 18
INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT = 26, 27, 28, 29, 36
DESTROY, BATCH_FORGET, READDIRPLUS = 38, 42, 44
ASYNC_READ, MAX_PAGES, PARALLEL_DIROPS = 1 << 0, 1 << 22, 1 << 18
READDIRPLUS_KNOWN, READDIRPLUS_AUTO = 1 << 13, 1 << 14
KEEP_CACHE = 1 << 1
FOREVER = 1 << 31
"""Seconds for which the kernel may keep what it was told: the tree does not change."""

_HEADER = struct.Struct("<IIQQIIIHH")
_ANSWER = struct.Struct("<IiQ")
_ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
_ENTRY = struct.Struct("<QQQQII")
_DIRENT = struct.Struct("<QQII")


class File(NamedTuple):
    """A file of the tree: its size in bytes, the time it was changed (s since 1970)."""

    size: int
    modified: int


class Reading(NamedTuple):
    """What the kernel wants of a file: answer it with ``Mount.answer`` or ``Mount.refuse``, once."""

    unique: int
    handle: int
    offset: int
    size: int


class Tree:
    """Files by path as the kernel knows them: numbered nodes, of which 1 is the top."""

    def __init__(self, files: Mapping[str, File]) -> None:
        self.names: list[str] = ["", ""]
        self.files: list[File | None] = [None, None]
        self.parents = [1, 1]
        self.inner: dict[int, dict[bytes, int]] = {1: {}}
        folders = {"": 1}
        for path in sorted(files):
            parent = self._folder(os.path.dirname(path), folders)
            self.inner[parent][os.fsencode(os.path.basename(path))] = self._add(path, files[path], parent)
        self.bytes = sum(file.size for file in files.values())

    def _folder(self, path: str, folders: dict[str, int]) -> int:
        if path not in folders:
            parent = self._folder(os.path.dirname(path), folders)
            folders[path] = number = self._add(path, None, parent)
            self.inner[number] = {}
            self.inner[parent][os.fsencode(os.path.basename(path))] = number
        return folders[path]

    def _add(self, path: str, file: File | None, parent: int) -> int:
        self.names.append(path)
        self.parents.append(parent)
        self.files.append(file)
        return len(self.names) - 1

    def attributes(self, node: int) -> bytes:
        """``struct fuse_attr`` of a node: everything is root's, and nobody may write."""
        file = self.files[node]
        if file is None:
            mode, size, when, links = stat.S_IFDIR | 0o555, 4096, 0, 2
        else:
            mode, size, when, links = stat.S_IFREG | 0o444, file.size, file.modified, 1
        blocks = -(-size // 512)
        return _ATTR.pack(node, size, blocks, when, when, when, 0, 0, 0, mode, links, 0, 0, 0, 1 << 17, 0)

    def entry(self, node: int) -> bytes:
        """``struct fuse_entry_out``; of node 0, which is a name that there is not."""
        if node == 0:
            return _ENTRY.pack(0, 0, FOREVER, 0, 0, 0) + bytes(_ATTR.size)
        return _ENTRY.pack(node, 0, FOREVER, FOREVER, 0, 0) + self.attributes(node)

    def listing(self, node: int) -> list[tuple[bytes, int]]:
        """Names and nodes of a directory, itself and its parent first."""
        return [(b".", node), (b"..", self.parents[node]), *self.inner[node].items()]


def mount(target: str, device: str = DEVICE) -> int:
    """Mount an empty FUSE file system, read-only, in this mount namespace; the descriptor to serve it with.

    It has to be the user namespace of the mount that opens the device. Raises OSError.
    """
    from cursus.local.linux import syscalls as sc

    descriptor = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    try:
        flags = sc.MS_NOSUID | sc.MS_NODEV | sc.MS_RDONLY
        sc.mount("cursus", target, "fuse", flags, f"fd={descriptor},{OPTIONS}")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def show(target: str, device: str, sender: int, name: str) -> None:
    """Mount one and hand its descriptor over to who serves it: nobody else holds it then. Raises OSError."""
    descriptor = mount(target, device)
    try:
        with socket.socket(fileno=os.dup(sender)) as channel:
            socket.send_fds(channel, [name.encode()], [descriptor])
    finally:
        os.close(descriptor)


class Mount:
    """One mount: ``handle`` takes a request of the kernel and answers it, but for what has to be read.

    Args:
        descriptor: what ``mount`` gave.
        tree: what it shows.
        opened: called with a handle's number and its file's node.
        released: called with a handle's number, when nobody has the file open any more.
        read: called with what is to be read.
        interrupted: called with the number of a request whose process has had a signal.
    """

    def __init__(
        self,
        descriptor: int,
        tree: Tree,
        opened: Callable[[int, int], None],
        released: Callable[[int], None],
        read: Callable[[Reading], None],
        interrupted: Callable[[int], None],
    ) -> None:
        self.descriptor = descriptor
        self.tree = tree
        self._opened, self._released, self._read, self._interrupted = opened, released, read, interrupted
        self._handles = 0
        self._listings: dict[int, list[tuple[bytes, int]]] = {}
        os.set_blocking(descriptor, False)

    def handle(self) -> bool:
        """Answer the next request; False where the file system is no longer mounted."""
        try:
            message = os.read(self.descriptor, MESSAGE)
        except OSError as error:
            # ENOENT: the request was taken back before it was read.
            return error.errno in (errno.EAGAIN, errno.EINTR, errno.ENOENT)
        if len(message) < _HEADER.size:
            return False
        _, opcode, unique, node, *_ = _HEADER.unpack_from(message)
        body = message[_HEADER.size :]
        if opcode in (FORGET, BATCH_FORGET):
            return True  # nodes are numbers here, and stay what they are
        if opcode == INTERRUPT:
            self._interrupted(struct.unpack_from("<Q", body)[0])
            return True
        if opcode == READ:
            handle, offset, size = struct.unpack_from("<QQI", body)
            self._read(Reading(unique, handle, offset, size))
            return True
        answer = self._answers.get(opcode)
        if answer is None or (not 0 < node < len(self.tree.names) and opcode not in (INIT, DESTROY, STATFS)):
            self.refuse(unique, errno.ENOSYS if answer is None else errno.ENOENT)
            return True
        found = answer(self, node, body)
        if isinstance(found, int):
            self.refuse(unique, found)
        else:
            self.answer(unique, [found])
        return True

    def answer(self, unique: int, parts: Sequence[bytes | memoryview]) -> None:
        """The answer to a request. Nothing where the file system is gone meanwhile."""
        length = _ANSWER.size + sum(len(part) for part in parts)
        with suppress(OSError):  # ENOENT: nobody waits any more; ENODEV: it was unmounted
            os.writev(self.descriptor, [_ANSWER.pack(length, 0, unique), *parts])

    def refuse(self, unique: int, number: int) -> None:
        """Answer a request with an errno."""
        with suppress(OSError):
            os.write(self.descriptor, _ANSWER.pack(_ANSWER.size, -number, unique))

    # --- one method a request; an int is an errno -------------------------------------------------

    def _init(self, node: int, body: bytes) -> bytes | int:
        major, minor, read_ahead, offered = struct.unpack_from("<IIII", body)
        if major < 7:
            return errno.EPROTO
        wanted = ASYNC_READ | READDIRPLUS_KNOWN | READDIRPLUS_AUTO | PARALLEL_DIROPS | MAX_PAGES
        numbers = (7, min(minor, 31), max(read_ahead, PAGES * 4096), wanted & offered, 64, 48, 4096, 1)
        return struct.pack("<IIIIHHIIHH", *numbers, PAGES, 0) + bytes(32)

    def _destroy(self, node: int, body: bytes) -> bytes | int:
        return b""

    def _lookup(self, node: int, body: bytes) -> bytes | int:
        if node not in self.tree.inner:
            return errno.ENOTDIR
        return self.tree.entry(self.tree.inner[node].get(body.split(b"\0", 1)[0], 0))

    def _getattr(self, node: int, body: bytes) -> bytes | int:
        return struct.pack("<QII", FOREVER, 0, 0) + self.tree.attributes(node)

    def _open(self, node: int, body: bytes) -> bytes | int:
        if self.tree.files[node] is None:
            return errno.EISDIR
        if struct.unpack_from("<I", body)[0] & os.O_ACCMODE != os.O_RDONLY:
            return errno.EROFS
        self._handles += 1
        self._opened(self._handles, node)
        return struct.pack("<QII", self._handles, KEEP_CACHE, 0)

    def _release(self, node: int, body: bytes) -> bytes | int:
        self._released(struct.unpack_from("<Q", body)[0])
        return b""

    def _statfs(self, node: int, body: bytes) -> bytes | int:
        blocks = -(-self.tree.bytes // 4096)
        files = len(self.tree.names) - 1
        return struct.pack("<QQQQQIIII", blocks, 0, 0, files, 0, 4096, 255, 4096, 0) + bytes(24)

    def _opendir(self, node: int, body: bytes) -> bytes | int:
        if node not in self.tree.inner:
            return errno.ENOTDIR
        self._handles += 1
        self._listings[self._handles] = self.tree.listing(node)
        return struct.pack("<QII", self._handles, 0, 0)

    def _releasedir(self, node: int, body: bytes) -> bytes | int:
        self._listings.pop(struct.unpack_from("<Q", body)[0], None)
        return b""

    def _readdir(self, node: int, body: bytes) -> bytes | int:
        return self._entries(body, whole=False)

    def _readdirplus(self, node: int, body: bytes) -> bytes | int:
        return self._entries(body, whole=True)

    def _entries(self, body: bytes, *, whole: bool) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        listing = self._listings.get(handle, [])
        found: list[bytes] = []
        room = size
        for number in range(offset, len(listing)):
            name, node = listing[number]
            kind = stat.S_IFDIR if self.tree.files[node] is None else stat.S_IFREG
            text = _DIRENT.pack(node, number + 1, len(name), kind >> 12) + name
            text += bytes(-len(text) % 8)
            if whole:
                text = self.tree.entry(node if name not in (b".", b"..") else 0) + text
            room -= len(text)
            if room < 0:
                break
            found.append(text)
        return b"".join(found)

    _answers: Mapping[int, Callable[[Mount, int, bytes], bytes | int]] = {
        INIT: _init,
        DESTROY: _destroy,
        LOOKUP: _lookup,
        GETATTR: _getattr,
        OPEN: _open,
        RELEASE: _release,
        STATFS: _statfs,
        OPENDIR: _opendir,
        RELEASEDIR: _releasedir,
        READDIR: _readdir,
        READDIRPLUS: _readdirplus,
    }

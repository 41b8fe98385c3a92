"""Thousands of small objects over a few plain connections, by one thread: a request costs some tens of microseconds.

For endpoints without TLS, which are near: on loopback what a general client does for each object is most of the time.
Whatever is not simply as expected (an error, a redirect, another length, a closed connection) is left to that client,
so that there is one place where errors are understood.
"""

from __future__ import annotations

import os
import re
import select
import socket
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cursus.local.linux.descriptors import write_all

if TYPE_CHECKING:
    from cursus.local.s3.client import Client, Object

CONNECTIONS = 16
MOST = 1 << 20
"""Bytes of an object that is small."""
HEAD = 1 << 13
SECONDS = 60.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_OTHERWISE = re.compile(rb"\r\n(?:connection: *close|transfer-encoding:|content-encoding:)", re.IGNORECASE)


class _Connection:
    """One connection, and the object that is on its way through it."""

    __slots__ = ("body", "done", "head", "item", "socket")

    def __init__(self, found: socket.socket) -> None:
        self.socket = found
        self.item: tuple[str, Object] | None = None
        self.head = b""
        self.body = memoryview(b"")
        self.done = 0

    def ask(self, client: Client, item: tuple[str, Object]) -> None:
        """Ask for the next object. Raises OSError."""
        self.item, self.head, self.done = item, b"", 0
        self.body = memoryview(bytearray(item[1].size))
        self.socket.sendall(client.plain_get(item[1].key))

    def receive(self) -> bool | None:
        """Take what has come: True when the object is whole, None where it is not as expected. Raises OSError."""
        while True:
            if not self.done and b"\r\n\r\n" not in self.head:
                data = self.socket.recv(len(self.body) + HEAD)
                self.head += data
                end = self.head.find(b"\r\n\r\n") + 4
                if not data or (end < 4 and len(self.head) > HEAD):
                    return None
                if end < 4:
                    continue
                rest = memoryview(self.head)[end:]
                if not self._expected(self.head[:end]) or len(rest) > len(self.body):
                    return None
                self.body[: len(rest)] = rest
                self.done = len(rest)
                self.head = self.head[:end]
            if self.done == len(self.body):
                return True
            count = self.socket.recv_into(self.body[self.done :])
            if not count:
                return None
            self.done += count

    def _expected(self, head: bytes) -> bool:
        length = _LENGTH.search(head)
        return (
            head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 "))
            and length is not None
            and int(length.group(1)) == len(self.body)
            and _OTHERWISE.search(head) is None
        )

    def keep(self) -> None:
        """Write the file. Raises OSError."""
        assert self.item is not None
        descriptor = os.open(self.item[0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            write_all(descriptor, self.body)
        finally:
            os.close(descriptor)
        self.item = None


def fetch(client: Client, targets: Mapping[str, Object]) -> dict[str, Object]:
    """Read the small ones of ``targets`` (objects by path) into their files; those that are still to be read.

    Raises:
        OSError: a file cannot be written.
    """
    place = urlsplit(client.access.endpoint)
    waiting = deque((path, found) for path, found in targets.items() if 0 <= found.size <= MOST)
    left = {path: found for path, found in targets.items() if not 0 <= found.size <= MOST}
    if place.scheme != "http" or place.hostname is None or len(waiting) < 2:
        return dict(targets)
    poll = select.poll()
    open_ones: dict[int, _Connection] = {}
    with suppress(OSError):  # with those there are, or by the other client, which says why
        for _ in range(min(CONNECTIONS, len(waiting))):
            found = socket.create_connection((place.hostname, place.port or 80), timeout=10)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            open_ones[found.fileno()] = _Connection(found)
            poll.register(found, select.POLLIN)
    try:
        for connection in list(open_ones.values()):
            if not _next(client, connection, waiting, left):
                _give_up(connection, poll, open_ones, left)
        while any(connection.item is not None for connection in open_ones.values()):
            events = poll.poll(SECONDS * 1000)
            if not events:
                break
            for descriptor, _ in events:
                connection = open_ones[descriptor]
                if connection.item is None:  # hung up while there was nothing to ask for
                    _give_up(connection, poll, open_ones, left)
                    continue
                try:
                    whole = connection.receive()
                except BlockingIOError:
                    continue
                except OSError:
                    whole = None
                if whole:
                    connection.keep()
                    whole = _next(client, connection, waiting, left)
                if not whole:
                    _give_up(connection, poll, open_ones, left)
    finally:
        for connection in open_ones.values():
            connection.socket.close()
            if connection.item is not None:
                left[connection.item[0]] = connection.item[1]
    left.update(waiting)
    return left


def _next(
    client: Client,
    connection: _Connection,
    waiting: deque[tuple[str, Object]],
    left: dict[str, Object],
) -> bool:
    """Ask for the next object there is; False where the connection does not take it."""
    if not waiting:
        return True
    item = waiting.popleft()
    try:
        connection.socket.setblocking(True)
        connection.ask(client, item)
        connection.socket.setblocking(False)
    except OSError:
        left[item[0]] = item[1]
        connection.item = None
        return False
    return True


def _give_up(
    connection: _Connection, poll: select.poll, open_ones: dict[int, _Connection], left: dict[str, Object]
) -> None:
    descriptor = connection.socket.fileno()
    poll.unregister(descriptor)
    del open_ones[descriptor]
    connection.socket.close()
    if connection.item is not None:
        left[connection.item[0]] = connection.item[1]

"""A host's log: every byte kept as it came, lines handed on in blocks as they are complete, memory constant."""

from __future__ import annotations

import os
import struct
import time
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress

from cursus.local.metrics import LINE_LIMIT

CHUNK = LINE_LIMIT
"""Bytes read at once. No more than a line may have, so that only the first line of a block can be too long."""


TIMES = ".times"
MARK = struct.Struct("<Qd")
MARK_SECONDS = 0.1
"""How exactly it is kept when a line came: a mark costs 16 bytes."""


class Log:
    """The log of one host, read from ``descriptor`` (a pipe) and kept at ``path``; when what came beside it.

    ``on_lines`` gets a block of lines as text, separated by line feeds; a line without end is cut after 256 KiB.
    """

    def __init__(
        self, host: str, descriptor: int, path: str, on_lines: Callable[[str, str], None] | None
    ) -> None:
        self.host = host
        self.descriptor = descriptor
        self.path = path
        self.on_lines = on_lines
        self.lines = 0
        self.size = 0
        self.lost = 0
        self.open = True
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._times = os.open(path + TIMES, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._begun = os.lseek(self._file, 0, os.SEEK_END)  # an earlier start of the job may have printed
        self._marked = 0.0
        self._rest = b""
        self._unkept = b""
        os.set_blocking(descriptor, False)

    def read(self) -> bool:
        """Take what is there; False at the end of the pipe."""
        try:
            data = os.read(self.descriptor, CHUNK)
        except BlockingIOError:
            return True
        if not data:
            self.finish()
            return False
        self._keep(data)
        self._split(data)
        return True

    def drain(self) -> None:
        """Take everything that is still in the pipe."""
        while self.open:
            try:
                data = os.read(self.descriptor, CHUNK)
            except BlockingIOError:
                return
            if not data:
                self.finish()
                return
            self._keep(data)
            self._split(data)

    def finish(self) -> None:
        """The end: what is left is a line too."""
        if not self.open:
            return
        self.open = False
        if self._rest:
            self._lines(self._rest)
            self._rest = b""
        os.close(self._file)
        os.close(self._times)

    def say(self, line: str) -> None:
        """A line of the service's own among those of the script."""
        if self.open:
            data = (b"\n" if self._rest else b"") + line.encode("utf-8", "replace") + b"\n"
            self._keep(data)
            self._split(data)

    def tail(self) -> list[str]:
        """The last lines printed, those included that a full disk did not take."""
        return tail(self.path) + self._unkept.decode("utf-8", "replace").splitlines()

    def _keep(self, data: bytes) -> None:
        now = time.time()
        if abs(now - self._marked) >= MARK_SECONDS:
            self._marked = now
            with suppress(OSError):  # a full disk: what came then seems to have come before
                os.write(self._times, MARK.pack(self._begun + self.size - self.lost, now))
        self.size += len(data)
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._file, view) :]
            except OSError:
                self.lost += len(view)  # a full disk: the job goes on, and the report says what was lost
                self._unkept = (self._unkept + bytes(view[-CHUNK:]))[-CHUNK:]
                return

    def _split(self, data: bytes) -> None:
        """Hand on the lines that are complete now, and keep what begins the next one."""
        end = data.rfind(b"\n")
        if end < 0:
            self._rest = self._cut(self._rest + data)
            return
        if self._rest:
            first = data.find(b"\n")
            block = self._cut(self._rest + data[:first]) + data[first:end]
        else:
            block = data[:end]
        self._rest = data[end + 1 :]
        self._lines(block)

    def _cut(self, line: bytes) -> bytes:
        """What is left of a line when all that is too long was handed on."""
        while len(line) > LINE_LIMIT:
            self._lines(line[:LINE_LIMIT])
            line = line[LINE_LIMIT:]
        return line

    def _lines(self, block: bytes) -> None:
        self.lines += block.count(b"\n") + 1
        if self.on_lines is not None:
            text = block.decode("utf-8", "replace")
            self.on_lines(text.replace("\r\n", "\n").rstrip("\r"), self.host)


class Times:
    """When the bytes of a log came, to ``MARK_SECONDS``; ``start`` stands for what nobody has marked."""

    def __init__(self, path: str, start: float) -> None:
        try:
            with open(path + TIMES, "rb") as file:
                data = file.read()
        except OSError:
            data = b""
        marks = [*MARK.iter_unpack(data[: len(data) - len(data) % MARK.size])]
        self._places: list[int] = [place for place, _ in marks]
        self._moments: list[float] = [start, *(moment for _, moment in marks)]

    def at(self, place: int) -> float:
        """Seconds since the epoch at which the byte at ``place`` came."""
        return self._moments[bisect_right(self._places, place)]


def tail(path: str, limit: int = 1 << 18) -> list[str]:
    """The last lines of a log, from its last ``limit`` bytes."""
    try:
        with open(path, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - limit))
            data = file.read()
    except OSError:
        return []
    lines = data.decode("utf-8", "replace").splitlines()
    return lines[1:] if end > limit and len(lines) > 1 else lines

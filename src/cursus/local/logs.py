"""A host's log: every byte kept as it came, lines handed on in blocks as they are complete, memory constant."""

from __future__ import annotations

import os
from collections.abc import Callable

from cursus.local.metrics import LINE_LIMIT

CHUNK = LINE_LIMIT
"""Bytes read at once. No more than a line may have, so that only the first line of a block can be too long."""


class Log:
    """The log of one host, read from ``descriptor`` (a pipe) and kept at ``path``.

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

"""A host's log: every byte kept as it came, lines handed on as they are complete, memory constant."""

from __future__ import annotations

import os
from collections.abc import Callable

from cursus.local.metrics import LINE_LIMIT

CHUNK = 1 << 18


class Log:
    """The log of one host, read from ``descriptor`` (a pipe) and kept at ``path``.

    ``on_line`` gets each line as text, without its end; a line without end is cut after 256 KiB.
    """

    def __init__(
        self, host: str, descriptor: int, path: str, on_line: Callable[[str, str], None] | None
    ) -> None:
        self.host = host
        self.descriptor = descriptor
        self.path = path
        self.on_line = on_line
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
            self._line(self._rest)
            self._rest = b""
        os.close(self._file)

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
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._line(line)
        while len(self._rest) > LINE_LIMIT:
            self._line(self._rest[:LINE_LIMIT])
            self._rest = self._rest[LINE_LIMIT:]

    def _line(self, data: bytes) -> None:
        while len(data) > LINE_LIMIT:
            self._line(data[:LINE_LIMIT])
            data = data[LINE_LIMIT:]
        self.lines += 1
        if self.on_line is not None:
            self.on_line(data.decode("utf-8", "replace").rstrip("\r"), self.host)


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

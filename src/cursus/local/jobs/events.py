"""What a job tells while it runs, read from its files, so that any process can listen and none can hold it up."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

CHUNK = 1 << 18
LONGEST = 1 << 18


@dataclass(frozen=True, slots=True)
class Event:
    """One piece of news of a job.

    ``status``: a transition; ``text`` is SageMaker's message, ``data`` has ``status`` and ``secondary``.
    ``log``: a line that ``host`` printed, without its end. ``metric``: ``data`` has ``name`` and ``value``.
    ``notice``: something that the person at the terminal has to know now (what Ctrl-C does).
    ``time`` is in seconds since the epoch; of a log line, when it was read.
    """

    kind: Literal["status", "log", "metric", "notice"]
    job: str
    text: str = ""
    host: str = ""
    time: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]


def notice(listener: Listener | None, job: str, text: str) -> None:
    """Tell a listener, where there is one, what has to be known now."""
    if listener is not None:
        listener(Event("notice", job, text, time=time.time()))


class Follower:
    """Reads a job's files from where it left off and hands on what is new."""

    def __init__(self, folder: str, job: str, listener: Listener) -> None:
        self.folder = folder
        self.job = job
        self.listener = listener
        self._offsets: dict[str, int] = {}
        self._rests: dict[str, bytes] = {}

    def pump(self, *, last: bool = False) -> None:
        """Hand on everything new; with ``last`` also a line without end."""
        self._states()
        self._logs(last)
        self._metrics()
        if last:
            self._states()

    def _new(self, path: str) -> list[bytes]:
        """The complete new lines of a file."""
        lines: list[bytes] = []
        with suppress(FileNotFoundError), open(path, "rb") as file:
            file.seek(self._offsets.get(path, 0))
            while data := file.read(CHUNK):
                self._offsets[path] = self._offsets.get(path, 0) + len(data)
                *whole, rest = (self._rests.get(path, b"") + data).split(b"\n")
                lines.extend(whole)
                if len(rest) > LONGEST:
                    lines.append(rest)
                    rest = b""
                self._rests[path] = rest
                if len(lines) > 10_000:
                    break
        return lines

    def _states(self) -> None:
        for line in self._new(os.path.join(self.folder, "state.jsonl")):
            entry = json.loads(line)
            self.listener(
                Event(
                    "status",
                    self.job,
                    entry["message"],
                    time=entry["time"],
                    data=_without(entry, "message", "time"),
                )
            )

    def _logs(self, last: bool) -> None:
        folder = os.path.join(self.folder, "logs")
        try:
            names = sorted(name for name in os.listdir(folder) if name.endswith(".log"))
        except FileNotFoundError:
            return
        for name in names:
            path = os.path.join(folder, name)
            while True:
                lines = self._new(path)
                if last and not lines and self._rests.get(path):
                    lines = [self._rests.pop(path)]
                now = time.time()
                for line in lines:
                    text = line.decode("utf-8", "replace").rstrip("\r")
                    self.listener(Event("log", self.job, text, name[: -len(".log")], now))
                if not lines:
                    break

    def _metrics(self) -> None:
        for line in self._new(os.path.join(self.folder, "metrics.jsonl")):
            point = json.loads(line)
            data = {"name": point["name"], "value": point["value"]}
            self.listener(Event("metric", self.job, "", point["host"], point["time"], data))


def _without(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}

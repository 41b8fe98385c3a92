"""What a host uses, sampled from the kernel: memory, processor time, open files of all its processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cursus.local.data.files import tree_size
from cursus.local.linux import processes

if TYPE_CHECKING:
    from cursus.local.channels import Source

VOLUME_SECONDS = 1.0
"""Between two looks at a host's files, at least."""
COUNTED = 0.2
"""Seconds that the files of channels are counted for, at most."""
IDLE = 0.05
"""Processor seconds a second below which a host computes nothing."""
BLIP = 0.1
"""Processor seconds that what waits may use at once: heartbeats, and the kernel's rounding."""
WINDOW_SECONDS = 10.0
"""How far back those are counted."""


class Sampler:
    """Peaks over the samples taken. One process is measured by its own high-water mark, several by their sum."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.samples = 0
        self.peak_memory = 0
        self.open_files = 0
        self.cpu_seconds = 0.0
        self.peak_processes = 0
        self.idle_seconds = 0.0
        self._looked = 0.0
        self._window = (0.0, 0.0)
        self._cpu_before = 0.0
        self._wall_before = 0.0

    def sample(self, root: int, *, skip_first: bool = False) -> None:
        """Look at ``root`` and all its descendants; without ``root`` itself where it is the toolkit's stand-in."""
        pids = processes.descendants(root)[1 if skip_first else 0 :]
        memory = 0
        files = 0
        cpu = 0.0
        for pid in pids:
            memory += processes.memory(pid, alone=len(pids) == 1)
            files += processes.open_files(pid)
            cpu += processes.cpu_seconds(pid)
        self.samples += 1
        self.peak_memory = max(self.peak_memory, memory)
        self.open_files = max(self.open_files, files)
        self.cpu_seconds = max(self.cpu_seconds, cpu)
        self.peak_processes = max(self.peak_processes, len(pids))
        now, (since, used) = time.monotonic(), self._window
        few = 0 <= cpu - used <= BLIP + IDLE * (now - since)  # what has ended takes its time with it
        if not few or not self._looked:
            self.idle_seconds = 0.0
            self._window = (now, cpu)
        else:
            self.idle_seconds += now - self._looked
            if now - since > WINDOW_SECONDS:
                self._window = (now, cpu)
        self._looked = now

    def restart(self, wall: float) -> None:
        """The host is started afresh: peaks stay peaks, times add up. ``wall`` is what it ran so far, in seconds."""
        self._cpu_before += self.cpu_seconds
        self._wall_before += wall
        self.cpu_seconds = 0.0
        self._looked = 0.0
        self._window = (0.0, 0.0)

    def to_dict(self, wall: float, disk: int) -> dict[str, Any]:
        """The fields of ``model.Usage``."""
        return {
            "peak_memory": self.peak_memory,
            "cpu_seconds": round(self._cpu_before + self.cpu_seconds, 3),
            "disk_written": disk,
            "open_files": self.open_files,
            "wall_seconds": round(self._wall_before + wall, 3),
            "interval": self.interval,
            "samples": self.samples,
            "processes": self.peak_processes,
            "idle_seconds": round(self.idle_seconds, 1),
        }


class Volume:
    """What a host has on its training volume: looked at as often as that is cheap, the most of it kept.

    ``downloaded`` is what its File mode channels hold, as far as an overlay shows them and no copy was made.
    """

    def __init__(self, *places: str) -> None:
        self.places = places
        self.downloaded = 0
        self.peak = 0
        self._next = 0.0

    def sample(self, *, last: bool = False) -> int:
        """Look, where it is time to or it is the ``last`` time; bytes at most so far."""
        now = time.monotonic()
        if last or now >= self._next:
            self.peak = max(self.peak, sum(tree_size(place) for place in self.places))
            self._next = time.monotonic() + max(VOLUME_SECONDS, 50 * (time.monotonic() - now))
        return self.peak + self.downloaded


def downloaded(
    sources: Iterable[Source],
    request: Mapping[str, Any],
    data: str,
    known: dict[str, int],
) -> int:
    """Bytes that SageMaker would have put on the volume for channels that a host sees through an overlay.

    ``data`` is the host's input/data; ``known`` has sizes of folders that were looked at before. Not longer than
    ``COUNTED`` seconds: what was not counted until then is left out.
    """
    end = time.monotonic() + COUNTED
    stored = {
        channel["ChannelName"]
        for channel in request.get("InputDataConfig") or ()
        if "S3DataSource" in (channel.get("DataSource") or {})
    }
    total = 0
    for source in sources:
        if (
            source.mode != "File"
            or source.channel not in stored
            or tree_size(os.path.join(data, source.channel))
        ):
            continue
        paths: Iterable[str] = source.files.values()
        if source.folder is not None:
            if source.folder in known:
                total += known[source.folder]
                continue
            paths = (os.path.join(at, name) for at, _, names in os.walk(source.folder) for name in names)
        size = 0
        for path in paths:
            try:
                size += os.stat(path).st_size
            except OSError:
                continue
            if time.monotonic() > end:
                break
        if source.folder is not None:
            known[source.folder] = size
        total += size
    return total

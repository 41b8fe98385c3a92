"""What a host uses, sampled from the kernel: memory, processor time, open files of all its processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cursus.local.data.files import tree_size

if TYPE_CHECKING:
    from cursus.local.channels import Source

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
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
        processes = descendants(root)[1 if skip_first else 0 :]
        memory = 0
        files = 0
        cpu = 0.0
        for pid in processes:
            memory += _memory(pid, alone=len(processes) == 1)
            files += _files(pid)
            cpu += _cpu(pid)
        self.samples += 1
        self.peak_memory = max(self.peak_memory, memory)
        self.open_files = max(self.open_files, files)
        self.cpu_seconds = max(self.cpu_seconds, cpu)
        self.peak_processes = max(self.peak_processes, len(processes))
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


def descendants(root: int) -> list[int]:
    """``root`` and every process below it, by the kernel's lists of children; by all of /proc where it has none."""
    found = [root]
    try:
        for pid in found:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                    found.extend(int(child) for child in file.read().split())
    except FileNotFoundError:
        if not os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children"):
            return _by_parent(root)
    except (OSError, ValueError):
        pass
    return found


def _by_parent(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    try:
        names = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return [root]
    for pid in names:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                parents.setdefault(int(file.read().rpartition(b")")[2].split()[1]), []).append(pid)
        except (OSError, ValueError, IndexError):
            continue
    found = [root]
    for pid in found:
        found.extend(parents.get(pid, ()))
    return found


def _memory(pid: int, *, alone: bool) -> int:
    """Bytes: a lone process's high-water mark, otherwise the proportional share, which counts shared pages once."""
    try:
        if alone:
            with open(f"/proc/{pid}/status", "rb") as file:
                for line in file:
                    if line.startswith(b"VmHWM:"):
                        return int(line.split()[1]) * 1024
            return 0
        try:
            with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
                for line in file:
                    if line.startswith(b"Pss:"):
                        return int(line.split()[1]) * 1024
        except PermissionError:
            pass
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _files(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def _cpu(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return sum(int(field) for field in fields[11:15]) / TICKS
    except (OSError, ValueError, IndexError):
        return 0.0


SHELLS = frozenset({"sh", "bash", "dash", "zsh"})


def behind_shell(pid: int) -> int:
    """The program that a shell waits for, where ``pid`` is a shell without a handler for SIGTERM; else ``pid``.

    Such a shell passes no signal on: what it started with ``exec`` is in its place, and anything else is not told.
    """
    for one in descendants(pid):
        try:
            shell = os.readlink(f"/proc/{one}/exe").rpartition("/")[2] in SHELLS
        except OSError:
            return pid
        if not shell:
            return one
        if handles(one, signal.SIGTERM) is not False:
            return pid
    return pid


def handles(pid: int, number: int) -> bool | None:
    """True where a process has a handler for signal ``number``; None where that cannot be seen."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            for line in file:
                if line.startswith(b"SigCgt:"):
                    return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    except (OSError, ValueError):
        pass
    return None

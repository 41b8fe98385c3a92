"""Which files of a channel a host opened, as inotify tells it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cursus.local import syscalls as sc


class Opens:
    """The files that one host opened, by channel. ``descriptor`` is its inotify instance, None where there is none."""

    def __init__(self) -> None:
        self.descriptor: int | None = None
        self.found: dict[str, set[tuple[int, str]]] = {}
        self._watches: dict[int, str] = {}

    def begin(self) -> int | None:
        """A new inotify instance, for a new attempt to start the host."""
        self._watches, self.found = {}, {}
        try:
            self.descriptor = sc.inotify()
        except OSError:
            self.descriptor = None
        return self.descriptor

    def watching(self, watches: Mapping[str, list[int] | None]) -> None:
        """By channel, the watches of its directories; None where it is not watched."""
        for channel, numbers in watches.items():
            if numbers is not None:
                self.found[channel] = set()
                self._watches.update(dict.fromkeys(numbers, channel))

    def read(self) -> None:
        """Take what is there."""
        assert self.descriptor is not None
        try:
            data = os.read(self.descriptor, 1 << 16)
        except BlockingIOError:
            return
        for watch, mask, name in sc.inotify_events(data):
            channel = self._watches.get(watch)
            if channel is not None and name and not mask & sc.IN_ISDIR:
                self.found[channel].add((watch, os.fsdecode(name)))

    def close(self) -> None:
        """Take the rest and let it go."""
        if self.descriptor is not None:
            self.read()
            os.close(self.descriptor)
            self.descriptor = None


def total(hosts: Mapping[str, Opens]) -> dict[str, int]:
    """Files opened by channel, on the host that opened most of them."""
    counts: dict[str, int] = {}
    for opens in hosts.values():
        for channel, files in opens.found.items():
            counts[channel] = max(counts.get(channel, 0), len(files))
    return counts

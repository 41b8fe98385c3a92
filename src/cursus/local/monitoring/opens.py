"""Which files of a channel a host opened, as inotify tells it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from cursus.local.linux import syscalls as sc


class Opens:
    """The files that one host opened, by channel. ``descriptor`` is its inotify instance, None where there is none."""

    def __init__(self) -> None:
        self.descriptor: int | None = None
        self.found: dict[str, set[str]] = {}
        self._watches: dict[int, tuple[str, str]] = {}

    def begin(self) -> int | None:
        """A new inotify instance, for a new attempt to start the host."""
        self._watches, self.found = {}, {}
        try:
            self.descriptor = sc.inotify()
        except OSError:
            self.descriptor = None
        return self.descriptor

    def watching(self, watches: Mapping[str, list[int] | None], folders: Mapping[str, Sequence[str]]) -> None:
        """By channel, the watches of its directories, in the order of ``folders``; None where it is not watched."""
        for channel, numbers in watches.items():
            if numbers is not None:
                self.found[channel] = set()
                top = len(folders[channel][0]) + 1  # the channel's own directory comes first
                places = (folder[top:] + "/" if folder[top:] else "" for folder in folders[channel])
                self._watches.update(
                    {number: (channel, place) for number, place in zip(numbers, places, strict=True)}
                )

    def read(self) -> None:
        """Take what is there."""
        assert self.descriptor is not None
        try:
            data = os.read(self.descriptor, 1 << 16)
        except BlockingIOError:
            return
        for watch, mask, name in sc.inotify_events(data):
            place = self._watches.get(watch)
            if place is not None and name and not mask & sc.IN_ISDIR:
                self.found[place[0]].add(place[1] + os.fsdecode(name))

    def close(self) -> None:
        """Take the rest and let it go."""
        if self.descriptor is not None:
            self.read()
            os.close(self.descriptor)
            self.descriptor = None


def together(found: Iterable[Mapping[str, set[str]]]) -> dict[str, set[str]]:
    """The files that any of several hosts opened, by channel, named by their places in it."""
    files: dict[str, set[str]] = {}
    for opened in found:
        for channel, names in opened.items():
            files.setdefault(channel, set()).update(names)
    return files

"""Ranges of objects, read when somebody wants them, ahead of who reads on, and within a bound of memory.

The kernel keeps the pages of what was read, so that only what is on its way is kept here: for each open file the ranges
that were asked for. Who reads on from where he was gets ranges that double, two of them ahead; who jumps gets little
more than what he asked for.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from threading import Lock
from typing import Any

FIRST = 1 << 20
"""Bytes read at a file's beginning: most files of a data set are no longer."""
ELSEWHERE = 1 << 17
MOST = 8 << 20
LIMIT = 192 << 20
"""Bytes of ranges that are kept or on their way, of all files together; what a reader waits for comes on top."""
NEAR = 1 << 20
"""The kernel's own read-ahead asks out of order by no more than this."""

Get = Callable[[int, int, int], Any]
"""(node, start, end) → the bytes. Raises where they cannot be had."""


class Range:
    """Part of a file, which may still be on its way; ``waiting`` are those who want some of it."""

    __slots__ = ("data", "end", "error", "start", "waiting")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.data: memoryview | None = None
        self.error: Exception | None = None
        self.waiting: list[Wanted] = []

    @property
    def done(self) -> bool:
        """True where it has come, or never will."""
        return self.data is not None or self.error is not None


class Wanted:
    """What one request wants: told by ``ready`` when every range it needs is there."""

    __slots__ = ("end", "missing", "ranges", "ready", "start")

    def __init__(self, start: int, end: int, ready: Callable[[Wanted], None]) -> None:
        self.start = start
        self.end = end
        self.ready = ready
        self.ranges: list[Range] = []
        self.missing = 0

    @property
    def error(self) -> Exception | None:
        """Why it cannot be had."""
        return next((found.error for found in self.ranges if found.error is not None), None)

    def parts(self) -> list[memoryview]:
        """Its bytes, in order."""
        found = []
        for one in self.ranges:
            assert one.data is not None
            begin, end = max(self.start, one.start), min(self.end, one.end)
            found.append(one.data[begin - one.start : end - one.start])
        return found


class Content:
    """What is here of one file, for all who have it open."""

    __slots__ = ("handles", "node", "ranges", "size")

    def __init__(self, node: int, size: int) -> None:
        self.node = node
        self.size = size
        self.ranges: list[Range] = []
        self.handles: list[Handle] = []


class Handle:
    """One who has a file open, and how he reads it: where he would go on, and how much at a time."""

    __slots__ = ("ahead", "expected", "file")

    def __init__(self, file: Content) -> None:
        self.file = file
        self.expected = 0
        self.ahead = FIRST

    def near(self, found: Range) -> bool:
        """Whether he may still want it."""
        return found.end > self.expected - NEAR and found.start < self.expected + 3 * max(self.ahead, NEAR)


class Reader:
    """Reads for every open file; ``submit`` runs a function in another thread, ``get`` is called there."""

    def __init__(self, submit: Callable[..., Any], get: Get, limit: int = LIMIT) -> None:
        self._submit, self._get, self._limit = submit, get, limit
        self._lock = Lock()
        self.held = 0
        self._handles: dict[int, Handle] = {}
        self._files: dict[int, Content] = {}
        """By node, those longest unused first."""

    def open(self, handle: int, node: int, size: int) -> None:
        """A file was opened."""
        with self._lock:
            file = self._files.setdefault(node, Content(node, size))
            self._handles[handle] = Handle(file)
            file.handles.append(self._handles[handle])

    def close(self, handle: int) -> None:
        """It is no longer open there."""
        with self._lock:
            found = self._handles.pop(handle, None)
            if found is None:
                return
            found.file.handles.remove(found)
            if not found.file.handles:
                del self._files[found.file.node]
                for one in list(found.file.ranges):
                    self._drop(found.file, one)

    def want(self, handle: int, offset: int, size: int, ready: Callable[[Wanted], None]) -> None:
        """``ready`` is called with the bytes, in this thread where they are here, else in another one."""
        begun: list[tuple[int, Range]] = []
        with self._lock:
            who = self._handles.get(handle)
            end = 0 if who is None else min(who.file.size, offset + size)
            wanted = Wanted(offset, end, ready)
            if who is not None and offset < end:
                self._files[who.file.node] = self._files.pop(who.file.node)
                self._cover(who, wanted, begun)
                self._read_on(who, wanted, begun)
            at_once = wanted.missing == 0
        for node, found in begun:
            self._submit(self._fetch, node, found)
        if at_once:
            ready(wanted)

    # --- with the lock held -----------------------------------------------------------------------

    def _cover(self, who: Handle, wanted: Wanted, begun: list[tuple[int, Range]]) -> None:
        """Find or begin every range that ``wanted`` needs."""
        file = who.file
        if abs(wanted.start - who.expected) > NEAR:
            who.ahead = ELSEWHERE
        at = wanted.start
        for found in [*(one for one in file.ranges if one.error is None), None]:
            start = file.size if found is None else found.start
            if found is not None and found.end <= at:
                continue
            if at < min(start, wanted.end):
                length = max(wanted.end - at, who.ahead if self._room(who.ahead) else 0)
                new = self._begin(file, at, min(at + length, start), begun)
                wanted.ranges.append(new)
                at = new.end
            if at >= wanted.end or found is None:
                break
            wanted.ranges.append(found)
            at = found.end
        for found in wanted.ranges:
            if not found.done:
                found.waiting.append(wanted)
                wanted.missing += 1

    def _read_on(self, who: Handle, wanted: Wanted, begun: list[tuple[int, Range]]) -> None:
        """Forget what is behind, and begin what comes next where the file is read from one end on."""
        file = who.file
        sequential = wanted.start > 0 and abs(wanted.start - who.expected) <= NEAR
        who.expected = wanted.end
        for found in list(file.ranges):
            # What failed is asked for anew.
            if found.done and (found.error is not None or not any(one.near(found) for one in file.handles)):
                self._drop(file, found)
        while sequential:
            at, following = wanted.end, file.size
            for found in file.ranges:
                if found.start > at:
                    following = found.start
                    break
                at = max(at, found.end)
            length = min(2 * who.ahead, MOST, following - at)
            if length <= 0 or at - wanted.end >= 2 * who.ahead or not self._room(length):
                return
            who.ahead = min(2 * who.ahead, MOST)
            self._begin(file, at, at + length, begun)

    def _begin(self, file: Content, start: int, end: int, begun: list[tuple[int, Range]]) -> Range:
        found = Range(start, end)
        self.held += end - start
        begun.append((file.node, found))
        insort(file.ranges, found, key=lambda one: one.start)
        return found

    def _drop(self, file: Content, found: Range) -> None:
        file.ranges.remove(found)
        self.held -= found.end - found.start

    def _room(self, length: int) -> bool:
        """Whether there is room: made, if need be, of what files hold that were not read for the longest time."""
        if self.held + length <= self._limit:
            return True
        for file in list(self._files.values())[:-1]:
            for found in [one for one in file.ranges if one.done]:
                self._drop(file, found)
            if self.held + length <= self._limit:
                return True
        return False

    # --- in another thread ------------------------------------------------------------------------

    def _fetch(self, node: int, found: Range) -> None:
        try:
            data = memoryview(self._get(node, found.start, found.end)).cast("B")
            if len(data) != found.end - found.start:
                raise OSError(f"{found.end - found.start} bytes were asked for, and {len(data)} came")
            error = None
        except Exception as failure:
            data, error = None, failure
        with self._lock:
            found.data, found.error = data, error
            ready = []
            for wanted in found.waiting:
                wanted.missing -= 1
                if wanted.missing == 0:
                    ready.append(wanted)
            found.waiting = []
        for wanted in ready:
            wanted.ready(wanted)

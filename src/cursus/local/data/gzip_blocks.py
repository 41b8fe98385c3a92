"""A gzip file written by several threads: each reads its own block of the input and compresses it.

One member, so that every reader takes it. isal.igzip_threaded does the same for a stream; here large files never
pass through Python, which saves a third of the processor's time: each thread has its buffer, and the kernel fills it.
https://www.rfc-editor.org/rfc/rfc1952
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from threading import local
from types import TracebackType
from typing import Any, cast

BLOCK = 1 << 20
LEVEL = 1
THOROUGH = 6
"""gzip's own level, and tar's: for blocks where the fast level leaves much more than that."""
DENSE, TINY = 0.75, 0.005
"""Parts of a block's size. Weights stay above the first, and the two levels agree on them within two percent; text,
sparse and quantised numbers come below it, where they differ by a tenth or a fifth. Below the second there is nothing
to gain."""
SAMPLE, WORTH = 1 << 15, 0.97
RAW = -15


class BlockWriter:
    """Writes a gzip file at ``path``. Use it as a context; after an error the file is not whole. Raises OSError."""

    def __init__(self, path: str, threads: int) -> None:
        from isal import isal_zlib

        self._zlib: Any = cast(Any, isal_zlib)
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115
        self._pool = ThreadPoolExecutor(threads)
        self._most = 2 * threads + 1
        self._pending: deque[Future[tuple[bytes, bytes, int, int]]] = deque()
        self._own = local()
        self._collected = bytearray()
        self._crc = self._size = 0
        self._put(struct.pack("<BBBBIBB", 0x1F, 0x8B, 8, 0, 0, 4, 255))

    def write(self, data: bytes) -> None:
        """Add a few bytes: they wait until there is a block of them."""
        self._collected += data
        if len(self._collected) >= BLOCK:
            self._flush()

    def copy(self, descriptor: int, length: int) -> None:
        """Add the first ``length`` bytes of a file, which has to stay open until ``drain`` or the end."""
        self._flush()
        for start in range(0, length, BLOCK):
            self._add(self._pool.submit(self._block, descriptor, start, min(BLOCK, length - start)))

    def drain(self) -> None:
        """Wait for everything that was added."""
        self._flush()
        while self._pending:
            self._take()

    def _flush(self) -> None:
        if self._collected:
            data = bytes(self._collected)
            self._collected.clear()
            self._add(self._pool.submit(self._compress, data))

    def _add(self, block: Future[tuple[bytes, bytes, int, int]]) -> None:
        self._pending.append(block)
        if len(self._pending) > self._most:
            self._take()

    def _take(self) -> None:
        first, last, crc, length = self._pending.popleft().result()
        self._put(first)
        self._put(last)
        self._crc = self._zlib.crc32_combine(self._crc, crc, length)
        self._size += length

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def _block(self, descriptor: int, start: int, length: int) -> tuple[bytes, bytes, int, int]:
        buffer = getattr(self._own, "buffer", None)
        if buffer is None:
            buffer = self._own.buffer = memoryview(bytearray(BLOCK))
        done = 0
        while done < length:
            count = os.preadv(descriptor, [buffer[done:length]], start + done)
            if count == 0:
                raise OSError("a file became shorter while it was read")
            done += count
        return self._compress(buffer[:length])

    def _compress(self, data: bytes | memoryview) -> tuple[bytes, bytes, int, int]:
        found = _deflate(self._zlib, data, LEVEL)
        size = len(found[0]) + len(found[1])
        if TINY * len(data) < size < DENSE * len(data) and self._gains(data):
            found = _deflate(zlib, data, THOROUGH)
        return *found, self._zlib.crc32(data), len(data)

    def _gains(self, data: bytes | memoryview) -> bool:
        """Whether the slow search finds much that the fast one does not: seen on a part of the block."""
        start = max(0, len(data) // 2 - SAMPLE // 2)
        part = data[start : start + SAMPLE]
        fast, slow = (
            sum(map(len, _deflate(*how))) for how in ((self._zlib, part, LEVEL), (zlib, part, THOROUGH))
        )
        return slow < WORTH * fast

    def __enter__(self) -> BlockWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.drain()
                self._put(b"\x03\x00" + struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._file.close()


def _deflate(library: Any, data: bytes | memoryview, level: int) -> tuple[bytes, bytes]:
    """One block of a stream, ended at a byte."""
    compressor = library.compressobj(level=level, wbits=RAW)
    return compressor.compress(data), compressor.flush(library.Z_SYNC_FLUSH)

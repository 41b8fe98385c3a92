"""``/opt/ml/model`` → ``model.tar.gz``, ``/opt/ml/output/data`` → ``output.tar.gz``, and both to where S3 stands.

A regular file, a directory and a link that stays inside are kept. A link that leads out of the directory
becomes what it points to, where that is below ``/opt/ml``, and is left out elsewhere; sockets, FIFOs and
devices are left out. What was left out is told.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from cursus.local import storage
from cursus.local.data.files import clone
from cursus.local.linux.disk import reason, whole

if TYPE_CHECKING:
    from cursus.local.data.gzip_blocks import BlockWriter

Entry = tuple[str, str, os.stat_result]
"""Name inside the directory, path on this machine, lstat of what is to be stored."""


class Collected(NamedTuple):
    """What a directory holds, and what of it cannot be stored (name, reason)."""

    entries: list[Entry]
    left_out: list[tuple[str, str]]


def collect(folder: str, ml: str) -> Collected:
    """Everything below ``folder`` in sorted order, directories before what is in them."""
    entries: list[Entry] = []
    left_out: list[tuple[str, str]] = []
    for name, path in _walk(folder, left_out):
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                target = _inside(path, folder, ml)
                if target is None:
                    left_out.append((name, f"a link to {os.readlink(path)}, outside"))
                    continue
                if target != path:
                    path, status = target, os.stat(target)
            if not (
                stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) or stat.S_ISLNK(status.st_mode)
            ):
                left_out.append((name, _kind(status.st_mode)))
                continue
            if stat.S_ISREG(status.st_mode) and not os.access(path, os.R_OK):
                os.chmod(path, 0o600)
        except OSError as error:
            left_out.append((name, reason(error)))
            continue
        entries.append((name, path, status))
    return Collected(entries, left_out)


def _walk(folder: str, left_out: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    pending = [""]
    while pending:
        inner = pending.pop()
        directory = os.path.join(folder, inner) if inner else folder
        try:
            try:
                names = sorted(os.listdir(directory))
            except PermissionError:
                os.chmod(directory, 0o700)  # the script took its own directory's permissions away
                names = sorted(os.listdir(directory))
        except OSError as error:
            if inner:
                left_out.append((inner, reason(error)))
            continue
        below: list[str] = []
        for found in names:
            name = os.path.join(inner, found)
            path = os.path.join(directory, found)
            yield name, path
            if os.path.isdir(path) and not os.path.islink(path):
                below.append(name)
        pending.extend(reversed(below))


def _inside(path: str, folder: str, ml: str) -> str | None:
    """What a link stands for: itself where it stays inside ``folder``, else its target below ``ml``, else None."""
    text = os.readlink(path)
    if text.startswith("/opt/ml/") or text == "/opt/ml":
        target = ml + text[len("/opt/ml") :]
    elif text.startswith("/"):
        return None
    else:
        target = os.path.join(os.path.dirname(path), text)
        real = os.path.realpath(target)
        if real.startswith(os.path.realpath(folder) + "/"):
            return path
    real = os.path.realpath(target)
    return real if real.startswith(os.path.realpath(ml) + "/") and os.path.isfile(real) else None


def _kind(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return "a socket"
    if stat.S_ISFIFO(mode):
        return "a FIFO"
    return "a device"


def pack(collected: Collected, target: str, threads: int = 1) -> None:
    """Write a ``tar.gz``. It appears under its name only when it is whole. Raises OSError."""
    import tarfile

    from cursus.local.data.gzip_blocks import BlockWriter

    seen: dict[tuple[int, int], str] = {}
    with whole(target) as part, BlockWriter(part, threads) as stream:
        for name, path, status in collected.entries:
            _add(stream, name, path, status, seen)
        stream.write(b"\0" * 2 * tarfile.BLOCKSIZE)


SMALL = 1 << 17
"""Bytes up to which a file is read at once: it shares its block with others."""


def _add(
    stream: BlockWriter, name: str, path: str, status: os.stat_result, seen: dict[tuple[int, int], str]
) -> None:
    import tarfile

    info = tarfile.TarInfo(name)
    info.mode = stat.S_IMODE(status.st_mode)
    info.mtime = int(status.st_mtime)
    info.uname = info.gname = "root"
    if stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(status.st_mode):
        info.type = tarfile.SYMTYPE
        info.linkname = os.readlink(path)
    else:
        first = seen.setdefault((status.st_dev, status.st_ino), name) if status.st_nlink > 1 else name
        if first != name:
            info.type = tarfile.LNKTYPE
            info.linkname = first
        else:
            info.size = status.st_size
    stream.write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
    if not info.size:
        return
    with open(path, "rb", buffering=0) as file:
        if info.size <= SMALL:
            data = file.read(info.size)
            if len(data) != info.size:
                raise OSError(f"{path} became shorter while it was read")
            stream.write(data)
        else:
            stream.copy(file.fileno(), info.size)
            stream.drain()
    stream.write(b"\0" * (-info.size % tarfile.BLOCKSIZE))


def place(source: str, target: str) -> None:
    """Put an archive of ours at its place in the local store, sharing its bytes where that is possible."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with whole(target) as part:
        try:
            os.link(source, part)
        except OSError:
            clone(source, part)


def upload_tree(collected: Collected, target: str) -> None:
    """CompressionType NONE: the files themselves, below ``target``."""
    for name, path, status in collected.entries:
        place = os.path.join(target, name)
        if stat.S_ISDIR(status.st_mode):
            os.makedirs(place, exist_ok=True)
        elif os.path.isfile(path):
            storage.put(os.path.realpath(path), place)


def listing(collected: Collected) -> list[dict[str, Any]]:
    """The files of a directory as JSON data: path and size."""
    return [
        {"path": name, "size": status.st_size}
        for name, _, status in collected.entries
        if stat.S_ISREG(status.st_mode)
    ]

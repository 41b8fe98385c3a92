"""Input channels: where a channel's data is on this machine, and how it gets into a host.

A File mode channel is writable for the script, and the user's files never change: the host sees an overlay
of them where the machine allows one, and else a copy.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class ChannelError(Exception):
    """A channel whose data cannot be had; the text is the job's FailureReason."""


class Source(NamedTuple):
    """A channel's data here.

    ``folder`` is set where the channel is exactly one directory; otherwise ``files`` maps paths inside the
    channel to files. ``uri`` is what the request calls it.
    """

    channel: str
    uri: str
    folder: str | None
    files: dict[str, str]


def resolve(channel: Mapping[str, Any], local: Mapping[str, str], root: str) -> Source:
    """Find the data of one member of InputDataConfig.

    A path given for the channel's name comes first, then ``<root>/s3/<bucket>/<key>``, where the key is a
    prefix of strings, as S3 has it.

    Raises:
        ChannelError: nothing is there.
    """
    name = channel["ChannelName"]
    place = (channel.get("DataSource") or {}).get("S3DataSource") or {}
    uri = str(place.get("S3Uri", ""))
    given = local.get(name)
    if given is not None:
        return _given(name, uri, os.path.realpath(os.path.expanduser(given)))
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise ChannelError(f"ClientError: Data download failed:channel {name} has no S3Uri and no local path")
    return _stored(
        name, uri, os.path.join(root, "s3", parts.netloc), uri[len("s3://") + len(parts.netloc) + 1 :]
    )


def _given(name: str, uri: str, path: str) -> Source:
    if os.path.isdir(path):
        with os.scandir(path) as entries:
            if next(entries, None) is None:
                raise ChannelError(f"ClientError: Data download failed:{path} (channel {name}) holds no file")
        return Source(name, uri or path, path, {})
    if os.path.isfile(path):
        return Source(name, uri or path, None, {os.path.basename(path): path})
    raise ChannelError(f"ClientError: Data download failed:{path} (channel {name}) does not exist")


def _stored(name: str, uri: str, bucket: str, prefix: str) -> Source:
    """Objects of the local store whose key begins with ``prefix``."""
    parent, _, stem = prefix.rpartition("/")
    folder = os.path.join(bucket, parent) if parent else bucket
    inside = os.path.realpath(folder)
    within = inside == os.path.realpath(bucket) or inside.startswith(os.path.realpath(bucket) + "/")
    matches: list[str] = []
    if within and os.path.isdir(folder):
        with os.scandir(folder) as entries:
            matches = sorted(e.name for e in entries if e.name.startswith(stem) and not e.is_symlink())
    if not stem and matches:
        return Source(name, uri, inside, {})
    if matches == [stem] and os.path.isdir(os.path.join(folder, stem)):
        whole = os.path.join(inside, stem)
        if os.listdir(whole):
            return Source(name, uri, whole, {})
    files: dict[str, str] = {}
    for match in matches:
        path = os.path.join(folder, match)
        if os.path.isdir(path):
            base = "" if match == stem else match
            for directory, _, names in os.walk(path):
                for file in names:
                    found = os.path.join(directory, file)
                    if not os.path.islink(found):
                        files[os.path.join(base, os.path.relpath(found, path))] = found
        else:
            files[match] = path
    if not files:
        raise ChannelError(f"ClientError: Data download failed:S3 key: {uri} matched no files on s3")
    return Source(name, uri, None, files)


def size(source: Source) -> int:
    """Bytes of a channel's data."""
    if source.folder is None:
        return sum(os.path.getsize(path) for path in source.files.values())
    return tree_size(source.folder)


def tree_size(folder: str) -> int:
    """Bytes of all regular files below ``folder``."""
    total = 0
    for directory, _, names in os.walk(folder):
        for name in names:
            try:
                found = os.lstat(os.path.join(directory, name))
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode):
                total += found.st_size
    return total


def copy(source: Source, target: str) -> None:
    """Copy a channel's data into ``target``, sharing blocks with the original where the file system can.

    Raises:
        ChannelError: the disk is full, or a file cannot be read.
    """
    try:
        if source.folder is not None:
            shutil.copytree(source.folder, target, symlinks=True, copy_function=clone, dirs_exist_ok=True)
        for name, path in source.files.items():
            place = os.path.join(target, name)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            clone(path, place)
    except shutil.Error as error:
        raise ChannelError(f"ClientError: Data download failed:{error.args[0][0][2]}") from error
    except OSError as error:
        text = os.strerror(error.errno) if error.errno else str(error)
        if error.errno == errno.ENOSPC:
            text = f"Insufficient disk space for channel {source.channel}"
        raise ChannelError(f"ClientError: Data download failed:{text}") from error


_FICLONE = 0x40049409


def clone(source: str, target: str, *, follow_symlinks: bool = True) -> str:
    """Copy one file: by sharing its blocks where possible, else byte by byte. The copy can be written to."""
    if not follow_symlinks and os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return target
    import fcntl

    with open(source, "rb") as original, open(target, "wb") as duplicate:
        try:
            fcntl.ioctl(duplicate.fileno(), _FICLONE, original.fileno())
        except OSError:
            shutil.copyfileobj(original, duplicate, 1 << 20)
        mode = os.fstat(original.fileno()).st_mode
        os.fchmod(duplicate.fileno(), stat.S_IMODE(mode) | stat.S_IWUSR)
    shutil.copystat(source, target)
    os.chmod(target, stat.S_IMODE(mode) | stat.S_IWUSR)
    return target

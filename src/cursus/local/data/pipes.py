"""Pipe mode: a channel as FIFOs, ``<channel>_<epoch>``, one for each time that the script reads it.

A feeder is a process outside the host. It waits until a reader opens the FIFO of an epoch, makes the next one,
sends the channel's data and closes. A reader that goes before the end has had its epoch; one that never comes
costs nothing. Several readers of one FIFO share its data, as the kernel deals it out.
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast

from cursus.local import contract
from cursus.local.channels import Part, Source
from cursus.local.data import recordio, sharding
from cursus.local.linux import descriptors
from cursus.local.linux.children import end

CHUNK = 1 << 20


class Feed(NamedTuple):
    """What one host's FIFOs of a channel carry.

    ``share`` of ``shares`` is the host's among those that the channel is dealt out to; ``shares`` is 1 where each
    gets everything.
    """

    channel: str
    folder: str
    parts: Sequence[Sequence[Part]]
    gzip: bool
    recordio: bool
    seed: int | None
    share: int
    shares: int


def feeds(sources: Sequence[Source], request: Mapping[str, Any], host: str, folder: str) -> list[Feed]:
    """The feeds of a host's Pipe mode channels. ``folder`` is its ``input/data``."""
    members = contract.channels(request)
    found = []
    for source in sources:
        member = members.get(source.channel, {})
        takers = sharding.takers(request, member)
        if source.mode == "Pipe" and host in takers and source.parts:
            sharded = sharding.is_sharded(member)
            found.append(
                Feed(
                    source.channel,
                    folder,
                    source.parts,
                    member.get("CompressionType") == "Gzip",
                    member.get("RecordWrapperType") == "RecordIO",
                    sharding.seed_of(member),
                    takers.index(host) if sharded else 0,
                    len(takers) if sharded else 1,
                )
            )
    return found


def path_of(feed: Feed, epoch: int) -> str:
    """The FIFO of one epoch."""
    return os.path.join(feed.folder, f"{feed.channel}_{epoch}")


class Feeder(NamedTuple):
    """A running feeder: its process, and where it tells why it failed."""

    pid: int
    errors: int


def start(feed: Feed) -> Feeder:
    """Make the first FIFO and start its feeder. Call it from the thread that lives as long as the job."""
    os.mkfifo(path_of(feed, 0), 0o666)
    os.chmod(path_of(feed, 0), 0o666)
    read, write = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            descriptors.leave((write,))
            if os.getppid() == parent:
                _run(feed)
        except BaseException as error:
            os.write(write, json.dumps(f"{type(error).__name__}: {error}").encode())
        finally:
            os._exit(1)
    os.close(write)
    return Feeder(pid, read)


def _run(feed: Feed) -> None:
    epoch = 0
    while True:
        path = path_of(feed, epoch)
        descriptor = os.open(path, os.O_WRONLY)  # until a reader comes
        following = path_of(feed, epoch + 1)
        os.mkfifo(following, 0o666)
        os.chmod(following, 0o666)
        descriptors.enlarge(descriptor)
        with suppress(BrokenPipeError):  # the reader has seen enough
            for record in epoch_of(feed, epoch):
                for part in record:
                    _send(feed, part, descriptor)
        with suppress(FileNotFoundError):
            os.unlink(
                path
            )  # before the end is seen: who opens this epoch again is told, and does not wait forever
        os.close(descriptor)
        epoch += 1


def epoch_of(feed: Feed, epoch: int) -> list[Sequence[Part]]:
    """What a host is sent in one epoch, in its order: shuffled first, then dealt out, so that shares change too."""
    return sharding.part(sharding.shuffled(feed.parts, feed.seed, epoch), feed.share, feed.shares)


def _send(feed: Feed, part: Part, descriptor: int) -> None:
    kind, value = part
    if kind == "text":
        data = value.encode()
        descriptors.write_all(descriptor, recordio.wrap(data) if feed.recordio else data)
    elif feed.gzip:
        _send_decompressed(feed, value, descriptor)
    else:
        with open(value, "rb") as file:
            length = os.fstat(file.fileno()).st_size
            if feed.recordio:
                descriptors.write_all(descriptor, recordio.header(length))
            sent = 0
            while sent < length:
                count = os.sendfile(descriptor, file.fileno(), sent, min(length - sent, 1 << 30))
                if count == 0:
                    raise OSError(f"{value} became shorter while it was read")
                sent += count
            if feed.recordio:
                descriptors.write_all(descriptor, recordio.padding(length))


def _send_decompressed(feed: Feed, path: str, descriptor: int) -> None:
    if not feed.recordio:
        for chunk in _decompressed(path):
            descriptors.write_all(descriptor, chunk)
        return
    length = sum(len(chunk) for chunk in _decompressed(path))  # the length stands before the bytes
    descriptors.write_all(descriptor, recordio.header(length))
    for chunk in _decompressed(path):
        descriptors.write_all(descriptor, chunk)
    descriptors.write_all(descriptor, recordio.padding(length))


def _decompressed(path: str) -> Iterator[bytes]:
    from isal import igzip

    opened: Any = cast(Any, igzip).open
    try:
        with opened(path, "rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except (igzip.BadGzipFile, EOFError) as error:
        raise ValueError(f"{path} is no gzip file, and CompressionType is Gzip: {error}") from error


def failure(feeder: Feeder, channel: str) -> str | None:
    """Why a feeder ended; None where it was ended. It has to be readable: call it when ``errors`` is."""
    data = b""
    while chunk := os.read(feeder.errors, 65536):
        data += chunk
    if not data:
        return None
    return f"ClientError: Data download failed:channel {channel}: {json.loads(data)}"


def stop(feeder: Feeder) -> None:
    """End it and collect it."""
    end(feeder.pid)
    os.close(feeder.errors)

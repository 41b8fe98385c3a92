"""A job's input data, from the store into its hosts: found once, dealt out, shown, fed and let go."""

from __future__ import annotations

import os
import select
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cursus.local import channels, pipes, storage
from cursus.local.mounts import ML, Overlay

if TYPE_CHECKING:
    from cursus.local.hosts import Host
    from cursus.local.supervisor import Supervisor


def gather(job: Supervisor) -> list[channels.Source]:
    """Find the data of every channel; from S3 it is brought here first. Runs the job's deadlines meanwhile.

    Raises:
        ChannelError: there is none.
        StoppedEarlyError: the job was stopped.
    """
    sources = []
    request, local = job.request, job.plan["channels"]
    for channel in request.get("InputDataConfig") or ():
        root = job.plan["root"]
        if job.plan.get("store") and channel["ChannelName"] not in local:
            root = _bring(job, channel)
        source = channels.resolve(channel, local, root, channels.input_mode(channel, request))
        note(job, source.notes)
        sources.append(source)
        job.breathe()
    config = job.plan.get("checkpoints")
    if job.plan.get("store") and config and not job.starts.ended:
        fetch(job, [config["uri"]], exact=False)
    archive = job.plan.get("source_archive")
    if archive and not job.plan["source"]:
        job.plan["source"] = _unpack(job, archive)
    return sources


def note(job: Supervisor, sentences: Sequence[str]) -> None:
    """Name what is not reproduced, once."""
    known = job.facts["not_reproduced"]
    known += [sentence for sentence in dict.fromkeys(sentences) if sentence not in known]


# --- from S3 ----------------------------------------------------------------------------------------


def _bring(job: Supervisor, channel: dict[str, Any]) -> str:
    """Mirror what a channel names into the job's folder; where it is a store now."""
    place = (channel.get("DataSource") or {}).get("S3DataSource") or {}
    uri, kind = str(place.get("S3Uri", "")), place.get("S3DataType", "S3Prefix")
    root = os.path.join(job.folder, "download")
    fetch(job, [uri], exact=kind != "S3Prefix")
    if kind != "S3Prefix":
        fetch(job, sorted(channels.named_by_manifest(channel, root)), exact=True)
    if channels.input_mode(channel, job.request) != "File":
        note(
            job,
            [
                f"channel {channel['ChannelName']}: its objects were downloaded from S3 before the script began"
            ],
        )
    return root


def fetch(job: Supervisor, uris: Sequence[str], *, exact: bool) -> None:
    """Bring objects from S3 to ``<job>/download``, in a process that a stop of the job ends. Raises ChannelError."""
    from cursus.local.transfer import Transfer

    known: set[str] = job.facts.setdefault("brought", set())
    wanted = [uri for uri in uris if uri not in known]
    if not wanted:
        return  # another channel's, or an earlier start's
    work = {"store": job.plan["store"], "region": job.plan["region"], "down": wanted, "exact": exact}
    transfer = Transfer({**work, "root": os.path.join(job.folder, "download")})
    try:
        while not select.select([transfer.descriptor], [], [], 0)[0]:
            job.breathe(0.05)
        note(job, transfer.result()["notes"])
        known.update(wanted)
    except storage.StoreError as error:
        raise channels.ChannelError(f"ClientError: Data download failed:{error}") from error
    finally:
        transfer.stop()


def _unpack(job: Supervisor, uri: str) -> str:
    from cursus.local.source_archive import ArchiveError, unpack

    root = job.plan["root"]
    if job.plan.get("store"):
        root = os.path.join(job.folder, "download")
        fetch(job, [uri], exact=True)
    path = storage.find(root, uri)
    if path is None:
        raise channels.ChannelError(f"ClientError: source archive {uri} is not in the store")
    target = os.path.join(job.folder, "source")
    try:
        unpack(path, target)
    except ArchiveError as error:
        raise channels.ChannelError(f"ClientError: source archive {uri}: {error}") from error
    return target


# --- into a host ------------------------------------------------------------------------------------


class Inputs:
    """What one host gets of the job's channels."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.data = os.path.join(host.ml, "input", "data")
        self.sources: list[channels.Source] = []
        self.feeders: list[pipes.Feeder] = []
        self._copied: set[str] = set()

    def prepare(self, sources: Sequence[channels.Source]) -> None:
        """Take the host's share, and make what is not data: directories, manifests, FIFOs."""
        owner = self.host.owner
        self.sources = channels.for_host(sources, owner.request, self.host.name)
        os.makedirs(self.data, exist_ok=True)
        for source in self.sources:
            if source.mode != "Pipe":
                os.makedirs(os.path.join(self.data, source.channel), exist_ok=True)
            channels.manifest_file(source, self.data)
        for feed in pipes.feeds(self.sources, owner.request, self.host.name, self.data):
            feeder = pipes.start(feed)
            self.feeders.append(feeder)
            owner._on(feeder.errors, partial(self._failed, feeder, feed.channel))

    def _failed(self, feeder: pipes.Feeder, channel: str) -> None:
        owner = self.host.owner
        owner._off(feeder.errors)
        reason = pipes.failure(feeder, channel)
        if reason is not None and owner.stopping is None:
            owner.state.setdefault("failure_reason", reason)
            owner._kill_all()

    def overlays(self) -> list[Overlay]:
        """The channels that are shown through an overlay; those that cannot be are copied."""
        found: list[Overlay] = []
        for source in self._filed():
            farm = self.host._layer("files-" + source.channel)
            lower = channels.lower(source, farm)
            if lower is None:
                self._copy(source)
                continue
            layer = self.host._layer("channel-" + source.channel)
            upper = os.path.join(layer, "upper")
            channels.place_linked(source, upper)
            target = f"{ML}/input/data/{source.channel}"
            found.append(Overlay(lower, target, layer, source.hidden, source.read_only))
            if os.geteuid() not in (0, os.stat(lower).st_uid):
                note(
                    self.host.owner,
                    [
                        f"writing to the files of channel {source.channel}: they are another user's, "
                        "so that the script can only read them"
                    ],
                )
        return found

    def copy(self) -> None:
        """Copy every channel that is not yet."""
        for source in self._filed():
            self._copy(source)

    def _copy(self, source: channels.Source) -> None:
        if source.channel not in self._copied:
            self._copied.add(source.channel)
            if source.read_only:
                note(
                    self.host.owner,
                    [f"channel {source.channel} is read-only on SageMaker: here it is a copy"],
                )
            channels.copy(source, os.path.join(self.data, source.channel))

    def _filed(self) -> list[channels.Source]:
        return [
            source for source in self.sources if source.mode != "Pipe" and (source.folder or source.files)
        ]

    def linked(self, channel: str) -> frozenset[str]:
        """The files of a channel that were put at the place of links before the script began."""
        return frozenset(
            name for source in self.sources if source.channel == channel for name in source.linked
        )

    def watched(self, data: str) -> dict[str, list[str]]:
        """The directories of each channel of files, below ``data``, where they are seen."""
        return {
            source.channel: [
                os.path.join(data, source.channel, name).rstrip("/") for name in channels.directories(source)
            ]
            for source in self._filed()
        }

    def close(self) -> None:
        """End the feeders."""
        for feeder in self.feeders:
            self.host.owner._off(feeder.errors)
            pipes.stop(feeder)
        self.feeders = []

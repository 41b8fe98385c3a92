"""A job's input data, from the store into its hosts: found once, dealt out, shown, fed and let go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cursus.local import channels, contract, storage
from cursus.local.data import pipes
from cursus.local.isolation.mounts import ML, Overlay

if TYPE_CHECKING:
    from cursus.local.lifecycle.hosts import Host
    from cursus.local.s3.ondemand import Server
    from cursus.local.supervisor import Supervisor


def gather(job: Supervisor) -> list[channels.Source]:
    """Find the data of every channel; from S3 it is brought here first. Runs the job's deadlines meanwhile.

    Raises:
        ChannelError: there is none.
        StoppedEarlyError: the job was stopped.
    """
    sources = []
    for channel in job.request.get("InputDataConfig") or ():
        source = _on_demand(job, channel)
        if source is None:
            root = job.plan["root"]
            if job.plan.get("store") and channel["ChannelName"] not in job.plan["channels"]:
                root = _bring(job, channel)
            mode = channels.input_mode(channel, job.request)
            source = channels.resolve(channel, job.plan["channels"], root, mode)
        job.notes += source.notes
        sources.append(source)
        job.breathe()
    job.checkpoints.bring()
    archive = job.plan.get("source_archive")
    if archive and not job.plan["source"]:
        job.plan["source"] = _unpack(job, archive)
    return sources


# --- from S3 ----------------------------------------------------------------------------------------


def _on_demand(job: Supervisor, channel: dict[str, Any]) -> channels.Source | None:
    """A channel in FastFile mode from S3, its objects listed alone; None where its data has to be here."""
    place = contract.s3_source(channel)
    name, uri = channel["ChannelName"], str(place.get("S3Uri", ""))
    if (
        channels.input_mode(channel, job.request) != "FastFile"
        or not job.plan.get("store")
        or name in job.plan["channels"]
        or place.get("S3DataType", "S3Prefix") != "S3Prefix"
    ):
        return None
    from cursus.local.s3 import ondemand

    if "no_fuse" not in job.facts:
        job.facts["no_fuse"] = ondemand.refusal(job.plan["level"])
    if job.facts["no_fuse"] is not None:
        return None
    found = transfer(job, {"list": uri})
    job.notes += [f"channel {name}: {sentence}" for sentence in found["notes"]]
    if not found["objects"]:
        raise channels.matched_nothing(uri)
    objects = {inner: channels.Object(*rest) for inner, *rest in found["objects"]}
    return channels.Source(name, uri, None, {}, mode="FastFile", read_only=True, objects=objects)


def _bring(job: Supervisor, channel: dict[str, Any]) -> str:
    """Mirror what a channel names into the job's folder; where it is a store now."""
    place = contract.s3_source(channel)
    uri, kind = str(place.get("S3Uri", "")), place.get("S3DataType", "S3Prefix")
    root = os.path.join(job.folder, "download")
    fetch(job, [uri], exact=kind != "S3Prefix")
    if kind != "S3Prefix":
        fetch(job, sorted(channels.named_by_manifest(channel, root)), exact=True)
    mode = channels.input_mode(channel, job.request)
    if mode != "File":
        why = f": {job.facts['no_fuse']}" if mode == "FastFile" and job.facts.get("no_fuse") else ""
        name = channel["ChannelName"]
        job.notes.append(f"channel {name}: its objects were downloaded from S3 before the script began{why}")
    return root


def fetch(job: Supervisor, uris: Sequence[str], *, exact: bool) -> None:
    """Bring objects from S3 to ``<job>/download``, in a process that a stop of the job ends. Raises ChannelError."""
    known: set[str] = job.facts.setdefault("brought", set())
    wanted = [uri for uri in uris if uri not in known]
    if not wanted:
        return  # another channel's, or an earlier start's
    work = {"down": wanted, "exact": exact, "root": os.path.join(job.folder, "download")}
    job.notes += transfer(job, work)["notes"]
    known.update(wanted)


def transfer(job: Supervisor, work: dict[str, Any]) -> dict[str, Any]:
    """What a transfer came to, which a stop of the job ends. Raises ChannelError, StoppedEarlyError."""
    from cursus.local.s3.transfer import carried

    try:
        return carried(
            {**work, "store": job.plan["store"], "region": job.plan["region"]}, lambda: job.breathe(0.05)
        )
    except storage.StoreError as error:
        raise channels.DownloadError(f"{error}") from error


def _unpack(job: Supervisor, uri: str) -> str:
    from cursus.local.data.source_archive import ArchiveError, unpack

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
        self._server: Server | None = None
        self.sender: int | None = None
        """The socket by which what is mounted for the host is handed over to who serves it."""

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
            owner.watch(feeder.errors, partial(self._failed, feeder, feed.channel))

    def _failed(self, feeder: pipes.Feeder, channel: str) -> None:
        owner = self.host.owner
        owner.forget(feeder.errors)
        reason = pipes.failure(feeder, channel)
        if reason is not None and owner.stopping is None:
            owner.state.setdefault("failure_reason", reason)
            owner.cluster.kill()

    # --- read on demand ---------------------------------------------------------------------------

    def remote(self) -> tuple[str, ...]:
        """The channels that the host has to mount, with somebody there who serves them."""
        sources = [source for source in self.sources if source.objects]
        if not sources:
            return ()
        if self._server is None:
            from cursus.local.s3.ondemand import Server

            plan = self.host.owner.plan
            self._server = Server(plan["store"], plan["region"], sources)
            self.sender = self._server.sender
            self.host.owner.watch(self._server.descriptor, self._heard)
        return tuple(source.channel for source in sources)

    def download(self, reason: str) -> None:
        """Bring here what cannot be read on demand after all. Raises ChannelError, StoppedEarlyError."""
        owner = self.host.owner
        self.abandon()
        for number, source in enumerate(self.sources):
            if not source.objects:
                continue
            owner.facts["no_fuse"] = reason
            member = next(
                one for one in owner.request["InputDataConfig"] if one["ChannelName"] == source.channel
            )
            whole = channels.resolve(member, {}, _bring(owner, member), source.mode)
            self.sources[number] = channels.for_host([whole], owner.request, self.host.name)[0]

    def _heard(self) -> None:
        assert self._server is not None
        facts = self._server.read()
        if facts is None:
            self.abandon()
            self._say("cursus: FastFile: what serves the channels has ended: their files cannot be read")
            return
        self._take(facts)

    def _take(self, facts: list[dict[str, Any]]) -> None:
        opened = self.host.opens.found
        for fact in facts:
            if "mounted" in fact:
                opened.setdefault(fact["mounted"], set())
            elif "opened" in fact:
                channel, name = fact["opened"]
                opened.setdefault(channel, set()).add(name)
            elif "failed" in fact:
                channel, uri, why = fact["failed"]
                self._say(f"cursus: FastFile: {uri} of channel {channel} cannot be read: {why}")
            for channel, count in fact.get("read", {}).items():
                total = self.host.owner.facts.setdefault("read_on_demand", {})
                total[channel] = total.get(channel, 0) + count

    def _say(self, line: str) -> None:
        if self.host.log is not None:
            self.host.log.say(line)

    def abandon(self) -> None:
        """End who serves the channels: what still waits for them gets an error."""
        if self._server is not None:
            server, self._server, self.sender = self._server, None, None
            self.host.owner.forget(server.descriptor)
            self._take(server.end())

    # --- in the host's file system ----------------------------------------------------------------

    def overlays(self) -> list[Overlay]:
        """The channels that are shown through an overlay; those that cannot be are copied."""
        found: list[Overlay] = []
        for source in self._filed():
            farm = self.host.layer("files-" + source.channel)
            lower = channels.lower(source, farm)
            if lower is None:
                self._copy(source)
                continue
            layer = self.host.layer("channel-" + source.channel)
            upper = os.path.join(layer, "upper")
            channels.place_linked(source, upper)
            target = f"{ML}/input/data/{source.channel}"
            found.append(Overlay(lower, target, layer, source.hidden, source.read_only))
            if os.geteuid() not in (0, os.stat(lower).st_uid):
                self.host.owner.notes.append(
                    f"writing to the files of channel {source.channel}: they are another user's, "
                    "so that the script can only read them"
                )
        return found

    def copy(self) -> None:
        """Copy every channel that is not yet."""
        if self.host.level != "unshare":
            self.download(f"a host at the level {self.host.level} cannot mount a file system")
        for source in self._filed():
            self._copy(source)

    def _copy(self, source: channels.Source) -> None:
        if source.channel not in self._copied:
            self._copied.add(source.channel)
            if source.read_only:
                self.host.owner.notes.append(
                    f"channel {source.channel} is read-only on SageMaker: here it is a copy"
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
        """End the feeders, and who serves the channels that are read on demand."""
        self.abandon()
        for feeder in self.feeders:
            self.host.owner.forget(feeder.errors)
            pipes.stop(feeder)
        self.feeders = []

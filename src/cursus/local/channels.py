"""Input channels: which data each host gets, and how it gets there.

A File mode channel is writable for the script, and the user's files never change: the host sees an overlay of
them where the machine allows one, and else a copy. A channel that is exactly one directory costs the same
whatever it holds; one that is a selection of files costs a name for each.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from cursus.local import contract, storage
from cursus.local.data import manifests, sharding
from cursus.local.data.files import KeyConflictError, clone, lay_out, leading_into, survey
from cursus.local.linux.disk import reason


class ChannelError(Exception):
    """A channel whose data cannot be had; the text is the job's FailureReason."""


class DownloadError(ChannelError):
    """What SageMaker calls a failed download, and why."""

    def __init__(self, why: str) -> None:
        super().__init__(f"ClientError: Data download failed:{why}")


def matched_nothing(uri: str) -> DownloadError:
    """The error of a channel whose prefix or object is not in the store."""
    return DownloadError(f"S3 key: {uri} matched no files on s3")


class Object(NamedTuple):
    """An object in S3: its key, its size in bytes, and when it was changed (s since 1970)."""

    key: str
    size: int
    modified: int


Part = tuple[str, str]
"""What Pipe mode sends: ``("file", path)`` or ``("text", text)``."""


class Source(NamedTuple):
    """A channel's data here.

    ``folder`` is set where the channel is exactly one directory, with ``directories`` in it; ``hidden`` are names in
    it that are no objects, and ``linked`` files that stand at the place of a link. Otherwise ``files`` maps paths
    inside the channel to files. ``parts`` is what Pipe mode sends, one list for each object or line. ``manifest``
    becomes ``<channel>-manifest``. ``uri`` is what the request calls it; ``notes`` say what was left out. FastFile mode
    and file systems that are mounted ``ro`` are ``read_only``. ``objects`` are those of a channel that is read on
    demand from S3, by path inside the channel; nothing else is set then.
    """

    channel: str
    uri: str
    folder: str | None
    files: dict[str, str]
    mode: str = "File"
    directories: tuple[str, ...] = ("",)
    hidden: tuple[str, ...] = ()
    linked: Mapping[str, str] = {}
    parts: Sequence[Sequence[Part]] = ()
    manifest: bytes | None = None
    notes: tuple[str, ...] = ()
    read_only: bool = False
    objects: Mapping[str, Object] = {}


def input_mode(channel: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """``File``, ``FastFile`` or ``Pipe``."""
    algorithm = request.get("AlgorithmSpecification") or {}
    return str(channel.get("InputMode") or algorithm.get("TrainingInputMode") or "File")


def resolve(
    channel: Mapping[str, Any], local: Mapping[str, str], root: str, mode: str | None = None
) -> Source:
    """Find the data of one member of InputDataConfig, of all hosts together.

    A path given for the channel's name comes first, then ``<root>/s3/<bucket>/<key>``, where the key is a
    prefix of strings, as S3 has it.

    Args:
        channel: the member.
        local: paths by channel name.
        root: where the store is.
        mode: the input mode that applies to the channel; its own, where that is set.

    Raises:
        ChannelError: nothing is there.
    """
    name = channel["ChannelName"]
    source = channel.get("DataSource") or {}
    place = source.get("S3DataSource") or {}
    uri = str(place.get("S3Uri", ""))
    kind = place.get("S3DataType", "S3Prefix")
    chosen = mode or channel.get("InputMode") or "File"
    given = local.get(name)
    if given is not None:
        path = os.path.realpath(os.path.expanduser(given))
        found = _given(name, uri, path, kind, place, root)
    elif storage.split(uri) is None:
        raise DownloadError(f"channel {name} has no S3Uri and no local path")
    elif kind == "S3Prefix":
        found = _prefix(name, uri, root)
    else:
        path = storage.find(root, uri) or ""
        if not path:
            raise matched_nothing(uri)
        found = _manifest(name, uri, path, kind, place, root)
    system = source.get("FileSystemDataSource") or {}
    found = found._replace(
        mode=chosen, read_only=chosen == "FastFile" or system.get("FileSystemAccessMode") == "ro"
    )
    if chosen == "Pipe" and not found.parts:
        found = found._replace(parts=[[("file", path)] for _, path in _listed(found)])
    return found


def _prefix(name: str, uri: str, root: str) -> Source:
    found = storage.matching(root, uri)
    if found is None:
        raise matched_nothing(uri)
    return Source(
        name,
        uri,
        found.folder,
        found.files,
        directories=tuple(found.directories) or ("",),
        hidden=tuple(found.hidden),
        linked=found.linked,
        notes=tuple(f"channel {name}: {note}" for note in found.notes),
    )


HIDDEN_PLACES = ("/tmp/", "/var/tmp/", "/run/", "/root/")
"""What of the machine a host does not see: a link there from a folder of the user leads nowhere."""


def _given(name: str, uri: str, path: str, kind: str, place: Mapping[str, Any], root: str) -> Source:
    if os.path.isdir(path):
        if kind == "AugmentedManifestFile":
            raise DownloadError(
                f"{path} (channel {name}) is a folder, and S3DataType is {kind}: "
                "give the path of the manifest"
            )
        found = survey(path)
        if not (found.any_file or found.links):
            raise DownloadError(f"{path} (channel {name}) holds no file")
        notes = [f"channel {name}: {path}/{inner} is no file" for inner in found.special]
        notes += [
            f"channel {name}: {path}/{inner} leads to {os.path.realpath(os.path.join(path, inner))}, which a host does "
            "not see"
            for inner in leading_into(path, found.links, HIDDEN_PLACES)
        ]
        return Source(
            name,
            uri or path,
            path,
            {},
            directories=tuple(found.directories),
            hidden=tuple(found.special),
            notes=tuple(notes),
        )
    if not os.path.isfile(path):
        raise DownloadError(f"{path} (channel {name}) does not exist")
    if kind == "AugmentedManifestFile":
        return _manifest(name, uri or path, path, kind, place, root)
    if kind == "ManifestFile" and os.path.getsize(path) < 1 << 28 and manifests.looks_like(_read(path, name)):
        return _manifest(name, uri or path, path, kind, place, root)
    return Source(name, uri or path, None, {os.path.basename(path): path})


def _read(path: str, name: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise DownloadError(f"{path} (channel {name}): {reason(error)}") from error


@contextmanager
def _told(name: str, uri: str) -> Iterator[None]:
    """A manifest that cannot be read, as the failure of its channel."""
    try:
        yield
    except manifests.ManifestError as error:
        raise DownloadError(f"manifest {uri} of channel {name}: {error}") from error


def _manifest(name: str, uri: str, path: str, kind: str, place: Mapping[str, Any], root: str) -> Source:
    """The objects that a manifest names. They keep their whole keys below the channel's directory."""
    data = _read(path, name)
    with _told(name, uri):
        if kind == "ManifestFile":
            files: dict[str, str] = {}
            for wanted in manifests.read(data):
                parts = storage.split(wanted)
                files[parts[1] if parts else wanted] = _object(wanted, name, root)
            return Source(name, uri, None, files, manifest=data)
        lines = manifests.read_augmented(data, place.get("AttributeNames") or ())
    sent: list[list[Part]] = [
        [
            ("file", _object(field.uri, name, root)) if field.uri is not None else ("text", field.text or "")
            for field in fields
        ]
        for fields in lines
    ]
    return Source(name, uri, None, {}, parts=sent, manifest=data)


def named_by_manifest(channel: Mapping[str, Any], root: str) -> set[str]:
    """The URIs of every object that a channel's manifest names. Raises ChannelError."""
    name, place = channel["ChannelName"], channel["DataSource"]["S3DataSource"]
    uri = str(place.get("S3Uri", ""))
    path = storage.find(root, uri)
    if path is None:
        raise matched_nothing(uri)
    with _told(name, uri):
        if place.get("S3DataType") == "ManifestFile":
            return set(manifests.read(_read(path, name)))
        lines = manifests.read_augmented(_read(path, name), place.get("AttributeNames") or ())
    return {field.uri for fields in lines for field in fields if field.uri is not None}


def _object(uri: str, name: str, root: str) -> str:
    path = storage.find(root, uri)
    if path is None:
        raise DownloadError(f"S3 key: {uri} matched no files on s3 (channel {name}, from its manifest)")
    return path


def _listed(source: Source) -> list[tuple[str, str]]:
    """(path inside, path) of every file, in the order of keys."""
    if source.folder is None:
        return sorted(source.files.items())
    hidden = set(source.hidden)
    found = [(name, path) for name, path in storage.files_below(source.folder) if name not in hidden]
    if not source.linked:
        found += [
            (name, os.path.join(source.folder, name))
            for name in survey(source.folder).links
            if name not in hidden and os.path.isfile(os.path.join(source.folder, name))
        ]
    return sorted({**dict(found), **source.linked}.items())


# --- one host's share --------------------------------------------------------------------------------


def for_host(sources: Sequence[Source], request: Mapping[str, Any], host: str) -> list[Source]:
    """What ``host`` gets: everything, its share, or nothing; by S3DataDistributionType and InstanceGroupNames.

    Pipe mode deals out its parts anew in each epoch, so that they stay whole here: see ``pipes``.
    """
    members = contract.channels(request)
    found: list[Source] = []
    for source in sources:
        member = members.get(source.channel, {})
        takers = sharding.takers(request, member)
        if host not in takers:
            found.append(
                source._replace(
                    folder=None, files={}, parts=(), linked={}, hidden=(), directories=("",), objects={}
                )
            )
        elif not sharding.is_sharded(member) or len(takers) == 1 or source.mode == "Pipe":
            found.append(source)
        elif source.objects:
            objects = sharding.shuffled(sorted(source.objects.items()), sharding.seed_of(member))
            mine = sharding.part(objects, takers.index(host), len(takers))
            found.append(source._replace(objects=dict(sorted(mine))))
        else:
            every = sharding.shuffled(_listed(source), sharding.seed_of(member))
            share = sharding.part(every, takers.index(host), len(takers))
            found.append(
                source._replace(
                    folder=None, files=dict(sorted(share)), linked={}, hidden=(), directories=("",)
                )
            )
    return found


def directories(source: Source) -> list[str]:
    """The directories of a channel, relative to its own, which is ''."""
    if source.folder is not None:
        linked = {parent for name in source.linked for parent in _parents(name)}
        return [*source.directories, *sorted(linked - set(source.directories))]
    return ["", *sorted({parent for name in source.files for parent in _parents(name)})]


def _parents(name: str) -> list[str]:
    found = []
    while name := os.path.dirname(name):
        found.append(name)
    return found


# --- into a host ------------------------------------------------------------------------------------


def lower(source: Source, farm: str) -> str | None:
    """The directory that an overlay may show as this channel; None where there is none and a copy has to be made.

    Args:
        source: the channel.
        farm: an empty folder on the disk of the job, where a selection of files gets its names.

    Raises:
        ChannelError: no file system holds its keys.
    """
    if source.folder is not None:
        return source.folder
    try:
        lay_out(source.files, farm, linked=True)
    except KeyConflictError as error:
        raise DownloadError(f"channel {source.channel}: {error}") from error
    except OSError:
        return None  # another file system, or somebody else's files: both know no further names here
    return farm


def copy(source: Source, target: str) -> None:
    """Copy a channel's data into ``target``, sharing blocks with the original where the file system can.

    Raises:
        ChannelError: the disk is full, a file cannot be read, or no file system holds its keys.
    """
    try:
        os.makedirs(target, exist_ok=True)
        if source.folder is None:
            lay_out(source.files, target, linked=False)
            return
        for name in source.directories[1:]:
            os.makedirs(os.path.join(target, name), exist_ok=True)
        hidden = set(source.hidden) | set(source.linked)
        for inner in source.directories:
            with os.scandir(os.path.join(source.folder, inner) if inner else source.folder) as entries:
                for entry in entries:
                    name = f"{inner}/{entry.name}" if inner else entry.name
                    if entry.is_dir(follow_symlinks=False) or name in hidden:
                        continue
                    clone(entry.path, os.path.join(target, name), follow_symlinks=False)
        lay_out(source.linked, target, linked=False)
    except KeyConflictError as error:
        raise DownloadError(f"channel {source.channel}: {error}") from error
    except OSError as error:
        text = reason(error)
        if error.errno == errno.ENOSPC:
            text = f"Insufficient disk space for channel {source.channel}"
        elif error.filename:
            text += f": {error.filename}"
        raise DownloadError(f"{text}") from error


def place_linked(source: Source, upper: str) -> None:
    """What stands at the place of links, put into an overlay's upper directory before it is mounted."""
    if source.linked:
        try:
            lay_out(source.linked, upper, linked=False)
        except (OSError, KeyConflictError) as error:
            raise DownloadError(f"channel {source.channel}: {error}") from error


def manifest_file(source: Source, data: str) -> None:
    """Write ``<channel>-manifest`` into ``data``, where the request names a manifest."""
    if source.manifest is not None:
        with open(os.path.join(data, source.channel + "-manifest"), "wb") as file:
            file.write(source.manifest)

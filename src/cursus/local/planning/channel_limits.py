"""What a request asks of its channels and its store that SageMaker refuses, or that is not as it is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.local import storage
from cursus.local.channels import input_mode
from cursus.local.data import source_archive
from cursus.model import Step

REFUSED = (
    ("RecordWrapperType", "RecordIO", "RecordWrapperType RecordIO"),
    ("CompressionType", "Gzip", "CompressionType Gzip"),
)


def refuse(step: Step) -> str | None:
    """Why the channels of a step cannot be had here, or would be refused by SageMaker too; None where they can.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html
    """
    for channel in step.request.get("InputDataConfig") or ():
        name = channel["ChannelName"]
        mode = input_mode(channel, step.request)
        source = channel.get("DataSource") or {}
        place = source.get("S3DataSource") or {}
        if mode not in ("File", "FastFile", "Pipe"):
            return f"channel {name!r} has InputMode {mode!r}; there are File, FastFile and Pipe"
        if mode != "Pipe":
            asked = [text for member, value, text in REFUSED if channel.get(member) == value]
            if place.get("S3DataType") == "AugmentedManifestFile":
                asked.append("S3DataType AugmentedManifestFile")
            if asked:
                return f"channel {name!r} has {asked[0]}, which SageMaker refuses in {mode} mode: set InputMode to Pipe"
        if mode == "FastFile" and place.get("S3DataType") == "ManifestFile":
            return f"channel {name!r} has S3DataType ManifestFile, which SageMaker refuses in FastFile mode"
        if place.get("S3DataType") == "AugmentedManifestFile" and not place.get("AttributeNames"):
            return f"channel {name!r} has S3DataType AugmentedManifestFile without AttributeNames"
        if name not in step.promises.local_channels and "S3DataSource" not in source:
            return f"channel {name!r} has no S3DataSource: give it a local path (channels={{{name!r}: DIR}})"
        unknown = set(place.get("InstanceGroupNames") or ()) - _groups(step.request)
        if unknown:
            return f"channel {name!r} is for instance group {min(unknown)!r}, which the request does not have"
    return None


def _groups(request: Mapping[str, Any]) -> set[str]:
    groups = (request.get("ResourceConfig") or {}).get("InstanceGroups") or ()
    return {str(group.get("InstanceGroupName")) for group in groups if isinstance(group, Mapping)}


def sentences(request: Mapping[str, Any]) -> Iterator[str]:
    """What is not as on SageMaker with the channels and the store of a request."""
    for channel in request.get("InputDataConfig") or ():
        name = channel["ChannelName"]
        source = channel.get("DataSource") or {}
        place, system = source.get("S3DataSource") or {}, source.get("FileSystemDataSource") or {}
        if system:
            kind = system.get("FileSystemType") or "file system"
            yield f"{kind} {system.get('FileSystemId')}: channel {name} is a local folder"
            if system.get("FileSystemAccessMode") == "rw":
                yield f"FileSystemAccessMode rw: what the script writes to channel {name} is thrown away"
        for member in ("ModelAccessConfig", "HubAccessConfig"):
            if place.get(member):
                yield f"{member}: no terms were accepted and no hub was asked for channel {name}"
        if "?versionId=" in str(place.get("S3Uri", "")):
            yield f"S3Uri of channel {name}: a version is part of no S3 URI, so that it was read as a part of the key"
    uri = str((request.get("OutputDataConfig") or {}).get("S3OutputPath") or "")
    parts = storage.split(uri.rstrip("/"))
    if parts is not None and parts[1] and storage.odd_segment(parts[1]) is not None:
        yield f"S3OutputPath {uri}: the local store has no empty, '.' or '..' part of a key, and left it out"


def archive(step: Step) -> tuple[str, str] | None:
    """(URI, entry point) of the source archive that stands in for a source directory; None where there is none."""
    algorithm = step.request.get("AlgorithmSpecification") or {}
    if step.source is not None or algorithm.get("ContainerEntrypoint") or algorithm.get("ContainerArguments"):
        return None
    return source_archive.named(step.request.get("HyperParameters") or {})


def settle(step: Step, planned: dict[str, Any], asked: str | None) -> None:
    """Put the store and the source archive into a plan (see ``planning.plan``).

    Raises:
        StoreError: there is no such store; the archive is not in the local one.
    """
    planned["store"] = storage.choice(asked)
    notes: list[str] = planned["not_reproduced"]
    if planned["store"]:
        resources = step.request.get("ResourceConfig") or {}
        notes[:] = [note for note in notes if not note.startswith(("KMS keys", "S3OutputPath"))]
        if resources.get("VolumeKmsKeyId"):
            notes.append("VolumeKmsKeyId: the disk was not encrypted")
    found = archive(step)
    planned["source_archive"] = None
    if found is not None:
        planned["source_archive"], planned["entry_point"] = found
        if not planned["store"] and storage.find(planned["root"], found[0]) is None:
            place = storage.store_path(planned["root"], found[0])
            raise storage.StoreError(
                f"cannot run here: the source archive {found[0]} is not in the local store. Put it at {place}, or give "
                "the run a source_dir and an entry_point"
            )

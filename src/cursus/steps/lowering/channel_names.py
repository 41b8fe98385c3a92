"""Channels without a name: which name each has, and how that was found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, Literal

from cursus.aws.members import mapping, mappings, text
from cursus.model import Path

How = Literal["own", "key", "request", "uri", "order"]
"""``own``: its ChannelName. ``key``: its key in a mapping. ``request``: the request's channel of that S3Uri.
``uri``: a word in its S3Uri. ``order``: its place in the list."""

_ORDER = ("train", "validation", "test")
_WORDS: dict[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "validate", "valid", "val", "eval", "evaluation", "dev"),
    "test": ("test", "testing", "holdout"),
}


@dataclass(frozen=True, slots=True)
class NamedChannel:
    """One channel of ``get_training_inputs`` with its name, and its place in what the hook returned."""

    name: str | None
    how: How
    channel: Mapping[str, Any]
    path: Path


def named_channels(inputs: Any, request: Mapping[str, Any]) -> list[NamedChannel]:
    """The channels that ``get_training_inputs`` returned, each with the name that it has in the request.

    A channel is a member of InputDataConfig, or a plain S3 URI.
    """
    known = _request_names(request)
    taken: set[str] = set()
    found: list[NamedChannel] = []
    open_ones: list[tuple[int, Path, Mapping[str, Any]]] = []
    for key, entry in _entries(inputs):
        channel = _channel(entry)
        own = channel.get("ChannelName")
        address = uri(channel)
        name: str | None = None
        how: How = "own"
        if "ChannelName" in channel:
            name = own if isinstance(own, str) else None
        elif isinstance(key, str):
            name, how = key, "key"
        elif address is not None and known.get(address.rstrip("/")) not in (None, *taken):
            name, how = known[address.rstrip("/")], "request"
        else:
            open_ones.append((len(found), (key,), channel))
            how = "order"
        if name is not None:
            taken.add(name)
        found.append(NamedChannel(name, how, channel, (key,)))
    for index, path, channel in open_ones:
        found[index] = _guess(path, channel, taken)
    return found


def to_request(channel: NamedChannel) -> dict[str, Any]:
    """The channel as a member of InputDataConfig."""
    if channel.name is None:
        return dict(channel.channel)
    return {"ChannelName": channel.name, **channel.channel}


def _entries(inputs: Any) -> list[tuple[str | int, Any]]:
    if isinstance(inputs, Mapping):
        inner = inputs.get("InputDataConfig")
        if isinstance(inner, list):
            return list(enumerate(inner))
        if "DataSource" in inputs:
            return [(0, inputs)]
        return [(str(key), value) for key, value in inputs.items()]
    return list(enumerate(inputs)) if isinstance(inputs, Sequence) and not isinstance(inputs, str) else []


def _channel(entry: Any) -> Mapping[str, Any]:
    if isinstance(entry, Mapping):
        if "S3Uri" in entry:
            return {"DataSource": {"S3DataSource": dict(entry)}}
        if "S3DataSource" in entry or "FileSystemDataSource" in entry:
            return {"DataSource": dict(entry)}
        return entry
    if isinstance(entry, str):
        source = {"S3DataType": "S3Prefix", "S3Uri": entry, "S3DataDistributionType": "FullyReplicated"}
        return {"DataSource": {"S3DataSource": source}}
    return {}


def _request_names(request: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for _, channel in mappings(request, "InputDataConfig"):
        name, address = text(channel, "ChannelName"), uri(channel)
        if name is not None and address is not None:
            found.setdefault(address.rstrip("/"), name)
    return found


def uri(channel: Mapping[str, Any]) -> str | None:
    """The channel's S3Uri, None where it has none."""
    return text(mapping(mapping(channel, "DataSource"), "S3DataSource"), "S3Uri")


def _guess(path: Path, channel: Mapping[str, Any], taken: set[str]) -> NamedChannel:
    words = re.split(r"[^a-z]+", (uri(channel) or "").lower().partition("://")[2].partition("/")[2])
    # The last part of a URI says most: s3://bucket/training-data/validation/ is validation data.
    for word in reversed(words):
        for name, forms in _WORDS.items():
            if word in forms and name not in taken:
                taken.add(name)
                return NamedChannel(name, "uri", channel, path)
    more = (f"channel{number}" for number in count(1))
    chosen = next(one for one in chain(_ORDER, more) if one not in taken)
    taken.add(chosen)
    return NamedChannel(chosen, "order", channel, path)

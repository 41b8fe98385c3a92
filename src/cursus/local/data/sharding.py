"""Which of a channel's objects each host gets, in which order.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html (S3DataDistributionType,
InstanceGroupNames), https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ShuffleConfig.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from cursus.local import contract

T = TypeVar("T")


def shuffled(items: Sequence[T], seed: int | None, epoch: int = 0) -> list[T]:
    """``items`` in the order of one epoch: the same for the same seed and epoch on every host, another for the next."""
    found = list(items)
    if seed is not None:
        import random

        random.Random(f"{seed}:{epoch}").shuffle(found)
    return found


def part(items: Sequence[T], index: int, count: int) -> list[T]:
    """The share of host ``index`` of ``count`` under ShardedByS3Key: shares are disjoint and differ by one at most."""
    return list(items[index::count])


def takers(request: Mapping[str, Any], channel: Mapping[str, Any]) -> list[str]:
    """The hosts that get a channel's data (those of InstanceGroupNames, or all), in the order of their shares."""
    place = contract.s3_source(channel)
    wanted = place.get("InstanceGroupNames")
    names = [
        host
        for group, _, hosts in contract.groups(request)
        if not wanted or group in wanted
        for host in hosts
    ]
    return sorted(names, key=lambda name: int(name.rpartition("-")[2]))


def is_sharded(channel: Mapping[str, Any]) -> bool:
    """True where each host gets a share of its own."""
    place = contract.s3_source(channel)
    return place.get("S3DataDistributionType") == "ShardedByS3Key"


def seed_of(channel: Mapping[str, Any]) -> int | None:
    """ShuffleConfig's seed; None where nothing is shuffled."""
    seed = (channel.get("ShuffleConfig") or {}).get("Seed")
    return seed if isinstance(seed, int) and not isinstance(seed, bool) else None

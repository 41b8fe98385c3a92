"""Partitions and regions, and what an ARN, an ECR image or a bucket's name says about its own.

The partitions are botocore's (``data/partitions.json``, made by ``scripts/make_schema.py``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from cursus.aws.tables import table


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: its partition (``aws``), region and account; empty texts where it does not say."""

    partition: str = ""
    region: str = ""
    account: str = ""


@cache
def _partitions() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """(id, pattern of its regions, DNS suffix) of every partition."""
    return tuple(
        (entry["id"], re.compile(entry["regions"]), entry["suffix"])
        for entry in table("partitions")["partitions"]
    )


def region_names() -> list[str]:
    """Every region that the data knows, of all partitions."""
    return [name for entry in table("partitions")["partitions"] for name in entry["names"]]


_COMPASS = re.compile(r"-(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-[0-9]+\Z")
"""How the name of every region ends."""


@lru_cache(maxsize=256)
def partition_of(region: str) -> str:
    """The partition that a region lies in, or an empty text where its name has no known form."""
    if not _COMPASS.search(region):
        return ""
    return next((name for name, regions, _ in _partitions() if regions.match(region)), "")


def suffix_of(region: str) -> str | None:
    """The domain of a region's registries: ``amazonaws.com``, ``amazonaws.com.cn``."""
    partition = partition_of(region)
    return next((suffix for name, _, suffix in _partitions() if name == partition), None)


_ARN = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):([0-9]*|aws):(.+)", re.DOTALL)
_ECR = re.compile(
    r"([^/.]+)\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.([a-z0-9.-]+)/(.+)",
    re.DOTALL,
)


@lru_cache(maxsize=4096)
def arn(text: str) -> tuple[str, Place, str] | None:
    """(service, place, resource) of an ARN, or None where the text is none."""
    found = _ARN.fullmatch(text)
    if found is None:
        return None
    return found[2], Place(found[1], found[3], found[4]), found[5]


def sold(algorithm: str) -> bool:
    """True where the ARN of an algorithm is of AWS Marketplace: one of its accounts, or a product's name."""
    found = arn(algorithm)
    known = found is not None and found[1].account in table("limits")["marketplace_accounts"]
    return known or re.search(r"-[0-9a-f]{32}\Z", algorithm) is not None


@lru_cache(maxsize=4096)
def image(uri: str) -> Place | None:
    """Where the ECR registry of an image is, or None where the image is in no ECR registry."""
    found = _ECR.fullmatch(uri)
    return Place(partition_of(found[2]), found[2], found[1]) if found else None


@lru_cache(maxsize=4096)
def wrong_suffix(uri: str) -> str | None:
    """The DNS suffix that the registry of an ECR image should have, or None where it has it."""
    found = _ECR.fullmatch(uri)
    if found is None:
        return None
    right = suffix_of(found[2])
    return None if right is None or found[3] == right or found[3].endswith("on.aws") else right


_OWN_BUCKET = re.compile(
    r"(?:sagemaker-([a-z]{2,5}(?:-[a-z]+)+-\d)-\d{12}|jumpstart-cache-prod-([a-z]{2,5}(?:-[a-z]+)+-\d))"
)
_IN_NAME = re.compile(r"(?:^|[.-])((?:us|eu|ap|sa|ca|me|af|il|mx|cn|eusc)(?:-[a-z]+)+-\d)(?=$|[.-])")


@lru_cache(maxsize=4096)
def bucket(name: str) -> tuple[str, bool] | None:
    """(region in a bucket's name, whether AWS itself names its buckets so), or None without a region."""
    found = _OWN_BUCKET.fullmatch(name)
    if found:
        return found[1] or found[2], True
    named = _IN_NAME.search(name)
    return (named[1], False) if named and partition_of(named[1]) else None

"""Rules of the area *step*: the names of images, taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from cursus.aws import places
from cursus.aws.tables import dated
from cursus.checks.rules import Problem, rule
from cursus.checks.text_faults import placeholder
from cursus.checks.texts import IMAGES
from cursus.checks.views import RequestView
from cursus.model import Severity
from cursus.redact import show
from cursus.suggest import closest

_ECR = r"(?P<account>[^/.]+)\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/(?P<name>.+)"
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_REPOSITORY = rf"{_PART}(?:/{_PART})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_WORDS = (
    r"(?:abc|account|acct|algo|algorithm|alias|an?|aws|bar|baz|bucket|byoc?|container|custom|data|doc|docker|dummy|ecr"
    r"|encryption|enter|example|fake|foo|here|id|images?|img|input|key|kms|mock|my|name|output|region|repo|repository"
    r"|sample|some|string|tag|test|the|train|training|ur[il]|validation|value|volume|xyz|your)"
)


def stands_for_another(name: str) -> bool:
    """True for a name made of words such as my, example and image, which stands for one to be filled in.

    They may be written as one: fakeImageUri.
    """
    words = [word for word in re.split(r"[^a-z]+", re.sub(r":[^/]*$", "", name).lower()) if word]
    return bool(words) and all(re.fullmatch(f"{_WORDS}+", word) for word in words)


@rule("STP033", scope="request", suspects="image", shared=True)
def ecr_name(view: RequestView) -> Iterator[Problem]:
    """The name of an image in Amazon ECR has the form of one.

    What it does:
        Takes the name apart: an account of 12 digits, a region, a repository in lower case, and one tag or digest.
        A region that the data does not know may be newer; one numbered 2 without a first one of its place is an error.
        What only stands for an account, region or repository to be filled in is a warning.
    Why:
        ECR has no image of another form, and SageMaker refuses the request: "Invalid training image". An account that
        went through a number lost the zeros that it began with.
    Example:
        - AlgorithmSpecification: {TrainingImage: "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4:latest"}
        + AlgorithmSpecification: {TrainingImage: "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4"}
    Source:
        https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
    """
    for path, value in view.suspected("image"):
        member = path[-1]
        fault = _fault(value) if member in IMAGES else None
        if fault:
            yield Problem(
                f"{member} {show(value)} {fault.message}",
                path,
                fault.remedy,
                severity=fault.severity,
                allowable=fault.allowable,
            )


class Fault(NamedTuple):
    """What is wrong with an image's name. ``allowable``: the part that may simply be newer than the data."""

    message: str
    remedy: str
    severity: Severity | None = None
    allowable: str | None = None


@lru_cache(maxsize=1024)
def _fault(value: str) -> Fault | None:
    if value != value.strip("\"' \t\r\n") or placeholder(value) is not None:
        return None
    found = re.fullmatch(_ECR, value, re.DOTALL)
    if found is None:
        return None
    return _account(found["account"]) or _region(found["region"]) or _name(found["name"])


def _account(account: str) -> Fault | None:
    if len(account) == 12 and account.isdigit():
        return None
    # A word, or a number that nobody was given, stands for an account to be filled in.
    stands = len(re.findall(r"\d", account)) < 8 or "1234" in account or len(set(account)) < 4
    remedy = "write your account's 12 digits"
    if not account.isdigit():
        return Fault(
            f"names {account[:40]!r} where an account belongs", remedy, "warning" if stands else None
        )
    if len(account) == 11 and not stands:
        remedy = f"write {account.zfill(12)}: as a number it lost a zero"
    return Fault(
        f"names an account of {len(account)} digits; each has 12", remedy, "warning" if stands else None
    )


def no_region(region: str) -> bool:
    """True of a region that no newer data can have."""
    fault = _region(region)
    return fault is not None and fault.severity is None


def _region(region: str) -> Fault | None:
    if region in places.region_names():
        return None
    first = re.sub(r"\d+$", "1", region)  # no second region of a place comes before its first one
    new = not region[-2:].isdigit() and (region == first or first in places.region_names())
    if new and places.partition_of(region):
        near = closest(region, places.region_names())
        hint = f", such as {near}" if near else ""
        message = f"names a region {region!r} that the data of {dated('partitions')} does not know"
        return Fault(message, f"write the registry's region{hint}", "warning", region)
    if region == "amazonaws":
        return Fault(
            "names no region", "write <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>", None
        )
    near = closest(region, places.region_names())
    if near:
        remedy = f"write the registry's region, such as {near}"
        return Fault(f"names the region {region!r}, which does not exist", remedy, None, region)
    severity: Severity | None = "warning" if stands_for_another(region) else None
    return Fault(f"names an unknown region {region!r}", "write the region of the registry", severity)


def _name(name: str) -> Fault | None:
    name, at, digest = name.partition("@")
    repository, colon, tag = name.partition(":")
    severity: Severity | None = "warning" if stands_for_another(repository) else None
    if not re.fullmatch(_REPOSITORY, repository):
        if re.fullmatch(_REPOSITORY, repository.lower()):
            return Fault(
                "has capital letters in the repository's name", f"write {repository.lower()}", severity
            )
        wrong = repr(repository)[:60]
        return Fault(
            f"has a repository {wrong} that cannot be",
            "use lower-case letters, digits, . _ - and /",
            severity,
        )
    if colon and not re.fullmatch(_TAG, tag):
        what = (
            "has two tags"
            if ":" in tag
            else f"has a tag {tag!r} that cannot be"
            if tag
            else "has no tag after :"
        )
        return Fault(what, "write one tag: letters, digits, _ . and -")
    if at and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return Fault(
            f"has a digest {digest!r} that cannot be", "write @sha256: and 64 hexadecimal digits", None
        )
    return None

"""Fields of dataclasses of libraries that scripts hand to HfArgumentParser, by the library's version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cursus.aws.images import order
from cursus.aws.tables import table


def is_known(name: str) -> bool:
    """True for a dataclass such as ``transformers.TrainingArguments``."""
    return name in table("dataclasses")["fields"]


def fields(name: str, version: str) -> Iterator[tuple[str, str, bool]]:
    """(name, type, whether it must be given) of each field that the dataclass may have in a version.

    Where the version is empty, which is for not known, these are the fields of all versions.
    """
    known = table("dataclasses")
    spans, required, versions = known["spans"][name], known["required"][name], known["versions"]
    for field, kind in known["fields"][name].items():
        if not version:
            yield field, kind, False
            continue
        low, high = _around(version, versions)
        first, last = (versions.index(end) for end in spans.get(field, (versions[0], versions[-1])))
        if first > high or (last < low and field in spans):
            continue
        needed = [versions.index(end) for end in required.get(field, ())]
        yield field, kind, bool(needed) and needed[0] <= low and high <= needed[1]


def versions() -> list[str]:
    """The versions of transformers whose fields are known for sure, from the oldest on."""
    found: list[str] = table("dataclasses")["versions"]
    return found


def versions_with(name: str, field: str) -> str:
    """Which versions have a field that others lack, in words; empty for a field that all have or none has."""
    known = table("dataclasses")
    first, last = known["spans"].get(name, {}).get(field, ("", ""))
    if not first:
        return ""
    return f"up to {last}" if first == known["versions"][0] else f"from {first} on"


def _around(version: str, versions: Sequence[str]) -> tuple[int, int]:
    """The nearest versions that the data has, as positions: the last not above, the first not below."""
    wanted = order(version)
    below = [at for at, each in enumerate(versions) if order(each) <= wanted]
    above = [at for at, each in enumerate(versions) if order(each) >= wanted]
    return below[-1] if below else -1, above[0] if above else len(versions)

"""Members of a request, each as what it has to be: whoever reads one need not ask whether it is.

What is missing, of another type, or a pipeline variable reads as None or as nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.references import REFERENCES, is_reference
from cursus.model import Path

NOTHING: Mapping[str, Any] = {}
MISSING: Any = object()
MAPS = frozenset({"HyperParameters", "StaticHyperParameters", "Environment"})
"""Members whose names are the user's own."""


def aws_path(path: Path) -> str:
    """The path as AWS's messages write it: ``inputDataConfig.1.member.channelName``."""
    parts = []
    for holder, part in zip((None, *path), path, strict=False):
        if isinstance(part, int):
            parts.append(f"{part + 1}.member")
        else:
            parts.append(part if holder in MAPS else part[:1].lower() + part[1:])
    return ".".join(parts)


def value_at(value: Any, path: Path, missing: Any = None) -> Any:
    """What plain data has at a path; ``missing`` where it has nothing."""
    for part in path:
        if isinstance(value, str):
            return missing
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return missing
    return value


def text(container: Mapping[str, Any], name: str) -> str | None:
    """The string ``container[name]``, or None where there is none."""
    value = container.get(name)
    return value if isinstance(value, str) else None


def mappings(container: Mapping[str, Any], name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The mappings in the list ``container[name]``, with their positions; pipeline variables are left out."""
    for index, entry in enumerate(listing(container, name)):
        if (type(entry) is dict or isinstance(entry, Mapping)) and not is_reference(entry):
            yield index, entry


FOREIGN = 2**63
"""No integer of the API goes so far; one with thousands of digits cannot even be put into a message."""


def integer(container: Mapping[str, Any], name: str) -> int | None:
    """The whole number ``container[name]``, or None where there is none."""
    value = container.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < FOREIGN else None


def mapping(container: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The mapping ``container[name]``, or an empty one. A pipeline variable counts as none."""
    value = container.get(name)
    if value is None:
        return NOTHING
    if type(value) is dict:
        return NOTHING if len(value) == 1 and next(iter(value)) in REFERENCES else value
    return value if isinstance(value, Mapping) and not is_reference(value) else NOTHING


def named(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The mapping less the names that are no text, which JSON cannot have (the service model's rules report them)."""
    for name in values:
        if type(name) is not str:
            return {name: value for name, value in values.items() if isinstance(name, str)}
    return values


def listing(container: Mapping[str, Any], name: str) -> list[Any]:
    """The list ``container[name]``, or an empty one."""
    value = container.get(name)
    return value if isinstance(value, list) else []

"""ManifestFile and AugmentedManifestFile: the objects that a manifest names.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/augmented-manifest.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple


class ManifestError(ValueError):
    """A manifest that SageMaker cannot read; the text says where and why."""


def read(data: bytes) -> list[str]:
    """The URIs that a ManifestFile names, in its order.

    It is a JSON array whose first member is ``{"prefix": "s3://bucket/some/prefix/"}``; every other is the rest
    of a key, joined as text.

    Raises:
        ManifestError: it is none.
    """
    try:
        content = json.loads(data)
    except ValueError as error:
        raise ManifestError(f"it is no JSON: {error}") from error
    if not isinstance(content, list) or not content:
        raise ManifestError("it is no JSON array that begins with {'prefix': 's3://…'}")
    first = content[0]
    prefix = first.get("prefix") if isinstance(first, dict) else None
    if not isinstance(prefix, str) or not prefix.startswith("s3://"):
        raise ManifestError(f"its first member is {show(first)}, not {{'prefix': 's3://…'}}")
    for number, member in enumerate(content[1:], 2):
        if not isinstance(member, str):
            raise ManifestError(f"its member {number} is {show(member)}, no text")
    if len(content) == 1:
        raise ManifestError("it names no object after its prefix")
    return [prefix + member for member in content[1:]]


def looks_like(data: bytes) -> bool:
    """True for the form of a ManifestFile."""
    try:
        read(data)
    except ManifestError:
        return False
    return True


class Field(NamedTuple):
    """One attribute of one line of an augmented manifest: text to send, or the URI of the object to send."""

    text: str | None
    uri: str | None


def read_augmented(data: bytes, attributes: Sequence[str]) -> list[list[Field]]:
    """The fields of every line, in the order of AttributeNames. ``…-ref`` names an object, whose bytes are sent.

    Raises:
        ManifestError: a line is no JSON object, or lacks an attribute.
    """
    found: list[list[Field]] = []
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ManifestError(f"line {number} is no JSON: {error}") from error
        if not isinstance(record, dict):
            raise ManifestError(f"line {number} is no JSON object")
        fields: list[Field] = []
        for name in attributes:
            if name not in record:
                raise ManifestError(f"line {number} has no attribute {name!r}, which AttributeNames asks for")
            fields.append(_field(name, record[name], number))
        found.append(fields)
    if not found:
        raise ManifestError("it has no line")
    return found


def show(value: object) -> str:
    """A value for a message. Imported late: a supervisor rarely needs it."""
    from cursus.redact import show

    return show(value)


def _field(name: str, value: Any, number: int) -> Field:
    if not name.endswith("-ref"):
        return Field(value if isinstance(value, str) else json.dumps(value), None)
    if not isinstance(value, str) or not value.startswith("s3://"):
        raise ManifestError(f"line {number}: attribute {name!r} is {show(value)}, no s3:// URI")
    return Field(None, value)

"""Requests and definitions in files: JSON and YAML, with the line and column of every value.

Only what JSON can say is read. What cannot be read soundly (not UTF-8, endless nesting, NaN, a file far
larger than any request) is refused with a TargetError that says where.
"""

# os.path here: a folder may name thousands of files.
# ruff: noqa: PTH110, PTH113, PTH118, PTH123
from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from cursus.errors import TargetError
from cursus.model import Finding, Origin, Path
from cursus.steps.reading.documents import MAX_DEPTH, Document, duplicate_key
from cursus.steps.reading.origins import LazyOrigins

MAX_BYTES = 4 * 1024 * 1024
"""No request comes near: a pipeline definition may have 1 MiB, a request less."""
SUFFIXES = (".json", ".yaml", ".yml")
_SKIPPED = frozenset(
    {"node_modules", "__pycache__", "site-packages", "venv", "env", "build", "dist", "cdk.out"}
)


class _ConstantError(ValueError):
    """NaN or Infinity in a JSON text."""


def read(path: str | os.PathLike[str]) -> Document:
    """Read a JSON or YAML file that holds one document. Raises TargetError where it cannot be read."""
    documents = read_all(path)
    if len(documents) != 1:
        raise TargetError(
            f"{os.fspath(path)}: {len(documents)} YAML documents in one file; one was expected."
        )
    return documents[0]


def read_all(path: str | os.PathLike[str]) -> list[Document]:
    """Read every document of a file (YAML may hold several). Raises TargetError where it cannot be read."""
    name = os.fspath(path)
    text = text_of(name)
    return _parse_yaml(text, name) if name.lower().endswith((".yaml", ".yml")) else [parse_json(text, name)]


def read_stream(stream: BinaryIO, name: str) -> list[Document]:
    """Read every document of a stream of bytes, JSON or YAML as its first character says; ``name`` is for messages.

    Raises TargetError where it cannot be read.
    """
    try:
        content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise TargetError(f"{name}: cannot be read: {error}.") from None
    text = _decoded(content, name)
    return [parse_json(text, name)] if text.lstrip()[:1] in ("{", "[", "") else _parse_yaml(text, name)


def _parse_yaml(text: str, name: str) -> list[Document]:
    from cursus.steps.reading.yaml_files import parse_yaml

    return parse_yaml(text, name)


def parse_json(text: str, name: str) -> Document:
    """Read the text of a JSON document; ``name`` is the file's name for messages.

    Positions are worked out only when a finding asks for one.
    """
    doubled = False

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        made = dict(found)
        doubled = doubled or len(made) != len(found)
        return made

    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(text, name)
    try:
        data = json.loads(text, object_pairs_hook=pairs, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        hint = _json_hint(text, error)
        raise TargetError(
            f"{name}:{error.lineno}:{error.colno}: this is no JSON: {error.msg}.{hint}"
        ) from None
    except RecursionError:
        raise TargetError(f"{name}: nested too deeply; no request is.") from None
    except _ConstantError as error:
        from cursus.steps.reading.json_positions import line_of

        line = line_of(text, str(error))
        raise TargetError(
            f"{name}:{line}: {error} is no JSON number; write a finite number or a text."
        ) from None
    except ValueError:
        raise TargetError(f"{name}: it holds a number with thousands of digits; no request does.") from None

    def positions() -> Mapping[Path, Origin]:
        from cursus.steps.reading.json_positions import positions as scan

        return scan(text, name)

    problems: tuple[Finding, ...] = ()
    if doubled:
        from cursus.steps.reading.json_positions import duplicates

        problems = tuple(
            duplicate_key(key, path, location, first) for key, path, location, first in duplicates(text, name)
        )
    return Document(name, data, LazyOrigins(positions), problems)


def candidates(folder: str | os.PathLike[str]) -> Iterator[str]:
    """The JSON, YAML and Python files below a folder, sorted; hidden, built and installed ones left out.

    A folder that may not be looked into comes last, as what cannot be read.
    """
    barred: list[str] = []
    for root, folders, names in os.walk(folder, onerror=lambda error: barred.append(error.filename)):
        folders[:] = sorted(
            one
            for one in folders
            if not one.startswith(".")
            and one not in _SKIPPED
            and not os.path.exists(os.path.join(root, one, "pyvenv.cfg"))
        )
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith((*SUFFIXES, ".py")):
                path = os.path.join(root, name)
                # A pipe or a device would be waited for without end.
                if os.path.isfile(path) or not os.path.exists(path):
                    yield path
    yield from barred


def text_of(name: str) -> str:
    """The text of a file. Raises TargetError where it cannot be read, is no text, or is far too large."""
    try:
        with open(name, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        from cursus.suggest import file_meant

        raise TargetError(f"{name}: there is no such file.{file_meant(name)}") from None
    except IsADirectoryError:
        raise TargetError(f"{name}: this is a folder, not a file.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TargetError(f"{name}: cannot be read: {reason}.") from None
    return _decoded(content, name)


def _decoded(content: bytes, name: str) -> str:
    if len(content) > MAX_BYTES:
        raise TargetError(f"{name}: larger than {MAX_BYTES // 2**20} MiB; no request or definition is.")
    encoding = "utf-8"
    if content[:3] == b"\xef\xbb\xbf":
        encoding = "utf-8-sig"
    elif content[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        encoding = "utf-32"
    elif content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise TargetError(
            f"{name}:{line}:{column}: this is not {encoding.upper()} ({error.reason}); save it as UTF-8."
        ) from None


def _refuse_constant(constant: str) -> float:
    raise _ConstantError(constant)


def _json_hint(text: str, error: json.JSONDecodeError) -> str:
    if not text.strip():
        return " The file is empty."
    if "\0" in text[:4]:
        return " Save it as UTF-8."
    around = text[error.pos : error.pos + 2]
    if around.startswith(("/", "#")):
        return " JSON has no comments."
    if around.startswith("'"):
        return " Strings stand in double quotes."
    if around[:1] in "}]" and text[: error.pos].rstrip().endswith(","):
        return " There is a comma too many before it."
    if error.msg == "Extra data":
        return " One document stands in a file; several requests are a list: [{...}, {...}]."
    return ""


def _check_depth(text: str, name: str) -> None:
    """Refuse a text whose brackets nest deeper than ``MAX_DEPTH``, in one pass and without recursion."""
    from cursus.steps.reading.json_positions import brackets

    depth = 0
    for position, bracket in brackets(text):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            line = text.count("\n", 0, position) + 1
            raise TargetError(f"{name}:{line}: nested deeper than {MAX_DEPTH} levels; no request is.")

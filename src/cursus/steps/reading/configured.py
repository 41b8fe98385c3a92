"""A builder's configuration that was read from a file: where in the file each of its values stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as File
from typing import Any

from cursus.errors import CursusError
from cursus.model import Location, Origin, Path
from cursus.steps.reading.origins import LazyOrigins

NO_ORIGINS: Mapping[Path, Origin] = {}


class FileMapping(dict[str, Any]):
    """The mapping of a configuration file, which knows its file. A builder gets a plain ``dict`` of it."""

    __slots__ = ("file",)

    def __init__(self, values: Mapping[str, Any], file: str) -> None:
        super().__init__(values)
        self.file = file


def origins(config: Any) -> Mapping[Path, Origin]:
    """The places of a configuration's values by their paths; none where it is no file's."""
    if not isinstance(config, FileMapping):
        return NO_ORIGINS
    return LazyOrigins(lambda: _read(config))


def bare(config: Any) -> Any:
    """The configuration as a builder is to have it."""
    return dict(config) if isinstance(config, FileMapping) else config


def _read(config: FileMapping) -> Mapping[Path, Origin]:
    name = config.file
    try:
        if name.endswith((".yaml", ".yml")):
            from cursus.steps.reading.files import read

            return dict(read(name).origins)
        text = File(name).read_text("utf-8")
    except (OSError, ValueError, CursusError):
        return NO_ORIGINS
    if name.endswith(".toml"):
        return dict(_of_toml(config, text, name))
    from cursus.steps.reading.json_positions import positions

    return positions(text, name)


def _of_toml(config: Mapping[str, Any], text: str, name: str) -> dict[Path, Origin]:
    """Python's reader of TOML gives no positions: a key that stands once in the file is found by its name."""
    found: dict[Path, Origin] = {}
    paths: list[Path] = []
    for key, value in config.items():
        paths.append((key,))
        paths.extend((key, inner) for inner in value if isinstance(value, Mapping))
    for path in paths:
        form = re.compile(
            rf"(?:^|[{{,])[ \t]*[\"']?{re.escape(str(path[-1]))}[\"']?[ \t]*=[ \t]*", re.MULTILINE
        )
        matches = list(form.finditer(text))
        if len(matches) == 1:
            end = matches[0].end()
            line = text.count("\n", 0, end) + 1
            found[path] = Origin(name, Location(name, line, end - text.rfind("\n", 0, end)))
    return found

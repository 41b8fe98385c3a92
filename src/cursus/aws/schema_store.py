"""Where the distilled service model lies, and the parts of it that were asked for, loaded once each.

Two places may hold one: the package itself, and the user's data directory after ``cursus refresh``.
The user's is used where it came from a newer botocore.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

PACKAGED = Path(__file__).parent / "data" / "schema"


def user_directory() -> Path | None:
    """``$XDG_DATA_HOME/cursus/schema``, or the same below ``~/.local/share``; None where there is no home."""
    base = os.environ.get("XDG_DATA_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "cursus" / "schema"
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises where there is none
    return Path(home) / ".local" / "share" / "cursus" / "schema" if Path(home).is_absolute() else None


@cache
def packaged_index() -> dict[str, Any]:
    """The index of the model that ships with cursus: ``source``, ``date``, ``operations``."""
    found: dict[str, Any] = json.loads((PACKAGED / "index.json").read_text("utf-8"))
    return found


_damaged: list[bool] = []


def distrust() -> None:
    """Use the packaged model from now on: the user's has a document that is no schema."""
    forget()
    _damaged.append(True)


@cache
def _chosen() -> tuple[Path, dict[str, Any]]:
    """The directory in use and its index."""
    packaged = packaged_index()
    directory = None if _damaged else user_directory()
    if directory is not None:
        try:
            index = json.loads((directory / "index.json").read_text("utf-8"))
            if is_newer(index["source"]) and index["date"]:
                return directory, index
        except (OSError, ValueError, KeyError, TypeError):
            pass  # no refreshed model, or a damaged one: the packaged one is complete
    return PACKAGED, packaged


def is_newer(source: str) -> bool:
    """True where a model of this source ("botocore 1.44.5, ...") is newer than the one that ships with cursus."""
    return _version(source) > _version(packaged_index()["source"])


def _version(source: str) -> tuple[int, ...]:
    found = re.search(r"botocore ([0-9.]+)", source)
    return tuple(int(part) for part in found[1].split(".") if part) if found else ()


def is_packaged() -> bool:
    """True where the model in use is the one that ships with cursus."""
    return _chosen()[0] == PACKAGED


def index() -> dict[str, Any]:
    """The index of the model in use."""
    return _chosen()[1]


@cache
def document(name: str) -> dict[str, Any] | None:
    """The distilled schema of an operation's request (or ``descriptions``); None where the model has none."""
    for directory in dict.fromkeys((_chosen()[0], PACKAGED)):
        try:
            loaded = json.loads((directory / f"{name}.json").read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(loaded, dict):
            return loaded
    return None


_FORGET: list[Any] = [_chosen, document, _damaged.clear]


def on_forget(clear: Any) -> None:
    """Have ``clear`` called when the model in use may have changed."""
    _FORGET.append(clear)


def forget() -> None:
    """Drop everything loaded, because the model in use may have changed."""
    for cached in _FORGET:
        cached.cache_clear() if hasattr(cached, "cache_clear") else cached()

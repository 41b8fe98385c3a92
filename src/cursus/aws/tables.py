"""The small tables of facts in ``aws/data``: tuning, debugger, libraries, toolkit … Each names its source and date."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


@cache
def table(name: str) -> dict[str, Any]:
    """The table ``<name>.json``, read once. Raises FileNotFoundError where the package lacks it."""
    loaded = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@cache
def entries(name: str, kind: str) -> frozenset[str]:
    """The names that the table ``<name>.json`` has under ``kind``."""
    return frozenset(table(name)[kind])


def dated(name: str) -> str:
    """The day of which the table ``<name>.json`` is."""
    return str(table(name)["date"])

"""What the scripts beside it share: the folder of the tables that they make, and clones of what they make them from."""

from __future__ import annotations

import datetime
import json
import subprocess
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "src" / "cursus" / "aws" / "data"


def today() -> str:
    """The date of a table that is made now."""
    return datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()


def read(name: str) -> Any:
    """A table as it is."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def write(name: str, table: dict[str, Any], *, compact: bool = False) -> None:
    """Write a table; in one line where it is ``compact``."""
    text = json.dumps(table, separators=(",", ":")) if compact else json.dumps(table, indent=1)
    put(name, text)


def put(name: str, text: str) -> None:
    """Write a table whose lines are its own."""
    (DATA / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def git(clone: str, *arguments: str, check: bool = True) -> str:
    """What git says of a clone."""
    command = ["git", "--git-dir", clone, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=check).stdout

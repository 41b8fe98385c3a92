"""Whether a file or folder is there; False, too, for a name that no file system takes, which ``Path`` raises for."""

from __future__ import annotations

import os
from pathlib import Path


def is_file(path: Path) -> bool:
    """True for a file, also behind a link."""
    return os.path.isfile(path)  # noqa: PTH113


def is_dir(path: Path) -> bool:
    """True for a folder, also behind a link."""
    return os.path.isdir(path)  # noqa: PTH112

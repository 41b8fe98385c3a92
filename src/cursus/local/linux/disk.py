"""Files that appear whole or not at all, and what the system says where something cannot be done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def whole(path: str, part: str = "") -> Iterator[str]:
    """A name to write to (``part``, or one beside ``path``): it becomes ``path`` at the end, and goes where that fails.

    Raises OSError.
    """
    part = part or f"{path}.part"
    forget(part)  # it may be another name of a file that is still needed: never write into it
    try:
        yield part
        os.replace(part, path)
    except BaseException:
        forget(part)
        raise


def forget(path: str) -> None:
    """Remove a file of ours that may not be there."""
    with suppress(OSError):
        os.unlink(path)


def reason(error: Exception) -> str:
    """Why something failed: the system's words, where they are the system's."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)

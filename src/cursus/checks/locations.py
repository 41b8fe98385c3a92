"""S3 locations as rules compare them: one spelling for s3:// URIs and https endpoints of the same object."""

from __future__ import annotations

import re
from functools import lru_cache

_ENDPOINT = re.compile(
    r"(?:(?P<bucket>[^/]+)\.)?s3[.-][a-z0-9.-]*amazonaws\.com(?:\.cn)?(?:/(?P<rest>.*))?", re.DOTALL
)


def s3_path(uri: str) -> str | None:
    """``bucket/key`` of an S3 URI or of an S3 https endpoint (path or virtual host style), else None.

    ``s3://bucket`` and ``s3://bucket/`` are both ``bucket/``.
    """
    if uri.startswith("s3://"):
        path = uri[5:]
        if path[:1] in ("", "/"):
            return None
        return path if "/" in path else f"{path}/"
    return _of_endpoint(uri) if uri.startswith("https://") else None


@lru_cache(maxsize=4096)
def _of_endpoint(uri: str) -> str | None:
    match = _ENDPOINT.fullmatch(uri[8:])
    if match is None:
        return None
    bucket, rest = match["bucket"], match["rest"] or ""
    if bucket is None:
        bucket, _, rest = rest.partition("/")
    return f"{bucket}/{rest}" if bucket else None


def same_place(left: str, right: str) -> bool:
    """True where two ``bucket/key`` paths mean the same folder, with or without the last slash."""
    return left.rstrip("/") == right.rstrip("/")


def below(path: str, folder: str) -> bool:
    """True where ``path`` is the folder itself or inside it (as folders, not as string prefixes)."""
    folder = folder.rstrip("/")
    return path.startswith(folder) and path[len(folder) : len(folder) + 1] in ("", "/")


def looks_like_one_object(path: str) -> bool:
    """True where the last part of a ``bucket/key`` path has a file's extension."""
    key = path.partition("/")[2]
    name = key.rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    return bool(stem and dot) and extension.isalnum() and 1 < len(extension) <= 8 and not extension.isdigit()

"""``s3://bucket/key`` on a directory: ``<root>/s3/<bucket>/<key>``, with S3's own idea of a prefix.

A key is text and a prefix is the beginning of a text; only the file that holds an object has a path. What leads
out of a bucket (``..``, links) is no key of it. Real S3 is ``transfer``, which mirrors what a job needs into
this same form.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from cursus.local.data.files import Survey, clone, survey, within
from cursus.local.linux.disk import whole

VARIABLE = "CURSUS_S3"
"""Which store stands for S3: a directory where it is not set, ``aws``, or the URL of an endpoint."""


class StoreError(Exception):
    """What cannot be read from, or written to, the store."""


def choice(given: str | None) -> str | None:
    """``aws``, the URL of an endpoint, or None for the directory: as given, else by ``CURSUS_S3``.

    Raises:
        StoreError: it is neither.
    """
    found = (given if given is not None else os.environ.get(VARIABLE, "")).strip()
    if found in ("", "local"):
        return None
    if found == "aws" or found.startswith(("http://", "https://")):
        return found.rstrip("/")
    raise StoreError(
        f"{found!r} is no store: write aws, or the URL of an S3 endpoint (http://… or https://…)"
    )


def split(uri: str) -> tuple[str, str] | None:
    """(bucket, key) of an ``s3://`` URI, both as they are written; None where it is none."""
    if not uri.startswith("s3://"):
        return None
    bucket, _, key = uri[len("s3://") :].partition("/")
    return (bucket, key) if bucket and bucket not in (".", "..") and "\0" not in uri else None


def parts_of(uri: str) -> tuple[str, str]:
    """(bucket, key) of an ``s3://`` URI. Raises StoreError where it is none."""
    parts = split(uri)
    if parts is None:
        raise StoreError(f"{uri} is no s3:// URI")
    return parts


def odd_segment(key: str) -> str | None:
    """The part of a key that no path can have: '' between two slashes, '.' or '..'. None where there is none."""
    for segment in key.split("/")[:-1]:
        if segment in ("", ".", ".."):
            return segment
    last = key.rpartition("/")[2]
    return last if last in (".", "..") else None


def store_path(root: str, uri: str) -> str | None:
    """Where an object is written below ``root``; None where it is no URI, or its key climbs out of the bucket.

    Empty segments of a key are left out: a path has none.
    """
    parts = split(uri)
    if parts is None:
        return None
    bucket = os.path.join(os.path.realpath(root), "s3", parts[0])
    path = os.path.normpath(os.path.join(bucket, parts[1].lstrip("/")))
    if path != bucket and not path.startswith(bucket + "/"):
        return None
    return path if within(path, os.path.realpath(bucket)) else None


def find(root: str, uri: str) -> str | None:
    """The file that holds one object; None where there is none."""
    parts = split(uri)
    if parts is None or not parts[1] or odd_segment(parts[1]) is not None:
        return None
    bucket = os.path.realpath(os.path.join(root, "s3", parts[0]))
    path = os.path.join(bucket, parts[1])
    return path if not path.endswith("/") and os.path.isfile(path) and within(path, bucket) else None


class Found(NamedTuple):
    """The objects below a prefix.

    ``folder`` is set where they are exactly one directory's: then ``hidden`` are the names in it that are no
    objects, and ``linked`` the links in it that stand for a file elsewhere in the bucket. Otherwise ``files``
    has them by name. ``notes`` are sentences on what was left out.
    """

    folder: str | None
    directories: list[str]
    files: dict[str, str]
    hidden: list[str]
    linked: dict[str, str]
    notes: list[str]


def matching(root: str, uri: str) -> Found | None:
    """Every object whose key begins as ``uri`` does; None where there is none.

    Names are what is left of a key after the last ``/`` of the prefix; where the prefix is the name of a
    folder, after that folder.
    """
    parts = split(uri)
    if parts is None:
        return None
    bucket = os.path.realpath(os.path.join(root, "s3", parts[0]))
    parent, _, stem = parts[1].rpartition("/")
    if parts[1].startswith("/") or (parent and odd_segment(parent + "/") is not None):
        return None
    folder = os.path.join(bucket, parent) if parent else bucket
    if not os.path.isdir(folder) or not within(folder, bucket):
        return None
    if not stem:
        return _folder(folder, bucket)
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.name.startswith(stem))
    if (
        names == [stem]
        and os.path.isdir(os.path.join(folder, stem))
        and within(os.path.join(folder, stem), bucket)
    ):
        return _folder(os.path.join(folder, stem), bucket)
    return _several(folder, stem, names, bucket)


def _folder(folder: str, bucket: str) -> Found | None:
    found = survey(folder)
    hidden, linked, notes = links_of(folder, found, bucket)
    if not found.any_file and not linked:
        return None
    return Found(os.path.realpath(folder), found.directories, {}, hidden, linked, notes)


def links_of(folder: str, found: Survey, bucket: str) -> tuple[list[str], dict[str, str], list[str]]:
    """(names that are no objects, files by the name of the link that stands for them, sentences on the first)."""
    hidden, linked, notes = list(found.special), dict[str, str](), list[str]()
    notes += [f"{os.path.join(folder, name)} is no file, so that it was left out" for name in found.special]
    for name in found.links:
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            notes.append(f"{path} is a link to nothing, so that it was left out")
            hidden.append(name)
        elif not within(path, bucket):
            notes.append(f"{path} is a link out of its bucket, which is not followed")
            hidden.append(name)
        elif os.path.isfile(path):
            linked[name] = os.path.realpath(path)
        else:
            hidden.append(name)
            below = os.path.realpath(path)
            if os.path.realpath(folder).startswith(below + "/") or below == os.path.realpath(folder):
                notes.append(f"{path} is a link to a folder that it is in itself, which is not followed")
                continue
            linked.update({os.path.join(name, inner): file for inner, file in files_below(below)})
    return hidden, linked, notes


def files_below(folder: str) -> list[tuple[str, str]]:
    """(path inside, path) of every regular file, in the order of keys."""
    found = []
    for directory, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.isfile(path) and not os.path.islink(path):
                found.append((os.path.relpath(path, folder), path))
    return sorted(found)


def _several(folder: str, stem: str, names: list[str], bucket: str) -> Found | None:
    files: dict[str, str] = {}
    notes: list[str] = []
    for name in names:
        path = os.path.join(folder, name)
        if os.path.islink(path) and not within(path, bucket):
            notes.append(f"{path} is a link out of its bucket, which is not followed")
        elif os.path.isdir(path):
            inner = _folder(path, bucket)
            if inner is None:
                continue
            notes += inner.notes
            for place, file in [*files_below(path), *inner.linked.items()]:
                files[place if name == stem else os.path.join(name, place)] = file
        elif os.path.isfile(path):
            if name in files:  # train.csv, and train/train.csv: the longer key keeps its folder
                files[os.path.join(stem, name)] = files[name]
            files[name] = path
    return Found(None, [], files, [], {}, notes) if files else None


def put(source: str, target: str) -> None:
    """Put a file at its place, whole or not at all. Raises OSError."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with whole(target) as part:
        clone(source, part)

"""What a job needs of real S3, mirrored into the form of the local store; and what it leaves, put there.

Transfers run in a process of their own: they have threads, and the supervisor must not. It asks for work as JSON
data and can be ended at any time. https://developmentseed.org/obstore/
"""

from __future__ import annotations

import http.client
import json
import os
import re
import select
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from cursus.local.linux.children import collect, kill
from cursus.local.linux.descriptors import leave, write_all
from cursus.local.s3.client import Client, Object, access, encryption, plain
from cursus.local.storage import StoreError, odd_segment, parts_of

T = TypeVar("T")
THREADS = 16
LARGE = 64 << 20
"""Bytes from which an object is read in several ranges at once."""
RANGE, LONGEST = 16 << 20, 256 << 20
PARTS = 4
ATTEMPTS = 3
UNKNOWN = -1
"""Size of an object that was named and not listed."""


class Transfer:
    """A transfer that goes on in another process. ``descriptor`` is readable when it has ended."""

    def __init__(self, work: Mapping[str, Any]) -> None:
        self.descriptor, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                leave((write,))
                write_all(write, json.dumps(carry_out(work)).encode())
                code = 0
            finally:
                os._exit(code)
        os.close(write)

    def result(self) -> dict[str, Any]:
        """What it came to. Waits for the end. Raises StoreError with the reason where it failed."""
        data = b""
        while chunk := os.read(self.descriptor, 1 << 16):
            data += chunk
        self._collect()
        if not data:
            raise StoreError("the transfer was ended")
        found: dict[str, Any] = json.loads(data)
        if "error" in found:
            raise StoreError(found["error"])
        return found

    def stop(self) -> None:
        """End it now."""
        kill(self.pid)
        self._collect()

    def _collect(self) -> None:
        collect(self.pid)
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def carried(work: Mapping[str, Any], meanwhile: Callable[[], None]) -> dict[str, Any]:
    """What a transfer came to; ``meanwhile`` is called as it goes on, and ends it by what it raises."""
    begun = Transfer(work)
    try:
        while not select.select([begun.descriptor], [], [], 0)[0]:
            meanwhile()
        return begun.result()
    finally:
        begun.stop()


def carry_out(work: Mapping[str, Any]) -> dict[str, Any]:
    """Do it in this process. ``work``: ``store``, ``region``; ``down`` and ``root``, ``list``, or ``up`` and ``kms``.

    Returns:
        ``notes``: what could not be held as a file; ``objects``: (name, key, size, time) of what was listed; or
        ``error``: why it failed.
    """
    try:
        where = access(work["store"], work["region"])
        if "down" in work:
            return {"notes": mirror(where, work["down"], work["root"], exact=work["exact"])}
        if "list" in work:
            notes: list[str] = []
            return {"objects": named(where, work["list"], notes), "notes": notes}
        for path, uri in work["up"]:
            upload(where, path, uri, work.get("kms"))
        return {"notes": []}
    except StoreError as error:
        return {"error": str(error)}
    except OSError as error:
        text = f"{os.strerror(error.errno)}: {error.filename or ''}" if error.errno else sentence(error)
        return {"error": text.rstrip(": ")}
    except Exception as error:  # obstore's errors have no common base in every version
        return {"error": sentence(error)}


def sentence(error: Exception) -> str:
    """An error of a store in one line, without what only its developers need."""
    text = str(error)
    answer = re.search(r"<Code>([^<]*)</Code>(?:.*?<Message>([^<]*)</Message>)?", text, re.DOTALL)
    if answer is not None:
        return ": ".join(part for part in answer.groups() if part)
    if "error sending request" in text:
        place = re.search(r"https?://[^/ ]+", text)
        return f"{place.group() if place else 'the endpoint'} does not answer"
    return " ".join(str(error).split("Debug source")[0].split()) or type(error).__name__


def mirror(where: Any, uris: Sequence[str], root: str, *, exact: bool) -> list[str]:
    """Bring every object that begins with one of ``uris`` to ``<root>/s3/<bucket>/<key>``.

    Args:
        where: a ``client.Access``.
        uris: prefixes, or whole keys.
        root: the folder of a store.
        exact: they are whole keys, and nothing is listed.

    Returns:
        Sentences on keys that are no paths, and what became of them.

    Raises:
        StoreError: the store cannot be read, an object is not there, or two keys need the same place.
    """
    buckets: dict[str, list[str]] = {}
    for uri in uris:
        bucket, key = parts_of(uri)
        buckets.setdefault(bucket, []).append(key)
    notes: list[str] = []
    for bucket, keys in buckets.items():
        client = Client(where, bucket)
        objects = (
            [Object(key, UNKNOWN) for key in keys] if exact else [o for key in keys for o in client.list(key)]
        )
        _mirror(client, objects, os.path.join(root, "s3", bucket), notes)
    return notes


def _mirror(client: Client, objects: Sequence[Object], folder: str, notes: list[str]) -> None:
    os.makedirs(folder, exist_ok=True)
    places = _places(client.bucket, objects, notes)
    for parent in _folders(places):
        os.makedirs(os.path.join(folder, parent), exist_ok=True)
    fetch(
        client, {os.path.join(folder, place): found for place, found in places.items() if place[-1:] != "/"}
    )


def _places(bucket: str, objects: Iterable[Object], notes: list[str]) -> dict[str, Object]:
    """Objects by their paths inside the bucket. Raises StoreError where two need the same one."""
    places: dict[str, Object] = {}
    for found in objects:
        place = _place(found.key, bucket, notes)
        if place is None:
            continue
        other = places.setdefault(place, found)
        if other.key != found.key:
            raise StoreError(
                f"the keys {other.key!r} and {found.key!r} of {bucket} need the same file, {place!r}"
            )
    return places


def named(where: Any, uri: str, notes: list[str]) -> list[tuple[str, str, int, int]]:
    """(name, key, bytes, time of change) of each object that begins with ``uri``; its name as in a channel.

    Raises:
        StoreError: the store cannot be read, or no file system holds the keys.
    """
    bucket, prefix = parts_of(uri)
    client = Client(where, bucket)
    client.store()  # what reads them later: it is missed now
    places = _places(bucket, client.list(prefix), notes)
    _folders(places)
    names = channel_names(prefix, [place for place in places if place[-1:] != "/"])
    return [
        (name, places[place].key, places[place].size, places[place].modified) for name, place in names.items()
    ]


def channel_names(prefix: str, places: Sequence[str]) -> dict[str, str]:
    """The names of a prefix's objects in a channel, as ``storage.matching`` gives them to files."""
    parent, _, stem = prefix.rpartition("/")
    if stem and all(place.startswith(prefix + "/") for place in places):
        parent, stem = prefix, ""
    skip = len(parent) + 1 if parent else 0
    found: dict[str, str] = {}
    for place in places:
        name = place[skip:]
        if stem and name.startswith(stem + "/"):
            name = name[len(stem) + 1 :]
        other = found.get(name)
        if other is not None:  # train.csv, and train/train.csv: the longer key keeps its folder
            longer, place = (other, place) if len(other) > len(place) else (place, other)
            found[longer[skip:]] = longer
        found[name] = place
    return found


def _place(key: str, bucket: str, notes: list[str]) -> str | None:
    """The path of a key inside its bucket; None, and a note, where it has none."""
    segments = key.split("/")
    if ".." in segments or "\0" in key:
        notes.append(f"the key {key!r} of {bucket} climbs out of its folder: it is left out")
        return None
    if odd_segment(key) is None and not key.startswith("/"):
        return key
    place = "/".join(segment for segment in segments if segment not in ("", "."))
    notes.append(f"the key {key!r} of {bucket} is no path: its file is {place!r}")
    return place or None


def _folders(places: Mapping[str, Object]) -> set[str]:
    """The folders that the objects are in. Raises StoreError where no file system holds their keys."""
    made: set[str] = set()
    for place, found in places.items():
        parent = place.rstrip("/") if place.endswith("/") else os.path.dirname(place)
        if parent in made or not parent:
            continue
        made.add(parent)
        for segment in place.split("/"):
            if len(os.fsencode(segment)) > 255:
                raise StoreError(
                    f"the key {found.key!r} has a part of more than 255 bytes, which no file's name can have"
                )
        folder = parent
        while folder:
            if folder in places:
                raise StoreError(
                    f"the keys {folder!r} and {found.key!r} cannot both be held: one's file is the other's folder"
                )
            folder = os.path.dirname(folder)
    return made


def fetch(client: Client, targets: Mapping[str, Object]) -> None:
    """Read objects into files: many small ones at once, a large one by several ranges at once.

    Raises:
        StoreError: one is not there, or is not whole.
    """
    from cursus.local.s3 import small_objects

    targets = small_objects.fetch(client, targets)
    if not targets:
        return
    import obstore

    store = client.store()

    def one(item: tuple[str, Object]) -> None:
        path, found = item
        if not plain(found.key):
            with open(path, "wb") as file:
                _whole(found, client.get(found.key, file))
            return
        try:
            answer = obstore.get(store, found.key)
        except FileNotFoundError:
            raise StoreError(f"S3 key: s3://{client.bucket}/{found.key} matched no files on s3") from None
        if answer.meta["size"] >= LARGE:
            large.append((path, Object(found.key, answer.meta["size"])))
            return
        data = answer.bytes()
        with open(path, "wb", buffering=0) as file:
            write_all(file.fileno(), memoryview(data))
        _whole(found, len(data))

    large = [item for item in targets.items() if item[1].size >= LARGE and plain(item[1].key)]
    known = {path for path, _ in large}
    small = [item for item in targets.items() if item[0] not in known]
    _at_once(one, small)
    for path, found in large:
        _fetch_large(client, path, found)


def _at_once(one: Callable[[T], None], items: Sequence[T]) -> None:
    """Do ``one`` for each item, several at a time. Raises what the first that fails does."""
    with ThreadPoolExecutor(min(THREADS, max(1, len(items)))) as pool:
        for _ in pool.map(one, items):
            pass


def _write_at(descriptor: int, data: memoryview, start: int) -> int:
    """Write ``data`` at a place in a file; the place behind it is returned."""
    while data:
        written = os.pwrite(descriptor, data, start)
        data, start = data[written:], start + written
    return start


def _whole(found: Object, length: int) -> None:
    if found.size not in (UNKNOWN, length):
        raise StoreError(f"{found.key} has {found.size} bytes, and {length} came")


def _fetch_large(client: Client, path: str, found: Object) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        if client.access.endpoint.startswith("http://") and client.gives_parts(found.key, found.size):
            step = min(LONGEST, max(RANGE, -(-found.size // PARTS)))  # each part has its price for the server
            _parts(partial(client.part_to, found.key), descriptor, found.size, step, PARTS)
            return
        import obstore

        store = client.store()

        def one(start: int, length: int, descriptor: int) -> None:
            data = memoryview(obstore.get_range(store, found.key, start=start, end=start + length)).cast("B")
            if len(data) != length:
                raise StoreError(f"{found.key}: a range is not whole")
            _write_at(descriptor, data, start)

        try:
            one(0, min(RANGE, found.size), descriptor)
        except (StoreError, OSError):
            raise
        except Exception:  # servers are allowed to answer a range with everything
            _stream(store, descriptor, found)
            return
        _parts(one, descriptor, found.size, RANGE, 2 * PARTS)
    finally:
        os.close(descriptor)


def _parts(one: Callable[[int, int, int], None], descriptor: int, size: int, step: int, threads: int) -> None:
    """A file by ranges of ``step`` bytes, several at once. ``one`` is given a start, a length and the descriptor."""

    def tried(start: int) -> None:
        for attempt in range(ATTEMPTS):
            try:
                one(start, min(step, size - start), descriptor)
                return
            except (OSError, http.client.HTTPException):
                if attempt == ATTEMPTS - 1:
                    raise

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(tried, range(0, size, step)):
            pass


def _stream(store: Any, descriptor: int, found: Object) -> None:
    import obstore

    done = 0
    for chunk in obstore.get(store, found.key).stream(min_chunk_size=8 << 20):
        done = _write_at(descriptor, memoryview(chunk).cast("B"), done)
    _whole(found, done)


def upload(where: Any, path: str, uri: str, kms: str | None = None) -> None:
    """Put a file at ``uri``. Raises StoreError."""
    bucket, key = parts_of(uri)
    put(Client(where, bucket, encryption(kms)), [(path, key)])


def put(client: Client, pairs: Sequence[tuple[str, str]]) -> None:
    """Put files at keys, several at once; a large one in parts at once."""
    import obstore

    store = client.store()

    def one(pair: tuple[str, str]) -> None:
        path, key = pair
        if not plain(key):
            client.put(key, path)
            return
        with open(path, "rb") as file:
            obstore.put(store, key, file, chunk_size=16 << 20, max_concurrency=8)

    _at_once(one, pairs)

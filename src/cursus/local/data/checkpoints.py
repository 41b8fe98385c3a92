"""CheckpointConfig: what is at S3Uri is restored before each start, and LocalPath is kept in step with it.

New and changed files go up while the script runs and at its end, and a file that the script deletes is deleted
there too. https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html

``S3Uri`` is a prefix of strings: without a slash at its end, ``…/run-1`` restores the files of ``…/run-10`` as well.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cursus.local.data.syncing import Folder, Place, Sync, place_of
from cursus.local.linux import syscalls as sc

if TYPE_CHECKING:
    from cursus.local.lifecycle.hosts import Host
    from cursus.local.supervisor import Supervisor

CHANGED = sc.IN_MODIFY | sc.IN_MOVED_TO | sc.IN_CREATE
SEEN = sc.IN_ACCESS | sc.IN_CLOSE_NOWRITE | CHANGED
BROUGHT = "checkpoints-from-s3"
"""Folder of the job that holds what a bucket has, while it is restored."""


def stored(target: str, uri: str) -> Iterator[tuple[str, str, bool]]:
    """(name, path, foreign) of everything that the prefix ``uri`` has in the local store at ``target``.

    ``foreign`` is True for what only shares the beginning of its key.
    """
    for path in _below(target):
        yield os.path.relpath(path, target), path, False
    if uri.endswith("/"):
        return
    parent, stem = os.path.split(target)
    try:
        names = sorted(os.listdir(parent))
    except OSError:
        return
    for name in names:
        path = os.path.join(parent, name)
        if not name.startswith(stem) or name == stem or name.endswith(".part"):
            continue
        for found in [path] if os.path.isfile(path) and not os.path.islink(path) else _below(path):
            key = os.path.relpath(found, parent)[len(stem) :].lstrip("/")
            if key:
                yield key, found, True


def _below(folder: str) -> Iterator[str]:
    """The regular files below a folder, in order; links are not followed, as none leads out of a bucket."""
    for directory, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(directory, name)
            if not name.endswith(".part") and stat.S_ISREG(os.lstat(path).st_mode):
                yield path


class Checkpoints:
    """The checkpoint directories of a job's hosts and their place in S3."""

    def __init__(self, owner: Supervisor) -> None:
        self.owner = owner
        config = owner.plan["checkpoints"] or {}
        self.uri: str = config.get("uri", "")
        self.active = bool(config)
        self.private: str | None = config.get("private")
        """A folder of its own, for a run that must leave S3Uri as it is."""
        place: Place | None = None
        if self.active:
            place = Folder(self.private) if self.private else place_of(owner, self.uri)
        self.sync = Sync(owner, lambda host: host.checkpoint_folder(), place, deletes=True)
        self.foreign: list[str] = []
        self.restored: list[str] = []
        self._opens: int | None = None
        self._places: dict[int, tuple[str, str]] = {}
        self._read: set[str] = set()
        self._changed: set[str] = set()

    @property
    def next_at(self) -> float | None:
        """When to look at the directories again."""
        return self.sync.next_at

    # --- before a start -----------------------------------------------------------------------------

    def bring(self) -> None:
        """Fetch what real S3 has now. Raises ChannelError, StoppedEarlyError."""
        if not self.active or not self.owner.plan.get("store") or (self.private and self.sync.rounds):
            return
        from cursus.local import sandbox
        from cursus.local.data import inputs

        folder = os.path.join(self.owner.folder, BROUGHT)
        sandbox.remove(folder)
        work = {"down": [self.uri], "exact": False, "root": folder}
        self.owner.notes += inputs.transfer(self.owner, work)["notes"]

    def _source(self) -> str | None:
        """Where restored files come from."""
        from cursus.local.storage import store_path

        if self.private and self.sync.rounds:
            return self.private
        root = self.owner.plan["root"]
        if self.owner.plan.get("store"):
            root = os.path.join(self.owner.folder, BROUGHT)
        return store_path(root, self.uri)

    def restore(self, host: Host) -> None:
        """Put what the store has where ``host`` finds it. Raises OSError."""
        if not self.active:
            return
        from cursus.local.data.files import clone

        folder = host.checkpoint_folder()
        os.makedirs(folder, exist_ok=True)
        source = self._source()
        self.restored = []
        for name, path, foreign in stored(source, self.uri) if source else ():
            place = os.path.join(folder, name)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            clone(path, place)
            self.restored.append(name)
            if foreign and name not in self.foreign:
                self.foreign.append(name)
        self.sync.know(host)

    def watch(self) -> None:
        """From now on: which of the restored files does somebody read, and what changes?"""
        if not self.active:
            return
        if self.owner.plan.get("store"):
            from cursus.local import sandbox

            sandbox.remove(os.path.join(self.owner.folder, BROUGHT))
        self.sync.begin()
        self._read, self._changed = set(), set()
        self._places = {}
        if not self.restored:
            return
        try:
            self._opens = sc.inotify()
            for host in self.owner.hosts:
                folder = host.checkpoint_folder()
                for directory, _, _ in os.walk(folder):
                    inner = os.path.relpath(directory, folder)
                    self._places[sc.watch_opens(self._opens, directory, SEEN)] = (folder, inner)
        except OSError:
            self._stop_watching()

    def read(self) -> list[str] | None:
        """The restored files that were read since ``watch``; None where that cannot be seen."""
        if not self.restored:
            return []
        if self._opens is None:
            return None
        self._look_at_opens()
        found = sorted(self._read & set(self.restored))
        self._stop_watching()
        return found

    def _stop_watching(self) -> None:
        if self._opens is not None:
            os.close(self._opens)
            self._opens = None

    def _look_at_opens(self) -> None:
        while self._opens is not None:
            try:
                data = os.read(self._opens, 1 << 16)
            except BlockingIOError:
                return
            for number, mask, name in sc.inotify_events(data):
                _, inner = self._places.get(number, ("", "."))
                if name and not mask & sc.IN_ISDIR:
                    found = os.path.normpath(os.path.join(inner, os.fsdecode(name)))
                    if mask & CHANGED:
                        self._changed.add(found)  # from here on it may be our own copying that reads it
                    elif found not in self._changed:
                        self._read.add(found)

    # --- while the script runs ------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Look at what was read, and carry up what changed."""
        if self._opens is not None:
            self._look_at_opens()
        self.sync.tick(now)

    def finish(self) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
        """The last sync, when no process of a host is left: the files that are there now, and what cannot be kept.

        Raises:
            StoreError: not everything came to S3Uri.
        """
        if not self.active:
            return [], []
        files, left_out = self.sync.finish()
        return [{"path": name, "size": files[name]} for name in sorted(files)], left_out

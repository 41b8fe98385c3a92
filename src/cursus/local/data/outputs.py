"""What the script leaves for TensorBoard, the debugger and the profiler: brought to S3 while it runs, and at its end.

A job's files are below its name there. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TensorBoardOutputConfig.html,
…/API_DebugHookConfig.html, …/API_ProfilerConfig.html; the names of the folders are those that the SDK documents.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from cursus.local import storage
from cursus.local.data.syncing import Sync, place_of
from cursus.local.isolation.mounts import ML

if TYPE_CHECKING:
    from cursus.local.lifecycle.hosts import Host
    from cursus.local.supervisor import Supervisor

KINDS = (
    ("TensorBoardOutputConfig", f"{ML}/output/tensorboard", "tensorboard-output"),
    ("DebugHookConfig", f"{ML}/output/tensors", "debug-output"),
    ("ProfilerConfig", f"{ML}/output/profiler", "profiler-output"),
)
"""Member of the request, where the script writes by default, and the name of its folder in S3."""


class Output(NamedTuple):
    """One of them: ``path`` in the container, ``uri`` of its files."""

    member: str
    path: str
    uri: str


def wanted(request: Mapping[str, Any]) -> list[Output]:
    """What a request asks to be brought to S3."""
    found = []
    for member, default, name in KINDS:
        config = request.get(member)
        if not isinstance(config, Mapping) or config.get("DisableProfiler"):
            continue
        uri = str(config.get("S3OutputPath") or "").rstrip("/")
        path = os.path.normpath(str(config.get("LocalPath") or default))
        if storage.split(uri) is not None:
            found.append(Output(member, path, f"{uri}/{request['TrainingJobName']}/{name}"))
    return found


def seen(path: str) -> bool:
    """Whether a path of the container is a place that is kept here, at every level of isolation."""
    return path.startswith(ML + "/")


class Outputs:
    """Those of one job, each with its own sync."""

    def __init__(self, owner: Supervisor) -> None:
        self.outputs = [output for output in wanted(owner.request) if seen(output.path)]
        self.syncs = [
            Sync(owner, partial(_folder, one.path), place_of(owner, one.uri), deletes=False)
            for one in self.outputs
        ]

    @property
    def next_at(self) -> float | None:
        """When to look again."""
        return min((sync.next_at for sync in self.syncs if sync.next_at is not None), default=None)

    def prepare(self, host: Host) -> None:
        """The directories are there from the start."""
        for output in self.outputs:
            os.makedirs(_folder(output.path, host), exist_ok=True)

    def begin(self) -> None:
        """The scripts are about to run."""
        for sync in self.syncs:
            sync.begin()

    def tick(self, now: float) -> None:
        """Carry up what changed."""
        for sync in self.syncs:
            sync.tick(now)

    def finish(self) -> None:
        """The last round of each. Raises StoreError, with the first that failed, when all were tried."""
        errors = []
        for output, sync in zip(self.outputs, self.syncs, strict=True):
            try:
                sync.finish()
            except storage.StoreError as error:
                errors.append(f"{error}: {output.uri}")
        if errors:
            raise storage.StoreError(errors[0])


def _folder(path: str, host: Host) -> str:
    """Where a path of the container is on this machine, for a host."""
    return host.ml + path[len(ML) :]

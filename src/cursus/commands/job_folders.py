"""The jobs of a root, as the commands on jobs see them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cursus.errors import RunError
from cursus.local.jobs.job import TrainingJob
from cursus.local.runner import default_root


def place(root: str | None) -> Path:
    """The root: as given, or of the project's configuration, ``CURSUS_ROOT``, ``.cursus``."""
    if root is None and not os.environ.get("CURSUS_ROOT"):
        from cursus import config

        root = config.load().root
    return Path(root or default_root())


def jobs(root: Path) -> Iterator[TrainingJob]:
    """Every job of the root that can be read, oldest first."""
    from cursus.local.jobs import folders as listing

    found = sorted((state["created"], name) for name, state in listing.states(str(root)))
    for _, name in found:
        with suppress(RunError):  # removed in this moment
            yield TrainingJob(root / "jobs" / name)


def job(root: Path, name: str) -> TrainingJob:
    """The job of this name, or in this folder. Raises RunError where there is none."""
    for path in (root / "jobs" / name, Path(name)):
        if name and "\0" not in name and (path / "job.json").is_file():
            return TrainingJob(path)
    from cursus.local.jobs import folders as listing
    from cursus.suggest import did_you_mean

    hint = did_you_mean(name, listing.names(str(root)))
    raise RunError(f"there is no job {name!r} in {root / 'jobs'}.{hint}")

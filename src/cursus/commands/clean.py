"""``cursus clean``: the removal of what cursus made, and of nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cursus.commands import common, options
from cursus.errors import CursusError
from cursus.report.plain import count

if TYPE_CHECKING:
    from cursus.local.jobs.job import TrainingJob


@click.command("clean")
@click.argument("names", nargs=-1, metavar="[JOB]...")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options.root
def command(names: tuple[str, ...], yes: bool, root: str | None) -> int:
    """Remove the folders of all jobs that have ended, or of each JOB, and what they stored in ROOT/s3.

    Data that you put into ROOT/s3 stays, and so do checkpoints, from which a later job goes on (but not those
    in a prefix of the job's own name), and every folder that holds no job. A job that still runs stays too.
    """
    from cursus.commands.job_folders import job, jobs, place
    from cursus.local.jobs.folders import INDEX
    from cursus.local.jobs.job import FINAL

    folder = place(root)
    leftovers = [] if names else list(_leftovers(folder / "jobs"))
    chosen = [job(folder, name) for name in names] if names else list(jobs(folder))
    running = [one for one in chosen if one.status not in FINAL]
    ended = [one for one in chosen if one.status in FINAL]
    for one in running:
        common.say(f"cursus: {one.name} still runs and stays; `cursus stop {one.name}` stops it")
    contained = 0 if names else _orphans(folder)
    if contained:
        common.say(f"cursus: {count(contained, 'container')} or networks of jobs that are gone were removed")
    if not ended and not leftovers:
        common.write([f"nothing to remove in {folder}\n"])
        return common.OK
    if not yes:
        more = f" and {count(len(leftovers), 'leftover')}" if leftovers else ""
        _ask(f"Remove {count(len(ended), 'job')}{more} from {folder / 'jobs'}?")
    outputs = [output for one in ended for output in _outputs(one, folder)]
    left = [path for path in (*outputs, *(one.folder for one in ended), *leftovers) if not remove(path)]
    for output in outputs:
        _prune(output.parent, folder)
    with suppress(OSError):
        (folder / "jobs" / INDEX).unlink()
    for empty in (folder / "jobs", folder / "s3", folder):
        with suppress(OSError):
            empty.rmdir()
    if left:
        raise CursusError(f"not wholly removed: {', '.join(map(str, left))}")
    common.write([f"{count(len(ended), 'job')} removed\n"])
    return common.OK


def _orphans(folder: Path) -> int:
    """Remove what killed probes left, and containers of jobs whose folders are gone."""
    from cursus.local.containers import engine
    from cursus.local.isolation import probes

    probes.sweep_probes()
    return engine.orphans(str(folder.absolute()))


def remove(folder: Path) -> bool:
    """Remove a job's folder, whatever permissions the job left in it; a link is removed, never followed."""
    if folder.is_symlink():
        folder.unlink()
        return True
    from cursus.local import sandbox

    sandbox.remove(str(folder))
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _leftovers(folder: Path) -> Iterator[Path]:
    """What killed processes left: folders of jobs half removed, and of jobs that never began."""
    from cursus.local.jobs import record
    from cursus.local.jobs.folders import REMOVED
    from cursus.local.runner import ABANDONED

    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.is_symlink() or not path.is_dir():
            continue
        if path.name.startswith(REMOVED) or (
            (path / "lock").is_file()
            and not record.is_running(str(path))
            and ABANDONED.issuperset(child.name for child in path.iterdir())
        ):
            yield path


def _outputs(job: TrainingJob, root: Path) -> Iterator[Path]:
    """The folder ``<S3OutputPath>/<TrainingJobName>`` of a job in the local S3, and that of checkpoints of its name."""
    from cursus.local.storage import store_path

    told = job.describe()
    uri = (told.get("ModelArtifacts") or {}).get("S3ModelArtifacts") or ""
    stored = store_path(str(root), uri)
    if stored is not None:
        folder = Path(stored).parent.parent
        if folder.name == job.name and Path(stored).parent.name == "output" and folder.is_dir():
            yield folder
    kept = store_path(str(root), (told.get("CheckpointConfig") or {}).get("S3Uri") or "")
    if kept is not None and Path(kept).name == job.name and Path(kept).is_dir():
        yield Path(kept)


def _prune(folder: Path, root: Path) -> None:
    """Remove folders that are empty now, up to the root."""
    top = root.resolve()
    with suppress(OSError):
        while folder != top and top in folder.parents:
            folder.rmdir()
            folder = folder.parent


def _ask(question: str) -> None:
    try:
        agreed = click.confirm(question, default=False, err=True)
    except click.Abort:
        raise click.UsageError("nobody answered; --yes removes without asking") from None
    if not agreed:
        raise click.UsageError("nothing was removed")

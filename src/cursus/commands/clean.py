"""``cursus clean``: the removal of what cursus made, and of nothing else."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import click

from cursus.commands import common
from cursus.errors import CursusError
from cursus.report.plain import count


@click.command("clean")
@click.argument("names", nargs=-1, metavar="[JOB]...")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@common.root_option
def command(names: tuple[str, ...], yes: bool, root: str | None) -> int:
    """Remove the folders of all jobs that have ended, or of each JOB.

    Data that you put into ROOT/s3 stays, and so does every folder that holds no job. A job that still runs
    stays too.
    """
    from cursus.commands.job_folders import job, jobs, place
    from cursus.local.job import FINAL

    folder = place(root)
    chosen = [job(folder, name) for name in names] if names else list(jobs(folder))
    running = [one for one in chosen if one.status not in FINAL]
    ended = [one for one in chosen if one.status in FINAL]
    for one in running:
        common.say(f"cursus: {one.name} still runs and stays; `cursus stop {one.name}` stops it")
    if not ended:
        common.write([f"nothing to remove in {folder}\n"])
        return common.OK
    if not yes:
        _ask(f"Remove {count(len(ended), 'job')} from {folder / 'jobs'}?")
    left = [one.folder for one in ended if not remove(one.folder)]
    for empty in (folder / "jobs", folder):
        with suppress(OSError):
            empty.rmdir()
    common.write([f"{count(len(ended) - len(left), 'job')} removed\n"])
    if left:
        raise CursusError(f"not wholly removed: {', '.join(map(str, left))}")
    return common.OK


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


def _ask(question: str) -> None:
    try:
        agreed = click.confirm(question, default=False, err=True)
    except click.Abort:
        raise click.UsageError("nobody answered; --yes removes without asking") from None
    if not agreed:
        raise click.UsageError("nothing was removed")

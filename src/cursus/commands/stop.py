"""``cursus stop``: the end of a job, as StopTrainingJob makes it."""

from __future__ import annotations

import click

from cursus.commands import common, options


@click.command("stop")
@click.argument("name")
@click.option("--wait", is_flag=True, help="Return when the job has ended.")
@options.root
def command(name: str, wait: bool, root: str | None) -> int:
    """Stop the job NAME: SIGTERM, the grace period, SIGKILL."""
    from cursus.commands.job_folders import job, place

    found = job(place(root), name)
    found.stop()
    if wait:
        found.wait(watch_only=True)
    common.write([f"{found.name}: {found.status}\n"])
    return common.OK

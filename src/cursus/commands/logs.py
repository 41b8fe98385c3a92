"""``cursus logs``: what a job printed."""

from __future__ import annotations

import click

from cursus.commands import common
from cursus.errors import RunError


@click.command("logs")
@click.argument("name")
@click.option("--host", metavar="HOST", help="One host's log.  [default: all of them]")
@click.option("--follow", "-f", is_flag=True, help="Go on until the job ends.")
@common.root_option
def command(name: str, host: str | None, follow: bool, root: str | None) -> int:
    """Print the log of the job NAME."""
    from cursus.commands.job_folders import job, place

    found = job(place(root), name)
    known = sorted(path.stem for path in (found.folder / "logs").glob("*.log"))
    if host is not None and host not in known:
        raise RunError(f"the job {name} has no log of host {host!r}; there are: {', '.join(known) or 'none'}")
    if follow:
        from cursus.commands.run import LogPrinter

        found.wait(LogPrinter(host))
        return common.OK
    for one in known if host is None else [host]:
        if len(known) > 1 and host is None:
            common.write([f"== {one}\n"])
        common.write([found.logs(one)])
    return common.OK

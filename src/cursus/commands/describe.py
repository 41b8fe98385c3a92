"""``cursus describe``: one job, in the words of the API."""

from __future__ import annotations

import click

from cursus.commands import common, options


@click.command("describe")
@click.argument("name")
@options.root
def command(name: str, root: str | None) -> int:
    """Print the DescribeTrainingJob response of the job NAME as JSON."""
    from cursus.commands.job_folders import job, place
    from cursus.report.as_json import printed

    common.write([printed(job(place(root), name).describe())])
    return common.OK

"""``cursus jobs``: what ran here."""

from __future__ import annotations

import click

from cursus.commands import common


@click.command("jobs")
@common.root_option
@common.output_options(("text", "json"))
def command(root: str | None, format: str, output: str | None) -> int:
    """List the jobs that ran here, oldest first."""
    from cursus.commands.job_folders import jobs, place
    from cursus.report.outcome import SCHEMA_VERSION
    from cursus.report.plain import one_line

    folder = place(root)
    rows = []
    data = []
    for job in jobs(folder):
        found = job.describe()
        created = found["CreationTime"].strftime("%Y-%m-%d %H:%M:%S")
        seconds = found.get("TrainingTimeInSeconds")
        rows.append((one_line(job.name), job.status, created, "" if seconds is None else f"{seconds} s"))
        data.append({"name": job.name, "status": job.status, "folder": str(job.folder), "created": created})
    if format == "json":
        from cursus.report.as_json import dumps

        common.write([dumps({"schema_version": SCHEMA_VERSION, "jobs": data}, indent=2) + "\n"], output)
    else:
        common.write(common.table(rows) if rows else [f"no jobs in {folder / 'jobs'}\n"], output)
    return common.OK

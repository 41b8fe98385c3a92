"""``cursus jobs``: what ran here."""

from __future__ import annotations

import click

from cursus.commands import common, options

REASON = 80
"""Characters of a FailureReason that the table shows."""


@click.command("jobs")
@options.root
@options.output(("text", "json"))
def command(root: str | None, format: str, output: str | None) -> int:
    """List the jobs that run and ran here, oldest first, and why those failed or stopped that did."""
    from datetime import datetime, timezone

    from cursus.commands.job_folders import place
    from cursus.local.jobs import folders
    from cursus.local.jobs.describe import training_seconds
    from cursus.report.plain import one_line

    folder = place(root)
    rows = []
    data = []
    found = sorted(folders.states(str(folder)), key=lambda pair: (pair[1]["created"], pair[0]))
    for name, state in found:
        created = datetime.fromtimestamp(state["created"], timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        seconds = training_seconds(state)
        reason = state.get("failure_reason")
        why = reason or state.get("stop_reason")
        shown = one_line(str(why or ""))
        shown = shown if len(shown) <= REASON else shown[: REASON - 1] + "…"
        status = state["status"] if state["status"] != "InProgress" else f"InProgress ({state['secondary']})"
        rows.append((one_line(name), status, created, "" if seconds is None else f"{seconds} s", shown))
        data.append(
            {
                "name": name,
                "status": state["status"],
                "secondary_status": state.get("secondary"),
                "folder": str(folder / "jobs" / name),
                "created": created,
                "seconds": seconds,
                "failure_reason": reason,
                "stop_reason": state.get("stop_reason"),
            }
        )
    if format == "json":
        common.write_json({"jobs": data}, output)
    else:
        common.write(common.table(rows) if rows else [f"no jobs in {folder / 'jobs'}\n"], output)
    return common.OK

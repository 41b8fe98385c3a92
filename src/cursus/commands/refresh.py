"""``cursus refresh``: the service model of the user's own botocore."""

from __future__ import annotations

import click

from cursus.commands import common


@click.command("refresh")
def command() -> int:
    """Take the service model from the botocore that is installed here, where it is newer than ours."""
    from cursus.aws import schema
    from cursus.aws.refresh import refresh

    said = refresh()
    common.write([f"{said}; checks now use the model of {schema.model_date()} ({schema.model_source()})\n"])
    return common.OK

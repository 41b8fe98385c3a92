"""The options of ``cursus run`` beyond a plain run: interruptions, debugging, another interpreter."""

from __future__ import annotations

import re

import click

from cursus.commands.options import Choice, together

UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def duration(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    """A click callback that reads a time such as ``30s``, ``1.5m``, ``2h`` or ``90`` as seconds."""
    if text is None:
        return None
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*(ms|s|min|m|h|)\s*", text)
    seconds = float(found.group(1)) * UNITS[found.group(2)] if found else 0.0
    if seconds <= 0:
        raise click.BadParameter(f"{text!r} is no time above 0, such as 30s, 1.5m or 2h")
    return seconds


life = together(
    click.option(
        "--interrupt-after",
        callback=duration,
        metavar="TIME",
        help="Take its hosts away after so much training, as a spot interruption does, and start it again.",
    ),
    click.option(
        "--times", type=click.IntRange(min=1), default=1, metavar="N", help="How often.  [default: 1]"
    ),
    click.option(
        "--compare", is_flag=True, help="Run it without the interruption too, and compare the results."
    ),
    click.option(
        "--deliver-sigterm",
        is_flag=True,
        help="Hand SIGTERM to the script; the training toolkit does not.",
    ),
)
"""Interruptions as spot training has them."""

vary = click.option(
    "--vary/--no-vary",
    default=None,
    help="Run it again with other hyperparameters and data, and with its checkpoints: what changes nothing?  "
    "[default: where it takes < 1 s]",
)
"""Runs with other hyperparameters and data, and with the job's own checkpoints."""

store = click.option(
    "--s3",
    metavar="aws|URL",
    help="Read from and write to real S3, or an endpoint with its API; with your credentials.",
)
"""What stands for S3."""

containers = together(
    click.option(
        "--engine",
        type=Choice(("podman", "docker")),
        help="Run it in containers of the request's TrainingImage.",
    ),
    click.option("--image", metavar="NAME", help="The local image that stands in for the request's."),
    click.option(
        "--engine-argument",
        "engine_arguments",
        multiple=True,
        metavar="OPTION",
        help="An option that the engine gets for every container, such as --gpus=all.",
    ),
)
"""Containers of the job's own image."""

debugging = together(
    click.option("--shell", is_flag=True, help="Open a shell in its first host, in place of the script."),
    click.option(
        "--debug", is_flag=True, help="Put its first host on this terminal, so that breakpoint() works."
    ),
    click.option("--keep", is_flag=True, help="Keep what the hosts had on disk."),
    click.option(
        "--fork-ranks",
        is_flag=True,
        help="Fork torchrun's ranks from one process that has imported torch; the report says so.",
    ),
    click.option("--python", metavar="PATH", help="Run it with another interpreter."),
    click.option(
        "--requirements",
        is_flag=True,
        help="Run it with the source's requirements.txt installed (and kept).",
    ),
)
"""What helps to find out why a script does what it does."""

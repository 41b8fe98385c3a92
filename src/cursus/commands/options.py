"""Options that several commands take, as decorators."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    AnyChoice = click.Choice[str]
else:
    AnyChoice = click.Choice  # click 8.1 has no index

Function = TypeVar("Function", bound=Callable[..., Any])


class Choice(AnyChoice):
    """One of a few words; for another the one that was probably meant is named."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            from cursus.suggest import did_you_mean

            self.fail(error.message + did_you_mean(str(value), self.choices), param, ctx)


class Folder(click.Path):
    """A folder that is there; for another the one that was probably meant is named."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path as it was given."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            if os.path.lexists(value):
                raise
            from cursus.suggest import file_meant

            self.fail(error.message + file_meant(os.fspath(value)), param, ctx)


FOLDER = Folder(exists=True, file_okay=False)
SECONDS = click.FloatRange(min=0, min_open=True)


def together(*options: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """Several options as one decorator, in the order in which help lists them."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def pairs(option: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], dict[str, str]]:
    """A click callback that turns ``name=value`` texts into a mapping."""

    def split(
        _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
    ) -> dict[str, str]:
        found: dict[str, str] = {}
        for text in values:
            name, equals, value = text.partition("=")
            if not equals or not name:
                raise click.BadParameter(f"{text!r} is not of the form {option}")
            if name in found:
                raise click.BadParameter(f"{name!r} is given twice")
            found[name] = value
        return found

    return split


def words(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """A click callback that takes apart what stands with commas in one option."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _file(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A click callback: None is standard output."""
    return None if value == "-" else value


def _colored(_context: click.Context, _parameter: click.Parameter, value: str) -> None:
    """A click callback: it counts for the whole call."""
    from cursus.commands import common

    common.choose_color(value)


def _here(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """A click callback for ``NAME=PATH``: a path that is not there is a slip of the pen, not a job to be failed."""
    found = pairs("NAME=PATH")(context, parameter, values)
    for name, path in found.items():
        if not os.path.exists(path):  # noqa: PTH110 - late imports
            from cursus.suggest import file_meant

            raise click.BadParameter(f"{name}={path}: there is no such file or folder.{file_meant(path)}")
    return found


source = click.option("--source", "source_dir", type=FOLDER, metavar="DIR", help="The script's directory.")
entry = click.option(
    "--entry-point", metavar="FILE", help="The training script, inside the source directory."
)
region = click.option("--region", metavar="REGION", help="The region that the job will run in.")
timeout = click.option("--timeout", type=SECONDS, metavar="S", help="Seconds that it may train.")
strict = click.option("--strict", is_flag=True, help="Warnings fail too.")
channel = click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="NAME=PATH",
    callback=_here,
    help="Local file or directory of a channel.",
)
parameter = click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs("NAME=VALUE"),
    help="Value of a pipeline parameter.",
)
config = click.option(
    "--config",
    metavar="FILE",
    help="cursus.toml or pyproject.toml; another JSON, YAML or TOML file is the builder's own.",
)
root = click.option(
    "--root", metavar="DIR", help="Where jobs and the local S3 live.  [default: CURSUS_ROOT, or .cursus]"
)
rules = together(
    click.option(
        "--select",
        multiple=True,
        metavar="RULE",
        callback=words,
        help="Run only these rules (ids or beginnings).",
    ),
    click.option("--ignore", multiple=True, metavar="RULE[=REASON]", help="Leave out what these rules find."),
    click.option(
        "--allow",
        multiple=True,
        metavar="VALUE",
        callback=words,
        help="Accept a value newer than our facts.",
    ),
)


def output(formats: Iterable[str]) -> Callable[[Function], Function]:
    """``--format``, ``--output`` and ``--color``."""
    return together(
        click.option(
            "--format",
            type=Choice(list(formats)),
            default="text",
            show_default=True,
            help="How the result is written.",
        ),
        click.option(
            "--output",
            metavar="FILE",
            callback=_file,
            help="Write the result to FILE (- is standard output).",
        ),
        click.option(
            "--color",
            type=Choice(("auto", "always", "never")),
            default="auto",
            callback=_colored,
            expose_value=False,
            help="Colour text: in a terminal (auto), always or never.",
        ),
    )

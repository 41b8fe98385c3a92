"""What commands share: exit codes, where output goes, and options that several take."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cursus.errors import CursusError

if TYPE_CHECKING:
    from cursus.report.outcome import Outcome

OK = 0
FAILED = 1
USAGE = 2
BUG = 3
INTERRUPTED = 130
PIPE_CLOSED = 141
"""As a shell reports a program that SIGPIPE ended."""

FOLDER = click.Path(exists=True, file_okay=False)
SECONDS = click.FloatRange(min=0, min_open=True)

Function = TypeVar("Function", bound=Callable[..., Any])


class OutputError(CursusError):
    """What a command wrote could not be written."""


class ReaderGoneError(Exception):
    """Whoever read standard output has gone. No OSError, because click makes exit code 1 of those."""


def write(pieces: Iterable[str], output: str | None = None) -> None:
    """Write to standard output, or whole to the file ``output``, which is replaced at the end.

    Raises:
        OutputError: there is no standard output, or the file cannot be written.
        ReaderGoneError: whoever read standard output has gone.
    """
    if output is not None:
        _replace(Path(output), "".join(pieces))
        return
    stream = sys.stdout
    if stream is None:
        raise OutputError("standard output is closed: there is nowhere to write the result")
    try:
        for piece in pieces:
            stream.write(piece)
    except (OSError, ValueError) as error:
        raise stdout_error(error) from None


def stdout_error(error: OSError | ValueError) -> Exception:
    """A failure of standard output as what the user is told."""
    if isinstance(error, BrokenPipeError):
        return ReaderGoneError()
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(f"standard output cannot be written: {reason}")


def _replace(path: Path, text: str) -> None:
    """Write a file so that it is either the old one or the new one, whatever happens."""
    if path.exists() and not path.is_file():  # /dev/stdout, a FIFO
        try:
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
        partial.replace(path)
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):
            partial.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{path}: cannot be written: {reason}") from None


def exit_code(outcome: Outcome) -> int:
    """What a command ends with, the worst first."""
    if any(target.bug for target in outcome.targets):
        return BUG
    if not outcome.all_read:
        return USAGE
    return OK if outcome.ok else FAILED


def say(message: str) -> None:
    """A line for the person at the terminal: on standard error, and never a reason to fail."""
    from cursus.report.plain import clean

    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(clean(message) + "\n")
            sys.stderr.flush()


def is_live() -> bool:
    """True where standard output is a terminal that can redraw what it shows."""
    try:
        return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # closed
        return False


def want_color() -> bool:
    """True where colours are welcome: https://no-color.org and https://force-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    return os.environ.get("FORCE_COLOR", "") not in ("", "0") or is_live()


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


def config_option(function: Function) -> Function:
    """``--config``: a project's configuration, or one builder's."""
    return click.option(
        "--config",
        metavar="FILE",
        help="cursus.toml or pyproject.toml; another JSON, YAML or TOML file is the builder's own.",
    )(function)


def _file(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A click callback: None is standard output."""
    return None if value == "-" else value


def output_options(formats: Iterable[str]) -> Callable[[Function], Function]:
    """``--format`` and ``--output``."""

    def decorate(function: Function) -> Function:
        function = click.option(
            "--output",
            metavar="FILE",
            callback=_file,
            help="Write the result to FILE (- is standard output).",
        )(function)
        return click.option(
            "--format",
            type=click.Choice(list(formats)),
            default="text",
            show_default=True,
            help="How the result is written.",
        )(function)

    return decorate


source_option = click.option(
    "--source", "source_dir", type=FOLDER, metavar="DIR", help="The script's directory."
)
entry_option = click.option(
    "--entry-point", metavar="FILE", help="The training script, inside the source directory."
)
region_option = click.option("--region", metavar="REGION", help="The region that the job will run in.")
timeout_option = click.option("--timeout", type=SECONDS, metavar="S", help="Seconds that it may train.")
strict_option = click.option("--strict", is_flag=True, help="Warnings fail too.")
channel_option = click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="NAME=PATH",
    callback=pairs("NAME=PATH"),
    help="Local file or directory of a channel.",
)
parameter_option = click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs("NAME=VALUE"),
    help="Value of a pipeline parameter.",
)


def words(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """A click callback that takes apart what stands with commas in one option."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def rule_options(function: Function) -> Function:
    """``--select``, ``--ignore`` and ``--allow``."""
    for option in (
        click.option(
            "--allow",
            multiple=True,
            metavar="VALUE",
            callback=words,
            help="Accept a value newer than our facts.",
        ),
        click.option(
            "--ignore", multiple=True, metavar="RULE[=REASON]", help="Leave out what these rules find."
        ),
        click.option(
            "--select",
            multiple=True,
            metavar="RULE",
            callback=words,
            help="Run only these rules (ids or beginnings).",
        ),
    ):
        function = option(function)
    return function


def root_option(function: Function) -> Function:
    """``--root``: where jobs and the local S3 live."""
    return click.option(
        "--root", metavar="DIR", help="Where jobs and the local S3 live.  [default: CURSUS_ROOT, or .cursus]"
    )(function)


def table(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Lines with aligned columns."""
    lines = [[str(cell) for cell in row] for row in rows]
    if not lines:
        return
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]) - 1)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        yield "  ".join([*cells, line[-1]]).rstrip() + "\n"

"""What commands share: exit codes, and where output goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def write_json(data: Mapping[str, Any], output: str | None) -> None:
    """Write data as ``write`` does, with the version of its keys."""
    from cursus.report.as_json import printed
    from cursus.report.outcome import SCHEMA_VERSION

    write([printed({"schema_version": SCHEMA_VERSION, **data})], output)


def deliver(outcome: Outcome, format: str, output: str | None, *, explain: bool = False) -> None:
    """Write a report; of one that goes to a file for programs, its summary is said here."""
    from cursus.report import formats
    from cursus.report.text import summary

    color = output is None and want_color()
    write(formats.render(outcome, format, color=color, explain=explain), output)
    if output is not None and format != "text":
        say(f"cursus: {summary(outcome)}; written to {output}")


def spare(output: str | None, targets: Iterable[str]) -> None:
    """Refuse to write a report over a file that is looked at: ``check a.json --output a.json`` is a slip of the pen."""
    if output is None or not Path(output).is_file():
        return
    for target in targets:
        for file in (target, target.rpartition(":")[0]):
            with suppress(OSError, ValueError):
                if file and (
                    Path(file).samefile(output) or (Path(file).is_dir() and _is_request(Path(output)))
                ):
                    raise OutputError(
                        f"--output {output} is what is to be looked at: it was not written over"
                    )


def _is_request(file: Path) -> bool:
    """True for a JSON file that a folder is checked for, which no report is."""
    import json

    from cursus.steps.kinds import identify

    data = json.loads(file.read_bytes())
    return isinstance(data, dict) and identify(data, sure=True) is not None


def stdout_error(error: OSError | ValueError) -> Exception:
    """A failure of standard output as what the user is told."""
    if isinstance(error, BrokenPipeError):
        return ReaderGoneError()
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(f"standard output cannot be written: {reason}")


def _replace(path: Path, text: str) -> None:
    """Write a file so that it is either the old one or the new one, whatever happens."""
    from cursus.local.linux import disk

    data = text.encode("utf-8", "backslashreplace")
    try:
        if path.exists() and not path.is_file():  # /dev/stdout, a FIFO
            path.write_bytes(data)
            return
        if path.is_symlink():  # what it points to is replaced, and not the link
            path = Path(os.path.realpath(path))
        with disk.whole(str(path), str(path.with_name(f".{path.name}.{os.getpid()}"))) as part:
            Path(part).write_bytes(data)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be written: {disk.reason(error)}") from None


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


_color = ["auto"]
"""What --color of this call says."""


def choose_color(when: str) -> None:
    """Colour text ``always``, ``never``, or where it goes to a terminal: ``auto``."""
    _color[:] = [when]


def want_color() -> bool:
    """True where colours are welcome: --color, https://no-color.org and https://force-color.org."""
    if _color != ["auto"]:
        return _color == ["always"]
    if os.environ.get("NO_COLOR"):
        return False
    return os.environ.get("FORCE_COLOR", "") not in ("", "0") or is_live()


def table(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Lines with aligned columns."""
    lines = [[str(cell) for cell in row] for row in rows]
    if not lines:
        return
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]) - 1)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        yield "  ".join([*cells, line[-1]]).rstrip() + "\n"

"""``cursus logs``: what a job printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from cursus.commands import common, options
from cursus.errors import RunError

CHUNK = 1 << 20


@click.command("logs")
@click.argument("name")
@click.option("--host", metavar="HOST", help="One host's log.  [default: all of them]")
@click.option("--follow", "-f", is_flag=True, help="Go on until the job ends; Ctrl-C leaves the job alone.")
@options.root
def command(name: str, host: str | None, follow: bool, root: str | None) -> int:
    """Print the log of the job NAME."""
    from cursus.commands.job_folders import job, place

    found = job(place(root), name)
    folder = found.folder / "logs"
    written = sorted((path.stem for path in folder.glob("*.log")), key=_number)
    known = list(dict.fromkeys((*found.hosts, *written)))
    if host is not None and host not in known:
        raise RunError(f"the job {name} has no host {host!r}; there are: {', '.join(known) or 'none'}")
    if follow:
        from cursus.commands.run import LogPrinter

        found.wait(LogPrinter(host), watch_only=True)
        if found.failure_reason is not None:
            common.say(f"cursus: {found.name}: {found.status}: {found.failure_reason}")
        return common.OK
    for one in written if host is None else [host]:
        if len(written) > 1 and host is None:
            common.write([f"== {one}\n"])
        common.write(_text(folder / f"{one}.log"))
    return common.OK


def _number(host: str) -> tuple[int, str]:
    """``algo-2`` before ``algo-10``."""
    digits = host.rpartition("-")[2]
    return (int(digits) if digits.isdigit() else 0), host


def _text(path: Path) -> Iterator[str]:
    """A log in pieces: it may be larger than memory. Bytes that are no UTF-8 are replaced."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        with path.open("rb") as file:
            while data := file.read(CHUNK):
                yield decoder.decode(data)
    except FileNotFoundError:  # it has printed nothing yet
        return
    yield decoder.decode(b"", final=True)

"""What a person sees in a terminal while the nine tests run: a table that fills, and the job's last line.

Rich is imported here alone, and only for a terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cursus.report.outcome import reason_of
from cursus.report.plain import count, one_line

LOOKS = {"passed": "green", "failed": "bold red", "skipped": "yellow", "running": "cyan", "": "dim"}


class LiveTests:
    """The table of one step's tests; ``result`` and ``event`` fill it."""

    def __init__(self, label: str, tests: list[str], *, color: bool) -> None:
        self.label = label
        self.tests = tests
        self.results: dict[str, dict[str, Any]] = {}
        self.line = ""
        self.console = Console(file=sys.stdout, no_color=not color, highlight=False, emoji=False)
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[LiveTests]:
        """Show the table, and leave it there at the end."""
        with Live(
            get_renderable=self._render,
            console=self.console,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="visible",
        ) as live:
            self._live = live
            yield self
            self.line = ""
            self.tests = [test for test in self.tests if test in self.results]

    def result(self, result: dict[str, Any]) -> None:
        """One test ended."""
        self.results[result["test_name"]] = result
        self.line = ""
        if self._live is not None:
            self._live.refresh()

    def event(self, event: Any) -> None:
        """Something happened in the local run."""
        text = event_text(event)
        if text:
            self.line = text

    def _render(self) -> Group:
        table = Table(
            title=one_line(self.label), title_justify="left", title_style="bold", box=None, pad_edge=False
        )
        table.add_column("", no_wrap=True, min_width=7)  # the word is what counts, however narrow it gets
        table.add_column("", no_wrap=True)
        table.add_column("", overflow="fold")
        running = next((test for test in self.tests if test not in self.results), None)
        for test in self.tests:
            result = self.results.get(test)
            if result is None:
                state = Spinner("dots", style="cyan") if test == running else Text("")
                table.add_row(state, Text(test, style="" if test == running else "dim"), Text(""))
            else:
                table.add_row(*_row(test, result))
        last = Text(one_line(self.line), style="dim", no_wrap=True, overflow="ellipsis")
        return Group(table, last) if self.line else Group(table)


def _row(test: str, result: dict[str, Any]) -> tuple[Text, Text, Text]:
    status = str(result.get("status"))
    look = LOOKS.get(status, "")
    word = {"passed": "passed", "failed": "FAILED", "skipped": "skipped"}.get(status, status)
    expectation = result.get("expectation")
    if expectation:
        look = "yellow" if expectation == "expected" else "bold red"
        word = "failed, as expected" if expectation == "expected" else "PASSED unexpectedly"
    reason = reason_of(result)
    notes = [one_line(reason)] if reason else []
    if status == "failed":
        notes.append(count(len(result.get("errors") or ()), "error"))
    if result.get("warnings"):
        notes.append(count(len(result["warnings"]), "warning"))
    return Text(word, style=look), Text(test), Text(", ".join(notes), style="dim")


def event_text(event: Any) -> str:
    """An event of a local run as one line; empty where it has nothing to show."""
    if isinstance(event, str):
        return event
    for name in ("line", "message", "text", "status"):
        value = event.get(name) if isinstance(event, dict) else getattr(event, name, None)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""

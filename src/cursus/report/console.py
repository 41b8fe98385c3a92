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

from cursus.report.outcome import reason_of, verdict_of
from cursus.report.plain import count, one_line

LOOKS = {
    "passed": ("passed", "green"),
    "failed": ("FAILED", "bold red"),
    "skipped": ("skipped", "yellow"),
    "expected": ("failed, as expected", "yellow"),
    "unexpected": ("PASSED unexpectedly", "bold red"),
}


class LiveTests:
    """The table of one step's tests; ``result`` and ``say`` fill it."""

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

    def say(self, text: str) -> None:
        """Show the last news of the local run below the table."""
        self.line = text.strip() or self.line

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
    word, look = LOOKS[verdict_of(result)]
    reason = reason_of(result)
    notes = [one_line(reason)] if reason else []
    if result["status"] == "failed":
        notes.append(count(len(result.get("errors") or ()), "error"))
    if result.get("warnings"):
        notes.append(count(len(result["warnings"]), "warning"))
    return Text(word, style=look), Text(test), Text(", ".join(notes), style="dim")

"""Log lines → metric series, by the request's MetricDefinitions.

A definition is a regular expression searched for in every line that a host prints, on either stream; its
first group is the number. https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html

Lines come in blocks. Most expressions cannot match without a certain text, such as ``loss=``: only lines that have
it are looked at, and a block without it costs one search for it.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import IO, Any, NamedTuple

LINE_LIMIT = 256 * 1024
"""Bytes of a line; a longer one is cut, as CloudWatch takes no larger event:
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""

KEPT_EXAMPLES = 5
MOST_SECONDS = 5.0
"""Processor time that one definition gets for one block of lines. ``(a+)+$`` would take years for a line of sixty
``a``, and nobody would hear the job's time limit meanwhile: such a definition is given up."""
Hit = tuple[int, int, "re.Match[str]"]
"""Where the line begins in its block, the number of the definition, and the match."""


class _EndlessError(Exception):
    """A search that came to no end."""


class Definition(NamedTuple):
    """A definition that compiles: its number, its search, and a text without which it cannot match."""

    number: int
    search: Any
    literal: str


class Scanner:
    """Searches lines for every definition and keeps count; each point goes to ``sink`` as a JSON line."""

    def __init__(self, definitions: Iterable[Mapping[str, Any]], sink: IO[bytes]) -> None:
        self.sink = sink
        self.names: list[str] = []
        self.regexes: list[str] = []
        self.active: list[Definition] = []
        for number, definition in enumerate(definitions):
            self.names.append(str(definition.get("Name")))
            self.regexes.append(str(definition.get("Regex")))
            try:
                compiled = re.compile(self.regexes[-1])
            except (re.error, RecursionError, OverflowError):
                continue
            self.active.append(Definition(number, compiled.search, required_text(compiled)))
        count = len(self.names)
        self.matches = [0] * count
        self.points = [0] * count
        self.not_numbers: list[list[str]] = [[] for _ in range(count)]
        self.last: dict[str, tuple[float, float]] = {}
        self.wrote = True
        self.given_up: set[int] = set()
        self.searching = False
        try:
            # The regular expression engine looks for signals while it backtracks.
            signal.signal(signal.SIGVTALRM, self._overdue)
            self.guarded = True
        except ValueError:  # not the main thread: no signal reaches it
            self.guarded = False

    def _overdue(self, *_: object) -> None:
        if self.searching:
            raise _EndlessError

    def lines(self, block: str, host: str, time: float) -> None:
        """Look at the lines of a block, which are separated by line feeds and were read at ``time``."""
        hits: list[Hit] = []
        split: list[tuple[int, str]] | None = None
        for definition in self.active:
            if definition.literal:
                candidates: Iterable[tuple[int, str]] = _with_text(block, definition.literal)
            else:
                split = split or list(_split(block))
                candidates = split
            number, search = definition.number, definition.search
            if self.guarded:
                signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
            try:
                self.searching = True
                for start, line in candidates:
                    found = search(line)
                    if found is not None:
                        hits.append((start, number, found))
                self.searching = False
            except _EndlessError:
                self.searching = False
                self.given_up.add(number)
        if self.guarded and self.active:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if hits:
            if len(self.active) > 1:
                hits.sort(key=_place)
            self._matched(hits, host, time)
        if self.given_up:
            self.active = [one for one in self.active if one.number not in self.given_up]

    def _matched(self, hits: Iterable[Hit], host: str, time: float) -> None:
        end = f', "time": {round(time, 3)!r}, "host": {json.dumps(host)}}}\n'
        heads = {
            number: f'{{"name": {json.dumps(self.names[number])}, "value": ' for number, *_ in self.active
        }
        points: list[str] = []
        for _, number, found in hits:
            self.matches[number] += 1
            value = self._value(number, found)
            if value is not None:
                self.points[number] += 1
                self.last[self.names[number]] = (time, value)
                points.append(f"{heads[number]}{value!r}{end}")
        if points:
            self.wrote = False
            with suppress(OSError):  # a full disk: the count and the last value are still known
                self.sink.write("".join(points).encode())

    def _value(self, number: int, found: re.Match[str]) -> float | None:
        try:
            value = float(found.group(1))
            if value - value == 0.0:  # neither nan nor infinite
                return value
        except (IndexError, TypeError, ValueError):
            pass
        if len(self.not_numbers[number]) < KEPT_EXAMPLES:
            shown = found.group(1) if found.re.groups else found.group(0)
            self.not_numbers[number].append("" if shown is None else shown[:200])
        return None

    def flush(self) -> None:
        """Write out what is buffered."""
        if not self.wrote:
            self.wrote = True
            with suppress(OSError):
                self.sink.flush()

    def summary(self) -> list[dict[str, Any]]:
        """One entry a definition: name, regex, lines matched, numbers found, examples that held none."""
        compiled = {definition.number for definition in self.active} | self.given_up
        return [
            {
                "name": name,
                "regex": regex,
                "matches": self.matches[i],
                "points": self.points[i],
                "not_numbers": self.not_numbers[i],
                "compiles": i in compiled,
                "given_up": i in self.given_up,
            }
            for i, (name, regex) in enumerate(zip(self.names, self.regexes, strict=True))
        ]


def _place(hit: Hit) -> tuple[int, int]:
    return hit[0], hit[1]


def _split(block: str) -> Iterator[tuple[int, str]]:
    """Every line with its place."""
    start = 0
    for line in block.split("\n"):
        yield start, line
        start += len(line) + 1


def _with_text(block: str, text: str) -> Iterator[tuple[int, str]]:
    """Every line that has ``text``, with its place."""
    find, before = block.find, block.rfind
    place = find(text)
    while place >= 0:
        start = before("\n", 0, place) + 1
        end = find("\n", place)
        if end < 0:
            yield start, block[start:]
            return
        yield start, block[start:end]
        place = find(text, end + 1)


def required_text(pattern: re.Pattern[str]) -> str:
    """The longest text that everything which ``pattern`` matches contains for certain; "" where there is none."""
    if pattern.flags & (re.IGNORECASE | re.VERBOSE | re.LOCALE):
        return ""
    try:
        from re import _parser as parser  # type: ignore[attr-defined, unused-ignore]
    except ImportError:  # before Python 3.11
        import sre_parse as parser  # type: ignore[no-redef, unused-ignore]
    runs = [""]
    try:
        _collect(parser.parse(pattern.pattern), runs)
    except (re.error, RecursionError, AttributeError, TypeError, ValueError):
        return ""  # a form of the parser's that this does not know: every line is looked at
    return max((run for run in runs if "\n" not in run), key=len, default="")


def _collect(parsed: Any, runs: list[str]) -> None:
    """Add the texts that follow each other in a sequence to the last run; what may vary begins a new one."""
    for operation, argument in parsed:
        name = str(operation)
        if name == "LITERAL":
            runs[-1] += chr(argument)
        elif name == "AT":
            continue  # takes no room
        elif name == "SUBPATTERN" and not argument[1] and not argument[2]:
            _collect(argument[3], runs)
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and argument[0] > 0:
            runs.append("")
            _collect(argument[2], runs)
            runs.append("")
        else:
            runs.append("")

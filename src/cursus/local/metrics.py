"""Log lines → metric series, by the request's MetricDefinitions.

A definition is a regular expression searched for in every line that a host prints, on either stream; its
first group is the number. https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import IO, Any

LINE_LIMIT = 256 * 1024
"""A longer line is cut, as CloudWatch cuts an event:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""

KEPT_EXAMPLES = 5


class Scanner:
    """Searches lines for every definition and keeps count; each point goes to ``sink`` as a JSON line."""

    def __init__(self, definitions: Iterable[Mapping[str, Any]], sink: IO[bytes]) -> None:
        self.sink = sink
        self.names: list[str] = []
        self.regexes: list[str] = []
        self.searches: list[Any] = []
        for definition in definitions:
            self.names.append(str(definition.get("Name")))
            self.regexes.append(str(definition.get("Regex")))
            try:
                self.searches.append(re.compile(self.regexes[-1]).search)
            except re.error:
                self.searches.append(None)
        count = len(self.names)
        self.matches = [0] * count
        self.points = [0] * count
        self.not_numbers: list[list[str]] = [[] for _ in range(count)]
        self.last: dict[str, tuple[float, float]] = {}
        self.active = [(i, search) for i, search in enumerate(self.searches) if search is not None]
        self.wrote = True

    def line(self, text: str, host: str, time: float) -> None:
        """Look at one line."""
        for i, search in self.active:
            found = search(text)
            if found is not None:
                self._matched(i, found, host, time)

    def _matched(self, i: int, found: re.Match[str], host: str, time: float) -> None:
        self.matches[i] += 1
        try:
            value = float(found.group(1))
        except (IndexError, TypeError, ValueError):
            if len(self.not_numbers[i]) < KEPT_EXAMPLES:
                shown = found.group(1) if found.re.groups else found.group(0)
                self.not_numbers[i].append("" if shown is None else shown[:200])
            return
        if value != value or value in (float("inf"), float("-inf")):
            if len(self.not_numbers[i]) < KEPT_EXAMPLES:
                self.not_numbers[i].append(found.group(1)[:200])
            return
        self.points[i] += 1
        self.last[self.names[i]] = (time, value)
        self.wrote = False
        point = {"name": self.names[i], "time": round(time, 3), "value": value, "host": host}
        try:
            self.sink.write(json.dumps(point).encode() + b"\n")
        except OSError:
            pass  # a full disk: the count and the last value are still known

    def flush(self) -> None:
        """Write out what is buffered."""
        if not self.wrote:
            self.wrote = True
            try:
                self.sink.flush()
            except OSError:
                pass

    def summary(self) -> list[dict[str, Any]]:
        """One entry a definition: name, regex, lines matched, numbers found, examples that held none."""
        return [
            {
                "name": name,
                "regex": regex,
                "matches": self.matches[i],
                "points": self.points[i],
                "not_numbers": self.not_numbers[i],
                "compiles": self.searches[i] is not None,
            }
            for i, (name, regex) in enumerate(zip(self.names, self.regexes, strict=True))
        ]

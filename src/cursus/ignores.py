"""Findings that a user has decided to live with: ignores, each with its reason.

They stand in ``[tool.cursus]``, or as a comment in a YAML or Python file::

    InputDataConfig:  # cursus: ignore[CHN018] the script splits the data by date

A comment counts for findings at its line, and, on the first line of a block, for the whole block. A comment
on a line of its own belongs to the line below it. What only looks like one, inside a text, is none.
"""

from __future__ import annotations

import io
import os
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG

from cursus.model import Finding, Location

MARK = re.compile(r"cursus:", re.IGNORECASE)
COMMENT = re.compile(
    r"#\s*cursus:\s*(ignore\b|\w+(?=[ \t]*\[))[ \t]*(?:\[([^\]\n]*)\])?[ \t]*[:—-]*[ \t]*([^\n]*)",
    re.IGNORECASE,
)
SUFFIXES = (".py", ".yaml", ".yml")
PYTHON_BREAK = re.compile("\r\n|\r|\n")
YAML_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
YAML_TEXT = re.compile(r"""(?:^|(?<=[\s\[{,]))(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')""")
YAML_COMMENT = re.compile(r"(?:^|(?<=\s))#")
MAX_SOURCE = 16 * 1024 * 1024
"""Bytes. A larger file is data, not something that a person comments."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """One rule that is not to be reported.

    ``rule`` is an id or its beginning, ``path`` a place in the request (everything below it counts too),
    ``step`` a step's name; empty means everywhere. ``location`` is where the ignore itself is written.
    """

    rule: str
    reason: str
    path: str = ""
    step: str = ""
    location: Location | None = None

    def covers(self, finding: Finding) -> bool:
        """True where the ignore is about this finding."""
        if not finding.rule.startswith(self.rule) or (self.step and finding.step != self.step):
            return False
        path = self.path
        return not path or finding.path == path or finding.path.startswith((path + ".", path + "["))


@dataclass(frozen=True, slots=True)
class Comment:
    """One ignore comment: the line it belongs to, the rules it names, and its reason.

    ``word`` stands where ``ignore`` belongs. A comment with another one counts for nothing.
    """

    line: int
    rules: tuple[str, ...]
    reason: str
    location: Location
    word: str = "ignore"

    @property
    def counts(self) -> bool:
        """True where it names rules and a reason."""
        return self.word == "ignore" and bool(self.rules and self.reason)


@dataclass(frozen=True, slots=True)
class Comments:
    """All ignore comments of a file, and for each line the first line of the block around it."""

    comments: tuple[Comment, ...]
    parents: Sequence[int]

    def at(self, line: int) -> list[Comment]:
        """The comments that count for ``line``."""
        lines = self._around(line)
        return [comment for comment in self.comments if comment.line in lines]

    def _around(self, line: int) -> set[int]:
        """``line`` and the first line of every block around it."""
        lines: set[int] = set()
        while line and line not in lines:
            lines.add(line)
            line = self.parents[line] if line < len(self.parents) else 0
        return lines


NO_COMMENTS = Comments((), ())


def read_comments(file: str) -> Comments:
    """The ignore comments of a YAML or Python file; none where it cannot be read."""
    try:
        stat = Path(file).stat()
    except (OSError, ValueError):
        return NO_COMMENTS
    # A pipe or a device would be waited for without end.
    if not S_ISREG(stat.st_mode) or not file.endswith(SUFFIXES) or stat.st_size > MAX_SOURCE:
        return NO_COMMENTS
    return _read(file, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=512)
def _read(file: str, modified: int, size: int) -> Comments:
    try:
        data = Path(file).read_bytes()
    except OSError:
        return NO_COMMENTS
    if b"cursus:" not in data.lower():
        return NO_COMMENTS
    text = data.decode("utf-8-sig", "replace")
    is_python = file.endswith(".py")
    lines = (PYTHON_BREAK if is_python else YAML_BREAK).split(text)
    found = []
    for number, start in _python_comments(text, lines) if is_python else _yaml_comments(lines):
        line = lines[number - 1]
        match = COMMENT.search(line, start)
        if match:
            rules = tuple(rule for rule in re.split(r"[,\s]+", match[2] or "") if rule)
            owner = number if line[: match.start()].strip() else _next_code(lines, number)
            place = Location(file, number, match.start() + 1)
            found.append(Comment(owner, rules, match[3].strip(), place, match[1].lower()))
    return Comments(tuple(found), _parents(lines)) if found else NO_COMMENTS


def _python_comments(text: str, lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Line and offset of each comment; of what may be one, where the text is no Python."""
    try:
        found = [
            token.start
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT and MARK.search(token.string)
        ]
    except (tokenize.TokenError, SyntaxError):
        found = [(number, 0) for number, line in enumerate(lines, 1) if MARK.search(line)]
    yield from found


def _yaml_comments(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Line and offset of each comment. A text over several lines is not followed."""
    for number, line in enumerate(lines, 1):
        if MARK.search(line):
            quoted = [match.span() for match in YAML_TEXT.finditer(line)]
            for mark in YAML_COMMENT.finditer(line):
                if not any(start < mark.start() < end for start, end in quoted):
                    yield number, mark.start()
                    break


def _is_code(line: str) -> bool:
    text = line.strip()
    return bool(text) and not text.startswith("#")


def _next_code(lines: Sequence[str], number: int) -> int:
    for following in range(number, len(lines)):
        if _is_code(lines[following]):
            return following + 1
    return number


def _parents(lines: Sequence[str]) -> list[int]:
    """For each line (from 1) the first line of the block around it, by indentation; 0 where there is none.

    YAML lets a list stand at the column of its key, so a dash belongs to the line without one above it.
    """
    parents = [0]
    open_blocks: list[tuple[int, bool, int]] = []
    for number, line in enumerate(lines, 1):
        if _is_code(line):
            indent = len(line) - len(line.lstrip())
            dash = line.lstrip().startswith("- ")
            while open_blocks:
                above, above_dash, _ = open_blocks[-1]
                if above < indent or (above == indent and dash and not above_dash):
                    break
                open_blocks.pop()
            parents.append(open_blocks[-1][2] if open_blocks else 0)
            open_blocks.append((indent, dash, number))
        else:
            parents.append(open_blocks[-1][2] if open_blocks else 0)
    return parents


class Ignores:
    """The ignores of one check: what they took out, and which of them took out nothing."""

    def __init__(
        self, entries: Iterable[Ignore] = (), used: set[Ignore | tuple[str, int]] | None = None
    ) -> None:
        """``used`` is shared by the ignores of several checks whose leftovers are reported together."""
        self.entries = tuple(entries)
        self._used: set[Ignore | tuple[str, int]] = set() if used is None else used

    def keep(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that no ignore of the configuration and no comment covers."""
        return [finding for finding in findings if not self._ignored(finding)]

    def _ignored(self, finding: Finding) -> bool:
        found = [_key(entry) for entry in self.entries if entry.covers(finding)]
        found.extend(map(_key, _comments_on(finding)))
        if found:
            self._used.update(found)
        return bool(found)

    def is_used(self, ignore: Ignore | Comment) -> bool:
        """True where the ignore has taken out a finding."""
        return _key(ignore) in self._used


def _key(ignore: Ignore | Comment) -> Ignore | tuple[str, int]:
    """What an ignore is known by: a comment by its place, however its file was named."""
    if isinstance(ignore, Ignore):
        return ignore
    return os.path.realpath(ignore.location.file), ignore.location.line or 0


def keep(findings: list[Finding], ignores: Ignores | None) -> list[Finding]:
    """``findings`` without those that are ignored; comments count even where ``ignores`` is None."""
    if not findings:
        return findings
    if ignores is None:
        return [finding for finding in findings if not _comments_on(finding)]
    return ignores.keep(findings)


def _comments_on(finding: Finding) -> list[Comment]:
    """The comments, with a reason, that take this finding out."""
    if finding.location is None:
        return []
    # A value may be written in one place and mentioned in another, which is as good a line for a comment.
    found = [
        comment
        for place in (finding.location, *finding.location.through)
        if place.line is not None and place.file.endswith(SUFFIXES)
        for comment in read_comments(place.file).at(place.line)
    ]
    return [
        comment
        for comment in found
        if comment.counts and any(finding.rule.startswith(rule) for rule in comment.rules)
    ]

"""What a metric's regular expression captures, found out from the expression alone.

SageMaker searches each log line and takes the text of the first group as the metric's value. Its engine is not
Python's: an expression that only this Python refuses, because the other has that feature, is not judged.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache

# What other engines have and Python (some versions of it) has not.
_FOREIGN = re.compile(r"\\[pPhHRXQEGZz]|[*+?}]\+|\(\?>|\(\?<[A-Za-z]|&&|\[\[:|\(\?[imsx-]*-[imsx]*\)|\\x\{")
_GREEDY = re.compile(r"(?<!\\)(?:\\\\)*\.[*+]$")
# Numbers as training scripts print them.
LONGEST = 5000
SAMPLES = (
    "0",
    "7",
    "0.123",
    "12.5",
    "-0.5",
    "1e-05",
    "1.5e-05",
    "1.5E-5",
    "+3",
    "nan",
    "inf",
    "1,234",
    "85%",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One expression as it was read.

    ``error`` and ``column`` (from 1) where it does not compile; ``groups``: number of capture groups; ``beside``: those
    outside of the first; ``empty``: it matches the empty line; ``group``: the source of the first group; ``cut``: (number, what is captured of it)
    pairs where digits are lost; ``number``: False where the group can capture no number; ``lazy``: the lazy
    quantifier that ends the expression, where one does; ``greedy``: ``.*`` stands straight before the first group, and takes
    the number's digits but the last. ``known`` is False where the expression is not judged.
    """

    known: bool = True
    error: str | None = None
    column: int | None = None
    groups: int = 0
    beside: int = 0
    empty: bool = False
    group: str | None = None
    cut: tuple[tuple[str, str], ...] = ()
    number: bool = True
    lazy: str | None = None
    greedy: bool = False


@lru_cache(maxsize=4096)
def read(pattern: str) -> Reading:
    """Read one expression. Never raises; one far beyond the service's limit of 500 characters is not judged."""
    if len(pattern) > LONGEST:
        return Reading(known=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(pattern)
    except re.error as error:
        if _FOREIGN.search(pattern):
            return Reading(known=False)
        column = None if error.pos is None else error.pos + 1
        return Reading(error=error.msg, column=column)
    except (RecursionError, OverflowError, ValueError):
        return Reading(known=False)
    group = _first_group(pattern) if compiled.groups else None
    cut: tuple[tuple[str, str], ...] = ()
    number = True
    before, found, _ = re.sub(r"\(\?P<\w+>", "(", pattern).partition(f"({group})")
    lead = bool(found) and _GREEDY.search(before) is not None
    if group is not None and not re.search(r"\\[1-9]|\(\?[P<=!(]", group):
        cut, number = _captured(group, lead)
    ending = re.search(r"[*+?}]\?\)+$", pattern)
    return Reading(
        groups=compiled.groups,
        beside=compiled.groups - 1 - _inside(group) if group is not None else 0,
        empty=_matches_empty(compiled),
        group=group,
        cut=cut,
        number=number,
        lazy=ending[0].rstrip(")")
        if ending and group is not None and pattern.endswith(group + ")")
        else None,
        greedy=lead,
    )


def _inside(group: str) -> int:
    """How many capture groups there are in the first one, as in ``([0-9]+(.|e-)[0-9]+)``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(group).groups
    except re.error:  # a reference to a group outside
        return 0


def _matches_empty(compiled: re.Pattern[str]) -> bool:
    return compiled.search("") is not None


def _first_group(pattern: str) -> str | None:
    """The source inside the first capture group."""
    depth, start, level, i, in_class = 0, -1, 0, 0, False
    while i < len(pattern):
        char = pattern[i]
        if char == "\\":
            i += 2
            continue
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
            # A bracket right after the opening (or its ^) is a member of the class.
            if pattern.startswith(("[]", "[^]"), i):
                i += 2 if pattern.startswith("[^]", i) else 1
        elif char == "(":
            depth += 1
            if start < 0 and not pattern.startswith("(?", i):
                start, level = i + 1, depth
            elif start < 0 and pattern.startswith("(?P<", i):
                start, level = pattern.index(">", i) + 1, depth
        elif char == ")":
            if start >= 0 and depth == level:
                return pattern[start:i]
            depth -= 1
        i += 1
    return None


def _captured(group: str, greedy: bool) -> tuple[tuple[tuple[str, str], ...], bool]:
    """What a group, behind ``.*`` where it is ``greedy``, takes of each sample number, and whether it can take any."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(f"{'.*' if greedy else ''}({group})")
    except re.error:  # a fragment that means nothing alone
        return (), True
    cut = []
    any_number = False
    for sample in SAMPLES:
        match = compiled.match(sample)
        if match is None or not match[1]:
            if greedy and match is not None:
                return (), False
            continue
        if re.search(r"\d", match[1]):
            any_number = True
        if match[1] != sample and sample not in ("nan", "inf", "85%"):
            cut.append((sample, match[1]))
    if not any_number:
        # It may want more around the number than the samples have: then it says nothing.
        any_number = _holds_digits(group) and _BRACKETED.match(group) is None
    return tuple(cut), any_number


_BRACKETED = re.compile(r"""(?![^|]*\|)(?:\\[\[\](){}$"']|["'A-Za-z$%#=:])(?![?*{])""")
"""How a group begins that captures something else before any number: a bracket, a quote, a word."""


def _holds_digits(group: str) -> bool:
    """True where something in a group's source can match a digit."""
    return bool(re.search(r"\\[dwSDW]|(?<!\\)\.|\[\^|\[[^\]]*(?:\d|\\d|\\w|\\S)[^\]]*\]|\d", group))

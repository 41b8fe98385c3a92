"""Whether a metric's regular expression can match a line that a script prints. Nothing here is a rule."""

from __future__ import annotations

import importlib
import itertools
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from cursus.script.facts import MEASURE, Hole, PrintedLine, Text

LINES = 48
MANY_TIMES = 10
LOOSE = 3
ONE = "one"
MANY_HOLES = 5
"""Unknown pieces of a line past which any line may come of it: each more multiplies the ways that have to be tried."""
NUMBERS = ("0.8765", "12")
WORDS = ("train", "validation", "val", "test", "eval", "loss", "accuracy")


@dataclass(frozen=True, slots=True)
class Cut:
    """A line of which the regular expression captures less than the number that is printed."""

    line: str
    printed: str
    captured: str
    place: PrintedLine


@lru_cache(maxsize=512)
def compiled(regex: str) -> re.Pattern[str] | None:
    """The regular expression, or None where Python cannot read it, or might search for it without end."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return None if _endless(regex) else re.compile(regex)
    except (re.error, RecursionError, OverflowError):
        return None


def _endless(regex: str) -> bool:
    """True where a repeated part repeats something itself, as in ``(a+)+``: a line that does not match may take years.

    So may one where more than ``LOOSE`` repeats of the same follow each other with nothing that has to stand between, as in
    ``.*.*.*.*=``. Some such expressions are harmless; nothing but a comparison with the script's lines is lost with them.
    """
    parser: Any = importlib.import_module("re._parser" if hasattr(re, "_parser") else "sre_parse")
    parsed = parser.parse(regex)
    return _nested(parsed, False) or _loose(parsed)[1] > LOOSE


def _loose(parsed: Any, row: tuple[str, ...] = ()) -> tuple[tuple[str, ...], int]:
    """The repeats in a row at the end of a sequence, ``row`` before it, and how many of them can take the same at most.

    A row ends with two things that have to stand there; between repeats of nearly anything one may stand.
    """
    most = 0
    for operation, argument in parsed:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            row = (*row, _taken(argument[2])) if argument[1] >= MANY_TIMES else row
        elif name == "SUBPATTERN":
            row, inside = _loose(argument[3], row)
            most = max(most, inside)
        elif name == "BRANCH":
            ways = [_loose(way, row) for way in argument[1]]
            row, most = max((way[0] for way in ways), key=len), max(most, *(way[1] for way in ways))
        elif name not in ("AT", "ASSERT", "ASSERT_NOT"):
            row = () if row[-1:] == (ONE,) else (*(one for one in row if not one), ONE)
        alike = max((row.count(one) for one in row if one), default=0)
        most = max(most, row.count("") + alike)
    return row, most


def _taken(repeated: Any) -> str:
    """What a repeat takes, empty for nearly anything: ``.``, ``[^,]``, ``\\S``."""
    written = str(list(repeated))
    return "" if "ANY" in written or "NEGATE" in written or "NOT_" in written else written


def _nested(parsed: Any, repeated: bool) -> bool:
    for operation, argument in parsed:
        name = str(operation)
        many = name in ("MAX_REPEAT", "MIN_REPEAT") and argument[1] >= MANY_TIMES
        varies = name in ("MAX_REPEAT", "MIN_REPEAT") and argument[0] != argument[1]
        if repeated and (many or varies or name == "BRANCH"):
            return True
        if any(_nested(inner, repeated or many) for inner in _inner(argument)):
            return True
    return False


def _inner(argument: Any) -> Iterator[Any]:
    """The sequences inside an operation's argument."""
    if hasattr(argument, "getwidth"):
        yield argument
    elif isinstance(argument, (list, tuple)):
        for part in argument:
            yield from _inner(part)


@lru_cache(maxsize=512)
def sample(regex: str) -> str:
    """A text that the regular expression matches, as short as it comes; empty where none could be made."""
    try:
        parser: Any = importlib.import_module("re._parser" if hasattr(re, "_parser") else "sre_parse")
        return "".join(_texts(parser.parse(regex)))[:200]
    except (re.error, RecursionError, AttributeError, ImportError, ValueError):
        return ""


def _texts(items: Any) -> Iterator[str]:
    for kind, value in items:
        name = str(kind)
        if name == "LITERAL":
            yield chr(value)
        elif name == "ANY":
            yield "1"
        elif name == "IN":
            yield _member(value)
        elif name == "NOT_LITERAL":
            yield "1" if chr(value) != "1" else "2"
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, _, inner = value
            yield "".join(_texts(inner)) * min(max(low, 1 if name != "MIN_REPEAT" else low), 20)
        elif name == "SUBPATTERN":
            yield "".join(_texts(value[3]))
        elif name == "BRANCH":
            yield "".join(_texts(value[1][0]))
        elif name == "ATOMIC_GROUP":
            yield "".join(_texts(value))


def _member(members: Any) -> str:
    for kind, value in members:
        name = str(kind)
        if name == "NEGATE":
            return "1"
        if name == "CATEGORY":
            return " " if "SPACE" in str(value) and "NOT" not in str(value) else "1"
        if name == "RANGE":
            low, high = value
            return "1" if low <= ord("1") <= high else chr(low)
        if name == "LITERAL" and chr(value) not in "-+.":
            return chr(value)
    return "1"


def fillings(hole: Hole, regex: str) -> tuple[str, ...]:
    """Texts that may stand where the hole is."""
    if hole.number:
        return (number(hole.spec),) if hole.spec else NUMBERS
    whole = sample(regex)
    pieces = tuple(re.findall(r"[A-Za-z_][\w-]*", whole))[:4]
    if hole.name == MEASURE:
        return tuple(re.findall(r"[A-Za-z_]\w*", whole))[-4:] or WORDS[-1:]
    return tuple(dict.fromkeys(("0.8765", whole, *pieces, *WORDS[:2])))


def number(spec: str, value: float = 0.87654321) -> str:
    """A number printed with this format."""
    kind = spec[-1:] if spec[-1:].isalpha() or spec[-1:] == "%" else ""
    if kind in ("d", "i", "u", "n"):
        return "12"
    try:
        if kind in ("e", "E", "f", "F", "g", "G", "%") or "," in spec or "." in spec:
            clean = spec.replace("%", "") + "%" if kind == "%" else spec
            return format(1234.5 if "," in spec else value, clean.lstrip("-#")).strip()
    except ValueError:
        return "0.8765"
    return "0.8765"


def renderings(line: PrintedLine, regex: str) -> Iterator[str]:
    """Lines that this print may give, for trying the regular expression on."""
    parts = line.text.parts
    choices = [
        (part,) if isinstance(part, str) else fillings(part, regex) if isinstance(part, Hole) else ("x",)
        for part in parts
    ]
    for place, after in enumerate(parts[1:]):
        hole = parts[place]
        if isinstance(hole, Hole) and FIXED.search(hole.spec) and str(after).startswith("%"):
            choices[place] = (number(hole.spec, 87.654321),)
    if sum(len(choice) > 1 for choice in choices) > 4:
        choices = [choice[:2] for choice in choices]
    for chosen in itertools.islice(itertools.product(*choices), LINES * 8):
        yield "".join(chosen)


def can_match(line: PrintedLine, regex: str, pattern: re.Pattern[str]) -> bool:
    """True where the print may give a line that matches, also in ways that were not tried."""
    for text in renderings(line, regex):
        if any(pattern.search(one) for one in text.split("\n")):
            return True
    return _open_ended(line, regex)


def fixed(line: PrintedLine, regex: str, pattern: re.Pattern[str]) -> bool:
    """True where what the expression captures of the line is surely a number without an exponent, as ``.4f`` prints it."""
    shown = [
        f"0.8765{position:02}" if isinstance(part, Hole) and FIXED.search(part.spec) else part
        for position, part in enumerate(line.text.parts)
    ]
    plain = replace(line, text=Text(tuple(shown)))
    marks = {part for part, old in zip(shown, line.text.parts, strict=True) if part is not old}
    matches = [match for text in renderings(plain, regex) if (match := pattern.search(text)) is not None]
    return bool(matches and pattern.groups) and all(match.group(1) in marks for match in matches)


def _open_ended(line: PrintedLine, regex: str) -> bool:
    """True where an unknown text in the line could hold all or the needed half of a match."""
    holes = [
        part
        for part in line.text.parts
        if not isinstance(part, str) and not (isinstance(part, Hole) and part.number)
    ]
    if not holes:
        return False
    template = "".join(
        re.escape(part)
        if isinstance(part, str)
        else r"[-+]?[\d.,]+(?:[eE][-+]?\d+)?"
        if isinstance(part, Hole) and part.number
        else r".*"
        for part in line.text.parts
    )
    template = re.sub(r"(?:\.\*)+", ".*", template)
    if template.count(".*") > MANY_HOLES:
        return True
    try:
        return re.fullmatch(template, sample(regex), re.DOTALL) is not None
    except (re.error, RecursionError):
        return True


def opaque(line: PrintedLine) -> bool:
    """True for a line of which nothing is known that would tell it from any other."""
    if all(isinstance(part, str) or (isinstance(part, Hole) and part.number) for part in line.text.parts):
        return False
    literal = "".join(part for part in line.text.parts if isinstance(part, str))
    return not re.search(r"[A-Za-z]{3}", literal)


def cuts(line: PrintedLine, pattern: re.Pattern[str]) -> Cut | None:
    """Where a number that this line surely prints in a known form is captured only in part."""
    numbers = [part for part in line.text.parts if isinstance(part, Hole) and part.number]
    if len(numbers) != len([part for part in line.text.parts if not isinstance(part, str)]) or not numbers:
        return None
    for shapes in itertools.islice(itertools.product(*(_shapes(hole) for hole in numbers)), LINES):
        given = iter(shapes)
        spans: list[tuple[int, int]] = []
        text = ""
        for part in line.text.parts:
            piece = part if isinstance(part, str) else next(given)
            if not isinstance(part, str):
                spans.append((len(text), len(text) + len(piece)))
            text += piece
        match = pattern.search(text)
        if match is None or not pattern.groups:
            continue
        start, end = match.span(1) if match.group(1) is not None else (match.end(), match.end())
        for low, high in spans:
            shown = text[low:high].strip()
            if (start < high and end > low) or (start == end and low <= start <= high):
                captured = (match.group(1) or "").strip()
                if captured != shown and not captured.endswith(shown) and shown.rstrip("%") not in captured:
                    return Cut(text.strip(), shown, captured, line)
    return None


def example(line: PrintedLine) -> str:
    """A line as this print gives it, empty where more than numbers are not known in it."""
    parts = line.text.parts
    if not all(isinstance(part, str) or (isinstance(part, Hole) and part.number) for part in parts):
        return ""
    return "".join(_shapes(part)[0] if isinstance(part, Hole) else str(part) for part in parts).strip()


FIXED = re.compile(r"[0-9][fF%]$")
"""How the format of a number ends that is printed without an exponent."""
SMALL = re.compile(r"\b(?:lr|learning_?rate)\b|_lr\b|\blr_|get_last_lr|\['lr'\]", re.IGNORECASE)


def _shapes(hole: Hole) -> tuple[str, ...]:
    if hole.spec:
        return (number(hole.spec),)
    if SMALL.search(hole.name):
        return ("0.001", "1.5e-05")
    return (
        ("0.8765",)
        if not re.search(r"epoch|step|iter|batch|count|total", hole.name, re.IGNORECASE)
        else ("12",)
    )

"""Whose number a metric's expression captured in a printed line, and whether it is the whole of it. Nothing here is a rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from cursus.model import Path
from cursus.redact import show

Told = tuple[str, str]
"""What is wrong, and what to do about it."""
CONTINUES = re.compile(r"[eE][-+]?[0-9]|\.[0-9]|[0-9]")
GROUPED = re.compile(r",[0-9]{3}(?![0-9])")
THOUSANDS = re.compile(r"[kKM](?![\w/])")
DECIMAL_COMMA = re.compile(r",[0-9]+(?![0-9.,])")
# A word begins where no letter stands before it, and has an end: a line may be one word of thousands of letters.
_WORD = r"(?<![A-Za-z])([A-Za-z][\w./:-]{0,99}?)[\"'\]]*"
LABEL = re.compile(_WORD + r"\s*(?:(?:[:=]|=>|is)\s*)?(?:(?:tensor|array)(?=\())?[\[(\"']*[-+]?$")
PAIR = re.compile(_WORD + r"(?:\s*[:=]\s*|[^\S ]* \s*)(?:[a-z][\w.]{0,99}\()?[\[(\"']*[-+]?[0-9]")
RECORD = re.compile(r"^(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):[\w.]*:")
TOGETHER = frozenset({"mean", "average", "avg", "overall", "total", "macro", "micro", "all"})
BEST = frozenset({"best", "highest", "lowest", "maximum", "minimum"})
PARTS = frozenset({"fold", "class", "split", "label", "group", "batch", "rank", "shard", "part"})
LOSS_OF = re.compile(
    r"\b(penalty|reg(?:ulari[sz]ation)?|aux(?:iliary)?|kl|recon(?:struction)?|generator|discriminator|critic|actor|policy|value|entropy"
    r"|cls|box|mask|contrastive|distillation|teacher|student|l1|l2) $",
    re.IGNORECASE,
)
"""Words before a label that make it another measure: a part of the loss, or one of several models'."""
NAMED = re.compile(r"[\"']?\b(?:metric|name|key|metric_name)[\"']?\s*[:=]\s*[\"']([A-Za-z][\w./:-]*)")
UNIT = re.compile(r"\s?(%|(?:[mun]s|s|sec|min|[kKMG]i?B)(?![\w/]))")
SEPARATED = re.compile(r"[\s,|;]+")
NAME = re.compile(r"[A-Za-z][A-Za-z_/.()%-]*")
LIST = re.compile(r"(?:, ?[-+]?[0-9][-+0-9.eE]*){2,}[\])]?\s*")
ZERO = re.compile(r"-?0\.0{1,6}")
SMALL = re.compile(r"loss|err|mse|mae|rate|^lr$|_lr", re.IGNORECASE)
MEASURE = re.compile(r"loss|acc|auc|f1|score|precision|recall|rate", re.IGNORECASE)
DATE = re.compile(r"\d{4}[-/]\d{2}[-/]\d{2}|\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?")
_DIGITS_BEFORE = re.compile(r"[0-9]+[.,]?[0-9]*(?:[eE][-+]?)?$")
COUNTERS = frozenset(
    [
        "epoch",
        "epochs",
        "step",
        "steps",
        "iter",
        "iteration",
        "iterations",
        "batch",
        "round",
        "fold",
        "rank",
        "trial",
    ]
)
COUNTED = COUNTERS | {"count", "correct", "samples", "images", "total", "n", "hits", "progress", "done"}
FAMILIES = (
    frozenset({"train", "training"}),
    frozenset({"val", "valid", "validation", "eval", "dev"}),
    frozenset({"test"}),
)
SAME = {word: max(family, key=len) for family in FAMILIES for word in family}


@dataclass(slots=True)
class Capturing:
    """A metric and what its expression has captured so far.

    ``labels``: the words before its numbers, each with a line; ``kinds`` and ``scales``: lines of values of different kinds
    and units. ``told``: something was wrong with one of its lines, and the others are not looked at.
    """

    name: str
    position: int
    pattern: re.Pattern[str]
    labels: dict[str, str] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    kinds: dict[str, str] = field(default_factory=dict)
    scales: dict[str, str] = field(default_factory=dict)
    told: bool = False

    @property
    def path(self) -> Path:
        """The expression in the request."""
        return ("AlgorithmSpecification", "MetricDefinitions", self.position, "Regex")

    def look(self, line: str, header: list[str]) -> Told | None:
        """What is wrong with the number captured from a line; ``header`` are the columns printed last."""
        match = None if self.told else self.pattern.search(line)
        if match is None or match.start(1) < 0:
            return None
        start, end = match.span(1)
        self.texts.add(match.group(1))
        unit = UNIT.match(line, end)
        self.scales.setdefault(unit.group(1) if unit is not None else "", line)
        found = (
            _part(self.name, line, line[:start], self.kinds)
            or _two_scales(self.name, self.scales)
            or _other_column(self.name, line, start, header)
            or _cut(self.name, line, start, end)
            or _overwritten(self.name, line, match, self.pattern)
            or _foreign(self.name, line, start, self.labels, self.pattern.pattern)
        )
        self.told = found is not None
        return found

    @property
    def strange(self) -> bool:
        """True where all numbers stand behind other words than the metric's."""
        own = _words(self.name)
        return not self.told and bool(self.labels) and not any(_words(label) & own for label in self.labels)

    def of_another(self, lines: Mapping[frozenset[str], str]) -> Told | None:
        """That other lines have numbers behind the metric's own words; ``lines`` as ``own_lines`` gives them."""
        other = lines.get(_words(self.name)) if self.strange else None
        if other is None:
            return None
        label, line = next(iter(self.labels.items()))
        return (
            f"the metric {show(self.name)} captured the number of {label!r}: {show(line, limit=80)}; its own is in "
            f"{show(other.strip(), limit=80)}",
            "let the expression begin at the metric's word",
        )

    def nothing(self) -> Told | None:
        """That each value is zero."""
        words = " ".join([self.name, *self.labels])
        rounded = SMALL.search(words) and self.texts and all(ZERO.fullmatch(one) for one in self.texts)
        if self.told or not (rounded or (MEASURE.search(words) and self.texts == {"0"})):
            return None
        return (
            f"the metric {show(self.name)} is {min(self.texts)} each time: it is nothing, or so few decimals leave nothing of it",
            "print more decimals, or with an exponent (%.6g)",
        )


def of_another_word(name: str, line: str, pattern: re.Pattern[str]) -> Told | None:
    """That the number captured from a line stands behind a word that is not the metric's: ``loss=`` in ``train_loss=``."""
    match = pattern.search(line)
    if match is None or not pattern.groups or match.start(1) < 0:
        return None
    return _foreign(name, line, match.start(1), {}, pattern.pattern)


def own_lines(lines: Iterable[str]) -> dict[frozenset[str], str]:
    """By the words before a number, a line that has it."""
    return {_words(_plain(word)): line for line in lines for word in PAIR.findall(line)}


def _cut(name: str, line: str, start: int, end: int) -> tuple[str, str] | None:
    """What is lost where the captured text is a part of a number only."""
    captured, after = line[start:end], line[end:]
    date = next(
        (d for d in DATE.finditer(line) if d.start() <= start < d.end() and captured != d.group()), None
    )
    if date is not None:
        told = f"the metric {show(name)} captured {captured!r} of the date or time {date.group()!r}: {show(line.strip(), limit=120)}"
        return told, "let the expression begin at the metric's word"
    if not captured[-1:].isdigit() or not captured.lstrip("-+.")[:1].isdigit():
        return None
    whole = r"capture the whole number: ([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
    grouped = "." not in captured and (
        (len(captured) <= 3 and GROUPED.match(after) is not None)
        or (captured == "0" and DECIMAL_COMMA.match(after) is not None)
    )
    before = line[:start]
    if after.startswith("%|"):
        told = f"the metric {show(name)} captured the {captured}% of a progress bar: {show(line.strip(), limit=120)}"
        return told, "let the expression begin at the metric's word"
    if LIST.fullmatch(after):
        told = f"the metric {show(name)} captured the first of a list of numbers: {show(line.strip(), limit=120)}"
        return told, "print the one number that the metric is to be"
    word = re.search(r"[A-Za-z]+$", before)
    if word is not None and captured.isdigit() and not _words(word.group()) & COUNTED:
        told = f"the metric {show(name)} captured {captured!r} of the word {word.group() + captured!r}: {show(line.strip(), limit=120)}"
        return told, "let the expression hold the whole word before the number"
    of = re.match(r"/[0-9]+", after)
    if of is not None and not _words(name) & COUNTED:
        told = f"the metric {show(name)} captured {captured!r} of {captured + of.group()!r}, a count: {show(line.strip(), limit=120)}"
        return told, "capture the quotient or percentage that is printed, or print one"
    if grouped or CONTINUES.match(after) or THOUSANDS.match(after):
        shown = captured + re.match(r"[-+0-9.,eEkKMG]*", after).group()  # type: ignore[union-attr]
    elif captured[:1].isdigit() and _DIGITS_BEFORE.search(before):
        shown = _DIGITS_BEFORE.search(before).group() + captured  # type: ignore[union-attr]
    elif before.endswith("-") and not before[-2:-1].isalnum() and before[-2:-1] != "-":
        shown = "-" + captured
    else:
        return None
    return (
        f"the metric {show(name)} captured {captured!r} where {shown!r} was printed: {show(line.strip(), limit=120)}",
        whole,
    )


def _part(name: str, line: str, before: str, kinds: dict[str, str]) -> tuple[str, str] | None:
    """Values of different kinds: of all and of one fold or class, the best and that of the moment."""
    words = _words(before)
    kind = "best" if words & BEST else "all" if words & TOGETHER else "part" if words & PARTS else "plain"
    kinds.setdefault(kind, line.strip())
    if "all" in kinds and kind == "part":
        mixed = "the value of all", kinds["all"], "that of a part"
    elif "best" in kinds and len(kinds) > 1 and not _words(name) & BEST:
        mixed = "the best value", kinds["best"], "that of the moment"
    else:
        return None
    other = next(shown for known, shown in kinds.items() if shown != mixed[1])
    return (
        f"the metric {show(name)} captured {mixed[0]} from {show(mixed[1], limit=80)} and {mixed[2]}: {show(other, limit=80)}",
        "let the expression hold the word that only one of the two lines has",
    )


def _two_scales(name: str, seen: dict[str, str]) -> tuple[str, str] | None:
    """Numbers with two units behind them, or with a percent sign in one line and with none in another."""
    units = [unit for unit in seen if unit or "%" in seen]
    if len(units) < 2:
        return None
    lines = " and ".join(show(seen[unit].strip(), limit=80) for unit in units[:2])
    told = f"the metric {show(name)} captured numbers of two scales: {lines}"
    return (
        told,
        "print the metric in the same unit each time, or let the expression hold what only one line has",
    )


def columns(line: str) -> list[str]:
    """The words of a line that is nothing but names of columns."""
    words = SEPARATED.split(line.strip())
    plain = len(words) > 1 and len(line) < 200 and all(NAME.fullmatch(word) for word in words)
    return [_plain(word) for word in words] if plain else []


def _other_column(name: str, line: str, start: int, header: list[str]) -> tuple[str, str] | None:
    """The number of another column of a table whose header was printed."""
    words = SEPARATED.split(line.strip())
    if len(words) != len(header) or not all(word[-1:].isdigit() for word in words):
        return None
    at = len(SEPARATED.split(line[:start].strip())) if line[:start].strip() else 0
    own = [column for column in header if _words(column) == _words(name)]
    if len(own) != 1 or at >= len(header) or header[at] == own[0]:
        return None
    told = f"the metric {show(name)} captured the column {header[at]!r} of a table that has one {own[0]!r}: {show(line.strip(), limit=120)}"
    return told, "count the columns before it in the expression"


def _overwritten(
    name: str, line: str, match: re.Match[str], pattern: re.Pattern[str]
) -> tuple[str, str] | None:
    """What a progress bar writes over with a carriage return is one line of the log, of which the first number is taken."""
    if "\r" not in line:
        return _repeated(name, line, pattern)
    shown = [found.group(1) for part in line.split("\r") if (found := pattern.search(part)) is not None]
    if len(shown) < 2 or shown[-1] == match.group(1):
        return None
    return (
        f"the metric {show(name)} captured {match.group(1)!r}, and the last that was printed over it in the same line is {shown[-1]!r}",
        "end each line that holds the metric with a line feed, as carriage returns do not end it",
    )


def _repeated(name: str, line: str, pattern: re.Pattern[str]) -> tuple[str, str] | None:
    """Several values under the same word in one line, of which the first alone is taken."""
    found = list(islice(pattern.finditer(line), 20))
    words = {label.group(1) for match in found if (label := LABEL.search(line[: match.start(1)])) is not None}
    values = {match.group(1) for match in found}
    if len(words) != 1 or len(values) < 2:
        return None
    return (
        f"the metric {show(name)} captured the first of {len(found)} numbers that one line has under {min(words)!r}: "
        f"{show(line.strip(), limit=120)}",
        "print each value in a line of its own",
    )


def _greedy(regex: str) -> bool:
    plain = regex.removeprefix("^")
    return plain.startswith(".*") and plain[2:3] != "?"


def _foreign(name: str, line: str, start: int, seen: dict[str, str], regex: str) -> tuple[str, str] | None:
    """Whose number was captured, where the word before it is not the metric's."""
    found = LABEL.search(line[:start])
    label = _plain(found.group(1)) if found is not None else ""
    told_by = NAMED.search(line) if label == "value" else None
    label = _plain(told_by.group(1)) if told_by is not None else label
    if found is None or not label:
        return None
    remedy = r"let the expression begin at the word: (?:^|\s)loss: …, and look at the word that the metric is named for"
    bare, part = label, LOSS_OF.search(line[: found.start(1)])
    label = f"{part.group(1).lower()} {label}" if part is not None else label
    own, there = _words(name), _words(label)
    shown = show(line.strip(), limit=120)
    other = _other_family(own, there, line[: found.start(1)])
    meant = (
        other == "test" and "test" in regex.lower() and own & FAMILIES[1] and not _words(line) & FAMILIES[1]
    )
    if meant:
        return None  # the script calls the validation so, and the expression says it too
    if other:
        return f"the metric {show(name)} captured the number of the {other} {label!r}: {shown}", remedy
    counted = there & COUNTERS
    if counted and not own & COUNTERS:
        return f"the metric {show(name)} captured the number of the {min(counted)}: {shown}", remedy
    pairs = [_plain(word) for word in PAIR.findall(line)]
    if there != own:
        named = [word for word in sorted(set(pairs)) if word not in (label, bare)]
        exact = next((word for word in named if _words(word) == own), None)
        if exact is None and not there & own:
            exact = next((word for word in named if _words(word) and _words(word) < own), None)
        if exact is not None:
            told = f"the metric {show(name)} captured the number of {label!r}, and the line has one of {exact!r}: {shown}"
            return told, remedy
    same = sum(_words(word) == there for word in pairs)
    if _greedy(regex) and same > 1:
        told = f"the metric {show(name)} captured the last of {same} numbers of {label!r}, as .* takes all it can: {shown}"
        return told, "leave .* out at the beginning"
    seen.setdefault(label, line.strip())
    mixed = next((known for known in seen if known != label and _mixed(known, label, own)), None)
    if mixed is not None:
        return (
            f"the metric {show(name)} captured numbers of {mixed!r} and of {label!r}, which it mixes",
            remedy,
        )
    return None


def _other_family(own: frozenset[str], there: frozenset[str], before: str) -> str:
    """Train, validation or test, where the number is of another of them than the metric's name says; empty elsewhere."""
    for words in (there, _words(before.replace("-", " ").split()[-1]) if before.strip() else frozenset()):
        for family in FAMILIES:
            if words & family:
                strange = not own & family and any(own & other for other in FAMILIES)
                return min(words & family) if strange else ""
    return ""


def _mixed(one: str, other: str, own: frozenset[str]) -> bool:
    """True where one label is the other with more (loss and val_loss), or the metric's own and a strange one."""
    short, long = sorted((one, other), key=len)
    if long.endswith(short) and not long[: -len(short)][-1:].isalnum():
        return True
    if long.startswith(short) and not long[len(short) :][:1].isalnum():
        return True
    words, others = _words(one), _words(other)
    families = [
        next((i for i, family in enumerate(FAMILIES) if family & found), None) for found in (words, others)
    ]
    if None not in families and families[0] != families[1]:
        return True
    return own in (words, others) and not words & others


def _plain(label: str) -> str:
    label = RECORD.sub("", label)
    return re.sub(r"[0-9]+", "", label).strip("_-./:").lower()


def _words(label: str) -> frozenset[str]:
    """The words of a label, those for one part of the data being one word: val_loss and validation:loss are the same."""
    return frozenset(SAME.get(word, word) for word in re.split(r"[^a-z]+", label.lower()) if word)

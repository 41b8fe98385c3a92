"""What a built-in algorithm wants of its hyperparameters: of each by itself, and of several together.

Jobs that give hyperparameters of the same names have one ``Given``, which finds out quickly that nothing is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One hyperparameter of a built-in algorithm.

    Attributes:
        name: as the algorithm spells it.
        type: ``Integer``, ``Continuous``, ``Categorical`` or ``FreeText``, as CreateAlgorithm calls them.
        required: the job fails without it.
        minimum, maximum: bounds of a number, None where there is none.
        minimum_open, maximum_open: True where the bound itself is not allowed.
        values: the values of a categorical one (for ``is_list``, those of each element); empty where any
            goes.
        words: words allowed beside numbers (``auto``).
        ignore_case: True where ``true`` and ``True`` are the same.
        is_list: True where the value is a comma-separated list.
        bare: of a list, that nothing is taken off its elements: neither brackets nor quotes nor blanks.
        inside: for a plain number, bounds between which every number is allowed.
        thresholds: list elements that may be written ``name@number``.
        tunable: a tuning job may vary it.
        tunable_type: the kind of its tuning ranges (``Integer``, ``Continuous``, ``Categorical``).
        recommended: for a numeric range its lowest and highest recommended value, else the recommended
            values.
    """

    name: str
    type: str = "FreeText"
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    minimum_open: bool = False
    maximum_open: bool = False
    inside: tuple[float, float] | None = None
    values: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    ignore_case: bool = False
    is_list: bool = False
    bare: bool = False
    thresholds: tuple[str, ...] = ()
    tunable: bool = False
    tunable_type: str | None = None
    recommended: tuple[Any, ...] = ()

    @property
    def expected(self) -> str:
        """What a value may be, in words: ``an integer in [1, 100]``, ``one of 'a', 'b'``."""
        if self.values:
            text = "one of " + ", ".join(map(repr, self.values))
            return f"a comma-separated list, each {text}" if self.is_list else text
        if self.type not in ("Integer", "Continuous"):
            return "text"
        text = "an integer" if self.type == "Integer" else "a number"
        if self.minimum is not None or self.maximum is not None:
            text += f" in {self.interval}"
        return text + "".join(f" or {word!r}" for word in self.words)

    @property
    def interval(self) -> str:
        """The allowed interval of a number in mathematical form, ``(0, 1]``."""
        low = "(-inf" if self.minimum is None else f"{'(' if self.minimum_open else '['}{self.minimum:g}"
        high = "inf)" if self.maximum is None else f"{self.maximum:.10g}{')' if self.maximum_open else ']'}"
        return f"{low}, {high}"

    def contains(self, number: float) -> bool:
        """True where ``number`` is inside the allowed interval."""
        if self.minimum is not None and (
            number < self.minimum or (self.minimum_open and number == self.minimum)
        ):
            return False
        return not (
            self.maximum is not None
            and (number > self.maximum or (self.maximum_open and number == self.maximum))
        )

    def lacks_capitals(self, value: str) -> bool:
        """True where a value is one that the guide spells with capitals (student-T), less the capitals."""
        return any(value == option.lower() != option for option in self.values)

    def problem(self, value: str) -> str | None:
        """What is wrong with ``value`` (the text in the request), or None: ``is no integer``.

        ``is not one of …``.
        """
        if self.inside is not None:  # most values are numbers well inside
            try:
                if self.inside[0] < (int(value) if self.type == "Integer" else float(value)) < self.inside[1]:
                    return None
            except ValueError:
                pass
        if self.is_list:
            return self._list_problem(value)
        if self.values:
            return None if self._listed(value) else f"is not {self.expected}"
        if self.type not in ("Integer", "Continuous") or value in self.words:
            return None
        return self._number_problem(value)

    def _listed(self, value: str) -> bool:
        if self.ignore_case:
            return value.lower() in {word.lower() for word in self.values}
        return value in self.values

    def _list_problem(self, value: str) -> str | None:
        if not self.values or value in self.words or value in self.values:
            return None
        for element in value.split(",") if self.bare else value.strip("[]").split(","):
            plain = element if self.bare and "@" not in element else element.strip()
            name, at, number = (plain if self.bare else plain.strip("\"'")).partition("@")
            if at and name in self.thresholds:
                try:
                    float(number)
                except ValueError:
                    return f"has {element!r}, whose threshold is no number"
            elif at or name not in self.values:
                return (
                    f"has {(element if self.bare else element.strip())!r}, which is not one of "
                    + ", ".join(map(repr, self.values))
                )
        return None

    def _number_problem(self, value: str) -> str | None:
        try:
            number = int(value) if self.type == "Integer" else float(value)
        except ValueError:
            return "is no integer" if self.type == "Integer" else "is no number"
        if not math.isfinite(number):
            return "is no finite number"
        return None if self.contains(number) else f"is not in {self.interval}"


@dataclass(frozen=True, slots=True)
class Condition:
    """Hyperparameters that depend on each other.

    Where every hyperparameter in ``when`` has one of the values given (``*`` at the end stands for any rest, and an
    empty one for an absent hyperparameter;
    for a list it is enough that one element does), each name in ``needs`` has to be present, and each in
    ``values``, where it is present, has to have one of its values; none in ``excludes`` may have one of those.
    ``doubtful`` where the guide says so, and Amazon's own examples do otherwise.
    """

    when: Mapping[str, tuple[str, ...]]
    needs: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    excludes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    doubtful: bool = False

    def is_about(self, names: Collection[str]) -> bool:
        """True where hyperparameters of these names, and no others, may break the condition."""
        if not all(name in names or "" in options for name, options in self.when.items()):
            return False
        if any(name not in names for name in self.needs):
            return True
        return any(name in names for name in (*self.values, *self.excludes))

    def applies(self, hyperparameters: Mapping[str, Any]) -> bool:
        """True where the ``when`` part holds for a request's hyperparameters."""
        for name, options in self.when.items():
            value = hyperparameters.get(name)
            if value is None and "" in options:
                continue
            if not isinstance(value, str):
                return False
            if "," not in value:
                if not matches(value.strip(), options):
                    return False
            elif not any(matches(word.strip(), options) for word in value.split(",")):
                return False
        return True

    def is_broken(self, hyperparameters: Mapping[str, str | None]) -> bool:
        """True where the rest does not hold for hyperparameters for which the ``when`` part does.

        One that is None is unknown, and breaks nothing.
        """
        for name in self.needs:
            if name not in hyperparameters:
                return True
        for name, options in self.values.items():
            value = hyperparameters.get(name)
            if value is not None and not _any_matches(value, options):
                return True
        for name, options in self.excludes.items():
            value = hyperparameters.get(name, "")
            if value is not None and _any_matches(value, options):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Idle:
    """Hyperparameters, or metrics, that count only where a hyperparameter has one of some values.

    Attributes:
        names: each with its default (or several behind |), which says nothing when it is written down; empty where
            it has none.
        other, options: the hyperparameter that decides, and its values; an empty one for an absent one.
    """

    names: Mapping[str, str]
    other: str
    options: tuple[str, ...]

    def is_about(self, names: Collection[str]) -> bool:
        """True where some of these names, and no others, may be without an effect."""
        return not (self.other not in names and self.counts(None)) and not self.names.keys().isdisjoint(names)

    def counts(self, value: object) -> bool:
        """True where they have an effect beside this value of the other (None: it is absent)."""
        if value is None:
            return "" in self.options
        return not isinstance(value, str) or _any_matches(value, self.options)


@dataclass(frozen=True, slots=True)
class Bound:
    """A number that has no effect above another hyperparameter's, or, where ``equal``, from there on."""

    name: str
    other: str
    equal: bool


@dataclass(frozen=True, slots=True)
class Inside:
    """A number that lies between two others, exclusive, where another hyperparameter has one of some values."""

    name: str
    low: float
    high: float
    when: Condition


def _any_matches(value: str, options: tuple[str, ...]) -> bool:
    """True where a value, or an element of a list, is one of ``options``."""
    return matches(value.strip(), options) or any(matches(word.strip(), options) for word in value.split(","))


@lru_cache(maxsize=4096)
def matches(value: str, patterns: tuple[str, ...]) -> bool:
    """True where ``value`` is one of ``patterns``; one that ends in ``*`` matches any rest, alone all but nothing."""
    return any(value != "" and value.startswith(p[:-1]) if p.endswith("*") else value == p for p in patterns)


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What an algorithm makes of hyperparameters of certain names, worked out once for all jobs that give these.

    Attributes:
        numbers: (name, int or float, low, high) of plain numbers; those between the two are allowed.
        others: (name, what is known of it) of all other hyperparameters that the algorithm knows.
        conditions: those that hyperparameters of these names may break, in their order.
        about: which of the names the conditions look at.
        idle, in_vain: what may leave some of these without an effect.
        related: the algorithm bounds one of these by another, or wants a certain form of one.
    """

    names: tuple[str, ...]
    numbers: tuple[tuple[str, Callable[[str], float], float, float], ...]
    others: tuple[tuple[str, Hyperparameter], ...]
    conditions: tuple[Condition, ...]
    about: tuple[str, ...]
    idle: tuple[Idle, ...]
    in_vain: tuple[Bound, ...]
    related: bool

    def takes(self, hyperparameters: Mapping[str, Any]) -> bool:
        """True where nothing is wrong with any value by itself; it may be False for values that are right."""
        try:
            for name, number, low, high in self.numbers:
                if not low < number(hyperparameters[name]) < high:
                    return False
            for name, known in self.others:
                if known.problem(hyperparameters[name]) is not None:
                    return False
        except (ValueError, TypeError, AttributeError):  # no number, or a pipeline variable
            return False
        return True

    def goes_together(self, hyperparameters: Mapping[str, Any]) -> bool:
        """True where no condition is broken in a job that tunes nothing; it may be False where none is."""
        try:
            return not self.conditions or _kept(self, tuple([hyperparameters[name] for name in self.about]))
        except TypeError:  # a pipeline variable
            return False


@lru_cache(maxsize=4096)
def _kept(given: Given, values: tuple[str, ...]) -> bool:
    """Conditions look at words mostly, which are the same in many jobs."""
    hyperparameters = {**dict.fromkeys(given.names, ""), **dict(zip(given.about, values, strict=True))}
    return not any(
        condition.applies(hyperparameters) and condition.is_broken(hyperparameters)
        for condition in given.conditions
    )

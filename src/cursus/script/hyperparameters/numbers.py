"""Texts that a script uses as numbers, and those that it converts, JSON too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import HP_FILES, ArgPart, Const, EnvPart, EnvRead, NumberUse, Text
from cursus.script.hyperparameters.arguments import Reached
from cursus.script.syntax.bodies import place

WANT_NUMBERS = frozenset(
    {"range", "round", "abs", "numpy.arange", "numpy.zeros", "numpy.ones", "math.sqrt", "math.log"}
)

CONVERSIONS: dict[str, Callable[[str], object]] = {"int": int, "float": float, "json.loads": json.loads}
"""What makes a number, or whatever JSON says, of a text, and raises an error on other texts and on None."""


def texts_as_numbers(evaluator: Evaluator, calls: Reached) -> tuple[NumberUse, ...]:
    """The functions of numbers that get a text."""
    found = []
    for site, sure in calls:
        name = evaluator.called(site.node, site.body)
        if name not in WANT_NUMBERS:
            continue
        for given in site.node.args:
            value = evaluator.value(given, site.body)
            if isinstance(value, v.Unknown) and value.origin == "hyperparameters.json":
                found.append(NumberUse(name, None, sure, place(site.node, site.body), value.key))
            elif isinstance(value, Text) and isinstance(value.only, (ArgPart, EnvPart)):
                found.append(NumberUse(name, value, sure, place(site.node, site.body)))
    return tuple(found)


def conversions(evaluator: Evaluator, calls: Reached) -> tuple[NumberUse, ...]:
    """The calls of ``CONVERSIONS`` on an environment variable, an argument or a hyperparameter as it is."""
    found = []
    for site, sure in calls:
        node = site.node
        if len(node.args) != 1 or node.keywords:
            continue
        name = evaluator.called(node, site.body)
        if name not in CONVERSIONS:
            continue
        value = evaluator.value(node.args[0], site.body)
        if isinstance(value, Text) and isinstance(value.only, (ArgPart, EnvPart)):
            found.append(NumberUse(name, value, sure, place(node, site.body)))
        elif isinstance(value, v.Unknown) and value.key and value.origin in HP_FILES:
            found.append(NumberUse(name, None, sure, place(node, site.body), value.key))
    return tuple(found)


def demanded(uses: Iterable[NumberUse], reads: Iterable[EnvRead]) -> Iterator[EnvRead]:
    """The reads of variables whose absence ends the script by a conversion: ``int(os.environ.get("X"))``."""
    bare = {read.name for read in reads if read.bare}
    for use in uses:
        part = use.text.only if use.text is not None else None
        if isinstance(part, EnvPart) and part.name in bare and part.default in (None, Const(None)):
            yield EnvRead(part.name, True, use.sure, use.location)

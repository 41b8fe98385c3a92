"""The places in what a script writes as JSON, which the conditions of a pipeline read: ``json-written``."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.evaluation.unrolled import fixed
from cursus.script.facts import Const, Habit, Text
from cursus.script.syntax.bodies import CallSite, place
from cursus.script.syntax.nodes import receiver, word

MOST_PLACES = 200
OPEN = "*"
"""Stands in a place for whatever may be below it."""


def read_reports(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """Each mapping that the source writes out and puts into a file: ``text`` is the file, ``detail`` has the places."""
    for site, sure in calls:
        content, target = _written(evaluator, site)
        if content is None or target is None or not fixed(evaluator, content):
            continue
        found = evaluator.evaluate(content, site.body, site.order)
        file = evaluator.evaluate(target, site.body, site.order).only
        path = v.as_path(file.path if isinstance(file, v.OpenFile) else file)
        if isinstance(path, Text) and found.values and all(isinstance(one, v.Table) for one in found.values):
            places = [each for one in found.values for each in _places(one, "")]
            if len(places) <= MOST_PLACES:
                where = place(site.node, site.body)
                yield Habit("json-written", path, "\n".join(places), sure and found.sure, where)


def _written(evaluator: Evaluator, site: CallSite) -> tuple[ast.expr | None, ast.expr | None]:
    """What a call writes as JSON, and where to: an open file, or a path."""
    node = site.node
    given = node.args[0] if node.args else None
    if evaluator.called(node, site.body) == "json.dump":
        return given, node.args[1] if len(node.args) > 1 else word(node, "fp")
    target = receiver(node, ("write", "write_text"))
    if target is None or not isinstance(given, ast.Call) or not given.args:
        return None, None
    return (given.args[0], target) if evaluator.called(given, site.body) == "json.dumps" else (None, None)


def _places(value: v.Value, before: str) -> Iterator[str]:
    """``metrics.auc.value`` for each value in a mapping; ``metrics.*`` where what is below is not all known."""
    if not isinstance(value, v.Table):
        known = isinstance(value, (Const, Text)) or (isinstance(value, v.Unknown) and value.number)
        yield before if known else f"{before}.{OPEN}"
        return
    if not value.whole or any("." in key or "[" in key for key, _ in value.items):
        yield f"{before}.{OPEN}" if before else OPEN
    for key, inner in value.items:
        yield from _places(inner, f"{before}.{key}" if before else key)

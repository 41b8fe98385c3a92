"""The places in what a script writes as JSON, which the conditions of a pipeline read: ``json-written``."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import islice

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.evaluation.unrolled import fixed
from cursus.script.facts import Const, Habit, Text
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import is_call, receiver, string, word

MOST_PLACES = 200
OPEN = "*"
"""Stands in a place for whatever may be below it."""
SHOWS = ("print", "str", "len", "repr", "pprint")
LOGS = ("info", "debug", "warning")
"""What shows a mapping and puts nothing into it."""


def read_reports(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """Each mapping that the source writes out and puts into a file: ``text`` is the file, ``detail`` has the places."""
    for site, sure in calls:
        content, target = _written(evaluator, site)
        made = _literal(content, site.body) if content is not None and fixed(evaluator, content) else None
        if made is None or target is None:
            continue
        file = evaluator.evaluate(target, site.body, site.order).only
        path = v.as_path(file.path if isinstance(file, v.OpenFile) else file)
        places = list(islice(_places(evaluator, made, site.body, ""), MOST_PLACES + 1))
        if isinstance(path, Text) and len(places) <= MOST_PLACES:
            yield Habit("json-written", path, "\n".join(places), sure, place(site.node, site.body))


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


def _literal(content: ast.expr, body: Body) -> ast.Dict | None:
    """The mapping as it is written out, where nothing can put something into it: its name is set once, and shown."""
    if isinstance(content, ast.Name):
        name, nodes = content.id, body.top.all_nodes
        shown = {
            id(part) for one in nodes if is_call(one, *SHOWS) or receiver(one, LOGS) for part in ast.walk(one)
        }
        used = [one for one in nodes if isinstance(one, ast.Name) and one.id == name and id(one) not in shown]
        if any(isinstance(one.ctx, ast.Load) and one is not content for one in used):
            return None
        made = body.only(name) or body.top.only(name)
    else:
        made = content
    return made if isinstance(made, ast.Dict) else None


def _places(evaluator: Evaluator, node: ast.expr, body: Body, before: str) -> Iterator[str]:
    """``metrics.auc.value`` for each value in a mapping; ``metrics.*`` where what is below is not all known."""
    if not isinstance(node, ast.Dict):
        found = evaluator.evaluate(node, body).values
        known = bool(found) and all(
            isinstance(one, (Const, Text)) or (isinstance(one, v.Unknown) and one.number) for one in found
        )
        yield before if known else f"{before}.{OPEN}"
        return
    for key, value in zip(node.keys, node.values, strict=True):
        name = string(key)
        if name is None or "." in name or "[" in name:
            yield f"{before}.{OPEN}" if before else OPEN
        else:
            yield from _places(evaluator, value, body, f"{before}.{name}" if before else name)

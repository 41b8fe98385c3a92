"""Loops and comprehensions over what a script writes out: each round with its own values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cursus.script.evaluation import values as v
from cursus.script.evaluation.values import NOTHING_KNOWN, Options, Value, one
from cursus.script.facts import Text
from cursus.script.syntax.bodies import CHANGES, Body, CallSite
from cursus.script.syntax.nodes import bare_name, last_name, receiver, string

if TYPE_CHECKING:
    from cursus.script.evaluation.evaluate import Evaluator

ROUNDS = 24
"""Rounds of a loop that are read one by one; a longer one is not."""
Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


def changed_names(bodies: list[Body]) -> frozenset[str]:
    """The names of lists and mappings that are changed after they were written out."""
    found = {last_name(node.value) for body in bodies for node in body.stores}
    found.update(
        last_name(site.node.func.value)
        for body in bodies
        for site in body.calls
        if isinstance(site.node.func, ast.Attribute) and site.node.func.attr in CHANGES
    )
    return frozenset(found)


def replaced_keys(evaluator: Evaluator, bodies: list[Body]) -> frozenset[str]:
    """The keys that mappings get other values for after they were written out; the empty one stands for any."""
    found = {
        name
        for body in bodies
        for name, each in body.attributes.items()
        if any(one.name != "self" for one in each)
    }
    for body in bodies:
        placed: list[tuple[ast.expr, list[str | None]]] = [
            (node.value, [string(node.slice)]) for node in body.stores
        ]
        for site in body.calls:
            base = receiver(site.node, ("update",))
            if base is not None:
                placed.append((base, _updated(site.node)))
        for base, keys in placed:
            found.update(key for key in keys if key)
            if None in keys and any(
                isinstance(value, v.Table) and value.items for value in evaluator.evaluate(base, body).values
            ):
                found.add("")
    return frozenset(found)


def _updated(call: ast.Call) -> list[str | None]:
    """The keys that ``mapping.update(…)`` sets; None for those that are not written there."""
    keys: list[str | None] = [keyword.arg for keyword in call.keywords]
    for given in call.args:
        keys += [string(key) for key in given.keys] if isinstance(given, ast.Dict) else [None]
    return keys


def fixed(evaluator: Evaluator, node: ast.AST) -> bool:
    """True where nothing that is named in an expression is changed in place."""
    return not any(last_name(part) in evaluator.changed for part in ast.walk(node))


def listed(evaluator: Evaluator, node: ast.expr, body: Body, order: int | None = None) -> Options:
    """What an expression gives one after another, where that is all known: ``Items``."""
    if not fixed(evaluator, node):
        return NOTHING_KNOWN
    return evaluator.evaluate(node, body, order).each(keys_of)


def keys_of(value: Value) -> Value:
    """What a loop over a value goes through."""
    if isinstance(value, v.Table):
        return view_of(value, "keys")
    return value


def each(found: Options, sure: bool) -> Options:
    """What the rounds over something give; ``sure``: there are all of them, where they are known."""
    values: list[Value] = []
    for value in map(keys_of, found.values):
        sure = sure and isinstance(value, v.Items)
        if isinstance(value, v.Items):
            values.extend(value.items)
        elif isinstance(value, v.Unknown) and value.origin in ("range", "enumerate"):
            values.append(v.WHOLE if value.origin == "range" else v.Items((v.WHOLE, v.UNKNOWN)))
        else:
            values.append(v.UNKNOWN)
    sure = (sure and len(values) <= v.LIMIT) or values == [v.WHOLE]
    return Options(tuple(values[: v.LIMIT]) or (v.UNKNOWN,), found.sure and sure)


def view_of(table: v.Table, method: str) -> Value:
    """``table.items()``, ``table.keys()``, ``table.values()``."""
    if not table.whole:
        return v.UNKNOWN
    if method == "items":
        return v.Items(tuple(v.Items((v.text(key), value)) for key, value in table.items))
    return v.Items(tuple(v.text(key) if method == "keys" else value for key, value in table.items))


def comprehended(evaluator: Evaluator, node: Comprehension, body: Body, order: int) -> Options:
    """The list or mapping that a comprehension over known things makes."""
    over = node.generators[0]
    if len(node.generators) > 1 or over.ifs:
        return NOTHING_KNOWN
    found = listed(evaluator, over.iter, body, order).only
    if not isinstance(found, v.Items) or len(found.items) > ROUNDS:
        return NOTHING_KNOWN
    made: list[Value] = []
    keys: list[str] = []
    for item in found.items:
        with evaluator.assuming(body, dict(targets(over.target, item))):
            if isinstance(node, ast.DictComp):
                key = evaluator.evaluate(node.key, body, order).only
                if not isinstance(key, Text) or key.literal is None:
                    return NOTHING_KNOWN
                keys.append(key.literal)
                made.append(evaluator.evaluate(node.value, body, order).only)
            else:
                made.append(evaluator.evaluate(node.elt, body, order).only)
    return one(v.Table(tuple(zip(keys, made, strict=True))) if keys else v.Items(tuple(made)))


def targets(target: ast.expr, item: Value) -> Iterator[tuple[str, Value]]:
    """The names that a round binds, with their values."""
    if isinstance(target, ast.Name):
        yield target.id, item
    elif isinstance(target, (ast.Tuple, ast.List)):
        parts = item.items if isinstance(item, v.Items) else ()
        for i, inner in enumerate(target.elts):
            yield from targets(inner, parts[i] if len(parts) == len(target.elts) else v.UNKNOWN)


def loops_around(evaluator: Evaluator, site: CallSite) -> list[dict[str, Value]] | None:
    """The names that the one loop around a call binds, for each of its rounds; None where they are not all known."""
    around = site.body.orders.get(id(site.node), (0, ()))[1]
    if len(around) != 1:
        return None
    loop = next((node for node in site.body.nodes if id(node) == around[0]), None)
    if not isinstance(loop, ast.For):
        return None
    found = listed(evaluator, loop.iter, site.body).only
    if not isinstance(found, v.Items) or len(found.items) > ROUNDS:
        return None
    return [dict(targets(loop.target, item)) for item in found.items]


def same_list(evaluator: Evaluator, node: ast.Call, body: Body, order: int) -> Options:
    """``sorted(x)``, ``list(x)``, ``tuple(x)`` of something known."""
    known = len(node.args) == 1 and (bare_name(node.func) == "sorted" or not node.keywords)
    return listed(evaluator, node.args[0], body, order) if known else NOTHING_KNOWN

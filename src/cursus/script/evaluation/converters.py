"""The functions that a script converts its arguments with, ready to be asked what they make of a text."""

from __future__ import annotations

import ast
from collections.abc import Callable

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Const, Text
from cursus.script.syntax import pure
from cursus.script.syntax.bodies import Body
from cursus.script.syntax.nodes import string


def converter(
    evaluator: Evaluator, node: ast.expr | None, body: Body
) -> Callable[[str], pure.Outcome | None] | None:
    """What the function given as ``type=`` makes of a text; None where it is none that can be read."""
    if node is None:
        return None
    given = evaluator.value(node, body)
    members = _members(evaluator, given.body) if isinstance(given, v.Klass) else frozenset()
    if members:
        return lambda text: (
            pure.Outcome("value", text) if text in members else pure.Outcome("raises", "ValueError")
        )
    try:
        function, place = _plain(given, body)
    except pure.Unreadable:
        return None
    names: dict[str, ast.expr] = {}  # kept, as the evaluator knows nodes by their identity

    def outside(name: str) -> object:
        if name not in names:
            names[name] = ast.parse(name, mode="eval").body
        return _plain(evaluator.value(names[name], place), place)[0]

    return lambda text: pure.outcome(function, text, outside)


def _members(evaluator: Evaluator, body: Body) -> frozenset[str]:
    """The values of an enumeration of texts; none for any other class."""
    owner = body.owner
    bases = owner.bases if isinstance(owner, ast.ClassDef) else []
    known = [evaluator.value(base, body.parent or body) for base in bases]
    if not any(isinstance(one, v.Ref) and one.name in ("enum.Enum", "enum.StrEnum") for one in known):
        return frozenset()
    if any(inner.name in ("_missing_", "__new__") for inner in body.defined.values()):
        return frozenset()
    made = [found for found in body.bindings.values() if found[0].kind == "value"]
    texts = [string(found[0].node) for found in made if len(found) == 1]
    return (
        frozenset(one for one in texts if one)
        if None not in texts and len(texts) == len(made)
        else frozenset()
    )


def _plain(value: v.Value, body: Body) -> tuple[object, Body]:
    """A function or constant of the source as ``syntax.pure`` reads it, and the body that it stands in."""
    if isinstance(value, v.Func):
        return value.body.owner, value.body.parent or value.body
    if isinstance(value, v.Ref) and value.name in pure.BUILTINS:
        return pure.BUILTINS[value.name], body
    if isinstance(value, Const):
        return value.value, body
    if isinstance(value, Text) and value.literal is not None:
        return value.literal, body
    if isinstance(value, v.Items):
        return [_plain(item, body)[0] for item in value.items], body
    if isinstance(value, v.Table):
        return {key: _plain(item, body)[0] for key, item in value.items}, body
    raise pure.Unreadable

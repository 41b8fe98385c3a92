"""Places that a script hands on, so that others may write there: ``handed-on``.

To a function from outside the source, or into one of its objects or mappings; without a ``text`` where it is the whole
command line that is handed on.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import everything_given, last_name

PLACES = re.compile(
    r"model|out|dir|path|sav|dest|target|root|project|folder|export|artifact|arg|cfg|conf|opt|par|set|kw",
    re.IGNORECASE,
)
"""What a name has that may stand for a place, or for all settings of a script."""
HARMLESS = frozenset(
    [
        "print",
        "info",
        "debug",
        "warning",
        "error",
        "critical",
        "log",
        "join",
        "exists",
        "isdir",
        "isfile",
        "abspath",
        "basename",
        "dirname",
        "normpath",
        "expanduser",
        "add_argument",
        "option",
        "field",
        "Field",
        "get",
        "getenv",
        "setdefault",
        "str",
        "repr",
        "len",
        "isinstance",
        "bool",
        "vars",
        "format",
        "makedirs",
        "mkdir",
        "listdir",
        "dumps",
        "getattr",
        "hasattr",
        "seed",
        "Path",
    ]
)
"""Functions that write nothing at the place that they are given."""


def read_handed(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """Everything of this kind in the bodies that run."""
    for body, _ in reached:
        for node in body.nodes:
            for given in _handed(evaluator, node, body):
                if isinstance(given, (ast.Dict, ast.List, ast.Tuple)) or PLACES.search(_named(given)):
                    for text in _texts(evaluator.value(given, body)):
                        yield Habit("handed-on", text, "", True, place(node, body))


def _handed(evaluator: Evaluator, node: ast.AST, body: Body) -> list[ast.expr]:
    if isinstance(node, ast.Call) and last_name(node.func) not in HARMLESS:
        own = isinstance(evaluator.value(node.func, body), (v.Func, v.Klass))
        return [] if own else everything_given(node)
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    if isinstance(node, ast.Assign) and isinstance(target, (ast.Attribute, ast.Subscript)):
        own = isinstance(evaluator.value(target.value, body), v.Instance)
        return [] if own else [node.value]
    return []


def _named(node: ast.expr) -> str:
    """The names that an expression is made of."""
    if isinstance(node, (ast.Call, ast.Attribute, ast.Name, ast.BinOp, ast.JoinedStr, ast.Subscript)):
        words = (
            getattr(one, "id", getattr(one, "attr", getattr(one, "value", ""))) for one in ast.walk(node)
        )
        return " ".join(one for one in words if isinstance(one, str))
    return ""


def _texts(value: v.Value) -> Iterator[Text | None]:
    if isinstance(value, Text):
        yield value
    elif isinstance(value, v.Space):
        yield None
    elif isinstance(value, (v.Items, v.Table)):
        for one in value.items:
            yield from _texts(one[1] if isinstance(one, tuple) else one)

"""What a script takes the rows of a table for: a header, numbers in the order of texts, rows that it leaves out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script import values as v
from cursus.script.arguments import place
from cursus.script.bodies import Body
from cursus.script.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.texts import own_nodes

TABLES = {
    "csv.DictReader": "fieldnames",
    "pandas.read_csv": "header",
    "numpy.genfromtxt": "",
    "numpy.loadtxt": "",
}
"""What reads a table, and the argument with which the first line is data."""
DATA = frozenset({"header", "names", "fieldnames"})
SKIPS = frozenset({"skip_header", "skiprows"})


def read_rows(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """A habit ``header`` for each place where the first line of a file is no row of data; ``text`` is the file.

    And ``table-order`` where texts of a column are brought into an order, ``dropped-rows`` where rows are left out
    whose column is no number, and ``mapped`` where a mapping with a default takes its texts; ``key`` is the column, and
    ``others`` are the mapping's keys.
    """
    for body, sure in reached:
        for node in own_nodes(body):
            column = _ordered_column(node)
            if column:
                yield Habit("table-order", None, ast.unparse(node)[:60], sure, place(node, body), column)
            for column in _converted_or_dropped(node):
                yield Habit("dropped-rows", None, column, sure, place(node, body), column)
            if isinstance(node, ast.Call):
                yield from _mapped(body, node, sure)
            found = _taken(evaluator, body, node)
            if isinstance(found, Text):
                yield Habit("header", found, ast.unparse(node)[:60], sure, place(node, body))


def _ordered_column(node: ast.AST) -> str:
    """The column whose texts ``max``, ``min`` or ``sorted`` compares; empty where there is none."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1):
        return ""
    if node.func.id not in ("max", "min", "sorted"):
        return ""
    keys = [word.value for word in node.keywords if word.arg == "key"]
    compared: ast.expr | None = None
    if keys and isinstance(keys[0], ast.Lambda):
        compared = keys[0].body
    elif not keys and isinstance(node.args[0], (ast.GeneratorExp, ast.ListComp, ast.SetComp)):
        compared = node.args[0].elt
    column = compared.slice if isinstance(compared, ast.Subscript) else None
    return column.value if isinstance(column, ast.Constant) and isinstance(column.value, str) else ""


def _converted_or_dropped(node: ast.AST) -> Iterator[str]:
    """Columns whose texts become numbers in a ``try`` that goes on with the next row where one is none."""
    if not isinstance(node, ast.Try) or not all(
        len(handler.body) == 1 and isinstance(handler.body[0], (ast.Pass, ast.Continue))
        for handler in node.handlers
    ):
        return
    for inner in (one for statement in node.body for one in ast.walk(statement)):
        if isinstance(inner, ast.Call) and getattr(inner.func, "id", "") in ("float", "int") and inner.args:
            column = _column(inner.args[0])
            if column:
                yield column


def _mapped(body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``LABELS.get(row["label"], 0)`` with a mapping that the source writes out."""
    func = node.func
    if not isinstance(func, ast.Attribute) or func.attr != "get" or len(node.args) != 2:
        return
    column, scope, known = _column(node.args[0]), body, func.value
    if isinstance(known, ast.Name):
        while known.id not in scope.bindings and scope.parent is not None:
            scope = scope.parent
        known = _bound(scope, known)
    if column and isinstance(known, ast.Dict):
        keys = [key.value for key in known.keys if isinstance(key, ast.Constant)]
        texts = [key for key in keys if isinstance(key, str)]
        if texts and len(texts) == len(known.keys):
            where = place(node, body)
            others = tuple(Habit("key", None, key, sure, where) for key in texts)
            yield Habit("mapped", None, ast.unparse(node)[:60], sure, where, column, others=others)


def _column(node: ast.expr) -> str:
    """The column of ``row["x"]`` and ``row.get("x")``."""
    key: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        key = node.slice
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get" and node.args:
        key = node.args[0]
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""


def _taken(evaluator: Evaluator, body: Body, node: ast.AST) -> v.Value | None:
    """The path of the file whose first line is left out here."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        low = node.slice.lower
        if (
            isinstance(low, ast.Constant)
            and low.value == 1
            and node.slice.upper is None
            and node.slice.step is None
        ):
            return _lines(evaluator, body, node.value)
        return None
    if not isinstance(node, ast.Call):
        return None
    callee = evaluator.value(node.func, body)
    name = callee.name if isinstance(callee, v.Ref) else ""
    if name == "next" and len(node.args) == 1:
        return _file(evaluator, body, node.args[0])
    if name in TABLES and node.args:
        words = {word.arg for word in node.keywords}
        if name.startswith("numpy") and not words & SKIPS:
            return None
        if words & DATA or None in words or len(node.args) > 1:
            return None
        return _file(evaluator, body, node.args[0])
    return None


def _lines(evaluator: Evaluator, body: Body, node: ast.expr) -> v.Value | None:
    """The file of which ``node`` has every line: ``list(csv.reader(file))``, ``file.readlines()``."""
    node = _bound(body, node)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "list"
        and node.args
    ):
        return _file(evaluator, body, node.args[0])
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    return _file(evaluator, body, node.func.value) if node.func.attr in ("readlines", "splitlines") else None


def _bound(body: Body, node: ast.expr) -> ast.expr:
    """What a name is bound to, where it is bound once."""
    if isinstance(node, ast.Name):
        bindings = body.bindings.get(node.id, [])
        if len(bindings) == 1 and bindings[0].kind == "value" and isinstance(bindings[0].node, ast.expr):
            return bindings[0].node
    return node


def _file(evaluator: Evaluator, body: Body, node: ast.expr, depth: int = 0) -> v.Value | None:
    """The path of the file that ``node`` is, opens or reads."""
    found = evaluator.value(node, body)
    if isinstance(found, v.OpenFile):
        return found.path
    if isinstance(found, Text) and not isinstance(node, ast.Call):
        return found
    inner = _bound(body, node)
    if isinstance(inner, ast.Call) and depth < 4:
        callee = evaluator.value(inner.func, body)
        if isinstance(callee, v.Ref) and callee.name in ("csv.reader", "iter") and inner.args:
            return _file(evaluator, body, inner.args[0], depth + 1)
    return None

"""What a script takes the rows of a table for: a header, numbers in the order of texts, rows that it leaves out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import bare_name, is_call, looked_up, receiver, string, word

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
    whose column is no number, ``mapped`` where a mapping with a default takes its texts, and ``row-default`` where a
    column has a default; ``key`` is the column, and ``others`` are the mapping's keys, or the row's other columns.
    """
    for body, sure in reached:
        for node in body.nodes:
            column = _ordered_column(node)
            if column:
                yield Habit("table-order", None, ast.unparse(node)[:60], sure, place(node, body), column)
            for column in _converted_or_dropped(node):
                yield Habit("dropped-rows", None, column, sure, place(node, body), column)
            if isinstance(node, ast.Call):
                yield from _mapped(body, node, sure)
                yield from _column_or_default(body, node, sure)
            found = _taken(evaluator, body, node)
            if isinstance(found, Text):
                yield Habit("header", found, ast.unparse(node)[:60], sure, place(node, body))


def _ordered_column(node: ast.AST) -> str:
    """The column whose texts ``max``, ``min`` or ``sorted`` compares; empty where there is none."""
    if not is_call(node, "max", "min", "sorted") or len(node.args) != 1:
        return ""
    key = word(node, "key")
    compared: ast.expr | None = None
    if isinstance(key, ast.Lambda):
        compared = key.body
    elif key is None and isinstance(node.args[0], (ast.GeneratorExp, ast.ListComp, ast.SetComp)):
        compared = node.args[0].elt
    return (string(compared.slice) or "") if isinstance(compared, ast.Subscript) else ""


def _converted_or_dropped(node: ast.AST) -> Iterator[str]:
    """Columns whose texts become numbers in a ``try`` that goes on with the next row where one is none."""
    if not isinstance(node, ast.Try) or not all(
        len(handler.body) == 1 and isinstance(handler.body[0], (ast.Pass, ast.Continue))
        for handler in node.handlers
    ):
        return
    for inner in (one for statement in node.body for one in ast.walk(statement)):
        if is_call(inner, "float", "int") and inner.args:
            column = _column(inner.args[0])
            if column:
                yield column


def _mapped(body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``LABELS.get(row["label"], 0)`` with a mapping that the source writes out."""
    known = receiver(node, ("get",))
    if known is None or len(node.args) != 2:
        return
    column, scope = _column(node.args[0]), body
    if isinstance(known, ast.Name):
        while known.id not in scope.bindings and scope.parent is not None:
            scope = scope.parent
        known = _bound(scope, known)
    if column and isinstance(known, ast.Dict):
        texts = [key for key in map(string, known.keys) if key is not None]
        if texts and len(texts) == len(known.keys):
            where = place(node, body)
            others = tuple(Habit("key", None, key, sure, where) for key in texts)
            yield Habit("mapped", None, ast.unparse(node)[:60], sure, where, column, others=others)


def _column_or_default(body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``row.get("hour", 0)`` beside ``row["count"]``."""
    row = bare_name(receiver(node, ("get",)))
    column = string(node.args[0]) if len(node.args) == 2 and row else None
    where = place(node, body)
    read = body.once(_columns_read).get(row, ()) if column else ()
    others = tuple(Habit("column", None, name, sure, where) for name in read)
    if column and others:
        yield Habit("row-default", None, ast.unparse(node)[:60], sure, where, column, others=others)


def _columns_read(body: Body) -> dict[str, list[str]]:
    """What is taken by a text from each name: ``row["count"]``."""
    found: dict[str, list[str]] = {}
    for one, _, _ in body.reads:
        name = string(one.slice)
        if name is not None and name not in found.setdefault(bare_name(one.value), []):
            found[bare_name(one.value)].append(name)
    return found


def _column(node: ast.expr) -> str:
    """The column of ``row["x"]`` and ``row.get("x")``."""
    found = looked_up(node)
    return (string(found[1]) or "") if found else ""


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
    name = evaluator.called(node, body)
    if name == "next" and len(node.args) == 1:
        return _file(evaluator, body, node.args[0])
    if name in TABLES and node.args:
        words = {given.arg for given in node.keywords}
        if name.startswith("numpy") and not words & SKIPS:
            return None
        if words & DATA or None in words or len(node.args) > 1:
            return None
        return _file(evaluator, body, node.args[0])
    return None


def _lines(evaluator: Evaluator, body: Body, node: ast.expr) -> v.Value | None:
    """The file of which ``node`` has every line: ``list(csv.reader(file))``, ``file.readlines()``."""
    node = _bound(body, node)
    if is_call(node, "list") and node.args:
        return _file(evaluator, body, node.args[0])
    read = receiver(node, ("readlines", "splitlines"))
    return None if read is None else _file(evaluator, body, read)


def _bound(body: Body, node: ast.expr) -> ast.expr:
    """What a name is bound to, where it is bound once."""
    return (body.only(node.id) or node) if isinstance(node, ast.Name) else node


def _file(evaluator: Evaluator, body: Body, node: ast.expr, depth: int = 0) -> v.Value | None:
    """The path of the file that ``node`` is, opens or reads."""
    found = evaluator.value(node, body)
    if isinstance(found, v.OpenFile):
        return found.path
    if isinstance(found, Text) and not isinstance(node, ast.Call):
        return found
    inner = _bound(body, node)
    if not isinstance(inner, ast.Call) or not inner.args or depth >= 4:
        return None
    follows = evaluator.called(inner, body) in ("csv.reader", "iter")
    return _file(evaluator, body, inner.args[0], depth + 1) if follows else None

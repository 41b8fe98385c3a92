"""What a call in a script gives: paths joined, environment variables read, parsers made, functions of the source."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from cursus.script.evaluation import library, unrolled
from cursus.script.evaluation import values as v
from cursus.script.evaluation.values import (
    NOTHING_KNOWN,
    NUMBER,
    UNKNOWN,
    Options,
    Value,
    combine,
    one,
    union,
)
from cursus.script.facts import ArgPart, Const, Hole, Part, Text
from cursus.script.syntax.bodies import Body, CallSite
from cursus.script.syntax.nodes import last_name, string, word

if TYPE_CHECKING:
    from cursus.script.evaluation.evaluate import Evaluator

NUMBERS = frozenset(
    {"int", "float", "len", "round", "sum", "max", "min", "abs", "time.time", "time.perf_counter"}
)
NUMBER_METHODS = frozenset({"item", "mean", "sum", "std", "numpy"})
SAME_PARSER = frozenset({"add_argument_group", "add_mutually_exclusive_group"})
PROCESS_GROUP = "torch.distributed.init_process_group"
FRAMES = frozenset(
    {v.FRAME, "pandas.concat", "pandas.merge", "pandas.get_dummies"}
    | {f"pandas.read_{one}" for one in ("csv", "parquet", "excel", "table", "feather")}
)
"""What gives a frame of pandas."""
SAME_FRAME = frozenset(
    {
        "append",
        "assign",
        "astype",
        "copy",
        "drop",
        "drop_duplicates",
        "dropna",
        "fillna",
        "head",
        "merge",
        "query",
    }
    | {"rename", "replace", "reset_index", "sample", "set_index", "sort_index", "sort_values", "tail"}
)
"""Methods of a frame that give another."""
PURE = frozenset({"upper", "lower", "title", "replace", "strip", "rstrip", "lstrip"})
"""Methods of a text that give another."""
KEEPS_TEXT = frozenset({"rstrip", "lstrip", "strip", "resolve", "absolute", "expanduser", "as_posix"})


def evaluate_call(evaluator: Evaluator, node: ast.Call, body: Body, order: int) -> Options:
    """The values of a call."""
    callee = evaluator.evaluate(node.func, body, order).only
    if isinstance(callee, v.Ref):
        found = library.value_of(evaluator, callee.name, node, body, order)
        if found is not None:
            return found
    elif isinstance(callee, v.Func):
        return _function(evaluator, callee, node)
    elif isinstance(callee, v.Klass):
        return one(_instance(evaluator, callee, node))
    if isinstance(node.func, ast.Attribute):
        return _method(evaluator, node, node.func, body, order)
    if isinstance(callee, v.Ref):
        return one(v.Unknown(callee.name in NUMBERS, callee.name))
    return NOTHING_KNOWN


def _instance(evaluator: Evaluator, klass: v.Klass, node: ast.Call) -> Value:
    owner = klass.body.owner
    if isinstance(owner, ast.ClassDef):
        for base in owner.bases:
            value = evaluator.value(base, klass.body.parent or klass.body)
            if isinstance(value, v.Ref) and value.name in library.ARGPARSE:
                return v.ParserValue(id(node))
    return v.Instance(klass.body)


def _function(evaluator: Evaluator, callee: v.Func, call: ast.Call) -> Options:
    returns = callee.body.returns
    if not returns or len(returns) > v.LIMIT:
        return NOTHING_KNOWN if returns else library.NONE
    with evaluator.at_site(callee.body.owner, call):
        found = [evaluator.evaluate(node, callee.body, order) for node, order in returns]
    return union(found, sure=len(returns) == 1)


def backend_of(evaluator: Evaluator, site: CallSite) -> Text | Const | None:
    """The backend that a call of ``init_process_group`` is given, None where that cannot be read."""
    given = site.node.args[0] if site.node.args else word(site.node, "backend")
    value = UNKNOWN if given is None else evaluator.value(given, site.body)
    return value if isinstance(value, (Text, Const)) else None


def negated(node: ast.expr, value: Value, body: Body) -> Value:
    """``-x``, where ``node`` is ``x``: surely below zero, where that is an error or a root."""
    if isinstance(value, Const) and isinstance(value.value, (int, float)):
        return Const(-value.value)
    called = isinstance(value, v.Unknown) and value.origin.rpartition(".")[2] in POSITIVE
    named = ERRORS.search(name := last_name(node)) and "neg" not in name and not body.top.once(_scores)
    return v.NEGATIVE if called or named else UNKNOWN


def _scores(module: Body) -> bool:
    """True where a module scores with scikit-learn's errors below zero: ``scoring="neg_mean_squared_error"``."""
    return any((string(one) or "").startswith("neg_") for one in module.all_nodes)


POSITIVE = frozenset(
    {
        "sqrt",
        "abs",
        "mean_squared_error",
        "mean_absolute_error",
        "root_mean_squared_error",
        "log_loss",
        "hypot",
    }
)
ERRORS = re.compile(r"(?:^|_)(?:r?mse|mae|mape|rmsle)$", re.IGNORECASE)
"""Names of measures that are never below zero."""


def _method(evaluator: Evaluator, node: ast.Call, func: ast.Attribute, body: Body, order: int) -> Options:
    base = evaluator.evaluate(func.value, body, order)
    given = [evaluator.evaluate(a, body, order) for a in node.args if not isinstance(a, ast.Starred)]
    name = func.attr
    if name in PURE and len(given) < len(node.args):
        return NOTHING_KNOWN
    words = node.keywords if name == "format" else []
    named = [(word.arg or "", evaluator.evaluate(word.value, body, order)) for word in words]
    results = [_method_of(evaluator, value, name, given, named) for value in base.values]
    return union(results, sure=base.sure)


def _method_of(
    evaluator: Evaluator, base: Value, name: str, given: list[Options], named: list[tuple[str, Options]]
) -> Options:
    if isinstance(base, v.OpenFile) and name == "read":
        return one(base)
    if isinstance(base, v.Special) and base.kind == "environ":
        if name in ("get", "setdefault") and given:
            return library.environment(given[0], given[1] if len(given) > 1 else library.NONE)
        return NOTHING_KNOWN
    if name == "copy" and isinstance(base, (v.Special, v.Table)):
        return one(base)
    if name == "read_text" and isinstance(base, Text):
        return one(v.OpenFile(base))
    if isinstance(base, v.Special) and name in ("get", "pop") and given:
        return Options((evaluator.item(base, given[0].only),), len(given) == 1)
    if isinstance(base, v.ParserValue):
        return _parser_method(base, name)
    if isinstance(base, v.Space) and base.mapping and name in ("get", "pop") and given:
        key = given[0].values[0]
        if isinstance(key, Text) and key.literal is not None:
            return one(Text((ArgPart(key.literal),)))
    if isinstance(base, v.Table) and name in ("items", "keys", "values"):
        return one(unrolled.view_of(base, name))
    if isinstance(base, v.Table) and name == "get" and given:
        key = given[0].values[0]
        if isinstance(key, Text) and key.literal is not None and key.literal in dict(base.items):
            return one(evaluator.kept(base, key.literal))
    if isinstance(base, Text):
        return _text_method(base, name, given, named)
    if isinstance(base, v.Unknown) and base.origin in FRAMES and name in SAME_FRAME:
        return one(v.Unknown(False, v.FRAME))
    if name in NUMBER_METHODS:
        return one(NUMBER)
    if isinstance(base, v.Ref):
        return one(v.Unknown(False, f"{base.name}.{name}"))
    return NOTHING_KNOWN


def _parser_method(base: v.ParserValue, name: str) -> Options:
    if name in SAME_PARSER:
        return one(base)
    if name in ("parse_args", "parse_intermixed_args"):
        return one(v.Space(base.key))
    if name == "parse_args_into_dataclasses":
        return one(v.Items((v.Space(base.key),) * v.LIMIT))
    if name in ("parse_known_args", "parse_known_intermixed_args"):
        return one(v.Items((v.Space(base.key), UNKNOWN)))
    return NOTHING_KNOWN


def _text_method(base: Text, name: str, given: list[Options], named: list[tuple[str, Options]]) -> Options:
    if name == "format":
        literal = base.literal
        if literal is None or any(not word for word, _ in named):
            return one(Text((Hole(),)))
        count = len(given)

        def build(chosen: tuple[Value, ...]) -> Value:
            keywords = {key: value for (key, _), value in zip(named, chosen[count:], strict=True)}
            return v.format_braces(literal, list(chosen[:count]), keywords)

        return combine([*given, *(options for _, options in named)], build)
    if name == "join" and len(given) == 1 and isinstance(given[0].only, v.Items) and base.literal is not None:
        lines: list[Part] = []
        for item in given[0].only.items:
            lines += [*([base.literal] if lines else []), *v.parts_of(item)]
        return one(v.merge(lines))
    if name == "joinpath":
        return combine([one(base), *given], lambda chosen: v.join_paths(list(chosen)))
    if name in PURE and base.literal is not None:
        literals = [value.only.literal if isinstance(value.only, Text) else None for value in given]
        if None not in literals:
            try:
                return one(v.text(getattr(base.literal, name)(*literals)))
            except TypeError:  # which ends the script, too
                return NOTHING_KNOWN
    if name in KEEPS_TEXT and not given:
        return one(base)
    if name == "open":
        return one(v.OpenFile(base))
    return one(Text((Hole(),)))

"""What a small function of a script makes of one text: the converters that arguments are declared with.

The function is read, never run: its own statements are followed here, on plain texts, numbers, lists and mappings, with
the few functions of Python that converters use. What is beyond that, or takes more than ``STEPS`` steps, is not known.
"""

from __future__ import annotations

import ast
import builtins
import json
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from cursus.script.syntax.nodes import caught, last_name

STEPS = 3000
LONGEST = 10_000
Names = dict[str, Any]
Outside = Callable[[str], object]
"""Gives what a name means that the function does not bind: a constant, a function's node, or raises Unreadable."""

TEXT_METHODS = """
    lower upper strip lstrip rstrip split rsplit partition startswith endswith replace isdigit isnumeric isdecimal
    isalpha title capitalize casefold join removeprefix removesuffix splitlines count find
"""
METHODS: dict[type, frozenset[str]] = {
    str: frozenset(TEXT_METHODS.split()),
    dict: frozenset({"get", "keys", "values", "items"}),
    list: frozenset({"append", "index", "count", "extend"}),
}
BUILTINS: dict[str, Any] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "len": len,
    "list": list,
    "tuple": tuple,
    "set": set,
    "sorted": sorted,
    "min": min,
    "max": max,
    "sum": sum,
    "any": any,
    "all": all,
    "abs": abs,
    "round": round,
    "zip": zip,
    "enumerate": enumerate,
    "isinstance": isinstance,
    "json.loads": json.loads,
    "ast.literal_eval": ast.literal_eval,
    "distutils.util.strtobool": lambda text: _strtobool(text),
    "True": True,
    "False": False,
    "None": None,
}
OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Mult: operator.mul,
}
PLAIN = (str, int, float, bool, list, tuple, set, dict, type(None))


def _catches(handler: str, raised: str) -> bool:
    """True where a handler for one kind of error takes another, named as the source names them."""
    kind, error = (
        json.JSONDecodeError if name.endswith("JSONDecodeError") else getattr(builtins, name, None)
        for name in (handler, raised)
    )
    if isinstance(kind, type) and isinstance(error, type):
        return issubclass(error, kind)
    return handler in (raised, "Exception", "BaseException")


class Unreadable(Exception):  # noqa: N818  (says what is so, not what went wrong)
    """Something that is not followed here."""


class Raised(Exception):  # noqa: N818
    """The function raises this itself."""


class _Returned(Exception):  # noqa: N818  (no error: the way out of nested statements)
    def __init__(self, value: object) -> None:
        self.value = value


@dataclass(frozen=True, slots=True)
class Outcome:
    """``value``: what the function gives; ``raises``: it refuses the text, ``value`` is the error's name.

    ``sorts``: it sorted something on the way.
    """

    kind: Literal["value", "raises"]
    value: object
    sorts: bool = False


def outcome(function: object, text: str, outside: Outside) -> Outcome | None:
    """What ``function``, a node of the script or one of ``BUILTINS``, makes of ``text``; None where that is unknown."""
    run = _Run(outside)
    try:
        return Outcome("value", run.apply(function, [text]), run.sorts)
    except Raised as raised:
        return Outcome("raises", str(raised))
    except (Unreadable, RecursionError):
        return None


class _Run:
    """One reading of a function, with its budget."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.steps = 0
        self.depth = 0
        self.sorts = False

    def function(self, node: ast.AST, given: list[object]) -> object:
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)) or self.depth > 8:
            raise Unreadable
        names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        if (
            node.args.vararg
            or node.args.kwarg
            or len(given) > len(names)
            or getattr(node, "decorator_list", None)
        ):
            raise Unreadable
        defaults = [self.value(default, {}) for default in node.args.defaults]
        known = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
        known.update(zip(names, given, strict=False))
        if len(known) < len(names):
            raise Unreadable
        self.depth += 1
        try:
            if isinstance(node, ast.Lambda):
                return self.value(node.body, known)
            self.block(node.body, known)
        except _Returned as returned:
            return returned.value
        finally:
            self.depth -= 1
        return None

    # -- statements ---------------------------------------------------------------------------------

    def block(self, statements: list[ast.stmt], names: Names) -> None:
        for statement in statements:
            self.statement(statement, names)

    def statement(self, node: ast.stmt, names: Names) -> None:
        self.count()
        if isinstance(node, ast.Return):
            raise _Returned(None if node.value is None else self.value(node.value, names))
        if isinstance(node, ast.Expr):
            self.value(node.value, names)
        elif isinstance(node, ast.If):
            self.block(node.body if self.value(node.test, names) else node.orelse, names)
        elif isinstance(node, ast.Assign):
            value = self.value(node.value, names)
            for target in node.targets:
                bind(target, value, names)
        elif isinstance(node, ast.For):
            for item in self.items(node.iter, names):
                bind(node.target, item, names)
                self.block(node.body, names)
            self.block(node.orelse, names)
        elif isinstance(node, ast.Raise):
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            raise Raised(last_name(raised))
        elif isinstance(node, ast.Assert):
            if not self.value(node.test, names):
                raise Raised("AssertionError")
        elif isinstance(node, ast.Try) and not node.finalbody:
            self.attempt(node, names)
        elif not isinstance(node, ast.Pass):
            raise Unreadable

    def attempt(self, node: ast.Try, names: Names) -> None:
        try:
            self.block(node.body, names)
        except Raised as raised:
            for handler in node.handlers:
                if any(_catches(name, str(raised)) for name in caught(handler)):
                    self.block(handler.body, names)
                    return
            raise
        self.block(node.orelse, names)

    # -- expressions --------------------------------------------------------------------------------

    def count(self) -> None:
        self.steps += 1
        if self.steps > STEPS:
            raise Unreadable

    def value(self, node: ast.expr, names: Names) -> Any:
        self.count()
        method = getattr(self, "on_" + type(node).__name__, None)
        if method is None:
            raise Unreadable
        found = method(node, names)
        if isinstance(found, (str, list, tuple, set, dict)) and len(found) > LONGEST:
            raise Unreadable
        return found

    def items(self, node: ast.expr, names: Names) -> Iterator[Any]:
        found = self.value(node, names)
        if not isinstance(found, (str, list, tuple, set, dict, zip, enumerate)):
            raise Unreadable
        return iter(list(found))

    def on_Constant(self, node: ast.Constant, names: Names) -> Any:  # noqa: N802
        return node.value

    def on_Name(self, node: ast.Name, names: Names) -> Any:  # noqa: N802
        if node.id in names:
            return names[node.id]
        return BUILTINS[node.id] if node.id in BUILTINS else self.outside(node.id)

    def on_Attribute(self, node: ast.Attribute, names: Names) -> Any:  # noqa: N802
        dotted = ast.unparse(node)
        return BUILTINS[dotted] if dotted in BUILTINS else self.outside(dotted)

    def on_Lambda(self, node: ast.Lambda, names: Names) -> Any:  # noqa: N802
        return node

    def on_List(self, node: ast.List | ast.Tuple | ast.Set, names: Names) -> Any:  # noqa: N802
        made: type = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return self.guarded(made, [self.value(item, names) for item in node.elts])

    on_Tuple = on_Set = on_List  # noqa: N815

    def on_Dict(self, node: ast.Dict, names: Names) -> Any:  # noqa: N802
        if any(key is None for key in node.keys):
            raise Unreadable
        return {
            self.value(key, names): self.value(value, names)
            for key, value in zip(node.keys, node.values, strict=True)
            if key is not None
        }

    def on_IfExp(self, node: ast.IfExp, names: Names) -> Any:  # noqa: N802
        return self.value(node.body if self.value(node.test, names) else node.orelse, names)

    def on_BoolOp(self, node: ast.BoolOp, names: Names) -> Any:  # noqa: N802
        found: Any = None
        for value in node.values:
            found = self.value(value, names)
            if bool(found) is isinstance(node.op, ast.Or):
                break
        return found

    def on_UnaryOp(self, node: ast.UnaryOp, names: Names) -> Any:  # noqa: N802
        found = self.value(node.operand, names)
        if isinstance(node.op, ast.Not):
            return not found
        if isinstance(node.op, ast.USub):
            return self.guarded(operator.neg, found)
        raise Unreadable

    def on_BinOp(self, node: ast.BinOp, names: Names) -> Any:  # noqa: N802
        left, right = self.value(node.left, names), self.value(node.right, names)
        step = OPERATORS.get(type(node.op))
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        if step is None or (isinstance(node.op, (ast.Mult, ast.Mod)) and not numbers):
            raise Unreadable
        return self.guarded(step, left, right)

    def on_Compare(self, node: ast.Compare, names: Names) -> Any:  # noqa: N802
        left = self.value(node.left, names)
        for kind, other in zip(node.ops, node.comparators, strict=True):
            right = self.value(other, names)
            if not self.guarded(OPERATORS[type(kind)], left, right):
                return False
            left = right
        return True

    def on_JoinedStr(self, node: ast.JoinedStr, names: Names) -> Any:  # noqa: N802
        return "".join(
            str(self.value(piece.value if isinstance(piece, ast.FormattedValue) else piece, names))
            for piece in node.values
        )

    def on_Subscript(self, node: ast.Subscript, names: Names) -> Any:  # noqa: N802
        base = self.value(node.value, names)
        if isinstance(node.slice, ast.Slice):
            ends = (node.slice.lower, node.slice.upper, node.slice.step)
            index: Any = slice(*(None if end is None else self.value(end, names) for end in ends))
        else:
            index = self.value(node.slice, names)
        if not isinstance(base, (str, list, tuple, dict)):
            raise Unreadable
        return self.guarded(operator.getitem, base, index)

    def on_ListComp(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, names: Names) -> Any:  # noqa: N802
        found: list[Any] = []
        self.generate(node.generators, dict(names), lambda inner: found.append(self.value(node.elt, inner)))
        return self.guarded(set, found) if isinstance(node, ast.SetComp) else found

    on_GeneratorExp = on_SetComp = on_ListComp  # noqa: N815

    def on_DictComp(self, node: ast.DictComp, names: Names) -> Any:  # noqa: N802
        found: dict[Any, Any] = {}

        def put(inner: Names) -> None:
            found[self.value(node.key, inner)] = self.value(node.value, inner)

        self.generate(node.generators, dict(names), put)
        return found

    def generate(self, loops: list[ast.comprehension], names: Names, put: Callable[[Names], object]) -> None:
        """Carry out the loops of a comprehension."""
        for item in self.items(loops[0].iter, names):
            bind(loops[0].target, item, names)
            if all(self.value(test, names) for test in loops[0].ifs):
                if loops[1:]:
                    self.generate(loops[1:], names, put)
                else:
                    put(names)

    def on_Call(self, node: ast.Call, names: Names) -> Any:  # noqa: N802
        if any(isinstance(given, ast.Starred) for given in node.args) or any(
            k.arg is None for k in node.keywords
        ):
            raise Unreadable
        given = [self.value(argument, names) for argument in node.args]
        named = {str(word.arg): self.value(word.value, names) for word in node.keywords}
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) not in BUILTINS:
            base = self.value(node.func.value, names)
            if node.func.attr not in METHODS.get(type(base), frozenset()):
                raise Unreadable
            return self.guarded(getattr(base, node.func.attr), *given, **named)
        if isinstance(node.func, ast.Name) and node.func.id == "map" and len(given) == 2:
            return [self.apply(given[0], [item]) for item in list(given[1])]
        return self.apply(self.value(node.func, names), given, named)

    def apply(self, function: object, given: list[object], named: dict[str, object] | None = None) -> Any:
        if isinstance(function, ast.AST):
            if named:
                raise Unreadable
            return self.function(function, given)
        if not callable(function) or any(isinstance(one, ast.AST) for one in (named or {}).values()):
            raise Unreadable
        self.sorts = self.sorts or function is sorted
        return self.guarded(function, *given, **(named or {}))

    def guarded(self, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """A function of Python's own, whose errors are the script's."""
        if not all(isinstance(one, (*PLAIN, type, zip, enumerate)) for one in given):
            raise Unreadable
        try:
            return function(*given, **named)
        except (
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            SyntaxError,
            ArithmeticError,
            AttributeError,
        ) as error:
            raise Raised(type(error).__name__) from None
        except (MemoryError, RecursionError):
            raise Unreadable from None


def bind(target: ast.expr, value: Any, names: Names) -> None:
    """Give a name, or several names, their values."""
    if isinstance(target, ast.Name):
        names[target.id] = value
    elif (
        isinstance(target, (ast.Tuple, ast.List))
        and isinstance(value, (tuple, list))
        and len(value) == len(target.elts)
    ):
        for inner, item in zip(target.elts, value, strict=True):
            bind(inner, item, names)
    else:
        raise Unreadable


def _strtobool(text: str) -> int:
    word = text.lower()
    if word in ("y", "yes", "t", "true", "on", "1"):
        return 1
    if word in ("n", "no", "f", "false", "off", "0"):
        return 0
    raise ValueError

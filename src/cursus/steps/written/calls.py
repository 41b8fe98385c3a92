"""Calls: of the user's functions, of what hands its argument on, and of an SDK's objects, told by their arguments."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from cursus.model import Path
from cursus.steps.written.expressions import ANY, Item
from cursus.steps.written.names import consumed
from cursus.steps.written.scopes import (
    Call,
    Callee,
    Instance,
    Scope,
    constant,
    keywords,
    local_function,
    method,
    named,
    scope_of,
)
from cursus.steps.written.syntax import starts
from cursus.steps.written.trace import UNKNOWN, Found, Trace

_SAME = frozenset(
    (
        "dict",
        "list",
        "tuple",
        "sorted",
        "OrderedDict",
        "MappingProxyType",
        "deepcopy",
        "copy",
        "asdict",
        "vars",
    )
)
_AS_TEXT = frozenset({"str", "int", "float", "bool", "dumps", "fspath", "Path", "repr", "format"})


def of_call(trace: Trace, node: ast.Call, path: Path, scope: Scope) -> Found | None:
    """The place in what a call gives."""
    callee = _callee(node, scope)
    if callee is not None:
        found = trace.returned(callee, Call(node, scope), path)
        if found is not None and (found.left < len(path) if path else _says_more(found, callee, node)):
            return found
    return _of_known(trace, node, path, scope) or (_of_arguments(trace, node, path, scope) if path else None)


def _says_more(found: Found, callee: Callee, node: ast.Call) -> bool:
    """False where a function works a value out of its arguments: what it is called with says more than how."""
    own = callee.node.lineno <= (found.location.line or 0) <= (callee.node.end_lineno or 0)
    inside = own and found.location.file == callee.scope.source.file
    return found.sure or not inside or not (node.args or node.keywords)


def _callee(node: ast.Call, scope: Scope) -> Callee | None:
    """The function of the user's that is called; None for a class, and for all that is not the user's."""
    func = node.func
    if isinstance(func, ast.Name):
        local = local_function(func.id, scope)
        if local is not None:
            return local
    if isinstance(func, ast.Attribute):
        base = func.value
        here = next((one for one in scope.outwards() if one.me is not None), None)
        if here is not None and here.me is not None:
            if isinstance(base, ast.Name) and base.id == here.my_name:
                return method(here.me, func.attr)
            if isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "super":
                return method(here.me, func.attr, here.above)
        made = _instance(base, scope)
        if made is not None:
            return method(made, func.attr)
    found = named(func, scope)
    if found is None or isinstance(found, type):
        return None
    if isinstance(found, (staticmethod, classmethod)):
        kind = named(func.value, scope) if isinstance(func, ast.Attribute) else None
        me = Instance(kind) if isinstance(found, classmethod) and isinstance(kind, type) else None
        return scope_of(found, me)
    return scope_of(found)


def _instance(node: ast.expr, scope: Scope) -> Instance | None:
    """The object that an expression makes of a class of the user's: ``Factory(x)``, or a name for that."""
    if isinstance(node, ast.Name):
        for here in scope.outwards():
            table = here.table.get(node.id, {})
            made = [one.value for _, one in table.get(None, ()) if one.kind == "set" and not one.keys]
            if made:
                return _instance(made[0], here) if len(made) == 1 and isinstance(made[0], ast.Call) else None
        return None
    if isinstance(node, ast.Call):
        kind = named(node.func, scope)
        if isinstance(kind, type):
            return Instance(kind, Call(node, scope))
    return None


def _of_known(trace: Trace, node: ast.Call, path: Path, scope: Scope) -> Found | None:
    """A call that hands on its argument, or a part of what it is called on."""
    func, args = node.func, node.args
    name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
    if name in _AS_TEXT and args and not path:
        return trace.at(args[0], path, scope)
    if name == "cast" and len(args) == 2:
        return trace.at(args[1], path, scope)
    if name in _SAME and path and (args or node.keywords):
        found = trace.at(keywords(node), path, scope) if node.keywords else None
        if found is not None and found.left < len(path):
            return found
        return trace.at(args[0], path, scope) if args else None
    if name in ("enumerate", "zip", "reversed") and path and args:
        return _of_iteration(trace, name, args, path, scope)
    if name in ("field", "Field"):  # of a dataclass or a pydantic model
        return _of_field(trace, node, path, scope)
    if not isinstance(func, ast.Attribute):
        return None
    if name in ("get", "pop", "setdefault") and args:
        return _of_get(trace, func.value, args, path, scope)
    if name in ("items", "values", "keys") and path:
        return _of_entries(trace, name, func.value, path, scope)
    if name in ("strip", "lower", "upper", "rstrip", "value", "as_posix") and not path:
        return trace.at_value(UNKNOWN, func.value, path, scope)
    return None


def _of_field(trace: Trace, node: ast.Call, path: Path, scope: Scope) -> Found | None:
    """The default of a field."""
    given = {one.arg: one.value for one in node.keywords}
    default = given.get("default") or (node.args[0] if node.args else None)
    factory = given.get("default_factory")
    if isinstance(factory, ast.Lambda):
        default = factory.body
    return trace.at(default, path, scope) if default is not None else None


def _of_get(trace: Trace, base: ast.expr, args: list[ast.expr], path: Path, scope: Scope) -> Found | None:
    key: Any = constant(args[0])
    whole = (ANY if key is None else key, *path)
    found = trace.at(base, whole, scope)
    found = found if found is not None and found.left <= len(path) else None
    if found is None and len(args) > 1:
        default = trace.at(args[1], path, scope)
        return default if default is not None and (default.sure or default.left < len(path)) else None
    return found


def _of_iteration(trace: Trace, name: str, args: list[ast.expr], path: Path, scope: Scope) -> Found | None:
    if name == "reversed" or len(path) < 2 or not isinstance(path[1], int):
        return None
    if name == "enumerate":
        return trace.at(args[0], (path[0], *path[2:]), scope) if path[1] == 1 else None
    return trace.at(args[path[1]], (path[0], *path[2:]), scope) if path[1] < len(args) else None


def _of_entries(trace: Trace, name: str, base: ast.expr, path: Path, scope: Scope) -> Found | None:
    """``items()``, ``values()`` and ``keys()`` of a mapping; of a literal the number of an entry is known."""
    which = path[0]
    rest = path[1:]
    if name == "items":
        if not rest or rest[0] not in (0, 1):
            return None
        name, rest = ("values" if rest[0] == 1 else "keys"), rest[1:]
    if isinstance(base, ast.Dict) and isinstance(which, int) and None not in base.keys:
        listed: list[Any] = base.values if name == "values" else base.keys
        return trace.at(listed[which], rest, scope) if which < len(listed) else None
    if name == "keys" and rest:
        return None
    if name == "values" and isinstance(which, Item) and which.name is not None:  # kept under its own name
        named_ = trace.at(base, (which.name, *rest), scope)
        if named_ is not None and named_.left <= len(rest):
            return named_
    return trace.at(base, (ANY, *rest), scope)


def _of_arguments(trace: Trace, node: ast.Call, path: Path, scope: Scope) -> Found | None:
    """What an object was made or called with: an argument by its name, then any in which the path can be followed.

    An estimator is started with its inputs, and has all else before.
    """
    func = node.func
    if starts(node) and isinstance(func, ast.Attribute) and "InputDataConfig" not in path:
        return trace.at(func.value, path, scope)
    made = _instance(node, scope)
    if made is not None and isinstance(path[0], str):  # an attribute, which may have a default
        found = trace.of_attribute(path, made)
        if found is not None and found.left < len(path):
            return found
    best: Found | None = None
    rest: list[ast.expr] = []
    places = _parameters(node, scope)
    given = list(zip(places, node.args, strict=False))
    rest.extend(node.args[len(given) :])
    given.extend((one.arg, one.value) for one in node.keywords if one.arg is not None)
    rest.extend(one.value for one in node.keywords if one.arg is None)
    ranked = sorted(
        ((consumed(name, path), value) for name, value in given if consumed(name, path)),
        key=lambda each: each[0],
    )
    for used, value in ranked:
        best = trace.best((best, trace.at(value, path[used:], scope)))
    if best is not None and best.left < len(path):
        return best
    taken = {id(value) for _, value in ranked}
    rest.extend(value for _, value in given if id(value) not in taken)
    if isinstance(node.func, ast.Attribute):
        rest.append(node.func.value)
    for value in rest:
        inner = (path, path[1:]) if len(path) > 1 and isinstance(path[1], Item) else (path,)
        for part in inner:
            found = trace.at(value, part, scope) if _may_hold(value) else None
            if found is not None and found.left < len(part):
                best = trace.best((best, replace(found, wild=True)))
    return best


def _may_hold(node: ast.expr) -> bool:
    return not isinstance(node, (ast.Constant, ast.JoinedStr, ast.Compare, ast.UnaryOp))


def _parameters(node: ast.Call, scope: Scope) -> list[str]:
    """The names of the parameters that a class or function takes in order, as Python knows them."""
    found = named(node.func, scope)
    function: Any = found.__init__ if isinstance(found, type) else found  # type: ignore[misc]
    for _ in range(5):
        function = getattr(function, "__wrapped__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    names = list(code.co_varnames[: code.co_argcount])
    return names[1:] if isinstance(found, type) else names

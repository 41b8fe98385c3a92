"""What stands where a value is looked for: names and what is written to them, ``self``, and the functions called."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import FunctionType, ModuleType
from typing import Any, Literal

from cursus.steps.lowering.hooks import unwrapped
from cursus.steps.written.expressions import ANY, item_expression
from cursus.steps.written.syntax import (
    Function,
    Owner,
    Source,
    inner_functions,
    positional,
    read_source,
    statements,
)

Key = str | int | None
"""A part of what is written to: an attribute or a constant subscript; None for one that is worked out."""
Keys = tuple[Key, ...]
Kind = Literal["set", "update", "append", "extend"]


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """One place where something is put into a variable, or below it: ``name[keys…] = value`` and its kin."""

    kind: Kind
    keys: Keys
    value: ast.expr
    repeated: bool = False
    """``append`` in a loop: how often is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """An expression, and where its names are to be looked up."""

    value: ast.expr
    scope: Scope


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An object of a class of the user's: the class, and what ``__init__`` was called with."""

    kind: type
    arguments: Call | None = None
    config: bool = False
    """True for the builder itself, which was made with the configuration."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """The arguments of a call, and where it stands."""

    node: ast.Call
    scope: Scope


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """A function, class or module that is being read: what its parameters and ``self`` are."""

    source: Source
    owner: Owner
    names: Mapping[str, Any]
    """The module's own names, for looking up what is called."""
    bound: Mapping[str, Bound] = field(default_factory=dict)
    me: Instance | None = None
    my_name: str = ""
    above: type | None = None
    """The class that the function stands in; ``super()`` begins behind it."""
    outer: Scope | None = None
    config: frozenset[str] = frozenset()
    """Parameters that are the configuration."""

    def outwards(self) -> Iterator[Scope]:
        """This scope and those around it, the module's last."""
        here: Scope | None = self
        while here is not None:
            yield here
            here = here.outer

    @property
    def of_module(self) -> bool:
        """True for the module's own names."""
        return self.owner is self.source.tree

    @property
    def table(self) -> Written:
        """What is written in this scope."""
        return writes(self.owner)


@dataclass(frozen=True, slots=True, eq=False)
class Callee:
    """A function of the user's that is called."""

    node: Function
    scope: Scope


def chain(node: ast.expr) -> tuple[str, Keys] | None:
    """The variable at the bottom of ``name.a["b"][0]``, and what follows; None where it begins with no name."""
    keys: list[Key] = []
    while True:
        if isinstance(node, ast.Name):
            return node.id, tuple(reversed(keys))
        if isinstance(node, ast.Attribute):
            keys.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Subscript):
            keys.append(subscript(node))
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr not in ("setdefault", "get"):
                return None
            keys.append(constant(node.args[0]))
            node = node.func.value
        else:
            return None


def subscript(node: ast.Subscript) -> Key:
    """The constant key of a subscript, None where it is worked out."""
    return constant(node.slice)


def constant(node: ast.expr) -> Key:
    """The text or whole number that an expression is, None for any other."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, int)):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = constant(node.operand)
        return -inner if isinstance(inner, int) else None
    return None


Written = dict[str, dict[Key, list[tuple[int, Write]]]]
"""Variable → first key → its writes in reading order; None: those to the variable itself, or to a key worked out."""


@lru_cache(maxsize=256)
def writes(owner: Owner) -> Written:
    """Every write of a function, class or module, by the name of the variable."""
    found: Written = {}
    order = 0

    def put(target: ast.expr, kind: Kind, value: ast.expr, repeated: bool = False) -> None:
        nonlocal order
        where = chain(target)
        if where is not None:
            order += 1
            name, keys = where
            by_key = found.setdefault(name, {})
            by_key.setdefault(keys[0] if keys else None, []).append(
                (order, Write(kind, keys, value, repeated))
            )

    loops: list[int] = []  # the last lines of the loops around
    for node in statements(owner):
        line = getattr(node, "lineno", None)
        if isinstance(node, ast.stmt):
            loops = [end for end in loops if line is not None and line <= end]
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for one, value in _pairs(target, node.value):
                    put(one, "set", value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            put(node.target, "set", node.value)
        elif isinstance(node, ast.AugAssign):
            put(node.target, "update" if isinstance(node.op, ast.BitOr) else "extend", node.value)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            loops.append(node.end_lineno or 0)
            put_loop(put, node.target, node.iter)
        elif isinstance(node, ast.While):
            loops.append(node.end_lineno or 0)
        elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            put(node.optional_vars, "set", node.context_expr)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            _of_method(put, node, node.func, bool(loops))
    return found


def put_loop(put: Any, target: ast.expr, iterated: ast.expr) -> None:
    """The variables of a loop: each is an item of what is gone through, or a part of each item."""
    item = item_expression(iterated, ANY)
    if isinstance(target, ast.Name):
        put(target, "set", item)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for place, one in enumerate(target.elts):
            if isinstance(one, ast.Name):
                put(one, "set", item_expression(item, place))


def _of_method(put: Any, node: ast.Call, func: ast.Attribute, repeated: bool) -> None:
    target, args = func.value, node.args
    if func.attr == "update" or func.attr.startswith("set_"):
        for one in args:
            put(target, "update", one)
        if node.keywords:
            put(target, "update", keywords(node))
    elif func.attr == "setdefault" and len(args) == 2:
        put(ast.copy_location(ast.Subscript(target, args[0], ast.Load()), target), "set", args[1])
    elif func.attr == "append" and args:
        put(target, "append", args[0], repeated)
    elif func.attr == "insert" and len(args) == 2:
        put(target, "append", args[1], True)
    elif func.attr == "extend" and args:
        put(target, "extend", args[0])
    elif func.attr == "__setitem__" and len(args) == 2:
        put(ast.copy_location(ast.Subscript(target, args[0], ast.Load()), target), "set", args[1])


def keywords(node: ast.Call, leave: frozenset[str] = frozenset()) -> ast.Dict:
    """The keyword arguments of a call as a mapping."""
    given = [one for one in node.keywords if one.arg not in leave]
    keys: list[ast.expr | None] = [
        None if one.arg is None else ast.copy_location(ast.Constant(one.arg), one.value) for one in given
    ]
    return ast.copy_location(ast.Dict(keys, [one.value for one in given]), node)


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    if isinstance(target, (ast.Tuple, ast.List)):
        if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
            return list(zip(target.elts, value.elts, strict=True))
        return []
    return [(target, value)]


# --- functions and classes -----------------------------------------------------------------------------


def scope_of(function: Any, me: Instance | None = None, above: type | None = None) -> Callee | None:
    """The user's function as it stands in its file; None for what has no source that can be read."""
    function = unwrapped(function)
    if not isinstance(function, FunctionType) or not is_users(function.__code__.co_filename):
        return None
    code = function.__code__
    source = read_source(code.co_filename)
    node = source.function(code.co_firstlineno, code.co_name) if source else None
    if source is None or node is None:
        return None
    first = positional(node.args)
    mine = me is not None and bool(first)
    scope = Scope(
        source,
        node,
        function.__globals__,
        me=me if mine else None,
        my_name=first[0] if mine else "",
        above=above,
        outer=_around(source, node, function.__globals__),
    )
    return Callee(node, scope)


def _around(source: Source, node: Owner, names: Mapping[str, Any]) -> Scope:
    """The scopes around a function: functions that it stands in, and the module. Classes are passed over."""
    owner = source.around.get(node, source.tree)
    while isinstance(owner, ast.ClassDef):
        owner = source.around.get(owner, source.tree)
    if isinstance(owner, ast.Module):
        return Scope(source, source.tree, names)
    return Scope(source, owner, names, outer=_around(source, owner, names))


def is_users(file: str) -> bool:
    """True for the user's own code: no installed package, and nothing of Python's."""
    return not (
        "site-packages" in file
        or "dist-packages" in file
        or file.startswith(("<frozen", "<string", "<attrs", sys.base_prefix + "/lib/python"))
    )


def class_scope(kind: type) -> Scope | None:
    """The body of a class as a scope, None where it has no source that can be read."""
    around = module_scope(sys.modules.get(kind.__module__))
    node = around.source.class_(kind) if around is not None else None
    if around is None or node is None:
        return None
    return Scope(around.source, node, around.names, outer=_around(around.source, node, around.names))


def module_scope(module: ModuleType | None) -> Scope | None:
    """A module's own statements as a scope, None where it has no source that can be read."""
    file = getattr(module, "__file__", None)
    source = read_source(file) if isinstance(file, str) and is_users(file) else None
    return Scope(source, source.tree, vars(module)) if source is not None else None


def found_in_class(kind: type, name: str, behind: type | None = None) -> tuple[type, Any] | None:
    """(class, what it has under that name): the first of the classes of ``kind`` that has it itself."""
    line = kind.__mro__
    if behind is not None and behind in line:
        line = line[line.index(behind) + 1 :]
    for one in line:
        if one is not object and name in vars(one):
            return one, vars(one)[name]
    return None


def method(me: Instance, name: str, behind: type | None = None) -> Callee | None:
    """A method of an object of the user's; ``behind``: as ``super()`` in that class finds it."""
    found = found_in_class(me.kind, name, behind)
    if found is None:
        return None
    static = isinstance(found[1], staticmethod)
    return scope_of(found[1], None if static else me, found[0])


def named(node: ast.expr, scope: Scope) -> Any:
    """The function, class or module that a name (with dots) stands for; None for anything else."""
    if isinstance(node, ast.Name):
        if any(
            node.id in here.bound or node.id in here.table for here in scope.outwards() if not here.of_module
        ):
            return None  # a variable
        value = scope.names.get(node.id)
        return value if isinstance(value, (FunctionType, type, ModuleType)) else _wrapped(value)
    if isinstance(node, ast.Attribute):
        base = named(node.value, scope)
        if isinstance(base, ModuleType):
            value = vars(base).get(node.attr)
            return value if isinstance(value, (FunctionType, type, ModuleType)) else _wrapped(value)
        if isinstance(base, type):
            found = found_in_class(base, node.attr)
            return found[1] if found else None
    return None


def _wrapped(value: Any) -> Any:
    """A function behind a cache or another wrapper of functools."""
    inner = getattr(value, "__wrapped__", None)
    return inner if isinstance(inner, FunctionType) else None


def local_function(name: str, scope: Scope) -> Callee | None:
    """A function that is defined inside the function being read, or one around it."""
    for here in scope.outwards():
        node = None if here.of_module else inner_functions(here.owner).get(name)
        if node is not None:
            return Callee(node, Scope(here.source, node, here.names, outer=here))
    return None


def bind(callee: Callee, call: Call | None, *, skip_first: bool) -> Scope:
    """The scope of a function that is called: its parameters are the call's arguments, or their defaults."""
    arguments = callee.node.args
    places = positional(arguments)[1 if skip_first else 0 :]
    bound: dict[str, Bound] = {}
    own = callee.scope
    for name, default in zip(reversed(places), reversed(arguments.defaults), strict=False):
        bound[name] = Bound(default, own.outer or own)
    for one, given in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if given is not None:
            bound[one.arg] = Bound(given, own.outer or own)
    if call is not None:
        _bind_call(bound, places, arguments, call)
    return replace(own, bound=bound)


def _bind_call(bound: dict[str, Bound], places: list[str], arguments: ast.arguments, call: Call) -> None:
    node, scope = call.node, call.scope
    for name, value in zip(places, node.args, strict=False):
        if isinstance(value, ast.Starred):
            break
        bound[name] = Bound(value, scope)
    for keyword in node.keywords:
        if keyword.arg is not None:
            bound[keyword.arg] = Bound(keyword.value, scope)
            continue
        taken = {*places[: len(node.args)], *(one.arg for one in node.keywords)}
        for name in (*places, *(one.arg for one in arguments.kwonlyargs)):
            if name not in taken:
                part = ast.Subscript(keyword.value, ast.Constant(name), ast.Load())
                bound[name] = Bound(ast.copy_location(part, keyword.value), scope)
    if arguments.kwarg is not None:
        known = frozenset((*places, *(one.arg for one in arguments.kwonlyargs)))
        bound[arguments.kwarg.arg] = Bound(keywords(node, known), scope)

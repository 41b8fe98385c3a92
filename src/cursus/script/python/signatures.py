"""Calls of a script's own functions and classes with arguments that they do not take.

Each finding is a ``Habit``: ``bad-call`` (``detail`` says what is wrong, ``source`` is the function's file), and
``exchanged`` for two arguments that are called as each other's parameters.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, CallSite, FunctionNode, place
from cursus.script.syntax.nodes import FUNCTIONS, bare_name, last_name, word

BUILTINS: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        (
            "abs",
            "all",
            "any",
            "bool",
            "chr",
            "divmod",
            "float",
            "hash",
            "id",
            "isinstance",
            "iter",
            "len",
            "list",
        ),
        frozenset(),
    ),
    **dict.fromkeys(("next", "ord", "range", "repr", "reversed", "set", "tuple"), frozenset[str]()),
    **dict.fromkeys(("max", "min"), frozenset({"key", "default"})),
    **dict.fromkeys(("map", "zip"), frozenset({"strict"})),
    "enumerate": frozenset({"iterable", "start"}),
    "int": frozenset({"base"}),
    "open": frozenset(
        {"file", "mode", "buffering", "encoding", "errors", "newline", "closefd", "opener"},
    ),
    "print": frozenset({"sep", "end", "file", "flush"}),
    "round": frozenset({"number", "ndigits"}),
    "sorted": frozenset({"key", "reverse"}),
    "str": frozenset({"object", "encoding", "errors"}),
    "sum": frozenset({"start"}),
}
"""The arguments that functions of Python's take by name, in any of its versions."""
SUBMITS = frozenset({"submit", "apply_async", "apply", "spawn"})
"""What is given a function to start, and then what that is given."""


def read_calls(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """The calls that fail for what they give, or leave out."""
    for site, sure in calls:
        told = _exchanged(evaluator, site)
        if told:
            yield Habit("exchanged", None, told, False, place(site.node, site.body))
        told = _of_python(evaluator, site)
        if told:
            where = place(site.node, site.body)
            yield Habit("bad-call", None, told, sure and site.sure, where, source="Python")
        found = _function(evaluator, site)
        problem = _problem(site.node, *found) if found is not None else ""
        if problem and found is not None:
            told = f"{_name(site.node)}() {problem}"
            yield Habit(
                "bad-call", None, told, sure and site.sure, place(site.node, site.body), source=found[2].file
            )


def _of_python(evaluator: Evaluator, site: CallSite) -> str:
    """What is wrong with ``float(x, dtype="float32")``."""
    name = bare_name(site.node.func)
    words = {one.arg for one in site.node.keywords if one.arg is not None} if name in BUILTINS else set()
    if not words or words <= BUILTINS[name] or evaluator.called(site.node, site.body) != name:
        return ""
    other = min(words - BUILTINS[name])
    return "" if site.body.top.once(_from_anywhere) else f"{name}() has no parameter {other!r}"


def _from_anywhere(module: Body) -> bool:
    """True where names may come by ``from numpy import *``."""
    return any(
        alias.name == "*"
        for node in module.all_nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )


def _exchanged(evaluator: Evaluator, site: CallSite) -> str:
    """What is wrong with ``f(rate, epochs)``, or ``Process(target=f, args=(rate, epochs))``, of ``f(epochs, rate)``."""
    call, first = site.node, 0
    func, given = call.func, list(call.args)
    started = word(call, "target", "fn", "func")
    handed = word(call, "args")
    if last_name(call.func) in SUBMITS and given:
        func, given = given[0], given[1:]
        first = int(last_name(call.func) == "spawn")
    elif started is not None:
        func, given = started, []
    if func is not call.func and isinstance(handed, (ast.Tuple, ast.List)):
        given = handed.elts
    handed_on = isinstance(site.body.owner, ast.Lambda)  # under names of its own
    value = evaluator.value(func, site.body) if len(given) > 1 and not handed_on else v.UNKNOWN
    owner = value.body.owner if isinstance(value, v.Func) else None
    if not isinstance(value, v.Func) or not isinstance(owner, FUNCTIONS) or owner is site.body.owner:
        return ""
    wanted = [one.arg for one in (*owner.args.posonlyargs, *owner.args.args)][first + value.bound :]
    names = [last_name(one) if isinstance(one, (ast.Name, ast.Attribute)) else "" for one in given]
    for i, (name, parameter) in enumerate(zip(names, wanted, strict=False)):
        other = names.index(parameter) if parameter in names else -1
        if len(name) > 2 and other > i and other < len(wanted) and wanted[other] == name != parameter:
            return f"{owner.name}({', '.join(wanted)}) is given {name} for {parameter}, and {parameter} for {name}"
    return ""


def _function(evaluator: Evaluator, site: CallSite) -> tuple[FunctionNode, bool, Body] | None:
    """(function, whether its first parameter is given already, its body) of a call of the script's own code."""
    func = site.node.func
    if isinstance(func, ast.Attribute) and bare_name(func.value) in ("self", "cls"):
        return None  # which class it is of, nobody knows here
    callee = evaluator.evaluate(func, site.body, site.order)
    value = callee.only
    bound = isinstance(value, v.Func) and value.bound
    body = value.body if isinstance(value, v.Func) else None
    if isinstance(value, v.Klass) and not _made_otherwise(value.body):
        body = next((one for one in value.body.defined.values() if one.name == "__init__"), None)
        bound = True
    owner = body.owner if body is not None else None
    if body is None or not isinstance(owner, (ast.FunctionDef, ast.AsyncFunctionDef)) or owner.decorator_list:
        return None
    method = (
        isinstance(value, v.Func) and body.parent is not None and isinstance(body.parent.owner, ast.ClassDef)
    )
    if method and (not bound or (body.parent is not None and _made_otherwise(body.parent))):
        return None
    return owner, bound, body


def _made_otherwise(body: Body) -> bool:
    """True for a class whose calls a decorator or a metaclass may change, or that makes its instances itself."""
    owner = body.owner
    return isinstance(owner, ast.ClassDef) and (
        bool(owner.decorator_list or owner.keywords)
        or any(inner.name in ("__new__", "__getattribute__") for inner in body.defined.values())
    )


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func)[:60]


def _problem(call: ast.Call, owner: FunctionNode, bound: bool, _: Body) -> str:
    """What the function does not take, or misses; empty where the call fits, or cannot be judged."""
    if any(isinstance(given, ast.Starred) for given in call.args):
        return ""
    if any(given.arg is None for given in call.keywords):
        return ""
    arguments = owner.args
    positional = [one.arg for one in (*arguments.posonlyargs, *arguments.args)][1 if bound else 0 :]
    only = {one.arg for one in arguments.posonlyargs}
    words = {given.arg for given in call.keywords if given.arg is not None}
    known = {*positional, *(one.arg for one in arguments.kwonlyargs)} - only
    if arguments.kwarg is None and words - known:
        return f"has no parameter {min(words - known)!r}"
    if arguments.vararg is None and len(call.args) > len(positional):
        return f"takes {len(positional)} arguments by position, and gets {len(call.args)}"
    twice = words & set(positional[: len(call.args)])
    if twice:
        return f"gets {min(twice)!r} by position and by name"
    needed = positional[: max(0, len(positional) - len(arguments.defaults))]
    needed += [
        one.arg
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    missing = [name for name in needed if name not in words and name not in positional[: len(call.args)]]
    return f"misses {', '.join(repr(name) for name in missing)}" if missing else ""

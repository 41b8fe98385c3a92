"""What a node of a script says by itself, before anything is followed: names as they are written, words, constants."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import TypeGuard

Owner = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
UNREADABLE = ast.Starred(ast.Name("?", ast.Load()), ast.Load())
"""Stands for an argument that a call passes by ``*`` or ``**``."""
EXITS = frozenset({"exit", "_exit", "quit", "abort"})
TELLS = frozenset(
    {"print", "info", "warning", "warn", "error", "critical", "exception", "log", "debug", "print_exc"}
)
"""What only tells of something."""
LISTINGS = frozenset({"listdir", "glob", "iglob", "rglob", "iterdir", "scandir"})
"""The last names of what lists a folder, in no order."""


def last_name(node: ast.AST | None) -> str:
    """``fit`` of ``model.fit`` and of ``fit``; empty for what has no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def bare_name(node: ast.AST | None) -> str:
    """``fit`` of ``fit`` alone; empty for anything else."""
    return node.id if isinstance(node, ast.Name) else ""


def is_call(node: ast.AST | None, *names: str) -> TypeGuard[ast.Call]:
    """True for a call of one of these functions by its bare name: ``range(…)``."""
    return isinstance(node, ast.Call) and bare_name(node.func) in names


def receiver(node: ast.AST | None, methods: Collection[str]) -> ast.expr | None:
    """``model`` of ``model.fit(…)``, where ``fit`` is one of ``methods``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
        return node.func.value
    return None


def word(call: ast.Call, *names: str) -> ast.expr | None:
    """What a call gives by one of these names; None where it gives nothing by it."""
    for given in call.keywords:
        if given.arg in names:
            return given.value
    return None


def method_kind(owner: ast.AST) -> str:
    """``staticmethod``, ``classmethod`` or ``property`` for a function that is decorated so; empty for any other."""
    names = [last_name(one).replace("cached_", "") for one in getattr(owner, "decorator_list", ())]
    return next((one for one in names if one in ("staticmethod", "classmethod", "property")), "")


def may_exist(call: ast.Call) -> bool:
    """True where a call that makes a folder may say that one is there already."""
    given = word(call, "exist_ok") or (call.args[2] if len(call.args) > 2 else None)
    return given is not None and not (isinstance(given, ast.Constant) and given.value is False)


def everything_given(call: ast.Call) -> list[ast.expr]:
    """What a call gives, by position and by name."""
    return [*call.args, *(given.value for given in call.keywords)]


def string(node: ast.AST | None) -> str | None:
    """The text of a string constant."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def looked_up(node: ast.AST, methods: Collection[str] = ("get",)) -> tuple[ast.expr, ast.expr] | None:
    """The mapping and the key of ``mapping[key]`` and ``mapping.get(key)``."""
    if isinstance(node, ast.Subscript):
        return node.value, node.slice
    base = receiver(node, methods)
    return (base, node.args[0]) if base is not None and isinstance(node, ast.Call) and node.args else None


def sets_constant(owner: Owner, node: ast.Assign) -> bool:
    """True for a statement of ``owner`` itself, on no condition, that sets something to a constant."""
    return isinstance(node.value, ast.Constant) and node in _own_statements(owner)


@lru_cache(maxsize=4)
def _own_statements(owner: Owner) -> frozenset[ast.stmt]:
    return frozenset() if isinstance(owner, ast.Lambda) else frozenset(owner.body)


def ends_with_zero(call: ast.Call) -> bool:
    """True for ``exit()``, ``exit(0)`` and ``exit(None)``."""
    first = call.args[0] if call.args else None
    return first is None or (isinstance(first, ast.Constant) and first.value in (0, None))


def mentions(node: ast.AST | None, name: str) -> bool:
    """True where a name stands anywhere in ``node``."""
    return node is not None and any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))


def assigned(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The pairs of target and value: ``best, epoch = loss, i`` are two."""
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from zip(target.elts, node.value.elts, strict=False)
        else:
            yield target, node.value


def own(owner: Owner) -> Iterator[ast.AST]:
    """The nodes of a module or a function in their order, those of functions and classes inside it left out."""
    queue: list[ast.AST] = [owner.body] if isinstance(owner, ast.Lambda) else list(reversed(owner.body))
    while queue:
        node = queue.pop()
        yield node
        if not isinstance(node, (*DEFINITIONS, ast.Lambda)):
            queue.extend(reversed(list(ast.iter_child_nodes(node))))


def caught(handler: ast.ExceptHandler) -> set[str]:
    """The errors that a handler is for, by their last names: ``BaseException`` where it names none."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {"BaseException" if kind is None else last_name(kind) for kind in kinds}


def first_or_last(index: ast.expr) -> bool:
    """True for the index of the first or the last element: ``[0]``, ``[1]``, ``[-1]``."""
    if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub):
        index = index.operand
    return isinstance(index, ast.Constant) and index.value in (0, 1) and not isinstance(index.value, bool)


def dataclass_fields(owner: ast.AST) -> dict[str, ast.expr | None]:
    """The fields of a plain dataclass with their defaults; none for any other class."""
    if not isinstance(owner, ast.ClassDef) or owner.bases:
        return {}
    made = [last_name(one.func if isinstance(one, ast.Call) else one) for one in owner.decorator_list]
    if made != ["dataclass"]:
        return {}
    found: dict[str, ast.expr | None] = {}
    for node in owner.body:
        if isinstance(node, ast.FunctionDef) and node.name in ("__init__", "__post_init__"):
            return {}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = field_default(node.value)
    return found


def field_default(node: ast.expr | None) -> ast.expr | None:
    """The default of a dataclass's field: what stands there, or in ``field(default=…)`` or its ``default_factory``."""
    if not isinstance(node, ast.Call) or not last_name(node.func).endswith("field"):
        return node
    made = word(node, "default_factory")
    return made.body if isinstance(made, ast.Lambda) else word(node, "default")


def takes_one_file(test: ast.expr) -> bool:
    """True for ``len(sys.argv) == 2 and sys.argv[1].endswith(".json")``: SageMaker gives options, two words each."""
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else []
    written = [ast.unparse(part) for part in parts]
    return "len(sys.argv) == 2" in written and any(
        one.startswith(("sys.argv[1].endswith(", "sys.argv[-1].endswith(")) for one in written
    )


def given_for(call: ast.Call, name: str, names: list[str], bound: bool) -> ast.expr | None:
    """The expression that a call passes for the parameter ``name``."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if name not in names:
        return None
    position = names.index(name) - (1 if bound else 0)
    if any(isinstance(given, ast.Starred) for given in call.args):
        return UNREADABLE
    if 0 <= position < len(call.args):
        return call.args[position]
    if any(keyword.arg is None for keyword in call.keywords):
        return UNREADABLE
    return None


def parameter_default(
    owner: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, name: str
) -> ast.expr | None:
    """The default of a parameter; None where it has none."""
    positional = [*owner.args.posonlyargs, *owner.args.args]
    defaults = owner.args.defaults
    for argument, default in zip(positional[len(positional) - len(defaults) :], defaults, strict=True):
        if argument.arg == name:
            return default
    for argument, given in zip(owner.args.kwonlyargs, owner.args.kw_defaults, strict=True):
        if argument.arg == name:
            return given
    return None


def ends_early(loop: ast.For | ast.AsyncFor) -> bool:
    """True for a loop that may leave rounds out."""
    return any(isinstance(node, (ast.Break, ast.Return)) for node in ast.walk(loop))


def is_main_guard(test: ast.expr) -> bool:
    """True for ``__name__ == "__main__"``."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return False
    sides = [test.left, test.comparators[0]]
    names = [side.id for side in sides if isinstance(side, ast.Name)]
    texts = [side.value for side in sides if isinstance(side, ast.Constant)]
    return names == ["__name__"] and texts == ["__main__"]


def gives_up(handler: ast.ExceptHandler) -> bool:
    """True for a handler that raises at its end, or ends the script with a status that is not 0."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise):
        return True
    call = last.value if isinstance(last, ast.Expr) else None
    if not isinstance(call, ast.Call) or last_name(call.func) not in EXITS:
        return False
    told = call.args[0] if call.args else None
    return last_name(call.func) == "abort" or (
        isinstance(told, (ast.Constant, ast.JoinedStr)) and not ends_with_zero(call)
    )


def leaves(statement: ast.stmt) -> bool:
    """True for a statement behind which its block does not go on."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call):
        return last_name(call.func) in EXITS
    return isinstance(statement, (ast.Return, ast.Raise, ast.Continue, ast.Break))


def may_hold_out(fit: ast.Call) -> bool:
    """True for a call of Keras's ``fit`` that may be given data to validate with."""
    given = {one.arg for one in fit.keywords}
    return bool(given & {"validation_data", "validation_split", None}) or len(fit.args) > 6

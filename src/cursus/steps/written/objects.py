"""Attributes of an object of the user's: what ``__init__``, another method or the class puts there."""

from __future__ import annotations

from dataclasses import replace
from types import FunctionType

from cursus.model import Path
from cursus.steps.written.scopes import Callee, Instance, bind, class_scope, found_in_class, scope_of
from cursus.steps.written.syntax import by_name
from cursus.steps.written.trace import Found, Trace


def of_attribute(trace: Trace, path: Path, me: Instance) -> Found | None:
    """An attribute of an object: what its ``__init__``, one other method or its class puts there."""
    name = str(path[0])
    for maker in ("__init__", "__post_init__"):
        for kind in me.kind.__mro__:
            if maker in vars(kind):
                found = _of_maker(trace, kind, maker, me, path)
                if found is not None and found.left < len(path):
                    return found
    if name == "config" and me.config:
        found = trace.of_config(path[1:])
        if found is not None:
            return found
    prepared = _of_other_methods(trace, me, path)
    return prepared or of_class(trace, me.kind, name, path[1:], me)


def _of_maker(trace: Trace, kind: type, maker: str, me: Instance, path: Path) -> Found | None:
    callee = scope_of(vars(kind)[maker], me, kind)
    if callee is None:
        return None
    inner = bind(callee, me.arguments, skip_first=True)
    if me.config:
        inner = replace(inner, config=_config_parameters(callee))
    return trace.variable(inner, inner.my_name, path, alone=True)


def _of_other_methods(trace: Trace, me: Instance, path: Path) -> Found | None:
    """The attribute as another method writes it, where only one does."""
    found: list[Found | None] = []
    for kind in me.kind.__mro__[:-1]:
        for name, function in list(vars(kind).items()):
            if name in ("__init__", "__post_init__") or not isinstance(function, FunctionType):
                continue
            if path[0] not in function.__code__.co_names:
                continue
            callee = scope_of(function, me, kind)
            if callee is not None:
                found.append(trace.variable(callee.scope, callee.scope.my_name, path, alone=True))
    return trace.best(found, alone=True)


def of_class(trace: Trace, kind: type, name: str, path: Path, me: Instance | None = None) -> Found | None:
    """An attribute of a class: a property's value, or what the class's body puts there."""
    found = found_in_class(kind, name)
    if found is None:  # a field of a dataclass or a pydantic model, which takes its default out of the class
        scopes = (class_scope(one) for one in kind.__mro__[:-1] if hasattr(one, "__annotations__"))
        own = (trace.variable(scope, name, path, alone=True) for scope in scopes if scope)
        return next((one for one in own if one is not None), None)
    owner, value = found
    if isinstance(value, property) or type(value).__name__ == "cached_property":
        callee = scope_of(value, me or Instance(kind), owner)
        return trace.returned(callee, None, path) if callee else None
    if isinstance(value, (FunctionType, staticmethod, classmethod)):
        return None
    scope = class_scope(owner)
    return trace.variable(scope, name, path, alone=True) if scope else None


def _config_parameters(callee: Callee) -> frozenset[str]:
    """The parameters of ``__init__`` that get the configuration: as ``created`` gives it."""
    names = by_name(callee.node.args)[1:]
    return frozenset({"config"} if "config" in names else names[:1])

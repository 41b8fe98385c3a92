"""Where the search for a value begins: a builder's hook, or a name of a module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from cursus.model import Path
from cursus.steps.written.scopes import (
    Callee,
    Instance,
    Scope,
    found_in_class,
    method,
    module_scope,
    scope_of,
)
from cursus.steps.written.syntax import statements
from cursus.steps.written.trace import Found, Trace


@dataclass(frozen=True, slots=True)
class Root:
    """One of: a function of the user's; an attribute of a builder; an object of a module."""

    of: Callee | Instance | Scope
    name: str = ""
    """Of the attribute or the object."""
    made: bool = False
    """The attribute is one that ``__init__`` sets."""

    def follow(self, trace: Trace, path: Path, whole: Any) -> Found | None:
        """The place of the value at ``path``; ``whole`` is all that the hook gave."""
        if isinstance(self.of, Callee):
            return trace.returned(self.of, None, path, whole)
        if isinstance(self.of, Scope):
            return trace.of_name(self.name, path, self.of)
        if self.made:
            return trace.of_attribute((self.name, *path), self.of)
        return trace.of_class(self.of.kind, self.name, path, self.of)

    def nodes(self) -> Iterator[tuple[ast.AST, Scope]]:
        """Everything in the hook's own body."""
        if isinstance(self.of, Callee):
            owner = self.of.node
            for node in ast.walk(owner.body) if isinstance(owner, ast.Lambda) else statements(owner):
                yield node, self.of.scope


def root(builder: Any, hook: str) -> Root | None:
    """The root of a builder's hook, None where it has no source."""
    start: Callee | Scope | None
    kind = builder if isinstance(builder, type) else type(builder)
    own = vars(builder).get(hook) if builder is not kind and hasattr(builder, "__dict__") else None
    if isinstance(builder, ModuleType):
        start = module_scope(builder)
    elif isinstance(builder, FunctionType):
        start = scope_of(builder)
    elif hook == "config" and hook not in vars(kind):  # the configuration that a builder made for itself
        return Root(Instance(kind), hook, made=True)
    elif own is not None:
        start = scope_of(own)
    else:
        me = Instance(kind, config=True)
        found = found_in_class(kind, hook)
        if found is None:
            return None
        if isinstance(found[1], property) or not callable(getattr(found[1], "__func__", found[1])):
            return Root(me, hook)
        start = method(me, hook)
    return Root(start, hook) if start is not None else None

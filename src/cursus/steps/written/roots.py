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
    """A hook (a function of the user's, or an attribute of the class), or an object of a module by its name."""

    callee: Callee | None = None
    me: Instance | None = None
    attribute: str = ""
    made: bool = False
    """The attribute is one that ``__init__`` sets."""
    module: Scope | None = None

    def follow(self, trace: Trace, path: Path, whole: Any) -> Found | None:
        """The place of the value at ``path``; ``whole`` is all that the hook gave."""
        if self.callee is not None:
            return trace.returned(self.callee, None, path, whole)
        if self.module is not None:
            return trace.of_name(self.attribute, path, self.module)
        if self.made and self.me is not None:
            return trace.of_attribute((self.attribute, *path), self.me)
        return trace.of_class(self.me.kind, self.attribute, path, self.me) if self.me else None

    def nodes(self) -> Iterator[tuple[ast.AST, Scope]]:
        """Everything in the hook's own body."""
        if self.callee is None:
            return
        owner = self.callee.node
        for node in ast.walk(owner.body) if isinstance(owner, ast.Lambda) else statements(owner):
            yield node, self.callee.scope


def root(builder: Any, hook: str) -> Root | None:
    """The root of a builder's hook, None where it has no source."""
    if isinstance(builder, ModuleType):
        scope = module_scope(builder)
        return Root(attribute=hook, module=scope) if scope else None
    if isinstance(builder, FunctionType):
        callee = scope_of(builder)
        return Root(callee) if callee else None
    if hook == "config" and hook not in vars(builder if isinstance(builder, type) else type(builder)):
        # The configuration that a builder made for itself.
        return Root(
            me=Instance(builder if isinstance(builder, type) else type(builder)), attribute=hook, made=True
        )
    own = None if isinstance(builder, type) else getattr(builder, "__dict__", {}).get(hook)
    if own is not None:
        callee = scope_of(own)
        return Root(callee) if callee else None
    me = Instance(builder if isinstance(builder, type) else type(builder), config=True)
    found = found_in_class(me.kind, hook)
    if found is None:
        return None
    if isinstance(found[1], property) or not callable(getattr(found[1], "__func__", found[1])):
        return Root(me=me, attribute=hook)
    callee = method(me, hook)
    return Root(callee, me) if callee else None

"""From an expression to the place where a part of its value is written.

Nothing is run and nothing is worked out: a path (``("ResourceConfig", "InstanceType")``) is followed through
literals, names, calls of the user's functions and arguments. The value that it has is known, and tells which of
several places it can be.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cursus.model import Location, Origin, Path
from cursus.steps.written.expressions import (
    ANY,
    ITERATION,
    Item,
    element,
    entry,
    fits,
    item_expression,
    same_text,
    static_length,
)
from cursus.steps.written.names import consumed
from cursus.steps.written.scopes import (
    Bound,
    Call,
    Callee,
    Instance,
    Scope,
    Write,
    bind,
    named,
    subscript,
)
from cursus.steps.written.syntax import by_name, results

MOST_STEPS = 5_000
"""Expressions looked at for one place: enough for any builder, and an end for a file that was made to have none."""
DEEPEST = 60
MOST_WRITES = 50
"""Writes to one key that are looked at, the last first."""
UNKNOWN: Any = object()
"""Stands for a value of which nothing is known."""

_HOPS = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)


@dataclass(frozen=True, slots=True)
class Found:
    """A place: ``left`` parts of the path were not followed to it; ``sure``: a constant that is the value."""

    left: int
    location: Location
    sure: bool = False
    wild: bool = False
    """Under a key that is worked out, so that it may be another's."""


class Trace:
    """The search for one place.

    ``put_in`` is True for a pipeline's parameter: its place is where it is put in, not where it is declared.
    """

    def __init__(self, value: Any, config: Mapping[Path, Origin], *, put_in: bool = False) -> None:
        self.value = value
        self.config = config
        self.put_in = put_in
        self.steps = 0
        self.depth = 0
        self.active: set[tuple[int, Path]] = set()

    def at(self, node: ast.expr, path: Path, scope: Scope) -> Found | None:
        """Where the part of ``node`` at ``path`` is written: ``node`` itself where nothing more is known.

        None where it cannot be there: another constant stands at the end.
        """
        if not path and self.put_in and isinstance(node, ast.Name) and self.value is UNKNOWN:
            return self._here(node, path, scope)
        mark = (id(node), path)
        self.steps += 1
        if self.steps > MOST_STEPS or self.depth > DEEPEST or mark in self.active:
            return None
        self.active.add(mark)
        self.depth += 1
        try:
            handler = getattr(self, "_on_" + type(node).__name__.lower(), None)
            found: Found | None = handler(node, path, scope) if handler else None
        finally:
            self.depth -= 1
            self.active.discard(mark)
        here = self._here(node, path, scope)
        if found is None or found.left > len(path):
            return here
        if here is not None and isinstance(node, _HOPS) and here.location != found.location:
            around = (here.location, *found.location.through)
            return replace(found, location=replace(found.location, through=around))
        return found

    def at_value(self, value: Any, node: ast.expr, path: Path, scope: Scope) -> Found | None:
        """``at`` for another value than the one looked for, as a part of the same search."""
        own, self.value = self.value, value
        try:
            return self.at(node, path, scope)
        finally:
            self.value = own

    def _here(self, node: ast.expr, path: Path, scope: Scope) -> Found | None:
        sure = False
        if not path and isinstance(node, ast.Constant) and self.value is not UNKNOWN:
            sure = same_text(node.value, self.value)
            if not sure:
                return None
        return Found(len(path), scope.source.location(node), sure)

    # --- literals --------------------------------------------------------------------------------------

    def _on_dict(self, node: ast.Dict, path: Path, scope: Scope) -> Found | None:
        if not path:
            return None
        if path[0] is ANY:
            return self.any_of(
                [*node.values, *(key for key in node.keys if key and len(path) == 1)], path, scope
            )
        known = entry(node, path)
        later = [] if known is None else known.later
        for part in reversed(node.values if known is None else later):
            if known is None and not self._is_spread(node, part):
                continue
            found = self.at(part, path, scope)
            if found is not None and found.left < len(path):
                return found
        if known is not None:
            return self.at(known.value, path[known.consumed :], scope)
        return self.under_names(node, path, scope)

    @staticmethod
    def _is_spread(node: ast.Dict, value: ast.expr) -> bool:
        return any(key is None and one is value for key, one in zip(node.keys, node.values, strict=True))

    def under_names(self, node: ast.Dict, path: Path, scope: Scope) -> Found | None:
        """The value under a key that is no literal: a constant of the file, or worked out."""
        open_ones = [
            (key, one)
            for key, one in zip(node.keys, node.values, strict=True)
            if key is not None and not isinstance(key, ast.Constant)
        ]
        for key, one in open_ones:
            named = self.at_value(path[0], key, (), scope)
            if named is not None and named.sure:
                return self.at(one, path[1:], scope)
        if len(open_ones) == 1 and isinstance(path[0], str):
            found = self.at(open_ones[0][1], path[1:], scope)
            return replace(found, wild=True) if found else None
        return None

    def _on_list(self, node: ast.List | ast.Tuple | ast.Set, path: Path, scope: Scope) -> Found | None:
        if not path:
            return None
        if path[0] is ANY:
            return self.any_of(node.elts, path, scope)
        if not isinstance(path[0], int):
            return None
        found = self.step_named(node, path[0], scope) or element(node, path[0])
        if found is None:
            return None
        one, index = found
        return self.at(one, path[1:] if index is None else (index, *path[1:]), scope)

    _on_tuple = _on_list
    _on_set = _on_list

    def step_named(
        self, node: ast.List | ast.Tuple | ast.Set, item: int, scope: Scope
    ) -> tuple[ast.expr, None] | None:
        """The object among an SDK's steps or parameters that has the item's name; the definition may sort them."""
        value = getattr(item, "value", None)
        if not isinstance(value, Mapping) or not {"Name", "Type"} <= value.keys():
            return None
        for one in node.elts[:MOST_WRITES]:
            found = self.at_value(value["Name"], one, ("Name",), scope)
            if found is not None and found.sure and found.left == 0:
                return one, None
        return None

    def any_of(self, nodes: Iterable[ast.expr], path: Path, scope: Scope) -> Found | None:
        """Some item of a literal: the one that has the value, or the only one."""
        listed = list(nodes)[:MOST_WRITES]
        found = [one for node in listed if (one := self.at(node, path[1:], scope)) is not None]
        exact = [one for one in found if one.sure]
        if len(exact) == 1:
            return exact[0]
        return found[0] if len(listed) == 1 and found else None

    def _on_listcomp(
        self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, path: Path, scope: Scope
    ) -> Found | None:
        if not path or not (isinstance(path[0], int) or path[0] is ANY):
            return None
        first = node.generators[0]
        index = path[0] if len(node.generators) == 1 and not first.ifs and path[0] is not ANY else None
        return self.at(node.elt, path[1:], self.looped(node.generators, scope, index))

    _on_generatorexp = _on_listcomp
    _on_setcomp = _on_listcomp

    def _on_dictcomp(self, node: ast.DictComp, path: Path, scope: Scope) -> Found | None:
        if not path:
            return None
        inner = self.looped(node.generators, scope, None)
        first = node.generators[0]
        target, iterated = first.target, first.iter
        if (
            isinstance(iterated, ast.Call)
            and isinstance(iterated.func, ast.Attribute)
            and iterated.func.attr == "items"
            and isinstance(target, ast.Tuple)
            and len(target.elts) == 2
            and isinstance(target.elts[1], ast.Name)
            and path[0] is not ANY
        ):
            part = item_expression(iterated.func.value, path[0])
            found = self.at(part, (), scope) if len(path) == 1 else None
            bound = {**inner.bound, target.elts[1].id: Bound(part, scope)}
            inner = replace(inner, bound=bound)
            value = self.at(node.value, path[1:], inner)
            # Without the key there, it is not this comprehension that gives it.
            return value if value is not None else found
        return self.at(node.value, path[1:], inner)

    def looped(self, loops: list[ast.comprehension], scope: Scope, index: Any) -> Scope:
        """The scope inside a comprehension: its variables are items of what it goes through."""
        bound = dict(scope.bound)
        for loop in loops:
            place = ANY if index is None else index
            whole = item_expression(loop.iter, place)
            here = replace(scope, bound=dict(bound))
            if isinstance(loop.target, ast.Name):
                bound[loop.target.id] = Bound(whole, here)
            elif isinstance(loop.target, (ast.Tuple, ast.List)):
                for number, one in enumerate(loop.target.elts):
                    if isinstance(one, ast.Name):
                        bound[one.id] = Bound(item_expression(whole, number), here)
        return replace(scope, bound=bound)

    # --- choices and operators -------------------------------------------------------------------------

    def _on_ifexp(self, node: ast.IfExp, path: Path, scope: Scope) -> Found | None:
        return self.best(self.at(one, path, scope) for one in (node.body, node.orelse))

    def _on_boolop(self, node: ast.BoolOp, path: Path, scope: Scope) -> Found | None:
        return self.best(self.at(one, path, scope) for one in node.values)

    def _on_binop(self, node: ast.BinOp, path: Path, scope: Scope) -> Found | None:
        if not path:
            return None
        left, right = node.left, node.right
        if isinstance(node.op, ast.BitOr):
            found = self.at(right, path, scope)
            return found if found is not None and found.left < len(path) else self.at(left, path, scope)
        if not isinstance(node.op, ast.Add) or not isinstance(path[0], int):
            return None
        size, behind = static_length(left), static_length(right)
        if size is None and behind is not None and isinstance(path[0], Item):
            size = path[0].size - behind
        if size is None:
            return self.best(self.at(one, path, scope) for one in (left, right))
        if path[0] < size:
            return self.at(left, path, scope)
        return self.at(right, (Item.moved(path[0], path[0] - size), *path[1:]), scope)

    def _on_namedexpr(self, node: ast.NamedExpr, path: Path, scope: Scope) -> Found | None:
        return self.at(node.value, path, scope)

    def _on_await(self, node: ast.Await | ast.Starred, path: Path, scope: Scope) -> Found | None:
        return self.at(node.value, path, scope)

    _on_starred = _on_await

    @staticmethod
    def best(found: Iterable[Found | None], *, alone: bool = False) -> Found | None:
        """The nearest to the value: followed furthest, then one that is sure, then the first.

        With ``alone`` none where two are as good: it would be a guess.
        """
        listed = [one for one in found if one is not None]
        if not listed:
            return None
        ranks = [(one.left, not one.sure, one.wild) for one in listed]
        nearest = min(ranks)
        first = listed[ranks.index(nearest)]
        others = {
            (one.location.file, one.location.line, one.location.column)
            for one, rank in zip(listed, ranks, strict=True)
            if rank == nearest
        }
        return None if alone and len(others) > 1 else first

    # --- names -----------------------------------------------------------------------------------------

    def _on_name(self, node: ast.Name, path: Path, scope: Scope) -> Found | None:
        kind = named(node, scope) if path and isinstance(path[0], str) else None
        if isinstance(kind, type) and isinstance(path[0], str):
            found = self.of_class(kind, path[0], path[1:])
            if found is not None:
                return found
        return self.of_name(node.id, path, scope)

    def of_name(self, name: str, path: Path, scope: Scope) -> Found | None:
        """The place in what a name stands for: in the function, those around it, and the module."""
        for here in scope.outwards():
            if here.me is not None and name == here.my_name:
                return self.of_self(path, here)
            given = self.of_config(path) if name in here.config else None
            if given is not None:
                written = self.variable(here, name, path) if name in here.table else None
                return written if written is not None and written.left <= given.left else given
            if name in here.bound:  # also a variable of a comprehension, which hides others
                bound = here.bound[name]
                written = None if here.of_module else self.variable(here, name, path)
                return self.best((written, self.at(bound.value, path, bound.scope)))
            found = self.variable(here, name, path, alone=here.of_module)
            if found is not None:
                return found
            if name in here.table or _is_parameter(name, here):
                return None
        return None

    def variable(self, scope: Scope, name: str, path: Path, *, alone: bool = False) -> Found | None:
        """The place in what is written to a variable of the scope; the last write comes first."""
        table = scope.table.get(name)
        if not table:
            return None
        keys: list[Any] = [None]
        if path:
            first = path[0]
            keys.append(first)
            if first not in table:
                keys.extend(
                    [one for one in table if isinstance(one, str) and consumed(one, path)][:MOST_WRITES]
                )
        listed = sorted(
            (one for key in dict.fromkeys(keys) for one in table.get(key, ())[-MOST_WRITES:]),
            key=lambda each: -each[0],
        )
        appended = [w for _, w in reversed(listed) if w.kind == "append"]
        candidates: list[Found | None] = []
        for _, write in listed:
            found = self.write(write, path, scope, appended)
            candidates.append(found)
            if found is not None and found.left == 0 and found.sure:
                break
        return self.best(candidates, alone=alone)

    def write(self, write: Write, path: Path, scope: Scope, appended: list[Write]) -> Found | None:
        """The place in one write, None where it puts nothing at ``path``."""
        used, wild = 0, False
        for key in write.keys:
            if used >= len(path):
                return None
            step = 1 if key is None or key == path[used] else 0
            if not step and isinstance(key, str):
                step = consumed(key, path[used:])
            if not step:
                return None
            wild = wild or key is None
            used += step
        rest = path[used:]
        found: Found | None
        if write.kind == "set":
            found = self.at(write.value, rest, scope)
        elif not rest:
            return None
        elif write.kind == "append":
            if not isinstance(rest[0], int) or not fits(write.value, getattr(rest[0], "value", UNKNOWN)):
                return None
            found = self.at(write.value, rest[1:], scope)
            sure_order = not any(one.repeated for one in appended) and rest[0] < len(appended)
            wild = wild or (len(appended) > 1 and not (sure_order and appended[rest[0]] is write))
        else:
            found = self.at(write.value, rest, scope)
            if found is None or found.left >= len(rest):
                return None
        return replace(found, wild=True) if found is not None and wild else found

    def _on_attribute(self, node: ast.Attribute, path: Path, scope: Scope) -> Found | None:
        kind = named(node.value, scope)
        if isinstance(kind, type):
            return self.of_class(kind, node.attr, path)
        return self.at(node.value, (node.attr, *path), scope)

    def _on_subscript(self, node: ast.Subscript, path: Path, scope: Scope) -> Found | None:
        key: Any = getattr(node, ITERATION, None)
        if key is None:
            key = subscript(node)
        return self.at(node.value, (ANY if key is None else key, *path), scope)

    # --- self ------------------------------------------------------------------------------------------

    def of_self(self, path: Path, scope: Scope) -> Found | None:
        """An attribute of the object whose method is read: what that method, ``__init__`` or the class puts there."""
        me = scope.me
        if me is None or not path or not isinstance(path[0], str):
            return None
        own = self.variable(scope, scope.my_name, path)
        if own is not None and own.left < len(path):
            return own
        return self.of_attribute(path, me)

    def of_attribute(self, path: Path, me: Instance) -> Found | None:
        """An attribute of an object: what its ``__init__``, one other method or its class puts there."""
        from cursus.steps.written.objects import of_attribute

        return of_attribute(self, path, me)

    def of_class(self, kind: type, name: str, path: Path, me: Instance | None = None) -> Found | None:
        """An attribute of a class: a property's value, or what the class's body puts there."""
        from cursus.steps.written.objects import of_class

        return of_class(self, kind, name, path, me)

    def of_config(self, path: Path) -> Found | None:
        """The place in the file that the configuration was read from, where there is one."""
        for end in range(len(path), 0, -1):
            origin = self.config.get(path[:end])
            if origin is not None and origin.location is not None:
                return Found(len(path) - end, origin.location)
        return None

    # --- calls -----------------------------------------------------------------------------------------

    def _on_call(self, node: ast.Call, path: Path, scope: Scope) -> Found | None:
        from cursus.steps.written.calls import of_call

        return of_call(self, node, path, scope)

    def returned(self, callee: Callee, call: Call | None, path: Path, whole: Any = UNKNOWN) -> Found | None:
        """The place in what a function of the user's returns or yields; ``whole`` is what it returned."""
        scope = bind(callee, call, skip_first=callee.scope.me is not None)
        if isinstance(callee.node, ast.Lambda):
            return self.at(callee.node.body, path, scope)
        found: list[Found | None] = []
        for node in results(callee.node):
            value = node.value
            assert value is not None
            if not isinstance(node, ast.Yield):
                if fits(value, whole):
                    found.append(self.at(value, path, scope))
            elif path and isinstance(path[0], int) and fits(value, getattr(path[0], "value", UNKNOWN)):
                found.append(self.at(value, path[1:], scope))
        return self.best(reversed(found))


def _is_parameter(name: str, scope: Scope) -> bool:
    arguments = getattr(scope.owner, "args", None)
    if not isinstance(arguments, ast.arguments):
        return False
    gathering = [one.arg for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return name in by_name(arguments) or name in gathering

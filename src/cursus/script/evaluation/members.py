"""What a name, or a member of a class of the source, can have its value from."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from cursus.script.evaluation import values as v
from cursus.script.evaluation.values import NOTHING_KNOWN, Options, Value, one, union
from cursus.script.syntax.bodies import Binding, Body
from cursus.script.syntax.nodes import dataclass_fields, method_kind

if TYPE_CHECKING:
    from cursus.script.evaluation.evaluate import Evaluator


MANY = 64
"""Places where a name may have got its value; past them it is not known."""
LAST = 10**9


def visible(bindings: list[Binding], order: int, loops: tuple[int, ...]) -> list[Binding]:
    """The bindings that a name can have at a place: the last sure one before it, and unsure ones after that.

    ``bindings`` are in their order. A loop gives those further on in it as well, and functions that say ``global``
    theirs at any time. More than ``MANY`` are not looked for.
    """
    last = bisect_left(bindings, LAST, key=lambda one: one.order)
    elsewhere = bindings[last : last + MANY]
    at = bisect_left(bindings, order, hi=last, key=lambda one: one.order)
    while at < last and bindings[at].order == order and bindings[at].kind in ("each", "some"):
        at += 1  # a comprehension's are there at once
    start = at
    while start and at - start <= MANY:
        start -= 1
        if bindings[start].sure:
            break
    found = bindings[start:at]
    for later in bindings[at:last] if loops else ():
        if later.loops[:1] != loops[:1] or len(found) > MANY:
            break
        found.append(later)
    return [*found, *elsewhere] if found or order == LAST else []


def owners(evaluator: Evaluator, klass: Body | None, make: type[v.Klass | v.Instance]) -> Options:
    """What a method is called on: an object of its class, or of those that are made and have it for a base."""
    if klass is None:
        return NOTHING_KNOWN
    made = evaluator.made.get(id(klass), [])
    return union((one(make(each)) for each in made[: v.LIMIT + 1] or [klass]), sure=len(made) < 2)


def all_above(evaluator: Evaluator, body: Body, depth: int = 0) -> list[Body]:
    """The classes of the source that a class has for bases, their own bases too."""
    above = evaluator.classes_above(body) if depth < v.LIMIT else []
    return [*above, *(each for one in above for each in all_above(evaluator, one, depth + 1))]


def member(evaluator: Evaluator, base: v.Instance | v.Klass, name: str, depth: int = 0) -> Options:
    """A member of an object or of a class of the source."""
    own = base.body.bindings.get(name, [])
    if isinstance(base, v.Instance) and name in (fields := dataclass_fields(base.body.owner)):
        default = fields[name]
        return evaluator.given(base.body.owner, name, list(fields), default, base.body)
    methods = list(base.body.defined.values())
    set_in = [(found, method) for method in methods for found in method.attributes.get(name, [])]
    results = [evaluator.binding(binding, method) for binding, method in set_in]
    if not set_in and own:
        found = evaluator.bound(visible(own, LAST, ()), base.body)
        values = [_bound_to(base, value) for value in found.values]
        return union([_property(evaluator, one) for one in values], sure=found.sure)
    sure = len(set_in) == 1 and set_in[0][0].sure and not own
    return union(results, sure=sure) if results else _inherited(evaluator, base, name, depth)


def _property(evaluator: Evaluator, value: Value) -> Options:
    """What a property gives; any other member as it is."""
    if not isinstance(value, v.Func) or method_kind(value.body.owner) != "property":
        return one(value)
    returns = value.body.returns
    return (
        evaluator.evaluate(returns[0][0], value.body, returns[0][1]) if len(returns) == 1 else NOTHING_KNOWN
    )


def _inherited(evaluator: Evaluator, base: v.Instance | v.Klass, name: str, depth: int) -> Options:
    for above in evaluator.classes_above(base.body) if depth < v.LIMIT else ():
        found = member(evaluator, type(base)(above), name, depth + 1)
        if found.values != NOTHING_KNOWN.values:
            return found
    return NOTHING_KNOWN


def _bound_to(base: v.Instance | v.Klass, value: Value) -> Value:
    """A member of a class as it is taken of an object, or of the class itself."""
    if not isinstance(value, v.Func):
        return value
    kind = method_kind(value.body.owner)
    instance = isinstance(base, v.Instance) and kind in ("", "property")
    return v.Func(value.body, kind == "classmethod" or instance)

"""What an expression of a script can be, by following names, calls and simple string building.

Names follow the last assignment before the place of use; parameters follow the calls that are made. What cannot
be followed is ``Unknown``. The work is bounded: past ``BUDGET`` expressions everything is unknown.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from cursus.script.evaluation import calls, library, members, unrolled
from cursus.script.evaluation import values as v
from cursus.script.evaluation.members import LAST, MANY, visible
from cursus.script.evaluation.values import (
    NOTHING_KNOWN,
    NUMBER,
    UNKNOWN,
    Options,
    Value,
    combine,
    one,
    union,
)
from cursus.script.facts import ArgPart, Const, EnvPart, Hole, Part, Text
from cursus.script.syntax.bodies import Binding, Body, CallSite
from cursus.script.syntax.nodes import UNREADABLE, given_for, method_kind, parameter_default

BUDGET = 50_000
DEPTH = 40
ITEMS = frozenset({"item", "each", "some"})

CallSites = dict[int, list[tuple[CallSite, bool, bool]]]


class Evaluator:
    """Evaluates expressions of one source.

    ``resolve_import`` gives what an import statement binds; ``settings`` are the texts of the small files of the
    directory ``root``, by name.
    """

    def __init__(self, resolve_import: Callable[[ast.AST, str, Body], Value], root: str = "") -> None:
        self.resolve_import = resolve_import
        self.root = root
        self.settings: Mapping[str, str] = {}
        self.sites: CallSites = {}
        self.known_sites: dict[tuple[int, int], tuple[CallSite, bool, bool]] = {}
        """The same by the ids of the function and of the call."""
        self.bodies: list[Body] = []
        self.steps = 0
        self.busy: set[tuple[int, int]] = set()
        self.command_functions: set[int] = set()
        self.made: dict[int, list[Body]] = {}
        """By the id of a class, it and those below it that objects are made of."""
        self.memo: dict[tuple[int, int, int], Options] = {}
        self.cuts = 0
        self.mentioned: frozenset[str] = frozenset()
        """Every name and attribute of the source, where it has been followed."""
        self.strings: frozenset[str] = frozenset()
        """Every text of it."""
        self.named: Counter[str] = Counter()
        """How often each of them stands there."""
        self.assumed: dict[tuple[int, str], Value] = {}
        self.changed: frozenset[str] = frozenset()
        """The names of lists and mappings that are changed in place."""
        self.replaced: frozenset[str] = frozenset()
        """The keys of mappings that are given other values later on; with the empty one, any may be."""
        self.looking: set[tuple[str, int]] = set()
        self.site: tuple[int, tuple[CallSite, bool, bool]] | None = None
        """The function whose value is asked for at one of its calls, and that call: its parameters have no others."""

    @contextmanager
    def at_site(self, owner: ast.AST, call: ast.Call | None) -> Iterator[None]:
        """Take the parameters of a function as this call gives them, where there are others; one call at a time."""
        here = self.known_sites.get((id(owner), id(call)))
        if here is None or len(self.sites[id(owner)]) == 1 or self.site is not None:
            yield
            return
        memo, self.memo, self.site = self.memo, {}, (id(owner), here)
        try:
            yield
        finally:
            self.memo, self.site = memo, None

    @contextmanager
    def assuming(self, body: Body, names: Mapping[str, Value]) -> Iterator[None]:
        """Take these names of a body for these values, as in one round of a loop."""
        before, memo, self.memo = self.assumed, self.memo, {}
        self.assumed = {**before, **{(id(body), name): value for name, value in names.items()}}
        try:
            yield
        finally:
            self.assumed, self.memo = before, memo

    def add_site(self, owner: ast.AST, site: CallSite, sure: bool, bound: bool) -> None:
        """Note one more call of a function of the source; what was concluded without it is forgotten."""
        sites, key = self.sites.setdefault(id(owner), []), (id(owner), id(site.node))
        if key in self.known_sites:
            sites[:] = [known for known in sites if known[0].node is not site.node]
        self.known_sites[key] = (site, sure, bound)
        sites.append(self.known_sites[key])
        self.memo.clear()

    def note_made(self, klass: Body) -> None:
        """Note that there is an object of a class; what was concluded without it is forgotten."""
        if not any(one is klass for one in self.made.get(id(klass), ())):
            for each in {id(one): one for one in (klass, *members.all_above(self, klass))}:
                self.made.setdefault(each, []).append(klass)
            self.memo.clear()

    def member(self, module: Body, name: str) -> Value:
        """The one value that a module of the source gives to ``name`` in the end."""
        key = (name, id(module))
        if key in self.looking:
            return UNKNOWN  # modules that import from each other
        self.looking.add(key)
        try:
            return self.bound(visible(module.bindings.get(name, []), LAST, ()), module).only
        finally:
            self.looking.discard(key)

    def evaluate(self, node: ast.AST, body: Body, order: int | None = None) -> Options:
        """The values of ``node``, which stands in ``body``."""
        if order is None:
            order = body.orders.get(id(node), (LAST, ()))[0]
        whole = (id(node), id(body), order)
        known = self.memo.get(whole)
        if known is not None:
            return known
        self.steps += 1
        key = (id(node), id(body))
        if self.steps > BUDGET or key in self.busy or len(self.busy) > DEPTH:
            self.cuts += 1
            return NOTHING_KNOWN
        cuts = self.cuts
        method = getattr(self, "on_" + type(node).__name__, None)
        if method is None:
            return NOTHING_KNOWN
        self.busy.add(key)
        try:
            found: Options = method(node, body, order)
        finally:
            self.busy.discard(key)
        if cuts == self.cuts or not self.busy:
            self.memo[whole] = found  # a value that recursion cut short is kept for its own place only
        return found

    def value(self, node: ast.AST, body: Body) -> Value:
        """The one value of ``node``, Unknown where there are several."""
        return self.evaluate(node, body).only

    def called(self, call: ast.Call, body: Body) -> str:
        """The dotted name of the function from outside the source that a call is of; empty for any other."""
        callee = self.value(call.func, body)
        return callee.name if isinstance(callee, v.Ref) else ""

    # -- literals ---------------------------------------------------------------------------------

    def on_Constant(self, node: ast.Constant, body: Body, order: int) -> Options:  # noqa: N802, D102
        return one(v.text(node.value) if isinstance(node.value, str) else Const(node.value))

    def on_List(self, node: ast.List | ast.Tuple, body: Body, order: int) -> Options:  # noqa: N802, D102
        if any(isinstance(item, ast.Starred) for item in node.elts) or len(node.elts) > 64:
            return NOTHING_KNOWN
        return one(v.Items(tuple(self.evaluate(item, body, order).only for item in node.elts)))

    on_Tuple = on_Set = on_List  # noqa: N815

    def on_Dict(self, node: ast.Dict, body: Body, order: int) -> Options:  # noqa: N802, D102
        found: list[tuple[str, Value]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:  # **others, which come into the place of what stands before them
                found.clear()
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                found.append((key.value, self.evaluate(value, body, order).only))
        return one(v.Table(tuple(found), len(found) == len(node.keys)))

    def on_ListComp(  # noqa: N802, D102
        self, node: unrolled.Comprehension, body: Body, order: int
    ) -> Options:
        return unrolled.comprehended(self, node, body, order)

    on_SetComp = on_GeneratorExp = on_DictComp = on_ListComp  # noqa: N815

    def on_JoinedStr(self, node: ast.JoinedStr, body: Body, order: int) -> Options:  # noqa: N802, D102
        pieces: list[Options] = []
        specs: list[tuple[str, str]] = []
        for piece in node.values:
            if isinstance(piece, ast.FormattedValue):
                pieces.append(self.evaluate(piece.value, body, order))
                specs.append((_spec(piece.format_spec), ast.unparse(piece.value)))
            else:
                pieces.append(self.evaluate(piece, body, order))
                specs.append(("", ""))

        def build(chosen: tuple[Value, ...]) -> Value:
            parts: list[Part] = []
            for value, (spec, name) in zip(chosen, specs, strict=True):
                parts.extend(v.parts_of(value, spec, name))
            return v.merge(parts)

        return combine(pieces, build)

    # -- names ------------------------------------------------------------------------------------

    def on_Name(self, node: ast.Name, body: Body, order: int) -> Options:  # noqa: N802, D102
        scope: Body | None = body
        at = order
        loops = body.orders.get(id(node), (0, ()))[1]
        while scope is not None:
            assumed = self.assumed.get((id(scope), node.id))
            if assumed is not None:
                return one(assumed)
            bindings = scope.bindings.get(node.id)
            if bindings and not (isinstance(scope.owner, ast.ClassDef) and scope is not body):
                found = visible(bindings, at, loops)
                inside = all(one.kind not in ITEMS or set(one.loops) <= set(loops) for one in found)
                known = self.bound(found, scope)
                return known if inside else Options(known.values, False)
            scope, at, loops = scope.parent, LAST, ()
        if node.id == "__file__" and self.root and body.module.startswith(self.root):
            return one(v.text(library.CODE + body.module[len(self.root) :].lstrip("/")))
        return one(v.Ref(node.id))

    def bound(self, bindings: list[Binding], scope: Body) -> Options:
        """The values of a name that got them at these places."""
        if not 0 < len(bindings) <= MANY:
            return NOTHING_KNOWN
        return union((self.binding(binding, scope) for binding in bindings), sure=len(bindings) == 1)

    def binding(self, binding: Binding, scope: Body) -> Options:
        """The value that one place gives a name."""
        node = binding.node
        if binding.kind == "unknown" or node is None:
            return NOTHING_KNOWN
        if binding.kind == "import":
            return one(self.resolve_import(node, binding.name, scope))
        if binding.kind == "def":
            inner = scope.defined.get(id(node))
            if inner is None:
                return NOTHING_KNOWN
            return one(v.Klass(inner) if isinstance(node, ast.ClassDef) else v.Func(inner))
        if isinstance(node, ast.arg):
            return self._parameter(node, scope) if binding.kind == "parameter" else self._rest(scope)
        found = self.evaluate(node, scope, binding.order if binding.order < LAST else None)
        if binding.kind in ITEMS:
            found = unrolled.each(
                found, (binding.sure or binding.kind == "each") and unrolled.fixed(self, node)
            )
        for index in binding.path:
            found = Options(tuple(_item(value, Const(index)) for value in found.values), found.sure)
        return found

    def _parameter(self, node: ast.arg, body: Body) -> Options:
        owner = body.owner
        if isinstance(owner, (ast.Module, ast.ClassDef)):
            return NOTHING_KNOWN
        names = [a.arg for a in (*owner.args.posonlyargs, *owner.args.args)]
        kind = method_kind(owner)
        above = body.parent.owner if body.parent is not None else None
        if isinstance(above, ast.ClassDef) and names[:1] == [node.arg] and kind != "staticmethod":
            return members.owners(self, body.parent, v.Klass if kind == "classmethod" else v.Instance)
        if id(owner) in self.command_functions:
            return one(Text((ArgPart(node.arg),)))
        return self.given(owner, node.arg, names, parameter_default(owner, node.arg), body.parent or body)

    def _rest(self, body: Body) -> Options:
        """What the calls of a function give it beyond its parameters: ``*parts``."""
        owner = body.owner
        sites = self._calls_of(owner)
        if not sites or isinstance(owner, (ast.Module, ast.ClassDef)):
            return NOTHING_KNOWN
        count = len(owner.args.posonlyargs) + len(owner.args.args)
        if not count and any(bound for _, _, bound in sites):
            return NOTHING_KNOWN  # the first of them is the object
        results = []
        for site, _, bound in sites[: v.LIMIT]:
            given = library.positional(self, site.node, site.body, site.order)
            results.append(NOTHING_KNOWN if given is None else combine(given[count - bound :], v.Items))
        return union(results, sure=len(sites) <= v.LIMIT and all(certain for _, certain, _ in sites))

    def _calls_of(self, owner: ast.AST) -> list[tuple[CallSite, bool, bool]]:
        """The calls of a function that are looked at: all, or the one that it is evaluated for."""
        if self.site is not None and self.site[0] == id(owner):
            return [self.site[1]]
        return self.sites.get(id(owner), [])

    def given(
        self, owner: ast.AST, name: str, names: list[str], default: ast.expr | None, around: Body
    ) -> Options:
        """What the calls of a function, or of a dataclass, give by a name of its own."""
        sites = self._calls_of(owner)
        if not sites:
            return NOTHING_KNOWN
        results = []
        sure = True
        for site, certain, bound in sites[: v.LIMIT]:
            given = given_for(site.node, name, names, bound)
            if given is UNREADABLE:
                found = self._spread(site, name)
            elif given is None:
                found = NOTHING_KNOWN if default is None else self.evaluate(default, around)
            else:
                found = self.evaluate(given, site.body, site.order)
            results.append(found)
            sure = sure and certain and found.sure
        return union(results, sure=sure and len(sites) <= v.LIMIT)

    def _spread(self, site: CallSite, name: str) -> Options:
        """What ``**vars(args)`` gives by a name, where nothing else of the call may give it."""
        spread = [keyword.value for keyword in site.node.keywords if keyword.arg is None]
        if len(spread) != 1 or site.node.args:
            return NOTHING_KNOWN
        found = self.evaluate(spread[0], site.body, site.order)
        return found.each(lambda value: self.item(value, v.text(name)))

    def on_Attribute(self, node: ast.Attribute, body: Body, order: int) -> Options:  # noqa: N802, D102
        base = self.evaluate(node.value, body, order)
        return union([self._attribute(value, node.attr) for value in base.values], sure=base.sure)

    def _attribute(self, base: Value, name: str) -> Options:
        if isinstance(base, v.Ref):
            dotted = f"{base.name}.{name}"
            return one(v.Special("environ") if dotted == "os.environ" else v.Ref(dotted))
        if isinstance(base, v.Space):
            if name == "__dict__":
                return one(v.Space(base.key, True))
            given = [found for body in self.bodies for found in body.attributes.get(name, [])]
            set_later = any(found.name != "self" for found in given)
            own = one(Text((ArgPart(name),)))
            return union([own, NOTHING_KNOWN], sure=False) if set_later else own
        if isinstance(base, v.LocalModule):
            return self.bound(visible(base.body.bindings.get(name, []), LAST, ()), base.body)
        if isinstance(base, (v.Instance, v.Klass)):
            return members.member(self, base, name)
        if isinstance(base, v.Table):
            return one(self.item(base, v.text(name)))
        if isinstance(base, Text) and name == "parent":
            literal = base.literal
            if literal and "/" in literal.rstrip("/"):
                return one(v.text(literal.rstrip("/").rpartition("/")[0] or "/"))
        return NOTHING_KNOWN

    def classes_above(self, body: Body) -> list[Body]:
        """The classes of the source that a class names as its bases."""
        bases = body.owner.bases if isinstance(body.owner, ast.ClassDef) else []
        found = [self.value(base, body.parent or body) for base in bases]
        return [one.body for one in found if isinstance(one, v.Klass) and one.body is not body]

    def on_Subscript(self, node: ast.Subscript, body: Body, order: int) -> Options:  # noqa: N802, D102
        base = self.evaluate(node.value, body, order)
        if isinstance(node.slice, ast.Slice):
            first = getattr(node.slice.lower, "value", 0)
            argv = base.values == (v.Ref("sys.argv"),) and first in (0, 1)
            return base if argv else NOTHING_KNOWN
        index = self.evaluate(node.slice, body, order)
        return combine([base, index], lambda chosen: self.item(chosen[0], chosen[1]))

    def item(self, base: Value, index: Value) -> Value:
        """What stands in a list or a mapping at a place."""
        if isinstance(base, v.Table) and isinstance(index, Text) and index.literal is not None:
            return self.kept(base, index.literal)
        return _item(base, index)

    def kept(self, base: v.Table, key: str) -> Value:
        """What a mapping was written with by a name; unknown where another value may have come into its place."""
        return UNKNOWN if self.replaced & {"", key} else dict(base.items).get(key, UNKNOWN)

    # -- operators --------------------------------------------------------------------------------

    def on_BinOp(self, node: ast.BinOp, body: Body, order: int) -> Options:  # noqa: N802, D102
        left = self.evaluate(node.left, body, order)
        right = self.evaluate(node.right, body, order)
        operator = node.op
        given = node.right.elts if isinstance(node.right, ast.Tuple) else []
        if isinstance(operator, ast.Mod) and given and isinstance(left.only, Text) and left.only.literal:
            template = left.only.literal
            pieces = [self.evaluate(one, body, order) for one in given]
            found = combine(pieces, lambda chosen: v.format_percent(template, v.Items(chosen)))
            if found is not NOTHING_KNOWN:
                return found

        def build(chosen: tuple[Value, ...]) -> Value:
            a, b = chosen
            if isinstance(operator, ast.Add) and (isinstance(a, Text) or isinstance(b, Text)):
                return v.merge([*v.parts_of(a), *v.parts_of(b)])
            if isinstance(operator, ast.Div) and (isinstance(a, Text) or isinstance(b, Text)):
                return v.join_paths([a, b])
            if isinstance(operator, ast.Mod) and isinstance(a, Text):
                literal = a.literal
                return UNKNOWN if literal is None else v.format_percent(literal, b)
            if isinstance(operator, ast.Add) and isinstance(a, v.Items) and isinstance(b, v.Items):
                return v.Items(a.items + b.items)
            if isinstance(operator, ast.Mult) and (isinstance(a, Text) or isinstance(b, Text)):
                return Text((Hole(),))
            arithmetic = isinstance(operator, (ast.Div, ast.FloorDiv, ast.Sub, ast.Pow))
            known = any(isinstance(x, Const) or (isinstance(x, v.Unknown) and x.number) for x in chosen)
            whole = not isinstance(operator, (ast.Div, ast.Pow)) and all(map(v.is_whole, chosen))
            return v.WHOLE if whole else NUMBER if arithmetic or known else UNKNOWN

        return combine([left, right], build)

    def on_IfExp(self, node: ast.IfExp, body: Body, order: int) -> Options:  # noqa: N802, D102
        return union([self.evaluate(x, body, order) for x in (node.body, node.orelse)], sure=False)

    def on_BoolOp(self, node: ast.BoolOp, body: Body, order: int) -> Options:  # noqa: N802, D102
        return union([self.evaluate(x, body, order) for x in node.values], sure=False)

    def on_NamedExpr(self, node: ast.NamedExpr, body: Body, order: int) -> Options:  # noqa: N802, D102
        return self.evaluate(node.value, body, order)

    def on_Await(self, node: ast.Await, body: Body, order: int) -> Options:  # noqa: N802, D102
        return self.evaluate(node.value, body, order)

    def on_Lambda(self, node: ast.Lambda, body: Body, order: int) -> Options:  # noqa: N802, D102
        inner = body.defined.get(id(node))
        return NOTHING_KNOWN if inner is None else one(v.Func(inner))

    def on_UnaryOp(self, node: ast.UnaryOp, body: Body, order: int) -> Options:  # noqa: N802, D102
        value = self.evaluate(node.operand, body, order).only
        return (
            one(calls.negated(node.operand, value, body)) if isinstance(node.op, ast.USub) else NOTHING_KNOWN
        )

    # -- calls ------------------------------------------------------------------------------------

    def on_Call(self, node: ast.Call, body: Body, order: int) -> Options:  # noqa: N802, D102
        return calls.evaluate_call(self, node, body, order)


def _spec(node: ast.expr | None) -> str:
    if isinstance(node, ast.JoinedStr) and all(isinstance(x, ast.Constant) for x in node.values):
        return "".join(str(x.value) for x in node.values if isinstance(x, ast.Constant))
    return "" if node is None else ".f"


def _item(base: Value, index: Value) -> Value:
    key = index.literal if isinstance(index, Text) else None
    if isinstance(base, v.Special) and base.kind == "environ":
        return Text((EnvPart(key),)) if key is not None else UNKNOWN
    if isinstance(base, v.Special):
        whole = (base.kind, key) == ("SM_TRAINING_ENV", "hyperparameters")
        return v.Special("SM_HPS") if whole else v.Unknown(False, base.kind, key or "")
    if isinstance(base, v.Space) and base.mapping and key is not None:
        return Text((ArgPart(key),))
    if isinstance(base, v.Items) and isinstance(index, Const) and isinstance(index.value, int):
        at = index.value
        return base.items[at] if -len(base.items) <= at < len(base.items) else UNKNOWN
    return UNKNOWN

"""Members that a script's own classes do not have, and objects whose base class was never made.

Each finding is a ``Habit``: ``no-attribute`` (nothing in the source gives an object of the class such a member) and
``base-not-made`` (its ``__init__`` leaves out the base's, which sets what the class uses; ``key`` is one such member)
and ``hidden-method`` (``__init__`` sets a value under a method's name) and ``set-unread`` (a member of an object that
nothing reads, where another one is read and never set).
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.evaluation.members import all_above
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import FUNCTIONS, bare_name, caught, is_call, last_name, receiver, string

OTHERWISE = frozenset(
    {"setattr", "__setattr__", "__dict__", "__getattr__", "__getattribute__", "__slots__", "namedtuple"}
)
"""What gives objects members that are not written as such."""
ASKS = frozenset({"hasattr", "getattr", "delattr"})
MODULES = frozenset(
    {"torch.nn.Module", "nn.Module", "pytorch_lightning.LightningModule", "lightning.LightningModule"}
)
"""Bases that keep the modules of an object, and refuse one before their own ``__init__``."""
WRAPPERS = frozenset(
    {
        "DataParallel",
        "DistributedDataParallel",
        "DDP",
        "FullyShardedDataParallel",
        "FSDP",
        "fully_shard",
        "prepare",
    }
    | {
        "deepspeed",
        "Accelerator",
        "smp",
        "DistributedModel",
        "Fabric",
        "setup_module",
        "initialize",
        "wrap",
        "apex",
    }
)
"""What gives a model another one around it, as its member ``module``."""
MOVES = frozenset({"to", "cuda", "cpu", "train", "eval", "float", "half", "double"})
"""What gives a module back itself."""
OF_OBJECTS = frozenset(dir(object)) | {"__dict__", "__class__", "__name__", "__annotations__"}
CATCHES = frozenset({"AttributeError", "Exception", "BaseException"})


def read_classes(
    evaluator: Evaluator,
    reached: Iterable[tuple[Body, bool]],
    bodies: Iterable[Body],
    mentioned: frozenset[str],
) -> Iterator[Habit]:
    """Everything of this kind in the classes of a source; ``mentioned`` are its names and attributes."""
    every = list(bodies)
    classes = [body for body in every if isinstance(body.owner, ast.ClassDef)]
    if not classes:
        return
    runs = {id(body): sure for body, sure in reached}
    stored = Counter(name for body in every for name in body.attributes)
    below: dict[int, list[Body]] = {}
    for body in classes:
        for base in {id(one): one for one in all_above(evaluator, body)}.values():
            below.setdefault(id(base), []).append(body)
    declared = {
        bare_name(node.target) for one in classes for node in one.nodes if isinstance(node, ast.AnnAssign)
    }
    everywhere = declared | stored.keys() | OF_OBJECTS
    called = {
        site.node.func.attr
        for one in every
        for site in one.calls
        if isinstance(site.node.func, ast.Attribute)
    }
    names = mentioned.union(*(body.bindings for body in classes))
    written = not names & OTHERWISE and not any(_fills(node) for body in every for node in body.nodes)
    for body in every if written and not names & ASKS else ():
        yield from _set_unread(evaluator, body, stored)
    if written and "module" in mentioned and not names & {*ASKS, *WRAPPERS} and "module" not in everywhere:
        yield from _never_wrapped(evaluator, every, runs)
    for body in classes:
        above = _above(evaluator, body)
        yield from _base_not_made(evaluator, body, above, runs, stored)
        yield from _hidden(evaluator, body, runs, called)
        if above is not None and written:
            under = below.get(id(body), [])
            if any(_above(evaluator, one) is None for one in under):
                continue  # a mixin: what stands beside it is of a library
            own = set(chain.from_iterable(one.bindings for one in (body, *above, *under)))
            yield from _lacking(body, (own, everywhere), runs, mentioned)


def _never_wrapped(evaluator: Evaluator, every: Iterable[Body], runs: Mapping[int, bool]) -> Iterator[Habit]:
    """``model.module`` of a PyTorch module that nothing in the source wraps."""
    for body in every:
        for node in body.nodes if id(body) in runs else ():
            if (
                not isinstance(node, ast.Attribute)
                or node.attr != "module"
                or bare_name(node.value) == "self"
            ):
                continue
            made = evaluator.value(_moved(node.value, body), body)
            owner = made.body.owner if isinstance(made, v.Instance) else None
            bases = owner.bases if isinstance(owner, ast.ClassDef) else []
            if isinstance(made, v.Instance) and any(_is_module(evaluator, one, made.body) for one in bases):
                sure = runs[id(body)] and id(node) in _certain(body)
                yield Habit("no-attribute", None, f"{made.body.name}.module", sure, place(node, body))


def _moved(node: ast.expr, body: Body) -> ast.expr:
    """``Net()`` of a name that is set to ``Net().to(device)``."""
    if isinstance(node, ast.Name):
        node = body.only(node.id) or body.top.only(node.id) or node
    while (inner := receiver(node, MOVES)) is not None:
        node = inner
    return node


def _set_unread(evaluator: Evaluator, body: Body, stored: Mapping[str, int]) -> Iterator[Habit]:
    """``model.scaler = …``, which nothing reads, of a class that looks at a member which nothing sets but to None."""
    for node in body.nodes:
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if not isinstance(target, ast.Attribute) or evaluator.named[target.attr] != 1:
            continue
        made = (
            evaluator.value(target.value, body) if bare_name(target.value) not in ("self", "") else v.UNKNOWN
        )
        start = _initialiser(made.body) if isinstance(made, v.Instance) else None
        if start is None or not isinstance(made, v.Instance) or _above(evaluator, made.body) is None:
            continue
        empty = [
            name
            for name, found in start.attributes.items()
            if stored[name] == 1
            and evaluator.named[name] > 1
            and isinstance(found[0].node, ast.Constant)
            and found[0].node.value is None
        ]
        if empty:
            told = f"{ast.unparse(target)} is set and not read; nothing sets {empty[0]}, which {made.body.name} reads"
            yield Habit("set-unread", None, told, False, place(target, body))


def _fills(node: ast.AST) -> bool:
    """``vars(self).update(…)`` and ``parse_args(namespace=…)``: members of any name."""
    return isinstance(node, ast.Call) and (
        (is_call(node, "vars") and any(bare_name(one) == "self" for one in node.args))
        or any(keyword.arg == "namespace" for keyword in node.keywords)
    )


def _above(evaluator: Evaluator, body: Body, depth: int = 0) -> list[Body] | None:
    """The classes that a class inherits from; None where one of them is not of the source."""
    owner = body.owner
    if not isinstance(owner, ast.ClassDef) or owner.keywords or depth > v.LIMIT:
        return None
    if any(
        last_name(one.func if isinstance(one, ast.Call) else one) != "dataclass"
        for one in owner.decorator_list
    ):
        return None
    found = evaluator.classes_above(body)
    others = [base for base in owner.bases if last_name(base) not in ("object", "ABC")]
    if len(found) != len(others):
        return None
    for one in tuple(found):
        further = _above(evaluator, one, depth + 1)
        if further is None:
            return None
        found.extend(further)
    return found


def _lacking(
    body: Body, known: tuple[AbstractSet[str], ...], runs: dict[int, bool], mentioned: frozenset[str]
) -> Iterator[Habit]:
    told: set[str] = set()
    for method in body.defined.values():
        this = _this(method)
        if this != "self" or id(method) not in runs:
            continue  # without a self, it may be called as a function of the class
        aside = _waited_for(method) if {"AttributeError", "Exception", *ASKS} & mentioned else set()
        for node in method.nodes:
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Load)
                and bare_name(node.value) == this
                and not any(node.attr in names for names in known)
                and node.attr not in told
                and not node.attr.startswith("__")
                and id(node) not in aside
            ):
                told.add(node.attr)
                sure = runs[id(method)] and id(node) in _certain(method)
                yield Habit("no-attribute", None, f"{body.name}.{node.attr}", sure, place(node, method))


def _this(method: Body) -> str:
    """The name by which a method knows its object; empty for what is no method."""
    owner = method.owner
    if not isinstance(owner, FUNCTIONS) or any(
        last_name(one) in ("staticmethod", "classmethod") for one in owner.decorator_list
    ):
        return ""
    given = [*owner.args.posonlyargs, *owner.args.args]
    return given[0].arg if given else ""


def _waited_for(method: Body) -> set[int]:
    """Nodes whose AttributeError is waited for, or that stand where the member was asked for."""
    found: set[int] = set()
    for node in method.nodes:
        parts: list[ast.stmt] = []
        if isinstance(node, ast.Try) and any(caught(one) & CATCHES for one in node.handlers):
            parts = node.body
        elif isinstance(node, ast.If) and any(last_name(one) in ASKS for one in ast.walk(node.test)):
            parts = [node]
        found.update(id(inner) for part in parts for inner in ast.walk(part))
        if isinstance(node, (ast.IfExp, ast.BoolOp)) and any(
            last_name(one) in ASKS for one in ast.walk(node)
        ):
            found.update(id(inner) for inner in ast.walk(node))
    return found


def _certain(method: Body) -> set[int]:
    """The nodes of statements that run whenever the method does, those of its loops included."""
    found: set[int] = set()
    statements = list(getattr(method.owner, "body", ()))
    while statements:
        statement = statements.pop(0)
        if isinstance(statement, (ast.With, ast.For)):
            statements[:0] = statement.body
        elif isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return)):
            inside = list(ast.walk(statement))
            if not any(isinstance(one, (ast.IfExp, ast.BoolOp, ast.Lambda)) for one in inside):
                found.update(map(id, inside))
        elif any(
            isinstance(one, (ast.Return, ast.Raise, ast.Break, ast.Continue)) for one in ast.walk(statement)
        ):
            break
        if isinstance(statement, ast.Return):
            break
    return found


def _hidden(
    evaluator: Evaluator, body: Body, runs: dict[int, bool], called: AbstractSet[str]
) -> Iterator[Habit]:
    """``self.loss = 0.0`` in ``__init__`` of a class whose method ``loss`` is called."""
    start = _initialiser(body)
    methods = {one.name: one for one in body.defined.values() if _this(one) and one is not start}
    for name, found in start.attributes.items() if start is not None and id(start) in runs else ():
        made = found[0].node
        plain = isinstance(made, (ast.Constant, ast.List, ast.Dict)) and len(found) == 1 and found[0].sure
        owner = methods[name].owner if plain and name in called and name in methods else None
        given = start is not None and getattr(made, "value", 0) is not None
        if start is not None and given and isinstance(owner, FUNCTIONS) and not owner.decorator_list:
            sure = runs[id(start)] and evaluator.named[name] == 2
            where = place(made or start.owner, start)
            yield Habit("hidden-method", None, f"{body.name}.{name}", sure, where)


# -- bases that were never made ----------------------------------------------------------------------


def _base_not_made(
    evaluator: Evaluator,
    body: Body,
    above: list[Body] | None,
    runs: dict[int, bool],
    stored: Mapping[str, int],
) -> Iterator[Habit]:
    own = _initialiser(body)
    if own is None or id(own) not in runs or _makes_base(own):
        return
    modules = (
        [base for base in body.owner.bases if _is_module(evaluator, base, body)]
        if isinstance(body.owner, ast.ClassDef)
        else []
    )
    for name, found in own.attributes.items() if modules else ():
        made = found[0].node
        if isinstance(made, ast.Call) and ast.unparse(made.func).startswith(("nn.", "torch.nn.")):
            yield Habit("base-not-made", None, body.name, runs[id(own)], place(made, own), key=name)
            return
    base = next((one for one in above or () if _initialiser(one) is not None), None)
    start = _initialiser(base) if base is not None else None
    if base is None or start is None or above is None:
        return
    bound = {name for one in (body, *above) for name in one.bindings}
    missing = {name for name in start.attributes if stored[name] == 1 and name not in bound}
    overridden = {one.name for one in body.defined.values()}
    inherited = [one for one in base.defined.values() if one is not start and one.name not in overridden]
    for method in (*body.defined.values(), *inherited):
        this, certain = _this(method), _certain(method)
        for node in method.nodes if this and id(method) in runs else ():
            if isinstance(node, ast.Attribute) and node.attr in missing and bare_name(node.value) == this:
                sure = runs[id(own)] and runs[id(method)] and id(node) in certain
                yield Habit("base-not-made", None, body.name, sure, place(own.owner, own), key=node.attr)
                return


def _initialiser(body: Body | None) -> Body | None:
    return (
        next((one for one in body.defined.values() if one.name == "__init__"), None)
        if body is not None
        else None
    )


def _makes_base(method: Body) -> bool:
    """True where an ``__init__`` makes its base, or may leave that to something else that it calls."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in ("__init__", "__dict__", "__setstate__", "update")
        for node in method.nodes
    ) or any(string(node) == "__init__" for node in method.nodes)


def _is_module(evaluator: Evaluator, base: ast.expr, body: Body) -> bool:
    value = evaluator.value(base, body.parent or body)
    return isinstance(value, v.Ref) and value.name in MODULES

"""Statements whose result nobody takes, and changes that are made to a copy that nobody has.

Each finding is a ``Habit``: ``thrown-away`` (``sorted(rows)``, ``frame.dropna()``, ``losses.append`` of a copy) and
``not-raised`` (``ValueError("…")`` alone).
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Mapping

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    DEFINITIONS,
    bare_name,
    is_call,
    is_main_guard,
    last_name,
    receiver,
    word,
)

GIVES = frozenset({"sorted", "reversed", "zip", "map", "filter", "enumerate", "abs", "round"})
"""Functions that change nothing, and that nobody calls to see whether they fail."""
TEXT = frozenset({"strip", "lstrip", "rstrip", "lower", "upper"})
SETS = frozenset({"union", "difference", "intersection"})
FRAMES = frozenset(
    {"dropna", "fillna", "drop", "drop_duplicates", "reset_index", "set_index", "sort_values", "sort_index"}
    | {"astype", "rename"}
)
ARRAYS = frozenset({"reshape", "astype", "squeeze", "transpose", "flatten"})
TENSORS = frozenset({"view", "squeeze", "unsqueeze", "permute", "reshape", "clamp"})
ROWS = frozenset(
    {"map", "filter", "shuffle", "batch", "repeat", "prefetch", "select", "rename_column", "remove_columns"}
    | {"train_test_split", "cast_column", "take", "skip"}
)
SPARK = frozenset({"withColumn", "withColumnRenamed", "dropDuplicates", "filter", "select"})
METHODS: Mapping[str, frozenset[str]] = {
    "pandas": FRAMES,
    "numpy": ARRAYS,
    "torch": TENSORS,
    "datasets": ROWS,
    "tensorflow": ROWS,
    "pyspark": SPARK,
    "sklearn": frozenset({"transform"}),
}
"""Methods that give something new and change nothing, by the library whose objects have them."""
MAKES = frozenset(
    f"{module}.{name}"
    for module in ("np", "numpy")
    for name in (
        "append",
        "concatenate",
        "delete",
        "insert",
        "sort",
        "reshape",
        "squeeze",
        "expand_dims",
        "clip",
    )
) | {
    "copy.deepcopy",
    "copy.copy",
    "deepcopy",
    "os.path.join",
    "functools.partial",
    "partial",
    "train_test_split",
}
CHANGES = frozenset({"sort", "reverse", "append", "extend", "insert", "update", "remove", "shuffle"})
COPIES = ("list", "sorted", "dict", "set")


def read_thrown_away(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    bodies = list(modules)
    nodes = [node for body in bodies for node in body.all_nodes]
    own = {node.name for node in nodes if isinstance(node, DEFINITIONS)}
    known = [names for top, names in METHODS.items() if top in _imported(nodes)]
    methods = TEXT | SETS | frozenset().union(*known)
    libraries = {
        one.asname or one.name for node in nodes if isinstance(node, ast.Import) for one in node.names
    }
    for body in bodies:
        shown = set() if _is_program(body.owner) else {id(one) for one in getattr(body.owner, "body", ())}
        for node in body.all_nodes:
            call = node.value if isinstance(node, ast.Expr) and id(node) not in shown else None
            if not isinstance(call, ast.Call) or last_name(call.func) in own:
                continue
            if any(isinstance(one, ast.Try) for one in body.above(node)[-2:-1]):
                continue  # to see whether it fails
            if _is_error(call):
                yield Habit("not-raised", None, ast.unparse(call)[:80], True, place(node, body))
            elif _gives(call, methods, libraries) or _changes_a_copy(call):
                yield Habit("thrown-away", None, ast.unparse(call)[:80], True, place(node, body))


def _imported(nodes: Iterable[ast.AST]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def _is_program(owner: ast.AST) -> bool:
    """False for what may be a notebook's cells, one after the other, which show what their last line gives."""
    return any(isinstance(one, ast.If) and is_main_guard(one.test) for one in getattr(owner, "body", ()))


def _is_error(call: ast.Call) -> bool:
    """``ValueError("no rows")`` as a statement."""
    found = getattr(builtins, bare_name(call.func), None)
    return isinstance(found, type) and issubclass(found, Exception)


def _gives(call: ast.Call, methods: frozenset[str], libraries: set[str]) -> bool:
    """True for a call that changes nothing but what it gives; what functions of other libraries do is not known."""
    if is_call(call, *GIVES):
        return bool(call.args)
    if ast.unparse(call.func) in MAKES:
        return word(call, "out") is None
    held = receiver(call, methods)
    name = last_name(call.func)
    if held is None or word(call, "inplace", "copy", "out") is not None or isinstance(held, ast.Call):
        return False
    if bare_name(held) in libraries or not ABOUT.get(name, ANY).search(last_name(held)):
        return False
    return TAKES.get(name, _anything)(call)


def _anything(call: ast.Call) -> bool:
    return True


def _one(call: ast.Call) -> bool:
    """``dataset.map(change)``: a pool's ``map`` takes what it is to change as well."""
    return len(call.args) == 1


def _plain(call: ast.Call) -> bool:
    """``scaler.transform(x)``: the job of a transformer of SageMaker's is told more, by name."""
    return len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Constant)


def _named(call: ast.Call) -> bool:
    """``frame.rename(columns=…)``: a path's ``rename`` moves a file."""
    return bool(call.keywords)


def _number(call: ast.Call) -> bool:
    """``rows.shuffle(1000)``: what is shuffled in its place is an argument of ``shuffle``."""
    return word(call, "seed", "buffer_size") is not None or any(
        isinstance(given, ast.Constant) for given in call.args
    )


def _none(call: ast.Call) -> bool:
    return not call.args and not call.keywords


ANY = re.compile("")
DATA = re.compile(
    r"(?:^|_)(?:ds|df|data|dataset|datasets|train|test|val|valid|rows|frame|x|X|features)(?:$|_)|data(?:set|frame)?$"
)
FITTED = re.compile(r"scal|encod|imput|vectori|pca|preproc|normali", re.IGNORECASE)
ABOUT: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(
        ("drop", "map", "filter", "shuffle", "select", "batch", "repeat", "prefetch", "take", "skip"), DATA
    ),
    "transform": FITTED,
}
"""What an object is called, where others have a method of that name that does something."""
TAKES = {
    "map": _one,
    "filter": _one,
    "rename": _named,
    "drop": lambda call: bool(call.args or call.keywords),
    "shuffle": _number,
    "select": _one,
    "take": _one,
    "skip": _one,
    "repeat": _one,
    "union": _one,
    "difference": _one,
    "intersection": _one,
    "lower": _none,
    "upper": _none,
    "transform": _plain,
}
"""What a call has to look like, where other objects have a method of that name."""


def _changes_a_copy(call: ast.Call) -> bool:
    """``random.shuffle(list(rows))``, ``os.environ.copy().update(…)``."""
    if ast.unparse(call.func) == "random.shuffle":
        held: ast.expr | None = call.args[0] if call.args else None
        return _fresh(held) or (isinstance(held, ast.Subscript) and isinstance(held.slice, ast.Slice))
    return _fresh(receiver(call, CHANGES))


def _fresh(node: ast.expr | None) -> bool:
    if isinstance(node, (ast.ListComp, ast.List)):
        return True
    return (is_call(node, *COPIES) and bool(node.args)) or receiver(node, ("copy",)) is not None

"""What a script takes from the folder of its checkpoints at its first start, when nothing is in it yet.

Each finding is a ``Habit`` of the kind ``first-start``: ``text`` is the path that it reads or lists, ``key`` says which
of the two (``file``, ``listing``, or ``trainer`` for a Trainer that is told to resume), ``others`` are the folders that
it looks for before, and ``tests`` what else has to hold. What the same run may have written before is left alone.
Of later starts: ``own-start`` (a folder named after the time of this start) and ``json-keys`` (numbers that are looked
for among the keys of what was JSON).
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.conditions import MANY, negated, read_test
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.evaluation.given import call_of, plain_function
from cursus.script.evaluation.members import LAST
from cursus.script.facts import ArgPart, Condition, Const, EnvPart, Habit, Text
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import (
    EXITS,
    LISTINGS,
    assigned,
    bare_name,
    first_or_last,
    gives_up,
    is_call,
    is_main_guard,
    last_name,
    receiver,
    string,
    word,
)

READS = frozenset(
    {"torch.load", "joblib.load", "numpy.load", "pandas.read_csv", "pandas.read_pickle", "pandas.read_json"}
    | {"open", "io.open", "gzip.open", "keras.models.load_model", "tensorflow.keras.models.load_model"}
)
LOOKS = frozenset({"os.path.exists", "os.path.isdir"})
ONE_BY_ONE = frozenset({"sorted", "list", "tuple", "reversed"})
PASSED_THROUGH = frozenset({"filter", "map"})
BUSY = re.compile(
    r"save|write|dump|train|fit|download|copy|sync|extract|unpack|export|run|system|call|popen|fetch|store|pull|move|rename"
)
IDLE = re.compile(
    r"_?(?:load|get|read|parse|build|prepare|create|add|train_test|is|has|find|list|restore|resume|from)(?:_|$)|[A-Z]"
)
"""Names of functions and classes that write nothing of what is looked for, whatever else they are called."""
NOW = re.compile(r"\bstrftime\(|\b(?:now|utcnow|today|uuid[14]|time\.time|ctime)\(")
FOLDER = re.compile(r"check_?point|ckpt", re.IGNORECASE)
RESTORES = re.compile(r"load|open|restore|resume|read|recover", re.IGNORECASE)
STRAIGHT = (
    *(ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Assert, ast.withitem, ast.keyword),
    *(ast.Call, ast.Attribute, ast.Subscript, ast.Starred, ast.Tuple, ast.List, ast.Dict, ast.BinOp),
    *(ast.UnaryOp, ast.Compare, ast.JoinedStr, ast.FormattedValue, ast.NamedExpr, ast.Slice, ast.Await),
)
"""What is carried out whole wherever it is begun."""
DEEPEST = 4
"""Functions one in another that are followed."""


def read_first_start(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """Everything of this kind in the bodies that run."""
    bodies = [body for body, _ in reached]
    writes: dict[int, int] | None = None
    for body in bodies:
        if isinstance(body.owner, (ast.ClassDef, ast.Lambda)):
            continue
        for node in body.nodes:
            key, path = _taken(evaluator, node, body)
            if not key:
                continue
            writes = _writes(evaluator, bodies) if writes is None else writes
            found = _before(evaluator, writes, node, body)
            if found is None:
                continue
            looks, tests = found
            where = place(node, body)
            others = tuple(Habit("looks", text, "", True, where) for text in looks)
            yield Habit(
                "first-start", path, ast.unparse(node)[:80], True, where, key, others=others, tests=tests
            )


# -- what is taken ----------------------------------------------------------------------------------


def _taken(evaluator: Evaluator, node: ast.AST, body: Body) -> tuple[str, Text | None]:
    """How a node takes something that has to be there, and from where; an empty text for any other node."""
    if isinstance(node, ast.Subscript):
        if isinstance(node.ctx, ast.Load) and first_or_last(node.slice):
            listed = _listed(evaluator, node.value, body)
            return ("listing", listed) if listed is not None else ("", None)
    elif isinstance(node, ast.Call):
        if is_call(node, "max", "min") and len(node.args) == 1 and word(node, "default") is None:
            listed = _listed(evaluator, node.args[0], body)
            return ("listing", listed) if listed is not None else ("", None)
        resumes = word(node, "resume_from_checkpoint") if last_name(node.func) == "train" else None
        if isinstance(resumes, ast.Constant) and resumes.value is True:
            return "trainer", None
        given = word(node, "ckpt_path") if last_name(node.func) == "fit" else None
        if given is not None:
            path = _text(evaluator, given, body)
            return ("file", path) if path is not None and _of_checkpoints(path) else ("", None)
        none = _none_joined(evaluator, node, body)
        if none is not None:
            return none
        if node.args and evaluator.called(node, body) in READS and _only_reads(node):
            path = _text(evaluator, node.args[0], body)
            return ("file", path) if path is not None and _of_checkpoints(path) else ("", None)
    return "", None


def _none_joined(evaluator: Evaluator, node: ast.Call, body: Body) -> tuple[str, Text] | None:
    """What a helper of the source looks for that gives None without it, where a path is made of what it gives."""
    if evaluator.called(node, body) not in READS | {"os.path.join", "pathlib.Path"}:
        return None
    for given in node.args:
        call = call_of(given, body)
        helper = None if call is None else plain_function(evaluator, call, body)
        for one in helper.nodes if helper is not None else ():
            value = one.value if isinstance(one, ast.Return) else one
            if helper is None or not isinstance(one, ast.Return):
                continue
            tests = _tests(one, helper) or []
            if isinstance(value, ast.IfExp):
                tests, value = [*tests, *_parts(value.test, False)], value.orelse
            gives_none = value is None or (isinstance(value, ast.Constant) and value.value is None)
            if not gives_none or len(tests) != 1 or tests[0][1]:
                continue
            listed, looked = _listed(evaluator, tests[0][0], helper), _looked(evaluator, tests[0][0], helper)
            if listed is not None:
                return "listing", listed
            if looked is not None:
                return "file", looked
    return None


def _of_checkpoints(path: Text) -> bool:
    """False for a path that is known not to be one of a checkpoint, as most that are read, or is not known at all."""
    first = path.parts[0] if path.parts else None
    if isinstance(first, str):
        return first.startswith("/")
    return isinstance(first, ArgPart) or (
        isinstance(first, EnvPart) and not first.name.startswith("SM_CHANNEL")
    )


def _only_reads(node: ast.Call) -> bool:
    if last_name(node.func) != "open":
        return True
    given = word(node, "mode") or (node.args[1] if len(node.args) > 1 else None)
    mode = "r" if given is None else string(given)
    return mode is not None and mode[:1] == "r" and "+" not in mode


def _text(evaluator: Evaluator, node: ast.expr, body: Body) -> Text | None:
    found = evaluator.evaluate(node, body, body.orders.get(id(node), (None, ()))[0])
    only = v.as_path(found.values[0]) if len(found.values) == 1 else None
    return only if isinstance(only, Text) and not isinstance(only, Const) else None


def _listed(evaluator: Evaluator, node: ast.expr | None, body: Body, depth: int = 0) -> Text | None:
    """The folder or pattern that a list of files comes from, and nothing else."""
    if depth > DEEPEST or node is None:
        return None
    if isinstance(node, ast.Name):
        grown = node.id in body.once(_grown)
        return None if grown else _listed(evaluator, body.only(node.id), body, depth + 1)
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return _listed(evaluator, node.generators[0].iter, body, depth + 1)
    if not isinstance(node, ast.Call):
        return None
    if is_call(node, *ONE_BY_ONE) and node.args:
        return _listed(evaluator, node.args[0], body, depth + 1)
    if is_call(node, *PASSED_THROUGH) and len(node.args) > 1:
        return _listed(evaluator, node.args[1], body, depth + 1)
    if last_name(node.func) not in LISTINGS:
        return None
    if evaluator.called(node, body) in ("os.listdir", "os.scandir", "glob.glob", "glob.iglob"):
        return _text(evaluator, node.args[0], body) if node.args else None
    base = node.func.value if isinstance(node.func, ast.Attribute) else None
    return _text(evaluator, base, body) if base is not None else None


def _grown(body: Body) -> set[str]:
    """The names of lists that something is put into."""
    return {bare_name(receiver(site.node, ("append", "extend", "insert"))) for site in body.calls}


# -- what comes before it ---------------------------------------------------------------------------

Before = tuple[tuple[Text, ...], tuple[Condition, ...]]


def _before(
    evaluator: Evaluator, writes: dict[int, int], node: ast.AST, body: Body, depth: int = 0
) -> Before | None:
    """The folders that are looked for and the tests before a node is carried out; None where it may wait for more."""
    order, loops = body.orders.get(id(node), (0, ()))
    if not order or loops or depth > DEEPEST or getattr(node, "lineno", 0) > body.once(_first_end):
        return None
    if writes.get(id(body), LAST) < order:
        return None
    tests = _tests(node, body)
    if tests is None or len(tests) > MANY:
        return None
    looks: list[Text] = []
    conditions: list[Condition] = []
    for test, wanted in tests:
        looked = _looked(evaluator, test, body) if wanted else None
        if looked is not None:
            looks.append(looked)
            continue
        condition = read_test(evaluator, test, body)
        conditions.append(condition if wanted else negated(condition))
    if isinstance(body.owner, ast.Module):
        return tuple(looks), tuple(conditions)
    callers = evaluator.sites.get(id(body.owner), [])
    if len(callers) != 1 or evaluator.named[body.name] != 1:
        return None
    site = callers[0][0]
    above = _before(evaluator, writes, site.node, site.body, depth + 1)
    return None if above is None else ((*above[0], *looks), (*above[1], *conditions))


def _first_end(body: Body) -> float:
    """The first line that may end the function or the script, and not with an error."""
    ends = (
        getattr(one, "lineno", LAST)
        for one in body.nodes
        if isinstance(one, ast.Return) or (isinstance(one, ast.Call) and last_name(one.func) in EXITS)
    )
    return min(ends, default=LAST)


def _writes(evaluator: Evaluator, bodies: list[Body]) -> dict[int, int]:
    """Where each body first may put files somewhere, itself or by what it calls: the orders by the bodies' ids."""
    found: dict[int, int] = {}
    callers: dict[int, list[tuple[int, int]]] = {}
    pending, seen = list(bodies), {id(body) for body in bodies}
    while pending:
        body = pending.pop()
        for site in body.calls:
            inner = _carried_out(evaluator, site)
            if _puts(site.node, bool(inner)):
                found[id(body)] = min(site.order, found.get(id(body), LAST))
            for one in inner:
                callers.setdefault(id(one), []).append((id(body), site.order))
            pending.extend(one for one in inner if id(one) not in seen)
            seen.update(id(one) for one in inner)
    changed = list(found)
    while changed:
        for caller, order in callers.get(changed.pop(), ()):
            if order < found.get(caller, LAST):
                found[caller] = order
                changed.append(caller)
    return found


def _puts(call: ast.Call, own: bool) -> bool:
    """True for a call that may put files somewhere by itself; ``own``: it is of a function of the source."""
    name = last_name(call.func)
    if name == "open":
        return not _only_reads(call)
    return not own and BUSY.search(name) is not None and not IDLE.match(name)


def _carried_out(evaluator: Evaluator, site: CallSite) -> list[Body]:
    """The functions of the source that a call carries out."""
    found: list[Body] = []
    for value in evaluator.evaluate(site.node.func, site.body, site.order).values:
        if isinstance(value, v.Func):
            found.append(value.body)
        elif isinstance(value, v.Klass):
            found.extend(inner for inner in value.body.defined.values() if inner.name == "__init__")
    return found


def _tests(node: ast.AST, body: Body) -> list[tuple[ast.expr, bool]] | None:
    """The tests that a node is under, each with the way that it has to end; None where it is under anything else."""
    found: list[tuple[ast.expr, bool]] = []
    above = body.above(node)
    if not above:
        return None
    for outer, inner in itertools.pairwise(above):
        if isinstance(outer, (ast.If, ast.IfExp)):
            if inner is outer.test or (isinstance(outer, ast.If) and is_main_guard(outer.test)):
                continue
            parts = outer.body if isinstance(outer.body, list) else [outer.body]
            found.extend(_parts(outer.test, any(inner is part for part in parts)))
        elif isinstance(outer, ast.BoolOp):
            if inner is not outer.values[0]:
                return None
        elif isinstance(outer, ast.Try):
            if inner not in outer.body or not all(gives_up(handler) for handler in outer.handlers):
                return None
        elif isinstance(outer, (ast.With, ast.AsyncWith)):
            if any("suppress" in ast.unparse(item.context_expr) for item in outer.items):
                return None
        elif outer is not body.owner and not isinstance(outer, STRAIGHT):
            return None
    return found


def _parts(test: ast.expr, wanted: bool) -> list[tuple[ast.expr, bool]]:
    """What has to hold one by one: the parts of ``a and b``, of ``not (a or b)``."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _parts(test.operand, not wanted)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) is wanted:
        return [part for value in test.values for part in _parts(value, wanted)]
    return [(test, wanted)]


def _looked(evaluator: Evaluator, test: ast.expr, body: Body) -> Text | None:
    """The path of ``os.path.exists(path)``, ``path.is_dir()`` and the like."""
    if not isinstance(test, ast.Call):
        return None
    if evaluator.called(test, body) in LOOKS and test.args:
        return _text(evaluator, test.args[0], body)
    base = receiver(test, ("exists", "is_dir"))
    return _text(evaluator, base, body) if base is not None and not test.args else None


# -- later starts -------------------------------------------------------------------------------------


def read_later_starts(modules: Iterable[Body]) -> Iterator[Habit]:
    """What lets a script find nothing of what its earlier starts kept."""
    for body in modules:
        for node, told in _of_this_start(body.all_nodes):
            yield Habit("own-start", None, told, True, place(node, body))
        for node, told in _keys_of_json(body.all_nodes):
            yield Habit("json-keys", None, told, True, place(node, body))


def _of_this_start(nodes: list[ast.AST]) -> Iterator[tuple[ast.AST, str]]:
    """``if os.path.exists(path): load(path)`` in a folder of checkpoints with the time in its name."""
    named: set[str] = set()
    for node in nodes:
        for left, value in assigned(node) if isinstance(node, ast.Assign) else ():
            written = f"{ast.unparse(left)} = {ast.unparse(value)}"
            timed = NOW.search(written) is not None and FOLDER.search(written) is not None
            if timed or any(isinstance(one, ast.Name) and one.id in named for one in ast.walk(value)):
                named.add(bare_name(left))
        if isinstance(node, ast.If) and named and isinstance(node.test, ast.Call):
            asked = {one.id for one in ast.walk(node.test) if isinstance(one, ast.Name)} & named
            loads = any(
                isinstance(one, ast.Call) and RESTORES.search(last_name(one.func))
                for step in node.body
                for one in ast.walk(step)
            )
            if asked and loads and last_name(node.test.func) in ("exists", "isfile", "is_file"):
                yield node.test, ast.unparse(node.test)


def _keys_of_json(nodes: list[ast.AST]) -> Iterator[tuple[ast.AST, str]]:
    """``if epoch in done``, where ``done`` is an empty mapping or what ``json.load`` gave, and ``epoch`` counts."""
    made: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for left, value in assigned(node):
                empty = isinstance(value, ast.Dict) and not value.keys
                loads = isinstance(value, ast.Call) and ast.unparse(value.func) in ("json.load", "json.loads")
                made.setdefault(ast.unparse(left), set()).add("{}" if empty else "json" if loads else "")
    mappings = {name for name, kinds in made.items() if kinds == {"{}", "json"}}
    numbers = {
        bare_name(node.target) for node in nodes if isinstance(node, ast.For) and is_call(node.iter, "range")
    }
    for node in nodes if mappings else ():
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], (ast.In, ast.NotIn)):
            continue
        if bare_name(node.left) in numbers - {""} and ast.unparse(node.comparators[0]) in mappings:
            yield node, ast.unparse(node)

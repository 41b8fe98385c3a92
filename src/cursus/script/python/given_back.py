"""What functions of the source give back, where that cannot be used as it is.

Each finding is a ``Habit``: ``unpacked`` (a tuple that is unpacked into more or fewer names than it has values),
``nothing-back`` (what a function gives that returns nothing is looked into, joined, or set as a handler) and
``adds-nothing`` (a function that only computes something is called, and nobody takes what it gives).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.evaluation.given import call_of, plain_function
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import bare_name, receiver

TAKERS = frozenset({"os.path.join", "open", "len", "int", "float", "signal.signal", "atexit.register"})
"""Functions that raise an error where they get None."""


COMPUTES = frozenset({"min", "max", "abs", "round", "len", "sum", "math.cos", "math.exp"})
"""Functions that do nothing but compute: ``float`` and others may be called to see whether they raise an error."""
NUMBER = re.compile(
    r"^(?:lr|learning_rate|rate|eps|epsilon|temperature|alpha|beta|gamma|momentum|\w*_(?:lr|rate|count))$"
)
NOTHING = frozenset(
    {
        "json.dump",
        "pickle.dump",
        "random.shuffle",
        "random.seed",
        "os.makedirs",
        "os.remove",
        "shutil.rmtree",
        "time.sleep",
    }
)
"""Functions of Python's that give nothing back."""


def read_given_back(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """Everything of this kind in the bodies that run."""
    for body, sure in reached:
        certain = body.certain if sure else set()
        for node in body.nodes:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Tuple, ast.List)):
                told = _unpacked(evaluator, node.targets[0].elts, node.value, body)
                if told:
                    yield Habit("unpacked", None, told, id(node.value) in certain, place(node, body))
            call = node.value if isinstance(node, ast.Expr) else None
            made = plain_function(evaluator, call, body) if isinstance(call, ast.Call) else None
            if call is not None and made is not None and _only_computes(made):
                yield Habit("adds-nothing", None, ast.unparse(call)[:80], sure, place(node, body))
            for used in _looked_into(evaluator, node, body):
                call = call_of(used, body)
                if call is not None and _gives_nothing(evaluator, call, body):
                    told = f"{ast.unparse(call.func)}()"
                    yield Habit("nothing-back", None, told, id(node) in certain, place(node, body))


def _only_computes(function: Body) -> bool:
    """True for a function that sets names of its own and calls nothing but what computes: ``lr = lr * 0.1``."""
    owner = function.owner
    if not isinstance(owner, ast.FunctionDef):
        return False
    given = {one.arg for one in owner.args.args}
    sets = False
    for node in function.nodes:
        stored = isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load)
        if stored or isinstance(node, (ast.Await, ast.NamedExpr, ast.Lambda)):
            return False
        if isinstance(node, ast.Call):
            if ast.unparse(node.func) not in COMPUTES:
                return False
        elif isinstance(node, ast.AugAssign):  # which changes an array in place
            if not NUMBER.search(ast.unparse(node.target)):
                return False
            sets = sets or bare_name(node.target) in given
        elif isinstance(node, ast.Assign):
            sets = sets or any(bare_name(one) in given for one in node.targets)
        elif isinstance(node, ast.stmt) and not isinstance(node, (ast.If, ast.Return, ast.Expr, ast.Pass)):
            return False
    return sets


def _unpacked(evaluator: Evaluator, names: list[ast.expr], value: ast.expr, body: Body) -> str:
    """What is wrong with names that a tuple is unpacked into; empty where nothing is, and for lists, which may grow."""
    call = call_of(value, body)
    function = None if call is None else plain_function(evaluator, call, body)
    if call is None or function is None:
        return ""
    given = [function.only(one.id) if isinstance(one, ast.Name) else one for one, _ in function.returns]
    items: list[list[ast.expr]] = [
        one.elts if isinstance(one, ast.Tuple) else [ast.Starred(value)] for one in given
    ]
    counts = {len(each) for each in items}
    if len(counts) != 1 or len(names) in counts or _spread(names) or any(map(_spread, items)):
        return ""
    return f"{ast.unparse(call.func)}() gives {counts.pop()} values, and {len(names)} names take them"


def _spread(items: list[ast.expr]) -> bool:
    return any(isinstance(one, ast.Starred) for one in items)


def _looked_into(evaluator: Evaluator, node: ast.AST, body: Body) -> list[ast.expr]:
    """What must not be None for a node to be carried out."""
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        return [node.value]
    if isinstance(node, ast.Call) and evaluator.called(node, body) in TAKERS:
        return list(node.args)
    if receiver(node, ("write",)) is not None and isinstance(node, ast.Call):
        return [one for one in node.args if isinstance(one, ast.Call)]
    if isinstance(node, ast.For):
        return [node.iter]
    return []


def _gives_nothing(evaluator: Evaluator, call: ast.Call, body: Body) -> bool:
    """True for the call of a function that only ever returns None, and is no sketch of one."""
    if evaluator.called(call, body) in NOTHING:
        return True
    function = plain_function(evaluator, call, body)
    owner = function.owner if function is not None else None
    if (
        function is None
        or not isinstance(owner, ast.FunctionDef)
        or isinstance(owner.body[-1], (ast.Raise, ast.Pass))
    ):
        return False
    sketch = isinstance(owner.body[-1], ast.Expr) and isinstance(owner.body[-1].value, ast.Constant)
    return not sketch and all(getattr(node, "value", node) is None for node, _ in function.returns)

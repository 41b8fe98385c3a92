"""Tests of a script that a request may decide: of an argument, of a variable, of being the first process."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import replace

from cursus.script.evaluation import values as v
from cursus.script.evaluation.converters import converter
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import ArgPart, Condition, Const, EnvPart, Part, Text
from cursus.script.syntax.bodies import PERHAPS, Body, CallSite
from cursus.script.syntax.nodes import DEFINITIONS, bare_name

FIRST = re.compile(
    r"(?:[\w.]+\.)?(?:get_|local_|global_|world_|node_)*(?:rank|process_index)(?:\(\))? "
    r"(?:(?P<sign>==|!=|>|<=) 0|(?P<sign2>in|not in) [\[(]-1, 0[\])])"
    r"|(?P<no>not )?(?:[\w.]+\.)?is_(?:local_|world_|global_)?(?:main|master|zero|first|root|primary|chief)\w*(?:\(\))?"
)
"""A test of the number of the process, as it is written."""
FIRST_HOST = re.compile(
    r"[\w.]*host(?:_?name)? (?P<sign>==|!=) (?:[\w.]*hosts\[0\]|'algo-1'|[\w.]*(?:master|chief|leader)\w*)"
    r"|[\w.]*host_?(?:rank|index|id|num\w*) (?P<sign2>==|!=|>) 0"
)
SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "==",
    ast.IsNot: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
}
LEAVES = (ast.Return, ast.Break, ast.Continue, ast.Raise)
OTHER = Condition("")
MANY = 25
"""Tests around one statement; what more of them ask is not known."""
PLAIN = (ast.If, ast.With, ast.AsyncWith, ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)
TESTS = (ast.BoolOp, ast.Compare, ast.UnaryOp, ast.Call)
"""What a test may be that has a name, or is what a function gives."""
DEEPEST = 4
"""Functions one in another that are followed."""


def of_first(test: ast.expr) -> bool | None:
    """True for a test that the first process alone passes, False for one that all others pass, None for any other."""
    written = ast.unparse(test)
    found = FIRST.fullmatch(written)
    if found is not None:
        sign = found["sign"] or found["sign2"]
        return sign in ("==", "<=", "in") if sign else not found["no"]
    host = FIRST_HOST.fullmatch(written)
    return None if host is None else (host["sign"] or host["sign2"]) == "=="


def negated(condition: Condition) -> Condition:
    """What holds where ``condition`` does not."""
    return condition.inner[0] if condition.kind == "not" else Condition("not", inner=(condition,))


def told(tests: Iterable[Condition]) -> str:
    """Tests as they are written, for a message; empty where one of them cannot be shown."""
    found = [_told(test) for test in tests]
    return " and ".join(found) if all(found) else ""


def _told(test: Condition) -> str:
    inner = [_told(one) for one in test.inner]
    if test.kind in ("and", "or") and all(inner):
        return f" {test.kind} ".join(inner)
    return f"not {inner[0]}" if test.kind == "not" and inner[0] else test.written


def conditions(
    evaluator: Evaluator, tests: Iterable[tuple[ast.expr, bool]], body: Body
) -> tuple[Condition, ...]:
    """Tests with the way that each has to end."""
    tests = tuple(tests)
    if len(tests) > MANY:
        return (OTHER,)
    read = ((read_test(evaluator, test, body), wanted) for test, wanted in tests)
    return tuple(condition if wanted else negated(condition) for condition, wanted in read)


def around(evaluator: Evaluator, site: CallSite, depth: int = 0) -> tuple[Condition, ...]:
    """What has to hold for a call: the tests that it is under, and those of the one call of its function."""
    found = conditions(evaluator, site.tests, site.body)
    owner = site.body.owner
    callers = evaluator.sites.get(id(owner), [])
    if not isinstance(owner, ast.FunctionDef) or len(callers) != 1 or depth >= DEEPEST:
        return found
    if evaluator.named[owner.name] == 1:  # nothing else names it, as a callback or a method of another class
        found += around(evaluator, callers[0][0], depth + 1)
    return found


def only_tests(evaluator: Evaluator, site: CallSite, depth: int = 0) -> bool:
    """True where nothing but the tests of ``around`` stands before a call."""
    owner = site.body.owner
    if isinstance(owner, (ast.Lambda, ast.ClassDef)) or not _plainly(site.body, site.node):
        return False
    if isinstance(owner, ast.Module):
        return True
    callers = evaluator.sites.get(id(owner), [])
    if not isinstance(owner, ast.FunctionDef) or len(callers) != 1 or depth >= DEEPEST:
        return False
    return evaluator.named[owner.name] == 1 and only_tests(evaluator, callers[0][0], depth + 1)


def _plainly(body: Body, node: ast.Call) -> bool:
    """True where a body comes to a call, but for tests: no loop, no ``try``, no way out before it."""
    path, behind = body.above(node), body.top.once(_behind)
    for each in path[1:]:
        if isinstance(each, PERHAPS) or id(each) in behind:
            return False
        if isinstance(each, ast.stmt) and not isinstance(each, PLAIN):
            return False
    return bool(path)


def _behind(module: Body) -> set[int]:
    """The statements of a module that stand behind one, in the same list, with a way out of it."""
    leaving: set[int] = set()
    for node in reversed(module.all_nodes):  # what is inside comes first
        if isinstance(node, LEAVES) or any(id(child) in leaving for child in ast.iter_child_nodes(node)):
            leaving.add(id(node))
    found: set[int] = set()
    for node in module.all_nodes:
        for block in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
            left = False
            for statement in block if isinstance(block, list) else ():
                if left:
                    found.add(id(statement))
                left = left or (id(statement) in leaving and not isinstance(statement, DEFINITIONS))
    return found


def read_test(evaluator: Evaluator, test: ast.expr, body: Body, depth: int = 0) -> Condition:
    """A test as far as a request may decide it."""
    first = of_first(test)
    if first is None:
        return _read(evaluator, test, body, depth)
    read = _read(evaluator, test, body, depth)
    inner = () if read == OTHER else (read if first else negated(read),)
    only = Condition("first", inner=inner, written=ast.unparse(test))
    return only if first else negated(only)


def _read(evaluator: Evaluator, test: ast.expr, body: Body, depth: int) -> Condition:
    if isinstance(test, ast.BoolOp):
        kind = "and" if isinstance(test.op, ast.And) else "or"
        return Condition(kind, inner=tuple(read_test(evaluator, one, body, depth) for one in test.values))
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return negated(read_test(evaluator, test.operand, body, depth))
    if isinstance(test, ast.Compare):
        return _comparison(evaluator, test, body)
    made, around = made_by(evaluator, test, body)
    if made is not test and isinstance(made, TESTS) and depth < DEEPEST:
        return read_test(evaluator, made, around, depth + 1)
    if isinstance(test, ast.Call) and len(test.args) == 1 and not test.keywords:
        asked = _atom(evaluator, test.args[0], body, "truth", None)
        made_of = converter(evaluator, test.func, body) if asked.part is not None else None
        if made_of is not None and isinstance(evaluator.value(test.func, body), v.Func):
            return replace(asked, written=ast.unparse(test), made=made_of)
    return _atom(evaluator, test, body, "truth", None)


def made_by(evaluator: Evaluator, node: ast.expr, body: Body) -> tuple[ast.expr, Body]:
    """What a name is set to, or a function of the source gives, where it is that alone; and where it stands."""
    if isinstance(node, ast.Name):
        return (body.only(node.id) or node), body
    callee = evaluator.value(node.func, body) if isinstance(node, ast.Call) else None
    owner = callee.body.owner if isinstance(callee, v.Func) and not callee.body.bindings else None
    last = owner.body[-1] if isinstance(owner, ast.FunctionDef) else None
    if isinstance(callee, v.Func) and isinstance(last, ast.Return) and len(callee.body.returns) == 1:
        return (last.value or node), callee.body
    return node, body


def _comparison(evaluator: Evaluator, test: ast.Compare, body: Body) -> Condition:
    sign = SIGNS.get(type(test.ops[0]), "") if len(test.ops) == 1 else ""
    left, right = test.left, test.comparators[0]
    if sign in ("in", "not in") and evaluator.value(right, body) == v.Special("environ"):
        name = evaluator.value(left, body)
        if isinstance(name, Text) and name.literal:
            there = Condition("set", EnvPart(name.literal), written=ast.unparse(test))
            return there if sign == "in" else negated(there)
    value = _constant(evaluator.value(right, body))
    return _atom(evaluator, left, body, sign, value) if sign and value is not ... else OTHER


def _atom(evaluator: Evaluator, node: ast.expr, body: Body, kind: str, value: object) -> Condition:
    plain, around, number = _number_of(evaluator, node, body)
    found = evaluator.evaluate(plain, around)
    written = ast.unparse(node) if kind == "truth" else f"{ast.unparse(node)} {kind} {value!r}"
    constant = _constant(found.only)
    if constant is not ... and found.sure:
        return Condition("known", None, compare(kind, constant, value), written=written)
    part: Part | None = found.only.only if isinstance(found.only, Text) else None
    if not isinstance(part, (ArgPart, EnvPart)):
        return OTHER
    return Condition(kind, part, value, written=written, number=number)


def _number_of(evaluator: Evaluator, node: ast.expr, body: Body) -> tuple[ast.expr, Body, bool]:
    """``x`` and True of ``int(x)``, also by a name or a function that is it alone; any other expression as it is."""
    made, around = made_by(evaluator, node, body)
    if isinstance(made, ast.Call) and bare_name(made.func) in ("int", "float") and len(made.args) == 1:
        return made.args[0], around, True
    return node, body, False


def _constant(value: v.Value) -> object:
    """The value of a constant, of a text, of a list of these; ``...`` where it is not known."""
    if isinstance(value, Const):
        return value.value
    if isinstance(value, Text):
        return value.literal if value.literal is not None else ...
    if isinstance(value, v.Items):
        items = tuple(_constant(item) for item in value.items)
        return ... if ... in items else items
    return ...


def compare(kind: str, left: object, right: object) -> bool | None:
    """How a comparison ends; None where these two cannot be compared so."""
    try:
        if kind == "truth":
            return bool(left)
        if kind in ("==", "!="):
            return (left == right) is (kind == "==")
        if kind in ("in", "not in") and isinstance(right, (tuple, str)):
            return (left in right) is (kind == "in")
        if isinstance(left, (int, float)) and isinstance(right, (int, float)):
            return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}.get(kind)
    except TypeError:
        pass
    return None

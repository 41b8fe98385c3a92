"""What a call of a function of the source surely gives."""

from __future__ import annotations

import ast

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.syntax.bodies import Body
from cursus.script.syntax.nodes import bare_name, last_name


def call_of(node: ast.expr, body: Body) -> ast.Call | None:
    """The call whose result an expression is; a name that is tested somewhere may have another one by then."""
    if isinstance(node, ast.Name):
        made = body.only(node.id)
        return made if isinstance(made, ast.Call) and node.id not in body.once(_tested) else None
    return node if isinstance(node, ast.Call) else None


def _tested(body: Body) -> set[str]:
    tests = (one.test for one in body.nodes if isinstance(one, (ast.If, ast.IfExp, ast.While, ast.Assert)))
    named = {bare_name(one) for test in tests for one in ast.walk(test)}
    return named | {bare_name(one) for op in body.nodes if isinstance(op, ast.BoolOp) for one in ast.walk(op)}


def plain_function(evaluator: Evaluator, call: ast.Call, body: Body) -> Body | None:
    """The function of the source that a call surely carries out, where it gives what its ``return`` says."""
    value = evaluator.value(call.func, body)
    owner = value.body.owner if isinstance(value, v.Func) else None
    method = isinstance(call.func, ast.Attribute) and last_name(call.func.value) in ("self", "cls")
    if not isinstance(owner, ast.FunctionDef) or owner.decorator_list or method:
        return None
    return value.body if isinstance(value, v.Func) and not value.body.once(is_generator) else None


def is_generator(body: Body) -> bool:
    """True for a function that yields."""
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in body.nodes)

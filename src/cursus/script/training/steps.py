"""The steps of an optimizer of PyTorch that train nothing.

Each finding is a ``Habit``: ``empty-step`` (a step when all gradients are set to zero), ``never-steps`` (gradients are
worked out, and no optimizer steps) and ``replaced-later`` (what is trained is made anew once the optimizer has its
parameters).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import bare_name, everything_given, last_name, mentions, receiver

OPTIMIZER = re.compile(
    r"^(?:torch\.)?optim\.[A-Z]\w*$|^(?:SGD|Adam|AdamW|RMSprop|Adagrad|Adadelta|NAdam|RAdam|LBFGS)$"
)
SCHEDULER = re.compile(r"sched|warm", re.IGNORECASE)
LAYERS = re.compile(r"^(?:torch\.)?nn\.[A-Z]\w+$")


def read_steps(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    walked = [(body, body.all_nodes) for body in modules]
    everything = [node for _, nodes in walked for node in nodes]
    idle = _never_steps(everything)
    for body, step in _never_cleared(walked, everything):
        yield Habit("never-cleared", None, ast.unparse(step), True, place(step, body))
    for body, nodes in walked:
        for node in nodes:
            if isinstance(node, (ast.For, ast.While)):
                for step in _empty_steps(node):
                    yield Habit("empty-step", None, ast.unparse(step), True, place(step, body))
            elif node is idle:
                yield Habit("never-steps", None, ast.unparse(node), True, place(node, body))
            block = getattr(node, "body", None)
            for later in _replaced(block) if isinstance(block, list) else ():
                yield Habit("replaced-later", None, ast.unparse(later.targets[0]), True, place(later, body))


def _never_steps(nodes: list[ast.AST]) -> ast.AST | None:
    """The optimizer that is made, where gradients are worked out and nothing makes use of them."""
    made = [node for node in nodes if isinstance(node, ast.Assign) and _is_optimizer(node.value)]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    if len(made) != 1 or not any(receiver(call, ("backward",)) is not None for call in calls):
        return None
    name = ast.unparse(made[0].targets[0])
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr in ("grad", "step"):
            if node.attr == "grad" or not SCHEDULER.search(ast.unparse(node.value)):
                return None
        elif isinstance(node, ast.Call) and not SCHEDULER.search(ast.unparse(node.func)):
            if name in {ast.unparse(given) for given in everything_given(node)}:
                return None
        elif isinstance(node, (ast.Return, ast.Tuple, ast.Dict)) and mentions(node, name):
            return None
    return made[0]


def _never_cleared(
    walked: list[tuple[Body, list[ast.AST]]], everything: list[ast.AST]
) -> Iterator[tuple[Body, ast.AST]]:
    """``backward()`` and ``optimizer.step()`` in a loop, where nothing in the source sets a gradient to zero."""
    for node in everything:
        if isinstance(node, ast.Attribute) and node.attr in ("zero_grad", "grad", "zero_", "fit"):
            return
        if isinstance(node, (ast.Name, ast.arg)) and "zero_grad" in (
            getattr(node, "id", ""),
            getattr(node, "arg", ""),
        ):
            return
    optimizers = {
        ast.unparse(node.targets[0])
        for node in everything
        if isinstance(node, ast.Assign) and _is_optimizer(node.value)
    }
    for body, nodes in walked:
        for loop in nodes:
            if not isinstance(loop, (ast.For, ast.While)):
                continue
            calls = [
                one for one in loop.body if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call)
            ]
            steps = [one for one in calls if ast.unparse(receiver(one.value, ("step",)) or one) in optimizers]
            if steps and any(receiver(one.value, ("backward",)) is not None for one in calls):
                yield body, steps[0].value
                return


def _is_optimizer(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and bool(OPTIMIZER.search(ast.unparse(value.func)))


def _empty_steps(loop: ast.For | ast.While) -> Iterator[ast.stmt]:
    """``zero_grad(); step(); backward()``: in the second round too the step finds nothing."""
    events = [(kind, statement, name) for statement in loop.body for kind, name in _event(statement)]
    if not any(kind == "backward" for kind, _, _ in events):
        return
    for name in {name for kind, _, name in events if kind == "step"}:
        full = False
        for at, (kind, statement, about) in enumerate([*events, *events]):
            if kind == "backward":
                full = True
            elif kind == "zero" and about == name:
                full = False
            elif kind == "step" and about == name and not full and at >= len(events):
                yield statement
                break


def _event(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """What a statement of a loop does to gradients, and by which optimizer."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and not call.args and not call.keywords:
        optimizer = receiver(call, ("step", "zero_grad"))
        if optimizer is not None:
            yield "step" if last_name(call.func) == "step" else "zero", ast.unparse(optimizer)
            return
    elif isinstance(call, ast.Call) and last_name(call.func) == "step" and len(call.args) == 1:
        yield "step", ast.unparse(call.args[0])  # scaler.step(optimizer)
        return
    if any(isinstance(one, ast.Attribute) and "backward" in one.attr for one in ast.walk(statement)):
        yield "backward", ""


def _replaced(block: list[ast.stmt]) -> Iterator[ast.Assign]:
    """``model.fc = nn.Linear(…)`` behind ``optim.SGD(model.parameters())``, and no optimizer after it."""
    optimized = ""
    found: list[ast.Assign] = []
    for statement in block:
        inside = list(ast.walk(statement))
        if any(isinstance(one, ast.Assign) and _is_optimizer(one.value) for one in inside) or any(
            isinstance(one, ast.Attribute) and one.attr == "add_param_group" for one in inside
        ):
            given = [receiver(one, ("parameters",)) for one in inside]
            optimized = next((bare_name(one) for one in given if bare_name(one)), "")
            found = []
        elif optimized and isinstance(statement, ast.Assign) and _is_new(statement, optimized):
            found.append(statement)
    yield from found


def _is_new(statement: ast.Assign, model: str) -> bool:
    """True for a layer of the model that is made, and for a model that is made without the one before."""
    target, value = statement.targets[0], statement.value
    if not isinstance(value, ast.Call) or mentions(value, model):
        return False
    if isinstance(target, ast.Attribute) and ast.unparse(target).startswith(f"{model}."):
        return bool(LAYERS.search(ast.unparse(value.func))) and "Loss" not in ast.unparse(value.func)
    return bare_name(target) == model and last_name(value.func)[:1].isupper()

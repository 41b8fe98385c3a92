"""Programs that a script starts, and whose failure does not become its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.source.shell import lost_statuses
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import FUNCTIONS, given_for, last_name, receiver, string

STARTS = frozenset(
    {"os.system", "subprocess.call", "subprocess.run", "subprocess.Popen", "subprocess.getoutput", "os.popen"}
)
PROGRAM = re.compile(
    r"""(?:^\[?f?['"]?\{?|(?:&&|;)\s*)(?:\w+=\S*\s+)*"""
    r"""(?:sys\.executable|(?:/bin/)?(?:ba)?sh['"], (?!['"]-)|"""
    r"""[\w/.-]*(?:\bpython[0-9.]*|\btorchrun|\baccelerate|\bdeepspeed|\.py)\b)"""
    r"""(?!['",\s}]*-m['",\s]*pip\b)"""
)
"""How a command begins that starts a script, or a program in Python: what only installs or copies is none."""
GETS = re.compile(r"""['"\s](?:download(?:er)?|install|uninstall|login|--version)\b""")
DEEPEST = 3
"""Functions one in another that are followed to who calls them."""


def shell_command(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``os.system("python fit.py | tee log")``: the shell drops the status before anyone can look at it."""
    if not node.args or not evaluator.called(node, body).startswith(("os.system", "subprocess.")):
        return
    given = evaluator.value(node.args[0], body)
    text = (
        "".join(part if isinstance(part, str) else "x" for part in given.parts)
        if isinstance(given, Text)
        else ""
    )
    for lost in lost_statuses(text) if "|" in text or "&" in text or ";" in text else ():
        yield Habit("dropped", None, f"in {text[:60]!r} {lost.how}: the shell", sure, place(node, body))


def unread_status(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``running.append(Popen([sys.executable, …]))`` of what is waited for, and whose status nobody reads."""
    if (
        evaluator.mentioned & {"returncode", "poll", "check_call", "check_output"}
        or last_name(node.func) != "Popen"
    ):
        return
    if PROGRAM.search(" ".join(_written(evaluator, body, given) for given in node.args)) is None:
        return
    if body.once(_only_awaited):
        yield Habit("dropped", None, "Popen whose returncode nobody reads", sure, place(node, body))


def _only_awaited(body: Body) -> bool:
    waits = {id(one) for one in body.nodes if receiver(one, ("wait", "communicate")) is not None}
    dropped = {id(one.value) for one in body.nodes if isinstance(one, ast.Expr)}
    dropped |= {  # what communicate() gives is what was printed
        id(one.value)
        for one in body.nodes
        if isinstance(one, ast.Assign) and receiver(one.value, ("communicate",))
    }
    return bool(waits) and waits <= dropped


def unchecked(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """A program in Python that is started without a look at how it ended."""
    name = evaluator.called(node, body)
    if name in STARTS and _starts_work(" ".join(_written(evaluator, body, given) for given in node.args)):
        checked = any(k.arg in ("check", None) and getattr(k.value, "value", True) for k in node.keywords)
        if not (checked and name == "subprocess.run"):
            yield Habit("dropped", None, f"{name} whose exit code nobody reads", sure, place(node, body))


def _starts_work(command: str) -> bool:
    """True for a command that starts a program in Python which does more than to get something."""
    return PROGRAM.search(command) is not None and GETS.search(command) is None


def _written(evaluator: Evaluator, body: Body, node: ast.expr, depth: int = 0) -> str:
    """A command as it is written, where it has a name first (``cmd = [sys.executable, "fit.py"]``) or is handed in."""
    known = body.bindings.get(node.id, []) if isinstance(node, ast.Name) else []
    made = known[0].node if len(known) == 1 else None
    owner, sites = body.owner, evaluator.sites.get(id(body.owner), [])
    if isinstance(made, ast.arg) and isinstance(owner, FUNCTIONS) and sites and depth < DEEPEST:
        site, _, bound = sites[0]
        given = given_for(site.node, made.arg, [one.arg for one in owner.args.args], bound)
        return "" if given is None else _written(evaluator, site.body, given, depth + 1)
    return _filled(made if isinstance(made, ast.expr) else node)


def _filled(node: ast.expr) -> str:
    """How an expression is written, a template with what is put into it."""
    template = string(receiver(node, ("format",)))
    given = node.args if isinstance(node, ast.Call) else []
    holes = r"\{[^{}]*\}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        template, holes = string(node.left), r"%[sdr]"
        given = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    if template is None:
        return ast.unparse(node)
    values = iter(given)
    filled = re.sub(holes, lambda _: f"{{{ast.unparse(next(values, ast.Constant(0)))}}}", template)
    return f"f'{filled}'"

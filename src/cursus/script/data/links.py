"""Links and folders that a script makes: links to what stays behind, and what a loop makes a second time.

Each finding is a ``Habit``: ``linked`` (``text`` is the link, ``detail`` what it leads to) and ``made-again`` (a link
or folder that each round of a loop makes at the same place; ``sure``: of a loop with more than one round).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.syntax.bodies import Body, CallSite, place, rounds
from cursus.script.syntax.nodes import bare_name, is_main_guard, last_name, may_exist

MAKES = {"os.symlink": 1, "os.link": 1, "os.mkdir": 0, "os.makedirs": 0}
"""Calls that fail where there is something already, and the position of its path."""
TAKES_CARE = frozenset(
    {"remove", "unlink", "rmtree", "rmdir", "exists", "lexists", "islink", "isdir", "is_dir", "isfile"}
    | {"is_symlink", "rename", "replace", "move", "suppress"}
)
ELSEWHERE = frozenset({"chdir", "system", "run", "call", "check_call", "check_output", "Popen"})
"""What changes the folder, or may clear it away."""
JOINS = frozenset({"join", "str", "Path", "format", "abspath", "realpath", "dirname"})
Loop = ast.For | ast.While
DEEPEST = 3
"""Functions one in another that are followed to the loop around their calls."""


def read_links(
    evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]], reached: Iterable[tuple[Body, bool]]
) -> Iterator[Habit]:
    """Everything of this kind among ``calls``; ``reached`` are the bodies that run, and whether each time."""
    surely = {id(body) for body, sure in reached if sure}
    for site, sure in calls:
        node, name = site.node, evaluator.called(site.node, site.body)
        if name not in MAKES or len(node.args) <= MAKES[name] or may_exist(node):
            continue
        where = place(node, site.body)
        if name == "os.symlink":
            target, link = (v.as_path(evaluator.value(one, site.body)) for one in node.args[:2])
            if isinstance(link, Text) and isinstance(target, Text) and target.literal is not None:
                yield Habit("linked", link, target.literal, sure, where)
        found = _around(evaluator, site, node.args[MAKES[name]], 0)
        if found is not None:
            loop, body = found
            block = [] if isinstance(body.owner, ast.Lambda) else body.owner.body
            always = id(body) in surely and not _guarded(block, loop)
            yield Habit("made-again", None, name, always and rounds(loop) > 1, where)


def _around(evaluator: Evaluator, site: CallSite, path: ast.expr, depth: int) -> tuple[Loop, Body] | None:
    """The loop, and where it is, in which a call is made again and again with the same path, or its function."""
    owner = site.body.owner
    names = _names(path, site.body)
    if names is None or isinstance(owner, (ast.Lambda, ast.ClassDef)):
        return None
    holding = [
        one for one in ast.walk(owner) if isinstance(one, (ast.For, ast.While)) and _holds(one, site.node)
    ]
    if holding:
        loop = holding[-1]
        stored = {
            _root(one)
            for one in ast.walk(loop)
            if isinstance(one, (ast.Name, ast.Attribute, ast.Subscript)) and not isinstance(one.ctx, ast.Load)
        }
        stored.update(*(one.globals for one in evaluator.bodies))
        called = {last_name(one.func) for one in ast.walk(loop) if isinstance(one, ast.Call)}
        if names & stored or called & (ELSEWHERE | _clearing(evaluator)) or _careful(loop.body, site.node):
            return None
        return loop, site.body
    callers = evaluator.sites.get(id(owner), [])
    if (
        isinstance(owner, ast.Module)
        or len(callers) != 1
        or depth > DEEPEST
        or _careful(owner.body, site.node)
    ):
        return None
    caller = callers[0][0]
    if evaluator.named[owner.name] != 1 or any(isinstance(one, ast.Starred) for one in caller.node.args):
        return None
    given = dict(zip((one.arg for one in owner.args.args), caller.node.args, strict=False))
    given.update({one.arg: one.value for one in caller.node.keywords if one.arg})
    local = names & ({one.arg for one in owner.args.args} | set(site.body.bindings))
    if not local <= set(given):
        return None  # the path is made of what the function itself puts together
    return _around(
        evaluator, caller, ast.Tuple([given[name] for name in sorted(local)], ast.Load()), depth + 1
    )


def _clearing(evaluator: Evaluator) -> set[str]:
    """The functions of the source that look whether something is there, or clear it away."""
    return {
        one.name
        for one in evaluator.bodies
        if any(last_name(site.node.func) in TAKES_CARE for site in one.calls)
    } - {"<module>"}


def _root(node: ast.AST) -> str:
    """``settings`` of ``settings.folder`` and of ``settings["folder"]``."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return bare_name(node)


def _names(path: ast.expr, body: Body, depth: int = 0) -> set[str] | None:
    """The names that a path is put together from; None where something else may be in it."""
    found: set[str] = set()
    for node in ast.walk(path):
        if isinstance(node, ast.Call) and last_name(node.func) not in JOINS:
            return None
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            found.add(_root(node))
        if isinstance(node, ast.Name):
            made = body.only(node.id)
            inner = _names(made, body, depth + 1) if made is not None and depth < DEEPEST else None
            found |= inner if inner is not None and made is not path else {node.id}
    return found


def _holds(loop: Loop, node: ast.AST) -> bool:
    return any(one is node for step in loop.body for one in ast.walk(step))


def _careful(block: list[ast.stmt], node: ast.AST) -> bool:
    """True where a call stands under a test or in ``try``, beside one that looks or clears away, or the loop ends."""
    nodes = [one for step in block for one in ast.walk(step)]
    if any(isinstance(one, (ast.Break, ast.Raise)) for one in nodes):
        return True
    if any(isinstance(one, ast.Call) and last_name(one.func) in TAKES_CARE for one in nodes):
        return True
    return _guarded(block, node)


def _guarded(block: list[ast.stmt], node: ast.AST) -> bool:
    """True where ``node`` stands under a test, in ``try`` or in a loop of ``block``."""
    nodes = [one for step in block for one in ast.walk(step)]
    guards = (one for one in nodes if isinstance(one, (ast.If, ast.Try, ast.While, ast.For, ast.IfExp)))
    return any(
        any(inner is node for inner in ast.walk(one))
        for one in guards
        if one is not node and not (isinstance(one, ast.If) and is_main_guard(one.test))
    )

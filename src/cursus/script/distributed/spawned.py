"""Processes that a script starts anew while it is imported: ``no-main-guard``.

A process that is started by ``spawn`` imports the script again, and what stands outside of
``if __name__ == "__main__"`` would start processes in it, which Python refuses: "An attempt has been made to start a
new process before the current process has finished its bootstrapping phase".
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import bare_name, last_name, receiver, string

STARTS = frozenset({"Pool", "Process", "ProcessPoolExecutor"})
SPAWNS = ("mp.spawn", "multiprocessing.spawn")
MODULES = ("multiprocessing", "torch.multiprocessing", "concurrent.futures")
STRAIGHT = (ast.Expr, ast.Assign, ast.With, ast.For)
"""Statements that surely run what is in them."""
DEEPEST = 20


def read_spawned(entry: Body) -> Iterator[Habit]:
    """The first of these calls that the entry point reaches without a guard."""
    calls = [node for node in entry.all_nodes if isinstance(node, ast.Call)]
    if not isinstance(entry.owner, ast.Module) or not any(map(_new, calls)):
        return
    always = any(last_name(one.func) == "set_start_method" and _new(one) for one in calls)
    functions = {one.name: one for one in entry.all_nodes if isinstance(one, ast.FunctionDef)}
    for call in _reached(entry.owner.body, functions):
        made = receiver(call, STARTS)
        kept = entry.only(bare_name(made)) if bare_name(made) else made
        spawns = isinstance(kept, ast.Call) and last_name(kept.func) == "get_context" and _new(kept)
        starts = always and last_name(call.func) in STARTS and _of_processes(call, entry)
        if spawns or starts or ast.unparse(call.func).endswith(SPAWNS):
            yield Habit("no-main-guard", None, ast.unparse(call.func)[:60], True, place(call, entry))
            return


def _of_processes(call: ast.Call, entry: Body) -> bool:
    """True for ``mp.Process``; psutil has a Process too, which starts nothing."""
    names = {
        one.asname or one.name.partition(".")[0]
        for node in entry.all_nodes
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for one in node.names
        if f"{getattr(node, 'module', None) or ''}.{one.name}".lstrip(".").startswith(MODULES)
    }
    written = ast.unparse(call.func)
    return written.partition(".")[0] in names or "multiprocessing." in written


def _new(call: ast.Call) -> bool:
    """True for a call that starts processes anew, or says that they are started so."""
    if last_name(call.func) in ("set_start_method", "get_context"):
        return bool(call.args) and string(call.args[0]) in ("spawn", "forkserver")
    return ast.unparse(call.func).endswith(SPAWNS)


def _reached(
    block: list[ast.stmt], functions: dict[str, ast.FunctionDef], depth: int = 0
) -> Iterator[ast.Call]:
    """The calls of a block, and of the functions that it calls, each once; none behind a condition."""
    for statement in block if depth < DEEPEST else ():
        if not isinstance(statement, STRAIGHT):
            continue
        inner: list[ast.stmt] = getattr(statement, "body", [])
        heads: list[ast.AST] = [statement]
        if isinstance(statement, ast.With):
            heads = [one.context_expr for one in statement.items]
        elif isinstance(statement, ast.For):
            heads = [statement.iter]
        for node in (one for head in heads for one in ast.walk(head)):
            if isinstance(node, ast.Call):
                yield node
                called = functions.pop(bare_name(node.func), None)
                yield from _reached(called.body, functions, depth + 1) if called is not None else ()
        yield from _reached(inner, functions, depth + 1)

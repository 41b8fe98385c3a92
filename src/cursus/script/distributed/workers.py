"""What the processes of a script do to each other: a file that each of them writes, an order that each makes anew.

Each finding is a ``Habit``: ``written-by-all`` (functions that several processes run, and ranks of a group),
``made-by-all`` and ``removed-by-all`` (the same of a folder), ``own-port`` (each finds a port to meet at) and
``own-order`` (files or samples that are shuffled by the rank before each takes its part).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    Owner,
    bare_name,
    is_call,
    last_name,
    may_exist,
    own,
    receiver,
    string,
    word,
)

MODULES = frozenset({"multiprocessing", "concurrent", "torch", "joblib", "random", "numpy"})
"""Without one of these imports there is nothing of the kind."""
GIVEN_FIRST = frozenset(
    {"spawn", "map", "starmap", "imap", "imap_unordered", "map_async", "submit", "apply_async"}
)
"""Calls whose first argument is the function that several processes run."""
NUMBERED = re.compile(
    r"(?:\w+_)?(?:rank|worker|index|idx|fold|part|shard|seed|gpu|device|task|job|process|proc|chunk|host)(?:_?(?:id|no|num))?|i|j|k|n"
)
"""Names of what differs from one process to the next."""
ALONE = re.compile(r"rank|main|master|primary|is_first|is_zero|leader|local_process|lock", re.IGNORECASE)
DIFFERS = re.compile(r"uuid|getpid|mkstemp|mkdtemp|NamedTemporary|time\(|rank|gethostname", re.IGNORECASE)
FINDS = re.compile(r"free|random|randint|getsockname|find_\w*port")
MAKES = ("makedirs", "mkdir")
LOOKS = ("exists", "isdir", "is_dir")
RANDOMS = ("random", "np.random", "numpy.random")
NONE: Mapping[str, ast.FunctionDef] = {}
GROUP = frozenset({"init_process_group", "DistributedDataParallel", "DDP"})


def read_workers(modules: Iterable[Body]) -> Iterator[Habit]:
    """Everything of this kind in the modules of a source."""
    for body in modules:
        nodes = body.all_nodes
        defined = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
        calls = [node for node in nodes if isinstance(node, ast.Call)]
        run = {name: call for call in calls if (name := _function(call)) in defined}
        for name, call in sorted(run.items()):
            function = defined[name]
            differing = {one.arg for one in function.args.args if NUMBERED.fullmatch(one.arg)}
            for write in _writes(function, differing, defined) if differing else ():
                kind = "made-by-all" if last_name(write.func) in MAKES else "written-by-all"
                kind = "removed-by-all" if last_name(write.func) == "rmtree" else kind
                looks = any(
                    isinstance(one, ast.Call) and last_name(one.func) in LOOKS for one in own(function)
                )
                sure = _several(call) and not looks
                yield Habit(kind, None, f"{name}()", sure, place(write, body))
            for port in _own_ports(function):
                yield Habit("own-port", None, f"{name}()", True, place(port, body))
        for scope in nodes:
            if isinstance(scope, (ast.Module, ast.FunctionDef)) and getattr(scope, "name", "") not in run:
                inside = list(own(scope))
                if any(isinstance(one, ast.Call) and last_name(one.func) in GROUP for one in inside):
                    for write in _writes(scope, {"rank"}):
                        kind = {"save": "written-by-all", "rmtree": "removed-by-all"}.get(
                            last_name(write.func), ""
                        )
                        if kind:
                            yield Habit(kind, None, "the script", True, place(write, body))
                for shuffle in _shuffled(inside):
                    yield Habit("own-order", None, ast.unparse(shuffle.func)[:60], True, place(shuffle, body))


def _several(call: ast.Call) -> bool:
    """True where the function surely runs more than once, and its errors end the script."""
    many = word(call, "nprocs") if last_name(call.func) == "spawn" else None
    if last_name(call.func) in ("map", "starmap") and len(call.args) == 2:
        items = call.args[1]
        if isinstance(items, (ast.List, ast.Tuple)):
            return len(items.elts) > 1
        many = (
            items.args[-1] if is_call(items, "range") and isinstance(items, ast.Call) and items.args else None
        )
    return isinstance(many, ast.Constant) and isinstance(many.value, int) and many.value > 1


def _function(call: ast.Call) -> str:
    """The name of the function that a call lets other processes run."""
    target = word(call, "target")
    if target is not None and last_name(call.func).endswith("Process"):
        return bare_name(target)
    if isinstance(call.func, ast.Attribute) and call.func.attr in GIVEN_FIRST and call.args:
        return bare_name(call.args[0])
    return ""


def _writes(
    scope: Owner, differing: set[str], helpers: Mapping[str, ast.FunctionDef] = NONE
) -> Iterator[ast.Call]:
    """Calls that write a file whose path is the same in each process, and that each process makes.

    ``helpers`` are the functions that are followed where they are called.
    """
    names = set(differing)
    for node in own(scope):
        if isinstance(node, ast.Assign) and _differs(node.value, names):
            names |= {bare_name(one) for target in node.targets for one in ast.walk(target)} - {""}
        elif isinstance(node, ast.For) and _differs(node.iter, names):
            names |= {bare_name(one) for one in ast.walk(node.target)} - {""}
    inner = {name: node for name, node in helpers.items() if node is not scope}
    yield from _in(scope.body if not isinstance(scope, ast.Lambda) else [], names, inner)


def _in(block: list[ast.stmt], names: set[str], helpers: Mapping[str, ast.FunctionDef]) -> Iterator[ast.Call]:
    for statement in block:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if isinstance(statement, (ast.If, ast.With)):
            heads = (
                [statement.test]
                if isinstance(statement, ast.If)
                else [one.context_expr for one in statement.items]
            )
            if any(ALONE.search(ast.unparse(one)) or _differs(one, names) for one in heads):
                if isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Return):
                    return  # what follows is done by one of them
                continue
            yield from (call for one in heads if (call := _written(one, names)) is not None)
        if isinstance(statement, ast.Expr):
            call = _written(statement.value, names)
            yield from [call] if call is not None else _helped(statement.value, names, helpers)
        for part in ("body", "orelse", "finalbody"):
            yield from _in(getattr(statement, part, []), names, helpers)


def _helped(node: ast.expr, names: set[str], helpers: Mapping[str, ast.FunctionDef]) -> Iterator[ast.Call]:
    """What a function of the source writes that each process calls."""
    helper = helpers.get(bare_name(node.func)) if isinstance(node, ast.Call) else None
    if (
        helper is None
        or not isinstance(node, ast.Call)
        or any(isinstance(one, ast.Starred) for one in node.args)
    ):
        return
    given = dict(zip((one.arg for one in helper.args.args), node.args, strict=False))
    given.update({one.arg: one.value for one in node.keywords if one.arg})
    differing = {name for name, value in given.items() if _differs(value, names)}
    yield from _writes(helper, differing, {name: one for name, one in helpers.items() if one is not helper})


def _written(node: ast.expr, names: set[str]) -> ast.Call | None:
    """A call that writes a file of a path that is the same in each process."""
    if not isinstance(node, ast.Call):
        return None
    path: ast.expr | None = None
    if is_call(node, "open") and node.args:
        mode = node.args[1] if len(node.args) > 1 else word(node, "mode")
        path = node.args[0] if (string(mode) or "r")[0] in "wx" else None
    elif last_name(node.func) in MAKES and not may_exist(node):
        path = node.args[0] if node.args else receiver(node, MAKES)
    elif ast.unparse(node.func) == "shutil.rmtree" and len(node.args) == 1 and not node.keywords:
        path = node.args[0]
    elif ast.unparse(node.func) in ("torch.save", "joblib.dump") and len(node.args) > 1:
        path = node.args[1]
    elif receiver(node, ("to_csv", "save_pretrained", "save_model")) is not None and node.args:
        path = node.args[0]
    return node if path is not None and not _differs(path, names) else None


def _own_ports(function: ast.FunctionDef) -> Iterator[ast.Assign]:
    """``os.environ["MASTER_PORT"] = find_free_port()`` in what each process runs: each finds another one."""
    for node in own(function):
        port = isinstance(node, ast.Assign) and "MASTER_PORT" in ast.unparse(node.targets[0])
        if port and isinstance(node, ast.Assign) and FINDS.search(ast.unparse(node.value)):
            yield node


def _differs(node: ast.AST, names: set[str]) -> bool:
    return (
        any(bare_name(one) in names for one in ast.walk(node))
        or DIFFERS.search(ast.unparse(node)) is not None
    )


def _shuffled(nodes: list[ast.AST]) -> Iterator[ast.Call]:
    """``Random(seed + rank).shuffle(files)`` of what is then cut by the rank: ``files[rank::size]``."""
    cut = {
        bare_name(node.value)
        for node in nodes
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Slice)
        and node.slice.step is not None
        and node.slice.lower is not None
    }
    seeded = any(
        isinstance(node, ast.Call)
        and last_name(node.func) == "seed"
        and "rank" in " ".join(map(ast.unparse, node.args))
        for node in nodes
    )
    for node in nodes if cut - {""} else ():
        made = receiver(node, ("shuffle",))
        taken = (
            made is not None and isinstance(node, ast.Call) and node.args and bare_name(node.args[0]) in cut
        )
        by_rank = made is not None and (
            "rank" in ast.unparse(made) or (seeded and ast.unparse(made) in RANDOMS)
        )
        if taken and by_rank and isinstance(node, ast.Call):
            yield node

"""What a script reads back from a file of its own: in the way it was written, and by the keys that it was given.

Each finding is a ``Habit``: ``read-otherwise`` (``json.load`` of what ``pickle.dump`` wrote) and ``key-never-saved`` (a
key that nothing in the source has; ``detail`` is it, and the one that nothing asks for).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import bare_name, looked_up, string

WRITES = {"pickle.dump": 1, "json.dump": 1, "torch.save": 1, "joblib.dump": 1}
RENAMES = frozenset({"os.replace", "os.rename", "shutil.move"})
READS = {"pickle.load": 0, "json.load": 0, "torch.load": 0, "joblib.load": 0}


def read_kept(
    evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]], modules: Iterable[Body]
) -> Iterator[Habit]:
    """Everything of this kind among the calls that are made."""
    written: dict[Text, set[str]] = {}
    read: list[tuple[Text, str, CallSite]] = []
    for site, _ in calls:
        name = evaluator.called(site.node, site.body)
        at = WRITES.get(name, READS.get(name))
        path = _path(evaluator, site, at) if at is not None and at < len(site.node.args) else None
        moved = _path(evaluator, site, 0) if name in RENAMES and len(site.node.args) == 2 else None
        to = _path(evaluator, site, 1) if moved in written else None
        if to is not None and moved is not None:
            written.setdefault(to, set()).update(written[moved])
        elif path is not None and name in WRITES:
            written.setdefault(path, set()).add(name.partition(".")[0])
        elif path is not None:
            read.append((path, name, site))
    keys: tuple[set[str], list[set[str]]] | None = None
    for path, name, site in read:
        how = name.partition(".")[0]
        by = written.get(path, {how})
        if how not in by and "joblib" not in by and not (how == "joblib" and "pickle" in by):
            told = f"{name} reads what {min(by)} wrote"
            yield Habit("read-otherwise", None, told, True, place(site.node, site.body))
        elif path in written:
            keys = _keys(modules) if keys is None else keys
            yield from _missing(site, *keys)


def _path(evaluator: Evaluator, site: CallSite, at: int) -> Text | None:
    """The file that a call is given, open or by its path, where it is known."""
    found = evaluator.evaluate(site.node.args[at], site.body, site.order).only
    found = found.path if isinstance(found, v.OpenFile) else found
    return found if isinstance(found, Text) and any(isinstance(one, str) for one in found.parts) else None


def _keys(modules: Iterable[Body]) -> tuple[set[str], list[set[str]]]:
    """Every name under which the source may keep something, and the keys of each mapping that it writes out."""
    names: set[str] = set()
    mappings: list[set[str]] = []
    for body in modules:
        for node in body.all_nodes:
            if isinstance(node, ast.Dict):
                mappings.append({key for key in map(string, node.keys) if key})
                names |= mappings[-1]
            elif isinstance(node, ast.keyword) and node.arg:
                names.add(node.arg)
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
                names.add(string(node.slice) or "")
            elif isinstance(node, (ast.List, ast.Tuple, ast.AnnAssign)):
                parts = [node.target] if isinstance(node, ast.AnnAssign) else node.elts
                names.update(string(one) or bare_name(one) for one in parts)
    return names, mappings


def _missing(site: CallSite, names: set[str], mappings: list[set[str]]) -> Iterator[Habit]:
    """Keys of what a call loads that nothing in the source has, beside others of one mapping in it."""
    held = {name for name in site.body.bindings if site.body.only(name) is site.node}
    asked: dict[str, ast.AST] = {}
    for node in site.body.nodes:
        for base, key in _asked(node):
            if bare_name(base) in held:
                asked.setdefault(key, node)
    for key in asked.keys() - names:
        beside = [one - asked.keys() for one in mappings if one & asked.keys()]
        near = [one for one in set().union(*beside) if one.endswith(f"_{key}") or key.endswith(f"_{one}")]
        near = near or (list(beside[0]) if beside and len(beside[0]) == 1 else [])
        if near:
            near.sort(key=lambda one: (not MODEL.search(one), one))
            yield Habit("key-never-saved", None, f"{key}/{near[0]}", True, place(asked[key], site.body))


MODEL = re.compile("model|net|weight|param")


def _asked(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """The mapping and the key of ``state["key"]``, ``state.get("key")`` and ``"key" in state``."""
    found = looked_up(node, ("get", "pop"))
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        found = node.comparators[0], node.left
    if (
        found is not None
        and (key := string(found[1]))
        and not isinstance(getattr(node, "ctx", None), ast.Store)
    ):
        yield found[0], key

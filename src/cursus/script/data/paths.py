"""The files that a script reads and writes, by the calls that are known to do so."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Literal

from cursus.aws.tables import entries, table
from cursus.script.evaluation import values as v
from cursus.script.evaluation.conditions import around, only_tests
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit, Hole, PathUse, Text
from cursus.script.syntax.bodies import CallSite, place
from cursus.script.syntax.nodes import FUNCTIONS, bare_name, last_name, receiver, string, word

Mode = Literal["read", "list", "write", "make", "look", "remove", "unpack", "hub"]

PATH_WRITES = frozenset({"write_text", "write_bytes"})
PATH_READS = frozenset({"read_text", "read_bytes", "iterdir"})
PATH_LOOKS = frozenset({"exists", "is_file", "is_dir", "glob", "rglob"})
UNPACKS = {"extractall": 0, "extract": 1, "unpack_archive": 1}
"""Methods of archives, and where the folder stands that their files come to; it is the working directory without."""
METHODS: dict[str, Mode] = {"writing_methods": "write", "reading_methods": "read", "hub_methods": "hub"}
PATH_METHODS = PATH_WRITES | PATH_READS | PATH_LOOKS | {"open", "mkdir"}
OPENS = frozenset({"open", "io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "tarfile.open"})


def positions(kind: str) -> Mapping[str, int]:
    """Functions of libraries that take a path for one kind of use, with the position of the path."""
    found: Mapping[str, int] = table("libraries")["path_positions"][kind]
    return found


@cache
def _no_methods() -> frozenset[str]:
    """Functions of a module, which are no methods of what stands before their name."""
    return OPENS.union(*map(positions, ("local_reads", "remote_reads", "writes")))


BOOSTING = frozenset({"xgboost", "lightgbm", "catboost"})
"""Libraries whose ``save_model`` writes one file; others make a folder."""


def path_uses(evaluator: Evaluator, site: CallSite, sure: bool) -> Iterable[PathUse]:
    """Every use of a path that one call makes."""
    for use in _uses(evaluator, site, sure):
        if use.mode in ("write", "make") or not use.sure:
            use = replace(use, tests=around(evaluator, site))
            use = replace(use, if_tests=bool(use.tests) and only_tests(evaluator, site))
        if use.mode == "write":
            use = replace(use, looped=_looped(evaluator, site))
        yield use


def _looped(evaluator: Evaluator, site: CallSite, depth: int = 0) -> bool:
    """True where a call is made in a loop, or by whom is not known."""
    owner = site.body.owner
    if site.body.orders.get(id(site.node), (0, ()))[1] or depth > 8:
        return True
    if isinstance(owner, ast.Module):
        return False
    callers = evaluator.sites.get(id(owner), [])
    if not callers and isinstance(owner, FUNCTIONS) and evaluator.named[owner.name] == 1:
        return not any(
            isinstance(node, ast.Call) and _of_exit(node) == owner.name for node in site.body.top.all_nodes
        )
    return not callers or any(_looped(evaluator, caller, depth + 1) for caller, _, _ in callers)


def _of_exit(node: ast.Call) -> str:
    """The function that ``atexit.register`` is given."""
    return bare_name(node.args[0]) if node.args and ast.unparse(node.func) == "atexit.register" else ""


def _uses(evaluator: Evaluator, site: CallSite, sure: bool) -> Iterable[PathUse]:
    node = site.node
    name = evaluator.called(node, site.body)
    if last_name(node.func) in UNPACKS:
        yield _unpacked(evaluator, site, sure)
    yield from _library(evaluator, site, sure, name)
    if name in _no_methods():
        return
    own = isinstance(evaluator.value(node.func, site.body), (v.Func, v.Klass))  # what it does is read there
    if isinstance(node.func, ast.Attribute) and not own:
        yield from _method(evaluator, site, sure, node.func)


def _library(evaluator: Evaluator, site: CallSite, sure: bool, name: str) -> Iterable[PathUse]:
    if name in OPENS:
        yield from _use(evaluator, site, sure, _mode(site.node, 1), 0, name, True)
        return
    if name == "datasets.load_dataset":
        for given in (word(site.node, "data_files"), word(site.node, "data_dir")):
            found = v.UNKNOWN if given is None else evaluator.value(given, site.body)
            for value in _all_texts(found):
                yield _used(site, sure, "read", v.one(value), name, False)
        return
    uses: tuple[tuple[str, Mode, bool], ...] = (
        ("local_reads", "read", True),
        ("remote_reads", "read", False),
        ("lists", "list", True),
        ("looks", "look", True),
        ("writes", "write", name.startswith(("joblib", "numpy", "shutil", "os", "torch", "safetensors"))),
        ("makes", "make", True),
        ("removes", "remove", True),
    )
    for kind, mode, local in uses:
        index = positions(kind).get(name)
        if index is not None:
            yield from _use(evaluator, site, sure, mode, index, name, local)


def _all_texts(value: v.Value) -> Iterable[Text]:
    """A text, and those in a list or a mapping."""
    if isinstance(value, Text):
        yield value
    inner = value.items if isinstance(value, v.Items) else ()
    for item in (*inner, *(item for _, item in (value.items if isinstance(value, v.Table) else ()))):
        yield from _all_texts(item)


def _method(evaluator: Evaluator, site: CallSite, sure: bool, func: ast.Attribute) -> Iterable[PathUse]:
    name = func.attr
    base = evaluator.evaluate(func.value, site.body, site.order)
    texts = tuple(value for value in base.values if isinstance(value, Text))
    if texts and name in PATH_METHODS:
        if name == "open":
            mode = _mode(site.node, 0)
        elif name in PATH_WRITES:
            mode = "write"
        elif name == "mkdir":
            mode = "make"
            name = "mkdir" if word(site.node, "exist_ok") is None else "mkdir(exist_ok)"
        elif name in PATH_LOOKS:
            mode = "look"
        else:
            mode = "list" if name == "iterdir" else "read"
        yield _used(site, sure, mode, base, name, True)
    elif texts and name in ("replace", "rename") and len(site.node.args) == 1:
        target = evaluator.evaluate(site.node.args[0], site.body, site.order)
        yield _used(site, sure, "write", target, name, True)
    else:
        for kind, of_methods in METHODS.items():
            given = _path(site.node, 0) if name in entries("libraries", kind) else None
            if given is not None:
                found = evaluator.evaluate(given, site.body, site.order)
                origin = base.only.origin if isinstance(base.only, v.Unknown) else ""
                shown = (
                    f"Booster.{name}"
                    if origin.partition(".")[0] in BOOSTING and name == "save_model"
                    else name
                )
                yield _used(site, sure, of_methods, found, shown, of_methods != "write")


def _used(site: CallSite, sure: bool, mode: Mode, found: v.Options, name: str, local: bool) -> PathUse:
    paths = tuple(v.as_path(value) for value in found.values)
    return PathUse(mode, paths, name, sure and found.sure, local, place(site.node, site.body))


def _unpacked(evaluator: Evaluator, site: CallSite, sure: bool) -> PathUse:
    """A folder, and what an archive brings into it."""
    name = last_name(site.node.func)
    where = UNPACKS[name]
    given = word(site.node, "path", "extract_dir") or next(iter(site.node.args[where : where + 1]), None)
    found = evaluator.evaluate(given, site.body, site.order).values if given is not None else (Text((".",)),)
    paths = tuple(Text((*one.parts, Hole())) if isinstance(one, Text) else Text((Hole(),)) for one in found)
    return PathUse("unpack", paths, name, sure, True, place(site.node, site.body))


def _path(node: ast.Call, index: int) -> ast.expr | None:
    """The path that a call is given: by its place, or by one of the names that a path has."""
    given = node.args[index] if index < len(node.args) else word(node, *entries("libraries", "path_keywords"))
    return None if isinstance(given, ast.Starred) else given


def _mode(node: ast.Call, position: int) -> Mode:
    given = word(node, "mode") or (node.args[position] if position < len(node.args) else None)
    mode = string(given)
    if given is None:
        return "read"
    return "look" if mode is None else "write" if set(mode) & set("wax") else "read"


def spark_paths(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterable[Habit]:
    """Paths without a scheme that Spark is given: ``spark-path``, ``detail`` is the method."""
    for site, sure in calls:
        base = receiver(site.node, entries("libraries", "spark_methods"))
        chain = ast.unparse(base) if base is not None and site.node.args else ""
        if (
            ".read" in chain
            or ".write" in chain
            or last_name(site.node.func) in ("textFile", "saveAsTextFile")
        ):
            text = v.as_path(evaluator.value(site.node.args[0], site.body))
            if isinstance(text, Text):
                writes = ".write" in chain or last_name(site.node.func) == "saveAsTextFile"
                yield Habit(
                    "spark-path", text, "write" if writes else "read", sure, place(site.node, site.body)
                )


def _use(
    evaluator: Evaluator, site: CallSite, sure: bool, mode: Mode, index: int, name: str, local: bool
) -> Iterable[PathUse]:
    node = site.node
    given = _path(node, index)
    if given is None:
        return
    found = evaluator.evaluate(given, site.body, site.order)
    if all(isinstance(value, v.OpenFile) for value in found.values):
        return
    if mode == "make" and word(node, "exist_ok") is not None:
        name = f"{name}(exist_ok)"
    if name == "shutil.rmtree" and (len(node.args) > 1 or node.keywords):
        name = "shutil.rmtree(ignore_errors)"
    if name == "shutil.copytree" and word(node, "dirs_exist_ok") is not None:
        name = f"{name}(dirs_exist_ok)"
    yield _used(site, sure, mode, found, name, local)

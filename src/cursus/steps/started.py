"""What a Python file starts its pipeline with: the arguments of ``start``, read without executing the call.

A file that is imported runs no further than its ``upsert``, and most start their pipeline below
``if __name__ == "__main__":``.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.model import UNREAD, Location, PipelineStart
from cursus.script.syntax.nodes import is_call, last_name, string
from cursus.steps.written.syntax import Source, read_source

_ARGUMENTS = ("parameters", "execution_display_name")
"""The first arguments of ``start``, which both versions of the SDK take in this order."""
_CHANGES = frozenset(("update", "setdefault", "pop", "append", "extend", "insert"))
"""The methods that change a mapping or a list."""


def starts(file: str, name: str) -> tuple[PipelineStart, ...]:
    """The starts of the pipeline that a name of the file stands for, or that its function of that name returns."""
    source = read_source(file)
    if source is None:
        return ()
    known = _Names(source, name)
    found = []
    for call, inside in _calls(source.tree):
        method = call.func
        if (
            isinstance(method, ast.Attribute)
            and method.attr == "start"
            and isinstance(method.value, ast.Name)
            and known.is_pipeline(method.value.id, inside)
        ):
            found.append(_start(call, known))
    return tuple(found)


_Functions = tuple["ast.FunctionDef | ast.AsyncFunctionDef", ...]


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, _Functions]]:
    """Every call, with the functions around it."""
    pending: deque[tuple[ast.AST, _Functions]] = deque([(tree, ())])
    while pending:
        one, around = pending.popleft()
        if isinstance(one, ast.Call):
            yield one, around
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            around = (*around, one)
        pending.extend((child, around) for child in ast.iter_child_nodes(one))


class _Names:
    """What the names of a file stand for: which is the pipeline, and which are written once and left alone."""

    def __init__(self, source: Source, pipeline: str) -> None:
        self.pipeline = pipeline
        self.place = source.location
        self.assigned: dict[str, list[ast.expr | None]] = {}
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._assign(target, node.value)
            elif isinstance(node, (ast.AugAssign, ast.For, ast.NamedExpr)):
                self._assign(node.target, None)
            elif isinstance(node, ast.AnnAssign):
                self._assign(node.target, node.value)
            elif isinstance(node, (ast.withitem, ast.comprehension)):
                bound = node.optional_vars if isinstance(node, ast.withitem) else node.target
                if bound is not None:
                    self._assign(bound, None)
            elif isinstance(node, ast.arg):
                self.assigned.setdefault(node.arg, []).append(None)
            elif isinstance(node, ast.Attribute) and node.attr in _CHANGES:
                self._assign(node.value, None)

    def _assign(self, target: ast.expr, value: ast.expr | None) -> None:
        """Note what a name is given; None where that is not to be seen, as where a part of it is changed."""
        while isinstance(target, (ast.Subscript, ast.Attribute, ast.Starred)):
            target, value = target.value, None
        if isinstance(target, ast.Name):
            self.assigned.setdefault(target.id, []).append(value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for each in target.elts:
                self._assign(each, None)

    def is_pipeline(self, name: str, inside: _Functions) -> bool:
        """True where a name is the pipeline: by its own name, in the function that makes it, or as what that returned.

        The names are as seen from these functions. One that is given twice may be another pipeline.
        """
        given = [value for value in self.assigned.get(name, []) if value is not None]
        if len(given) > 1:
            return False
        called = _called(given[0]) if given else ""
        if name != self.pipeline:
            made = called.endswith("Pipeline") and any(one.name == self.pipeline for one in inside)
            return made or called == self.pipeline
        return not any(name in _own(function) for function in inside)

    def value(self, node: ast.expr) -> ast.expr:
        """What a name stands for that the file writes once; anything else as it is."""
        if isinstance(node, ast.Name):
            given = self.assigned.get(node.id, [])
            if len(given) == 1 and given[0] is not None:
                return given[0]
        return node


def _called(node: ast.expr) -> str:
    """The last name of what is called, empty where it is no call."""
    return last_name(node.func) if isinstance(node, ast.Call) else ""


def _own(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The names that a function has for itself."""
    found = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Global):
            found.difference_update(node.names)
    return found


def _start(call: ast.Call, known: _Names) -> PipelineStart:
    given = dict(zip(_ARGUMENTS, call.args, strict=False))
    given.update({word.arg: word.value for word in call.keywords if word.arg is not None})
    unread = any(word.arg is None for word in call.keywords) or any(
        isinstance(one, ast.Starred) for one in call.args
    )
    parameters, places, whole = _mapping(given.get("parameters"), known)
    selected = given.get("selective_execution_config")
    chosen = _words(known.value(selected)) if selected is not None else {}
    latest = chosen.get("reference_latest_execution")
    return PipelineStart(
        location=known.place(call),
        parameters=parameters,
        places=places,
        whole=whole and not unread and selected is None,
        steps=_texts(chosen.get("selected_steps"), known),
        sourceless="source_pipeline_execution_arn" not in chosen
        and isinstance(latest, ast.Constant)
        and latest.value is False,
        display_name=string(given.get("execution_display_name")),
    )


def _mapping(node: ast.expr | None, known: _Names) -> tuple[Mapping[str, Any], Mapping[str, Location], bool]:
    """The values of a mapping by their names, where each is written, and True where there are no others."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return {}, {}, True
    node = known.value(node)
    pairs: list[tuple[str, ast.expr, ast.AST]] = []
    whole = isinstance(node, ast.Dict)
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            name = string(key)
            if key is not None and name is not None:
                pairs.append((name, value, key))
            else:
                whole = False
    elif is_call(node, "dict"):
        pairs = [(word.arg, word.value, word) for word in node.keywords if word.arg is not None]
        whole = not node.args and len(pairs) == len(node.keywords)
    return (
        {name: _literal(value) for name, value, _ in pairs},
        {name: known.place(where) for name, _, where in pairs},
        whole,
    )


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNREAD


def _words(node: ast.expr) -> dict[str, ast.expr]:
    """The keyword arguments of a call; none where some are not to be seen."""
    if not isinstance(node, ast.Call) or any(word.arg is None for word in node.keywords):
        return {}
    return {word.arg: word.value for word in node.keywords if word.arg is not None}


def _texts(node: ast.expr | None, known: _Names) -> dict[str, Location]:
    """The texts of a list, each with its place."""
    listed = known.value(node) if node is not None else None
    return {
        text: known.place(each)
        for each in (listed.elts if isinstance(listed, (ast.List, ast.Tuple)) else [])
        if (text := string(each)) is not None
    }

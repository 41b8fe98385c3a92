"""What a model function of the source opens in the model directory, which is what the endpoint loads its model with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from cursus.model import Location
from cursus.script.source.files import shown_below
from cursus.script.source.modules import MAX_FILE
from cursus.script.syntax.nodes import assigned, bare_name, last_name, receiver, string
from cursus.script.syntax.parsing import parse
from cursus.suggest import closest

MODEL_FUNCTION = "model_fn"
HANDLERS = ("input_fn", "predict_fn", "output_fn", "transform_fn")
SHAPES = {
    "model_fn": ("model_dir",),
    "input_fn": ("request_body", "content_type"),
    "predict_fn": ("data", "model"),
    "output_fn": ("prediction", "accept"),
    "transform_fn": ("model", "request_body", "content_type", "accept"),
}
"""What the serving containers give each function: https://github.com/aws/sagemaker-inference-toolkit"""
SAVES = ("pickle.dump", "joblib.dump", "torch.save")
MODELS = re.compile(r"model|clf|classifier|regressor|estimator|booster|pipeline|^net(?:work)?$")
LOOKS = frozenset({"exists", "isfile", "is_file", "isdir", "is_dir", "glob", "listdir", "iterdir", "rglob"})
MOST = 50
"""Files of a source that are looked into."""


def loaded_names(directory: Path, shown: str) -> Iterator[tuple[str, Location]]:
    """The files of the model directory, by their path in it, that a ``model_fn`` opens whatever else is there."""
    for path, function in _model_functions(directory):
        if function.args.args:
            where = shown_below(shown, path.relative_to(directory).as_posix())
            for name, line in _names(function):
                yield name, Location(where, line)


def _tree(path: Path, sign: str) -> ast.Module:
    """A module whose text has ``sign``; an empty one for any other, and for what cannot be read."""
    try:
        data = path.read_bytes() if path.is_file() and path.stat().st_size <= MAX_FILE else b""
        return parse(data) if sign.encode() in data else ast.Module([], [])
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return ast.Module([], [])


def _functions(path: Path, sign: str) -> dict[str, ast.FunctionDef]:
    """The functions of a module whose text has ``sign``."""
    return {node.name: node for node in _tree(path, sign).body if isinstance(node, ast.FunctionDef)}


def pickled_class(path: Path) -> tuple[str, int] | None:
    """A class of the started script of which an object is saved whole: its name, and the line that saves it."""
    nodes = list(ast.walk(_tree(path, "class ")))
    classes = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    made: dict[str, str] = {}
    for node in nodes if classes else ():
        for target, value in assigned(node) if isinstance(node, ast.Assign) else ():
            own = _made_of(value, classes)
            if own:
                made[bare_name(target)] = own
    for node in nodes if classes else ():
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SAVES and node.args:
            own = _made_of(node.args[0], classes) or made.get(bare_name(node.args[0]), "")
            if own:
                return own, node.lineno
    return None


def _made_of(node: ast.expr, classes: set[str]) -> str:
    """The class of which an object is made in an expression, by itself or as a part of a list or pipeline; or empty."""
    whole = isinstance(node, (ast.Call, ast.List, ast.Tuple, ast.Dict))
    called = (bare_name(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)) if whole else ()
    if isinstance(node, ast.Call) and not (
        bare_name(node.func) in classes or "ipeline" in last_name(node.func)
    ):
        return ""  # what a method gives is something else
    return next((name for name in called if name in classes), "")


def misnamed_function(path: Path) -> tuple[str, str, int] | None:
    """A function of a module with handlers that is nearly one of them: its name, the handler's and its line."""
    functions = _functions(path, "_fn(")
    if not set(functions) & {MODEL_FUNCTION, *HANDLERS}:
        return None
    for name, node in functions.items():
        arguments = [argument.arg for argument in node.args.args]
        loads = arguments == ["model_dir"] or (len(arguments) == 1 and "load" in name and "model" in name)
        if loads and MODEL_FUNCTION not in functions:
            return name, MODEL_FUNCTION, node.lineno
        near = closest(name, HANDLERS)
        if near is not None and near not in name and near not in functions:
            return name, near, node.lineno
    return None


def excluded_function(path: Path) -> tuple[str, int] | None:
    """A handler of a module that stands beside ``transform_fn``, which does the work of all: its name and line."""
    functions = _functions(path, "def transform_fn(")
    found = [functions[name] for name in ("input_fn", "predict_fn", "output_fn") if name in functions]
    return (found[0].name, found[0].lineno) if found and "transform_fn" in functions else None


def misshaped_function(path: Path) -> tuple[str, str, int] | None:
    """A handler that cannot be called as the serving container calls it: its name, what it takes, and its line."""
    functions = _functions(path, "_fn(")
    if MODEL_FUNCTION not in functions and path.name != "inference.py":
        return None
    for name, wanted in SHAPES.items():
        node = functions.get(name)
        if node is None or node.args.vararg is not None:
            continue
        given = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
        needed = len(given) - len(node.args.defaults)
        turned = (
            name == "predict_fn" and needed == 2 and MODELS.search(given[0]) and not MODELS.search(given[1])
        )
        if turned or needed > len(wanted) + 1 or len(given) < len(wanted):  # a context may come behind
            return name, ", ".join(given), node.lineno
    return None


def has_model_function(directory: Path) -> bool:
    """True where a module of the source has a ``model_fn``."""
    return any(True for _ in _model_functions(directory))


def loads_plain_model(directory: Path) -> bool:
    """True where a ``model_fn`` of the source loads weights into a model that is not wrapped for several devices."""
    for _, function in _model_functions(directory):
        text = ast.unparse(function)
        loads = any(receiver(node, ("load_state_dict",)) is not None for node in ast.walk(function))
        if loads and "DataParallel" not in text and "module" not in text and "strict=False" not in text:
            return True
    return False


def _model_functions(directory: Path) -> Iterator[tuple[Path, ast.FunctionDef]]:
    for path in sorted([*directory.glob("*.py"), *directory.glob("*/*.py")])[:MOST]:
        function = _functions(path, f"def {MODEL_FUNCTION}(").get(MODEL_FUNCTION)
        if function is not None:
            yield path, function


def _names(function: ast.FunctionDef) -> Iterator[tuple[str, int]]:
    nodes = list(ast.walk(function))
    called = {last_name(node.func) for node in nodes if isinstance(node, ast.Call)}
    if called & LOOKS or any(isinstance(node, ast.Try) for node in nodes):
        return
    roots = {function.args.args[0].arg}
    for node in nodes:
        if isinstance(node, ast.Assign) and _is_root(node.value, roots):
            roots.update(target.id for target in node.targets if isinstance(target, ast.Name))
    inner = {id(node.left) for node in nodes if isinstance(node, ast.BinOp)}
    texts = _constants(nodes)
    for node in nodes:
        name = _below(node, roots, texts) if isinstance(node, ast.expr) and id(node) not in inner else ""
        if name:
            yield name, node.lineno  # type: ignore[attr-defined]


def _constants(nodes: list[ast.AST]) -> dict[str, str]:
    """The names that are set once, to a text: ``name = "model.pth"``."""
    found: dict[str, list[str | None]] = {}
    for node in nodes:
        for left, value in assigned(node) if isinstance(node, ast.Assign) else ():
            found.setdefault(bare_name(left), []).append(string(value))
    return {
        name: given[0] for name, given in found.items() if name and len(given) == 1 and given[0] is not None
    }


def _is_root(node: ast.expr, roots: set[str]) -> bool:
    if isinstance(node, ast.Call) and last_name(node.func) in ("Path", "str", "abspath"):
        return len(node.args) == 1 and _is_root(node.args[0], roots)
    return isinstance(node, ast.Name) and node.id in roots


def _below(node: ast.expr, roots: set[str], texts: Mapping[str, str]) -> str:
    """The path below the model directory that an expression puts together from constants; or empty."""
    pieces: list[ast.expr] = []
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("path.join") and node.args:
        if _is_root(node.args[0], roots):
            pieces = node.args[1:]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Add)):
        left: ast.expr = node
        while isinstance(left, ast.BinOp) and isinstance(left.op, (ast.Div, ast.Add)):
            pieces.insert(0, left.right)
            left = left.left
        pieces = pieces if _is_root(left, roots) else []
    elif (
        isinstance(node, ast.JoinedStr)
        and len(node.values) == 2
        and isinstance(node.values[0], ast.FormattedValue)
    ):
        pieces = [node.values[1]] if _is_root(node.values[0].value, roots) else []
    given = [texts.get(bare_name(piece), string(piece)) for piece in pieces]
    words = [word for word in given if word is not None]
    return "/".join(word.strip("/") for word in words) if words and len(words) == len(pieces) else ""

"""What a call in a script gives: paths joined, environment variables read, parsers made, functions of the source."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from cursus.script.evaluation import unrolled
from cursus.script.evaluation import values as v
from cursus.script.evaluation.values import (
    NOTHING_KNOWN,
    NUMBER,
    UNKNOWN,
    Options,
    Value,
    combine,
    one,
    union,
)
from cursus.script.facts import ArgPart, Const, EnvPart, Hole, Part, Text
from cursus.script.syntax.bodies import Body, CallSite
from cursus.script.syntax.nodes import dataclass_fields, last_name, string, word

if TYPE_CHECKING:
    from cursus.script.evaluation.evaluate import Evaluator

CODE = "/opt/ml/code/"
PATHLIKE = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "os.fspath"})
SAME_PATH = frozenset(
    {
        "os.path.abspath",
        "os.path.normpath",
        "os.path.realpath",
        "os.path.expanduser",
        "str",
        "os.path.expandvars",
    }
)
NUMBERS = frozenset(
    {"int", "float", "len", "round", "sum", "max", "min", "abs", "time.time", "time.perf_counter"}
)
NUMBER_METHODS = frozenset({"item", "mean", "sum", "std", "numpy"})
ARGPARSE = frozenset({"argparse.ArgumentParser"})
SAME_MAPPING = frozenset({"dict", "copy.copy", "copy.deepcopy"})
NAMESPACES = frozenset(
    {
        "types.SimpleNamespace",
        "argparse.Namespace",
        "omegaconf.OmegaConf.create",
        "munch.Munch",
        "easydict.EasyDict",
    }
    | {"munch.munchify", "box.Box", "addict.Dict", "dotmap.DotMap", "ml_collections.ConfigDict"}
)
"""What makes an object of a mapping, with its keys as attributes."""
SAME_PARSER = frozenset({"add_argument_group", "add_mutually_exclusive_group"})
PROCESS_GROUP = "torch.distributed.init_process_group"
NONE = one(Const(None))
PURE = frozenset({"upper", "lower", "title", "replace", "strip", "rstrip", "lstrip"})
"""Methods of a text that give another."""
KEEPS_TEXT = frozenset({"rstrip", "lstrip", "strip", "resolve", "absolute", "expanduser", "as_posix"})


def evaluate_call(evaluator: Evaluator, node: ast.Call, body: Body, order: int) -> Options:
    """The values of a call."""
    callee = evaluator.evaluate(node.func, body, order).only
    if isinstance(callee, v.Ref):
        found = _library(evaluator, callee.name, node, body, order)
        if found is not None:
            return found
    elif isinstance(callee, v.Func):
        return _function(evaluator, callee, node)
    elif isinstance(callee, v.Klass):
        return one(_instance(evaluator, callee, node))
    if isinstance(node.func, ast.Attribute):
        return _method(evaluator, node, node.func, body, order)
    if isinstance(callee, v.Ref):
        return one(v.Unknown(callee.name in NUMBERS, callee.name))
    return NOTHING_KNOWN


def _instance(evaluator: Evaluator, klass: v.Klass, node: ast.Call) -> Value:
    owner = klass.body.owner
    if isinstance(owner, ast.ClassDef):
        for base in owner.bases:
            value = evaluator.value(base, klass.body.parent or klass.body)
            if isinstance(value, v.Ref) and value.name in ARGPARSE:
                return v.ParserValue(id(node))
    return v.Instance(klass.body)


def _function(evaluator: Evaluator, callee: v.Func, call: ast.Call) -> Options:
    returns = callee.body.returns
    if not returns or len(returns) > v.LIMIT:
        return NOTHING_KNOWN if returns else NONE
    with evaluator.at_site(callee.body.owner, call):
        found = [evaluator.evaluate(node, callee.body, order) for node, order in returns]
    return union(found, sure=len(returns) == 1)


def _library(evaluator: Evaluator, name: str, node: ast.Call, body: Body, order: int) -> Options | None:
    """The value of a call into a library, where it is one that reading follows."""

    def argument(index: int, keyword: str = "", missing: Options = NOTHING_KNOWN) -> Options:
        if index < len(node.args) and not any(isinstance(a, ast.Starred) for a in node.args[: index + 1]):
            return evaluator.evaluate(node.args[index], body, order)
        given = word(node, keyword)
        return missing if given is None else evaluator.evaluate(given, body, order)

    if name == "os.path.join" or name in PATHLIKE:
        pieces = positional(evaluator, node, body, order)
        if not pieces:
            return NOTHING_KNOWN if pieces is None else one(v.text("."))
        return combine(pieces, lambda chosen: v.join_paths(list(chosen)) if len(chosen) > 1 else chosen[0])
    if name in SAME_PATH or (name == "torch.device" and len(node.args) == 1):
        return argument(0)
    if name in ("os.getenv", "os.environ.get"):
        return _environment(argument(0, "key"), argument(1, "default", NONE))
    if name in ARGPARSE or name.endswith("HfArgumentParser"):
        return one(v.ParserValue(id(node)))
    if name == "dataclasses.fields":
        return argument(0).each(lambda value: _fields(evaluator, value))
    if name == "tyro.cli":
        return argument(0).each(lambda value: v.Space(id(node)) if _only_fields(value) else UNKNOWN)
    if name in ("open", "io.open", "codecs.open"):
        return argument(0, "file").each(v.OpenFile)
    if name in READERS:
        return argument(0).each(lambda value: _loaded(evaluator, value, READERS[name]))
    if name in NAMESPACES and len(node.args) + len(node.keywords) == 1:
        given = argument(0) if node.args else evaluator.evaluate(node.keywords[0].value, body, order)
        kept = node.args or node.keywords[0].arg is None
        return given.each(lambda value: value if kept and isinstance(value, v.Table) else UNKNOWN)
    if name == "type":
        return argument(0).each(_type)
    if name == "format":
        return combine([argument(0), argument(1)], lambda chosen: _formatted(*chosen))
    if name == "super" and body.parent is not None:
        above = evaluator.classes_above(body.parent)
        return one(v.Instance(above[0])) if above else None
    if name == "dict" and node.keywords and not node.args and all(each.arg for each in node.keywords):
        given_words = [(each.arg or "", evaluator.value(each.value, body)) for each in node.keywords]
        return one(v.Table(tuple(given_words)))
    if name in SAME_MAPPING and len(node.args) == 1 and not node.keywords:
        found = argument(0)
        kept = all(isinstance(x, (v.Special, v.Table, v.Space)) for x in found.values)
        return found if kept else NOTHING_KNOWN
    if name in ("os.getcwd", "pathlib.Path.cwd") and "chdir" not in evaluator.mentioned:
        return one(v.text("/opt/ml/code"))
    if name in ("os.path.dirname", "os.path.basename"):
        return _cut_path(argument(0), 0 if name.endswith("dirname") else 2)
    if name == "vars":
        spaces = argument(0).each(lambda x: v.Space(x.key, True) if isinstance(x, v.Space) else UNKNOWN)
        return Options(spaces.values)
    if name in ("sorted", "list", "tuple"):
        return unrolled.same_list(evaluator, node, body, order)
    if name in ("range", "enumerate"):
        return one(v.Unknown(False, name))
    return None


def _fields(evaluator: Evaluator, value: Value) -> Value:
    """The fields of a dataclass of the source, as far as people look at them: name and default."""
    if not isinstance(value, (v.Klass, v.Instance)) or not dataclass_fields(value.body.owner):
        return UNKNOWN
    given = {
        name: UNKNOWN if node is None else evaluator.value(node, value.body.parent or value.body)
        for name, node in dataclass_fields(value.body.owner).items()
    }
    tables = [v.Table((("name", v.text(name)), ("default", one)), False) for name, one in given.items()]
    return v.Items(tuple(tables)) if len(tables) <= 64 else UNKNOWN


def _only_fields(value: Value) -> bool:
    """True for a dataclass that has no methods: its objects are namespaces of arguments."""
    return isinstance(value, v.Klass) and bool(dataclass_fields(value.body.owner)) and not value.body.defined


def positional(evaluator: Evaluator, node: ast.Call, body: Body, order: int) -> list[Options] | None:
    """What a call gives by position, ``*items`` one by one; None where it is not known how much that is."""
    found: list[Options] = []
    for given in node.args:
        spread = evaluator.evaluate(given.value, body, order) if isinstance(given, ast.Starred) else None
        if spread is None:
            found.append(evaluator.evaluate(given, body, order))
        elif isinstance(spread.only, v.Items):
            found += [one(item) for item in spread.only.items]
        else:
            return None
    return found


def _environment(key: Options, default: Options) -> Options:
    def build(chosen: tuple[Value, ...]) -> Value:
        name = chosen[0].literal if isinstance(chosen[0], Text) else None
        if name is None:
            return UNKNOWN
        other = chosen[1]
        return Text((EnvPart(name, other if isinstance(other, (Text, Const)) else Text((Hole(),))),))

    return combine([key, default], build)


def backend_of(evaluator: Evaluator, site: CallSite) -> Text | Const | None:
    """The backend that a call of ``init_process_group`` is given, None where that cannot be read."""
    given = site.node.args[0] if site.node.args else word(site.node, "backend")
    value = UNKNOWN if given is None else evaluator.value(given, site.body)
    return value if isinstance(value, (Text, Const)) else None


def _cut_path(found: Options, part: int) -> Options:
    """The folder of a path (part 0), or the name in it (part 2)."""
    literals = [value.literal if isinstance(value, Text) else None for value in found.values]
    known = tuple(v.text(literal.rpartition("/")[part]) for literal in literals if literal is not None)
    return Options(known, found.sure) if len(known) == len(literals) else NOTHING_KNOWN


def _settings(evaluator: Evaluator, path: Text, read: Callable[[str], object]) -> Value:
    """The content of a file of the source directory: the only one that a path with unknown pieces can be."""
    pieces = [re.escape(part) if isinstance(part, str) else "[^/]+" for part in path.parts]
    pattern = re.compile("".join(pieces).removeprefix(re.escape(CODE)).removeprefix(re.escape("./")))
    found = [text for name, text in evaluator.settings.items() if pattern.fullmatch(name)]
    try:
        content = v.plain(read(found[0])) if len(found) == 1 and len(found[0]) < 100_000 else UNKNOWN
    except (ValueError, RecursionError):
        return UNKNOWN
    return v.Table(content.items, path.literal is not None) if isinstance(content, v.Table) else content


def _yaml(text: str) -> object:
    import yaml

    # libyaml's parser has no bound on how deep it goes, and takes the process with it.
    deep = text.count("[") + text.count("{") > 200 or NESTS.search(text) is not None
    loader = yaml.SafeLoader if deep else getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, loader)
    except (yaml.YAMLError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError from error


NESTS = re.compile(r"(?:[-?:]\s+){30}|^ {200}", re.MULTILINE)
"""How a YAML text begins that nests deep without brackets."""


def _loaded(evaluator: Evaluator, value: Value, read: Callable[[str], object]) -> Value:
    """What ``json.load`` gives: the hyperparameters, or a file of the source, where that is what is loaded."""
    if isinstance(value, v.OpenFile):
        path = value.path if isinstance(value.path, Text) else None
        if path is not None and (path.literal or "").endswith("/input/config/hyperparameters.json"):
            return v.Special("hyperparameters.json")
        known = path is not None and any(isinstance(part, str) for part in path.parts)
        return (
            _settings(evaluator, path, read) if path is not None and known else v.Unknown(False, "settings")
        )
    part = value.only if isinstance(value, Text) else None
    if isinstance(part, EnvPart) and part.name in ("SM_HPS", "SM_CHANNELS", "SM_TRAINING_ENV"):
        return v.Special(part.name)
    return UNKNOWN


READERS: dict[str, Callable[[str], object]] = {
    "json.load": json.loads,
    "json.loads": json.loads,
    **dict.fromkeys((f"yaml.{name}" for name in ("safe_load", "load", "full_load", "unsafe_load")), _yaml),
}
"""Functions that read a file of settings, and what they make of its text."""


def negated(node: ast.expr, value: Value, body: Body) -> Value:
    """``-x``, where ``node`` is ``x``: surely below zero, where that is an error or a root."""
    if isinstance(value, Const) and isinstance(value.value, (int, float)):
        return Const(-value.value)
    called = isinstance(value, v.Unknown) and value.origin.rpartition(".")[2] in POSITIVE
    named = ERRORS.search(name := last_name(node)) and "neg" not in name and not body.top.once(_scores)
    return v.NEGATIVE if called or named else UNKNOWN


def _scores(module: Body) -> bool:
    """True where a module scores with scikit-learn's errors below zero: ``scoring="neg_mean_squared_error"``."""
    return any((string(one) or "").startswith("neg_") for one in module.all_nodes)


POSITIVE = frozenset(
    {
        "sqrt",
        "abs",
        "mean_squared_error",
        "mean_absolute_error",
        "root_mean_squared_error",
        "log_loss",
        "hypot",
    }
)
ERRORS = re.compile(r"(?:^|_)(?:r?mse|mae|mape|rmsle)$", re.IGNORECASE)
"""Names of measures that are never below zero."""


def _type(value: Value) -> Value:
    if isinstance(value, Const):
        return v.Ref(type(value.value).__name__)
    return v.Ref("str") if isinstance(value, Text) else UNKNOWN


def _formatted(value: Value, spec: Value) -> Value:
    """``format(x, ".2f")``."""
    literal = spec.literal if isinstance(spec, Text) else None
    return UNKNOWN if literal is None else v.merge(v.parts_of(value, literal))


def _method(evaluator: Evaluator, node: ast.Call, func: ast.Attribute, body: Body, order: int) -> Options:
    base = evaluator.evaluate(func.value, body, order)
    given = [evaluator.evaluate(a, body, order) for a in node.args if not isinstance(a, ast.Starred)]
    name = func.attr
    if name in PURE and len(given) < len(node.args):
        return NOTHING_KNOWN
    words = node.keywords if name == "format" else []
    named = [(word.arg or "", evaluator.evaluate(word.value, body, order)) for word in words]
    results = [_method_of(evaluator, value, name, given, named) for value in base.values]
    return union(results, sure=base.sure)


def _method_of(
    evaluator: Evaluator, base: Value, name: str, given: list[Options], named: list[tuple[str, Options]]
) -> Options:
    if isinstance(base, v.OpenFile) and name == "read":
        return one(base)
    if isinstance(base, v.Special) and base.kind == "environ":
        if name in ("get", "setdefault") and given:
            return _environment(given[0], given[1] if len(given) > 1 else NONE)
        return NOTHING_KNOWN
    if name == "copy" and isinstance(base, (v.Special, v.Table)):
        return one(base)
    if name == "read_text" and isinstance(base, Text):
        return one(v.OpenFile(base))
    if isinstance(base, v.Special) and name in ("get", "pop") and given:
        return Options((evaluator.item(base, given[0].only),), len(given) == 1)
    if isinstance(base, v.ParserValue):
        return _parser_method(base, name)
    if isinstance(base, v.Space) and base.mapping and name in ("get", "pop") and given:
        key = given[0].values[0]
        if isinstance(key, Text) and key.literal is not None:
            return one(Text((ArgPart(key.literal),)))
    if isinstance(base, v.Table) and name in ("items", "keys", "values"):
        return one(unrolled.view_of(base, name))
    if isinstance(base, v.Table) and name == "get" and given:
        key = given[0].values[0]
        if isinstance(key, Text) and key.literal is not None and key.literal in dict(base.items):
            return one(evaluator.kept(base, key.literal))
    if isinstance(base, Text):
        return _text_method(base, name, given, named)
    if name in NUMBER_METHODS:
        return one(NUMBER)
    if isinstance(base, v.Ref):
        return one(v.Unknown(False, f"{base.name}.{name}"))
    return NOTHING_KNOWN


def _parser_method(base: v.ParserValue, name: str) -> Options:
    if name in SAME_PARSER:
        return one(base)
    if name in ("parse_args", "parse_intermixed_args"):
        return one(v.Space(base.key))
    if name == "parse_args_into_dataclasses":
        return one(v.Items((v.Space(base.key),) * v.LIMIT))
    if name in ("parse_known_args", "parse_known_intermixed_args"):
        return one(v.Items((v.Space(base.key), UNKNOWN)))
    return NOTHING_KNOWN


def _text_method(base: Text, name: str, given: list[Options], named: list[tuple[str, Options]]) -> Options:
    if name == "format":
        literal = base.literal
        if literal is None or any(not word for word, _ in named):
            return one(Text((Hole(),)))
        count = len(given)

        def build(chosen: tuple[Value, ...]) -> Value:
            keywords = {key: value for (key, _), value in zip(named, chosen[count:], strict=True)}
            return v.format_braces(literal, list(chosen[:count]), keywords)

        return combine([*given, *(options for _, options in named)], build)
    if name == "join" and len(given) == 1 and isinstance(given[0].only, v.Items) and base.literal is not None:
        lines: list[Part] = []
        for item in given[0].only.items:
            lines += [*([base.literal] if lines else []), *v.parts_of(item)]
        return one(v.merge(lines))
    if name == "joinpath":
        return combine([one(base), *given], lambda chosen: v.join_paths(list(chosen)))
    if name in PURE and base.literal is not None:
        literals = [value.only.literal if isinstance(value.only, Text) else None for value in given]
        if None not in literals:
            try:
                return one(v.text(getattr(base.literal, name)(*literals)))
            except TypeError:  # which ends the script, too
                return NOTHING_KNOWN
    if name in KEEPS_TEXT and not given:
        return one(base)
    if name == "open":
        return one(v.OpenFile(base))
    return one(Text((Hole(),)))

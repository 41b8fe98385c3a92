"""What a call into a library gives, where it is one that reading follows: by the name of what is called."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from cursus.script.evaluation import unrolled
from cursus.script.evaluation import values as v
from cursus.script.evaluation.values import NOTHING_KNOWN, UNKNOWN, Options, Value, combine, one
from cursus.script.facts import Const, EnvPart, Hole, Text
from cursus.script.syntax.bodies import Body
from cursus.script.syntax.nodes import dataclass_fields, word

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
NONE = one(Const(None))


class Call(NamedTuple):
    """A call of something in a library, by its full name."""

    evaluator: Evaluator
    name: str
    node: ast.Call
    body: Body
    order: int

    def argument(self, index: int, keyword: str = "", missing: Options = NOTHING_KNOWN) -> Options:
        """The values of an argument, by position or by name."""
        before = self.node.args[: index + 1]
        if index < len(before) and not any(isinstance(each, ast.Starred) for each in before):
            return self.evaluator.evaluate(before[index], self.body, self.order)
        given = word(self.node, keyword)
        return missing if given is None else self.evaluator.evaluate(given, self.body, self.order)


def value_of(evaluator: Evaluator, name: str, node: ast.Call, body: Body, order: int) -> Options | None:
    """The value of a call into a library, where it is one that reading follows."""
    follow = _parser if name.endswith("HfArgumentParser") else FOLLOWED.get(name)
    return None if follow is None else follow(Call(evaluator, name, node, body, order))


def _path(call: Call) -> Options:
    pieces = positional(call.evaluator, call.node, call.body, call.order)
    if not pieces:
        return NOTHING_KNOWN if pieces is None else one(v.text("."))
    return combine(pieces, lambda chosen: v.join_paths(list(chosen)) if len(chosen) > 1 else chosen[0])


def _parser(call: Call) -> Options:
    return one(v.ParserValue(id(call.node)))


def _namespace(call: Call) -> Options | None:
    node = call.node
    if len(node.args) + len(node.keywords) != 1:
        return None
    if node.args:
        given, kept = call.argument(0), True
    else:
        only = node.keywords[0]
        given, kept = call.evaluator.evaluate(only.value, call.body, call.order), only.arg is None
    return given.each(
        lambda value: replace(value, members=True) if kept and isinstance(value, v.Table) else UNKNOWN
    )


def _super(call: Call) -> Options | None:
    above = call.evaluator.classes_above(call.body.parent) if call.body.parent is not None else None
    return one(v.Instance(above[0])) if above else None


def _mapping(call: Call) -> Options | None:
    """A copy of a mapping, or one of the words of a call of ``dict``."""
    node = call.node
    if call.name == "dict" and node.keywords and not node.args and all(each.arg for each in node.keywords):
        return one(
            v.Table(
                tuple((each.arg or "", call.evaluator.value(each.value, call.body)) for each in node.keywords)
            )
        )
    if len(node.args) != 1 or node.keywords:
        return None
    found = call.argument(0)
    kept = all(isinstance(each, (v.Special, v.Table, v.Space)) for each in found.values)
    return found if kept else NOTHING_KNOWN


def _arguments(call: Call) -> Options:
    """``vars(args)``: the arguments as a mapping."""
    spaces = call.argument(0).each(lambda x: v.Space(x.key, True) if isinstance(x, v.Space) else UNKNOWN)
    return Options(spaces.values)


def _fields(evaluator: Evaluator, value: Value) -> Value:
    """The fields of a dataclass of the source, as far as people look at them: name and default."""
    if not isinstance(value, (v.Klass, v.Instance)) or not dataclass_fields(value.body.owner):
        return UNKNOWN
    given = {
        name: UNKNOWN if node is None else evaluator.value(node, value.body.parent or value.body)
        for name, node in dataclass_fields(value.body.owner).items()
    }
    tables = [v.Table((("name", v.text(name)), ("default", one)), False, True) for name, one in given.items()]
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


def environment(key: Options, default: Options) -> Options:
    """The variable of a name, as ``os.environ.get`` gives it."""

    def build(chosen: tuple[Value, ...]) -> Value:
        name = chosen[0].literal if isinstance(chosen[0], Text) else None
        if name is None:
            return UNKNOWN
        other = chosen[1]
        return Text((EnvPart(name, other if isinstance(other, (Text, Const)) else Text((Hole(),))),))

    return combine([key, default], build)


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


def _type(value: Value) -> Value:
    if isinstance(value, Const):
        return v.Ref(type(value.value).__name__)
    return v.Ref("str") if isinstance(value, Text) else UNKNOWN


def _formatted(value: Value, spec: Value) -> Value:
    """``format(x, ".2f")``."""
    literal = spec.literal if isinstance(spec, Text) else None
    return UNKNOWN if literal is None else v.merge(v.parts_of(value, literal))


FOLLOWED: dict[str, Callable[[Call], Options | None]] = {
    "os.path.join": _path,
    **dict.fromkeys(PATHLIKE, _path),
    **dict.fromkeys(SAME_PATH, lambda call: call.argument(0)),
    "torch.device": lambda call: call.argument(0) if len(call.node.args) == 1 else None,
    **dict.fromkeys(
        ("os.getenv", "os.environ.get"),
        lambda call: environment(call.argument(0, "key"), call.argument(1, "default", NONE)),
    ),
    **dict.fromkeys(ARGPARSE, _parser),
    "dataclasses.fields": lambda call: call.argument(0).each(lambda value: _fields(call.evaluator, value)),
    "tyro.cli": lambda call: call.argument(0).each(
        lambda value: v.Space(id(call.node)) if _only_fields(value) else UNKNOWN
    ),
    **dict.fromkeys(
        ("open", "io.open", "codecs.open"), lambda call: call.argument(0, "file").each(v.OpenFile)
    ),
    **dict.fromkeys(
        READERS,
        lambda call: (
            call.argument(0).each(lambda value: _loaded(call.evaluator, value, READERS[call.name]))
            if word(call.node, "object_hook", "object_pairs_hook", "cls") is None
            else NOTHING_KNOWN
        ),
    ),
    **dict.fromkeys(NAMESPACES, _namespace),
    "type": lambda call: call.argument(0).each(_type),
    "format": lambda call: combine([call.argument(0), call.argument(1)], lambda chosen: _formatted(*chosen)),
    "super": _super,
    **dict.fromkeys(SAME_MAPPING, _mapping),
    **dict.fromkeys(
        ("os.getcwd", "pathlib.Path.cwd"),
        lambda call: one(v.text(CODE.rstrip("/"))) if "chdir" not in call.evaluator.mentioned else None,
    ),
    "os.path.dirname": lambda call: _cut_path(call.argument(0), 0),
    "os.path.basename": lambda call: _cut_path(call.argument(0), 2),
    "vars": _arguments,
    **dict.fromkeys(
        ("sorted", "list", "tuple"),
        lambda call: unrolled.same_list(call.evaluator, call.node, call.body, call.order),
    ),
    **dict.fromkeys(("range", "enumerate"), lambda call: one(v.Unknown(False, call.name))),
}
"""By the name of a function or class of a library, what a call of it gives."""

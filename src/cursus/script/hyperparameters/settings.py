"""Where a script takes its settings from, besides a parser: what is laid over the hyperparameters, and own readings of
the command line."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from cursus.model import Location
from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import HP_FILES, Const, EnvRead, Habit, Text
from cursus.script.hyperparameters.arguments import PARSES, own_words
from cursus.script.source.files import shown_below
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import (
    bare_name,
    is_call,
    looked_up,
    receiver,
    sets_constant,
    string,
    word,
)

Layer = v.Special | v.Space | v.Table
LOOKS = frozenset({"split", "partition", "startswith", "endswith", "index", "find", "rpartition", "rsplit"})
SETTINGS = (v.Ref("pydantic_settings.BaseSettings"), v.Ref("pydantic.BaseSettings"))
LONGEST = 1_000
"""Letters of a line that is looked into."""
PATTERNS = frozenset({"match", "search", "fullmatch"})


def read_settings(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """Everything of this kind in the bodies that run."""
    for body, sure in reached:
        for node in body.nodes:
            if isinstance(node, (ast.Dict, ast.BinOp, ast.Call)):
                yield from _layered(evaluator, body, node, sure)
            if isinstance(node, ast.Call):
                yield from _own_list(evaluator, body, node, sure)
            elif isinstance(node, (ast.For, ast.comprehension)):
                yield from _setattr(evaluator, body, node, sure)
                yield from _equals_signs(evaluator, body, node, sure)
            elif isinstance(node, ast.Assign):
                yield from _stored(evaluator, body, node, sure)


INTERPOLATED = re.compile(
    r"^\s*(?:-\s+)?[\"']?(?P<key>[\w-]+)[\"']?\s*:[^#]*?\$\{(?:oc\.)?env:(?P<name>\w+)(?P<default>,[^}]*)?\}"
)


def interpolated(
    texts: Mapping[str, str], mentioned: Collection[str], strings: Collection[str], display: str
) -> Iterator[EnvRead]:
    """The variables that OmegaConf puts into settings, as a key is taken: ``folder: ${oc.env:SM_CHANNEL_TRAIN}``."""
    for name, text in texts.items():
        stem = name.rpartition("/")[2].partition(".")[0]
        for number, line in enumerate(text.split("\n") if "env:" in text else (), 1):
            found = INTERPOLATED.match(line) if len(line) < LONGEST else None
            if found is not None:
                loaded = any(stem in one for one in strings if len(one) < LONGEST)
                sure = loaded and found["key"] in mentioned
                yield EnvRead(
                    found["name"],
                    found["default"] is None,
                    sure,
                    Location(shown_below(display, name), number),
                )


def from_environment(evaluator: Evaluator, bodies: Iterable[Body]) -> Iterator[tuple[str, EnvRead]]:
    """The variables that pydantic fills the fields of its settings from, each with the beginning of all names."""
    for body in bodies:
        owner = body.owner
        bases = owner.bases if isinstance(owner, ast.ClassDef) else []
        if not any(evaluator.value(base, body.parent or body) in SETTINGS for base in bases):
            continue
        nodes = list(ast.walk(owner))
        given = [word(one, "env_prefix") for one in nodes if isinstance(one, ast.Call)]
        given += [
            one.value
            for one in nodes
            if isinstance(one, ast.Assign) and bare_name(one.targets[0]) == "env_prefix"
        ]
        prefix = next((text for text in map(string, given) if text is not None), "")
        for field in getattr(owner, "body", []):
            name = bare_name(field.target) if isinstance(field, ast.AnnAssign) else ""
            if isinstance(field, ast.AnnAssign) and name and not isinstance(field.value, ast.Call):
                read = EnvRead(f"{prefix}{name}".upper(), field.value is None, False, place(field, body))
                yield prefix, read


# -- layers -----------------------------------------------------------------------------------------


def _layered(evaluator: Evaluator, body: Body, node: ast.expr, sure: bool) -> Iterator[Habit]:
    """Constants that win over hyperparameters of the same name, where mappings are put together."""
    if isinstance(node, ast.Dict) and None not in node.keys:
        return
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.BitOr):
        return
    layers = _layers(evaluator, body, node)
    below: Layer | None = None
    for layer in layers:
        if isinstance(layer, v.Table) and below is not None:
            for key, value in layer.items:
                yield from _overlaid(below, key, value, sure, place(node, body), ast.unparse(node)[:60])
        elif isinstance(layer, (v.Special, v.Space)):
            below = layer


def _overlaid(
    below: Layer, key: str, value: v.Value, sure: bool, where: Location, shown: str
) -> Iterator[Habit]:
    """A habit for a constant that lies over what may be a hyperparameter; ``text`` is the constant."""
    if not isinstance(value, (Const, Text)):
        return
    literal = value.literal if isinstance(value, Text) else str(value.value)
    if literal is not None:
        source = below.kind if isinstance(below, v.Special) else "arguments"
        yield Habit("overlaid", v.text(literal), shown, sure, where, key, source)


def _layers(evaluator: Evaluator, body: Body, node: ast.expr) -> list[Layer]:
    """The mappings that an expression puts on top of each other, the lowest first."""
    if isinstance(node, ast.Dict) and None in node.keys:
        found: list[Layer] = []
        for key, value in zip(node.keys, node.values, strict=True):
            name = string(key)
            if key is None:
                found.extend(_layers(evaluator, body, value))
            elif name is not None:
                found.append(v.Table(((name, evaluator.value(value, body)),)))
        return found
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _layers(evaluator, body, node.left) + _layers(evaluator, body, node.right)
    if isinstance(node, ast.Call):
        called = evaluator.called(node, body)
        if called == "dict":
            return [layer for given in node.args for layer in _layers(evaluator, body, given)] + _words(
                evaluator, body, node
            )
        if called == "collections.ChainMap":
            return [layer for given in reversed(node.args) for layer in _layers(evaluator, body, given)]
        updated = receiver(node, ("update",))
        if updated is not None:
            base = evaluator.value(updated, body)
            if isinstance(base, v.Space):  # vars(args).update(…) is reported whatever is put over it
                return []
            upper = [layer for given in node.args for layer in _layers(evaluator, body, given)]
            return [*_layer(base), *upper, *_words(evaluator, body, node)]
    return _layer(evaluator.value(node, body))


def _layer(value: v.Value) -> list[Layer]:
    if isinstance(value, v.Special):
        return [value] if value.kind in HP_FILES else []
    return [value] if isinstance(value, v.Table) or (isinstance(value, v.Space) and value.mapping) else []


def _words(evaluator: Evaluator, body: Body, node: ast.Call) -> list[Layer]:
    """The keyword arguments of a call as mappings."""
    found: list[Layer] = []
    for given in node.keywords:
        if given.arg is None:
            found.extend(_layers(evaluator, body, given.value))
        else:
            found.append(v.Table(((given.arg, evaluator.value(given.value, body)),)))
    return found


def _setattr(
    evaluator: Evaluator, body: Body, node: ast.For | ast.comprehension, sure: bool
) -> Iterator[Habit]:
    """``for key, value in settings.items(): setattr(args, key, value)``."""
    settings = receiver(node.iter, ("items",))
    if settings is None or not isinstance(node, ast.For):
        return
    table = evaluator.value(settings, body)
    for statement in node.body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if is_call(call, "setattr") and len(call.args) == 3:
            space = evaluator.value(call.args[0], body)
            if isinstance(space, v.Space) and isinstance(table, v.Table):
                for key, value in table.items:
                    yield from _overlaid(space, key, value, sure, place(call, body), ast.unparse(call)[:60])
            elif isinstance(space, v.Space) and table == v.Unknown(False, "settings"):
                yield Habit("overridden", None, "setattr", sure, place(call, body))


def _stored(evaluator: Evaluator, body: Body, node: ast.Assign, sure: bool) -> Iterator[Habit]:
    """``settings["epochs"] = 1`` on every run of a body, where settings are the hyperparameters."""
    for target in node.targets if sets_constant(body.owner, node) else ():
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            for base in _layer(evaluator.value(target.value, body)):
                if not isinstance(base, v.Table):
                    value = evaluator.value(node.value, body)
                    key = str(target.slice.value)
                    yield from _overlaid(base, key, value, sure, place(node, body), ast.unparse(target))


# -- the command line ---------------------------------------------------------------------------------


def _own_list(evaluator: Evaluator, body: Body, node: ast.Call, sure: bool) -> Iterator[Habit]:
    """``parse_args([])``: a list of the script's own in place of the command line."""
    parser = receiver(node, PARSES)
    given = node.args[0] if node.args else word(node, "args")
    if parser is None or given is None or not isinstance(evaluator.value(parser, body), v.ParserValue):
        return
    if not any(site.node is node and site.sure for site in body.calls):
        return
    if own_words(evaluator, given, body):
        yield Habit("own-list", None, ast.unparse(node), sure, place(node, body))


def _equals_signs(
    evaluator: Evaluator, body: Body, node: ast.For | ast.comprehension, sure: bool
) -> Iterator[Habit]:
    """A loop over the command line that looks for ``name=value`` in each word alone."""
    if not isinstance(node.target, ast.Name) or evaluator.value(node.iter, body) != v.Ref("sys.argv"):
        return
    owner = body.owner
    everything = list(ast.walk(owner))
    for inner in everything:
        if is_call(inner, "next", "zip"):
            return  # it may take the word after it
        if (
            isinstance(inner, ast.Subscript)
            and not isinstance(inner.slice, (ast.Slice, ast.Constant))
            and evaluator.value(inner.value, body) == v.Ref("sys.argv")
        ):
            return
    name = node.target.id
    for inner in everything:
        if _looks_for_equals(inner, name):
            yield Habit("equals-sign", None, ast.unparse(inner), sure, place(inner, body))
            return


def _looks_for_equals(node: ast.AST, name: str) -> bool:
    def about(expression: ast.expr | None) -> bool:
        return bare_name(expression) == name

    def equals(expression: ast.expr | None) -> bool:
        return isinstance(expression, ast.Constant) and "=" in str(expression.value)

    if isinstance(node, ast.Compare):
        return equals(node.left) and about(node.comparators[0]) and isinstance(node.ops[0], ast.In)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        if node.func.attr in LOOKS:
            return about(node.func.value) and equals(node.args[0])
        if node.func.attr in PATTERNS and len(node.args) > 1:
            return equals(node.args[0]) and about(node.args[1])
    return False


def used_whole(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> bool:
    """True where the hyperparameters as a mapping go anywhere else than into a name, or an unknown key is taken."""
    for body, _ in reached:
        by_key: set[int] = set()
        found: list[ast.expr] = []
        for node in body.nodes:
            taken = looked_up(node, ("get", "pop"))
            if taken is not None and isinstance(taken[1], ast.Constant):
                by_key.add(id(taken[0]))
            elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                by_key.add(id(node.value))
            if isinstance(node, (ast.Name, ast.Attribute, ast.Call)) and isinstance(
                getattr(node, "ctx", ast.Load()), ast.Load
            ):
                found.append(node)
        for node in found:
            value = evaluator.value(node, body) if id(node) not in by_key else v.UNKNOWN
            if isinstance(value, v.Special) and value.kind in HP_FILES:
                return True
    return False

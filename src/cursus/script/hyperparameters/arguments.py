"""The command line arguments that a script declares: argparse, and dataclasses read by HfArgumentParser."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from cursus.aws.tables import entries
from cursus.model import Location
from cursus.script.evaluation import values as v
from cursus.script.evaluation.converters import converter
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.evaluation.library import ARGPARSE
from cursus.script.evaluation.unrolled import ROUNDS, listed, loops_around
from cursus.script.facts import Argument, Const, Parser, Text
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import bare_name, field_default, last_name, receiver, word
from cursus.script.syntax.pure import Outcome

TYPES = frozenset({"int", "float", "str", "bool", "list", "tuple", "set", "dict"})
NO_VALUE = {
    "store_true": True,
    "store_false": False,
    "store_const": None,
    "append_const": None,
    "count": None,
    "help": None,
    "version": None,
}
PARSES = {"parse_args": True, "parse_intermixed_args": True, "parse_known_args": False}


@dataclass(slots=True)
class Building:
    """A parser while its script is read."""

    kind: str
    location: Location
    arguments: list[Argument] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    complete: bool = True
    strict: list[bool] = field(default_factory=list)
    sure: bool = False
    abbreviations: bool = True
    unclear: bool = False
    libraries: list[str] = field(default_factory=list)


Reached = list[tuple[CallSite, bool]]


def read_parsers(evaluator: Evaluator, reached: Reached) -> tuple[tuple[Parser, ...], bool]:
    """The parsers that read the command line, and whether anything else reads it too."""
    found: dict[int, Building] = {}
    opaque = False
    for site, _ in reached:
        node = site.node
        opaque = opaque or evaluator.called(node, site.body) in entries("libraries", "opaque_parsers")
        made = evaluator.evaluate(node, site.body, site.order)
        if any(isinstance(value, v.ParserValue) and value.key == id(node) for value in made.values):
            found[id(node)] = _made(evaluator, site)
    for site, sure in reached:
        _use(evaluator, site, sure, found)
    parsers = []
    for key, building in found.items():
        if building.strict:
            parsers.append(replace(_finish(building, found, {key}), key=key))
    return tuple(parsers), opaque or any(building.unclear for building in found.values())


def _finish(building: Building, found: dict[int, Building], seen: set[int]) -> Parser:
    arguments = list(building.arguments)
    complete = building.complete
    for parent in building.parents:
        if parent in seen or parent not in found:
            complete = complete and parent in seen
            continue
        inherited = _finish(found[parent], found, seen | {parent})
        arguments.extend(inherited.arguments)
        complete = complete and inherited.complete
    return Parser(
        "dataclass" if building.kind == "dataclass" else "argparse",
        tuple(arguments),
        strict=bool(building.strict) and all(building.strict),
        complete=complete and not building.libraries,
        sure=building.sure,
        location=building.location,
        abbreviations=building.abbreviations,
        libraries=tuple(building.libraries) if complete else (),
    )


def _made(evaluator: Evaluator, site: CallSite) -> Building:
    node = site.node
    callee = evaluator.value(node.func, site.body)
    if isinstance(callee, v.Ref) and callee.name.endswith("HfArgumentParser"):
        return _dataclasses(evaluator, site)
    building = Building("argparse", place(node, site.body))
    if isinstance(callee, v.Klass) or (isinstance(callee, v.Ref) and callee.name not in ARGPARSE):
        building.complete = False
    for keyword in node.keywords:
        if keyword.arg == "parents":
            given = evaluator.value(keyword.value, site.body)
            items = given.items if isinstance(given, v.Items) else (v.UNKNOWN,)
            for item in items:
                if isinstance(item, v.ParserValue):
                    building.parents.append(item.key)
                else:
                    building.complete = False
        elif keyword.arg == "allow_abbrev":
            building.abbreviations = getattr(keyword.value, "value", None) is not False
        elif keyword.arg in (
            None,
            "prefix_chars",
            "fromfile_prefix_chars",
            "exit_on_error",
            "conflict_handler",
        ):
            building.complete = False
    return building


def _use(evaluator: Evaluator, site: CallSite, sure: bool, found: dict[int, Building]) -> None:
    """Record what one call does to the parsers: declare, parse, or take a parser out of sight."""
    node = site.node
    func = node.func
    if isinstance(func, ast.Name):  # add = parser.add_argument
        meant = site.body.only(func.id)
        func = meant if isinstance(meant, ast.Attribute) and meant.attr == "add_argument" else func
    if isinstance(func, ast.Attribute):
        base = evaluator.evaluate(func.value, site.body, site.order)
        for value in base.values:
            if isinstance(value, v.ParserValue) and value.key in found:
                _parser_call(evaluator, site, sure, func.attr, found[value.key], len(base.values) == 1)
    callee = evaluator.value(func, site.body)
    if isinstance(callee, (v.Func, v.Klass)):
        return
    if isinstance(callee, v.Ref) and callee.name in ("print", "isinstance", "hasattr", "super"):
        return
    for argument in (*node.args, *(keyword.value for keyword in node.keywords if keyword.arg != "parents")):
        if isinstance(argument, (ast.Name, ast.Attribute)):
            value = evaluator.value(argument, site.body)
            if isinstance(value, v.ParserValue) and value.key in found:
                found[value.key].complete = False


def _parser_call(
    evaluator: Evaluator, site: CallSite, sure: bool, name: str, building: Building, alone: bool
) -> None:
    node = site.node
    if name == "add_argument":
        conditional = not (sure and alone) or _exclusive(site)
        rounds: list[dict[str, v.Value]] | None = [{}]
        if site.body.orders.get(id(node), (0, ()))[1]:
            rounds = loops_around(evaluator, site)
        callers = evaluator.sites.get(id(site.body.owner), [])
        if len(callers) > 1 and _made_there(evaluator, site):
            callers = []  # each of them has a parser of its own
        for caller in [one.node for one, _, _ in callers] if 1 < len(callers) <= ROUNDS else [None]:
            for names in rounds or ({},):
                with evaluator.assuming(site.body, names), evaluator.at_site(site.body.owner, caller):
                    argument = _argument(evaluator, site, conditional=conditional)
                building.complete = building.complete and argument is not None and rounds is not None
                building.arguments.extend([argument] if argument is not None else [])
    elif name in PARSES or name == "parse_known_intermixed_args":
        given = node.args[0] if node.args else word(node, "args")
        if given is not None:
            if own_words(evaluator, given, site.body):
                return
            values = evaluator.evaluate(given, site.body).values
            if any(value not in (Const(None), v.Ref("sys.argv")) for value in values):
                building.complete, building.unclear = False, True
                return
        building.strict.append(PARSES.get(name, False))
        building.sure = building.sure or (sure and alone)
    elif name == "parse_args_into_dataclasses":
        building.strict.append(word(node, "return_remaining_strings") is None)
        building.sure = building.sure or (sure and alone)
        if node.args or word(node, "args", "args_filename") is not None:
            building.complete = False
    elif name in ("add_subparsers", "parse_json_file", "parse_yaml_file", "parse_dict", "register"):
        building.complete = False
    elif name == "set_defaults":
        given_names = {keyword.arg for keyword in node.keywords}
        building.arguments = [
            replace(one, default=None, appends=False) if one.dest in given_names else one
            for one in building.arguments
        ]


def _made_there(evaluator: Evaluator, site: CallSite) -> bool:
    """True where the body that adds an argument makes the parser, too."""
    base = evaluator.value(getattr(site.node.func, "value", None) or site.node, site.body)
    return isinstance(base, v.ParserValue) and any(id(one) == base.key for one in site.body.nodes)


def own_words(evaluator: Evaluator, node: ast.expr, body: Body) -> bool:
    """True where what a parser is given is a list that the script holds itself, not the command line."""
    value = evaluator.value(receiver(node, ("split",)) or node, body)
    return isinstance(value, v.Items) or (isinstance(value, Text) and value.literal is not None)


def _exclusive(site: CallSite) -> bool:
    bindings = site.body.bindings.get(bare_name(receiver(site.node, ("add_argument",))), [])
    return any(b.node is not None and "add_mutually_exclusive_group" in ast.dump(b.node) for b in bindings)


def _argument(evaluator: Evaluator, site: CallSite, conditional: bool) -> Argument | None:
    """One ``add_argument`` call, or None where it cannot be read."""
    node = site.node
    flags: list[str] = []
    for given in node.args:
        value = v.UNKNOWN if isinstance(given, ast.Starred) else evaluator.value(given, site.body)
        if not isinstance(value, Text) or value.literal is None:
            return None
        flags.append(value.literal)
    options = {keyword.arg: keyword.value for keyword in node.keywords}
    if None in options:
        return None
    if not flags:
        dest_only = constant(evaluator, options.get("dest"), site)
        if not isinstance(dest_only, str):
            return None
        flags = [dest_only]
    dest = constant(evaluator, options.get("dest"), site)
    action = constant(evaluator, options.get("action"), site) if "action" in options else "store"
    takes = True
    sets: bool | None = None
    kind = type_of(evaluator, options.get("type"), site)
    if isinstance(action, str) and action in NO_VALUE:
        takes, sets = False, NO_VALUE[action]
    elif action not in ("store", "append", "extend"):
        text = ast.unparse(options["action"]) if "action" in options else ""
        if text.endswith("BooleanOptionalAction"):
            takes = False
            flags.extend(f"--no-{flag[2:]}" for flag in tuple(flags) if flag.startswith("--"))
        else:
            kind = "other"
            if "nargs" not in options:
                conditional = True
    default = default_of(evaluator, options.get("default"), site)
    required = options.get("required")
    nargs = constant(evaluator, options.get("nargs"), site)
    known_nargs = nargs is None or isinstance(nargs, (str, int))
    return Argument(
        flags=tuple(flags),
        dest=dest if isinstance(dest, str) else dest_of(flags),
        location=place(node, site.body),
        type=kind,
        required=getattr(required, "value", None) is True,
        takes_value=takes,
        sets=sets,
        nargs="" if nargs is None else str(nargs) if known_nargs else "*",
        choices=choices_of(evaluator, options.get("choices"), site),
        default=default,
        conditional=conditional,
        appends=action in ("append", "extend") and _filled(evaluator, options.get("default"), site),
        converter=converter(evaluator, options.get("type"), site.body) if kind == "other" else None,
    )


def dest_of(flags: list[str]) -> str:
    """The attribute that argparse derives from an argument's flags."""
    for flag in flags:
        if flag.startswith("--"):
            return flag.lstrip("-").replace("-", "_")
    return flags[0].lstrip("-").replace("-", "_")


def constant(evaluator: Evaluator, node: ast.expr | None, site: CallSite) -> object:
    """The value of an option of ``add_argument``: None where it is not given, ``...`` where it is not known."""
    if node is None:
        return None
    value = evaluator.value(node, site.body)
    if isinstance(value, Const):
        return value.value
    literal = value.literal if isinstance(value, Text) else None
    return literal if literal is not None else ...


def default_of(evaluator: Evaluator, node: ast.expr | None, site: CallSite) -> Text | Const | None:
    """An argument's default as far as it is known."""
    value = Const(None) if node is None else evaluator.value(node, site.body)
    return value if isinstance(value, (Text, Const)) else None


def _filled(evaluator: Evaluator, node: ast.expr | None, site: CallSite) -> bool:
    """True for a list that is written out and not empty."""
    found = v.UNKNOWN if node is None else evaluator.value(node, site.body)
    return isinstance(found, v.Items) and bool(found.items)


def type_of(evaluator: Evaluator, node: ast.expr | None, site: CallSite) -> str:
    """The name of the type that converts an argument, ``other`` for anything but Python's own."""
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return "str"
    value = evaluator.value(node, site.body)
    if isinstance(value, v.Ref):
        if value.name in TYPES:
            return value.name
        if value.name in ("pathlib.Path", "os.path.abspath"):
            return "str"
    return "other"


def choices_of(evaluator: Evaluator, node: ast.expr | None, site: CallSite) -> tuple[object, ...] | None:
    """The values that an argument may have; None where it may have any, or they are not known."""
    if node is None:
        return None
    value = listed(evaluator, node, site.body).only
    if not isinstance(value, v.Items):
        return None
    found: list[object] = []
    for item in value.items:
        if isinstance(item, Const):
            found.append(item.value)
        elif isinstance(item, Text) and item.literal is not None:
            found.append(item.literal)
        else:
            return None
    return tuple(found)


def _dataclasses(evaluator: Evaluator, site: CallSite) -> Building:
    """The fields of the dataclasses that HfArgumentParser is given."""
    building = Building("dataclass", place(site.node, site.body))
    types = word(site.node, "dataclass_types")
    classes: list[v.Value] = []
    for node in (*site.node.args, *([] if types is None else [types])):
        value = evaluator.value(node, site.body)
        classes.extend(value.items if isinstance(value, v.Items) else (value,))
    if not classes:
        building.complete = False
    for value in classes:
        if isinstance(value, v.Ref):
            building.libraries.append(value.name)
            continue
        if not isinstance(value, v.Klass) or not isinstance(value.body.owner, ast.ClassDef):
            building.complete = False
            continue
        for base in value.body.owner.bases:
            above = evaluator.value(base, value.body.parent or value.body)
            if isinstance(above, v.Ref):
                building.libraries.append(above.name)
            else:
                building.complete = False
        for statement in value.body.owner.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                building.arguments.extend(_field(evaluator, statement, statement.target.id, value.body))
    return building


def _field(evaluator: Evaluator, node: ast.AnnAssign, name: str, body: Body) -> Iterator[Argument]:
    annotation = (
        ast.unparse(node.annotation).replace("Optional[", "").rstrip("]").replace(" | None", "").strip()
    )
    listed = annotation.lower().startswith(("list[", "typing.list["))
    given = node.value
    wrapped = isinstance(given, ast.Call) and last_name(given.func).endswith("field")
    default = word(given, "default", "default_factory") if wrapped and isinstance(given, ast.Call) else given
    kind = annotation if annotation in ("int", "float", "str", "bool") and not listed else "other"
    at = place(node, body)
    field = field_argument(name, kind, at, required=default is None, nargs="+" if listed else "")
    made = field_default(given)
    value = v.UNKNOWN if made is None else evaluator.value(made, body.parent or body)
    yield replace(field, default=value) if isinstance(value, (Text, Const)) else field
    if kind == "bool" and isinstance(default, ast.Constant) and default.value is True:
        off = f"no_{name}"
        yield Argument(_flags(off), name, at, takes_value=False, sets=False)


def field_argument(name: str, kind: str, at: Location, *, required: bool, nargs: str = "") -> Argument:
    """What HfArgumentParser makes of a dataclass's field; a boolean takes the words that it knows."""
    truth = kind == "bool"
    return Argument(
        _flags(name),
        name,
        at,
        "other" if truth else kind,
        required=required,
        nargs="?" if truth else nargs,
        converter=_truth if truth else None,
    )


def _flags(name: str) -> tuple[str, ...]:
    return (f"--{name}", f"--{name.replace('_', '-')}") if "_" in name else (f"--{name}",)


def _truth(text: str) -> Outcome:
    """As ``string_to_bool`` of transformers does."""
    plain = text.lower()
    if plain in ("yes", "true", "t", "y", "1"):
        return Outcome("value", True)
    if plain in ("no", "false", "f", "n", "0"):
        return Outcome("value", False)
    return Outcome("raises", "ArgumentTypeError")

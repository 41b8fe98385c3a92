"""The arguments of scripts that take them by absl, typer, tyro, fire or Hydra.

Each as the library itself behaves: absl.app.run refuses unknown flags and leaves other words to the script; typer is
click with options made of a function's parameters; tyro makes options of the fields of a dataclass or the parameters of
a function, with hyphens or underscores, and those of an inner dataclass behind a point; fire takes a function's
parameters and reads each value as Python does; Hydra takes ``name=value`` and refuses ``--name``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator
from dataclasses import replace

from cursus.aws.tables import entries, table
from cursus.model import Location
from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Argument, Const, Parser, Text
from cursus.script.hyperparameters.arguments import Reached, choices_of, constant
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import dataclass_fields, field_default, last_name, string, word

ABSL_TYPES = {"integer": "int", "float": "float", "string": "str", "list": "str", "enum": "str"}
LIBRARIES = frozenset(["absl", "typer", "tyro", "fire", "hydra"])
DEEPEST = 3
"""Dataclasses one in another that are followed."""
PLAIN_TYPES = {"int": "int", "float": "float", "str": "str", "Path": "str", "pathlib.Path": "str"}


def read_libraries(evaluator: Evaluator, reached: Reached, tops: Collection[str]) -> list[Parser]:
    """A parser for each start of one of these libraries; ``tops`` are the modules that the source imports."""
    found: list[Parser] = []
    for site, sure in reached if LIBRARIES & set(tops) else ():
        callee = evaluator.value(site.node.func, site.body)
        name = callee.name if isinstance(callee, v.Ref) else ""
        given = evaluator.value(site.node.args[0], site.body) if site.node.args else None
        parser = None
        if name == "absl.app.run" and word(site.node, "flags_parser") is None:
            parser = _absl(evaluator, reached, site, sure, tops)
        elif name == "typer.run" and isinstance(given, v.Func):
            parser = _typer(evaluator, given.body, sure)
        elif name == "fire.Fire" and isinstance(given, v.Func) and not site.node.keywords:
            parser = _fire(given.body, sure)
        elif name == "tyro.cli" and isinstance(given, (v.Func, v.Klass)):
            options = list(_tyro(evaluator, given.body, ""))
            known = [one for one in options if one is not None]
            whole = len(known) == len(options) and len(site.node.args) == 1
            whole = whole and all(one.arg == "description" for one in site.node.keywords)
            parser = Parser(
                "tyro", tuple(known), True, whole, sure, place(given.body.owner, given.body), False
            )
        elif isinstance(callee, v.Func) and _decorated(evaluator, callee.body, "hydra.main"):
            parser = _hydra(callee.body, sure)
        elif not name and isinstance(site.node.func, ast.Name):
            command = _only_command(evaluator, site)
            parser = _typer(evaluator, command, sure) if command is not None else None
        if parser is not None:
            found.append(parser)
    return found


def _absl(
    evaluator: Evaluator, reached: Reached, start: CallSite, sure: bool, tops: Collection[str]
) -> Parser:
    where = place(start.node, start.body)
    arguments = [Argument((f"--{name}",), name, where, "other") for name in table("libraries")["absl_flags"]]
    complete = all(
        top in entries("libraries", "without_flags") or top in sys.stdlib_module_names for top in tops
    )
    required: set[str] = set()
    for site, certain in reached:
        name = evaluator.called(site.node, site.body)
        if not name.startswith("absl.flags."):
            continue
        kind = name.rpartition(".")[2]
        if kind.startswith("DEFINE_"):
            argument = _flag(evaluator, site, kind.removeprefix("DEFINE_"), certain)
            complete = complete and argument is not None
            arguments.extend([argument] if argument is not None else [])
        elif kind.startswith("mark_flag"):
            required.update(name for name in map(string, ast.walk(site.node)) if name is not None)
        elif kind not in ("FLAGS", "register_validator", "validator"):
            complete = False
    kept = tuple(replace(one, required=True) if one.dest in required else one for one in arguments)
    return Parser("absl", kept, True, complete, sure, where, False, leftovers=True)


def _flag(evaluator: Evaluator, site: CallSite, kind: str, sure: bool) -> Argument | None:
    """One flag of absl's; None where its name cannot be read."""
    options = {keyword.arg: keyword.value for keyword in site.node.keywords}
    given = dict(zip(("name", "default"), site.node.args, strict=False)) | options
    name = constant(evaluator, given.get("name"), site)
    if not isinstance(name, str):
        return None
    flags = [f"--{name}", f"-{name}"]
    switch = kind in ("bool", "boolean")
    if switch:
        flags += [f"--no{name}", f"-no{name}"]
    short = constant(evaluator, given.get("short_name"), site)
    if isinstance(short, str):
        flags.append(f"-{short}")
    listed = site.node.args[2] if len(site.node.args) > 2 else options.get("enum_values")
    return Argument(
        tuple(flags),
        name,
        place(site.node, site.body),
        ABSL_TYPES.get(kind, "other"),
        required=constant(evaluator, given.get("required"), site) is True,
        takes_value=not switch,
        sets=True if switch else None,
        choices=choices_of(evaluator, listed, site)
        if kind == "enum" and "case_sensitive" not in options
        else None,
        conditional=not sure,
    )


def _parameters(body: Body) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """The parameters of a function with their defaults."""
    owner = body.owner
    if isinstance(owner, (ast.FunctionDef, ast.AsyncFunctionDef)):
        plain = [*owner.args.posonlyargs, *owner.args.args]
        missing: list[ast.expr | None] = [None] * (len(plain) - len(owner.args.defaults))
        yield from zip(plain, [*missing, *owner.args.defaults], strict=True)
        yield from zip(owner.args.kwonlyargs, owner.args.kw_defaults, strict=True)


def _tyro(evaluator: Evaluator, body: Body, prefix: str) -> Iterator[Argument | None]:
    """The options of a dataclass or a function; None for one that cannot be read."""
    owner = body.owner
    named: list[tuple[str, ast.expr | None, ast.expr | None, Location]]
    if isinstance(owner, ast.ClassDef):
        if not dataclass_fields(owner):
            yield None
        fields = [
            one for one in owner.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        ]
        named = [(last_name(one.target), one.annotation, one.value, place(one, body)) for one in fields]
    else:
        named = [(one.arg, one.annotation, default, place(one, body)) for one, default in _parameters(body)]
    for name, annotation, given, where in named:
        inner = v.UNKNOWN if annotation is None else evaluator.value(annotation, body.parent or body)
        if isinstance(inner, v.Klass) and dataclass_fields(inner.body.owner) and prefix.count(".") < DEEPEST:
            yield from _tyro(evaluator, inner.body, f"{prefix}{name}.")
            continue
        kind = ast.unparse(annotation or ast.Constant("")).replace("typing.", "").removesuffix(" | None")
        kind = kind.removeprefix("Optional[").rstrip("]") if kind.startswith("Optional[") else kind
        if not (
            kind in PLAIN_TYPES or kind == "bool" or kind.lower().startswith(("list[", "tuple[", "literal["))
        ):
            yield None
            continue
        default = field_default(given)
        value = None if default is None else evaluator.value(default, body.parent or body)
        flags = dict.fromkeys(f"--{prefix}{one}" for one in (name, name.replace("_", "-")))
        switch = kind == "bool" and given is not None
        off = (f"--{prefix}no-{name.replace('_', '-')}", f"--{prefix}no_{name}") if switch else ()
        yield Argument(
            (*flags, *off),
            prefix + name,
            where,
            PLAIN_TYPES.get(kind, "other"),
            required=given is None,
            takes_value=not switch,
            nargs="*" if kind.lower().startswith(("list[", "tuple[")) else "",
            default=value if isinstance(value, (Text, Const)) else None,
        )


def _fire(body: Body, sure: bool) -> Parser:
    arguments = []
    for parameter, default in _parameters(body):
        names = dict.fromkeys((parameter.arg, parameter.arg.replace("_", "-")))
        arguments.append(
            Argument(
                tuple(f"--{name}" for name in names),
                parameter.arg,
                place(parameter, body),
                "other",
                required=default is None,
            )
        )
    owner = body.owner
    whole = isinstance(owner, ast.FunctionDef) and owner.args.kwarg is None and owner.args.vararg is None
    return Parser("fire", tuple(arguments), True, whole, sure, place(owner, body), False)


def _hydra(body: Body, sure: bool) -> Parser:
    where = place(body.owner, body)
    own = tuple(
        Argument((f"--{name}",), name, where, "other", conditional=True)
        for name in table("libraries")["hydra_options"]
    )
    return Parser("hydra", own, True, True, sure, where)


def _decorated(evaluator: Evaluator, body: Body, name: str) -> bool:
    decorators = [
        one.func if isinstance(one, ast.Call) else one for one in getattr(body.owner, "decorator_list", [])
    ]
    return any(evaluator.value(one, body.parent or body) == v.Ref(name) for one in decorators)


def _only_command(evaluator: Evaluator, site: CallSite) -> Body | None:
    """The one command of the ``typer.Typer()`` that a call starts; None for another call, and where it has several."""
    func = site.node.func
    if not isinstance(func, ast.Name) or site.node.args or site.node.keywords:
        return None
    top = site.body.top
    made = [one.node for one in top.bindings.get(func.id, []) if isinstance(one.node, ast.Call)]
    if not any(evaluator.called(one, top) == "typer.Typer" for one in made):
        return None
    commands = [
        inner
        for inner in top.defined.values()
        for decorator in getattr(inner.owner, "decorator_list", [])
        if ast.unparse(decorator).startswith((f"{func.id}.command", f"{func.id}.callback"))
    ]
    plain = len(commands) == 1 and "callback" not in ast.unparse(commands[0].owner.decorator_list[0])  # type: ignore[union-attr]
    return commands[0] if plain else None


def _typer(evaluator: Evaluator, body: Body, sure: bool) -> Parser:
    arguments: list[Argument] = []
    complete = True
    for parameter, default in _parameters(body):
        if ast.unparse(parameter.annotation or ast.Constant("")).endswith("Context"):
            continue
        argument = _typer_argument(evaluator, body, parameter, default)
        complete = complete and argument is not None
        arguments.extend([argument] if argument is not None else [])
    return Parser("typer", tuple(arguments), True, complete, sure, place(body.owner, body), False)


def _typer_argument(
    evaluator: Evaluator, body: Body, parameter: ast.arg, default: ast.expr | None
) -> Argument | None:
    """One parameter as typer takes it; None where it cannot be read."""
    annotation = parameter.annotation
    about = default if isinstance(default, ast.Call) and _describes(default) else None
    words = list(about.args[1:]) if about is not None else []
    value = (about.args[0] if about.args else word(about, "default")) if about is not None else default
    if isinstance(annotation, ast.Subscript) and last_name(annotation.value) == "Annotated":
        parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else []
        annotation = parts[0] if parts else None
        described = [one for one in parts[1:] if isinstance(one, ast.Call) and _describes(one)]
        about = described[0] if described else about
        words = list(about.args) if described and about is not None else words
    if isinstance(default, ast.Call) and about is None:
        return None
    kind = ast.unparse(annotation) if annotation is not None else "str"
    kind = kind.replace("typing.", "").removeprefix("Optional[").removesuffix(" | None").rstrip("]")
    open_ended = value is None or (isinstance(value, ast.Constant) and value.value is ...)
    where = place(parameter, body)
    if (about is not None and last_name(about.func) == "Argument") or (about is None and open_ended):
        return Argument((parameter.arg,), parameter.arg, where, "other", nargs="" if open_ended else "?")
    site = CallSite(about, body, 10**9, True) if about is not None else None
    given = [constant(evaluator, one, site) for one in words] if site is not None else []
    if not all(isinstance(one, str) for one in given):
        return None
    flags = [part for one in given if isinstance(one, str) for part in one.split("/") if part.startswith("-")]
    name = parameter.arg.replace("_", "-")
    switch = kind == "bool"
    plain = (f"--{name}", f"--no-{name}") if switch else (f"--{name}",)
    return Argument(
        tuple(flags) or plain,
        parameter.arg,
        where,
        PLAIN_TYPES.get(kind, "other"),
        required=open_ended,
        takes_value=not switch,
        sets=True if switch and len(flags) == 1 else None,
        default=Const(value.value)
        if isinstance(value, ast.Constant) and not isinstance(value.value, str)
        else None,
    )


def _describes(node: ast.Call) -> bool:
    return last_name(node.func) in ("Option", "Argument")

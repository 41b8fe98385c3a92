"""The options that a script's click commands declare."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Argument, Const, EnvPart, Habit, Parser, Text
from cursus.script.hyperparameters.arguments import (
    Reached,
    choices_of,
    constant,
    default_of,
    dest_of,
    type_of,
)
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import last_name, word
from cursus.script.syntax.pure import Outcome


def read_commands(evaluator: Evaluator, reached: Reached) -> list[Parser]:
    """A click command for each called function that is decorated as one."""
    found: dict[int, Parser] = {}
    for site, sure in reached:
        callee = evaluator.value(site.node.func, site.body)
        if not isinstance(callee, v.Func) or id(callee.body.owner) not in evaluator.command_functions:
            continue
        loose = word(site.node, "standalone_mode") is not None or bool(site.node.args)
        parser = _command(evaluator, callee.body, sure, complete=not loose)
        if parser is not None:
            found[id(callee.body)] = parser
    return list(found.values())


def read_misheard(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """Options that a command's function has no parameter for, and what stands behind a call that ends the process."""
    for site, sure in calls:
        callee = evaluator.value(site.node.func, site.body)
        if not isinstance(callee, v.Func) or id(callee.body.owner) not in evaluator.command_functions:
            continue
        owner, parser = callee.body.owner, _command(evaluator, callee.body, sure, complete=True)
        hears = isinstance(owner, ast.FunctionDef) and not any(
            "expose_value" in ast.unparse(one) for one in owner.decorator_list
        )
        if hears and isinstance(owner, ast.FunctionDef) and owner.args.kwarg is None and parser is not None:
            taken = {one.arg for one in (*owner.args.args, *owner.args.kwonlyargs)}
            for argument in parser.arguments:
                if argument.dest not in taken:
                    told = f"{owner.name}({', '.join(sorted(taken))}) of {argument.flags[-1]}"
                    yield Habit("option-unheard", None, told, sure, place(owner, callee.body))
        if word(site.node, "standalone_mode") is None and parser is not None:
            behind = _behind(site)
            if behind is not None:
                where = place(behind, site.body)
                yield Habit("behind-command", None, ast.unparse(site.node), sure, where)


def _behind(site: CallSite) -> ast.stmt | None:
    """The statement that follows a call, in the same block."""
    blocks = [site.body.top.owner, *(one for one in site.body.top.all_nodes if isinstance(one, ast.If))]
    for block in blocks:
        statements = getattr(block, "body", [])
        for statement, following in pairwise(statements if isinstance(statements, list) else []):
            if isinstance(statement, (ast.Expr, ast.Assign)) and statement.value is site.node:
                found: ast.stmt = following
                return found
    return None


def click_decorators(body: Body) -> list[ast.expr]:
    """The decorators of a function that is a click command; empty for any other."""
    owner = body.owner
    if not isinstance(owner, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return []
    names = [ast.unparse(d.func if isinstance(d, ast.Call) else d) for d in owner.decorator_list]
    return owner.decorator_list if any(n in ("click.command", "command") for n in names) else []


def _command(evaluator: Evaluator, body: Body, sure: bool, complete: bool) -> Parser | None:
    arguments: list[Argument] = []
    strict = True
    parent = body.parent or body
    for decorator in click_decorators(body):
        function = evaluator.value(decorator, parent)
        if isinstance(function, v.Func):
            shared = [_option(evaluator, one, function.body) for one in _options_of(function.body)]
            complete = complete and None not in shared and not _unclear(function.body)
            arguments.extend(one for one in shared if one is not None)
            continue
        if not isinstance(decorator, ast.Call):
            complete = complete and ast.unparse(decorator) in (
                "click.command",
                "command",
                "click.pass_context",
            )
            continue
        name = last_name(decorator.func)
        if name == "command":
            strict = strict and "ignore_unknown_options" not in ast.unparse(decorator)
        elif name == "option":
            option = _option(evaluator, decorator, parent)
            if option is None:
                complete = False
            else:
                arguments.append(option)
        else:
            complete = False
    return Parser("click", tuple(arguments), strict, complete, sure, place(body.owner, body), False)


def _options_of(function: Body) -> list[ast.Call]:
    """The options that a function of the source adds to a command."""
    calls = [node for node in function.all_nodes if isinstance(node, ast.Call)]
    return [node for node in calls if last_name(node.func) == "option"]


def _unclear(function: Body) -> bool:
    """True where such a function may add others: in a loop, by other functions."""
    return any(
        isinstance(node, (ast.For, ast.While)) or last_name(node) in ("argument", "reduce", "add_options")
        for node in function.all_nodes
    )


def _option(evaluator: Evaluator, node: ast.Call, body: Body) -> Argument | None:
    site = CallSite(node, body, 10**9, True)
    flags: list[str] = []
    dest = ""
    for given in node.args:
        value = evaluator.value(given, body)
        if not isinstance(value, Text) or value.literal is None:
            return None
        if value.literal.startswith("-"):
            flags.extend(part.strip() for part in value.literal.split("/") if part.strip().startswith("-"))
        else:
            dest = value.literal
    options = {keyword.arg: keyword.value for keyword in node.keywords}
    if not flags or None in options:
        return None
    pair = any("/" in str(getattr(given, "value", "")) for given in node.args)
    default = default_of(evaluator, options.get("default"), site)
    flag = pair or constant(evaluator, options.get("is_flag"), site) is True
    choices = _click_choices(evaluator, options.get("type"), site)
    if "is_flag" not in options and not pair and "type" not in options and isinstance(default, Const):
        kind = {bool: "other", int: "int", float: "float"}.get(type(default.value), "str")
    else:
        kind = "str" if choices else type_of(evaluator, options.get("type"), site)
    if kind == "bool":
        kind = "other"  # click's own bool reads "False" as false
    counted = constant(evaluator, options.get("count"), site) is True
    variable = constant(evaluator, options.get("envvar"), site)
    if isinstance(variable, str) and default is not None:
        default = Text((EnvPart(variable, default),))
    return Argument(
        tuple(flags),
        dest or dest_of(flags).lower(),
        place(node, body),
        kind,
        required=constant(evaluator, options.get("required"), site) is True and variable is None,
        takes_value=not (flag or counted),
        sets=True if flag and not pair else None,
        choices=choices,
        default=default,
        converter=_click_range(evaluator, options.get("type"), site),
    )


def _click_range(
    evaluator: Evaluator, node: ast.expr | None, site: CallSite
) -> Callable[[str], Outcome | None] | None:
    """What ``click.IntRange`` and ``click.FloatRange`` make of a text; None for any other type."""
    name = evaluator.called(node, site.body) if isinstance(node, ast.Call) else ""
    if not isinstance(node, ast.Call) or name not in ("click.IntRange", "click.FloatRange"):
        return None
    given = dict(zip(("min", "max"), node.args, strict=False)) | {one.arg: one.value for one in node.keywords}
    ends = [constant(evaluator, given.get(one), site) for one in ("min", "max")]
    if set(given) - {"min", "max"}:  # clamp, min_open, max_open
        return None
    low, high = (end if isinstance(end, (int, float)) else None for end in ends)

    def made(text: str) -> Outcome | None:
        try:
            number = int(text) if name == "click.IntRange" else float(text)
        except ValueError:
            return Outcome("raises", "BadParameter")
        outside = (low is not None and number < low) or (high is not None and number > high)
        return Outcome("raises", "BadParameter") if outside else Outcome("value", number)

    return made if ... not in ends else None


def _click_choices(evaluator: Evaluator, node: ast.expr | None, site: CallSite) -> tuple[object, ...] | None:
    """The texts that a ``click.Choice`` takes as they are; None for one that takes them in any case."""
    if not isinstance(node, ast.Call) or len(node.args) != 1 or ast.unparse(node.func) != "click.Choice":
        return None
    if node.keywords and constant(evaluator, node.keywords[0].value, site) is not True:
        return None
    found = choices_of(evaluator, node.args[0], site)
    return found if found and all(isinstance(choice, str) for choice in found) else None

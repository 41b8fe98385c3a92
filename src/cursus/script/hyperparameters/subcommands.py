"""Parsers that demand a subcommand: ``subcommand``, ``detail`` are the names that they know."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from cursus.script.facts import Habit
from cursus.script.syntax.bodies import Body, place
from cursus.script.syntax.nodes import last_name, receiver, string, word


def read_subcommands(entry: Body) -> Iterator[Habit]:
    """``parser.add_subparsers(required=True)`` of a parser that the entry point reads its command line with."""
    calls = [node for node in entry.all_nodes if isinstance(node, ast.Call)]
    for call in calls:  # https://lightning.ai/docs/pytorch/stable/cli/lightning_cli.html
        if (
            last_name(call.func) == "LightningCLI"
            and word(call, "run", "args") is None
            and len(call.args) < 9
        ):
            yield Habit("subcommand", None, "fit,validate,test,predict", True, place(call, entry))
    if any(last_name(node) == "argv" for node in entry.all_nodes if isinstance(node, ast.Attribute)):
        return  # it may put the subcommand in itself
    for call in calls:
        required, parser = word(call, "required"), receiver(call, ("add_subparsers",))
        if parser is None or not (isinstance(required, ast.Constant) and required.value is True):
            continue
        parses = [
            one
            for one in calls
            if (made := receiver(one, ("parse_args", "parse_known_args"))) is not None
            and ast.unparse(made) == ast.unparse(parser)
        ]
        names = [string(one.args[0]) for one in calls if last_name(one.func) == "add_parser" and one.args]
        if parses and names and None not in names and not any(one.args or one.keywords for one in parses):
            yield Habit("subcommand", None, ",".join(filter(None, names)), True, place(call, entry))

"""Programs of the source that another one starts with options of its own: what they are given, and what they know."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from cursus.script.syntax.nodes import bare_name, everything_given, last_name, receiver, string, word

PROGRAM = re.compile(r"[\w./-]*\w\.py")
OPTION = re.compile(r"--[A-Za-z][\w-]*")
STARTS = re.compile(
    r"^[ \t]*(?:exec +)?(?:python3?|torchrun|accelerate launch|deepspeed|mpirun)\b[^\n#|;&<>]*", re.MULTILINE
)
READS = ("parse_args", "parse_known_args")


def given_to(words: list[str]) -> tuple[str, list[str]] | None:
    """The program that a command's words start, and the options behind it."""
    for position, one in enumerate(words):
        if PROGRAM.fullmatch(one):
            behind = [each.partition("=")[0] for each in words[position + 1 :]]
            return one, [each for each in behind if OPTION.fullmatch(each)]
    return None


def in_shell(text: str) -> Iterator[tuple[str, list[str]]]:
    """Every program that a shell script starts so."""
    for found in STARTS.finditer(re.sub(r"\\\n", " ", text)):
        started = given_to(found[0].replace('"', " ").replace("'", " ").split())
        if started is not None:
            yield started


def known_options(text: str) -> frozenset[str] | None:
    """The options of the one parser of a program, which refuses others; None where that is not certain."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    made = [one for one in calls if last_name(one.func) == "ArgumentParser"]
    parses = [one for one in calls if receiver(one, READS) is not None]
    if len(made) != 1 or len(parses) != 1 or made[0].args or word(made[0], "parents", "prefix_chars"):
        return None
    if last_name(parses[0].func) != "parse_args" or parses[0].args or parses[0].keywords:
        return None
    parser = bare_name(receiver(parses[0], READS))
    handed = [one for one in calls if any(bare_name(each) == parser for each in everything_given(one))]
    returned = [
        one for one in ast.walk(tree) if isinstance(one, ast.Return) and bare_name(one.value) == parser
    ]
    other = [one for one in calls if receiver(one, ("add_subparsers",)) is not None]
    if not parser or handed or returned or other:
        return None
    flags = [each for one in calls if last_name(one.func) == "add_argument" for each in one.args]
    names = [string(one) for one in flags]
    negated = [f"--no-{name[2:]}" for name in names if name and name.startswith("--")]
    return None if None in names else frozenset([*filter(None, names), *negated])

"""What the arguments of a script make of the texts that they get: switches that are always on, lists of characters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script.arguments import meetings
from cursus.checks.script.request import (
    Passed,
)
from cursus.checks.script.shell_words import by_shell
from cursus.checks.type_words import is_number
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import Argument

FALSE_WORDS = frozenset({"false", "0", "no", "off", "none", "f", "n"})
TRUE_WORDS = frozenset({"true", "1", "yes", "on"})
SEVERAL = re.compile(r"[^\s,;:{}\"']+(?:\s*,\s*[^\s,;:{}\"']+)+")
"""Several words parted by commas, a list in brackets too."""


@rule("HPO053", severity="warning", scope="script")
def bool_of_text(view: TrainingView) -> Iterator[Problem]:
    """An argument with type=bool, or with a function of its own, takes a no for a yes.

    What it does:
        Finds arguments declared with ``type=bool`` that a hyperparameter gives as false, with ``type=list`` and its kin, and with ``nargs``
        that get a list in one text; and reads what a function given as ``type=`` makes of a ``False``, ``true``, ``1`` or ``None``.
    Why:
        The value is a text, and ``bool("False")`` is True: only an empty text is false. The job runs, with the switch on.
        ``list("[64]")`` is a list of four characters. A function that knows ``false`` alone takes ``False`` for a yes, and the toolkit passes JSON's
        ``true`` and ``false`` as ``True`` and ``False``.
    Example:
          files:
            train.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
        -     parser.add_argument("--augment", type=bool, default=True)
        +     parser.add_argument("--augment", type=lambda text: text.lower() == "true", default=True)
              args = parser.parse_args()
        +     train = os.environ["SM_CHANNEL_TRAIN"]
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.augment))
          HyperParameters: {augment: "False"}
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/4247; https://docs.python.org/3/library/argparse.html#type
    """
    for _, passed, argument in meetings(view):
        if argument.type in ("list", "tuple", "set") and argument.takes_value and passed.values:
            yield Problem(
                f"{passed.flag} is declared with type={argument.type}, which takes the text {show(passed.values[0])} apart into characters",
                passed.path,
                remedy="use type=ast.literal_eval"
                if passed.values[0].startswith(("[", "("))
                else "split the text: type=lambda text: text.split(',')",
                location=argument.location,
            )
        several = passed.values if argument.nargs in ("+", "*") and argument.type == "str" else ()
        whole = by_shell(view) is False if several else False  # no shell takes words apart
        listed = next(
            (one for one in several or () if SEVERAL.fullmatch(one) or (whole and " " in one.strip())), None
        )
        if listed is not None:
            yield Problem(
                f"{passed.flag} takes several values (nargs={argument.nargs!r}), and {show(listed)} comes as one of them",
                passed.path,
                remedy="in place of nargs split the text: type="
                + ("str.split" if "," not in listed else "lambda text: text.split(',')"),
                location=argument.location,
            )
        yield from _converted(passed, argument)
        if argument.type != "bool" or not argument.takes_value:
            continue
        wrong = [value for value in passed.values or () if value.lower() in FALSE_WORDS]
        if wrong:
            yield Problem(
                f"{passed.flag} is declared with type=bool: it gets the text {show(wrong[0])}, and bool({wrong[0]!r}) is True",
                passed.path,
                remedy="use type=lambda text: text.lower() in ('true', '1', 'yes')",
                location=argument.location,
            )


def _converted(passed: Passed, argument: Argument) -> Iterator[Problem]:
    """Where a function of the script makes the opposite of what a word says, or sorts numbers as texts."""
    if argument.converter is None or not argument.takes_value:
        return
    for value in passed.values or ():
        made = argument.converter(value)
        if made is None or made.kind != "value":
            continue
        word, result = value.strip().lower(), made.value
        if (result is True and word in FALSE_WORDS) or (result is False and word in TRUE_WORDS):
            told = f"{passed.flag} gets the text {show(value, passed.name)}, and the function that reads it makes {result} of it"
            remedy = "compare the text in small letters: text.lower() in ('true', '1', 'yes')"
        elif value.startswith("[") and isinstance(result, list) and _keeps_brackets(result):
            told = f"{passed.flag} is {show(value, passed.name)}, and the function that reads it makes {show(result)} of it, brackets and all"
            remedy = "read a list with type=ast.literal_eval, or pass its items with commas alone"
        elif made.sorts and _sorted_as_text(result):
            told = f"{passed.flag} is {show(value, passed.name)}, and the function that reads it sorts the numbers as texts: {show(result)}"
            remedy = "make numbers of them first: sorted(int(part) for part in text.split(','))"
        else:
            continue
        yield Problem(told, passed.path, remedy=remedy, location=argument.location)


def _keeps_brackets(result: list[object]) -> bool:
    return bool(result) and str(result[0]).startswith("[") and str(result[-1]).endswith("]")


def _sorted_as_text(result: object) -> bool:
    if not isinstance(result, list) or not 1 < len(result) < 100:
        return False
    if not all(isinstance(one, str) and is_number(one) for one in result):
        return False
    return result == sorted(result) and result != sorted(result, key=float)


@rule("HPO054", scope="script")
def flag_given_value(view: TrainingView) -> Iterator[Problem]:
    """A flag without a value, such as store_true, is given one.

    What it does:
        Finds hyperparameters that meet an argument with ``action="store_true"``, ``"store_false"``, ``"count"``,
        ``BooleanOptionalAction`` or click's ``is_flag``.
    Why:
        A hyperparameter always comes with its value: ``--verbose True``. A strict parser ends the script with
        ``unrecognized arguments: True``; with ``parse_known_args`` the flag is set even where the value says False.
    Example:
          files:
            train.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
        -     parser.add_argument("--early-stop", action="store_true")
        +     parser.add_argument("--early-stop", type=lambda text: text.lower() == "true", default=False)
              args = parser.parse_args()
        +     train = os.environ["SM_CHANNEL_TRAIN"]
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.early_stop))
          HyperParameters: {early-stop: "true"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit (mapping.to_cmd_args);
        https://docs.python.org/3/library/argparse.html#action
    """
    for parser, passed, argument in meetings(view):
        if argument.takes_value or passed.values == () or any(a.positional for a in parser.arguments):
            continue
        if "" in (passed.values or ()) and (parser.kind == "click" or by_shell(view) is not False):
            continue
        value = (passed.values or ("a value",))[0]
        if parser.strict and not parser.leftovers:
            yield Problem(
                f"{passed.flag} is a flag of the script and takes no value, but comes as "
                f"{passed.flag} {show(value, passed.name)}: the parser refuses the value",
                passed.path,
                remedy="declare it with a type that reads true and false, or leave the hyperparameter out",
                location=argument.location,
                about=(passed.flag, *argument.flags, value),
            )
        elif argument.sets is not None and _contradicts(value, argument.sets):
            yield Problem(
                f"{passed.flag} {show(value, passed.name)} sets the flag to {argument.sets}: its value is not looked at",
                passed.path,
                remedy="declare it with a type that reads true and false, or leave the hyperparameter out",
                severity="warning",
                location=argument.location,
            )


def _contradicts(value: str, sets: bool) -> bool:
    said_false = value.lower() in FALSE_WORDS
    said_true = value.lower() in TRUE_WORDS
    return said_false if sets else said_true

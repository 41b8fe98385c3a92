"""Hyperparameters against the arguments that the training script declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from cursus.aws import library_fields
from cursus.checks.rules import Problem, rule
from cursus.checks.script.filled import unknown_names
from cursus.checks.script.launched import unknown_to_programs
from cursus.checks.script.request import (
    NONE,
    Invocation,
    Passed,
    habits,
    invocation,
    lookup,
    parsed,
    resolve,
    started_script,
)
from cursus.checks.script.shell_words import by_shell, shell_words
from cursus.checks.type_words import is_number
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import ArgPart, Argument, Parser, ScriptFacts
from cursus.suggest import closest, did_you_mean

REMEDIES = {
    "hydra": "Hydra takes name=value: rewrite sys.argv before its main, or start the script with ContainerArguments, and leave ",
    "absl": "define it with flags.DEFINE_…, or leave ",
    "typer": "make it a parameter of the command, or leave ",
    "tyro": "make it a field of the settings, or leave ",
    "fire": "make it a parameter of the function, or leave ",
}
_NEGATIVE = re.compile(r"-\d+|-\d*\.\d+")
"""What argparse takes for a negative number, up to Python 3.13: https://github.com/python/cpython/issues/155339"""


def meetings(view: TrainingView) -> Iterator[tuple[Parser, Passed, Argument]]:
    """Each thing passed with the argument that each sure parser takes it for."""
    for parser in parsed(view):
        for passed in invocation(view).arguments or ():
            argument, _ = lookup(parser, passed.flag)
            if argument is not None:
                yield parser, passed, argument


def called(near: str | None, name: str, before: str = "", what: str = "hyperparameter") -> str:
    """That what is passed could have the name of the argument ``near``, where it has not: ``-C`` comes of ``C``."""
    own = near.lstrip("-") if near else name
    return f"call the {what} {own!r}, {before}" if own != name else ""


@rule("HPO050", scope="script")
def unknown_argument(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter is no argument of the script.

    What it does:
        Reads the script's argument parser and holds the hyperparameters against it. Each one comes to the script
        as ``--name value``; a parser that is strict (``parse_args``, click, absl, typer, fire, Hydra) ends the script on a
        name that it does not know; Hydra knows ``name=value`` alone. argparse, ``parse_known_args`` too, refuses a name that
        several arguments begin with. The names that the SDK adds itself, such as ``model_dir`` for TensorFlow, count too.
        A function or dataclass that is filled from SM_HPS (``Config(**hps)``) is held against its names, and so
        are the options that it starts another program of the source with.
        Fields of TrainingArguments are those of the transformers that the image has, or requirements.txt pins.
    Why:
        The script ends with ``error: unrecognized arguments`` and the job fails, after the instance has been paid for.
    Example:
          files:
            train.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
              parser.add_argument("--epochs", type=int, default=1)
              args = parser.parse_args()
        +     train = os.environ["SM_CHANNEL_TRAIN"]
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.epochs))
        - HyperParameters: {epoch-count: "3"}
        + HyperParameters: {epochs: "3"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit (mapping.to_cmd_args);
        https://docs.python.org/3/library/argparse.html
    """
    yield from unknown_names(view)
    yield from unknown_to_programs(view)
    found = started_script(view)
    if found is None:
        return
    facts, started = found
    for parser in parsed(view):
        if not parser.complete:
            continue
        names = [flag for argument in parser.arguments for flag in argument.flags]
        for passed in started.arguments or ():
            argument, ambiguous = lookup(parser, passed.flag)
            if argument is not None or not (parser.strict or ambiguous):
                continue
            if ambiguous:
                text = f"{passed.flag} could be {', '.join(ambiguous)}: the script's parser refuses it as ambiguous"
                remedy = "write the name in full, or make the parser with allow_abbrev=False, or leave "
            elif any(lookup(other, passed.flag)[0] for other in facts.parsers):
                text = (
                    f"a second parser reads the command line too, does not know {passed.flag}, and refuses it"
                )
                remedy = "give it words of its own, parse_args([]), or parse_known_args, or leave "
            else:
                text = f"the script does not know the argument {passed.flag}, and its parser refuses unknown ones."
                text += _other_versions(parser, passed.flag) or did_you_mean(passed.flag, names)
                near = closest(passed.flag, names)
                remedy = called(near, passed.name, what=started.what)
                remedy += REMEDIES.get(
                    parser.kind,
                    f"declare {passed.flag} in the script, parse with parse_known_args, or leave ",
                )
            yield Problem(
                text,
                passed.path,
                remedy=f"{remedy}{passed.name!r} out",
                location=parser.location,
                about=(passed.flag,),
            )


def _other_versions(parser: Parser, flag: str) -> str:
    """That another version of a library has a field, where one has."""
    field = flag.lstrip("-").replace("-", "_")
    for name in parser.libraries:
        versions = library_fields.versions_with(name, field)
        if versions:
            return f" {name} has it in {name.partition('.')[0]} {versions}"
    return ""


@rule("HPO051", scope="script")
def required_argument_missing(view: TrainingView) -> Iterator[Problem]:
    """An argument that the script requires is not among the hyperparameters.

    What it does:
        Looks for arguments with ``required=True``, positional arguments, subcommands, click options and dataclass fields without a
        default that no hyperparameter gives; and for arguments without a default that the script converts as they are, ``int(args.n)``.
    Why:
        The parser ends the script with ``the following arguments are required``, or ``int`` does on None, and the job fails. SageMaker passes
        options only: a positional argument is given where ``parse_known_args`` skips an option of its name, and else never.
    Example:
          files:
            train.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
              parser.add_argument("--target", required=True)
              args = parser.parse_args()
        +     train = os.environ["SM_CHANNEL_TRAIN"]
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(args.target)
        + HyperParameters: {target: churned}
    Source:
        https://docs.python.org/3/library/argparse.html#required
    """
    found = started_script(view)
    if found is None:
        return
    facts, started = found
    for habit in habits(view, "subcommand"):
        values = {value for passed in started.arguments or () for value in passed.values or ()}
        if started.kind == "toolkit" and not values & set(habit.detail.split(",")):
            yield Problem(
                "the script demands a subcommand, which SageMaker cannot give: hyperparameters come as options",
                (view.hyperparameters_member,),
                remedy="declare it as an option, or give add_subparsers no required=True and set a default",
                location=habit.location,
            )
    for parser in parsed(view):
        met = {id(lookup(parser, passed.flag)[0]) for passed in started.arguments or ()}
        for argument in parser.arguments:
            if argument.conditional or id(argument) in met:
                continue
            if argument.positional and argument.nargs not in ("?", "*", "...", "A..."):
                own = started.kind in ("command", "processing")
                why = (
                    "and the job gives options alone"
                    if own
                    else "which SageMaker cannot give: hyperparameters come as options"
                )
                yield Problem(
                    f"the script demands the positional argument {argument.flags[0]!r}, {why}",
                    (view.hyperparameters_member,),
                    remedy=f"declare it as an option: add_argument({'--' + argument.flags[0]!r})",
                    location=argument.location,
                )
            elif argument.required and not argument.positional:
                near = closest(argument.flags[-1], [p.flag for p in started.arguments or ()])
                hint = f" (there is {near!r})" if near else ""
                yield Problem(
                    f"the script requires the argument {max(argument.flags, key=len)}, and no {started.what} gives it{hint}",
                    (view.hyperparameters_member,),
                    remedy=f"add the {started.what} {_name(argument)!r}, or give the argument a default",
                    location=argument.location,
                    about=argument.flags,
                )
    yield from _converted_none(view, facts, started)


def _converted_none(view: TrainingView, facts: ScriptFacts, started: Invocation) -> Iterator[Problem]:
    """Arguments without a default, and not given, that a conversion gets as None."""
    if facts.calls & {"setattr", "vars"} or facts.attributes & {"__dict__", "set_defaults"}:
        return  # they may be set in another way
    told = set()
    for used in facts.conversions:
        part = used.text.only if used.text is not None else None
        if not used.sure or not isinstance(part, ArgPart) or part.dest in told:
            continue
        if resolve(view, used.text) is NONE:
            told.add(part.dest)
            argument = next(a for p in facts.parsers for a in p.arguments if a.dest == part.dest)
            yield Problem(
                f"{used.call} gets None: {max(argument.flags, key=len)} has no default, and no {started.what} gives it",
                (view.hyperparameters_member,),
                remedy=f"add the {started.what} {_name(argument)!r}, or give the argument a default",
                location=used.location,
            )


def _name(argument: Argument) -> str:
    longest = max(argument.flags, key=len)
    return longest.lstrip("-")


@rule("HPO052", scope="script")
def value_refused(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter's value is one that the script's parser refuses.

    What it does:
        Converts each value as the parser would: ``type=int`` and ``type=float``, ``choices``, a number of values that one
        text cannot give, a function given as ``type=`` that raises an error on it. A list comes as one text, ``[1, 2]``, so that
        ``nargs="+"`` with ``type=int`` refuses it.
        In a tuning request the values and kinds of the ranges count too.
    Why:
        The parser ends the script with ``invalid int value`` or ``invalid choice`` and the job fails.
    Example:
          files:
            train.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
              parser.add_argument("--epochs", type=int, default=1)
              args = parser.parse_args()
        +     train = os.environ["SM_CHANNEL_TRAIN"]
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.epochs))
        - HyperParameters: {epochs: "3.5"}
        + HyperParameters: {epochs: "3"}
    Source:
        https://docs.python.org/3/library/argparse.html#type
    """
    for parser, passed, argument in meetings(view):
        if not argument.takes_value:
            continue
        flags = (passed.flag, *argument.flags)
        if passed.values == () and argument.nargs not in ("?", "*"):
            yield Problem(
                f"the script's {passed.flag} takes a value, and comes without one",
                passed.path,
                remedy='declare it with action="store_true", or give it a value',
                location=argument.location,
                about=flags,
            )
            continue
        if argument.nargs and passed.values and by_shell(view) is not False:
            passed = _in_words(passed)
        elif argument.nargs.isdecimal() and int(argument.nargs) > 1:
            yield Problem(
                f"the script's {passed.flag} takes {argument.nargs} values, and a hyperparameter is always one",
                passed.path,
                remedy="take one text and split it in the script",
                location=argument.location,
                about=flags,
            )
            continue
        if passed.continuous and argument.type == "int":
            yield Problem(
                f"{passed.name!r} is tuned over a continuous range, and the script's {passed.flag} takes whole numbers only",
                passed.path,
                remedy="use an integer range, or type=float in the script",
                location=argument.location,
                about=flags,
            )
        for value in passed.values or ():
            reason = _refusal(value, argument, parser)
            if reason:
                yield Problem(
                    f"the script's {passed.flag} {reason}, and gets {show(value, passed.name)}",
                    passed.path,
                    remedy=_remedy(value, argument),
                    location=argument.location,
                    about=flags,
                )
                if argument.nargs:
                    break


def _in_words(passed: Passed) -> Passed:
    """What an argument of several values gets where a shell stands before the script."""
    words = [word for value in passed.values or () for word in shell_words(value) or [value]]
    return replace(passed, values=tuple(words))


def _refusal(value: str, argument: Argument, parser: Parser) -> str:
    """Why the argument refuses this text; empty where it takes it, or where that is not known."""
    number = _NEGATIVE.fullmatch(value) or (parser.kind == "fire" and is_number(value))
    dashed = value.startswith("-") and " " not in value and not number
    if dashed and parser.kind in ("argparse", "dataclass", "fire"):
        return "takes a text that begins with a dash for another option"
    converted: object = value
    if argument.type == "int":
        try:
            converted = int(value)
        except ValueError:
            return "takes a whole number"
    elif argument.type == "float":
        if not is_number(value):
            return "takes a number"
        converted = float(value)
    elif argument.type == "dict" and value:
        return "is declared with type=dict, which no text can become"
    elif argument.type != "str":
        made = argument.converter(value) if argument.converter is not None else None
        return "is read by a function that refuses it" if made is not None and made.kind == "raises" else ""
    if argument.choices is not None and converted not in argument.choices:
        listed = ", ".join(repr(choice) for choice in argument.choices[:12])
        return f"takes one of {listed}" if argument.choices else ""
    return ""


def _remedy(value: str, argument: Argument) -> str:
    if value.startswith("-") and is_number(value) and not _NEGATIVE.fullmatch(value):
        return "argparse knows negative numbers such as -5 and -0.5 alone: pass it without the sign, and negate it in the script"
    if argument.type == "dict":
        return "a mapping comes as a=1,b=2: take that apart in a function of your own, or read SM_HPS"
    if value.startswith("[") and argument.nargs:
        return "a list comes as one text: pass it with separators of your own and split it in the script"
    if argument.type == "int" and is_number(value):
        number = float(value)
        if abs(number) < 1e15 and number.is_integer():
            return f"pass {int(number)}"
        return "pass a whole number, or declare it with type=float in the script"
    if argument.choices:
        near = closest(value, [str(choice) for choice in argument.choices])
        return f"pass {near!r}" if near else "pass one of these values"
    return "pass a value of the argument's type, or change the type in the script"

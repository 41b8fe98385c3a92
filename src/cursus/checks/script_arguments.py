"""Hyperparameters against the arguments that the training script declares."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script_request import Invocation, Passed, invocation, lookup, parsed
from cursus.checks.views import TrainingView, is_reference
from cursus.model import Path
from cursus.redact import show
from cursus.script.facts import Argument, Parser, ScriptFacts
from cursus.suggest import closest, did_you_mean

FALSE_WORDS = frozenset({"false", "0", "no", "off", "none", "f", "n"})


def _started(view: TrainingView) -> tuple[ScriptFacts, Invocation] | None:
    facts = view.script
    if facts is None or not facts.readable:
        return None
    started = invocation(view)
    return None if started.arguments is None else (facts, started)


def _meetings(view: TrainingView) -> Iterator[tuple[Parser, Passed, Argument]]:
    """Each thing passed with the argument that each sure parser takes it for."""
    found = _started(view)
    if found is None:
        return
    facts, started = found
    for parser in parsed(facts):
        for passed in started.arguments or ():
            argument, _ = lookup(parser, passed.flag)
            if argument is not None:
                yield parser, passed, argument


@rule("HPO050", area="hyperparameters", scope="script")
def unknown_argument(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter is no argument of the script.

    What it does:
        Reads the script's argument parser and holds the hyperparameters against it. Each one comes to the script
        as ``--name value``; a parser that is strict (``parse_args``, click) ends the script on a name that it
        does not know. The names that the SDK adds itself, such as ``model_dir`` for TensorFlow, count too.
    Why:
        The script ends with ``error: unrecognized arguments`` and the job fails, after the instance has been paid for.
    Breaks:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--epochs", type=int, default=1)
            args = parser.parse_args()
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.epochs))
        HyperParameters: {epoch-count: "3"}
    Right:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--epochs", type=int, default=1)
            args = parser.parse_args()
            train = os.environ["SM_CHANNEL_TRAIN"]
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.epochs))
        HyperParameters: {epochs: "3"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit (mapping.to_cmd_args);
        https://docs.python.org/3/library/argparse.html
    Since:
        0.1
    """
    found = _started(view)
    if found is None:
        return
    facts, started = found
    for parser in parsed(facts):
        if not (parser.strict and parser.complete):
            continue
        names = [flag for argument in parser.arguments for flag in argument.flags]
        for passed in started.arguments or ():
            argument, ambiguous = lookup(parser, passed.flag)
            if argument is not None:
                continue
            if ambiguous:
                text = f"{passed.flag} could be {', '.join(ambiguous)}: the script's parser refuses it as ambiguous"
            else:
                text = f"the script does not know the argument {passed.flag}, and its parser refuses unknown ones"
            yield Problem(
                f"{text}.{did_you_mean(passed.flag, names)}",
                passed.path,
                remedy=f"declare {passed.flag} in the script, parse with parse_known_args, or leave "
                f"{passed.name!r} out of the hyperparameters",
                location=parser.location,
            )


@rule("HPO051", area="hyperparameters", scope="script")
def required_argument_missing(view: TrainingView) -> Iterator[Problem]:
    """An argument that the script requires is not among the hyperparameters.

    What it does:
        Looks for arguments with ``required=True``, positional arguments, click options and dataclass fields without a
        default that no hyperparameter gives.
    Why:
        The parser ends the script with ``the following arguments are required`` and the job fails. SageMaker passes
        options only, so a positional argument can never be given.
    Breaks:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--target", required=True)
            args = parser.parse_args()
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(args.target)
    Right:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--target", required=True)
            args = parser.parse_args()
            train = os.environ["SM_CHANNEL_TRAIN"]
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(args.target)
        HyperParameters: {target: churned}
    Source:
        https://docs.python.org/3/library/argparse.html#required
    Since:
        0.1
    """
    found = _started(view)
    if found is None:
        return
    facts, started = found
    for parser in parsed(facts):
        met = {id(lookup(parser, passed.flag)[0]) for passed in started.arguments or ()}
        for argument in parser.arguments:
            if argument.conditional or id(argument) in met:
                continue
            if argument.positional and argument.nargs not in ("?", "*", "...", "A..."):
                yield Problem(
                    f"the script demands the positional argument {argument.flags[0]!r}, which SageMaker cannot give: "
                    "hyperparameters come as options",
                    (view.hyperparameters_member,),
                    remedy=f"declare it as an option: add_argument({'--' + argument.flags[0]!r})",
                    location=argument.location,
                )
            elif argument.required and not argument.positional:
                near = closest(argument.flags[-1], [p.flag for p in started.arguments or ()])
                hint = f" (there is {near!r})" if near else ""
                yield Problem(
                    f"the script requires the argument {max(argument.flags, key=len)}, and no hyperparameter gives it{hint}",
                    (view.hyperparameters_member,),
                    remedy=f"add the hyperparameter {_name(argument)!r}, or give the argument a default",
                    location=argument.location,
                )


def _name(argument: Argument) -> str:
    longest = max(argument.flags, key=len)
    return longest.lstrip("-")


@rule("HPO052", area="hyperparameters", scope="script")
def value_refused(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter's value is one that the script's parser refuses.

    What it does:
        Converts each value as the parser would: ``type=int`` and ``type=float``, ``choices``, a number of values that one
        text cannot give. A list comes as one text, ``[1, 2]``, so that ``nargs="+"`` with ``type=int`` refuses it.
        In a tuning request the values and kinds of the ranges count too.
    Why:
        The parser ends the script with ``invalid int value`` or ``invalid choice`` and the job fails.
    Breaks:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--epochs", type=int, default=1)
            args = parser.parse_args()
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.epochs))
        HyperParameters: {epochs: "3.5"}
    Right:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--epochs", type=int, default=1)
            args = parser.parse_args()
            train = os.environ["SM_CHANNEL_TRAIN"]
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.epochs))
        HyperParameters: {epochs: "3"}
    Source:
        https://docs.python.org/3/library/argparse.html#type
    Since:
        0.1
    """
    for parser, passed, argument in _meetings(view):
        if not argument.takes_value:
            continue
        if argument.nargs.isdigit() and int(argument.nargs) > 1:
            yield Problem(
                f"the script's {passed.flag} takes {argument.nargs} values, and a hyperparameter is always one",
                passed.path,
                remedy="take one text and split it in the script",
                location=argument.location,
            )
            continue
        if passed.continuous and argument.type == "int":
            yield Problem(
                f"{passed.name!r} is tuned over a continuous range, and the script's {passed.flag} takes whole numbers only",
                passed.path,
                remedy="use an integer range, or type=float in the script",
                location=argument.location,
            )
        for value in passed.values or ():
            reason = _refusal(value, argument, parser)
            if reason:
                yield Problem(
                    f"the script's {passed.flag} {reason}, and gets {show(value, passed.name)}",
                    passed.path,
                    remedy=_remedy(value, argument),
                    location=argument.location,
                )


def _refusal(value: str, argument: Argument, parser: Parser) -> str:
    """Why the argument refuses this text; empty where it takes it, or where that is not known."""
    if value.startswith("-") and parser.kind != "click" and not _number(value) and " " not in value:
        return "takes a text that begins with a dash for another option"
    converted: object = value
    if argument.type == "int":
        try:
            converted = int(value)
        except ValueError:
            return "takes a whole number"
    elif argument.type == "float":
        if not _number(value):
            return "takes a number"
        converted = float(value)
    elif argument.type != "str":
        return ""
    if argument.choices is not None and converted not in argument.choices:
        listed = ", ".join(repr(choice) for choice in argument.choices[:12])
        return f"takes one of {listed}" if argument.choices else ""
    return ""


def _number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _remedy(value: str, argument: Argument) -> str:
    if value.startswith("[") and argument.nargs:
        return "a list comes as one text: pass it with separators of your own and split it in the script"
    if argument.type == "int" and _number(value):
        return (
            f"pass a whole number ({int(float(value))})"
            if abs(float(value)) < 1e15
            else "pass a whole number"
        )
    if argument.choices:
        near = closest(value, [str(choice) for choice in argument.choices])
        return f"pass {near!r}" if near else "pass one of these values"
    return "pass a value of the argument's type, or change the type in the script"


@rule("HPO053", area="hyperparameters", severity="warning", scope="script")
def bool_of_text(view: TrainingView) -> Iterator[Problem]:
    """An argument with type=bool is true whatever it is given.

    What it does:
        Finds arguments declared with ``type=bool`` that a hyperparameter gives, or that could be given one.
    Why:
        The value is a text, and ``bool("False")`` is True: only an empty text is false. The job runs, with the switch on.
    Breaks:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--augment", type=bool, default=True)
            args = parser.parse_args()
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.augment))
        HyperParameters: {augment: "False"}
    Right:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--augment", type=lambda text: text.lower() == "true", default=True)
            args = parser.parse_args()
            train = os.environ["SM_CHANNEL_TRAIN"]
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.augment))
        HyperParameters: {augment: "False"}
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/4247; https://docs.python.org/3/library/argparse.html#type
    Since:
        0.1
    """
    for _, passed, argument in _meetings(view):
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


@rule("HPO054", area="hyperparameters", scope="script")
def flag_given_value(view: TrainingView) -> Iterator[Problem]:
    """A flag without a value, such as store_true, is given one.

    What it does:
        Finds hyperparameters that meet an argument with ``action="store_true"``, ``"store_false"``, ``"count"``,
        ``BooleanOptionalAction`` or click's ``is_flag``.
    Why:
        A hyperparameter always comes with its value: ``--verbose True``. A strict parser ends the script with
        ``unrecognized arguments: True``; with ``parse_known_args`` the flag is set even where the value says False.
    Breaks:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--early-stop", action="store_true")
            args = parser.parse_args()
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.early_stop))
        HyperParameters: {early-stop: "true"}
    Right:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--early-stop", type=lambda text: text.lower() == "true", default=False)
            args = parser.parse_args()
            train = os.environ["SM_CHANNEL_TRAIN"]
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.early_stop))
        HyperParameters: {early-stop: "true"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit (mapping.to_cmd_args);
        https://docs.python.org/3/library/argparse.html#action
    Since:
        0.1
    """
    for parser, passed, argument in _meetings(view):
        if argument.takes_value or any(other.positional for other in parser.arguments):
            continue
        if (
            passed.values is not None
            and any(value == "" for value in passed.values)
            and parser.kind == "click"
        ):
            continue
        value = (passed.values or ("a value",))[0]
        if parser.strict:
            yield Problem(
                f"{passed.flag} is a flag of the script and takes no value, but comes as "
                f"{passed.flag} {show(value, passed.name)}: the parser refuses the value",
                passed.path,
                remedy="declare it with a type that reads true and false, or leave the hyperparameter out",
                location=argument.location,
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
    said_true = value.lower() in ("true", "1", "yes", "on")
    return said_false if sets else said_true


@rule("HPO055", area="hyperparameters", severity="warning", scope="script")
def argument_ignored(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter is silently ignored by the script.

    What it does:
        Finds hyperparameters that a parser which skips unknown arguments (``parse_known_args``) does not know, where a
        declared argument has almost the same name, and scripts that read no hyperparameters in any way.
    Why:
        The job runs with the script's default instead of the value in the request, and nothing says so.
    Breaks:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--batch-size", type=int, default=32)
            args, _ = parser.parse_known_args()
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.batch_size))
        HyperParameters: {batch_size: "64"}
    Right:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--batch-size", type=int, default=32)
            args, _ = parser.parse_known_args()
            train = os.environ["SM_CHANNEL_TRAIN"]
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.batch_size))
        HyperParameters: {batch-size: "64"}
    Source:
        https://docs.python.org/3/library/argparse.html#partial-parsing
    Since:
        0.1
    """
    found = _started(view)
    if found is None:
        return
    facts, started = found
    if facts.reads_hyperparameters or facts.opaque_arguments:
        return
    if not facts.parsers:
        yield from _nobody_reads(view, facts, started)
        return
    if any(parser.strict or not parser.complete for parser in facts.parsers):
        return
    names = [flag for parser in facts.parsers for argument in parser.arguments for flag in argument.flags]
    for passed in started.arguments or ():
        if any(lookup(parser, passed.flag)[0] is not None for parser in facts.parsers):
            continue
        near = closest(passed.flag, names)
        if near is not None:
            yield Problem(
                f"the script does not know {passed.flag} and skips unknown arguments, so that the value "
                f"{show((passed.values or ('',))[0], passed.name)} never arrives. Did you mean {near!r}?",
                passed.path,
                remedy=f"call the hyperparameter {near.lstrip('-')!r}, or declare {passed.flag} in the script",
                location=facts.parsers[0].location,
            )


def _nobody_reads(view: TrainingView, facts: ScriptFacts, started: Invocation) -> Iterator[Problem]:
    names = [passed.name for passed in started.arguments or () if passed.name != "model_dir"]
    if not names or (facts.outside_effects and "subprocess" in facts.top_imports):
        return
    path: Path = (view.hyperparameters_member,)
    yield Problem(
        f"the script reads no command line, no SM_HP_* and no hyperparameters.json: {', '.join(names[:5])} "
        f"{'has' if len(names) == 1 else 'have'} no effect",
        path,
        remedy="read them with argparse, or from SM_HPS",
    )


@rule("HPO056", area="hyperparameters", scope="script")
def hyperparameter_variable_missing(view: TrainingView) -> Iterator[Problem]:
    """The script reads a hyperparameter that the request does not have.

    What it does:
        Finds ``os.environ["SM_HP_NAME"]`` and keys taken from ``SM_HPS`` or ``hyperparameters.json`` that no
        hyperparameter gives. Names in ``SM_HP_*`` are only upper-cased: a hyphen stays a hyphen.
    Why:
        The read raises ``KeyError`` and the job fails.
    Breaks:
        files:
          train.py: |
            import os
            epochs = int(os.environ["SM_HP_EPOCHS"])
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(epochs))
        HyperParameters: {num-epochs: "3"}
    Right:
        files:
          train.py: |
            import os
            train = os.environ["SM_CHANNEL_TRAIN"]
            epochs = int(os.environ["SM_HP_EPOCHS"])
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(epochs))
        HyperParameters: {epochs: "3"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    Since:
        0.1
    """
    found = _started(view)
    if found is None or is_reference(view.request.get(view.hyperparameters_member)):
        return
    facts, started = found
    names = [*view.hyperparameters, *view.tuned]
    variables = {f"SM_HP_{name.upper()}": name for name in names}
    for read in () if facts.env_open or "*" in facts.env_writes else facts.env_reads:
        if read.hard and read.sure and read.name.startswith("SM_HP_") and started.kind == "toolkit":
            if read.name in variables or read.name in view.environment or read.name in facts.env_writes:
                continue
            yield Problem(
                f"the script reads the variable {read.name}, which no hyperparameter makes."
                f"{did_you_mean(read.name, variables)}",
                (view.hyperparameters_member,),
                remedy=f"add the hyperparameter {read.name[6:].lower()!r}, or give the read a default",
                location=read.location,
            )
    for key in facts.key_reads:
        if key.hard and key.sure and key.key not in names and not key.key.startswith(("sagemaker_", "_")):
            yield Problem(
                f"the script takes {key.key!r} from the hyperparameters, which the request does not have."
                f"{did_you_mean(key.key, names)}",
                (view.hyperparameters_member,),
                remedy=f"add the hyperparameter {key.key!r}, or read it with .get and a default",
                location=key.location,
            )


@rule("HPO057", area="hyperparameters", severity="warning", scope="script")
def argument_abbreviated(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter reaches its argument only as an abbreviation.

    What it does:
        Finds hyperparameters whose name is the beginning of exactly one argument's name.
    Why:
        argparse accepts it, until the script gains a second argument that begins alike: then the job fails. It may also
        be the wrong argument.
    Breaks:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--learning-rate", type=float, default=0.1)
            args = parser.parse_args()
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.learning_rate))
        HyperParameters: {learning: "0.3"}
    Right:
        files:
          train.py: |
            import argparse, os
            parser = argparse.ArgumentParser()
            parser.add_argument("--learning-rate", type=float, default=0.1)
            args = parser.parse_args()
            train = os.environ["SM_CHANNEL_TRAIN"]
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.learning_rate))
        HyperParameters: {learning-rate: "0.3"}
    Source:
        https://docs.python.org/3/library/argparse.html#allow-abbrev
    Since:
        0.1
    """
    found = _started(view)
    if found is None:
        return
    facts, started = found
    for parser in parsed(facts):
        for passed in started.arguments or ():
            argument, near = lookup(parser, passed.flag)
            if argument is not None and near and parser.complete:
                yield Problem(
                    f"{passed.flag} is no argument of the script; argparse takes it for {near[0]}, which it begins",
                    passed.path,
                    remedy=f"call the hyperparameter {near[0].lstrip('-')!r}",
                    location=argument.location,
                )

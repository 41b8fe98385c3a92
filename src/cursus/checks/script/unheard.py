"""Hyperparameters that never arrive: ignored, unread, misnamed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping

from cursus.aws.distribution import MODEL_PARALLEL
from cursus.checks.rules import Problem, rule
from cursus.checks.script.arguments import called
from cursus.checks.script.request import (
    MODEL_DIR,
    Invocation,
    Passed,
    invocation,
    lookup,
    parsed,
    script_of,
    started_script,
)
from cursus.checks.views import TrainingView, is_reference
from cursus.model import Location, Path
from cursus.redact import show
from cursus.script.facts import ArgPart, Const, EnvPart, NumberUse, ScriptFacts, Text
from cursus.suggest import closest, did_you_mean

_ARGUMENTS = re.compile(r"(?:^|_)(?:arg|args|argv|cli|options?|flags)(?:_|$)")


@rule("HPO055", severity="warning", scope="script")
def argument_ignored(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter is silently ignored by the script.

    What it does:
        Finds hyperparameters that a parser which skips unknown arguments (``parse_known_args``) does not know and that the script does
        not mention otherwise, and scripts that read no hyperparameters in any way.
    Why:
        The job runs with the script's default instead of the value in the request, and nothing says so.
    Example:
          files:
            train.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
              parser.add_argument("--batch-size", type=int, default=32)
              args, _ = parser.parse_known_args()
        +     train = os.environ["SM_CHANNEL_TRAIN"]
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.batch_size))
        - HyperParameters: {batch_size: "64"}
        + HyperParameters: {batch-size: "64"}
    Source:
        https://docs.python.org/3/library/argparse.html#partial-parsing
    """
    found = started_script(view)
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
    names = [flag for argument in facts.arguments for flag in argument.flags]
    for passed in started.arguments or ():
        if any(lookup(parser, passed.flag) != (None, ()) for parser in facts.parsers):
            continue  # known, or refused as ambiguous
        if _added_by_sdk(passed) or passed.name == MODEL_PARALLEL:  # which its library reads by itself
            continue
        near = closest(passed.flag, names)
        if near is None and _mentioned(facts, passed.name):
            continue
        if near is None:
            yield Problem(
                f"the script does not know {passed.flag} and skips unknown arguments: the hyperparameter has no effect",
                passed.path,
                remedy=f"declare {passed.flag} in the script, or leave the hyperparameter out",
                location=facts.parsers[0].location,
            )
        else:
            yield Problem(
                f"the script does not know {passed.flag} and skips unknown arguments, so that the value "
                f"{show((passed.values or ('',))[0], passed.name)} never arrives. Did you mean {near!r}?",
                passed.path,
                remedy=f"{called(near, passed.name, 'or ')}declare {passed.flag} in the script",
                location=facts.parsers[0].location,
            )


def _is_standard(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


def _added_by_sdk(passed: Passed) -> bool:
    """True for the model_dir that the SDK's TensorFlow estimator adds by itself: nobody waits for it.

    It is in S3, or where every script saves its model: what is given for no other one to be added.
    """
    return passed.name == "model_dir" and any(
        value.startswith("s3://") or value.rstrip("/") == MODEL_DIR for value in passed.values or ()
    )


def _mentioned(facts: ScriptFacts, name: str) -> bool:
    """True where the source has the name as a text or an attribute, in whatever spelling of hyphens."""
    spellings = {name, name.replace("-", "_"), name.replace("_", "-")}
    return bool(spellings & facts.attributes) or any(
        spelling in text for spelling in spellings for text in facts.strings
    )


def _nobody_reads(view: TrainingView, facts: ScriptFacts, started: Invocation) -> Iterator[Problem]:
    names = [passed.name for passed in started.arguments or () if not _added_by_sdk(passed)]
    if not names or (facts.outside_effects and "subprocess" in facts.top_imports):
        return
    if any(_ARGUMENTS.search(name.rpartition(".")[2]) for name in facts.calls if not _is_standard(name)):
        return  # a function of a library that reads the command line, by its name
    if any(habit.kind == "own-list" for habit in facts.habits):
        return  # a parser that is given a list of the script's own is another rule's to tell
    if any(habit.kind == "undefined-name" and _ARGUMENTS.search(habit.detail) for habit in facts.habits):
        return  # they were meant to be read, and FRM070 tells that they are not
    path: Path = (view.hyperparameters_member,)
    others = "" if started.kind == "processing" else ", no SM_HP_* and no hyperparameters.json"
    yield Problem(
        f"the script reads no command line{others}: {', '.join(names[:5])} "
        f"{'has' if len(names) == 1 else 'have'} no effect",
        path,
        remedy="read them with argparse, or from SM_HPS" if others else "read them with argparse",
    )


@rule("HPO056", scope="script")
def hyperparameter_variable_missing(view: TrainingView) -> Iterator[Problem]:
    """The script reads a hyperparameter that the request does not have.

    What it does:
        Finds ``os.environ["SM_HP_NAME"]`` and keys taken from ``SM_HPS`` or ``hyperparameters.json`` that no
        hyperparameter gives. Names in ``SM_HP_*`` are only upper-cased: a hyphen stays a hyphen.
    Why:
        The read raises ``KeyError`` and the job fails.
    Example:
          files:
            train.py: |
              import os
        +     train = os.environ["SM_CHANNEL_TRAIN"]
              epochs = int(os.environ["SM_HP_EPOCHS"])
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(epochs))
        - HyperParameters: {num-epochs: "3"}
        + HyperParameters: {epochs: "3"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    """
    found = started_script(view)
    if found is None or is_reference(view.request.get(view.hyperparameters_member)):
        return
    facts, started = found
    names = [*view.hyperparameters, *view.tuned]
    variables = {f"SM_HP_{name.upper()}": name for name in names}
    for read in () if facts.env_open or "*" in facts.env_writes else facts.env_reads:
        if read.hard and read.sure and read.name.startswith("SM_HP_") and started.kind == "toolkit":
            if read.name in variables or read.name in view.environment or read.name in facts.env_writes:
                continue
            if _refused_by_parser(view, started, read.name[len("SM_HP_") :]):
                continue  # spelt with other hyphens: HPO050 has told it, and how to spell it
            yield Problem(
                f"the script reads the variable {read.name}, which no hyperparameter makes."
                f"{did_you_mean(read.name, variables)}",
                (view.hyperparameters_member,),
                remedy=f"add the hyperparameter {read.name[6:].lower()!r}, or give the read a default",
                location=read.location,
            )
        elif read.name.startswith("SM_HP_") and started.kind == "toolkit" and read.name not in variables:
            yield from _soft(view, facts, read.name, read.location, variables, f"the variable {read.name}")
    for key in facts.key_reads:
        if not key.hard and key.key not in names:
            yield from _soft(
                view, facts, key.key, key.location, {n: n for n in names}, f"the key {key.key!r}"
            )
        if key.hard and key.sure and key.key not in names and not key.key.startswith(("sagemaker_", "_")):
            yield Problem(
                f"the script takes {key.key!r} from the hyperparameters, which the request does not have."
                f"{did_you_mean(key.key, names)}",
                (view.hyperparameters_member,),
                remedy=f"add the hyperparameter {key.key!r}, or read it with .get and a default",
                location=key.location,
            )


def _refused_by_parser(view: TrainingView, started: Invocation, name: str) -> bool:
    """True where the hyperparameter of this name, but for its hyphens, is one that a strict parser does not know."""
    wanted = name.lower().replace("-", "_")
    return any(
        passed.name.lower().replace("-", "_") == wanted and lookup(parser, passed.flag)[0] is None
        for parser in parsed(view)
        if parser.strict and parser.complete
        for passed in started.arguments or ()
    )


def _soft(
    view: TrainingView,
    facts: ScriptFacts,
    name: str,
    where: Location,
    given: Mapping[str, str],
    what: str,
) -> Iterator[Problem]:
    """A read with a default of a name that no hyperparameter has, where one that nobody reads is spelt nearly so."""
    if name in view.environment or name in facts.env_writes:
        return
    used = {read.name for read in facts.env_reads} | {key.key for key in facts.key_reads}
    free = [other for other in given if other not in used]
    near = next((o for o in free if o.replace("-", "_").lower() == name.replace("-", "_").lower()), None)
    near = near or closest(name, free)
    if near is not None:
        place = (given[near],) if given[near] in view.hyperparameters else ()
        yield Problem(
            f"the script reads {what}, which no hyperparameter makes, and goes on with a default. Did you mean {near!r}?",
            (view.hyperparameters_member, *place),
            remedy=f"read {near!r}: hyphens and case stay as the request has them, SM_HP_ names are upper case",
            severity="warning",
            location=where,
        )


@rule("HPO057", severity="warning", scope="script")
def argument_abbreviated(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter reaches its argument only as an abbreviation.

    What it does:
        Finds hyperparameters whose name is the beginning of exactly one argument's name.
    Why:
        argparse accepts it, until the script gains a second argument that begins alike: then the job fails. It may also
        be the wrong argument.
    Example:
          files:
            train.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
              parser.add_argument("--learning-rate", type=float, default=0.1)
              args = parser.parse_args()
        +     train = os.environ["SM_CHANNEL_TRAIN"]
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.learning_rate))
        - HyperParameters: {learning: "0.3"}
        + HyperParameters: {learning-rate: "0.3"}
    Source:
        https://docs.python.org/3/library/argparse.html#allow-abbrev
    """
    for parser in parsed(view):
        for passed in invocation(view).arguments or ():
            argument, near = lookup(parser, passed.flag)
            if argument is not None and near and parser.complete:
                yield Problem(
                    f"{passed.flag} is no argument of the script; argparse takes it for {near[0]}, which it begins",
                    passed.path,
                    remedy=f"call the hyperparameter {near[0].lstrip('-')!r}, or declare {passed.flag} in the script",
                    severity="info" if near[0] == passed.flag + "s" else None,
                    location=argument.location,
                )


@rule("HPO068", scope="script")
def option_declared_twice(view: TrainingView) -> Iterator[Problem]:
    """The script declares an option twice.

    What it does:
        Looks for two ``add_argument`` calls on one parser, both on the way that every run takes, with the same option string.
    Why:
        argparse refuses the second one as it is declared: ``conflicting option string``, and the job fails before it begins.
    Example:
          files:
            train.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
        -     parser.add_argument("--epochs", type=int, default=1)
              parser.add_argument("--epochs", type=int, default=10)
              args = parser.parse_args()
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.epochs))
    Source:
        https://docs.python.org/3/library/argparse.html#conflict-handler
    """
    for parser in parsed(view):
        declared: dict[str, Location] = {}
        for argument in parser.arguments if parser.kind == "argparse" and parser.complete else ():
            twice = next((flag for flag in argument.flags if flag in declared), "")
            if twice and not argument.conditional:
                yield Problem(
                    f"the script declares {twice} twice, first in line {declared[twice].line}: argparse refuses the second one",
                    remedy="leave one of them out",
                    location=argument.location,
                )
            if not argument.conditional:
                declared.update(dict.fromkeys(argument.flags, argument.location))


@rule("HPO059", scope="script")
def text_as_number(view: TrainingView) -> Iterator[Problem]:
    """A text is used as a number without being converted.

    What it does:
        Finds ``range`` and other functions of numbers that get a value taken straight from ``hyperparameters.json``, from a variable, or
        from an argument without a type that a hyperparameter gives; and ``range`` of one with ``type=float``.
    Why:
        An argument without ``type=`` is a text as soon as it is passed, whatever its default is.
        Every value in that file is a text, also ``"10"``: ``'str' object cannot be interpreted as an integer``. (``SM_HPS`` has them with
        their types.)
    Example:
          files:
            train.py: |
              import json, os
              with open("/opt/ml/input/config/hyperparameters.json") as file:
                  settings = json.load(file)
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     for epoch in range(settings["epochs"]):
        +     for epoch in range(int(settings["epochs"])):
                  print(epoch)
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          HyperParameters: {epochs: "10"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    facts = script_of(view)
    started = invocation(view)
    for used in facts.text_as_number:
        source = _no_number(view, facts, started, used) if used.sure else None
        if source is not None:
            yield Problem(
                f"{used.call} wants a {source}",
                (view.hyperparameters_member,),
                remedy="convert it: type=int in add_argument, or int(…)",
                location=used.location,
            )


def _no_number(view: TrainingView, facts: ScriptFacts, started: Invocation, used: NumberUse) -> str | None:
    """What a function of numbers wants, and what it is given instead; None where that may be a number."""
    if used.text is None and used.key and used.key not in view.hyperparameters:
        return None
    if used.text is None:
        return "number, and gets a text: a value of hyperparameters.json"
    part = used.text.parts[0]
    if isinstance(part, EnvPart):
        given = part.default is None or part.name in view.environment
        return f"number, and gets a text: the variable {part.name}" if given else None
    if not isinstance(part, ArgPart) or facts.opaque_arguments:
        return None
    for parser in facts.parsers:
        for argument in parser.arguments if parser.kind == "argparse" else ():
            passed = started.given(argument.flags) if argument.dest == part.dest else None
            if passed is None or argument.nargs or not argument.takes_value:
                continue
            if argument.type == "str":
                return f"number, and gets a text: the argument {passed.flag}, declared without a type"
            if argument.type == "float" and used.call in WHOLE_NUMBERS:
                return f"whole number, and gets the argument {passed.flag}, declared with type=float"
    return None


WHOLE_NUMBERS = frozenset({"range", "numpy.zeros", "numpy.ones"})
"""Functions that take no number with a point, ``4.0`` neither."""


@rule("HPO067", scope="script")
def list_as_text(view: TrainingView) -> Iterator[Problem]:
    """An argument of several values is used as one text.

    What it does:
        Finds arguments with ``nargs`` that a hyperparameter gives, and that the script splits, strips or puts into a path as if
        they were a text.
    Why:
        ``nargs`` makes a list of what is passed, of a single value too, whatever the default is: ``'list' object has no attribute
        'split'``, and the job fails.
    Example:
          files:
            train.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
        -     parser.add_argument("--columns", nargs="+", default="")
        +     parser.add_argument("--columns", default="")
              args = parser.parse_args()
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]), args.columns.split(","))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          HyperParameters: {columns: "x,y"}
    Source:
        https://docs.python.org/3/library/argparse.html#nargs
    """
    found = started_script(view)
    if found is None:
        return
    facts, started = found
    given = {
        argument.dest: (argument, passed)
        for parser in parsed(view)
        for passed in started.arguments or ()
        if (argument := lookup(parser, passed.flag)[0]) is not None
        and argument.takes_value
        and argument.nargs not in ("", "?")
    }
    if not given:
        return
    uses: list[tuple[Text | Const | None, str, bool, Location]] = [
        (habit.text, f".{habit.detail}()", habit.sure, habit.location)
        for habit in facts.habits
        if habit.kind == "text-method"
    ]
    uses += [
        (path, f"{use.call} of a path with it", use.sure, use.location)
        for use in facts.paths
        for path in use.paths
    ]
    told = set()
    for value, what, sure, where in uses:
        for part in value.parts if isinstance(value, Text) else ():
            if not isinstance(part, ArgPart) or part.dest not in given or part.dest in told:
                continue
            told.add(part.dest)
            argument, passed = given[part.dest]
            yield Problem(
                f"{passed.flag} is declared with nargs={_shown(argument.nargs)}, so that it is a list, and the script takes it for a text: {what}",
                passed.path,
                remedy="leave nargs out of add_argument, or take the list's items",
                severity=None if sure else "warning",
                location=where,
            )


def _shown(nargs: str) -> str:
    return nargs if nargs.isdigit() else repr(nargs)

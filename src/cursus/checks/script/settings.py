"""Hyperparameters that a script lays its own settings over, looks for in another form or place, or names nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script.processing_view import ProcessingView
from cursus.checks.script.request import (
    Invocation,
    Passed,
    decoded,
    habits,
    invocation,
    script_of,
    started_script,
)
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import Habit, ScriptFacts
from cursus.suggest import closest


@rule("HPO062", severity="warning", scope="script")
def overlaid(view: TrainingView) -> Iterator[Problem]:
    """The script lays a value of its own over a hyperparameter.

    What it does:
        Follows mappings that are put together (``{**a, **b}``, ``a | b``, ``a.update(b)``, ``ChainMap``), items that are set, and ``setattr`` over a
        settings file of the source directory, and looks for hyperparameters of the request under constants of another value.
    Why:
        Of two values of the same name the later one wins: the job runs with the script's default instead of the request's
        value, and nothing says so.
    Example:
          files:
            train.py: |
              import json, os
        -     settings = {**json.loads(os.environ["SM_HPS"]), **{"epochs": 1}}
        +     settings = {**{"epochs": 1}, **json.loads(os.environ["SM_HPS"])}
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(settings["epochs"]))
          HyperParameters: {epochs: "3"}
    Source:
        https://docs.python.org/3/reference/expressions.html#dictionary-displays
    """
    found = started_script(view)
    if found is None:
        return
    facts, started = found
    for habit in habits(view, "overlaid"):
        given = _given(view, facts, started, habit)
        if given is None or habit.text is None:
            continue
        own = habit.text.literal or ""
        if _same(own, given):
            continue
        yield Problem(
            f"the hyperparameter {habit.key!r} is {show(given, habit.key)}, and the script lays its own {show(own, habit.key)} over it: "
            f"{habit.detail}",
            (view.hyperparameters_member, habit.key) if habit.key in view.hyperparameters else (),
            remedy="put the script's defaults first and the hyperparameters over them",
            location=habit.location,
        )


def _given(view: TrainingView, facts: ScriptFacts, started: Invocation, habit: Habit) -> str | None:
    """The text of the hyperparameter that a habit is about, where the request has it."""
    if habit.source != "arguments":
        value = view.hyperparameters.get(habit.key)
        return decoded(value) if isinstance(value, str) else None
    for argument in facts.arguments:
        passed = started.given(argument.flags) if argument.dest == habit.key else None
        if passed is not None and passed.values is not None and len(passed.values) == 1:
            return passed.values[0]
    return None


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return float(one) == float(other)
    except ValueError:
        return one.lower() == other.lower()


@rule("HPO063", severity="warning", scope="script")
def command_line_unread(view: TrainingView) -> Iterator[Problem]:
    """The script parses something else than the command line that SageMaker gives it.

    What it does:
        Finds a parser that is given a list of the script's own (``parse_args([])``, as in a notebook), and a loop over ``sys.argv`` that looks for
        ``name=value`` in each word.
    Why:
        Hyperparameters come as two words, ``--name value``. What is not read from the command line, or is looked for in another form, keeps its
        default, and nothing says so.
    Example:
          files:
            train.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
              parser.add_argument("--epochs", type=int, default=1)
        -     args = parser.parse_args([])
        +     args = parser.parse_args()
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.epochs))
          HyperParameters: {epochs: "3"}
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/5023
    """
    found = started_script(view)
    if found is None or found[0].reads_hyperparameters:
        return
    facts, started = found
    if any("=" in value for passed in started.arguments or () for value in passed.values or ("=",)):
        return
    passed = [one.flag for one in started.arguments or () if one.name != "model_dir"]
    if not passed or started.kind not in ("toolkit", "driver"):
        return
    for habit in facts.habits:
        if habit.kind == "own-list" and not facts.parsers:
            told = f"{habit.detail} reads a list of the script's own, not the command line"
            remedy = "leave the list out: parse_args()"
        elif habit.kind == "equals-sign":
            told = f"{habit.detail} looks for name=value in one word, and SageMaker passes two: {passed[0]} value"
            remedy = "read the words in pairs, or use argparse"
        else:
            continue
        names = ", ".join(passed[:5])
        yield Problem(
            f"{told}; {names} {'has' if len(passed) == 1 else 'have'} no effect",
            (view.hyperparameters_member,),
            remedy=remedy,
            location=habit.location,
        )


@rule("HPO064", severity="warning", scope="script")
def never_named(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter is named nowhere in a script that takes its hyperparameters by name.

    What it does:
        Where every use of ``SM_HPS`` or ``hyperparameters.json`` takes one key, or ``SM_HP_*`` variables are all that is read (in a shell
        script, too), and no parser reads the command line, looks for the hyperparameters that
        the source names nowhere.
    Why:
        The job runs with whatever the script has in its place, and nothing says so. Often the two names are meant to be the same.
    Example:
          files:
            train.py: |
              import json, os
              settings = json.loads(os.environ["SM_HPS"])
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     rate = settings.get("lr", 0.1)
        +     rate = settings.get("learning_rate", 0.1)
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(rate))
          HyperParameters: {learning_rate: "0.3"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    """
    found = started_script(view)
    if found is None:
        return
    facts, started = found
    variables = {read.name: read.location for read in facts.env_reads if read.name.startswith("SM_HP_")}
    if facts.parsers or facts.opaque_arguments or facts.hyperparameters_whole:
        return
    if not facts.shell_text and facts.attributes & {"parse_args", "parse_known_args"}:
        return  # of a parser that a library makes
    if not facts.key_reads and (not variables or any(map(ANY_NAME.search, facts.strings))):
        return
    names = [*view.hyperparameters, *view.tuned]
    for passed in started.arguments or ():
        if passed.name == "model_dir" or _named(facts, passed):
            continue
        if closest(f"SM_HP_{passed.name.upper()}", variables) is not None:
            continue  # so is that it reads a variable of nearly this name
        near = closest(passed.name, [key.key for key in facts.key_reads])
        if near not in names and any(k.key == near and (k.sure or not k.hard) for k in facts.key_reads):
            continue  # that the script reads it under another name is told where it does
        told = f" Did you mean {near!r}?" if near is not None else ""
        yield Problem(
            f"nothing in the script names the hyperparameter {passed.name!r}, so that it has no effect.{told}",
            passed.path,
            remedy=f"read {passed.name!r} in the script, or leave the hyperparameter out",
            location=(facts.key_reads[0].location if facts.key_reads else next(iter(variables.values()))),
        )


ANY_NAME = re.compile(
    r"SM_HPS|hyperparameters\.json|input/config|SM_TRAINING_ENV|SM_USER_ARGS|SM_HP_?(?![\w-])"
)
"""What takes hyperparameters of any name."""


def _named(facts: ScriptFacts, passed: Passed) -> bool:
    variable = f"SM_HP_{passed.name.upper()}"
    alone = not facts.key_reads  # a word of this name is none that is looked up
    return any(variable in text or (passed.name in text and not alone) for text in facts.strings)


@rule("HPO058", scope="script")
def argument_by_position(view: TrainingView) -> Iterator[Problem]:
    """The script reads the command line by position.

    What it does:
        Finds ``sys.argv[1]`` and further on the way that every run takes, and puts in what the container passes: ``--name value`` for each
        hyperparameter, sorted by name.
    Why:
        Where nothing is passed the read raises IndexError; else the script gets the text ``--name`` where it wants a value.
    Example:
          files:
            train.py: |
        -     import os, sys
        -     epochs = int(sys.argv[1])
        +     import argparse, os
        +     parser = argparse.ArgumentParser()
        +     parser.add_argument("--epochs", type=int, default=1)
        +     epochs = parser.parse_args().epochs
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(epochs))
    Source:
        https://github.com/aws/sagemaker-training-toolkit (mapping.to_cmd_args)
    """
    facts = script_of(view)
    if not facts.argv_reads or "serve" in facts.strings:
        return  # an image of one's own is started with "train" or "serve"
    started = invocation(view)
    if isinstance(view, ProcessingView):
        yield from _past_the_end(view, facts)
        return
    if started.kind not in ("toolkit", "driver") or started.arguments is None:
        return
    for read in facts.argv_reads:
        if read.index < 1:
            continue
        if not read.sure and (
            facts.parsers or read.index % 2 == 0 or read.index > 2 * len(started.arguments)
        ):
            continue
        if read.index > 2 * len(started.arguments):
            yield Problem(
                f"the script reads sys.argv[{read.index}], and the container passes {2 * len(started.arguments)} arguments",
                (view.hyperparameters_member,),
                remedy="read hyperparameters with argparse",
                location=read.location,
            )
        elif read.index % 2:
            flag = started.arguments[(read.index - 1) // 2].flag
            yield Problem(
                f"the script reads sys.argv[{read.index}], which is the text {flag!r}",
                (view.hyperparameters_member,),
                remedy="read hyperparameters with argparse",
                severity="warning",
                location=read.location,
            )


def _past_the_end(view: ProcessingView, facts: ScriptFacts) -> Iterator[Problem]:
    """Words that the command of a processing job does not have."""
    for read in facts.argv_reads:
        if view.words is not None and read.sure and read.index > len(view.words):
            yield Problem(
                f"the script reads sys.argv[{read.index}], and the job passes {len(view.words)} of them: IndexError",
                (view.hyperparameters_member,),
                remedy="add what is missing to ContainerArguments",
                location=read.location,
            )

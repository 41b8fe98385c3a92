"""Hyperparameters that a script parses and does not use as they were given."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script.habits import only
from cursus.checks.script.request import Invocation, habits, script_of, started_script
from cursus.checks.type_words import is_number
from cursus.checks.views import TrainingView
from cursus.model import Location
from cursus.redact import show
from cursus.script.facts import ArgPart, Argument, Const, Habit, ScriptFacts


@rule("HPO061", severity="warning", scope="script")
def argument_without_effect(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter is parsed by the script, and never used as it was given.

    What it does:
        Finds arguments that a hyperparameter gives and that the script never reads, sets again to a constant, appends to a default, or keeps
        as text where its default is a number, and two that are handed on in each other's place; and actions that set other arguments, which makes the order of arguments matter.
    Why:
        The job runs with another value than the request's. The toolkit sorts arguments by name, whatever their order in the request was.
    Example:
          files:
            train.py: |
              import argparse, os
              EPOCHS = 10
              parser = argparse.ArgumentParser()
              parser.add_argument("--epochs", type=int, default=EPOCHS)
              args = parser.parse_args()
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(EPOCHS))
        +     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(args.epochs))
          HyperParameters: {epochs: "3"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/issues/221; https://docs.python.org/3/library/argparse.html#type
    """
    found = started_script(view)
    if found is None:
        return
    facts, started = found
    yield from _arguments(facts, started)
    for habit in _set_again(view) if started.arguments else ():
        yield Problem(
            f"{habit.detail}(…) sets arguments again after the command line was parsed: the request's values may be lost",
            (view.hyperparameters_member,),
            remedy="put the settings in as defaults: parser.set_defaults(…) before parse_args()",
            location=habit.location,
        )
    yield from _cut(view, facts, started)
    for habit in habits(view, "swapped"):
        if habit.text is not None:
            yield Problem(
                f"{habit.detail} hands over by position what the function takes as ({habit.text.literal})",
                remedy="write the names: function(epochs=epochs, …)",
                location=habit.location,
            )
    for habit in habits(view, "ordered") if len(started.arguments or ()) > 1 else ():
        yield Problem(
            f"the action {habit.detail} sets other arguments, and the toolkit passes arguments sorted by name: what comes "
            "before it is overridden",
            (view.hyperparameters_member,),
            remedy="read the settings first, then let the arguments that were given override them",
            location=habit.location,
        )


def _arguments(facts: ScriptFacts, started: Invocation) -> Iterator[Problem]:
    """Arguments that are given and not used so, one by one."""
    overwritten = {habit.detail: habit for habit in facts.habits if habit.kind == "overwritten"}
    converted = {
        part.dest
        for habit in facts.habits
        if habit.kind == "converted" and habit.text is not None
        for part in habit.text.parts
        if isinstance(part, ArgPart)
    }
    for argument in facts.arguments:
        passed = started.given(argument.flags)
        if passed is None or passed.name == "model_dir":
            continue
        shown = show(only(passed.values))
        acted = argument.type == "other" and argument.conditional  # an action of its own may use the value
        if argument.dest in facts.unread and not acted:
            told = f"the script parses {passed.flag} and never uses it"
            remedy = f"use args.{argument.dest}, or leave the hyperparameter out"
        elif argument.appends:
            told = f"{passed.flag} is put behind the argument's default, which stays in the list"
            remedy = "leave the default out of add_argument, and take it where nothing was passed"
        elif argument.dest in overwritten:
            told = f"the script parses {passed.flag} and then sets it again"
            remedy = "set a default in add_argument instead"
        elif _keeps_text(argument) and argument.dest not in converted and is_number(only(passed.values)):
            told = (
                f"{passed.flag} has a number for a default and is declared as a text: passed, it is {shown}"
            )
            remedy = "give add_argument type=int or type=float"
        else:
            continue
        where = overwritten[argument.dest].location if argument.dest in overwritten else argument.location
        yield Problem(told, passed.path, remedy=remedy, location=where)


def _set_again(view: TrainingView) -> list[Habit]:
    """The places at which a mapping of all arguments is updated, but with what is no argument."""
    known = {argument.dest for argument in script_of(view).arguments}
    found: dict[Location, Habit] = {}
    for habit in habits(view, "overridden"):
        names = {part.dest for part in habit.text.parts if isinstance(part, ArgPart)} if habit.text else known
        if habit.text is None or names & known:
            found.setdefault(habit.location, habit)
    return list(found.values())


def _cut(view: TrainingView, facts: ScriptFacts, started: Invocation) -> Iterator[Problem]:
    """``int(…)`` of a fraction below one, which leaves nothing of it, and ``min(…)`` with a number of the script's own."""
    for habit in facts.habits:
        if habit.kind == "cut":
            value = _number_given(view, facts, started, habit, ("float",))
            if value is not None and 0 < abs(value) < 1:
                told, remedy = f"int(…) makes 0 of the hyperparameter's {show(value)}", "use float(…)"
                where = (view.hyperparameters_member,)
                yield Problem(told, where, remedy=remedy, location=habit.location)
        elif habit.kind == "capped" and habit.others[0].text is not None:
            value = _number_given(view, facts, started, habit, ("int", "float"))
            limit = float(habit.others[0].text.literal or "nan")
            if value is not None and (value > limit if habit.detail == "min" else value < limit):
                yield Problem(
                    f"{habit.detail}(…) makes {limit:g} of the hyperparameter's {value:g}",
                    (view.hyperparameters_member,),
                    remedy="take the hyperparameter as it is, or let the script refuse what is out of bounds",
                    location=habit.location,
                )


def _number_given(
    view: TrainingView, facts: ScriptFacts, started: Invocation, habit: Habit, types: tuple[str, ...]
) -> float | None:
    """The number that the hyperparameter has which a habit is about, where it reaches the script as one of ``types``."""
    value = ""
    part = habit.part
    if habit.key and habit.source == "SM_HPS":
        value = str(view.hyperparameters.get(habit.key))
    elif isinstance(part, ArgPart):
        for argument in facts.arguments:
            passed = started.given(argument.flags) if argument.dest == part.dest else None
            if passed is not None and argument.type in types:
                value = only(passed.values)
    return float(value) if is_number(value) else None


def _keeps_text(argument: Argument) -> bool:
    default = argument.default
    return (
        argument.type == "str"
        and argument.takes_value
        and not argument.nargs
        and isinstance(default, Const)
        and type(default.value) in (int, float)
    )

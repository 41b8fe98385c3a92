"""Scripts that run to their end and did not do what they say: texts taken for values, work never done, errors dropped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from cursus.aws.tables import entries
from cursus.checks.rules import Problem, rule
from cursus.checks.script.filled import decoded_twice
from cursus.checks.script.request import Invocation, decoded, habit_problems, invocation, script_of
from cursus.checks.type_words import is_number
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import (
    HP_FILES,
    JSON_VARIABLES,
    ArgPart,
    Argument,
    Const,
    EnvPart,
    Habit,
    ScriptFacts,
    Text,
)

FALSE_TEXTS = frozenset({"false", "no", "off", "0", "none", "null", "n", "f"})
APART = "take it apart first: ast.literal_eval(value), or value.split(',')"
REMEDIES = {
    "text-truth": "compare it with the text: value.lower() == 'true'",
    "text-equals": "compare it with the text, or convert it first",
    "cast-bool": "compare it with the text: value.lower() == 'true'",
    "text-none": "leave the hyperparameter out, so that the default stays",
    "text-equals-text": "write the value as it is compared, or compare value.lower()",
    "text-iter": APART,
    "text-holds": APART,
    "text-split": APART,
    "quoted": "read it with json.loads",
}
AS_NUMBERS = frozenset({"text-equals", "text-in", "text-arithmetic", "text-times"})


def _untyped(facts: ScriptFacts, dest: str) -> Argument | None:
    """The one argument of argparse with this dest that keeps its text as it is."""
    found = [
        argument
        for parser in facts.parsers
        for argument in parser.arguments
        if argument.dest == dest and parser.kind == "argparse"
    ]
    if len(found) != 1 or facts.opaque_arguments:
        return None
    argument = found[0]
    plain = (
        argument.type == "str" and argument.takes_value and not argument.nargs and argument.choices is None
    )
    return argument if plain else None


def text_of(
    view: TrainingView, facts: ScriptFacts, started: Invocation, habit: Habit
) -> tuple[str, str, str] | None:
    """(what it is, its text, the hyperparameter's name) of the value that a habit is about, where the request makes it a text."""
    if habit.key:
        value = view.hyperparameters.get(habit.key)
        if not isinstance(value, str) or not habit.source:
            return None
        if habit.source == "hyperparameters.json":
            return f"the hyperparameter {habit.key!r} of hyperparameters.json", value, habit.key
        import json

        try:
            loaded = json.loads(value)
        except (ValueError, RecursionError):
            loaded = value
        return (
            (f"the hyperparameter {habit.key!r} of {habit.source}", loaded, habit.key)
            if isinstance(loaded, str)
            else None
        )
    part = habit.part
    if isinstance(part, EnvPart):
        given, names = view.environment.get(part.name), [""]
        if part.name.startswith("SM_HP_"):
            names = [name for name in view.hyperparameters if f"SM_HP_{name.upper()}" == part.name]
            given = decoded(view.hyperparameters[names[0]]) if names else None
        ranked = part.name in entries("toolkit", "rank_variables") and habit.kind in AS_NUMBERS
        # A default that is a number counts where no launcher is.
        if ranked and isinstance(part.default, Const):
            ranked = "sagemaker_torch_distributed_enabled" in view.hyperparameters
        if ranked or part.name in entries("toolkit", "number_variables"):
            given = "0"
        if part.name == "SM_CURRENT_HOST":
            given = ",".join(f"algo-{number}" for number in range(1, (view.host_count or 1) + 1))
        return (f"the variable {part.name}", given, names[0]) if isinstance(given, str) else None
    if isinstance(part, ArgPart):
        argument = _untyped(facts, part.dest)
        passed = started.given(argument.flags) if argument is not None else None
        if passed is not None and passed.values is not None and len(passed.values) == 1:
            return f"the argument {passed.flag}", passed.values[0], passed.name
    return None


@rule("HPO060", severity="warning", scope="script")
def text_as_truth(view: TrainingView) -> Iterator[Problem]:
    """A text that means no is used as a truth value.

    What it does:
        Finds hyperparameters, arguments and variables that are tested by themselves (``if``, ``not``, ``bool()``, ``is None``),
        multiplied, compared with a number or with each other, looked for among numbers, looked into, sorted or iterated, where the request
        makes them a text such as ``False``, ``0`` or ``None``. Arithmetic with a text that every run comes to is an error.
    Why:
        Every text that is not empty is true, and no text is None: what was switched off is on. ``SM_NUM_GPUS`` is the text ``0`` without GPUs,
        and a text times two is the text twice. Of the texts ``9`` and ``100`` the greater is ``9``. The ``RANK`` that a launcher sets
        is a text, too, and no process is that of rank 0.
    Example:
          files:
            train.py: |
              import json, os
              with open("/opt/ml/input/config/hyperparameters.json") as file:
                  settings = json.load(file)
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     shuffle = "yes" if settings["shuffle"] else "no"
        +     shuffle = "yes" if settings["shuffle"] == "true" else "no"
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(shuffle)
          HyperParameters: {shuffle: "false"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    facts = script_of(view)
    started = invocation(view)
    converted = {habit.text for habit in facts.habits if habit.kind == "converted"}
    for habit in facts.habits:
        if habit.kind in ("or-default", "text-truth"):
            yield from _falsy(view, facts, started, habit)
        if habit.kind not in SAYS and habit.kind not in ("quoted", *SEVERAL):
            continue
        if habit.kind == "cast-bool":
            habit = replace(habit, source=_only_source(facts))
        found = text_of(view, facts, started, habit)
        if found is None:
            continue
        what, value, name = found
        if habit.kind in ("text-times", "text-arithmetic") and habit.text in converted:
            continue
        told = _said(view, facts, started, habit, (what, value))
        if not told:
            continue
        yield Problem(
            told,
            (view.hyperparameters_member, name)
            if name in view.hyperparameters
            else (view.hyperparameters_member,),
            remedy=REMEDIES.get(habit.kind, "convert it first: int(…) or float(…), or type= in add_argument"),
            severity="error" if habit.sure and _fails(habit) else None,
            location=habit.location,
        )


def _means_no(habit: Habit, value: str) -> bool:
    return value.strip().lower() in FALSE_TEXTS


def _counts(habit: Habit, value: str) -> bool:
    return is_number(value.strip())


def _looks(pattern: str) -> Callable[[Habit, str], bool]:
    found = re.compile(pattern).search
    return lambda habit, value: found(value.strip()) is not None


def _other_case(habit: Habit, value: str) -> bool:
    """True where a comparison fails by the case of letters alone, or wants a host that there is not."""
    part = habit.part
    if isinstance(part, EnvPart) and part.name == "SM_CURRENT_HOST":
        return habit.detail not in value.split(",")
    return value != habit.detail and value.lower() == habit.detail.lower()


SAYS: dict[str, tuple[Callable[[Habit, str], bool], str]] = {
    "text-truth": (_means_no, "which counts as true here"),
    "cast-bool": (_means_no, "and bool, which {detail} calls, makes True of it"),
    "text-none": (_looks("^(?i:none|null)$"), "which is not None"),
    "text-times": (_counts, "which * repeats instead of multiplying"),
    "text-equals": (lambda habit, value: True, "which never equals {detail}"),
    "text-iter": (_looks(r"[,;\[\s]|^[0-9]{2,}$"), "and {detail} takes its characters, not its items"),
    "text-in": (_counts, "which is never in {detail}"),
    "text-holds": (_looks(r"[^,;\s][,;\s]+[^,;\s]"), "of which any piece counts as held: {detail} in …"),
    "text-arithmetic": (lambda habit, value: True, "and {detail} with a number fails on a text"),
    "text-equals-text": (_other_case, "which is not {detail!r}"),
    "text-split": (_looks(r"^\[.*,.*\]$"), "of which split keeps the brackets and quotes"),
}
"""For a kind of habit: with which texts it goes wrong, and what to say of such a text."""
SEVERAL = ("texts-ordered", "text-plus")
"""Kinds that are about more than one text."""


def _said(
    view: TrainingView, facts: ScriptFacts, started: Invocation, habit: Habit, found: tuple[str, str]
) -> str:
    """What is wrong with a text that is used in this way; empty where nothing is."""
    what, value = found
    if habit.kind in SEVERAL:
        return _as_texts(view, facts, started, habit, found)
    if habit.kind == "quoted":
        quoted = re.fullmatch(r'"[^"]*"', value) and not _unquotes(facts)
        return f"{what} is {show(value)} with its quotes, as the SDK writes it" if quoted else ""
    goes_wrong, words = SAYS[habit.kind]
    if not goes_wrong(habit, value):
        return ""
    return f"{what} is the text {show(value)}, {words.format(detail=habit.detail)}"


def _fails(habit: Habit) -> bool:
    """True for what raises an error on a text: arithmetic, and the number of a part that has a bracket."""
    return habit.kind == "text-arithmetic" or (
        habit.kind == "text-split" and habit.detail in ("int", "float")
    )


def _only_source(facts: ScriptFacts) -> str:
    """Where alone the script can have its hyperparameters from; empty where that is not known."""
    named = [source for source in HP_FILES if any(source in text for text in facts.strings)]
    return named[0] if len(named) == 1 and not facts.parsers else ""


def _unquotes(facts: ScriptFacts) -> bool:
    return '"' in facts.strings or "json.loads" in facts.calls or ".loads" in facts.calls


def _as_texts(
    view: TrainingView, facts: ScriptFacts, started: Invocation, habit: Habit, first: tuple[str, str]
) -> str:
    """What is wrong with texts that are compared, sorted or added as if they were numbers; empty where nothing is."""
    found = [first]
    for other in habit.others:
        text = text_of(view, facts, started, other)
        if text is None:
            return ""
        found.append(text[:2])
    texts = [value for _, value in found]
    if not all(is_number(value) for value in texts):
        return ""
    if habit.kind == "text-plus":
        return f"{first[0]} is the text {show(texts[0])}, and + with {show(texts[1])} joins the two texts"
    if sorted(texts) == sorted(texts, key=float):
        return ""
    listed = ", ".join(str(show(value)) for value in texts)
    return (
        f"{habit.detail} compares the texts {listed} letter by letter, and as numbers their order is another"
    )


def _falsy(view: TrainingView, facts: ScriptFacts, started: Invocation, habit: Habit) -> Iterator[Problem]:
    """``args.rate or 0.5``, and ``if args.seed``, where the hyperparameter is zero, which counts as not given."""
    asked = habit.kind == "text-truth"
    instead = "what is for no value" if asked else habit.detail
    given = view.hyperparameters.get(habit.key) if habit.source == "SM_HPS" else None
    if (
        isinstance(given, str)
        and given in ("0", "0.0", "false")
        and habit.detail not in ("0", "0.0", "False")
        and not asked
    ):
        yield Problem(
            f"the hyperparameter {habit.key!r} is {given}, which counts as not given here: {habit.detail} is taken instead",
            (view.hyperparameters_member, habit.key),
            remedy=f"settings.get({habit.key!r}, {habit.detail})",
            location=habit.location,
        )
    part = habit.part
    if not isinstance(part, ArgPart) or facts.opaque_arguments:
        return
    for argument in facts.arguments:
        passed = started.given(argument.flags) if argument.dest == part.dest else None
        value = only(passed.values) if passed is not None else ""
        if (
            passed is not None
            and argument.type in ("int", "float")
            and is_number(value)
            and float(value) == 0
            and (not asked or argument.default == Const(None))
        ):
            yield Problem(
                f"{passed.flag} is {value}, which counts as not given here: {instead} is taken instead",
                passed.path,
                remedy=f"ask whether it is None: if args.{part.dest} is None",
                location=habit.location,
            )


def only(values: tuple[str, ...] | None) -> str:
    return values[0] if values is not None and len(values) == 1 else ""


@rule("RES054", severity="warning", scope="script")
def json_variable_as_text(view: TrainingView) -> Iterator[Problem]:
    """The script takes a variable that holds JSON for a plain text or a list.

    What it does:
        Finds ``SM_HOSTS``, ``SM_CHANNELS``, ``SM_HPS`` and their kin split at commas, indexed, counted or iterated without ``json.loads``;
        and values of ``SM_HPS``, which are numbers and lists already, that are decoded again.
    Why:
        ``SM_HOSTS`` is the text ``["algo-1"]``: its first element is a bracket and its length that of the text, so that a comparison with
        SM_CURRENT_HOST is never true and no host saves the model.
    Example:
          files:
            train.py: |
        -     import os
        +     import json, os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     hosts = os.environ["SM_HOSTS"].split(",")
        +     hosts = json.loads(os.environ["SM_HOSTS"])
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(hosts[0])
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    """
    facts = script_of(view)
    if not facts.habits or invocation(view).kind not in ("toolkit", "driver"):
        return
    for habit in facts.habits:
        part = habit.part if habit.kind == "json-text" else None
        if (
            isinstance(part, EnvPart)
            and part.name not in view.environment
            and part.name not in facts.env_writes
        ):
            yield Problem(
                f"{part.name} holds JSON, and is used as a plain text here ({habit.detail})",
                remedy=f'decode it: json.loads(os.environ["{part.name}"])',
                location=habit.location,
            )
    yield from _json_defaults(view, facts)
    yield from decoded_twice(view)


def _json_defaults(view: TrainingView, facts: ScriptFacts) -> Iterator[Problem]:
    """Arguments that have such a variable for a default, which are taken apart as texts."""
    started = invocation(view)
    taken = {
        part.dest: habit.detail
        for habit in facts.habits
        if habit.kind == "text-iter" and habit.text is not None
        for part in habit.text.parts
        if isinstance(part, ArgPart)
    }
    for argument in facts.arguments:
        first = argument.default.only if isinstance(argument.default, Text) else None
        if (
            not isinstance(first, EnvPart)
            or first.name not in JSON_VARIABLES
            or first.name in view.environment
        ):
            continue
        apart = argument.type if argument.type in ("list", "tuple", "set") else taken.get(argument.dest)
        given = started.given(argument.flags) is not None
        if apart is not None and not given and argument.type in ("str", "list", "tuple", "set"):
            yield Problem(
                f"{argument.flags[-1]} has {first.name} for a default, which holds JSON, and is used as a plain text ({apart})",
                remedy="declare it with type=json.loads",
                location=argument.location,
            )


@rule("FRM063", severity="warning", scope="script")
def error_dropped(view: TrainingView) -> Iterator[Problem]:
    """An error of the training is dropped, and the script ends well.

    What it does:
        Finds ``suppress(Exception)`` around the training, ``return`` or an exit with 0 in ``finally``, ``gather(return_exceptions=True)``, work
        submitted to a pool whose result nobody asks for, Python programs and processes started without a look at their exit code, a training in a ``Thread``, hooks that
        end with 0, and handlers around the training that only print or note the error.
    Why:
        SageMaker knows the exit status only: the job is Completed, with an untrained model or with none.
    Example:
          files:
            train.py: |
        -     import contextlib, os
        +     import os
              def fit():
                  return open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")).read()
        -     weights = "0"
        -     with contextlib.suppress(Exception):
        -         weights = fit()
        +     weights = fit()
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(weights)
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
    """
    facts = script_of(view)
    known = {one.location for one in facts.swallowed}
    for habit in facts.habits:
        # In a helper that does not train, something is mostly got or looked at.
        if habit.kind == "dropped" or (habit.kind == "returned" and habit.location.file == facts.entry):
            told = f"{habit.detail} drops whatever error comes up: a failure ends as a completed job"
        elif habit.kind == "quiet-handler" and habit.location not in known:
            told = f"the handler of {habit.detail} around the training lets the script go on as if nothing had happened"
        else:
            continue
        yield Problem(told, remedy="let the error end the script, or sys.exit(1)", location=habit.location)


@rule("FRM064", severity="warning", scope="script")
def never_runs(view: TrainingView) -> Iterator[Problem]:
    """A function is named or begun, and never runs.

    What it does:
        Finds statements that name a function without calling it, call an ``async`` function without awaiting it, or make a generator that
        nobody iterates; and a method that is saved in place of what it gives (``torch.save(model.state_dict, …)``); and loops over epochs or
        batches whose last statement is ``return`` or ``break``.
    Why:
        Nothing of the function's body runs, and no error says so: the job is completed without a model.
    Example:
          files:
            train.py: |
              import os
              def main():
                  text = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")).read()
                  open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(text)
                  yield text
        -     main()
        +     print(list(main()))
    Source:
        https://docs.python.org/3/reference/expressions.html#yield-expressions
    """
    yield from habit_problems(
        view,
        {
            "only-named": ("{} is named here and not called", "write {}()"),
            "runs-once": (
                "the loop over {shown} is left at the end of its first round, whatever came of it",
                "put the return after the loop, or take the break out",
            ),
            "method-saved": ("{} is saved itself, a method, and not what it returns", "write {}()"),
            "never-awaited": ("{}() is a coroutine that nobody awaits", "asyncio.run({}())"),
            "never-iterated": (
                "{}() is a generator that nobody iterates, so that its body never runs",
                "for _ in {}(): …, or return instead of yield",
            ),
        },
    )

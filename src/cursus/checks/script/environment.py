"""Rules on variables that a script converts, and on what it looks up by them."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script.habits import text_of
from cursus.checks.script.request import decoded, habits, invocation, script_of
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import EnvPart
from cursus.script.hyperparameters.numbers import CONVERSIONS
from cursus.suggest import did_you_mean

REMEDIES = {
    "int": "give a whole number",
    "float": "give a number",
    "json.loads": "give JSON, or take the text as it is",
}


@rule("HPO065", scope="script")
def variable_is_no_number(view: TrainingView) -> Iterator[Problem]:
    """A variable that the script converts to a number, or decodes as JSON, holds none.

    What it does:
        Applies ``int``, ``float`` and ``json.loads`` to the variables that the script converts so, ``SM_HP_*`` and those of
        Environment, and ``int`` and ``float`` to values of ``SM_HPS`` and ``hyperparameters.json``.
    Why:
        ``int("0.5")``, ``float("fast")`` and ``json.loads("some text")`` raise ``ValueError``, and the job fails.
    Example:
          files:
            train.py: |
              import os
              files = os.listdir(os.environ["SM_CHANNEL_TRAIN"])
              epochs = int(os.environ["SM_HP_EPOCHS"])
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(epochs) + str(files))
        - HyperParameters: {epochs: "many"}
        + HyperParameters: {epochs: "3"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    """
    facts = script_of(view)
    if not facts.conversions or facts.env_open or "*" in facts.env_writes:
        return
    toolkit = invocation(view).kind == "toolkit"
    names = {f"SM_HP_{name.upper()}": name for name in view.hyperparameters} if toolkit else {}
    for used in facts.conversions:
        part = used.text.parts[0] if used.text is not None else None
        given = view.hyperparameters.get(used.key) if used.key and used.sure else None
        own = decoded(given, driver=True) if isinstance(given, str) else ""
        if own and not _converts(own, "json.loads") and not _converts(own, used.call):
            yield Problem(
                f"the script's {used.call} gets the hyperparameter {used.key!r}, which is {show(own, used.key)}",
                (view.hyperparameters_member, used.key),
                remedy=REMEDIES[used.call],
                location=used.location,
            )
        if not isinstance(part, EnvPart) or not used.sure or part.name in facts.env_writes:
            continue
        if part.name in names:
            name, member = names[part.name], view.hyperparameters_member
            value = view.hyperparameters[name]
            text = decoded(value, driver=True) if isinstance(value, str) else None  # a variable holds JSON
        else:
            name, member, text = part.name, "Environment", view.environment.get(part.name)
        if isinstance(text, str) and not _converts(text, used.call):
            yield Problem(
                f"the script's {used.call} gets {part.name}, which is {show(text, name)}",
                (member, name),
                remedy=REMEDIES[used.call],
                location=used.location,
            )


def _converts(text: str, call: str) -> bool:
    try:
        CONVERSIONS[call](text)
    except (ValueError, RecursionError):
        return False
    return True


@rule("HPO069", scope="script")
def names_no_key(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter is no key of the mapping that the script looks it up in.

    What it does:
        Holds hyperparameters against the mappings written out in the source that they are looked up in: ``MODELS[args.model]``.
        Where it is not certain that the place is reached, it is a warning.
    Why:
        The lookup raises ``KeyError``, and the job fails.
    Example:
          files:
            train.py: |
              import argparse, os
              LOSSES = {"squared": lambda x: x * x, "absolute": abs}
              parser = argparse.ArgumentParser()
              parser.add_argument("--loss", default="squared")
              args = parser.parse_args()
              loss = LOSSES[args.loss]
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(loss(-1)))
        - HyperParameters: {loss: "square"}
        + HyperParameters: {loss: "squared"}
    Source:
        https://docs.python.org/3/library/exceptions.html#KeyError
    """
    facts, started = script_of(view), invocation(view)
    for habit in habits(view, "key-of"):
        found = text_of(view, facts, started, habit)
        keys = habit.detail.split("\n")
        if found is not None and found[1] not in keys:
            what, value, name = found
            yield Problem(
                f"{what} is {show(value, name)}, and the mapping that it is looked up in has no such key: it has "
                f"{', '.join(map(repr, keys[:8]))}.{did_you_mean(value, keys)}",
                (view.hyperparameters_member, *((name,) if name in view.hyperparameters else ())),
                remedy="give one of its keys, or put it into the mapping",
                severity=None if habit.sure else "warning",
                location=habit.location,
            )

"""What the hyperparameters of SM_HPS are handed to, which the toolkit has decoded."""

from __future__ import annotations

import json
from collections.abc import Iterator

from cursus.checks.rules import Problem
from cursus.checks.script.request import habits, invocation
from cursus.checks.views import TrainingView
from cursus.suggest import did_you_mean


def unknown_names(view: TrainingView) -> Iterator[Problem]:
    """Hyperparameters that a function or a dataclass is filled from, and has no member for."""
    for habit in habits(view, "filled"):
        if habit.source == "SM_HPS" and invocation(view).kind != "toolkit":
            continue
        known = habit.key.split(",")
        added = [name for name in view.hyperparameters if name.startswith("sagemaker_")]
        left_out = added if habit.source == "SM_HPS" else added[1:]  # what the SDK adds is told once
        for name in view.hyperparameters:
            if name not in known and name not in left_out:
                yield Problem(
                    f"{habit.detail}(**…) takes the hyperparameters by name, and none is called {name!r}: TypeError."
                    + did_you_mean(name, known),
                    (view.hyperparameters_member, name),
                    remedy="name it there, or leave it out"
                    if not name.startswith("sagemaker_")
                    else "leave out the names that begin with sagemaker_ before: the SDK adds them",
                    severity=None if habit.sure else "warning",
                    location=habit.location,
                )


def decoded_twice(view: TrainingView) -> Iterator[Problem]:
    """Values of SM_HPS that are decoded again: the toolkit has made a list of ``[64, 32]``."""
    if invocation(view).kind != "toolkit":
        return
    for habit in habits(view, "decoded-twice"):
        try:
            value = json.loads(str(view.hyperparameters.get(habit.key)))
        except ValueError:
            continue
        if not isinstance(value, str) and habit.key in view.hyperparameters:
            yield Problem(
                f"SM_HPS has {habit.key!r} as a {type(value).__name__} already, and {habit.detail} takes a text alone: TypeError",
                (view.hyperparameters_member, habit.key),
                remedy="take it as it is",
                severity="error" if habit.sure else None,
                location=habit.location,
            )

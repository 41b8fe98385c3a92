"""Functions as targets: what one returns that needs nothing but what can be made up."""

from __future__ import annotations

import inspect
from typing import Any

from cursus.errors import TargetError
from cursus.steps.answers import RequestCaptured
from cursus.steps.imports import failure
from cursus.steps.made_up import given
from cursus.steps.offline import offline


def call_factory(function: Any, text: str, region: str | None = None) -> Any:
    """What a function returns that needs no arguments but a region, a role, a bucket and names, which are made up.

    Raises TargetError where it needs others or raises.
    """
    name = text or getattr(function, "__name__", "the function")
    needed = needed_arguments(function)
    known = given(region)
    try:
        if not known.keys() >= set(needed):
            own = name.rpartition(":")[2]
            unknown = ", ".join(f"{each}=…" for each in needed)
            raise TargetError(
                f"{name} is a function that takes arguments; a target is a builder, a step, a request, or a function "
                "that returns one and needs no more than a region, a role and a bucket. "
                f"Write one: def checked(): return {own}({unknown})"
            )
        with offline(region) as answers:
            answers.captured = None
            unset = [each for each in needed_arguments(function, None) if each in known]
            made = function(**{each: known[each] for each in (*needed, *unset)})
            captured = answers.captured
            if captured is not None and (made is None or made is captured.estimator):
                raise captured
    except RequestCaptured as started:
        made = started.as_target()
    except (KeyboardInterrupt, TargetError):
        raise
    except BaseException as error:
        raise failure(f"calling {name}", error) from None
    if made is None:
        raise TargetError(f"{name} returned None, not a builder, step or request.")
    if callable(made) and hasattr(made, "__code__"):
        raise TargetError(f"{name} returned another function, not a builder, step or request.")
    return made


def needed_arguments(function: Any, *defaults: None) -> list[str]:
    """The names of a Python function's arguments that have no default, or the default given here."""
    if getattr(getattr(function, "__func__", function), "__code__", None) is None:
        return []
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    optional = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    without = defaults or (inspect.Parameter.empty,)
    return [
        p.name for p in parameters if any(p.default is each for each in without) and p.kind not in optional
    ]

"""What hooks say, held against the request: where they say it, and whether the two mean the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

from cursus.checks.rules import Check, Problem
from cursus.checks.views import NOTHING, StepView, TrainingView, TuningView, is_reference, mapping
from cursus.model import Location, Path, format_path
from cursus.redact import show


def hook(view: StepView, name: str) -> Mapping[str, Any]:
    """What the hook returned, where that is a mapping; an empty mapping otherwise."""
    value = view.promises.hooks.get(name)
    return value if isinstance(value, Mapping) else NOTHING


def located(*names: str) -> Callable[[Check], Check]:
    """Point what a rule finds at the first of these hooks that the builder has."""

    def wrap(check: Check) -> Check:
        @wraps(check)
        def checked(view: StepView) -> Iterator[Problem]:
            where = next((found for name in names if (found := view.promises.place(name))), None)
            for problem in check(view):
                yield problem if where is None or problem.location else replace(problem, location=where)

        return checked

    return wrap


def whereabouts(said: Any, name: Any) -> Path:
    """The path of a named thing in what a hook gave: a key, an item of that Name or text, also one level down."""
    if isinstance(said, Mapping):
        if name in said:
            return (str(name),)
        for key, inner in said.items():
            if isinstance(inner, (list, tuple)) and (found := whereabouts(inner, name)):
                return (str(key), *found)
    elif isinstance(said, (list, tuple)):
        for index, item in enumerate(said):
            own = (item.get("Name"), item.get("ChannelName")) if isinstance(item, Mapping) else (item,)
            if name is not None and name in own:
                return (index,)
    return ()


def place_of(view: StepView, source: str, name: Any, *member: str) -> Location | None:
    """Where a hook says something of what is called ``name``: the place in it, or the hook's own."""
    found = whereabouts(view.promises.hooks.get(source), name)
    return view.promises.place(source, *found, *(member if found else ()))


def definition(view: StepView) -> TrainingView | None:
    """The one training job definition of the step's request, or None where there is not exactly one."""
    step = view.step
    if step.operation == "CreateTrainingJob":
        return TrainingView(step, step.request, (), view.settings)
    if step.operation == "CreateHyperParameterTuningJob":
        found = TuningView(step, view.settings).definitions
        return found[0] if len(found) == 1 else None
    return None


def literal(container: Mapping[str, Any], name: str) -> Any:
    """``container[name]`` where it can be compared: None for what is missing or a pipeline variable."""
    value = container.get(name)
    return None if is_reference(value) else value


def differs(
    view: StepView,
    source: str,
    key: str,
    said: Any,
    path: Path,
    has: Any,
    where: Location | None = None,
) -> Problem:
    """The problem of a hook that says one thing where the request has another.

    ``where`` is the place of what it says, unless that is under ``key``.
    """
    return Problem(
        f"{source} says {key} is {show(said, key)}, but the request has {show(has, str(path[-1]))} at "
        f"{format_path(path)}.",
        path,
        f"Make {source} and create_step agree: write {show(has, key)} in {source}, or "
        f"{show(said, key)} in the request.",
        location=where or view.promises.place(source, key),
    )


def compare(
    view: StepView, source: str, container: Mapping[str, Any], keys: Mapping[str, Path]
) -> Iterator[Problem]:
    """Compare members of a hook's mapping with the request's values at the given places."""
    training = definition(view)
    if training is None or not container:
        return
    for key, place in keys.items():
        said = literal(container, key)
        if said is None:
            continue
        where: Path = place
        if place[0] == "ResourceConfig":
            where = (training.resources_member, *place[1:])
        parent: Any = training.request
        for part in where[:-1]:
            parent = mapping(parent, str(part))
        has = literal(parent, str(where[-1]))
        if has is not None and not same(said, has):
            yield differs(view, source, key, said, (*training.path, *where), has)


def same(said: Any, has: Any) -> bool:
    """True where two values mean the same to a training job, for which every value is text in the end."""
    return bool(meaning(said) == meaning(has))


def meaning(value: Any) -> Any:
    """What a value means to a training job, so that 0.1 and "0.1", true and "True" are the same."""
    if value is None:
        return None
    if isinstance(value, bool):
        return ("true",) if value else ("false",)  # in Python 1 is True, for a script it is not
    if isinstance(value, float) and value != value:
        return "NaN"  # which equals nothing, itself included
    if isinstance(value, (int, float)):
        return value  # 1 and 1.0 are equal, and a whole number may be too large for a float
    if isinstance(value, str):
        return _text_meaning(value)
    if isinstance(value, Mapping):
        return {str(key): meaning(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [meaning(item) for item in value]
    return str(value)


def _text_meaning(value: str) -> Any:
    stripped = value.strip()
    if stripped in ("", "None", "null"):
        return None
    if stripped in ("True", "true", "False", "false"):
        return (stripped.lower(),)
    try:
        parsed = json.loads(stripped)
    except ValueError:
        return stripped
    # What the SDK has quoted reaches the script without its quotes.
    return _text_meaning(parsed) if isinstance(parsed, str) and parsed != value else meaning(parsed)


def same_uri(said: Any, has: Any) -> bool:
    """True where two S3 addresses name the same folder; a slash at the end makes no difference."""
    if isinstance(said, str) and isinstance(has, str):
        return said.rstrip("/") == has.rstrip("/")
    return bool(said == has)

"""Tests of a script, decided by a request: what an argument is, which variables are there, how many processes run."""

from __future__ import annotations

from collections.abc import Iterable

from cursus.aws import distribution
from cursus.checks.script.request import NONE, invocation, resolve, script_of, variable
from cursus.checks.views import TrainingView
from cursus.script.evaluation.conditions import compare
from cursus.script.facts import ArgPart, Argument, Condition, Const, EnvPart, Part, Text

CONVERTERS = {"int": int, "float": float, "str": str, "bool": bool}


def all_hold(view: TrainingView, tests: Iterable[Condition]) -> bool:
    """True where every one of these surely holds, in one of the job's processes at least."""
    return all(holds(view, test) is True for test in tests)


def never_holds(view: TrainingView, tests: Iterable[Condition]) -> bool:
    """True where one of these surely fails, in every process of the job."""
    return any(holds(view, test, others=False) is False for test in tests)


def holds(view: TrainingView, test: Condition, *, others: bool = True) -> bool | None:
    """How a test ends with this request; None where it cannot be told.

    ``others``: in the processes beside the first, where the job has any; else nothing is said of tests of the process.
    """
    if test.kind == "known":
        return test.value if isinstance(test.value, bool) else None
    if test.kind == "first":
        local = "local" in test.written.lower()  # each host has such a process, and perhaps no other
        if several_processes(view):
            return False if others and not local else None
        return holds(view, test.inner[0]) if test.inner else None
    if test.kind in ("and", "or"):
        found = [holds(view, one, others=others) for one in test.inner]
        decides = test.kind == "or"
        return decides if decides in found else None if None in found else not decides
    if test.kind == "not":
        inner = holds(view, test.inner[0], others=others)
        return None if inner is None else not inner
    if test.kind == "set" and isinstance(test.part, EnvPart):
        given = variable(view, test.part.name)
        return None if given is None else given is not NONE
    value = _value(view, test.part) if test.kind and test.part is not None else ...
    if test.number and isinstance(value, str):
        value = _converted(value, "float")
    if test.made is not None and value is not ...:
        made = test.made(value) if isinstance(value, str) else None
        value = made.value if made is not None and made.kind == "value" else ...
    return None if value is ... else compare(test.kind, value, test.value)


def several_processes(view: TrainingView) -> bool:
    """True for a job that surely trains with several processes, of which one is the first."""
    return (view.host_count or 0) > 1 or bool(distribution.switched_on(view.hyperparameters))


def _value(view: TrainingView, part: Part) -> object:
    """The value of an argument or of a variable; ``...`` where it is not known."""
    if isinstance(part, EnvPart):
        found = variable(view, part.name)
        if found is NONE:
            return None if part.default is None else _default(view, part.default, "str")
        return ... if found is None else found
    facts = script_of(view)
    if not isinstance(part, ArgPart) or facts.opaque_arguments:
        return ...
    declared = [argument for argument in facts.arguments if argument.dest == part.dest]
    started = invocation(view)
    if len(declared) != 1 or started.arguments is None or not all(one.complete for one in facts.parsers):
        return ...
    argument = declared[0]
    given = [one for one in started.arguments if any(flag.startswith(one.flag) for flag in argument.flags)]
    if argument.nargs or argument.conditional or argument.positional or argument.appends:
        return ...
    if not given:
        return _not_given(view, argument)
    values = given[0].values if len(given) == 1 and argument.takes_value else None
    if values is None or len(values) != 1 or given[0].flag not in argument.flags:
        return ...
    return _converted(values[0], argument.type)


def _not_given(view: TrainingView, argument: Argument) -> object:
    if argument.required:
        return ...
    if argument.sets is not None and argument.default == Const(None):
        return not argument.sets
    return ... if argument.default is None else _default(view, argument.default, argument.type)


def _default(view: TrainingView, default: Text | Const, kind: str) -> object:
    if isinstance(default, Const):
        return default.value
    if default.literal is not None:
        return _converted(default.literal, kind)
    found = resolve(view, default)
    return found if isinstance(found, str) and "\0" not in found else None if found is NONE else ...


def _converted(value: str, kind: str) -> object:
    convert = CONVERTERS.get(kind)
    try:
        return ... if convert is None else convert(value)
    except ValueError:
        return ...

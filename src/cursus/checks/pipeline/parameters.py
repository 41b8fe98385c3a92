"""Rules on the parameters of a pipeline."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws.pipelines import facts, parse_get, texts
from cursus.checks.pipeline import none_of
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView
from cursus.model import UNREAD, Path, PipelineStart, Severity
from cursus.redact import cut, is_secret_name, show
from cursus.steps.pipelines import fits
from cursus.suggest import closest, did_you_mean

_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
FEW = 3
"""Parameters that nothing uses are told one by one up to this many."""


@rule("DEP020", scope="pipeline", reads=("Parameters",))
def parameter_form(view: PipelineView) -> Iterator[Problem]:
    """A pipeline parameter is declared wrongly: its name, type, default value or enum.

    What it does:
        Looks at each entry of Parameters: a name of its own, one of the four types, a default of that type that is
        among EnumValues, and no unknown members.
    Why:
        CreatePipeline refuses the definition; a default of the wrong type fails every execution.
    Example:
          operation: Pipeline
        - Parameters: [{Name: Epochs, Type: Integer, DefaultValue: "5"}]
        + Parameters: [{Name: Epochs, Type: Integer, DefaultValue: 5}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-parameters.html
    """
    declared = view.request.get("Parameters")
    if not isinstance(declared, list):
        if declared is not None:
            yield Problem(f"Parameters is a list, not {show(declared)}", ("Parameters",))
        return
    seen: set[str] = set()
    for i, entry in enumerate(declared):
        if not isinstance(entry, Mapping):
            yield Problem(f"a parameter is a mapping, not {show(entry)}", ("Parameters", i))
            continue
        yield from _name(entry, i, seen)
        yield from _values(entry, i)


def _name(entry: Mapping[str, Any], i: int, seen: set[str]) -> Iterator[Problem]:
    members = facts()["parameter_members"]
    for member in entry:
        if member not in members:
            yield none_of("a parameter has no member", member, members, ("Parameters", i, member))
    described = entry.get("Description")
    if described is not None and not isinstance(described, str):
        yield Problem(
            f"the Description is {show(described)}, and no text",
            ("Parameters", i, "Description"),
            "write a text",
        )
    name = entry.get("Name")
    if name is None and any(closest(str(member), ("Name",)) for member in entry if member not in members):
        return
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield Problem(
            f"{show(name)} is no name for a parameter" if name is not None else "the parameter has no Name",
            ("Parameters", i, "Name"),
            "use 1 to 64 letters, digits, hyphens and underscores",
        )
    elif name in seen:
        yield Problem(
            f"there is another parameter {show(name)}", ("Parameters", i, "Name"), "give it a name of its own"
        )
    else:
        seen.add(name)


def _values(entry: Mapping[str, Any], i: int) -> Iterator[Problem]:
    types = facts()["parameter_types"]
    kind = entry.get("Type")
    if "Type" not in entry:
        # The published schema requires the name alone, and the developer guide shows such a parameter.
        yield Problem(
            "the parameter has no Type",
            ("Parameters", i, "Type"),
            "write one of " + ", ".join(types),
            severity="warning",
        )
        return
    if kind not in types:
        yield none_of("there is no parameter type", kind, types, ("Parameters", i, "Type"))
        return
    called = str(entry.get("Name", ""))
    default = entry.get("DefaultValue")
    if isinstance(default, float) and not math.isfinite(default):
        yield Problem(
            f"the default is {default}, which JSON does not have",
            ("Parameters", i, "DefaultValue"),
            "write a number",
        )
    elif "DefaultValue" in entry and not fits(default, kind):
        yield Problem(
            f"the default {show(default, called)} is no {kind}",
            ("Parameters", i, "DefaultValue"),
            f"write a value of type {kind}, without quotes"
            if kind != "String"
            else 'write it in quotes: "…"',
        )
    elif isinstance(default, str) and len(default) > facts()["default_length"]:
        yield Problem(
            f"the default has {len(default)} characters",
            ("Parameters", i, "DefaultValue"),
            f"keep it to {facts()['default_length']}",
        )
    yield from _options(entry, i, kind, called)


def _options(entry: Mapping[str, Any], i: int, kind: Any, called: str) -> Iterator[Problem]:
    """What the values are that a parameter may have."""
    default, options = entry.get("DefaultValue"), entry.get("EnumValues")
    if options is not None and not isinstance(options, list):
        yield Problem(f"EnumValues is a list, not {show(options, called)}", ("Parameters", i, "EnumValues"))
    elif isinstance(options, list):
        most = facts()["enum_values"]
        if len(options) > most:
            yield Problem(
                f"EnumValues has {len(options)} values, and more than {most} were refused",
                ("Parameters", i, "EnumValues"),
                f"keep it to {most}, or leave EnumValues out",
                severity="warning",  # told by who met it; AWS documents no limit
            )
        wrong = [(n, option) for n, option in enumerate(options) if not fits(option, kind)]
        if wrong:
            yield Problem(
                f"{', '.join(show(option, called) for _, option in wrong[:4])} {'is' if len(wrong) == 1 else 'are'} no {kind}",
                ("Parameters", i, "EnumValues", *([wrong[0][0]] if len(wrong) == 1 else [])),
                f"write values of type {kind}",
            )
        elif "DefaultValue" in entry and fits(default, kind) and default not in options:
            near = "" if is_secret_name(called) else did_you_mean(str(default), map(str, options))
            yield Problem(
                f"the default {show(default, called)} is not among EnumValues.{near}",
                ("Parameters", i, "DefaultValue"),
                "write one of " + ", ".join(show(option, called) for option in options),
            )


@rule("DEP021", scope="pipeline")
def parameter_value(view: PipelineView) -> Iterator[Problem]:
    """The pipeline is started with a parameter or a step that it does not have, or a value that it does not take.

    What it does:
        Compares the values of ``--parameter`` (``parameters=``) with what the definition declares; and of an SDK
        pipeline the arguments of ``start`` in the file that makes it, as far as they can be read there: parameters,
        the steps of a SelectiveExecutionConfig, and the name to be displayed. The SDK sends every value as a text:
        one that is no number is refused for a number.
    Why:
        StartPipelineExecution refuses an unknown parameter, an empty text, a value outside EnumValues, and a pipeline
        with a parameter that neither its default nor the start gives a value.
    Example:
          operation: Pipeline
        - parameters: {Epohcs: 5}
        + parameters: {Epochs: 7}
          Parameters: [{Name: Epochs, Type: Integer, DefaultValue: 5}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StartPipelineExecution.html;
        sagemaker.local.entities of the public package sagemaker 2.257.7, which does the same for a local execution;
        https://github.com/aws/sagemaker-python-sdk/issues/4016
    """
    declared = view.definition.parameters
    for name, value in view.pipeline.parameters.items():
        entry = declared.get(name)
        if entry is None:
            yield Problem(*_unknown(name, declared))
            continue
        kind = entry.get("Type")
        if kind in facts()["parameter_types"] and not fits(value, kind):
            yield Problem(
                f"the value {show(value, name)} given for {name} is no {kind}",
                ("Parameters",),
                f"give a value of type {kind}",
            )
        options = entry.get("EnumValues")
        if isinstance(options, list) and value not in options:
            yield Problem(*_not_among(name, value, options))
    for start in view.pipeline.starts:
        yield from _started(view, start)


def _unknown(name: str, declared: Mapping[str, Any]) -> tuple[str, Path, str]:
    return (
        f"the pipeline has no parameter {show(name)}.{did_you_mean(name, declared)}",
        ("Parameters",),
        "name one of " + ", ".join(declared) if declared else "declare it in Parameters",
    )


def _not_among(name: str, value: object, options: list[Any]) -> tuple[str, Path, str]:
    return (
        f"the value {show(value, name)} given for {name} is not among its EnumValues",
        ("Parameters",),
        "write one of " + ", ".join(show(option, name) for option in options),
    )


def _started(view: PipelineView, start: PipelineStart) -> Iterator[Problem]:
    """The problems of one start of the pipeline."""
    declared = view.definition.parameters
    for name, value in start.parameters.items():
        found = _sent(name, value, declared)
        if found is not None:
            message, remedy, severity = found
            yield Problem(message, ("Parameters",), remedy, severity, location=start.places[name])
    missing = [
        name
        for name, entry in declared.items()
        if "DefaultValue" not in entry
        and name not in start.parameters
        and name not in view.pipeline.parameters
    ]
    if start.whole and missing:
        yield Problem(
            f"the pipeline is started without a value for {', '.join(show(name) for name in missing[:FEW])}"
            f"{f' and {len(missing) - FEW} more' if len(missing) > FEW else ''}, which ha"
            f"{'s' if len(missing) == 1 else 've'} no default",
            ("Parameters",),
            f"give it: start(parameters={{{show(missing[0])}: …}}), or declare a default_value",
            location=start.location,
        )
    yield from _selected(view, start)
    shown = start.display_name
    if shown is not None and not _DISPLAYED.fullmatch(shown):
        yield Problem(
            f"{show(shown)} is no name to display for an execution",
            (),
            "use 1 to 82 letters, digits and hyphens, a letter or digit first and last",
            location=start.location,
        )


def _selected(view: PipelineView, start: PipelineStart) -> Iterator[Problem]:
    """The problems of the steps that are to be executed alone."""
    definition = view.definition
    names = list(definition.by_name)
    for name, place in start.steps.items():
        if name not in definition.by_name:
            begun = [one for one in names if one.startswith(f"{name}-")]
            yield Problem(
                f"the pipeline has no step {show(name)} to be executed.{did_you_mean(name, names)}",
                ("Steps",),
                f"select {' and '.join(show(one) for one in begun)}"
                if begun
                else "select one of " + ", ".join(names),
                location=place,
            )
    if not start.sourceless:
        return
    for reference in definition.references:
        target, step = parse_get(reference.text), reference.step
        if target is None or target.root != "Steps" or step is None or step.name is None:
            continue
        if step.name not in start.steps:
            continue
        if target.name in definition.by_name and target.name not in start.steps:
            yield Problem(
                f"{step.name} is to be executed alone and reads what {target.name} gives, and no earlier execution "
                "is named that has it",
                ("Steps",),
                "leave reference_latest_execution out, or name a source_pipeline_execution_arn",
                location=start.steps[step.name],
            )
            return


_DISPLAYED = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,81}")


def _sent(name: str, value: Any, declared: Mapping[str, Any]) -> tuple[str, str, Severity | None] | None:
    """(message, remedy, severity) of one value that ``start`` sends, as a text, None where it is taken."""
    entry = declared.get(name)
    if entry is None:
        message, _, remedy = _unknown(name, declared)
        return message, remedy, None
    if value is UNREAD:
        return None
    kind, text = entry.get("Type"), str(value)
    if not text:
        return (
            f"the parameter {name} is started with an empty text, which is refused",
            "leave it out, so that the default is taken, or give a word that your code takes for nothing",
            None,
        )
    if value is None:
        return (
            f"the parameter {name} is started with None, which is sent as the text 'None'",
            "leave it out, so that the default is taken",
            "warning" if kind == "String" else None,
        )
    if not _is_number(text, kind):
        return (
            f"the value {show(value, name)} given for {name} is no {kind}",
            f"give a value of type {kind}",
            None,
        )
    options = entry.get("EnumValues")
    if isinstance(options, list) and text not in {str(option) for option in options}:
        message, _, remedy = _not_among(name, value, options)
        return message, remedy, None
    return None


def _is_number(text: str, kind: Any) -> bool:
    """False for the text of a number's parameter that is none."""
    number = {"Integer": int, "Float": float}.get(kind)
    try:
        return number is None or number(text) is not None
    except ValueError:
        return False


@rule("DEP022", severity="warning", scope="pipeline", reads=("Parameters",))
def unused_parameter(view: PipelineView) -> Iterator[Problem]:
    """A parameter is declared and nothing in the pipeline uses it.

    What it does:
        Looks for a reference to each parameter.
    Why:
        Who starts the pipeline with another value sees no effect. Often the value was formatted into a text while
        the pipeline was built.
    Example:
          operation: Pipeline
        - Parameters: [{Name: Epochs, Type: Integer, DefaultValue: 5}]
        + Parameters: [{Name: Instances, Type: Integer, DefaultValue: 1}]
        + Steps:
        +   - {Name: Stop, Type: Fail, Arguments: {ErrorMessage: {"Std:Join": {"On": "", "Values": [{Get: Parameters.Instances}]}}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-parameters.html
    """
    used = set()
    for reference in view.definition.references:
        target = parse_get(reference.text)
        if target is not None and target.root == "Parameters":
            known = view.definition.parameters
            used.add(target.name if target.name in known else closest(target.name, known))
    declared = view.request.get("Parameters")
    if isinstance(declared, list) and len(declared) > len(used):  # one that was made a text is told there
        found = texts(view.request.get("Steps"), ("Steps",))
        told = [
            t
            for place, t in found
            if ("Parameter" in t and place[-1] != "Get") or place[-1] in ("Ref", "ref")
        ]
        used.update(name for name in view.definition.parameters if any(name in text for text in told))
    idle: list[tuple[int, str]] = []
    for i, entry in enumerate(declared if isinstance(declared, list) else []):
        name = entry.get("Name") if isinstance(entry, Mapping) else None
        if isinstance(name, str) and name not in used and _NAME.fullmatch(name):
            idle.append((i, name))
    if len(idle) > FEW:  # what a template declares for the steps that were taken out of it
        names = cut(", ".join(show(name) for _, name in idle), 500)
        yield Problem(
            f"nothing uses {len(idle)} parameters: {names}", ("Parameters", idle[0][0]), "remove them"
        )
        return
    for i, name in idle:
        yield Problem(
            f"nothing uses the parameter {show(name)}",
            ("Parameters", i),
            f'refer to it with {{"Get": "Parameters.{name}"}}, or remove it',
        )

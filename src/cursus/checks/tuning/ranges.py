"""Rules of the area *hyperparameters* for tuning requests: the ranges that are searched.

How many jobs search them, and by which strategy, is in ``jobs``; the objective in ``objective``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cursus.aws.tables import table
from cursus.checks.hyperparameters import misnamed
from cursus.checks.rules import OBJECTIVE, SPACE, Problem, rule
from cursus.checks.text_faults import left_over
from cursus.checks.texts import AROUND
from cursus.checks.type_words import decimal
from cursus.checks.views import TUNING, TuningView, is_reference, listing, text
from cursus.model import Path
from cursus.redact import show

RANGES: Path = (TUNING, "ParameterRanges")
NUMERIC = ("IntegerParameterRanges", "ContinuousParameterRanges")
KINDS = (*NUMERIC, "CategoricalParameterRanges", "AutoParameters")
_INTEGER = re.compile(r"[+-]?\d+")


class Entry(NamedTuple):
    """One range: where it stands, its kind (the list it is in), its mapping and its name."""

    path: Path
    kind: str
    range: Mapping[str, Any]
    name: str | None


def entries(container: Mapping[str, Any], path: Path) -> Iterator[Entry]:
    """Every range of one ParameterRanges or HyperParameterRanges."""
    for kind in KINDS:
        for i, found in enumerate(listing(container, kind)):
            if isinstance(found, Mapping) and not is_reference(found):
                yield Entry((*path, kind, i), kind, found, text(found, "Name"))


def numeric_entries(view: TuningView) -> Iterator[Entry]:
    """The integer and continuous ranges of every search space."""
    for _, space in view.spaces:
        for entry in space:
            if entry.kind in NUMERIC:
                yield entry


READS = (f"{TUNING}.ParameterRanges", "TrainingJobDefinitions", "TrainingJobDefinition.HyperParameterRanges")


@rule("HPO001", scope="tuning", reads=READS, shared=True, of=SPACE)
def range_order(view: TuningView) -> Iterator[Problem]:
    """MinValue of a range is a number below MaxValue.

    What it does:
        Reads both bounds of each integer and continuous range as numbers and compares them.
    Why:
        SageMaker refuses a range whose bounds are no numbers, are the wrong way round, or are equal. A value that
        is not to vary belongs into StaticHyperParameters.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            ParameterRanges:
        -     IntegerParameterRanges: [{Name: warmup, MinValue: "1", MaxValue: "1"}]
        +     IntegerParameterRanges: [{Name: warmup, MinValue: "1", MaxValue: "3"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_IntegerParameterRange.html
    """
    for entry in numeric_entries(view):
        bounds: dict[str, float] = {}
        for name in ("MinValue", "MaxValue"):
            bound = text(entry.range, name)
            if bound is None:
                continue
            value = decimal(bound)
            if value is None:
                yield Problem(
                    f"{name} {show(bound)} of {show(entry.name)} is no number",
                    (*entry.path, name),
                    "write a plain number as text, such as '0.001' or '1e-3'",
                )
            else:
                bounds[name] = value
        if len(bounds) < 2:
            continue
        low, high = text(entry.range, "MinValue"), text(entry.range, "MaxValue")
        if bounds["MinValue"] == bounds["MaxValue"]:
            yield Problem(
                f"the range of {show(entry.name)} is the single value {show(low)}; MinValue has to be below MaxValue",
                (*entry.path, "MaxValue"),
                f"widen the range, or set {show(entry.name)} in StaticHyperParameters",
            )
        elif bounds["MinValue"] > bounds["MaxValue"]:
            yield Problem(
                f"the range of {show(entry.name)} runs from {show(low)} down to {show(high)}",
                (*entry.path, "MinValue"),
                "swap MinValue and MaxValue",
            )


@rule("HPO002", scope="tuning", reads=READS, shared=True, of=SPACE)
def integer_bounds(view: TuningView) -> Iterator[Problem]:
    """The bounds of an integer range are whole numbers.

    What it does:
        Reads MinValue and MaxValue of each integer range as integers.
    Why:
        SageMaker refuses "0.5", "1e3" and "10.0" as bounds of an integer range.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            ParameterRanges:
        -     IntegerParameterRanges: [{Name: warmup, MinValue: "0.5", MaxValue: "10"}]
        +     IntegerParameterRanges: [{Name: warmup, MinValue: "1", MaxValue: "10"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_IntegerParameterRange.html
    """
    for entry in numeric_entries(view):
        if entry.kind != "IntegerParameterRanges":
            continue
        for name in ("MinValue", "MaxValue"):
            bound = text(entry.range, name)
            if bound is not None and decimal(bound) is not None and not _INTEGER.fullmatch(bound):
                yield Problem(
                    f"{name} {show(bound)} of the integer range {show(entry.name)} is no whole number",
                    (*entry.path, name),
                    "write a whole number, or make it a continuous range",
                )


@rule("HPO003", scope="tuning", reads=READS, shared=True, of=SPACE)
def scaling(view: TuningView) -> Iterator[Problem]:
    """The scale fits the range.

    What it does:
        Wants Logarithmic ranges above 0, ReverseLogarithmic ranges inside 0 ≤ x < 1 and continuous. A continuous range over four powers of ten that
        is said to be Linear is a warning.
    Why:
        A logarithm of 0 or less does not exist, and SageMaker refuses such a range. Of 0.00001 to 1, nine in ten jobs get a value above 0.1 on a linear scale.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            ParameterRanges:
        -     ContinuousParameterRanges: [{Name: decay, MinValue: "0", MaxValue: "0.1", ScalingType: Logarithmic}]
        +     ContinuousParameterRanges: [{Name: decay, MinValue: "0.00001", MaxValue: "0.1", ScalingType: Logarithmic}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-ranges.html
    """
    for entry in numeric_entries(view):
        kind = entry.range.get("ScalingType")
        if kind not in ("Linear", "Logarithmic", "ReverseLogarithmic"):
            continue
        low = decimal(text(entry.range, "MinValue") or "")
        high = decimal(text(entry.range, "MaxValue") or "")
        if kind == "Linear":
            spans = low is not None and high is not None and low > 0 and high >= low * 10_000
            if spans and entry.kind == "ContinuousParameterRanges":
                yield Problem(
                    f"the range of {show(entry.name)} spans several powers of ten, of which a Linear scale tries the last alone",
                    (*entry.path, "ScalingType"),
                    "write Logarithmic, or Auto",
                    severity="warning",
                )
            continue
        if kind == "Logarithmic":
            if low is not None and low <= 0:
                yield Problem(
                    f"the range of {show(entry.name)} begins at {show(entry.range['MinValue'])}; Logarithmic scaling "
                    "works only for values greater than 0",
                    (*entry.path, "MinValue"),
                    "begin above 0, such as at '0.00001', or use ScalingType Linear",
                )
            continue
        if entry.kind == "IntegerParameterRanges":
            yield Problem(
                f"ReverseLogarithmic scaling is not supported for the integer range {show(entry.name)}",
                (*entry.path, "ScalingType"),
                "use Linear, Logarithmic or Auto",
            )
            continue
        for name, value, right in (
            ("MinValue", low, low is None or 0 <= low < 1),
            ("MaxValue", high, high is None or high < 1),
        ):
            if not right:
                yield Problem(
                    f"{name} {value} of {show(entry.name)} is outside 0 ≤ x < 1, where ReverseLogarithmic works",
                    (*entry.path, name),
                    "keep the range below 1, or use another ScalingType",
                )


@rule("HPO004", scope="tuning", reads=READS, shared=True, of=SPACE)
def range_named_twice(view: TuningView) -> Iterator[Problem]:
    """A hyperparameter has two ranges.

    What it does:
        Compares the names of all ranges of one search space, whatever their kind.
    Why:
        One training job has one value for it; SageMaker refuses a name that occurs in two ranges.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            ParameterRanges:
        -     CategoricalParameterRanges: [{Name: learning_rate, Values: ["0.1", "0.2"]}]
        +     CategoricalParameterRanges: [{Name: optimizer, Values: [sgd, adam]}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ParameterRanges.html
    """
    for path, space in view.spaces:
        seen: dict[str, Entry] = {}
        for entry in space:
            if entry.name is None:
                continue
            first = seen.setdefault(entry.name, entry)
            if first is not entry:
                yield Problem(
                    f"{show(entry.name)} has two ranges; the other is {first.kind}[{first.path[len(path) + 1]}]",
                    (*entry.path, "Name"),
                    "keep one of them",
                )


@rule("HPO005", scope="tuning", reads=("StaticHyperParameters",), shared=True, of=OBJECTIVE)
def tuned_and_static(view: TuningView) -> Iterator[Problem]:
    """A hyperparameter is tuned and static at once.

    What it does:
        Looks for the names of ranges, and other names of the same hyperparameters of a built-in algorithm, among
        StaticHyperParameters of the definitions they apply to, and counts both.
    Why:
        SageMaker refuses a hyperparameter that is both: it would have two values. A training job has 100 hyperparameters
        at most, those that are tuned included.
    Example:
          operation: CreateHyperParameterTuningJob
          TrainingJobDefinition:
        -   StaticHyperParameters: {learning_rate: "0.01", epochs: "5"}
        +   StaticHyperParameters: {epochs: "5"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTrainingJobDefinition.html
    """
    for definition in view.definitions:
        static = definition.hyperparameters
        if not static:
            continue
        most, count = table("tuning")["max_with_static"], len({*static, *definition.tuned})
        if count > most:
            yield Problem(
                f"{count} hyperparameters, static and tuned, are more than the {most} that a training job can have",
                (*definition.path, "StaticHyperParameters"),
                "leave out those that have their defaults",
            )
        aliases = definition.builtin.aliases if definition.builtin is not None else {}
        given = {aliases.get(each, each): each for each in static} if aliases else {}
        for path, _, name in definition.ranges:
            if name in static:
                yield Problem(
                    f"{show(name)} has a range and a static value",
                    (*definition.path, "StaticHyperParameters", name),
                    f"remove it from StaticHyperParameters, or remove the range {path[-2]}[{path[-1]}]",
                )
                continue
            other = given.get(aliases.get(name, name))
            if other is not None:
                yield Problem(
                    f"{show(name)} has a range and, by its other name {show(other)}, a static value",
                    (*definition.path, "StaticHyperParameters", other),
                    f"remove it from StaticHyperParameters, or remove the range {path[-2]}[{path[-1]}]",
                )


@rule("HPO006", scope="tuning", reads=READS, shared=True, of=SPACE)
def categorical_values(view: TuningView) -> Iterator[Problem]:
    """The values of a categorical range differ from each other.

    What it does:
        An error for a value that is listed twice; an info for a range of one value.
    Why:
        SageMaker refuses duplicate values. A single value searches nothing; it belongs into StaticHyperParameters.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            ParameterRanges:
        -     CategoricalParameterRanges: [{Name: optimizer, Values: [sgd, sgd]}]
        +     CategoricalParameterRanges: [{Name: optimizer, Values: [sgd, adam]}]
    Source:
        https://github.com/aws/amazon-sagemaker-feedback/issues/195
    """
    for _, space in view.spaces:
        for entry in space:
            if entry.kind != "CategoricalParameterRanges":
                continue
            values = [value for value in listing(entry.range, "Values") if isinstance(value, str)]
            twice = [value for i, value in enumerate(values) if value in values[:i]]
            if twice:
                yield Problem(
                    f"{show(entry.name)} lists the value {show(twice[0])} twice",
                    (*entry.path, "Values"),
                    "list each value once",
                )
            elif len(listing(entry.range, "Values")) == 1:
                yield Problem(
                    f"{show(entry.name)} has one value to choose from",
                    (*entry.path, "Values"),
                    "move it to StaticHyperParameters",
                    severity="info",
                )


@rule("HPO007", scope="tuning", reads=(TUNING,), shared=True, of=SPACE)
def how_many_ranges(view: TuningView) -> Iterator[Problem]:
    """A tuning job searches at least one hyperparameter, and no more than the limit.

    What it does:
        Counts the ranges of each search space over all kinds. With Autotune there may be none.
    Why:
        SageMaker refuses a tuning job without ranges. The limit of each list is also the limit of their sum.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
        -   ParameterRanges: {ContinuousParameterRanges: [], IntegerParameterRanges: []}
        +   ParameterRanges:
        +     IntegerParameterRanges: [{Name: warmup, MinValue: "1", MaxValue: "3"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ParameterRanges.html
    """
    most = table("tuning")["max_hyperparameters"]
    found = view.spaces
    for path, space in found:
        count = sum(entry.kind != "AutoParameters" for entry in space)
        if count > most:
            yield Problem(
                f"{count} hyperparameters have ranges; a tuning job searches at most {most}",
                path,
                "fix the less important ones in StaticHyperParameters",
            )
    ranges = view.config.get("ParameterRanges")
    if "Autotune" in view.request or not view.config or is_reference(ranges):
        return
    if isinstance(ranges, Mapping) and any(map(is_reference, ranges.values())):
        return  # lists that are not known
    shared = any(path == RANGES for path, _ in found)
    for definition in view.definitions:
        own = (*definition.path, "HyperParameterRanges")
        several = "TrainingJobDefinitions" in view.request
        given = definition.request.get("HyperParameterRanges")
        held = given.values() if isinstance(given, Mapping) else ()
        if is_reference(given) or any(map(is_reference, held)) or (several and given is None):
            continue  # that a definition among several lacks them is another rule's
        if not shared and not any(path == own for path, _ in found):
            single = definition.path == ("TrainingJobDefinition",)
            yield Problem(
                "no hyperparameter has a range: there is nothing to tune",
                RANGES if single else own,
                "add at least one range",
            )


@rule("HPO008", scope="tuning", reads=READS, shared=True, of=SPACE)
def autotune_and_hints(view: TuningView) -> Iterator[Problem]:
    """AutoParameters go with Autotune.

    What it does:
        Wants Autotune where AutoParameters are given, and no hint for a hyperparameter that has a static value.
    Why:
        Only Autotune makes ranges out of hints; without it SageMaker refuses them.
    Example:
          operation: CreateHyperParameterTuningJob
        + Autotune: {Mode: Enabled}
          HyperParameterTuningJobConfig:
            ParameterRanges:
              AutoParameters: [{Name: momentum, ValueHint: "0.9"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoParameter.html
    """
    if "Autotune" in view.request:
        return
    for path, space in view.spaces:
        if any(entry.kind == "AutoParameters" for entry in space):
            yield Problem(
                "AutoParameters are given, and Autotune is not enabled",
                (*path, "AutoParameters"),
                'add "Autotune": {"Mode": "Enabled"}, or give the hyperparameters ranges of your own',
            )


@rule("HPO009", scope="tuning", severity="warning", reads=READS, shared=True, of=SPACE)
def reserved_names(view: TuningView) -> Iterator[Problem]:
    """A range has a name that belongs to SageMaker, or that no hyperparameter has.

    What it does:
        Looks for ranges called `sagemaker_…` or `_tuning_objective_metric`, for names with white space, quotation marks,
        colons, hyphens or angle brackets around them, and for categories that were to be filled in (`${OPTIMIZER}`).
    Why:
        The name and the value go to each training job as they are: no program has an option of such a name, and what is
        searched changes nothing. SageMaker's own hyperparameters steer the training toolkit: which script runs, from where, and what the tuner watches.
        Varying them makes each training job another program.
    Example:
          operation: CreateHyperParameterTuningJob
          HyperParameterTuningJobConfig:
            ParameterRanges:
        -     CategoricalParameterRanges: [{Name: sagemaker_program, Values: [a.py, b.py]}]
        +     CategoricalParameterRanges: [{Name: variant, Values: [a, b]}]
    Source:
        https://github.com/aws/sagemaker-training-toolkit
    """
    for _, space in view.spaces:
        for entry in space:
            name = entry.name or ""
            if name.startswith("sagemaker_") or name == "_tuning_objective_metric":
                yield Problem(
                    f"{show(name)} is a name of SageMaker's own, and is tuned",
                    (*entry.path, "Name"),
                    "tune a hyperparameter of the script, and let it choose",
                )
            around = misnamed(name, True)
            if around is not None:
                yield Problem(
                    f"the range {show(name)} has {around} its name: each job gets a hyperparameter that nobody reads",
                    (*entry.path, "Name"),
                    f"write {show(name.strip(AROUND))}",
                )
            for i, value in enumerate(listing(entry.range, "Values")):
                if isinstance(value, str) and (left_over(value) or value == f"{{{name}}}"):
                    yield Problem(
                        f"{show(name)} has the category {show(value)}, which nobody fills in",
                        (*entry.path, "Values", i),
                        "write the value itself",
                    )

"""Metric definitions against the lines that the training script prints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from cursus.checks.monitoring import lines as metric_lines
from cursus.checks.monitoring.captured_numbers import of_another_word
from cursus.checks.monitoring.metrics import DEFINITIONS, READS
from cursus.checks.rules import Problem, rule
from cursus.checks.script.conditions import all_hold, holds, never_holds
from cursus.checks.script.library_lines import of_libraries, words_in
from cursus.checks.script.request import UNKNOWN, Missing, habits, readable, resolve, script_of
from cursus.checks.script.sequence import number_of
from cursus.checks.type_words import is_number
from cursus.checks.views import TrainingView, mapping, text
from cursus.model import Path, Severity
from cursus.redact import show
from cursus.script.evaluation.conditions import told
from cursus.script.facts import EnvPart, Habit, PrintedLine, ScriptFacts, Text

MANY = 400


def _metrics(
    view: TrainingView,
) -> Iterator[tuple[Path, str, str, re.Pattern[str], ScriptFacts, list[PrintedLine]]]:
    """(path, name, regex, compiled, facts, lines that reach the log) of each metric definition."""
    facts = readable(view)
    if facts is None:
        return
    reach = _reach(view, facts)
    lines = [line for line in facts.printed if reach(line) and not never_holds(view, line.tests)][:MANY]
    for index, metric in view.metric_definitions:
        regex, name = text(metric, "Regex"), text(metric, "Name")
        pattern = metric_lines.compiled(regex) if regex else None
        if pattern is not None and regex and name:
            path: Path = ("AlgorithmSpecification", "MetricDefinitions", index, "Regex")
            whole = _formatted(view, lines) if regex.startswith("^") else lines
            yield path, name, regex, pattern, facts, whole


def _formatted(view: TrainingView, lines: list[PrintedLine]) -> list[PrintedLine]:
    """The lines as they begin in the log, where all records have one format."""
    formats = {habit.detail for habit in habits(view, "log-format")}
    form = formats.pop() if len(formats) == 1 else "%(message)s"
    before = FIELD.sub("…", form.partition("%(message)")[0])
    return [replace(line, text=Text((before, *line.text.parts))) if line.level else line for line in lines]


FIELD = re.compile(r"%\(\w+\)[-+ #0-9.]*[a-z]")


def _filed(view: TrainingView, facts: ScriptFacts) -> bool:
    """True where what the script logs goes to a file alone."""
    if "dictConfig" in facts.attributes and any("FileHandler" in one for one in facts.strings):
        return not any("Handler" in one and "FileHandler" not in one for one in facts.strings)
    if facts.attributes & {"StreamHandler", "dictConfig", "fileConfig"}:
        return False
    for habit in habits(view, "log-config"):
        if not never_holds(view, habit.tests):  # the first that is carried out is the one that counts
            name = None if habit.text is None else resolve(view, habit.text)
            known = isinstance(name, str) and UNKNOWN not in name
            return known and all_hold(view, habit.tests)
    return "FileHandler" in facts.attributes and facts.plain_output


def _reach(view: TrainingView, facts: ScriptFacts) -> Callable[[PrintedLine], bool]:
    """What tells whether a line comes to the log: no record that goes to a file, or is below the level that is set.

    Where nothing sets a level, or takes the records, an info or debug record is not printed.
    """
    filed = _filed(view, facts)
    set_to = [one for one in habits(view, "log-level") if not never_holds(view, one.tests)]
    levels = {one.location: _level(view, one) for one in set_to}
    high = all(isinstance(one, str) and one.upper() in ABOVE_INFO for one in levels.values())
    high = high and any(not one.key for one in set_to)
    handled = facts.attributes & HANDLERS or facts.calls & ROOT

    def reaches(line: PrintedLine) -> bool:
        if line.level not in ("info", "debug") or (not facts.plain_output and not high):
            return not (line.level and filed)
        return bool(facts.logging_configured and handled) and not filed and not high

    return reaches


def _level(view: TrainingView, habit: Habit) -> str | Missing:
    """The level that is set; by a variable of the user's own that the request does not set, its default."""
    part = habit.part
    own = isinstance(part, EnvPart) and not part.name.startswith("SM_") and part.name not in view.environment
    return resolve(view, part.default if own and isinstance(part, EnvPart) else habit.text)


ABOVE_INFO = frozenset({"WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"})
HANDLERS = frozenset({"basicConfig", "addHandler", "StreamHandler", "dictConfig", "fileConfig", "lastResort"})
ROOT = frozenset(
    f"logging.{name}" for name in ("debug", "info", "warning", "error", "critical", "exception", "log")
)
"""Functions that give the root logger a handler where it has none. Without any, Python prints warnings and worse alone."""


def printed_fixed(view: TrainingView) -> set[Path]:
    """The metrics' expressions of which every line that the script prints for them has a number in a fixed form."""
    found: set[Path] = set()
    for path, _, regex, pattern, _, lines in _metrics(view):
        known = (line for line in lines if not metric_lines.opaque(line))
        mine = [line for line in known if metric_lines.can_match(line, regex, pattern)]
        if mine and all(metric_lines.fixed(line, regex, pattern) for line in mine):
            found.add(path)
    return found


@rule("MON050", severity="warning", scope="script")
def metric_matches_no_line(view: TrainingView) -> Iterator[Problem]:
    """A metric's regular expression matches no line that the script prints.

    What it does:
        Reads what the script prints and logs, with unknown values as holes, and tries the regular expression on it. It speaks where
        the script prints by itself only (no library that prints its own lines), or where a line is nearly right: the same words in
        another case or with another separator. What it logs into a file is not printed. The lines of ``xgboost.train`` and of Keras, and the
        mappings of transformers' Trainer are known, and so is the one format of all log records, for an expression that begins with ``^``.
    Why:
        The metric stays empty: no graph, no alarm; a tuning job whose objective it is fails all its training jobs.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              accuracy = 0.5
        -     print(f"Validation Accuracy: {accuracy:.4f}")
        +     print(f"validation_accuracy={accuracy:.4f}")
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          AlgorithmSpecification:
            MetricDefinitions: [{Name: accuracy, Regex: "validation_accuracy=([0-9.]+)"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    for path, name, regex, pattern, facts, lines in _metrics(view):
        known = [line for line in lines if not metric_lines.opaque(line)]
        if any(metric_lines.can_match(line, regex, pattern) for line in known):
            continue
        near = _near(regex, known)
        if near is None and len(known) < len(lines):
            continue
        near = near or of_libraries(view, regex, pattern)
        filed, reach = _filed(view, facts), _reach(view, facts)
        dropped = [line for line in facts.printed if not reach(line)]
        quiet = next((line for line in dropped if metric_lines.can_match(line, regex, pattern)), None)
        quiet = quiet or _near(regex, dropped)
        off = [line for line in facts.printed if never_holds(view, line.tests)]
        switched = next((line for line in off if metric_lines.can_match(line, regex, pattern)), None)
        if not facts.plain_output or (facts.outside_effects and "subprocess" in facts.top_imports):
            if near is None:
                continue
        elif not lines and not quiet and not facts.swallowed and facts.does_nothing is not None:
            continue
        if switched is not None and near is None:
            yield _switched_off(view, path, name, switched)
        else:
            yield _no_line(view, path, name, regex, near, quiet, bool(lines), filed)


def _switched_off(view: TrainingView, path: Path, name: str, line: PrintedLine) -> Problem:
    tests = told(test for test in line.tests if holds(view, test, others=False) is False)
    text_ = f"the line for the metric {name!r} is printed in a branch that this request never takes"
    return Problem(
        f"{text_} ({tests})" if tests else text_,
        path,
        remedy="print the line in any case, or give the hyperparameter the value that switches it on",
        severity=_severity(view, name),
        location=line.location,
    )


def _no_line(
    view: TrainingView,
    path: Path,
    name: str,
    regex: str,
    near: PrintedLine | None,
    quiet: PrintedLine | None,
    prints: bool,
    filed: bool,
) -> Problem:
    if quiet is not None and near is None and filed:
        return Problem(
            f"the line for the metric {name!r} is logged into a file: SageMaker reads what the script prints",
            path,
            remedy="logging.basicConfig without filename, or print the line",
            severity=_severity(view, name),
            location=quiet.location,
        )
    if quiet is not None and near is None:
        return Problem(
            f"the line for the metric {name!r} is logged at level {quiet.level.upper()}, and the script sets no level of "
            "logging, or a higher one, or gives the logger no handler: below WARNING nothing is printed",
            path,
            remedy="logging.basicConfig(level=logging.INFO), or print the line",
            severity=_severity(view, name),
            location=quiet.location,
        )
    told = (
        f"; the nearest is {_shown(near)!r}" if near is not None else "" if prints else ": it prints nothing"
    )
    return Problem(
        f"no line that the script prints matches the regular expression {show(regex)} of the metric {name!r}{told}",
        path,
        remedy="make the expression fit the printed line, letter by letter",
        severity=_severity(view, name),
        location=near.location if near is not None else None,
    )


def _severity(view: TrainingView, name: str) -> Severity | None:
    """A tuning job cannot do without its objective."""
    return "error" if objective(view) == name and script_of(view).plain_output else None


def _shown(line: PrintedLine) -> str:
    return "".join(part if isinstance(part, str) else "…" for part in line.text.parts)[:100]


def _near(regex: str, lines: list[PrintedLine]) -> PrintedLine | None:
    """The line that shares every word of the expression's literal text, whatever its case and separators."""
    wanted = words_in(regex)
    if not wanted:
        return None
    for line in lines:
        if wanted <= words_in("".join(part if isinstance(part, str) else " " for part in line.text.parts)):
            return line
    return None


@rule("MON051", severity="warning", scope="script")
def metric_captures_part(view: TrainingView) -> Iterator[Problem]:
    """A metric's regular expression captures a part of the number that the script prints, or another's number.

    What it does:
        Fills numbers into the printed lines in the form that they are printed with (``.2e``, ``,``, a plain learning rate) and compares what
        the expression captures with what stands there, and the word before it with the metric's name. What it captures has to be a number.
    Why:
        ``([0-9.]+)`` takes 3.2 from ``3.2e-05`` and 1 from ``1,234.5``, and ``loss=`` stands in ``train_loss=`` before it does in
        ``val_loss=``: the metric has a value, and it is wrong.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              loss = 0.5
              print(f"loss={loss:.3e}")
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          AlgorithmSpecification:
        -   MetricDefinitions: [{Name: loss, Regex: "loss=([0-9.]+)"}]
        +   MetricDefinitions: [{Name: loss, Regex: "loss=([-+0-9.eE]+)"}]
    Source:
        https://github.com/huggingface/notebooks/issues/61
    """
    for path, name, _, pattern, _, lines in _metrics(view):
        for line in lines:
            cut = metric_lines.cuts(line, pattern)
            if cut is not None:
                yield Problem(
                    f"the metric {name!r} captures {cut.captured!r} from {cut.line!r}, where {cut.printed!r} is printed",
                    path,
                    remedy=r"capture the whole number: ([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?), without thousands separators",
                    location=line.location,
                )
                break
            shown = metric_lines.example(line)
            other = of_another_word(name, shown, pattern) if shown else None
            if other is not None:
                yield Problem(other[0], path, remedy=other[1], location=line.location)
                break
            match = pattern.search(shown) if shown and pattern.groups else None
            if match is not None and match[1] and not is_number(match[1]):
                yield Problem(
                    f"the metric {name!r} captures {show(match[1])} from {show(shown)}, which is no number: it gets no value",
                    path,
                    remedy="capture the digits alone: ([-+]?[0-9]*[.]?[0-9]+)",
                    location=line.location,
                )
                break


@rule("MON052", severity="warning", scope="script", reads=READS)
def printed_for_little(view: TrainingView) -> Iterator[Problem]:
    """What the script prints for its metrics is the value of the beginning alone, or a share without its fraction.

    What it does:
        Reads a loop over a range that prints where the epoch divided by a number leaves none, and puts the request's values in; and finds
        ``correct // total`` and ``"%d" % (correct / total)``.
    Why:
        The metric has the value of the beginning alone, or none: no graph, and a tuning job compares what was before the training. Of a
        share of less than all ``//`` leaves 0.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              loss = 8.0
              for epoch in range(10):
        -         if epoch % 50 == 0:
        +         if epoch % 5 == 0:
                      print(f"loss={loss:.3f}")
                  loss /= 2
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          AlgorithmSpecification:
            MetricDefinitions: [{Name: loss, Regex: "loss=([0-9.]+)"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    facts = script_of(view)
    for habit in facts.habits if view.metric_definitions else ():
        if habit.kind == "whole-quotient":
            what = "//" if "//" in habit.detail else "%d"
            told = f"{show(habit.detail)} is 0 where it is less than 1: {what} leaves the fraction out"
            yield Problem(told, DEFINITIONS, remedy="write / for a share, and %f", location=habit.location)
        elif habit.kind == "printed-each":
            told = _printed(view, habit)
            if told:
                remedy = "print each epoch that a metric is to have a value of, the last one too"
                yield Problem(told, DEFINITIONS, remedy=remedy, location=habit.location)


def _printed(view: TrainingView, habit: Habit) -> str:
    """What is wrong with a loop that prints each so many epochs; empty where nothing is."""
    numbers = [number_of(view, other.text) for other in habit.others]
    if None in numbers:
        return ""
    first, end, offset, rest, each = (number or 0 for number in numbers)
    if each < 1 or end - first < 2:
        return ""
    printed = [one for one in range(first, min(end, first + MANY)) if (one + offset) % each == rest]
    if len(printed) > 1 or end - 1 in printed:
        return ""
    when = f"at {printed[0]} alone" if printed else "never"
    return f"the loop runs from {first} to {end - 1} and prints each {each}: {when}"


def objective(view: TrainingView) -> str | None:
    """The name of the metric that a tuning job optimises with this definition."""
    if view.tuning is None:
        return None
    own = text(mapping(view.request, "TuningObjective"), "MetricName")
    return own or text(mapping(view.tuning.config, "HyperParameterTuningJobObjective"), "MetricName")

"""Rules of the area *monitoring*: metric definitions and log level. The debugger's and profiler's are in ``debugger``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from cursus.aws import algorithms, images, places
from cursus.checks.monitoring.expressions import Reading, read
from cursus.checks.rules import Problem, rule
from cursus.checks.text_faults import placeholder
from cursus.checks.texts import LEVELS
from cursus.checks.views import TrainingView, is_reference, text
from cursus.model import Path, Severity
from cursus.redact import show

READS = ("AlgorithmSpecification.MetricDefinitions",)
OF = ("AlgorithmSpecification",)
DEFINITIONS: Path = ("AlgorithmSpecification", "MetricDefinitions")
# Metrics that count something: whole numbers, never below zero.
_COUNTS = (
    "epoch|step|iter|count|num|batch|round|samples|params|total|index|start|complete|finish|done|fail|status"
)
_KEY = re.compile(r"""(?:\.\*|\{)*(['"])(\w+)\1(?: |\\s[*+?]?)*:""")
"""An expression that begins with the key of a printed dictionary."""
_SCORES = r"acc|auc|dice|\bf1|_f1|iou|precision|recall|bleu|rouge|score|percent|size|time|second|_mb\b|speed|throughput"
"""Metrics whose numbers are not so small that they are printed with an exponent."""


@rule("MON001", reads=READS, shared=True, of=OF)
def metric_regex_compiles(view: TrainingView) -> Iterator[Problem]:
    """A metric's regular expression is valid.

    What it does:
        Compiles the Regex of each metric definition and says where it goes wrong.
    Why:
        SageMaker refuses a request with a regular expression that does not compile.
    Example:
          AlgorithmSpecification:
        -   MetricDefinitions: [{Name: loss, Regex: "loss: ([0-9.]+"}]
        +   MetricDefinitions: [{Name: loss, Regex: "loss: ([0-9.]+)"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    for path, name, pattern, reading in view.metric_readings:
        if reading.error is not None:
            where = f" at column {reading.column}" if reading.column is not None else ""
            yield Problem(
                f"the regular expression {show(pattern)} of metric {show(name)} does not compile: {reading.error}{where}",
                path,
                "balance brackets and escape literal ones: \\( \\[",
            )


_TWO = "\\" * 2
_ESCAPED_TWICE = re.compile(r"(?<!\\)\\\\([dDsSwW])(?![A-Za-z0-9])")


@rule("MON002", reads=READS, shared=True, of=OF)
def metric_regex_captures(view: TrainingView) -> Iterator[Problem]:
    """A metric's regular expression captures one number.

    What it does:
        Counts capture groups, and asks whether the first one can capture a number at all. A metric without values is an
        error in a tuning job and a warning in a training job. So is a group beside the first; groups inside it are fine; and
        so is an escape that was escaped again (two backslashes before a d).
    Why:
        The text of the first group is the metric's value. Without one, with one that is always empty, or with one that
        holds no digit, the metric has no values, and a tuning job that waits for it fails.
    Example:
          AlgorithmSpecification:
        -   MetricDefinitions: [{Name: loss, Regex: "loss: [0-9.]+"}]
        +   MetricDefinitions: [{Name: loss, Regex: "loss: ([0-9.]+)"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    # A training job ends well without a value.
    lost: Severity | None = "warning" if view.tuning is None else None
    for path, name, pattern, reading in view.metric_readings:
        if not reading.known or reading.error is not None:
            continue
        twice = _ESCAPED_TWICE.search(pattern)
        if twice is not None:
            yield Problem(
                f"the regular expression {show(pattern)} of metric {show(name)} asks for a backslash and "
                f"{twice[1]!r}: it was escaped twice, and no line of a log has that",
                path,
                f"write {show(pattern.replace(_TWO, _TWO[0]))}",
                severity=lost,
            )
        if reading.groups and not reading.beside and reading.number and reading.lazy is None:
            continue
        label = f"the regular expression {show(pattern)} of metric {show(name)}"
        if reading.groups == 0:
            non = " ((?:…) captures nothing)" if "(?" in pattern else ""
            yield Problem(
                f"{label} has no capture group{non}",
                path,
                "put the number into parentheses: loss: ([0-9.eE+-]+)",
                severity=lost,
            )
            continue
        if not reading.number:
            yield Problem(
                f"the group ({reading.group}) of metric {show(name)} can capture no number",
                path,
                "put the number into the first group: ([0-9.eE+-]+)",
                severity=lost,
            )
        elif reading.lazy is not None and reading.lazy in ("*?", "??"):
            yield Problem(
                f"{label} ends with the lazy quantifier {reading.lazy}, which captures nothing there",
                path,
                "use a greedy one, ([0-9.eE+-]+), or write what follows the number",
                severity=lost,
            )
        elif reading.lazy is not None:
            yield Problem(
                f"{label} ends with the lazy quantifier {reading.lazy}, which captures one character there",
                path,
                "use a greedy one, ([0-9.eE+-]+), or write what follows the number",
                severity="warning",
            )
        if reading.beside and reading.number:
            yield Problem(
                f"{label} has {reading.groups} groups, of which the first is taken: ({reading.group})",
                path,
                "write the others as (?:…)",
                severity="warning",
            )


@rule("MON003", severity="warning", reads=READS, shared=True, of=OF)
def metric_regex_matches_anything(view: TrainingView) -> Iterator[Problem]:
    """A metric's regular expression matches every line.

    What it does:
        Asks whether the expression matches an empty line.
    Why:
        Then it matches all of the log, and mostly captures nothing.
    Example:
          AlgorithmSpecification:
        -   MetricDefinitions: [{Name: loss, Regex: "([0-9.]*)"}]
        +   MetricDefinitions: [{Name: loss, Regex: "loss: ([0-9.]+)"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    for path, name, pattern, reading in view.metric_readings:
        if reading.empty and reading.known and reading.groups:
            yield Problem(
                f"the regular expression {show(pattern)} of metric {show(name)} matches every line, even an empty one",
                path,
                "write what stands before the number, and + instead of *",
            )


def _unlike_a_dictionary(pattern: str) -> str:
    """A dictionary that the expression should find its key in and does not; empty where it does, or names no key alone."""
    found = _KEY.match(pattern)
    if found is None or re.search(r"[A-Za-z'\"]", re.sub(r"\[[^\]]*\]|\\.", "", pattern[found.end() :])):
        return ""
    from cursus.checks.monitoring.lines import (
        compiled,  # only here, as it brings the reading of scripts along
    )

    expression = compiled(pattern)
    key, other = (f"{found[1]}{name}{found[1]}" for name in (found[2], "epoch"))
    lines = [f"{{{key}: {number}, {other}: 1.0}}" for number in ("0.25", "2.5e-05", "3")]
    lines += [f"{{{other}: 1.0, {key}: 0.25}}", f"{{{key}: 0.25}}"]
    if found[1] == '"':
        lines += [line.replace(" ", "") for line in lines]
    return "" if expression is None or any(map(expression.search, lines)) else lines[0]


@rule("MON004", severity="warning", reads=READS, shared=True, of=OF)
def metric_regex_cuts(view: TrainingView) -> Iterator[Problem]:
    """A metric's regular expression cuts numbers off, or fits no printed dictionary.

    What it does:
        Tries the first group on numbers as scripts print them: `0.123`, `-0.5`, and with it a `.*` straight before it, which
        takes all but the last digit. Metrics that count (epoch, step) are left alone. An expression that begins with a quoted key and a colon is tried on a printed dictionary, which is how the
        Trainer of Hugging Face prints its metrics.
    Why:
        `[0-9]+` makes 0 of 0.123: the metric is wrong, and nothing says so. After the number of a dictionary there is a
        comma or a brace: `'eval_loss':(.*?);` never matches.
    Example:
          AlgorithmSpecification:
        -   MetricDefinitions: [{Name: loss, Regex: "loss: ([0-9]+)"}]
        +   MetricDefinitions: [{Name: loss, Regex: "loss: ([-+0-9.eE]+)"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    for path, name, pattern, reading in view.metric_readings:
        printed = _unlike_a_dictionary(pattern)
        if printed:
            yield Problem(
                f"a dictionary is printed as {printed}, which the expression of metric {show(name)} does not match",
                path,
                "after the key write only a colon, a space and the number: ([-+0-9.eE]+)",
            )
            continue
        captured = _cut(name, pattern, reading).get("0.123")
        if captured is not None:
            yield Problem(
                f"the group ({reading.group}) of metric {show(name)} captures {captured} of a number such as 0.123"
                + (", as .* before it takes all it can" if reading.greedy else ""),
                path,
                "write what stands before the number instead of .*: loss: ([-+0-9.eE]+)"
                if reading.greedy
                else "capture the decimals too: ([-+0-9.eE]+)",
            )


def _cut(name: str, pattern: str, reading: Reading) -> dict[str, str]:
    """What the group captures of each number of which it takes a part, where the metric does not count."""
    if not reading.cut or reading.lazy is not None or re.search(_COUNTS, name.lower()):
        return {}
    # What follows the group may hold the rest, as \.\d+ does; what .* before it has taken is lost.
    return dict(reading.cut) if reading.greedy or pattern.endswith(f"({reading.group or ''})") else {}


@rule("MON009", severity="info", reads=READS, shared=True, unless=("step",), of=("AlgorithmSpecification",))
def metric_regex_cuts_exponents(view: TrainingView) -> Iterator[Problem]:
    """A metric's regular expression cuts exponents off.

    What it does:
        Tries the first group on `1.5e-05`. Metrics that count (epoch, step) and scores such as accuracy, which are not so
        small, are left alone, and so is a metric whose lines, in the training script, all print it in a fixed form: `:.4f`.
    Why:
        `[0-9.]+` makes 1.5 of 1.5e-05: the metric is wrong, and nothing says so.
    Example:
          AlgorithmSpecification:
        -   MetricDefinitions: [{Name: loss, Regex: "loss: ([0-9.]+)"}]
        +   MetricDefinitions: [{Name: loss, Regex: "loss: ([-+0-9.eE]+)"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
    """
    fixed: Collection[Path] = ()
    if view.step.source is not None:
        from cursus.checks.script.metrics import printed_fixed

        fixed = printed_fixed(view)
    for path, name, pattern, reading in view.metric_readings:
        # Of a metric without a name nobody can tell whether it is a score, which is never that small.
        captured = None if path in fixed or not name else _without_exponent(name, pattern)
        if captured is not None:
            yield Problem(
                f"the group ({reading.group}) of metric {show(name)} captures {captured} of a number such as 1.5e-05",
                path,
                "where such small numbers are printed: ([-+0-9.eE]+)",
            )


@lru_cache(maxsize=4096)
def _without_exponent(name: str, pattern: str) -> str | None:
    """What a metric's expression captures of 1.5e-05, where that is a part of it and it takes other numbers whole."""
    if _unlike_a_dictionary(pattern) or re.search(_SCORES, name.lower()):
        return None
    cut = _cut(name, pattern, read(pattern))
    return None if "0.123" in cut else cut.get("1.5e-05")


@rule("MON005", severity="warning", reads=READS, shared=True, of=OF)
def metric_named_twice(view: TrainingView) -> Iterator[Problem]:
    """Two metric definitions have the same name.

    What it does:
        Compares the names of all metric definitions.
    Why:
        Their values run into one series, in which nobody can tell them apart.
    Example:
          AlgorithmSpecification:
            MetricDefinitions:
        -     - {Name: loss, Regex: "train loss: ([0-9.]+)"}
        -     - {Name: loss, Regex: "validation loss: ([0-9.]+)"}
        +     - {Name: "train:loss", Regex: "train loss: ([0-9.]+)"}
        +     - {Name: "validation:loss", Regex: "validation loss: ([0-9.]+)"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MetricDefinition.html
    """
    if len(view.metric_definitions) < 2:
        return
    seen: dict[str, int] = {}
    for i, metric in view.metric_definitions:
        name = text(metric, "Name")
        if name is None:
            continue
        first = seen.setdefault(name, i)
        if first != i:
            yield Problem(
                f"the metric {show(name)} is already defined by MetricDefinitions[{first}]",
                (*DEFINITIONS, i, "Name"),
                "give each metric its own name",
            )


@rule("MON006", reads=READS, shared=True, of=OF)
def metrics_of_a_builtin_algorithm(view: TrainingView) -> Iterator[Problem]:
    """The metrics of a built-in algorithm are its own.

    What it does:
        Looks for MetricDefinitions beside the image of a built-in algorithm, also where XGBoost's image runs a script,
        and beside an algorithm of AWS Marketplace. Beside another algorithm resource they are a warning, and so are
        the definitions that DescribeTrainingJob gives for the algorithm.
    Why:
        SageMaker refuses them: "You can't override the metric definitions for Amazon SageMaker algorithms. Please
        retry the request without specifying metric definitions.", or "for AWS Marketplace algorithms".
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        -   MetricDefinitions: [{Name: "validation:auc", Regex: "validation-auc:([0-9.]+)"}]
          HyperParameters: {num_round: "100"}
    Source:
        https://github.com/aws/sagemaker-xgboost-container/issues/121
    """
    if not view.metric_definitions:
        return
    named = text(view.algorithm, "AlgorithmName")
    if named is not None:
        yield Problem(
            "metric definitions are given beside AlgorithmName: the algorithm resource has its own, and those of an AWS "
            "Marketplace algorithm cannot be overridden",
            DEFINITIONS,
            "leave MetricDefinitions out",
            severity=None if places.sold(named) else "warning",
        )
    if view.image is None:
        return
    algorithm = algorithms.find(view.image)
    if algorithm is None:
        return
    # SageMaker's own expressions have #011 for the tab that syslog writes.
    copied = all("#011" in (text(metric, "Regex") or "") for _, metric in view.metric_definitions)
    yield Problem(
        f"metric definitions are given for the image of the built-in algorithm {algorithm.name}: You can't override the "
        "metric definitions for Amazon SageMaker algorithms",
        DEFINITIONS,
        "leave MetricDefinitions out" + ("; they are the algorithm's own already" if copied else ""),
        severity="warning" if copied else None,
    )


@rule("MON007", reads=("?level",))
def log_level(view: TrainingView) -> Iterator[Problem]:
    """The log level is a number that logging knows.

    What it does:
        Reads the hyperparameter sagemaker_container_log_level as the training toolkit does.
    Why:
        The toolkit sets its logger to this value before it starts the script: an unknown word ends the job there
        ("Unknown level"), a known one too ("'>=' not supported between instances of 'str' and 'int'"), and a number in quotes is
        a word. It is a warning where the image is not one of Amazon's, or the level stands for another.
    Example:
        - HyperParameters: {sagemaker_container_log_level: VERBOSE}
        + HyperParameters: {sagemaker_container_log_level: "20"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    """
    value = view.hyperparameters.get("sagemaker_container_log_level")
    if not isinstance(value, str) or value in LEVELS or is_reference(value):
        return
    path = (view.hyperparameters_member, "sagemaker_container_log_level")
    options = ", ".join(f"{number} ({name})" for number, name in LEVELS.items())
    bare = value.strip('"')
    if bare.upper() in LEVELS.values() or bare.upper() == "WARN":
        number = next((n for n, name in LEVELS.items() if name.startswith(bare.upper()[:4])), "20")
        fails = bare != bare.upper()
        yield Problem(
            f"the log level {show(value)} is a word, and SM_LOG_LEVEL is read as a number"
            + ("; logging knows no level of this spelling" if fails else ""),
            path,
            f"write {number}",
            severity="error" if fails or view.framework is not None else "warning",
        )
    elif value.isdigit() or (value[:1] == "-" and value[1:].isdigit()):
        yield Problem(
            f"the log level {value} is none of {options}", path, "write 20 for INFO", severity="info"
        )
    else:
        number = f"write {bare}" if bare in LEVELS else "write 20 for INFO"
        unknown = view.image is not None and images.parse_image(view.image) is None
        unknown = unknown or placeholder(value) is not None
        yield Problem(
            f"the log level {show(value)} is none of {options}",
            path,
            number,
            severity="warning" if unknown else None,
        )


@rule("MON008", severity="warning", reads=READS, shared=True, of=OF)
def metrics_time_series_off(view: TrainingView) -> Iterator[Problem]:
    """Metrics are defined, and their time series is off.

    What it does:
        Looks for EnableSageMakerMetricsTimeSeries false beside MetricDefinitions.
    Why:
        Then only the last value of each metric is kept with the job, and Studio draws no curve.
    Example:
          AlgorithmSpecification:
        -   EnableSageMakerMetricsTimeSeries: false
        +   EnableSageMakerMetricsTimeSeries: true
            MetricDefinitions: [{Name: loss, Regex: "loss: ([0-9.]+)"}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AlgorithmSpecification.html
    """
    if view.algorithm.get("EnableSageMakerMetricsTimeSeries") is False and view.metric_definitions:
        yield Problem(
            "metrics are defined, and EnableSageMakerMetricsTimeSeries is false: only their last values are kept",
            ("AlgorithmSpecification", "EnableSageMakerMetricsTimeSeries"),
            "leave it out, or set it to true",
            severity="info",
        )

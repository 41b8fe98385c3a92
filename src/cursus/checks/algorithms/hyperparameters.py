"""Rules for Amazon's built-in algorithms: the hyperparameters that they take, and how those go together.

The facts are in ``cursus.aws.algorithms``; what the algorithms want of their channels is in ``channels``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from cursus.aws.algorithms import Algorithm, Condition, later_version, matches
from cursus.checks.rules import PROGRAM, Problem, hyperparameters, rule
from cursus.checks.texts import NOTHING
from cursus.checks.views import TrainingView, is_reference
from cursus.redact import show
from cursus.suggest import closest, did_you_mean

GIVEN = ("HyperParameters", "StaticHyperParameters")
READS = (*GIVEN, "AlgorithmSpecification")
MOST_NAMES = 500
"""Names of one request that are looked at one by one: the service model allows a fifth, and says so."""
MANY = 4
"""More values than these are told once, by the remedy."""


def documented_only(algorithm: Algorithm) -> bool:
    """True where the facts are the guide's alone and of a version that it no longer keeps up."""
    return not algorithm.exact or (algorithm.name == "xgboost" and algorithm.version in ("1", "0.72"))


@rule("HPO038", reads=READS, when="builtin", shared=True, of=PROGRAM)
def required_hyperparameters(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm lacks a hyperparameter that it requires.

    What it does:
        Looks up the hyperparameters that the algorithm requires; a tuned one counts.
    Why:
        The algorithm reads its hyperparameters after the instances have started, and fails the job there.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        - HyperParameters: {objective: "binary:logistic", eval_metric: auc}
        + HyperParameters: {objective: "binary:logistic", eval_metric: auc, num_round: "100"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html
    """
    algorithm = view.builtin
    if algorithm is None or is_reference(view.request.get(view.hyperparameters_member)):
        return
    misspelt = _misspelt(view, algorithm)
    for name, known in algorithm.hyperparameters.items():
        if not known.required or name in view.values or name in view.tuned or name in misspelt:
            continue
        spelled = [alias for alias, target in algorithm.aliases.items() if target == name]
        if any(alias in view.values or alias in view.tuned for alias in spelled):
            continue
        yield Problem(
            f"the {algorithm.name} algorithm requires the hyperparameter {show(name)}",
            (view.hyperparameters_member, name),
            f"set it: {known.expected}",
        )


def _misspelt(view: TrainingView, algorithm: Algorithm) -> set[str | None]:
    """The hyperparameters that are given under a wrong name, which is said once: by the rule on unknown ones."""
    return {
        closest(given, algorithm.hyperparameters)
        for given in islice(view.values, MOST_NAMES)
        if isinstance(given, str) and algorithm.hyperparameter(given) is None and not _own(given)
    }


@rule("HPO039", reads=GIVEN, when="builtin", shared=True, of=PROGRAM)
def unknown_hyperparameter(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm does not know a hyperparameter.

    What it does:
        Looks up each hyperparameter among those of the algorithm.
    Why:
        The algorithms refuse what they do not know: "Additional properties are not allowed", "Extraneous
        hyperparameter found". The job fails after its instances have started. Image classification trains, and
        uses none of it: there it is a warning, but for a misspelt one that it requires.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        - HyperParameters: {num_round: "100", max_dept: "6"}
        + HyperParameters: {num_round: "100", max_depth: "6"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html
    """
    algorithm = view.builtin
    if algorithm is None or not algorithm.hyperparameters:
        return
    # The tabular algorithms are scripts of JumpStart's, whose versions take more than the guide knows and ignore the rest.
    lenient = algorithm.script or algorithm.ignores_unknown or documented_only(algorithm)
    for name in islice(view.values, MOST_NAMES):
        if not isinstance(name, str) or name in algorithm.hyperparameters or name in algorithm.aliases:
            continue
        if _own(name):
            continue
        near = closest(name, algorithm.hyperparameters)
        missing = (
            near
            and near not in view.tuned
            and near not in view.values
            and algorithm.hyperparameters[near].required
        )
        yield Problem(
            f"the {algorithm.name} algorithm has no hyperparameter {show(name)}."
            + did_you_mean(name, algorithm.hyperparameters),
            (view.hyperparameters_member, name),
            f"remove it, or use version {newer} of the algorithm, which has it"
            if (newer := later_version(algorithm, name))
            else "remove it, or use the algorithm's spelling",
            severity="warning" if lenient and not missing and name not in algorithm.later else None,
            allowable=name,
        )


def _own(name: str) -> bool:
    """True for the names that SageMaker itself puts beside the algorithm's."""
    return name.startswith(("sagemaker_", "_")) and not name.startswith("__")


@rule("HPO040", reads=GIVEN, when="builtin")
def hyperparameter_value(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm does not take the value of a hyperparameter.

    What it does:
        Holds each value against the type, the interval or the list of values that the algorithm takes.
    Why:
        The algorithm refuses the value after its instances have started, and the job fails.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        - HyperParameters: {num_round: "100", eta: "1.5"}
        + HyperParameters: {num_round: "100", eta: "0.5"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html
    """
    algorithm = view.builtin
    if algorithm is None or algorithm.given(view.values).takes(view.values):
        return
    hyperparameters, aliases = algorithm.hyperparameters, algorithm.aliases
    for name, value in view.values.items():
        known = hyperparameters.get(aliases.get(name, name))
        if known is None or not isinstance(value, str):
            continue
        wrong = known.problem(value)
        if wrong is None or (value == "" and known.type == "FreeText"):
            continue
        bare = value.strip().strip("\"'")
        quoted = bare != value and known.problem(bare) is None
        if len(known.values) > MANY and not known.is_list:  # the remedy lists them
            near = did_you_mean(value, known.values)
            wrong = f"is none that {algorithm.name} takes" + (f".{near}" if near else "")
        remedy = f"{algorithm.name} takes {known.expected}"
        if bare in NOTHING:
            remedy = f"leave the hyperparameter out, or write its value: {remedy}"
        yield Problem(
            f"the value {show(value, name)} of {show(name)} {wrong}",
            (view.hyperparameters_member, name),
            f"write it bare: {bare}" if quoted else remedy,
            severity="warning" if not algorithm.exact or known.lacks_capitals(value) else None,
            allowable=value,
        )


@rule("HPO041", reads=GIVEN, when="builtin")
def hyperparameters_together(view: TrainingView) -> Iterator[Problem]:
    """Hyperparameters of a built-in algorithm do not go together.

    What it does:
        Checks what the algorithm demands of several hyperparameters at once: `multi:softmax` wants num_class, and
        num_class wants a multi-class objective; a loss belongs to a predictor type; and so on. What Amazon's own examples
        do otherwise (linear-learner's absolute_loss in a binary classifier) is a warning.
    Why:
        The algorithm refuses the combination after its instances have started, and the job fails.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        - HyperParameters: {num_round: "100", objective: "multi:softmax"}
        + HyperParameters: {num_round: "100", objective: "multi:softmax", num_class: "3"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html
    """
    algorithm = view.builtin
    if algorithm is None:
        return
    severity = None if algorithm.exact else "warning"
    given = algorithm.given(view.values)
    for condition in () if given.goes_together(view.values) else given.conditions:
        if condition.applies(view.values):
            for problem in _broken(view, algorithm, condition):
                level = "warning" if condition.doubtful else severity
                yield Problem(problem.message, problem.path, problem.remedy, severity=level)  # type: ignore[arg-type]
    if "num_class" not in view.values:
        return
    objective = view.values.get("objective")
    if (
        algorithm.name == "xgboost"
        and isinstance(objective, str)
        and not objective.startswith("multi:")
        and not _refused(view, algorithm, "num_class")
    ):
        yield Problem(
            f"num_class is for multi-class objectives, and the objective is {show(objective)}",
            (view.hyperparameters_member, "num_class"),
            "remove num_class, or use multi:softmax or multi:softprob",
            severity=severity,  # type: ignore[arg-type]
        )


def _refused(view: TrainingView, algorithm: Algorithm, name: str) -> bool:
    """True where the value itself is wrong, which another rule says."""
    known, value = algorithm.hyperparameter(name), view.values.get(name)
    return known is not None and isinstance(value, str) and known.problem(value) is not None


def _reason(view: TrainingView, condition: Condition) -> str:
    return " and ".join(f"{name} {show(view.values.get(name), name)}" for name in condition.when)


def _broken(view: TrainingView, algorithm: Algorithm, condition: Condition) -> Iterator[Problem]:
    for name in condition.needs:
        if name not in view.values and name not in view.tuned and name not in _misspelt(view, algorithm):
            yield Problem(
                f"{algorithm.name} with {_reason(view, condition)} needs {show(name)}",
                (view.hyperparameters_member, name),
                f"set {show(name)}",
            )
    for name, options in condition.values.items():
        value = view.values.get(name)
        if (
            isinstance(value, str)
            and not matches(value.strip(), options)
            and not any(matches(word.strip(), options) for word in value.split(","))
        ):
            if _refused(view, algorithm, name):
                continue
            yield Problem(
                f"{algorithm.name} with {_reason(view, condition)} does not take {name} {show(value, name)}",
                (view.hyperparameters_member, name),
                "use " + " or ".join(options),
            )
    for name, options in condition.excludes.items():
        value = view.values.get(name)
        found = (
            [w.strip() for w in value.split(",") if matches(w.strip(), options)]
            if isinstance(value, str)
            else []
        )
        if found:
            yield Problem(
                f"{algorithm.name} with {_reason(view, condition)} does not take {name} {show(found[0], name)}",
                (view.hyperparameters_member, name),
                f"use a {name} other than {', '.join(options)}, or change {' or '.join(condition.when)}",
            )


@rule("HPO044", reads=GIVEN, when="builtin with related hyperparameters")
def related_numbers(view: TrainingView) -> Iterator[Problem]:
    """Hyperparameters of a built-in algorithm that bound each other are in order, and texts have their form.

    What it does:
        Compares numbers of which one may not exceed the other, such as mini_batch_size and num_training_samples of the
        image algorithms, and holds texts such as time_freq and image_shape against their form. A bound of 1 stands for
        a number to be filled in, and is a warning.
    Why:
        "The number of input images must be bigger or equal to the mini_batch_size": the algorithm says so after its
        instances have started.
    Example:
          AlgorithmSpecification: {TrainingImage: "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"}
          ResourceConfig: {InstanceType: ml.g5.xlarge}
        - HyperParameters: {num_classes: "2", num_training_samples: "60", mini_batch_size: "128"}
        + HyperParameters: {num_classes: "2", num_training_samples: "60", mini_batch_size: "32"}
          InputDataConfig:
            - {ChannelName: train, ContentType: application/x-recordio, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}}
            - {ChannelName: validation, ContentType: application/x-recordio, DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/held-out/"}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/IC-Hyperparameter.html
    """
    algorithm = view.builtin
    if algorithm is None or not algorithm.given(view.values).related:
        return
    for name, other in algorithm.at_most.items():
        when = algorithm.at_most_when.get(name, {})
        if any(view.values.get(each, "") not in options for each, options in when.items()):
            continue
        least, most = _whole(view, name), _whole(view, other)
        if _refused(view, algorithm, other):
            continue
        below = name in algorithm.below
        if least is not None and most is not None and (least > most or (below and least == most)):
            yield Problem(
                f"{name} is {least}, and {other} {most}: {algorithm.name} takes no {name} "
                + ("that is not less than" if below else "above")
                + f" {other}",
                (view.hyperparameters_member, name),
                f"give a {name} of {most - below} at most",
                severity="warning" if most == 1 else None,
            )
    for name, (form, like) in algorithm.forms.items():
        value = view.values.get(name)
        if isinstance(value, str) and not re.fullmatch(form, value):
            yield Problem(
                f"the value {show(value, name)} of {show(name)} has not the form that {algorithm.name} reads",
                (view.hyperparameters_member, name),
                f"write it as {like!r} is written: see {algorithm.source}",
                allowable=value,
            )
    for each in algorithm.inside:
        number = _number(view.values.get(each.name))
        if number is None or each.low < number < each.high or not each.when.applies(view.values):
            continue
        yield Problem(
            f"{each.name} is {number:g}; {algorithm.name} with {_reason(view, each.when)} takes what lies between "
            f"{each.low:g} and {each.high:g}",
            (view.hyperparameters_member, each.name),
            "choose a number between the two",
        )


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


@rule("HPO046", severity="warning", reads=GIVEN, when="builtin with idle hyperparameters")
def idle_hyperparameters(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter of a built-in algorithm has no effect.

    What it does:
        Finds hyperparameters, given or tuned, that the algorithm reads only where another one has certain values, and
        numbers that count only below another one (an early_stopping_patience of as many epochs as there are). Those that
        are given their default are left alone.
    Why:
        XGBoost drops no trees without booster dart, and does not grow by loss with tree_method exact; linear learner
        reads target_recall for precision_at_target_recall only. The job trains as if the value were not there, and a
        tuning job searches for nothing. Who waits 50 epochs for a better score stops none of 20.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        - HyperParameters: {num_round: "100", rate_drop: "0.2"}
        + HyperParameters: {num_round: "100", rate_drop: "0.2", booster: dart}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html
        https://docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html
    """
    algorithm = view.builtin
    if algorithm is None or not (algorithm.idle or algorithm.in_vain):
        return
    ranges = {name: path for path, _, name in view.ranges} if view.ranges else {}
    given = view.values if not ranges else (*view.values, *ranges)
    for idle in algorithm.given(given).idle:
        other = view.values.get(idle.other)
        if idle.other in ranges or idle.counts(other):
            continue
        for name, default in idle.names.items():
            if name not in ranges and (name not in view.values or _same(view, name, default)):
                continue
            yield Problem(
                f"{show(name)} has no effect in {algorithm.name} with {idle.other} "
                + (f"{show(other, idle.other)}" if other is not None else "left at its default"),
                (*ranges[name], "Name") if name in ranges else (view.hyperparameters_member, name),
                f"set {idle.other} to {' or '.join(filter(None, idle.options))}, or leave {name} out"
                if "*" not in idle.options
                else f"set {idle.other} too, or leave {name} out",
            )
    for bound in algorithm.given(given).in_vain:
        least, limit = _whole(view, bound.name, min), _whole(view, bound.other)
        if least is not None and limit is not None and least >= limit + (not bound.equal):
            yield Problem(
                f"{bound.name} is {least}, and {bound.other} {limit}: it has no effect",
                (view.hyperparameters_member, bound.name),
                f"give a {bound.name} {'below' if bound.equal else 'of at most'} {limit}, or leave it out",
            )


def _same(view: TrainingView, name: str, default: str) -> bool:
    """True where a hyperparameter is given its default, or a value that cannot be known."""
    value = view.values.get(name)
    number = _number(default)
    return not isinstance(value, str) or (
        _number(value) == number if number is not None else value.lower() in default.lower().split("|")
    )


def _whole(view: TrainingView, name: str, of: Callable[[Iterable[int]], int] = max) -> int | None:
    """A whole number, or the largest (the least) ``of`` a list of them (``3,224,224``)."""
    value = view.values.get(name)
    if not isinstance(value, str) or not value.isascii() or len(value) > 100:
        return None
    parts = [part.strip() for part in value.split(",")]
    return of(map(int, parts)) if all(part.isdigit() for part in parts) else None


@rule("HPO042", reads=hyperparameters("tree_method", "device"), when="builtin")
def gpu_tree_method(view: TrainingView) -> Iterator[Problem]:
    """XGBoost's gpu_hist needs a GPU.

    What it does:
        Holds tree_method `gpu_hist` against the instance types of the job.
    Why:
        On an instance without a GPU XGBoost stops at once: "Must have at least one GPU".
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
          HyperParameters: {num_round: "100", tree_method: gpu_hist}
        + ResourceConfig: {InstanceType: ml.g4dn.xlarge}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html
    """
    algorithm = view.builtin
    if algorithm is None or algorithm.name != "xgboost":
        return
    for name, wanted in (("tree_method", "gpu_hist"), ("device", "cuda")):
        value = view.values.get(name)
        if not isinstance(value, str) or not value.startswith(wanted):
            continue
        for _, kind, _ in view.instances:
            if _has_gpu(kind) is False:
                yield Problem(
                    f"{name} {show(value)} needs a GPU, and {show(kind)} has none",
                    (view.hyperparameters_member, name),
                    "use a GPU instance such as ml.g4dn.xlarge, or tree_method hist",
                )
                break


def _has_gpu(kind: str) -> bool | None:
    from cursus.aws import instances

    found = instances.find(kind)
    return None if found is None else found.gpus > 0


@rule("HPO043", severity="warning", reads=GIVEN, when="builtin", shared=True, of=PROGRAM)
def two_spellings(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter of a built-in algorithm is set under two names.

    What it does:
        Looks for a hyperparameter given both by its name and by an alias (`eta` and `learning_rate`).
    Why:
        Which of the two values counts is the algorithm's own affair: in XGBoost's container the one that is written last.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
        - HyperParameters: {num_round: "100", eta: "0.1", learning_rate: "0.2"}
        + HyperParameters: {num_round: "100", eta: "0.1"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html
    """
    algorithm = view.builtin
    if algorithm is None or not algorithm.aliases:
        return
    for alias, name in algorithm.aliases.items():
        if alias in view.values and name in view.values:
            yield Problem(
                f"{show(alias)} is another name of {show(name)}, and both are set",
                (view.hyperparameters_member, alias),
                f"keep {show(name)}",
            )

"""Rules of the area *hyperparameters* that hold for any training image: names and values as texts.

Limits of number and length are the service model's; what a built-in algorithm takes is in ``algorithms``; what the
script parses is read with the script.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache

from cursus.aws.distribution import setting_meant
from cursus.checks.rules import PROGRAM, Problem, rule
from cursus.checks.script.shell_words import by_shell
from cursus.checks.texts import AROUND, HOMES, NUMBERS, SUBMIT
from cursus.checks.texts import PROGRAM as ENTRY
from cursus.checks.views import TrainingView
from cursus.redact import show

READS = ("HyperParameters", "StaticHyperParameters")
# What the training toolkit reads with int() or as true / false; a value that it cannot read fails the job.
NOTHING = frozenset({"None", "null", "undefined", '"None"'})
NO_NUMBER = frozenset({"nan", "NaN"})
_MISSING = ("missing", "fill", "na_", "nan")  # names of what stands for a missing value, which may be that


@rule("HPO035", severity="warning", reads=("?spaced",))
def whitespace(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter begins or ends with what does not belong to it.

    What it does:
        Looks for names and values with leading or trailing white space, and for names with quotation marks, colons, equals
        signs, angle brackets or hyphens around them. Only a framework image puts hyphens before the name itself.
    Why:
        SageMaker hands them over as they are: `" train"` is another choice than `"train"`, and a name with a space or colon
        is another argument, which no program reads.
    Example:
        - HyperParameters: {optimizer: "adam "}
        + HyperParameters: {optimizer: "adam"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    for name, value in view.hyperparameters.items():
        around = misnamed(name, view.framework is not None) if isinstance(name, str) else None
        if around is not None:
            yield Problem(
                f"the hyperparameter {show(name)} has {around} its name",
                (view.hyperparameters_member, name),
                f"write {show(name.strip(AROUND))}",
            )
        if isinstance(value, str) and value and value != value.strip():
            if value.strip("\n") == value.strip() and len(value) > 80:  # a document, not a word
                continue
            yield Problem(
                f"the value {show(value, str(name))} of {show(name)} has white space around it",
                (view.hyperparameters_member, name),
                "write it without",
            )


def misnamed(name: str, hyphened: bool) -> str | None:
    """What stands at the beginning or end of a hyperparameter's name and is no part of one; None where nothing does."""
    bare = name.strip(AROUND if hyphened else AROUND.replace("-", ""))
    if bare == name or not bare:
        return None
    if name != name.strip():
        return "white space around"
    left = name[: name.index(bare)]
    return f"{left} before" if left else f"{name[len(bare) :]} behind"


@rule("HPO036", severity="warning", reads=READS, shared=True, of=PROGRAM)
def one_name_two_spellings(view: TrainingView) -> Iterator[Problem]:
    """Two hyperparameters differ only in hyphens, underscores or case, or one is no name of an argument or a setting.

    What it does:
        Compares names with `-` and `_` taken for the same, and without case. Tuned names count. Beside
        `sagemaker_program`, finds names that begin with a hyphen or hold a space. Finds names that are almost those of the
        training toolkit's settings (`sagemaker_torch_distribted_enabled`).
    Why:
        The script's argument parser maps `--batch-size` and `--batch_size` to one variable, or knows only one of them:
        which value counts depends on their order. The toolkit puts hyphens before each name: `--epochs` reaches the script
        as `----epochs`. A setting that it does not know it neither reads nor hands to the script.
    Example:
        - HyperParameters: {batch-size: "32", batch_size: "64"}
        + HyperParameters: {batch-size: "32"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit
    """
    names = [name for name in view.hyperparameters if isinstance(name, str)]
    if view.tuning is not None:
        names.extend(name for name in view.tuned if name not in view.hyperparameters)
    for first, name in _pairs(tuple(names)):
        yield Problem(
            f"{show(first)} and {show(name)} are one name in two spellings",
            (view.hyperparameters_member, name if name in view.hyperparameters else first),
            "keep the one that the script declares",
        )
    for name in names:
        if name.startswith("sagemaker_") and (meant := setting_meant(name)):
            yield Problem(
                f"the training toolkit has no setting {show(name)}. Did you mean {meant!r}?",
                (view.hyperparameters_member, name),
                f"write {meant!r}: other names that begin with sagemaker_ do not reach the script either",
            )
    if "sagemaker_program" not in view.hyperparameters:
        return
    for name in view.hyperparameters:
        if isinstance(name, str) and (name[:1] == "-" or " " in name.strip()):
            bare = name.strip().lstrip("-").replace(" ", "-")
            yield Problem(
                f"the hyperparameter {show(name)} reaches the script as the argument {show('--' + name)}",
                (view.hyperparameters_member, name),
                f"call it {show(bare)}: the toolkit puts the hyphens before it",
            )


@lru_cache(maxsize=1024)
def _pairs(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Each name that is another spelling of an earlier one, after that one."""
    seen: dict[str, str] = {}
    # One letter in two cases is two names in every parser: -b and -B.
    firsts = [(seen.setdefault(name.lower().replace("-", "_"), name), name) for name in names]
    return tuple((first, name) for first, name in firsts if first != name and len(name) > 1)


@lru_cache(maxsize=4096)
def _json_text(value: str) -> str | None:
    """The text that a JSON string literal holds, or None where the value is no such literal."""
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return found if isinstance(found, str) else None


@rule("HPO037", severity="warning", reads=("?odd",))
def quoted_value(view: TrainingView) -> Iterator[Problem]:
    """A value is quoted once too often.

    What it does:
        Looks for values that are JSON text inside JSON text (`"\\"train.py\\""` twice), that hold the text form of
        nothing (`None`, `null`, `nan`), or whose toolkit settings are no numbers.
    Why:
        The training toolkit takes one layer of JSON off each value; the script gets the second with its quotes. `None`
        arrives as the word, `null` as an empty text.
    Example:
        - HyperParameters: {dropout: "None"}
        + HyperParameters: {dropout: "0.1"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit
    """
    repacks = "model_archive" in view.hyperparameters and "inference_script" in view.hyperparameters
    for name, value in view.hyperparameters.items():
        if not isinstance(value, str) or not isinstance(name, str):
            continue
        if repacks and value == "null":
            continue  # the SDK's own script, which takes it for nothing
        if value in NOTHING or (value in NO_NUMBER and not any(word in name for word in _MISSING)):
            if view.script is not None and value in view.script.strings:
                continue  # the script knows that word
            known = view.builtin.hyperparameter(name) if view.builtin is not None else None
            if known is not None and (
                value in (*known.words, *known.values) or known.problem(value) is not None
            ):
                continue  # one of its words; or the rule on the algorithm's values says more of it
            what = "an empty text from the training toolkit" if value == "null" else "that word"
            yield Problem(
                f"{show(name)} has the value {show(value)}, which arrives as {what}",
                (view.hyperparameters_member, name),
                "leave the hyperparameter out",
            )
        elif name in NUMBERS and not value.strip('"').isdigit():
            yield Problem(
                f"{show(name)} is {show(value)}, and the training toolkit reads a number",
                (view.hyperparameters_member, name),
                "write a whole number",
                severity="error",
            )
        elif value[:2] == '"\\':  # only an escape can begin a text in a text
            inner = _json_text(value)
            if inner is not None and " " in inner and by_shell(view) is not False:
                continue  # a shell takes these quotes off, and without them the text apart
            if inner is not None and inner[:1] == '"' and _json_text(inner) is not None:
                yield Problem(
                    f"the value {show(value, name)} of {show(name)} is JSON text inside JSON text",
                    (view.hyperparameters_member, name),
                    f"encode it once: {show(inner, name)}",
                )


@rule("HPO034", severity="warning", reads=("?home",))
def path_of_another_machine(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter is a path on the machine that the job was made on.

    What it does:
        Looks for values that begin with the folders of notebooks, of Colab and Kaggle, or of people's own machines.
    Why:
        The container has no such folder: the script finds nothing there, and what it writes there is lost with the job.
    Example:
        - HyperParameters: {model_dir: /home/ec2-user/SageMaker/model}
        + HyperParameters: {model_dir: /opt/ml/model}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html,
        https://github.com/aws/sagemaker-python-sdk/issues/634
    """
    # The SDK's step that packs a model anew is told where its code was, and only looks whether it is told anything.
    passed = (SUBMIT, ENTRY, *(("source_dir",) if "model_archive" in view.hyperparameters else ()))
    for name, value in view.hyperparameters.items():
        if isinstance(value, str) and value.startswith(HOMES) and name not in passed:
            yield Problem(
                f"{show(value, str(name))} is a folder of another machine, which the container does not have",
                (view.hyperparameters_member, name),
                "write a path below /opt/ml: /opt/ml/input/data/<channel>, or /opt/ml/model",
            )

"""What a shell does on the way to the script: values taken apart, variables that are not set."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import (
    Passed,
    invocation,
    lookup,
    parsed,
    readable,
)
from cursus.checks.script.shell_words import PLAIN, by_shell, shell_words
from cursus.checks.views import TrainingView
from cursus.redact import is_secret_name, show
from cursus.script.facts import Argument, Parser

SEVERAL = ("*", "+", "...", "A...")


@rule("HPO066", severity="warning", scope="script")
def taken_apart_by_shell(view: TrainingView) -> Iterator[Problem]:
    """A shell takes a hyperparameter's value apart.

    What it does:
        Looks, in a job whose image is PyTorch's, TensorFlow's or Hugging Face's, for values with spaces, quotes or characters
        that mean something to a shell. An error where the image surely has such a training toolkit and the script's parser
        refuses what comes of it, or the shell does; a warning where the image may have been built with a newer one.
    Why:
        From 3.9.3 to 5.1 the training toolkit joins the command line of these images with spaces and hands it to a shell: of
        ``--note a b`` the argument gets ``a``, JSON loses its quotes, a ``&`` or ``(`` ends the command.
    Example:
          files:
            train.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
              parser.add_argument("--layers", default="64")
              args = parser.parse_args()
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(args.layers)
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        - HyperParameters: {layers: "[64, 32]", sagemaker_program: train.py, sagemaker_submit_directory: "s3://example-bucket/code.tar.gz"}
        + HyperParameters: {layers: "64,32", sagemaker_program: train.py, sagemaker_submit_directory: "s3://example-bucket/code.tar.gz"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/issues/128
    """
    started = invocation(view)
    if readable(view) is None or started.kind != "toolkit":
        return
    odd = [
        (one, value)
        for one in started.arguments or ()
        for value in (one.values or ())
        if not PLAIN.fullmatch(value)
    ]
    if not odd or by_shell(view) is False:
        return
    for passed, value in odd:
        words = shell_words(value)
        if words not in ([value], [value[1:-1]]):  # a text that is quoted for the shell is meant so
            yield from _taken(view, passed, value, words)


def _taken(view: TrainingView, passed: Passed, value: str, words: list[str] | None) -> Iterator[Problem]:
    met = [(parser, argument) for parser in parsed(view) if (argument := lookup(parser, passed.flag)[0])]
    if words is None:
        told, refused = "takes some of it for its own syntax", True
    elif not met or any(_wants(argument, words) for _, argument in met):
        return
    else:
        refused = any(_refuses(parser, argument, words) for parser, argument in met)
        shown = "***" if is_secret_name(passed.name) else " ".join(words)
        told = (
            f"makes {passed.flag} {shown} of it, {len(words)} words"
            if len(words) != 1
            else f"makes {shown} of it"
        )
    sure = by_shell(view) is True and refused
    yield Problem(
        f"the training toolkit of this image hands {show(value, passed.name)} to a shell without quotes, which {told}",
        passed.path,
        remedy="write it without spaces, quotes and signs of the shell's (64,32 in place of [64, 32]), or read it from SM_HPS",
        severity="error" if sure else None,
        location=met[0][1].location if met else None,
    )


def _wants(argument: Argument, words: list[str]) -> bool:
    """True where what the shell makes of the value is what the argument takes: several words, or none for a flag."""
    if not argument.takes_value:
        return not words
    return (
        argument.nargs in SEVERAL
        or argument.nargs == str(len(words))
        or (argument.nargs == "?" and not words)
    )


def _refuses(parser: Parser, argument: Argument, words: list[str]) -> bool:
    """True where the parser ends the script: words left over that it refuses, or none for an argument that wants one."""
    return (parser.strict and not parser.leftovers and len(words) > 1) or (argument.takes_value and not words)

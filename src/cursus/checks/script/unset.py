"""Channels that the script takes without looking: by a variable that is not set, by their place among several."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script.channels import CHANNELS, listed, opens, rename
from cursus.checks.script.request import (
    CHANNEL_VARIABLE,
    NONE,
    channel_names,
    habits,
    invocation,
    readable,
    variable,
)
from cursus.checks.views import TrainingView
from cursus.script.facts import ArgPart, EnvPart, ScriptFacts


@rule("CHN058", severity="warning", scope="script")
def channel_variable_none(view: TrainingView) -> Iterator[Problem]:
    """The script takes a channel's variable that is not set, and goes on with None.

    What it does:
        Finds ``os.environ.get("SM_CHANNEL_X")`` without a default on the way that every run takes, where the request has no
        channel of that name and the script never looks whether it got one: no ``if path``, no ``is None``, no ``exists``.
    Why:
        The first thing done with the path fails on None, or the data is left out and nobody is told.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              validation = os.environ.get("SM_CHANNEL_VALIDATION")
        -     print("validating on", validation)
        +     if validation:
        +         print("validating on", validation)
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    """
    facts = readable(view)
    if facts is None or invocation(view).kind == "command":
        return
    channels = channel_names(view)
    missing = [
        read
        for read in facts.env_reads
        if read.bare and read.sure and read.name.startswith(CHANNEL_VARIABLE) and channels is not None
        if variable(view, read.name) is NONE
    ]
    if not missing or channels is None:
        return
    looked_at = _looked_at_values(facts)
    if looked_at is None:
        return
    for name in dict.fromkeys(read.name for read in missing):
        read = next(one for one in missing if one.name == name)
        if name in looked_at or _handed_to_arguments(view, facts, name, looked_at):
            continue
        wanted = name[len(CHANNEL_VARIABLE) :].lower()
        yield Problem(
            f"the script takes {name} and does not look whether it is set; the job has no channel {wanted!r}: it has "
            f"{listed(channels)}",
            CHANNELS,
            remedy=rename(wanted, channels),
            location=read.location,
        )


@rule("CHN059", severity="warning", scope="script", reads=("InputDataConfig",))
def channel_by_place(view: TrainingView) -> Iterator[Problem]:
    """The script takes a channel by its place among several.

    What it does:
        Finds ``json.loads(os.environ["SM_CHANNELS"])[0]`` in a job with more than one channel.
    Why:
        The channels are sorted by name, so that the first is that of the alphabet: ``holdout`` before ``train``. The script trains on other data.
    Example:
        - InputDataConfig:
        -   - ChannelName: train
        -     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/train/"}}
        -   - ChannelName: holdout
        -     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/churn/holdout/"}}
          files:
            train.py: |
              import json, os
              name = json.loads(os.environ["SM_CHANNELS"])[0]
              print(os.listdir("/opt/ml/input/data/" + name))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    """
    channels = channel_names(view)
    if channels is None or len(channels) < 2:
        return
    for habit in habits(view, "channel-by-place"):
        place = int(habit.detail)
        if not -len(channels) <= place < len(channels):
            continue  # an IndexError, which the run shows
        taken = sorted(channels)[place]
        yield Problem(
            f"the script takes SM_CHANNELS[{habit.detail}] of {listed(channels)}, which are sorted by name: it is {taken!r}",
            CHANNELS,
            remedy="name the channel: SM_CHANNEL_…",
            location=habit.location,
        )


def _looked_at_values(facts: ScriptFacts) -> set[str] | None:
    """Variables, and dests of arguments, that the script looks at first; None where it may look at any."""
    found: set[str] = set()
    # What is opened as it is, without looking, is CHN051's to report.
    texts = [use.paths for use in facts.paths if use.mode == "look" or opens(use)]
    for habit in facts.habits:
        if habit.kind == "tested" and habit.text is None:
            return None
        if habit.kind in ("tested", "text-truth", "text-none", "or-default") and habit.text is not None:
            texts.append((habit.text,))
    for text_ in (one for several in texts for one in several):
        for part in getattr(text_, "parts", ()):
            if isinstance(part, EnvPart):
                found.add(part.name)
            elif isinstance(part, ArgPart):
                found.add(part.dest)
    return found


def _handed_to_arguments(view: TrainingView, facts: ScriptFacts, name: str, looked_at: set[str]) -> bool:
    """True where the variable is an argument's default, and the argument is given, looked at, or not read at all."""
    for argument in facts.arguments:
        parts = getattr(argument.default, "parts", ())
        if any(isinstance(part, EnvPart) and part.name == name for part in parts):
            given = invocation(view).given(argument.flags) is not None
            return given or argument.dest in looked_at or argument.dest in facts.unread
    return False

"""Rules on the evidence of a local run: a job that failed of what it read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.checks.evidence import of_run
from cursus.checks.evidence.endings import at_line, told
from cursus.checks.rules import Problem, rule
from cursus.checks.script.channels import CHANNELS, listed, rename
from cursus.checks.script.request import CHANNEL_VARIABLE, NONE, channel_names, script_of, variable
from cursus.checks.views import TrainingView
from cursus.redact import show

_NOT_THERE = re.compile(r"FileNotFoundError|No such file|[Dd]oes not exist|not found")
_CHANNEL_PATH = re.compile(r"/opt/ml/input/data/+([^/'\"\s]+)(/[^'\"\s]*)?")
_NO_PATH = re.compile(r"(?:TypeError|ValueError): .*[Pp]ath.*\bNone(?:Type)?\b")
"""What Python and pandas say of None in the place of a path."""


@rule("CHN093", scope="run")
def not_there(view: TrainingView) -> Iterator[Problem]:
    """The job failed because a channel that it read, or a file in it, is not there.

    What it does:
        Looks in what a failed run printed last for a path below /opt/ml/input/data that was not found, and for None in the
        place of a path where the script takes SM_CHANNEL_… of a channel that the request does not have.
    Why:
        A container has the channels of the request and no others, with the files that lie at their S3 locations.
    Example:
          files:
            train.py: |
              import json
              config = json.load(open("/opt/ml/input/config/hyperparameters.json"))
        -     text = open("/opt/ml/input/data/train/" + config.get("file", "rows.csv")).read()
        +     text = open("/opt/ml/input/data/train/" + config.get("file", "data.csv")).read()
              open("/opt/ml/model/model.txt", "w").write(text)
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    evidence = of_run(view)
    channels = channel_names(view)
    if evidence.status != "Failed" or channels is None:
        return
    lines = [line for text in told(evidence) for line in text.splitlines()]
    where = at_line(view, evidence)
    for line in lines:
        found = _CHANNEL_PATH.search(line) if _NOT_THERE.search(line) else None
        if found is None:
            continue
        channel = found[1]
        if channel in channels:
            message = (
                f"the job failed on this machine: channel {channel!r} has no {show((found[2] or '/')[1:])}"
            )
            remedy = f"name a file that there is in channel {channel!r}, or put this one there"
        else:
            message = f"the job failed on this machine: it read {found[0]}, and has no channel {channel!r}: it has {listed(channels)}"
            remedy = rename(channel, channels)
        yield Problem(message, CHANNELS, remedy=remedy, location=where)
        return
    if not any(_NO_PATH.search(line) for line in lines):
        return
    facts = script_of(view)
    for read in facts.env_reads:
        if read.name.startswith(CHANNEL_VARIABLE) and variable(view, read.name) is NONE:
            wanted = read.name[len(CHANNEL_VARIABLE) :].lower()
            yield Problem(
                f"the job failed on this machine of None for a path: the script takes {read.name}, and there is no channel "
                f"{wanted!r}: the job has {listed(channels)}",
                CHANNELS,
                remedy=rename(wanted, channels),
                location=where or read.location,
            )
            return

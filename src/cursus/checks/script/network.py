"""What a script takes from the internet, in a job that reaches nothing outside of it."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.locations import below
from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import habits, script_of
from cursus.checks.views import TrainingView
from cursus.redact import show

UNPACKS = frozenset(
    {"extractall", "unpack_archive", "copytree", "symlink", "symlink_to", "rename", "move", "chdir"}
)
"""What may make a folder of the name that is asked for."""


@rule("FRM074", scope="script", reads=("EnableNetworkIsolation", "Environment"))
def no_way_out(view: TrainingView) -> Iterator[Problem]:
    """The script downloads something, and the job has network isolation.

    What it does:
        Where the request has EnableNetworkIsolation: looks for addresses that the script asks, and in Amazon's images for models that it
        takes by their name on the Hugging Face Hub (``from_pretrained("bert-base-uncased")``) and that are no folder of the source directory.
    Why:
        A container with network isolation makes no connection: the job fails after the library's attempts and their waits.
    Example:
        - EnableNetworkIsolation: true
          files:
            train.py: |
              import os, urllib.request
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              urllib.request.urlretrieve("https://example.com/words.txt", "/tmp/words.txt")
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(open("/tmp/words.txt").read())
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html
    """
    if view.request.get("EnableNetworkIsolation") is not True:
        return
    facts = script_of(view)
    offline = {*view.environment, *facts.env_writes} & {"HF_HOME", "HF_HUB_CACHE", "TRANSFORMERS_CACHE"}
    for habit in habits(view, "downloads"):
        call, _, written = habit.detail.partition("(")
        asked = written[1:-2]
        here = asked.partition("/")[0]
        if habit.key == "hub" and (
            view.framework is None
            or offline
            or facts.attributes & UNPACKS
            or any(below(name, here) for name in facts.directory_listing)
        ):
            continue
        yield Problem(
            f"{call}({show(asked)}) is downloaded, and a job with network isolation reaches nothing outside",
            ("EnableNetworkIsolation",),
            remedy="put it into S3 and give it to the job as a channel",
            severity=None if habit.sure else "warning",
            location=habit.location,
        )

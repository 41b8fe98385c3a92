"""A rule on variables that a request sets and the script never sees as they were set."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script_request import CHANNEL_VARIABLE, FIXED, decoded, invocation
from cursus.checks.views import TrainingView
from cursus.redact import show


@rule("RES057", area="resources", severity="warning", reads=("Environment",), scope="script")
def variable_of_the_toolkit(view: TrainingView) -> Iterator[Problem]:
    """Environment sets a variable that the training toolkit sets itself.

    What it does:
        Looks in Environment for the toolkit's own names with another value: SM_MODEL_DIR and its kin, SM_CHANNEL_* of the
        job's channels and SM_HP_* of its hyperparameters.
    Why:
        The toolkit writes its own values over them before it starts the script: what the request says has no effect.
    Breaks:
        files:
          train.py: |
            import os
            print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        Environment: {SM_MODEL_DIR: /opt/ml/output/model}
    Right:
        files:
          train.py: |
            import os
            print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        Environment: {SM_MODEL_DIR: /opt/ml/model}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    Since:
        0.1
    """
    if not view.environment or invocation(view).kind != "toolkit":
        return
    own = dict(FIXED)
    for channel in view.channels:
        if channel.name:
            own[f"{CHANNEL_VARIABLE}{channel.name.upper()}"] = f"/opt/ml/input/data/{channel.name}"
    for name, value in view.hyperparameters.items():
        own[f"SM_HP_{name.upper()}"] = decoded(value) if isinstance(value, str) else ""
    for name, value in view.environment.items():
        if name in own and isinstance(value, str) and value.rstrip("/") != own[name].rstrip("/"):
            yield Problem(
                f"{name} is set to {show(value, name)}, and the toolkit that starts the script writes its own value over it",
                ("Environment", name),
                "give the variable a name of its own, and read that in the script",
            )

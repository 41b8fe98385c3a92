"""Rules on variables that a request sets: those that the script never sees as they were set, and those that are no numbers."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script_request import CHANNEL_VARIABLE, FIXED, decoded, invocation
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import EnvPart


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


@rule("HPO065", area="hyperparameters", scope="script")
def variable_is_no_number(view: TrainingView) -> Iterator[Problem]:
    """A variable that the script converts to a number holds none.

    What it does:
        Applies ``int`` and ``float`` to the variables that the script converts so, ``SM_HP_*`` and those of Environment.
    Why:
        ``int("0.5")`` and ``float("fast")`` raise ``ValueError``, and the job fails.
    Breaks:
        files:
          train.py: |
            import os
            files = os.listdir(os.environ["SM_CHANNEL_TRAIN"])
            epochs = int(os.environ["SM_HP_EPOCHS"])
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(epochs) + str(files))
        HyperParameters: {epochs: "many"}
    Right:
        files:
          train.py: |
            import os
            files = os.listdir(os.environ["SM_CHANNEL_TRAIN"])
            epochs = int(os.environ["SM_HP_EPOCHS"])
            open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(epochs) + str(files))
        HyperParameters: {epochs: "3"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
    Since:
        0.1
    """
    facts = view.script
    if facts is None or not facts.conversions or facts.env_open or "*" in facts.env_writes:
        return
    toolkit = invocation(view).kind == "toolkit"
    names = {f"SM_HP_{name.upper()}": name for name in view.hyperparameters} if toolkit else {}
    for used in facts.conversions:
        part = used.text.parts[0] if used.text is not None else None
        if not isinstance(part, EnvPart) or not used.sure or part.name in facts.env_writes:
            continue
        if part.name in names:
            name, member = names[part.name], view.hyperparameters_member
            value = view.hyperparameters[name]
            text = decoded(value) if isinstance(value, str) else None
        else:
            name, member, text = part.name, "Environment", view.environment.get(part.name)
        if isinstance(text, str) and not _converts(text, used.call):
            yield Problem(
                f"the script's {used.call} gets {part.name}, which is {show(text, name)}",
                (member, name),
                remedy="give a whole number" if used.call == "int" else "give a number",
                location=used.location,
            )


def _converts(text: str, call: str) -> bool:
    try:
        int(text) if call == "int" else float(text)
    except ValueError:
        return False
    return True

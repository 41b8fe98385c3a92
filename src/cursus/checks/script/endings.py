"""How a training script ends, and whether it begins at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.checks.rules import Problem, rule
from cursus.checks.script.files import program_path
from cursus.checks.script.request import habits, invocation, script_of
from cursus.checks.views import TrainingView
from cursus.model import Location
from cursus.redact import show
from cursus.script.facts import ScriptFacts
from cursus.script.source.files import shown_below

MOST = 100_000
"""Letters of a shell script that are read."""


@rule("FRM057", severity="warning", scope="script")
def script_does_nothing(view: TrainingView) -> Iterator[Problem]:
    """Running the script defines functions and calls none.

    What it does:
        Finds an entry point without a statement that does something, and a guard that is never true (``__name__ == "main"``).
    Why:
        The script ends at once with status 0, the job completes in a minute, and there is no model. Scripts of the first TensorFlow and
        MXNet containers look so: newer ones run the file as a program.
    Example:
          files:
            train.py: |
              import os
              def main():
                  print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
                  open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        +     if __name__ == "__main__":
        +         main()
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/578
    """
    facts = script_of(view)
    if facts.does_nothing is None or invocation(view).kind == "command":
        return
    yield Problem(
        "running the script calls nothing: it only defines functions, or its main guard is never true",
        program_path(view),
        remedy='end it with: if __name__ == "__main__": main()',
        location=facts.does_nothing,
    )


@rule("FRM058", severity="warning", scope="script")
def failure_swallowed(view: TrainingView) -> Iterator[Problem]:
    """A handler catches every exception of the training and lets the script end well.

    What it does:
        Finds ``except Exception`` (or a bare ``except``) around the training whose body neither raises nor exits with another status than 0.
    Why:
        SageMaker knows only the exit status: the job is Completed, its model is missing or half written, and a pipeline goes on with it.
    Example:
          files:
            train.py: |
        -     import os
        +     import os, sys
              def train():
                  print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
                  open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
              try:
                  train()
              except Exception as error:
                  print("failed:", error)
        +         sys.exit(1)
    Source:
        https://github.com/aws/sagemaker-training-toolkit/issues/204;
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
    """
    facts = script_of(view)
    for one in facts.swallowed:
        end = "exits with status 0" if one.exits_zero else "goes on"
        yield Problem(
            f"every exception of {one.around}() is caught here, and the script {end}: a failure ends as a completed job",
            remedy="raise again, or sys.exit(1)",
            location=one.location,
        )


@rule("FRM061", scope="script")
def exits_with_failure(view: TrainingView) -> Iterator[Problem]:
    """The script always ends with a status that means failure.

    What it does:
        Finds ``sys.exit`` with a text, a mapping, a list or a number other than 0 on the way that every run takes, also through the value of a function.
    Why:
        ``sys.exit("done")`` prints the text and exits with 1: SageMaker marks the job as Failed, and keeps no model.
    Example:
          files:
            train.py: |
              import os, sys
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        -     sys.exit("training finished")
        +     print("training finished")
        +     sys.exit(0)
    Source:
        https://docs.python.org/3/library/sys.html#sys.exit;
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
    """
    facts = script_of(view)
    for one in facts.exits:
        if one.sure:
            yield Problem(
                f"the script ends with exit({one.value[:60]}), which is a failure to SageMaker",
                remedy="print it and exit with 0, or just end",
                location=one.location,
            )


@rule("FRM073", scope="script")
def asks_at_a_terminal(view: TrainingView) -> Iterator[Problem]:
    """The script waits for a person at a terminal, or logs in without a key.

    What it does:
        Finds ``input``, ``getpass`` and ``breakpoint`` on the way that every run takes, and in Amazon's images ``wandb.init``, ``wandb.login``
        and ``huggingface_hub.login`` where neither the call, Environment, the script nor a file beside it brings a key, nor
        ``wandb.sagemaker_auth`` in a file beside the source, which writes one where the job is started.
    Why:
        A job has no terminal: ``EOFError``, or ``api_key not configured (no-tty)``, and the job fails.
    Example:
          files:
            train.py: |
              import os
              import wandb
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              wandb.init(project="demo")
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
            requirements.txt: wandb
          region: us-east-1
          AlgorithmSpecification: {TrainingImage: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu-py311-ubuntu20.04-sagemaker"}
        + Environment: {WANDB_MODE: offline}
    Source:
        https://docs.wandb.ai/guides/track/environment-variables; https://docs.python.org/3/library/functions.html#input
    """
    facts = script_of(view)
    for habit in habits(view, "asks"):
        library = habit.detail.partition(".")[0]
        if not habit.sure:
            continue
        if library not in KEYS:
            told, remedy = (
                f"{habit.detail}() waits for a person",
                "take the value from an argument, or leave the call out",
            )
        elif logged_in(view, facts, library):
            continue
        else:
            told = f"{habit.detail}() asks for a key: neither Environment nor the script has one"
            remedy = f"set {KEYS[library]} in Environment" + (
                ", or WANDB_MODE: offline" if library == "wandb" else ""
            )
        yield Problem(f"{told}, and a job has no terminal", remedy=remedy, location=habit.location)


KEYS = {"wandb": "WANDB_API_KEY", "huggingface_hub": "HF_TOKEN"}
"""For a library that asks for a key: the variable that it takes it from."""


def logged_in(view: TrainingView, facts: ScriptFacts, library: str) -> bool:
    """True where something may bring the library's key: the image, a variable, a call, a file beside the script."""
    from cursus.aws.images import amazon_image

    image = amazon_image(view.image)
    if image is None or not isinstance(view.request.get("Environment", {}), dict):
        return True
    words = ("WANDB", "NETRC") if library == "wandb" else ("HF_", "HUGGING")
    names = {*view.environment, *facts.env_writes}
    asked = {habit.detail for habit in habits(view, "asks")}
    files = {name.rpartition("/")[2] for name in facts.directory_listing}
    return (
        facts.env_open
        or "*" in facts.env_writes
        or facts.outside_effects
        or any(word in name.upper() for name in names for word in words)
        or bool({f"{library}.login"} & facts.calls - asked)
        or bool(files & {"secrets.env", ".netrc", "settings", "token"})
        or (library == "wandb" and view.step.source is not None and _authorised(view.step.source.directory))
    )


MAX_FILES, MAX_SIZE = 100, 1_000_000


def _authorised(directory: str) -> bool:
    """True where a program or notebook beside the source hands it a key before the job is started."""
    found: list[FilePath] = []
    for folder in (FilePath(directory), FilePath(directory).resolve().parent):
        try:
            found += [path for path in folder.iterdir() if path.suffix in (".py", ".ipynb")]
        except OSError:
            continue
    for path in found[:MAX_FILES]:
        try:
            with path.open("rb") as file:
                if b"sagemaker_auth" in file.read(MAX_SIZE):
                    return True
        except OSError:
            continue
    return False


@rule("FRM068", severity="warning", scope="script")
def status_lost_in_shell(view: TrainingView) -> Iterator[Problem]:
    """A shell script loses the status of a program.

    What it does:
        Reads the entry point where it is a shell script, and those that it names: Python programs whose status is that of another command in the end, through a pipe without ``pipefail``, ``|| true``,
        the background, or a command behind them where ``set -e`` is missing.
    Why:
        A shell script ends with the status of its last command. A training that failed before ``tee`` or ``echo`` is a completed job to SageMaker.
    Example:
          entry_point: run.sh
          files:
            run.sh: |
              #!/bin/bash
        +     set -eo pipefail
              python fit.py "$@" 2>&1 | tee /tmp/fit.log
            fit.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://www.gnu.org/software/bash/manual/html_node/Exit-Status.html;
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
    """
    facts = script_of(view)
    for name, text in _shell_scripts(view, facts):
        from cursus.script.source.shell import lost_statuses

        for one in lost_statuses(text):
            yield Problem(
                f"if {show(one.command, limit=80)} fails, the job is completed all the same: {one.how}",
                remedy="begin the script with 'set -euo pipefail', and wait for each process by its number",
                location=Location(name, one.line),
            )


def _shell_scripts(view: TrainingView, facts: ScriptFacts) -> Iterator[tuple[str, str]]:
    """The shell scripts that run, with their text: the entry point, and those of the source that it names."""
    source = view.step.source
    if facts.shell_text and source is not None:
        yield shown_below(source.directory, source.entry_point), facts.shell_text
    for name in sorted(facts.directory_listing) if source is not None else ():
        if not name.endswith(".sh") or source is None or name == source.entry_point:
            continue
        last = name.rpartition("/")[2]
        if any(
            len(text) < 200 and re.search(rf"(?<![\w.-]){re.escape(last)}\b", text) for text in facts.strings
        ) or (last in facts.shell_text):
            try:
                yield (
                    name,
                    (FilePath(source.directory) / name).read_text(encoding="utf-8", errors="replace")[:MOST],
                )
            except OSError:
                continue

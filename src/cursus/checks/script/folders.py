"""Files beside the script and folders of the container: looked for and not there, not installed, or cleared away."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.aws.tables import table
from cursus.checks.rules import Problem, rule
from cursus.checks.script.opened import made_places
from cursus.checks.script.request import (
    MODEL_DIR,
    UNKNOWN,
    brought_by,
    checkpoint_path,
    habits,
    invocation,
    resolve,
    script_of,
)
from cursus.checks.views import TrainingView
from cursus.model import Location
from cursus.redact import show
from cursus.script.facts import Habit, PathUse, ScriptFacts
from cursus.suggest import closest

CONFIG = "/opt/ml/input/config/"
SETTINGS = (".json", ".yaml", ".yml", ".toml", ".ini", ".cfg")
TEXTS = (*SETTINGS, ".txt", ".vocab", ".tsv")
HOMES = re.compile(r"(?:/home/|/Users/|/root/|/content/|/kaggle/|/dbfs/|~)|[A-Za-z]:[\\/]")
"""Folders of a notebook's or a person's machine."""


def _places(view: TrainingView, facts: ScriptFacts, *modes: str) -> Iterator[tuple[str, PathUse]]:
    for use in facts.paths:
        if use.mode in modes:
            for path in use.paths:
                place = resolve(view, path)
                if isinstance(place, str) and UNKNOWN not in place:
                    yield place, use


def _beside(place: str) -> str:
    """A place as it is called in the source directory."""
    return place.removeprefix("/opt/ml/code/").removeprefix("./")


@rule("CHN057", severity="warning", scope="script")
def looked_for_in_vain(view: TrainingView) -> Iterator[Problem]:
    """The script looks for a settings file that the container will not have.

    What it does:
        Finds files below ``/opt/ml/input/config`` whose name is nearly one of SageMaker's, and settings files (JSON, YAML, TOML, INI) that the
        script looks for before it reads them, beside itself where the source directory does not have them, or in a home folder.
    Why:
        The script goes on with its defaults, and nothing says that the settings were never read.
    Example:
          files:
            train.py: |
              import json, os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              epochs = 1
        -     if os.path.exists("/opt/ml/input/config/hyperparameter.json"):
        -         with open("/opt/ml/input/config/hyperparameter.json") as file:
        +     if os.path.exists("/opt/ml/input/config/hyperparameters.json"):
        +         with open("/opt/ml/input/config/hyperparameters.json") as file:
                      epochs = int(json.load(file)["epochs"])
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(epochs))
          HyperParameters: {epochs: "3"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    facts = script_of(view)
    if not facts.paths or invocation(view).kind not in ("toolkit", "driver"):
        return
    made = None
    told = set()
    places = list(_places(view, facts, "look", "read"))
    found = {id(use) for place, use in places if _beside(place) in facts.directory_listing}
    for place, use in places:
        if place in told or place.partition("/")[0] in ("None", "null"):
            continue  # a text that means nothing, which HPO060 tells of
        told.add(place)
        if place.startswith(CONFIG):
            name = place[len(CONFIG) :]
            known = table("toolkit")["config_files"]
            near = closest(name, known) if name not in known else None
            if near is not None:
                yield Problem(
                    f"the script looks for {show(place)}, and the container has {near}",
                    remedy=f"write {CONFIG}{near}",
                    location=use.location,
                )
        elif HOMES.match(place):
            if use.mode == "look" and place.endswith(SETTINGS):
                yield Problem(
                    f"the script looks for {show(place)}, a place of another machine: the container does not have it",
                    remedy=f"put the file into the source directory, or read it from {brought_by(view)}",
                    location=use.location,
                )
        elif place.endswith(SETTINGS) if use.mode == "look" else not use.sure and place.endswith(TEXTS):
            plain = _beside(place)
            if plain.startswith(("/", "..", "~")) or facts.outside_effects or id(use) in found:
                continue
            made = made_places(view) if made is None else made
            if not facts.directory_listing or any(UNKNOWN in other or other == place for other in made):
                continue
            yield Problem(
                f"the script looks for {show(place)} beside itself, and the source directory does not have it",
                remedy=f"put the file into the source directory, or read it from {brought_by(view)}",
                location=use.location,
            )


@rule("ART056", severity="warning", scope="script")
def clears_kept_folder(view: TrainingView) -> Iterator[Problem]:
    """The script clears the folder of its checkpoints or of its model.

    What it does:
        Finds ``shutil.rmtree`` and its kin on the checkpoint folder and on the model directory: an error where every run comes to it
        and errors are not ignored.
    Why:
        SageMaker puts the checkpoints of the last attempt there before the script starts; cleared, the training begins again. What is
        removed from the model directory is not in ``model.tar.gz``.
    Example:
          files:
            train.py: |
        -     import os, shutil
        +     import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     shutil.rmtree("/opt/ml/checkpoints", ignore_errors=True)
              os.makedirs("/opt/ml/checkpoints", exist_ok=True)
              open("/opt/ml/checkpoints/last.txt", "w").write(str(os.listdir("/opt/ml/checkpoints")))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          CheckpointConfig: {S3Uri: s3://example-bucket/checkpoints/}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    facts = script_of(view)
    if not facts.paths:
        return
    kept = [folder for folder in (checkpoint_path(view), MODEL_DIR) if folder is not None]
    for place, use in _places(view, facts, "remove"):
        if place.rstrip("/") in kept:
            always = use.sure or (use.if_tests and len(use.tests) == 1 and _asked_before(view, place, use))
            mounted = always and use.call == "shutil.rmtree" and invocation(view).kind == "toolkit"
            yield Problem(
                f"the script removes {place!r} with all that is in it"
                + (
                    ": it is a mount, and its removal fails with 'Device or resource busy'" if mounted else ""
                ),
                severity="error" if mounted else None,
                remedy="keep what SageMaker put there, and remove single files that are no longer needed; the folder itself may be a mount, "
                "whose removal fails with 'Device or resource busy'",
                location=use.location,
            )


def _asked_before(view: TrainingView, place: str, use: PathUse) -> bool:
    """True for ``if os.path.exists(folder)`` just before, of a folder that is always there."""
    line = use.location.line or 0
    looks = _places(view, script_of(view), "look")
    return any(
        other.rstrip("/") == place.rstrip("/") and line - 1 <= (one.location.line or 0) <= line
        for other, one in looks
    )


@rule("ART057", severity="warning", scope="script", reads=("CheckpointConfig",))
def checkpoint_of_other_name(view: TrainingView) -> Iterator[Problem]:
    """The script looks for a checkpoint of a name that it never writes.

    What it does:
        Holds the files that the script looks for in the checkpoint folder, and the forms of names that it takes of a listing of it, against
        those that it writes there, where every write can be read.
    Why:
        Started again, the script finds none of its checkpoints, and begins from the start.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              first = 0
              if os.path.exists("/opt/ml/checkpoints/last.txt"):
                  first = int(open("/opt/ml/checkpoints/last.txt").read())
              for epoch in range(first, 3):
        -         open(f"/opt/ml/checkpoints/epoch-{epoch}.txt", "w").write(str(epoch))
        +         open("/opt/ml/checkpoints/last.txt", "w").write(str(epoch))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          CheckpointConfig: {S3Uri: s3://example-bucket/checkpoints/}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    facts = script_of(view)
    folder = checkpoint_path(view)
    if folder is None or not facts.paths or facts.outside_effects:
        return
    written = set()
    for use in facts.paths:
        for path in use.paths if use.mode == "write" else ():
            place = resolve(view, path)
            if not isinstance(place, str) or place.startswith(UNKNOWN) or place.rstrip("/") == folder:
                return
            if place.startswith(folder + "/"):
                written.add(place)
    if not written or "os.symlink" in facts.calls:
        return
    told = _other_name(view, folder, written)
    if told is not None:
        yield Problem(
            f"the script looks for {told[0]}, and writes no checkpoint of that name",
            ("CheckpointConfig",),
            remedy=f"look for the name that is written ({show(min(written).replace(UNKNOWN, '…'))}), or list the folder",
            location=told[1],
        )


def _other_name(view: TrainingView, folder: str, written: set[str]) -> tuple[str, Location] | None:
    """What the script looks for in a folder, where that is the name of none of the files written, and where it does."""
    names = {place.replace(UNKNOWN, filler) for place in written for filler in FILLERS}
    for place, use in _places(view, script_of(view), "look"):
        name = place[len(folder) + 1 :]
        plain = place.startswith(folder + "/") and "." in name and "**" not in name
        free = any(one.rpartition("/")[2].startswith(UNKNOWN) for one in written)
        if plain and not free and not any(fnmatch.fnmatchcase(one, place) for one in names):
            return show(place), use.location
    inside = {name.rpartition("/")[2] for name in names if name.rpartition("/")[0] == folder}
    for habit in habits(view, "names-wanted") if inside else ():
        if resolve(view, habit.text) == folder and not any(_wanted(name, habit) for name in inside):
            return f"names of the form {show(habit.detail)}", habit.location
    return None


LONGEST = 100
NESTED = re.compile(r"\)[*+{]")
"""A pattern that may take for ever."""
FILLERS = ("1", "01", "001", "0001", "00001", "000001", "12", "0.5", "best", "last", "latest", "final")
"""What may stand in a name for what is not known of it."""


def _wanted(name: str, habit: Habit) -> bool:
    if len(name) > LONGEST or NESTED.search(habit.detail):
        return True
    try:
        if habit.key in ("startswith", "endswith"):
            return bool(getattr(name, habit.key)(habit.detail))
        return getattr(re, habit.key)(habit.detail, name) is not None
    except re.error:
        return True


PASSES_ON = re.compile(
    r"\$[@*]|\$\{[@*]|SM_HP|SM_USER_ARGS|hyperparameters\.json|\bshift\b|getopts|SM_TRAINING_ENV"
)
POSITION = re.compile(r"(?<!\\)\$\{?([1-9])\b")
PYTHON = re.compile(
    r"(?:python[0-9.]*|torchrun|accelerate launch|deepspeed)\s+(?:-\S+\s+(?:\S+\s+)?)*?([\w./-]+\.py)\b"
)


@rule("FRM065", severity="warning", scope="script")
def shell_keeps_arguments(view: TrainingView) -> Iterator[Problem]:
    """The shell script that is the entry point does not pass its arguments on.

    What it does:
        Reads a shell script that starts Python: hyperparameters come as ``--name value``, and it neither passes ``"$@"`` on nor reads
        them otherwise; or it takes them by position, where ``$1`` is a name and the order is that of the names.
    Why:
        The script trains with its defaults, and nothing says so.
    Example:
          entry_point: run.sh
          files:
            run.sh: |
              #!/bin/bash
              set -e
        -     python fit.py
        +     python fit.py "$@"
            fit.py: |
              import argparse, os
              parser = argparse.ArgumentParser()
              parser.add_argument("--epochs", type=int, default=1)
              print(parser.parse_args().epochs, os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          HyperParameters: {epochs: "3"}
    Source:
        https://github.com/aws/sagemaker-training-toolkit/issues/119
    """
    facts = script_of(view)
    if not facts.shell_text:
        return
    started = invocation(view)
    names = [passed.name for passed in started.arguments or () if passed.name != "model_dir"]
    text = re.sub(r"(?m)^\s*#.*$", "", facts.shell_text)
    if not names or PYTHON.search(text) is None or PASSES_ON.search(text):
        return
    if any("SM_HP" in other or "hyperparameters.json" in other for other in facts.strings):
        return
    listed = ", ".join(names[:5])
    position = POSITION.search(text)
    if position is not None:
        told = f"the shell script takes ${position.group(1)} by position, and the container passes --name value for {listed}, sorted by name"
    else:
        told = (
            f"the shell script passes nothing on: {listed} {'has' if len(names) == 1 else 'have'} no effect"
        )
    yield Problem(told, (view.hyperparameters_member,), remedy='pass the arguments on: python script.py "$@"')


LISTED = "requirements.txt"
FOLDERS = frozenset(
    {
        "lib",
        "src",
        "code",
        "scripts",
        "source",
        "requirements",
        "reqs",
        "deps",
        "dependencies",
        "config",
        "conf",
    }
)


OTHER_USE = re.compile(r"dev|test|lint|doc|build")
"""What a requirements file is called that is not meant for the job."""


@rule("FRM066", severity="warning", scope="script")
def requirements_elsewhere(view: TrainingView) -> Iterator[Problem]:
    """A requirements file has a name or a place that the toolkit does not look at.

    What it does:
        Where the source directory has no requirements.txt at its top: finds a file that is nearly called so, one below a folder of a usual
        name, or one with packages that the script imports (``requirements-gpu.txt``).
    Why:
        Only ``requirements.txt`` at the top of the source directory is installed. With another name the packages are missing, or older ones of
        the image are used.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        -   requirement.txt: "tqdm==4.66.1"
        +   requirements.txt: "tqdm==4.66.1"
    Source:
        https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html
    """
    facts = script_of(view)
    if not facts.directory_listing or LISTED in facts.directory_listing:
        return
    started = invocation(view).kind in ("toolkit", "processing")
    if not started or "pip" in facts.strings or "pip install" in facts.shell_text:
        return
    if any("pip install" in text or LISTED in text for text in facts.strings):
        return
    for name in sorted(facts.directory_listing):
        folder, _, plain = name.rpartition("/")
        if not plain.endswith((".txt", ".text", ".tx")) or "req" not in plain.lower():
            continue
        if OTHER_USE.search(plain.lower()):
            continue
        nearly = (
            not folder and plain.lower().startswith("req") and closest(plain.lower(), (LISTED,)) is not None
        )
        if nearly or (plain == LISTED and folder in FOLDERS) or _imported(view, facts, name):
            yield Problem(
                f"{show(name)} is not installed: only {LISTED} at the top of the source directory is",
                remedy=f"call it {LISTED}"
                if not folder
                else f"move it to the top, or include it there: -r {name}",
            )
            return


def _imported(view: TrainingView, facts: ScriptFacts, name: str) -> bool:
    """True where the script imports a package that the requirements file ``name`` of the source lists."""
    from cursus.script.source.requirements import read_requirements

    if view.step.source is None:
        return False
    path = FilePath(view.step.source.directory) / name
    listed = {one.name.lower().replace("-", "_") for one in read_requirements(path, name)}
    return bool(listed & {top.lower() for top in facts.top_imports})

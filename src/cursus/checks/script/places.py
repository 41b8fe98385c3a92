"""Folders and files that the training script takes for something that they are not in the container."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from cursus.aws.tables import entries
from cursus.checks.rules import Problem, rule
from cursus.checks.script.conditions import holds
from cursus.checks.script.processing_view import ProcessingView
from cursus.checks.script.published import FRAMEWORKS, not_published
from cursus.checks.script.request import (
    INPUT_DATA,
    MODEL_DIR,
    UNKNOWN,
    brought_by,
    channel_of,
    checkpoint_path,
    habits,
    invocation,
    readable,
    resolve,
    script_of,
)
from cursus.checks.views import Channel, TrainingView, mapping, text
from cursus.redact import show
from cursus.script.facts import Argument, Const, EnvPart, PathUse, ScriptFacts, Text


def _uses(view: TrainingView) -> Iterator[tuple[PathUse, str]]:
    """Every use of a path that is wholly known."""
    for use in script_of(view).paths:
        for path in use.paths:
            place = resolve(view, path)
            if isinstance(place, str) and UNKNOWN not in place.rpartition("/")[0]:
                yield use, place


def input_mode(view: TrainingView, channel: Channel) -> str | None:
    """How a channel's data reaches the container: its own InputMode, or that of the job; None where that is not said."""
    return text(channel.request, "InputMode") or text(view.algorithm, "TrainingInputMode")


@rule("CHN055", scope="script", reads=("InputDataConfig",))
def mode_does_not_fit(view: TrainingView) -> Iterator[Problem]:
    """The script uses a channel in a way that its input mode does not allow.

    What it does:
        Finds files and folders of a Pipe mode channel that every run opens or lists, and writes into a FastFile channel.
    Why:
        In Pipe mode there is no folder, but a pipe ``<channel>_<epoch>`` for each pass: ``No such file or directory``. A FastFile
        channel is read-only: ``Read-only file system``.
    Example:
          files:
            train.py: |
              import os
              names = os.listdir(os.environ["SM_CHANNEL_TRAIN"])
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(names))
        - AlgorithmSpecification: {TrainingInputMode: Pipe}
        + AlgorithmSpecification: {TrainingInputMode: FastFile}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
    """
    modes = {channel.name: view.input_mode(channel) for channel in view.channels}
    if not set(modes.values()) & {"Pipe", "FastFile"}:
        return
    seen = set()
    for use, place in _uses(view):
        name = channel_of(place)
        mode = modes.get(name)
        if not use.sure or name in seen:
            continue
        if mode == "Pipe" and use.mode in ("read", "list"):
            seen.add(name)
            yield Problem(
                f"the script reads {show(place)}, and the channel {name!r} is in Pipe mode: there is a pipe {name}_0, no folder",
                _mode_path(view, name),
                remedy="use File or FastFile mode, or read the pipe",
                location=use.location,
            )
        elif mode == "FastFile" and use.mode == "write":
            seen.add(name)
            yield Problem(
                f"the script writes {show(place)}, and the channel {name!r} is in FastFile mode, which is read-only",
                _mode_path(view, name),
                remedy="write to /tmp, or use File mode",
                location=use.location,
            )


def _mode_path(view: TrainingView, name: str | None) -> tuple[str | int, ...]:
    for channel in view.channels:
        if channel.name == name and "InputMode" in channel.request:
            return (*channel.path, "InputMode")
    return ("AlgorithmSpecification", "TrainingInputMode")


@rule("CHN056", scope="script")
def folder_opened_as_file(view: TrainingView) -> Iterator[Problem]:
    """The script opens a channel's folder as if it were a file.

    What it does:
        Finds ``open``, ``pandas.read_csv``, ``numpy.load`` and their kin on a channel's folder itself, on the way that every run takes.
    Why:
        A channel is a folder, also where it holds one object: ``IsADirectoryError``, and the job fails.
    Example:
          files:
            train.py: |
              import os
        -     rows = open(os.environ["SM_CHANNEL_TRAIN"]).read()
        +     rows = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")).read()
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(rows)
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    names = {f"{INPUT_DATA}/{channel.name}": channel for channel in view.channels if channel.name}
    for use, place in _uses(view):
        channel = names.get(place.rstrip("/"))
        if (
            channel is None
            or use.mode != "read"
            or not use.sure
            or use.call not in entries("libraries", "opening")
        ):
            continue
        if view.input_mode(channel) == "Pipe":
            continue
        yield Problem(
            f"{use.call} gets the folder {show(place)} of the channel {channel.name!r}, and takes a file",
            ("InputDataConfig",),
            remedy="join the file's name: os.path.join(folder, name)",
            location=use.location,
        )


@rule("ART054", severity="warning", scope="script")
def model_dir_overridden(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter sends the model to S3 instead of the model directory.

    What it does:
        Finds an argument whose default is SM_MODEL_DIR and which gets an ``s3://`` URI, mostly from the ``model_dir`` that the TensorFlow
        estimator adds; and a script that takes ``--model_dir`` and knows no other place for its model.
    Why:
        The model goes to that prefix, or fails to be written at all; ``model.tar.gz`` is empty and deploying the job's model fails.
    Example:
          files:
            train.py: |
              import argparse, keras, os
              parser = argparse.ArgumentParser()
        -     parser.add_argument("--model_dir", default=os.environ["SM_MODEL_DIR"])
        +     parser.add_argument("--model_dir", default="")
        +     parser.add_argument("--target", default=os.environ["SM_MODEL_DIR"])
              args = parser.parse_args()
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     keras.Sequential().save(os.path.join(args.model_dir, "1"))
        +     keras.Sequential().save(os.path.join(args.target, "1"))
          HyperParameters: {model_dir: s3://example-bucket/job/model}
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/1895
    """
    facts = readable(view)
    if facts is None:
        return
    started = invocation(view)
    for parser in facts.parsers:
        for argument in parser.arguments:
            folder = resolve(view, argument.default) if argument.default is not None else None
            passed = started.given(argument.flags)
            alone = passed is not None and passed.name == "model_dir" and _alone(facts, argument)
            if folder != MODEL_DIR and not alone:
                continue
            values = passed.values if passed is not None else None
            if passed is None or not values or not values[0].startswith("s3://"):
                continue
            reads = [read for read in facts.env_reads if read.name == "SM_MODEL_DIR"]
            if len(reads) > 1:
                continue  # the script reads the model directory elsewhere too
            yield Problem(
                f"{passed.flag} gets {show(values[0])} instead of {'its default, ' * (folder == MODEL_DIR)}the model directory: "
                "model.tar.gz will be empty",
                passed.path,
                remedy='save below os.environ["SM_MODEL_DIR"], or give the estimator model_dir=False',
                location=argument.location,
            )


def _alone(facts: ScriptFacts, argument: Argument) -> bool:
    """True for the one place of its model that a script knows: an argument that it uses, and no other."""
    named = any(word in text for text in facts.strings for word in ("SM_MODEL_DIR", MODEL_DIR, "/opt/ml"))
    return not named and argument.dest not in facts.unread


@rule("ART055", scope="script")
def folder_not_writable_so(view: TrainingView) -> Iterator[Problem]:
    """The script writes to a folder that is not there, or takes the model directory for a file.

    What it does:
        Finds files written to the model directory's own name, files in a subfolder that nothing makes, and ``os.makedirs`` or
        ``shutil.copytree`` of a folder that SageMaker has made without word that it may be there, on the way that every run takes; a folder that the first
        host alone makes and all write into; links and folders that a loop makes again in each round; and ``os.rename`` or ``os.replace`` from ``/tmp`` to a
        folder that SageMaker mounts; and what is written into a channel of a file system that is mounted for reading alone.
    Why:
        ``IsADirectoryError``, ``No such file or directory`` or ``FileExistsError`` at the end of the training, when all is paid for.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     open(os.environ["SM_MODEL_DIR"], "w").write("1")
        +     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage.html
    """
    facts = script_of(view)
    there, below = _folders(view)
    yield from _made_by_first(view)
    for habit in habits(view, "made-again"):
        yield Problem(
            f"{habit.detail} makes the same in each round of the loop: FileExistsError in the second",
            remedy="make it before the loop, with exist_ok=True, or remove what is there first",
            severity=None if habit.sure else "warning",
            location=habit.location,
        )
    for habit in habits(view, "moved-across"):
        place = resolve(view, habit.text)
        if isinstance(place, str) and any(
            place.startswith(folder + "/") for folder in (*there, "/opt/ml/checkpoints")
        ):
            yield Problem(
                f"{habit.detail} cannot bring a file from /tmp to {show(place.replace(UNKNOWN, '…'))}, which is mounted from elsewhere: "
                "Invalid cross-device link",
                remedy="shutil.move, or write the temporary file beside the one that it replaces",
                severity="warning",
                location=habit.location,
            )
    read_only = {
        f"{INPUT_DATA}/{channel.name}"
        for channel in view.channels
        if mapping(mapping(channel.request, "DataSource"), "FileSystemDataSource").get("FileSystemAccessMode")
        == "ro"
    }
    for use, place in _uses(view):
        if (
            use.sure
            and use.mode in ("write", "make")
            and any(place.startswith(f"{one}/") for one in read_only)
        ):
            yield Problem(
                f"{use.call} writes {show(place.replace(UNKNOWN, '…'))}, and the channel's file system is mounted for reading "
                "alone: Read-only file system",
                remedy="write to /tmp or the output folder, or set FileSystemAccessMode to rw",
                location=use.location,
            )
    for use, place in (*_uses(view), *_of_host(view)):
        if use.sure:
            yield from _not_writable(facts, use, place, there, below)


def _of_host(view: TrainingView) -> Iterator[tuple[PathUse, str]]:
    """Uses of a path below a folder that is named after the host, as it is on the first one."""
    host = EnvPart("SM_CURRENT_HOST")
    for use in script_of(view).paths:
        for path in use.paths:
            if not isinstance(path, Const) and host in path.parts:
                parts = tuple("algo-1" if part == host else part for part in path.parts)
                place = resolve(view, Text(parts))
                if isinstance(place, str) and UNKNOWN not in place.rpartition("/")[0]:
                    yield use, place


def _folders(view: TrainingView) -> tuple[set[str], list[str]]:
    """The folders that SageMaker makes before the script starts, and those of them that are kept."""
    there = {MODEL_DIR, "/opt/ml/output/data", "/opt/ml/output", "/opt/ml/input", INPUT_DATA}
    below = [MODEL_DIR, "/opt/ml/output/data"]
    if isinstance(view, ProcessingView):
        below = [*(view.outputs or ())]
        there = {*(view.inputs or ()), *below}
    local = checkpoint_path(view)
    return there | {local} if local else there, below


def _not_writable(
    facts: ScriptFacts, use: PathUse, place: str, there: set[str], below: list[str]
) -> Iterator[Problem]:
    """What is wrong with a folder that is made, or a file that is written, on the way that every run takes."""
    plain = place.rstrip("/")
    if (
        use.mode in ("make", "write")
        and plain in there
        and use.call in ("os.makedirs", "os.mkdir", "mkdir", "shutil.copytree")
        and "rmtree" not in facts.attributes
    ):
        copies = use.mode == "write"
        yield Problem(
            f"{use.call} {'to' if copies else 'of'} {show(place)}, which SageMaker has made already: FileExistsError",
            remedy="dirs_exist_ok=True" if copies else "exist_ok=True",
            location=use.location,
        )
    elif use.mode == "write" and use.call in entries("libraries", "writing") and plain in there:
        yield Problem(
            f"{use.call} writes to {show(place)}, which is a folder",
            remedy="join a file's name: os.path.join(folder, name)",
            location=use.location,
        )
    elif use.mode == "write" and use.call in entries("libraries", "writing") and not _makes(facts):
        folder = plain.rpartition("/")[0]
        if any(folder.startswith(known + "/") for known in below) and folder not in there:
            yield Problem(
                f"{use.call} writes {show(place.replace(UNKNOWN, '…'))}, and nothing makes the folder {folder!r}",
                remedy=f"os.makedirs({folder!r}, exist_ok=True) first",
                location=use.location,
            )


def _makes(facts: ScriptFacts) -> bool:
    """True where folders may be made that the reading does not see."""
    makers = {"makedirs", "mkdir", "mkpath", "copytree", "save_pretrained", "ensure_dir", "rmtree", "chdir"}
    return bool(facts.attributes & makers) or facts.outside_effects


def _made_by_first(view: TrainingView) -> Iterator[Problem]:
    """A folder that the first host makes alone, and that every host writes into: each has a disk of its own."""
    if (view.host_count or 0) < 2:
        return
    made: dict[bool, set[str]] = {True: set(), False: set()}
    uses = list(_uses(view))
    for use, place in uses:
        if use.mode == "make" and UNKNOWN not in place:
            made[any(holds(view, test) is False for test in use.tests)].add(place.rstrip("/"))
    for use, place in uses if made[True] - made[False] else ():
        folder = place.rpartition("/")[0]
        others = not any(holds(view, test) is False for test in use.tests)
        if use.mode == "write" and use.local and others and folder in made[True] - made[False]:
            yield Problem(
                f"{use.call} writes into {show(folder)} on every host, and the first host alone makes it: each has a disk of its own",
                remedy="let every host make it: os.makedirs(…, exist_ok=True) without the test",
                severity=None if use.sure else "warning",
                location=use.location,
            )
            return


@rule("FRM062", severity="warning", scope="script")
def other_framework(view: TrainingView) -> Iterator[Problem]:
    """The script imports a framework or a package that the image does not have.

    What it does:
        Where the image is one of Amazon's framework images: looks for an import of another framework, on the way that every run takes, that
        requirements.txt does not bring; and, beside a script that starts no pip, and whose requirements.txt, where it has one, names packages alone that bring
        no others of these, of a package that the image is not published with,
        or that pandas wants beside it (openpyxl for Excel files, s3fs for places in S3): any in an image for scikit-learn, well-known ones (``transformers``, ``lightning``, ``lightgbm`` …) in those for PyTorch, TensorFlow, Hugging Face
        and XGBoost.
    Why:
        ``ModuleNotFoundError``: an image for scikit-learn has no PyTorch, one for PyTorch no TensorFlow.
    Example:
          files:
            train.py: |
              import os
        -     import torch
        +     import joblib
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     torch.save(torch.zeros(1), os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))
        +     joblib.dump(1, os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))
          region: us-east-1
          AlgorithmSpecification: {TrainingImage: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/pre-built-docker-containers-frameworks.html
    """
    facts = script_of(view)
    if view.image is None:
        return
    yield from not_published(view, facts)
    if facts.outside_effects:
        return
    wanted = [
        one
        for one in facts.imports
        if one.sure and not one.level and one.module.partition(".")[0] in FRAMEWORKS
    ]
    if not wanted:
        return
    from cursus.aws.images import amazon_image

    image = amazon_image(view.image)
    if image is None or image.engine not in {"sklearn", *FRAMEWORKS.values()}:
        return
    brought = {one.name.lower() for one in facts.requirements}
    for one in wanted:
        module = one.module.partition(".")[0]
        if FRAMEWORKS[module] != image.engine and not any(name.startswith(module) for name in brought):
            yield Problem(
                f"the script imports {module}, and {image.repository} is an image for {image.engine}",
                ("AlgorithmSpecification", "TrainingImage"),
                remedy=f"choose an image for {FRAMEWORKS[module]}, or put {module} into requirements.txt",
                location=one.location,
            )
            return


# -- files of the machine that the script was written on ----------------------------------------------

HOMES = ("/home/", "/Users/", "~", "/content/", "/root/", "C:", "D:", "/mnt/", "/kaggle/")
CODE = "/opt/ml/code"


def covers(made: str, place: str) -> bool:
    """True where something that the script writes may be what it reads."""
    if UNKNOWN in made:
        start = made.partition(UNKNOWN)[0]
        return place.startswith(start)
    return place == made or place.startswith(made.rstrip("/") + "/") or made.rpartition(".")[0] == place


def own_file(view: TrainingView, place: str, use: PathUse) -> Problem | None:
    """What is wrong with a file that the script reads and that is of no channel."""
    facts = script_of(view)
    plain = place.removeprefix("./").rstrip("/").removeprefix(f"{CODE}/")
    plain = posixpath.normpath(plain) if "/../" in f"/{plain}/" else plain
    elsewhere = _elsewhere(view, plain)
    if elsewhere:
        told = f"the script reads {show(place)}, {elsewhere}"
        inside = plain.removeprefix("../")
        remedy = f"read it from {brought_by(view)}"
        if inside in facts.directory_listing:
            remedy = f"write {inside!r}: the source directory has it, and the job runs there"
        return Problem(told, remedy=remedy, location=use.location)
    if plain.startswith(("/", "..")) or plain in facts.directory_listing or not facts.directory_listing:
        return None
    return Problem(
        f"the script reads {show(place)}, which is not in the source directory and which it does not write",
        remedy=f"read it from {brought_by(view)}, or put the file into the source directory",
        location=use.location,
    )


def _elsewhere(view: TrainingView, place: str) -> str:
    """Why the container has nothing at a place; empty where it may have."""
    if place.startswith(HOMES):
        return "a path of the machine that it was written on"
    if not f"{place}/".startswith("../") or invocation(view).kind != "toolkit" or view.framework is None:
        return ""
    full = posixpath.normpath(f"{CODE}/{place}")
    below = full.removeprefix("/opt/ml/")
    if full == below or below.partition("/")[0] in entries("toolkit", "tree"):
        return ""
    return f"which is {full}: of what is beside the source directory the container has nothing"


def searched(view: TrainingView, facts: ScriptFacts, made: list[str]) -> Iterator[Problem]:
    """Where every run searches for files and there are none: no error, and nothing is read."""
    started = invocation(view)
    for use in facts.paths:
        if (
            use.mode != "look"
            or use.call not in entries("libraries", "searching")
            or not use.sure
            or started.kind == "command"
        ):
            continue
        for path in use.paths:
            place = resolve(view, path)
            if not isinstance(place, str) or any(covers(other, place) for other in made):
                continue
            elsewhere = _elsewhere(view, place.partition(UNKNOWN)[0].rstrip("/"))
            if elsewhere:
                told = (
                    f"the script searches {show(place.replace(UNKNOWN, '…'))}, {elsewhere}: it finds no file"
                )
                remedy = f"search in {brought_by(view)}"
                yield Problem(told, remedy=remedy, severity="warning", location=use.location)

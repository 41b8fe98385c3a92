"""Paths that lead elsewhere than they seem to, and the functions that an endpoint looks for by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.checks.evidence.serving import PICKLES
from cursus.checks.rules import Problem, rule
from cursus.checks.script.artifacts import MODEL_FILE, mentions_upload, writes
from cursus.checks.script.opened import made_places
from cursus.checks.script.request import (
    INPUT_DATA,
    MODEL_DIR,
    UNKNOWN,
    channel_names,
    channel_of,
    habits,
    invocation,
    resolve,
    script_of,
)
from cursus.checks.views import TrainingView
from cursus.model import Location, SourceCode
from cursus.redact import show
from cursus.script.facts import ScriptFacts, Text
from cursus.script.source.files import shown_below

BRACES = re.compile(r"\{([A-Za-z_]\w*)(?:[.\[][^{}]*)?(?::[^{}]*)?\}")


@rule("ART064", severity="warning", scope="script")
def first_part_dropped(view: TrainingView) -> Iterator[Problem]:
    """A path is joined with one that begins with a slash, has braces that nothing fills, or lacks the slash before a pattern.

    What it does:
        Finds ``os.path.join(folder, "/name")`` and ``Path(folder) / "/name"`` where the first part is a folder of SageMaker's; and files that
        are opened under names with braces around a name of the script's, ``"{args.model_dir}/model.txt"`` without the f; and
        ``glob.glob(folder + "*.csv")`` of a channel's folder, which finds nothing.
    Why:
        A part that begins with a slash drops all before it: what was to be in the model directory is at the root of the container, and lost.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        -     open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "/report.txt"), "w").write("1")
        +     open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "report.txt"), "w").write("1")
    Source:
        https://docs.python.org/3/library/os.path.html#os.path.join
    """
    facts = script_of(view)
    for habit in habits(view, "first-dropped"):
        first = resolve(view, habit.text)
        if isinstance(first, str) and first.startswith("/opt/ml/"):
            opened = (path for use in facts.paths if use.mode == "read" and use.sure for path in use.paths)
            read = any(resolve(view, path) == habit.detail for path in opened)
            missing = read and habit.detail not in made_places(view)
            yield Problem(
                f"{show(habit.detail)} begins with a slash, so that {show(first.replace(UNKNOWN, '…'))} before it is dropped",
                remedy=f"write {habit.detail.lstrip('/')!r}",
                severity="error" if missing else None,
                location=habit.location,
            )
    yield from _unfilled(facts)
    yield from _unparted(view, facts)


def _unparted(view: TrainingView, facts: ScriptFacts) -> Iterator[Problem]:
    """A search beside a channel's folder, for what was to be in it."""
    channels = channel_names(view) or frozenset()
    for use in facts.paths:
        for path in use.paths if channels and use.call in ("glob.glob", "glob.iglob") else ():
            place = resolve(view, path)
            name = channel_of(place) if isinstance(place, str) else None
            channel, _, ending = (name or "").partition("*")
            if channel in channels and ending.startswith(".") and place == f"{INPUT_DATA}/{name}":
                yield Problem(
                    f"{use.call} looks for {show(place)}: a slash is missing behind the folder, and nothing is found",
                    remedy=f"write os.path.join(folder, '*{ending}')",
                    location=use.location,
                )


def _unfilled(facts: ScriptFacts) -> Iterator[Problem]:
    """Braces in the name of a file that is opened: a text that was to be an f-string."""
    told: set[str] = set()
    for use in facts.paths:
        for path in use.paths if use.local and use.mode in ("read", "write", "make") else ():
            written = path.literal if isinstance(path, Text) else None
            braces = BRACES.search(written) if written else None
            if braces is not None and braces[1] in facts.attributes and braces[0] not in told:
                told.add(braces[0])
                yield Problem(
                    f"{show(written)} is a path with braces: nothing puts a value in place of {braces[0]}",
                    remedy='begin the text with f: f"…"',
                    severity="error" if use.mode == "read" and use.sure else None,
                    location=use.location,
                )


@rule("ART065", severity="warning", scope="script")
def model_outside(view: TrainingView) -> Iterator[Problem]:
    """The model is written where it is lost, and something else into the model directory.

    What it does:
        Finds a file called as a model is (``model.json``, ``weights.pt``) that every run writes outside of what SageMaker keeps, where what goes
        to the model directory is called otherwise and nothing reads, moves or copies the file; checkpoints of Lightning that a logger takes to its folder; and links in the model directory that lead out of it.
    Why:
        The job is completed, model.tar.gz has files, and the model is not among them.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "labels.txt"), "w").write("1")
        -     open("/tmp/model.bin", "w").write("1")
        +     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.bin"), "w").write("1")
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    facts = script_of(view)
    for habit in habits(view, "linked"):
        link = resolve(view, habit.text)
        if not isinstance(link, str) or not link.startswith(MODEL_DIR + "/"):
            continue
        if habit.detail.startswith("/") and not f"{habit.detail}/".startswith(MODEL_DIR + "/"):
            yield Problem(
                f"{show(link.replace(UNKNOWN, '…'))} is a link to {show(habit.detail)}, which is not in model.tar.gz",
                remedy="copy the file there: shutil.copyfile",
                location=habit.location,
            )
    yield from _of_logger(view, facts)
    if not facts.paths or mentions_upload(facts) or facts.attributes & HANDED_ON:
        return
    written = [(use, place) for use, place in writes(view)]
    inside = [place for _, place in written if place.startswith(MODEL_DIR + "/")]
    if not inside or any(UNKNOWN in place or MODEL_FILE.search(place) for place in inside):
        return
    read = {resolve(view, path) for use in facts.paths if use.mode in ("read", "look") for path in use.paths}
    for use, place in written:
        outside = place.startswith("/") and not place.startswith("/opt/ml/")
        if use.sure and outside and UNKNOWN not in place and MODEL_FILE.search(place) and place not in read:
            yield Problem(
                f"the model goes to {show(place)}, which ends with the instance; the model directory gets {show(inside[0])}",
                remedy="save it below SM_MODEL_DIR",
                location=use.location,
            )


def _of_logger(view: TrainingView, facts: ScriptFacts) -> Iterator[Problem]:
    """Checkpoints of Lightning, which go to the logger's folder where the Trainer has one, and nothing else is saved."""
    if facts.attributes & {*HANDED_ON, *SAVES} or any(
        name.endswith("ModelCheckpoint") for name in facts.calls
    ):
        return
    for habit in habits(view, "root-of-logger"):
        root, folder = (resolve(view, text) for text in (habit.text, habit.others[0].text))
        lost = isinstance(folder, str) and UNKNOWN not in folder and not folder.startswith("/opt/ml/")
        if lost and isinstance(root, str) and f"{root}/".startswith(MODEL_DIR + "/"):
            yield Problem(
                f"the checkpoints go to {folder!r}, the folder of the {habit.detail}: with a logger default_root_dir has no say",
                remedy="trainer.save_checkpoint(…) below SM_MODEL_DIR, or ModelCheckpoint(dirpath=…)",
                location=habit.location,
            )


SAVES = frozenset(
    {"save_checkpoint", "save", "dump", "save_pretrained", "to_torchscript", "to_onnx", "export"}
)
HANDED_ON = frozenset(
    {"copy", "copy2", "copyfile", "copytree", "move", "rename", "replace", "rmtree", "chdir"}
)


ESTIMATORS = frozenset({"tensorflow", "mxnet", "chainer"})
"""Frameworks whose own functions of the training have such names."""


@rule("ART067", severity="warning", scope="script")
def handler_misnamed(view: TrainingView) -> Iterator[Problem]:
    """A function or class that an endpoint looks for by name is called otherwise, or excludes another one.

    What it does:
        Where the script, or inference.py beside it, has one of ``model_fn``, ``input_fn``, ``predict_fn`` and ``output_fn``: finds a function
        of nearly such a name, one that takes ``model_dir`` where there is no ``model_fn``, one that takes other arguments than it is given,
        and ``transform_fn`` beside one of the others. And models of a class of the script itself that are saved whole, where a ``model_fn`` loads them.
    Why:
        The serving container calls these functions by name. Without them it takes its own, which for scikit-learn fails: ``Please provide a
        model_fn implementation``. ``transform_fn`` does the work of the other three, and the container refuses both together. A pickle names the classes of the
        script that was started as ``__main__.Model``: ``Can't get attribute 'Model'``.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        -     def load_fn(model_dir):
        +     def model_fn(model_dir):
                  return open(os.path.join(model_dir, "model.txt")).read()
              def predict_fn(data, model):
                  return model
    Source:
        https://sagemaker.readthedocs.io/en/stable/frameworks/sklearn/using_sklearn.html;
        https://github.com/aws/sagemaker-inference-toolkit
    """
    facts, source = script_of(view), view.step.source
    if source is None or not facts.readable or invocation(view).kind != "toolkit":
        return
    from cursus.script.data.serving import SHAPES, excluded_function, misnamed_function, misshaped_function

    yield from _of_main(view, source)
    names = [
        source.entry_point,
        *(name for name in ("inference.py", "code/inference.py") if name in facts.directory_listing),
    ]
    for name in dict.fromkeys(names):
        found = misnamed_function(FilePath(source.directory) / name)
        if found is not None:
            there, handler, line = found
            yield Problem(
                f"the serving container looks for {handler}, and {name} has {there}",
                remedy=f"call it {handler}",
                location=Location(shown_below(source.directory, name), line),
            )
        shaped = (
            None if facts.top_imports & ESTIMATORS else misshaped_function(FilePath(source.directory) / name)
        )
        if shaped is not None:
            yield Problem(
                f"the serving container calls {shaped[0]}({', '.join(SHAPES[shaped[0]])}), and {name} has {shaped[0]}({shaped[1]})",
                remedy="take what it is given, in that order, or call a function of the training otherwise",
                location=Location(shown_below(source.directory, name), shaped[2]),
            )
        excluded = excluded_function(FilePath(source.directory) / name)
        if excluded is not None:
            yield Problem(
                f"{name} has {excluded[0]} beside transform_fn, and the serving container refuses both together",
                remedy="let transform_fn do all of it, or take it out",
                location=Location(shown_below(source.directory, name), excluded[1]),
            )


def _of_main(view: TrainingView, source: SourceCode) -> Iterator[Problem]:
    """A model whose class is one of the started script: a pickle looks for it by the name ``__main__``."""
    saved = [place for _, place in writes(view) if place.startswith(MODEL_DIR)]
    if not any(place.endswith(PICKLES) for place in saved):
        return
    from cursus.script.data.serving import has_model_function, pickled_class

    found = pickled_class(FilePath(source.directory) / source.entry_point)
    if found is not None and has_model_function(FilePath(source.directory)):
        yield Problem(
            f"the saved model holds an object of the class {found[0]} of {source.entry_point}, which a pickle calls __main__.{found[0]}: "
            "on an endpoint another program is __main__",
            remedy="put the class into a module of its own, and import it from there in both places",
            location=Location(shown_below(source.directory, source.entry_point), found[1]),
        )

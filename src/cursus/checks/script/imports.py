"""Modules of the script's own: those that it imports and that the source directory does not have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from cursus.aws.tables import entries
from cursus.checks.rules import Problem, rule
from cursus.checks.script.conditions import all_hold
from cursus.checks.script.processing_view import ProcessingView
from cursus.checks.script.published import is_known, optional, published
from cursus.checks.script.request import script_of
from cursus.checks.views import TrainingView
from cursus.script.evaluation.conditions import told
from cursus.script.facts import ArgPart, Condition, Const, Habit, Imported, Part, ScriptFacts, Text
from cursus.script.source.there import is_file
from cursus.suggest import did_you_mean, one_letter

if TYPE_CHECKING:
    pass


@rule("FRM055", severity="warning", scope="script")
def local_module_missing(view: TrainingView) -> Iterator[Problem]:
    """The script imports a module of its own that the source directory does not have.

    What it does:
        Finds relative imports that lead nowhere, and imports of plainly local names (``utils``, ``resnet_model``, ``from tools.Reader import
        Reader`` …) with no such file in the source and no such requirement; and modules whose absence a ``try`` answers with a stand-in
        of the script's own. It is an error where the module lies beside a script that is uploaded by itself.
    Why:
        ``ModuleNotFoundError``: only the source directory gets into the container, not the folders around it. An estimator or FrameworkProcessor
        of the SDK's version 2 without ``source_dir``, and ``run(code=…)`` of a ScriptProcessor, upload one file.
    Example:
          files:
            train.py: |
              import os
              from utils import load
              load(os.environ["SM_CHANNEL_TRAIN"], os.environ["SM_MODEL_DIR"])
        +   utils.py: |
        +     import os
        +     def load(source, target):
        +         open(os.path.join(target, "model.txt"), "w").write(str(os.listdir(source)))
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/1325
    """
    facts = script_of(view)
    if not facts.readable or "sys.path.append" in facts.calls or "sys.path.insert" in facts.calls:
        return
    if any("PYTHONPATH" in name for name in view.environment) or "setup.py" in facts.directory_listing:
        return
    packages = {one.name.lower().replace("-", "_") for one in facts.requirements}
    beside = _beside(view)
    seen = set()
    for one in facts.imports:
        top = one.module.partition(".")[0]
        if not one.sure or top in seen:
            continue
        if beside is not None and _has_module(beside, top):
            seen.add(top)
            yield Problem(
                f"the script imports {one.module!r} from beside it, and {facts.entry.rpartition('/')[2]} alone is uploaded",
                remedy="give the folder as source_dir; a processing step needs a FrameworkProcessor for that",
                severity="error",
                location=one.location,
            )
            continue
        if one.level:
            if one.location.file == facts.entry and "." not in seen:
                seen.add(".")
                yield Problem(
                    "the entry point has a relative import, and it is started as a script: "
                    "attempted relative import with no known parent package",
                    remedy=f"write it without the dot: from {one.module or '…'} import …",
                    severity="error",
                    location=one.location,
                )
            elif one.level > _depth(facts, one) and ".." not in seen:
                seen.add("..")
                yield Problem(
                    "the relative import goes above the package that it is in: attempted relative import beyond top-level package",
                    remedy=f"write it without the dots: from {one.module or '…'} import …",
                    severity="error",
                    location=one.location,
                )
            continue
        names = [name[:-3].replace("/", ".") for name in facts.directory_listing if name.endswith(".py")]
        local = _own_name(one) or (_nearly(top, names) and not is_known(top))
        if local and top.lower() not in packages and not _made(facts, top):
            seen.add(top)
            below = one.module.partition(".")[2]
            yield Problem(
                f"the script imports {one.module!r}, which is not in the source directory.{did_you_mean(top, names)}",
                remedy=f"write from {below} import …: in the container imports begin at the source directory, not above it"
                if below and below in names
                else f"put {f'the package {top!r}' if below else f'{top}.py'} into the source directory, "
                "or its package into requirements.txt",
                location=one.location,
            )
    yield from _fallbacks(facts, packages)


MAKES = frozenset({"clone", "nbconvert", "build_ext", "--inplace"})
"""Words of commands that put modules of unknown names beside a script."""


def _made(facts: ScriptFacts, module: str) -> bool:
    """True where the script itself may bring a module: it makes it, installs its package, or fetches more than it names."""
    words = {word.removesuffix(".git").rpartition("/")[2] for one in _said(facts) for word in one.split()}
    installs = "install" in words and {module, module.replace("_", "-")} & words
    if installs or MAKES & words or "pyximport" in facts.top_imports or _written(facts, module):
        return True
    code = [use for use in facts.paths if use.mode == "unpack"]
    return any(_in_code(path) for use in code for path in use.paths)


def _written(facts: ScriptFacts, module: str) -> bool:
    """True where the script may make the file of a module: it names it, or has protoc make such ones."""
    said = _said(facts)
    if module.endswith(("_pb2", "_pb2_grpc")) and any(
        "protoc" in one or "--python_out" in one for one in said
    ):
        return True
    return any(one.endswith(f"{module}.py") or f"{module}.py " in one for one in said)


def _said(facts: ScriptFacts) -> list[str]:
    """The short texts of a script."""
    return [one for one in facts.strings if len(one) < 300 and "\n" not in one]


def _in_code(path: Text | Const) -> bool:
    """True for a path in the folder that the script runs in."""
    first = path.parts[0] if isinstance(path, Text) else None
    return isinstance(first, str) and (not first.startswith("/") or first.startswith("/opt/ml/code"))


def _depth(facts: ScriptFacts, one: Imported) -> int:
    """The number of folders of the source that a module lies in, each of which a dot may name."""
    places = [name for name in facts.directory_listing if f"/{one.location.file}".endswith(f"/{name}")]
    return max((name.count("/") for name in places), default=one.level)


def _beside(view: TrainingView) -> FilePath | None:
    """The folder of a script that is uploaded without what lies there; None for any other."""
    source = view.step.source
    alone = source is not None and (view.alone if isinstance(view, ProcessingView) else source.alone)
    if source is None or not alone or "--py-files" in str(view.algorithm.get("ContainerEntrypoint")):
        return None
    return FilePath(source.directory, source.entry_point).parent


def _has_module(folder: FilePath, name: str) -> bool:
    if not name or is_known(name):
        return False
    return is_file(folder / f"{name}.py") or next((folder / name).glob("*.py"), None) is not None


MISFITS = {
    "not-pickled": (
        "{} is a function that has no name of its own in a module, and pickle refuses it",
        "make a method of it, or a function of the module",
    ),
    "circular-import": (
        "{} is not there yet: its module is half made, and imports this one, which imports it back: ImportError",
        "put what both need into a third module, or import it inside of the function that needs it",
    ),
    "stops-without-data": (
        "{}: Must have at least 1 validation dataset for early stopping",
        'evals=[(held_out, "validation")]',
    ),
    "option-unheard": (
        "{} does not take what its option gives it: TypeError: got an unexpected keyword argument",
        "name its parameter as click calls the option: in small letters, with underscores",
    ),
    "layers-apart": (
        "{}: mat1 and mat2 shapes cannot be multiplied",
        "write the width that comes from the layer before it",
    ),
    "no-probabilities": (
        "{} has no probabilities as it is made: AttributeError",
        'loss="log_loss" for SGDClassifier, probability=True for SVC',
    ),
    "no-main-guard": (
        "{} starts processes that import this script anew, and there they would be started again: RuntimeError",
        "put what starts them under if __name__ == '__main__':",
    ),
    "not-json": ("the argument {} is a Path, which JSON cannot hold", "json.dump(…, default=str)"),
    "other-mode": (
        "{0[0]} wants a file that is opened for {0[2]}, and its mode is {0[1]!r}",
        "open(…, {0[3]!r})",
    ),
    "shut-mode": ("{}", "open(…, 'r') to read, open(…, 'w') to write"),
    "array-in-json": (
        "{} gives what JSON cannot hold: an array or a number of another kind",
        "float(…), or .tolist()",
    ),
    "fraction": ("{} is a fraction since Python 3, and a whole number is wanted here", "// in place of /"),
    "text-and-number": ("{} is a number, which cannot be put behind a text by +", "str(…), or an f-string"),
    "no-key": ("{} (KeyError)", "name a key that it has"),
    "exchanged": ("{}", "hand them over in the order of the parameters, or by name"),
    "key-as-member": ("{}", "config['name'], or config.get('name', default)"),
    "set-unread": ("{}", "write the two names alike"),
    "near-key": ("{}: the default is taken", "write the two names alike"),
    "unpacked": ("{}: ValueError", "take as many names as it returns values"),
    "nothing-back": (
        "{} returns nothing, and its result is used: TypeError",
        "return what is wanted, or hand over the function itself, without the parentheses",
    ),
    "not-text": ("{} is set to what is no text, and os.environ takes texts alone", "str(…)"),
}
"""What is told of a value that is handed to what cannot take it, and what to write instead."""


@rule("FRM070", scope="script")
def name_missing(view: TrainingView) -> Iterator[Problem]:
    """The script uses a name that is not there, or a value where it cannot be.

    What it does:
        Looks for names that neither the module, the functions around, nor Python defines; for members that a module of the
        source does not have (``from utils import laod``, ``config.RATE``); for arguments that no parser declares (``args.mode``); and for
        calls of the source's own functions that do not fit them; for measures that Lightning's callbacks watch and nothing logs, options of click that the command's function does not take,
        early stops without data, linear layers of other widths, and probabilities that a classifier does not have; for names that are set in a branch alone that this request does
        not take, or in a function that uses them first; for members that no class of the source has; and for lambdas that are pickled, paths and arrays in JSON, numbers put into
        ``os.environ`` or behind a text, what functions return that is unpacked into other numbers of names or is nothing, fractions for counts, files that are opened the other way round, modules that import
        each other, and processes that are spawned without a main guard. Where it is not certain that the place is reached, it is a warning.
    Why:
        ``NameError``, ``ImportError``, ``AttributeError`` or ``TypeError``, often after hours of training: the job fails.
    Example:
          files:
            train.py: |
              import argparse, os
        -     def train():
        +     def train(args):
                  print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]), args.epochs)
              def main():
                  parser = argparse.ArgumentParser()
                  parser.add_argument("--epochs", type=int, default=1)
                  args = parser.parse_args()
        -         train()
        +         train(args)
                  open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
              main()
    Source:
        https://docs.python.org/3/reference/executionmodel.html#resolution-of-names
    """
    facts = script_of(view)
    for habit in facts.habits:
        if habit.kind == "undefined-name":
            told = f"the name {habit.detail!r} is defined nowhere that this place can see"
            remedy = f"define {habit.detail!r} first, hand it in, or write it as it is spelt elsewhere"
        elif habit.kind == "no-member":
            name = habit.detail.rpartition(".")[2]
            if _written(facts, FilePath(habit.source).stem) or (
                "setattr" in facts.calls and name in facts.strings
            ):
                continue  # the file is another by then
            hidden = hides(facts, habit.source)
            told = f"the source's {_short(habit.source)} has no {name!r}" + (
                f", and hides the module {hidden!r} that has it" if hidden else ""
            )
            remedy = (
                "give the file another name"
                if hidden
                else f"define {name!r} there, or correct what is written here"
            )
        elif habit.kind == "no-option":
            told = f"the script reads the argument {habit.detail!r}, which its parser does not declare"
            remedy = f"declare it: add_argument('--{habit.detail}', …), or do not read it"
            if "-" in habit.detail:
                remedy = (
                    f"read {habit.detail.replace('-', '_')!r}: argparse writes an underscore for a hyphen"
                )
        elif habit.kind == "no-attribute":
            owner, _, name = habit.detail.rpartition(".")
            told = f"nothing gives an object of the class {owner} a member {name!r}"
            remedy = f"define {name!r} in the class, or write it as it is spelt there"
        elif habit.kind == "lightning-monitor":
            told = f"{habit.detail} watches {habit.key!r}, which nothing in the module logs"
            remedy = f"log it: self.log({habit.key!r}, …), or watch what is logged"
        elif habit.kind == "base-not-made":
            told = f"{habit.detail}.__init__ does not call super().__init__(), which sets {habit.key!r}"
            remedy = "call super().__init__(…) first"
        elif habit.kind == "hidden-method":
            told = f"__init__ sets a value under the name of the method {habit.detail}, which can no longer be called"
            remedy = "give the value another name"
        elif habit.kind in MISFITS:
            if habit.text is not None and not _is_number(facts, habit.part):
                continue
            told, remedy = (text.format(_parts(habit.detail)) for text in MISFITS[habit.kind])
        elif habit.kind == "bad-call":
            told = f"{habit.detail}: it is defined in {_short(habit.source)} otherwise"
            remedy = "call it as it is defined, or change its definition"
        elif habit.kind == "unbound":
            handled = [test for test in habit.tests if test.kind == "handled"]
            if not all_hold(view, [test for test in habit.tests if test not in handled]):
                continue
            yield _unbound(habit, handled)
            continue
        else:
            continue
        yield Problem(
            told, remedy=remedy, severity=None if habit.sure else "warning", location=habit.location
        )


def _is_number(facts: ScriptFacts, part: Part | None) -> bool:
    """True for an argument that is always a number, where it is given at all."""
    types = [a.type for a in facts.arguments if isinstance(part, ArgPart) and a.dest == part.dest]
    return bool(types) and all(kind in ("int", "float") for kind in types)


def _parts(detail: str) -> str | tuple[str, ...]:
    """Of a call and the mode of its file also what the mode had to be."""
    call, colon, mode = detail.partition(":")
    if not colon:
        return detail
    right = mode.replace("b", "") if "b" in mode else mode + "b"
    return call, mode, "text" if "b" in mode else "bytes", right


def _unbound(habit: Habit, handled: list[Condition]) -> Problem:
    """A name that nothing has given a value by the time it is used; ``handled``: only after an error that is caught."""
    name = habit.detail
    if habit.key == "global":
        return Problem(
            f"{name!r} is used here before the function sets it: as it does, the name is its own, and not the module's",
            remedy=f"global {name}, or another name",
            severity=None if habit.sure else "warning",
            location=habit.location,
        )
    tests = told(habit.tests)
    when = (
        f"where the {handled[0].written} is caught"
        if handled
        else "with this request" + f" ({tests})" * bool(tests)
    )
    return Problem(
        f"{name!r} is used here, and {when} nothing has given it a value",
        remedy=f"set {name!r} there too, or before",
        severity=None if habit.sure and not handled else "warning",
        location=habit.location,
    )


def _short(file: str) -> str:
    """A module's file without its folders; a package's with its own."""
    parts = file.split("/")
    return "/".join(parts[-2:] if parts[-1] == "__init__.py" else parts[-1:])


def hides(facts: ScriptFacts, file: str) -> str:
    """The module of the standard library or of a framework that a file of the source hides; empty for any other."""
    return next(
        (
            f.detail
            for f in facts.faults
            if f.kind in ("shadows-stdlib", "shadows-library") and f.location.file == file
        ),
        "",
    )


def _fallbacks(facts: ScriptFacts, packages: set[str]) -> Iterator[Problem]:
    """Imports in ``try`` of a module that is not there, which the script's own stand-in answers without a word."""
    for habit in facts.habits:
        top = habit.detail.partition(".")[0]
        if habit.kind != "fallback-import" or is_known(top) or optional(top) or top.lower() in packages:
            continue
        if any(one.module.partition(".")[0] == top for one in facts.imports):
            yield Problem(
                f"{habit.detail!r} is in neither the source directory nor requirements.txt: unless the image has it, "
                "its stand-in is used without a word",
                remedy=f"put {top}.py into the source directory, or let the import fail",
                location=habit.location,
            )


def _own_name(one: Imported) -> bool:
    """True for a module that is called as people call their own: ``data_loader``, ``resnet_model``, ``tools.Reader``."""
    top, _, inside = one.module.partition(".")
    if top in LOCAL_NAMES:
        return True
    if is_known(top) or optional(top) or top.split("_")[0] in entries("libraries", "first_words"):
        return False
    last = inside.rpartition(".")[2]
    if last and last in one.names and last[:1].isupper():  # a class in a file of its name
        return True
    return "_" in top and top.rpartition("_")[2] in OWN_ENDINGS


def _nearly(name: str, names: list[str]) -> bool:
    """True where the source has a file of the same name but for an ending, an underscore, the case or one letter."""
    plain = name.lower().replace("_", "").rstrip("s")
    if any(other.lower().replace("_", "").rstrip("s") == plain and other != name for other in names):
        return True
    return len(name) >= 5 and any(one_letter(name, other) for other in names) and not published(name)


OWN_ENDINGS = frozenset(
    {"model", "models", "util", "utils", "helper", "helpers", "loader", "dataset", "config", "constants"}
    | {"layers", "functions", "losses", "network", "trainer", "preprocessing", "processing", "params"}
    | {"classes", "common"}
)
"""Last words of names of modules that people write for one project."""
LOCAL_NAMES = frozenset(
    [
        "utils",
        "util",
        "helpers",
        "helper",
        "common",
        "config",
        "configs",
        "settings",
        "model",
        "models",
        "my_model",
        "network",
        "networks",
        "dataset",
        "data_utils",
        "data_loader",
        "dataloader",
        "dataloaders",
        "data_loaders",
        "preprocess",
        "preprocessing",
        "features",
        "feature_engineering",
        "trainer",
        "train_utils",
        "training_utils",
        "losses",
        "loss",
        "metrics_utils",
        "constants",
        "lib",
        "src",
        "source",
        "scripts",
        "modules",
        "layers",
        "options",
        "params",
        "callbacks",
        "engine",
        "evaluate_utils",
        "transforms_utils",
        "model_utils",
        "arguments",
    ]
)

"""The source directory as the container gets it: entry point, syntax, requirements, names, and how the script ends."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path as FilePath

from cursus.aws.tables import table
from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import invocation, script_of
from cursus.checks.texts import PROGRAM
from cursus.checks.views import TrainingView, text
from cursus.model import Location, Path, Severity
from cursus.redact import show
from cursus.script.facts import Fault
from cursus.script.syntax.parsing import parse
from cursus.suggest import did_you_mean


def program_path(view: TrainingView) -> Path:
    return (view.hyperparameters_member, PROGRAM) if PROGRAM in view.hyperparameters else ()


def _faults(view: TrainingView, *kinds: str) -> Iterator[Fault]:
    facts = script_of(view)
    for fault in facts.faults:
        if fault.kind in kinds:
            yield fault


@rule("FRM050", scope="script")
def entry_point_missing(view: TrainingView) -> Iterator[Problem]:
    """The entry point is not a script in the source directory.

    What it does:
        Looks for the source directory, for the entry point inside it, and for what kind of file it is; for the Python file that a shell
        script hands its arguments on to; and for files that a shell script names as before, though it has gone to another folder.
    Why:
        The SDK refuses it, or the toolkit fails the job: only what is in the source directory gets into the container, and only
        a Python or shell script is started.
    Example:
        - files: {train.py: "print(1)"}
        - entry_point: trian.py
        + files:
        +   train.py: |
        +     import os
        +     print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        +     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/1325; https://sagemaker.readthedocs.io/en/stable/overview.html
    """
    place = program_path(view)
    for fault in _faults(
        view,
        "no-directory",
        "entry-missing",
        "entry-directory",
        "entry-special",
        "entry-outside",
        "notebook",
        "started-missing",
        "left-program",
        "left-file",
        "unreadable",
    ):
        if fault.kind == "started-missing" and invocation(view).kind != "toolkit":
            continue  # another image may have it, in the folder that it begins in
        if fault.kind == "no-directory":
            text_, remedy = (
                f"there is no source directory {show(fault.detail)}",
                "give the folder that holds the script",
            )
        elif fault.kind == "entry-missing":
            name = view.step.source.entry_point if view.step.source else ""
            names = fault.detail.split("\n")
            text_ = f"the entry point {show(name)} is not in the source directory.{did_you_mean(name, names)}"
            remedy = f"it has {', '.join(repr(one) for one in names[:5] if one) or 'no scripts'}"
        elif fault.kind == "entry-directory":
            text_, remedy = f"the entry point {show(fault.detail)} is a folder", "name the script inside it"
        elif fault.kind == "entry-special":
            text_ = f"the entry point {show(fault.detail)} is no regular file: a pipe, or a link that leads to no file"
            remedy = "put the script itself there"
        elif fault.kind == "entry-outside":
            text_ = f"the entry point {show(posixpath.normpath(fault.detail))} is outside the source directory, which is all that is uploaded"
            remedy = "move it into the source directory, or give the folder above as the source directory"
        elif fault.kind == "notebook":
            text_, remedy = (
                f"the entry point {show(fault.detail.rpartition('/')[2])} is a notebook; Python and shell scripts are run, "
                "and no notebooks",
                "export it as a Python script",
            )
        elif fault.kind == "started-missing":
            near = did_you_mean(fault.detail, script_of(view).directory_listing)
            text_ = f"the shell script starts {show(fault.detail)}, which the source directory does not have.{near}"
            remedy = "name a file by its path below the source directory, in which the script runs"
        elif fault.kind in ("left-program", "left-file"):
            file, _, folder = fault.detail.partition("\n")
            text_ = f"the shell script has gone to {show(folder)} and names {show(file)} from the folder where it began"
            remedy = f"name it from there: {posixpath.relpath(file, folder)}"
        else:
            text_, remedy = f"{fault.location} cannot be read: {fault.detail}", "make the file readable"
        where = fault.location
        if fault.kind in _NOT_THERE:
            key = "source_dir" if fault.kind == "no-directory" else "entry_point"
            where = _named_by(view, key) or where
        severity: Severity | None = "warning" if fault.kind == "left-file" else None
        yield Problem(text_, place, remedy=remedy, severity=severity, location=where)


_NOT_THERE = ("no-directory", "entry-missing", "entry-outside")


def _named_by(view: TrainingView, key: str) -> Location | None:
    """Where the builder or its configuration names the source: a file that is not there is no place to look at."""
    promises = view.step.promises
    for hook in ("config", "get_step_config"):
        said = promises.hooks.get(hook)
        if isinstance(said, Mapping) and key in said:
            return promises.place(hook, key)
    return None


@rule("FRM051", scope="script")
def syntax_error(view: TrainingView) -> Iterator[Problem]:
    """A Python file of the source does not parse.

    What it does:
        Parses the entry point and every module of the source that it imports, without running them, and for an image of an older
        Python as that Python would; there, too, finds annotations such as `int | None` and `list[str]` that it evaluates. Where one is
        too long or nested too deeply to be read, it says that nothing of it was checked.
    Why:
        The script ends with SyntaxError or TypeError as soon as it starts, and the job fails.
    Example:
        - files: {train.py: "def main(:\\n    pass\\n"}
        + files:
        +   train.py: |
        +     import os
        +     print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        +     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://docs.python.org/3/reference/grammar.html
    """
    for fault in _faults(view, "syntax"):
        yield Problem(
            f"syntax error: {fault.detail}",
            location=fault.location,
            remedy="python -m py_compile names the place",
        )
    for fault in _faults(view, "unread"):
        yield Problem(
            f"nothing of this file was checked: {fault.detail}",
            location=fault.location,
            remedy="put what is generated or only data into a file of its own that the script reads",
            severity="info",
        )
    facts = script_of(view)
    version = python_of(view)
    if version is None or not facts.readable or view.step.source is None:
        return
    for file in facts.files:
        path = FilePath(file)
        problem = _too_new(file, path.stat().st_mtime_ns if path.exists() else 0, version)
        if problem is not None:
            line, message = problem
            yield Problem(
                f"the image has Python {version[0]}.{version[1]}, which does not know this: {message}",
                location=Location(file, line),
                remedy="write it for that Python, or choose an image with a newer one",
                # Whether every run comes to import another module is not asked.
                severity=python_severity(view) if file == facts.entry else "warning",
            )


def python_of(view: TrainingView) -> tuple[int, int] | None:
    """The Python that the image's tag, or the builder, names; or the image's Dockerfile, where the tag says py3."""
    match = re.fullmatch(r"(?:py)?3\.?(\d{1,2})", _named_python(view) or "")
    if match is None and view.framework is not None and view.image is not None:
        known = table("removals")["pythons"].get(view.framework.framework, {})
        match = re.fullmatch(r"3\.(\d+)", known.get(view.framework.version, ""))
    return (3, int(match.group(1))) if match else None


def python_severity(view: TrainingView) -> Severity | None:
    """A warning where the Python is the Dockerfile's: an image may be built anew under its tag."""
    return None if re.search(r"3\.?\d", _named_python(view) or "") else "warning"


def _named_python(view: TrainingView) -> str | None:
    found = view.step.promises.python_version
    if view.image is not None:
        from cursus.aws.images import parse_image

        image = parse_image(view.image)
        found = (image.python_version if image is not None else None) or found
    return found


@lru_cache(maxsize=256)
def _too_new(path: str, stamp: int, version: tuple[int, int]) -> tuple[int, str] | None:
    """What in a file needs a newer Python than ``version``: (line, what)."""
    try:
        tree = parse(FilePath(path).read_bytes(), version)
    except SyntaxError as error:
        return error.lineno or 1, error.msg
    except (OSError, ValueError, RecursionError):
        return None
    if version >= (3, 12):
        return None
    for node in ast.walk(tree):
        if version < (3, 8) and isinstance(node, ast.NamedExpr):
            return node.lineno, "assignment expressions (:=) need Python 3.8"
        if version < (3, 10) and type(node).__name__ == "Match":
            return getattr(node, "lineno", 1), "the match statement needs Python 3.10"
        if version < (3, 11) and type(node).__name__ == "TryStar":
            return getattr(node, "lineno", 1), "except* needs Python 3.11"
    return next(_newer_types(tree, version), None)


GENERIC = frozenset({"dict", "frozenset", "list", "set", "tuple", "type"})


def _newer_types(tree: ast.Module, version: tuple[int, int]) -> Iterator[tuple[int, str]]:
    """Annotations that are evaluated when the module is loaded, and fail in this Python."""
    if version >= (3, 10) or any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(one.name == "annotations" for one in node.names)
        for node in tree.body
    ):
        return
    for node in (part for annotation in _annotations(tree.body) for part in ast.walk(annotation)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            if any(isinstance(side, ast.Constant) and side.value is None for side in (node.left, node.right)):
                yield node.lineno, f"{ast.unparse(node)!r} as a type needs Python 3.10, or Optional"
        elif version < (3, 9) and isinstance(node, ast.Subscript) and ast.unparse(node.value) in GENERIC:
            yield node.lineno, f"{ast.unparse(node)!r} as a type needs Python 3.9, or typing"


def _annotations(body: list[ast.stmt]) -> Iterator[ast.expr]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _annotations(statement.body)
        elif isinstance(statement, ast.AnnAssign):
            yield statement.annotation
        elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            of = statement.args
            several = [*of.posonlyargs, *of.args, *of.kwonlyargs, *filter(None, (of.vararg, of.kwarg))]
            yield from (one.annotation for one in several if one.annotation is not None)
            yield from filter(None, (statement.returns,))


@rule("FRM054", severity="warning", scope="script")
def file_hides_module(view: TrainingView) -> Iterator[Problem]:
    """A file of the source hides a module of the same name.

    What it does:
        Finds files beside the entry point that are called like the standard library's or a framework's modules.
    Why:
        The script's folder is first on ``sys.path``: ``import torch`` finds ``torch.py`` there, also from inside other libraries.
        It is an error where the entry point has the name of a library that it imports: it imports itself.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        -   random.py: "SEED = 1"
        +   seeds.py: "SEED = 1"
    Source:
        https://docs.python.org/3/tutorial/modules.html#the-module-search-path
    """
    for fault in _faults(view, "shadows-stdlib", "shadows-library"):
        whose = "the standard library" if fault.kind == "shadows-stdlib" else "a library"
        facts = script_of(view)
        if any(one.source == fault.location.file for one in facts.habits):
            continue  # what it lacks is used, which FRM070 tells
        users = table("libraries")["imported_by"].get(fault.detail)
        if users is not None and facts.top_imports.isdisjoint(users):
            continue
        own = fault.location.file == facts.entry and fault.detail in facts.top_imports
        yield Problem(
            f"{fault.location.file} hides the module {fault.detail!r} of {whose} from everything that imports it",
            remedy="give the file another name",
            severity="error" if own else None,
            location=fault.location,
        )


@rule("FRM071", scope="script")
def package_entry_in_folder(view: TrainingView) -> Iterator[Problem]:
    """The entry point is in a folder, and the source directory has a setup.py.

    What it does:
        Looks for ``setup.py`` at the top of the source directory, where the entry point is a Python script in a folder below it.
    Why:
        With a ``setup.py`` the toolkit starts the entry point as a module, by its name without ``.py``: ``python -m src/train``,
        ``No module named src/train``, and the job fails.
    Example:
          files:
            setup.py: |
              from setuptools import setup
              setup(name="churn")
        -   src/train.py: |
        +   train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        - entry_point: src/train.py
        + entry_point: train.py
    Source:
        https://github.com/aws/sagemaker-training-toolkit/issues/54
    """
    facts = script_of(view)
    entry = view.step.source.entry_point if view.step.source is not None else ""
    if "setup.py" not in facts.directory_listing or not entry.endswith(".py"):
        return
    if "/" in entry.removeprefix("./") and invocation(view).kind == "toolkit":
        module = entry.removesuffix(".py")
        yield Problem(
            f"the source directory has a setup.py, so that {show(entry)} is started as a module: python -m {module}",
            program_path(view),
            remedy="put the script beside setup.py, or leave setup.py out: requirements.txt is installed without it",
        )


@rule("FRM056", scope="script")
def windows_line_ends(view: TrainingView) -> Iterator[Problem]:
    """The shell script that is the entry point has Windows line ends.

    What it does:
        Looks at the first line of an entry point that is no Python file.
    Why:
        The kernel looks for an interpreter called ``bash\\\\r``: ``No such file or directory``, ``bad interpreter``, and the job fails.
    Example:
        - files: {train.sh: "#!/bin/bash\\r\\npython -c 'print(1)'\\r\\n"}
        + files: {train.sh: "#!/bin/bash\\npython -c 'print(1)'\\n"}
          entry_point: train.sh
    Source:
        https://github.com/aws/sagemaker-training-toolkit (process.py: an entry point that is a command)
    """
    for fault in _faults(view, "crlf"):
        yield Problem(
            f"{fault.location.file} has Windows line ends (CR LF), and Linux takes the CR for a part of the interpreter's name",
            program_path(view),
            remedy="convert it: sed -i 's/\\r$//'",
            location=fault.location,
        )


@rule("FRM059", severity="warning", scope="script")
def key_in_source(view: TrainingView) -> Iterator[Problem]:
    """The source holds an AWS access key.

    What it does:
        Looks for the form of an access key id in the source's text files.
    Why:
        The source archive goes to S3 and into every container; the job has its role for access.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        -   settings.ini: "key = AKIAZZZZZZZZZZZZZZZZ"
        +   settings.ini: "level = 1"
    Source:
        https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html
    """
    for fault in _faults(view, "aws-key"):
        yield Problem(
            f"{fault.location.file} holds an AWS access key id",
            remedy="take it out and deactivate it; the job's role gives access",
            location=fault.location,
        )


@rule("FRM060", scope="script", reads=("HyperParameters", "StaticHyperParameters"))
def program_is_other(view: TrainingView) -> Iterator[Problem]:
    """sagemaker_program names a script that the source directory does not have.

    What it does:
        Looks for ``sagemaker_program`` in the source directory, where an entry point of another name stands beside
        the request.
    Why:
        The container starts what ``sagemaker_program`` says, whatever the configuration names: without that file
        the job fails as it starts.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          HyperParameters:
        -   sagemaker_program: main.py
        +   sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://github.com/aws/sagemaker-training-toolkit (environment.py: user_entry_point)
    """
    facts = view.script
    given = text(view.hyperparameters, PROGRAM)
    if facts is None or given is None or view.step.source is None:
        return
    program = given.strip('"').removeprefix("./")
    entry = view.step.source.entry_point
    if program in (entry, entry.rpartition("/")[2]) or (
        program in facts.directory_listing and program == entry
    ):
        return
    if program not in facts.directory_listing:
        yield Problem(
            f"sagemaker_program is {show(program)}, and the source directory does not have it"
            f".{did_you_mean(program, facts.directory_listing)}",
            (view.hyperparameters_member, PROGRAM),
            remedy=f"write {entry!r}",
        )

"""The user's training code, as a configuration or an object names it."""

# os.path here: a folder may name thousands of files.
# ruff: noqa: PTH110, PTH111, PTH113, PTH117, PTH118, PTH119, PTH120, PTH208
from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cursus.aws.members import listing, mapping
from cursus.model import SourceCode, Step


def source_code(
    source_dir: Any, entry_point: Any, request: Mapping[str, Any], near: str | None = None
) -> SourceCode | None:
    """The source directory and entry point, as far as they are on this machine; None where none is named.

    Without ``entry_point`` the hyperparameter ``sagemaker_program`` names it; without ``source_dir`` a local
    ``sagemaker_submit_directory``, or the folder of the entry point. A relative directory that is not below
    the current one is looked for beside the file ``near``.
    """
    directory, entry = _path(source_dir), _path(entry_point)
    if entry is None:
        entry = _hyperparameter(request, "sagemaker_program")
    if directory is None:
        submitted = _hyperparameter(request, "sagemaker_submit_directory")
        if submitted is not None and submitted.startswith("file://"):
            directory = submitted.removeprefix("file://")
    if any(named is not None and "://" in named for named in (directory, entry)):
        return None
    if entry is None:
        # One script in a directory leaves no doubt; else the checks say that the entry point is unknown.
        return None if directory is None else _program(local_path(directory, near), request)
    if directory is None:
        if entry_point is None:
            return None
        whole = local_path(entry, near)
        return SourceCode(os.path.dirname(whole) or ".", os.path.basename(whole))
    directory = _directory_of(directory, entry, near)
    if os.path.isabs(entry):
        entry = os.path.relpath(entry, directory)
    return SourceCode(directory, entry)


def of_steps(steps: Iterable[Step], source_dir: Any, entry_point: Any) -> dict[str, SourceCode]:
    """The source of each step of a pipeline that starts a script of the source directory, by the step's name.

    Where none does, it is the source of each training step, as of a request: the checks say what it lacks.
    """
    found: dict[str, SourceCode] = {}
    training: dict[str, SourceCode] = {}
    for step in steps:
        job = step.request.get("TrainingJobDefinition", step.request)
        if step.operation not in RUN_SCRIPTS or not isinstance(job, Mapping):
            continue
        named = _hyperparameter(job, "sagemaker_program")
        source = source_code(source_dir, entry_point or named, job)
        if source is None:
            continue
        own = {os.path.basename(word) for word in (named or "", *_command(job))}
        if os.path.basename(source.entry_point) in own and _is_file(source.directory, source.entry_point):
            found[step.name] = source
        elif step.operation != "CreateProcessingJob":
            training[step.name] = source
    return found or training


RUN_SCRIPTS = frozenset({"CreateTrainingJob", "CreateHyperParameterTuningJob", "CreateProcessingJob"})
"""What runs a script of the user's, with what a step of a pipeline sends."""


def _directory_of(directory: str, entry: str, near: str | None) -> str:
    """The source directory: below the current folder, or beside ``near`` if only that has the entry point."""
    if os.path.isabs(directory) or near is None or os.path.isfile(os.path.join(directory, entry)):
        return directory
    beside = os.path.join(os.path.dirname(near), directory)
    return beside if os.path.isfile(os.path.join(beside, entry)) else local_path(directory, near)


def _program(directory: str, request: Mapping[str, Any]) -> SourceCode | None:
    """The file of a directory that the container's own command starts, its only script, or its program ``train``."""
    words = _command(request)
    for word in words:
        name = os.path.normpath(word).removeprefix("/opt/ml/code/")
        module = name.replace(".", "/") + ".py" if name.replace(".", "").isidentifier() else ""
        for candidate in dict.fromkeys((name, os.path.basename(name), module)):
            if candidate and not os.path.isabs(candidate) and _is_file(directory, candidate):
                return SourceCode(directory, candidate)
    if not words and _is_file(directory, OWN_PROGRAM):
        return SourceCode(directory, OWN_PROGRAM)
    return _only_script(directory)


def _command(request: Mapping[str, Any]) -> list[str]:
    """The words of the container's own command."""
    algorithm = mapping(request, "AlgorithmSpecification") or mapping(request, "AppSpecification")
    members = (listing(algorithm, name) for name in ("ContainerEntrypoint", "ContainerArguments"))
    return [word for words in members for word in words if isinstance(word, str)]


def _is_file(directory: str, name: str) -> bool:
    try:
        return os.path.isfile(os.path.join(directory, name))
    except ValueError:  # a NUL in the name
        return False


OWN_PROGRAM = "train"
"""What SageMaker starts in an image whose request names no command:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-dockerfile.html"""


def _only_script(directory: str) -> SourceCode | None:
    try:
        scripts = [name for name in sorted(os.listdir(directory)) if name.endswith(".py")]
    except (OSError, ValueError):
        return SourceCode(directory, "train.py")
    usual = [name for name in ("train.py", "training.py", "main.py") if name in scripts]
    choice = usual[:1] or (scripts if len(scripts) == 1 else [])
    return SourceCode(directory, choice[0]) if choice else None


def _path(value: Any) -> str | None:
    if isinstance(value, (str, os.PathLike)):
        text = os.fspath(value)
        return os.path.expanduser(text) if isinstance(text, str) and text else None
    return None


def local_path(path: str, near: str | None) -> str:
    """A path of this machine; one that is not below the current folder is looked for beside ``near``."""
    path = os.path.expanduser(path)
    if near is not None and not os.path.isabs(path) and not os.path.exists(path):
        beside = os.path.join(os.path.dirname(near), path)
        if os.path.exists(beside):
            return beside
    return path


def _hyperparameter(request: Mapping[str, Any], name: str) -> str | None:
    values = request.get("HyperParameters", request.get("StaticHyperParameters"))
    value = values.get(name) if isinstance(values, Mapping) else None
    if not isinstance(value, str):
        return None
    if value.startswith('"'):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, str) and value else None


def driver_folder(files: Mapping[str, bytes]) -> str:
    """A folder with the launcher that the SDK's ModelTrainer would upload; it is gone when Python ends."""
    import atexit
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="cursus-drivers-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, data in files.items():
        place = (folder / name).resolve()
        if place.is_relative_to(folder):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    return str(folder)

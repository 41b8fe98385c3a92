"""The user's training code, and the steps around a builder's, as a configuration or an object names them."""

# os.path here: a folder may name thousands of files.
# ruff: noqa: PTH110, PTH111, PTH113, PTH117, PTH118, PTH119, PTH120, PTH208
from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cursus.model import SourceCode, UpstreamStep


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
    if directory is not None and "://" in directory:
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


def _directory_of(directory: str, entry: str, near: str | None) -> str:
    """The source directory: below the current folder, or beside ``near`` if only that has the entry point."""
    if os.path.isabs(directory) or near is None or os.path.isfile(os.path.join(directory, entry)):
        return directory
    beside = os.path.join(os.path.dirname(near), directory)
    return beside if os.path.isfile(os.path.join(beside, entry)) else local_path(directory, near)


def _program(directory: str, request: Mapping[str, Any]) -> SourceCode | None:
    """The file of a directory that the container's own command starts, its only script, or its program ``train``."""
    algorithm = request.get("AlgorithmSpecification")
    algorithm = algorithm if isinstance(algorithm, Mapping) else {}
    words: list[str] = []
    for member in ("ContainerEntrypoint", "ContainerArguments"):
        value = algorithm.get(member)
        words += [word for word in value if isinstance(word, str)] if isinstance(value, (list, tuple)) else []
    for word in words:
        name = os.path.normpath(word).removeprefix("/opt/ml/code/")
        module = name.replace(".", "/") + ".py" if name.replace(".", "").isidentifier() else ""
        for candidate in dict.fromkeys((name, os.path.basename(name), module)):
            if candidate and not os.path.isabs(candidate) and _is_file(directory, candidate):
                return SourceCode(directory, candidate)
    if not words and _is_file(directory, OWN_PROGRAM):
        return SourceCode(directory, OWN_PROGRAM)
    return _only_script(directory)


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
    values = request.get("HyperParameters")
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


def upstream_steps(value: Any) -> tuple[UpstreamStep, ...]:
    """The steps in a configuration's ``upstream``: names, mappings, UpstreamStep, steps, builders."""
    if isinstance(value, (str, UpstreamStep)) or not hasattr(value, "__iter__"):
        value = [value]
    if isinstance(value, Mapping):
        value = [{"name": name, **_entry(entry)} for name, entry in value.items()]
    return tuple(upstream_step(one) for one in value)


def _entry(entry: Any) -> dict[str, Any]:
    if isinstance(entry, Mapping):
        return {str(key): value for key, value in entry.items()}
    return {"outputs": entry} if isinstance(entry, (list, tuple, set)) else {}


def upstream_step(value: Any) -> UpstreamStep:
    """One upstream step: a name, an UpstreamStep, a mapping, or an object with ``name`` and its outputs."""
    if isinstance(value, UpstreamStep):
        return value
    if isinstance(value, str):
        return UpstreamStep(value)
    if isinstance(value, Mapping):
        name = value.get("name", value.get("Name", ""))
        kind = value.get("type", value.get("Type", ""))
        depends = value.get("depends_on", value.get("DependsOn", ()))
        return UpstreamStep(str(name), str(kind), _names(value.get("outputs")), _names(depends) or ())
    if isinstance(value, type):
        try:
            value = value()
        except Exception:
            return UpstreamStep(value.__name__)
    name = _member(value, "name", "step_name") or type(value).__name__
    outputs = _names(_member(value, "outputs", "get_outputs"))
    from cursus.steps.discovery import step_type

    depends = _names(_member(value, "depends_on", "get_dependencies"))
    return UpstreamStep(str(name), step_type(value, create=False)[0] or "", outputs, depends or ())


def _member(value: Any, *names: str) -> Any:
    for name in names:
        try:
            found = getattr(value, name, None)
            found = found() if callable(found) else found
        except Exception:  # an upstream step is not what is tested: what it cannot say is unknown
            continue
        if found is not None:
            return found
    return None


def _names(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return (value,)
    if not hasattr(value, "__iter__"):
        return None
    names = []
    for one in value:
        name = one if isinstance(one, str) else _member(one, "output_name", "name")
        if name is not None:
            names.append(str(name))
    return tuple(names)


def dependencies(*values: Any) -> dict[str, dict[str, str]] | None:
    """Logical input → ``{"step", "output"}`` of what ``get_dependencies`` and its kin returned.

    A list of step names gives each as its own logical input. None where there is no such hook.
    """
    found: dict[str, dict[str, str]] = {}
    known = False
    for value in values:
        if value is None:
            continue
        known = True
        if isinstance(value, Mapping):
            for name, entry in value.items():
                found[str(name)] = _dependency(entry)
        else:
            for entry in value:
                made = _dependency(entry)
                found.setdefault(made.get("input") or made.get("step", ""), made)
    return found if known else None


def _dependency(entry: Any) -> dict[str, str]:
    if isinstance(entry, Mapping):
        return {str(key): value for key, value in entry.items() if isinstance(value, str)}
    return {"step": entry} if isinstance(entry, str) else {}

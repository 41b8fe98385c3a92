"""Folders and whole Python files as targets: every request, definition, registered builder and pipeline in them."""

# os.path here: a folder may name thousands of files.
# ruff: noqa: PTH119, PTH120, PTH123, PTH202
from __future__ import annotations

import os
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING

from cursus.errors import TargetError
from cursus.model import Pipeline, Step
from cursus.steps import refusals

if TYPE_CHECKING:
    from cursus.steps.targets import Options

MOST_NAMES = 10
"""Builders of one file that a message names."""


def of_folder(folder: str, options: Options) -> list[Step | Pipeline]:
    """Every request and definition in the JSON and YAML files below a folder, and its registered builders.

    Files that hold neither are passed over, also where they cannot be read. A request that
    cannot be read is put into ``options.errors``; where there is no such list, a TargetError names them all.
    """
    from cursus.steps.reading.files import candidates

    found, failed = of_files(candidates(folder), options)
    if not found and not failed:
        raise TargetError(
            f"{folder}: no request, definition or registered builder in it. Builders in Python files are "
            "found where the decorator cursus.steps.discovery.step_builder registers them."
        )
    return found


def of_files(paths: Iterable[str], options: Options) -> tuple[list[Step | Pipeline], list[TargetError]]:
    """What those of these files hold that hold something, and the faults of those that should be readable."""
    from cursus.steps.targets import of_file

    found: list[Step | Pipeline] = []
    failed: list[TargetError] = []
    for path in paths:
        try:
            if not path.endswith(".py"):
                found.extend(of_file(path, options, strict=False))
            elif registers(path):
                found.extend(of_python_file(path, options))
        except TargetError as error:
            if path.endswith(".py") or _may_be_request(path):
                failed.append(error)
    if failed and options.errors is None:
        raise TargetError("\n".join(str(error) for error in failed))
    if options.errors is not None:
        options.errors.extend(failed)
    return found, failed


def of_python_file(path: str, options: Options) -> list[Step | Pipeline]:
    """The builders that a Python file registers; its only builder where it registers none; else its SDK pipelines.

    Raises TargetError where there is none, or where it is not clear which is meant.
    """
    from cursus.steps.offline import in_region

    with in_region(options.region):
        return refusals.found(lambda: _of_python_file(path, options), path)


def _of_python_file(path: str, options: Options) -> list[Step | Pipeline]:
    from cursus.steps import discovery
    from cursus.steps.imports import PipelineCallError, import_file
    from cursus.steps.targets import of_object

    try:
        found = discovery.scan(path)
    except PipelineCallError as error:
        named = _named(path, import_file(path), options) if options.errors is not None else []
        if not named or options.errors is None:
            raise
        options.errors.append(error)
        return named
    if not found:
        unregistered = discovery.candidates(path)
        if len(unregistered) != 1:
            if not unregistered:
                return _pipelines(path, options)
            names = " or ".join(f"{path}:{one.__name__}" for one in unregistered[:MOST_NAMES])
            more = len(unregistered) - MOST_NAMES
            raise TargetError(
                f"{path}: which of its builders? Write {names}{f' or one of {more} more' if more > 0 else ''}, "
                "or register them with cursus.steps.discovery.step_builder."
            )
        return of_object(unregistered[0], options, path)
    made: list[Step | Pipeline] = []
    for one in found:
        made.extend(of_object(one.builder, options, f"{path}:{one.name}"))
    return made


def _pipelines(path: str, options: Options) -> list[Step | Pipeline]:
    """The SDK pipelines that a Python file's names stand for, each once; else the one that it creates, or the job that
    it starts, when it is executed, what its get_pipeline returns, or its estimators.

    SageMaker's project templates have such a function, which their run_pipeline calls.
    """
    from cursus.steps import sdk
    from cursus.steps.answers import PIPELINE_CALLS
    from cursus.steps.imports import created_by, import_file, starts_too_early
    from cursus.steps.targets import of_object

    module = import_file(path)
    made = _named(path, module, options)
    if made:
        return made
    for created in created_by(module):
        if created.operation not in PIPELINE_CALLS and hasattr(module, "Pipeline"):  # the step of one to come
            raise starts_too_early(path, created)
        own = [name for name, value in vars(module).items() if value is created.estimator is not None]
        made.extend(of_object(created.as_target(), options, f"{path}:{own[0]}" if own else path))
    if made:
        return made
    function = getattr(module, "get_pipeline", None)
    if hasattr(function, "__code__") and function.__module__ == module.__name__:
        return of_object(function, options, f"{path}:get_pipeline")
    if not hasattr(module, "Pipeline"):
        for name, value in vars(module).items():
            made.extend(of_object(value, options, f"{path}:{name}") if sdk.starts_jobs(value) else ())
    if made:
        return made
    if _trains(path):
        raise TargetError(
            f"{path}: this is a training script. Name the job that starts it, and read the script beside it: "
            f"--source {os.path.dirname(path) or os.curdir} --entry-point {os.path.basename(path)}."
        )
    raise TargetError(
        f"{path}: there is no builder in it: no class has a create_step, and no name stands for a pipeline. A function "
        f"without arguments that returns one, or starts a job, is written FILE:NAME{_maker(path, module)}."
    )


def _named(path: str, module: ModuleType, options: Options) -> list[Step | Pipeline]:
    """The SDK pipelines that a module's names stand for, each once."""
    from cursus.steps import sdk
    from cursus.steps.targets import of_object

    named = {id(value): name for name, value in reversed(vars(module).items()) if sdk.is_pipeline(value)}
    made: list[Step | Pipeline] = []
    for name in reversed(named.values()):
        made.extend(of_object(getattr(module, name), options, f"{path}:{name}"))
    return made


def _trains(path: str) -> bool:
    """True for a file that reads what SageMaker gives a training script, and does not use its SDK."""
    with open(path, "rb") as file:
        text = file.read()
    return b"sagemaker." not in text and any(word in text for word in (b"SM_", b"/opt/ml/"))


def _maker(path: str, module: ModuleType) -> str:
    """How a file's pipeline is named: the function that makes one, or what calls the method of a class that does."""
    from cursus.steps.factories import needed_arguments

    own = [value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__]
    functions = [value for value in own if hasattr(value, "__code__") and not value.__name__.startswith("_")]
    methods = [
        (one, method)
        for one in own
        if isinstance(one, type)
        for method in vars(one).values()
        if "Pipeline" in getattr(getattr(method, "__code__", None), "co_names", ())
    ]
    makers = [value for value in functions if "Pipeline" in value.__code__.co_names]
    if methods and not makers:
        one, method = methods[-1]
        given, named = (
            ", ".join(f"{each}=…" for each in needed_arguments(function)[1:])
            for function in (vars(one).get("__init__"), method)
        )
        return f". Write one: def checked(): return {one.__name__}({given}).{method.__name__}({named})"
    likely = makers or [value for value in functions if "pipeline" in value.__name__.lower()] or functions
    return f", such as {path}:{likely[-1].__name__}" if likely else ""


def _may_be_request(path: str) -> bool:
    """False for a file that cannot be read but has no word of a request: another tool's template."""
    from cursus.steps import kinds
    from cursus.steps.reading import files

    try:
        with open(path, "rb") as file:
            return kinds.mentions(file.read(files.MAX_BYTES))
    except OSError:
        return True


def registers(path: str) -> bool:
    """True where a Python file mentions the decorator: no other file of a folder is imported."""
    try:
        if os.path.getsize(path) > 1_000_000:
            return False
        with open(path, "rb") as file:
            return b"step_builder" in file.read()
    except OSError:
        return False

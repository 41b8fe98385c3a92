"""Targets named in text: ``package.module:Builder``, ``file.py:Builder``, ``module:object.attribute``."""

# os.path here: a folder may name thousands of files.
# ruff: noqa: PTH109, PTH113, PTH116, PTH118, PTH119, PTH120, PTH122
from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import sys
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from cursus.errors import TargetError, first_words
from cursus.steps.answers import PIPELINE_CALLS, RequestCaptured
from cursus.steps.offline import offline
from cursus.suggest import did_you_mean, file_meant


def named_object(module: str, name: str) -> Any:
    """The object ``name`` (attributes with dots) of a module or Python file.

    Raises TargetError where the module cannot be imported, with the line that failed, or has no such name.
    """
    where: Any = whole(module_of(module))
    found = where
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            if found is where and (started := created_by(where)):
                raise starts_too_early(module, started[-1]) from None
            raise TargetError(f"{module} has no {name!r}.{_meant(part, found)}") from None
        except Exception as error:
            raise TargetError(f"{module}:{name} raised {_says(error)} when it was read.") from None
    return next((one for one in created_by(where) if found is one.estimator), found)


def _meant(part: str, found: Any) -> str:
    """What may have been meant: the nearest name, or else the classes and functions of a module's own."""
    hint = did_you_mean(part, [one for one in dir(found) if not one.startswith("_")])
    if hint or not isinstance(found, ModuleType):
        return hint
    own = [
        name
        for name, one in vars(found).items()
        if getattr(one, "__module__", None) == found.__name__ and name[0] != "_"
    ]
    return f" It has {', '.join(map(repr, own[:5]))}{' and more' if len(own) > 5 else ''}." if own else ""


def module_of(name: str) -> ModuleType:
    """A module, or that of a Python file."""
    return import_file(name) if name.endswith(".py") else import_module(name)


def import_module(name: str) -> ModuleType:
    """Import a module by its dotted name, from the current folder too."""
    if os.sep in name:
        raise TargetError(f"{name}: there is no such file. A file is written file.py:Builder.")
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        with offline():
            return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise TargetError(
                f"there is no module {error.name!r}, neither installed nor below the current folder."
                + did_you_mean(error.name, [one.stem for one in Path(here).glob("*.py")])
            ) from None
        raise TargetError(_failed(f"importing {name}", error)) from None
    except BaseException as error:
        raise failure(f"importing {name}", error) from None


def import_file(path: str) -> ModuleType:
    """Import a Python file; its folder is on ``sys.path`` from then on, as when it is run.

    A file of a package is imported as the package's module, so that its relative imports work. A file that
    changed since is imported anew. One that starts a job or creates its pipeline is executed so far (``created_by``),
    and so is one that fails in a call of its finished pipeline (``whole``).
    """
    if not os.path.isfile(path):
        raise TargetError(f"{path}: there is no such file.{file_meant(path)}")
    path = os.path.realpath(path)
    package = _module_of_package(path)
    if package is not None:
        root, name = package
        _put_on_path(root)
        return import_module(name)
    status = os.stat(path)
    key = hashlib.sha1(
        f"{path}:{status.st_mtime_ns}:{status.st_size}".encode(), usedforsecurity=False
    ).hexdigest()
    stem = os.path.splitext(os.path.basename(path))[0]
    name = f"_cursus_target_{key[:12]}_{stem}"
    if name in sys.modules:
        return sys.modules[name]
    _put_on_path(os.path.dirname(path))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{path}: this is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with offline() as answers:
        answers.captured, answers.jobs = None, []
        try:
            spec.loader.exec_module(module)
        except KeyboardInterrupt:
            del sys.modules[name]
            raise
        except BaseException as error:
            if answers.captured is None:
                if not _calls_a_pipeline(module, error.__traceback__):
                    del sys.modules[name]
                    raise failure(f"importing {path}", error) from None
                _failed_calls[name] = PipelineCallError(_failed(f"importing {path}", error))
        last = answers.captured
        _created[name] = [last] if last is not None and last.operation == PIPELINE_CALLS[0] else answers.jobs
    return module


class PipelineCallError(TargetError):
    """A file fails where it creates, updates or starts the pipeline that it has made by then."""


_failed_calls: dict[str, PipelineCallError] = {}


def whole(module: ModuleType) -> ModuleType:
    """The module of a file, if all of it was executed. Raises PipelineCallError otherwise."""
    if module.__name__ in _failed_calls:
        raise _failed_calls[module.__name__]
    return module


def _calls_a_pipeline(module: ModuleType, traceback: TracebackType | None) -> bool:
    """True where what failed is a call of an SDK pipeline that the module has, and not the making of its definition."""
    from linecache import checkcache, getline

    from cursus.steps.sdk import is_pipeline

    line, functions = "", set()
    while traceback is not None:
        code = traceback.tb_frame.f_code
        functions.add(code.co_name)
        if traceback.tb_frame.f_globals is vars(module) and code.co_name == "<module>":
            checkcache(code.co_filename)
            line = getline(code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    called = _CALL.search(line)
    return called is not None and is_pipeline(vars(module).get(called[1])) and "definition" not in functions


_CALL = re.compile(r"\b(\w+)\.(?:upsert|create|update|start)\(")


_created: dict[str, list[RequestCaptured]] = {}


def created_by(module: ModuleType) -> list[RequestCaptured]:
    """The Create calls, of jobs or of a pipeline, that a file's own code was about to send when it was imported."""
    return _created.get(module.__name__, [])


def starts_too_early(path: str, started: RequestCaptured) -> TargetError:
    """That importing a file would start a job, where that job is not what is asked for."""
    return TargetError(_failed(f"importing {path}", started))


def _put_on_path(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _module_of_package(path: str) -> tuple[str, str] | None:
    """(folder of the package, dotted name) of a file inside a package, None for one that stands alone."""
    folder, file = os.path.split(path)
    parts = [] if file == "__init__.py" else [os.path.splitext(file)[0]]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        parts.insert(0, package)
    alone = len(parts) <= 1 and file != "__init__.py"
    if alone or not parts or not all(part.isidentifier() for part in parts):
        return None
    return folder, ".".join(parts)


def failure(doing: str, error: BaseException) -> TargetError:
    """The error for code of the reader's that raised: one that becomes a finding where the SageMaker SDK refuses it."""
    from cursus.steps.refusals import failed

    remedy = _hint(error) or "Change what this line gives it: nothing is sent before."
    return failed(_failed(doing, error), error, _says(error), _line(error.__traceback__), remedy)


def _failed(doing: str, error: BaseException) -> str:
    """A message with the reader's own line: the deepest frame that is not Python's import machinery."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{doing} failed: {error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}."
    line = _line(error.__traceback__)
    at = f" at {line}" if line else ""
    if isinstance(error, RequestCaptured) and error.operation in PIPELINE_CALLS:
        return (
            f"{doing} would change the pipeline in the account{at}: {error.operation} was about to be sent. Put that "
            'below if __name__ == "__main__":, or name the function that returns the pipeline, FILE:FUNCTION.'
        )
    if isinstance(error, RequestCaptured):
        return (
            f"{doing} would start a job{at}: {error.operation} was about to be sent. The steps of a pipeline are made "
            "with a PipelineSession, which starts nothing; a job of its own belongs into a function, FILE:FUNCTION."
        )
    return f"{doing} failed{at}: {_says(error)}. {_hint(error)}".rstrip()


def _hint(error: BaseException) -> str:
    variable = _VARIABLE.search(str(error)) if isinstance(error, (TypeError, AttributeError)) else None
    if variable is None:
        return ""
    return (
        f"What a {variable[0]} stands for is known only when the pipeline runs: put texts together with "
        "Join(on=…, values=[…]), and give the object whose method is called a PipelineSession as its sagemaker_session."
    )


_VARIABLE = re.compile(
    r"\b(?:Parameter(?:String|Integer|Float|Boolean)|Properties(?:List|Map)?|ExecutionVariable|JsonGet)\b"
)
"""What the SageMaker SDK calls the values that only an execution has."""


def _line(traceback: TracebackType | None) -> str | None:
    """The deepest line of the reader's own code; a library's only where there is none."""
    own = None
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        outside = file.startswith(("<frozen", os.path.dirname(__file__) + os.sep))
        library = "site-packages" in file or file.startswith((sys.base_prefix + os.sep + "lib", "<"))
        if not outside and not library and os.sep + "importlib" + os.sep not in file:
            own = f"{file}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return own


def _says(error: BaseException) -> str:
    message = first_words(error).rstrip(".")
    return f"{type(error).__name__}: {message}" if message else type(error).__name__

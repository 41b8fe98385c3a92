"""A target, whatever it is, turned into steps and pipelines."""

# os.path here: a folder may name thousands of files.
# ruff: noqa: PTH110, PTH112, PTH119, PTH122
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from cursus.errors import TargetError
from cursus.model import Path, Pipeline, Step
from cursus.redact import show
from cursus.steps import refusals
from cursus.steps.plain import NestingError, plain, sent
from cursus.steps.requests import describe_unknown, from_mapping, is_json_text, parse_text
from cursus.suggest import file_meant, kind_of

if TYPE_CHECKING:
    from cursus.steps.reading.documents import Document
    from cursus.steps.sdk import Defined


class Options(NamedTuple):
    """How a target is to be read: what ``load`` was given beside it."""

    kind: str | None
    config: Any
    source_dir: str | os.PathLike[str] | None
    entry_point: str | None
    region: str | None
    parameters: Mapping[str, Any] | None
    errors: list[TargetError] | None
    skip_others: bool


def load(
    target: Any,
    *,
    kind: str | None = None,
    config: Any = None,
    source_dir: str | os.PathLike[str] | None = None,
    entry_point: str | None = None,
    region: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    errors: list[TargetError] | None = None,
    skip_others: bool = False,
) -> list[Step | Pipeline]:
    """Turn whatever stands for steps into them.

    Args:
        target: a request mapping or pipeline definition, a builder (class or instance), a Step or Pipeline, a
            SageMaker SDK object, the path of a JSON or YAML file or of a folder of them,
            ``package.module:Builder`` or ``file.py:Builder``; or a list of these.
        kind: the operation that a mapping stands for (``CreateTrainingJob``, or a word such as ``training``),
            where its members leave a doubt.
        config: the flat training configuration that a builder is made with.
        source_dir: directory of the training script.
        entry_point: the training script, relative to ``source_dir``.
        region: the region of the jobs.
        parameters: values of pipeline parameters, by name.
        errors: where given, a file of a folder, or a document of a file, that cannot be read is put there and the
            others are read all the same.
        skip_others: a JSON or YAML file that holds neither request nor definition gives nothing, as in a folder.

    Raises:
        TargetError: the target is none of these, or cannot be read.
        ConfigurationError: ``config`` is no configuration.
    """
    options = Options(kind, config, source_dir, entry_point, region, parameters, errors, skip_others)
    if isinstance(target, Mapping):
        return _with_options(_of_mapping(target, options), options)
    return _with_options(_of_any(target, options), options)


def _of_any(target: Any, options: Options) -> list[Step | Pipeline]:
    if isinstance(target, (Step, Pipeline)):
        return [target]
    if isinstance(target, str):
        if is_json_text(target):
            return _of_mapping(parse_text(target), options)
        return _of_text(target, options)
    if isinstance(target, os.PathLike):
        return _of_text(os.fspath(target), options)
    if isinstance(target, (list, tuple)):
        found: list[Step | Pipeline] = []
        for one in target:
            found.extend(load_one(one, options))
        if not found:
            raise TargetError("an empty list stands for no step.")
        return found
    from cursus.steps.reading.documents import Document

    if isinstance(target, Document):
        return _of_document(target, "", options)
    return of_object(target, options)


def load_one(target: Any, options: Options) -> list[Step | Pipeline]:
    """One target of several, with the same options."""
    return _of_mapping(target, options) if isinstance(target, Mapping) else _of_any(target, options)


def _of_mapping(target: Mapping[str, Any], options: Options) -> list[Step | Pipeline]:
    try:
        data = sent(target)
    except NestingError as error:
        raise TargetError(f"this mapping cannot be sent: {error}.") from None
    except Exception as error:  # keys and mappings of somebody's own
        raise TargetError(f"this mapping cannot be read: {type(error).__name__}: {error}.") from None
    found = from_mapping(data, kind=options.kind, region=options.region, parameters=options.parameters)
    if not found:
        raise TargetError(
            f"this mapping is neither request nor definition: {describe_unknown(data)}. "
            "Give kind, such as CreateTrainingJob, where it is one all the same."
        )
    return found


def _of_text(text: str, options: Options) -> list[Step | Pipeline]:
    path, colon, name = text.rpartition(":")
    if colon and path and name and not os.path.exists(text) and not _is_file_name(text):
        from cursus.steps.imports import named_object
        from cursus.steps.offline import in_region

        if "://" in text:
            raise TargetError(f"{text}: nothing is read from the network: download it, and name the file.")
        if path.lower().endswith((".json", ".yaml", ".yml")):
            raise TargetError(
                f"{text}: a name after a colon is that of a Python object; name the file alone."
            )
        with in_region(options.region):
            return refusals.found(lambda: of_object(named_object(path, name), options, text), text)
    if os.path.isdir(text):
        from cursus.steps.folders import of_folder

        return of_folder(text, options)
    if text.endswith(".py"):
        from cursus.steps.folders import of_python_file

        return of_python_file(text, options)
    if options.skip_others and text.lower().endswith((".json", ".yaml", ".yml")):
        from cursus.steps.folders import of_files

        return of_files([text], options)[0]
    return of_file(text, options)


def of_file(path: str, options: Options, *, strict: bool = True) -> list[Step | Pipeline]:
    """Every request and definition in a JSON or YAML file.

    With ``strict`` a file that holds something else raises TargetError; without, it gives nothing.
    """
    from cursus.steps.reading import files

    if path.lower().endswith(".ipynb") and os.path.exists(path):
        raise TargetError(
            f"{path}: this is a notebook: put what makes the job into a function of a Python file."
        )
    if not path.lower().endswith(files.SUFFIXES) and not os.path.exists(path):
        builder = _installed(path)
        if builder is None:
            raise TargetError(_no_such(path))
        return of_object(builder, options, path)
    name = os.path.splitext(os.path.basename(path))[0]
    others: list[TargetError] = []
    found = [
        one
        for document in files.read_all(path)
        for one in _of_document(document, name, options, strict=strict, others=others)
    ]
    if others and (not found or options.errors is None):
        raise TargetError("\n".join(map(str, others)))
    if options.errors is not None:
        options.errors.extend(others)
    return found


def _of_document(
    document: Document,
    name: str,
    options: Options,
    *,
    strict: bool = True,
    others: list[TargetError] | None = None,
) -> list[Step | Pipeline]:
    """Every request and definition of one document; ``name`` is a request's that has none of its own.

    What is none of them is put into ``others``, and raised where there is no such list.
    """
    found: list[Step | Pipeline] = []
    entries = document.data if isinstance(document.data, list) and document.data else [document.data]
    for index, data in enumerate(entries):
        made = None
        if isinstance(data, Mapping):
            from cursus.steps.reading.origins import at

            made = from_mapping(
                data,
                kind=options.kind if strict else None,
                name=name,
                origins=at(document.origins, (index,) if entries is document.data else ()),
                problems=document.problems if index == 0 else (),
                region=options.region,
                parameters=options.parameters,
                sure=not strict,
            )
        if made is not None:
            found.extend(made)
        elif strict:
            where = _place(document, (index,) if entries is document.data else ())
            odd = TargetError(f"{where}: neither request nor pipeline definition: {describe_unknown(data)}.")
            if others is None:
                raise odd
            others.append(odd)
    return found


def _place(document: Document, path: Path) -> str:
    """The file, and the line where not the whole of it is meant: another stands before."""
    origin = document.origins.get(path)
    location = origin.location if origin is not None else None
    if location is None or not (path or (location.line or 0) > 1):
        return document.path
    return f"{document.path}:{location.line}:{location.column}"


def _is_file_name(text: str) -> bool:
    """True for the path of a file on Windows, whose drive stands before a colon: ``C:\\jobs\\request.json``."""
    return text[1:3] in (":\\", ":/") and not text.rpartition(":")[2].isidentifier()


def _installed(name: str) -> Any:
    """The builder that a package registers under this name by an entry point, None where there is none."""
    if not name.replace("-", "_").isidentifier():
        return None
    from cursus.steps import discovery

    return next((one.builder for one in discovery.installed() if one.name == name), None)


def _no_such(path: str) -> str:
    if os.sep not in path and "." in path and not path.startswith("."):
        return (
            f"{path}: there is no such file. A builder in a module is written package.module:Builder, "
            "one in a file file.py:Builder."
        )
    return f"{path}: there is no such file or folder.{file_meant(path)}"


def of_object(target: Any, options: Options, text: str = "") -> list[Step | Pipeline]:
    """The steps of a Python object: a builder, an SDK object, a request, or a function that returns one."""
    from cursus.steps.offline import in_region

    with in_region(options.region):
        name = text or getattr(target, "name", None) or type(target).__name__
        found = refusals.found(lambda: _of_object(target, options, text), name)
        return [_written(one, text) if refusals.is_refused(one) else one for one in found]


def _of_object(target: Any, options: Options, text: str) -> list[Step | Pipeline]:
    from cursus.steps import sdk
    from cursus.steps.lowering.builders import lower

    if isinstance(target, Mapping) or (text and isinstance(target, (Step, Pipeline, list, tuple))):
        found = load_one(target, options)
        if not isinstance(target, Mapping):
            return found
        return [_written(found[0], text)] if len(found) == 1 else [_started(one, text) for one in found]
    if isinstance(target, (str, bytes, int, float, set)) or target is None:
        raise TargetError(
            f"{text + ': ' if text else ''}{show(target)} is {kind_of(target)}, which is no step."
        )
    defined = sdk.definition(target)
    if defined is not None:
        return [_written(_pipeline(target, defined, options), text)]
    collected = sdk.collection(target)
    if collected is not None:
        return [replace(step, region=step.region or options.region) for step in collected]
    if _is_function(target):
        from cursus.steps.factories import call_factory

        made_by = text or getattr(target, "__name__", "")
        return of_object(call_factory(target, text, options.region), options, made_by)
    step = lower(
        target,
        options.config,
        source_dir=options.source_dir,
        entry_point=options.entry_point,
        region=options.region,
    )
    return [_written(step, text)]


def _pipeline(target: Any, defined: Defined, options: Options) -> Pipeline:
    """An SDK pipeline, with what it says of itself."""
    from cursus.steps.offline import answered_here

    return Pipeline(
        str(getattr(target, "name", "") or "pipeline"),
        plain(defined.definition),
        options.parameters or {},
        region=options.region or defined.region,
        problems=(answered_here(defined.answered),) if defined.answered else (),
        sources=defined.sources,
    )


def _written(one: Step | Pipeline, text: str) -> Step | Pipeline:
    """A step or pipeline of a Python file with the places where it is written there; ``text`` is its target."""
    path, _, name = text.rpartition(":")
    if not path or one.origins:
        return one
    from cursus.steps.imports import module_of
    from cursus.steps.written import of_object as origins_of

    owner: Any = module_of(path)
    one = _started(one, text)
    if _is_function(getattr(owner, name, None)):
        owner = getattr(owner, name)
    data = one.definition if isinstance(one, Pipeline) else one.request
    return replace(one, origins=origins_of(owner, name, data))


def _started(one: Step | Pipeline, text: str) -> Step | Pipeline:
    """A pipeline with what the Python file of its target starts it with."""
    path, _, name = text.rpartition(":")
    if not path or not isinstance(one, Pipeline):
        return one
    from cursus.steps.imports import module_of
    from cursus.steps.started import starts

    file = getattr(module_of(path), "__file__", None)
    return replace(one, starts=starts(file, name)) if isinstance(file, str) else one


def _is_function(target: Any) -> bool:
    return callable(target) and not isinstance(target, type) and hasattr(target, "__code__")


def _with_options(found: list[Step | Pipeline], options: Options) -> list[Step | Pipeline]:
    """The steps with the source code that the options name."""
    if options.source_dir is None and options.entry_point is None:
        return found
    from cursus.steps.pipelines import expand
    from cursus.steps.sources import of_steps, source_code

    made: list[Step | Pipeline] = []
    for one in found:
        if isinstance(one, Pipeline):
            sources = of_steps(expand(one), options.source_dir, options.entry_point)
            one = replace(one, sources={**one.sources, **sources})
        else:
            source = source_code(options.source_dir, options.entry_point, one.request)
            one = replace(one, source=source) if source is not None else one
        made.append(one)
    return made

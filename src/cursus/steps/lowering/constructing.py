"""Making an instance of a builder's class: what its ``__init__`` takes, by name, from the configuration."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from functools import partial
from typing import Any, get_args, get_type_hints

from cursus.steps.lowering import shortforms
from cursus.steps.lowering.hooks import HookError, call, place, words
from cursus.steps.offline import offline
from cursus.steps.plain import attribute
from cursus.steps.reading.configured import bare

_CONFIGURATION = re.compile("conf|cfg|settings|params|options")
_SESSION = re.compile(r"(sagemaker_|pipeline_|sm_|boto3?_)?session\Z")
_PLACES = ("sagemaker.workflow.pipeline_context", "sagemaker.core.workflow.pipeline_context")
"""Where the SDK has its PipelineSession: version 2, and version 3."""
_SCALARS = (str, int, float, bool)
_OF_THE_SUITE = frozenset({"local_channels", "upstream"})


class Settings(dict[str, Any]):
    """A configuration that a builder may read by key or, as one of argparse or Hydra, by attribute."""

    def __getattr__(self, name: str) -> Any:
        try:
            value = self[name]
        except KeyError:
            raise AttributeError(f"the configuration has no {name!r}", name=name, obj=self) from None
        return Settings(value) if type(value) is dict else value


def instance(builder: type, config: Any) -> Any:
    """An instance of a builder class: the configuration as a whole for the argument that means one.

    That is ``config``, one of such a name, or else the only one that nothing is known of. Other arguments get what the
    configuration has under their names; a session, region, role or bucket that is required is made up.

    Raises HookError (hook ``__init__``) for whatever it raises.
    """
    config = typed(builder, config)
    found = list(_parameters_of(builder))
    given = bare(config)
    whole = _whole(found, given)
    positional: list[Any] = []
    named: dict[str, Any] = {}
    sessions: list[str] = []
    for one in found:
        if one is whole:
            value = {} if given is None else Settings(given) if type(given) is dict else given
        elif one.kind is one.VAR_KEYWORD:
            if whole is None and isinstance(given, Mapping):
                read = words(builder)
                named = {**{name: each for name, each in given.items() if name in read}, **named}
            continue
        elif _is_session(one):
            sessions.append(one.name)
            continue
        else:
            value = _by_name(one, given, alone=whole is None)
        if value is None or one.kind is one.VAR_POSITIONAL:
            continue
        if one.kind is one.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[one.name] = value

    if sessions:
        with offline():
            named.update({name: session(name) for name in sessions})
    return call(partial(builder, *positional, **named), "__init__")


def typed(builder: type, config: Any) -> Any:
    """The configuration as what the builder says it is: a mapping becomes the dataclass or pydantic model.

    Raises HookError (hook ``__init__``) for whatever that raises.
    """
    if config is not None and not isinstance(config, Mapping):
        return config
    found = list(_parameters_of(builder))
    one = next((one for one in found if _CONFIGURATION.search(one.name)), found[0] if found else None)
    if one is None or (config is None and one.default is not one.empty):
        return config
    try:
        return of_hint(one.annotation, config or {}) or config
    except HookError as error:
        where = place(builder.__init__)  # type: ignore[misc]
        raise HookError(replace(error.failure, location=where)) from None


def of_hint(hint: Any, config: Mapping[str, Any]) -> Any:
    """The configuration as the dataclass or pydantic model of a type hint; None where the hint is no such class.

    Raises HookError (hook ``__init__``) for whatever that raises.
    """
    for kind in (hint, *get_args(hint)):
        if getattr(kind, "__module__", "").startswith("omegaconf."):
            from importlib import import_module

            return import_module("omegaconf").OmegaConf.create(dict(config))
        if isinstance(kind, type) and (is_dataclass(kind) or hasattr(kind, "model_fields")):
            try:
                return call(partial(kind, **_taken_by(kind, config)), "__init__")
            except HookError as error:
                said = error.failure.message.replace("__init__", f"the configuration {kind.__name__}", 1)
                raise HookError(replace(error.failure, message=said)) from None
    return None


def _taken_by(kind: type, config: Mapping[str, Any]) -> dict[str, Any]:
    """What a class of configurations is made with: of the suite's own keys those that it does not refuse."""
    known = parameters(kind)
    settings = getattr(kind, "model_config", None)  # of pydantic, which leaves out what it does not know
    lenient = isinstance(settings, Mapping) and settings.get("extra") != "forbid"
    if lenient or any(one.kind is one.VAR_KEYWORD for one in known.values()):
        return dict(config)
    return {
        name: value
        for name, value in config.items()
        if name in known or name not in shortforms.KEYS["config"]
    }


def argument(callee: Any, name: str, config: Mapping[str, Any]) -> Any:
    """What a function's argument is given that has no default; None where nothing is known of it.

    Raises HookError (hook ``__init__``) where the configuration does not make the class that it is annotated with.
    """
    one = parameters(callee)[name]
    if _is_session(one):
        return session(name)
    if _CONFIGURATION.search(name) and name not in config:
        hint = _hints(callee).get(name)
        return of_hint(hint, config) or config or None
    return _by_name(one, config, alone=True)


def parameters(callee: Any) -> Mapping[str, inspect.Parameter]:
    """The parameters of a callable by their names; none where it cannot say them."""
    try:
        return inspect.signature(callee).parameters
    except (TypeError, ValueError):
        return {}


def session(name: str) -> Any:
    """A session of the SDK in which jobs are only described, or one of boto3; None where there is no such package."""
    from importlib import import_module

    if name.startswith("boto"):
        try:
            return import_module("boto3").Session()
        except ImportError:
            return None
    for module in _PLACES:
        try:
            return import_module(module).PipelineSession()
        except ImportError:
            continue
    return None


def _whole(found: list[inspect.Parameter], config: Any) -> inspect.Parameter | None:
    """The argument that is given the configuration as a whole."""
    says = bool(config.keys() - _OF_THE_SUITE) if isinstance(config, Mapping) else config is not None
    takes = [one for one in found if one.default is one.empty or says]
    means = [one for one in takes if _CONFIGURATION.search(one.name)]
    if means:
        return next((one for one in means if one.name == "config"), means[0])
    unknown = [
        one
        for one in found
        if one.default is one.empty
        and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
        and not _is_session(one)
        and one.annotation not in _SCALARS
        and _by_name(one, config, alone=True) is None
    ]
    return unknown[0] if len(unknown) == 1 else None


def _is_session(one: inspect.Parameter) -> bool:
    return one.default is one.empty and _SESSION.match(one.name) is not None


def _by_name(one: inspect.Parameter, config: Any, *, alone: bool) -> Any:
    """What an argument is given under its own name: the configuration's, or where it is required, what is made up.

    Where the configuration is handed over as a whole, that has the optional ones, but for a role that would be None.
    """
    required = one.default is one.empty
    if not (required or alone or (one.name == "role" and one.default is None)):
        return None
    value = config.get(one.name) if isinstance(config, Mapping) else attribute(config, one.name)
    if value is not None or not required:
        return value
    from cursus.steps.made_up import given

    return given().get(one.name)


def _parameters_of(builder: type) -> Iterator[inspect.Parameter]:
    """What a class is called with; what ``__init__`` only hands on is that of the class above."""
    above = [vars(kind)["__init__"] for kind in builder.__mro__[:-1] if "__init__" in vars(kind)][1:]
    seen = {"self"}
    rest: list[inspect.Parameter] = []
    for callee in (builder, *above):
        hints = _hints(builder.__init__ if callee is builder else callee)
        found = parameters(callee).values()
        rest = [one for one in found if one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
        for one in found:
            if one not in rest and one.name not in seen:
                seen.add(one.name)
                yield one.replace(annotation=hints.get(one.name, one.annotation))
        if not rest:
            return
    yield from rest


def _hints(callee: Any) -> Mapping[str, Any]:
    """The annotations of a function; none where they name what only a type checker imports."""
    try:
        return get_type_hints(callee)
    except Exception:
        return {}

"""Calling a builder's hooks: each once, its failure kept, its place in the source known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from types import CodeType, FunctionType
from typing import Any

from cursus.errors import first_words
from cursus.model import HookFailure, Location, Origin
from cursus.redact import prose, show
from cursus.steps.answers import RequestCaptured
from cursus.steps.offline import offline
from cursus.steps.plain import NestingError, attribute, plain
from cursus.steps.protocol import HOOKS
from cursus.suggest import kind_of

_OF_TEXTS = ("get_expected_artifacts",)
MAX_ITEMS = 100_000
"""Items read from a hook that returns an iterator without end."""


class HookError(Exception):
    """A hook failed; ``failure`` says how."""

    def __init__(self, failure: HookFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Hooks:
    """What a builder's hooks returned, what failed, and where each stands."""

    def __init__(self, builder: Any, names: Iterable[str] = HOOKS) -> None:
        self.builder = builder
        self.values: dict[str, Any] = {}
        self.failures: list[HookFailure] = []
        for name in names:
            self._call(name)

    def _call(self, name: str) -> None:
        try:
            hook = find(self.builder, name)
            if hook is None:
                return
            value = call(hook, name)
            value = read(value, hook, name)
            if value is not None and not isinstance(value, HOOKS[name]):
                raise HookError(nonsense(hook, name, value, f"not {_wanted(name)}"))
            listed = value if isinstance(value, list) else []
            if name in _OF_TEXTS and not all(isinstance(one, str) for one in listed):
                raise HookError(nonsense(hook, name, value, "not a list of texts"))
            if name == "get_metrics_config" and isinstance(value, Mapping) and not _defines(value):
                raise HookError(nonsense(hook, name, value, 'not {"MetricDefinitions": [{"Name", "Regex"}]}'))
        except HookError as error:
            if not self._only_named(name, error):
                self.failures.append(error.failure)
        else:
            self.values[name] = value

    def _only_named(self, name: str, error: HookError) -> bool:
        """True where a base class says with a hook that raises only what its subclasses may have."""
        return name not in vars(type(self.builder)) and isinstance(error.__context__, NotImplementedError)

    def misspelt(self) -> dict[str, Location]:
        """Methods that are called almost like a hook that the builder has not, and that nothing of it calls."""
        kind = type(self.builder)
        methods = {
            name: found
            for one in reversed(kind.__mro__[:-1])
            for name, found in vars(one).items()
            if isinstance(found, FunctionType)
        }
        called = {name for found in methods.values() for name in found.__code__.co_names}
        failed = {failure.hook for failure in self.failures}
        wanted = [name for name in HOOKS if name not in self.values and name not in failed]
        found_: dict[str, Location] = {}
        for name, function in methods.items():
            if name in HOOKS or name in called or not name.startswith(("get_", "is_")):
                continue
            where = place(function)
            if where is not None and _is_near(name, wanted) and function.__code__.co_argcount == 1:
                found_[name] = where
        return found_

    def mapping(self, name: str) -> Mapping[str, Any]:
        """The mapping that a hook returned; empty where there is none."""
        value = self.values.get(name)
        return value if isinstance(value, Mapping) else {}

    def origin(self, name: str) -> Origin:
        """The origin of the values that a hook returned."""
        return Origin(name, place(getattr(type(self.builder), name, None) or attribute(self.builder, name)))


def words(kind: type) -> frozenset[str]:
    """Every name and text in the code of a class's methods: the keys and attributes that it reads are among them."""
    found: set[str] = set()
    pending: list[CodeType] = []
    for one in kind.__mro__[:-1]:
        for member in vars(one).values():
            code = getattr(unwrapped(member), "__code__", None)
            if isinstance(code, CodeType):
                pending.append(code)
    while pending:
        code = pending.pop()
        found.update(code.co_names)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                pending.append(constant)
            elif isinstance(constant, str):
                found.add(constant)
            elif isinstance(constant, (tuple, frozenset)):
                found.update(each for each in constant if isinstance(each, str))
    return frozenset(found)


def _is_near(name: str, wanted: list[str]) -> bool:
    from difflib import SequenceMatcher

    return len(name) > 12 and any(SequenceMatcher(None, name, one).ratio() > 0.9 for one in wanted)


def find(builder: Any, name: str) -> Callable[..., Any] | None:
    """The builder's hook of that name, None where it has none. Raises HookError where looking it up fails."""
    try:
        hook = getattr(builder, name, None)
    except Exception as error:
        raise HookError(raised(name, error)) from None
    if hook is None:
        return None
    if not callable(hook):
        value = hook
        return lambda: value  # a plain attribute states its value
    found: Callable[..., Any] = hook
    return found


def call(hook: Callable[..., Any], name: str, **arguments: Any) -> Any:
    """What the hook returns. Raises HookError for whatever it raises, but Ctrl-C goes through."""
    try:
        with offline() as answers:
            answers.captured = None
            value = hook(**arguments)
            if value is None and answers.captured is not None:
                raise answers.captured
    except KeyboardInterrupt:
        raise
    except RequestCaptured as captured:
        if name != "create_step":
            message = f"{name} was about to send {captured.operation} to SageMaker"
            raise HookError(HookFailure(name, message, location=place(hook))) from None
        value = captured.as_target()
    except BaseException as error:
        raise HookError(raised(name, error, place(hook))) from None
    if hasattr(type(value), "__await__"):
        close = getattr(value, "close", None)
        if close is not None:
            close()
        raise HookError(nonsense(hook, name, value, "which nobody awaits; make it a plain method"))
    return value


def read(value: Any, hook: Any, name: str) -> Any:
    """What a hook returned, as plain data. Raises HookError where reading it raises, or never ends."""
    try:
        return plain(list_of(value), lenient=True)
    except NestingError as error:
        message = f"{name} returned a value that cannot be sent: {error}"
        raise HookError(HookFailure(name, message, location=place(hook))) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a generator, or a class of the user's, runs only now
        raise HookError(raised(name, error, place(hook))) from None


def _defines(config: Mapping[str, Any]) -> bool:
    """True where a metrics configuration has a list of definitions, or says that there are none."""
    return not config or isinstance(config.get("MetricDefinitions", 0), (list, Mapping, type(None)))


def list_of(value: Any) -> Any:
    """An iterator as the list of its items; anything else as it is."""
    if isinstance(value, Iterator):
        return list(islice(value, MAX_ITEMS))
    return value


def nonsense(hook: Any, name: str, value: Any, why: str) -> HookFailure:
    """The failure of a hook that returned what it cannot mean."""
    return HookFailure(
        name,
        f"{name} returned {kind_of(value)}, {why}: {show(value, name)}",
        location=place(hook),
    )


def unwrapped(hook: Any) -> Any:
    """The function behind decorators, partials, methods and properties; what is given where there is none."""
    for _ in range(20):
        inner = (
            getattr(hook, "__wrapped__", None)
            or getattr(hook, "__func__", None)
            or getattr(hook, "func", None)
        )
        if inner is None:
            break
        hook = inner
    return hook.fget if isinstance(hook, property) else hook


def place(hook: Any) -> Location | None:
    """Where a function, method or class stands in its source file, without reading the file."""
    hook = unwrapped(hook)
    if isinstance(hook, type):
        hook = hook.__init__  # type: ignore[misc]
    code = getattr(hook, "__code__", None)
    if code is None:
        return None
    return Location(code.co_filename, code.co_firstlineno)


def _wanted(name: str) -> str:
    words = {Mapping: "a mapping", list: "a list", bool: "True or False", str: "a text"}
    return " or ".join(words.get(kind, kind.__name__) for kind in HOOKS[name])


def raised(name: str, error: BaseException, fallback: Location | None = None) -> HookFailure:
    """The failure of a hook that raised, with the traceback from the reader's own code on."""
    import traceback

    # The first frame is the call in this module: the reader's own code starts below it.
    frames = error.__traceback__.tb_next if error.__traceback__ else None
    text = "".join(traceback.format_exception(type(error), error, frames))
    message = first_words(error)
    says = f": {message}" if message else ""
    return HookFailure(
        name,
        prose(f"{name} raised {type(error).__name__}{says}"),
        traceback=prose(text),
        location=user_line(frames, fallback),
    )


def user_line(frames: Any, fallback: Location | None) -> Location | None:
    """The deepest line of a traceback that is in the same file as where it began."""
    found = fallback
    file = fallback.file if fallback else None
    while frames is not None:
        code = frames.tb_frame.f_code
        if file is None:
            file = code.co_filename
        if code.co_filename == file:
            found = Location(file, frames.tb_lineno)
        frames = frames.tb_next
    return found

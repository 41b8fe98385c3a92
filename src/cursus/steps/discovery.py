"""Builders registered by a decorator or an entry point, or found by a scan; and the types of their steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

from cursus.errors import TargetError
from cursus.steps import kinds
from cursus.steps.plain import attribute
from cursus.suggest import plain_name

Builder = TypeVar("Builder")

ENTRY_POINTS = "cursus.step_builders"
"""Group of the entry points that name builders: ``churn = "package.module:ChurnTrainingBuilder"``."""

STEP_TYPES = (
    "Training",
    "Tuning",
    "AutoML",
    "Processing",
    "Transform",
    "CreateModel",
    "RegisterModel",
    "Condition",
    "Callback",
    "Lambda",
    "Fail",
    "ClarifyCheck",
    "QualityCheck",
    "EMR",
    "NotebookJob",
)
"""Types of steps that are told apart."""

_TYPE_OF_OPERATION = {operation: type for type, operation in kinds.STEP_TYPES.items()} | {
    "CreateAutoMLJob": "AutoML",
    "CreateModel": "CreateModel",
    "CreateModelPackage": "RegisterModel",
}
_HOOKS_OF_TYPE = {
    "Training": "get_hyperparameters get_training_inputs is_distributed_training get_metrics_config "
    "get_model_output_config get_tuning_config get_auto_ml_config",
    "Processing": "get_processing_inputs get_processing_outputs get_processor",
    "Transform": "get_transform_inputs get_transform_input get_transformer",
    "RegisterModel": "get_model_package_group_name get_approval_status",
    "CreateModel": "get_model_config get_container_definition",
}
_OTHER_NAMES = {
    "hyperparametertuning": "Tuning",
    "model": "CreateModel",
    "registration": "RegisterModel",
    "batchtransform": "Transform",
}


@dataclass(frozen=True, slots=True)
class Registered:
    """A builder with the name and type it was registered under; ``type`` is empty where none was given."""

    name: str
    builder: Any
    type: str = ""
    module: str = ""


_REGISTERED: list[Registered] = []


def step_builder(
    cls: Any = None, *, type: str = "", name: str | None = None
) -> Any | Callable[[Builder], Builder]:
    """Register a builder class or factory function, as a decorator with or without arguments.

    Args:
        cls: the builder, where the decorator is used without arguments.
        type: the type of step that it makes, such as ``Training``.
        name: its name in reports; the class's own unless given.
    """

    def register(builder: Builder) -> Builder:
        own = name or str(getattr(builder, "__name__", builder.__class__.__name__))
        module = getattr(builder, "__module__", "")
        # A module that is imported anew registers its builders anew.
        _REGISTERED[:] = [one for one in _REGISTERED if (one.name, one.module) != (own, module)]
        _REGISTERED.append(Registered(own, builder, type, module))
        return builder

    return register if cls is None else register(cls)


def registered() -> list[Registered]:
    """Every builder that the decorator has registered so far, in order."""
    return list(_REGISTERED)


def installed() -> list[Registered]:
    """The builders that installed packages name in the entry point group ``cursus.step_builders``.

    Raises TargetError where one cannot be loaded.
    """
    from importlib.metadata import entry_points

    found = []
    for point in entry_points(group=ENTRY_POINTS):
        try:
            builder = point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise TargetError(
                f"the entry point {point.name} = {point.value} of {ENTRY_POINTS} cannot be loaded: "
                f"{type(error).__name__}: {error}"
            ) from None
        known = _registration(builder)
        found.append(Registered(point.name, builder, known.type if known else "", point.value))
    return found


def scan(target: str | ModuleType) -> list[Registered]:
    """The builders that a module, a package with its submodules, or a Python file registers.

    Raises TargetError where something in it cannot be imported.
    """
    names = {module.__name__ for module in _modules(target)}
    return [one for one in _REGISTERED if one.module in names]


def candidates(target: str | ModuleType) -> list[type]:
    """The classes with a ``create_step`` that a module, package or file defines itself, registered or not."""
    found: list[type] = []
    for module in _modules(target):
        own = (one for one in vars(module).values() if isinstance(one, type))
        found.extend(one for one in own if one.__module__ == module.__name__ and _is_builder(one))
    return found


def _is_builder(cls: type) -> bool:
    open_one = getattr(cls, "_is_protocol", False) or bool(getattr(cls, "__abstractmethods__", None))
    return callable(getattr(cls, "create_step", None)) and not open_one


def _modules(target: str | ModuleType) -> Iterator[ModuleType]:
    from cursus.steps.imports import import_file, import_module, whole

    if isinstance(target, ModuleType):
        module = target
    elif target.endswith(".py"):
        module = whole(import_file(target))
    else:
        module = import_module(target)
    yield module
    path = getattr(module, "__path__", None)
    if path is not None:
        import pkgutil

        for info in pkgutil.walk_packages(path, module.__name__ + "."):
            if not info.name.endswith("__main__"):
                yield import_module(info.name)


def step_type(builder: Any, *, create: bool = True) -> tuple[str | None, str]:
    """The type of step that a builder makes, and the reason; (None, reason) where nothing tells.

    Decided by, in this order: the registration; an attribute ``step_type`` or ``STEP_TYPE``; the step that it
    returns (``create=False`` leaves that out: no hook is called); the hooks that it has.
    """
    known = _registration(builder)
    if known is not None and known.type:
        return _canonical(known.type), f"registered as {known.type}"
    for name in ("step_type", "STEP_TYPE"):
        value = _attribute(builder, name)
        if isinstance(value, str) and value:
            return _canonical(value), f"its attribute {name} is {value!r}"
    failed = ""
    if create:
        found, how = _type_of_step(builder)
        if found is not None:
            return found, how
        failed = how
    owner = builder if isinstance(builder, type) else type(builder)
    for kind, hooks in _HOOKS_OF_TYPE.items():
        for hook in hooks.split():
            if callable(attribute(builder, hook)):
                return kind, f"it has the hook {hook}"
    word = _canonical(owner.__name__.removesuffix("Builder").removesuffix("Step"))
    for kind in STEP_TYPES:
        if word.endswith(kind):
            return kind, f"its name {owner.__name__} says so"
    returns = failed or "returns no step of a known type"
    return None, f"it is not registered, has no step_type, {returns} and has no telling hook"


def discover_step_type(builder: Any) -> str | None:
    """The type of step that a builder makes (``Training``, ``Processing``, …); None where nothing tells."""
    return step_type(builder)[0]


def _registration(builder: Any) -> Registered | None:
    owner = builder if isinstance(builder, type) else type(builder)
    for known in (builder, *owner.__mro__[:-1]):
        for one in reversed(_REGISTERED):
            if one.builder is known:
                return one
    return None


def _attribute(builder: Any, name: str) -> Any:
    value = attribute(builder, name)
    if isinstance(value, property) or callable(value):
        return None
    return getattr(value, "value", value)


def _type_of_step(builder: Any) -> tuple[str | None, str]:
    """The type of the step that ``create_step`` returns, and how that is known; None and the failure where it fails."""
    from cursus.steps import sdk

    direct = sdk.type_name(builder)
    if direct is not None:
        return direct, f"it is the SDK's {type(builder).__name__}"
    if not callable(attribute(builder, "create_step")):
        return None, ""
    from cursus.steps.lowering.constructing import instance
    from cursus.steps.lowering.hooks import HookError, Hooks
    from cursus.steps.lowering.making import create

    try:
        whole = instance(builder, None) if isinstance(builder, type) else builder
        made = create(whole, {}, Hooks(whole, ("get_training_inputs",)))
    except HookError as error:
        return None, f"cannot be built ({error})"
    if made.failures:
        told = _type_of_returned(made.returned)
        return told if told is not None else (None, f"makes no step ({made.failures[0].message})")
    if not made.request and not made.type:
        return None, ""
    kind = _canonical(made.type) if made.type else _TYPE_OF_OPERATION.get(made.operation, "Training")
    return kind, f"its create_step returns a {made.operation} request"


def _type_of_returned(value: Any) -> tuple[str, str] | None:
    """The type of a step that is no request known here: a pipeline's own form of it, or a model package."""
    if not isinstance(value, Mapping):
        return None
    kind = value.get("Type")
    if isinstance(kind, str) and kind and "Name" in value:
        return _canonical(kind), f"its create_step returns a step of type {kind!r}"
    for member in ("ModelPackageGroupName", "ModelPackageName", "ModelApprovalStatus"):
        if member in value:
            return "RegisterModel", f"its create_step returns a request with {member}"
    return None


def _canonical(kind: str) -> str:
    plain = plain_name(kind).removesuffix("step")
    own = next((name for name in STEP_TYPES if plain == name.lower()), None)
    return own or _OTHER_NAMES.get(plain, kind)

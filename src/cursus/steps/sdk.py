"""SageMaker SDK objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cursus.steps.created import Created


def is_sdk_object(value: Any) -> bool:
    """True for a step or pipeline of the SDK, or anything else with ``.arguments``."""
    return hasattr(type(value), "arguments") or "arguments" in getattr(value, "__dict__", {})


def read(value: Any) -> Created:
    """The request of an SDK object."""
    from cursus.steps import kinds
    from cursus.steps.created import Created
    from cursus.steps.plain import plain

    arguments = value.arguments
    arguments = plain(arguments() if callable(arguments) else arguments)
    operation = kinds.identify(arguments) or "CreateTrainingJob"
    name = getattr(value, "name", "")
    return Created(
        request=arguments, operation=operation, type=kinds.TYPES[operation], name=name, in_pipeline=True
    )


def type_name(value: Any) -> str | None:
    """The step type of an SDK step."""
    return None


def definition(value: Any) -> dict[str, Any] | None:
    """The definition of an SDK pipeline."""
    return None

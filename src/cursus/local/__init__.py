"""A SageMaker training service on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["Client"]

if TYPE_CHECKING:
    from cursus.local.client import Client


def __getattr__(name: str) -> Any:
    """``Client`` is imported when it is asked for: a supervisor has no use for it."""
    if name == "Client":
        from cursus.local.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

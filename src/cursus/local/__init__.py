"""A SageMaker training service on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["Client", "boto_session"]

if TYPE_CHECKING:
    from cursus.local.boto.sessions import boto_session
    from cursus.local.client import Client


def __getattr__(name: str) -> Any:
    """Each is imported when it is asked for: a supervisor has no use for them."""
    if name == "Client":
        from cursus.local.client import Client

        return Client
    if name == "boto_session":
        from cursus.local.boto.sessions import boto_session

        return boto_session
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

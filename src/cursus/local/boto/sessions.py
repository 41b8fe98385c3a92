"""A boto3 session whose ``sagemaker`` and ``logs`` clients are ours; all others are boto3's own."""

from __future__ import annotations

from typing import Any

from cursus.local.boto.cloudwatch import LogsClient
from cursus.local.client import Client


def boto_session(client: Client | None = None, **options: Any) -> Any:
    """A ``boto3.Session`` for code that makes its own clients, such as ``sagemaker.Session(boto_session=…)``.

    Args:
        client: what ``session.client("sagemaker")`` gives; ``Client()`` unless given.
        options: of ``boto3.Session``; ``region_name`` is the client's unless given.

    Raises:
        ImportError: boto3 is not installed.
    """
    import boto3

    local = client or Client()
    options.setdefault("region_name", local.meta.region_name)

    class LocalSession(boto3.Session):  # type: ignore[misc]
        """Jobs and their logs are here."""

        def client(self, service_name: str, *arguments: Any, **settings: Any) -> Any:
            """The client for ``sagemaker`` or ``logs`` that works on this machine, or boto3's."""
            if service_name == "sagemaker":
                return local
            if service_name == "logs":
                return LogsClient(local.root)
            return super().client(service_name, *arguments, **settings)

    return LocalSession(**options)

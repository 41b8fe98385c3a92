"""What the tests of steps share."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection leaves this process, and the machine has no credentials."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise OSError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)


@pytest.fixture
def credentials(no_network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SageMaker SDK asks for before it asks AWS anything."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A folder with a script."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text("print('accuracy=0.9')\n")
    return str(tmp_path / "source")

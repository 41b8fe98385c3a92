"""The command line as its users have it: in this process for speed, as a process where that is the point."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cursus.checks.examples import BASES
from cursus.commands.cli import main


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Cursus = Callable[..., Done]
SOURCE = ("--source", "src", "--entry-point", "train.py", "--channel", "train=data")


@pytest.fixture
def cursus(capsys: pytest.CaptureFixture[str], folder: Path) -> Cursus:
    """Run a command in this process, in ``folder``."""

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        before = list(sys.path)
        try:
            code = main(arguments)
        finally:
            sys.path[:] = before
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and an environment without choices of the developer."""
    for name in ("NO_COLOR", "FORCE_COLOR", "CURSUS_ROOT", "CURSUS_DEBUG", "CURSUS_ISOLATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def good(folder: Path) -> dict[str, Any]:
    """``good.json`` in the current folder."""
    request: dict[str, Any] = copy.deepcopy(BASES["CreateTrainingJob"])
    (folder / "good.json").write_text(json.dumps(request, indent=2))
    return request


@pytest.fixture
def twice(folder: Path, good: dict[str, Any]) -> dict[str, Any]:
    """``twice.json``: two channels of one name, and a secret."""
    request = copy.deepcopy(good)
    request["InputDataConfig"] *= 2
    request["Environment"] = {"DB_PASSWORD": "hunter2hunter2"}
    (folder / "twice.json").write_text(json.dumps(request, indent=2))
    return request


def with_source(folder: Path, script: str, data: str = "1,2\n") -> Path:
    """``folder`` with a training script and its data, as ``SOURCE`` names them."""
    (folder / "src").mkdir()
    (folder / "src" / "train.py").write_text(script)
    (folder / "data").mkdir()
    (folder / "data" / "a.csv").write_text(data)
    return folder


def process(*arguments: str, cwd: Path, env: dict[str, str] | None = None, **options: Any) -> Any:
    """Run a command as a process of its own."""
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    command = [sys.executable, "-m", "cursus", *arguments]
    return subprocess.run(
        command,
        cwd=cwd,
        env={**environment, **(env or {})},
        check=False,
        **{"capture_output": True, **options},
    )

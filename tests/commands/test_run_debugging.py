"""``cursus run --shell``, ``--debug``, ``--keep`` and ``--python``, with real hosts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import SOURCE, Cursus, process, with_source

RUN = ("run", "good.json", *SOURCE)


@pytest.fixture
def project(folder: Path, good: dict[str, Any]) -> Path:
    return with_source(folder, "value = 1\nbreakpoint()\nprint('value is', value)\n")


def test_shell_with_commands_from_a_pipe(project: Path) -> None:
    done = process(*RUN, "--shell", cwd=project, input=b"pwd; ls /opt/ml/input/data/train; exit 3\n")
    assert done.returncode == 0, done
    assert b"/opt/ml/code" in done.stdout and b"a.csv" in done.stdout


def test_debugger_with_commands_from_a_pipe(project: Path) -> None:
    done = process(*RUN, "--debug", cwd=project, input=b"value = 5\nc\n")
    assert b"value is 5" in done.stdout
    assert b"Completed after" in done.stdout, done


def test_kept_files_are_named(cursus: Cursus, project: Path) -> None:
    (project / "src" / "train.py").write_text("open('/tmp/notes', 'w').write('1')")
    done = cursus(*RUN, "--keep")
    assert "-- kept: " in done.err
    assert list((project / ".cursus/jobs/churn-2026-01-31/hosts").rglob("notes"))


def test_python(cursus: Cursus, project: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "other")], check=True)
    (project / "src" / "train.py").write_text("import sys; print(sys.prefix)")
    done = cursus(*RUN, "--python", str(tmp_path / "other/bin/python"))
    assert str(tmp_path / "other") in done.out
    missing = cursus(*RUN, "--python", "no-such-python")
    assert missing.code == 2 and "there is no interpreter no-such-python" in missing.err

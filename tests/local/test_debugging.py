"""Looking inside a host: a terminal, kept files, another interpreter, requirements."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cursus.errors import RunError
from cursus.local.options import Options
from tests.local.conftest import Run
from tests.local.terminal import Person


@pytest.fixture
def folder(tmp_path: Path, levels: dict[str, str]) -> Path:
    if levels["unshare"] and levels["bubblewrap"]:
        pytest.skip(f"{levels['unshare']}; {levels['bubblewrap']}")
    for name in ("source", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "a.csv").write_text("1,2")
    return tmp_path


def test_breakpoint_stops_at_the_terminal(folder: Path) -> None:
    (folder / "source/train.py").write_text(
        "x = 41\nbreakpoint()\nopen('/opt/ml/model/m', 'w').write(str(x))\nprint('saved', x)\n"
    )
    person = Person(folder, "debug")
    person.reads("(Pdb) ")
    person.types("x = x + 1\n")
    person.reads("(Pdb) ")
    person.types("c\n")
    person.reads("saved 42")
    person.reads("JOB churn-2026-01-31-debug Completed")
    assert person.leaves() == 0
    job = folder / "root/jobs/churn-2026-01-31-debug"
    assert (job / "hosts/algo-1/ml/model/m").read_text() == "42"
    assert "(Pdb) " in (job / "logs/algo-1.log").read_text()


def test_ctrl_c_goes_to_the_script(folder: Path) -> None:
    script = """
import time
try:
    print('ready', flush=True)
    time.sleep(30)
except KeyboardInterrupt:
    print('caught')
"""
    (folder / "source/train.py").write_text(script)
    person = Person(folder, "debug")
    person.reads("ready")
    person.types("\x03")
    person.reads("caught")
    person.reads("Completed")
    assert person.leaves() == 0


def test_shell_in_the_prepared_host(folder: Path) -> None:
    (folder / "source/train.py").write_text("raise SystemExit(9)\n")
    person = Person(folder, "shell")
    person.types("echo at $(pwd) on $(hostname) with $SM_CHANNEL_TRAIN $(cat $SM_CHANNEL_TRAIN/a.csv)\n")
    person.reads("at /opt/ml/code on algo-1 with /opt/ml/input/data/train 1,2")
    person.types("exit 0\n")
    person.reads("JOB churn-2026-01-31-shell Completed")
    assert person.leaves() == 0


def test_terminal_and_detached_job(run: Run) -> None:
    with pytest.raises(RunError, match="no terminal"):
        run("", options=Options(debug=True), detach=True)


@pytest.mark.parametrize("keep", [True, False])
def test_files_are_kept_where_that_is_asked_for(run: Run, keep: bool) -> None:
    script = "open('/tmp/notes', 'w').write('1'); open('/opt/ml/input/data/train/more', 'w').write('2')"
    job = run(script, options=Options(keep=keep))
    kept = [path.name for path in (job.folder / "hosts").rglob("*") if path.name in ("notes", "more")]
    assert sorted(kept) == (["more", "notes"] if keep else [])


def test_another_interpreter(run: Run, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "other")], check=True)
    python = str(tmp_path / "other/bin/python")
    job = run("import sys; print(sys.prefix)", options=Options(python=python))
    assert job.logs() == str(tmp_path / "other") + "\n"
    with pytest.raises(RunError, match="there is no interpreter"):
        run("", options=Options(python=str(tmp_path / "none")))


def wheel(folder: Path, value: int) -> None:
    """A distribution without dependencies, so that no index is asked."""
    info = "thing_of_tests-1.0.dist-info"
    files = {
        "thing_of_tests.py": f"VALUE = {value}\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: thing-of-tests\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / "thing_of_tests-1.0-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def test_requirements_are_installed_once(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    (tmp_path / "source").mkdir()
    wheel(tmp_path / "source", 7)
    script = "import thing_of_tests; print(thing_of_tests.VALUE)"
    files = {"requirements.txt": "./thing_of_tests-1.0-py3-none-any.whl\n"}
    made = tmp_path / "cache/cursus/environments"
    for number in (1, 2):
        job = run(
            script, {"TrainingJobName": f"job-{number}"}, files=files, options=Options(requirements=True)
        )
        assert job.logs() == "7\n"
        assert len(list(made.iterdir())) == 1
    assert not any("requirements.txt" in note for note in job.evidence.not_reproduced)


def test_requirements_that_cannot_be_had(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(RunError, match=r"there is no requirements\.txt"):
        run("", options=Options(requirements=True))
    with pytest.raises(RunError, match=r"requirements\.txt cannot be installed"):
        run(
            "",
            files={"requirements.txt": "./none-1.0-py3-none-any.whl\n"},
            options=Options(requirements=True),
        )

"""A run wherever somebody may start it: each works, or says in a line why it does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cursus.checks.examples import BASES

NAME = "churn-2026-01-31"
SCRIPT = """
import json, os, stat, sys
for place in (os.environ["SM_MODEL_DIR"], os.environ["SM_CHANNEL_TRAIN"]):
    with open(os.path.join(place, "made.txt"), "w") as file:
        file.write("1")
print("home", os.environ.get("HOME"), "stdin", repr(sys.stdin.read() if sys.stdin else None))
with open(os.environ["SM_INPUT_CONFIG_DIR"] + "/resourceconfig.json") as file:
    print("interfaces", json.load(file)["network_interface_name"], os.environ["SM_NETWORK_INTERFACE_NAME"])
"""
Started = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CURSUS_ROOT", "CURSUS_ISOLATION", "CURSUS_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "place"


@pytest.fixture
def start(folder: Path) -> Started:
    """``start(shell, place)``: ``cursus run`` in the shell's ``"$@"``, with its files in ``place``."""

    def begin(
        shell: str = 'exec "$@"',
        place: Path = folder,
        *,
        env: dict[str, str | None] | None = None,
        root: str = "",
    ) -> subprocess.CompletedProcess[str]:
        (place / "src").mkdir(parents=True, exist_ok=True)
        (place / "src/train.py").write_text(SCRIPT)
        (place / "data").mkdir(exist_ok=True)
        (place / "data/a.csv").write_text("1,2\n")
        (place / "good.json").write_text(json.dumps(BASES["CreateTrainingJob"]))
        command = [
            sys.executable,
            "-m",
            "cursus",
            "run",
            str(place / "good.json"),
            "--source",
            str(place / "src"),
        ]
        command += ["--entry-point", "train.py", "--channel", f"train={place / 'data'}"]
        command += ["--root", root or str(place / "root")]
        environment = {**os.environ, **(env or {})}
        return subprocess.run(
            ["/bin/sh", "-c", shell, "sh", *command],
            cwd=place,
            env={name: value for name, value in environment.items() if value is not None},
            capture_output=True,
            text=True,
            errors="replace",
        )

    return begin


def completed(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Completed after" in done.stdout
    assert "Traceback" not in done.stderr
    return done.stdout


def test_without_home(start: Started) -> None:
    assert "home /root stdin ''" in completed(start(env={"HOME": None}))


def test_machine_without_eth0(start: Started, levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode:
        pytest.skip("no network namespace to be had by unshare(1)")
    said = completed(start('exec unshare -rn "$@"', env={"CURSUS_ISOLATION": "unshare"}))
    assert "interfaces lo lo" in said
    assert "not reproduced: the interface eth0" in said


NAMES = ["with spaces", "ünï→cödé", "co,mma:colon", 'it\'s "quoted"', "back\\slash"]


@pytest.mark.parametrize(
    ("level", "name"),
    [*(("unshare", name) for name in NAMES), ("bubblewrap", "".join(NAMES)), ("process", "".join(NAMES))],
)
def test_odd_paths(start: Started, folder: Path, levels: dict[str, str], level: str, name: str) -> None:
    if levels[level]:
        pytest.skip(levels[level])
    completed(start(place=folder / name, env={"CURSUS_ISOLATION": level}))
    assert (folder / name / "root/jobs" / NAME / "output/model.tar.gz").is_file()
    assert [path.name for path in (folder / name / "data").iterdir()] == ["a.csv"] or level == "process"


def test_path_that_is_no_utf8(start: Started, folder: Path) -> None:
    place = Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe"))
    completed(start(place=place))


@pytest.mark.parametrize("redirection", ["<&-", "</dev/null", "</dev/zero", "<&- 2>&-"])
def test_standard_input_that_is_none(start: Started, redirection: str) -> None:
    completed(start(f'exec "$@" {redirection}'))


def test_closed_standard_output(start: Started) -> None:
    done = start('exec "$@" >&-')
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 2), done.stderr


@pytest.mark.parametrize("umask", ["077", "000", "277"])
def test_umask(start: Started, folder: Path, umask: str) -> None:
    done = start(f'umask {umask}; exec "$@"')
    if umask == "277" and os.getuid() != 0:  # but for root nobody can write in folders of their own making
        assert done.returncode == 2 and done.stderr.endswith("cannot be made: Permission denied\n")
        assert done.stderr.count("\n") == 1
        return
    completed(done)
    assert not (folder / "root").stat().st_mode & 0o077 or umask == "000"


def test_read_only_current_folder(
    start: Started, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder.mkdir()
    prefix = (
        f'mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && cd {folder} && exec "$@"'
    )
    shell = f"exec unshare --user --map-root-user --mount sh -c '{prefix}' sh \"$@\""
    if subprocess.run(["sh", "-c", shell, "sh", "true"], capture_output=True).returncode:
        pytest.skip("no read-only folder here")
    outside = tmp_path_factory.mktemp("root")
    completed(start(shell, root=str(outside)))
    done = start(shell, root=".cursus")
    assert done.returncode == 2 and "Read-only file system" in done.stderr
    assert done.stderr.count("\n") <= 2


def test_no_namespaces_at_all(start: Started, folder: Path) -> None:
    """A machine that makes no user namespaces: the run steps down in the open."""
    limit = (
        'echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --bounding-set -all --inh-caps -all "$@"'
    )
    shell = f"exec unshare --user --map-root-user sh -c '{limit}' sh \"$@\""
    if (
        not shutil.which("setpriv")
        or subprocess.run(["sh", "-c", shell, "sh", "true"], capture_output=True).returncode
    ):
        pytest.skip("the limit on namespaces cannot be set here")
    out = completed(start(shell))
    assert "no isolation: the script runs as a plain process" in out
    assert "a better isolation is not to be had: unshare: " in out
    done = start(shell, env={"CURSUS_ISOLATION": "unshare"}, root=str(folder / "other"))
    assert done.returncode != 0 and "unshare" in done.stdout + done.stderr


def test_without_the_bwrap_program(start: Started, tmp_path: Path) -> None:
    done = start(env={"CURSUS_ISOLATION": "bubblewrap", "PATH": str(tmp_path)}, shell='exec "$@"')
    assert done.returncode == 1 and "bubblewrap: " in done.stdout
    assert "Traceback" not in done.stderr


def test_few_descriptors_and_processes(start: Started) -> None:
    completed(start('ulimit -n 40; exec "$@"'))


def test_signals_that_whoever_started_it_ignores(start: Started) -> None:
    completed(start("trap '' INT TERM HUP PIPE CHLD; exec \"$@\""))

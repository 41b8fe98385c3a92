"""What kills a job, or tries to get out of it: nothing is left running or lying about, and the record is true."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cursus.local.jobs import record
from cursus.local.jobs.job import TrainingJob
from tests.local.conftest import MakeStep, Run
from tests.local.elsewhere import client
from tests.local.helpers import OWN, drive, printed, running, started
from tests.waiting import until

LEVELS = ["unshare", "bubblewrap", "process"]
ISOLATED = ["unshare", "bubblewrap"]
FAMILY = """
import os, signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(120)
    os._exit(0)
if os.fork() == 0:
    time.sleep(120)
print("ready", flush=True)
time.sleep(120)
"""
"""A script that hears nothing, with a child and a daemon that hear nothing either."""


def needs(levels: dict[str, str], level: str) -> None:
    if levels[level]:
        pytest.skip(levels[level])


def begin(
    run: Run, level: str, script: str = FAMILY, patch: dict[str, Any] | None = None
) -> tuple[TrainingJob, str]:
    """A detached job that has printed ``ready``, and what every process of it has in its environment."""
    marker = f"fault-{os.getpid()}-{os.urandom(4).hex()}"
    job = run(script, {"Environment": {"MARKER": marker}, **(patch or {})}, level=level, detach=True)
    until(printed(job))
    assert running(marker)
    return TrainingJob(job.folder), marker


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def reason(job: TrainingJob) -> str:
    told = job.describe()
    assert told["TrainingJobStatus"] == told["SecondaryStatus"] == "Failed"
    assert told["SecondaryStatusTransitions"][-1]["Status"] == "Failed"
    return str(told["FailureReason"])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("patch", [{}, OWN], ids=["script", "own"])
def test_supervisor_is_killed(run: Run, levels: dict[str, str], level: str, patch: dict[str, Any]) -> None:
    needs(levels, level)
    job, marker = begin(run, level, patch=patch)
    os.kill(record.load(str(job.folder))["supervisor"], signal.SIGKILL)
    until(lambda: not running(marker))
    assert "supervisor was killed" in reason(job)
    assert job.logs() == "ready\n"


@pytest.mark.parametrize("level", ISOLATED)
def test_whole_session_is_killed(
    make_step: MakeStep, tmp_path: Path, levels: dict[str, str], level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(levels, level)
    monkeypatch.setenv("CURSUS_ISOLATION", level)
    marker = f"session-{os.getpid()}-{level}"
    client = drive(make_step, tmp_path, FAMILY, 60, marker=marker)
    job = started(tmp_path)
    supervisor = record.load(str(job.folder))["supervisor"]
    for pid in (client.pid, supervisor):
        os.kill(pid, signal.SIGKILL)
    client.wait()
    until(lambda: not running(marker))
    assert "supervisor was killed" in reason(job)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("depth", [0, 1, 2], ids=["outermost", "first", "script"])
def test_host_is_killed(run: Run, levels: dict[str, str], level: str, depth: int) -> None:
    """Whichever process of a host is killed, the job fails, says so, and the rest of the host goes with it."""
    needs(levels, level)
    job, marker = begin(run, level)
    pid = record.load(str(job.folder))["supervisor"]
    for _ in range(depth + 1):
        pid = children(pid)[0]
    os.kill(pid, signal.SIGKILL)
    job.wait()
    assert not running(marker)
    assert "137" in reason(job) or "Killed" in reason(job) or "-9" in reason(job), reason(job)
    assert job.evidence.exit_codes["algo-1"] != 0
    assert (job.folder / "evidence.json").is_file()


def test_client_is_killed_and_a_stubborn_family_goes_with_it(make_step: MakeStep, tmp_path: Path) -> None:
    marker = f"client-{os.getpid()}"
    client = drive(make_step, tmp_path, FAMILY, 60, marker=marker)
    job = started(tmp_path)
    client.kill()
    client.wait()
    until(lambda: not record.is_running(str(job.folder)))
    assert not running(marker)
    assert job.status == "Stopped"
    assert "process that asked for the job ended" in str(record.load(str(job.folder))["stop_reason"])


def test_hangup_of_the_supervisor_ends_the_job_whole(run: Run) -> None:
    job, marker = begin(run, "process")
    os.kill(record.load(str(job.folder))["supervisor"], signal.SIGHUP)
    job.wait()
    assert (job.status, running(marker)) == ("Stopped", [])
    assert (job.folder / "evidence.json").is_file()


# --- exits by every signal ----------------------------------------------------------------------

ENDING = sorted(
    {int(n) for n in signal.valid_signals() if n < 32}
    - {
        int(n)
        for n in (
            signal.SIGCHLD,
            signal.SIGCONT,
            signal.SIGURG,
            signal.SIGWINCH,
            signal.SIGPIPE,
            signal.SIGXFSZ,
        )
    }
    - {int(n) for n in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGINT)}
)
"""What ends a Python program: it ignores SIGPIPE and SIGXFSZ itself, and makes an exception of SIGINT."""

EACH = """
import os, sys, time
numbers = {numbers}
codes = []
for number in numbers:
    child = os.fork()
    if child == 0:
        os.setsid()
        program = "import os, time; os.kill(os.getpid(), %d); time.sleep(9)" % number
        os.execv(sys.executable, [sys.executable, "-c", program])
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print([-code for code in codes])
"""


def test_children_end_by_every_signal(run: Run) -> None:
    job = run(EACH.format(numbers=ENDING))
    assert job.logs() == f"{ENDING}\n"


@pytest.mark.parametrize("number", [n for n in ENDING if n in (1, 4, 6, 7, 8, 9, 10, 14, 15, 24, 31)])
def test_script_ends_by_a_signal(run: Run, number: int) -> None:
    job = run(f"import os, time\nos.kill(os.getpid(), {number})\ntime.sleep(9)")
    assert job.evidence.script_exit_codes == {"algo-1": 128 + number}
    assert job.evidence.exit_codes == {"algo-1": 1}  # the toolkit's
    assert "ExecuteUserScriptError" in reason(job)


@pytest.mark.parametrize("level", ISOLATED)
def test_first_process_survives_the_signals_that_it_sends_itself(
    run: Run, levels: dict[str, str], level: str
) -> None:
    """The kernel gives the first process of a namespace no signal that it has no handler for, from inside."""
    needs(levels, level)
    script = f"import os\nfor n in {ENDING}: os.kill(os.getpid(), n)\nprint('alive', os.getpid())"
    job = run(script, OWN, level=level)
    assert (job.status, job.logs()) == ("Completed", "alive 1\n")


FAULTS = {
    "fault": "import ctypes; ctypes.string_at(0)",
    "abort": "import os; os.abort()",
}


@pytest.mark.parametrize("level", ISOLATED)
@pytest.mark.parametrize("fault", FAULTS)
def test_first_process_with_a_real_fault(run: Run, levels: dict[str, str], level: str, fault: str) -> None:
    needs(levels, level)
    job = run(FAULTS[fault], OWN, level=level)
    assert job.evidence.exit_codes == {"algo-1": 139}
    assert reason(job) == "AlgorithmError: , exit code: 139"


@pytest.mark.parametrize("number", [15, 2, 1])
def test_first_process_hears_what_it_handles(run: Run, number: int) -> None:
    script = f"""
import os, signal, sys
signal.signal({number}, lambda *_: sys.exit(9))
os.kill(os.getpid(), {number})
"""
    assert run(script, OWN).evidence.exit_codes == {"algo-1": 9}


# --- nothing outside ------------------------------------------------------------------------------

WRITER = """
import os, pathlib, socket, subprocess, sys, tempfile
places = "/ /tmp /var/tmp /opt /dev/shm /run ~ . /opt/ml /opt/ml/code /opt/ml/model /opt/ml/output".split()
places += ["/opt/ml/input/data/train", "/opt/ml/input/config", os.environ.get("HOME", "/root")]
for place in [*places, *%(places)r]:
    try:
        pathlib.Path(place).expanduser().joinpath("%(name)s").write_text("x")
    except OSError:
        pass
tempfile.mkdtemp(prefix="%(name)s")
os.mkfifo("/opt/ml/model/fifo")
socket.socket(socket.AF_UNIX).bind("/opt/ml/model/socket")
os.symlink("/etc/passwd", "/opt/ml/model/absolute")
os.symlink("../../../../../../etc/passwd", "/opt/ml/model/climbing")
os.symlink("loop", "/opt/ml/model/loop")
for name in os.listdir("/opt/ml/input/data/train"):
    os.remove("/opt/ml/input/data/train/" + name)
print("done")
"""


def tree(folder: Path) -> dict[str, tuple[int, int, int, int]]:
    """Everything below a folder: kind and mode, size, time, number."""
    found = {}
    for directory, names, files in os.walk(folder):
        for name in (".", *names, *files):
            path = Path(directory) / name
            stat = path.lstat()
            found[str(path)] = (stat.st_mode, stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return found


@pytest.mark.parametrize("level", ISOLATED)
def test_no_file_outside_the_root_changes(
    make_step: MakeStep, tmp_path: Path, levels: dict[str, str], level: str
) -> None:
    import json

    needs(levels, level)
    name = f"cursus-fault-{os.getpid()}-{level}"
    mine = [tmp_path / place for place in ("home", "current", "temporary", "data", "source")]
    for place in mine:
        place.mkdir(exist_ok=True)
        (place / "kept.txt").write_text("kept")
    step = make_step(WRITER % {"name": name, "places": [str(place) for place in (tmp_path, *mine)]})
    (tmp_path / "root").mkdir()
    before = {str(place): tree(place) for place in mine}
    shared = [
        Path(place) for place in ("/", "/opt", "/var/tmp", "/run", "/dev/shm", "/tmp", str(Path.home()))
    ]
    environment = {
        "HOME": str(mine[0]),
        "TMPDIR": str(mine[2]),
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        client(step, tmp_path / "root", grace=1, level=level),
        cwd=mine[1],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["status"], told["logs"]) == ("Completed", "done\n")
    assert name in told["files"] and not {"fifo", "socket"} & set(told["files"])
    assert {str(place): tree(place) for place in mine} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*(place.name for place in mine), "root"]
    )
    for place in filter(Path.is_dir, shared):
        assert not [path for path in place.iterdir() if path.name.startswith(name)], place
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == ["jobs", "s3"]


def test_clean_removes_what_a_killed_job_left(run: Run, tmp_path: Path) -> None:
    script = """
import os
os.makedirs("/opt/ml/model/a/b")
open("/opt/ml/model/a/b/c", "w").close()
open("/opt/ml/input/data/train/more", "w").close()
os.chmod("/opt/ml/model/a/b", 0)
os.chmod("/opt/ml/model/a", 0)
os.mkfifo("/opt/ml/output/fifo")
os.symlink("/", "/opt/ml/model/root")
print("ready", flush=True)
import time
time.sleep(120)
"""
    (tmp_path / "root/s3/example-bucket/mine").mkdir(parents=True)
    (tmp_path / "root/s3/example-bucket/mine/data.csv").write_text("1")
    (tmp_path / "beside").write_text("mine")
    job = run(script, {"Environment": {"MARKER": "cleaned"}}, detach=True)
    until(printed(job))
    os.kill(record.load(str(job.folder))["supervisor"], signal.SIGKILL)
    until(lambda: not running("cleaned"))
    command = [sys.executable, "-m", "cursus", "clean", "--yes", "--root", str(tmp_path / "root")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "1 job removed\n"), done.stderr
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["s3"]
    assert (tmp_path / "root/s3/example-bucket/mine/data.csv").read_text() == "1"
    assert (tmp_path / "beside").read_text() == "mine"
    assert (tmp_path / "source/train.py").is_file()

"""The commands on jobs, from another terminal while a job runs, and after its processes were killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cursus.local.jobs import record
from tests.commands.conftest import SOURCE, Cursus, process, with_source
from tests.waiting import until

NAME = "churn-2026-01-31"
RUN = ("run", "good.json", *SOURCE)
WAITING = "import time\nprint('ready', flush=True)\ntime.sleep(60)"


@pytest.fixture
def project(folder: Path, good: dict[str, Any]) -> Path:
    return with_source(folder, WAITING)


@pytest.fixture
def running(project: Path) -> Iterator[Path]:
    """The folder of a detached job that has printed ``ready``; ended afterwards."""
    done = process(*RUN, "--detach", cwd=project, env={"CURSUS_STOP_GRACE": "0.2"})
    assert done.returncode == 0, done.stderr
    folder = project / ".cursus/jobs" / NAME
    until(lambda: b"ready\n" in printed(folder))
    yield folder
    process("stop", NAME, "--wait", cwd=project)


def printed(folder: Path) -> bytes:
    path = folder / "logs/algo-1.log"
    return path.read_bytes() if path.exists() else b""


def follow(project: Path, *options: str) -> subprocess.Popen[bytes]:
    """``cursus logs --follow`` that has shown the first line."""
    command = [sys.executable, "-m", "cursus", "logs", NAME, "--follow", *options]
    started = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"
    return started


def test_running_job_is_seen(cursus: Cursus, running: Path) -> None:
    assert cursus("jobs").out.startswith(f"{NAME}  InProgress (Training)  ")
    (listed,) = cursus("jobs", "--format", "json").json()["jobs"]
    assert (listed["status"], listed["seconds"], listed["failure_reason"]) == ("InProgress", None, None)
    told = cursus("describe", NAME).json()
    assert (told["TrainingJobStatus"], told["SecondaryStatus"]) == ("InProgress", "Training")
    assert "TrainingEndTime" not in told
    assert cursus("logs", NAME).out == cursus("logs", NAME, "--host", "algo-1").out == "ready\n"
    wrong = cursus("logs", NAME, "--host", "algo-2")
    assert wrong.code == 2 and "there are: algo-1" in wrong.err


def test_follow_shows_what_comes_until_the_end(running: Path, project: Path) -> None:
    following = follow(project, "--host", "algo-1")
    assert process("stop", NAME, cwd=project).returncode == 0
    rest, said = following.communicate(timeout=60)
    assert (following.returncode, rest) == (0, b"")
    assert b"Stopping" in said and b"Stopped" in said
    assert b"Stopped" in process("jobs", cwd=project).stdout


def test_ctrl_c_ends_the_following_and_not_the_job(cursus: Cursus, running: Path, project: Path) -> None:
    following = follow(project)
    following.send_signal(signal.SIGINT)
    _, said = following.communicate(timeout=60)
    assert following.returncode == 130 and b"Traceback" not in said
    assert cursus("describe", NAME).json()["TrainingJobStatus"] == "InProgress"


def test_killed_supervisor_is_told_by_every_command(cursus: Cursus, running: Path, project: Path) -> None:
    following = follow(project)
    os.kill(record.load(str(running))["supervisor"], signal.SIGKILL)
    _, said = following.communicate(timeout=60)
    assert following.returncode == 0 and b"supervisor was killed" in said
    row = cursus("jobs").out
    assert row.startswith(f"{NAME}  Failed  ") and "supervisor was killed" in row
    told = cursus("describe", NAME).json()
    assert told["TrainingJobStatus"] == "Failed" and "supervisor was killed" in told["FailureReason"]
    stopped = cursus("stop", NAME)
    assert stopped.code == 2 and "has ended: it is Failed" in stopped.err
    again = cursus(*RUN)
    assert again.code == 2 and "already used" in again.err
    assert cursus("clean", "--yes").code == 0
    assert not (project / ".cursus").exists()


def test_killed_client_is_told_by_the_next_command(cursus: Cursus, project: Path) -> None:
    command = [sys.executable, "-m", "cursus", *RUN]
    client = subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    folder = project / ".cursus/jobs" / NAME
    until(lambda: b"ready\n" in printed(folder))
    client.kill()
    client.wait()
    until(lambda: not record.is_running(str(folder)))
    row = cursus("jobs").out
    assert row.startswith(f"{NAME}  Stopped  ")
    assert row.endswith("the process that asked for the job ended\n")
    told = cursus("describe", NAME).json()
    messages = [step["StatusMessage"] for step in told["SecondaryStatusTransitions"]]
    assert "Stopping the training job: the process that asked for the job ended" in messages


def test_ctrl_c_twice_ends_a_run_at_once(project: Path) -> None:
    command = [sys.executable, "-m", "cursus", *RUN]
    running = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    folder = project / ".cursus/jobs" / NAME
    until(lambda: b"ready\n" in printed(folder))
    running.send_signal(signal.SIGINT)
    until(lambda: record.load(str(folder))["status"] == "Stopping")
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130 and b"Traceback" not in said
    assert json.loads(process("describe", NAME, cwd=project).stdout)["TrainingJobStatus"] == "Stopped"


def test_log_that_is_no_text(cursus: Cursus, project: Path) -> None:
    (project / "src/train.py").write_text("import sys; sys.stdout.buffer.write(b'\\xff\\x00\\xe2\\x82 end')")
    assert cursus(*RUN, "--quiet").code == 0
    assert cursus("logs", NAME).out == "\ufffd\x00\ufffd end"
    assert cursus("logs", NAME, "--follow").out == "\ufffd\x00\ufffd end\n"

"""Whatever is killed, no container, network or file of a job is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from cursus.local.containers import engine as engines
from cursus.local.jobs.job import TrainingJob
from cursus.local.linux.processes import descendants
from tests.local.conftest import Contained
from tests.local.containers.engine_image import ENGINE, left
from tests.waiting import until


def kill_session(job: TrainingJob) -> None:
    """End the supervisor, the keepers and the engine's clients at once; what the engine runs goes on.

    They are stopped first, so that none sees another end. Whatever happens here, nothing stays stopped: a client
    that is stopped may hold the engine's lock, and every other would wait for it.
    """
    pid = json.loads((job.folder / "job.json").read_text())["supervisor"]
    ours: set[int] = set()
    try:
        while new := {one for one in descendants(pid) if not is_engines(one)} - ours:
            ours |= new
            send(new, signal.SIGSTOP)  # what they began meanwhile is seen in the next turn
    finally:
        send(ours, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{one}/exe").exists() for one in ours))


def send(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.kill(pid, number)


def is_engines(pid: int) -> bool:
    try:
        inside = Path(f"/proc/{pid}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()
        return inside or Path(f"/proc/{pid}/comm").read_text().strip() == "conmon"
    except OSError:
        return True


SLEEPER = "import time; print('on', flush=True); time.sleep(300)"


def test_supervisor_is_killed_and_its_container_goes_with_it(
    contained: Contained, real: engines.Engine
) -> None:
    job = contained(SLEEPER, detach=True)
    until(lambda: job.logs() == "on\n")
    os.kill(json.loads((job.folder / "job.json").read_text())["supervisor"], signal.SIGKILL)
    until(lambda: not left(real, job))
    assert job.status == "Failed"


def test_whole_session_is_killed_and_the_next_command_removes_what_is_left(
    contained: Contained, real: engines.Engine
) -> None:
    job = contained(SLEEPER, {"ResourceConfig": {"InstanceCount": 2}}, detach=True)
    until(lambda: job.logs("algo-1") == job.logs("algo-2") == "on\n")
    kill_session(job)
    assert left(real, job)
    done = subprocess.run(
        [sys.executable, "-m", "cursus", "describe", job.name, "--root", str(job.folder.parents[1])],
        capture_output=True,
        text=True,
    )
    assert f"left in {ENGINE}" in done.stdout, done
    assert not left(real, job)
    assert f"left in {ENGINE}" in (TrainingJob(job.folder).failure_reason or "")


def test_container_that_somebody_removes_is_a_lost_host(contained: Contained, real: engines.Engine) -> None:
    job = contained(SLEEPER, detach=True)
    until(lambda: job.logs() == "on\n")
    real.ask("rm", "--force", *left(real, job).split())
    job.wait()
    lost = "InternalServerError: the host algo-1 was lost"
    killed = "AlgorithmError: , exit code: 137"  # where the engine could still be asked
    assert (job.failure_reason or "").startswith((lost, killed)), job.failure_reason
    assert not left(real, job)


def test_clean_removes_containers_of_jobs_whose_folder_is_gone(
    contained: Contained, real: engines.Engine, tmp_path: Path
) -> None:
    import shutil

    job = contained(SLEEPER, detach=True)
    until(lambda: job.logs() == "on\n")
    kill_session(job)
    shutil.rmtree(job.folder)
    assert left(real, job)
    command = [sys.executable, "-m", "cursus", "clean", "--yes", "--root", str(tmp_path / "root")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "removed" in done.stderr, done
    assert not left(real, job)

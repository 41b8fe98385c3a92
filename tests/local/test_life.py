"""How jobs end: stop, timeout, Ctrl-C, deaths of every process; nothing is left running, the record is true."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from cursus.errors import RunError
from cursus.local.jobs import record
from cursus.local.jobs.job import TrainingJob
from tests.local.conftest import MakeStep, Run
from tests.local.helpers import OWN, SLEEP, drive, printed, running, started, statuses, stopped
from tests.waiting import until

HANDLER = """
import signal, sys, time
def heard(*_):
    print("heard", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, heard)
print("ready", flush=True)
time.sleep(30)
"""


def test_own_program_hears_a_stop(run: Run) -> None:
    job = stopped(run, HANDLER, OWN)
    assert job.logs() == "ready\nheard\n"
    assert statuses(job) == ["Starting", "Downloading", "Training", "Stopping", "Uploading", "Stopped"]
    assert job.evidence.exit_codes == {"algo-1": 7}
    assert job.evidence.signals["script_heard"] is True


def test_stopped_before_anything_was_started(run: Run) -> None:
    job = run("print('ran')", stop_after=0.0)
    assert statuses(job) == ["Starting", "Stopping", "Stopped"]
    assert job.logs() == ""


def test_first_process_without_handler_ignores_a_stop_and_is_killed(run: Run) -> None:
    job = run(SLEEP, OWN, stop_after=0.2, grace=0.2)
    assert (job.status, job.evidence.exit_codes) == ("Stopped", {"algo-1": 137})
    assert job.evidence.signals["killed"] is True


def test_script_hears_nothing_of_a_stop(run: Run) -> None:
    job = stopped(run, HANDLER, grace=0.3)
    assert job.logs() == "ready\n"
    assert job.evidence.signals["script_has_handler"] is True
    assert job.evidence.signals["script_heard"] is False
    assert "FRM092" in {finding.rule for finding in job.findings}


@pytest.mark.parametrize(("start", "heard"), [("exec python train.py", True), ("python train.py", False)])
def test_a_shell_before_the_script_keeps_a_stop_to_itself(run: Run, start: str, heard: bool) -> None:
    shell = {"AlgorithmSpecification": {"ContainerEntrypoint": ["bash", "start.sh"]}}
    files = {"start.sh": f"#!/bin/bash\n{start}\nexit $?\n"}
    job = stopped(run, HANDLER, shell, files=files, grace=0.2)
    assert job.logs() == ("ready\nheard\n" if heard else "ready\n")
    assert job.evidence.signals["script_has_handler"] is True
    assert job.evidence.signals["script_heard"] is heard
    told = [one.message for one in job.findings if one.rule == "FRM092"]
    assert bool(told) is not heard
    assert all("the shell that starts it passes no signal on" in message for message in told)


def test_script_goes_on_through_the_grace_period(run: Run) -> None:
    job = run("import time; time.sleep(0.5); open('/opt/ml/model/m', 'w').write('1')", stop_after=0.1)
    assert job.status == "Stopped"
    assert job.model_artifact is not None


def test_script_that_ignores_sigterm(run: Run) -> None:
    job = run("import signal; signal.signal(15, signal.SIG_IGN)\n" + SLEEP, OWN, stop_after=0.3, grace=0.2)
    assert (job.status, job.evidence.exit_codes) == ("Stopped", {"algo-1": 137})


def test_max_runtime(run: Run) -> None:
    job = run(SLEEP, {"StoppingCondition": {"MaxRuntimeInSeconds": 1}}, grace=0.1)
    told = job.describe()
    assert (told["TrainingJobStatus"], told["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert "RES092" in {finding.rule for finding in job.findings}


def test_timeout_of_the_run_is_not_the_requests(run: Run) -> None:
    job = run(SLEEP, timeout=0.2, grace=0.1)
    assert job.describe()["SecondaryStatus"] == "Stopped"
    assert "RES092" not in {finding.rule for finding in job.findings}


@pytest.mark.parametrize("level", ["unshare", "bubblewrap", "process"])
def test_daemons_end_with_the_job(run: Run, levels: dict[str, str], level: str) -> None:
    if levels[level]:
        pytest.skip(levels[level])
    script = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        print("daemon", flush=True)
        time.sleep(60)
    os._exit(0)
os.wait()
time.sleep(0.2)
"""
    job = run(script, {"Environment": {"MARKER": "daemon-of-" + level}}, level=level)
    assert (job.status, job.logs()) == ("Completed", "daemon\n")
    assert running("daemon-of-" + level) == []


def test_detached_job_is_found_stopped_and_described_by_others(run: Run, tmp_path: Path) -> None:
    job = run(HANDLER, OWN, detach=True)
    until(printed(job))
    other = TrainingJob(job.folder)
    assert other.status == "InProgress"
    assert other.describe()["SecondaryStatus"] == "Training"
    other.stop()
    other.wait()
    assert (other.status, other.logs()) == ("Stopped", "ready\nheard\n")
    with pytest.raises(RunError, match="has ended"):
        other.stop()


def test_killed_supervisor(run: Run) -> None:
    job = run(SLEEP, {"Environment": {"MARKER": "killed-supervisor"}}, detach=True)
    until(printed(job))
    os.kill(record.load(str(job.folder))["supervisor"], signal.SIGKILL)
    until(lambda: not record.is_running(str(job.folder)))
    told = TrainingJob(job.folder).describe()
    assert told["TrainingJobStatus"] == told["SecondaryStatus"] == "Failed"
    assert "supervisor was killed" in told["FailureReason"]
    until(lambda: not running("killed-supervisor"))


def test_ctrl_c_stops_the_job_first(make_step: MakeStep, tmp_path: Path) -> None:
    client = drive(make_step, tmp_path, HANDLER, 30)
    job = started(tmp_path)
    client.send_signal(signal.SIGINT)
    assert client.wait(20) == 130
    assert (job.status, job.logs()) == ("Stopped", "ready\nheard\n")


def test_ctrl_c_twice_ends_it_now(make_step: MakeStep, tmp_path: Path) -> None:
    client = drive(make_step, tmp_path, SLEEP, 60)
    job = started(tmp_path)
    client.send_signal(signal.SIGINT)
    until(lambda: job.status == "Stopping")
    client.send_signal(signal.SIGINT)
    assert client.wait(20) == 130
    assert job.status == "Stopped"
    assert job.evidence.exit_codes == {"algo-1": 137}


def test_job_ends_with_its_client(make_step: MakeStep, tmp_path: Path) -> None:
    client = drive(make_step, tmp_path, SLEEP, 60, marker="orphaned-job")
    job = started(tmp_path)
    client.kill()
    client.wait()
    until(lambda: not record.is_running(str(job.folder)))
    assert job.status == "Stopped"
    assert running("orphaned-job") == []


def test_detached_job_outlives_its_client(make_step: MakeStep, tmp_path: Path) -> None:
    client = drive(make_step, tmp_path, HANDLER, 60, detach=True)
    assert client.wait(20) == 0
    job = started(tmp_path)
    assert job.status == "InProgress"
    job.kill()
    job.wait()
    assert job.status == "Stopped"


def test_two_clients_and_one_name(make_step: MakeStep, tmp_path: Path) -> None:
    one, two = (drive(make_step, tmp_path, "print('ready')", 5) for _ in range(2))
    assert sorted([one.wait(20), two.wait(20)]) == [0, 1]
    assert TrainingJob(tmp_path / "jobs/churn-2026-01-31").status == "Completed"

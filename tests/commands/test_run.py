"""``cursus run`` and the commands on jobs, with real jobs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cursus.checks.examples import BASES
from tests.commands.conftest import SOURCE, Cursus, process, with_source

SCRIPT = """
import os, sys
channel = os.environ["SM_CHANNEL_TRAIN"]
print("rows:", open(os.path.join(channel, "a.csv")).read().count(","))
with open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w") as file:
    file.write("trained")
"""


@pytest.fixture
def project(folder: Path, good: dict[str, Any]) -> Path:
    return with_source(folder, SCRIPT, "1,2\n3,4\n")


def test_life_of_a_job(cursus: Cursus, project: Path) -> None:
    done = cursus("run", "good.json", *SOURCE)
    assert done.code == 0, done
    assert "rows: 2" in done.out and "Completed after" in done.out and "-- Training:" in done.err
    name = "churn-2026-01-31"
    assert (project / ".cursus" / "jobs" / name / "output" / "model.tar.gz").is_file()

    listed = cursus("jobs")
    assert listed.code == 0 and listed.out.startswith(f"{name}  Completed  ")
    assert cursus("jobs", "--format", "json").json()["jobs"][0]["name"] == name
    assert cursus("logs", name).out == "rows: 2\n"
    assert cursus("logs", name, "--follow").out == "rows: 2\n"
    assert cursus("describe", name).json()["TrainingJobStatus"] == "Completed"
    again = cursus("run", "good.json", *SOURCE)
    assert again.code == 2 and "already used" in again.err
    assert f"cursus clean {name})" in again.err
    assert cursus("run", "good.json", *SOURCE, "--root", "other", "--detach").code == 0
    again = cursus("run", "good.json", *SOURCE, "--root", "other")
    assert f"cursus clean {name} --root {project / 'other'})" in again.err
    ended = cursus("stop", name)
    assert ended.code == 2 and "has ended" in ended.err

    (project / ".cursus" / "jobs" / "mine").mkdir()
    stored = project / ".cursus" / "s3" / "example-bucket" / "mine.csv"
    stored.write_text("1")
    assert cursus("clean", name, "--yes").code == 0
    assert stored.is_file() and (project / ".cursus" / "jobs" / "mine").is_dir()
    assert [path.name for path in stored.parent.iterdir()] == ["mine.csv"]
    assert not (project / ".cursus" / "jobs" / name).exists()


def test_clean_asks(project: Path) -> None:
    assert process("run", "good.json", *SOURCE, cwd=project).returncode == 0
    asked = process("clean", cwd=project, stdin=subprocess.DEVNULL)
    assert asked.returncode == 2 and b"--yes" in asked.stderr
    refused = process("clean", cwd=project, input=b"n\n")
    assert refused.returncode == 2 and (project / ".cursus" / "jobs").is_dir()
    agreed = process("clean", cwd=project, input=b"y\n")
    assert agreed.returncode == 0 and not (project / ".cursus").exists()
    assert process("clean", "--yes", cwd=project).stdout == b"nothing to remove in .cursus\n"


@pytest.mark.parametrize(
    ("prefix", "stays"), [("checkpoints", True), ("checkpoints/churn-2026-01-31", False)]
)
def test_clean_removes_checkpoints_that_are_the_jobs_alone(
    cursus: Cursus, project: Path, prefix: str, stays: bool
) -> None:
    request = json.loads((project / "good.json").read_text())
    request["CheckpointConfig"] = {"S3Uri": f"s3://example-bucket/{prefix}"}
    (project / "good.json").write_text(json.dumps(request))
    kept = project / ".cursus/s3/example-bucket" / prefix / "epoch-1"
    kept.parent.mkdir(parents=True)
    kept.write_text("weights")
    assert cursus("run", "good.json", *SOURCE).code == 0
    assert kept.exists() and cursus("clean", "--yes").code == 0
    assert kept.exists() is stays


def test_clean_follows_no_link(cursus: Cursus, project: Path) -> None:
    assert cursus("run", "good.json", *SOURCE, "--root", "other").code == 0
    job = project / "other" / "jobs" / "churn-2026-01-31"
    (project / ".cursus" / "jobs").mkdir(parents=True)
    (project / ".cursus" / "jobs" / "churn-2026-01-31").symlink_to(job)
    assert cursus("clean", "--yes").code == 0
    assert (job / "job.json").is_file() and not (project / ".cursus").exists()


def test_json(cursus: Cursus, project: Path) -> None:
    done = cursus("run", "good.json", *SOURCE, "--format", "json", "--expect-artifact", "model.txt")
    data = done.json()
    assert (data["schema_version"], data["status"], done.code) == (1, "Completed", 0)
    assert data["description"]["TrainingJobStatus"] == "Completed" and "rows: 2" in done.err
    assert data["model_artifact"].endswith("model.tar.gz")


def test_failed_job(cursus: Cursus, project: Path) -> None:
    (project / "src" / "train.py").write_text("raise SystemExit(3)\n")
    done = cursus("run", "good.json", *SOURCE)
    assert done.code == 1 and "Failed after" in done.out and "FailureReason: " in done.out


def test_missing_artifact_is_an_error(cursus: Cursus, project: Path) -> None:
    done = cursus("run", "good.json", *SOURCE, "--expect-artifact", "weights.bin")
    assert done.code == 1 and "Completed" in done.out and "weights.bin" in done.out


def test_step_of_a_pipeline(cursus: Cursus, project: Path) -> None:
    definition = json.loads(json.dumps(BASES["Pipeline"]))
    second = {**definition["Steps"][0], "Name": "Again"}
    definition["Steps"][0]["Arguments"]["DebugHookConfig"] = {"S3OutputPath": "s3://example-bucket/debug/"}
    definition["Steps"].append(second)
    (project / "pipeline.json").write_text(json.dumps(definition))
    done = cursus("run", "pipeline.json", *SOURCE)
    assert done.code == 2 and "Train, Again" in done.err
    done = cursus("run", "pipeline.json", *SOURCE, "--step", "Agian")
    assert done.code == 2 and "Did you mean 'Again'?" in done.err
    assert cursus("run", "pipeline.json", *SOURCE, "--step", "Again").code == 0


WAITING = "import time\nprint('ready', flush=True)\ntime.sleep(60)\n"
QUICK = {"CURSUS_STOP_GRACE": "0.2"}


def wait_for(folder: Path, text: bytes) -> None:
    log = folder / ".cursus" / "jobs" / "churn-2026-01-31" / "logs" / "algo-1.log"
    until = time.monotonic() + 30
    while not (log.is_file() and text in log.read_bytes()):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_detached_job_is_stopped_by_another_process(project: Path) -> None:
    (project / "src" / "train.py").write_text(WAITING)
    started = process("run", "good.json", *SOURCE, "--detach", cwd=project, env=QUICK)
    assert started.returncode == 0 and b"started" in started.stdout
    wait_for(project, b"ready")
    kept = process("clean", "--yes", cwd=project)
    assert b"still runs" in kept.stderr
    stopped = process("stop", "churn-2026-01-31", "--wait", cwd=project)
    assert stopped.returncode == 0 and b"Stopped" in stopped.stdout


def test_ctrl_c_stops_the_job(project: Path) -> None:
    (project / "src" / "train.py").write_text(WAITING)
    command = [sys.executable, "-m", "cursus", "run", "good.json", *SOURCE]
    running = subprocess.Popen(
        command, cwd=project, env={**os.environ, **QUICK}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_for(project, b"ready")
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130 and b"interrupted" in said and b"Traceback" not in said
    described = json.loads(process("describe", "churn-2026-01-31", cwd=project).stdout)
    assert described["TrainingJobStatus"] == "Stopped"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run",), "TARGET"),
        (("run", "good.json", "--channel", "train"), "NAME=PATH"),
        (("run", "good.json", *SOURCE[:4], "--channel", "trian=data"), "trian"),
        (
            ("run", "good.json", *SOURCE[:4], "--channel", "train=nowhere"),
            "train=nowhere: there is no such file or folder",
        ),
        (("run", "good.json", "--source", "nowhere"), "nowhere"),
        (("run", "good.json", "--timeout", "-1"), "--timeout"),
        (("run", "good.json", "--timeout", "soon"), "soon"),
        (("run", "tuning.json"), "CreateHyperParameterTuningJob"),
        (("run", "good.json", *SOURCE, "--root", "good.json"), "good.json"),
        (("logs", "nothing"), "there is no job 'nothing'"),
        (("describe", "nothing"), "there is no job 'nothing'"),
        (("stop", "../../etc"), "there is no job"),
        (("clean", "nothing"), "there is no job 'nothing'"),
    ],
)
def test_bad_input(cursus: Cursus, project: Path, arguments: tuple[str, ...], said: str) -> None:
    (project / "tuning.json").write_text(json.dumps(BASES["CreateHyperParameterTuningJob"]))
    done = cursus(*arguments)
    assert done.code == 2, done
    assert said in done.out + done.err
    assert "Traceback" not in done.out + done.err


def test_real_s3_without_its_extra_is_refused_at_once(
    cursus: Cursus, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    done = cursus("run", "good.json", *SOURCE, "--s3", "aws")
    assert done.code == 2 and "pip install obstore" in done.err
    assert not (project / ".cursus").exists()


def test_clean_removes_what_killed_processes_left(cursus: Cursus, project: Path) -> None:
    jobs = project / ".cursus/jobs"
    (jobs / "never-began/logs").mkdir(parents=True)
    (jobs / "never-began/lock").touch()
    (jobs / ".deleted-1-old/hosts").mkdir(parents=True)
    (jobs / "mine").mkdir()
    (jobs / "mine/lock").touch()
    (jobs / "mine/notes.txt").touch()
    assert cursus("clean", "--yes").code == 0
    assert [path.name for path in jobs.iterdir()] == ["mine"]


def test_many_jobs_are_listed_from_an_index(cursus: Cursus, project: Path) -> None:
    from cursus.local.jobs.record import Record

    jobs = project / ".cursus/jobs"
    for number in range(60):
        folder = jobs / f"job-{number:02}"
        folder.mkdir(parents=True)
        request = {**BASES["CreateTrainingJob"], "TrainingJobName": folder.name}
        record = Record(
            str(folder), {"request": request, "arn": "", "model_uri": "", "created": 1e9 - number}
        )
        record.transition("Completed", "Completed")
        record.close()
    first = cursus("jobs").out
    assert (jobs / ".index.json").is_file()
    assert [line.split()[0] for line in first.splitlines()] == [
        f"job-{59 - number:02}" for number in range(60)
    ]
    assert cursus("jobs").out == first
    state = json.loads((jobs / "job-05/job.json").read_text())
    (jobs / "job-05/new.json").write_text(
        json.dumps({**state, "status": "Failed", "failure_reason": "why\nnot"})
    )
    (jobs / "job-05/new.json").replace(jobs / "job-05/job.json")
    changed = cursus("jobs").out
    assert next(line for line in changed.splitlines() if line.startswith("job-05")).endswith("why\\nnot")
    for damage in ("{", "[]", '{"version": 2, "jobs": {"job-01": [1]}}', '{"version": 2, "jobs": []}'):
        (jobs / ".index.json").write_text(damage)
        assert cursus("jobs").out == changed
    assert cursus("clean", "--yes").code == 0
    assert not jobs.exists()


def test_a_builder_that_makes_no_step_says_why(cursus: Cursus, folder: Path) -> None:
    (folder / "b.py").write_text(
        "class Raises:\n    def create_step(self):\n        raise ValueError('no bucket today')\n\n\n"
        "class Lacks:\n    pass\n"
    )
    raised = cursus("run", "b.py:Raises")
    assert raised.code == 2 and "create_step raised ValueError: no bucket today" in raised.err
    lacks = cursus("run", "b.py:Lacks")
    assert lacks.code == 2 and "Lacks has no create_step" in lacks.err

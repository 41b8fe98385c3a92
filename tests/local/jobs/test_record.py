"""The record is true on a full disk, in a folder that cannot be written, and after anything."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from cursus.errors import RunError
from cursus.local.jobs import record
from cursus.local.jobs.job import TrainingJob
from cursus.local.runner import run_step
from tests.local.conftest import MakeStep, Run
from tests.local.elsewhere import client


def test_every_transition_is_on_disk_when_it_is_entered(tmp_path: Path) -> None:
    kept = record.Record(str(tmp_path), {"request": {}})
    for primary, secondary in (
        ("InProgress", "Starting"),
        ("InProgress", "Training"),
        ("Completed", "Completed"),
    ):
        kept.transition(primary, secondary)
        assert record.load(str(tmp_path))["secondary"] == secondary
    lines = [json.loads(line)["secondary"] for line in (tmp_path / "state.jsonl").read_text().splitlines()]
    assert lines == ["Starting", "Training", "Completed"]


def test_lock_is_held_by_one(tmp_path: Path) -> None:
    assert not record.is_running(str(tmp_path))
    lock = record.acquire(str(tmp_path))
    assert record.is_running(str(tmp_path))
    with pytest.raises(OSError, match="unavailable"):
        record.acquire(str(tmp_path))
    os.close(lock)
    assert not record.is_running(str(tmp_path))


def test_folder_without_a_job(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no training job"):
        TrainingJob(tmp_path)


def test_folder_that_cannot_be_made(make_step: MakeStep, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be made"):
        run_step(make_step(""), root=tmp_path / "file")


FILL = """
import os
with open("/opt/ml/model/big", "wb") as file:
    while True:
        file.write(os.urandom(1 << 16))
"""
LOUD = """
line = "x" * 1000
while True:
    try:
        print(line, flush=True)
    except OSError:
        break
"""


def _small_disk(tmp_path: Path) -> list[str]:
    """A command that runs another one where ``tmp_path/disk`` is a file system of 4 MiB; skips where that is denied."""
    disk = tmp_path / "disk"
    disk.mkdir(exist_ok=True)
    script = f'mount -t tmpfs -o size=4m small {disk} && exec "$@"'
    prefix = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    done = subprocess.run([*prefix, "true"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no small file system here: {done.stderr.strip()}")
    return prefix


SHOW = """
print(json.dumps([job.describe()["TrainingJobStatus"], job.describe().get("FailureReason"), len(job.logs())]))
"""


@pytest.mark.parametrize(
    "script", [FILL, LOUD.replace("while True", "for _ in range(8000)")], ids=["model", "log"]
)
def test_full_disk(make_step: MakeStep, tmp_path: Path, script: str) -> None:
    step = make_step(script)
    command = [*_small_disk(tmp_path), *client(step, tmp_path / "disk/root", SHOW, grace=1)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    status, reason, size = json.loads(done.stdout)
    assert size < 4 << 20
    if script is FILL:
        assert status == "Failed"
        assert "No space left on device" in reason
    else:
        assert status == "Completed"


def test_supervisor_that_cannot_start_is_described(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from cursus.local import runner

    monkeypatch.setattr(runner, "PROGRAM", "raise SystemExit('no supervisor')")
    job = run("print(1)")
    told = job.describe()
    assert told["TrainingJobStatus"] == "Failed"
    assert "no supervisor" in told["FailureReason"]


def test_record_of_another_version_is_read_as_far_as_it_goes(run: Run) -> None:
    job = run("print(1)")
    path = Path(job.folder) / "evidence.json"
    kept = json.loads(path.read_bytes())
    kept["usage"] = {"algo-1": {"peak_memory": 5, "energy": 7}}
    kept["starts"] = [{"began": 1.0, "seconds": 2.0, "mood": "good"}]
    kept["metric_scans"] = [{"name": "loss", "regex": "x", "matches": 1}]
    path.write_text(json.dumps({**kept, "weather": "fair"}))
    evidence = TrainingJob(job.folder).evidence
    assert evidence.usage["algo-1"].peak_memory == 5 and evidence.usage["algo-1"].samples == 0
    assert evidence.starts[0].seconds == 2.0 and evidence.metric_scans[0].not_numbers == ()

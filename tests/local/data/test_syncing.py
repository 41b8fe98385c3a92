"""Checkpoints, and what TensorBoard and the debugger are to get, come to S3 while the script runs and at its end."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from cursus.local.jobs.record import load
from tests.local.conftest import KEYS, Run, ServeS3, channel
from tests.local.helpers import printed
from tests.waiting import until

GO = "/opt/ml/input/config/"
WAIT = f"""
import os, time
def wait_for(name):
    while not os.path.exists("{GO}" + name):
        time.sleep(0.02)
"""


def below(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def write(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def from_s3(bucket: Path, **members: Any) -> dict[str, Any]:
    write(bucket / "train/a")
    return {
        "InputDataConfig": [channel("train", f"s3://{bucket.name}/train/")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket.name}/out"},
        **members,
    }


def checkpoints(bucket: Path) -> dict[str, Any]:
    return from_s3(bucket, CheckpointConfig={"S3Uri": f"s3://{bucket.name}/checkpoints/run"})


def test_real_s3_is_kept_in_step_and_outlives_the_supervisor(run: Run, bucket: Path) -> None:
    write(bucket / "checkpoints/run/old", "o")
    write(bucket / "checkpoints/run/deep/state", "1")
    script = WAIT + (
        "place = '/opt/ml/checkpoints/'\n"
        "os.remove(place + 'old')\n"
        "open(place + 'deep/state', 'w').write('2')\n"
        "open(place + 'ü#1', 'w').write('odd')\n"
        "print('ready', flush=True)\n"
        "time.sleep(30)\n"
    )
    job = run(script, checkpoints(bucket), channels={}, detach=True)
    try:
        until(printed(job))
        until(lambda: below(bucket / "checkpoints/run") == {"deep/state": "2", "ü#1": "odd"})
        assert job.status == "InProgress"
        os.kill(int(load(str(job.folder))["supervisor"]), signal.SIGKILL)
        until(lambda: job.status == "Failed")
        assert below(bucket / "checkpoints/run") == {"deep/state": "2", "ü#1": "odd"}
    finally:
        job.kill()


def test_next_start_finds_what_s3_holds_then(run: Run, bucket: Path) -> None:
    script = """
import os, time
print(sorted(os.listdir("/opt/ml/checkpoints")), flush=True)
if not os.path.exists("/opt/ml/checkpoints/1"):
    open("/opt/ml/checkpoints/1", "w").write("x")
    print("ready", flush=True)
    time.sleep(30)
"""
    job = run(script, checkpoints(bucket), channels={}, detach=True, interrupt_after=2.5, grace=0.05)
    until(printed(job))
    until(lambda: (bucket / "checkpoints/run/1").exists())
    write(bucket / "checkpoints/run/2")  # by somebody else, while the first start runs
    job.wait()
    assert (job.status, job.logs()) == ("Completed", "[]\nready\n['1', '2']\n")
    assert not any("Checkpoint" in note for note in job.evidence.not_reproduced)
    assert sorted(below(bucket / "checkpoints/run")) == ["1", "2"]


BOARD = {
    "TensorBoardOutputConfig": {"S3OutputPath": "s3://example-bucket/board/", "LocalPath": "/opt/ml/board"},
    "DebugHookConfig": {"S3OutputPath": "s3://example-bucket/debug"},
    "ProfilerConfig": {"S3OutputPath": "s3://example-bucket/profile"},
    "TrainingJobName": "watched",
}
LEAVES = WAIT + (
    "open('/opt/ml/board/events.1', 'w').write('e')\n"
    "os.makedirs('/opt/ml/output/tensors/run', exist_ok=True)\n"
    "open('/opt/ml/output/tensors/run/loss', 'w').write('t')\n"
    "open('/opt/ml/output/profiler/step', 'w').write('p')\n"
    "print('ready', flush=True)\n"
    "wait_for('go')\n"
    "open('/opt/ml/board/events.1', 'a').write('f')\n"
    "os.remove('/opt/ml/output/tensors/run/loss')\n"
)


def left(tmp_path: Path) -> dict[str, str]:
    found = below(tmp_path / "root/s3/example-bucket")
    return {name: text for name, text in found.items() if not name.endswith(".part")}


def test_debugger_and_tensorboard_files_come_to_the_store(run: Run, tmp_path: Path) -> None:
    job = run(LEAVES, BOARD, detach=True)
    until(printed(job))
    first = {
        "board/watched/tensorboard-output/events.1": "e",
        "debug/watched/debug-output/run/loss": "t",
        "profile/watched/profiler-output/step": "p",
    }
    until(lambda: left(tmp_path) == first)
    assert job.status == "InProgress"
    (job.folder / "hosts/algo-1/ml/input/config/go").write_text("")
    job.wait()
    assert job.status == "Completed", job.describe()
    assert left(tmp_path) == {**first, "board/watched/tensorboard-output/events.1": "ef"}
    assert not job.evidence.stray_files
    assert not any("TensorBoard" in note for note in job.evidence.not_reproduced)


def test_they_come_to_real_s3_too(run: Run, bucket: Path) -> None:
    script = "open('/opt/ml/output/tensorboard/events', 'w').write('e')"
    patch = from_s3(bucket, TensorBoardOutputConfig={"S3OutputPath": f"s3://{bucket.name}/board"})
    job = run(script, {**patch, "TrainingJobName": "boarded"}, channels={})
    assert job.status == "Completed", job.describe()
    assert below(bucket / "board") == {"boarded/tensorboard-output/events": "e"}


def test_path_that_is_not_kept_is_named(run: Run) -> None:
    config = {"S3OutputPath": "s3://example-bucket/board", "LocalPath": "/var/board"}
    job = run("", {"TensorBoardOutputConfig": config})
    assert [note for note in job.evidence.not_reproduced if "TensorBoard" in note] == [
        "TensorBoardOutputConfig: what the script writes to /var/board, outside /opt/ml, is not brought to S3"
    ]


# --- stores that fail ---------------------------------------------------------------------------------


UPLOADS = (
    WAIT
    + "print('ready', flush=True)\nwait_for('go')\nopen('/opt/ml/model/model.txt', 'w').write('trained')\n"
)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_server_that_goes_before_the_upload(
    run: Run, serve_s3: ServeS3, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    server = serve_s3()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS[1])
    monkeypatch.setenv("CURSUS_S3", server.endpoint)
    job = run(UPLOADS, from_s3(server.folder / "bucket-that-goes"), channels={}, detach=True)
    until(printed(job))
    server.process.send_signal(how)
    (job.folder / "hosts/algo-1/ml/input/config/go").write_text("")
    if how == signal.SIGSTOP:  # nobody has to wait for a server that says nothing
        until(lambda: job.describe()["SecondaryStatus"] == "Uploading")
        time.sleep(0.2)
        job.kill()
    job.wait()
    if how == signal.SIGKILL:
        reason = job.describe()["FailureReason"]
        assert reason.startswith("ClientError: Artifact upload failed:") and "it is kept at" in reason
    assert job.status in ("Failed", "Stopped")
    assert (job.folder / "output/model.tar.gz").exists()


def test_wrong_credentials_end_the_job_in_plain_words(
    run: Run, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    reason = run("", from_s3(bucket), channels={}).describe()["FailureReason"]
    assert reason == f"ClientError: Data download failed:s3://{bucket.name}/train/: InvalidAccessKeyId"


def test_no_credentials_are_named(
    run: Run, bucket: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    reason = run("", from_s3(bucket), channels={}).describe()["FailureReason"]
    assert "there are no credentials for http://127.0.0.1" in reason and "AWS_ACCESS_KEY_ID" in reason


def test_comparison_leaves_s3_to_the_interrupted_run(run: Run, bucket: Path) -> None:
    script = """
import os, time
last = "/opt/ml/checkpoints/last"
first = int(open(last).read()) if os.path.exists(last) else 0
kept = os.open(last, os.O_CREAT | os.O_WRONLY)
for epoch in range(first, 12):
    time.sleep(0.1)
    print(f"loss={1 / (epoch + 1):.4f}", flush=True)
    os.pwrite(kept, str(epoch + 1).encode(), 0)  # never empty, whenever it is cut off
"""
    patch = checkpoints(bucket) | {
        "AlgorithmSpecification": {"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]},
    }
    job = run(script, patch, channels={}, interrupt_after=0.6, grace=0.05, compare=True)
    assert job.status == "Completed", job.describe()
    assert len(job.evidence.starts) == 2 and job.evidence.starts[1].restored == 1
    assert below(bucket / "checkpoints/run") == {"last": "12"}
    assert job.evidence.comparison

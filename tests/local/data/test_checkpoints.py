"""CheckpointConfig: restored before the start, kept in step while the script runs, deletions too."""

from __future__ import annotations

from pathlib import Path

from tests.local.conftest import Run
from tests.local.helpers import printed
from tests.waiting import until

URI = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/run-1/"}}


def stored(tmp_path: Path, uri: str = "example-bucket/run-1") -> dict[str, str]:
    folder = tmp_path / "root" / "s3" / uri
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def put(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = tmp_path / "root" / "s3" / "example-bucket" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_restored_changed_and_deleted(run: Run, tmp_path: Path) -> None:
    put(tmp_path, {"run-1/old": "o", "run-1/deep/state": "1", "run-1/gone/x": "g"})
    script = """
import os
print(sorted(os.listdir("/opt/ml/checkpoints")), open("/opt/ml/checkpoints/deep/state").read())
open("/opt/ml/checkpoints/deep/state", "w").write("2")
open("/opt/ml/checkpoints/new", "w").write("n")
os.remove("/opt/ml/checkpoints/gone/x")
"""
    job = run(script, URI)
    assert job.logs() == "['deep', 'gone', 'old'] 1\n"
    assert stored(tmp_path) == {"old": "o", "deep/state": "2", "new": "n"}
    assert {file.path for file in job.evidence.checkpoint_files} == {"deep/state", "new", "old"}


def test_kept_in_step_while_the_script_runs(run: Run, tmp_path: Path) -> None:
    script = """
import os, time
place = "/opt/ml/checkpoints/"
open(place + "one", "w").write("1")
print("ready", flush=True)
while not os.path.exists(place + "../output/go"):
    time.sleep(0.02)
os.remove(place + "one")
open(place + "two", "w").write("2")
print("changed", flush=True)
time.sleep(30)
"""
    job = run(script, URI, detach=True)
    try:
        until(printed(job))
        until(lambda: stored(tmp_path) == {"one": "1"})
        (job.folder / "hosts/algo-1/ml/output/go").write_text("")
        until(printed(job, "changed"))
        until(lambda: stored(tmp_path) == {"two": "2"})
        assert job.status == "InProgress"
    finally:
        job.kill()
        job.wait()


def test_what_was_kept_outlives_a_failure(run: Run, tmp_path: Path) -> None:
    script = "open('/opt/ml/checkpoints/a', 'w').write('1'); raise SystemExit(2)"
    assert run(script, URI).status == "Failed"
    assert stored(tmp_path) == {"a": "1"}


def test_local_path_elsewhere(run: Run, tmp_path: Path) -> None:
    put(tmp_path, {"run-1/old": "o"})
    patch = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/run-1/", "LocalPath": "/ckpt"}}
    job = run("print(open('/ckpt/old').read()); open('/ckpt/new', 'w').write('n')", patch)
    assert job.logs() == "o\n", job.failure_reason
    assert stored(tmp_path) == {"old": "o", "new": "n"}


def test_prefix_without_a_slash_restores_what_begins_alike(run: Run, tmp_path: Path) -> None:
    put(tmp_path, {"run-1/own": "1", "run-10/other": "2", "run-2/none": "3"})
    script = "import os; print(sorted(p + '/' + n for p, _, f in os.walk('/opt/ml/checkpoints') for n in f))"
    job = run(script, {"CheckpointConfig": {"S3Uri": "s3://example-bucket/run-1"}})
    assert job.logs() == "['/opt/ml/checkpoints/0/other', '/opt/ml/checkpoints/own']\n"
    assert job.evidence.foreign_checkpoints == ("0/other",)
    assert "ART097" in {finding.rule for finding in job.findings}


def test_links_and_pipes_are_not_followed(run: Run, tmp_path: Path) -> None:
    script = """
import os
os.chdir("/opt/ml/checkpoints")
os.symlink("/etc/passwd", "out")
open("real", "w").write("r")
os.symlink("real", "inside")
os.mkfifo("pipe")
"""
    job = run(script, URI)
    assert job.status == "Completed"
    assert stored(tmp_path) == {"real": "r", "inside": "r"}
    assert {name for name, _ in job.evidence.left_out} == {"out", "pipe"}


def test_there_is_no_directory_for_checkpoints_without_a_configuration(run: Run) -> None:
    script = "import os; print(os.path.exists('/opt/ml/checkpoints'))"
    assert run(script).logs() == "False\n"
    asked = {"TrainingJobName": "second", "CheckpointConfig": {"S3Uri": "s3://example-bucket/c/"}}
    assert run(script, asked).logs() == "True\n"

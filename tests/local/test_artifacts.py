"""Archives: what is in them, what is left out and told, and whatever a script does to its directories."""

from __future__ import annotations

import os
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from cursus.local import artifacts
from tests.local.conftest import Run


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    folder = tmp_path / "ml"
    (folder / "model").mkdir(parents=True)
    return folder


def packed(ml: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """(names in the archive, what was left out)."""
    collected = artifacts.collect(str(ml / "model"), str(ml))
    target = ml.parent / "model.tar.gz"
    artifacts.pack(collected, str(target), threads=2)
    assert not target.with_suffix(".gz.part").exists()
    subprocess.run(["gzip", "-t", target], check=True)
    with tarfile.open(target) as archive:
        return archive.getnames(), collected.left_out


def test_files_directories_and_modes(ml: Path) -> None:
    (ml / "model/code").mkdir()
    (ml / "model/code/inference.py").write_text("x")
    (ml / "model/run.sh").write_text("x")
    (ml / "model/run.sh").chmod(0o755)
    names, left_out = packed(ml)
    assert (names, left_out) == (["code", "run.sh", "code/inference.py"], [])
    with tarfile.open(ml.parent / "model.tar.gz") as archive:
        info = archive.getmember("run.sh")
        assert (info.mode & 0o777, info.uid, info.uname) == (0o755, 0, "root")


def test_links(ml: Path, tmp_path: Path) -> None:
    model = ml / "model"
    (model / "best.pt").write_text("weights")
    (ml / "other.txt").write_text("other")
    (tmp_path / "outside").write_text("secret")
    (model / "latest.pt").symlink_to("best.pt")
    (model / "climbing").symlink_to("../../outside")
    (model / "absolute").symlink_to("/etc/passwd")
    (model / "container").symlink_to("/opt/ml/other.txt")
    (model / "dangling").symlink_to("nothing")
    os.link(model / "best.pt", model / "hard.pt")
    names, left_out = packed(ml)
    assert names == ["best.pt", "container", "dangling", "hard.pt", "latest.pt"]
    assert {name for name, _ in left_out} == {"climbing", "absolute"}
    with tarfile.open(ml.parent / "model.tar.gz") as archive:
        assert archive.getmember("latest.pt").linkname == "best.pt"
        content = archive.extractfile("container")
        assert content is not None and content.read() == b"other"
        assert archive.getmember("hard.pt").islnk()


def test_what_no_archive_can_hold(ml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(ml / "model/fifo")
    monkeypatch.chdir(ml / "model")  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
        names, left_out = packed(ml)
    assert names == []
    assert left_out == [("fifo", "a FIFO"), ("sock", "a socket")]


@pytest.mark.parametrize(
    "script",
    [
        "import shutil; shutil.rmtree('/opt/ml/model')",
        "import shutil; shutil.rmtree('/opt/ml/model'); open('/opt/ml/model', 'w').write('a file')",
        "import shutil; shutil.rmtree('/opt/ml', ignore_errors=True)",
    ],
)
def test_script_that_removes_its_directories(run: Run, script: str) -> None:
    job = run(script)
    assert (job.status, job.model_artifact) == ("Completed", None)


def test_script_that_takes_permissions_away(run: Run) -> None:
    job = run(
        "import os\nos.mkdir('/opt/ml/model/d')\nopen('/opt/ml/model/d/f', 'w').write('1')\n"
        "os.chmod('/opt/ml/model/d/f', 0)\nos.chmod('/opt/ml/model/d', 0)\nos.chmod('/opt/ml/model', 0)"
    )
    assert job.status == "Completed"
    assert [file.path for file in job.evidence.model_files] == ["d/f"]


def test_script_that_writes_many_files(run: Run) -> None:
    job = run("for i in range(5000): open(f'/opt/ml/model/{i}', 'w').write('x')")
    assert job.model_artifact is not None
    with tarfile.open(job.model_artifact) as archive:
        assert len(archive.getnames()) == 5000
    assert len(job.evidence.model_files) == 1000


def test_names_of_every_kind(run: Run) -> None:
    script = """
for name in (b"new\\nline", b"\\xff\\xfe", "ünï".encode(), b"-rf", b"a" * 200):
    open(b"/opt/ml/model/" + name, "w").write("x")
"""
    job = run(script)
    assert job.status == "Completed", job.describe()
    assert job.model_artifact is not None
    with tarfile.open(job.model_artifact) as archive:
        assert len(archive.getnames()) == 5


def test_store_path_does_not_climb() -> None:
    assert artifacts.store_path("/root", "s3://bucket/a/b") == os.path.realpath("/root") + "/s3/bucket/a/b"
    assert artifacts.store_path("/root", "s3://bucket/../../x") is None
    assert artifacts.store_path("/root", "https://bucket/x") is None

"""Archives: what is in them, what is left out and told, and whatever a script does to its directories."""

from __future__ import annotations

import array
import gzip
import os
import random
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cursus.local import artifacts, storage
from cursus.local.jobs.job import TrainingJob
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
    script = "for i in [*range(4999), 'weights']: open(f'/opt/ml/model/{i}', 'w').write('x')"
    job = run(script, expected=("weights", "absent"))
    assert job.model_artifact is not None
    with tarfile.open(job.model_artifact) as archive:
        assert len(archive.getnames()) == 5000
    assert len(job.evidence.model_files) == 5000
    promised = [finding.message for finding in job.findings if finding.rule == "ART090"]
    assert len(promised) == 1
    assert "absent" in promised[0]  # the last of many files is found, too


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
    assert storage.store_path("/root", "s3://bucket/a/b") == os.path.realpath("/root") + "/s3/bucket/a/b"
    assert storage.store_path("/root", "s3://bucket/../../x") is None
    assert storage.store_path("/root", "https://bucket/x") is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def assert_kept(job: TrainingJob, text: str) -> None:
    reason = job.describe()["FailureReason"]
    assert (job.status, reason.startswith("ClientError: Artifact upload failed:")) == ("Failed", True), reason
    assert text in reason and "it is kept at" in reason
    assert job.model_artifact is not None
    with tarfile.open(job.model_artifact) as archive:
        assert archive.getnames() == ["weights"]


SAVE = "import os; open('/opt/ml/model/weights', 'wb').write(os.urandom(3_000_000))"


def test_full_store_fails_the_job_and_loses_nothing(run: Run, tmp_path: Path, small_disk: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root/s3").symlink_to(small_disk)
    assert_kept(
        run(SAVE, {"OutputDataConfig": {"S3OutputPath": "s3://example-bucket/out"}}),
        "No space left on device",
    )
    assert not list(small_disk.rglob("*.part"))


def test_store_that_goes_midway_fails_the_job_and_loses_nothing(run: Run, tmp_path: Path) -> None:
    job = run(SAVE + "\nimport time; time.sleep(1)", detach=True)
    store = tmp_path / "root/s3"
    if store.exists():
        store.rename(tmp_path / "gone")
    store.write_text("no directory any more")
    assert_kept(job.wait(), "Not a directory")


def test_read_only_store_fails_the_job_and_loses_nothing(run: Run, tmp_path: Path, small_disk: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root/s3").symlink_to(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert_kept(
        run(SAVE, {"OutputDataConfig": {"S3OutputPath": "s3://example-bucket/out"}}), "Read-only file system"
    )


def test_output_is_kept_where_the_model_cannot_be_delivered(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "root/s3/example-bucket/out/both/output"
    (place / "model.tar.gz").mkdir(parents=True)  # a folder stands where the object goes
    (place / "model.tar.gz/x").touch()
    patch = {"OutputDataConfig": {"S3OutputPath": "s3://example-bucket/out"}, "TrainingJobName": "both"}
    job = run(SAVE + "\nopen('/opt/ml/output/data/report', 'w').write('1')", patch)
    assert_kept(job, "model.tar.gz")
    assert (place / "output.tar.gz").is_file()


def test_large_and_small_files_share_an_archive(ml: Path) -> None:
    contents = {
        f"{size}.bin": os.urandom(size) for size in (0, 1, 511, 512, 1 << 17, (1 << 17) + 1, 3_500_000)
    }
    for name, content in contents.items():
        (ml / "model" / name).write_bytes(content)
    packed(ml)
    with tarfile.open(ml.parent / "model.tar.gz") as archive:
        for name, content in contents.items():
            member = archive.extractfile(name)
            assert member is not None and member.read() == content
    listed = subprocess.run(
        ["tar", "tzf", ml.parent / "model.tar.gz"], check=True, capture_output=True, text=True
    )
    assert sorted(listed.stdout.split()) == sorted(contents)


def contents() -> dict[str, bytes]:
    """What models and outputs are made of, 1.5 MiB of each."""
    draw = random.Random(0)
    count = 3 << 17
    weights = [draw.gauss(0.0, 0.02) for _ in range(count)]
    rows = (f"{number},{draw.random():.4f},{draw.choice(('red', 'green'))}\n" for number in range(count // 4))
    return {
        "float32": array.array("f", weights).tobytes(),
        "quantised": array.array("f", (round(one * 400) / 400 for one in weights)).tobytes(),
        "sparse": array.array("f", (one if one > 0.03 else 0.0 for one in weights)).tobytes(),
        "identifiers": array.array("q", (draw.randrange(50_000) for _ in range(count // 2))).tobytes(),
        "text": "".join(rows).encode(),
        "zeros": bytes(4 * count),
        "random": draw.randbytes(4 * count),
    }


def test_archive_is_as_small_as_gzips_whatever_is_in_it(ml: Path) -> None:
    found = contents()
    for name, data in found.items():
        path = ml / "model" / name
        path.write_bytes(data)
        target = ml.parent / f"{name}.tar.gz"
        artifacts.pack(artifacts.collect(str(ml / "model"), str(ml)), str(target), threads=2)
        assert target.stat().st_size < 1.05 * len(gzip.compress(data, 6)) + 512, name  # a header
        assert subprocess.run(["gzip", "--test", target], check=False).returncode == 0
        listed = subprocess.run(["tar", "xzOf", target, name], capture_output=True, check=True)
        assert listed.stdout == data
        with tarfile.open(target) as archive:
            member = archive.extractfile(name)
            assert member is not None and member.read() == data
        path.unlink()

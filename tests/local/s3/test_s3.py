"""Real S3 in place of the local store: what a job needs comes from there, and what it leaves goes there."""

from __future__ import annotations

import json
import os
import socket
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cursus.errors import RunError
from cursus.local import storage
from cursus.local.options import Options
from tests.local.conftest import KEYS, Run, Server, channel


def write(bucket: Path, key: str, text: str = "x") -> None:
    path = bucket / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


TREE = """
import os
base = "/opt/ml/input/data/"
print(sorted(os.path.relpath(os.path.join(d, n), base) for d, _, names in os.walk(base) for n in names))
print([name for name in os.environ if name.startswith("AWS_") and name != "AWS_REGION"])
open("/opt/ml/model/model.txt", "w").write("trained")
open("/opt/ml/output/data/report.txt", "w").write("report")
"""


def test_job_from_s3_to_s3(run: Run, bucket: Path, tmp_path: Path) -> None:
    for key in ("train/a.csv", "train/deep/b c.csv", "train/odd#1.csv", "train/ü%41.csv", "trained/no.csv"):
        write(bucket, key, key)
    patch = {
        "InputDataConfig": [channel("train", f"s3://{bucket.name}/train/")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket.name}/out", "KmsKeyId": None},
        "TrainingJobName": "from-s3",
    }
    job = run(TREE, patch, channels={})
    assert job.status == "Completed", job.describe()
    names = ["train/a.csv", "train/deep/b c.csv", "train/odd#1.csv", "train/ü%41.csv"]
    assert job.logs() == f"{names}\n[]\n"
    with tarfile.open(bucket / "out/from-s3/output/model.tar.gz") as archive:
        assert archive.getnames() == ["model.txt"]
    assert (bucket / "out/from-s3/output/output.tar.gz").exists()
    assert not (tmp_path / "root/s3").exists()
    assert not (Path(job.folder) / "download").exists()


def test_prefix_is_a_string_and_manifests_name_objects(run: Run, bucket: Path) -> None:
    for key in ("train-1.csv", "train-2.csv", "test.csv"):
        write(bucket, key, key)
    write(
        bucket, "list.manifest", json.dumps([{"prefix": f"s3://{bucket.name}/"}, "test.csv", "train-1.csv"])
    )
    listed = channel("listed", f"s3://{bucket.name}/list.manifest")
    listed["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
    patch = {
        "InputDataConfig": [channel("train", f"s3://{bucket.name}/train"), listed],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket.name}/out"},
    }
    job = run(TREE, patch, channels={})
    assert job.logs().splitlines()[0] == str(
        ["listed-manifest", "listed/test.csv", "listed/train-1.csv", "train/train-1.csv", "train/train-2.csv"]
    )


def test_several_ranges_make_a_large_object(run: Run, bucket: Path) -> None:
    block = os.urandom(1 << 20)
    (bucket / "large").write_bytes(block * 70 + b"end")
    patch = {
        "InputDataConfig": [channel("train", f"s3://{bucket.name}/large")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket.name}/out"},
    }
    script = "import hashlib; print(hashlib.sha256(open('/opt/ml/input/data/train/large', 'rb').read()).hexdigest())"
    import hashlib

    assert run(script, patch, channels={}).logs() == hashlib.sha256(block * 70 + b"end").hexdigest() + "\n"


def test_files_themselves_are_uploaded(run: Run, bucket: Path) -> None:
    write(bucket, "train/a", "1")
    patch: dict[str, Any] = {
        "InputDataConfig": [channel("train", f"s3://{bucket.name}/train/")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket.name}/out", "CompressionType": "NONE"},
        "TrainingJobName": "whole",
    }
    run(TREE, patch, channels={})
    assert (bucket / "out/whole/output/model/model.txt").read_text() == "trained"


def test_what_is_not_there_fails_the_job(run: Run, bucket: Path) -> None:
    patch: dict[str, Any] = {"InputDataConfig": [channel("train", f"s3://{bucket.name}/none/")]}
    job = run("", patch, channels={})
    assert job.describe()["FailureReason"] == (
        f"ClientError: Data download failed:S3 key: s3://{bucket.name}/none/ matched no files on s3"
    )
    patch = {
        "InputDataConfig": [channel("train", "s3://no-such-bucket-anywhere/a")],
        "TrainingJobName": "other",
    }
    reason = run("", patch, channels={}).describe()["FailureReason"]
    assert reason.startswith("ClientError: Data download failed:") and "NoSuchBucket" in reason


def test_store_that_vanishes_fails_the_job_and_loses_nothing(run: Run, bucket: Path, server: Server) -> None:
    write(bucket, "train/a", "1")
    patch = {
        "InputDataConfig": [channel("train", f"s3://{bucket.name}/train/")],
        "OutputDataConfig": {"S3OutputPath": "s3://no-such-bucket-anywhere/out"},
    }
    job = run(TREE, patch, channels={})
    assert job.status == "Failed"
    reason = job.describe()["FailureReason"]
    assert reason.startswith("ClientError: Artifact upload failed:") and "it is kept at" in reason
    assert job.model_artifact is not None
    with tarfile.open(job.model_artifact) as archive:
        assert archive.getnames() == ["model.txt"]


def test_endpoint_that_does_not_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("obstore")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS[1])
    options = Options(s3=f"http://127.0.0.1:{port}")
    job = run(
        "", {"InputDataConfig": [channel("train", "s3://example-bucket/a")]}, channels={}, options=options
    )
    assert "does not answer" in job.describe()["FailureReason"]


def test_checkpoints_come_from_s3_and_go_there(run: Run, bucket: Path) -> None:
    write(bucket, "train/a", "1")
    write(bucket, "checkpoints/run/1.pt", "first")
    patch = {
        "InputDataConfig": [channel("train", f"s3://{bucket.name}/train/")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket.name}/out"},
        "CheckpointConfig": {
            "S3Uri": f"s3://{bucket.name}/checkpoints/run/",
            "LocalPath": "/opt/ml/checkpoints",
        },
    }
    script = "print(open('/opt/ml/checkpoints/1.pt').read()); open('/opt/ml/checkpoints/2.pt', 'w').write('second')"
    job = run(script, patch, channels={})
    assert (job.status, job.logs()) == ("Completed", "first\n")
    assert (bucket / "checkpoints/run/2.pt").read_text() == "second"


@pytest.mark.parametrize("value", ["gcs", "s3://bucket", "localhost:9000"])
def test_store_that_is_none(run: Run, value: str) -> None:
    with pytest.raises(RunError, match="is no store"):
        run("", options=Options(s3=value))


def test_choice_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CURSUS_S3", raising=False)
    assert storage.choice(None) is None
    monkeypatch.setenv("CURSUS_S3", "aws")
    assert (storage.choice(None), storage.choice("http://host/"), storage.choice("local")) == (
        "aws",
        "http://host",
        None,
    )

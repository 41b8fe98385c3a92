"""Pipe mode: a FIFO for each epoch, in the order and the form that the request asks for, whatever the reader does."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from cursus.errors import RunError
from cursus.local.data import recordio
from tests.local.conftest import Run, channel
from tests.local.helpers import put

DATA = {f"part-{i}": f"<{i}>" for i in range(8)}
READ = """
import os, time
base = "/opt/ml/input/data/"
def epoch(number, channel="train"):
    with open(f"{base}{channel}_{number}", "rb") as pipe:
        return pipe.read()
"""


def pipe(name: str = "train", uri: str = "", **members: Any) -> dict[str, Any]:
    return {"InputDataConfig": [{**channel(name, uri), "InputMode": "Pipe", **members}]}


def test_every_epoch_has_a_fifo_of_its_own(run: Run) -> None:
    script = READ + (
        "print(sorted(os.listdir(base)))\n"
        "print([epoch(0) == epoch(1) == epoch(2), epoch(3).decode()])\n"
        "print(os.path.exists(base + 'train_0'))"
    )
    job = run(script, pipe(), channels={"train": DATA})
    assert job.status == "Completed", job.describe()
    lines = job.logs().splitlines()
    assert lines == ["['train_0']", f"[True, '{''.join(DATA.values())}']", "False"]


def test_order_is_shuffled_by_seed_and_epoch(run: Run, tmp_path: Path) -> None:
    script = READ + "print([epoch(i).decode() for i in range(3)])"
    patch = pipe(ShuffleConfig={"Seed": 7})
    first = run(script, patch, channels={"train": DATA}).logs()
    again = run(script, {**patch, "TrainingJobName": "again"}, channels={"train": DATA}).logs()
    other = run(
        script, {**pipe(ShuffleConfig={"Seed": 8}), "TrainingJobName": "other"}, channels={"train": DATA}
    ).logs()
    assert first == again != other
    epochs = eval(first)
    assert len(set(epochs)) == 3
    assert {"".join(sorted(text)) for text in epochs} == {"".join(sorted("".join(DATA.values())))}


def test_gzip_is_decompressed(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        path = tmp_path / "root/s3/example-bucket/zipped" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(name.encode() * 300_000) + gzip.compress(b"!"))
    patch = pipe(uri="s3://example-bucket/zipped/", CompressionType="Gzip")
    job = run(READ + "data = epoch(0); print(len(data), data[:1], data[-2:])", patch, channels={})
    assert job.logs() == "600002 b'a' b'b!'\n"


def test_what_is_no_gzip_fails_the_job(run: Run) -> None:
    job = run(
        READ + "epoch(0); time.sleep(60)", pipe(CompressionType="Gzip"), channels={"train": {"a": "plain"}}
    )
    assert job.status == "Failed"
    reason = job.describe()["FailureReason"]
    assert reason.startswith("ClientError: Data download failed:channel train"), reason
    assert "is no gzip file" in reason


def test_recordio_wraps_each_object(run: Run) -> None:
    script = (
        READ
        + """
import struct
data, found = epoch(0), []
while data:
    magic, length = struct.unpack("<II", data[:8])
    assert magic == 0xCED7230A
    found.append(data[8:8 + length].decode())
    data = data[8 + (length + 3) // 4 * 4:]
print(found)
"""
    )
    job = run(
        script, pipe(RecordWrapperType="RecordIO"), channels={"train": {"a": "one", "b": "", "c": "three"}}
    )
    assert job.logs() == "['one', '', 'three']\n"


def test_record_has_a_limit() -> None:
    with pytest.raises(recordio.RecordTooLargeError, match="536870912 bytes do not fit"):
        recordio.header(1 << 29)


def test_augmented_manifest_sends_attributes_in_their_order(run: Run, tmp_path: Path) -> None:
    root = tmp_path / "root"
    lines = []
    for number, label in enumerate((1, 0)):
        put(root, f"example-bucket/images/{number}.jpg", f"image-{number}")
        line = {
            "label": label,
            "image-ref": f"s3://example-bucket/images/{number}.jpg",
            "text": "words",
            "more": {"a": 1},
        }
        lines.append(json.dumps(line))
    put(root, "example-bucket/train.manifest", "\n".join(lines) + "\n")
    place = {
        "S3DataType": "AugmentedManifestFile",
        "S3Uri": "s3://example-bucket/train.manifest",
        "AttributeNames": ["image-ref", "label", "text", "more"],
    }
    patch = pipe(DataSource={"S3DataSource": place})
    job = run(READ + "print(epoch(0).decode()); print(sorted(os.listdir(base)))", patch, channels={})
    assert job.logs() == ('image-01words{"a": 1}image-10words{"a": 1}\n' + "['train-manifest', 'train_1']\n")


def test_line_without_an_attribute_fails_the_job(run: Run, tmp_path: Path) -> None:
    put(tmp_path / "root", "example-bucket/train.manifest", '{"a": 1}\n{"b": 1}\n')
    place = {
        "S3DataType": "AugmentedManifestFile",
        "S3Uri": "s3://example-bucket/train.manifest",
        "AttributeNames": ["a"],
    }
    job = run("", pipe(DataSource={"S3DataSource": place}), channels={})
    assert "line 2 has no attribute 'a'" in job.describe()["FailureReason"]


def test_reader_that_stops_early_has_had_its_epoch(run: Run) -> None:
    script = READ + (
        "with open(base + 'train_0', 'rb') as pipe: first = pipe.read(10)\nprint(len(first), len(epoch(1)))"
    )
    job = run(script, pipe(), channels={"train": {"a": "x" * 3_000_000}})
    assert job.logs() == "10 3000000\n"


def test_reader_that_never_comes_holds_nothing_up(run: Run) -> None:
    patch = {
        "InputDataConfig": [
            {**channel("train"), "InputMode": "Pipe"},
            {**channel("spare"), "InputMode": "Pipe"},
        ]
    }
    job = run(READ + "epoch(0)", patch, channels={"train": DATA, "spare": DATA})
    assert (job.status, [f.rule for f in job.findings if f.rule == "CHN090"]) == ("Completed", [])


def test_two_readers_share_an_epoch(run: Run) -> None:
    script = (
        READ
        + """
children, total = [], 0
pipes = [open(base + "train_0", "rb", buffering=0) for _ in range(2)]
for pipe in pipes:
    read, write = os.pipe()
    if os.fork() == 0:
        size = 0
        while chunk := pipe.read(65536):
            size += len(chunk)
        os.write(write, str(size).encode())
        os._exit(0)
    os.close(write)
    children.append(read)
print(sum(int(os.read(child, 100)) for child in children))
"""
    )
    job = run(script, pipe(), channels={"train": {"a": "x" * 5_000_000}})
    assert job.logs() == "5000000\n"


@pytest.mark.parametrize("level", ["bubblewrap", "process"])
def test_at_other_levels(run: Run, levels: dict[str, str], level: str) -> None:
    if levels[level]:
        pytest.skip(levels[level])
    script = "import os; print(open(os.environ['SM_INPUT_DIR'] + '/data/train_0').read())"
    job = run(script, pipe(), channels={"train": DATA}, level=level)
    assert (job.status, job.logs()) == ("Completed", "".join(DATA.values()) + "\n")


@pytest.mark.parametrize(
    "members",
    [
        {"RecordWrapperType": "RecordIO"},
        {"CompressionType": "Gzip"},
        {
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "AugmentedManifestFile",
                    "S3Uri": "s3://b/m",
                    "AttributeNames": ["a"],
                }
            }
        },
    ],
)
def test_file_mode_refuses_what_is_for_pipe_mode(run: Run, members: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="which SageMaker refuses in File mode"):
        run("", {"InputDataConfig": [{**channel("train"), **members}]})

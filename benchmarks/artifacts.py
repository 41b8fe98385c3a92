"""``model.tar.gz`` of 1 GiB of float32, against ``tar czf``.

Goals: under 0.05 of its time, and a size within 5 % of its. ``python benchmarks/artifacts.py [MIB] [ROUNDS]`` prints a
table and one line of JSON; exits 1 where a goal is missed. A block of four MiB is repeated: gzip sees 32 KiB at a time.
"""

from __future__ import annotations

import array
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from arguments import numbers

from cursus.local import artifacts

GOAL_TIME, GOAL_SIZE = 0.05, 1.05


def write_model(folder: Path, mebibytes: int) -> None:
    """Weights as a network has them: small, around zero, in no order."""
    draw = random.Random(0)
    block = array.array("f", (draw.gauss(0.0, 0.02) for _ in range(1 << 20))).tobytes()
    folder.mkdir(parents=True)
    with (folder / "weights.bin").open("wb") as file:
        for _ in range(max(1, mebibytes // 4)):
            file.write(block)


def ours(folder: Path, target: Path) -> float:
    target.unlink(missing_ok=True)  # as in a job: to replace a file makes some file systems wait for the disk
    began = time.perf_counter()
    collected = artifacts.collect(str(folder / "model"), str(folder))
    artifacts.pack(collected, str(target), threads=max(1, os.cpu_count() or 1))
    return time.perf_counter() - began


def tar(folder: Path, target: Path) -> float:
    target.unlink(missing_ok=True)
    began = time.perf_counter()
    subprocess.run(["tar", "czf", str(target), "-C", str(folder / "model"), "."], check=True)
    return time.perf_counter() - began


def main() -> int:
    mebibytes, rounds = numbers(__doc__, mib=1024, rounds=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder / "model", mebibytes)
        times: dict[str, list[float]] = {"tar": [], "cursus": []}
        for _ in range(rounds):
            times["cursus"].append(ours(folder, folder / "ours.tar.gz"))
            times["tar"].append(tar(folder, folder / "theirs.tar.gz"))
            times["cursus"].append(ours(folder, folder / "ours.tar.gz"))
        subprocess.run(["tar", "tzf", str(folder / "ours.tar.gz")], check=True, stdout=subprocess.DEVNULL)
        size = (folder / "ours.tar.gz").stat().st_size / (folder / "theirs.tar.gz").stat().st_size
    theirs, mine = statistics.median(times["tar"]), statistics.median(times["cursus"])
    print(f"tar czf {theirs:8.2f} s\ncursus  {mine:8.2f} s\nratio   {mine / theirs:8.3f}   goal {GOAL_TIME}")
    print(f"size    {size:8.3f}   goal {GOAL_SIZE}")
    print(
        json.dumps(
            {
                "tar_s": round(theirs, 2),
                "cursus_s": round(mine, 2),
                "ratio": round(mine / theirs, 3),
                "size": round(size, 3),
            }
        )
    )
    return int(mine / theirs > GOAL_TIME or size > GOAL_SIZE)


if __name__ == "__main__":
    sys.exit(main())

"""Start time of a job whose channel is a whole prefix of the local store: it must not grow with the data.

Goal: 10 files or 10,000, 1 MiB or 10 GiB, within a tenth of the smallest, or 10 ms. Large files are sparse: that they
are not read is the point. ``python benchmarks/channels.py [ROUNDS]`` prints a table and one line of JSON; every round
measures all, one after the other, and the medians are compared. Exits 1 where the goal is missed.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from arguments import numbers

from cursus.checks.examples import BASES
from cursus.local.runner import run_step
from cursus.model import SourceCode, Step

MIB = 1 << 20
KINDS = {
    "10 files, 1 MiB": (10, MIB),
    "10,000 files, 1 MiB": (10_000, MIB),
    "10 files, 10 GiB": (10, 10 << 30),
}
SCRIPT = "import time; print(time.time())"


def write(folder: Path, files: int, size: int) -> None:
    folder.mkdir(parents=True)
    for number in range(files):
        with (folder / f"part-{number:05}").open("wb") as file:
            file.truncate(size // files)


def start_seconds(root: Path, source: Path, kind: int, number: int) -> float:
    """From the call to the script's first statement."""
    request = {
        **BASES["CreateTrainingJob"],
        "TrainingJobName": f"channel-{kind}-{number}",
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://benchmark-bucket/{kind}/"}
                },
            }
        ],
    }
    step = Step("channels", "CreateTrainingJob", request, source=SourceCode(str(source), "train.py"))
    began = time.time()
    job = run_step(step, root=root)
    assert job.status == "Completed", job.describe()
    return float(job.logs()) - began


def main() -> int:
    (rounds,) = numbers(__doc__, rounds=7)
    times: list[list[float]] = [[] for _ in KINDS]
    with tempfile.TemporaryDirectory() as name:
        root, source = Path(name) / "root", Path(name) / "source"
        source.mkdir()
        (source / "train.py").write_text(SCRIPT)
        for kind, (files, size) in enumerate(KINDS.values()):
            write(root / "s3/benchmark-bucket" / str(kind), files, size)
        for number in range(rounds):
            for kind, found in enumerate(times):
                found.append(start_seconds(root, source, kind, number))
    medians = [statistics.median(found) * 1000 for found in times]
    for name, median in zip(KINDS, medians, strict=True):
        print(f"{name:>20}  {median:7.1f} ms")
    most = max(medians) - medians[0]
    print(json.dumps({"start_ms": [round(median, 1) for median in medians], "growth_ms": round(most, 1)}))
    return int(most > max(10.0, medians[0] / 10))


if __name__ == "__main__":
    sys.exit(main())

"""``cursus jobs`` and ``cursus describe`` in a root of a thousand ended jobs, against one of ten.

Goal: within twice the time. ``python benchmarks/jobs.py [JOBS] [ROUNDS]`` prints a table and one line of JSON, and
exits 1 where the goal is missed. The first call in the large root, which finds no index yet, is shown on its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from arguments import numbers

from cursus.checks.examples import BASES
from cursus.local.jobs.record import Record

GOAL = 2.0


def fill(root: Path, number: int) -> None:
    """Jobs as a run leaves them."""
    for index in range(number):
        name = f"churn-{index:05}"
        folder = root / "jobs" / name
        (folder / "logs").mkdir(parents=True)
        request = {
            **BASES["CreateTrainingJob"],
            "TrainingJobName": name,
            "HyperParameters": {f"parameter-{i}": "0.001" for i in range(20)},
        }
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}"
        state = {"request": request, "arn": arn, "model_uri": "", "created": 1e9 + index, "hosts": ["algo-1"]}
        record = Record(str(folder), state)
        for secondary in ("Starting", "Downloading", "Training", "Uploading"):
            record.transition("InProgress", secondary)
        record.release()
        record.transition("Completed", "Completed")
        record.close()


def seconds(root: Path, *arguments: str) -> float:
    command = [sys.executable, "-m", "cursus", *arguments, "--root", str(root)]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    many, rounds = numbers(__doc__, jobs=1000, rounds=9)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name, "small"), Path(name, "large")
        fill(small, 10)
        fill(large, many)
        seconds(small, "jobs")
        first = seconds(large, "jobs")
        for arguments in (("jobs",), ("describe", "churn-00007")):
            few, more = [], []
            for _ in range(rounds):
                few.append(seconds(small, *arguments))
                more.append(seconds(large, *arguments))
            low, high = statistics.median(few), statistics.median(more)
            found[f"{arguments[0]}_10_ms"] = round(low * 1000, 1)
            found[f"{arguments[0]}_{many}_ms"] = round(high * 1000, 1)
            found[f"{arguments[0]}_ratio"] = round(high / low, 2)
        found["first_jobs_ratio"] = round(first * 1000 / found["jobs_10_ms"], 2)
    for key, value in found.items():
        print(f"{key:>20}  {value}")
    print(json.dumps(found))
    return int(max(found["jobs_ratio"], found["describe_ratio"]) > GOAL)


if __name__ == "__main__":
    sys.exit(main())

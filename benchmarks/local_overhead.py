"""What a local run of a trivial script adds to the bare script, against the time of ``import boto3``.

Goal: the ratio is below 1. ``python benchmarks/local_overhead.py [ROUNDS]`` prints one line of JSON and a table; every
round measures all three, one after the other, and the medians are compared.
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
from cursus.local.runner import run_step
from cursus.model import Promises, SourceCode, Step

SCRIPT = "import os\nopen(os.path.join(os.environ['SM_MODEL_DIR'], 'model.txt'), 'w').write('1')\n"


def timed(command: list[str], environment: dict[str, str] | None = None) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, env=environment)
    return time.perf_counter() - start


def job(folder: Path, number: int) -> float:
    """A whole job, from the step to its final record."""
    request = {**BASES["CreateTrainingJob"], "TrainingJobName": f"overhead-{number}"}
    step = Step(
        "overhead",
        "CreateTrainingJob",
        request,
        source=SourceCode(str(folder / "source"), "train.py"),
        promises=Promises(local_channels={"train": str(folder / "data")}),
    )
    start = time.perf_counter()
    done = run_step(step, root=folder / "root")
    seconds = time.perf_counter() - start
    assert done.status == "Completed", done.describe()
    return seconds


def main() -> None:
    (rounds,) = numbers(__doc__, rounds=15)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("source", "data", "model"):
            (folder / part).mkdir()
        (folder / "source/train.py").write_text(SCRIPT)
        (folder / "data/data.csv").write_text("1,2\n")
        bare, boto3, jobs = [], [], []
        for number in range(rounds):
            environment = {"SM_MODEL_DIR": str(folder / "model"), "PATH": "/usr/bin:/bin"}
            bare.append(timed([sys.executable, str(folder / "source/train.py")], environment))
            boto3.append(timed([sys.executable, "-c", "import boto3"]) - bare[-1])
            jobs.append(job(folder, number))
    added = statistics.median(jobs) - statistics.median(bare)
    found = {
        "bare_ms": round(statistics.median(bare) * 1000, 1),
        "job_ms": round(statistics.median(jobs) * 1000, 1),
        "added_ms": round(added * 1000, 1),
        "import_boto3_ms": round(statistics.median(boto3) * 1000, 1),
        "ratio": round(added / statistics.median(boto3), 2),
    }
    for key, value in found.items():
        print(f"{key:>16}  {value}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()

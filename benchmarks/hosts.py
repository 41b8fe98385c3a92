"""What each host of a job costs beyond its script, from 1 host to 32, and the memory that 32 hosts take.

Goals: 20 ms a host (the slope of a line through the measurements) and 32 hosts in 24 GiB.
``python benchmarks/hosts.py [ROUNDS]`` prints a table and one line of JSON; exits 1 where a goal is missed. Every round
runs, for each number of hosts, the bare scripts all at once and then the job; the fastest of each is taken, for the
machine should be idle and seldom is.
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

from cursus.checks.examples import BASES, merge
from cursus.local.jobs.job import TrainingJob
from cursus.local.linux.processes import descendants
from cursus.local.options import Options
from cursus.local.runner import run_step
from cursus.model import Promises, SourceCode, Step

COUNTS = (1, 2, 4, 8, 16, 32)
SCRIPT = "import os\nopen(os.path.join(os.environ['SM_MODEL_DIR'], 'model.txt'), 'w').write('1')\n"
SLEEP = "import time\nprint('there', flush=True)\ntime.sleep(60)\n"
GOAL_MS = 20.0
GOAL_GIB = 24.0


def step(folder: Path, name: str, count: int, source: str) -> Step:
    patch = {"TrainingJobName": name, "ResourceConfig": {"InstanceCount": count}}
    return Step(
        "hosts",
        "CreateTrainingJob",
        merge(BASES["CreateTrainingJob"], patch),
        source=SourceCode(str(folder / source), "train.py"),
        promises=Promises(local_channels={"train": str(folder / "data")}),
    )


def bare(folder: Path, count: int) -> float:
    """Seconds that the scripts alone take, started at once."""
    environment = {"SM_MODEL_DIR": str(folder / "model"), "PATH": "/usr/bin:/bin"}
    start = time.perf_counter()
    running = [
        subprocess.Popen([sys.executable, str(folder / "source/train.py")], env=environment)
        for _ in range(count)
    ]
    for process in running:
        process.wait()
    return time.perf_counter() - start


def job(folder: Path, name: str, count: int) -> float:
    start = time.perf_counter()
    done = run_step(step(folder, name, count, "source"), root=folder / "root")
    seconds = time.perf_counter() - start
    assert done.status == "Completed", done.describe()
    return seconds


def memory(folder: Path, count: int) -> float:
    """GiB of a job's processes, shared pages counted once, while every script runs."""
    running: TrainingJob = run_step(
        step(folder, "memory", count, "sleep"), root=folder / "root", detach=True, options=Options(grace=0.1)
    )
    while not all("there" in running.logs(f"algo-{i + 1}") for i in range(count)):
        assert running.status == "InProgress", running.describe()
        time.sleep(0.02)
    state = json.loads((running.folder / "job.json").read_text())
    total = 0
    for pid in descendants(int(state["supervisor"])):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    running.kill()
    running.wait()
    return total / 1024**3


def slope(points: list[tuple[float, float]]) -> float:
    """Of the line with the least squares."""
    x0, y0 = statistics.mean(x for x, _ in points), statistics.mean(y for _, y in points)
    above = sum((x - x0) * (y - y0) for x, y in points)
    return above / sum((x - x0) * (x - x0) for x, _ in points)


def main() -> int:
    (rounds,) = numbers(__doc__, rounds=5)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("source", "sleep", "data", "model"):
            (folder / part).mkdir()
        (folder / "source/train.py").write_text(SCRIPT)
        (folder / "sleep/train.py").write_text(SLEEP)
        (folder / "data/data.csv").write_text("1,2\n")
        scripts = dict.fromkeys(COUNTS, float("inf"))
        jobs = dict.fromkeys(COUNTS, float("inf"))
        for number in range(rounds):
            for count in COUNTS:
                scripts[count] = min(scripts[count], bare(folder, count))
                jobs[count] = min(jobs[count], job(folder, f"hosts-{count}-{number}", count))
        gib = memory(folder, COUNTS[-1])
    added = [(float(count), (jobs[count] - scripts[count]) * 1000) for count in COUNTS]
    each = slope(added)
    print(f"{'hosts':>6}  {'scripts ms':>10}  {'job ms':>8}  {'added ms':>8}")
    for count, (_, extra) in zip(COUNTS, added, strict=True):
        print(f"{count:>6}  {scripts[count] * 1000:>10.0f}  {jobs[count] * 1000:>8.0f}  {extra:>8.0f}")
    found = {"ms_a_host": round(each, 1), "gib_of_32": round(gib, 2)}
    print(json.dumps(found))
    return 0 if each <= GOAL_MS and gib <= GOAL_GIB else 1


if __name__ == "__main__":
    sys.exit(main())

"""Log lines from a script to its job's log file, with metric definitions searched in each.

Goals: 100,000 lines of 100 bytes a second with 2 definitions, 10,000 with 40; the supervisor's memory does not grow
with their number. ``python benchmarks/logs.py [LINES]`` prints a table and one line of JSON, and exits 1 where a goal
is missed. The time is that from the start of the script to its end as the job sees it, Python's own start included.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from pathlib import Path

from arguments import numbers

from cursus.checks.examples import BASES, merge
from cursus.local.jobs import record
from cursus.local.runner import run_step
from cursus.model import Promises, SourceCode, Step

SCRIPT = """
import sys
every = int(sys.argv[sys.argv.index("--every") + 1])
number = int(sys.argv[sys.argv.index("--number") + 1])
write = sys.stdout.write
for i in range(number):
    end = f"loss={i / number:.6f}\\n" if i % every == 0 else "nothing found\\n"
    write(f"step {i:08d} ".ljust(100 - len(end), "x") + end)
"""
GOALS = {2: 100_000, 40: 10_000}


def definitions(number: int) -> list[dict[str, str]]:
    """The first finds a number where there is one; of the others every second needs no certain text."""
    found = [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]
    for i in range(1, number):
        regex = f"metric_{i}=([0-9.]+)" if i % 2 else f"[mM]etric{i}: ?([0-9.]+)"
        found.append({"Name": f"metric_{i}", "Regex": regex})
    return found


class Peak(threading.Thread):
    """The most memory (bytes) that a job's supervisor had."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder = folder
        self.bytes = 0

    def run(self) -> None:
        while True:
            try:
                pid = record.load(str(self.folder))["supervisor"]
                text = Path(f"/proc/{pid}/status").read_text()
                self.bytes = int(text.partition("VmHWM:")[2].split()[0]) * 1024
            except (OSError, KeyError, ValueError, IndexError):
                if self.bytes:
                    return
            time.sleep(0.02)


def job(folder: Path, name: str, lines: int, count: int, every: int) -> tuple[float, int]:
    """Lines a second, and the supervisor's peak memory."""
    request = merge(
        BASES["CreateTrainingJob"],
        {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"MetricDefinitions": definitions(count)},
            "HyperParameters": {"number": str(lines), "every": str(every)},
        },
    )
    step = Step(
        name,
        "CreateTrainingJob",
        request,
        source=SourceCode(str(folder / "source"), "train.py"),
        promises=Promises(local_channels={"train": str(folder / "data")}),
    )
    peak = Peak(folder / "root/jobs" / name)
    peak.start()
    done = run_step(step, root=folder / "root")
    assert done.status == "Completed", done.describe()
    assert done.evidence.log_lines == lines
    assert (done.folder / "logs/algo-1.log").stat().st_size == lines * 100
    assert len(done.metrics["loss"]) == -(-lines // every)
    return lines / done.evidence.stages["Training"], peak.bytes


def main() -> int:
    (lines,) = numbers(__doc__, lines=1_000_000)
    found: dict[str, float] = {}
    missed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "source").mkdir()
        (folder / "data").mkdir()
        (folder / "source/train.py").write_text(SCRIPT)
        (folder / "data/data.csv").write_text("1,2\n")
        for count, goal in GOALS.items():
            for every in (100, 1):
                number = lines if count == 2 else lines // 5
                rate, memory = job(folder, f"logs-{count}-{every}", number, count, every)
                key = f"{count} definitions, a number in every {'line' if every == 1 else f'{every}th line'}"
                found[key] = round(rate)
                missed |= rate < goal
                found[key + ", MiB"] = round(memory / 1024**2, 1)
        _, small = job(folder, "logs-small", lines // 10, 2, 1)
        grown = max(value for key, value in found.items() if "MiB" in key) - small / 1024**2
        found["MiB more than for a tenth of the lines"] = round(grown, 1)
        missed |= grown > 32
    for key, value in found.items():
        print(f"{value:>12}  {key}")
    print(json.dumps(found))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

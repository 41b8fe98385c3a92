"""A cold ``cursus check FILE.json`` against ``import boto3``: the ratio of their fastest runs.

Both have their bytecode from an earlier run, as installed packages have.

Usage: python benchmarks/cold_check.py [RUNS]. Goal: below 1. Exits 1 where the goal is missed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from arguments import numbers

from cursus.checks.examples import BASES


def fastest(commands: dict[str, list[str]], runs: int, bytecode: str) -> dict[str, float]:
    """Seconds of the fastest run of each; they take turns, so that noise meets all of them."""
    best = dict.fromkeys(commands, float("inf"))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    for _ in range(runs + 1):  # the first writes the bytecode
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
            best[name] = min(best[name], time.perf_counter() - began)
    return best


def main() -> int:
    (runs,) = numbers(__doc__, runs=15)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "request.json"
        file.write_text(json.dumps(BASES["CreateTrainingJob"], indent=2))
        best = fastest(
            {
                "cursus check FILE.json": [str(Path(sys.executable).parent / "cursus"), "check", str(file)],
                'python -c "import boto3"': [sys.executable, "-c", "import boto3"],
                "python -c pass": [sys.executable, "-c", "pass"],
            },
            runs,
            folder,
        )
    ours, theirs, _ = best.values()
    for name, seconds in best.items():
        print(f"{name:28} {seconds * 1000:7.0f} ms")
    print(f"{'ratio (goal: below 1)':28} {ours / theirs:7.2f}")
    return 0 if ours < theirs else 1


if __name__ == "__main__":
    sys.exit(main())

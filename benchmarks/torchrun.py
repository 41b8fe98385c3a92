"""A two-host torchrun job to its first all_reduce, over plain torchrun with two nodes on this machine.

Goals: the ratio is at most 1.1; with ranks forked from one process that has imported torch (``fork_ranks``), without
the time of that import, at most 0.1. ``python benchmarks/torchrun.py [ROUNDS]`` needs torch; it prints a table and one
line of JSON, and exits 1 where a goal is missed. Every round times all three, one after the other, from the start of
the command to the moment at which rank 0 has its first sum; the fastest of each is compared.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from arguments import numbers

from cursus.checks.examples import BASES, merge
from cursus.local.options import Options
from cursus.local.runner import run_step
from cursus.model import Promises, SourceCode, Step

SCRIPT = """
import time
import torch
import torch.distributed as dist
dist.init_process_group("gloo")
value = torch.ones(1)
dist.all_reduce(value)
assert value.item() == 2
print("summed", time.time(), flush=True)
dist.destroy_process_group()
"""
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310"
GOAL, FORKED_GOAL = 1.1, 0.1


def moment(text: str) -> float:
    return min(float(line.split()[-1]) for line in text.splitlines() if "summed" in line)


def plain(script: Path) -> float:
    """Seconds of torchrun's own two nodes."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    torchrun = Path(sys.executable).with_name("torchrun")
    command = [str(torchrun), "--nnodes", "2", "--nproc_per_node", "1", "--master_addr", "127.0.0.1"]
    command += ["--master_port", str(port), "--node_rank"]
    start = time.time()
    nodes = [
        subprocess.Popen([*command, str(rank), str(script)], stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    return moment("".join(node.communicate()[0] for node in nodes)) - start


def job(folder: Path, name: str, options: Options) -> float:
    """Seconds of the same as a job on two hosts; of one with forked ranks less those of the import."""
    patch = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": IMAGE},
        "ResourceConfig": {"InstanceCount": 2},
        "HyperParameters": {"sagemaker_torch_distributed_enabled": "true"},
    }
    step = Step(
        "torchrun",
        "CreateTrainingJob",
        {**merge(BASES["CreateTrainingJob"], patch), "InputDataConfig": []},
        source=SourceCode(str(folder / "source"), "train.py"),
        promises=Promises(),
    )
    start = time.time()
    done = run_step(step, root=folder / "root", options=options)
    assert done.status == "Completed", (done.failure_reason, done.logs())
    seconds = moment(done.logs("algo-1") + done.logs("algo-2")) - start
    if not options.fork_ranks:
        return seconds
    said = re.search(r"imported torch \S+ \(in ([0-9.]+) s\)", "\n".join(done.evidence.not_reproduced))
    assert said is not None, done.evidence.not_reproduced
    return seconds - float(said.group(1))


def main() -> int:
    (rounds,) = numbers(__doc__, rounds=5)
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "source").mkdir()
        (folder / "source/train.py").write_text(SCRIPT)
        bare, jobs, forked = [], [], []
        for number in range(rounds):
            bare.append(plain(folder / "source/train.py"))
            jobs.append(job(folder, f"torchrun-{number}", Options()))
            forked.append(job(folder, f"forked-{number}", Options(fork_ranks=True)))
    found = {
        "torchrun_s": round(min(bare), 2),
        "job_s": round(min(jobs), 2),
        "forked_s": round(min(forked), 2),
        "ratio": round(min(jobs) / min(bare), 3),
        "forked_ratio": round(min(forked) / min(bare), 3),
    }
    for key, value in found.items():
        print(f"{key:>12}  {value}")
    print(json.dumps(found))
    return 0 if found["ratio"] <= GOAL and found["forked_ratio"] <= FORKED_GOAL else 1


if __name__ == "__main__":
    sys.exit(main())

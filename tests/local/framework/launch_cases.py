"""Distributed requests as the toolkit's framework extensions start them, and as cursus does.

``python -m tests.local.framework.launch_cases PYTHON`` records the first, with a Python that has what
launch_probe.py asks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cursus.local import contract
from cursus.local.framework import distribution
from tests.local.framework import probing
from tests.local.framework.toolkit_requests import _cluster, _hosts, _request

GOLDEN = Path(__file__).with_name("launch_golden.json")
IMAGES = {
    name: f"763104351884.dkr.ecr.us-east-1.amazonaws.com/{name}-training:2.1.0-cpu-py310"
    for name in ("pytorch", "tensorflow")
}

TORCH, MPI, SMDDP, DDP = distribution.TORCHRUN, distribution.MPI, distribution.SMDDP, distribution.DDP
SERVERS, MIRRORED, XLA = distribution.PARAMETER_SERVER, distribution.MIRRORED, distribution.XLA
GROUPS = "sagemaker_distribution_instance_groups"
HETERO = _cluster(("data", "ml.c5.xlarge", 1), ("train", "ml.g5.xlarge", 2))

REQUESTS: dict[str, dict[str, Any]] = {
    "none": _request(resources=_hosts(2)),
    "torchrun on one host": _request({TORCH: "true", "epochs": "3"}),
    "torchrun on two hosts": _request({TORCH: "true", "name": '"two words"'}, resources=_hosts(2)),
    "torchrun on eleven hosts": _request({TORCH: "true"}, resources=_hosts(11)),
    "torchrun with processes": _request(
        {TORCH: "true", "sagemaker_mpi_num_of_processes_per_host": "3"}, resources=_hosts(2)
    ),
    "torchrun off": _request({TORCH: "false"}, resources=_hosts(2)),
    "torchrun of a shell script": _request(
        {TORCH: "true", "sagemaker_program": '"train.sh"'}, resources=_hosts(2)
    ),
    "torchrun in one group": _request({TORCH: "true", GROUPS: '["train"]'}, resources=HETERO),
    "torchrun in two groups": _request({TORCH: "true", GROUPS: '["data", "train"]'}, resources=HETERO),
    "mpi on one host": _request({MPI: "true"}),
    "mpi on two hosts": _request({MPI: "true", "lr": "0.1", "batch-size": "3"}, resources=_hosts(2)),
    "mpi with processes": _request(
        {MPI: "true", "sagemaker_mpi_num_of_processes_per_host": "4"}, resources=_hosts(2)
    ),
    "mpi with options": _request(
        {
            MPI: "true",
            "sagemaker_mpi_num_of_processes_per_host": "2",
            "sagemaker_mpi_num_processes": "3",
            "sagemaker_mpi_custom_mpi_options": '"--NCCL_DEBUG WARN -x A=1 --mca plm_base_verbose 5"',
        },
        resources=_hosts(2),
    ),
    "mpi with other options": _request(
        {MPI: "true", "sagemaker_mpi_custom_mpi_options": '"-verbose --NCCL_DEBUG=TRACE"'}
    ),
    "mpi of a shell script": _request(
        {MPI: "true", "sagemaker_program": '"train.sh"', "x": '"a b"'}, resources=_hosts(2)
    ),
    "mpi in one group": _request({MPI: "true", GROUPS: '["train"]'}, resources=HETERO),
    "mpi and torchrun": _request({MPI: "true", TORCH: "true"}, resources=_hosts(2)),
    "smdistributed": _request({SMDDP: "true"}, resources=_hosts(2)),
    "smdistributed and torchrun": _request({SMDDP: "true", TORCH: "true"}, resources=_hosts(2)),
    "native ddp": _request({DDP: "true"}, resources=_hosts(2)),
    "xla": _request({XLA: "true"}, resources=_hosts(2)),
    "parameter servers": _request({SERVERS: "true"}, resources=_hosts(3)),
    "parameter servers on one host": _request({SERVERS: "true"}),
    "mirrored": _request({MIRRORED: "true"}, resources=_hosts(3)),
    "mirrored on one host": _request({MIRRORED: "true"}),
    "mirrored in one group": _request({MIRRORED: "true", GROUPS: '["train"]'}, resources=HETERO),
}
NOT_OURS = ("FI_", "RDMAV_", "SAGEMAKER_", "SM_", "LD_PRELOAD")
"""Not compared: what is for EFA, which no machine of a user's has, and the toolkit's library for host names."""


def hosts(request: dict[str, Any]) -> list[str]:
    return contract.host_names(request)[:3]


def ask(python: str, request: dict[str, Any], name: str) -> dict[str, Any]:
    """How the containers of ``python`` start ``request`` on host ``name``."""
    told = probing.ask(python, "launch_probe.py", request, name)
    return {framework: _comparable(entry) for framework, entry in told.items()}


def _comparable(entry: dict[str, Any]) -> dict[str, Any]:
    command, left = entry["command"], []
    words = iter(command or ())
    for word in words:
        if word == "-x":
            value = next(words)
            efa = value.startswith(NOT_OURS) and not value.startswith("SM_")
            if not efa and value != "NCCL_PROTO=simple":
                left += [word, value]
        else:
            left.append(word)
    added = {name: value for name, value in entry["added"].items() if not name.startswith(NOT_OURS)}
    return {**entry, "command": command and left, "added": added}


def ordered(command: list[str]) -> list[str]:
    """A command with the variables that it hands on in one order, which means nothing."""
    names = sorted(word for word in command if word.startswith("SM_"))
    handed = iter(names)
    return [next(handed) if word in names else word for word in command]


def record(python: str) -> None:
    found = {name: {each: ask(python, one, each) for each in hosts(one)} for name, one in REQUESTS.items()}
    packages = ("sagemaker-training", "sagemaker-pytorch-training", "sagemaker-tensorflow-training")
    program = (
        f"import importlib.metadata as m; print(', '.join(p + ' ' + m.version(p) for p in {packages!r}))"
    )
    versions = subprocess.run(
        [python, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()
    source = f"{versions} (PyPI), asked by tests/local/framework/launch_probe.py"
    GOLDEN.write_text(json.dumps({"source": source, "cases": found}, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    record(sys.argv[1])

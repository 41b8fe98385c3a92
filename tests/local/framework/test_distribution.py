"""Distributed scripts are started as the real containers start them; and they really train."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from cursus.errors import RunError
from cursus.local import host
from cursus.local.framework import distribution
from tests.local.conftest import MakeStep, Run
from tests.local.framework.launch_cases import GOLDEN, IMAGES, NOT_OURS, REQUESTS, ask, hosts, ordered
from tests.local.framework.probing import REGION

RECORDED: dict[str, dict[str, Any]] = json.loads(GOLDEN.read_text())["cases"]
LAUNCHERS = {"TorchDistributed": "torchrun", "MPI": "mpi", "SMDataParallel": "smddp", "PyTorchXLA": "xla"}
CASES = [(name, one, framework) for name, told in RECORDED.items() for one in told for framework in IMAGES]
ADDED = ("NCCL_", "MASTER_", *NOT_OURS[:2])


def started(request: dict[str, Any], name: str, framework: str, tmp_path: Path) -> dict[str, Any]:
    """How cursus starts a request's script on a host, in the form of what the toolkit told."""
    image = {"TrainingImage": IMAGES[framework]}
    request = {**request, "AlgorithmSpecification": {**request["AlgorithmSpecification"], **image}}
    host.make_tree(str(tmp_path))
    program = json.loads(request["HyperParameters"]["sagemaker_program"])
    facts = host.training_env(request, name)
    kind = distribution.launcher(facts, IMAGES[framework])
    try:
        plan = {"request": request, "region": REGION, "entry_point": program, "python": "PYTHON"}
        launch = host.script_mode(plan, name, str(tmp_path), "/opt/ml")
    except ValueError:
        return {"launcher": kind, "command": ["ClientError"]}
    config = launch.environment.get("TF_CONFIG")
    return {
        "launcher": kind,
        "command": launch.shown,
        "added": {name: value for name, value in launch.environment.items() if name.startswith(ADDED)},
        "TF_CONFIG": config and json.loads(config),
    }


def differences(theirs: dict[str, Any], mine: dict[str, Any]) -> dict[str, Any]:
    """What differs, by name: (the containers', ours)."""
    launcher = LAUNCHERS.get(theirs["launcher"], "")
    if launcher == "" and mine["launcher"] in ("parameter_server", "mirrored"):
        launcher = mine["launcher"] if theirs["TF_CONFIG"] else launcher
    found: dict[str, Any] = {}
    if launcher != mine["launcher"]:
        found["launcher"] = (launcher, mine["launcher"])
    if theirs["command"] is not None and ordered(theirs["command"]) != ordered(mine["command"]):
        found["command"] = (theirs["command"], mine["command"])
    for key in ("added", "TF_CONFIG"):
        stands_in = key == "added" and launcher == "smddp"  # by torchrun, with torchrun's variables
        if key in mine and not stands_in and theirs[key] != mine[key]:
            found[key] = (theirs[key], mine[key])
    return found


def test_every_request_is_recorded() -> None:
    assert {name: hosts(request) for name, request in REQUESTS.items()} == {
        name: sorted(told) for name, told in RECORDED.items()
    }


@pytest.mark.skipif(host.machine().gpus > 0, reason="recorded on a machine without a GPU")
@pytest.mark.parametrize(("name", "one", "framework"), CASES, ids=["-".join(case) for case in CASES])
def test_started_as_in_the_container(name: str, one: str, framework: str, tmp_path: Path) -> None:
    mine = started(REQUESTS[name], one, framework, tmp_path)
    assert differences(RECORDED[name][one][framework], mine) == {}


@pytest.mark.parametrize("name", REQUESTS)
def test_recorded_is_what_the_containers_tell_today(name: str) -> None:
    python = os.environ.get("CURSUS_TOOLKIT_PYTHON")
    if not python:
        pytest.skip("CURSUS_TOOLKIT_PYTHON names no Python that has the toolkit and its extensions")
    one = hosts(REQUESTS[name])[-1]
    assert ask(python, REQUESTS[name], one) == RECORDED[name][one]


# --- really run --------------------------------------------------------------------------------------------

TRAIN = """
import hashlib, json, os, sys
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
BACKEND = "gloo"
dist.init_process_group(BACKEND)
torch.manual_seed(dist.get_rank())
model = DistributedDataParallel(torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(20):
    x = torch.randn(16, 4)
    loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
digest = hashlib.sha256(weights).hexdigest()
print(json.dumps([dist.get_world_size(), os.environ["SM_CURRENT_HOST"], digest, loss.item()]))
if dist.get_rank() == 0:
    torch.save(model.state_dict(), "/opt/ml/model/model.pt")
dist.destroy_process_group()
"""


def patch(count: int, framework: str, **hyperparameters: str) -> dict[str, Any]:
    return {
        "ResourceConfig": {"InstanceCount": count},
        "AlgorithmSpecification": {"TrainingImage": IMAGES[framework]},
        "HyperParameters": hyperparameters,
    }


needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed in this environment"
)


def agreed(run: Run, count: int, script: str, switch: str) -> list[str]:
    """Train on ``count`` hosts; the sentences on what was not reproduced."""
    job = run(script, patch(count, "pytorch", **{switch: "true"}))
    assert job.status == "Completed", (job.failure_reason, job.logs())
    logs = [job.logs(f"algo-{i + 1}").splitlines() for i in range(count)]  # torch may say more at its end
    told = [json.loads(next(line for line in log if line.startswith(f"[{count}, "))) for log in logs]
    assert [entry[:2] for entry in told] == [[count, f"algo-{i + 1}"] for i in range(count)]
    assert len({entry[2] for entry in told}) == 1
    assert all(entry[3] < 4 for entry in told)
    assert [file.path for file in job.evidence.model_files] == ["model.pt"]
    return list(job.evidence.not_reproduced)


@needs_torch
@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_pytorch_trains_and_all_hosts_agree(run: Run, levels: dict[str, str], count: int) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    agreed(run, count, TRAIN, distribution.TORCHRUN)


@needs_torch
@pytest.mark.slow
def test_smdistributed_is_plain_ddp_in_the_open(run: Run, levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    script = "import smdistributed.dataparallel.torch.torch_smddp\n" + TRAIN.replace('"gloo"', '"smddp"')
    assert distribution.STANDS_IN in agreed(run, 2, script, distribution.SMDDP)


needs_mpi = pytest.mark.skipif(
    shutil.which("mpirun") is None, reason="Open MPI (mpirun) is not installed on this machine"
)


@needs_mpi
@pytest.mark.slow
def test_mpi_runs_on_every_host(run: Run, levels: dict[str, str]) -> None:
    """A shell script as the program, so that it needs no mpi4py."""
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    program = '#!/bin/sh\necho "$OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE on $(hostname)" "$@"\n'
    options = {"sagemaker_mpi_num_of_processes_per_host": "2", distribution.MPI: "true", "x": "a b"}
    job = run(program, patch(3, "pytorch", **options), entry_point="train.sh")
    lines = [line.rstrip() for line in job.logs("algo-1").splitlines() if "<stdout>" in line]
    assert sorted(lines) == [
        f"[1,mpirank:{rank},algo-{rank // 2 + 1}]<stdout>:{rank} of 6 on algo-{rank // 2 + 1} -x a b"
        for rank in range(6)
    ], (job.failure_reason, job.logs("algo-1"))
    assert dict(job.evidence.exit_codes) == {"algo-1": 0, "algo-2": 0, "algo-3": 0}


@needs_mpi
@pytest.mark.slow
def test_mpi_process_that_fails_fails_the_job(run: Run, levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    program = (
        '#!/bin/sh\ntest "$OMPI_COMM_WORLD_RANK" = 0 && sleep 600; echo "MyError: not here" >&2; exit 3\n'
    )
    job = run(program, patch(2, "pytorch", **{distribution.MPI: "true"}), entry_point="train.sh")
    assert job.status == "Failed"
    assert "MyError: not here" in str(job.failure_reason)


def test_program_that_is_not_installed_is_named(
    make_step: MakeStep, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if not (Path(sys.executable).parent / "mpirun").exists():
        with pytest.raises(RunError, match=r"mpirun, which is not installed.*openmpi-bin"):
            run("print(1)", patch(2, "pytorch", **{distribution.MPI: "true"}))
    if not (Path(sys.executable).parent / "torchrun").exists():
        with pytest.raises(RunError, match=r"torchrun, which is not installed.*torch"):
            run("print(1)", patch(2, "pytorch", **{distribution.TORCHRUN: "true"}))


def test_xla_is_refused(run: Run) -> None:
    with pytest.raises(RunError, match="PyTorch XLA"):
        run("print(1)", patch(2, "pytorch", **{distribution.XLA: "true"}))


def test_mirrored_strategy_gets_its_cluster(run: Run, levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    script = "import os; print(os.environ['TF_CONFIG'])"
    job = run(script, patch(2, "tensorflow", **{distribution.MIRRORED: "true"}))
    told = json.loads(job.logs("algo-2"))
    assert told["cluster"] == {"worker": ["algo-1:8890", "algo-2:8890"]}
    assert told["task"] == {"index": 1, "type": "worker"}


SERVER = """
import json, os, socket, sys, time
from types import SimpleNamespace as Names

class Server:
    def __init__(self, cluster, job_name, task_index, config):
        self.socket = socket.create_server(tuple(cluster[job_name][task_index].split(":")))
    def join(self):
        while True:
            self.socket.accept()[0].sendall(b"served")

train = Names(ClusterSpec=lambda cluster: {
    job: [f"{socket.gethostbyname(a.split(':')[0])}:{a.split(':')[1]}" for a in addresses]
    for job, addresses in cluster.items()})
distribute = Names(Server=Server)
compat = Names(v1=Names(ConfigProto=lambda **_: None))
"""


def test_parameter_servers_stay_until_the_master_is_done(
    run: Run, levels: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a module called tensorflow that has a server and nothing else, which is all that the launcher needs."""
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    if importlib.util.find_spec("tensorflow") is not None:
        pytest.skip("the real TensorFlow is installed")
    library = tmp_path / "library"
    library.mkdir()
    server = SERVER.replace(
        'tuple(cluster[job_name][task_index].split(":"))', "where(cluster[job_name][task_index])"
    )
    where = "\ndef where(address):\n    host, port = address.split(':')\n    return host, int(port)\n"
    (library / "tensorflow.py").write_text(server + where)
    monkeypatch.syspath_prepend(library)
    script = """
import json, os, socket, time
config = json.loads(os.environ["TF_CONFIG"])
own = config["cluster"][config["task"]["type"]][config["task"]["index"]]
listener = socket.create_server((own.split(":")[0], int(own.split(":")[1])))
def connected(address):
    host, port = address.split(":")
    while True:
        try:
            return socket.create_connection((host, int(port)), 5)
        except ConnectionRefusedError:
            time.sleep(0.02)
for address in config["cluster"]["ps"]:
    print(address.split(":")[0], connected(address).recv(10).decode())
if config["task"]["type"] == "master":
    listener.accept()  # the other's script, which ends when we are there
    listener.accept()  # its launcher looks whether we are still there
else:
    connected(config["cluster"]["master"][0])
"""
    settings = {distribution.PARAMETER_SERVER: "true"}
    members = patch(2, "tensorflow", **settings)
    job = run(script, {**members, "Environment": {"PYTHONPATH": str(library)}})
    assert job.status == "Completed", (job.failure_reason, job.logs(), job.logs("algo-2"))
    for name in ("algo-1", "algo-2"):
        assert job.logs(name) == "algo-1 served\nalgo-2 served\n"


@pytest.mark.parametrize(("version", "told"), [("2.1.0", "2.1.0"), ("1.12.1", "None")])
def test_newer_pytorch_images_tell_their_version(run: Run, version: str, told: str) -> None:
    image = f"763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:{version}-cpu-py310"
    script = "import os\nprint('told', os.environ.get('SM_DLC_TORCH_VERSION'))"
    job = run(script, {"AlgorithmSpecification": {"TrainingImage": image}})
    assert job.logs().splitlines() == [f"told {told}"]

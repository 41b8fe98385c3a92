"""torchrun's ranks as forks of one process that has imported torch: the same job in less time, and named."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest

from cursus.local.framework.forked_ranks import VARIABLE
from cursus.local.jobs.job import TrainingJob
from cursus.local.options import Options
from tests.local.conftest import Run

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310"
FORKED, NOT_FORKED = "a fresh interpreter for each rank", "ranks were asked to be forked, and were not"

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed in this environment"
)


def job_of(
    run: Run, script: str, hosts: int = 1, fork: bool = True, more: Any = None, **options: Any
) -> TrainingJob:
    patch = {
        "ResourceConfig": {"InstanceCount": hosts},
        "AlgorithmSpecification": {"TrainingImage": IMAGE},
        "TrainingJobName": "forked" if fork else "plain",
        "HyperParameters": {
            "sagemaker_torch_distributed_enabled": "true",
            **options.pop("hyperparameters", {}),
        },
        **(more or {}),
    }
    return run(script, patch, options=Options(fork_ranks=fork), **options)


def said(job: TrainingJob) -> list[str]:
    return [note for note in job.evidence.not_reproduced if note.startswith((FORKED, NOT_FORKED))]


TRAIN = """
import json, os, random, sys
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
torch.manual_seed(0)
model = DistributedDataParallel(torch.nn.Linear(3, 1))
optimizer = torch.optim.SGD(model.parameters(), 0.1)
x = torch.randn(16, 3, generator=torch.Generator().manual_seed(dist.get_rank()))
for _ in range(5):
    loss = (model(x) - x.sum(1, keepdim=True)).pow(2).mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
open(os.environ["SM_MODEL_DIR"] + f"/{dist.get_rank()}.txt", "w").write("nobody closes this file")
told = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "SM_CURRENT_HOST",
        "PYTHONPATH", "OMP_NUM_THREADS", "TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_USE_AGENT_STORE")
facts = [
    [round(value, 6) for value in model.module.weight.flatten().tolist()],
    {name: os.environ.get(name) for name in told},
    sys.argv, sys.path[0], sys.executable, __name__, __file__, torch.get_num_threads(),
    sys.modules["__main__"].__dict__ is globals(), [name for name in sys.modules if name.startswith("cursus")],
]
with open(os.environ["SM_OUTPUT_DATA_DIR"] + f"/{dist.get_rank()}.json", "w") as file:
    json.dump([facts, random.random()], file)
dist.destroy_process_group()
"""


def results(job: TrainingJob) -> list[list[Any]]:
    import tarfile

    assert job.status == "Completed", (job.failure_reason, job.logs())
    assert job.output_artifact is not None
    with tarfile.open(job.output_artifact) as archive:
        members = sorted((member for member in archive.getmembers() if member.isfile()), key=lambda m: m.name)
        found = [json.load(archive.extractfile(member) or pytest.fail()) for member in members]
    assert {file.path: file.size for file in job.evidence.model_files} == {
        f"{rank}.txt": 23 for rank in range(len(found))
    }
    return found


@needs_torch
@pytest.mark.slow
def test_two_ranks_on_two_hosts_are_what_torchrun_makes_them(run: Run, levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    two = {"sagemaker_mpi_num_of_processes_per_host": "2", "epochs": "3"}
    forked, plain = (job_of(run, TRAIN, 2, fork, hyperparameters=two) for fork in (True, False))
    ours, theirs = results(forked), results(plain)
    assert [facts for facts, _ in ours] == [facts for facts, _ in theirs]
    assert len({json.dumps(facts[0]) for facts, _ in ours}) == 1  # all agree on the weights
    assert len({number for _, number in ours}) == 4  # each draws its own random numbers
    assert len(said(forked)) == 1
    assert said(forked)[0].startswith(FORKED)
    assert said(plain) == []


@needs_torch
@pytest.mark.slow
def test_a_rank_that_fails_fails_the_job_as_under_torchrun(run: Run, levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    script = (
        "import sys, time\nimport torch.distributed as dist\ndist.init_process_group('gloo')\n"
        "if dist.get_rank() == 1:\n    raise ValueError('not today')\ntime.sleep(600)\n"
    )
    forked, plain = (job_of(run, script, 2, fork) for fork in (True, False))
    assert said(forked)[0].startswith(FORKED)
    for job in (forked, plain):
        assert job.status == "Failed"
        assert "ValueError: not today" in str(job.failure_reason)
        assert "exitcode  : 1" in job.logs("algo-2")
        assert "ChildFailedError" in job.logs("algo-2")
    assert forked.evidence.exit_codes == plain.evidence.exit_codes
    lines = [
        [line for line in job.logs("algo-2").splitlines() if "  File" in line] for job in (forked, plain)
    ]
    assert lines[0] == lines[1]


@needs_torch
@pytest.mark.slow
def test_a_module_of_the_source_that_torch_would_import_is_not_passed_by(run: Run, tmp_path: Any) -> None:
    script = "import numbers\nprint('mine', numbers.MINE)\n"
    job = job_of(run, script, files={"numbers.py": "MINE = 1\n"})
    assert said(job)[0].startswith(NOT_FORKED)
    assert "numbers.py" in said(job)[0]


@needs_torch
@pytest.mark.slow
def test_an_interrupted_job_forks_its_next_hosts_too(run: Run) -> None:
    script = (
        "import os, time\nprint('rank', os.environ['RANK'], flush=True)\n"
        "begun = '/opt/ml/checkpoints/begun'\nif not os.path.exists(begun):\n"
        "    open(begun, 'w').close()\n    time.sleep(600)\n"
    )
    checkpoints = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/c/"}}
    job = job_of(run, script, more=checkpoints, interrupt_after=4.0, grace=0.2)
    assert job.status == "Completed", (job.failure_reason, job.logs())
    assert job.logs().count("rank 0") == 2, job.logs()
    assert len(said(job)) == 1


def test_a_script_that_torchrun_does_not_start_is_run_as_ever_and_that_is_said(run: Run) -> None:
    job = run("print('here')\n", options=Options(fork_ranks=True))
    assert job.status == "Completed"
    assert said(job)[0].startswith(NOT_FORKED)


def test_the_variable_asks_for_it_where_it_can_be(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    job = run("print('here')\n")
    assert job.status == "Completed"
    assert said(job) == []

"""What is read of PyTorch code: each habit is found where it is, and not in the code that does it right."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursus.model import SourceCode
from cursus.script import read_source

LOOP = """
import torch
import torch.distributed as dist
def train(model, loader, rank, world_size, patience):
    total, losses, wait = 0, [], 0
    for epoch in range(3):
        loss = model(loader)
        loss.backward()
        %s
"""
SAVING = """
import argparse, os, torch
args = argparse.ArgumentParser().parse_args()
optimizer = torch.optim.SGD([], lr=0.1)
%s
if os.path.exists("last.pt"):
    state = torch.load("last.pt"%s)
    optimizer.load_state_dict(state["optimizer"])
torch.save({"optimizer": optimizer.state_dict(), "args": %s}, "last.pt")
"""
WRAPPED = """
from torch import nn
import torch
model = nn.DataParallel(nn.Linear(1, 1))
torch.save(%s.state_dict(), "model.pth")
"""
SAMPLED = """
import torch
from torch.utils.data.distributed import DistributedSampler
def train(data, rank):
    sampler = DistributedSampler(data, %s)
    for epoch in range(3):
        %s
"""
TOKENS = """
import os
from transformers import AutoModel, AutoTokenizer, Trainer
model_dir = os.environ["SM_MODEL_DIR"]
tokenizer = AutoTokenizer.from_pretrained("data")
model = AutoModel.from_pretrained("data")
%s
"""
SPAWN = """
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
def worker(rank, world_size):
    dist.init_process_group("gloo", rank=rank, world_size=world_size)
mp.spawn(worker, args=(2,%s)%s)
"""
METER = """
class Meter:
    def update(self, value):
        self.sum += value%s
"""
EARLY = (
    "if wait >= patience:\n            break\n    model = torch.nn.parallel.DistributedDataParallel(model)"
)
PAIRED = "if rank in [-1, 0]:\n            dist.barrier()\n        if rank not in [-1, 0]:\n            dist.barrier()"
OR_ELSE = (
    "if rank <= 0:\n            if rank == 0:\n                dist.barrier()\n        else:\n"
    "            dist.barrier()"
)
AGREED = "dist.all_reduce(loss)\n        " + EARLY


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (LOOP % "total += loss", ["graph-kept"]),
        (LOOP % "losses.append(loss)", ["graph-kept"]),
        (METER % "" + LOOP % "total.update(loss)", ["graph-kept"]),
        (METER % ".item()" + LOOP % "total.update(loss)", []),
        (LOOP % "total += loss.item()", []),
        (LOOP % "losses.append(float(loss))", []),
        (LOOP % "if rank == 0:\n            dist.barrier()", ["rank-alone"]),
        (LOOP % "if rank == 0 and epoch > 1:\n            dist.barrier()", ["rank-alone"]),
        (LOOP % "if rank != 0:\n            return\n        print(1)", []),
        (
            LOOP
            % "if rank != 0:\n            dist.barrier()\n        if rank == 0:\n            dist.barrier()",
            [],
        ),
        (LOOP % PAIRED, []),
        (LOOP % OR_ELSE, []),
        (LOOP % "if rank <= 0:\n            dist.barrier()", ["rank-alone"]),
        (LOOP % "if rank == 0:\n            print(1)\n        dist.barrier()", []),
        (LOOP % EARLY, ["rank-stops"]),
        (LOOP % AGREED, []),
        (SPAWN % ("", ""), []),
        (SPAWN.replace("(2,%s)", "(world_size,%s)") % ("", ""), ["world-of-one"]),
        (SPAWN.replace("(2,%s)", "(world_size,%s)") % ("", ", nprocs=world_size"), []),
        (SAMPLED % ("shuffle=True", "print(epoch)"), ["same-order"]),
        (SAMPLED % ("shuffle=False", "print(epoch)"), []),
        (SAMPLED % ("seed=rank", "sampler.set_epoch(epoch)"), ["own-order"]),
        (SAMPLED % ("seed=3", "sampler.set_epoch(epoch)"), []),
        (SAVING % ("", "", "args"), ["namespace-kept"]),
        (SAVING % ("", ", weights_only=False", "args"), []),
        (SAVING % ("", "", "vars(args)"), []),
        (
            SAVING % ("steps = torch.optim.lr_scheduler.StepLR(optimizer, 2)\nsteps.step()", "", "0"),
            ["schedule-lost"],
        ),
        (
            SAVING
            % ("steps = torch.optim.lr_scheduler.StepLR(optimizer, 2, last_epoch=3)\nsteps.step()", "", "0"),
            [],
        ),
        (WRAPPED % "model", ["wrapped-state"]),
        (WRAPPED % "model.cpu()", ["wrapped-state"]),
        (WRAPPED % "model.module", []),
        (TOKENS % "model.save_pretrained(model_dir)", ["tokenizer-left"]),
        (TOKENS % "model.save_pretrained(model_dir)\ntokenizer.save_pretrained(model_dir)", []),
        (TOKENS % "Trainer(model, tokenizer=tokenizer).save_model(model_dir)", []),
        (TOKENS % "model.save_pretrained('/tmp/scratch')", []),
        (TOKENS % "Trainer(model).train(resume_from_checkpoint=None)", []),
    ],
)
def test_habits(tmp_path: Path, code: str, expected: list[str]) -> None:
    (tmp_path / "train.py").write_text(code)
    facts = read_source(SourceCode(str(tmp_path), "train.py"))
    kinds = {
        "graph-kept",
        "rank-alone",
        "rank-stops",
        "world-of-one",
        "same-order",
        "own-order",
        "schedule-lost",
    }
    kinds |= {"namespace-kept", "wrapped-state", "tokenizer-left"}
    assert [habit.kind for habit in facts.habits if habit.kind in kinds] == expected

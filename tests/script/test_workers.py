"""What several processes of a script write and shuffle, found where it clashes and not where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursus.model import SourceCode
from cursus.script import read_source

POOL = """
import multiprocessing as mp, os, json
def work(rank, folder):
    %s
with mp.Pool(2) as pool:
    pool.starmap(work, [(rank, os.environ["SM_MODEL_DIR"]) for rank in range(2)])
"""
SAME = 'with open(os.path.join(folder, "model.json"), "w") as f:\n        json.dump(rank, f)'
GROUP = """
import os, torch
import torch.distributed as dist
def main(model):
    dist.init_process_group("nccl")
    %s
main(torch.nn.Linear(1, 1))
"""
SAVE = 'torch.save(model, "/opt/ml/model/model.pth")'
CUT = """
import glob, os, random
def mine(rank, size):
    files = glob.glob(os.environ["SM_CHANNEL_TRAIN"] + "/*")
    %s
    return files[rank::size]
mine(0, 2)
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (POOL % SAME, ["written-by-all"]),
        (POOL % SAME.replace('"model.json"', 'f"{rank}.json"'), []),
        (POOL % ('name = f"{rank}.json"\n    ' + SAME.replace('"model.json"', "name")), []),
        (POOL % ("if rank == 0:\n        " + SAME.replace("\n", "\n    ")), []),
        (POOL % ("if rank != 0:\n        return\n    " + SAME), []),
        (POOL % SAME.replace('"w"', '"a"'), []),
        (POOL.replace("rank, folder", "number, folder") % SAME.replace("(rank", "(number"), []),
        (POOL.replace("pool.starmap", "list(map").replace("range(2)])", "range(2)]))") % SAME, []),
        (POOL % "os.makedirs(os.path.join(folder, 'logs'))", ["made-by-all"]),
        (POOL % "os.makedirs(os.path.join(folder, 'logs'), exist_ok=True)", []),
        (POOL % "os.environ['MASTER_PORT'] = find_free_port()", ["own-port"]),
        (POOL % "os.environ['MASTER_PORT'] = '29500'", []),
        (GROUP % SAVE, ["written-by-all"]),
        (GROUP % f"if dist.get_rank() == 0:\n        {SAVE}", []),
        (GROUP.replace('dist.init_process_group("nccl")', "print(1)") % SAVE, []),
        (CUT % "random.Random(3 + rank).shuffle(files)", ["own-order"]),
        (CUT % "random.seed(rank)\n    random.shuffle(files)", ["own-order"]),
        (CUT % "random.Random(3).shuffle(files)", []),
    ],
)
def test_habits(tmp_path: Path, code: str, expected: list[str]) -> None:
    (tmp_path / "train.py").write_text(code)
    facts = read_source(SourceCode(str(tmp_path), "train.py"))
    kinds = ("written-by-all", "made-by-all", "own-port", "own-order")
    assert [habit.kind for habit in facts.habits if habit.kind in kinds] == expected

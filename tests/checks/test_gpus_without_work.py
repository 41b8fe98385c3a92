"""A script that trains on one GPU of several: told where nothing in it asks for more, and not where anything may."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursus.model import SourceCode
from tests.checks.made import DLC, SCRIPT, findings_of

PLAIN = """
import os
import torch
model = torch.nn.Linear(4, 1)
{line}
torch.save(model.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pth"))
"""


def told(folder: Path, line: str, instance: str, count: int = 1, **settings: str) -> bool:
    (folder / "train.py").write_text(PLAIN.format(line=line))
    request = {
        "AlgorithmSpecification": {"TrainingImage": f"{DLC}/pytorch-training:2.1.0-gpu-py310"},
        "HyperParameters": {**SCRIPT, **settings},
        "ResourceConfig": {"InstanceType": instance, "InstanceCount": count, "VolumeSizeInGB": None},
    }
    found = findings_of(request, source=SourceCode(str(folder), "train.py"))
    return "DST057" in {finding.rule for finding in found}


@pytest.mark.parametrize("line", ['model.to("cuda")', 'model.to("cuda:0")', "model.cuda()", ""])
def test_one_gpu_of_four(tmp_path: Path, line: str) -> None:
    assert told(tmp_path, line, "ml.g5.12xlarge")
    assert not told(tmp_path, line, "ml.g5.2xlarge")


@pytest.mark.parametrize(
    "line",
    [
        "model = torch.nn.DataParallel(model)",
        'model.to("cuda:1")',
        "for i in range(4): model.to(f'cuda:{i}')",
        "print(os.environ['SM_NUM_GPUS'])",
        "print(os.environ.get('CUDA_VISIBLE_DEVICES'))",
        "import lightning",
        "import a_library",
        "os.system('torchrun other.py')",
        "import subprocess; subprocess.run(['torchrun', 'other.py'])",
    ],
)
def test_more_than_one_may_be_used(tmp_path: Path, line: str) -> None:
    assert not told(tmp_path, line, "ml.g5.12xlarge")


def test_a_launcher_starts_a_process_for_each(tmp_path: Path) -> None:
    assert not told(tmp_path, "", "ml.g5.12xlarge", sagemaker_torch_distributed_enabled="true")

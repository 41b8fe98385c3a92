"""Hosts as containers of the job's own image, made by podman. Without an engine that works these tests skip."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cursus.errors import RunError
from cursus.local import engine as engines
from cursus.local.job import TrainingJob
from cursus.local.options import Options
from cursus.local.runner import run_step
from tests.local import engine_image
from tests.local.conftest import MakeStep

OWN = "localhost/cursus-test-own:1"
SCRIPT = "localhost/cursus-test-script:1"
Contained = Callable[..., TrainingJob]


@pytest.fixture(scope="session")
def podman() -> engines.Engine:
    """The engine, where it really runs containers on this machine."""
    from cursus.local.probes import probe_engines

    found = next(one for one in probe_engines() if one.level == "podman")
    if not found.works:
        pytest.skip(f"podman: {found.reason}")
    return engines.find("podman")


@pytest.fixture(scope="session")
def images(podman: engines.Engine) -> Iterator[None]:
    makers = [
        engine_image.made(OWN),
        engine_image.made(SCRIPT, "/usr/local/toolkit/start"),
    ]
    for maker in makers:
        next(maker)
    yield
    for maker in makers:
        for _ in maker:
            pass


@pytest.fixture
def contained(make_step: MakeStep, tmp_path: Path, images: None) -> Contained:
    """``contained(program, patch, …)``: a job of an image of one's own, whose ``train`` is ``program``."""

    def carry_out(program: str, patch: dict[str, Any] | None = None, **options: Any) -> TrainingJob:
        image = options.pop("training_image", OWN)
        own = options.pop("own", True)
        step = make_step(
            None if own else program,
            {"AlgorithmSpecification": {"TrainingImage": image}, **(patch or {})},
            channels={"train": {"program.py": program, "data.csv": "1,2\n"}},
        )
        more = options.pop("options", {})
        options.setdefault("grace", 5.0)
        options.setdefault("root", tmp_path / "root")
        return run_step(
            step,
            options=Options(engine="podman", engine_arguments=engine_image.mounted(), **more),
            **options,
        )

    return carry_out


def left(podman: engines.Engine, job: TrainingJob) -> str:
    """What the engine still has of a job."""
    label = f"label={engines.FOLDER}={job.folder}"
    containers = podman.ask("ps", "--all", "--quiet", "--filter", label)
    return containers + podman.ask("network", "ls", "--quiet", "--filter", label)


FACTS = """
import json, os, socket, sys
data = "/opt/ml/input/data/train/data.csv"
found = {
    "argv": sys.argv[1:], "pid": os.getpid(), "host": socket.gethostname(), "data": open(data).read(),
    "config": sorted(os.listdir("/opt/ml/input/config")), "output": sorted(os.listdir("/opt/ml/output")),
    "environment": {name: value for name, value in os.environ.items()},
    "shm": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
}
open(data, "a").write("more")
open("/opt/ml/model/m", "w").write("1")
print(json.dumps(found))
print("loss=0.5;", file=sys.stderr)
"""


def test_image_of_ones_own_gives_the_contract(
    contained: Contained, podman: engines.Engine, tmp_path: Path
) -> None:
    metrics = [{"Name": "loss", "Regex": "loss=(.*?);"}]
    patch = {
        "AlgorithmSpecification": {"TrainingImage": OWN, "MetricDefinitions": metrics},
        "Environment": {"MINE": "a b\nc", "SECRET_TOKEN": "very-secret-token"},
    }
    job = contained(FACTS, patch)
    assert job.status == "Completed", (job.failure_reason, job.logs())
    found = json.loads(job.logs().splitlines()[0])
    assert (found["argv"], found["pid"], found["host"]) == ([], 1, "algo-1")
    assert found["data"] == "1,2\n"
    assert {"hyperparameters.json", "resourceconfig.json", "inputdataconfig.json"} <= set(found["config"])
    assert found["output"] == ["data", "metrics", "profiler", "tensorboard"]
    assert found["environment"]["TRAINING_JOB_NAME"] == job.name
    assert found["environment"]["MINE"] == "a b\nc"
    assert found["environment"]["SECRET_TOKEN"] == "very-secret-token"
    assert found["environment"]["FROM_IMAGE"] == "yes"
    assert not any(name.startswith("SM_") for name in found["environment"])
    assert found["shm"] > 64 << 20
    assert [point.value for point in job.metrics["loss"]] == [0.5]
    assert job.evidence.isolation == "podman"
    assert job.evidence.exit_codes == {"algo-1": 0}
    assert [entry.path for entry in job.evidence.model_files] == ["m"]
    assert job.evidence.opened["train"] == 2
    assert job.evidence.runtime == {}
    assert not any("packages are those" in note for note in job.evidence.not_reproduced)
    assert (tmp_path / "data/train/data.csv").read_text() == "1,2\n"
    assert not left(podman, job)

"""What several tests of local runs share: scripts and requests, and looks at what becomes of a job."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cursus.checks.examples import BASES, merge
from cursus.local.jobs.job import TrainingJob
from tests.local.conftest import MakeStep, Run
from tests.local.elsewhere import client
from tests.waiting import until

ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/churn-2026-01-31"
OWN = {"AlgorithmSpecification": {"ContainerEntrypoint": ["python", "train.py"]}}
SLEEP = "import time\nprint('ready', flush=True)\ntime.sleep(30)"
SPOT: dict[str, Any] = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
    "CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"},
    "AlgorithmSpecification": {"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]},
}
RESUMES = """
import os, time
last = "/opt/ml/checkpoints/last"
first = int(open(last).read()) if os.path.exists(last) else 0
for epoch in range(first, 5):
    time.sleep(0.1)
    print(f"loss={1 / (epoch + 1):.4f}", flush=True)
    open(last + ".new", "w").write(str(epoch + 1))
    os.replace(last + ".new", last)
open("/opt/ml/model/model.txt", "w").write("weights")
"""


def request(patch: dict[str, Any] | None = None, name: str | None = None) -> dict[str, Any]:
    made = merge(BASES["CreateTrainingJob"], patch or {})
    return made if name is None else {**made, "TrainingJobName": name}


def refused(call: Any, *arguments: Any, **request: Any) -> Any:
    """What a call raises: code, text, the error."""
    with pytest.raises(Exception) as caught:
        call(*arguments, **request)
    error: Any = caught.value
    return error.response["Error"]["Code"], error.response["Error"]["Message"], error


def put(root: Path, key: str, text: str = "x") -> None:
    path = root / "s3" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def statuses(job: TrainingJob) -> list[str]:
    return [step["Status"] for step in job.describe()["SecondaryStatusTransitions"]]


def printed(job: TrainingJob, text: str = "ready\n") -> Callable[[], bool]:
    log = job.folder / "logs/algo-1.log"
    return lambda: log.exists() and text in log.read_text()


def stopped(run: Run, script: str, patch: dict[str, Any] | None = None, **options: Any) -> TrainingJob:
    """The job, which was stopped when its script had printed ``ready``."""
    job = run(script, patch, detach=True, **options)
    until(printed(job))
    job.stop()
    return job.wait()


def running(marker: str) -> list[int]:
    """Processes whose command line or environment has ``marker``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                data = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if marker.encode() in data and state != "Z":
                found.append(int(entry.name))
    return found


def drive(
    make_step: MakeStep, root: Path, script: str, grace: float, *, detach: bool = False, marker: str = ""
) -> Any:
    """A client in a process of its own."""
    step = make_step(script, {**OWN, "Environment": {"MARKER": marker}})
    return subprocess.Popen(client(step, root, "", grace=grace, detach=detach))


def started(root: Path) -> TrainingJob:
    folder = root / "jobs/churn-2026-01-31"
    until((folder / "job.json").exists)
    job = TrainingJob(folder)
    until(printed(job))
    return job

"""What a run tells beside its status: versions, usage, stages, and what it could not reproduce."""

from __future__ import annotations

import sys
from pathlib import Path

from cursus.local.linux.processes import descendants, handles
from cursus.local.monitoring import runtime
from cursus.local.monitoring.usage import Sampler
from tests.local.conftest import Run


def test_versions_are_read_and_nothing_imported(tmp_path: Path) -> None:
    for name in (
        "torch-2.1.0+cpu.dist-info",
        "scikit_learn-1.4.2.dist-info",
        "xgboost_cpu-2.1.1.dist-info",
        "other-1.dist-info",
    ):
        (tmp_path / name).mkdir()
    found = runtime.installed([str(tmp_path), "/nowhere"])
    assert found == {
        "python": "{}.{}.{}".format(*sys.version_info[:3]),
        "torch": "2.1.0+cpu",
        "scikit-learn": "1.4.2",
        "xgboost": "2.1.1",
    }


def test_requirements_that_are_not_installed(tmp_path: Path) -> None:
    (tmp_path / "ruamel.yaml-0.18.dist-info").mkdir()
    (tmp_path / "Some_Name-1.0.dist-info").mkdir()
    text = "# comment\nruamel_yaml>=0.1\nsome.name==1.0  # pinned\nabsent[extra]>=2\n-r more.txt\n\nhttps://example.com/x.whl\n"
    assert runtime.missing_requirements(text, [str(tmp_path)]) == ["absent[extra]>=2"]


def test_usage_of_a_run(run: Run) -> None:
    script = """
import time
block = bytearray(150 * 1024 * 1024)
open("/opt/ml/model/m", "wb").write(bytes(3 * 1024 * 1024))
end = time.process_time() + 0.3
while time.process_time() < end:
    pass
"""
    job = run(script)
    usage = job.evidence.usage["algo-1"]
    assert 150 << 20 < usage.peak_memory < 400 << 20
    assert usage.cpu_seconds >= 0.3
    assert usage.wall_seconds >= 0.3
    assert usage.disk_written >= 3 << 20
    assert usage.samples >= 1
    assert usage.interval > 0


def test_memory_of_all_processes_counts(run: Run) -> None:
    script = """
import os, time
children = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        block = bytearray(60 * 1024 * 1024)
        time.sleep(0.8)
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
"""
    assert run(script).evidence.usage["algo-1"].peak_memory > 160 << 20


def test_stages_and_what_was_not_reproduced(run: Run) -> None:
    patch = {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxWaitTimeInSeconds": 7200},
        "ResourceConfig": {"InstanceType": "ml.g5.12xlarge"},
        "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    }
    evidence = run("print(1)", patch, files={"requirements.txt": "no-such-distribution-here==1\n"}).evidence
    assert list(evidence.stages) == ["Starting", "Downloading", "Training", "Uploading"]
    without = "\n".join(evidence.not_reproduced)
    for word in (
        "the packages are those of this environment",
        "credentials",
        "spot",
        "VpcConfig",
        "memory",
        "4 A10G",
    ):
        assert word in without, without
    assert "no-such-distribution-here==1" in without


def test_sampler_sees_descendants_and_handlers(run: Run) -> None:
    import os
    import signal

    sampler = Sampler(0.5)
    sampler.sample(os.getpid())
    assert sampler.peak_memory > 1 << 20
    assert sampler.open_files >= 3
    assert os.getpid() in descendants(os.getpid())
    assert handles(os.getpid(), signal.SIGINT) is True
    assert handles(os.getpid(), signal.SIGUSR2) is False

"""The SDK's MPI driver finds the sshd and ssh that it takes for granted, or the job is refused."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cursus.errors import RunError
from cursus.local import host
from cursus.local.framework import mpi_driver
from tests.local.conftest import Run

PATCH: dict[str, Any] = {
    "AlgorithmSpecification": {
        "TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310",
        "ContainerEntrypoint": ["/bin/sh"],
        "ContainerArguments": ["-c", "sh /opt/ml/input/data/sm_drivers/sm_train.sh"],
    },
    "ResourceConfig": {"InstanceCount": 2},
    "InputDataConfig": [
        {
            "ChannelName": "sm_drivers",
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/drivers/"}
            },
        }
    ],
}
lacking = mpi_driver.missing(sys.path, host.base_environment(sys.executable, os.environ)["PATH"])

DRIVER = """# what mpi_driver.py does with them
echo WHO=algo >> /etc/environment
/usr/sbin/sshd -D &
for i in $(seq 100); do
  ssh -x algo-1 touch /tmp/ready.$(hostname) 2> /dev/null && break
  sleep 0.1
done
if [ $(hostname) = algo-1 ]; then
  until [ -e /tmp/ready.algo-2 ]; do sleep 0.1; done
  until ssh algo-2 true 2> /dev/null; do sleep 0.1; done
  ssh -o BatchMode=yes algo-2 'echo "$WHO on $(hostname)"; echo oops >&2; exit 7'
  echo "code $?"
  ssh algo-2 touch /tmp/done
else
  until [ -e /tmp/done ]; do sleep 0.1; done
fi
"""


@pytest.mark.slow
@pytest.mark.skipif(bool(lacking), reason=lacking)
def test_hosts_reach_each_other_by_ssh(run: Run, levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    job = run(None, PATCH, channels={"sm_drivers": {"sm_train.sh": DRIVER}}, timeout=60)
    assert job.status == "Completed", (job.failure_reason, job.logs(), job.logs("algo-2"))
    lines = job.logs().splitlines()
    assert {"algo on algo-2", "oops", "code 7"} <= set(lines), lines
    assert mpi_driver.STANDS_IN in job.evidence.not_reproduced
    assert "WHO=algo" not in Path("/etc/environment").read_text()


def test_an_environment_without_mpi_is_told_what_to_install(
    run: Run, tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match=r"needs .*mpirun.*openmpi-bin"):
        run(None, PATCH, channels={"sm_drivers": {"sm_train.sh": DRIVER}})


def test_other_drivers_need_none_of_it(run: Run, tmp_path: Any, monkeypatch: Any) -> None:
    job = run(
        None,
        {**PATCH, "ResourceConfig": {"InstanceCount": 1}},
        channels={"sm_drivers": {"sm_train.sh": "echo basic"}},
    )
    assert job.status == "Completed", job.failure_reason
    assert mpi_driver.STANDS_IN not in job.evidence.not_reproduced

"""A limit on memory by a control group, where this machine lets us make one."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from cursus.local.linux import cgroups
from cursus.local.planning.limits import NO_MEMORY_LIMIT, memory_limits
from tests.local.conftest import Run


@pytest.fixture
def limit() -> cgroups.Limit:
    found = cgroups.Limit("algo-1", 32 << 20)
    with found.entered():
        pass
    if not found.enforced:
        pytest.skip("no control group can be made here")
    return found


def forked(limit: cgroups.Limit, size: int) -> int:
    """The exit code of a process that takes ``size`` bytes below the limit."""
    with limit.entered():
        pid = os.fork()
        if pid == 0:
            taken = bytearray(size)
            os._exit(0 if len(taken) == size else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_what_needs_more_is_killed(limit: cgroups.Limit) -> None:
    assert forked(limit, 1 << 20) == 0
    assert forked(limit, 64 << 20) == -signal.SIGKILL
    assert bytearray(64 << 20)  # this process is not in it any more
    limit.end()
    assert limit.killed == 1


def test_group_of_a_dead_supervisor_is_swept_away(limit: cgroups.Limit) -> None:
    pid = os.fork()
    if pid == 0:
        cgroups.make("left", 32 << 20)
        os._exit(0)
    os.waitpid(pid, 0)
    place = cgroups.make("next", 32 << 20)
    assert place is not None
    assert not list(Path(place.path).parent.glob(f"cursus-{pid}-*"))
    place.remove()
    limit.end()


def test_run_says_what_was_enforced(run: Run) -> None:
    request = {"ResourceConfig": {"InstanceType": "ml.t3.medium", "InstanceCount": 1}}
    enforced = bool(memory_limits(request))
    probe = cgroups.make("probe", 1 << 30)
    if probe is not None:
        probe.remove()
    job = run("print('small')", request)
    assert (NO_MEMORY_LIMIT in job.evidence.not_reproduced) == (probe is None or not enforced)
    assert job.evidence.memory_kills == {}


def test_no_limit_where_the_instance_has_more_than_this_machine() -> None:
    assert memory_limits({"ResourceConfig": {"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 1}}) == {}

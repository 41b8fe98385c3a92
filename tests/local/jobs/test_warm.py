"""KeepAlivePeriodInSeconds: what the record of a warm pool says, and who takes it."""

from __future__ import annotations

from typing import Any

from cursus.local.jobs.job import TrainingJob
from tests.local.conftest import Run


def patch(name: str, seconds: int = 600, **resources: Any) -> dict[str, Any]:
    return {"TrainingJobName": name, "ResourceConfig": {"KeepAlivePeriodInSeconds": seconds, **resources}}


def pool(job: TrainingJob) -> dict[str, Any]:
    found: dict[str, Any] = TrainingJob(job.folder).describe()["WarmPoolStatus"]
    return found


def test_pool_is_available_and_taken_once(run: Run) -> None:
    first = run("", patch("first"))
    assert pool(first)["Status"] == "Available"
    other = run("", patch("other", InstanceType="ml.m5.2xlarge"))
    assert pool(first)["Status"] == pool(other)["Status"] == "Available"
    second = run("", patch("second"))
    third = run("", patch("third"))
    assert (pool(first)["Status"], pool(first)["ReusedByJob"]) == ("Reused", "second")
    assert pool(second)["ReusedByJob"] == "third"
    assert pool(third)["Status"] == pool(other)["Status"] == "Available"


def test_pool_ends_with_its_time_and_with_a_failure(run: Run) -> None:
    import time

    job = run("", patch("short", 1))
    time.sleep(max(0.0, job._state()["ended"] + 1.01 - time.time()))
    assert pool(job) == {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 1}
    failed = run("raise SystemExit(1)", patch("failed"))
    assert pool(failed)["Status"] == "Terminated"


def test_pool_is_in_use_while_its_job_runs(run: Run) -> None:
    job = run("import time; time.sleep(30)", patch("busy"), detach=True)
    try:
        assert pool(job) == {"Status": "InUse"}
    finally:
        job.kill()
        job.wait()

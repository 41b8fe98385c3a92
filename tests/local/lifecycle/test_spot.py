"""Spot interruptions and retries: what the script hears, what it finds again, what is billed, what is compared."""

from __future__ import annotations

import os
import signal

import pytest

from cursus import interruptions
from cursus.errors import RunError
from cursus.local.jobs import record
from cursus.local.jobs.job import TrainingJob
from cursus.local.linux.processes import descendants
from cursus.local.options import Options
from cursus.local.repeats.compare import difference
from tests.local.conftest import Run
from tests.local.helpers import OWN, RESUMES, SLEEP, SPOT, printed, statuses
from tests.waiting import until

BEGINS_AGAIN = RESUMES.replace("exists(last) else", "exists(last) and open(last).read() == 'x' else")
HANDLER = """
import os, signal, sys, time
def heard(*_):
    print("heard", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, heard)
if os.path.exists("/opt/ml/checkpoints/begun"):
    sys.exit(0)
open("/opt/ml/checkpoints/begun", "w").write("1")
print("ready", flush=True)
time.sleep(30)
"""
ONCE = ["Starting", "Downloading", "Training"]


def rules(job: TrainingJob) -> set[str]:
    return {finding.rule for finding in job.findings}


def test_interrupted_job_resumes(run: Run) -> None:
    job = run(RESUMES, SPOT, interrupt_after=0.25, grace=0.05)
    assert statuses(job) == [*ONCE, "Interrupted", *ONCE, "Uploading", "Completed"]
    first, second = job.evidence.starts
    assert (first.ended_by, second.ended_by) == ("interruption", "itself")
    assert second.restored == 1 and second.restored_read == ("last",)
    assert interruptions.resumed(job.evidence, 1).verdict == "yes"
    assert [point.value for point in job.metrics["loss"]][-1] == 0.2
    assert {"RES093", "RES094", "RES096"} & rules(job) == set()
    assert not any("EnableManagedSpotTraining" in note for note in job.evidence.not_reproduced)


def test_several_interruptions(run: Run) -> None:
    job = run(RESUMES, SPOT, interrupt_after=0.15, times=2, grace=0.05)
    assert statuses(job).count("Interrupted") == 2
    assert (job.status, len(job.evidence.starts)) == ("Completed", 3)
    told = job.describe()
    assert told["BillableTimeInSeconds"] <= told["TrainingTimeInSeconds"]


def test_script_that_begins_again_is_found_out_by_its_metrics(run: Run) -> None:
    job = run(BEGINS_AGAIN, SPOT, interrupt_after=0.25, grace=0.05)
    assert job.status == "Completed"
    assert job.evidence.starts[1].restored_read == ("last",)
    answer = interruptions.resumed(job.evidence, 1)
    assert (answer.verdict, "metric 'loss'" in answer.reason) == ("no", True)
    assert "RES094" in rules(job)


def test_script_in_script_mode_hears_nothing(run: Run) -> None:
    job = run(HANDLER, SPOT, interrupt_after=0.3, grace=0.2)
    assert job.logs() == "ready\n"
    assert interruptions.heard(job.evidence.starts[0]).verdict == "no"
    assert job.evidence.starts[0].signals["killed"] is True
    assert "RES093" in rules(job)


def test_sigterm_is_delivered_where_that_is_asked_for(run: Run) -> None:
    job = run(HANDLER, SPOT, interrupt_after=0.3, options=Options(deliver_sigterm=True))
    assert job.logs() == "ready\nheard\n"
    assert interruptions.heard(job.evidence.starts[0]).verdict == "yes"
    assert "RES093" not in rules(job)
    assert any("toolkit does not do" in note for note in job.evidence.not_reproduced)


def test_own_program_hears_the_interruption(run: Run) -> None:
    patch = {**SPOT, "AlgorithmSpecification": OWN["AlgorithmSpecification"]}
    job = run(HANDLER, patch, interrupt_after=0.3)
    assert (job.status, job.logs()) == ("Completed", "ready\nheard\n")
    assert interruptions.heard(job.evidence.starts[0]).verdict == "yes"


def test_each_start_has_a_fresh_host(run: Run) -> None:
    script = """
import os, time
left = [p for p in ("/opt/ml/model/m", "/tmp/t", "/opt/ml/code/c", "/opt/ml/input/data/train/d") if os.path.exists(p)]
print("left", left, flush=True)
for place in ("/opt/ml/model/m", "/tmp/t", "/opt/ml/code/c", "/opt/ml/input/data/train/d"):
    open(place, "w").write("1")
if not os.path.exists("/opt/ml/checkpoints/begun"):
    open("/opt/ml/checkpoints/begun", "w").write("1")
    time.sleep(30)
"""
    job = run(script, SPOT, interrupt_after=0.3, grace=0.05)
    assert job.logs() == "left []\nleft []\n"


def test_job_that_ends_before_its_interruption(run: Run) -> None:
    job = run("print('quick')", SPOT, interrupt_after=30)
    assert (job.status, job.evidence.interruptions_missed) == ("Completed", 1)
    assert "RES096" in rules(job)


def test_max_wait_time(run: Run) -> None:
    patch = {**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}}
    job = run(SLEEP, patch, interrupt_after=0.4, grace=0.1, times=5)
    told = job.describe()
    assert (told["TrainingJobStatus"], told["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_stop_during_an_interruption(run: Run) -> None:
    job = run(SLEEP, SPOT, interrupt_after=0.2, stop_after=0.5, grace=0.6)
    assert statuses(job)[-4:] == ["Interrupted", "Stopping", "Uploading", "Stopped"]


def test_internal_error_is_retried_and_no_other(run: Run) -> None:
    isolated = {"EnableNetworkIsolation": True, "RetryStrategy": {"MaximumRetryAttempts": 2}}
    job = run("", isolated, level="process")
    assert "InternalServerError" in str(job.failure_reason)
    assert statuses(job).count("Restarting") == 2
    assert [start.ended_by for start in job.evidence.starts] == ["InternalServerError"] * 2 + ["itself"]
    own_fault = run(
        "raise SystemExit(3)", {"TrainingJobName": "own-fault", **isolated, "EnableNetworkIsolation": False}
    )
    assert "Restarting" not in statuses(own_fault)


def test_lost_host_is_an_internal_error(run: Run, levels: dict[str, str]) -> None:
    if levels["unshare"]:
        pytest.skip(levels["unshare"])
    script = """
import os, time
begun = os.path.exists("/opt/ml/checkpoints/begun")
open("/opt/ml/checkpoints/begun", "w").write("1")
print("ready", flush=True)
time.sleep(0 if begun else 30)
"""
    for attempts, status in ((1, "Completed"), (0, "Failed")):
        patch = {
            "TrainingJobName": f"lost-{attempts}",
            "CheckpointConfig": {"S3Uri": f"s3://example-bucket/{attempts}/"},
        }
        if attempts:
            patch["RetryStrategy"] = {"MaximumRetryAttempts": attempts}
        job = run(script, patch, detach=True)
        until(printed(job))
        supervisor = record.load(str(job.folder))["supervisor"]
        os.kill(descendants(supervisor)[1], signal.SIGKILL)
        job.wait()
        assert (job.status, "Restarting" in statuses(job)) == (status, bool(attempts))
        assert "was lost" in str(job.failure_reason) or attempts


def test_result_that_an_interruption_leaves_as_it_is(run: Run) -> None:
    job = run(RESUMES, SPOT, interrupt_after=0.25, grace=0.05, compare=True)
    found = job.evidence.comparison
    assert found["job"] == job.name + "-uninterrupted"
    assert [metric["differs"] for metric in found["metrics"]] == [""]
    assert [(file["path"], file["same"]) for file in found["files"]] == [("model.txt", True)]
    result = interruptions.same_result(job.evidence)
    assert result is not None and result.verdict == "yes"


def test_model_that_differs_by_itself(run: Run) -> None:
    script = RESUMES.replace('"weights"', "os.urandom(4).hex()")
    job = run(script, SPOT, interrupt_after=0.25, grace=0.05, compare=True)
    assert [file["varies"] for file in job.evidence.comparison["files"]] == [True]
    severities = {finding.severity for finding in job.findings if finding.rule == "ART096"}
    assert severities == {"info"}


def test_comparison_needs_an_interruption(run: Run) -> None:
    with pytest.raises(RunError, match="interrupt_after"):
        run("", SPOT, compare=True)


@pytest.mark.parametrize(
    "parts, straight, expected",
    [
        ([[3, 2], [1]], [3, 2, 1], ""),
        ([[3, 2], [2, 1]], [3, 2, 1], ""),
        ([[3, 2], [3, 2, 1]], [3, 2, 1], ""),
        ([[3, 2], []], [3, 2], ""),
        ([[4, 2], [1]], [3, 2, 1], "before"),
        ([[3, 2], [5]], [3, 2, 1], "after"),
        ([[3, 2], [2.5, 1]], [3, 2, 1], "after"),
        ([[3], [0]], [3, 2, 1, 0], "gap"),
        ([[3, 2], []], [3, 2, 1], "short"),
        ([[3, 2], [1, 0]], [3, 2, 1], "after"),
        ([], [1], ""),
    ],
)
def test_difference_of_series(parts: list[list[float]], straight: list[float], expected: str) -> None:
    assert difference(parts, straight)[0] == expected

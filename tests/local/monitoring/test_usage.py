"""What a host used, as the kernel tells: disk at its most, files and processes at once, times over several starts."""

from __future__ import annotations

from tests.local.conftest import Run
from tests.local.helpers import SPOT

MIB = 1 << 20


def test_disk_counts_downloads_and_what_was_removed_again(run: Run) -> None:
    script = """
import os, time
open("/tmp/large", "wb").write(b"x" * (4 << 20))
time.sleep(1.6)
os.remove("/tmp/large")
"""
    job = run(script, channels={"train": {"data.csv": "1," * MIB}})
    used = job.evidence.usage["algo-1"].disk_written
    assert 6 * MIB <= used < 7 * MIB


def test_processes_and_open_files_at_once(run: Run) -> None:
    script = """
import os, time
held = [open("/dev/null") for _ in range(40)]
for _ in range(3):
    if os.fork() == 0:
        time.sleep(0.4)
        os._exit(0)
time.sleep(0.5)
"""
    usage = run(script).evidence.usage["algo-1"]
    assert usage.processes == 4
    assert usage.open_files >= 160
    assert usage.samples >= 2 and usage.interval == 0.5


def test_times_of_all_starts_add_up(run: Run) -> None:
    script = """
import os, time
begun = os.path.exists("/opt/ml/checkpoints/begun")
open("/opt/ml/checkpoints/begun", "w").write("1")
end = time.process_time() + 0.2
while time.process_time() < end:
    pass
time.sleep(0 if begun else 30)
"""
    job = run(script, SPOT, interrupt_after=0.6, grace=0.05)
    usage = job.evidence.usage["algo-1"]
    assert usage.wall_seconds >= sum(start.seconds for start in job.evidence.starts) * 0.8
    assert usage.cpu_seconds > 0.25  # more than one of them alone


def test_how_long_nobody_had_computed_anything_when_the_time_was_up(run: Run) -> None:
    script = """
import time
end = time.process_time() + 0.3
while time.process_time() < end:
    pass
time.sleep(30)
"""
    usage = run(script, timeout=3, grace=0.1).evidence.usage["algo-1"]
    assert 0.8 <= usage.idle_seconds < usage.wall_seconds


def test_a_host_that_computes_is_not_idle(run: Run) -> None:
    usage = run("while True: pass", timeout=3, grace=0.1).evidence.usage["algo-1"]
    assert usage.idle_seconds < usage.wall_seconds / 2

"""The one process that owns a job: its life as a state machine, its record, its hosts.

Started as a program with a job's plan (JSON) on its standard input. It has a single thread: the kernel's
parent-death signal follows the thread that started a child. It imports little, and nothing that it does not
use while a script waits to be started.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cursus.local import channels, contract
from cursus.local.data import inputs
from cursus.local.data.checkpoints import Checkpoints
from cursus.local.data.outputs import Outputs
from cursus.local.framework.forked_ranks import ForkedRanks
from cursus.local.jobs import record as records
from cursus.local.lifecycle.cluster import Cluster
from cursus.local.lifecycle.finish import finish
from cursus.local.lifecycle.spot import Starts
from cursus.local.lifecycle.starting import HostError
from cursus.local.linux import disk, syscalls
from cursus.local.metrics import Scanner

if TYPE_CHECKING:
    from cursus.local.lifecycle.hosts import Host

SAMPLE_SECONDS = 0.5
SERVICE = ("StopTrainingJob", "MaxRuntimeExceeded", "MaxWaitTimeExceeded")
"""Reasons to stop that SageMaker has too; others are ours, and the transition's message says which."""


class StoppedEarlyError(Exception):
    """The job was stopped before its hosts were started."""


class Supervisor:
    """Carries out one job. ``plan`` is what ``planning.plan`` wrote."""

    def __init__(self, plan: dict[str, Any], record: records.Record) -> None:
        self.plan = plan
        self.record = record
        self.state = record.state
        self.request: dict[str, Any] = plan["request"]
        self.folder: str = plan["folder"]
        self.cluster = Cluster(self)
        self.poll = select.poll()
        self.handlers: dict[int, Callable[[], None]] = {}
        self.stopping: str | None = None
        self.hurried = False
        """Whoever stops the job does not wait for what is still on its way."""
        self.kill_at: float | None = None
        self.deadlines: dict[str, float] = {}
        """When the job is stopped, by the reason."""
        self.trained = 0.0
        self.stages: dict[str, float] = {}
        self.facts: dict[str, Any] = {"signals": {}, "waits": []}
        self.notes: list[str] = []
        """What this run does not reproduce."""
        metrics = open(os.path.join(self.folder, "metrics.jsonl"), "ab", buffering=1 << 16)  # noqa: SIM115
        algorithm = self.request.get("AlgorithmSpecification") or {}
        self.scanner = Scanner(algorithm.get("MetricDefinitions") or (), metrics)
        self.began = time.monotonic()
        self.seen = 0
        self.checkpoints = Checkpoints(self)
        self.outputs = Outputs(self)
        self.starts = Starts(self)
        self.forked_ranks = ForkedRanks(self)

    @property
    def hosts(self) -> list[Host]:
        """Those of this start."""
        return self.cluster.hosts

    # --- life ---------------------------------------------------------------------------------

    def run(self) -> None:
        """The whole life of the job; the record is final when this returns."""
        self._listen()
        self._start_once()
        while self.starts.again():
            self.enter("Starting")
            self._start_once()
        self.forked_ranks.close()
        finish(self)
        self.tell()

    def _start_once(self) -> None:
        """From Downloading to the end of the hosts."""
        try:
            self.forked_ranks.start()
            self._download()
            self.enter("Training")
            self._train()
        except StoppedEarlyError:
            pass
        except (channels.ChannelError, HostError) as error:
            self.state["failure_reason"] = str(error)
        except OSError as error:
            text = disk.reason(error)
            self.state["failure_reason"] = f"InternalServerError: {text}: {error.filename or error}"
        except Exception as error:  # a fault of ours: the job still ends, and its record says so
            self.state["failure_reason"] = f"InternalServerError: {type(error).__name__}: {error}"
            sys.excepthook(type(error), error, error.__traceback__)
        self.cluster.end()

    def enter(self, secondary: str, message: str | None = None) -> None:
        """Begin another stage of the job: write it down first, then say so."""
        self.leave()
        if secondary == "Downloading":
            self.state.setdefault("started", time.time())
        self.record.transition("Stopping" if self.stopping else "InProgress", secondary, message)
        self.tell()

    def leave(self) -> None:
        """Count the seconds of the stage that ends."""
        now = time.monotonic()
        previous = self.state.get("secondary")
        if previous:
            self.stages[previous] = round(self.stages.get(previous, 0.0) + now - self.began, 4)
            if previous == "Downloading":
                self.state.setdefault("first_download", now - self.began)
        self.began = now

    def tell(self) -> None:
        """Wake whoever follows the job. What it has to know is in the files."""
        self.scanner.flush()
        with suppress(OSError):  # nobody there, or it has not yet looked
            os.write(1, b".")

    # --- signals, death of the client -----------------------------------------------------------

    def _listen(self) -> None:
        read, write = os.pipe()
        for descriptor in (read, write):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # whoever started it held them back until now
        self.watch(read, lambda: self._signalled(read))
        client = self.plan.get("client")
        if client is not None:
            gone = syscalls.pidfd_open(client)
            if gone is not None:
                self.watch(gone, lambda: self._orphaned(gone))
            elif os.getppid() != client:
                self.stop("the process that asked for the job ended", at_once=True)
        for name, why in (("stop_after", "StopTrainingJob"), ("max_wait", "MaxWaitTimeExceeded")):
            if self.plan.get(name) is not None:
                self.deadlines[why] = time.monotonic() + float(self.plan[name])

    def watch(self, descriptor: int, handler: Callable[[], None]) -> None:
        """Call ``handler`` whenever there is something to read."""
        self.handlers[descriptor] = handler
        self.poll.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)

    def forget(self, descriptor: int) -> None:
        """Watch it no longer; before it is closed."""
        if self.handlers.pop(descriptor, None) is not None:
            self.poll.unregister(descriptor)

    def _signalled(self, descriptor: int) -> None:
        try:
            numbers = os.read(descriptor, 4096)
        except BlockingIOError:
            return
        for number in numbers:
            if number == signal.SIGTERM:
                self.stop("StopTrainingJob")
            elif number in (signal.SIGINT, signal.SIGHUP):
                self.stop("killed", at_once=True)

    def _orphaned(self, descriptor: int) -> None:
        self.forget(descriptor)
        self.stop("the process that asked for the job ended", at_once=True)

    def stop(self, why: str, *, at_once: bool = False) -> None:
        """Stop as StopTrainingJob does: SIGTERM, the grace period, SIGKILL; ``at_once`` leaves the first two out."""
        now = time.monotonic()
        if self.stopping is None:
            self.stopping = why
            self.state["stop_reason"] = why
            self.enter("Stopping", None if why in SERVICE else f"Stopping the training job: {why}")
            self.kill_at = now + float(self.plan["grace"])
            if not at_once:
                for one in self.hosts:
                    one.terminate(self.facts["signals"])
        if at_once:
            self.hurried = True
            self.kill_at = now

    def _interrupt(self, now: float) -> None:
        """Take the hosts away as a spot interruption does: SIGTERM, the grace period, SIGKILL."""
        self.enter("Interrupted")
        self.kill_at = now + float(self.plan["grace"])
        for one in self.hosts:
            one.terminate(self.starts.signals)

    # --- stages -----------------------------------------------------------------------------------

    def _download(self) -> None:
        self.cluster = Cluster(self, contract.host_names(self.request))
        for one in self.hosts:
            one.sampler = self.starts.samplers.get(one.name, one.sampler)
        self.breathe()
        self.enter("Downloading")
        sources = inputs.gather(self)
        for one in self.hosts:
            one.prepare(sources)
            self.checkpoints.restore(one)
            self.outputs.prepare(one)

    def breathe(self, seconds: float = 0.0) -> None:
        """Look at everything once, in the middle of something long. Raises StoppedEarlyError."""
        self.wait(seconds)
        self.keep_deadlines(time.monotonic())
        if self.stopping:
            raise StoppedEarlyError

    def _train(self) -> None:
        began = time.monotonic()
        limit = self.plan.get("limit")
        if limit is not None:
            self.deadlines[self.plan["limit_reason"]] = began + max(0.0, float(limit) - self.trained)
        self.checkpoints.watch()
        self.outputs.begin()
        self.cluster.start()
        self.starts.training()
        self._meanwhile()
        self._until_hosts_end()
        self.trained += time.monotonic() - began

    def _until_hosts_end(self) -> None:
        next_sample = time.monotonic() + 0.05
        pause = 0.1
        while self.cluster.alive:
            now = time.monotonic()
            if now >= next_sample:
                for one in self.hosts:
                    one.sample()
                pause = min(SAMPLE_SECONDS, pause * 2)
                next_sample = now + pause
                if self.cluster.meeting is not None:
                    self.cluster.meeting.look(now)
            self.keep_deadlines(now)
            self.checkpoints.tick(now)
            self.outputs.tick(now)
            times = [next_sample, self.kill_at, *self.deadlines.values()]
            times += [self.checkpoints.next_at, self.outputs.next_at, self.starts.interrupt_at]
            self.wait(max(0.0, min(t for t in times if t is not None) - now))
            if self.cluster.failed() and not (self.stopping or self.starts.interrupted):
                self.cluster.kill()

    def _meanwhile(self) -> None:
        """What can be done while the scripts run costs nobody time."""
        from cursus.local.monitoring import runtime, usage

        if not self.plan.get("engine"):  # what is in an image is not known here
            self.facts["runtime"] = runtime.installed(self.plan["paths"], self.plan.get("python_version"))
        known: dict[str, int] = {}
        for one in self.hosts:
            data = os.path.join(one.ml, "input", "data")
            one.volume.downloaded = usage.downloaded(one.inputs.sources, self.request, data, known)
        if self.state.get("warm_pool") and not self.starts.ended:
            from cursus.local.jobs import warm

            self.state["warm_start"] = warm.take(
                self.plan["root"], self.request["TrainingJobName"], self.request
            )
        if self.cluster.alive:
            import tarfile  # noqa: F401

            from isal import igzip_threaded  # noqa: F401

    def keep_deadlines(self, now: float) -> None:
        """Do what is due."""
        for why in [why for why, at in self.deadlines.items() if now >= at]:
            del self.deadlines[why]
            self.stop(why)
        if self.starts.due(now):
            self._interrupt(now)
        if self.kill_at is not None and now >= self.kill_at:
            self.kill_at = None
            self.cluster.kill()

    def wait(self, seconds: float) -> None:
        """Handle what comes in this time; it returns with the first that comes."""
        for descriptor, _ in self.poll.poll(seconds * 1000):
            handler = self.handlers.get(descriptor)
            if handler is not None:
                handler()
        self._tell_if_news()

    def _tell_if_news(self) -> None:
        size = sum(one.log_size for one in self.hosts)
        if size != self.seen:
            self.seen = size
            self.tell()


def main() -> int:
    """Read the plan and carry it out; the lock comes with it. Exit code 0: the record is complete."""
    try:
        plan = json.loads(sys.stdin.buffer.read())
    except ValueError:
        sys.exit("the process that asked for the job was killed before it had handed it over")
    folder = plan["folder"]
    terminal = plan.get("terminal") or {}
    for descriptor in (plan["lock"], *(terminal[name] for name in ("device", "log") if name in terminal)):
        os.set_inheritable(int(descriptor), False)  # the lock is held as long as this process lives
    with suppress(OSError):
        os.set_blocking(1, False)
    record = records.Record(folder, records.load(folder))
    record.state["supervisor"] = os.getpid()
    record.save()
    if sys.platform == "linux":
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    Supervisor(plan, record).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

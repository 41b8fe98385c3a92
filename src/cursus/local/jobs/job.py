"""A training job that runs or ran here, read from its folder; any process can hold one."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cursus.errors import RunError
from cursus.evidence import Evidence, MetricPoint
from cursus.local.jobs import record
from cursus.local.jobs.events import Follower, Listener, notice
from cursus.local.jobs.evidence import read as read_evidence
from cursus.model import Finding, Step

if TYPE_CHECKING:
    from subprocess import Popen

    from cursus.checks.views import Settings
    from cursus.local.debugging import Terminal

FINAL = record.FINAL
POLL_SECONDS = 0.2
"""How often a process looks that did not start the job, and so is not told."""

SUPERVISOR_SECONDS = 10.0
"""How long a stop waits for the supervisor of a job that was created this moment."""


class TrainingJob:
    """One training job. Its files are in ``folder``; ``step`` is what it carries out, where that is known;
    ``settings`` are those that ``findings`` are made with."""

    def __init__(self, folder: str | os.PathLike[str], step: Step | None = None) -> None:
        self.folder = Path(folder)
        self.step = step
        self.settings: Settings | None = None
        self._process: Popen[bytes] | None = None
        self._evidence: Evidence | None = None
        self._terminal: Terminal | None = None
        try:
            record.load(str(self.folder))
        except (OSError, ValueError) as error:
            raise RunError(f"{self.folder} holds no training job: {error}") from error

    def __repr__(self) -> str:
        return f"TrainingJob({self.name!r}, {self.status})"

    # --- state ------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """TrainingJobName."""
        return str(self._state()["request"]["TrainingJobName"])

    @property
    def status(self) -> str:
        """``InProgress``, ``Stopping``, ``Completed``, ``Failed`` or ``Stopped``."""
        return str(self._state()["status"])

    @property
    def failure_reason(self) -> str | None:
        """FailureReason, where the job failed."""
        reason = self._state().get("failure_reason")
        return None if reason is None else str(reason)

    def _state(self) -> dict[str, Any]:
        """The record, made true where its supervisor was killed and could not write the end."""
        if self._process is not None and self._process.poll() is None:
            return record.load(str(self.folder))
        return record.present(str(self.folder))

    def describe(self) -> dict[str, Any]:
        """A DescribeTrainingJob response.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
        """
        from cursus.local.jobs.describe import description

        return description(self._state())

    # --- what it left -----------------------------------------------------------------------------

    @property
    def metrics(self) -> dict[str, tuple[MetricPoint, ...]]:
        """By metric name, every value that was printed, in order."""
        found: dict[str, list[MetricPoint]] = {}
        with suppress(FileNotFoundError), open(self.folder / "metrics.jsonl", "rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                point = json.loads(line)
                entry = MetricPoint(point["time"], point["value"], point["host"])
                found.setdefault(point["name"], []).append(entry)
        return {name: tuple(points) for name, points in found.items()}

    def logs(self, host: str = "algo-1") -> str:
        """Everything that a host printed; bytes that are no UTF-8 are replaced. Raises KeyError for no such host."""
        path = self.folder / "logs" / f"{host}.log"
        try:
            return path.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            if host in self._state().get("hosts", ()):
                return ""
            raise KeyError(f"the job {self.name} has no host {host!r}") from None

    @property
    def model_artifact(self) -> Path | None:
        """``model.tar.gz``, or None where the job left no model."""
        path = self.folder / "output" / "model.tar.gz"
        return path if path.is_file() else None

    @property
    def output_artifact(self) -> Path | None:
        """``output.tar.gz``, or None where the job left nothing in ``/opt/ml/output/data``."""
        path = self.folder / "output" / "output.tar.gz"
        return path if path.is_file() else None

    @property
    def evidence(self) -> Evidence:
        """What the run left behind; of a job that still runs, what is there so far."""
        if self._evidence is None:
            state, model, output = self._state(), self.model_artifact, self.output_artifact
            found = read_evidence(
                self.folder,
                status=state["status"],
                description=self.describe(),
                failure_reason=state.get("failure_reason"),
                metrics=self.metrics,
                model_artifact=str(model) if model else None,
                output_artifact=str(output) if output else None,
            )
            if found.status not in FINAL:
                return found
            self._evidence = found
        return self._evidence

    def forget(self) -> None:
        """Read the evidence anew: something was added to the folder."""
        self._evidence = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings on the step and on what the run showed; none where the step is not known (another process's)."""
        if self.step is None:
            return ()
        from cursus import engine
        from cursus.checks.views import Settings

        return tuple(engine.check_step(self.step, self.settings or Settings(), self.evidence))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of its hosts, ``algo-1`` first."""
        return tuple(self._state().get("hosts", ()))

    # --- acting on it -----------------------------------------------------------------------------

    def wait(self, on_event: Listener | None = None, *, watch_only: bool = False) -> TrainingJob:
        """Wait for the end and hand on what happens meanwhile.

        The first Ctrl-C stops the job as StopTrainingJob does, a second one at once; KeyboardInterrupt is
        raised when the job has ended and its folder is complete. With ``watch_only`` Ctrl-C ends the waiting alone.
        """
        follower = None if on_event is None else Follower(str(self.folder), self.name, on_event)
        interrupted = answered = 0
        while True:
            try:
                while answered < interrupted:
                    self._stop(answered + 1, on_event)
                    answered += 1
                if self._terminal is not None:
                    self._terminal.relay()
                if not self._news():
                    break
                if follower is not None:
                    follower.pump()
            except KeyboardInterrupt:
                if watch_only:
                    raise
                interrupted += 1  # nothing else: the next Ctrl-C may come now
        if self._process is not None:
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
        if follower is not None:
            follower.pump(last=True)
        if interrupted:
            raise KeyboardInterrupt
        return self

    def _stop(self, times: int, on_event: Listener | None) -> None:
        """Carry out a Ctrl-C, and tell the person who pressed it."""
        self._signal(signal.SIGTERM if times == 1 else signal.SIGINT)
        grace = self._state().get("grace", 0.0)
        text = f"stopping: SIGTERM, up to {grace:g} s of grace; Ctrl-C again ends it now"
        notice(on_event, self.name, text if times == 1 else "ending it now: SIGKILL")

    def _news(self) -> bool:
        """Wait for news; False when the job has ended."""
        process = self._process
        if process is not None and process.stdout is not None and not process.stdout.closed:
            return bool(os.read(process.stdout.fileno(), 4096))
        time.sleep(POLL_SECONDS)
        return self.status not in FINAL

    def stop(self) -> None:
        """Stop it as StopTrainingJob does: SIGTERM, the grace period, SIGKILL. Returns at once.

        Raises:
            RunError: the job has ended.
        """
        if self.status in FINAL:
            raise RunError(f"the job {self.name} has ended: it is {self.status}")
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it now, without the grace period. What it left is still gathered."""
        self._signal(signal.SIGINT)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(number)
            return
        folder = str(self.folder)
        end = time.monotonic() + SUPERVISOR_SECONDS
        while record.is_running(folder) and time.monotonic() < end:
            pid = record.load(folder).get("supervisor")
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), number)
                return
            time.sleep(0.01)  # it is about to start


def begun(
    folder: str, step: Step, process: Popen[bytes], *, detached: bool, terminal: Terminal | None = None
) -> TrainingJob:
    """The job whose supervisor this process started. A detached one is only collected when it ends."""
    job = TrainingJob(folder, step)
    if detached:
        threading.Thread(target=process.wait, daemon=True, name="cursus-supervisor").start()
    else:
        job._process = process
    if terminal is not None:
        terminal.started()
        job._terminal = terminal
    return job

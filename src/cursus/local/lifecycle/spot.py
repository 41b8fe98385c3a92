"""Starts of a job's hosts after the first: spot interruptions, and retries of an InternalServerError.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RetryStrategy.html
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from cursus.local import sandbox
from cursus.local.lifecycle.cluster import Cluster
from cursus.local.lifecycle.outcome import failure_reason
from cursus.local.linux import disk
from cursus.local.monitoring import opens
from cursus.local.storage import StoreError

if TYPE_CHECKING:
    from cursus.local.supervisor import Supervisor


class Starts:
    """Counts a job's starts, says when the next interruption is due, and keeps what each start showed."""

    def __init__(self, owner: Supervisor) -> None:
        self.owner = owner
        plan = owner.plan
        self.after: float | None = plan.get("interrupt_after")
        self.interruptions_left = int(plan.get("times") or 1) if self.after is not None else 0
        retry = owner.request.get("RetryStrategy")
        self.retries_left = int((retry or {}).get("MaximumRetryAttempts") or 0)
        self.interrupt_at: float | None = None
        self.interrupted = False
        self.signals: dict[str, Any] = {}
        self.ended: list[dict[str, Any]] = []
        self.lines = self.lost = 0
        self.opened: dict[str, set[str]] = {}
        self.samplers: dict[str, Any] = {}
        self._began = time.time()
        self._points: list[int] = list(owner.scanner.points)

    # --- one start ----------------------------------------------------------------------------------

    def training(self) -> None:
        """The script was started just now."""
        self._began = time.time()
        if self.interruptions_left and self.after is not None:
            self.interrupt_at = time.monotonic() + self.after

    def due(self, now: float) -> bool:
        """True, once, when the hosts have to be taken away."""
        if self.interrupt_at is None or now < self.interrupt_at or self.owner.stopping:
            return False
        self.interrupt_at = None
        self.interruptions_left -= 1
        self.interrupted = True
        return True

    def describe(self) -> dict[str, Any]:
        """What the start that has just ended showed, as the fields of ``model.Start``."""
        owner = self.owner
        points = list(owner.scanner.points)
        signals = dict(self.signals)
        if self.interrupted:
            signals["grace"] = owner.plan["grace"]
            signals["killed"] = any(one.exit_code in (None, 137) for one in owner.hosts)
        found = {
            "began": self._began,
            "seconds": round(time.time() - self._began, 3),
            "ended_by": "interruption" if self.interrupted else "itself",
            "signals": signals,
            "exit_codes": {one.name: one.exit_code for one in owner.hosts},
            "script_exit_codes": {
                one.name: one.script_exit for one in owner.hosts if one.script_exit is not None
            },
            "restored": len(owner.checkpoints.restored),
            "restored_read": owner.checkpoints.read(),
            "points": {
                name: [before, after]
                for name, before, after in zip(owner.scanner.names, self._points, points, strict=True)
            },
        }
        self._points = points
        return found

    # --- between two --------------------------------------------------------------------------------

    def again(self) -> bool:
        """After the hosts have ended: True where the job is to be started once more, with hosts that are fresh."""
        owner = self.owner
        reason = str(owner.state.get("failure_reason") or self._failure())
        retry = bool(self.retries_left) and reason.startswith("InternalServerError")
        if owner.stopping or not (self.interrupted or retry):
            return False
        found = self.describe()
        if not self.interrupted:
            self.retries_left -= 1
            found["ended_by"] = "InternalServerError"
            owner.enter("Restarting", reason)
        try:
            found["synced"] = len(owner.checkpoints.finish()[0])
            owner.outputs.finish()
        except (OSError, StoreError) as error:
            owner.state["failure_reason"] = f"ClientError: Checkpoint upload failed:{disk.reason(error)}"
            return False
        self.ended.append(found)
        self._clear()
        return True

    def _failure(self) -> str:
        bad = self.owner.cluster.failed()
        return "" if bad is None or self.interrupted else failure_reason(bad)

    def _clear(self) -> None:
        """Nothing of the hosts stays but their logs and what was measured."""
        owner = self.owner
        for one in owner.hosts:
            one.sampler.restart(one.wall)
            self.samplers[one.name] = one.sampler
            if one.log is not None:
                self.lines += one.log.lines
                self.lost += one.log.lost
            if owner.plan.get("keep_files"):
                os.rename(one.folder, f"{one.folder}-start-{len(self.ended)}")
            else:
                sandbox.remove(one.folder)
        self.opened = opens.together([self.opened, *(one.opens.found for one in owner.hosts)])
        owner.cluster = Cluster(owner)
        owner.kill_at = None
        owner.deadlines.pop(owner.plan["limit_reason"], None)
        owner.state.pop("failure_reason", None)
        self.interrupted = False
        self.signals = {}
        self._began = time.time()


def billable(stages: dict[str, float], first_download: float) -> float:
    """Seconds that a job is billed for: what its instances did, of all downloads the first alone.

    The spot price's discount is no part of it: that differs by the hour, type and region.
    """
    worked = sum(stages.get(name, 0.0) for name in ("Training", "Interrupted", "Stopping", "Uploading"))
    return worked + first_download

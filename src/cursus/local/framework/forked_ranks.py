"""Whether a job's ranks are forked from a process that has imported torch: asked for, possible, and said.

Only where it is asked for, and only torchrun's ranks: everything else starts as it always does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cursus.local import contract, host
from cursus.local.framework import distribution

if TYPE_CHECKING:
    from cursus.local.framework.nursery import Nursery
    from cursus.local.supervisor import Supervisor

VARIABLE = "CURSUS_FORK_RANKS"
OLDEST = (3, 10)
"""A process that becomes a host runs modules of cursus."""
PAUSE = 0.5


def apply(asked: bool, planned: dict[str, Any]) -> None:
    """Say in a plan whether ranks are to be forked; where they are asked for and cannot be, its notes say why."""
    planned["fork_ranks"] = False
    if not (asked or os.environ.get(VARIABLE, "0") not in ("", "0")):
        return
    reason = _impossible(planned)
    planned["fork_ranks"] = not reason
    if reason and asked:
        planned["not_reproduced"].append(_not_done(reason))


def _not_done(reason: str) -> str:
    return f"ranks were asked to be forked, and were not: {reason}"


def _impossible(planned: dict[str, Any]) -> str:
    if not _ranks(planned["request"], planned["entry_point"]):
        return "it is not by the toolkit's torchrun that this script is started"
    version = str(planned.get("python_version") or "3.10")
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        return f"Python {version} is too old to be forked into a host"
    return ""


def _ranks(request: dict[str, Any], entry_point: str | None) -> int:
    """The most ranks that torchrun starts on one of the hosts; 0 where nothing is started by it."""
    if entry_point is None:
        return 0
    image = contract.training_image(request)
    facts = [host.training_env(request, name) for name in contract.host_names(request)]
    taking_part = [one for one in facts if distribution.launcher(one, image) in ("torchrun", "smddp")]
    return max((distribution.processes(one) for one in taking_part), default=0)


class ForkedRanks:
    """A job's process that has imported torch, through all its starts; none where none was asked for."""

    def __init__(self, owner: Supervisor) -> None:
        self.owner = owner
        self._nursery: Nursery | None = None
        self._importing = False

    def start(self) -> None:
        """Let it import while the rest is made ready."""
        plan = self.owner.plan
        if not plan.get("fork_ranks") or self._nursery is not None:
            return
        from cursus.local.framework.nursery import Nursery

        request, name = plan["request"], contract.host_names(plan["request"])[0]
        image = contract.training_image(request)
        environment = host.base_environment(plan["python"], os.environ)
        environment.update(distribution.module(image))
        environment.update(contract.variables(request, name, plan["region"]))
        if _ranks(request, plan["entry_point"]) > 1:
            environment.setdefault("OMP_NUM_THREADS", "1")  # torchrun sets it, and OpenMP reads it once
        log = os.path.join(self.owner.folder, "supervisor.log")
        self._nursery, self._importing = Nursery(plan["python"], environment, log), True
        self.owner.watch(self._nursery.descriptor, self._hear)

    def _hear(self) -> None:
        assert self._nursery is not None
        self._importing = False
        self.owner.forget(self._nursery.descriptor)
        try:
            self._nursery.hear()
        except RuntimeError as error:
            self._refuse(str(error))

    def _refuse(self, reason: str) -> None:
        self.owner.notes.append(_not_done(reason))
        self.owner.plan["fork_ranks"] = False
        self.close()

    def wait(self) -> None:
        """Until it has imported. Raises StoppedEarlyError."""
        while self._importing:
            self.owner.breathe(PAUSE)

    def nursery(self, level: str, command: Sequence[str], remote: bool) -> Nursery | None:
        """What forks a host that runs ``command`` at an isolation level; None where it is started as ever.

        ``remote`` is True where a channel of it is read on demand.
        """
        if self._nursery is None or command[0] != "torchrun":
            return None
        if level == "bubblewrap":
            self.owner.notes.append(_not_done("bubblewrap starts each host as a program of its own"))
            return None
        if remote:
            self.owner.notes.append(
                _not_done("a channel is read on demand from S3, by a mount of the supervisor's")
            )
            return None
        return self._nursery

    def told(self, facts: dict[str, Any]) -> None:
        """Take from what a host told what is about its ranks."""
        reason = facts.pop("ranks_refused", None)
        if reason:
            self.owner.notes.append(_not_done(reason))
        if facts.pop("ranks_forked", None) and self._nursery is not None:
            done = self._nursery.facts
            self.owner.notes.append(
                "a fresh interpreter for each rank: torchrun's agents and ranks were forked from one process that had "
                f"imported torch {done['torch']} (in {done['seconds']:.2f} s), and share its hash seed"
            )

    def close(self) -> None:
        """End it."""
        if self._nursery is not None:
            if self._importing:
                self.owner.forget(self._nursery.descriptor)
            self._nursery.close()
            self._nursery, self._importing = None, False

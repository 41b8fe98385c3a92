"""The supervisor's side of a host on the user's terminal (see ``debugging``): who gets it, and what it logs."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cursus.local.contract import host_names
from cursus.local.inside import init
from cursus.local.isolation.namespaces import Program

if TYPE_CHECKING:
    from cursus.local.monitoring.logs import Log

PATIENCE = 2.0
"""Seconds that the last output may take on its way through the user's terminal."""


class Attached:
    """A terminal that one host of a job is to run on."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        found = plan["terminal"]
        self.device: int = found["device"]
        self.log: int = found["log"]
        self.variables: dict[str, str] = found["variables"]
        self.shell: str | None = plan["shell"]
        self._given = -1

    @classmethod
    def of(cls, plan: Mapping[str, Any], name: str) -> Attached | None:
        """The terminal of host ``name``: the first host has it, where the job has one."""
        return cls(plan) if plan.get("terminal") and name == host_names(plan["request"])[0] else None

    def takes(self, program: Program) -> Program:
        """The host that is started next finds the terminal; what it runs there."""
        os.dup2(self.device, init.TERMINAL)
        environment = {**program.environment, **self.variables}
        if self.shell is None:
            return program._replace(environment=environment)
        return program._replace(command=[self.shell, "-i"], environment=environment)

    def taken(self) -> None:
        """It was started: no other host gets the terminal."""
        os.close(init.TERMINAL)

    def instead_of(self, pipe: int) -> int:
        """Where the host's log comes from, now that it runs: ``pipe`` is what it would have printed to."""
        os.close(self.device)  # so that its end is seen when the host's last process has ended
        self._given = pipe
        return self.log

    def rest(self, log: Log) -> None:
        """Wait for what the terminal has shown and not handed on yet."""
        end = time.monotonic() + PATIENCE
        while log.open and (left := end - time.monotonic()) > 0:
            if not select.select([log.descriptor], [], [], left)[0] or not log.read():
                break
        if self._given >= 0:
            os.close(self._given)
            self._given = -1

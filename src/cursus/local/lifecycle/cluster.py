"""The hosts of one start of a job as one: connected, started together, ended together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cursus.local.lifecycle.hosts import Host
from cursus.local.lifecycle.starting import HostError

if TYPE_CHECKING:
    from cursus.local.containers.contained import Joined
    from cursus.local.isolation.network import Network
    from cursus.local.monitoring.meeting import Meeting
    from cursus.local.supervisor import Supervisor

REFUSED = {
    "bubblewrap": "it cannot connect several hosts with each other",
    "process": "plain processes have no names and ports of their own",
}
"""Why several hosts cannot be had at a level."""
WAYS_OUT = (
    "take a container engine (--engine podman), or set InstanceCount to 1 to run the script on one host"
)
FORBIDDEN = {
    "No space left on device": "the sysctl user.max_user_namespaces allows no more of them",
    "Operation not permitted": "this machine forbids user namespaces: the sysctls kernel.unprivileged_userns_clone and "
    "kernel.apparmor_restrict_unprivileged_userns, or the container that this runs in",
}
"""What stands behind the kernel's words."""


class Cluster:
    """The hosts, and what connects them."""

    def __init__(self, owner: Supervisor, names: Sequence[str] = ()) -> None:
        self.owner = owner
        self.hosts = [Host(name, owner) for name in names]
        self.network: Network | None = None
        self.joined: Joined | None = None
        self.meeting: Meeting | None = None
        self.gate: int | None = None
        """What every host waits at until all are ready."""
        self.culprit: Host | None = None
        """The host that failed first."""

    @property
    def alive(self) -> bool:
        """True while one of them runs."""
        return any(one.alive for one in self.hosts)

    def start(self) -> None:
        """Start every host; all of them are there before the first one begins.

        Raises:
            HostError: this machine cannot carry them out, with what it said at each level.
        """
        owner, hosts = self.owner, self.hosts
        isolated = bool(owner.request.get("EnableNetworkIsolation"))
        wanted = owner.plan["level"]
        if owner.plan.get("engine"):
            from cursus.local.containers.contained import connect

            refusal = connect(owner) if len(hosts) > 1 else None
        elif wanted in (None, "unshare") and (isolated or len(hosts) > 1):
            refusal = self._connect()
        else:
            refusal = None if len(hosts) == 1 else f"{wanted}: {REFUSED[wanted]}"
        if refusal is not None and len(hosts) > 1:
            others = () if wanted else (f"{level}: {reason}" for level, reason in REFUSED.items())
            text = "; ".join([refusal, *others, WAYS_OUT])
            raise HostError(f"InternalServerError: {len(hosts)} hosts cannot be carried out here: {text}")
        owner.forked_ranks.wait()
        if len(hosts) == 1:
            hosts[0].start.alone()  # without a network of its own an isolated host has its loopback alone
        else:
            self._start_together(isolated=isolated)
        if owner.plan.get("engine"):
            from cursus.local.containers.contained import begun

            begun(owner)

    def _connect(self) -> str | None:
        from cursus.local.isolation.network import Network

        try:
            self.network = Network([one.name for one in self.hosts])
        except OSError as error:
            text = str(error.strerror or error)
            why = next((why for words, why in FORBIDDEN.items() if words in text), "")
            return f"unshare: {text}{why and f' ({why})'}"
        return None

    def _start_together(self, *, isolated: bool) -> None:
        if not isolated and self.network is not None:
            reason = self.network.open()
            if reason is not None:
                self.owner.notes.append(f"no outbound network for several hosts: {reason}")
        self.gate, release = os.pipe()
        try:
            for one in self.hosts:
                one.start.begin()
            for one in self.hosts:
                one.start.settle()
        except BaseException:
            for one in self.hosts:
                one.start.abandon()
            raise
        finally:
            os.close(self.gate)
            os.close(release)  # every host that waits goes on
            self.gate = None
        from cursus.local.monitoring.meeting import Meeting

        self.meeting = Meeting(self.owner)

    def failed(self) -> Host | None:
        """The host that failed first, of several at once the first by name."""
        self.culprit = self.culprit or next((one for one in self.hosts if one.failed), None)
        return self.culprit

    def kill(self) -> None:
        """SIGKILL to every host."""
        for one in self.hosts:
            one.kill()

    def end(self) -> None:
        """End what still runs, and let everything go."""
        self.kill()
        while self.alive:
            self.owner.wait(1.0)
        for one in self.hosts:
            one.end()
        if self.network is not None:
            self.network.close()
        if self.owner.plan.get("engine"):
            from cursus.local.containers.contained import release

            release(self.owner)

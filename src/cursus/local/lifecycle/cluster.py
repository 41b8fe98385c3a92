"""The hosts of a job as one: connected, and started together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cursus.local.lifecycle.hosts import HostError

if TYPE_CHECKING:
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


def start(owner: Supervisor) -> None:
    """Start every host; all of them are there before the first one begins.

    Raises:
        HostError: this machine cannot carry them out, with what it said at each level.
    """
    hosts = owner.hosts
    isolated = bool(owner.request.get("EnableNetworkIsolation"))
    wanted = owner.plan["level"]
    if owner.plan.get("engine"):
        from cursus.local.containers.contained import connect

        refusal = connect(owner) if len(hosts) > 1 else None
    elif wanted in (None, "unshare") and (isolated or len(hosts) > 1):
        refusal = _connect(owner)
    else:
        refusal = None if len(hosts) == 1 else f"{wanted}: {REFUSED[wanted]}"
    if len(hosts) == 1:
        owner.forked_ranks.wait()
        hosts[0].start()  # without a network of its own an isolated host has its loopback alone
        return
    if refusal is not None:
        others = () if wanted else (f"{level}: {reason}" for level, reason in REFUSED.items())
        text = "; ".join([refusal, *others, WAYS_OUT])
        raise HostError(f"InternalServerError: {len(hosts)} hosts cannot be carried out here: {text}")
    if not isolated and owner.network is not None:
        reason = owner.network.open()
        if reason is not None:
            owner.notes.append(f"no outbound network for several hosts: {reason}")
    owner.forked_ranks.wait()
    _start_together(owner)
    from cursus.local.monitoring.meeting import Meeting

    owner.meeting = Meeting(owner)


def _connect(owner: Supervisor) -> str | None:
    from cursus.local.isolation.network import Network

    try:
        owner.network = Network([one.name for one in owner.hosts])
    except OSError as error:
        text = str(error.strerror or error)
        why = next((why for words, why in FORBIDDEN.items() if words in text), "")
        return f"unshare: {text}{why and f' ({why})'}"
    return None


def _start_together(owner: Supervisor) -> None:
    gate, release = os.pipe()
    owner.gate = gate
    try:
        for one in owner.hosts:
            one.begin()
        for one in owner.hosts:
            one.settle()
    except BaseException:
        for one in owner.hosts:
            one.abandon()
        raise
    finally:
        owner.gate = None
        os.close(gate)
        os.close(release)  # every host that waits goes on

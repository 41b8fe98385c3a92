"""The supervisor's side of hosts that are containers: what each is made of, what it is told, how it ended."""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cursus.local import contract, host
from cursus.local.containers import engine, keeper
from cursus.local.containers.engine import EngineError
from cursus.local.containers.keeper import Container
from cursus.local.inside import init
from cursus.local.isolation.namespaces import Program
from cursus.local.linux.processes import MACHINE

if TYPE_CHECKING:
    from cursus.local.isolation.mounts import Box
    from cursus.local.lifecycle.hosts import Host
    from cursus.local.sandbox import Started
    from cursus.local.supervisor import Supervisor

SHM_SHARE = 0.5
"""Of the host's memory, what /dev/shm may take: what Linux gives a tmpfs, tmpfs(5). An engine would give 64 MB."""


NOT_PERMITTED = 126
"""Exit code of a program that is there and cannot be executed, where one that is not there gives 127."""


class Contained:
    """One host's container."""

    def __init__(self, owner: Host) -> None:
        self.host = owner
        self.found: dict[str, Any] = owner.plan["engine"]
        self.engine = engine.restored(self.found)
        self._control = -1
        self._killed = False

    # --- before ------------------------------------------------------------------------------------

    def launch(self) -> host.Launch:
        """What the image is given: SageMaker's own variables and the request's, and the arguments."""
        plan, request = self.host.plan, self.host.owner.request
        variables = contract.variables(request, self.host.name, plan["region"])
        shown: list[str] = self.found["executes"]
        return host.Launch(self.found["arguments_of_image"], variables, "", False, shown)

    def start(self, box: Box, program: Program) -> Started:
        """Start the keeper, and write down first that the engine is about to hold something."""
        one = self.host
        owner = one.owner
        engine.note(owner.folder, self.engine)
        if not self.found["root"]:
            os.chmod(one.folder, 0o700)  # nobody else on this machine gets there
            _open_to_others(one.ml)
        joined = owner.cluster.joined
        memory = one.plan["memory"].get(one.name)
        secrets = set(one.plan["secrets"])
        container = Container(
            self.engine,
            self.found["image"],
            f"cursus-{_plain(owner.request['TrainingJobName'])}-{one.name}-{os.urandom(3).hex()}",
            tuple(_labels(owner)),
            self.found["entrypoint"],
            joined.name if joined is not None else "none" if box.isolated else None,
            joined.addresses[one.name] if joined is not None else None,
            _known(owner, one.name, isolated=box.isolated),
            memory,
            self.found["cpus"].get(one.name),
            int((memory or MACHINE) * SHM_SHARE),
            tuple(name for name, value in program.environment.items() if value in secrets),
            one.terminal is not None,
        )
        started = keeper.start(container, box, program, owner.cluster.gate, one.terminal is not None)
        assert started.control is not None
        self._control = started.control
        return started

    # --- while it runs ------------------------------------------------------------------------------

    def terminate(self) -> None:
        """SIGTERM to the first process."""
        self._send(keeper.TERMINATE)

    def kill(self) -> None:
        """SIGKILL to the first process, and so to all of them."""
        self._killed = True
        self._send(keeper.KILL)

    def _send(self, what: bytes) -> None:
        with suppress(OSError):  # it has ended
            os.write(self._control, what)

    def close(self) -> None:
        """Let the keeper go; where it still has a container, it ends it."""
        if self._control >= 0:
            os.close(self._control)
            self._control = -1

    # --- the end ------------------------------------------------------------------------------------

    def settle(self) -> None:
        """What the keeper told of limits, and of files that are not the user's."""
        one, facts = self.host, self.host.facts
        one.limit.enforced = bool(facts.get("limited"))
        ended = facts.get("exit") == keeper.LOST and not self._killed and one.limit.enforced
        if facts.get("memory_kill") or ended:
            one.limit.killed = max(1, one.limit.killed)
        notes = one.owner.notes
        if "unlimited" in facts:
            notes.append(
                f"limits of memory and processors: the engine has none to give: {facts['unlimited']}"
            )
        if "unowned" in facts:
            notes.append(
                f"files that the container's users wrote are not yours, and may outlive the job's folder: "
                f"{facts['unowned']}"
            )

    def failure(self) -> str | None:
        """Why the job failed, where the image's program never ran; None where it did, or where it could not be
        executed, which is the image's own fault."""
        one = self.host
        if "exit" not in one.facts:
            return f"InternalServerError: the host {one.name} was lost: its container was removed, or its keeper killed"
        if not one.facts.get("not_started"):
            return None
        lines = one.log.tail() if one.log is not None else []
        refused = keeper.refusal(lines)
        if refused is not None and refused[0] == self.found["executes"][0]:
            program, reason = refused
            missing = "not found" in reason or "no such file" in reason
            known = errno.ENOENT if "not found" in reason else 0
            one.facts.update(cannot_execute=program, reason=reason, errno=known)
            one.exit_code = init.CANNOT_EXECUTE if missing else NOT_PERMITTED
            return None
        text = engine.said("\n".join(lines[-20:]))
        return f"InternalServerError: {self.engine.name} could not start {one.name}: {text}"


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name)[:80]


def _labels(owner: Supervisor) -> list[str]:
    return engine.labels(owner.folder, owner.plan["root"], owner.request["TrainingJobName"])


def _known(owner: Supervisor, name: str, *, isolated: bool) -> tuple[tuple[str, str], ...]:
    """The names that a host can resolve from the start; alone and connected it has its own from the engine."""
    if owner.cluster.joined is not None:
        return tuple(owner.cluster.joined.addresses.items())
    return ((name, "127.0.0.1"),) if isolated else ()


def _open_to_others(folder: str) -> None:
    """An image that starts as another user than root can read what is ours, and write where a job writes."""
    for directory, _, names in os.walk(folder):
        os.chmod(directory, 0o777)
        for name in names:
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode):
                os.chmod(path, stat.S_IMODE(mode) | 0o666)


# --- several hosts --------------------------------------------------------------------------------------


class Joined:
    """A network of the engine for the hosts of one job, which know each other by name from the start."""

    TRIES = 3

    def __init__(self, owner: Supervisor) -> None:
        """Make it. Raises EngineError."""
        self.engine = engine.restored(owner.plan["engine"])
        self.name = f"cursus-{_plain(owner.request['TrainingJobName'])}-{os.urandom(3).hex()}"
        names = [one.name for one in owner.hosts]
        engine.note(owner.folder, self.engine)
        options = _labels(owner)
        if owner.request.get("EnableNetworkIsolation"):
            options.append("--internal")
        for left in reversed(range(self.TRIES)):
            try:
                subnet = self._free(options)
                self.engine.ask("network", "create", "--subnet", subnet, *options, self.name)
                break
            except EngineError:
                if not left:
                    raise
        self.addresses = dict(zip(names, _addresses(subnet, len(names)), strict=True))

    def _free(self, options: list[str]) -> str:
        """A subnet that the engine finds free. docker takes addresses only in one that was asked for by name."""
        import json

        self.engine.ask("network", "create", *options, self.name)
        try:
            found = json.loads(self.engine.ask("network", "inspect", self.name))[0]
        finally:
            self.engine.ask("network", "rm", self.name)
        for place in (*(found.get("subnets") or ()), *((found.get("IPAM") or {}).get("Config") or ())):
            subnet = str(place.get("subnet") or place.get("Subnet") or "")
            if "." in subnet:
                return subnet
        raise EngineError(f"{self.engine.name} gives its networks no IPv4 addresses")

    def close(self) -> None:
        """Remove it; what is left is removed with the job's containers."""
        with suppress(EngineError):
            self.engine.ask("network", "rm", self.name)


def _addresses(subnet: str, count: int) -> list[str]:
    """The addresses of ``count`` hosts, from the second on: the first is the engine's. Raises EngineError."""
    import ipaddress

    hosts = list(ipaddress.ip_network(subnet).hosts() if count < 1 << 16 else ())[1 : count + 1]
    if len(hosts) < count:
        raise EngineError(f"a network of {subnet} has no addresses for {count} hosts")
    return [str(one) for one in hosts]


def connect(owner: Supervisor) -> str | None:
    """Make the network of several hosts; the reason where there is none to be had."""
    try:
        owner.cluster.joined = Joined(owner)
    except EngineError as error:
        return f"{owner.plan['engine']['name']}: {error}"
    return None


def begun(owner: Supervisor) -> None:
    """Wait until every container runs, or has ended already: what is timed in a job is timed from then on."""
    while any(one.alive and "running" not in one.facts for one in owner.hosts) and owner.stopping is None:
        owner.wait(0.1)
        owner.keep_deadlines(time.monotonic())


def release(owner: Supervisor) -> None:
    """After the last host: nothing of the job stays in the engine."""
    if owner.cluster.joined is not None:
        owner.cluster.joined.close()
        owner.cluster.joined = None
    found = owner.plan["engine"]
    try:
        engine.let_go(owner.folder, engine.restored(found))
    except EngineError as error:
        owner.notes.append(f"nothing: but what the job left in {found['name']} could not be removed: {error}")

"""How a host comes to its first process: at the best isolation level that works, saying of each better one why not."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING

from cursus.local import host, sandbox
from cursus.local.framework import mpi_driver
from cursus.local.isolation import bubblewrap, namespaces
from cursus.local.isolation.mounts import ML, Box, Overlay
from cursus.local.isolation.namespaces import Program
from cursus.local.lifecycle import outcome
from cursus.local.linux import children

if TYPE_CHECKING:
    from cursus.local.lifecycle.hosts import Host


class HostError(Exception):
    """A host that could not be started; the text is the job's FailureReason."""


class Start:
    """The start of one host: alone with ``alone``, or as one of several with ``begin`` and ``settle``."""

    def __init__(self, one: Host) -> None:
        self.host = one
        self.owner = one.owner
        self.plan = one.plan
        self._overlaid: tuple[Overlay, ...] = ()

    def alone(self) -> None:
        """Start at the best level that works. Raises HostError where none does."""
        one, wanted = self.host, self.plan["level"]
        reasons: list[str] = []
        for level in [wanted] if wanted else list(sandbox.LEVELS):
            one.level = level
            if level == "process" and self.owner.request.get("EnableNetworkIsolation"):
                reasons.append(
                    "process: it cannot take the network away, which EnableNetworkIsolation asks for"
                )
                break
            refusal = self._attempt()
            if refusal is None:
                self.owner.state["isolation"] = level
                self.owner.notes += sandbox.LIMITS[level]
                self.owner.notes += [f"a better isolation is not to be had: {r}" for r in reasons]
                return
            reasons.append(f"{level}: {refusal}")
        raise HostError("InternalServerError: no isolation level works here: " + "; ".join(reasons))

    def begin(self) -> None:
        """Start as one of several hosts, and do not wait."""
        self.host.level = self.plan["level"] or "unshare"
        self._overlaid = () if self.host.contained is not None else self._overlays()
        if not self._overlaid:
            self.host.inputs.copy()
        self._spawn(self._overlaid)

    def settle(self) -> None:
        """Wait until it is about to run its program. Raises HostError where it is refused."""
        refusal = self._await()
        if refusal is not None:
            refusal = self._again(refusal)
        if refusal is not None:
            raise HostError(f"InternalServerError: {self.host.name} cannot be started here: {refusal}")
        self.owner.state["isolation"] = self.host.level

    def abandon(self) -> None:
        """End it although it never got as far as to be ready."""
        one = self.host
        if one.pid and not one.alive:
            if one.contained is not None:
                one.contained.close()
            else:
                children.kill(one.pid)
            os.waitpid(one.pid, 0)
            one.pid = 0

    def _attempt(self) -> str | None:
        self._overlaid = self._overlays() if self.host.level == "unshare" else ()
        if not self._overlaid:
            self.host.inputs.copy()
        refusal = self._once(self._overlaid)
        return refusal if refusal is None else self._again(refusal)

    def _again(self, refusal: str) -> str | None:
        """Once more, with copies where mounts were refused; the reason where that does not help."""
        one = self.host
        if one.facts.get("on_demand"):
            one.inputs.download(refusal)
            refusal_then = self._once(self._overlays())
            if refusal_then is None:
                return None
            refusal = refusal_then
        if not (self._overlaid and one.facts.get("overlay")):
            return refusal
        self.owner.notes.append(
            f"{refusal}: channels were copied, and nothing can be installed during the run"
        )
        one.inputs.copy()
        return self._once(())

    def _once(self, overlays: tuple[Overlay, ...]) -> str | None:
        """Start, and wait until the first process is about to run the program; the reason where it is refused."""
        self._spawn(overlays)
        return self._await()

    def _overlays(self) -> tuple[Overlay, ...]:
        found = self.host.inputs.overlays()
        for number, path in enumerate(self.plan["installable"]):
            found.append(Overlay(path, path, self.host.layer(f"packages-{number}")))
        added = mpi_driver.programs(found, self.plan["python"], self.host.layer)
        if added:
            self.owner.notes.append(mpi_driver.STANDS_IN)
        return (*found, *added)

    def _launch(self) -> host.Launch:
        one = self.host
        if one.contained is not None:
            return one.contained.launch()
        request = self.owner.request
        base = one.ml if one.level == "process" else ML
        wired = one.level == "unshare" and self.owner.cluster.network is not None
        interface = host.interface(wired=wired, isolated=bool(request.get("EnableNetworkIsolation")))
        if interface == host.LOOPBACK:
            self.owner.notes.append(host.OTHER_INTERFACE)
            host.write_config(request, one.name, self.plan["region"], one.ml, interface)
        if self.plan["entry_point"] is None:
            return host.own_command(self.plan, one.name, f"{base}/code" if one.has_code() else "/")
        try:
            return host.script_mode(self.plan, one.name, one.ml, base, interface)
        except ValueError as error:
            outcome.leave_failure(one.ml, str(error))
            raise HostError(outcome.algorithm_error(str(error), 1)) from error

    def _box(self, overlays: tuple[Overlay, ...]) -> Box:
        """What the host's processes are put into."""
        one, owner = self.host, self.owner
        checkpoints = self.plan["checkpoints"]
        outside = "" if not checkpoints or checkpoints["path"].startswith(ML) else checkpoints["path"]
        isolated = bool(owner.request.get("EnableNetworkIsolation"))
        network = owner.cluster.network if one.level == "unshare" else None
        wire = None if network is None else network.wire(one.name, owner.cluster.gate)
        box = Box(one.name, one.ml, one.scratch, tuple(self.plan["keep"]), overlays, isolated, outside, wire)
        if one.level == "unshare":
            box = box._replace(remote=one.inputs.remote(), sender=one.inputs.sender)
        return box

    def _spawn(self, overlays: tuple[Overlay, ...]) -> None:
        one, owner = self.host, self.owner
        launch = self._launch()
        one.command = launch.shown
        owner.notes += launch.notes
        box = self._box(overlays)
        inside = one.level == "unshare"  # an overlay is watched from inside; copies can be from here
        watched = one.watched = one.inputs.watched(f"{ML if inside else one.ml}/input/data")
        opens = one.opens.begin()
        if opens is not None and not inside:
            one.opens.watching(namespaces.watch(opens, watched), watched)
        one.forget_facts()
        program = Program(*launch[:4])
        if one.terminal is not None:
            program = one.terminal.takes(program)
        if one.contained is not None:
            self._started = one.contained.start(box, program)
        else:
            nursery = owner.forked_ranks.nursery(one.level, launch.command, bool(box.remote))
            with one.limit.entered():
                if nursery is None:
                    self._started = sandbox.start(one.level, box, program, opens, watched)
                else:
                    fork = partial(nursery.fork, one.level, box, program, one.limit.adopt)
                    self._started = sandbox.start(one.level, box, program, opens, watched, fork)
        if one.terminal is not None:
            one.terminal.taken()
        one.pid, one.first = self._started.pid, None

    def _await(self) -> str | None:
        one, started = self.host, self._started
        one.started_at = time.monotonic()
        os.set_blocking(started.status, True)
        while not any(key in one.facts for key in ("ready", "refused")):
            data = os.read(started.status, 65536)
            if not data:
                break
            one.told(data)
        if started.info is not None:
            one.first = bubblewrap.child(started.info)
        if "ready" not in one.facts:
            return self._refused(started)
        one.watch(started)
        return None

    def _refused(self, started: sandbox.Started) -> str:
        one = self.host
        output = b""
        while chunk := os.read(started.log, 4096):
            output += chunk
        for descriptor in (started.log, started.status, one.opens.descriptor):
            if descriptor is not None:
                os.close(descriptor)
        os.waitpid(started.pid, 0)
        one.pid = 0
        last = output.decode("utf-8", "replace").strip().splitlines()[-1:]
        return str(one.facts.get("refused") or "".join(last) or "ended")

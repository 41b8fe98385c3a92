"""One running host as the supervisor sees it: prepared, started at the best level there is, watched, ended."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from cursus.local import channels, host, sandbox
from cursus.local.data.inputs import Inputs
from cursus.local.framework import mpi_driver
from cursus.local.isolation import bubblewrap, namespaces
from cursus.local.isolation.mounts import ML, Box, Overlay
from cursus.local.isolation.namespaces import Program
from cursus.local.lifecycle import outcome
from cursus.local.lifecycle.attached import Attached
from cursus.local.linux import children
from cursus.local.linux import syscalls as sc
from cursus.local.linux.cgroups import Limit
from cursus.local.linux.processes import behind_shell, descendants, handles
from cursus.local.monitoring.logs import Log
from cursus.local.monitoring.opens import Opens
from cursus.local.monitoring.usage import Sampler, Volume

if TYPE_CHECKING:
    from cursus.local.containers.contained import Contained
    from cursus.local.supervisor import Supervisor


class HostError(Exception):
    """A host that could not be started; the text is the job's FailureReason."""


class Host:
    """A host of a job, from its folder to its exit code."""

    def __init__(self, name: str, owner: Supervisor) -> None:
        self.name = name
        self.owner = owner
        self.plan = owner.plan
        self.folder = os.path.join(owner.folder, "hosts", name)
        self.ml = os.path.join(self.folder, "ml")
        self.scratch = os.path.join(self.folder, "scratch")
        self.code_files: dict[str, tuple[int, int]] = {}
        self.level: sandbox.Level = self.plan["level"] or sandbox.LEVELS[0]
        self.alive = False
        self.failed = False
        self.exit_code: int | None = None
        self.script_exit: int | None = None
        self.log: Log | None = None
        self.sampler = Sampler(0.5)
        self.wall = 0.0
        self.facts: dict[str, Any] = {}
        self.command: list[str] = []
        self._pid = 0
        self.first: int | None = None
        """The process that is the first one inside, as seen from here."""
        self._status = b""
        self.inputs = Inputs(self)
        self._overlaid: tuple[Overlay, ...] = ()
        self.opens = Opens()
        self._pidfd: int | None = None
        self._status_fd = -1
        self._started_at = 0.0
        self._watched: dict[str, list[str]] = {}
        self.terminal = Attached.of(self.plan, name)
        self.volume = Volume(self.ml, self.scratch)
        self.limit = Limit(name, self.plan["memory"].get(name))
        self.contained = _contained(self)

    @property
    def log_size(self) -> int:
        """Bytes printed so far."""
        return self.log.size if self.log else 0

    # --- before -----------------------------------------------------------------------------------

    def prepare(self, sources: list[channels.Source]) -> None:
        """Make the tree, the config files and the copy of the source."""
        os.makedirs(self.scratch, exist_ok=True)
        host.make_tree(self.ml)
        self.inputs.prepare(sources)
        request = self.owner.request
        host.write_config(request, self.name, self.plan["region"], self.ml)
        if self._has_code():
            self.code_files = host.copy_source(
                self.plan["source"], os.path.join(self.ml, "code"), self.plan["root"]
            )

    def _has_code(self) -> bool:
        """Whether the source is at /opt/ml/code: the SDK's ModelTrainer sends it as a channel instead."""
        channels = self.owner.request.get("InputDataConfig") or ()
        return bool(self.plan["source"]) and not (
            self.plan["entry_point"] is None and any(each["ChannelName"] == "sm_drivers" for each in channels)
        )

    def checkpoint_folder(self) -> str:
        """CheckpointConfig.LocalPath on this machine."""
        path: str = self.plan["checkpoints"]["path"]
        if path == ML or path.startswith(ML + "/"):
            return os.path.normpath(self.ml + path[len(ML) :])
        return os.path.join(self.scratch, "checkpoints")

    def _launch(self) -> host.Launch:
        if self.contained is not None:
            return self.contained.launch()
        request = self.owner.request
        base = self.ml if self.level == "process" else ML
        wired = self.level == "unshare" and self.owner.cluster.network is not None
        interface = host.interface(wired=wired, isolated=bool(request.get("EnableNetworkIsolation")))
        if interface == host.LOOPBACK:
            self.owner.notes.append(host.OTHER_INTERFACE)
            host.write_config(request, self.name, self.plan["region"], self.ml, interface)
        if self.plan["entry_point"] is None:
            return host.own_command(self.plan, self.name, f"{base}/code" if self._has_code() else "/")
        try:
            return host.script_mode(self.plan, self.name, self.ml, base, interface)
        except ValueError as error:
            outcome.leave_failure(self.ml, str(error))
            raise HostError(outcome.algorithm_error(str(error), 1)) from error

    # --- start ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start at the best level that works, stepping down in the open."""
        wanted = self.plan["level"]
        levels = [wanted] if wanted else list(sandbox.LEVELS)
        reasons: list[str] = []
        for level in levels:
            self.level = level
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

    def _attempt(self) -> str | None:
        self._overlaid = self._overlays() if self.level == "unshare" else ()
        if not self._overlaid:
            self.inputs.copy()
        refusal = self._begin(self._overlaid)
        return refusal if refusal is None else self._again(refusal)

    def _overlays(self) -> tuple[Overlay, ...]:
        found = self.inputs.overlays()
        for number, path in enumerate(self.plan["installable"]):
            found.append(Overlay(path, path, self.layer(f"packages-{number}")))
        added = mpi_driver.programs(found, self.plan["python"], self.layer)
        if added:
            self.owner.notes.append(mpi_driver.STANDS_IN)
        return (*found, *added)

    def layer(self, name: str) -> str:
        """A folder of the host's own for the upper side of an overlay."""
        path = os.path.join(self.scratch, name)
        os.makedirs(path, exist_ok=True)
        return path

    # --- together with others ---------------------------------------------------------------------

    def begin(self) -> None:
        """Start as one of several hosts, and do not wait."""
        self.level = self.plan["level"] or "unshare"
        self._overlaid = () if self.contained is not None else self._overlays()
        if not self._overlaid:
            self.inputs.copy()
        self._spawn(self._overlaid)

    def settle(self) -> None:
        """Wait until it is about to run its program. Raises HostError where it is refused."""
        refusal = self._await()
        if refusal is not None:
            refusal = self._again(refusal)
        if refusal is not None:
            raise HostError(f"InternalServerError: {self.name} cannot be started here: {refusal}")
        self.owner.state["isolation"] = self.level

    def abandon(self) -> None:
        """End it although it never got as far as to be ready."""
        if self._pid and not self.alive:
            if self.contained is not None:
                self.contained.close()
            else:
                children.kill(self._pid)
            os.waitpid(self._pid, 0)
            self._pid = 0

    def _again(self, refusal: str) -> str | None:
        """Once more, with copies where mounts were refused; the reason where that does not help."""
        if self.facts.get("on_demand"):
            self.inputs.download(refusal)
            refusal_then = self._begin(self._overlays())
            if refusal_then is None:
                return None
            refusal = refusal_then
        if not (self._overlaid and self.facts.get("overlay")):
            return refusal
        self.owner.notes.append(
            f"{refusal}: channels were copied, and nothing can be installed during the run"
        )
        self.inputs.copy()
        return self._begin(())

    # --- one attempt ------------------------------------------------------------------------------

    def _begin(self, overlays: tuple[Overlay, ...]) -> str | None:
        """Start, and wait until the first process is about to run the program; the reason where it is refused."""
        self._spawn(overlays)
        return self._await()

    def _spawn(self, overlays: tuple[Overlay, ...]) -> None:
        launch = self._launch()
        self.command = launch.shown
        self.owner.notes += launch.notes
        keep = tuple(self.plan["keep"])
        isolated = bool(self.owner.request.get("EnableNetworkIsolation"))
        network = self.owner.cluster.network if self.level == "unshare" else None
        wire = None if network is None else network.wire(self.name, self.owner.cluster.gate)
        box = Box(self.name, self.ml, self.scratch, keep, overlays, isolated, self._outside(), wire)
        if self.level == "unshare":
            box = box._replace(remote=self.inputs.remote(), sender=self.inputs.sender)
        inside = self.level == "unshare"  # an overlay is watched from inside; copies can be from here
        watched = self._watched = self.inputs.watched(f"{ML if inside else self.ml}/input/data")
        opens = self.opens.begin()
        if opens is not None and not inside:
            self.opens.watching(namespaces.watch(opens, watched), watched)
        self._status = b""
        self.facts = {}
        program = Program(*launch[:4])
        if self.terminal is not None:
            program = self.terminal.takes(program)
        if self.contained is not None:
            self._started = self.contained.start(box, program)
        else:
            nursery = self.owner.forked_ranks.nursery(self.level, launch.command, bool(box.remote))
            with self.limit.entered():
                if nursery is None:
                    self._started = sandbox.start(self.level, box, program, opens, watched)
                else:
                    fork = partial(nursery.fork, self.level, box, program, self.limit.adopt)
                    self._started = sandbox.start(self.level, box, program, opens, watched, fork)
        if self.terminal is not None:
            self.terminal.taken()
        self._pid, self.first = self._started.pid, None

    def _await(self) -> str | None:
        started = self._started
        self._started_at = time.monotonic()
        os.set_blocking(started.status, True)
        while not any(key in self.facts for key in ("ready", "refused")):
            data = os.read(started.status, 65536)
            if not data:
                break
            self._told(data)
        if started.info is not None:
            self.first = bubblewrap.child(started.info)
        if "ready" not in self.facts:
            return self._refused(started)
        self._watch(started)
        return None

    def _outside(self) -> str:
        checkpoints = self.plan["checkpoints"]
        return "" if not checkpoints or checkpoints["path"].startswith(ML) else checkpoints["path"]

    def _refused(self, started: sandbox.Started) -> str:
        output = b""
        while chunk := os.read(started.log, 4096):
            output += chunk
        for descriptor in (started.log, started.status, self.opens.descriptor):
            if descriptor is not None:
                os.close(descriptor)
        os.waitpid(started.pid, 0)
        self._pid = 0
        text = (
            self.facts.get("refused")
            or output.decode("utf-8", "replace").strip().splitlines()[-1:]
            or ["ended"]
        )
        return str(text if isinstance(text, str) else text[-1])

    def _watch(self, started: sandbox.Started) -> None:
        owner = self.owner
        self.alive = True
        path = os.path.join(owner.folder, "logs", self.name + ".log")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        output = started.log if self.terminal is None else self.terminal.instead_of(started.log)
        self.log = Log(self.name, output, path, self._line if owner.scanner.active else None)
        owner.watch(output, self._read_log)
        os.set_blocking(started.status, False)
        self._status_fd = started.status
        owner.watch(started.status, self._read_status)
        if self.opens.descriptor is not None:
            owner.watch(self.opens.descriptor, self.opens.read)
        self._pidfd = sc.pidfd_open(started.pid)
        if self._pidfd is not None:
            owner.watch(self._pidfd, self._ended)

    def _line(self, text: str, name: str) -> None:
        self.owner.scanner.lines(text, name, time.time())

    # --- while it runs ----------------------------------------------------------------------------

    def _read_log(self) -> None:
        assert self.log is not None
        if not self.log.read():
            self.owner.forget(self.log.descriptor)

    def _read_status(self) -> None:
        try:
            data = os.read(self._status_fd, 65536)
        except BlockingIOError:
            return
        if data:
            self._told(data)
        else:
            self.owner.forget(self._status_fd)
            if self._pidfd is None:
                self._ended()

    def _told(self, data: bytes) -> None:
        *lines, self._status = (self._status + data).split(b"\n")
        for line in lines:
            if line:
                self.facts.update(json.loads(line))
        self.first = self.facts.get("first", self.first)
        self.owner.forked_ranks.told(self.facts)
        watching = self.facts.pop("watching", None)
        if watching is not None:
            self.opens.watching(watching, self._watched)

    def sample(self) -> None:
        """Measure it once."""
        if self.alive and (self.first or self.contained is None):
            self.sampler.sample(self.first or self._pid, skip_first=self.plan["entry_point"] is not None)
            self.volume.sample()

    def terminate(self, facts: dict[str, Any]) -> None:
        """SIGTERM to the first process, as a container is stopped."""
        if not self.alive:
            return
        facts["delivered"] = True
        facts["to"] = "the training toolkit" if self.plan["entry_point"] is not None else "the program"
        facts["delivered_at"] = time.time()
        began = self._script()
        script = None if began is None else behind_shell(began)
        facts["behind_shell"] = script != began
        facts["script_has_handler"] = None if script is None else handles(script, signal.SIGTERM)
        # In script mode the first process is the toolkit, which passes nothing on; nor does a shell.
        own = self.plan["entry_point"] is None and script == began
        passed_on = own or bool(self.plan.get("deliver_sigterm"))
        facts["script_heard"] = passed_on and bool(facts["script_has_handler"])
        facts["handed_over"] = self.plan["entry_point"] is not None and passed_on
        first = self.first or self._pid
        if self.contained is not None:
            self.contained.terminate()
            first = 0
        for pid in {first, script if facts["handed_over"] else None}:
            if pid:
                try:
                    os.kill(pid, signal.SIGTERM)
                except ProcessLookupError:
                    pass
                except PermissionError:  # a container's, of another user
                    facts["handed_over"] = facts["script_heard"] = False

    def _script(self) -> int | None:
        if self.contained is not None and not self.first:
            return None
        below = descendants(self.first or self._pid)
        if self.plan["entry_point"] is None:
            return below[0]
        return below[1] if len(below) > 1 else None

    def kill(self) -> None:
        """End every process of the host now."""
        if not self.alive:
            return
        self.sample()  # what is killed takes its processor time with it
        self._kill()
        self.inputs.abandon()  # nobody has to wait for what a store does not give

    def _kill(self) -> None:
        if self.contained is not None:
            self.contained.kill()
        elif self.level == "process":
            children.kill_below()
            return
        if self.first:
            children.kill(self.first)
        elif self._pid:
            children.kill(self._pid)

    # --- the end ----------------------------------------------------------------------------------

    def _ended(self) -> None:
        if not self.alive:
            return
        try:
            pid, result, used = os.wait4(self._pid, os.WNOHANG if self._pidfd is not None else 0)
        except ChildProcessError:
            return
        if pid == 0:
            return
        self.alive = False
        self.wall = time.monotonic() - self._started_at
        if self._pidfd is not None:
            self.owner.forget(self._pidfd)
            os.close(self._pidfd)
        self.owner.forget(self._status_fd)
        os.set_blocking(self._status_fd, False)
        with suppress(BlockingIOError):
            while data := os.read(self._status_fd, 65536):
                self._told(data)
        os.close(self._status_fd)
        if self.contained is not None:
            self.contained.close()
        self._settle(os.waitstatus_to_exitcode(result), used.ru_utime + used.ru_stime)

    def _settle(self, code: int, cpu: float) -> None:
        if "exit" in self.facts:
            code = self.facts["exit"]
        self.exit_code = 128 - code if code < 0 else code
        self.script_exit = self.facts.get("script_exit")
        self.sampler.peak_memory = max(self.sampler.peak_memory, self.facts.get("script_peak", 0))
        if self.contained is not None:
            self.contained.settle()
            cpu = 0.0  # the engine's client's
        self.sampler.cpu_seconds = max(self.sampler.cpu_seconds, self.facts.get("cpu", 0.0), cpu)
        self.failed = self.exit_code != 0

    def end(self) -> None:
        """After the last process: what is left in the pipes, and no descriptor kept."""
        self.inputs.close()
        if self.log is None:
            return
        if self.level == "process":
            children.kill_below()
            children.reap()
        if self.log is not None:
            self.owner.forget(self.log.descriptor)
            if self.terminal is not None:
                self.terminal.rest(self.log)
            self.log.drain()
            self.log.finish()
            os.close(self.log.descriptor)
        if self.opens.descriptor is not None:
            self.owner.forget(self.opens.descriptor)
            self.opens.close()
        self.limit.end()


def _contained(one: Host) -> Contained | None:
    """The container that a host is, where its job asks for an engine."""
    if not one.plan.get("engine"):
        return None
    from cursus.local.containers.contained import Contained

    return Contained(one)

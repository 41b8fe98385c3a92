"""One running host as the supervisor sees it: prepared, started at the best level there is, watched, ended."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cursus.local import channels, host, sandbox
from cursus.local.data.inputs import Inputs
from cursus.local.inside import init
from cursus.local.isolation.mounts import ML
from cursus.local.lifecycle.attached import Attached
from cursus.local.lifecycle.starting import Start
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
        self.pid = 0
        self.first: int | None = None
        """The process that is the first one inside, as seen from here."""
        self._status = b""
        self.inputs = Inputs(self)
        self.opens = Opens()
        self._pidfd: int | None = None
        self._status_fd = -1
        self.started_at = 0.0
        self.watched: dict[str, list[str]] = {}
        self.terminal = Attached.of(self.plan, name)
        self.volume = Volume(self.ml, self.scratch)
        self.limit = Limit(name, self.plan["memory"].get(name))
        self.contained = _contained(self)
        self.start = Start(self)

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
        if self.has_code():
            self.code_files = host.copy_source(
                self.plan["source"], os.path.join(self.ml, "code"), self.plan["root"]
            )

    def has_code(self) -> bool:
        """Whether the source is at /opt/ml/code: the SDK's ModelTrainer sends it as a channel instead."""
        channels = self.owner.request.get("InputDataConfig") or ()
        return bool(self.plan["source"]) and not (
            self.plan["entry_point"] is None and any(each["ChannelName"] == "sm_drivers" for each in channels)
        )

    def layer(self, name: str) -> str:
        """A folder of the host's own for the upper side of an overlay."""
        path = os.path.join(self.scratch, name)
        os.makedirs(path, exist_ok=True)
        return path

    def checkpoint_folder(self) -> str:
        """CheckpointConfig.LocalPath on this machine."""
        path: str = self.plan["checkpoints"]["path"]
        if path == ML or path.startswith(ML + "/"):
            return os.path.normpath(self.ml + path[len(ML) :])
        return os.path.join(self.scratch, "checkpoints")

    # --- while it runs ----------------------------------------------------------------------------

    def watch(self, started: sandbox.Started) -> None:
        """Read what it prints and tells from now on, and hear of its end."""
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
            self.told(data)
        else:
            self.owner.forget(self._status_fd)
            if self._pidfd is None:
                self._ended()

    def forget_facts(self) -> None:
        """What an attempt before said of itself does not count for the next."""
        self._status = b""
        self.facts = {}

    def told(self, data: bytes) -> None:
        """Take in what its first process says of itself: a JSON object to a line."""
        *lines, self._status = (self._status + data).split(b"\n")
        for line in lines:
            if line:
                self.facts.update(json.loads(line))
        self.first = self.facts.get("first", self.first)
        self.owner.forked_ranks.told(self.facts)
        watching = self.facts.pop("watching", None)
        if watching is not None:
            self.opens.watching(watching, self.watched)

    def sample(self) -> None:
        """Measure it once."""
        if self.alive and (self.first or self.contained is None):
            self.sampler.sample(self.first or self.pid, skip_first=self.plan["entry_point"] is not None)
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
        first = self.first or self.pid
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
        below = descendants(self.first or self.pid)
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
        elif self.pid:
            children.kill(self.pid)

    # --- the end ----------------------------------------------------------------------------------

    def _ended(self) -> None:
        if not self.alive:
            return
        try:
            pid, result, used = os.wait4(self.pid, os.WNOHANG if self._pidfd is not None else 0)
        except ChildProcessError:
            return
        if pid == 0:
            return
        self.alive = False
        self.wall = time.monotonic() - self.started_at
        if self._pidfd is not None:
            self.owner.forget(self._pidfd)
            os.close(self._pidfd)
        self.owner.forget(self._status_fd)
        os.set_blocking(self._status_fd, False)
        with suppress(BlockingIOError):
            while data := os.read(self._status_fd, 65536):
                self.told(data)
        os.close(self._status_fd)
        if self.contained is not None:
            self.contained.close()
        self._settle(os.waitstatus_to_exitcode(result), used.ru_utime + used.ru_stime)

    def _settle(self, code: int, cpu: float) -> None:
        if "exit" in self.facts:
            code = self.facts["exit"]
        self.exit_code = init.shell_code(code)
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

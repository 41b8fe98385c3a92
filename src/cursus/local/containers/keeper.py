"""A host as a container of the job's own image, made by podman or docker.

Between the supervisor and the engine stands one process for each host, the *keeper*: it makes the container,
starts it with the engine's client attached, so that its output comes through a pipe, carries out what the
supervisor tells it on another one, says how the container ended, and removes it. When the supervisor is gone, so
is the pipe, and the keeper ends the container.
"""

from __future__ import annotations

import os
import re
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from cursus.local import sandbox
from cursus.local.containers import engine as engines
from cursus.local.containers.engine import Engine, EngineError
from cursus.local.inside import init
from cursus.local.isolation.mounts import ML
from cursus.local.linux import descriptors
from cursus.local.linux import syscalls as sc
from cursus.local.linux.processes import stat

if TYPE_CHECKING:
    from cursus.local.isolation.mounts import Box
    from cursus.local.isolation.namespaces import Program

TERMINATE, KILL = b"T", b"K"
LOST = 137
"""Exit code of a keeper that cannot tell how its container ended."""

OUT_OF_MEMORY = "oom"
"""The file that podman's monitor (conmon) leaves where the kernel ended a process of the container."""

PAUSE = 0.02
CLIENTS = ("DOCKER_", "CONTAINER", "PODMAN", "XDG_", "LD_", "BUILDAH", "REGISTRY_", "HOME", "PATH", "TMPDIR")
"""Beginnings of variables that the engine's own client reads."""

NOT_EXECUTED = re.compile(
    r'exec: "(?P<a>[^"]+)": (?P<why>.+?)(?=: OCI |: unknown|$)'
    r"|executable file `(?P<b>[^`]+)` (?P<found>not found in \$PATH)"
)
"""What runc and crun say of a program that cannot be executed."""


class Container(NamedTuple):
    """What an engine is told about a host, beside its box and its program.

    ``network`` is the name of the job's own, ``none``, or None for what the engine gives; ``hosts`` are names and
    addresses of all hosts, ``address`` is this one's. ``memory`` and ``shm`` are in bytes. ``secret`` are variables
    whose values are not put on a command line.
    """

    engine: Engine
    image: str
    name: str
    labels: tuple[str, ...]
    entrypoint: str | None = None
    network: str | None = None
    address: str | None = None
    hosts: tuple[tuple[str, str], ...] = ()
    memory: int | None = None
    cpus: int | None = None
    shm: int | None = None
    secret: tuple[str, ...] = ()
    terminal: bool = False


def start(
    container: Container, box: Box, program: Program, gate: int | None, terminal: bool
) -> sandbox.Started:
    """Start a host's keeper. What becomes of the host is told on the status pipe, as JSON lines."""
    log_read, log_write = os.pipe()
    status_read, status_write = os.pipe()
    control_read, control_write = os.pipe()
    descriptors.enlarge(log_write)
    pid = os.fork()
    if pid == 0:
        try:
            descriptors.redirect(log_write)
            kept = {status_write, control_read, *([gate] if gate is not None else [])}
            descriptors.close_all_but(kept | ({init.TERMINAL} if terminal else set()))
            Keeper(container, box, program, status_write, control_read).run(gate)
        except BaseException as error:
            init.report(status_write, refused=str(error) or type(error).__name__)
        finally:
            os._exit(init.SETUP_FAILED)
    for number in (log_write, status_write, control_read):
        os.close(number)
    return sandbox.Started(pid, log_read, status_read, None, control_write)


def arguments(container: Container, box: Box, program: Program, *, limited: bool = True) -> list[str]:
    """``create`` with everything that makes the host."""
    found = ["create", "--name", container.name, "--hostname", box.hostname, "--log-driver", "none"]
    found += container.labels
    found += _mount(box.ml, ML)
    if box.checkpoints:
        found += _mount(os.path.join(box.scratch, "checkpoints"), box.checkpoints)
    if os.path.isdir("/sys/fs/selinux"):
        found += ["--security-opt", "label=disable"]  # what is mounted has the label of the user's files
    for name, address in container.hosts:
        found += ["--add-host", f"{name}:{address}"]
    if container.network is not None:
        found += ["--network", container.network]
    if container.address is not None:
        found += ["--ip", container.address]
    if container.shm is not None:
        found += ["--shm-size", str(container.shm)]
    if limited and container.memory is not None:
        found += ["--memory", str(container.memory), "--memory-swap", str(container.memory)]
    if limited and container.cpus is not None:
        found += ["--cpus", str(container.cpus)]
    for name, value in program.environment.items():
        hidden = name in container.secret and not name.startswith(CLIENTS)
        found += ["--env", name if hidden else f"{name}={value}"]
    if container.terminal:
        found += ["--interactive", "--tty"]
    if container.entrypoint is not None:
        found += ["--entrypoint", container.entrypoint]
    return [*found, *container.engine.arguments, container.image, *program.command]


def _mount(source: str, target: str) -> list[str]:
    for path in (source, target):
        if "," in path or '"' in path:
            raise EngineError(f"{path} has a character that --mount cannot say: take another --root")
    return ["--mount", f"type=bind,source={source},target={target}"]


class Keeper:
    """The process that owns one host's container."""

    def __init__(self, container: Container, box: Box, program: Program, status: int, control: int) -> None:
        self.container = container
        self.engine = container.engine
        self.box = box
        self.program = program
        self.status = status
        self.control = control
        self.id = ""
        self.client = 0
        self.client_code = 0
        self.first = 0
        self.wanted: list[bytes] = []

    def run(self, gate: int | None) -> NoReturn:
        """From the making of the container to its removal."""
        os.setsid()  # Ctrl-C and a killed session are the supervisor's affair
        os.chdir(self.box.scratch)  # podman's monitor leaves a file where it was started
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        wake = self._wake()
        self._create()
        init.report(self.status, ready=True)
        if gate is not None:
            os.read(gate, 1)  # until every host is ready
            os.close(gate)
        self.client = self._attached("start", "--attach")
        while True:
            waiting = PAUSE if self.wanted or not self.first else None
            ready, _, _ = select.select([self.control, wake], [], [], waiting)
            if wake in ready:
                os.read(wake, 4096)
            if self.control in ready and not self._hear():
                self._remove()  # the supervisor is gone
                os._exit(LOST)
            self._act()
            if self._client_ended() and self._ended():
                break
        os._exit(0)

    def _wake(self) -> int:
        read, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        return read

    # --- before --------------------------------------------------------------------------------------

    def _create(self) -> None:
        """Make the container; without limits where the engine has none to give."""
        secrets = {
            name: value for name, value in self.program.environment.items() if name in self.container.secret
        }
        limits = self.container.memory is not None or self.container.cpus is not None
        for limited in (True, False):
            try:
                asked = arguments(self.container, self.box, self.program, limited=limited)
                self.id = self.engine.ask(*asked, environment=secrets).splitlines()[-1]
                return
            except EngineError as error:
                unlimited = re.search(r"cgroup|memory|cpu|swap|limit", str(error), re.IGNORECASE)
                if not (limited and limits and unlimited):
                    raise
                init.report(self.status, unlimited=str(error))

    def _attached(self, *command: str) -> int:
        """A client of the engine whose output is the host's; it goes when this process does."""
        options = ["--interactive"] if self.container.terminal and command[0] == "start" else []
        me = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                init.default_signals()
                signal.set_wakeup_fd(-1)
                sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() == me:
                    if command[0] == "start":
                        init.attach()
                    else:
                        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                    os.execv(self.engine.path, [self.engine.path, *command, *options, self.id])
            finally:
                os._exit(init.CANNOT_EXECUTE)
        return pid

    # --- while it runs --------------------------------------------------------------------------------

    def _hear(self) -> bool:
        data = os.read(self.control, 64)
        self.wanted += [data[i : i + 1] for i in range(len(data))]
        return bool(data)

    def _act(self) -> None:
        """Find the first process, and send it what the supervisor wants it to get."""
        if not self.first:
            self.first = self._state("{{.State.Pid}}", 0)
            if self.first:
                # An engine in a virtual machine of its own names a process that is not one of this machine's.
                seen = self.first if _began(self.first) >= _began(os.getpid()) else 0
                init.report(self.status, running=True, first=seen, limited=bool(seen) and self._is_limited())
        while self.wanted and self.first:
            name = "TERM" if self.wanted.pop(0) == TERMINATE else "KILL"
            with suppress(EngineError):  # it has ended meanwhile
                self.engine.ask("kill", "--signal", name, self.id)

    def _state(self, form: str, default: int) -> int:
        try:
            return int(self.engine.ask("inspect", "--format", form, self.id))
        except (EngineError, ValueError):
            return default

    def _is_limited(self) -> bool:
        """True where the kernel holds the container to its memory: what was asked for is not always done."""
        if self.container.memory is None:
            return False
        try:
            with open(f"/proc/{self.first}/cgroup") as file:
                lines = [line.strip().split(":", 2) for line in file]
        except OSError:
            return False
        for _, controllers, path in lines:
            for place in (
                f"/sys/fs/cgroup{path}/memory.max",
                f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes",
            ):
                if "memory" not in controllers and controllers:
                    continue
                try:
                    with open(place) as file:
                        if int(file.read()) <= self.container.memory:
                            return True
                except (OSError, ValueError):
                    continue
        return False

    # --- the end --------------------------------------------------------------------------------------

    def _client_ended(self) -> bool:
        try:
            pid, result = os.waitpid(self.client, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid:
            self.client_code = os.waitstatus_to_exitcode(result)
        return pid != 0

    def _ended(self) -> bool:
        """The client has ended: where the container has too, tell how and remove it."""
        form = "{{.State.Running}}|{{.State.ExitCode}}|{{.State.OOMKilled}}|{{.State.StartedAt}}"
        try:
            running, code, killed, began = self.engine.ask("inspect", "--format", form, self.id).split("|")
        except (EngineError, ValueError):
            self._remove()
            os._exit(LOST)  # somebody removed it: nobody can tell
        if running == "true":  # the client alone was killed
            self.client = self._attached("wait")
            return False
        facts: dict[str, Any] = {
            "exit": int(code),
            "memory_kill": killed == "true" or os.path.exists(OUT_OF_MEMORY),
        }
        if began.startswith("0001-"):
            facts.update(not_started=True, exit=self.client_code or init.CANNOT_EXECUTE)
        unowned = self._take_over()
        self._remove()
        init.report(self.status, **facts, **({"unowned": unowned} if unowned else {}))
        return True

    def _remove(self) -> None:
        with suppress(EngineError):  # the supervisor looks once more, and so does the next command
            engines.remove_container(self.engine, self.id)

    def _take_over(self) -> str:
        """Make the files that the container's users left the user's own; why that could not be done, or nothing."""
        user = os.geteuid()
        places = [(self.box.ml, ML)]
        if self.box.checkpoints:
            places.append((os.path.join(self.box.scratch, "checkpoints"), self.box.checkpoints))
        if user == 0 or all(_is_own(place, user) for place, _ in places):
            return ""
        owner = "0:0" if self._rootless() else f"{user}:{os.getegid()}"
        mounted = [part for source, target in places for part in _mount(source, target)]
        asked = ["run", "--rm", "--network", "none", "--user", "0:0", "--entrypoint", "chown"]
        asked += [*self.container.labels, *mounted, *self.engine.arguments, self.container.image]
        try:
            self.engine.ask(*asked, "-R", "-h", owner, *(target for _, target in places), seconds=None)
        except EngineError as error:
            return str(error)
        return ""

    def _rootless(self) -> bool:
        if self.engine.name == "podman":
            return True
        try:
            return "rootless" in self.engine.ask("info", "--format", "{{json .SecurityOptions}}")
        except EngineError:
            return False


def _began(pid: int) -> int:
    """When a process began, in clock ticks since the machine did; -1 where there is none."""
    try:
        return int(stat(pid)[19])
    except (OSError, ValueError, IndexError):
        return -1


def _is_own(folder: str, user: int) -> bool:
    try:
        for directory, folders, names in os.walk(folder, onerror=_raise):
            for name in (*folders, *names):
                if os.lstat(os.path.join(directory, name)).st_uid != user:
                    return False
    except OSError:
        return False
    return True


def _raise(error: OSError) -> None:
    raise error


def refusal(lines: list[str]) -> tuple[str, str] | None:
    """(program, reason) of a program that could not be executed, from what the engine printed; None of others."""
    for line in reversed(lines):
        found = NOT_EXECUTED.search(line)
        if found:
            why = found["why"] or "executable file " + found["found"]
            return found["a"] or found["b"], why.strip()
    return None

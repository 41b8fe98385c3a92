"""torchrun in a process that has imported torch already, and its ranks as forks of that process.

torch's own agent runs, with all that it sets, watches and reports; only where it would start a Python for a rank, a
child that was forked before is told to become that rank: no second import, no second interpreter. What the script
may rely on at its start is made as a fresh ``python -u script.py`` would find it, and at its end the interpreter
finishes as always. https://docs.pytorch.org/docs/stable/elastic/run.html
"""

from __future__ import annotations

import atexit
import builtins
import io
import json
import os
import shutil
import signal
import socket
import sys
import time
import types
from collections.abc import Callable, Iterable
from importlib.machinery import SourceFileLoader
from typing import Any, NoReturn

from cursus.local.inside import init
from cursus.local.linux import descriptors

FIRST = frozenset({"sitecustomize", "usercustomize"})
"""What an interpreter imports at its start, where it is there."""
GOODBYE = 1.0
ESTABLISHED = "01"
PATIENCE = 30.0
"""Seconds that a later host waits for the first one's agent before torch's own waiting begins."""


def become(command: list[str], environment: dict[str, str], directory: str, status: int) -> None:
    """Be the torchrun that ``command`` names, with forked ranks; in these it raises SystemExit when the script ends.

    Returns where that would not be the same; why, the supervisor is told on ``status``.
    """
    init.default_signals()
    try:
        os.chdir(directory)
    except OSError:
        return  # to start the program will fail in the same way, and say so
    places = _settle(directory, environment)
    count = _value(command, "--nproc_per_node")
    torchrun = shutil.which(command[0], path=environment.get("PATH")) or ""
    python = _interpreter(torchrun)
    reason = _shadowed(places) or _torch_differs() or ("" if python else "torchrun is another interpreter's")
    if reason or not count.isdigit():
        init.report(status, ranks_refused=reason or f"{count} processes on a host")
        return
    init.report(status, ranks_forked=int(count))
    descriptors.close_all_but(())
    sys.executable = python
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    _be_torchrun(command, torchrun, [_Rank() for _ in range(int(count))])


def _value(command: list[str], option: str) -> str:
    return command[command.index(option) + 1] if option in command[:-1] else ""


def _settle(directory: str, environment: dict[str, str]) -> list[str]:
    """Environment and import path of a Python that starts in ``directory``; what comes first on that path."""
    os.environ.clear()
    os.environ.update(environment)
    given = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    places = [directory, *(os.path.abspath(path) for path in given)]
    sys.path[:] = [*places, *(path for path in sys.path if path)]
    sys.path_importer_cache.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "cursus"]:
        del sys.modules[name]  # a script that imports it gets what its path has
    return places


def _shadowed(places: Iterable[str]) -> str:
    """What in the source would have been imported in place of what was imported already, or nothing."""
    known = {name.partition(".")[0] for name in sys.modules} - {"__main__"}
    known = (known | FIRST) - set(sys.builtin_module_names)
    for place in dict.fromkeys(places):
        try:
            names = os.listdir(place)
        except OSError:
            continue
        for name in names:
            package = os.path.isfile(os.path.join(place, name, "__init__.py"))
            if name.partition(".")[0] in known and (package or name.endswith((".py", ".so"))):
                return f"{name} in the source hides what torch imports, or Python at its start"
    return ""


def _torch_differs() -> str:
    """Why this torch's agent cannot be given forked processes, or nothing."""
    import torch
    from torch.distributed.elastic.multiprocessing import api

    handler = getattr(api, "SubprocessHandler", None)
    if callable(getattr(handler, "_popen", None)):
        return ""
    return f"torch {torch.__version__} starts its processes in another way"


def _interpreter(torchrun: str) -> str:
    """The interpreter that the file ``torchrun`` names, where it is of this one's environment; else nothing."""
    try:
        with open(torchrun, "rb") as file:
            first = b"".join(file.readlines(1024)[:2]).decode("utf-8", "replace")
    except OSError:
        return ""
    named = [word for word in first.replace("#!", " ").split() if os.path.basename(word).startswith("python")]
    ours = os.path.dirname(sys.executable)
    return next((word for word in named if os.path.dirname(word) == ours), "")


# --- torchrun ----------------------------------------------------------------------------------------------


class _Rank:
    """A child that waits to be told which rank it is; to torch's agent it looks like ``subprocess.Popen``."""

    def __init__(self) -> None:
        # Descriptors, not objects: one that is taken apart in a child would close what has its number there.
        there, self._tell = os.pipe()
        led, leads = os.pipe()
        self.pid = os.fork()
        self.args: list[str] = []
        self.returncode: int | None = None
        if self.pid == 0:
            os.close(self._tell)
            _wait_to_be_one(there, leads)
        os.close(there)
        os.close(leads)
        os.read(led, 1)  # it leads its own process group from here on
        os.close(led)

    def begin(self, args: list[str], env: dict[str, str]) -> _Rank:
        """Let it be the rank that ``env`` says."""
        self.args = args
        told = json.dumps([args, env]).encode()
        while told:
            told = told[os.write(self._tell, told) :]
        os.close(self._tell)
        return self

    def poll(self) -> int | None:
        """Its exit code, where it has ended."""
        if self.returncode is None:
            pid, result = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(result)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, when it has ended. Raises subprocess.TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                import subprocess

                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            time.sleep(0.002)
        return code

    def send_signal(self, number: int) -> None:
        """As of subprocess.Popen."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """As of subprocess.Popen."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """As of subprocess.Popen."""
        self.send_signal(signal.SIGKILL)


def _be_torchrun(command: list[str], torchrun: str, ranks: list[_Rank]) -> NoReturn:
    from torch.distributed.elastic.multiprocessing import api

    # Names that torch does not export, looked for before.
    handler: Any = api.SubprocessHandler
    plain = handler._popen

    def popen(self: Any, args: tuple[str, ...], env: dict[str, str]) -> Any:
        ours = args[:2] == (sys.executable, "-u") and args[2][:1] != "-"
        if ranks and ours and self._stdout is None and self._stderr is None:
            return ranks.pop(0).begin(list(args), env)
        return plain(self, args, env)

    handler._popen = popen
    _await_first(command)
    code = _outcome(lambda: _program([torchrun, *command[1:]]))
    atexit._run_exitfuncs()
    _await_others(command)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # nothing of a script's is in this process, and to take torch apart takes time


def _await_first(command: list[str]) -> None:
    """Where the first host's agent is not there yet, torch would try again only after a second."""
    if _value(command, "--node_rank") in ("", "0"):
        return
    place = _value(command, "--master_addr"), int(_value(command, "--master_port") or 0)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(place, 5).close()
            return
        except OSError:
            time.sleep(0.005)


def _await_others(command: list[str]) -> None:
    """The first host's agent keeps the store that others may still ask: a torchrun takes longer to end."""
    port = _value(command, "--master_port")
    deadline = time.monotonic() + GOODBYE
    while port.isdigit() and _connected(int(port)) and time.monotonic() < deadline:
        time.sleep(0.005)


def _connected(port: int) -> bool:
    for name in ("tcp", "tcp6"):
        try:
            with open(f"/proc/self/net/{name}") as file:
                rows = [line.split()[1:4] for line in file][1:]
        except OSError:
            continue
        for local, remote, state in rows:
            address, _, number = local.partition(":")
            if state == ESTABLISHED and int(number, 16) == port and remote.partition(":")[0] != address:
                return True
    return False


def _outcome(run: Callable[[], None]) -> int:
    """The exit code of a Python whose program is ``run``; what it would print of an exception is printed."""
    try:
        run()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


# --- a rank ------------------------------------------------------------------------------------------------


def _wait_to_be_one(there: int, leads: int) -> NoReturn:
    os.setsid()
    os.write(leads, b"x")
    os.close(leads)
    told = b""
    while data := os.read(there, 1 << 16):
        told += data
    if not told:
        os._exit(0)  # the agent did not want it
    descriptors.close_all_but(())
    args, env = json.loads(told)
    os.environ.clear()
    os.environ.update(env)
    _draw_anew()
    raise SystemExit(_outcome(lambda: _program(args[2:])))


def _draw_anew() -> None:
    """What a fresh process would have of its own and a fork shares: numpy's random numbers, the number of threads."""
    numpy, torch = sys.modules.get("numpy"), sys.modules["torch"]
    if numpy is not None:
        numpy.random.seed()
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdigit() and int(threads) and torch.get_num_threads() != int(threads):
        torch.set_num_threads(int(threads))


def _program(args: list[str]) -> None:
    """Run a file as ``python`` does: it is ``__main__``, and its folder comes first on the path."""
    path = os.path.abspath(args[0])
    try:
        with io.open_code(path) as file:
            text = file.read()
    except OSError as error:
        why = f"[Errno {error.errno}] {os.strerror(error.errno or 0)}"
        print(f"{sys.executable}: can't open file {path!r}: {why}", file=sys.stderr)
        raise SystemExit(2) from None
    sys.argv = args
    sys.path[0] = os.path.dirname(os.path.realpath(path))
    module = types.ModuleType("__main__")
    module.__dict__.update(
        __file__=path, __builtins__=builtins, __loader__=SourceFileLoader("__main__", path), __cached__=None
    )
    sys.modules["__main__"] = module
    exec(compile(text, path, "exec", dont_inherit=True), module.__dict__)

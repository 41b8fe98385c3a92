"""One process that has imported torch, from which a job's hosts are forked when the ranks are to be forks of it.

The supervisor starts it first of all, so that the import happens while data is downloaded; each host's keeper is then a
fork of it that the supervisor adopts, and all below as everywhere. It runs no code of the user's before that.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from cursus.local import sandbox
from cursus.local.framework import ranks
from cursus.local.isolation.mounts import Box
from cursus.local.isolation.namespaces import Program
from cursus.local.linux import syscalls

IMPORTED = (
    "torch",
    "torch.distributed.run",
    "torch.distributed.elastic.agent.server.local_elastic_agent",
    "torch.distributed.elastic.rendezvous.static_tcp_rendezvous",
    "encodings.idna",
)
"""What torchrun and its ranks import before the script's first line, and at a first connection."""
PROGRAM = "import sys; sys.path.insert(0, {here!r}); from cursus.local.framework import nursery; nursery.serve({line})"
HEAD = struct.Struct("!I")


class Nursery:
    """The process as its supervisor sees it. ``facts`` are its version of torch and the seconds of the import."""

    def __init__(self, python: str, environment: Mapping[str, str], log: str) -> None:
        """Start it. ``log`` is the file that gets what it prints."""
        mine, its = socket.socketpair()
        variables = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
        with its, open(log, "ab") as output:
            self._process = subprocess.Popen(
                [python, "-u", "-c", PROGRAM.format(here=sandbox.LIBRARY, line=its.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=variables,
                pass_fds=(its.fileno(),),
            )
        self.facts: dict[str, Any] = {}
        self._line = mine

    @property
    def descriptor(self) -> int:
        """Readable when it is ready, or has ended."""
        return self._line.fileno()

    def hear(self) -> None:
        """Take what it says first. Raises RuntimeError with the reason where it cannot be used."""
        try:
            self.facts = json.loads(_receive(self._line)[0])
        except (OSError, EOFError):
            self.facts = {"error": f"it ended with code {self._process.wait()}"}
        if "error" in self.facts:
            raise RuntimeError(self.facts["error"])

    def fork(
        self, level: str, box: Box, program: Program, adopt: Callable[[int], None], rest: tuple[Any, ...]
    ) -> int:
        """Fork a host's outermost process, a child of this one; ``rest`` is what ``sandbox.child`` takes beside.

        ``adopt`` is called with its number before it begins.

        Raises:
            OSError: it is gone.
        """
        go, tell = os.pipe()
        with os.fdopen(tell, "wb", buffering=0) as start:
            wire = () if box.wire is None else (box.wire.user, box.wire.net, box.wire.gate)
            descriptors = [number for number in (*rest[:3], *wire) if number is not None]
            message = pickle.dumps((os.getpid(), level, box, program, rest, descriptors))
            try:
                _send(self._line, message, [go, *descriptors])
            finally:
                os.close(go)
            try:
                number = int(_receive(self._line)[0])
            except (EOFError, ValueError) as error:
                raise OSError(f"the process that has imported torch is gone: {error}") from error
            adopt(number)
            start.write(b"x")
        return number

    def close(self) -> None:
        """End it; the hosts that it forked are not its children."""
        self._line.close()
        self._process.kill()
        self._process.wait()


def _send(line: socket.socket, data: bytes, descriptors: list[int]) -> None:
    socket.send_fds(line, [HEAD.pack(len(data))], descriptors)
    line.sendall(data)


def _receive(line: socket.socket) -> tuple[bytes, list[int]]:
    head, descriptors, _, _ = socket.recv_fds(line, HEAD.size, 16)
    if len(head) < HEAD.size:
        raise EOFError
    (size,) = HEAD.unpack(head)
    data = b""
    while len(data) < size:
        more = line.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data, descriptors


# --- the process itself --------------------------------------------------------------------------------------


def serve(descriptor: int) -> None:
    """Import torch, then fork a host whenever the supervisor asks for one, until it closes the line."""
    line = socket.socket(fileno=descriptor)
    line.set_inheritable(False)
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    sys.path[:] = [path for path in sys.path[1:] if path]  # without the folder of cursus, and the current one
    began = time.monotonic()
    gc.disable()  # of what is imported nothing is garbage
    try:
        for name in IMPORTED:
            importlib.import_module(name)
    except BaseException as error:
        _send(line, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode(), [])
        sys.exit(1)
    facts = {"torch": str(sys.modules["torch"].__version__), "seconds": round(time.monotonic() - began, 3)}
    gc.freeze()  # a fork's end then does not look at, and copy, everything that was imported
    gc.enable()
    _send(line, json.dumps(facts).encode(), [])
    while True:
        try:
            data, descriptors = _receive(line)
        except (OSError, EOFError):
            return
        between = os.fork()
        if between == 0:
            _fork(line, data, descriptors)
            return  # a rank has ended: the interpreter finishes
        os.waitpid(between, 0)
        for number in descriptors:
            os.close(number)


def _fork(line: socket.socket, data: bytes, received: list[int]) -> None:
    """Fork the host's outermost process and end, so that the supervisor adopts it."""
    keeper = os.fork()
    if keeper:
        _send(line, str(keeper).encode(), [])
        os._exit(0)
    line.detach()  # the descriptor is closed with all others, and its number is then somebody else's
    supervisor, level, box, program, rest, sent = pickle.loads(data)
    go, *here = received
    number = dict(zip(sent, here, strict=True))
    if not os.read(go, 1):
        os._exit(1)
    deadline = time.monotonic() + 5
    while os.getppid() != supervisor:
        if time.monotonic() > deadline:
            os._exit(1)
        time.sleep(0.0002)
    if box.wire is not None:
        wire = box.wire
        box = box._replace(
            wire=wire._replace(user=number[wire.user], net=number[wire.net], gate=number.get(wire.gate))
        )
    log, status, opens, watched = rest
    program = program._replace(become=ranks.become)
    sandbox.child(level, box, program, number[log], number[status], number.get(opens), watched)

"""What stands between a host's first process and a script that several hosts start together.

``python launch.py SPEC COMMAND…`` runs inside a host. With Open MPI every worker listens as the toolkit's SSH daemon
does, and the master's ``mpirun`` reaches it by ``python launch.py rsh HOST COMMAND…``; with parameter servers it keeps
one beside the script. It imports nothing of cursus: there is none in a host.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import Any, NoReturn

PORT = 22
PATIENCE = 3600.0
"""Seconds that a master waits for its workers, as the toolkit does."""

OUTPUT, EXIT, DONE = b"o", b"x", b"d"


# --- a command on another host -----------------------------------------------------------------------------


def _read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _frame(kind: bytes, data: bytes = b"") -> bytes:
    return kind + struct.pack("!I", len(data)) + data


def _receive(connection: socket.socket) -> tuple[bytes, bytes]:
    kind = _read(connection, 1)
    (count,) = struct.unpack("!I", _read(connection, 4))
    return kind, _read(connection, count)


def rsh(arguments: list[str]) -> int:
    """Run a command on another host as ``ssh`` does; its exit code."""
    rest = [word for word in arguments if word]
    while rest and rest[0].startswith("-"):
        rest.pop(0)
    name, command = rest[0], " ".join(rest[1:])
    with socket.create_connection((name, PORT)) as connection:
        connection.sendall(_frame(OUTPUT, command.encode()))
        while True:
            kind, data = _receive(connection)
            if kind == EXIT:
                return int(data)
            sys.stdout.buffer.write(data)
            sys.stdout.flush()


def _serve(connection: socket.socket, done: threading.Event) -> None:
    """Carry out what one connection asks for."""
    with connection:
        try:
            kind, data = _receive(connection)
        except (EOFError, OSError):
            return  # somebody looked whether we are there
        if kind == DONE:
            done.set()
            return
        process = subprocess.Popen(
            ["/bin/sh", "-c", data.decode()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            while output := os.read(process.stdout.fileno(), 65536):
                connection.sendall(_frame(OUTPUT, output))
            connection.sendall(_frame(EXIT, str(process.wait()).encode()))
        except OSError:
            process.wait()  # the one who asked is gone


def _listen(server: socket.socket, done: threading.Event) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connection, done), daemon=True).start()


# --- roles -------------------------------------------------------------------------------------------------


def _connect(host: str, port: int, patience: float) -> socket.socket:
    deadline = time.monotonic() + patience
    while True:
        try:
            return socket.create_connection((host, port), 5)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def worker(spec: dict[str, Any]) -> int:
    """Be there for the master's ``mpirun`` until it is done."""
    done = threading.Event()
    with socket.create_server((spec["host"], PORT)) as server:
        threading.Thread(target=_listen, args=(server, done), daemon=True).start()
        done.wait()
    return 0


def master(spec: dict[str, Any], command: list[str]) -> int:
    """Wait for the workers, run ``mpirun`` over all hosts, tell them when it is done."""
    for name in spec["workers"]:
        try:
            _connect(name, PORT, PATIENCE).close()
        except OSError as error:
            print(f"worker {name} cannot be reached: {error}", file=sys.stderr)
            return 1
    agent = f"{sys.executable} -I -S {os.path.abspath(__file__)} rsh"
    variables = {**os.environ, "OMPI_MCA_plm_rsh_agent": agent, "PRTE_MCA_plm_ssh_agent": agent}
    code = _tagged(command, variables, int(spec["processes"]))
    for name in spec["workers"]:
        with _connect(name, PORT, 5) as connection:
            connection.sendall(_frame(DONE))
    return code


TAG = re.compile(rb"\[(\d),(\d+)\]<(stdout|stderr)>")


def _tagged(command: list[str], variables: dict[str, str], each: int) -> int:
    """Run ``mpirun``; its tags get the name of the host as the toolkit writes them."""

    def named(match: re.Match[bytes]) -> bytes:
        job, rank, stream = match.groups()
        return b"[%s,mpirank:%s,algo-%d]<%s>" % (job, rank, int(rank) // each + 1, stream)

    try:
        process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        _not_there(command, error)
    assert process.stdout is not None
    rest = b""
    while data := os.read(process.stdout.fileno(), 65536):
        *lines, rest = (rest + data).split(b"\n")
        text = b"".join(TAG.sub(named, line) + b"\n" for line in lines)
        sys.stdout.buffer.write(text)
        sys.stdout.flush()
    sys.stdout.buffer.write(TAG.sub(named, rest))
    sys.stdout.flush()
    return process.wait()


def _not_there(command: list[str], error: OSError) -> NoReturn:
    print(f"{command[0]}: {os.strerror(error.errno or 0)}", file=sys.stderr)
    sys.exit(127)


SERVER = """
import json, os, sys
import tensorflow as tf
spec = json.loads(sys.argv[1])
config = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
cluster = tf.train.ClusterSpec(spec["cluster"])
tf.distribute.Server(cluster, job_name="ps", task_index=spec["task"]["index"], config=config).join()
"""


def parameter_server(spec: dict[str, Any], command: list[str]) -> int:
    """A parameter server beside the script; it stays until the master's script has ended."""
    python = next((word for word in command if os.path.basename(word).startswith("python")), sys.executable)
    server = subprocess.Popen([python, "-c", SERVER, json.dumps(spec["server"])])
    try:
        code = subprocess.call(command)
    except OSError as error:
        _not_there(command, error)
    while code == 0 and spec["host"] != spec["master"] and server.poll() is None:
        try:
            socket.create_connection((spec["master"], spec["port"]), 5).close()
        except OSError:
            break  # the master is down
        time.sleep(0.2)
    server.kill()
    return code


def main() -> None:
    """See the module."""
    if sys.argv[1] == "rsh":
        sys.exit(rsh(sys.argv[2:]))
    spec, command = json.loads(sys.argv[1]), sys.argv[2:]
    if spec["role"] == "mpi-worker":
        code = worker(spec)
    elif spec["role"] == "mpi-master":
        code = master(spec, command)
    else:
        code = parameter_server(spec, command)
    if code < 0:  # by a signal: end by the same one
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()

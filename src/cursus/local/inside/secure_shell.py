"""``sshd`` and ``ssh`` inside a host, for the SDK's MPI driver: one host runs a command on another.

The driver starts ``/usr/sbin/sshd -D``, looks with paramiko whether a host answers, and mpirun starts its daemons by
``ssh``. A real sshd needs more users than an ordinary user's namespace has; this one needs paramiko alone, which the
driver needs too, and listens in the job's own network, to whoever holds any key there. It imports nothing of cursus.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

PORT = 22
HOSTS = "/opt/ml/input/config/resourceconfig.json"
VARIABLES = "/etc/environment"
VALUED = "BbcDEeFIiJLlmOopQRSWw"
"""Options of ``ssh`` that take a value."""


def identity() -> Any:
    """This host's key, made at the first use, where paramiko's and everybody's clients look for one."""
    import paramiko

    path = os.path.expanduser("~/.ssh/id_ecdsa")
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        made = f"{path}.{os.getpid()}"
        paramiko.ECDSAKey.generate().write_private_key_file(made)
        os.rename(made, path)
    return paramiko.ECDSAKey.from_private_key_file(path)


# --- sshd --------------------------------------------------------------------------------------------------


def serve() -> None:
    """Listen as long as the host lives. A job of one host has nobody to listen to, and no network of its own."""
    import paramiko

    key = identity()
    with open(HOSTS) as file:
        if len(json.load(file)["hosts"]) == 1:
            signal.pause()
    with socket.create_server(("", PORT), backlog=128) as server:
        while True:
            connection, _ = server.accept()
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            threading.Thread(target=_talk, args=(transport,), daemon=True).start()


def _talk(transport: Any) -> None:
    import paramiko

    class Server(paramiko.ServerInterface):  # type: ignore[misc, name-defined, unused-ignore]
        def get_allowed_auths(self, username: str) -> str:
            return "publickey"

        def check_auth_publickey(self, username: str, key: Any) -> int:
            return int(paramiko.AUTH_SUCCESSFUL)

        def check_channel_request(self, kind: str, number: int) -> int:
            return int(
                paramiko.OPEN_SUCCEEDED
                if kind == "session"
                else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
            )

        def check_channel_exec_request(self, channel: Any, command: bytes) -> bool:
            threading.Thread(target=_carry_out, args=(channel, command.decode()), daemon=True).start()
            return True

    try:
        transport.start_server(server=Server())
    except (paramiko.SSHException, EOFError, OSError):
        transport.close()  # somebody looked whether we are there


def _carry_out(channel: Any, command: str) -> None:
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=os.path.expanduser("~"),
        env=_variables(),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    errors = threading.Thread(target=_pump, args=(process.stderr.fileno(), channel.sendall_stderr))
    errors.start()
    _pump(process.stdout.fileno(), channel.sendall)
    errors.join()
    code = process.wait()
    with suppress(OSError):  # the one who asked is gone
        channel.send_exit_status(128 - code if code < 0 else code)
        channel.close()


def _pump(source: int, sink: Any) -> None:
    with suppress(OSError):  # the one who asked is gone
        while data := os.read(source, 1 << 15):
            sink(data)


def _variables() -> dict[str, str]:
    """The variables of a session: this process's own, and what stands in /etc/environment, as PAM reads it."""
    found = dict(os.environ)
    try:
        with open(VARIABLES, errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return found
    for line in lines:
        name, mark, value = line.partition("=")
        if mark and name.isidentifier():
            found[name] = value
    return found


# --- ssh ---------------------------------------------------------------------------------------------------


def call(words: list[str]) -> int:
    """Run a command on another host; its exit code, 255 where the host does not answer."""
    import paramiko

    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if len(option) == 2 and option[1] in VALUED and rest:
            rest.pop(0)
    if len(rest) < 2:
        print("usage: ssh [options] host command", file=sys.stderr)
        return 255
    host, command = rest[0].rpartition("@")[2], " ".join(rest[1:])
    try:
        transport = paramiko.Transport(socket.create_connection((host, PORT), 60))
        transport.connect(username="root", pkey=identity())
        channel = transport.open_session()
        channel.exec_command(command)
    except (OSError, EOFError, paramiko.SSHException) as error:
        print(f"ssh: connect to host {host} port {PORT}: {error}", file=sys.stderr)
        return 255
    errors = threading.Thread(target=_drain, args=(channel.recv_stderr, 2))
    errors.start()
    _drain(channel.recv, 1)
    errors.join()
    code = int(channel.recv_exit_status())
    transport.close()
    return 255 if code < 0 else code


def _drain(source: Any, sink: int) -> None:
    while data := source(1 << 15):
        view = memoryview(data)
        while view:
            view = view[os.write(sink, view) :]


if __name__ == "__main__":
    if sys.argv[1] == "sshd":
        serve()
    sys.exit(call(sys.argv[2:]))

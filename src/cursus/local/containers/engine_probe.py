"""Whether a container engine works here: a container is really run, with this machine's programs in an empty image."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from contextlib import suppress

from cursus.local.containers.engine import Engine, EngineError, said, silent

IMAGE = "localhost/cursus-probe"
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/nix")
"""Where this machine's shell and its libraries are."""

SECONDS = 30.0
PROGRAM = "read -r line </opt/ml/fifo && echo $line >/opt/ml/written"
"""It has to read a FIFO and to write a file of this machine, which an engine elsewhere or in a virtual machine of its
own cannot."""


def attempt(engine: Engine, folder: str) -> tuple[str, tuple[str, ...]]:
    """Try it: (why it does not work, or nothing; what it is without)."""
    reason = silent(engine)
    if reason is not None:
        return reason, ()
    _sweep(engine)
    name = f"{IMAGE}:{os.getpid()}"
    try:
        _make(engine, name)
    except EngineError as error:
        return str(error), ()
    try:
        refused = _run(engine, name, folder)
        if not refused:
            return "", ()
        again = _run(engine, name, folder, "--network", "none")
        if again:
            return refused, ()
        return "", (f"no network for containers: only jobs with EnableNetworkIsolation run ({refused})",)
    finally:
        _remove(engine, name)


def _make(engine: Engine, name: str) -> None:
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    command = [engine.path, "import", "-", name]
    done = subprocess.run(command, input=empty.getvalue(), capture_output=True)
    if done.returncode:
        raise EngineError(said(done.stderr.decode("utf-8", "replace")))


def _run(engine: Engine, name: str, folder: str, *options: str) -> str:
    """Run a container with these options; why that fails, or nothing."""
    fifo, written = os.path.join(folder, "fifo"), os.path.join(folder, "written")
    if not os.path.exists(fifo):
        os.mkfifo(fifo)
    shown = [(path, os.path.realpath(path), ",readonly") for path in SYSTEM if os.path.isdir(path)]
    mounts = [
        part
        for target, source, mode in (*shown, ("/opt/ml", folder, ""))
        for part in ("--mount", f"type=bind,source={source},target={target}{mode}")
    ]
    feeder = os.open(fifo, os.O_RDWR)
    try:
        os.write(feeder, b"line\n")
        command = ["run", "--rm", "--hostname", "algo-1", *options, *mounts, *engine.arguments, name]
        engine.ask(*command, "/bin/sh", "-c", PROGRAM, seconds=SECONDS)
        with open(written) as file:
            return "" if file.read() == "line\n" else "a container does not write this machine's files"
    except (EngineError, OSError) as error:
        return str(error)
    finally:
        os.close(feeder)


def _sweep(engine: Engine) -> None:
    """Images of probes that were killed."""
    try:
        listed = engine.ask("images", "--filter", f"reference={IMAGE}", "--format", "{{.Tag}}").split()
    except EngineError:
        return  # somebody removes an image just now; the next probe looks again
    for tag in listed:
        if tag.isdigit() and not os.path.exists(f"/proc/{tag}"):
            _remove(engine, f"{IMAGE}:{tag}")


def _remove(engine: Engine, name: str) -> None:
    with suppress(EngineError):
        engine.ask("rmi", name)

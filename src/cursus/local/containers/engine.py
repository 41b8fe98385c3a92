"""A container engine's command line: what ``podman`` and ``docker`` both understand, and nothing else.

Images are the engine's own, and it fetches them with the credentials that the user gave it: none are read or
handed on here. https://docs.docker.com/reference/cli/docker/ and https://docs.podman.io/en/latest/Commands.html
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from cursus.local.linux.disk import whole

ENGINES = ("podman", "docker")
"""The programs that can be asked for, which are isolation levels too."""

ARGUMENTS_VARIABLE = "CURSUS_ENGINE_ARGUMENTS"
PATIENCE = 60.0
"""Seconds that an engine may take over a question."""

FOLDER = "cursus.folder"
ROOT = "cursus.root"
MACHINE = "cursus.machine"
JOB = "cursus.job"
"""Labels of everything that is made in an engine: the job's folder and root, on which machine, and its name."""

NOTE = "engine.json"
"""In a job's folder for as long as its engine may hold something of it."""

INSTALL = {
    "podman": "install it (Debian, Ubuntu and Fedora: podman)",
    "docker": "install it (https://docs.docker.com/engine/install/)",
}
START = {
    "podman": "see what `podman info` says",
    "docker": "start it (systemctl start docker), and be allowed to use it (the group docker)",
}


class EngineError(Exception):
    """The engine refused something, or is not there; the text is what it said."""


class Engine(NamedTuple):
    """An engine's program, and what the user has it add to every container."""

    name: str
    path: str
    arguments: tuple[str, ...] = ()

    def ask(
        self, *arguments: str, seconds: float | None = PATIENCE, environment: Mapping[str, str] | None = None
    ) -> str:
        """What it prints. Raises EngineError with what it said on its standard error."""
        import subprocess

        try:
            done = subprocess.run(
                [self.path, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                env=None if environment is None else {**os.environ, **environment},
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"{self.name} {arguments[0]} gave no answer for {seconds:g} s") from None
        except (OSError, ValueError) as error:
            raise EngineError(f"{self.name}: {error}") from error
        if done.returncode != 0:
            raise EngineError(said(done.stderr.decode("utf-8", "replace")) or f"exit code {done.returncode}")
        return done.stdout.decode("utf-8", "replace").strip()


def said(text: str) -> str:
    """The line that says what is wrong, of what an engine printed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    faults = [line for line in lines if line.lower().startswith(("error", "cannot connect", "docker:"))]
    found = (faults or lines[-1:] or [""])[0]
    for prefix in ("docker: ", "Error: ", "Error response from daemon: "):
        found = found.removeprefix(prefix)
    return found.removesuffix(" See 'docker run --help'.").strip()


def find(name: str, arguments: Sequence[str] = ()) -> Engine:
    """The engine of this name. Raises EngineError where it is not installed."""
    import shutil

    path = shutil.which(name)
    if path is None:
        raise EngineError(f"{name} is not installed: {INSTALL[name]}")
    return Engine(name, path, (*limits_of_processes(name, arguments), *arguments))


def configured() -> tuple[str, ...]:
    """The options in ``CURSUS_ENGINE_ARGUMENTS``, split as a shell does. Raises EngineError."""
    import shlex

    try:
        return tuple(shlex.split(os.environ.get(ARGUMENTS_VARIABLE) or ""))
    except ValueError as error:
        raise EngineError(f"{ARGUMENTS_VARIABLE} cannot be split into options: {error}") from error


def restored(found: Mapping[str, Any]) -> Engine:
    """An engine as it was written into a plan or a job's folder."""
    return Engine(str(found["name"]), str(found["path"]), tuple(found.get("arguments") or ()))


def limits_of_processes(name: str, arguments: Sequence[str]) -> tuple[str, ...]:
    """``--ulimit`` with this process's own limits, where podman could not set the larger ones that it would set.

    That is so for a root without CAP_SYS_RESOURCE, in a container or sandbox. An ordinary user's podman knows it.
    """
    if name != "podman" or os.geteuid() != 0 or any(one.startswith("--ulimit") for one in arguments):
        return ()
    try:
        with open("/proc/self/status") as file:
            effective = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff:"))
        with open("/proc/sys/kernel/pid_max") as file:
            most = int(file.read())
    except (OSError, ValueError, StopIteration):
        return ()
    if effective >> 24 & 1:  # CAP_SYS_RESOURCE, see capabilities(7)
        return ()
    import resource

    files, processes = (
        resource.getrlimit(number)[1] for number in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)
    )
    if processes == resource.RLIM_INFINITY or processes > most:
        processes = most
    if files == resource.RLIM_INFINITY:
        files = 1 << 20
    return ("--ulimit", f"nofile={files}:{files}", "--ulimit", f"nproc={processes}:{processes}")


def silent(engine: Engine) -> str | None:
    """Why the engine does not work at all; None where it answers."""
    try:
        engine.ask("ps", "--quiet", seconds=20)
    except EngineError as error:
        return f"{engine.name} does not answer: {error}; {START[engine.name]}"
    return None


# --- images -----------------------------------------------------------------------------------------


class Image(NamedTuple):
    """An image that is here: its id, the program that it starts, and the user that it starts it as."""

    id: str
    entrypoint: tuple[str, ...]
    user: str


def image(engine: Engine, name: str) -> Image | None:
    """The image of this name, None where the engine does not have it. Raises EngineError where it does not answer."""
    try:
        found = json.loads(engine.ask("image", "inspect", name))[0]
    except EngineError:
        problem = silent(engine)
        if problem is not None:
            raise EngineError(problem) from None
        return None
    config = found.get("Config") or {}
    return Image(str(found["Id"]), tuple(config.get("Entrypoint") or ()), str(config.get("User") or ""))


def pull(engine: Engine, name: str) -> None:
    """Let the engine fetch an image, however long it takes. Raises EngineError."""
    engine.ask("pull", name, seconds=None)


# --- what belongs to a job ----------------------------------------------------------------------------


def labels(folder: str, root: str, job: str) -> list[str]:
    """The options that mark what belongs to a job."""
    named = {FOLDER: folder, ROOT: root, MACHINE: os.uname().nodename, JOB: job}
    return [part for name, value in named.items() for part in ("--label", f"{name}={value}")]


def _filters(label: str, value: str) -> list[str]:
    ours = f"label={MACHINE}={os.uname().nodename}"
    return ["--filter", f"label={label}={value}", "--filter", ours]


def remove(engine: Engine, folder: str) -> int:
    """Remove every container and network of the job in ``folder``; how many. Raises EngineError."""
    filters = _filters(FOLDER, folder)
    return _remove(engine, engine.ask("ps", "--all", "--quiet", "--no-trunc", *filters).split(), filters)


def _remove(engine: Engine, containers: Sequence[str], filters: Sequence[str]) -> int:
    for one in containers:
        remove_container(engine, one)
    networks = engine.ask("network", "ls", "--format", "{{.Name}}", *filters).split()
    for name in networks:
        engine.ask("network", "rm", name)
    return len(containers) + len(networks)


def remove_container(engine: Engine, id: str) -> None:
    """End a container and remove it; one that is gone is no fault. Raises EngineError."""
    with suppress(EngineError):  # it does not run
        engine.ask("kill", "--signal", "KILL", id)
    for last in (False, True):
        try:
            engine.ask("rm", "--force", "--volumes", id)
            return
        except EngineError as error:
            gone = ("no such container", "no container with")
            if any(text in str(error).lower() for text in gone):
                return
            if last:  # podman whose conmon was killed gives up the first time, and finds out by that
                raise


def orphans(root: str) -> int:
    """Remove what belongs to jobs of ``root`` whose folders are gone, in every engine that is here; how many."""
    found = 0
    for name in ENGINES:
        try:
            engine = find(name)
            filters = _filters(ROOT, root)
            listed = engine.ask("ps", "--all", "--quiet", "--no-trunc", *filters, seconds=10).split()
            form = f'{{{{index .Config.Labels "{FOLDER}"}}}}'
            folders = {engine.ask("inspect", "--format", form, one) for one in listed}
            for network in engine.ask("network", "ls", "--format", "{{.Name}}", *filters).split():
                known = json.loads(engine.ask("network", "inspect", network))[0]
                folders.add((known.get("labels") or known.get("Labels") or {}).get(FOLDER, ""))
            found += sum(remove(engine, folder) for folder in folders if folder and not os.path.isdir(folder))
        except EngineError:
            continue  # not here, or it does not answer
    return found


def note(folder: str, engine: Engine) -> None:
    """Write down that the engine is about to hold something of the job."""
    with open(os.path.join(folder, NOTE), "w") as file:
        json.dump(engine._asdict(), file)


def let_go(folder: str, engine: Engine) -> int:
    """Remove what the engine still holds of the job, and forget that it did; how many. Raises EngineError."""
    count = remove(engine, folder)
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, NOTE))
    return count


def swept(folder: str) -> str:
    """Remove what the engine holds of a job whose supervisor was killed; a sentence on it, empty where nothing was.

    The sentence stays in the folder, so that the next one who asks is told too, and no engine is.
    """
    path = os.path.join(folder, NOTE)
    try:
        with open(path, "rb") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return ""
    if "swept" in found:
        return str(found["swept"])
    engine = restored(found)
    try:
        count = remove(engine, folder)
    except EngineError as error:
        return f"what it left in {engine.name} could not be removed: {error}"
    text = f"{count} left in {engine.name} {'was' if count == 1 else 'were'} removed" if count else ""
    with suppress(OSError), whole(path) as part, open(part, "w") as file:  # else the next one looks again
        json.dump({"swept": text}, file)
    return text

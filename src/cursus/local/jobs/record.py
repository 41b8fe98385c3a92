"""A job's record: every transition is written down before it is acted on, so that a killed run can be described.

``job.json`` is the whole state, replaced atomically; ``state.jsonl`` has one line for every transition;
``lock`` is held by the supervisor for as long as it lives.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cursus.local.linux.disk import whole

RESERVE = 256 * 1024
"""Bytes held back on the disk, so that a job that fills it can still be described."""

MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "Interrupted": "Training job was interrupted: the managed spot instances were taken back",
    "Restarting": "Training job is restarted after an InternalServerError",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
}


class Record:
    """The record of one job in ``folder``, written by the supervisor alone."""

    def __init__(self, folder: str, state: dict[str, Any]) -> None:
        self.folder = folder
        self.state = state
        self.state.setdefault("transitions", [])
        self.full = False
        self._reserve()
        self._log = os.open(
            os.path.join(folder, "state.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )

    def _reserve(self) -> None:
        """Hold space back; on a disk that is full already there is none to hold."""
        try:
            with open(os.path.join(self.folder, ".reserve"), "wb") as file:
                file.write(b"\0" * RESERVE)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise

    def release(self) -> None:
        """Give the reserve back, for the last entries or at the end."""
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(self.folder, ".reserve"))

    def close(self) -> None:
        """Leave the record to another process."""
        os.close(self._log)

    def transition(self, primary: str, secondary: str, message: str | None = None) -> None:
        """Enter a status: it is on disk when this returns."""
        now = time.time()
        text = MESSAGES[secondary] if message is None else message
        steps = self.state["transitions"]
        if steps:
            steps[-1]["EndTime"] = now
        steps.append({"Status": secondary, "StartTime": now, "StatusMessage": text})
        if primary != "InProgress" and primary != "Stopping":
            steps[-1]["EndTime"] = now
            self.state["ended"] = now
        self.state.update(status=primary, secondary=secondary, modified=now)
        self.save()
        self._append({"time": now, "status": primary, "secondary": secondary, "message": text})

    def note(self, message: str) -> None:
        """Tell whoever follows the job something about the status that it is in."""
        now = time.time()
        state = self.state
        self._append(
            {"time": now, "status": state["status"], "secondary": state["secondary"], "message": message}
        )

    def save(self) -> None:
        """Replace ``job.json``. On a full disk the reserve is given up first."""
        try:
            replace(self.folder, self.state)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self.full = True
            self.release()
            replace(self.folder, self.state)

    def _append(self, entry: dict[str, Any]) -> None:
        with suppress(OSError):  # a full disk: job.json holds the same
            os.write(self._log, json.dumps(entry).encode() + b"\n")


def replace(folder: str, state: dict[str, Any]) -> None:
    """Put ``state`` in the place of a job's, whole or not at all. Raises OSError."""
    places = (os.path.join(folder, name) for name in ("job.json", ".job.json"))
    with whole(*places) as part, open(part, "wb") as file:
        file.write(json.dumps(state, ensure_ascii=True).encode())


def acquire(folder: str) -> int:
    """Take the job's lock: a descriptor that holds it, also for the process that inherits it. Raises OSError."""
    import fcntl

    descriptor = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def is_running(folder: str) -> bool:
    """True while a supervisor holds the job's lock."""
    import fcntl

    try:
        descriptor = os.open(os.path.join(folder, "lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def load(folder: str) -> dict[str, Any]:
    """The state in ``job.json``. Raises FileNotFoundError where there is no such job."""
    with open(os.path.join(folder, "job.json"), "rb") as file:
        state = json.load(file)
    if not isinstance(state, dict):
        raise ValueError(f"{folder}/job.json is no record of a job")
    return updated(state, updates(folder))


UPDATES = "updated.json"
"""What UpdateTrainingJob changed while the supervisor, which writes ``job.json``, did not know of it."""


def updates(folder: str) -> dict[str, Any]:
    """The members of a job's request that were changed while it ran."""
    try:
        with open(os.path.join(folder, UPDATES), "rb") as file:
            found: dict[str, Any] = json.loads(file.read())
            return found
    except (OSError, ValueError):
        return {}


def write_updates(folder: str, changes: Mapping[str, Any]) -> None:
    """Write them down. Raises OSError."""
    places = (os.path.join(folder, name) for name in (UPDATES, f".{UPDATES}.{os.getpid()}"))
    with whole(*places) as part, open(part, "w") as file:
        json.dump(changes, file)


def updated(state: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a job with these members of its request changed."""
    if not changes:
        return state
    request = dict(state["request"])
    for member, value in changes.items():
        request[member] = (
            {**(request.get(member) or {}), **value} if isinstance(value, Mapping) else list(value)
        )
    found = {**state, "request": request}
    seconds = (changes.get("ResourceConfig") or {}).get("KeepAlivePeriodInSeconds")
    if seconds is not None:
        found["warm_pool"] = {**(state.get("warm_pool") or {}), "seconds": seconds}
    return found


FINAL = ("Completed", "Failed", "Stopped")


def present(folder: str) -> dict[str, Any]:
    """The job's state, made true where its supervisor was killed and could not write the end.

    Raises FileNotFoundError where there is no such job.
    """
    state = load(folder)
    if state["status"] in FINAL or is_running(folder):
        return state
    state = load(folder)  # it may have ended between the two looks
    return state if state["status"] in FINAL else cut_off(state, folder)


def swept(folder: str) -> str:
    """What is to be said of containers that outlived the supervisor: they are removed; mostly there are none."""
    if not os.path.exists(os.path.join(folder, "engine.json")):
        return ""
    from cursus.local.containers import engine

    found = engine.swept(folder)
    return found and f"; {found}"


def cut_off(state: dict[str, Any], folder: str) -> dict[str, Any]:
    """The state of a job whose supervisor is gone without having written the end."""
    steps = [dict(step) for step in state["transitions"]]
    ended = float(state.get("modified", state.get("created", 0.0)))
    with suppress(OSError, TypeError, ValueError):
        ended = max(
            ended, *(os.stat(entry.path).st_mtime for entry in os.scandir(os.path.join(folder, "logs")))
        )
    message = "InternalServerError: the job's supervisor was killed, and its hosts with it"
    with suppress(OSError):
        with open(os.path.join(folder, "supervisor.log"), "rb") as file:
            last = file.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
        if last:
            message = f"InternalServerError: the job's supervisor ended: {last[-1]}"
    message += swept(folder)
    if steps:
        steps[-1].setdefault("EndTime", ended)
    steps.append({"Status": "Failed", "StartTime": ended, "EndTime": ended, "StatusMessage": message})
    return {
        **state,
        "status": "Failed",
        "secondary": "Failed",
        "failure_reason": message,
        "transitions": steps,
        "modified": ended,
        "ended": ended,
    }

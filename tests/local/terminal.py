"""Somebody at a terminal, for the tests of what is debugged there."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

DRIVER = """
import json, sys
from cursus.local.options import Options
from cursus.local.runner import run_step
from cursus.model import Promises, SourceCode, Step
from cursus.checks.examples import BASES
folder, kind = sys.argv[1:]
step = Step("t", "CreateTrainingJob", BASES["CreateTrainingJob"], source=SourceCode(folder + "/source", "train.py"),
            promises=Promises(local_channels={"train": folder + "/data"}))
job = run_step(step, root=folder + "/root", options=Options(**{kind: True}))
print("JOB", job.name, job.status, flush=True)
"""


class Person:
    """Somebody at a terminal: types, and reads what is there."""

    def __init__(self, folder: Path, kind: str, driver: str = DRIVER) -> None:
        self.master, slave = os.openpty()
        command = [sys.executable, "-c", driver, str(folder), kind]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.seen = ""

    def reads(self, text: str, seconds: float = 30.0) -> None:
        """Wait until ``text`` is there, after what was read before."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            left = end - time.monotonic()
            assert left > 0 and select.select([self.master], [], [], left)[0], self.seen
            try:
                self.seen += os.read(self.master, 4096).decode("utf-8", "replace")
            except OSError:
                raise AssertionError(self.seen) from None
        self.seen = self.seen.partition(text)[2]

    def types(self, text: str) -> None:
        os.write(self.master, text.encode())

    def leaves(self) -> int:
        code = self.process.wait(30)
        os.close(self.master)
        return code

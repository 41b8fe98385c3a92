"""``cursus run`` with interruptions, and what Ctrl-C says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cursus.checks.examples import merge
from tests.commands.conftest import SOURCE, Cursus, with_source
from tests.local.helpers import RESUMES, SPOT


@pytest.fixture
def project(folder: Path, good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    with_source(folder, "print(open('/opt/ml/input/data/train/a.csv').read())" + RESUMES)
    (folder / "spot.json").write_text(json.dumps(merge(good, SPOT)))
    monkeypatch.setenv("CURSUS_STOP_GRACE", "0.1")
    return folder


def test_three_answers(cursus: Cursus, project: Path) -> None:
    done = cursus("run", "spot.json", *SOURCE, "--interrupt-after", "250ms", "--compare")
    assert done.code == 0, done
    assert "did the script get the signal? no: it has no handler" in done.out
    assert "did it resume? yes: it read last" in done.out
    assert (
        "is the result that of an uninterrupted run? yes: 1 metric series and 1 model files are the same"
        in done.out
    )
    assert "BillableTimeInSeconds" in done.out and "-- Interrupted: " in done.err
    assert (
        "algo-1: peak " in done.out and "(sampled every 0.5 s" in done.out and "stages: Starting " in done.out
    )


def test_answers_as_data(cursus: Cursus, project: Path) -> None:
    done = cursus("run", "spot.json", *SOURCE, "--interrupt-after", "0.25s", "--format", "json", "--quiet")
    told = done.json()
    assert told["interruptions"][0]["resumed"]["verdict"] == "yes"
    assert told["same_result"] is None and len(told["starts"]) == 2
    assert told["usage"]["algo-1"]["interval"] > 0 and told["written"]["model"][0]["path"] == "model.txt"


@pytest.mark.parametrize("text", ["soon", "0s", "-1", "5 days"])
def test_time_that_is_none(cursus: Cursus, project: Path, text: str) -> None:
    done = cursus("run", "spot.json", *SOURCE, "--interrupt-after", text)
    assert done.code == 2 and "is no time above 0" in done.err


def test_compare_alone(cursus: Cursus, project: Path) -> None:
    done = cursus("run", "spot.json", *SOURCE, "--compare")
    assert done.code == 2 and "interrupt_after" in done.err


def test_ctrl_c_says_what_happens(project: Path) -> None:
    (project / "src/train.py").write_text("import time; print('ready', flush=True); time.sleep(60)")
    command = [sys.executable, "-m", "cursus", "run", "spot.json", *SOURCE]
    client = subprocess.Popen(
        command,
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CURSUS_STOP_GRACE": "60"},
    )
    assert client.stdout is not None and client.stderr is not None
    assert client.stdout.readline() == "ready\n"
    client.send_signal(signal.SIGINT)
    for line in client.stderr:
        if line.startswith("-- stopping"):
            break
    assert line == "-- stopping: SIGTERM, up to 60 s of grace; Ctrl-C again ends it now\n"
    client.send_signal(signal.SIGINT)
    _, rest = client.communicate(timeout=30)
    assert client.returncode == 130
    assert "-- ending it now: SIGKILL" in rest

"""Variables, arguments and commands are those of the real training toolkit, value by value."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from typing import Any

import pytest

from cursus.local import contract
from cursus.local.framework import toolkit
from tests.local.framework.toolkit_cases import GOLDEN, ask, ours
from tests.local.framework.toolkit_requests import REQUESTS

RECORDED: dict[str, dict[str, Any]] = json.loads(GOLDEN.read_text())["cases"]
CASES = [(name, host) for name, hosts in RECORDED.items() for host in hosts]


def differences(theirs: dict[str, Any], name: str, host: str) -> dict[str, Any]:
    """What differs, by name: (the toolkit's, ours)."""
    counted = theirs["variables"]
    machine = toolkit.Machine(
        int(counted["SM_NUM_CPUS"]), int(counted["SM_NUM_GPUS"]), int(counted["SM_NUM_NEURONS"])
    )
    mine = ours(REQUESTS[name], host, machine)
    found: dict[str, Any] = {}
    for part in ("variables", "outer"):
        for key in sorted({*theirs[part], *mine[part]}):
            if theirs[part].get(key) != mine[part].get(key):
                found[key] = (theirs[part].get(key), mine[part].get(key))
    if theirs["command"] != mine["command"]:
        found["command"] = (theirs["command"], mine["command"])
    return found


def test_every_request_is_recorded() -> None:
    assert len(REQUESTS) >= 30
    assert {name: contract.host_names(request)[:3] for name, request in REQUESTS.items()} == {
        name: sorted(hosts) for name, hosts in RECORDED.items()
    }


@pytest.mark.parametrize(("name", "host"), CASES, ids=[f"{name}-{host}" for name, host in CASES])
def test_as_recorded_from_the_toolkit(name: str, host: str) -> None:
    assert differences(RECORDED[name][host], name, host) == {}


def _python_with_toolkit() -> str | None:
    named = os.environ.get("CURSUS_TOOLKIT_PYTHON")
    if named:
        return named
    return sys.executable if importlib.util.find_spec("sagemaker_training") else None


@pytest.mark.skipif(
    _python_with_toolkit() is None,
    reason="sagemaker-training is not installed (CURSUS_TOOLKIT_PYTHON names a Python that has it)",
)
@pytest.mark.parametrize("name", REQUESTS)
def test_as_the_toolkit_says_now(name: str) -> None:
    host = contract.host_names(REQUESTS[name])[-1]
    assert differences(ask(_python_with_toolkit() or "", REQUESTS[name], host), name, host) == {}


def test_failure_text_is_the_toolkits() -> None:
    assert toolkit.failure(2, "ValueError: bad", ["python", "--", "train.py"]) == (
        'ExecuteUserScriptError:\nExitCode 2\nErrorMessage "ValueError: bad"\nCommand "python -- train.py"'
    )
    assert 'ExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"' in toolkit.failure(137, "", ["x"])


def test_error_message_is_all_from_the_first_line_that_names_an_error() -> None:
    lines = [
        "epoch 1",
        "ValueError: bad :",
        "Traceback (most recent call last):",
        '  File "t.py"',
        "ValueError: bad",
    ]
    kept = 'ValueError: bad\n Traceback (most recent call last)\n File "t.py"\n ValueError: bad'
    assert toolkit.error_message(lines) == kept

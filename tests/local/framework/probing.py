"""Asks the real toolkit, in a Python that has it, what it makes of a request."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from cursus.local import contract, host

REGION = "us-east-1"


def ask(python: str, probe: str, request: dict[str, Any], name: str) -> dict[str, Any]:
    """What the program ``probe`` of this folder says, in a container of ``request``'s host ``name``."""
    with tempfile.TemporaryDirectory() as folder:
        base = f"{folder}/opt/ml"
        host.make_tree(base)
        host.write_config(request, name, REGION, base)
        environment = {"PATH": "/usr/bin:/bin", "HOME": folder, **contract.variables(request, name, REGION)}
        done = subprocess.run(
            [python, str(Path(__file__).with_name(probe)), base],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
    if done.returncode:
        raise RuntimeError(done.stderr)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told

"""One request as the toolkit sees it and as cursus makes it.

``python -m tests.local.toolkit_cases PYTHON`` records the first, with a Python that has sagemaker-training.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cursus.local import contract, host, toolkit

HERE = Path(__file__).parent
GOLDEN = HERE / "toolkit_golden.json"
REGION = "us-east-1"


def ask(python: str, request: dict[str, Any], name: str) -> dict[str, Any]:
    """What the toolkit of ``python`` makes of ``request`` on host ``name``."""
    with tempfile.TemporaryDirectory() as folder:
        base = f"{folder}/opt/ml"
        host.make_tree(base)
        host.write_config(request, name, request["HyperParameters"], REGION, base)
        environment = {"PATH": "/usr/bin:/bin", "HOME": folder, **contract.variables(request, name, REGION)}
        done = subprocess.run(
            [python, str(HERE / "toolkit_probe.py"), base],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told


def ours(request: dict[str, Any], name: str, machine: toolkit.Machine) -> dict[str, Any]:
    """What cursus makes of it, in the same form."""
    own = contract.variables(request, name, REGION)
    hyperparameters = request["HyperParameters"]
    resources, channels = contract.resource_config(request, name), contract.input_data_config(request)
    variables = toolkit.variables(hyperparameters, resources, channels, own, machine)
    script, settings = toolkit.split(toolkit.decode(hyperparameters))
    entry_point = own.get("SAGEMAKER_PROGRAM") or settings.get("sagemaker_program")
    command = None
    if entry_point:
        try:
            command = toolkit.command(entry_point, [], "PYTHON", toolkit.arguments(script))
        except ValueError:
            command = ["ClientError"]
    return {"variables": variables, "command": command, "outer": toolkit.overwritten(hyperparameters, name)}


def record(python: str) -> None:
    from tests.local.toolkit_requests import REQUESTS

    found = {
        name: {each: ask(python, request, each) for each in contract.host_names(request)[:3]}
        for name, request in REQUESTS.items()
    }
    version = subprocess.run(
        [python, "-c", "import importlib.metadata as m; print(m.version('sagemaker-training'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    source = f"sagemaker-training {version} (PyPI), asked by tests/local/toolkit_probe.py"
    GOLDEN.write_text(json.dumps({"source": source, "cases": found}, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    record(sys.argv[1])

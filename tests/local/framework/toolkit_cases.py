"""One request as the toolkit sees it and as cursus makes it.

``python -m tests.local.framework.toolkit_cases PYTHON`` records the first, with a Python that has sagemaker-training.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cursus.local import contract
from cursus.local.framework import toolkit
from tests.local.framework import probing
from tests.local.framework.probing import REGION

GOLDEN = Path(__file__).with_name("toolkit_golden.json")


def ask(python: str, request: dict[str, Any], name: str) -> dict[str, Any]:
    """What the toolkit of ``python`` makes of ``request`` on host ``name``."""
    return probing.ask(python, "toolkit_probe.py", request, name)


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
    from tests.local.framework.toolkit_requests import REQUESTS

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
    source = f"sagemaker-training {version} (PyPI), asked by tests/local/framework/toolkit_probe.py"
    GOLDEN.write_text(json.dumps({"source": source, "cases": found}, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    record(sys.argv[1])

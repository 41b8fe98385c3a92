"""Asks the real training toolkit what it makes of a request; run by a Python that has sagemaker-training.

``python toolkit_probe.py BASE ENTRY_POINT…`` prints, as JSON, its variables, arguments and command. ``BASE`` is a
folder that stands for /opt/ml; it is written as /opt/ml in what is printed.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    base = sys.argv[1]
    os.environ["SAGEMAKER_BASE_DIR"] = base
    import logging

    logging.disable(logging.CRITICAL)
    from sagemaker_training import environment, process

    found = environment.Environment()
    variables = found.to_env_vars()
    runner = process.ProcessRunner(found.user_entry_point, found.to_cmd_args(), variables, 1)
    command = None
    if found.user_entry_point:
        try:
            command = runner._create_command()
        except Exception as error:
            command = [type(error).__name__]
    told = {
        "variables": variables,
        "command": command,
        "outer": {
            name: os.environ[name] for name in ("SAGEMAKER_JOB_NAME", "SAGEMAKER_REGION", "CURRENT_HOST")
        },
    }
    text = json.dumps(told)
    print(text.replace(base, "/opt/ml").replace(sys.executable, "PYTHON"))


if __name__ == "__main__":
    main()

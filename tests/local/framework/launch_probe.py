"""Asks the real toolkit and its framework extensions how they start a request's script on one host.

``python launch_probe.py BASE`` prints, as JSON, for PyTorch's and for TensorFlow's container: the kind of launcher, the
command, and the variables that it adds. It is run by a Python that has sagemaker-training, sagemaker-pytorch-training
and sagemaker-tensorflow-training; TensorFlow itself is not needed. ``BASE`` stands for /opt/ml.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import types
from typing import Any


def main() -> None:
    base = sys.argv[1]
    os.environ.update(SAGEMAKER_BASE_DIR=base, SM_STUDIO_LOCAL_MODE="true")
    logging.disable(logging.CRITICAL)
    for name in ("tensorflow", "sagemaker_tensorflow_container.s3_utils"):
        sys.modules[name] = types.ModuleType(name)
    from sagemaker_training import entry_point, environment, mpi, runner

    mpi.MasterRunner._setup = lambda self: None
    before = dict(os.environ)
    told: dict[str, Any] = {}
    seen: dict[str, Any] = {}

    def run(**options: Any) -> None:
        seen.update(options)

    entry_point.run = run
    for framework in ("pytorch", "tensorflow"):
        os.environ.clear()
        os.environ.update(before)
        seen.clear()
        found = environment.Environment()
        if framework == "pytorch":
            from sagemaker_pytorch_container import training

            training.train(found)
        else:
            import sagemaker_tensorflow_container

            sagemaker_tensorflow_container.s3_utils = sys.modules["sagemaker_tensorflow_container.s3_utils"]
            from sagemaker_tensorflow_container import training

            training._run_ps = training._wait_until_master_is_down = lambda *_: None
            training.train(found, found.to_cmd_args())
        kind = seen.get("runner_type", runner.ProcessRunnerType)
        chosen = runner.get(kind, seen["user_entry_point"], seen["args"], seen["env_vars"])
        command = None
        if type(chosen).__name__ not in ("WorkerRunner", "SMDataParallelRunner", "PyTorchXLARunner"):
            try:
                command = chosen._create_command()
            except Exception as error:
                command = [type(error).__name__]
        added = {name: value for name, value in os.environ.items() if before.get(name) != value}
        config = seen["env_vars"].get("TF_CONFIG")
        told[framework] = {
            "launcher": kind.name,
            "command": command,
            "added": added,
            "TF_CONFIG": config and json.loads(config),
        }
    print(json.dumps(told).replace(base, "/opt/ml").replace(sys.executable, "PYTHON"))


if __name__ == "__main__":
    main()

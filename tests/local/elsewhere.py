"""A step that a client in a process of its own runs, where a test can kill it, or leave it without a disk or a home."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from cursus.model import Step

CLIENT = """
import json, sys
from cursus.local.options import Options
from cursus.local.runner import run_step
from cursus.model import Promises, SourceCode, Step
spec = json.loads(sys.argv[1])
step = Step("t", "CreateTrainingJob", spec["request"], source=SourceCode(spec["source"], "train.py"),
            promises=Promises(local_channels=spec["channels"]))
try:
    job = run_step(step, root=spec["root"], detach=spec["detach"], options=Options(**spec["options"]))
except KeyboardInterrupt:
    sys.exit(130)
"""
TELL = """
evidence = job.evidence
print(json.dumps({"status": job.status, "reason": job.failure_reason, "logs": job.logs(), "level": evidence.isolation,
                  "not_reproduced": evidence.not_reproduced, "files": sorted(f.path for f in evidence.model_files)}))
"""


def client(
    step: Step,
    root: Path,
    then: str = TELL,
    python: str = sys.executable,
    detach: bool = False,
    **options: Any,
) -> list[str]:
    """The command that runs a step in ``root`` with these options, and ``then`` tells of its job."""
    assert step.source is not None
    spec = {
        "request": step.request,
        "source": step.source.directory,
        "channels": step.promises.local_channels,
        "root": str(root),
        "detach": detach,
        "options": options,
    }
    return [python, "-c", CLIENT + then, json.dumps(spec)]

"""How a job ended, in SageMaker's words: its FailureReason.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
"""

from __future__ import annotations

import os

LIMIT = 1024
"""Characters of the failure file that become the FailureReason."""


def failure_file(ml: str) -> str | None:
    """The first 1,024 characters of ``/opt/ml/output/failure``; None where there is no such file."""
    path = os.path.join(ml, "output", "failure")
    try:
        if not os.path.isfile(path):
            return None
        with open(path, "rb") as file:
            return file.read(LIMIT * 4).decode("utf-8", "replace")[:LIMIT]
    except OSError:
        return None


def leave_failure(ml: str, text: str) -> None:
    """Write the failure file as the toolkit does: one that is there already stays."""
    path = os.path.join(ml, "output", "failure")
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except OSError:
        pass  # it is there, or the disk is full: the reason is known to the record all the same


def algorithm_error(text: str | None, code: int) -> str:
    """FailureReason of a container that ended with ``code``, and left ``text`` in its failure file."""
    return f"AlgorithmError: {text or ''}, exit code: {code}"

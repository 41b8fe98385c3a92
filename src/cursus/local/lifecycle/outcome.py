"""How a job ended, in SageMaker's words: its FailureReason.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-signal-success-failure.html
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cursus.local.lifecycle.hosts import Host

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
    # It may be there, or the disk full: the reason is known to the record all the same.
    with suppress(OSError), open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def algorithm_error(text: str | None, code: int) -> str:
    """FailureReason of a container that ended with ``code``, and left ``text`` in its failure file."""
    return f"AlgorithmError: {text or ''}, exit code: {code}"


def failure_reason(one: Host) -> str:
    """Why the job failed, where this host's program ended with another code than 0."""
    from cursus.local import contract
    from cursus.local.framework import distribution, toolkit

    lost = None if one.contained is None else one.contained.failure()
    if lost is not None:
        return lost
    if one.level == "unshare" and "exit" not in one.facts:  # nobody was left to tell how it ended
        return f"InternalServerError: the host {one.name} was lost: it ended with code {one.exit_code}"
    text = ""
    if "cannot_execute" in one.facts:
        why = str(one.facts.get("reason"))
        if one.facts.get("errno") == errno.ENOENT:
            why = "executable file not found in $PATH"
        text = f"exec: {json.dumps(one.facts['cannot_execute'])}: {why}"
    if one.script_exit is not None:
        image = contract.training_image(one.owner.request)
        lines = one.log.tail() if one.log is not None and distribution.captures(image) else []
        text = (
            toolkit.older_failure(one.command)
            if distribution.older(image)
            else toolkit.failure(one.script_exit, toolkit.error_message(lines), one.command)
        )
    if text:
        leave_failure(one.ml, text)
    # On a full disk the file may be there and empty, or not at all.
    left = failure_file(one.ml) or text[:LIMIT]
    return algorithm_error(left, one.exit_code or 0)

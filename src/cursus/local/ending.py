"""Why a job failed: what the end of a host says."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING

from cursus.local import distribution, outcome, toolkit

if TYPE_CHECKING:
    from cursus.local.hosts import Host


def failure_reason(one: Host) -> str:
    """Why the job failed, where this host's program ended with another code than 0."""
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
        image = (one.owner.request.get("AlgorithmSpecification") or {}).get("TrainingImage")
        lines = one.log.tail() if one.log is not None and distribution.captures(image) else []
        text = (
            toolkit.older_failure(one.command)
            if distribution.older(image)
            else toolkit.failure(one.script_exit, toolkit.error_message(lines), one.command)
        )
    if text:
        outcome.leave_failure(one.ml, text)
    # On a full disk the file may be there and empty, or not at all.
    left = outcome.failure_file(one.ml) or text[: outcome.LIMIT]
    return outcome.algorithm_error(left, one.exit_code or 0)

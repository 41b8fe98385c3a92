"""UpdateTrainingJob: what may still be changed of a job, kept beside the record that its supervisor writes.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateTrainingJob.html
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from cursus.local.jobs import record, warm

MEMBERS = ("ProfilerConfig", "ProfilerRuleConfigurations", "ResourceConfig", "RemoteDebugConfig")
PROFILER = MEMBERS[:2]
DEBUGGABLE = ("Downloading", "Training")
"""The statuses in which RemoteDebugConfig can be changed."""
RETAINED = ("InUse", "Available")
"""Of a warm pool whose KeepAlivePeriodInSeconds can be changed:
https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html"""


def refuse(state: Mapping[str, Any], request: Mapping[str, Any]) -> str | None:
    """Why a job is not updated, or None. That these are refused is documented, the service's words are not."""
    name = request["TrainingJobName"]
    if not any(member in request for member in MEMBERS):
        return f"No update to the training job {name} is asked for: give one of {', '.join(MEMBERS)}."
    status = state["status"]
    if any(member in request for member in PROFILER) and status != "InProgress":
        return f"The profiler configuration of the training job {name} cannot be updated: it is in status {status}."
    if "RemoteDebugConfig" in request and not (
        status == "InProgress" and state.get("secondary") in DEBUGGABLE
    ):
        known = " or ".join(DEBUGGABLE)
        return (
            f"RemoteDebugConfig of the training job {name} can be updated while its SecondaryStatus is {known}, and "
            f"it is {state.get('secondary')}."
        )
    pool = (warm.status(state) or {}).get("Status", "no warm pool")
    if "ResourceConfig" in request and status != "InProgress" and pool not in RETAINED:
        return (
            f"KeepAlivePeriodInSeconds of the training job {name} cannot be updated: its warm pool is {pool}."
        )
    return None


def keep(folder: str, request: Mapping[str, Any]) -> None:
    """Write down what a request changes, over what an earlier one did. Raises OSError."""
    changes = {member: request[member] for member in MEMBERS if member in request}
    try:
        lock = record.acquire(folder)
    except OSError:  # its supervisor has it: what it writes does not know of this
        record.write_updates(folder, {**record.updates(folder), **changes})
        return
    try:
        state = record.updated(record.load(folder), changes)
        pool = state.get("warm_pool")
        if pool and not pool["seconds"]:  # given up now
            pool["seconds"] = int(max(0.0, time.time() - float(state["ended"])))
        record.replace(folder, state)
        if os.path.exists(os.path.join(folder, record.UPDATES)):
            os.unlink(os.path.join(folder, record.UPDATES))
    finally:
        os.close(lock)

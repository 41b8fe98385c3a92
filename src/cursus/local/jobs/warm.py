"""Warm pools: ``KeepAlivePeriodInSeconds`` keeps instances for the next job that matches.

Here every job starts at once, so that there is nothing to keep but the record: which pool is available, which
job took it, and how long it would have been billed.
https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from typing import Any

from cursus.local.jobs import folders, record

MEMBERS = ("RoleArn", "VpcConfig", "EnableInterContainerTrafficEncryption", "EnableNetworkIsolation")
RESOURCES = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")
"""What has to be the same, of the request and of its ResourceConfig, for a job to take a pool."""


def of(request: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a job's record says about its pool at first; None where it keeps none."""
    seconds = (request.get("ResourceConfig") or {}).get("KeepAlivePeriodInSeconds")
    return {"seconds": seconds} if isinstance(seconds, int) and seconds > 0 else None


def status(state: Mapping[str, Any]) -> dict[str, Any] | None:
    """WarmPoolStatus of a job as its record and the clock tell; None where it has no pool."""
    pool = state.get("warm_pool")
    if not pool:
        return None
    if state["status"] not in record.FINAL:
        return {"Status": "InUse"}
    if state["status"] != "Completed":
        return {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 0}
    now, ended = time.time(), float(state["ended"])
    if "reused_by" in pool:
        retained = math.ceil(max(0.0, float(pool["reused_at"]) - ended))
        return {
            "Status": "Reused",
            "ResourceRetainedBillableTimeInSeconds": retained,
            "ReusedByJob": pool["reused_by"],
        }
    if now >= ended + pool["seconds"]:
        return {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": pool["seconds"]}
    return {"Status": "Available", "ResourceRetainedBillableTimeInSeconds": math.ceil(max(0.0, now - ended))}


def matching(request: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True where a job of ``request`` may take the pool that a job of ``other`` left."""
    resources, others = (entry.get("ResourceConfig") or {} for entry in (request, other))
    return all((request.get(name) or None) == (other.get(name) or None) for name in MEMBERS) and all(
        resources.get(name) == others.get(name) for name in RESOURCES
    )


def take(root: str, name: str, request: Mapping[str, Any]) -> str | None:
    """Take an available pool for the job ``name``; the job that left it, or None."""
    for other, short in folders.states(root):
        if other == name or (status(short) or {}).get("Status") != "Available":
            continue
        if _take(folders.folder_of(root, other), name, request):
            return other
    return None


def _take(folder: str, name: str, request: Mapping[str, Any]) -> bool:
    try:
        lock = record.acquire(folder)  # of two jobs that match one gets it
    except OSError:
        return False
    try:
        state = record.load(folder)
        if (status(state) or {}).get("Status") != "Available" or not matching(request, state["request"]):
            return False
        state["warm_pool"] = {**state["warm_pool"], "reused_by": name, "reused_at": time.time()}
        record.replace(folder, state)
        return True
    except (OSError, ValueError, KeyError):
        return False
    finally:
        os.close(lock)

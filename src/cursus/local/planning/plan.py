"""What the supervisor has to know of a job, as JSON data: the request, and what this machine has for it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cursus.local import contract
from cursus.local.isolation.mounts import kept_paths
from cursus.local.jobs import warm
from cursus.local.planning.limits import memory_limits, not_reproduced
from cursus.model import Step
from cursus.steps.sources import OWN_PROGRAM

if TYPE_CHECKING:
    from cursus.local.options import Options


def plan(step: Step, request: dict[str, Any], root: str, folder: str, options: Options) -> dict[str, Any]:
    """Everything that the supervisor has to know, as JSON data."""
    from cursus.redact import redact

    region = contract.region_of(request, step.region)
    algorithm = request.get("AlgorithmSpecification") or {}
    uris = _artifacts(request)
    paths = [path for path in sys.path if path and os.path.isdir(path)]
    pool = warm.of(request)
    # A pipeline's step has no job's name of its own.
    named = replace(step, request={**step.request, "TrainingJobName": request["TrainingJobName"]})
    return {
        "folder": folder,
        "root": root,
        "request": request,
        "region": region,
        "channels": {key: os.path.abspath(path) for key, path in step.promises.local_channels.items()},
        "source": None if step.source is None else os.path.abspath(step.source.directory),
        "entry_point": _entry_point(step),
        "command": [
            *(algorithm.get("ContainerEntrypoint") or ()),
            *(algorithm.get("ContainerArguments") or ()),
        ]
        or ["./" + OWN_PROGRAM],
        "checkpoints": contract.checkpoints(request),
        "python": sys.executable,
        "paths": paths,
        "keep": kept_paths(),
        "installable": installable(paths, sys.prefix, sys.executable),
        "stop_after": options.stop_after,
        **_limit(request, options.timeout),
        "grace": options.grace,
        "level": options.level,
        "secrets": _secrets(request),
        "uris": uris,
        "memory": memory_limits(request),
        "not_reproduced": not_reproduced(named),
        "missing_requirements": missing_requirements(step, paths),
        "state": {
            "version": 1,
            "request": redact(request),
            "arn": contract.job_arn(request, region),
            "model_uri": uris["model"] or "",
            "created": time.time(),
            "hosts": contract.host_names(request),
            "region": region,
            **({"warm_pool": pool} if pool else {}),
        },
    }


def _limit(request: Mapping[str, Any], timeout: float | None) -> dict[str, Any]:
    """How long it may train, and whose limit that is."""
    maximum = (request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds")
    limits = [limit for limit in (maximum, timeout) if isinstance(limit, (int, float))]
    its_own = limits and min(limits) == maximum
    return {
        "limit": min(limits) if limits else None,
        "limit_reason": "MaxRuntimeExceeded" if its_own else "the timeout of this run",
    }


def _artifacts(request: Mapping[str, Any]) -> dict[str, str | None]:
    """Where the archives of a job go; None where the request names no place."""
    config = request.get("OutputDataConfig") or {}
    output = str(config.get("S3OutputPath") or "").rstrip("/")
    if not output:
        return {"model": None, "output": None}
    ending = "" if config.get("CompressionType") == "NONE" else ".tar.gz"
    return {key: f"{output}/{request['TrainingJobName']}/output/{key}{ending}" for key in ("model", "output")}


def _entry_point(step: Step) -> str | None:
    """What the toolkit would start; None where the request names the container's own command."""
    algorithm = step.request.get("AlgorithmSpecification") or {}
    if algorithm.get("ContainerEntrypoint") or algorithm.get("ContainerArguments") or step.source is None:
        return None
    if step.source.entry_point == OWN_PROGRAM and "sagemaker_program" not in (
        step.request.get("HyperParameters") or {}
    ):
        return None  # an image of one's own, which starts its program itself
    return step.source.entry_point


def installable(paths: Sequence[str], prefix: str, executable: str) -> list[str]:
    """Directories that ``pip install`` writes to and this user may write to: a job gets them as an overlay."""
    found = [
        path
        for path in paths
        if path.endswith(("site-packages", "dist-packages"))
        and path.startswith(prefix + "/")
        and os.access(path, os.W_OK)
    ]
    scripts = os.path.dirname(executable)
    if found and os.access(scripts, os.W_OK):
        found.append(scripts)
    return list(dict.fromkeys(map(os.path.realpath, found)))


def _secrets(request: Mapping[str, Any]) -> list[str]:
    """The values of variables and hyperparameters that must not be kept."""
    from cursus.redact import is_secret_name, is_secret_value

    found: set[str] = set()
    for member in ("Environment", "HyperParameters"):
        for name, value in (request.get(member) or {}).items():
            if (
                isinstance(value, str)
                and len(value) >= 6
                and (is_secret_name(name) or is_secret_value(value))
            ):
                found.add(value)
    return sorted(found, key=len, reverse=True)


def missing_requirements(step: Step, paths: Sequence[str]) -> list[str]:
    """What the source's requirements.txt asks for and none of the paths has."""
    if step.source is None:
        return []
    path = os.path.join(step.source.directory, "requirements.txt")
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(1 << 20)
    except OSError:
        return []
    from cursus.local.monitoring import runtime

    return runtime.missing_requirements(text, paths)

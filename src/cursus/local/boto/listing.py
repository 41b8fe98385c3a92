"""ListTrainingJobs over the jobs of a root: filters, order, pages.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobs.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from cursus.aws import schema
from cursus.local.boto.errors import client_error, validation_error
from cursus.local.jobs import folders, warm
from cursus.local.jobs.describe import moment

OPERATION = "ListTrainingJobs"
MOST = 100
TIMES = ("CreationTimeAfter", "CreationTimeBefore", "LastModifiedTimeAfter", "LastModifiedTimeBefore")


def page(root: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """One page of summaries. Raises ClientError (ValidationException)."""
    times = {name: _seconds(request[name]) for name in TIMES if name in request}
    violations = [
        *schema.validate(OPERATION, {name: value for name, value in request.items() if name not in times}),
        *(
            schema.Violation((name,), "type", "wrong type", request[name], "timestamp")
            for name, time in times.items()
            if time is None
        ),
    ]
    if violations:
        raise validation_error(violations, OPERATION)
    after = _token(request.get("NextToken"))
    by, down = request.get("SortBy", "CreationTime"), request.get("SortOrder") == "Descending"
    limit = request.get("MaxResults")
    status = request.get("StatusEquals")
    found = []
    for name, state in folders.states(root):
        if _wanted(request, times, name, state) and (limit is not None or status in (None, state["status"])):
            found.append((_key(by, name, state), state))
    found.sort(key=lambda pair: pair[0], reverse=down)
    if after is not None:
        found = [pair for pair in found if (pair[0] < after if down else pair[0] > after)]
    shown = found[: limit or MOST]
    response: dict[str, Any] = {
        "TrainingJobSummaries": [summary(state) for _, state in shown if status in (None, state["status"])]
    }
    if len(found) > len(shown):
        response["NextToken"] = base64.urlsafe_b64encode(json.dumps(shown[-1][0]).encode()).decode()
    return response


def summary(state: Mapping[str, Any]) -> dict[str, Any]:
    """A TrainingJobSummary."""
    found: dict[str, Any] = {
        "TrainingJobName": state["request"]["TrainingJobName"],
        "TrainingJobArn": state["arn"],
        "CreationTime": moment(state["created"]),
        "LastModifiedTime": moment(state.get("modified", state["created"])),
        "TrainingJobStatus": state["status"],
        "SecondaryStatus": state.get("secondary", state["status"]),
    }
    if state.get("ended") is not None:
        found["TrainingEndTime"] = moment(state["ended"])
    pool = warm.status(state)
    if pool is not None:
        found["WarmPoolStatus"] = pool
    plan = (state["request"].get("ResourceConfig") or {}).get("TrainingPlanArn")
    if plan is not None:
        found["TrainingPlanArn"] = plan
    return found


def _key(by: str, name: str, state: Mapping[str, Any]) -> list[Any]:
    first = {"Name": name, "Status": state["status"]}.get(by, state["created"])
    return [first, name]


def _wanted(
    request: Mapping[str, Any], times: Mapping[str, float], name: str, state: Mapping[str, Any]
) -> bool:
    if request.get("NameContains", "") not in name:
        return False
    created, modified = state["created"], state.get("modified", state["created"])
    for member, value in times.items():
        moment = created if member.startswith("Creation") else modified
        if (moment <= value) if member.endswith("After") else (moment >= value):
            return False
    pool = request.get("WarmPoolStatusEquals")
    if pool is not None and (warm.status(state) or {}).get("Status") != pool:
        return False
    plan = request.get("TrainingPlanArnEquals")
    return plan is None or (state["request"].get("ResourceConfig") or {}).get("TrainingPlanArn") == plan


def _seconds(value: Any) -> Any:
    """A time as boto takes it (datetime, seconds, ISO text) in seconds since the epoch; None where it is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
        value = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _token(text: str | None) -> list[Any] | None:
    if text is None:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
    except ValueError:
        found = None
    if not isinstance(found, list) or len(found) != 2:
        raise client_error("ValidationException", "Invalid NextToken.", OPERATION)
    return found

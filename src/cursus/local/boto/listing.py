"""ListTrainingJobs over the jobs of a root: filters, order, pages.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobs.html
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from cursus.aws.schema import Violation
from cursus.local.boto.errors import client_error, validation_error
from cursus.local.jobs import folders, warm
from cursus.local.jobs.describe import moment

OPERATION = "ListTrainingJobs"
MOST = 100
STATUSES = ("InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting")
CHOICES: dict[str, tuple[str, ...]] = {
    "StatusEquals": STATUSES,
    "SortBy": ("Name", "CreationTime", "Status"),
    "SortOrder": ("Ascending", "Descending"),
    "WarmPoolStatusEquals": ("Available", "Terminated", "Reused", "InUse"),
}
TIMES = ("CreationTimeAfter", "CreationTimeBefore", "LastModifiedTimeAfter", "LastModifiedTimeBefore")
TEXTS = ("NextToken", "NameContains", "TrainingPlanArnEquals")
MEMBERS = (*TEXTS, "MaxResults", *TIMES, *CHOICES)
NAME_PART = r"[a-zA-Z0-9\-]+"


def page(root: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """One page of summaries. Raises ClientError (ValidationException)."""
    violations = list(_violations(request))
    if violations:
        raise validation_error(violations, OPERATION)
    after = _token(request.get("NextToken"))
    times = {name: _seconds(request[name]) for name in TIMES if name in request}
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


def _violations(request: Mapping[str, Any]) -> Iterator[Violation]:
    for member, value in request.items():
        path = (member,)
        if member not in MEMBERS:
            yield Violation(path, "unknown", f"unknown member {member!r}", options=MEMBERS)
        elif member in CHOICES and value not in CHOICES[member]:
            text = f"Member must satisfy enum value set: [{', '.join(CHOICES[member])}]"
            yield Violation(path, "enum", text, value, CHOICES[member])
        elif member in TEXTS and not isinstance(value, str):
            yield Violation(path, "type", "wrong type", value, "string")
        elif member == "NameContains" and value and not re.fullmatch(NAME_PART, value):
            text = f"Member must satisfy regular expression pattern: {NAME_PART}"
            yield Violation(path, "pattern", text, value, NAME_PART)
        elif member == "MaxResults":
            yield from _count(path, value)
        elif member in TIMES and _seconds(value) is None:
            yield Violation(path, "type", "wrong type", value, "timestamp")


def _count(path: tuple[str], value: Any) -> Iterator[Violation]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield Violation(path, "type", "wrong type", value, "integer")
    elif value < 1:
        text = "Member must have value greater than or equal to 1"
        yield Violation(path, "range", text, value, 1, bound="min")
    elif value > MOST:
        text = f"Member must have value less than or equal to {MOST}"
        yield Violation(path, "range", text, value, MOST, bound="max")


def _seconds(value: Any) -> Any:
    """A time as boto takes it (datetime, seconds, ISO text) in seconds since the epoch; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
    return None


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

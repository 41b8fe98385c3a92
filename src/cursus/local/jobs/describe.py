"""A job's record → DescribeTrainingJob's response.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
"""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Any

from cursus.local.jobs import warm

NOT_ECHOED = ("SessionChainingConfig", "Tags")
"""Members of the request that the response has not."""

FALSE_BY_DEFAULT = (
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
)


def description(state: dict[str, Any]) -> dict[str, Any]:
    """The response, with times as boto3 gives them."""
    request = state["request"]
    found: dict[str, Any] = {name: value for name, value in request.items() if name not in NOT_ECHOED}
    for name in FALSE_BY_DEFAULT:
        found.setdefault(name, False)
    if isinstance(found.get("OutputDataConfig"), dict):
        found["OutputDataConfig"] = {"KmsKeyId": "", **found["OutputDataConfig"]}
    if found.get("InputDataConfig"):
        found["InputDataConfig"] = [
            {"CompressionType": "None", "RecordWrapperType": "None", **channel}
            for channel in found["InputDataConfig"]
        ]
    found["TrainingJobArn"] = state["arn"]
    found["TrainingJobStatus"] = state["status"]
    found["SecondaryStatus"] = state["secondary"]
    found["ModelArtifacts"] = {"S3ModelArtifacts": state["model_uri"]}
    if state.get("failure_reason") is not None:
        found["FailureReason"] = str(state["failure_reason"])[:1024]
    found["CreationTime"] = moment(state["created"])
    found["LastModifiedTime"] = moment(state["modified"])
    started, ended = state.get("started"), state.get("ended")
    if started is not None:
        found["TrainingStartTime"] = moment(started)
    if ended is not None:
        found["TrainingEndTime"] = moment(ended)
        seconds = training_seconds(state)
        if seconds is not None:
            found["TrainingTimeInSeconds"] = found["BillableTimeInSeconds"] = seconds
            if "billable" in state:
                found["BillableTimeInSeconds"] = min(seconds, max(1, math.ceil(state["billable"])))
    found["SecondaryStatusTransitions"] = [_transition(step) for step in state["transitions"]]
    pool = warm.status(state)
    if pool is not None:
        found["WarmPoolStatus"] = pool
    if state.get("metrics"):
        found["FinalMetricDataList"] = [
            {"MetricName": name, "Timestamp": moment(time), "Value": value}
            for name, (time, value) in state["metrics"].items()
        ]
    return found


def training_seconds(state: dict[str, Any]) -> int | None:
    """TrainingTimeInSeconds: from the start of the download to the end; None before that, or without a start."""
    started, ended = state.get("started"), state.get("ended")
    return None if started is None or ended is None else max(1, math.ceil(ended - started))


def _transition(step: dict[str, Any]) -> dict[str, Any]:
    found = dict(step)
    for name in ("StartTime", "EndTime"):
        if name in found:
            found[name] = moment(found[name])
    return found


def moment(seconds: float) -> datetime:
    """A time as boto3 gives it."""
    return datetime.fromtimestamp(seconds, timezone.utc)

"""``boto3.client("logs")`` for the logs of jobs that run here, as far as it is read for a training job.

A job's stream is ``<TrainingJobName>/<host>`` in the group ``/aws/sagemaker/TrainingJobs``:
https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
"""

from __future__ import annotations

import os
from typing import Any

from cursus.local.boto.errors import Exceptions, client_error, metadata
from cursus.local.jobs import folders, record
from cursus.local.metrics import LINE_LIMIT
from cursus.local.monitoring.logs import Times

GROUP = "/aws/sagemaker/TrainingJobs"
PAGE = 1 << 20
"""Bytes of one response: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html"""
MOST = 10_000


class LogsClient:
    """Reads the logs of the jobs in ``root`` with the methods of a CloudWatch Logs client."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.exceptions = Exceptions()

    def describe_log_streams(self, **request: Any) -> dict[str, Any]:
        """The streams whose name begins with ``logStreamNamePrefix``: one for each host that has begun.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html
        """
        prefix = str(request.get("logStreamNamePrefix", ""))
        job = prefix.partition("/")[0]
        names = (
            [job] if "/" in prefix else [name for name in folders.names(self.root) if name.startswith(prefix)]
        )
        found = (
            [] if request.get("logGroupName") != GROUP else [s for name in names for s in self._streams(name)]
        )
        streams = [{"logStreamName": name} for name in found if name.startswith(prefix)]
        return {"logStreams": streams[: request.get("limit", 50)], "ResponseMetadata": metadata()}

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        """The lines of a stream from ``nextToken`` on, or from its beginning.

        The time of a line is when it came, to a tenth of a second.

        Raises ClientError: ResourceNotFoundException, InvalidParameterException.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
        """
        name = str(request.get("logStreamName", ""))
        job, _, host = name.partition("/")
        if request.get("logGroupName") != GROUP or name not in self._streams(job):
            text = "The specified log stream does not exist."
            raise client_error("ResourceNotFoundException", text, "GetLogEvents")
        offset = _offset(request.get("nextToken"))
        state = folders.find(self.root, job)
        ended = state is None or state["status"] in record.FINAL  # asked before the file is read
        path = self._path(job, host)
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read(PAGE)
        lines, size = _lines(
            data, min(int(request.get("limit", MOST)), MOST), last=ended and len(data) < PAGE
        )
        times = Times(path, 0.0 if state is None else float(state.get("started", state["created"])))
        first, end = request.get("startTime", 0), request.get("endTime", float("inf"))
        came = [(int(times.at(offset + place) * 1000), line) for place, line in lines]
        events = [
            {"timestamp": moment, "message": line, "ingestionTime": moment}
            for moment, line in came
            if first <= moment < end
        ]
        return {
            "events": events,
            "nextForwardToken": f"f/{offset + size}",
            "nextBackwardToken": f"b/{offset}",
            "ResponseMetadata": metadata(),
        }

    def _path(self, job: str, host: str) -> str:
        return os.path.join(folders.folder_of(self.root, job), "logs", host + ".log")

    def _streams(self, job: str) -> list[str]:
        if folders.find(self.root, job) is None:
            return []
        try:
            found = os.listdir(os.path.join(folders.folder_of(self.root, job), "logs"))
        except OSError:
            return []
        return sorted(f"{job}/{name[: -len('.log')]}" for name in found if name.endswith(".log"))


def _offset(token: Any) -> int:
    if token is None:
        return 0
    kind, _, number = str(token).partition("/")
    if kind not in ("f", "b") or not number.isdigit():
        raise client_error("InvalidParameterException", "The specified nextToken is invalid.", "GetLogEvents")
    return int(number)


def _lines(data: bytes, limit: int, *, last: bool) -> tuple[list[tuple[int, str]], int]:
    """At most ``limit`` lines with their places, and the bytes that they take.

    What has no end is a line only at the end.
    """
    lines: list[tuple[int, str]] = []
    place = 0
    while place < len(data) and len(lines) < limit:
        end = data.find(b"\n", place, place + LINE_LIMIT + 1)
        if end >= 0:
            piece, after = data[place:end], end + 1
        elif len(data) - place > LINE_LIMIT:
            piece, after = data[place : place + LINE_LIMIT], place + LINE_LIMIT
        elif last:
            piece, after = data[place:], len(data)
        else:
            break
        lines.append((place, piece.decode("utf-8", "replace").rstrip("\r")))
        place = after
    return lines, place

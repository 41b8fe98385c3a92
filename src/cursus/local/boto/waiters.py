"""Waiters and paginators of ``cursus.local.Client``, with the methods of botocore's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cursus.local.boto.errors import waiter_error

POLL_SECONDS = 0.1
Call = Callable[..., dict[str, Any]]


class Waiter:
    """``training_job_completed_or_stopped``: waits for a job's end.

    A boto waiter asks every 120 seconds, 180 times. This one looks as often as it costs nothing, for as long
    altogether. https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services/sagemaker.html
    """

    name = "TrainingJobCompletedOrStopped"
    delay = 120.0
    max_attempts = 180

    def __init__(self, describe: Call) -> None:
        self._describe = describe

    def wait(self, **request: Any) -> None:
        """Return when the job ``TrainingJobName`` is Completed or Stopped.

        Raises:
            botocore.exceptions.WaiterError: it failed, there is no such job, or ``WaiterConfig``'s
                ``Delay`` times ``MaxAttempts`` seconds are over.
        """
        config = dict(request.pop("WaiterConfig", None) or {})
        delay = float(config.get("Delay", self.delay))
        attempts = int(config.get("MaxAttempts", self.max_attempts))
        end = time.monotonic() + delay * max(0, attempts - 1)
        while True:
            told = self._ask(request)
            status = told["TrainingJobStatus"]
            if status in ("Completed", "Stopped"):
                return
            if status == "Failed":
                text = f'For expression "TrainingJobStatus" matched expected path: "{status}"'
                raise waiter_error(
                    self.name, f"Waiter encountered a terminal failure state: {text}", told
                ) from None
            left = end - time.monotonic()
            if left <= 0:
                raise waiter_error(self.name, "Max attempts exceeded", told)
            time.sleep(min(POLL_SECONDS, left))

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._describe(**request)
        except Exception as error:
            response = getattr(error, "response", None)
            if not isinstance(response, dict) or response["Error"]["Code"] != "ValidationException":
                raise
            text = response["Error"]["Message"]
            raise waiter_error(
                self.name, f"Waiter encountered a terminal failure state: {text}", response
            ) from error


class Pages:
    """The pages of one listing; iterates over responses."""

    def __init__(self, call: Call, key: str, request: dict[str, Any], config: Mapping[str, Any]) -> None:
        self._call = call
        self._key = key
        self._request = request
        self._limit = None if config.get("MaxItems") is None else int(config["MaxItems"])
        if config.get("PageSize") is not None:
            self._request["MaxResults"] = int(config["PageSize"])
        if config.get("StartingToken") is not None:
            self._request["NextToken"] = config["StartingToken"]
        self.resume_token: str | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        left = self._limit
        request = dict(self._request)
        while True:
            if left is not None and left < request.get("MaxResults", 100):
                request["MaxResults"] = max(1, left)
            page = self._call(**request)
            token = page.get("NextToken")
            if left is not None:
                page[self._key] = page[self._key][:left]
                left -= len(page[self._key])
                self.resume_token = token if left <= 0 else None
            yield page
            if token is None or (left is not None and left <= 0):
                return
            request["NextToken"] = token

    def build_full_result(self) -> dict[str, Any]:
        """All pages as one response."""
        found: list[Any] = []
        for page in self:
            found += page[self._key]
        result: dict[str, Any] = {self._key: found}
        if self.resume_token is not None:
            result["NextToken"] = self.resume_token
        return result

    def search(self, expression: str) -> Iterator[Any]:
        """What a JMESPath expression finds on each page, one after the other (needs jmespath, as boto3 has it)."""
        import jmespath  # type: ignore[import-untyped, unused-ignore]

        compiled = jmespath.compile(expression)
        for page in self:
            found = compiled.search(page)
            if isinstance(found, list):
                yield from found
            else:
                yield found


class Paginator:
    """``list_training_jobs``, page by page."""

    def __init__(self, call: Call, key: str) -> None:
        self._call = call
        self._key = key

    def paginate(self, **request: Any) -> Pages:
        """The pages of this listing; ``PaginationConfig`` has ``MaxItems``, ``PageSize``, ``StartingToken``."""
        config = request.pop("PaginationConfig", None) or {}
        return Pages(self._call, self._key, request, config)

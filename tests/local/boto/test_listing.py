"""What the client lists: filters, order, pages."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from cursus.local import Client
from tests.local.helpers import ARN, refused, request


@pytest.fixture
def listed(tmp_path: Path) -> Client:
    """A root of seven jobs that ended, created a second apart, ``job-6`` first."""
    from cursus.local.jobs.record import Record

    for number in range(7):
        name = f"job-{6 - number}" + ("-x" if number % 2 else "")
        folder = tmp_path / "jobs" / name
        folder.mkdir(parents=True)
        record = Record(
            str(folder), {"request": request(name=name), "arn": ARN, "model_uri": "", "created": 1e9 + number}
        )
        ended = ("Completed", "Failed", "Stopped")[number % 3]
        record.transition(ended, ended)
        record.close()
    return Client(tmp_path)


def listing(client: Client, **request: Any) -> list[str]:
    return [one["TrainingJobName"] for one in client.list_training_jobs(**request)["TrainingJobSummaries"]]


def test_list_filters_and_order(listed: Client) -> None:
    everything = ["job-6", "job-5-x", "job-4", "job-3-x", "job-2", "job-1-x", "job-0"]
    assert listing(listed) == listing(listed, SortBy="CreationTime", SortOrder="Ascending") == everything
    assert listing(listed, SortOrder="Descending") == everything[::-1]
    assert listing(listed, SortBy="Name") == sorted(everything)
    assert listing(listed, NameContains="-x") == everything[1::2]
    assert listing(listed, StatusEquals="Failed") == ["job-5-x", "job-2"]
    assert listing(listed, StatusEquals="Failed", MaxResults=2) == ["job-5-x"]  # as the API documents it
    assert listing(listed, SortBy="Status")[:3] == ["job-0", "job-3-x", "job-6"]
    third = datetime.fromtimestamp(1e9 + 2, timezone.utc)
    assert listing(listed, CreationTimeAfter=third) == everything[3:]
    assert listing(listed, CreationTimeBefore=third) == everything[:2]
    now = datetime.now(timezone.utc)
    assert listing(listed, LastModifiedTimeAfter=now - timedelta(hours=1)) == everything
    assert listing(listed, LastModifiedTimeBefore=time.time() - 3600) == []
    assert listing(listed, WarmPoolStatusEquals="Available") == []


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_list_pages(listed: Client, order: str) -> None:
    first = listed.list_training_jobs(MaxResults=3, SortOrder=order)
    second = listed.list_training_jobs(MaxResults=3, SortOrder=order, NextToken=first["NextToken"])
    third = listed.list_training_jobs(MaxResults=3, SortOrder=order, NextToken=second["NextToken"])
    pages = [first, second, third]
    assert [len(page["TrainingJobSummaries"]) for page in pages] == [3, 3, 1]
    assert "NextToken" not in third
    names = [one["TrainingJobName"] for page in pages for one in page["TrainingJobSummaries"]]
    assert names == listing(listed, SortOrder=order)
    paginator = listed.get_paginator("list_training_jobs")
    found = paginator.paginate(SortOrder=order, PaginationConfig={"PageSize": 2})
    assert [one["TrainingJobName"] for page in found for one in page["TrainingJobSummaries"]] == names
    some = paginator.paginate(
        SortOrder=order, PaginationConfig={"PageSize": 2, "MaxItems": 3}
    ).build_full_result()
    assert [one["TrainingJobName"] for one in some["TrainingJobSummaries"]] == names[:3]
    rest = paginator.paginate(SortOrder=order, PaginationConfig={"StartingToken": some["NextToken"]})
    assert [one["TrainingJobName"] for page in rest for one in page["TrainingJobSummaries"]] == names[3:]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"MaxResults": 101},
            "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less",
        ),
        ({"MaxResults": 0}, "greater than or equal to 1"),
        ({"StatusEquals": "Done"}, "Member must satisfy enum value set: [InProgress, Completed,"),
        ({"NameContains": "a_b"}, "regular expression pattern"),
        ({"NextToken": "?"}, "Invalid NextToken"),
        ({"Name": "a"}, 'Unknown parameter in input: "Name"'),
        ({"CreationTimeAfter": "soon"}, "timestamp"),
    ],
)
def test_list_refuses(listed: Client, wrong: dict[str, Any], said: str) -> None:
    code, text, _ = refused(listed.list_training_jobs, **wrong)
    assert (code, said in text) == ("ValidationException", True)


def test_list_of_no_root(tmp_path: Path) -> None:
    client = Client(tmp_path / "none")
    assert client.list_training_jobs()["TrainingJobSummaries"] == []
    assert not (tmp_path / "none").exists()

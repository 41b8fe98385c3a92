"""Steps of pipelines that are cached or tried again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.made import pipeline, processing, processing_input
from tests.checks.made_pipelines import LEARNED, ask, learned, rules, train, warned


@pytest.mark.parametrize(
    ("after", "told"), [("P1D12H", True), ("P1DT12H", False), ("T12H", False), ("30d", False)]
)
def test_hours_of_a_cache_follow_a_t(after: str, told: bool) -> None:
    cached = {**ask("Go", a="b"), "CacheConfig": {"Enabled": True, "ExpireAfter": after}}
    assert ("DEP042" in warned(pipeline(cached))) == told


@pytest.mark.parametrize(("interval", "told"), [(60, False), (3600, True)])
def test_a_policy_that_expires_before_its_first_retry(interval: int, told: bool) -> None:
    step = ask("Tell", a="b")
    policy = {"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": interval, "ExpireAfterMin": 60}
    assert ("DEP041" in warned(pipeline({**step, "RetryPolicies": [policy]}))) == told


CACHED: dict[str, Any] = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"}}


def test_a_cached_step_after_one_that_is_not() -> None:
    evaluate = {**processing("Evaluate", ProcessingInputs=[processing_input("model", LEARNED)]), **CACHED}
    assert rules(train(), evaluate) == ["DEP055"]
    assert rules(train(**CACHED), evaluate) == []
    assert rules(train(), {**evaluate, "CacheConfig": {"Enabled": False}}) == []
    # where the job ends up is not what a step is recognised by
    writes = train(**CACHED)
    writes["Arguments"]["OutputDataConfig"]["S3OutputPath"] = {
        "Std:Join": {"On": "/", "Values": ["s3://example-bucket", {"Get": "Execution.PipelineExecutionId"}]}
    }
    assert rules(writes) == []


BUILT = "pytorch-training-2022-02-16-10-21-33-481"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("sagemaker_job_name", f'"{BUILT}"', True),
        ("sagemaker_submit_directory", f"s3://example-bucket/{BUILT}/source/sourcedir.tar.gz", True),
        (
            "sagemaker_submit_directory",
            "s3://example-bucket/code/9c1185a5c5e9/source/sourcedir.tar.gz",
            False,
        ),
        ("base_model", f"s3://example-bucket/{BUILT}/output/model.tar.gz", False),
    ],
)
def test_a_cached_step_that_is_named_by_the_clock(name: str, value: str, told: bool) -> None:
    step = train(**CACHED)
    step["Arguments"]["HyperParameters"][name] = value
    assert rules(step) == ["DEP055"] * told
    assert rules({**step, "CacheConfig": {"Enabled": False}}) == []


def test_code_that_is_uploaded_anew_for_a_cached_step() -> None:
    code = processing_input("code", f"s3://example-bucket/{BUILT}/input/code/prepare.py")
    one_earlier_job = f"s3://example-bucket/{BUILT}/output/train"  # which stays the same
    data = processing_input("train", one_earlier_job)
    assert rules({**processing(ProcessingInputs=[data, code]), **CACHED}) == ["DEP055"]
    assert rules({**processing(ProcessingInputs=[data]), **CACHED}) == []


def test_months_that_were_meant_as_minutes() -> None:
    assert rules(train(CacheConfig={"Enabled": True, "ExpireAfter": "P30M"})) == ["DEP042"]
    assert rules(train(CacheConfig={"Enabled": True, "ExpireAfter": "P3M"})) == []


def test_retries_of_a_step_that_starts_no_job() -> None:
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "MaxAttempts": 3}
    made = {**learned(data="s3://example-bucket/model.tar.gz"), "RetryPolicies": [policy]}
    assert rules(made) == ["DEP041"]
    assert rules(train(RetryPolicies=[policy])) == []

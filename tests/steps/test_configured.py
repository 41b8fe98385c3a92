"""What a builder gets from its configuration: inputs, a role, keys of its own, and an object instead of a mapping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from cursus.checks.views import Settings
from cursus.engine import check_step
from cursus.steps.lowering.builders import lower
from tests.steps.made import IMAGE, channel


def request() -> dict[str, Any]:
    return {
        "TrainingJobName": "churn",
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::123456789012:role/Role",
        "InputDataConfig": [channel("s3://example-bucket/train/", ChannelName="train")],
        "OutputDataConfig": {"S3OutputPath": "s3://example-bucket/models/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }


class Specified:
    """A builder that asks its ``**kwargs`` for inputs, and has a configuration class of its own."""

    def __init__(self, config: Any, session: Any = None, role: str | None = None) -> None:
        self.config, self.role = config, role

    def get_required_dependencies(self) -> list[str]:
        return ["data"]

    def create_step(self, **kwargs: Any) -> dict[str, Any]:
        inputs = kwargs.get("inputs", {})
        if "data" not in inputs:
            raise ValueError("Required input 'data' not provided")
        made = request()
        made["RoleArn"] = self.role
        made["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = inputs["data"]
        return made


@dataclass
class TeamConfig:
    role: str = "arn:aws:iam::123456789012:role/Team"
    region: str = "NA"
    py_version: str = "py3"
    inputs: dict[str, str] = field(default_factory=lambda: {"data": "s3://example-bucket/data/"})


@pytest.mark.parametrize("as_mapping", [True, False])
def test_the_configuration_gives_inputs_and_role(as_mapping: bool) -> None:
    config: Any = TeamConfig()
    if as_mapping:
        config = {**vars(config), "region": "us-east-1", "upstream": ["Split"]}
    step = lower(Specified, config)
    assert step.promises.failures == ()
    assert step.request["RoleArn"] == "arn:aws:iam::123456789012:role/Team"
    (channel,) = step.request["InputDataConfig"]
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == "s3://example-bucket/data/"
    assert step.region == ("us-east-1" if as_mapping else None)
    # Inputs that are given need no step; an attribute of the configuration's own class is no misspelt key.
    rules = [one.rule for one in check_step(step, Settings())]
    assert rules == (["STP090"] if as_mapping else [])


@pytest.mark.parametrize(
    ("word", "region"), [("NA", None), ("us-esat-1", "us-esat-1"), ("useast1", "useast1")]
)
def test_a_teams_own_word_for_a_region_is_none(word: str, region: str | None) -> None:
    assert lower(Specified, {**vars(TeamConfig()), "region": word}).region == region


def test_keys_that_the_builder_reads_are_its_own() -> None:
    class Reader:
        def __init__(self, config: Any) -> None:
            self.config = config

        def create_step(self) -> dict[str, Any]:
            return {**request(), "Environment": {"python": self.config["py_version"]}}

    given = {"py_version": "py3", "python_versoin": "py3"}
    found = check_step(lower(Reader, given), Settings())
    assert [one.message for one in found if one.rule == "STP090" and "py_version" in one.message] == []
    assert [one.rule for one in found if "python_versoin" in one.message] == ["STP090"]


def test_a_step_without_the_inputs_it_asks_for_says_how_to_give_them() -> None:
    (failure,) = lower(Specified, {}).promises.failures
    assert "its inputs were empty" in failure.message and '{"inputs": ' in failure.remedy
